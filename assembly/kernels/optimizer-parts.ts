// Parts of several optimizers: moving averages, the step count, powers.
// Float64 reference: test/reference/optimizers.ts
import { HEADER_LEARNING_RATE, HEADER_STEP_COUNT, UPDATE_FLAGS, UPDATE_RATE, UPDATE_SCALED } from '../abi'
import { madd } from '../lanes'

/** Least epsilon: 0/0 never arises; where it matters, g^2 has left the range of a float long before. */
export const EPSILON_FLOOR: f64 = 1e-17

/**
 * Slots smaller than this become 0. A slot whose gradient stays away decays by a constant factor, into the
 * denormals, where it would stay for ever (0.9 of the least float rounds to itself) and each operation costs x64
 * over a hundred cycles.
 */
const SLOT_FLOOR: f32 = 1e-36

/** x, or 0 if |x| is below SLOT_FLOOR; NaN stays. */
@inline
export function flush(x: v128): v128 {
  return v128.andnot(x, f32x4.lt(f32x4.abs(x), f32x4.splat(SLOT_FLOOR)))
}

/** Moving average x + share (y - x) = (1 - share) x + share y. */
@inline
export function average(x: v128, y: v128, share: v128): v128 {
  return flush(madd(f32x4.sub(y, x), share, x))
}

/**
 * |g| counts as at least this in averages of g^2: neither the square, nor what is left of it by a share of 1e-5, nor the
 * last bits of either are denormals then. It is far below any epsilon that matters.
 */
const LEAST_ROOT: f32 = 1e-14

/** The same of y = g^2. */
@inline
export function averageSquare(x: v128, g: v128, share: v128): v128 {
  const y = f32x4.pmax(f32x4.abs(g), f32x4.splat(LEAST_ROOT))
  return madd(f32x4.sub(f32x4.mul(y, y), x), share, x)
}

@inline
export function splat(x: f64): v128 {
  return f32x4.splat(<f32>x)
}

/** The steps done, this one included. */
export function stepCount(header: usize): u64 {
  return <u64>load<f64>(header, HEADER_STEP_COUNT)
}

/** The learning rate of an update's weights. */
export function rateOf(o: usize, header: usize): f64 {
  const rate = <f64>load<f32>(header, HEADER_LEARNING_RATE)
  return load<i32>(o, UPDATE_FLAGS) & UPDATE_SCALED ? rate * load<f64>(o, UPDATE_RATE) : rate
}

/** base^n by repeated squaring. */
export function power(base: f64, n: u64): f64 {
  let result: f64 = 1
  for (; n; n >>= 1) {
    if (n & 1) result *= base
    base *= base
  }
  return result
}
