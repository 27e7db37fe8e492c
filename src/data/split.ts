// Splits rows into those for training and those for testing. Enters: data or a count of rows, and a seed. Leaves: parts or row
// numbers, the same for the same seed on every engine.
import {
  check,
  checkOptions,
  fail,
  must,
  NATURAL,
  number,
  POSITIVE_INTEGER,
  reading,
  readOptions,
} from '../numerics/errors.ts'
import { shareOf } from '../numerics/exact.ts'
import { permutation, streamOf } from '../numerics/random.ts'
import { isShaped } from '../numerics/tensor.ts'
import { commonRowCount, gatherRows, type RowData, rowCount } from './rows.ts'

/** Labels of the rows; each part gets its share of every label. */
export type Strata = RowData | readonly string[]

/** Options of `trainTestSplit`. */
export interface SplitOptions {
  /** The share (below 1) or the number of the rows for testing. Default 0.25. */
  readonly testSize?: number
  /** Seed of the shuffle. Default 0. */
  readonly seed?: number
  /** Labels whose shares both parts keep; true: y holds them. Default: rows are taken as they come from the shuffle. */
  readonly stratify?: boolean | Strata
}

/** The two parts that `trainTestSplit` returns. */
export interface Split<X, Y> {
  readonly train: { readonly x: X; readonly y: Y }
  readonly test: { readonly x: X; readonly y: Y }
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
 * Splits shuffled rows in two parts: `const { train, test } = trainTestSplit(x, y)`, then `fit(train)`, `evaluate(test)`.
 * @throws LanegradError on an unknown or bad option, if the counts differ or if a part would be empty
 * @example
 * ```js
 * import { trainTestSplit } from 'lanegrad/data'
 *
 * const { train, test } = trainTestSplit([1, 2, 3, 4, 5], [0, 1, 0, 1, 0], { testSize: 2, seed: 1 })
 * console.log(train.x.length, test.x.length) // 3 2
 * ```
 */
export function trainTestSplit<X extends RowData, Y extends RowData>(
  x: X,
  y: Y,
  options: SplitOptions = {},
): Split<X, Y> {
  const where = 'trainTestSplit'
  const readers = { testSize: [SIZE, 0.25], seed: [NATURAL, 0] } as const
  const read = checkOptions(where, options, ['testSize', 'seed', 'stratify'])
  const { testSize, seed } = readOptions(where, read, readers, ['stratify'])
  const { stratify = false } = read
  return reading(`${where}: its arguments`, () => {
    const count = commonRowCount(where, { x, y })
    const testCount = testSize < 1 ? Math.ceil(shareOf(count, testSize)) : testSize
    if (!(testCount < count)) check(false, `${where}: testSize`, `less than all ${count} rows`, testSize)
    const classes = strataOf(where, stratify === true ? y : stratify || null, count)
    const left = dealOut(classes.sizes, testCount)
    const train: number[] = []
    const test: number[] = []
    for (const row of permutation(count, seed, streamOf(where)))
      (left[classes.of[row]]-- > 0 ? test : train).push(row)
    const partOf = (rows: readonly number[]) => ({ x: gatherRows(x, rows), y: gatherRows(y, rows) })
    return { train: partOf(train), test: partOf(test) }
  })
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
  must(POSITIVE_INTEGER, count, `${where}: count`)
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
