// From a golden case to a compiled Model, through the library's public API alone. Enters: a case. Leaves: what the
// library has no counterpart for (`missing`), or the model with its first weights. The tables hold what the library
// has; a new layer is a new row. The library refuses options it doesn't know, so no parameter of a case is dropped.
import {
  activation,
  add,
  average,
  averagePooling1d,
  averagePooling2d,
  batchNormalization,
  binaryCrossentropy,
  categoricalCrossentropy,
  categoricalHinge,
  concatenate,
  conv1d,
  conv2d,
  conv2dTranspose,
  cosineDecay,
  cosineSimilarity,
  dense,
  depthwiseConv2d,
  dropout,
  embedding,
  exponentialDecay,
  flatten,
  globalAveragePooling1d,
  globalAveragePooling2d,
  globalMaxPooling2d,
  groupNormalization,
  gru,
  hinge,
  huber,
  input,
  inverseSqrtDecay,
  inverseTimeDecay,
  klDivergence,
  type Layer,
  type Loss,
  layerNormalization,
  linearWarmup,
  logCosh,
  lstm,
  type Model,
  maxPooling1d,
  maxPooling2d,
  meanAbsoluteError,
  meanSquaredError,
  model,
  multiHeadAttention,
  multiply,
  multiStepDecay,
  type NamedArray,
  type Optimizer,
  optimizers,
  permute,
  poisson,
  polynomialDecay,
  positionEmbedding,
  prelu,
  type RuntimeOptions,
  reshape,
  rmsNormalization,
  type Schedule,
  type Symbolic,
  sgd,
  simpleRnn,
  sparseCategoricalCrossentropy,
  squaredHinge,
  stepDecay,
  subtract,
  tensor,
  upSampling2d,
  zeroPadding2d,
} from '../../src/index.ts'
import type { GoldenCase, GoldenLayer, GoldenLoss, GoldenOptimizer, GoldenTensor, Typed } from './case.ts'

/** Takes what a JSON file says; the constructor itself checks it. */
type From<T> = (options: never) => T
type Options = Readonly<Record<string, unknown>>

const layers: Readonly<Record<string, From<Layer>>> = {
  Dense: dense,
  Activation: activation,
  PReLU: prelu,
  Flatten: flatten,
  Conv1D: conv1d,
  Conv2D: conv2d,
  Conv2DTranspose: conv2dTranspose,
  DepthwiseConv2D: depthwiseConv2d,
  Reshape: reshape,
  Permute: permute,
  Add: add,
  Subtract: subtract,
  Multiply: multiply,
  Average: average,
  Concatenate: concatenate,
  SimpleRNN: simpleRnn,
  LSTM: lstm,
  GRU: gru,
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  RMSNormalization: rmsNormalization,
  GroupNormalization: groupNormalization,
  Dropout: dropout,
  MaxPooling1D: maxPooling1d,
  MaxPooling2D: maxPooling2d,
  AveragePooling1D: averagePooling1d,
  AveragePooling2D: averagePooling2d,
  GlobalAveragePooling1D: globalAveragePooling1d,
  GlobalAveragePooling2D: globalAveragePooling2d,
  GlobalMaxPooling2D: globalMaxPooling2d,
  UpSampling2D: upSampling2d,
  ZeroPadding2D: zeroPadding2d,
  Embedding: embedding,
  PositionEmbedding: positionEmbedding,
  MultiHeadAttention: multiHeadAttention,
}

const losses: Readonly<Record<string, From<Loss>>> = {
  mse: meanSquaredError,
  mae: meanAbsoluteError,
  huber,
  log_cosh: logCosh,
  poisson,
  hinge,
  squared_hinge: squaredHinge,
  binary_crossentropy: binaryCrossentropy,
  categorical_crossentropy: categoricalCrossentropy,
  sparse_categorical_crossentropy: sparseCategoricalCrossentropy,
  kl_divergence: klDivergence,
  categorical_hinge: categoricalHinge,
  cosine_similarity: cosineSimilarity,
}

const optimizerKinds: Readonly<Record<string, From<Optimizer>>> = optimizers

/** Each schedule's constructor and its parameters, theirs: ours; `after` is a schedule again. */
const schedules: Readonly<Record<string, readonly [From<Schedule>, Readonly<Record<string, string>>]>> = {
  step: [stepDecay, { step_size: 'stepSize', gamma: 'gamma' }],
  multistep: [multiStepDecay, { milestones: 'milestones', gamma: 'gamma' }],
  exponential: [exponentialDecay, { gamma: 'gamma' }],
  cosine: [cosineDecay, { t_max: 'steps', eta_min: 'minimum' }],
  polynomial: [polynomialDecay, { total: 'steps', power: 'power', end: 'end' }],
  linear_warmup: [linearWarmup, { warmup: 'steps', after: 'after' }],
  inverse_time: [inverseTimeDecay, { decay: 'decay' }],
  inverse_sqrt: [inverseSqrtDecay, { warmup: 'warmup' }],
}

const clips: Readonly<Record<string, string>> = {
  norm: 'clipNorm',
  value: 'clipValue',
  global_norm: 'globalClipNorm',
}

/** `beta_1` to beta1, `use_bias` to useBias */
const camelCase = (name: string): string =>
  name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())

const renamed = (options: Options): Options =>
  Object.fromEntries(Object.entries(options).map(([key, value]) => [camelCase(key), value]))

function activationOf(given: string | Typed): Options {
  const { type, ...parameters } = typeof given === 'string' ? { type: given } : given
  const { negative_slope, ...rest } = parameters as Options
  const name = type === 'exp' ? 'exponential' : camelCase(type)
  return { name, ...(negative_slope !== undefined && { alpha: negative_slope }), ...rest }
}

interface KernelFrom {
  readonly layer: string
  readonly param: string
  readonly transpose?: boolean
}

function layerOf({ name, type, config, trainable = true }: GoldenLayer): Layer {
  const { activation: given, kernel_from: from, ...rest } = config
  return layers[type]({
    name,
    trainable,
    ...renamed(rest),
    ...(given !== undefined && { activation: activationOf(given as string | Typed) }),
    ...(from !== undefined && { tiedTo: (from as KernelFrom).layer }),
  } as never)
}

function lossOf({ type, output: _, weight: __, ...options }: GoldenLoss): Loss {
  return losses[type](renamed(options) as never)
}

function scheduleOf({ type, ...parameters }: Typed): Schedule {
  const [make, names] = schedules[type]
  const options = Object.entries(parameters).map(([key, value]) => [
    names[key] ?? key,
    key === 'after' && value ? scheduleOf(value as Typed) : value,
  ])
  return make(Object.fromEntries(options) as never)
}

/** What trains the case; where it has no steps, an optimizer that moves nothing. */
export function optimizerOf(golden: GoldenOptimizer | null): Optimizer {
  if (golden === null) return sgd({ learningRate: 0 })
  const { type, clip, schedule, ...options } = golden
  return optimizerKinds[type]({
    ...renamed(options),
    ...(clip && { [clips[clip.type]]: clip.value }),
    ...(schedule && { schedule: scheduleOf(schedule) }),
  } as never)
}

/** What the case needs and the library, as far as the tables above know it, doesn't have; each once. */
export function missing({ model: { layers: calls }, losses: wanted, optimizer }: GoldenCase): string[] {
  const found = new Set<string>()
  const need = (table: object, type: string, what: string) => {
    if (!Object.hasOwn(table, type)) found.add(`no ${what} ${type}`)
  }
  for (const { type, config } of calls) {
    if (type !== 'Call') need(layers, type, 'layer')
    const from = config.kernel_from as KernelFrom | undefined
    if (from && (!['kernel', 'embeddings'].includes(from.param) || !from.transpose))
      found.add(`no kernel tied to ${from.param}`)
  }
  for (const { type } of wanted) need(losses, type, 'loss')
  if (optimizer) {
    need(optimizers, optimizer.type, 'optimizer')
    if (optimizer.clip) need(clips, optimizer.clip.type, 'clipping by')
    for (let schedule = optimizer.schedule; schedule; schedule = schedule.after as Typed | null | undefined)
      need(schedules, schedule.type, 'schedule')
  }
  return [...found]
}

export const tensorOf = ({ data, shape, dtype }: GoldenTensor): NamedArray =>
  tensor(dtype === 'int32' ? Int32Array.from(data) : Float32Array.from(data), shape)

export const tensorsOf = (tensors: Readonly<Record<string, GoldenTensor>>): Record<string, NamedArray> =>
  Object.fromEntries(Object.entries(tensors).map(([name, value]) => [name, tensorOf(value)]))

/** Inputs and outputs by name. */
export type GoldenModel = Model<Readonly<Record<string, Symbolic>>>

/** The case's network, compiled. @throws LanegradError where the library doesn't take what the case says. */
export function modelOf(
  { model: network, losses: wanted, optimizer }: GoldenCase,
  runtime: RuntimeOptions = {},
): GoldenModel {
  const values = new Map<string, Symbolic>(network.inputs.map((own) => [own.name, input(own)]))
  const made = new Map<string, Layer>()
  const symbolic = (name: string): Symbolic => {
    const value = values.get(name)
    if (!value) throw new Error(`no input or earlier layer ${name}`)
    return value
  }
  for (const call of network.layers) {
    // Call applies an earlier layer again, with the same weights
    const owner = call.type === 'Call' ? String(call.config.layer) : call.name
    const layer = made.get(owner) ?? layerOf(call)
    made.set(owner, layer)
    values.set(call.name, layer(...call.inputs.map(symbolic)))
  }
  const pick = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, symbolic(name)]))
  const result = model({
    inputs: pick(network.inputs.map(({ name }) => name)),
    outputs: pick(network.outputs),
    ...runtime,
  })
  return result.compile({
    optimizer: optimizerOf(optimizer),
    loss: Object.fromEntries(wanted.map((loss) => [loss.output, lossOf(loss)])),
    lossWeights: Object.fromEntries(wanted.map(({ output, weight = 1 }) => [output, weight])),
  })
}
