// Weights brought back to their constraints after every update: against the formulas of Keras in float64, over all
// forms of axes, and what is refused.
import { describe, expect, test } from 'vitest'
import {
  type Constraint,
  customLayer,
  dense,
  load,
  maxNorm,
  minMaxNorm,
  nonNeg,
  randomNormal,
  sequential,
  sgd,
  tensor,
  unitNorm,
} from '../../src/index.ts'
import { refused } from '../support/refused.ts'

const RATE = 0.5

/** One weight of any shape under a constraint; the loss is the mean of w, so each gradient is 1 / count. */
const holder = customLayer({
  kind: 'holder',
  config: { shape: [1], constraint: null as Constraint | null },
  build({ g, weight }, [x], { shape, constraint }) {
    const w = weight('w', shape, { initializer: randomNormal({ stddev: 1 }), constraint })
    return g.plus(g.times(x, g.constant(0)), g.mean(w))
  },
})

/** The weight after one step of gradient descent on -w or w, then the constraint, in float64. */
function expected(
  w: Float32Array,
  shape: readonly number[],
  constraint: Constraint,
  gradient: number,
): number[] {
  const moved = Array.from(w, (x) => Math.fround(x - RATE * gradient))
  if (constraint.kind === 'nonNeg') return moved.map((x) => Math.max(x, 0))
  const keyOf = (i: number) => {
    const index: number[] = []
    let rest = i
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = constraint.axis.includes(axis) ? 0 : rest % shape[axis]
      rest = Math.floor(rest / shape[axis])
    }
    return index.join()
  }
  const squares = new Map<string, number>()
  moved.forEach((x, i) => {
    squares.set(keyOf(i), (squares.get(keyOf(i)) ?? 0) + x * x)
  })
  return moved.map((x, i) => {
    const norm = Math.sqrt(squares.get(keyOf(i)) ?? 0)
    const clipped = Math.min(Math.max(norm, constraint.minValue), constraint.maxValue)
    const { rate } = constraint
    const wanted = constraint.kind === 'unitNorm' ? 1 : rate * clipped + (1 - rate) * norm
    return (x * wanted) / (1e-7 + norm)
  })
}

const cases: [string, readonly number[], Constraint][] = [
  ['maxNorm of the columns of a kernel', [5, 7], maxNorm({ maxValue: 1.5 })],
  ['maxNorm that nothing breaks', [3, 4], maxNorm({ maxValue: 100 })],
  ['maxNorm of rows', [3, 9], maxNorm({ maxValue: 1, axis: 1 })],
  ['unitNorm of one unit', [6, 1], unitNorm()],
  ['unitNorm of a vector', [13], unitNorm()],
  ['unitNorm of a convolution kernel', [3, 3, 2, 5], unitNorm({ axis: [0, 1, 2] })],
  ['unitNorm of the middle axes', [3, 2, 4, 5], unitNorm({ axis: [2, 1] })],
  ['minMaxNorm, part of the way', [4, 19], minMaxNorm({ minValue: 1.9, maxValue: 2, rate: 0.3 })],
  ['minMaxNorm that raises', [2, 17], minMaxNorm({ minValue: 5, maxValue: 6 })],
  ['nonNeg', [3, 5], nonNeg()],
]

const toy = (shape: readonly number[], constraint: Constraint) =>
  sequential({ inputShape: [1], seed: 4, layers: [holder({ shape: [...shape], constraint, name: 'held' })] })

describe('a constrained weight', () => {
  test.each(cases)('%s', (_, shape, constraint) => {
    const net = toy(shape, constraint).compile({ optimizer: sgd({ learningRate: RATE }), loss: 'mae' })
    const before = net.getWeights()['held/w'].data
    net.trainStep([[1]], [[-1000]]) // the loss falls with the mean: gradient 1 / count
    const count = before.length
    const want = expected(before, shape, constraint, 1 / count)
    const got = net.getWeights()['held/w'].data
    const scale = Math.max(...want.map(Math.abs), 1)
    want.forEach((x, i) => {
      expect(Math.abs(got[i] - x) / scale, `element ${i}`).toBeLessThan(4e-7)
    })
  })

  test('of several layers keeps to it over many steps, beside weights without one', async () => {
    const net = sequential({
      inputShape: [3],
      seed: 2,
      layers: [
        dense({ units: 5, activation: 'tanh', kernelConstraint: maxNorm({ maxValue: 0.6 }) }),
        dense({ units: 2, kernelConstraint: unitNorm(), biasConstraint: nonNeg() }),
      ],
    }).compile({ optimizer: 'adam', loss: 'mse' })
    const x = Array.from({ length: 12 }, (_, i) => [Math.sin(i), Math.cos(3 * i), i / 12])
    await net.fit(
      x,
      x.map(([a, b]) => [3 * a, -2 * b]),
      { epochs: 8, batchSize: 4 },
    )
    const norms = (name: string, columns: number) => {
      const { data } = net.getWeights()[name]
      return Array.from({ length: columns }, (_, j) =>
        Math.sqrt(data.reduce((sum, value, i) => (i % columns === j ? sum + value * value : sum), 0)),
      )
    }
    for (const norm of norms('dense_1/kernel', 5)) expect(norm).toBeLessThan(0.6 + 1e-6)
    for (const norm of norms('dense_2/kernel', 2)) expect(norm).toBeCloseTo(1, 5)
    for (const bias of net.getWeights()['dense_2/bias'].data) expect(bias).toBeGreaterThanOrEqual(0)
    expect(Math.abs(net.getWeights()['dense_1/bias'].data[0])).toBeGreaterThan(0)
  })

  test('is not touched while its layer is frozen', () => {
    const net = sequential({
      inputShape: [2],
      layers: [dense({ units: 2, kernelConstraint: unitNorm(), trainable: false }), dense({ units: 1 })],
    }).compile({ optimizer: 'sgd', loss: 'mse' })
    const before = net.getWeights()['dense_1/kernel'].data
    net.trainStep([[1, 2]], [[3]])
    expect(net.getWeights()['dense_1/kernel'].data).toEqual(before)
  })

  test('is constrained in a loaded model too', () => {
    const build = () =>
      sequential({
        inputShape: [2],
        layers: [dense({ units: 3, kernelConstraint: minMaxNorm({ maxValue: 0.5 }) })],
      })
    const net = build().compile({ optimizer: 'sgd', loss: 'mse' })
    const again = load(net.save())
    for (const model of [net, again]) model.trainStep([[1, 2]], [[3, 4, 5]])
    expect(again.getWeights()).toEqual(net.getWeights())
    const { data } = again.getWeights()['dense_1/kernel']
    for (let j = 0; j < 3; j++) expect(Math.hypot(data[j], data[3 + j])).toBeLessThan(0.5 + 1e-6)
  })
})

test.each([
  ['columns, the axis of a kernel', [3, 5], [0]],
  ['rows', [3, 5], [1]],
])('a norm of 0 stays: %s', (_, shape, axis) => {
  for (const constraint of [unitNorm({ axis }), maxNorm({ axis }), minMaxNorm({ axis, minValue: 0.5 })]) {
    const net = toy(shape, constraint).compile({ optimizer: sgd({ learningRate: 0 }), loss: 'mae' })
    net.setWeights({ 'held/w': new Float32Array(15) })
    net.trainStep([[1]], [[1]])
    expect([...net.getWeights()['held/w'].data]).toEqual(new Array(15).fill(0))
  }
})

describe('refused', () => {
  const net = (constraint: Constraint) => () =>
    sequential({
      inputShape: [2],
      layers: [dense({ units: 3, kernelConstraint: constraint, name: 'first' })],
    })
  test('an axis the weight has not', () => {
    refused(
      'layer first: kernel: maxNorm: axis must be adjacent axes of a weight of rank 2; got [2]',
      net(maxNorm({ axis: 2 })),
    )
  })
  test('axes with another one between them', () => {
    refused('layer held: w: unitNorm: axis must be adjacent axes of a weight of rank 3; got [0,2]', () =>
      toy([2, 3, 4], unitNorm({ axis: [0, 2] })),
    )
  })
  test('a negative axis, limits that cross, a name in place of a value', () => {
    refused('unitNorm: axis must be an axis or a list of axes; got -1', () => unitNorm({ axis: -1 }))
    refused('minMaxNorm: maxValue must be a number >= minValue (2); got 1', () => minMaxNorm({ minValue: 2 }))
    const shown = (given: unknown) => () => dense({ units: 1, kernelConstraint: given as Constraint })
    const written = (name: string, got: string) =>
      `dense: kernelConstraint: write kernelConstraint: ${name}(), with ${name} from 'lanegrad'; got ${got}`
    refused(written('unitNorm', '"unitNorm"'), shown('unitNorm'))
    refused(written('maxNorm', '"unitnorm"'), shown('unitnorm'))
    refused(written('nonNeg', '{ kind, minValue, maxValue, rate, axis }'), shown({ ...nonNeg() }))
    refused(written('maxNorm', 'function maxNorm'), shown(maxNorm))
  })
})

test('a weight of any number of elements keeps what lies behind it', () => {
  // 13 floats end within a vector; the padding is part of the flat regions an optimizer walks
  const net = toy([13], unitNorm()).compile({ optimizer: 'adam', loss: 'mae' })
  for (let step = 0; step < 3; step++) net.trainStep(tensor(new Float32Array([1]), [1, 1]), [[-1000]])
  const { data } = net.getWeights()['held/w']
  expect(Math.hypot(...data)).toBeCloseTo(1, 6)
})
