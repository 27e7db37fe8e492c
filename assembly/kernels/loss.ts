// A loss over a batch, and its gradient with respect to the prediction.
//   loss = scale / N * sum_i w_i l_i
// Prediction [rows, cols] f32; target of the same shape, or int32 [rows] class ids for the sparse kinds. Sample
// weights: one float per `rowsPerWeight` rows, or none. N is 1 without LOSS_MEAN, else the number of terms (not the
// sum of weights): rows * cols of an element loss, rows of a row loss, less the rows of the ignored class id.
// Without any row left, the loss and the gradients are 0. LOSS_IGNORE_INDEX is for the sparse kinds only.
// Sums are f64, in memory order, of JOB_SUM_COUNT ranges; then these are summed. Over threads, a part of the loss has some
// of the ranges, of the gradient any range.
// Reads up to 12 bytes past the end of the prediction and the target, writes nothing there.
import { JOB_SUM_COUNT, JOB_SUMS, LOSS_FIRST_ROW, LOSS_IGNORE_INDEX, LOSS_MEAN } from '../abi'
import { FLOAT_WORK, split } from '../parallel'
import { elementLoss, elementLossGrad } from './loss-elements'
import { COLS, FLAGS, IGNORE_INDEX, KIND, ROWS, SCALE, TARGET } from './loss-operands'
import { rowLoss, rowLossGrad } from './loss-rows'

/** Work of one element: an exponential or a logarithm. */
const TERM_WORK: f64 = 2 * FLOAT_WORK

/** scale / N; 0 if no row is left. */
function factor(q: usize): f64 {
  const rows = load<i32>(q, ROWS), flags = load<i32>(q, FLAGS)
  const scale = <f64>load<f32>(q, SCALE)
  let terms = rows
  if (load<i32>(q, KIND) < LOSS_FIRST_ROW) terms *= load<i32>(q, COLS)
  else if (flags & LOSS_IGNORE_INDEX) {
    const ids = <usize>load<u32>(q, TARGET), ignored = load<i32>(q, IGNORE_INDEX)
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
  const q = p + 4, elements = <f64>load<i32>(q, ROWS) * <f64>load<i32>(q, COLS)
  split(lossPart.index, q, JOB_SUM_COUNT, 1, TERM_WORK / JOB_SUM_COUNT * elements)
  let sum: f64 = 0
  for (let i = 0; i < JOB_SUM_COUNT; i++) sum += load<f64>(JOB_SUMS + (i << 3))
  store<f32>(load<u32>(p), <f32>(factor(q) * sum))
}

function lossPart(q: usize, first: i32, behind: i32, _: i32): void {
  const rows = load<i32>(q, ROWS), areElements = load<i32>(q, KIND) < LOSS_FIRST_ROW
  const count = areElements ? rows * load<i32>(q, COLS) : rows, unit = areElements ? 16 : 1
  const units = <u64>((count + unit - 1) / unit)
  for (let i = first, from = min(<i32>(units * i / JOB_SUM_COUNT) * unit, count); i < behind; i++) {
    const end = min(<i32>(units * (i + 1) / JOB_SUM_COUNT) * unit, count)
    let sum: f64 = 0
    if (from < end) sum = areElements ? elementLoss(q, from, end) : rowLoss(q, from, end)
    store<f64>(JOB_SUMS + (i << 3), sum)
    from = end
  }
}

/**
 * words: dpred, seed (0: one; else the address of a float that multiplies), then as `loss` from pred on.
 * dpred may equal pred.
 */
export function lossGrad(p: usize): void {
  const rows = load<i32>(p + 8, ROWS), cols = load<i32>(p + 8, COLS)
  if (load<i32>(p + 8, KIND) < LOSS_FIRST_ROW) split(lossGradPart.index, p, rows * cols, 16, TERM_WORK)
  else split(lossGradPart.index, p, rows, 1, TERM_WORK * <f64>cols)
}

function lossGradPart(p: usize, from: i32, end: i32, _: i32): void {
  const q = p + 8
  const dst = <usize>load<u32>(p), seed = <usize>load<u32>(p, 4)
  let c = factor(q)
  if (seed) c *= <f64>load<f32>(seed)
  if (load<i32>(q, KIND) < LOSS_FIRST_ROW) elementLossGrad(dst, q, c, from, end)
  else rowLossGrad(dst, q, c, from, end)
}
