// Shared by the metrics on the host: they read rows of a batch, have rules for options, and some are a mean of one number for
// each row.
import { isInt32 } from '../../numerics/brands.ts'
import { type Rule, readOptions } from '../../numerics/errors.ts'
import { exp, log } from '../../numerics/exact.ts'
import { argmax } from '../../numerics/tensor.ts'
import type { Metric, MetricBatch } from '../../session/metric.ts'

/** Options of every metric. */
export interface NameOption {
  /** Its name in logs, unique among the metrics of an output. Default: the function's. */
  readonly name?: string
}

export const NAME: Rule<string> = {
  expected: 'a non-empty string',
  holds: (x): x is string => typeof x === 'string' && x !== '',
}

/** The name of a metric that has no other option. */
export const nameOf = (kind: string, options: NameOption): string =>
  readOptions(kind, options, { name: [NAME, kind] }).name

/**
 * The metric with a note for saved models: its constructor's name and options. Copies (`{ ...auc(), result }`) lose the note,
 * since they may compute something else.
 */
export const made = <M extends object>(maker: string, options: object, metric: M): M =>
  Object.defineProperty(metric, 'saved', { value: { maker, options: { ...options } } })

/** The class of a row of the truth: its id, or the first largest of the row. */
export const classOf = ({ truth, columns }: MetricBatch, row: number): number =>
  isInt32(truth) ? truth[row] : argmax(truth, row * columns, columns)

/** Whether a row of the truth has class `column` (by id, or more than 1/2). */
export const isOfClass = ({ truth, columns }: MetricBatch, row: number, column: number): boolean =>
  isInt32(truth) ? truth[row] === column : truth[row * columns + column] > 0.5

/** The number whose sigmoid is `share`. */
export const logitOf = (share: number): number => log(share / (1 - share))

/** Rows of logits as the probabilities softmax makes of them; other predictions as they are. */
export function sharesOf({ prediction, rows, columns, logits }: MetricBatch): ArrayLike<number> {
  if (logits !== 'softmax') return prediction
  const shares = Float64Array.from(prediction)
  for (let row = 0; row < rows; row++) {
    const own = shares.subarray(row * columns, (row + 1) * columns)
    const most = own.reduce((a, b) => Math.max(a, b))
    const sum = own.reduce((total, x, j) => {
      own[j] = exp(x - most)
      return total + own[j]
    }, 0)
    for (let j = 0; j < columns; j++) own[j] /= sum
  }
  return shares
}

/** The weighted mean of `of` over rows; 0 without any. */
export function meanOfRows(
  name: string,
  labels: boolean | undefined,
  of: (batch: MetricBatch, row: number) => number,
): Metric<{ sum: number; weight: number }> {
  return {
    name,
    labels,
    start: () => ({ sum: 0, weight: 0 }),
    add(state, batch) {
      for (let row = 0; row < batch.rows; row++) {
        const weight = batch.weights?.[row] ?? 1
        if (weight === 0) continue
        state.sum += weight * of(batch, row)
        state.weight += weight
      }
    },
    result: ({ sum, weight }) => (weight === 0 ? 0 : sum / weight),
  }
}
