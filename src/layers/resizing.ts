// Layers that change the number of cells between the batch and the channels (the last axis): they put zeros, or another number,
// around them, or cut them off.

import * as ops from '../graph/operations.ts'
import { unslice } from '../graph/ops/moves.ts'
import type { Value } from '../graph/value.ts'
import { check, FINITE, fail, NATURAL, POSITIVE_INTEGER } from '../numerics/errors.ts'
import { type Shape, shapeText } from '../numerics/shape.ts'
import { type Layer, type LayerKind, type LayerOptions, makeLayer, readLayer } from './layer.ts'
import { inputOfAxes, spatialInput } from './options.ts'

/** Numbers of cells before and after those of an axis. */
type Pair = readonly [before: number, after: number]

/** Reads a number for all sides, one for each axis, or [before, after] of each axis (of the only axis: that pair). */
function readPairs(value: unknown, where: string, axes: number): readonly Pair[] {
  const isPair = axes === 1 && Array.isArray(value) && value.length === 2
  const list: readonly unknown[] = isPair
    ? [value]
    : Array.isArray(value)
      ? value
      : new Array(axes).fill(value)
  const pairs = list.map((own) => (Array.isArray(own) ? [...own] : [own, own]))
  const fits =
    pairs.length === axes && pairs.every((pair) => pair.length === 2 && pair.every((n) => NATURAL.holds(n)))
  const each = axes === 1 ? '[before, after]' : `a list of ${axes}, of integers or [before, after]`
  check(fits, where, `an integer >= 0 or ${each}`, value)
  return pairs as unknown as readonly Pair[]
}

/** y of x, `change` applied along each axis whose pair isn't 0. */
function alongAxes(
  x: Value,
  pairs: readonly Pair[],
  change: (x: Value, axis: number, pair: Pair) => Value,
): Value {
  return pairs.reduce((y, pair, i) => (pair[0] + pair[1] > 0 ? change(y, i + 1, pair) : y), x)
}

const withSize = (shape: Shape, axis: number, size: number): Shape =>
  shape.map((n, i) => (i === axis ? size : n))

interface PaddingConfig {
  readonly padding: readonly Pair[]
  readonly value: number
}

const paddingKind = (kind: string, axes: number): LayerKind<PaddingConfig> => ({
  kind,
  read: (options) =>
    readLayer(kind, options, {
      padding: [(padding: unknown, what: string) => readPairs(padding, what, axes), 1],
      value: [FINITE, 0],
    }),
  build: ({ g }, inputs, { padding, value }) =>
    alongAxes(spatialInput(inputs, axes), padding, (x, axis, [before, after]) =>
      unslice(g, x, axis, before, withSize(x.shape, axis, x.shape[axis] + before + after), value),
    ),
})

const croppingKind = (
  kind: string,
  axes: number,
  initial: number,
): LayerKind<{ readonly cropping: readonly Pair[] }> => ({
  kind,
  read: (options) =>
    readLayer(kind, options, {
      cropping: [(cropping: unknown, what: string) => readPairs(cropping, what, axes), initial],
    }),
  build: ({ g }, inputs, { cropping }) =>
    alongAxes(spatialInput(inputs, axes), cropping, (x, axis, [before, after]) => {
      const size = x.shape[axis] - before - after
      if (size < 1)
        fail(`cropping ${before} + ${after} of axis ${axis} leaves nothing of ${shapeText(x.shape)}`)
      return ops.slice(g, x, axis, before, size)
    }),
})

export const zeroPadding1dKind = /*#__PURE__*/ paddingKind('zeroPadding1d', 1)
export const zeroPadding2dKind = /*#__PURE__*/ paddingKind('zeroPadding2d', 2)
export const zeroPadding3dKind = /*#__PURE__*/ paddingKind('zeroPadding3d', 3)
export const cropping1dKind = /*#__PURE__*/ croppingKind('cropping1d', 1, 1)
export const cropping2dKind = /*#__PURE__*/ croppingKind('cropping2d', 2, 0)
export const cropping3dKind = /*#__PURE__*/ croppingKind('cropping3d', 3, 1)

/** Numbers of cells: one for all sides, one for each axis, or [before, after] of each axis. */
export type Edges = number | readonly (number | readonly [before: number, after: number])[]

/** Options of `zeroPadding1d`. */
export interface ZeroPadding1dOptions extends LayerOptions {
  /** Number of new steps on both sides, or [before, after]. Default 1. */
  readonly padding?: number | readonly [before: number, after: number]
  /** The number in the new steps. Default 0. */
  readonly value?: number
}

/** Options of `zeroPadding2d` and `zeroPadding3d`. */
export interface ZeroPaddingOptions extends LayerOptions {
  /** Number of new cells on all sides, on both sides of each axis, or [before, after] of each axis. Default 1. */
  readonly padding?: Edges
  /** The number in the new cells. Default 0. */
  readonly value?: number
}

/** Options of `cropping1d`. */
export interface Cropping1dOptions extends LayerOptions {
  /** Number of steps cut off on both sides, or [before, after]. Default 1. */
  readonly cropping?: number | readonly [before: number, after: number]
}

/** Options of `cropping2d` and `cropping3d`. */
export interface CroppingOptions extends LayerOptions {
  /**
   * Number of cells cut off on all sides, on both sides of each axis, or [before, after] of each axis. Default 0; of
   * cropping3d 1, as in Keras.
   */
  readonly cropping?: Edges
}

/**
 * Puts zeros, or another number, around steps: [batch, steps, channels] to [batch, before + steps + after, channels].
 * @throws LanegradError for padding that isn't integers >= 0, or an input of another rank
 * @example
 * ```js
 * import { sequential, zeroPadding1d } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [2, 1], layers: [zeroPadding1d({ padding: [2, 1] })] })
 * console.log(model.predict([[[7], [8]]]).data.join(' ')) // 0 0 7 8 0
 * ```
 */
export const zeroPadding1d = (options: ZeroPadding1dOptions = {}): Layer =>
  makeLayer(zeroPadding1dKind, options)
/**
 * Puts zeros, or another number, around images [batch, height, width, channels].
 * @throws LanegradError as zeroPadding1d
 * @example
 * ```js
 * import { sequential, zeroPadding2d } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [4, 4, 1], layers: [zeroPadding2d({ padding: 2 })] })
 * console.log(model.predict(new Float32Array(16)).shape) // [ 1, 8, 8, 1 ]
 * ```
 */
export const zeroPadding2d = (options: ZeroPaddingOptions = {}): Layer =>
  makeLayer(zeroPadding2dKind, options)
/**
 * Puts zeros, or another number, around volumes [batch, depth, height, width, channels].
 * @throws LanegradError for padding that isn't integers >= 0, or an input of another rank
 * @example
 * ```js
 * import { sequential, zeroPadding3d } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [4, 4, 4, 2], layers: [zeroPadding3d({ padding: [0, 1, [2, 3]] })] })
 * console.log(model.layers[0].outputShape) // [ 4, 6, 9, 2 ]
 * ```
 */
export const zeroPadding3d = (options: ZeroPaddingOptions = {}): Layer =>
  makeLayer(zeroPadding3dKind, options)
/**
 * Cuts off steps at both ends: [batch, steps, channels] to [batch, steps - before - after, channels].
 * @throws LanegradError for cropping that isn't integers >= 0, an input of another rank, or where nothing is left
 * @example
 * ```js
 * import { cropping1d, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [5, 1], layers: [cropping1d({ cropping: [1, 2] })] })
 * console.log(model.predict([[[1], [2], [3], [4], [5]]]).data.join(' ')) // 2 3
 * ```
 */
export const cropping1d = (options: Cropping1dOptions = {}): Layer => makeLayer(cropping1dKind, options)
/**
 * Cuts off the edges of images [batch, height, width, channels].
 * @throws LanegradError as cropping1d
 * @example
 * ```js
 * import { cropping2d, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [8, 8, 1], layers: [cropping2d({ cropping: 1 })] })
 * console.log(model.predict(new Float32Array(64)).shape) // [ 1, 6, 6, 1 ]
 * ```
 */
export const cropping2d = (options: CroppingOptions = {}): Layer => makeLayer(cropping2dKind, options)
/**
 * Cuts off the edges of volumes [batch, depth, height, width, channels].
 * @throws LanegradError as cropping1d
 * @example
 * ```js
 * import { cropping3d, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [4, 6, 8, 2], layers: [cropping3d({ cropping: [0, 1, [2, 3]] })] })
 * console.log(model.layers[0].outputShape) // [ 4, 4, 3, 2 ]
 * ```
 */
export const cropping3d = (options: CroppingOptions = {}): Layer => makeLayer(cropping3dKind, options)

/** Options of `repeatVector`. */
export interface RepeatVectorOptions extends LayerOptions {
  /** Number of steps. */
  readonly n: number
}

export const repeatVectorKind: LayerKind<{ readonly n: number }> = {
  kind: 'repeatVector',
  read: (options) => readLayer('repeatVector', options, { n: POSITIVE_INTEGER }),
  build({ g }, inputs, { n }) {
    const x = inputOfAxes(inputs, '[batch, features]')
    const [batch, features] = x.shape
    const y = ops.expand(g, ops.reshape(g, x, [batch, 1, features]), [batch, n, features])
    g.masks?.set(y, null)
    return y
  },
}

/**
 * Repeats a vector at each of n steps: [batch, features] to [batch, n, features].
 * @throws LanegradError for an n that isn't a positive integer, or an input of another rank
 * @example
 * ```js
 * import { repeatVector, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [3], layers: [repeatVector({ n: 4 })] })
 * console.log(model.predict(new Float32Array(3)).shape) // [ 1, 4, 3 ]
 * ```
 */
export const repeatVector = (options: RepeatVectorOptions): Layer => makeLayer(repeatVectorKind, options)
