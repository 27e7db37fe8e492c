// The module of embeddings and attention. In the order of its op codes.
import { attention, attentionGrad } from '../kernels/attention'
import { batchMatmul } from '../kernels/attention-products'
import { gather, gatherGrad, nonZero } from '../kernels/gather'

export { ABI_VERSION } from '../abi'

type Kernel = (operands: usize) => void

const kernels: StaticArray<Kernel> = [gather, gatherGrad, nonZero, attention, attentionGrad, batchMatmul]

/** Function table index of kernel `i`; -1 behind the last. */
export function kernelAt(i: i32): i32 {
  return i < kernels.length ? unchecked(kernels[0]).index + i : -1
}
