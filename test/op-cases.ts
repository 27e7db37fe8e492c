// The case table: every operation at ragged sizes, with every attribute that changes what it does. One case is
// compared with the float64 reference, its gradient with finite differences (ops.test.ts); the same table serves
// benchmarks. Enters: nothing. Leaves: plain data, and functions that draw a case's inputs and write it into a
// graph. Inputs stay away from kinks and ties, where a finite difference means nothing. Needs no test runner.
import * as abi from '../assembly/abi.ts'
import type { GraphBuilder } from '../src/graph/builder.ts'
import { elementCount, type Shape, type Value } from '../src/graph/graph.ts'
import type { OpAttributes, OpName, ReductionName, UnaryName } from '../src/graph/ops.ts'
import { binaryFunctions, reductions, shapeRules, unaryFunctions } from '../src/graph/ops.ts'
import { uniform } from '../src/numerics/random.ts'
import { lossCases } from './op-cases-loss.ts'
import { unaryFormulas } from './reference/unary.ts'
import type { Leaf } from './run-graph.ts'

/** What an input's numbers are: uniform in an interval, class ids, or targets of a special form. */
export type Domain =
  | {
      readonly from: number
      readonly to: number
      /** No number lies within 0.02 of these. */
      readonly avoid?: readonly number[]
      /** The numbers are this of uniform ones. */
      readonly via?: (x: number) => number
    }
  | { readonly classes: number; readonly ignored?: number }
  | { readonly form: 'oneHot' | 'probabilities' | 'signs' }

export interface CaseInput {
  readonly shape: Shape
  readonly domain: Domain
}

export interface OpCase<N extends OpName> {
  readonly name: string
  readonly op: N
  readonly inputs: readonly CaseInput[]
  readonly attributes: OpAttributes[N]
  /** The inputs to differentiate by; none where the operation has no gradient, or is a fused form. */
  readonly by: readonly number[]
}
export type AnyCase = { [N in OpName]: OpCase<N> }[OpName]

const UNIT: Domain = { from: -1, to: 1 }
const of = (shape: Shape, domain: Domain = UNIT): CaseInput => ({ shape, domain })
const text = (shape: Shape): string => `[${shape}]`

// ---- matmul ---------------------------------------------------------------------------------------

const plain = {
  transposeA: false,
  transposeB: false,
  bias: false,
  accumulate: false,
  fn: 'linear',
  alpha: 0,
} as const

function matmulCase(
  [M, N, K]: readonly [number, number, number],
  attributes: Partial<OpAttributes['matmul']>,
): OpCase<'matmul'> {
  const all: OpAttributes['matmul'] = { ...plain, ...attributes }
  const inputs = [of(all.transposeA ? [K, M] : [M, K]), of(all.transposeB ? [N, K] : [K, N])]
  if (all.bias) inputs.push(of([N]))
  if (all.accumulate) inputs.push(of([M, N]))
  const flags = Object.entries(attributes).map(([key, value]) => (value === true ? key : String(value)))
  const isFused = all.bias || all.accumulate || all.fn !== 'linear'
  const name = ['matmul', `${M}x${N}x${K}`, ...flags].join(' ')
  return { name, op: 'matmul', inputs, attributes: all, by: isFused ? [] : [0, 1] }
}

const transposes = [{}, { transposeA: true }, { transposeB: true }, { transposeA: true, transposeB: true }]
/** M N K: edges of the 4 x 8 tile, and past the blocks of 256 rows and 256 deep. */
const matmulSizes = [
  [1, 1, 1],
  [1, 3, 4],
  [3, 1, 33],
  [4, 8, 5],
  [5, 17, 3],
  [17, 5, 33],
  [33, 64, 17],
  [3, 4, 300],
  [300, 5, 4],
  [5, 9, 257],
  [260, 12, 259],
] as const

const matmulCases = [
  ...matmulSizes.flatMap((size) => transposes.map((transpose) => matmulCase(size, transpose))),
  ...(
    [
      [1, 1, 1],
      [5, 17, 33],
      [257, 9, 300],
    ] as const
  ).flatMap((size) => [
    matmulCase(size, { bias: true }),
    matmulCase(size, { fn: 'tanh' }),
    matmulCase(size, { bias: true, fn: 'leakyRelu', alpha: 0.25 }),
    matmulCase(size, { bias: true, transposeB: true, fn: 'gelu' }),
    ...transposes.map((transpose) => matmulCase(size, { accumulate: true, ...transpose })),
  ]),
]

// ---- elementwise ----------------------------------------------------------------------------------

const alphas: Partial<Record<UnaryName, number>> = { leakyRelu: 0.2, elu: 0.75, celu: 1.5 }

function unaryDomain(fn: UnaryName): { from: number; to: number; avoid: number[] } {
  if (fn === 'log' || fn === 'sqrt' || fn === 'reciprocal') return { from: 0.25, to: 4, avoid: [] }
  return { from: -4, to: fn === 'relu6' ? 8 : 4, avoid: [-3, -1, 0, 1, 3, 6] } // every kink of every function
}

const unaryNames = Object.keys(unaryFunctions) as UnaryName[]
const unaryCases = unaryNames.flatMap((fn) => {
  const alpha = alphas[fn] ?? 0
  return [[1], [4], [5, 17]].map((shape): OpCase<'unary'> => {
    const attributes = { fn, alpha }
    return {
      name: `${fn} ${text(shape)}`,
      op: 'unary',
      inputs: [of(shape, unaryDomain(fn))],
      attributes,
      by: [0],
    }
  })
})
const unaryGradCases = unaryNames.flatMap((fn) => {
  const alpha = alphas[fn] ?? 0
  const via = unaryFunctions[fn].saves === 'y' ? (x: number) => unaryFormulas[fn](x, alpha) : undefined
  return [[3], [3, 11]].map((shape): OpCase<'unaryGrad'> => {
    const inputs = [of(shape), of(shape, { ...unaryDomain(fn), via })]
    return {
      name: `gradient of ${fn} ${text(shape)}`,
      op: 'unaryGrad',
      inputs,
      attributes: { fn, alpha },
      by: [],
    }
  })
})

const broadcasts: readonly (readonly [a: Shape, b: Shape])[] = [
  [[1], [1]],
  [
    [5, 17],
    [5, 17],
  ],
  [[5, 17], []],
  [[], [33]],
  [[5, 17], [17]],
  [[17], [4, 17]],
  [
    [5, 17],
    [5, 1],
  ],
  [
    [5, 1],
    [1, 3],
  ],
  [
    [2, 5, 3],
    [2, 1, 3],
  ],
  [
    [3, 1, 4, 1],
    [5, 1, 33],
  ],
  [
    [2, 3, 4, 5],
    [3, 1, 5],
  ],
]
const binaryCases = (Object.keys(binaryFunctions) as (keyof typeof binaryFunctions)[]).flatMap((fn) =>
  broadcasts.map(([a, b]): OpCase<'binary'> => {
    const hasSlope = !fn.startsWith('greater') && fn !== 'equal'
    // quarters, so that `equal` and `greaterEqual` meet equal numbers
    const quarters: Domain = { from: -1, to: 1, via: (x) => Math.round(x * 4) / 4 }
    const [first, second]: Domain[] = hasSlope
      ? [UNIT, fn === 'divide' ? { from: 0.5, to: 2 } : { from: -0.9, to: 1.1 }]
      : [quarters, quarters]
    const inputs = [of(a, first), of(b, second)]
    return {
      name: `${fn} ${text(a)} ${text(b)}`,
      op: 'binary',
      inputs,
      attributes: { fn },
      by: hasSlope ? [0, 1] : [],
    }
  }),
)

// ---- reductions and moves -------------------------------------------------------------------------

function reduceCase(fn: ReductionName, whole: Shape, start: number, end: number): OpCase<'reduce'> {
  const [outer, reduced, inner] = [whole.slice(0, start), whole.slice(start, end), whole.slice(end)].map(
    (part) => elementCount(part),
  )
  const shape = whole.map((size, i) => (i >= start && i < end ? 1 : size))
  const attributes = { fn, outer, reduced, inner, scale: fn === 'sum' ? 0.375 : 1, shape }
  const name = `${fn} of ${text(whole)} over axes ${start} to ${end - 1}`
  return { name, op: 'reduce', inputs: [of(whole)], attributes, by: [0] }
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

function move<N extends OpName>(op: N, shapes: readonly Shape[], attributes: OpAttributes[N]): OpCase<N> {
  const shown = Object.entries(attributes).map(
    ([key, value]) => `${key}=${Array.isArray(value) ? text(value) : value}`,
  )
  const inputs = shapes.map((shape) => of(shape))
  return {
    name: [op, ...shapes.map(text), ...shown].join(' '),
    op,
    inputs,
    attributes,
    by: shapes.map((_, i) => i),
  }
}
const BLOCK: Shape = [5, 4, 17]
const moveCases: AnyCase[] = [
  move('reshape', [[3, 4]], { shape: [2, 6] }),
  move('reshape', [[1]], { shape: [] }),
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
  ).map(([from, to]) => move('expand', [from], { shape: to })),
  ...permutations.map((axes) => move('permute', [[3, 4, 2, 5].slice(0, axes.length)], { axes })),
  move('permute', [[17, 33]], { axes: [1, 0] }),
  ...BLOCK.flatMap((size, axis) => [
    move('slice', [BLOCK], { axis, start: 1, size: size - 2 }),
    move('slice', [BLOCK], { axis, start: size - 1, size: 1 }),
    move('unslice', [BLOCK], { axis, start: 2, shape: BLOCK.map((n, i) => (i === axis ? n + 5 : n)) }),
    move('unslice', [BLOCK], { axis, start: 0, shape: BLOCK.map((n, i) => (i === axis ? n + 1 : n)) }),
    move(
      'concatenate',
      [1, 4, 3].map((n) => BLOCK.map((other, i) => (i === axis ? n : other))),
      { axis },
    ),
  ]),
  move('concatenate', [[1], [3], [17]], { axis: 0 }),
  move('copy', [[3, 11]], {}),
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
  [false, true].flatMap((log): AnyCase[] => {
    const name = `${log ? 'log ' : ''}softmax ${text(shape)}`
    const saved: Domain = log ? { from: -4, to: 0 } : { from: 0, to: 1 }
    const inputs = [of(shape), of(shape, saved)]
    return [
      { name, op: 'softmax', inputs: [of(shape, { from: -4, to: 4 })], attributes: { log }, by: [0] },
      { name: `gradient of ${name}`, op: 'softmaxGrad', inputs, attributes: { log }, by: [] },
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
  ].flatMap((rates): AnyCase[] => {
    const name = `penalty ${text(shape)} l1=${rates.l1} l2=${rates.l2}`
    const gradient = (seeded: boolean, accumulate: boolean): OpCase<'penaltyGrad'> => ({
      name: `gradient of ${name}${seeded ? ' seeded' : ''}${accumulate ? ' accumulate' : ''}`,
      op: 'penaltyGrad',
      inputs: [of(shape, AWAY), ...(seeded ? [of([])] : []), ...(accumulate ? [of(shape)] : [])],
      attributes: { ...rates, seeded, accumulate },
      by: [],
    })
    return [
      { name, op: 'penalty', inputs: [of(shape, AWAY)], attributes: rates, by: [0] },
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
    ] as const
  ).map(
    ([metric, code, target]): OpCase<'metric'> => ({
      name: `${metric} ${text(shape)}`,
      op: 'metric',
      inputs: [of(shape), target],
      attributes: { metric, code, param: 0.25 },
      by: [],
    }),
  ),
)

export const opCases: readonly AnyCase[] = [
  ...matmulCases,
  ...unaryCases,
  ...unaryGradCases,
  ...binaryCases,
  ...reduceCases,
  ...moveCases,
  ...softmaxCases,
  ...lossCases,
  ...penaltyCases,
  ...metricCases,
]

// ---- from a case to numbers and operations --------------------------------------------------------

/** The numbers of one input: the same for the same case and position. */
function draw({ shape, domain }: CaseInput, seed: number, stream: number): Float32Array | Int32Array {
  const count = elementCount(shape)
  const out = new Float32Array(count)
  if ('classes' in domain) {
    uniform(out, seed, stream, 0, domain.classes)
    const ids = Int32Array.from(out, (x) => Math.min(Math.floor(x), domain.classes - 1))
    if (domain.ignored !== undefined) for (let i = 1; i < count; i += 3) ids[i] = domain.ignored
    return ids
  }
  if ('form' in domain) {
    uniform(out, seed, stream, 0.1, 1)
    if (domain.form === 'signs') return out.map((x) => (x > 0.55 ? 1 : -1))
    const cols = shape[shape.length - 1]
    for (let at = 0; at < count; at += cols) {
      const row = out.subarray(at, at + cols)
      const sum = row.reduce((a, b) => a + b, 0)
      const hit = row.indexOf(Math.max(...row))
      for (let k = 0; k < cols; k++) row[k] = domain.form === 'oneHot' ? Number(k === hit) : row[k] / sum
    }
    return out
  }
  const { from, to, avoid = [], via = (x: number) => x } = domain
  uniform(out, seed, stream, from, to)
  return out.map((x) => via(avoid.some((kink) => Math.abs(x - kink) < 0.02) ? x + 0.05 : x))
}

/** The arrays of a case; `seed` picks others. */
export const leavesOfCase = ({ inputs }: AnyCase, seed = 1): Leaf[] =>
  inputs.map((input, i) => ({ shape: input.shape, data: draw(input, seed, i + 1) }))

/** Writes the case's one operation. An operation that takes over its last input's buffer gets a copy of it. */
export function writeCase(g: GraphBuilder, { op, attributes }: AnyCase, leaves: readonly Value[]): Value {
  const inputs = [...leaves]
  if ('accumulate' in attributes && attributes.accumulate)
    inputs.push(g.add('copy', [inputs.pop() as Value], {}))
  if (op === 'unslice') inputs.push(g.constant(0))
  return g.add(op, inputs, attributes)
}

/** Every operation there is: the table must have a case of each. */
export const opNames = Object.keys(shapeRules) as OpName[]
