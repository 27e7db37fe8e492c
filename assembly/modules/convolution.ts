// The module of convolutions. In the order of its op codes.
import { conv, convInputGrad, convWeightGrad } from '../kernels/convolution'
import { depthwise, depthwiseInputGrad, depthwiseWeightGrad } from '../kernels/depthwise'

export { ABI_VERSION } from '../abi'

type Kernel = (operands: usize) => void

const kernels: StaticArray<Kernel> = [
  conv,
  convInputGrad,
  convWeightGrad,
  depthwise,
  depthwiseInputGrad,
  depthwiseWeightGrad,
]

/** Function table index of kernel `i`; -1 behind the last. */
export function kernelAt(i: i32): i32 {
  return i < kernels.length ? unchecked(kernels[0]).index + i : -1
}
