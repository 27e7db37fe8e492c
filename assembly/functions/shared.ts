// Parts that several functions of this folder share.
import { atLeast, atMost, splat } from '../lanes'
import { expm1 } from '../math'

/** e^x - 1 for x <= 0: exactly -1 from -20 on. */
@inline
export function expm1Below(x: v128): v128 {
  return expm1(atLeast(x, -20))
}

/** dy in the lanes where the comparison `mask` holds, else 0 (and never NaN, whatever dy is). */
@inline
export function where(mask: v128, dy: v128): v128 {
  return v128.and(mask, dy)
}

@inline
export function times(dy: v128, slope: v128): v128 {
  return f32x4.mul(dy, slope)
}

export const SIXTH: f32 = 1.0 / 6.0

/** min(max(slope x + 1/2, 0), 1), written (x + 1 / (2 slope)) slope, which loses no digit where y is near 0 */
@inline
export function hardSigmoid(x: v128, slope: v128): v128 {
  const shifted = f32x4.add(x, f32x4.div(splat(0.5), slope))
  return atMost(atLeast(f32x4.mul(shifted, slope), 0), 1)
}
