// The losses' part of the case table (../op-cases.ts): every kind of loss with either reduction, with sample weights
// for rows and for groups of rows, with ignored class ids, label smoothing, another delta; and the gradient
// operation with and without a seed. Plain data.
import * as abi from '../../assembly/abi.ts'
import { type LossAttributes, lossGradKernel, lossKernel } from '../../src/graph/ops/loss.ts'
import type { Shape } from '../../src/numerics/shape.ts'
import { type CaseInput, type Domain, type OpCase, opCase } from './case.ts'

const ANY: Domain = { from: -2, to: 2 }
const PROBABILITY: Domain = { from: 0.05, to: 0.95 }
/** Margins 1 - y p stay away from 0. */
const MARGIN: Domain = { from: -2, to: 2, avoid: [-1, 1] }

interface LossRow {
  readonly loss: string
  readonly code: number
  readonly prediction: Domain
  /** null: class ids */
  readonly target: Domain | null
  readonly param?: number
}

const rows: readonly LossRow[] = [
  { loss: 'mse', code: abi.LOSS_MSE, prediction: ANY, target: ANY },
  { loss: 'mae', code: abi.LOSS_MAE, prediction: ANY, target: { from: 2.1, to: 3 } },
  { loss: 'mae below', code: abi.LOSS_MAE, prediction: ANY, target: { from: -3, to: -2.1 } },
  { loss: 'huber', code: abi.LOSS_HUBER, prediction: ANY, target: ANY, param: 0.75 },
  { loss: 'log cosh', code: abi.LOSS_LOG_COSH, prediction: ANY, target: ANY },
  { loss: 'poisson', code: abi.LOSS_POISSON, prediction: { from: 0.25, to: 3 }, target: { from: 0, to: 3 } },
  { loss: 'hinge', code: abi.LOSS_HINGE, prediction: MARGIN, target: { form: 'signs' } },
  { loss: 'squared hinge', code: abi.LOSS_SQUARED_HINGE, prediction: MARGIN, target: { form: 'signs' } },
  { loss: 'bce', code: abi.LOSS_BCE, prediction: PROBABILITY, target: { from: 0, to: 1 } },
  { loss: 'bce logits', code: abi.LOSS_BCE_LOGITS, prediction: ANY, target: { from: 0, to: 1 } },
  {
    loss: 'bce smooth',
    code: abi.LOSS_BCE,
    prediction: PROBABILITY,
    target: { from: 0, to: 1 },
    param: 0.125,
  },
  {
    loss: 'bce logits smooth',
    code: abi.LOSS_BCE_LOGITS,
    prediction: ANY,
    target: { from: 0, to: 1 },
    param: 0.125,
  },
  { loss: 'cce', code: abi.LOSS_CCE, prediction: PROBABILITY, target: { form: 'probabilities' } },
  {
    loss: 'cce smooth',
    code: abi.LOSS_CCE,
    prediction: PROBABILITY,
    target: { form: 'oneHot' },
    param: 0.125,
  },
  { loss: 'cce logits', code: abi.LOSS_CCE_LOGITS, prediction: ANY, target: { form: 'probabilities' } },
  {
    loss: 'cce logits smooth',
    code: abi.LOSS_CCE_LOGITS,
    prediction: ANY,
    target: { form: 'oneHot' },
    param: 0.125,
  },
  { loss: 'sparse cce', code: abi.LOSS_SPARSE_CCE, prediction: PROBABILITY, target: null },
  {
    loss: 'sparse cce smooth',
    code: abi.LOSS_SPARSE_CCE,
    prediction: PROBABILITY,
    target: null,
    param: 0.125,
  },
  { loss: 'sparse cce logits', code: abi.LOSS_SPARSE_CCE_LOGITS, prediction: ANY, target: null },
  {
    loss: 'sparse cce logits smooth',
    code: abi.LOSS_SPARSE_CCE_LOGITS,
    prediction: ANY,
    target: null,
    param: 0.125,
  },
  { loss: 'kl', code: abi.LOSS_KL_DIVERGENCE, prediction: PROBABILITY, target: { form: 'probabilities' } },
  {
    loss: 'categorical hinge',
    code: abi.LOSS_CATEGORICAL_HINGE,
    prediction: ANY,
    target: { form: 'oneHot' },
  },
  { loss: 'cosine', code: abi.LOSS_COSINE_SIMILARITY, prediction: ANY, target: ANY },
]

const IGNORED = -1
const WEIGHT: Domain = { from: 0.25, to: 2 }

interface Variant {
  readonly shape: Shape
  readonly mean: boolean
  readonly weights?: Shape
  readonly ignores?: boolean
}

const variants: readonly Variant[] = [
  { shape: [1, 2], mean: true },
  { shape: [5, 3], mean: true },
  { shape: [5, 3], mean: false },
  { shape: [3, 17], mean: true, weights: [3] },
  { shape: [2, 3, 5], mean: false, weights: [2] },
  { shape: [2, 3, 4], mean: true, weights: [2, 3] },
  { shape: [7, 33], mean: true, ignores: true },
  { shape: [7, 4], mean: false, weights: [7], ignores: true },
]

function casesOf(row: LossRow, { shape, mean, weights, ignores = false }: Variant): OpCase[] {
  if (ignores && row.target !== null) return [] // only class ids can be ignored
  const target: CaseInput =
    row.target === null
      ? {
          shape: shape.slice(0, -1),
          domain: { classes: shape[shape.length - 1], ...(ignores && { ignored: IGNORED }) },
        }
      : { shape, domain: row.target }
  const inputs: CaseInput[] = [{ shape, domain: row.prediction }, target]
  if (weights) inputs.push({ shape: weights, domain: WEIGHT })
  const attributes: LossAttributes = {
    loss: row.loss,
    code: row.code,
    flags: (mean ? abi.LOSS_MEAN : 0) | (ignores ? abi.LOSS_IGNORE_INDEX : 0),
    param: row.param ?? 0,
    scale: 0.75,
    ignoreIndex: IGNORED,
  }
  const name = `${row.loss} [${shape}] ${mean ? 'mean' : 'sum'}${weights ? ` weights [${weights}]` : ''}${ignores ? ' ignoring' : ''}`
  const seeded: CaseInput[] = [...inputs, { shape: [], domain: { from: 0.5, to: 2 } }]
  return [
    opCase(lossKernel, name, inputs, attributes, [0]),
    opCase(lossGradKernel, `gradient of ${name}`, inputs, { ...attributes, seeded: false }),
    opCase(lossGradKernel, `gradient of ${name} seeded`, seeded, { ...attributes, seeded: true }),
  ]
}

export const lossCases: readonly OpCase[] = rows.flatMap((row) =>
  variants.flatMap((variant) => casesOf(row, variant)),
)
