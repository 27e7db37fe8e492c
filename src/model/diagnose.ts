// Warnings, for the console, of training that can't be intended. Enters: a session after it was fed, or after a run. Leaves:
// warnings, and the arena as it was.
import { kernelText, outputsOf } from '../graph/kernel.ts'
import type { PlannedSession } from '../network/planned.ts'
import { elementCount } from '../numerics/tensor.ts'
import type { Plan } from '../plan/plan.ts'
import type { Engine } from '../runtime/engine.ts'
import type { Slot } from '../runtime/program.ts'
import type { Prepared } from '../session/prepared.ts'
import type { Watcher } from '../session/session.ts'
import { warn } from '../session/warnings.ts'
import { ROUNDING } from '../training/loss.ts'
import { rangeText } from '../training/range.ts'

const LARGEST = 3.4028234663852886e38

/** The size of inputs from which weights of a usual size can't cope. */
const LARGE = 1e4
const PASSING: readonly string[] = ['flatten', 'reshape', 'permute']
const DISTANCES: readonly string[] = ['meanSquaredError', 'meanAbsoluteError', 'huber', 'logCosh']

/** Whether a layer multiplies the value by a kernel before any other. */
function meetsKernel(session: PlannedSession, value: string): boolean {
  return session.network.calls.some(
    ({ name, layer, inputs }) =>
      inputs.includes(value) &&
      (session.outline.byName.has(`${layer.name}/kernel`) ||
        (PASSING.includes(layer.kind.kind) && meetsKernel(session, name))),
  )
}

/** Warns of data as it was fed for the first step of a `fit`. */
function checkFirst(session: PlannedSession, { code: plan }: Prepared<Plan>): void {
  const { engine, outline, training } = session
  const outside = ({ address, count, dtype }: Slot, low: number, high: number): number => {
    const bad = dtype === 'float32' ? engine.findOutside(address, count, low, high) : -1
    return bad < 0 ? NaN : engine.scalar(address + 4 * bad)
  }
  for (const [name, slot] of plan.inputs) {
    const number = outside(slot, -LARGE, LARGE)
    if (!Number.isNaN(number) && meetsKernel(session, name))
      warn(
        session,
        'scale',
        `input ${name} holds ${number}: training is easiest on numbers around 1 (rescaling, normalization)`,
      )
  }
  for (const { output, loss } of training?.outputs ?? []) {
    const [slot, range] = [plan.targets.get(output), outline.ranges.get(output)]
    if (!slot || !range || !DISTANCES.includes(loss.kind)) continue
    const number = outside(slot, range.low - ROUNDING, range.high + ROUNDING)
    if (!Number.isNaN(number))
      warn(
        session,
        'reach',
        `target ${output} holds ${number}, out of reach: layer ${range.layer} gives ${rangeText(range)}`,
      )
  }
}

/** Whether the last step's gradients are all 0. */
function isStill({ engine, layout }: PlannedSession): boolean {
  return engine.findOutside(layout.gradientsStart, layout.trainable.bytes / 4, 0, 0) < 0
}

/** Warns if an epoch of `fit` has moved no weight. */
function checkMoved(session: PlannedSession, loss: number): void {
  if (loss === 0 || !(isStill(session) || session.learningRate === 0)) return
  const isFrozen = session.outline.weights.every(({ trainable }) => !trainable)
  warn(
    session,
    'still',
    `nothing was learnt in an epoch: ${isFrozen ? 'no layer trains' : session.learningRate === 0 ? 'the learning rate is 0' : 'every gradient is 0 (is a relu always below 0?)'}`,
  )
}

/** The first of `count` floats that isn't finite, as a text, or null. */
function found(engine: Engine, address: number, count: number): string | null {
  const bad = engine.findOutside(address, count, -LARGEST, LARGEST)
  return bad < 0 ? null : `holds ${engine.scalar(address + 4 * bad)}`
}

/** Runs the plan again up to the update. */
function firstNotFinite({ engine, outline }: PlannedSession, { code: plan }: Prepared<Plan>): string | null {
  const { layout, steps, bufferOf } = plan
  const given = { input: plan.inputs, target: plan.targets, 'sample weights of': plan.sampleWeights }
  let from = plan.programStart
  const look = (): string | null => {
    for (const [kind, slots] of Object.entries(given))
      for (const [name, { address, count, dtype }] of slots) {
        const held = dtype === 'float32' && found(engine, address, count)
        if (held) return `${kind} ${name} ${held}`
      }
    for (const { name, shape, trainable } of outline.weights) {
      const held = trainable && found(engine, layout.parameters.get(name) ?? 0, elementCount(shape))
      if (held) return `weight ${name} ${held} since an update before`
    }
    for (const [i, { op, phase, instruction }] of steps.entries()) {
      if (!op || phase !== 'forward') break
      const to = from + 4 * (1 + instruction.operands.length)
      engine.run(from, to)
      from = to
      if (op === steps[i + 1]?.op) continue
      for (const value of outputsOf(op)) {
        const address = bufferOf.get(value)?.address
        const held = address !== undefined && found(engine, address, elementCount(value.shape))
        if (held) return `the output of ${op.label || 'the loss'} (${kernelText(op)}) ${held}`
      }
    }
    return null
  }
  const text = look()
  engine.run(from, plan.phaseEnds.backward)
  return text
}

/**
 * The reason why a loss isn't finite: the last run, which updated nothing, is repeated instruction by instruction. `when`: 'in
 * step 12'. */
function whyNotFinite(session: PlannedSession, prepared: Prepared<Plan>, when: string): string {
  const loss = session.engine.scalar(prepared.readings.loss)
  const before = session.state().slice()
  const first = firstNotFinite(session, prepared)
  session.state().set(before)
  return (
    `the loss is ${loss} ${when}${first ? `: ${first}` : ''}. Usual causes: a learning rate that is too large, ` +
    'inputs that are not scaled, a logarithm of 0 or a division by it'
  )
}

/** Looks after the training of a session. */
export const watcherOf = (session: PlannedSession): Watcher<Plan> => ({
  first: (prepared) => checkFirst(session, prepared),
  epoch: (loss) => checkMoved(session, loss),
  whyNotFinite: (prepared, when) => whyNotFinite(session, prepared, when),
})
