// What a model tells and keeps: gradients, profile, prints, compile, save and load, dispose.
import { describe, expect, test } from 'vitest'
import {
  adam,
  add,
  dense,
  input,
  LanegradError,
  load,
  loadWeights,
  type MetricName,
  type Model,
  model,
  type NamedArray,
  nadam,
  type Symbolic,
  sequential,
  sgd,
} from '../../src/index.ts'
import { inspect, profile } from '../../src/inspect/index.ts'

type Net = Model<Symbolic>
const noise = (i: number) => ((i * 7919 + 13) % 101) / 50 - 1
const numbers = (count: number) => Float32Array.from({ length: count }, (_, i) => noise(i))
const bitsOf = (data: NamedArray['data']) => [...new Uint32Array(data.slice().buffer)]
const bits = (net: { getWeights(): Record<string, NamedArray> }) =>
  Object.fromEntries(Object.entries(net.getWeights()).map(([name, { data }]) => [name, bitsOf(data)]))

const x = numbers(15)
const y = numbers(5)
const regression = (): Net =>
  sequential({
    inputShape: [3],
    layers: [dense({ units: 4, activation: 'tanh' }), dense({ units: 1 })],
  }).compile({ loss: 'mse', metrics: ['mae'] })
/** Everything training depends on: the file with the optimizer's state. */
const whole = (net: Net) => [...net.save({ includeOptimizer: true })]

describe('gradients', () => {
  // p = x . w; loss = mean of s (p - y)^2
  const weights = [0.5, -1, 2]
  const linear = () => {
    const net = sequential({ inputShape: [3], layers: [dense({ units: 1, useBias: false, name: 'fit' })] })
    net.compile({ loss: 'mse' })
    net.setWeights({ 'fit/kernel': weights.map((w) => [w]) })
    return net
  }
  const scale = [1, 0, 2, 0.5, 1]
  const errors = Array.from(y, (target, row) => {
    const p = weights.reduce((sum, w, i) => sum + w * x[3 * row + i], 0)
    return (2 * scale[row] * (p - target)) / 5
  })

  test('are those of the loss with its sample weights', () => {
    const net = linear()
    const before = whole(net)
    const { 'fit/kernel': kernel, ...others } = net.gradients(x, y, { sampleWeight: scale })
    expect(others).toEqual({})
    expect(kernel.shape).toEqual([3, 1])
    kernel.data.forEach((value, i) => {
      expect(value).toBeCloseTo(
        errors.reduce((sum, e, row) => sum + e * x[3 * row + i], 0),
        6,
      )
    })
    expect(whole(net)).toEqual(before)
  })

  test('of the inputs, if asked, under their names', () => {
    const gradients = linear().gradients(x, y, { sampleWeight: scale, inputs: true })
    expect(Object.keys(gradients)).toEqual(['fit/kernel', 'input'])
    expect(gradients.input.shape).toEqual([5, 3])
    gradients.input.data.forEach((value, i) => {
      expect(value).toBeCloseTo(errors[Math.floor(i / 3)] * weights[i % 3], 6)
    })
    const a = input({ shape: [3], name: 'left' })
    const b = input({ shape: [3] })
    const net = model({ inputs: { left: a, right: b }, outputs: dense({ units: 1 })(add()(a, b)) })
    net.compile({ loss: 'mse' })
    const names = Object.keys(net.gradients({ left: x, right: x }, y, { inputs: true }))
    expect(names).toEqual(['dense_1/kernel', 'dense_1/bias', 'left', 'right'])
  })

  test('give the step that sgd takes', () => {
    const net = linear().compile({ loss: 'mse', optimizer: sgd({ learningRate: 0.25 }) })
    const { data } = net.gradients(x, y)['fit/kernel']
    net.trainStep(x, y)
    net.getWeights()['fit/kernel'].data.forEach((value, i) => {
      expect(value).toBeCloseTo(weights[i] - 0.25 * data[i], 6)
    })
  })
})

describe('prints', () => {
  test('profile: a row per instruction, shares of the step, nothing changed', () => {
    const net = regression()
    net.trainStep(x, y)
    const before = whole(net)
    const rows = profile(net, x, y, { repeats: 3 })
    expect(whole(net)).toEqual(before)
    expect(rows.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9)
    expect(new Set(rows.map(({ phase }) => phase))).toEqual(new Set(['forward', 'backward', 'update']))
    const plain = regression()
    plain.trainStep(x, y)
    net.trainStep(x, y)
    plain.trainStep(x, y)
    expect(whole(net)).toEqual(whole(plain))
  })

  test('summary: a line per layer and the totals', () => {
    const net = sequential({
      inputShape: [1000],
      layers: [dense({ units: 20, name: 'wide', trainable: false }), dense({ units: 3 })],
    })
    const lines = net.summary().split('\n')
    const cells = lines.map((line) => line.trim().split(/ {2,}/))
    expect(cells[0]).toEqual(['layer', 'output', 'parameters', 'bytes', 'inputs'])
    expect(cells.slice(2)).toEqual([
      ['input (input)', '[batch,1000]', '0', '0'],
      ['wide (dense)', '[batch,20]', '20,020', '80,080', 'input'],
      ['dense_1 (dense)', '[batch,3]', '63', '252', 'wide'],
      ['parameters: 20,083 (80,332 bytes), trainable: 63'],
    ])
  })

  test('inspect: graph, memory map and program of each mode', () => {
    const net = regression()
    for (const mode of ['predict', 'evaluate', 'train', 'gradients'] as const) {
      const { graph, memory, program } = inspect(net, { mode, batchSize: 6 })
      expect(graph).toContain('input input [6,3]')
      expect(graph.includes('backward:')).toBe(mode === 'train' || mode === 'gradients')
      expect(program.includes('update:')).toBe(mode === 'train')
      expect(memory).toMatch(/transient peak [\d,]+ bytes/)
    }
  })
})

describe('compile', () => {
  test('again: the weights stay, the optimizer starts anew', () => {
    const net = regression()
    for (let i = 0; i < 3; i++) net.trainStep(x, y)
    const fresh = regression()
    fresh.setWeights(net.getWeights())
    net.compile({ loss: 'mse', metrics: ['mae'] })
    expect(bits(net)).toEqual(bits(fresh))
    net.trainStep(x, y)
    fresh.trainStep(x, y)
    expect(bits(net)).toEqual(bits(fresh))
  })

  test('with another loss and more optimizer slots takes effect', () => {
    const net = regression()
    const { mae } = net.trainStep(x, y)
    const before = bits(net)
    net.compile({ loss: 'mae', optimizer: adam({ amsgrad: true }) })
    expect(bits(net)).toEqual(before)
    expect(Object.keys(net.trainStep(x, y))).toEqual(['loss'])
    expect(mae).toBeGreaterThan(0)
  })

  test('metrics by hand', async () => {
    const metrics: MetricName[] = ['mae', 'mse', 'meanSquaredError', 'meanAbsoluteError']
    const net = sequential({ inputShape: [3], layers: [dense({ units: 1 })] }).compile({
      loss: 'huber',
      metrics,
    })
    const errors = Array.from(net.predict(x).data, (p, i) => p - y[i])
    const mae = errors.reduce((sum, e) => sum + Math.abs(e), 0) / 5
    const mse = errors.reduce((sum, e) => sum + e * e, 0) / 5
    const logs = await net.evaluate(x, y, { batchSize: 2 })
    expect(logs.mae).toBeCloseTo(mae, 6)
    expect(logs.meanAbsoluteError).toBe(logs.mae)
    expect(logs.mse).toBeCloseTo(mse, 6)
    expect(logs.meanSquaredError).toBe(logs.mse)
    expect(net.trainStep(x, y).mse).toBeCloseTo(mse, 6)
  })

  test('accuracy of a probability: at 0.5', () => {
    const net = sequential({
      inputShape: [1],
      layers: [dense({ units: 1, activation: 'sigmoid', kernelInitializer: 'ones' })],
    }).compile({ loss: 'binaryCrossentropy', metrics: ['accuracy'] })
    expect(net.trainStep([-1, 2, -3, 4], [0, 1, 1, 1]).accuracy).toBe(0.75)
  })
})

describe('save and load', () => {
  test('a compiled model comes back whole', () => {
    const net = regression()
    net.trainStep(x, y)
    const copy = load(net.save())
    expect(bits(copy)).toEqual(bits(net))
    expect(copy.summary()).toBe(net.summary())
    expect(copy.predict(x)).toEqual(net.predict(x))
    expect(copy.save()).toEqual(net.save())
    expect(Object.keys(copy.trainStep(x, y))).toEqual(['loss', 'mae'])
  })

  test('with the optimizer, training goes on with the same bits', async () => {
    const make = () => regression().compile({ loss: 'mse', optimizer: nadam({ learningRate: 0.01 }) })
    const net = make()
    const half = make()
    await net.fit(x, y, { epochs: 6, batchSize: 2 })
    await half.fit(x, y, { epochs: 3, batchSize: 2 })
    const resumed = load(half.save({ includeOptimizer: true })) as Net
    await resumed.fit(x, y, { epochs: 3, batchSize: 2 })
    expect(whole(resumed)).toEqual(whole(net))
  })

  test('a model that was never compiled can be compiled after load', () => {
    const net = sequential({ inputShape: [3], layers: [dense({ units: 1 })] })
    const copy = load(net.save())
    expect(() => copy.trainStep(x, y)).toThrow('call compile first')
    expect(copy.compile({ loss: 'mse' }).trainStep(x, y).loss).toBeGreaterThan(0)
  })

  test('a graph with names, a shared and a tied layer, records', () => {
    const a = input({ shape: [3], name: 'a' })
    const b = input({ shape: [3], name: 'b' })
    const shared = dense({ units: 2, name: 'shared', activation: { name: 'leakyRelu', alpha: 0.3 } })
    const sum = add({ name: 'sum' })(shared(a), shared(b))
    const net = model({ inputs: { a, b }, outputs: { sum, back: dense({ units: 3, tiedTo: shared })(sum) } })
    const copy = load(net.save())
    expect(copy.predict({ a: x, b: x })).toEqual(net.predict({ a: x, b: x }))
  })

  test('loadWeights takes the weights alone', () => {
    const net = regression()
    const other = regression()
    other.trainStep(x, y)
    loadWeights(net, other.save({ includeOptimizer: true }))
    expect(bits(net)).toEqual(bits(other))
    expect(whole(net)).not.toEqual(whole(other))
  })
})

describe('dispose', () => {
  test('may be called twice, also as Symbol.dispose', () => {
    const net = regression()
    net.dispose()
    net[Symbol.dispose]()
    expect(() => net.predict(x)).toThrow(LanegradError)
  })

  test('happens at the end of a `using` block', () => {
    let kept: Net
    {
      using net = regression()
      kept = net
      net.trainStep(x, y)
    }
    expect(() => kept.predict(x)).toThrow(new LanegradError('this model was disposed'))
  })
})
