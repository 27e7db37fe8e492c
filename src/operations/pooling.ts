// Operations of pooling and resampling, and their gradients. Enters: values with channels last. Leaves: the maxima or means of
// windows, or a resized axis.
import * as abi from '../../assembly/abi.ts'
import { poolingModule } from '../binaries/pooling.ts'
import type { Kernel, Word, Words } from '../graph/kernel.ts'
import { moved } from '../graph/ops/ranges.ts'
import type { Shape } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'

/** Numbers for depth, height and width; missing axes have size 1. */
export interface PoolAttributes {
  readonly pool: Shape
  readonly strides: Shape
  /** Cells of padding before the first one, which never win and aren't counted. */
  readonly before: Shape
  /** Number of windows. Each holds at least one cell. */
  readonly windows: Shape
}

/** Whether the windows are 2 x 2 cells side by side, none of them cut, of x [batch, depth, height, width, channels]. */
const arePairs = ([, , ...sizes]: Shape, { pool, strides, before, windows }: PoolAttributes): boolean =>
  [pool, strides].every((of) => String(of) === '1,2,2') &&
  before.every((cells) => cells === 0) &&
  [0, 1].every((axis) => 2 * windows[axis + 1] <= sizes[axis])

/** `shape` is that of the input, [batch, depth, height, width, channels]. */
function poolWords(
  operands: readonly Word[],
  shape: Shape,
  { pool, strides, before, windows }: PoolAttributes,
): Words {
  const [batch, ...rest] = shape
  return {
    [abi.POOL_DST]: operands,
    [abi.POOL_SAMPLES]: batch,
    [abi.POOL_CHANNELS]: rest[3],
    // POOL_AXIS_SIZE, POOL_AXIS_OUTPUT ... of each axis
    [abi.POOL_AXES]: windows.flatMap((count, i) => [rest[i], count, pool[i], strides[i], before[i]]),
    [abi.POOL_INPUT_BYTES]: 4 * elementCount(rest),
    [abi.POOL_OUTPUT_BYTES]: 4 * elementCount([...windows, rest[3]]),
    [abi.POOL_PAIRS]: Number(arePairs(shape, { pool, strides, before, windows })),
  }
}

/** Scratch bytes: a row [width, channels], and a vector that may run over. */
const rowBytes = ([, , , width, channels]: Shape): number => 4 * width * channels + 16

const pooled = ([batch, , , , channels]: Shape, { windows }: PoolAttributes): Shape => [
  batch,
  ...windows,
  channels,
]

const maxPoolGrad: Kernel<PoolAttributes> = {
  name: 'maxPoolGrad',
  module: poolingModule,
  code: abi.OP_MAX_POOL_GRAD,
  shapes: ([, x]) => [x.shape],
  words: ({ output, inputs: [dy, x, y], attributes }) => poolWords([output, dy, x, y], x.shape, attributes),
}

/** If the windows are pairs, each cell of dx is written after x has been read there. */
const maxPoolPairsGrad: Kernel<PoolAttributes> = { ...maxPoolGrad, reuses: [1] }

/**
 * The largest of each window of x [batch, depth, height, width, channels]. The first of equal cells, in row-major order, takes
 * the whole gradient.
 */
export const maxPool: Kernel<PoolAttributes> = {
  name: 'maxPool',
  module: poolingModule,
  code: abi.OP_MAX_POOL,
  shapes: ([x], attributes) => [pooled(x.shape, attributes)],
  words: ({ output, inputs: [x], attributes }, at) =>
    poolWords([output, x, at.scratch, 0], x.shape, attributes),
  scratchBytes: ({ inputs: [x] }) => rowBytes(x.shape),
  range: ({ inputs: [x] }, known) => moved(known, x),
  gradient: (g, { inputs: [x], output, attributes }, dy) =>
    g.add(arePairs(x.shape, attributes) ? maxPoolPairsGrad : maxPoolGrad, [dy, x, output], attributes),
}

const averagePoolGrad: Kernel<PoolAttributes & { readonly shape: Shape }> = {
  name: 'averagePoolGrad',
  module: poolingModule,
  code: abi.OP_AVERAGE_POOL_GRAD,
  shapes: (_, { shape }) => [shape],
  words: ({ output, inputs: [dy], attributes }, at) =>
    poolWords([output, dy, at.scratch, 0], output.shape, attributes),
  scratchBytes: ({ output }) => rowBytes(output.shape),
}

/** The mean of each window's cells. */
export const averagePool: Kernel<PoolAttributes> = {
  ...maxPool,
  name: 'averagePool',
  code: abi.OP_AVERAGE_POOL,
  gradient: (g, { inputs: [x], attributes }, dy) =>
    g.add(averagePoolGrad, [dy], { ...attributes, shape: x.shape }),
}

export interface ResizeAttributes {
  readonly axis: number
  /** The new size of the axis. */
  readonly size: number
  /** Whether cells are interpolated; otherwise the nearest is taken. */
  readonly linear: boolean
  /**
   * Which points of both axes coincide: 'halfPixel' the edges, a cell's center lying half a cell from its own; 'start' the first
   * cells, o lying at o from / to; 'corners' the first and the last cells.
   */
  readonly grid: ResizeGrid
}

export type ResizeGrid = 'halfPixel' | 'start' | 'corners'

/** Output o lies at (start + o step) / full, the nearest cell being that rounded down. */
function gridOf(from: number, to: number, { linear, grid }: ResizeAttributes): Shape {
  if (grid === 'corners') return to === 1 ? [0, 0, 1] : [linear ? 0 : to - 1, 2 * (from - 1), 2 * (to - 1)]
  return [grid === 'start' ? 0 : linear ? from - to : from, 2 * from, 2 * to]
}

const resized = (shape: Shape, { axis, size }: ResizeAttributes): Shape =>
  shape.map((n, i) => (i === axis ? size : n))

/** `small`: the shape before resizing. */
const resizeWords = (
  operands: readonly Word[],
  small: Shape,
  to: number,
  attributes: ResizeAttributes,
): Words => ({
  [abi.RESIZE_DST]: operands,
  [abi.RESIZE_OUTER]: elementCount(small.slice(0, attributes.axis)),
  [abi.RESIZE_FROM]: small[attributes.axis],
  [abi.RESIZE_TO]: to,
  [abi.RESIZE_INNER]: elementCount(small.slice(attributes.axis + 1)),
  [abi.RESIZE_IS_LINEAR]: Number(attributes.linear),
  [abi.RESIZE_START]: gridOf(small[attributes.axis], to, attributes),
})

const resizeGrad: Kernel<ResizeAttributes> = {
  name: 'resizeGrad',
  module: poolingModule,
  code: abi.OP_RESIZE_GRAD,
  shapes: ([dy], attributes) => [resized(dy.shape, attributes)],
  words: ({ output, inputs: [dy], attributes }) =>
    resizeWords([output, dy], output.shape, dy.shape[attributes.axis], attributes),
}

/** Resizes one axis, as tf.image.resize, TensorFlow.js's and PyTorch's interpolate do, none of them with antialiasing. */
export const resize: Kernel<ResizeAttributes> = {
  name: 'resize',
  module: poolingModule,
  code: abi.OP_RESIZE,
  shapes: ([x], attributes) => [resized(x.shape, attributes)],
  words: ({ output, inputs: [x], attributes }) =>
    resizeWords([output, x], x.shape, attributes.size, attributes),
  gradient: (g, { inputs: [x], attributes }, dy) =>
    g.add(resizeGrad, [dy], { ...attributes, size: x.shape[attributes.axis] }),
}
