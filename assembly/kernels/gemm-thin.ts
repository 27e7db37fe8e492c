// Products with a row or a column, which no register tile suits: y[n] = start + sum over k of x[k] m[k, n], by lanes of n;
// and small ones, row by row, for which there is nothing to win by packing.
// Each sum goes over k in ascending order from its start, as in gemm.ts: the same bits as a row of a larger product.
import { madd, storeTail } from '../lanes'

/** The first of sum j: 0, y itself (from 1), bias[j] (from 2) or bias[0] for all (from 3). */
@inline
function start(y: usize, bias: usize, o: usize, from: i32): v128 {
  if (from == 1) return v128.load(y + o)
  if (from == 2) return v128.load(bias + o)
  return from == 3 ? v128.load_splat<f32>(bias) : f32x4.splat(0)
}

/**
 * m stored [K, n], rows `ms` bytes apart. Four rows of m at a time, from end to end: they are read as they lie, as streams,
 * and y stays in L1.
 */
export function rowProduct(y: usize, x: usize, m: usize, ms: usize, n: i32, K: i32, from: i32, bias: usize): void {
  if (from != 1) for (let j = 0; j < n; j += 4) storeTail(y + (<usize>j << 2), start(y, bias, <usize>j << 2, from), n - j)
  const pairs = y + (<usize>(n & ~7) << 2), end = y + (<usize>n << 2)
  const last = x + (<usize>K << 2)
  let row = m
  for (; x + 16 <= last; x += 16) {
    const s0 = v128.load_splat<f32>(x), s1 = v128.load_splat<f32>(x, 4)
    const s2 = v128.load_splat<f32>(x, 8), s3 = v128.load_splat<f32>(x, 12)
    let r0 = row, r1 = row + ms, r2 = r1 + ms, r3 = r2 + ms
    row = r3 + ms
    let at = y
    for (; at < pairs; at += 32) {
      const low = madd(s1, v128.load(r1), madd(s0, v128.load(r0), v128.load(at)))
      const high = madd(s1, v128.load(r1, 16), madd(s0, v128.load(r0, 16), v128.load(at, 16)))
      v128.store(at, madd(s3, v128.load(r3), madd(s2, v128.load(r2), low)))
      v128.store(at, madd(s3, v128.load(r3, 16), madd(s2, v128.load(r2, 16), high)), 16)
      r0 += 32
      r1 += 32
      r2 += 32
      r3 += 32
    }
    for (; at < end; at += 16) {
      const sum = madd(s1, v128.load(r1), madd(s0, v128.load(r0), v128.load(at)))
      storeTail(at, madd(s3, v128.load(r3), madd(s2, v128.load(r2), sum)), <i32>(end - at) >> 2)
      r0 += 16
      r1 += 16
      r2 += 16
      r3 += 16
    }
  }
  for (; x < last; x += 4) {
    const s0 = v128.load_splat<f32>(x)
    for (let j = 0; j < n; j += 4) {
      const o = <usize>j << 2
      storeTail(y + o, madd(s0, v128.load(row + o), v128.load(y + o)), n - j)
    }
    row += ms
  }
}

/** m stored [n, K], rows `ms` bytes apart: 8 rows at a time, 4 x 4 of them transposed in registers. */
export function columnProduct(y: usize, x: usize, m: usize, ms: usize, n: i32, K: i32, from: i32, bias: usize): void {
  for (let j = 0; j < n; j += 8) {
    const o = <usize>j << 2, left = n - j
    const r0 = m + <usize>j * ms, r1 = r0 + (left > 1 ? ms : 0), r2 = r1 + (left > 2 ? ms : 0), r3 = r2 + (left > 3 ? ms : 0)
    const r4 = r3 + (left > 4 ? ms : 0), r5 = r4 + (left > 5 ? ms : 0), r6 = r5 + (left > 6 ? ms : 0)
    const r7 = r6 + (left > 7 ? ms : 0)
    let low = start(y, bias, o, from), high = left > 4 ? start(y, bias, o + 16, from) : low
    for (let k = 0; k < K; k += 4) {
      const at = <usize>k << 2
      const steps = K - k
      const a0 = v128.load(r0 + at), a1 = v128.load(r1 + at), a2 = v128.load(r2 + at), a3 = v128.load(r3 + at)
      const b0 = v128.load(r4 + at), b1 = v128.load(r5 + at), b2 = v128.load(r6 + at), b3 = v128.load(r7 + at)
      const s = v128.load(x + at)
      const a01 = v128.shuffle<f32>(a0, a1, 0, 4, 1, 5), a23 = v128.shuffle<f32>(a2, a3, 0, 4, 1, 5)
      const b01 = v128.shuffle<f32>(b0, b1, 0, 4, 1, 5), b23 = v128.shuffle<f32>(b2, b3, 0, 4, 1, 5)
      const s0 = v128.shuffle<f32>(s, s, 0, 0, 0, 0)
      low = madd(s0, v128.shuffle<f32>(a01, a23, 0, 1, 4, 5), low)
      high = madd(s0, v128.shuffle<f32>(b01, b23, 0, 1, 4, 5), high)
      if (steps == 1) break
      const s1 = v128.shuffle<f32>(s, s, 1, 1, 1, 1)
      low = madd(s1, v128.shuffle<f32>(a01, a23, 2, 3, 6, 7), low)
      high = madd(s1, v128.shuffle<f32>(b01, b23, 2, 3, 6, 7), high)
      if (steps == 2) break
      const c01 = v128.shuffle<f32>(a0, a1, 2, 6, 3, 7), c23 = v128.shuffle<f32>(a2, a3, 2, 6, 3, 7)
      const d01 = v128.shuffle<f32>(b0, b1, 2, 6, 3, 7), d23 = v128.shuffle<f32>(b2, b3, 2, 6, 3, 7)
      const s2 = v128.shuffle<f32>(s, s, 2, 2, 2, 2)
      low = madd(s2, v128.shuffle<f32>(c01, c23, 0, 1, 4, 5), low)
      high = madd(s2, v128.shuffle<f32>(d01, d23, 0, 1, 4, 5), high)
      if (steps == 3) break
      const s3 = v128.shuffle<f32>(s, s, 3, 3, 3, 3)
      low = madd(s3, v128.shuffle<f32>(c01, c23, 2, 3, 6, 7), low)
      high = madd(s3, v128.shuffle<f32>(d01, d23, 2, 3, 6, 7), high)
    }
    storeTail(y + o, low, left)
    if (left > 4) storeTail(y + o + 16, high, left - 4)
  }
}

/**
 * c[rows, cols], rows `cs` bytes apart, = d[i, j] + sum over k of a[i, k] b[k, j]; rows of d, 0 if there are none, are `ds`
 * bytes apart, those of b `bs`; a[i, k] lies at i ai + k ak bytes.
 */
export function smallProduct(
  c: usize, cs: usize, d: usize, ds: usize, a: usize, ai: usize, ak: usize, b: usize, bs: usize, rows: i32, cols: i32, K: i32,
): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j += 8) {
      const o = <usize>j << 2, left = cols - j, second: usize = left > 4 ? 16 : 0
      let low = f32x4.splat(0), high = low, x = a, row = b + o
      if (d) {
        low = v128.load(d + o)
        high = v128.load(d + o + second)
      }
      for (let k = 0; k < K; k++) {
        const s = v128.load_splat<f32>(x)
        low = madd(s, v128.load(row), low)
        high = madd(s, v128.load(row + second), high)
        x += ak
        row += bs
      }
      const y = c + o
      if (left > 7) {
        v128.store(y, low)
        v128.store(y, high, 16)
      } else {
        storeTail(y, low, left)
        if (second) storeTail(y + 16, high, left - 4)
      }
    }
    a += ai
    c += cs
    d += ds
  }
}
