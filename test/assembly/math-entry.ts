// What the tests of math.ts and lanes.ts call: each function of math.ts over an array, and those of module functions by code.
// The arrays lie at the addresses the test chooses in the exported memory; counts are multiples of 4.
import { FN_RELU6 } from '../../assembly/abi'
import { loadTail, maxLane, minLane, storeTail, sum } from '../../assembly/lanes'
import { erf, exp, expBelow, expm1, log, log1p, sigmoid, tanh } from '../../assembly/math'
import { kernelAt } from '../../assembly/modules/functions'

export function base(): usize {
  return (__heap_base + 63) & ~63
}

export function expArray(dst: usize, src: usize, count: u32): void {
  for (let i: usize = 0; i < count << 2; i += 16) v128.store(dst + i, exp(v128.load(src + i)))
}

export function expBelowArray(dst: usize, src: usize, count: u32): void {
  for (let i: usize = 0; i < count << 2; i += 16) v128.store(dst + i, expBelow(v128.load(src + i)))
}

export function expm1Array(dst: usize, src: usize, count: u32): void {
  for (let i: usize = 0; i < count << 2; i += 16) v128.store(dst + i, expm1(v128.load(src + i)))
}

export function logArray(dst: usize, src: usize, count: u32): void {
  for (let i: usize = 0; i < count << 2; i += 16) v128.store(dst + i, log(v128.load(src + i)))
}

export function log1pArray(dst: usize, src: usize, count: u32): void {
  for (let i: usize = 0; i < count << 2; i += 16) v128.store(dst + i, log1p(v128.load(src + i)))
}

export function tanhArray(dst: usize, src: usize, count: u32): void {
  for (let i: usize = 0; i < count << 2; i += 16) v128.store(dst + i, tanh(v128.load(src + i)))
}

export function sigmoidArray(dst: usize, src: usize, count: u32): void {
  for (let i: usize = 0; i < count << 2; i += 16) v128.store(dst + i, sigmoid(v128.load(src + i)))
}

export function erfArray(dst: usize, src: usize, count: u32): void {
  for (let i: usize = 0; i < count << 2; i += 16) v128.store(dst + i, erf(v128.load(src + i)))
}

/** The function of a code FN_* of module functions, with alpha 1. */
export function functionArray(dst: usize, src: usize, count: u32, code: i32): void {
  call_indirect<void>(kernelAt(code - FN_RELU6), dst, src, count, <f32>1)
}

/** dst[0..2] = sum, max, min of the four floats at src. */
export function reduceLanes(dst: usize, src: usize): void {
  const x = v128.load(src)
  store<f32>(dst, sum(x))
  store<f32>(dst, maxLane(x), 4)
  store<f32>(dst, minLane(x), 8)
}

export function copyTail(dst: usize, src: usize, n: i32): void {
  storeTail(dst, loadTail(src, n), n)
}
