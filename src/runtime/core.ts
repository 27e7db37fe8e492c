// The compiled core: instantiated once per model.
import { coreModule } from '../binaries/core.ts'
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
  prepare(scratch: number): void
  share(): void
  forward(arena: number): void
  backward(arena: number): void
  step(arena: number): number
  run(arena: number, from: number, to: number): void
}

/** A core over `memory`, `code` compiled for it. */
export const createCore = (indices: number[], memory: WebAssembly.Memory, code: Code): Core =>
  instantiate(coreModule, code, indices, { memory })
