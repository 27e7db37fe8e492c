// The losses of the core, those that plain nets have: squared errors, and cross-entropies of logits.
// Float64 reference: test/reference/losses.ts
import { LOSS_BCE_LOGITS, LOSS_CCE_LOGITS, LOSS_MSE, LOSS_SPARSE_CCE_LOGITS } from '../abi'
import { atLeast } from '../lanes'
import { exp } from '../math'
import { log1pExp, smoothed } from './loss-elements'
import { slope, targets } from './loss-rows'
import { exponentials, logOfSum, maximum } from './softmax'
import { addWide, storeBelow, sumWide } from './tails'

/** Whether a kind is one of these. */
@inline
export function isPlain(kind: i32): bool {
  return kind == LOSS_MSE || kind == LOSS_BCE_LOGITS || kind == LOSS_CCE_LOGITS || kind == LOSS_SPARSE_CCE_LOGITS
}

@unmanaged
export class PlainTerms {
  /** The terms l(x, y) of four elements. */
  value(kind: i32, x: v128, y: v128, param: f32): v128 {
    if (kind == LOSS_MSE) {
      const d = f32x4.sub(x, y)
      return f32x4.mul(d, d)
    }
    // LOSS_BCE_LOGITS: max(x, 0) - x y + log1p(exp(-|x|)): no overflow
    const l = log1pExp(f32x4.neg(f32x4.abs(x)))
    return f32x4.add(f32x4.sub(atLeast(x, 0), f32x4.mul(x, smoothed(y, param))), l)
  }

  /** dl/dx of four elements. */
  slope(kind: i32, x: v128, y: v128, param: f32): v128 {
    if (kind == LOSS_MSE) { // 2 d
      const d = f32x4.sub(x, y)
      return f32x4.add(d, d)
    }
    // LOSS_BCE_LOGITS: sigmoid(x) - y
    const one = f32x4.splat(1)
    return f32x4.sub(f32x4.div(one, f32x4.add(exp(f32x4.neg(x)), one)), smoothed(y, param))
  }
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

/** Both cross-entropies of logits are one: `id` or y tells the class. */
@unmanaged
export class PlainRows {
  @inline
  row(kind: i32, dst: usize, x: usize, y: usize, id: i32, cols: i32, smoothing: f32, c: f64): f64 {
    if (!dst) return logitsLoss(x, y, id, cols, smoothing)
    logitsGrad(dst, x, y, id, cols, smoothing, c)
    return 0
  }
}
