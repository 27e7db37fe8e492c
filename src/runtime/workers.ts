// Threads as a value: how many compute, and what an engine asks of them. Enters: the number a program names, then what the
// engine loads. Leaves: shared memory, modules compiled for it, helpers (threads.ts). Only a program that names it carries
// any of that.
import {
  JOB_DONE,
  JOB_HELPERS,
  JOB_IS_AWAITED,
  JOB_IS_RUNNING,
  JOB_LOST,
  JOB_PART_SCRATCH,
  JOB_PART_SCRATCH_BYTES,
  JOB_PATIENCE,
  JOB_SPLIT,
  SCRATCH_GAP,
  SPLIT_WORK,
} from '../../assembly/abi.ts'
import type { KernelModule } from '../binaries/kernel-module.ts'
import { threadsModule } from '../binaries/threads.ts'
import { fail, must, number } from '../numerics/errors.ts'
import { builtin, warnOnce } from '../numerics/host.ts'
import { type Machine, newMemory, plainMemory } from './arena.ts'
import type { Binaries, Team, Workers } from './engine.ts'
import type { Executable } from './program.ts'
import { isShareable, sharedCodeOf } from './shared.ts'
import { Helpers } from './threads.ts'

/** Multiply-adds from which threads pay: some 8 us of one, where a job costs 1 to 2 us. */
const LEAST_WORK = 131072

/** Seconds that the first thread waits for one that does nothing: a debugger may hold it, or nothing has told of its end. */
const PATIENCE_S = 60

/** The word that starts a job has a byte for their number, and more would only wait. */
const MOST_THREADS = 64

const COUNT = /*#__PURE__*/ number(
  `an integer from 1 to ${MOST_THREADS}`,
  (count) => Number.isInteger(count) && count >= 1 && count <= MOST_THREADS,
)

/** Most pages of a shared memory, which takes as much address space at once: that may be short. */
const SHARED_PAGES = [65536, 16384, 4096]

/** Threads where no number is named: one for each core, 8 at most. */
export function coreCount(): number {
  const { hardwareConcurrency } = globalThis.navigator ?? {}
  const count =
    hardwareConcurrency ?? builtin<{ availableParallelism(): number }>('node:os')?.availableParallelism()
  return Math.min(count ?? 1, 8)
}

const HEADERS =
  'headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp'

/** Why there can be no threads here; null: there can. */
function whyNoThreads(binaries: Binaries): string | null {
  if (!isShareable(binaries.core, binaries)) return 'its wasm came compiled, for one thread'
  const canShare = typeof SharedArrayBuffer !== 'undefined' && globalThis.crossOriginIsolated !== false
  const memory = canShare
    ? ''
    : `memory can't be shared: a page must be cross-origin isolated for that (${HEADERS})`
  if (canShare ? !maySleep() : 'document' in globalThis)
    return `a page's main thread must not wait for others: train in a worker (lanegrad/worker)${memory && `; ${memory}`}`
  if (memory) return memory
  if (!builtin('node:worker_threads') && typeof Worker === 'undefined') return 'this runtime has no workers'
  return null
}

/** Whether this thread may sleep until another wakes it: not a page's main thread. */
function maySleep(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1)
    return true
  } catch {
    return false
  }
}

class WorkerTeam implements Team {
  readonly count: number
  private readonly binaries: Binaries
  private readonly isWanted: boolean
  /** Why there is one thread. The warning comes when something first runs: a model may be made in a page and train in a worker. */
  private readonly why: string | null
  private memoryOfAll: WebAssembly.Memory | null = null
  /** The memory's first: good for ever. */
  private words = new Int32Array(0)
  private helpers: Helpers | null = null

  constructor(wanted: number | null, binaries: Binaries) {
    this.binaries = binaries
    const count = wanted ?? coreCount()
    this.why = count > 1 ? whyNoThreads(binaries) : null
    this.count = this.why ? 1 : count
    this.isWanted = wanted !== 1
  }

  get module(): KernelModule | null {
    return this.count > 1 ? threadsModule : null
  }

  get ready(): number {
    return this.words.length > 0 ? 1 + (Atomics.load(this.words, JOB_HELPERS / 4) & 255) : 1
  }

  get text(): string {
    const count = 1 + (this.helpers?.count ?? 0)
    return this.isWanted ? `, ${count} thread${count > 1 ? 's' : ''}` : ''
  }

  get leastWork(): number {
    return this.count > 1 ? LEAST_WORK : Number.POSITIVE_INFINITY
  }

  memory(): WebAssembly.Memory {
    if (this.count === 1) return plainMemory()
    const kinds = SHARED_PAGES.map((maximum) => ({ maximum, shared: true }))
    return newMemory(kinds, 'address space for 4.0, 1.0 or 0.3 GiB of shared memory')
  }

  codeOf(module: KernelModule): WebAssembly.Module {
    const { binaries } = this
    return this.count > 1 ? sharedCodeOf(module, binaries) : binaries.codeOf(module)
  }

  start(machine: Machine): void {
    if (this.count === 1) return
    const { memory } = machine.core
    this.memoryOfAll = memory
    this.words = new Int32Array(memory.buffer)
    this.words[JOB_SPLIT / 4] = machine.indices[SPLIT_WORK]
    this.words[JOB_PATIENCE / 4] = PATIENCE_S
    this.startHelpers(memory, machine.modules)
  }

  private codesOf(modules: Iterable<KernelModule>): WebAssembly.Module[] {
    return Array.from(modules, (module) => sharedCodeOf(module, this.binaries))
  }

  private startHelpers(memory: WebAssembly.Memory, modules: Iterable<KernelModule>): void {
    this.helpers = new Helpers(this, this.count - 1, memory, this.codesOf(modules))
  }

  endOf({ end, scratchBytes }: Executable): number {
    return this.count > 1 ? end + SCRATCH_GAP + this.count * (scratchBytes + SCRATCH_GAP) : end
  }

  load(
    { end, scratchBytes }: Executable,
    modules: Iterable<KernelModule>,
    added: readonly KernelModule[],
  ): void {
    const { why, words, memoryOfAll: memory, helpers } = this
    if (why) warnOnce(`threads: ${why}; one thread computes`)
    if (!memory) return
    words[JOB_PART_SCRATCH / 4] = end + SCRATCH_GAP
    words[JOB_PART_SCRATCH_BYTES / 4] = scratchBytes + SCRATCH_GAP
    if (helpers?.isEnded)
      this.startHelpers(memory, modules) // they had to make room for another engine's
    else if (added.length > 0) helpers?.add(this.codesOf(added))
    this.helpers?.touch()
  }

  stopped(): void {
    const { helpers, words } = this
    if (!helpers || words[JOB_DONE / 4] < JOB_LOST) return
    helpers.end()
    this.helpers = null
    for (const word of [JOB_DONE, JOB_IS_AWAITED, JOB_IS_RUNNING]) words[word / 4] = 0
    fail(
      'threads: a worker of this model ended in the midst of its work, which is incomplete: load what was saved last if it ' +
        'was training. From now on one thread computes',
    )
  }

  end(): void {
    this.helpers?.end()
  }
}

/**
 * `count` threads, this one included: a value of `threads` for `sequential`, `model` and `load`. Default: one for each core,
 * 8 at most. They split the large kernels; the bits are the same for any number. `model.variant` tells how many compute.
 * @throws LanegradError unless the number is an integer from 1 to 64
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { workers } from 'lanegrad/threads'
 *
 * const model = sequential({ inputShape: [2], layers: [dense({ units: 1 })], threads: workers(2) })
 * console.log(model.variant) // simd, 2 threads
 * model.dispose()
 * ```
 */
export function workers(count?: number): Workers {
  if (count !== undefined) must(COUNT, count, 'workers: count')
  return Object.freeze({
    kind: 'workers',
    count: count ?? null,
    team: (binaries: Binaries) => new WorkerTeam(count ?? null, binaries),
  })
}
