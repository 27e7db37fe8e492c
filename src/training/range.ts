// The range of numbers that an output can hold, found from the operations that make it, and the losses that take such numbers.
// Enters: the graph of a network's layers. Leaves: a Range, or null if nothing is known (a user's own layer, a product, an
// input, a frozen weight); then no loss is refused.

import type { Known, Range } from '../graph/kernel.ts'
import type { Value } from '../graph/value.ts'
import type { GraphWriter } from '../graph/writer.ts'
import { fail } from '../numerics/errors.ts'
import { type Loss, takesLabels } from './loss.ts'

/** The range of every value that an operation makes. `isFree`: whether a weight can take any number, of any sign. */
export function rangesOf(
  g: GraphWriter,
  isFree: (weight: string) => boolean,
): ReadonlyMap<Value, Range | null> {
  const found = new Map<Value, Range | null>() // in the order of the operations, so that their inputs come first
  const weights = new Set<Value>() // weights in another shape
  const known: Known = {
    rangeOf: (value) => found.get(value) ?? null,
    isWeight: (value) => weights.has(value) || (value.leaf?.kind === 'parameter' && isFree(value.leaf.name)),
  }
  for (const op of g.ops) {
    const { kernel, inputs, output, label } = op
    if (kernel.view && known.isWeight(inputs[0])) weights.add(output)
    const range = g.opaque.has(output) ? null : kernel.range?.(op, known)
    found.set(output, range ? { layer: label, ...range } : null)
  }
  return found
}

export const rangeText = ({ low, high }: Range): string => {
  if (low === -Infinity) return high === Infinity ? 'any number' : `numbers up to ${high}`
  if (high === Infinity) return low === Number.MIN_VALUE ? 'numbers above 0' : `numbers from ${low} up`
  return `numbers from ${low} to ${high}`
}

/**
 * Refuses a loss that makes no sense for the output's numbers; the docstring of `Model.compile` has the table. `columns` is
 * the size of the last axis.
 * @throws LanegradError that names ways out
 */
export function checkRange(output: string, loss: Loss, columns: number, range: Range | null): void {
  const { kind, fromLogits } = loss
  if (columns === 1 && range?.shares === 'rows')
    fail(
      `output ${output}: softmax of one unit is always 1; give layer ${range.layer} more units, or activation 'sigmoid'`,
    )
  if (columns === 1 && (kind === 'klDivergence' || kind === 'cosineSimilarity'))
    fail(`output ${output}: ${kind} compares rows of two units or more; got one unit`)
  const isBinary = kind === 'binaryCrossentropy'
  const isRow = takesLabels(loss) || kind === 'categoricalCrossentropy'
  if (!range) return
  const { low, high, shares, layer } = range
  const activation = isBinary ? 'sigmoid' : 'softmax'
  const refuseLoss = (needs: string, ways: string): never =>
    fail(`output ${output}: ${kind} needs ${needs}, but layer ${layer} gives ${rangeText(range)}; ${ways}`)
  if (isBinary || isRow) {
    if (fromLogits) {
      if ((low >= 0 && (isBinary || high <= 1)) || (isBinary && high <= 0))
        refuseLoss('logits', `use no activation, or activation '${activation}' without fromLogits`)
      return
    }
    const fits = isBinary ? low >= 0 && high <= 1 : shares || (low > 0 && high > 1)
    const several = high === 1 && low === 0 ? ' (for classes that may hold together: binaryCrossentropy)' : ''
    if (!fits)
      refuseLoss(
        isBinary ? 'probabilities' : 'probabilities of one class among several',
        `use activation '${activation}', or none and fromLogits: true${several}`,
      )
  } else if (kind === 'klDivergence' && !shares)
    refuseLoss(
      'probabilities that sum to 1',
      "use activation 'softmax', or none and categoricalCrossentropy({ fromLogits: true })",
    )
  else if (kind === 'poisson' && low < 0)
    refuseLoss('positive numbers', "use activation 'softplus' or 'exponential'")
  else if ((kind === 'hinge' || kind === 'squaredHinge') && (low >= 0 || high <= 0))
    refuseLoss(
      'scores of both signs',
      "use activation 'tanh' or none, or binaryCrossentropy with targets 0 and 1",
    )
}
