// Which values share a buffer. Enters: a graph and the addresses of pinned values. Leaves: buffers with
// lifetimes. A view and an accumulating operation must share; an operation may take over the buffer of an input that dies
// in it, where its kernel `reuses` that. A pinned buffer (a parameter, an input, a result, a gradient) has its
// own address and never passes to another value.
import type { Graph } from '../graph/graph.ts'
import { eachOutput, type Op, type Phase, sharedInput } from '../graph/kernel.ts'
import { copyKernel } from '../graph/ops/moves.ts'
import type { Value } from '../graph/value.ts'
import { sameShape } from '../numerics/shape.ts'
import { bufferBytes } from '../session/layout.ts'

export interface Buffer {
  bytes: number
  first: number
  last: number
  /** Address, or null while the planner is free to choose. */
  address: number | null
  /** The values it holds, in order of writing; none: an operation's scratch. */
  readonly values: Value[]
}

/** A buffer of the transient region, placed. */
export type PlannedBuffer = Readonly<Buffer> & { readonly address: number }

export const bufferName = ({ values, first }: PlannedBuffer, { ops }: Graph): string =>
  values.length > 0 ? values.map(({ id }) => `%${id}`).join(' ') : `scratch of %${ops[first].output.id}`

/**
 * Gives each result, each gradient and each update a buffer of its own: where it would share one with a leaf or with another
 * result, a copy is inserted at the end of its phase. `last`: that of the updates.
 */
export function separateResults(graph: Graph, last: Phase = 'update'): Graph {
  let id = 0
  for (const op of graph.ops)
    eachOutput(op, (value) => {
      if (value.id > id) id = value.id
    })
  const roots = new Map<Value, Value>() // what a value's buffer was first written as
  for (const op of graph.ops) {
    const shared = sharedInput(op)
    if (shared) roots.set(op.output, roots.get(shared) ?? shared)
  }
  const taken = new Set<Value>()
  const copies: Op[] = []
  const copied = (value: Value, phase: Phase): Value => {
    const output: Value = { ...value, id: ++id, leaf: null }
    const none = { extras: [], attributes: {}, label: '' }
    copies.push({ kernel: copyKernel, inputs: [value], output, phase, ...none })
    return output
  }
  const own = (map: ReadonlyMap<string, Value>, phase: Phase) =>
    new Map(
      [...map].map(([name, value]) => {
        const root = roots.get(value) ?? value
        if (root.leaf !== null || taken.has(root)) return [name, copied(value, phase)]
        taken.add(root)
        return [name, value]
      }),
    )
  const results = own(graph.results, 'forward')
  const gradients = own(graph.gradients, 'backward')
  const updates = new Map([...graph.updates].map(([name, value]) => [name, copied(value, last)]))
  const phase = (name: Phase) => [...graph.ops, ...copies].filter((op) => op.phase === name)
  const ops = [...phase('forward'), ...phase('backward'), ...phase('update')]
  return { ops, results, gradients, updates }
}

/**
 * One buffer per value or group of values that share. `pins` gives the address of every leaf, result and
 * gradient.
 */
export function shareBuffers(graph: Graph, pins: ReadonlyMap<Value, number>): ReadonlyMap<Value, Buffer> {
  const bufferOf = new Map<Value, Buffer>()
  const join = (value: Value, buffer: Buffer) => {
    bufferOf.set(value, buffer)
    buffer.values.push(value)
    buffer.address ??= pins.get(value) ?? null
  }
  const open = (value: Value, at: number) => {
    const address = pins.get(value) ?? null
    bufferOf.set(value, { bytes: bufferBytes(value.shape), first: at, last: at, address, values: [value] })
  }

  for (const value of pins.keys()) if (value.leaf) open(value, 0)
  graph.ops.forEach((op, i) => {
    const shared = sharedInput(op)
    const buffer = shared && bufferOf.get(shared)
    if (buffer) join(op.output, buffer)
    else open(op.output, i)
    op.extras.forEach((value) => {
      open(value, i)
    })
    const use = (value: Value) => {
      const used = bufferOf.get(value)
      if (used) used.last = i
    }
    op.inputs.forEach(use)
    eachOutput(op, use)
  })

  graph.ops.forEach((op, i) => {
    const target = bufferOf.get(op.output)
    if (!target || target.first !== i) return
    for (const at of op.kernel.reuses ?? []) {
      const input = op.inputs[at]
      const source = bufferOf.get(input)
      const others = op.inputs.filter((other) => other !== input && bufferOf.get(other) === source)
      if (!source || source === target || source.address !== null || source.last !== i || others.length > 0)
        continue
      if (!sameShape(input.shape, op.output.shape)) continue
      // the newer buffer joins the older one: a long chain would move all its values again and again
      source.last = target.last
      source.address = target.address
      for (const value of target.values) {
        source.values.push(value)
        bufferOf.set(value, source)
      }
      return
    }
  })
  return bufferOf
}
