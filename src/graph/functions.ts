// The unary functions by name: activations, and what other operations are composed of. The kernel
// (assembly/kernels/unary.ts) agrees with this table.
import * as abi from '../../assembly/abi.ts'

/**
 * The function's code in the ABI, and what its derivative is computed from: the output y (so that the input need not be
 * kept, and a matmul can apply the function itself) or the input x.
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
