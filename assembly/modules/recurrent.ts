// The module of recurrent layers: whole sequences, forward and backward. In the order of its op codes.
import { gru, gruBefore, gruBeforeGrad, gruGrad } from '../kernels/recurrent-gru'
import { lstm, lstmGrad } from '../kernels/recurrent-lstm'
import { reverse } from '../kernels/recurrent-reverse'
import { simpleRnn, simpleRnnGrad } from '../kernels/recurrent-simple'

export { ABI_VERSION } from '../abi'

type Kernel = (operands: usize) => void

const kernels: StaticArray<Kernel> = [
  lstm,
  lstmGrad,
  gru,
  gruGrad,
  gruBefore,
  gruBeforeGrad,
  simpleRnn,
  simpleRnnGrad,
  reverse,
]

/** Function table index of kernel `i`; -1 behind the last. */
export function kernelAt(i: i32): i32 {
  return i < kernels.length ? unchecked(kernels[0]).index + i : -1
}
