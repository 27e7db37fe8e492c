// Counts what a prediction got right, and out of how many rows (or elements); the caller divides.
// pred: [rows, cols] f32; target: the same shape, or int32 [rows] class ids. weights: one float per `rowsPerWeight`
// rows, or none. Ties in an argmax: the first one wins. Sums are f64, in memory order.
// A row whose entries are all NaN is never right. Reads up to 12 bytes past the last row.
// Float64 reference: test/reference/ops.ts
import {
  METRIC_BINARY_ACCURACY, METRIC_COLS, METRIC_DST, METRIC_IGNORES, METRIC_IGNORE_INDEX, METRIC_KIND, METRIC_PARAM,
  METRIC_PREDICTION, METRIC_ROWS, METRIC_ROWS_PER_WEIGHT, METRIC_ROW_COUNT, METRIC_SPARSE_ACCURACY, METRIC_TARGET,
  METRIC_WEIGHTS,
} from '../abi'
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

/**
 * dst: two floats, sum of w_i right_i and sum of w_i over the rows (METRIC_BINARY_ACCURACY: elements) that count.
 * words: dst, pred, target, weights (0: none), rows, cols, rowsPerWeight, kind, param (f32: the threshold of binary
 * accuracy), ignores (1: rows whose class id is ignoreIndex don't count; target is then class ids), ignoreIndex
 */
export function metric(p: usize): void {
  const rows = load<i32>(p, METRIC_ROW_COUNT), cols = load<i32>(p, METRIC_COLS), kind = load<i32>(p, METRIC_KIND)
  const ignores = load<i32>(p, METRIC_IGNORES) != 0, ignored = load<i32>(p, METRIC_IGNORE_INDEX)
  const binary = kind == METRIC_BINARY_ACCURACY
  const sparse = kind == METRIC_SPARSE_ACCURACY || ignores
  const rowBytes = <usize>cols << 2, targetBytes: usize = sparse ? 4 : rowBytes
  let x = <usize>load<u32>(p, METRIC_PREDICTION), y = <usize>load<u32>(p, METRIC_TARGET)
  let weight = <usize>load<u32>(p, METRIC_WEIGHTS)
  const span = weight ? load<i32>(p, METRIC_ROWS_PER_WEIGHT) : rows // rows that share a weight lie together
  let sum: f64 = 0, count: f64 = 0
  for (let start = 0; start < rows; start += span) {
    let right = 0, terms = binary ? span * cols : span
    if (binary) {
      right = agreements(x, y, terms, load<f32>(p, METRIC_PARAM))
      x += rowBytes * span
      y += rowBytes * span
    } else {
      for (let r = 0; r < span; r++) {
        if (ignores && load<i32>(y) == ignored) terms--
        else if (kind != METRIC_ROWS) {
          const guess = argmax(x, cols)
          if (guess >= 0 && guess == (sparse ? load<i32>(y) : argmax(y, cols))) right++
        }
        x += rowBytes
        y += targetBytes
      }
    }
    const w = weight ? <f64>load<f32>(weight) : 1
    if (weight) weight += 4
    sum += w * <f64>right
    count += w * <f64>terms
  }
  const dst = <usize>load<u32>(p, METRIC_DST)
  store<f32>(dst, <f32>sum)
  store<f32>(dst, <f32>count, 4)
}
