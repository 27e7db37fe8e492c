// The update phase: what an optimizer does with the gradients, as instructions over the flat regions of a
// layout. Enters: an UpdateSpec (training/optimizers.ts makes it) and a layout. Leaves: instructions.
import * as abi from '../../assembly/abi.ts'
import { f32, f64 } from '../numerics/words.ts'
import type { Instruction } from './encode.ts'
import type { Layout, ParameterSpec } from './layout.ts'
import { bufferBytes } from './layout.ts'

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
  readonly slotNames: readonly string[]
  /** What every slot starts from. */
  readonly slotStart: number
  readonly clip: Clip | null
}

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

export function updateInstructions(
  update: UpdateSpec,
  layout: Layout,
  specs: readonly ParameterSpec[],
): Instruction[] {
  const { trainable, gradientsStart, slotsStart } = layout
  if (trainable.bytes === 0) return []
  const clips = update.clip ? clipInstructions(update.clip, layout, specs) : []
  const regions = [
    trainable.start,
    gradientsStart,
    slotsStart,
    trainable.bytes,
    trainable.bytes / 4,
    update.flags,
  ]
  return [
    ...clips,
    { code: abi.OP_UPDATE, operands: [update.code, ...regions, ...update.constants.flatMap(f64)] },
  ]
}
