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
  if (fn != REDUCE_SUM) call_indirect<void>(EXTREMES, fn, dst, src, outer, count, inner, from, to)
  else if (inner == 1) rowSums(dst, src, outer, count, scale)
  else {
    const ranges = <usize>load<u32>(p, REDUCE_RANGES) + (<usize>(first * inner
      * ((count + LONG_DEPTH - 1) / LONG_DEPTH)) << 2)
    columnSums(dst, src, ranges, outer, count, inner, from, to, scale)
  }
}
