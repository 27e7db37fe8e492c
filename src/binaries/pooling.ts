// The kernels of pooling and resizing.
import { OP_MAX_POOL, OP_POOLING_END } from '../../assembly/abi.ts'
import binary from '../../build/pooling.wasm'
import type { KernelModule } from './kernel-module.ts'

export const poolingModule: KernelModule = { name: 'pooling', binary, codes: [OP_MAX_POOL, OP_POOLING_END] }
