// What `fit`, `evaluate` and `predict` were called with: rows or batches, asked once, and told by a tag from here on.
import { check, fail, isObject } from '../numerics/errors.ts'
import { isShaped } from '../numerics/tensor.ts'
import type { Batches, Data, Dataset } from '../rows/rows.ts'
import type { Feeds } from '../session/feeds.ts'

/** One dataset of rows, or batches of them from an iterable. */
export type Given =
  | { readonly kind: 'rows'; readonly data: Dataset }
  | { readonly kind: 'batches'; readonly data: Batches }

/** { x, y, weights } of arrays, unless these are names of the model's inputs. */
function isDataset({ inputs, inputStructure }: Feeds, value: unknown): value is Dataset {
  if (!isObject(value) || !('x' in value)) return false
  if (inputStructure !== 'record') return true
  const names = new Set(inputs.map(({ name }) => name))
  if (!Object.keys(value).every((key) => names.has(key))) return true
  return !(Array.isArray(value.x) || ArrayBuffer.isView(value.x) || isShaped(value.x))
}

/** A function, or an iterable that isn't one array or a list of arrays. */
export function isBatches(feeds: Feeds, value: unknown): value is Batches {
  if (typeof value === 'function') return true
  if (Array.isArray(value)) return isDataset(feeds, value[0])
  return (
    isObject(value) &&
    !ArrayBuffer.isView(value) &&
    (Symbol.iterator in value || Symbol.asyncIterator in value)
  )
}

/** A dataset or batches, told apart; null: neither. */
function given(feeds: Feeds, what: string, data: unknown): Given | null {
  if (isDataset(feeds, data)) {
    checkDataset(what, data)
    return { kind: 'rows', data }
  }
  return isBatches(feeds, data) ? { kind: 'batches', data } : null
}

/** What `fit` and `evaluate` were called with: (x, y, options) or (data, options), weights in the data or in the options. */
export function sortArguments<O extends { readonly sampleWeight?: Data }>(
  feeds: Feeds,
  what: string,
  args: readonly unknown[],
): { given: Given; options: O } {
  const [first, second, third] = args
  const whole = given(feeds, `${what}: data`, first)
  const last = whole ? second : third
  const options = (last === undefined ? {} : last) as O
  if (!whole) {
    const data = { x: first as Data, y: second as Data, weights: options?.sampleWeight }
    return { given: { kind: 'rows', data }, options }
  }
  if (options?.sampleWeight !== undefined)
    fail(`${what}: with data in one object, sampleWeight is its \`weights\``)
  return { given: whole, options }
}

/** validationData: [x, y, sampleWeight?], or data as `fit` takes it; null: there is none. */
export function readHeldOut(feeds: Feeds, data: unknown): Given | null {
  const what = 'fit: validationData'
  if (data === null) return null
  const whole = given(feeds, what, data)
  if (whole) return whole
  const isList = Array.isArray(data) && (data.length === 2 || data.length === 3)
  check(isList, what, '[x, y], { x, y } or batches', data)
  const [x, y, weights] = data
  return { kind: 'rows', data: { x, y, weights } }
}

/** @throws LanegradError unless { x, y } or { x, y, weights } */
export function checkDataset(what: string, value: unknown): asserts value is Dataset {
  const keys = isObject(value) ? Object.keys(value) : []
  const isKnown = keys.every((key) => ['x', 'y', 'weights'].includes(key))
  const got = isObject(value) && !Array.isArray(value) ? keys : value
  check(isKnown && keys.includes('x') && keys.includes('y'), what, 'an object { x, y, weights? }', got)
}
