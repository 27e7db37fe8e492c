// Nets of one kind of layer each, with options drawn from a seed: what goes through the makers' files must come back whole, or be
// refused by name.
import * as L from '../../src/index.ts'
import { layerKinds } from '../../src/layers/kinds.ts'
import { numbersFrom } from '../support/mutated.ts'

/** Draws of a seed. */
class Draws {
  private readonly below: (n: number) => number
  constructor(seed: number) {
    this.below = numbersFrom(seed)
    for (let i = 0; i < 5; i++) this.below(2) // seeds that are alike begin alike
  }
  int = (from: number, to: number): number => from + this.below(to - from + 1)
  is = (): boolean => this.below(2) === 0
  rarely = (): boolean => this.below(5) === 0
  of = <T>(...list: readonly T[]): T => list[this.below(list.length)]
  /** An option that is given at times. */
  maybe = <T extends object>(make: () => T): Partial<T> => (this.is() ? make() : {})
  real = (): number => this.below(4096) / 2048 - 1
  reals = (count: number): number[] => Array.from({ length: count }, this.real)

  activation = (): L.Activation =>
    this.rarely()
      ? this.of<L.Activation>(
          { name: 'leakyRelu', alpha: this.of(0.2, 0.05) },
          { name: 'elu', alpha: this.of(1, 0.5) },
          { name: 'celu', alpha: this.of(1, 2) },
          { name: 'hardSigmoid', alpha: this.of(0, 0.2) },
        )
      : this.of(...NAMES)

  /** Options of a weight. */
  weight = (name: string, isConstrained = true): object => ({
    ...(this.rarely() && {
      [`${name}Regularizer`]: this.of<object>({ l2: 0.01 }, { l1: 0.01 }, { l1: 0.01, l2: 0.03 }),
    }),
    ...(isConstrained &&
      this.rarely() && {
        [`${name}Constraint`]: this.of<object>(
          L.maxNorm({ maxValue: 0.9 }),
          L.nonNeg(),
          L.unitNorm({ axis: 0 }),
          L.minMaxNorm({ minValue: 0.2, maxValue: 0.7, rate: 0.5 }),
        ),
      }),
    ...(this.rarely() && { [`${name}Initializer`]: this.of<unknown>(L.heNormal(), 'zeros', 'lecunUniform') }),
  })

  kernelAndBias = (): object => {
    const useBias = this.of(true, true, false)
    return { useBias, ...this.weight('kernel'), ...(useBias && this.weight('bias', false)) }
  }
  trainable = (): object => (this.rarely() ? { trainable: false } : {})
}

const NAMES = [
  'relu',
  'relu6',
  'selu',
  'gelu',
  'geluTanh',
  'silu',
  'sigmoid',
  'logSigmoid',
  'tanh',
  'softplus',
  'softsign',
  'softmax',
  'logSoftmax',
  'hardSwish',
  'hardTanh',
  'mish',
  'exponential',
  'linear',
] as const

type Net = L.Model<L.Values>
const plain = (net: unknown) => net as Net

/** One input through some layers. */
const chain = (shape: readonly (number | null)[], ...layers: readonly unknown[]): Net =>
  plain(L.sequential({ inputShape: shape as number[], layers: layers as L.Layer[] }))

const spatial = (d: Draws, axes: number): number[] => Array.from({ length: axes }, () => d.int(5, 7))

/** Padding by name or in numbers. */
const padding = (d: Draws, axes: number, ...more: readonly string[]): unknown =>
  d.rarely() ? Array.from({ length: axes }, () => [d.int(0, 1), d.int(0, 1)]) : d.of('valid', 'same', ...more)

/** A stride, or a dilation beside a stride of 1. */
const steps = (d: Draws): object => d.of<object>({}, { strides: 2 }, { dilationRate: 2 })

type Make = (options: never) => unknown
const call = (make: unknown, options: object): unknown => (make as (options: object) => unknown)(options)

function convolution(d: Draws, axes: number, make: Make): Net {
  const groups = d.rarely() ? 2 : 1
  const options = {
    filters: 4,
    kernelSize: d.int(1, 3),
    padding: padding(d, axes, ...(axes === 1 ? ['causal'] : [])),
    ...steps(d),
    ...(groups > 1 && { groups }),
    activation: d.activation(),
    ...d.kernelAndBias(),
    ...d.trainable(),
  }
  return chain([...spatial(d, axes), 2], call(make, options))
}

function transposed(d: Draws, axes: number, make: Make): Net {
  const strides = d.int(1, 2)
  const options = {
    filters: 3,
    kernelSize: d.int(strides, 3),
    padding: d.of('valid', 'same'),
    strides,
    ...(strides > 1 && d.rarely() && { outputPadding: 1 }),
    ...d.kernelAndBias(),
  }
  return chain([...spatial(d, axes), 2], call(make, options))
}

function depthwise(d: Draws, axes: number, make: Make): Net {
  const own = { kernelSize: 2, padding: d.of('valid', 'same'), depthMultiplier: d.int(1, 2), useBias: d.is() }
  return chain(
    [...spatial(d, axes), 3],
    call(make, { ...own, ...steps(d), activation: d.activation(), ...d.weight('depthwise') }),
  )
}

function separable(d: Draws, axes: number, make: Make): Net {
  const own = { filters: 3, kernelSize: 2, padding: d.of('valid', 'same'), depthMultiplier: d.int(1, 2) }
  return chain(
    [...spatial(d, axes), 3],
    call(make, { ...own, useBias: d.is(), ...d.weight('depthwise'), ...d.weight('pointwise') }),
  )
}

const pooling = (d: Draws, axes: number, make: Make): Net =>
  chain(
    [...spatial(d, axes), 2],
    call(make, {
      poolSize: d.int(2, 3),
      ...d.maybe(() => ({ strides: d.int(1, 2) })),
      padding: padding(d, axes),
    }),
  )

const globalPooling = (d: Draws, axes: number, make: Make): Net =>
  chain([...spatial(d, axes), 3], call(make, { keepDims: d.is() }))

/** The outputs of layers that may give their states as well. */
function sequence(d: Draws, shape: readonly number[], make: Make, options: object): Net {
  const returnState = d.rarely()
  const x = L.input({ shape: shape as number[] })
  const read = d.is() ? L.masking()(x) : x
  const y = (call(make, { ...options, returnState }) as (x: L.Symbolic) => L.Values)(read)
  return plain(L.model({ inputs: x, outputs: y }))
}

const recurrentOptions = (d: Draws): object => ({
  returnSequences: d.is(),
  goBackwards: d.rarely(),
  ...(d.rarely() && { activation: d.of('relu', 'softsign', 'tanh') }),
  ...d.kernelAndBias(),
  ...d.weight('recurrent'),
})
const gatesOf = (d: Draws): object =>
  d.rarely()
    ? { recurrentActivation: d.of<L.Activation>('hardSigmoid', { name: 'hardSigmoid', alpha: 0.2 }) }
    : {}

function convLstm(d: Draws, axes: number, make: Make): Net {
  const own = { filters: 2, kernelSize: 2, padding: d.of('valid', 'same'), ...gatesOf(d) }
  return sequence(d, [3, ...new Array(axes).fill(4), 2], make, {
    ...own,
    returnSequences: d.is(),
    ...d.kernelAndBias(),
    unitForgetBias: d.is(),
  })
}

/** Attention of one to three values. */
function attended(d: Draws, layer: unknown, least = 1): Net {
  const [q, v, k] = [
    L.input({ shape: [4, 6], name: 'q' }),
    L.input({ shape: [5, 6], name: 'v' }),
    L.input({ shape: [5, 6], name: 'k' }),
  ]
  const inputs = [q, v, k].slice(0, d.int(least, 3))
  const outputs = (layer as (...values: L.Symbolic[]) => L.Symbolic)(...inputs)
  return plain(L.model({ inputs: inputs.length === 1 ? inputs[0] : inputs, outputs }))
}

const heads = (d: Draws, isPlain: boolean): object => ({
  keyDim: 4,
  ...(isPlain && d.rarely() && { valueDim: 3 }),
  ...(isPlain && d.rarely() && { outputDim: 5 }),
  causal: d.is(),
  ...(d.rarely() && { rotary: L.rotaryEmbedding() }),
  ...d.kernelAndBias(),
})

/** Several values of shapes that fit each other. */
function merged(d: Draws, layer: unknown, shapes: readonly (readonly number[])[]): Net {
  const inputs = shapes.map((shape, i) => L.input({ shape: shape as number[], name: `x${i}` }))
  const outputs = (layer as (...values: L.Symbolic[]) => L.Symbolic)(...inputs)
  return plain(
    L.model({ inputs: d.is() ? inputs : Object.fromEntries(inputs.map((x, i) => [`x${i}`, x])), outputs }),
  )
}
const alike = (d: Draws): number[][] => [[3, 4], [3, 4], ...(d.is() ? [d.of([3, 4], [1, 4], [3, 1])] : [])]

const normalized = (d: Draws, make: Make, ...axes: readonly unknown[]): Net =>
  chain(
    [3, 4, 2],
    call(make, {
      axis: d.of(...axes),
      epsilon: d.of(1e-3, 1e-5),
      center: d.is(),
      scale: d.is(),
      ...(d.rarely() && { gammaRegularizer: { l2: 0.01 } }),
    }),
  )

const edges = (d: Draws, axes: number, make: Make, option: string): Net => {
  const own = Array.from({ length: axes }, () => [d.int(0, 2), d.int(0, 2)])
  return chain([...spatial(d, axes), 2], call(make, { [option]: own }))
}

const ids = (shape: readonly number[], ...layers: readonly unknown[]): Net =>
  plain(L.sequential({ inputShape: shape as number[], inputDtype: 'int32', layers: layers as L.Layer[] }))

const random =
  (make: Make) =>
  (d: Draws): Net =>
    chain([3, 4], call(make, { rate: d.of(0, 0.3) }), L.dense({ units: 2 }))

/** A net by the kind of its layer. */
const makers: Readonly<Record<string, (d: Draws) => Net>> = {
  dense: (d) =>
    chain(
      d.of([5], [3, 5], [2, 3, 5]),
      L.dense({ units: 4, activation: d.activation(), ...d.kernelAndBias(), ...d.trainable() }),
      L.dense({ units: 3 }),
    ),
  einsumDense: (d) => {
    const [equation, outputShape, biasAxes] = d.of<[string, (number | null)[], string]>(
      ['abc,cd->abd', [null, 4], 'd'],
      ['abc,cde->abde', [null, 2, 3], 'de'],
      ['...b,bc->...c', [4], 'c'],
      ['abc,bcd->ad', [5], 'd'],
    )
    const own = { equation, outputShape, ...(d.is() && { biasAxes }), activation: d.activation() }
    return chain([3, 6], L.einsumDense({ ...own, ...d.weight('kernel', false) }))
  },
  conv1d: (d) => convolution(d, 1, L.conv1d),
  conv2d: (d) => convolution(d, 2, L.conv2d),
  conv3d: (d) => convolution(d, 3, L.conv3d),
  conv1dTranspose: (d) => transposed(d, 1, L.conv1dTranspose),
  conv2dTranspose: (d) => transposed(d, 2, L.conv2dTranspose),
  conv3dTranspose: (d) => transposed(d, 3, L.conv3dTranspose),
  depthwiseConv1d: (d) => depthwise(d, 1, L.depthwiseConv1d),
  depthwiseConv2d: (d) => depthwise(d, 2, L.depthwiseConv2d),
  separableConv1d: (d) => separable(d, 1, L.separableConv1d),
  separableConv2d: (d) => separable(d, 2, L.separableConv2d),
  maxPooling1d: (d) => pooling(d, 1, L.maxPooling1d),
  maxPooling2d: (d) => pooling(d, 2, L.maxPooling2d),
  maxPooling3d: (d) => pooling(d, 3, L.maxPooling3d),
  averagePooling1d: (d) => pooling(d, 1, L.averagePooling1d),
  averagePooling2d: (d) => pooling(d, 2, L.averagePooling2d),
  averagePooling3d: (d) => pooling(d, 3, L.averagePooling3d),
  globalMaxPooling1d: (d) => globalPooling(d, 1, L.globalMaxPooling1d),
  globalMaxPooling2d: (d) => globalPooling(d, 2, L.globalMaxPooling2d),
  globalMaxPooling3d: (d) => globalPooling(d, 3, L.globalMaxPooling3d),
  globalAveragePooling1d: (d) => globalPooling(d, 1, L.globalAveragePooling1d),
  globalAveragePooling2d: (d) => globalPooling(d, 2, L.globalAveragePooling2d),
  globalAveragePooling3d: (d) => globalPooling(d, 3, L.globalAveragePooling3d),
  lstm: (d) =>
    sequence(d, [4, 3], L.lstm, { units: 3, ...recurrentOptions(d), ...gatesOf(d), unitForgetBias: d.is() }),
  gru: (d) =>
    sequence(d, [4, 3], L.gru, { units: 3, ...recurrentOptions(d), ...gatesOf(d), resetAfter: d.is() }),
  simpleRnn: (d) => sequence(d, [4, 3], L.simpleRnn, { units: 3, ...recurrentOptions(d) }),
  convLstm1d: (d) => convLstm(d, 1, L.convLstm1d),
  convLstm2d: (d) => convLstm(d, 2, L.convLstm2d),
  convLstm3d: (d) => convLstm(d, 3, L.convLstm3d),
  bidirectional: (d) => {
    const returnSequences = d.is()
    const own = { units: 3, returnSequences, ...d.kernelAndBias() }
    const layer = d.is() ? L.lstm(own) : L.gru({ ...own, resetAfter: d.is() })
    const x = L.input({ shape: [4, 3] })
    const mergeMode = d.of<'concat' | 'sum' | 'mul' | 'ave' | null>('concat', 'sum', 'mul', 'ave', null)
    const other = d.rarely() ? { backwardLayer: L.lstm({ ...own, goBackwards: true }) } : {}
    const wrapper = call(L.bidirectional, { layer, mergeMode, ...other }) as (x: L.Symbolic) => L.Values
    return plain(L.model({ inputs: x, outputs: wrapper(d.is() ? L.masking()(x) : x) }))
  },
  timeDistributed: (d) =>
    d.is()
      ? chain(
          [4, 5],
          L.timeDistributed({
            layer: L.dense({ units: 3, activation: d.activation(), ...d.kernelAndBias() }),
          }),
        )
      : chain(
          [3, 5, 5, 2],
          L.timeDistributed({ layer: L.conv2d({ filters: 3, kernelSize: 2, ...d.kernelAndBias() }) }),
        ),
  masking: (d) =>
    chain([5, 3], L.masking({ maskValue: d.of(0, 0.5) }), L.gru({ units: 3, resetAfter: d.is() })),
  block: (d) =>
    chain(
      [6],
      L.block({ layers: [L.dense({ units: 4, activation: d.activation() }), L.dense({ units: 3 })] }),
    ),
  activation: (d) =>
    chain(d.of([5], [3, 4]), L.dense({ units: 4 }), L.activation({ activation: d.activation() })),
  relu: (d) =>
    chain(
      [7],
      L.dense({ units: 6 }),
      L.relu({
        ...d.maybe(() => ({ maxValue: d.of(0.5, 6) })),
        ...d.maybe(() => ({ negativeSlope: 0.1 })),
        ...d.maybe(() => ({ threshold: 0.2 })),
      }),
    ),
  softmax: (d) =>
    chain([3, 4, 2], L.dense({ units: 2 }), L.softmax({ axis: d.of<number | number[]>(-1, 1, 2, [1, 2]) })),
  prelu: (d) =>
    chain(
      [3, 4, 2],
      L.dense({ units: 2 }),
      L.prelu({
        ...d.maybe(() => ({ sharedAxes: d.of<number[]>([1, 2], [1], [], [2, 3]) })),
        ...d.weight('alpha', false),
      }),
    ),
  flatten: () => chain([3, 4], L.flatten(), L.dense({ units: 2 })),
  reshape: (d) =>
    chain([3, 4], L.reshape({ targetShape: d.of([12], [4, 3], [2, 3, 2]) }), L.dense({ units: 2 })),
  permute: (d) =>
    chain([2, 3, 4], L.permute({ dims: d.of([2, 1, 3], [3, 1, 2], [1, 3, 2]) }), L.dense({ units: 2 })),
  repeatVector: (d) => chain([4], L.repeatVector({ n: d.int(1, 4) }), L.dense({ units: 2 })),
  add: (d) => merged(d, L.add(), alike(d)),
  subtract: (d) => merged(d, L.subtract(), alike(d).slice(0, 2)),
  multiply: (d) => merged(d, L.multiply(), alike(d)),
  average: (d) => merged(d, L.average(), alike(d)),
  maximum: (d) => merged(d, L.maximum(), alike(d)),
  minimum: (d) => merged(d, L.minimum(), alike(d)),
  concatenate: (d) => {
    const axis = d.of(-1, 1, 2)
    return merged(
      d,
      L.concatenate({ axis }),
      axis === 1
        ? [
            [3, 4],
            [2, 4],
          ]
        : [
            [3, 4],
            [3, 2],
            [3, 1],
          ],
    )
  },
  dot: (d) =>
    merged(d, L.dot({ axes: d.of<number | [number, number]>(2, -1, [2, 2]), normalize: d.is() }), [
      [3, 4],
      [5, 4],
    ]),
  batchNormalization: (d) =>
    chain(
      [3, 4, 2],
      L.batchNormalization({
        axis: d.of(-1, -1, 1),
        momentum: d.of(0.9, 0.5),
        epsilon: d.of(1e-3, 1e-5),
        center: d.is(),
        scale: d.is(),
        ...d.trainable(),
      }),
    ),
  layerNormalization: (d) => normalized(d, L.layerNormalization, -1, [1, 2, 3], [2, 3], 1),
  rmsNormalization: (d) =>
    chain(
      [3, 4, 2],
      L.rmsNormalization({ axis: d.of<number | number[]>(-1, [2, 3], 1), epsilon: d.of(1e-3, 1e-6) }),
    ),
  groupNormalization: (d) =>
    chain(
      [3, 2, 4],
      L.groupNormalization({
        groups: d.of(1, 2, 4),
        epsilon: d.of(1e-3, 1e-5),
        center: d.is(),
        scale: d.is(),
      }),
    ),
  unitNormalization: (d) =>
    chain(
      [3, 4],
      L.dense({ units: 4 }),
      L.unitNormalization({ axis: d.of<number | number[]>(-1, 1, [1, 2]) }),
    ),
  dropout: (d) =>
    chain(
      [3, 4],
      L.dropout({ rate: 0, ...d.maybe(() => ({ noiseShape: [null, 1, 4] as (number | null)[] })) }),
      L.dense({ units: 2 }),
    ),
  spatialDropout1d: random(L.spatialDropout1d),
  spatialDropout2d: (d) =>
    chain([3, 4, 2], L.spatialDropout2d({ rate: d.of(0, 0.3) }), L.dense({ units: 2 })),
  spatialDropout3d: (d) =>
    chain([2, 3, 4, 2], L.spatialDropout3d({ rate: d.of(0, 0.3) }), L.dense({ units: 2 })),
  alphaDropout: random(L.alphaDropout),
  gaussianDropout: random(L.gaussianDropout),
  gaussianNoise: (d) => chain([3, 4], L.gaussianNoise({ stddev: d.of(0, 0.3) }), L.dense({ units: 2 })),
  stochasticDepth: random(L.stochasticDepth),
  rescaling: (d) =>
    chain(
      [3, 2],
      L.rescaling({ scale: d.is() ? 0.5 : [0.5, 2], offset: d.of<number | number[]>(0, 1, [1, 2]) }),
      L.dense({ units: 2 }),
    ),
  normalization: (d) => {
    const axis = d.of<number | null>(-1, 1)
    return chain(
      [2, 2],
      L.normalization({ axis: axis as number, mean: [1, 0.5], variance: [2, 0.5] }),
      L.dense({ units: 2 }),
    )
  },
  categoryEncoding: (d) => {
    const outputMode = d.of<'oneHot' | 'multiHot' | 'count'>('oneHot', 'multiHot', 'count')
    return ids(
      outputMode === 'oneHot' ? [1] : [4],
      L.categoryEncoding({ numTokens: 5, outputMode }),
      L.dense({ units: 2 }),
    )
  },
  embedding: (d) =>
    ids(
      [4],
      L.embedding({ inputDim: 5, outputDim: 3, maskZero: d.is(), ...d.weight('embeddings', false) }),
      d.is() ? L.lstm({ units: 2 }) : L.globalAveragePooling1d(),
    ),
  positionEmbedding: (d) => chain([4, 3], L.positionEmbedding(d.maybe(() => ({ length: 6 })))),
  operations: () =>
    chain([3, 4], L.operations({ steps: [{ op: 'unary', inputs: [0], fn: 'abs' }] }), L.dense({ units: 2 })),
  multiHeadAttention: (d) => attended(d, L.multiHeadAttention({ numHeads: 2, ...heads(d, true) } as never)),
  groupedQueryAttention: (d) =>
    attended(
      d,
      L.groupedQueryAttention({
        numQueryHeads: 4,
        numKeyValueHeads: d.of(1, 2, 4),
        ...heads(d, false),
      } as never),
    ),
  attention: (d) =>
    attended(d, L.attention({ useScale: d.is(), scoreMode: d.of('dot', 'concat'), causal: d.is() }), 2),
  additiveAttention: (d) => attended(d, L.additiveAttention({ useScale: d.is(), causal: d.is() }), 2),
  rotaryEmbedding: (d) => chain([4, 6], L.rotaryEmbedding({ interleaved: d.is() }), L.dense({ units: 2 })),
  spectralNormalization: () => chain([5], L.spectralNormalization({ layer: L.dense({ units: 3 }) })),
  weightNormalization: () => chain([5], L.weightNormalization({ layer: L.dense({ units: 3 }) })),
  adapted: () =>
    plain(L.lora(L.sequential({ inputShape: [5], layers: [L.dense({ units: 3 })] }), { rank: 2 })),
  cropping1d: (d) => edges(d, 1, L.cropping1d, 'cropping'),
  cropping2d: (d) => edges(d, 2, L.cropping2d, 'cropping'),
  cropping3d: (d) => edges(d, 3, L.cropping3d, 'cropping'),
  zeroPadding1d: (d) => edges(d, 1, L.zeroPadding1d, 'padding'),
  zeroPadding2d: (d) => edges(d, 2, L.zeroPadding2d, 'padding'),
  zeroPadding3d: (d) => edges(d, 3, L.zeroPadding3d, 'padding'),
  upSampling1d: (d) => chain([4, 2], L.upSampling1d({ size: d.int(1, 3) })),
  upSampling2d: (d) =>
    chain(
      [4, 3, 2],
      L.upSampling2d({
        size: d.of<number | [number, number]>(2, [3, 2]),
        interpolation: d.of('nearest', 'bilinear'),
      }),
    ),
  upSampling3d: (d) =>
    chain([2, 3, 2, 2], L.upSampling3d({ size: d.int(1, 2), interpolation: d.of('nearest', 'trilinear') })),
  resizing: (d) =>
    chain(
      [6, 5, 2],
      L.resizing({
        height: d.int(3, 8),
        width: d.int(3, 8),
        interpolation: d.of('nearest', 'bilinear'),
        ...(d.rarely() && { cropToAspectRatio: true }),
        ...(d.rarely() && { alignCorners: true }),
      }),
    ),
  centerCrop: (d) => chain([6, 5, 2], L.centerCrop({ height: d.int(2, 6), width: d.int(2, 5) })),
}

/** The kinds that have no maker here. */
export const lacking: readonly string[] = layerKinds
  .map(({ kind }) => kind)
  .filter((kind) => !Object.hasOwn(makers, kind))
export const kinds: readonly string[] = Object.keys(makers)

/** The net of a kind that a seed stands for; its weights are drawn as well. */
export function randomNet(kind: string, seed: number): Net {
  const d = new Draws(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(kinds.indexOf(kind) + 1, 0x85ebca6b))
  const net = makers[kind](d)
  const weights = Object.entries(net.getWeights()).map(([name, { shape, data }]) => {
    const isPositive = /variance|gamma|scale$|kernel_g/.test(name)
    return [name, { shape, data: data.map(() => (isPositive ? 1 + d.real() / 2 : d.real() / 2)) }] as const
  })
  if (!/^(spectral|adapted)/.test(kind)) net.setWeights(Object.fromEntries(weights))
  return net
}

/** Inputs of a net, as its `fit` takes them, and targets of its outputs. */
export function dataOf(net: Net, rows: number, seed: number) {
  const d = new Draws(seed)
  const { inputs, inputStructure, outputs, outputStructure } = net.session.network
  const x = inputs.map(({ name, shape, dtype }) => {
    const full = [rows, ...shape.map((n) => n ?? 3)]
    const count = full.reduce((product, n) => product * n, 1)
    const numbers = d.reals(count)
    if (dtype === 'int32')
      return { name, shape: full, data: Int32Array.from(numbers, (v) => Math.floor((v + 1) * 2.4)) }
    // steps that masks leave out
    if (shape.length > 1) for (let i = count - (count / rows / full[1]) * 2; i < count; i++) numbers[i] = 0
    return { name, shape: full, data: Float32Array.from(numbers) }
  })
  const y = outputs.map(({ name }) => {
    const shape = [rows, ...(net.session.outline.outputs.get(name) ?? []).map((n) => n ?? 3)]
    return { name, shape, data: Float32Array.from(d.reals(shape.reduce((product, n) => product * n, 1))) }
  })
  const formed = (list: readonly { readonly name: string }[], structure: string) =>
    structure === 'single'
      ? list[0]
      : structure === 'list'
        ? list
        : Object.fromEntries(list.map((one) => [one.name, one]))
  return { x, y, inputs: formed(x, inputStructure), targets: formed(y, outputStructure) }
}
