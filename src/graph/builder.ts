// Writes operations into a growing graph. Enters: values and attributes. Leaves: values with inferred shapes.
// Layers, losses and gradient rules all write through this; the methods are the operations a user's own layer
// may use. Each method only appends (or returns its input where nothing needs doing).
import { check, fail, unknownName } from '../numerics/errors.ts'
import { type DType, type Shape, sameShape, shapeText } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'
import type { AnyOp, Graph, Op, Phase } from './graph.ts'
import type { Kernel } from './kernel.ts'
import {
  type BinaryName,
  binaryFunctions,
  type OpAttributes,
  type OpName,
  type ReductionName,
  shapeRules,
  type UnaryName,
  unaryFunctions,
} from './ops.ts'
import { isValue, type LeafKind, type Value } from './value.ts'

/** Operations with an input that may be int32: moves, and those that read class labels. */
const takesInt32: ReadonlySet<OpName> = new Set(['reshape', 'copy', 'loss', 'lossGrad', 'metric'])

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
export class GraphBuilder {
  readonly ops: AnyOp[] = []
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

  /** Writes the operation `name`. @throws LanegradError where the inputs do not fit it */
  add<N extends OpName>(name: N, inputs: readonly Value[], attributes: OpAttributes[N]): Value {
    for (const input of inputs) check(isValue(input), `what ${name} works on`, 'values of the graph', input)
    const shape = shapeRules[name](inputs, attributes)
    const int32 = takesInt32.has(name) ? undefined : inputs.find(({ dtype }) => dtype === 'int32')
    if (int32) fail(`${name} takes float32 values, got int32 ${shapeText(int32.shape)}`)
    const output: Value = {
      id: this.nextId++,
      shape,
      dtype: name === 'reshape' || name === 'copy' ? inputs[0].dtype : 'float32',
      leaf: null,
    }
    const op: Op<N> = {
      name,
      inputs,
      output,
      extras: [],
      attributes,
      phase: this.phase,
      label: this.label,
      region: this.region,
    }
    this.ops.push(op as AnyOp)
    return output
  }

  /** An operation of kernel.ts: its output, then its extras. */
  kernel<A extends object>(kernel: Kernel<A>, inputs: readonly Value[], attributes: A): [Value, ...Value[]] {
    const allowed = kernel.int32 ?? []
    inputs.forEach(({ dtype, shape }, i) => {
      if (dtype === 'int32' && !allowed.includes(i))
        fail(`${kernel.name} takes float32 values, got int32 ${shapeText(shape)}`)
    })
    const [output, ...extras] = kernel
      .shapes(inputs, attributes)
      .map((shape): Value => ({ id: this.nextId++, shape, dtype: 'float32', leaf: null }))
    this.ops.push({
      name: 'kernel',
      inputs,
      output,
      extras,
      attributes: { kernel: kernel as Kernel, with: attributes },
      phase: this.phase,
      label: this.label,
      region: this.region,
    })
    return [output, ...extras]
  }

  /** The matrix product a b of [M, K] and [K, N], each transposed if asked. */
  matmul(a: Value, b: Value, { transposeA = false, transposeB = false } = {}): Value {
    return this.add('matmul', [a, b], {
      transposeA,
      transposeB,
      bias: false,
      accumulate: false,
      fn: 'linear',
      alpha: 0,
    })
  }

  /** fn(x), element by element; `alpha` is the parameter of those that have one. */
  unary(fn: UnaryName, x: Value, alpha = 0): Value {
    if (!Object.hasOwn(unaryFunctions, fn)) unknownName('unary function', fn, Object.keys(unaryFunctions))
    return fn === 'linear' ? x : this.add('unary', [x], { fn, alpha })
  }

  /** dy fn'(x), for the gradient of `unary`: y is fn(x). */
  unaryGrad(fn: UnaryName, dy: Value, x: Value, y: Value, alpha: number): Value {
    return this.add('unaryGrad', [dy, unaryFunctions[fn].saves === 'x' ? x : y], { fn, alpha })
  }

  /** fn(a, b), element by element; shapes broadcast as in NumPy. Either may be a number. */
  binary(fn: BinaryName, a: Value | number, b: Value | number): Value {
    if (!Object.hasOwn(binaryFunctions, fn)) unknownName('binary function', fn, Object.keys(binaryFunctions))
    const values = [a, b].map((given) => (typeof given === 'number' ? this.constant(given) : given))
    return this.add('binary', values, { fn })
  }

  /** a + b; shapes broadcast, either may be a number. */
  plus(a: Value | number, b: Value | number): Value {
    return this.binary('add', a, b)
  }

  /** a - b; shapes broadcast, either may be a number. */
  minus(a: Value | number, b: Value | number): Value {
    return this.binary('subtract', a, b)
  }

  /** a b, element by element; shapes broadcast, either may be a number. */
  times(a: Value | number, b: Value | number): Value {
    return this.binary('multiply', a, b)
  }

  /** x times a number. */
  scale(x: Value, factor: number): Value {
    return factor === 1 ? x : this.times(x, this.constant(factor))
  }

  /** The same elements in another shape. */
  reshape(x: Value, shape: Shape): Value {
    return sameShape(x.shape, shape) ? x : this.add('reshape', [x], { shape })
  }

  /** x broadcast to `shape`. */
  expand(x: Value, shape: Shape): Value {
    return sameShape(x.shape, shape) ? x : this.add('expand', [x], { shape })
  }

  /** The axes of x in the order `axes`. */
  permute(x: Value, axes: readonly number[]): Value {
    return axes.every((axis, i) => axis === i) ? x : this.add('permute', [x], { axes })
  }

  /** The `size` elements of x from `start` on along `axis`. */
  slice(x: Value, axis: number, start: number, size: number): Value {
    return start === 0 && size === x.shape[axis] ? x : this.add('slice', [x], { axis, start, size })
  }

  /** The values one behind the other along `axis`. */
  concatenate(values: readonly Value[], axis: number): Value {
    return values.length === 1 ? values[0] : this.add('concatenate', values, { axis })
  }

  /** Softmax over the last axis, or its logarithm. */
  softmax(x: Value, log = false): Value {
    return this.add('softmax', [x], { log })
  }

  /**
   * Reduces over `axes` (all by default), `scale` applied to the result. Adjacent axes are merged, so that most
   * reductions are one operation.
   */
  reduce(fn: ReductionName, x: Value, axes?: readonly number[], { keepDims = false, scale = 1 } = {}): Value {
    const over = new Set(axes?.slice() ?? x.shape.map((_, i) => i))
    for (const axis of over) if (!(axis in x.shape)) fail(`axis ${axis} of a value of rank ${x.shape.length}`)
    const shape: number[] = [...x.shape]
    let value = x
    for (let last = shape.length - 1; last >= 0; last--) {
      if (!over.has(last)) continue
      let start = last
      while (start > 0 && over.has(start - 1)) start--
      const [outer, reduced, inner] = [
        shape.slice(0, start),
        shape.slice(start, last + 1),
        shape.slice(last + 1),
      ].map((part) => elementCount(part))
      shape.fill(1, start, last + 1)
      const factor = start === Math.min(...over) ? scale : 1
      value = this.add('reduce', [value], { fn, outer, reduced, inner, scale: factor, shape: [...shape] })
      last = start
    }
    return this.reshape(value, keepDims ? shape : shape.filter((_, i) => !over.has(i)))
  }

  /** The sum over `axes`, by default over all. */
  sum(x: Value, axes?: readonly number[], keepDims = false): Value {
    return this.reduce('sum', x, axes, { keepDims })
  }

  /** The mean over `axes`, by default over all. */
  mean(x: Value, axes?: readonly number[], keepDims = false): Value {
    const count = elementCount(axes ? axes.map((axis) => x.shape[axis]) : x.shape)
    return this.reduce('sum', x, axes, { keepDims, scale: 1 / count })
  }

  /** The transpose of broadcasting: sums `x` over the axes along which `shape` was broadcast to x's shape. */
  sumTo(x: Value, shape: Shape): Value {
    const missing = x.shape.length - shape.length
    const axes = x.shape
      .map((_, i) => i)
      .filter((i) => i < missing || (shape[i - missing] === 1 && x.shape[i] !== 1))
    return this.reshape(axes.length > 0 ? this.sum(x, axes) : x, shape)
  }
}
