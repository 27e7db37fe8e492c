// Batches of rows in memory for `fit`, which a transform may change (augmentation). Every iteration is a new pass.
import {
  BOOLEAN,
  check,
  checkOptions,
  isFunction,
  NATURAL,
  POSITIVE_INTEGER,
  reading,
  readOptions,
} from '../numerics/errors.ts'
import { permutation, streamOf } from '../numerics/random.ts'
import { commonRowCount, gatherRows, type RowData } from './rows.ts'

/** Options of `batches`. */
export interface BatchesOptions<X extends RowData, Y extends RowData, T extends RowData = X> {
  readonly x: X
  readonly y: Y
  /** Sample weights, one for each row. Default: none. */
  readonly weights?: RowData
  /** Rows of a batch; the last one of a pass may have fewer. Default 32. */
  readonly batchSize?: number
  /** Whether every pass has a new order of the rows, which the seed and the number of the pass decide. Default true. */
  readonly shuffle?: boolean
  /** Seed of the orders. Default 0. */
  readonly seed?: number
  /** Changes the x of a batch; `at` counts the batches of all passes from 0. Default: none. */
  readonly transform?: (x: X, at: number) => T
}

/** One batch of `batches`. */
export interface BatchOf<X, Y> {
  readonly x: X
  readonly y: Y
  readonly weights?: RowData
}

/** The iterable that `batches` returns; it starts anew in every epoch. */
export interface IterableBatches<X, Y> extends Iterable<BatchOf<X, Y>> {
  /** Number of batches of a pass. */
  readonly steps: number
}

/**
 * Batches of rows in memory, shuffled and transformed: `fit(batches({ x, y, transform: augmentImages({ shift: 2 }) }))`.
 * @throws LanegradError on an unknown or bad option, or if the counts of rows differ
 * @example
 * ```js
 * import { batches } from 'lanegrad/data'
 *
 * const source = batches({ x: Float32Array.of(1, 2, 3), y: [1, 2, 3], batchSize: 2 })
 * console.log([...source].map(({ x }) => x.length)) // [ 2, 1 ]
 * ```
 */
export function batches<X extends RowData, Y extends RowData, T extends RowData = X>(
  options: BatchesOptions<X, Y, T>,
): IterableBatches<T, Y> {
  const readers = { batchSize: [POSITIVE_INTEGER, 32], shuffle: [BOOLEAN, true], seed: [NATURAL, 0] } as const
  const others = ['x', 'y', 'weights', 'transform']
  const read = checkOptions('batches', options, [...Object.keys(readers), ...others])
  const { batchSize, shuffle, seed } = readOptions('batches', read, readers, others)
  const { x, y, weights, transform } = read
  check(transform === undefined || isFunction(transform), 'batches: transform', 'a function', transform)
  const parts = weights === undefined ? { x, y } : { x, y, weights }
  const count = reading('batches: its data', () => commonRowCount('batches', parts as { x: X; y: Y }))
  const steps = Math.ceil(count / batchSize)
  let passes = 0
  return {
    steps,
    *[Symbol.iterator]() {
      const pass = passes++
      const order = shuffle
        ? permutation(count, seed, streamOf(`batches ${pass}`))
        : Uint32Array.from({ length: count }, (_, i) => i)
      for (let step = 0; step < steps; step++) {
        const rows = order.subarray(step * batchSize, (step + 1) * batchSize)
        const given = gatherRows(x, rows)
        yield {
          x: transform ? transform(given, pass * steps + step) : (given as unknown as T),
          y: gatherRows(y, rows),
          ...(weights && { weights: gatherRows(weights, rows) }),
        }
      }
    },
  }
}
