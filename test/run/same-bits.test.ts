// The bits of the full library where the golden cases don't reach: random numbers, masks, gradients that are accumulated,
// averages, layers and losses of one's own, several inputs and outputs, metrics, sample weights, threads.
import { describe, expect, test } from 'vitest'
import { freeze } from '../../src/freeze/index.ts'
import {
  accumulateGradients,
  add,
  batchNormalization,
  bidirectional,
  block,
  concatenate,
  conv1d,
  conv2d,
  cosineDecay,
  customLayer,
  customLoss,
  dense,
  depthwiseConv2d,
  dropout,
  embedding,
  exponentialDecay,
  flatten,
  gaussianDropout,
  gaussianNoise,
  globalAveragePooling1d,
  groupNormalization,
  gru,
  input,
  inverseTimeDecay,
  type LoadOptions,
  layerNormalization,
  linearWarmup,
  lstm,
  type Model,
  maxNorm,
  maxPooling2d,
  meanSquaredError,
  model,
  movingAverage,
  multiHeadAttention,
  type NamedArray,
  optimizers,
  perplexity,
  positionEmbedding,
  rmsNormalization,
  rootMeanSquaredError,
  sequential,
  simpleRnn,
  sparseCategoricalCrossentropy,
  spatialDropout2d,
  unitNorm,
} from '../../src/index.ts'
import { relaxed } from '../../src/relaxed/index.ts'
import { open } from '../../src/run/index.ts'
import { all, extras } from '../../src/run/modules.ts'
import { workers } from '../../src/threads/index.ts'
import { difference, differences, type Fed } from '../support/frozen.ts'

/** Numbers of a linear congruential generator, from -1 to 1. */
function reals(seed: number, ...shape: readonly number[]): NamedArray {
  let state = seed * 7919 + 12345
  const next = () => {
    state = (Math.imul(state, 69069) + 1) >>> 0
    return Math.floor(state / 65536) / 32768 - 1
  }
  const length = shape.reduce((product, n) => product * n, 1)
  return { shape, data: Float32Array.from({ length }, next) }
}
const ids = (seed: number, limit: number, ...shape: readonly number[]): NamedArray => ({
  shape,
  data: Int32Array.from(reals(seed, ...shape).data, (x) => Math.floor(((x + 1) / 2) * limit)),
})
const positive = (array: NamedArray): NamedArray => ({
  ...array,
  data: array.data.map(Math.abs) as Float32Array,
})

const halve = customLayer({
  kind: 'halve',
  build: ({ g, weight }, [x]) =>
    g.plus(g.scale(x, 0.5), weight('shift', [x.shape[x.shape.length - 1]], { initializer: 'ones' })),
})
const squared = customLoss('squared', (g, truth, prediction) => {
  const off = g.minus(truth, prediction)
  return g.mean(g.times(off, off), [1])
})

interface Net {
  readonly rows: number
  readonly steps?: number
  readonly make: () => Model
  readonly feed: (step: number) => Fed
  readonly loading?: LoadOptions
}

const nets: Readonly<Record<string, Net>> = {
  'random numbers of every kind, clipping, means of metrics': {
    rows: 5,
    make: () =>
      sequential({
        inputShape: [6],
        seed: 3,
        layers: [
          dense({ units: 8, activation: 'gelu' }),
          dropout({ rate: 0.3 }),
          gaussianNoise({ stddev: 0.1 }),
          gaussianDropout({ rate: 0.2 }),
          dense({ units: 3 }),
        ],
      }).compile({
        optimizer: optimizers.adam({
          learningRate: 0.01,
          clipNorm: 0.1,
          schedule: cosineDecay({ steps: 4 }),
        }),
        loss: 'meanSquaredError',
        metrics: [rootMeanSquaredError(), 'cosineSimilarity', 'mae'],
      }),
    feed: (step) => ({ x: reals(step, 5, 6), y: positive(reals(step + 9, 5, 3)) }),
  },
  'images: moving statistics, regularizers, constraints': {
    rows: 4,
    make: () =>
      sequential({
        inputShape: [8, 8, 2],
        layers: [
          conv2d({ filters: 5, kernelSize: 3, kernelRegularizer: { l2: 0.01 }, kernelConstraint: maxNorm() }),
          batchNormalization(),
          spatialDropout2d({ rate: 0.2 }),
          depthwiseConv2d({ kernelSize: 2, activation: 'relu' }),
          maxPooling2d({ poolSize: 2 }),
          groupNormalization({ groups: 5 }),
          flatten(),
          dense({ units: 3, activation: 'softmax', biasRegularizer: { l1: 0.01 } }),
        ],
      }).compile({
        optimizer: optimizers.sgd({ learningRate: 0.05, momentum: 0.9, nesterov: true, clipValue: 0.05 }),
        loss: 'categoricalCrossentropy',
        metrics: ['accuracy'],
      }),
    feed: (step) => ({ x: reals(step, 4, 8, 8, 2), y: positive(reals(step + 5, 4, 3)) }),
  },
  'sequences: ids, masks, recurrent layers, an average that takes over': {
    rows: 6,
    steps: 5,
    make: () =>
      sequential({
        inputShape: [7],
        inputDtype: 'int32',
        layers: [
          embedding({ inputDim: 11, outputDim: 6, maskZero: true }),
          bidirectional({ layer: gru({ units: 4, returnSequences: true, dropout: 0.1 }) }),
          layerNormalization(),
          lstm({ units: 5, returnSequences: true }),
          simpleRnn({ units: 4, returnSequences: true, recurrentConstraint: unitNorm() }),
          dense({ units: 4, activation: 'softmax' }),
        ],
      }).compile({
        optimizer: optimizers.nadam({
          ...{ learningRate: 0.01, globalClipNorm: 1 },
          ema: movingAverage({ momentum: 0.9, overwriteFrequency: 3 }),
        }),
        loss: 'sparseCategoricalCrossentropy',
        metrics: ['accuracy', perplexity()],
      }),
    feed: (step) => ({ x: ids(step, 11, 6, 7), y: ids(step + 3, 4, 6, 7) }),
  },
  'a transformer computed again in its backward pass, rows that do not count, three steps to an update': {
    rows: 3,
    steps: 7,
    make: () =>
      sequential({
        inputShape: [5],
        inputDtype: 'int32',
        layers: [
          embedding({ inputDim: 9, outputDim: 8 }),
          positionEmbedding(),
          block({
            layers: [
              multiHeadAttention({ numHeads: 2, keyDim: 4, causal: true, dropout: 0.1 }),
              rmsNormalization(),
              dense({ units: 8, activation: 'silu' }),
              dropout({ rate: 0.2 }),
            ],
            recompute: true,
          }),
          dense({ units: 9 }),
        ],
      }).compile({
        optimizer: optimizers.adamw({
          ...{ learningRate: 0.01, accumulation: accumulateGradients(3), globalClipNorm: 0.5 },
          schedule: linearWarmup({ steps: 2, after: exponentialDecay({ gamma: 0.9 }) }),
        }),
        loss: sparseCategoricalCrossentropy({ fromLogits: true, ignoreIndex: -1 }),
        metrics: [perplexity()],
      }),
    feed: (step) => {
      const { shape, data } = ids(step + 3, 9, 3, 5)
      return { x: ids(step, 9, 3, 5), y: { shape, data: data.map((id) => (id < 2 ? -1 : id)) as Int32Array } }
    },
  },
  'records of inputs and outputs: a sum, rows that do not count and penalties accumulated apart': {
    rows: 4,
    steps: 5,
    make: () => {
      const [a, b] = [input({ shape: [3], name: 'a' }), input({ shape: [4], dtype: 'int32', name: 'b' })]
      const words = globalAveragePooling1d()(embedding({ inputDim: 6, outputDim: 3 })(b))
      const both = dense({ units: 6, activation: 'tanh', kernelRegularizer: { l2: 0.1 } })(
        concatenate()(a, words),
      )
      return model({
        inputs: { a, b },
        outputs: {
          size: dense({ units: 2, name: 'size' })(both),
          kind: dense({ units: 3, name: 'kind', activation: 'softmax' })(both),
        },
      }).compile({
        optimizer: optimizers.adam({
          learningRate: 0.01,
          amsgrad: true,
          accumulation: accumulateGradients(2),
        }),
        loss: {
          size: meanSquaredError({ reduction: 'sum' }),
          kind: sparseCategoricalCrossentropy({ ignoreIndex: 2 }),
        },
        lossWeights: { size: 0.5, kind: 2 },
        metrics: { kind: ['accuracy'], size: ['mae'] },
      }) as unknown as Model
    },
    feed: (step) => ({
      x: { a: reals(step, 4, 3), b: ids(step, 6, 4, 4) },
      y: { size: reals(step + 7, 4, 2), kind: ids(step + 8, 3, 4) },
    }),
  },
  'lists of inputs and outputs, weights of rows': {
    rows: 4,
    make: () => {
      const [a, b] = [input({ shape: [3] }), input({ shape: [3] })]
      const both = dense({ units: 3, activation: 'elu' })(add()(a, b))
      return model({
        inputs: [a, b],
        outputs: [dense({ units: 2 })(both), dense({ units: 1, activation: 'sigmoid' })(both)],
      }).compile({
        optimizer: optimizers.lion({ schedule: inverseTimeDecay({ decay: 0.1 }) }),
        loss: ['huber', 'binaryCrossentropy'],
        weightedMetrics: ['mae'],
      }) as unknown as Model
    },
    feed: (step) => ({
      x: [reals(step, 4, 3), reals(step + 1, 4, 3)],
      y: [reals(step, 4, 2), positive(reals(step, 4, 1))],
      sampleWeight: [positive(reals(step, 4)), positive(reals(step + 2, 4))],
    }),
  },
  "a layer and a loss of one's own": {
    rows: 3,
    make: () =>
      sequential({ inputShape: [4], layers: [dense({ units: 4 }), halve(), dense({ units: 2 })] }).compile({
        optimizer: optimizers.radam({ learningRate: 0.05 }),
        loss: squared,
      }),
    feed: (step) => ({ x: reals(step, 3, 4), y: reals(step + 4, 3, 2) }),
    loading: { layers: [halve], losses: [squared] },
  },
  'one unit, weights that do not train': {
    rows: 2,
    make: () =>
      sequential({
        inputShape: [6, 2],
        layers: [
          conv1d({ filters: 3, kernelSize: 2, trainable: false }),
          batchNormalization({ trainable: false }),
          globalAveragePooling1d(),
          dense({ units: 1 }),
        ],
      }).compile({ optimizer: optimizers.adagrad({ learningRate: 0.1 }), loss: 'logCosh' }),
    feed: (step) => ({ x: reals(step, 2, 6, 2), y: reals(step + 4, 2) }),
  },
}

describe('the bits of the full library', () => {
  test.each(Object.entries(nets))('%s', async (_, { rows, steps = 4, make, feed, loading }) => {
    expect(await differences(make(), rows, steps, feed, loading)).toEqual([])
  })

  const unweighted = Object.entries(nets).filter(([, { feed }]) => feed(0).sampleWeight === undefined)
  test.each(unweighted)(
    'weights of rows that are left out are 1: %s',
    (_, { make, feed, rows, steps = 4 }) => {
      const [own, plain] = [make(), make()]
      const trainer = open(freeze(own, { train: [rows], sampleWeight: true }), { modules: all })
      for (let step = 0; step < steps; step++) {
        const { x, y } = feed(step)
        expect(difference(trainer.trainStep(x, y), plain.trainStep(x, y))).toBe(null)
      }
      expect(difference(trainer.getWeights(), plain.getWeights())).toBe(null)
    },
  )

  test('outputs that are inputs, or weights', () => {
    const table = customLayer({
      kind: 'table',
      build: ({ g, weight }, [x]) =>
        g.reshape(weight('rows', [2, 3], { initializer: 'ones' }), [x.shape[0], 6 / x.shape[0]]),
    })
    const [a, b] = [input({ shape: [2] }), input({ shape: [2], dtype: 'int32' })]
    const own = model({ inputs: [a, b], outputs: [a, b, table()(a)] })
    const trainer = open(freeze(own, { predict: [2] }), { modules: [extras] })
    const x = [reals(1, 2, 2), ids(2, 5, 2, 2)]
    expect(difference(trainer.predict(x), own.predict(x))).toBe(null)
  })
})

describe('a file is the same', () => {
  test('for a model with threads or relaxed arithmetic', () => {
    const made = (runtime: object) => {
      const own = sequential({
        inputShape: [3],
        layers: [dense({ units: 40 }), dense({ units: 2 })],
        ...runtime,
      })
      own.compile({ optimizer: 'adam', loss: 'mse' })
      const bytes = freeze(own, { train: [4], predict: [1, 4], includeOptimizer: true })
      own.dispose()
      return bytes
    }
    const plain = made({})
    expect(made({ threads: workers(2) })).toEqual(plain)
    expect(made({ numerics: relaxed() })).toEqual(plain)
  })
})
