// The loops of reductions: along a row of contiguous floats, and down columns. `fn`: REDUCE_*.
// Float64 reference: test/reference/ops.ts
import { REDUCE_MAX, REDUCE_SUM } from '../abi'
import { storeTail } from '../lanes'

@inline
function combine(fn: i32, x: v128, y: v128): v128 {
  if (fn == REDUCE_SUM) return f32x4.add(x, y)
  if (fn == REDUCE_MAX) return f32x4.max(x, y)
  return f32x4.min(x, y)
}

@inline
function combineScalar(fn: i32, x: f32, y: f32): f32 {
  if (fn == REDUCE_SUM) return x + y
  if (fn == REDUCE_MAX) return max(x, y)
  return min(x, y)
}

/** One row of `count` contiguous floats. */
@inline
export function alongRow(fn: i32, src: usize, count: i32): f32 {
  let result = load<f32>(src)
  let i = 1
  if (count >= 4) {
    let lanes = v128.load(src)
    for (i = 4; i + 4 <= count; i += 4) lanes = combine(fn, lanes, v128.load(src + (<usize>i << 2)))
    const left = combineScalar(fn, f32x4.extract_lane(lanes, 0), f32x4.extract_lane(lanes, 1))
    const right = combineScalar(fn, f32x4.extract_lane(lanes, 2), f32x4.extract_lane(lanes, 3))
    result = combineScalar(fn, left, right)
  }
  for (; i < count; i++) result = combineScalar(fn, result, load<f32>(src + (<usize>i << 2)))
  return result
}

/**
 * dst[from...to-1] from `count` rows of `inner` floats, `more`: and what is there. Sixteen columns at a time, then four or
 * fewer: behind those, up to 12 bytes are read, and dropped.
 */
@inline
export function downColumns(
  fn: i32, dst: usize, src: usize, count: i32, inner: i32, from: i32, to: i32, scale: f32, more: bool,
): void {
  const step = <usize>inner << 2
  const factor = f32x4.splat(scale)
  let j = from
  for (; j + 16 <= to; j += 16) {
    let s = src + (<usize>j << 2)
    let x0 = v128.load(s), x1 = v128.load(s, 16), x2 = v128.load(s, 32), x3 = v128.load(s, 48)
    for (let r = 1; r < count; r++) {
      s += step
      x0 = combine(fn, x0, v128.load(s))
      x1 = combine(fn, x1, v128.load(s, 16))
      x2 = combine(fn, x2, v128.load(s, 32))
      x3 = combine(fn, x3, v128.load(s, 48))
    }
    const d = dst + (<usize>j << 2)
    x0 = f32x4.mul(x0, factor)
    x1 = f32x4.mul(x1, factor)
    x2 = f32x4.mul(x2, factor)
    x3 = f32x4.mul(x3, factor)
    if (more) {
      x0 = combine(fn, v128.load(d), x0)
      x1 = combine(fn, v128.load(d, 16), x1)
      x2 = combine(fn, v128.load(d, 32), x2)
      x3 = combine(fn, v128.load(d, 48), x3)
    }
    v128.store(d, x0)
    v128.store(d, x1, 16)
    v128.store(d, x2, 32)
    v128.store(d, x3, 48)
  }
  for (; j < to; j += 4) {
    const d = dst + (<usize>j << 2)
    let s = src + (<usize>j << 2)
    let x = v128.load(s)
    for (let r = 1; r < count; r++) {
      s += step
      x = combine(fn, x, v128.load(s))
    }
    x = f32x4.mul(x, factor)
    if (more) x = combine(fn, v128.load(d), x)
    if (to - j > 3) v128.store(d, x)
    else storeTail(d, x, to - j)
  }
}
