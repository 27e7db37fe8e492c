// The persistent regions of an arena: header | trainable parameters | frozen parameters | gradients | optimizer
// slots. Enters: parameter shapes and the number of optimizer slots. Leaves: addresses, which hold for every
// plan of the model, so a new batch size moves no weight. Trainable parameters are contiguous, gradients and
// slots follow the same order: an optimizer step is one pass over flat memory.
import { ALIGNMENT, HEADER_BYTES } from '../../assembly/abi.ts'
import type { Shape } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'

export interface ParameterSpec {
  readonly name: string
  readonly shape: Shape
  readonly trainable: boolean
}

/** The names of states go on with it behind the layer's. A state stays from run to run; no weight has its sign in the name. */
export const STATE = 'state:'

export const isState = ({ name }: { readonly name: string }): boolean => name.includes(STATE)

export interface Layout {
  /** Address of the header. */
  readonly base: number
  /** Address of each parameter. */
  readonly parameters: ReadonlyMap<string, number>
  /** Address of each trainable parameter's gradient. */
  readonly gradients: ReadonlyMap<string, number>
  /** Where parameters start, those that train in front; the bytes of those that train, and of their gradients. */
  readonly trainable: { readonly start: number; readonly bytes: number }
  /** First address behind the parameters. */
  readonly parametersEnd: number
  readonly gradientsStart: number
  /** Slot i starts at slotsStart + i * trainable.bytes. */
  readonly slotsStart: number
  /** First address behind the optimizer's slots. */
  readonly stateEnd: number
  /** First address behind the persistent regions: where a plan's own regions start. */
  readonly end: number
}

export const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT

/** Bytes of a value's buffer: whole cache lines. */
export const bufferBytes = (shape: Shape): number => align(elementCount(shape) * 4)

/** `slotCount` null: a model that isn't compiled has parameters alone, no gradients. */
export function layoutOf(base: number, specs: readonly ParameterSpec[], slotCount: number | null): Layout {
  const parameters = new Map<string, number>()
  const gradients = new Map<string, number>()
  const start = base + HEADER_BYTES
  let end = start
  const place = (spec: ParameterSpec) => {
    parameters.set(spec.name, end)
    end += bufferBytes(spec.shape)
  }
  specs.filter((spec) => spec.trainable).forEach(place)
  const trainableBytes = end - start
  specs.filter((spec) => !spec.trainable).forEach(place)
  const gradientsStart = end
  for (const spec of specs) {
    if (spec.trainable && slotCount !== null)
      gradients.set(spec.name, gradientsStart + (parameters.get(spec.name) ?? 0) - start)
  }
  const slotsStart = slotCount === null ? end : gradientsStart + trainableBytes
  const stateEnd = slotsStart + (slotCount ?? 0) * trainableBytes
  return {
    base,
    parameters,
    gradients,
    trainable: { start, bytes: trainableBytes },
    parametersEnd: gradientsStart,
    gradientsStart,
    slotsStart,
    stateEnd,
    end: stateEnd,
  }
}
