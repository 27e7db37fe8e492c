// Reads CSV into tables, and their columns into numbers. Enters: a text (RFC 4180: quoted fields, any line ends, a byte order
// mark). Leaves: a table of strings, then tensors. A cell that isn't a number is an error that names its place, unless it
// spells a missing value and the caller gives a replacement.
import papaparse from 'papaparse'
import {
  BOOLEAN,
  check,
  checkOptions,
  fail,
  isRecord,
  type Rule,
  reading,
  readOptions,
  show,
  unknownName,
} from '../numerics/errors.ts'
import type { FloatArray, NamedArray } from '../numerics/tensor.ts'
import { isTooLarge, MISSING, NUMBER, unknownColumn } from './cells.ts'
import type { Table } from './table.ts'

/** Options of `parseCsv`. */
export interface CsvOptions {
  /** Separator of the fields. Default ','. */
  readonly delimiter?: string
  /** Whether the first line names the columns; otherwise they are called '0', '1' ... Default true. */
  readonly header?: boolean
  /** The columns to keep, in this order. Default: all. */
  readonly columns?: readonly string[]
}

const DELIMITER: Rule<string> = {
  expected: 'a string without quotes and line ends',
  holds: (x): x is string => typeof x === 'string' && /^[^"\r\n\ufeff]+$/.test(x),
}

/**
 * Reads a CSV text: `parseCsv('a,b\n1,x')` is { names: ['a', 'b'], rows: [['1', 'x']] }. Blank lines before the first and after
 * the last row are skipped, and those between rows of several columns; between rows of one column a blank line is a row with an
 * empty cell. Line ends are \n, \r\n and \r, even mixed; within quotes they stay as they are.
 * @throws LanegradError naming the line where a row begins that has a broken quote, or more or fewer fields than names
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
  const readers = { delimiter: [DELIMITER, ','], header: [BOOLEAN, true] } as const
  const read = checkOptions('parseCsv', options, ['delimiter', 'header', 'columns'])
  const { delimiter, header } = readOptions('parseCsv', read, readers, ['columns'])
  check(typeof text === 'string', 'parseCsv: text', 'a string', text)
  if (/^[^\r\n]+\.(csv|tsv|txt)$/i.test(text))
    fail(
      `parseCsv: text must be what a CSV file holds, such as readFileSync(path, 'utf8'); got a path, ${show(text)}`,
    )
  // a text with line ends of one kind is parsed as it is
  const newline = /(?<!\r)\n|\r(?!\n)/.test(text) ? '\n' : '\r\n'
  const lines = newline === '\n' && text.includes('\r') ? withLineFeeds(text, delimiter) : text
  const start = lines.search(/[^\ufeff\r\n]/)
  if (start < 0) fail('parseCsv: the text is empty')
  // before parsing, since a blank line and a quoted empty cell still differ here
  const body = lines.slice(start).replace(/(?<![\r\n])[\r\n]+$/, '')
  const { data, errors } = papaparse.parse<string[]>(body, { delimiter, newline })
  const failAt = (row: number, message: string) => {
    const before = data.slice(0, row).map((cells) => `${cells} \n`)
    fail(`parseCsv: line ${(lines.slice(0, start) + before.join('')).split(/\r\n?|\n/).length}${message}`)
  }
  if (errors.length > 0) failAt(errors[0].row ?? 0, `: ${errors[0].message}`)
  const names = header ? data[0] : data[0].map((_, i) => String(i))
  const seen = new Set<string>()
  for (const name of names)
    if (seen.has(name) || !seen.add(name)) fail(`parseCsv: two columns are named ${show(name)}`)
  const rows = data.filter((row, i) => {
    if (header && i === 0) return false
    if (row.length === names.length) return true
    if (row.length > 1 || row[0] !== '') failAt(i, `: expected ${names.length} fields; got ${row.length}`)
    return false
  })
  const { columns } = read
  if (columns === undefined) return { names, rows }
  const kept = reading('parseCsv: columns', () => columnIndices('parseCsv: columns', names, columns))
  return {
    names: kept.map((column) => names[column]),
    rows: rows.map((row) => kept.map((column) => row[column])),
  }
}

/** Replaces every line end outside quotes by \n. A quote opens where a cell begins, or right after one has closed. */
function withLineFeeds(text: string, delimiter: string): string {
  let isQuoted = false
  let closed = -1
  return text.replace(/"|\r\n?/g, (found, at) => {
    if (found !== '"') return isQuoted ? found : '\n'
    const opens = at === closed + 1 || '\r\n\ufeff'.includes(text[at - 1]) || text.endsWith(delimiter, at)
    if (isQuoted) closed = at
    isQuoted = !isQuoted && opens
    return found
  })
}

function columnIndices(what: string, names: readonly string[], columns: readonly string[]): number[] {
  check(Array.isArray(columns), what, 'a list of names', columns)
  const indices = new Map(names.map((name, i) => [name, i]))
  return columns.map((name) => indices.get(name) ?? unknownColumn('column', name, names))
}

function checkTable(where: string, table: Table): void {
  const isTable = isRecord(table) && Array.isArray(table.names) && Array.isArray(table.rows)
  check(isTable, `${where}: table`, 'a table from parseCsv', table)
}

function textsOf(where: string, table: Table, name: string): string[] {
  checkTable(where, table)
  const [column] = columnIndices('column', table.names, [name])
  return table.rows.map((row) => row[column])
}

/**
 * The strings of a column.
 * @throws LanegradError on an unknown name, with the nearest known one
 * @example
 * ```js
 * import { parseCsv, textColumn } from 'lanegrad/data'
 *
 * const table = parseCsv('city,rain\n"Bergen, Norway",2.4\nCairo,0.02\n')
 * console.log(textColumn(table, 'city')) // [ 'Bergen, Norway', 'Cairo' ]
 * ```
 */
export function textColumn(table: Table, name: string): string[] {
  return reading('textColumn: its arguments', () => textsOf('textColumn', table, name))
}

/**
 * Columns of numbers as a tensor [rows, columns]; all columns unless some are named. `missing`, a number that float32 holds or
 * NaN, replaces empty cells, NA, N/A, NaN, null, none and ?.
 * @throws LanegradError naming row (from 0, without the head) and column of a cell that isn't a number, or is too large for
 * float32; on an unknown name
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
  table: Table,
  columns?: readonly string[],
  options: { readonly missing?: number } = {},
): FloatArray {
  const where = 'numberColumns'
  const { missing } = checkOptions(where, options, ['missing'])
  const isStandIn = missing === undefined || (typeof missing === 'number' && !isTooLarge(missing))
  check(isStandIn, `${where}: missing`, 'a float32 number or NaN', missing)
  return reading(`${where}: its arguments`, () => {
    checkTable(where, table)
    const { names, rows } = table
    const indices = columnIndices(`${where}: columns`, names, columns === undefined ? names : columns)
    const data = new Float32Array(rows.length * indices.length)
    rows.forEach((row, i) => {
      indices.forEach((column, j) => {
        const cell = String(row[column]).trim()
        const isMissing = missing !== undefined && MISSING.test(cell)
        const value = isMissing ? missing : Number(cell)
        const isNumber = isMissing || NUMBER.test(cell)
        if (!isNumber || isTooLarge(value)) {
          const expected = isNumber
            ? 'a number that fits float32'
            : MISSING.test(cell)
              ? 'a number (or give { missing: NaN }, or another number in its place)'
              : 'a number'
          check(false, `${where}: column ${show(names[column])}, row ${i}`, expected, row[column])
        }
        data[i * indices.length + j] = value
      })
    })
    return { shape: [rows.length, indices.length], data }
  })
}

/** Class labels as numbers, with the names of the classes. */
export interface Labels extends NamedArray {
  readonly data: Int32Array<ArrayBuffer>
  /** The names of the classes, in the order of the numbers. */
  readonly classes: readonly string[]
}

function labelsOf(where: string, table: Table, name: string, classes?: readonly string[]): Labels {
  const texts = textsOf(where, table, name)
  const known = classes === undefined ? [...new Set(texts)].sort() : classes
  const isKnown = Array.isArray(known) && known.every((text) => typeof text === 'string')
  check(
    isKnown && new Set(known).size === known.length,
    `${where}: classes`,
    'a list of distinct strings',
    known,
  )
  const numbers = new Map(known.map((text, i) => [text, i]))
  const data = Int32Array.from(texts, (text, row) => {
    return numbers.get(text) ?? unknownName(`${where}: column ${show(name)}, row ${row}: class`, text, known)
  })
  return { shape: [texts.length], data, classes: known }
}

/**
 * A column of strings as class labels [rows], numbers from 0 in the order of `classes` (default: all strings that occur,
 * sorted).
 * @throws LanegradError on a string that isn't one of `classes`, classes that aren't distinct, or an unknown name
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
  return reading('labelColumn: its arguments', () => labelsOf('labelColumn', table, name, classes))
}

/**
 * A column of strings as one-hot rows [rows, classes], for losses that take a target for every class; see `labelColumn`.
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
  const where = 'oneHotColumn'
  const labels = reading(`${where}: its arguments`, () => labelsOf(where, table, name, classes))
  const count = labels.classes.length
  const data = new Float32Array(labels.data.length * count)
  labels.data.forEach((label, row) => {
    data[row * count + label] = 1
  })
  return { shape: [labels.data.length, count], data, classes: labels.classes }
}
