// Accuracies: the share of rows (or elements) that are predicted right. The plain ones are counted in WebAssembly.
import * as abi from '../../../assembly/abi.ts'
import { FINITE, POSITIVE_INTEGER, readOptions } from '../../numerics/errors.ts'
import type { Metric, MetricBatch } from '../../session/metric.ts'
import type { MeanMetric } from '../metrics.ts'
import { classOf, logitOf, made, meanOfRows, NAME, type NameOption, nameOf } from './read.ts'

/** Options of `binaryAccuracy`. */
export interface ThresholdOptions extends NameOption {
  /** An element above this is predicted. Default 0.5. */
  readonly threshold?: number
}

/** Options of `topKCategoricalAccuracy` and `sparseTopKCategoricalAccuracy`. */
export interface TopKOptions extends NameOption {
  /** The number of largest predictions that may hold the right class. Default 5. */
  readonly k?: number
}

/**
 * Binary accuracy: the share of the elements with (prediction > threshold) == (truth > 0.5). A threshold between 0 and 1
 * (default 0.5) is one of probabilities, even if the loss takes logits (`fromLogits`).
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, binaryAccuracy, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [activation({ activation: 'linear' })] }) // predicts its input
 * const metrics = [binaryAccuracy(), binaryAccuracy({ name: 'strict', threshold: 0.65 })]
 * model.compile({ loss: 'binaryCrossentropy', metrics })
 * const logs = await model.evaluate([[0.9], [0.7], [0.6], [0.1]], [1, 1, 0, 0])
 * // the third element is above 0.5, but not above 0.65
 * console.log(logs.binaryAccuracy, logs.strict) // 0.75 1
 * ```
 */
export function binaryAccuracy(options: ThresholdOptions = {}): MeanMetric {
  const kind = 'binaryAccuracy'
  const { name, threshold } = readOptions(kind, options, { name: [NAME, kind], threshold: [FINITE, 0.5] })
  return made(kind, options, {
    name,
    labels: false,
    of: { code: abi.METRIC_BINARY_ACCURACY, param: threshold, logit: logitOf(threshold) },
  })
}

function argmaxAccuracy(kind: string, code: number, labels: boolean, options: NameOption): MeanMetric {
  return made(kind, options, { name: nameOf(kind, options), labels, of: { code, param: 0 } })
}

/**
 * Categorical accuracy: the share of the rows whose largest prediction is where the truth's is. Truth: one-hot rows. Where
 * predictions are equal, the first counts.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, categoricalAccuracy, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [3], layers: [activation({ activation: 'linear' })] }) // predicts its input
 * model.compile({ loss: 'categoricalCrossentropy', metrics: [categoricalAccuracy()] })
 * const logs = await model.evaluate([[0.1, 0.8, 0.1], [0.6, 0.3, 0.1]], [[0, 1, 0], [0, 1, 0]])
 * console.log(logs.categoricalAccuracy) // 0.5
 * ```
 */
export const categoricalAccuracy = (options: NameOption = {}): MeanMetric =>
  argmaxAccuracy('categoricalAccuracy', abi.METRIC_CATEGORICAL_ACCURACY, false, options)

/**
 * Accuracy of class labels: the share of the rows whose largest prediction is that of the class. Truth: class ids. Where
 * predictions are equal, the first counts. Rows are all axes but the last, so every step of a sequence counts.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, sequential, sparseCategoricalAccuracy } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [4, 2], layers: [activation({ activation: 'linear' })] }) // predicts its input
 * model.compile({ loss: 'sparseCategoricalCrossentropy', metrics: [sparseCategoricalAccuracy()] })
 * const logs = await model.evaluate([[[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]]], [[0, 1, 1, 0]])
 * // one sample of four steps; the last is wrong
 * console.log(logs.sparseCategoricalAccuracy) // 0.75
 * ```
 */
export const sparseCategoricalAccuracy = (options: NameOption = {}): MeanMetric =>
  argmaxAccuracy('sparseCategoricalAccuracy', abi.METRIC_SPARSE_ACCURACY, true, options)

/** 1 if fewer than k predictions of the row are larger than that of its class, else 0. */
function inTop(batch: MetricBatch, row: number, k: number): number {
  const { prediction, columns } = batch
  const start = row * columns
  const own = prediction[start + classOf(batch, row)]
  let larger = 0
  for (let i = start; i < start + columns; i++) if (prediction[i] > own) larger++
  return larger < k && own - own === 0 ? 1 : 0 // no row with an infinite or missing prediction is right
}

function topK(kind: string, labels: boolean, options: TopKOptions): Metric {
  const { name, k } = readOptions(kind, options, { name: [NAME, kind], k: [POSITIVE_INTEGER, 5] })
  return made(
    kind,
    options,
    meanOfRows(name, labels, (batch, row) => inTop(batch, row, k)),
  )
}

/**
 * Top-k accuracy: the share of the rows whose class is among the k (default 5) largest predictions. Truth: one-hot rows.
 * Predictions as large as the k-th all count, as in Keras.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, sequential, topKCategoricalAccuracy } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [3], layers: [activation({ activation: 'linear' })] }) // predicts its input
 * model.compile({ loss: 'categoricalCrossentropy', metrics: [topKCategoricalAccuracy({ k: 2 })] })
 * const logs = await model.evaluate([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]], [[0, 1, 0], [0, 0, 1]])
 * // the second largest counts, the third does not
 * console.log(logs.topKCategoricalAccuracy) // 0.5
 * ```
 */
export const topKCategoricalAccuracy = (options: TopKOptions = {}): Metric =>
  topK('topKCategoricalAccuracy', false, options)

/**
 * Top-k accuracy of class labels: the share of the rows whose class is among the k (default 5) largest predictions. Truth: class
 * ids. Equal predictions as in `topKCategoricalAccuracy`.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, sequential, sparseTopKCategoricalAccuracy } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [3], layers: [activation({ activation: 'linear' })] }) // predicts its input
 * const metrics = [1, 2].map((k) => sparseTopKCategoricalAccuracy({ name: `top${k}`, k }))
 * model.compile({ loss: 'sparseCategoricalCrossentropy', metrics })
 * const logs = await model.evaluate([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]], [0, 1])
 * console.log(logs.top1, logs.top2) // 0.5 1
 * ```
 */
export const sparseTopKCategoricalAccuracy = (options: TopKOptions = {}): Metric =>
  topK('sparseTopKCategoricalAccuracy', true, options)
