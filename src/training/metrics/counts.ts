// Precision, recall and F1 from counts of right and wrong answers per class (column), weighted by rows; and the
// confusion matrix, a plain function for after `predict`.
import { isInt32 } from '../../numerics/brands.ts'
import {
  check,
  FINITE,
  fail,
  isObject,
  must,
  NATURAL,
  oneOf,
  orNull,
  POSITIVE_INTEGER,
  reading,
  readOptions,
} from '../../numerics/errors.ts'
import {
  argmax,
  checkLength,
  isShaped,
  type NestedNumbers,
  type ShapedArray,
  tensor,
} from '../../numerics/tensor.ts'
import type { Metric, MetricBatch } from '../../session/metric.ts'
import { isOfClass, logitOf, made, NAME, type NameOption, sharesOf } from './read.ts'

/**
 * 'micro': counts of all classes together; 'macro': the plain mean over classes; 'weighted': the mean weighted by the rows of
 * each class; null: a number for each class.
 */
export type Average = 'micro' | 'macro' | 'weighted' | null

/** Options of `f1Score`. */
export interface CountOptions extends NameOption {
  /**
   * An element above this is predicted. Between 0 and 1 it is a threshold of probabilities, even if the loss takes logits
   * (`fromLogits`), else of the output's own numbers. null: the largest of each row is predicted. Default 0.5; of f1Score
   * null.
   */
  readonly threshold?: number | null
  /** How the numbers of classes are averaged; null: not at all. Default 'micro'; of f1Score 'macro'. */
  readonly average?: Average
}

/** Options of `precision` and `recall`. */
export interface ClassOptions extends CountOptions {
  /**
   * Only the k largest of each row are predicted (the first of equal ones), with a threshold only if one is given. Default
   * null: no limit.
   */
  readonly topK?: number | null
  /** The only class that counts. Default null: all count. */
  readonly classId?: number | null
}

/** Weighted counts by class: predicted and true, predicted but not true, true but not predicted. */
interface Counts {
  readonly right: number[]
  readonly extra: number[]
  readonly missed: number[]
}
type Ratio = (right: number, extra: number, missed: number) => number

/** part / whole, or 0 if the whole is 0, as in Keras. */
const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)
const total = (values: readonly number[]): number => values.reduce((before, value) => before + value, 0)

/** Sets `predicted` for each column of a row. */
function decide(
  { prediction, columns, logits }: MetricBatch,
  shares: ArrayLike<number>,
  row: number,
  threshold: number | null,
  topK: number | null,
  predicted: boolean[],
): void {
  const start = row * columns
  if (threshold === null && columns > 1) {
    const best = argmax(prediction, start, columns)
    for (let j = 0; j < columns; j++) predicted[j] = j === best
    return
  }
  const given = threshold ?? 0.5
  const isShare = given > 0 && given < 1
  const least = isShare && logits === 'sigmoid' ? logitOf(given) : given
  const scores = isShare ? shares : prediction
  for (let j = 0; j < columns; j++) predicted[j] = scores[start + j] > least
  if (topK === null || topK >= columns) return
  const kth = prediction.slice(start, start + columns).sort()[columns - topK]
  let ties = topK
  for (let j = 0; j < columns; j++) if (prediction[start + j] > kth) ties--
  for (let j = 0; j < columns; j++) {
    const value = prediction[start + j]
    if (value < kth || (value === kth && ties-- <= 0)) predicted[j] = false
  }
}

/** A metric of counts; `ofClasses`: the kind takes topK and classId. */
function counting(
  kind: string,
  options: ClassOptions,
  defaults: { readonly threshold: number | null; readonly average: Average; readonly ofClasses: boolean },
  ratio: Ratio,
): Metric<Counts> {
  const common = {
    name: [NAME, kind],
    threshold: [orNull(FINITE), defaults.threshold],
    average: [oneOf('micro', 'macro', 'weighted', null), defaults.average],
  } as const
  const own = { topK: [orNull(POSITIVE_INTEGER), null], classId: [orNull(NATURAL), null] } as const
  const all = defaults.ofClasses
    ? readOptions(kind, options, { ...common, ...own })
    : { ...readOptions(kind, options, common), topK: null, classId: null }
  const { name, average, topK, classId } = all
  // with topK alone, the k largest are predicted whatever they are
  const threshold = topK !== null && options.threshold === undefined ? -Infinity : all.threshold
  return made(kind, options, {
    name,
    start: () => ({ right: [], extra: [], missed: [] }),
    add({ right, extra, missed }, batch) {
      const { columns, rows, weights } = batch
      if (classId !== null && classId >= columns)
        check(false, `${kind}: classId`, `below ${columns}`, classId)
      while (right.length < columns) for (const counts of [right, extra, missed]) counts.push(0)
      const predicted: boolean[] = []
      const shares = sharesOf(batch)
      for (let row = 0; row < rows; row++) {
        const weight = weights?.[row] ?? 1
        if (weight === 0) continue
        decide(batch, shares, row, threshold, topK, predicted)
        for (let j = 0; j < columns; j++) {
          const isTrue = isOfClass(batch, row, j)
          if (predicted[j]) (isTrue ? right : extra)[j] += weight
          else if (isTrue) missed[j] += weight
        }
      }
    },
    result({ right, extra, missed }) {
      const ratioOfClass = (j: number) => ratio(right[j] ?? 0, extra[j] ?? 0, missed[j] ?? 0)
      if (classId !== null) return ratioOfClass(classId)
      if (average === 'micro') return ratio(total(right), total(extra), total(missed))
      const ratios = right.map((_, j) => ratioOfClass(j))
      if (average === null) return ratios
      const trues = right.map((count, j) => (average === 'macro' ? 1 : count + missed[j]))
      return share(total(ratios.map((value, j) => value * trues[j])), total(trues))
    },
  } satisfies Metric<Counts>)
}

const elementwise = { threshold: 0.5, average: 'micro', ofClasses: true } as const

/**
 * Precision: the share of the predicted elements that are true. Elements above `threshold` (default 0.5; null: the largest of
 * each row) are predicted; with `topK` only the k largest of a row, with `classId` only those of that class.
 * `average` (default 'micro', as in Keras) joins the classes. Truth: 0 and 1 for every element, or class ids. 0 where
 * nothing was predicted.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, precision, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [2], layers: [activation({ activation: 'linear' })] }) // predicts its input
 * model.compile({ loss: 'sparseCategoricalCrossentropy', metrics: [precision({ average: null })] })
 * const logs = await model.evaluate([[0.7, 0.3], [0.6, 0.4], [0.2, 0.8]], [0, 1, 1])
 * // one of the two rows given class 0 has it, the one given class 1 too
 * console.log(logs.precision_0, logs.precision_1) // 0.5 1
 * ```
 */
export const precision = (options: ClassOptions = {}): Metric =>
  counting('precision', options, elementwise, (right, extra) => share(right, right + extra))

/**
 * Recall: the share of the true elements that are predicted. Options as for `precision`. 0 if nothing is true.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, recall, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [activation({ activation: 'linear' })] }) // predicts its input
 * model.compile({ loss: 'binaryCrossentropy', metrics: [recall({ threshold: 0.25 })] })
 * const logs = await model.evaluate([[0.9], [0.8], [0.3], [0.2]], [1, 0, 1, 1])
 * // of the three true elements, 0.9 and 0.3 are above the threshold
 * console.log(logs.recall.toFixed(4)) // 0.6667
 * ```
 */
export const recall = (options: ClassOptions = {}): Metric =>
  counting('recall', options, elementwise, (right, _, missed) => share(right, right + missed))

/**
 * F1 score: the harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN). By default the largest of each row is predicted
 * (`threshold` null; a single unit: above 0.5) and `average` is 'macro' (Keras: null, a number for each class). Truth: 0
 * and 1 for every element, or class ids.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, f1Score, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [2], layers: [activation({ activation: 'linear' })] }) // predicts its input
 * model.compile({ loss: 'sparseCategoricalCrossentropy', metrics: [f1Score()] })
 * const logs = await model.evaluate([[0.7, 0.3], [0.6, 0.4], [0.2, 0.8], [0.9, 0.1]], [0, 1, 1, 0])
 * // class 0: 4 / 5, class 1: 2 / 3
 * console.log(logs.f1Score.toFixed(4)) // 0.7333
 * ```
 */
export const f1Score = (options: CountOptions = {}): Metric =>
  counting(
    'f1Score',
    options,
    { threshold: null, average: 'macro', ofClasses: false },
    (right, extra, missed) => share(2 * right, 2 * right + extra + missed),
  )

/** Options of `confusionMatrix`. */
export interface MatrixOptions {
  /** Default: as many as the prediction has columns, or one more than the largest class id, 4096 at most. */
  readonly numClasses?: number
  /** The score above which a single unit predicts class 1. Default 0.5. */
  readonly threshold?: number
  /** Weights, one for each row. Default: all 1. */
  readonly sampleWeight?: ArrayLike<number>
}

/** The most classes that ids alone may imply: a stray id must not take all memory. */
const MOST_CLASSES = 4096

type Answers = ArrayLike<number> | readonly NestedNumbers[] | ShapedArray

/** The numbers, of which none is NaN, and the width of a row (1 for ids). @throws LanegradError */
function readAnswers(
  name: string,
  given: Answers,
): { readonly values: ArrayLike<number>; readonly width: number } {
  const what = `confusionMatrix: ${name}`
  return reading(what, () => {
    const isNested = Array.isArray(given) && isObject(given[0])
    const answers = isNested ? tensor(given, undefined, what) : given
    const values = (isShaped(answers) ? answers.data : answers) as ArrayLike<number>
    check(isObject(values) && NATURAL.holds(values.length), what, 'a tensor or a list of numbers', given)
    for (let i = 0; i < values.length; i++) {
      const value = values[i]
      if (typeof value !== 'number' || Number.isNaN(value))
        check(false, `${what}: element ${i}`, 'a number', value)
    }
    if (!isShaped(answers)) return { values, width: 1 }
    const { shape, data } = answers
    checkLength(what, shape, data.length)
    return { values, width: shape.length > 1 && !isInt32(data) ? shape[shape.length - 1] : 1 }
  })
}

/**
 * Confusion matrix: `matrix[i][j]` is the number of rows of class i (or with `sampleWeight` their weight) that were given class
 * j. yTrue and yPred are class ids, one for each row, or the result of `predict`: rows of scores (also nested), whose first
 * largest is the class, or one score for each row (class 1 if above `threshold`). yTrue may be one-hot rows.
 * @throws LanegradError if the lengths don't fit, or for an id outside the classes or a value that isn't a number
 * @example
 * ```js
 * import { confusionMatrix } from 'lanegrad'
 *
 * console.log(confusionMatrix([0, 1, 1], [0, 1, 0])) // [ [ 1, 0 ], [ 1, 1 ] ]
 * ```
 */
export function confusionMatrix(yTrue: Answers, yPred: Answers, options: MatrixOptions = {}): number[][] {
  const readers = { threshold: [FINITE, 0.5] } as const
  const { threshold } = readOptions('confusionMatrix', options, readers, ['numClasses', 'sampleWeight'])
  const { sampleWeight } = options
  const truth = readAnswers('yTrue', yTrue)
  const scores = readAnswers('yPred', yPred)
  const rows = scores.values.length / scores.width
  const { length } = truth.values
  // one-hot rows may come flat
  const width = length === rows ? 1 : scores.width > 1 ? scores.width : truth.width
  if (length !== rows * width)
    fail(`confusionMatrix: expected ${rows} rows of yTrue, as of yPred; got ${length} elements`)
  const weights = sampleWeight === undefined ? undefined : readAnswers('sampleWeight', sampleWeight).values
  if (weights && weights.length !== rows)
    fail(`confusionMatrix: expected ${rows} sample weights, one for each row; got ${weights.length}`)
  const classOfRows = (values: ArrayLike<number>, perRow: number) =>
    Array.from({ length: rows }, (_, row) => {
      if (perRow > 1) return argmax(values, row * perRow, perRow)
      const value = values[row]
      return Number.isInteger(value) ? value : Number(value > threshold)
    })
  const given = classOfRows(scores.values, scores.width)
  const actual = classOfRows(truth.values, width)
  const columns = Math.max(scores.width, width)
  const largest = [...given, ...actual].reduce((most, id) => Math.max(most, id), 0)
  const { numClasses = columns > 1 ? columns : Math.min(largest + 1, MOST_CLASSES) } = options
  must(POSITIVE_INTEGER, numClasses, 'confusionMatrix: numClasses')
  for (const [name, ids] of Object.entries({ yTrue: actual, yPred: given })) {
    const bad = ids.findIndex((id) => !(id >= 0 && id < numClasses))
    if (bad >= 0)
      check(false, `confusionMatrix: row ${bad} of ${name}`, `a class from 0 to ${numClasses - 1}`, ids[bad])
  }
  const matrix = Array.from({ length: numClasses }, () => new Array<number>(numClasses).fill(0))
  for (let row = 0; row < rows; row++) matrix[actual[row]][given[row]] += weights?.[row] ?? 1
  return matrix
}
