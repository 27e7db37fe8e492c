// Products with a row or a column, which no register tile suits: y[n] = start + sum over k of x[k] m[k, n], by lanes of n;
// and small ones, row by row, for which there is nothing to win by packing.
// The order of each sum is that of gemm.ts, chains of `chain` additions: the same bits as a row of a larger product.
// Float64 reference: test/reference/ops.ts
import { REDUCE_SUM } from '../abi'
import { madd, storeTail } from '../lanes'
import { alongRow } from './reduce-loops'

/**
 * m stored [K, n], rows `ms` bytes apart. Four rows of m at a time, from end to end: they are read as they lie, as streams,
 * and the sums stay in L1: in y, or, where they are to be added to what is there, in `part` [n] before.
 * The sums start from 0, from bias[n] (from 2) or from bias[0] for all (from 3); from 1: what is in y comes last.
 */
export function rowProduct(
  y: usize, x: usize, m: usize, ms: usize, n: i32, K: i32, chain: i32, from: i32, bias: usize, part: usize,
): void {
  const bytes = <usize>n << 2, whole = bytes & ~15
  for (let k = 0; k < K; k += chain) {
    const depth = min(chain, K - k), adds = k > 0 || from == 1, to = adds ? part : y
    const first = f32x4.splat(!adds && from == 3 ? load<f32>(bias) : 0)
    for (let o: usize = 0, j = n; j > 0; o += 16, j -= 4) storeTail(to + o, !adds && from == 2 ? v128.load(bias + o) : first, j)
    rowChain(to, x, m, ms, n, depth)
    if (adds) {
      let o: usize = 0
      for (; o < whole; o += 16) v128.store(y + o, f32x4.add(v128.load(y + o), v128.load(part + o)))
      if (o < bytes) storeTail(y + o, f32x4.add(v128.load(y + o), v128.load(part + o)), n & 3)
    }
    x += <usize>depth << 2
    m += <usize>depth * ms
  }
}

/** y[n] += sum over k of x[k] m[k, n]. */
function rowChain(y: usize, x: usize, m: usize, ms: usize, n: i32, K: i32): void {
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

/** sum + up to 4 steps of x[k] m[k], m's columns being four rows as stored. */
@inline
function columnSteps(sum: v128, x: v128, r0: usize, r1: usize, r2: usize, r3: usize, steps: i32): v128 {
  const a0 = v128.load(r0), a1 = v128.load(r1), a2 = v128.load(r2), a3 = v128.load(r3)
  const a01 = v128.shuffle<f32>(a0, a1, 0, 4, 1, 5), a23 = v128.shuffle<f32>(a2, a3, 0, 4, 1, 5)
  sum = madd(v128.shuffle<f32>(x, x, 0, 0, 0, 0), v128.shuffle<f32>(a01, a23, 0, 1, 4, 5), sum)
  if (steps == 1) return sum
  sum = madd(v128.shuffle<f32>(x, x, 1, 1, 1, 1), v128.shuffle<f32>(a01, a23, 2, 3, 6, 7), sum)
  if (steps == 2) return sum
  const b01 = v128.shuffle<f32>(a0, a1, 2, 6, 3, 7), b23 = v128.shuffle<f32>(a2, a3, 2, 6, 3, 7)
  sum = madd(v128.shuffle<f32>(x, x, 2, 2, 2, 2), v128.shuffle<f32>(b01, b23, 0, 1, 4, 5), sum)
  if (steps == 3) return sum
  return madd(v128.shuffle<f32>(x, x, 3, 3, 3, 3), v128.shuffle<f32>(b01, b23, 2, 3, 6, 7), sum)
}

/** The same of m stored [n, K], rows `ms` bytes apart: 8 rows at a time, 4 x 4 of them transposed in registers. */
export function columnProduct(
  y: usize, x: usize, m: usize, ms: usize, n: i32, K: i32, chain: i32, from: i32, bias: usize,
): void {
  for (let j = 0; j < n; j += 8) {
    const o = <usize>j << 2, left = n - j
    const r0 = m + <usize>j * ms, r1 = r0 + (left > 1 ? ms : 0), r2 = r1 + (left > 2 ? ms : 0), r3 = r2 + (left > 3 ? ms : 0)
    const r4 = r3 + (left > 4 ? ms : 0), r5 = r4 + (left > 5 ? ms : 0), r6 = r5 + (left > 6 ? ms : 0)
    const r7 = r6 + (left > 7 ? ms : 0)
    const start = from == 1 ? y + o : bias + o
    let low = f32x4.splat(0), high = low
    if (from == 3) low = high = v128.load_splat<f32>(bias)
    else if (from) {
      low = v128.load(start)
      if (left > 4) high = v128.load(start, 16)
    }
    for (let first = 0; first < K; first += chain) {
      const end = min(first + chain, K), starts = !first && from != 1
      let p = starts ? low : f32x4.splat(0), q = starts ? high : p
      for (let k = first; k < end; k += 4) {
        const at = <usize>k << 2
        const s = v128.load(x + at), steps = end - k
        p = columnSteps(p, s, r0 + at, r1 + at, r2 + at, r3 + at, steps)
        if (left > 4) q = columnSteps(q, s, r4 + at, r5 + at, r6 + at, r7 + at, steps)
      }
      low = starts ? p : f32x4.add(low, p)
      high = starts ? q : f32x4.add(high, q)
    }
    storeTail(y + o, low, left)
    if (left > 4) storeTail(y + o + 16, high, left - 4)
  }
}

/**
 * c[rows, cols] = sum over k of a[i, k] b[k, j], one chain, from d[j] on (0: from 0), or `adds`, c plus that; a[i, k] lies at
 * i ai + k ak bytes.
 */
export function smallProduct(
  c: usize, d: usize, adds: bool, a: usize, ai: usize, ak: usize, b: usize, rows: i32, cols: i32, K: i32,
): void {
  const bytes = <usize>cols << 2
  // two rows at a time; of one that is left, twice the same
  for (let i = 0; i < rows; i += 2) {
    const isLast = i + 1 == rows, ao: usize = isLast ? 0 : ai, co: usize = isLast ? 0 : bytes
    for (let j = 0; j < cols; j += 8) {
      const o = <usize>j << 2, left = cols - j, second: usize = left > 4 ? 16 : 0
      let low = f32x4.splat(0), high = low, x = a, row = b + o
      if (d) {
        low = v128.load(d + o)
        high = v128.load(d + o + second)
      }
      let low1 = low, high1 = high
      for (let k = 0; k < K; k++) {
        const s = v128.load_splat<f32>(x), s1 = v128.load_splat<f32>(x + ao)
        const p = v128.load(row), q = v128.load(row + second)
        low = madd(s, p, low)
        high = madd(s, q, high)
        low1 = madd(s1, p, low1)
        high1 = madd(s1, q, high1)
        x += ak
        row += bytes
      }
      const y = c + o, y1 = y + co
      if (adds) {
        low1 = f32x4.add(v128.load(y1), low1)
        high1 = f32x4.add(v128.load(y1 + second), high1)
        low = f32x4.add(v128.load(y), low)
        high = f32x4.add(v128.load(y + second), high)
      }
      if (left > 7) {
        v128.store(y, low)
        v128.store(y, high, 16)
        v128.store(y1, low1)
        v128.store(y1, high1, 16)
      } else {
        storeTail(y, low, left)
        storeTail(y1, low1, left)
        if (second) {
          storeTail(y + 16, high, left - 4)
          storeTail(y1 + 16, high1, left - 4)
        }
      }
    }
    a += ai << 1
    c += bytes << 1
  }
}

/**
 * dst[cols] = the sums of the columns of b [rows, cols], in the order of `reduce` for up to CHAIN_DEPTH rows. Called through the
 * table lest it be inlined: a core for nets without it leaves it out.
 */
export function addColumns(dst: usize, b: usize, rows: i32, cols: i32): void {
  if (cols == 1) {
    store<f32>(dst, alongRow(REDUCE_SUM, b, rows))
    return
  }
  const bytes = <usize>cols << 2
  for (const end = b + bytes; b < end; b += 16, dst += 16, cols -= 4) {
    let sums = v128.load(b)
    for (let r = 1, at = b; r < rows; r++) {
      at += bytes
      sums = f32x4.add(sums, v128.load(at))
    }
    storeTail(dst, sums, cols)
  }
}
