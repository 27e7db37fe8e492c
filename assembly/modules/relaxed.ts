// The module of relaxed arithmetic: kernels of the core whose multiply-adds the host may fuse, compiled for it. They take
// the core's places, by its own op codes, where a model asks for `numerics: relaxed()`.
import { JOB_UNARY } from '../abi'
import { productPart, productWork, smallWhole } from '../kernels/gemm'
import { split } from '../parallel'

export { ABI_VERSION } from '../abi'

type Kernel = (operands: usize) => void

function matmul(p: usize): void {
  const work = productWork(p)
  if (!smallWhole(p, work, load<u32>(JOB_UNARY))) split(matmulPart.index, p, 1, 0, <f64>work)
}

function matmulPart(p: usize, part: i32, parts: i32, _: i32): void {
  productPart(p, part, parts, load<u32>(JOB_UNARY))
}

const kernels: StaticArray<Kernel> = [matmul]

/** Function table index of kernel `i`; -1 behind the last. */
export function kernelAt(i: i32): i32 {
  return i < kernels.length ? unchecked(kernels[0]).index + i : -1
}
