// What a model is compiled with: an optimizer, and for each output a loss, its weight and metrics. Enters: the
// options of `compile`, or the entries of a saved file. Leaves: checked plain data.

import { columnsOf, keyOf, type OutputTraining } from '../network/compute.ts'
import type { PlannedSession, Training } from '../network/planned.ts'
import {
  BOOLEAN,
  check,
  checkOptions,
  FINITE,
  fail,
  isObject,
  must,
  reading,
  show,
} from '../numerics/errors.ts'
import { type RowShape, rowShapeText } from '../numerics/shape.ts'
import { type LossLike, readLoss, takesLabels } from '../training/losses.ts'
import { type MetricLike, type MetricName, readMetric } from '../training/metrics.ts'
import { type Optimizer, type OptimizerName, readOptimizer } from '../training/optimizers.ts'
import { checkRange } from '../training/range.ts'

type Metrics = MetricName | readonly MetricLike[]
/** Metrics of every output, or by output name. */
export type MetricsByOutput = Metrics | Readonly<Record<string, Metrics>>

/** Options of `compile`. */
export interface CompileOptions {
  /** Default 'adam'. */
  readonly optimizer?: OptimizerName | Optimizer
  /**
   * true: the optimizer there is goes on with its state, to be given other metrics, losses or weights of these; after `load`,
   * say. Default false: it starts anew.
   */
  readonly keepOptimizer?: boolean
  /** One for all outputs, a list in their order, or by output name. */
  readonly loss: LossLike | readonly LossLike[] | Readonly<Record<string, LossLike>>
  /** Factor of each output's loss in the total. Default 1. */
  readonly lossWeights?: readonly number[] | Readonly<Record<string, number>>
  /**
   * A name, or a list of names, losses and metric objects (`auc()`, your own), for every output or by output name. They take
   * no weights. Default: none.
   */
  readonly metrics?: MetricsByOutput
  /** The same, weighted by sample and class weights. Default: none. */
  readonly weightedMetrics?: MetricsByOutput
  /**
   * Warn with `console.warn`, once of each kind, where training hardly goes as it was meant: the loss becomes NaN or infinite
   * (with the step and the first layer whose output isn't finite); `fit` begins with inputs beyond 10 000 in front of a
   * kernel, or with targets that the output's activation can't reach; its first epoch moves no weight. Default true.
   */
  readonly warnings?: boolean
}

/** What a session was compiled with. @throws LanegradError before that */
export const trainingOf = ({ training }: PlannedSession): Training =>
  training ?? fail('the model has no loss and optimizer yet: call compile first')

/** Checked, for an output of `shape`: from `compile` or from a file. @throws LanegradError naming the output */
export function readOutputTraining(
  output: string,
  shape: RowShape,
  given: {
    readonly loss: LossLike
    readonly weight: number
    readonly metrics: readonly MetricLike[]
    readonly weightedMetrics?: readonly MetricLike[]
  },
): OutputTraining {
  const { weight } = given
  const loss = readLoss(given.loss)
  const isRow = takesLabels(loss) || loss.kind === 'categoricalCrossentropy'
  if (isRow && (shape.at(-1) ?? 1) < 2) {
    fail(
      `${loss.kind} needs two classes or more; output ${output} has shape ${rowShapeText(shape)} (a single unit takes binaryCrossentropy)`,
    )
  }
  must(FINITE, weight, `weight of the loss of ${output}`)
  const { metrics, weightedMetrics = [] } = given
  for (const list of [metrics, weightedMetrics]) {
    check(Array.isArray(list), `metrics of ${output}`, 'a list of names', list)
    const names = list.map((metric) => readMetric(output, metric, loss, columnsOf(shape)).name)
    const seen = new Set(['loss'])
    const twice = names.find((name) => seen.has(name) || !seen.add(name))
    if (twice !== undefined)
      fail(`metrics of ${output}: the name ${twice} is taken; give the metric a name of its own`)
  }
  return { output, loss, weight, metrics, weightedMetrics }
}

/** A list in the outputs' order, or a record by their names. */
function perOutput<T>(
  what: string,
  given: readonly T[] | Readonly<Record<string, T>>,
  names: readonly string[],
  fallback?: T,
): T[] {
  if (Array.isArray(given)) {
    check(
      given.length === names.length,
      `compile: ${what}`,
      `a list of ${names.length} (one for each of ${names.join(', ')})`,
      given,
    )
    return [...given]
  }
  check(isObject(given), `compile: ${what}`, `given for ${names.join(', ')}`, given)
  const record = given as Readonly<Record<string, T>>
  const known = new Set(names)
  for (const name of Object.keys(record))
    if (!known.has(name))
      fail(`compile: ${what}: ${show(name)} is no output; outputs are ${names.join(', ')}`)
  return names.map(
    (name) => record[name] ?? fallback ?? fail(`compile: ${what} of output ${name} is missing`),
  )
}

/** Every number that is logged needs a key of its own: what each is. @throws LanegradError naming two that would share one */
function checkKeys(session: PlannedSession, outputs: readonly OutputTraining[]): Map<string, string> {
  const known = new Map([['loss', 'the total loss']])
  for (const { output, loss, metrics, weightedMetrics = [] } of outputs) {
    const read = (metric: MetricLike) =>
      readMetric(output, metric, loss, columnsOf(session.shapeOf(output))).name
    const plain = metrics.map(read)
    const weighted = weightedMetrics
      .map(read)
      .map((name) => (plain.includes(name) ? `weighted_${name}` : name))
    for (const name of [...(outputs.length > 1 ? ['loss'] : []), ...plain, ...weighted]) {
      const key = keyOf(session.network, output, name)
      const other = known.get(key)
      if (other)
        fail(
          `compile: ${other} and ${name} of ${output} would both be logged as ${key}; give one another name`,
        )
      known.set(key, `${name} of ${output}`)
    }
  }
  return known
}

/** The same with those of validation beside them, which an output named `val` has too. @throws LanegradError */
export function checkValidationKeys(session: PlannedSession, { outputs }: Training): void {
  const known = checkKeys(session, outputs)
  for (const [key, what] of known) {
    const other = known.get(`val_${key}`)
    // an output may be named val, if nothing is validated
    if (other && !other.startsWith('loss of '))
      fail(
        `fit: ${what} in validation and ${other} would both be logged as val_${key}; give one another name`,
      )
  }
}

/** A Loss has a kind and a reduction; a record by output name hasn't, whatever its outputs are named. */
const isLoss = (loss: CompileOptions['loss']): loss is LossLike =>
  typeof loss === 'string' ||
  typeof loss === 'function' ||
  (isObject(loss) && 'kind' in loss && 'reduction' in loss)

/** @throws LanegradError on an unknown name (with the nearest known one) or a loss that doesn't fit its output */
export function readTraining(session: PlannedSession, options: CompileOptions): Training {
  const known = [
    'optimizer',
    'keepOptimizer',
    'loss',
    'lossWeights',
    'metrics',
    'weightedMetrics',
    'warnings',
  ]
  const read = checkOptions('compile', options, known)
  const { optimizer, loss, lossWeights, metrics = [], weightedMetrics = [], warnings = true } = read
  must(BOOLEAN, warnings, 'compile: warnings')
  const kept = must(BOOLEAN, read.keepOptimizer ?? false, 'compile: keepOptimizer') && session.training
  if (kept === null) fail('compile: keepOptimizer: the model has none yet')
  if (kept && optimizer !== undefined) fail('compile: give optimizer or keepOptimizer, not both')
  const names = session.network.outputs.map(({ name }) => name)
  return reading('compile: its options', () => {
    const losses = isLoss(loss) ? names.map(() => loss) : perOutput('loss', loss, names)
    const weights =
      lossWeights === undefined ? names.map(() => 1) : perOutput('lossWeights', lossWeights, names)
    const isForAll = (given: MetricsByOutput): given is Metrics =>
      Array.isArray(given) || typeof given === 'string'
    const asList = (given: Metrics) => (typeof given === 'string' ? [given] : given)
    const wantedOf = (what: string, given: MetricsByOutput) =>
      (isForAll(given) ? names.map(() => given) : perOutput<Metrics>(what, given, names, [])).map(asList)
    const wanted = wantedOf('metrics', metrics)
    const wantedWeighted = wantedOf('weightedMetrics', weightedMetrics)
    const outputs = names.map((output, i) =>
      readOutputTraining(output, session.shapeOf(output), {
        loss: losses[i],
        weight: weights[i],
        metrics: wanted[i],
        weightedMetrics: wantedWeighted[i],
      }),
    )
    checkKeys(session, outputs)
    for (const { output, loss } of outputs) {
      const { ranges } = session.outline
      checkRange(output, loss, columnsOf(session.shapeOf(output)), ranges.get(output) ?? null)
    }
    return { optimizer: kept ? kept.optimizer : readOptimizer(optimizer ?? 'adam'), outputs }
  })
}
