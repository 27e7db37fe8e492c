// Layers with several inputs: elementwise merges and concatenation.
import * as ops from '../graph/operations.ts'
import type { Value } from '../graph/value.ts'
import type { GraphWriter } from '../graph/writer.ts'
import { mismatch, type Rule } from '../numerics/errors.ts'
import { sameShape, shapeText } from '../numerics/shape.ts'
import { type Layer, type LayerKind, type LayerOptions, makeLayer, readLayer } from './layer.ts'

type Combine = (g: GraphWriter, a: Value, b: Value) => Value

/** A kind that folds `combine` over two or more inputs of one shape (exactly two if `pair`). */
function mergeKind(
  kind: string,
  combine: Combine,
  { pair = false, average = false } = {},
): LayerKind<object> {
  return {
    kind,
    read: (options) => readLayer(kind, options, {}),
    build({ g }, inputs) {
      if (inputs.length < 2 || (pair && inputs.length > 2)) {
        mismatch(pair ? 'two inputs' : 'two inputs or more', inputs.length)
      }
      const [first, ...rest] = inputs
      for (const other of rest) {
        if (!sameShape(first.shape, other.shape)) {
          mismatch('inputs of one shape', inputs.map((value) => shapeText(value.shape)).join(' and '))
        }
      }
      const folded = rest.reduce((sum, value) => combine(g, sum, value), first)
      return average ? ops.scale(g, folded, 1 / inputs.length) : folded
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
 * Sum of two or more inputs of one shape.
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
 * Difference of two inputs of one shape: the first minus the second.
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
 * Elementwise product of two or more inputs of one shape.
 * @example
 * ```js
 * import { input, model, multiply } from 'lanegrad'
 *
 * const a = input({ shape: [1] })
 * const b = input({ shape: [1] })
 * const net = model({ inputs: [a, b], outputs: multiply()(a, b) })
 * console.log(net.predict([[6], [2]]).data[0]) // 12
 * ```
 */
export const multiply = (options: LayerOptions = {}): Layer => makeLayer(multiplyKind, options)
/**
 * Mean of two or more inputs of one shape.
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
 * Elementwise maximum of two or more inputs of one shape; at a tie the later input takes the gradient.
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
 * Elementwise minimum of two or more inputs of one shape; at a tie the earlier input takes the gradient.
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
  build({ g, maskOf, setMask }, inputs, { axis }) {
    const rank = inputs[0].shape.length
    const at = axis < 0 ? axis + rank : axis
    if (at < 1 || at >= rank) mismatch(`an axis of inputs of rank ${rank}`, axis)
    const y = ops.concatenate(g, inputs, at)
    if (at === 1 && inputs.some(maskOf)) {
      const all = g.constant(1)
      const masks = inputs.map((x) => maskOf(x) ?? ops.expand(g, all, x.shape.slice(0, 2)))
      setMask(y, ops.concatenate(g, masks, 1))
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
