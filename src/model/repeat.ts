// A training step like the one before: flat arrays of the same sizes, one input and one output. What the whole way
// (batch.ts, data.ts, Session.feed) finds out anew is known then, so that a step of a tiny net takes half the time. Whatever
// isn't as before, or not as it must be, is left to the whole way, and with it the error messages.
import type { Slot } from '../plan/plan.ts'
import type { Logs } from '../training/callbacks.ts'
import { takesLabels } from '../training/losses.ts'
import type { Data } from './data.ts'
import type { Prepared, Session } from './session.ts'

/** Up to here numbers are copied and looked at one by one; for more, calls for all of them cost less. */
const FEW = 64

export class Repeat {
  private readonly session: Session
  private readonly prepared: Prepared
  private readonly x: Slot
  private readonly y: Slot
  /** Labels are below it; null: targets are floats. */
  private readonly classes: number | null
  private readonly ignored: number | null

  private constructor(session: Session, prepared: Prepared, x: Slot, y: Slot, classes: number | null) {
    this.session = session
    this.prepared = prepared
    this.x = x
    this.y = y
    this.classes = classes
    this.ignored = session.training?.outputs[0].loss.ignoreIndex ?? null
  }

  /** Of a step that `prepared` has just run, on x and y without weights; null: not of this simple kind. */
  static of(session: Session, prepared: Prepared, x: Data, y: Data): Repeat | null {
    const { training, network } = session
    if (!training || network.inputs.length !== 1 || training.outputs.length !== 1) return null
    const [{ output, loss }] = training.outputs
    const [into] = prepared.x
    const [target] = prepared.y
    if (!into || !target || into.dtype !== 'float32' || prepared.weights[0]) return null
    const repeat = new Repeat(
      session,
      prepared,
      into,
      target,
      takesLabels(loss) ? (session.shapeOf(output).at(-1) ?? 0) : null,
    )
    return repeat.isLike(x, y) ? repeat : null
  }

  private isLike(x: Data, y: Data): boolean {
    return (
      x instanceof Float32Array &&
      x.length === this.x.count &&
      (this.classes === null ? y instanceof Float32Array : y instanceof Int32Array) &&
      (y as Float32Array | Int32Array).length === this.y.count
    )
  }

  /** The logs of a step, or null if it isn't like the one before; then nothing has happened. */
  step(x: Data, y: Data): Logs | null {
    if (!this.isLike(x, y)) return null
    const { session, prepared, classes, ignored } = this
    const { engine } = session
    if (classes !== null) {
      const labels = y as Int32Array
      for (let i = 0; i < labels.length; i++)
        if ((labels[i] < 0 || labels[i] >= classes) && labels[i] !== ignored) return null
    }
    session.begin(prepared)
    if (!this.put(x as Float32Array, this.x)) return null
    if (classes !== null) engine.write(this.y.address, y as Int32Array)
    else if (!this.put(y as Float32Array, this.y)) return null
    session.step()
    const { readings } = prepared
    if (readings.metrics.length > 0 || readings.losses.some(({ counter }) => counter > 0))
      return session.readLogs(prepared)
    return { loss: engine.scalar(readings.loss) }
  }

  /** Copies floats to their slot; whether none is NaN. */
  private put(data: Float32Array, { address, count }: Slot): boolean {
    const { engine } = this.session
    if (count <= FEW) return engine.writeFew(address, data)
    engine.write(address, data)
    return engine.findNaN(address, count) < 0
  }
}
