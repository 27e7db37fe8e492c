// One arena: weights, optimizer state, the programs made so far, and single runs of them. Enters: checked rows. Leaves:
// results read back. It knows nothing of where programs come from: whoever extends it makes them.

import { fail } from '../numerics/errors.ts'
import { shapeText } from '../numerics/shape.ts'
import { elementCount, type FloatArray } from '../numerics/tensor.ts'
import { type Batch, gatherRows, type Rows } from '../rows/rows.ts'
import type { Stop } from '../rows/stop.ts'
import type { Arena } from '../runtime/arena.ts'
import type { Executable, Slot } from '../runtime/program.ts'
import type { Feeds } from './feeds.ts'
import { isState, type Layout, layoutOf, type ParameterSpec } from './layout.ts'
import type { Logs, WithLoss } from './logs.ts'
import type { HostMetric } from './metric.ts'
import type { Prepared, RunOptions } from './prepared.ts'
import type { Finishes, Mode } from './program.ts'
import { Tally } from './tally.ts'

/** How weights are updated. */
export interface Updating {
  readonly learningRate: number
  /** The rate of a step, counted from 0, of a schedule that starts from `base`; null without a schedule. */
  readonly rateAt: ((base: number, step: number) => number) | null
  /** Training steps that make one update. */
  readonly steps: number
  /** What adds up the gradients of several steps; null: each makes an update. */
  readonly sums: Sums | null
  /** Groups of losses whose gradients are summed apart where `steps` is more than 1. */
  readonly groups: number
  /** Names of the optimizer's arrays, each as large as all trainable weights. */
  readonly slotNames: readonly string[]
  /** The number that the elements of the first array start from; the others start from 0. */
  readonly slotStart: number
}

/** Gradients of several steps for one update (sums.ts). */
export interface Sums {
  /** One step on what was fed. */
  step(session: Session, prepared: Prepared): void
  /** The same with gradients that are in the arena already and count for `weight` rows. */
  keep(session: Session, prepared: Prepared, weight: number): void
  /** The update by what has accumulated since the last one, if anything has. */
  update(session: Session): void
}

/** Looks after a training, where warnings are wanted. */
export interface Watcher<C extends Executable> {
  /** After the first batch of a `fit` was fed. */
  first(prepared: Prepared<C>): void
  /** After the first epoch of a `fit`. */
  epoch(loss: number): void
  /** Why the run just made, which has updated nothing, gave a loss that isn't finite. `when`: 'in step 12'. */
  whyNotFinite(prepared: Prepared<C>, when: string): string
}

export abstract class Session<C extends Executable = Executable, E extends Arena = Arena> {
  readonly seed: number
  feeds: Feeds
  weights: readonly ParameterSpec[]
  updating: Updating | null = null
  /** Metrics that JavaScript computes, by key. */
  readonly metrics = new Map<string, HostMetric>()
  /** The base of the schedule: the optimizer's own, until a callback sets another. */
  learningRate = 0
  /** Epochs trained so far: the shuffle of the next one depends on it. */
  epochCount = 0
  /** Batches predicted as in training: each draws anew, from numbers that no training step takes. */
  drawCount = 0
  /** Steps since the last update, where gradients are accumulated. */
  microCount = 0
  /** The sums of what their gradients weigh, by group of losses. */
  microWeights: readonly number[] = []
  /** The program of the last of these steps. */
  accumulated: Prepared<C> | null = null
  /** Kinds of warnings that were given since `compile`. */
  readonly warned = new Set<string>()
  /** Warnings are not wanted. */
  isQuiet = false
  watcher: Watcher<C> | null = null
  /** Where warnings go; null: to the console. */
  tell: ((text: string) => void) | null = null
  private alive: E | null
  /** Whose session it is, in messages. */
  noun: string = 'model'
  /** Ends whatever waits for a batch from an iterable, which models alone take. */
  readonly disposing: Stop | null = null
  layout: Layout

  constructor(
    weights: readonly ParameterSpec[],
    feeds: Feeds,
    seed: number,
    engine: E,
    layout = layoutOf(engine.base, weights, null),
  ) {
    this.weights = weights
    this.feeds = feeds
    this.seed = seed
    this.alive = engine
    this.layout = layout
    engine.reserve(layout.end)
  }

  /** The program for a batch of `rows` rows shaped like `batch`'s. */
  abstract prepareFor(mode: Mode, batch: Batch, rows: number, options?: RunOptions): Prepared<C>

  /** From means to what is logged; null: nothing of the kind is. */
  abstract readonly finishes: Partial<Finishes> | null

  /** The step just run gave a loss that isn't finite, and has updated nothing: of engines that watch it. */
  protected abstract whenNotFinite(prepared: Prepared<C>): void

  /** So short that engines inline it wherever it stands. */
  get engine(): E {
    return this.alive ?? this.gone()
  }

  private gone(): never {
    return fail(`this ${this.noun} was disposed`)
  }

  dispose(): void {
    this.alive?.dispose()
    this.alive = null
    this.disposing?.abort()
    this.forgetPrograms()
  }

  protected addressOf(weight: string): number {
    return this.layout.parameters.get(weight) ?? fail(`no weight ${weight}`)
  }

  /** A copy. */
  readWeight({ name, shape }: ParameterSpec): FloatArray {
    return { shape, data: this.engine.floatView(this.addressOf(name), elementCount(shape)).slice() }
  }

  writeWeight(name: string, data: Float32Array): void {
    this.engine.write(this.addressOf(name), data)
  }

  /** The states that layers keep are 0 again. */
  resetStates(): void {
    for (const { name, shape } of this.weights.filter(isState))
      this.engine.clear(this.addressOf(name), elementCount(shape) * 4)
  }

  /** Takes how weights are updated; the optimizer starts anew, its arrays being 0. */
  protected start(updating: Updating | null): void {
    const { engine, layout } = this
    this.updating = updating
    // A new memory holds zeros already, but a page that is read before it is written costs two faults.
    engine.clear(layout.slotsStart, layout.stateEnd - layout.slotsStart)
    for (const { name, shape } of this.weights) {
      const gradient = layout.gradients.get(name)
      if (gradient === undefined || !updating?.slotStart) continue
      const slot = gradient - layout.gradientsStart + layout.slotsStart
      engine.floatView(slot, elementCount(shape)).fill(updating.slotStart)
    }
    engine.stepCount = 0
    engine.momentumProduct = 1
    this.learningRate = updating?.learningRate ?? 0
    this.epochCount = 0
    this.microCount = 0
    this.microWeights = new Array<number>(updating?.groups ?? 0).fill(0)
  }

  forgetPrograms(): void {
    this.accumulated = null
    this.metrics.clear()
  }

  /** The optimizer's slots by name: `<slot>/<weight>`. Views. */
  optimizerSlots(): Map<string, Float32Array> {
    const slots = new Map<string, Float32Array>()
    const { updating, layout } = this
    if (!updating) return slots
    for (const { name, shape } of this.weights) {
      const address = layout.gradients.get(name)
      if (address === undefined) continue
      updating.slotNames.forEach((slot, i) => {
        if (updating.steps > 1 && slot.startsWith('gradient')) return // those of the last step alone
        const at = layout.slotsStart + i * layout.trainable.bytes + address - layout.gradientsStart
        slots.set(`${slot}/${name}`, this.engine.floatView(at, elementCount(shape)))
      })
    }
    return slots
  }

  /** Makes a program the one that runs. */
  begin({ code, draws }: Prepared): void {
    const { engine } = this
    if (engine.loaded !== code) engine.load(code)
    if (draws) this.draw()
  }

  /** Random numbers of the coming run are those of its step. */
  private draw(): void {
    const { engine, microCount } = this
    const { stepCount } = engine
    const steps = this.updating?.steps ?? 1
    // the low word is exact beyond 2^53 as well
    engine.drawFrom(Math.imul(stepCount, steps) + microCount, (stepCount * steps + microCount) / 0x100000000)
  }

  /** Writes rows `from..to` of a batch (through `indices`, if given) into the arena and checks them. */
  feed(
    prepared: Prepared,
    batch: Batch,
    indices: Uint32Array | null,
    from: number,
    to: number,
    allowNaN: boolean,
  ): void {
    const { engine } = this
    this.begin(prepared)
    const put = (kind: string, name: string, rows: Rows | null, slot: Slot | undefined) => {
      if (!rows || !slot) return
      const count = (to - from) * (rows.data.length / rows.rows)
      if (count !== slot.count) {
        if (rows.data.length !== rows.rows * elementCount(rows.shape))
          fail(`${kind} ${name}: its buffer was detached or resized after the call began`)
        const given = shapeText([to - from, ...rows.shape]) // an axis of unknown length may differ from x's
        fail(`${kind} ${name}: expected shape ${shapeText(slot.shape)} for this x; got ${given}`)
      }
      gatherRows(rows, engine.view(slot.address, count, slot.dtype), indices, from, to)
      if (allowNaN || slot.dtype !== 'float32') return
      const bad = engine.findOutside(slot.address, count)
      if (bad < 0) return
      const row = from + Math.floor((bad * rows.rows) / rows.data.length)
      fail(
        `${kind} ${name}: row ${indices?.[row] ?? row} holds NaN (pass allowNaN: true to use it all the same)`,
      )
    }
    const { inputs, targets } = this.feeds
    for (let i = 0; i < inputs.length; i++) put('input', inputs[i].name, batch.x[i], prepared.x[i])
    for (let i = 0; i < targets.length; i++) {
      put('target', targets[i].name, batch.y[i] ?? null, prepared.y[i])
      put('sample weights of', targets[i].name, batch.weights[i] ?? null, prepared.weights[i])
    }
  }

  /** One training step on what was fed: an update, or gradients kept for a later one. */
  step(prepared: Prepared<C>): void {
    const { engine, updating } = this
    if (!updating) return
    if (updating.sums) {
      updating.sums.step(this, prepared)
      return
    }
    this.setRate(updating)
    if (engine.step()) this.whenNotFinite(prepared)
  }

  /** The update by gradients that wait for more steps. */
  update(): void {
    this.updating?.sums?.update(this)
  }

  /** The learning rate of the coming update. */
  setRate({ rateAt }: Updating): void {
    const { engine, learningRate } = this
    engine.learningRate = rateAt ? rateAt(learningRate, engine.stepCount) : learningRate
  }

  /** Loss and metrics of the last run. */
  readLogs(prepared: Prepared): WithLoss<Logs> {
    const tally = new Tally()
    this.tally(prepared, tally)
    return tally.logs() as WithLoss<Logs>
  }

  tally(prepared: Prepared, tally: Tally): void {
    tally.add(this, prepared)
  }

  /** A copy of what a slot of a program holds. */
  read({ address, shape, count }: Slot): FloatArray {
    return { shape, data: this.engine.floatView(address, count).slice() }
  }
}
