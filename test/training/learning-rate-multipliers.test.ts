// Learning rates by layer: a weight whose factor is m goes as in a model whose whole learning rate is m times as high, bit for bit;
// names are those of weights, of layers, of models within the model, of all weights called so.
import { expect, test } from 'vitest'
import { freeze } from '../../src/freeze/index.ts'
import {
  adam,
  adamw,
  dense,
  input,
  load,
  type Model,
  model,
  type Optimizer,
  type OptimizerOptions,
  optimizers,
  part,
  type RuntimeOptions,
  sequential,
  sgd,
} from '../../src/index.ts'
import { open } from '../../src/run/index.ts'
import { all } from '../../src/run/modules.ts'
import { workers } from '../../src/threads/index.ts'
import { difference } from '../support/frozen.ts'
import { refused } from '../support/refused.ts'

const x = [
  [1, 2],
  [0, -1],
  [0.5, 3],
]
const y = [1, 2, 3]

/** The middle kernel is large enough for an update of its own. */
const build = (optimizer: Optimizer, runtime: RuntimeOptions = {}) =>
  sequential({
    inputShape: [2],
    layers: [
      dense({ units: 256, activation: 'tanh', name: 'a', biasInitializer: 'ones' }),
      dense({ units: 256, name: 'b', biasInitializer: 'ones' }),
      dense({ units: 1, name: 'c', biasInitializer: 'ones' }),
    ],
    seed: 1,
    ...runtime,
  }).compile({ optimizer, loss: 'mse' })

/** The weights after steps by gradients that don't depend on weights, so that each weight goes its own way. */
function after(optimizer: Optimizer, runtime: RuntimeOptions = {}): ReturnType<Model['getWeights']> {
  const net = build(optimizer, runtime)
  const gradients = build(sgd()).gradients(x, y)
  for (let step = 0; step < 3; step++) net.applyGradients(gradients)
  return net.getWeights()
}

const halves = { a: 0.5, bias: 0.25, 'c/kernel': 0 }
const factorOf = (name: string) =>
  name === 'c/kernel' ? 0 : name.endsWith('/bias') ? 0.25 : name.startsWith('a/') ? 0.5 : 1

test.each(Object.entries(optimizers))('by %s: each weight goes as by its own rate', (_, make) => {
  // factors that are powers of 2 round nothing
  const of = (factor: number) => after(make({ learningRate: factor / 64, weightDecay: 0.1 }))
  const whole = new Map([1, 0.5, 0.25].map((factor) => [factor, of(factor)]))
  whole.set(0, build(sgd()).getWeights())
  const own = after(make({ learningRate: 1 / 64, weightDecay: 0.1, learningRateMultipliers: halves }))
  for (const [name, weight] of Object.entries(own))
    expect(difference(weight, whole.get(factorOf(name))?.[name], name)).toBeNull()
})

test('1 changes no bit; over threads, frozen, loaded and resumed the bits are the same', () => {
  expect(difference(after(adam({ learningRateMultipliers: { a: 1, bias: 1 } })), after(adam()))).toBeNull()
  const optimizer = adamw({ learningRateMultipliers: halves })
  const net = build(optimizer)
  expect(difference(after(optimizer, { threads: workers(2) }), after(optimizer))).toBeNull()
  const trainer = open(freeze(net, { train: [3] }), { modules: all })
  for (let step = 0; step < 2; step++) expect(trainer.trainStep(x, y)).toEqual(net.trainStep(x, y))
  const again = load(net.save({ includeOptimizer: true }))
  for (const one of [again, trainer, net]) one.trainStep(x, y)
  for (const one of [again, trainer]) expect(difference(one.getWeights(), net.getWeights())).toBeNull()
})

test('names of models within the model, and of parts', () => {
  const encoder = sequential({ inputShape: [2], layers: [dense({ units: 2, name: 'd' })], name: 'encoder' })
  const from = input({ shape: [2] })
  const code = encoder(from)
  const whole = model({ inputs: from, outputs: dense({ units: 1, name: 'head' })(code) })
  const trained = (multipliers: OptimizerOptions['learningRateMultipliers']) => {
    const half = part(whole, { inputs: from, outputs: code })
    half.compile({ optimizer: sgd({ learningRateMultipliers: multipliers }), loss: 'mse' })
    const before = whole.getWeights()
    half.trainStep(x, x)
    return difference(whole.getWeights(), before) === null
  }
  expect([trained({ encoder: 0 }), trained({ 'encoder.d': 0 }), trained({ encoder: 0, bias: 1 })]).toEqual([
    true,
    true,
    false,
  ])
})

test('bad factors and names are refused', () => {
  for (const [given, message] of [
    [{ a: -1 }, /adam: learningRateMultipliers must be an object of numbers from 0 up/],
    [{ a: Number.NaN }, /learningRateMultipliers/],
    [[1], /learningRateMultipliers/],
    ['a', /learningRateMultipliers/],
  ] as const)
    refused(message, () => adam({ learningRateMultipliers: given as never }))
  refused(/weight or layer.*"aa"/, () => build(adam({ learningRateMultipliers: { aa: 1 } })))
})
