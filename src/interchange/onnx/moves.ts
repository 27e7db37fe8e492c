// Operators that move elements: shapes, transpositions, parts, concatenation, padding, resizing.
import { embedding } from '../../layers/embedding.ts'
import { fail } from '../../numerics/errors.ts'
import { type Constant, checkCount, elements, integers, numbers } from './arrays.ts'
import { countOf, type Given } from './flows.ts'
import { axesOf, axisOf, givenAxes, sliceOf, slicesOf, splitSizes } from './fold.ts'
import { fixed, numberOf, squeeze, valued, type Write } from './functions.ts'
import { along, concat, padded, picked, reshape, sliced, target, transpose, unsqueeze } from './moving.ts'
import { checkSize, places } from './places.ts'
import type { Operator } from './read.ts'
import { resize } from './resize.ts'

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
    if (!t.values[ids.stored].isInt32) {
      checkSize(t, inputDim)
      const rows = t.reshape(ids.stored, [countOf(ids.shape), 1])
      const y = t.matmul(t.binary('equal', rows, places(t, inputDim)), t.plain(valued(t, given)))
      const sizes = ids.order.map((i) => ids.shape[i])
      return [
        t.flow([...ids.shape, outputDim], t.reshape(y, [...sizes, outputDim]), [
          ...ids.order,
          ids.shape.length,
        ]),
      ]
    }
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
  Resize: resize,
  Upsample: resize,
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
