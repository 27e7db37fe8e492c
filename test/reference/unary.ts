// Every unary function in plain float64, and its slope. For tests alone: uses Math.*, knows no speed.
// The slope of a function that saves x is a central difference of its formula, so the two can't agree by mistake;
// the slope of one that saves y is the formula in y (there is no x to step from). At a kink the slopes follow
// the kernels' stated conventions only where y alone decides; differences across a kink mean nothing.
import type { UnaryFunction } from '../../src/graph/functions.ts'
import type { FunctionName } from '../../src/graph/mathematics.ts'
import { erf, erfc } from './erf.ts'

type Formula = (x: number, alpha: number) => number

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
const clip = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high)
const hardSigmoid = (x: number, slope: number) => clip((slope || 1 / 6) * x + 0.5, 0, 1)

// Klambauer et al. 2017
const SELU_SCALE = 1.0507009873554805
const SELU_ALPHA = 1.6732632423543772

export const unaryFormulas: { readonly [N in FunctionName]: Formula } = {
  linear: (x) => x,
  relu: (x) => Math.max(x, 0),
  relu6: (x) => clip(x, 0, 6),
  leakyRelu: (x, alpha) => (x > 0 ? x : alpha * x),
  elu: (x, alpha) => (x > 0 ? x : alpha * Math.expm1(x)),
  celu: (x, alpha) => (x > 0 ? x : alpha * Math.expm1(x / alpha)),
  selu: (x) => SELU_SCALE * (x > 0 ? x : SELU_ALPHA * Math.expm1(x)),
  gelu: (x) => (x * erfc(-x / Math.SQRT2)) / 2,
  geluTanh: (x) => (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2,
  silu: (x) => x * sigmoid(x),
  sigmoid,
  logSigmoid: (x) => -softplus(-x),
  tanh: Math.tanh,
  softplus,
  softsign: (x) => x / (1 + Math.abs(x)),
  hardSigmoid,
  hardSwish: (x) => x * hardSigmoid(x, 1 / 6),
  hardTanh: (x) => clip(x, -1, 1),
  mish: (x) => x * Math.tanh(softplus(x)),
  exp: Math.exp,
  square: (x) => x * x,
  negate: (x) => -x,
  abs: Math.abs,
  sign: Math.sign,
  log: Math.log,
  sqrt: Math.sqrt,
  reciprocal: (x) => 1 / x,
  erf,
}

/** dy/dx from y, for the functions that save y. */
const slopesOfOutput: Readonly<Record<string, Formula>> = {
  linear: () => 1,
  relu: (y) => (y > 0 ? 1 : 0),
  relu6: (y) => (y > 0 && y < 6 ? 1 : 0),
  leakyRelu: (y, alpha) => (y > 0 ? 1 : alpha),
  elu: (y, alpha) => (y > 0 ? 1 : y + alpha),
  celu: (y, alpha) => (y > 0 ? 1 : 1 + y / alpha),
  selu: (y) => (y > 0 ? SELU_SCALE : y + SELU_SCALE * SELU_ALPHA),
  sigmoid: (y) => y * (1 - y),
  logSigmoid: (y) => -Math.expm1(y),
  tanh: (y) => 1 - y * y,
  softplus: (y) => -Math.expm1(-y),
  softsign: (y) => (1 - Math.abs(y)) ** 2,
  hardSigmoid: (y, slope) => (y > 0 && y < 1 ? slope || 1 / 6 : 0),
  hardTanh: (y) => (y > -1 && y < 1 ? 1 : 0),
  exp: (y) => y,
  sqrt: (y) => 0.5 / y,
  reciprocal: (y) => -y * y,
}

export const formulaOf = ({ name }: UnaryFunction): Formula => unaryFormulas[name as FunctionName]

/** f' from what `fn.saves` names. */
export function unarySlope(fn: UnaryFunction, saved: number, alpha: number): number {
  if (fn.saves === 'y') {
    const slope = slopesOfOutput[fn.name]
    if (!slope) throw new Error(`no slope in y for ${fn.name}`)
    return slope(saved, alpha)
  }
  const f = formulaOf(fn)
  const h = 2 ** -12 // error about h^4 = 4e-15 of the fifth derivative, and 1e-16 / h of rounding
  const near = f(saved + h, alpha) - f(saved - h, alpha)
  const far = f(saved + 2 * h, alpha) - f(saved - 2 * h, alpha)
  return (8 * near - far) / (12 * h)
}
