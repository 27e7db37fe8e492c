// Rows of data in memory: tensors, flat typed arrays (one element for each row), lists. They are never changed.
import { check, fail, isObject, isRecord, NATURAL, reading } from '../numerics/errors.ts'
import {
  checkLength,
  isShaped,
  isTyped,
  type NestedNumbers,
  type NumberArray,
  type ShapedArray,
} from '../numerics/tensor.ts'
import { isTable } from './cells.ts'
import type { Table } from './table.ts'

/** A tensor (rows lie along its first axis), a flat typed array of one number for each row, or nested arrays. */
export type RowData = ShapedArray | NumberArray | readonly NestedNumbers[]

/** Rows of any kind: one input, a list of strings or objects, a table, or several inputs or outputs by name. */
export type Rows = RowData | readonly unknown[] | Table | NamedRows

/** Several inputs or outputs, each with the same number of rows. */
export interface NamedRows {
  readonly [name: string]: RowData | readonly unknown[]
}

/** Whether these are several inputs or outputs by name, which are told from options by what they hold. */
export const isNamedRows = (data: unknown): data is NamedRows =>
  isRecord(data) &&
  !isShaped(data) &&
  !isTyped(data) &&
  !isTable(data) &&
  Object.values(data).some((part) => isShaped(part) || isTyped(part) || Array.isArray(part))

/** The number of rows. @throws LanegradError for anything but rows */
export function rowCount(what: string, data: Rows): number {
  if (isTable(data)) return data.rows.length
  if (isNamedRows(data)) return commonRowCount(what, data)
  if (isShaped(data)) {
    checkLength(what, data.shape, data.data.length)
    return data.shape[0] ?? fail(`${what}: expected rows; got a tensor of shape []`)
  }
  check(isTyped(data) || Array.isArray(data), what, 'a tensor, a typed array or a list', data)
  return data.length
}

const emptyOf = <T extends NumberArray>(like: T, length: number): T =>
  new (like.constructor as new (length: number) => T)(length)

/**
 * Copies the rows `indices` of `data`, in their order and with repetitions, into data of the same kind: a tensor, a list, a table, or an
 * object of several inputs.
 * @throws LanegradError on an index without a row, or data without rows
 * @example
 * ```js
 * import { tensor } from 'lanegrad'
 * import { gatherRows, kFold } from 'lanegrad/data'
 *
 * const { shape, data } = gatherRows(tensor([[1, 2], [3, 4], [5, 6]]), [2, 0])
 * console.log(shape, data.join(' ')) // [ 2, 2 ] 5 6 1 2
 * const [fold] = kFold(4, { folds: 2 })
 * console.log(gatherRows(['a', 'b', 'c', 'd'], fold.train).length) // 2
 * ```
 */
export function gatherRows<T extends Rows>(data: T, indices: ArrayLike<number>): T {
  return reading('gatherRows: its arguments', () => {
    const count = rowCount('gatherRows: data', data)
    const isList = isObject(indices) && NATURAL.holds(indices.length)
    check(isList, 'gatherRows: indices', 'a list of row numbers', indices)
    for (let i = 0; i < indices.length; i++) {
      if (!(Number.isInteger(indices[i]) && indices[i] >= 0 && indices[i] < count))
        check(false, `gatherRows: index ${i}`, `a row number below ${count}`, indices[i])
    }
    if (isTable(data)) return { ...data, rows: gatherRows(data.rows, indices) }
    if (isNamedRows(data)) {
      const parts = Object.entries(data as NamedRows).map(([name, part]) => [name, gatherRows(part, indices)])
      return Object.fromEntries(parts) as T
    }
    if (isShaped(data)) {
      const { shape, data: from } = data
      const width = count === 0 ? 0 : from.length / count
      const to = emptyOf(from, indices.length * width)
      for (let i = 0; i < indices.length; i++)
        to.set(from.subarray(indices[i] * width, (indices[i] + 1) * width), i * width)
      return { ...data, shape: [indices.length, ...shape.slice(1)], data: to }
    }
    const list = data as ArrayLike<unknown>
    const picked = Array.from(indices, (index) => list[index])
    if (!isTyped(data)) return picked as unknown as T
    const to = emptyOf(data as NumberArray, indices.length)
    to.set(picked as number[])
    return to as T
  })
}

/** The number of rows that all parts have. @throws LanegradError if they differ */
export function commonRowCount(where: string, parts: Readonly<Record<string, Rows>>): number {
  let count = -1
  for (const [name, data] of Object.entries(parts)) {
    const rows = rowCount(`${where}: ${name}`, data)
    if (count >= 0 && rows !== count)
      fail(`${where}: expected ${count} rows of ${name}, as of ${Object.keys(parts)[0]}; got ${rows}`)
    count = rows
  }
  return count
}
