// The compiled core and the modules of kernels: instantiated once per model; a module joins the core's memory and
// function table.
import { OP_CORE_END, OP_MATMUL, OP_UNARY } from '../../assembly/abi.ts'
import binary from '../../build/core.wasm'
import relaxedBinary from '../../build/relaxed.wasm'
import type { KernelModule } from '../graph/kernel.ts'
import { instantiate, type Kernels } from './modules.ts'

/** The exports of assembly/index.ts. Addresses are bytes. */
export interface Core extends Kernels {
  readonly memory: WebAssembly.Memory
  readonly table: WebAssembly.Table
  arenaBase(): number
  reserve(bytes: number): number
  findOutside(address: number, count: number, low: number, high: number): number
  uniform(
    dst: number,
    count: number,
    seedLow: number,
    seedHigh: number,
    stream: number,
    low: number,
    scale: number,
  ): void
  prepare(arena: number, scratch: number): void
  forward(arena: number): void
  backward(arena: number): void
  step(arena: number): number
  run(arena: number, from: number, to: number): void
}

export const coreModule: KernelModule = { name: 'core', binary, codes: [OP_UNARY, OP_CORE_END] }

/** The core's last kernel again, for runtimes with relaxed SIMD: its multiply-adds may round once instead of twice. */
export const relaxedModule: KernelModule = {
  name: 'relaxed',
  binary: relaxedBinary,
  codes: [OP_MATMUL, OP_CORE_END],
}

/** A core over `memory`. */
export const createCore = (indices: number[], memory: WebAssembly.Memory): Core =>
  instantiate(coreModule, indices, { memory })

/** Makes the kernels of `module` callable by the core. */
export const addModule = ({ memory, table }: Core, module: KernelModule, indices: number[]): Kernels =>
  instantiate(module, indices, { memory, table })
