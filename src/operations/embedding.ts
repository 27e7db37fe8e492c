// Operations of embeddings: rows of a table by their numbers. The kernels lie in the module of attention, since models that use
// one use the other.
import * as abi from '../../assembly/abi.ts'
import { attentionModule } from '../binaries/attention.ts'
import type { Kernel, Words } from '../graph/kernel.ts'
import { weighted } from '../graph/ops/ranges.ts'
import type { Value } from '../graph/value.ts'
import { fail } from '../numerics/errors.ts'
import { type Shape, shapeText } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'

const gatherWords = (dst: Value, src: Value, ids: Value, [rows, width]: Shape): Words => ({
  [abi.GATHER_DST]: dst,
  [abi.GATHER_SRC]: src,
  [abi.GATHER_IDS]: ids,
  [abi.GATHER_COUNT]: elementCount(ids.shape),
  [abi.GATHER_ROWS]: rows,
  [abi.GATHER_WIDTH]: width,
})

/** inputs: table [rows, width], int32 ids [...]; gives [..., width]. An id outside the table gives zeros. */
export const gather: Kernel = {
  name: 'gather',
  module: attentionModule,
  code: abi.OP_GATHER,
  int32: [1],
  shapes([table, ids]) {
    if (table.shape.length !== 2 || ids.dtype !== 'int32')
      fail(
        `gather: expected a table [rows,width] and int32 ids; got ${shapeText(table.shape)} and ${ids.dtype}`,
      )
    return [[...ids.shape, table.shape[1]]]
  },
  words: ({ inputs: [table, ids], output }) => gatherWords(output, table, ids, table.shape),
  range: weighted,
  gradient: (g, { inputs: [table, ids] }, dy) => g.add(gatherGrad, [dy, ids], { rows: table.shape[0] }),
}

/** inputs: dy [..., width], ids [...]; gives the table's gradient [rows, width]: sums in order of position. */
export const gatherGrad: Kernel<{ readonly rows: number }> = {
  name: 'gatherGrad',
  module: attentionModule,
  code: abi.OP_GATHER_GRAD,
  int32: [1],
  shapes: ([dy], { rows }) => [[rows, dy.shape[dy.shape.length - 1]]],
  words: ({ inputs: [dy, ids], output }, at) => ({
    ...gatherWords(output, dy, ids, output.shape),
    [abi.GATHER_SCRATCH]: at.scratch,
  }),
  scratchBytes: ({ inputs: [, ids], output: { shape } }) =>
    4 * (shape[0] + elementCount(ids.shape) + shape[1]) + 12,
}

/** 1 where an int32 id isn't 0, else 0: the mask of padded sequences. */
export const nonZero: Kernel = {
  name: 'nonZero',
  module: attentionModule,
  code: abi.OP_NON_ZERO,
  int32: [0],
  words: ({ inputs: [ids], output }) => ({
    [abi.NON_ZERO_DST]: output,
    [abi.NON_ZERO_IDS]: ids,
    [abi.NON_ZERO_COUNT]: elementCount(ids.shape),
  }),
}
