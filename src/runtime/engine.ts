// One arena and the core that runs it. Enters: layouts and plans, numbers to write at their addresses. Leaves:
// numbers read back. Keeps at most one plan's program in the arena; loading another rewrites only the plan's
// own regions, never parameters, gradients or optimizer slots.

import {
  ARENA_START,
  HEADER_BACKWARD_END,
  HEADER_BYTES,
  HEADER_FACTOR,
  HEADER_FORWARD_END,
  HEADER_LEARNING_RATE,
  HEADER_LOSS,
  HEADER_MATMUL,
  HEADER_MOMENTUM_PRODUCT,
  HEADER_PROGRAM,
  HEADER_RANDOM_COUNTER,
  HEADER_STEP_COUNT,
  HEADER_STEP_END,
  JOB_ARENA,
  JOB_LEAST_WORK,
  MATMUL_SCRATCH_BYTES,
  OP_MATMUL,
  SCRATCH_GAP,
} from '../../assembly/abi.ts'
import { coreModule } from '../binaries/core.ts'
import type { KernelModule } from '../binaries/kernel-module.ts'
import { isInt32, messageOf } from '../numerics/brands.ts'
import { fail, LanegradError } from '../numerics/errors.ts'
import { addModule, type Core, createCore } from './core.ts'
import { bytesOf, checkRuntime, codeOf, givenBytes, isSupported } from './modules.ts'
import type { Executable, Slot } from './program.ts'

/** All of a wasm memory but its last page: addresses up to here, rounded up to whole pages, fit 32 bits. */
const MEMORY_LIMIT_BYTES = 65535 * 65536

const gigabytes = (bytes: number): string => `${(bytes / 0x40000000).toFixed(1)} GiB`

/** Arithmetic that may round once where it would twice: what `relaxed` makes. */
export interface Relaxed {
  readonly kind: 'relaxed'
  /** Takes the place of the core's matmul, where the runtime knows its instructions. @internal */
  module(): KernelModule
}

/** Threads that compute together: what `workers` makes. */
export interface Workers {
  readonly kind: 'workers'
  /** null: one for each core, 8 at most. */
  readonly count: number | null
  /** The threads of an engine. @internal */
  team(binaries: Binaries): Team
}

/** The binaries that engines here have, as a team must know them. */
export interface Binaries {
  readonly core: KernelModule
  /** Undefined where they came compiled, or aren't here. */
  bytesOf(module: KernelModule): Uint8Array<ArrayBuffer> | undefined
  /** The bytes that `init` brought. */
  givenBytes(name: string): Uint8Array<ArrayBuffer> | undefined
  /** `module` compiled for a memory of one thread. @throws LanegradError where it isn't loaded */
  codeOf(module: KernelModule): WebAssembly.Module
}

/** The threads of one engine, itself included. */
export interface Team {
  /** How many there is scratch for; 1: there can be no others. */
  readonly count: number
  /** How many compute now: helpers join when they are ready, and again after another module has been loaded. */
  readonly ready: number
  /** For `variant`. */
  readonly text: string
  /** Multiply-adds from which a kernel is split. */
  readonly leastWork: number
  memory(): WebAssembly.Memory
  /** `module` compiled for that memory. */
  codeOf(module: KernelModule): WebAssembly.Module
  /** Lets the others have the modules of an engine that is ready. */
  start(memory: WebAssembly.Memory, modules: Iterable<KernelModule>): void
  /** The first address behind a plan and the scratch of its parts. */
  endOf(plan: Executable): number
  /** Takes the scratch of a plan that is loaded, and the modules it `added` to `modules`. */
  load(plan: Executable, modules: Iterable<KernelModule>, added: readonly KernelModule[]): void
  /** The core has trapped. @throws LanegradError where another thread is to blame; the engine's goes on alone */
  stopped(): void
  end(): void
}

/** How an engine computes. */
export interface RuntimeOptions {
  /**
   * `relaxed()`: matrix products may fuse multiplications and additions, up to 1.4 times as fast; the last bits depend on the
   * machine. Default null: the same bits on every machine.
   */
  readonly numerics?: Relaxed | null
  /**
   * `workers(n)`: n threads compute, this one included; `workers()`: one for each core, 8 at most. The bits are the same for
   * any number. Where there can be none (a page's main thread, memory that can't be shared), one thread, and one warning
   * when it first computes. Default null: one thread.
   */
  readonly threads?: Workers | null
}

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

export const binaries: Binaries = { core: coreModule, bytesOf, givenBytes, codeOf }

export class Engine {
  readonly base: number
  private readonly core: Core
  /** Function table index of each kernel, by op code. */
  private readonly indices: number[]
  private loaded: Executable | null = null
  /** The engines over this memory: where a program of one is loaded, none of the others is. */
  private readonly peers: Engine[]
  private isWatching = false
  private readonly words = new WeakMap<Executable, Int32Array>()
  /** The message of a program that trapped; null if none did. */
  failure: string | null = null
  /** Those that are instantiated here. */
  private readonly modules: Set<KernelModule>
  // Views of the whole memory; growing the memory detaches them, so reserve() makes new ones.
  private floats = new Float32Array(0)
  private doubles = new Float64Array(0)
  private ints = new Int32Array(0)

  readonly team: Team | null
  private readonly codeOf: (module: KernelModule) => WebAssembly.Module
  private readonly arithmetic: string

  /** `beside`: an engine whose memory and kernels it shares, with a header of its own at `base`. */
  constructor({ numerics, threads }: RuntimeOptions = {}, beside: Engine | null = null, base = 0) {
    if (beside) {
      this.team = beside.team
      this.codeOf = beside.codeOf
      this.core = beside.core
      this.indices = beside.indices
      this.modules = beside.modules
      this.arithmetic = beside.arithmetic
      this.peers = beside.peers
      this.peers.push(this)
      this.base = base
      this.reserve(base + HEADER_BYTES)
      this.refresh()
      this.clear(base, HEADER_BYTES)
      this.start()
      return
    }
    checkRuntime()
    this.peers = [this]
    this.indices = []
    const team = threads?.team(binaries) ?? null
    this.team = team
    this.codeOf = team ? (module) => team.codeOf(module) : codeOf
    const count = team?.count ?? 1
    const wanted = numerics?.module() ?? null
    const relaxed = wanted && isSupported(wanted) ? wanted : null
    const memory = team?.memory() ?? plainMemory()
    this.core = createCore(this.indices, memory, this.codeOf(coreModule))
    // in front of the arena: what a matmul needs, for each thread; without threads, the exact one has what is planned for it
    const scratch = count > 1 || relaxed ? ARENA_START : 0
    this.base = ARENA_START + (scratch && count * (MATMUL_SCRATCH_BYTES + SCRATCH_GAP))
    this.core.reserve(this.base + HEADER_BYTES)
    this.core.prepare(this.base, scratch)
    this.modules = new Set([coreModule])
    if (relaxed) this.add(relaxed)
    this.arithmetic = relaxed ? 'relaxed' : numerics ? 'simd (no relaxed SIMD here)' : 'simd'
    this.refresh()
    this.shareFrom(team?.leastWork ?? Number.POSITIVE_INFINITY)
    team?.start(memory, this.modules)
    this.start()
  }

  private start(): void {
    this.ints[(this.base + HEADER_MATMUL) / 4] = this.indices[OP_MATMUL]
    this.momentumProduct = 1
  }

  private add(module: KernelModule): void {
    addModule(this.core, module, this.codeOf(module), this.indices)
    this.modules.add(module)
  }

  /** Where the arena of an engine of one thread with exact arithmetic lies. */
  get plainBase(): number {
    return ARENA_START
  }

  /** The arithmetic it runs on now: `simd` or `relaxed`, its threads if several were asked for, and what it couldn't have. */
  get variant(): string {
    return this.arithmetic + (this.team?.text ?? '')
  }

  /** Splits kernels from so many multiply-adds on; the bits are the same. */
  shareFrom(leastWork: number): void {
    this.doubles[JOB_LEAST_WORK / 8] = leastWork
  }

  /** Ends the helpers, where no other engine has them. */
  dispose(): void {
    const { peers } = this
    peers.splice(peers.indexOf(this), 1)
    if (peers.length === 0) this.team?.end()
  }

  private refresh(): void {
    const { buffer } = this.core.memory
    const floats = new Float32Array(buffer)
    const doubles = new Float64Array(buffer)
    const ints = new Int32Array(buffer)
    for (const peer of this.peers) Object.assign(peer, { floats, doubles, ints })
  }

  /** Makes room up to address `end`. @throws LanegradError when the memory can't be that large. */
  reserve(end: number): void {
    if (end <= this.core.memory.buffer.byteLength) return
    const isTooLarge = end > MEMORY_LIMIT_BYTES
    if (isTooLarge || !this.core.reserve(end)) {
      const why = isTooLarge ? 'WebAssembly memory ends at 4.0 GiB' : 'the runtime refused to grow the memory'
      fail(`the model and this batch size need ${gigabytes(end)}: ${why}`)
    }
    this.refresh()
  }

  /** Sets `bytes` bytes from `address` to 0. */
  clear(address: number, bytes: number): void {
    this.floats.fill(0, address / 4, (address + bytes) / 4)
  }

  /** Makes `plan` the one that runs. */
  load(plan: Executable): void {
    if (this.loaded === plan) return
    for (const peer of this.peers) peer.loaded = null
    this.ints[JOB_ARENA / 4] = this.base
    this.reserve(this.team?.endOf(plan) ?? plan.end)
    const added = plan.modules.filter((module) => !this.modules.has(module))
    for (const module of added) this.add(module)
    this.team?.load(plan, this.modules, added)
    this.ints.set(this.placed(plan), plan.programStart / 4)
    for (const { address, data } of plan.constants) this.floats.set(data, address / 4)
    const header = this.base / 4
    this.ints[header + HEADER_PROGRAM / 4] = plan.programStart
    this.ints[header + HEADER_FORWARD_END / 4] = plan.phaseEnds.forward
    this.ints[header + HEADER_BACKWARD_END / 4] = plan.phaseEnds.backward
    this.ints[header + HEADER_STEP_END / 4] = plan.phaseEnds.update
    this.loaded = plan
    this.watch(this.isWatching)
  }

  /** The words of a plan with the table's indices for op codes. */
  private placed(plan: Executable): Int32Array {
    const known = this.words.get(plan)
    if (known) return known
    const { words } = plan
    const program = words.slice()
    for (let at = 0; at < words.length; at += words[at] >>> 16)
      program[at] = (words[at] & ~0xffff) | this.indices[words[at] & 0xffff]
    this.words.set(plan, program)
    return program
  }

  /** Whether a step stops before its update where the loss isn't finite. */
  watch(isOn: boolean): void {
    this.isWatching = isOn
    const { address = 0 } = (isOn && this.loaded?.results.get('loss')) || {}
    this.ints[(this.base + HEADER_LOSS) / 4] = address
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
  private stopped(error: unknown): never {
    this.team?.stopped()
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

  /** A few floats, one by one; whether none is NaN or outside low ... high. */
  writeFew(address: number, data: Float32Array, low: number, high: number): boolean {
    const { floats } = this
    let isWhole = true
    for (let i = 0, at = address / 4; i < data.length; i++, at++) {
      const value = data[i]
      floats[at] = value
      if (!(value >= low && value <= high)) isWhole = false
    }
    return isWhole
  }

  /** Fills a view of the arena with uniform numbers, the bits that `uniform` of numerics/random.ts gives. */
  uniform(view: Float32Array, seed: number, stream: number, low: number, high: number): void {
    const { byteOffset, length } = view
    const scale = (high - low) / 0x1000000
    this.core.uniform(byteOffset, length, seed | 0, Math.floor(seed / 0x100000000), stream, low, scale)
  }

  /** Index of the first NaN or number outside low ... high among `count` floats, or -1. */
  findOutside(address: number, count: number, low = -Infinity, high = Infinity): number {
    return this.core.findOutside(address, count, low, high)
  }
}
