// Constant arrays of an ONNX graph, and what is computed of them when a file is read. An array that is the same along an axis is
// kept once for it: ones of the batch's size, or an expanded mask, take no memory. Sizes come from files: whatever an array
// becomes has at most MOST_ELEMENTS elements.
import { fail } from '../../numerics/errors.ts'
import { shapeText } from '../../numerics/shape.ts'
import { elementCount } from '../../numerics/tensor.ts'

export type ElementType = 'float' | 'int' | 'bool'

/** A constant array. */
export interface Constant {
  readonly isConstant: true
  readonly type: ElementType
  readonly shape: readonly number[]
  /** The shape of `data`: that of the array, or 1 along axes where it is the same. */
  readonly own: readonly number[]
  readonly data: ArrayLike<number>
  /** The name of the initializer that holds these numbers, perhaps in another shape; null for computed arrays and for arrays that aren't weights. */
  readonly weight: string | null
}

/** What is computed from little may have so many elements; what is computed from arrays of the file, twice as many as these. */
const MOST_ELEMENTS = 4_194_304
const MOST_AXES = 32

export function checkAxes(shape: readonly unknown[]): void {
  if (shape.length > MOST_AXES) fail(`an array of ${shape.length} axes; ${MOST_AXES} are the most`)
}

/** The number of elements of an array that is made from `given` ones. @throws LanegradError where it has too many */
export function checkCount(shape: readonly number[], given = 0): number {
  checkAxes(shape)
  const count = elementCount(shape)
  if (count > Math.max(MOST_ELEMENTS, 2 * given)) fail(`a constant of shape ${shapeText(shape)} is too large`)
  return count
}

export function constant(
  type: ElementType,
  shape: readonly number[],
  data: ArrayLike<number>,
  { own = shape, weight = null }: { own?: readonly number[]; weight?: string | null } = {},
): Constant {
  return { isConstant: true, type, shape, own, data, weight }
}

/** An array for `count` elements of a type: floats are rounded to float32, as ONNX computes. */
export const emptyOf = (type: ElementType, count: number): Float32Array | Float64Array =>
  type === 'float' ? new Float32Array(count) : new Float64Array(count)

export const integers = (list: readonly number[]): Constant => constant('int', [list.length], list)

/** Strides of an array of `own` sizes under `shape`: 0 where it has one element for all. */
function strides(own: readonly number[], shape: readonly number[]): number[] {
  const result = shape.map(() => 0)
  let stride = 1
  for (let i = own.length - 1; i >= 0; i--) {
    if (own[i] !== 1) result[i + shape.length - own.length] = stride
    stride *= own[i]
  }
  return result
}

/** Calls `visit` with the places of each element of `shape` in arrays of these strides, in order. */
function walk(
  shape: readonly number[],
  steps: readonly (readonly number[])[],
  visit: (i: number, at: number[]) => void,
): void {
  const count = elementCount(shape)
  const index = shape.map(() => 0)
  const at = steps.map(() => 0)
  for (let i = 0; i < count; i++) {
    visit(i, at)
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      for (let k = 0; k < at.length; k++) at[k] += steps[k][axis]
      if (++index[axis] < shape[axis]) break
      for (let k = 0; k < at.length; k++) at[k] -= steps[k][axis] * shape[axis]
      index[axis] = 0
    }
  }
}

/** The elements in order, all of them. */
export function elements(c: Constant): ArrayLike<number> {
  if (elementCount(c.own) === elementCount(c.shape)) return c.data
  const data = emptyOf(c.type, checkCount(c.shape, c.data.length))
  walk(c.shape, [strides(c.own, c.shape)], (i, [from]) => {
    data[i] = c.data[from]
  })
  return data
}

/** The elements as a list of integers: sizes, axes ... */
export const numbers = (c: Constant): number[] => Array.from(elements(c))

export function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const p = a[i - rank + a.length] ?? 1
    const q = b[i - rank + b.length] ?? 1
    if (p !== q && p !== 1 && q !== 1) fail(`shapes ${shapeText(a)} and ${shapeText(b)} don't broadcast`)
    return p === 1 ? q : p
  })
}

/** `fn` of each element. */
export function mapped(c: Constant, fn: (x: number) => number, type = c.type): Constant {
  const data = emptyOf(type, c.data.length)
  for (let i = 0; i < data.length; i++) data[i] = fn(c.data[i])
  return constant(type, c.shape, data, { own: c.own })
}

/** `fn` of the elements of several arrays, broadcast. */
export function combined(
  list: readonly Constant[],
  fn: (...of: number[]) => number,
  type: ElementType,
): Constant {
  const shape = list.map((c) => c.shape).reduce(broadcast)
  const aligned = list.map(({ own }) => [...new Array(shape.length - own.length).fill(1), ...own])
  const own = aligned.reduce(broadcast, [])
  const data = emptyOf(type, checkCount(own, Math.max(...list.map((c) => c.data.length))))
  walk(
    own,
    aligned.map((each) => strides(each, own)),
    (i, at) => {
      data[i] = fn(...at.map((from, k) => list[k].data[from]))
    },
  )
  return constant(type, shape, data, { own })
}

export function reshaped(c: Constant, shape: readonly number[]): Constant {
  checkAxes(shape)
  if (elementCount(shape) !== elementCount(c.shape))
    fail(`reshape of ${shapeText(c.shape)} to ${shapeText(shape)}`)
  if (c.data.length === 1)
    return constant(c.type, shape, c.data, { own: shape.map(() => 1), weight: c.weight })
  return constant(c.type, shape, elements(c), { weight: c.weight })
}

/** With an axis of size 1 put in before each of `axes` of the result. */
export function unsqueezed(c: Constant, axes: readonly number[]): Constant {
  checkAxes([...c.shape, ...axes])
  const put = (shape: readonly number[]) => {
    const rest = [...shape]
    return Array.from({ length: shape.length + axes.length }, (_, i) =>
      axes.includes(i) ? 1 : (rest.shift() as number),
    )
  }
  const own = put([...new Array(c.shape.length - c.own.length).fill(1), ...c.own])
  return { ...c, shape: put(c.shape), own }
}

/** What permutations made of an array: a weight that is read twice stays one, which layers share. */
const permutations = new WeakMap<object, Map<string, ArrayLike<number>>>()

export function permuted(c: Constant, axes: readonly number[]): Constant {
  const aligned = [...new Array(c.shape.length - c.own.length).fill(1), ...c.own]
  const own = axes.map((axis) => aligned[axis])
  const shape = axes.map((axis) => c.shape[axis])
  const moving = axes.filter((axis) => aligned[axis] !== 1)
  if (moving.every((axis, i) => i === 0 || axis > moving[i - 1])) return { ...c, shape, own }
  const made = permutations.get(c.data) ?? new Map<string, ArrayLike<number>>()
  const key = `${aligned} ${axes}`
  const known = made.get(key)
  if (known) return constant(c.type, shape, known, { own, weight: c.weight })
  const from = strides(aligned, aligned)
  const data = emptyOf(c.type, checkCount(own, c.data.length))
  walk(own, [axes.map((axis) => from[axis])], (i, [at]) => {
    data[i] = c.data[at]
  })
  permutations.set(c.data, made.set(key, data))
  return constant(c.type, shape, data, { own, weight: c.weight })
}

export function expanded(c: Constant, shape: readonly number[]): Constant {
  checkAxes(shape)
  return { ...c, shape: broadcast(c.shape, shape) }
}

/** The elements at `indices` of an axis, which may come in any order and repeatedly. */
export function taken(c: Constant, axis: number, indices: readonly number[]): Constant {
  const shape = c.shape.map((n, i) => (i === axis ? indices.length : n))
  const aligned = [...new Array(c.shape.length - c.own.length).fill(1), ...c.own]
  if (indices.some((i) => !(i >= 0 && i < c.shape[axis])))
    fail(`an index beyond axis ${axis} of ${shapeText(c.shape)}`)
  if (aligned[axis] === 1) return { ...c, shape, own: aligned, weight: null }
  const own = aligned.map((n, i) => (i === axis ? indices.length : n))
  const inner = elementCount(aligned.slice(axis + 1))
  const outer = elementCount(aligned.slice(0, axis))
  const data = emptyOf(c.type, checkCount(own, c.data.length))
  let at = 0
  for (let o = 0; o < outer; o++)
    for (const index of indices)
      for (let k = 0; k < inner; k++) data[at++] = c.data[(o * aligned[axis] + index) * inner + k]
  return constant(c.type, shape, data, { own })
}

export function concatenated(list: readonly Constant[], axis: number): Constant {
  const [first] = list
  const fits = list.every(
    ({ shape }) =>
      shape.length === first.shape.length && shape.every((n, i) => i === axis || n === first.shape[i]),
  )
  if (!fits)
    fail(`concatenation of ${list.map(({ shape }) => shapeText(shape)).join(' and ')} along axis ${axis}`)
  const total = list.reduce((sum, { shape }) => sum + shape[axis], 0)
  const shape = first.shape.map((n, i) => (i === axis ? total : n))
  const outer = elementCount(shape.slice(0, axis))
  const given = list.reduce((sum, c) => sum + c.data.length, 0)
  const data = emptyOf(first.type, checkCount(shape, given))
  const parts = list.map((c) => ({ data: elements(c), size: elementCount(c.shape.slice(axis)) }))
  let at = 0
  for (let o = 0; o < outer; o++)
    for (const part of parts) for (let k = 0; k < part.size; k++) data[at++] = part.data[o * part.size + k]
  return constant(first.type, shape, data)
}

/** The array with one element for each axis along which it is the same everywhere. */
export function compressed(c: Constant): Constant {
  let result: Constant = { ...c, own: [...new Array(c.shape.length - c.own.length).fill(1), ...c.own] }
  for (let axis = 0; axis < result.own.length; axis++) {
    const { own, data } = result
    const [n, inner] = [own[axis], elementCount(own.slice(axis + 1))]
    if (n === 1) continue
    let isSame = true
    for (let i = 0; i < data.length && isSame; i++) {
      const place = Math.floor(i / inner) % n
      isSame = place === 0 || data[i] === data[i - inner]
    }
    if (!isSame) continue
    const whole: Constant = { ...result, shape: own }
    const first = taken(whole, axis, [0])
    result = { ...result, own: first.own, data: first.data }
  }
  return result
}
