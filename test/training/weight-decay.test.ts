// What weight decay leaves out: two optimizers, one with weight decay and one without, agree with one that leaves out some weights,
// each on its share of them, bit for bit; names are those of weights, of layers, of all weights called so.
import { describe, expect, test } from 'vitest'
import { freeze } from '../../src/freeze/index.ts'
import {
  adamw,
  dense,
  layerNormalization,
  load,
  type Model,
  type Optimizer,
  type OptimizerOptions,
  optimizers,
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
const EXCLUDED = ['bias', 'gamma', 'beta']

/** The middle kernel is large enough for an update of its own. */
const build = (optimizer: Optimizer, runtime: RuntimeOptions = {}) =>
  sequential({
    inputShape: [2],
    layers: [
      dense({ units: 256, activation: 'tanh', name: 'a', biasInitializer: 'ones' }),
      dense({ units: 256, name: 'b', biasInitializer: 'ones' }),
      layerNormalization({ name: 'n' }),
      dense({ units: 1, name: 'c', biasInitializer: 'ones' }),
    ],
    seed: 1,
    ...runtime,
  }).compile({ optimizer, loss: 'mse' })

/** The weights after a step by gradients that don't depend on weights, so that each weight goes its own way. */
function after(optimizer: Optimizer, runtime: RuntimeOptions = {}): ReturnType<Model['getWeights']> {
  const net = build(optimizer, runtime)
  const gradients = { ...build(sgd()).gradients(x, y), 'c/bias': [0] } // nothing but decay moves this one
  for (let step = 0; step < 3; step++) net.applyGradients(gradients)
  return net.getWeights()
}

const kinds = Object.entries(optimizers)

describe('left out of weight decay', () => {
  test.each(kinds)('by %s: biases and norms go as without it, all others as with it', (_, make) => {
    const of = (options: OptimizerOptions) => after(make(options))
    const [none, every] = [of({ weightDecay: 0 }), of({ weightDecay: 0.1 })]
    const some = of({ weightDecay: 0.1, excludeFromWeightDecay: EXCLUDED })
    for (const [name, own] of Object.entries(some)) {
      const isOut = EXCLUDED.some((kind) => name.endsWith(`/${kind}`))
      expect(difference(own, (isOut ? none : every)[name], name)).toBeNull()
    }
    expect(difference(none['c/bias'], every['c/bias'])).not.toBeNull()
  })

  test('named by weight, by layer, by a function; over threads', () => {
    const by = (excludeFromWeightDecay: OptimizerOptions['excludeFromWeightDecay']) =>
      adamw({ weightDecay: 0.1, excludeFromWeightDecay })
    const wanted = after(by(['a/bias', 'n/gamma', 'n/beta']))
    expect(difference(after(by(['n', 'a/bias'])), wanted)).toBeNull()
    expect(difference(after(by((name) => name === 'a/bias' || name.startsWith('n/'))), wanted)).toBeNull()
    expect(difference(after(by(['n', 'a/bias']), { threads: workers(2) }), wanted)).toBeNull()
    expect(difference(after(by([])), after(by(null)))).toBeNull()
  })

  test('a file holds names, and frozen trainers go the same way', () => {
    const net = build(
      adamw({ weightDecay: 0.1, excludeFromWeightDecay: (name) => !name.endsWith('/kernel') }),
    )
    const again = load(net.save({ includeOptimizer: true }))
    const trainer = open(freeze(net, { train: [3] }), { modules: all })
    for (let step = 0; step < 3; step++) for (const one of [net, again, trainer]) one.trainStep(x, y)
    expect(difference(again.getWeights(), net.getWeights())).toBeNull()
    expect(difference(trainer.getWeights(), net.getWeights())).toBeNull()
  })
})

describe('refused:', () => {
  test.each<[RegExp, () => unknown]>([
    [
      /adamw: excludeFromWeightDecay: unknown weight or layer "bais"; did you mean/,
      () => build(adamw({ excludeFromWeightDecay: ['bais'] })),
    ],
    [
      /of a\/kernel must be a boolean; got 1/,
      () => build(adamw({ excludeFromWeightDecay: () => 1 as never })),
    ],
    [
      /excludeFromWeightDecay must be a list of names, a function of a name, or null; got 3/,
      () => adamw({ excludeFromWeightDecay: 3 as never }),
    ],
    [
      /excludeFromWeightDecay must be a list of names.*got \[3\]/,
      () => adamw({ excludeFromWeightDecay: [3] as never }),
    ],
  ])('%s', (message, make) => refused(message, make))
})
