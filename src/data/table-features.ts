// Tables to the numbers that a net reads, fitted on training rows. Enters: what `parseCsv` returns, or a list of objects. Leaves: a
// tensor of numbers, imputed and scaled, and one-hot categories; or ids of categories, an input each; and the target. What was
// fitted is plain data that JSON keeps.
import {
  asGiven,
  check,
  checkOptions,
  FINITE,
  fail,
  isObject,
  isRecord,
  must,
  oneOf,
  reading,
  readOptions,
  show,
} from '../numerics/errors.ts'
import type { FloatArray, NamedArray, ShapedArray } from '../numerics/tensor.ts'
import { type CellAt, type Columns, columnsOf, type TableRows, unknownColumn } from './cells.ts'
import { argmax, classesOf } from './predictions.ts'
import { readSaved } from './saved.ts'
import {
  type Column,
  fitCategories,
  fitNumbers,
  type Impute,
  idsOf,
  KIND,
  kindOf,
  namesOf,
  placeOf,
  readColumn,
  type Scaling,
  scaleOf,
  valuesOf,
  writeNumbers,
} from './table-columns.ts'

/** What a column holds. */
export type ColumnKind = 'number' | 'boolean' | 'date' | 'category'

/** Options of `tableFeatures`. */
export interface TableFeaturesOptions {
  /**
   * The columns to learn from: a list of names, or an object of names with what each holds, such as `{ weight: 'number',
   * cylinders: 'category' }`. Default null: all but the target, each of the kind that its cells look like.
   */
  readonly columns?: readonly string[] | Readonly<Record<string, ColumnKind>> | null
  /**
   * The column to predict: its name, or an object such as `{ quality: 'category' }`. Numbers keep their units; categories become
   * class numbers from 0. Default null: none.
   */
  readonly target?: string | Readonly<Record<string, 'number' | 'category'>> | null
  /**
   * 'oneHot': a column of 0 and 1 for each category, in one tensor with the numbers; all are 0 where a category is missing or
   * unknown. 'ids': an input of its own for each column of categories, for an `embedding`, in which 0 stands for a missing or
   * unknown one. Default 'oneHot'.
   */
  readonly categories?: 'oneHot' | 'ids'
  /** What stands in for a missing number, boolean or date: the mean or the median of the training rows. Default 'mean'. */
  readonly impute?: 'mean' | 'median'
  /**
   * 'standard': numbers and dates get the mean 0 and the deviation 1 of the training rows; 'minMax': the range 0 to 1; 'none': they
   * stay as they are. Default 'standard'.
   */
  readonly scale?: 'standard' | 'minMax' | 'none'
  /** What a category is that the training rows don't have, or that is missing: 'ignore': unknown; 'error': an error. Default 'ignore'. */
  readonly handleUnknown?: 'ignore' | 'error'
}

/** What `tableFeatures` has fitted. X: a tensor [rows, features], or with `categories: 'ids'` an object of inputs. */
export interface TableFeatures<X = FloatArray> {
  /** The names of the numbers of a row, in their order: `weight`, `origin_Japan` ... */
  readonly names: readonly string[]
  /** The shape of a row, for `sequential({ inputShape })` or `input({ shape })`: [number of names]. */
  readonly inputShape: readonly [number]
  /** The known categories of each column of such, sorted. An embedding of its ids has `inputDim` one larger. */
  readonly categories: Readonly<Record<string, readonly string[]>>
  /** The names of the target's classes, in the order of their numbers; empty where the target is a number. */
  readonly labels: readonly string[]
  /**
   * Deviation and mean of a target of numbers, for `rescaling(features.targetScale)` as the last layer: what is before it then has
   * numbers around 0 to give. { scale: 1, offset: 0 } otherwise.
   */
  readonly targetScale: { readonly scale: number; readonly offset: number }
  /** The rows as input of a model. @throws LanegradError naming column, row and cell that are of another kind */
  transform(rows: TableRows): X
  /** The target, [rows]: float32 numbers, or int32 class numbers. @throws LanegradError on a missing one or an unknown class */
  targets(rows: TableRows): NamedArray
  /** Both, for `fit` and `evaluate`. @throws LanegradError as `transform` and `targets` */
  dataset(rows: TableRows): { readonly x: X; readonly y: NamedArray }
  /**
   * The names of the classes that a prediction means: the largest of [rows, classes], or of two classes the second where
   * [rows, 1] is above `threshold`, by default 0.5 (of logits: 0).
   * @throws LanegradError for another prediction, or where the target is a number
   */
  toLabels(prediction: ShapedArray, options?: { readonly threshold?: number }): string[]
  /** What `JSON.stringify(features)` writes; `loadTableFeatures` makes the same features of it. */
  toJSON(): object
}

/** Everything that was fitted, as it is saved. */
interface Fitted {
  readonly columns: readonly Column[]
  readonly target: Column | null
  readonly categories: 'oneHot' | 'ids'
  readonly handleUnknown: 'ignore' | 'error'
}

const SAVED = 'tableFeatures'
const CHOICES = {
  categories: [oneOf('oneHot', 'ids'), 'oneHot'],
  handleUnknown: [oneOf('ignore', 'error'), 'ignore'],
} as const

/**
 * Learns from training rows how to make numbers of a table: missing numbers are filled in, numbers scaled, categories one-hot or
 * ids, dates become a number and their place in the year and the week (and the day, if there are times). Other rows, for tests
 * and predictions, are transformed in the same way; save the features beside the model.
 * @throws LanegradError on an unknown or bad option or column, on a column without any value, on cells of another kind than
 * their column's, on rows of different lengths
 * @example
 * ```js
 * import { parseCsv, tableFeatures } from 'lanegrad/data'
 *
 * const table = parseCsv('weight,origin,mpg\n2000,Japan,30\n4000,USA,10\n,USA,14\n')
 * const features = tableFeatures(table, { target: 'mpg' })
 * console.log(features.names) // [ 'weight', 'origin_Japan', 'origin_USA' ]
 * console.log(features.transform([{ weight: 3000, origin: 'Mars' }]).data.join(' ')) // 0 0 0
 * const { x, y } = features.dataset(table) // model.fit(features.dataset(table))
 * console.log(x.shape, y.data.join(' ')) // [ 3, 3 ] 30 10 14
 * const kinds = tableFeatures(table, { columns: ['weight'], target: 'origin' })
 * console.log(kinds.toLabels({ shape: [1, 2], data: Float32Array.of(0.2, 0.8) })) // [ 'USA' ]
 * ```
 */
export function tableFeatures(
  rows: TableRows,
  options: TableFeaturesOptions & { readonly categories: 'ids' },
): TableFeatures<Record<string, NamedArray>>
export function tableFeatures(rows: TableRows, options?: TableFeaturesOptions): TableFeatures
export function tableFeatures(
  rows: TableRows,
  options: TableFeaturesOptions = {},
): TableFeatures | TableFeatures<Record<string, NamedArray>> {
  const where = 'tableFeatures'
  const read = readOptions(where, options, {
    columns: [asGiven<unknown>, null],
    target: [asGiven<unknown>, null],
    impute: [oneOf('mean', 'median'), 'mean'],
    scale: [oneOf('standard', 'minMax', 'none'), 'standard'],
    ...CHOICES,
  })
  return reading(`${where}: its arguments`, () => {
    const table = columnsOf(where, rows)
    if (table.rowCount === 0) fail(`${where}: expected training rows; got none`)
    const { categories, handleUnknown } = read
    const wanted = namedKinds(`${where}: target`, read.target)
    if (wanted.length > 1) fail(`${where}: target must be one column; got ${wanted.length}`)
    const target = wanted.map(([name, kind]) => fitTarget(where, table, name, kind))[0] ?? null
    const chosen =
      read.columns === null
        ? table.names.filter((name) => name !== target?.name).map((name) => [name, null] as const)
        : namedKinds(`${where}: columns`, read.columns)
    for (const [name] of chosen)
      if (name === target?.name) fail(`${where}: columns has the target ${show(name)}`)
    const columns = chosen.map(([name, kind]) => fitColumn(where, table, name, kind, read.impute, read.scale))
    return featuresOf(where, { columns, target, categories, handleUnknown })
  })
}

/** Names with their kinds, null where none was given. */
function namedKinds(what: string, given: unknown): (readonly [string, ColumnKind | null])[] {
  if (given === null) return []
  const names = typeof given === 'string' ? [given] : given
  const isNamed =
    isObject(names) && (isRecord(names) || (names as unknown[]).every((name) => typeof name === 'string'))
  check(isNamed, what, "a name, a list of names, or an object such as { weight: 'number' }", given)
  const pairs = Array.isArray(names)
    ? names.map((name: string) => [name, null] as const)
    : Object.entries(names).map(([name, kind]) => [name, must(KIND, kind, `${what}: ${show(name)}`)] as const)
  if (new Set(pairs.map(([name]) => name)).size < pairs.length)
    fail(`${what} has a name twice: ${show(names)}`)
  return pairs
}

/** A column that the training rows had. */
function cellsOf(where: string, { column, names }: Columns, name: string): CellAt {
  const listed = names.slice(0, 20).join(', ') + (names.length > 20 ? ' …' : '')
  return (
    column(name) ??
    fail(
      `${where}: the rows have no column ${show(name)}; give it, with null where a value is missing. They have: ${listed || 'none'}`,
    )
  )
}

function fitColumn(
  where: string,
  table: Columns,
  name: string,
  given: ColumnKind | null,
  impute: Impute,
  scale: Scaling,
): Column {
  const { rowCount } = table
  const cellAt = table.column(name) ?? unknownColumn(`${where}: column`, name, table.names)
  const kind = given ?? kindOf(where, name, cellAt, rowCount)
  if (kind === 'category') return fitCategories(where, name, valuesOf(where, name, kind, cellAt, rowCount))
  return fitNumbers(where, name, kind, valuesOf(where, name, kind, cellAt, rowCount), impute, scale)
}

function fitTarget(where: string, table: Columns, name: string, given: ColumnKind | null): Column {
  const cellAt = table.column(name) ?? unknownColumn(`${where}: column`, name, table.names)
  const kind = given ?? kindOf(where, name, cellAt, table.rowCount)
  if (kind === 'date' || (given !== null && kind === 'boolean'))
    fail(`${where}: target: ${show(name)} must be 'number' or 'category'; got ${show(kind)}`)
  const values = targetValues(where, table, name, kind === 'number' ? kind : 'category')
  if (typeof values[0] === 'string') return fitCategories(where, name, values as string[])
  const column = { name, kind: 'number', fill: 0, hasTimes: false } as const
  return { ...column, ...scaleOf(values as number[], 'standard') }
}

function targetValues(where: string, table: Columns, name: string, kind: 'number' | 'category') {
  const values = valuesOf<'number' | 'category'>(
    where,
    name,
    kind,
    cellsOf(where, table, name),
    table.rowCount,
  )
  values.forEach((value, row) => {
    if (value === '' || Number.isNaN(value))
      fail(`${placeOf(where, name, row)}: the target is missing; leave out rows without one`)
  })
  return values
}

function featuresOf(
  where: string,
  fitted: Fitted,
): TableFeatures | TableFeatures<Record<string, NamedArray>> {
  const { columns, target, categories, handleUnknown } = fitted
  const isStrict = handleUnknown === 'error'
  const isOneHot = categories === 'oneHot'
  const known = columns.flatMap((column) => (column.kind === 'category' ? [column] : []))
  const dense = isOneHot ? columns : columns.filter(({ kind }) => kind !== 'category')
  const widths = dense.map((column) => namesOf(column).length)
  const names = dense.flatMap(namesOf)
  const width = names.length
  const labels = target?.kind === 'category' ? target.values : []
  if (columns.length === 0) fail(`${where}: no column to learn from`)
  if (!isOneHot && known.some(({ name }) => name === 'numbers'))
    fail(`${where}: a column of ids can't be named "numbers", as the input of all numbers is; rename it`)

  function numbersOf(what: string, table: Columns): FloatArray {
    const data = new Float32Array(table.rowCount * width)
    let at = 0
    dense.forEach((column, i) => {
      const cellAt = cellsOf(what, table, column.name)
      if (column.kind === 'category') {
        const texts = valuesOf(what, column.name, column.kind, cellAt, table.rowCount)
        idsOf(what, column, texts, isStrict).forEach((id, row) => {
          if (id >= 0) data[row * width + at + id] = 1
        })
      } else {
        const values = valuesOf(what, column.name, column.kind, cellAt, table.rowCount)
        writeNumbers(column, values, data, width, at)
      }
      at += widths[i]
    })
    return { shape: [table.rowCount, width], data }
  }

  function inputsOf(what: string, table: Columns): Record<string, NamedArray> {
    const inputs: [string, NamedArray][] = known.map((column) => {
      const texts = valuesOf(
        what,
        column.name,
        column.kind,
        cellsOf(what, table, column.name),
        table.rowCount,
      )
      const ids = idsOf(what, column, texts, isStrict)
      return [column.name, { shape: [table.rowCount, 1], data: Int32Array.from(ids, (id) => id + 1) }]
    })
    if (width > 0) inputs.unshift(['numbers', numbersOf(what, table)])
    return Object.fromEntries(inputs)
  }

  function targetsOf(what: string, table: Columns): NamedArray {
    if (target === null)
      fail(`${what}: these features have no target; name one: tableFeatures(rows, { target })`)
    const shape = [table.rowCount]
    if (target.kind !== 'category')
      return { shape, data: Float32Array.from(targetValues(what, table, target.name, 'number') as number[]) }
    const texts = targetValues(what, table, target.name, 'category') as string[]
    return { shape, data: Int32Array.from(idsOf(what, target, texts, true)) }
  }

  const read = <T>(method: string, rows: TableRows, use: (what: string, table: Columns) => T): T => {
    const what = `tableFeatures.${method}`
    return reading(`${what}: its arguments`, () => use(what, columnsOf(what, rows)))
  }
  const xOf: (what: string, table: Columns) => object = isOneHot ? numbersOf : inputsOf

  return {
    names,
    inputShape: [width],
    categories: Object.fromEntries(known.map(({ name, values }) => [name, values])),
    labels,
    targetScale:
      target === null || target.kind === 'category'
        ? { scale: 1, offset: 0 }
        : { scale: target.scale, offset: target.center },
    transform: (rows) => read('transform', rows, xOf),
    targets: (rows) => read('targets', rows, targetsOf),
    dataset: (rows) =>
      read('dataset', rows, (what, table) => ({ x: xOf(what, table), y: targetsOf(what, table) })),
    toLabels: (prediction, options = {}) => toLabels(labels, prediction, options),
    toJSON: () => ({ saved: SAVED, ...fitted }),
  } as TableFeatures | TableFeatures<Record<string, NamedArray>>
}

function toLabels(
  labels: readonly string[],
  prediction: ShapedArray,
  options: { threshold?: number },
): string[] {
  const where = 'tableFeatures.toLabels'
  const { threshold } = readOptions(where, options, { threshold: [FINITE, 0.5] })
  return reading(`${where}: prediction`, () => {
    if (labels.length === 0)
      fail(`${where}: the target isn't a category; its predictions are numbers: rows(prediction)`)
    const { count, classes } = classesOf(where, prediction)
    const expected = `[rows, ${labels.length}]${labels.length === 2 ? ' or [rows, 1]' : ''}`
    if (classes === 1 && labels.length === 2)
      return Array.from({ length: count }, (_, row) => labels[prediction.data[row] > threshold ? 1 : 0])
    if (classes !== labels.length)
      fail(`${where}: expected a prediction ${expected}; got ${show(prediction.shape)}`)
    return Array.from(argmax(prediction), (id) => labels[id])
  })
}

/**
 * Features again of what `JSON.stringify(features)` or `features.toJSON()` gave: they give the same numbers.
 * @throws LanegradError for anything else
 * @example
 * ```js
 * import { loadTableFeatures, tableFeatures } from 'lanegrad/data'
 *
 * const features = tableFeatures([{ size: 1 }, { size: 3 }])
 * const text = JSON.stringify(features) // goes into a file beside the model
 * console.log(loadTableFeatures(text).transform([{ size: 2 }, { size: 5 }]).data.join(' ')) // 0 3
 * ```
 */
export function loadTableFeatures<X = FloatArray>(json: string | object): TableFeatures<X> {
  const where = 'loadTableFeatures'
  return reading(`${where}: json`, () => {
    const fields = checkOptions(where, readSaved(where, SAVED, json), [
      'columns',
      'target',
      ...Object.keys(CHOICES),
    ])
    const { columns, target } = fields
    check(Array.isArray(columns), `${where}: columns`, 'a list', columns)
    const fitted: Fitted = {
      columns: columns.map((column, i) => readColumn(`${where}: column ${i}`, column)),
      target: target === null ? null : readColumn(`${where}: target`, target),
      ...readOptions(where, fields, CHOICES, ['columns', 'target']),
    }
    return featuresOf(where, fitted) as unknown as TableFeatures<X>
  })
}
