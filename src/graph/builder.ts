// Writes operations into a growing graph. Enters: values and attributes. Leaves: values with inferred shapes.
// Layers, losses and gradient rules all write through this; the methods are the operations a user's own layer
// may use. Each method only appends (or returns its input where nothing needs doing).
import { check, fail } from '../numerics/errors.ts'
import { type DType, type Shape, shapeText } from '../numerics/shape.ts'
import type { UnaryName } from './functions.ts'
import type { Graph } from './graph.ts'
import type { Kernel, Op, Phase, Writer } from './kernel.ts'
import * as ops from './ops/broadcast.ts'
import { matmul, type Transposes } from './ops/matmul.ts'
import * as moves from './ops/moves.ts'
import { softmax } from './ops/softmax.ts'
import { unary } from './ops/unary.ts'
import { isValue, type LeafKind, type Value } from './value.ts'

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
export class GraphBuilder implements Writer {
  readonly ops: Op[] = []
  phase: Phase = 'forward'
  /** The layer whose operations are being written. */
  label = ''
  /** Of the operations being written: values of one region are made again for the backward phase; 0: none. */
  region = 0
  /** What the simplified graph is changed by, if anything asked for it (recompute.ts). */
  pass: ((graph: Graph) => Graph) | null = null
  /** Values that layers of a user's own made: nothing is assumed of them. */
  readonly opaque = new Set<Value>()
  private nextId = 0

  /** A value that no operation makes: an input, a weight, a constant. */
  leaf(kind: LeafKind, name: string, shape: Shape, dtype: DType = 'float32', data?: Float32Array): Value {
    return { id: this.nextId++, shape, dtype, leaf: { kind, name, data } }
  }

  /** A constant array; by default a scalar. */
  constant(data: number | Float32Array, shape: Shape = []): Value {
    const values = typeof data === 'number' ? Float32Array.of(data) : data
    const name = values.length === 1 ? String(values[0]) : `constant${this.nextId}`
    return this.leaf('constant', name, shape, 'float32', values)
  }

  /** Writes an operation: its output, then its extras. @throws LanegradError where the inputs don't fit it */
  add<A extends object>(
    kernel: Kernel<A>,
    inputs: readonly Value[],
    attributes: A,
  ): readonly [Value, ...Value[]] {
    const { name, int32 = [], keepsType } = kernel
    inputs.forEach((input, i) => {
      check(isValue(input), `what ${name} works on`, 'values of the graph', input)
      const { dtype, shape } = input
      if (dtype === 'int32' && !int32.includes(i))
        fail(`${name} takes float32 values, got int32 ${shapeText(shape)}`)
    })
    const [output, ...extras] = kernel.shapes(inputs, attributes).map(
      (shape): Value => ({
        id: this.nextId++,
        shape,
        dtype: keepsType ? inputs[0].dtype : 'float32',
        leaf: null,
      }),
    )
    const { phase, label, region } = this
    this.ops.push({ kernel: kernel as Kernel, inputs, output, extras, attributes, phase, label, region })
    return [output, ...extras]
  }

  /** The matrix product a b of [M, K] and [K, N], each transposed if asked. */
  matmul(a: Value, b: Value, transposes?: Transposes): Value {
    return matmul(this, a, b, transposes)
  }

  /** fn(x), element by element; `alpha` is the parameter of those that have one. */
  unary(fn: UnaryName, x: Value, alpha?: number): Value {
    return unary(this, fn, x, alpha)
  }

  /** fn(a, b), element by element; shapes broadcast as in NumPy. Either may be a number. */
  binary(fn: ops.BinaryName, a: Value | number, b: Value | number): Value {
    return ops.binary(this, fn, a, b)
  }

  /** a + b; shapes broadcast, either may be a number. */
  plus(a: Value | number, b: Value | number): Value {
    return ops.plus(this, a, b)
  }

  /** a - b; shapes broadcast, either may be a number. */
  minus(a: Value | number, b: Value | number): Value {
    return ops.minus(this, a, b)
  }

  /** a b, element by element; shapes broadcast, either may be a number. */
  times(a: Value | number, b: Value | number): Value {
    return ops.times(this, a, b)
  }

  /** x times a number. */
  scale(x: Value, factor: number): Value {
    return ops.scale(this, x, factor)
  }

  /** The same elements in another shape. */
  reshape(x: Value, shape: Shape): Value {
    return moves.reshape(this, x, shape)
  }

  /** x broadcast to `shape`. */
  expand(x: Value, shape: Shape): Value {
    return ops.expand(this, x, shape)
  }

  /** The axes of x in the order `axes`. */
  permute(x: Value, axes: readonly number[]): Value {
    return moves.permute(this, x, axes)
  }

  /** The `size` elements of x from `start` on along `axis`. */
  slice(x: Value, axis: number, start: number, size: number): Value {
    return moves.slice(this, x, axis, start, size)
  }

  /** The values one behind the other along `axis`. */
  concatenate(values: readonly Value[], axis: number): Value {
    return moves.concatenate(this, values, axis)
  }

  /** Softmax over the last axis, or its logarithm. */
  softmax(x: Value, log?: boolean): Value {
    return softmax(this, x, log)
  }

  /**
   * Reduces over `axes` (all by default), `scale` applied to the result. Adjacent axes are merged, so that most
   * reductions are one operation.
   */
  reduce(fn: ops.ReductionName, x: Value, axes?: readonly number[], options?: ops.ReduceOptions): Value {
    return ops.reduce(this, fn, x, axes, options)
  }

  /** The sum over `axes`, by default over all. */
  sum(x: Value, axes?: readonly number[], keepDims?: boolean): Value {
    return ops.sum(this, x, axes, keepDims)
  }

  /** The mean over `axes`, by default over all. */
  mean(x: Value, axes?: readonly number[], keepDims?: boolean): Value {
    return ops.mean(this, x, axes, keepDims)
  }

  /** The transpose of broadcasting: sums `x` over the axes along which `shape` was broadcast to x's shape. */
  sumTo(x: Value, shape: Shape): Value {
    return ops.sumTo(this, x, shape)
  }
}
