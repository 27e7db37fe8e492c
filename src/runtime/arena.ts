// One arena and the kernels that run in it. Enters: layouts and plans, numbers to write at their addresses. Leaves:
// numbers read back. Keeps at most one plan's program in the arena; loading another rewrites only the plan's
// own regions, never parameters, gradients or optimizer slots.

import {
  ARENA_START,
  HEADER_BACKWARD_END,
  HEADER_BYTES,
  HEADER_FACTOR,
  HEADER_FORWARD_END,
  HEADER_LEARNING_RATE,
  HEADER_MATMUL,
  HEADER_MOMENTUM_PRODUCT,
  HEADER_PROGRAM,
  HEADER_RANDOM_COUNTER,
  HEADER_STEP_COUNT,
  HEADER_STEP_END,
  JOB_ARENA,
  OP_MATMUL,
} from '../../assembly/abi.ts'
import { coreModule } from '../binaries/core.ts'
import type { KernelModule } from '../binaries/kernel-module.ts'
import { isInt32, messageOf } from '../numerics/brands.ts'
import { fail, LanegradError } from '../numerics/errors.ts'
import { type Core, createCore } from './core.ts'
import { checkRuntime, codeOf, instantiate } from './modules.ts'
import type { Executable, Slot } from './program.ts'

/** All of a wasm memory but its last page: addresses up to here, rounded up to whole pages, fit 32 bits. */
export const MEMORY_LIMIT_BYTES = 65535 * 65536

export const gigabytes = (bytes: number): string => `${(bytes / 0x40000000).toFixed(1)} GiB`

/** A memory of the first kind that can be had. @throws LanegradError that says what was `asked` for */
export function newMemory(
  kinds: readonly Partial<WebAssembly.MemoryDescriptor>[],
  asked: string,
): WebAssembly.Memory {
  for (const kind of kinds) {
    try {
      return new WebAssembly.Memory({ initial: 1, ...kind })
    } catch {}
  }
  return fail(
    `the runtime gave no memory (${asked}): are there many models? dispose() gives theirs back at once`,
  )
}

/** A memory for one thread. */
export const plainMemory = (): WebAssembly.Memory => newMemory([{}], 'a first page of 64 KiB')

/** A memory, the kernels over it, and the arenas that lie in it. */
export interface Machine {
  readonly core: Core
  /** Function table index of each kernel, by op code. */
  readonly indices: number[]
  /** Those that are instantiated here. */
  readonly modules: Set<KernelModule>
  /** A module compiled for the memory. */
  readonly codeOf: (module: KernelModule) => WebAssembly.Module
  /** Where a program of one is loaded, none of the others is. */
  readonly arenas: Arena[]
}

/** The core over `memory`, with scratch for its matmul at `scratch`; 0: it has what is planned for it. */
export function machineOver(memory: WebAssembly.Memory, codeOf: Machine['codeOf'], scratch: number): Machine {
  const indices: number[] = []
  const core = createCore(indices, memory, codeOf(coreModule))
  core.prepare(scratch)
  if (scratch) core.share()
  return { core, indices, modules: new Set([coreModule]), codeOf, arenas: [] }
}

/** Makes the kernels of `module` callable. */
export function addModule({ core, indices, modules, codeOf }: Machine, module: KernelModule): void {
  const { memory, table } = core
  instantiate(module, codeOf(module), indices, { memory, table })
  modules.add(module)
}

/** One thread, exact arithmetic; `core`: another one than this build's. */
export function plainMachine(core: WebAssembly.Module | null = null): Machine {
  checkRuntime()
  const codeWith = (module: KernelModule) => (module === coreModule && core) || codeOf(module)
  return machineOver(plainMemory(), codeWith, 0)
}

export class Arena {
  readonly base: number
  readonly machine: Machine
  protected readonly core: Core
  /** The plan whose program lies in the arena; set by `load` alone. */
  loaded: Executable | null = null
  /** The message of a program that trapped; null if none did. */
  failure: string | null = null
  // Views of the whole memory; growing the memory detaches them, so reserve() makes new ones.
  protected floats = new Float32Array(0)
  protected doubles = new Float64Array(0)
  protected ints = new Int32Array(0)

  /** `base`: where it lies in the machine's memory. */
  constructor(machine = plainMachine(), base = ARENA_START) {
    this.machine = machine
    this.core = machine.core
    this.base = base
    machine.arenas.push(this)
    this.reserve(base + HEADER_BYTES)
    this.refresh()
    this.clear(base, HEADER_BYTES)
    this.ints[(base + HEADER_MATMUL) / 4] = machine.indices[OP_MATMUL]
    this.momentumProduct = 1
  }

  private refresh(): void {
    const { buffer } = this.core.memory
    this.floats = new Float32Array(buffer)
    this.doubles = new Float64Array(buffer)
    this.ints = new Int32Array(buffer)
  }

  /** Makes room up to address `end`. @throws LanegradError when the memory can't be that large. */
  reserve(end: number): void {
    if (end <= this.core.memory.buffer.byteLength) return
    const isTooLarge = end > MEMORY_LIMIT_BYTES
    if (isTooLarge || !this.core.reserve(end)) {
      const why = isTooLarge ? 'WebAssembly memory ends at 4.0 GiB' : 'the runtime refused to grow the memory'
      fail(`the model and this batch size need ${gigabytes(end)}: ${why}`)
    }
    for (const arena of this.machine.arenas) arena.refresh()
  }

  /** Sets `bytes` bytes from `address` to 0. */
  clear(address: number, bytes: number): void {
    this.floats.fill(0, address / 4, (address + bytes) / 4)
  }

  /** Makes `plan` the one that runs. */
  load(plan: Executable): void {
    if (this.loaded === plan) return
    const { machine } = this
    for (const arena of machine.arenas) arena.loaded = null
    this.ints[JOB_ARENA / 4] = this.base
    this.reserve(plan.end)
    for (const module of plan.modules) if (!machine.modules.has(module)) addModule(machine, module)
    this.ints.set(this.placed(plan), plan.programStart / 4)
    for (const { address, data } of plan.constants) this.floats.set(data, address / 4)
    const header = this.base / 4
    this.ints[header + HEADER_PROGRAM / 4] = plan.programStart
    this.ints[header + HEADER_FORWARD_END / 4] = plan.phaseEnds.forward
    this.ints[header + HEADER_BACKWARD_END / 4] = plan.phaseEnds.backward
    this.ints[header + HEADER_STEP_END / 4] = plan.phaseEnds.update
    this.loaded = plan
  }

  /** The words of a plan with the table's indices for op codes. */
  protected placed({ words }: Executable): Int32Array {
    const { indices } = this.machine
    const program = words.slice()
    for (let at = 0; at < words.length; at += words[at] >>> 16)
      program[at] = (words[at] & ~0xffff) | indices[words[at] & 0xffff]
    return program
  }

  forward(): void {
    try {
      this.core.forward(this.base)
    } catch (error) {
      this.stopped(error)
    }
  }

  backward(): void {
    try {
      this.core.backward(this.base)
    } catch (error) {
      this.stopped(error)
    }
  }

  /** Whether it stopped before the update: the loss is watched, and not finite. */
  step(): boolean {
    try {
      return this.core.step(this.base) !== 0
    } catch (error) {
      return this.stopped(error)
    }
  }

  /** Runs instructions from address `from` up to address `to`. */
  run(from: number, to: number): void {
    try {
      this.core.run(this.base, from, to)
    } catch (error) {
      this.stopped(error)
    }
  }

  /** A program that trapped may have left anything behind. @throws LanegradError */
  protected stopped(error: unknown): never {
    this.failure = messageOf(error)
    throw new LanegradError(`the kernels stopped: ${this.failure}`, { cause: error })
  }

  get stepCount(): number {
    return this.doubles[(this.base + HEADER_STEP_COUNT) / 8]
  }

  set stepCount(count: number) {
    this.doubles[(this.base + HEADER_STEP_COUNT) / 8] = count
  }

  /** Sets the number that dropout and noise of the next run draw from, beside the seed: its low and high word. */
  drawFrom(low: number, high: number): void {
    const at = (this.base + HEADER_RANDOM_COUNTER) / 4
    this.ints[at] = low
    this.ints[at + 1] = high
  }

  /** The weight of a step's gradients in a sum, or the sum of such weights. */
  set factor(factor: number) {
    this.floats[(this.base + HEADER_FACTOR) / 4] = factor
  }

  set learningRate(rate: number) {
    this.floats[(this.base + HEADER_LEARNING_RATE) / 4] = rate
  }

  /** nadam's running product of momenta: part of the optimizer's state. */
  get momentumProduct(): number {
    return this.doubles[(this.base + HEADER_MOMENTUM_PRODUCT) / 8]
  }

  set momentumProduct(product: number) {
    this.doubles[(this.base + HEADER_MOMENTUM_PRODUCT) / 8] = product
  }

  scalar(address: number): number {
    return this.floats[address / 4]
  }

  /** A view, valid until the memory grows: copy what must last. */
  view(address: number, count: number, dtype: Slot['dtype']): Float32Array | Int32Array {
    if (dtype === 'float32') return this.floatView(address, count)
    return this.ints.subarray(address / 4, address / 4 + count)
  }

  floatView(address: number, count: number): Float32Array {
    return this.floats.subarray(address / 4, address / 4 + count)
  }

  write(address: number, data: Float32Array | Int32Array): void {
    const memory = isInt32(data) ? this.ints : this.floats
    memory.set(data, address / 4)
  }

  /** Index of the first NaN or number outside low ... high among `count` floats, or -1. */
  findOutside(address: number, count: number, low = -Infinity, high = Infinity): number {
    return this.core.findOutside(address, count, low, high)
  }

  /** Gives back what others can have. */
  dispose(): void {}
}
