// Values that bring their code with them: plain data, as files and messages hold it, with functions that copies and texts of it
// lack. So a program carries only the code of the values that it names. Such values are made and recognized here.
import { check, entryOf, fail, isFunction, isObject, isRecord, reading, show } from './errors.ts'

/** Freezes `data` with functions as hidden properties. */
export function bringing<D extends object, C extends object>(data: D, code: C): Readonly<D & C> {
  for (const [name, value] of Object.entries(code)) Object.defineProperty(data, name, { value })
  return Object.freeze(data as D & C)
}

/**
 * A value that a function of the library made, recognized by its method `has`; null if none was given.
 * @throws LanegradError for any other value, which shows how it is `written`, in one form or the other
 */
export function broughtBy<T extends object>(
  what: string,
  given: T | null | undefined,
  has: keyof T & string,
  written: string | readonly string[],
  entry?: string,
): T | null {
  return reading(what, () => {
    if (given === undefined || given === null) return null
    if (isObject(given) && isFunction(given[has])) return given
    const name: unknown = isObject(given) ? (given as { kind?: unknown }).kind : given
    const forms = [written].flat()
    const form = forms.find((one) => one.startsWith(`${name}(`)) ?? forms[0]
    return writeInstead(what, what.split(': ').at(-1), form, given, entry)
  })
}

/** Throws a LanegradError that shows the form in which `key` is written. */
export const writeInstead = (
  what: string,
  key: string | undefined,
  form: string,
  given: unknown,
  entry = 'lanegrad',
): never =>
  fail(`${what}: write ${key}: ${form}, with ${form.split('(')[0]} from '${entry}'; got ${show(given)}`)

/**
 * Makes a value again by the constructor that the `kind` of untrusted data names; null if there is no data.
 * @throws LanegradError on data that none of the constructors made
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
