// Losses whose terms are rows (kinds from LOSS_FIRST_ROW on): sum of w_r l_r, and its gradient.
// Prediction x [rows, cols] f32. Target: y [rows, cols] f32, or class ids int32 [rows], read as one-hot rows (an id
// outside 0...cols-1 names no class: the row counts 0 and nothing is read out of bounds). With label smoothing s the
// target of the cross-entropies is t_k = (1 - s) y_k + s / cols.
// T has the loss of a row: `row(kind, dst, x, y, id, cols, smoothing, c)` returns it if dst is 0, else writes c times its gradient.
// Operands: LOSS_TERMS_* of abi.ts. Sums are f64. The gradient may overwrite the prediction.
// Float64 reference: test/reference/losses.ts
import {
  LOSS_IGNORE_INDEX, LOSS_SPARSE_CCE, LOSS_SPARSE_CCE_LOGITS, LOSS_TERMS_COLS, LOSS_TERMS_FLAGS, LOSS_TERMS_IGNORE_INDEX,
  LOSS_TERMS_KIND, LOSS_TERMS_PARAM, LOSS_TERMS_PREDICTION, LOSS_TERMS_ROWS_PER_WEIGHT, LOSS_TERMS_TARGET,
  LOSS_TERMS_WEIGHTS,
} from '../abi'
import { lanesBelow } from './tails'

/** t_j ... t_j+3 of a row; 0 beyond its end. y: the row of the target, 0 if `id` tells the class. */
export function targets(y: usize, id: i32, j: i32, cols: i32, smoothing: f32): v128 {
  const hit = v128.and(i32x4.eq(i32x4.splat(id - j), i32x4(0, 1, 2, 3)), f32x4.splat(1))
  const t = y ? v128.load(y + (<usize>j << 2)) : hit
  const smooth = f32x4.add(f32x4.mul(t, f32x4.splat(1 - smoothing)), f32x4.splat(smoothing / <f32>cols))
  return v128.and(smooth, lanesBelow(cols - j))
}

/** (e share - t whole) scale of the two lower lanes, as the two lower lanes. */
@inline
export function slope(e: v128, t: v128, share: v128, whole: v128, scale: v128): v128 {
  const p = f64x2.mul(f64x2.promote_low_f32x4(e), share), q = f64x2.mul(f64x2.promote_low_f32x4(t), whole)
  return f32x4.demote_f64x2_zero(f64x2.mul(f64x2.sub(p, q), scale))
}

/**
 * Rows `from` to `end`. dst 0: returns the sum of w_r l_r. Else writes the gradient of c * that sum into dst [rows, cols] (rows of
 * the ignored class id become 0); the result means nothing. q: the operands.
 */
export function overRows<T>(dst: usize, q: usize, c: f64, from: i32, end: i32): f64 {
  const losses = changetype<T>(0)
  const kind = load<i32>(q, LOSS_TERMS_KIND), cols = load<i32>(q, LOSS_TERMS_COLS)
  const rowsPerWeight = load<i32>(q, LOSS_TERMS_ROWS_PER_WEIGHT), weights = <usize>load<u32>(q, LOSS_TERMS_WEIGHTS)
  const ignores = (load<i32>(q, LOSS_TERMS_FLAGS) & LOSS_IGNORE_INDEX) != 0, ignored = load<i32>(q, LOSS_TERMS_IGNORE_INDEX)
  const sparse = kind == LOSS_SPARSE_CCE || kind == LOSS_SPARSE_CCE_LOGITS
  const smoothing = load<f32>(q, LOSS_TERMS_PARAM)
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
      const l = losses.row(kind, dst, x, y, id, cols, smoothing, cw)
      total += w * l
    }
    x += rowBytes
    if (dst) dst += rowBytes
  }
  return total
}
