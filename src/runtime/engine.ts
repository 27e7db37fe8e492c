// One arena and the core that runs it. Enters: layouts and plans, numbers to write at their addresses. Leaves:
// numbers read back. Keeps at most one plan's program in the arena; loading another rewrites only the plan's
// own regions, never parameters, gradients or optimizer slots.

import {
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
  JOB_DONE,
  JOB_HELPERS,
  JOB_IS_AWAITED,
  JOB_IS_RUNNING,
  JOB_LEAST_WORK,
  JOB_LOST,
  JOB_PART_SCRATCH,
  JOB_PART_SCRATCH_BYTES,
  JOB_PATIENCE,
  MATMUL_SCRATCH_BYTES,
  OP_MATMUL,
  SCRATCH_GAP,
} from '../../assembly/abi.ts'
import type { KernelModule } from '../graph/kernel.ts'
import { isInt32 } from '../numerics/brands.ts'
import { fail } from '../numerics/errors.ts'
import type { Plan, Slot } from '../plan/plan.ts'
import { addModule, type Core, coreModule, createCore, relaxedModule } from './core.ts'
import { checkRuntime, codeOf, isShareable, isSupported } from './modules.ts'
import { coreCount, Helpers, warn, whyNoThreads } from './threads.ts'

/** Multiply-adds from which threads pay: some 8 us of one, where a job costs 1 to 2 us. */
const LEAST_WORK = 131072

/** Seconds that the first thread waits for one that does nothing: a debugger may hold it, or nothing has told of its end. */
const PATIENCE_S = 60

/** All of a wasm memory but its last page: addresses up to here, rounded up to whole pages, fit 32 bits. */
const MEMORY_LIMIT_BYTES = 65535 * 65536

const gigabytes = (bytes: number): string => `${(bytes / 0x40000000).toFixed(1)} GiB`

/** How an engine computes. */
export interface RuntimeOptions {
  /**
   * 'exact' (the default): the same bits on every machine. 'fast': matrix products may fuse multiplications and additions,
   * where the runtime has relaxed SIMD; up to 1.4 times as fast (not on Node 22), and the last bits depend on the machine.
   */
  readonly numerics?: 'exact' | 'fast'
  /**
   * How many threads compute, this one included; 'auto': one for each core, 8 at most. Default 1. The bits are the same for
   * any number. Where there can be none (a page's main thread, memory that can't be shared), one thread, and one warning
   * when it first computes.
   */
  readonly threads?: number | 'auto'
}

/** Most pages of a shared memory, which takes as much address space at once: that may be short. */
const SHARED_PAGES = [65536, 16384, 4096]

function newMemory(isShared: boolean): WebAssembly.Memory {
  const kinds = isShared ? SHARED_PAGES.map((maximum) => ({ maximum, shared: true })) : [{}]
  for (const kind of kinds) {
    try {
      return new WebAssembly.Memory({ initial: 1, ...kind })
    } catch {}
  }
  const asked = isShared ? 'address space for 4.0, 1.0 or 0.3 GiB of shared memory' : 'a first page of 64 KiB'
  return fail(
    `the runtime gave no memory (${asked}): are there many models? dispose() gives theirs back at once`,
  )
}

/** The number of threads that can be had, and why not those wanted. */
function threadCount(wanted: number | 'auto'): readonly [count: number, why: string | null] {
  const count = wanted === 'auto' ? coreCount() : wanted
  if (count === 1) return [1, null]
  const why = isShareable(coreModule) ? whyNoThreads() : 'its wasm came compiled, for one thread'
  return [why ? 1 : count, why]
}

export class Engine {
  readonly base: number
  private readonly core: Core
  /** Function table index of each kernel, by op code. */
  private readonly indices: number[] = []
  private loaded: Plan | null = null
  private isWatching = false
  /** Those that are instantiated here. */
  private readonly modules: Set<KernelModule>
  // Views of the whole memory; growing the memory detaches them, so reserve() makes new ones.
  private floats = new Float32Array(0)
  private doubles = new Float64Array(0)
  private ints = new Int32Array(0)

  private helpers: Helpers | null = null
  /** Threads there is scratch for, this one included. */
  private readonly threads: number
  private readonly arithmetic: string
  private readonly areThreadsWanted: boolean
  /** Told when something first runs here: a model may be made in a page and train in a worker. */
  private readonly whyOneThread: string | null

  constructor({ numerics = 'exact', threads = 1 }: RuntimeOptions = {}) {
    checkRuntime()
    const [count, why] = threadCount(threads)
    this.threads = count
    this.whyOneThread = why
    const isFast = numerics === 'fast' && isSupported(relaxedModule)
    const memory = newMemory(count > 1)
    this.core = createCore(this.indices, memory)
    // in front of the arena: what a matmul needs, for each thread; without threads, the exact one has what is planned for it
    const scratch = count > 1 || isFast ? this.core.arenaBase() : 0
    this.base = scratch ? scratch + count * (MATMUL_SCRATCH_BYTES + SCRATCH_GAP) : this.core.arenaBase()
    this.core.reserve(this.base + HEADER_BYTES)
    this.core.prepare(this.base, scratch)
    if (isFast) addModule(this.core, relaxedModule, this.indices)
    this.arithmetic =
      (isFast ? 'relaxed' : 'simd') + (numerics === 'fast' && !isFast ? ' (no relaxed SIMD here)' : '')
    this.areThreadsWanted = threads !== 1
    this.modules = new Set(isFast ? [coreModule, relaxedModule] : [coreModule])
    this.refresh()
    this.shareFrom(count > 1 ? LEAST_WORK : Number.POSITIVE_INFINITY)
    this.ints[JOB_PATIENCE / 4] = PATIENCE_S
    if (count > 1) this.startHelpers()
    this.ints[(this.base + HEADER_MATMUL) / 4] = this.indices[OP_MATMUL]
    this.momentumProduct = 1
  }

  /** What it runs on now: `simd` or `relaxed`, its threads if several were asked for, and what it couldn't have. */
  get variant(): string {
    const count = 1 + (this.helpers?.count ?? 0)
    return this.arithmetic + (this.areThreadsWanted ? `, ${count} thread${count > 1 ? 's' : ''}` : '')
  }

  private startHelpers(): void {
    const modules = [...this.modules].map((module) => codeOf(module, this.core.memory))
    this.helpers = new Helpers(this, this.threads - 1, this.core.memory, modules)
  }

  /** Threads that compute now: helpers join when they are ready, and again after another module has been loaded. */
  get threadsReady(): number {
    return 1 + (Atomics.load(this.ints, JOB_HELPERS / 4) & 255)
  }

  /** Splits kernels from so many multiply-adds on; the bits are the same. */
  shareFrom(leastWork: number): void {
    this.doubles[JOB_LEAST_WORK / 8] = leastWork
  }

  /** Ends the helpers. */
  dispose(): void {
    this.helpers?.end()
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
    this.refresh()
  }

  /** Sets `bytes` bytes from `address` to 0. */
  clear(address: number, bytes: number): void {
    this.floats.fill(0, address / 4, (address + bytes) / 4)
  }

  /** Makes `plan` the one that runs. */
  load(plan: Plan): void {
    if (this.loaded === plan) return
    if (this.whyOneThread) warn(`threads: ${this.whyOneThread}; one thread computes`)
    const partBytes = this.threads > 1 ? plan.scratchBytes + SCRATCH_GAP : 0
    const partScratch = partBytes && plan.end + SCRATCH_GAP
    this.reserve(Math.max(plan.end, partScratch + this.threads * partBytes))
    this.ints[JOB_PART_SCRATCH / 4] = partScratch
    this.ints[JOB_PART_SCRATCH_BYTES / 4] = partBytes
    const added = plan.modules.filter((module) => !this.modules.has(module))
    for (const module of added) {
      addModule(this.core, module, this.indices)
      this.modules.add(module)
    }
    if (this.helpers?.isEnded)
      this.startHelpers() // they had to make room for another engine's
    else if (added.length > 0) this.helpers?.add(added.map((module) => codeOf(module, this.core.memory)))
    this.helpers?.touch()
    const { words, programStart } = plan
    const program = this.ints.subarray(programStart / 4, programStart / 4 + words.length)
    program.set(words)
    for (let at = 0; at < words.length; at += words[at] >>> 16)
      program[at] = (words[at] & ~0xffff) | this.indices[words[at] & 0xffff]
    for (const { address, data } of plan.constants) this.floats.set(data, address / 4)
    const header = this.base / 4
    this.ints[header + HEADER_PROGRAM / 4] = plan.programStart
    this.ints[header + HEADER_FORWARD_END / 4] = plan.phaseEnds.forward
    this.ints[header + HEADER_BACKWARD_END / 4] = plan.phaseEnds.backward
    this.ints[header + HEADER_STEP_END / 4] = plan.phaseEnds.update
    this.loaded = plan
    this.watch(this.isWatching)
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

  /** The core has trapped: where a helper is to blame, the others end, and this thread goes on alone. */
  private stopped(error: unknown): never {
    if (!this.helpers || this.ints[JOB_DONE / 4] < JOB_LOST) throw error
    this.helpers.end()
    this.helpers = null
    for (const word of [JOB_DONE, JOB_IS_AWAITED, JOB_IS_RUNNING]) this.ints[word / 4] = 0
    return fail(
      'threads: a worker of this model ended in the midst of its work, which is incomplete: load what was saved last if it ' +
        'was training. From now on one thread computes',
    )
  }

  get stepCount(): number {
    return this.doubles[(this.base + HEADER_STEP_COUNT) / 8]
  }

  set stepCount(count: number) {
    this.doubles[(this.base + HEADER_STEP_COUNT) / 8] = count
  }

  /** What dropout and noise of the next run draw from, beside the seed: low and high word. */
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
