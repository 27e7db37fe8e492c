// Operations: scaled dot-product attention, and products of lists of matrices. Enters: queries, keys and values with their heads
// side by side in the columns. The gradient needs the probabilities, which are an extra of `attention`.
import * as abi from '../../assembly/abi.ts'
import { attentionModule } from '../binaries/attention.ts'
import type { Addresses, Kernel, KernelCall, Words, Writer } from '../graph/kernel.ts'
import { matmulScratchBytes, productGradient, type Transposes } from '../graph/ops/matmul.ts'

import type { Value } from '../graph/value.ts'
import { fail } from '../numerics/errors.ts'
import { type Shape, sameShape, shapeText } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'
import { f32 } from '../numerics/words.ts'

/**
 * Queries of a block if keys behind a query don't count. Small blocks compute less in vain, but pack more anew.
 */
const CAUSAL_ROWS = 32

export interface AttentionAttributes {
  readonly heads: number
  /** Factor of the scores. */
  readonly scale: number
  /** Whether query i sees only the keys up to i. */
  readonly causal: boolean
  /** Whether there are inputs behind q, k and v: a mask of the keys, then factors of the probabilities (dropout). */
  readonly masked: boolean
  readonly dropped: boolean
}

function sizesOf([q, k, v]: readonly Value[], { heads, causal }: AttentionAttributes) {
  const [batch, Tq, width] = q.shape
  const Tk = k.shape[1]
  return {
    batch,
    Tq,
    Tk,
    K: width / heads,
    V: v.shape[2] / heads,
    block: causal ? Math.min(CAUSAL_ROWS, Tq) : Tq,
  }
}

/** Scratch bytes for any product among the sizes; the block depth bounds those of larger depths. */
function productBytes(inputs: readonly Value[], attributes: AttentionAttributes): number {
  const { Tq, Tk, K, V } = sizesOf(inputs, attributes)
  return (
    abi.PRODUCT_BYTES +
    matmulScratchBytes(Math.max(Tq, Tk), Math.min(abi.BLOCK_DEPTH, Math.max(Tq, Tk, K, V)))
  )
}

/** The operands that both kernels start with. */
function commonWords(
  { inputs, attributes }: Pick<KernelCall<AttentionAttributes>, 'inputs' | 'attributes'>,
  probabilities: Value,
  at: Addresses,
): Words {
  const [q, k, v, ...others] = inputs
  const { heads, scale, causal, masked, dropped } = attributes
  const { batch, Tq, Tk, K, V, block } = sizesOf(inputs, attributes)
  const mask = masked ? others[0] : null
  const keep = dropped ? others[masked ? 1 : 0] : null
  return {
    [abi.ATTENTION_Q]: [q, k, v],
    [abi.ATTENTION_MASK]: mask,
    [abi.ATTENTION_KEEP]: keep,
    [abi.ATTENTION_PROBABILITIES]: probabilities,
    [abi.ATTENTION_BATCH]: batch,
    [abi.ATTENTION_HEADS]: heads,
    [abi.ATTENTION_QUERY_COUNT]: Tq,
    [abi.ATTENTION_KEY_COUNT]: Tk,
    [abi.ATTENTION_KEY_WIDTH]: K,
    [abi.ATTENTION_VALUE_WIDTH]: V,
    [abi.ATTENTION_CAUSAL]: Number(causal),
    [abi.ATTENTION_SCALE]: f32(scale),
    [abi.ATTENTION_ARENA]: at.header,
    [abi.ATTENTION_PRODUCT]: at.scratch,
    [abi.ATTENTION_BLOCK]: block,
    [abi.ATTENTION_SCRATCH]: at.scratch + productBytes(inputs, attributes),
  }
}

function attentionShapes(inputs: readonly Value[], attributes: AttentionAttributes): [Shape, Shape] {
  const [q, k, v, ...others] = inputs
  const { heads, masked } = attributes
  const text = [q, k, v].map(({ shape }) => shapeText(shape)).join(', ')
  const fits =
    [q, k, v].every(({ shape }) => shape.length === 3 && shape[0] === q.shape[0] && shape[2] % heads === 0) &&
    q.shape[2] === k.shape[2] &&
    k.shape[1] === v.shape[1]
  if (!fits)
    fail(
      `attention with ${heads} heads: expected [batch,queries,heads*K], [batch,keys,heads*K], [batch,keys,heads*V]; got ${text}`,
    )
  const [batch, Tq] = q.shape
  const Tk = k.shape[1]
  const probabilities = [batch, heads, Tq, Tk]
  const wanted = [...(masked ? [[batch, Tk]] : []), probabilities]
  others.forEach(({ shape }, i) => {
    if (!sameShape(shape, wanted[i]))
      fail(
        `attention: expected ${shapeText(wanted[i])} as ${masked && i === 0 ? 'the mask of the keys' : 'dropout'}; got ${shapeText(shape)}`,
      )
  })
  return [[batch, Tq, heads * (v.shape[2] / heads)], probabilities]
}

/**
 * softmax(scale q k^T) v for each sample and head. q [batch, queries, heads*K], k [batch, keys, heads*K],
 * v [batch, keys, heads*V], perhaps a mask of the keys [batch, keys] (0: doesn't count) and factors of the
 * probabilities [batch, heads, queries, keys]; gives [batch, queries, heads*V] and the probabilities. A query without keys
 * that count gets zeros.
 */
export const attention: Kernel<AttentionAttributes> = {
  name: 'attention',
  module: attentionModule,
  code: abi.OP_ATTENTION,
  shapes: attentionShapes,
  words: (op, at) => ({ ...commonWords(op, op.extras[0], at), [abi.ATTENTION_OUT]: op.output }),
  scratchBytes({ inputs, attributes }) {
    const { Tq, Tk, K, V, block } = sizesOf(inputs, attributes)
    return productBytes(inputs, attributes) + 4 * ((Tq + Tk) * (K + V) + block * Tk)
  },
  gradient(g, { inputs, attributes, extras: [probabilities] }, dy) {
    const [q, k, v, ...others] = inputs
    const keep = attributes.dropped ? others.slice(-1) : []
    return g.add(attentionGrad, [q, k, v, ...keep, probabilities, dy], { ...attributes, masked: false })
  },
}

/** inputs: q, k, v, perhaps the factors, the probabilities, do. Gives dq, dk, dv. */
export const attentionGrad: Kernel<AttentionAttributes> = {
  name: 'attentionGrad',
  module: attentionModule,
  code: abi.OP_ATTENTION_GRAD,
  shapes: ([q, k, v]) => [q.shape, k.shape, v.shape],
  words(op, at) {
    const [probabilities, dy] = op.inputs.slice(-2)
    return {
      ...commonWords(op, probabilities, at),
      [abi.ATTENTION_OUT]: dy,
      [abi.ATTENTION_DQ]: [op.output, ...op.extras],
    }
  },
  scratchBytes({ inputs, attributes }) {
    const { Tq, Tk, K, V, block } = sizesOf(inputs, attributes)
    return productBytes(inputs, attributes) + 4 * (2 * (Tq + Tk) * (K + V) + 2 * block * Tk)
  },
}

/** The last two axes of op(x). */
const sidesOf = ({ shape }: Value, transposed: boolean): readonly [number, number] => {
  const [rows, cols] = shape.slice(-2)
  return transposed ? [cols, rows] : [rows, cols]
}

/** op(a) op(b) of each pair of matrices. */
export const batchMatmulKernel: Kernel<Required<Transposes>> = {
  name: 'batchMatmul',
  module: attentionModule,
  code: abi.OP_BATCH_MATMUL,
  shapes([a, b], { transposeA, transposeB }) {
    const lead = a.shape.slice(0, -2)
    const isList = a.shape.length >= 2 && sameShape(lead, b.shape.slice(0, -2)) && b.shape.length >= 2
    const [M, K] = sidesOf(a, transposeA)
    const [depth, N] = sidesOf(b, transposeB)
    if (!isList || K !== depth) {
      const sides = `${transposeA ? ' transposed' : ''} and ${shapeText(b.shape)}${transposeB ? ' transposed' : ''}`
      fail(`batchMatmul: expected [...,M,K] and [...,K,N]; got ${shapeText(a.shape)}${sides}`)
    }
    return [[...lead, M, N]]
  },
  words({ inputs: [a, b], output, attributes: { transposeA, transposeB } }, at) {
    const [M, K] = sidesOf(a, transposeA)
    const flags = (transposeA ? abi.MATMUL_TRANSPOSE_A : 0) | (transposeB ? abi.MATMUL_TRANSPOSE_B : 0)
    const count = elementCount(output.shape.slice(0, -2))
    return {
      [abi.BATCH_MATMUL_C]: [output, a, b],
      [abi.BATCH_MATMUL_COUNT]: count,
      [abi.BATCH_MATMUL_M]: M,
      [abi.BATCH_MATMUL_N]: output.shape[output.shape.length - 1],
      [abi.BATCH_MATMUL_K]: K,
      [abi.BATCH_MATMUL_FLAGS]: flags,
      [abi.BATCH_MATMUL_ARENA]: at.header,
      [abi.BATCH_MATMUL_SCRATCH]: at.scratch,
    }
  },
  scratchBytes: ({ inputs: [a], attributes: { transposeA } }) =>
    abi.PRODUCT_BYTES + matmulScratchBytes(...sidesOf(a, transposeA)),
  gradient: (g, { inputs, attributes }, dy) => productGradient(g, batchMatmul, inputs, attributes, dy),
}

/**
 * Matrix products with the same leading axes: a [..., M, K] times b [..., K, N] gives [..., M, N]. `transposeA`: a is
 * stored [..., K, M]; `transposeB`: b is stored [..., N, K].
 * @throws LanegradError if the shapes don't fit
 */
export const batchMatmul = (
  g: Writer,
  a: Value,
  b: Value,
  { transposeA = false, transposeB = false }: Transposes = {},
): Value => g.add(batchMatmulKernel, [a, b], { transposeA, transposeB })[0]
