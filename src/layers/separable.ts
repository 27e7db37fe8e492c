// Convolutions of each channel alone, and those followed by one across channels, as layers; channels last.
import type { Value } from '../graph/value.ts'
import { type ConvRows, convolveRows, depthwise } from '../operations/convolution.ts'
import { type Layer, type LayerContext, type LayerKind, makeLayer } from './layer.ts'
import { type ConfigOfWeights, type OptionsOfWeights, spatial, weightOptions } from './options.ts'
import {
  channelsOf,
  finish,
  readCount,
  readWindow,
  type WindowConfig,
  type WindowOptions,
  windowOf,
} from './window.ts'

/** Initializers: by default glorotUniform for the kernel, zeros for the bias. */
export interface DepthwiseConvOptions
  extends WindowOptions<'valid' | 'same'>,
    OptionsOfWeights<'depthwise' | 'bias'> {
  /** Filters of each channel. Default 1. */
  readonly depthMultiplier?: number
}

type DepthwiseConfig = WindowConfig &
  ConfigOfWeights<'depthwise' | 'bias'> & { readonly depthMultiplier: number }

/** Channels of x each by its own filters, m = depthMultiplier of them. */
function depthwiseRows(
  { g, weight }: LayerContext,
  x: Value,
  name: string,
  config: WindowConfig & ConfigOfWeights<'depthwise'> & { readonly depthMultiplier: number },
): ConvRows {
  const shape = [...config.kernelSize, channelsOf(x), config.depthMultiplier]
  const kernel = weight(name, shape, weightOptions(config, 'depthwise'))
  return convolveRows(g, depthwise, x, kernel, windowOf(config))
}

export const depthwiseConv2dKind: LayerKind<DepthwiseConfig> = {
  kind: 'depthwiseConv2d',
  read(options) {
    const { depthMultiplier = 1 } = options as DepthwiseConvOptions
    const weights = { depthwise: 'glorotUniform', bias: 'zeros' } as const
    return {
      ...readWindow('depthwiseConv2d', 2, options, ['depthMultiplier'], weights),
      depthMultiplier: readCount('depthwiseConv2d: depthMultiplier', depthMultiplier),
    }
  },
  build(context, inputs, config) {
    const x = spatial(inputs, 2)
    return finish(context, depthwiseRows(context, x, 'kernel', config), config)
  },
}

/**
 * A convolution of each channel alone: x [batch, height, width, C] to [batch, height', width', C * m], output channel
 * c * m + j from channel c; m: depthMultiplier. Weights `kernel` [kh, kw, C, m], `bias` [C * m].
 * @throws LanegradError as conv1d
 */
export const depthwiseConv2d = (options: DepthwiseConvOptions): Layer =>
  makeLayer(depthwiseConv2dKind, options)

/** Initializers: by default glorotUniform for both kernels, zeros for the bias. */
export interface SeparableConvOptions<P extends string = 'valid' | 'same'>
  extends WindowOptions<P>,
    OptionsOfWeights<'depthwise' | 'pointwise' | 'bias'> {
  /** Channels of the output. */
  readonly filters: number
  /** Filters of each channel in the first convolution. Default 1. */
  readonly depthMultiplier?: number
}

type SeparableConfig = WindowConfig &
  ConfigOfWeights<'depthwise' | 'pointwise' | 'bias'> & {
    readonly filters: number
    readonly depthMultiplier: number
  }

const separableKind = (kind: string, rank: number): LayerKind<SeparableConfig> => ({
  kind,
  read(options) {
    const { filters, depthMultiplier = 1 } = options as SeparableConvOptions
    const weights = { depthwise: 'glorotUniform', pointwise: 'glorotUniform', bias: 'zeros' } as const
    return {
      ...readWindow(kind, rank, options, ['filters', 'depthMultiplier'], weights),
      filters: readCount(`${kind}: filters`, filters),
      depthMultiplier: readCount(`${kind}: depthMultiplier`, depthMultiplier),
    }
  },
  build(context, inputs, config) {
    const { g, weight } = context
    const x = spatial(inputs, rank)
    const { rows, shape } = depthwiseRows(context, x, 'depthwise_kernel', config)
    const [channels, { filters }] = [channelsOf(rows), config]
    const ones = config.kernelSize.map(() => 1)
    const pointwise = weight(
      'pointwise_kernel',
      [...ones, channels, filters],
      weightOptions(config, 'pointwise'),
    )
    const y = g.matmul(rows, g.reshape(pointwise, [channels, filters]))
    return finish(context, { rows: y, shape: [...shape.slice(0, -1), filters] }, config)
  },
})

export const separableConv1dKind: LayerKind<SeparableConfig> = /*#__PURE__*/ separableKind(
  'separableConv1d',
  1,
)
export const separableConv2dKind: LayerKind<SeparableConfig> = /*#__PURE__*/ separableKind(
  'separableConv2d',
  2,
)

/**
 * A convolution over time of each channel alone, then one across channels: x [batch, steps, C] to [batch, steps',
 * filters]. Weights `depthwise_kernel` [k, C, m], `pointwise_kernel` [1, C * m, filters], `bias` [filters];
 * m: depthMultiplier.
 * @throws LanegradError as conv1d
 */
export const separableConv1d = (options: SeparableConvOptions<'valid' | 'same' | 'causal'>): Layer =>
  makeLayer(separableConv1dKind, options)

/**
 * A convolution of each channel alone, then one across channels: x [batch, height, width, C] to [batch, height',
 * width', filters]. Weights `depthwise_kernel` [kh, kw, C, m], `pointwise_kernel` [1, 1, C * m, filters], `bias`
 * [filters]; m: depthMultiplier.
 * @throws LanegradError as conv1d
 */
export const separableConv2d = (options: SeparableConvOptions): Layer =>
  makeLayer(separableConv2dKind, options)
