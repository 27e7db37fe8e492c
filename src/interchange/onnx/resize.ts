// Resize and Upsample: by a layer where one has the same grid, axis by axis otherwise.
import { resizing } from '../../layers/resampling.ts'
import { fail } from '../../numerics/errors.ts'
import { type Constant, numbers } from './arrays.ts'
import { BATCH, countOf, type Flow } from './flows.ts'
import { axesOf } from './fold.ts'
import { fixed, valued, type Write } from './functions.ts'
import { along, picked } from './moving.ts'
import type { Operator } from './read.ts'
import type { Tape } from './tape.ts'

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

export const resize: Write = (t, node, inputs) => {
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
}
