// The kernels of attention, gathering of rows (embeddings) and products of many matrices.
import { OP_ATTENTION_END, OP_GATHER } from '../../assembly/abi.ts'
import binary from '../../build/attention.wasm'
import type { KernelModule } from './kernel-module.ts'

export const attentionModule: KernelModule = {
  name: 'attention',
  binary,
  codes: [OP_GATHER, OP_ATTENTION_END],
}
