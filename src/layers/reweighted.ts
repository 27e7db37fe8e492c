// Layers whose kernels are computed from other weights: the layer is written as it is, in a context that gives it another value
// in place of each kernel. spectralNormalization, weightNormalization and lora differ in that value alone.

import type { Kernel } from '../graph/kernel.ts'
import { copyKernel } from '../graph/ops/moves.ts'
import type { Value } from '../graph/value.ts'
import { fail } from '../numerics/errors.ts'
import type { Shape } from '../numerics/shape.ts'
import type { BuildContext, WeightOptions } from './layer.ts'
import type { NestedLayer } from './nested.ts'

/** Whether a weight is one that multiplies: that of dense, convolution and recurrent layers, or of attention. */
export const isKernel = (own: string, shape: Shape): boolean =>
  shape.length > 1 && /^(kernel|w[qkvo])$/.test(own)

/** A kernel where a layer asks for it: `context` gives the weights beside it. */
export interface Asked {
  readonly context: BuildContext
  readonly own: string
  readonly shape: Shape
  readonly options: WeightOptions
}

/** A copy through which no gradient goes. */
export const stopGradientKernel: Kernel = { ...copyKernel, name: 'stopGradient', gradient: () => [null] }

/** The context in which every kernel is what `kernelOf` makes of it; `others` changes the options of the other weights. */
function reweighted(
  context: BuildContext,
  kernelOf: (asked: Asked) => Value,
  others: (options: WeightOptions) => WeightOptions,
): BuildContext {
  return {
    ...context,
    weight: (own, shape, options = {}) =>
      isKernel(own, shape)
        ? kernelOf({ context, own, shape, options })
        : context.weight(own, shape, others(options)),
    nested: (own) => reweighted(context.nested(own), kernelOf, others),
  }
}

/** Writes `layer` with other kernels. @throws LanegradError if it has none */
export function buildReweighted(
  { kind, config }: NestedLayer,
  context: BuildContext,
  inputs: readonly Value[],
  kernelOf: (asked: Asked) => Value,
  others = (options: WeightOptions): WeightOptions => options,
): Value | readonly Value[] {
  let count = 0
  const counted = (asked: Asked) => {
    count++
    return kernelOf(asked)
  }
  const built = kind.build(reweighted(context, counted, others), inputs, config)
  return count > 0 ? built : fail(`its inner ${kind.kind} has no kernel`)
}

/** The sizes of a kernel as a matrix: all axes but the last by the last, which has the outputs. */
export const matrixOf = (shape: Shape): readonly [rows: number, columns: number] => {
  const columns = shape[shape.length - 1]
  return [shape.reduce((product, n) => product * n, 1) / columns, columns]
}
