// fit from outside: what it trains on and in which order, the means it reports, its callbacks, aborting, and that
// it lets the event loop run. Expected losses are computed here in float64 from `predict`; expected weights are
// those of the same steps taken one by one with `trainStep`.
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  type Callback,
  dense,
  type FitOptions,
  type FitParams,
  type Model,
  type Symbolic,
  sequential,
  sgd,
} from '../../src/index.ts'

const ROWS = 23
const FEATURES = 3
const CLASSES = 3
// numbers without a pattern that a shuffle or a split could keep
const noise = (i: number) => ((i * 7919 + 13) % 101) / 50 - 1
const x = Float32Array.from({ length: ROWS * FEATURES }, (_, i) => noise(i))
const labels = Int32Array.from({ length: ROWS }, (_, i) => (i * i + 1) % CLASSES)

type Net = Model<Symbolic>
const classifier = (learningRate = 0.1, seed = 1): Net =>
  sequential({
    inputShape: [FEATURES],
    seed,
    layers: [dense({ units: 5, activation: 'tanh' }), dense({ units: CLASSES, activation: 'softmax' })],
  }).compile({
    optimizer: sgd({ learningRate, momentum: 0.5 }),
    loss: 'sparseCategoricalCrossentropy',
    metrics: ['accuracy'],
  })

/** y = w x with w = 1 that never moves: the squared error of row i against 0 is x[i]^2. */
const still = (): Net => {
  const net = sequential({ inputShape: [1], layers: [dense({ units: 1, kernelInitializer: 'ones' })] })
  return net.compile({ optimizer: sgd({ learningRate: 0 }), loss: 'mse' })
}

const bits = (net: Net) =>
  Object.values(net.getWeights()).map(({ data }) => [...new Uint32Array(data.slice().buffer)])

/** Cross-entropy and right answers of rows from..to in float64. */
function byHand(net: Net, from = 0, to = ROWS, weights?: readonly number[]): { loss: number; right: number } {
  const { data } = net.predict(x)
  let loss = 0
  let right = 0
  for (let row = from; row < to; row++) {
    const scores = [...data.subarray(row * CLASSES, (row + 1) * CLASSES)]
    loss -= Math.log(scores[labels[row]]) * (weights?.[row] ?? 1)
    if (scores.indexOf(Math.max(...scores)) === labels[row]) right++
  }
  return { loss: loss / (to - from), right }
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe('what fit reports', () => {
  test('one number per epoch for each log', async () => {
    const history = await classifier().fit(x, labels, { epochs: 3, batchSize: 5, validationSplit: 0.3 })
    expect(Object.keys(history)).toEqual(['loss', 'accuracy', 'val_loss', 'val_accuracy'])
    for (const values of Object.values(history)) {
      expect(values).toHaveLength(3)
      expect(values.every(Number.isFinite)).toBe(true)
    }
  })

  test.each([1, 5, 22, 23, 100])('epoch means are exact with batches of %i', async (batchSize) => {
    const net = classifier(0)
    const { loss, right } = byHand(net)
    const history = await net.fit(x, labels, { batchSize })
    expect(history.loss[0]).toBeCloseTo(loss, 6)
    expect(history.accuracy[0]).toBe(right / ROWS)
    const evaluated = await net.evaluate(x, labels, { batchSize })
    expect(evaluated.loss).toBeCloseTo(loss, 6)
    expect(evaluated.accuracy).toBe(right / ROWS)
  })

  test('a sample weight multiplies its row; the mean still divides by the number of rows', async () => {
    const net = classifier(0)
    const sampleWeight = Array.from({ length: ROWS }, (_, i) => [0, 0.5, 2, 1][i % 4])
    const { loss, right } = byHand(net, 0, ROWS, sampleWeight)
    const history = await net.fit(x, labels, { batchSize: 5, sampleWeight })
    expect(history.loss[0]).toBeCloseTo(loss, 6)
    expect(history.accuracy[0]).toBe(right / ROWS) // metrics take no weights
    expect((await net.evaluate(x, labels, { batchSize: 4, sampleWeight })).loss).toBeCloseTo(loss, 6)
  })

  test('validationSplit keeps the last rows, unshuffled', async () => {
    const net = classifier(0)
    const at = 16 // floor(23 * 0.7)
    const history = await net.fit(x, labels, { batchSize: 5, validationSplit: 0.3 })
    expect(history.loss[0]).toBeCloseTo(byHand(net, 0, at).loss, 6)
    expect(history.val_loss[0]).toBeCloseTo(byHand(net, at).loss, 6)
    expect(history.val_accuracy[0]).toBe(byHand(net, at).right / (ROWS - at))
  })

  // shares are decimal fractions: (1 - 0.9) * 100 is 10 rows, though 1 - 0.9 as a float64 is below 0.1
  test.each([
    [100, 0.9, 10],
    [1000, 0.9, 100],
    [20, 0.8, 4],
    [10, 0.9, 1],
    [1_000_000, 0.999999, 1],
    [3, 1 / 3, 2],
    [10, 0.85, 1], // 1.5 rows
    [10, 0.05, 9], // 9.5 rows
  ])('of %i rows, validationSplit %f trains on %i', async (rows, validationSplit, count) => {
    const net = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
    net.compile({ loss: 'mse' })
    let samples = 0
    const callbacks = {
      onTrainBegin: (params: FitParams) => {
        samples = params.samples
        params.stop()
      },
    }
    const zeros = new Float32Array(rows)
    await net.fit(zeros, zeros, { validationSplit, callbacks })
    expect(samples).toBe(count)
  })

  test('validationData is evaluated with the weights after the epoch and never trained on', async () => {
    const net = classifier()
    const other = classifier()
    const valid = [x.subarray(0, 7 * FEATURES), labels.subarray(0, 7)] as const
    const history = await net.fit(x, labels, { batchSize: 5, validationData: valid })
    await other.fit(x, labels, { batchSize: 5 })
    expect(bits(net)).toEqual(bits(other))
    expect(history.val_loss[0]).toBeCloseTo(byHand(net, 0, 7).loss, 6)
  })

  test('verbose prints a line per epoch', async () => {
    const lines: unknown[] = []
    vi.spyOn(console, 'log').mockImplementation((line: unknown) => lines.push(line))
    await classifier().fit(x, labels, { epochs: 2 })
    expect(lines).toEqual([])
    const history = await classifier().fit(x, labels, { epochs: 2, verbose: 1, validationSplit: 0.5 })
    expect(lines).toHaveLength(2)
    const numbers = `loss: ${history.loss[1].toPrecision(4)} - accuracy: ${history.accuracy[1].toPrecision(4)}`
    expect(lines[1]).toMatch(/^epoch 2\/2 - \d+\.\d s - loss: /)
    expect(lines[1]).toContain(`${numbers} - val_loss: ${history.val_loss[1].toPrecision(4)}`)
  })
})

describe('the steps fit takes', () => {
  test('are those of trainStep on one batch after another', async () => {
    const net = classifier()
    const other = classifier()
    const history = await net.fit(x, labels, { epochs: 2, batchSize: 10, shuffle: false })
    for (let epoch = 0; epoch < 2; epoch++) {
      let sum = 0
      for (let from = 0; from < ROWS; from += 10) {
        const part = labels.subarray(from, from + 10)
        sum += other.trainStep(x.subarray(from * FEATURES, (from + 10) * FEATURES), part).loss * part.length
      }
      expect(history.loss[epoch]).toBeCloseTo(sum / ROWS, 12)
    }
    expect(bits(net)).toEqual(bits(other))
  })

  /** The losses of single rows, in the order they were trained on. */
  async function order(options: FitOptions): Promise<number[][]> {
    const values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    const epochs: number[][] = []
    let sum = 0
    const callback: Callback = {
      onEpochBegin() {
        epochs.push([])
        sum = 0
      },
      onBatchEnd(batch, { loss }) {
        epochs.at(-1)?.push(Math.round(Math.sqrt(loss * (batch + 1) - sum)))
        sum = loss * (batch + 1)
      },
    }
    const net = still()
    await net.fit(values, new Float32Array(10), { ...options, batchSize: 1, callbacks: [callback] })
    return epochs
  }

  test('shuffle off keeps the order', async () => {
    const sorted = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    expect(await order({ epochs: 2, shuffle: false })).toEqual([sorted, sorted])
  })

  test('shuffle takes every row once per epoch, in a new order each time, the same for the same seed', async () => {
    const epochs = await order({ epochs: 3 })
    const sorted = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    for (const epoch of epochs) {
      expect(epoch).not.toEqual(sorted)
      expect([...epoch].sort((a, b) => a - b)).toEqual(sorted)
    }
    expect(new Set(epochs.map(String)).size).toBe(3)
    expect(await order({ epochs: 3 })).toEqual(epochs)
  })

  test('two fits in a row continue: the same bits as one of all epochs', async () => {
    const once = classifier()
    const twice = classifier()
    const history = await once.fit(x, labels, { epochs: 4, batchSize: 5 })
    const first = await twice.fit(x, labels, { epochs: 1, batchSize: 5 })
    const second = await twice.fit(x, labels, { epochs: 3, batchSize: 5 })
    expect(bits(twice)).toEqual(bits(once))
    expect([...first.loss, ...second.loss]).toEqual(history.loss)
  })

  test('learn: XOR', async () => {
    const net = sequential({
      inputShape: [2],
      layers: [dense({ units: 8, activation: 'tanh' }), dense({ units: 1, activation: 'sigmoid' })],
    }).compile({ optimizer: sgd({ learningRate: 0.5 }), loss: 'binaryCrossentropy', metrics: ['accuracy'] })
    const inputs = [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ]
    await net.fit(inputs, [0, 1, 1, 0], { epochs: 1000, batchSize: 4 })
    expect([...net.predict(inputs).data].map(Math.round)).toEqual([0, 1, 1, 0])
    expect((await net.evaluate(inputs, [0, 1, 1, 0])).loss).toBeLessThan(0.1)
  })
})
