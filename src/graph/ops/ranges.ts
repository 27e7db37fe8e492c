// The ranges of numbers that operations give: the common cases of `range` in kernel.ts.
import { type UnaryFunction, unaryFunctions } from '../functions.ts'
import type { KernelCall, Known, Range } from '../kernel.ts'
import type { Value } from '../value.ts'

/** The range of `fn`; null where nothing is known of it. */
export const rangeOf = ({ range }: UnaryFunction): Range | null =>
  range ? { low: range[0], high: range[1], shares: null } : null

/** Numbers of x in other places; `keepsRows`: its rows are rows still. */
export function moved(known: Known, x: Value, keepsRows = false): Range | null {
  const range = known.rangeOf(x)
  return range && { ...range, shares: range.shares && (keepsRows ? range.shares : 'moved') }
}

/** The range of a function of a weighted sum. */
export const weighted = (
  { inputs }: Pick<KernelCall<unknown>, 'inputs'>,
  known: Known,
  fn: UnaryFunction = unaryFunctions.linear,
): Range | null => (inputs.some((input) => known.isWeight(input)) ? rangeOf(fn) : null)
