// Metrics, which are exact over an epoch whatever the batch sizes. There are two forms: means, which are written into the graph (a
// sum and its number of terms for each batch), and metrics on the host, which see the predictions of every batch. Enters: names,
// losses or metric objects. Leaves: checked metrics, and means in the graph. The constructors lie in metrics/*.ts; only their
// names are known here, so that a bundler drops those that aren't imported.

import * as abi from '../../assembly/abi.ts'
import { unaryFunctions } from '../graph/functions.ts'
import * as ops from '../graph/operations.ts'
import { metricKernel } from '../graph/ops/loss.ts'
import type { Value } from '../graph/value.ts'
import type { GraphWriter } from '../graph/writer.ts'
import { check, fail, isFunction, isObject, unknownName } from '../numerics/errors.ts'
import { elementCount } from '../numerics/tensor.ts'
import { COMPLEMENT, type Finishing } from '../session/finishes.ts'
import type { Metric } from '../session/metric.ts'
import {
  activationOf,
  isLossName,
  type Loss,
  type LossAlias,
  type LossName,
  lossNames,
  readLoss,
  takesLabels,
  takesLogits,
  termCount,
} from './loss.ts'
import { writeLoss } from './write-loss.ts'

/**
 * The name of a metric: 'accuracy', or a loss, whose mean is reported ('cosineSimilarity' as the similarity, 1 - the loss). A
 * cross-entropy takes `fromLogits` from the output's loss. 'accuracy' depends on the loss: class labels, one-hot rows, or single
 * elements (threshold 0.5 for a probability, 0 for a logit or a hinge loss).
 */
export type MetricName = 'accuracy' | 'acc' | LossName | LossAlias

/** METRIC_*; param is the threshold, `logit` the number whose sigmoid it is (default 0, that of 0.5). */
interface Rule {
  readonly code: number
  readonly param: number
  readonly logit?: number
}

/** A metric that is a mean over rows or elements, computed in WebAssembly. Made by constructors. */
export interface MeanMetric {
  readonly name: string
  readonly labels?: boolean
  /** The rule of right answers, or losses, the first of which that takes the targets counts. */
  readonly of: Rule | readonly (Loss | LossName)[]
  /** The function that makes the logged number of the mean: square root, exp, or 1 - mean. Default: none. */
  readonly finish?: Finishing
}

/** A name, a loss, or a metric object. */
export type MetricLike = MetricName | Loss | MeanMetric | Metric

/** The names of the constructors, for messages. */
const imported = [
  'binaryAccuracy',
  'categoricalAccuracy',
  'sparseCategoricalAccuracy',
  'topKCategoricalAccuracy',
  'sparseTopKCategoricalAccuracy',
  'precision',
  'recall',
  'f1Score',
  'auc',
  'perplexity',
  'rootMeanSquaredError',
  'meanAbsolutePercentageError',
  'r2Score',
]

/**
 * A metric as a saved model holds it: a name, a loss, or the constructor and its options; of the user's own, which hold functions,
 * the name alone.
 */
export function savedMetric(metric: MetricLike): unknown {
  if (typeof metric === 'string' || 'kind' in metric) return metric
  return 'saved' in metric ? metric.saved : { own: metric.name }
}

export const isMean = (metric: MeanMetric | Metric): metric is MeanMetric => 'of' in metric

/** The rule of 'accuracy' for a loss and a prediction whose last axis has `columns` elements. */
function accuracyRule(loss: Loss, columns: number): Rule {
  if (takesLabels(loss)) return { code: abi.METRIC_SPARSE_ACCURACY, param: 0 }
  if (columns > 1 && loss.kind !== 'binaryCrossentropy')
    return { code: abi.METRIC_CATEGORICAL_ACCURACY, param: 0 }
  const isSigned = loss.fromLogits || loss.kind === 'hinge' || loss.kind === 'squaredHinge'
  return { code: abi.METRIC_BINARY_ACCURACY, param: isSigned ? 0 : 0.5 }
}

/**
 * A metric of an output with `loss` whose last axis has `columns` elements.
 * @throws LanegradError on an unknown name (with the nearest known one), or for a value that isn't a metric or doesn't fit the
 * targets
 */
export function readMetric(
  output: string,
  given: MetricLike,
  loss: Loss,
  columns: number,
): MeanMetric | Metric {
  const metric = resolved(output, given, loss, columns)
  const { name } = metric
  const isKey = typeof name === 'string' && name !== '' && !(name in Object.prototype)
  check(isKey, `metrics of ${output}: name`, 'a string (and not "toString")', name)
  const isOwn =
    isMean(metric) && Array.isArray(metric.of) && typeof metric.of[0] === 'object' && metric.of[0].write
  if (loss.truthShape && !isOwn)
    fail(
      `metric ${name} of ${output} compares y with the prediction; ${loss.kind} takes y of a shape of its own: use a customLoss`,
    )
  const labels = takesLabels(loss)
  const takes = isMean(metric) && Array.isArray(metric.of) ? lossFor(metric.of, loss) !== undefined : true
  if ((metric.labels ?? labels) !== labels || !takes) {
    const [needs, has] = labels
      ? ['a target for every element', 'class labels']
      : ['class labels', 'a target for every element']
    fail(`metric ${name} of ${output} needs ${needs}; ${loss.kind} takes ${has}`)
  }
  return metric
}

function resolved(output: string, given: MetricLike, loss: Loss, columns: number): MeanMetric | Metric {
  if (given === 'accuracy' || given === 'acc') return { name: given, of: accuracyRule(loss, columns) }
  if (typeof given === 'string') {
    if (isLossName(given)) {
      const { kind } = readLoss(given)
      const mean = { name: given, of: [kind] }
      // as Keras has it: the metric of this name is the similarity, the loss its distance from 1
      return kind === 'cosineSimilarity' ? { ...mean, finish: COMPLEMENT } : mean
    }
    if (imported.includes(given)) fail(`metric "${given}" must be imported: metrics: [${given}()]`)
  } else if (isObject(given)) {
    if ('kind' in given) return { name: given.kind, of: [readLoss(given)] }
    if ('of' in given) return given
    const { start, add, result } = given
    if ([start, add, result].every(isFunction)) return given
    check(false, `metrics of ${output}`, 'names, losses or objects { name, start, add, result }', given)
  }
  unknownName('metric', given, ['accuracy', ...lossNames(), ...imported])
}

/** The first loss that takes the targets `loss` takes; a name follows its `fromLogits`. */
function lossFor(list: readonly (Loss | LossName)[], loss: Loss): Loss | undefined {
  const losses = list.map((one) =>
    typeof one === 'string' ? { ...readLoss(one), fromLogits: loss.fromLogits } : one,
  )
  return losses.find((one) => takesLabels(one) === takesLabels(loss))
}

/**
 * Where a mean's numbers are: its sum is the first element of `sum`, its number of terms `terms` times the second of `counter`.
 */
export interface MetricValue {
  readonly sum: Value
  /** null: all terms count, and none has a weight */
  readonly counter: Value | null
  readonly terms: number
}

function writeRule(
  g: GraphWriter,
  { code, param }: Rule,
  ignoreIndex: number | null,
  prediction: Value,
  target: Value,
  weights: Value | null,
): Value {
  const inputs = weights ? [prediction, target, weights] : [prediction, target]
  const metric = code === abi.METRIC_ROWS ? 'rows' : 'accuracy'
  return g.add(metricKernel, inputs, { metric, code, param, ignoreIndex })[0]
}

/** [0, the number (weights: their sum) of the rows that count], or null where all count. */
export function writeRowCount(
  g: GraphWriter,
  { ignoreIndex, truthShape }: Loss,
  prediction: Value,
  target: Value,
  weights: Value | null,
): Value | null {
  if (!weights && ignoreIndex === null) return null
  const truth = truthShape ? prediction : target // labels alone are looked at
  return writeRule(g, { code: abi.METRIC_ROWS, param: 0 }, ignoreIndex, prediction, truth, weights)
}

/** `loss` is the output's; weights: one for each row, or sample, or none. */
export function writeMetric(
  g: GraphWriter,
  { of, name }: MeanMetric,
  loss: Loss,
  prediction: Value,
  target: Value,
  weights: Value | null,
): MetricValue {
  const activation = activationOf(loss)
  const shares = () =>
    activation === 'softmax' ? ops.softmax(g, prediction) : ops.unary(g, unaryFunctions.sigmoid, prediction)
  if ('code' in of) {
    // a threshold of probabilities: for a sigmoid, the logit is compared with the threshold's logit
    const isShare = activation && of.code === abi.METRIC_BINARY_ACCURACY && of.param > 0 && of.param < 1
    const rule = isShare && activation === 'sigmoid' ? { ...of, param: of.logit ?? 0 } : of
    const given = isShare && activation === 'softmax' ? shares() : prediction
    const value = writeRule(g, rule, loss.ignoreIndex, given, target, weights)
    return { sum: value, counter: value, terms: 1 }
  }
  const found = lossFor(of, loss) ?? fail(`metric ${name} has no loss for these targets`)
  const ignoreIndex = found.ignoreIndex ?? loss.ignoreIndex
  const measured: Loss = { ...found, reduction: 'sum', ignoreIndex }
  const given = activation && !takesLogits(found) ? shares() : prediction
  const sum = writeLoss(g, measured, given, target, weights)
  const counter = writeRowCount(g, measured, prediction, target, weights)
  const { shape } = prediction
  const rows = elementCount(shape.length > 1 ? shape.slice(0, -1) : shape)
  const terms = termCount(measured, shape)
  return { sum, counter, terms: counter ? terms / rows : terms }
}
