// One operation to instructions: lists of 32-bit words as assembly/kernels read them. Enters: an operation, the
// address of each of its values and of its scratch. Leaves: one or more instructions, without the header word.
import * as abi from '../../assembly/abi.ts'
import type { Op } from '../graph/graph.ts'
import type { Addresses } from '../graph/kernel.ts'
import type { LossAttributes } from '../graph/ops.ts'
import { binaryFunctions, type OpName, reductions, unaryFunctions } from '../graph/ops.ts'
import type { Value } from '../graph/value.ts'
import type { Shape } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'
import { f32 } from '../numerics/words.ts'

export interface Instruction {
  readonly code: number
  readonly operands: readonly number[]
}

interface Axis {
  size: number
  readonly strides: number[]
}

/** Strides in elements of a contiguous array of `shape`, seen under the larger `over` shape: 0 where broadcast. */
function stridesOf(shape: Shape, over: Shape = shape): number[] {
  const strides = over.map(() => 0)
  let stride = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1) strides[i + over.length - shape.length] = stride
    stride *= shape[i]
  }
  return strides
}

/** Drops axes of size 1 and merges neighbours that all operands walk as one. The last one is the inner axis. */
function mergeAxes(shape: Shape, operands: readonly (readonly number[])[]): { outer: Axis[]; inner: Axis } {
  const axes: Axis[] = []
  shape.forEach((size, i) => {
    if (size === 1) return
    const strides = operands.map((operand) => operand[i])
    const before = axes[axes.length - 1]
    if (before?.strides.every((stride, j) => stride === strides[j] * size)) {
      axes[axes.length - 1] = { size: before.size * size, strides }
    } else axes.push({ size, strides })
  })
  const inner = axes.pop() ?? { size: 1, strides: operands.map(() => 1) }
  return { outer: axes, inner }
}

const outerWords = (outer: readonly Axis[]): number[] => [
  elementCount(outer.map((axis) => axis.size)),
  outer.length,
  ...outer.flatMap((axis) => [axis.size, ...axis.strides]),
]

function copyOf(
  dst: number,
  src: number,
  shape: Shape,
  dstStrides: readonly number[],
  srcStrides: readonly number[],
): Instruction {
  const { outer, inner } = mergeAxes(shape, [dstStrides, srcStrides])
  return { code: abi.OP_COPY, operands: [dst, src, inner.size, ...inner.strides, ...outerWords(outer)] }
}

/** Copies the whole of src, `shape`, to or from its place at `start` of `axis` in a larger array. */
function copyPart(dst: number, src: number, part: Shape, dstShape: Shape, srcShape: Shape): Instruction {
  return copyOf(dst, src, part, stridesOf(dstShape), stridesOf(srcShape))
}

/** Bytes from the start of an array of `shape` to index `start` of `axis`. */
const partOffset = (shape: Shape, axis: number, start: number): number =>
  start * elementCount(shape.slice(axis + 1)) * 4

/** Rows and columns of a value whose last axis is the row. */
function rowsOf({ shape }: Value): [rows: number, cols: number] {
  const cols = shape[shape.length - 1] ?? 1
  return [elementCount(shape) / cols, cols]
}

/** The same of a prediction: its first axis is the batch, so rank 1 is a row of one for each sample. */
function batchRowsOf(value: Value): [rows: number, cols: number] {
  return value.shape.length === 1 ? [value.shape[0], 1] : rowsOf(value)
}

/** Bytes of scratch a matmul needs: a tile of C, a panel of B, a block of A if it is transposed (see kernels/gemm.ts). */
export function matmulScratchBytes(M: number, K: number, transposeA = true): number {
  const depth = Math.min(roundUp4(K), abi.BLOCK_DEPTH)
  const rows = transposeA ? roundUp4(Math.min(M, abi.BLOCK_ROWS) + abi.ROWS_SPARE) : 0
  return abi.EDGE_BYTES + 2 * abi.ROWS_BYTES + 4 * depth * (abi.TILE_COLS + rows)
}

const roundUp4 = (n: number): number => Math.ceil(n / 4) * 4

function depthOf(op: Op<'matmul'>): number {
  const { shape } = op.inputs[0]
  return op.attributes.transposeA ? shape[0] : shape[1]
}

/** Scratch of an operation, bytes; planned like any buffer. */
export function scratchBytes(op: Op): number {
  if (op.name === 'matmul') {
    const product = op as Op<'matmul'>
    const depth = depthOf(product)
    const own = matmulScratchBytes(op.output.shape[0], depth, product.attributes.transposeA)
    return own + (depth > abi.LONG_DEPTH ? 8 * elementCount(op.output.shape) + 12 : 0)
  }
  if (op.name === 'reduce') {
    const { fn, outer, reduced, inner } = (op as Op<'reduce'>).attributes
    const isLong = fn === 'sum' && inner > 1 && reduced > abi.LONG_DEPTH
    return isLong ? 4 * outer * Math.ceil(reduced / abi.LONG_DEPTH) * inner : 0
  }
  if (op.name !== 'kernel') return 0
  const { kernel, with: attributes } = (op as Op<'kernel'>).attributes
  return kernel.scratchBytes?.({ ...op, attributes }) ?? 0
}

/** Addresses of prediction, target and weights (0: none), rows, cols, rowsPerWeight. */
function batchOperands(at: Addresses, [prediction, target, weights]: readonly Value[]): number[] {
  const [rows, cols] = batchRowsOf(prediction)
  const rowsPerWeight = weights ? rows / elementCount(weights.shape) : 1
  return [at.of(prediction), at.of(target), weights ? at.of(weights) : 0, rows, cols, rowsPerWeight]
}

function lossOperands(at: Addresses, inputs: readonly Value[], attributes: LossAttributes): number[] {
  const { code, flags, param, scale, ignoreIndex } = attributes
  return [...batchOperands(at, inputs), code, flags, f32(param), f32(scale), ignoreIndex]
}

type Encoder<N extends OpName> = (op: Op<N>, at: Addresses) => Instruction | readonly Instruction[]

export const encoders: { readonly [N in OpName]: Encoder<N> } = {
  matmul: (op, at) => {
    const { transposeA, transposeB, bias, accumulate, fn, alpha } = op.attributes
    const [a, b, third] = op.inputs
    const [M, N] = op.output.shape
    const flags =
      (transposeA ? abi.MATMUL_TRANSPOSE_A : 0) |
      (transposeB ? abi.MATMUL_TRANSPOSE_B : 0) |
      (accumulate ? abi.MATMUL_ACCUMULATE : 0)
    const K = depthOf(op)
    const isLong = K > abi.LONG_DEPTH
    const sums = isLong ? [at.scratch + matmulScratchBytes(M, K, transposeA)] : []
    const words = [isLong ? flags | abi.MATMUL_LONG : flags, unaryFunctions[fn].code, f32(alpha), at.scratch]
    return {
      code: abi.OP_MATMUL,
      operands: [at.of(op.output), at.of(a), at.of(b), bias ? at.of(third) : 0, M, N, K, ...words, ...sums],
    }
  },
  unary: ({ output, inputs: [x], attributes: { fn, alpha } }, at) => ({
    code: abi.OP_UNARY,
    operands: [at.of(output), at.of(x), elementCount(x.shape), unaryFunctions[fn].code, f32(alpha)],
  }),
  unaryGrad: ({ output, inputs: [dy, saved], attributes: { fn, alpha } }, at) => ({
    code: abi.OP_UNARY_GRAD,
    operands: [
      at.of(output),
      at.of(dy),
      at.of(saved),
      elementCount(dy.shape),
      unaryFunctions[fn].code,
      f32(alpha),
    ],
  }),
  binary: ({ output, inputs: [a, b], attributes: { fn } }, at) => {
    const { shape } = output
    const { outer, inner } = mergeAxes(shape, [stridesOf(a.shape, shape), stridesOf(b.shape, shape)])
    const operands = [at.of(output), at.of(a), at.of(b), binaryFunctions[fn], inner.size, ...inner.strides]
    return { code: abi.OP_BINARY, operands: [...operands, ...outerWords(outer)] }
  },
  reduce: ({ output, inputs: [x], attributes: { fn, outer, reduced, inner, scale } }, at) => ({
    code: abi.OP_REDUCE,
    operands: [at.of(output), at.of(x), outer, reduced, inner, reductions[fn], f32(scale), at.scratch],
  }),
  reshape: () => [],
  expand: ({ output, inputs: [x] }, at) =>
    copyOf(at.of(output), at.of(x), output.shape, stridesOf(output.shape), stridesOf(x.shape, output.shape)),
  permute: ({ output, inputs: [x], attributes: { axes } }, at) => {
    const strides = stridesOf(x.shape)
    return copyOf(
      at.of(output),
      at.of(x),
      output.shape,
      stridesOf(output.shape),
      axes.map((axis) => strides[axis]),
    )
  },
  slice: ({ output, inputs: [x], attributes: { axis, start } }, at) =>
    copyPart(at.of(output), at.of(x) + partOffset(x.shape, axis, start), output.shape, output.shape, x.shape),
  unslice: ({ output, inputs: [x, zero], attributes: { axis, start } }, at) => {
    const { shape } = output
    return [
      copyOf(
        at.of(output),
        at.of(zero),
        shape,
        stridesOf(shape),
        shape.map(() => 0),
      ),
      copyPart(at.of(output) + partOffset(shape, axis, start), at.of(x), x.shape, shape, x.shape),
    ]
  },
  concatenate: ({ output, inputs, attributes: { axis } }, at) => {
    let start = 0
    return inputs.map((input) => {
      const dst = at.of(output) + partOffset(output.shape, axis, start)
      start += input.shape[axis]
      return copyPart(dst, at.of(input), input.shape, output.shape, input.shape)
    })
  },
  copy: ({ output, inputs: [x] }, at) => copyPart(at.of(output), at.of(x), x.shape, x.shape, x.shape),
  softmax: ({ output, inputs: [x], attributes: { log } }, at) => ({
    code: abi.OP_SOFTMAX,
    operands: [at.of(output), at.of(x), ...rowsOf(x), log ? 1 : 0],
  }),
  softmaxGrad: ({ output, inputs: [dy, y], attributes: { log } }, at) => ({
    code: abi.OP_SOFTMAX_GRAD,
    operands: [at.of(output), at.of(dy), at.of(y), ...rowsOf(y), log ? 1 : 0],
  }),
  loss: ({ output, inputs, attributes }, at) => ({
    code: abi.OP_LOSS,
    operands: [at.of(output), ...lossOperands(at, inputs, attributes)],
  }),
  lossGrad: ({ output, inputs, attributes }, at) => {
    const seed = attributes.seeded ? at.of(inputs[inputs.length - 1]) : 0
    const own = attributes.seeded ? inputs.slice(0, -1) : inputs
    return { code: abi.OP_LOSS_GRAD, operands: [at.of(output), seed, ...lossOperands(at, own, attributes)] }
  },
  penalty: ({ output, inputs: [w], attributes: { l1, l2 } }, at) => ({
    code: abi.OP_PENALTY,
    operands: [at.of(output), at.of(w), elementCount(w.shape), f32(l1), f32(l2)],
  }),
  penaltyGrad: ({ output, inputs, attributes: { l1, l2, seeded, accumulate } }, at) => {
    const [w, seed] = inputs
    const operands = [
      at.of(output),
      seeded ? at.of(seed) : 0,
      at.of(w),
      elementCount(w.shape),
      f32(l1),
      f32(l2),
    ]
    return { code: abi.OP_PENALTY_GRAD, operands: [...operands, accumulate ? 1 : 0] }
  },
  kernel: (op, at) => {
    const { kernel, with: attributes } = op.attributes
    return { code: kernel.code, operands: kernel.words({ ...op, attributes }, at) }
  },
  metric: ({ output, inputs, attributes: { code, param, ignoreIndex } }, at) => {
    const rule = [code, f32(param), ignoreIndex === null ? 0 : 1, ignoreIndex ?? 0]
    return { code: abi.OP_METRIC, operands: [at.of(output), ...batchOperands(at, inputs), ...rule] }
  },
}

/** The instructions of one operation. */
export function encode(op: Op, at: Addresses): readonly Instruction[] {
  const encoder = encoders[op.name] as Encoder<OpName>
  const instructions = encoder(op, at)
  return Array.isArray(instructions) ? instructions : [instructions as Instruction]
}
