// Graph in, graph out, with the same results: removes what nothing reads and fuses what one kernel can do.
//   add(matmul, bias)          -> matmul with bias
//   unary(matmul)              -> matmul with activation
//   add(x, matmul)             -> matmul that accumulates onto x's buffer
//   add(x, penaltyGrad)        -> penaltyGrad that accumulates onto x's buffer
// A fusion asks that the inner value has no other reader. The fused operation stands where the outer one
// stood and makes the same value, so no reader changes.
import type { AnyOp, Graph, Op } from './graph.ts'
import { outputsOf } from './kernel.ts'
import { sameShape, type Value } from './value.ts'

/** What is read after the graph has run. */
const kept = ({ results, gradients, updates }: Graph): Value[] => [
  ...results.values(),
  ...gradients.values(),
  ...updates.values(),
]

/** Drops operations whose value neither a result, a gradient nor a live operation reads. */
export function removeDead(graph: Graph): Graph {
  const live = new Set<Value>(kept(graph))
  const ops: AnyOp[] = []
  for (let i = graph.ops.length - 1; i >= 0; i--) {
    const op = graph.ops[i]
    if (!outputsOf(op).some((value) => live.has(value))) continue
    for (const input of op.inputs) live.add(input)
    ops.push(op)
  }
  return { ...graph, ops: ops.reverse() }
}

interface Uses {
  readonly makers: Map<Value, AnyOp>
  readonly readers: Map<Value, number>
}

function usesOf(graph: Graph): Uses {
  const makers = new Map<Value, AnyOp>()
  const readers = new Map<Value, number>()
  const read = (value: Value) => readers.set(value, (readers.get(value) ?? 0) + 1)
  for (const op of graph.ops) {
    for (const value of outputsOf(op)) makers.set(value, op)
    op.inputs.forEach(read)
  }
  for (const value of kept(graph)) read(value)
  return { makers, readers }
}

/** A matmul that may still take an epilogue: nothing but this operation reads it, in the same phase. */
function bareMatmul({ makers, readers }: Uses, value: Value, outer: AnyOp): Op<'matmul'> | null {
  const op = makers.get(value)
  if (op?.name !== 'matmul' || readers.get(value) !== 1 || op.phase !== outer.phase) return null
  return op.attributes.fn === 'linear' && !op.attributes.accumulate ? op : null
}

/** A value whose buffer the outer operation may take over: read by nothing else, under no other shape either. */
function consumable(uses: Uses, value: Value): boolean {
  if (value.leaf !== null || uses.readers.get(value) !== 1) return false
  const maker = uses.makers.get(value)
  return maker?.name !== 'reshape' || consumable(uses, maker.inputs[0])
}

function fuseAdd(op: Op<'binary'>, uses: Uses): { fused: AnyOp; inner: AnyOp } | null {
  for (const [x, y] of [op.inputs, [op.inputs[1], op.inputs[0]]]) {
    const matmul = bareMatmul(uses, x, op)
    if (matmul && !matmul.attributes.bias && sameShape(x.shape, op.output.shape)) {
      const isBias = y.shape.length === 1 && y.shape[0] === x.shape[1]
      if (isBias) {
        const attributes = { ...matmul.attributes, bias: true }
        return {
          fused: { ...matmul, inputs: [...matmul.inputs, y], attributes, output: op.output },
          inner: matmul,
        }
      }
      if (sameShape(y.shape, x.shape) && consumable(uses, y)) {
        const attributes = { ...matmul.attributes, accumulate: true }
        return {
          fused: { ...matmul, inputs: [...matmul.inputs, y], attributes, output: op.output },
          inner: matmul,
        }
      }
    }
    const maker = uses.makers.get(x)
    if (
      maker?.name === 'penaltyGrad' &&
      !maker.attributes.accumulate &&
      consumable(uses, x) &&
      consumable(uses, y)
    ) {
      const attributes = { ...maker.attributes, accumulate: true }
      return {
        fused: { ...maker, inputs: [...maker.inputs, y], attributes, output: op.output },
        inner: maker,
      }
    }
  }
  return null
}

function fuseUnary(op: Op<'unary'>, uses: Uses): { fused: AnyOp; inner: AnyOp } | null {
  const matmul = bareMatmul(uses, op.inputs[0], op)
  if (!matmul) return null
  return {
    fused: { ...matmul, attributes: { ...matmul.attributes, ...op.attributes }, output: op.output },
    inner: matmul,
  }
}

/** Fuses from the front, so that a matmul takes first its bias, then its activation. */
export function fuse(graph: Graph): Graph {
  const uses = usesOf(graph)
  const left = new Set<AnyOp>()
  for (const op of graph.ops) {
    const match =
      op.name === 'unary'
        ? fuseUnary(op, uses)
        : op.name === 'binary' && op.attributes.fn === 'add'
          ? fuseAdd(op, uses)
          : null
    if (match) left.delete(match.inner)
    const result = match?.fused ?? op
    left.add(result)
    uses.makers.set(result.output, result)
  }
  return { ...graph, ops: [...left] }
}

export const simplify = (graph: Graph): Graph => fuse(removeDead(graph))
