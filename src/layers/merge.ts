// Layers with several inputs: elementwise merges and concatenation.
import * as ops from '../graph/operations.ts'
import type { Value } from '../graph/value.ts'
import type { GraphWriter } from '../graph/writer.ts'
import { mismatch, type Rule } from '../numerics/errors.ts'
import { type Shape, sameShape, shapeText } from '../numerics/shape.ts'
import {
  type BuildContext,
  type Layer,
  type LayerKind,
  type LayerOptions,
  makeLayer,
  readLayer,
} from './layer.ts'

type Combine = (g: GraphWriter, a: Value, b: Value) => Value

/** The shape of x with axes of size 1 behind the batch, so that there are `rank` axes. */
const widened = ({ shape: [batch, ...sizes] }: Value, rank: number): Shape => [
  batch,
  ...new Array(rank - 1 - sizes.length).fill(1),
  ...sizes,
]

/** The inputs with as many axes as the longest has. @throws LanegradError unless their shapes broadcast */
function aligned(g: GraphWriter, inputs: readonly Value[]): Value[] {
  const rank = Math.max(...inputs.map(({ shape }) => shape.length))
  const shapes = inputs.map((x) => widened(x, rank))
  const sizes = shapes[0].map((_, axis) => Math.max(...shapes.map((shape) => shape[axis])))
  if (!shapes.every((shape) => shape.every((n, axis) => n === sizes[axis] || (n === 1 && axis > 0)))) {
    const given = inputs.map(({ shape }) => shapeText(shape)).join(' and ')
    mismatch('inputs of one shape, or of shapes that broadcast', given)
  }
  return inputs.map((x, i) => ops.reshape(g, x, shapes[i]))
}

/** Sets the mask of y, made of inputs of several shapes: the product of those inputs' masks that have the axes of y. */
function maskBroadcast({ g }: BuildContext, inputs: readonly Value[], y: Value): void {
  const masks = inputs.flatMap((x) => (x.shape.length === y.shape.length && g.masks?.of(x)) || [])
  const product = masks.length > 0 && masks.reduce((all, mask) => ops.times(g, all, mask))
  g.masks?.set(y, product ? ops.expand(g, product, y.shape.slice(0, 2)) : null)
}

/** A kind that folds `combine` over two or more inputs whose shapes broadcast (exactly two if `pair`). */
function mergeKind(
  kind: string,
  combine: Combine,
  { pair = false, average = false } = {},
): LayerKind<object> {
  return {
    kind,
    read: (options) => readLayer(kind, options, {}),
    build(context, inputs) {
      const { g } = context
      if (inputs.length < 2 || (pair && inputs.length > 2)) {
        mismatch(pair ? 'two inputs' : 'two inputs or more', inputs.length)
      }
      const folded = aligned(g, inputs).reduce((sum, value) => combine(g, sum, value))
      const y = average ? ops.scale(g, folded, 1 / inputs.length) : folded
      if (!inputs.every(({ shape }) => sameShape(shape, inputs[0].shape))) maskBroadcast(context, inputs, y)
      return y
    },
  }
}

export const addKind = mergeKind('add', (g, a, b) => ops.plus(g, a, b))
export const subtractKind = mergeKind('subtract', (g, a, b) => ops.minus(g, a, b), { pair: true })
export const multiplyKind = mergeKind('multiply', (g, a, b) => ops.times(g, a, b))
export const averageKind = mergeKind('average', (g, a, b) => ops.plus(g, a, b), { average: true })
export const maximumKind = mergeKind('maximum', (g, a, b) => ops.binary(g, 'maximum', a, b))
export const minimumKind = mergeKind('minimum', (g, a, b) => ops.binary(g, 'minimum', a, b))

/**
 * Sum of two or more inputs of one shape, or of shapes that broadcast: an axis of size 1 is repeated, and an input with
 * fewer axes gets axes of size 1 behind its batch, as in Keras. The other merges do the same.
 * @throws LanegradError when the model is made, for one input alone or for shapes that don't broadcast
 * @example
 * ```js
 * import { add, dense, input, model } from 'lanegrad'
 *
 * const x = input({ shape: [4] })
 * const net = model({ inputs: x, outputs: add()(x, dense({ units: 4 })(x)) })
 * console.log(net.predict(new Float32Array(4)).shape) // [ 1, 4 ]
 * ```
 */
export const add = (options: LayerOptions = {}): Layer => makeLayer(addKind, options)
/**
 * Difference of two inputs whose shapes broadcast (see `add`): the first minus the second.
 * @example
 * ```js
 * import { input, model, subtract } from 'lanegrad'
 *
 * const a = input({ shape: [1] })
 * const b = input({ shape: [1] })
 * const net = model({ inputs: [a, b], outputs: subtract()(a, b) })
 * console.log(net.predict([[6], [2]]).data[0]) // 4
 * ```
 */
export const subtract = (options: LayerOptions = {}): Layer => makeLayer(subtractKind, options)
/**
 * Elementwise product of two or more inputs whose shapes broadcast (see `add`).
 * @example
 * ```js
 * import { dense, globalAveragePooling2d, input, model, multiply } from 'lanegrad'
 *
 * // squeeze and excite: each channel by a factor of its own
 * const x = input({ shape: [8, 8, 4] })
 * const factors = dense({ units: 4, activation: 'sigmoid' })(globalAveragePooling2d()(x)) // [batch, 4]
 * const net = model({ inputs: x, outputs: multiply()(x, factors) })
 * console.log(net.predict(new Float32Array(256)).shape) // [ 1, 8, 8, 4 ]
 * ```
 */
export const multiply = (options: LayerOptions = {}): Layer => makeLayer(multiplyKind, options)
/**
 * Mean of two or more inputs whose shapes broadcast (see `add`).
 * @example
 * ```js
 * import { input, model, average } from 'lanegrad'
 *
 * const a = input({ shape: [1] })
 * const b = input({ shape: [1] })
 * const net = model({ inputs: [a, b], outputs: average()(a, b) })
 * console.log(net.predict([[6], [2]]).data[0]) // 4
 * ```
 */
export const average = (options: LayerOptions = {}): Layer => makeLayer(averageKind, options)
/**
 * Elementwise maximum of two or more inputs whose shapes broadcast (see `add`); at a tie the later input takes the gradient.
 * @example
 * ```js
 * import { input, model, maximum } from 'lanegrad'
 *
 * const a = input({ shape: [1] })
 * const b = input({ shape: [1] })
 * const net = model({ inputs: [a, b], outputs: maximum()(a, b) })
 * console.log(net.predict([[6], [2]]).data[0]) // 6
 * ```
 */
export const maximum = (options: LayerOptions = {}): Layer => makeLayer(maximumKind, options)
/**
 * Elementwise minimum of two or more inputs whose shapes broadcast (see `add`); at a tie the earlier input takes the gradient.
 * @example
 * ```js
 * import { input, model, minimum } from 'lanegrad'
 *
 * const a = input({ shape: [1] })
 * const b = input({ shape: [1] })
 * const net = model({ inputs: [a, b], outputs: minimum()(a, b) })
 * console.log(net.predict([[6], [2]]).data[0]) // 2
 * ```
 */
export const minimum = (options: LayerOptions = {}): Layer => makeLayer(minimumKind, options)

/** Options of `concatenate`. */
export interface ConcatenateOptions extends LayerOptions {
  /** The axis to join along: the batch axis, 0, is refused; negative ones count from the end. Default -1. */
  readonly axis?: number
}

export const AXIS_BUT_BATCH: Rule<number> = {
  expected: 'an integer other than 0 (the batch)',
  holds: (axis): axis is number => Number.isSafeInteger(axis) && axis !== 0,
}

export const concatenateKind: LayerKind<{ readonly axis: number }> = {
  kind: 'concatenate',
  read: (options) => readLayer('concatenate', options, { axis: [AXIS_BUT_BATCH, -1] }),
  build({ g }, inputs, { axis }) {
    const rank = inputs[0].shape.length
    const at = axis < 0 ? axis + rank : axis
    if (at < 1 || at >= rank) mismatch(`an axis of inputs of rank ${rank}`, axis)
    const y = ops.concatenate(g, inputs, at)
    const known = inputs.map((x) => g.masks?.of(x))
    if (at === 1 && known.some(Boolean)) {
      const all = g.constant(1)
      const masks = inputs.map((x, i) => known[i] ?? ops.expand(g, all, x.shape.slice(0, 2)))
      g.masks?.set(y, ops.concatenate(g, masks, 1))
    }
    return y
  },
}

/**
 * Concatenation of inputs along one axis; their other axes must be equal.
 * @throws LanegradError for the axis 0; when the model is made, for inputs that don't fit
 * @example
 * ```js
 * import { concatenate, input, model } from 'lanegrad'
 *
 * const a = input({ shape: [1] })
 * const b = input({ shape: [2] })
 * const net = model({ inputs: [a, b], outputs: concatenate()(a, b) })
 * console.log([...net.predict([[1], [[2, 3]]]).data]) // [ 1, 2, 3 ]
 * ```
 */
export const concatenate = (options: ConcatenateOptions = {}): Layer => makeLayer(concatenateKind, options)
