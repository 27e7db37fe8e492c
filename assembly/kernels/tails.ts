// Ragged ends: loops over floats take whole vectors and mask the last one.
// A kernel may read up to 12 bytes past the end of a row, never write there: behind a row lies the next one, behind
// a buffer its padding, which must stay 0. Any bits may lie there, those of NaN as well, so sums mask them away.
// Float64 reference: test/reference/ops.ts
import { storeTail } from '../lanes'

/** All bits set in the lanes below `count` (4 and more: in all lanes). */
@inline
export function lanesBelow(count: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count))
}

/** Stores the first `count` lanes (4 and more: all; `count` is at least 1). */
@inline
export function storeBelow(dst: usize, x: v128, count: i32): void {
  if (count >= 4) v128.store(dst, x)
  else storeTail(dst, x, count)
}

/** f64x2 sums += the f32x4 `x`: lanes 0 and 1, then 2 and 3. */
@inline
export function addWide(sums: v128, x: v128): v128 {
  const high = v128.shuffle<f64>(x, x, 1, 1)
  return f64x2.add(f64x2.add(sums, f64x2.promote_low_f32x4(x)), f64x2.promote_low_f32x4(high))
}

/** The sum of an f64x2. */
@inline
export function sumWide(sums: v128): f64 {
  return f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1)
}

/** 1 if x > 0, -1 if x < 0, else 0. */
@inline
export function sign(x: v128): v128 {
  const zero = f32x4.splat(0), one = f32x4.splat(1)
  return f32x4.sub(v128.and(f32x4.gt(x, zero), one), v128.and(f32x4.lt(x, zero), one))
}
