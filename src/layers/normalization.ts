// Normalization layers: by the statistics of the batch, of each row, of groups of channels. Channels are the last axis, or the
// axes that an option names, which are moved there.
// Formulas and names are Keras's. Batch normalization alone keeps moving statistics from step to step.
import { assign } from '../graph/assign.ts'
import { unaryFunctions } from '../graph/functions.ts'
import { mathematicalFunctions } from '../graph/mathematics.ts'
import * as ops from '../graph/operations.ts'
import type { Value } from '../graph/value.ts'
import type { GraphWriter } from '../graph/writer.ts'
import {
  BOOLEAN,
  fail,
  POSITIVE,
  POSITIVE_INTEGER,
  type Read,
  type Rule,
  UP_TO_ONE,
} from '../numerics/errors.ts'
import type { Shape } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'
import { channelNormalize, layerNormalize, scaleShift } from '../operations/normalize.ts'
import { type Axes, type AxesLast, axesLast, axesOf, readAxes } from './axes.ts'
import { type Initializer, type InitializerName, readInitializer } from './initializers.ts'
import {
  type BuildContext,
  type Layer,
  type LayerKind,
  type LayerOptions,
  makeLayer,
  readLayer,
} from './layer.ts'
import { channelInput, channelsOf, weightOptions, weightReaders } from './options.ts'
import type { BetaOptions, GammaOptions, ScaleOptions } from './weights.ts'

/** Options of `unitNormalization` and of the other normalizations. */
export interface AxisOptions extends LayerOptions {
  /** The axis, or the axes, of the channels (see the layer), which weights have; negative ones count from the end. Default -1. */
  readonly axis?: Axes
}

/** Options of normalizations with `gamma` and `beta`. */
export interface AffineOptions extends AxisOptions, GammaOptions, BetaOptions {
  /** Added to the variance; > 0. Default 1e-3. */
  readonly epsilon?: number
  /** Adds `beta`. Default true. */
  readonly center?: boolean
  /** Multiplies by `gamma`. Default true. */
  readonly scale?: boolean
}

const affineReaders = () => ({
  axis: [readAxes, -1] as const,
  epsilon: [POSITIVE, 1e-3] as const,
  center: [BOOLEAN, true] as const,
  scale: [BOOLEAN, true] as const,
  ...weightReaders({ gamma: 'ones', beta: 'zeros' }),
})
type AffineConfig = Read<ReturnType<typeof affineReaders>>

/** The input [batch, ..., channels, ...] with its channels last. */
const channelsLast = ({ g }: BuildContext, inputs: readonly Value[], axis: Axes): AxesLast =>
  axesLast(g, channelInput(inputs), axis)

/** A weight in the form that kernels take. */
const flat = (g: GraphWriter, weight: Value): Value => ops.reshape(g, weight, [elementCount(weight.shape)])

/** The weights gamma and beta of these sizes, as far as the layer has them, flat. */
function affineWeights({ g, weight }: BuildContext, sizes: Shape, config: AffineConfig): Value[] {
  const names = (['gamma', 'beta'] as const).filter((name) => config[name === 'gamma' ? 'scale' : 'center'])
  return names.map((name) => flat(g, weight(name, sizes, weightOptions(config, name))))
}

// ---- batch ----------------------------------------------------------------------------------------

/** Options of `batchNormalization`. */
export interface BatchNormalizationOptions extends AffineOptions {
  /** The share of the moving statistics that each step keeps, 0 to 1. Default 0.99. */
  readonly momentum?: number
  /** The moving variance follows the unbiased variance of batches (divided by n - 1, as in PyTorch). Default false. */
  readonly unbiasedRunningVar?: boolean
  /** Initial values of the moving mean. Default 'zeros'. */
  readonly movingMeanInitializer?: Initializer | InitializerName
  /** Initial values of the moving variance. Default 'ones'. */
  readonly movingVarianceInitializer?: Initializer | InitializerName
}

const readBatch = (options: object) =>
  readLayer('batchNormalization', options, {
    ...affineReaders(),
    momentum: [UP_TO_ONE, 0.99],
    unbiasedRunningVar: [BOOLEAN, false],
    movingMeanInitializer: [readInitializer, 'zeros'],
    movingVarianceInitializer: [readInitializer, 'ones'],
  })

export const batchNormalizationKind: LayerKind<ReturnType<typeof readBatch>> = {
  kind: 'batchNormalization',
  read: readBatch,
  build(context, inputs, config) {
    const { g, training, trainable, weight } = context
    const { epsilon, center, scale, momentum } = config
    const { rows: x, sizes, back } = channelsLast(context, inputs, config.axis)
    const channels = channelsOf(x)
    const affine = affineWeights(context, sizes, config)
    const statistic = (name: string, initializer: Initializer) =>
      weight(name, sizes, { initializer, trainable: false })
    const movingMean = statistic('moving_mean', config.movingMeanInitializer)
    const movingVariance = statistic('moving_variance', config.movingVarianceInitializer)

    if (!training || !trainable) {
      // (x - mean) / sqrt(variance + epsilon) gamma + beta as x factor + offset, both of one number a channel
      const deviation = ops.unary(
        g,
        mathematicalFunctions.sqrt,
        ops.plus(g, flat(g, movingVariance), g.constant(epsilon)),
      )
      const factor = scale
        ? ops.binary(g, 'divide', affine[0], deviation)
        : ops.unary(g, mathematicalFunctions.reciprocal, deviation)
      const shift = ops.times(g, flat(g, movingMean), factor)
      const offset = center
        ? ops.minus(g, affine[affine.length - 1], shift)
        : ops.unary(g, unaryFunctions.negate, shift)
      return back(g.add(scaleShift, [x, factor, offset], { epilogue: null })[0])
    }
    const attributes = { samples: 1, groups: channels, epsilon, scale, center }
    const [y, mean, variance] = g.add(channelNormalize, [x, ...affine], attributes)
    const count = elementCount(x.shape) / channels
    const correction = config.unbiasedRunningVar && count > 1 ? count / (count - 1) : 1
    const move = (moving: Value, batch: Value, factor: number) => {
      const next = ops.scale(g, ops.reshape(g, batch, sizes), (1 - momentum) * factor)
      assign(g, moving, ops.plus(g, ops.scale(g, moving, momentum), next))
    }
    move(movingMean, mean, 1)
    move(movingVariance, variance, correction)
    return back(y)
  },
}

/**
 * Batch normalization (Ioffe and Szegedy 2015): (x - mean) / sqrt(variance + epsilon) gamma + beta for each channel of
 * x [batch, ..., channels]. In training the statistics are those of the batch over all axes but the last (biased
 * variance), and after each step moving = momentum moving + (1 - momentum) batch. Otherwise, and always with
 * `trainable: false`, they are the moving ones. Weights `gamma`, `beta`, `moving_mean`, `moving_variance`, all
 * [channels]; with `axis: [1, 3]` each pair of places on these axes is a channel, and weights have both sizes. A layer that
 * is called several times in a model moves the statistics at each call, in the order of the calls (`bn`, `bn#2`, ...), as
 * PyTorch does. Masks are passed on, not used.
 * @example
 * ```js
 * import { batchNormalization, dense, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [4], layers: [dense({ units: 8 }), batchNormalization()] })
 * console.log(model.predict(new Float32Array(8)).shape) // [ 2, 8 ]
 * ```
 */
export const batchNormalization = (options: BatchNormalizationOptions = {}): Layer =>
  makeLayer(batchNormalizationKind, options)

// ---- layer, RMS -----------------------------------------------------------------------------------

/** Options of `layerNormalization`. */
export type LayerNormalizationOptions = AffineOptions

export const layerNormalizationKind: LayerKind<AffineConfig> = {
  kind: 'layerNormalization',
  read: (options) => readLayer('layerNormalization', options, affineReaders()),
  build(context, inputs, config) {
    const { epsilon, center, scale } = config
    const { rows, sizes, back } = channelsLast(context, inputs, config.axis)
    const affine = affineWeights(context, sizes, config)
    return back(context.g.add(layerNormalize, [rows, ...affine], { rms: false, epsilon, center, scale })[0])
  },
}

/**
 * Layer normalization (Ba et al. 2016): (x - mean) / sqrt(variance + epsilon) gamma + beta, the statistics over `axis`,
 * one axis or several (biased variance). Weights `gamma`, `beta`, of the sizes of these axes.
 * @example
 * ```js
 * import { layerNormalization, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [4], layers: [layerNormalization()] })
 * console.log(model.predict(new Float32Array(8)).shape) // [ 2, 4 ]
 * ```
 */
export const layerNormalization = (options: LayerNormalizationOptions = {}): Layer =>
  makeLayer(layerNormalizationKind, options)

/** Options of `rmsNormalization`. */
export interface RmsNormalizationOptions extends AxisOptions, ScaleOptions {
  /** Added to the mean of x^2; > 0. Default 1e-6. */
  readonly epsilon?: number
}

const readRms = (options: object) =>
  readLayer('rmsNormalization', options, {
    axis: [readAxes, -1],
    epsilon: [POSITIVE, 1e-6],
    ...weightReaders({ scale: 'ones' }),
  })

export const rmsNormalizationKind: LayerKind<ReturnType<typeof readRms>> = {
  kind: 'rmsNormalization',
  read: readRms,
  build(context, inputs, config) {
    const { g, weight } = context
    const { rows, sizes, back } = channelsLast(context, inputs, config.axis)
    const scale = flat(g, weight('scale', sizes, weightOptions(config, 'scale')))
    const attributes = { rms: true, epsilon: config.epsilon, center: false, scale: true }
    return back(g.add(layerNormalize, [rows, scale], attributes)[0])
  },
}

/**
 * Root mean square normalization (Zhang and Sennrich 2019): x / sqrt(mean of x^2 + epsilon) scale, the mean over
 * `axis`, one axis or several. Weight `scale`, of the sizes of these axes.
 * @example
 * ```js
 * import { rmsNormalization, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [4], layers: [rmsNormalization()] })
 * console.log(model.predict(new Float32Array(8)).shape) // [ 2, 4 ]
 * ```
 */
export const rmsNormalization = (options: RmsNormalizationOptions = {}): Layer =>
  makeLayer(rmsNormalizationKind, options)

// ---- group ----------------------------------------------------------------------------------------

/** Options of `groupNormalization`. */
export interface GroupNormalizationOptions extends AffineOptions {
  /** Number of groups, which divides the channels; -1: one for each channel (instance normalization). Default 32. */
  readonly groups?: number
}

const GROUPS: Rule<number> = {
  expected: 'a positive integer or -1 (one for each channel)',
  holds: (value): value is number => value === -1 || POSITIVE_INTEGER.holds(value),
}

const readGroup = (options: object) =>
  readLayer('groupNormalization', options, { ...affineReaders(), groups: [GROUPS, 32] })

export const groupNormalizationKind: LayerKind<ReturnType<typeof readGroup>> = {
  kind: 'groupNormalization',
  read: readGroup,
  build(context, inputs, config) {
    const { epsilon, center, scale } = config
    const { rows: x, sizes, back } = channelsLast(context, inputs, config.axis)
    const channels = channelsOf(x)
    const groups = config.groups === -1 ? channels : config.groups
    if (channels % groups !== 0) fail(`${channels} channels can't be split into ${groups} groups`)
    const attributes = { samples: x.shape[0], groups, epsilon, center, scale }
    return back(context.g.add(channelNormalize, [x, ...affineWeights(context, sizes, config)], attributes)[0])
  },
}

/**
 * Group normalization (Wu and He 2018) of x [batch, ..., channels]: (x - mean) / sqrt(variance + epsilon) gamma + beta,
 * the statistics of each sample over all its cells and the channels of a group (consecutive ones; biased variance).
 * `groups: -1` is instance normalization. Weights `gamma`, `beta` [channels].
 * @example
 * ```js
 * import { groupNormalization, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [4, 4, 6], layers: [groupNormalization({ groups: 3 })] })
 * console.log(model.predict(new Float32Array(96)).shape) // [ 1, 4, 4, 6 ]
 * ```
 */
export const groupNormalization = (options: GroupNormalizationOptions = {}): Layer =>
  makeLayer(groupNormalizationKind, options)

// ---- unit -----------------------------------------------------------------------------------------

export const unitNormalizationKind: LayerKind<{ readonly axis: Axes }> = {
  kind: 'unitNormalization',
  read: (options) => readLayer('unitNormalization', options, { axis: [readAxes, -1] }),
  build({ g }, inputs, { axis }) {
    const x = channelInput(inputs)
    return unit(g, x, axesOf(x, axis), 1e-12)
  },
}

/** x / sqrt(max(|x|^2, least)) along axes. */
export function unit(g: GraphWriter, x: Value, axes: readonly number[], least: number): Value {
  const squares = ops.sum(g, ops.unary(g, unaryFunctions.square, x), axes, true)
  return ops.binary(
    g,
    'divide',
    x,
    ops.unary(g, mathematicalFunctions.sqrt, ops.binary(g, 'maximum', squares, g.constant(least))),
  )
}

/**
 * Each row of `axis`, one axis or several, divided by its Euclidean norm (at least 1e-6).
 * @example
 * ```js
 * import { sequential, unitNormalization } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [4], layers: [unitNormalization()] })
 * console.log(model.predict(new Float32Array(8)).shape) // [ 2, 4 ]
 * ```
 */
export const unitNormalization = (options: AxisOptions = {}): Layer =>
  makeLayer(unitNormalizationKind, options)
