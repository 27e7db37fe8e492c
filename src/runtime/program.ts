// The data that the planner makes and an engine runs: the words of the program and the place of every number that goes in or
// comes out. It holds no graph, no layer and no function of either.

import type { KernelModule } from '../binaries/kernel-module.ts'
import type { DType, Shape } from '../numerics/shape.ts'

/** A place for data in the arena. */
export interface Slot {
  readonly address: number
  readonly shape: Shape
  readonly dtype: DType
  /** Elements. */
  readonly count: number
}

/** Slots by name. */
export type Slots = ReadonlyMap<string, Slot>

/** Addresses are bytes. */
export interface Executable {
  /** Op codes and operands; the first word belongs at `programStart`. */
  readonly words: Int32Array
  readonly programStart: number
  readonly phaseEnds: { readonly forward: number; readonly backward: number; readonly update: number }
  /** First and last address of the instructions that accumulate gradients, group by group, then of those that average them. */
  readonly sums: readonly (readonly [from: number, to: number])[]
  /** The modules its kernels lie in, the core aside. */
  readonly modules: readonly KernelModule[]
  readonly constants: readonly { readonly address: number; readonly data: Float32Array }[]
  readonly inputs: Slots
  readonly targets: Slots
  /** By the name of the output. */
  readonly sampleWeights: Slots
  readonly results: Slots
  /** By the name of the weight or of the input. */
  readonly gradients: Slots
  /** The most scratch that one operation has. */
  readonly scratchBytes: number
  /** First address behind all of it. */
  readonly end: number
}
