// The kernels of normalization by rows and by channels, and category encoding.
import { OP_LAYER_NORMALIZE, OP_NORMALIZE_END } from '../../assembly/abi.ts'
import binary from '../../build/normalize.wasm'
import type { KernelModule } from './kernel-module.ts'

export const normalizeModule: KernelModule = {
  name: 'normalize',
  binary,
  codes: [OP_LAYER_NORMALIZE, OP_NORMALIZE_END],
}
