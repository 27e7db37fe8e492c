// The attention and embedding part of the case table: widths and lengths around the four lanes, more queries than the
// kernel takes in one causal block, ids that come more than once and ids that are no row.
import { attention, batchMatmulKernel } from '../../src/operations/attention.ts'
import { gather, nonZero } from '../../src/operations/embedding.ts'
import { type CaseInput, kernelCase, of, text } from './case.ts'

const gatherSizes = [
  [1, 1, [1]],
  [5, 3, [7]],
  [4, 4, [2, 3]],
  [3, 17, [2, 5]],
] as const

const gatherCases = gatherSizes.map(([rows, width, ids]) =>
  kernelCase(
    gather,
    `${text([rows, width])} by ${text(ids)}`,
    // now and then an id in front of the first row, or behind the last
    [of([rows, width]), of(ids, { classes: rows, ...(rows > 1 && { ignored: rows === 3 ? rows : -1 }) })],
    {},
    [0],
  ),
)

const nonZeroCases = [1, 4, 7].map((count) =>
  kernelCase(nonZero, `${count}`, [of([count], { classes: 2 })], {}, []),
)

const kept: CaseInput['domain'] = { from: -1, to: 1, via: (x) => (x > -0.4 ? 1 : 0) }
// batch, heads, queries, keys, K, V
const attentionSizes = [
  ['one of all', [1, 1, 1, 1, 1, 1], {}],
  ['self', [2, 2, 5, 5, 3, 3], {}],
  ['causal', [2, 3, 5, 5, 2, 4], { causal: true }],
  ['two blocks, causal', [1, 2, 37, 37, 4, 3], { causal: true }],
  ['fewer keys, causal', [1, 1, 35, 6, 2, 2], { causal: true }],
  ['more keys, causal', [1, 1, 3, 6, 2, 2], { causal: true }],
  ['cross', [2, 2, 3, 9, 5, 1], {}],
  ['masked', [3, 2, 4, 7, 3, 2], { masked: true }],
  ['masked, causal', [3, 1, 7, 7, 3, 2], { masked: true, causal: true }],
  ['dropout', [1, 2, 4, 5, 3, 2], { dropped: true }],
  ['masked, dropout, causal', [2, 1, 34, 34, 2, 2], { masked: true, dropped: true, causal: true }],
] as const

const attentionCases = attentionSizes.map(([name, [batch, heads, Tq, Tk, K, V], options]) => {
  const attributes = { heads, scale: 0.7, causal: false, masked: false, dropped: false, ...options }
  const inputs = [of([batch, Tq, heads * K]), of([batch, Tk, heads * K]), of([batch, Tk, heads * V])]
  if (attributes.masked) inputs.push(of([batch, Tk], kept))
  if (attributes.dropped) inputs.push(of([batch, heads, Tq, Tk], { ...kept, via: (x) => (x > 0 ? 2 : 0) }))
  return kernelCase(attention, name, inputs, attributes, [0, 1, 2])
})

const matrixCases = [false, true].flatMap((transposeA) =>
  [false, true].map((transposeB) => {
    const a = transposeA ? [5, 9] : [9, 5]
    const b = transposeB ? [3, 5] : [5, 3]
    return kernelCase(
      batchMatmulKernel,
      `${transposeA ? 'A^T' : 'A'} ${transposeB ? 'B^T' : 'B'}`,
      [of([2, 3, ...a]), of([2, 3, ...b])],
      { transposeA, transposeB },
      [0, 1],
    )
  }),
)

export const attentionModuleCases = [...gatherCases, ...nonZeroCases, ...attentionCases, ...matrixCases]
