// What is counted of a prediction: losses, metrics, and penalties of weights; with the gradients of losses and penalties.
import * as abi from '../../../assembly/abi.ts'
import { elementCount } from '../../numerics/tensor.ts'
import { f32 } from '../../numerics/words.ts'
import type { Kernel, Word } from '../kernel.ts'
import type { Value } from '../value.ts'
import { lastIfAccumulating } from './matmul.ts'

export interface LossAttributes {
  readonly loss: string
  /** LOSS_* */
  readonly code: number
  /** LOSS_MEAN, LOSS_IGNORE_INDEX */
  readonly flags: number
  /** delta of huber, label smoothing of the cross-entropies */
  readonly param: number
  /** weight of this loss in the total */
  readonly scale: number
  readonly ignoreIndex: number
}

/** Of a gradient operation: the last of its own inputs is the gradient of the forward one's output. */
interface Seeded {
  readonly seeded: boolean
}

/** The seed of a gradient as an input: none where it is the constant 1, which the loss's own scale holds. */
const seedOf = (dy: Value): Value[] => (dy.leaf?.data?.length === 1 && dy.leaf.data[0] === 1 ? [] : [dy])

/**
 * Prediction, target and weights, rows, columns and rows for each weight. The first axis of a
 * prediction is the batch, so rank 1 is a row of one for each sample.
 */
function batchWords([prediction, target, weights]: readonly Value[]): Word[] {
  const { shape } = prediction
  const cols = shape.length > 1 ? shape[shape.length - 1] : 1
  const rows = elementCount(shape) / cols
  const rowsPerWeight = weights ? rows / elementCount(weights.shape) : 1
  return [prediction, target, weights, rows, cols, rowsPerWeight]
}

const lossWords = (inputs: readonly Value[], attributes: LossAttributes): Word[] => {
  const { code, flags, param, scale, ignoreIndex } = attributes
  return [...batchWords(inputs), code, flags, f32(param), f32(scale), ignoreIndex]
}

/** Inputs: prediction, target [, sample weights]; a scalar. */
export const lossKernel: Kernel<LossAttributes> = {
  name: 'loss',
  code: abi.OP_LOSS,
  shapes: () => [[]],
  words: ({ output, inputs, attributes }) => [output, ...lossWords(inputs, attributes)],
  int32: [1],
  gradient(g, { attributes, inputs }, dy) {
    const seed = seedOf(dy)
    return g.add(lossGradKernel, [...inputs, ...seed], { ...attributes, seeded: seed.length > 0 })
  },
}

/** Inputs: the same [, the seed]. */
export const lossGradKernel: Kernel<LossAttributes & Seeded> = {
  name: 'lossGrad',
  code: abi.OP_LOSS_GRAD,
  words({ output, inputs, attributes }) {
    const { seeded } = attributes
    const own = seeded ? inputs.slice(0, -1) : inputs
    const seed = seeded ? inputs[inputs.length - 1] : null
    return [output, seed, ...lossWords(own, attributes)]
  },
  int32: [1],
}

export interface MetricAttributes {
  readonly metric: string
  /** METRIC_* */
  readonly code: number
  /** The threshold of a binary accuracy. */
  readonly param: number
  /** Rows of this class id don't count; null: all do. */
  readonly ignoreIndex: number | null
}

/** Inputs: prediction, target [, weights]; [sum over rows, sum of the weights of the rows that count]. */
export const metricKernel: Kernel<MetricAttributes> = {
  name: 'metric',
  code: abi.OP_METRIC,
  shapes: () => [[2]],
  words({ output, inputs, attributes: { code, param, ignoreIndex } }) {
    const rule = [code, f32(param), ignoreIndex === null ? 0 : 1, ignoreIndex ?? 0]
    return [output, ...batchWords(inputs), ...rule]
  },
  int32: [1],
  gradient: () => [],
}

export interface PenaltyAttributes {
  readonly l1: number
  readonly l2: number
}

/** l1 * sum |w| + l2 * sum w^2 of its input w. */
export const penaltyKernel: Kernel<PenaltyAttributes> = {
  name: 'penalty',
  code: abi.OP_PENALTY,
  shapes: () => [[]],
  words: ({ output, inputs: [w], attributes: { l1, l2 } }) => [
    output,
    w,
    elementCount(w.shape),
    f32(l1),
    f32(l2),
  ],
  gradient(g, { attributes, inputs: [w] }, dy) {
    const seed = seedOf(dy)
    const own = { ...attributes, seeded: seed.length > 0, accumulate: false }
    return g.add(penaltyGradKernel, [w, ...seed], own)
  },
}

/** Inputs: w [, the seed] [, the gradient to add to, in whose buffer the sum then lies]. */
export const penaltyGradKernel: Kernel<PenaltyAttributes & Seeded & { readonly accumulate: boolean }> = {
  name: 'penaltyGrad',
  code: abi.OP_PENALTY_GRAD,
  words({ output, inputs: [w, seed], attributes: { l1, l2, seeded, accumulate } }) {
    const numbers = [elementCount(w.shape), f32(l1), f32(l2), accumulate ? 1 : 0]
    return [output, seeded ? seed : null, w, ...numbers]
  },
  shares: lastIfAccumulating,
  fuse: (attributes, what) =>
    'accumulate' in what && !attributes.accumulate ? { ...attributes, ...what } : null,
}
