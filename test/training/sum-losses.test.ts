// Losses with `reduction: 'sum'` in logs: the sum over all rows, whatever the batches they come in. Expected values are sums
// in float64.
import { describe, expect, test } from 'vitest'
import {
  activation,
  type Data,
  dense,
  input,
  masking,
  meanAbsoluteError,
  meanSquaredError,
  model,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  tensor,
} from '../../src/index.ts'
import { serveModels, workerModel } from '../../src/worker/index.ts'

const ROWS = 23
const BATCH_SIZES = [1, 4, 22, 23, 100]
const x = Float32Array.from({ length: ROWS }, (_, i) => Math.sin(i))
const y = Float32Array.from({ length: ROWS }, (_, i) => Math.cos(i))
const weights = Float32Array.from({ length: ROWS }, (_, i) => (i * 5) % 4)
const sum = meanSquaredError({ reduction: 'sum' })
const sumOf = (term: (i: number) => number, from = 0, to = ROWS) =>
  Array.from({ length: to - from }, (_, i) => term(from + i)).reduce((a, b) => a + b, 0)
const squared = (i: number) => (x[i] - y[i]) ** 2
const linear = () => activation({ activation: 'linear' })
const still = sgd({ learningRate: 0 })
const identity = () =>
  sequential({ inputShape: [1], layers: [linear()] }).compile({ loss: sum, optimizer: still })

test.each([1, 10, 256, 1000, 4000])(
  '1000 rows of error 1 are 1000, with batches of %i',
  async (batchSize) => {
    const [zeros, ones] = [new Float32Array(1000), new Float32Array(1000).fill(1)]
    expect((await identity().evaluate(zeros, ones, { batchSize })).loss).toBe(1000)
  },
)

describe.each(BATCH_SIZES)('with batches of %i', (batchSize) => {
  const options = { batchSize, validationData: [x, y, weights], validationBatchSize: 3 } as const

  test('evaluate and fit, with sample weights', async () => {
    const whole = sumOf(squared)
    const weighted = sumOf((i) => weights[i] * squared(i))
    expect((await identity().evaluate(x, y, { batchSize })).loss).toBeCloseTo(whole, 5)
    const given = { batchSize, sampleWeight: weights }
    expect((await identity().evaluate(x, y, given)).loss).toBeCloseTo(weighted, 5)
    const history = await identity().fit(x, y, { ...options, sampleWeight: weights })
    expect(history.loss[0]).toBeCloseTo(weighted, 5)
    expect(history.val_loss[0]).toBeCloseTo(weighted, 5)
  })

  test('what a mask or ignoreIndex leaves out does not count', async () => {
    const masked = sequential({ inputShape: [2, 1], layers: [masking(), linear()] })
    masked.compile({ loss: sum, optimizer: still })
    const steps = Float32Array.from(x, (value, i) => (i % 3 === 1 ? 0 : value)).subarray(0, 22)
    const want = sumOf((i) => (steps[i] === 0 ? 0 : squared(i)), 0, 22)
    expect((await masked.evaluate(steps, y.subarray(0, 22), { batchSize })).loss).toBeCloseTo(want, 5)
    const logits = sequential({ inputShape: [2], layers: [linear()] })
    const loss = sparseCategoricalCrossentropy({ fromLogits: true, reduction: 'sum', ignoreIndex: -1 })
    logits.compile({ loss, optimizer: still })
    const labels = Int32Array.from({ length: 11 }, (_, i) => (i % 3) - 1)
    const row = (i: number) =>
      labels[i] < 0 ? 0 : Math.log1p(Math.exp(x[2 * i + 1 - labels[i]] - x[2 * i + labels[i]]))
    const logs = await logits.evaluate(x.subarray(0, 22), labels, { batchSize })
    expect(logs.loss).toBeCloseTo(sumOf(row, 0, 11), 5)
  })

  test('several outputs: the total is the sum of weight times loss, with penalties', async () => {
    const source = input({ shape: [1], name: 'x' })
    const l2 = dense({ units: 1, kernelInitializer: 'ones', kernelRegularizer: { l2: 0.5 } })
    const net = model({ inputs: source, outputs: { a: linear()(source), b: l2(source) } })
    const lossWeights = { a: 0.1, b: 3 }
    net.compile({ loss: { a: sum, b: meanAbsoluteError() }, lossWeights, optimizer: still })
    const logs = await net.evaluate(x, { a: y, b: y }, { batchSize })
    const [a, b] = [sumOf(squared), sumOf((i) => Math.abs(x[i] - y[i])) / ROWS]
    expect(logs.a_loss).toBeCloseTo(a, 5)
    expect(logs.b_loss).toBeCloseTo(b, 5)
    expect(logs.loss).toBeCloseTo(0.1 * a + 3 * b + 0.5, 5)
  })

  test('batches from an iterable, and a worker', async () => {
    const batches: { x: Data; y: Data }[] = []
    for (let at = 0; at < ROWS; at += batchSize)
      batches.push({ x: x.subarray(at, at + batchSize), y: y.subarray(at, at + batchSize) })
    expect((await identity().evaluate(batches)).loss).toBeCloseTo(sumOf(squared), 5)
    const { port1: worker, port2: port } = new MessageChannel()
    serveModels({ port })
    const remote = await workerModel(identity(), { worker })
    expect((await remote.evaluate(x, y, { batchSize })).loss).toBeCloseTo(sumOf(squared), 5)
    await remote.close()
    worker.close()
  })
})

test('logs of a batch are the sum so far; a step alone logs its own', async () => {
  const seen: number[] = []
  const callbacks = { onBatchEnd: (_: number, { loss }: { loss: number }) => void seen.push(loss) }
  const net = identity()
  await net.fit(x, y, { batchSize: 10, shuffle: false, callbacks: callbacks as object })
  const want = [10, 20, 23].map((to) => sumOf(squared, 0, to))
  seen.forEach((loss, i) => {
    expect(loss).toBeCloseTo(want[i], 5)
  })
  expect(seen).toHaveLength(3)
  const rows = tensor(x.subarray(0, 5), [5, 1])
  for (let step = 0; step < 3; step++)
    expect(net.trainStep(rows, y.subarray(0, 5)).loss).toBeCloseTo(sumOf(squared, 0, 5), 5)
})
