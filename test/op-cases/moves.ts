// The part of the case table that goes along axes: reductions over every group of axes, reshape, expand, permute,
// slice, unslice and concatenate on every axis, softmax; and penalties and metrics. Plain data.
import * as abi from '../../assembly/abi.ts'
import type { Kernel } from '../../src/graph/kernel.ts'
import { expandKernel, type ReductionName, reduceKernels, reductions } from '../../src/graph/ops/broadcast.ts'
import { metricKernel, penaltyGradKernel, penaltyKernel } from '../../src/graph/ops/loss.ts'
import {
  concatenateKernel,
  copyKernel,
  permuteKernel,
  reshapeKernel,
  sliceKernel,
  unsliceKernel,
} from '../../src/graph/ops/moves.ts'
import { softmaxGradKernel, softmaxKernel } from '../../src/graph/ops/softmax.ts'
import { splitKernel } from '../../src/graph/ops/split.ts'
import type { Shape } from '../../src/numerics/shape.ts'
import { elementCount } from '../../src/numerics/tensor.ts'
import { convert } from '../../src/operations/convert.ts'
import { type Domain, type OpCase, of, opCase, text } from './case.ts'

// ---- reductions and moves -------------------------------------------------------------------------

function reduceCase(fn: ReductionName, whole: Shape, start: number, end: number): OpCase {
  const [outer, reduced, inner] = [whole.slice(0, start), whole.slice(start, end), whole.slice(end)].map(
    (part) => elementCount(part),
  )
  const shape = whole.map((size, i) => (i >= start && i < end ? 1 : size))
  const attributes = { fn, outer, reduced, inner, scale: fn === 'sum' ? 0.375 : 1, shape }
  const name = `${fn} of ${text(whole)} over axes ${start} to ${end - 1}`
  return opCase(reduceKernels[fn], name, [of(whole)], attributes, [0])
}
const reduceCases = (Object.keys(reductions) as ReductionName[]).flatMap((fn) => [
  ...[0, 1, 2, 3].flatMap((start) =>
    [1, 2, 3, 4].filter((end) => end > start).map((end) => reduceCase(fn, [2, 3, 4, 5], start, end)),
  ),
  ...[1, 3, 4, 5, 17, 33].map((size) => reduceCase(fn, [size], 0, 1)),
  ...[1, 3, 4, 5, 17, 33].flatMap((size) => [
    reduceCase(fn, [5, size], 0, 1),
    reduceCase(fn, [5, size], 1, 2),
  ]),
  reduceCase(fn, [300, 3], 0, 1),
  // several blocks of a sum
  reduceCase(fn, [2, 600, 21], 1, 2),
  reduceCase(fn, [2500, 1], 0, 1),
  // ranges of LONG_DEPTH, of several sums; the last ones are short
  reduceCase(fn, [12500, 2], 0, 1),
  reduceCase(fn, [2, 4100, 3], 1, 2),
])

const permutations = [
  [0, 1],
  [1, 0],
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
  [0, 2, 1, 3],
  [0, 3, 1, 2],
  [1, 0, 3, 2],
  [3, 2, 1, 0],
]

function move<A extends object>(kernel: Kernel<A>, shapes: readonly Shape[], attributes: A): OpCase {
  const shown = Object.entries(attributes).map(
    ([key, value]) => `${key}=${Array.isArray(value) ? text(value) : value}`,
  )
  return opCase(
    kernel,
    [kernel.name, ...shapes.map(text), ...shown].join(' '),
    shapes.map((shape) => of(shape)),
    attributes,
    shapes.map((_, i) => i),
  )
}
const BLOCK: Shape = [5, 4, 17]
const moveCases: OpCase[] = [
  move(reshapeKernel, [[3, 4]], { shape: [2, 6] }),
  move(reshapeKernel, [[1]], { shape: [] }),
  ...(
    [
      [[], [3, 5]],
      [[5], [3, 5]],
      [
        [3, 1],
        [3, 5],
      ],
      [
        [2, 1, 4],
        [2, 3, 4],
      ],
      [
        [3, 1, 2, 1],
        [5, 3, 4, 2, 33],
      ],
    ] as [Shape, Shape][]
  ).map(([from, to]) => move(expandKernel, [from], { shape: to })),
  ...permutations.map((axes) => move(permuteKernel, [[3, 4, 2, 5].slice(0, axes.length)], { axes })),
  move(permuteKernel, [[17, 33]], { axes: [1, 0] }),
  ...BLOCK.flatMap((size, axis) => [
    move(sliceKernel, [BLOCK], { axis, start: 1, size: size - 2 }),
    move(sliceKernel, [BLOCK], { axis, start: size - 1, size: 1 }),
    move(unsliceKernel, [BLOCK], { axis, start: 2, shape: BLOCK.map((n, i) => (i === axis ? n + 5 : n)) }),
    move(unsliceKernel, [BLOCK], { axis, start: 0, shape: BLOCK.map((n, i) => (i === axis ? n + 1 : n)) }),
    move(
      concatenateKernel,
      [1, 4, 3].map((n) => BLOCK.map((other, i) => (i === axis ? n : other))),
      { axis },
    ),
  ]),
  move(concatenateKernel, [[1], [3], [17]], { axis: 0 }),
  ...[0, 1, 2].map((axis) => move(splitKernel, [[6, 2, 10]], { axis, parts: 2 })),
  move(splitKernel, [[2, 5, 3]], { axis: 1, parts: 5 }),
  move(splitKernel, [[4]], { axis: 0, parts: 1 }),
  move(copyKernel, [[3, 11]], {}),
  ...[[1], [3, 11], [4, 8]].map((shape) =>
    opCase(convert, `convert ${text(shape)}`, [of(shape, { classes: 300 })], {}),
  ),
]

const softmaxShapes: readonly Shape[] = [
  [1, 1],
  [5],
  [1, 3],
  [4, 4],
  [5, 17],
  [3, 33],
  [2, 3, 5],
  [2, 3, 2, 4],
]
const softmaxCases = softmaxShapes.flatMap((shape) =>
  [false, true].flatMap((log): OpCase[] => {
    const name = `${log ? 'log ' : ''}softmax ${text(shape)}`
    const saved: Domain = log ? { from: -4, to: 0 } : { from: 0, to: 1 }
    const inputs = [of(shape), of(shape, saved)]
    return [
      opCase(softmaxKernel, name, [of(shape, { from: -4, to: 4 })], { log }, [0]),
      opCase(softmaxGradKernel, `gradient of ${name}`, inputs, { log }),
    ]
  }),
)

// ---- penalties and metrics ------------------------------------------------------------------------

const AWAY: Domain = { from: -2, to: 2, avoid: [0] }
const penaltyCases = [[1], [3], [5, 17]].flatMap((shape) =>
  [
    { l1: 0.25, l2: 0 },
    { l1: 0, l2: 0.5 },
    { l1: 0.25, l2: 0.5 },
  ].flatMap((rates): OpCase[] => {
    const name = `penalty ${text(shape)} l1=${rates.l1} l2=${rates.l2}`
    const gradient = (seeded: boolean, accumulate: boolean): OpCase =>
      opCase(
        penaltyGradKernel,
        `gradient of ${name}${seeded ? ' seeded' : ''}${accumulate ? ' accumulate' : ''}`,
        [of(shape, AWAY), ...(seeded ? [of([])] : []), ...(accumulate ? [of(shape)] : [])],
        { ...rates, seeded, accumulate },
      )
    return [
      opCase(penaltyKernel, name, [of(shape, AWAY)], rates, [0]),
      gradient(false, false),
      gradient(true, false),
      gradient(false, true),
      gradient(true, true),
    ]
  }),
)

const metricCases = (
  [
    [1, 2],
    [5, 3],
    [17, 33],
    [2, 3, 4],
  ] as Shape[]
).flatMap((shape) =>
  (
    [
      ['categorical accuracy', abi.METRIC_CATEGORICAL_ACCURACY, of(shape, { form: 'oneHot' })],
      [
        'sparse accuracy',
        abi.METRIC_SPARSE_ACCURACY,
        of(shape.slice(0, -1), { classes: shape[shape.length - 1] }),
      ],
      ['binary accuracy', abi.METRIC_BINARY_ACCURACY, of(shape, { from: 0, to: 1, via: Math.round })],
      ['rows', abi.METRIC_ROWS, of(shape.slice(0, -1), { classes: shape[shape.length - 1] })],
    ] as const
  ).flatMap(([metric, code, target]): OpCase[] => {
    const make = (detail: string, weights: Shape | null, ignoreIndex: number | null): OpCase =>
      opCase(
        metricKernel,
        `${metric} ${text(shape)}${detail}`,
        [of(shape), target, ...(weights ? [of(weights, { from: 0, to: 2 })] : [])],
        { metric, code, param: 0.25, ignoreIndex },
      )
    const rows = shape.slice(0, -1)
    const cases = [
      make('', null, null),
      make(' weighted rows', rows, null),
      make(' weighted samples', [shape[0]], null),
    ]
    return target.shape.length < shape.length ? [...cases, make(' weighted, one ignored', rows, 1)] : cases
  }),
)

export const moveAndReductionCases: readonly OpCase[] = [
  ...reduceCases,
  ...moveCases,
  ...softmaxCases,
  ...penaltyCases,
  ...metricCases,
]
