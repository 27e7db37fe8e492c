// The module of what a training step may do beside the update: constraints, moving averages, accumulated gradients. In
// the order of its op codes.
import { constrain } from '../kernels/constraint'
import { accumulate, ema } from '../kernels/ema'

export { ABI_VERSION } from '../abi'

type Kernel = (operands: usize) => void

const kernels: StaticArray<Kernel> = [constrain, ema, accumulate]

/** Function table index of kernel `i`; -1 behind the last. */
export function kernelAt(i: i32): i32 {
  return i < kernels.length ? unchecked(kernels[0]).index + i : -1
}
