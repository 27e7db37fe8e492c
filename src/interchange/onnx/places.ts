// Operators whose places are computed: sums up to a place, the largest elements, elements at computed indices. Each is a product
// with a matrix of zeros and ones, so that values have their gradients.
import { fail } from '../../numerics/errors.ts'
import { constant, numbers } from './arrays.ts'
import { countOf, type Flow } from './flows.ts'
import { axisOf } from './fold.ts'
import { fixed, numberOf, valued, type Write } from './functions.ts'
import type { Tape } from './tape.ts'

/** The longest axis for which there is a matrix of each place by each other. */
const MOST = 1024

export function checkSize(t: Tape, size: number): void {
  t.checkFixed(size)
  if (size > MOST) fail(`computed places on an axis of ${size} elements (at most ${MOST})`)
}

const matrix = (
  t: Tape,
  rows: number,
  columns: number,
  of: (row: number, column: number) => number,
): number =>
  t.array(
    constant(
      'float',
      [rows, columns],
      Float32Array.from({ length: rows * columns }, (_, i) => of(Math.floor(i / columns), i % columns)),
    ),
  )

/** 0, 1, 2 ... as a row. */
export const places = (t: Tape, count: number): number => matrix(t, 1, count, (_, i) => i)

/** x with an axis at the end: as it is stored then, and the order of the axes. */
function atEnd(t: Tape, x: Flow, axis: number): { stored: number; order: readonly number[]; lead: number[] } {
  checkSize(t, x.shape[axis])
  const order = [...x.order.filter((i) => i !== axis), axis]
  return { stored: t.ordered(x, order), order, lead: order.slice(0, -1).map((i) => x.shape[i]) }
}

/** The flow of what has taken the place of x's elements along an axis, stored in `order`. */
const instead = (t: Tape, x: Flow, axis: number, order: readonly number[], stored: number): Flow =>
  t.flow(
    x.shape.map((n, i) => (i === axis ? (t.shapeOf(stored).at(-1) as number) : n)),
    stored,
    order,
  )

export const computedPlaces: Readonly<Record<string, Write>> = {
  CumSum: (t, node, [given, axis]) => {
    const x = valued(t, given)
    const at = axisOf(numberOf(axis, 'axis', 0), x.shape.length)
    const { stored, order, lead } = atEnd(t, x, at)
    const size = x.shape[at]
    const [isReverse, isExclusive] = ['reverse', 'exclusive'].map((key) => node.int(key) !== 0)
    const counts = matrix(t, size, size, (from, to) =>
      Number(isExclusive && from === to ? false : isReverse ? from >= to : from <= to),
    )
    const rows = t.reshape(stored, [countOf(lead), size])
    return [instead(t, x, at, order, t.reshape(t.matmul(rows, counts), [...lead, size]))]
  },

  TopK: (t, node, [given, k]) => {
    const x = valued(t, given)
    const at = axisOf(node.int('axis', -1), x.shape.length)
    const count = k ? numberOf(k, 'k', 1) : node.int('k', 1)
    const { stored, order, lead } = atEnd(t, x, at)
    const size = x.shape[at]
    if (!(count >= 1 && count <= size)) fail(`${count} of ${size} elements`)
    const [own, other] = [t.reshape(stored, [...lead, size, 1]), t.reshape(stored, [...lead, 1, size])]
    // which others come before an element: those above it, and equal ones in front
    const isAbove =
      node.int('largest', 1) !== 0 ? t.binary('greater', other, own) : t.binary('greater', own, other)
    const inFront = matrix(t, size, size, (row, column) => Number(column < row))
    const before = t.binary('add', isAbove, t.binary('multiply', t.binary('equal', own, other), inFront))
    const axis = lead.length
    const ranks = t.reshape(t.reduce(before, 'sum', [axis + 1]), [...lead, 1, size])
    const wanted = matrix(t, count, 1, (row) => row)
    const chosen = t.binary('equal', ranks, wanted) // [..., count, size]
    const taken = (of: number) => t.reduce(t.binary('multiply', chosen, of), 'sum', [axis + 1], false)
    return [other, places(t, size)].map((of) => instead(t, x, at, order, taken(of)))
  },

  GatherND: (t, node, [given, indices]) => {
    const [x, at] = [valued(t, given), valued(t, indices)]
    const [batch, size, ...rest] = x.shape
    if (node.int('batch_dims') !== 1 || at.shape.length !== 3 || at.shape[2] !== 1 || at.shape[0] !== batch)
      return fail('takes elements by indices other than one list for each sample')
    checkSize(t, size)
    const chosen = t.binary('equal', t.plain(at), places(t, size)) // [batch, taken, size]
    const y = t.matmul(chosen, t.reshape(t.plain(x), [batch, size, countOf(rest)]))
    const shape = [batch, at.shape[1], ...rest]
    return [t.flow(shape, t.reshape(y, shape))]
  },
}

/** Whether each of `steps` steps counts, [samples, steps, 1], by how many of each sample do. */
export const counted = (t: Tape, lengths: number, steps: number): number => {
  const [samples] = t.shapeOf(lengths)
  const is = t.binary('greater', t.reshape(lengths, [samples, 1]), places(t, steps))
  return t.reshape(is, [samples, steps, 1])
}

/** The lengths of sequences that aren't all `steps`: the stored value [samples]; null: all are. */
export function lengthsOf(t: Tape, given: Parameters<Write>[2][number], steps: number): number | null {
  if (!given || (given.isConstant && numbers(fixed(given, 'lengths')).every((n) => n === steps))) return null
  return t.plain(valued(t, given))
}
