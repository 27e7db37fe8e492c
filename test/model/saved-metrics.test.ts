// Metrics in saved models and on the way to workers: constructors with their options come back whole, one's own are given
// again by name, and what a file lies about is refused.
import { describe, expect, test } from 'vitest'
import { decodeSafetensors, encodeSafetensors } from '../../src/formats/safetensors.ts'
import {
  accumulateGradients,
  activation,
  adam,
  auc,
  binaryAccuracy,
  categoricalAccuracy,
  cosineSimilarityMetric,
  dense,
  f1Score,
  input,
  load,
  type Metric,
  type MetricLike,
  type Model,
  meanAbsolutePercentageError,
  meanSquaredError,
  model,
  movingAverage,
  perplexity,
  precision,
  r2Score,
  recall,
  rootMeanSquaredError,
  sequential,
  sgd,
  sparseCategoricalAccuracy,
  sparseTopKCategoricalAccuracy,
  topKCategoricalAccuracy,
} from '../../src/index.ts'
import { serveModels, workerModel } from '../../src/worker/index.ts'
import { refused } from '../support/refused.ts'

const x = Array.from({ length: 12 }, (_, i) => [Math.sin(i), Math.cos(3 * i), Math.sin(5 * i)])
const ids = x.map((_, i) => (i * i) % 3)
const oneHot = ids.map((id) => [0, 1, 2].map((c) => Number(c === id)))
const rowWeights = x.map((_, i) => 0.25 + (i % 3))
const softmax = () => sequential({ inputShape: [3], layers: [activation({ activation: 'softmax' })] })

/** Options that change what a metric gives here, under names of their own. */
const ofRows: MetricLike[] = [
  ...[auc(), auc({ curve: 'PR', name: 'pr' }), binaryAccuracy({ threshold: 0.3 }), categoricalAccuracy()],
  ...[
    topKCategoricalAccuracy({ k: 2 }),
    precision({ threshold: 0.4 }),
    precision({ name: 'p1', topK: 1, classId: 1 }),
  ],
  ...[recall({ average: null, threshold: null }), f1Score({ average: 'weighted' }), r2Score(), perplexity()],
  ...[rootMeanSquaredError({ name: 'root' }), meanAbsolutePercentageError(), cosineSimilarityMetric()],
  ...['accuracy' as const, 'mae' as const, meanSquaredError()],
]
const ofIds: MetricLike[] = [
  ...[
    sparseCategoricalAccuracy(),
    sparseTopKCategoricalAccuracy({ k: 2, name: 'top2' }),
    auc(),
    f1Score(),
    perplexity(),
  ],
  'accuracy',
]
const cases = [
  ['rows', 'categoricalCrossentropy', ofRows, oneHot],
  ['class ids', 'sparseCategoricalCrossentropy', ofIds, ids],
] as const

describe.each(cases)('of %s', (_, loss, metrics, y) => {
  const compiled = () =>
    softmax().compile({
      loss,
      optimizer: sgd({ learningRate: 0 }),
      metrics,
      weightedMetrics: metrics.slice(0, 3),
    })

  test('every metric and option is there again after load, from a copy too', async () => {
    const net = compiled()
    const want = await net.evaluate(x, y, { sampleWeight: rowWeights })
    expect(Object.keys(want).length).toBeGreaterThan(metrics.length + 3)
    const loaded = load(net.save({ includeOptimizer: true }))
    expect(await loaded.evaluate(x, y, { sampleWeight: rowWeights })).toEqual(want)
    const again = load(loaded.save())
    expect(await again.evaluate(x, y, { sampleWeight: rowWeights })).toEqual(want)
  })

  test('and in a worker, which needs none of them', async () => {
    const { port1: worker, port2: port } = new MessageChannel()
    serveModels({ port })
    const net = compiled()
    const remote = await workerModel(net, { worker })
    expect(await remote.evaluate(x, y)).toEqual(await net.evaluate(x, y))
    await remote.compile({ loss, metrics: metrics.slice(0, 2) })
    const keys = Object.keys(await remote.evaluate(x, y))
    expect(keys).toEqual(
      Object.keys(
        await softmax()
          .compile({ loss, metrics: metrics.slice(0, 2) })
          .evaluate(x, y),
      ),
    )
    await remote.close()
    worker.close()
  })
})

const largest: Metric<{ value: number }> = {
  name: 'largest',
  start: () => ({ value: -Infinity }),
  add(state, { prediction }) {
    for (const value of prediction) state.value = Math.max(state.value, value)
  },
  result: ({ value }) => value,
}
const missing = (name: string) =>
  `the file was compiled with your own "${name}": load(bytes, { metrics: [...] }) or { compile: false }`

test('one’s own metrics, and changed copies of others, are given to load by name', async () => {
  const changed = { ...auc(), name: 'changed', result: () => 7 }
  const net = softmax().compile({ loss: 'categoricalCrossentropy', metrics: [largest, changed, auc()] })
  const bytes = net.save({ includeOptimizer: true })
  refused(missing('largest'), () => load(bytes))
  refused(missing('changed'), () => load(bytes, { metrics: [largest] }))
  const loaded = load(bytes, { metrics: [changed, largest] })
  const logs = await loaded.evaluate(x, oneHot)
  expect(logs).toEqual(await net.evaluate(x, oneHot))
  expect(logs.changed).toBe(7)
  expect(load(bytes, { compile: false }).predict(x)).toEqual(net.predict(x))
  refused('load: metrics must be a list of metric objects; got [{}]', () =>
    load(bytes, { metrics: [{}] as never }),
  )
})

test('several outputs keep each its own', async () => {
  const source = input({ shape: [3] })
  const outputs = {
    a: activation({ activation: 'softmax' })(source),
    b: activation({ activation: 'tanh' })(source),
  }
  const net = model({ inputs: source, outputs }).compile({
    loss: { a: 'categoricalCrossentropy', b: 'mse' },
    metrics: { a: [precision({ threshold: 0.4 })], b: [r2Score(), rootMeanSquaredError()] },
  })
  const loaded = load(net.save()) as unknown as Model
  expect(await loaded.evaluate(x, { a: oneHot, b: x })).toEqual(await net.evaluate(x, { a: oneHot, b: x }))
})

test.each([
  [{ maker: 'acu', options: {} }, /^unknown metric "acu"; did you mean "auc"\?/],
  [{ maker: '__proto__', options: {} }, /^unknown metric "__proto__"/],
  [{ maker: 'auc', options: { curve: 'RC' } }, 'auc: curve must be "ROC" or "PR"; got "RC"'],
  [{ maker: 'auc', options: { kurve: 'PR' } }, /^unknown auc option "kurve"; did you mean "curve"/],
  [{ maker: 'auc', options: null }, 'options of metric auc must be an object; got null'],
  [{ maker: 'auc', options: { name: 'loss' } }, /^metrics of activation_1: the name loss is taken/],
  [{ maker: 'sparseCategoricalAccuracy', options: {} }, /needs class labels/],
  [{ own: 'toString' }, missing('toString')],
  [null, 'a saved metric must be an object; got null'],
])('a file that holds %j', (metric, message) => {
  const net = softmax().compile({ loss: 'categoricalCrossentropy', metrics: [auc()] })
  const { tensors, metadata } = decodeSafetensors(net.save())
  const training = JSON.parse(metadata.training)
  training.outputs[0].metrics = [metric]
  const bytes = encodeSafetensors(tensors, { ...metadata, training: JSON.stringify(training) })
  refused(message as string | RegExp, () => load(bytes))
})

describe('compile with keepOptimizer', () => {
  const trained = () => {
    const net = sequential({ inputShape: [3], layers: [dense({ units: 3, activation: 'softmax' })] })
    net.compile({
      optimizer: adam({ learningRate: 0.01, ema: movingAverage() }),
      loss: 'categoricalCrossentropy',
    })
    for (let step = 0; step < 4; step++) net.trainStep(x, oneHot)
    return net
  }

  test('adds metrics, and training goes on bit for bit; without it the optimizer starts anew', () => {
    const [plain, kept, anew] = [trained(), trained(), trained()]
    kept.learningRate = plain.learningRate = 0.005
    const loaded = load(kept.save({ includeOptimizer: true }))
    const options = { loss: 'categoricalCrossentropy', metrics: [auc(), 'accuracy'] } as const
    for (const net of [kept, loaded]) net.compile({ ...options, keepOptimizer: true })
    anew.compile({ ...options, optimizer: adam({ learningRate: 0.005, ema: movingAverage() }) })
    for (const net of [plain, kept, loaded, anew])
      for (let step = 0; step < 3; step++) net.trainStep(x, oneHot)
    expect(Object.keys(kept.trainStep(x, oneHot))).toEqual(['loss', 'auc', 'accuracy'])
    for (const net of [plain, loaded, anew]) net.trainStep(x, oneHot)
    expect(kept.getWeights()).toEqual(plain.getWeights())
    expect(loaded.getWeights()).toEqual(plain.getWeights())
    expect(loaded.emaWeights()).toEqual(plain.emaWeights())
    expect(anew.getWeights()).not.toEqual(plain.getWeights())
  })

  test('in a worker', async () => {
    const [plain, there] = [trained(), trained()]
    const { port1: worker, port2: port } = new MessageChannel()
    serveModels({ port })
    const remote = await workerModel(there, { worker })
    await remote.compile({ loss: 'categoricalCrossentropy', metrics: [auc()], keepOptimizer: true })
    expect(Object.keys(await remote.trainStep(x, oneHot))).toEqual(['loss', 'auc'])
    plain.trainStep(x, oneHot)
    expect(await remote.getWeights()).toEqual(plain.getWeights())
    await remote.close()
    worker.close()
  })

  test('refused: before there is one, beside another, where gradients would accumulate otherwise', () => {
    const bare = softmax()
    const loss = 'categoricalCrossentropy'
    refused('compile: keepOptimizer needs a compiled model', () =>
      bare.compile({ loss, keepOptimizer: true }),
    )
    const net = trained()
    refused('compile: give either optimizer or keepOptimizer', () =>
      net.compile({ loss, optimizer: 'sgd', keepOptimizer: true }),
    )
    refused('compile: keepOptimizer must be a boolean; got 1', () =>
      net.compile({ loss, keepOptimizer: 1 as never }),
    )
    bare.compile({ loss: 'mse', optimizer: sgd({ accumulation: accumulateGradients(2) }) })
    bare.compile({ loss: 'mae', keepOptimizer: true })
    refused(/^compile: keepOptimizer: these losses would accumulate gradients in another way/, () =>
      bare.compile({ loss: meanSquaredError({ reduction: 'sum' }), keepOptimizer: true }),
    )
  })
})
