// Loss and metrics over the batches of an epoch. Enters: after each run, the numbers in the arena. Leaves: logs, exact
// whatever the batch sizes: means are sums over counts, sums (losses with `reduction: 'sum'`) add up, other metrics are computed from all they have seen. Holds
// copies only; the views it hands to metrics are gone after the call.

import { fail, show } from '../numerics/errors.ts'
import { exp } from '../numerics/exact.ts'
import type { Engine } from '../runtime/engine.ts'
import type { Metric, MetricBatch } from './metric.ts'
import type { Finish, HostReading, Program } from './program.ts'

/** From a mean to what is logged. */
const finishes: { readonly [F in Finish]: (mean: number) => number } = {
  sqrt: Math.sqrt,
  exp,
  complement: (distance) => 1 - distance,
}

/** What a metric is shown of the run just made. */
function batchOf(
  engine: Engine,
  { targets, results, sampleWeights }: Program['code'],
  { output, isWeighted, ignoreIndex, logits }: HostReading,
): MetricBatch {
  const prediction = results.get(`prediction of ${output}`)
  const truth = targets.get(output)
  if (!prediction || !truth) return fail(`no predictions of ${output}`)
  // one for each row, or for several that lie together
  const given = [isWeighted ? sampleWeights.get(output) : undefined, results.get(`mask of ${output}`)]
  const factors = given.filter((slot) => slot !== undefined)
  const { shape, count } = prediction
  const columns = shape.length > 1 ? shape[shape.length - 1] : 1
  const rows = count / columns
  const truths = engine.view(truth.address, truth.count, truth.dtype)
  let weights: Float32Array | null = null
  if (factors.length > 0 || ignoreIndex !== null) {
    weights = new Float32Array(rows).fill(1)
    for (const factor of factors) {
      const view = engine.floatView(factor.address, factor.count)
      const span = rows / factor.count
      for (let row = 0; row < rows; row++) weights[row] *= view[Math.floor(row / span)]
    }
    if (ignoreIndex !== null) {
      for (let row = 0; row < rows; row++) if (truths[row] === ignoreIndex) weights[row] = 0
    }
  }
  const seen = engine.floatView(prediction.address, count)
  return { truth: truths, prediction: seen, rows, columns, weights, logits }
}

interface Mean {
  sum: number
  count: number
  readonly finish?: Finish
}
/** 0 where nothing counted, as the loss of such a batch is. */
const meanOf = ({ sum, count }: Mean): number => (count === 0 ? 0 : sum / count)

export class Tally {
  private rows = 0
  private loss = 0
  /** The part of the total loss that belongs to no output: penalties. */
  private rest = 0
  private isCounted = false
  private isSplit = false
  private readonly losses = new Map<string, Mean & { readonly weight: number }>()
  private readonly metrics = new Map<string, Mean | { readonly metric: Metric; readonly state: unknown }>()

  /** Takes in the run just made. `host`: metrics by key. */
  add(engine: Engine, { request, readings, code }: Program, host: ReadonlyMap<string, Metric>): void {
    const { rows } = request
    const total = engine.scalar(readings.loss)
    this.rows += rows
    this.loss += total * rows
    this.isSplit = readings.isSplit
    let rest = total
    for (const { key, value, counter, isSum, weight } of readings.losses) {
      const loss = engine.scalar(value)
      const count = isSum ? 1 : counter ? engine.scalar(counter + 4) : rows
      const mean = this.losses.get(key) ?? { sum: 0, count: 0, weight }
      mean.sum += loss * count
      mean.count = isSum ? 1 : mean.count + count
      this.losses.set(key, mean)
      this.isCounted ||= counter > 0 || isSum
      rest -= weight * loss
    }
    this.rest += rest * rows
    for (const place of readings.metrics) {
      const entry = this.metrics.get(place.key)
      if ('output' in place) {
        const metric = host.get(place.key) ?? fail(`no metric ${place.key}`)
        const state = entry && 'state' in entry ? entry.state : metric.start()
        metric.add(state, batchOf(engine, code, place))
        this.metrics.set(place.key, { metric, state })
      } else {
        const { value, counter, terms, finish } = place
        const mean = entry && 'sum' in entry ? entry : { sum: 0, count: 0, finish }
        mean.sum += engine.scalar(value)
        mean.count += counter ? engine.scalar(counter + 4) * terms : terms
        this.metrics.set(place.key, mean)
      }
    }
  }

  /** `isWhole` false: only what costs nothing to tell, the means. */
  logs(prefix = '', isWhole = true): Record<string, number> {
    // where outputs weigh batches by the rows that count in each, or add up, the total is put together from them
    const loss = this.isCounted
      ? [...this.losses.values()].reduce(
          (sum, mean) => sum + mean.weight * meanOf(mean),
          this.rest / this.rows,
        )
      : this.loss / this.rows
    const logs: Record<string, number> = { [`${prefix}loss`]: loss }
    if (this.isSplit) for (const [key, mean] of this.losses) logs[prefix + key] = meanOf(mean)
    for (const [name, entry] of this.metrics) {
      const key = prefix + name
      if ('sum' in entry) {
        const mean = meanOf(entry)
        logs[key] = entry.finish ? finishes[entry.finish](mean) : mean
      } else if (isWhole) {
        const result = entry.metric.result(entry.state)
        const isList = Array.isArray(result) && result.every((value) => typeof value === 'number')
        if (typeof result === 'number') logs[key] = result
        else if (!isList)
          fail(`metric ${name}: result must give a number or a list of numbers; got ${show(result)}`)
        else
          result.forEach((value, i) => {
            logs[`${key}_${i}`] = value
          })
      }
    }
    return logs
  }
}
