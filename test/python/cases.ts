// One table of models for PyTorch: every kind of layer, loss, optimizer, schedule and way of training at least once. Each case makes
// its model, which is compiled here, and says what it is fed. Where PyTorch's own layers and optimizers differ, a case tells: the
// moving variance is that of the batch without n / (n - 1); an lstm has one bias, a gru two rows of it and its gates in another
// order; attention's key bias has the gradient 0, up to rounding, so that losses are compared and not this weight; nadam's
// corrections of PyTorch 1.13 are wrong. Two processes have three and two of the five rows, which weigh as rows and not as halves.
import {
  accumulateGradients,
  activation,
  add,
  additiveAttention,
  alphaDropout,
  attention,
  auc,
  average,
  averagePooling1d,
  averagePooling2d,
  averagePooling3d,
  batchNormalization,
  bidirectional,
  binaryAccuracy,
  binaryCrossentropy,
  block,
  categoricalAccuracy,
  categoricalCrossentropy,
  categoryEncoding,
  centerCrop,
  concatenate,
  conv1d,
  conv1dTranspose,
  conv2d,
  conv2dTranspose,
  conv3d,
  conv3dTranspose,
  convLstm1d,
  convLstm2d,
  convLstm3d,
  cosineDecay,
  cosineSimilarityMetric,
  cropping1d,
  cropping2d,
  cropping3d,
  customLayer,
  customLoss,
  dense,
  depthwiseConv1d,
  depthwiseConv2d,
  dot,
  dropout,
  einsumDense,
  embedding,
  exponentialDecay,
  f1Score,
  flatten,
  gaussianDropout,
  gaussianNoise,
  globalAveragePooling1d,
  globalAveragePooling2d,
  globalAveragePooling3d,
  globalMaxPooling1d,
  globalMaxPooling2d,
  globalMaxPooling3d,
  graphLoss,
  groupedQueryAttention,
  groupNormalization,
  gru,
  huber,
  input,
  inverseSqrtDecay,
  inverseTimeDecay,
  type Layer,
  type LossLike,
  layerNormalization,
  linearWarmup,
  lora,
  lstm,
  type MetricLike,
  type Model,
  masking,
  maximum,
  maxNorm,
  maxPooling1d,
  maxPooling2d,
  maxPooling3d,
  meanAbsolutePercentageError,
  meanSquaredError,
  minimum,
  minMaxNorm,
  model,
  movingAverage,
  multiHeadAttention,
  multiply,
  multiStepDecay,
  nonNeg,
  normalization,
  type Optimizer,
  operations,
  optimizers,
  permute,
  perplexity,
  polynomialDecay,
  positionEmbedding,
  precision,
  prelu,
  r2Score,
  recall,
  relu,
  repeatVector,
  rescaling,
  reshape,
  resizing,
  rmsNormalization,
  rootMeanSquaredError,
  rotaryEmbedding,
  type Schedule,
  type Symbolic,
  separableConv1d,
  separableConv2d,
  sequential,
  sgd,
  simpleRnn,
  softmax,
  sparseCategoricalAccuracy,
  sparseCategoricalCrossentropy,
  sparseTopKCategoricalAccuracy,
  spatialDropout1d,
  spatialDropout2d,
  spatialDropout3d,
  spectralNormalization,
  stepDecay,
  stochasticDepth,
  subtract,
  timeDistributed,
  topKCategoricalAccuracy,
  unitNorm,
  unitNormalization,
  upSampling1d,
  upSampling2d,
  upSampling3d,
  weightNormalization,
  zeroPadding1d,
  zeroPadding2d,
  zeroPadding3d,
} from '../../src/index.ts'

/** Flat data of a case: rows of each input and target by their order. */
export interface Fed {
  readonly shape: readonly number[]
  readonly data: Float32Array | Int32Array
}

export interface Case {
  readonly name: string
  readonly net: Model<never>
  readonly x: readonly Fed[]
  readonly y: readonly Fed[]
  readonly weights?: Fed
  /** The names of inputs and outputs, where they are records. */
  readonly names?: { readonly x: readonly string[]; readonly y: readonly string[] }
  /** Its training draws random numbers, so that only predictions can be compared. */
  readonly isRandom?: boolean
  /** It can't be cut into rows for several processes. */
  readonly isWhole?: boolean
  /** Keeps states from run to run. */
  readonly isStateful?: boolean
}

// What the files hold by name alone; run_cases.py has the same in Python.
const scaled = customLayer({
  kind: 'scaled',
  config: { power: 2 },
  build: ({ g, weight }, [x], { power }) => {
    const factor = weight('factor', [x.shape[x.shape.length - 1]], { initializer: 'ones' })
    return g.times(power === 2 ? g.times(x, x) : x, factor)
  },
})
const cubic = customLoss('cubic', (g, truth, prediction) => {
  const d = g.unary('abs', g.minus(truth, prediction))
  return g.times(g.times(d, d), d)
})
const apart = graphLoss('apart', (g, net) => g.times(net.output('size'), net.output('size')))
export const own = { layers: [scaled], losses: [cubic, apart] }

/** Numbers from -1 to 1 that have no order. */
export const numbers = (seed: number, ...shape: number[]): Fed => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => {
    const x = ((i + 1) * 12.9898 + seed * 78.233) % Math.PI
    const y = x * 43758.5453
    return 2 * (y - Math.floor(y)) - 1
  }),
})

const mapped = ({ shape, data }: Fed, f: (x: number, i: number) => number): Fed => ({
  shape,
  data: Float32Array.from(data as Float32Array, f),
})

export const ids = (seed: number, count: number, ...shape: number[]): Fed => ({
  shape,
  data: Int32Array.from(numbers(seed, ...shape).data, (x) =>
    Math.min(count - 1, Math.floor(((x + 1) / 2) * count)),
  ),
})

const ROWS = 5

interface More {
  readonly optimizer?: Optimizer
  readonly loss?: LossLike
  readonly y?: (shape: readonly number[]) => Fed
  readonly x?: Fed
  readonly weights?: Fed
  readonly metrics?: readonly MetricLike[]
  readonly weightedMetrics?: readonly MetricLike[]
  readonly isRandom?: boolean
  readonly isWhole?: boolean
  readonly dtype?: 'int32'
}

const plain = () => sgd({ learningRate: 0.05, momentum: 0.5 })

/** A chain of layers on rows of `inputShape`. */
function chain(name: string, inputShape: number[], layers: Layer[], more: More = {}): Case {
  const net = sequential({ inputShape, inputDtype: more.dtype ?? 'float32', layers, seed: 3 })
  net.compile({
    optimizer: more.optimizer ?? plain(),
    loss: more.loss ?? 'meanSquaredError',
    warnings: false,
  })
  const x = more.x ?? numbers(1, ROWS, ...inputShape)
  const shape = [ROWS, ...(net.predict(x as never) as Fed).shape.slice(1)]
  net.resetStates()
  const { weights, isRandom, isWhole } = more
  return {
    ...{ name, net: net as never, x: [x], y: [(more.y ?? ((of) => numbers(2, ...of)))(shape)] },
    ...{ weights, isRandom, isWhole, isStateful: isWhole },
  }
}

/** A graph of layers on inputs of these shapes. */
function graph(
  name: string,
  shapes: readonly number[][],
  write: (...inputs: Symbolic[]) => Symbolic,
  more: More = {},
): Case {
  const inputs = shapes.map((shape, i) => input({ shape, name: `x${i}` }))
  const net = model({ inputs, outputs: write(...inputs), seed: 3 })
  net.compile({
    optimizer: more.optimizer ?? plain(),
    loss: more.loss ?? 'meanSquaredError',
    warnings: false,
  })
  const x = shapes.map((shape, i) => numbers(1 + i, ROWS, ...shape))
  const { shape } = net.predict(x as never) as Fed
  return { name, net: net as never, x, y: [numbers(9, ...shape)] }
}

// ---- layers ---------------------------------------------------------------------------------------

const steps = [4, 3]
const image = [6, 5, 3]
const volume = [4, 5, 4, 2]
const regular = { kernelRegularizer: { l1: 0.01, l2: 0.02 }, biasRegularizer: { l2: 0.1 } }
/** The last step's features at 0, of some rows more. */
const padded = mapped(numbers(4, ROWS, 5, 3), (x, i) => {
  const [row, step] = [Math.floor(i / 15), Math.floor(i / 3) % 5]
  return step >= 5 - (row % 3) ? 0 : x
})

const activations = (): Case[] =>
  [
    ...['linear', 'relu', 'relu6', 'leakyRelu', 'elu', 'celu', 'selu', 'gelu', 'geluTanh', 'silu', 'swish'],
    ...[
      'sigmoid',
      'logSigmoid',
      'tanh',
      'softplus',
      'softsign',
      'hardSigmoid',
      'hardSwish',
      'hardTanh',
      'mish',
    ],
    ...['exponential', 'square', 'softmax', 'logSoftmax'],
  ].map((name) =>
    chain(
      `activation ${name}`,
      [4],
      [dense({ units: 6 }), activation({ activation: name as 'relu' }), dense({ units: 2 })],
    ),
  )

const core = (): Case[] => [
  chain('dense', steps, [dense({ units: 4, activation: { name: 'leakyRelu', alpha: 0.1 }, ...regular })]),
  chain(
    'activation with alpha',
    [4],
    [activation({ activation: { name: 'hardSigmoid', alpha: 0.2 } }), dense({ units: 2 })],
  ),
  chain(
    'relu',
    [6],
    [
      dense({ units: 5 }),
      relu({ maxValue: 0.5, negativeSlope: 0.1, threshold: 0.1 }),
      relu({ negativeSlope: 0.3 }),
      dense({ units: 2 }),
    ],
  ),
  chain('softmax', [3, 4], [dense({ units: 4 }), softmax({ axis: 1 }), softmax({ axis: [1, 2] })]),
  chain('prelu', image, [
    prelu({ alphaInitializer: 'ones' }),
    prelu({ sharedAxes: [1, 2] }),
    dense({ units: 2 }),
  ]),
  chain(
    'shapes',
    [2, 3, 4],
    [
      permute({ dims: [2, 3, 1] }),
      reshape({ targetShape: [4, 6] }),
      dense({ units: 2 }),
      flatten(),
      dense({ units: 3 }),
    ],
  ),
  graph('merge', [[4], [4]], (a, b) => {
    const [c, d] = [dense({ units: 4 })(a), dense({ units: 4 })(b)]
    const sums = [add()(c, d, a), subtract()(c, d), multiply()(c, d), average()(c, d, b)]
    return concatenate()(...sums, maximum()(c, d), minimum()(c, b))
  }),
  graph('merge of other shapes', [[3, 4], [4]], (a, b) =>
    add()(dense({ units: 4 })(a), dense({ units: 4 })(b)),
  ),
  graph(
    'dot',
    [
      [3, 4],
      [2, 4],
    ],
    (a, b) => dot({ axes: 2, normalize: true })(dense({ units: 5 })(a), dense({ units: 5 })(b)),
  ),
  graph('dot of vectors', [[4], [4]], (a, b) => dot({ axes: 1 })(dense({ units: 4 })(a), b)),
  chain(
    'einsumDense',
    [3, 4],
    [
      einsumDense({
        equation: 'abc,cde->abde',
        outputShape: [null, 2, 3],
        biasAxes: 'de',
        activation: 'tanh',
      }),
      einsumDense({ equation: '...x,xy->...y', outputShape: 2, biasAxes: 'y' }),
    ],
  ),
  chain(
    'embedding',
    [4],
    [embedding({ inputDim: 7, outputDim: 3 }), positionEmbedding(), dense({ units: 2 })],
    {
      x: ids(3, 7, ROWS, 4),
      dtype: 'int32',
    },
  ),
  chain(
    'embedding with a mask',
    [5],
    [
      embedding({ inputDim: 4, outputDim: 3, maskZero: true }),
      lstm({ units: 3, returnSequences: true }),
      dense({ units: 2 }),
    ],
    { x: ids(3, 4, ROWS, 5), dtype: 'int32' },
  ),
  graph('tied weights', [[4]], (x) =>
    dense({ units: 4, tiedTo: 'first' })(dense({ units: 3, name: 'first' })(x)),
  ),
  graph('a layer called twice', [[4], [4]], (a, b) => {
    const shared = dense({ units: 3, activation: 'tanh', ...regular })
    return concatenate()(shared(a), shared(b))
  }),
  graph('a model within a model', [[4]], (x) => {
    const encoder = sequential({
      inputShape: [4],
      layers: [dense({ units: 3 }), batchNormalization()],
      name: 'encoder',
    })
    const outer = sequential({ inputShape: [4], layers: [encoder, dense({ units: 4 })], name: 'outer' })
    return dense({ units: 2 })(outer(outer(x)))
  }),
  chain(
    'frozen layers',
    [4],
    [dense({ units: 3, trainable: false }), batchNormalization({ trainable: false }), dense({ units: 2 })],
  ),
  chain(
    'block',
    [4],
    [block({ layers: [dense({ units: 3 }), layerNormalization(), dense({ units: 2 })], recompute: true })],
  ),
  chain(
    'operations',
    [3, 4],
    [
      operations({
        steps: [
          { op: 'weight', name: 'w', shape: [4, 4] },
          { op: 'reshape', inputs: [0], shape: [-3, 4] },
          { op: 'matmul', inputs: [2, 1], transposeB: true },
          { op: 'constant', data: [0.5, 1, 2, 3], shape: [4] },
          { op: 'binary', inputs: [3, 4], fn: 'add' },
          { op: 'unary', inputs: [5], fn: 'tanh' },
          { op: 'reshape', inputs: [6], shape: [-1, 3, 4] },
          { op: 'permute', inputs: [7], axes: [0, 2, 1] },
          { op: 'pad', inputs: [8], axis: 2, before: 1, after: 2 },
          { op: 'reverse', inputs: [9], axis: 1 },
          { op: 'reduce', inputs: [10], fn: 'max', axes: [2], keepDims: true },
          { op: 'resize', inputs: [10], axis: 2, size: 4, linear: true },
          { op: 'concatenate', inputs: [11, 12], axis: 2 },
          { op: 'slice', inputs: [13], axis: 2, start: 1, size: 3 },
          { op: 'softmax', inputs: [14] },
          { op: 'expand', inputs: [11], shape: [-1, 4, 3] },
          { op: 'binary', inputs: [15, 16], fn: 'maximum' },
          { op: 'reduce', inputs: [17], fn: 'mean', axes: [1] },
        ],
      }),
      dense({ units: 2 }),
    ],
  ),
  chain(
    'operations that share a weight',
    [4],
    [
      operations({
        name: 'holder',
        steps: [
          { op: 'weight', name: 'w', shape: [4, 4] },
          { op: 'matmul', inputs: [0, 1] },
          { op: 'constant', data: [0.5, 1, 2, 3], shape: [4] },
          { op: 'binary', inputs: [2, 3], fn: 'add' },
        ],
      }),
      layerNormalization(),
      operations({
        steps: [
          { op: 'weight', name: 'w', shape: [4, 4], tiedTo: 'holder/w' },
          { op: 'matmul', inputs: [0, 1], transposeB: true },
        ],
      }),
    ],
  ),
  chain(
    'operations on images',
    [4, 4, 2],
    [
      operations({
        steps: [
          { op: 'weight', name: 'w', shape: [3, 3, 2, 3] },
          {
            op: 'conv',
            inputs: [0, 1],
            strides: [1, 1],
            dilations: [1, 1],
            padding: [
              [1, 0],
              [1, 1],
            ],
          },
          {
            op: 'maxPool',
            inputs: [2],
            poolSize: [2, 2],
            strides: [1, 1],
            padding: [
              [0, 1],
              [0, 0],
            ],
          },
          {
            op: 'averagePool',
            inputs: [3],
            poolSize: [2, 2],
            strides: [2, 1],
            padding: [
              [1, 0],
              [0, 1],
            ],
          },
        ],
      }),
      flatten(),
      dense({ units: 2 }),
    ],
  ),
  chain(
    'operations on ids',
    [3],
    [
      operations({
        steps: [
          { op: 'weight', name: 'w', shape: [5, 4] },
          { op: 'gather', inputs: [1, 0] },
        ],
      }),
      dense({ units: 2 }),
    ],
    { x: ids(5, 5, ROWS, 3), dtype: 'int32' },
  ),
]

const convolutions = (): Case[] => [
  chain(
    'conv1d',
    [7, 4],
    [
      conv1d({ filters: 4, kernelSize: 3, padding: 'causal', dilationRate: 2, activation: 'relu' }),
      conv1d({ filters: 6, kernelSize: 3, strides: 2, padding: 'same', groups: 2 }),
    ],
  ),
  chain('conv2d', image, [
    conv2d({
      filters: 4,
      kernelSize: [3, 2],
      strides: [2, 1],
      padding: 'same',
      activation: 'relu',
      ...regular,
    }),
    conv2d({
      filters: 3,
      kernelSize: 2,
      padding: [
        [1, 0],
        [0, 2],
      ],
    }),
  ]),
  chain('conv3d', volume, [
    conv3d({ filters: 3, kernelSize: [2, 3, 2], padding: 'same', strides: [2, 1, 1] }),
  ]),
  chain(
    'conv1dTranspose',
    [4, 3],
    [conv1dTranspose({ filters: 4, kernelSize: 4, strides: 2, padding: 'same' })],
  ),
  chain(
    'conv2dTranspose',
    [3, 4, 4],
    [
      conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2, groups: 2 }),
      conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2, padding: 'same', outputPadding: 1 }),
    ],
  ),
  chain(
    'conv3dTranspose',
    [2, 2, 3, 2],
    [
      conv3dTranspose({
        filters: 2,
        kernelSize: 3,
        strides: 2,
        padding: [
          [1, 0],
          [1, 1],
          [0, 1],
        ],
      }),
    ],
  ),
  chain(
    'depthwiseConv1d',
    [6, 3],
    [depthwiseConv1d({ kernelSize: 3, depthMultiplier: 2, padding: 'causal' })],
  ),
  chain('depthwiseConv2d', image, [
    depthwiseConv2d({
      kernelSize: 3,
      strides: 2,
      padding: 'same',
      depthMultiplier: 2,
      depthwiseRegularizer: { l2: 0.1 },
    }),
  ]),
  chain('separableConv1d', [6, 3], [separableConv1d({ filters: 4, kernelSize: 3, depthMultiplier: 2 })]),
  chain('separableConv2d', image, [
    separableConv2d({ filters: 4, kernelSize: 3, padding: 'same', activation: 'tanh' }),
  ]),
]

/** One filter, one row: a kernel whose gradient PyTorch's plain loops compute. */
const oneFilter = chain(
  'conv2d of one filter on one row',
  [7, 9, 2],
  [conv2d({ filters: 1, kernelSize: 2 })],
  {
    x: numbers(1, 1, 7, 9, 2),
    y: () => numbers(2, 1, 6, 8, 1),
    isWhole: true,
  },
)

const cells = (): Case[] => [
  oneFilter,
  chain(
    'maxPooling1d',
    [7, 3],
    [dense({ units: 3 }), maxPooling1d({ poolSize: 3, strides: 2, padding: 'same' })],
  ),
  chain('maxPooling2d', image, [dense({ units: 3 }), maxPooling2d({ poolSize: 2 })]),
  chain('maxPooling3d', volume, [
    dense({ units: 3 }),
    maxPooling3d({
      poolSize: 2,
      padding: [
        [1, 0],
        [0, 1],
        [1, 1],
      ],
    }),
  ]),
  chain(
    'averagePooling1d',
    [7, 3],
    [dense({ units: 3 }), averagePooling1d({ poolSize: 3, strides: 2, padding: 'same' })],
  ),
  chain('averagePooling2d', image, [
    dense({ units: 3 }),
    averagePooling2d({ poolSize: 3, strides: 1, padding: 'same' }),
  ]),
  chain('averagePooling3d', volume, [dense({ units: 3 }), averagePooling3d({ poolSize: [1, 2, 2] })]),
  chain(
    'globalMaxPooling1d',
    [5, 3],
    [masking(), dense({ units: 3 }), globalMaxPooling1d({ useMask: true })],
    { x: padded },
  ),
  chain('globalMaxPooling2d', image, [dense({ units: 3 }), globalMaxPooling2d({ keepDims: true })]),
  chain('globalMaxPooling3d', volume, [dense({ units: 3 }), globalMaxPooling3d()]),
  chain('globalAveragePooling1d', [5, 3], [masking(), dense({ units: 3 }), globalAveragePooling1d()], {
    x: padded,
  }),
  chain('globalAveragePooling2d', image, [dense({ units: 3 }), globalAveragePooling2d()]),
  chain('globalAveragePooling3d', volume, [dense({ units: 3 }), globalAveragePooling3d({ keepDims: true })]),
  chain('upSampling1d', steps, [dense({ units: 3 }), upSampling1d({ size: 3 })]),
  chain('upSampling2d', image, [
    dense({ units: 2 }),
    upSampling2d({ size: [2, 3], interpolation: 'bilinear' }),
    upSampling2d({ interpolation: 'bilinear', halfPixel: false }),
  ]),
  chain('upSampling3d', volume, [dense({ units: 3 }), upSampling3d({ interpolation: 'trilinear' })]),
  chain('resizing', image, [
    dense({ units: 3 }),
    resizing({ height: 4, width: 7 }),
    resizing({ height: 3, width: 3, interpolation: 'nearest', alignCorners: true }),
    resizing({ height: 5, width: 2, interpolation: 'nearest', halfPixel: false, cropToAspectRatio: true }),
  ]),
  chain('centerCrop', image, [
    dense({ units: 3 }),
    centerCrop({ height: 3, width: 4 }),
    centerCrop({ height: 6, width: 3 }),
  ]),
  chain('zeroPadding1d', steps, [dense({ units: 3 }), zeroPadding1d({ padding: [1, 2] })]),
  chain('zeroPadding2d', image, [
    dense({ units: 3 }),
    zeroPadding2d({
      padding: [
        [1, 0],
        [2, 1],
      ],
      value: 0.5,
    }),
  ]),
  chain('zeroPadding3d', volume, [dense({ units: 3 }), zeroPadding3d()]),
  chain('cropping1d', steps, [dense({ units: 3 }), cropping1d({ cropping: [1, 0] })]),
  chain('cropping2d', image, [
    dense({ units: 3 }),
    cropping2d({
      cropping: [
        [1, 0],
        [2, 1],
      ],
    }),
  ]),
  chain('cropping3d', volume, [dense({ units: 3 }), cropping3d({ cropping: [1, 1, 1] })]),
  chain('repeatVector', [3], [dense({ units: 3 }), repeatVector({ n: 4 }), dense({ units: 2 })]),
]

const normalizations = (): Case[] => [
  chain('batchNormalization', image, [
    batchNormalization({ momentum: 0.8, betaRegularizer: { l2: 0.1 } }),
    dense({ units: 3 }),
    batchNormalization({ momentum: 0.9, axis: [1, 3], scale: false, unbiasedRunningVar: true }),
  ]),
  chain(
    'layerNormalization',
    [3, 4],
    [layerNormalization(), dense({ units: 3 }), layerNormalization({ axis: [1, 2], center: false })],
  ),
  chain('rmsNormalization', [3, 4], [rmsNormalization(), dense({ units: 3 }), rmsNormalization({ axis: 1 })]),
  chain('groupNormalization', image, [
    dense({ units: 6 }),
    groupNormalization({ groups: 3 }),
    groupNormalization({ groups: -1 }),
  ]),
  chain('unitNormalization', [3, 4], [dense({ units: 4 }), unitNormalization({ axis: 1 })]),
  chain('rescaling', image, [rescaling({ scale: [1, 2, 3], offset: -0.5 }), dense({ units: 2 })]),
  chain(
    'normalization',
    [3, 2],
    [
      normalization({ mean: [1000.0001, 0], variance: [0.25, 0] }),
      normalization({ axis: [1, 2], mean: [1, 2, 3, 4, 5, 6], variance: 4 }),
      dense({ units: 2 }),
    ],
    { x: mapped(numbers(4, ROWS, 3, 2), (x, i) => (i % 2 === 0 ? 1000 + x : 1e-7 * x)) },
  ),
  chain(
    'categoryEncoding',
    [4],
    [categoryEncoding({ numTokens: 5, outputMode: 'count' }), dense({ units: 2 })],
    {
      x: ids(5, 5, ROWS, 4),
      dtype: 'int32',
    },
  ),
  chain(
    'categoryEncoding of one each',
    [4],
    [categoryEncoding({ numTokens: 5, outputMode: 'oneHot' }), dense({ units: 2 })],
    {
      x: ids(5, 5, ROWS, 4),
      dtype: 'int32',
    },
  ),
  chain(
    'spectralNormalization',
    [4],
    [spectralNormalization({ layer: dense({ units: 3 }), powerIterations: 2 })],
  ),
  chain('weightNormalization', image, [
    weightNormalization({ layer: conv2d({ filters: 3, kernelSize: 2 }) }),
  ]),
]

const recurrent = (): Case[] => [
  chain('simpleRnn', steps, [
    simpleRnn({ units: 4, activation: 'relu', returnSequences: true }),
    simpleRnn({ units: 3, activation: 'softsign' }),
  ]),
  chain('lstm', steps, [
    lstm({ units: 4, returnSequences: true, ...regular }),
    lstm({ units: 3, goBackwards: true }),
  ]),
  chain('lstm without bias', steps, [
    lstm({ units: 4, useBias: false, activation: 'relu', recurrentActivation: 'hardSigmoid' }),
  ]),
  chain(
    'lstm of masked steps',
    [5, 3],
    [masking(), lstm({ units: 4, returnSequences: true, goBackwards: true }), lstm({ units: 3 })],
    { x: padded },
  ),
  chain('gru', steps, [
    gru({ units: 4, returnSequences: true, biasInitializer: 'glorotUniform' }),
    gru({ units: 3 }),
  ]),
  chain('gru without bias', steps, [
    gru({ units: 4, useBias: false, goBackwards: true, returnSequences: true }),
  ]),
  chain('gru that resets before', steps, [
    gru({ units: 4, resetAfter: false, biasInitializer: 'randomUniform' }),
  ]),
  graph(
    'states',
    [
      [4, 3],
      [4, 3],
    ],
    (a, b) => {
      const [y, h, c] = lstm({ units: 3, returnState: true, returnSequences: true })(a) as never as Symbolic[]
      const z = lstm({ units: 3, returnSequences: true })(b, h, c)
      const [w, last] = gru({ units: 3, returnState: true })(z, h) as never as Symbolic[]
      return concatenate()(globalAveragePooling1d()(add()(y, z)), w, last)
    },
  ),
  chain('stateful', steps, [lstm({ units: 4, stateful: true, batchSize: ROWS }), dense({ units: 2 })], {
    isWhole: true,
  }),
  chain(
    'bidirectional',
    [5, 3],
    [
      masking(),
      bidirectional({ layer: lstm({ units: 3, returnSequences: true }) }),
      bidirectional({ layer: gru({ units: 3 }), mergeMode: 'ave' }),
    ],
    { x: padded },
  ),
  chain('bidirectional of two layers', steps, [
    bidirectional({
      layer: lstm({ units: 3, returnSequences: true }),
      backwardLayer: simpleRnn({ units: 3, returnSequences: true, goBackwards: true }),
      mergeMode: 'mul',
    }),
    bidirectional({ layer: simpleRnn({ units: 2 }), mergeMode: 'sum' }),
  ]),
  chain(
    'timeDistributed',
    [3, 4, 4, 2],
    [
      timeDistributed({ layer: conv2d({ filters: 3, kernelSize: 2 }) }),
      timeDistributed({ layer: flatten() }),
      timeDistributed({ layer: dense({ units: 2 }) }),
    ],
  ),
  chain(
    'convLstm1d',
    [3, 5, 2],
    [convLstm1d({ filters: 3, kernelSize: 3, returnSequences: true, padding: 'same' })],
  ),
  chain('convLstm2d', [3, 4, 4, 2], [convLstm2d({ filters: 2, kernelSize: 2 })]),
  chain('convLstm3d', [2, 3, 3, 3, 1], [convLstm3d({ filters: 2, kernelSize: 2, strides: 1 })]),
]

const attentions = (): Case[] => [
  chain(
    'multiHeadAttention',
    [5, 6],
    [
      masking(),
      multiHeadAttention({ numHeads: 2, keyDim: 4, valueDim: 3, outputDim: 4, causal: true, ...regular }),
      dense({ units: 2 }),
    ],
    {
      x: mapped(numbers(4, ROWS, 5, 6), (x, i) =>
        Math.floor(i / 6) % 5 >= 5 - (Math.floor(i / 30) % 3) ? 0 : x,
      ),
    },
  ),
  graph(
    'attention across',
    [
      [3, 4],
      [5, 4],
    ],
    (a, b) => multiHeadAttention({ numHeads: 2, keyDim: 2, rotary: rotaryEmbedding() })(a, b),
  ),
  chain(
    'groupedQueryAttention',
    [4, 6],
    [
      groupedQueryAttention({
        numQueryHeads: 4,
        numKeyValueHeads: 2,
        keyDim: 4,
        rotary: rotaryEmbedding({ interleaved: true, scalingFactor: 2 }),
      }),
    ],
  ),
  graph(
    'attention',
    [
      [3, 4],
      [5, 4],
    ],
    (a, b) => attention({ useScale: true, causal: true })(dense({ units: 4 })(a), b),
  ),
  graph(
    'attention of sums',
    [
      [3, 4],
      [5, 4],
    ],
    (a, b) => attention({ scoreMode: 'concat', useScale: true })(dense({ units: 4 })(a), b),
  ),
  graph(
    'additiveAttention',
    [
      [3, 4],
      [5, 4],
    ],
    (a, b) => additiveAttention()(dense({ units: 4 })(a), b),
  ),
  chain('rotaryEmbedding', [4, 6], [dense({ units: 6 }), rotaryEmbedding()]),
  chain(
    'a transformer',
    [6],
    [
      embedding({ inputDim: 9, outputDim: 8 }),
      positionEmbedding({ length: 8 }),
      block({ layers: [layerNormalization(), dense({ units: 8, activation: 'gelu' })] }),
      multiHeadAttention({ numHeads: 2, keyDim: 4, causal: true }),
      dense({ units: 9, activation: 'softmax' }),
    ],
    {
      x: ids(6, 9, ROWS, 6),
      dtype: 'int32',
      y: ([rows, steps]) => ids(7, 9, rows, steps),
      loss: 'sparseCategoricalCrossentropy',
      optimizer: optimizers.adam({ learningRate: 0.003 }),
    },
  ),
]

const noises = (): Case[] =>
  (
    [
      ['dropout', dropout({ rate: 0.3, noiseShape: [null, 1, null] })],
      ['spatialDropout1d', spatialDropout1d({ rate: 0.3 })],
      ['alphaDropout', alphaDropout({ rate: 0.3 })],
      ['gaussianDropout', gaussianDropout({ rate: 0.3 })],
      ['gaussianNoise', gaussianNoise({ stddev: 0.3 })],
      ['stochasticDepth', stochasticDepth({ rate: 0.3 })],
      ['lstm with dropout', lstm({ units: 3, dropout: 0.2, recurrentDropout: 0.2, returnSequences: true })],
    ] as const
  ).map(([name, layer]) =>
    chain(name, steps, [dense({ units: 3 }), layer, dense({ units: 2 })], { isRandom: true }),
  )

const channelNoises = (): Case[] => [
  chain('spatialDropout2d', image, [spatialDropout2d({ rate: 0.3 }), dense({ units: 2 })], {
    isRandom: true,
  }),
  chain('spatialDropout3d', volume, [spatialDropout3d({ rate: 0.3 }), dense({ units: 2 })], {
    isRandom: true,
  }),
]

// ---- training -------------------------------------------------------------------------------------

const shares = (fed: Fed, columns: number): Fed =>
  mapped(fed, (_, i) => {
    const row = fed.data.subarray(i - (i % columns), i - (i % columns) + columns)
    return (fed.data[i] + 1.5) / [...row].reduce((sum, x) => sum + x + 1.5, 0)
  })
const signs = (fed: Fed): Fed => mapped(fed, (x) => (x > 0 ? 1 : -1))
const hot = (fed: Fed, columns: number): Fed =>
  mapped(fed, (_, i) => (i % columns === Math.floor(i / columns) % columns ? 1 : 0))

const losses = (): Case[] => {
  const last = (
    name: string,
    act: string,
    loss: LossLike,
    y: (fed: Fed, columns: number) => Fed,
    more: More = {},
  ) =>
    chain(
      `loss ${name}`,
      [4],
      [dense({ units: 5, activation: 'tanh' }), dense({ units: 3, activation: act as 'relu' })],
      {
        loss,
        y: (shape) => y(numbers(5, ...shape), shape[shape.length - 1]),
        ...more,
      },
    )
  const labels = (fed: Fed): Fed => ids(4, 3, ...fed.shape.slice(0, -1))
  return [
    last('meanSquaredError', 'linear', 'mse', (y) => y, { weights: mapped(numbers(8, ROWS), (x) => x + 1) }),
    last('meanAbsoluteError', 'linear', 'mae', (y) => y),
    last('huber', 'linear', huber({ delta: 0.4 }), (y) => y),
    last('logCosh', 'linear', 'logCosh', (y) => mapped(y, (x) => 5 * x * x * x)),
    last('poisson', 'softplus', 'poisson', (y) => mapped(y, (x) => Math.round(2 * x + 2))),
    last('hinge', 'linear', 'hinge', signs),
    last('squaredHinge', 'tanh', 'squaredHinge', signs),
    last('binaryCrossentropy', 'sigmoid', binaryCrossentropy({ labelSmoothing: 0.1 }), (y) =>
      mapped(y, (x) => (x + 1) / 2),
    ),
    last('binaryCrossentropy of logits', 'linear', binaryCrossentropy({ fromLogits: true }), (y) =>
      mapped(y, (x) => (x > 0 ? 1 : 0)),
    ),
    last('binaryCrossentropy of shares', 'hardSigmoid', 'binaryCrossentropy', (y) =>
      mapped(y, (x) => (x > 0 ? 1 : 0)),
    ),
    last('categoricalCrossentropy', 'softmax', categoricalCrossentropy({ labelSmoothing: 0.1 }), hot),
    last(
      'categoricalCrossentropy of logits',
      'linear',
      categoricalCrossentropy({ fromLogits: true }),
      shares,
    ),
    chain(
      'loss categoricalCrossentropy of shares',
      [4],
      [dense({ units: 3, activation: 'softmax' }), rescaling({ scale: 1 })],
      {
        loss: 'categoricalCrossentropy',
        y: (shape) => shares(numbers(5, ...shape), 3),
      },
    ),
    last(
      'sparseCategoricalCrossentropy',
      'softmax',
      sparseCategoricalCrossentropy({ ignoreIndex: 1 }),
      labels,
    ),
    last(
      'sparseCategoricalCrossentropy of logits',
      'linear',
      sparseCategoricalCrossentropy({ fromLogits: true, labelSmoothing: 0.2 }),
      labels,
    ),
    last('klDivergence', 'softmax', 'klDivergence', shares),
    last('categoricalHinge', 'linear', 'categoricalHinge', hot),
    last('cosineSimilarity', 'linear', 'cosineSimilarity', (y) => y),
    last('a sum', 'linear', meanSquaredError({ reduction: 'sum' }), (y) => y, {
      optimizer: sgd({ learningRate: 0.003 }),
    }),
    last('of their own', 'linear', cubic, (y) => y),
    chain(
      'loss of reshaped probabilities',
      [4],
      [dense({ units: 6, activation: 'sigmoid' }), reshape({ targetShape: [2, 3] })],
      {
        loss: 'binaryCrossentropy',
        y: (shape) => mapped(numbers(5, ...shape), (x) => (x > 0 ? 1 : 0)),
      },
    ),
    chain(
      'loss of masked steps',
      [5, 3],
      [masking(), simpleRnn({ units: 3, returnSequences: true }), dense({ units: 4, activation: 'softmax' })],
      {
        x: padded,
        loss: sparseCategoricalCrossentropy({ ignoreIndex: 2 }),
        y: ([rows, steps]) => ids(4, 4, rows, steps),
        weights: mapped(numbers(8, ROWS, 5), (x) => x + 1),
      },
    ),
    chain('loss of masked sums', [5, 3], [masking(), dense({ units: 2 })], {
      x: padded,
      loss: meanSquaredError({ reduction: 'sum' }),
      optimizer: sgd({ learningRate: 0.003 }),
    }),
  ]
}

const schedules: Readonly<Record<string, Schedule>> = {
  stepDecay: stepDecay({ stepSize: 3, gamma: 0.7 }),
  multiStepDecay: multiStepDecay({ milestones: [2, 5, 9], gamma: 0.6 }),
  exponentialDecay: exponentialDecay({ gamma: 0.93 }),
  cosineDecay: cosineDecay({ steps: 18, minimum: 0.01 }),
  polynomialDecay: polynomialDecay({ steps: 15, power: 1.5, end: 0.01 }),
  linearWarmup: linearWarmup({ steps: 6, after: cosineDecay({ steps: 10 }) }),
  inverseTimeDecay: inverseTimeDecay({ decay: 0.2 }),
  inverseSqrtDecay: inverseSqrtDecay({ warmup: 5 }),
}

const training = (): Case[] => {
  const trained = (name: string, optimizer: Optimizer, more: More = {}) =>
    chain(name, [4], [dense({ units: 6, activation: 'tanh', ...regular }), dense({ units: 2, ...regular })], {
      optimizer,
      ...more,
    })
  const own = Object.entries(optimizers).map(([name, make]) =>
    trained(`optimizer ${name}`, make({ learningRate: 0.01 })),
  )
  const decaying = Object.entries(optimizers).map(([name, make]) =>
    trained(
      `decay of ${name}`,
      make({ learningRate: 0.01, weightDecay: 0.05, excludeFromWeightDecay: ['bias'] }),
    ),
  )
  const constrained = (name: string, constraint: ReturnType<typeof maxNorm>) =>
    chain(
      name,
      [4],
      [dense({ units: 6, activation: 'tanh', kernelConstraint: constraint }), dense({ units: 2 })],
    )
  return [
    ...own,
    ...decaying,
    trained('nesterov', sgd({ learningRate: 0.05, momentum: 0.8, nesterov: true })),
    trained('centered', optimizers.rmsprop({ learningRate: 0.005, centered: true, momentum: 0.7 })),
    trained('amsgrad', optimizers.adam({ learningRate: 0.01, amsgrad: true })),
    trained('momentumDecay', optimizers.nadam({ learningRate: 0.01, momentumDecay: 0.3 })),
    trained('rectified', optimizers.radam({ learningRate: 0.01, beta2: 0.7 })),
    trained('clipNorm', sgd({ learningRate: 0.1, clipNorm: 0.1 })),
    trained('clipValue', sgd({ learningRate: 0.1, clipValue: 0.05 })),
    trained('globalClipNorm', sgd({ learningRate: 0.1, globalClipNorm: 0.2 })),
    trained(
      'multipliers',
      optimizers.adamw({ learningRate: 0.01, learningRateMultipliers: { dense_1: 0.3, bias: 2 } }),
    ),
    trained(
      'moving average',
      sgd({ learningRate: 0.1, ema: movingAverage({ momentum: 0.7, overwriteFrequency: 4 }) }),
    ),
    trained('accumulation', optimizers.adam({ learningRate: 0.01, accumulation: accumulateGradients(3) })),
    ...Object.entries(schedules).map(([name, schedule]) =>
      trained(`schedule ${name}`, sgd({ learningRate: 0.1, schedule })),
    ),
    constrained('maxNorm', maxNorm({ maxValue: 0.6 })),
    constrained('unitNorm', unitNorm({ axis: 1 })),
    constrained('minMaxNorm', minMaxNorm({ minValue: 0.8, maxValue: 0.9, rate: 0.5, axis: [0, 1] })),
    constrained('nonNeg', nonNeg()),
    severalOutputs(),
    addedAlone(),
    accumulatedGroups(),
    adapted(),
    ...measured(),
    chain('a layer of their own', [4], [dense({ units: 3 }), scaled(), dense({ units: 2 })]),
  ]
}

/** Every metric, of rows, of ids and of logits. */
function measured(): Case[] {
  const ofRows = [
    ...[auc(), auc({ curve: 'PR', name: 'pr' }), binaryAccuracy({ threshold: 0.3 }), categoricalAccuracy()],
    ...[
      topKCategoricalAccuracy({ k: 2 }),
      precision({ threshold: 0.4 }),
      precision({ name: 'p1', topK: 1, classId: 1 }),
    ],
    ...[
      recall({ average: null, threshold: null }),
      f1Score({ average: 'weighted' }),
      r2Score(),
      perplexity(),
    ],
    ...[rootMeanSquaredError({ name: 'root' }), meanAbsolutePercentageError(), cosineSimilarityMetric()],
    ...['accuracy' as const, 'mae' as const, 'cosineSimilarity' as const, meanSquaredError()],
  ]
  const ofIds = [
    ...[
      sparseCategoricalAccuracy(),
      sparseTopKCategoricalAccuracy({ k: 2, name: 'top2' }),
      auc(),
      f1Score(),
      perplexity(),
    ],
    'accuracy' as const,
  ]
  const ofElements = [
    auc(),
    recall(),
    precision({ threshold: 0.7 }),
    binaryAccuracy(),
    'accuracy' as const,
    'bce' as const,
    'mse' as const,
  ]
  const weights = mapped(numbers(8, ROWS), (x) => x + 1)
  const of = (name: string, layers: Layer[], more: More) =>
    chain(`metrics of ${name}`, [5, 3], layers, { x: padded, ...more })
  const last = (act: string) => [masking(), dense({ units: 3, activation: act as 'relu' })]
  return [
    of('rows', last('softmax'), {
      ...{ loss: 'categoricalCrossentropy', metrics: ofRows, weightedMetrics: ofRows.slice(0, 14), weights },
      y: (shape) => hot(numbers(5, ...shape), 3),
    }),
    of('ids', last('softmax'), {
      ...{
        loss: sparseCategoricalCrossentropy({ ignoreIndex: 2 }),
        metrics: ofIds,
        weightedMetrics: ofIds,
        weights,
      },
      y: ([rows, steps]) => ids(4, 3, rows, steps),
    }),
    of('logits', [flatten(), dense({ units: 3 })], {
      ...{ loss: sparseCategoricalCrossentropy({ fromLogits: true }), metrics: ofIds },
      y: ([rows]) => ids(4, 3, rows),
    }),
    of('elements', [flatten(), dense({ units: 3 })], {
      ...{ loss: binaryCrossentropy({ fromLogits: true }), metrics: ofElements },
      y: (shape) => mapped(numbers(5, ...shape), (x) => (x > 0 ? 1 : 0)),
    }),
  ]
}

/** Two inputs and two outputs with losses of their own, and a term over both. */
function severalOutputs(): Case {
  const [a, b] = [input({ shape: [4], name: 'a' }), input({ shape: [3], name: 'b' })]
  const h = concatenate()(dense({ units: 3 })(a), b)
  const outputs = {
    size: dense({ units: 2, name: 'size' })(h),
    kind: dense({ units: 3, activation: 'softmax', name: 'kind' })(h),
  }
  const net = model({ inputs: { a, b }, outputs, seed: 2 })
  net.compile({
    optimizer: optimizers.adam({ learningRate: 0.01 }),
    loss: { size: 'mse', kind: 'sparseCategoricalCrossentropy' },
    lossWeights: { size: 0.5, kind: 2 },
    addedLosses: [apart],
  })
  const x = [numbers(1, ROWS, 4), numbers(2, ROWS, 3)]
  const names = { x: ['a', 'b'], y: ['size', 'kind'] }
  return { name: 'several outputs', net: net as never, x, y: [numbers(3, ROWS, 2), ids(4, 3, ROWS)], names }
}

/** A term over the network is all there is to train by. */
function addedAlone(): Case {
  const x = input({ shape: [4] })
  const outputs = { size: dense({ units: 2, activation: 'tanh', name: 'size' })(x) }
  const net = model({ inputs: x, outputs, seed: 2 })
  net.compile({ optimizer: sgd({ learningRate: 0.05 }), loss: {}, addedLosses: [apart] })
  return {
    name: 'added losses alone',
    net: net as never,
    x: [numbers(1, ROWS, 4)],
    y: [],
  }
}

/** Losses that are averaged in three ways, their gradients accumulated apart. */
function accumulatedGroups(): Case {
  const x = input({ shape: [4] })
  const h = dense({ units: 5, activation: 'tanh', ...regular })(x)
  const outputs = [
    dense({ units: 2 })(h),
    dense({ units: 3, activation: 'softmax' })(h),
    dense({ units: 1 })(h),
  ]
  const net = model({ inputs: x, outputs, seed: 2 })
  net.compile({
    optimizer: sgd({ learningRate: 0.05, accumulation: accumulateGradients(4), globalClipNorm: 0.4 }),
    loss: ['mse', sparseCategoricalCrossentropy({ ignoreIndex: 0 }), meanSquaredError({ reduction: 'sum' })],
  })
  const y = [numbers(3, ROWS, 2), ids(4, 3, ROWS), numbers(5, ROWS, 1)]
  return { name: 'accumulated groups', net: net as never, x: [numbers(1, ROWS, 4)], y }
}

function adapted(): Case {
  const base = sequential({
    inputShape: [5, 4],
    layers: [multiHeadAttention({ numHeads: 2, keyDim: 2 }), dense({ units: 3 })],
    seed: 2,
  })
  const net = lora(base, { rank: 2 })
  net.compile({ optimizer: optimizers.adam({ learningRate: 0.01 }), loss: 'mse' })
  return { name: 'adapted', net: net as never, x: [numbers(1, ROWS, 5, 4)], y: [numbers(2, ROWS, 5, 3)] }
}

export const cases = (): Case[] => [
  ...core(),
  ...activations(),
  ...convolutions(),
  ...cells(),
  ...normalizations(),
  ...recurrent(),
  ...attentions(),
  ...noises(),
  ...channelNoises(),
  ...losses(),
  ...training(),
]
