// Metrics: what is counted beside the loss. Enters: a name, the loss of the output and its prediction. Leaves: a
// scalar in the graph, a sum over the batch, and the number of terms it adds; the caller divides, so that an
// epoch's metric is exact whatever the batch sizes.
import * as abi from '../../assembly/abi.ts'
import type { GraphBuilder } from '../graph/builder.ts'
import type { Value } from '../graph/value.ts'
import { unknownName } from '../numerics/errors.ts'
import { elementCount } from '../numerics/tensor.ts'
import { type Loss, readLoss, takesLabels, termCount, writeLoss } from './losses.ts'

const metricNames = ['accuracy', 'meanSquaredError', 'meanAbsoluteError', 'mse', 'mae'] as const

/**
 * 'accuracy' fits itself to the loss: class labels, one-hot rows, or single elements (threshold 0.5 for a
 * probability, 0 for a logit or a hinge loss).
 */
export type MetricName = (typeof metricNames)[number]

export function readMetric(name: MetricName): MetricName {
  if (!metricNames.includes(name)) unknownName('metric', name, metricNames)
  return name
}

export interface MetricValue {
  readonly sum: Value
  readonly count: number
}

export function writeMetric(
  g: GraphBuilder,
  name: MetricName,
  loss: Loss,
  prediction: Value,
  target: Value,
): MetricValue {
  if (name !== 'accuracy') {
    const sum = { ...readLoss(name), reduction: 'sum' } as const
    return { sum: writeLoss(g, sum, 1, prediction, target, null), count: termCount(sum, prediction.shape) }
  }
  const { shape } = prediction
  const cols = shape.length > 1 ? shape[shape.length - 1] : 1 // rank 1 is the batch
  if (takesLabels(loss) || (cols > 1 && loss.kind !== 'binaryCrossentropy')) {
    const code = takesLabels(loss) ? abi.METRIC_SPARSE_ACCURACY : abi.METRIC_CATEGORICAL_ACCURACY
    const sum = g.add('metric', [prediction, target], { metric: 'accuracy', code, param: 0 })
    return { sum, count: elementCount(shape) / cols }
  }
  const isSigned = loss.fromLogits || loss.kind === 'hinge' || loss.kind === 'squaredHinge'
  const attributes = { metric: 'accuracy', code: abi.METRIC_BINARY_ACCURACY, param: isSigned ? 0 : 0.5 }
  return { sum: g.add('metric', [prediction, target], attributes), count: elementCount(shape) }
}
