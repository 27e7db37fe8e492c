// The unary functions that no activation names: a program has them, and the module of their loops, where something in it is written
// with them.
import * as abi from '../../assembly/abi.ts'
import { mathematicsModule } from '../binaries/mathematics.ts'
import { functionsOf, NON_NEGATIVE, SIGNED, unaryFunctions } from './functions.ts'

export const mathematicalFunctions = /*#__PURE__*/ functionsOf(mathematicsModule, abi.MATHEMATICS_GRADIENTS, {
  abs: [abi.FN_ABS, 'x', NON_NEGATIVE],
  sign: [abi.FN_SIGN, 'x', SIGNED],
  log: [abi.FN_LOG, 'x'],
  sqrt: [abi.FN_SQRT, 'y', NON_NEGATIVE],
  reciprocal: [abi.FN_RECIPROCAL, 'y'],
  erf: [abi.FN_ERF, 'x', SIGNED],
})

/** All unary functions, for what names them by strings. */
export const allFunctions = { ...unaryFunctions, ...mathematicalFunctions }
export type FunctionName = keyof typeof allFunctions
