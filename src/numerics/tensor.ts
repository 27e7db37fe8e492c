// Enters: numbers as users have them (nested arrays, typed arrays). Leaves: a NamedArray, flat row-major data (last axis
// fastest) with its shape, in float32, or int32 for ids and labels. Nothing is assumed about the input. A Float32Array or
// Int32Array is never copied.

import { arrayType, isFloat32, isInt32 } from './brands.ts'
import { check, fail, reading, show } from './errors.ts'
import { finish, PIECE, type Pieces } from './pieces.ts'

/** Row-major numbers and their shape; `data.length` is the product of `shape` (1 for the shape []). */
export interface NamedArray {
  readonly shape: readonly number[]
  readonly data: Float32Array | Int32Array
}

/** The typed arrays that data may come in, over any buffer; what the library makes is over an `ArrayBuffer`. */
export type NumberArray<B extends ArrayBufferLike = ArrayBufferLike> =
  | Float32Array<B>
  | Float64Array<B>
  | Int8Array<B>
  | Uint8Array<B>
  | Uint8ClampedArray<B>
  | Int16Array<B>
  | Uint16Array<B>
  | Int32Array<B>
  | Uint32Array<B>

/** Any typed array with its shape. */
export interface ShapedArray<B extends ArrayBufferLike = ArrayBufferLike> {
  readonly shape: readonly number[]
  readonly data: NumberArray<B>
}

/** float32 numbers with their shape: what a model gives back. */
export interface FloatArray extends NamedArray {
  readonly data: Float32Array<ArrayBuffer>
}

/** A number, or nested arrays of numbers; the innermost ones may be typed arrays. */
export type NestedNumbers = number | ArrayLike<number> | readonly NestedNumbers[]

/** The product of the dimensions. @throws LanegradError on a dimension that isn't an integer >= 0, or a product past 2^53 */
export function elementCount(shape: readonly number[], what = 'shape'): number {
  const expected = 'a list of integers >= 0'
  check(Array.isArray(shape), what, expected, shape)
  let count = 1
  // by index: planning asks it hundreds of times, and an iterator makes garbage for every size
  for (let i = 0; i < shape.length; i++) {
    const size = shape[i]
    check(Number.isSafeInteger(size) && size >= 0, what, expected, shape)
    count *= size
    check(Number.isSafeInteger(count), what, 'of less than 2^53 elements', shape)
  }
  return count
}

/** Throws unless data of this length has this shape. */
export function checkLength(what: string, shape: readonly number[], length: number): void {
  const count = elementCount(shape, `${what}: shape`)
  if (count !== length) fail(`${what}: expected ${count} elements for shape ${show(shape)}; got ${length}`)
}

/**
 * Numbers with their shape: `tensor([[1, 2], [3, 4]])` has shape [2, 2]; `tensor(float32Array, [2, 2])` keeps the array as
 * its data. A Float32Array or Int32Array keeps its type; everything else becomes float32. `shape` defaults to that of the
 * nesting. `what` begins the messages of errors.
 * @throws LanegradError on ragged nesting, on an element that isn't a number, or if `shape` has another element count
 * @example
 * ```js
 * import { tensor } from 'lanegrad'
 *
 * console.log(tensor([[1, 2, 3], [4, 5, 6]]).shape) // [ 2, 3 ]
 * ```
 */
export function tensor(data: NestedNumbers, shape?: readonly number[], what = 'tensor'): NamedArray {
  check(typeof what === 'string', 'tensor: what', 'a string', what)
  return reading(what, () => finish(makingTensor(data, shape, what)))
}

/** `tensor` in pieces. */
export function* makingTensor(
  data: NestedNumbers,
  shape: readonly number[] | undefined,
  what: string,
): Pieces<NamedArray> {
  const inferred: number[] = []
  let flat: Float32Array | Int32Array
  if (isFloat32(data) || isInt32(data)) {
    inferred.push(data.length)
    flat = data
  } else {
    for (let level: unknown = data; isList(level); level = level[0]) {
      inferred.push(level.length)
      if (inferred.length > 32) fail(`${what}: expected at most 32 levels of nesting`)
    }
    flat = new Float32Array(elementCount(inferred, `${what}: inferred shape`))
    yield* copyingNested(data, inferred, 0, flat, 0, what)
  }
  if (shape !== undefined) elementCount(shape, `${what}: shape`)
  const result = [...(shape ?? inferred)]
  checkLength(what, result, flat.length)
  return Object.freeze({ shape: Object.freeze(result), data: flat })
}

export const isTyped = (value: unknown): value is NumberArray => /^(?!Big)\w/.test(arrayType(value) ?? '')

export const isShaped = (value: unknown): value is ShapedArray =>
  typeof value === 'object' &&
  value !== null &&
  'data' in value &&
  'shape' in value &&
  isTyped(value.data) &&
  Array.isArray(value.shape)

const isList = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || arrayType(value) !== undefined

/** Copies `value`, nested as shape[axis...] says, to `out` from `at` on; returns the position past it. */
function copyNested(
  value: unknown,
  shape: readonly number[],
  axis: number,
  out: Float32Array,
  at: number,
  what: string,
): number {
  if (axis === shape.length) {
    if (typeof value !== 'number') {
      if (isList(value)) ragged(what, axis, 'a number', value)
      check(false, `${what}: element ${at}`, 'a number', value)
    }
    out[at] = value
    return at + 1
  }
  const list = listAt(value, shape, axis, what)
  for (let i = 0; i < list.length; i++) at = copyNested(list[i], shape, axis + 1, out, at, what)
  return at
}

/** `copyNested` in pieces: whatever lies below this axis at once, if it is small. */
function* copyingNested(
  value: unknown,
  shape: readonly number[],
  axis: number,
  out: Float32Array,
  at: number,
  what: string,
): Pieces<number> {
  if (axis === shape.length) return copyNested(value, shape, axis, out, at, what)
  const list = listAt(value, shape, axis, what)
  const isSmall = elementCount(shape.slice(axis + 1)) <= PIECE
  let paused = at
  for (let i = 0; i < list.length; i++) {
    at = isSmall
      ? copyNested(list[i], shape, axis + 1, out, at, what)
      : yield* copyingNested(list[i], shape, axis + 1, out, at, what)
    if (at - paused < PIECE) continue
    paused = at
    yield
  }
  return at
}

function listAt(value: unknown, shape: readonly number[], axis: number, what: string): ArrayLike<unknown> {
  if (!isList(value) || value.length !== shape[axis]) ragged(what, axis, `${shape[axis]} elements`, value)
  return value
}

function ragged(what: string, depth: number, expected: string, got: unknown): never {
  const came = isList(got) ? `${got.length} elements` : show(got)
  fail(`${what}: expected ${expected} at depth ${depth}, as in the first list; got ${came}`)
}

/** Index of the first largest of `count` numbers from `start` on, NaN passed over; -1 if there is none. */
export function argmax(values: ArrayLike<number>, start: number, count: number): number {
  let best = -1
  for (let i = 0; i < count; i++) {
    if (best < 0 ? !Number.isNaN(values[start + i]) : values[start + i] > values[start + best]) best = i
  }
  return best
}
