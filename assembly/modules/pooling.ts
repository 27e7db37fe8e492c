// The module of pooling and resampling. In the order of its op codes.
import { averagePool, averagePoolGrad, maxPool, maxPoolGrad } from '../kernels/pool'
import { resize, resizeGrad } from '../kernels/resize'

export { ABI_VERSION } from '../abi'

type Kernel = (operands: usize) => void

const kernels: StaticArray<Kernel> = [maxPool, maxPoolGrad, averagePool, averagePoolGrad, resize, resizeGrad]

/** Function table index of kernel `i`; -1 behind the last. */
export function kernelAt(i: i32): i32 {
  return i < kernels.length ? unchecked(kernels[0]).index + i : -1
}
