// Moves of elements: under other shapes, parts, one behind the other, padding. Axes stay where they lie until that matters.
import { fail } from '../../numerics/errors.ts'
import { type Constant, checkAxes } from './arrays.ts'
import { BATCH, countOf, type Flow, type Given } from './flows.ts'
import { reshapeTo } from './fold.ts'
import { flattenedOf, valued } from './functions.ts'
import type { Operator } from './read.ts'
import type { Tape } from './tape.ts'

const isPlain = ({ order }: Flow): boolean => order.every((axis, i) => axis === i)

/** The same stored elements under other axes: `change` works on the stored value and the place of the axis in it. */
export function along(
  t: Tape,
  x: Flow,
  axis: number,
  size: number,
  change: (stored: number, at: number) => number,
): Flow {
  const shape = x.shape.map((n, i) => (i === axis ? size : n))
  return t.flow(shape, change(x.stored, x.order.indexOf(axis)), x.order)
}

export function reshape(t: Tape, x: Flow, shape: readonly number[]): Flow {
  checkAxes(shape)
  const isFlatten = x.shape.length > 2 && shape.length === 2 && shape[0] === x.shape[0] && shape[0] === BATCH
  if (countOf(shape) !== countOf(x.shape)) fail(`reshape of ${t.text(x.shape)} to ${t.text(shape)}`)
  if (isFlatten && !isPlain(x) && x.order[0] === 0) return flattenedOf(t, x, shape)
  // axes of size 1 at the end come and go without a move
  return t.flow(shape, t.reshape(t.plain(x), shape))
}

/** The axis of a new shape that the samples of x lie on, if that of a file with `own` samples is `sizes`. */
function samplesIn(x: Flow, sizes: readonly number[], from: number, own: number): number {
  if (!sizes.slice(0, from).every((n, i) => n === 0 || n === x.shape[i])) return 0
  // one of the axes that theirs becomes, if it has just as many elements
  const most = (x.shape[from] / BATCH) * own
  for (let i = from, product = 1; i < sizes.length && sizes[i] > 0; i++) {
    product *= sizes[i]
    if (product > most) break
    if (sizes[i] === own) return i
  }
  // without one of their own, they join the one in front: rows of all samples, not features
  const isRest = String(sizes.slice(from)) === String(x.shape.slice(from + 1))
  return Math.max(from - Number(isRest || from === sizes.length - 1), 0)
}

/**
 * The sizes that Reshape asks for. A file whose own number of samples is fixed has that number in them, or a multiple of it: it
 * stands for any number of samples, on the axis where x has them.
 */
export function target(t: Tape, x: Flow, sizes: readonly number[], node: Operator): number[] {
  const { ownBatch } = t
  const from = t.batchAxis(x)
  const at = samplesIn(x, sizes, from, ownBatch ?? 0)
  if (
    ownBatch !== null &&
    from >= 0 &&
    sizes[at] > 0 &&
    sizes[at] % ownBatch === 0 &&
    sizes[at] % BATCH !== 0
  ) {
    const given = sizes.map((n, i) => (i === at ? (n / ownBatch) * BATCH : n))
    const isWhole =
      sizes.includes(-1) || countOf(reshapeTo(node, x.shape, sizes, countOf(x.shape))) !== countOf(x.shape)
    if (isWhole) return reshapeTo(node, x.shape, given, countOf(x.shape))
  }
  return reshapeTo(node, x.shape, sizes, countOf(x.shape))
}

export function transpose(t: Tape, x: Flow, perm: readonly number[]): Flow {
  return t.flow(
    perm.map((axis) => x.shape[axis]),
    x.stored,
    x.order.map((axis) => perm.indexOf(axis)),
  )
}

export function unsqueeze(t: Tape, x: Flow, axes: readonly number[]): Flow {
  const rank = x.shape.length + axes.length
  const old = Array.from({ length: rank }, (_, i) => i).filter((i) => !axes.includes(i))
  const shape = Array.from({ length: rank }, (_, i) => (axes.includes(i) ? 1 : x.shape[old.indexOf(i)]))
  const order = x.order.map((axis) => old[axis])
  for (const axis of [...axes].sort((a, b) => a - b)) order.splice(Math.max(axis, 1), 0, axis) // behind the samples
  return t.flow(
    shape,
    t.reshape(
      x.stored,
      order.map((axis) => shape[axis]),
    ),
    order,
  )
}

/** `count` elements from `first` on, `step` apart. */
export function sliced(t: Tape, x: Flow, axis: number, first: number, count: number, step: number): Flow {
  if (count === 0) fail('takes no elements at all')
  return along(t, x, axis, count, (stored, at) => {
    let y =
      step < 0
        ? t.reverse(t.slice(stored, at, first + (count - 1) * step, -(count - 1) * step + 1), at)
        : stored
    const start = step < 0 ? 0 : first
    const width = Math.abs(step)
    const span = (count - 1) * width + 1
    if (width === 1) return t.slice(y, at, start, count)
    y = t.slice(y, at, start, span)
    // rows of `width` elements, of which the first counts
    y = t.pad(y, at, 0, count * width - span)
    const shape = t.shapeOf(y)
    y = t.reshape(y, [...shape.slice(0, at), count, width, ...shape.slice(at + 1)])
    y = t.slice(y, at + 1, 0, 1)
    return t.reshape(
      y,
      shape.map((n, i) => (i === at ? count : n)),
    )
  })
}

export function concat(t: Tape, list: readonly Given[], axis: number): Flow {
  const [lead] = list.map((x) => valued(t, x)).sort((a, b) => countOf(b.shape) - countOf(a.shape))
  const at = lead.order.indexOf(axis)
  const total = list.reduce((sum, x) => sum + x.shape[axis], 0)
  const shape = lead.shape.map((n, i) => (i === axis ? total : n))
  // a file for one sample has axes of size 1 where there are any number of samples
  const parts = list.map((x) => {
    const sizes = x.shape.map((n, i) => (i !== axis && n === 1 ? lead.shape[i] : n))
    const stored = t.ordered(valued(t, x), lead.order)
    return t.expand(
      stored,
      lead.order.map((i) => sizes[i]),
    )
  })
  return t.flow(shape, t.concatenate(parts, at), lead.order)
}

/** The elements at `indices` of an axis. */
export function picked(t: Tape, x: Flow, axis: number, indices: readonly number[]): Flow {
  const [first] = indices
  const step = indices.length > 1 ? indices[1] - first : 1
  if (step !== 0 && indices.every((index, i) => index === first + i * step))
    return sliced(t, x, axis, first, indices.length, step)
  if (indices.length > 256) fail(`takes ${indices.length} elements in no regular order`)
  return concat(
    t,
    indices.map((index) => sliced(t, x, axis, index, 1, 1)),
    axis,
  )
}

/** x with `before` and `after` cells of a value, or of its own cells. */
export function padded(
  t: Tape,
  x: Flow,
  axis: number,
  before: number,
  after: number,
  mode: string,
  value: number,
): Flow {
  const size = x.shape[axis]
  if (before < 0 || after < 0) {
    const [cutBefore, cutAfter] = [Math.max(-before, 0), Math.max(-after, 0)]
    const cut = sliced(t, x, axis, cutBefore, size - cutBefore - cutAfter, 1)
    return padded(t, cut, axis, Math.max(before, 0), Math.max(after, 0), mode, value)
  }
  if (before + after === 0) return x
  if (mode === 'constant') {
    if (value === 0)
      return along(t, x, axis, size + before + after, (stored, at) => t.pad(stored, at, before, after))
    const cells = (n: number): Constant[] =>
      n === 0
        ? []
        : [
            {
              isConstant: true,
              type: 'float',
              shape: x.shape.map((m, i) => (i === axis ? n : m)),
              own: x.shape.map(() => 1),
              data: Float32Array.of(value),
              weight: null,
            },
          ]
    return concat(t, [...cells(before), x, ...cells(after)], axis)
  }
  if (before + after > 256) fail(`padding of ${before + after} cells in the mode ${mode}`)
  const source = (i: number) => {
    if (mode === 'edge') return Math.min(Math.max(i, 0), size - 1)
    if (mode === 'wrap') return ((i % size) + size) % size
    if (mode !== 'reflect' || before >= size || after >= size) fail(`padding in the mode ${mode}`)
    return i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i
  }
  const side = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => sliced(t, x, axis, source(from + i), 1, 1))
  return concat(t, [...side(-before, before), x, ...side(size, after)], axis)
}
