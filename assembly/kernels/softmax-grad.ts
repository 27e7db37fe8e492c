// The gradients of softmax and log-softmax over the last axis; [rows, cols] f32, dense rows. dx may equal dy, else no overlap.
// Reads up to 12 bytes past the last row, writes nothing there.
// Float64 reference: test/reference/losses.ts
import {
  SOFTMAX_GRAD_COLS, SOFTMAX_GRAD_DX, SOFTMAX_GRAD_DY, SOFTMAX_GRAD_IS_LOG, SOFTMAX_GRAD_ROWS, SOFTMAX_GRAD_Y,
} from '../abi'
import { storeTail } from '../lanes'
import { exp } from '../math'
import { split } from '../parallel'
import { ROW_WORK } from './softmax'
import { addWide, lanesBelow, sumWide } from './tails'

/**
 * words: dx, dy, y, rows, cols, isLog (0 or 1)
 *   softmax      dx_j = y_j (dy_j - sum_k dy_k y_k)
 *   log-softmax  dx_j = dy_j - exp(y_j) sum_k dy_k
 */
export function softmaxGrad(p: usize): void {
  split(softmaxGradPart.index, p, load<i32>(p, SOFTMAX_GRAD_ROWS), 1, ROW_WORK * <f64>load<i32>(p, SOFTMAX_GRAD_COLS))
}

@inline
function termOf(dy: usize, y: usize, isLog: i32): v128 {
  return isLog ? v128.load(dy) : f32x4.mul(v128.load(dy), v128.load(y))
}

@inline
function slopeOf(dy: usize, y: usize, sum: v128, isLog: i32): v128 {
  const g = v128.load(dy), o = v128.load(y)
  return isLog ? f32x4.sub(g, f32x4.mul(exp(o), sum)) : f32x4.mul(o, f32x4.sub(g, sum))
}

function softmaxGradPart(p: usize, start: i32, end: i32, _: i32): void {
  const cols = load<i32>(p, SOFTMAX_GRAD_COLS), isLog = load<i32>(p, SOFTMAX_GRAD_IS_LOG)
  const from = <usize>(start * cols) << 2, left = cols & 3, whole = <usize>(cols - left) << 2
  let dx = <usize>load<u32>(p, SOFTMAX_GRAD_DX) + from, dy = <usize>load<u32>(p, SOFTMAX_GRAD_DY) + from
  let y = <usize>load<u32>(p, SOFTMAX_GRAD_Y) + from
  for (let r = start; r < end; r++) {
    let sums = f64x2.splat(0), at: usize = 0
    for (; at < whole; at += 16) sums = addWide(sums, termOf(dy + at, y + at, isLog))
    if (left) sums = addWide(sums, v128.and(termOf(dy + at, y + at, isLog), lanesBelow(left)))
    const sum = f32x4.splat(<f32>sumWide(sums))
    for (at = 0; at < whole; at += 16) v128.store(dx + at, slopeOf(dy + at, y + at, sum, isLog))
    if (left) storeTail(dx + at, slopeOf(dy + at, y + at, sum, isLog), left)
    dx += <usize>cols << 2
    dy += <usize>cols << 2
    y += <usize>cols << 2
  }
}
