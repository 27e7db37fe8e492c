// Sums that grow with the data, against float64: gradients of weights over many rows, positions or ids, reductions, means.
// Values are of one sign, so that nothing cancels and the whole of every rounding error is seen: random ones far from 0, and
// equal ones, whose errors all have one direction. Weights start as 0, and one step of rate 1 turns them into gradients.
import { expect, test } from 'vitest'
import {
  averagePooling1d,
  averagePooling2d,
  conv1d,
  conv2d,
  customLayer,
  dense,
  depthwiseConv2d,
  embedding,
  type FloatArray,
  flatten,
  type Layer,
  sequential,
  sgd,
  zeros,
} from '../../src/index.ts'
import { relaxed } from '../../src/relaxed/index.ts'

const MOST = 2e-6

/** The largest error, as a share of the largest element. */
function errorOf(got: ArrayLike<number>, want: ArrayLike<number>): number {
  let error = 0
  let largest = 0
  for (let i = 0; i < want.length; i++) {
    error = Math.max(error, Math.abs(got[i] - want[i]))
    largest = Math.max(largest, Math.abs(want[i]))
  }
  return error / largest
}

/** `count` floats of 1 to 2, or all the same. */
function floats(count: number, isEqual: boolean, seed: number): Float32Array {
  let state = seed
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return isEqual ? 0.1 : 1 + state / 2 ** 32
  })
}

/** Weights that one step makes of zeros, by the end of their names: x and targets -y / 2, the loss's slope is then y / n. */
function gradients(
  inputShape: number[],
  layers: Layer[],
  x: Float32Array | Int32Array,
  y: Float32Array,
  isRelaxed = false,
) {
  const inputDtype = x instanceof Int32Array ? 'int32' : 'float32'
  const model = sequential({ inputShape, inputDtype, layers, numerics: isRelaxed ? relaxed() : null })
  model.compile({ loss: 'meanSquaredError', optimizer: sgd({ learningRate: 1 }) })
  const targets = y.map((value) => -value / 2)
  model.trainStep(x, targets)
  const weights = Object.entries(model.getWeights())
  model.dispose()
  return (name: string) =>
    Float64Array.from(
      weights.find(([key]) => key.endsWith(name))?.[1].data ?? [],
      (value) => -value * y.length,
    )
}

const kernelInitializer = zeros()

test.each([
  // rows, inputs, units
  [65536, 16, 8, false],
  [65536, 5, 7, true],
  [300_000, 4, 3, true],
  [70_001, 9, 1, true], // a column
  [70_001, 1, 9, false], // a row
  [70_001, 1, 9, true],
  [4_000_000, 1, 1, true],
])('dense over %d rows, %d by %d, equal: %s', (rows, inputs, units, isEqual) => {
  const x = floats(rows * inputs, isEqual, 1)
  const y = floats(rows * units, isEqual, 2)
  const kernel = new Float64Array(inputs * units)
  const bias = new Float64Array(units)
  for (let r = 0; r < rows; r++)
    for (let j = 0; j < units; j++) {
      bias[j] += y[r * units + j]
      for (let i = 0; i < inputs; i++) kernel[i * units + j] += x[r * inputs + i] * y[r * units + j]
    }
  for (const isRelaxed of [false, true]) {
    const of = gradients([inputs], [dense({ units, kernelInitializer })], x, y, isRelaxed)
    expect(errorOf(of('kernel'), kernel)).toBeLessThan(MOST)
    expect(errorOf(of('bias'), bias)).toBeLessThan(MOST)
  }
})

test.each([
  // samples, side, channels, filters, kernel, groups, equal
  [256, 16, 3, 4, 1, 1, false],
  [256, 16, 3, 4, 1, 1, true],
  [48, 40, 2, 3, 3, 1, false],
  [48, 40, 2, 3, 3, 1, true],
  [16, 70, 2, 4, 3, 2, true],
  [1, 260, 1, 2, 2, 1, true],
  // by tiles, more than LONG_DEPTH
  [1, 132, 16, 16, 3, 1, true],
  [1, 132, 16, 16, 3, 1, false],
])(
  'convolution of %d samples of side %d, %d to %d channels, kernel %d, %d groups, equal: %s',
  (samples, side, channels, filters, size, groups, isEqual) => {
    const x = floats(samples * side * side * channels, isEqual, 3)
    const out = side - size + 1
    const y = floats(samples * out * out * filters, isEqual, 4)
    const own = channels / groups
    const want = new Float64Array(size * size * own * filters)
    for (let n = 0, r = 0; n < samples; n++)
      for (let h = 0; h < out; h++)
        for (let w = 0; w < out; w++, r++)
          for (let i = 0; i < size; i++)
            for (let j = 0; j < size; j++)
              for (let c = 0; c < own; c++)
                for (let f = 0; f < filters; f++) {
                  const channel = Math.floor(f / (filters / groups)) * own + c
                  const at = ((n * side + h + i) * side + w + j) * channels + channel
                  want[((i * size + j) * own + c) * filters + f] += x[at] * y[r * filters + f]
                }
    const layer = conv2d({ filters, kernelSize: size, groups, kernelInitializer })
    expect(errorOf(gradients([side, side, channels], [layer], x, y)('kernel'), want)).toBeLessThan(MOST)
  },
)

test.each([false, true])('depthwise convolution over 88,000 positions, equal: %s', (isEqual) => {
  const [samples, side, channels, out] = [24, 62, 5, 60]
  const x = floats(samples * side * side * channels, isEqual, 5)
  const y = floats(samples * out * out * channels, isEqual, 6)
  const want = new Float64Array(9 * channels)
  for (let n = 0, r = 0; n < samples; n++)
    for (let h = 0; h < out; h++)
      for (let w = 0; w < out; w++, r++)
        for (let tap = 0; tap < 9; tap++)
          for (let c = 0; c < channels; c++) {
            const at = ((n * side + h + Math.floor(tap / 3)) * side + w + (tap % 3)) * channels + c
            want[tap * channels + c] += x[at] * y[r * channels + c]
          }
  const layer = depthwiseConv2d({ kernelSize: 3, depthwiseInitializer: zeros() })
  expect(errorOf(gradients([side, side, channels], [layer], x, y)('kernel'), want)).toBeLessThan(MOST)
})

test('a convolution over one long line', () => {
  const length = 150_001
  const x = floats(length, true, 7)
  const y = floats(length - 1, true, 8)
  const want = [0, 1].map((tap) => y.reduce((sum, value, i) => sum + value * x[i + tap], 0))
  const layer = conv1d({ filters: 1, kernelSize: 2, kernelInitializer })
  expect(errorOf(gradients([length, 1], [layer], x, y)('kernel'), want)).toBeLessThan(MOST)
})

test('a depthwise convolution over one long line', () => {
  const [length, channels] = [300_002, 3]
  const x = floats(length * channels, true, 7)
  const y = floats((length - 2) * channels, true, 8)
  const want = new Float64Array(3 * channels)
  y.forEach((value, i) => {
    for (let tap = 0; tap < 3; tap++) want[tap * channels + (i % channels)] += value * x[i + tap * channels]
  })
  const layer = depthwiseConv2d({ kernelSize: [1, 3], depthwiseInitializer: zeros() })
  expect(errorOf(gradients([1, length, channels], [layer], x, y)('kernel'), want)).toBeLessThan(MOST)
})

test.each([false, true])('rows of an embedding that come 100,000 times, equal: %s', (isEqual) => {
  const [count, width] = [200_000, 3]
  const ids = Int32Array.from({ length: count }, (_, i) => (i % 7 === 0 ? 4 : i % 2))
  const y = floats(count * width, isEqual, 9)
  const want = new Float64Array(6 * width)
  ids.forEach((id, i) => {
    for (let j = 0; j < width; j++) want[id * width + j] += y[i * width + j]
  })
  const layers = [embedding({ inputDim: 6, outputDim: width, embeddingsInitializer: zeros() }), flatten()]
  const of = gradients([1], layers, ids, y)
  expect(errorOf(of('embeddings'), want)).toBeLessThan(MOST)
})

test.each([
  [2 ** 22, 1],
  [2 ** 20 + 3, 3],
])('sum and mean of %d by %d values, along rows and down columns', (rows, cols) => {
  const x = new Float32Array(rows * cols).fill(0.1)
  const sums = (what: 'sum' | 'mean') =>
    customLayer({
      kind: what,
      build: ({ g }, [value]) => g.reshape(g[what](g.reshape(value, [1, rows, cols]), [1]), [1, cols]),
    })()
  const run = (layer: Layer) => {
    const model = sequential({ inputShape: [rows, cols], layers: [layer] })
    const { data } = model.predict(x)
    model.dispose()
    return data
  }
  expect(errorOf(run(sums('sum')), new Array(cols).fill(rows * x[0]))).toBeLessThan(MOST)
  expect(errorOf(run(sums('mean')), new Array(cols).fill(x[0]))).toBeLessThan(MOST)
})

test.each([
  [[65_535], 1],
  [[60_000, 2], 1],
  [[2, 60_000], 1],
])('an average over a window of %j, %d channels', (pool, channels) => {
  const cells = pool.reduce((a, b) => a * b)
  const layer =
    pool.length === 1
      ? averagePooling1d({ poolSize: pool[0] })
      : averagePooling2d({ poolSize: [pool[0], pool[1]] })
  const model = sequential({ inputShape: [...pool, channels], layers: [layer] })
  for (const isEqual of [false, true]) {
    const x = floats(cells * channels, isEqual, 10)
    const want = new Float64Array(channels)
    x.forEach((value, i) => {
      want[i % channels] += value / cells
    })
    expect(errorOf((model.predict(x) as FloatArray).data, want)).toBeLessThan(MOST)
  }
})
