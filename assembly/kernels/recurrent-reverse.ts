// dst[outer, T, inner] = src with the order of T reversed; its own gradient. dst and src don't overlap.
import { FLOAT_WORK, split } from '../parallel'

/** words: dst, src, outer, T, inner (floats) */
export function reverse(p: usize): void {
  split(reversePart.index, p, load<i32>(p, 8), 1, FLOAT_WORK * <f64>load<i32>(p, 12) * <f64>load<i32>(p, 16))
}

function reversePart(p: usize, from: i32, end: i32, _: i32): void {
  const src = <usize>load<u32>(p, 4)
  const steps = load<i32>(p, 12), bytes = <usize>load<i32>(p, 16) << 2
  let dst = <usize>load<u32>(p) + <usize>(from * steps) * bytes
  for (let o = from; o < end; o++) {
    for (let t = steps - 1; t >= 0; t--) {
      memory.copy(dst, src + <usize>(o * steps + t) * bytes, bytes)
      dst += bytes
    }
  }
}
