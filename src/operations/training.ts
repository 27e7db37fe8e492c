// What a training step may do beside the update: constraints, moving averages of the weights, accumulated gradients.
// These are no operations of a graph: plan/update.ts writes them as instructions over the flat regions of a layout.
import * as abi from '../../assembly/abi.ts'
import binary from '../../build/training.wasm'
import type { KernelModule } from '../runtime/kernel-module.ts'

export const trainingModule: KernelModule = {
  name: 'training',
  binary,
  codes: [abi.OP_CONSTRAIN, abi.OP_TRAINING_END],
}
