// The module of normalization: layer, RMS, batch, group and instance normalization; ids to rows. In the order of its
// op codes.
import { layerNormalize, layerNormalizeGrad } from '../kernels/normalize'
import { encodeCategories } from '../kernels/normalize-categories'
import { channelNormalize, channelNormalizeGrad } from '../kernels/normalize-channels'
import { scaleShift } from '../kernels/scale-shift'

export { ABI_VERSION } from '../abi'

type Kernel = (operands: usize) => void

const kernels: StaticArray<Kernel> = [
  layerNormalize,
  layerNormalizeGrad,
  channelNormalize,
  channelNormalizeGrad,
  encodeCategories,
  scaleShift,
]

/** Function table index of kernel `i`; -1 behind the last. */
export function kernelAt(i: i32): i32 {
  return i < kernels.length ? unchecked(kernels[0]).index + i : -1
}
