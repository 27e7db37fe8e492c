// Prints a plan: its graph, its memory map, its program. Enters: a model and the kind of run. Leaves: texts that fit 80 columns
// if names do, the same as data, and the model as it was. Only a program that names `inspect` carries this.

import { graphText } from '../graph/graph.ts'
import { type Value, valueText } from '../graph/value.ts'
import type { Values } from '../network/network.ts'
import { POSITIVE_INTEGER, readOptions, unknownName } from '../numerics/errors.ts'
import { shapeText } from '../numerics/shape.ts'
import type { Plan } from '../plan/plan.ts'
import { regionsOf } from '../plan/regions.ts'
import { bufferName } from '../plan/storage.ts'
import type { Mode } from '../session/program.ts'
import { trainingOf } from './compile.ts'
import { buffersOf, type InspectedBuffer, type InspectedOperation, operationsOf } from './memory-map.ts'
import { checkModel, type Model } from './model.ts'
import { stepText } from './step-text.ts'
import { grouped, table } from './summary.ts'

/** A plan as `inspect` returns it. */
export interface Inspection {
  /** The operations, forward and backward, after simplification. */
  readonly graph: string
  /** Regions of the arena, buffers of the transient region, peak against the live-bytes lower bound. */
  readonly memory: string
  /** The instructions that the core walks. */
  readonly program: string
  /** The operations as data, in order. */
  readonly operations: readonly InspectedOperation[]
  /** The buffers as data, by address. */
  readonly buffers: readonly InspectedBuffer[]
}

/** The memory map; lifetimes count operations of the graph, as the program lists them. */
function memoryText(plan: Plan): string {
  const regions = regionsOf(plan).map(({ name, start, end }) => [
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

const operandText = (value: Value): string => `${valueText(value)}${shapeText(value.shape)}`

/** The program, a line for each instruction: address, phase, text. */
function programText(plan: Plan): string {
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

export const inspectionOf = (plan: Plan): Inspection => ({
  graph: graphText(plan.graph),
  memory: memoryText(plan),
  program: programText(plan),
  operations: operationsOf(plan, stepText),
  buffers: buffersOf(plan),
})

const MODES: readonly Mode[] = ['predict', 'evaluate', 'train', 'gradients']
const readMode = (mode: Mode): Mode => (MODES.includes(mode) ? mode : unknownName('mode', mode, MODES))

/** Options of `inspect`. */
export interface InspectOptions {
  /** The kind of run; all but 'predict' need a compiled model. Default 'train'. */
  readonly mode?: Mode
  /** Rows of the batch. Default 32. */
  readonly batchSize?: number
}

/**
 * The graph, the memory map and the program of one kind of run of a model, as texts and as data. The model stays as it was.
 * @throws LanegradError on a model that isn't compiled (unless the mode is 'predict') or was disposed, or a bad option
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { inspect } from 'lanegrad/inspect'
 *
 * const model = sequential({ inputShape: [2], layers: [dense({ units: 3, activation: 'relu' })] })
 * const { program, operations } = inspect(model, { mode: 'predict', batchSize: 4 })
 * console.log(operations[0].operation) // matmul A.B (bias relu)
 * console.log(program.includes('matmul A.B (bias relu)')) // true
 * ```
 */
export function inspect<V extends Values>(model: Model<V>, options: InspectOptions = {}): Inspection {
  const { session } = checkModel('inspect: model', model)
  const { mode, batchSize } = readOptions('inspect', options, {
    mode: [readMode, 'train'],
    batchSize: [POSITIVE_INTEGER, 32],
  })
  if (mode !== 'predict') trainingOf(session)
  return inspectionOf(session.programFor(mode, batchSize).code)
}
