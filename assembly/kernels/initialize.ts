// Initial weights: called by the host before anything runs, no instruction of a program.
// Float64 reference: test/layers/initializers.test.ts
import { storeTail } from '../lanes'
import { blocks, first, second } from '../threefry'

/** Numbers 0 and 1 of four words as floats: low + (the word's upper 24 bits) scale, in float64 until they are stored. */
@inline
function two(words: v128, low: v128, scale: v128): v128 {
  return f32x4.demote_f64x2_zero(f64x2.add(low, f64x2.mul(f64x2.convert_low_i32x4_u(i32x4.shr_u(words, 8)), scale)))
}

@inline
function four(words: v128, low: v128, scale: v128): v128 {
  const rest = v128.shuffle<i64>(words, words, 1, 0)
  return v128.shuffle<i64>(two(words, low, scale), two(rest, low, scale), 0, 2)
}

/**
 * `count` uniform numbers at dst, the bits that `uniform` of src/numerics/random.ts gives: 2 b and 2 b + 1 are the words
 * of counter (b, stream) under the seed. scale: (high - low) 2^-24.
 */
export function uniform(
  dst: usize, count: i32, seedLow: i32, seedHigh: i32, stream: i32, low: f64, scale: f64,
): void {
  const from = f64x2.splat(low), by = f64x2.splat(scale), streams = i32x4.splat(stream)
  let block = i32x4(0, 1, 2, 3)
  for (; count > 0; count -= 8) {
    blocks(seedLow, seedHigh, block, streams)
    storeTail(dst, four(v128.shuffle<i32>(first, second, 0, 4, 1, 5), from, by), count)
    if (count > 4) storeTail(dst + 16, four(v128.shuffle<i32>(first, second, 2, 6, 3, 7), from, by), count - 4)
    block = i32x4.add(block, i32x4.splat(4))
    dst += 32
  }
}
