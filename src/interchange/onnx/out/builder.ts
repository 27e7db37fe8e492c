// A growing ONNX graph whose constructors keep it small: what one is asked to add is written in its simplest form.
// - Reshapes and transposes are moved behind what works element by element, where they meet others and vanish: so values stay
//   with channels first between windowed operations, although every operation is asked for with channels last.
// - A bias becomes part of the convolution in front of it. Moves of constants are made at once. Equal nodes are one.
// They look at what makes an input, never at what reads an output, so one pass is enough. Nodes that nothing reads remain and
// are left out of the file.

import { isFloat32, isInt32 } from '../../../numerics/brands.ts'
import { fail } from '../../../numerics/errors.ts'
import { DATA_TYPE } from '../messages.ts'
import {
  type Attributes,
  type Node,
  type Numbers,
  sameDims,
  strided,
  stridesOf,
  type Tensor,
} from './tensor.ts'
import type { Dims } from './trace.ts'

const FLOAT: number = DATA_TYPE.float

/** Constants of up to so many numbers are kept once. */
const SMALL = 64

const isOne = ({ dims }: Tensor): boolean => dims.every((n) => n === 1)
const inverseOf = (perm: readonly number[]): number[] => perm.map((_, axis) => perm.indexOf(axis))
const permOf = ({ attributes }: Node): readonly number[] => attributes.perm as readonly number[]

/** What NumPy's rule makes of two shapes. */
export function broadcast(a: Dims, b: Dims): Dims {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const [p, q] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1]
    return p === 1 ? q : p
  })
}

export class OnnxBuilder {
  readonly nodes: Node[] = []
  /** The layer whose nodes are being added. */
  label = ''
  private nextId = 0
  private readonly known = new Map<string, Node>()
  private readonly constants = new Map<string, Tensor>()
  /** Constants that are others, moved. */
  private readonly moved = new Map<string, Tensor>()
  private batch: Tensor | null = null

  private leaf(dims: Dims, type: number, hint: string, data: Numbers | null): Tensor {
    return { id: this.nextId++, dims, type, node: null, data, hint }
  }

  input(name: string, dims: Dims, type: number): Tensor {
    const made = this.leaf(dims, type, name, null)
    this.batch ??= made
    return made
  }

  constant(data: Numbers, dims: Dims, hint = ''): Tensor {
    const type = isFloat32(data) ? FLOAT : isInt32(data) ? DATA_TYPE.int32 : DATA_TYPE.int64
    if (data.length > SMALL) return this.leaf(dims, type, hint, data)
    const numbers = Array.from(data as Float32Array, (n) => (Object.is(n, -0) ? '-0' : String(n)))
    const key = `${type} ${dims} ${numbers}`
    const found = this.constants.get(key) ?? this.leaf(dims, type, hint, data)
    this.constants.set(key, found)
    return found
  }

  scalar = (value: number): Tensor => this.constant(Float32Array.of(value), [])
  vector = (values: readonly number[]): Tensor => this.constant(Float32Array.from(values), [values.length])
  ints = (values: readonly number[]): Tensor =>
    this.constant(BigInt64Array.from(values, BigInt), [values.length], 'ints')
  /** `count` times one number. */
  filled = (value: number, count: number): Tensor => this.vector(new Array<number>(count).fill(value))

  /** A node as it is; one tensor for each of `dims`. */
  node(
    op: string,
    inputs: readonly (Tensor | null)[],
    dims: readonly Dims[],
    attributes: Attributes = {},
    type = FLOAT,
  ): readonly Tensor[] {
    const key = JSON.stringify([op, inputs.map((input) => input?.id), attributes, dims.length])
    const known = this.known.get(key)
    if (known) return known.outputs
    const outputs: Tensor[] = []
    const node: Node = { op, inputs, outputs, attributes, label: this.label }
    for (const own of dims) outputs.push({ id: this.nextId++, dims: own, type, node, data: null, hint: '' })
    this.nodes.push(node)
    this.known.set(key, node)
    return outputs
  }

  private one(
    op: string,
    inputs: readonly (Tensor | null)[],
    dims: Dims,
    attributes: Attributes = {},
    type = FLOAT,
  ): Tensor {
    return this.node(op, inputs, [dims], attributes, type)[0]
  }

  /** The size of the batch, [1]. */
  private batchSize(): Tensor {
    const x = this.batch ?? fail('a model without inputs')
    return this.one('Shape', [x], [1], { start: 0, end: 1 }, DATA_TYPE.int64)
  }

  /** A shape as a value, for operators that take one. */
  private shape(dims: Dims): Tensor {
    if (dims.every((n) => n >= 0)) return this.ints(dims)
    const parts = dims.map((n) => {
      if (n >= 0) return this.ints([n])
      return n === -1
        ? this.batchSize()
        : this.one('Mul', [this.batchSize(), this.ints([-n])], [1], {}, DATA_TYPE.int64)
    })
    return this.one('Concat', parts, [dims.length], { axis: 0 }, DATA_TYPE.int64)
  }

  /** A constant made of another one: the same for every use, so that weights that layers share stay one. */
  private once(key: string, make: () => Tensor): Tensor {
    const made = this.moved.get(key) ?? make()
    this.moved.set(key, made)
    return made
  }

  // ---- moves --------------------------------------------------------------------------------------

  reshape(x: Tensor, dims: Dims): Tensor {
    const { node } = x
    if (sameDims(x.dims, dims)) return x
    const own = x.data
    if (own) return this.once(`${x.id} ${dims}`, () => this.constant(own, dims, x.hint))
    if (node?.op === 'Reshape') return this.reshape(node.inputs[0] as Tensor, dims)
    if (node?.attributes.keepdims === 1) {
      const axes = node.attributes.reduced as readonly number[]
      if (
        sameDims(
          dims,
          x.dims.filter((_, axis) => !axes.includes(axis)),
        )
      )
        return this.one(node.op, node.inputs, dims, { ...node.attributes, keepdims: 0 })
    }
    // one size may be left to the runtime
    const isPlain = dims.filter((n) => n < 0).length <= 1
    const to = isPlain ? this.ints(dims.map((n) => Math.max(n, -1))) : this.shape(dims)
    return this.one('Reshape', [x, to], dims, {}, x.type)
  }

  transpose(x: Tensor, perm: readonly number[]): Tensor {
    const { node, dims, data } = x
    const to = perm.map((axis) => dims[axis])
    const order = perm.filter((axis) => dims[axis] !== 1)
    if (order.every((axis, i) => i === 0 || axis > order[i - 1])) return this.reshape(x, to)
    if (data) {
      const strides = perm.map((axis) => stridesOf(dims)[axis])
      return this.once(`${x.id} ${perm} ${to}`, () => this.constant(strided(data, to, strides), to, x.hint))
    }
    if (node?.op === 'Transpose') {
      const first = permOf(node)
      return this.transpose(
        node.inputs[0] as Tensor,
        perm.map((axis) => first[axis]),
      )
    }
    return this.one('Transpose', [x], to, { perm }, x.type)
  }

  /** x [batch, ..., channels] with the channels behind the batch. */
  channelsFirst(x: Tensor): Tensor {
    const last = x.dims.length - 1
    return this.transpose(x, [0, last, ...x.dims.slice(1, -1).map((_, i) => i + 1)])
  }

  channelsLast(x: Tensor): Tensor {
    return this.transpose(x, [0, ...x.dims.slice(2).map((_, i) => i + 2), 1])
  }

  /** Applies `move`, which works along `axis` of x, before the transpose that made x. */
  private along(x: Tensor, axis: number, move: (x: Tensor, axis: number) => Tensor): Tensor {
    if (x.node?.op !== 'Transpose') return move(x, axis)
    const perm = permOf(x.node)
    return this.transpose(this.along(x.node.inputs[0] as Tensor, perm[axis], move), perm)
  }

  slice(x: Tensor, at: number, start: number, size: number): Tensor {
    if (start === 0 && size === x.dims[at]) return x
    return this.along(x, at, (source, axis) => {
      const dims = source.dims.map((n, i) => (i === axis ? size : n))
      if (source.data) {
        const strides = stridesOf(source.dims)
        return this.constant(strided(source.data, dims, strides, start * strides[axis]), dims, source.hint)
      }
      const ends = [[start], [start + size], [axis]].map((list) => this.ints(list))
      return this.one('Slice', [source, ...ends], dims, {}, source.type)
    })
  }

  /** x with the order of one axis reversed. */
  flip(x: Tensor, at: number): Tensor {
    return this.along(x, at, (source, axis) => {
      const ends = [[-1], [-0x80000000], [axis], [-1]].map((list) => this.ints(list))
      return this.one('Slice', [source, ...ends], source.dims)
    })
  }

  /** x with the number `filled` before and behind it along an axis. */
  pad(x: Tensor, at: number, before: number, size: number, filled = 0): Tensor {
    return this.along(x, at, (source, axis) => {
      const dims = source.dims.map((n, i) => (i === axis ? size : n))
      const pads = [...dims, ...dims].fill(0)
      pads[axis] = before
      pads[dims.length + axis] = size - before - source.dims[axis]
      const { node } = source
      const others = filled === 0 ? [] : [this.scalar(filled)]
      if (node?.op !== 'Pad' || node.inputs[2] !== others[0])
        return this.one('Pad', [source, this.ints(pads), ...others], dims)
      const first = (node.inputs[1] as Tensor).data as BigInt64Array
      const both = pads.map((n, i) => n + Number(first[i]))
      return this.one('Pad', [node.inputs[0], this.ints(both), ...others], dims)
    })
  }

  /** The cells of one axis that have these numbers. */
  gather(x: Tensor, cells: readonly number[], at: number): Tensor {
    return this.along(x, at, (source, axis) => {
      const dims = source.dims.map((n, i) => (i === axis ? cells.length : n))
      return this.one('Gather', [source, this.ints(cells)], dims, { axis })
    })
  }

  /** x with channels first in another size; one resize behind another by the same rule is one. */
  resize(x: Tensor, dims: Dims, mode: Attributes): Tensor {
    const { node } = x
    if (node?.op === 'Resize' && JSON.stringify(node.attributes) === JSON.stringify(mode))
      return this.resize(node.inputs[0] as Tensor, dims, mode)
    const scales = dims.map((n, i) => n / x.dims[i])
    const isExact = scales.every((scale, i) => Math.floor(Math.fround(scale) * x.dims[i]) === dims[i])
    const size = isExact ? [this.vector(scales)] : [null, this.shape(dims)]
    return this.one('Resize', [x, null, ...size], dims, mode)
  }

  concatenate(values: readonly Tensor[], axis: number): Tensor {
    if (values.length === 1) return values[0]
    const [{ node, dims: first }] = values
    const perm = node?.op === 'Transpose' ? permOf(node) : null
    if (perm && values.every((x) => x.node?.op === 'Transpose' && `${permOf(x.node)}` === `${perm}`)) {
      const sources = values.map((x) => x.node?.inputs[0] as Tensor)
      return this.transpose(this.concatenate(sources, perm[axis]), perm)
    }
    const size = values.reduce((sum, { dims }) => sum + dims[axis], 0)
    const dims = first.map((n, i) => (i === axis ? size : n))
    const data = values.map((x) => x.data)
    if (data.every((numbers) => numbers !== null)) {
      // rows of one constant behind those of the other
      const joined = new Float32Array(data.reduce((sum, { length }) => sum + length, 0))
      const outer = first.slice(0, axis).reduce((product, n) => product * n, 1)
      let at = 0
      for (let row = 0; row < outer; row++)
        for (const numbers of data as Float32Array[]) {
          const width = numbers.length / outer
          joined.set(numbers.subarray(row * width, (row + 1) * width), at)
          at += width
        }
      return this.constant(joined, dims, values[0].hint)
    }
    return this.one('Concat', values, dims, { axis })
  }

  expand(x: Tensor, dims: Dims): Tensor {
    if (sameDims(x.dims, dims)) return x
    const lead = dims.length - x.dims.length
    // 1 leaves an axis as it is
    return this.one('Expand', [x, this.shape(dims.map((n, i) => (x.dims[i - lead] === n ? 1 : n)))], dims)
  }

  // ---- numbers ------------------------------------------------------------------------------------

  /** An operator that works element by element; `others`: its further inputs, numbers. */
  map(
    op: string,
    x: Tensor,
    attributes: Attributes = {},
    others: readonly Tensor[] = [],
    type = FLOAT,
  ): Tensor {
    const { node } = x
    const inner = () => this.map(op, node?.inputs[0] as Tensor, attributes, others, type)
    if (node?.op === 'Reshape') return this.reshape(inner(), x.dims)
    if (node?.op === 'Transpose') return this.transpose(inner(), permOf(node))
    return this.one(op, [x, ...others], x.dims, attributes, type)
  }

  cast(x: Tensor, type: number): Tensor {
    return x.type === type ? x : this.map('Cast', x, { to: type }, [], type)
  }

  /** An operator of two values that broadcasts. */
  binary(op: string, a: Tensor, b: Tensor, type = FLOAT): Tensor {
    const dims = broadcast(a.dims, b.dims)
    return (
      this.beforeMoves(op, a, b, dims, type) ??
      this.withBias(op, a, b) ??
      this.one(op, [a, b], dims, {}, type)
    )
  }

  /** The operator in front of the reshape or transpose that made one of its inputs, if the other one can follow. */
  private beforeMoves(op: string, a: Tensor, b: Tensor, dims: Dims, type: number): Tensor | null {
    for (const [moved, other] of [
      [a, b],
      [b, a],
    ]) {
      const { node } = moved
      if (!node || !sameDims(moved.dims, dims)) continue
      const followed = this.following(node, moved, other)
      if (!followed) continue
      const source = node.inputs[0] as Tensor
      const inner =
        moved === a ? this.binary(op, source, followed, type) : this.binary(op, followed, source, type)
      return node.op === 'Reshape' ? this.reshape(inner, dims) : this.transpose(inner, permOf(node))
    }
    return null
  }

  /** `other`, which meets `moved`, as it meets what `moved` was made of; null: it can't. */
  private following(node: Node, moved: Tensor, other: Tensor): Tensor | null {
    const source = node.inputs[0] as Tensor
    const rank = moved.dims.length
    if (node.op === 'Reshape') {
      if (isOne(other)) return other.dims.length <= source.dims.length ? other : this.reshape(other, [])
      const twin = other.node?.op === 'Reshape' && sameDims(other.dims, moved.dims)
      const from = other.node?.inputs[0]
      if (twin && from && sameDims(from.dims, source.dims)) return from
      const last = moved.dims[rank - 1]
      const isVector = other.dims.length === 1 && other.dims[0] === last
      return isVector && source.dims[source.dims.length - 1] === last ? other : null
    }
    if (node.op !== 'Transpose') return null
    const back = inverseOf(permOf(node))
    const isTwin = other.node?.op === 'Transpose' && sameDims(other.dims, moved.dims)
    if (isTwin && `${permOf(other.node as Node)}` === `${permOf(node)}`)
      return other.node?.inputs[0] as Tensor
    if (isOne(other)) return other
    const full = [...new Array<number>(rank - other.dims.length).fill(1), ...other.dims]
    const kept = back.filter((axis) => full[axis] !== 1)
    const isStill = kept.every((axis, i) => i === 0 || axis > kept[i - 1])
    if (!other.data && !isStill) return null
    const aligned = this.transpose(this.reshape(other, full), back)
    const lead = aligned.dims.findIndex((n) => n !== 1)
    return other.data ? this.reshape(aligned, aligned.dims.slice(lead)) : aligned
  }

  /** conv(x) + bias as one node; null: it is something else. */
  private withBias(op: string, a: Tensor, b: Tensor): Tensor | null {
    const { node, dims } = a
    if (op !== 'Add' || !b.data || !node || !/^Conv(Transpose)?$/.test(node.op)) return null
    const isBias = b.dims.length === dims.length - 1 && b.dims.every((n, i) => n === (i === 0 ? dims[1] : 1))
    if (node.inputs.length > 2 || !isBias) return null
    return this.one(node.op, [...node.inputs, this.reshape(b, [dims[1]])], dims, node.attributes)
  }

  /** ReduceSum, ReduceMean, ReduceMax or ReduceMin; the axes stay, with size 1. */
  reduce(op: string, x: Tensor, axes: readonly number[]): Tensor {
    if (axes.length === 0) return x
    if (x.node?.op === 'Transpose') {
      const perm = permOf(x.node)
      const inner = axes.map((axis) => perm[axis]).sort((a, b) => a - b)
      return this.transpose(this.reduce(op, x.node.inputs[0] as Tensor, inner), perm)
    }
    const dims = x.dims.map((n, axis) => (axes.includes(axis) ? 1 : n))
    // `reduced` is for reshape; until opset 17 only ReduceSum has its axes as an input
    const own = { keepdims: 1, reduced: axes }
    return op === 'ReduceSum'
      ? this.one(op, [x, this.ints(axes)], dims, own)
      : this.one(op, [x], dims, { ...own, axes })
  }

  /** The products of the last two axes. */
  matmul(a: Tensor, b: Tensor): Tensor {
    const [source, columns] = [a.node?.inputs[0], b.dims[b.dims.length - 1]]
    const isRows = a.node?.op === 'Reshape' && b.dims.length === 2 && source && source.dims.length > 1
    if (isRows && source.dims.at(-1) === a.dims.at(-1))
      return this.reshape(this.matmul(source, b), [...a.dims.slice(0, -1), columns])
    return this.one(
      'MatMul',
      [a, b],
      [...broadcast(a.dims.slice(0, -2), b.dims.slice(0, -2)), ...a.dims.slice(-2, -1), columns],
    )
  }
}
