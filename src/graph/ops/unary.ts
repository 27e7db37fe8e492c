// A function of each element, and its gradient.
import * as abi from '../../../assembly/abi.ts'
import { elementCount } from '../../numerics/tensor.ts'
import { f32 } from '../../numerics/words.ts'
import type { UnaryFunction } from '../functions.ts'
import type { Epilogue, Kernel, Writer } from '../kernel.ts'
import type { Value } from '../value.ts'
import { rangeOf } from './ranges.ts'

/** fn(x); `alpha` is the negative slope, or the alpha of elu and celu. */
export const unaryKernel: Kernel<Epilogue> = {
  name: 'unary',
  code: abi.OP_UNARY,
  calls: ({ fn }) => fn.module,
  words: ({ output, inputs: [x], attributes: { fn, alpha } }) => ({
    [abi.UNARY_DST]: output,
    [abi.UNARY_SRC]: x,
    [abi.UNARY_COUNT]: elementCount(x.shape),
    [abi.UNARY_FN]: fn.code,
    [abi.UNARY_ALPHA]: f32(alpha),
  }),
  reuses: [0],
  epilogue: (attributes) => attributes,
  text: ({ fn }) => fn.name,
  range: ({ attributes: { fn } }) => rangeOf(fn),
  gradient: (g, { attributes, inputs: [x], output }, dy) =>
    g.add(unaryGradKernel, [dy, attributes.fn.saves === 'x' ? x : output], attributes),
}

/** dy fn'(x); inputs: dy, then y or x as the function's derivative needs it. */
export const unaryGradKernel: Kernel<Epilogue> = {
  name: 'unaryGrad',
  code: abi.OP_UNARY_GRAD,
  calls: ({ fn }) => fn.module,
  words: ({ output, inputs: [dy, saved], attributes: { fn, alpha } }) => ({
    [abi.UNARY_GRAD_DX]: output,
    [abi.UNARY_GRAD_DY]: dy,
    [abi.UNARY_GRAD_SAVED]: saved,
    [abi.UNARY_GRAD_COUNT]: elementCount(dy.shape),
    [abi.UNARY_GRAD_FN]: fn.gradient,
    [abi.UNARY_GRAD_ALPHA]: f32(alpha),
  }),
  reuses: [0],
  text: ({ fn }) => fn.name,
}

/** fn(x), element by element; `alpha` is the parameter of those that have one. */
export function unary(g: Writer, fn: UnaryFunction, x: Value, alpha = 0): Value {
  return fn.code === abi.FN_LINEAR ? x : g.add(unaryKernel, [x], { fn, alpha })[0]
}
