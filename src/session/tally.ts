// Loss and metrics over the batches of an epoch. Enters: after each run, the numbers in the arena. Leaves: logs, exact
// whatever the batch sizes: means are sums over counts, sums (losses with `reduction: 'sum'`) add up, other metrics are computed from all they have seen. Holds
// copies only; the views it hands to metrics are gone after the call.

import type { Computation, HostPlace, LossPlace, MeanPlace } from '../network/compute.ts'
import { fail, show } from '../numerics/errors.ts'
import type { Plan, Slot } from '../plan/plan.ts'
import type { Engine } from '../runtime/engine.ts'
import type { Metric, MetricBatch } from '../training/metrics.ts'

/** A mean's addresses; counter 0: none. */
interface MeanAt {
  readonly key: string
  readonly value: number
  readonly counter: number
  readonly terms: number
  readonly finish?: (mean: number) => number
}

interface LossAt {
  readonly key: string
  readonly value: number
  readonly counter: number
  readonly isSum: boolean
  readonly weight: number
}

interface HostAt extends HostPlace {
  readonly prediction: Slot
  readonly truth: Slot
  /** One for each row, or for several that lie together. */
  readonly factors: readonly Slot[]
}

/** Where a plan leaves what is logged. */
export interface Readings {
  readonly loss: number
  readonly losses: readonly LossAt[]
  readonly metrics: readonly (MeanAt | HostAt)[]
  /** Losses of outputs are logged too. */
  readonly isSplit: boolean
}

export function readingsOf({ losses, metrics }: Computation, plan: Plan, outputCount: number): Readings {
  const at = (result: string | null) => (result === null ? 0 : (plan.results.get(result)?.address ?? 0))
  const mean = ({ key, result, counter, terms, finish }: MeanPlace): MeanAt => ({
    key,
    value: at(result),
    counter: at(counter),
    terms,
    finish,
  })
  const loss = ({ key, result, counter, isSum, weight }: LossPlace): LossAt => ({
    key,
    value: at(result),
    counter: at(counter),
    isSum,
    weight,
  })
  const host = (place: HostPlace): HostAt[] => {
    const { output, isWeighted } = place
    const prediction = plan.results.get(`prediction of ${output}`)
    const truth = plan.targets.get(output)
    if (!prediction || !truth) return []
    const weights = isWeighted ? plan.sampleWeights.get(output) : undefined
    const factors = [weights, plan.results.get(`mask of ${output}`)].filter((slot) => slot !== undefined)
    return [{ ...place, prediction, truth, factors }]
  }
  return {
    loss: at('loss'),
    losses: losses.map(loss),
    metrics: metrics.flatMap((place): (MeanAt | HostAt)[] =>
      'metric' in place ? host(place) : [mean(place)],
    ),
    isSplit: outputCount > 1,
  }
}

/** What a metric is shown of the run just made. */
function batchOf(engine: Engine, { prediction, truth, factors, ignoreIndex, logits }: HostAt): MetricBatch {
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
  readonly finish?: (mean: number) => number
}
/** 0 where nothing counted, as the loss of such a batch is. */
const meanOf = ({ sum, count }: Mean): number => (count === 0 ? 0 : sum / count)

export class Tally {
  private rows = 0
  private loss = 0
  /** Of the total loss, what no output's loss is: penalties. */
  private rest = 0
  private isCounted = false
  private isSplit = false
  private readonly losses = new Map<string, Mean & { readonly weight: number }>()
  private readonly metrics = new Map<string, Mean | { readonly metric: Metric; readonly state: unknown }>()

  /** Takes in the run just made, of `rows` rows. */
  add(engine: Engine, readings: Readings, rows: number): void {
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
      if ('metric' in place) {
        const { metric } = place
        const state = entry && 'state' in entry ? entry.state : metric.start()
        metric.add(state, batchOf(engine, place))
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
        logs[key] = entry.finish ? entry.finish(mean) : mean
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
