// The kernels of maxima and minima and of the unary functions that no activation names.
import { EXTREMES, MATHEMATICS_END } from '../../assembly/abi.ts'
import binary from '../../build/mathematics.wasm'
import type { KernelModule } from './kernel-module.ts'

/** Kernels of the core call them by their codes; no instruction has them. */
export const mathematicsModule: KernelModule = {
  name: 'mathematics',
  binary,
  codes: [EXTREMES, MATHEMATICS_END],
}
