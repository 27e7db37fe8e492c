// Convolutions and the transposed one as layers, channels last: each a window (window.ts) over
// operations/convolution.ts, then bias and activation.
import { check, fail } from '../numerics/errors.ts'
import { conv, convolveRows, convolveTransposedRows } from '../operations/convolution.ts'
import type { Activation } from './activations.ts'
import { type Layer, type LayerKind, type LayerOptions, makeLayer } from './layer.ts'
import { type ConfigOfWeights, type OptionsOfWeights, spatial, weightOptions } from './options.ts'
import {
  channelsOf,
  finish,
  readCount,
  readWindow,
  type Sizes,
  type WindowConfig,
  type WindowOptions,
  windowOf,
} from './window.ts'

/** Initializers: by default glorotUniform for the kernel, zeros for the bias. */
export interface ConvLayerOptions<P extends string = 'valid' | 'same'>
  extends WindowOptions<P>,
    OptionsOfWeights<'kernel' | 'bias'> {
  /** Channels of the output. */
  readonly filters: number
  /** Channels in as many groups, each with its own filters / groups filters. Must divide both. Default 1. */
  readonly groups?: number
}

type ConvConfig = WindowConfig &
  ConfigOfWeights<'kernel' | 'bias'> & { readonly filters: number; readonly groups: number }

const convKind = (kind: string, rank: number): LayerKind<ConvConfig> => ({
  kind,
  read(options) {
    const { filters, groups = 1 } = options as ConvLayerOptions
    const weights = { kernel: 'glorotUniform', bias: 'zeros' } as const
    const config = {
      ...readWindow(kind, rank, options, ['filters', 'groups'], weights),
      filters: readCount(`${kind}: filters`, filters),
      groups: readCount(`${kind}: groups`, groups),
    }
    check(
      config.filters % config.groups === 0,
      `${kind}: filters`,
      `a multiple of groups (${groups})`,
      filters,
    )
    return config
  },
  build(context, inputs, config) {
    const x = spatial(inputs, rank)
    const { filters, groups } = config
    const channels = channelsOf(x)
    if (channels % groups !== 0) fail(`${channels} channels can't be split into ${groups} groups`)
    const shape = [...config.kernelSize, channels / groups, filters]
    const kernel = context.weight('kernel', shape, weightOptions(config, 'kernel'))
    return finish(context, convolveRows(context.g, conv, x, kernel, { ...windowOf(config), groups }), config)
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
 */
export const conv1d = (options: ConvLayerOptions<'valid' | 'same' | 'causal'>): Layer =>
  makeLayer(conv1dKind, options)

/**
 * Convolution over images: x [batch, height, width, C] to [batch, height', width', filters]. Weights `kernel`
 * [kh, kw, C / groups, filters], `bias` [filters]. The kernel isn't flipped (cross-correlation).
 * @throws LanegradError as conv1d
 */
export const conv2d = (options: ConvLayerOptions): Layer => makeLayer(conv2dKind, options)

/**
 * Convolution over volumes: x [batch, depth, height, width, C] to [batch, depth', height', width', filters]. Weights
 * `kernel` [kd, kh, kw, C / groups, filters], `bias` [filters].
 * @throws LanegradError as conv1d
 */
export const conv3d = (options: ConvLayerOptions): Layer => makeLayer(conv3dKind, options)

/** Initializers: by default glorotUniform for the kernel, zeros for the bias. */
export interface ConvTransposeOptions extends LayerOptions, OptionsOfWeights<'kernel' | 'bias'> {
  /** Channels of the output. */
  readonly filters: number
  readonly kernelSize: Sizes
  /** How much larger the output is. Default 1. */
  readonly strides?: Sizes
  /**
   * Output size: 'valid' (default) n * stride + max(span - stride, 0), span = (k - 1) * dilationRate + 1; 'same'
   * n * stride.
   */
  readonly padding?: 'valid' | 'same'
  /** Distance between the taps of the kernel. Default 1. */
  readonly dilationRate?: Sizes
  /** Default 'linear'. */
  readonly activation?: Activation
  /** Default true. */
  readonly useBias?: boolean
}

type ConvTransposeConfig = WindowConfig & ConfigOfWeights<'kernel' | 'bias'> & { readonly filters: number }

export const conv2dTransposeKind: LayerKind<ConvTransposeConfig> = {
  kind: 'conv2dTranspose',
  read(options) {
    const { filters } = options as ConvTransposeOptions
    const weights = { kernel: 'glorotUniform', bias: 'zeros' } as const
    const config = readWindow('conv2dTranspose', 2, options, ['filters'], weights)
    const { padding } = config
    check(typeof padding === 'string', 'conv2dTranspose: padding', '"valid" or "same"', padding)
    return { ...config, filters: readCount('conv2dTranspose: filters', filters) }
  },
  build(context, inputs, config) {
    const x = spatial(inputs, 2)
    const shape = [...config.kernelSize, config.filters, channelsOf(x)]
    const kernel = context.weight('kernel', shape, weightOptions(config, 'kernel'))
    return finish(context, convolveTransposedRows(context.g, x, kernel, windowOf(config)), config)
  },
}

/**
 * The transpose (gradient) of a convolution, which makes images larger: x [batch, height, width, C] to [batch, height',
 * width', filters]. Weights `kernel` [kh, kw, filters, C], `bias` [filters].
 * @throws LanegradError on a bad option; when the model is made, on an input of another rank.
 */
export const conv2dTranspose = (options: ConvTransposeOptions): Layer =>
  makeLayer(conv2dTransposeKind, options)
