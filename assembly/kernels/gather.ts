// Rows of a table by their numbers, and the gradient of that: embeddings. table [rows, width] f32, ids [count] i32.
// An id outside the table reads zeros and moves nothing. Rows that come more than once add up in order of position:
// one fixed order. Over threads, parts of the gradient are ranges of columns.
import { FLOAT_WORK, split } from '../parallel'
import { storeBelow } from './tails'

/** words: dst [count, width], table, ids, count, rows, width */
export function gather(p: usize): void {
  split(gatherPart.index, p, load<i32>(p, 12), 1, FLOAT_WORK * <f64>load<i32>(p, 20))
}

function gatherPart(p: usize, from: i32, end: i32, _: i32): void {
  const table = <usize>load<u32>(p, 4), rows = load<u32>(p, 16)
  const bytes = <usize>load<u32>(p, 20) << 2
  let dst = <usize>load<u32>(p) + bytes * from, ids = <usize>load<u32>(p, 8) + (<usize>from << 2)
  for (let i = from; i < end; i++) {
    const id = load<u32>(ids)
    if (id < rows) memory.copy(dst, table + <usize>id * bytes, bytes)
    else memory.fill(dst, 0, bytes)
    dst += bytes
    ids += 4
  }
}

/** words: dtable [rows, width], dy [count, width], ids, count, rows, width */
export function gatherGrad(p: usize): void {
  split(gatherGradPart.index, p, load<i32>(p, 20), 4, FLOAT_WORK * <f64>(load<i32>(p, 12) + load<i32>(p, 16)))
}

function gatherGradPart(p: usize, from: i32, end: i32, _: i32): void {
  const table = <usize>load<u32>(p), count = load<i32>(p, 12), rows = load<u32>(p, 16), width = load<i32>(p, 20)
  let dy = <usize>load<u32>(p, 4), ids = <usize>load<u32>(p, 8)
  const bytes = <usize>width << 2
  if (end - from == width) memory.fill(table, 0, <usize>rows * bytes)
  else {
    for (let row = table, behind = table + <usize>rows * bytes; row < behind; row += bytes) {
      for (let j = from; j < end; j += 4) storeBelow(row + (<usize>j << 2), f32x4.splat(0), end - j)
    }
  }
  for (let i = 0; i < count; i++) {
    const id = load<u32>(ids)
    if (id < rows) {
      const row = table + <usize>id * bytes
      for (let j = from; j < end; j += 4) {
        const d = row + (<usize>j << 2)
        storeBelow(d, f32x4.add(v128.load(d), v128.load(dy + (<usize>j << 2))), end - j)
      }
    }
    dy += bytes
    ids += 4
  }
}

/** 1 where an id isn't 0, else 0. words: dst, ids, count */
export function nonZero(p: usize): void {
  const dst = <usize>load<u32>(p), ids = <usize>load<u32>(p, 4), count = load<i32>(p, 8)
  const one = f32x4.splat(1)
  for (let i = 0; i < count; i += 4) {
    const at = <usize>i << 2
    const isOther = i32x4.ne(v128.load(ids + at), i32x4.splat(0))
    storeBelow(dst + at, v128.and(isOther, one), count - i)
  }
}
