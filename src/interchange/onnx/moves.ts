// Operators that move elements: shapes, transpositions, parts, concatenation, padding, resizing.
import { embedding } from '../../layers/embedding.ts'
import { resizing } from '../../layers/resampling.ts'
import { fail } from '../../numerics/errors.ts'
import { type Constant, checkAxes, checkCount, elements, integers, numbers } from './arrays.ts'
import { fixed, flattenedOf, numberOf, squeeze, valued, type Write } from './elementwise.ts'
import { axesOf, axisOf, givenAxes, reshapeTo, sliceOf, slicesOf, splitSizes } from './fold.ts'
import type { Operator } from './read.ts'
import { BATCH, countOf, type Flow, type Given, type Tape } from './tape.ts'

const isPlain = ({ order }: Flow): boolean => order.every((axis, i) => axis === i)

/** The same stored elements under other axes: `change` works on the stored value and the place of the axis in it. */
function along(
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
function target(t: Tape, x: Flow, sizes: readonly number[], node: Operator): number[] {
  const { ownBatch } = t
  const from = t.batchAxis(x)
  const at = samplesIn(x, sizes, from, ownBatch ?? 0)
  if (ownBatch !== null && from >= 0 && sizes[at] > 0 && sizes[at] % ownBatch === 0) {
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
function sliced(t: Tape, x: Flow, axis: number, first: number, count: number, step: number): Flow {
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
  const parts = list.map((x) => t.ordered(valued(t, x), lead.order))
  return t.flow(shape, t.concatenate(parts, at), lead.order)
}

/** The elements at `indices` of an axis. */
function picked(t: Tape, x: Flow, axis: number, indices: readonly number[]): Flow {
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
function padded(
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

/** The width of padding at the ends of each axis, by axis. */
function padsOf(
  node: Operator,
  inputs: readonly (Given | null)[],
  rank: number,
): { axis: number; before: number; after: number }[] {
  const pads = inputs[1]
    ? numbers(fixed(inputs[1], 'padding'))
    : (node.ints('pads') ?? node.ints('paddings') ?? [])
  const axes = inputs[3]
    ? axesOf(numbers(fixed(inputs[3], 'axes')), rank)
    : Array.from({ length: rank }, (_, i) => i)
  if (pads.length !== 2 * axes.length) fail(`Pad: ${pads.length} numbers for ${axes.length} axes`)
  return axes.map((axis, i) => ({ axis, before: pads[i], after: pads[i + axes.length] }))
}

/** How Resize places and takes cells. */
interface Resizing {
  readonly mode: string
  readonly place: string
  readonly rounding: string
}

function resizingOf(node: Operator): Resizing {
  const old = node.op === 'Upsample' || node.opset < 11
  const mode = node.text('mode', 'nearest')
  if ((mode !== 'nearest' && mode !== 'linear') || node.int('antialias') !== 0)
    fail(`Resize in the mode ${mode}`)
  return {
    mode,
    place: node.text('coordinate_transformation_mode', old ? 'asymmetric' : 'half_pixel'),
    rounding: node.text('nearest_mode', old ? 'floor' : 'round_prefer_floor'),
  }
}

const GRIDS = {
  half_pixel: 'halfPixel',
  pytorch_half_pixel: 'halfPixel',
  asymmetric: 'start',
  align_corners: 'corners',
} as const
type Grid = 'halfPixel' | 'start' | 'corners'

/** The grid of the library's own operation that gives the same; null: none does. */
function gridOf({ mode, place, rounding }: Resizing, from: number, size: number, scale: number): Grid | null {
  const own = Object.hasOwn(GRIDS, place) ? GRIDS[place as keyof typeof GRIDS] : null
  if (mode === 'linear') {
    const isWhole = own === 'corners' || Math.abs(from * scale - size) < 1e-6
    return isWhole && !(place === 'pytorch_half_pixel' && size === 1) ? own : null
  }
  const wanted = Array.from({ length: size }, (_, i) => nearest(i, from, size, scale, place, rounding))
  const formulas = {
    start: (i: number) => Math.floor((i * from) / size),
    halfPixel: (i: number) => Math.floor(((2 * i + 1) * from) / (2 * size)),
  }
  const fits = (['start', 'halfPixel'] as const).find((grid) =>
    wanted.every((cell, i) => cell === formulas[grid](i)),
  )
  return fits ?? null
}

/** Resizes an axis to `size` cells. */
function resized(t: Tape, how: Resizing, x: Flow, axis: number, size: number, scale: number): Flow {
  const from = x.shape[axis]
  if (size === from) return x
  if (!(size >= 1 && size < 0x100000)) fail(`Resize of an axis to ${size} cells`)
  const grid = gridOf(how, from, size, scale)
  if (grid)
    return along(t, x, axis, size, (stored, at) => t.resize(stored, at, size, how.mode === 'linear', grid))
  if (how.mode === 'linear') return interpolated(t, x, axis, size, scale, how.place)
  const indices = Array.from({ length: size }, (_, i) =>
    nearest(i, from, size, scale, how.place, how.rounding),
  )
  return picked(t, x, axis, indices)
}

/** Images resized along both axes by a layer; null: no layer does it so. */
function resizedByLayer(
  t: Tape,
  how: Resizing,
  x: Flow,
  sizes: readonly number[],
  scales: readonly number[],
): Flow | null {
  const [batch, channels, ...from] = x.shape
  if (x.shape.length !== 4 || t.each || batch % BATCH !== 0) return null
  const [grid, other] = from.map((n, i) => gridOf(how, n, sizes[i + 2], scales[i + 2]))
  if (grid === null || grid !== other || sizes[1] !== channels || sizes.slice(2).some((n) => n >= 0x10000))
    return null
  const order = [0, 2, 3, 1]
  const [height, width] = sizes.slice(2)
  const options = {
    height,
    width,
    interpolation: how.mode === 'linear' ? ('bilinear' as const) : ('nearest' as const),
    halfPixel: grid === 'halfPixel',
    alignCorners: grid === 'corners',
  }
  const [y] = t.layer(
    (name) => resizing({ ...name, ...options }),
    [t.ordered(x, order)],
    [[batch, height, width, channels]],
  )
  return t.flow([batch, channels, height, width], y, order)
}

/** The place in the input of cell i of the output. */
function placeOf(i: number, from: number, to: number, scale: number, mode: string): number {
  switch (mode) {
    case 'asymmetric':
      return i / scale
    case 'align_corners':
      return to === 1 ? 0 : (i * (from - 1)) / (to - 1)
    case 'pytorch_half_pixel':
      return to > 1 ? (i + 0.5) / scale - 0.5 : 0
    case 'tf_half_pixel_for_nn':
      return (i + 0.5) / scale
    case 'half_pixel':
      return (i + 0.5) / scale - 0.5
    default:
      return fail(`Resize with the coordinates ${mode}`)
  }
}

function nearest(i: number, from: number, to: number, scale: number, mode: string, rounding: string): number {
  const at = placeOf(i, from, to, scale, mode)
  const below = Math.floor(at)
  const cell =
    rounding === 'floor'
      ? below
      : rounding === 'ceil'
        ? Math.ceil(at)
        : rounding === 'round_prefer_ceil'
          ? Math.floor(at + 0.5)
          : Math.ceil(at - 0.5)
  return Math.min(Math.max(cell, 0), from - 1)
}

/** Linear interpolation as a product with a constant matrix [from, to], the axis last. */
function interpolated(t: Tape, x: Flow, axis: number, size: number, scale: number, mode: string): Flow {
  const from = x.shape[axis]
  if (from * size > 0x100000) fail(`Resize from ${from} to ${size} cells with the coordinates ${mode}`)
  const weights = new Float32Array(from * size)
  for (let i = 0; i < size; i++) {
    const at = Math.min(Math.max(placeOf(i, from, size, scale, mode), 0), from - 1)
    const low = Math.min(Math.floor(at), from - 1)
    const share = at - low
    weights[low * size + i] += 1 - share
    if (share > 0) weights[(low + 1) * size + i] += share
  }
  const order = [...x.order.filter((i) => i !== axis), axis]
  const shape = x.shape.map((n, i) => (i === axis ? size : n))
  const rows = countOf(x.shape) / from
  const matrix: Constant = {
    isConstant: true,
    type: 'float',
    shape: [from, size],
    own: [from, size],
    data: weights,
    weight: null,
  }
  const product = t.matmul(
    t.reshape(t.ordered(x, order), [rows, from]),
    t.expand(t.array(matrix), [from, size]),
  )
  return t.flow(
    shape,
    t.reshape(
      product,
      order.map((i) => shape[i]),
    ),
    order,
  )
}

export const moves: Readonly<Record<string, Write>> = {
  Shape: (_, node, [x]) => {
    const shape = x?.shape ?? []
    const clamp = (i: number) => Math.min(Math.max(i < 0 ? i + shape.length : i, 0), shape.length)
    return [integers(shape.slice(clamp(node.int('start')), clamp(node.int('end', shape.length))))]
  },
  Size: (_, __, [x]) => [{ ...integers([countOf(x?.shape ?? [])]), shape: [], own: [] }],
  EyeLike: () => fail('EyeLike of what is computed'),
  Reshape: (t, node, [given, sizes]) => {
    const x = valued(t, given)
    const list = sizes ? numbers(fixed(sizes, 'shape')) : (node.ints('shape') ?? [])
    return [reshape(t, x, target(t, x, list, node))]
  },
  Flatten: (t, node, [given]) => {
    const x = valued(t, given)
    const axis = node.int('axis', 1)
    const at = axis < 0 ? axis + x.shape.length : axis
    if (!(at >= 0 && at <= x.shape.length)) fail(`Flatten: axis ${axis}`)
    return [reshape(t, x, [countOf(x.shape.slice(0, at)), countOf(x.shape.slice(at))])]
  },
  Squeeze: (t, node, [given, axes]) => {
    const x = valued(t, given)
    const list = givenAxes(node, axes)
    const over = list ? axesOf(list, x.shape.length) : x.shape.flatMap((n, i) => (n === 1 ? [i] : []))
    return [squeeze(t, x, over)]
  },
  Unsqueeze: (t, node, [given, axes]) => {
    const x = valued(t, given)
    const list = givenAxes(node, axes) ?? []
    return [unsqueeze(t, x, axesOf(list, x.shape.length + list.length))]
  },
  Transpose: (t, node, [given]) => {
    const x = valued(t, given)
    const rank = x.shape.length
    const perm = node.ints('perm')
    const axes = perm?.length ? axesOf(perm, rank) : x.shape.map((_, i) => rank - 1 - i)
    if (axes.length !== rank) fail(`Transpose of ${rank} axes by [${axes}]`)
    return [transpose(t, x, axes)]
  },
  Slice: (t, node, inputs) => {
    let x = valued(t, inputs[0])
    for (const { axis, start, end, step } of slicesOf(node, inputs, x.shape.length)) {
      const { first, count } = sliceOf(x.shape[axis], start, end, step)
      x = sliced(t, x, axis, first, count, step)
    }
    return [x]
  },
  Split: (t, node, [given, sizes]) => {
    const x = valued(t, given)
    const axis = axisOf(node.int('axis'), x.shape.length)
    let at = 0
    return splitSizes(node, x.shape[axis], sizes).map((n) => {
      at += n
      return n === 0 ? null : sliced(t, x, axis, at - n, n, 1)
    })
  },
  Concat: (t, node, inputs) => {
    const list = inputs.filter((x): x is Given => x !== null && countOf(x.shape) > 0)
    const rank = list[0]?.shape.length ?? 0
    if (list.some((x) => x.shape.length !== rank)) fail('Concat of values with different numbers of axes')
    return [concat(t, list, axisOf(node.int('axis'), rank))]
  },
  Gather: (t, node, [given, indices]) => {
    if (!given || !indices) return fail('an input is missing')
    const axis = axisOf(node.int('axis'), given.shape.length)
    if (indices.isConstant) {
      const x = valued(t, given)
      const size = x.shape[axis]
      const list = numbers(indices).map((i) => (i < 0 ? i + size : i))
      if (list.length === 0) fail('takes no elements at all')
      const y = picked(t, x, axis, list)
      if (indices.shape.length === 0) return [squeeze(t, y, [axis])]
      if (indices.shape.length === 1) return [y]
      return [reshape(t, y, [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)])]
    }
    if (axis !== 0 || given.shape.length !== 2)
      fail('takes elements by computed indices, other than rows of a table')
    const [inputDim, outputDim] = given.shape
    const ids = indices
    if (!t.values[ids.stored].isInt32) fail('takes rows of a table by numbers that are no ids of an input')
    const shape = [...ids.shape, outputDim]
    const order = [...ids.order, ids.shape.length]
    if (!given.isConstant || t.each)
      return [t.flow(shape, t.gather(t.ordered(valued(t, given), [0, 1]), ids.stored), order)]
    const key = `embedding ${t.keyOf(given)}`
    t.tables.set(key, given)
    const [stored] = t.layer(
      ({ name }) => embedding({ ...(name && { name }), inputDim, outputDim }),
      [ids.stored],
      [order.map((i) => shape[i])],
      { weights: { embeddings: elements(given) }, key, of: given.weight },
    )
    return [t.flow(shape, stored, order)]
  },
  Pad: (t, node, inputs) => {
    let x = valued(t, inputs[0])
    const value = inputs[2] ? numberOf(inputs[2], 'value', 0) : node.float('value')
    for (const { axis, before, after } of padsOf(node, inputs, x.shape.length))
      x = padded(t, x, axis, before, after, node.text('mode', 'constant'), value)
    return [x]
  },
  Tile: (t, _, [given, repeats]) => {
    let x = valued(t, given)
    numbers(fixed(repeats, 'repeats')).forEach((n, axis) => {
      if (n > 1024) fail(`Tile: ${n} times`)
      if (x.shape[axis] === 1 && n > 1) {
        x = along(t, x, axis, n, (stored, at) =>
          t.expand(
            stored,
            t.shapeOf(stored).map((m, i) => (i === at ? n : m)),
          ),
        )
      } else if (n > 1) x = concat(t, new Array(n).fill(x), axis)
    })
    return [x]
  },
  DepthToSpace: (t, node, [given]) => {
    const x = valued(t, given)
    const [batch, channels, height, width] = x.shape
    const size = node.int('blocksize', 1)
    const isColumnsFirst = node.text('mode', 'DCR') === 'CRD'
    const deep = channels / (size * size)
    const parts = isColumnsFirst
      ? [batch, deep, size, size, height, width]
      : [batch, size, size, deep, height, width]
    const perm = isColumnsFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2]
    return [reshape(t, transpose(t, reshape(t, x, parts), perm), [batch, deep, height * size, width * size])]
  },
  SpaceToDepth: (t, node, [given]) => {
    const x = valued(t, given)
    const [batch, channels, height, width] = x.shape
    const size = node.int('blocksize', 1)
    const [rows, columns] = [height / size, width / size]
    const y = transpose(t, reshape(t, x, [batch, channels, rows, size, columns, size]), [0, 3, 5, 1, 2, 4])
    return [reshape(t, y, [batch, channels * size * size, rows, columns])]
  },
  Resize: (t, node, inputs) => {
    let x = valued(t, inputs[0])
    const old = node.op === 'Upsample' || node.opset < 11
    const scales = inputs[old ? 1 : 2]
      ? numbers(fixed(inputs[old ? 1 : 2], 'scales'))
      : (node.floats('scales') ?? [])
    const sizes = !old && inputs[3] ? numbers(fixed(inputs[3], 'sizes')) : []
    if (node.has('keep_aspect_ratio_policy') && node.text('keep_aspect_ratio_policy') !== 'stretch')
      fail('Resize: keep_aspect_ratio_policy')
    const axes = node.has('axes') ? axesOf(node.ints('axes') ?? [], x.shape.length) : x.shape.map((_, i) => i)
    if ((sizes.length || scales.length) !== axes.length) fail('Resize: a scale or size for each axis')
    const how = resizingOf(node)
    const wanted = [...x.shape]
    const factors = x.shape.map(() => 1)
    axes.forEach((axis, i) => {
      const from = x.shape[axis]
      const size = sizes.length ? sizes[i] : Math.floor(from * scales[i])
      if (from % BATCH === 0 && (sizes.length ? size === t.ownBatch : scales[i] === 1)) return
      wanted[axis] = size
      factors[axis] = sizes.length ? size / from : scales[i]
    })
    const whole = resizedByLayer(t, how, x, wanted, factors)
    if (whole) return [whole]
    wanted.forEach((size, axis) => {
      x = resized(t, how, x, axis, size, factors[axis])
    })
    return [x]
  },
  Trilu: (t, node, [given, k]) => {
    const x = valued(t, given)
    const [rows, columns] = x.shape.slice(-2)
    t.checkFixed(rows)
    t.checkFixed(columns)
    checkCount([rows, columns])
    const by = numberOf(k, 'k', 0)
    const isUpper = node.int('upper', 1) !== 0
    const data = Float32Array.from({ length: rows * columns }, (_, i) => {
      const distance = (i % columns) - Math.floor(i / columns)
      return Number(isUpper ? distance >= by : distance <= by)
    })
    const mask: Constant = {
      isConstant: true,
      type: 'float',
      shape: [rows, columns],
      own: [rows, columns],
      data,
      weight: null,
    }
    const stored = t.binary('multiply', x.stored, t.operand(mask, x.shape.length, x.order))
    return [t.flow(x.shape, stored, x.order)]
  },
}
