// Numbers that judge a prediction: losses and metrics; and penalties of weights; with the gradients of losses and penalties.
import * as abi from '../../../assembly/abi.ts'
import { extrasModule } from '../../binaries/core.ts'
import { elementCount } from '../../numerics/tensor.ts'
import { f32 } from '../../numerics/words.ts'
import type { Kernel, Word, Words } from '../kernel.ts'
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

/** The last input of a seeded gradient operation is the gradient of the forward operation's output. */
interface Seeded {
  readonly seeded: boolean
}

/** The seed of a gradient as an input: none where it is the constant 1, which the loss's own scale holds. */
const seedOf = (dy: Value): Value[] => (dy.leaf?.data?.length === 1 && dy.leaf.data[0] === 1 ? [] : [dy])

/**
 * Prediction, target and weights, rows, columns and rows for each weight, as LOSS_TERMS_* and METRIC_* have them. The first
 * axis of a prediction is the batch, so rank 1 is a row of one for each sample.
 */
function batchWords([prediction, target, weights]: readonly Value[]): Word[] {
  const { shape } = prediction
  const cols = shape.length > 1 ? shape[shape.length - 1] : 1
  const rows = elementCount(shape) / cols
  const rowsPerWeight = weights ? rows / elementCount(weights.shape) : 1
  return [prediction, target, weights, rows, cols, rowsPerWeight]
}

const termWords = (inputs: readonly Value[], attributes: LossAttributes): Word[] => {
  const { code, flags, param, scale, ignoreIndex } = attributes
  const words: Words = {
    [abi.LOSS_TERMS_PREDICTION]: batchWords(inputs),
    [abi.LOSS_TERMS_KIND]: code,
    [abi.LOSS_TERMS_FLAGS]: flags,
    [abi.LOSS_TERMS_PARAM]: f32(param),
    [abi.LOSS_TERMS_SCALE]: f32(scale),
    [abi.LOSS_TERMS_IGNORE_INDEX]: ignoreIndex,
  }
  return Object.values(words).flat()
}

/** The losses whose terms the core has (kernels/loss-plain.ts). */
const PLAIN: readonly number[] = [
  abi.LOSS_MSE,
  abi.LOSS_BCE_LOGITS,
  abi.LOSS_CCE_LOGITS,
  abi.LOSS_SPARSE_CCE_LOGITS,
]
const moduleOf = ({ code }: LossAttributes) => (PLAIN.includes(code) ? null : extrasModule)

/** Inputs: prediction, target [, sample weights]; a scalar. */
export const lossKernel: Kernel<LossAttributes> = {
  name: 'loss',
  code: abi.OP_LOSS,
  calls: moduleOf,
  shapes: () => [[]],
  words: ({ output, inputs, attributes }) => ({
    [abi.LOSS_DST]: output,
    [abi.LOSS_TERMS]: termWords(inputs, attributes),
  }),
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
  calls: moduleOf,
  words({ output, inputs, attributes }) {
    const { seeded } = attributes
    const own = seeded ? inputs.slice(0, -1) : inputs
    const seed = seeded ? inputs[inputs.length - 1] : null
    return {
      [abi.LOSS_GRAD_DST]: output,
      [abi.LOSS_GRAD_SEED]: seed,
      [abi.LOSS_GRAD_TERMS]: termWords(own, attributes),
    }
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
  module: extrasModule,
  shapes: () => [[2]],
  words: ({ output, inputs, attributes: { code, param, ignoreIndex } }) => ({
    [abi.METRIC_DST]: output,
    [abi.METRIC_PREDICTION]: batchWords(inputs),
    [abi.METRIC_KIND]: code,
    [abi.METRIC_PARAM]: f32(param),
    [abi.METRIC_IGNORES]: Number(ignoreIndex !== null),
    [abi.METRIC_IGNORE_INDEX]: ignoreIndex ?? 0,
  }),
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
  module: extrasModule,
  shapes: () => [[]],
  words: ({ output, inputs: [w], attributes: { l1, l2 } }) => ({
    [abi.PENALTY_DST]: output,
    [abi.PENALTY_W]: w,
    [abi.PENALTY_COUNT]: elementCount(w.shape),
    [abi.PENALTY_L1]: f32(l1),
    [abi.PENALTY_L2]: f32(l2),
  }),
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
  module: extrasModule,
  words: ({ output, inputs: [w, seed], attributes: { l1, l2, seeded, accumulate } }) => ({
    [abi.PENALTY_GRAD_DW]: output,
    [abi.PENALTY_GRAD_SEED]: seeded ? seed : null,
    [abi.PENALTY_GRAD_W]: w,
    [abi.PENALTY_GRAD_COUNT]: elementCount(w.shape),
    [abi.PENALTY_GRAD_L1]: f32(l1),
    [abi.PENALTY_GRAD_L2]: f32(l2),
    [abi.PENALTY_GRAD_ADDS]: Number(accumulate),
  }),
  shares: lastIfAccumulating,
  fuse: (attributes, what) =>
    'accumulate' in what && !attributes.accumulate ? { ...attributes, ...what } : null,
}
