// The library: everything a program imports.
export type { Activation, ActivationName } from './layers/activations.ts'
export {
  activation,
  type DenseOptions,
  dense,
  flatten,
  permute,
  prelu,
  reshape,
} from './layers/core.ts'
export {
  constant,
  glorotNormal,
  glorotUniform,
  heNormal,
  heUniform,
  type Initializer,
  type InitializerName,
  lecunNormal,
  lecunUniform,
  ones,
  orthogonal,
  randomNormal,
  randomUniform,
  truncatedNormal,
  zeros,
} from './layers/initializers.ts'
export {
  type InputOptions,
  input,
  type Layer,
  type LayerOptions,
  type Regularizer,
  type Symbolic,
} from './layers/layer.ts'
export { add, average, concatenate, maximum, minimum, multiply, subtract } from './layers/merge.ts'
export type { CompileOptions } from './model/compile.ts'
export { load, type ModelOptions, model, type SequentialOptions, sequential } from './model/create.ts'
export type { ArrayLikeData, Data } from './model/data.ts'
export type { Inspection, ProfileRow } from './model/inspect.ts'
export {
  type EvaluateOptions,
  type FitOptions,
  Model,
  type PredictOptions,
  type StepOptions,
} from './model/model.ts'
export { LanegradError } from './numerics/errors.ts'
export { type FloatArray, type NamedArray, tensor } from './numerics/tensor.ts'
export type { Callback, FitParams, History, Logs } from './training/callbacks.ts'
export {
  binaryCrossentropy,
  categoricalCrossentropy,
  categoricalHinge,
  cosineSimilarity,
  hinge,
  huber,
  klDivergence,
  type Loss,
  logCosh,
  meanAbsoluteError,
  meanSquaredError,
  poisson,
  sparseCategoricalCrossentropy,
  squaredHinge,
} from './training/losses.ts'
export type { MetricName } from './training/metrics.ts'
export {
  adadelta,
  adagrad,
  adam,
  adamax,
  adamw,
  lion,
  nadam,
  type Optimizer,
  optimizers,
  radam,
  rmsprop,
  sgd,
} from './training/optimizers.ts'
export {
  cosineDecay,
  exponentialDecay,
  inverseSqrtDecay,
  inverseTimeDecay,
  linearWarmup,
  multiStepDecay,
  polynomialDecay,
  type Schedule,
  stepDecay,
} from './training/schedules.ts'
