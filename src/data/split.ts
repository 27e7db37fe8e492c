// Splits rows into those for training and those for testing. Enters: data or a count of rows, and a seed. Leaves: parts or row
// numbers, the same for the same seed on every engine.
import {
  BOOLEAN,
  check,
  checkOptions,
  fail,
  isRecord,
  NATURAL,
  number,
  POSITIVE_INTEGER,
  reading,
  readOptions,
} from '../numerics/errors.ts'
import { shareOf } from '../numerics/exact.ts'
import { permutation, streamOf } from '../numerics/random.ts'
import { isShaped } from '../numerics/tensor.ts'
import { columnsOf, isTable, type TableRows, textIn, unknownColumn } from './cells.ts'
import { commonRowCount, gatherRows, isNamedRows, type RowData, type Rows, rowCount } from './rows.ts'

/** Labels of the rows; each part gets its share of every label. */
export type Strata = RowData | readonly string[]

/** Options of `trainTestSplit`. */
export interface SplitOptions {
  /** The share (below 1) or the number of the rows for testing. Default 0.25. */
  readonly testSize?: number
  /** Seed of the shuffle. Default 0. */
  readonly seed?: number
  /** Whether the rows are shuffled; otherwise the last ones are for testing, as a time series needs it. Default true. */
  readonly shuffle?: boolean
  /**
   * Labels whose shares both parts keep; true: y holds them; of a table or a list of objects also the name of a column. Default: rows
   * are taken as they come from the shuffle.
   */
  readonly stratify?: boolean | Strata | string
}

/** The two parts that `trainTestSplit` returns. */
export interface Split<X, Y> {
  readonly train: { readonly x: X; readonly y: Y }
  readonly test: { readonly x: X; readonly y: Y }
}

/** The two parts of one set of rows. */
export interface Parts<T> {
  readonly train: T
  readonly test: T
}

const SIZE = number(
  'a share between 0 and 1 or a number of rows',
  (size) => size > 0 && (size < 1 || Number.isInteger(size)),
)

/** The class of each row (numbers from 0, in the order in which labels appear), and the sizes of the classes. */
function strataOf(where: string, strata: Strata | null, count: number): { of: Uint32Array; sizes: number[] } {
  const of = new Uint32Array(count)
  if (strata === null) return { of, sizes: [count] }
  const rows = rowCount(`${where}: stratify`, strata)
  if (rows !== count) fail(`${where}: expected ${count} labels in stratify, one for each row; got ${rows}`)
  const labels = (isShaped(strata) ? strata.data : strata) as ArrayLike<unknown>
  const known = new Map<unknown, number>()
  const sizes: number[] = []
  for (let i = 0; i < count; i++) {
    const label = labels[i]
    const isLabel = labels.length === count && (typeof label === 'number' || typeof label === 'string')
    check(isLabel, `${where}: stratify`, 'a number or string for each row', strata)
    const index = known.get(label) ?? known.size
    known.set(label, index)
    of[i] = index
    sizes[index] = (sizes[index] ?? 0) + 1
  }
  return { of, sizes }
}

/** Deals out `total` in proportion to `sizes`: whole parts first, the rest to the largest remainders. */
function dealOut(sizes: readonly number[], total: number): number[] {
  const count = sizes.reduce((sum, size) => sum + size, 0)
  const rest = sizes.map((size) => (size * total) % count) // integers: equal remainders are equal
  const result = sizes.map((size, i) => (size * total - rest[i]) / count)
  const left = total - result.reduce((sum, n) => sum + n, 0)
  const order = [...sizes.keys()].sort((a, b) => rest[b] - rest[a] || a - b)
  for (const index of order.slice(0, left)) result[index]++
  return result
}

/**
 * Splits shuffled rows in two parts: `const { train, test } = trainTestSplit(x, y)`, then `fit(train)`, `evaluate(test)`. x and y may be
 * objects of several inputs and outputs, and lists of strings. Without y, one set of rows (a table, a list of objects, a time
 * series) becomes two of its kind: `trainTestSplit(table, { stratify: 'species' })`.
 * @throws LanegradError on an unknown or bad option, if the counts differ or if a part would be empty
 * @example
 * ```js
 * import { parseCsv, trainTestSplit } from 'lanegrad/data'
 *
 * const { train, test } = trainTestSplit([1, 2, 3, 4, 5], [0, 1, 0, 1, 0], { testSize: 2, seed: 1 })
 * console.log(train.x.length, test.x.length) // 3 2
 * const several = trainTestSplit({ text: ['a', 'b', 'c', 'd'], size: [1, 2, 3, 4] }, [0, 0, 1, 1], { shuffle: false })
 * console.log(several.test) // { x: { text: [ 'd' ], size: [ 4 ] }, y: [ 1 ] }
 * const parts = trainTestSplit(parseCsv('a,b\n1,x\n2,x\n3,y\n4,y\n'), { testSize: 0.5, stratify: 'b' })
 * console.log(parts.test.names, parts.test.rows.length) // [ 'a', 'b' ] 2
 * ```
 */
export function trainTestSplit<X extends Rows, Y extends Rows>(
  x: X,
  y: Y,
  options?: SplitOptions,
): Split<X, Y>
export function trainTestSplit<T extends Rows>(rows: T, options?: SplitOptions): Parts<T>
export function trainTestSplit(x: Rows, ...more: readonly unknown[]): Split<Rows, Rows> | Parts<Rows> {
  const where = 'trainTestSplit'
  const isAlone = reading(`${where}: y`, () => more.length === 0 || isOptions(more[0]))
  const [y, options = {}] = isAlone ? [undefined, more[0]] : (more as [Rows, SplitOptions?])
  const readers = { testSize: [SIZE, 0.25], seed: [NATURAL, 0], shuffle: [BOOLEAN, true] } as const
  const read = checkOptions(where, options as SplitOptions, ['testSize', 'seed', 'shuffle', 'stratify'])
  const { testSize, seed, shuffle } = readOptions(where, read, readers, ['stratify'])
  const { stratify = false } = read
  return reading(`${where}: its arguments`, () => {
    const count = isAlone ? rowCount(`${where}: rows`, x) : commonRowCount(where, { x, y: y as Rows })
    const testCount = testSize < 1 ? Math.ceil(shareOf(count, testSize)) : testSize
    if (!(testCount < count)) check(false, `${where}: testSize`, `less than all ${count} rows`, testSize)
    if (!shuffle && stratify !== false) fail(`${where}: stratify needs shuffle; got shuffle: false`)
    const train: number[] = []
    const test: number[] = []
    if (shuffle) {
      const classes = strataOf(where, labelsOf(where, stratify, x, y), count)
      const left = dealOut(classes.sizes, testCount)
      for (const row of permutation(count, seed, streamOf(where)))
        (left[classes.of[row]]-- > 0 ? test : train).push(row)
    } else for (let row = 0; row < count; row++) (row < count - testCount ? train : test).push(row)
    if (y === undefined) return { train: gatherRows(x, train), test: gatherRows(x, test) }
    const partOf = (rows: readonly number[]) => ({ x: gatherRows(x, rows), y: gatherRows(y, rows) })
    return { train: partOf(train), test: partOf(test) }
  })
}

/** Whether a second argument is options: an object that holds no rows but those of `stratify`. */
function isOptions(given: unknown): boolean {
  if (!isRecord(given) || isShaped(given) || ArrayBuffer.isView(given) || isTable(given)) return false
  const { stratify, ...others } = given
  return !isNamedRows(others)
}

/** The labels that `stratify` means. */
function labelsOf(
  where: string,
  stratify: boolean | Strata | string,
  x: Rows,
  y: Rows | undefined,
): Strata | null {
  if (typeof stratify === 'string') {
    const table = columnsOf(`${where}: stratify`, x as TableRows)
    const cellAt =
      table.column(stratify) ?? unknownColumn(`${where}: stratify: column`, stratify, table.names)
    return Array.from({ length: rowCount(where, x) }, (_, row) => textIn(cellAt(row)) ?? '')
  }
  if (stratify === true && y === undefined)
    fail(`${where}: stratify: true takes the labels of y; without y, name a column or give the labels`)
  return stratify === true ? (y as Strata) : stratify || null
}

/** Options of `kFold`. */
export interface FoldOptions {
  /** Number of folds, 2 or more. Default 5. */
  readonly folds?: number
  /** Seed of the shuffle. Default 0. */
  readonly seed?: number
  readonly stratify?: Strata
}

/** The row numbers of a fold, ascending: `gatherRows(x, train)`. */
export interface Fold {
  readonly train: Uint32Array<ArrayBuffer>
  readonly test: Uint32Array<ArrayBuffer>
}

/**
 * Row numbers for k-fold cross-validation: every row is in the test part of one fold and in the training part of the others. The
 * sizes of the folds differ by one at most.
 * @throws LanegradError for a bad count or option
 * @example
 * ```js
 * import { kFold } from 'lanegrad/data'
 *
 * for (const { train, test } of kFold(6, { folds: 3 })) console.log(train.length, test.length) // 4 2
 * ```
 */
export function kFold(count: number, options: FoldOptions = {}): Fold[] {
  const where = 'kFold'
  check(POSITIVE_INTEGER.holds(count), `${where}: count`, 'the number of rows, a positive integer', count)
  check(count < 0x100000000, `${where}: count`, 'below 2^32', count)
  const foldCount = number(
    `an integer from 2 to the ${count} rows`,
    (n) => Number.isInteger(n) && n >= 2 && n <= count,
  )
  const readers = { folds: [foldCount, 5], seed: [NATURAL, 0] } as const
  const read = checkOptions(where, options, ['folds', 'seed', 'stratify'])
  const { folds, seed } = readOptions(where, read, readers, ['stratify'])
  const { of, sizes } = reading(where, () => strataOf(where, read.stratify ?? null, count))
  // dealt like cards, class after class, so that neither the classes' nor the folds' sizes differ by more than one
  const foldOf = new Uint32Array(count)
  const next: number[] = []
  sizes.reduce((start, size, i) => {
    next[i] = start
    return start + size
  }, 0)
  for (const row of permutation(count, seed, streamOf(where))) foldOf[row] = next[of[row]]++ % folds
  const rows = Uint32Array.from({ length: count }, (_, i) => i)
  return Array.from({ length: folds }, (_, fold) => ({
    train: rows.filter((row) => foldOf[row] !== fold),
    test: rows.filter((row) => foldOf[row] === fold),
  }))
}
