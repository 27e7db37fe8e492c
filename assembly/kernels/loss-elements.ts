// Losses whose terms are single elements (kinds below LOSS_FIRST_ROW): sum of w_i l(x_i, y_i), and its gradient.
// x, y: [rows, cols] f32, passed over as one flat array: all elements that share a sample weight lie together.
// Operands: LOSS_TERMS_* of abi.ts. Sums are f64. The gradient may overwrite the prediction.
// Float64 reference: test/reference/losses.ts
import {
  LOSS_BCE, LOSS_BCE_LOGITS, LOSS_HINGE, LOSS_HUBER, LOSS_LOG_COSH, LOSS_MAE, LOSS_MSE, LOSS_POISSON,
  LOSS_SQUARED_HINGE, LOSS_TERMS_COLS, LOSS_TERMS_KIND, LOSS_TERMS_PARAM, LOSS_TERMS_PREDICTION, LOSS_TERMS_ROWS,
  LOSS_TERMS_ROWS_PER_WEIGHT, LOSS_TERMS_TARGET, LOSS_TERMS_WEIGHTS,
} from '../abi'
import { atLeast, atMost, madd } from '../lanes'
import { exp, tanh } from '../math'
import { callLog, callLog1p } from './calls'
import { PROBABILITY_FLOOR } from './loss-floor'
import { addWide, lanesBelow, sign, storeBelow, sumWide } from './tails'

const LN2: f32 = 0.6931471805599453

@inline
function clamp(x: v128, low: f32, high: f32): v128 {
  return atMost(atLeast(x, low), high)
}

/** A probability within [1e-7, 1 - 1e-7]. */
@inline
function inside(p: v128): v128 {
  return clamp(p, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
}

/** (1 - s) y + s / 2: label smoothing of two classes. */
@inline
function smoothed(y: v128, s: f32): v128 {
  return madd(f32x4.sub(f32x4.splat(0.5), y), f32x4.splat(s), y)
}

/** log(1 + e^x) for x <= 0 */
function log1pExp(x: v128): v128 {
  return callLog1p(exp(x))
}

/** The terms l(x, y) of four elements. */
function terms(kind: i32, x: v128, y: v128, param: f32): v128 {
  const d = f32x4.sub(x, y), one = f32x4.splat(1)
  switch (kind) {
    case LOSS_MSE:
      return f32x4.mul(d, d)
    case LOSS_MAE:
      return f32x4.abs(d)
    case LOSS_HUBER: {
      // d^2 / 2 up to delta, delta (|d| - delta / 2) beyond: both are c (d - c / 2) with c = d clamped to +-delta
      const c = clamp(d, -param, param)
      return f32x4.mul(c, f32x4.sub(d, f32x4.mul(c, f32x4.splat(0.5))))
    }
    case LOSS_LOG_COSH: {
      // |d| + log1p(exp(-2|d|)) - ln 2; near 0, where that cancels, its series (relative error 7e-8 at 1/4)
      const a = f32x4.abs(d), z = f32x4.mul(d, d)
      let series = madd(z, f32x4.splat(-17.0 / 2520), f32x4.splat(1.0 / 45))
      series = madd(z, series, f32x4.splat(-1.0 / 12))
      series = madd(z, series, f32x4.splat(0.5))
      const far = f32x4.add(f32x4.sub(a, f32x4.splat(LN2)), log1pExp(f32x4.mul(a, f32x4.splat(-2))))
      return v128.bitselect(f32x4.mul(z, series), far, f32x4.lt(a, f32x4.splat(0.25)))
    }
    case LOSS_POISSON:
      return f32x4.sub(x, f32x4.mul(y, callLog(atLeast(x, PROBABILITY_FLOOR))))
    case LOSS_HINGE:
      return atLeast(f32x4.sub(one, f32x4.mul(y, x)), 0)
    case LOSS_SQUARED_HINGE: {
      const m = atLeast(f32x4.sub(one, f32x4.mul(y, x)), 0)
      return f32x4.mul(m, m)
    }
    case LOSS_BCE: {
      // -(y log p + (1 - y) log(1 - p))
      const p = inside(x), t = smoothed(y, param), hit = f32x4.mul(t, callLog(p))
      return f32x4.neg(f32x4.add(hit, f32x4.mul(f32x4.sub(one, t), callLog(f32x4.sub(one, p)))))
    }
    case LOSS_BCE_LOGITS: {
      // max(x, 0) - x y + log1p(exp(-|x|)): no overflow
      const l = log1pExp(f32x4.neg(f32x4.abs(x)))
      return f32x4.add(f32x4.sub(atLeast(x, 0), f32x4.mul(x, smoothed(y, param))), l)
    }
  }
  return f32x4.splat(0)
}

/** dl/dx of four elements; 0 at the kink of mae and of the hinges. */
function slopes(kind: i32, x: v128, y: v128, param: f32): v128 {
  const d = f32x4.sub(x, y), one = f32x4.splat(1)
  switch (kind) {
    case LOSS_MSE: // 2 d
      return f32x4.add(d, d)
    case LOSS_MAE:
      return sign(d)
    case LOSS_HUBER:
      return clamp(d, -param, param)
    case LOSS_LOG_COSH:
      return tanh(d)
    case LOSS_POISSON: // 1 - y / x
      return f32x4.sub(one, f32x4.div(y, atLeast(x, PROBABILITY_FLOOR)))
    case LOSS_HINGE: // -y inside the margin
      return v128.and(f32x4.neg(y), f32x4.lt(f32x4.mul(y, x), one))
    case LOSS_SQUARED_HINGE: // -2 y max(0, 1 - y x)
      return f32x4.mul(f32x4.mul(y, f32x4.splat(-2)), atLeast(f32x4.sub(one, f32x4.mul(y, x)), 0))
    case LOSS_BCE: {
      // (p - y) / (p (1 - p)), finite since p is kept inside
      const p = inside(x)
      return f32x4.div(f32x4.sub(p, smoothed(y, param)), f32x4.mul(p, f32x4.sub(one, p)))
    }
    case LOSS_BCE_LOGITS: // sigmoid(x) - y
      return f32x4.sub(f32x4.div(one, f32x4.add(exp(f32x4.neg(x)), one)), smoothed(y, param))
  }
  return f32x4.splat(0)
}

/** The number of elements that share a sample weight: all, if there are no weights. */
@inline
function elementsPerWeight(q: usize): i32 {
  const weights = load<u32>(q, LOSS_TERMS_WEIGHTS)
  const rows = weights ? load<i32>(q, LOSS_TERMS_ROWS_PER_WEIGHT) : load<i32>(q, LOSS_TERMS_ROWS)
  return rows * load<i32>(q, LOSS_TERMS_COLS)
}

/** Sum of w_i l_i, i from `first` (a multiple of 16) to `behind`. q: the operands. */
export function elementLoss(q: usize, first: i32, behind: i32): f64 {
  const span = elementsPerWeight(q)
  const kind = load<i32>(q, LOSS_TERMS_KIND), param = load<f32>(q, LOSS_TERMS_PARAM)
  const x = <usize>load<u32>(q, LOSS_TERMS_PREDICTION), y = <usize>load<u32>(q, LOSS_TERMS_TARGET)
  const weights = <usize>load<u32>(q, LOSS_TERMS_WEIGHTS)
  let total: f64 = 0
  for (let i = first, end = 0; i < behind; i = end) {
    const owner = i / span
    end = min((owner + 1) * span, behind)
    let sums = f64x2.splat(0)
    for (let j = i; j < end; j += 4) {
      const at = <usize>j << 2
      const l = terms(kind, v128.load(x + at), v128.load(y + at), param)
      sums = addWide(sums, v128.and(l, lanesBelow(end - j)))
    }
    const sum = sumWide(sums)
    total += weights ? sum * <f64>load<f32>(weights + (<usize>owner << 2)) : sum
  }
  return total
}

/** dst_i = c w_i dl_i/dx_i, i from `first` to `behind`. q: the operands. */
export function elementLossGrad(dst: usize, q: usize, c: f64, first: i32, behind: i32): void {
  const span = elementsPerWeight(q)
  const kind = load<i32>(q, LOSS_TERMS_KIND), param = load<f32>(q, LOSS_TERMS_PARAM)
  const x = <usize>load<u32>(q, LOSS_TERMS_PREDICTION), y = <usize>load<u32>(q, LOSS_TERMS_TARGET)
  const weights = <usize>load<u32>(q, LOSS_TERMS_WEIGHTS)
  for (let i = first, end = 0; i < behind; i = end) {
    const owner = i / span
    end = min((owner + 1) * span, behind)
    const scale = f32x4.splat(<f32>(weights ? c * <f64>load<f32>(weights + (<usize>owner << 2)) : c))
    for (let j = i; j < end; j += 4) {
      const at = <usize>j << 2
      const d = slopes(kind, v128.load(x + at), v128.load(y + at), param)
      storeBelow(dst + at, f32x4.mul(d, scale), end - j)
    }
  }
}
