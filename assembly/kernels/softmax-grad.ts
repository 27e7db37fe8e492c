// The gradients of softmax and log-softmax over the last axis; [rows, cols] f32, dense rows. dx may equal dy, else no overlap.
// Reads up to 12 bytes past the last row, writes nothing there.
// Float64 reference: test/reference/losses.ts
import {
  SOFTMAX_GRAD_COLS, SOFTMAX_GRAD_DX, SOFTMAX_GRAD_DY, SOFTMAX_GRAD_IS_LOG, SOFTMAX_GRAD_ROWS, SOFTMAX_GRAD_Y,
} from '../abi'
import { exp } from '../math'
import { split } from '../parallel'
import { ROW_WORK } from './softmax'
import { addWide, lanesBelow, storeBelow, sumWide } from './tails'

/**
 * words: dx, dy, y, rows, cols, isLog (0 or 1)
 *   softmax      dx_j = y_j (dy_j - sum_k dy_k y_k)
 *   log-softmax  dx_j = dy_j - exp(y_j) sum_k dy_k
 */
export function softmaxGrad(p: usize): void {
  split(softmaxGradPart.index, p, load<i32>(p, SOFTMAX_GRAD_ROWS), 1, ROW_WORK * <f64>load<i32>(p, SOFTMAX_GRAD_COLS))
}

function softmaxGradPart(p: usize, start: i32, end: i32, _: i32): void {
  const cols = load<i32>(p, SOFTMAX_GRAD_COLS), isLog = load<i32>(p, SOFTMAX_GRAD_IS_LOG)
  const at = <usize>(start * cols) << 2
  let dx = <usize>load<u32>(p, SOFTMAX_GRAD_DX) + at, dy = <usize>load<u32>(p, SOFTMAX_GRAD_DY) + at
  let y = <usize>load<u32>(p, SOFTMAX_GRAD_Y) + at
  for (let r = start; r < end; r++) {
    let sums = f64x2.splat(0)
    for (let j = 0; j < cols; j += 4) {
      const at = <usize>j << 2
      let term = v128.load(dy + at)
      if (!isLog) term = f32x4.mul(term, v128.load(y + at))
      sums = addWide(sums, v128.and(term, lanesBelow(cols - j)))
    }
    const sum = f32x4.splat(<f32>sumWide(sums))
    for (let j = 0; j < cols; j += 4) {
      const at = <usize>j << 2
      const g = v128.load(dy + at), o = v128.load(y + at)
      const d = isLog ? f32x4.sub(g, f32x4.mul(exp(o), sum)) : f32x4.mul(o, f32x4.sub(g, sum))
      storeBelow(dx + at, d, cols - j)
    }
    dx += <usize>cols << 2
    dy += <usize>cols << 2
    y += <usize>cols << 2
  }
}
