// Numbers of 16 bits as files hold them.

/** IEEE binary16: sign 1, exponent 5 (bias 15), fraction 10 bits. */
export function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 31
  const fraction = half & 1023
  if (exponent === 31) return fraction ? NaN : sign * Infinity
  // subnormal: fraction 2^-24; else (1024 + fraction) 2^(exponent - 25)
  return sign * (exponent ? (1024 + fraction) * ((1 << exponent) / 0x2000000) : fraction / 0x1000000)
}
