// CSV texts as tables, and their columns as numbers. Enters: a text (RFC 4180: quoted fields, either line end, a byte
// order mark). Leaves: a table of texts, then tensors. A cell that is no number is an error with its place, unless it is
// one of the spellings of a missing value and the caller says what stands in for it.
import papaparse from 'papaparse'
import { check, checkOptions, fail, show, unknownName } from '../numerics/errors.ts'
import type { FloatArray, NamedArray } from '../numerics/tensor.ts'

/** The cells of a CSV file, as text. */
export interface Table {
  readonly names: readonly string[]
  /** As many texts in each as there are names. */
  readonly rows: readonly (readonly string[])[]
}

/** Options of `parseCsv`. */
export interface CsvOptions {
  /** Default ','. */
  readonly delimiter?: string
  /** Whether the first line names the columns. Default true; without it they are '0', '1' ... */
  readonly header?: boolean
  /** The columns to keep, in this order. Default: all. */
  readonly columns?: readonly string[]
}

/**
 * `parseCsv('a,b\n1,x')` is { names: ['a', 'b'], rows: [['1', 'x']] }. Empty lines are skipped.
 * @throws LanegradError naming the line: a broken quote, or more or fewer fields than names
 * @example
 * ```js
 * import { labelColumn, numberColumns, parseCsv } from 'lanegrad/data'
 *
 * const table = parseCsv('length,width,kind\n5.1,3.5,a\n4.9,3.0,b\n')
 * console.log(numberColumns(table, ['length', 'width']).shape) // [ 2, 2 ]
 * console.log(labelColumn(table, 'kind').classes) // [ 'a', 'b' ]
 * ```
 */
export function parseCsv(text: string, options: CsvOptions = {}): Table {
  checkOptions('parseCsv', options, ['delimiter', 'header', 'columns'])
  const { delimiter = ',', header = true, columns } = options
  check(typeof text === 'string', 'parseCsv: text', 'a string', text)
  check(typeof delimiter === 'string' && delimiter !== '', 'parseCsv: delimiter', 'a text', delimiter)
  const { data, errors } = papaparse.parse<string[]>(text, { delimiter, skipEmptyLines: true })
  if (errors.length > 0) fail(`parseCsv: row ${(errors[0].row ?? 0) + 1}: ${errors[0].message}`)
  if (data.length === 0) fail('parseCsv: the text is empty')
  const names = header ? data[0] : data[0].map((_, i) => String(i))
  names.forEach((name, i) => {
    if (names.indexOf(name) !== i) fail(`parseCsv: two columns are named ${show(name)}`)
  })
  const rows = header ? data.slice(1) : data
  rows.forEach((row, i) => {
    if (row.length !== names.length)
      fail(`parseCsv: row ${i + (header ? 2 : 1)} has ${row.length} fields, expected ${names.length}`)
  })
  if (!columns) return { names, rows }
  const kept = columns.map((name) => indexOf(names, name))
  return { names: [...columns], rows: rows.map((row) => kept.map((column) => row[column])) }
}

function indexOf(names: readonly string[], name: string): number {
  const index = names.indexOf(name)
  return index < 0 ? unknownName('column', name, names) : index
}

/**
 * The texts of a column.
 * @throws LanegradError on an unknown name, with the nearest known one
 * @example
 * ```js
 * import { parseCsv, textColumn } from 'lanegrad/data'
 *
 * const table = parseCsv('city,rain\n"Bergen, Norway",2.4\nCairo,0.02\n')
 * console.log(textColumn(table, 'city')) // [ 'Bergen, Norway', 'Cairo' ]
 * ```
 */
export function textColumn({ names, rows }: Table, name: string): string[] {
  const column = indexOf(names, name)
  return rows.map((row) => row[column])
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i
const MISSING = /^(|na|n\/a|nan|null|none|\?)$/i

/**
 * Columns of numbers as a tensor [rows, columns]; all columns unless some are named. `missing` stands in for empty cells, NA,
 * N/A, NaN, null, none and ?.
 * @throws LanegradError naming row (from 0, the head not counted) and column of a cell that is no number; on an unknown name
 * @example
 * ```js
 * import { numberColumns, parseCsv } from 'lanegrad/data'
 *
 * const table = parseCsv('kind,length,width\na,5.5,NA\nb,4,3\n')
 * const { shape, data } = numberColumns(table, ['width', 'length'], { missing: -1 })
 * console.log(shape, data.join(' ')) // [ 2, 2 ] -1 5.5 3 4
 * ```
 */
export function numberColumns(
  { names, rows }: Table,
  columns: readonly string[] = names,
  options: { readonly missing?: number } = {},
): FloatArray {
  checkOptions('numberColumns', options, ['missing'])
  const { missing } = options
  const indices = columns.map((name) => indexOf(names, name))
  const data = new Float32Array(rows.length * indices.length)
  rows.forEach((row, i) => {
    indices.forEach((column, j) => {
      const cell = row[column].trim()
      const isMissing = missing !== undefined && MISSING.test(cell)
      if (!isMissing && !NUMBER.test(cell))
        fail(`numberColumns: column ${show(columns[j])}, row ${i}: ${show(row[column])} is no number`)
      data[i * indices.length + j] = isMissing ? missing : Number(cell)
    })
  })
  return { shape: [rows.length, indices.length], data }
}

/** Class labels as numbers, with the texts they stand for. */
export interface Labels extends NamedArray {
  readonly data: Int32Array
  /** What the numbers stand for. */
  readonly classes: readonly string[]
}

/**
 * A column of texts as labels [rows], numbers from 0. `classes` gives their order; default: all texts there are, sorted.
 * @throws LanegradError on a text that is none of `classes`, or an unknown name
 * @example
 * ```js
 * import { labelColumn, parseCsv } from 'lanegrad/data'
 *
 * const table = parseCsv('size\nsmall\nlarge\nsmall\n')
 * const { data, classes } = labelColumn(table, 'size')
 * console.log(data.join(' '), classes) // 1 0 1 [ 'large', 'small' ]
 * console.log(labelColumn(table, 'size', ['small', 'medium', 'large']).data.join(' ')) // 0 2 0
 * ```
 */
export function labelColumn(table: Table, name: string, classes?: readonly string[]): Labels {
  const texts = textColumn(table, name)
  const known = classes ?? [...new Set(texts)].sort()
  const numbers = new Map(known.map((text, i) => [text, i]))
  const data = Int32Array.from(texts, (text, row) => {
    return (
      numbers.get(text) ??
      fail(`column ${show(name)}, row ${row}: ${show(text)} is none of ${known.join(', ')}`)
    )
  })
  return { shape: [texts.length], data, classes: known }
}

/**
 * As `labelColumn`, as one-hot rows [rows, classes]: for the losses that take a target for every class.
 * @throws LanegradError as labelColumn
 * @example
 * ```js
 * import { oneHotColumn, parseCsv } from 'lanegrad/data'
 *
 * const table = parseCsv('size\nsmall\nlarge\n')
 * const { shape, data } = oneHotColumn(table, 'size', ['small', 'medium', 'large'])
 * console.log(shape, data.join(' ')) // [ 2, 3 ] 1 0 0 0 0 1
 * ```
 */
export function oneHotColumn(
  table: Table,
  name: string,
  classes?: readonly string[],
): FloatArray & { readonly classes: readonly string[] } {
  const labels = labelColumn(table, name, classes)
  const count = labels.classes.length
  const data = new Float32Array(labels.data.length * count)
  labels.data.forEach((label, row) => {
    data[row * count + label] = 1
  })
  return { shape: [labels.data.length, count], data, classes: labels.classes }
}
