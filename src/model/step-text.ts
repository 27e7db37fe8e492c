// The instructions of a plan in words.
import {
  OP_ACCUMULATE,
  OP_CONSTRAIN,
  OP_EMA,
  OP_RARE_UPDATE,
  OP_RMSPROP,
  OP_UNARY,
  OP_UPDATE,
} from '../../assembly/abi.ts'
import { kernelText } from '../graph/kernel.ts'
import type { Step } from '../plan/plan.ts'

/** The instructions that don't stand for an operation; nonNeg is a unary one. */
const updateTexts: Readonly<Record<number, string>> = {
  [OP_UPDATE]: 'update',
  [OP_RARE_UPDATE]: 'update',
  [OP_RMSPROP]: 'update',
  [OP_UNARY]: 'constrain',
  [OP_CONSTRAIN]: 'constrain',
  [OP_EMA]: 'ema',
  [OP_ACCUMULATE]: 'accumulate',
}

/** An instruction in words. */
export function stepText({ op, instruction }: Step): string {
  return op ? kernelText(op) : (updateTexts[instruction.code] ?? 'clip')
}
