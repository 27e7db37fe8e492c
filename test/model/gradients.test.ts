// Gradients of whole networks through the public API, against central differences of the same network written out
// by hand in float64 in each test. The hand-written forward pass shares nothing with the library: no graph, no
// gradient rule, no layer. Also the loss itself, so that a wrong forward pass can't hide.
import { describe, expect, test } from 'vitest'
import {
  add,
  binaryCrossentropy,
  concatenate,
  conv2d,
  type Data,
  dense,
  flatten,
  input,
  type Layer,
  type Model,
  meanSquaredError,
  model,
  multiply,
  randomUniform,
  reshape,
  sequential,
} from '../../src/index.ts'
import { uniform } from '../../src/numerics/random.ts'
import { differences, softmax } from '../reference/losses.ts'

type Numbers = ArrayLike<number>
type Row = number[]
/** Weights and inputs by name, flat. */
type Point = Readonly<Record<string, Numbers>>
type Rows = readonly Row[]

function numbers(count: number, stream: number, from = -1, to = 1): Float32Array {
  const out = new Float32Array(count)
  uniform(out, 5, stream, from, to)
  return out
}

const rowsOf = (flat: Numbers, cols: number): Row[] =>
  Array.from({ length: flat.length / cols }, (_, i) =>
    Array.from({ length: cols }, (_, j) => flat[i * cols + j]),
  )

/** f(x . kernel + bias); kernel [in, units]. */
function affine(x: Rows, kernel: Numbers, bias: Numbers, f: (v: number) => number = (v) => v): Row[] {
  const units = bias.length
  return x.map((row) =>
    Array.from({ length: units }, (_, j) =>
      f(row.reduce((sum, v, i) => sum + v * kernel[i * units + j], bias[j])),
    ),
  )
}

const zip = (a: Rows, b: Rows, f: (p: number, q: number) => number): Row[] =>
  a.map((row, i) => row.map((v, j) => f(v, b[i][j])))

/** Mean of the squares of p - y over all elements, each row times its weight. */
function squaredError(p: Rows, y: Numbers, weights?: Numbers): number {
  const cols = p[0].length
  const terms = p.flatMap((row, i) => row.map((v, j) => (weights?.[i] ?? 1) * (v - y[i * cols + j]) ** 2))
  return terms.reduce((a, b) => a + b, 0) / terms.length
}

/** Checks the loss and every gradient, those of the inputs too. `inputs` are by name. */
async function check(
  network: Model,
  inputs: Readonly<Record<string, Float32Array>>,
  x: Data,
  y: Data,
  lossAt: (point: Point) => number,
  { sampleWeight, frozen = [] }: { sampleWeight?: Data; frozen?: readonly string[] } = {},
): Promise<void> {
  const weights = Object.entries(network.getWeights()).map(([name, { data }]) => [name, data] as const)
  const point: Point = { ...Object.fromEntries(weights), ...inputs }
  const { loss } = await network.evaluate(x, y, { sampleWeight })
  expect(Math.abs(loss - lossAt(point)) / Math.max(1, Math.abs(loss))).toBeLessThan(1e-6)

  const gradients = network.gradients(x, y, { inputs: true, sampleWeight })
  const expected = Object.keys(point).filter((name) => !frozen.includes(name))
  expect(Object.keys(gradients).sort()).toEqual(expected.sort())
  for (const name of expected) {
    const want = differences((moved) => lossAt({ ...point, [name]: moved }), point[name])
    const scale = want.reduce((most, slope) => Math.max(most, Math.abs(slope)), 0)
    expect(scale, `gradient by ${name} is not all zero`).toBeGreaterThan(1e-3)
    const got = gradients[name].data
    expect(got.length).toBe(want.length)
    want.forEach((slope, i) => {
      expect(Math.abs(got[i] - slope) / Math.max(scale, 0.1), `gradient by ${name}[${i}]`).toBeLessThan(3e-6)
    })
  }
}

const random = randomUniform({ minValue: -0.8, maxValue: 0.8 })
const layer = (name: string, units: number, options: object = {}): Layer =>
  dense({ name, units, kernelInitializer: random, biasInitializer: random, ...options })

const ROWS = 5

describe('whole networks', () => {
  test('a residual connection', async () => {
    const x = input({ shape: [4], name: 'x' })
    const h = layer('inner', 4, { activation: 'tanh' })(x)
    const net = model({ inputs: x, outputs: layer('out', 3)(add()(x, h)) }).compile({ loss: 'mse' })
    const data = numbers(ROWS * 4, 1)
    const y = numbers(ROWS * 3, 2)
    await check(net, { x: data }, data, y, (at) => {
      const rows = rowsOf(at.x, 4)
      const inner = affine(rows, at['inner/kernel'], at['inner/bias'], Math.tanh)
      const sum = zip(rows, inner, (p, q) => p + q)
      return squaredError(affine(sum, at['out/kernel'], at['out/bias']), y)
    })
  })

  test('a value used three times and a layer called twice', async () => {
    const x = input({ shape: [3], name: 'x' })
    const shared = layer('shared', 3, { activation: 'sigmoid' })
    const once = shared(x)
    const twice = shared(once)
    const joined = concatenate()(multiply()(once, twice), once)
    const net = model({ inputs: x, outputs: layer('out', 2)(joined) }).compile({ loss: 'mse' })
    const data = numbers(ROWS * 3, 3)
    const y = numbers(ROWS * 2, 4)
    await check(net, { x: data }, data, y, (at) => {
      const sigmoid = (v: number) => 1 / (1 + Math.exp(-v))
      const apply = (rows: Rows) => affine(rows, at['shared/kernel'], at['shared/bias'], sigmoid)
      const first = apply(rowsOf(at.x, 3))
      const product = zip(first, apply(first), (p, q) => p * q)
      const both = product.map((row, i) => [...row, ...first[i]])
      return squaredError(affine(both, at['out/kernel'], at['out/bias']), y)
    })
  })

  test('two inputs, two outputs, weighted losses, sample weights', async () => {
    const a = input({ shape: [3] })
    const b = input({ shape: [2] })
    const h = layer('h', 4, { activation: 'tanh' })(concatenate()(a, b))
    const net = model({
      inputs: { a, b },
      outputs: { value: layer('value', 2)(h), kind: layer('kind', 3, { activation: 'softmax' })(h) },
    }).compile({
      loss: { value: meanSquaredError(), kind: 'sparseCategoricalCrossentropy' },
      lossWeights: { value: 0.25, kind: 2 },
    })
    const x = { a: numbers(ROWS * 3, 5), b: numbers(ROWS * 2, 6) }
    const y = { value: numbers(ROWS * 2, 7), kind: Int32Array.of(0, 2, 1, 1, 0) }
    const sampleWeight = { value: numbers(ROWS, 8, 0.5, 2), kind: numbers(ROWS, 9, 0.5, 2) }
    const lossAt = (at: Point) => {
      const rows = rowsOf(at.b, 2)
      const joined = rowsOf(at.a, 3).map((row, i) => [...row, ...rows[i]])
      const hidden = affine(joined, at['h/kernel'], at['h/bias'], Math.tanh)
      const value = squaredError(
        affine(hidden, at['value/kernel'], at['value/bias']),
        y.value,
        sampleWeight.value,
      )
      const logits = affine(hidden, at['kind/kernel'], at['kind/bias'])
      const kinds = logits.map((row, i) => -sampleWeight.kind[i] * Math.log(softmax(row)[y.kind[i]]))
      return 0.25 * value + (2 * kinds.reduce((p, q) => p + q, 0)) / ROWS
    }
    await check(net, x, x, y, lossAt, { sampleWeight })
  })

  test('tied weights: both uses add up in one kernel', async () => {
    const encode = layer('encode', 2, { activation: 'tanh' })
    const net = sequential({
      inputShape: [4],
      layers: [encode, layer('decode', 4, { tiedTo: encode })],
    }).compile({ loss: 'mse' })
    const data = numbers(ROWS * 4, 10)
    await check(net, { input: data }, data, data, (at) => {
      const code = affine(rowsOf(at.input, 4), at['encode/kernel'], at['encode/bias'], Math.tanh)
      const transposed = Float64Array.from(
        { length: 8 },
        (_, i) => at['encode/kernel'][(i % 4) * 2 + (i >> 2)],
      )
      return squaredError(affine(code, transposed, at['decode/bias']), data)
    })
  })

  test('a frozen layer has no gradient and lets that of the layers below through', async () => {
    const net = sequential({
      inputShape: [3],
      layers: [
        layer('below', 4, { activation: 'tanh' }),
        layer('middle', 4, { activation: 'softsign', trainable: false }),
        layer('above', 2),
      ],
    }).compile({ loss: 'mse' })
    const data = numbers(ROWS * 3, 11)
    const y = numbers(ROWS * 2, 12)
    const lossAt = (at: Point) => {
      const below = affine(rowsOf(at.input, 3), at['below/kernel'], at['below/bias'], Math.tanh)
      const softsign = (v: number) => v / (1 + Math.abs(v))
      const middle = affine(below, at['middle/kernel'], at['middle/bias'], softsign)
      return squaredError(affine(middle, at['above/kernel'], at['above/bias']), y)
    }
    await check(net, { input: data }, data, y, lossAt, { frozen: ['middle/kernel', 'middle/bias'] })
    const before = net.getWeights()
    net.trainStep(data, y)
    const after = net.getWeights()
    const moved = Object.keys(before).filter((name) => before[name].data.join() !== after[name].data.join())
    expect(moved.sort()).toEqual(['above/bias', 'above/kernel', 'below/bias', 'below/kernel'])
  })

  test('dense layers on rank 3', async () => {
    const net = sequential({
      inputShape: [3, 2],
      layers: [layer('each', 4, { activation: 'tanh' }), flatten(), layer('all', 2)],
    }).compile({ loss: 'mse' })
    const data = numbers(ROWS * 6, 13)
    const y = numbers(ROWS * 2, 14)
    await check(net, { input: data }, data, y, (at) => {
      const each = affine(rowsOf(at.input, 2), at['each/kernel'], at['each/bias'], Math.tanh)
      const flat = rowsOf(each.flat(), 12)
      return squaredError(affine(flat, at['all/kernel'], at['all/bias']), y)
    })
  })

  test('an output of rank 1: one number for each row', async () => {
    const net = sequential({ inputShape: [3], layers: [layer('out', 1), reshape({ targetShape: [] })] })
    net.compile({ loss: 'hinge', metrics: ['accuracy'] })
    const data = numbers(ROWS * 3, 16)
    const y = Float32Array.of(1, -1, -1, 1, 1)
    const outputs = (at: Point) => affine(rowsOf(at.input, 3), at['out/kernel'], at['out/bias']).flat()
    await check(net, { input: data }, data, y, (at) => {
      const terms = outputs(at).map((p, i) => Math.max(0, 1 - y[i] * p))
      return terms.reduce((p, q) => p + q, 0) / ROWS
    })
    const weights = Object.entries(net.getWeights()).map(([name, { data: own }]) => [name, own] as const)
    const found = outputs({ ...Object.fromEntries(weights), input: data })
    const right = found.filter((p, i) => p > 0 === y[i] > 0).length
    const { accuracy } = await net.evaluate(data, y)
    expect(accuracy).toBeCloseTo(right / ROWS, 6)
  })

  test('regularizers, on a tied kernel too', async () => {
    const encode = layer('encode', 2, { kernelRegularizer: { l1: 0.05, l2: 0.125 } })
    const decode = layer('decode', 3, { tiedTo: encode, biasRegularizer: { l2: 0.25 } })
    const net = sequential({ inputShape: [3], layers: [encode, decode] }).compile({ loss: 'mse' })
    const data = numbers(ROWS * 3, 15)
    await check(net, { input: data }, data, data, (at) => {
      const kernel = Array.from(at['encode/kernel'])
      const code = affine(rowsOf(at.input, 3), kernel, at['encode/bias'])
      const transposed = [0, 2, 4, 1, 3, 5].map((i) => kernel[i])
      const penalties = kernel.map((w) => 0.05 * Math.abs(w) + 0.125 * w * w)
      const decay = Array.from(at['decode/bias']).map((w) => 0.25 * w * w)
      const fit = squaredError(affine(code, transposed, at['decode/bias']), data)
      return fit + [...penalties, ...decay].reduce((p, q) => p + q, 0)
    })
  })
})

test('behind a sigmoid of whatever shape, the cross-entropy is that of the logit', () => {
  const sure = { activation: 'sigmoid', kernelInitializer: 'ones', useBias: false } as const
  const nets = [
    sequential({ inputShape: [1, 1], layers: [dense({ units: 1, ...sure })] }),
    sequential({ inputShape: [1, 1, 1], layers: [conv2d({ filters: 1, kernelSize: 1, ...sure })] }),
  ]
  for (const net of nets) {
    net.compile({ optimizer: 'sgd', loss: 'binaryCrossentropy' })
    const [kernel] = Object.values(net.gradients(Float32Array.of(20), Float32Array.of(0)))
    expect(kernel.data[0]).toBeCloseTo(20, 5) // (sigmoid(20) - 0) 20
    expect(net.trainStep(Float32Array.of(20), Float32Array.of(0)).loss).toBeCloseTo(20, 5)
  }
})

test('the gradient of a bias over many rows is as exact as a float can be', () => {
  const rows = 100_000
  const net = sequential({ inputShape: [1], layers: [dense({ units: 2, kernelInitializer: 'zeros' })] })
  net.compile({ optimizer: 'sgd', loss: meanSquaredError({ reduction: 'sum' }) })
  const { data } = net.gradients(new Float32Array(rows), new Float32Array(2 * rows).fill(0.1))['dense_1/bias']
  for (const value of data) expect(value / (-2 * rows * Math.fround(0.1))).toBeCloseTo(1, 5)
})

test('label smoothing of two classes', () => {
  const net = sequential({
    inputShape: [1],
    layers: [dense({ units: 1, activation: 'sigmoid', useBias: false })],
  })
  net.setWeights({ 'dense_1/kernel': [[1]] })
  net.compile({ optimizer: 'sgd', loss: binaryCrossentropy({ labelSmoothing: 0.2 }) })
  const logit = Math.log(4) // p = 0.8; y = 1 becomes 0.9
  const { data } = net.gradients([[logit]], [1])['dense_1/kernel']
  expect(data[0]).toBeCloseTo((0.8 - 0.9) * logit, 6)
  expect(net.trainStep([[logit]], [1]).loss).toBeCloseTo(-0.9 * Math.log(0.8) - 0.1 * Math.log(0.2), 6)
})
