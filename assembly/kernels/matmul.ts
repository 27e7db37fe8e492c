// The core's matmul: the product of gemm.ts, split over threads, with its activation. words: as productPart's.
import { fork, isShared } from '../parallel'
import { productPart, productWork } from './gemm'
import { applyUnary } from './unary'

export function matmul(p: usize): void {
  if (isShared(productWork(p))) fork(matmulPart.index, p)
  else matmulPart(p, 0, 1)
}

function matmulPart(p: usize, part: i32, parts: i32): void {
  productPart(p, part, parts, applyUnary.index)
}
