// Which values share a buffer. Enters: a graph and the addresses of pinned values. Leaves: buffers with
// lifetimes. A reshape and an accumulating operation must share; an elementwise operation may take over the
// buffer of an input that dies in it. A pinned buffer (a parameter, an input, a result, a gradient) has its
// own address and never passes to another value.
import type { AnyOp, Graph } from '../graph/graph.ts'
import { eachOutput } from '../graph/kernel.ts'
import type { Value } from '../graph/value.ts'
import { sameShape } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'
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

/** The input whose buffer an operation must write into, if any. */
function sharedInput(op: AnyOp): Value | null {
  if (op.name === 'reshape') return op.inputs[0]
  const accumulates = (op.name === 'matmul' || op.name === 'penaltyGrad') && op.attributes.accumulate
  return accumulates ? op.inputs[op.inputs.length - 1] : null
}

/** The inputs whose buffer an operation may write into when they die in it. */
function reusableInputs(op: AnyOp): readonly Value[] {
  switch (op.name) {
    case 'unary':
    case 'unaryGrad':
    case 'softmax':
    case 'softmaxGrad':
      return [op.inputs[0]]
    case 'binary':
      return op.inputs.filter((input) => sameShape(input.shape, op.output.shape))
    case 'kernel':
      return (op.attributes.kernel.reuses ?? []).map((i) => op.inputs[i])
    default:
      return []
  }
}

/**
 * Gives each result, each gradient and each update a buffer of its own: where it would share one with a leaf or with another
 * result, a copy is inserted at the end of its phase.
 */
export function separateResults(graph: Graph): Graph {
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
  const copies: AnyOp[] = []
  const own = (map: ReadonlyMap<string, Value>, phase: AnyOp['phase']) =>
    new Map(
      [...map].map(([name, value]) => {
        const root = roots.get(value) ?? value
        if (root.leaf === null && !taken.has(root)) {
          taken.add(root)
          return [name, value]
        }
        const output: Value = { ...value, id: ++id, leaf: null }
        copies.push({ name: 'copy', inputs: [value], output, extras: [], attributes: {}, phase, label: '' })
        return [name, output]
      }),
    )
  const results = own(graph.results, 'forward')
  const gradients = own(graph.gradients, 'backward')
  const updates = new Map(
    [...graph.updates].map(([name, value]) => {
      const output: Value = { ...value, id: ++id, leaf: null }
      copies.push({
        name: 'copy',
        inputs: [value],
        output,
        extras: [],
        attributes: {},
        phase: 'update',
        label: '',
      })
      return [name, output]
    }),
  )
  const phase = (name: AnyOp['phase']) => [...graph.ops, ...copies].filter((op) => op.phase === name)
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
    for (const input of reusableInputs(op)) {
      const source = bufferOf.get(input)
      const others = op.inputs.filter((other) => other !== input && bufferOf.get(other) === source)
      if (!source || source === target || source.address !== null || source.last !== i || others.length > 0)
        continue
      if (elementCount(input.shape) !== elementCount(op.output.shape)) continue
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
