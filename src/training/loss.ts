// A loss: plain data, made by constructors (losses.ts) or read from names and files, and its properties. write-loss.ts writes
// one into a graph; assembly/kernels/loss*.ts computes values and gradients and states each formula.
import * as abi from '../../assembly/abi.ts'
import type { Value } from '../graph/value.ts'
import type { GraphWriter } from '../graph/writer.ts'
import {
  BOOLEAN,
  fail,
  isObject,
  number,
  oneOf,
  orNull,
  POSITIVE,
  type Readers,
  type Rule,
  readOptions,
  SHARE,
  show,
  unknownName,
} from '../numerics/errors.ts'
import type { RowShape, Shape } from '../numerics/shape.ts'

export interface LossRow {
  readonly code: number
  /** The code of the form that takes logits, if there is one. */
  readonly logits?: number
  /** Least and largest target. Default: any number. */
  readonly targets?: readonly [low: number, high: number]
  /** The option that becomes `param`. */
  readonly param?: { readonly key: 'delta' | 'labelSmoothing'; readonly value: number; readonly rule: Rule }
}

const SIGNS = [-1, 1] as const
const SHARES = [0, 1] as const
const COUNTS = [0, Infinity] as const
const smoothing = { key: 'labelSmoothing', value: 0, rule: SHARE } as const

export const losses = {
  meanSquaredError: { code: abi.LOSS_MSE },
  meanAbsoluteError: { code: abi.LOSS_MAE },
  huber: { code: abi.LOSS_HUBER, param: { key: 'delta', value: 1, rule: POSITIVE } },
  logCosh: { code: abi.LOSS_LOG_COSH },
  poisson: { code: abi.LOSS_POISSON, targets: COUNTS },
  hinge: { code: abi.LOSS_HINGE, targets: SIGNS },
  squaredHinge: { code: abi.LOSS_SQUARED_HINGE, targets: SIGNS },
  binaryCrossentropy: { code: abi.LOSS_BCE, logits: abi.LOSS_BCE_LOGITS, targets: SHARES, param: smoothing },
  categoricalCrossentropy: {
    code: abi.LOSS_CCE,
    logits: abi.LOSS_CCE_LOGITS,
    targets: COUNTS,
    param: smoothing,
  },
  sparseCategoricalCrossentropy: {
    code: abi.LOSS_SPARSE_CCE,
    logits: abi.LOSS_SPARSE_CCE_LOGITS,
    param: smoothing,
  },
  klDivergence: { code: abi.LOSS_KL_DIVERGENCE, targets: COUNTS },
  categoricalHinge: { code: abi.LOSS_CATEGORICAL_HINGE, targets: SHARES },
  cosineSimilarity: { code: abi.LOSS_COSINE_SIMILARITY },
} as const satisfies Record<string, LossRow>
/** The name of a loss. */
export type LossName = keyof typeof losses

const aliases = { mse: 'meanSquaredError', mae: 'meanAbsoluteError', bce: 'binaryCrossentropy' } as const

/** A short name of a loss. */
export type LossAlias = keyof typeof aliases

/** A loss as plain data, made by the constructors and held by saved models. */
export interface Loss {
  readonly kind: LossName
  /** 'mean' divides the sum of all terms (elements or rows) by their number; 'sum' doesn't. */
  readonly reduction: 'mean' | 'sum'
  /** The prediction is a logit (before sigmoid or softmax). Default false. */
  readonly fromLogits: boolean
  /** The delta of huber (default 1) or the label smoothing of a cross-entropy (default 0). */
  readonly param: number
  /** The class id whose rows are left out of sum and count; null: none. */
  readonly ignoreIndex: number | null
  /** Writes a loss made by customLoss, whose name is `kind`, with its weights and its reduction. @internal */
  readonly write?: (
    loss: Loss,
    g: GraphWriter,
    truth: Value,
    prediction: Value,
    sampleWeights: Value | null,
  ) => Value
  /** The shape of a row of the truth for rows of the prediction of `shape`, where it isn't theirs. */
  readonly truthShape?: (shape: RowShape) => RowShape
  /** Marks a loss made by customLoss; saved models hold this in the place of `write`. */
  readonly custom?: true
}

/** A loss, or the name of one. */
export type LossLike = LossName | LossAlias | Loss

/** Options of every loss. */
export interface LossOptions {
  /**
   * 'mean' (default) divides the sum of all terms (elements, or rows if the loss has one term for each) by their number,
   * whatever their sample weights. 'sum' is the sum of all terms, while Keras adds up the means of rows; in the logs of `fit`
   * and `evaluate` it is the sum over all rows, whatever the batch size (Keras averages the sums of batches).
   */
  readonly reduction?: 'mean' | 'sum'
}

/** Options of `binaryCrossentropy` and `categoricalCrossentropy`. */
export interface CategoricalOptions extends LossOptions {
  /** The prediction is a logit (before sigmoid or softmax). Default false. */
  readonly fromLogits?: boolean
  /** The share s of label smoothing, in [0, 1): y becomes (1 - s) y + s / classes; binary: (1 - s) y + s / 2. Default 0. */
  readonly labelSmoothing?: number
}

/** Options of `sparseCategoricalCrossentropy`. */
export interface SparseOptions extends CategoricalOptions {
  /** The class id whose rows are left out of sum and count. Default null: none. */
  readonly ignoreIndex?: number | null
}

/** Options of `huber`. */
export interface HuberOptions extends LossOptions {
  /** The error at which the parabola becomes a line, > 0. Default 1. */
  readonly delta?: number
}
type AnyOptions = SparseOptions & HuberOptions

const isSparse = (kind: string): boolean => kind === 'sparseCategoricalCrossentropy'

/** The rule for class ids. */
const INTEGER = number('an integer of 32 bits', (value) => value === (value | 0))

function readersOf(kind: LossName): Readers {
  const { logits, param }: LossRow = losses[kind]
  return {
    reduction: [oneOf('mean', 'sum'), 'mean'],
    ...(logits !== undefined && { fromLogits: [BOOLEAN, false] }),
    ...(param && { [param.key]: [param.rule, param.value] }),
    ...(isSparse(kind) && { ignoreIndex: [orNull(INTEGER), null] }),
  }
}

export function makeLoss(kind: LossName, options: object): Loss {
  const { param }: LossRow = losses[kind]
  const read: Partial<Loss & AnyOptions> = readOptions(kind, options, readersOf(kind))
  const { reduction = 'mean', fromLogits = false, ignoreIndex = null } = read
  return Object.freeze({ kind, reduction, fromLogits, param: (param && read[param.key]) ?? 0, ignoreIndex })
}

/** The names that a loss may be given by. */
export const lossNames = (): string[] => [...Object.keys(losses), ...Object.keys(aliases)]

export const isLossName = (name: string): name is LossName | LossAlias =>
  Object.hasOwn(losses, name) || Object.hasOwn(aliases, name)

/** A name or a Loss as a checked Loss. @throws LanegradError */
export function readLoss(loss: LossLike): Loss {
  const given: Partial<Loss> = isObject(loss) ? loss : {}
  if (typeof given.write === 'function') return loss as Loss
  if (typeof loss === 'function')
    fail(`unknown loss: got ${show(loss)}; call it if it makes one, else pass it to customLoss`)
  const name: unknown = given.kind ?? loss
  const kind =
    typeof name === 'string' && !given.kind && Object.hasOwn(aliases, name)
      ? aliases[name as keyof typeof aliases]
      : name
  if (typeof kind !== 'string' || !Object.hasOwn(losses, kind)) unknownName('loss', kind, lossNames())
  const { param }: LossRow = losses[kind as LossName]
  const all: Readonly<Record<string, unknown>> = { ...given, ...(param && { [param.key]: given.param }) }
  const own = Object.keys(readersOf(kind as LossName)).map((key) => [key, all[key]])
  return makeLoss(kind as LossName, Object.fromEntries(own))
}

/** The activation that makes probabilities of the logits that an output holds; null: it holds no logits. */
export const activationOf = ({ kind, fromLogits }: Loss): 'sigmoid' | 'softmax' | null =>
  fromLogits ? (kind === 'binaryCrossentropy' ? 'sigmoid' : 'softmax') : null

/** The losses of scores, which are neither logits nor probabilities. */
const scored: readonly string[] = ['hinge', 'squaredHinge', 'categoricalHinge', 'cosineSimilarity']

/** Whether a loss takes the logits of an output as they are. */
export const takesLogits = (loss: Loss): boolean =>
  loss.write !== undefined || scored.includes(loss.kind) || (loss.fromLogits && 'logits' in losses[loss.kind])

/** Whether targets are integer class labels, one for each row of the prediction. */
export const takesLabels = (loss: Loss): boolean => isSparse(loss.kind)

/** The distance by which rounding may take a target out of its limits. */
export const ROUNDING = 1e-6

/** The least and the largest number that a float target may hold. */
export function targetLimits(loss: Loss): readonly [low: number, high: number] {
  const { targets: [low, high] = [-Infinity, Infinity] }: Partial<LossRow> = loss.write
    ? {}
    : losses[loss.kind]
  return [low - ROUNDING, high + ROUNDING]
}

/** The shape of a row of the targets for a prediction whose rows have `shape`. */
export const targetShape = (loss: Loss, shape: RowShape): RowShape =>
  takesLabels(loss) ? shape.slice(0, -1) : (loss.truthShape?.(shape) ?? shape)

/** The number of terms that the loss of a prediction of `shape` adds up. */
export function termCount(loss: Loss, shape: Shape): number {
  if (loss.write) return shape[0]
  const rows = losses[loss.kind].code >= abi.LOSS_FIRST_ROW ? shape.slice(0, -1) : shape
  return rows.reduce((count, size) => count * size, 1)
}
