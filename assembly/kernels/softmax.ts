// Softmax and log-softmax over the last axis; [rows, cols] f32, dense rows.
//   softmax      y_j = exp(x_j - max) / s,      s = sum_j exp(x_j - max)
//   log-softmax  y_j = x_j - max - log(s)
// Subtracting the maximum keeps exp in [0, 1]; s is summed in f64. An entry of -inf gets probability 0. A row of
// nothing but -inf, or with NaN or +inf, becomes NaN. dst may equal src, else no overlap.
// Reads up to 12 bytes past the last row, writes nothing there.
// Float64 reference: test/reference/losses.ts
import { SOFTMAX_COLS, SOFTMAX_DST, SOFTMAX_IS_LOG, SOFTMAX_ROWS, SOFTMAX_SRC } from '../abi'
import { storeTail } from '../lanes'
import { expBelow } from '../math'
import { FLOAT_WORK, split } from '../parallel'
import { callLog1p } from './calls'
import { addWide, lanesBelow, storeBelow, sumWide } from './tails'

/** Work of one float: three passes, an exponential. */
export const ROW_WORK: f64 = 4 * FLOAT_WORK

/** Maximum of `count` floats; NaN entries are passed over (the exponentials carry them on). */
export function maximum(src: usize, count: i32): f32 {
  const lowest = f32x4.splat(-Infinity)
  const end = src + (<usize>count << 2), whole = end - 12
  let m = lowest
  for (; src < whole; src += 16) m = f32x4.pmax(m, v128.load(src))
  if (src < end) m = f32x4.pmax(m, v128.bitselect(v128.load(src), lowest, lanesBelow(<i32>(end - src) >> 2)))
  m = f32x4.pmax(m, v128.shuffle<f32>(m, m, 2, 3, 2, 3))
  return f32x4.extract_lane(f32x4.pmax(m, v128.shuffle<f32>(m, m, 1, 1, 1, 1)), 0)
}

/** Sum of exp(x_j - shift) over `count` floats, shift their maximum; the terms go to dst, unless that is 0 (dst may equal src). */
export function exponentials(dst: usize, src: usize, count: i32, shift: f32): f64 {
  const c = f32x4.splat(shift)
  let sums = f64x2.splat(0)
  const end = src + (<usize>count << 2), whole = end - 12
  if (dst) {
    for (; src < whole; src += 16) {
      const e = expBelow(f32x4.sub(v128.load(src), c))
      sums = addWide(sums, e)
      v128.store(dst, e)
      dst += 16
    }
  } else for (; src < whole; src += 16) sums = addWide(sums, expBelow(f32x4.sub(v128.load(src), c)))
  if (src < end) {
    const left = <i32>(end - src) >> 2, e = expBelow(f32x4.sub(v128.load(src), c))
    sums = addWide(sums, v128.and(e, lanesBelow(left)))
    if (dst) storeTail(dst, e, left)
  }
  return sumWide(sums)
}

/** dst = src * factor, `count` floats. */
export function scale(dst: usize, src: usize, count: i32, factor: f32): void {
  const f = f32x4.splat(factor), end = src + (<usize>count << 2), whole = end - 12
  for (; src < whole; src += 16) {
    v128.store(dst, f32x4.mul(v128.load(src), f))
    dst += 16
  }
  if (src < end) storeTail(dst, f32x4.mul(v128.load(src), f), <i32>(end - src) >> 2)
}

/** log(sum) of `exponentials` shifted by the maximum: one term is 1, so log1p keeps what the others add. */
export function logOfSum(sum: f64): f32 {
  return f32x4.extract_lane(callLog1p(f32x4.splat(<f32>(sum - 1))), 0)
}

/** words: dst, src, rows, cols, isLog (0 or 1) */
export function softmax(p: usize): void {
  split(softmaxPart.index, p, load<i32>(p, SOFTMAX_ROWS), 1, ROW_WORK * <f64>load<i32>(p, SOFTMAX_COLS))
}

function softmaxPart(p: usize, start: i32, end: i32, _: i32): void {
  const cols = load<i32>(p, SOFTMAX_COLS), isLog = load<i32>(p, SOFTMAX_IS_LOG)
  const at = <usize>(start * cols) << 2
  let dst = <usize>load<u32>(p, SOFTMAX_DST) + at, src = <usize>load<u32>(p, SOFTMAX_SRC) + at
  for (let r = start; r < end; r++) {
    const max = maximum(src, cols)
    if (isLog) {
      const shift = f32x4.splat(max), l = f32x4.splat(logOfSum(exponentials(0, src, cols, max)))
      for (let j = 0; j < cols; j += 4) {
        const at = <usize>j << 2
        storeBelow(dst + at, f32x4.sub(f32x4.sub(v128.load(src + at), shift), l), cols - j)
      }
    } else {
      scale(dst, dst, cols, <f32>(1 / exponentials(dst, src, cols, max)))
    }
    dst += <usize>cols << 2
    src += <usize>cols << 2
  }
}
