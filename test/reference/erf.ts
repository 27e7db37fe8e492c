// erf and erfc in float64, the reference for the vector erf and for gelu.
// In: any number. Out: erf to about 1e-15 relative, erfc to about 1e-13 relative, NaN for NaN.
// Below 2: the series of erf with positive terms only (Abramowitz and Stegun 7.1.6), so nothing cancels.
// Above: the continued fraction of erfc (7.1.14), evaluated from the inside out at a fixed depth.
// Math.exp is welcome here: nothing on this side reaches a weight.

const TWO_INV_SQRT_PI = 2 / Math.sqrt(Math.PI)

/** 2/sqrt(pi) e^(-x^2) sum of 2^n x^(2n+1) / (1 3 5 ... (2n+1)) */
function series(x: number): number {
  let term = x
  let sum = x
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-18; n++) {
    term *= (2 * x * x) / (2 * n + 1)
    sum += term
  }
  return TWO_INV_SQRT_PI * Math.exp(-x * x) * sum
}

/** e^(-x^2) / sqrt(pi) / (x + (1/2)/(x + 1/(x + (3/2)/(x + 2/(x + ...))))), x >= 2 */
function fraction(x: number): number {
  let tail = x
  for (let n = 200; n >= 1; n--) tail = x + n / 2 / tail
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / tail
}

/** 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x. */
export function erf(x: number): number {
  if (Math.abs(x) < 2) return series(x)
  return x > 0 ? 1 - fraction(x) : x < 0 ? fraction(-x) - 1 : x
}

/** 1 - erf x, without cancellation for large x. */
export function erfc(x: number): number {
  if (x >= 2) return fraction(x)
  return 1 - erf(x)
}
