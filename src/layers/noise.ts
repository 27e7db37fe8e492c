// Dropout and noise: active in training, the identity otherwise. The numbers depend on the model's seed, the layer's name and
// the step alone (operations/random.ts): the same seed gives the same bits, each step draws anew, and the backward phase uses
// the numbers of the forward phase.

import { RANDOM_BERNOULLI, RANDOM_NORMAL } from '../../assembly/abi.ts'
import * as ops from '../graph/operations.ts'
import type { Value } from '../graph/value.ts'
import { check, fail, NON_NEGATIVE, orNull, POSITIVE_INTEGER, SHARE } from '../numerics/errors.ts'
import { type Shape, shapeText } from '../numerics/shape.ts'
import { dropout as dropoutKernel, random } from '../operations/random.ts'
import {
  type BuildContext,
  type Layer,
  type LayerKind,
  type LayerOptions,
  makeLayer,
  readLayer,
} from './layer.ts'
import { singleInput, spatialInput } from './options.ts'

/** Options of the layers that drop at a rate. */
export interface RateOptions extends LayerOptions {
  /** The share that is dropped, in [0, 1). */
  readonly rate: number
  /** Ignored, since the seed of the model governs every layer. */
  readonly seed?: number
}

interface RateConfig {
  readonly rate: number
}

/** x times noise of mean 1, one number for each element. */
function multiplied({ g, seed, stream }: BuildContext, x: Value, kind: number, param: number): Value {
  return g.add(dropoutKernel, [x], { kind, param, seed, stream: stream() })[0]
}

/** Random numbers in the shape `shape`. `own` tells several draws of a layer apart. */
export function drawn(
  { g, seed, stream }: BuildContext,
  shape: Shape,
  kind: number,
  param: number,
  own?: string,
): Value {
  return g.add(random, [], { shape, kind, param, seed, stream: stream(own) })[0]
}

/** A kind with a rate; `write` is called in training, unless the rate is 0. */
const rateKind = (
  kind: string,
  write: (context: BuildContext, x: Value, rate: number) => Value,
  inputOf: (inputs: readonly Value[]) => Value = singleInput,
): LayerKind<RateConfig> => ({
  kind,
  read: (options) => readLayer(kind, options, { rate: SHARE }, ['seed']),
  build(context, inputs, { rate }) {
    const x = inputOf(inputs)
    return context.training && rate > 0 ? write(context, x, rate) : x
  },
})

// ---- dropout --------------------------------------------------------------------------------------

/** Options of `dropout`. */
export interface DropoutOptions extends RateOptions {
  /**
   * Shape of the mask, batch axis first: 1 for an axis along which all are dropped or none, null for the input's size.
   * Default null: each element is dropped by itself.
   */
  readonly noiseShape?: readonly (number | null)[] | null
}

type NoiseShape = readonly (number | null)[] | null

function readNoiseShape(shape: NoiseShape, what: string): NoiseShape {
  const isSize = orNull(POSITIVE_INTEGER).holds
  const fits = shape === null || (Array.isArray(shape) && shape.every((n) => isSize(n)))
  check(fits, what, 'a list of positive integers (or null)', shape)
  return shape && [...shape]
}

export const dropoutKind: LayerKind<RateConfig & { readonly noiseShape: NoiseShape }> = {
  kind: 'dropout',
  read: (options) =>
    readLayer('dropout', options, { rate: SHARE, noiseShape: [readNoiseShape, null] }, ['seed']),
  build(context, inputs, { rate, noiseShape }) {
    const x = singleInput(inputs)
    const shape = (noiseShape ?? x.shape).map((n, i) => n ?? x.shape[i])
    if (shape.length !== x.shape.length || !shape.every((n, i) => n === 1 || n === x.shape[i]))
      fail(`noiseShape ${shapeText(shape)} doesn't broadcast to its input ${shapeText(x.shape)}`)
    if (!context.training || rate === 0) return x
    if (noiseShape === null) return multiplied(context, x, RANDOM_BERNOULLI, rate)
    return ops.times(context.g, x, drawn(context, shape, RANDOM_BERNOULLI, rate))
  },
}

/**
 * Dropout (Srivastava et al. 2014): in training each element is 0 with probability `rate`, else multiplied by
 * 1 / (1 - rate). The shape stays.
 * @throws LanegradError on an unknown or bad option; when the model is made, for a noiseShape that doesn't broadcast
 * @example
 * ```js
 * import { dense, dropout, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [4], layers: [dense({ units: 8 }), dropout({ rate: 0.5 })] })
 * console.log(model.predict(new Float32Array(8)).shape) // [ 2, 8 ]
 * ```
 */
export const dropout = (options: DropoutOptions): Layer => makeLayer(dropoutKind, options)

/** A kind that drops whole channels of [batch, ...axes, channels]. */
const spatialKind = (axes: number): LayerKind<RateConfig> =>
  rateKind(
    `spatialDropout${axes}d`,
    (context, x, rate) => {
      const shape = x.shape.map((n, i) => (i > 0 && i <= axes ? 1 : n))
      return ops.times(context.g, x, drawn(context, shape, RANDOM_BERNOULLI, rate))
    },
    (inputs) => spatialInput(inputs, axes),
  )

export const spatialDropout1dKind: LayerKind<RateConfig> = /*#__PURE__*/ spatialKind(1)
export const spatialDropout2dKind: LayerKind<RateConfig> = /*#__PURE__*/ spatialKind(2)
export const spatialDropout3dKind: LayerKind<RateConfig> = /*#__PURE__*/ spatialKind(3)

/**
 * Dropout of whole channels of [batch, steps, channels] (Tompson et al. 2015): in training all steps of a channel are 0
 * with probability `rate`, else multiplied by 1 / (1 - rate).
 * @throws LanegradError for a rate that is negative or 1 or more, or an input of another rank
 * @example
 * ```js
 * import { sequential, spatialDropout1d } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [3, 4], layers: [spatialDropout1d({ rate: 0.5 })] })
 * const { data } = model.predict(new Float32Array(12).fill(1), { training: true })
 * console.log(data.join(' ')) // 2 2 0 2 2 2 0 2 2 2 0 2
 * ```
 */
export const spatialDropout1d = (options: RateOptions): Layer => makeLayer(spatialDropout1dKind, options)
/**
 * Dropout of whole channels of [batch, height, width, channels], as `spatialDropout1d`: neighbouring pixels are alike, so
 * dropping single ones would hide little.
 * @throws LanegradError for a rate that is negative or 1 or more, or an input of another rank
 * @example
 * ```js
 * import { sequential, spatialDropout2d } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [8, 8, 6], layers: [spatialDropout2d({ rate: 0.5 })] })
 * const { data } = model.predict(new Float32Array(384).fill(1), { training: true })
 * const channels = [0, 1, 2, 3, 4, 5].map((c) => [...new Set(data.filter((_, i) => i % 6 === c))].join())
 * console.log(channels.join(' ')) // 0 0 2 2 2 2
 * ```
 */
export const spatialDropout2d = (options: RateOptions): Layer => makeLayer(spatialDropout2dKind, options)
/**
 * Dropout of whole channels of [batch, depth, height, width, channels], as `spatialDropout1d`.
 * @throws LanegradError for a rate that is negative or 1 or more, or an input of another rank
 * @example
 * ```js
 * import { sequential, spatialDropout3d } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [2, 2, 2, 1], layers: [spatialDropout3d({ rate: 0.5 })] })
 * const videos = new Float32Array(3 * 8).fill(1)
 * console.log(model.predict(videos).data.join('')) // 111111111111111111111111
 * const sums = [0, 0, 0]
 * model.predict(videos, { training: true }).data.forEach((value, i) => (sums[Math.floor(i / 8)] += value))
 * console.log(sums.join(' ')) // 16 0 16
 * ```
 */
export const spatialDropout3d = (options: RateOptions): Layer => makeLayer(spatialDropout3dKind, options)

/** The value of a dropped element: the limit of selu for -infinity, -1.7580993408473766. */
const SELU_LOWEST = -1.6732632423543772 * 1.0507009873554805

export const alphaDropoutKind: LayerKind<RateConfig> = /*#__PURE__*/ rateKind(
  'alphaDropout',
  // a (kept ? x : l) + b with l = SELU_LOWEST, as a (1 - rate) dropout(x - l) + (a l + b); a and b bring mean and
  // variance back to 0 and 1: a = 1 / sqrt((1 - rate) (1 + rate l^2)), b = -a l rate
  (context, x, rate) => {
    const { g } = context
    const a = 1 / Math.sqrt((1 - rate) * (1 + rate * SELU_LOWEST * SELU_LOWEST))
    const kept = multiplied(context, ops.minus(g, x, g.constant(SELU_LOWEST)), RANDOM_BERNOULLI, rate)
    return ops.plus(g, ops.scale(g, kept, a * (1 - rate)), g.constant(a * SELU_LOWEST * (1 - rate)))
  },
)

/**
 * Alpha dropout (Klambauer et al. 2017), for networks of `selu`: in training an element takes selu's lowest value with
 * probability `rate`; then all elements are scaled and shifted so that mean 0 and variance 1 stay.
 * @throws LanegradError for a rate that is negative or 1 or more
 * @example
 * ```js
 * import { alphaDropout, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [6], layers: [alphaDropout({ rate: 0.5 })] })
 * const { data } = model.predict([[0, 0, 0, 0, 0, 0]], { training: true })
 * // kept: 0 shifted by b, dropped: a * -1.7581 + b, with a = 0.8864 and b = 0.7792
 * console.log([...data].map((value) => value.toFixed(2)).join(' ')) // 0.78 0.78 0.78 -0.78 0.78 0.78
 * ```
 */
export const alphaDropout = (options: RateOptions): Layer => makeLayer(alphaDropoutKind, options)

// ---- noise ----------------------------------------------------------------------------------------

export const gaussianDropoutKind: LayerKind<RateConfig> = /*#__PURE__*/ rateKind(
  'gaussianDropout',
  (context, x, rate) => multiplied(context, x, RANDOM_NORMAL, Math.sqrt(rate / (1 - rate))),
)

/**
 * Gaussian dropout (Srivastava et al. 2014): in training each element is multiplied by normal noise of mean 1 and standard
 * deviation sqrt(rate / (1 - rate)). Nothing is dropped; the variance is that of `dropout` at this rate.
 * @throws LanegradError for a rate that is negative or 1 or more
 * @example
 * ```js
 * import { gaussianDropout, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [10000], layers: [gaussianDropout({ rate: 0.2 })] })
 * const { data } = model.predict(new Float32Array(10000).fill(1), { training: true })
 * const mean = data.reduce((sum, value) => sum + value, 0) / 10000
 * const variance = data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 10000
 * console.log(mean.toFixed(1), Math.sqrt(variance).toFixed(1)) // 1.0 0.5
 * ```
 */
export const gaussianDropout = (options: RateOptions): Layer => makeLayer(gaussianDropoutKind, options)

/** Options of `gaussianNoise`. */
export interface GaussianNoiseOptions extends LayerOptions {
  /** Standard deviation, >= 0. */
  readonly stddev: number
  /** Ignored, since the seed of the model governs every layer. */
  readonly seed?: number
}

export const gaussianNoiseKind: LayerKind<{ readonly stddev: number }> = {
  kind: 'gaussianNoise',
  read: (options) => readLayer('gaussianNoise', options, { stddev: NON_NEGATIVE }, ['seed']),
  build(context, inputs, { stddev }) {
    const x = singleInput(inputs)
    if (!context.training || stddev === 0) return x
    return ops.plus(context.g, x, drawn(context, x.shape, RANDOM_NORMAL, stddev))
  },
}

/**
 * Gaussian noise: in training normal noise of mean 0 is added to each element, anew at every step.
 * @throws LanegradError for a negative stddev
 * @example
 * ```js
 * import { gaussianNoise, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [10000], layers: [gaussianNoise({ stddev: 0.1 })] })
 * const x = new Float32Array(10000).fill(3)
 * const deviation = ({ data }) => Math.sqrt(data.reduce((sum, value) => sum + (value - 3) ** 2, 0) / 10000).toFixed(2)
 * console.log(deviation(model.predict(x)), deviation(model.predict(x, { training: true }))) // 0.00 0.10
 * ```
 */
export const gaussianNoise = (options: GaussianNoiseOptions): Layer => makeLayer(gaussianNoiseKind, options)
