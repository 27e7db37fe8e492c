// Activations with options that a name and its alpha can't hold, as layers: relu cut off at both sides, softmax over any axes.
import * as ops from '../graph/operations.ts'
import { NON_NEGATIVE, orNull } from '../numerics/errors.ts'
import { type Axes, axesLast, axesOf, readAxes } from './axes.ts'
import { type Layer, type LayerKind, type LayerOptions, makeLayer, readLayer } from './layer.ts'
import { singleInput } from './options.ts'

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
    if (threshold === 0 && maxValue === 6 && negativeSlope === 0) return ops.unary(g, 'relu6', x)
    let y =
      threshold === 0
        ? ops.unary(g, negativeSlope === 0 ? 'relu' : 'leakyRelu', x, negativeSlope)
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

export const softmaxKind: LayerKind<{ readonly axis: readonly number[] }> = {
  kind: 'softmax',
  read: (options) => readLayer('softmax', options, { axis: [readAxes, -1] }),
  build({ g }, inputs, { axis }) {
    const x = singleInput(inputs)
    const { rows, back } = axesLast(g, x, axesOf(x, axis))
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
