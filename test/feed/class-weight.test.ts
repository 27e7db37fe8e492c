// Class weights: the same as sample weights given by hand, for every form of target.
import { describe, expect, test } from 'vitest'
import {
  classWeights,
  type Data,
  dense,
  type FitOptions,
  input,
  type LossLike,
  type Model,
  model,
  type Symbolic,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
} from '../../src/index.ts'
import { refused, refusedSoon } from '../support/refused.ts'

const ROWS = 12
const x = Float32Array.from({ length: ROWS * 3 }, (_, i) => ((i * 7919 + 13) % 101) / 50 - 1)
const ids = Array.from({ length: ROWS }, (_, i) => (i * i + 1) % 3)
const table = { 0: 0.5, 2: 3 }
const classWeight = classWeights(table)
const weightOf = (id: number) => [0.5, 1, 3][id]
const rowWeights = ids.map(weightOf)
const sampleWeight = ids.map((_, i) => 1 + (i % 4))

const activations: Readonly<Record<string, 'softmax' | 'sigmoid' | undefined>> = {
  sparseCategoricalCrossentropy: 'softmax',
  categoricalCrossentropy: 'softmax',
  klDivergence: 'softmax',
  binaryCrossentropy: 'sigmoid',
}

const net = (units: number, loss: LossLike, steps?: number): Model<Symbolic> =>
  sequential({
    inputShape: steps ? [steps, 3] : [3],
    seed: 4,
    layers: [
      dense({ units, activation: activations[typeof loss === 'string' ? loss : loss.kind], name: 'out' }),
    ],
  }).compile({ loss, optimizer: sgd({ learningRate: 0.1 }) })

const bits = (of: Pick<Model, 'save'>) => [...of.save({ includeOptimizer: true })]
const byLabel = 'sparseCategoricalCrossentropy'

const targets: readonly [string, number, LossLike, Data, readonly number[]][] = [
  ['labels', 3, byLabel, ids, rowWeights],
  [
    'one-hot rows',
    3,
    'categoricalCrossentropy',
    ids.map((id) => [0, 1, 2].map((j) => Number(j === id))),
    rowWeights,
  ],
  ['soft rows', 3, 'klDivergence', ids.map((id) => [0, 1, 2].map((j) => (j === id ? 0.6 : 0.2))), rowWeights],
  ['single units', 1, 'binaryCrossentropy', ids.map((id) => id % 2), ids.map((id) => weightOf(id % 2))],
  // smoothed by hand: the nearest class
  [
    'soft single units',
    1,
    'binaryCrossentropy',
    ids.map((id) => 0.1 + 0.8 * (id % 2)),
    ids.map((id) => weightOf(id % 2)),
  ],
]

describe.each(targets)('%s', (_, units, loss, y, weights) => {
  test.each([
    ['alone', undefined, weights],
    ['times sample weights', sampleWeight, weights.map((w, i) => w * sampleWeight[i])],
  ])('%s', async (_, given, product) => {
    const options: FitOptions = { epochs: 2, batchSize: 5 }
    const a = net(units, loss)
    const b = net(units, loss)
    const classWeight = classWeights(units === 1 ? { 0: 0.5 } : { 0: 0.5, 2: 3 })
    const history = await a.fit(x, y, { ...options, classWeight, ...(given && { sampleWeight: given }) })
    expect(history).toEqual(await b.fit(x, y, { ...options, sampleWeight: product }))
    expect(a.trainStep(x, y, { classWeight, ...(given && { sampleWeight: given }) })).toEqual(
      b.trainStep(x, y, { sampleWeight: product }),
    )
    expect(bits(a)).toEqual(bits(b))
    expect(bits(a)).not.toEqual(bits(net(units, loss)))
  })
})

describe('where they count', () => {
  test('positions with a label each', () => {
    const y = [0, 1, 2, 3].map((row) => ids.slice(row * 3, row * 3 + 3))
    const perRow = [1, 2, 0.5, 4]
    const byPosition = y.map((row) => row.map(weightOf))
    const a = net(3, byLabel, 3)
    const b = net(3, byLabel, 3)
    const given = x.slice(0, 36)
    expect(a.trainStep(given, y, { classWeight })).toEqual(
      b.trainStep(given, y, { sampleWeight: byPosition }),
    )
    const product = byPosition.map((row, i) => row.map((w) => w * perRow[i]))
    expect(a.trainStep(given, y, { classWeight, sampleWeight: perRow })).toEqual(
      b.trainStep(given, y, { sampleWeight: product }),
    )
    expect(a.trainStep(given, y, { classWeight, sampleWeight: byPosition })).toEqual(
      b.trainStep(given, y, { sampleWeight: byPosition.map((row) => row.map((w) => w * w)) }),
    )
    expect(bits(a)).toEqual(bits(b))
  })

  test('validation takes none', async () => {
    const still = () => net(3, byLabel).compile({ loss: byLabel, optimizer: sgd({ learningRate: 0 }) })
    const history = await still().fit(x, ids, { classWeight, validationSplit: 0.5 })
    const plain = await still().fit(x, ids, { validationSplit: 0.5 })
    expect(history.val_loss).toEqual(plain.val_loss)
    expect(history.loss).not.toEqual(plain.loss)
  })

  test('batches from an iterable', async () => {
    const a = net(3, byLabel)
    const b = net(3, byLabel)
    const batches = [0, 6].map((at) => ({ x: x.slice(at * 3, at * 3 + 18), y: ids.slice(at, at + 6) }))
    await a.fit(batches, { classWeight })
    await b.fit(batches.map((batch, i) => ({ ...batch, weights: rowWeights.slice(i * 6, i * 6 + 6) })))
    expect(bits(a)).toEqual(bits(b))
  })

  test('several outputs: by name', async () => {
    const make = () => {
      const from = input({ shape: [3], name: 'x' })
      const outputs = {
        a: dense({ units: 3, activation: 'softmax', name: 'a' })(from),
        b: dense({ units: 1, name: 'b' })(from),
      }
      return model({ inputs: from, outputs }).compile({ loss: { a: byLabel, b: 'mse' }, optimizer: 'sgd' })
    }
    const y = { a: ids, b: ids.map((id) => id / 2) }
    const [one, two] = [make(), make()]
    one.trainStep(x, y, { classWeight: classWeights({ a: table }) })
    two.trainStep(x, y, { sampleWeight: { a: rowWeights, b: ids.map(() => 1) } })
    expect(bits(one)).toEqual(bits(two))
    refused(
      'trainStep: classWeight: expected weights for a, b; got "0"',
      () => one.trainStep(x, y, { classWeight }),
      one,
    )
  })
})

test.each<[string, string, LossLike, number, unknown, Data]>([
  [
    'no object',
    'trainStep: classWeight must be an object of weights by class, { 0: 1, 1: 5 }; got 3',
    byLabel,
    3,
    3,
    ids,
  ],
  ['a name', 'trainStep: classWeight: expected class ids as keys; got "one"', byLabel, 3, { one: 1 }, ids],
  [
    'a negative weight',
    'trainStep: classWeight: class 1 must be a finite number >= 0; got -1',
    byLabel,
    3,
    { 1: -1 },
    ids,
  ],
  [
    'several numbers that are no classes',
    'trainStep: classWeight: rows of 3 elements have no one class under meanSquaredError',
    'mse',
    3,
    table,
    ids.map((id) => [id, 1, 2]),
  ],
])('refused: %s', (_, message, loss, units, given, y) => {
  const kept = net(units, loss)
  refused(message, () => kept.trainStep(x, y, { classWeight: classWeights(given as typeof table) }), kept)
})

describe('classes that an output lacks', () => {
  const binary = ids.map((id) => id % 2)
  test.each<[string, LossLike, number, object, Data]>([
    ['expected classes from 0 to 1; got 5', 'binaryCrossentropy', 1, { 5: 3 }, binary],
    ['expected classes from 0 to 1; got -1', 'binaryCrossentropy', 1, { '-1': 3 }, binary],
    ['expected classes from 0 to 2; got 3', byLabel, 3, { 3: 1 }, ids],
    ['expected classes from 0 to 2; got 3', byLabel, 3, [1, 1, 1, 1], ids],
    [
      'expected classes from 0 to 2; got 4',
      'categoricalCrossentropy',
      3,
      { 4: 1 },
      ids.map((id) => [0, 1, 2].map((j) => Number(j === id))),
    ],
    ['expected classes from -1 to 1; got 2', 'hinge', 1, { 2: 1 }, binary],
  ])('%s under %s', async (text, loss, units, given, y) => {
    const kept = net(units, loss)
    const options = { classWeight: classWeights(given as Record<number, number>) }
    refused(`trainStep: classWeight: ${text}`, () => kept.trainStep(x, y, options), kept)
    await refusedSoon(`fit: classWeight: ${text}`, () => kept.fit(x, y, options), kept)
  })

  test('a Map or a Set holds its weights where nothing looks', () => {
    const kept = net(3, byLabel)
    for (const given of [new Map([[1, 3]]), new Set([1])])
      refused(
        /^trainStep: classWeight must be an object of weights by class, \{ 0: 1, 1: 5 \}; got /,
        () => kept.trainStep(x, ids, { classWeight: classWeights(given as never) }),
        kept,
      )
  })

  test('a list is by class, and the ignored id may have a weight', () => {
    const [one, other] = [net(3, byLabel), net(3, byLabel)]
    expect(one.trainStep(x, ids, { classWeight: classWeights([0.5, 1, 3] as never) })).toEqual(
      other.trainStep(x, ids, { classWeight }),
    )
    const ignoring = net(3, sparseCategoricalCrossentropy({ ignoreIndex: -1 }))
    ignoring.trainStep(x, ids, { classWeight: classWeights({ '-1': 0, 1: 2 }) })
  })
})

test('the two classes of a hinge loss, -1 and 1', () => {
  const signs = ids.map((id) => (id === 1 ? 1 : -1))
  const [one, other] = [net(1, 'hinge'), net(1, 'hinge')]
  one.trainStep(x, signs, { classWeight: classWeights({ '-1': 3, 1: 0.5 }) })
  other.trainStep(x, signs, { sampleWeight: signs.map((sign) => (sign < 0 ? 3 : 0.5)) })
  expect(bits(one)).toEqual(bits(other))
})

test('weights that classWeights did not make are refused by a message that shows what to write', async () => {
  const kept = net(3, byLabel)
  const written = (what: string, got: string) =>
    `${what}: classWeight: write classWeight: classWeights({ 0: 1, 1: 10 }), with classWeights from 'lanegrad'; got ${got}`
  const given = { classWeight: table as never }
  refused(written('trainStep', '{ 0, 2 }'), () => kept.trainStep(x, ids, given), kept)
  await refusedSoon(written('fit', '{ 0, 2 }'), () => kept.fit(x, ids, given), kept)
  const copied = { classWeight: { ...classWeight } as never }
  refused(written('trainStep', '{ kind, weights }'), () => kept.trainStep(x, ids, copied), kept)
  refused(
    written('trainStep', 'function classWeights'),
    () => kept.trainStep(x, ids, { classWeight: classWeights as never }),
    kept,
  )
})
