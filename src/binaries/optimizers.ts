// The kernels of the optimizers that few programs have.
import { OP_OPTIMIZERS_END, OP_RARE_UPDATE } from '../../assembly/abi.ts'
import binary from '../../build/optimizers.wasm'
import type { KernelModule } from './kernel-module.ts'

export const optimizersModule: KernelModule = {
  name: 'optimizers',
  binary,
  codes: [OP_RARE_UPDATE, OP_OPTIMIZERS_END],
}
