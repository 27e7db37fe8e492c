// Turns the data that callers pass into arrays that the arena takes. Enters: typed arrays (flat), tensors, nested arrays; one
// of them, a list, or a record by name. Leaves: flat arrays of the right type with their batch size, in the
// network's order. Never changes or keeps what was passed; copies only where the type must change.

import { isBuffer, isInt32 } from '../numerics/brands.ts'
import { check, fail, isRecord, reading, show } from '../numerics/errors.ts'
import { finish, PIECE, type Pieces } from '../numerics/pieces.ts'
import { type DType, type RowShape, rowShapeText, type Shape } from '../numerics/shape.ts'
import {
  elementCount,
  isShaped,
  isTyped,
  makingTensor,
  type NamedArray,
  type NestedNumbers,
  type NumberArray,
  type ShapedArray,
} from '../numerics/tensor.ts'

/** How several arrays are passed: one alone, a list in their order, or a record by their names. */
export type Structure = 'single' | 'list' | 'record'

/** A flat typed array (rows follow from the expected shape), a tensor with its shape, or nested arrays. */
export type ArrayLikeData = NumberArray | NamedArray | ShapedArray | readonly NestedNumbers[]

/** One array; a list in the order of the model's inputs (or outputs); or a record by their names. */
export type Data = ArrayLikeData | readonly ArrayLikeData[] | Readonly<Record<string, ArrayLikeData>>

/** Data to train on or to test with, in one object. */
export interface Dataset {
  readonly x: Data
  readonly y: Data
  /** One weight per row of y (or per position), as the option `sampleWeight`. */
  readonly weights?: Data
}

type AnyIterable<T> = Iterable<T> | AsyncIterable<T>

/**
 * Batches, for data that isn't in memory as a whole: an iterable or async iterable of `{ x, y, weights? }`, or a function
 * that returns a new one for each pass. The next batch is asked for while the current one trains; its arrays may
 * be filled anew for that, they have been copied. A run that ends early closes the iterator (`return()`), but doesn't wait
 * for a batch that is still to come.
 */
export type Batches<T = Dataset> = AnyIterable<T> | (() => AnyIterable<T> | Promise<AnyIterable<T>>)

/** The form that an input or a target must have; the batch axis is not part of `shape`. */
export interface Expected {
  readonly name: string
  readonly shape: RowShape
  readonly dtype: DType
  /** How many rows there must be; any number if left out. */
  readonly rows?: number
  /** The purpose of the shape, in messages. */
  readonly hint?: string
}

/** Checked data of one input or target: `rows` rows of `shape`, the expected shape itself where it has no null. */
export interface Rows {
  /** For int32 an Int32Array; for float32 as the caller gave it: rows take their type when they are copied. */
  readonly data: NumberArray
  readonly rows: number
  readonly shape: Shape
}

/** A batch: rows of each input, target and sample weight, in the model's order; null where none is given. */
export interface Batch {
  readonly rows: number
  readonly x: readonly Rows[]
  readonly y: readonly Rows[]
  readonly weights: readonly (Rows | null)[]
}

/** Splits what a caller passed for several inputs or outputs. */
export function splitData(
  what: string,
  data: Data,
  names: readonly string[],
  structure: Structure,
): ArrayLikeData[] {
  if (names.length === 0) return [] // no output has a loss
  if (structure === 'single' || (names.length === 1 && (isTyped(data) || isShaped(data))))
    return [data as ArrayLikeData]
  if (structure === 'list') {
    check(Array.isArray(data) && data.length === names.length, what, `a list of ${names.length} arrays`, data)
    return [...data] as ArrayLikeData[]
  }
  check(isRecord(data) && !isTyped(data), what, `an object with ${names.join(', ')}`, data)
  const record = data as Readonly<Record<string, ArrayLikeData>>
  const known = new Set(names)
  for (const name of Object.keys(record))
    if (!known.has(name)) fail(`${what}: expected ${names.join(', ')}; got ${show(name)}`)
  return names.map((name) => record[name] ?? fail(`${what}: ${name} is missing`))
}

/** Values of another type, exactly: fractions and numbers out of range aren't int32. */
function* converting(what: string, data: NumberArray, dtype: DType): Pieces<NumberArray> {
  if (dtype === 'float32' || isInt32(data)) return data
  const result = new Int32Array(data.length)
  for (let i = 0; i < data.length; i++) {
    result[i] = data[i]
    if (result[i] !== data[i]) fail(`${what}: element ${i} is ${data[i]}; expected an integer`)
    if (i % PIECE === PIECE - 1) yield
  }
  return result
}

const fits = (shape: Shape, expected: Expected['shape']): boolean =>
  shape.length === expected.length && shape.every((n, i) => expected[i] === null || expected[i] === n)

/** Axes of size 1 at the end may be there or not: labels [n] or [n, 1], targets of one unit likewise. */
function trimmed(shape: Shape): Shape {
  let end = shape.length
  while (end > 0 && shape[end - 1] === 1) end--
  return shape.slice(0, end)
}

/**
 * The rows of one input or target.
 * @throws LanegradError naming it, with the expected shape and what came.
 */
export function rowsOf(what: string, given: ArrayLikeData, expected: Expected): Rows {
  return reading(what, () => finish(readingRows(what, given, expected)))
}

/** The same in pieces. */
export function* readingRows(what: string, given: ArrayLikeData, expected: Expected): Pieces<Rows> {
  const { shape, hint = '' } = expected
  const text = rowShapeText(shape).replace('batch', String(expected.rows ?? 'batch'))
  const wanted = `expected shape ${text}${hint}`
  const isWrong = (rows: number) => expected.rows !== undefined && rows !== expected.rows
  if (isTyped(given)) {
    if (!isBuffer(given.buffer)) fail(`${what}: ${wanted}; got a ${show(given)}`)
    if (shape.includes(null))
      fail(`${what}: a flat array can't tell its shape; expected a tensor of shape ${rowShapeText(shape)}`)
    const perRow = elementCount(shape as Shape)
    if (given.length === 0 || given.length % perRow !== 0 || isWrong(given.length / perRow)) {
      const count = expected.rows === undefined ? `a multiple of ${perRow}` : perRow * expected.rows
      fail(`${what}: ${wanted}, ${count} elements; got ${given.length}`)
    }
    const data = yield* converting(what, given, expected.dtype)
    return { data, rows: given.length / perRow, shape: shape as Shape }
  }
  if (!isShaped(given) && !Array.isArray(given)) {
    fail(`${what}: expected a typed array, a tensor or nested arrays of shape ${text}; got ${show(given)}`)
  }
  const { data, shape: whole } = isShaped(given)
    ? given
    : yield* makingTensor(given as NestedNumbers, undefined, what)
  const [rows, ...rest] = whole
  if (!(rows > 0) || elementCount(whole) !== data.length) {
    const elements = isBuffer(data.buffer) ? `${data.length} elements` : `a ${show(data)}`
    fail(`${what}: ${wanted}; got ${show(whole)} with ${elements}`)
  }
  const isFixed = !shape.includes(null)
  if (isWrong(rows) || (!fits(rest, shape) && !(isFixed && fits(trimmed(rest), trimmed(shape as Shape))))) {
    fail(`${what}: ${wanted}; got ${show(whole)}`)
  }
  const converted = yield* converting(what, data, expected.dtype)
  return { data: converted, rows, shape: isFixed ? (shape as Shape) : rest }
}

/** All of one size. @throws LanegradError */
export function commonRows(arrays: readonly { readonly what: string; readonly rows: number }[]): number {
  const [first, ...others] = arrays
  for (const other of others) {
    if (other.rows !== first.rows)
      fail(`${first.what} has ${first.rows} rows; ${other.what} has ${other.rows}`)
  }
  return first.rows
}

/** Copies rows `indices[from..to]` (or the rows from..to themselves) of `source` to `target`. */
export function gatherRows(
  source: Rows,
  target: Float32Array | Int32Array,
  indices: Uint32Array | null,
  from: number,
  to: number,
): void {
  const width = source.data.length / source.rows
  if (indices === null) {
    target.set(source.data.subarray(from * width, to * width))
    return
  }
  for (let i = from, at = 0; i < to; i++, at += width) {
    const start = indices[i] * width
    // for short rows a loop is quicker than making a subarray
    if (width > 16) target.set(source.data.subarray(start, start + width), at)
    else for (let j = 0; j < width; j++) target[at + j] = source.data[start + j]
  }
}

/** Rows `from..to` as rows of their own, without copying. */
export function sliceRows(source: Rows, from: number, to: number): Rows {
  const width = source.data.length / source.rows
  return { ...source, data: source.data.subarray(from * width, to * width), rows: to - from }
}
