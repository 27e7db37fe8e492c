// Products by the core's matmul, called through the function table: of a list of matrices, and for attention.ts.
import { HEADER_MATMUL, MATMUL_PART_SHIFT } from '../abi'
import { scratchOf, split, threadCount } from '../parallel'

/** Bytes of scratch for the words of one product: the matmul's eleven, its place in the table, flags of all products. */
export const WORDS_BYTES: usize = 64

/** Makes `words` ready: everything that is the same for all products of a part. Behind `words` lies its scratch. */
export function prepare(words: usize, arena: usize, part: i32): void {
  store<u32>(words, 0, 12) // no bias
  store<u32>(words, 0, 32) // linear
  store<u32>(words, 0, 36)
  store<u32>(words, <u32>(words + WORDS_BYTES), 40)
  store<u32>(words, load<u32>(arena, HEADER_MATMUL), 44)
  store<i32>(words, part << MATMUL_PART_SHIFT, 48)
}

/** c [M, N] = or += a . b, dense matrices; flags MATMUL_*. Nothing for an empty result; K is at least 1. */
export function product(words: usize, c: usize, a: usize, b: usize, M: i32, N: i32, K: i32, flags: i32): void {
  store<u32>(words, <u32>c)
  store<u32>(words, <u32>a, 4)
  store<u32>(words, <u32>b, 8)
  store<i32>(words, M, 16)
  store<i32>(words, N, 20)
  store<i32>(words, K, 24)
  store<i32>(words, flags | load<i32>(words, 48), 28)
  call_indirect<void>(load<u32>(words, 44), words)
}

/** words: c [count, M, N], a, b, count, M, N, K, flags, arena, scratch */
export function batchMatmul(p: usize): void {
  const count = load<i32>(p, 12), one = <f64>load<i32>(p, 16) * <f64>load<i32>(p, 20) * <f64>load<i32>(p, 24)
  split(batchMatmulPart.index, p, count, 1, count < threadCount() ? -1 : one) // few: each product by itself
}

function batchMatmulPart(p: usize, from: i32, end: i32, part: i32): void {
  const M = load<i32>(p, 16), N = load<i32>(p, 20), K = load<i32>(p, 24)
  const flags = load<i32>(p, 28), words = scratchOf(<usize>load<u32>(p, 36), part)
  prepare(words, <usize>load<u32>(p, 32), part)
  for (let i = from; i < end; i++) {
    const c = <usize>load<u32>(p) + (<usize>(M * N * i) << 2)
    product(words, c, <usize>load<u32>(p, 4) + (<usize>(M * K * i) << 2), <usize>load<u32>(p, 8) + (<usize>(K * N * i) << 2), M, N, K, flags)
  }
}
