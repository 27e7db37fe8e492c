// A training step or a prediction like the one before: typed arrays, flat or shaped, of the same sizes, one input and one
// output. Everything that the whole way (batch.ts, rows.ts, Session.feed) finds out anew is known then, so that a step of a
// tiny net takes half the time. Data that differs, or is faulty, goes the whole way, which has the error messages.
import { isFloat32, isInt32 } from '../numerics/brands.ts'
import type { FloatArray, NamedArray } from '../numerics/tensor.ts'
import type { Data } from '../rows/rows.ts'
import type { Engine } from '../runtime/engine.ts'
import type { Executable, Slot } from '../runtime/program.ts'
import type { TargetFeed } from './feeds.ts'
import type { Logs, WithLoss } from './logs.ts'
import type { Prepared } from './prepared.ts'
import type { Session } from './session.ts'

/** A session of a model. */
type Own = Session<Executable, Engine>

/** The numbers of an array with its shape, of a slot's size; null for all else. */
function shaped(given: Data, { shape, count }: Slot): ArrayBufferView | null {
  const { data, shape: own } = (given ?? {}) as Partial<NamedArray>
  if (!Array.isArray(own) || own.length !== shape.length || data?.length !== count) return null
  for (let i = 0; i < shape.length; i++) if (own[i] !== shape[i]) return null
  return data
}

/** The floats of a flat array, or of one with its shape, of a slot's size; null for all else. Asks nothing twice: see `step`. */
function floatsOf(given: Data, slot: Slot): Float32Array | null {
  try {
    if (isFloat32(given)) return given.length === slot.count ? given : null
    const data = shaped(given, slot)
    return isFloat32(data) ? data : null
  } catch {
    return null // a proxy or a getter that throws
  }
}

/** The same of labels. */
function labelsOf(given: Data, slot: Slot): Int32Array | null {
  try {
    const data = isInt32(given) ? given : shaped(given, slot)
    return isInt32(data) && data.length === slot.count ? data : null
  } catch {
    return null
  }
}

/** The one input of a prediction, and its one output. */
export class RepeatedPrediction {
  private readonly session: Own
  private readonly prepared: Prepared
  private readonly x: Slot
  private readonly y: Slot

  private constructor(session: Own, prepared: Prepared, x: Slot, y: Slot) {
    this.session = session
    this.prepared = prepared
    this.x = x
    this.y = y
  }

  /** Remembers a prediction of x that `prepared` has just run; null if it isn't of this simple kind. */
  static of(session: Own, prepared: Prepared, x: Data): RepeatedPrediction | null {
    const { inputs, outputs, outputStructure } = session.feeds
    const [into] = prepared.x
    const result = prepared.code.results.get(outputs[0])
    const isOne = inputs.length === 1 && outputStructure === 'single'
    if (!isOne || into?.dtype !== 'float32' || result?.dtype !== 'float32') return null
    return floatsOf(x, into) ? new RepeatedPrediction(session, prepared, into, result) : null
  }

  /** The output for x, or null if that isn't like the one before. */
  run(x: Data): FloatArray | null {
    const { session, prepared, y } = this
    const rows = floatsOf(x, this.x)
    if (!rows) return null
    session.begin(prepared)
    const { engine } = session
    if (!engine.writeWithin(this.x.address, rows, -Infinity, Infinity)) return null
    engine.forward()
    return { shape: [...y.shape], data: engine.floatView(y.address, y.count).slice() }
  }
}

export class Repeat {
  private readonly session: Own
  private readonly prepared: Prepared
  private readonly x: Slot
  private readonly y: Slot
  private readonly target: TargetFeed
  /** No metrics, and the mean over all rows. */
  private readonly isLossAlone: boolean

  private constructor(session: Own, prepared: Prepared, x: Slot, y: Slot, target: TargetFeed) {
    this.session = session
    this.prepared = prepared
    this.x = x
    this.y = y
    this.target = target
    const { metrics, losses } = prepared.readings
    this.isLossAlone = metrics.length === 0 && losses.length === 0
  }

  /** Remembers a step on x and y without weights that `prepared` has just run; null if it isn't of this simple kind. */
  static of(session: Own, prepared: Prepared, x: Data, y: Data): Repeat | null {
    const { inputs, targets } = session.feeds
    if (inputs.length !== 1 || targets.length !== 1) return null
    const [into] = prepared.x
    const [target] = prepared.y
    if (!into || !target || into.dtype !== 'float32' || prepared.weights[0]) return null
    const isSimple = floatsOf(x, into) && (floatsOf(y, target) ?? labelsOf(y, target))
    return isSimple ? new Repeat(session, prepared, into, target, targets[0]) : null
  }

  /** The logs of a step, or null if it isn't like the one before; then nothing has happened. */
  step(x: Data, y: Data): WithLoss<Logs> | null {
    const { session, prepared, target } = this
    const rows = floatsOf(x, this.x)
    if (!rows) return null
    if (target.dtype !== 'float32') return this.stepOnLabels(rows, y)
    const truths = floatsOf(y, this.y)
    if (!truths) return null
    const { engine } = session
    // asked here as well: what isn't called needs no room in what engines inline
    if (engine.loaded !== prepared.code || prepared.draws) session.begin(prepared)
    const isWhole =
      engine.writeWithin(this.x.address, rows, -Infinity, Infinity) &&
      engine.writeWithin(this.y.address, truths, target.low, target.high)
    return isWhole ? this.run(engine) : null
  }

  // short methods, so that engines inline all of them into `step`

  private run(engine: Engine): WithLoss<Logs> {
    const { session, prepared } = this
    session.step(prepared)
    return this.isLossAlone ? { loss: engine.scalar(prepared.readings.loss) } : session.readLogs(prepared)
  }

  private stepOnLabels(rows: Float32Array, y: Data): WithLoss<Logs> | null {
    const { session, prepared, target } = this
    const { columns, ignoreIndex } = target
    const labels = labelsOf(y, this.y)
    if (!labels) return null
    for (let i = 0; i < labels.length; i++)
      if ((labels[i] < 0 || labels[i] >= columns) && labels[i] !== ignoreIndex) return null
    session.begin(prepared)
    if (!session.engine.writeWithin(this.x.address, rows, -Infinity, Infinity)) return null
    session.engine.write(this.y.address, labels)
    return this.run(session.engine)
  }
}
