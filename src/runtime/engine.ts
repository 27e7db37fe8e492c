// An engine as models have it: an arena that may have threads, relaxed arithmetic, others beside it in its memory, and a loss
// that is watched.

import {
  ARENA_START,
  HEADER_LOSS,
  JOB_LEAST_WORK,
  MATMUL_SCRATCH_BYTES,
  SCRATCH_GAP,
} from '../../assembly/abi.ts'
import { coreModule } from '../binaries/core.ts'
import type { KernelModule } from '../binaries/kernel-module.ts'
import { Arena, addModule, type Machine, machineOver, plainMemory } from './arena.ts'
import { bytesOf, checkRuntime, codeOf, givenBytes } from './modules.ts'
import type { Executable } from './program.ts'

/** Arithmetic that may round once where it would twice: what `relaxed` makes. */
export interface Relaxed {
  readonly kind: 'relaxed'
  /** Takes the place of the core's matmul; null where the runtime doesn't know its instructions. @internal */
  module(codeOf: Binaries['codeOf']): KernelModule | null
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
  /** What splits the work; null: there can be no others. */
  readonly module: KernelModule | null
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
  /** Gets the others going, with the modules of a machine that is ready. */
  start(machine: Machine): void
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

export const binaries: Binaries = { core: coreModule, bytesOf, givenBytes, codeOf }

/** What an engine computes on. */
interface Hardware {
  readonly machine: Machine
  readonly team: Team | null
  readonly arithmetic: string
  /** Where the first arena lies. */
  readonly base: number
}

/** The hardware that is asked for. */
function hardware({ numerics, threads }: RuntimeOptions): Hardware {
  checkRuntime()
  const team = threads?.team(binaries) ?? null
  const count = team?.count ?? 1
  const relaxed = numerics?.module(codeOf) ?? null
  const memory = team?.memory() ?? plainMemory()
  // in front of the arena: what a matmul needs, for each thread; without threads, the exact one has what is planned for it
  const scratch = count > 1 || relaxed ? ARENA_START : 0
  const machine = machineOver(memory, team ? (module) => team.codeOf(module) : codeOf, scratch)
  for (const module of [relaxed, team?.module]) if (module) addModule(machine, module)
  team?.start(machine)
  return {
    team,
    machine,
    arithmetic: relaxed ? 'relaxed' : numerics ? 'simd (no relaxed SIMD here)' : 'simd',
    base: ARENA_START + (scratch && count * (MATMUL_SCRATCH_BYTES + SCRATCH_GAP)),
  }
}

/** Numbers up to which a loop costs less than calls for all of them. */
const FEW = 64

export class Engine extends Arena {
  readonly team: Team | null
  readonly arithmetic: string
  private isWatching = false
  private readonly known = new WeakMap<Executable, Int32Array>()

  /** `given`: an engine whose memory and kernels it shares, with a header of its own at `base`. */
  constructor(options: RuntimeOptions = {}, given = hardware(options), base = given.base) {
    super(given.machine, base)
    this.team = given.team
    this.arithmetic = given.arithmetic
    if (this.team) this.shareFrom(this.team.leastWork)
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
  override dispose(): void {
    const { arenas } = this.machine
    arenas.splice(arenas.indexOf(this), 1)
    if (arenas.length === 0) this.team?.end()
  }

  override load(plan: Executable): void {
    if (this.loaded === plan) return
    const { team } = this
    const { modules } = this.machine
    const count = modules.size
    if (team) this.reserve(team.endOf(plan))
    super.load(plan)
    team?.load(plan, modules, [...modules].slice(count))
    this.watch(this.isWatching)
  }

  /** Kept: models go to and fro between a few plans. */
  protected override placed(plan: Executable): Int32Array {
    const known = this.known.get(plan) ?? super.placed(plan)
    this.known.set(plan, known)
    return known
  }

  /** Whether a step stops before its update where the loss isn't finite. */
  watch(isOn: boolean): void {
    this.isWatching = isOn
    const { address = 0 } = (isOn && this.loaded?.results.get('loss')) || {}
    this.ints[(this.base + HEADER_LOSS) / 4] = address
  }

  protected override stopped(error: unknown): never {
    this.team?.stopped()
    return super.stopped(error)
  }

  /** Writes floats; whether none is NaN or outside low ... high. Few are looked at one by one, which costs less than a call. */
  writeWithin(address: number, data: Float32Array, low: number, high: number): boolean {
    if (data.length > FEW) return this.writeMany(address, data, low, high)
    const { floats } = this
    let isWhole = true
    for (let i = 0, at = address / 4; i < data.length; i++, at++) {
      const value = data[i]
      floats[at] = value
      if (!(value >= low && value <= high)) isWhole = false
    }
    return isWhole
  }

  private writeMany(address: number, data: Float32Array, low: number, high: number): boolean {
    this.write(address, data)
    return this.findOutside(address, data.length, low, high) < 0
  }

  /** Fills a view of the arena with uniform numbers, the bits that `uniform` of numerics/random.ts gives. */
  uniform(view: Float32Array, seed: number, stream: number, low: number, high: number): void {
    const { byteOffset, length } = view
    const scale = (high - low) / 0x1000000
    this.core.uniform(byteOffset, length, seed | 0, Math.floor(seed / 0x100000000), stream, low, scale)
  }
}
