// Preprocessing as layers, so that it is saved with the model: rescaling, normalization by known statistics, class ids
// as rows. They have no weights: their statistics are part of the config.
import * as ops from '../graph/operations.ts'
import type { Value } from '../graph/value.ts'
import type { GraphWriter } from '../graph/writer.ts'
import {
  check,
  checkOptions,
  FINITE,
  fail,
  isObject,
  mismatch,
  NON_NEGATIVE,
  oneOf,
  POSITIVE_INTEGER,
  type Rule,
  reading,
} from '../numerics/errors.ts'
import { shapeText } from '../numerics/shape.ts'
import { elementCount, type NestedNumbers, tensor } from '../numerics/tensor.ts'
import { floats } from '../operations/convert.ts'
import { encodeCategories } from '../operations/normalize.ts'
import { type Axes, axesOf, readAxes } from './axes.ts'
import { type Layer, type LayerKind, type LayerOptions, makeLayer, readLayer } from './layer.ts'
import { idInput, singleInput } from './options.ts'

/** One number, or a list of one for each channel (the last axis). */
export type PerChannel = number | readonly number[]

/** A reader of numbers that fulfil the rule. */
const perChannel =
  (rule: Rule<number>) =>
  (value: PerChannel, where: string): PerChannel => {
    const isList = Array.isArray(value) && value.length > 0
    const fits = isList ? value.every((x) => rule.holds(x)) : rule.holds(value)
    check(fits, where, `${rule.expected} or a list of one for each channel`, value)
    return isList ? [...value] : value
  }

/** The numbers as a value that broadcasts to x: a list has one for each place on `axes`. */
function constantFor(g: GraphWriter, x: Value, value: PerChannel, name: string, axes: Axes = -1): Value {
  if (typeof value === 'number') return g.constant(value)
  const chosen = axesOf(x, axes)
  const shape = x.shape.map((n, axis) => (chosen.includes(axis) ? n : 1)).slice(chosen[0])
  const channels = elementCount(shape)
  if (value.length !== channels)
    mismatch(`${channels} numbers as ${name}, one for each channel`, value.length)
  return g.constant(Float32Array.from(value), shape)
}

// ---- rescaling ------------------------------------------------------------------------------------

/** Options of `rescaling`. */
export interface RescalingOptions extends LayerOptions {
  /** Factor. */
  readonly scale: PerChannel
  /** Summand, added after the factor is applied. Default 0. */
  readonly offset?: PerChannel
}

export const rescalingKind: LayerKind<{ readonly scale: PerChannel; readonly offset: PerChannel }> = {
  kind: 'rescaling',
  read: (options) =>
    readLayer('rescaling', options, { scale: perChannel(FINITE), offset: [perChannel(FINITE), 0] }),
  build({ g }, inputs, { scale, offset }) {
    const x = floats(g, singleInput(inputs))
    const scaled = ops.times(g, x, constantFor(g, x, scale, 'scale'))
    return offset === 0 ? scaled : ops.plus(g, scaled, constantFor(g, x, offset, 'offset'))
  },
}

/**
 * Rescaling, x scale + offset: `rescaling({ scale: 1 / 255 })` brings bytes to 0 ... 1. Any shape [batch, ..., channels], of
 * float32 or int32.
 * @throws LanegradError for a number that isn't finite, or a list of another length than the last axis
 * @example
 * ```js
 * import { rescaling, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [3], layers: [rescaling({ scale: 2 / 255, offset: -1 })] })
 * console.log([...model.predict([[0, 127.5, 255]]).data].map((value) => value.toFixed(2)).join(' ')) // -1.00 0.00 1.00
 * ```
 */
export const rescaling = (options: RescalingOptions): Layer => makeLayer(rescalingKind, options)

// ---- normalization --------------------------------------------------------------------------------

/** Options of `normalization`. */
export interface NormalizationOptions extends LayerOptions {
  /** The axis of the channels, or several, whose places are counted row by row; negative ones count from the end. Default -1. */
  readonly axis?: Axes
  /** The mean to subtract. */
  readonly mean: PerChannel
  /** The variance whose root divides, >= 0. */
  readonly variance: PerChannel
}

export const normalizationKind: LayerKind<{
  readonly axis: Axes
  readonly mean: PerChannel
  readonly variance: PerChannel
}> = {
  kind: 'normalization',
  read: (options) =>
    readLayer('normalization', options, {
      axis: [readAxes, -1],
      mean: perChannel(FINITE),
      variance: perChannel(NON_NEGATIVE),
    }),
  build({ g }, inputs, { axis, mean, variance }) {
    const x = floats(g, singleInput(inputs))
    const deviation = (v: number) => Math.max(Math.sqrt(v), 1e-7)
    const deviations = typeof variance === 'number' ? deviation(variance) : variance.map(deviation)
    const divisor = constantFor(g, x, deviations, 'variance', axis)
    let centered = ops.minus(g, x, constantFor(g, x, mean, 'mean', axis))
    // The part of a mean that a float32 cuts off is subtracted as well, where it would show.
    const numberAt = (value: PerChannel, c: number) => (typeof value === 'number' ? value : value[c])
    const channels = elementCount(axesOf(x, axis).map((own) => x.shape[own]))
    const rests = Array.from({ length: channels }, (_, c) => {
      const rest = numberAt(mean, c) - Math.fround(numberAt(mean, c))
      const spread = Math.sqrt(numberAt(variance, c))
      return spread > 0 && Math.abs(rest) > 1e-6 * spread ? rest : 0
    })
    if (rests.some((rest) => rest !== 0))
      centered = ops.minus(g, centered, constantFor(g, x, rests, 'mean', axis))
    return ops.binary(g, 'divide', centered, divisor)
  },
}

/**
 * Normalization by known statistics, (x - mean) / max(sqrt(variance), 1e-7) for each channel of [batch, ..., channels], float32
 * or int32. `adaptNormalization` finds both in data.
 * @throws LanegradError for a number that isn't finite, a negative variance, or a list of another length than the last axis
 * @example
 * ```js
 * import { normalization, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [2], layers: [normalization({ mean: [1, 10], variance: [4, 100] })] })
 * console.log(model.predict([[5, 0]]).data.join(' ')) // 2 -1
 * ```
 */
export const normalization = (options: NormalizationOptions): Layer => makeLayer(normalizationKind, options)

/** Samples with their shape, [samples, ..., channels]. */
export type Samples =
  | { readonly shape: readonly number[]; readonly data: ArrayLike<number> }
  | readonly NestedNumbers[]

/**
 * A `normalization` layer with the mean and variance of each channel of `x` [samples, ..., channels], over all axes
 * but the last, in float64: Keras's `adapt`. They become part of the layer and of a saved model.
 * @throws LanegradError where x isn't of rank 2 or more, is empty, or has a number that isn't finite
 * @example
 * ```js
 * import { adaptNormalization, sequential } from 'lanegrad'
 *
 * const x = [[1, 10], [3, 30]]
 * const model = sequential({ inputShape: [2], layers: [adaptNormalization(x)] })
 * console.log([...model.predict(x).data].map(Math.round)) // [ -1, -1, 1, 1 ]
 * ```
 */
export function adaptNormalization(x: Samples, options: LayerOptions = {}): Layer {
  const where = 'adaptNormalization: x'
  checkOptions('adaptNormalization', options, ['name', 'trainable'])
  return reading(where, () => {
    const isShaped = isObject(x) && 'shape' in x && 'data' in x
    check(isShaped || Array.isArray(x), where, 'a tensor or nested arrays', x)
    const { shape, data } = isShaped ? x : tensor(x as readonly NestedNumbers[], undefined, where)
    const count = elementCount(shape, where)
    if (shape.length < 2 || count === 0 || count !== data.length)
      fail(
        `${where}: expected shape [samples, ..., channels]; got ${shapeText(shape)} with ${data.length} elements`,
      )
    const channels = shape[shape.length - 1]
    const rows = count / channels
    /** The mean over the rows of `term`, for each channel. */
    const channelMeans = (term: (value: number, channel: number) => number): number[] => {
      const sums = new Float64Array(channels)
      for (let i = 0; i < count; i += channels)
        for (let c = 0; c < channels; c++) sums[c] += term(data[i + c], c)
      return Array.from(sums, (sum) => sum / rows)
    }
    const mean = channelMeans((value) => value)
    check(mean.every(Number.isFinite), where, 'finite numbers', mean)
    const variance = channelMeans((value, c) => (value - mean[c]) * (value - mean[c]))
    return normalization({ ...options, mean, variance })
  })
}

// ---- categories -----------------------------------------------------------------------------------

/** The forms that `categoryEncoding` gives ids. */
export type OutputMode = 'oneHot' | 'multiHot' | 'count'

/** Options of `categoryEncoding`. */
export interface CategoryEncodingOptions extends LayerOptions {
  /** Number of ids: they go from 0 to numTokens - 1. */
  readonly numTokens: number
  /**
   * 'multiHot': 1 for each id that occurs in a row of the last axis, [..., n] to [..., numTokens]. 'count': the number of
   * times it occurs. 'oneHot': a row for each id, [...] to [..., numTokens], in place of a last axis of size 1. Default
   * 'multiHot'.
   */
  readonly outputMode?: OutputMode
}

export const categoryEncodingKind: LayerKind<{
  readonly numTokens: number
  readonly outputMode: OutputMode
}> = {
  kind: 'categoryEncoding',
  read: (options) =>
    readLayer('categoryEncoding', options, {
      numTokens: POSITIVE_INTEGER,
      outputMode: [oneOf('oneHot', 'multiHot', 'count'), 'multiHot'],
    }),
  build({ g }, inputs, { numTokens, outputMode }) {
    const x = idInput(inputs)
    const { shape } = x
    const appends = outputMode === 'oneHot' && (shape.length === 1 || shape[shape.length - 1] !== 1)
    const ids = appends ? ops.reshape(g, x, [...shape, 1]) : x
    if (ids.shape.length < 2) mismatch('an input [batch, ..., ids]', shapeText(shape))
    return g.add(encodeCategories, [ids], { tokens: numTokens, count: outputMode === 'count' })[0]
  },
}

/**
 * Encodes int32 ids as float32 rows of `numTokens`: 1 (or a count) at the place of each id that occurs, 0 elsewhere. Ids out
 * of range count nowhere.
 * @throws LanegradError on an unknown or bad option, or an input that isn't int32
 * @example
 * ```js
 * import { categoryEncoding, sequential } from 'lanegrad'
 *
 * const encode = (outputMode) => sequential({
 *   inputShape: [3], inputDtype: 'int32', layers: [categoryEncoding({ numTokens: 4, outputMode })],
 * }).predict([[1, 1, 3]])
 * console.log(encode('multiHot').data.join(' ')) // 0 1 0 1
 * console.log(encode('count').data.join(' ')) // 0 2 0 1
 * console.log(encode('oneHot').shape) // [ 1, 3, 4 ]
 * ```
 */
export const categoryEncoding = (options: CategoryEncodingOptions): Layer =>
  makeLayer(categoryEncodingKind, options)
