// Nets for the tests of ONNX files: each kind of layer, as itself and in the forms in which exporters fail.
import * as L from '../../src/index.ts'

type Net = () => L.Model
const one =
  (inputShape: readonly number[], ...layers: L.Layer[]): Net =>
  () =>
    L.sequential({ inputShape, layers })
const ids =
  (inputShape: readonly number[], ...layers: L.Layer[]): Net =>
  () => {
    const x = L.input({ shape: inputShape, dtype: 'int32' })
    return L.model({ inputs: x, outputs: layers.reduce((value, layer) => layer(value), x) })
  }
const pair =
  (a: readonly number[], b: readonly number[], layer: L.Layer): Net =>
  () => {
    const inputs = [L.input({ shape: a, name: 'a' }), L.input({ shape: b, name: 'b' })]
    return L.model({ inputs, outputs: layer(inputs) })
  }
const attended =
  (layer: L.Layer, channels = 6): Net =>
  () => {
    const query = L.input({ shape: [4, channels], name: 'query' })
    const value = L.input({ shape: [5, channels], name: 'value' })
    return L.model({ inputs: [query, value], outputs: layer([query, value]) })
  }

const activations = [
  ...[
    'relu',
    'relu6',
    'leakyRelu',
    'elu',
    'celu',
    'selu',
    'gelu',
    'geluTanh',
    'silu',
    'sigmoid',
    'logSigmoid',
  ],
  ...[
    'tanh',
    'softplus',
    'softsign',
    'hardSigmoid',
    'hardSwish',
    'hardTanh',
    'mish',
    'exponential',
    'square',
  ],
  ...['softmax', 'logSoftmax', 'linear'],
] as L.ActivationName[]

const scaled = L.customLayer({
  kind: 'scaledDifference',
  build({ g, weight }, [x]) {
    const [, steps, channels] = x.shape
    const gain = weight('gain', [channels], { initializer: 'ones' })
    const mean = g.mean(x, [1], true)
    const largest = g.reduce('max', x, [1, 2], { keepDims: true })
    const turned = g.permute(g.minus(x, mean), [0, 2, 1])
    const rows = g.reshape(g.times(g.permute(turned, [0, 2, 1]), gain), [x.shape[0] * steps, channels])
    const mixed = g.matmul(rows, weight('mix', [channels, channels]), { transposeB: true })
    const y = g.reshape(mixed, x.shape)
    const parts = [g.slice(y, 2, 0, 1), g.binary('greater', g.slice(y, 2, 1, channels - 1), 0.1)]
    return g.plus(g.concatenate(parts, 2), g.binary('divide', largest, g.plus(g.unary('abs', x), 2)))
  },
})

/** Squeeze and excite: what is pooled comes back and multiplies the image. */
function excited() {
  const x = L.input({ shape: [8, 8, 3] })
  const image = L.conv2d({ filters: 6, kernelSize: 3, padding: 'same', activation: 'silu' })(x)
  const pooled = L.globalAveragePooling2d({ keepDims: true })(image)
  const share = L.conv2d({ filters: 6, kernelSize: 1, activation: 'sigmoid' })(
    L.conv2d({ filters: 2, kernelSize: 1, activation: 'relu' })(pooled),
  )
  const y = L.conv2d({ filters: 4, kernelSize: 1 })(L.multiply()(image, share))
  return L.model({ inputs: x, outputs: L.globalMaxPooling2d()(y) })
}

function mobile() {
  const x = L.input({ shape: [16, 16, 3] })
  let y = L.rescaling({ scale: 2, offset: -1 })(x)
  y = L.conv2d({ filters: 8, kernelSize: 3, strides: 2, padding: 'same', useBias: false })(y)
  y = L.activation({ activation: 'relu6' })(L.batchNormalization()(y))
  for (const strides of [1, 2, 1]) {
    let z = L.conv2d({ filters: 16, kernelSize: 1, useBias: false })(y)
    z = L.activation({ activation: 'relu6' })(L.batchNormalization()(z))
    if (strides === 2)
      z = L.zeroPadding2d({
        padding: [
          [0, 1],
          [0, 1],
        ],
      })(z)
    const padding = strides === 2 ? 'valid' : 'same'
    z = L.depthwiseConv2d({ kernelSize: 3, strides, padding, useBias: false })(z)
    z = L.activation({ activation: 'relu6' })(L.batchNormalization()(z))
    z = L.batchNormalization()(L.conv2d({ filters: 8, kernelSize: 1, useBias: false })(z))
    y = strides === 1 ? L.add()(y, z) : z
  }
  y = L.concatenate()(y, L.averagePooling2d({ poolSize: 3, strides: 1, padding: 'same' })(y))
  return L.model({
    inputs: x,
    outputs: L.dense({ units: 5, activation: 'softmax' })(L.globalAveragePooling2d()(y)),
  })
}

function transformer() {
  const x = L.input({ shape: [6], dtype: 'int32' })
  let y = L.positionEmbedding()(L.embedding({ inputDim: 9, outputDim: 8 })(x))
  for (let i = 0; i < 2; i++) {
    const attention = L.multiHeadAttention({ numHeads: 2, keyDim: 4, causal: true })
    y = L.add()(y, attention(L.layerNormalization()(y)))
    const wide = L.dense({ units: 16, activation: 'gelu' })(L.layerNormalization()(y))
    y = L.add()(y, L.dense({ units: 8 })(wide))
  }
  const tied = L.embedding({ inputDim: 9, outputDim: 8, name: 'tokens' })
  const shared = L.dense({ units: 9, tiedTo: tied, useBias: false })(L.add()(y, tied(x)))
  return L.model({ inputs: x, outputs: shared })
}

function nested() {
  const inner = L.sequential({
    inputShape: [4],
    name: 'inner',
    layers: [L.dense({ units: 4, activation: 'tanh' })],
  })
  const [a, c] = [L.input({ shape: [4], name: 'a' }), L.input({ shape: [4], name: 'c' })]
  const both = L.subtract()(inner(a), inner(c))
  return L.model({
    inputs: { a, c },
    outputs: { first: L.dense({ units: 2 })(both), again: both, second: both },
  })
}

function states() {
  const x = L.input({ shape: [5, 3] })
  const [y, h, c] = L.lstm({ units: 4, returnSequences: true, returnState: true })(x)
  const [z, state] = L.gru({ units: 4, returnState: true })(y, h)
  return L.model({ inputs: x, outputs: [z, state, c, L.lstm({ units: 4, goBackwards: true })(y, h, c)] })
}

/** The nets of the bench. */
function benchTransformer() {
  const x = L.input({ shape: [64], dtype: 'int32' })
  let y = L.positionEmbedding()(L.embedding({ inputDim: 65, outputDim: 128 })(x))
  const block = [L.dense({ units: 512, activation: 'gelu' }), L.dense({ units: 128 })]
  const attention = L.multiHeadAttention({ numHeads: 4, keyDim: 32, causal: true })
  y = L.add()(y, attention(L.layerNormalization({ epsilon: 1e-5 })(y)))
  y = L.add()(y, L.block({ layers: block })(L.layerNormalization({ epsilon: 1e-5 })(y)))
  return L.model({ inputs: x, outputs: L.dense({ units: 65 })(L.layerNormalization()(y)) })
}
const relu = { filters: 16, kernelSize: 3, activation: 'relu' } as const
const bench: Readonly<Record<string, Net>> = {
  '784-512-512-10': one(
    [784],
    ...[512, 512].map((units) => L.dense({ units, activation: 'relu' })),
    L.dense({ units: 10 }),
  ),
  '2-8-1': one([2], L.dense({ units: 8, activation: 'tanh' }), L.dense({ units: 1 })),
  'conv-16-32-10': one(
    [28, 28, 1],
    L.conv2d(relu),
    L.maxPooling2d(),
    L.conv2d({ ...relu, filters: 32 }),
    L.maxPooling2d(),
    L.flatten(),
    L.dense({ units: 10 }),
  ),
  'lstm-128-10': one([32, 28], L.lstm({ units: 128 }), L.dense({ units: 10 })),
  'transformer-1': benchTransformer,
}

const half = { filters: 4, kernelSize: 3 }
const masked = (layer: L.Layer): Net =>
  ids([6], L.embedding({ inputDim: 5, outputDim: 3, maskZero: true }), layer)

/** By kind of layer, or what it is about. */
export const nets: Readonly<Record<string, Net>> = {
  dense: one([5], L.dense({ units: 4, activation: 'relu' }), L.dense({ units: 3 })),
  'dense of three axes': one([3, 5], L.dense({ units: 4 })),
  'dense of an image': one([4, 3, 5], L.dense({ units: 4, activation: 'softmax' })),
  ...Object.fromEntries(
    activations.map((activation) => [`activation ${activation}`, one([7], L.activation({ activation }))]),
  ),
  'activation with alpha': one(
    [7],
    L.activation({ activation: { name: 'elu', alpha: 0.3 } }),
    L.activation({ activation: { name: 'hardSigmoid', alpha: 0.2 } }),
    L.activation({ activation: { name: 'celu', alpha: 2 } }),
  ),
  prelu: one([4, 4, 3], L.conv2d(half), L.prelu()),
  relu: one(
    [7],
    L.relu({ maxValue: 0.8, negativeSlope: 0.1, threshold: 0.2 }),
    L.relu({ negativeSlope: 0.3 }),
  ),
  softmax: one([4, 5, 3], L.softmax({ axis: [1, 2] }), L.softmax({ axis: 1 })),
  flatten: one([4, 5, 3], L.conv2d(half), L.flatten(), L.dense({ units: 2 })),
  reshape: one([4, 6], L.reshape({ targetShape: [2, 3, 4] }), L.reshape({ targetShape: [24] })),
  permute: one([4, 6, 2], L.permute({ dims: [3, 1, 2] })),
  add: pair([4, 3], [4, 3], L.add()),
  'add of other shapes': pair([4, 2, 3], [3], L.add()),
  subtract: pair([4, 3], [4, 3], L.subtract()),
  multiply: pair([4, 2, 3], [1, 1, 3], L.multiply()),
  average: pair([4, 3], [4, 3], L.average()),
  maximum: pair([4, 3], [4, 1], L.maximum()),
  minimum: pair([4, 3], [4, 3], L.minimum()),
  concatenate: pair([4, 3], [4, 2], L.concatenate()),
  'concatenate steps': pair([4, 3], [2, 3], L.concatenate({ axis: 1 })),
  dot: pair([4, 3], [3, 5], L.dot({ axes: [2, 1] })),
  'dot of cosines': pair([4, 3], [5, 3], L.dot({ axes: 2, normalize: true })),
  batchNormalization: one(
    [4, 4, 3],
    L.conv2d(half),
    L.batchNormalization(),
    L.batchNormalization({ scale: false }),
  ),
  'batchNormalization of rows': one([5], L.batchNormalization({ center: false }), L.dense({ units: 3 })),
  layerNormalization: one(
    [4, 6],
    L.layerNormalization(),
    L.layerNormalization({ scale: false, center: false }),
  ),
  rmsNormalization: one([4, 6], L.rmsNormalization()),
  groupNormalization: one(
    [4, 4, 6],
    L.conv2d({ filters: 6, kernelSize: 3 }),
    L.groupNormalization({ groups: 3 }),
    L.groupNormalization({ groups: -1, scale: false }),
  ),
  unitNormalization: one([4, 6], L.unitNormalization()),
  dropout: one([6], L.dense({ units: 4 }), L.dropout({ rate: 0.5 })),
  noise: one(
    [6, 4],
    L.alphaDropout({ rate: 0.5 }),
    L.gaussianDropout({ rate: 0.5 }),
    L.gaussianNoise({ stddev: 1 }),
    L.spatialDropout1d({ rate: 0.5 }),
    L.stochasticDepth({ rate: 0.5 }),
  ),
  spatialDropout2d: one([4, 4, 2], L.spatialDropout2d({ rate: 0.5 }), L.flatten()),
  spatialDropout3d: one([2, 4, 4, 2], L.spatialDropout3d({ rate: 0.5 }), L.flatten()),
  rescaling: one([4, 4, 3], L.rescaling({ scale: [1, 2, 3], offset: 0.5 })),
  'rescaling of integers': ids([4], L.rescaling({ scale: 0.25, offset: -1 }), L.dense({ units: 2 })),
  normalization: one([4, 3], L.normalization({ mean: [0.1, 0.2, 0.3], variance: [1, 2, 3] })),
  categoryEncoding: ids([4], L.categoryEncoding({ numTokens: 5 })),
  'categoryEncoding count': ids([4], L.categoryEncoding({ numTokens: 5, outputMode: 'count' })),
  'categoryEncoding oneHot': ids([4], L.categoryEncoding({ numTokens: 5, outputMode: 'oneHot' })),
  conv1d: one(
    [9, 4],
    L.conv1d({ ...half, padding: 'causal', dilationRate: 2 }),
    L.conv1d({ ...half, strides: 2, groups: 2, padding: 'same' }),
    L.conv1d({ filters: 3, kernelSize: 1 }),
  ),
  conv2d: one(
    [9, 8, 3],
    L.conv2d({ ...half, strides: 2, padding: 'same' }),
    L.conv2d({
      ...half,
      padding: [
        [1, 2],
        [0, 2],
      ],
      activation: 'relu',
    }),
  ),
  'conv2d of a row': one([1, 9, 3], L.conv2d({ filters: 4, kernelSize: [1, 3] })),
  conv3d: one([5, 6, 7, 2], L.conv3d({ ...half, padding: 'same', strides: [1, 2, 1] })),
  conv1dTranspose: one([5, 3], L.conv1dTranspose({ ...half, strides: 2, padding: 'same' })),
  conv2dTranspose: one(
    [5, 4, 3],
    L.conv2dTranspose({ ...half, strides: 2, padding: 'same' }),
    L.conv2dTranspose({ filters: 2, kernelSize: 2, strides: 3 }),
  ),
  conv3dTranspose: one([3, 4, 2, 2], L.conv3dTranspose({ ...half, strides: 2 })),
  depthwiseConv1d: one([9, 3], L.depthwiseConv1d({ kernelSize: 3, padding: 'same' })),
  depthwiseConv2d: one(
    [8, 8, 3],
    L.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, strides: 2, padding: 'same' }),
  ),
  separableConv1d: one([9, 3], L.separableConv1d(half)),
  separableConv2d: one(
    [8, 8, 3],
    L.separableConv2d({ ...half, activation: 'relu' }),
    L.separableConv2d(half),
  ),
  maxPooling1d: one([9, 3], L.maxPooling1d({ poolSize: 3, strides: 2, padding: 'same' })),
  maxPooling2d: one(
    [9, 8, 3],
    L.conv2d({ ...half, activation: 'relu' }),
    L.maxPooling2d(),
    L.maxPooling2d({
      poolSize: 3,
      strides: 1,
      padding: [
        [1, 1],
        [0, 1],
      ],
    }),
  ),
  maxPooling3d: one([5, 6, 7, 2], L.maxPooling3d({ padding: 'same' })),
  averagePooling1d: one([9, 3], L.averagePooling1d({ poolSize: 3, strides: 2, padding: 'same' })),
  averagePooling2d: one([9, 8, 3], L.averagePooling2d({ padding: 'same' })),
  averagePooling3d: one([5, 6, 7, 2], L.averagePooling3d({ poolSize: 3, strides: 2 })),
  globalAveragePooling1d: one([9, 3], L.globalAveragePooling1d()),
  globalAveragePooling2d: one(
    [9, 8, 3],
    L.conv2d(half),
    L.globalAveragePooling2d({ keepDims: true }),
    L.flatten(),
  ),
  globalAveragePooling3d: one([5, 6, 7, 2], L.globalAveragePooling3d()),
  globalMaxPooling1d: one([9, 3], L.globalMaxPooling1d()),
  globalMaxPooling2d: one([9, 8, 3], L.globalMaxPooling2d()),
  globalMaxPooling3d: one([5, 6, 7, 2], L.globalMaxPooling3d()),
  zeroPadding1d: one([4, 3], L.zeroPadding1d({ padding: [1, 2] })),
  zeroPadding2d: one(
    [4, 5, 3],
    L.conv2d(half),
    L.zeroPadding2d({
      padding: [
        [1, 2],
        [0, 3],
      ],
    }),
  ),
  zeroPadding3d: one([3, 4, 5, 2], L.zeroPadding3d()),
  cropping1d: one([6, 3], L.cropping1d({ cropping: [1, 2] })),
  cropping2d: one(
    [6, 7, 3],
    L.conv2d(half),
    L.cropping2d({
      cropping: [
        [1, 0],
        [0, 2],
      ],
    }),
  ),
  cropping3d: one([4, 5, 6, 2], L.cropping3d()),
  centerCrop: one([6, 7, 3], L.centerCrop({ height: 3, width: 4 })),
  upSampling1d: one([4, 3], L.upSampling1d({ size: 3 })),
  upSampling2d: one([4, 5, 3], L.conv2d(half), L.upSampling2d({ size: [2, 3] })),
  'upSampling2d bilinear': one([4, 5, 3], L.upSampling2d({ interpolation: 'bilinear' })),
  upSampling3d: one([2, 3, 4, 2], L.upSampling3d()),
  resizing: one([4, 5, 3], L.resizing({ height: 7, width: 3 })),
  'resizing nearest': one([4, 5, 3], L.resizing({ height: 7, width: 3, interpolation: 'nearest' })),
  'resizing by corners': one(
    [4, 5, 3],
    L.resizing({ height: 7, width: 3, alignCorners: true, halfPixel: false }),
  ),
  repeatVector: one([4], L.repeatVector({ n: 3 })),
  simpleRnn: one(
    [5, 3],
    L.simpleRnn({ units: 4, returnSequences: true }),
    L.simpleRnn({ units: 4, activation: 'linear' }),
  ),
  'simpleRnn of relu': one([5, 3], L.simpleRnn({ units: 4, activation: 'relu', useBias: false })),
  lstm: one([5, 3], L.lstm({ units: 4, returnSequences: true }), L.lstm({ units: 3, goBackwards: true })),
  'lstm of hardSigmoid': one(
    [5, 3],
    L.lstm({ units: 4, recurrentActivation: { name: 'hardSigmoid', alpha: 0.2 } }),
  ),
  'lstm with states': states,
  gru: one([5, 3], L.gru({ units: 4, returnSequences: true }), L.gru({ units: 3, resetAfter: false })),
  'gru without bias': one(
    [5, 3],
    L.gru({ units: 4, useBias: false, goBackwards: true, returnSequences: true }),
  ),
  convLstm1d: one([3, 5, 2], L.convLstm1d({ filters: 3, kernelSize: 3, padding: 'same' })),
  convLstm2d: one(
    [3, 5, 4, 2],
    L.convLstm2d({ filters: 3, kernelSize: 3, padding: 'same', returnSequences: true }),
  ),
  convLstm3d: one([2, 3, 4, 3, 2], L.convLstm3d({ filters: 2, kernelSize: 2, padding: 'same' })),
  bidirectional: one(
    [5, 3],
    L.bidirectional({ layer: L.lstm({ units: 4, returnSequences: true }) }),
    L.bidirectional({ layer: L.gru({ units: 3 }), mergeMode: 'ave' }),
  ),
  timeDistributed: one([3, 6, 5, 2], L.timeDistributed({ layer: L.conv2d(half) })),
  masking: one(
    [6, 3],
    L.masking({ maskValue: 0.5 }),
    L.lstm({ units: 4, returnSequences: true }),
    L.gru({ units: 3 }),
  ),
  'masked lstm': masked(L.lstm({ units: 4 })),
  'masked gru': masked(L.bidirectional({ layer: L.gru({ units: 4, returnSequences: true }) })),
  'masked simpleRnn': masked(L.simpleRnn({ units: 4, goBackwards: true })),
  'masked mean': masked(L.globalAveragePooling1d()),
  'masked attention': masked(L.multiHeadAttention({ numHeads: 2, keyDim: 2, causal: true })),
  block: one(
    [6],
    L.block({ layers: [L.dense({ units: 4, activation: 'relu' }), L.dense({ units: 6 })], recompute: true }),
  ),
  embedding: ids([4], L.embedding({ inputDim: 5, outputDim: 3 })),
  positionEmbedding: one([4, 3], L.positionEmbedding({ length: 6 })),
  multiHeadAttention: one([4, 6], L.multiHeadAttention({ numHeads: 2, keyDim: 3, rotary: null })),
  'multiHeadAttention of others': attended(
    L.multiHeadAttention({ numHeads: 2, keyDim: 4, valueDim: 3, outputDim: 5, rotary: L.rotaryEmbedding() }),
  ),
  groupedQueryAttention: one(
    [4, 6],
    L.groupedQueryAttention({ numQueryHeads: 4, numKeyValueHeads: 2, keyDim: 3, causal: true }),
  ),
  attention: attended(L.attention({ useScale: true, causal: true })),
  'attention by concat': attended(L.attention({ scoreMode: 'concat' })),
  additiveAttention: attended(L.additiveAttention()),
  rotaryEmbedding: one([5, 6], L.rotaryEmbedding(), L.rotaryEmbedding({ interleaved: true })),
  einsumDense: one(
    [4, 6],
    L.einsumDense({
      equation: 'abc,cde->abde',
      outputShape: [null, 2, 3],
      biasAxes: 'de',
      activation: 'tanh',
    }),
  ),
  spectralNormalization: one([6], L.spectralNormalization({ layer: L.dense({ units: 4 }) })),
  weightNormalization: one([6, 5, 3], L.weightNormalization({ layer: L.conv2d(half) }), L.flatten()),
  'weightNormalization of lstm': one([5, 3], L.weightNormalization({ layer: L.lstm({ units: 4 }) })),
  adapted: () => L.lora(one([6], L.dense({ units: 4, name: 'a' }), L.dense({ units: 3 }))()),
  'a layer of its own': one([5, 4], scaled()),
  operations: one(
    [4, 3],
    L.operations({
      steps: [
        { op: 'unary', inputs: [0], fn: 'tanh' },
        { op: 'reduce', inputs: [1], fn: 'mean', axes: [1], keepDims: true },
        { op: 'binary', inputs: [1, 2], fn: 'subtract' },
        { op: 'pad', inputs: [3], axis: 1, before: 1, after: 0 },
        { op: 'reshape', inputs: [4], shape: [-1, 15] },
      ],
    }),
  ),
  'models within models': nested,
  excited,
  mobile,
  transformer,
  ...bench,
}
