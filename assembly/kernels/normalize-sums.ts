// Sums for normalization: of p and of p q, along a row or down columns, in f64. Where the variance is to come of them, they
// are moments about a shift near the values, their first, since about 0 those of values far from 0 would cancel: with
// d = x - shift (exact in f64 but for values 2^29 times apart), mean = shift + S1/n and variance = S2/n - (S1/n)^2 for
// S1 = sum d and S2 = sum d^2. The relative error of the variance of n values is below n 2^-53 (1 + (mean - shift)^2 /
// variance): less than half an ulp of a float up to 10^7 values unless the first lies hundreds of deviations off, and that term
// is never above n. Sums with the gradient, sum dy (x - mean), are about the mean, which is a float and a rest behind it.
// One fixed order, whatever the values.
// Float64 reference: test/reference/kernels/normalize.ts
import { lanesBelow } from './tails'

/** Floats of the rows that are summed before the next four columns, 16 rows at least: their cache lines are still there. */
const BLOCK = 2048

/** q is p itself, and both are seen from the first row, a shift for each column. */
const SAME = 0
/** q_j - mean_j, of column j. */
const CENTERED = 1
/** (q_r - mean_r - rest_r) inverse_r, in f32, of row r; the rests lie behind the means. */
const SCALED = 2

@inline
function high(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f64>(x, x, 1, 1))
}

@inline
function alongRow(isSame: bool, p: usize, q: usize, factor: usize, count: i32, shift: f32): v128 {
  const near = f32x4.splat(shift), wide = f64x2.splat(<f64>shift)
  let s0 = f64x2.splat(0), s1 = s0, t0 = s0, t1 = s0
  for (let j = 0; j < count; j += 4) {
    const at = <usize>j << 2
    let a = v128.load(p + at), b = a
    if (factor) a = f32x4.mul(a, v128.load(factor + at))
    if (!isSame) b = v128.load(q + at)
    if (count - j < 4) {
      const mask = lanesBelow(count - j)
      a = isSame ? v128.bitselect(a, near, mask) : v128.and(a, mask)
      if (!isSame) b = v128.and(b, mask)
    }
    let a0 = f64x2.promote_low_f32x4(a), a1 = high(a)
    if (isSame) {
      a0 = f64x2.sub(a0, wide)
      a1 = f64x2.sub(a1, wide)
    }
    s0 = f64x2.add(s0, a0)
    s1 = f64x2.add(s1, a1)
    t0 = f64x2.add(t0, f64x2.mul(a0, isSame ? a0 : f64x2.sub(f64x2.promote_low_f32x4(b), wide)))
    t1 = f64x2.add(t1, f64x2.mul(a1, isSame ? a1 : f64x2.sub(high(b), wide)))
  }
  s0 = f64x2.add(s0, s1)
  t0 = f64x2.add(t0, t1)
  return f64x2.add(v128.shuffle<f64>(s0, t0, 0, 2), v128.shuffle<f64>(s0, t0, 1, 3))
}

/** f64x2: sum d_j, sum d_j^2 over `count` floats, d = x - shift. */
function rowMoments(x: usize, count: i32, shift: f32): v128 {
  return alongRow(true, x, x, 0, count, shift)
}

/** f64x2: sum p_j factor_j, sum p_j factor_j (q_j - mean); factor 0: none. */
function rowProducts(p: usize, q: usize, factor: usize, count: i32, mean: f32): v128 {
  return alongRow(false, p, q, factor, count, mean)
}

@inline
function downColumns(
  form: i32, sums: usize, p: usize, q: usize, rows: i32, cols: i32, mean: usize, inverse: usize, first: i32, behind: i32,
): void {
  const step = <usize>cols << 2, block = max(BLOCK / cols, 16)
  for (let start = 0; start < rows; start += block) {
    const end = min(start + block, rows)
    const offset = <usize>start * step
    for (let j = first; j < behind; j += 4) {
      const to = sums + (<usize>j << 4)
      let s0 = f64x2.splat(0), s1 = s0, t0 = s0, t1 = s0
      if (start > 0) {
        s0 = v128.load(to)
        s1 = v128.load(to, 16)
        t0 = v128.load(to, 32)
        t1 = v128.load(to, 48)
      }
      let from = p + offset + (<usize>j << 2), other = q + offset + (<usize>j << 2)
      const near = v128.load((form == SAME ? p : mean) + (form == SCALED ? 0 : <usize>j << 2))
      const near0 = f64x2.promote_low_f32x4(near), near1 = high(near)
      for (let r = start; r < end; r++) {
        const a = v128.load(from)
        let a0 = f64x2.promote_low_f32x4(a), a1 = high(a)
        if (form == SAME) {
          a0 = f64x2.sub(a0, near0)
          a1 = f64x2.sub(a1, near1)
        }
        let b0 = a0, b1 = a1
        if (form != SAME) {
          let b = v128.load(other)
          if (form == SCALED) {
            const at = <usize>r << 2
            if (mean) {
              b = f32x4.sub(b, v128.load32_splat(mean + at))
              b = f32x4.sub(b, v128.load32_splat(mean + (<usize>rows << 2) + at))
            }
            b = f32x4.mul(b, v128.load32_splat(inverse + at))
          }
          b0 = f64x2.promote_low_f32x4(b)
          b1 = high(b)
          if (form == CENTERED) {
            b0 = f64x2.sub(b0, near0)
            b1 = f64x2.sub(b1, near1)
          }
        }
        s0 = f64x2.add(s0, a0)
        s1 = f64x2.add(s1, a1)
        t0 = f64x2.add(t0, f64x2.mul(a0, b0))
        t1 = f64x2.add(t1, f64x2.mul(a1, b1))
        from += step
        other += step
      }
      v128.store(to, s0)
      v128.store(to, s1, 16)
      v128.store(to, t0, 32)
      v128.store(to, t1, 48)
    }
  }
}

/**
 * Down the columns of x [rows, cols]: sum d, sum d^2, d_r = x_r - x_0. They lie in groups of four columns, 64 bytes a group: four
 * f64 sums of d, four of d^2 (`sumOf`, `productOf`). Anything may follow the last column. Only those of columns `first`
 * (a multiple of 4) to `behind` are made.
 */
function columnMoments(sums: usize, x: usize, rows: i32, cols: i32, first: i32, behind: i32): void {
  downColumns(SAME, sums, x, x, rows, cols, 0, 0, first, behind)
}

/** The same of p and p (q - mean), mean [cols]. */
function columnProducts(
  sums: usize, p: usize, q: usize, rows: i32, cols: i32, mean: usize, first: i32, behind: i32,
): void {
  downColumns(CENTERED, sums, p, q, rows, cols, mean, 0, first, behind)
}

/** The same of p and p_r (q_r - mean_r - rest_r) inverse_r; mean [2, rows]: means, then rests; 0: none. */
function columnScaledProducts(
  sums: usize, p: usize, q: usize, rows: i32, cols: i32, mean: usize, inverse: usize, first: i32, behind: i32,
): void {
  downColumns(SCALED, sums, p, q, rows, cols, mean, inverse, first, behind)
}

@inline
export function sumOf(sums: usize, column: i32): f64 {
  return load<f64>(sums + (<usize>(column >> 2) << 6) + (<usize>(column & 3) << 3))
}

@inline
export function productOf(sums: usize, column: i32): f64 {
  return load<f64>(sums + (<usize>(column >> 2) << 6) + (<usize>(column & 3) << 3), 32)
}

/** Element i of a vector of factors; 1 if there is none. */
@inline
export function factorAt(factors: usize, i: i32): f64 {
  return factors ? <f64>load<f32>(factors + (<usize>i << 2)) : 1
}

export { columnMoments, columnProducts, columnScaledProducts, rowMoments, rowProducts }
