// TensorFlow.js itself beside us: it makes each of its layers, trains a step and saves; we load and predict the same; we save, it
// loads, and training goes on there with the losses that it has here.
import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  add,
  batchNormalization,
  concatenate,
  dense,
  type FloatArray,
  input,
  lstm,
  type Model,
  model as makeModel,
  type NamedArray,
  sequential,
  sgd,
  tensor,
  type Values,
} from '../../src/index.ts'
import { loadTfjs, saveTfjs } from '../../src/tfjs/index.ts'

interface Tensor {
  readonly shape: number[]
  dataSync(): Float32Array
}

interface TfModel {
  readonly weights: readonly { readonly originalName: string; readonly shape: number[] }[]
  readonly trainableWeights: readonly unknown[]
  readonly inputs: readonly { readonly shape: (number | null)[]; readonly dtype: string }[]
  predict(x: Tensor | Tensor[]): Tensor | Tensor[]
  setWeights(weights: Tensor[]): void
  compile(options: object): void
  trainOnBatch(x: Tensor | Tensor[], y: Tensor | Tensor[]): Promise<number | number[]>
  save(handler: object): Promise<unknown>
}

/** What is used of TensorFlow.js, which has types that this project's compiler options don't take. */
interface Tf {
  readonly layers: Readonly<Record<string, (options: object) => { apply(x: unknown): unknown }>>
  readonly regularizers: Readonly<Record<string, (options: object) => object>>
  readonly constraints: Readonly<Record<string, (options: object) => object>>
  readonly io: {
    withSaveHandler(save: (artifacts: Artifacts) => Promise<object>): object
    fromMemory(of: object): object
  }
  readonly train: { sgd(rate: number): object }
  sequential(options: { layers: object[]; name?: string }): TfModel
  model(options: object): TfModel
  input(options: object): unknown
  tensor(data: ArrayLike<number>, shape: readonly number[], dtype?: string): Tensor
  setBackend(name: string): Promise<boolean>
  loadLayersModel(handler: object): Promise<TfModel>
}

interface Artifacts {
  readonly modelTopology: object
  readonly weightSpecs: readonly object[]
  readonly weightData: ArrayBuffer | ArrayBuffer[]
}

const require = createRequire(import.meta.url)
const isHere = (() => {
  try {
    return require.resolve('@tensorflow/tfjs') !== ''
  } catch {
    return false
  }
})()
const hint = 'npm run test:interchange installs TensorFlow.js'
if (!isHere) console.log(`skipped, not here: ${hint}`)
const lacking = isHere ? '' : ` (skipped, not here: ${hint})`

/** All of them take half a minute. */
const isWhole = process.env.CI || process.env.npm_lifecycle_event === 'test:interchange'
const FEW = ['conv2d', 'batchNormalization', 'embedding with a mask', 'a model within a model, called twice']

let tf: Tf
beforeAll(async () => {
  if (!isHere) return
  const quiet = ['warn', 'info', 'log'].map((how) =>
    vi.spyOn(console, how as 'warn').mockImplementation(() => {}),
  )
  tf = require('@tensorflow/tfjs')
  await tf.setBackend('cpu')
  for (const spy of quiet) spy.mockRestore()
})
afterAll(() => {
  vi.restoreAllMocks()
})

/** Numbers from -1 to 1, the same each time. */
function numbers(count: number, seed: number): Float32Array {
  let state = seed
  return Float32Array.from({ length: count }, () => {
    state = (state * 1103515245 + 12345) % 0x80000000
    return state / 0x40000000 - 1
  })
}

const count = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1)

/** Its weights, drawn: variances are positive. */
function draw(model: TfModel): void {
  model.setWeights(
    model.weights.map(({ originalName, shape }, i) => {
      const data = numbers(count(shape), i + 1)
      return tf.tensor(
        originalName.endsWith('variance') ? data.map((x) => x + 1.5) : data.map((x) => x / 2),
        shape,
      )
    }),
  )
}

interface Case {
  /** The layers that come one after another, or the whole model. */
  readonly make: (tf: Tf) => object[] | TfModel
  /** The shape of the first layer's input, where `make` gives layers. */
  readonly shape?: readonly number[]
  /** Ids below this number, instead of numbers from -1 to 1. */
  readonly ids?: number
  /** It draws random numbers in training. */
  readonly isRandom?: boolean
  /** What TensorFlow.js itself can't do with it. */
  readonly fails?: 'reload' | 'training'
}

const one =
  (name: string, options: object = {}) =>
  (tf: Tf) => [tf.layers[name](options)]

const images = [7, 6, 2]
const steps = [6, 3]
const conv = { filters: 3, kernelSize: 3 }
const cases: Readonly<Record<string, Case>> = {
  dense: { make: one('dense', { units: 3, activation: 'tanh' }), shape: [5] },
  'dense with penalties': {
    make: (tf) => [
      tf.layers.dense({
        units: 3,
        kernelRegularizer: tf.regularizers.l1l2({ l1: 0.01, l2: 0.02 }),
        biasRegularizer: tf.regularizers.l2({ l2: 0.1 }),
        kernelInitializer: 'heNormal',
      }),
    ],
    shape: [5],
  },
  // TensorFlow.js has them, and doesn't apply them in training
  'dense with constraints': {
    make: (tf) => [
      tf.layers.dense({
        units: 3,
        kernelConstraint: tf.constraints.maxNorm({ maxValue: 0.5, axis: 0 }),
        biasConstraint: tf.constraints.nonNeg({}),
      }),
      tf.layers.dense({
        units: 2,
        kernelConstraint: tf.constraints.minMaxNorm({ minValue: 0.3, maxValue: 0.6, rate: 0.5 }),
        biasConstraint: tf.constraints.unitNorm({ axis: 0 }),
      }),
    ],
    shape: [5],
    fails: 'training',
  },
  ...Object.fromEntries(
    [
      ...['elu', 'gelu', 'gelu_new', 'hardSigmoid', 'linear', 'logSoftmax', 'mish', 'relu', 'relu6', 'selu'],
      ...['sigmoid', 'softmax', 'softplus', 'softsign', 'swish', 'tanh'],
    ].map((activation): [string, Case] => [
      `activation ${activation}`,
      {
        make: (tf) => [tf.layers.dense({ units: 4 }), tf.layers.activation({ activation })],
        shape: [5],
        ...(activation === 'gelu_new' && { fails: 'reload' }),
      },
    ]),
  ),
  leakyReLU: { make: (tf) => [tf.layers.dense({ units: 4 }), tf.layers.leakyReLU({})], shape: [5] },
  'leakyReLU of another slope': { make: one('leakyReLU', { alpha: 0.1 }), shape: [5] },
  eluLayer: { make: one('elu'), shape: [5] },
  reLU: { make: one('reLU'), shape: [5] },
  'reLU with an end': { make: one('reLU', { maxValue: 0.5 }), shape: [5] },
  thresholdedReLU: { make: one('thresholdedReLU', { theta: 0.3 }), shape: [5] },
  softmax: { make: one('softmax', { axis: 1 }), shape: [5] },
  prelu: { make: one('prelu', { alphaInitializer: 'ones' }), shape: [5] },
  'prelu of channels': { make: one('prelu', { sharedAxes: [1, 2] }), shape: images },
  conv1d: { make: one('conv1d', { ...conv, strides: 2, padding: 'same' }), shape: steps },
  conv2d: {
    make: one('conv2d', { ...conv, strides: [2, 1], padding: 'same', activation: 'relu' }),
    shape: images,
  },
  'conv2d, dilated': {
    make: one('conv2d', { ...conv, dilationRate: 2, useBias: false }),
    shape: images,
    fails: 'training',
  },
  conv3d: { make: one('conv3d', { filters: 2, kernelSize: 2 }), shape: [3, 4, 3, 2] },
  conv2dTranspose: {
    make: one('conv2dTranspose', { ...conv, strides: 2, padding: 'same' }),
    shape: [4, 3, 2],
  },
  conv3dTranspose: {
    make: one('conv3dTranspose', { filters: 2, kernelSize: 2, strides: 2 }),
    shape: [2, 3, 2, 2],
    fails: 'training', // it has no gradient of it
  },
  depthwiseConv2d: { make: one('depthwiseConv2d', { kernelSize: 3, depthMultiplier: 2 }), shape: images },
  separableConv2d: { make: one('separableConv2d', { ...conv, depthMultiplier: 2 }), shape: images },
  maxPooling1d: { make: one('maxPooling1d', { poolSize: 2, padding: 'same' }), shape: [7, 2] },
  maxPooling2d: { make: one('maxPooling2d', { poolSize: 3, strides: 2, padding: 'same' }), shape: images },
  maxPooling3d: { make: one('maxPooling3d', { poolSize: 2 }), shape: [5, 4, 4, 2] },
  averagePooling1d: { make: one('averagePooling1d', { poolSize: 3, strides: 2 }), shape: [7, 2] },
  averagePooling2d: { make: one('averagePooling2d', { poolSize: [2, 3], padding: 'same' }), shape: images },
  averagePooling3d: { make: one('averagePooling3d', { poolSize: 2 }), shape: [5, 4, 4, 2] },
  globalMaxPooling1d: { make: one('globalMaxPooling1d'), shape: [7, 2] },
  globalMaxPooling2d: { make: one('globalMaxPooling2d', { dataFormat: 'channelsLast' }), shape: images },
  globalAveragePooling1d: { make: one('globalAveragePooling1d'), shape: [7, 2] },
  globalAveragePooling2d: {
    make: one('globalAveragePooling2d', { dataFormat: 'channelsLast' }),
    shape: images,
  },
  zeroPadding2d: {
    make: one('zeroPadding2d', {
      padding: [
        [1, 0],
        [2, 3],
      ],
    }),
    shape: images,
  },
  cropping2D: {
    make: one('cropping2D', {
      cropping: [
        [1, 0],
        [2, 1],
      ],
    }),
    shape: images,
  },
  'upSampling2d, nearest': { make: one('upSampling2d', { size: [2, 3] }), shape: images },
  'upSampling2d, bilinear': {
    make: one('upSampling2d', { size: [2, 3], interpolation: 'bilinear' }),
    shape: images,
  },
  centerCrop: { make: one('centerCrop', { height: 4, width: 3 }), shape: images },
  rescaling: { make: one('rescaling', { scale: 0.5, offset: -1 }), shape: [5] },
  categoryEncoding: {
    make: one('categoryEncoding', { numTokens: 6, outputMode: 'multiHot' }),
    shape: [4],
    ids: 6,
  },
  flatten: { make: one('flatten'), shape: images },
  reshape: { make: one('reshape', { targetShape: [-1, 2, 3] }), shape: [4, 3, 2] },
  permute: { make: one('permute', { dims: [3, 1, 2] }), shape: images },
  repeatVector: { make: one('repeatVector', { n: 3 }), shape: [5] },
  dropout: { make: one('dropout', { rate: 0.3 }), shape: [5], isRandom: true },
  spatialDropout1d: { make: one('spatialDropout1d', { rate: 0.3 }), shape: steps, isRandom: true },
  gaussianNoise: { make: one('gaussianNoise', { stddev: 0.3 }), shape: [5], isRandom: true },
  gaussianDropout: { make: one('gaussianDropout', { rate: 0.3 }), shape: [5], isRandom: true },
  alphaDropout: { make: one('alphaDropout', { rate: 0.3 }), shape: [5], isRandom: true },
  batchNormalization: { make: one('batchNormalization'), shape: images },
  'layerNormalization of two axes': { make: one('layerNormalization', { axis: [1, 3] }), shape: images },
  'prelu of each element': { make: one('prelu', { alphaInitializer: 'ones' }), shape: images },
  'prelu of columns': { make: one('prelu', { sharedAxes: [1, 3] }), shape: images },
  'batchNormalization, plain': {
    make: one('batchNormalization', { center: false, scale: false }),
    shape: [5],
  },
  layerNormalization: { make: one('layerNormalization'), shape: steps },
  simpleRNN: { make: one('simpleRNN', { units: 4 }), shape: steps },
  'simpleRNN, relu': {
    make: one('simpleRNN', { units: 4, activation: 'relu', returnSequences: true }),
    shape: steps,
  },
  lstm: { make: one('lstm', { units: 4 }), shape: steps },
  'lstm, sigmoid': {
    make: one('lstm', { units: 4, recurrentActivation: 'sigmoid', goBackwards: true }),
    shape: steps,
  },
  gru: { make: one('gru', { units: 4 }), shape: steps },
  'gru, sigmoid': { make: one('gru', { units: 4, recurrentActivation: 'sigmoid' }), shape: steps },
  convLstm2d: { make: one('convLstm2d', { ...conv, padding: 'same' }), shape: [3, 4, 3, 2] },
  'bidirectional lstm': {
    make: (tf) => [
      tf.layers.bidirectional({
        layer: tf.layers.lstm({ units: 3, returnSequences: true }),
        mergeMode: 'concat',
      }),
      tf.layers.bidirectional({ layer: tf.layers.gru({ units: 3 }), mergeMode: 'ave' }),
    ],
    shape: steps,
  },
  timeDistributed: {
    make: (tf) => [tf.layers.timeDistributed({ layer: tf.layers.dense({ units: 3, activation: 'tanh' }) })],
    shape: steps,
  },
  masking: {
    make: (tf) => [tf.layers.masking({ maskValue: 0 }), tf.layers.simpleRNN({ units: 3 })],
    shape: steps,
  },
  embedding: { make: one('embedding', { inputDim: 9, outputDim: 4 }), shape: [5], ids: 9 },
  'embedding with a mask': {
    make: (tf) => [
      tf.layers.embedding({ inputDim: 9, outputDim: 4, maskZero: true }),
      tf.layers.lstm({ units: 3, recurrentActivation: 'sigmoid' }),
    ],
    shape: [5],
    ids: 9,
  },
  ...Object.fromEntries(
    ['add', 'average', 'maximum', 'minimum', 'multiply'].map((name): [string, Case] => [
      name,
      {
        make(tf) {
          const x = tf.input({ shape: [4] })
          const y = tf.layers.dense({ units: 4 }).apply(x)
          const z = tf.layers.dense({ units: 1 }).apply(x)
          return tf.model({ inputs: x, outputs: tf.layers[name]({}).apply([y, x, y, z].slice(0, 3)) })
        },
      },
    ]),
  ),
  'multiply of two shapes': {
    make(tf) {
      const x = tf.input({ shape: [4, 3, 2] })
      const factors = tf.layers
        .reshape({ targetShape: [1, 1, 2] })
        .apply(tf.layers.globalAveragePooling2d({}).apply(x))
      return tf.model({ inputs: x, outputs: tf.layers.multiply({}).apply([x, factors]) })
    },
  },
  concatenate: {
    make(tf) {
      const [x, y] = [tf.input({ shape: [4, 3] }), tf.input({ shape: [4, 2] })]
      return tf.model({ inputs: [x, y], outputs: tf.layers.concatenate({ axis: 2 }).apply([x, y]) })
    },
  },
  dot: {
    make(tf) {
      const [x, y] = [tf.input({ shape: [4, 3] }), tf.input({ shape: [2, 3] })]
      return tf.model({ inputs: [x, y], outputs: tf.layers.dot({ axes: 2 }).apply([x, y]) })
    },
  },
  'several outputs, names with slashes': {
    make(tf) {
      const x = tf.input({ shape: [4], name: 'in/x' })
      const h = tf.layers.dense({ units: 3, name: 'block/dense' }).apply(x)
      const outputs = [tf.layers.dense({ units: 2 }).apply(h), tf.layers.dense({ units: 1 }).apply(h)]
      return tf.model({ inputs: x, outputs })
    },
  },
  'a layer called twice': {
    make(tf) {
      const x = tf.input({ shape: [4] })
      const layer = tf.layers.dense({ units: 4, activation: 'tanh' })
      return tf.model({ inputs: x, outputs: layer.apply(layer.apply(x)) })
    },
  },
  'states of an encoder in a decoder': {
    make(tf) {
      const [x, y] = [tf.input({ shape: [5, 3] }), tf.input({ shape: [4, 2] })]
      const encoder = tf.layers.lstm({ units: 3, returnState: true, recurrentActivation: 'sigmoid' })
      const [, h, c] = encoder.apply(x) as unknown[]
      const decoder = tf.layers.lstm({ units: 3, returnSequences: true, recurrentActivation: 'sigmoid' })
      return tf.model({ inputs: [x, y], outputs: decoder.apply([y, h, c]) })
    },
  },
  'a model within a model, called twice': {
    make(tf) {
      const own = tf.input({ shape: [4] })
      const inner = tf.model({
        inputs: own,
        outputs: tf.layers.add({}).apply([own, tf.layers.dense({ units: 4 }).apply(own)]),
      }) as unknown as { apply(x: unknown): unknown }
      const x = tf.input({ shape: [4] })
      return tf.model({
        inputs: x,
        outputs: tf.layers.dense({ units: 2 }).apply(inner.apply(inner.apply(x))),
      })
    },
  },
  'chains within a chain': {
    make: (tf) => [
      tf.sequential({ layers: [tf.layers.dense({ units: 4, inputShape: [5] }), tf.layers.reLU({})] }),
      tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [4] })] }),
    ],
  },
}

/** The model of a case. */
function made({ make, shape }: Case): TfModel {
  const given = make(tf)
  if (!Array.isArray(given)) return given
  if (!shape) return tf.sequential({ layers: given })
  const input = tf.input({ shape })
  let x = input
  for (const layer of given) x = (layer as { apply(x: unknown): unknown }).apply(x)
  return tf.model({ inputs: input, outputs: x })
}

const ROWS = 4

function inputsOf(model: TfModel, ids: number | undefined): NamedArray[] {
  return model.inputs.map(({ shape: [, ...rest] }, i) => {
    const shape = [ROWS, ...(rest as number[])]
    const data = numbers(count(shape), 77 + i)
    if (ids !== undefined)
      return tensor(
        Int32Array.from(data, (x) => Math.floor(((x + 1) / 2) * ids)),
        shape,
      )
    if (shape.length === 3) data.fill(0, -rest[1]! * 2) // what a mask leaves out
    return tensor(data, shape)
  })
}

const theirs = (arrays: readonly NamedArray[]): Tensor | Tensor[] => {
  const tensors = arrays.map(({ data, shape }) => tf.tensor(Float32Array.from(data), shape))
  return tensors.length === 1 ? tensors[0] : tensors
}

const ours = (arrays: readonly NamedArray[]) => (arrays.length === 1 ? arrays[0] : arrays)

async function artifactsOf(model: TfModel): Promise<Artifacts> {
  let kept: Artifacts | null = null
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      kept = artifacts
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } }
    }),
  )
  return kept as unknown as Artifacts
}

function expectSame(given: readonly FloatArray[], wanted: readonly Tensor[], tolerance: number): void {
  expect(given.length).toBe(wanted.length)
  wanted.forEach((one, i) => {
    const data = one.dataSync()
    const largest = data.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
    expect(given[i].data.length).toBe(data.length)
    const worst = data.reduce((most, x, at) => Math.max(most, Math.abs(x - given[i].data[at])), 0)
    expect(worst).toBeLessThanOrEqual(tolerance * largest)
  })
}

describe.skipIf(!isHere)(`models of TensorFlow.js${lacking}`, () => {
  const shown = Object.entries(cases).filter(([name]) => isWhole || FEW.includes(name))
  if (!isWhole) test.skip('the other layers: npm run test:interchange, or CI, runs them', () => {})

  test.each(shown)('%s', async (_, entry) => {
    const { ids, isRandom, fails } = entry
    const model = made(entry)
    draw(model)
    const x = inputsOf(model, ids)
    const outputs = [model.predict(theirs(x))].flat()
    const y = outputs.map(({ shape }, i) => tensor(numbers(count(shape), 500 + i), shape))
    const isTrained = model.trainableWeights.length > 0 && outputs.length === 1 && fails !== 'training'
    if (isTrained) {
      model.compile({ optimizer: tf.train.sgd(0.01), loss: 'meanSquaredError' })
      await model.trainOnBatch(theirs(x), theirs(y))
    }
    const { modelTopology, weightSpecs, weightData } = await artifactsOf(model)
    const loaded = await loadTfjs({ modelJson: { modelTopology, weightSpecs }, weights: weightData })
    const predicted = (of: Model<Values>) => [of.predict(ours(x))].flat() as FloatArray[]
    expectSame(predicted(loaded as unknown as Model<Values>), [model.predict(theirs(x))].flat(), 1e-6)

    if (fails === 'reload') {
      expect(() => saveTfjs(loaded)).toThrow(/^saveTfjs: TensorFlow.js doesn't have: /)
      return
    }
    const files = saveTfjs(loaded)
    const { modelTopology: topology, weightsManifest } = JSON.parse(
      Buffer.from(files['model.json']).toString(),
    )
    const specs = weightsManifest[0].weights
    const weights = files['weights.bin'].buffer
    const again = await tf.loadLayersModel(
      tf.io.fromMemory({ modelTopology: topology, weightSpecs: specs, weightData: weights }),
    )
    expectSame(predicted(loaded as unknown as Model<Values>), [again.predict(theirs(x))].flat(), 1e-6)
    if (!isTrained || isRandom) return

    again.compile({ optimizer: tf.train.sgd(0.05), loss: 'meanSquaredError' })
    loaded.compile({ optimizer: sgd({ learningRate: 0.05 }), loss: 'meanSquaredError' })
    for (let step = 0; step < 5; step++) {
      const there = (await again.trainOnBatch(theirs(x), theirs(y))) as number
      const { loss } = loaded.trainStep(ours(x), ours(y))
      expect(Math.abs(loss - there)).toBeLessThanOrEqual(1e-5 * Math.abs(there))
    }
  })
})

test.skipIf(!isHere)(`models within models stay models there${lacking}`, async () => {
  const encoder = sequential({
    inputShape: [4],
    layers: [dense({ units: 5, activation: 'tanh' }), dense({ units: 3, name: 'code' })],
    name: 'encoder',
  })
  const [i, j] = [input({ shape: [3] }), input({ shape: [3] })]
  const outputs = [dense({ units: 2, name: 'code' })(add()(i, j)), batchNormalization()(i)]
  const pair = makeModel({ inputs: [i, j], outputs, name: 'pair' })
  const [a, b] = [input({ shape: [4], name: 'a' }), input({ shape: [4], name: 'b' })]
  const [p, q] = [encoder(a), encoder(b)]
  const [r, s] = pair(p, q)
  const [t] = pair(q, p)
  const net = makeModel({ inputs: [a, b], outputs: dense({ units: 2 })(concatenate()(r, s, t, encoder(b))) })

  const json = JSON.parse(new TextDecoder().decode(saveTfjs(net)['model.json']))
  const classes = json.modelTopology.config.layers.map((layer: { name: string; class_name: string }) => [
    layer.name,
    layer.class_name,
  ])
  expect(classes).toContainEqual(['encoder', 'Sequential'])
  expect(classes).toContainEqual(['pair', 'Model'])
  // TensorFlow.js finds weights by names that are one layer's in all models
  const names = json.weightsManifest[0].weights.map(({ name }: { name: string }) => name)
  expect(names).toContain('encoder.code/kernel')
  expect(names).toContain('pair.code/kernel')

  const files = saveTfjs(net)
  const there = await tf.loadLayersModel(
    tf.io.fromMemory({
      modelTopology: json.modelTopology,
      weightSpecs: json.weightsManifest[0].weights,
      weightData: files['weights.bin'].buffer,
    }),
  )
  const back = await loadTfjs<Values>({ modelJson: files['model.json'], weights: files['weights.bin'] })
  expect(back.session.network.models.map(({ name }) => name)).toEqual(
    net.session.network.models.map(({ name }) => name),
  )
  expect(Object.keys(back.getWeights()).sort()).toEqual(Object.keys(net.getWeights()).sort())
  const x = [numbers(12, 1), numbers(12, 2)].map((data) => tensor(data, [3, 4]))
  const y = tensor(numbers(6, 3), [3, 2])
  expectSame([net.predict(x) as FloatArray], [there.predict(theirs(x))].flat(), 1e-6)
  expectSame([back.predict(x) as FloatArray], [there.predict(theirs(x))].flat(), 1e-6)
  there.compile({ optimizer: tf.train.sgd(0.05), loss: 'meanSquaredError' })
  net.compile({ optimizer: sgd({ learningRate: 0.05 }), loss: 'meanSquaredError' })
  for (let step = 0; step < 5; step++) {
    const wanted = (await there.trainOnBatch(theirs(x), theirs([y]))) as number
    const { loss } = net.trainStep(x, y)
    expect(Math.abs(loss - wanted)).toBeLessThanOrEqual(1e-5 * Math.abs(wanted))
  }
})

test.skipIf(!isHere)(`states that stay, in both directions${lacking}`, async () => {
  const net = sequential({
    inputShape: [3, 2],
    layers: [lstm({ units: 3, stateful: true, batchSize: 2, name: 'kept' })],
  })
  const x = Float32Array.from({ length: 12 }, (_, i) => Math.sin(i * i))
  const wanted = [1, 2, 3].map(() => (net.predict({ shape: [2, 3, 2], data: x }) as FloatArray).data)
  const files = saveTfjs(net)
  const json = JSON.parse(new TextDecoder().decode(files['model.json']))
  const there = await tf.loadLayersModel(
    tf.io.fromMemory({
      modelTopology: json.modelTopology,
      weightSpecs: json.weightsManifest[0].weights,
      weightData: files['weights.bin'].buffer,
    }),
  )
  for (const expected of wanted) {
    const made = (there.predict(tf.tensor(x, [2, 3, 2])) as Tensor).dataSync()
    made.forEach((value, i) => {
      expect(Math.abs(value - expected[i])).toBeLessThan(1e-6)
    })
  }
})
