// What callers get wrong with data and calls: each is refused by a LanegradError that names the argument, what was
// expected and what came, and leaves the model as it was, optimizer and all, bit for bit.
import { describe, expect, test } from 'vitest'
import {
  type ActivationName,
  type Data,
  dense,
  type LossName,
  type Model,
  type StepOptions,
  type Symbolic,
  sequential,
  tensor,
} from '../../src/index.ts'
import { profile } from '../../src/inspect/index.ts'
import { refusedSoon } from '../support/refused.ts'

type Net = Model<Symbolic>
const x = Float32Array.from({ length: 12 }, (_, i) => ((i * 37) % 23) / 11 - 1)
const labels = [0, 2, 1, 2]

const net = sequential({
  inputShape: [3],
  layers: [dense({ units: 4, activation: 'relu' }), dense({ units: 3, activation: 'softmax' })],
}).compile({ loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] })
net.trainStep(x, labels)

/** `call` throws or rejects with exactly this message, and `of` is as it was. */
const refused = (message: string, call: () => unknown, of: Pick<Net, 'save'> = net) =>
  refusedSoon(message, call, of)

/** The methods that take x, y and options, each by its name. */
const methods: [string, (x: Data, y: Data, options?: StepOptions) => unknown][] = [
  ['trainStep', (...args) => net.trainStep(...args)],
  ['fit', (...args) => net.fit(...args)],
  ['evaluate', (...args) => net.evaluate(...args)],
  ['gradients', (...args) => net.gradients(...args)],
  ['profile', (...args) => profile(net, ...args)],
]

describe.each(methods)('%s refuses', (name, call) => {
  const expected = 'expected shape [batch,3]'

  test('x of the wrong feature count', async () => {
    await refused(`${name}: x: ${expected}; got [2,4]`, () =>
      call(
        [
          [1, 2, 3, 4],
          [5, 6, 7, 8],
        ],
        [0, 1],
      ),
    )
  })

  test('x of the wrong rank', async () => {
    await refused(`${name}: x: ${expected}; got [2,2,3]`, () => call(tensor(x, [2, 2, 3]), [0, 1]))
    await refused(`${name}: x: ${expected}; got [3]`, () => call([1, 2, 3], [0]))
  })

  test('a flat array that is no multiple of a row', async () => {
    await refused(`${name}: x: ${expected}, a multiple of 3 elements; got 11`, () =>
      call(x.subarray(1), labels),
    )
  })

  test('ragged nested arrays', async () => {
    const rows = [
      [1, 2, 3],
      [4, 5],
    ]
    const message = 'expected 3 elements at depth 1, as in the first list; got 2 elements'
    await refused(`${name}: x: ${message}`, () => call(rows, [0, 1]))
  })

  test('what is no number', async () => {
    const rows = [[1, 2, 'three']] as unknown as Data
    await refused(`${name}: x: element 2 must be a number; got "three"`, () => call(rows, [0]))
  })

  test('no data', async () => {
    const what = 'expected a typed array, a tensor or nested arrays of shape [batch,3]; got undefined'
    await refused(`${name}: x: ${what}`, () => call(undefined as unknown as Data, labels))
    await refused(`${name}: x: ${expected}; got [0] with 0 elements`, () => call([], []))
    await refused(`${name}: x: ${expected}, a multiple of 3 elements; got 0`, () =>
      call(new Float32Array(0), labels),
    )
  })

  test('x and y of different row counts', async () => {
    await refused(`${name}: x has 4 rows; ${name}: y has 3`, () => call(x, [0, 1, 2]))
  })

  test.each([
    ['past the last class', 3],
    ['that is negative', -1],
  ])('a label %s', async (_, label) => {
    const message = `${name}: y: element 3 is ${label}; expected a class label from 0 to 2`
    await refused(message, () => call(x, [0, 1, 2, label]))
  })

  test('a label that is no integer', async () => {
    await refused(`${name}: y: element 1 is 0.5; expected an integer`, () => call(x, [0, 0.5, 1, 2]))
    await refused(`${name}: y: element 0 is NaN; expected an integer`, () => call(x, [Number.NaN, 0, 1, 2]))
  })

  test('one-hot rows where labels are due', async () => {
    const expected = 'expected shape [batch] (class ids; one-hot rows take categoricalCrossentropy)'
    await refused(`${name}: y: ${expected}; got [4,3]`, () => call(x, tensor(x, [4, 3])))
  })

  test('NaN in x, unless allowed', async () => {
    const bad = x.slice()
    bad[7] = Number.NaN
    await refused('input input: row 2 holds NaN (pass allowNaN: true to use it all the same)', () =>
      call(bad, labels),
    )
  })

  test('NaN in sampleWeight', async () => {
    const sampleWeight = [1, 1, 1, Number.NaN]
    await expect(async () => call(x, labels, { sampleWeight })).rejects.toThrow(
      /^sample weights.*: row 3 holds NaN/,
    )
  })

  test('sampleWeight of the wrong count or kind', async () => {
    const given = (sampleWeight: unknown) => () => call(x, labels, { sampleWeight } as StepOptions)
    await refused(`${name}: sampleWeight: expected one weight for each of 4 rows; got [3]`, given([1, 2, 3]))
    await refused(
      `${name}: sampleWeight: expected one weight for each of 4 rows; got [4,3]`,
      given(tensor(new Float32Array(12).fill(1), [4, 3])),
    )
    const message = `${name}: sampleWeight: expected a typed array, a tensor or nested arrays of shape [batch]; got`
    await refused(`${message} null`, given(null))
    await refused(`${message} 1`, given(1))
  })

  test('an unknown option', async () => {
    const options = { sampleWeights: [1, 1, 1, 1] } as StepOptions
    const message = `unknown ${name} option "sampleWeights"; did you mean "sampleWeight"? Known: `
    await expect(async () => call(x, labels, options)).rejects.toThrow(message)
  })

  test('options that are no object', async () => {
    const message = new RegExp(`^${name} options must be a plain object of .*allowNaN.*; got null$`)
    await expect(async () => call(x, labels, null as unknown as StepOptions)).rejects.toThrow(message)
  })
})

describe('NaN', () => {
  const bad = [[1, Number.NaN, 2]]
  const regression = () =>
    sequential({ inputShape: [3], layers: [dense({ units: 1 })] }).compile({ loss: 'mse' })

  test('in y is refused', async () => {
    const of = regression()
    const message = 'target dense_1: row 1 holds NaN (pass allowNaN: true to use it all the same)'
    const y = [0, Number.NaN, 0, 0]
    await refused(message, () => of.trainStep(x, y), of)
    await refused(message, () => of.fit(x, y), of)
    await refused(message, () => of.fit(x, x.subarray(4, 8), { validationData: [x, y] }), of)
    await refused(message, () => of.evaluate(x, y), of)
  })

  test('in x of predict is refused', async () => {
    await refused('input input: row 0 holds NaN (pass allowNaN: true to use it all the same)', () =>
      net.predict(bad),
    )
  })

  test('in the row of a shuffled or later batch is named by its place in x', async () => {
    const of = regression()
    const many = new Float32Array(300)
    many[3 * 77] = Number.NaN
    const message = 'input input: row 77 holds NaN (pass allowNaN: true to use it all the same)'
    await refused(message, () => of.fit(many, new Float32Array(100), { batchSize: 8 }), of)
    await refused(message, () => of.predict(many, { batchSize: 8 }), of)
  })

  test('is let through by allowNaN', async () => {
    const options = { allowNaN: true }
    expect([...net.predict(bad, options).data]).toEqual([Number.NaN, Number.NaN, Number.NaN])
    const of = regression()
    expect((await of.evaluate(bad, [1], options)).loss).toBeNaN()
    expect(of.trainStep(bad, [1], options).loss).toBeNaN()
    expect((await regression().fit(bad, [1], options)).loss[0]).toBeNaN()
    expect(
      (await regression().fit([[1, 2, 3]], [1], { ...options, sampleWeight: [Number.NaN] })).loss[0],
    ).toBeNaN()
  })

  test('infinities are numbers', async () => {
    const y = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0]
    expect((await regression().evaluate(x, y)).loss).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('targets a loss is not defined for', () => {
  const made = (units: number, activation: ActivationName, loss: LossName) =>
    sequential({ inputShape: [3], layers: [dense({ units, activation, name: 'out' })] }).compile({
      loss,
      optimizer: 'sgd',
    })
  const binary = ' (-1 and 1 take hinge, class ids sparseCategoricalCrossentropy)'

  test.each<[LossName, number, ActivationName, Data, string]>([
    [
      'binaryCrossentropy',
      1,
      'sigmoid',
      [1, 0, 2, 1],
      `row 2 holds 2; binaryCrossentropy takes targets from 0 to 1${binary}`,
    ],
    [
      'binaryCrossentropy',
      1,
      'sigmoid',
      Int8Array.of(1, -1, 1, 1),
      `row 1 holds -1; binaryCrossentropy takes targets from 0 to 1${binary}`,
    ],
    [
      'binaryCrossentropy',
      2,
      'sigmoid',
      Float64Array.of(0, 1, 0, 0, 0, 0, 0, 1.5),
      `row 3 holds 1.5; binaryCrossentropy takes targets from 0 to 1${binary}`,
    ],
    [
      'categoricalCrossentropy',
      2,
      'softmax',
      [
        [0, 1],
        [1, 0],
        [1, 0],
        [2, -1],
      ],
      'row 3 holds -1; categoricalCrossentropy takes targets from 0 up',
    ],
    [
      'klDivergence',
      2,
      'softmax',
      [
        [0, 1],
        [1.5, -0.5],
        [1, 0],
        [1, 0],
      ],
      'row 1 holds -0.5; klDivergence takes targets from 0 up',
    ],
    ['poisson', 1, 'exponential', [3, 0, -1, 2], 'row 2 holds -1; poisson takes targets from 0 up'],
    [
      'hinge',
      1,
      'linear',
      [1, -1, 2, 1],
      'row 2 holds 2; hinge takes targets from -1 to 1 (two classes are -1 and 1)',
    ],
    ['squaredHinge', 1, 'tanh', [1, -3, 1, 1], 'row 1 holds -3; squaredHinge takes targets from -1 to 1'],
    [
      'categoricalHinge',
      2,
      'linear',
      [
        [1, -1],
        [0, 1],
        [0, 1],
        [0, 1],
      ],
      'row 0 holds -1; categoricalHinge takes targets from 0 to 1',
    ],
  ])('%s of %i', async (loss, units, activation, y, text) => {
    const of = made(units, activation, loss)
    of.trainStep(x, new Float32Array(units * 4)) // so that the next one is like it
    await refused(`trainStep: y: ${text}`, () => of.trainStep(x, y), of)
    await refused(`trainStep: y: ${text}`, () => of.trainStep(x, y, { allowNaN: true }), of)
    await refused(`fit: y: ${text}`, () => of.fit(x, y, { batchSize: 1 }), of)
    await refused(
      `fit: validationData: y: ${text}`,
      () => of.fit(x, new Float32Array(units * 4), { validationData: [x, y] }),
      of,
    )
    await refused(`fit: epoch 1, batch 1: y: ${text}`, () => of.fit([{ x, y }]), of)
    await refused(`evaluate: y: ${text}`, () => of.evaluate(x, y), of)
    await refused(`gradients: y: ${text}`, () => of.gradients(x, y), of)
  })

  test.each([4, 40])('in a step like the one before, of %i rows', async (rows) => {
    const of = made(2, 'sigmoid', 'binaryCrossentropy')
    const y = new Float32Array(rows * 2).fill(1)
    const many = new Float32Array(rows * 3)
    of.trainStep(many, y)
    expect(of.session.last('train')?.repeat).toBeTruthy()
    y[rows * 2 - 1] = 1.25
    await refused(
      `trainStep: y: row ${rows - 1} holds 1.25; binaryCrossentropy takes targets from 0 to 1${binary}`,
      () => of.trainStep(many, y),
      of,
    )
  })

  test('soft labels, counts, no label, and what rounding makes', () => {
    const around = Float32Array.of(1 + 2 ** -22, -(2 ** -22), 0.3, 1)
    expect(made(1, 'sigmoid', 'binaryCrossentropy').trainStep(x, around).loss).toBeGreaterThan(0)
    made(1, 'linear', 'hinge').trainStep(x, [1, -1, 0, 1])
    made(1, 'exponential', 'poisson').trainStep(x, [0, 7, 2.5, 1e6])
    made(2, 'softmax', 'categoricalCrossentropy').trainStep(x, [
      [0.25, 0.75],
      [2, 0],
      [0, 1],
      [0, 1],
    ])
    made(1, 'linear', 'meanSquaredError').trainStep(x, [-1e6, 7, 2.5, 1e6])
  })

  test('ids where one-hot rows are due, one-hot rows where ids are', async () => {
    const [rows, sparse] = [
      made(3, 'softmax', 'categoricalCrossentropy'),
      made(3, 'softmax', 'sparseCategoricalCrossentropy'),
    ]
    await refused(
      'fit: y: expected shape [batch,3] (one-hot rows; class ids take sparseCategoricalCrossentropy); got [4]',
      () => rows.fit(x, [0, 2, 1, 2]),
      rows,
    )
    const hot = [
      [1, 0, 0],
      [0, 0, 1],
      [0, 1, 0],
      [0, 0, 1],
    ]
    await refused(
      'fit: y: expected shape [batch] (class ids; one-hot rows take categoricalCrossentropy); got [4,3]',
      () => sparse.fit(x, hot),
      sparse,
    )
    await refused(
      'fit: y: element 3 is 3; expected a class label from 0 to 2',
      () => sparse.fit(x, [1, 2, 1, 3]),
      sparse,
    )
  })
})
