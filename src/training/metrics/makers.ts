// Every constructor of metrics by name, for saved models and models on their way to a worker. Only `load` and workers need
// this table.
import { check, entryOf, isRecord } from '../../numerics/errors.ts'
import type { MetricLike } from '../metrics.ts'
import {
  binaryAccuracy,
  categoricalAccuracy,
  sparseCategoricalAccuracy,
  sparseTopKCategoricalAccuracy,
  topKCategoricalAccuracy,
} from './accuracy.ts'
import { auc } from './auc.ts'
import { f1Score, precision, recall } from './counts.ts'
import {
  cosineSimilarityMetric,
  meanAbsolutePercentageError,
  perplexity,
  r2Score,
  rootMeanSquaredError,
} from './regression.ts'

const makers: Readonly<Record<string, (options: object) => MetricLike>> = {
  auc,
  binaryAccuracy,
  categoricalAccuracy,
  cosineSimilarityMetric,
  f1Score,
  meanAbsolutePercentageError,
  perplexity,
  precision,
  r2Score,
  recall,
  rootMeanSquaredError,
  sparseCategoricalAccuracy,
  sparseTopKCategoricalAccuracy,
  topKCategoricalAccuracy,
}

/** The metric that `made` noted. @throws LanegradError on an unknown constructor or bad options */
export function remadeMetric({ maker, options }: Readonly<Record<string, unknown>>): MetricLike {
  const make = entryOf('metric', maker, makers)
  check(isRecord(options), `options of metric ${maker}`, 'an object', options)
  return make(options)
}
