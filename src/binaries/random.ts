// The kernels of dropout and noise.
import { OP_RANDOM, OP_RANDOM_END } from '../../assembly/abi.ts'
import binary from '../../build/random.wasm'
import type { KernelModule } from './kernel-module.ts'

export const randomModule: KernelModule = { name: 'random', binary, codes: [OP_RANDOM, OP_RANDOM_END] }
