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
  JOB_HELPERS,
  JOB_LEAST_WORK,
  JOB_PART_SCRATCH,
  JOB_PART_SCRATCH_BYTES,
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
import { coreCount, type Helpers, startHelpers, warn, whyNoThreads } from './threads.ts'

/** Multiply-adds from which threads pay: some 8 us of one, where a job costs 1 to 2 us. */
const LEAST_WORK = 131072

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

function newMemory(isShared: boolean): WebAssembly.Memory {
  if (!isShared) {
    try {
      return new WebAssembly.Memory({ initial: 1 })
    } catch {
      return fail('the runtime gave no memory: are there many models? dispose() gives theirs back at once')
    }
  }
  try {
    return new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true })
  } catch {
    return new WebAssembly.Memory({ initial: 1, maximum: 16384, shared: true }) // address space may be short
  }
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
  /** What it runs on: `simd` or `relaxed`, the threads if several, and what it couldn't have. */
  readonly variant: string
  private readonly core: Core
  /** Function table index of each kernel, by op code. */
  private readonly indices: number[] = []
  private loaded: Plan | null = null
  private isWatching = false
  private readonly modules = new Set<KernelModule>()
  // Views of the whole memory; growing the memory detaches them, so reserve() makes new ones.
  private floats = new Float32Array(0)
  private doubles = new Float64Array(0)
  private ints = new Int32Array(0)

  private readonly helpers: Helpers | null = null
  private readonly threads: number
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
    this.variant =
      (isFast ? 'relaxed' : 'simd') +
      (numerics === 'fast' && !isFast ? ' (no relaxed SIMD here)' : '') +
      (count > 1 ? `, ${count} threads` : threads === 1 ? '' : ', 1 thread')
    this.refresh()
    this.shareFrom(count > 1 ? LEAST_WORK : Number.POSITIVE_INFINITY)
    if (count > 1) {
      const modules = [coreModule, ...(isFast ? [relaxedModule] : [])].map((module) => codeOf(module, memory))
      this.helpers = startHelpers(this, count - 1, memory, modules)
    }
    this.ints[(this.base + HEADER_MATMUL) / 4] = this.indices[OP_MATMUL]
    this.momentumProduct = 1
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
    if (added.length > 0) this.helpers?.add(added.map((module) => codeOf(module, this.core.memory)))
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
    this.core.forward(this.base)
  }

  backward(): void {
    this.core.backward(this.base)
  }

  /** Whether it stopped before the update: the loss is watched, and not finite. */
  step(): boolean {
    return this.core.step(this.base) !== 0
  }

  /** Runs instructions from address `from` up to address `to`. */
  run(from: number, to: number): void {
    this.core.run(this.base, from, to)
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
