// Reads a frozen file into the programs that a session runs. A frozen file is code, yet it may come from anywhere: every address
// and size is checked here, so that this side reads and writes nothing outside of the arena. The instructions reach the
// WebAssembly memory of this one trainer alone.
import { ABI_VERSION, ALIGNMENT } from '../../assembly/abi.ts'
import { coreModule } from '../binaries/core.ts'
import type { KernelModule } from '../binaries/kernel-module.ts'
import { parseText } from '../formats/json.ts'
import { decodeTensors, ownReaders } from '../formats/safetensors.ts'
import { isFloat32, isInt32 } from '../numerics/brands.ts'
import type { ByteSource } from '../numerics/bytes.ts'
import { fail, show } from '../numerics/errors.ts'
import type { Shape } from '../numerics/shape.ts'
import { elementCount, type NamedArray } from '../numerics/tensor.ts'
import type { Slot, Slots } from '../runtime/program.ts'
import {
  FROZEN_KEY,
  type Frozen,
  type FrozenProgram,
  fedSlots,
  frozenForm,
  PROGRAM_MARK,
  placed,
} from '../session/frozen.ts'
import { type Layout, layoutOf } from '../session/layout.ts'
import type { Finishes, MeanReading, Program } from '../session/program.ts'
import type { Sums } from '../session/session.ts'

/** The most arrays an optimizer has, beside two for each group of losses. */
const MOST_SLOTS = 6

/** The parts of a frozen file. */
export interface Opened {
  readonly tensors: Map<string, NamedArray>
  readonly metadata: Readonly<Record<string, string>>
  readonly frozen: Frozen
  readonly programs: readonly Program[]
  readonly code: Brought
}

/** What modules of kernels bring beside them, where the file needs it. */
export interface Brought {
  /** The rate of a step by the schedule of a file. */
  readonly rateAt?: (schedule: object | null, base: number, step: number) => number
  readonly finishes?: Finishes
  readonly sums?: Sums
}

/** Shared by the programs of a file. */
interface Context {
  readonly tensors: ReadonlyMap<string, NamedArray>
  readonly modules: readonly KernelModule[]
  readonly frozen: Frozen
  /** First address behind the weights and the optimizer's state. */
  readonly start: number
  /** Type and shape of each output's rows, the same in all programs that predict. */
  readonly outputs: Map<string, string>
}

/** @throws LanegradError unless `bytes` from `address` on lie between `low` and `high` */
function within(what: string, address: number, bytes: number, low: number, high: number): number {
  if (address % 4 !== 0 || address < low || address + bytes > high)
    fail(`${what}: address ${address} lies outside of its part of the memory`)
  return address
}

/** Where instructions start and the last one ends, in bytes from the first one. */
function boundsOf(what: string, words: Int32Array, modules: readonly KernelModule[]): ReadonlySet<number> {
  const bounds = new Set<number>()
  let at = 0
  while (at < words.length) {
    bounds.add(4 * at)
    const code = words[at] & 0xffff
    const size = words[at] >>> 16
    if (!modules.some(({ codes: [first, end] }) => code >= first && code < end))
      fail(`${what}: unknown code ${code}`)
    if (size < 1 || at + size > words.length) fail(`${what}: an instruction is cut short`)
    at += size
  }
  return bounds.add(4 * at)
}

/** One of the modules that were given, which has what it brings. @throws LanegradError that says how it is given */
function moduleOf(modules: readonly KernelModule[], name: string, brings?: keyof Brought): KernelModule {
  const found = modules.find((module) => module.name === name)
  if (found && (!brings || (found as Brought)[brings])) return found
  return fail(
    `this file needs the kernels of ${name}: open(bytes, { modules: [${name}] }), with ${name} from 'lanegrad/run/modules'`,
  )
}

function programOf(
  i: number,
  given: FrozenProgram,
  { tensors, modules, frozen, start, outputs }: Context,
): Program {
  const what = `${FROZEN_KEY}.programs.${i}`
  const { request, programStart, end, readings, groups, sums } = given
  const { base, feeds } = frozen
  const { rows } = request
  const fed = fedSlots(given, feeds)
  const words = tensors.get(`${PROGRAM_MARK}${i}/words`)?.data
  if (!isInt32(words)) return fail(`${what}: its words are missing`)
  if (programStart % ALIGNMENT !== 0) fail(`${what}: it isn't aligned`)
  within(what, programStart, words.byteLength, start, end)
  const named = given.modules.map((name) => moduleOf(modules, name))
  const bounds = boundsOf(what, words, [coreModule, ...named])
  const sorted = [programStart, ...given.phaseEnds]
  for (const [j, bound] of [...sorted, ...sums.flat()].entries())
    if (!bounds.has(bound - programStart) || (j > 0 && j < 4 && bound < sorted[j - 1]))
      fail(`${what}: expected phases that end with an instruction; got ${bound}`)
  if (sums.length > 0 && sums.length !== 2 * groups.length)
    fail(`${what}: it adds up the gradients of ${sums.length / 2} groups; it has ${groups.length}`)
  const checked = (slots: Map<string, Slot>, low: number): Slots => {
    for (const { address, count } of slots.values()) within(what, address, 4 * count, low, programStart)
    return slots
  }
  const results = checked(
    new Map(
      Array.from(given.results, ([name, [address, shape, dtype]]) => [
        name,
        { address, shape, dtype, count: elementCount(shape, name) },
      ]),
    ),
    base,
  )
  for (const name of request.mode === 'predict' ? feeds.outputs : []) {
    const { count = 0, shape = [], dtype } = results.get(name) ?? {}
    const row = `${dtype} ${shape.slice(1)}`
    if (count === 0 || shape[0] !== rows || (outputs.get(name) ?? row) !== row)
      fail(`${what}: expected ${rows} rows of output ${name}`)
    outputs.set(name, row)
  }
  // readings are two floats, 0 where there is none
  const { loss, losses, metrics } = readings
  const counters = [...losses, ...(metrics as readonly MeanReading[])].flatMap(({ value, counter }) => [
    value,
    counter,
  ])
  for (const address of [loss, ...counters, ...groups]) within(what, address ?? 0, 8, 0, end)
  const shapes = feeds.inputs.map(({ shape }) => shape as Shape)
  return {
    request: { ...request, shapes, training: false, inputGradients: false },
    code: {
      words,
      programStart,
      phaseEnds: { forward: sorted[1], backward: sorted[2], update: sorted[3] },
      sums,
      modules: named,
      constants: given.constants.map((address, j) => {
        const data = tensors.get(`${PROGRAM_MARK}${i}/${j}`)?.data
        if (!isFloat32(data)) return fail(`${what}: constant ${j} is missing`)
        return { data, address: within(what, address, data.byteLength, start, programStart) }
      }),
      inputs: checked(fed.inputs, start),
      targets: checked(fed.targets, start),
      sampleWeights: checked(fed.sampleWeights, start),
      results,
      gradients: checked(placed(given.gradients, frozen.weights, []), base),
      scratchBytes: 0, // there are no other threads
      end,
    },
    readings,
    groups,
  }
}

/** @throws LanegradError where the file asks for more memory than its weights and what it was compiled with take */
function checkSizes({ weights, feeds, updating }: Frozen, tensors: ReadonlyMap<string, NamedArray>): void {
  for (const { name, shape } of weights) {
    const tensor = tensors.get(name)
    if (!isFloat32(tensor?.data) || tensor.data.length !== elementCount(shape, name))
      fail(`the file holds no float32 weight ${show(name)} of shape ${show(shape)}`)
  }
  const { slotNames = [], groups = 0 } = updating ?? {}
  const isMore = groups > feeds.targets.length + 1 || slotNames.length > MOST_SLOTS + 2 * groups
  if (isMore || new Set(weights.map(({ name }) => name)).size < weights.length)
    fail(`${FROZEN_KEY}: a weight is named twice, or the optimizer has more arrays than any`)
}

/** What a file needs beside kernels, each with the module that brings it. */
export function neededBy({
  programs,
  updating,
}: Frozen): readonly (readonly [keyof Brought, module: string])[] {
  const isTrained = updating && programs.some(({ request }) => request.mode === 'train')
  const isFinished = programs.some(({ readings }) =>
    (readings.metrics as readonly MeanReading[]).some(({ finish }) => finish),
  )
  const all = [
    ['rateAt', 'extras', isTrained && updating.schedule],
    ['finishes', 'extras', isFinished],
    ['sums', 'training', isTrained && updating.steps > 1],
  ] as const
  return all.flatMap(([key, name, isNeeded]) => (isNeeded ? [[key, name]] : []))
}

export const frozenLayout = ({ base, weights, updating }: Frozen): Layout =>
  layoutOf(base, weights, updating?.slotNames.length ?? null)

/** @throws LanegradError on bytes that aren't a frozen file of this version, are damaged, or need kernels that weren't given */
export function readFrozen(bytes: ByteSource, modules: readonly KernelModule[]): Opened {
  const { tensors, metadata } = decodeTensors(bytes, ownReaders)
  if (metadata[FROZEN_KEY] === undefined)
    fail(`not a frozen file: its metadata has no programs (freeze makes them, save doesn't)`)
  const frozen = frozenForm(FROZEN_KEY, parseText(FROZEN_KEY, metadata[FROZEN_KEY]))
  if (frozen.abi !== ABI_VERSION)
    fail(
      `the file was frozen for interface ${frozen.abi} of the kernels; this library has ${ABI_VERSION}: freeze the model again`,
    )
  checkSizes(frozen, tensors)
  const { end } = frozenLayout(frozen)
  const context = { tensors, modules, frozen, start: end, outputs: new Map<string, string>() }
  return {
    tensors,
    metadata,
    frozen,
    programs: frozen.programs.map((program, i) => programOf(i, program, context)),
    code: Object.fromEntries(
      neededBy(frozen).map(([key, name]) => [key, (moduleOf(modules, name, key) as Brought)[key]]),
    ),
  }
}
