// Gradients accumulated over several steps: k steps on parts of a batch make the update one step on the whole batch
// makes (losses are means, parts of equal size), for every optimizer; and what goes on between the updates.
import { describe, expect, test } from 'vitest'
import {
  adam,
  customLayer,
  dense,
  dropout,
  load,
  type Model,
  type Optimizer,
  type OptimizerOptions,
  optimizers,
  type Symbolic,
  sequential,
  sgd,
} from '../src/index.ts'
import { refused } from './refused.ts'

type Net = Model<Symbolic>
const ROWS = 12
const x = Array.from({ length: ROWS }, (_, i) => [Math.sin(i), Math.cos(2 * i), i / ROWS])
const y = x.map(([a, b, c]) => [a - b, b * c])

const build = (optimizer: Optimizer, rate = 0): Net =>
  sequential({
    inputShape: [3],
    seed: 6,
    layers: [dense({ units: 7, activation: 'tanh' }), dropout({ rate }), dense({ units: 2 })],
  }).compile({ optimizer, loss: 'mse' })

const part = (k: number, i: number): [number[][], number[][]] => {
  const rows = ROWS / k
  const at = (i % k) * rows
  return [x.slice(at, at + rows), y.slice(at, at + rows)]
}

function difference(a: Net, b: Net): number {
  const other = b.getWeights()
  let most = 0
  for (const [name, { data }] of Object.entries(a.getWeights()))
    data.forEach((value, i) => {
      most = Math.max(most, Math.abs(value - other[name].data[i]))
    })
  return most
}

describe('k steps on parts of a batch', () => {
  const settings: OptimizerOptions = { learningRate: 0.05, globalClipNorm: 0.5 }
  test.each(Object.entries(optimizers))('are one step on the whole batch: %s', (_, make) => {
    for (const k of [2, 3]) {
      const whole = build(make(settings))
      const parts = build(make({ ...settings, gradientAccumulationSteps: k }))
      for (let update = 0; update < 4; update++) {
        whole.trainStep(x, y)
        for (let i = 0; i < k; i++) parts.trainStep(...part(k, i))
      }
      expect(difference(whole, parts)).toBeLessThan(2e-6)
      expect(difference(whole, build(make(settings)))).toBeGreaterThan(1e-4) // it trained
    }
  })

  test('fit does the same, over the end of an epoch too', async () => {
    const whole = build(sgd({ learningRate: 0.1 }))
    const parts = build(sgd({ learningRate: 0.1, gradientAccumulationSteps: 4 }))
    await whole.fit(x, y, { batchSize: 12, epochs: 2, shuffle: false })
    await parts.fit(x, y, { batchSize: 6, epochs: 4, shuffle: false }) // two steps an epoch: every other one updates
    const sums = parts.getWeights()
    expect(difference(whole, parts)).toBeLessThan(1e-6)
    parts.trainStep(x, y)
    expect(parts.getWeights()).toEqual(sums)
  })
})

test('between updates weights stay; loss and metrics are those of each batch', () => {
  const net = build(adam({ gradientAccumulationSteps: 3 }))
  const single = build(adam())
  const start = net.getWeights()
  const first = single.trainStep(...part(3, 0))
  expect(net.trainStep(...part(3, 0))).toEqual(first)
  expect(net.trainStep(...part(3, 0))).toEqual(first) // nothing moved
  expect(net.getWeights()).toEqual(start)
  net.trainStep(...part(3, 0))
  expect(net.getWeights()).not.toEqual(start)
})

test('what layers keep from step to step moves with every batch', () => {
  const counter = customLayer({
    kind: 'counter',
    build({ g, weight, assign }, [value]) {
      const count = weight('count', [1], { initializer: { kind: 'zeros' }, trainable: false })
      assign(count, g.plus(count, g.constant(1)))
      return value
    },
  })
  const net = sequential({ inputShape: [3], layers: [counter({ name: 'counter' }), dense({ units: 2 })] })
  net.compile({ optimizer: sgd({ gradientAccumulationSteps: 3 }), loss: 'mse' })
  for (let step = 1; step <= 4; step++) {
    net.trainStep(x, y)
    expect([...net.getWeights()['counter/count'].data]).toEqual([step])
  }
})

test('dropout draws anew for every batch, also between updates', () => {
  const net = build(sgd({ learningRate: 0, gradientAccumulationSteps: 3 }), 0.5)
  const losses = Array.from({ length: 9 }, () => net.trainStep(x, y).loss)
  expect(new Set(losses).size).toBe(9)
})

test('the same seed gives the same bits; resumed from between two updates as well', () => {
  const options = { learningRate: 0.05, gradientAccumulationSteps: 3, useEma: true } as const
  const [one, two] = [build(adam(options), 0.3), build(adam(options), 0.3)]
  for (let step = 0; step < 5; step++) one.trainStep(...part(3, step))
  for (let step = 0; step < 5; step++) two.trainStep(...part(3, step))
  expect(two.save({ includeOptimizer: true })).toEqual(one.save({ includeOptimizer: true }))
  const resumed = load(one.save({ includeOptimizer: true }))
  for (const net of [one, resumed]) for (let step = 5; step < 13; step++) net.trainStep(...part(3, step))
  expect(resumed.save({ includeOptimizer: true })).toEqual(one.save({ includeOptimizer: true }))
})

test('compiling anew forgets what was accumulated', () => {
  const optimizer = sgd({ learningRate: 0.1, gradientAccumulationSteps: 2 })
  const net = build(optimizer)
  net.trainStep(
    x.map((row) => row.map((value) => 50 * value)),
    y,
  )
  net.compile({ optimizer, loss: 'mse' })
  const other = build(optimizer)
  for (const model of [net, other]) for (let i = 0; i < 2; i++) model.trainStep(...part(2, i))
  expect(net.getWeights()).toEqual(other.getWeights())
})

test('the program shows where the gradients of a step are kept', () => {
  const { program } = build(sgd({ gradientAccumulationSteps: 2, useEma: true })).inspect({ batchSize: 2 })
  expect(program.slice(program.indexOf('update:')).match(/accumulate|update$|ema/gm)).toEqual([
    'accumulate',
    'accumulate',
    'update',
    'ema',
  ])
})

test('refused: a number of steps that is none', () => {
  refused('adam: gradientAccumulationSteps must be a positive integer or null; got 1.5', () =>
    adam({ gradientAccumulationSteps: 1.5 }),
  )
})
