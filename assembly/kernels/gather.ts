// Rows of a table by their numbers, and the gradient of that: embeddings. table [rows, width] f32, ids [count] i32.
// An id outside the table reads zeros and moves nothing. Rows that come more than once add up in order of position, which
// are sorted by id for it: sums of up to CHAIN_DEPTH of them from 0, then these with the rounding errors carried on (Kahan 1965):
// relative error, of terms of one sign, 3e-7 of random ones, at most 2e-6 of equal ones. Over threads, parts of the gradient are
// ranges of columns.
// Float64 reference: test/reference/kernels/attention.ts
import {
  CHAIN_DEPTH, GATHER_COUNT, GATHER_DST, GATHER_IDS, GATHER_ROWS, GATHER_SCRATCH, GATHER_SRC, GATHER_WIDTH,
  NON_ZERO_COUNT, NON_ZERO_DST, NON_ZERO_IDS,
} from '../abi'
import { FLOAT_WORK, split } from '../parallel'
import { storeBelow } from './tails'

/** words: dst [count, width], table, ids, count, rows, width */
export function gather(p: usize): void {
  split(gatherPart.index, p, load<i32>(p, GATHER_COUNT), 1, FLOAT_WORK * <f64>load<i32>(p, GATHER_WIDTH))
}

function gatherPart(p: usize, from: i32, end: i32, _: i32): void {
  const table = <usize>load<u32>(p, GATHER_SRC), rows = load<u32>(p, GATHER_ROWS)
  const bytes = <usize>load<u32>(p, GATHER_WIDTH) << 2
  let dst = <usize>load<u32>(p, GATHER_DST) + bytes * from, ids = <usize>load<u32>(p, GATHER_IDS) + (<usize>from << 2)
  for (let i = from; i < end; i++) {
    const id = load<u32>(ids)
    if (id < rows) memory.copy(dst, table + <usize>id * bytes, bytes)
    else memory.fill(dst, 0, bytes)
    dst += bytes
    ids += 4
  }
}

/**
 * words: dtable [rows, width], dy [count, width], ids, count, rows, width, scratch: where each id's positions end [rows], all
 * positions by id [count], what rounding cuts off [width]
 */
export function gatherGrad(p: usize): void {
  const count = load<i32>(p, GATHER_COUNT), rows = load<u32>(p, GATHER_ROWS)
  const ids = <usize>load<u32>(p, GATHER_IDS), ends = <usize>load<u32>(p, GATHER_SCRATCH)
  const positions = ends + (<usize>rows << 2)
  // counts, then where each id's positions begin; each position put there moves it on, at last to their end
  memory.fill(ends, 0, <usize>rows << 2)
  for (let i = 0; i < count; i++) {
    const id = load<u32>(ids + (<usize>i << 2)), at = ends + (<usize>id << 2)
    if (id < rows) store<u32>(at, load<u32>(at) + 1)
  }
  let sum: u32 = 0
  for (let at = ends; at < positions; at += 4) {
    const own = load<u32>(at)
    store<u32>(at, sum)
    sum += own
  }
  for (let i = 0; i < count; i++) {
    const id = load<u32>(ids + (<usize>i << 2)), at = ends + (<usize>id << 2)
    if (id >= rows) continue
    const place = load<u32>(at)
    store<u32>(positions + (<usize>place << 2), i)
    store<u32>(at, place + 1)
  }
  split(gatherGradPart.index, p, load<i32>(p, GATHER_WIDTH), 4, FLOAT_WORK * <f64>(count + <i32>rows))
}

function gatherGradPart(p: usize, from: i32, end: i32, _: i32): void {
  const rows = load<u32>(p, GATHER_ROWS), width = load<i32>(p, GATHER_WIDTH), bytes = <usize>width << 2
  const dy = <usize>load<u32>(p, GATHER_SRC), ends = <usize>load<u32>(p, GATHER_SCRATCH)
  const positions = ends + (<usize>rows << 2)
  const cut = positions + (<usize>load<i32>(p, GATHER_COUNT) << 2)
  let row = <usize>load<u32>(p, GATHER_DST), first = positions
  for (let id: u32 = 0; id < rows; id++) {
    const behind = positions + (<usize>load<u32>(ends + (<usize>id << 2)) << 2)
    let at = first
    do {
      const last = min(at + 4 * CHAIN_DEPTH, behind)
      for (let j = from; j < end; j += 4) {
        const o = <usize>j << 2
        let sum = f32x4.splat(0)
        for (let q = at; q < last; q += 4) sum = f32x4.add(sum, v128.load(dy + bytes * load<u32>(q) + o))
        let lost = f32x4.splat(0)
        if (at > first) {
          const x = v128.load(row + o), y = f32x4.add(sum, v128.load(cut + o))
          sum = f32x4.add(x, y)
          lost = f32x4.sub(y, f32x4.sub(sum, x))
        }
        storeBelow(row + o, sum, end - j)
        if (last < behind) storeBelow(cut + o, lost, end - j)
      }
      at = last
    } while (at < behind)
    first = behind
    row += bytes
  }
}

/** 1 where an id isn't 0, else 0. words: dst, ids, count */
export function nonZero(p: usize): void {
  const dst = <usize>load<u32>(p, NON_ZERO_DST), ids = <usize>load<u32>(p, NON_ZERO_IDS)
  const count = load<i32>(p, NON_ZERO_COUNT)
  const one = f32x4.splat(1)
  for (let i = 0; i < count; i += 4) {
    const at = <usize>i << 2
    const isOther = i32x4.ne(v128.load(ids + at), i32x4.splat(0))
    storeBelow(dst + at, v128.and(isOther, one), count - i)
  }
}
