// dst[outer, inner] = scale * reduce over r of src[outer, r, inner]; fn: sum, max or min (scale 1 for those).
// Sums along a row add four interleaved lanes, then the lanes, then the tail; sums down columns add row by
// row: one fixed order whatever the number of threads. Long ones are sums of blocks' sums, in f64 along a row; down columns
// in f32, but from LONG_DEPTH rows on, ranges of so many are added in f64. So no more than BLOCK + 32 additions round one
// after the other: relative error, of terms of one sign, 3e-7 of random ones, at most 2.5e-6 of equal ones.
// Float64 reference: test/reference/ops.ts
import {
  CHAIN_DEPTH, LONG_DEPTH, REDUCE_DST, REDUCE_FN, REDUCE_INNER, REDUCE_MAX, REDUCE_OUTER, REDUCE_RANGES,
  REDUCE_REDUCED, REDUCE_SCALE, REDUCE_SRC, REDUCE_SUM,
} from '../abi'
import { storeTail } from '../lanes'
import { FLOAT_WORK, partStart, pays, split } from '../parallel'

/** Additions in one go. */
const BLOCK = CHAIN_DEPTH

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

/**
 * dst[from...to-1] from `count` rows of `inner` floats, `more`: and what is there. Sixteen columns at a time, then four or
 * fewer: behind those, up to 12 bytes are read, and dropped.
 */
@inline
function downColumns(
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

/** Maxima or minima, whose order means nothing. The comparisons hide that `fn` is looked at within the loops. */
function extremes(fn: i32, dst: usize, src: usize, outer: i32, count: i32, inner: i32, from: i32, to: i32): void {
  for (; outer > 0; outer--) {
    if (inner == 1) store<f32>(dst, alongRow(fn, src, count))
    else downColumns(fn, dst, src, count, inner, from, to, 1, false)
    dst += <usize>inner << 2
    src += <usize>(count * inner) << 2
  }
}

function rowSums(dst: usize, src: usize, outer: i32, count: i32, scale: f32): void {
  for (; outer > 0; outer--) {
    let total: f64 = 0
    for (let left = count; left > 0; left -= 4 * BLOCK) {
      const length = min(4 * BLOCK, left)
      total += <f64>alongRow(REDUCE_SUM, src, length)
      src += <usize>length << 2
    }
    store<f32>(dst, <f32>total * scale)
    dst += 4
  }
}

/** `ranges` [count / LONG_DEPTH, inner]: scratch of long sums. */
function columnSums(
  dst: usize, src: usize, ranges: usize, outer: i32, count: i32, inner: i32, from: i32, to: i32, scale: f32,
): void {
  const row = <usize>inner << 2, isLong = count > LONG_DEPTH
  for (; outer > 0; outer--) {
    let range = isLong ? ranges : dst
    for (let r = 0; r < count; r += BLOCK) {
      const within = r % LONG_DEPTH, rows = min(BLOCK, count - r)
      if (r > within && !within) range += row
      downColumns(REDUCE_SUM, range, src, rows, inner, from, to, scale, within > 0)
      src += row * rows
    }
    if (isLong) addRanges(dst, ranges, range, row, from, to)
    dst += row
  }
}

/** dst = the sum of the rows from `first` to `last`. */
function addRanges(dst: usize, first: usize, last: usize, row: usize, from: i32, to: i32): void {
  for (let at = <usize>from << 2; at < <usize>to << 2; at += 4) {
    let total: f64 = 0
    for (let range = first; range <= last; range += row) total += <f64>load<f32>(range + at)
    store<f32>(dst + at, <f32>total)
  }
}

/** words: dst, src, outer, reduced, inner, fn, scale (f32), scratch of long sums: [outer, reduced / LONG_DEPTH, inner] */
export function reduce(p: usize): void {
  const outer = load<i32>(p, REDUCE_OUTER), inner = load<i32>(p, REDUCE_INNER)
  const work = FLOAT_WORK * <f64>outer * <f64>load<i32>(p, REDUCE_REDUCED) * <f64>inner
  if (pays(work)) split(reducePart.index, p, 1, 0, work)
  else reducePart(p, 0, 1, 0)
}

/** A part is a range of rows of dst, or of the columns of a few. */
function reducePart(p: usize, part: i32, parts: i32, _: i32): void {
  let dst = <usize>load<u32>(p, REDUCE_DST), src = <usize>load<u32>(p, REDUCE_SRC)
  let outer = load<i32>(p, REDUCE_OUTER)
  const count = load<i32>(p, REDUCE_REDUCED), inner = load<i32>(p, REDUCE_INNER)
  const fn = load<i32>(p, REDUCE_FN), scale = load<f32>(p, REDUCE_SCALE)
  let from = 0, to = inner, first = 0
  if (parts == 1) {
    // all of it
  } else if (inner == 1 || outer >= parts) {
    first = partStart(outer, 1, part, parts)
    outer = partStart(outer, 1, part + 1, parts) - first
    dst += <usize>(first * inner) << 2
    src += <usize>(first * count * inner) << 2
  } else {
    from = partStart(inner, 16, part, parts)
    to = partStart(inner, 16, part + 1, parts)
  }
  if (fn != REDUCE_SUM) extremes(fn, dst, src, outer, count, inner, from, to)
  else if (inner == 1) rowSums(dst, src, outer, count, scale)
  else {
    const ranges = <usize>load<u32>(p, REDUCE_RANGES) + (<usize>(first * inner
      * ((count + LONG_DEPTH - 1) / LONG_DEPTH)) << 2)
    columnSums(dst, src, ranges, outer, count, inner, from, to, scale)
  }
}
