// Operations that compute nothing: elements under another shape, in another order, cut out, put together or copied.
import { extrasModule } from '../../binaries/core.ts'
import { fail } from '../../numerics/errors.ts'
import { type Shape, sameShape, shapeText } from '../../numerics/shape.ts'
import { elementCount } from '../../numerics/tensor.ts'
import type { Kernel, Writer } from '../kernel.ts'
import type { Value } from '../value.ts'
import { moved } from './ranges.ts'
import { copyOf, copyPart, partOffset, stridesOf } from './strides.ts'

function checkAxis(axis: number, shape: Shape): void {
  if (!Number.isInteger(axis) || axis < 0 || axis >= shape.length)
    fail(`shape ${shapeText(shape)} has no axis ${axis}`)
}

// ---- the same elements ----------------------------------------------------------------------------

export const reshapeKernel: Kernel<{ readonly shape: Shape }> = {
  name: 'reshape',
  shapes([x], { shape }) {
    if (elementCount(shape) !== elementCount(x.shape))
      fail(`reshape of ${shapeText(x.shape)} to ${shapeText(shape)}: the numbers of elements differ`)
    return [shape]
  },
  instructions: () => [],
  int32: [0],
  keepsType: true,
  view: true,
  range: ({ inputs: [x], output }, known) => moved(known, x, x.shape.at(-1) === output.shape.at(-1)),
  gradient: (g, { inputs: [x] }, dy) => [reshape(g, dy, x.shape)],
}

/** The same elements in another shape. */
export const reshape = (g: Writer, x: Value, shape: Shape): Value =>
  sameShape(x.shape, shape) ? x : g.add(reshapeKernel, [x], { shape })[0]

export const copyKernel: Kernel = {
  name: 'copy',
  module: extrasModule,
  instructions: ({ output, inputs: [x] }, at) => [
    copyPart(at.of(output), at.of(x), x.shape, x.shape, x.shape),
  ],
  int32: [0],
  keepsType: true,
  gradient: (_, __, dy) => [dy],
}

/** The same elements in a buffer of their own. */
export const copy = (g: Writer, x: Value): Value => g.add(copyKernel, [x], {})[0]

export const permuteKernel: Kernel<{ readonly axes: readonly number[] }> = {
  name: 'permute',
  module: extrasModule,
  shapes([{ shape }], { axes }) {
    if ([...axes].sort((a, b) => a - b).join() !== shape.map((_, i) => i).join())
      fail(`permute of ${shapeText(shape)} by ${shapeText(axes)}: expected each axis once`)
    return [axes.map((axis) => shape[axis])]
  },
  instructions({ output, inputs: [x], attributes: { axes } }, at) {
    const { shape } = output
    const strides = stridesOf(x.shape)
    const from = axes.map((axis) => strides[axis])
    return [copyOf(at.of(output), at.of(x), shape, stridesOf(shape), from)]
  },
  range: ({ inputs: [x], attributes: { axes } }, known) => moved(known, x, axes.at(-1) === axes.length - 1),
  gradient(g, { attributes: { axes } }, dy) {
    const inverse: number[] = []
    axes.forEach((axis, i) => {
      inverse[axis] = i
    })
    return [permute(g, dy, inverse)]
  },
}

/** The axes of x in the order `axes`. */
export const permute = (g: Writer, x: Value, axes: readonly number[]): Value =>
  axes.every((axis, i) => axis === i) ? x : g.add(permuteKernel, [x], { axes })[0]

// ---- parts ----------------------------------------------------------------------------------------

export const sliceKernel: Kernel<{ readonly axis: number; readonly start: number; readonly size: number }> = {
  name: 'slice',
  module: extrasModule,
  shapes([{ shape }], { axis, start, size }) {
    checkAxis(axis, shape)
    if (start < 0 || size < 1 || start + size > shape[axis])
      fail(
        `slice ${start}..${start + size} of axis ${axis} of ${shapeText(shape)}: the axis ends at ${shape[axis]}`,
      )
    return [shape.map((n, i) => (i === axis ? size : n))]
  },
  instructions: ({ output: { shape }, output, inputs: [x], attributes: { axis, start } }, at) => [
    copyPart(at.of(output), at.of(x) + partOffset(x.shape, axis, start), shape, shape, x.shape),
  ],
  range: ({ inputs: [x], attributes: { axis } }, known) => moved(known, x, axis !== x.shape.length - 1),
  gradient: (g, { attributes: { axis, start }, inputs: [x] }, dy) => [unslice(g, dy, axis, start, x.shape)],
}

/** The `size` elements of x from `start` on along `axis`. */
export const slice = (g: Writer, x: Value, axis: number, start: number, size: number): Value =>
  start === 0 && size === x.shape[axis] ? x : g.add(sliceKernel, [x], { axis, start, size })[0]

export const unsliceKernel: Kernel<{ readonly axis: number; readonly start: number; readonly shape: Shape }> =
  {
    name: 'unslice',
    module: extrasModule,
    shapes: (_, { shape }) => [shape],
    instructions({ output, inputs: [x, zero], attributes: { axis, start } }, at) {
      const { shape } = output
      const none = shape.map(() => 0)
      return [
        copyOf(at.of(output), at.of(zero), shape, stridesOf(shape), none),
        copyPart(at.of(output) + partOffset(shape, axis, start), at.of(x), x.shape, shape, x.shape),
      ]
    },
    gradient: (g, { attributes: { axis, start }, inputs: [x] }, dy) => [
      slice(g, dy, axis, start, x.shape[axis]),
    ],
  }

/** An array of `shape` of one number, by default 0, with x from `start` on along `axis`. */
export const unslice = (g: Writer, x: Value, axis: number, start: number, shape: Shape, filled = 0): Value =>
  g.add(unsliceKernel, [x, g.constant(filled)], { axis, start, shape })[0]

export const concatenateKernel: Kernel<{ readonly axis: number }> = {
  name: 'concatenate',
  module: extrasModule,
  shapes(inputs, { axis }) {
    const [{ shape }] = inputs
    checkAxis(axis, shape)
    let total = 0
    for (const input of inputs) {
      const fits =
        input.shape.length === shape.length && input.shape.every((n, i) => i === axis || n === shape[i])
      if (!fits)
        fail(
          `concatenate of ${inputs.map((v) => shapeText(v.shape)).join(' and ')} along axis ${axis}: the other axes differ`,
        )
      total += input.shape[axis]
    }
    return [shape.map((n, i) => (i === axis ? total : n))]
  },
  instructions({ output, inputs, attributes: { axis } }, at) {
    let start = 0
    return inputs.map((input) => {
      const dst = at.of(output) + partOffset(output.shape, axis, start)
      start += input.shape[axis]
      return copyPart(dst, at.of(input), input.shape, output.shape, input.shape)
    })
  },
  range({ inputs, output, attributes: { axis } }, known) {
    const parts = inputs.map((input) => known.rangeOf(input)).filter((part) => part !== null)
    if (parts.length < inputs.length) return null
    const [first, ...others] = parts
    const whole = others.reduce(
      (all, part) => ({ ...(part.low < all.low ? part : all), high: Math.max(part.high, all.high) }),
      first,
    )
    const areRows = axis !== output.shape.length - 1 && parts.every(({ shares }) => shares === 'rows')
    const shares = areRows ? 'rows' : parts.every(({ shares }) => shares) ? 'moved' : null
    return { ...whole, shares }
  },
  gradient(g, { attributes: { axis }, inputs }, dy) {
    let start = 0
    return inputs.map(({ shape }) => {
      start += shape[axis]
      return slice(g, dy, axis, start - shape[axis], shape[axis])
    })
  },
}

/** The values one behind the other along `axis`. */
export const concatenate = (g: Writer, values: readonly Value[], axis: number): Value =>
  values.length === 1 ? values[0] : g.add(concatenateKernel, values, { axis })[0]
