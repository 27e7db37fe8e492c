// The compiled core and the modules of kernels: instantiated once per model; a module joins the core's memory and
// function table.
import { OP_CORE_END, OP_MATMUL } from '../../assembly/abi.ts'
import binary from '../../build/core.wasm'
import type { KernelModule } from '../graph/kernel.ts'
import { instantiate, type Kernels } from './modules.ts'

/** The exports of assembly/index.ts. Addresses are bytes. */
export interface Core extends Kernels {
  readonly memory: WebAssembly.Memory
  readonly table: WebAssembly.Table
  arenaBase(): number
  reserve(bytes: number): number
  findNaN(address: number, count: number): number
  forward(arena: number): void
  backward(arena: number): void
  step(arena: number): void
  run(arena: number, from: number, to: number): void
}

const coreModule: KernelModule = { name: 'core', binary, codes: [OP_MATMUL, OP_CORE_END] }

/** A core with a memory of its own. */
export const createCore = (indices: number[]): Core => instantiate(coreModule, indices)

/** Makes the kernels of `module` callable by the core. */
export const addModule = ({ memory, table }: Core, module: KernelModule, indices: number[]): Kernels =>
  instantiate(module, indices, { memory, table })
