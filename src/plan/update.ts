// The update phase: what an optimizer does with the gradients, as instructions over the flat regions of a
// layout: accumulate (a step that only accumulates ends behind it) | average | clip | update | constraints | moving
// average; the first two once for each group of losses that have gradients of their own. Enters: an UpdateSpec
// (training/optimizer.ts makes it) and a layout. Leaves: instructions.
import * as abi from '../../assembly/abi.ts'
import { extrasModule } from '../binaries/core.ts'
import type { KernelModule } from '../binaries/kernel-module.ts'
import type { Instruction } from '../graph/kernel.ts'
import type { Shape } from '../numerics/shape.ts'
import { f32, f64, listed } from '../numerics/words.ts'
import { bufferBytes, type Layout, type ParameterSpec } from '../session/layout.ts'

/** The constants of an update by the learning rate as it is. */
const PLAIN_CONSTANTS = 6

/** How gradients are limited before an update. */
export interface Clip {
  /** value: each element; norm: each parameter's gradient by itself; globalNorm: all gradients as one vector */
  readonly kind: 'value' | 'norm' | 'globalNorm'
  readonly limit: number
}

/** An instruction of the update; `module`: where its kernel lies, if not in the core. */
export interface UpdateInstruction extends Instruction {
  readonly module?: KernelModule
}

/** Where an update finds the regions of a layout. */
export interface Regions {
  /** The address of the header. */
  readonly base: number
  readonly gradientsStart: number
  /** The number of elements of all trainable weights together, with their padding. */
  readonly elements: number
  /** The address of a slot. */
  slot(name: string): number
}

/** Adds up the gradients of several steps, and averages them: for each group of losses that have gradients of their own. */
export interface Accumulating {
  /** @internal */
  slotNames(groups: number): readonly string[]
  /** @internal */
  accumulate(groups: number, at: Regions): readonly UpdateInstruction[]
}

/** Keeps a moving average of the weights in the slot `ema`; `offset`: of the weights at `address` in the slot. */
export interface Averaging {
  /** @internal */
  average(at: Regions, address: number, offset: number, elements: number): UpdateInstruction
}

/** Brings a weight back to where it may be. */
export interface Constraining {
  /** @internal */
  constrain(address: number, shape: Shape): UpdateInstruction
}

export interface WeightInPlan extends ParameterSpec {
  readonly constraint?: Constraining | null
}

export interface UpdateSpec {
  /** Name, for prints. */
  readonly optimizer: string
  /** OPTIMIZER_* */
  readonly code: number
  /** OP_*, and the module of that kernel. Default module: the core. */
  readonly kernel: { readonly code: number; readonly module?: KernelModule }
  /** UPDATE_* */
  readonly flags: number
  /**
   * The constants by which a weight is updated: a, b, epsilon, weight decay, momentum, extra, and a factor of the learning rate
   * if the weight has one. assembly/kernels/optimizer.ts reads them in this order.
   */
  constants(weight: string): readonly number[]
  /** The optimizer's own in its kernel's order, then those of `accumulation` and `ema` where used. */
  readonly slotNames: readonly string[]
  /** The number that the first slot starts from; the others start from 0. */
  readonly slotStart: number
  readonly clip: Clip | null
  /** Over several steps; null: every step updates. */
  readonly accumulation: Accumulating | null
  /** Groups of losses whose gradients are accumulated apart. */
  readonly groups: number
  readonly ema: Averaging | null
}

/** Where the gradients of a group behind the first one lie while a step runs. */
export const gradientSlot = (group: number): string => `gradient${group}`

export const slotAddress = ({ slotNames }: UpdateSpec, { slotsStart, trainable }: Layout, name: string) =>
  slotsStart + slotNames.indexOf(name) * trainable.bytes

function clipInstructions(clip: Clip, layout: Layout, specs: readonly ParameterSpec[]): UpdateInstruction[] {
  const clipped = (code: number, grads: number, bytes: number): UpdateInstruction => ({
    code,
    module: extrasModule,
    operands: listed({
      [abi.CLIP_GRADS]: grads,
      [abi.CLIP_COUNT]: bytes / 4,
      [abi.CLIP_LIMIT]: f32(clip.limit),
    }),
  })
  const { kind } = clip
  if (kind !== 'norm') {
    const code = kind === 'value' ? abi.OP_CLIP_VALUE : abi.OP_CLIP_NORM
    return [clipped(code, layout.gradientsStart, layout.trainable.bytes)]
  }
  return specs
    .filter((spec) => spec.trainable)
    .map((spec) =>
      // the padding behind a gradient is 0 and doesn't change its norm
      clipped(abi.OP_CLIP_NORM, layout.gradients.get(spec.name) ?? 0, bufferBytes(spec.shape)),
    )
}

/**
 * A weight of so many bytes is updated by an instruction of its own: each thread then takes the part of it whose gradient
 * it has just computed, which lies in its cache.
 */
const LARGE_BYTES = 0x40000

/** Weights that one instruction updates. Addresses and sizes are bytes. */
interface Piece {
  readonly address: number
  /** From `gradientsStart`. */
  readonly offset: number
  bytes: number
  readonly isLarge: boolean
  readonly constants: readonly number[]
}

/**
 * The weights that train in pieces: each large one, and the others as long as they lie side by side and the constants of
 * their updates are the same.
 */
function updatePieces(
  { parameters, gradients, gradientsStart }: Layout,
  specs: readonly ParameterSpec[],
  update: UpdateSpec,
): Piece[] {
  const trained = specs.flatMap(({ name, trainable, shape }): Piece[] => {
    if (!trainable) return []
    const bytes = bufferBytes(shape)
    return [
      {
        address: parameters.get(name) ?? 0,
        offset: (gradients.get(name) ?? 0) - gradientsStart,
        bytes,
        isLarge: bytes >= LARGE_BYTES,
        constants: update.constants(name),
      },
    ]
  })
  const pieces: Piece[] = []
  for (const weight of trained.sort((a, b) => a.address - b.address)) {
    const last = pieces.at(-1)
    const isAlike =
      last && !weight.isLarge && !last.isLarge && String(last.constants) === String(weight.constants)
    if (isAlike && last.address + last.bytes === weight.address) last.bytes += weight.bytes
    else pieces.push(weight)
  }
  return pieces
}

export function updateInstructions(
  update: UpdateSpec,
  layout: Layout,
  specs: readonly WeightInPlan[],
): UpdateInstruction[] {
  const { base, trainable, gradientsStart, slotsStart, parameters } = layout
  if (trainable.bytes === 0) return []
  const { accumulation, groups, ema } = update
  const regions: Regions = {
    base,
    gradientsStart,
    elements: trainable.bytes / 4,
    slot: (name) => slotAddress(update, layout, name),
  }
  const clips = update.clip ? clipInstructions(update.clip, layout, specs) : []
  const pieces = updatePieces(layout, specs, update)
  const updates = pieces.map(({ address, offset, bytes, constants }, i): UpdateInstruction => {
    const operands = listed({
      [abi.UPDATE_KIND]: update.code,
      [abi.UPDATE_P]: address,
      [abi.UPDATE_G]: gradientsStart + offset,
      [abi.UPDATE_SLOTS]: slotsStart + offset,
      [abi.UPDATE_SLOT_BYTES]: trainable.bytes,
      [abi.UPDATE_COUNT]: bytes / 4,
      [abi.UPDATE_FLAGS]:
        update.flags |
        (i < pieces.length - 1 ? abi.UPDATE_UNFINISHED : 0) |
        (constants.length > PLAIN_CONSTANTS ? abi.UPDATE_SCALED : 0),
      [abi.UPDATE_A]: constants.flatMap(f64),
    })
    return { ...update.kernel, operands }
  })
  return [
    ...(accumulation?.accumulate(groups, regions) ?? []),
    ...clips,
    ...updates,
    ...specs.flatMap(({ name, shape, trainable, constraint }) =>
      trainable && constraint ? constraint.constrain(parameters.get(name) ?? 0, shape) : [],
    ),
    ...(ema
      ? pieces.map(({ address, offset, bytes }) => ema.average(regions, address, offset, bytes / 4))
      : []),
  ]
}
