// What operators are written with: constants among their inputs, functions of each element, of values that broadcast, reductions.
import { fail } from '../../numerics/errors.ts'
import { broadcast, type Constant } from './arrays.ts'
import { countOf, type Flow, type Given } from './flows.ts'
import type { Operator } from './read.ts'
import type { Tape } from './tape.ts'

/** Writes an operator: what it gives, for each of its outputs. */
export type Write = (t: Tape, node: Operator, inputs: readonly (Given | null)[]) => readonly (Given | null)[]

/** A constant among the inputs. @throws LanegradError if it hangs on an input of the model, or is missing */
export function fixed(given: Given | null | undefined, what: string): Constant {
  if (!given) fail(`it has no ${what}`)
  if (!given.isConstant) fail(`its ${what} is computed from an input of the model`)
  return given
}

/** The number in a constant, or the default where there is none. */
export const numberOf = (given: Given | null | undefined, what: string, byDefault: number): number => {
  if (!given) return byDefault
  const { data } = fixed(given, what)
  return data.length === 1 ? data[0] : fail(`its ${what} must be one number`)
}

/** A value; a constant is written as one. */
export function valued(t: Tape, given: Given | null | undefined): Flow {
  if (!given) return fail('an input is missing')
  return given.isConstant ? t.flow(given.shape, t.expand(t.array(given), given.shape)) : given
}

/** The same function of each element of x, whatever the order of its axes; `fn` works on the stored value. */
export function mapFlow(t: Tape, x: Flow, fn: (stored: number) => number): Flow {
  if (x.flattened) return flattenedOf(t, mapFlow(t, x.flattened, fn), x.shape)
  return { ...x, stored: fn(x.stored) }
}

/** x under the shape [samples, rest], its axes left where they are until they matter. */
export const flattenedOf = (t: Tape, x: Flow, shape: readonly number[]): Flow => ({
  isConstant: false,
  shape,
  order: shape.map((_, i) => i),
  flattened: x,
  get stored() {
    return t.reshape(t.plain(x), shape)
  },
})

/** `fn` of values and constants that broadcast: it takes them stored in one order. */
export function together(t: Tape, given: readonly Given[], fn: (stored: readonly number[]) => number): Flow {
  const shape = given.map((x) => x.shape).reduce(broadcast)
  const rank = shape.length
  const own = given.some((x) => !x.isConstant) ? given : given.map((x) => valued(t, x))
  const flows = own.flatMap((x) => (x.isConstant ? [] : t.raised(x, rank)))
  const [lead] = [...flows].sort((a, b) => countOf(b.shape) - countOf(a.shape))
  const stored = fn(own.map((x) => t.operand(x, rank, lead.order)))
  return t.flow(shape, stored, lead.order)
}

/** A product or sum with one value at least, or another function of two. */
export const binary = (t: Tape, fn: string, a: Given, b: Given): Flow =>
  together(t, [a, b], ([p, q]) => t.binary(fn, p, q))

export const times = (t: Tape, x: Flow, factor: number): Flow =>
  factor === 1 ? x : mapFlow(t, x, (at) => t.binary('multiply', at, t.scalar(factor)))

export const plus = (t: Tape, x: Flow, summand: number): Flow =>
  summand === 0 ? x : mapFlow(t, x, (at) => t.binary('add', at, t.scalar(summand)))

/** Reduces axes of a value, which stay with size 1. */
export function reduceAxes(t: Tape, fn: string, x: Flow, axes: readonly number[]): Flow {
  const shape = x.shape.map((n, i) => (axes.includes(i) ? 1 : n))
  const stored = x.order.flatMap((axis, at) => (axes.includes(axis) ? [at] : []))
  return t.flow(shape, t.reduce(x.stored, fn, stored), x.order)
}

/** Without axes of size 1. */
export function squeeze(t: Tape, x: Flow, axes: readonly number[]): Flow {
  for (const axis of axes)
    if (x.shape[axis] !== 1) fail(`axis ${axis} has ${x.shape[axis]} elements; only one of 1 can be squeezed`)
  const left = x.shape.map((_, i) => i).filter((i) => !axes.includes(i))
  const order = x.order.filter((axis) => !axes.includes(axis))
  const shape = left.map((i) => x.shape[i])
  const stored = t.reshape(
    x.stored,
    order.map((axis) => x.shape[axis]),
  )
  return t.flow(
    shape,
    stored,
    order.map((axis) => left.indexOf(axis)),
  )
}
