// The compiled core and the modules of kernels. Their bytes come with the bundle; they are compiled once per
// program, on first use, and instantiated once per model: a module joins the core's memory and function table.
import { instantiateSync } from '@assemblyscript/loader'
import { OP_CORE_END, OP_MATMUL } from '../../assembly/abi.ts'
import bytes from '../../build/core.wasm'
import type { KernelModule } from '../graph/kernel.ts'
import { fail } from '../numerics/errors.ts'

/** The exports of every module. */
interface Kernels {
  /** Function table index of kernel `i`, -1 behind the last. */
  kernelAt(i: number): number
}

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

/** Room for every module: asconfig.json gives each its tableBase. */
const TABLE_LENGTH = 512

const coreModule: KernelModule = { name: 'core', bytes, codes: [OP_MATMUL, OP_CORE_END] }
const compiled = new WeakMap<KernelModule, WebAssembly.Module>()

/** The exports of a new instance; `indices` gets its kernels' places in the function table, by op code. @throws LanegradError where WebAssembly SIMD is missing. */
function instantiate(module: KernelModule, imports: WebAssembly.Imports, indices: number[]): unknown {
  let code = compiled.get(module)
  try {
    code ??= new WebAssembly.Module(module.bytes as BufferSource)
  } catch (error) {
    fail(
      `this runtime can't compile WebAssembly with SIMD: ${error instanceof Error ? error.message : error}`,
    )
  }
  compiled.set(module, code)
  const exports = instantiateSync(code, imports).exports as unknown as Kernels
  const [first, end] = module.codes
  for (let code = first; code <= end; code++) {
    const index = exports.kernelAt(code - first)
    if (index === -1 ? code < end : code === end)
      throw new Error(`lanegrad: the ${module.name} kernels and the library are of different versions`)
    if (code < end) indices[code] = index
  }
  return exports
}

/** A core with a memory of its own. */
export const createCore = (indices: number[]): Core => instantiate(coreModule, {}, indices) as Core

/** Makes the kernels of `module` callable by the core. */
export function addModule({ memory, table }: Core, module: KernelModule, indices: number[]): void {
  if (table.length < TABLE_LENGTH) table.grow(TABLE_LENGTH - table.length)
  instantiate(module, { env: { memory, table } }, indices)
}
