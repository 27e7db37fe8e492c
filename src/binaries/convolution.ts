// The kernels of convolutions.
import { OP_CONV, OP_CONVOLUTION_END } from '../../assembly/abi.ts'
import binary from '../../build/convolution.wasm'
import type { KernelModule } from './kernel-module.ts'

export const convolutionModule: KernelModule = {
  name: 'convolution',
  binary,
  codes: [OP_CONV, OP_CONVOLUTION_END],
}
