// The operations and buffers of a plan as data: reads and writes, addresses, lifetimes. It is the content of the texts of
// inspect.ts, for programs that draw it. Enters: a plan. Leaves: plain data; values are named as in the texts.
import { outputsOf } from '../graph/kernel.ts'
import { type Value, valueText } from '../graph/value.ts'
import type { Plan } from '../plan/plan.ts'
import { bufferName } from '../plan/storage.ts'

/** An operation of the graph, as `inspect` gives it. */
export interface InspectedOperation {
  readonly phase: 'forward' | 'backward' | 'update'
  /** The operation in words: `matmul A.B (bias tanh)`. */
  readonly operation: string
  /** The layer, loss or weight it belongs to. */
  readonly label: string
  readonly reads: readonly string[]
  readonly writes: readonly string[]
}

/** A buffer of the memory map, as `inspect` gives it. */
export interface InspectedBuffer {
  /** Its name: `hidden/kernel`, `gradient of hidden/kernel`, `loss`, `%5`, `scratch of %5`. */
  readonly name: string
  readonly address: number
  readonly bytes: number
  /** The first and the last operation of its lifetime: of all operations unless it is transient. */
  readonly first: number
  readonly last: number
  readonly isTransient: boolean
  /** The values that lie in it one after another. */
  readonly values: readonly string[]
}

/** Every buffer but the optimizer's slots, by address. */
export function buffersOf(plan: Plan): InspectedBuffer[] {
  const { graph, bufferOf } = plan
  const names = new Map<Value, string>()
  for (const [name, value] of graph.results) names.set(value, name)
  for (const [name, value] of graph.gradients) names.set(value, `gradient of ${name}`)
  for (const [name, value] of graph.updates) names.set(value, `next ${name}`)
  const isNamed = (value: Value) => value.leaf !== null || names.has(value)
  const all = { first: 0, last: graph.ops.length - 1, isTransient: false }
  const fixed = [...new Set(bufferOf.values())].flatMap(({ address, bytes, values }) => {
    const named = values.find(isNamed) // a pinned one
    const name = named && (names.get(named) ?? valueText(named))
    return name === undefined ? [] : { name, address, bytes, ...all, values: values.map(valueText) }
  })
  const transient = plan.transient.map((buffer) => ({
    ...buffer,
    name: bufferName(buffer, plan.graph),
    isTransient: true,
    values: buffer.values.map(valueText),
  }))
  return [...fixed, ...transient].sort((a, b) => a.address - b.address || a.first - b.first)
}

/** The operations of the graph in their order; behind them the updates, which read a gradient and write a weight. */
export function operationsOf(
  plan: Plan,
  textOf: (step: Plan['steps'][number]) => string,
): InspectedOperation[] {
  const { graph, steps } = plan
  const stepOf = new Map(steps.map((step) => [step.op, step]))
  const operations = graph.ops.map((op): InspectedOperation => {
    const step = stepOf.get(op)
    return {
      phase: op.phase,
      operation: step ? textOf(step) : op.kernel.name, // without an instruction it is the same numbers in another shape
      label: op.label,
      reads: op.inputs.map(valueText),
      writes: outputsOf(op).map(valueText),
    }
  })
  const updates = steps.filter(({ op }) => op === null)
  const behind = { phase: 'update', label: '', reads: [], writes: [] } as const
  return [...operations, ...updates.map((step) => ({ ...behind, operation: textOf(step) }))]
}
