// Loss and metrics over the batches of an epoch. Enters: after each run, the numbers in the arena. Leaves: logs, exact
// whatever the batch sizes: means are sums over counts, sums (losses with `reduction: 'sum'`) add up, other metrics are
// computed from all they have seen. Holds copies only; the views it hands to metrics are gone after the call.

import { fail } from '../numerics/errors.ts'
import type { Arena } from '../runtime/arena.ts'
import type { HostMetric } from './metric.ts'
import type { Finishes, Program } from './program.ts'

/** The session whose runs it takes in. */
interface Source {
  readonly engine: Arena
  /** Metrics that JavaScript computes, by key. */
  readonly metrics: ReadonlyMap<string, HostMetric>
  readonly finishes: Partial<Finishes> | null
}

interface Mean {
  sum: number
  count: number
  /** To what is logged. */
  readonly finish?: ((mean: number) => number) | undefined
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
  private readonly metrics = new Map<
    string,
    Mean | { readonly metric: HostMetric; readonly state: unknown }
  >()

  /** Takes in the run just made. */
  add({ engine, metrics, finishes }: Source, { request, readings, code }: Program): void {
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
        const metric = metrics.get(place.key) ?? fail(`no metric ${place.key}`)
        const state = entry && 'state' in entry ? entry.state : metric.start()
        metric.add(state, engine, code, place)
        this.metrics.set(place.key, { metric, state })
      } else {
        const { value, counter, terms, finish } = place
        const mean =
          entry && 'sum' in entry ? entry : { sum: 0, count: 0, finish: finish && finishes?.[finish] }
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
        logs[key] = entry.finish ? entry.finish(mean) : mean
      } else if (isWhole) {
        for (const [suffix, value] of entry.metric.results(entry.state)) logs[key + suffix] = value
      }
    }
    return logs
  }
}
