// The kernels of recurrent layers.
import { OP_LSTM, OP_RECURRENT_END } from '../../assembly/abi.ts'
import binary from '../../build/recurrent.wasm'
import type { KernelModule } from './kernel-module.ts'

export const recurrentModule: KernelModule = { name: 'recurrent', binary, codes: [OP_LSTM, OP_RECURRENT_END] }
