// The builder that a user's own layers and losses compute with: the operations as methods. Only a program that has such layers
// carries all of them.

import { entryOf } from '../numerics/errors.ts'
import type { Shape } from '../numerics/shape.ts'
import type { UnaryFunction } from './functions.ts'
import type { Writer } from './kernel.ts'
import { allFunctions, type FunctionName } from './mathematics.ts'
import * as ops from './operations.ts'
import { type BinaryName, binaryFunctions, type ReduceOptions, type ReductionName } from './ops/broadcast.ts'
import type { Transposes } from './ops/matmul.ts'
import type { Value } from './value.ts'

/**
 * Writes operations into a graph: what custom layers and losses compute with. Each has its gradient. Nothing is computed
 * while they are written: a value is known by its `shape` alone.
 * @example
 * ```js
 * import { customLayer, sequential } from 'lanegrad'
 *
 * // g is a GraphBuilder; x - mean(x) over the last axis
 * const center = customLayer({ kind: 'center', build: ({ g }, [x]) => g.minus(x, g.mean(x, [x.shape.length - 1], true)) })
 * const model = sequential({ inputShape: [3], layers: [center()] })
 * console.log(model.predict([[1, 2, 6]]).data.join(' ')) // -2 -1 3
 * ```
 */
export interface GraphBuilder {
  /** A constant array; by default a scalar. */
  constant(data: number | Float32Array, shape?: Shape): Value
  /** The matrix product a b of [M, K] and [K, N], each transposed if asked. */
  matmul(a: Value, b: Value, transposes?: Transposes): Value
  /** fn(x), element by element; `alpha` is the parameter of those that have one. Default 0. */
  unary(fn: FunctionName, x: Value, alpha?: number): Value
  /** fn(a, b), element by element; shapes broadcast as in NumPy. Either may be a number. */
  binary(fn: BinaryName, a: Value | number, b: Value | number): Value
  /** a + b; shapes broadcast, either may be a number. */
  plus(a: Value | number, b: Value | number): Value
  /** a - b; shapes broadcast, either may be a number. */
  minus(a: Value | number, b: Value | number): Value
  /** a b, element by element; shapes broadcast, either may be a number. */
  times(a: Value | number, b: Value | number): Value
  /** x times a number. */
  scale(x: Value, factor: number): Value
  /** The same elements in another shape. */
  reshape(x: Value, shape: Shape): Value
  /** x broadcast to `shape`. */
  expand(x: Value, shape: Shape): Value
  /** The axes of x in the order `axes`. */
  permute(x: Value, axes: readonly number[]): Value
  /** The `size` elements of x from `start` on along `axis`. */
  slice(x: Value, axis: number, start: number, size: number): Value
  /** The values one behind the other along `axis`. */
  concatenate(values: readonly Value[], axis: number): Value
  /** Softmax over the last axis, or its logarithm (`log` true). */
  softmax(x: Value, log?: boolean): Value
  /**
   * Reduces over `axes` (all by default), `scale` applied to the result. Adjacent axes are merged, so that most
   * reductions are one operation.
   */
  reduce(fn: ReductionName, x: Value, axes?: readonly number[], options?: ReduceOptions): Value
  /** The sum over `axes`, by default over all. `keepDims` keeps these as axes of size 1. */
  sum(x: Value, axes?: readonly number[], keepDims?: boolean): Value
  /** The mean over `axes`, by default over all. `keepDims` keeps these as axes of size 1. */
  mean(x: Value, axes?: readonly number[], keepDims?: boolean): Value
  /** The transpose of broadcasting: sums `x` over the axes along which `shape` was broadcast to x's shape. */
  sumTo(x: Value, shape: Shape): Value
}

const methods = {
  constant: (g: Writer, data: number | Float32Array, shape?: Shape) => g.constant(data, shape),
  matmul: ops.matmul,
  unary: (g: Writer, fn: FunctionName, x: Value, alpha?: number) =>
    ops.unary(g, entryOf<UnaryFunction>('unary function', fn, allFunctions), x, alpha),
  binary: (g: Writer, fn: BinaryName, a: Value | number, b: Value | number) => {
    entryOf('binary function', fn, binaryFunctions)
    return ops.binary(g, fn, a, b)
  },
  plus: ops.plus,
  minus: ops.minus,
  times: ops.times,
  scale: ops.scale,
  reshape: ops.reshape,
  expand: ops.expand,
  permute: ops.permute,
  slice: ops.slice,
  concatenate: ops.concatenate,
  softmax: ops.softmax,
  reduce: ops.reduce,
  sum: ops.sum,
  mean: ops.mean,
  sumTo: ops.sumTo,
} satisfies { [N in keyof GraphBuilder]: (g: Writer, ...given: Parameters<GraphBuilder[N]>) => Value }

type Method = (g: Writer, ...given: unknown[]) => Value

/** The builder that writes through `writer`. */
export const graphBuilder = (writer: Writer): GraphBuilder =>
  Object.fromEntries(
    Object.entries(methods as unknown as Readonly<Record<string, Method>>).map(([name, write]) => [
      name,
      (...given: unknown[]) => write(writer, ...given),
    ]),
  ) as unknown as GraphBuilder
