// Functions whose slope is computed from their input x.
// Each class is a name for a pair of formulas and has no instances: the loops of kernels/unary.ts take it as a type
// parameter. value: y of x; grad: dx of dy and x. alpha is the one parameter some functions have.
// At the kinks: abs'(0) = sign'(0) = 0; clamps have slope 0 at their ends.
import { atLeast, atMost, madd, select, splat, withSign } from '../lanes'
import { erf, exp, expBelow, log, sigmoid, tanh } from '../math'
import { hardSigmoid, SIXTH, times, where } from './shared'

// A slope below is a product in which one factor may overflow while the other is 0. Where it has long
// reached its limit the argument is clamped first: the result is the same, and no infinity meets a 0.

const INV_SQRT_TWO_PI: f32 = 0.3989422804014327
const TWO_INV_SQRT_PI: f32 = 1.1283791670955126

/** e^(-x^2 / 2) */
@inline
function bell(x: v128): v128 {
  return expBelow(f32x4.mul(f32x4.mul(x, x), splat(-0.5)))
}

/**
 * Phi(x), the normal distribution function, for e = bell(x); absolute error 2e-7. Phi(-|x|) = e p(t), t = 1 / (1 + 0.38 |x|)
 * (the form is that of C. Hastings 1955; own fit of degree 6, absolute error 1.8e-8).
 */
@inline
function normalCdf(x: v128, e: v128): v128 {
  const t = f32x4.div(splat(1), madd(f32x4.abs(x), splat(0.38), splat(1)))
  let p = splat(0.0502445579022547)
  p = madd(p, t, splat(-0.2577109507343169))
  p = madd(p, t, splat(0.4074351148542982))
  p = madd(p, t, splat(-0.0469160705325737))
  p = madd(p, t, splat(0.20099375627404864))
  p = madd(p, t, splat(0.1459535747380456))
  const tail = f32x4.mul(e, f32x4.mul(p, t))
  // tail below 0, 1 - tail above
  return f32x4.abs(f32x4.sub(v128.and(f32x4.ge(x, splat(0)), splat(1)), tail))
}

/**
 * x Phi(x), absolute error 2.2e-7 |x| (Hendrycks and Gimpel 2016).
 * Slope Phi(x) + x phi(x), phi(x) = e^(-x^2/2) / sqrt(2 pi).
 */
@unmanaged
export class Gelu {
  @inline
  value(x: v128, alpha: v128): v128 {
    return f32x4.mul(x, normalCdf(x, bell(x)))
  }
  @inline
  grad(dy: v128, s: v128, alpha: v128): v128 {
    const x = atMost(atLeast(s, -20), 20)
    const e = bell(x)
    return times(dy, madd(f32x4.mul(x, e), splat(INV_SQRT_TWO_PI), normalCdf(x, e)))
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
export class GeluTanh {
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
export class Silu {
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

/** x min(max((x + 3) / 6, 0), 1); slope 0 up to -3, 1 from 3 on, (2x + 3) / 6 between */
@unmanaged
export class HardSwish {
  @inline
  value(x: v128, alpha: v128): v128 {
    return f32x4.mul(x, hardSigmoid(x, splat(SIXTH)))
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
export class Mish {
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
export class Square {
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
export class Negate {
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
export class Abs {
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
export class Sign {
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
export class Log {
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
export class Erf {
  @inline
  value(x: v128, alpha: v128): v128 {
    return erf(x)
  }
  @inline
  grad(dy: v128, x: v128, alpha: v128): v128 {
    return times(dy, f32x4.mul(expBelow(f32x4.neg(f32x4.mul(x, x))), splat(TWO_INV_SQRT_PI)))
  }
}
