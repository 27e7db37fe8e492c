// y = f(x) per element, and dx = dy f'(x), for every FN_* of abi.ts.
// In: addresses of float32 arrays of one length, a function code, alpha (the one parameter some functions have).
// The gradient reads what the forward pass saved: y for the functions whose slope y determines, else x (two sections).
// dst may be src, dx may be dy or saved; otherwise they are disjoint. Touches `count` floats and nothing beyond.
// Each class is a name for a pair of formulas and has no instances: the loops at the end take it as a type parameter.
// At the kinks: relu'(0) = abs'(0) = sign'(0) = 0, leaky_relu'(0) = elu'(0) = alpha; clamps have slope 0 at their ends.
import { atLeast, atMost, loadTail, madd, select, splat, storeTail, withSign } from '../lanes'
import { erf, exp, expm1, log, log1p, sigmoid, tanh } from '../math'

/** e^x - 1 for x <= 0: exactly -1 from -20 on. */
@inline
function expm1Below(x: v128): v128 {
  return expm1(atLeast(x, -20))
}

/** log(1 + e^-|x|) */
function logOnePlusExp(x: v128): v128 {
  return log1p(exp(f32x4.neg(f32x4.abs(x))))
}

/** dy in the lanes where the comparison `mask` holds, else 0 (and never NaN, whatever dy is). */
@inline
function where(mask: v128, dy: v128): v128 {
  return v128.and(mask, dy)
}

@inline
function times(dy: v128, slope: v128): v128 {
  return f32x4.mul(dy, slope)
}

// ---- saved: y -----------------------------------------------------------------------------------

@unmanaged
class Linear {
  @inline
  value(x: v128, alpha: v128): v128 {
    return x
  }
  @inline
  grad(dy: v128, y: v128, alpha: v128): v128 {
    return dy
  }
}

/** max(x, 0); slope y > 0 */
@unmanaged
class Relu {
  @inline
  value(x: v128, alpha: v128): v128 {
    return atLeast(x, 0)
  }
  @inline
  grad(dy: v128, y: v128, alpha: v128): v128 {
    return where(f32x4.gt(y, splat(0)), dy)
  }
}

/** min(max(x, 0), 6); slope 0 < y < 6 */
@unmanaged
class Relu6 {
  @inline
  value(x: v128, alpha: v128): v128 {
    return atMost(atLeast(x, 0), 6)
  }
  @inline
  grad(dy: v128, y: v128, alpha: v128): v128 {
    return where(v128.and(f32x4.gt(y, splat(0)), f32x4.lt(y, splat(6))), dy)
  }
}

/** x > 0 ? x : alpha x, alpha >= 0 (else y doesn't tell the sign of x); slope y > 0 ? 1 : alpha */
@unmanaged
class LeakyRelu {
  @inline
  value(x: v128, alpha: v128): v128 {
    return select(f32x4.gt(x, splat(0)), x, f32x4.mul(x, alpha))
  }
  @inline
  grad(dy: v128, y: v128, alpha: v128): v128 {
    return select(f32x4.gt(y, splat(0)), dy, f32x4.mul(dy, alpha))
  }
}

/** x > 0 ? x : alpha (e^x - 1), alpha > 0; slope y > 0 ? 1 : y + alpha */
@unmanaged
class Elu {
  @inline
  value(x: v128, alpha: v128): v128 {
    return select(f32x4.gt(x, splat(0)), x, f32x4.mul(alpha, expm1Below(x)))
  }
  @inline
  grad(dy: v128, y: v128, alpha: v128): v128 {
    return select(f32x4.gt(y, splat(0)), dy, times(dy, f32x4.add(y, alpha)))
  }
}

/** x > 0 ? x : alpha (e^(x/alpha) - 1), alpha > 0; slope y > 0 ? 1 : y / alpha + 1 */
@unmanaged
class Celu {
  @inline
  value(x: v128, alpha: v128): v128 {
    return select(f32x4.gt(x, splat(0)), x, f32x4.mul(alpha, expm1Below(f32x4.div(x, alpha))))
  }
  @inline
  grad(dy: v128, y: v128, alpha: v128): v128 {
    return select(f32x4.gt(y, splat(0)), dy, times(dy, f32x4.add(f32x4.div(y, alpha), splat(1))))
  }
}

// Klambauer et al. 2017, "Self-Normalizing Neural Networks"
const SELU_SCALE: f32 = 1.0507009873554805
const SELU_SCALE_ALPHA: f32 = 1.7580993408473766

/** scale (x > 0 ? x : alpha (e^x - 1)) with the fixed scale and alpha above; slope y > 0 ? scale : y + scale alpha */
@unmanaged
class Selu {
  @inline
  value(x: v128, alpha: v128): v128 {
    const negative = f32x4.mul(splat(SELU_SCALE_ALPHA), expm1Below(x))
    return select(f32x4.gt(x, splat(0)), f32x4.mul(x, splat(SELU_SCALE)), negative)
  }
  @inline
  grad(dy: v128, y: v128, alpha: v128): v128 {
    return times(dy, select(f32x4.gt(y, splat(0)), splat(SELU_SCALE), f32x4.add(y, splat(SELU_SCALE_ALPHA))))
  }
}

/** 1 / (1 + e^-x); slope y (1 - y) */
@unmanaged
class Sigmoid {
  @inline
  value(x: v128, alpha: v128): v128 {
    return sigmoid(x)
  }
  @inline
  grad(dy: v128, y: v128, alpha: v128): v128 {
    return times(dy, f32x4.mul(y, f32x4.sub(splat(1), y)))
  }
}

/** slope (1 - y) (1 + y) */
@unmanaged
class Tanh {
  @inline
  value(x: v128, alpha: v128): v128 {
    return tanh(x)
  }
  @inline
  grad(dy: v128, y: v128, alpha: v128): v128 {
    return times(dy, f32x4.mul(f32x4.sub(splat(1), y), f32x4.add(splat(1), y)))
  }
}

/** min(max(x, -1), 1); slope |y| < 1 */
@unmanaged
class HardTanh {
  @inline
  value(x: v128, alpha: v128): v128 {
    return atMost(atLeast(x, -1), 1)
  }
  @inline
  grad(dy: v128, y: v128, alpha: v128): v128 {
    return where(f32x4.lt(f32x4.abs(y), splat(1)), dy)
  }
}

const SIXTH: f32 = 1.0 / 6.0

/** min(max((x + 3) / 6, 0), 1) */
@inline
function hardSigmoid(x: v128): v128 {
  return atMost(atLeast(f32x4.mul(f32x4.add(x, splat(3)), splat(SIXTH)), 0), 1)
}

/** slope 0 < y < 1 ? 1/6 : 0 */
@unmanaged
class HardSigmoid {
  @inline
  value(x: v128, alpha: v128): v128 {
    return hardSigmoid(x)
  }
  @inline
  grad(dy: v128, y: v128, alpha: v128): v128 {
    const inside = v128.and(f32x4.gt(y, splat(0)), f32x4.lt(y, splat(1)))
    return where(inside, times(dy, splat(SIXTH)))
  }
}

/** slope y */
@unmanaged
class Exp {
  @inline
  value(x: v128, alpha: v128): v128 {
    return exp(x)
  }
  @inline
  grad(dy: v128, y: v128, alpha: v128): v128 {
    return times(dy, y)
  }
}

/** log(1 + e^x) = max(x, 0) + log(1 + e^-|x|); slope 1 - e^-y, which keeps its relative accuracy near 0 */
@unmanaged
class Softplus {
  @inline
  value(x: v128, alpha: v128): v128 {
    return f32x4.add(atLeast(x, 0), logOnePlusExp(x))
  }
  @inline
  grad(dy: v128, y: v128, alpha: v128): v128 {
    return times(dy, f32x4.neg(expm1Below(f32x4.neg(y))))
  }
}

/** log(1 / (1 + e^-x)) = min(x, 0) - log(1 + e^-|x|); slope 1 - e^y */
@unmanaged
class LogSigmoid {
  @inline
  value(x: v128, alpha: v128): v128 {
    return f32x4.sub(atMost(x, 0), logOnePlusExp(x))
  }
  @inline
  grad(dy: v128, y: v128, alpha: v128): v128 {
    return times(dy, f32x4.neg(expm1Below(y)))
  }
}

/** x / (1 + |x|); slope (1 - |y|)^2 */
@unmanaged
class Softsign {
  @inline
  value(x: v128, alpha: v128): v128 {
    return f32x4.div(x, f32x4.add(f32x4.abs(x), splat(1)))
  }
  @inline
  grad(dy: v128, y: v128, alpha: v128): v128 {
    const r = f32x4.sub(splat(1), f32x4.abs(y))
    return times(dy, f32x4.mul(r, r))
  }
}

/** slope 1 / (2 y) */
@unmanaged
class Sqrt {
  @inline
  value(x: v128, alpha: v128): v128 {
    return f32x4.sqrt(x)
  }
  @inline
  grad(dy: v128, y: v128, alpha: v128): v128 {
    return f32x4.div(times(dy, splat(0.5)), y)
  }
}

/** 1 / x; slope -y^2 */
@unmanaged
class Reciprocal {
  @inline
  value(x: v128, alpha: v128): v128 {
    return f32x4.div(splat(1), x)
  }
  @inline
  grad(dy: v128, y: v128, alpha: v128): v128 {
    return f32x4.neg(times(times(dy, y), y))
  }
}

// ---- saved: x -----------------------------------------------------------------------------------
// A slope below is a product in which one factor may overflow while the other is 0. Where it has long
// reached its limit the argument is clamped first: the result is the same, and no infinity meets a 0.

const SQRT_HALF: f32 = 0.7071067811865476
const INV_SQRT_TWO_PI: f32 = 0.3989422804014327
const TWO_INV_SQRT_PI: f32 = 1.1283791670955126

/** Phi(x) = (1 + erf(x / sqrt 2)) / 2, the normal distribution function; absolute error 2e-7 */
@inline
function normalCdf(x: v128): v128 {
  return madd(erf(f32x4.mul(x, splat(SQRT_HALF))), splat(0.5), splat(0.5))
}

/**
 * x Phi(x), absolute error 2e-7 |x| in the negative tail (Hendrycks and Gimpel 2016).
 * Slope Phi(x) + x phi(x), phi(x) = e^(-x^2/2) / sqrt(2 pi).
 */
@unmanaged
class Gelu {
  @inline
  value(x: v128, alpha: v128): v128 {
    return f32x4.mul(x, normalCdf(x))
  }
  @inline
  grad(dy: v128, s: v128, alpha: v128): v128 {
    const x = atMost(atLeast(s, -20), 20)
    const density = f32x4.mul(exp(f32x4.mul(f32x4.mul(x, x), splat(-0.5))), splat(INV_SQRT_TWO_PI))
    return times(dy, madd(x, density, normalCdf(x)))
  }
}

// 2 sqrt(2/pi) and its product with 0.044715
const GELU_LINEAR: f32 = 1.5957691216057308
const GELU_CUBIC: f32 = 0.07135481627260025

/**
 * x (1 + tanh u) / 2 with u = sqrt(2/pi) (x + 0.044715 x^3), written x s, s = sigmoid(2u), which keeps the negative
 * tail. With e = e^(-2u): slope s (1 + x (1 - s) 2u'), 1 - s = e s (no cancellation). e is finite up to |x| = 10.
 */
@unmanaged
class GeluTanh {
  @inline
  value(x: v128, alpha: v128): v128 {
    const inner = madd(f32x4.mul(x, x), splat(GELU_CUBIC), splat(GELU_LINEAR))
    return f32x4.mul(x, sigmoid(f32x4.mul(x, inner)))
  }
  @inline
  grad(dy: v128, s: v128, alpha: v128): v128 {
    const x = atMost(atLeast(s, -10), 10)
    const square = f32x4.mul(x, x)
    const e = exp(f32x4.neg(f32x4.mul(x, madd(square, splat(GELU_CUBIC), splat(GELU_LINEAR)))))
    const innerSlope = madd(square, splat(3 * GELU_CUBIC), splat(GELU_LINEAR))
    return times(dy, swishSlope(f32x4.mul(x, innerSlope), e))
  }
}

/** s (1 + z (1 - s)) with s = 1 / (1 + e), 1 - s = e s; e finite */
@inline
function swishSlope(z: v128, e: v128): v128 {
  const s = f32x4.div(splat(1), f32x4.add(e, splat(1)))
  return f32x4.mul(s, madd(z, f32x4.mul(e, s), splat(1)))
}

/** x s with s = sigmoid(x); slope s (1 + x (1 - s)), below -88 taken as at -88: -5e-37 */
@unmanaged
class Silu {
  @inline
  value(x: v128, alpha: v128): v128 {
    return f32x4.mul(x, sigmoid(x))
  }
  @inline
  grad(dy: v128, s: v128, alpha: v128): v128 {
    const x = atMost(atLeast(s, -88), 88)
    return times(dy, swishSlope(x, exp(f32x4.neg(x))))
  }
}

/** x hardSigmoid(x); slope 0 up to -3, 1 from 3 on, (2x + 3) / 6 between */
@unmanaged
class HardSwish {
  @inline
  value(x: v128, alpha: v128): v128 {
    return f32x4.mul(x, hardSigmoid(x))
  }
  @inline
  grad(dy: v128, x: v128, alpha: v128): v128 {
    const between = times(dy, f32x4.mul(madd(x, splat(2), splat(3)), splat(SIXTH)))
    return where(f32x4.gt(x, splat(-3)), select(f32x4.lt(x, splat(3)), between, dy))
  }
}

/**
 * x tanh(softplus x) = x n / (n + 2), with e = e^x and n = e (e + 2) (Misra 2019).
 * Slope t + x t' with t = n / (n + 2), t' = 4 e (e + 1) / (n + 2)^2. From x = 20 on t is 1 and t' is 0.
 */
@unmanaged
class Mish {
  @inline
  value(x: v128, alpha: v128): v128 {
    const e = exp(atMost(x, 20))
    const n = f32x4.mul(e, f32x4.add(e, splat(2)))
    return f32x4.mul(x, f32x4.div(n, f32x4.add(n, splat(2))))
  }
  @inline
  grad(dy: v128, x: v128, alpha: v128): v128 {
    const y = atMost(atLeast(x, -104), 20)
    const e = exp(y)
    const n = f32x4.mul(e, f32x4.add(e, splat(2)))
    const inverse = f32x4.div(splat(1), f32x4.add(n, splat(2)))
    const rise = f32x4.mul(f32x4.mul(f32x4.mul(e, splat(4)), f32x4.add(e, splat(1))), f32x4.mul(inverse, inverse))
    return times(dy, madd(y, rise, f32x4.mul(n, inverse)))
  }
}

/** slope 2 x */
@unmanaged
class Square {
  @inline
  value(x: v128, alpha: v128): v128 {
    return f32x4.mul(x, x)
  }
  @inline
  grad(dy: v128, x: v128, alpha: v128): v128 {
    return times(dy, f32x4.add(x, x))
  }
}

@unmanaged
class Negate {
  @inline
  value(x: v128, alpha: v128): v128 {
    return f32x4.neg(x)
  }
  @inline
  grad(dy: v128, x: v128, alpha: v128): v128 {
    return f32x4.neg(dy)
  }
}

/** slope sign x, 0 at 0 */
@unmanaged
class Abs {
  @inline
  value(x: v128, alpha: v128): v128 {
    return f32x4.abs(x)
  }
  @inline
  grad(dy: v128, x: v128, alpha: v128): v128 {
    return where(f32x4.ne(x, splat(0)), v128.xor(dy, withSign(splat(0), x)))
  }
}

/** -1, 0 or 1 (a zero keeps its sign); slope 0 */
@unmanaged
class Sign {
  @inline
  value(x: v128, alpha: v128): v128 {
    return select(f32x4.ne(f32x4.abs(x), f32x4.abs(x)), x, withSign(where(f32x4.ne(x, splat(0)), splat(1)), x))
  }
  @inline
  grad(dy: v128, x: v128, alpha: v128): v128 {
    return splat(0)
  }
}

/** slope 1 / x */
@unmanaged
class Log {
  @inline
  value(x: v128, alpha: v128): v128 {
    return log(x)
  }
  @inline
  grad(dy: v128, x: v128, alpha: v128): v128 {
    return f32x4.div(dy, x)
  }
}

/** slope 2 / sqrt(pi) e^(-x^2) */
@unmanaged
class Erf {
  @inline
  value(x: v128, alpha: v128): v128 {
    return erf(x)
  }
  @inline
  grad(dy: v128, x: v128, alpha: v128): v128 {
    return times(dy, f32x4.mul(exp(f32x4.neg(f32x4.mul(x, x))), splat(TWO_INV_SQRT_PI)))
  }
}

// ---- loops --------------------------------------------------------------------------------------
// count >= 1. A ragged end costs no second copy of the body: the last vector is the last four floats, computed again
// where it overlaps the one before. In place that is right because a vector is loaded before the previous is stored.

function each<F>(dst: usize, src: usize, count: i32, alpha: f32): void {
  const f = changetype<F>(0)
  const a = splat(alpha)
  const last = max(count - 4, 0) << 2
  let x = loadTail(src, count)
  for (let at = 0; ; ) {
    const y = f.value(x, a)
    if (at >= last) {
      storeTail(dst + at, y, count)
      return
    }
    const next = min(at + 16, last)
    x = v128.load(src + next)
    v128.store(dst + at, y)
    at = next
  }
}

function eachGrad<F>(dx: usize, dy: usize, saved: usize, count: i32, alpha: f32): void {
  const f = changetype<F>(0)
  const a = splat(alpha)
  const last = max(count - 4, 0) << 2
  let g = loadTail(dy, count)
  let s = loadTail(saved, count)
  for (let at = 0; ; ) {
    const r = f.grad(g, s, a)
    if (at >= last) {
      storeTail(dx + at, r, count)
      return
    }
    const next = min(at + 16, last)
    g = v128.load(dy + next)
    s = v128.load(saved + next)
    v128.store(dx + at, r)
    at = next
  }
}

type Each = (dst: usize, src: usize, count: i32, alpha: f32) => void
type EachGrad = (dx: usize, dy: usize, saved: usize, count: i32, alpha: f32) => void

// One row per FN_* code, in the order of the codes. Tables, not switches: a loop stays a small function of its own,
// which the engine optimizes as soon as it is hot, instead of a part of one function of all loops.
const FORWARD: StaticArray<Each> = [
  (y, x, n, a) => each<Linear>(y, x, n, a),
  (y, x, n, a) => each<Relu>(y, x, n, a),
  (y, x, n, a) => each<Relu6>(y, x, n, a),
  (y, x, n, a) => each<LeakyRelu>(y, x, n, a),
  (y, x, n, a) => each<Elu>(y, x, n, a),
  (y, x, n, a) => each<Celu>(y, x, n, a),
  (y, x, n, a) => each<Selu>(y, x, n, a),
  (y, x, n, a) => each<Gelu>(y, x, n, a),
  (y, x, n, a) => each<GeluTanh>(y, x, n, a),
  (y, x, n, a) => each<Silu>(y, x, n, a),
  (y, x, n, a) => each<Sigmoid>(y, x, n, a),
  (y, x, n, a) => each<LogSigmoid>(y, x, n, a),
  (y, x, n, a) => each<Tanh>(y, x, n, a),
  (y, x, n, a) => each<Softplus>(y, x, n, a),
  (y, x, n, a) => each<Softsign>(y, x, n, a),
  (y, x, n, a) => each<HardSigmoid>(y, x, n, a),
  (y, x, n, a) => each<HardSwish>(y, x, n, a),
  (y, x, n, a) => each<HardTanh>(y, x, n, a),
  (y, x, n, a) => each<Mish>(y, x, n, a),
  (y, x, n, a) => each<Exp>(y, x, n, a),
  (y, x, n, a) => each<Square>(y, x, n, a),
  (y, x, n, a) => each<Negate>(y, x, n, a),
  (y, x, n, a) => each<Abs>(y, x, n, a),
  (y, x, n, a) => each<Sign>(y, x, n, a),
  (y, x, n, a) => each<Log>(y, x, n, a),
  (y, x, n, a) => each<Sqrt>(y, x, n, a),
  (y, x, n, a) => each<Reciprocal>(y, x, n, a),
  (y, x, n, a) => each<Erf>(y, x, n, a),
]

const GRADIENT: StaticArray<EachGrad> = [
  (dx, dy, s, n, a) => eachGrad<Linear>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Relu>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Relu6>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<LeakyRelu>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Elu>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Celu>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Selu>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Gelu>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<GeluTanh>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Silu>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Sigmoid>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<LogSigmoid>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Tanh>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Softplus>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Softsign>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<HardSigmoid>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<HardSwish>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<HardTanh>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Mish>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Exp>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Square>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Negate>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Abs>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Sign>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Log>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Sqrt>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Reciprocal>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Erf>(dx, dy, s, n, a),
]

/** dst[i] = f(src[i]) for i < count, f = FN_*; dst may be src. alpha: of leaky_relu, elu, celu. */
export function applyUnary(dst: usize, src: usize, count: u32, fn: i32, alpha: f32): void {
  if (count) unchecked(FORWARD[fn])(dst, src, count, alpha)
}

/** Words: dst, src, count, function, alpha (f32). */
export function unary(p: usize): void {
  applyUnary(load<u32>(p), load<u32>(p, 4), load<u32>(p, 8), load<i32>(p, 12), load<f32>(p, 16))
}

/** Words: dx, dy, saved, count, function, alpha (f32). dx[i] = dy[i] f'(i); dx may be dy. */
export function unaryGrad(p: usize): void {
  const count = load<i32>(p, 12)
  const gradient = unchecked(GRADIENT[load<i32>(p, 16)])
  if (count) gradient(load<u32>(p), load<u32>(p, 4), load<u32>(p, 8), count, load<f32>(p, 20))
}
