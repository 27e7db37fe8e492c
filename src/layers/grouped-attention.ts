// Grouped-query attention (Ainslie et al. 2023): attention by heads in which several queries share one head of keys and values.
import { check, POSITIVE_INTEGER } from '../numerics/errors.ts'
import { attendByHeads, attentionReaders, type HeadsOptions, rotaryReader } from './attention.ts'
import { type Layer, type LayerKind, type LayerKinds, makeLayer, readLayer } from './layer.ts'
import { weightReaders } from './options.ts'

/** Options of `groupedQueryAttention`. */
export interface GroupedQueryAttentionOptions extends HeadsOptions {
  /** Number of heads of queries, a multiple of numKeyValueHeads. */
  readonly numQueryHeads: number
  /** Number of heads of keys and values. */
  readonly numKeyValueHeads: number
}

function readGrouped(options: object, kinds?: LayerKinds) {
  const kind = 'groupedQueryAttention'
  const config = readLayer(kind, options, {
    numQueryHeads: POSITIVE_INTEGER,
    numKeyValueHeads: POSITIVE_INTEGER,
    ...attentionReaders,
    rotary: [rotaryReader(kinds), null],
    ...weightReaders({ kernel: 'glorotUniform', bias: 'zeros' }),
  })
  const { numQueryHeads, numKeyValueHeads } = config
  const expected = `a multiple of numKeyValueHeads (${numKeyValueHeads})`
  check(numQueryHeads % numKeyValueHeads === 0, `${kind}: numQueryHeads`, expected, numQueryHeads)
  return config
}

export const groupedQueryAttentionKind: LayerKind<ReturnType<typeof readGrouped>> = {
  kind: 'groupedQueryAttention',
  read: readGrouped,
  build: (context, inputs, config) =>
    attendByHeads(context, inputs, config, [config.numQueryHeads, config.numKeyValueHeads]),
}

/**
 * Grouped-query attention: as `multiHeadAttention`, but query heads 0 to numQueryHeads / numKeyValueHeads - 1 share the first head
 * of keys and values, and so on, as in Keras; with one head of keys and values it is multi-query attention. Weights `wq`
 * [channels, numQueryHeads*keyDim], `wk` [channels, numKeyValueHeads*keyDim], `wv` [channels, numKeyValueHeads*valueDim], `wo`
 * [numQueryHeads*valueDim, outputDim], and their biases. Masks as in `multiHeadAttention`.
 * @throws LanegradError on an unknown or bad option; when the model is made, for inputs that don't fit
 * @example
 * ```js
 * import { groupedQueryAttention, input, model, rotaryEmbedding } from 'lanegrad'
 *
 * const x = input({ shape: [6, 16] })
 * const heads = { numQueryHeads: 4, numKeyValueHeads: 2, keyDim: 4 }
 * const net = model({ inputs: x, outputs: groupedQueryAttention({ ...heads, causal: true, rotary: rotaryEmbedding() })(x) })
 * console.log(net.predict(new Float32Array(96)).shape) // [ 1, 6, 16 ]
 * ```
 */
export const groupedQueryAttention = (options: GroupedQueryAttentionOptions): Layer =>
  makeLayer(groupedQueryAttentionKind, options)
