// Accuracies: the share of rows (or elements) the prediction has right. The plain ones are counted in WebAssembly.
import * as abi from '../../../assembly/abi.ts'
import { FINITE, POSITIVE_INTEGER, readOptions } from '../../numerics/errors.ts'
import type { MeanMetric, Metric, MetricBatch } from '../metrics.ts'
import { classOf, meanOfRows, NAME, type NameOption, nameOf } from './read.ts'

interface ThresholdOptions extends NameOption {
  readonly threshold?: number
}
interface TopKOptions extends NameOption {
  readonly k?: number
}

/**
 * Share of the elements with (prediction > threshold) == (truth > 0.5). Default threshold 0.5; 0 suits logits.
 * @throws LanegradError on an unknown or unfit option
 */
export function binaryAccuracy(options: ThresholdOptions = {}): MeanMetric {
  const kind = 'binaryAccuracy'
  const { name, threshold } = readOptions(kind, options, { name: [NAME, kind], threshold: [FINITE, 0.5] })
  return { name, labels: false, of: { code: abi.METRIC_BINARY_ACCURACY, param: threshold } }
}

function argmaxAccuracy(kind: string, code: number, labels: boolean, options: NameOption): MeanMetric {
  return { name: nameOf(kind, options), labels, of: { code, param: 0 } }
}

/** Share of the rows whose largest prediction is where the truth's is; truth: one-hot rows. Ties: the first. */
export const categoricalAccuracy = (options: NameOption = {}): MeanMetric =>
  argmaxAccuracy('categoricalAccuracy', abi.METRIC_CATEGORICAL_ACCURACY, false, options)

/** Share of the rows whose largest prediction is the class's; truth: class ids. Ties: the first. */
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
  return meanOfRows(name, labels, (batch, row) => inTop(batch, row, k))
}

/**
 * Share of the rows whose class is among the k (default 5) largest predictions; truth: one-hot rows. Predictions as
 * large as the k-th all count, as in Keras.
 */
export const topKCategoricalAccuracy = (options: TopKOptions = {}): Metric =>
  topK('topKCategoricalAccuracy', false, options)

/** The same; truth: class ids. */
export const sparseTopKCategoricalAccuracy = (options: TopKOptions = {}): Metric =>
  topK('sparseTopKCategoricalAccuracy', true, options)
