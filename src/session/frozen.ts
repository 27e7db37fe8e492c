// What a frozen file holds beside a saved model: the programs, and all that a session must know to run them. Numbers that are
// many lie in tensors whose names no weight can have; the rest is one JSON text of the metadata.
import type { DType, Shape } from '../numerics/shape.ts'
import type { Feeds } from './feeds.ts'
import type { Readings, Request } from './program.ts'

/** The key of the metadata. */
export const FROZEN = 'frozen'

/** In the names of tensors of programs: `#0/words` are the words of the first one, `#0/0` is its first constant. */
export const PROGRAM_MARK = '#'

/** [address, shape, type]; by name. */
type FrozenSlots = Readonly<Record<string, readonly [number, Shape, DType]>>

export interface FrozenProgram {
  readonly request: Request
  readonly programStart: number
  /** Of forward, backward and update. */
  readonly phaseEnds: readonly [number, number, number]
  readonly sums: readonly (readonly [number, number])[]
  readonly modules: readonly string[]
  /** The address of each constant. */
  readonly constants: readonly number[]
  readonly inputs: FrozenSlots
  readonly targets: FrozenSlots
  readonly sampleWeights: FrozenSlots
  readonly results: FrozenSlots
  readonly gradients: FrozenSlots
  readonly scratchBytes: number
  readonly end: number
  readonly readings: Readings
  readonly groups: readonly (number | null)[]
}

export interface Frozen {
  /** ABI_VERSION of the library that wrote it. */
  readonly abi: number
  /** Address of the arena. */
  readonly base: number
  /** In the order of the arena. */
  readonly weights: readonly { readonly name: string; readonly shape: Shape; readonly trainable: boolean }[]
  /** The limits of a target are null where there are none. */
  readonly feeds: Feeds
  /** null: the model wasn't compiled. */
  readonly updating: {
    readonly learningRate: number
    /** A schedule, as its constructor makes it. */
    readonly schedule: object | null
    readonly steps: number
    readonly groups: number
    readonly slotNames: readonly string[]
    readonly slotStart: number
  } | null
  readonly programs: readonly FrozenProgram[]
}
