// Models that Keras 3.15 has saved (models.py made them, with inputs and outputs), in all of its formats, and files of ours for it.
import { readFileSync } from 'node:fs'
import { inflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { type Hdf5Group, isDataset, readHdf5 } from '../../../src/formats/hdf5/read.ts'
import { type Attributes, writeHdf5 } from '../../../src/formats/hdf5/write.ts'
import { readZip, writeZip } from '../../../src/formats/zip.ts'
import {
  adam,
  dense,
  einsumDense,
  groupedQueryAttention,
  input,
  LanegradError,
  load,
  type Model,
  model as makeModel,
  type NamedArray,
  positionEmbedding,
  sequential,
  tensor,
} from '../../../src/index.ts'
import { type Imported, loadKeras, saveKeras } from '../../../src/keras/index.ts'
import { mutated, ROUNDS } from '../../support/mutated.ts'

interface Numbers {
  readonly shape: number[]
  readonly data: number[]
}
type Ending = '.keras' | '.h5' | '.weights.h5'
type Case = Readonly<Partial<Record<Ending, string>>> & {
  readonly x: readonly Numbers[]
  readonly y: readonly Numbers[]
}
const cases: Readonly<Record<string, Case>> = JSON.parse(
  readFileSync(new URL('models.json', import.meta.url), 'utf8'),
)
const fileOf = (name: string, ending: Ending) =>
  new Uint8Array(inflateSync(Buffer.from(cases[name][ending] ?? '', 'base64')))
// models of operations have no file of weights, and don't go back
const names = Object.keys(cases).filter((name) => !['operations', 'arithmetic', 'unknown'].includes(name))

/** The outputs of a model, in their order. */
function predicted(model: Model, x: readonly Numbers[]): readonly NamedArray[] {
  const ids = model.session.network.inputs[0].dtype === 'int32'
  const values = x.map(({ shape, data }) =>
    ids ? { shape, data: Int32Array.from(data) } : tensor(data, shape),
  )
  const y = model.predict(values.length > 1 ? values : values[0])
  return (Array.isArray(y) ? y : [y]) as readonly NamedArray[]
}

function expectOutputs(model: Model, { x, y }: Pick<Case, 'x' | 'y'>): void {
  const outputs = predicted(model, x)
  expect(outputs.map(({ shape }) => shape)).toEqual(y.map(({ shape }) => shape))
  y.forEach(({ data }, i) => {
    const largest = Math.max(...data.map(Math.abs))
    const differences = data.map((value, at) => Math.abs(value - outputs[i].data[at]) / largest)
    expect(Math.max(...differences)).toBeLessThan(1e-6)
  })
}
const loaded = (name: string, ending: Ending) => loadKeras(fileOf(name, ending)) as unknown as Imported

describe.each(names)('%s', (name) => {
  test.each(['.keras', '.h5'] as const)('predicts what Keras does, from %s', (ending) => {
    const model = loaded(name, ending)
    expectOutputs(model, cases[name])
    expect(model.importNotes.filter((note) => !note.startsWith('the model was compiled'))).toEqual([])
  })

  test('takes the weights of other files', () => {
    const given = loaded(name, '.keras')
    const wanted = given.getWeights()
    const zeros = Object.fromEntries(
      Object.entries(wanted).map(([own, { shape, data }]) => [own, { shape, data: data.map(() => 0) }]),
    )
    const ours = saveKeras(given)
    for (const file of [fileOf(name, '.weights.h5'), ours]) {
      const model = load(given.save())
      model.setWeights(zeros)
      expect(loadKeras(file, { model })).toBe(model)
      expect(model.getWeights()).toEqual(wanted)
    }
  })

  test('goes back as .keras', () => {
    const given = loaded(name, '.keras')
    const file = saveKeras(given)
    expect(Buffer.compare(file, saveKeras(given))).toBe(0)
    const again = loadKeras(file) as unknown as Imported
    expectOutputs(again, cases[name])
    expect(again.importNotes).toEqual([])
  })
})

const weightsIn = (file: Uint8Array): Record<string, NamedArray> => {
  const found: Record<string, NamedArray> = {}
  const walk = (group: Hdf5Group, path: string): void => {
    for (const own of group.names) {
      const node = group.get(own)
      if (isDataset(node)) found[path + own] = node.read()
      else if (node && own !== 'optimizer') walk(node, `${path}${own}/`)
    }
  }
  walk(readHdf5('file', readZip('file', file).read('model.weights.h5')), '')
  return found
}
const configIn = (file: Uint8Array) =>
  JSON.parse(new TextDecoder().decode(readZip('file', file).read('config.json')))

describe('a file of ours beside that of Keras', () => {
  // seeds of dropout are states of Keras alone
  test.each(names)('%s has the same paths, shapes and numbers of weights', (name) => {
    const theirs = weightsIn(fileOf(name, '.keras'))
    for (const path of Object.keys(theirs)) if (path.includes('seed')) delete theirs[path]
    if (name === 'normalization') for (const i of [0, 1, 2]) delete theirs[`layers/normalization/vars/${i}`]
    expect(weightsIn(saveKeras(loaded(name, '.keras')))).toEqual(theirs)
  })

  test('models within a model are called as they were', () => {
    /** The calls of each layer and model, by its path: classes, and what each call reads. */
    const callsIn = (file: Uint8Array): Record<string, unknown> => {
      const found: Record<string, unknown> = {}
      const historyIn = (node: unknown): unknown => {
        if (Array.isArray(node)) return node.map(historyIn)
        const { keras_history, ...rest } = (node as { config?: Record<string, unknown> }).config ?? {}
        return keras_history ?? rest
      }
      const walk = (config: Record<string, unknown>, path: string): void => {
        for (const layer of config.layers as Record<string, unknown>[]) {
          const own = layer.config as Record<string, unknown>
          const nodes = (layer.inbound_nodes ?? []) as { readonly args: unknown[] }[]
          const isInput = layer.class_name === 'InputLayer'
          const args = config.input_layers && nodes.map((node) => historyIn(node.args))
          if (!isInput) found[path + (layer.name ?? own.name)] = [layer.class_name, args]
          if (own.layers) walk(own, `${path}${own.name}/`)
        }
        if (config.output_layers) found[`${path}outputs`] = config.output_layers
      }
      walk(configIn(file).config, '')
      return found
    }
    // inputs of models within have no names here
    const text = (file: Uint8Array) =>
      JSON.stringify(callsIn(file)).replaceAll(/"input_layer_\d+"/g, '"input"')
    expect(JSON.parse(text(saveKeras(loaded('nested', '.keras'))))).toEqual(
      JSON.parse(text(fileOf('nested', '.keras'))),
    )
  })

  test('weights of models within others are not those of a model in line', () => {
    const model = sequential({ inputShape: [4], layers: [dense({ units: 4 }), dense({ units: 3 })] })
    expect(errorOf(() => loadKeras(fileOf('nested', '.weights.h5'), { model }))).toMatch(
      /has models within it \(functional\)/,
    )
  })

  test('layers have the names, classes and options that they had', () => {
    const file = fileOf('images', '.keras')
    const layersOf = (bytes: Uint8Array) =>
      new Map<string, Record<string, unknown>>(
        configIn(bytes).config.layers.map((layer: { name: string }) => [layer.name, layer]),
      )
    const theirs = layersOf(file)
    for (const [own, layer] of layersOf(saveKeras(loaded('images', '.keras')))) {
      const there = theirs.get(own) as Record<string, unknown>
      expect([own, layer.class_name, layer.module]).toEqual([own, there.class_name, there.module])
      const [ours, config] = [layer.config, there.config] as Record<string, unknown>[]
      for (const key of Object.keys(ours)) {
        if (/dtype|initializer|regularizer/.test(key)) continue // in other forms
        expect([own, key, ours[key]]).toEqual([own, key, config[key]])
      }
    }
  })
})

test('layers of Keras that do nothing in prediction are left out, with a note where they do something in training', () => {
  const names = ['Identity', 'ActivityRegularization', 'RandomFlip', 'RandomZoom']
  const layers = names.map((class_name, i) => ({
    class_name,
    config: { name: `own_${i}`, l2: 0.1, mode: 'horizontal', height_factor: 0.1 },
  }))
  const input = { class_name: 'InputLayer', config: { name: 'x', batch_shape: [null, 2, 2, 1] } }
  const config = { name: 'm', layers: [input, ...layers] }
  const json = new TextEncoder().encode(JSON.stringify({ class_name: 'Sequential', config }))
  const file = writeZip({ 'config.json': json, 'model.weights.h5': writeHdf5(new Map()) })
  const model = loadKeras(file)
  expect([...model.predict(tensor([1, -2, 3, 4], [1, 2, 2, 1])).data]).toEqual([1, -2, 3, 4])
  expect(model.importNotes.map((note) => note.split(':')[0])).toEqual([
    'ActivityRegularization own_1',
    'RandomFlip own_2',
    'RandomZoom own_3',
  ])
})

test('einsumDense and groupedQueryAttention lie where Keras 3.15 has them', () => {
  const x = input({ shape: [5, 6] })
  const heads = groupedQueryAttention({ numQueryHeads: 4, numKeyValueHeads: 2, keyDim: 4 })(x)
  const y = einsumDense({ equation: 'abc,cde->abde', outputShape: [null, 2, 3], biasAxes: 'de' })(heads)
  const file = saveKeras(makeModel({ inputs: x, outputs: y }))
  const shapes = Object.entries(weightsIn(file)).map(([path, { shape }]) => `${path} ${shape}`)
  const attention = 'layers/grouped_query_attention'
  expect(shapes.sort()).toEqual(
    [
      'layers/einsum_dense/vars/0 6,2,3',
      'layers/einsum_dense/vars/1 2,3',
      ...[`${attention}/_key_dense/vars/0 6,2,4`, `${attention}/_key_dense/vars/1 2,4`],
      ...[`${attention}/_output_dense/vars/0 4,4,6`, `${attention}/_output_dense/vars/1 6`],
      ...[`${attention}/_query_dense/vars/0 6,4,4`, `${attention}/_query_dense/vars/1 4,4`],
      ...[`${attention}/_value_dense/vars/0 6,2,4`, `${attention}/_value_dense/vars/1 2,4`],
    ].sort(),
  )
  const classes = configIn(file).config.layers.map(({ class_name }: { class_name: string }) => class_name)
  expect(classes).toEqual(['InputLayer', 'GroupQueryAttention', 'EinsumDense'])
})

describe('operations between layers', () => {
  test('of Keras 3: x + y, 1 - x, ops.mean ...', () => {
    const model = loaded('arithmetic', '.keras')
    expectOutputs(model, cases.arithmetic)
    expectOutputs(load(model.save()), cases.arithmetic)
    expect(model.importNotes).toEqual([])
    const kinds = new Set(model.layers.map(({ kind }) => kind))
    for (const kind of [
      'add',
      'subtract',
      'maximum',
      'rescaling',
      'activation',
      'softmax',
      'permute',
      'reshape',
    ])
      expect(kinds).toContain(kind)
  })

  // as tf.keras 2.15 writes them: functional models with a value or a constant behind each name
  const keras2 = (
    layers: readonly (readonly [name: string, fn: string, node: unknown, config?: object])[],
  ) => {
    const input = {
      class_name: 'InputLayer',
      name: 'x',
      config: { name: 'x', batch_input_shape: [null, 2, 3] },
      inbound_nodes: [],
    }
    const made = layers.map(([name, fn, node, config]) => ({
      class_name: 'TFOpLambda',
      name,
      config: { name, trainable: true, dtype: 'float32', function: fn, ...config },
      inbound_nodes: [node],
    }))
    const config = {
      name: 'model',
      layers: [input, ...made],
      input_layers: [['x', 0, 0]],
      output_layers: [[layers.at(-1)?.[0], 0, 0]],
    }
    return writeHdf5(
      new Map(),
      new Map<string, Attributes>([
        ['', { model_config: JSON.stringify({ class_name: 'Functional', config }), keras_version: '2.15.0' }],
      ]),
    )
  }

  test('of Keras 2 (TFOpLambda)', () => {
    const file = keras2([
      ['half', 'math.truediv', ['x', 0, 0, { y: 2, name: null }]],
      ['less', 'math.subtract', ['_CONSTANT_VALUE', -1, 1, { y: ['half', 0, 0], name: null }]],
      ['sum', '__operators__.add', ['less', 0, 0, { y: ['x', 0, 0], name: null }]],
      ['scaled', 'math.multiply', ['sum', 0, 0, { y: [[[1, 2, 3]]], name: null }]],
      ['relu', 'nn.relu', ['scaled', 0, 0, { name: null }]],
      [
        'both',
        'concat',
        [
          ['relu', 0, 0, { axis: -1 }],
          ['x', 0, 0, { axis: -1 }],
        ],
      ],
      ['mean', 'math.reduce_mean', ['both', 0, 0, { axis: [1], keepdims: true, name: null }]],
      ['flat', 'compat.v1.squeeze', ['mean', 0, 0, { axis: [1], name: null }]],
    ])
    const x = [-4, 1, 2, 3, -0.5, 8]
    const scaled = x.map((v, i) => Math.max(0, (1 - v / 2 + v) * ((i % 3) + 1)))
    const wanted = [0, 1, 2]
      .map((i) => (scaled[i] + scaled[i + 3]) / 2)
      .concat([0, 1, 2].map((i) => (x[i] + x[i + 3]) / 2))
    expect([
      ...predicted(loadKeras(file) as unknown as Model, [{ shape: [1, 2, 3], data: x }])[0].data,
    ]).toEqual(wanted)
  })

  test('what an operation asks for and there is not is told', () => {
    const told = (fn: string, options: object) =>
      errorOf(() => loadKeras(keras2([['odd', fn, ['x', 0, 0, options]]])))
    expect(told('math.pow', { y: 3 })).toMatch(/tf.math.pow odd: a power of 3 \(2 and 0.5 are taken\)/)
    expect(told('math.reduce_sum', { axis: [0] })).toMatch(/odd: axis \[0\] \(axes 1 to 2 are taken\)/)
    expect(told('math.reduce_sum', {})).toMatch(/odd: no axis/)
    expect(told('reshape', { shape: [3, 2] })).toMatch(/its first axis must be that of the batch/)
    expect(told('math.multiply', { y: [[1, 2], [3]] })).toMatch(/odd: the constant/)
    expect(told('math.multiply', { y: 'one' })).toMatch(/odd: the constant "one"/)
    expect(told('cast', { dtype: 'int32' })).toMatch(/dtype "int32" \(float32 alone\)/)
    expect(told('io.read_file', {})).toMatch(/no layers of these classes: tf.io.read_file \(odd\)/)
    let deep: unknown = 1
    for (let i = 0; i < 300; i++) deep = [deep]
    expect(told('math.multiply', { y: deep })).toMatch(/odd: the constant/)
  })
})

test('an imported model trains', () => {
  const model = loaded('mlp', '.keras').compile({
    loss: 'categoricalCrossentropy',
    optimizer: adam({ learningRate: 0.05 }),
  })
  const y = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
    [1, 0, 0],
  ]
  const x = tensor(cases.mlp.x[0].data, cases.mlp.x[0].shape)
  const first = model.trainStep(x, y).loss
  for (let step = 0; step < 50; step++) model.trainStep(x, y)
  expect(model.trainStep(x, y).loss).toBeLessThan(0.9 * first) // dropout and the penalty stay
})

// ---- Keras 2 --------------------------------------------------------------------------------------

/** A legacy file as tf.keras 2 writes it (hdf5_format.py), of a model that TensorFlow.js has saved. */
function keras2File(
  sample: string,
  rename: (weight: string) => string,
): { file: Uint8Array; x: Numbers[]; outputs: number[][] } {
  const { modelTopology, weightSpecs, weights, inputs, outputs } = JSON.parse(
    readFileSync(new URL(`../tfjs/${sample}.json`, import.meta.url), 'utf8'),
  )
  const bytes = new Uint8Array(Buffer.from(weights, 'base64'))
  const datasets = new Map<string, NamedArray>()
  const lists = new Map<string, string[]>()
  const owners = new Map<string, string>() // layers of inner models lie in the group of the model
  for (const layer of modelTopology.config.layers)
    for (const inner of layer.config.layers ?? [layer])
      owners.set(inner.name ?? inner.config.name, layer.name ?? layer.config.name)
  let at = 0
  for (const { name, shape } of weightSpecs) {
    const count = shape.reduce((product: number, n: number) => product * n, 1)
    const owner = owners.get(name.split('/')[0]) as string
    const own = `${rename(name)}:0`
    datasets.set(`model_weights/${owner}/${own}`, {
      shape,
      data: new Float32Array(bytes.slice(at, at + 4 * count).buffer),
    })
    lists.set(owner, [...(lists.get(owner) ?? []), own])
    at += 4 * count
  }
  const attributes = new Map<string, Attributes>([
    ['', { model_config: JSON.stringify(modelTopology), keras_version: '2.15.0', backend: 'tensorflow' }],
    ...[...lists].map(([owner, list]): [string, Attributes] => [
      `model_weights/${owner}`,
      { weight_names: list },
    ]),
  ])
  return { file: writeHdf5(datasets, attributes), x: inputs, outputs }
}

describe('files of Keras 2', () => {
  test.each([
    ['conv2d_s2_same', (weight: string) => weight],
    ['nested_functional', (weight: string) => weight],
    ['bidirectional_lstm', (weight: string) => weight.replace(/\/([^/]+)$/, '/lstm_cell_1/$1')],
    ['gru_sigmoid', (weight: string) => weight.replace('/', '/gru_cell/')],
    // of a layer that was made under another name
    ['ln', (weight: string) => weight.replace(/^[^/]+/, 'other')],
  ])('%s', (sample, rename) => {
    const { file, x, outputs } = keras2File(sample, rename)
    const model = loadKeras(file) as unknown as Model
    const shapes = predicted(model, x).map(({ shape }) => [...shape])
    expectOutputs(model, { x, y: outputs.map((data, i) => ({ data, shape: shapes[i] })) })
  })
})

// ---- what can't be read ---------------------------------------------------------------------------

const errorOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(LanegradError)
    return (error as Error).message
  }
  return 'no error'
}

describe('what can not be read is told', () => {
  test('operations that we lack, and Lambda, all at once', () => {
    expect(errorOf(() => loaded('unknown', '.keras'))).toMatch(
      /no layers of these classes: (?=.*ops.Cumsum \(cumsum\))(?=.*ops.Sort \(sort\))(?=.*Lambda \(lambda\))/,
    )
    expect(errorOf(() => loaded('operations', '.keras'))).toMatch(
      /no layers of these classes: Lambda \(lambda\)\./,
    )
  })

  test('weights without a model, and with one that has other layers', () => {
    const file = fileOf('mlp', '.weights.h5')
    expect(errorOf(() => loadKeras(file))).toMatch(/weights alone: loadKeras\(bytes, \{ model \}\)/)
    const other = sequential({ inputShape: [5], layers: [dense({ units: 6 }), dense({ units: 4 })] })
    const before = other.getWeights()
    expect(errorOf(() => loadKeras(file, { model: other }))).toMatch(
      /weight dense_1\/kernel must have the shape \[5,6\]; the file's has \[5,7\]/,
    )
    expect(other.getWeights()).toEqual(before)
    const deeper = sequential({ inputShape: [5], layers: [7, 4, 3, 2].map((units) => dense({ units })) })
    expect(errorOf(() => loadKeras(file, { model: deeper }))).toMatch(
      /lacks the weights dense_4\/kernel \(layers\/dense_3\/vars\/0\), dense_4\/bias/,
    )
    expect(errorOf(() => loadKeras(file, { model: 5 as never }))).toMatch(/loadKeras: model must be a model/)
  })

  test.each([
    ['no file at all', Uint8Array.of(1, 2, 3), /expected a .keras file \(a zip\) or an .h5 file/],
    ['an empty archive', writeZip({}), /holds no config.json/],
    [
      'weights in another form',
      writeZip({ 'config.json': new Uint8Array(2), 'model.weights.npz': new Uint8Array(2) }),
      /holds no model.weights.h5/,
    ],
    [
      'no JSON',
      writeZip({ 'config.json': Uint8Array.of(0x7b), 'model.weights.h5': writeHdf5(new Map()) }),
      /must be JSON/,
    ],
    [
      'no HDF5',
      writeZip({ 'config.json': Uint8Array.of(0x7b, 0x7d), 'model.weights.h5': new Uint8Array(99) }),
      /isn't an HDF5 file/,
    ],
  ])('%s', (_, file, message) => {
    expect(errorOf(() => loadKeras(file))).toMatch(message)
  })

  test('a layer of sizes that the file only claims takes no memory', () => {
    const zip = readZip('file', fileOf('mlp', '.keras'))
    const config = new TextDecoder()
      .decode(zip.read('config.json'))
      .replaceAll('"units": 7', '"units": 700000000')
    const file = writeZip({
      'config.json': new TextEncoder().encode(config),
      'model.weights.h5': zip.read('model.weights.h5'),
    })
    expect(errorOf(() => loadKeras(file))).toMatch(/dense\/kernel must have the shape \[5,700000000\]/)
  })

  test('a layer that is called on nothing, of every class', () => {
    const classes = [
      'LSTM',
      'Dense',
      'PReLU',
      'Reshape',
      'BatchNormalization',
      'MultiHeadAttention',
      'Resizing',
      'Add',
    ]
    for (const class_name of classes) {
      const input = {
        class_name: 'InputLayer',
        name: 'x',
        config: { name: 'x', batch_shape: [null, 4, 3] },
        inbound_nodes: [],
      }
      const odd = {
        class_name,
        name: 'odd',
        config: { name: 'odd', units: 2, height: 2, width: 2 },
        inbound_nodes: [{ args: [], kwargs: {} }],
      }
      const config = {
        name: 'm',
        layers: [input, odd],
        input_layers: ['x', 0, 0],
        output_layers: ['odd', 0, 0],
      }
      const json = new TextEncoder().encode(JSON.stringify({ class_name: 'Functional', config }))
      const file = writeZip({ 'config.json': json, 'model.weights.h5': writeHdf5(new Map()) })
      expect(errorOf(() => loadKeras(file))).toMatch(/"odd" is called on nothing/)
    }
  })

  test('saveKeras names all that Keras lacks', () => {
    const odd = dense({ units: 2, activation: { name: 'celu', alpha: 2 }, name: 'odd' })
    const model = sequential({ inputShape: [4, 3], layers: [positionEmbedding({ name: 'places' }), odd] })
    expect(errorOf(() => saveKeras(model))).toMatch(
      /saveKeras: Keras doesn't have: positionEmbedding \(places\); dense odd: .*celu/,
    )
  })
})

describe('damaged files give nothing but a LanegradError', () => {
  // small files: each is read in a millisecond
  const zip = readZip('file', fileOf('films', '.keras'))
  const [config, weights] = [zip.read('config.json'), zip.read('model.weights.h5')]
  const archive = (config: Uint8Array, weights: Uint8Array) =>
    writeZip({ 'config.json': config, 'model.weights.h5': weights })
  const model = loaded('normalization', '.keras')
  const isMarked = (file: Uint8Array) => (at: number) => file[at] !== 0
  const marked = (file: Uint8Array, rounds: number) => mutated(file, rounds, isMarked(file))
  const third = Math.ceil(ROUNDS / 3)

  test.each<[string, number, () => Iterable<Uint8Array>, object?]>([
    ['.keras: the archive', third, () => marked(fileOf('mlp', '.keras'), third)],
    [
      '.keras: its config',
      third,
      function* () {
        for (const name of ['mlp', 'sequences', 'attention', 'convLstm']) {
          const own = readZip('file', fileOf(name, '.keras'))
          const untouched = own.read('model.weights.h5')
          for (const one of mutated(own.read('config.json'), Math.ceil(third / 4)))
            yield archive(one, untouched)
        }
      },
    ],
    [
      '.keras: its weights',
      third,
      function* () {
        for (const one of marked(weights, third)) yield archive(config, one)
      },
    ],
    [
      '.h5 of Keras 2',
      ROUNDS,
      function* () {
        yield* marked(fileOf('mlp', '.h5'), Math.ceil(ROUNDS / 4))
        yield* marked(fileOf('convLstm', '.h5'), Math.floor((3 * ROUNDS) / 4))
      },
    ],
    ['.weights.h5', ROUNDS, () => marked(fileOf('normalization', '.weights.h5'), ROUNDS), { model }],
  ])(
    '%s, %i of them',
    (_, rounds, files, options) => {
      let count = 0
      let refused = 0
      for (const file of files()) {
        count++
        try {
          loadKeras(file, options)
        } catch (error) {
          if (!(error instanceof LanegradError)) throw error
          refused++
        }
      }
      expect(count).toBeGreaterThanOrEqual(rounds)
      expect(refused).toBeGreaterThan(rounds / 10)
    },
    300_000,
  )
})
