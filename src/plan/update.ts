// The update phase: what an optimizer does with the gradients, as instructions over the flat regions of a
// layout: accumulate (a step that only accumulates ends behind it) | average | clip | update | constraints | moving
// average; the first two once for each group of losses that have gradients of their own. Enters: an UpdateSpec (training/optimizers.ts makes it) and a layout. Leaves: instructions.
import * as abi from '../../assembly/abi.ts'
import type { Instruction } from '../graph/kernel.ts'
import { elementCount } from '../numerics/tensor.ts'
import { f32, f64 } from '../numerics/words.ts'
import type { KernelModule } from '../runtime/kernel-module.ts'
import { bufferBytes, type Layout, type ParameterSpec, type WeightLimits } from '../session/layout.ts'

/** How gradients are limited before an update. */
export interface Clip {
  /** value: each element; norm: each parameter's gradient by itself; globalNorm: all gradients as one vector */
  readonly kind: 'value' | 'norm' | 'globalNorm'
  readonly limit: number
}

export interface UpdateSpec {
  /** Name, for prints. */
  readonly optimizer: string
  /** OPTIMIZER_* */
  readonly code: number
  /** UPDATE_* */
  readonly flags: number
  /** a, b, epsilon, weight decay, momentum, extra: as assembly/kernels/optimizer.ts reads them */
  readonly constants: readonly [number, number, number, number, number, number]
  /** The optimizer's own in its kernel's order, then `accumulator` (0, 1 ...), `gradient` (1 ...) and `ema` where used. */
  readonly slotNames: readonly string[]
  /** What the first slot starts from; the others from 0. */
  readonly slotStart: number
  readonly clip: Clip | null
  /** Groups of losses whose gradients are accumulated apart, over several steps; 0: every step updates. */
  readonly sums: number
  /** The moving average of the weights; `every`: the weights take its values every so many steps, 0: never. */
  readonly ema: { readonly momentum: number; readonly every: number } | null
  /** Where the kernels of all that lie. */
  readonly module: KernelModule
}

/** The sum of a group's gradients; the first has the name that is shown. */
export const accumulatorSlot = (group: number): string => `accumulator${group || ''}`

/** Where the gradients of a group behind the first one lie while a step runs. */
export const gradientSlot = (group: number): string => `gradient${group}`

export const slotAddress = ({ slotNames }: UpdateSpec, { slotsStart, trainable }: Layout, name: string) =>
  slotsStart + slotNames.indexOf(name) * trainable.bytes

function clipInstructions(clip: Clip, layout: Layout, specs: readonly ParameterSpec[]): Instruction[] {
  const whole = [layout.gradientsStart, layout.trainable.bytes / 4, f32(clip.limit)]
  if (clip.kind === 'value') return [{ code: abi.OP_CLIP_VALUE, operands: whole }]
  if (clip.kind === 'globalNorm') return [{ code: abi.OP_CLIP_NORM, operands: whole }]
  return specs
    .filter((spec) => spec.trainable)
    .map((spec) => ({
      code: abi.OP_CLIP_NORM,
      // the padding behind a gradient is 0 and doesn't change its norm
      operands: [layout.gradients.get(spec.name) ?? 0, bufferBytes(spec.shape) / 4, f32(clip.limit)],
    }))
}

function constrained(address: number, shape: readonly number[], limits: WeightLimits): Instruction {
  const { kind, minValue, maxValue, rate, axis } = limits
  if (kind === 'nonNeg')
    return { code: abi.OP_UNARY, operands: [address, address, elementCount(shape), abi.FN_RELU, 0] }
  const low = kind === 'unitNorm' ? 1 : minValue
  const high = kind === 'unitNorm' ? 1 : maxValue
  const [first, last] = [Math.min(...axis), Math.max(...axis)] // the axes are neighbours
  const parts = [shape.slice(0, first), shape.slice(first, last + 1), shape.slice(last + 1)]
  return {
    code: abi.OP_CONSTRAIN,
    operands: [address, ...parts.map((part) => elementCount(part)), f32(low), f32(high), f32(rate)],
  }
}

/**
 * A weight of so many bytes is updated by an instruction of its own: each thread then takes the part of it whose gradient
 * it has just computed, which lies in its cache.
 */
const LARGE_BYTES = 0x40000

/** The trainable region in pieces, [first byte, bytes]: each large weight, and what lies between those. */
function updatePieces(
  { trainable, parameters }: Layout,
  specs: readonly ParameterSpec[],
): [number, number][] {
  const large = specs.filter(({ trainable, shape }) => trainable && bufferBytes(shape) >= LARGE_BYTES)
  const cuts = large.flatMap(({ name, shape }) => {
    const start = (parameters.get(name) ?? 0) - trainable.start
    return [start, start + bufferBytes(shape)]
  })
  const ends = [...cuts, trainable.bytes]
  return [0, ...cuts].flatMap((start, i): [number, number][] =>
    ends[i] > start ? [[start, ends[i] - start]] : [],
  )
}

export function updateInstructions(
  update: UpdateSpec,
  layout: Layout,
  specs: readonly ParameterSpec[],
): Instruction[] {
  const { trainable, gradientsStart, slotsStart, parameters } = layout
  if (trainable.bytes === 0) return []
  const { sums, ema } = update
  const count = trainable.bytes / 4
  const slot = (name: string) => slotAddress(update, layout, name)
  const accumulate = (group: number, isLast: boolean): Instruction => ({
    code: abi.OP_ACCUMULATE,
    operands: [
      layout.base,
      isLast || group === 0 ? gradientsStart : slot(gradientSlot(group)),
      slot(accumulatorSlot(group)),
      count,
      isLast ? Math.min(group, 1) + 1 : 0,
    ],
  })
  const groups = Array.from({ length: sums }, (_, group) => group)
  const average: Instruction[] = ema
    ? [
        {
          code: abi.OP_EMA,
          operands: [layout.base, trainable.start, slot('ema'), count, f32(ema.momentum), ema.every],
        },
      ]
    : []
  const clips = update.clip ? clipInstructions(update.clip, layout, specs) : []
  // nadam counts its runs: one for all
  const isOnce = update.code === abi.OPTIMIZER_NADAM
  const pieces = isOnce ? [[0, trainable.bytes]] : updatePieces(layout, specs)
  const updates = pieces.map(([at, bytes]): Instruction => {
    const regions = [trainable.start + at, gradientsStart + at, slotsStart + at, trainable.bytes, bytes / 4]
    const constants = update.constants.flatMap(f64)
    return { code: abi.OP_UPDATE, operands: [update.code, ...regions, update.flags, ...constants] }
  })
  return [
    ...groups.map((group) => accumulate(group, false)),
    ...groups.map((group) => accumulate(group, true)),
    ...clips,
    ...updates,
    ...specs.flatMap((spec) =>
      spec.trainable && spec.constraint
        ? [constrained(parameters.get(spec.name) ?? 0, spec.shape, spec.constraint)]
        : [],
    ),
    ...average,
  ]
}
