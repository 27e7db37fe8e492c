// The matmul and elementwise part of the case table: sizes at the edges of the register tile and past the blocks of
// the matmul, all four transposed forms and every epilogue; every unary function; every binary function under every
// pattern of broadcasting. Plain data.

import { unaryFunctions } from '../../src/graph/functions.ts'
import { allFunctions, type FunctionName } from '../../src/graph/mathematics.ts'
import { binaryFunctions, binaryKernels } from '../../src/graph/ops/broadcast.ts'
import { type MatmulAttributes, matmulKernel } from '../../src/graph/ops/matmul.ts'
import { unaryGradKernel, unaryKernel } from '../../src/graph/ops/unary.ts'
import type { Shape } from '../../src/numerics/shape.ts'
import { unaryFormulas } from '../reference/unary.ts'
import { type Domain, type OpCase, of, opCase, text, UNIT } from './case.ts'

// ---- matmul ---------------------------------------------------------------------------------------

const plain = {
  transposeA: false,
  transposeB: false,
  bias: false,
  accumulate: false,
  sums: false,
  fn: unaryFunctions.linear,
  alpha: 0,
} as const

function matmulCase(
  [M, N, K]: readonly [number, number, number],
  attributes: Partial<MatmulAttributes>,
): OpCase {
  const all: MatmulAttributes = { ...plain, ...attributes }
  const isFused = all.bias || all.accumulate || all.fn !== unaryFunctions.linear
  // the error of a sum goes by its terms: small ones, so that an activation that shrinks the sum isn't asked too much
  const domain = isFused ? { from: -0.25, to: 0.25 } : UNIT
  const inputs = [of(all.transposeA ? [K, M] : [M, K], domain), of(all.transposeB ? [N, K] : [K, N], domain)]
  if (all.bias) inputs.push(of([N]))
  if (all.accumulate) inputs.push(of([M, N]))
  const flags = Object.entries(attributes).map(([key, value]) =>
    value === true ? key : typeof value === 'object' ? value.name : String(value),
  )
  const name = ['matmul', `${M}x${N}x${K}`, ...flags].join(' ')
  return opCase(matmulKernel, name, inputs, all, isFused ? [] : [0, 1])
}

const transposes = [{}, { transposeA: true }, { transposeB: true }, { transposeA: true, transposeB: true }]
/** M N K: edges of the tiles, rows and columns alone, past the blocks of 256 rows and 256 deep, and rows of A that are copied. */
const matmulSizes = [
  [1, 1, 1],
  [1, 3, 4],
  [3, 1, 33],
  [1, 71, 9],
  [45, 1, 6],
  [4, 8, 5],
  [5, 17, 3],
  [17, 5, 33],
  [33, 64, 17],
  [3, 4, 300],
  [300, 5, 4],
  [5, 9, 257],
  [260, 12, 259],
  [27, 16, 40],
  [6, 260, 768],
] as const

const matmulCases = [
  ...matmulSizes.flatMap((size) => transposes.map((transpose) => matmulCase(size, transpose))),
  ...(
    [
      [1, 1, 1],
      [1, 39, 5],
      [39, 1, 5],
      [5, 17, 33],
      [257, 9, 300],
    ] as const
  ).flatMap((size) => [
    matmulCase(size, { bias: true }),
    matmulCase(size, { fn: unaryFunctions.tanh }),
    matmulCase(size, { bias: true, fn: unaryFunctions.leakyRelu, alpha: 0.25 }),
    matmulCase(size, { bias: true, transposeB: true, fn: unaryFunctions.gelu }),
    ...transposes.map((transpose) => matmulCase(size, { accumulate: true, ...transpose })),
  ]),
]

// ---- elementwise ----------------------------------------------------------------------------------

const alphas: Partial<Record<FunctionName, number>> = {
  leakyRelu: 0.2,
  elu: 0.75,
  celu: 1.5,
  hardSigmoid: 0.2,
}

function unaryDomain(fn: FunctionName): { from: number; to: number; avoid: number[] } {
  if (fn === 'log' || fn === 'sqrt' || fn === 'reciprocal') return { from: 0.25, to: 4, avoid: [] }
  return { from: -4, to: fn === 'relu6' ? 8 : 4, avoid: [-3, -1, 0, 1, 3, 6] } // every kink of every function
}

const unaryNames = Object.keys(allFunctions) as FunctionName[]
const unaryCases = unaryNames.flatMap((fn) => {
  const alpha = alphas[fn] ?? 0
  return [[1], [4], [5, 17]].map((shape) =>
    opCase(
      unaryKernel,
      `${fn} ${text(shape)}`,
      [of(shape, unaryDomain(fn))],
      { fn: allFunctions[fn], alpha },
      [0],
    ),
  )
})
const unaryGradCases = unaryNames.flatMap((fn) => {
  const alpha = alphas[fn] ?? 0
  const via = allFunctions[fn].saves === 'y' ? (x: number) => unaryFormulas[fn](x, alpha) : undefined
  return [[3], [3, 11]].map((shape) => {
    const inputs = [of(shape), of(shape, { ...unaryDomain(fn), via })]
    return opCase(unaryGradKernel, `gradient of ${fn} ${text(shape)}`, inputs, {
      fn: allFunctions[fn],
      alpha,
    })
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
  broadcasts.map(([a, b]) => {
    const hasSlope = !fn.startsWith('greater') && fn !== 'equal'
    // quarters, so that `equal` and `greaterEqual` meet equal numbers
    const quarters: Domain = { from: -1, to: 1, via: (x) => Math.round(x * 4) / 4 }
    const [first, second]: Domain[] = hasSlope
      ? [UNIT, fn === 'divide' ? { from: 0.5, to: 2 } : { from: -0.9, to: 1.1 }]
      : [quarters, quarters]
    const inputs = [of(a, first), of(b, second)]
    return opCase(binaryKernels[fn], `${fn} ${text(a)} ${text(b)}`, inputs, { fn }, hasSlope ? [0, 1] : [])
  }),
)

export const arithmeticCases: readonly OpCase[] = [
  ...matmulCases,
  ...unaryCases,
  ...unaryGradCases,
  ...binaryCases,
]
