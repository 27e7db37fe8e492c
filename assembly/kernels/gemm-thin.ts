// Products with a row or a column, which no register tile suits: y[n] = start + sum over k of x[k] m[k, n], by lanes of n.
// Each sum goes over k in ascending order from its start, as in gemm.ts: the same bits as a row of a larger product.
import { madd, storeTail } from '../lanes'

/** The first of sum j: 0, y itself (from 1), bias[j] (from 2) or bias[0] for all (from 3). */
@inline
function start(y: usize, bias: usize, o: usize, from: i32): v128 {
  if (from == 1) return v128.load(y + o)
  if (from == 2) return v128.load(bias + o)
  return from == 3 ? v128.load_splat<f32>(bias) : f32x4.splat(0)
}

/** m stored [K, n], rows `ms` bytes apart. */
export function rowProduct(y: usize, x: usize, m: usize, ms: usize, n: i32, K: i32, from: i32, bias: usize): void {
  const end = x + (<usize>K << 2)
  let j = 0
  for (; j + 32 <= n; j += 32) { // 8 sums at a time: fewer would wait for each other's additions
    const o = <usize>j << 2
    let y0 = start(y, bias, o, from), y1 = start(y, bias, o + 16, from)
    let y2 = start(y, bias, o + 32, from), y3 = start(y, bias, o + 48, from)
    let y4 = start(y, bias, o + 64, from), y5 = start(y, bias, o + 80, from)
    let y6 = start(y, bias, o + 96, from), y7 = start(y, bias, o + 112, from)
    let row = m + o
    for (let at = x; at < end; at += 4) {
      const s = v128.load_splat<f32>(at)
      y0 = madd(s, v128.load(row), y0)
      y1 = madd(s, v128.load(row, 16), y1)
      y2 = madd(s, v128.load(row, 32), y2)
      y3 = madd(s, v128.load(row, 48), y3)
      y4 = madd(s, v128.load(row, 64), y4)
      y5 = madd(s, v128.load(row, 80), y5)
      y6 = madd(s, v128.load(row, 96), y6)
      y7 = madd(s, v128.load(row, 112), y7)
      row += ms
    }
    v128.store(y + o, y0)
    v128.store(y + o, y1, 16)
    v128.store(y + o, y2, 32)
    v128.store(y + o, y3, 48)
    v128.store(y + o, y4, 64)
    v128.store(y + o, y5, 80)
    v128.store(y + o, y6, 96)
    v128.store(y + o, y7, 112)
  }
  for (; j < n; j += 4) {
    const o = <usize>j << 2
    let sum = start(y, bias, o, from)
    let row = m + o
    for (let at = x; at < end; at += 4) {
      sum = madd(v128.load_splat<f32>(at), v128.load(row), sum)
      row += ms
    }
    storeTail(y + o, sum, n - j)
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
