// Every argument and option of lanegrad/freeze and lanegrad/run gets values of every kind (hostile-values.ts): what is thrown is a
// LanegradError, or what the value's own code threw; the trainer is as it was, and goes on.
import { expect, test } from 'vitest'
import { freeze } from '../../src/freeze/index.ts'
import { adam, dense, dropout, LanegradError, sequential } from '../../src/index.ts'
import { fit, open, sampleWeights } from '../../src/run/index.ts'
import { random } from '../../src/run/modules.ts'
import { draws, hostile, kinds, Own } from '../support/hostile-values.ts'

const net = () =>
  sequential({
    inputShape: [2],
    layers: [
      dense({ units: 3, activation: 'tanh' }),
      dropout({ rate: 0.1 }),
      dense({ units: 2, activation: 'softmax' }),
    ],
  }).compile({ optimizer: adam(), loss: 'sparseCategoricalCrossentropy' })
const x = [
  [1, 2],
  [3, 4],
]
const y = [0, 1]
const model = net()
const bytes = freeze(model, {
  ...{ train: [2, 1], evaluate: [2, 1], gradients: [2], predict: [1, 2] },
  sampleWeight: true,
})
const modules = [random]
const subject = open(bytes, { modules })
/** `fit` may have trained some batches before a callback fails. */
const fitted = open(bytes, { modules })

type Call = (value: never) => unknown
const targets: Readonly<Record<string, Call>> = {
  'freeze(v)': (v) => freeze(v),
  'freeze(model, v)': (v) => freeze(model, v),
  ...Object.fromEntries(
    ['train', 'evaluate', 'predict', 'gradients', 'sampleWeight', 'includeOptimizer'].flatMap((option) => [
      [`freeze: ${option}`, (v: never) => freeze(model, { [option]: v })],
      // a large size that is taken would take its time
      [
        `freeze: ${option}: [v]`,
        (v: never) => freeze(model, { [option]: [typeof v === 'number' && v > 1e6 ? 1 : v] }),
      ],
    ]),
  ),
  'open(v)': (v) => open(v),
  'open(bytes, v)': (v) => open(bytes, v),
  'open: modules': (v) => open(bytes, { modules: v }),
  'open: modules: [v]': (v) => open(bytes, { modules: [v] }),
  'open: modules: codes': (v) => open(bytes, { modules: [{ ...random, codes: v }] }).trainStep(x, y),
  'open: modules: codes: [v, v]': (v) =>
    open(bytes, { modules: [{ ...random, codes: [v, v] }] }).trainStep(x, y),
  'trainStep: x': (v) => subject.trainStep(v, y),
  'trainStep: y': (v) => subject.trainStep(x, v),
  'trainStep: options': (v) => subject.trainStep(x, y, v),
  'trainStep: sampleWeight': (v) => subject.trainStep(x, y, { sampleWeight: v }),
  'trainStep: allowNaN': (v) => subject.trainStep(x, y, { allowNaN: v }),
  'evaluate: x': (v) => subject.evaluate(v, y),
  'evaluate: y': (v) => subject.evaluate(x, v),
  'evaluate: options': (v) => subject.evaluate(x, y, v),
  'evaluate: sampleWeight': (v) => subject.evaluate(x, y, { sampleWeight: v }),
  'predict: x': (v) => subject.predict(v),
  'predict: x: [v]': (v) => subject.predict([v] as never),
  'predict: options': (v) => subject.predict(x, v),
  'predict: allowNaN': (v) => subject.predict(x, { allowNaN: v }),
  'gradients: x': (v) => subject.gradients(v, y),
  'gradients: y': (v) => subject.gradients(x, v),
  'gradients: options': (v) => subject.gradients(x, y, v),
  'setWeights(v)': (v) => subject.setWeights(v),
  'setWeights: kernel': (v) => subject.setWeights({ 'dense_1/kernel': v }),
  learningRate: (v) => {
    subject.learningRate = v
  },
  'save(v)': (v) => subject.save(v),
  'save: includeOptimizer': (v) => subject.save({ includeOptimizer: v }),
  'sampleWeights: trainer': (v) => sampleWeights(v, y, { 1: 2 }),
  'sampleWeights: y': (v) => sampleWeights(subject, v, { 1: 2 }),
  'sampleWeights: table': (v) => sampleWeights(subject, y, v),
  'sampleWeights: a class': (v) => sampleWeights(subject, y, { 1: v }),
  'fit: trainer': (v) => fit(v, x, y),
  'fit: x': (v) => fit(fitted, v, y),
  'fit: y': (v) => fit(fitted, x, v),
  'fit: options': (v) => fit(fitted, x, y, v),
  ...Object.fromEntries(
    'epochs initialEpoch batchSize dropRemainder shuffle validationSplit validationData validationFreq callbacks signal sampleWeight allowNaN'
      .split(' ')
      .map((option) => [
        `fit: ${option}`,
        (v: never) => fit(fitted, x, y, { signal: AbortSignal.timeout(2), [option]: v }),
      ]),
  ),
}

const isOurs = (error: unknown): boolean => {
  try {
    return error instanceof LanegradError || error instanceof Own
  } catch {
    return false
  }
}

test('arguments of every kind', { timeout: 120_000 }, async () => {
  const wrong = new Set<string>()
  const draw = draws(1)
  // every value for every argument with CI=1, a twelfth of them here
  const every = process.env.CI ? 1 : 12
  let refused = 0
  for (const [i, [name, call]] of Object.entries(targets).entries())
    for (let kind = i % every; kind < kinds; kind += every) {
      const before = subject.save()
      try {
        await Promise.race([
          call(hostile(draw, kind) as never),
          new Promise((resolve) => setTimeout(resolve, 100)),
        ])
      } catch (error) {
        refused++
        if (!isOurs(error)) wrong.add(`${name}, value ${kind}: ${(error as Error)?.stack ?? String(error)}`)
        else if (Buffer.compare(subject.save(), before) !== 0)
          wrong.add(`${name}, value ${kind}: it has changed`)
      }
    }
  expect([...wrong]).toEqual([])
  expect(refused).toBeGreaterThan((Object.keys(targets).length * kinds) / every / 2)
  expect(subject.trainStep(x, y).loss).toBeGreaterThanOrEqual(0)
})
