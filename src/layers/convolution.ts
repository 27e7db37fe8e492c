// Convolution layers and the transposed ones, channels last: each is a window (window.ts) over operations/convolution.ts, then
// bias and activation.
import type { Value } from '../graph/value.ts'
import { check, fail, NATURAL, POSITIVE_INTEGER, show } from '../numerics/errors.ts'
import { conv, convolveRows, convolveTransposedRows } from '../operations/convolution.ts'
import type { Activation } from './activations.ts'
import { type Layer, type LayerKind, type LayerOptions, makeLayer, readLayer } from './layer.ts'
import { addBiasAndActivate, channelsOf, spatialInput, weightOptions, weightReaders } from './options.ts'
import type { BiasOptions, KernelOptions } from './weights.ts'
import { paddingReader, type Sizes, type WindowOptions, windowOf, windowReaders } from './window.ts'

/** Options of `conv1d`, `conv2d` and `conv3d`. */
export interface ConvLayerOptions<P extends string = 'valid' | 'same'>
  extends WindowOptions<P>,
    KernelOptions,
    BiasOptions {
  /** Channels of the output. */
  readonly filters: number
  /** Number of groups of channels, each with filters / groups filters of its own; it divides channels and filters. Default 1. */
  readonly groups?: number
}

function checkGroups(
  kind: string,
  { filters, groups }: { readonly filters: number; readonly groups: number },
) {
  check(filters % groups === 0, `${kind}: filters`, `a multiple of groups (${groups})`, filters)
}

/** The channels of x, which `groups` divides. @throws LanegradError */
function groupedChannels(x: Value, groups: number): number {
  const channels = channelsOf(x)
  if (channels % groups !== 0) fail(`${channels} channels can't be split into ${groups} groups`)
  return channels
}

function readConv(kind: string, rank: number, options: object) {
  const config = readLayer(kind, options, {
    ...windowReaders(rank),
    filters: POSITIVE_INTEGER,
    groups: [POSITIVE_INTEGER, 1],
    ...weightReaders({ kernel: 'glorotUniform', bias: 'zeros' }),
  })
  checkGroups(kind, config)
  return config
}
type ConvConfig = ReturnType<typeof readConv>

const convKind = (kind: string, rank: number): LayerKind<ConvConfig> => ({
  kind,
  read: (options) => readConv(kind, rank, options),
  build(context, inputs, config) {
    const x = spatialInput(inputs, rank)
    const { filters, groups } = config
    const shape = [...config.kernelSize, groupedChannels(x, groups) / groups, filters]
    const kernel = context.weight('kernel', shape, weightOptions(config, 'kernel'))
    return addBiasAndActivate(
      context,
      convolveRows(context.g, conv, x, kernel, { ...windowOf(config), groups }),
      config,
    )
  },
})

export const conv1dKind: LayerKind<ConvConfig> = /*#__PURE__*/ convKind('conv1d', 1)
export const conv2dKind: LayerKind<ConvConfig> = /*#__PURE__*/ convKind('conv2d', 2)
export const conv3dKind: LayerKind<ConvConfig> = /*#__PURE__*/ convKind('conv3d', 3)

/**
 * Convolution over time: x [batch, steps, C] to [batch, steps', filters]. Weights `kernel` [k, C / groups, filters],
 * `bias` [filters]. Padding 'causal': (k - 1) * dilationRate zeros before the first step, so that no output sees a
 * later step.
 * @throws LanegradError on a bad option; when the model is made, on an input of another rank, channels that groups
 *   doesn't divide, or a kernel that spans more than the padded input.
 * @example
 * ```js
 * import { conv1d, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [8, 3], layers: [conv1d({ filters: 4, kernelSize: 3 })] })
 * console.log(model.predict(new Float32Array(24)).shape) // [ 1, 6, 4 ]
 * ```
 */
export const conv1d = (options: ConvLayerOptions<'valid' | 'same' | 'causal'>): Layer =>
  makeLayer(conv1dKind, options)

/**
 * Convolution over images: x [batch, height, width, C] to [batch, height', width', filters]. Weights `kernel`
 * [kh, kw, C / groups, filters], `bias` [filters]. The kernel isn't flipped (cross-correlation).
 * @throws LanegradError as conv1d
 * @example
 * ```js
 * import { conv2d, sequential } from 'lanegrad'
 *
 * const layers = [conv2d({ filters: 8, kernelSize: 3, padding: 'same', activation: 'relu' })]
 * const model = sequential({ inputShape: [28, 28, 1], layers })
 * console.log(model.predict(new Float32Array(28 * 28)).shape) // [ 1, 28, 28, 8 ]
 * ```
 */
export const conv2d = (options: ConvLayerOptions): Layer => makeLayer(conv2dKind, options)

/**
 * Convolution over volumes: x [batch, depth, height, width, C] to [batch, depth', height', width', filters]. Weights
 * `kernel` [kd, kh, kw, C / groups, filters], `bias` [filters].
 * @throws LanegradError as conv1d
 * @example
 * ```js
 * import { conv3d, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [4, 4, 4, 1], layers: [conv3d({ filters: 4, kernelSize: 3 })] })
 * console.log(model.predict(new Float32Array(64)).shape) // [ 1, 2, 2, 2, 4 ]
 * ```
 */
export const conv3d = (options: ConvLayerOptions): Layer => makeLayer(conv3dKind, options)

/** Options of `conv1dTranspose`, `conv2dTranspose` and `conv3dTranspose`. */
export interface ConvTransposeOptions extends LayerOptions, KernelOptions, BiasOptions {
  /** Channels of the output. */
  readonly filters: number
  /** Number of cells that the kernel covers on each axis; one number stands for all. */
  readonly kernelSize: Sizes
  /** Factor by which the output is larger. Default 1. */
  readonly strides?: Sizes
  /**
   * Output size: 'valid' (default) n * stride + max(span - stride, 0), span = (k - 1) * dilationRate + 1; 'same'
   * n * stride; or, with [before, after] of each axis, which are cut off as in PyTorch, (n - 1) * stride + span - before - after.
   */
  readonly padding?: 'valid' | 'same' | readonly (readonly [before: number, after: number])[]
  /**
   * Cells, fewer than the stride, that the output has behind the last window. In numbers, the output size is that of PyTorch
   * and of Keras: (n - 1) * stride + span - padding + outputPadding, where 'same' padding is 2 * floor(span / 2). Default
   * null: the sizes above.
   */
  readonly outputPadding?: Sizes | null
  /** Distance between the cells that the kernel covers. Default 1. */
  readonly dilationRate?: Sizes
  /** Number of groups of channels, each with filters / groups filters of its own; it divides channels and filters. Default 1. */
  readonly groups?: number
  /** Default 'linear'. */
  readonly activation?: Activation
  /** Default true. */
  readonly useBias?: boolean
}

/** A reader of cells behind the last window, null or one number for each of `rank` axes. */
const outputPaddingReader =
  (rank: number) =>
  (value: unknown, what: string): readonly number[] | null => {
    if (value === null) return null
    const list: readonly unknown[] = Array.isArray(value) ? [...value] : new Array(rank).fill(value)
    const fits = list.length === rank && list.every((cells) => NATURAL.holds(cells))
    check(fits, what, `an integer >= 0${rank > 1 ? ` or a list of ${rank}` : ''}, or null`, value)
    return list as readonly number[]
  }

function readConvTranspose(kind: string, rank: number, options: object) {
  const config = readLayer(kind, options, {
    ...windowReaders(rank),
    padding: [paddingReader(rank, 'valid', 'same'), 'valid'],
    outputPadding: [outputPaddingReader(rank), null],
    filters: POSITIVE_INTEGER,
    groups: [POSITIVE_INTEGER, 1],
    ...weightReaders({ kernel: 'glorotUniform', bias: 'zeros' }),
  })
  const { outputPadding, strides } = config
  const isLess = outputPadding === null || outputPadding.every((cells, i) => cells < strides[i])
  check(isLess, `${kind}: outputPadding`, `less than strides (${show(strides)})`, outputPadding)
  checkGroups(kind, config)
  return config
}
type ConvTransposeConfig = ReturnType<typeof readConvTranspose>

const convTransposeKind = (kind: string, rank: number): LayerKind<ConvTransposeConfig> => ({
  kind,
  read: (options) => readConvTranspose(kind, rank, options),
  build(context, inputs, config) {
    const x = spatialInput(inputs, rank)
    const { filters, groups, outputPadding } = config
    const channels = groupedChannels(x, groups)
    const shape = [...config.kernelSize, filters / groups, channels]
    const kernel = context.weight('kernel', shape, weightOptions(config, 'kernel'))
    const options = { ...windowOf(config), groups, outputPadding }
    return addBiasAndActivate(context, convolveTransposedRows(context.g, x, kernel, options), config)
  },
})

export const conv1dTransposeKind = /*#__PURE__*/ convTransposeKind('conv1dTranspose', 1)
export const conv2dTransposeKind = /*#__PURE__*/ convTransposeKind('conv2dTranspose', 2)
export const conv3dTransposeKind = /*#__PURE__*/ convTransposeKind('conv3dTranspose', 3)

/**
 * Transposed convolution (the gradient of one), which makes sequences longer: x [batch, steps, C] to [batch, steps',
 * filters]. Weights `kernel` [k, filters / groups, C], `bias` [filters].
 * @throws LanegradError on a bad option; when the model is made, on an input of another rank, channels that groups doesn't
 *   divide, or an outputPadding that doesn't fit.
 * @example
 * ```js
 * import { conv1dTranspose, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [4, 2], layers: [conv1dTranspose({ filters: 3, kernelSize: 2, strides: 2 })] })
 * console.log(model.predict(new Float32Array(8)).shape) // [ 1, 8, 3 ]
 * ```
 */
export const conv1dTranspose = (options: ConvTransposeOptions): Layer =>
  makeLayer(conv1dTransposeKind, options)

/**
 * Transposed convolution, which makes images larger: x [batch, height, width, C] to [batch, height', width', filters].
 * Weights `kernel` [kh, kw, filters / groups, C], `bias` [filters].
 * @throws LanegradError as conv1dTranspose
 * @example
 * ```js
 * import { conv2dTranspose, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [4, 4, 2], layers: [conv2dTranspose({ filters: 3, kernelSize: 2, strides: 2 })] })
 * console.log(model.predict(new Float32Array(32)).shape) // [ 1, 8, 8, 3 ]
 * ```
 */
export const conv2dTranspose = (options: ConvTransposeOptions): Layer =>
  makeLayer(conv2dTransposeKind, options)

/**
 * Transposed convolution, which makes volumes larger: x [batch, depth, height, width, C] to [batch, depth', height', width',
 * filters]. Weights `kernel` [kd, kh, kw, filters / groups, C], `bias` [filters].
 * @throws LanegradError as conv1dTranspose
 * @example
 * ```js
 * import { conv3dTranspose, sequential } from 'lanegrad'
 *
 * const layer = conv3dTranspose({ filters: 3, kernelSize: 3, strides: [1, 2, 2], padding: 'same' })
 * const model = sequential({ inputShape: [2, 2, 2, 1], layers: [layer] })
 * console.log(model.predict(new Float32Array(8)).shape) // [ 1, 2, 4, 4, 3 ]
 * ```
 */
export const conv3dTranspose = (options: ConvTransposeOptions): Layer =>
  makeLayer(conv3dTransposeKind, options)
