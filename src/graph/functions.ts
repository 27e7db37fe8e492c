// The unary functions by name: activations, and what other operations are composed of. The kernel
// (assembly/kernels/unary.ts) agrees with this table.
import * as abi from '../../assembly/abi.ts'
import { functionsModule } from '../binaries/core.ts'
import type { KernelModule } from '../binaries/kernel-module.ts'

interface UnaryFunction {
  readonly code: number
  readonly saves: 'x' | 'y'
  readonly range?: readonly [low: number, high: number]
}

/** The least of numbers above 0. */
const ABOVE_0 = Number.MIN_VALUE
const ANY = [-Infinity, Infinity] as const
const SIGNED = [-1, 1] as const
const NON_NEGATIVE = [0, Infinity] as const

/**
 * The function's code in the ABI, and what its derivative is computed from: the output y (so that the input need not be
 * kept, and a matmul can apply the function itself) or the input x; and the least and largest number it gives, where that tells
 * a layer's output apart (training/range.ts).
 */
export const unaryFunctions = {
  linear: { code: abi.FN_LINEAR, saves: 'y', range: ANY },
  relu: { code: abi.FN_RELU, saves: 'y', range: NON_NEGATIVE },
  relu6: { code: abi.FN_RELU6, saves: 'y', range: [0, 6] },
  leakyRelu: { code: abi.FN_LEAKY_RELU, saves: 'y', range: ANY },
  elu: { code: abi.FN_ELU, saves: 'y', range: ANY },
  celu: { code: abi.FN_CELU, saves: 'y', range: ANY },
  selu: { code: abi.FN_SELU, saves: 'y', range: ANY },
  gelu: { code: abi.FN_GELU, saves: 'x', range: ANY },
  geluTanh: { code: abi.FN_GELU_TANH, saves: 'x', range: ANY },
  silu: { code: abi.FN_SILU, saves: 'x', range: ANY },
  sigmoid: { code: abi.FN_SIGMOID, saves: 'y', range: [0, 1] },
  logSigmoid: { code: abi.FN_LOG_SIGMOID, saves: 'y', range: [-Infinity, 0] },
  tanh: { code: abi.FN_TANH, saves: 'y', range: SIGNED },
  softplus: { code: abi.FN_SOFTPLUS, saves: 'y', range: [ABOVE_0, Infinity] },
  softsign: { code: abi.FN_SOFTSIGN, saves: 'y', range: SIGNED },
  hardSigmoid: { code: abi.FN_HARD_SIGMOID, saves: 'y', range: [0, 1] },
  hardSwish: { code: abi.FN_HARD_SWISH, saves: 'x', range: ANY },
  hardTanh: { code: abi.FN_HARD_TANH, saves: 'y', range: SIGNED },
  mish: { code: abi.FN_MISH, saves: 'x', range: ANY },
  exp: { code: abi.FN_EXP, saves: 'y', range: [ABOVE_0, Infinity] },
  square: { code: abi.FN_SQUARE, saves: 'x', range: NON_NEGATIVE },
  negate: { code: abi.FN_NEGATE, saves: 'x' },
  abs: { code: abi.FN_ABS, saves: 'x', range: NON_NEGATIVE },
  sign: { code: abi.FN_SIGN, saves: 'x', range: SIGNED },
  log: { code: abi.FN_LOG, saves: 'x' },
  sqrt: { code: abi.FN_SQRT, saves: 'y', range: NON_NEGATIVE },
  reciprocal: { code: abi.FN_RECIPROCAL, saves: 'y' },
  erf: { code: abi.FN_ERF, saves: 'x', range: SIGNED },
} as const satisfies Record<string, UnaryFunction>
export type UnaryName = keyof typeof unaryFunctions

/** The module that the function's loops lie in, null: the core. */
export const moduleOf = (fn: UnaryName): KernelModule | null =>
  unaryFunctions[fn].code < abi.FN_CORE_END ? null : functionsModule
