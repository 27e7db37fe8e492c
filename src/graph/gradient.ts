// Reverse-mode differentiation: graph in, graph out (Griewank and Walther 2008, chapter 3). Enters: a builder
// holding a forward graph, a scalar of it and the leaves to differentiate by. Leaves: one gradient value for
// each leaf, its operations appended to the builder. Each kernel has its rule (kernel.ts); what turns out unused is
// removed by simplify.ts. Nothing here names a layer or an operation.
import { fail } from '../numerics/errors.ts'
import { eachOutput, type Op, outputsOf } from './kernel.ts'
import { plus } from './ops/broadcast.ts'
import type { Value } from './value.ts'
import type { GraphWriter } from './writer.ts'

/** The gradients that one operation passes on to its inputs. */
function gradientsOf(g: GraphWriter, op: Op, dys: readonly (Value | null)[]): readonly (Value | null)[] {
  const { name, gradient, gradients } = op.kernel
  if (gradients) return gradients(g, op, dys)
  if (!gradient) return fail(`operation ${name} has no gradient`)
  const [dy, ...others] = dys
  if (others.some((other) => other !== null)) fail(`only the first output of ${name} has a gradient`)
  return dy ? gradient(g, op, dy) : []
}

/**
 * The gradient of the scalar `of` with respect to each leaf of `by`; null for a leaf that doesn't reach it.
 * Adjoints of a value used several times are summed here, at plan time.
 */
export function differentiate(g: GraphWriter, of: Value, by: readonly Value[]): (Value | null)[] {
  const forward = [...g.ops]
  const moving = new Set<Value>(by) // values that depend on a leaf of `by`
  forward.forEach((op) => {
    if (op.inputs.some((input) => moving.has(input))) eachOutput(op, (value) => moving.add(value))
  })

  const adjoints = new Map<Value, Value>([[of, g.constant(1)]])
  for (const op of forward.reverse()) {
    if (!moving.has(op.output)) continue
    const dys = outputsOf(op).map((value) => adjoints.get(value) ?? null)
    if (dys.every((dy) => dy === null)) continue
    g.label = op.label
    const gradients = gradientsOf(g, op, dys)
    op.inputs.forEach((input, i) => {
      const gradient = gradients[i]
      if (!gradient || !moving.has(input)) return
      const sum = adjoints.get(input)
      adjoints.set(input, sum ? plus(g, sum, gradient) : gradient)
    })
  }
  return by.map((leaf) => adjoints.get(leaf) ?? null)
}
