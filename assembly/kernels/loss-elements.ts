// Losses whose terms are single elements (kinds below LOSS_FIRST_ROW): sum of w_i l(x_i, y_i), and its gradient.
// x, y: [rows, cols] f32, passed over as one flat array: all elements that share a sample weight lie together.
// T has the terms and their slopes, of four elements each: `value(kind, x, y, param)` and `slope(kind, x, y, param)`.
// Operands: LOSS_TERMS_* of abi.ts. Sums are f64. The gradient may overwrite the prediction.
// Float64 reference: test/reference/losses.ts
import {
  LOSS_TERMS_COLS, LOSS_TERMS_KIND, LOSS_TERMS_PARAM, LOSS_TERMS_PREDICTION, LOSS_TERMS_ROWS,
  LOSS_TERMS_ROWS_PER_WEIGHT, LOSS_TERMS_TARGET, LOSS_TERMS_WEIGHTS,
} from '../abi'
import { exp } from '../math'
import { madd } from '../lanes'
import { callLog1p } from './calls'
import { addWide, lanesBelow, storeBelow, sumWide } from './tails'

/** (1 - s) y + s / 2: label smoothing of two classes. */
@inline
export function smoothed(y: v128, s: f32): v128 {
  return madd(f32x4.sub(f32x4.splat(0.5), y), f32x4.splat(s), y)
}

/** log(1 + e^x) for x <= 0 */
function log1pExp(x: v128): v128 {
  return callLog1p(exp(x))
}

/** The number of elements that share a sample weight: all, if there are no weights. */
@inline
function elementsPerWeight(q: usize): i32 {
  const weights = load<u32>(q, LOSS_TERMS_WEIGHTS)
  const rows = weights ? load<i32>(q, LOSS_TERMS_ROWS_PER_WEIGHT) : load<i32>(q, LOSS_TERMS_ROWS)
  return rows * load<i32>(q, LOSS_TERMS_COLS)
}

/** Sum of w_i l_i, i from `first` (a multiple of 16) to `behind`. q: the operands. */
export function elementLoss<T>(q: usize, first: i32, behind: i32): f64 {
  const losses = changetype<T>(0)
  const span = elementsPerWeight(q)
  const kind = load<i32>(q, LOSS_TERMS_KIND), param = load<f32>(q, LOSS_TERMS_PARAM)
  const x = <usize>load<u32>(q, LOSS_TERMS_PREDICTION), y = <usize>load<u32>(q, LOSS_TERMS_TARGET)
  const weights = <usize>load<u32>(q, LOSS_TERMS_WEIGHTS)
  let total: f64 = 0
  for (let i = first, end = 0; i < behind; i = end) {
    const owner = weights ? i / span : 0
    end = weights ? min((owner + 1) * span, behind) : behind
    let sums = f64x2.splat(0)
    for (let j = i; j < end; j += 4) {
      const at = <usize>j << 2
      const l = losses.value(kind, v128.load(x + at), v128.load(y + at), param)
      sums = addWide(sums, v128.and(l, lanesBelow(end - j)))
    }
    const sum = sumWide(sums)
    total += weights ? sum * <f64>load<f32>(weights + (<usize>owner << 2)) : sum
  }
  return total
}

/** dst_i = c w_i dl_i/dx_i, i from `first` to `behind`. q: the operands. */
export function elementLossGrad<T>(dst: usize, q: usize, c: f64, first: i32, behind: i32): void {
  const losses = changetype<T>(0)
  const span = elementsPerWeight(q)
  const kind = load<i32>(q, LOSS_TERMS_KIND), param = load<f32>(q, LOSS_TERMS_PARAM)
  const x = <usize>load<u32>(q, LOSS_TERMS_PREDICTION), y = <usize>load<u32>(q, LOSS_TERMS_TARGET)
  const weights = <usize>load<u32>(q, LOSS_TERMS_WEIGHTS)
  for (let i = first, end = 0; i < behind; i = end) {
    const owner = weights ? i / span : 0
    end = weights ? min((owner + 1) * span, behind) : behind
    const scale = f32x4.splat(<f32>(weights ? c * <f64>load<f32>(weights + (<usize>owner << 2)) : c))
    for (let j = i; j < end; j += 4) {
      const at = <usize>j << 2
      const d = losses.slope(kind, v128.load(x + at), v128.load(y + at), param)
      storeBelow(dst + at, f32x4.mul(d, scale), end - j)
    }
  }
}

// (here, since on an exported declaration asc warns that hosts can't call it)
export { log1pExp }
