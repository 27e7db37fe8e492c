// The programs that a file holds, and the places of their numbers in the memory. The file was written by freeze, or read by open.
import { HEADER_BYTES } from '../../assembly/abi.ts'
import { parse } from '../formats/json.ts'
import { decodeSafetensors, decodeTensors, ownReaders } from '../formats/safetensors.ts'
import {
  FROZEN_KEY,
  type Frozen,
  type FrozenProgram,
  fedSlots,
  frozenForm,
  PROGRAM_MARK,
} from '../session/frozen.ts'
import { bufferBytes, layoutOf } from '../session/layout.ts'

/** A part of the memory; addresses are bytes. */
export interface Region {
  readonly name: string
  readonly start: number
  readonly end: number
}

/** A program as a table shows it. */
export interface Described {
  readonly mode: string
  readonly rows: number
  readonly instructions: number
  /** The core aside. */
  readonly modules: readonly string[]
  readonly bytes: number
  readonly regions: readonly Region[]
}

/** The programs of a frozen file; null: a file without any. */
export function frozenIn(bytes: Uint8Array<ArrayBuffer>): Frozen | null {
  const { metadata } = decodeSafetensors(bytes)
  const text = metadata[FROZEN_KEY]
  return text === undefined ? null : frozenForm(FROZEN_KEY, parse(FROZEN_KEY, text))
}

/** Each instruction's length is in the upper half of its first word. */
function instructionsIn(words: ArrayLike<number>): number {
  let count = 0
  for (let at = 0; at < words.length; at += words[at] >>> 16) count++
  return count
}

function regionsOf(frozen: Frozen, program: FrozenProgram, dataBytes: number): Region[] {
  const layout = layoutOf(frozen.base, frozen.weights, frozen.updating?.slotNames.length ?? null)
  const start = layout.base + HEADER_BYTES
  const { inputs, targets, sampleWeights } = fedSlots(program, frozen.feeds)
  const places = [
    ...[inputs, targets, sampleWeights].flatMap((slots) =>
      Array.from(slots.values(), ({ address, shape }) => [address, shape] as const),
    ),
    ...program.results.values(),
  ]
  const ends = places.map(([address, shape]) => address + bufferBytes(shape))
  const starts = places.map(([address]) => address)
  const dataStart = Math.min(...starts, program.programStart)
  const dataEnd = Math.max(...ends, dataStart)
  return [
    { name: 'header', start: layout.base, end: start },
    { name: 'parameters', start, end: layout.gradientsStart },
    { name: 'gradients', start: layout.gradientsStart, end: layout.slotsStart },
    { name: 'optimizer state', start: layout.slotsStart, end: layout.end },
    { name: 'constants', start: layout.end, end: dataStart },
    { name: 'inputs, targets, results', start: dataStart, end: dataEnd },
    { name: 'transient', start: dataEnd, end: program.programStart },
    { name: 'program', start: program.programStart, end: program.programStart + dataBytes },
  ]
}

export function describedIn(bytes: Uint8Array<ArrayBuffer>, frozen: Frozen): Described[] {
  const { tensors } = decodeTensors(bytes, ownReaders)
  return frozen.programs.map((program, i) => {
    const words = tensors.get(`${PROGRAM_MARK}${i}/words`)?.data ?? new Int32Array(0)
    return {
      mode: program.request.mode,
      rows: program.request.rows,
      instructions: instructionsIn(words),
      modules: program.modules,
      bytes: program.end - frozen.base,
      regions: regionsOf(frozen, program, words.byteLength),
    }
  })
}
