// Operations that move windows over images, as ONNX nodes: these have the channels behind the batch, and as many axes as the
// layer had. Enters: values with three axes between batch and channels, of which the first may be of size 1.
import { fail } from '../../../numerics/errors.ts'
import type { ConvGeometry } from '../../../operations/convolution-words.ts'
import type { PoolAttributes, ResizeAttributes } from '../../../operations/pooling.ts'
import type { OnnxBuilder } from './builder.ts'
import type { Form } from './form.ts'
import type { Attributes, Tensor } from './tensor.ts'
import type { Dims } from './trace.ts'

/** The number of leading axes, of three, along which nothing happens. */
function idleAxes(...sizes: readonly (readonly number[])[]): number {
  const isIdle = (axis: number) => sizes.every((list) => list[axis] === 1)
  return isIdle(0) ? (isIdle(1) ? 2 : 1) : 0
}

/** x [batch, d, h, w, channels] without its idle axes, channels first. */
const imageOf = (b: OnnxBuilder, x: Tensor, idle: number): Tensor =>
  b.channelsFirst(b.reshape(x, [x.dims[0], ...x.dims.slice(1 + idle)]))

/** What `op` makes of an image with channels first, as the kernel's output of `dims`. */
const imageBack = (b: OnnxBuilder, y: Tensor, dims: Dims): Tensor => b.reshape(b.channelsLast(y), dims)

const firstOf = (dims: Dims, idle: number): Dims => [dims[0], dims[4], ...dims.slice(1 + idle, 4)]

/** The cells of padding behind the last one that the windows reach. */
const after = (windows: number, stride: number, span: number, size: number, before: number): number =>
  Math.max(0, (windows - 1) * stride + span - size - before)

function windowAttributes(
  { strides, before }: { readonly strides: readonly number[]; readonly before: readonly number[] },
  kernel: readonly number[],
  ends: readonly number[],
  idle: number,
): Attributes {
  const own = (list: readonly number[]) => list.slice(idle)
  return { kernel_shape: own(kernel), strides: own(strides), pads: [...own(before), ...own(ends)] }
}

const spanOf = ({ kernel, dilations }: ConvGeometry, i: number): number => (kernel[i] - 1) * dilations[i] + 1

const conv: Form<ConvGeometry> = ({ b, trace }, { attributes, output }, [x, w]) => {
  const { input, output: counts, kernel, strides, dilations, before, groups } = attributes
  const idle = idleAxes(input, counts, kernel)
  const ends = counts.map((n, i) => after(n, strides[i], spanOf(attributes, i), input[i], before[i]))
  // [d, h, w, in, out] to [out, in, d, h, w]
  const weights = b.transpose(b.reshape(w, w.dims.slice(idle)), [4 - idle, 3 - idle, ...range(3 - idle)])
  const dims = trace.dimsOf(output)
  const [y] = b.node('Conv', [imageOf(b, x, idle), weights], [firstOf(dims, idle)], {
    ...windowAttributes(attributes, kernel, ends, idle),
    dilations: dilations.slice(idle),
    group: groups,
  })
  return imageBack(b, y, dims)
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

const depthwise: Form<ConvGeometry> = ({ b, trace }, { attributes, output }, [x, w]) => {
  const { input, output: counts, kernel, strides, dilations, before } = attributes
  const idle = idleAxes(input, counts, kernel)
  const ends = counts.map((n, i) => after(n, strides[i], spanOf(attributes, i), input[i], before[i]))
  const [channels, multiplier] = w.dims.slice(3)
  // [d, h, w, channels, m] to [channels m, 1, d, h, w]
  const turned = b.transpose(b.reshape(w, w.dims.slice(idle)), [3 - idle, 4 - idle, ...range(3 - idle)])
  const weights = b.reshape(turned, [channels * multiplier, 1, ...kernel.slice(idle)])
  const dims = trace.dimsOf(output)
  const [y] = b.node('Conv', [imageOf(b, x, idle), weights], [firstOf(dims, idle)], {
    ...windowAttributes(attributes, kernel, ends, idle),
    dilations: dilations.slice(idle),
    group: channels,
  })
  return imageBack(b, y, dims)
}

const convTranspose: Form<ConvGeometry> = ({ b, trace }, { attributes, output }, [x, w]) => {
  const { input, output: counts, kernel, strides, dilations, before, groups } = attributes
  const idle = idleAxes(input, counts, kernel)
  // what the windows reach, before and behind what is kept
  const rests = counts.map((n, i) => (n - 1) * strides[i] + spanOf(attributes, i) - before[i] - input[i])
  const ends = rests.map((rest) => Math.max(0, rest))
  // [d, h, w, out, in] to [in, out, d, h, w]
  const weights = b.transpose(b.reshape(w, w.dims.slice(idle)), [4 - idle, 3 - idle, ...range(3 - idle)])
  const dims = trace.dimsOf(output)
  const [y] = b.node('ConvTranspose', [imageOf(b, x, idle), weights], [firstOf(dims, idle)], {
    ...windowAttributes(attributes, kernel, ends, idle),
    dilations: dilations.slice(idle),
    group: groups,
    output_padding: rests.map((rest) => Math.max(0, -rest)).slice(idle),
  })
  return imageBack(b, y, dims)
}

const pool =
  (op: string, own: Attributes): Form<PoolAttributes> =>
  ({ b, trace }, { attributes, inputs: [x], output }, [given]) => {
    const { pool: spans, strides, before, windows } = attributes
    const input = x.shape.slice(1, 4)
    const idle = idleAxes(input, windows, spans)
    const ends = windows.map((n, i) => after(n, strides[i], spans[i], input[i], before[i]))
    const dims = trace.dimsOf(output)
    const common = windowAttributes(attributes, spans, ends, idle)
    const [y] = b.node(op, [imageOf(b, given, idle)], [firstOf(dims, idle)], { ...common, ...own })
    return imageBack(b, y, dims)
  }

const GRIDS = { halfPixel: 'half_pixel', start: 'asymmetric', corners: 'align_corners' } as const

/** The cells that a nearest resize takes. */
const nearestOf = (from: number, { size, grid }: ResizeAttributes): number[] =>
  range(size).map((o) => {
    // (start + o step) / full as in operations/pooling.ts, exactly
    const [start, step, full] =
      grid === 'corners'
        ? size === 1
          ? [0, 0, 1]
          : [size - 1, 2 * (from - 1), 2 * (size - 1)]
        : [grid === 'start' ? 0 : from, 2 * from, 2 * size]
    return Math.min(from - 1, Math.floor((start + o * step) / full))
  })

const resize: Form<ResizeAttributes> = ({ b }, { attributes }, [x]) => {
  const { axis, size, linear, grid } = attributes
  const from = x.dims[axis]
  const isWhole = size % from === 0 && grid !== 'corners'
  if (!linear && !isWhole) return b.gather(x, nearestOf(from, attributes), axis)
  if (x.dims.length < 3 || axis === 0 || axis === x.dims.length - 1)
    fail('resizing by interpolation of other axes than those of an image')
  const mode: Attributes = linear
    ? { mode: 'linear', coordinate_transformation_mode: GRIDS[grid] }
    : { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }
  const image = b.channelsFirst(x)
  const to = image.dims.map((n, i) => (i === axis + 1 ? size : n))
  return b.channelsLast(b.resize(image, to, mode))
}

/** Forms by the names of kernels. */
export const windowForms: Readonly<Record<string, Form>> = {
  conv: conv as Form,
  depthwise: depthwise as Form,
  convInputGrad: convTranspose as Form,
  maxPool: pool('MaxPool', {}) as Form,
  averagePool: pool('AveragePool', { count_include_pad: 0 }) as Form,
  resize: resize as Form,
}

/** A convolution by one cell, which layers write as a product of rows. x [batch, ..., in], w [in, out]. */
export function convOfOne(b: OnnxBuilder, x: Tensor, w: Tensor): Tensor {
  const [channels, filters] = w.dims
  const ones = new Array<number>(x.dims.length - 2).fill(1)
  const image = b.channelsFirst(x)
  const weights = b.reshape(b.transpose(w, [1, 0]), [filters, channels, ...ones])
  const dims = [image.dims[0], filters, ...image.dims.slice(2)]
  return b.channelsLast(b.node('Conv', [image, weights], [dims], { kernel_shape: ones })[0])
}
