// What helpers that were fitted are saved as: JSON with their name, of unknown origin when it is read again.
import { object, parse } from '../formats/json.ts'
import { check, type Rule, show } from '../numerics/errors.ts'

export const NAME: Rule<string> = {
  expected: 'a string',
  holds: (x): x is string => typeof x === 'string',
}
export const DISTINCT: Rule<readonly string[]> = {
  expected: 'a list of distinct strings',
  holds: (x): x is readonly string[] =>
    Array.isArray(x) && x.every(NAME.holds) && new Set(x).size === x.length,
}

/** The fields of what `toJSON` gave, as an object or a text, but `saved`, which tells what it is of. */
export function readSaved(where: string, what: string, given: unknown): Record<string, unknown> {
  const { saved, ...fields } = object(where, typeof given === 'string' ? parse(where, given) : given)
  check(saved === what, `${where}: not what a ${what} was saved as: saved`, show(what), saved)
  return fields
}
