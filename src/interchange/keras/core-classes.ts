// Rows of the table: dense, activations, shapes, merges, normalization, noise, preprocessing.
import { prelu, relu, softmax } from '../../layers/activation-layers.ts'
import type { Axes } from '../../layers/axes.ts'
import { activation, dense, flatten, permute, reshape } from '../../layers/core.ts'
import { dot } from '../../layers/dot.ts'
import { einsumDense } from '../../layers/einsum-dense.ts'
import { embedding } from '../../layers/embedding.ts'
import { add, average, concatenate, maximum, minimum, multiply, subtract } from '../../layers/merge.ts'
import {
  alphaDropout,
  dropout,
  gaussianDropout,
  gaussianNoise,
  spatialDropout1d,
  spatialDropout2d,
  spatialDropout3d,
} from '../../layers/noise.ts'
import {
  batchNormalization,
  groupNormalization,
  layerNormalization,
  rmsNormalization,
  unitNormalization,
} from '../../layers/normalization.ts'
import { categoryEncoding, normalization, rescaling } from '../../layers/preprocessing.ts'
import { repeatVector } from '../../layers/resizing.ts'
import { show } from '../../numerics/errors.ts'
import { type Config, type Field, own, ownOnly, type ReadPlace, type Row, same, slotsOf } from './row.ts'
import { activationField, initializerOf, kernelAndBias, weightFields } from './values.ts'

const NOT_TFJS = { lacks: ['tfjs'] } as const

type Activating = { readonly activation: { readonly name: string; readonly alpha: number } }
const activationOf = (config: Config) => (config as unknown as Activating).activation

/** The axes of a normalization. */
const AXES: Field = same('axis')

/** The same where Keras takes one axis: a number, or (before Keras 3) a list of one. */
const AXIS: Field = {
  own: 'axis',
  read: (value) => (Array.isArray(value) && value.length === 1 ? value[0] : value),
  write(value, at) {
    if (Array.isArray(value) && value.length > 1) at.refuse(`axis ${show(value)} (one axis)`)
    return Array.isArray(value) ? value[0] : value
  },
}

/** TensorFlow.js can't train with another axis than the last one, and predicts with the wrong numbers. */
function lastInTfjs(config: Config, at: ReadPlace): Config {
  const [axis] = [own(config, 'axis') ?? -1].flat()
  if (at.dialect === 'tfjs' && axis !== -1 && axis !== at.shapes[0].length)
    at.refuse(`axis ${show(axis)} (TensorFlow.js computes with the last one alone)`)
  return config
}

const affine = {
  axis: AXIS,
  epsilon: same('epsilon'),
  center: same('center'),
  scale: same('scale'),
  ...weightFields('gamma'),
  ...weightFields('beta'),
}

const affineSlots = (config: Config) =>
  [config.scale === true && 'gamma', config.center === true && 'beta'] as const

/** The alpha of an activation that is a class of its own; `absent`: Keras's default. */
const alphaField = (name: string, absent: number): Field => ({
  own: 'activation',
  absent: () => absent,
  read: (alpha) => ({ name, alpha }),
  write: (value) => (value as Activating['activation']).alpha,
})

/** Keras 3 names it negative_slope. */
const leaky = alphaField('leakyRelu', 0.3)
const leakyAlpha: Field = {
  ...leaky,
  write: (value, at, own) => (at.dialect === 'keras3' ? undefined : leaky.write(value, at, own)),
}
const negativeSlope: Field = {
  ...leaky,
  absent: undefined,
  write: (value, at, own) => (at.dialect === 'keras3' ? leaky.write(value, at, own) : undefined),
}

/** A target shape with its -1 (or null) resolved. */
function resolved(config: Config, at: ReadPlace): Config {
  const [shape] = at.shapes
  const target = own(config, 'target_shape')
  if (!Array.isArray(target) || !target.some((n) => n === -1 || n === null)) return config
  const rest = target.reduce((product, n) => (n === -1 || n === null ? product : product * n), 1)
  const count = shape.reduce<number>((product, n) => product * (n ?? Number.NaN), 1)
  if (!Number.isSafeInteger(count / rest))
    at.refuse(`target_shape ${show(target)} of an input ${show(shape)}`)
  return { ...config, target_shape: target.map((n) => (n === -1 || n === null ? count / rest : n)) }
}

const plain = (className: string, kind: string, make: Row['make']): Row => ({
  className,
  kind,
  make,
  fields: {},
})

/** A class that leaves values as they are in prediction. */
const nothing = (className: string, note?: string): Row => ({
  ...plain(className, 'activation', activation),
  fields: { activation: { own: 'activation', absent: () => 'linear', read: () => 'linear', write() {} } },
  prepare(_, at) {
    if (note) at.note(`${at.layer}: ${note}`)
    return {}
  },
  fits: () => false,
})

/** Layers that change images in training alone: their names are many. */
export const randomImages = nothing(
  'Random',
  'changes of images in training were left out: augmentImages makes some',
)

const rate = (className: string, kind: string, make: Row['make'], lacks: Row['lacks'] = []): Row => ({
  ...plain(className, kind, make),
  fields: { rate: same('rate') },
  only: { noise_shape: [], data_format: ['channels_last'] },
  lacks,
})

/** Statistics that are weights in Keras and options here. */
function adapted(config: Config, at: ReadPlace): Config {
  const read = (name: string, i: number) =>
    own(config, name) ?? at.weight({ own: name, name, path: `vars/${i}` })?.data
  const [mean, variance] = [read('mean', 0), read('variance', 1)].map((value) =>
    ArrayBuffer.isView(value) || Array.isArray(value) ? Array.from(value as ArrayLike<number>) : value,
  )
  return { ...config, mean, variance }
}

const OUTPUT_MODES: Readonly<Record<string, string>> = {
  one_hot: 'oneHot',
  multi_hot: 'multiHot',
  count: 'count',
}

export const coreClasses: readonly Row[] = [
  {
    className: 'Dense',
    kind: 'dense',
    make: dense,
    fields: {
      units: same('units'),
      activation: activationField('activation'),
      ...kernelAndBias(),
      tied_to: ownOnly('tiedTo'),
    },
    slots: slotsOf((c) => ['kernel', c.useBias === true && 'bias']),
  },
  {
    className: 'EinsumDense',
    kind: 'einsumDense',
    make: einsumDense,
    fields: {
      equation: same('equation'),
      output_shape: same('outputShape'),
      bias_axes: same('biasAxes'),
      activation: activationField('activation'),
      ...weightFields('kernel'),
      ...weightFields('bias'),
    },
    slots: slotsOf((c) => ['kernel', c.biasAxes !== null && 'bias']),
    ...NOT_TFJS,
  },
  {
    className: 'LeakyReLU',
    kind: 'activation',
    make: activation,
    fields: { alpha: leakyAlpha, negative_slope: negativeSlope },
    fits: (c) => activationOf(c).name === 'leakyRelu',
  },
  {
    className: 'ELU',
    kind: 'activation',
    make: activation,
    fields: { alpha: alphaField('elu', 1) },
    // TensorFlow.js takes 1 alone, which has a name
    fits: (c, dialect) => activationOf(c).name === 'elu' && activationOf(c).alpha !== 1 && dialect !== 'tfjs',
  },
  {
    className: 'Activation',
    kind: 'activation',
    make: activation,
    fields: { activation: activationField('activation') },
  },
  {
    className: 'ReLU',
    kind: 'relu',
    make: relu,
    fields: {
      max_value: same('maxValue'),
      negative_slope: same('negativeSlope'),
      threshold: same('threshold'),
    },
    // TensorFlow.js takes max_value alone
    fits: (c, dialect) => dialect !== 'tfjs' || (c.negativeSlope === 0 && c.threshold === 0),
  },
  {
    className: 'ThresholdedReLU',
    kind: 'relu',
    make: relu,
    fields: { theta: same('threshold', 1) },
    fits: (c, dialect) => dialect === 'tfjs' && c.negativeSlope === 0 && c.maxValue === null,
  },
  { className: 'Softmax', kind: 'softmax', make: softmax, fields: { axis: same('axis') } },
  {
    className: 'PReLU',
    kind: 'prelu',
    make: prelu,
    fields: {
      shared_axes: {
        own: 'sharedAxes',
        absent: () => [],
        read: (value) => value,
        write(value, { shapes: [shape] }) {
          const shared = value === null ? shape.slice(1).map((_, i) => i + 1) : [value as Axes].flat()
          return shared.length > 0 ? shared : null
        },
      },
      ...weightFields('alpha'),
    },
    slots: ({ sharedAxes }, config) => {
      const shared = own(config, 'shared_axes')
      // one for each channel: [channels] here, a sample with axes of size 1 there
      const theirs = (shape: readonly number[]) => [
        ...(sharedAxes === null && Array.isArray(shared) ? shared.map(() => 1) : []),
        ...shape,
      ]
      return [{ own: 'alpha', name: 'alpha', path: 'vars/0', theirs }]
    },
  },
  nothing('Identity'),
  nothing('ActivityRegularization', 'a penalty on values, was left out'),
  { ...plain('Flatten', 'flatten', flatten), only: { data_format: ['channels_last'] } },
  {
    className: 'Reshape',
    kind: 'reshape',
    make: reshape,
    fields: { target_shape: same('targetShape') },
    prepare: resolved,
  },
  { className: 'Permute', kind: 'permute', make: permute, fields: { dims: same('dims') } },
  { className: 'RepeatVector', kind: 'repeatVector', make: repeatVector, fields: { n: same('n') } },
  plain('Add', 'add', add),
  { ...plain('Subtract', 'subtract', subtract), ...NOT_TFJS },
  plain('Multiply', 'multiply', multiply),
  plain('Average', 'average', average),
  plain('Maximum', 'maximum', maximum),
  plain('Minimum', 'minimum', minimum),
  { className: 'Concatenate', kind: 'concatenate', make: concatenate, fields: { axis: same('axis') } },
  {
    className: 'Dot',
    kind: 'dot',
    make: dot,
    fields: { axes: same('axes'), normalize: same('normalize') },
  },
  {
    className: 'BatchNormalization',
    kind: 'batchNormalization',
    make: batchNormalization,
    fields: {
      ...affine,
      momentum: same('momentum'),
      ...initializerOf('moving_mean', 'movingMean'),
      ...initializerOf('moving_variance', 'movingVariance'),
    },
    only: { renorm: [] },
    prepare: lastInTfjs,
    slots: slotsOf((c) => [...affineSlots(c), 'moving_mean', 'moving_variance']),
  },
  {
    className: 'LayerNormalization',
    kind: 'layerNormalization',
    make: layerNormalization,
    fields: { ...affine, axis: AXES },
    only: { rms_scaling: [] },
    slots: slotsOf(affineSlots),
  },
  {
    className: 'GroupNormalization',
    kind: 'groupNormalization',
    make: groupNormalization,
    fields: { ...affine, groups: same('groups') },
    slots: slotsOf(affineSlots),
    ...NOT_TFJS,
  },
  {
    className: 'RMSNormalization',
    kind: 'rmsNormalization',
    make: rmsNormalization,
    fields: { axis: AXES, epsilon: same('epsilon') },
    slots: slotsOf(() => ['scale']),
    ...NOT_TFJS,
  },
  {
    ...plain('UnitNormalization', 'unitNormalization', unitNormalization),
    fields: { axis: AXES },
    ...NOT_TFJS,
  },
  {
    ...rate('Dropout', 'dropout', dropout),
    fields: { rate: same('rate'), noise_shape: same('noiseShape') },
    only: {},
  },
  rate('SpatialDropout1D', 'spatialDropout1d', spatialDropout1d),
  rate('SpatialDropout2D', 'spatialDropout2d', spatialDropout2d, ['tfjs']),
  rate('SpatialDropout3D', 'spatialDropout3d', spatialDropout3d, ['tfjs']),
  rate('AlphaDropout', 'alphaDropout', alphaDropout),
  rate('GaussianDropout', 'gaussianDropout', gaussianDropout),
  {
    className: 'GaussianNoise',
    kind: 'gaussianNoise',
    make: gaussianNoise,
    fields: { stddev: same('stddev') },
  },
  {
    className: 'Embedding',
    kind: 'embedding',
    make: embedding,
    fields: {
      input_dim: same('inputDim'),
      output_dim: same('outputDim'),
      mask_zero: same('maskZero'),
      ...weightFields('embeddings'),
    },
    slots: slotsOf(() => ['embeddings']),
  },
  {
    className: 'Rescaling',
    kind: 'rescaling',
    make: rescaling,
    fields: { scale: same('scale'), offset: same('offset') },
  },
  {
    className: 'Normalization',
    kind: 'normalization',
    make: normalization,
    fields: { axis: AXES, mean: same('mean'), variance: same('variance') },
    only: { invert: [] },
    prepare: adapted,
    ...NOT_TFJS,
  },
  {
    className: 'CategoryEncoding',
    kind: 'categoryEncoding',
    make: categoryEncoding,
    fields: {
      num_tokens: same('numTokens'),
      output_mode: {
        own: 'outputMode',
        read: (mode, at) =>
          Object.hasOwn(OUTPUT_MODES, String(mode))
            ? OUTPUT_MODES[String(mode)]
            : at.refuse(`output_mode ${show(mode)}`),
        write: (mode) => Object.keys(OUTPUT_MODES).find((key) => OUTPUT_MODES[key] === mode),
      },
    },
  },
]
