// The compiled core. The bytes come with the bundle; they are compiled once per program, on first use, and
// instantiated once per model.
import { instantiateSync } from '@assemblyscript/loader'
import { OP_COUNT } from '../../assembly/abi.ts'
import bytes from '../../build/simd.wasm'
import { fail } from '../numerics/errors.ts'

/** The exports of assembly/index.ts. Addresses are bytes. */
export interface Core {
  readonly memory: WebAssembly.Memory
  arenaBase(): number
  reserve(bytes: number): number
  findNaN(address: number, count: number): number
  forward(arena: number): void
  backward(arena: number): void
  step(arena: number): void
  run(arena: number, from: number, to: number): void
  kernelCount(): number
}

let compiled: WebAssembly.Module | null = null

/** A core with a memory of its own. @throws LanegradError where WebAssembly SIMD is missing. */
export function createCore(): Core {
  try {
    compiled ??= new WebAssembly.Module(bytes)
  } catch (error) {
    fail(
      `this runtime can't compile WebAssembly with SIMD: ${error instanceof Error ? error.message : error}`,
    )
  }
  const exports = instantiateSync(compiled, {}).exports as unknown as Core
  if (exports.kernelCount() !== OP_COUNT)
    throw new Error('lanegrad: the core and the library are of different versions')
  return exports
}
