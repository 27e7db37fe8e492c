// dst[outer, T, inner] = src with the order of T reversed; its own gradient. dst and src don't overlap.
// Float64 reference: test/reference/kernels/recurrent.ts
import { REVERSE_DST, REVERSE_INNER, REVERSE_OUTER, REVERSE_SRC, REVERSE_STEPS } from '../abi'
import { FLOAT_WORK, split } from '../parallel'

/** words: dst, src, outer, T, inner (floats) */
export function reverse(p: usize): void {
  const work = FLOAT_WORK * <f64>load<i32>(p, REVERSE_STEPS) * <f64>load<i32>(p, REVERSE_INNER)
  split(reversePart.index, p, load<i32>(p, REVERSE_OUTER), 1, work)
}

function reversePart(p: usize, from: i32, end: i32, _: i32): void {
  const src = <usize>load<u32>(p, REVERSE_SRC)
  const steps = load<i32>(p, REVERSE_STEPS), bytes = <usize>load<i32>(p, REVERSE_INNER) << 2
  let dst = <usize>load<u32>(p, REVERSE_DST) + <usize>(from * steps) * bytes
  for (let o = from; o < end; o++) {
    for (let t = steps - 1; t >= 0; t--) {
      memory.copy(dst, src + <usize>(o * steps + t) * bytes, bytes)
      dst += bytes
    }
  }
}
