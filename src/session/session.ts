// A network with its arena: parameters, the plans made so far, and single runs of them. Enters: checked rows.
// Leaves: results read back. Model (model.ts) is the public face; fit.ts and evaluate use this.

import { type RowShape, type Shape, shapeText } from '../graph/value.ts'
import { initialize } from '../layers/initializers.ts'
import { whyNotFinite } from '../model/diagnose.ts'
import {
  computationOf,
  type Mode,
  type Outline,
  type OutputTraining,
  outlineOf,
  type WeightSpec,
} from '../network/compute.ts'
import { isSum, lossGroups } from '../network/groups.ts'
import { type Network, withTrainable } from '../network/network.ts'
import { fail } from '../numerics/errors.ts'
import { streamOf } from '../numerics/random.ts'
import type { FloatArray } from '../numerics/tensor.ts'
import { elementCount } from '../numerics/tensor.ts'
import { type Layout, layoutOf } from '../plan/layout.ts'
import { type Plan, planOf, type Slot } from '../plan/plan.ts'
import { gatherRows, type Rows } from '../rows/rows.ts'
import { Stop } from '../rows/stop.ts'
import { Engine, type RuntimeOptions } from '../runtime/engine.ts'
import type { Logs, WithLoss } from '../training/callbacks.ts'
import { type Optimizer, updateOf } from '../training/optimizers.ts'
import { learningRateAt } from '../training/schedules.ts'
import type { Repeat, RepeatedPrediction } from './repeat.ts'
import { type Readings, readingsOf, Tally } from './tally.ts'

export interface Training {
  readonly optimizer: Optimizer
  readonly outputs: readonly OutputTraining[]
}

/** A batch: rows of each input, target and sample weight, in the network's order; null where none is given. */
export interface Batch {
  readonly rows: number
  readonly x: readonly Rows[]
  readonly y: readonly Rows[]
  readonly weights: readonly (Rows | null)[]
}

/** Plans a model keeps (about 20 KB each, 3 ms to make again): callers may pass any number of batch sizes. */
const PLANS_KEPT = 64

/** A plan and where the numbers of a batch go. */
export interface Prepared {
  readonly plan: Plan
  readonly x: readonly (Slot | undefined)[]
  readonly y: readonly (Slot | undefined)[]
  readonly weights: readonly (Slot | undefined)[]
  readonly rows: number
  readonly readings: Readings
  /** Where each group of losses has the number of its rows that count; 0: all rows of the batch, null: a sum. */
  readonly groups: readonly (number | null)[]
  /** Whether it draws random numbers. */
  readonly draws: boolean
}

interface RunOptions {
  readonly training?: boolean
  readonly inputGradients?: boolean
}
const NO_OPTIONS: RunOptions = {}

interface LastPrepared {
  readonly mode: Mode
  readonly rows: number
  readonly options: RunOptions
  readonly shapes: readonly Shape[]
  readonly prepared: Prepared
}

/** The groups of losses whose gradients are accumulated apart. */
function groupsOf(
  training: Training | null,
  network: Network,
  { masked, weights }: Outline,
): readonly string[] {
  const places = new Map(network.outputs.map(({ name, value }) => [name, value]))
  const hasPenalties = weights.some(({ regularizer: { l1 = 0, l2 = 0 } }) => l1 > 0 || l2 > 0)
  const isMasked = (output: string) => masked.has(places.get(output) ?? '')
  return lossGroups(training?.outputs ?? [], isMasked, hasPenalties).groups
}

export class Session {
  network: Network
  outline: Outline
  readonly seed: number
  /** As they were asked for. */
  readonly runtime: RuntimeOptions
  training: Training | null = null
  /** The base of the schedule: the optimizer's own, until a callback sets another. */
  learningRate = 0
  /** Epochs trained so far: the shuffle of the next one depends on it. */
  epochCount = 0
  /** Batches predicted as in training: each draws anew, from numbers that no training step takes. */
  drawCount = 0
  /** Kinds of warnings that were given since `compile`. */
  private readonly warned = new Set<string>()
  /** None is wanted. */
  isQuiet = false
  /** Where warnings go. */
  tell = (text: string): void => console.warn(`lanegrad: ${text}`)
  /** Steps since the last update, where gradients are accumulated. */
  microCount = 0
  /** What their gradients weigh together, by group of losses (groups.ts). */
  microWeights: readonly number[] = []
  /** What the last of these steps ran. */
  private accumulated: Prepared | null = null
  private alive: Engine | null
  /** Ends what waits for a batch. */
  readonly disposing = new Stop()
  private layout: Layout
  private readonly plans = new Map<string, Prepared>()
  private last: LastPrepared | null = null
  /** Of the last training step, while nothing of what it knows has changed. */
  repeat: Repeat | null = null
  /** Likewise, of the last prediction. */
  prediction: RepeatedPrediction | null = null

  constructor(network: Network, outline: Outline, seed: number, runtime: RuntimeOptions = {}) {
    this.network = network
    this.outline = outline
    this.seed = seed
    this.runtime = runtime
    const engine = new Engine(runtime)
    this.alive = engine
    this.layout = layoutOf(engine.base, this.outline.weights, null)
    engine.reserve(this.layout.end)
  }

  get engine(): Engine {
    return this.alive ?? fail('this model was disposed')
  }

  dispose(): void {
    this.alive?.dispose()
    this.alive = null
    this.disposing.abort()
    this.forgetPlans()
  }

  /** Draws every weight from its initializer: its numbers depend on the seed and the weight's name only. */
  initialize(): void {
    const { engine, seed } = this
    for (const { name, shape, initializer } of this.outline.weights) {
      const out = engine.floatView(this.addressOf(name), elementCount(shape))
      initialize(out, initializer, shape, seed, streamOf(name), engine)
    }
  }

  private addressOf(weight: string): number {
    return this.layout.parameters.get(weight) ?? fail(`no weight ${weight}`)
  }

  /** Shape of an output. */
  shapeOf(output: string): RowShape {
    return this.outline.outputs.get(output) ?? []
  }

  weightSpec(name: string): WeightSpec | undefined {
    return this.outline.byName.get(name)
  }

  /** A copy. */
  readWeight({ name, shape }: WeightSpec): FloatArray {
    return { shape, data: this.engine.floatView(this.addressOf(name), elementCount(shape)).slice() }
  }

  writeWeight(name: string, data: Float32Array): void {
    this.engine.write(this.addressOf(name), data)
  }

  /** Gives the arena the optimizer's slots; weights stay, the optimizer starts anew. `warnings`: whether they are wanted. */
  train(training: Training, warnings = true): void {
    this.heed(warnings)
    this.arrange(training, this.network, this.outline)
  }

  private heed(warnings: boolean): void {
    this.isQuiet = !warnings
    this.warned.clear()
    this.engine.watch(warnings)
  }

  /** Other losses and metrics for the optimizer there is, whose state stays. */
  retrain(training: Training, warnings = true): void {
    const groups = groupsOf(training, this.network, this.outline)
    if (this.accumulationSteps > 1 && String(groups) !== String(this.groups))
      fail(
        'compile: keepOptimizer: these losses would accumulate gradients in another way; start the optimizer anew',
      )
    this.heed(warnings)
    this.training = training
    this.forgetPlans()
  }

  private forgetPlans(): void {
    this.plans.clear()
    this.last = null
    this.repeat = null
    this.prediction = null
    this.accumulated = null
  }

  /** Which layers' weights train; weights stay, the optimizer starts anew. */
  setTrainable(isTrainable: (layer: string, now: boolean) => boolean): void {
    const network = withTrainable(this.network, isTrainable)
    this.arrange(this.training, network, outlineOf(network))
  }

  /** Lays the arena out anew around the weights: where none changes its place, without touching them. */
  private arrange(training: Training | null, network: Network, outline: Outline): void {
    const { engine } = this
    const groups = groupsOf(training, network, outline)
    const update = training && updateOf(training.optimizer, groups.length)
    const layout = layoutOf(engine.base, outline.weights, update?.slotNames.length ?? null)
    const isMoved = ({ name }: WeightSpec) => layout.parameters.get(name) !== this.layout.parameters.get(name)
    const moved = outline.weights.some(isMoved) ? outline.weights : []
    const kept = moved.map((spec) => this.readWeight(spec).data)
    const from = moved.length > 0 ? layout.trainable.start : layout.gradientsStart
    engine.reserve(layout.end)
    engine.clear(from, layout.end - from)
    Object.assign(this, { layout, training, network, outline })
    moved.forEach(({ name }, i) => {
      this.writeWeight(name, kept[i])
    })
    outline.weights.forEach(({ name, shape }) => {
      const gradient = layout.gradients.get(name)
      if (gradient === undefined || !update?.slotStart) return
      const slot = gradient - layout.gradientsStart + layout.slotsStart
      engine.floatView(slot, elementCount(shape)).fill(update.slotStart)
    })
    this.forgetPlans()
    engine.stepCount = 0
    engine.momentumProduct = 1
    this.learningRate = training?.optimizer.learningRate ?? 0
    this.epochCount = 0
    this.microCount = 0
    this.microWeights = groups.map(() => 0)
  }

  /** The optimizer's slots by name: `<slot>/<weight>`. Views. */
  optimizerSlots(): Map<string, Float32Array> {
    const slots = new Map<string, Float32Array>()
    if (!this.training) return slots
    const { slotNames, sums } = updateOf(this.training.optimizer, this.groups.length)
    for (const { name, shape } of this.outline.weights) {
      const address = this.layout.gradients.get(name)
      if (address === undefined) continue
      slotNames.forEach((slot, i) => {
        if (sums > 1 && slot.startsWith('gradient')) return // of the last step alone
        const at =
          this.layout.slotsStart + i * this.layout.trainable.bytes + address - this.layout.gradientsStart
        slots.set(`${slot}/${name}`, this.engine.floatView(at, elementCount(shape)))
      })
    }
    return slots
  }

  /** The moving averages of the weights that train, as copies; the weights themselves before the first update. */
  emaWeights(): Record<string, FloatArray> {
    const slots = this.optimizerSlots()
    const averages = this.outline.weights.flatMap((spec): [string, FloatArray][] => {
      const slot = slots.get(`ema/${spec.name}`)
      if (!slot) return []
      const own = this.engine.stepCount === 0
      return [[spec.name, own ? this.readWeight(spec) : { shape: spec.shape, data: slot.slice() }]]
    })
    return Object.fromEntries(averages)
  }

  /** The persistent regions as one view: what a run may change. */
  state(): Float32Array {
    const { base } = this.engine
    return this.engine.floatView(base, (this.layout.end - base) / 4)
  }

  /** The plan for runs of `mode` on batches of these shapes; the last ones made are kept. */
  prepare(
    mode: Mode,
    inputShapes: readonly Shape[],
    { training = false, inputGradients = false, weightShapes = [] as readonly (Shape | null)[] } = {},
  ): Prepared {
    const { network } = this
    const key = [
      mode,
      training,
      inputGradients,
      ...inputShapes.map((shape) => shape.join('x')),
      ...weightShapes.map((shape) => shape?.join('x')),
    ].join(' ')
    const known = this.plans.get(key)
    if (known) return known
    const outputs = this.training?.outputs ?? []
    const sampleWeights = new Map<string, Shape>()
    outputs.forEach(({ output }, i) => {
      const shape = weightShapes[i]
      if (shape) sampleWeights.set(output, shape)
    })
    const steps = mode === 'train' ? this.accumulationSteps : 1
    const groups = steps > 1 ? this.groups : []
    const computation = computationOf(network, outputs, {
      mode,
      training,
      inputShapes,
      sampleWeights,
      inputGradients,
      groups,
      seed: this.seed,
    })
    const update = mode === 'train' && this.training ? updateOf(this.training.optimizer, groups.length) : null
    const plan = planOf(computation.graph, this.layout, this.outline.weights, update)
    const prepared: Prepared = {
      plan,
      x: network.inputs.map(({ name }) => plan.inputs.get(name)),
      y: outputs.map(({ output }) => plan.targets.get(output)),
      weights: outputs.map(({ output }) => plan.sampleWeights.get(output)),
      rows: inputShapes[0][0],
      readings: readingsOf(computation, plan, outputs.length),
      groups: groups.map((group) => (isSum(group) ? null : (plan.results.get(group)?.address ?? 0))),
      draws: plan.modules.some(({ name }) => name === 'random'),
    }
    for (const oldest of this.plans.keys()) {
      if (this.plans.size < PLANS_KEPT) break
      this.plans.delete(oldest)
    }
    this.plans.set(key, prepared)
    return prepared
  }

  /** The plan for a batch of `rows` rows shaped like `batch`'s. The last one asked for is found without making a key. */
  prepareFor(mode: Mode, batch: Batch, rows: number, options: RunOptions = NO_OPTIONS): Prepared {
    const { last } = this
    const isPlain = batch.weights.every((weights) => weights === null)
    if (isPlain && last?.mode === mode && last.rows === rows && last.options === options) {
      // told by identity: rowsOf gives the expected shape itself
      if (batch.x.every(({ shape }, i) => shape === last.shapes[i])) return last.prepared
    }
    const weightShapes = batch.weights.map((weights) => weights && [rows, ...weights.shape])
    const shapes = batch.x.map(({ shape }) => shape)
    const inputShapes = shapes.map((shape) => [rows, ...shape])
    const prepared = this.prepare(mode, inputShapes, { ...options, weightShapes })
    if (isPlain) this.last = { mode, rows, options, shapes, prepared }
    return prepared
  }

  /** Makes a plan the one that runs. */
  begin({ plan, draws }: Prepared): void {
    const { engine } = this
    engine.load(plan)
    if (!draws) return
    const { stepCount } = engine
    const { accumulationSteps: steps, microCount } = this
    // the low word is exact beyond 2^53, too
    engine.drawFrom(Math.imul(stepCount, steps) + microCount, (stepCount * steps + microCount) / 0x100000000)
  }

  /** Lets what runs next draw numbers that neither a training step nor another prediction draws. */
  drawAnew(): void {
    this.engine.drawFrom(this.drawCount++, -1) // those of training count from 0
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
    const { engine, network } = this
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
    const { inputs } = network
    for (let i = 0; i < inputs.length; i++) put('input', inputs[i].name, batch.x[i], prepared.x[i])
    const outputs = this.training?.outputs ?? []
    for (let i = 0; i < outputs.length; i++) {
      put('target', outputs[i].output, batch.y[i] ?? null, prepared.y[i])
      put('sample weights of', outputs[i].output, batch.weights[i] ?? null, prepared.weights[i])
    }
  }

  /** How many steps make one update. */
  private get accumulationSteps(): number {
    return this.training?.optimizer.gradientAccumulationSteps ?? 1
  }

  private get groups(): readonly string[] {
    return groupsOf(this.training, this.network, this.outline)
  }

  /** One training step on what was fed: an update, or gradients kept for a later one. */
  step(prepared: Prepared): void {
    const { engine, training } = this
    if (!training) return
    if (this.accumulationSteps > 1) {
      this.accumulate(prepared)
      if (this.microCount >= this.accumulationSteps) this.update()
      return
    }
    engine.learningRate = learningRateAt(training.optimizer.schedule, this.learningRate, engine.stepCount)
    if (!engine.step()) return
    this.explain(prepared, `in step ${engine.stepCount}`)
    engine.run(prepared.plan.phaseEnds.backward, prepared.plan.phaseEnds.update)
  }

  /** Warns, once, where the run just made, which has updated nothing, gave a loss that isn't finite. */
  explain(prepared: Prepared, when: string): void {
    const { engine, warned } = this
    if (this.isQuiet || warned.has('loss') || Number.isFinite(engine.scalar(prepared.readings.loss))) return
    engine.watch(false)
    this.warn('loss', whyNotFinite(this, prepared, when))
  }

  /** Whether the last step's gradients are all 0. */
  get isStill(): boolean {
    const { gradientsStart, trainable } = this.layout
    return this.engine.findOutside(gradientsStart, trainable.bytes / 4, 0, 0) < 0
  }

  /** Warns on the console, once of each kind since `compile`. */
  warn(kind: string, text: string): void {
    if (this.isQuiet || this.warned.has(kind)) return
    this.warned.add(kind)
    this.tell(text)
  }

  /** Adds the gradients of what was fed, each group's with its weight. */
  private accumulate(prepared: Prepared): void {
    const { engine } = this
    const { plan, groups, rows } = prepared
    engine.run(plan.programStart, plan.sums[0]?.[0] ?? plan.phaseEnds.update)
    this.explain(prepared, `in step ${engine.stepCount + 1}`)
    this.microWeights = groups.map((counter, i) => {
      const weight = counter === null ? 1 : counter ? engine.scalar(counter + 4) : rows
      engine.factor = weight
      if (plan.sums.length > 0) engine.run(...plan.sums[i])
      return counter === null ? 1 : this.microWeights[i] + weight
    })
    this.accumulated = prepared
    this.microCount++
  }

  /** The update by what has accumulated since the last one, if anything has. */
  update(): void {
    const { engine, training, accumulated } = this
    if (!training || !accumulated || this.microCount === 0) return
    const { sums, phaseEnds } = accumulated.plan
    engine.load(accumulated.plan)
    this.microWeights.forEach((weight, i) => {
      engine.factor = weight || 1
      if (sums.length > 0) engine.run(...sums[this.microWeights.length + i])
    })
    engine.learningRate = learningRateAt(training.optimizer.schedule, this.learningRate, engine.stepCount)
    engine.stepCount++
    engine.run(sums.at(-1)?.[1] ?? phaseEnds.update, phaseEnds.update)
    this.microCount = 0
    this.microWeights = this.microWeights.map(() => 0)
  }

  /** Loss and metrics of the last run. */
  readLogs(prepared: Prepared): WithLoss<Logs> {
    const tally = new Tally()
    this.tally(prepared, prepared.rows, tally)
    return tally.logs() as WithLoss<Logs>
  }

  tally(prepared: Prepared, rows: number, tally: Tally): void {
    tally.add(this.engine, prepared.readings, rows)
  }

  /** A copy of what a slot of a plan holds. */
  read({ address, shape, count }: Slot): FloatArray {
    return { shape, data: this.engine.floatView(address, count).slice() }
  }
}
