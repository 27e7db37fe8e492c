// The module of the optimizers that few programs have.
import { rareUpdate } from '../kernels/optimizer-rare'

export { ABI_VERSION } from '../abi'

type Kernel = (operands: usize) => void

const kernels: StaticArray<Kernel> = [rareUpdate]

/** Function table index of kernel `i`; -1 behind the last. */
export function kernelAt(i: i32): i32 {
  return i < kernels.length ? unchecked(kernels[0]).index + i : -1
}
