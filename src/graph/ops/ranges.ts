// What operations tell of the numbers they give: the common cases of `range` in kernel.ts.
import { type UnaryName, unaryFunctions } from '../functions.ts'
import type { KernelCall, Known, Range } from '../kernel.ts'
import type { Value } from '../value.ts'

/** What `fn` gives; null where its numbers tell nothing. */
export function rangeOf(fn: UnaryName): Range | null {
  const row = unaryFunctions[fn]
  if (!('range' in row)) return null
  const [low, high] = row.range
  return { low, high, shares: null }
}

/** Numbers of x in other places; `keepsRows`: its rows are rows still. */
export function moved(known: Known, x: Value, keepsRows = false): Range | null {
  const range = known.rangeOf(x)
  return range && { ...range, shares: range.shares && (keepsRows ? range.shares : 'moved') }
}

/** What a function of a sum with weights gives. */
export const weighted = (
  { inputs }: Pick<KernelCall<unknown>, 'inputs'>,
  known: Known,
  fn: UnaryName = 'linear',
): Range | null => (inputs.some((input) => known.isWeight(input)) ? rangeOf(fn) : null)
