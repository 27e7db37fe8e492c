// Reads the options of `compile`: an optimizer, and for each output a loss, its weight and metrics. Enters: these options, or the
// entries of a saved file. Leaves: checked plain data.

import { columnsOf, keyOf, type OutputTraining } from '../network/compute.ts'
import type { PlannedSession, Training } from '../network/planned.ts'
import {
  asGiven,
  BOOLEAN,
  check,
  FINITE,
  fail,
  isFunction,
  isObject,
  must,
  type Rule,
  reading,
  readOptions,
  unknownName,
} from '../numerics/errors.ts'
import { type RowShape, rowShapeText } from '../numerics/shape.ts'
import type { GraphLoss } from '../training/graph-loss.ts'
import { type LossLike, readLoss, takesLabels } from '../training/loss.ts'
import { type MetricLike, type MetricName, readMetric } from '../training/metrics.ts'
import { type Optimizer, type OptimizerName, resolveNames } from '../training/optimizer.ts'
import { readOptimizer } from '../training/optimizers.ts'
import { checkRange } from '../training/range.ts'

type Metrics = MetricName | readonly MetricLike[]
/** Metrics for all outputs, or by output name. */
export type MetricsByOutput = Metrics | Readonly<Record<string, Metrics>>

/** Options of `compile`. */
export interface CompileOptions {
  /** The optimizer, or its name. Default 'adam'. */
  readonly optimizer?: OptimizerName | Optimizer
  /**
   * Whether the present optimizer continues with its state, while metrics, losses and their weights change; after `load`, for
   * example. Default false: it starts anew.
   */
  readonly keepOptimizer?: boolean
  /**
   * A loss for all outputs, a list in their order, or losses by output name. An output that is left out of these, or has null,
   * has no loss: it isn't trained by itself, and y has nothing for it. Where `addedLosses` are all there is, this is {} and y
   * is [], of which nothing is read.
   */
  readonly loss: LossLike | readonly (LossLike | null)[] | Readonly<Record<string, LossLike | null>>
  /** Terms of the loss that take several outputs, inputs, layers or weights, made by `graphLoss`. Default: none. */
  readonly addedLosses?: readonly GraphLoss[]
  /** Factor of each output's loss in the total. Default 1. */
  readonly lossWeights?: readonly number[] | Readonly<Record<string, number>>
  /**
   * A name, or a list of names, losses and metric objects (`auc()`, your own), for all outputs or by output name. Sample and
   * class weights don't count. Default: none.
   */
  readonly metrics?: MetricsByOutput
  /** Metrics that are weighted by sample and class weights. Default: none. */
  readonly weightedMetrics?: MetricsByOutput
  /**
   * Whether `console.warn` tells, once for each kind, when training hardly goes as intended: the loss becomes NaN or infinite
   * (with the step and the first layer whose output isn't finite); `fit` begins with inputs beyond 10 000 in front of a
   * kernel, or with targets that the output's activation can't reach; its first epoch moves no weight. Default true.
   */
  readonly warnings?: boolean
}

/** The optimizer, losses and metrics of a session. @throws LanegradError before `compile` */
export const trainingOf = ({ training }: PlannedSession): Training =>
  training ?? fail('the model has no loss and optimizer yet: call compile first')

/** Checks the training of an output of `shape`, from `compile` or from a file. @throws LanegradError naming the output */
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
      `output ${output}: ${loss.kind} needs two classes or more; got shape ${rowShapeText(shape)} (binaryCrossentropy takes one unit)`,
    )
  }
  must(FINITE, weight, `loss weight of ${output}`)
  const { metrics, weightedMetrics = [] } = given
  for (const list of [metrics, weightedMetrics]) {
    check(Array.isArray(list), `metrics of ${output}`, 'a list of names', list)
    const names = list.map((metric) => readMetric(output, metric, loss, columnsOf(shape)).name)
    const seen = new Set(['loss'])
    const twice = names.find((name) => seen.has(name) || !seen.add(name))
    if (twice !== undefined) fail(`metrics of ${output}: the name ${twice} is taken`)
  }
  return { output, loss, weight, metrics, weightedMetrics }
}

/** The entries for each output, of a list in the outputs' order or a record by their names. @throws LanegradError */
function perOutput<T>(
  what: string,
  given: readonly T[] | Readonly<Record<string, T>>,
  names: readonly string[],
  fallback?: T,
): T[] {
  if (Array.isArray(given)) {
    check(given.length === names.length, what, `a list for ${names.join(', ')}`, given)
    return [...given]
  }
  check(isObject(given), what, `given for ${names.join(', ')}`, given)
  const record = given as Readonly<Record<string, T>>
  const known = new Set(names)
  for (const name of Object.keys(record)) if (!known.has(name)) unknownName(`${what}: output`, name, names)
  return names.map((name) => {
    if (fallback === undefined && record[name] === undefined) fail(`${what} of output ${name} is missing`)
    return record[name] ?? (fallback as T)
  })
}

function refuseSharedKey(method: string, one: string | undefined, other: string, key: string): void {
  if (one !== undefined) fail(`${method}: ${one} and ${other} would share the log ${key}; rename one`)
}

/** The meaning of every key of the logs. @throws LanegradError naming two numbers that would share a key */
function checkKeys(
  session: PlannedSession,
  outputs: readonly OutputTraining[],
  added: readonly GraphLoss[] = [],
): Map<string, string> {
  const known = new Map([['loss', 'the total loss']])
  const learn = (key: string, what: string) => {
    refuseSharedKey('compile', known.get(key), what, key)
    known.set(key, what)
  }
  for (const { kind } of added) learn(kind, `the added loss ${kind}`)
  const isSplit = outputs.length + added.length > 1
  for (const { output, loss, metrics, weightedMetrics = [] } of outputs) {
    const metricName = (metric: MetricLike) =>
      readMetric(output, metric, loss, columnsOf(session.shapeOf(output))).name
    const plain = metrics.map(metricName)
    const weighted = weightedMetrics
      .map(metricName)
      .map((name) => (plain.includes(name) ? `weighted_${name}` : name))
    if (isSplit) learn(`${output}_loss`, `loss of ${output}`)
    for (const name of [...plain, ...weighted])
      learn(keyOf(session.network, output, name), `${name} of ${output}`)
  }
  return known
}

/** Checks that logs and logs of validation share no key, as they can with an output named `val`. @throws LanegradError */
export function checkValidationKeys(session: PlannedSession, { outputs, added }: Training): void {
  const known = checkKeys(session, outputs, added)
  for (const [key, what] of known) {
    const other = known.get(`val_${key}`)
    // an output may be named val unless there is validation
    if (!other?.startsWith('loss of ')) refuseSharedKey('fit', other, `${what} in validation`, `val_${key}`)
  }
}

/** Whether a value is a loss, which has a kind and a reduction, and not a record by output name. */
const isLoss = (loss: CompileOptions['loss']): loss is LossLike =>
  typeof loss === 'string' ||
  typeof loss === 'function' ||
  (isObject(loss) && 'kind' in loss && 'reduction' in loss)

const ADDED: Rule<readonly GraphLoss[]> = {
  expected: 'a list of results of graphLoss',
  holds: (list): list is readonly GraphLoss[] =>
    Array.isArray(list) && list.every((loss) => isFunction(loss?.write) && typeof loss.weight === 'number'),
}

/** Reads the options of `compile`. @throws LanegradError on an unknown name, or a loss that doesn't fit its output */
export function readTraining(session: PlannedSession, options: CompileOptions): Training {
  const { optimizer, loss, lossWeights, metrics, weightedMetrics, keepOptimizer, addedLosses } = readOptions(
    'compile',
    options,
    {
      optimizer: [asGiven<CompileOptions['optimizer']>, undefined],
      keepOptimizer: [BOOLEAN, false],
      loss: asGiven<CompileOptions['loss']>,
      lossWeights: [asGiven<CompileOptions['lossWeights']>, undefined],
      metrics: [asGiven<MetricsByOutput>, []],
      weightedMetrics: [asGiven<MetricsByOutput>, []],
      addedLosses: [ADDED, []],
      warnings: [BOOLEAN, true],
    },
  )
  const kept = keepOptimizer && session.training
  if (kept === null) fail('compile: keepOptimizer needs a compiled model')
  if (kept && optimizer !== undefined) fail('compile: give either optimizer or keepOptimizer')
  const names = session.network.outputs.map(({ name }) => name)
  return reading('compile: its options', () => {
    const losses = isLoss(loss)
      ? names.map(() => loss)
      : perOutput<LossLike | null>('compile: loss', loss, names, null)
    if (losses.every((own) => own === null) && addedLosses.length === 0)
      fail('compile: loss: no output has one')
    const weights =
      lossWeights === undefined
        ? names.map(() => 1)
        : perOutput('compile: lossWeights', lossWeights, names, losses.includes(null) ? 1 : undefined)
    const isForAll = (given: MetricsByOutput): given is Metrics =>
      Array.isArray(given) || typeof given === 'string'
    const asList = (given: Metrics) => (typeof given === 'string' ? [given] : given)
    const wantedOf = (what: string, given: MetricsByOutput) =>
      (isForAll(given)
        ? losses.map((own) => (own === null ? [] : given))
        : perOutput<Metrics>(what, given, names, [])
      ).map(asList)
    const wanted = wantedOf('compile: metrics', metrics)
    const wantedWeighted = wantedOf('compile: weightedMetrics', weightedMetrics)
    const outputs = names.flatMap((output, i): OutputTraining[] => {
      const own = losses[i]
      if (own === null) {
        if (wanted[i].length + wantedWeighted[i].length > 0)
          fail(`compile: metrics of output ${output}: it has no loss, and so no y to compare with`)
        return []
      }
      const read = readOutputTraining(output, session.shapeOf(output), {
        loss: own,
        weight: weights[i],
        metrics: wanted[i],
        weightedMetrics: wantedWeighted[i],
      })
      return [read]
    })
    checkKeys(session, outputs, addedLosses)
    for (const { output, loss } of outputs) {
      const { ranges } = session.outline
      checkRange(output, loss, columnsOf(session.shapeOf(output)), ranges.get(output) ?? null)
    }
    const weightNames = session.outline.weights.map(({ name }) => name)
    const own = kept ? kept.optimizer : resolveNames(readOptimizer(optimizer ?? 'adam'), weightNames)
    return { optimizer: own, outputs, ...(addedLosses.length > 0 && { added: addedLosses }) }
  })
}
