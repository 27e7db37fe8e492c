// Activations with options that a name and its alpha can't hold, as layers: relu cut off at both sides, softmax over any axes,
// prelu with its weight.
import { unaryFunctions } from '../graph/functions.ts'
import * as ops from '../graph/operations.ts'
import { NON_NEGATIVE, orNull } from '../numerics/errors.ts'
import { type Axes, axesLast, axesOf, readAxes } from './axes.ts'
import { type Layer, type LayerKind, type LayerOptions, makeLayer, readLayer } from './layer.ts'
import { channelInput, channelsOf, singleInput, weightOptions, weightReaders } from './options.ts'
import type { AlphaOptions } from './weights.ts'

/** Options of `relu`. */
export interface ReluOptions extends LayerOptions {
  /** The largest output, >= 0. Default null: none. */
  readonly maxValue?: number | null
  /** Slope up to the threshold, >= 0: negativeSlope (x - threshold). Default 0. */
  readonly negativeSlope?: number
  /** x above it stays as it is; >= 0. Default 0. */
  readonly threshold?: number
}

const readRelu = (options: object) =>
  readLayer('relu', options, {
    maxValue: [orNull(NON_NEGATIVE), null],
    negativeSlope: [NON_NEGATIVE, 0],
    threshold: [NON_NEGATIVE, 0],
  })

export const reluKind: LayerKind<ReturnType<typeof readRelu>> = {
  kind: 'relu',
  read: readRelu,
  build({ g }, inputs, { maxValue, negativeSlope, threshold }) {
    const x = singleInput(inputs)
    if (threshold === 0 && maxValue === 6 && negativeSlope === 0) return ops.unary(g, unaryFunctions.relu6, x)
    let y =
      threshold === 0
        ? ops.unary(g, unaryFunctions[negativeSlope === 0 ? 'relu' : 'leakyRelu'], x, negativeSlope)
        : ops.times(g, ops.binary(g, 'maximum', x, threshold), ops.binary(g, 'greater', x, threshold))
    if (maxValue !== null) y = ops.binary(g, 'minimum', y, maxValue)
    if (threshold === 0 || negativeSlope === 0) return y
    const below = ops.binary(g, 'minimum', 0, ops.minus(g, x, threshold))
    return ops.plus(g, y, ops.scale(g, below, negativeSlope))
  },
}

/**
 * Rectified linear unit with its ends chosen, Keras's ReLU, elementwise: maxValue from there on, x above `threshold`, and
 * negativeSlope (x - threshold) up to it. `relu({ threshold })` is Keras's ThresholdedReLU.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { relu, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [4], layers: [relu({ maxValue: 4, negativeSlope: 0.5, threshold: 1 })] })
 * console.log(model.predict([[-1, 1, 2, 8]]).data.join(' ')) // -1 0 2 4
 * ```
 */
export const relu = (options: ReluOptions = {}): Layer => makeLayer(reluKind, options)

/** Options of `softmax`. */
export interface SoftmaxOptions extends LayerOptions {
  /** The axis, or the axes, over which the outputs sum to 1; negative ones count from the end. Default -1. */
  readonly axis?: Axes
}

export const softmaxKind: LayerKind<{ readonly axis: Axes }> = {
  kind: 'softmax',
  read: (options) => readLayer('softmax', options, { axis: [readAxes, -1] }),
  build({ g }, inputs, { axis }) {
    const { rows, back } = axesLast(g, singleInput(inputs), axis)
    return back(ops.softmax(g, rows))
  },
}

/**
 * Softmax over any axes of samples; `activation({ activation: 'softmax' })` is that over the last one.
 * @throws LanegradError for the axis 0; when the model is made, for axes that the input lacks
 * @example
 * ```js
 * import { sequential, softmax } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [2, 2], layers: [softmax({ axis: [1, 2] })] })
 * console.log(model.predict(new Float32Array(4)).data.join(' ')) // 0.25 0.25 0.25 0.25
 * ```
 */
export const softmax = (options: SoftmaxOptions = {}): Layer => makeLayer(softmaxKind, options)

/** Options of `prelu`. */
export interface PreluOptions extends LayerOptions, AlphaOptions {
  /**
   * The axes along which alpha is the same, as in Keras: [] gives one for each element of a sample, [1, 2] one for each
   * channel of images. Default null: one for each place on the last axis.
   */
  readonly sharedAxes?: Axes | null
}

const readShared = (axes: Axes | null, what: string): Axes | null =>
  axes === null || (Array.isArray(axes) && axes.length === 0) ? axes : readAxes(axes, what)

const readPrelu = (options: object) =>
  readLayer('prelu', options, { sharedAxes: [readShared, null], ...weightReaders({ alpha: 'zeros' }) })

export const preluKind: LayerKind<ReturnType<typeof readPrelu>> = {
  kind: 'prelu',
  read: readPrelu,
  // max(x, 0) + alpha min(x, 0)
  build({ g, weight }, inputs, config) {
    const x = channelInput(inputs)
    const shared = config.sharedAxes === null ? null : axesOf(x, config.sharedAxes)
    const shape = shared ? x.shape.slice(1).map((n, i) => (shared.includes(i + 1) ? 1 : n)) : [channelsOf(x)]
    const alpha = weight('alpha', shape, weightOptions(config, 'alpha'))
    const zero = g.constant(0)
    return ops.plus(
      g,
      ops.binary(g, 'maximum', x, zero),
      ops.times(g, alpha, ops.binary(g, 'minimum', x, zero)),
    )
  },
}

/**
 * Parametric ReLU (He et al. 2015): x > 0 ? x : alpha x. Weight `alpha` [channels], or with `sharedAxes` of the shape of a
 * sample whose shared axes have size 1.
 * @throws LanegradError on an unknown or bad option; when the model is made, for axes that the input lacks
 * @example
 * ```js
 * import { prelu, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [2, 3], layers: [prelu({ sharedAxes: [], alphaInitializer: 'ones' })] })
 * console.log(model.predict(new Float32Array(6)).shape, model.countParams()) // [ 1, 2, 3 ] 6
 * ```
 */
export const prelu = (options: PreluOptions = {}): Layer => makeLayer(preluKind, options)
