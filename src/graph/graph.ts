// A graph: values with static shapes and the operations that make them, in an order that can run (SSA: each
// value is written once). Enters: nothing. Leaves: a frozen Graph that prints itself. Values are compared by
// identity.

import { shapeText } from '../numerics/shape.ts'
import { type Op, outputsOf } from './kernel.ts'
import { type Value, valueText } from './value.ts'

export interface Graph {
  readonly ops: readonly Op[]
  /** Values to be read after a run, by name: outputs, losses, metrics. */
  readonly results: ReadonlyMap<string, Value>
  /** Parameter or input name -> gradient of the total loss with respect to it. */
  readonly gradients: ReadonlyMap<string, Value>
  /** Parameter name -> the value it takes after the step. */
  readonly updates: ReadonlyMap<string, Value>
}

/** Every leaf the graph reads, in order of first use. */
export function leavesOf(graph: Graph): Value[] {
  const leaves = new Set<Value>()
  for (const op of graph.ops) for (const value of op.inputs) if (value.leaf) leaves.add(value)
  for (const value of graph.results.values()) if (value.leaf) leaves.add(value)
  return [...leaves]
}

function attributesText(attributes: object): string {
  const parts: string[] = []
  for (const [key, given] of Object.entries(attributes)) {
    const value = given?.fn?.name ?? given?.name ?? given // an epilogue, a function
    if (value === false || value === 'linear' || (key === 'alpha' && value === 0)) continue
    parts.push(value === true ? key : `${key}=${Array.isArray(value) ? shapeText(value) : value}`)
  }
  return parts.length > 0 ? ` {${parts.join(' ')}}` : ''
}

function opText(op: Op): string {
  const inputs = op.inputs.map(valueText).join(', ')
  const shapes = outputsOf(op).map(({ shape }) => shapeText(shape))
  return `${outputsOf(op).map(valueText).join(', ')} = ${op.kernel.name} ${inputs}${attributesText(op.attributes)} ${shapes.join(', ')}`
}

/** One line a leaf, an operation, a result and a gradient. */
export function graphText(graph: Graph): string {
  const lines: string[] = []
  for (const leaf of leavesOf(graph)) {
    lines.push(
      `${leaf.leaf?.kind} ${leaf.leaf?.name} ${leaf.dtype === 'int32' ? 'int32 ' : ''}${shapeText(leaf.shape)}`,
    )
  }
  for (const phase of ['forward', 'backward', 'update'] as const) {
    const ops = graph.ops.filter((op) => op.phase === phase)
    if (ops.length > 0) lines.push(`${phase}:`)
    for (const op of ops) lines.push(`  ${opText(op)}${op.label ? `  ; ${op.label}` : ''}`)
  }
  for (const [name, value] of graph.results) lines.push(`result ${name} = ${valueText(value)}`)
  for (const [name, value] of graph.gradients) lines.push(`gradient ${name} = ${valueText(value)}`)
  for (const [name, value] of graph.updates) lines.push(`update ${name} = ${valueText(value)}`)
  return lines.join('\n')
}
