// State_dicts of PyTorch 1.13 (state-dicts.py made them, with inputs and outputs) in models of the same architectures, and back.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  allReaders,
  decodeSafetensors,
  decodeTensors,
  encodeSafetensors,
} from '../../../src/formats/safetensors.ts'
import {
  activation,
  add,
  batchNormalization,
  bidirectional,
  block,
  conv1d,
  conv1dTranspose,
  conv2d,
  conv2dTranspose,
  conv3d,
  conv3dTranspose,
  customLayer,
  dense,
  einsumDense,
  embedding,
  flatten,
  groupedQueryAttention,
  groupNormalization,
  gru,
  input,
  LanegradError,
  type Layer,
  layerNormalization,
  lstm,
  type Model,
  model,
  multiHeadAttention,
  positionEmbedding,
  prelu,
  relu,
  reshape,
  type Symbolic,
  sequential,
  simpleRnn,
  spectralNormalization,
  tensor,
  timeDistributed,
  weightNormalization,
} from '../../../src/index.ts'
import { loadStateDict, type StateDictNames, saveStateDict } from '../../../src/torch/index.ts'
import { mutated, ROUNDS } from '../../support/mutated.ts'

interface Numbers {
  readonly shape: number[]
  readonly data: number[]
}
interface Case {
  readonly file: string
  readonly x: readonly Numbers[]
  readonly y: Numbers
}
const cases: Readonly<Record<string, Case>> = JSON.parse(
  readFileSync(new URL('state-dicts.json', import.meta.url), 'utf8'),
)
const fileOf = (name: string) => new Uint8Array(Buffer.from(cases[name].file, 'base64'))

/** With masks, which are no weights. */
const decoded = (file: Uint8Array) => decodeTensors(file, { ...allReaders, BOOL: allReaders.U8 })

/** The file as safetensors' own writer makes it: by name. */
function sorted(file: Uint8Array): Uint8Array {
  const { tensors } = decoded(file)
  return encodeSafetensors(new Map([...tensors].sort(([a], [b]) => (a < b ? -1 : 1))))
}

const chain = (inputShape: (number | null)[], ...layers: Layer[]) =>
  sequential({ inputShape, layers }) as Model
const mlp = () =>
  chain(
    [5],
    dense({ units: 7, activation: 'relu' }),
    dense({ units: 7, activation: 'tanh' }),
    dense({ units: 3 }),
  )
const batchNorm = () => batchNormalization({ epsilon: 1e-5 })
const layerNorm = () => layerNormalization({ epsilon: 1e-5 })
const ones = [
  [1, 1],
  [1, 1],
] as const
const attending = (...shapes: number[][]) => {
  const values = shapes.map((shape, i) => input({ shape, name: 'qvk'[i] }))
  return model({ inputs: values, outputs: multiHeadAttention({ numHeads: 2, keyDim: 3 })(values) }) as Model
}

const nets: Readonly<Record<string, () => Model>> = {
  linear: mlp,
  'linear in F16': mlp,
  'linear in BF16': mlp,
  'linear in F64': mlp,
  conv1d: () =>
    chain(
      [8, 3],
      conv1d({ filters: 4, kernelSize: 3, padding: 'same', activation: 'relu' }),
      conv1d({ filters: 2, kernelSize: 2, useBias: false }),
      flatten(),
      dense({ units: 3 }),
    ),
  conv2d: () =>
    chain(
      [8, 8, 3],
      conv2d({ filters: 4, kernelSize: 3, strides: 2, padding: ones }),
      batchNorm(),
      activation({ activation: 'relu' }),
      conv2d({ filters: 8, kernelSize: 3, padding: 'same', groups: 4 }),
      batchNorm(),
      conv2d({ filters: 6, kernelSize: [1, 2], groups: 2 }),
      prelu(),
      flatten(),
      batchNorm(),
      dense({ units: 5 }),
    ),
  convTranspose2d: () =>
    chain(
      [6],
      dense({ units: 36 }),
      layerNorm(),
      activation({ activation: 'relu' }),
      reshape({ targetShape: [3, 3, 4] }),
      conv2dTranspose({ filters: 3, kernelSize: 3, strides: 2 }),
      groupNormalization({ groups: 3, epsilon: 1e-5 }),
    ),
  lstm: () =>
    chain([5, 3], lstm({ units: 4, returnSequences: true }), lstm({ units: 4 }), dense({ units: 2 })),
  gru: () => chain([5, 3], gru({ units: 4, returnSequences: true }), gru({ units: 4 }), dense({ units: 2 })),
  rnn: () => chain([5, 3], simpleRnn({ units: 4, activation: 'relu' }), dense({ units: 2 })),
  'bidirectional lstm': () =>
    chain([5, 3], bidirectional({ layer: lstm({ units: 4, returnSequences: true }) })),
  'bidirectional gru': () =>
    chain([5, 3], bidirectional({ layer: gru({ units: 4, returnSequences: true }) })),
  attention: () => chain([4, 6], multiHeadAttention({ numHeads: 2, keyDim: 3 })),
  'attention with kdim': () => attending([4, 6], [3, 3], [3, 5]),
  transformer: () => {
    const x = input({ shape: [4, 6] })
    let y = x
    for (let i = 0; i < 2; i++) {
      y = layerNorm()(add()(y, multiHeadAttention({ numHeads: 2, keyDim: 3 })(y)))
      const wide = timeDistributed({ layer: dense({ units: 12, activation: 'relu' }) })(y)
      y = layerNorm()(add()(y, dense({ units: 6 })(wide)))
    }
    return model({ inputs: x, outputs: y }) as Model
  },
  'transposed over time': () =>
    chain(
      [5, 4],
      conv1dTranspose({ filters: 6, kernelSize: 3, strides: 2, groups: 2, activation: 'relu' }),
      conv1dTranspose({ filters: 2, kernelSize: 2, useBias: false }),
      flatten(),
      relu(),
      dense({ units: 3 }),
    ),
  'transposed volumes': () =>
    chain(
      [2, 2, 2, 2],
      conv3dTranspose({ filters: 3, kernelSize: 2, strides: 2 }),
      conv3d({ filters: 2, kernelSize: 2 }),
    ),
  embedding: () => {
    const table = embedding({ inputDim: 11, outputDim: 6, name: 'table' })
    const ids = input({ shape: [4], dtype: 'int32' })
    const y = layerNorm()(positionEmbedding({ length: 4 })(table(ids)))
    const logits = dense({ units: 11, useBias: false, tiedTo: table })(y)
    return model({ inputs: ids, outputs: logits }) as Model
  },
}
/** What a file holds that no layer learns. */
const named = (name: string) => (name === 'embedding' ? { names: { mask: null } } : {})

function expectOutput(net: Model, { x, y }: Case): void {
  const given = x.map(({ shape, data }) => tensor(data, shape))
  const ids = net.session.network.inputs[0].dtype === 'int32'
  const { data, shape } = (net as Model<Symbolic>).predict(
    ids ? Int32Array.from(x[0].data) : given.length > 1 ? given : given[0],
  )
  expect(shape).toEqual(y.shape)
  const largest = Math.max(...y.data.map(Math.abs))
  const differences = y.data.map((value, i) => Math.abs(value - data[i]) / largest)
  expect(Math.max(...differences)).toBeLessThan(1e-6)
}

const weightsOf = (net: Model) => Object.values(net.getWeights()).map(({ data }) => [...data])

test('every net of PyTorch has one here', () =>
  expect(Object.keys(nets).sort()).toEqual(Object.keys(cases).sort()))

describe.each(Object.keys(nets))('%s', (name) => {
  test.each([
    ['the state_dict', (file: Uint8Array) => file],
    ["safetensors' writer", sorted],
  ])('predicts what PyTorch does, from a file in the order of %s', (_, ordered) => {
    const net = nets[name]()
    loadStateDict(net, ordered(fileOf(name)), named(name))
    expectOutput(net, cases[name])
  })

  test('goes back under its names, number by number', () => {
    const net = nets[name]()
    const names = loadStateDict(net, fileOf(name), named(name))
    const { tensors, metadata } = decodeSafetensors(saveStateDict(net, { names }))
    expect(metadata).toEqual({ format: 'pt' })
    const given = decoded(fileOf(name)).tensors
    for (const own of given.keys()) if (/num_batches_tracked|mask/.test(own)) given.delete(own)
    expect([...tensors.keys()].sort()).toEqual([...given.keys()].sort())
    for (const [own, { shape, data }] of given) {
      expect([own, tensors.get(own)?.shape]).toEqual([own, shape])
      const back = tensors.get(own)
      // of two biases that are one here, the first has the sum
      const bias = /lstm|rnn/.test(name) ? /bias_(ih|hh)/.exec(own)?.[1] : undefined
      const hidden = given.get(own.replace('_ih', '_hh'))?.data ?? []
      const wanted = data.map((value, i) => (bias === 'hh' ? 0 : bias ? value + hidden[i] : value))
      expect([own, back?.data]).toEqual([own, wanted])
    }
    const again = nets[name]()
    loadStateDict(again, saveStateDict(net))
    expect(weightsOf(again)).toEqual(weightsOf(net))
  })
})

const encoded = (tensors: Readonly<Record<string, readonly number[]>>, seed = 0) => {
  let next = seed
  const all = Object.entries(tensors).map(([name, shape]) => {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).map(() => next++)
    return [name, { shape, data }] as const
  })
  return encodeSafetensors(new Map(all))
}
const errorOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(LanegradError)
    return (error as Error).message
  }
  return 'no error'
}

describe('several files', () => {
  const { tensors } = decodeSafetensors(fileOf('linear'))
  const shards = [0, 1].map((half) =>
    encodeSafetensors(new Map([...tensors].filter((_, i) => i < 3 === (half === 0)))),
  )
  const index = (names: readonly string[]) => {
    const weight_map = Object.fromEntries(names.map((name) => [name, 'model-00001-of-00002.safetensors']))
    return new TextEncoder().encode(JSON.stringify({ metadata: { total_size: 4 }, weight_map }))
  }

  test('are one state_dict, with the index anywhere among them or without it', () => {
    for (const files of [[shards[0], index([...tensors.keys()]), shards[1]], shards]) {
      const net = mlp()
      loadStateDict(net, files)
      expectOutput(net, cases.linear)
    }
  })

  test('what the index names and no file holds is told, and the other way round', () => {
    const all = index([...tensors.keys(), '6.weight'])
    expect(errorOf(() => loadStateDict(mlp(), [all, shards[0]]))).toBe(
      'loadStateDict: the index names "2.bias", "4.weight", "4.bias", "6.weight", which no file holds',
    )
    expect(errorOf(() => loadStateDict(mlp(), [index(['0.weight', '0.bias']), shards[0]]))).toBe(
      'loadStateDict: the index doesn\'t name "2.weight", which a file holds',
    )
    expect(errorOf(() => loadStateDict(mlp(), [shards[0], shards[0]]))).toMatch(/two files hold "0.weight"/)
    expect(errorOf(() => loadStateDict(mlp(), []))).toMatch(/files must be one file or more/)
  })
})

describe('what has no partner', () => {
  const net = () => chain([4], dense({ units: 8 }), batchNorm(), dense({ units: 2 }))

  test('is told on both sides, all of it, and nothing changes', () => {
    const own = net()
    const before = weightsOf(own)
    const file = encoded({
      'fc1.weight': [8, 4],
      'fc1.bias': [8],
      'fc2.weight': [3, 8],
      'fc2.bias': [3],
      extra: [5],
    })
    expect(errorOf(() => loadStateDict(own, file))).toBe(
      "loadStateDict: the file and the model don't match\n" +
        '  only in the file: fc2 (weight [3,8], bias [3]), extra ([5])\n' +
        "  only in the model, in PyTorch's shapes: batchNormalization_1 (weight [8], bias [8], running_mean [8], running_var [8]), dense_2 (weight [2,8], bias [2])\n" +
        "  give names: { 'name in PyTorch': 'name in the model' or null }, or the list of the state_dict's keys in their order",
    )
    expect(weightsOf(own)).toEqual(before)
  })

  const twins = () => chain([4], dense({ units: 4, name: 'one' }), dense({ units: 4, name: 'two' }))
  const names = { 'key.weight': [4, 4], 'key.bias': [4], 'query.weight': [4, 4], 'query.bias': [4] }
  const kernels = (own: Model) => Object.values(own.getWeights()).map(({ data }) => data[0])

  test('layers that shapes and names leave alike are refused where the file is sorted, and told', () => {
    const own = twins()
    expect(errorOf(() => loadStateDict(own, sorted(encoded(names))))).toMatch(
      /alike, in an order that the file doesn't tell: key \(bias \[4\], weight \[4,4\]\), query \(.*\) for one, two/,
    )
    loadStateDict(own, encoded(names)) // weight before bias: the order of a state_dict
    expect(kernels(own)).toEqual([0, 16, 20, 36])
    const numbered = { 'l10.weight': [4, 4], 'l10.bias': [4], 'l9.weight': [4, 4], 'l9.bias': [4] }
    loadStateDict(own, sorted(encoded(numbered)))
    expect(kernels(own)).toEqual([20, 36, 0, 16])
  })

  test('names say which is which: of modules or tensors, or all in order', () => {
    const file = sorted(encoded(names))
    const all: StateDictNames[] = [
      { query: 'one' },
      { 'query.weight': 'one/kernel' },
      { query: 'one', key: 'two' },
      ['query.weight', 'query.bias', 'key.weight', 'key.bias'],
      ['query', 'key'],
    ]
    for (const given of all) {
      const own = twins()
      expect(loadStateDict(own, file, { names: given })).toEqual({ key: 'two', query: 'one' })
      expect(kernels(own)).toEqual([20, 36, 0, 16])
    }
    const same = twins()
    loadStateDict(
      same,
      sorted(encoded({ 'two.weight': [4, 4], 'two.bias': [4], 'one.weight': [4, 4], 'one.bias': [4] })),
    )
    expect(kernels(same)).toEqual([20, 36, 0, 16]) // equal names need no order
  })

  test.each([
    [{ other: 'one' }, `"other" isn't a name of the file, which has "key"`],
    [{ key: 'three' }, `"three" isn't a name of the model, which has "one", "two"`],
    [{ key: 'one', query: 'one' }, '"one" is matched already'],
    [{ key: 5 as never }, "5 isn't a name of the model"],
    [['key'], 'the list lacks "query", which the file holds'],
    [[5] as never, 'names must be an object of names, or a list of them'],
    [5 as never, 'names must be an object of names, or a list of them'],
  ])('bad names: %j', (given, message) => {
    expect(errorOf(() => loadStateDict(twins(), encoded(names), { names: given }))).toContain(message)
  })

  test('null leaves a module out', () => {
    const own = twins()
    loadStateDict(own, encoded({ ...names, 'extra.scale': [3] }), { names: { 'extra.scale': null } })
    expect(kernels(own)).toEqual([0, 16, 20, 36])
  })

  test('two tensors of a weight that the model has once must be equal', () => {
    const table = embedding({ inputDim: 3, outputDim: 2, name: 'table' })
    const ids = input({ shape: [2], dtype: 'int32' })
    const own = model({
      inputs: ids,
      outputs: dense({ units: 3, useBias: false, tiedTo: table })(table(ids)),
    }) as Model
    const file = encoded({ 'wte.weight': [3, 2], 'lm_head.weight': [3, 2] })
    const given = { wte: 'table', lm_head: 'dense_1' }
    expect(errorOf(() => loadStateDict(own, file, { names: given }))).toMatch(
      /"lm_head.weight" and "wte.weight" differ; the model has one weight for both/,
    )
    loadStateDict(own, encoded({ 'wte.weight': [3, 2] })) // as safetensors' save_model leaves it
    expect([...own.getWeights()['table/embeddings'].data]).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('features whose order in PyTorch is not known are refused', () => {
    const inner = block({ layers: [flatten(), dense({ units: 2 })], name: 'head' })
    const own = chain([2, 2, 3], conv2d({ filters: 2, kernelSize: 1 }), inner)
    const wrapped = weightNormalization({ layer: dense({ units: 2 }), name: 'wrapped' })
    const other = chain([2, 2, 3], conv2d({ filters: 2, kernelSize: 1 }), flatten(), wrapped)
    expect(errorOf(() => saveStateDict(other))).toMatch(
      /layer wrapped: the features that it reads are flattened images/,
    )
    expect(errorOf(() => saveStateDict(own))).toMatch(/layer head: a block with flatten or reshape inside/)
  })
})

describe('layers that PyTorch has no module for go there and back, biases as well', () => {
  const rows = reshape({ targetShape: [4, 1] })
  const plain = customLayer({
    kind: 'plain',
    build: ({ g, weight }, [x]) => g.plus(g.times(x, weight('weight', [4])), weight('bias', [4])),
  })
  const layers: Readonly<Record<string, readonly Layer[]>> = {
    einsumDense: [einsumDense({ equation: 'ab,bc->ac', outputShape: 3, biasAxes: 'c' })],
    'gru that resets before': [rows, bidirectional({ layer: gru({ units: 2, resetAfter: false }) })],
    groupedQueryAttention: [
      rows,
      groupedQueryAttention({ numQueryHeads: 2, numKeyValueHeads: 1, keyDim: 2 }),
    ],
    spectralNormalization: [spectralNormalization({ layer: dense({ units: 3 }) })],
    'a layer of your own': [plain()],
  }
  test.each(Object.entries(layers))('%s', (_, list) => {
    const [from, to] = [1, 2].map((seed) => {
      const net = sequential({ inputShape: [4], layers: [...list, flatten(), dense({ units: 2 })], seed })
      for (const [name, { shape, data }] of Object.entries(net.getWeights()))
        net.setWeights({ [name]: { shape, data: data.map((value, i) => value + seed * i) } })
      return net
    })
    expect(weightsOf(to)).not.toEqual(weightsOf(from))
    loadStateDict(to, saveStateDict(from))
    expect(weightsOf(to)).toEqual(weightsOf(from))
  })
})

test.each([
  ['a zip', [0x50, 0x4b, 3, 4, 0, 0, 0, 0, 0]],
  ['a pickle', [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9]],
])('a file of torch.save, %s, is refused with the way out', (_, bytes) => {
  expect(errorOf(() => loadStateDict(mlp(), Uint8Array.from(bytes)))).toMatch(
    /a file of torch.save; write one with safetensors.torch.save_file/,
  )
})

test('damaged files give nothing but a LanegradError, and change nothing', () => {
  const file = fileOf('conv2d')
  const net = nets.conv2d()
  loadStateDict(net, file)
  const whole = saveStateDict(net)
  const before = weightsOf(net)
  const headerBytes = 8 + Number(new DataView(file.buffer).getBigUint64(0, true))
  let [refused, round] = [0, 0]
  for (const damaged of mutated(file, ROUNDS, (at) => at < headerBytes)) {
    try {
      loadStateDict(net, damaged)
      loadStateDict(net, whole)
    } catch (error) {
      if (!(error instanceof LanegradError)) throw error
      refused++
    }
    if (round++ % 20 === 0) expect(weightsOf(net)).toEqual(before)
  }
  expect(refused).toBeGreaterThan(ROUNDS / 2)
})
