// Integers as floats.
// Float64 reference: test/reference/ops.ts
import { CONVERT_COUNT, CONVERT_DST, CONVERT_SRC } from '../abi'
import { storeBelow } from './tails'

/** words: dst f32, src i32, count */
export function convert(p: usize): void {
  const dst = <usize>load<u32>(p, CONVERT_DST), src = <usize>load<u32>(p, CONVERT_SRC)
  const count = load<i32>(p, CONVERT_COUNT)
  for (let i = 0; i < count; i += 4) {
    const at = <usize>i << 2
    storeBelow(dst + at, f32x4.convert_i32x4_s(v128.load(src + at)), count - i)
  }
}
