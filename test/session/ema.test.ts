// Moving averages of the weights: e = m e + (1 - m) w after every update, e = w after the first; against the same sums
// in float64 over the weights read after each step.
import { describe, expect, test } from 'vitest'
import { decodeSafetensors, encodeSafetensors } from '../../src/formats/safetensors.ts'
import {
  accumulateGradients,
  adam,
  dense,
  load,
  type Model,
  maxNorm,
  movingAverage,
  type Optimizer,
  type Symbolic,
  sequential,
  sgd,
  stepDecay,
} from '../../src/index.ts'
import { refused } from '../support/refused.ts'

type Net = Model<Symbolic>
const x = Array.from({ length: 8 }, (_, i) => [Math.sin(i), Math.cos(2 * i), i / 8])
const y = x.map(([a, b, c]) => [a - b, b * c])

const build = (optimizer: Optimizer, frozen = false): Net =>
  sequential({
    inputShape: [3],
    seed: 6,
    layers: [
      dense({
        units: 7,
        activation: 'tanh',
        trainable: !frozen,
        kernelConstraint: maxNorm({ maxValue: 0.8 }),
      }),
      dense({ units: 2 }),
    ],
  }).compile({ optimizer, loss: 'mse' })

const flat = (weights: Readonly<Record<string, { readonly data: ArrayLike<number> }>>) =>
  new Map(Object.entries(weights).map(([name, { data }]) => [name, Array.from(data)]))

/** The averages after each of `steps` steps, from the weights after each, `take` being called in between. */
function follow(
  net: Net,
  momentum: number,
  steps: number,
  check: (average: Map<string, number[]>, step: number) => void,
) {
  let average = new Map<string, number[]>()
  for (let step = 1; step <= steps; step++) {
    net.trainStep(x, y)
    const own = flat(net.getWeights())
    average = new Map(
      [...own].map(([name, w]) => {
        const before = average.get(name) ?? w
        return [name, w.map((value, i) => momentum * before[i] + (1 - momentum) * value)]
      }),
    )
    check(average, step)
  }
}

const near = (got: ReadonlyMap<string, number[]>, want: ReadonlyMap<string, number[]>) => {
  expect([...got.keys()]).toEqual([...want.keys()])
  for (const [name, values] of want)
    values.forEach((value, i) => {
      expect(Math.abs((got.get(name)?.[i] ?? 0) - value), `${name}[${i}]`).toBeLessThan(5e-7)
    })
}

describe('the average', () => {
  test.each([
    ['adam, momentum 0.9', adam({ learningRate: 0.05, ema: movingAverage({ momentum: 0.9 }) }), 0.9],
    [
      'sgd without slots of its own, the default 0.99',
      sgd({ learningRate: 0.2, ema: movingAverage() }),
      0.99,
    ],
    [
      'momentum 0: the weights',
      sgd({ learningRate: 0.2, momentum: 0.9, ema: movingAverage({ momentum: 0 }) }),
      0,
    ],
  ])('%s', (_, optimizer, momentum) => {
    const net = build(optimizer)
    follow(net, momentum, 6, (average) => near(flat(net.emaWeights()), average))
  })

  test('is that of the constrained weights', () => {
    const net = build(sgd({ learningRate: 1, ema: movingAverage({ momentum: 0.5 }) }))
    for (let step = 0; step < 5; step++) net.trainStep(x, y)
    const { data, shape } = net.emaWeights()['dense_1/kernel']
    for (let j = 0; j < shape[1]; j++)
      expect(Math.hypot(data[j], data[7 + j], data[14 + j])).toBeLessThan(0.8 + 1e-6)
  })

  test('is the weights before the first step, whatever was set meanwhile', () => {
    const net = build(adam({ ema: movingAverage() }))
    net.setWeights({ 'dense_2/bias': [5, 6] })
    expect(net.emaWeights()).toEqual(net.getWeights())
  })

  test('has no frozen weights, and setWeights takes it', () => {
    const net = build(adam({ ema: movingAverage({ momentum: 0.5 }) }), true)
    for (let step = 0; step < 3; step++) net.trainStep(x, y)
    const average = net.emaWeights()
    expect(Object.keys(average)).toEqual(['dense_2/kernel', 'dense_2/bias'])
    net.setWeights(average)
    expect(net.getWeights()['dense_2/kernel']).toEqual(average['dense_2/kernel'])
  })
})

test('emaOverwriteFrequency: the weights take its values every so many steps', () => {
  const net = build(sgd({ learningRate: 0.3, ema: movingAverage({ momentum: 0.8, overwriteFrequency: 3 }) }))
  const plain = build(sgd({ learningRate: 0.3, ema: movingAverage({ momentum: 0.8 }) }))
  for (let step = 1; step <= 3; step++) for (const model of [net, plain]) model.trainStep(x, y)
  expect(net.getWeights()).toEqual(plain.emaWeights()) // the first three steps are the same
  expect(net.getWeights()).not.toEqual(plain.getWeights())
  net.trainStep(x, y)
  expect(net.getWeights()).not.toEqual(net.emaWeights())
})

test('leaves the training itself as it is', () => {
  const [plain, averaging] = [
    adam({ learningRate: 0.05 }),
    adam({ learningRate: 0.05, ema: movingAverage() }),
  ].map((optimizer) => build(optimizer))
  for (const net of [plain, averaging]) for (let step = 0; step < 4; step++) net.trainStep(x, y)
  expect(averaging.getWeights()).toEqual(plain.getWeights())
})

test('is saved with the optimizer: resumed training gives the same bits', () => {
  const net = build(adam({ ema: movingAverage({ momentum: 0.7, overwriteFrequency: 4 }) }))
  for (let step = 0; step < 3; step++) net.trainStep(x, y)
  const again = load(net.save({ includeOptimizer: true }))
  expect(again.emaWeights()).toEqual(net.emaWeights())
  for (const model of [net, again]) for (let step = 0; step < 3; step++) model.trainStep(x, y)
  expect(again.getWeights()).toEqual(net.getWeights())
  expect(again.emaWeights()).toEqual(net.emaWeights())
})

test('and accumulation: read from files of before they were values', () => {
  const ema = movingAverage({ momentum: 0.7, overwriteFrequency: 4 })
  const net = build(
    adam({ ema, accumulation: accumulateGradients(2), schedule: stepDecay({ stepSize: 2, gamma: 0.5 }) }),
  )
  for (let step = 0; step < 3; step++) net.trainStep(x, y)
  const { tensors, metadata } = decodeSafetensors(net.save({ includeOptimizer: true }))
  const training = JSON.parse(metadata.training)
  const { ema: _, accumulation: __, ...optimizer } = training.optimizer
  const old = { useEma: true, emaMomentum: 0.7, emaOverwriteFrequency: 4, gradientAccumulationSteps: 2 }
  metadata.training = JSON.stringify({ ...training, optimizer: { ...optimizer, ...old } })
  const again = load(encodeSafetensors(tensors, metadata))
  for (const model of [net, again]) for (let step = 0; step < 5; step++) model.trainStep(x, y)
  expect(again.getWeights()).toEqual(net.getWeights())
  expect(again.emaWeights()).toEqual(net.emaWeights())
})

test('refused: no averages, and options out of range', () => {
  refused('emaWeights: this optimizer has no ema: movingAverage()', () => build(adam()).emaWeights())
  refused('movingAverage: momentum must be a number >= 0 and < 1; got 1', () =>
    movingAverage({ momentum: 1 }),
  )
  refused('movingAverage: overwriteFrequency must be a positive integer or null; got 0', () =>
    movingAverage({ overwriteFrequency: 0 }),
  )
})

test.each([
  ['useEma', true],
  ['use_ema', false],
  ['emaMomentum', 0.9],
  ['ema_momentum', 0.9],
  ['emaOverwriteFrequency', null],
  ['ema_overwrite_frequency', 3],
  ['ema', true],
  ['ema', { kind: 'movingAverage', momentum: 0.9, overwriteFrequency: null }],
])('refused: %s: %o is written in another way', (key, value) => {
  const got = typeof value === 'object' && value ? '{ kind, momentum, overwriteFrequency }' : value
  refused(`adam: ${key}: write ema: movingAverage(), with movingAverage from 'lanegrad'; got ${got}`, () =>
    adam({ [key]: value }),
  )
})
