// The convolutions' part of the case table: one, two and three axes; channels and filters around a vector; strides,
// dilations and padding, also more than the kernel reaches; groups; more rows than a block. Plain data.
import type { Kernel } from '../../src/graph/kernel.ts'
import type { Shape } from '../../src/numerics/shape.ts'
import { conv, convInputGrad, depthwise } from '../../src/operations/convolution.ts'
import type { ConvGeometry } from '../../src/operations/convolution-words.ts'
import { kernelCase, of } from './case.ts'

interface Window {
  readonly strides?: Shape
  readonly dilations?: Shape
  readonly before?: Shape
  readonly after?: Shape
  readonly groups?: number
}

const ones = [1, 1, 1]
const zeros = [0, 0, 0]

/** batch, sizes of x and kernel [d, h, w]; channels in; filters (of each channel, where depthwise) */
function convCase(
  kernel: Kernel<ConvGeometry>,
  batch: number,
  [input, size]: readonly [Shape, Shape],
  [channels, filters]: readonly [number, number],
  window: Window = {},
) {
  const { strides = ones, dilations = ones, before = zeros, after = zeros, groups = 1 } = window
  const output = input.map((n, i) => {
    const span = (size[i] - 1) * dilations[i] + 1
    return Math.floor((n + before[i] + after[i] - span) / strides[i]) + 1
  })
  const geometry = { input, output, kernel: size, strides, dilations, before, groups }
  const detail = `${batch}x${input}x${channels} by ${size}x${filters} ${JSON.stringify(window)}`
  const w = of([...size, channels / groups, filters])
  const source = kernel === convInputGrad ? of([batch, ...output, filters]) : of([batch, ...input, channels])
  return kernelCase(kernel, detail, [source, w], geometry, [0, 1])
}

const row = (length: number, taps: number) =>
  [
    [1, 1, length],
    [1, 1, taps],
  ] as const
const plane = (size: Shape, taps: Shape) =>
  [
    [1, ...size],
    [1, ...taps],
  ] as const
const pads = (n: number): Window => ({ before: [0, n, n], after: [0, n, n] })

const convCases = [conv, convInputGrad].flatMap((kernel) => [
  convCase(kernel, 1, plane([1, 1], [1, 1]), [1, 1]),
  convCase(kernel, 2, plane([5, 6], [3, 3]), [1, 5], pads(1)),
  convCase(kernel, 1, plane([7, 5], [3, 2]), [3, 8]),
  convCase(kernel, 2, plane([4, 5], [3, 3]), [4, 3], { strides: [1, 2, 1], before: [0, 1, 0] }),
  convCase(kernel, 1, plane([6, 7], [2, 3]), [5, 4], { dilations: [1, 3, 2], ...pads(2) }),
  convCase(kernel, 1, plane([3, 4], [5, 5]), [2, 2], { ...pads(4), strides: [1, 3, 2] }), // patches of nothing but padding
  convCase(kernel, 2, plane([4, 4], [2, 2]), [6, 4], { groups: 2 }),
  convCase(kernel, 1, plane([5, 3], [3, 1]), [3, 9], { groups: 3, strides: [1, 2, 2], ...pads(1) }),
  convCase(kernel, 1, plane([2, 3], [1, 1]), [9, 17], { strides: [1, 1, 2] }),
  convCase(kernel, 1, plane([9, 37], [1, 2]), [1, 2], { groups: 1 }), // dx: two blocks of rows
  // blocks of LISTED_ROWS: of lines, between zeros or not, strided; of samples
  convCase(kernel, 1, plane([25, 24], [3, 3]), [1, 2], pads(1)),
  convCase(kernel, 2, plane([29, 23], [2, 3]), [2, 2], { groups: 2 }),
  convCase(kernel, 1, plane([59, 21], [3, 2]), [1, 1], { strides: [1, 2, 1], before: [0, 2, 1] }),
  convCase(kernel, 5, plane([13, 13], [2, 2]), [1, 3], pads(1)),
  convCase(kernel, 1, row(530, 3), [2, 3], { before: [0, 0, 2] }),
  // deeper than BLOCK_DEPTH: blocks of whole runs; runs cut, since a row of taps, or a pixel, is longer
  convCase(kernel, 1, plane([4, 3], [3, 3]), [40, 5], pads(1)),
  convCase(kernel, 1, row(5, 2), [300, 3]),
  convCase(kernel, 2, row(4, 2), [263, 2], { dilations: [1, 1, 2] }),
  // by tiles (winograd.ts): whole ones and some that are cut, of more than one thread's rows; channels beside vectors
  convCase(kernel, 1, plane([4, 6], [3, 3]), [16, 18], pads(1)),
  convCase(kernel, 3, plane([6, 7], [3, 3]), [17, 16], { before: [0, 2, 1], after: [0, 0, 1] }),
  convCase(kernel, 1, plane([3, 515], [3, 3]), [16, 16], pads(1)), // a row of more tiles than a block has
  convCase(kernel, 3, plane([10, 10], [1, 1]), [2, 2], { groups: 2 }),
  convCase(kernel, 2, row(9, 4), [3, 5], { before: [0, 0, 3] }),
  convCase(kernel, 1, row(11, 3), [2, 4], { dilations: [1, 1, 4], strides: [1, 1, 2], groups: 2 }),
  convCase(
    kernel,
    2,
    [
      [3, 4, 3],
      [2, 3, 2],
    ],
    [3, 2],
    { before: [1, 1, 0], after: [1, 1, 1], strides: [2, 1, 1] },
  ),
  convCase(
    kernel,
    1,
    [
      [5, 2, 3],
      [2, 2, 2],
    ],
    [4, 4],
    { dilations: [2, 1, 1], groups: 2 },
  ),
])

const depthwiseCases = [
  convCase(depthwise, 1, plane([1, 1], [1, 1]), [1, 1]),
  convCase(depthwise, 2, plane([5, 6], [3, 3]), [5, 1], pads(1)),
  convCase(depthwise, 1, plane([5, 4], [3, 2]), [8, 1], { strides: [1, 2, 1], before: [0, 1, 0] }),
  convCase(depthwise, 2, plane([4, 5], [2, 3]), [3, 2], pads(1)),
  convCase(depthwise, 1, plane([7, 6], [3, 3]), [2, 5], { dilations: [1, 2, 3], ...pads(2) }),
  convCase(depthwise, 1, plane([3, 4], [5, 5]), [17, 1], { ...pads(4), strides: [1, 3, 2] }),
  convCase(depthwise, 2, row(9, 3), [6, 3], { strides: [1, 1, 2], before: [0, 0, 2] }),
  convCase(depthwise, 1, plane([3, 4], [2, 2]), [9, 1], pads(3)), // padding beyond what the taps reach
  convCase(depthwise, 2, plane([6, 7], [3, 3]), [12, 1], { strides: [1, 2, 2], after: [0, 1, 1] }),
  convCase(depthwise, 1, plane([4, 9], [1, 7]), [10, 1], { dilations: [1, 1, 2], ...pads(3) }),
  convCase(depthwise, 1, row(150, 4), [4, 2], { before: [0, 0, 1], after: [0, 0, 2] }), // a line of two chains
  // parts that begin within an image, or with its channels 8, 16 or 24
  convCase(depthwise, 2, plane([5, 6], [3, 3]), [27, 1], pads(1)),
  convCase(depthwise, 3, plane([5, 4], [3, 2]), [18, 1]),
  convCase(depthwise, 1, plane([9, 5], [2, 3]), [19, 3], {
    strides: [1, 2, 1],
    dilations: [1, 3, 1],
    ...pads(2),
  }),
]

export const convolutionCases = [...convCases, ...depthwiseCases]
