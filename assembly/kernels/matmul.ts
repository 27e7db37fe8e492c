// The core's matmul: the product of gemm.ts, split over threads, with its activation. words: as productPart's.
// Float64 reference: test/reference/ops.ts
import { split } from '../parallel'
import { productPart, productWork, smallWhole } from './gemm'
import { applyUnary } from './unary'

export function matmul(p: usize): void {
  const work = productWork(p)
  if (!smallWhole(p, work, applyUnary.index)) split(matmulPart.index, p, 1, 0, <f64>work)
}

function matmulPart(p: usize, part: i32, parts: i32, _: i32): void {
  productPart(p, part, parts, applyUnary.index)
}
