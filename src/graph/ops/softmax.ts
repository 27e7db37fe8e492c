// Softmax over the last axis, or its logarithm, and its gradient.
import * as abi from '../../../assembly/abi.ts'
import { extrasModule } from '../../binaries/core.ts'
import { elementCount } from '../../numerics/tensor.ts'
import type { Kernel, Writer } from '../kernel.ts'
import type { Value } from '../value.ts'

export interface SoftmaxAttributes {
  /** The logarithm. */
  readonly log: boolean
}

/** Rows and columns of a value whose last axis is the row. */
function rowsOf({ shape }: Value): [rows: number, cols: number] {
  const cols = shape[shape.length - 1] ?? 1
  return [elementCount(shape) / cols, cols]
}

export const softmaxKernel: Kernel<SoftmaxAttributes> = {
  name: 'softmax',
  code: abi.OP_SOFTMAX,
  words: ({ output, inputs: [x], attributes: { log } }) => ({
    [abi.SOFTMAX_DST]: output,
    [abi.SOFTMAX_SRC]: x,
    [abi.SOFTMAX_ROWS]: rowsOf(x),
    [abi.SOFTMAX_IS_LOG]: Number(log),
  }),
  reuses: [0],
  range: ({ attributes: { log } }) =>
    log ? { low: -Infinity, high: 0, shares: null } : { low: 0, high: 1, shares: 'rows' },
  gradient: (g, { attributes, output }, dy) => g.add(softmaxGradKernel, [dy, output], attributes),
}

/** Inputs: dy, y. */
export const softmaxGradKernel: Kernel<SoftmaxAttributes> = {
  name: 'softmaxGrad',
  code: abi.OP_SOFTMAX_GRAD,
  module: extrasModule,
  words: ({ output, inputs: [dy, y], attributes: { log } }) => ({
    [abi.SOFTMAX_GRAD_DX]: output,
    [abi.SOFTMAX_GRAD_DY]: dy,
    [abi.SOFTMAX_GRAD_Y]: y,
    [abi.SOFTMAX_GRAD_ROWS]: rowsOf(y),
    [abi.SOFTMAX_GRAD_IS_LOG]: Number(log),
  }),
  reuses: [0],
}

/** Softmax over the last axis, or its logarithm. */
export const softmax = (g: Writer, x: Value, log = false): Value => g.add(softmaxKernel, [x], { log })[0]
