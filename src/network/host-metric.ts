// Metrics that JavaScript computes: what they are shown of a run, and their results checked, since anyone may write one.
import { fail, show } from '../numerics/errors.ts'
import type { Arena } from '../runtime/arena.ts'
import type { Executable } from '../runtime/program.ts'
import type { HostMetric, Metric, MetricBatch } from '../session/metric.ts'
import type { HostReading } from '../session/program.ts'

/** The data of the run just made, as a metric sees it. */
function batchOf(
  engine: Arena,
  { targets, results, sampleWeights }: Executable,
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

export const hostMetric = (key: string, metric: Metric): HostMetric => ({
  start: () => metric.start(),
  add: (state, engine, code, reading) => metric.add(state, batchOf(engine, code, reading)),
  results(state) {
    const result = metric.result(state)
    if (typeof result === 'number') return [['', result]]
    const isList = Array.isArray(result) && result.every((value) => typeof value === 'number')
    if (!isList) fail(`metric ${key}: result must give a number or a list of numbers; got ${show(result)}`)
    return result.map((value, i) => [`_${i}`, value])
  },
})
