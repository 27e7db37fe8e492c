// Reads the cells of tables: texts of CSV files, or values of objects. Each reader takes any cell and returns a number (NaN where the
// cell is missing) or a text ('' where it is missing), and undefined where the cell is of another kind. The readers never throw.
import { tagOf } from '../numerics/brands.ts'
import { check, fail, isRecord, show, unknownName } from '../numerics/errors.ts'
import type { Table } from './table.ts'

/** Rows of a table: what `parseCsv` returns, or a list of objects with the columns' names as keys. */
export type TableRows = Table | readonly Readonly<Record<string, unknown>>[]

/** What a text of digits looks like. */
export const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i
/** How a missing value is spelled among numbers, booleans and dates. */
export const MISSING = /^(|na|n\/a|nan|null|none|\?)$/i
/** Whether a number becomes infinite as float32. */
export const isTooLarge = (value: number) => Math.abs(Math.fround(value)) === Infinity

const TRUE = /^(true|yes|t|y|1)$/i
const FALSE = /^(false|no|f|n|0)$/i
const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?(?:Z|([+-])(\d\d):?(\d\d))?)?$/
const DAY_MS = 86_400_000

/** Cells as texts; '' is a missing one. */
export function textIn(cell: unknown): string | undefined {
  if (cell === null || cell === undefined || Number.isNaN(cell)) return ''
  if (typeof cell === 'string') return cell.trim()
  return /^(number|boolean|bigint)$/.test(typeof cell) ? String(cell) : undefined
}

export function numberIn(cell: unknown): number | undefined {
  if (typeof cell === 'number') return isTooLarge(cell) ? undefined : cell
  const text = typeof cell === 'boolean' ? undefined : textIn(cell)
  if (text === undefined || MISSING.test(text)) return text === undefined ? text : NaN
  const value = NUMBER.test(text) ? Number(text) : Infinity
  return isTooLarge(value) ? undefined : value
}

/** True as 1, false as 0. */
export function booleanIn(cell: unknown): number | undefined {
  const text = textIn(cell)
  if (text === undefined || MISSING.test(text)) return text === undefined ? text : NaN
  return TRUE.test(text) ? 1 : FALSE.test(text) ? 0 : undefined
}

/** Days since 1970, with a fraction for the time. Dates are objects of class Date or ISO texts; without a zone they are UTC. */
export function dateIn(cell: unknown): number | undefined {
  if (tagOf(cell) === '[object Date]') return Number(cell) / DAY_MS
  const text = typeof cell === 'number' ? undefined : textIn(cell)
  if (text === undefined || MISSING.test(text)) return text === undefined ? text : NaN
  const [, year, month, day, hours, minutes, seconds, sign, zoneHours, zoneMinutes] = DATE.exec(text) ?? []
  if (year === undefined) return undefined
  if (Number(hours ?? 0) > 23 || Number(minutes ?? 0) > 59 || Number(seconds ?? 0) >= 60) return undefined
  const midnight = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  if (midnight.toISOString().slice(0, 10) !== `${year}-${month}-${day}`) return undefined // February 30
  const time = Number(hours ?? 0) * 60 + Number(minutes ?? 0) + Number(seconds ?? 0) / 60
  const zone = Number(zoneHours ?? 0) * 60 + Number(zoneMinutes ?? 0)
  return midnight.getTime() / DAY_MS + (time + (sign === '-' ? zone : -zone)) / 1440
}

/** The cell of a row. */
export type CellAt = (row: number) => unknown

/** The columns of a table, by name. */
export interface Columns {
  readonly rowCount: number
  readonly names: readonly string[]
  /** The cells of a column; undefined if there is none of this name. */
  column(name: string): CellAt | undefined
}

export const isTable = (rows: unknown): rows is Table =>
  isRecord(rows) && Array.isArray(rows.names) && Array.isArray(rows.rows)

/** @throws LanegradError for anything but a table or a list of objects, and for rows of another length than the first line's */
export function columnsOf(where: string, rows: TableRows): Columns {
  const [names, cellOf] = isTable(rows) ? tableCells(where, rows) : objectCells(where, rows)
  const list: readonly unknown[] = isTable(rows) ? rows.rows : rows
  return {
    rowCount: list.length,
    names,
    column: cellOf,
  }
}

/** Tells the nearest name of a column; or, where there is one column alone, by what its fields seem to be separated. */
export function unknownColumn(what: string, name: unknown, names: readonly string[]): never {
  const sign = names.length === 1 && /[;\t|]/.exec(names[0])?.[0]
  if (sign)
    fail(
      `${what}: there is one column alone, ${show(names[0])}; its fields seem to be separated by ${show(sign)}: ` +
        `parseCsv(text, { delimiter: ${show(sign)} })`,
    )
  return unknownName(what, name, names)
}

type CellsByName = [readonly string[], (name: string) => CellAt | undefined]

function tableCells(where: string, { names, rows }: Table): CellsByName {
  const places = new Map(names.map((name, i) => [name, i]))
  if (places.size < names.length)
    fail(`${where}: two columns are named ${show(names.find((name, i) => places.get(name) !== i))}`)
  rows.forEach((row, i) => {
    if (!Array.isArray(row)) check(false, `${where}: row ${i}`, 'a list of cells', row)
    if (row.length !== names.length)
      fail(`${where}: row ${i}: expected ${names.length} cells, one for each name; got ${row.length}`)
  })
  return [
    names,
    (name) => {
      const place = places.get(name)
      return place === undefined ? place : (row) => rows[row][place]
    },
  ]
}

function objectCells(where: string, rows: readonly Readonly<Record<string, unknown>>[]): CellsByName {
  check(
    Array.isArray(rows),
    `${where}: rows`,
    'a table from parseCsv, or a list of objects ([row] of one)',
    rows,
  )
  const names = new Set<string>()
  rows.forEach((row, i) => {
    if (!isRecord(row) || ArrayBuffer.isView(row))
      check(
        false,
        `${where}: row ${i}`,
        'an object such as { column: value }; lists go into { names, rows }',
        row,
      )
    for (const name of Object.keys(row)) names.add(name)
  })
  return [
    [...names],
    (name) =>
      names.has(name) || rows.length === 0
        ? (i) => (Object.hasOwn(rows[i], name) ? rows[i][name] : undefined)
        : undefined,
  ]
}
