// Losses whose terms are rows (kinds from LOSS_FIRST_ROW on): sum of w_r l_r, and its gradient.
// Prediction x [rows, cols] f32. Target: y [rows, cols] f32, or class ids int32 [rows], read as one-hot rows (an id
// outside 0...cols-1 is no class: nothing is read out of bounds, the row counts 0). With label smoothing s the
// target of the cross-entropies is t_k = (1 - s) y_k + s / cols.
// Operands: LOSS_TERMS_* of abi.ts. Sums are f64. The gradient may overwrite the prediction.
// Float64 reference: test/reference/losses.ts
import {
  LOSS_CATEGORICAL_HINGE, LOSS_CCE_LOGITS, LOSS_COSINE_SIMILARITY, LOSS_IGNORE_INDEX, LOSS_KL_DIVERGENCE,
  LOSS_SPARSE_CCE, LOSS_SPARSE_CCE_LOGITS, LOSS_TERMS_COLS, LOSS_TERMS_FLAGS, LOSS_TERMS_IGNORE_INDEX, LOSS_TERMS_KIND,
  LOSS_TERMS_PARAM, LOSS_TERMS_PREDICTION, LOSS_TERMS_ROWS_PER_WEIGHT, LOSS_TERMS_TARGET, LOSS_TERMS_WEIGHTS,
} from '../abi'
import { callLog } from './calls'
import { PROBABILITY_FLOOR } from './loss-floor'
import { exponentials, logOfSum, maximum } from './softmax'
import { addWide, lanesBelow, storeBelow, sumWide } from './tails'

/** Least squared norm in the cosine similarity, as in Keras. */
const SQUARED_NORM_FLOOR: f64 = 1e-12

/** t_j ... t_j+3 of a row; 0 beyond its end. y: the row of the target, 0 if `id` tells the class. */
function targets(y: usize, id: i32, j: i32, cols: i32, smoothing: f32): v128 {
  const hit = v128.and(i32x4.eq(i32x4.splat(id - j), i32x4(0, 1, 2, 3)), f32x4.splat(1))
  const t = y ? v128.load(y + (<usize>j << 2)) : hit
  const smooth = f32x4.add(f32x4.mul(t, f32x4.splat(1 - smoothing)), f32x4.splat(smoothing / <f32>cols))
  return v128.and(smooth, lanesBelow(cols - j))
}

/** -sum t_k (x_k - logsumexp(x)) = log(sum exp(x_k - max)) sum t_k - sum t_k (x_k - max) */
function logitsLoss(x: usize, y: usize, id: i32, cols: i32, smoothing: f32): f64 {
  const max = maximum(x, cols), shift = f32x4.splat(max)
  let sums = f64x2.splat(0), products = sums
  for (let j = 0; j < cols; j += 4) {
    const t = targets(y, id, j, cols, smoothing)
    const z = f32x4.sub(v128.load(x + (<usize>j << 2)), shift)
    sums = addWide(sums, t)
    // no 0 * -inf: a logit of -inf where the target is 0 costs nothing
    products = addWide(products, v128.and(f32x4.mul(t, z), f32x4.ne(t, f32x4.splat(0))))
  }
  return <f64>logOfSum(exponentials(0, x, cols, max)) * sumWide(sums) - sumWide(products)
}

/** c (softmax(x)_k sum_j t_j - t_k) */
function logitsGrad(dst: usize, x: usize, y: usize, id: i32, cols: i32, smoothing: f32, c: f64): void {
  let sums = f64x2.splat(0)
  for (let j = 0; j < cols; j += 4) sums = addWide(sums, targets(y, id, j, cols, smoothing))
  const sum = exponentials(dst, x, cols, maximum(x, cols))
  // (e_k sum t - t_k sum e) c / sum e in f64: at the class of a confident row, p - 1 would cancel in f32
  const share = f64x2.splat(sumWide(sums)), whole = f64x2.splat(sum), scale = f64x2.splat(c / sum)
  for (let j = 0; j < cols; j += 4) {
    const at = dst + (<usize>j << 2)
    const e = v128.load(at), t = targets(y, id, j, cols, smoothing)
    const low = slope(e, t, share, whole, scale)
    const high = slope(v128.shuffle<i64>(e, e, 1, 1), v128.shuffle<i64>(t, t, 1, 1), share, whole, scale)
    storeBelow(at, v128.shuffle<i64>(low, high, 0, 2), cols - j)
  }
}

/** (e share - t whole) scale of the two lower lanes, as the two lower lanes. */
@inline
function slope(e: v128, t: v128, share: v128, whole: v128, scale: v128): v128 {
  const p = f64x2.mul(f64x2.promote_low_f32x4(e), share), q = f64x2.mul(f64x2.promote_low_f32x4(t), whole)
  return f32x4.demote_f64x2_zero(f64x2.mul(f64x2.sub(p, q), scale))
}

/** What a row of probabilities is divided by: its sum; 1 where that isn't positive (or NaN, which the terms tell). */
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

/** Sum of w_r l_r over rows `from` to `end`. q: the operands. */
export function rowLoss(q: usize, from: i32, end: i32): f64 {
  return overRows(0, q, 0, from, end)
}

/**
 * Gradient of c * sum of w_r l_r into rows `from` to `end` of dst [rows, cols]; rows of the ignored class id become 0.
 * q: the operands.
 */
export function rowLossGrad(dst: usize, q: usize, c: f64, from: i32, end: i32): void {
  overRows(dst, q, c, from, end)
}

/** dst 0: returns the sum of w_r l_r. Else writes its gradient times c; the result means nothing. */
function overRows(dst: usize, q: usize, c: f64, from: i32, end: i32): f64 {
  const kind = load<i32>(q, LOSS_TERMS_KIND), cols = load<i32>(q, LOSS_TERMS_COLS)
  const rowsPerWeight = load<i32>(q, LOSS_TERMS_ROWS_PER_WEIGHT), weights = <usize>load<u32>(q, LOSS_TERMS_WEIGHTS)
  const ignores = (load<i32>(q, LOSS_TERMS_FLAGS) & LOSS_IGNORE_INDEX) != 0, ignored = load<i32>(q, LOSS_TERMS_IGNORE_INDEX)
  const sparse = kind == LOSS_SPARSE_CCE || kind == LOSS_SPARSE_CCE_LOGITS
  const logits = kind == LOSS_CCE_LOGITS || kind == LOSS_SPARSE_CCE_LOGITS
  const divergence = kind == LOSS_KL_DIVERGENCE
  const smoothing: f32 = divergence ? 0 : load<f32>(q, LOSS_TERMS_PARAM)
  const rowBytes = <usize>cols << 2
  const target = <usize>load<u32>(q, LOSS_TERMS_TARGET)
  const at = <usize>from * rowBytes
  let x = <usize>load<u32>(q, LOSS_TERMS_PREDICTION) + at, total: f64 = 0
  if (dst) dst += at
  for (let r = from; r < end; r++) {
    const id = sparse ? load<i32>(target + (<usize>r << 2)) : 0
    const y: usize = sparse ? 0 : target + <usize>r * rowBytes
    if (ignores && id == ignored) {
      if (dst) for (let at: usize = 0; at < rowBytes; at += 4) store<f32>(dst + at, 0)
    } else {
      const w = weights ? <f64>load<f32>(weights + (<usize>(r / rowsPerWeight) << 2)) : 1
      const cw = c * w
      let l: f64 = 0
      if (kind == LOSS_CATEGORICAL_HINGE) l = categoricalHinge(dst, x, y, cols, cw)
      else if (kind == LOSS_COSINE_SIMILARITY) l = cosineSimilarity(dst, x, y, cols, cw)
      else if (dst) {
        if (logits) logitsGrad(dst, x, y, id, cols, smoothing, cw)
        else if (divergence) divergenceGrad(dst, x, y, cols, cw)
        else probabilityGrad(dst, x, y, id, cols, smoothing, cw)
      } else if (logits) l = logitsLoss(x, y, id, cols, smoothing)
      else l = probabilityLoss(x, y, id, cols, smoothing, divergence)
      total += w * l
    }
    x += rowBytes
    if (dst) dst += rowBytes
  }
  return total
}
