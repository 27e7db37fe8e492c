// Scaled dot-product attention (Vaswani et al. 2017) and its gradient. For each sample and head:
//   S = scale Q K^T,   P = softmax(S) over the keys that count,   O = (P * keep) V
// q [batch, Tq, heads*K], k [batch, Tk, heads*K], v [batch, Tk, heads*V], o [batch, Tq, heads*V]: a head owns a block
// of columns, which is copied to dense scratch and back. mask [batch, Tk] (0: the key doesn't count) and keep
// [batch, heads, Tq, Tk] (dropout: factors of P) may be missing (address 0). p [batch, heads, Tq, Tk] is P.
// Causal: query i sees the keys up to i. Queries then go in blocks of CAUSAL_ROWS, each against the keys its last one
// sees: what lies beyond is never computed. A key that doesn't count has probability 0; a query without any, a row
// of zeros. Over threads, a part is a range of samples and heads.
// The products are those of gemm.ts without the care for long ones: over T queries or keys, the sums of chains are added one after
// the other, T / CHAIN_DEPTH of them; for dK and dV of causal attention T / CAUSAL_ROWS. So the relative error of terms of one
// sign is at most 4e-6 + 2e-9 T; that of random ones is far below it.
// Float64 reference: test/reference/kernels/attention.ts
import {
  ATTENTION_ARENA, ATTENTION_BATCH, ATTENTION_BLOCK, ATTENTION_CAUSAL, ATTENTION_DK, ATTENTION_DQ, ATTENTION_DV,
  ATTENTION_HEADS, ATTENTION_K, ATTENTION_KEEP, ATTENTION_KEY_COUNT, ATTENTION_KEY_WIDTH, ATTENTION_MASK,
  ATTENTION_OUT, ATTENTION_PROBABILITIES, ATTENTION_PRODUCT, ATTENTION_Q, ATTENTION_QUERY_COUNT, ATTENTION_SCALE,
  ATTENTION_SCRATCH, ATTENTION_V, ATTENTION_VALUE_WIDTH, MATMUL_ACCUMULATE, MATMUL_TRANSPOSE_A, MATMUL_TRANSPOSE_B,
} from '../abi'
import { storeTail } from '../lanes'
import { scratchOf, split, threadCount } from '../parallel'
import { prepare, product } from './attention-products'
import { exponentials, maximum, scale } from './softmax'
import { addWide, lanesBelow, storeBelow, sumWide } from './tails'

/** dst = src * factor, `rows` rows of `cols` floats at row strides `ds` and `ss`, bytes. */
function move(dst: usize, ds: usize, src: usize, ss: usize, rows: i32, cols: i32, factor: f32): void {
  for (let i = 0; i < rows; i++) {
    scale(dst, src, cols, factor)
    dst += ds
    src += ss
  }
}

/** dst *= factors, `rows` rows; dst dense rows of `cols` floats, factors at row stride `fs`. */
function timesRows(dst: usize, factors: usize, fs: usize, rows: i32, cols: i32): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j += 4) {
      const at = <usize>j << 2
      storeBelow(dst + at, f32x4.mul(v128.load(dst + at), v128.load(factors + at)), cols - j)
    }
    dst += <usize>cols << 2
    factors += fs
  }
}

/** Softmax in place over the first `count` of `cols` floats; the rest becomes 0. mask: of the keys, or 0. */
function softmaxRow(s: usize, mask: usize, count: i32, cols: i32): void {
  if (mask) {
    const lowest = f32x4.splat(-Infinity), zero = f32x4.splat(0)
    for (let j = 0; j < count; j += 4) {
      const at = <usize>j << 2
      const x = v128.bitselect(lowest, v128.load(s + at), f32x4.eq(v128.load(mask + at), zero))
      storeBelow(s + at, x, count - j)
    }
  }
  let max = maximum(s, count)
  if (mask && max == -Infinity) max = 0 // no key counts: -inf - -inf would be NaN
  const sum = exponentials(s, s, count, max)
  scale(s, s, count, mask && sum == 0 ? 0 : <f32>(1 / sum))
  for (; count < cols; count++) store<f32>(s + (<usize>count << 2), 0)
}

/** Split by samples and heads, of `products` products each; where there are too few, each product is split. */
function splitHeads(kernel: u32, p: usize, products: f64): void {
  const count = load<i32>(p, ATTENTION_BATCH) * load<i32>(p, ATTENTION_HEADS)
  const one = <f64>load<i32>(p, ATTENTION_QUERY_COUNT) * <f64>load<i32>(p, ATTENTION_KEY_COUNT)
    * <f64>load<i32>(p, ATTENTION_KEY_WIDTH)
  split(kernel, p, count, 1, count < threadCount() ? -1 : one * products)
}

/** Scratch: Q [Tq, K], K [Tk, K], V [Tk, V], O [Tq, V], S [block, Tk] */
export function attention(p: usize): void {
  splitHeads(attentionPart.index, p, 2)
}

function attentionPart(p: usize, from: i32, end: i32, part: i32): void {
  const heads = load<i32>(p, ATTENTION_HEADS), Tq = load<i32>(p, ATTENTION_QUERY_COUNT)
  const Tk = load<i32>(p, ATTENTION_KEY_COUNT)
  const K = load<i32>(p, ATTENTION_KEY_WIDTH), V = load<i32>(p, ATTENTION_VALUE_WIDTH)
  const causal = load<i32>(p, ATTENTION_CAUSAL)
  const maskStart = <usize>load<u32>(p, ATTENTION_MASK), block = load<i32>(p, ATTENTION_BLOCK)
  const planned = <usize>load<u32>(p, ATTENTION_PRODUCT), words = scratchOf(planned, part)
  const kb = <usize>K << 2, vb = <usize>V << 2, row = <usize>Tk << 2 // row strides, bytes
  const ks = kb * heads, vs = vb * heads
  const qh = words + <usize>load<u32>(p, ATTENTION_SCRATCH) - planned
  const kh = qh + kb * Tq, vh = kh + kb * Tk, oh = vh + vb * Tk, scores = oh + vb * Tq
  prepare(words, <usize>load<u32>(p, ATTENTION_ARENA), part)
  for (let n = from; n < end; n++) {
    const b = n / heads, h = n % heads
    const mask = maskStart ? maskStart + row * b : 0
    const probabilities = <usize>load<u32>(p, ATTENTION_PROBABILITIES) + row * Tq * n
    const keep = load<u32>(p, ATTENTION_KEEP) ? <usize>load<u32>(p, ATTENTION_KEEP) + row * Tq * n : 0
    const keyColumn = ks * Tq * b + kb * h, queryRows = vs * Tq * b + vb * h
    move(qh, kb, <usize>load<u32>(p, ATTENTION_Q) + keyColumn, ks, Tq, K, load<f32>(p, ATTENTION_SCALE))
    move(kh, kb, <usize>load<u32>(p, ATTENTION_K) + ks * Tk * b + kb * h, ks, Tk, K, 1)
    move(vh, vb, <usize>load<u32>(p, ATTENTION_V) + vs * Tk * b + vb * h, vs, Tk, V, 1)
    for (let i = 0; i < Tq; i += block) {
      const rows = min(block, Tq - i), keys = causal ? min(i + rows, Tk) : Tk
      const P = probabilities + row * i
      const s = keys == Tk && !keep ? P : scores // dense [rows, keys]
      product(words, s, qh + kb * i, kh, rows, keys, K, MATMUL_TRANSPOSE_B)
      for (let r = 0; r < rows; r++) {
        const own = s + (<usize>(keys * r) << 2)
        softmaxRow(own, mask, causal ? min(i + r + 1, Tk) : Tk, keys)
        if (s == P) continue
        memory.copy(P + row * r, own, <usize>keys << 2)
        memory.fill(P + row * r + (<usize>keys << 2), 0, <usize>(Tk - keys) << 2)
      }
      if (keep) timesRows(s, keep + row * i, row, rows, keys)
      product(words, oh + vb * i, s, vh, rows, V, keys, 0)
    }
    move(<usize>load<u32>(p, ATTENTION_OUT) + queryRows, vs, oh, vb, Tq, V, 1)
  }
}

/**
 * With W = P * keep and R = dO V^T:
 *   dV = W^T dO,   dS_ij = W_ij R_ij - P_ij sum_n W_in R_in,   dQ = scale dS K,   dK = scale dS^T Q
 * Scratch: Q [Tq, K], K [Tk, K], V [Tk, V], dO [Tq, V], dQ, dK, dV like them, W and R [block, Tk]
 */
export function attentionGrad(p: usize): void {
  splitHeads(attentionGradPart.index, p, 5)
}

function attentionGradPart(p: usize, from: i32, end: i32, part: i32): void {
  const heads = load<i32>(p, ATTENTION_HEADS), Tq = load<i32>(p, ATTENTION_QUERY_COUNT)
  const Tk = load<i32>(p, ATTENTION_KEY_COUNT)
  const K = load<i32>(p, ATTENTION_KEY_WIDTH), V = load<i32>(p, ATTENTION_VALUE_WIDTH)
  const causal = load<i32>(p, ATTENTION_CAUSAL)
  const block = load<i32>(p, ATTENTION_BLOCK), factor = load<f32>(p, ATTENTION_SCALE)
  const planned = <usize>load<u32>(p, ATTENTION_PRODUCT), words = scratchOf(planned, part)
  const kb = <usize>K << 2, vb = <usize>V << 2, row = <usize>Tk << 2
  const ks = kb * heads, vs = vb * heads
  const qh = words + <usize>load<u32>(p, ATTENTION_SCRATCH) - planned
  const kh = qh + kb * Tq, vh = kh + kb * Tk, doh = vh + vb * Tk
  const dqh = doh + vb * Tq, dkh = dqh + kb * Tq, dvh = dkh + kb * Tk
  const copied = dvh + vb * Tk, R = copied + row * block
  prepare(words, <usize>load<u32>(p, ATTENTION_ARENA), part)
  for (let n = from; n < end; n++) {
    const b = n / heads, h = n % heads
    const probabilities = <usize>load<u32>(p, ATTENTION_PROBABILITIES) + row * Tq * n
    const keep = load<u32>(p, ATTENTION_KEEP) ? <usize>load<u32>(p, ATTENTION_KEEP) + row * Tq * n : 0
    const atQ = ks * Tq * b + kb * h, atK = ks * Tk * b + kb * h
    const atV = vs * Tk * b + vb * h, atO = vs * Tq * b + vb * h
    move(qh, kb, <usize>load<u32>(p, ATTENTION_Q) + atQ, ks, Tq, K, factor)
    move(kh, kb, <usize>load<u32>(p, ATTENTION_K) + atK, ks, Tk, K, 1)
    move(vh, vb, <usize>load<u32>(p, ATTENTION_V) + atV, vs, Tk, V, 1)
    move(doh, vb, <usize>load<u32>(p, ATTENTION_OUT) + atO, vs, Tq, V, 1)
    memory.fill(dkh, 0, (kb + vb) * Tk) // and dvh
    for (let i = 0; i < Tq; i += block) {
      const rows = min(block, Tq - i), keys = causal ? min(i + rows, Tk) : Tk
      const P = probabilities + row * i
      let W = P
      if (keys < Tk || keep) {
        W = copied
        move(W, <usize>keys << 2, P, row, rows, keys, 1)
        if (keep) timesRows(W, keep + row * i, row, rows, keys)
      }
      const dO = doh + vb * i
      product(words, dvh, W, dO, keys, V, rows, MATMUL_TRANSPOSE_A | MATMUL_ACCUMULATE)
      product(words, R, dO, vh, rows, keys, V, MATMUL_TRANSPOSE_B)
      for (let r = 0; r < rows; r++) toScores(R + (<usize>(keys * r) << 2), W + (<usize>(keys * r) << 2), P + row * r, keys)
      product(words, dqh + kb * i, R, kh, rows, K, keys, 0)
      product(words, dkh, R, qh + kb * i, keys, K, rows, MATMUL_TRANSPOSE_A | MATMUL_ACCUMULATE)
    }
    move(<usize>load<u32>(p, ATTENTION_DQ) + atQ, ks, dqh, kb, Tq, K, factor)
    move(<usize>load<u32>(p, ATTENTION_DK) + atK, ks, dkh, kb, Tk, K, 1)
    move(<usize>load<u32>(p, ATTENTION_DV) + atV, vs, dvh, vb, Tk, V, 1)
  }
}

/** R, the gradient of W, becomes that of the scores: R_j = W_j R_j - P_j sum_n W_n R_n. The sum is in f64. */
function toScores(R: usize, W: usize, P: usize, count: i32): void {
  let sums = f64x2.splat(0), at: usize = 0
  const end = <usize>count << 2, whole = end & ~15, left = count & 3
  for (; at < whole; at += 16) {
    const term = f32x4.mul(v128.load(W + at), v128.load(R + at))
    sums = addWide(sums, term)
    v128.store(R + at, term)
  }
  if (left) {
    const term = f32x4.mul(v128.load(W + at), v128.load(R + at))
    sums = addWide(sums, v128.and(term, lanesBelow(left)))
    storeTail(R + at, term, left)
  }
  const sum = f32x4.splat(<f32>sumWide(sums))
  for (at = 0; at < whole; at += 16) v128.store(R + at, f32x4.sub(v128.load(R + at), f32x4.mul(v128.load(P + at), sum)))
  if (left) storeTail(R + at, f32x4.sub(v128.load(R + at), f32x4.mul(v128.load(P + at), sum)), left)
}
