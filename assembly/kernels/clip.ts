// Gradient clipping, in place: by value, or by the norm of all gradients in a range.
// A NaN stays NaN. If the norm is 0, infinite or NaN, the gradients stay as they are.
// Float64 reference: test/kernels/optimizer.test.ts
import { CLIP_COUNT, CLIP_GRADS, CLIP_LIMIT } from '../abi'
import { atLeast, atMost } from '../lanes'
import { lanesBelow, storeBelow, sumWide } from './tails'

/** words: grads, count, limit (f32): each gradient to [-limit, limit] */
export function clipValue(p: usize): void {
  const grads = <usize>load<u32>(p, CLIP_GRADS), count = load<i32>(p, CLIP_COUNT), limit = load<f32>(p, CLIP_LIMIT)
  for (let i = 0; i < count; i += 4) {
    const at = grads + (<usize>i << 2)
    storeBelow(at, atMost(atLeast(v128.load(at), -limit), limit), count - i)
  }
}

/** words: grads, count, limit (f32): gradients times min(1, limit / norm), norm = sqrt(sum g^2) */
export function clipNorm(p: usize): void {
  const grads = <usize>load<u32>(p, CLIP_GRADS), count = load<i32>(p, CLIP_COUNT), limit = <f64>load<f32>(p, CLIP_LIMIT)
  // squares in f64: neither overflow nor underflow; two sums, since each addition waits for the one before
  let low = f64x2.splat(0), high = low
  for (let i = 0; i < count; i += 4) {
    const g = v128.and(v128.load(grads + (<usize>i << 2)), lanesBelow(count - i))
    const a = f64x2.promote_low_f32x4(g), b = f64x2.promote_low_f32x4(v128.shuffle<f64>(g, g, 1, 1))
    low = f64x2.add(low, f64x2.mul(a, a))
    high = f64x2.add(high, f64x2.mul(b, b))
  }
  const norm = sqrt(sumWide(f64x2.add(low, high)))
  if (!(norm > limit && norm < Infinity)) return
  const scale = f32x4.splat(<f32>(limit / norm))
  for (let i = 0; i < count; i += 4) {
    const at = grads + (<usize>i << 2)
    storeBelow(at, f32x4.mul(v128.load(at), scale), count - i)
  }
}
