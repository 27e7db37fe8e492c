// Enters: the values that a caller passed at the public edge. Leaves: a LanegradError that names the argument, what was
// expected and what came, with the nearest known name where a name was misspelt. Nothing is assumed about the values; at
// most 60 characters of each are printed. Never used inside a kernel or a per-element loop.

import { isBuffer, tagOf } from './brands.ts'
import { LanegradError } from './lanegrad-error.ts'

export { LanegradError }

/** Throws a LanegradError. */
export function fail(message: string): never {
  throw new LanegradError(message)
}

/** Throws `expected <expected>; got <got>`: for the inputs of a layer, whose name the caller puts in front. */
export function mismatch(expected: string, got: string | number): never {
  fail(`expected ${expected}; got ${got}`)
}

/** Throws `<what> must be <expected>; got <got>` unless `holds`. */
export function check(holds: boolean, what: string, expected: string, got: unknown): asserts holds {
  if (!holds) fail(`${what} must be ${expected}; got ${show(got)}`)
}

/**
 * Returns the result of `read`. An error that the engine throws while `read` looks at a caller's values (a revoked proxy, a
 * symbol among numbers) becomes a LanegradError that names them by `what`. The caller's own errors pass. The stack begins
 * with the function that called this one, so that the caller's line is among the few frames an engine keeps.
 */
export function reading<T>(what: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw refusal(what, error, reading)
  }
}

/** The error that `reading` throws: for generators, which can't pass a function. The stack begins below `above`. */
export function refusal(what: string, error: unknown, above: unknown = refusal): unknown {
  const { name, message } = Object(error) as Error
  const isEngines = name === 'TypeError' || name === 'RangeError'
  const refused = isEngines ? new LanegradError(`${what} can't be read: ${message}`, { cause: error }) : error
  if (refused instanceof LanegradError)
    (Error as { captureStackTrace?(error: object, above: unknown): void }).captureStackTrace?.(refused, above)
  return refused
}

/**
 * A proxy of an object of methods, for a user's own code: arguments that a method can't read give a LanegradError that names
 * the method. Errors of the user's own code stay as they are.
 */
export const guarded = <T extends object>(what: string, target: T): T =>
  new Proxy(target, {
    get(_, key) {
      const member: unknown = target[key as keyof T]
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => reading(`${what}.${String(key)}`, () => member.apply(target, args))
    },
  })

const cut = (text: string, most = 60): string => (text.length > most ? `${text.slice(0, most)}…` : text)

/** Returns the result of `print`, or a few words where the value's own code throws. */
function printing(value: unknown, print: () => string): string {
  try {
    return print()
  } catch {
    return `an unreadable ${typeof value}`
  }
}

/** A short print of any value. */
export const show = (value: unknown): string => printing(value, () => shown(value))

/** Makes Node, Deno and Bun print `value` as the lines that `print` returns, each cut to 200 characters. */
export const printed = <T extends object>(value: T, print: () => string): T =>
  Object.defineProperty(value, Symbol.for('nodejs.util.inspect.custom'), {
    value: () => printing(value, () => print().replace(/.+/g, (line) => cut(line, 200))),
  })

function shown(value: unknown, depth = 0): string {
  if (typeof value === 'string') return JSON.stringify(cut(value))
  if (typeof value === 'function') {
    const { kind, name } = value as { kind?: { kind?: unknown }; name: unknown }
    return kind?.kind ? `a layer of kind ${kind.kind}` : `function ${cut(String(name))}`.trim()
  }
  if (typeof value !== 'object' || value === null)
    return Object.is(value, -0) ? '-0' : cut(`${String(value)}${typeof value === 'bigint' ? 'n' : ''}`)
  if (Array.isArray(value)) {
    if (depth > 2) return '[…]'
    const first = value.slice(0, 8)
    const text = `[${first.map((item) => shown(item, depth + 1))}${value.length > 8 ? ', …' : ''}]`
    return text.length > 40 && depth === 0 && first.every(isLevel)
      ? `nested arrays, the first of shape [${shapeOf(value)}]`
      : text
  }
  const kind = tagOf(value).slice(8, -1)
  if (ArrayBuffer.isView(value)) {
    const { length = value.byteLength, buffer } = value as Float32Array
    return isBuffer(buffer) ? `${kind}(${length})` : `${kind} of a detached buffer`
  }
  if (kind === 'ArrayBuffer' && !isBuffer(value)) return 'a detached ArrayBuffer'
  if (kind !== 'Object') return cut(kind) || 'an unreadable object'
  const maker: unknown = Object.getPrototypeOf(value)?.constructor
  if (typeof maker === 'function' && maker.name !== 'Object') return `an object of class ${cut(maker.name)}`
  return `{ ${cut(Object.keys(value).join(', '))} }`.replace('  ', '')
}

/** A list, or an array of numbers: a level of nested ones. */
const isLevel = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || ArrayBuffer.isView(value)

/** The shape of nested arrays, as their first elements have it. */
const shapeOf = (value: unknown): number[] => (isLevel(value) ? [value.length, ...shapeOf(value[0])] : [])

/** Names in other libraries, each with ours: those that ours doesn't begin with. */
const SYNONYMS =
  ' ln:log lr:learningRate crossentropy:sparseCategoricalCrossentropy nll:sparseCategoricalCrossentropy bce:binaryCrossentropy' +
  ' l1:meanAbsoluteError smoothl1:huber xavieruniform:glorotUniform xaviernormal:glorotNormal' +
  ' kaiminguniform:heUniform kaimingnormal:heNormal linear:dense outfeatures:units outchannels:filters hiddensize:units' +
  ' numembeddings:inputDim embeddingdim:outputDim inputdim:inputShape p:rate' +
  ' neg:minus logsigmoid:softplus '

/** The form in which names are compared: `batch_size`, `BatchSize` and `batchSize` are equal; a final "loss" is left out. */
const plainName = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]|(?<=.)loss$/g, '')

/** A message lists so many known names. */
const MOST_NAMES = 150

/**
 * Throws `dense: unknown activation "rleu"; did you mean "relu"? Known: ...`, where `what` is `dense: activation`. A name is
 * suggested if it is a synonym, begins with the given one, or is at most 2 edits (or a third of the length) away, case and
 * underscores aside. If `got` is an object, its own name is compared.
 */
export function unknownName(what: string, got: unknown, known: readonly string[]): never {
  const unknown = what.replace(/(?=[^: ][^:]*$)/, 'unknown ')
  if (typeof got === 'function') fail(`${unknown}: got ${show(got)}; call it if it makes one`)
  let nearest = ''
  const given = isObject(got) ? (got as { name?: unknown }).name : got
  if (typeof given === 'string' && given.length <= 60) {
    const plain = plainName(given).replace(/withlogits$/, '')
    let least = Math.max(2, plain.length / 3) + 1
    for (const name of known) {
      const own = plainName(name)
      const isBegun = plain !== '' && own.startsWith(plain)
      const distance = SYNONYMS.includes(` ${plain}:${name} `)
        ? 0
        : Math.min(editDistance(plain, own), isBegun ? 1.5 : Infinity)
      if (distance < least) {
        least = distance
        nearest = name
      }
    }
  }
  const others = known.length - MOST_NAMES
  const names = others > 0 ? `${known.slice(0, MOST_NAMES).join(', ')} and ${others} more` : known.join(', ')
  fail(
    `${unknown} ${show(got)}${nearest && `; did you mean "${nearest}"`}${nearest ? '?' : '.'} Known: ${names || 'none'}`,
  )
}

/** The entry of `table` under `name`. @throws LanegradError as `unknownName`, unless the table itself has that name */
export function entryOf<T>(what: string, name: unknown, table: Readonly<Record<string, T>>): T {
  if (typeof name !== 'string' || !Object.hasOwn(table, name)) unknownName(what, name, Object.keys(table))
  return table[name]
}

/** A copy of the options. @throws LanegradError unless they are a plain object whose keys are all in `known` */
export function checkOptions<O extends object>(where: string, options: O, known: readonly string[]): O {
  const what = `${where} options`
  return reading(what, () => {
    // the entries of a Map aren't keys; class instances and objects of other realms serve as well as a literal
    if (tagOf(options) !== '[object Object]')
      check(false, what, `a plain object of ${known.join(', ')}`, options)
    for (const key of Object.keys(options))
      if (!known.includes(key)) unknownName(`${where} option`, key, known)
    const copy: Record<string, unknown> = {}
    for (let i = 0; i < known.length; i++) copy[known[i]] = options[known[i] as keyof O]
    return copy as O
  })
}

/** Whether a value can be called: a class or a revoked proxy can't. */
export const isFunction = (value: unknown): value is (...args: never[]) => unknown => {
  try {
    const isCallable = typeof value === 'function' && 'call' in value
    return isCallable && !/^class\b/.test(Function.prototype.toString.call(value))
  } catch {
    return false
  }
}

/** Whether a value is an object, lists and typed arrays included. */
export const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Whether a value is an object and not a list. */
export const isRecord = (value: unknown): value is Record<string, unknown> => {
  try {
    return isObject(value) && !Array.isArray(value)
  } catch {
    return false // a proxy that was revoked
  }
}

/** A rule for an option's value, and its text: `<option> must be <expected>`. */
export interface Rule<T = unknown> {
  readonly expected: string
  holds(value: unknown): value is T
}

/** A rule for numbers that are finite as float32 and for which `holds` is true. */
export const number = (expected: string, holds: (value: number) => boolean): Rule<number> => ({
  expected,
  holds: (value): value is number =>
    typeof value === 'number' && Number.isFinite(Math.fround(value)) && holds(value),
})
export const FINITE = number('a finite number', () => true)
export const NON_NEGATIVE = number('a finite number >= 0', (value) => value >= 0)
export const POSITIVE = number('a finite number > 0', (value) => Math.fround(value) > 0)
export const SHARE = number('a number >= 0 and < 1', (value) => value >= 0 && Math.fround(value) < 1)
export const UP_TO_ONE = number('a number from 0 to 1', (value) => value >= 0 && value <= 1)
export const POSITIVE_INTEGER = number(
  'a positive integer',
  (value) => Number.isSafeInteger(value) && value > 0,
)
export const NATURAL = number('an integer >= 0', (value) => Number.isSafeInteger(value) && value >= 0)
export const BOOLEAN: Rule<boolean> = {
  expected: 'a boolean',
  holds: (value) => typeof value === 'boolean',
}

/** A rule for a value that is one of `names`. */
export const oneOf = <const S extends string | number | boolean | null>(...names: readonly S[]): Rule<S> => ({
  get expected() {
    return names
      .map(show)
      .join(', ')
      .replace(/, ([^,]*)$/, ' or $1')
  },
  holds: (value): value is S => names.includes(value as S),
})

/** The same rule, null allowed. */
export const orNull = <T>(rule: Rule<T>): Rule<T | null> => ({
  get expected() {
    return `${rule.expected} or null`
  },
  holds: (value): value is T | null => value === null || rule.holds(value),
})

/** Returns the value. @throws LanegradError `<what> must be <expected>; got <value>` unless the rule holds */
export const must = <T>(rule: Rule<T>, value: unknown, what: string): T =>
  reading(what, () => obeying(rule, value, what))

function obeying<T>(rule: Rule<T>, value: unknown, what: string): T {
  if (rule.holds(value)) return value
  // 1e39, 1e-50 and 0.99999999 are Infinity, 0 and 1 as the float32 that kernels take
  const size = typeof value === 'number' ? Math.abs(value) : 0
  const kept = Math.fround(size)
  const isLost = kept !== size && [0, 1, Infinity].includes(kept)
  return check(false, what, rule.expected + (isLost ? ' as float32' : ''), value) as never
}

/** How an option is read: a rule, or a function that returns its checked form (`what` is its name in messages). */
export type Reader<T> = Rule<T> | ((value: never, what: string) => T)

/** The reader of an option that is checked elsewhere. */
export const asGiven = <T>(value: T): T => value

/** A reader for each option, in a pair with its default unless the option must be given. */
export type Readers = Readonly<Record<string, Reader<unknown> | readonly [Reader<unknown>, unknown]>>

export type Read<R extends Readers> = {
  readonly [K in keyof R]: R[K] extends Reader<infer T> | readonly [Reader<infer T>, unknown] ? T : never
}

/**
 * Returns checked options with defaults filled in; an option that is undefined counts as left out. `others` are the names
 * of options that are known but not read.
 * @throws LanegradError naming the unknown option or the option that breaks its rule
 */
export function readOptions<R extends Readers>(
  where: string,
  options: object,
  readers: R,
  others: readonly string[] = [],
): Read<R> {
  const names = Object.keys(readers)
  const own = checkOptions(where, options, [...names, ...others]) as Readonly<Record<string, unknown>>
  const read: Record<string, unknown> = {}
  let what = where
  // every program reads some hundred options before its first step: each makes as little garbage as it can
  try {
    for (let i = 0; i < names.length; i++) {
      const key = names[i]
      const given = readers[key] as Reader<unknown> | [Reader<unknown>, unknown]
      const hasDefault = Array.isArray(given)
      const reader = hasDefault ? given[0] : given // by index: taking a pair apart makes three times the garbage
      const isLeftOut = own[key] === undefined && hasDefault
      const value = isLeftOut ? given[1] : own[key]
      if (isLeftOut && typeof reader !== 'function') {
        read[key] = value
        continue
      }
      what = `${where}: ${key}`
      read[key] = typeof reader === 'function' ? reader(value as never, what) : obeying(reader, value, what)
    }
  } catch (error) {
    throw refusal(what, error, readOptions)
  }
  return read as Read<R>
}

/** Damerau-Levenshtein distance, adjacent swaps counted as one edit (optimal string alignment). */
function editDistance(a: string, b: string): number {
  const edits: number[][] = [] // between the first i characters of a and the first j of b
  for (let i = 0; i <= a.length; i++) {
    edits[i] = []
    for (let j = 0; j <= b.length; j++) {
      const isSwap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      edits[i][j] =
        i === 0 || j === 0
          ? i + j
          : Math.min(
              edits[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1),
              edits[i - 1][j] + 1,
              edits[i][j - 1] + 1,
              isSwap ? edits[i - 2][j - 2] + 1 : i + j,
            )
    }
  }
  return edits[a.length][b.length]
}
