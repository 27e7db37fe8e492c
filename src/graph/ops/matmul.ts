// The matrix product: op(a) . op(b) [+ bias] [then a function] [+ the last input, in whose buffer it then lies].
import * as abi from '../../../assembly/abi.ts'
import { fail } from '../../numerics/errors.ts'
import { shapeText } from '../../numerics/shape.ts'
import { elementCount } from '../../numerics/tensor.ts'
import { f32 } from '../../numerics/words.ts'
import { unaryFunctions } from '../functions.ts'
import type { Epilogue, Kernel, KernelCall, Writer } from '../kernel.ts'
import type { Value } from '../value.ts'
import { weighted } from './ranges.ts'

export interface MatmulAttributes extends Epilogue {
  readonly transposeA: boolean
  readonly transposeB: boolean
  /** The last input is a bias [N]. */
  readonly bias: boolean
  /** The last input [M, N] is added to. */
  readonly accumulate: boolean
  /** The extra is the sums of b's columns. */
  readonly sums: boolean
}

/** Which of the two matrices are transposed. Default: none. */
export type Transposes = Partial<Pick<MatmulAttributes, 'transposeA' | 'transposeB'>>

const roundUp4 = (n: number): number => Math.ceil(n / 4) * 4

/** Bytes of scratch a matmul needs: a tile of C, a panel of B, a block of A if it is copied (see kernels/gemm.ts). */
export function matmulScratchBytes(M: number, K: number, copiesA = true): number {
  const depth = Math.min(roundUp4(K), abi.BLOCK_DEPTH)
  const rows = copiesA ? roundUp4(Math.min(M, abi.BLOCK_ROWS) + abi.ROWS_SPARE) : 0
  return abi.EDGE_BYTES + 2 * abi.ROWS_BYTES + 4 * depth * (abi.TILE_COLS + rows)
}

const depthOf = ({ inputs: [a], attributes }: KernelCall<MatmulAttributes>): number =>
  a.shape[attributes.transposeA ? 0 : 1]

/**
 * Whether blocks of A, stored [M, K], are copied: rows a multiple of 1 KiB apart share few sets of the caches, and B has columns
 * enough to pay it.
 */
const hasDistantRows = (op: KernelCall<MatmulAttributes>): boolean =>
  !op.attributes.transposeA && op.output.shape[1] >= 256 && depthOf(op) >= 512 && depthOf(op) % 256 === 0

/** Bytes of scratch in front of that of long sums. */
const ownScratchBytes = (op: KernelCall<MatmulAttributes>): number =>
  matmulScratchBytes(op.output.shape[0], depthOf(op), op.attributes.transposeA || hasDistantRows(op))

/** The accumulating operation's last input: what `shares` gives. */
export const lastIfAccumulating = ({
  inputs,
  attributes,
}: KernelCall<{ readonly accumulate: boolean }>): Value | null =>
  attributes.accumulate ? inputs[inputs.length - 1] : null

export const matmulKernel: Kernel<MatmulAttributes> = {
  name: 'matmul',
  code: abi.OP_MATMUL,
  calls: ({ fn }) => fn.module,
  shapes([{ shape: a }, { shape: b }], { transposeA, transposeB }) {
    if (a.length !== 2 || b.length !== 2)
      fail(`matmul of ${shapeText(a)} and ${shapeText(b)}: expected two matrices`)
    const [rows, depth] = transposeA ? [a[1], a[0]] : a
    const [depthB, cols] = transposeB ? [b[1], b[0]] : b
    if (depth !== depthB)
      fail(`matmul of ${shapeText(a)} and ${shapeText(b)}: inner sizes ${depth} and ${depthB} differ`)
    return [[rows, cols]]
  },
  words(op, at) {
    const { transposeA, transposeB, bias, accumulate, sums, fn, alpha } = op.attributes
    const [a, b, third] = op.inputs
    const [M, N] = op.output.shape
    const K = depthOf(op)
    const isLong = K > abi.LONG_DEPTH
    const flags =
      (transposeA ? abi.MATMUL_TRANSPOSE_A : 0) |
      (transposeB ? abi.MATMUL_TRANSPOSE_B : 0) |
      (accumulate ? abi.MATMUL_ACCUMULATE : 0) |
      (isLong ? abi.MATMUL_LONG : 0) |
      (sums ? abi.MATMUL_ADD_COLUMNS : 0) |
      (hasDistantRows(op) ? abi.MATMUL_COPY_A : 0)
    return {
      [abi.MATMUL_C]: op.output,
      [abi.MATMUL_A]: a,
      [abi.MATMUL_B]: b,
      [abi.MATMUL_BIAS]: bias ? third : null,
      [abi.MATMUL_M]: M,
      [abi.MATMUL_N]: N,
      [abi.MATMUL_K]: K,
      [abi.MATMUL_FLAGS]: flags,
      [abi.MATMUL_FN]: fn.code,
      [abi.MATMUL_ALPHA]: f32(alpha),
      [abi.MATMUL_SCRATCH]: at.scratch,
      ...(isLong && { [abi.MATMUL_SUMS]: at.scratch + ownScratchBytes(op) }),
      ...(sums && { [abi.MATMUL_SUMS]: op.extras[0] }),
    }
  },
  scratchBytes(op) {
    const { shape } = op.output
    const depth = depthOf(op)
    return ownScratchBytes(op) + (depth > abi.LONG_DEPTH ? 8 * elementCount(shape) + 12 : 0)
  },
  shares: lastIfAccumulating,
  fuse(attributes, what) {
    const { fn, bias, accumulate } = attributes
    const isDone = fn.code !== abi.FN_LINEAR || accumulate || (bias && !('fn' in what))
    return isDone ? null : { ...attributes, ...what }
  },
  addingColumns(op) {
    const { transposeA, transposeB } = op.attributes
    const isSmall = elementCount(op.output.shape) * depthOf(op) <= abi.MATMUL_SMALL_WORK
    return isSmall && transposeA && !transposeB && depthOf(op) <= abi.CHAIN_DEPTH
      ? { ...op.attributes, sums: true }
      : null
  },
  text({ transposeA, transposeB, bias, fn, accumulate, sums }) {
    const more = [
      bias && 'bias',
      fn.code !== abi.FN_LINEAR && fn.name,
      accumulate && 'accumulate',
      sums && 'sums',
    ]
      .filter(Boolean)
      .join(' ')
    return `${transposeA ? 'A^T' : 'A'}.${transposeB ? 'B^T' : 'B'}${more && ` (${more})`}`
  },
  range: ({ inputs: [, b] }, known) => weighted({ inputs: [b] }, known),
  gradient: (g, { inputs, attributes }, dy) => productGradient(g, matmul, inputs, attributes, dy),
}

/** y = op(A) op(B):  d op(A) = dy op(B)^T,  d op(B) = op(A)^T dy; `product` writes y. */
export const productGradient = <G>(
  g: G,
  product: (g: G, a: Value, b: Value, transposes: Transposes) => Value,
  [a, b]: readonly Value[],
  { transposeA, transposeB }: Transposes,
  dy: Value,
): Value[] => [
  transposeA
    ? product(g, b, dy, { transposeA: transposeB, transposeB: true })
    : product(g, dy, b, { transposeB: !transposeB }),
  transposeB
    ? product(g, dy, a, { transposeA: true, transposeB: transposeA })
    : product(g, a, dy, { transposeA: !transposeA }),
]

/** The matrix product a b of [M, K] and [K, N], each transposed if asked. */
export const matmul = (
  g: Writer,
  a: Value,
  b: Value,
  { transposeA = false, transposeB = false }: Transposes = {},
): Value =>
  g.add(matmulKernel, [a, b], {
    transposeA,
    transposeB,
    bias: false,
    accumulate: false,
    sums: false,
    fn: unaryFunctions.linear,
    alpha: 0,
  })[0]
