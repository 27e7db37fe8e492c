// Writes a loss into a graph.
import * as abi from '../../assembly/abi.ts'
import { isOf } from '../graph/kernel.ts'
import * as ops from '../graph/operations.ts'
import { lossKernel } from '../graph/ops/loss.ts'
import { softmaxKernel } from '../graph/ops/softmax.ts'
import { unaryKernel } from '../graph/ops/unary.ts'
import type { Value } from '../graph/value.ts'
import type { GraphWriter } from '../graph/writer.ts'
import { type Loss, type LossRow, losses } from './loss.ts'

/** The logits of a prediction that softmax (or sigmoid) makes, in the prediction's shape; null if it is made otherwise. */
function logitsOf(g: GraphWriter, loss: Loss, prediction: Value): Value | null {
  const maker = g.ops.find((op) => op.output === prediction)
  if (maker?.kernel.view) {
    const [inner] = maker.inputs
    const hasRows = loss.kind === 'binaryCrossentropy' || inner.shape.at(-1) === prediction.shape.at(-1)
    const logits = hasRows && logitsOf(g, loss, inner)
    return logits ? ops.reshape(g, logits, prediction.shape) : null
  }
  const isSoftmax = isOf(maker, softmaxKernel) && !maker.attributes.log
  const isSigmoid = isOf(maker, unaryKernel) && maker.attributes.fn.name === 'sigmoid'
  return maker && (loss.kind === 'binaryCrossentropy' ? isSigmoid : isSoftmax) ? maker.inputs[0] : null
}

/**
 * Writes the loss, a scalar. A cross-entropy behind a softmax or sigmoid is computed from the input of that, as with
 * fromLogits: the value is the same, without the loss of precision near 0 and 1.
 */
export function writeLoss(
  g: GraphWriter,
  loss: Loss,
  prediction: Value,
  target: Value,
  sampleWeights: Value | null,
): Value {
  if (loss.write) return loss.write(loss, g, target, prediction, sampleWeights)
  const row: LossRow = losses[loss.kind]
  const logits = row.logits !== undefined && !loss.fromLogits ? logitsOf(g, loss, prediction) : null
  const useLogits = loss.fromLogits || logits !== null
  const flags =
    (loss.reduction === 'mean' ? abi.LOSS_MEAN : 0) | (loss.ignoreIndex !== null ? abi.LOSS_IGNORE_INDEX : 0)
  const inputs = [logits ?? prediction, target]
  if (sampleWeights) inputs.push(sampleWeights)
  return g.add(lossKernel, inputs, {
    loss: loss.kind,
    code: useLogits && row.logits !== undefined ? row.logits : row.code,
    flags,
    param: loss.param,
    scale: 1,
    ignoreIndex: loss.ignoreIndex ?? 0,
  })[0]
}
