// Prints of what a model is and runs: summary, graph, memory map, program listing, profile. Nothing here changes
// a model. Texts are plain and fit 80 columns where names do.

import { OP_ACCUMULATE, OP_CONSTRAIN, OP_EMA, OP_UNARY, OP_UPDATE } from '../../assembly/abi.ts'
import { graphText } from '../graph/graph.ts'
import { nameOf } from '../graph/kernel.ts'
import { type Value, valueText } from '../graph/value.ts'
import type { WeightSpec } from '../network/forward.ts'
import type { PlannedSession } from '../network/planned.ts'
import { now } from '../numerics/host.ts'
import { type RowShape, rowShapeText, shapeText } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'
import type { Plan, Step } from '../plan/plan.ts'
import { bufferName } from '../plan/storage.ts'
import { buffersOf, type InspectedBuffer, type InspectedOperation, operationsOf } from './memory-map.ts'

/** Columns padded to their widest cell; `right` tells which are numbers. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[],
): string {
  const widths = header.map((title, i) =>
    rows.reduce((most, row) => Math.max(most, row[i].length), title.length),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (right.includes(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
      .join('  ')
      .trimEnd()
  return [line(header), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n')
}

const grouped = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',')

/** How many numbers they are. */
export const parameters = (weights: readonly WeightSpec[]): number =>
  weights.reduce((sum, { shape }) => sum + elementCount(shape), 0)

/** Layers with output shapes, parameter counts and bytes. */
export function summaryText({ network, outline }: PlannedSession): string {
  const rows: string[][] = network.inputs.map(({ name, shape }) => [
    `${name} (input)`,
    rowShapeText(shape),
    '0',
    '0',
    '',
  ])
  const weights = new Map<string, WeightSpec[]>()
  for (const spec of outline.weights) {
    const [layer] = spec.name.split('/', 1)
    const known = weights.get(layer)
    if (known) known.push(spec)
    else weights.set(layer, [spec])
  }
  let total = 0
  let trainable = 0
  for (const { name, layer, inputs } of network.calls) {
    const own = weights.get(layer.name) ?? []
    weights.delete(layer.name) // counted at the layer's first call
    const count = parameters(own)
    total += count
    trainable += parameters(own.filter((spec) => spec.trainable))
    const shape = outline.shapes.get(name) ?? []
    rows.push([
      `${name} (${layer.kind.kind})`,
      rowShapeText(shape),
      grouped(count),
      grouped(count * 4),
      inputs.join(', '),
    ])
  }
  const totals = `parameters: ${grouped(total)} (${grouped(total * 4)} bytes), trainable: ${grouped(trainable)}`
  return `${table(['layer', 'output', 'parameters', 'bytes', 'inputs'], rows, [2, 3])}\n${totals}`
}

/** What a console prints of a model. */
export function modelText(session: PlannedSession): string {
  const { network, outline, training, disposing } = session
  const shaped = (values: Iterable<readonly [string, RowShape]>) =>
    Array.from(values, ([name, shape]) => `${name} ${rowShapeText(shape)}`).join(', ')
  const losses = training?.outputs.map(({ loss }) => loss.kind).join(', ')
  return `Model of ${grouped(parameters(outline.weights))} parameters, ${disposing.aborted ? 'disposed' : session.engine.variant}
  inputs: ${shaped(network.inputs.map(({ name, shape }) => [name, shape]))}
  outputs: ${shaped(outline.outputs)}
  ${training ? `compiled: ${training.optimizer.kind}, ${losses}` : 'not compiled'}`
}

/** What `inspect` tells of a plan. */
export interface Inspection {
  /** The operations, forward and backward, after simplification. */
  readonly graph: string
  /** Regions of the arena, buffers of the transient region, peak against the live-bytes lower bound. */
  readonly memory: string
  /** The instructions the core walks. */
  readonly program: string
  /** The operations as data, in order. */
  readonly operations: readonly InspectedOperation[]
  /** The buffers as data, by address. */
  readonly buffers: readonly InspectedBuffer[]
}

/** Lifetimes count operations of the graph, as listed by the program. */
export function memoryText(plan: Plan): string {
  const regions = plan.regions.map(({ name, start, end }) => [
    name,
    String(start),
    String(end),
    grouped(end - start),
  ])
  const buffers = plan.transient.map((buffer) => [
    bufferName(buffer, plan.graph),
    String(buffer.address),
    String(buffer.address + buffer.bytes),
    grouped(buffer.bytes),
    `${buffer.first}-${buffer.last}`,
  ])
  const ratio = plan.lowerBoundBytes > 0 ? plan.peakBytes / plan.lowerBoundBytes : 1
  return [
    table(['region', 'from', 'to', 'bytes'], regions, [1, 2, 3]),
    '',
    table(['transient buffer', 'from', 'to', 'bytes', 'lives'], buffers, [1, 2, 3]),
    '',
    `transient peak ${grouped(plan.peakBytes)} bytes, live-bytes lower bound ${grouped(plan.lowerBoundBytes)} (${ratio.toFixed(2)}x)`,
  ].join('\n')
}

/** The instructions no operation stands for; nonNeg is a unary one. */
const updateTexts: Readonly<Record<number, string>> = {
  [OP_UPDATE]: 'update',
  [OP_UNARY]: 'constrain',
  [OP_CONSTRAIN]: 'constrain',
  [OP_EMA]: 'ema',
  [OP_ACCUMULATE]: 'accumulate',
}

/** What an instruction does, in words: `matmul A^T.B (bias relu)`. */
export function stepText({ op, instruction }: Step): string {
  if (!op) return updateTexts[instruction.code] ?? 'clip'
  if (op.name === 'matmul') {
    const { transposeA, transposeB, bias, fn, accumulate } = op.attributes
    const epilogue = [bias && 'bias', fn !== 'linear' && fn, accumulate && 'accumulate']
      .filter(Boolean)
      .join(' ')
    return `matmul ${transposeA ? 'A^T' : 'A'}.${transposeB ? 'B^T' : 'B'}${epilogue && ` (${epilogue})`}`
  }
  return 'fn' in op.attributes ? `${op.name} ${op.attributes.fn}` : nameOf(op)
}

const operandText = (value: Value): string => `${valueText(value)}${shapeText(value.shape)}`

/** One line an instruction: address, phase, what it does. */
export function programText(plan: Plan): string {
  const lines: string[] = []
  let address = plan.programStart
  let phase = ''
  for (const step of plan.steps) {
    if (step.phase !== phase) lines.push(`${step.phase}:`)
    phase = step.phase
    const { op } = step
    const operands = op ? ` ${op.inputs.map(operandText).join(' ')} -> ${operandText(op.output)}` : ''
    lines.push(`  ${address}  ${stepText(step)}${operands}${op?.label ? `  ; ${op.label}` : ''}`)
    address += 4 * (1 + step.instruction.operands.length)
  }
  lines.push(`${plan.steps.length} instructions, ${plan.words.length} words`)
  return lines.join('\n')
}

export const inspect = (plan: Plan): Inspection => ({
  graph: graphText(plan.graph),
  memory: memoryText(plan),
  program: programText(plan),
  operations: operationsOf(plan, stepText),
  buffers: buffersOf(plan),
})

/** One instruction of a step, as `profile` times it. */
export interface ProfileRow {
  readonly phase: string
  readonly operation: string
  /** The layer, loss or weight it belongs to. */
  readonly label: string
  /** Least time of all repeats, ms. */
  readonly ms: number
  /** Of the whole step. */
  readonly share: number
}

/** Times each instruction of a fed plan, the least of `repeats` runs. The caller puts the weights back. */
export function profileRows(session: PlannedSession, plan: Plan, repeats: number): ProfileRow[] {
  const least = plan.steps.map(() => Number.POSITIVE_INFINITY)
  for (let repeat = 0; repeat < repeats; repeat++) {
    let address = plan.programStart
    plan.steps.forEach(({ instruction }, i) => {
      const end = address + 4 * (1 + instruction.operands.length)
      const start = now()
      session.engine.run(address, end)
      least[i] = Math.min(least[i], now() - start)
      address = end
    })
  }
  const total = least.reduce((sum, ms) => sum + ms, 0)
  return plan.steps.map((step, i) => ({
    phase: step.phase,
    operation: stepText(step),
    label: step.op?.label ?? '',
    ms: least[i],
    share: total > 0 ? least[i] / total : 0,
  }))
}
