// Losses by how those of several batches become that of one large batch: where gradients are accumulated, each group's are
// summed with a weight of their own and divided by the sum of these weights. Most models have one group.
//   mean over all rows            weight: the rows
//   mean over the rows that count weight: their number, each output for itself (a mask, ignoreIndex)
//   sum                           weight 1, and no division
// Penalties are the same at every step: any mean of them is right.
import type { Loss } from '../training/losses.ts'

/** An output and its loss, of what `compile` was told. */
interface Trained {
  readonly output: string
  readonly loss: Loss
}

/** The group of means over all rows. */
export const ALL_ROWS = 'rows'
const SUM = 'sum'

/** The result whose second element counts an output's rows. */
export const rowsResult = (output: string): string => `rows of ${output}`

/** The group of an output's loss. */
export const groupOf = ({ output, loss }: Trained, isMasked: boolean): string =>
  loss.reduction === 'sum' ? SUM : isMasked || loss.ignoreIndex !== null ? rowsResult(output) : ALL_ROWS

/** The groups of a model, and that of its penalties. */
export function lossGroups(
  outputs: readonly Trained[],
  isMasked: (output: string) => boolean,
  hasPenalties: boolean,
  hasAdded = false,
): { readonly groups: readonly string[]; readonly penalties: string } {
  const groups = new Set(outputs.map((output) => groupOf(output, isMasked(output.output))))
  const penalties = [...groups].find((group) => group !== SUM) ?? ALL_ROWS
  if (hasPenalties) groups.add(penalties)
  if (hasAdded) groups.add(ALL_ROWS)
  return { groups: [...groups], penalties }
}

/** Whether the group is of sums. */
export const isSum = (group: string): boolean => group === SUM
