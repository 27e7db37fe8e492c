// What must give the same bits everywhere, and from one version to the next (recorded-bits.json): nets of every kind of layer
// and every optimizer, trained from a seed, then saved and loaded again. Enters: what they run on; the samples are made here
// of integers. Leaves: per net the bytes of its weights and predictions.
// Runs on every runtime: nothing here but JavaScript and the library.
import {
  accumulateGradients,
  averagePooling2d,
  batchNormalization,
  bidirectional,
  conv2d,
  cosineDecay,
  dense,
  depthwiseConv2d,
  dropout,
  embedding,
  exponentialDecay,
  flatten,
  globalAveragePooling1d,
  groupNormalization,
  gru,
  heNormal,
  inverseSqrtDecay,
  type Layer,
  layerNormalization,
  linearWarmup,
  load,
  lstm,
  type Model,
  maxPooling2d,
  movingAverage,
  multiHeadAttention,
  type NamedArray,
  type Optimizer,
  optimizers,
  orthogonal,
  polynomialDecay,
  positionEmbedding,
  type RuntimeOptions,
  rmsNormalization,
  sequential,
  simpleRnn,
  stepDecay,
  unitNorm,
} from '../../src/index.ts'
import { splitAllInTurns } from '../support/split-all.ts'

export interface Trained {
  readonly name: string
  /** The bytes of every weight, in the order of the model's weights. */
  readonly weights: Uint8Array
  /** The bytes of its predictions after training. */
  readonly predictions: Uint8Array
  /** The loaded model has the same weights and predictions, bit for bit. */
  readonly survivesSaving: boolean
}

const STEPS = 100
/** Nets that are there for an optimizer alone take so many steps. */
const FEW_STEPS = 30
const ROWS = 24
const CLASSES = 4

/** `length` integers below `limit`: a linear congruential generator, exact in float64. */
function integers(length: number, limit: number): number[] {
  let state = 12345
  return Array.from({ length }, () => {
    state = (state * 69069 + 1) % 2 ** 32
    return Math.floor(state / 65536) % limit
  })
}

interface Net {
  readonly inputShape: readonly number[]
  readonly optimizer: keyof typeof optimizers | Optimizer
  readonly steps?: number
  /** The inputs are ids below this, not reals. */
  readonly ids?: number
  readonly layers: () => Layer[]
}

const last = (): Layer => dense({ units: CLASSES, activation: 'softmax' })

const nets: Readonly<Record<string, Net>> = {
  dense: {
    inputShape: [21],
    optimizer: 'adam',
    layers: () => [dense({ units: 33, activation: 'gelu' }), dropout({ rate: 0.25 }), last()],
  },
  convolution: {
    inputShape: [9, 9, 2],
    optimizer: 'sgd',
    layers: () => [
      conv2d({ filters: 5, kernelSize: 3, padding: 'same', activation: 'relu' }),
      batchNormalization(),
      maxPooling2d({ poolSize: 2 }),
      flatten(),
      last(),
    ],
  },
  tiles: {
    inputShape: [9, 10, 2],
    optimizer: 'adam',
    steps: 10,
    layers: () => [
      conv2d({ filters: 16, kernelSize: 3, padding: 'same', activation: 'relu' }),
      conv2d({ filters: 18, kernelSize: 3, padding: 'same', activation: 'gelu' }),
      averagePooling2d({ poolSize: 2 }),
      conv2d({ filters: 16, kernelSize: 3, padding: 'same' }),
      flatten(),
      last(),
    ],
  },
  sequence: {
    inputShape: [7],
    optimizer: 'rmsprop',
    ids: 11,
    layers: () => [
      embedding({ inputDim: 11, outputDim: 8 }),
      multiHeadAttention({ numHeads: 2, keyDim: 4, dropout: 0.1 }),
      lstm({ units: 9 }),
      last(),
    ],
  },
  image: {
    inputShape: [9, 9, 2],
    optimizer: optimizers.sgd({
      ...{ learningRate: 0.05, momentum: 0.9, nesterov: true, clipNorm: 0.5 },
      schedule: cosineDecay({ steps: 80, minimum: 0.001 }),
    }),
    layers: () => [
      conv2d({
        filters: 6,
        kernelSize: 3,
        strides: 2,
        kernelInitializer: heNormal(),
        activation: 'leakyRelu',
      }),
      depthwiseConv2d({ kernelSize: 2, padding: 'same', activation: 'mish' }),
      groupNormalization({ groups: 2 }),
      averagePooling2d({ poolSize: 2 }),
      dropout({ rate: 0.25 }),
      flatten(),
      last(),
    ],
  },
  gated: {
    inputShape: [7],
    optimizer: optimizers.nadam({
      ...{
        learningRate: 0.01,
        globalClipNorm: 1,
        ema: movingAverage({ momentum: 0.9, overwriteFrequency: 7 }),
      },
    }),
    ids: 11,
    layers: () => [
      embedding({ inputDim: 11, outputDim: 8, maskZero: true }),
      bidirectional({ layer: gru({ units: 5, returnSequences: true, dropout: 0.1 }) }),
      layerNormalization(),
      simpleRnn({ units: 6, recurrentConstraint: unitNorm() }),
      last(),
    ],
  },
  transformer: {
    inputShape: [7],
    optimizer: optimizers.adamw({
      ...{ learningRate: 0.01, clipValue: 0.1, accumulation: accumulateGradients(3) },
      schedule: linearWarmup({ steps: 9, after: exponentialDecay({ gamma: 0.98 }) }),
    }),
    ids: 11,
    layers: () => [
      embedding({ inputDim: 11, outputDim: 8 }),
      positionEmbedding(),
      multiHeadAttention({ numHeads: 2, keyDim: 4, causal: true }),
      rmsNormalization(),
      dense({ units: 16, activation: 'gelu', kernelRegularizer: { l2: 0.001 } }),
      globalAveragePooling1d(),
      last(),
    ],
  },
  ...Object.fromEntries(
    Object.entries({
      rmsprop: optimizers.rmsprop({
        momentum: 0.5,
        centered: true,
        schedule: stepDecay({ stepSize: 7, gamma: 0.5 }),
      }),
      adagrad: optimizers.adagrad({ learningRate: 0.05, weightDecay: 0.01 }),
      adadelta: optimizers.adadelta({ learningRate: 1 }),
      amsgrad: optimizers.adam({
        learningRate: 0.01,
        amsgrad: true,
        schedule: inverseSqrtDecay({ warmup: 5 }),
      }),
      radam: optimizers.radam({ learningRate: 0.01, schedule: polynomialDecay({ steps: 25, power: 2 }) }),
      adamax: optimizers.adamax({ learningRate: 0.01 }),
      lion: optimizers.lion({ weightDecay: 0.1 }),
    }).map(([name, optimizer]): [string, Net] => [
      name,
      {
        inputShape: [21],
        optimizer,
        steps: FEW_STEPS,
        layers: () => [
          dense({
            units: 13,
            activation: 'tanh',
            kernelInitializer: orthogonal(),
            kernelRegularizer: { l1: 1e-4 },
          }),
          last(),
        ],
      },
    ]),
  ),
}

const bytesOf = ({ data }: NamedArray): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let end = 0
  for (const part of parts) {
    all.set(part, end)
    end += part.length
  }
  return all
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])

async function train(name: string, net: Net, runtime: RuntimeOptions): Promise<Trained> {
  const { inputShape, optimizer, ids, layers, steps = STEPS } = net
  const size = inputShape.reduce((product, length) => product * length, ROWS)
  const x = ids
    ? Int32Array.from(integers(size, ids))
    : Float32Array.from(integers(size, 256), (n) => n / 128 - 1)
  const y = Int32Array.from(integers(ROWS, CLASSES))
  const inputDtype = ids ? 'int32' : 'float32'
  const model = sequential({ inputShape, inputDtype, seed: 7, layers: layers(), ...runtime })
  await splitAllInTurns(model.session.engine)
  const chosen = typeof optimizer === 'string' ? optimizers[optimizer]() : optimizer
  model.compile({ optimizer: chosen, loss: 'sparseCategoricalCrossentropy' })
  for (let step = 0; step < steps; step++) model.trainStep(x, y)

  const weightsOf = (own: Model): Uint8Array => joined(Object.values(own.getWeights()).map(bytesOf))
  const predictionsOf = (own: Model): Uint8Array => bytesOf(own.predict(x) as NamedArray)
  const loaded = load(model.save(), runtime) as Model
  const [weights, predictions] = [weightsOf(model), predictionsOf(model)]
  const survivesSaving = isSame(weightsOf(loaded), weights) && isSame(predictionsOf(loaded), predictions)
  model.dispose()
  loaded.dispose()
  return { name, weights, predictions, survivesSaving }
}

/** One after the other. With threads, whatever can be split is. */
export async function trainNets(runtime: RuntimeOptions): Promise<Trained[]> {
  const trained: Trained[] = []
  for (const [name, net] of Object.entries(nets)) trained.push(await train(name, net, runtime))
  return trained
}
