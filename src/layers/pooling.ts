// Pooling: the maximum or mean of windows, or of all cells of a sample. Channels are last; 1-D and 2-D pooling is 3-D
// pooling whose first axes have the size 1.

import { unaryFunctions } from '../graph/functions.ts'
import { isOf, type Kernel } from '../graph/kernel.ts'
import * as ops from '../graph/operations.ts'
import { unaryKernel } from '../graph/ops/unary.ts'
import type { Value } from '../graph/value.ts'
import type { GraphWriter } from '../graph/writer.ts'
import { BOOLEAN, fail, show } from '../numerics/errors.ts'
import { elementCount } from '../numerics/tensor.ts'
import { averagePool, maxPool, type PoolAttributes } from '../operations/pooling.ts'
import { type Padding, three, widened, windowsOf } from '../operations/window.ts'
import {
  type BuildContext,
  type Layer,
  type LayerKind,
  type LayerOptions,
  makeLayer,
  readLayer,
} from './layer.ts'
import { sizeReader, spatialInput } from './options.ts'
import { paddingReader } from './window.ts'

/** Options of the pooling layers. */
export interface PoolingOptions extends LayerOptions {
  /** Size of a window on each axis, in cells; one number stands for all. Default 2. */
  readonly poolSize?: number | readonly number[]
  /** Distance from window to window, in cells. Default: poolSize. */
  readonly strides?: number | readonly number[] | null
  /**
   * 'valid' (default): windows that fit, floor((size - pool) / stride) + 1 of them; 'same': ceil(size / stride), the
   * padding shared out on both sides, its odd cell behind; or cells of padding, [before, after] of each axis. Padded cells never
   * win a maximum and don't count in a mean, so each window must hold a cell of the input.
   */
  readonly padding?: 'valid' | 'same' | readonly (readonly [before: number, after: number])[]
}

interface PoolingConfig {
  readonly poolSize: readonly number[]
  readonly strides: readonly number[]
  readonly padding: Padding
}

/** The input of the relu that made x, in the shape of x; null if no relu made it. */
function beforeRelu(g: GraphWriter, x: Value): Value | null {
  const op = g.ops.findLast(({ output }) => output === x)
  if (isOf(op, unaryKernel) && op.attributes.fn.name === 'relu') return op.inputs[0]
  const inner = op?.kernel.view ? beforeRelu(g, op.inputs[0]) : null
  return inner && ops.reshape(g, inner, x.shape)
}

/**
 * Max pooling of x. The maximum of relu is relu of the maximum, which is less work, forward and backward: the values are the
 * same, and those above 0 come from the same cells.
 */
function maxPooled(context: BuildContext, x: Value, config: PoolingConfig): Value {
  const inner = beforeRelu(context.g, x)
  const y = pool(context, maxPool, inner ?? x, config)
  return inner ? ops.unary(context.g, unaryFunctions.relu, y) : y
}

/** x [batch, ...axes, channels] pooled over its 1 to 3 axes. */
function pool({ g }: BuildContext, kernel: Kernel<PoolAttributes>, x: Value, config: PoolingConfig): Value {
  const { poolSize, strides, padding } = config
  const [batch, ...sizes] = x.shape
  const channels = sizes.pop() as number
  const { counts, before } = windowsOf(sizes, poolSize, strides, padding)
  const empty = counts.findIndex(
    (count, i) => before[i] >= poolSize[i] || (count - 1) * strides[i] - before[i] >= sizes[i],
  )
  if (empty >= 0)
    fail(
      `padding ${show(padding)} gives windows of ${poolSize[empty]} cells of axis ${empty + 1} that hold none of its ${sizes[empty]}`,
    )
  const [y] = g.add(kernel, [widened(g, x)], {
    pool: three(poolSize),
    strides: three(strides),
    before: three(before, 0),
    windows: three(counts),
  })
  return ops.reshape(g, y, [batch, ...counts, channels])
}

function poolingKind(kind: string, axes: number, kernel: Kernel<PoolAttributes>): LayerKind<PoolingConfig> {
  return {
    kind,
    read(options) {
      const { poolSize = 2 } = options as PoolingOptions
      return readLayer(kind, options, {
        poolSize: [sizeReader(axes), 2],
        strides: [(value: unknown, what: string) => sizeReader(axes)(value ?? poolSize, what), null],
        padding: [paddingReader(axes, 'valid', 'same'), 'valid'],
      })
    },
    build(context, inputs, config) {
      const x = spatialInput(inputs, axes)
      return kernel === maxPool ? maxPooled(context, x, config) : pool(context, kernel, x, config)
    },
  }
}

export const maxPooling1dKind = /*#__PURE__*/ poolingKind('maxPooling1d', 1, maxPool)
export const maxPooling2dKind = /*#__PURE__*/ poolingKind('maxPooling2d', 2, maxPool)
export const maxPooling3dKind = /*#__PURE__*/ poolingKind('maxPooling3d', 3, maxPool)
export const averagePooling1dKind = /*#__PURE__*/ poolingKind('averagePooling1d', 1, averagePool)
export const averagePooling2dKind = /*#__PURE__*/ poolingKind('averagePooling2d', 2, averagePool)
export const averagePooling3dKind = /*#__PURE__*/ poolingKind('averagePooling3d', 3, averagePool)

/**
 * Max pooling over steps: the largest of each window of [batch, steps, channels]. The first of equal cells takes the gradient;
 * a NaN wins.
 * @throws LanegradError for sizes that aren't positive integers, an input of another rank, a window that doesn't fit or holds
 * padding alone
 * @example
 * ```js
 * import { maxPooling1d, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [8, 3], layers: [maxPooling1d({ poolSize: 2 })] })
 * console.log(model.predict(new Float32Array(24)).shape) // [ 1, 4, 3 ]
 * ```
 */
export const maxPooling1d = (options: PoolingOptions = {}): Layer => makeLayer(maxPooling1dKind, options)
/**
 * As maxPooling1d, of [batch, height, width, channels]; "first" in row-major order.
 * @example
 * ```js
 * import { maxPooling2d, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [28, 28, 8], layers: [maxPooling2d({ poolSize: 2 })] })
 * console.log(model.predict(new Float32Array(28 * 28 * 8)).shape) // [ 1, 14, 14, 8 ]
 * ```
 */
export const maxPooling2d = (options: PoolingOptions = {}): Layer => makeLayer(maxPooling2dKind, options)
/**
 * As maxPooling1d, of [batch, depth, height, width, channels].
 * @throws LanegradError for sizes that aren't positive integers, an input of another rank, a window that doesn't fit or holds
 * padding alone
 * @example
 * ```js
 * import { maxPooling3d, sequential } from 'lanegrad'
 *
 * // halves height and width, keeps the depth: the frames of a video
 * const model = sequential({ inputShape: [5, 4, 4, 1], layers: [maxPooling3d({ poolSize: [1, 2, 2] })] })
 * const { shape, data } = model.predict(Float32Array.from({ length: 80 }, (_, i) => i))
 * console.log(shape, data[0]) // [ 1, 5, 2, 2, 1 ] 5
 * ```
 */
export const maxPooling3d = (options: PoolingOptions = {}): Layer => makeLayer(maxPooling3dKind, options)
/**
 * The mean of each window of [batch, steps, channels].
 * @throws LanegradError for sizes that aren't positive integers, an input of another rank, a window that doesn't fit or holds
 * padding alone
 * @example
 * ```js
 * import { averagePooling1d, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [8, 3], layers: [averagePooling1d({ poolSize: 2 })] })
 * console.log(model.predict(new Float32Array(24)).shape) // [ 1, 4, 3 ]
 * ```
 */
export const averagePooling1d = (options: PoolingOptions = {}): Layer =>
  makeLayer(averagePooling1dKind, options)
/**
 * As averagePooling1d, of [batch, height, width, channels].
 * @example
 * ```js
 * import { averagePooling2d, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [8, 8, 3], layers: [averagePooling2d({ poolSize: 2 })] })
 * console.log(model.predict(new Float32Array(192)).shape) // [ 1, 4, 4, 3 ]
 * ```
 */
export const averagePooling2d = (options: PoolingOptions = {}): Layer =>
  makeLayer(averagePooling2dKind, options)
/**
 * As averagePooling1d, of [batch, depth, height, width, channels].
 * @throws LanegradError for sizes that aren't positive integers, an input of another rank, a window that doesn't fit or holds
 * padding alone
 * @example
 * ```js
 * import { averagePooling3d, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [3, 2, 2, 1], layers: [averagePooling3d({ strides: 1 })] })
 * const { shape, data } = model.predict(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12))
 * console.log(shape, data.join(' ')) // [ 1, 2, 1, 1, 1 ] 4.5 8.5
 * ```
 */
export const averagePooling3d = (options: PoolingOptions = {}): Layer =>
  makeLayer(averagePooling3dKind, options)

/** Options of the global average pooling layers. */
export interface GlobalPoolingOptions extends LayerOptions {
  /** true: the pooled axes stay, with size 1. Default false: [batch, channels]. */
  readonly keepDims?: boolean
}

/** Options of the global max pooling layers. */
export interface GlobalMaxPoolingOptions extends GlobalPoolingOptions {
  /** true: masked steps are left out, and the maximum is 0 where no step counts. Default false: they take part, as in Keras. */
  readonly useMask?: boolean
}

interface GlobalPoolingConfig {
  readonly keepDims: boolean
  readonly useMask?: boolean
}

/** A kind that pools all cells; `whole` gives [batch, 1, ..., channels] or [batch, channels]. `isMax`: it has the option useMask. */
function globalKind(
  kind: string,
  axes: number,
  isMax: boolean,
  whole: (context: BuildContext, x: Value, mask: Value | null) => Value,
): LayerKind<GlobalPoolingConfig> {
  return {
    kind,
    read: (options) =>
      readLayer(kind, options, {
        keepDims: [BOOLEAN, false],
        ...(isMax && { useMask: [BOOLEAN, false] as const }),
      }),
    build(context, inputs, { keepDims, useMask = true }) {
      const x = spatialInput(inputs, axes)
      const shape = x.shape.filter((_, i) => i === 0 || i > axes)
      if (keepDims) shape.splice(1, 0, ...new Array(axes).fill(1))
      const y = ops.reshape(context.g, whole(context, x, useMask ? stepsOf(context, x) : null), shape)
      context.g.masks?.set(y, null) // no steps are left
      return y
    },
  }
}

/** The mask of x, with axes of size 1 behind its steps; null: there is none. */
function stepsOf({ g }: BuildContext, x: Value): Value | null {
  const mask = g.masks?.of(x) ?? null
  return (
    mask && ops.reshape(g, mask, [...mask.shape, ...new Array(x.shape.length - mask.shape.length).fill(1)])
  )
}

/** The largest float32 that stays one when a number of usual size is added to it. */
const HUGE = 3e38

/** The maximum of one window of all cells: the first of equal cells takes the gradient alone, unlike in a `reduce`. */
const maxOfCells = (context: BuildContext, x: Value, mask: Value | null): Value => {
  const { g } = context
  const poolSize = x.shape.slice(1, -1)
  // what is masked becomes less than anything
  const counted = mask ? ops.plus(g, x, ops.scale(g, ops.minus(g, mask, 1), HUGE)) : x
  const y = pool(context, maxPool, counted, { poolSize, strides: poolSize, padding: 'valid' })
  return mask ? ops.times(g, y, ops.reduce(g, 'max', mask, [1], { keepDims: true })) : y
}

const axesOf = (x: Value): number[] => x.shape.slice(1, -1).map((_, i) => i + 1)

/** sum(x mask) / sum(mask) over the cells of steps that count; 0 where no step counts. */
function meanOfCells({ g }: BuildContext, x: Value, mask: Value | null): Value {
  if (!mask) return ops.mean(g, x, axesOf(x))
  const sum = ops.sum(g, ops.times(g, x, mask), axesOf(x))
  const cells = elementCount(x.shape.slice(2, -1))
  const count = ops.binary(
    g,
    'maximum',
    ops.sum(g, ops.reshape(g, mask, mask.shape.slice(0, 2)), [1], true),
    1,
  )
  return ops.binary(g, 'divide', sum, ops.scale(g, count, cells))
}

export const globalMaxPooling1dKind = /*#__PURE__*/ globalKind('globalMaxPooling1d', 1, true, maxOfCells)
export const globalMaxPooling2dKind = /*#__PURE__*/ globalKind('globalMaxPooling2d', 2, true, maxOfCells)
export const globalMaxPooling3dKind = /*#__PURE__*/ globalKind('globalMaxPooling3d', 3, true, maxOfCells)
export const globalAveragePooling1dKind = /*#__PURE__*/ globalKind(
  'globalAveragePooling1d',
  1,
  false,
  meanOfCells,
)
export const globalAveragePooling2dKind = /*#__PURE__*/ globalKind(
  'globalAveragePooling2d',
  2,
  false,
  meanOfCells,
)
export const globalAveragePooling3dKind = /*#__PURE__*/ globalKind(
  'globalAveragePooling3d',
  3,
  false,
  meanOfCells,
)

/**
 * Global max pooling: [batch, steps, channels] to the largest of each channel, [batch, channels]. Masked steps take part, as
 * in Keras, unless `useMask` leaves them out. The first of equal cells takes the gradient, here and in globalMaxPooling2d and 3d.
 * @throws LanegradError for an input of another rank
 * @example
 * ```js
 * import { globalMaxPooling1d, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [null, 2], layers: [globalMaxPooling1d()] }) // of any length
 * console.log(model.predict([[[1, 8], [5, 2], [3, 4]]]).data.join(' ')) // 5 8
 * ```
 */
export const globalMaxPooling1d = (options: GlobalMaxPoolingOptions = {}): Layer =>
  makeLayer(globalMaxPooling1dKind, options)
/**
 * Global max pooling: [batch, height, width, channels] to the largest of each channel, [batch, channels].
 * @throws LanegradError for an input of another rank
 * @example
 * ```js
 * import { globalMaxPooling2d, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [8, 8, 3], layers: [globalMaxPooling2d()] })
 * console.log(model.predict(new Float32Array(192)).shape) // [ 1, 3 ]
 * ```
 */
export const globalMaxPooling2d = (options: GlobalMaxPoolingOptions = {}): Layer =>
  makeLayer(globalMaxPooling2dKind, options)
/**
 * Global max pooling: [batch, depth, height, width, channels] to the largest of each channel, [batch, channels].
 * @throws LanegradError for an input of another rank
 * @example
 * ```js
 * import { globalMaxPooling3d, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [2, 2, 2, 1], layers: [globalMaxPooling3d({ keepDims: true })] })
 * const { shape, data } = model.predict(Float32Array.of(1, 7, 3, 4, 8, 2, 6, 5))
 * console.log(shape, data[0]) // [ 1, 1, 1, 1, 1 ] 8
 * ```
 */
export const globalMaxPooling3d = (options: GlobalMaxPoolingOptions = {}): Layer =>
  makeLayer(globalMaxPooling3dKind, options)
/**
 * Global average pooling: [batch, steps, channels] to the mean of each channel, [batch, channels]. Masked steps are left out:
 * sum(x mask) / sum(mask), or 0 if no step counts.
 * @throws LanegradError for an input of another rank
 * @example
 * ```js
 * import { globalAveragePooling1d, masking, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [3, 1], layers: [masking(), globalAveragePooling1d()] })
 * console.log(model.predict([[[1], [3], [0]]]).data[0]) // 2
 * ```
 */
export const globalAveragePooling1d = (options: GlobalPoolingOptions = {}): Layer =>
  makeLayer(globalAveragePooling1dKind, options)
/**
 * Global average pooling: [batch, height, width, channels] to the mean of each channel, [batch, channels].
 * @throws LanegradError for an input of another rank
 * @example
 * ```js
 * import { globalAveragePooling2d, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [8, 8, 3], layers: [globalAveragePooling2d()] })
 * console.log(model.predict(new Float32Array(192)).shape) // [ 1, 3 ]
 * ```
 */
export const globalAveragePooling2d = (options: GlobalPoolingOptions = {}): Layer =>
  makeLayer(globalAveragePooling2dKind, options)
/**
 * Global average pooling: [batch, depth, height, width, channels] to the mean of each channel, [batch, channels].
 * @throws LanegradError for an input of another rank
 * @example
 * ```js
 * import { globalAveragePooling3d, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [2, 1, 2, 2], layers: [globalAveragePooling3d()] })
 * const { shape, data } = model.predict(Float32Array.of(1, 10, 2, 20, 3, 30, 4, 40))
 * console.log(shape, data.join(' ')) // [ 1, 2 ] 2.5 25
 * ```
 */
export const globalAveragePooling3d = (options: GlobalPoolingOptions = {}): Layer =>
  makeLayer(globalAveragePooling3dKind, options)
