// The operations: what each takes, its attributes, and the shape of what it makes. Everything a user's layer
// or loss is built of. A new operation starts here: its row in OpAttributes makes every table that lacks it
// (shapes, gradient rules, encoders) a compile error.
import * as abi from '../../assembly/abi.ts'
import { fail } from '../numerics/errors.ts'
import { type Shape, sameShape, shapeText } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'
import type { Kernel } from './kernel.ts'
import type { Value } from './value.ts'

/**
 * Unary functions: code in the ABI, and what their derivative is computed from: the output y (so that the
 * input need not be kept), or the input x. The kernel (assembly/kernels/unary.ts) agrees with this table.
 */
export const unaryFunctions = {
  linear: { code: abi.FN_LINEAR, saves: 'y' },
  relu: { code: abi.FN_RELU, saves: 'y' },
  relu6: { code: abi.FN_RELU6, saves: 'y' },
  leakyRelu: { code: abi.FN_LEAKY_RELU, saves: 'y' },
  elu: { code: abi.FN_ELU, saves: 'y' },
  celu: { code: abi.FN_CELU, saves: 'y' },
  selu: { code: abi.FN_SELU, saves: 'y' },
  gelu: { code: abi.FN_GELU, saves: 'x' },
  geluTanh: { code: abi.FN_GELU_TANH, saves: 'x' },
  silu: { code: abi.FN_SILU, saves: 'x' },
  sigmoid: { code: abi.FN_SIGMOID, saves: 'y' },
  logSigmoid: { code: abi.FN_LOG_SIGMOID, saves: 'y' },
  tanh: { code: abi.FN_TANH, saves: 'y' },
  softplus: { code: abi.FN_SOFTPLUS, saves: 'y' },
  softsign: { code: abi.FN_SOFTSIGN, saves: 'y' },
  hardSigmoid: { code: abi.FN_HARD_SIGMOID, saves: 'y' },
  hardSwish: { code: abi.FN_HARD_SWISH, saves: 'x' },
  hardTanh: { code: abi.FN_HARD_TANH, saves: 'y' },
  mish: { code: abi.FN_MISH, saves: 'x' },
  exp: { code: abi.FN_EXP, saves: 'y' },
  square: { code: abi.FN_SQUARE, saves: 'x' },
  negate: { code: abi.FN_NEGATE, saves: 'x' },
  abs: { code: abi.FN_ABS, saves: 'x' },
  sign: { code: abi.FN_SIGN, saves: 'x' },
  log: { code: abi.FN_LOG, saves: 'x' },
  sqrt: { code: abi.FN_SQRT, saves: 'y' },
  reciprocal: { code: abi.FN_RECIPROCAL, saves: 'y' },
  erf: { code: abi.FN_ERF, saves: 'x' },
} as const satisfies Record<string, { code: number; saves: 'x' | 'y' }>
export type UnaryName = keyof typeof unaryFunctions

export const binaryFunctions = {
  add: abi.BINARY_ADD,
  subtract: abi.BINARY_SUBTRACT,
  multiply: abi.BINARY_MULTIPLY,
  divide: abi.BINARY_DIVIDE,
  maximum: abi.BINARY_MAXIMUM,
  minimum: abi.BINARY_MINIMUM,
  greater: abi.BINARY_GREATER,
  greaterEqual: abi.BINARY_GREATER_EQUAL,
  equal: abi.BINARY_EQUAL,
} as const
export type BinaryName = keyof typeof binaryFunctions

export const reductions = { sum: abi.REDUCE_SUM, max: abi.REDUCE_MAX, min: abi.REDUCE_MIN } as const
export type ReductionName = keyof typeof reductions

interface Unary {
  readonly fn: UnaryName
  /** negative slope, or the alpha of elu and celu */
  readonly alpha: number
}

export interface LossAttributes {
  readonly loss: string
  /** LOSS_* */
  readonly code: number
  /** LOSS_MEAN, LOSS_IGNORE_INDEX */
  readonly flags: number
  /** delta of huber, label smoothing of the cross-entropies */
  readonly param: number
  /** weight of this loss in the total */
  readonly scale: number
  readonly ignoreIndex: number
}

export interface OpAttributes {
  /** op(a) . op(b) [+ bias] [then activation] [+ the last input, whose buffer is reused] */
  matmul: {
    readonly transposeA: boolean
    readonly transposeB: boolean
    readonly bias: boolean
    readonly accumulate: boolean
    readonly fn: UnaryName
    readonly alpha: number
  }
  unary: Unary
  /** inputs: dy, then y or x as the function's table row says */
  unaryGrad: Unary
  binary: { readonly fn: BinaryName }
  /** over the middle of [outer, reduced, inner] */
  reduce: {
    readonly fn: ReductionName
    readonly outer: number
    readonly reduced: number
    readonly inner: number
    readonly scale: number
    readonly shape: Shape
  }
  /** the same elements under another shape: no copy */
  reshape: { readonly shape: Shape }
  /** broadcast to a larger shape */
  expand: { readonly shape: Shape }
  permute: { readonly axes: readonly number[] }
  slice: { readonly axis: number; readonly start: number; readonly size: number }
  /** zeros of `shape`, with the input at `start` of `axis`; the second input is the constant 0 */
  unslice: { readonly axis: number; readonly start: number; readonly shape: Shape }
  concatenate: { readonly axis: number }
  copy: Record<never, never>
  /** over the last axis */
  softmax: { readonly log: boolean }
  softmaxGrad: { readonly log: boolean }
  /** inputs: prediction, target [, sample weights]; a scalar */
  loss: LossAttributes
  /** inputs: the same and, if `seeded`, the gradient of the loss value */
  lossGrad: LossAttributes & { readonly seeded: boolean }
  /** l1 * sum |w| + l2 * sum w^2 */
  penalty: { readonly l1: number; readonly l2: number }
  /** inputs: w [, seed] [, the gradient to add to, whose buffer is reused] */
  penaltyGrad: {
    readonly l1: number
    readonly l2: number
    readonly seeded: boolean
    readonly accumulate: boolean
  }
  /** an operation of kernel.ts; `with` are its own attributes */
  kernel: { readonly kernel: Kernel; readonly with: object }
  /** inputs: prediction, target [, weights]; [sum over rows, sum of the weights of the rows that count] */
  metric: {
    readonly metric: string
    readonly code: number
    readonly param: number
    /** Rows of this class id don't count; null: all do. */
    readonly ignoreIndex: number | null
  }
}
export type OpName = keyof OpAttributes

type ShapeRule<N extends OpName> = (inputs: readonly Value[], attributes: OpAttributes[N]) => Shape

/** The axes of `shape` and `other`, aligned at the right, broadcast against each other. */
export function broadcastShape(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length)
  const shape: number[] = []
  for (let i = 0; i < rank; i++) {
    const p = a[i - rank + a.length] ?? 1
    const q = b[i - rank + b.length] ?? 1
    if (p !== q && p !== 1 && q !== 1) fail(`shapes ${shapeText(a)} and ${shapeText(b)} don't broadcast`)
    shape.push(p === 1 ? q : p)
  }
  return shape
}

const first = (inputs: readonly Value[]): Shape => inputs[0].shape
const second = (inputs: readonly Value[]): Shape => inputs[1].shape

function checkAxis(axis: number, shape: Shape): void {
  if (!Number.isInteger(axis) || axis < 0 || axis >= shape.length)
    fail(`axis ${axis} of shape ${shapeText(shape)}`)
}

/** What each operation makes; throws where the inputs don't fit. */
export const shapeRules: { readonly [N in OpName]: ShapeRule<N> } = {
  matmul: (inputs, { transposeA, transposeB }) => {
    const a = first(inputs)
    const b = second(inputs)
    if (a.length !== 2 || b.length !== 2)
      fail(`matmul of ${shapeText(a)} and ${shapeText(b)}: expected two matrices`)
    const [rows, depth] = (transposeA ? [a[1], a[0]] : a) as [number, number]
    const [depthB, cols] = (transposeB ? [b[1], b[0]] : b) as [number, number]
    if (depth !== depthB)
      fail(`matmul of ${shapeText(a)} and ${shapeText(b)}: inner sizes ${depth} and ${depthB} differ`)
    return [rows, cols]
  },
  unary: (inputs) => first(inputs),
  unaryGrad: (inputs) => first(inputs),
  binary: (inputs) => broadcastShape(first(inputs), second(inputs)),
  reduce: (_, { shape }) => shape,
  reshape: (inputs, { shape }) => {
    if (elementCount(shape) !== elementCount(first(inputs)))
      fail(`reshape of ${shapeText(first(inputs))} to ${shapeText(shape)}`)
    return shape
  },
  expand: (inputs, { shape }) => {
    if (!sameShape(broadcastShape(first(inputs), shape), shape))
      fail(`expand of ${shapeText(first(inputs))} to ${shapeText(shape)}`)
    return shape
  },
  permute: (inputs, { axes }) => {
    const shape = first(inputs)
    if ([...axes].sort((a, b) => a - b).join() !== shape.map((_, i) => i).join())
      fail(`permute of ${shapeText(shape)} by ${shapeText(axes)}`)
    return axes.map((axis) => shape[axis])
  },
  slice: (inputs, { axis, start, size }) => {
    const shape = first(inputs)
    checkAxis(axis, shape)
    if (start < 0 || size < 1 || start + size > shape[axis])
      fail(`slice ${start}..${start + size} of axis ${axis} of ${shapeText(shape)}`)
    return shape.map((n, i) => (i === axis ? size : n))
  },
  unslice: (_, { shape }) => shape,
  concatenate: (inputs, { axis }) => {
    const shape = first(inputs)
    checkAxis(axis, shape)
    let total = 0
    for (const input of inputs) {
      const fits =
        input.shape.length === shape.length && input.shape.every((n, i) => i === axis || n === shape[i])
      if (!fits)
        fail(
          `concatenate of ${inputs.map((v) => shapeText(v.shape)).join(' and ')} along axis ${axis}: the other axes differ`,
        )
      total += input.shape[axis] as number
    }
    return shape.map((n, i) => (i === axis ? total : n))
  },
  copy: (inputs) => first(inputs),
  softmax: (inputs) => first(inputs),
  softmaxGrad: (inputs) => first(inputs),
  loss: () => [],
  lossGrad: (inputs) => first(inputs),
  penalty: () => [],
  penaltyGrad: (inputs) => first(inputs),
  metric: () => [2],
  kernel: (inputs, attributes) => attributes.kernel.shapes(inputs, attributes.with)[0],
}
