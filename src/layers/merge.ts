// Layers of several inputs: elementwise merges and concatenation.
import type { GraphBuilder } from '../graph/builder.ts'
import { sameShape, shapeText, type Value } from '../graph/value.ts'
import { check, fail } from '../numerics/errors.ts'
import { checkLayerOptions, type Layer, type LayerKind, type LayerOptions, makeLayer } from './layer.ts'

type Combine = (g: GraphBuilder, a: Value, b: Value) => Value

/** A kind that folds `combine` over two or more inputs of one shape (exactly two if `pair`). */
function mergeKind(
  kind: string,
  combine: Combine,
  { pair = false, average = false } = {},
): LayerKind<object> {
  return {
    kind,
    read(options) {
      checkLayerOptions(kind, options, [])
      return {}
    },
    build({ g }, inputs) {
      if (inputs.length < 2 || (pair && inputs.length > 2)) {
        fail(`expected ${pair ? 'two inputs' : 'two or more inputs'}, got ${inputs.length}`)
      }
      const [first, ...rest] = inputs
      for (const other of rest) {
        if (!sameShape(first.shape, other.shape)) {
          fail(
            `expected inputs of one shape, got ${inputs.map((value) => shapeText(value.shape)).join(' and ')}`,
          )
        }
      }
      const folded = rest.reduce((sum, value) => combine(g, sum, value), first)
      return average ? g.scale(folded, 1 / inputs.length) : folded
    },
  }
}

export const addKind = mergeKind('add', (g, a, b) => g.plus(a, b))
export const subtractKind = mergeKind('subtract', (g, a, b) => g.minus(a, b), { pair: true })
export const multiplyKind = mergeKind('multiply', (g, a, b) => g.times(a, b))
export const averageKind = mergeKind('average', (g, a, b) => g.plus(a, b), { average: true })
export const maximumKind = mergeKind('maximum', (g, a, b) => g.binary('maximum', a, b))
export const minimumKind = mergeKind('minimum', (g, a, b) => g.binary('minimum', a, b))

/** Sum of two or more inputs of one shape. */
export const add = (options: LayerOptions = {}): Layer => makeLayer(addKind, options)
/** First input minus the second. */
export const subtract = (options: LayerOptions = {}): Layer => makeLayer(subtractKind, options)
/** Elementwise product of two or more inputs. */
export const multiply = (options: LayerOptions = {}): Layer => makeLayer(multiplyKind, options)
/** Mean of two or more inputs. */
export const average = (options: LayerOptions = {}): Layer => makeLayer(averageKind, options)
/** Elementwise maximum of two or more inputs; at a tie the later input takes the gradient. */
export const maximum = (options: LayerOptions = {}): Layer => makeLayer(maximumKind, options)
/** Elementwise minimum of two or more inputs; at a tie the earlier input takes the gradient. */
export const minimum = (options: LayerOptions = {}): Layer => makeLayer(minimumKind, options)

export interface ConcatenateOptions extends LayerOptions {
  /** Counted with the batch axis as 0; negative from the end. Default -1. */
  readonly axis?: number
}

export const concatenateKind: LayerKind<{ readonly axis: number }> = {
  kind: 'concatenate',
  read(options) {
    checkLayerOptions('concatenate', options, ['axis'])
    const { axis = -1 } = options as ConcatenateOptions
    check(
      Number.isSafeInteger(axis) && axis !== 0,
      'concatenate: axis',
      'an integer other than 0 (the batch)',
      axis,
    )
    return { axis }
  },
  build({ g }, inputs, { axis }) {
    const rank = inputs[0].shape.length
    const at = axis < 0 ? axis + rank : axis
    if (at < 1 || at >= rank) fail(`axis ${axis} of inputs of rank ${rank}`)
    return g.concatenate(inputs, at)
  },
}

/** Joins inputs along one axis; the others must be equal. */
export const concatenate = (options: ConcatenateOptions = {}): Layer => makeLayer(concatenateKind, options)
