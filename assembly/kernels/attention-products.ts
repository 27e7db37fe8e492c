// Products by the core's matmul, called through the function table: of a list of matrices, and for attention.ts.
import { HEADER_MATMUL } from '../abi'

/** Bytes of scratch for the words of one product: eleven, the matmul's own, then its place in the table. */
export const WORDS_BYTES: usize = 64

/** Makes `words` ready: everything that is the same for all products of a kernel. Behind `words` lies its scratch. */
export function prepare(words: usize, arena: usize): void {
  store<u32>(words, 0, 12) // no bias
  store<u32>(words, 0, 32) // linear
  store<u32>(words, 0, 36)
  store<u32>(words, <u32>(words + WORDS_BYTES), 40)
  store<u32>(words, load<u32>(arena, HEADER_MATMUL), 44)
}

/** c [M, N] = or += a . b, dense matrices; flags MATMUL_*. Nothing for an empty result; K is at least 1. */
export function product(words: usize, c: usize, a: usize, b: usize, M: i32, N: i32, K: i32, flags: i32): void {
  store<u32>(words, <u32>c)
  store<u32>(words, <u32>a, 4)
  store<u32>(words, <u32>b, 8)
  store<i32>(words, M, 16)
  store<i32>(words, N, 20)
  store<i32>(words, K, 24)
  store<i32>(words, flags, 28)
  call_indirect<void>(load<u32>(words, 44), words)
}

/** words: c [count, M, N], a, b, count, M, N, K, flags, arena, scratch */
export function batchMatmul(p: usize): void {
  let c = <usize>load<u32>(p), a = <usize>load<u32>(p, 4), b = <usize>load<u32>(p, 8)
  const count = load<i32>(p, 12), M = load<i32>(p, 16), N = load<i32>(p, 20), K = load<i32>(p, 24)
  const flags = load<i32>(p, 28), words = <usize>load<u32>(p, 36)
  prepare(words, <usize>load<u32>(p, 32))
  for (let i = 0; i < count; i++) {
    product(words, c, a, b, M, N, K, flags)
    c += <usize>(M * N) << 2
    a += <usize>(M * K) << 2
    b += <usize>(K * N) << 2
  }
}
