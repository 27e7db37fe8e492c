// dst[outer, inner] = scale * reduce over r of src[outer, r, inner]; fn: sum, max or min (scale 1 for those).
// Sums along a row add four interleaved lanes, then the lanes, then the tail; sums down columns add row by
// row: one fixed order whatever the number of threads. Long ones are sums of blocks' sums, in f64 along a row; down columns
// in f32, but from LONG_DEPTH rows on, ranges of so many are added in f64. So no more than BLOCK + 32 additions round one
// after the other: relative error, of terms of one sign, 3e-7 of random ones, at most 2.5e-6 of equal ones.
// Float64 reference: test/reference/ops.ts
import {
  CHAIN_DEPTH, EXTREMES, LONG_DEPTH, REDUCE_DST, REDUCE_FN, REDUCE_INNER, REDUCE_OUTER, REDUCE_RANGES,
  REDUCE_REDUCED, REDUCE_SCALE, REDUCE_SRC, REDUCE_SUM,
} from '../abi'
import { FLOAT_WORK, partStart, pays, split } from '../parallel'
import { alongRow, downColumns } from './reduce-loops'

/** Additions in one go. */
const BLOCK = CHAIN_DEPTH

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

/** Sums of ranges of up to LONG_DEPTH rows of src, which has `count` rows after `count`, from row `r` on, up to `end` in dst. */
function columnSums(
  dst: usize, end: usize, src: usize, r: i32, count: i32, inner: i32, from: i32, to: i32, scale: f32,
): void {
  const row = <usize>inner << 2
  while (dst < end) {
    const rows = min(BLOCK, count - r)
    downColumns(REDUCE_SUM, dst, src, rows, inner, from, to, scale, (r & LONG_DEPTH - 1) > 0)
    src += row * rows
    r += rows
    if (r == count) r = 0
    if (!(r & LONG_DEPTH - 1)) dst += row
  }
}

/** dst [outer, inner] = the sums of src [outer, ranges, inner]. */
function addRanges(dst: usize, src: usize, outer: i32, ranges: i32, row: usize): void {
  for (; outer > 0; outer--) {
    for (const end = src + row; src < end; src += 4) {
      let total: f64 = 0
      for (let i = 0, at = src; i < ranges; i++, at += row) total += <f64>load<f32>(at)
      store<f32>(dst, <f32>total)
      dst += 4
    }
    src += row * (ranges - 1)
  }
}

/** Ranges whose sums down columns are added up: of long sums, which alone have scratch, more than one. */
@inline
function rangesOf(p: usize): u32 {
  return load<u32>(p, REDUCE_RANGES) ? (load<u32>(p, REDUCE_REDUCED) + LONG_DEPTH - 1) / LONG_DEPTH : 1
}

/** words: dst, src, outer, reduced, inner, fn, scale (f32), scratch of long sums: [outer, reduced / LONG_DEPTH, inner] */
export function reduce(p: usize): void {
  const outer = load<i32>(p, REDUCE_OUTER), inner = load<i32>(p, REDUCE_INNER), ranges = rangesOf(p)
  const work = FLOAT_WORK * <f64>outer * <f64>load<i32>(p, REDUCE_REDUCED) * <f64>inner
  if (pays(work)) split(reducePart.index, p, 1, 0, work)
  else reducePart(p, 0, 1, 0)
  if (ranges > 1) addRanges(load<u32>(p, REDUCE_DST), load<u32>(p, REDUCE_RANGES), outer, ranges, <usize>inner << 2)
}

/** A part is a range of rows of dst or of ranges that give them, or of the columns of a few. */
function reducePart(p: usize, part: i32, parts: i32, _: i32): void {
  const count = load<i32>(p, REDUCE_REDUCED), inner = load<i32>(p, REDUCE_INNER), ranges = rangesOf(p)
  const fn = load<i32>(p, REDUCE_FN), scale = load<f32>(p, REDUCE_SCALE)
  let dst = <usize>load<u32>(p + (ranges > 1 ? REDUCE_RANGES : REDUCE_DST)), src = <usize>load<u32>(p, REDUCE_SRC)
  let rows = load<i32>(p, REDUCE_OUTER) * ranges, from = 0, to = inner, r = 0
  if (parts == 1) {
    // all of it
  } else if (inner == 1 || rows >= parts) {
    const first = partStart(rows, 1, part, parts)
    rows = partStart(rows, 1, part + 1, parts) - first
    r = first % ranges * LONG_DEPTH
    dst += <usize>(first * inner) << 2
    src += <usize>((first / ranges * count + r) * inner) << 2
  } else {
    from = partStart(inner, 16, part, parts)
    to = partStart(inner, 16, part + 1, parts)
  }
  if (fn != REDUCE_SUM) call_indirect<void>(EXTREMES, fn, dst, src, rows, count, inner, from, to)
  else if (inner == 1) rowSums(dst, src, rows, count, scale)
  else columnSums(dst, dst + (<usize>(rows * inner) << 2), src, r, count, inner, from, to, scale)
}
