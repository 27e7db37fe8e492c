// A loss over a batch, and its gradient with respect to the prediction.
//   loss = scale / N * sum_i w_i l_i
// Prediction [rows, cols] f32; target of the same shape, or int32 [rows] class ids for the sparse kinds. Sample
// weights: one float per `rowsPerWeight` rows, or none. N is 1 without LOSS_MEAN, else the number of terms (not the
// sum of weights): rows * cols of an element loss, rows of a row loss, less the rows of the ignored class id.
// Without any row left, the loss and the gradients are 0. LOSS_IGNORE_INDEX is for the sparse kinds only.
// Sums are f64, in memory order, of JOB_SUM_COUNT ranges; then these are summed. Over threads, a part of the loss has some
// of the ranges, of the gradient any range. Losses that plain nets don't have lie in module extras (loss-rare.ts).
// Reads up to 12 bytes past the end of the prediction and the target, writes nothing there.
// Float64 reference: test/reference/losses.ts
import {
  JOB_SUMS, JOB_SUM_COUNT, LOSS_DST, LOSS_FIRST_ROW, LOSS_GRAD_DST, LOSS_GRAD_SEED, LOSS_GRAD_TERMS, LOSS_IGNORE_INDEX,
  LOSS_MEAN, LOSS_TERMS, LOSS_TERMS_COLS, LOSS_TERMS_FLAGS, LOSS_TERMS_IGNORE_INDEX, LOSS_TERMS_KIND, LOSS_TERMS_ROWS,
  LOSS_TERMS_SCALE, LOSS_TERMS_TARGET, RARE_LOSS, RARE_LOSS_GRAD,
} from '../abi'
import { FLOAT_WORK, partStart, pays, split } from '../parallel'
import { elementLoss, elementLossGrad } from './loss-elements'
import { isPlain, PlainRows, PlainTerms } from './loss-plain'
import { overRows } from './loss-rows'

/** Work of one element: an exponential or a logarithm. */
const TERM_WORK: f64 = 2 * FLOAT_WORK

/** scale / N; 0 if no row is left. */
function factor(q: usize): f64 {
  const rows = load<i32>(q, LOSS_TERMS_ROWS), flags = load<i32>(q, LOSS_TERMS_FLAGS)
  const scale = <f64>load<f32>(q, LOSS_TERMS_SCALE)
  let terms = rows
  if (areElements(q)) terms *= load<i32>(q, LOSS_TERMS_COLS)
  else if (flags & LOSS_IGNORE_INDEX) {
    const ids = <usize>load<u32>(q, LOSS_TERMS_TARGET), ignored = load<i32>(q, LOSS_TERMS_IGNORE_INDEX)
    for (let r = 0; r < rows; r++) terms -= i32(load<i32>(ids + (<usize>r << 2)) == ignored)
  }
  if (!terms) return 0
  return flags & LOSS_MEAN ? scale / <f64>terms : scale
}

/**
 * words: dst, pred, target, weights (0: none), rows, cols, rowsPerWeight, kind, flags, param (f32), scale (f32),
 * ignoreIndex
 */
export function loss(p: usize): void {
  const q = p + LOSS_TERMS, count = countOf(q), unit = unitOf(q)
  let sum: f64 = 0
  if (count <= unit * JOB_SUM_COUNT) { // then a range is a unit, if not empty
    for (let from = 0; from < count; from += unit) sum += rangeLoss(q, from, min(from + unit, count))
  } else {
    const work = TERM_WORK / JOB_SUM_COUNT * <f64>load<i32>(q, LOSS_TERMS_ROWS) * <f64>load<i32>(q, LOSS_TERMS_COLS)
    split(lossPart.index, q, JOB_SUM_COUNT, 1, work)
    for (let i = 0; i < JOB_SUM_COUNT; i++) sum += load<f64>(JOB_SUMS + (i << 3))
  }
  store<f32>(load<u32>(p, LOSS_DST), <f32>(factor(q) * sum))
}

@inline
function areElements(q: usize): bool {
  return load<i32>(q, LOSS_TERMS_KIND) < LOSS_FIRST_ROW
}

/** The unit of ranges, elements or rows, and the number of units of which a range is a multiple. */
@inline
function countOf(q: usize): i32 {
  return areElements(q) ? load<i32>(q, LOSS_TERMS_ROWS) * load<i32>(q, LOSS_TERMS_COLS) : load<i32>(q, LOSS_TERMS_ROWS)
}

@inline
function unitOf(q: usize): i32 {
  return areElements(q) ? 16 : 1
}

function rangeLoss(q: usize, from: i32, end: i32): f64 {
  if (!isPlain(load<i32>(q, LOSS_TERMS_KIND))) return call_indirect<f64>(RARE_LOSS, q, from, end)
  return areElements(q) ? elementLoss<PlainTerms>(q, from, end) : overRows<PlainRows>(0, q, 0, from, end)
}

function lossPart(q: usize, first: i32, behind: i32, _: i32): void {
  const count = countOf(q), unit = unitOf(q)
  for (let i = first; i < behind; i++) {
    const from = partStart(count, unit, i, JOB_SUM_COUNT), end = partStart(count, unit, i + 1, JOB_SUM_COUNT)
    store<f64>(JOB_SUMS + (i << 3), rangeLoss(q, from, end))
  }
}

/**
 * words: dpred, seed (0: one; else the address of a float that multiplies), then as `loss` from pred on.
 * dpred may equal pred.
 */
export function lossGrad(p: usize): void {
  const q = p + LOSS_GRAD_TERMS, count = countOf(q), unit = unitOf(q)
  const work = unit > 1 ? TERM_WORK : TERM_WORK * <f64>load<i32>(q, LOSS_TERMS_COLS)
  if (pays(work * <f64>count)) split(lossGradPart.index, p, count, unit, work)
  else lossGradPart(p, 0, count, 0)
}

function lossGradPart(p: usize, from: i32, end: i32, _: i32): void {
  const q = p + LOSS_GRAD_TERMS
  const dst = <usize>load<u32>(p, LOSS_GRAD_DST), seed = <usize>load<u32>(p, LOSS_GRAD_SEED)
  let c = factor(q)
  if (seed) c *= <f64>load<f32>(seed)
  if (!isPlain(load<i32>(q, LOSS_TERMS_KIND))) call_indirect<void>(RARE_LOSS_GRAD, dst, q, c, from, end)
  else if (areElements(q)) call_indirect<void>(elementsGrad.index, dst, q, c, from, end)
  else overRows<PlainRows>(dst, q, c, from, end)
}

/** A function of its own, called through the table lest it be inlined: a core for nets with other losses leaves it out. */
function elementsGrad(dst: usize, q: usize, c: f64, from: i32, end: i32): void {
  elementLossGrad<PlainTerms>(dst, q, c, from, end)
}
