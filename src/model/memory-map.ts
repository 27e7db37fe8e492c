// The operations and buffers of a plan as data: reads and writes, addresses, lifetimes. It is the content of the texts of
// inspect.ts, for programs that draw it. Enters: a plan. Leaves: plain data; values are named as in the texts.
import { leavesOf } from '../graph/graph.ts'
import { outputsOf } from '../graph/kernel.ts'
import { type Value, valueText } from '../graph/value.ts'
import type { Plan } from '../plan/plan.ts'
import { bufferName, shareBuffers } from '../plan/storage.ts'

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
  const { graph, layout } = plan
  const names = new Map<Value, string>()
  const pins = new Map<Value, number>()
  const pin = (value: Value, name: string, address: number | undefined) => {
    names.set(value, name)
    pins.set(value, address ?? 0)
  }
  const slots = { input: plan.inputs, target: plan.targets, sampleWeight: plan.sampleWeights }
  const constants = [...plan.constants]
  for (const value of leavesOf(graph)) {
    const { kind, name, data } = value.leaf ?? { kind: 'constant', name: '' }
    if (kind === 'constant') {
      if (data) pin(value, valueText(value), constants.shift()?.address)
    } else if (kind === 'parameter') pin(value, name, layout.parameters.get(name))
    else pin(value, valueText(value), slots[kind].get(name)?.address)
  }
  for (const [name, value] of graph.results) pin(value, name, plan.results.get(name)?.address)
  for (const [name, value] of graph.gradients)
    pin(value, `gradient of ${name}`, plan.gradients.get(name)?.address)
  for (const [name, value] of graph.updates) pin(value, `next ${name}`, layout.parameters.get(name))
  const all = { first: 0, last: graph.ops.length - 1 }
  const pinned = [...new Set(shareBuffers(graph, pins).values())].flatMap(({ address, bytes, values }) =>
    address === null
      ? []
      : {
          name: names.get(values.find((value) => names.has(value)) as Value) ?? '',
          address,
          bytes,
          ...all,
          isTransient: false,
          values: values.map(valueText),
        },
  )
  const transient = plan.transient.map((buffer) => ({
    ...buffer,
    name: bufferName(buffer, plan.graph),
    isTransient: true,
    values: buffer.values.map(valueText),
  }))
  return [...pinned, ...transient].sort((a, b) => a.address - b.address || a.first - b.first)
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
