// exp, log, log1p, expm1, tanh, sigmoid and erf on four floats: v128 -> v128, no tables, no memory.
// In: any float, denormals, infinities and NaN included (expm1 alone asks for a bounded argument).
// Out: within the stated bound (in ulp of the float32 result, against the exact value; `npm run scan:math` holds every float32
// to it, CI one of 128, test/kernels/math.test.ts a sample and the worst arguments), exact at 0 and at the infinities; NaN
// gives NaN. Only + - * / and bit operations: the same bits on every machine, relaxed builds excepted.
// All functions inline: a caller in a cold or crowded place wraps them in a function of its own.
import { atLeast, atMost, madd, select, splat, withSign } from './lanes'

// exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln 2 / 2 (Cody and Waite 1980).
const LOG2_E: f32 = 1.44269504
const LN2_HIGH: f32 = 0.693359375 // 355/512: n * LN2_HIGH is exact
const LN2_LOW: f32 = -2.12194440e-4
// x + 1.5 * 2^23 rounds x to an integer, ties to even, and leaves it in the low mantissa bits: one addition
// where rounding and converting would take two slow instructions.
const SHIFTER: f32 = 12582912
const ONE_BITS: i32 = 0x3f800000

/** x / ln 2 rounded to an integer n, plus SHIFTER: n lies in the low bits. |x| < 2^21. */
@inline
function shifted(x: v128): v128 {
  return madd(x, splat(LOG2_E), splat(SHIFTER))
}

/** r = x - n ln 2, for t = shifted(x). */
@inline
function remainder(x: v128, t: v128): v128 {
  const n = f32x4.sub(t, splat(SHIFTER))
  return madd(n, splat(-LN2_LOW), madd(n, splat(-LN2_HIGH), x))
}

/** 2^n for bits that hold n (-126 to 127) in the low 9 bits. */
@inline
function powerOfTwo(n: v128): v128 {
  return i32x4.add(i32x4.shl(n, 23), i32x4.splat(ONE_BITS))
}

/** exp(r) - 1 for |r| <= 0.348: r + r^2 q(r), q minimax of degree 4 (own fit, relative error of exp 3.2e-9). */
@inline
function expm1Core(r: v128): v128 {
  let q = splat(0.0013814010890200734)
  q = madd(q, r, splat(0.008369000628590584))
  q = madd(q, r, splat(0.04166841506958008))
  q = madd(q, r, splat(0.166665181517601))
  q = madd(q, r, splat(0.4999999403953552))
  return madd(f32x4.mul(r, r), q, r)
}

/**
 * e^x. Error at most 0.989 ulp (at -27.378984451293945), gradual underflow included; 0 below -103.98, infinity above 88.73.
 * The power of two is applied in two halves, so it neither overflows early nor loses denormals.
 */
@inline
export function exp(x: v128): v128 {
  const y = atMost(atLeast(x, -104), 89)
  const t = shifted(y)
  const e = f32x4.add(expm1Core(remainder(y, t)), splat(1))
  const half = i32x4.shr_s(t, 1)
  return f32x4.mul(f32x4.mul(e, powerOfTwo(half)), powerOfTwo(i32x4.sub(t, half)))
}

/** e^x for x <= 0, with the same bits: times 2^(n + 64), which is exact, then 2^-64, so that denormals round once. */
@inline
export function expBelow(x: v128): v128 {
  const y = atLeast(x, -104)
  const t = shifted(y)
  const e = f32x4.add(expm1Core(remainder(y, t)), splat(1))
  const power = i32x4.add(i32x4.shl(t, 23), i32x4.splat(ONE_BITS + (64 << 23)))
  return f32x4.mul(f32x4.mul(e, power), splat(5.421010862427522e-20))
}

/** e^x - 1 for -80 <= x <= 80 (the caller clamps). Error at most 1.52 ulp (at 0.3881009519100189). 2^n (e^r - 1) + (2^n - 1). */
@inline
export function expm1(x: v128): v128 {
  const t = shifted(x)
  const power = powerOfTwo(t)
  return madd(expm1Core(remainder(x, t)), power, f32x4.sub(power, splat(1)))
}

/** e^x, with the same error from -87 to 88; below e^-87, above infinity at the latest from 89 on. */
@inline
export function expNormal(x: v128): v128 {
  const y = atMost(atLeast(x, -87), 89)
  const t = shifted(y)
  return f32x4.mul(f32x4.add(expm1Core(remainder(y, t)), splat(1)), powerOfTwo(t))
}

/**
 * 1 / (1 + e^-x). Error at most 2.481 ulp for x >= -87 (at -16.635704040527344); below, where results are denormal, at most
 * 2^-126.
 */
@inline
export function sigmoid(x: v128): v128 {
  return f32x4.div(splat(1), f32x4.add(expNormal(f32x4.neg(x)), splat(1)))
}

/**
 * tanh x = E / (E + 2) with E = e^(2|x|) - 1. Error at most 2.669 ulp (at 0.06179806962609291); exactly 1 from
 * 2|x| = 20 on.
 */
@inline
export function tanh(x: v128): v128 {
  const a = f32x4.abs(x)
  const e = expm1(atMost(f32x4.add(a, a), 20))
  return withSign(f32x4.div(e, f32x4.add(e, splat(2))), x)
}

/**
 * erf x = 1 - exp(-a S(a)), a = |x|, S(a) = -log(1 - erf a) / a as a polynomial of degree 8 on [0, 4] (the form is
 * N. Juffa's; own fit, relative error of erf 4e-9). exp damps the rounding errors of the polynomial:
 * error at most 3.156 ulp (at 0.006906184367835522); exactly 1 from |x| = 4 on.
 */
@inline
export function erf(x: v128): v128 {
  const a = atMost(f32x4.abs(x), 4)
  let s = splat(-9.256265002477448e-6)
  s = madd(s, a, splat(0.00011764126975322142))
  s = madd(s, a, splat(-0.000632836832664907))
  s = madd(s, a, splat(0.00166702747810632))
  s = madd(s, a, splat(-0.00016039608453866094))
  s = madd(s, a, splat(-0.019153064116835594))
  s = madd(s, a, splat(0.10277783125638962))
  s = madd(s, a, splat(0.6366193890571594))
  s = madd(s, a, splat(1.128379225730896))
  return withSign(f32x4.abs(expm1(f32x4.neg(f32x4.mul(a, s)))), x)
}

const SQRT_HALF_BITS: i32 = 0x3f3504f3
const SMALLEST_NORMAL: f32 = 1.1754943508222875e-38

/**
 * log(1 + f) + k ln 2 + c for 1 + f in [sqrt(1/2), sqrt 2], c tiny.
 * With s = f / (2 + f): log(1 + f) = f - f^2/2 + s (f^2/2 + R(s^2)); coefficients of FreeBSD's e_logf.c.
 */
@inline
function logCore(f: v128, k: v128, c: v128): v128 {
  const s = f32x4.div(f, f32x4.add(f, splat(2)))
  const z = f32x4.mul(s, s)
  let r = madd(z, splat(0.24279078841), splat(0.28498786688))
  r = madd(z, r, splat(0.40000972152))
  r = madd(z, r, splat(0.66666662693))
  const half = f32x4.mul(f32x4.mul(f, f), splat(0.5))
  const low = madd(k, splat(LN2_LOW), madd(s, madd(z, r, half), c))
  return madd(k, splat(LN2_HIGH), f32x4.add(f32x4.sub(low, half), f))
}

/** `y` where 0 < u < infinity; else log u itself: -infinity at 0, NaN below, infinity and NaN as they came. */
@inline
function logEdges(u: v128, y: v128): v128 {
  const inside = select(f32x4.lt(u, splat(Infinity)), y, u)
  const outside = select(f32x4.eq(u, splat(0)), splat(-Infinity), splat(NaN))
  return select(f32x4.gt(u, splat(0)), inside, outside)
}

/** log x, natural. Error at most 1 ulp (0.840 at 1.4133185148239136), denormal arguments included. */
@inline
export function log(x: v128): v128 {
  const tiny = f32x4.lt(x, splat(SMALLEST_NORMAL))
  const y = select(tiny, f32x4.mul(x, splat(33554432)), x) // 2^25
  // k = exponent of y relative to sqrt(1/2), m = y / 2^k in [sqrt(1/2), sqrt 2)
  const k = i32x4.shr_s(i32x4.sub(y, i32x4.splat(SQRT_HALF_BITS)), 23)
  const m = i32x4.sub(y, i32x4.shl(k, 23))
  const exponent = f32x4.sub(f32x4.convert_i32x4_s(k), v128.and(tiny, splat(25)))
  return logEdges(x, logCore(f32x4.sub(m, splat(1)), exponent, splat(0)))
}

/**
 * log(1 + x). Error at most 1 ulp on (-1, infinity). u = 1 + x is rounded; what rounding cut off, c, comes back as
 * log(1 + x) = log u + c / u. Near 0 (k = 0) x itself takes the place of u - 1.
 */
@inline
export function log1p(x: v128): v128 {
  const one = splat(1)
  const u = f32x4.add(x, one)
  const near = v128.and(f32x4.gt(x, splat(-0.29)), f32x4.lt(x, splat(0.41)))
  const k = i32x4.shr_s(i32x4.sub(u, i32x4.splat(SQRT_HALF_BITS)), 23)
  const m = i32x4.sub(u, i32x4.shl(k, 23))
  const f = select(near, x, f32x4.sub(m, one))
  // Dekker's two-sum, the larger operand first
  const cut = f32x4.sub(f32x4.pmin(x, one), f32x4.sub(u, f32x4.pmax(x, one)))
  const c = v128.andnot(f32x4.div(cut, u), near)
  return logEdges(u, logCore(f, f32x4.convert_i32x4_s(k), c))
}
