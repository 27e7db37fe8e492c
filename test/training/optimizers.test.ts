// Optimizers on gradients that no golden case has: the same at every step, 0, very small and very large. What must hold
// follows from their formulas; the formulas themselves are checked in test/kernels/optimizer.test.ts.
import { describe, expect, test } from 'vitest'
import {
  dense,
  LanegradError,
  load,
  type Model,
  meanAbsoluteError,
  type Optimizer,
  optimizers,
  type Symbolic,
  sequential,
} from '../../src/index.ts'

const SIZE = 64

/** The gradient of the kernel is `size` times i / 7, or 0, in every step: that of |100 - y|. */
function trained(optimizer: Optimizer, steps: number, size = 1): Model<Symbolic> {
  const net = sequential({
    inputShape: [SIZE],
    layers: [dense({ units: 1, useBias: false, kernelInitializer: 'zeros' })],
  }).compile({ optimizer, loss: 'meanAbsoluteError' })
  const x = [Array.from({ length: SIZE }, (_, i) => (size * (i + 1)) / 7)]
  for (let step = 0; step < steps; step++) net.trainStep(x, [[1e30]])
  return net
}

const kernelOf = (net: Model<Symbolic>) => [...net.getWeights()['dense_1/kernel'].data]

const all = Object.entries(optimizers) as [string, (options: object) => Optimizer][]

describe.each(all)('%s', (_, make) => {
  test('the same gradient again and again: weights are finite and move against it', () => {
    const weights = kernelOf(trained(make({ learningRate: 1e-3 }), 60))
    for (const weight of weights) {
      expect(weight).toBeGreaterThan(0)
      expect(weight).toBeLessThan(Number.POSITIVE_INFINITY)
    }
  })

  test('a gradient of 0: nothing moves', () => {
    expect(kernelOf(trained(make({ weightDecay: 0 }), 3, 0))).toEqual(new Array(SIZE).fill(0))
  })

  test('gradients at the ends of the range: no NaN', () => {
    for (const size of [1e-30, 1e15])
      for (const weight of kernelOf(trained(make({}), 5, size))) expect(weight).not.toBeNaN()
  })
})

describe('by name', () => {
  const named = ['sgd', 'rmsprop', 'adam', 'adamw', 'radam']
  const bits = (optimizer: unknown) => kernelOf(trained(optimizer as Optimizer, 3))

  test.each(all)('%s is the one of that name, or its name tells how it is written', (name, make) => {
    if (named.includes(name)) expect(bits(name)).toEqual(bits(make({})))
    else
      expect(() => bits(name)).toThrow(
        new LanegradError(`optimizer "${name}" must be imported: optimizer: ${name}()`),
      )
  })

  test.each(all)('%s as plain data, as JSON leaves it', (name, make) => {
    const data = JSON.parse(JSON.stringify(make({ learningRate: 0.5 })))
    if (named.includes(name)) expect(bits(data)).toEqual(bits(make({ learningRate: 0.5 })))
    else expect(() => bits(data)).toThrow(`optimizer "${name}" must be imported: optimizer: ${name}()`)
  })

  test.each(all)('%s is what a saved model goes on with', (_, make) => {
    const model = trained(make({ learningRate: 1e-3 }), 3)
    const again = load(model.save({ includeOptimizer: true }))
    const x = [Array.from({ length: SIZE }, (_, i) => i / 7)]
    for (const net of [model, again]) net.trainStep(x, [[1e30]])
    expect(kernelOf(again)).toEqual(kernelOf(model))
  })
})

test.each([0.5, 0.75, 0.9])('centered rmsprop, rho %f: a variance of 0 stays one', (rho) => {
  // s and m^2 both go to g^2: rounding may take s - m^2 below 0, whose root would be NaN
  const net = trained(optimizers.rmsprop({ rho, centered: true, learningRate: 1e-6 }), 200)
  for (const weight of kernelOf(net)) expect(Number.isFinite(weight)).toBe(true)
})

test.each(['clipNorm', 'globalClipNorm'])(
  '%s: an infinite gradient stays one, and the others are as they were',
  (clip) => {
    const net = sequential({
      inputShape: [2],
      layers: [dense({ units: 1, useBias: false, kernelInitializer: 'zeros' })],
    })
    net.compile({
      optimizer: optimizers.sgd({ learningRate: 1, [clip]: 1 }),
      loss: meanAbsoluteError({ reduction: 'sum' }),
    })
    const rows = [
      [3e38, 2],
      [3e38, 2],
    ]
    net.trainStep(rows, [[1], [1]]) // the gradients are -6e38, beyond float32, and -4
    expect(kernelOf(net)).toEqual([Number.POSITIVE_INFINITY, 4])
  },
)

test.each([0, 0.1, 4])('adagrad: sums of squares start from %f', (initialAccumulatorValue) => {
  const net = trained(optimizers.adagrad({ learningRate: 1, initialAccumulatorValue, epsilon: 0 }), 1)
  kernelOf(net).forEach((weight, i) => {
    const gradient = (i + 1) / 7
    expect(weight).toBeCloseTo(gradient / Math.sqrt(initialAccumulatorValue + gradient ** 2), 5)
  })
})

test('weight decay: of adamw and lion a share of the weight, of adam a part of the gradient', () => {
  const decayed = (optimizer: Optimizer) => {
    const net = trained(optimizer, 0)
    net.setWeights({ 'dense_1/kernel': new Float32Array(SIZE).fill(2) })
    net.trainStep([new Array(SIZE).fill(0)], [[1]]) // the gradient is 0
    return kernelOf(net)[0]
  }
  const options = { learningRate: 0.1, weightDecay: 0.3 }
  expect(decayed(optimizers.adamw(options))).toBeCloseTo(2 * (1 - 0.1 * 0.3), 6)
  expect(decayed(optimizers.lion(options))).toBeCloseTo(2 * (1 - 0.1 * 0.3), 6)
  expect(decayed(optimizers.adam(options))).toBeCloseTo(2 - 0.1, 5) // a first step of the whole rate
  expect(decayed(optimizers.sgd(options))).toBeCloseTo(2 - 0.1 * 0.3 * 2, 6)
})
