// Helpers on one v128 of four floats: multiply-add, clamps, tails, horizontal reductions.
// Everything takes and returns values in registers, or touches exactly the floats it is told to.
// The order of every sum is fixed, so the same input gives the same bits on every machine;
// only `madd` may differ between hosts, and only in the builds with relaxed arithmetic.

/** a * b + c per lane: two roundings; in the relaxed builds the host may fuse them into one. */
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c)
  return f32x4.add(f32x4.mul(a, b), c)
}

@inline
export function splat(x: f32): v128 {
  return f32x4.splat(x)
}

/** x below `high`. A NaN stays: pmin(x, high) is high < x ? high : x, and one instruction, unlike f32x4.min. */
@inline
export function atMost(x: v128, high: f32): v128 {
  return f32x4.pmin(x, f32x4.splat(high))
}

/** x above `low`. A NaN stays, -0 above 0 stays -0. */
@inline
export function atLeast(x: v128, low: f32): v128 {
  return f32x4.pmax(x, f32x4.splat(low))
}

/** `magnitude` (not negative) with the sign of `x`. */
@inline
export function withSign(magnitude: v128, x: v128): v128 {
  return v128.or(magnitude, v128.and(x, i32x4.splat(0x80000000)))
}

/** `yes` in the lanes where the comparison `mask` holds, `no` elsewhere. */
@inline
export function select(mask: v128, yes: v128, no: v128): v128 {
  return v128.bitselect(yes, no, mask)
}

/** (x0 + x2) + (x1 + x3). */
@inline
export function sum(x: v128): f32 {
  const y = f32x4.add(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1))
  return f32x4.extract_lane(y, 0) + f32x4.extract_lane(y, 1)
}

/** Largest of the four lanes; NaN if any is. */
@inline
export function maxLane(x: v128): f32 {
  const y = f32x4.max(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1))
  return max<f32>(f32x4.extract_lane(y, 0), f32x4.extract_lane(y, 1))
}

/** Smallest of the four lanes; NaN if any is. */
@inline
export function minLane(x: v128): f32 {
  const y = f32x4.min(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1))
  return min<f32>(f32x4.extract_lane(y, 0), f32x4.extract_lane(y, 1))
}

// The tails call themselves for three floats: that keeps asc from inlining them into every loop, where they would
// outweigh the loop. Exported below: asc warns of v128 parameters where `export` precedes a function.

/** The first `n` floats at `p`, the other lanes 0; all four if n is 4 or more. n >= 1. Reads nothing beyond them. */
function loadTail(p: usize, n: i32): v128 {
  if (n > 3) return v128.load(p)
  if (n == 3) return v128.load_lane<f32>(p, loadTail(p, 2), 2, 8)
  return n == 2 ? v128.load64_zero(p) : v128.load32_zero(p)
}

/** Stores the first `n` lanes at `p`; all four if n is 4 or more. n >= 1. Writes nothing beyond them. */
function storeTail(p: usize, x: v128, n: i32): void {
  if (n > 3) {
    v128.store(p, x)
  } else if (n == 1) {
    v128.store_lane<f32>(p, x, 0)
  } else {
    v128.store_lane<f64>(p, x, 0)
    if (n == 3) storeTail(p + 8, v128.shuffle<f32>(x, x, 2, 3, 0, 1), 1)
  }
}

export { loadTail, storeTail }
