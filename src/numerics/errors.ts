// What enters: what a caller passed at the public edge. What leaves: a LanegradError that says which
// argument, what was expected and what came, with the nearest known name where a name was misspelt.
// May assume nothing about the values it prints; prints at most 60 characters of any of them.
// Never used inside a kernel or a per-element loop.

import { tagOf } from './brands.ts'
import { LanegradError } from './lanegrad-error.ts'

export { LanegradError }

/** Throws a LanegradError. */
export function fail(message: string): never {
  throw new LanegradError(message)
}

/** Throws `<what> must be <expected>; got <got>` unless `holds`. */
export function check(holds: boolean, what: string, expected: string, got: unknown): asserts holds {
  if (!holds) fail(`${what} must be ${expected}; got ${show(got)}`)
}

/** A short print of any value, safe on hostile ones (no toString of theirs is called). */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
  if (Array.isArray(value)) {
    const rest = value.length > 8 ? ', …' : ''
    return `[${value.slice(0, 8).map((item) => (Array.isArray(item) ? '[…]' : show(item)))}${rest}]`
  }
  return value !== null && (typeof value === 'object' || typeof value === 'function')
    ? typeof value
    : String(value)
}

/**
 * Throws `unknown activation "rleu"; did you mean "relu"? Known: ...`. The suggestion appears only if
 * at most 2 edits (or a third of the name's length) away, upper and lower case taken as equal.
 */
export function unknownName(what: string, got: unknown, known: readonly string[]): never {
  if (typeof got === 'function') fail(`unknown ${what}: got a function; if it makes one, call it`)
  let nearest = ''
  if (typeof got === 'string' && got.length <= 60) {
    let least = Math.max(2, got.length / 3) + 1
    for (const name of known) {
      const distance = editDistance(got.toLowerCase(), name.toLowerCase())
      if (distance < least) {
        least = distance
        nearest = name
      }
    }
  }
  fail(`unknown ${what} ${show(got)}; ${nearest && `did you mean "${nearest}"? `}Known: ${known.join(', ')}`)
}

/** Throws if `options` is no plain object or has a key that isn't in `known`. */
export function checkOptions(where: string, options: object, known: readonly string[]): void {
  // a Map's entries are no keys; class instances and objects of other realms are as good as a literal
  const isPlain = tagOf(options) === '[object Object]'
  check(isPlain, `${where} options`, `a plain object of ${known.join(', ')}`, options)
  for (const key of Object.keys(options)) if (!known.includes(key)) unknownName(`${where} option`, key, known)
}

/** Any object, lists and typed arrays too. */
export const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** An object that is no list. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  isObject(value) && !Array.isArray(value)

/** What an option's value must fulfil. */
export interface Rule<T = unknown> {
  readonly expected: string
  holds(value: unknown): value is T
}

/** A number, finite also as the float32 it becomes, that fulfils more. */
export const number = (expected: string, holds: (value: number) => boolean): Rule<number> => ({
  expected,
  holds: (value): value is number =>
    typeof value === 'number' && Number.isFinite(Math.fround(value)) && holds(value),
})
export const FINITE = number('a finite number', () => true)
export const NON_NEGATIVE = number('a finite number >= 0', (value) => value >= 0)
export const POSITIVE = number('a finite number > 0', (value) => Math.fround(value) > 0)
export const SHARE = number(
  'a number from 0 up to, not including, 1',
  (value) => value >= 0 && Math.fround(value) < 1,
)
export const UP_TO_ONE = number('a number from 0 to 1', (value) => value >= 0 && value <= 1)
export const POSITIVE_INTEGER = number(
  'a positive integer',
  (value) => Number.isSafeInteger(value) && value > 0,
)
export const NATURAL = number('an integer from 0', (value) => Number.isSafeInteger(value) && value >= 0)
export const BOOLEAN: Rule<boolean> = {
  expected: 'a boolean',
  holds: (value) => typeof value === 'boolean',
}

/** One of these. */
export const oneOf = <const S extends string | number | null>(...names: readonly S[]): Rule<S> => ({
  expected: names
    .map(show)
    .join(', ')
    .replace(/, ([^,]*)$/, ' or $1'),
  holds: (value): value is S => names.includes(value as S),
})

/** The same, or null. */
export const orNull = <T>({ expected, holds }: Rule<T>): Rule<T | null> => ({
  expected: `${expected} or null`,
  holds: (value): value is T | null => value === null || holds(value),
})

/** The value. @throws LanegradError `<what> must be <expected>; got <value>` unless it fulfils the rule */
export function must<T>(rule: Rule<T>, value: unknown, what: string): T {
  // 1e39, 1e-50 and 0.99999999 are Infinity, 0 and 1 as the float32 that kernels take
  const size = Math.abs(Number(typeof value === 'number' && value))
  const isLost = Math.fround(size) !== size && [0, 1, Infinity].includes(Math.fround(size))
  check(rule.holds(value), what, rule.expected + (isLost ? ' as float32' : ''), value)
  return value as T
}

/** How an option is read: a rule, or what gives its checked form (`what` is its name in messages). */
export type Reader<T> = Rule<T> | ((value: never, what: string) => T)

/** A reader for each option; in a pair with its default unless it must be given. */
export type Readers = Readonly<Record<string, Reader<unknown> | readonly [Reader<unknown>, unknown]>>

export type Read<R extends Readers> = {
  readonly [K in keyof R]: R[K] extends Reader<infer T> | readonly [Reader<infer T>, unknown] ? T : never
}

/**
 * Checked options with defaults filled in; an option set to undefined counts as left out. `others` are known too, and
 * not read.
 * @throws LanegradError naming the unknown option or the option that breaks its rule.
 */
export function readOptions<R extends Readers>(
  where: string,
  options: object,
  readers: R,
  others: readonly string[] = [],
): Read<R> {
  checkOptions(where, options, [...Object.keys(readers), ...others])
  const read = Object.entries(readers).map(([key, given]) => {
    const [reader, byDefault] = (Array.isArray(given) ? given : [given]) as [Reader<unknown>, unknown]
    const { [key]: value = byDefault } = options as Readonly<Record<string, unknown>>
    const what = `${where}: ${key}`
    return [key, typeof reader === 'function' ? reader(value as never, what) : must(reader, value, what)]
  })
  return Object.fromEntries(read)
}

/** Damerau-Levenshtein distance, adjacent swaps counted as one edit (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)
      row[j] = Math.min(replaced, last[j] + 1, row[j - 1] + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j], beforeLast[j - 2] + 1)
      }
    }
    beforeLast = last
    last = row
  }
  return last[b.length]
}
