// float64 numbers enter and leave: exp, log, pow, sin and cos made of + - * / and bit patterns alone, so that the bits are
// the same on every engine, which Math.exp and the like don't promise. IEEE float64 without extended precision is assumed
// (ECMAScript guarantees it). Math's transcendental functions and ** are never used. Error bounds are in ulp (units in the
// last place of the result).
//
// exp, log, sin, cos follow fdlibm:
//   Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved. Developed at SunPro, a Sun
//   Microsystems, Inc. business. Permission to use, copy, modify, and distribute this software is
//   freely granted, provided that this notice is preserved.

// ln 2 in two parts: the upper one has 32 bits, so k * LN2_HIGH is exact for every exponent k
const LN2_HIGH = 0.6931471803691238
const LN2_LOW = 1.9082149292705877e-10

/** share * count, rounded to an integer if only rounding errors part them: 0.07 * 100 gives 7. */
export function shareOf(count: number, share: number): number {
  const product = share * count
  const whole = Math.round(product)
  return Math.abs(product - whole) <= 1e-12 * count ? whole : product
}

// scratch for reading and writing the bits of a float64; nothing is kept in it between calls
const bits = new DataView(new ArrayBuffer(8))

/** 2^k for -1022 <= k <= 1023, exact. */
function powerOfTwo(k: number): number {
  bits.setInt32(0, (k + 1023) << 20)
  bits.setInt32(4, 0)
  return bits.getFloat64(0)
}

/** e^x; error < 1 ulp (1 more where the result is subnormal). exp(-Infinity) = 0, exp(NaN) = NaN. */
export function exp(x: number): number {
  if (x > 709.782712893384) return Infinity
  if (x < -745.1332191019412) return 0
  if (Number.isNaN(x)) return x
  // x = k ln 2 + r, |r| <= ln(2)/2;  e^r = 1 + 2r / (2 - r + r^2/6 - ...) = 1 + r + r c / (2 - c)
  const k = Math.floor(x * Math.LOG2E + 0.5)
  const high = x - k * LN2_HIGH
  const low = k * LN2_LOW
  const r = high - low
  const t = r * r
  const c =
    r -
    t *
      (0.16666666666666602 +
        t *
          (-0.0027777777777015593 +
            t * (6.613756321437934e-5 + t * (-1.6533902205465252e-6 + t * 4.1381367970572385e-8))))
  const y = 1 - (low - (r * c) / (2 - c) - high)
  // in two factors: 2^k alone may be subnormal or overflow; the first product is exact
  const half = k >> 1
  return y * powerOfTwo(half) * powerOfTwo(k - half)
}

/** Natural logarithm; error < 1 ulp. log(0) = -Infinity, log(x < 0) = NaN. */
export function log(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN
  if (x === Infinity) return x
  let k = 0
  if (x < 2.2250738585072014e-308) {
    x *= 18014398509481984 // 2^54: makes a subnormal normal
    k = -54
  }
  bits.setFloat64(0, x)
  // x = 2^k (1 + f), sqrt(1/2) < 1 + f < sqrt(2); 0x95f64 carries mantissas above sqrt(2) into k
  const word = bits.getInt32(0)
  const mantissa = word & 0xfffff
  const carry = (mantissa + 0x95f64) & 0x100000
  bits.setInt32(0, mantissa | (carry ^ 0x3ff00000))
  k += (word >> 20) - 1023 + (carry >> 20)
  const f = bits.getFloat64(0) - 1
  // log(1+f) = f - f^2/2 + s (f^2/2 + R(s^2)),  s = f / (2 + f)
  const s = f / (2 + f)
  const z = s * s
  const w = z * z
  const odd = w * (0.3999999999940942 + w * (0.22222198432149784 + w * 0.15313837699209373))
  const even =
    z * (0.6666666666666735 + w * (0.2857142874366239 + w * (0.1818357216161805 + w * 0.14798198605116586)))
  const halfSquare = 0.5 * f * f
  return k * LN2_HIGH - (halfSquare - (s * (halfSquare + (odd + even)) + k * LN2_LOW) - f)
}

/**
 * base^exponent. Whole exponents n up to 1024 in size: repeated squaring, exact whenever every partial
 * product is, else within |n| ulp. Any other: e^(exponent log base), within 2 + 2 |log(result)| ulp;
 * past 1024 that is the tighter of the two. Negative base with a fractional exponent: NaN.
 * Negative whole exponents divide 1 by the power, so results below 2^-1024 become 0.
 */
export function pow(base: number, exponent: number): number {
  if (!Number.isInteger(exponent)) return exp(exponent * log(base))
  let n = exponent < 0 ? -exponent : exponent
  if (n > 1024) {
    const size = exp(exponent * log(base < 0 ? -base : base))
    return base < 0 && n % 2 === 1 ? -size : size
  }
  let result = 1
  for (let square = base; ; square *= square) {
    if (n & 1) result *= square
    n >>= 1
    if (n === 0) return exponent < 0 ? 1 / result : result
  }
}

/** Sine of x radians; error < 1 ulp for |x| <= 1e6, NaN beyond: nothing here needs larger angles. */
export function sin(x: number): number {
  return quarterTurns(x, 0)
}

/** Cosine of x radians; error < 1 ulp for |x| <= 1e6, NaN beyond. */
export function cos(x: number): number {
  return quarterTurns(x, 1)
}

/** sin(x + turns pi/2) for whole turns: x = n pi/2 + r, |r| <= pi/4, r = high + low. */
function quarterTurns(x: number, turns: number): number {
  if (!(x >= -1e6 && x <= 1e6)) return NaN
  const n = Math.floor(x * 0.6366197723675814 + 0.5)
  // pi/2 in three parts of 33, 33 and 53 bits: n < 2^20 times the first two is exact
  const first = x - n * 1.5707963267341256
  const part = n * 6.077100506303966e-11
  const second = first - part
  const tail = n * 2.0222662487959506e-21 - (first - second - part)
  const high = second - tail
  const low = second - high - tail
  const quadrant = (n + turns) & 3
  const value = quadrant & 1 ? cosKernel(high, low) : sinKernel(high, low)
  return quadrant & 2 ? -value : value
}

/** sin(x + y), |x| <= pi/4, y the rounding error of x. */
function sinKernel(x: number, y: number): number {
  const z = x * x
  const r =
    0.00833333333332249 +
    z * (-0.0001984126982985795 + z * 2.7557313707070068e-6) +
    z * z * z * (-2.5050760253406863e-8 + z * 1.58969099521155e-10)
  const v = z * x
  return x - (z * (0.5 * y - v * r) - y + v * 0.16666666666666632)
}

/** cos(x + y), |x| <= pi/4, y the rounding error of x. */
function cosKernel(x: number, y: number): number {
  const z = x * x
  const w = z * z
  const r =
    z * (0.0416666666666666 + z * (-0.001388888888887411 + z * 2.480158728947673e-5)) +
    w * w * (-2.7557314351390663e-7 + z * (2.087572321298175e-9 + z * -1.1359647557788195e-11))
  const half = 0.5 * z
  const main = 1 - half
  return main + (1 - main - half + (z * r - x * y))
}
