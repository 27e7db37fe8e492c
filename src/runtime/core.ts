// The compiled core and the modules of kernels: instantiated once per model; a module joins the core's memory and
// function table.
import { coreModule } from '../binaries/core.ts'
import type { KernelModule } from '../binaries/kernel-module.ts'
import { type Code, instantiate, type Kernels } from './modules.ts'

/** The exports of assembly/index.ts. Addresses are bytes. */
export interface Core extends Kernels {
  readonly memory: WebAssembly.Memory
  readonly table: WebAssembly.Table
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

/** A core over `memory`, `code` compiled for it. */
export const createCore = (indices: number[], memory: WebAssembly.Memory, code: Code): Core =>
  instantiate(coreModule, code, indices, { memory })

/** Makes the kernels of `module` callable by the core. */
export const addModule = (
  { memory, table }: Core,
  module: KernelModule,
  code: Code,
  indices: number[],
): Kernels => instantiate(module, code, indices, { memory, table })
