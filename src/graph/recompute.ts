// Gradient checkpointing (Chen, Xu, Zhang and Guestrin 2016): time for memory. Enters: a simplified graph whose
// operations may belong to regions (recomputed). Leaves: the same results, bit for bit, by a graph whose
// backward phase reads no value made inside a region: it reads clones, made again right before their first use.
//
// Values that leave a region (read by operations outside, or results) are kept and not made again. Regions are taken
// after fusion, so that a clone is the very operation of the forward phase. Random operations draw the same numbers
// again; what a layer keeps from step to step is computed once, in the forward phase.

import type { Graph } from './graph.ts'
import { type Op, outputsOf } from './kernel.ts'
import { copyKernel } from './ops/moves.ts'
import { removeDead } from './simplify.ts'
import type { Value } from './value.ts'
import type { GraphWriter } from './writer.ts'

const regionOf = (op: Op): number => (op.phase === 'forward' ? (op.region ?? 0) : 0)

/**
 * What `write` writes is computed twice: its values don't wait in memory for the backward phase, which makes them
 * again from those the region reads. Within another such region: part of that one.
 */
export function recomputed<T>(g: GraphWriter, write: () => T): T {
  if (g.region > 0) return write()
  g.pass = recompute
  g.region = g.ops.length + 1 // no other has it, unless that one is empty
  const result = write()
  g.region = 0
  return result
}

function recompute(graph: Graph): Graph {
  if (graph.ops.every((op) => op.phase === 'forward')) return graph
  let id = 0
  for (const op of graph.ops)
    for (const value of [...op.inputs, ...outputsOf(op)]) id = Math.max(id, value.id)
  const another = (value: Value): Value => ({ ...value, id: ++id, leaf: null })

  const makers = new Map<Value, Op>()
  const roots = new Map<Value, Value>() // what a view looks at
  const forward: Op[] = []
  const push = (op: Op) => {
    forward.push(op)
    for (const value of outputsOf(op)) makers.set(value, op)
    if (op.kernel.view) roots.set(op.output, roots.get(op.inputs[0]) ?? op.inputs[0])
  }
  for (const op of graph.ops) {
    if (op.phase !== 'forward') continue
    // An operation that writes onto an input's buffer would destroy what its clone has to read: give it a copy.
    const shared = op.kernel.shares?.(op)
    if (shared && regionOf(op) > 0 && makers.get(roots.get(shared) ?? shared)?.region !== op.region) {
      const output = another(shared)
      push({ ...op, kernel: copyKernel, inputs: [shared], output, extras: [], attributes: {} })
      push({ ...op, inputs: op.inputs.map((input) => (input === shared ? output : input)) })
    } else push(op)
  }

  // These stay: results, values that an operation outside of their region reads, and the buffers that views of these look at.
  const kept = new Set<Value>([...graph.results.values(), ...graph.updates.values()])
  for (const op of forward)
    for (const input of op.inputs) {
      const maker = makers.get(input)
      if (maker && regionOf(maker) !== regionOf(op)) kept.add(input)
    }
  for (const op of [...forward].reverse()) if (op.kernel.view && kept.has(op.output)) kept.add(op.inputs[0])

  const ops = [...forward]
  const clones = new Map<Value, Value>()
  const present = (value: Value): Value => (kept.has(value) ? value : (clones.get(value) ?? value))
  /** The operation of a value that must be made again and isn't yet. */
  const makerOf = (value: Value): Op | null => {
    const maker = makers.get(value)
    return maker && regionOf(maker) > 0 && present(value) === value && !kept.has(value) ? maker : null
  }
  const cloneOf = (value: Value): Value => {
    const open = [value] // a list, since a region may be deeper than the stack
    while (open.length > 0) {
      const maker = makerOf(open[open.length - 1])
      const lost = maker?.inputs.filter((input) => makerOf(input)) ?? []
      for (const input of lost.reverse()) open.push(input)
      if (lost.length > 0) continue
      open.pop()
      if (!maker) continue
      const [output, ...extras] = outputsOf(maker).map(another)
      ops.push({ ...maker, inputs: maker.inputs.map(present), output, extras, phase: 'backward' })
      outputsOf(maker).forEach((own, i) => {
        clones.set(own, i === 0 ? output : extras[i - 1])
      })
    }
    return present(value)
  }
  for (const op of graph.ops) {
    if (op.phase === 'forward') continue
    const inputs = op.phase === 'backward' ? op.inputs.map(cloneOf) : op.inputs
    ops.push({ ...op, inputs })
  }
  return removeDead({ ...graph, ops })
}
