// The ids that a layer takes. Enters: the value they come from. Leaves: the rule for the input that they are, if they are one.
import type { Value } from '../graph/value.ts'
import type { GraphWriter } from '../graph/writer.ts'

/** Declares that ids go from 0 to count - 1, where they are an input of the model, reshaped or not. */
export function limitIds({ ops, limits, label }: GraphWriter, ids: Value, count: number): void {
  let source = ids
  for (let i = ops.length - 1; i >= 0; i--) {
    const { kernel, output, inputs } = ops[i]
    if (kernel.view && output === source) source = inputs[0]
  }
  const { kind, name = '' } = source.leaf ?? {}
  if (kind === 'input' && count < (limits.get(name)?.count ?? Number.POSITIVE_INFINITY))
    limits.set(name, { layer: label, count })
}
