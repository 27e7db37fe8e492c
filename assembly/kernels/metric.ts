// Counts what a prediction got right; the caller divides by the number of rows (or elements).
// pred: [rows, cols] f32; target: the same shape, or int32 [rows] class ids. Ties in an argmax: the first one wins.
// A row of nothing but NaN is never right. Reads up to 12 bytes past the last row.
import { METRIC_BINARY_ACCURACY, METRIC_SPARSE_ACCURACY } from '../abi'
import { maximum } from './softmax'
import { lanesBelow } from './tails'

/** Index of the first largest of `count` floats, NaN passed over; -1 if all are NaN. */
function argmax(src: usize, count: i32): i32 {
  const m = f32x4.splat(maximum(src, count))
  for (let j = 0; j < count; j += 4) {
    const hits = v128.and(f32x4.eq(v128.load(src + (<usize>j << 2)), m), lanesBelow(count - j))
    if (v128.any_true(hits)) return j + ctz(i32x4.bitmask(hits))
  }
  return -1
}

/** The number of i < count with (x_i > threshold) == (y_i > 1/2). */
function agreements(x: usize, y: usize, count: i32, threshold: f32): i32 {
  let n = 0
  for (let i = 0; i < count; i += 4) {
    const at = <usize>i << 2
    const a = f32x4.gt(v128.load(x + at), f32x4.splat(threshold)), b = f32x4.gt(v128.load(y + at), f32x4.splat(0.5))
    n += popcnt(i32x4.bitmask(v128.andnot(lanesBelow(count - i), v128.xor(a, b))))
  }
  return n
}

/** words: dst (one float), pred, target, rows, cols, kind, param (f32: the threshold of binary accuracy) */
export function metric(p: usize): void {
  const rows = load<i32>(p, 12), cols = load<i32>(p, 16), kind = load<i32>(p, 20)
  let x = <usize>load<u32>(p, 4), y = <usize>load<u32>(p, 8), right = 0
  if (kind == METRIC_BINARY_ACCURACY) right = agreements(x, y, rows * cols, load<f32>(p, 24))
  else {
    const rowBytes = <usize>cols << 2, sparse = kind == METRIC_SPARSE_ACCURACY
    for (let r = 0; r < rows; r++) {
      const guess = argmax(x, cols)
      if (guess >= 0 && guess == (sparse ? load<i32>(y) : argmax(y, cols))) right++
      x += rowBytes
      y += sparse ? 4 : rowBytes
    }
  }
  store<f32>(load<u32>(p), <f32>right)
}
