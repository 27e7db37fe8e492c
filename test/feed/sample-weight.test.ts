// Sample weights in every form they may have: one for each row, or for each position along any number of the target's
// first axes, nested, shaped or flat. Expected: the sum of weight times error over the number of all terms, in float64.
import { describe, expect, test } from 'vitest'
import {
  activation,
  classWeights,
  type Data,
  input,
  model,
  sequential,
  sparseCategoricalCrossentropy,
  tensor,
} from '../../src/index.ts'
import { serveModels, workerModel } from '../../src/worker/index.ts'
import { refused } from '../support/refused.ts'

const ROWS = 2
const SHAPE = [2, 3, 2] // of a row
const COUNT = ROWS * 12
const x = tensor(
  Array.from({ length: COUNT }, (_, i) => Math.sin(i)),
  [ROWS, ...SHAPE],
)
const y = tensor(
  Array.from({ length: COUNT }, (_, i) => Math.cos(2 * i)),
  [ROWS, ...SHAPE],
)
const linear = () => activation({ activation: 'linear' })
const identity = () =>
  sequential({ inputShape: SHAPE, layers: [linear()] }).compile({ loss: 'mse', optimizer: 'sgd' })

/** `flat` under `shape`. */
function nested(flat: readonly number[], shape: readonly number[]): number[] {
  if (shape.length < 2) return [...flat]
  const size = flat.length / shape[0]
  const parts = Array.from({ length: shape[0] }, (_, i) => flat.slice(i * size, (i + 1) * size))
  return parts.map((part) => nested(part, shape.slice(1))) as unknown as number[]
}

const weightsFor = (shape: readonly number[]) =>
  Array.from({ length: shape.reduce((a, b) => a * b, ROWS) }, (_, i) => (i * 5) % 4)

function expectedOf(weights: readonly number[]): number {
  const perWeight = COUNT / weights.length
  const term = (i: number) => weights[Math.floor(i / perWeight)] * (x.data[i] - y.data[i]) ** 2
  return Array.from({ length: COUNT }, (_, i) => term(i)).reduce((a, b) => a + b) / COUNT
}

describe.each([{ axes: [] }, { axes: [2] }, { axes: [2, 3] }])(
  'one for each position of $axes',
  ({ axes }) => {
    const flat = weightsFor(axes)
    const want = expectedOf(flat)
    const forms: Record<string, Data> = {
      nested: nested(flat, [ROWS, ...axes]),
      shaped: tensor(flat, [ROWS, ...axes]),
      flat: new Float32Array(flat),
    }
    test.each(Object.keys(forms))('%s', async (form) => {
      const sampleWeight = forms[form]
      expect(identity().trainStep(x, y, { sampleWeight }).loss).toBeCloseTo(want, 6)
      expect((await identity().evaluate(x, y, { sampleWeight, batchSize: 1 })).loss).toBeCloseTo(want, 6)
      const options = { sampleWeight, validationData: [x, y, sampleWeight] } as const
      const history = await identity().fit(x, y, { ...options, batchSize: 1 })
      expect(history.loss[0]).toBeCloseTo(want, 6)
      expect(history.val_loss[0]).toBeCloseTo(want, 6)
      expect((await identity().evaluate([{ x, y, weights: sampleWeight }])).loss).toBeCloseTo(want, 6)
    })
  },
)

test('class labels with a weight for each position', () => {
  const logits = [
    [
      [1, 2],
      [3, 5],
    ],
    [
      [0, 4],
      [2, 2],
    ],
  ]
  const labels = [
    [0, 1],
    [1, 0],
  ]
  const weights = [
    [1, 0],
    [5, 2],
  ]
  const net = sequential({ inputShape: [2, 2], layers: [linear()] })
  net.compile({ loss: sparseCategoricalCrossentropy({ fromLogits: true }), optimizer: 'sgd' })
  const error = (own: number, other: number) => Math.log1p(Math.exp(other - own))
  const want = (error(1, 2) + 5 * error(4, 0) + 2 * error(2, 2)) / 4
  expect(net.trainStep(logits, labels, { sampleWeight: weights }).loss).toBeCloseTo(want, 6)
  // halves of class 1
  const halved = (error(1, 2) + 2.5 * error(4, 0) + 2 * error(2, 2)) / 4
  const options = { sampleWeight: weights, classWeight: classWeights({ 1: 0.5 }) }
  expect(net.trainStep(logits, labels, options).loss).toBeCloseTo(halved, 6)
})

test('several outputs: each in its own form, in a list or by name', () => {
  const source = input({ shape: SHAPE, name: 'x' })
  const two = { a: linear()(source), b: linear()(source) }
  const [a, b] = [weightsFor([2]), weightsFor([2, 3])]
  const want = expectedOf(a) + expectedOf(b)
  const given = { a: nested(a, [ROWS, 2]), b: nested(b, [ROWS, 2, 3]) }
  const named = model({ inputs: source, outputs: two }).compile({ loss: 'mse' })
  expect(named.trainStep(x, { a: y, b: y }, { sampleWeight: given }).loss).toBeCloseTo(want, 6)
  const listed = model({ inputs: source, outputs: [two.a, two.b] }).compile({ loss: 'mse' })
  const logs = listed.trainStep(x, [y, y], { sampleWeight: [given.a, new Float32Array(b)] })
  expect(logs.loss).toBeCloseTo(want, 6)
})

test('in a worker', async () => {
  const { port1: worker, port2: port } = new MessageChannel()
  serveModels({ port })
  const remote = await workerModel(identity(), { worker })
  const flat = weightsFor([2, 3])
  const sampleWeight = nested(flat, [ROWS, 2, 3])
  expect((await remote.evaluate(x, y, { sampleWeight })).loss).toBeCloseTo(expectedOf(flat), 6)
  await remote.close()
  worker.close()
})

test('refused: a shape that is none of the first axes of the target', async () => {
  const message = (shape: string) =>
    `trainStep: sampleWeight: expected one weight for each of 2 rows (or positions of [2,3]); got ${shape}`
  const given = (sampleWeight: Data) => () => identity().trainStep(x, y, { sampleWeight })
  await refused(message('[2,3]'), given(nested(weightsFor([3]), [ROWS, 3])))
  await refused(message('[2,2,3,2]'), given(nested(weightsFor(SHAPE), [ROWS, ...SHAPE])))
  await refused(message('[1,2]'), given(nested([1, 2], [1, 2])))
  await refused(message('[3]'), given(new Float32Array(3)))
})
