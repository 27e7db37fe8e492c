// Rows of the table: convolutions, pooling, and what enlarges or cuts images.
import {
  conv1d,
  conv1dTranspose,
  conv2d,
  conv2dTranspose,
  conv3d,
  conv3dTranspose,
} from '../../layers/convolution.ts'
import {
  averagePooling1d,
  averagePooling2d,
  averagePooling3d,
  globalAveragePooling1d,
  globalAveragePooling2d,
  globalAveragePooling3d,
  globalMaxPooling1d,
  globalMaxPooling2d,
  globalMaxPooling3d,
  maxPooling1d,
  maxPooling2d,
  maxPooling3d,
} from '../../layers/pooling.ts'
import { centerCrop, resizing, upSampling1d, upSampling2d, upSampling3d } from '../../layers/resampling.ts'
import {
  cropping1d,
  cropping2d,
  cropping3d,
  zeroPadding1d,
  zeroPadding2d,
  zeroPadding3d,
} from '../../layers/resizing.ts'
import { depthwiseConv1d, depthwiseConv2d, separableConv1d, separableConv2d } from '../../layers/separable.ts'
import { show } from '../../numerics/errors.ts'
import { type Config, type Field, own, type ReadPlace, type Row, same, slotsOf } from './row.ts'
import { activationField, kernelAndBias, weightFields } from './values.ts'

const LAST = { data_format: ['channels_last'] } as const
const NOT_TFJS = ['tfjs'] as const

/** Padding by name; TensorFlow.js has no 'causal', and neither has numbers. */
const padding: Field = {
  own: 'padding',
  read: (value) => value,
  write(value, at) {
    if (Array.isArray(value)) at.refuse('padding in numbers (put a zeroPadding layer before it)')
    else if (value === 'causal' && at.dialect === 'tfjs')
      at.refuse('padding "causal" (put zeroPadding1d({ padding: [n, 0] }) before it)')
    return value
  },
}

/** A number that TensorFlow.js has no other value of. */
const onlyOne = (name: string): Field => ({
  own: name,
  read: (value) => value,
  write(value, at) {
    const isOne = [value].flat().every((n) => n === 1)
    if (!isOne && at.dialect === 'tfjs') at.refuse(`${name} ${show(value)}`)
    return isOne && at.dialect === 'tfjs' ? undefined : value
  },
})

const window = {
  kernel_size: same('kernelSize'),
  strides: same('strides'),
  padding,
  dilation_rate: same('dilationRate'),
  activation: activationField('activation'),
}

const conv = (axes: number, make: Row['make']): Row => ({
  className: `Conv${axes}D`,
  kind: `conv${axes}d`,
  make,
  fields: { ...window, filters: same('filters'), groups: onlyOne('groups'), ...kernelAndBias() },
  only: LAST,
  slots: slotsOf((c) => ['kernel', c.useBias === true && 'bias']),
})

const transposed = (axes: number, make: Row['make'], lacks: Row['lacks'] = []): Row => ({
  className: `Conv${axes}DTranspose`,
  kind: `conv${axes}dTranspose`,
  make,
  fields: {
    ...window,
    dilation_rate: onlyOne('dilationRate'),
    output_padding: {
      own: 'outputPadding',
      read: (value) => value,
      write(value, at) {
        if (value !== null && at.dialect === 'tfjs') at.refuse(`outputPadding ${show(value)}`)
        return value === null ? undefined : value
      },
    },
    filters: same('filters'),
    ...kernelAndBias(),
  },
  only: { ...LAST, groups: [1] },
  slots: slotsOf((c) => ['kernel', c.useBias === true && 'bias']),
  lacks,
})

const depthwise = (axes: number, make: Row['make'], lacks: Row['lacks'] = []): Row => ({
  className: `DepthwiseConv${axes}D`,
  kind: `depthwiseConv${axes}d`,
  make,
  fields: {
    ...window,
    depth_multiplier: same('depthMultiplier'),
    use_bias: same('useBias'),
    ...weightFields('depthwise'),
    ...weightFields('bias'),
  },
  only: LAST,
  slots: slotsOf((c) => [['kernel', 'depthwise_kernel'], c.useBias === true && 'bias']),
  lacks,
})

/** TensorFlow.js leaves depth_multiplier out: the kernel's last axis has it. */
function withMultiplier(config: Config, at: ReadPlace): Config {
  if (typeof own(config, 'depth_multiplier') === 'number') return config
  const slot = { own: 'depthwise_kernel', name: 'depthwise_kernel', path: 'vars/0' }
  return { ...config, depth_multiplier: at.weight(slot)?.shape.at(-1) ?? 1 }
}

const separable = (axes: number, make: Row['make'], lacks: Row['lacks'] = []): Row => ({
  className: `SeparableConv${axes}D`,
  kind: `separableConv${axes}d`,
  make,
  fields: {
    ...window,
    filters: same('filters'),
    depth_multiplier: same('depthMultiplier'),
    use_bias: same('useBias'),
    ...weightFields('depthwise'),
    ...weightFields('pointwise'),
    ...weightFields('bias'),
  },
  only: LAST,
  prepare: withMultiplier,
  slots: slotsOf((c) => ['depthwise_kernel', 'pointwise_kernel', c.useBias === true && 'bias']),
  lacks,
})

const pooling = (name: string, axes: number, make: Row['make']): Row => ({
  className: `${name}Pooling${axes}D`,
  kind: `${name === 'Max' ? 'max' : 'average'}Pooling${axes}d`,
  make,
  fields: { pool_size: same('poolSize'), strides: same('strides'), padding },
  only: LAST,
})

const globalPooling = (name: string, axes: number, make: Row['make'], lacks: Row['lacks'] = []): Row => ({
  className: `Global${name}Pooling${axes}D`,
  kind: `global${name}Pooling${axes}d`,
  make,
  fields: {
    keepdims: {
      own: 'keepDims',
      read: (value) => value,
      write(value, at) {
        if (value === true && at.dialect === 'tfjs') at.refuse('keepDims (put a reshape behind it)')
        return at.dialect === 'tfjs' ? undefined : value
      },
    },
  },
  only: LAST,
  lacks,
})

const edges = (
  name: string,
  axes: number,
  option: string,
  make: Row['make'],
  lacks: Row['lacks'] = [],
): Row => ({
  className: `${name}${axes}D`,
  kind: `${name[0].toLowerCase()}${name.slice(1)}${axes}d`,
  make,
  // one pair for one axis: [before, after]
  fields: { [option]: { ...same(option), write: (value) => (axes === 1 ? (value as unknown[])[0] : value) } },
  only: LAST,
  lacks,
})

/** Where the cells of a resized image lie: TensorFlow.js has no half-pixel centers. */
const grid: Field = {
  own: 'halfPixel',
  absent: (dialect) => dialect !== 'tfjs',
  read: (value) => value,
  write(value, at, { interpolation }) {
    if (interpolation !== 'nearest' && value !== (at.dialect !== 'tfjs')) at.refuse(`halfPixel ${value}`)
  },
}

const nearestOnly: Field = {
  own: 'interpolation',
  read() {},
  write(value, at) {
    if (value !== 'nearest') at.refuse(`interpolation ${show(value)}`)
  },
}

/** The nearest cells are the same on either grid. */
const nearestGrid = (config: Config): Config =>
  own(config, 'interpolation') === 'bilinear' ? config : { ...config, half_pixel: true }

const upSampling = (axes: number, make: Row['make'], lacks: Row['lacks'] = []): Row => ({
  className: `UpSampling${axes}D`,
  kind: `upSampling${axes}d`,
  make,
  fields: {
    size: same('size'),
    ...(axes === 2 && { interpolation: same('interpolation') }),
    ...(axes === 3 && { interpolation: nearestOnly }),
    ...(axes > 1 && { half_pixel: grid }),
  },
  only: LAST,
  ...(axes > 1 && { prepare: nearestGrid }),
  lacks,
})

/** TensorFlow.js: the corners meet unless crop_to_aspect_ratio is set, which crops nothing there. */
function tfjsGrid(config: Config, { dialect }: ReadPlace): Config {
  if (dialect !== 'tfjs') return config
  return {
    ...config,
    align_corners: own(config, 'crop_to_aspect_ratio') !== true,
    crop_to_aspect_ratio: false,
  }
}

const resizingFields: Row['fields'] = {
  height: same('height'),
  width: same('width'),
  interpolation: same('interpolation'),
  half_pixel: grid,
  align_corners: { own: 'alignCorners', read: (value) => value, write: () => undefined },
  crop_to_aspect_ratio: same('cropToAspectRatio'),
}

/** TensorFlow.js enlarges smaller images in a way of its own. */
function largeEnough(config: Config, at: ReadPlace): Config {
  const [[height, width]] = at.shapes
  const isLarge =
    (height ?? 0) >= Number(own(config, 'height')) && (width ?? 0) >= Number(own(config, 'width'))
  if (at.dialect === 'tfjs' && !isLarge) at.refuse(`an image ${show(at.shapes[0])} that is smaller`)
  return config
}

export const imageClasses: readonly Row[] = [
  conv(1, conv1d),
  conv(2, conv2d),
  conv(3, conv3d),
  transposed(1, conv1dTranspose, NOT_TFJS),
  transposed(2, conv2dTranspose),
  transposed(3, conv3dTranspose),
  depthwise(1, depthwiseConv1d, NOT_TFJS),
  depthwise(2, depthwiseConv2d),
  separable(1, separableConv1d, NOT_TFJS),
  separable(2, separableConv2d),
  pooling('Max', 1, maxPooling1d),
  pooling('Max', 2, maxPooling2d),
  pooling('Max', 3, maxPooling3d),
  pooling('Average', 1, averagePooling1d),
  pooling('Average', 2, averagePooling2d),
  pooling('Average', 3, averagePooling3d),
  globalPooling('Max', 1, globalMaxPooling1d),
  globalPooling('Max', 2, globalMaxPooling2d),
  globalPooling('Max', 3, globalMaxPooling3d, NOT_TFJS),
  globalPooling('Average', 1, globalAveragePooling1d),
  globalPooling('Average', 2, globalAveragePooling2d),
  globalPooling('Average', 3, globalAveragePooling3d, NOT_TFJS),
  edges('ZeroPadding', 1, 'padding', zeroPadding1d, NOT_TFJS),
  edges('ZeroPadding', 2, 'padding', zeroPadding2d),
  edges('ZeroPadding', 3, 'padding', zeroPadding3d, NOT_TFJS),
  edges('Cropping', 1, 'cropping', cropping1d, NOT_TFJS),
  edges('Cropping', 2, 'cropping', cropping2d),
  edges('Cropping', 3, 'cropping', cropping3d, NOT_TFJS),
  {
    className: 'CenterCrop',
    kind: 'centerCrop',
    make: centerCrop,
    fields: { height: same('height'), width: same('width') },
    only: LAST,
    prepare: largeEnough,
  },
  {
    className: 'Resizing',
    kind: 'resizing',
    make: resizing,
    fields: resizingFields,
    only: { ...LAST, pad_to_aspect_ratio: [], antialias: [] },
    prepare: tfjsGrid,
    lacks: NOT_TFJS, // it has the class, which fails in every model
  },
  upSampling(1, upSampling1d, NOT_TFJS),
  upSampling(2, upSampling2d),
  upSampling(3, upSampling3d, NOT_TFJS),
]
