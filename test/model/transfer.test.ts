// Freezing, unfreezing and putting another head on a trained model: which weights move, which stay to the bit, what the
// new model computes, and what is refused.
import { describe, expect, test } from 'vitest'
import {
  adam,
  add,
  batchNormalization,
  block,
  concatenate,
  dense,
  input,
  load,
  type Model,
  model,
  type NamedArray,
  type Symbolic,
  sequential,
  sgd,
  transfer,
} from '../../src/index.ts'
import { refused } from '../support/refused.ts'

type Net = Model<Symbolic>
const x = Array.from({ length: 10 }, (_, i) => [Math.sin(i), Math.cos(2 * i), i / 10])
const y = x.map(([a, b, c]) => [a - b, b * c])

const build = (seed = 6): Net =>
  sequential({
    inputShape: [3],
    seed,
    layers: [
      dense({ units: 7, activation: 'tanh' }),
      dense({ units: 5, activation: 'relu', name: 'middle' }),
      dense({ units: 2 }),
    ],
  })
const train = (net: Net, steps = 3) => {
  for (let step = 0; step < steps; step++) net.trainStep(x, y)
  return net
}

/** Names of the weights that differ, by layer. */
function moved(before: Record<string, NamedArray>, after: Record<string, NamedArray>): string[] {
  const names = Object.keys(before).filter((name) =>
    before[name].data.some((value, i) => value !== after[name].data[i]),
  )
  return [...new Set(names.map((name) => name.split('/')[0]))]
}

describe('setTrainable', () => {
  test('freezes by name, before and after compile, and unfreezes', () => {
    const net = build().setTrainable({ dense_1: false, middle: false }).compile({ loss: 'mse' })
    let before = net.getWeights()
    expect(moved(before, train(net).getWeights())).toEqual(['dense_2'])
    net.setTrainable({ middle: true })
    expect(net.layers.map(({ trainable }) => trainable)).toEqual([false, true, true])
    before = net.getWeights()
    expect(moved(before, train(net).getWeights())).toEqual(['middle', 'dense_2'])
    net.setTrainable((name) => name === 'dense_1')
    before = net.getWeights()
    expect(moved(before, train(net).getWeights())).toEqual(['dense_1'])
    expect(Object.keys(net.gradients(x, y))).toEqual(['dense_1/kernel', 'dense_1/bias'])
  })

  test('keeps every weight and what the model computes', () => {
    const net = train(build().compile({ optimizer: adam({ learningRate: 0.1 }), loss: 'mse' }))
    const [weights, predicted] = [net.getWeights(), net.predict(x)]
    const steps: Record<string, boolean>[] = [
      { middle: false },
      { dense_1: false, middle: true },
      { dense_2: false },
    ]
    for (const flags of steps) {
      net.setTrainable(flags)
      expect(net.getWeights()).toEqual(weights)
      expect(net.predict(x)).toEqual(predicted)
    }
  })

  test('starts the optimizer anew: as a model made and compiled that way', () => {
    const optimizer = adam({ learningRate: 0.1 })
    const net = train(build().compile({ optimizer, loss: 'mse' }))
    net.setTrainable({ middle: false })
    const other = sequential({
      inputShape: [3],
      seed: 6,
      layers: [
        dense({ units: 7, activation: 'tanh' }),
        dense({ units: 5, activation: 'relu', name: 'middle', trainable: false }),
        dense({ units: 2 }),
      ],
    })
    other.setWeights(net.getWeights())
    other.compile({ optimizer, loss: 'mse' })
    expect(train(net).getWeights()).toEqual(train(other).getWeights())
    expect(net.save({ includeOptimizer: true })).toEqual(other.save({ includeOptimizer: true }))
  })

  test('is part of a saved model', () => {
    const net = build().compile({ loss: 'mse' }).setTrainable({ dense_1: false })
    const again = load(net.save())
    expect(again.layers).toEqual(net.layers)
    expect(moved(net.getWeights(), train(again).getWeights())).toEqual(['middle', 'dense_2'])
  })

  test('holds for a layer called twice and for all of a block', () => {
    const shared = dense({ units: 3, name: 'shared' })
    const values = input({ shape: [3] })
    const inside = block({ layers: [dense({ units: 4 }), dense({ units: 2 })], name: 'inside' })
    const net: Net = model({ inputs: values, outputs: inside(add()(shared(values), shared(shared(values)))) })
    net.compile({ optimizer: sgd({ learningRate: 0.1 }), loss: 'mse' }).setTrainable({ shared: false })
    let before = net.getWeights()
    expect(moved(before, train(net).getWeights())).toEqual(['inside'])
    net.setTrainable({ shared: true, inside: false })
    before = net.getWeights()
    expect(moved(before, train(net).getWeights())).toEqual(['shared'])
  })

  test('of everything false: a step that moves nothing', () => {
    const net = build()
      .compile({ loss: 'mse' })
      .setTrainable(() => false)
    const before = net.getWeights()
    expect(train(net).getWeights()).toEqual(before)
  })

  test('a frozen batchNormalization computes with its moving statistics and keeps them', () => {
    const net = sequential({
      inputShape: [3],
      layers: [batchNormalization({ name: 'bn' }), dense({ units: 2 })],
    })
    net.compile({ optimizer: sgd({ learningRate: 0.1 }), loss: 'mse' })
    train(net, 5)
    net.setTrainable({ bn: false })
    const before = net.getWeights()
    const { loss } = net.trainStep(x, y)
    const after = net.getWeights()
    for (const name of Object.keys(before).filter((key) => key.startsWith('bn/')))
      expect(after[name]).toEqual(before[name])
    net.setWeights(before)
    const predicted = net.predict(x).data
    const errors = y.flat().map((value, i) => (value - predicted[i]) ** 2)
    expect(loss).toBeCloseTo(errors.reduce((a, b) => a + b) / errors.length, 5)
  })

  test('refused: unknown layers, no flags, during fit', async () => {
    const net = build().compile({ loss: 'mse' })
    refused(/^unknown layer "midle"; did you mean "middle"/, () => net.setTrainable({ midle: false }), net)
    refused(
      'setTrainable: middle must be a boolean; got 0',
      () => net.setTrainable({ middle: 0 as never }),
      net,
    )
    refused(
      'setTrainable: layers must be an object of booleans by name, or a function; got "middle"',
      () => net.setTrainable('middle' as never),
      net,
    )
    const fitting = net.fit(x, y)
    refused('setTrainable: this model is being fitted; await fit first', () =>
      net.setTrainable({ middle: false }),
    )
    await fitting
  })
})

test('layers tells names, kinds and shapes', () => {
  expect(build().layers).toEqual([
    { name: 'dense_1', kind: 'dense', trainable: true, outputShape: [7] },
    { name: 'middle', kind: 'dense', trainable: true, outputShape: [5] },
    { name: 'dense_2', kind: 'dense', trainable: true, outputShape: [2] },
  ])
})

describe('transfer', () => {
  test('keeps the trunk to the bit, trains the head alone, then all', () => {
    const base = train(build().compile({ optimizer: adam({ learningRate: 0.05 }), loss: 'mse' }), 20)
    const saved = base.save({ includeOptimizer: true })
    const next = transfer(base, { output: 'middle', head: [dense({ units: 4, activation: 'softmax' })] })
    expect(next.layers.map(({ name, trainable }) => [name, trainable])).toEqual([
      ['dense_1', false],
      ['middle', false],
      ['dense_2', true],
    ])
    const [old, own] = [base.getWeights(), next.getWeights()]
    for (const name of ['dense_1/kernel', 'dense_1/bias', 'middle/kernel', 'middle/bias'])
      expect(own[name]).toEqual(old[name])
    expect(own['dense_2/kernel'].shape).toEqual([5, 4])
    const labels = x.map(([a], i) => (a > 0 ? 1 : 0) + 2 * (i % 2))
    next.compile({ loss: 'sparseCategoricalCrossentropy' })
    next.trainStep(x, labels)
    expect(moved(own, next.getWeights())).toEqual(['dense_2'])
    next.setTrainable(() => true).trainStep(x, labels)
    expect(moved(own, next.getWeights())).toEqual(['dense_1', 'middle', 'dense_2'])
    expect(base.save({ includeOptimizer: true })).toEqual(saved)
  })

  test('the trunk computes what it did', () => {
    const base = build()
    const twice = dense({ units: 2, kernelInitializer: 'ones', useBias: false, name: 'dense_2' })
    const next = transfer(base, { output: 'middle', head: twice })
    const w = base.getWeights()
    const dot = (row: readonly number[], name: string, act: (z: number) => number) =>
      Array.from(w[`${name}/bias`].data, (b, j) =>
        act(
          row.reduce(
            (sum, v, i) => sum + v * w[`${name}/kernel`].data[i * w[`${name}/bias`].data.length + j],
            b,
          ),
        ),
      )
    const got = next.predict(x).data
    x.forEach((row, i) => {
      const middle = dot(dot(row, 'dense_1', Math.tanh), 'middle', (z) => Math.max(z, 0))
      expect(got[2 * i]).toBeCloseTo(
        middle.reduce((a, b) => a + b),
        5,
      )
      expect(got[2 * i + 1]).toBe(got[2 * i])
    })
  })

  test('a head of the same name and shape as what was cut off starts from its own weights', () => {
    const base = build()
    const next = transfer(base, { output: 'middle', head: [dense({ units: 2, name: 'dense_2' })], seed: 77 })
    expect(next.getWeights()['dense_2/kernel']).not.toEqual(base.getWeights()['dense_2/kernel'])
    expect(next.getWeights()['middle/kernel']).toEqual(base.getWeights()['middle/kernel'])
  })

  test('trainable: true leaves the layers as they were in the base', () => {
    const base = build().setTrainable({ dense_1: false })
    const next = transfer(base, { output: 'middle', head: [dense({ units: 1 })], trainable: true })
    expect(next.layers.map(({ trainable }) => trainable)).toEqual([false, true, true])
  })

  test('several values, several inputs and outputs; an input nothing needs any more goes', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((name) => input({ shape: [2], name }))
    const left = dense({ units: 3, name: 'left' })(a)
    const right = dense({ units: 3, name: 'right' })(b)
    const base: Net = model({
      inputs: { a, b, c },
      outputs: concatenate()(left, right, c),
    })
    const next = transfer(base, {
      output: ['left', 'right'],
      head: (l, r) => ({ sum: dense({ units: 1 })(add()(l, r)), left: l }),
    })
    const rows = [[1, 2]]
    const both = { a: rows, b: rows }
    expect(next.predict(both).left.shape).toEqual([1, 3])
    expect(next.predict(both).sum.shape).toEqual([1, 1])
    expect(next.predict(both).left.data).toEqual(base.predict({ ...both, c: rows }).data.slice(0, 3))
    const again = load<{ sum: Symbolic; left: Symbolic }>(next.save())
    expect(again.predict(both)).toEqual(next.predict(both))
  })

  test('of a loaded model, and again of the result', () => {
    const next = transfer(load(build().save()), {
      output: 'middle',
      head: [dense({ units: 3, name: 'head' })],
    })
    const last = transfer(next, { output: 'dense_1', head: [dense({ units: 1, name: 'head' })] })
    expect(Object.keys(last.getWeights())).toEqual([
      'dense_1/kernel',
      'dense_1/bias',
      'head/kernel',
      'head/bias',
    ])
    expect(last.getWeights()['dense_1/kernel']).toEqual(build().getWeights()['dense_1/kernel'])
  })

  test('refused: unknown layers, no head, a head that does not fit', () => {
    const base = build()
    const head = [dense({ units: 1 })]
    refused(
      /^unknown layer "midle"; did you mean "middle"/,
      () => transfer(base, { output: 'midle', head }),
      base,
    )
    refused('transfer: head must be a list of layers; got []', () =>
      transfer(base, { output: 'middle', head: [] }),
    )
    refused(/^layer add_1: /, () => transfer(base, { output: ['middle', 'dense_1'], head: [add()] }))
    refused('transfer: trainable must be a boolean; got 1', () =>
      transfer(base, { output: 'middle', head, trainable: 1 as never }),
    )
    refused('two layers or inputs are named "middle"; names must be unique in a model', () =>
      transfer(base, { output: 'middle', head: [dense({ units: 1, name: 'middle' })] }),
    )
  })
})
