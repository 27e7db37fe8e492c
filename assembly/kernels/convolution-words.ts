// What the convolutions of convolution.ts and winograd.ts share: the words of a part of a job, products by the core's matmul,
// the size of dw.
// Float64 reference: test/reference/kernels/convolution.ts
import {
  CONV_ARENA, CONV_C, CONV_F, CONV_GROUPS, CONV_LIST, CONV_LONG, CONV_OFFSETS, CONV_OWN_BYTES, CONV_PART, CONV_PATCHES,
  CONV_PRODUCT, CONV_ROWS_PART, CONV_RUN, CONV_SCRATCH, CONV_TAPS, CONV_WORDS_BYTES, HEADER_MATMUL, MATMUL_A, MATMUL_B,
  MATMUL_BIAS, MATMUL_C, MATMUL_FLAGS, MATMUL_FN, MATMUL_K, MATMUL_M, MATMUL_N, MATMUL_OFFSETS, MATMUL_PART_SHIFT,
  MATMUL_RUN, MATMUL_SCRATCH, PRODUCT_BYTES,
} from '../abi'
import { scratchOf } from '../parallel'

/** dst = src, `bytes` (a multiple of 4); up to 12 bytes behind either are read and written, too: to be used in ascending order. */
@inline
export function copyLoose(dst: usize, src: usize, bytes: usize): void {
  for (let o: usize = 0; o < bytes; o += 16) v128.store(dst + o, v128.load(src + o))
}

/** dst = 0, in the same way. */
@inline
export function clearLoose(dst: usize, bytes: usize): void {
  for (let o: usize = 0; o < bytes; o += 16) v128.store(dst + o, f32x4.splat(0))
}

/** The words of a part: those of the plan, with scratch of its own for all but the kernel part, which is read. */
export function wordsOf(p: usize, part: i32): usize {
  const shift = scratchOf(load<u32>(p, CONV_SCRATCH), part) - load<u32>(p, CONV_SCRATCH)
  if (!shift) return p
  const own = <usize>load<u32>(p, CONV_PRODUCT) + PRODUCT_BYTES + shift
  memory.copy(own, p, CONV_WORDS_BYTES)
  if (load<u32>(own, CONV_PATCHES)) move(own, CONV_PATCHES, shift)
  move(own, CONV_ROWS_PART, shift)
  move(own, CONV_PRODUCT, shift)
  move(own, CONV_LIST, shift)
  move(own, CONV_LONG, shift)
  move(own, CONV_OFFSETS, shift)
  store<i32>(own, part << MATMUL_PART_SHIFT, CONV_PART)
  return own
}

@inline
function move(p: usize, word: usize, by: usize): void {
  store<u32>(p + word, load<u32>(p + word) + <u32>by)
}

/** c[M,N] = a.b by the core's matmul; `end`: fn and alpha. */
export function multiply(
  p: usize, c: usize, a: usize, b: usize, M: i32, N: i32, K: i32, flags: i32, bias: usize, end: u64,
): void {
  const words = <usize>load<u32>(p, CONV_PRODUCT)
  store<u32>(words, <u32>c, MATMUL_C)
  store<u32>(words, <u32>a, MATMUL_A)
  store<u32>(words, <u32>b, MATMUL_B)
  store<u32>(words, <u32>bias, MATMUL_BIAS)
  store<i32>(words, M, MATMUL_M)
  store<i32>(words, N, MATMUL_N)
  store<i32>(words, K, MATMUL_K)
  store<i32>(words, flags | load<i32>(p, CONV_PART), MATMUL_FLAGS)
  store<u64>(words, end, MATMUL_FN)
  store<u32>(words, <u32>words + PRODUCT_BYTES + CONV_OWN_BYTES, MATMUL_SCRATCH)
  store<u32>(words, load<u32>(p, CONV_OFFSETS), MATMUL_OFFSETS)
  store<u32>(words, load<u32>(p, CONV_RUN), MATMUL_RUN)
  call_indirect<void>(load<u32>(load<u32>(p, CONV_ARENA), HEADER_MATMUL), words)
}

/** The size of dw in bytes. */
@inline
export function weightBytes(p: usize): usize {
  return <usize>(load<i32>(p, CONV_TAPS) * load<i32>(p, CONV_C) / load<i32>(p, CONV_GROUPS) * load<i32>(p, CONV_F)) << 2
}
