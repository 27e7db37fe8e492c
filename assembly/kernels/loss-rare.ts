// The losses of module extras: all but those of loss-plain.ts. Its two functions are what the core's OP_LOSS and OP_LOSS_GRAD call
// for them, by their places in the function table (RARE_LOSS, RARE_LOSS_GRAD).
// Float64 reference: test/reference/losses.ts
import {
  LOSS_BCE, LOSS_CATEGORICAL_HINGE, LOSS_COSINE_SIMILARITY, LOSS_FIRST_ROW, LOSS_HINGE, LOSS_HUBER,
  LOSS_KL_DIVERGENCE, LOSS_LOG_COSH, LOSS_MAE, LOSS_POISSON, LOSS_SQUARED_HINGE, LOSS_TERMS_KIND,
} from '../abi'
import { atLeast, atMost, madd } from '../lanes'
import { tanh } from '../math'
import { callLog } from './calls'
import { elementLoss, elementLossGrad, log1pExp, smoothed } from './loss-elements'
import { PROBABILITY_FLOOR } from './loss-floor'
import { overRows, slope, targets } from './loss-rows'
import { addWide, lanesBelow, sign, storeBelow, sumWide } from './tails'

const LN2: f32 = 0.6931471805599453

/** Least squared norm in the cosine similarity, as in Keras. */
const SQUARED_NORM_FLOOR: f64 = 1e-12

@inline
function clamp(x: v128, low: f32, high: f32): v128 {
  return atMost(atLeast(x, low), high)
}

/** A probability within [1e-7, 1 - 1e-7]. */
@inline
function inside(p: v128): v128 {
  return clamp(p, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
}

@unmanaged
class RareTerms {
  /** The terms l(x, y) of four elements. */
  value(kind: i32, x: v128, y: v128, param: f32): v128 {
    const d = f32x4.sub(x, y), one = f32x4.splat(1)
    switch (kind) {
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
    }
    return f32x4.splat(0)
  }

  /** dl/dx of four elements; 0 at the kink of mae and of the hinges. */
  slope(kind: i32, x: v128, y: v128, param: f32): v128 {
    const d = f32x4.sub(x, y), one = f32x4.splat(1)
    switch (kind) {
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
    }
    return f32x4.splat(0)
  }
}

/** The number that a row of probabilities is divided by: its sum; 1 where that isn't positive (or NaN, which the terms tell). */
function rowSum(p: usize, cols: i32): v128 {
  let sums = f64x2.splat(0)
  for (let j = 0; j < cols; j += 4)
    sums = addWide(sums, v128.and(v128.load(p + (<usize>j << 2)), lanesBelow(cols - j)))
  const sum = <f32>sumWide(sums)
  return f32x4.splat(sum > 0 ? sum : 1)
}

/** q = p / sum p, within [floor, 1 - floor], as Keras has it. */
@inline
function shareOf(p: v128, sum: v128): v128 {
  const floor = f32x4.splat(PROBABILITY_FLOOR)
  return f32x4.min(f32x4.max(f32x4.div(p, sum), floor), f32x4.splat(1 - PROBABILITY_FLOOR))
}

/** -sum t_k log(q_k), q the row's shares; or, if `divergence`, sum t_k log(t_k / p_k), p from the floor to 1. */
function probabilityLoss(p: usize, y: usize, id: i32, cols: i32, smoothing: f32, divergence: bool): f64 {
  const floor = f32x4.splat(PROBABILITY_FLOOR), sum = divergence ? floor : rowSum(p, cols)
  let sums = f64x2.splat(0)
  for (let j = 0; j < cols; j += 4) {
    const t = targets(y, id, j, cols, smoothing), x = v128.load(p + (<usize>j << 2))
    const ratio = divergence
      ? f32x4.div(f32x4.min(f32x4.max(x, floor), f32x4.splat(1)), f32x4.max(t, floor))
      : shareOf(x, sum)
    sums = addWide(sums, v128.and(f32x4.mul(t, callLog(ratio)), lanesBelow(cols - j)))
  }
  return -sumWide(sums)
}

/**
 * c (R - t_k / q_k) / sum p, with R = sum t_k (p_k / sum p) / q_k: sum t_k unless a share is clipped. The slope of a
 * clipped one is taken as that at its bound, so that a wrong 0 can recover.
 */
function probabilityGrad(dst: usize, p: usize, y: usize, id: i32, cols: i32, smoothing: f32, c: f64): void {
  const sum = rowSum(p, cols)
  let sums = f64x2.splat(0)
  for (let j = 0; j < cols; j += 4) {
    const x = v128.load(p + (<usize>j << 2)), t = targets(y, id, j, cols, smoothing)
    const kept = f32x4.div(f32x4.div(x, sum), shareOf(x, sum))
    sums = addWide(sums, v128.and(f32x4.mul(t, kept), lanesBelow(cols - j)))
  }
  const share = f64x2.splat(sumWide(sums)), one = f64x2.splat(1)
  const scale = f64x2.splat(c / <f64>f32x4.extract_lane(sum, 0))
  for (let j = 0; j < cols; j += 4) {
    const at = <usize>j << 2
    const q = shareOf(v128.load(p + at), sum), t = targets(y, id, j, cols, smoothing)
    // (q_k R - t_k) / q_k, the difference in f64: at the class of a confident row it would cancel in f32
    const low = slope(q, t, share, one, scale)
    const high = slope(v128.shuffle<i64>(q, q, 1, 1), v128.shuffle<i64>(t, t, 1, 1), share, one, scale)
    storeBelow(dst + at, f32x4.div(v128.shuffle<i64>(low, high, 0, 2), q), cols - j)
  }
}

/** -c t_k / p_k, 0 where p_k is above 1 */
function divergenceGrad(dst: usize, p: usize, y: usize, cols: i32, c: f64): void {
  const floor = f32x4.splat(PROBABILITY_FLOOR), scale = f32x4.splat(<f32>-c), one = f32x4.splat(1)
  for (let j = 0; j < cols; j += 4) {
    const at = <usize>j << 2, x = v128.load(p + at)
    const d = f32x4.div(targets(y, 0, j, cols, 0), f32x4.max(x, floor))
    storeBelow(dst + at, v128.andnot(f32x4.mul(d, scale), f32x4.gt(x, one)), cols - j)
  }
}

/**
 * max(0, 1 + max_k (1 - y_k) x_k - sum_k y_k x_k).
 * If dst is not 0, the gradient goes there: c ((1 - y_k) at the first maximum - y_k), or 0 where the loss is 0.
 */
function categoricalHinge(dst: usize, x: usize, y: usize, cols: i32, c: f64): f64 {
  let most: f64 = -Infinity, sum: f64 = 0
  let first: usize = 0
  const end = <usize>cols << 2
  for (let at: usize = 0; at < end; at += 4) {
    const t = <f64>load<f32>(y + at), v = <f64>load<f32>(x + at)
    const rival = (1 - t) * v
    sum += t * v
    if (rival > most) {
      most = rival
      first = at
    }
  }
  const l = max<f64>(0, 1 + most - sum)
  if (dst) {
    const scale = l > 0 ? c : 0
    for (let at: usize = 0; at < end; at += 4) {
      const t = <f64>load<f32>(y + at)
      store<f32>(dst + at, <f32>(scale * ((at == first ? 1 - t : 0) - t)))
    }
  }
  return l
}

/**
 * 1 - y.x / (|y| |x|), norms of at least 1e-6.
 * If dst is not 0, the gradient goes there: -c (y_k / (|y| |x|) - x_k (y.x) / (|y| |x|^3)).
 */
function cosineSimilarity(dst: usize, x: usize, y: usize, cols: i32, c: f64): f64 {
  let xx: f64 = 0, xy: f64 = 0, yy: f64 = 0
  const end = <usize>cols << 2
  for (let at: usize = 0; at < end; at += 4) {
    const v = <f64>load<f32>(x + at), t = <f64>load<f32>(y + at)
    xx += v * v
    xy += v * t
    yy += t * t
  }
  xx = max(xx, SQUARED_NORM_FLOOR)
  const inverse = 1 / sqrt(xx * max(yy, SQUARED_NORM_FLOOR))
  const cosine = xy * inverse
  if (dst) {
    for (let at: usize = 0; at < end; at += 4) {
      const d = (<f64>load<f32>(x + at) * cosine) / xx - <f64>load<f32>(y + at) * inverse
      store<f32>(dst + at, <f32>(c * d))
    }
  }
  return 1 - cosine
}

@unmanaged
class RareRows {
  row(kind: i32, dst: usize, x: usize, y: usize, id: i32, cols: i32, smoothing: f32, c: f64): f64 {
    if (kind == LOSS_CATEGORICAL_HINGE) return categoricalHinge(dst, x, y, cols, c)
    if (kind == LOSS_COSINE_SIMILARITY) return cosineSimilarity(dst, x, y, cols, c)
    const divergence = kind == LOSS_KL_DIVERGENCE
    if (!dst) return probabilityLoss(x, y, id, cols, divergence ? 0 : smoothing, divergence)
    if (divergence) divergenceGrad(dst, x, y, cols, c)
    else probabilityGrad(dst, x, y, id, cols, smoothing, c)
    return 0
  }
}

/** Sum of w l over the elements or rows from `from` to `end`. q: the operands. */
export function rareLoss(q: usize, from: i32, end: i32): f64 {
  if (load<i32>(q, LOSS_TERMS_KIND) < LOSS_FIRST_ROW) return elementLoss<RareTerms>(q, from, end)
  return overRows<RareRows>(0, q, 0, from, end)
}

/** The gradient of c times that sum, into dst [rows, cols]. */
export function rareLossGrad(dst: usize, q: usize, c: f64, from: i32, end: i32): void {
  if (load<i32>(q, LOSS_TERMS_KIND) < LOSS_FIRST_ROW) elementLossGrad<RareTerms>(dst, q, c, from, end)
  else overRows<RareRows>(dst, q, c, from, end)
}
