// Products by the core's matmul, called through the function table: of a list of matrices, and for attention.ts.
// Float64 reference: test/reference/kernels/attention.ts
import {
  BATCH_MATMUL_A, BATCH_MATMUL_ARENA, BATCH_MATMUL_B, BATCH_MATMUL_C, BATCH_MATMUL_COUNT, BATCH_MATMUL_FLAGS,
  BATCH_MATMUL_K, BATCH_MATMUL_M, BATCH_MATMUL_N, BATCH_MATMUL_SCRATCH, FN_LINEAR, HEADER_MATMUL, MATMUL_A,
  MATMUL_ALPHA, MATMUL_B, MATMUL_BIAS, MATMUL_C, MATMUL_FLAGS, MATMUL_FN, MATMUL_K, MATMUL_M, MATMUL_N,
  MATMUL_PART_SHIFT, MATMUL_SCRATCH, PRODUCT_BYTES,
} from '../abi'
import { scratchOf, split, threadCount } from '../parallel'

/** Behind the words of a matmul: its place in the table, and flags of all products. */
const PLACE = 44, FLAGS = 48

/** Makes `words` ready: everything that is the same for all products of a part. Behind `words` lies its scratch. */
export function prepare(words: usize, arena: usize, part: i32): void {
  store<u32>(words, 0, MATMUL_BIAS)
  store<u32>(words, FN_LINEAR, MATMUL_FN)
  store<u32>(words, 0, MATMUL_ALPHA)
  store<u32>(words, <u32>(words + PRODUCT_BYTES), MATMUL_SCRATCH)
  store<u32>(words, load<u32>(arena, HEADER_MATMUL), PLACE)
  store<i32>(words, part << MATMUL_PART_SHIFT, FLAGS)
}

/** c [M, N] = or += a . b, dense matrices; flags MATMUL_*. Nothing for an empty result; K is at least 1. */
export function product(words: usize, c: usize, a: usize, b: usize, M: i32, N: i32, K: i32, flags: i32): void {
  store<u32>(words, <u32>c, MATMUL_C)
  store<u32>(words, <u32>a, MATMUL_A)
  store<u32>(words, <u32>b, MATMUL_B)
  store<i32>(words, M, MATMUL_M)
  store<i32>(words, N, MATMUL_N)
  store<i32>(words, K, MATMUL_K)
  store<i32>(words, flags | load<i32>(words, FLAGS), MATMUL_FLAGS)
  call_indirect<void>(load<u32>(words, PLACE), words)
}

/** words: c [count, M, N], a, b, count, M, N, K, flags, arena, scratch */
export function batchMatmul(p: usize): void {
  const count = load<i32>(p, BATCH_MATMUL_COUNT)
  const one = <f64>load<i32>(p, BATCH_MATMUL_M) * <f64>load<i32>(p, BATCH_MATMUL_N) * <f64>load<i32>(p, BATCH_MATMUL_K)
  split(batchMatmulPart.index, p, count, 1, count < threadCount() ? -1 : one) // few: each product by itself
}

function batchMatmulPart(p: usize, from: i32, end: i32, part: i32): void {
  const M = load<i32>(p, BATCH_MATMUL_M), N = load<i32>(p, BATCH_MATMUL_N), K = load<i32>(p, BATCH_MATMUL_K)
  const flags = load<i32>(p, BATCH_MATMUL_FLAGS), words = scratchOf(<usize>load<u32>(p, BATCH_MATMUL_SCRATCH), part)
  prepare(words, <usize>load<u32>(p, BATCH_MATMUL_ARENA), part)
  for (let i = from; i < end; i++) {
    const c = <usize>load<u32>(p, BATCH_MATMUL_C) + (<usize>(M * N * i) << 2)
    const a = <usize>load<u32>(p, BATCH_MATMUL_A) + (<usize>(M * K * i) << 2)
    const b = <usize>load<u32>(p, BATCH_MATMUL_B) + (<usize>(K * N * i) << 2)
    product(words, c, a, b, M, N, K, flags)
  }
}
