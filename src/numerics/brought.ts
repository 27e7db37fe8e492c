// Values that bring their code with them: plain data, as files and messages hold it, with functions that no copy and no text
// of it has. So a program carries only the code of the values it names. Here they are made, and told from what is none.
import { check, entryOf, fail, isFunction, isObject, isRecord, reading, show } from './errors.ts'

/** `data`, frozen, with functions that can't be seen. */
export function bringing<D extends object, C extends object>(data: D, code: C): Readonly<D & C> {
  for (const [name, value] of Object.entries(code)) Object.defineProperty(data, name, { value })
  return Object.freeze(data as D & C)
}

/**
 * What a function of the library made, told by a method `has` it must have; null: none was given.
 * @throws LanegradError that shows how it is `written`, in the one form or the other, where something else was given
 */
export function broughtBy<T extends object>(
  what: string,
  given: T | null | undefined,
  has: keyof T & string,
  ...written: readonly string[]
): T | null {
  return reading(what, () => {
    if (given === undefined || given === null) return null
    if (isObject(given) && isFunction(given[has])) return given
    const name: unknown = isObject(given) ? (given as { kind?: unknown }).kind : given
    const form = written.find((one) => one.startsWith(`${name}(`)) ?? written[0]
    return writeInstead(what, what.split(': ').at(-1), form, given)
  })
}

/** Throws a LanegradError: instead of what was given, `key` is to be written in this form. */
export const writeInstead = (what: string, key: string | undefined, form: string, given: unknown): never =>
  fail(`${what}: write ${key}: ${form}, with ${form.split('(')[0]} from 'lanegrad'; got ${show(given)}`)

/**
 * The value again, by the constructor of the name that the data has as its `kind`; null: there is none. The data is untrusted.
 * @throws LanegradError on what none of them made
 */
export function remade<T>(
  what: string,
  makers: Readonly<Record<string, (options: never) => T>>,
  data: unknown,
): T | null {
  if (data === undefined || data === null) return null
  check(isRecord(data), what, 'an object', data)
  const { kind, ...options } = data
  return entryOf<(options: never) => T>(what, kind, makers)(options as never)
}
