// Graph in, graph out, with the same results: removes what nothing reads and fuses what one kernel can do. Which kernels
// can do what is theirs to say (`fuse` in kernel.ts):
//   add(x, bias)     -> what makes x adds the bias
//   fn(x)            -> what makes x applies the function
//   add(x, y)        -> what makes x adds it onto y's buffer
//   sums(y)          -> a product x^T y, small, adds up y's columns
// The first two also where a view of the maker's output is read, which then is a view of the fused one's.
// A fusion asks that the inner value has no other reader. The fused operation stands where the outer one
// stood and makes the same value, so no reader changes.

import { sameShape } from '../numerics/shape.ts'
import type { Graph } from './graph.ts'
import { eachOutput, type Fusion, type Op, outputsOf } from './kernel.ts'
import type { Value } from './value.ts'

/** The values that are read after the graph has run. */
const kept = ({ results, gradients, updates }: Graph): Value[] => [
  ...results.values(),
  ...gradients.values(),
  ...updates.values(),
]

/** Drops operations whose value neither a result, a gradient nor a live operation reads. */
export function removeDead(graph: Graph): Graph {
  const live = new Set<Value>(kept(graph))
  const ops: Op[] = []
  for (let i = graph.ops.length - 1; i >= 0; i--) {
    const op = graph.ops[i]
    if (!live.has(op.output) && !op.extras.some((value) => live.has(value))) continue
    op.inputs.forEach((input) => {
      live.add(input)
    })
    ops.push(op)
  }
  return { ...graph, ops: ops.reverse() }
}

interface Uses {
  readonly makers: Map<Value, Op>
  readonly readers: Map<Value, number>
}

function usesOf(graph: Graph): Uses {
  const makers = new Map<Value, Op>()
  const readers = new Map<Value, number>()
  const read = (value: Value) => readers.set(value, (readers.get(value) ?? 0) + 1)
  graph.ops.forEach((op) => {
    eachOutput(op, (value) => makers.set(value, op))
    op.inputs.forEach(read)
  })
  kept(graph).forEach(read)
  return { makers, readers }
}

/** The operation that makes a value for `reader` alone, in the same phase. */
function makerFor({ makers, readers }: Uses, value: Value, reader: Op): Op | null {
  const op = makers.get(value)
  return op && readers.get(value) === 1 && op.phase === reader.phase ? op : null
}

/** A value whose buffer the outer operation may take over: read by nothing else, under no other shape either. */
function consumable({ makers, readers }: Uses, value: Value): boolean {
  for (;;) {
    if (value.leaf !== null || readers.get(value) !== 1) return false
    const maker = makers.get(value)
    if (!maker?.kernel.view) return true
    value = maker.inputs[0]
  }
}

/** Operations that take the place of others. */
interface Match {
  readonly fused: readonly Op[]
  readonly inner: readonly Op[]
}

/** The operation that makes x does `what` as well, in place of `outer`; `input` is the value it needs for that. */
function fuseInto(uses: Uses, x: Value, outer: Op, what: Fusion, input?: Value): Match | null {
  const maker = makerFor(uses, x, outer)
  const view = maker?.kernel.view && !('accumulate' in what) ? maker : null
  const op = view ? makerFor(uses, view.inputs[0], outer) : maker
  const attributes = op?.kernel.fuse?.(op.attributes, what)
  if (!op || !attributes) return null
  const inputs = input ? [...op.inputs, input] : op.inputs
  if (!view) return { fused: [{ ...op, inputs, attributes, output: outer.output }], inner: [op] }
  const { shape } = op.output
  if ('bias' in what && shape[shape.length - 1] !== x.shape[x.shape.length - 1]) return null
  return {
    fused: [
      { ...op, inputs, attributes },
      { ...view, output: outer.output },
    ],
    inner: [op, view],
  }
}

function fuseSum(op: Op, uses: Uses): Match | null {
  for (const [x, y] of [op.inputs, [op.inputs[1], op.inputs[0]]]) {
    const isBias = y.shape.length === 1 && y.shape[0] === x.shape[x.shape.length - 1]
    const isAddend = sameShape(x.shape, y.shape) && consumable(uses, y)
    const match =
      (isBias && fuseInto(uses, x, op, { bias: true }, y)) ||
      (isAddend && fuseInto(uses, x, op, { accumulate: true }, y))
    if (match) return match
  }
  return null
}

function matchOf(op: Op, uses: Uses): Match | null {
  if (op.kernel.isSum?.(op.attributes)) return fuseSum(op, uses)
  const epilogue = op.kernel.epilogue?.(op.attributes)
  return epilogue ? fuseInto(uses, op.inputs[0], op, epilogue) : null
}

/** Fuses from the front, so that a matmul or a convolution takes first its bias, then its activation. */
export function fuse(graph: Graph): Graph {
  const uses = usesOf(graph)
  const left = new Set<Op>()
  graph.ops.forEach((op) => {
    const match = matchOf(op, uses)
    if (!match) {
      left.add(op)
      return
    }
    for (const inner of match.inner) left.delete(inner)
    for (const result of match.fused) {
      left.add(result)
      eachOutput(result, (value) => uses.makers.set(value, result))
    }
  })
  return { ...graph, ops: [...left] }
}

/** Small products add up the columns of what they read: the gradient of a bias beside its kernel's. */
function joinSums(graph: Graph): Graph {
  const ops = [...graph.ops]
  for (const product of graph.ops) {
    const { kernel, inputs, phase } = product
    const attributes = kernel.addingColumns?.(product)
    const at = attributes
      ? ops.findIndex((op) => op.inputs[0] === inputs[1] && op.phase === phase && op.kernel.addsColumns?.(op))
      : -1
    const isMade = (value: Value) => ops.findIndex((op) => outputsOf(op).includes(value)) < at
    if (!attributes || !inputs.every(isMade)) continue
    const own = ops.indexOf(product)
    // the earlier of the two places
    ops[Math.min(at, own)] = { ...product, attributes, extras: [ops[at].output] }
    ops.splice(Math.max(at, own), 1)
  }
  return { ...graph, ops }
}

export const simplify = (graph: Graph): Graph => joinSums(fuse(removeDead(graph)))
