// The kernels of the parts of an update that few programs have: constraints, moving averages of the weights, accumulated gradients.
import { OP_CONSTRAIN, OP_TRAINING_END } from '../../assembly/abi.ts'
import binary from '../../build/training.wasm'
import type { KernelModule } from './kernel-module.ts'

export const trainingModule: KernelModule = {
  name: 'training',
  binary,
  codes: [OP_CONSTRAIN, OP_TRAINING_END],
}
