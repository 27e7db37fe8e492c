// Functions whose slope follows from their output y, so that the forward pass need not keep x.
// Each class is a name for a pair of formulas and has no instances: the loops of kernels/unary.ts take it as a type
// parameter. value: y of x; grad: dx of dy and y. alpha is the one parameter some functions have.
// At the kinks: relu'(0) = 0, leaky_relu'(0) = elu'(0) = alpha; clamps have slope 0 at their ends.
import { atLeast, atMost, select, splat } from '../lanes'
import { exp, expm1, log1p, sigmoid, tanh } from '../math'
import { expm1Below, hardSigmoid, SIXTH, times, where } from './shared'

/** log(1 + e^-|x|) */
function logOnePlusExp(x: v128): v128 {
  return log1p(exp(f32x4.neg(f32x4.abs(x))))
}

@unmanaged
export class Linear {
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
export class Relu {
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
export class Relu6 {
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
export class LeakyRelu {
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
export class Elu {
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
export class Celu {
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
export class Selu {
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
export class Sigmoid {
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
export class Tanh {
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
export class HardTanh {
  @inline
  value(x: v128, alpha: v128): v128 {
    return atMost(atLeast(x, -1), 1)
  }
  @inline
  grad(dy: v128, y: v128, alpha: v128): v128 {
    return where(f32x4.lt(f32x4.abs(y), splat(1)), dy)
  }
}

/** The slope that alpha stands for: 1/6 if it is 0. */
@inline
function hardSlope(alpha: v128): v128 {
  return select(f32x4.eq(alpha, splat(0)), splat(SIXTH), alpha)
}

/** min(max(alpha x + 1/2, 0), 1), alpha 1/6 if it is 0; slope 0 < y < 1 ? alpha : 0 */
@unmanaged
export class HardSigmoid {
  @inline
  value(x: v128, alpha: v128): v128 {
    return hardSigmoid(x, hardSlope(alpha))
  }
  @inline
  grad(dy: v128, y: v128, alpha: v128): v128 {
    const inside = v128.and(f32x4.gt(y, splat(0)), f32x4.lt(y, splat(1)))
    return where(inside, times(dy, hardSlope(alpha)))
  }
}

/** slope y */
@unmanaged
export class Exp {
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
export class Softplus {
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
export class LogSigmoid {
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
export class Softsign {
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
export class Sqrt {
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
export class Reciprocal {
  @inline
  value(x: v128, alpha: v128): v128 {
    return f32x4.div(splat(1), x)
  }
  @inline
  grad(dy: v128, y: v128, alpha: v128): v128 {
    return f32x4.neg(times(times(dy, y), y))
  }
}
