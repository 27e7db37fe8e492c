// What simplification fuses and what it must leave alone: the operations that remain, by name, and the results on the
// core against the float64 reference of the graph as it was written. Each graph that must not fuse differs from
// one that does in a single reader, shape or place.
import { describe, expect, test } from 'vitest'
import { isOf, type Op } from '../../src/graph/kernel.ts'
import { penaltyGradKernel } from '../../src/graph/ops/loss.ts'
import { matmulKernel } from '../../src/graph/ops/matmul.ts'
import type { Value } from '../../src/graph/value.ts'
import { uniform } from '../../src/numerics/random.ts'
import { conv } from '../../src/operations/convolution.ts'
import { Engine } from '../../src/runtime/engine.ts'
import { evaluate } from '../reference/ops.ts'
import type { TestBuilder } from '../support/builder.ts'
import { type Leaf, runGraph } from '../support/run-graph.ts'

/** a [5,3], b [3,7], c [5,7], bias [7], row [1,7] */
interface Leaves {
  readonly a: Value
  readonly b: Value
  readonly c: Value
  readonly bias: Value
  readonly row: Value
}

type Write = (g: TestBuilder, leaves: Leaves) => Readonly<Record<string, Value>>

const shapes = [[5, 3], [3, 7], [5, 7], [7], [1, 7]]
const leaves = shapes.map((shape, i): Leaf => {
  const data = new Float32Array(shape.reduce((count, size) => count * size, 1))
  uniform(data, 11, i, -1, 1)
  return { shape, data }
})

/** The name of an operation with the epilogue of a matmul or a convolution. */
function nameOf(op: Op): string {
  const { name } = op.kernel
  const parts = (...all: readonly (string | false | undefined)[]) => [name, ...all].filter(Boolean).join('+')
  if (isOf(op, conv)) return parts(op.attributes.bias && 'bias', op.attributes.epilogue?.fn.name)
  if (!isOf(op, matmulKernel)) return name
  const { bias, fn, accumulate, sums } = op.attributes
  return parts(bias && 'bias', fn.name !== 'linear' && fn.name, accumulate && 'accumulate', sums && 'sums')
}

const product: (g: TestBuilder, leaves: Leaves) => Value = (g, { a, b }) => g.matmul(a, b)

const isOne = [1, 1, 1]
const geometry = {
  input: [1, 1, 5],
  output: [1, 1, 5],
  kernel: isOne,
  strides: isOne,
  dilations: isOne,
  before: [0, 0, 0],
  groups: 1,
}

/** A convolution of a by b, as rows [5,7] of its result y. */
function convolution(g: TestBuilder, { a, b }: Leaves): { y: Value; rows: Value } {
  const [y] = g.add(conv, [g.reshape(a, [1, 1, 1, 5, 3]), g.reshape(b, [...isOne, 3, 7])], geometry)
  return { y, rows: g.reshape(y, [5, 7]) }
}
const reshapes = ['reshape', 'reshape', 'reshape']
/** Those of a sum over one axis, which take no instruction. */
const twoReshapes = ['reshape', 'reshape']

const fused: Readonly<Record<string, readonly [Write, readonly string[]]>> = {
  'a bias': [(g, l) => ({ y: g.plus(product(g, l), l.bias) }), ['matmul+bias']],
  'a bias on the left': [(g, l) => ({ y: g.plus(l.bias, product(g, l)) }), ['matmul+bias']],
  'an activation': [(g, l) => ({ y: g.unary('tanh', product(g, l)) }), ['matmul+tanh']],
  'a bias, then an activation': [
    (g, l) => ({ y: g.unary('relu', g.plus(product(g, l), l.bias)) }),
    ['matmul+bias+relu'],
  ],
  'a bias of a convolution, then an activation': [
    (g, l) => ({ y: g.unary('tanh', g.plus(l.bias, convolution(g, l).rows)) }),
    [...reshapes, 'conv+bias+tanh'],
  ],
  'an activation behind a reshape': [
    (g, l) => ({ y: g.unary('tanh', g.reshape(product(g, l), [35])) }),
    ['matmul+tanh', 'reshape'],
  ],
  'a sum onto a value nothing else reads': [
    (g, l) => ({ y: g.plus(g.unary('tanh', l.c), product(g, l)) }),
    ['unary', 'matmul+accumulate'],
  ],
  'a sum of two matmuls': [
    (g, l) => ({ y: g.plus(product(g, l), product(g, l)) }),
    ['matmul', 'matmul+accumulate'],
  ],
  'a penalty gradient onto another gradient': [
    (g, l) => {
      const [penalty] = g.add(penaltyGradKernel, [l.c], {
        l1: 0.5,
        l2: 0.25,
        seeded: false,
        accumulate: false,
      })
      return { y: g.plus(penalty, g.unary('tanh', l.c)) }
    },
    ['unary', 'penaltyGrad'],
  ],
  'sums of the columns that a product reads': [
    (g, { a, c }) => ({ y: g.matmul(a, c, { transposeA: true }), z: g.sumTo(c, [1, 7]) }),
    ['matmul+sums', ...twoReshapes],
  ],
  'the same, written in front of it and read in between': [
    (g, { a, c }) => {
      const z = g.unary('tanh', g.reshape(g.sumTo(c, [1, 7]), [7]))
      return { y: g.matmul(a, c, { transposeA: true }), z }
    },
    ['matmul+sums', ...twoReshapes, 'reshape', 'unary'],
  ],
  'nothing of what no result reads': [
    (g, l) => {
      g.unary('exp', product(g, l))
      return { y: g.unary('tanh', l.c) }
    },
    ['unary'],
  ],
}

const kept: Readonly<Record<string, readonly [Write, readonly string[]]>> = {
  'a matmul read twice': [
    (g, l) => {
      const p = product(g, l)
      return { y: g.times(g.unary('tanh', p), p) }
    },
    ['matmul', 'unary', 'binary'],
  ],
  'a matmul that is a result itself': [
    (g, l) => {
      const p = product(g, l)
      return { p, y: g.unary('tanh', p) }
    },
    ['matmul', 'unary'],
  ],
  'a row of rank 2 is no bias': [(g, l) => ({ y: g.plus(product(g, l), l.row) }), ['matmul', 'binary']],
  'a convolution whose result is read under another shape': [
    (g, l) => {
      const { y, rows } = convolution(g, l)
      return { y: g.plus(rows, l.bias), square: g.unary('square', y) }
    },
    [...reshapes, 'conv', 'binary', 'unary'],
  ],
  'a bias of a convolution behind its activation': [
    (g, l) => ({ y: g.plus(g.unary('relu', convolution(g, l).rows), l.bias) }),
    [...reshapes, 'conv+relu', 'binary'],
  ],
  'a second bias': [
    (g, l) => ({ y: g.plus(g.plus(product(g, l), l.bias), l.bias) }),
    ['matmul+bias', 'binary'],
  ],
  'a second bias of a convolution': [
    (g, l) => ({ y: g.plus(g.plus(convolution(g, l).rows, l.bias), l.bias) }),
    [...reshapes, 'conv+bias', 'binary'],
  ],
  'a vector of one number is no bias of several columns': [
    (g, l) => ({
      y: g.plus(product(g, l), g.constant(Float32Array.of(10), [1])),
      z: g.plus(convolution(g, l).rows, g.constant(Float32Array.of(3), [1])),
    }),
    ['matmul', 'binary', ...reshapes, 'conv', 'binary'],
  ],
  'a column': [
    (g, l) => ({ y: g.plus(product(g, l), g.sum(l.c, [1], true)) }),
    ['matmul', 'reduce', 'binary'],
  ],
  'a bias that is wider than the product': [
    (g, l) => ({ y: g.plus(g.matmul(l.a, g.sum(l.b, [1], true)), l.bias) }),
    ['reduce', 'matmul', 'binary'],
  ],
  'a sum behind a bias': [
    (g, l) => ({ y: g.plus(g.plus(product(g, l), l.bias), g.unary('tanh', l.c)) }),
    ['matmul+bias', 'unary', 'binary'],
  ],
  'a sum behind an activation': [
    (g, l) => ({ y: g.plus(g.unary('tanh', product(g, l)), g.unary('sigmoid', l.c)) }),
    ['matmul+tanh', 'unary', 'binary'],
  ],
  'a second activation': [
    (g, l) => ({ y: g.unary('sigmoid', g.unary('tanh', product(g, l))) }),
    ['matmul+tanh', 'unary'],
  ],
  'an activation behind a sum': [
    (g, l) => ({ y: g.unary('tanh', g.plus(product(g, l), g.unary('sigmoid', l.c))) }),
    ['unary', 'matmul+accumulate', 'unary'],
  ],
  'a sum onto a value behind a reshape': [
    (g, l) => ({ y: g.plus(g.reshape(product(g, l), [35]), g.unary('tanh', g.reshape(l.c, [35]))) }),
    ['matmul', 'reshape', 'reshape', 'unary', 'binary'],
  ],
  'a bias of a product behind a reshape that has other columns': [
    (g, l) => ({ y: g.plus(g.reshape(product(g, l), [5, 7, 1]), g.constant(Float32Array.of(10), [1])) }),
    ['matmul', 'reshape', 'binary'],
  ],
  'a sum onto an input': [(g, l) => ({ y: g.plus(product(g, l), l.c) }), ['matmul', 'binary']],
  'a sum onto an input under another shape': [
    (g, l) => ({ y: g.plus(product(g, l), g.reshape(g.reshape(l.c, [35]), [5, 7])) }),
    ['reshape', 'reshape', 'matmul', 'binary'],
  ],
  'a convolution whose rows are read twice': [
    (g, l) => {
      const { rows } = convolution(g, l)
      return { y: g.plus(rows, l.bias), z: g.unary('exp', rows) }
    },
    [...reshapes, 'conv', 'binary', 'unary'],
  ],
  'a sum onto a value that is a result': [
    (g, l) => {
      const t = g.unary('tanh', l.c)
      return { t, y: g.plus(product(g, l), t) }
    },
    ['unary', 'matmul', 'binary'],
  ],
  'sums that a product would come too early for': [
    (g, { a, c }) => {
      const z = g.sumTo(c, [1, 7])
      return { y: g.matmul(g.unary('tanh', a), c, { transposeA: true }), z }
    },
    ['reduce', ...twoReshapes, 'unary', 'matmul'],
  ],
  'sums of the columns of a product that is not transposed': [
    (g, { a, b }) => ({ y: g.matmul(a, b), z: g.sumTo(b, [1, 7]) }),
    ['matmul', 'reduce', ...twoReshapes],
  ],
  'means of columns': [
    (g, { a, c }) => ({
      y: g.matmul(a, c, { transposeA: true }),
      z: g.reduce('sum', c, [0], { scale: 0.2 }),
    }),
    ['matmul', 'reduce', 'reshape'],
  ],
  'sums of rows, and of another matrix': [
    (g, { a, c }) => ({
      y: g.matmul(a, c, { transposeA: true }),
      z: g.sumTo(c, [5, 1]),
      w: g.sumTo(a, [1, 3]),
    }),
    ['matmul', 'reduce', 'reduce', ...twoReshapes, ...twoReshapes],
  ],
  'a difference': [
    (g, l) => ({ y: g.minus(product(g, l), g.unary('tanh', l.c)) }),
    ['matmul', 'unary', 'binary'],
  ],
}

const engine = new Engine()

function check(write: Write, names: readonly string[]): void {
  const { results, prepared } = runGraph(
    engine,
    (g, [a, b, c, bias, row]) => ({ results: write(g, { a, b, c, bias, row }) }),
    leaves,
  )
  expect([...prepared.plan.graph.ops.map(nameOf)].sort()).toEqual([...names].sort())
  const values = evaluate(prepared.ops, prepared.leaves)
  for (const [name, value] of Object.entries(prepared.wanted.results)) {
    const want = values.get(value) ?? []
    expect(want.length).toBe(results[name].length)
    results[name].forEach((got, i) => {
      expect(Math.abs(got - want[i]), `${name}[${i}]`).toBeLessThan(2e-6)
    })
  }
}

const rows = (table: typeof fused) =>
  Object.entries(table).map(([name, [write, ops]]) => [name, write, ops] as const)

describe('removes or fuses', () => {
  test.each(rows(fused))('%s', (_, write, ops) => check(write, ops))
})

describe('leaves alone', () => {
  test.each(rows(kept))('%s', (_, write, ops) => check(write, ops))
})

/** z: the sums of the columns of y [K,N]; unless `isApart`, x^T y beside them. */
function columnSums([M, N, K]: readonly number[], isApart: boolean) {
  const own = [M, N].map((width, i): Leaf => {
    const data = new Float32Array(K * width)
    uniform(data, 5, i, -1, 1)
    return { shape: [K, width], data }
  })
  const { results, prepared } = runGraph(
    engine,
    (g, [x, y]) => ({
      results: { z: g.sumTo(y, [1, N]), ...(!isApart && { product: g.matmul(x, y, { transposeA: true }) }) },
    }),
    own,
  )
  return { z: results.z, ops: prepared.plan.graph.ops.map(nameOf) }
}

test.each([
  [1, 1, 2],
  [2, 1, 33],
  [1, 3, 2],
  [3, 4, 5],
  [2, 13, 9],
  [1, 2, 128],
])('sums of columns have the bits that the operation alone gives: x [k,%i], y [k,%i], k %i', (...sizes) => {
  const { z, ops } = columnSums(sizes, false)
  expect(ops).toContain('matmul+sums')
  expect(z).toEqual(columnSums(sizes, true).z)
})

test.each([
  [3, 3, 33],
  [1, 1, 129],
])(
  'a product that is packed, or of several chains, leaves them alone: x [k,%i], y [k,%i], k %i',
  (...sizes) => {
    const { z, ops } = columnSums(sizes, false)
    expect(ops).toContain('reduce')
    expect(z).toEqual(columnSums(sizes, true).z)
  },
)
