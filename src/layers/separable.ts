// Layers of convolutions of each channel alone, and of those followed by one across channels. Channels are last.
import * as ops from '../graph/operations.ts'
import type { Value } from '../graph/value.ts'
import { POSITIVE_INTEGER } from '../numerics/errors.ts'
import { type ConvRows, convolveRows, depthwise } from '../operations/convolution.ts'
import { type BuildContext, type Layer, type LayerKind, makeLayer, readLayer } from './layer.ts'
import {
  addBiasAndActivate,
  type ConfigOfWeights,
  channelsOf,
  spatialInput,
  weightOptions,
  weightReaders,
} from './options.ts'
import type { BiasOptions, DepthwiseOptions, PointwiseOptions } from './weights.ts'
import { type WindowConfig, type WindowOptions, windowOf, windowReaders } from './window.ts'

/** Options of `depthwiseConv1d` and `depthwiseConv2d`. */
export interface DepthwiseConvOptions<P extends string = 'valid' | 'same'>
  extends WindowOptions<P>,
    DepthwiseOptions,
    BiasOptions {
  /** Number of filters of each channel. Default 1. */
  readonly depthMultiplier?: number
}

/** Convolves each channel of x with m = depthMultiplier filters of its own. */
function depthwiseRows(
  { g, weight }: BuildContext,
  x: Value,
  name: string,
  config: WindowConfig & ConfigOfWeights<'depthwise'> & { readonly depthMultiplier: number },
): ConvRows {
  const shape = [...config.kernelSize, channelsOf(x), config.depthMultiplier]
  const kernel = weight(name, shape, weightOptions(config, 'depthwise'))
  return convolveRows(g, depthwise, x, kernel, windowOf(config))
}

const readDepthwise = (kind: string, rank: number, options: object) =>
  readLayer(kind, options, {
    ...windowReaders(rank),
    depthMultiplier: [POSITIVE_INTEGER, 1],
    ...weightReaders({ depthwise: 'glorotUniform', bias: 'zeros' }),
  })

const depthwiseKind = (kind: string, rank: number): LayerKind<ReturnType<typeof readDepthwise>> => ({
  kind,
  read: (options) => readDepthwise(kind, rank, options),
  build(context, inputs, config) {
    const x = spatialInput(inputs, rank)
    return addBiasAndActivate(context, depthwiseRows(context, x, 'kernel', config), config)
  },
})

export const depthwiseConv1dKind = /*#__PURE__*/ depthwiseKind('depthwiseConv1d', 1)
export const depthwiseConv2dKind = /*#__PURE__*/ depthwiseKind('depthwiseConv2d', 2)

/**
 * Depthwise convolution over time, of each channel alone: x [batch, steps, C] to [batch, steps', C * m], output channel c *
 * m + j from channel c; m: depthMultiplier. Weights `kernel` [k, C, m], `bias` [C * m].
 * @throws LanegradError as conv1d
 * @example
 * ```js
 * import { depthwiseConv1d, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [8, 3], layers: [depthwiseConv1d({ kernelSize: 3, depthMultiplier: 2 })] })
 * console.log(model.predict(new Float32Array(24)).shape) // [ 1, 6, 6 ]
 * ```
 */
export const depthwiseConv1d = (options: DepthwiseConvOptions<'valid' | 'same' | 'causal'>): Layer =>
  makeLayer(depthwiseConv1dKind, options)

/**
 * Depthwise convolution, of each channel alone: x [batch, height, width, C] to [batch, height', width', C * m], output channel
 * c * m + j from channel c; m: depthMultiplier. Weights `kernel` [kh, kw, C, m], `bias` [C * m].
 * @throws LanegradError as conv1d
 * @example
 * ```js
 * import { depthwiseConv2d, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [8, 8, 3], layers: [depthwiseConv2d({ kernelSize: 3 })] })
 * console.log(model.predict(new Float32Array(192)).shape) // [ 1, 6, 6, 3 ]
 * ```
 */
export const depthwiseConv2d = (options: DepthwiseConvOptions): Layer =>
  makeLayer(depthwiseConv2dKind, options)

/** Options of `separableConv1d` and `separableConv2d`. */
export interface SeparableConvOptions<P extends string = 'valid' | 'same'>
  extends WindowOptions<P>,
    DepthwiseOptions,
    PointwiseOptions,
    BiasOptions {
  /** Channels of the output. */
  readonly filters: number
  /** Number of filters of each channel in the first convolution. Default 1. */
  readonly depthMultiplier?: number
}

const readSeparable = (kind: string, rank: number, options: object) =>
  readLayer(kind, options, {
    ...windowReaders(rank),
    filters: POSITIVE_INTEGER,
    depthMultiplier: [POSITIVE_INTEGER, 1],
    ...weightReaders({ depthwise: 'glorotUniform', pointwise: 'glorotUniform', bias: 'zeros' }),
  })
type SeparableConfig = ReturnType<typeof readSeparable>

const separableKind = (kind: string, rank: number): LayerKind<SeparableConfig> => ({
  kind,
  read: (options) => readSeparable(kind, rank, options),
  build(context, inputs, config) {
    const { g, weight } = context
    const x = spatialInput(inputs, rank)
    const { rows, shape } = depthwiseRows(context, x, 'depthwise_kernel', config)
    const [channels, { filters }] = [channelsOf(rows), config]
    const ones = config.kernelSize.map(() => 1)
    const pointwise = weight(
      'pointwise_kernel',
      [...ones, channels, filters],
      weightOptions(config, 'pointwise'),
    )
    const y = ops.matmul(g, rows, ops.reshape(g, pointwise, [channels, filters]))
    return addBiasAndActivate(context, { rows: y, shape: [...shape.slice(0, -1), filters] }, config)
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
 * Separable convolution over time, of each channel alone and then across channels: x [batch, steps, C] to [batch, steps',
 * filters]. Weights `depthwise_kernel` [k, C, m], `pointwise_kernel` [1, C * m, filters], `bias` [filters];
 * m: depthMultiplier.
 * @throws LanegradError as conv1d
 * @example
 * ```js
 * import { separableConv1d, sequential } from 'lanegrad'
 *
 * const layer = separableConv1d({ filters: 16, kernelSize: 5, padding: 'causal' })
 * const model = sequential({ inputShape: [100, 8], layers: [layer] })
 * console.log(model.layers[0].outputShape, model.countParams()) // [ 100, 16 ] 184
 * // 5 * 8 + 8 * 16 + 16; conv1d has 5 * 8 * 16 + 16 = 656
 * ```
 */
export const separableConv1d = (options: SeparableConvOptions<'valid' | 'same' | 'causal'>): Layer =>
  makeLayer(separableConv1dKind, options)

/**
 * Separable convolution over images, of each channel alone and then across channels: x [batch, height, width, C] to [batch, height',
 * width', filters]. Weights `depthwise_kernel` [kh, kw, C, m], `pointwise_kernel` [1, 1, C * m, filters], `bias`
 * [filters]; m: depthMultiplier.
 * @throws LanegradError as conv1d
 * @example
 * ```js
 * import { separableConv2d, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [8, 8, 3], layers: [separableConv2d({ filters: 4, kernelSize: 3 })] })
 * console.log(model.predict(new Float32Array(192)).shape) // [ 1, 6, 6, 4 ]
 * ```
 */
export const separableConv2d = (options: SeparableConvOptions): Layer =>
  makeLayer(separableConv2dKind, options)
