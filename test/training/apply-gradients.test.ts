// Gradients from elsewhere: applying what `gradients` gives is a training step, bit for bit, whatever the optimizer does with
// them, in frozen trainers and over threads as well; what can't be applied is refused, with nothing changed.
import { describe, expect, test } from 'vitest'
import { freeze } from '../../src/freeze/index.ts'
import {
  accumulateGradients,
  adam,
  adamw,
  cosineDecay,
  dense,
  dropout,
  layerNormalization,
  type Model,
  maxNorm,
  meanSquaredError,
  movingAverage,
  nadam,
  type Optimizer,
  optimizers,
  type RuntimeOptions,
  sequential,
  sgd,
} from '../../src/index.ts'
import { applyGradients, open } from '../../src/run/index.ts'
import { all } from '../../src/run/modules.ts'
import { workers } from '../../src/threads/index.ts'
import { difference } from '../support/frozen.ts'
import { refused } from '../support/refused.ts'

const x = Array.from({ length: 6 }, (_, i) => [i / 3, (i % 4) - 1, 0.5])
const y = x.map(([a, b]) => [a * b, a - b])
const part = (step: number) => [x.slice(step % 3, (step % 3) + 3), y.slice(step % 3, (step % 3) + 3)] as const

const build = (
  optimizer: Optimizer,
  runtime: RuntimeOptions = {},
  loss = meanSquaredError(),
  kernelRegularizer = { l2: 0.01 },
) =>
  sequential({
    inputShape: [3],
    layers: [
      dense({
        units: 5,
        activation: 'tanh',
        name: 'h',
        kernelConstraint: maxNorm(),
        kernelRegularizer,
      }),
      layerNormalization({ name: 'n' }),
      dropout({ rate: 0.3 }),
      dense({ units: 2, name: 'out' }),
    ],
    seed: 4,
    ...runtime,
  }).compile({ optimizer, loss })

/** All that a step may change. */
const state = (net: Pick<Model, 'save'>) => net.save({ includeOptimizer: true })

const cases: Record<string, Optimizer> = {
  ...Object.fromEntries(Object.entries(optimizers).map(([name, make]) => [name, make()])),
  'a clipped norm and decay': sgd({ clipNorm: 0.1, weightDecay: 0.1, momentum: 0.9 }),
  'a schedule, a global norm and an average': adamw({
    schedule: cosineDecay({ steps: 5 }),
    globalClipNorm: 0.2,
    ema: movingAverage({ momentum: 0.8 }),
  }),
  'clipped values': adam({ clipValue: 0.05, amsgrad: true }),
  accumulation: nadam({ accumulation: accumulateGradients(2) }),
}

describe('what gradients gives has the bits of a training step', () => {
  test.each(Object.entries(cases))('%s', (_, optimizer) => {
    const [trained, applied] = [build(optimizer), build(optimizer)]
    const trainer = open(freeze(applied, { train: [2], gradients: [3] }), { modules: all })
    for (let step = 0; step < 5; step++) {
      const [rows, truths] = part(step)
      trained.trainStep(rows, truths)
      const gradients = applied.gradients(rows, truths)
      expect(difference(trainer.gradients(rows, truths), gradients)).toBeNull()
      applied.applyGradients(gradients, { weight: 3 })
      applyGradients(trainer, gradients, { weight: 3 })
    }
    expect(difference(state(applied), state(trained))).toBeNull()
    expect(difference(trainer.getWeights(), trained.getWeights())).toBeNull()
    expect(difference(trained.getWeights(), build(optimizer).getWeights())).not.toBeNull() // it trained
    trained.trainStep(...part(0))
    applied.trainStep(...part(0))
    expect(difference(state(applied), state(trained))).toBeNull()
  })

  test('over threads', () => {
    const [trained, applied] = [build(adam()), build(adam(), { threads: workers(2) })]
    for (let step = 0; step < 3; step++) {
      trained.trainStep(...part(step))
      applied.applyGradients(applied.gradients(...part(step)))
    }
    expect(difference(applied.getWeights(), trained.getWeights())).toBeNull()
    applied.dispose()
  })

  test('accumulated between training steps, by rows; of sums, the sum', () => {
    for (const loss of [meanSquaredError(), meanSquaredError({ reduction: 'sum' })]) {
      const optimizer = sgd({ accumulation: accumulateGradients(3) })
      const [trained, applied] = [0, 0].map((l2) => build(optimizer, {}, loss, { l2 }))
      trained.trainStep(x.slice(0, 4), y.slice(0, 4))
      trained.trainStep(x.slice(4), y.slice(4))
      trained.trainStep(x, y)
      applied.trainStep(x.slice(0, 4), y.slice(0, 4))
      applied.applyGradients(applied.gradients(x.slice(4), y.slice(4)), { weight: 2 })
      applied.applyGradients(applied.gradients(x, y), { weight: 6 })
      expect(difference(state(applied), state(trained))).toBeNull()
    }
  })
})

test('gradients come in every form of an array; weights that are frozen have none', () => {
  const net = sequential({
    inputShape: [2],
    layers: [
      dense({ units: 2, name: 'a', trainable: false }),
      dense({ units: 1, name: 'b', kernelInitializer: 'zeros' }),
    ],
  }).compile({ optimizer: sgd({ learningRate: 0.5 }), loss: 'mse' })
  net.applyGradients({ 'b/kernel': [[2], [-4]], 'b/bias': new Float64Array([1]) })
  net.applyGradients({ 'b/kernel': { shape: [2, 1], data: new Float32Array([2, 0]) }, 'b/bias': [0] })
  const { 'b/kernel': kernel, 'b/bias': bias } = net.getWeights()
  expect([...kernel.data, ...bias.data]).toEqual([-2, 2, -0.5])
  refused('applyGradients: weight a/bias is frozen and takes no gradient', () =>
    net.applyGradients({ 'a/bias': [0, 0], 'b/kernel': [[0], [0]], 'b/bias': [0] }),
  )
})

describe('refused, with nothing changed:', () => {
  const net = build(adam())
  const good = net.gradients(...part(0))
  const { 'out/bias': _, ...rest } = good
  const trainer = open(freeze(net, { train: [1] }), { modules: all })
  const bad: Record<string, [given: unknown, message: RegExp]> = {
    'a name that is missing': [rest, /applyGradients: the gradient of out\/bias is missing/],
    'a name that is unknown': [
      { ...good, 'out/bais': [1, 2] },
      /unknown applyGradients weight "out\/bais".*out\/bias/,
    ],
    'another shape': [{ ...good, 'out/bias': [1, 2, 3] }, /out\/bias: expected shape \[2\].*\[3\]/],
    'a shape turned round': [
      { ...good, 'out/kernel': { shape: [2, 5], data: new Float32Array(10) } },
      /out\/kernel: expected shape \[5,2\]; got \[2,5\]/,
    ],
    NaN: [{ ...good, 'out/bias': [1, Number.NaN] }, /gradient of out\/bias holds NaN \(pass allowNaN/],
    null: [null, /applyGradients: gradients must be an object of arrays by name; got null/],
    'no array': [{ ...good, 'out/bias': 'two' }, /out\/bias: expected a typed array/],
    undefined: [{ ...good, 'out/bias': undefined }, /out\/bias is missing/],
  }
  test.each(Object.entries(bad))('%s', (_, [given, message]) => {
    refused(message, () => net.applyGradients(given as typeof good), net)
    refused(message, () => applyGradients(trainer, given as typeof good), trainer)
  })

  test('an unknown option, a weight of 0', () => {
    refused(/applyGradients.*wieght/, () => net.applyGradients(good, { wieght: 1 } as object), net)
    refused(/applyGradients: weight.*0/, () => net.applyGradients(good, { weight: 0 }), net)
  })

  test('before compile, after dispose, frozen without train', () => {
    const bare = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
    refused(/call compile first/, () => bare.applyGradients({}), bare)
    const unable = open(freeze(net), { modules: all })
    refused(/no program that trains: freeze\(model, \{ train: \[1\] \}\)/, () => applyGradients(unable, good))
    bare.dispose()
    refused(/was disposed/, () => bare.applyGradients({}))
  })

  test('NaN is taken where it is allowed', () => {
    const own = build(sgd())
    own.applyGradients({ ...good, 'out/bias': [Number.NaN, 0] }, { allowNaN: true })
    expect(own.getWeights()['out/bias'].data[0]).toBeNaN()
  })
})
