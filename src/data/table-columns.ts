// The columns of a table, fitted on training rows: what kind each is, and how its cells become numbers. A fitted column is plain
// data, as it is saved. Fits use + - * / and sqrt alone, so that they have the same bits on every engine.
import { BOOLEAN, check, fail, oneOf, type Rule, readOptions, show, unknownName } from '../numerics/errors.ts'
import { cos, sin } from '../numerics/exact.ts'
import { booleanIn, type CellAt, dateIn, NUMBER, numberIn, textIn } from './cells.ts'
import { DISTINCT, NAME } from './saved.ts'

export type Kind = 'number' | 'boolean' | 'date' | 'category'
export const KIND = oneOf('number', 'boolean', 'date', 'category')

/** Cells as numbers: (value - center) / scale, where `fill` is the value of a missing one. */
interface NumberColumn {
  readonly name: string
  readonly kind: 'number' | 'boolean' | 'date'
  readonly fill: number
  readonly center: number
  readonly scale: number
  /** Whether dates have times of the day. */
  readonly hasTimes: boolean
}

interface CategoryColumn {
  readonly name: string
  readonly kind: 'category'
  readonly values: readonly string[]
}

export type Column = NumberColumn | CategoryColumn

const IN = { number: numberIn, boolean: booleanIn, date: dateIn, category: textIn }
const EXPECTED = {
  number: 'a number that fits float32',
  boolean: 'true or false, yes or no, 1 or 0',
  date: 'a date such as 2026-11-29 or 2026-11-29T08:30',
  category: 'a text',
}

export const placeOf = (where: string, name: string, row: number) =>
  `${where}: column ${show(name)}, row ${row}`

/** The values of a column; NaN, or '' of a category, where a cell is missing. */
export function valuesOf<K extends Kind>(
  where: string,
  name: string,
  kind: K,
  cellAt: CellAt,
  rowCount: number,
) {
  const read = IN[kind] as (cell: unknown) => (K extends 'category' ? string : number) | undefined
  return Array.from({ length: rowCount }, (_, row) => {
    const value = read(cellAt(row))
    if (value === undefined) check(false, placeOf(where, name, row), EXPECTED[kind], cellAt(row))
    return value
  })
}

/** Numbers as people write them: 1,5 or 1,234.5 or 1.234,5. */
const NUMBER_WITH_COMMA = /^[+-]?\d+(?:\.\d{3})*,\d+(?:,\d{3})*(?:\.\d+)?$/

/** What the cells look like: numbers, booleans and dates where all are such, categories otherwise. @throws LanegradError on a doubt */
export function kindOf(where: string, name: string, cellAt: CellAt, rowCount: number): Kind {
  const kinds = ['number', 'boolean', 'date'] as const
  const counts = [0, 0, 0]
  const others = [0, 0, 0] // a row with a cell of another kind
  const texts = new Set<string>()
  let filled = 0
  for (let row = 0; row < rowCount; row++) {
    const cell = cellAt(row)
    const values = kinds.map((kind) => IN[kind](cell))
    if (values.some(Number.isNaN)) continue
    if (typeof cell === 'number' && values[0] === undefined)
      check(false, placeOf(where, name, row), EXPECTED.number, cell)
    filled++
    texts.add(textIn(cell) ?? '')
    values.forEach((value, i) => {
      if (value === undefined) others[i] = row
      else counts[i]++
    })
  }
  if (filled === 0)
    fail(`${where}: column ${show(name)} has no value in any of ${rowCount} rows; leave it out of columns`)
  const all = counts.indexOf(filled)
  if (all >= 0) return kinds[all]
  const commas = [...texts].filter((text) => NUMBER_WITH_COMMA.test(text))
  if (commas.length > 0 && [...texts].every((text) => NUMBER_WITH_COMMA.test(text) || NUMBER.test(text)))
    fail(
      `${where}: column ${show(name)}: expected numbers with a point, such as 1234.5; got ${show(commas[0])}. Write the commas anew ` +
        `in the rows, or say that these are categories: columns: { ${show(name)}: 'category' }`,
    )
  // few texts again and again are categories, whatever they look like
  if (texts.size <= 50 && texts.size <= filled / 2) return 'category'
  const most = counts.findIndex((count) => count > filled / 2)
  if (most >= 0)
    fail(
      `${placeOf(where, name, others[most])}: expected ${EXPECTED[kinds[most]]}, as in most rows; got ` +
        `${show(cellAt(others[most]))}. Correct it, or say what the column is: columns: { ${show(name)}: 'category' }`,
    )
  if (texts.size > 50 && texts.size > filled / 2)
    fail(
      `${where}: column ${show(name)} has ${texts.size} texts in ${filled} rows, too many to learn from; leave it out by ` +
        `naming the columns to take, or say that it is one: columns: { ${show(name)}: 'category' }`,
    )
  return 'category'
}

export type Impute = 'mean' | 'median'
export type Scaling = 'standard' | 'minMax' | 'none'

/** A missing cell counts as `fill` in center and scale, as in scikit-learn's SimpleImputer before a scaler. */
export function fitNumbers(
  where: string,
  name: string,
  kind: 'number' | 'boolean' | 'date',
  values: readonly number[],
  impute: Impute,
  scaling: Scaling,
): NumberColumn {
  const present = values.filter((value) => !Number.isNaN(value))
  if (present.length === 0)
    fail(
      `${where}: column ${show(name)} has no value in any of ${values.length} rows; leave it out of columns`,
    )
  const mean = meanOf(present)
  const fill = impute === 'mean' ? mean : medianOf(present)
  const filled = values.map((value) => (Number.isNaN(value) ? fill : value))
  const hasTimes = kind === 'date' && present.some((value) => !Number.isInteger(value))
  return { name, kind, fill, ...scaleOf(filled, kind === 'boolean' ? 'none' : scaling), hasTimes }
}

/** @returns center and scale; a column of equal values has the scale 1 */
export function scaleOf(values: readonly number[], scaling: Scaling): { center: number; scale: number } {
  if (scaling === 'none') return { center: 0, scale: 1 }
  let [least, most] = [Infinity, -Infinity]
  for (const value of values) {
    if (value < least) least = value
    if (value > most) most = value
  }
  if (least === most) return { center: least, scale: 1 }
  if (scaling === 'minMax') return { center: least, scale: most - least }
  const center = meanOf(values)
  let squares = 0
  for (const value of values) squares += (value - center) * (value - center)
  return { center, scale: Math.sqrt(squares / values.length) || 1 }
}

function meanOf(values: readonly number[]): number {
  let sum = 0
  for (const value of values) sum += value
  return sum / values.length
}

function medianOf(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort()
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/** The different texts, sorted: as numbers where all are such. The missing one is none of them. */
export function fitCategories(where: string, name: string, texts: readonly string[]): CategoryColumn {
  const values = [...new Set(texts)].filter((text) => text !== '')
  if (values.length === 0)
    fail(
      `${where}: column ${show(name)} has no value in any of ${texts.length} rows; leave it out of columns`,
    )
  const areNumbers = values.every((text) => NUMBER.test(text))
  values.sort(areNumbers ? (a, b) => Number(a) - Number(b) : undefined)
  return { name, kind: 'category', values }
}

/** The numbers of categories, from 0; -1 for one that isn't known, or is missing. With `isStrict` such a one is an error. */
export function idsOf(
  where: string,
  column: CategoryColumn,
  texts: readonly string[],
  isStrict: boolean,
): number[] {
  const { name, values } = column
  const ids = new Map(values.map((value, id) => [value, id]))
  return texts.map((text, row) => {
    const id = ids.get(text)
    if (id === undefined && isStrict) unknownName(`${placeOf(where, name, row)}: category`, text, values)
    return id ?? -1
  })
}

/** The share of a year, a week and a day that has passed. */
const CIRCLES = { year: 365.2425, week: 7, day: 1 }

const circlesOf = ({ hasTimes }: NumberColumn) => Object.entries(CIRCLES).slice(0, hasTimes ? 3 : 2)

/** The names of the numbers that a column becomes. */
export function namesOf(column: Column): string[] {
  const { name } = column
  if (column.kind === 'category') return column.values.map((value) => `${name}_${value}`)
  if (column.kind !== 'date') return [name]
  return [name, ...circlesOf(column).flatMap(([circle]) => [`${name}_${circle}Sin`, `${name}_${circle}Cos`])]
}

/** Writes the numbers of a column into rows of `width` numbers, from place `at` on. */
export function writeNumbers(
  column: NumberColumn,
  values: readonly number[],
  out: Float32Array,
  width: number,
  at: number,
): void {
  const { fill, center, scale } = column
  const circles = column.kind === 'date' ? circlesOf(column) : []
  values.forEach((given, row) => {
    const value = Number.isNaN(given) ? fill : given
    let place = row * width + at
    out[place++] = (value - center) / scale
    for (const [, days] of circles) {
      const angle = (value / days - Math.floor(value / days)) * 2 * Math.PI
      out[place++] = sin(angle)
      out[place++] = cos(angle)
    }
  })
}

const NUMERIC: Rule<number> = { expected: 'a finite number', holds: (x): x is number => Number.isFinite(x) }
const DIVISOR: Rule<number> = {
  expected: 'a finite number > 0',
  holds: (x): x is number => NUMERIC.holds(x) && x > 0,
}

/** A column as it was saved. @throws LanegradError unless it is one */
export function readColumn(what: string, saved: unknown): Column {
  const kind = (Object(saved) as { kind?: unknown }).kind
  if (kind === 'category')
    return readOptions(what, saved as object, { name: NAME, kind: oneOf(kind), values: DISTINCT })
  return readOptions(what, Object(saved) as object, {
    name: NAME,
    kind: oneOf('number', 'boolean', 'date'),
    fill: NUMERIC,
    center: NUMERIC,
    scale: DIVISOR,
    hasTimes: BOOLEAN,
  })
}
