// Times the instructions of a training step. Enters: a model and a batch. Leaves: a row for each instruction, and the model as it
// was. Only a program that names `profile` carries this.

import type { StepOptions } from '../feed/options.ts'
import type { Values } from '../network/network.ts'
import type { PlannedSession } from '../network/planned.ts'
import { asGiven, BOOLEAN, POSITIVE_INTEGER, readOptions } from '../numerics/errors.ts'
import { now } from '../numerics/host.ts'
import type { Plan } from '../plan/plan.ts'
import type { Data } from '../rows/rows.ts'
import { checkModel, type Model } from './model.ts'
import { stepText } from './step-text.ts'

/** One instruction of a step, as `profile` times it. */
export interface ProfileRow {
  readonly phase: string
  readonly operation: string
  /** The layer, loss or weight it belongs to. */
  readonly label: string
  /** The least time of all repeats, in ms. */
  readonly ms: number
  /** The share of the whole step. */
  readonly share: number
}

/** Times each instruction of a fed plan, the least of `repeats` runs. The caller puts the weights back. */
function profileRows(session: PlannedSession, plan: Plan, repeats: number): ProfileRow[] {
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

/** Options of `profile`. */
export interface ProfileOptions extends StepOptions {
  /** The number of runs of each instruction. Default 20. */
  readonly repeats?: number
}

/**
 * Times every instruction of a model's training step on one batch: the least of `repeats` runs. The weights and the
 * optimizer are left as they were.
 * @throws LanegradError on a model that isn't compiled or was disposed, or data that doesn't fit
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { profile } from 'lanegrad/inspect'
 *
 * const model = sequential({ inputShape: [2], layers: [dense({ units: 3 })] })
 * model.compile({ optimizer: 'adam', loss: 'meanSquaredError' })
 * const rows = profile(model, [[1, 2]], [[0, 0, 0]], { repeats: 5 })
 * console.log(rows[0].operation, rows.at(-1).operation) // matmul A.B (bias) update
 * ```
 */
export function profile<V extends Values>(
  model: Model<V>,
  x: Data,
  y: Data,
  options: ProfileOptions = {},
): ProfileRow[] {
  const what = 'profile'
  const { session } = checkModel(`${what}: model`, model)
  const { repeats, sampleWeight, allowNaN } = readOptions(what, options, {
    repeats: [POSITIVE_INTEGER, 20],
    sampleWeight: [asGiven<Data | undefined>, undefined],
    allowNaN: [BOOLEAN, false],
  })
  const batch = model.batchOf(what, { x, y, weights: sampleWeight })
  const prepared = session.prepareFor('train', batch, batch.rows)
  session.feed(prepared, batch, null, 0, batch.rows, allowNaN)
  const before = session.state().slice()
  try {
    session.engine.stepCount++
    session.engine.factor = 1
    return profileRows(session, prepared.code, repeats)
  } finally {
    session.state().set(before)
  }
}
