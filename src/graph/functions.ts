// The unary functions that activations name, as rows of a table. The kernels (assembly/kernels/unary.ts) agree with it. The other
// unary functions are in mathematics.ts.
import * as abi from '../../assembly/abi.ts'
import { functionsModule } from '../binaries/core.ts'
import type { KernelModule } from '../binaries/kernel-module.ts'

/**
 * A row: the function's code in the ABI, and what its derivative is computed from: the output y (so that the input need not be
 * kept, and a matmul can apply the function itself) or the input x; and the least and largest number it gives, where that tells
 * a layer's output apart (training/range.ts).
 */
type Row = readonly [code: number, saves: 'x' | 'y', range?: readonly [low: number, high: number]]

/** A unary function, as operations have it among their attributes. */
export interface UnaryFunction<N extends string = string> {
  readonly name: N
  readonly code: number
  /** The code of the gradient. */
  readonly gradient: number
  readonly saves: 'x' | 'y'
  readonly range?: readonly [low: number, high: number]
  /** The module that its loops lie in; null: the core. */
  readonly module: KernelModule | null
}

/** Functions of the core and of `module`, in which gradients lie `gradients` places behind. */
export const functionsOf = <N extends string>(
  module: KernelModule,
  gradients: number,
  rows: Readonly<Record<N, Row>>,
): { readonly [M in N]: UnaryFunction<M> } => {
  const functions: Partial<Record<string, UnaryFunction>> = {}
  for (const name of Object.keys(rows) as N[]) {
    const { 0: code, 1: saves, 2: range } = rows[name] // a list taken apart makes an object for each part
    const isOwn = code >= abi.FN_CORE_END
    const gradient = isOwn ? code + gradients : code
    functions[name] = { name, code, gradient, saves, range, module: isOwn ? module : null }
  }
  return functions as { readonly [M in N]: UnaryFunction<M> }
}

/** The least of numbers above 0. */
const ABOVE_0 = Number.MIN_VALUE
const ANY = [-Infinity, Infinity] as const
export const SIGNED = [-1, 1] as const
export const NON_NEGATIVE = [0, Infinity] as const

export const unaryFunctions = /*#__PURE__*/ functionsOf(functionsModule, abi.FN_GRADIENTS, {
  linear: [abi.FN_LINEAR, 'y', ANY],
  relu: [abi.FN_RELU, 'y', NON_NEGATIVE],
  relu6: [abi.FN_RELU6, 'y', [0, 6]],
  leakyRelu: [abi.FN_LEAKY_RELU, 'y', ANY],
  elu: [abi.FN_ELU, 'y', ANY],
  celu: [abi.FN_CELU, 'y', ANY],
  selu: [abi.FN_SELU, 'y', ANY],
  gelu: [abi.FN_GELU, 'x', ANY],
  geluTanh: [abi.FN_GELU_TANH, 'x', ANY],
  silu: [abi.FN_SILU, 'x', ANY],
  sigmoid: [abi.FN_SIGMOID, 'y', [0, 1]],
  logSigmoid: [abi.FN_LOG_SIGMOID, 'y', [-Infinity, 0]],
  tanh: [abi.FN_TANH, 'y', SIGNED],
  softplus: [abi.FN_SOFTPLUS, 'y', [ABOVE_0, Infinity]],
  softsign: [abi.FN_SOFTSIGN, 'y', SIGNED],
  hardSigmoid: [abi.FN_HARD_SIGMOID, 'y', [0, 1]],
  hardSwish: [abi.FN_HARD_SWISH, 'x', ANY],
  hardTanh: [abi.FN_HARD_TANH, 'y', SIGNED],
  mish: [abi.FN_MISH, 'x', ANY],
  exp: [abi.FN_EXP, 'y', [ABOVE_0, Infinity]],
  square: [abi.FN_SQUARE, 'x', NON_NEGATIVE],
  negate: [abi.FN_NEGATE, 'x'],
})
export type UnaryName = keyof typeof unaryFunctions
