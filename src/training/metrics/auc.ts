// The area under the ROC or the precision-recall curve, exact: every score of the epoch is a threshold. 9 bytes are kept for
// each element seen; they are sorted when the result is asked for.
import { oneOf, readOptions } from '../../numerics/errors.ts'
import { log } from '../../numerics/exact.ts'
import type { Metric } from '../../session/metric.ts'
import { isOfClass, made, NAME, type NameOption, sharesOf } from './read.ts'

/** Options of `auc`. */
export interface AucOptions extends NameOption {
  /** The curve. Default 'ROC'. */
  readonly curve?: 'ROC' | 'PR'
}

interface Scores {
  count: number
  scores: Float32Array
  weights: Float32Array
  isTrue: Uint8Array
}

/** Makes room for `count` elements. */
function reserve(state: Scores, count: number): void {
  if (count <= state.scores.length) return
  const { scores, weights, isTrue } = state
  const size = Math.max(count, 2 * scores.length)
  state.scores = new Float32Array(size)
  state.weights = new Float32Array(size)
  state.isTrue = new Uint8Array(size)
  state.scores.set(scores)
  state.weights.set(weights)
  state.isTrue.set(isTrue)
}

/** The order of `scores` from the largest down; equal ones keep theirs. Two passes over 16 bits each. */
function descending(scores: Float32Array): Uint32Array {
  const keys = new Uint32Array(scores.slice().buffer)
  // bits as unsigned integers that order as the floats do, downwards
  for (let i = 0; i < keys.length; i++) keys[i] = keys[i] >>> 31 ? keys[i] : ~keys[i] & 0x7fffffff
  let order = Uint32Array.from(keys, (_, i) => i)
  for (const shift of [0, 16]) {
    const starts = new Uint32Array(0x10001)
    for (const key of keys) starts[((key >>> shift) & 0xffff) + 1]++
    for (let i = 1; i < starts.length; i++) starts[i] += starts[i - 1]
    const next = new Uint32Array(order.length)
    for (const i of order) next[starts[(keys[i] >>> shift) & 0xffff]++] = i
    order = next
  }
  return order
}

/** The area that a step of the curve adds: from counts (tp, fp) to (tp + dtp, fp + dfp). */
type Area = (tp: number, fp: number, dtp: number, dfp: number) => number

const trapezoid: Area = (tp, _, dtp, dfp) => dfp * (tp + dtp / 2)

/** Precision along the step is tp / (tp + fp), both linear (Davis and Goadrich 2006); its integral over tp. */
const interpolation: Area = (tp, fp, dtp, dfp) => {
  if (dtp === 0) return 0
  const before = tp + fp
  const after = before + dtp + dfp
  const slope = dtp / (after - before)
  const intercept = tp - slope * before
  return slope * (dtp + (before > 0 ? intercept * log(after / before) : 0))
}

function areaUnder(state: Scores, area: Area): { sum: number; tp: number; fp: number } {
  const scores = state.scores.subarray(0, state.count)
  const order = descending(scores)
  let tp = 0
  let fp = 0
  let sum = 0
  for (let i = 0; i < order.length; ) {
    let dtp = 0
    let dfp = 0
    const score = scores[order[i]]
    for (; i < order.length && scores[order[i]] === score; i++) {
      if (state.isTrue[order[i]]) dtp += state.weights[order[i]]
      else dfp += state.weights[order[i]]
    }
    sum += area(tp, fp, dtp, dfp)
    tp += dtp
    fp += dfp
  }
  return { sum, tp, fp }
}

/**
 * The area under a curve of the epoch's scores, exact (Keras rounds to 200 thresholds). `curve` 'ROC' (default): true
 * over false positive rate by trapezoids, the chance that a true element scores above a false one, ties half. 'PR':
 * precision over recall, interpolated between neighbouring thresholds as Davis and Goadrich do (Keras' default
 * summation), not sklearn's average precision. Only the order counts. Logits (`fromLogits`) are taken as the probabilities they
 * stand for. Several columns are taken as one flat list. NaN where the truth has one class only, or a score is NaN.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, auc, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [activation({ activation: 'sigmoid' })] })
 * model.compile({ loss: 'binaryCrossentropy', metrics: [auc()] })
 * console.log((await model.evaluate([[-2], [-1], [3], [1]], [0, 0, 1, 1])).auc) // 1
 * ```
 */
export function auc(options: AucOptions = {}): Metric {
  const { name, curve } = readOptions('auc', options, {
    name: [NAME, 'auc'],
    curve: [oneOf('ROC', 'PR'), 'ROC'],
  })
  return made('auc', options, {
    name,
    start: () => ({
      count: 0,
      scores: new Float32Array(0),
      weights: new Float32Array(0),
      isTrue: new Uint8Array(0),
    }),
    add(state, batch) {
      const { rows, columns, weights } = batch
      reserve(state, state.count + rows * columns)
      const shares = sharesOf(batch)
      for (let row = 0; row < rows; row++) {
        const weight = weights?.[row] ?? 1
        if (weight === 0) continue
        for (let j = 0; j < columns; j++) {
          const at = state.count++
          state.scores[at] = shares[row * columns + j] + 0 // -0 is 0
          state.weights[at] = weight
          state.isTrue[at] = Number(isOfClass(batch, row, j))
        }
      }
    },
    result(state) {
      if (state.scores.subarray(0, state.count).some(Number.isNaN)) return NaN
      const { sum, tp, fp } = areaUnder(state, curve === 'ROC' ? trapezoid : interpolation)
      if (tp === 0 || fp === 0) return NaN
      return curve === 'ROC' ? sum / (tp * fp) : sum / tp
    },
  } satisfies Metric<Scores>)
}
