// Multi-head attention (Vaswani et al. 2017): projections to queries, keys and values, attention of each head, a projection
// back. Enters: query, value and key, each [batch, steps, channels]; the last two default to the one before.

import { RANDOM_BERNOULLI } from '../../assembly/abi.ts'
import * as ops from '../graph/operations.ts'
import type { Value } from '../graph/value.ts'
import { BOOLEAN, mismatch, orNull, POSITIVE_INTEGER, SHARE } from '../numerics/errors.ts'
import { type Shape, shapeText } from '../numerics/shape.ts'
import { attention } from '../operations/attention.ts'
import {
  type BuildContext,
  type Layer,
  type LayerKind,
  type LayerKinds,
  type LayerOptions,
  makeLayer,
  readLayer,
} from './layer.ts'
import { buildNested, type NestedLayer, readNested } from './nested.ts'
import { drawn } from './noise.ts'
import { weightOptions, weightReaders } from './options.ts'
import type { BiasOptions, KernelOptions } from './weights.ts'

/** Options of all attention by heads; those of `kernel` hold for all four kernels, those of `bias` for all biases. */
export interface HeadsOptions extends LayerOptions, KernelOptions, BiasOptions {
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
  /** `rotaryEmbedding()`: turns the queries and keys of each head by their positions. Default null: nothing does. */
  readonly rotary?: Layer | null
}

/** Options of `multiHeadAttention`. */
export interface MultiHeadAttentionOptions extends HeadsOptions {
  /** Number of heads, each with queries, keys and values of its own. */
  readonly numHeads: number
}

/** The options that all attention by heads has, and their defaults. */
export const attentionReaders = {
  keyDim: POSITIVE_INTEGER,
  valueDim: [orNull(POSITIVE_INTEGER), null],
  outputDim: [orNull(POSITIVE_INTEGER), null],
  useBias: [BOOLEAN, true],
  causal: [BOOLEAN, false],
  dropout: [SHARE, 0],
} as const

/** Reader of the layer that turns queries and keys; `kinds` as a layer's `read` has them. */
export const rotaryReader =
  (kinds?: LayerKinds) =>
  (value: unknown, what: string): NestedLayer | null =>
    value === null ? null : readNested(what, value, kinds)

const readAttention = (options: object, kinds?: LayerKinds) =>
  readLayer('multiHeadAttention', options, {
    numHeads: POSITIVE_INTEGER,
    ...attentionReaders,
    rotary: [rotaryReader(kinds), null],
    ...weightReaders({ kernel: 'glorotUniform', bias: 'zeros' }),
  })

type AttentionConfig = Omit<ReturnType<typeof readAttention>, 'numHeads'>

/** Query, value and key of an attention layer: [batch, steps, channels] each. @throws LanegradError if they don't fit */
export function attentionInputs(inputs: readonly Value[]): readonly [query: Value, value: Value, key: Value] {
  if (inputs.length > 3) mismatch('1 to 3 inputs (query, value, key)', inputs.length)
  const [query, value = query, key = value] = inputs
  const text = inputs.map(({ shape }) => shapeText(shape)).join(' and ')
  if (![query, value, key].every(({ shape }) => shape.length === 3 && shape[0] === query.shape[0]))
    mismatch('inputs [batch, steps, channels]', text)
  if (value.shape[1] !== key.shape[1]) mismatch('as many steps of value as of key', text)
  return [query, value, key]
}

/** The product of the masks of value and key, [batch, steps]; null: none. */
export function attendedMask({ g }: BuildContext, value: Value, key: Value): Value | null {
  const masks = [...new Set([value, key])].flatMap((source) => g.masks?.of(source) ?? [])
  return masks.length === 0 ? null : masks.reduce((a, b) => (a === b ? a : ops.times(g, a, b)))
}

/** Factors of the probabilities `shape`; null outside of training, or if nothing is dropped. */
export const droppedOf = (context: BuildContext, shape: Shape, dropout: number): Value | null =>
  context.training && dropout > 0 ? drawn(context, shape, RANDOM_BERNOULLI, dropout) : null

/**
 * Attention of `heads` heads; `stored` heads of keys and values, each of which heads / stored queries share. The columns of x
 * hold head beside head.
 */
export function attendByHeads(
  context: BuildContext,
  inputs: readonly Value[],
  config: AttentionConfig,
  [heads, stored]: readonly [number, number],
): Value {
  const { g, weight } = context
  const { keyDim, dropout, causal, rotary } = config
  const valueDim = config.valueDim ?? keyDim
  const [query, value, key] = attentionInputs(inputs)

  // x [batch, steps, in] . w [in, units] + b [units]
  const project = (x: Value, own: string, units: number): Value => {
    const [batch, steps, channels] = x.shape
    const kernel = weight(`w${own}`, [channels, units], weightOptions(config, 'kernel'))
    const y = ops.matmul(g, ops.reshape(g, x, [batch * steps, channels]), kernel)
    const bias = config.useBias ? weight(`b${own}`, [units], weightOptions(config, 'bias')) : null
    return ops.reshape(g, bias ? ops.plus(g, y, bias) : y, [batch, steps, units])
  }
  const turned = (x: Value, count: number): Value => {
    if (!rotary) return x
    const [batch, steps] = x.shape
    const split = ops.reshape(g, x, [batch, steps, count, keyDim])
    return ops.reshape(g, buildNested(rotary, context, 'rotary', [split]), x.shape)
  }
  // each stored head beside itself, once for every query head that shares it
  const repeated = (x: Value, width: number): Value => {
    if (heads === stored) return x
    const [batch, steps] = x.shape
    const apart = ops.reshape(g, x, [batch, steps, stored, 1, width])
    const wide = ops.expand(g, apart, [batch, steps, stored, heads / stored, width])
    return ops.reshape(g, wide, [batch, steps, heads * width])
  }
  const operands = [
    turned(project(query, 'q', heads * keyDim), heads),
    repeated(turned(project(key, 'k', stored * keyDim), stored), keyDim),
    repeated(project(value, 'v', stored * valueDim), valueDim),
  ]
  const mask = attendedMask(context, value, key)
  const factors = droppedOf(context, [query.shape[0], heads, query.shape[1], value.shape[1]], dropout)
  operands.push(...[mask, factors].flatMap((operand) => operand ?? []))
  // sqrt is exact on every engine
  const attributes = {
    ...{ heads, scale: 1 / Math.sqrt(keyDim), causal },
    ...{ masked: mask !== null, dropped: factors !== null },
  }
  const [attended] = g.add(attention, operands, attributes)
  const y = project(attended, 'o', config.outputDim ?? query.shape[2])
  g.masks?.set(y, g.masks.of(query))
  return y
}

export const multiHeadAttentionKind: LayerKind<ReturnType<typeof readAttention>> = {
  kind: 'multiHeadAttention',
  read: readAttention,
  build: (context, inputs, config) =>
    attendByHeads(context, inputs, config, [config.numHeads, config.numHeads]),
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
