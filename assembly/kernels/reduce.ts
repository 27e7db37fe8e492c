// dst[outer, inner] = scale * reduce over r of src[outer, r, inner]; fn: sum, max or min (scale 1 for those).
// Sums along a row add four interleaved lanes, then the lanes, then the tail; sums down columns add row by
// row: one fixed order whatever the number of threads.
import { REDUCE_MAX, REDUCE_MIN, REDUCE_SUM } from '../abi'
import { loadTail, storeTail } from '../lanes'
import { FLOAT_WORK, partStart, split } from '../parallel'

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
function alongRow(fn: i32, src: usize, count: i32): f32 {
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

/** dst[from...to-1] from `count` rows of `inner` floats. Sixteen columns at a time, then four, then the tail. */
@inline
function downColumns(fn: i32, dst: usize, src: usize, count: i32, inner: i32, from: i32, to: i32, scale: f32): void {
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
    v128.store(d, f32x4.mul(x0, factor))
    v128.store(d, f32x4.mul(x1, factor), 16)
    v128.store(d, f32x4.mul(x2, factor), 32)
    v128.store(d, f32x4.mul(x3, factor), 48)
  }
  for (; j + 4 <= to; j += 4) {
    let s = src + (<usize>j << 2)
    let x = v128.load(s)
    for (let r = 1; r < count; r++) {
      s += step
      x = combine(fn, x, v128.load(s))
    }
    v128.store(dst + (<usize>j << 2), f32x4.mul(x, factor))
  }
  const rest = to - j
  if (rest > 0) {
    let s = src + (<usize>j << 2)
    let x = loadTail(s, rest)
    for (let r = 1; r < count; r++) {
      s += step
      x = combine(fn, x, loadTail(s, rest))
    }
    storeTail(dst + (<usize>j << 2), f32x4.mul(x, factor), rest)
  }
}

@inline
function reduceBy(
  fn: i32, dst: usize, src: usize, outer: i32, count: i32, inner: i32, from: i32, to: i32, scale: f32,
): void {
  for (let o = 0; o < outer; o++) {
    if (inner == 1) store<f32>(dst, alongRow(fn, src, count) * scale)
    else downColumns(fn, dst, src, count, inner, from, to, scale)
    dst += <usize>inner << 2
    src += <usize>(count * inner) << 2
  }
}

/** words: dst, src, outer, reduced, inner, fn, scale (f32) */
export function reduce(p: usize): void {
  const outer = load<i32>(p, 8), inner = load<i32>(p, 16)
  split(reducePart.index, p, 1, 0, FLOAT_WORK * <f64>outer * <f64>load<i32>(p, 12) * <f64>inner)
}

/** A part is a range of rows of dst, or of the columns of a few. */
function reducePart(p: usize, part: i32, parts: i32, _: i32): void {
  let dst = <usize>load<u32>(p), src = <usize>load<u32>(p, 4)
  let outer = load<i32>(p, 8)
  const count = load<i32>(p, 12), inner = load<i32>(p, 16)
  const fn = load<i32>(p, 20), scale = load<f32>(p, 24)
  let from = 0, to = inner
  if (inner == 1 || outer >= parts) {
    const start = partStart(outer, 1, part, parts)
    outer = partStart(outer, 1, part + 1, parts) - start
    dst += <usize>(start * inner) << 2
    src += <usize>(start * count * inner) << 2
  } else {
    from = partStart(inner, 16, part, parts)
    to = partStart(inner, 16, part + 1, parts)
  }
  if (fn == REDUCE_SUM) reduceBy(REDUCE_SUM, dst, src, outer, count, inner, from, to, scale)
  else if (fn == REDUCE_MAX) reduceBy(REDUCE_MAX, dst, src, outer, count, inner, from, to, scale)
  else reduceBy(REDUCE_MIN, dst, src, outer, count, inner, from, to, scale)
}
