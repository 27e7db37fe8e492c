// Parts of a model: networks over the same weights. The numbers are held to models of their own that are given the weights before
// each step, as one had to do without parts.
import { describe, expect, test } from 'vitest'
import { freeze } from '../../src/freeze'
import {
  accumulateGradients,
  adam,
  batchNormalization,
  concatenate,
  dense,
  input,
  load,
  lstm,
  type Model,
  model,
  movingAverage,
  nadam,
  part,
  rmsprop,
  sequential,
  sgd,
} from '../../src/index'
import { inspect } from '../../src/inspect'
import { open } from '../../src/run'
import { all } from '../../src/run/modules'
import { workers } from '../../src/threads'
import { difference } from '../support/frozen'
import { splitAll } from '../support/split-all'

const random = (seed: number, length: number) => {
  let state = seed
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return state / 2 ** 31
  })
}

const dataOf = (net: Model) =>
  Object.fromEntries(Object.entries(net.getWeights()).map(([name, { data }]) => [name, [...data]]))

const generator = () =>
  sequential({
    inputShape: [2],
    layers: [dense({ units: 8, activation: 'relu' }), batchNormalization(), dense({ units: 2 })],
    name: 'generator',
  })
const discriminator = () =>
  sequential({
    inputShape: [2],
    layers: [dense({ units: 8, activation: 'leakyRelu' }), dense({ units: 1, activation: 'sigmoid' })],
    name: 'discriminator',
    seed: 5,
  })

const gan = () => {
  const noise = input({ shape: [2], name: 'noise' })
  const fake = generator()(noise)
  const verdict = discriminator()(fake)
  const whole = model({ inputs: noise, outputs: verdict })
  whole.setTrainable({ discriminator: false })
  return {
    whole,
    make: part(whole, { inputs: noise, outputs: fake }),
    judge: part(whole, { inputs: fake, outputs: verdict }),
  }
}

describe('over the same weights', () => {
  test('a generator and a discriminator train each other: the bits of copies carried to and fro', () => {
    const { whole, make, judge } = gan()
    const copies = gan()
    const [wholeAlone, judgeAlone] = [load(copies.whole.save()), load(copies.judge.save())]
    judge.setTrainable(() => true)
    judgeAlone.setTrainable(() => true)
    for (const net of [whole, wholeAlone])
      net.compile({ optimizer: adam({ learningRate: 0.01 }), loss: 'binaryCrossentropy' })
    for (const net of [judge, judgeAlone]) net.compile({ optimizer: 'rmsprop', loss: 'binaryCrossentropy' })
    const ones = new Float32Array(16).fill(1)
    for (let step = 0; step < 6; step++) {
      const noise = random(step, 32)
      const real = random(-step, 32)
      const fake = make.predict(noise).data
      const both = Float32Array.of(...real, ...fake)
      const truth = Float32Array.of(...ones, ...ones.map(() => 0))
      expect(judge.trainStep(both, truth)).toEqual(judgeAlone.trainStep(both, truth))
      wholeAlone.setWeights(Object.fromEntries(Object.entries(judgeAlone.getWeights())))
      expect(whole.trainStep(noise, ones)).toEqual(wholeAlone.trainStep(noise, ones))
      expect(dataOf(whole)).toEqual(dataOf(wholeAlone))
    }
    expect(judge.getWeights()['discriminator.dense_1/kernel']).toEqual(
      whole.getWeights()['discriminator.dense_1/kernel'],
    )
  })

  const scattered = () => {
    const layers = [1, 2, 3, 4, 5].map((i) => dense({ units: 5, activation: 'tanh', name: `d${i}` }))
    const whole = sequential({
      inputShape: [5],
      layers: [...layers, dense({ units: 2, name: 'out' })],
      seed: 2,
    })
    const own = part(whole, { inputs: 'input', outputs: 'out' })
    own.setTrainable({ d2: false, d4: false })
    return { whole, own }
  }
  test.each([
    ['adam', () => adam({ clipNorm: 0.1 })],
    ['nadam', () => nadam()],
    ['sgd', () => sgd({ momentum: 0.9, nesterov: true, clipValue: 0.01 })],
    ['rmsprop', () => rmsprop({ centered: true, globalClipNorm: 0.05 })],
    ['ema', () => adam({ ema: movingAverage({ momentum: 0.9, overwriteFrequency: 3 }) })],
    ['accumulation', () => adam({ weightDecay: 0.1, accumulation: accumulateGradients(2) })],
  ])('weights that train lie apart: %s has the bits that they have side by side', (_, optimizer) => {
    const { own, whole } = scattered()
    const alone = load(own.save())
    for (const net of [own, alone]) net.compile({ optimizer: optimizer(), loss: 'meanSquaredError' })
    for (let step = 0; step < 7; step++) {
      const x = random(step, 20)
      expect(own.trainStep(x, x.slice(0, 8))).toEqual(alone.trainStep(x, x.slice(0, 8)))
    }
    expect(dataOf(own)).toEqual(dataOf(alone))
    expect(dataOf(whole)).toEqual(dataOf(alone))
    if (own.save({ includeOptimizer: true }).length > 0) {
      const again = load(own.save({ includeOptimizer: true }))
      const x = random(9, 20)
      expect(again.trainStep(x, x.slice(0, 8))).toEqual(own.trainStep(x, x.slice(0, 8)))
    }
  })

  test('each keeps its optimizer while others are made, compiled, frozen and disposed', () => {
    const { own, whole } = scattered()
    const alone = load(own.save())
    for (const net of [own, alone]) net.compile({ optimizer: 'adam', loss: 'meanSquaredError' })
    const check = (step: number) => {
      const x = random(step, 20)
      alone.setWeights(own.getWeights())
      expect(own.trainStep(x, x.slice(0, 8))).toEqual(alone.trainStep(x, x.slice(0, 8)))
      expect(own.predict(x)).toEqual(alone.predict(x))
    }
    check(1)
    whole.compile({ optimizer: nadam(), loss: 'meanSquaredError' })
    check(2)
    whole.trainStep(random(0, 10), random(1, 4))
    check(3)
    const more = part(whole, { inputs: 'd2', outputs: ['d4', 'd3'] })
    more.compile({ optimizer: 'adam', loss: ['meanSquaredError', 'meanSquaredError'] })
    check(4)
    whole.setTrainable({ d1: false, d5: false })
    whole.compile({ optimizer: 'adamw', loss: 'meanSquaredError' })
    more.compile({ optimizer: 'sgd', loss: ['meanSquaredError', 'meanSquaredError'] })
    whole.trainStep(random(0, 10), random(1, 4))
    check(5)
    more.dispose()
    more.dispose()
    check(6)
    own.setTrainable({ d2: true })
    alone.setTrainable({ d2: true })
    for (const net of [own, alone]) net.compile({ optimizer: 'adam', loss: 'meanSquaredError' })
    check(7)
  })

  test('values in the middle, several outputs, calls beyond the first, parts of parts', () => {
    const x = input({ shape: [3, 2], name: 'x' })
    const [sequence, state] = lstm({ units: 4, returnSequences: true, returnState: true, name: 'lstm' })(
      x,
    ) as unknown as [typeof x, typeof x]
    const shared = dense({ units: 4, name: 'shared' })
    const net = model({ inputs: x, outputs: concatenate({ name: 'all' })(shared(shared(state)), state) })
    const data = random(1, 12)
    const states = part(net, { inputs: x, outputs: { sequence, state } })
    expect(states.predict(data).state.data).toEqual(
      part(net, { inputs: 'x', outputs: 'lstm:1' }).predict(data).data,
    )
    const second = part(net, { inputs: 'shared', outputs: 'shared#2' })
    const first = part(net, { inputs: 'lstm:1', outputs: 'shared' })
    const { data: h } = states.predict(data).state
    expect(second.predict(first.predict(h).data).data).toEqual(
      Float32Array.of(...net.predict(data).data.slice(0, 4), ...net.predict(data).data.slice(8, 12)),
    )
    expect(load(second.save()).predict(h).data).toEqual(second.predict(h).data)
    const inner = part(first, { inputs: 'input', outputs: 'shared' })
    first.compile({ optimizer: 'sgd', loss: 'mse' })
    first.trainStep(h, [
      [1, 2, 3, 4],
      [0, 1, 0, 1],
    ])
    expect(inner.predict(h)).toEqual(first.predict(h))
    expect(net.getWeights()['shared/kernel']).toEqual(inner.getWeights()['shared/kernel'])
  })

  test('with threads, frozen ahead of time, and looked at', () => {
    const layers = [
      dense({ units: 64, name: 'a' }),
      dense({ units: 64, name: 'b' }),
      dense({ units: 4, name: 'c' }),
    ]
    const whole = sequential({ inputShape: [64], layers, threads: workers(2) })
    const own = part(whole, { inputs: 'a', outputs: 'c' })
    const alone = load(own.save())
    for (const net of [whole, own, alone]) net.compile({ optimizer: nadam(), loss: 'mse' })
    const frozen = open(freeze(own, { train: [128] }), { modules: all })
    const x = random(3, 64 * 128)
    const y = random(4, 4 * 128)
    for (let step = 0; step < 3; step++) {
      const logs = own.trainStep(x, y)
      expect(logs).toEqual(alone.trainStep(x, y))
      expect(logs).toEqual(frozen.trainStep(x, y))
    }
    expect(inspect(own).memory).toContain('optimizer state')
  })

  test('with threads that are awake while parts take turns: the bits of one thread', () => {
    const trained = (threads: number) => {
      const layers = [dense({ units: 400, name: 'code' }), dense({ units: 400, name: 'out' })]
      const whole = sequential({
        inputShape: [400],
        layers,
        ...(threads > 1 && { threads: workers(threads) }),
      })
      const encoder = part(whole, { inputs: 'input', outputs: 'code' })
      const decoder = part(whole, { inputs: 'code', outputs: 'out' })
      whole.compile({ optimizer: adam({ learningRate: 0.01 }), loss: 'mse' })
      decoder.compile({ optimizer: adam({ learningRate: 0.001 }), loss: 'mse' })
      splitAll(whole.session.engine)
      const x = random(1, 4 * 400)
      for (let step = 0; step < 100; step++) {
        const code = encoder.predict(x)
        if (step % 2) whole.trainStep(x, x)
        decoder.trainStep(code, x)
      }
      const weights = whole.getWeights()
      whole.dispose()
      return weights
    }
    expect(difference(trained(2), trained(1))).toBeNull()
  })

  test('a compiled part costs its gradients and slots, not the weights', () => {
    const whole = sequential({
      inputShape: [1000],
      layers: [dense({ units: 1000, name: 'large' }), dense({ units: 2, name: 'small' })],
    })
    const bytes = () => whole.session.state().byteLength
    const before = bytes()
    const head = part(whole, { inputs: 'large', outputs: 'small' })
    head.compile({ optimizer: 'adam', loss: 'mse' })
    expect(bytes() - before).toBeLessThan(40_000)
  })
})

describe('what is refused', () => {
  const net = () =>
    sequential({ inputShape: [4], layers: [dense({ units: 3, name: 'a' }), dense({ units: 2, name: 'b' })] })
  const another = input({ shape: [4] })
  test.each<[string, (whole: Model) => unknown, string]>([
    ['an unknown value', (whole) => part(whole, { inputs: 'input', outputs: 'c' }), 'unknown value "c"'],
    [
      'a value of another model',
      (whole) => part(whole, { inputs: another, outputs: 'b' }),
      "part: inputs: an input isn't a value of this model",
    ],
    [
      'an input that is missing',
      (whole) => part(whole, { inputs: 'b', outputs: 'a' }),
      'part: output "a" depends on "input"',
    ],
    [
      'an input that no output needs',
      (whole) => part(whole, { inputs: ['input', 'a'], outputs: 'b' }),
      'no output depends on input "input"',
    ],
    [
      'no outputs',
      (whole) => part(whole, { inputs: 'input', outputs: [] }),
      'part: outputs must be one value at least',
    ],
    [
      'a number',
      (whole) => part(whole, { inputs: 3 as never, outputs: 'b' }),
      'part: inputs must be values of the model, or their names; got 3',
    ],
    [
      'an unknown option',
      (whole) => part(whole, { inputs: 'input', outputs: 'b', seed: 1 } as never),
      'unknown part option "seed"',
    ],
    ['no model', () => part({} as never, { inputs: 'input', outputs: 'b' }), 'part: model must be a model'],
    ['the method', (whole) => whole.part(), 'write part(model, { inputs, outputs })'],
  ])('%s', (_, call, message) => {
    expect(() => call(net())).toThrow(message)
  })

  test('a part of a model that was disposed', () => {
    const whole = net()
    const head = part(whole, { inputs: 'a', outputs: 'b' })
    whole.dispose()
    expect(() => head.predict([[1, 2, 3]])).toThrow('this part of a model was disposed')
    expect(() => part(whole, { inputs: 'a', outputs: 'b' })).toThrow('this model was disposed')
  })

  test('making or compiling a part while the model trains, and the reverse', async () => {
    const whole = net()
    const head = part(whole, { inputs: 'a', outputs: 'b' })
    for (const one of [whole, head]) one.compile({ loss: 'mse' })
    const running = whole.fit(random(1, 40), random(2, 20), { epochs: 2 })
    expect(() => head.compile({ loss: 'mse' })).toThrow(
      'compile: a model over the same weights is being fitted; await fit first',
    )
    expect(() => head.setTrainable(() => true)).toThrow(
      'setTrainable: a model over the same weights is being fitted',
    )
    expect(() => part(whole, { inputs: 'a', outputs: 'b' })).toThrow('part: this model is being fitted')
    head.trainStep([[1, 2, 3]], [[1, 2]])
    await running
    head.compile({ loss: 'mae' })
    const evaluation = head.evaluate([[1, 2, 3]], [[1, 2]])
    expect(() => whole.compile({ loss: 'mse' })).toThrow(
      'compile: a model over the same weights is being evaluated; await evaluate first',
    )
    await evaluation
  })
})

test('a model tells its inputs, whose names a part takes', () => {
  const [ids, x] = [input({ shape: [null], dtype: 'int32', name: 'ids' }), input({ shape: [2] })]
  const net = model({ inputs: x, outputs: dense({ units: 1, name: 'out' })(x) })
  expect(net.inputs).toEqual([{ name: 'input', shape: [2], dtype: 'float32' }])
  const half = part(net, { inputs: net.inputs[0].name, outputs: 'out' })
  expect(half.predict([[1, 2]]).data).toEqual(net.predict([[1, 2]]).data)
  expect(() => Object.assign(net.inputs[0], { name: 'other' })).toThrow(TypeError)
  const both = model({ inputs: { tokens: ids, x }, outputs: [dense({ units: 1 })(x), ids] as const })
  expect(both.inputs.map(({ name, shape, dtype }) => [name, [...shape], dtype])).toEqual([
    ['tokens', [null], 'int32'],
    ['x', [2], 'float32'],
  ])
})
