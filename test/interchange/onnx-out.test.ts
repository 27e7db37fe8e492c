// Models as ONNX files: what onnxruntime makes of them, and what the checker of ONNX says, for a net of every kind of layer.
import { describe, expect, test } from 'vitest'
import * as L from '../../src/index.ts'
import { decodeModel, type GraphProto } from '../../src/interchange/onnx/messages.ts'
import { layerKinds } from '../../src/layers/kinds.ts'
import { loadOnnx, saveOnnx } from '../../src/onnx/index.ts'
import { nets } from './onnx-nets.ts'
import { checks, problemsOf, runFile, runtime } from './onnx-runtime.ts'

/** Numbers from -1 to 1, of a linear congruential generator. */
function reals(seed: number, length: number): Float32Array<ArrayBuffer> {
  let state = seed * 7919 + 12345
  return new Float32Array(length).map(() => {
    state = (Math.imul(state, 69069) + 1) >>> 0
    return Math.floor(state / 65536) / 32768 - 1
  })
}

/** A model of which no weight is 0, nor all of a kind alike. */
function shaken(model: L.Model): L.Model {
  const weights = Object.entries(model.getWeights()).map(([name, { data, shape }], seed) => {
    const noise = reals(seed + 1, data.length)
    const isVariance = name.endsWith('variance')
    const size = 0.3 / Math.max(1, Math.sqrt(data.length) / 16) // so that values stay of a size
    const numbers = data.map((w, i) => (isVariance ? 1 + noise[i] / 2 : w + size * noise[i]))
    return [name, { data: numbers, shape }]
  })
  model.setWeights(Object.fromEntries(weights))
  return model
}

/** Inputs for some rows; of ids, the last ones of a row are 0 (padding), and one amid the others. */
function inputsOf(model: L.Model, rows: number): Record<string, L.NamedArray> {
  const entries = model.session.network.inputs.map(({ name, shape, dtype }, seed) => {
    const full = [rows, ...shape.map((n) => n ?? 1)]
    const length = full.reduce((product, n) => product * n, 1)
    const numbers = reals(seed + rows, length)
    if (dtype === 'float32') return [name, { data: numbers, shape: full }]
    const width = full[1] ?? 1
    const ids = Int32Array.from(numbers, (x, i) =>
      i % width >= width - Math.floor(i / width) || i % 5 === 1 ? 0 : 1 + Math.floor((x + 1) * 1.99),
    )
    return [name, { data: ids, shape: full }]
  })
  return Object.fromEntries(entries)
}

/** A model's predictions by the names of its outputs. */
function predicted(model: L.Model, inputs: Record<string, L.NamedArray>): Record<string, L.NamedArray> {
  const { inputStructure, outputs } = model.session.network
  const values = Object.values(inputs)
  const x = { single: values[0], list: values, record: inputs }[inputStructure]
  const y = model.predict(x as never) as unknown as
    | L.NamedArray
    | L.NamedArray[]
    | Record<string, L.NamedArray>
  const entries = outputs.map(({ name }, i) => [
    name,
    Array.isArray(y) ? y[i] : name in y ? (y as Record<string, L.NamedArray>)[name] : y,
  ])
  return Object.fromEntries(entries)
}

/** The largest difference, in units of the largest number. */
function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [most, largest] = [0, 1e-30]
  for (let i = 0; i < b.length; i++) {
    most = Math.max(most, Math.abs(a[i] - b[i]))
    largest = Math.max(largest, Math.abs(b[i]))
    if (Number.isNaN(a[i]) !== Number.isNaN(b[i])) return Number.NaN
  }
  return most / largest
}

/** The large nets of the bench. */
const LARGE = /-10$|^transformer-1/

describe('a net of each kind of layer', () => {
  test('is in the table', () => {
    const found = new Set<string>()
    const note = (kind: string, config: object) => {
      found.add(kind)
      const text = JSON.stringify(config)
      for (const [, inner] of text.matchAll(/"kind":"(\w+)"/g)) found.add(inner)
    }
    for (const make of Object.values(nets))
      for (const { layer } of make().session.network.calls) note(layer.kind.kind, layer.config)
    expect(layerKinds.map(({ kind }) => kind).filter((kind) => !found.has(kind))).toEqual([])
  })

  test.skipIf(!runtime).each(Object.entries(nets))('%s: onnxruntime predicts the same', async (_, make) => {
    const model = shaken(make())
    const bytes = saveOnnx(model, { opset: 17, dynamicBatch: true })
    for (const rows of [3, 1]) {
      const inputs = inputsOf(model, rows)
      const results = await runFile(runtime as NonNullable<typeof runtime>, bytes, inputs)
      const expected = predicted(model, inputs)
      expect(Object.keys(results).sort()).toEqual(Object.keys(expected).sort())
      for (const [name, { data, shape }] of Object.entries(expected)) {
        expect(results[name].shape).toEqual(shape)
        expect(distance(results[name].data, data)).toBeLessThan(1e-6)
      }
    }
  })

  // what runs everywhere, if by a reader of our own
  test.each(Object.entries(nets).filter(([name]) => !LARGE.test(name)))(
    '%s: comes back by loadOnnx',
    (_, make) => {
      const model = shaken(make())
      const back = loadOnnx(saveOnnx(model))
      const inputs = inputsOf(model, 2)
      const results = Object.values(predicted(back, inputs))
      Object.values(predicted(model, inputs)).forEach(({ data }, i) => {
        expect(distance(results[i].data, data)).toBeLessThan(1e-5)
      })
    },
  )

  test.skipIf(!checks)('passes the checker of ONNX, shapes included', () => {
    const files = Object.entries(nets).flatMap(([name, make]) =>
      [true, false].map(
        (dynamicBatch) => [`${name} ${dynamicBatch}`, saveOnnx(make(), { dynamicBatch })] as const,
      ),
    )
    expect(problemsOf(new Map(files))).toEqual({})
  })
})

describe('a file', () => {
  const graphOf = (model: L.Model, options = {}) => decodeModel(saveOnnx(model, options)).graph as GraphProto
  const countsOf = (model: L.Model) => {
    const counts: Record<string, number> = {}
    for (const { opType = '' } of graphOf(model).node) counts[opType] = (counts[opType] ?? 0) + 1
    return counts
  }

  test('keeps channels behind the batch from the first window to the last', () => {
    const { Transpose, Reshape, MatMul, Conv, BatchNormalization } = countsOf(nets.mobile())
    expect({ Transpose, Reshape, MatMul, Conv, BatchNormalization }).toEqual({
      ...{ Transpose: 1, Reshape: undefined, MatMul: 1 },
      ...{ Conv: 10, BatchNormalization: 10 },
    })
    expect(countsOf(nets.separableConv2d())).toEqual({ Transpose: 2, Conv: 4, Relu: 1 })
    expect(countsOf(nets.conv1d())).toEqual({ Transpose: 2, Conv: 3 })
  })
  test('has the operators that ONNX has for what layers compose', () => {
    expect(countsOf(nets.prelu())).toEqual({ Transpose: 2, Conv: 1, PRelu: 1 })
    expect(countsOf(nets['batchNormalization of rows']())).toEqual({
      BatchNormalization: 1,
      MatMul: 1,
      Add: 1,
    })
    expect(countsOf(nets.bidirectional())).toMatchObject({ LSTM: 2, GRU: 2 })
    expect(countsOf(nets['lstm-128-10']())).toEqual({ Transpose: 1, LSTM: 1, Reshape: 1, MatMul: 1, Add: 1 })
  })
  test('has nothing that no output reads', () => {
    const x = L.input({ shape: [5, 2] })
    const [, h] = L.lstm({ units: 3, returnState: true, returnSequences: true })(L.masking()(x))
    const { node, initializer } = graphOf(L.model({ inputs: x, outputs: h }))
    const read = new Set(node.flatMap(({ input }) => input).concat('lstm_1:1'))
    expect(node.filter(({ output }) => !output.some((name) => read.has(name)))).toEqual([])
    expect(initializer.filter(({ name = '' }) => !read.has(name))).toEqual([])
  })
  test('names inputs, outputs, weights and nodes as the model does', () => {
    const x = L.input({ shape: [4], name: 'x' })
    const made = L.dense({ units: 3, name: 'head' })(x)
    const graph = graphOf(L.model({ inputs: x, outputs: { y: made, same: made, x } }))
    expect(graph.input.map(({ name }) => name)).toEqual(['x'])
    expect(graph.output.map(({ name }) => name)).toEqual(['y', 'same', 'x_2'])
    expect(graph.initializer.map(({ name }) => name)).toEqual(['head/kernel', 'head/bias'])
    expect(graph.node.map(({ name }) => name)).toEqual(['head/MatMul', 'head/Add', 'Identity', 'Identity_2'])
    expect(graph.input[0].type?.tensorType?.shape?.dim).toEqual([{ dimParam: 'batch' }, { dimValue: 4 }])
  })
  test('is of one row without dynamicBatch', () => {
    const { input, output } = graphOf(nets.dense(), { dynamicBatch: false })
    for (const info of [...input, ...output])
      expect(info.type?.tensorType?.shape?.dim[0]).toEqual({ dimValue: 1 })
  })
  test('leaves the model as it was, and follows its weights', () => {
    const model = nets.dense()
    const weights = JSON.stringify(model.getWeights())
    const first = saveOnnx(model)
    expect(JSON.stringify(model.getWeights())).toBe(weights)
    expect(saveOnnx(model)).toEqual(first)
    expect(saveOnnx(shaken(model))).not.toEqual(first)
  })
})

describe('is refused by name', () => {
  const random = L.customLayer({
    kind: 'counted',
    build: ({ g }, [x]) => g.times(x, x.shape[0]),
  })
  const grown = L.customLayer({
    kind: 'grown',
    build: ({ g }, [x]) => (x.shape[0] > 4 ? g.plus(g.unary('abs', x), 1) : x),
  })
  const net = (...layers: L.Layer[]) => L.sequential({ inputShape: [4, 3], layers })

  test('every layer whose numbers depend on the size of the batch', () => {
    const model = net(random({ name: 'a' }), L.dense({ units: 3 }), random({ name: 'b' }))
    expect(() => saveOnnx(model)).toThrow(
      'saveOnnx: layer a: a constant that depends on the size of the batch; layer b: a constant that',
    )
    expect(saveOnnx(model, { dynamicBatch: false }).length).toBeGreaterThan(100)
  })
  test('a layer whose operations do', () => {
    expect(() => saveOnnx(net(grown({ name: 'a' })))).toThrow(
      'saveOnnx: layer a: operations that depend on the size of the batch (dynamicBatch: false exports them',
    )
  })
  test('a state that stays', () => {
    const model = net(L.lstm({ units: 2, stateful: true, name: 'kept' }))
    expect(() => saveOnnx(model, { dynamicBatch: false })).toThrow('layer kept: a state that stays')
  })
  test('an axis of unknown length', () => {
    const model = L.sequential({ inputShape: [null, 3], layers: [L.lstm({ units: 2 })] })
    expect(() => saveOnnx(model)).toThrow(
      'saveOnnx: input input has an axis of unknown length: make the model',
    )
  })
  test('a value that is not a model, and bad options', () => {
    expect(() => saveOnnx({} as never)).toThrow('saveOnnx: model must be a model')
    expect(() => saveOnnx(nets.dense(), { opset: 18 } as never)).toThrow('saveOnnx: opset must be 17; got 18')
    expect(() => saveOnnx(nets.dense(), { batch: 1 } as never)).toThrow('unknown saveOnnx option "batch"')
    expect(() => saveOnnx(nets.dense(), { dynamicBatch: 2 } as never)).toThrow(
      'dynamicBatch must be a boolean; got 2',
    )
    const gone = nets.dense()
    gone.dispose()
    expect(() => saveOnnx(gone)).toThrow(L.LanegradError)
  })
})
