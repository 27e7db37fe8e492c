// Rows of a table by their numbers, and the gradient of that: embeddings. table [rows, width] f32, ids [count] i32.
// An id outside the table reads zeros and moves nothing. Rows that come more than once add up in order of position:
// one fixed order.
import { storeBelow } from './tails'

/** words: dst [count, width], table, ids, count, rows, width */
export function gather(p: usize): void {
  let dst = <usize>load<u32>(p), ids = <usize>load<u32>(p, 8)
  const table = <usize>load<u32>(p, 4), count = load<i32>(p, 12), rows = load<u32>(p, 16)
  const bytes = <usize>load<u32>(p, 20) << 2
  for (let i = 0; i < count; i++) {
    const id = load<u32>(ids)
    if (id < rows) memory.copy(dst, table + <usize>id * bytes, bytes)
    else memory.fill(dst, 0, bytes)
    dst += bytes
    ids += 4
  }
}

/** words: dtable [rows, width], dy [count, width], ids, count, rows, width */
export function gatherGrad(p: usize): void {
  const table = <usize>load<u32>(p), count = load<i32>(p, 12), rows = load<u32>(p, 16), width = load<i32>(p, 20)
  let dy = <usize>load<u32>(p, 4), ids = <usize>load<u32>(p, 8)
  const bytes = <usize>width << 2
  memory.fill(table, 0, <usize>rows * bytes)
  for (let i = 0; i < count; i++) {
    const id = load<u32>(ids)
    if (id < rows) {
      const row = table + <usize>id * bytes
      for (let j = 0; j < width; j += 4) {
        const d = row + (<usize>j << 2)
        storeBelow(d, f32x4.add(v128.load(d), v128.load(dy + (<usize>j << 2))), width - j)
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
