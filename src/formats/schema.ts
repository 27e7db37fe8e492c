// Forms of parsed JSON of unknown origin. Each is a function that returns the value with its type, or throws a LanegradError that
// names the place, what was expected and what came. Keys that a form doesn't have are left out.
import { check, isRecord } from '../numerics/errors.ts'

export type Form<T> = (what: string, value: unknown) => T

/** The type of the values of a form. */
export type Formed<F> = F extends Form<infer T> ? T : never

const form =
  <T>(expected: string, holds: (value: unknown) => boolean): Form<T> =>
  (what, value) => {
    check(holds(value), what, expected, value)
    return value as T
  }

export const natural = form<number>(
  'an integer >= 0',
  (value) => Number.isSafeInteger(value) && (value as number) >= 0,
)
export const positive = form<number>(
  'a positive integer',
  (value) => Number.isSafeInteger(value) && (value as number) > 0,
)
/** A number; JSON has neither NaN nor infinities. */
export const number = form<number>('a number', (value) => typeof value === 'number')
export const text = form<string>('a string', (value) => typeof value === 'string')
export const flag = form<boolean>('a boolean', (value) => typeof value === 'boolean')
export const anyObject = form<object>('an object', isRecord)

export const oneOf = <const S extends string>(...names: readonly S[]): Form<S> =>
  form(names.join(' or '), (value) => names.includes(value as S))

export const orNull =
  <T>(of: Form<T>): Form<T | null> =>
  (what, value) =>
    value === null ? null : of(what, value)

/** The same form, or undefined. */
export const optional =
  <T>(of: Form<T>): Form<T | undefined> =>
  (what, value) =>
    value === undefined ? undefined : of(what, value)

export const list =
  <T>(of: Form<T>): Form<readonly T[]> =>
  (what, value) => {
    check(Array.isArray(value), what, 'a list', value)
    return value.map((item, i) => of(`${what}.${i}`, item))
  }

/** A list with a form for each of its items. */
export const tuple =
  <T extends readonly unknown[]>(...forms: { readonly [I in keyof T]: Form<T[I]> }): Form<T> =>
  (what, value) => {
    check(Array.isArray(value) && value.length === forms.length, what, `a list of ${forms.length}`, value)
    return forms.map((of, i) => of(`${what}.${i}`, value[i])) as unknown as T
  }

/** Values of one form by any names. */
export const byName =
  <T>(of: Form<T>): Form<ReadonlyMap<string, T>> =>
  (what, value) => {
    check(isRecord(value), what, 'an object', value)
    return new Map(Object.entries(value).map(([name, item]) => [name, of(`${what}.${name}`, item)]))
  }

/** An object with these keys. */
export const record =
  <T extends object>(forms: { readonly [K in keyof T]: Form<T[K]> }): Form<T> =>
  (what, value) => {
    check(isRecord(value), what, 'an object', value)
    const own = Object.entries<Form<unknown>>(forms).map(([key, of]) => [
      key,
      of(`${what}.${key}`, value[key]),
    ])
    return Object.fromEntries(own) as T
  }
