// A session that makes its programs itself, from a network and what it was compiled with.

import { initialize } from '../layers/initial-weights.ts'
import { fail } from '../numerics/errors.ts'
import { streamOf } from '../numerics/random.ts'
import { type RowShape, type Shape, sameShape, shapeText } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'
import { type Plan, planOf } from '../plan/plan.ts'
import type { Batch } from '../rows/rows.ts'
import { Stop } from '../rows/stop.ts'
import { Engine, type RuntimeOptions } from '../runtime/engine.ts'
import type { Feeds, TargetFeed } from '../session/feeds.ts'
import { isState, type Layout, layoutOf, type ParameterSpec } from '../session/layout.ts'
import { answers, NO_OPTIONS, type Prepared, preparedOf, type RunOptions } from '../session/prepared.ts'
import type { Finishes, Mode, Program, Readings, Request } from '../session/program.ts'
import { Session, type Updating } from '../session/session.ts'
import { explain } from '../session/warnings.ts'
import type { GraphLoss } from '../training/graph-loss.ts'
import type { LossGroups } from '../training/groups.ts'
import { takesLabels, targetLimits, targetShape } from '../training/loss.ts'
import { type Optimizer, updateOf } from '../training/optimizer.ts'
import {
  type Computation,
  columnsOf,
  computationOf,
  type Outline,
  type OutputTraining,
  outlineOf,
  type Written,
  writtenFor,
} from './compute.ts'
import { hostMetric } from './host-metric.ts'
import { type Described, type Network, type Origins, withLayers } from './network.ts'

export interface Training {
  readonly optimizer: Optimizer
  /** Those with a loss, in the network's order. */
  readonly outputs: readonly OutputTraining[]
  /** Terms of the loss over the whole network. Default: none. */
  readonly added?: readonly GraphLoss[]
}

/** The groups of losses whose gradients are accumulated apart; null where none are accumulated. */
function groupsOf(training: Training | null, { outputs }: Network, outline: Outline): LossGroups | null {
  const { accumulation } = training?.optimizer ?? {}
  return training && accumulation && accumulation.steps > 1
    ? accumulation.lossGroups(training, { ...outline, outputs })
    : null
}

/** How the target of an output is given. */
function targetOf({ output, loss }: OutputTraining, shape: RowShape): TargetFeed {
  const [low, high] = targetLimits(loss)
  const isLabel = takesLabels(loss)
  return {
    name: output,
    shape: targetShape(loss, shape),
    dtype: isLabel ? 'int32' : 'float32',
    loss: loss.kind,
    low,
    high,
    columns: isLabel ? (shape.at(-1) ?? 0) : columnsOf(shape),
    ignoreIndex: loss.ignoreIndex,
  }
}

function feedsOf(
  network: Network,
  { limits, outputs, parameters }: Outline,
  training: Training | null,
): Feeds {
  const { inputs, inputStructure, outputStructure } = network
  return {
    inputs: inputs.map(({ name, shape, dtype }) => ({ name, shape, dtype, limit: limits.get(name) ?? null })),
    inputStructure,
    outputs: network.outputs.map(({ name }) => name),
    outputStructure,
    targets: (training?.outputs ?? []).map((output) => targetOf(output, outputs.get(output.output) ?? [])),
    rows: parameters.find(isState)?.shape[0],
  }
}

function updatingOf({ optimizer }: Training, groups: number): Updating {
  const { learningRate, schedule, accumulation } = optimizer
  const { slotNames, slotStart } = updateOf(optimizer, groups)
  const steps = accumulation?.steps ?? 1
  return {
    learningRate,
    rateAt: schedule?.rateAt ?? null,
    steps,
    sums: steps > 1 ? (accumulation?.sums ?? null) : null,
    groups,
    slotNames,
    slotStart,
  }
}

/** The readings of a computation, at the addresses of its plan. */
function readingsOf({ losses, metrics, isSplit }: Computation, { results }: Plan): Readings {
  const at = (result: string) => results.get(result)?.address ?? 0
  const placed = <R extends { readonly value: string; readonly counter: string }>(place: R) => ({
    ...place,
    value: at(place.value),
    counter: at(place.counter),
  })
  return {
    loss: at('loss'),
    losses: losses.map(placed),
    metrics: metrics.map((place) => ('value' in place ? placed(place) : place)),
    isSplit,
  }
}

/** The most programs a session keeps (about 20 KB each, 3 ms to make again): callers may pass any number of batch sizes. */
const PROGRAMS_KEPT = 64

export class PlannedSession extends Session<Plan, Engine> {
  /** As they were asked for. */
  readonly runtime: RuntimeOptions
  /** Those that the metrics bring. */
  readonly finishes: Partial<Finishes> = {}
  override readonly disposing = new Stop()
  network: Network
  outline: Outline
  training: Training | null = null

  /** The one asked for last is in front. */
  private programs: Prepared<Plan>[] = []
  /** Calls of `fit` and `evaluate` that aren't at their end. */
  fits = 0
  evaluations = 0
  /** The names of the values that calls give, where the network was made of them. */
  values: Described['values'] = new Map()
  /** The sessions over this arena, the first of which made it: this one alone, until `part` adds others. */
  members: PlannedSession[] = [this]
  /** What lays the arena out; `part` brings another way. */
  layoutFor: (weights: readonly ParameterSpec[], slotCount: number | null) => Layout = (weights, slotCount) =>
    layoutOf(this.engine.base, weights, slotCount)

  /** `place`: in an arena that is there already, with the weights in it. */
  constructor(
    network: Network,
    outline: Outline,
    seed: number,
    runtime: RuntimeOptions = {},
    place: readonly [Engine, Layout?] = [new Engine(runtime)],
  ) {
    super(outline.parameters, feedsOf(network, outline, null), seed, ...place)
    this.runtime = runtime
    this.network = network
    this.outline = outline
  }

  get busy(): string | null {
    return this.fits > 0 ? 'fitted' : this.evaluations > 0 ? 'evaluated' : null
  }

  /** @throws LanegradError where something goes on in it, or in one over the same weights */
  refuseWhileBusy(what: string): void {
    for (const { busy } of this.members) {
      const whose = this.busy ? 'this model' : 'a model over the same weights'
      if (busy)
        fail(`${what}: ${whose} is being ${busy}; await ${busy === 'fitted' ? 'fit' : 'evaluate'} first`)
    }
  }

  /** The persistent regions of all networks over this memory, as one view: what a run may change. */
  state(): Float32Array {
    const { base } = this.members[0].layout
    return this.engine.floatView(base, (this.layout.end - base) / 4)
  }

  /** The program for a batch of `rows` rows shaped like `batch`'s; the last ones made are kept. */
  override prepareFor(
    mode: Mode,
    batch: Batch,
    rows: number,
    options: RunOptions = NO_OPTIONS,
  ): Prepared<Plan> {
    const { programs } = this
    for (let i = 0; i < programs.length; i++) {
      const known = programs[i]
      if (!answers(known.request, mode, batch, rows, options)) continue
      if (i > 0) programs.unshift(programs.splice(i, 1)[0])
      return known
    }
    const { training = false, inputGradients = false } = options
    const request: Request = {
      ...{ mode, rows, training, inputGradients },
      shapes: batch.x.map(({ shape }) => shape),
      weightShapes: this.feeds.targets.map((_, i) => batch.weights[i]?.shape ?? null),
    }
    const prepared = preparedOf(this.make(request), this.feeds)
    this.programs = [prepared, ...programs.slice(0, PROGRAMS_KEPT - 1)]
    return prepared
  }

  override forgetPrograms(): void {
    super.forgetPrograms()
    this.programs = []
  }

  /** The program of `mode` that was asked for last. */
  last(mode: Mode): Prepared<Plan> | null {
    const { programs } = this
    for (let i = 0; i < programs.length; i++) if (programs[i].request.mode === mode) return programs[i]
    return null
  }

  /** The program for batches of `rows` rows without sample weights; axes of unknown length have one element. */
  programFor(mode: Mode, rows: number): Prepared<Plan> {
    const x = this.feeds.inputs.map(({ shape }) => ({
      data: new Float32Array(0),
      rows,
      shape: shape.map((n) => n ?? 1),
    }))
    return this.prepareFor(mode, { rows, x, y: [], weights: [] }, rows)
  }

  /**
   * Gives every weight its first numbers: those of `given`; those that it has now in the model that its layer comes from; or what its
   * initializer draws, which depends on the seed and the weight's name only.
   */
  initialize(origins: Origins, given: ReadonlyMap<string, Float32Array>): void {
    const { engine, seed } = this
    for (const { name, shape, initializer } of this.outline.parameters) {
      const dot = name.indexOf('.') // behind the name of a model
      const known = given.get(name)
      const there = known ? null : origins.get(name.slice(0, dot))?.(name.slice(dot + 1))
      if (there && !sameShape(there.shape, shape))
        fail(
          `weight ${name} has shape ${shapeText(there.shape)} in another model and ${shapeText(shape)} here`,
        )
      const numbers = known ?? there?.data
      if (numbers) this.writeWeight(name, numbers)
      else {
        const out = engine.floatView(this.addressOf(name), elementCount(shape))
        initialize(out, initializer, shape, seed, streamOf(name), engine)
      }
    }
  }

  /** Shape of an output. */
  shapeOf(output: string): RowShape {
    return this.outline.outputs.get(output) ?? []
  }

  /** Warnings are wanted or not, from here on and as if none had been given. */
  private heed(warnings: boolean): void {
    this.isQuiet = !warnings
    this.warned.clear()
    this.engine.watch(warnings)
  }

  protected whenNotFinite(prepared: Prepared<Plan>): void {
    const { engine } = this
    const { backward, update } = prepared.code.phaseEnds
    explain(this, prepared, `in step ${engine.stepCount}`)
    engine.watch(false)
    engine.run(backward, update)
  }

  /**
   * Lays the arena out anew around the weights: where none changes its place, without touching them. The optimizer starts
   * anew.
   */
  private arrange(weights: readonly ParameterSpec[], updating: Updating | null, feeds: Feeds): void {
    const { engine } = this
    const layout = this.layoutFor(weights, updating?.slotNames.length ?? null)
    const isMoved = ({ name }: ParameterSpec) =>
      layout.parameters.get(name) !== this.layout.parameters.get(name)
    const moved = weights.some(isMoved) ? weights : []
    const kept = moved.map((spec) => this.readWeight(spec).data)
    const from = moved.length > 0 ? layout.trainable.start : layout.gradientsStart
    engine.reserve(layout.end)
    engine.clear(from, layout.slotsStart - from)
    this.layout = layout
    this.weights = weights
    this.feeds = feeds
    moved.forEach(({ name }, i) => {
      this.writeWeight(name, kept[i])
    })
    this.forgetPrograms()
    this.start(updating)
  }

  /** Gives the arena the optimizer's slots; weights stay, the optimizer starts anew. `warnings`: whether they are wanted. */
  train(training: Training, warnings = true): void {
    this.heed(warnings)
    this.take(training, this.network, this.outline)
  }

  /** Other losses and metrics for the optimizer there is, whose state stays. */
  retrain(training: Training, warnings = true): void {
    const [groups, before] = [training, this.training].map(
      (given) => groupsOf(given, this.network, this.outline)?.names,
    )
    if (String(groups) !== String(before))
      fail(
        'compile: keepOptimizer: these losses would accumulate gradients in another way; start the optimizer anew',
      )
    this.heed(warnings)
    this.training = training
    this.feeds = feedsOf(this.network, this.outline, training)
    this.forgetPrograms()
  }

  /** Which layers' weights train; weights stay, the optimizer starts anew. */
  setTrainable(isTrainable: (layer: string, now: boolean) => boolean): void {
    const network = withLayers(this.network, (layer) => ({
      ...layer,
      trainable: isTrainable(layer.name, layer.trainable),
    }))
    this.take(this.training, network, outlineOf(network))
  }

  private take(training: Training | null, network: Network, outline: Outline): void {
    const groups = groupsOf(training, network, outline)?.names ?? []
    const updating = training && updatingOf(training, groups.length)
    this.arrange(outline.parameters, updating, feedsOf(network, outline, training))
    this.training = training
    this.network = network
    this.outline = outline
  }

  /** The layers as they write themselves for inputs of these shapes, batch axes included. */
  writtenFor(shapes: readonly Shape[]): Written {
    return writtenFor(this.network, shapes)
  }

  private make(request: Request): Program<Plan> {
    const { program, computation } = this.planned(request, this.layout)
    for (const [key, metric] of computation.host) this.metrics.set(key, hostMetric(key, metric))
    for (const { name, of } of computation.finishes) this.finishes[name] = of
    return program
  }

  /** A program for an arena laid out so. */
  programOf(request: Request, layout: Layout): Program<Plan> {
    return this.planned(request, layout).program
  }

  private planned(request: Request, layout: Layout) {
    const { network, training } = this
    const outputs = training?.outputs ?? []
    const isTraining = request.mode === 'train' && training !== null
    const groups = isTraining ? groupsOf(training, network, this.outline) : null
    const names = groups?.names ?? []
    const computation = computationOf(network, outputs, request, groups, this.seed, training?.added)
    const update = isTraining ? updateOf(training.optimizer, names.length) : null
    const code = planOf(computation.graph, layout, this.outline.parameters, update)
    const program: Program<Plan> = {
      request,
      code,
      readings: readingsOf(computation, code),
      groups: names.map((name) => (groups?.isSum(name) ? null : (code.results.get(name)?.address ?? 0))),
    }
    return { program, computation }
  }
}
