// Graph in, graph out, with the same results: removes what nothing reads and fuses what one kernel can do.
//   add(matmul, bias)          -> matmul with bias
//   unary(matmul)              -> matmul with activation
//   both likewise of a reshaped kernel that `fuses`
//   add(x, matmul)             -> matmul that accumulates onto x's buffer
//   add(x, penaltyGrad)        -> penaltyGrad that accumulates onto x's buffer
// A fusion asks that the inner value has no other reader. The fused operation stands where the outer one
// stood and makes the same value, so no reader changes.

import { sameShape } from '../numerics/shape.ts'
import type { AnyOp, Graph, Op } from './graph.ts'
import { eachOutput, type Fused } from './kernel.ts'
import type { Value } from './value.ts'

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
    if (!live.has(op.output) && !op.extras.some((value) => live.has(value))) continue
    op.inputs.forEach((input) => {
      live.add(input)
    })
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
  graph.ops.forEach((op) => {
    eachOutput(op, (value) => makers.set(value, op))
    op.inputs.forEach(read)
  })
  kept(graph).forEach(read)
  return { makers, readers }
}

/** A matmul that may still take an epilogue: nothing but this operation reads it, in the same phase. */
function bareMatmul({ makers, readers }: Uses, value: Value, outer: AnyOp): Op<'matmul'> | null {
  const op = makers.get(value)
  if (op?.name !== 'matmul' || readers.get(value) !== 1 || op.phase !== outer.phase) return null
  return op.attributes.fn === 'linear' && !op.attributes.accumulate ? op : null
}

/** A value whose buffer the outer operation may take over: read by nothing else, under no other shape either. */
function consumable({ makers, readers }: Uses, value: Value): boolean {
  for (;;) {
    if (value.leaf !== null || readers.get(value) !== 1) return false
    const maker = makers.get(value)
    if (maker?.name !== 'reshape') return true
    value = maker.inputs[0]
  }
}

/** Operations that take the place of others. */
interface Match {
  readonly fused: readonly AnyOp[]
  readonly inner: readonly AnyOp[]
}

/** The same for a kernel whose result, under another shape, the outer operation reads. */
function bareKernel(
  { makers, readers }: Uses,
  value: Value,
  outer: AnyOp,
): { op: Op<'kernel'>; shaped: AnyOp; fused: Fused } | null {
  const shaped = makers.get(value)
  if (shaped?.name !== 'reshape' || readers.get(value) !== 1 || shaped.phase !== outer.phase) return null
  const op = makers.get(shaped.inputs[0])
  if (op?.name !== 'kernel' || readers.get(op.output) !== 1 || op.phase !== outer.phase) return null
  const fused: Fused = op.attributes.with
  return op.attributes.kernel.fuses && !fused.epilogue ? { op, shaped, fused } : null
}

function fuseKernel(uses: Uses, x: Value, outer: AnyOp, more: Fused, bias: readonly Value[]): Match | null {
  const found = bareKernel(uses, x, outer)
  if (!found) return null
  const { op, shaped, fused } = found
  const columns = op.output.shape[op.output.shape.length - 1]
  if (bias.length && (fused.bias || bias[0].shape[0] !== columns)) return null
  const attributes = { ...op.attributes, with: { ...fused, ...more } }
  return {
    fused: [
      { ...op, inputs: [...op.inputs, ...bias], attributes },
      { ...shaped, output: outer.output },
    ],
    inner: [op, shaped],
  }
}

function fuseAdd(op: Op<'binary'>, uses: Uses): Match | null {
  for (const [x, y] of [op.inputs, [op.inputs[1], op.inputs[0]]]) {
    const matmul = bareMatmul(uses, x, op)
    const isBias = y.shape.length === 1 && y.shape[0] === x.shape[x.shape.length - 1]
    if (matmul && !matmul.attributes.bias) {
      const accumulate = !isBias && sameShape(y.shape, x.shape) && consumable(uses, y)
      if (isBias || accumulate) {
        const attributes = { ...matmul.attributes, bias: isBias, accumulate }
        return {
          fused: [{ ...matmul, inputs: [...matmul.inputs, y], attributes, output: op.output }],
          inner: [matmul],
        }
      }
    }
    const match = isBias && fuseKernel(uses, x, op, { bias: true }, [y])
    if (match) return match
    const maker = uses.makers.get(x)
    if (
      maker?.name === 'penaltyGrad' &&
      !maker.attributes.accumulate &&
      consumable(uses, x) &&
      consumable(uses, y)
    ) {
      const attributes = { ...maker.attributes, accumulate: true }
      return {
        fused: [{ ...maker, inputs: [...maker.inputs, y], attributes, output: op.output }],
        inner: [maker],
      }
    }
  }
  return null
}

function fuseUnary(op: Op<'unary'>, uses: Uses): Match | null {
  const matmul = bareMatmul(uses, op.inputs[0], op)
  if (!matmul) return fuseKernel(uses, op.inputs[0], op, { epilogue: op.attributes }, [])
  return {
    fused: [{ ...matmul, attributes: { ...matmul.attributes, ...op.attributes }, output: op.output }],
    inner: [matmul],
  }
}

/** Fuses from the front, so that a matmul or a kernel takes first its bias, then its activation. */
export function fuse(graph: Graph): Graph {
  const uses = usesOf(graph)
  const left = new Set<AnyOp>()
  graph.ops.forEach((op) => {
    const match =
      op.name === 'unary'
        ? fuseUnary(op, uses)
        : op.name === 'binary' && op.attributes.fn === 'add'
          ? fuseAdd(op, uses)
          : null
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

export const simplify = (graph: Graph): Graph => fuse(removeDead(graph))
