// Random small graphs: a list of numbers (genes, from a property-testing library) read as instructions. Enters: genes.
// Leaves: a function that writes the graph and the leaves it reads. Any list of genes gives a valid graph: each
// gene picks an operation and operands among the values made so far, and is skipped where nothing fits. All
// functions are smooth and tame, so that float32 stays near float64. Importable without a test runner.

import type { FunctionName } from '../../src/graph/mathematics.ts'
import type { Value } from '../../src/graph/value.ts'
import { uniform } from '../../src/numerics/random.ts'
import { sameShape } from '../../src/numerics/shape.ts'
import type { TestBuilder } from './builder.ts'
import type { Leaf, Wanted } from './run-graph.ts'

/** What to do, and with which of the values: indices counted modulo what there is. */
export type Gene = readonly [operation: number, first: number, second: number]

const UNARY: readonly FunctionName[] = [
  'tanh',
  'sigmoid',
  'softsign',
  'negate',
  'gelu',
  'silu',
  'erf',
  'mish',
]
/** Two inputs and four parameters, with sizes that match often: [rows, cols]. */
const LEAF_SHAPES = [
  [5, 3],
  [3, 7],
  [3, 5],
  [7, 3],
  [5, 7],
  [1, 7],
] as const
const PARAMETER_FROM = 2
const BIAS = 5

export function randomLeaves(seed: number): Leaf[] {
  return LEAF_SHAPES.map((shape, i) => {
    const data = new Float32Array(shape[0] * shape[1])
    uniform(data, seed, i, -1, 1)
    return { shape, data, kind: i >= PARAMETER_FROM ? 'parameter' : 'input' }
  })
}

/** A value that broadcasts against `a` to a's shape, if there is one. */
const fitting = (values: readonly Value[], a: Value): Value[] =>
  values.filter(({ shape }) => shape.every((size, i) => size === a.shape[i] || size === 1))

/** The value one gene makes, or null where nothing fits. */
function express(g: TestBuilder, values: readonly Value[], [operation, first, second]: Gene): Value | null {
  // every second time the newest value: chains that fuse and free, not only wide shallow graphs
  const a = first & 1 ? values[values.length - 1] : values[(first >> 1) % values.length]
  const [rows, cols] = a.shape
  const pick = (candidates: readonly Value[]): Value | null =>
    candidates[second % (candidates.length || 1)] ?? null
  switch (operation % 10) {
    case 0:
    case 1:
      return g.unary(UNARY[second % UNARY.length], a)
    case 2:
    case 3: {
      const b = pick(fitting(values, a))
      const fn = (['add', 'subtract', 'multiply', 'add'] as const)[operation % 4]
      return b && g.binary(fn, ...(operation & 4 ? ([a, b] as const) : ([b, a] as const)))
    }
    case 4:
    case 5: {
      const transposeA = (operation & 16) !== 0
      const transposeB = (operation & 32) !== 0
      const depth = transposeA ? rows : cols
      const b = pick(values.filter(({ shape }) => shape[transposeB ? 1 : 0] === depth))
      // tame: sums of products would grow from one matmul to the next
      if (!b) return null
      const product = g.matmul(g.scale(a, 0.25), b, { transposeA, transposeB })
      if (operation % 10 === 4) return product
      // as in a dense layer, so that bias and activation fuse
      const isBiased = product.shape[1] === 7
      const sum = isBiased ? g.plus(product, g.reshape(values[BIAS], [7])) : product
      return g.unary(second & 1 ? 'tanh' : 'silu', sum)
    }
    case 6:
      return g.reshape(a, [cols, rows])
    case 7: {
      const axis = second & 1
      const b = pick(values.filter(({ shape }) => shape[1 - axis] === a.shape[1 - axis]))
      return b && rows * cols < 100 ? g.concatenate([a, b], axis) : null
    }
    case 8: {
      const axis = second & 1
      const size = a.shape[axis]
      return size > 2 ? g.slice(a, axis, 1, size - 1) : g.permute(a, [1, 0])
    }
    default:
      return second & 1 ? g.softmax(a) : g.sum(a, [second & 2 ? 1 : 0], true)
  }
}

/** Writes the graph of `genes`; the loss is the mean of all values that nothing else reads. */
export function writeRandomGraph(
  genes: readonly Gene[],
): (g: TestBuilder, leaves: readonly Value[]) => Wanted {
  return (g, leaves) => {
    const values = [...leaves]
    for (const gene of genes) {
      const value = express(g, values, gene)
      if (value && !values.includes(value)) values.push(value)
    }
    const read = new Set(g.ops.flatMap((op) => op.inputs))
    const ends = values.filter((value) => !read.has(value) && value.leaf === null)
    const terms = (ends.length > 0 ? ends : [leaves[PARAMETER_FROM]]).map((end) => g.mean(end))
    const loss = terms.reduce((sum, term) => g.plus(sum, term))
    // two results besides the loss: one may be a reshape of another, or a leaf; they must not share memory
    const last = values[values.length - 1]
    const results = {
      loss,
      last,
      again: sameShape(last.shape, [1, 1]) ? last : g.reshape(last, [last.shape[1], last.shape[0]]),
    }
    return { results, loss, by: leaves.slice(1) }
  }
}
