// Losses by how those of several batches become that of one large batch: where gradients are accumulated, each group's are
// summed with a weight of their own and divided by the sum of these weights. Most models have one group.
//   mean over all rows            weight: the rows
//   mean over the rows that count weight: their number, each output for itself (a mask, ignoreIndex)
//   sum                           weight 1, and no division
// Penalties are the same at every step: any mean of them is right. `accumulateGradients` brings this.
import type { Regularizer } from '../layers/layer.ts'
import type { Loss } from './loss.ts'

/** What `compile` was told. */
interface Training {
  readonly outputs: readonly { readonly output: string; readonly loss: Loss }[]
  readonly added?: readonly unknown[]
}

/** The network that is trained, as far as its losses go. */
interface Trained {
  readonly outputs: readonly { readonly name: string; readonly value: string }[]
  /** Its values whose steps don't all count. */
  readonly masked: ReadonlySet<string>
  readonly weights: readonly { readonly regularizer: Regularizer }[]
}

/** The groups of a model's losses, by name. */
export interface LossGroups {
  readonly names: readonly string[]
  /** The group of an output's loss. */
  of(output: string): string | undefined
  /** The group of penalties. */
  readonly penalties: string
  /** The group of terms over the whole network. */
  readonly added: string
  /** Whether a group is of sums; others are means over the rows that the result of their name counts. */
  isSum(name: string): boolean
}

/** The group of means over all rows. */
const ALL_ROWS = 'rows'
const SUM = 'sum'

/** The result whose second element counts an output's rows. */
export const rowsResult = (output: string): string => `rows of ${output}`

export function lossGroups(training: Training, { outputs, masked, weights }: Trained): LossGroups {
  const places = new Map(outputs.map(({ name, value }) => [name, value]))
  const groups = new Map(
    training.outputs.map(({ output, loss: { reduction, ignoreIndex } }) => {
      const isPartial = masked.has(places.get(output) ?? '') || ignoreIndex !== null
      return [output, reduction === 'sum' ? SUM : isPartial ? rowsResult(output) : ALL_ROWS]
    }),
  )
  const names = new Set(groups.values())
  const penalties = [...names].find((name) => name !== SUM) ?? ALL_ROWS
  if (weights.some(({ regularizer: { l1 = 0, l2 = 0 } }) => l1 > 0 || l2 > 0)) names.add(penalties)
  if (training.added) names.add(ALL_ROWS)
  return {
    names: [...names],
    of: (output) => groups.get(output),
    penalties,
    added: ALL_ROWS,
    isSum: (name) => name === SUM,
  }
}
