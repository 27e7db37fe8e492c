// The library: everything a program imports.
export { type EarlyStoppingOptions, earlyStopping } from './callbacks/earlyStopping.ts'
export {
  type LearningRateSchedulerOptions,
  learningRateScheduler,
  type ReduceLROnPlateauOptions,
  reduceLROnPlateau,
  terminateOnNaN,
} from './callbacks/learningRate.ts'
export type { MonitorOptions } from './callbacks/monitor.ts'
export { type ClassWeight, classWeights, type WeightsByClass } from './feed/class-weight.ts'
export type { Gradients } from './feed/gradients.ts'
export type {
  ApplyOptions,
  EvaluateOptions,
  NaNOption,
  PredictOptions,
  StepOptions,
  TrainStepOptions,
  VerboseOption,
} from './feed/options.ts'
export type { Progress, Verbose } from './feed/progress.ts'
export type { GraphBuilder } from './graph/builder.ts'
export type { Value } from './graph/value.ts'
export {
  type PreluOptions,
  prelu,
  type ReluOptions,
  relu,
  type SoftmaxOptions,
  softmax,
} from './layers/activation-layers.ts'
export type { Activation, ActivationName } from './layers/activations.ts'
export { type HeadsOptions, type MultiHeadAttentionOptions, multiHeadAttention } from './layers/attention.ts'
export type { Axes } from './layers/axes.ts'
export { type BlockOptions, block } from './layers/block.ts'
export {
  type Constraint,
  type MaxNormOptions,
  type MinMaxNormOptions,
  maxNorm,
  minMaxNorm,
  type NormOptions,
  nonNeg,
  unitNorm,
} from './layers/constraints.ts'
export { type ConvLstmOptions, convLstm1d, convLstm2d, convLstm3d } from './layers/conv-lstm.ts'
export {
  type ConvLayerOptions,
  type ConvTransposeOptions,
  conv1d,
  conv1dTranspose,
  conv2d,
  conv2dTranspose,
  conv3d,
  conv3dTranspose,
} from './layers/convolution.ts'
export {
  type ActivationOptions,
  activation,
  type DenseOptions,
  dense,
  flatten,
  type PermuteOptions,
  permute,
  type ReshapeOptions,
  reshape,
} from './layers/core.ts'
export { type CustomLayer, type CustomLayerDefinition, customLayer } from './layers/custom.ts'
export { type DotOptions, dot } from './layers/dot.ts'
export { type EinsumDenseOptions, einsumDense } from './layers/einsum-dense.ts'
export {
  type EmbeddingOptions,
  embedding,
  type PositionEmbeddingOptions,
  positionEmbedding,
} from './layers/embedding.ts'
export {
  type GroupedQueryAttentionOptions,
  groupedQueryAttention,
} from './layers/grouped-attention.ts'
export {
  type ConstantOptions,
  constant,
  glorotUniform,
  heUniform,
  type Initializer,
  type InitializerName,
  lecunUniform,
  ones,
  type RandomUniformOptions,
  randomUniform,
  zeros,
} from './layers/initializers.ts'
export {
  type AdditiveAttentionOptions,
  type AttentionOptions,
  additiveAttention,
  attention,
} from './layers/keras-attention.ts'
export {
  type InputOptions,
  input,
  type Layer,
  type LayerContext,
  type LayerKind,
  type LayerKinds,
  type LayerOptions,
  type RecurrentLayer,
  type Regularizer,
  type Symbolic,
  type WeightOptions,
} from './layers/layer.ts'
export {
  add,
  average,
  type ConcatenateOptions,
  concatenate,
  maximum,
  minimum,
  multiply,
  subtract,
} from './layers/merge.ts'
export {
  alphaDropout,
  type DropoutOptions,
  dropout,
  type GaussianNoiseOptions,
  gaussianDropout,
  gaussianNoise,
  type RateOptions,
  spatialDropout1d,
  spatialDropout2d,
  spatialDropout3d,
} from './layers/noise.ts'
export {
  glorotNormal,
  heNormal,
  lecunNormal,
  type RandomNormalOptions,
  randomNormal,
  truncatedNormal,
} from './layers/normal.ts'
export {
  type AffineOptions,
  type AxisOptions,
  type BatchNormalizationOptions,
  batchNormalization,
  type GroupNormalizationOptions,
  groupNormalization,
  type LayerNormalizationOptions,
  layerNormalization,
  type RmsNormalizationOptions,
  rmsNormalization,
  unitNormalization,
} from './layers/normalization.ts'
export { type OperationStep, type OperationsOptions, operations } from './layers/operations.ts'
export { type OrthogonalOptions, orthogonal } from './layers/orthogonal.ts'
export {
  averagePooling1d,
  averagePooling2d,
  averagePooling3d,
  type GlobalMaxPoolingOptions,
  type GlobalPoolingOptions,
  globalAveragePooling1d,
  globalAveragePooling2d,
  globalAveragePooling3d,
  globalMaxPooling1d,
  globalMaxPooling2d,
  globalMaxPooling3d,
  maxPooling1d,
  maxPooling2d,
  maxPooling3d,
  type PoolingOptions,
} from './layers/pooling.ts'
export {
  adaptNormalization,
  type CategoryEncodingOptions,
  categoryEncoding,
  type NormalizationOptions,
  normalization,
  type OutputMode,
  type PerChannel,
  type RescalingOptions,
  rescaling,
  type Samples,
} from './layers/preprocessing.ts'
export {
  type GatedOptions,
  type GruOptions,
  gru,
  type LstmOptions,
  lstm,
  type RecurrentOptions,
  type SimpleRnnOptions,
  simpleRnn,
} from './layers/recurrent.ts'
export {
  type CenterCropOptions,
  centerCrop,
  type ResizingOptions,
  resizing,
  type UpSampling1dOptions,
  type UpSampling2dOptions,
  type UpSampling3dOptions,
  upSampling1d,
  upSampling2d,
  upSampling3d,
} from './layers/resampling.ts'
export {
  type Cropping1dOptions,
  type CroppingOptions,
  cropping1d,
  cropping2d,
  cropping3d,
  type Edges,
  type RepeatVectorOptions,
  repeatVector,
  type ZeroPadding1dOptions,
  type ZeroPaddingOptions,
  zeroPadding1d,
  zeroPadding2d,
  zeroPadding3d,
} from './layers/resizing.ts'
export { type RotaryEmbeddingOptions, rotaryEmbedding } from './layers/rotary.ts'
export {
  type DepthwiseConvOptions,
  depthwiseConv1d,
  depthwiseConv2d,
  type SeparableConvOptions,
  separableConv1d,
  separableConv2d,
} from './layers/separable.ts'
export type { ReturnsState, SequenceOptions } from './layers/sequence.ts'
export { type StochasticDepthOptions, stochasticDepth } from './layers/stochastic-depth.ts'
export {
  type SpectralNormalizationOptions,
  spectralNormalization,
  type WeightNormalizationOptions,
  weightNormalization,
} from './layers/weight-wrappers.ts'
export type {
  AlphaOptions,
  BetaOptions,
  BiasOptions,
  DepthwiseOptions,
  EmbeddingsOptions,
  GammaOptions,
  KernelOptions,
  PointwiseOptions,
  PositionOptions,
  RecurrentKernelOptions,
  ScaleOptions,
} from './layers/weights.ts'
export type { Sizes, WindowOptions } from './layers/window.ts'
export {
  type BidirectionalOptions,
  type BothStates,
  bidirectional,
  type MaskingOptions,
  masking,
  type TimeDistributedOptions,
  timeDistributed,
  type Unmerged,
} from './layers/wrappers.ts'
export { averageWeights, type WeightsByName } from './model/average-weights.ts'
export type { CompileOptions, MetricsByOutput } from './model/compile.ts'
export {
  type LoadOptions,
  load,
  type ModelOptions,
  model,
  type SequentialOptions,
  sequential,
} from './model/create.ts'
export { loadWeights } from './model/loading.ts'
export { type LoraOptions, loadLora, lora, mergeLora, saveLora } from './model/lora.ts'
export {
  type Callback,
  type FitOptions,
  type FitParams,
  Model,
  type ModelInput,
  type ModelLayer,
} from './model/model.ts'
export { type PartOptions, type PartValue, type PartValues, part } from './model/part.ts'
export { type TransferOptions, transfer } from './model/transfer.ts'
export type { Values } from './network/network.ts'
export { LanegradError } from './numerics/lanegrad-error.ts'
export type { DType, RowShape, Shape } from './numerics/shape.ts'
export {
  type FloatArray,
  type NamedArray,
  type NestedNumbers,
  type NumberArray,
  type ShapedArray,
  tensor,
} from './numerics/tensor.ts'
export type { Clip } from './plan/update.ts'
export type { ArrayLikeData, Batches, Data, Dataset } from './rows/rows.ts'
export type { Relaxed, RuntimeOptions, Workers } from './runtime/engine.ts'
export type { History, Logs, WithLoss } from './session/logs.ts'
export type { Metric, MetricBatch } from './session/metric.ts'
export type { Mode } from './session/program.ts'
export { type Accumulation, accumulateGradients } from './training/accumulation.ts'
export { type CustomLossOptions, customLoss, type LossFunction } from './training/custom-loss.ts'
export {
  type GraphLoss,
  type GraphLossFunction,
  graphLoss,
  type NetworkValues,
} from './training/graph-loss.ts'
export type {
  CategoricalOptions,
  HuberOptions,
  Loss,
  LossAlias,
  LossLike,
  LossName,
  LossOptions,
  SparseOptions,
} from './training/loss.ts'
export {
  binaryCrossentropy,
  categoricalCrossentropy,
  categoricalHinge,
  cosineSimilarity,
  hinge,
  huber,
  klDivergence,
  logCosh,
  meanAbsoluteError,
  meanSquaredError,
  poisson,
  sparseCategoricalCrossentropy,
  squaredHinge,
} from './training/losses.ts'
export {
  binaryAccuracy,
  categoricalAccuracy,
  sparseCategoricalAccuracy,
  sparseTopKCategoricalAccuracy,
  type ThresholdOptions,
  type TopKOptions,
  topKCategoricalAccuracy,
} from './training/metrics/accuracy.ts'
export { type AucOptions, auc } from './training/metrics/auc.ts'
export {
  type Average,
  type ClassOptions,
  type CountOptions,
  confusionMatrix,
  f1Score,
  type MatrixOptions,
  precision,
  recall,
} from './training/metrics/counts.ts'
export type { NameOption } from './training/metrics/read.ts'
export {
  cosineSimilarityMetric,
  meanAbsolutePercentageError,
  perplexity,
  r2Score,
  rootMeanSquaredError,
} from './training/metrics/regression.ts'
export type { MeanMetric, MetricLike, MetricName } from './training/metrics.ts'
export {
  type MovingAverage,
  type MovingAverageOptions,
  movingAverage,
} from './training/moving-average.ts'
export type { Optimizer, OptimizerName, RareOptimizerName } from './training/optimizer.ts'
export type {
  AdadeltaOptions,
  AdagradOptions,
  AdamaxOptions,
  AdamOptions,
  AdamwOptions,
  LionOptions,
  MomentOptions,
  NadamOptions,
  OptimizerOptions,
  RadamOptions,
  RmspropOptions,
  SgdOptions,
} from './training/optimizer-options.ts'
export { adam, adamw, radam, rmsprop, sgd } from './training/optimizers.ts'
export { adadelta, adagrad, adamax, lion, nadam, optimizers } from './training/rare-optimizers.ts'
export {
  type CosineDecayOptions,
  cosineDecay,
  type ExponentialDecayOptions,
  exponentialDecay,
  type InverseSqrtDecayOptions,
  type InverseTimeDecayOptions,
  inverseSqrtDecay,
  inverseTimeDecay,
  type LinearWarmupOptions,
  linearWarmup,
  type MultiStepDecayOptions,
  multiStepDecay,
  type PolynomialDecayOptions,
  polynomialDecay,
  type Schedule,
  type ScheduleName,
  type StepDecayOptions,
  stepDecay,
} from './training/schedules.ts'
