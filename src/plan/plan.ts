// A graph to a plan: everything the core needs to run it. Order is the graph's own; lifetimes give each buffer
// an address; each operation becomes instructions. Enters: a simplified graph, the model's layout. Leaves: a
// frozen Plan that prints its memory map and its program. Pure: the same graph gives the same plan.
//
// An arena, from low to high addresses:
//   header | parameters | gradients | optimizer slots     persistent, the same for every plan (layout.ts)
//   constants | inputs, targets, results | transient | program     the plan that is loaded
// The program comes last: then its addresses are known when it is written, and kernels may read up to 12 bytes past a row.
import { OP_ACCUMULATE } from '../../assembly/abi.ts'
import { type Graph, leavesOf } from '../graph/graph.ts'
import { type Instruction, instructionsOf, type Op } from '../graph/kernel.ts'
import type { Value } from '../graph/value.ts'
import { fail } from '../numerics/errors.ts'
import { type Shape, sameShape, shapeText } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'
import type { Executable, Slot } from '../runtime/program.ts'
import { align, bufferBytes, type Layout } from '../session/layout.ts'
import { checkPlan } from './check.ts'
import { placeBuffers } from './memory.ts'
import { type Buffer, type PlannedBuffer, separateResults, shareBuffers } from './storage.ts'
import {
  gradientSlot,
  slotAddress,
  type UpdateSpec,
  updateInstructions,
  type WeightInPlan,
} from './update.ts'

/** One instruction, where it came from, and the phase it belongs to. */
export interface Step {
  readonly instruction: Instruction
  readonly phase: 'forward' | 'backward' | 'update'
  /** null: part of the update phase */
  readonly op: Op | null
}

export interface Plan extends Executable {
  readonly graph: Graph
  readonly layout: Layout
  readonly steps: readonly Step[]
  /** Where each value of the graph lies. */
  readonly bufferOf: ReadonlyMap<Value, PlannedBuffer>
  /** Buffers of the transient region, by address. */
  readonly transient: readonly PlannedBuffer[]
  /** Where inputs, targets and results begin; constants lie before them. */
  readonly dataStart: number
  readonly transientStart: number
  readonly peakBytes: number
  readonly lowerBoundBytes: number
}

const slot = ({ shape, dtype }: Value, address: number): Slot => ({
  address,
  shape,
  dtype,
  count: elementCount(shape),
})

/** The values whose places are fixed: parameters and their gradients where the layout says, the others one after another. */
function pinned(
  graph: Graph,
  layout: Layout,
  parameters: readonly WeightInPlan[],
  update: UpdateSpec | null,
) {
  let { end } = layout
  const take = (shape: Shape): number => {
    const address = end
    end += bufferBytes(shape)
    return address
  }
  const pins = new Map<Value, number>()
  const constants: { address: number; data: Float32Array }[] = []
  const slots = {
    input: new Map<string, Slot>(),
    target: new Map<string, Slot>(),
    sampleWeight: new Map<string, Slot>(),
  }
  const leaves = leavesOf(graph)
  for (const value of leaves) {
    if (value.leaf?.kind !== 'constant' || !value.leaf.data) continue
    const address = take(value.shape)
    constants.push({ address, data: value.leaf.data })
    pins.set(value, address)
  }
  const dataStart = end
  const shapes = new Map(parameters.map(({ name, shape }) => [name, shape]))
  for (const value of leaves) {
    const { kind, name } = value.leaf ?? { kind: 'constant', name: '' }
    if (kind === 'constant') continue
    if (kind === 'parameter' && !sameShape(value.shape, shapes.get(name) ?? []))
      fail(`weight ${name} would take its shape from the batch: ${shapeText(value.shape)}`)
    const address = kind === 'parameter' ? (layout.parameters.get(name) ?? 0) : take(value.shape)
    pins.set(value, address)
    if (kind !== 'parameter') slots[kind].set(name, slot(value, address))
  }
  const place = (values: ReadonlyMap<string, Value>, at: (name: string) => number | undefined) =>
    new Map(
      [...values].map(([name, value]) => {
        const address = at(name) ?? take(value.shape)
        pins.set(value, address)
        return [name, slot(value, address)] as const
      }),
    )
  const results = place(graph.results, () => undefined)
  const gradients = place(graph.gradients, (name) => {
    const [weight, group] = name.split(' ') // behind the first group of losses its number
    const address = layout.gradients.get(weight)
    if (address === undefined || group === undefined || !update) return address
    return address - layout.gradientsStart + slotAddress(update, layout, gradientSlot(Number(group)))
  })
  for (const [name, value] of graph.updates) pins.set(value, layout.parameters.get(name) ?? 0)
  const { input: inputs, target: targets, sampleWeight: sampleWeights } = slots
  const all = {
    constants,
    inputs,
    targets,
    sampleWeights,
    results,
    gradients,
    dataStart,
    transientStart: end,
  }
  return { pins, all }
}

/** Instructions as words behind `programStart`, and the addresses in between where the core starts and ends. */
function encoded(steps: readonly Step[], programStart: number) {
  const words = new Int32Array(
    steps.reduce((sum, { instruction }) => sum + 1 + instruction.operands.length, 0),
  )
  const phaseEnds = { forward: programStart, backward: programStart, update: programStart }
  const sums: [number, number][] = []
  let at = 0
  steps.forEach(({ instruction, phase }) => {
    const start = programStart + at * 4
    words[at] = instruction.code | ((1 + instruction.operands.length) << 16)
    words.set(instruction.operands, at + 1)
    at += 1 + instruction.operands.length
    const end = programStart + at * 4
    if (phase === 'forward') phaseEnds.forward = end
    if (phase !== 'update') phaseEnds.backward = end
    if (instruction.code === OP_ACCUMULATE) sums.push([start, end])
    phaseEnds.update = end
  })
  return { words, programStart, phaseEnds, sums, end: programStart + align(words.byteLength) }
}

export function planOf(
  simplified: Graph,
  layout: Layout,
  parameters: readonly WeightInPlan[],
  update: UpdateSpec | null,
): Plan {
  const graph = separateResults(simplified, update ? 'update' : 'forward')
  const updates = update ? updateInstructions(update, layout, parameters) : []
  const { pins, all } = pinned(graph, layout, parameters, update)

  // Everything else shares the transient region.
  const bufferOf = shareBuffers(graph, pins)
  const free = [...new Set(bufferOf.values())].filter((buffer) => buffer.address === null)
  const scratches = graph.ops.map((op, i): Buffer | null => {
    const bytes = op.kernel.scratchBytes?.(op) ?? 0
    return bytes > 0 ? { bytes: align(bytes), first: i, last: i, address: null, values: [] } : null
  })
  const transient = [...free, ...scratches.filter((buffer) => buffer !== null)]
  const { offsets, peakBytes, lowerBoundBytes } = placeBuffers(transient)
  transient.forEach((buffer, i) => {
    buffer.address = all.transientStart + offsets[i]
  })

  const steps: Step[] = []
  const of = (value: Value) => bufferOf.get(value)?.address ?? 0
  graph.ops.forEach((op, i) => {
    const addresses = { of, scratch: scratches[i]?.address ?? 0, header: layout.base }
    for (const instruction of instructionsOf(op, addresses)) steps.push({ instruction, phase: op.phase, op })
  })
  for (const instruction of updates) steps.push({ instruction, phase: 'update', op: null })

  const isPlaced = (buffer: Buffer): buffer is Buffer & PlannedBuffer => buffer.address !== null
  const plan: Plan = {
    graph,
    layout,
    steps,
    ...encoded(steps, all.transientStart + align(peakBytes)),
    modules: [
      ...new Set([
        ...graph.ops.flatMap(({ kernel, attributes }) =>
          [kernel.module, kernel.calls?.(attributes)].flatMap((module) => module ?? []),
        ),
        ...updates.flatMap(({ module }) => module ?? []),
      ]),
    ],
    ...all,
    bufferOf: bufferOf as ReadonlyMap<Value, PlannedBuffer>, // checkPlan finds one without an address
    transient: transient.filter(isPlaced).sort((a, b) => a.address - b.address || a.first - b.first),
    peakBytes,
    lowerBoundBytes,
    scratchBytes: scratches.reduce((most, buffer) => Math.max(most, buffer?.bytes ?? 0), 0),
  }
  checkPlan(plan)
  return Object.freeze(plan)
}
