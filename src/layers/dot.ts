// The layer of scalar products of two inputs of rank 2 or 3 along one axis of each, as Keras's Dot.

import * as ops from '../graph/operations.ts'
import { BOOLEAN, check, mismatch } from '../numerics/errors.ts'
import { shapeText } from '../numerics/shape.ts'
import { batchMatmul } from '../operations/attention.ts'
import { type Layer, type LayerKind, type LayerOptions, makeLayer, readLayer } from './layer.ts'
import { AXIS_BUT_BATCH } from './merge.ts'
import { unit } from './normalization.ts'

/** Options of `dot`. */
export interface DotOptions extends LayerOptions {
  /** The axis to sum over, of each input or of both: the batch axis is 0, negative ones count from the end. */
  readonly axes: number | readonly [number, number]
  /** Whether vectors are scaled to length 1 first, so that the result is the cosine. Default false. */
  readonly normalize?: boolean
}

interface DotConfig {
  readonly axes: readonly [number, number]
  readonly normalize: boolean
}

function readAxisPair(axes: DotOptions['axes'], what: string): readonly [number, number] {
  const pair = typeof axes === 'number' ? [axes, axes] : axes
  const fits = Array.isArray(pair) && pair.length === 2 && pair.every((axis) => AXIS_BUT_BATCH.holds(axis))
  check(fits, what, `${AXIS_BUT_BATCH.expected}, or a pair`, axes)
  return [pair[0], pair[1]]
}

export const dotKind: LayerKind<DotConfig> = {
  kind: 'dot',
  read: (options) => readLayer('dot', options, { axes: readAxisPair, normalize: [BOOLEAN, false] }),
  build({ g }, inputs, { axes, normalize }) {
    if (inputs.length !== 2) mismatch('two inputs', inputs.length)
    const text = inputs.map(({ shape }) => shapeText(shape)).join(' and ')
    const sides = inputs.map((x, i) => {
      const rank = x.shape.length
      const axis = axes[i] < 0 ? axes[i] + rank : axes[i]
      if (rank < 2 || rank > 3 || axis < 1 || axis >= rank)
        mismatch(`inputs of rank 2 or 3 with the axes ${axes.join(' and ')}`, text)
      const value = normalize ? unit(g, x, [axis], 1e-14) : x
      // a vector is a matrix of one row
      const matrix = rank === 2 ? ops.reshape(g, value, [x.shape[0], 1, x.shape[1]]) : value
      return {
        matrix,
        isRows: axis === rank - 1,
        size: x.shape[axis],
        rest: x.shape.filter((_, at) => at > 0 && at !== axis),
      }
    })
    const [a, b] = sides
    if (a.size !== b.size) mismatch(`axes ${axes.join(' and ')} of one size`, text)
    const y = batchMatmul(g, a.matrix, b.matrix, { transposeA: !a.isRows, transposeB: b.isRows })
    const rest = [...a.rest, ...b.rest]
    const product = ops.reshape(g, y, [inputs[0].shape[0], ...(rest.length > 0 ? rest : [1])])
    g.masks?.set(product, null)
    return product
  },
}

/**
 * Scalar products of two inputs along an axis of each: [batch, m, k] and [batch, n, k] with axes 2 give
 * [batch, m, n]; two vectors [batch, k] give [batch, 1].
 * @throws LanegradError unless there are two inputs of rank 2 or 3 whose axes are of one size
 * @example
 * ```js
 * import { dot, input, model } from 'lanegrad'
 *
 * const [a, b] = [input({ shape: [2] }), input({ shape: [2] })]
 * const outputs = { product: dot({ axes: 1 })(a, b), cosine: dot({ axes: 1, normalize: true })(a, b) }
 * const { product, cosine } = model({ inputs: [a, b], outputs }).predict([[[3, 4]], [[0, 2]]])
 * console.log(product.data[0], cosine.data[0].toFixed(4)) // 8 0.8000
 * ```
 */
export const dot = (options: DotOptions): Layer => makeLayer(dotKind, options)
