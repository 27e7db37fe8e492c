// Multi-head attention (Vaswani et al. 2017): projections to queries, keys and values, attention of each head, a projection
// back. Enters: query, value and key, each [batch, steps, channels]; the last two default to the one before.

import { RANDOM_BERNOULLI } from '../../assembly/abi.ts'
import * as ops from '../graph/operations.ts'
import type { Value } from '../graph/value.ts'
import { BOOLEAN, mismatch, orNull, POSITIVE_INTEGER, SHARE } from '../numerics/errors.ts'
import { shapeText } from '../numerics/shape.ts'
import { attention } from '../operations/attention.ts'
import { type Layer, type LayerKind, type LayerOptions, makeLayer, readLayer } from './layer.ts'
import { drawn } from './noise.ts'
import { weightOptions, weightReaders } from './options.ts'
import type { BiasOptions, KernelOptions } from './weights.ts'

/** Options of `multiHeadAttention`; those of `kernel` hold for all four kernels, those of `bias` for all biases. */
export interface MultiHeadAttentionOptions extends LayerOptions, KernelOptions, BiasOptions {
  /** Number of heads, each with queries, keys and values of its own. */
  readonly numHeads: number
  /** Width of each head's queries and keys. */
  readonly keyDim: number
  /** Width of each head's values. Default null: keyDim. */
  readonly valueDim?: number | null
  /** Size of the output's last axis. Default null: that of the query. */
  readonly outputDim?: number | null
  /** Default true. */
  readonly useBias?: boolean
  /** Whether step i of the query sees only the steps up to i of key and value. Default false. */
  readonly causal?: boolean
  /** The share of the attention probabilities that training sets to 0 (the others are scaled up), in [0, 1). Default 0. */
  readonly dropout?: number
}

const readAttention = (options: object) =>
  readLayer('multiHeadAttention', options, {
    numHeads: POSITIVE_INTEGER,
    keyDim: POSITIVE_INTEGER,
    valueDim: [orNull(POSITIVE_INTEGER), null],
    outputDim: [orNull(POSITIVE_INTEGER), null],
    useBias: [BOOLEAN, true],
    causal: [BOOLEAN, false],
    dropout: [SHARE, 0],
    ...weightReaders({ kernel: 'glorotUniform', bias: 'zeros' }),
  })

export const multiHeadAttentionKind: LayerKind<ReturnType<typeof readAttention>> = {
  kind: 'multiHeadAttention',
  read: readAttention,
  build(context, inputs, config) {
    const { g, training, weight, maskOf } = context
    const { numHeads: heads, keyDim, dropout, causal } = config
    if (inputs.length > 3) mismatch('1 to 3 inputs (query, value, key)', inputs.length)
    const [query, value = query, key = value] = inputs
    const text = inputs.map(({ shape }) => shapeText(shape)).join(' and ')
    if (![query, value, key].every(({ shape }) => shape.length === 3 && shape[0] === query.shape[0]))
      mismatch('inputs [batch, steps, channels]', text)
    if (value.shape[1] !== key.shape[1]) mismatch('as many steps of value as of key', text)

    // x [batch, steps, in] . w [in, units] + b [units]
    const project = (x: Value, own: string, units: number): Value => {
      const [batch, steps, channels] = x.shape
      const kernel = weight(`w${own}`, [channels, units], weightOptions(config, 'kernel'))
      const y = ops.matmul(g, ops.reshape(g, x, [batch * steps, channels]), kernel)
      const bias = config.useBias ? weight(`b${own}`, [units], weightOptions(config, 'bias')) : null
      return ops.reshape(g, bias ? ops.plus(g, y, bias) : y, [batch, steps, units])
    }
    const operands = [
      project(query, 'q', heads * keyDim),
      project(key, 'k', heads * keyDim),
      project(value, 'v', heads * (config.valueDim ?? keyDim)),
    ]
    const masks = [...new Set([value, key])].flatMap((source) => maskOf(source) ?? [])
    const masked = masks.length > 0
    if (masked) operands.push(masks.reduce((a, b) => (a === b ? a : ops.times(g, a, b))))
    const dropped = training && dropout > 0
    if (dropped) {
      const shape = [query.shape[0], heads, query.shape[1], value.shape[1]]
      operands.push(drawn(context, shape, RANDOM_BERNOULLI, dropout))
    }
    // sqrt is exact on every engine
    const attributes = { heads, scale: 1 / Math.sqrt(keyDim), causal, masked, dropped }
    const [attended] = g.add(attention, operands, attributes)
    const y = project(attended, 'o', config.outputDim ?? query.shape[2])
    context.setMask(y, maskOf(query))
    return y
  },
}

/**
 * Multi-head attention: layer(x) attends from the steps of x to each other, layer(query, value) and layer(query, value, key)
 * from the query's steps to theirs (key defaults to value). [batch, steps, channels] to [batch, steps of the query,
 * outputDim]. Weights `wq`, `wk` [channels, numHeads*keyDim], `wv` [channels, numHeads*valueDim], `wo` [numHeads*valueDim,
 * outputDim], and their biases `bq`, `bk`, `bv`, `bo`; each head has a block of columns. Initial weights are drawn for
 * kernels of these shapes, while Keras's are [channels, numHeads, keyDim] and have other fans. Steps of value and key that a
 * mask leaves out get probability 0; the output has the query's mask.
 * @throws LanegradError on an unknown or bad option; when the model is made, for inputs that don't fit
 * @example
 * ```js
 * import { input, model, multiHeadAttention } from 'lanegrad'
 *
 * const x = input({ shape: [6, 16] })
 * const net = model({ inputs: x, outputs: multiHeadAttention({ numHeads: 2, keyDim: 8, causal: true })(x) })
 * console.log(net.predict(new Float32Array(96)).shape) // [ 1, 6, 16 ]
 * ```
 */
export const multiHeadAttention = (options: MultiHeadAttentionOptions): Layer =>
  makeLayer(multiHeadAttentionKind, options)
