// What an ONNX graph becomes: layers, and steps of `operations`, in order. Enters: what the tables of operators (elementwise.ts
// and so on) ask for. Leaves: items over stored values, which assemble.ts makes a model of.
//
// A value of the graph has a shape in ONNX's order of axes and lies stored in another one, `order`: a convolution leaves channels
// last, a transposition moves nothing. Axes are moved only where an operation needs them elsewhere, so a net of convolutions has
// two permutations, at its ends. The number of samples is BATCH, a prime no real size is a multiple of: a size is a multiple of
// it, so many times the batch, or it is fixed.
import { fail } from '../../numerics/errors.ts'
import { sameShape, shapeText } from '../../numerics/shape.ts'
import { broadcast, type Constant, compressed, elements, permuted, unsqueezed } from './arrays.ts'

import {
  BATCH,
  countOf,
  countText,
  type Flow,
  type Given,
  type Item,
  isEven,
  isWeight,
  type LayerItem,
  nameOf,
  type StepItem,
  type Stored,
} from './flows.ts'

/** Constants up to this size lie in a config; larger ones are weights that don't train. */
const SMALL = 64

/** Operations that give whole numbers of whole ones, beside some of two values and sums. */
const WHOLE = new Set('reshape permute slice concatenate expand pad reverse matmul'.split(' '))

export class Tape {
  readonly items: Item[] = []
  readonly values: Stored[] = []
  readonly notes = new Set<string>()
  /** Biases of layers that are sums of two weights of the file. */
  readonly summed = new Set<ArrayLike<number>>()
  /** The tables of embeddings, by the keys of their layers. */
  readonly tables = new Map<string, Constant>()
  /** The names of values in the file that are read. */
  read: ReadonlySet<string> = new Set()
  /** Where the weights of the file went, by their names: the keys of layers and steps that hold them. */
  readonly homes = new Map<string, Set<string>>()
  private named: string[] = []
  /** The operator being written. */
  from = ''
  hint = ''
  private readonly done = new Map<string, number>()
  private readonly ids = new WeakMap<object, number>()
  private count = 0

  /** `each`: samples are computed by themselves, and no size is a multiple of BATCH. */
  constructor(
    readonly each: boolean,
    readonly producer: string,
    /** The number of samples that the file's input has, where it has one. */
    readonly ownBatch: number | null,
  ) {}

  input(shape: readonly number[], isInt32: boolean): Flow {
    this.values.push({ shape, isInt32, isWhole: isInt32, item: null })
    return this.flow(shape, this.values.length - 1)
  }

  /** The value of a stored one whose axes are in order. */
  flow(shape: readonly number[], stored: number, order: readonly number[] = shape.map((_, i) => i)): Flow {
    return { isConstant: false, shape, order, stored }
  }

  shapeOf(stored: number): readonly number[] {
    return this.values[stored].shape
  }

  // ---- steps, on stored values --------------------------------------------------------------------

  private step(
    op: string,
    inputs: readonly number[],
    shape: readonly number[],
    attributes: object = {},
    weight?: StepItem['weight'],
  ): number {
    const key = `${op} ${inputs} ${JSON.stringify(attributes)} ${weight ? this.idOf(weight.data) : ''}`
    const known = this.done.get(key)
    if (known !== undefined) return known
    for (const n of shape)
      if (!(n >= 1 && Number.isSafeInteger(n)))
        fail(`an array of shape ${shapeText(shape)}, without elements`)
    if (!(countOf(shape) <= Number.MAX_SAFE_INTEGER)) fail(`an array of shape ${shapeText(shape)}`)
    if (shape.length > 15) fail(`an array of ${shape.length} axes`)
    const output = this.values.length
    const item: StepItem = {
      kind: 'step',
      step: { op, ...attributes },
      inputs,
      output,
      weight,
      from: this.from,
    }
    this.items.push(item)
    const isInt32 = inputs.length > 0 && this.values[inputs[0]].isInt32 && op === 'reshape'
    if (!isInt32 && op !== 'gather' && inputs.some((i) => this.values[i].isInt32))
      fail('computes with ids that an embedding reads as well')
    this.values.push({ shape, isInt32, isWhole: this.isWhole(item), item })
    this.done.set(key, output)
    return output
  }

  private isWhole({ step: { op, fn, data, trainable }, inputs, weight }: StepItem): boolean {
    if (op === 'constant' || op === 'weight')
      return (
        trainable !== true && Array.from((data ?? weight?.data) as ArrayLike<number>).every(Number.isInteger)
      )
    if (op === 'binary' && /^(greater|greaterEqual|equal)$/.test(String(fn))) return true
    const keeps = WHOLE.has(op) || (op === 'binary' && fn !== 'divide') || (op === 'reduce' && fn !== 'mean')
    return keeps && inputs.every((i) => this.values[i].isWhole)
  }

  private idOf(data: object): number {
    const known = this.ids.get(data) ?? this.count++
    this.ids.set(data, known)
    return known
  }

  /** A number that arrays of a constant share. */
  keyOf(c: Constant): string {
    if (isWeight(c) && !isEven(c)) this.named.push(c.weight as string)
    return `${this.idOf(c.data)}:${c.own}`
  }

  /** Notes that the weights whose keys were taken last, or those given, lie in a layer or step. */
  private house(home: string, names = this.named): void {
    for (const name of names) this.homes.set(name, (this.homes.get(name) ?? new Set()).add(home))
    this.named = []
  }

  /** Sizes as `operations` takes them. */
  private sizes(shape: readonly number[]): number[] {
    return shape.map((n) => (n % BATCH === 0 ? -n / BATCH : n))
  }

  unary = (x: number, fn: string, alpha = 0): number =>
    this.step('unary', [x], this.shapeOf(x), alpha === 0 ? { fn } : { fn, alpha })

  binary = (fn: string, a: number, b: number): number =>
    this.step('binary', [a, b], broadcast(this.shapeOf(a), this.shapeOf(b)), { fn })

  reshape(x: number, shape: readonly number[]): number {
    const now = this.shapeOf(x)
    if (sameShape(now, shape)) return x
    if (countOf(now) !== countOf(shape)) fail(`reshape of ${this.text(now)} to ${this.text(shape)}`)
    return this.step('reshape', [x], shape, { shape: this.sizes(shape) })
  }

  expand(x: number, shape: readonly number[]): number {
    return sameShape(this.shapeOf(x), shape)
      ? x
      : this.step('expand', [x], shape, { shape: this.sizes(shape) })
  }

  permute(x: number, axes: readonly number[]): number {
    const now = this.shapeOf(x)
    const shape = axes.map((axis) => now[axis])
    if (axes.every((axis, i) => axis === i)) return x
    const moving = axes.filter((axis) => now[axis] !== 1)
    if (moving.every((axis, i) => i === 0 || axis > moving[i - 1])) return this.reshape(x, shape)
    return this.step('permute', [x], shape, { axes })
  }

  slice(x: number, axis: number, start: number, size: number): number {
    const now = this.shapeOf(x)
    if (start === 0 && size === now[axis]) return x
    this.checkFixed(now[axis])
    if (!(start >= 0 && size >= 1 && start + size <= now[axis]))
      fail(`elements ${start} to ${start + size} of an axis of ${now[axis]}`)
    return this.step(
      'slice',
      [x],
      now.map((n, i) => (i === axis ? size : n)),
      { axis, start, size },
    )
  }

  concatenate(list: readonly number[], axis: number): number {
    if (list.length === 1) return list[0]
    const [first, ...rest] = list.map((x) => this.shapeOf(x))
    for (const shape of rest)
      if (
        !sameShape(
          shape.map((n, i) => (i === axis ? 0 : n)),
          first.map((n, i) => (i === axis ? 0 : n)),
        )
      )
        fail(`concatenation of ${this.text(first)} and ${this.text(shape)}`)
    const total = rest.reduce((sum, shape) => sum + shape[axis], first[axis])
    this.checkFixed(total)
    return this.step(
      'concatenate',
      list,
      first.map((n, i) => (i === axis ? total : n)),
      { axis },
    )
  }

  pad(x: number, axis: number, before: number, after: number): number {
    if (before === 0 && after === 0) return x
    const now = this.shapeOf(x)
    this.checkFixed(now[axis])
    return this.step(
      'pad',
      [x],
      now.map((n, i) => (i === axis ? n + before + after : n)),
      { axis, before, after },
    )
  }

  reverse(x: number, axis: number): number {
    this.checkFixed(this.shapeOf(x)[axis])
    return this.step('reverse', [x], this.shapeOf(x), { axis })
  }

  resize(
    x: number,
    axis: number,
    size: number,
    linear: boolean,
    grid: 'halfPixel' | 'start' | 'corners',
  ): number {
    const now = this.shapeOf(x)
    this.checkFixed(now[axis])
    const shape = now.map((n, i) => (i === axis ? size : n))
    return this.step('resize', [x], shape, { axis, size, linear, grid })
  }

  softmax(x: number, log: boolean): number {
    this.checkFixed(this.shapeOf(x).at(-1) ?? 1)
    return this.step('softmax', [x], this.shapeOf(x), { log })
  }

  reduce(x: number, fn: string, axes: readonly number[], keepDims = true): number {
    const now = this.shapeOf(x)
    for (const axis of axes) this.checkFixed(now[axis])
    const shape = now.flatMap((n, i) => (axes.includes(i) ? (keepDims ? [1] : []) : [n]))
    return axes.length === 0 ? x : this.step('reduce', [x], shape, { fn, axes, keepDims })
  }

  matmul(a: number, b: number, transposeA = false, transposeB = false): number {
    const [p, q] = [this.shapeOf(a), this.shapeOf(b)]
    const [rows, depth] = transposeA ? [p.at(-1), p.at(-2)] : [p.at(-2), p.at(-1)]
    const [depthB, columns] = transposeB ? [q.at(-1), q.at(-2)] : [q.at(-2), q.at(-1)]
    if (depth !== depthB || !sameShape(p.slice(0, -2), q.slice(0, -2)))
      fail(`the product of ${this.text(p)} and ${this.text(q)}`)
    this.checkFixed(depth as number)
    const shape = [...p.slice(0, -2), rows as number, columns as number]
    return this.step('matmul', [a, b], shape, { transposeA, transposeB })
  }

  /** x [batch, ..., C] by w [..., C / groups, F]. */
  conv(x: number, w: number, spatial: readonly number[], attributes: object): number {
    const [shape, kernel] = [this.shapeOf(x), this.shapeOf(w)]
    return this.step('conv', [x, w], [shape[0], ...spatial, kernel[kernel.length - 1]], attributes)
  }

  pool(fn: 'maxPool' | 'averagePool', x: number, spatial: readonly number[], attributes: object): number {
    const shape = this.shapeOf(x)
    return this.step(fn, [x], [shape[0], ...spatial, shape[shape.length - 1]], attributes)
  }

  gather(table: number, ids: number): number {
    return this.step('gather', [table, ids], [...this.shapeOf(ids), this.shapeOf(table)[1]])
  }

  text = (shape: readonly number[]): string => `[${shape.map(countText)}]`

  /** Refuses to compute along the axis of samples. */
  checkFixed(size: number): void {
    if (size % BATCH === 0) fail('computes along the axis of samples')
  }

  // ---- constants ----------------------------------------------------------------------------------

  /** The stored form of a constant: a weight that trains, if it is one; axes along which it is the same have size 1. */
  array(given: Constant): number {
    const trains = isWeight(given)
    const { own, data, shape, weight } = trains
      ? { ...given, own: given.shape, data: elements(given) }
      : compressed(given)
    for (const n of own) if (n % BATCH === 0) fail('a constant that differs from sample to sample')
    if (own.some((n) => n === 0) || shape.some((n) => n === 0)) fail('a constant without elements')
    if (trains && !isEven(given)) this.house(`step ${this.idOf(data)}:${own}`, [weight as string])
    if (trains || data.length > SMALL) {
      const attributes = trains ? { shape: own } : { shape: own, trainable: false }
      return this.step('weight', [], own, attributes, { data, shape: own, name: weight })
    }
    // what float32 can't hold: infinities of masks; a softmax makes 0 of both
    const limited = Array.from(data, (x) =>
      Math.max(-3.4028234663852886e38, Math.min(3.4028234663852886e38, x)),
    )
    if (limited.some(Number.isNaN)) fail('a constant that is NaN')
    return this.step('constant', [], own, { data: limited, shape: own })
  }

  scalar = (x: number): number =>
    this.array({
      isConstant: true,
      type: 'float',
      shape: [],
      own: [],
      data: Float32Array.of(x),
      weight: null,
    })

  // ---- values -------------------------------------------------------------------------------------

  /** The stored value whose axes lie in the given order. */
  ordered({ stored, order }: Flow, wanted: readonly number[]): number {
    return this.permute(
      stored,
      wanted.map((axis) => order.indexOf(axis)),
    )
  }

  /** The stored value in ONNX's order. */
  plain(x: Flow): number {
    return this.ordered(
      x,
      x.shape.map((_, i) => i),
    )
  }

  /** The order of axes with the samples first, then the others; `last`: the axes at the end. */
  batchFirst(x: Flow, last: readonly number[] = []): number[] {
    const rest = x.shape.map((_, i) => i).filter((i) => !last.includes(i))
    const batch = this.each ? -1 : rest.find((i) => x.shape[i] % BATCH === 0)
    return [...rest.filter((i) => i === batch), ...rest.filter((i) => i !== batch), ...last]
  }

  /** The axis of samples; -1 where none is. */
  batchAxis = (x: Flow): number => (this.each ? -1 : x.shape.findIndex((n) => n % BATCH === 0))

  /** The value with axes of size 1 in front, up to `rank` axes. */
  raised(x: Flow, rank: number): Flow {
    const more = rank - x.shape.length
    if (more <= 0) return x
    const shape = [...new Array(more).fill(1), ...x.shape]
    // behind the first stored axis, which may be that of the samples
    const old = x.order.map((axis) => axis + more)
    const order = [...old.slice(0, 1), ...shape.slice(0, more).map((_, i) => i), ...old.slice(1)]
    return this.flow(
      shape,
      this.reshape(
        x.stored,
        order.map((axis) => shape[axis]),
      ),
      order,
    )
  }

  /** A value or constant of `rank` axes at most, stored in `order`, for a function element by element. */
  operand(x: Given, rank: number, order: readonly number[]): number {
    if (!x.isConstant) {
      const raised = this.raised(x, rank)
      return this.ordered(raised, order)
    }
    if (countOf(x.shape) === 1 && !isWeight(x)) return this.array({ ...x, shape: [], own: [] })
    const whole =
      rank > x.shape.length
        ? unsqueezed(
            x,
            Array.from({ length: rank - x.shape.length }, (_, i) => i),
          )
        : x
    return this.array(permuted(whole, order))
  }

  // ---- layers -------------------------------------------------------------------------------------

  /** A layer on stored values; its outputs have the given shapes, as stored. */
  layer(
    make: LayerItem['make'],
    inputs: readonly number[],
    shapes: readonly (readonly number[])[],
    {
      weights = {},
      key = '',
      of = null,
      tied = null,
      isWhole = false,
    }: Partial<Pick<LayerItem, 'weights' | 'key' | 'of' | 'tied'> & Pick<Stored, 'isWhole'>> = {},
  ): number[] {
    const outputs = shapes.map((_, i) => this.values.length + i)
    const item: LayerItem = {
      kind: 'layer',
      make,
      inputs,
      outputs,
      weights,
      key,
      hint: nameOf(of, this.hint),
      of,
      tied,
    }
    if (tied === null) this.house(key)
    this.named = []
    this.items.push(item)
    for (const shape of shapes) this.values.push({ shape, isInt32: false, isWhole, item })
    return outputs
  }
}
