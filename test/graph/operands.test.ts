// What a kernel is told: words from offset 0 on without a gap, up to the last one that abi.ts names for it, which is what the
// kernels of assembly/ read.
import { expect, test } from 'vitest'
import * as abi from '../../assembly/abi.ts'
import type { Op } from '../../src/graph/kernel.ts'
import type { Value } from '../../src/graph/value.ts'
import { leavesOfCase, type OpCase, opCases, writeCase } from '../op-cases/index.ts'
import type { TestBuilder } from '../support/builder.ts'
import { prepareGraph } from '../support/run-graph.ts'

/** The last operand of each kernel; binary's and copy's axes are as many as the shapes need, a long matmul has one more. */
const LAST: Readonly<Record<string, number | null>> = {
  matmul: null,
  binary: null,
  unary: abi.UNARY_ALPHA,
  unaryGrad: abi.UNARY_GRAD_ALPHA,
  reduce: abi.REDUCE_RANGES,
  softmax: abi.SOFTMAX_IS_LOG,
  softmaxGrad: abi.SOFTMAX_GRAD_IS_LOG,
  loss: abi.LOSS_TERMS + abi.LOSS_TERMS_IGNORE_INDEX,
  lossGrad: abi.LOSS_GRAD_TERMS + abi.LOSS_TERMS_IGNORE_INDEX,
  penalty: abi.PENALTY_L2,
  penaltyGrad: abi.PENALTY_GRAD_ADDS,
  metric: abi.METRIC_IGNORE_INDEX,
  convert: abi.CONVERT_COUNT,
  random: abi.RANDOM_DRAW + abi.DRAW_STREAM,
  dropout: abi.DROPOUT_DRAW + abi.DRAW_STREAM,
  layerNormalize: abi.LAYER_NORMALIZE_EPSILON,
  layerNormalizeGrad: abi.LAYER_NORMALIZE_GRAD_SCRATCH,
  channelNormalize: abi.CHANNEL_NORMALIZE_SCRATCH,
  channelNormalizeGrad: abi.CHANNEL_NORMALIZE_GRAD_SCRATCH,
  encodeCategories: abi.CATEGORIES_IS_COUNT,
  scaleShift: abi.SCALE_SHIFT_ALPHA,
  maxPool: abi.POOL_PAIRS,
  maxPoolGrad: abi.POOL_PAIRS,
  averagePool: abi.POOL_PAIRS,
  averagePoolGrad: abi.POOL_PAIRS,
  resize: abi.RESIZE_FULL,
  resizeGrad: abi.RESIZE_FULL,
  gather: abi.GATHER_WIDTH,
  gatherGrad: abi.GATHER_SCRATCH,
  nonZero: abi.NON_ZERO_COUNT,
  attention: abi.ATTENTION_OUT,
  attentionGrad: abi.ATTENTION_DV,
  batchMatmul: abi.BATCH_MATMUL_SCRATCH,
  conv: abi.CONV_TILED,
  convInputGrad: abi.CONV_TILED,
  convWeightGrad: abi.CONV_TILED,
  depthwise: abi.CONV_TILED,
  depthwiseInputGrad: abi.CONV_TILED,
  depthwiseWeightGrad: abi.CONV_TILED,
  lstm: abi.RECURRENT_SCRATCH,
  lstmGrad: abi.RECURRENT_SCRATCH,
  gru: abi.RECURRENT_SCRATCH,
  gruGrad: abi.RECURRENT_SCRATCH,
  gruBefore: abi.RECURRENT_SCRATCH,
  gruBeforeGrad: abi.RECURRENT_SCRATCH,
  simpleRnn: abi.RECURRENT_SCRATCH,
  simpleRnnGrad: abi.RECURRENT_SCRATCH,
  reverse: abi.REVERSE_INNER,
}

/** The operations of a case and of its gradient. */
function opsOf(one: OpCase): readonly Op[] {
  const write = (g: TestBuilder, inputs: readonly Value[]) => {
    const y = writeCase(g, one, inputs)
    const by = one.by.map((i) => inputs[i])
    return by.length > 0 ? { results: { y }, loss: g.sum(y), by } : { results: { y } }
  }
  return prepareGraph(abi.ARENA_START, write, leavesOfCase(one)).ops
}

/** By offset: how many words from there on. */
const countsOf = (op: Op): [number, number][] => {
  const { kernel } = op
  if (!('words' in kernel)) return []
  const words = kernel.words(op, { of: () => 64, scratch: 128, header: abi.ARENA_START })
  return Object.entries(words).map(([offset, word]) => [
    Number(offset),
    Array.isArray(word) ? word.length : 1,
  ])
}

test('operands of every kernel are complete and without gaps', () => {
  const ops = opCases.flatMap(opsOf).filter(({ kernel }) => 'words' in kernel)
  const seen = new Set<string>()
  const faults: string[] = []
  for (const op of ops) {
    const { name } = op.kernel
    seen.add(name)
    let end = 0
    for (const [offset, count] of countsOf(op)) {
      if (offset !== end) faults.push(`${name}: ${offset} behind ${end}`)
      end += 4 * count
    }
    const last = LAST[name]
    if (last !== null && end - 4 !== last) faults.push(`${name}: ${end - 4} is the last, expected ${last}`)
  }
  expect(faults).toEqual([])
  expect([...seen].sort()).toEqual(Object.keys(LAST).sort())
})
