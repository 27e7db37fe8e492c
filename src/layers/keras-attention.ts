// Attention without projections, as Keras's Attention (Luong et al. 2015) and AdditiveAttention (Bahdanau et al. 2015): scores
// of query and key by a product or by a sum. Enters: query, value and key, each [batch, steps, channels].
import { unaryFunctions } from '../graph/functions.ts'
import * as ops from '../graph/operations.ts'
import type { Value } from '../graph/value.ts'
import { BOOLEAN, mismatch, oneOf, SHARE } from '../numerics/errors.ts'
import { shapeText } from '../numerics/shape.ts'
import { batchMatmul } from '../operations/attention.ts'
import { attendedMask, attentionInputs, droppedOf } from './attention.ts'
import {
  type BuildContext,
  type Layer,
  type LayerKind,
  type LayerOptions,
  makeLayer,
  readLayer,
} from './layer.ts'

/** Options of `attention`. */
export interface AttentionOptions extends LayerOptions {
  /** Whether a learnt number multiplies the scores, or with 'concat' what tanh is taken of. Default false. */
  readonly useScale?: boolean
  /**
   * 'dot': the scores are query . key; 'concat': the sum over channels of tanh(query + key), times a learnt number. Default
   * 'dot'.
   */
  readonly scoreMode?: 'dot' | 'concat'
  /** The share of the attention probabilities that training sets to 0 (the others are scaled up), in [0, 1). Default 0. */
  readonly dropout?: number
  /** Whether step i of the query sees only the steps up to i of key and value. Default false. */
  readonly causal?: boolean
}

/** Options of `additiveAttention`. */
export interface AdditiveAttentionOptions extends LayerOptions {
  /** Whether learnt factors, one for each channel, weigh the terms of the scores. Default true. */
  readonly useScale?: boolean
  /** The share of the attention probabilities that training sets to 0 (the others are scaled up), in [0, 1). Default 0. */
  readonly dropout?: number
  /** Whether step i of the query sees only the steps up to i of key and value. Default false. */
  readonly causal?: boolean
}

const readers = { dropout: [SHARE, 0], causal: [BOOLEAN, false] } as const

/** tanh of scale (query + key), or of query + key: [batch, query's steps, key's steps, channels]. */
function summed({ g }: BuildContext, query: Value, key: Value, scale: Value | null): Value {
  const [batch, Tq, channels] = query.shape
  const sum = ops.plus(
    g,
    ops.reshape(g, query, [batch, Tq, 1, channels]),
    ops.reshape(g, key, [batch, 1, key.shape[1], channels]),
  )
  return ops.unary(g, unaryFunctions.tanh, scale ? ops.times(g, sum, scale) : sum)
}

/** Attention by the scores that `scoresOf` writes, [batch, query's steps, key's steps]. */
function attend(
  context: BuildContext,
  inputs: readonly Value[],
  { dropout, causal }: { readonly dropout: number; readonly causal: boolean },
  scoresOf: (query: Value, key: Value) => Value,
): Value {
  const { g } = context
  if (inputs.length < 2) mismatch('2 or 3 inputs (query, value, key)', inputs.length)
  const [query, value, key] = attentionInputs(inputs)
  if (query.shape[2] !== key.shape[2])
    mismatch(`a key of the query's ${query.shape[2]} channels`, shapeText(key.shape))
  const [Tq, Tk] = [query.shape[1], key.shape[1]]
  const scores = scoresOf(query, key)
  // 1 where a query sees a key
  const mask = attendedMask(context, value, key)
  const counts = mask && ops.reshape(g, mask, [mask.shape[0], 1, Tk])
  const before = Float32Array.from({ length: Tq * Tk }, (_, at) => (at % Tk <= Math.floor(at / Tk) ? 1 : 0))
  const past = causal ? g.constant(before, [1, Tq, Tk]) : null
  const seen = counts && past ? ops.times(g, counts, past) : (counts ?? past)
  let shares = ops.softmax(g, seen ? ops.plus(g, scores, ops.scale(g, ops.minus(g, seen, 1), 1e9)) : scores)
  if (seen) shares = ops.times(g, shares, seen) // where nothing is seen, all are 0
  const factors = droppedOf(context, shares.shape, dropout)
  const y = batchMatmul(g, factors ? ops.times(g, shares, factors) : shares, value)
  g.masks?.set(y, g.masks.of(query))
  return y
}

const readAttention = (options: object) =>
  readLayer('attention', options, {
    useScale: [BOOLEAN, false],
    scoreMode: [oneOf('dot', 'concat'), 'dot'],
    ...readers,
  })

export const attentionKind: LayerKind<ReturnType<typeof readAttention>> = {
  kind: 'attention',
  read: readAttention,
  build: (context, inputs, config) =>
    attend(context, inputs, config, (query, key) => {
      const { g, weight } = context
      const scale = config.useScale ? weight('scale', [1], { initializer: 'ones' }) : null
      if (config.scoreMode === 'dot') {
        const scores = batchMatmul(g, query, key, { transposeB: true })
        return scale ? ops.times(g, scores, scale) : scores
      }
      const factor = weight('concat_score_weight', [1], { initializer: 'ones' })
      return ops.times(g, ops.sum(g, summed(context, query, key, scale), [3]), factor)
    }),
}

/**
 * Dot-product attention without projections: layer(query, value) and layer(query, value, key) give the values' means by
 * softmax(query . key), [batch, query's steps, value's channels], as Keras's `Attention`; the scores aren't divided by
 * sqrt(channels). Weights `scale` [1] with useScale, `concat_score_weight` [1] with scoreMode 'concat'. Steps of value and
 * key that a mask leaves out get probability 0 (a query that sees none gives 0); the output has the query's mask.
 * @throws LanegradError on an unknown or bad option; when the model is made, for inputs that don't fit
 * @example
 * ```js
 * import { attention, input, model } from 'lanegrad'
 *
 * const [query, value] = [input({ shape: [1, 2] }), input({ shape: [3, 2] })]
 * const net = model({ inputs: [query, value], outputs: attention()(query, value) })
 * // the query is at right angles to all keys: the mean of the values
 * console.log(net.predict([[[[0, 5]]], [[[1, 0], [2, 0], [6, 0]]]]).data.join(' ')) // 3 0
 * ```
 */
export const attention = (options: AttentionOptions = {}): Layer => makeLayer(attentionKind, options)

const readAdditive = (options: object) =>
  readLayer('additiveAttention', options, { useScale: [BOOLEAN, true], ...readers })

export const additiveAttentionKind: LayerKind<ReturnType<typeof readAdditive>> = {
  kind: 'additiveAttention',
  read: readAdditive,
  build: (context, inputs, config) =>
    attend(context, inputs, config, (query, key) => {
      const { g, weight } = context
      const terms = summed(context, query, key, null)
      return ops.sum(g, config.useScale ? ops.times(g, terms, weight('scale', [query.shape[2]])) : terms, [3])
    }),
}

/**
 * Additive attention: layer(query, value) and layer(query, value, key) give the values' means by
 * softmax(sum(scale * tanh(query + key))), [batch, query's steps, value's channels], as Keras's `AdditiveAttention`. Weight
 * `scale` [channels], drawn by glorotUniform. Masks as in `attention`.
 * @throws LanegradError on an unknown or bad option; when the model is made, for inputs that don't fit
 * @example
 * ```js
 * import { additiveAttention, input, model } from 'lanegrad'
 *
 * const [query, value] = [input({ shape: [4, 8] }), input({ shape: [6, 8] })]
 * const net = model({ inputs: [query, value], outputs: additiveAttention()(query, value) })
 * console.log(net.predict([new Float32Array(32), new Float32Array(48)]).shape) // [ 1, 4, 8 ]
 * ```
 */
export const additiveAttention = (options: AdditiveAttentionOptions = {}): Layer =>
  makeLayer(additiveAttentionKind, options)
