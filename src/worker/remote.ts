// The page's side of a model in a worker, with the methods of Model as promises. Enters: a model, and the calls to its worker
// (calls.ts). The page's model follows: it gets the worker's state at the ends of epochs, so that callbacks see it as they do
// without a worker, and the progress isn't lost if the worker dies.

import type { ClassWeight } from '../feed/class-weight.ts'
import { type Given, isBatches, sortArguments } from '../feed/given.ts'
import { type Gradients, readGradients } from '../feed/gradients.ts'
import {
  type ApplyOptions,
  type EvaluateOptions,
  OPTIONS,
  type PredictOptions,
  type StepOptions,
  type TrainStepOptions,
  type VerboseOption,
} from '../feed/options.ts'
import type { Progress } from '../feed/progress.ts'
import { checkEvaluated, heldOut, splitValidation } from '../feed/reading.ts'
import type { CompileOptions } from '../model/compile.ts'
import type { FitOptions, Model } from '../model/model.ts'
import type { Values } from '../network/network.ts'
import type { PlannedSession } from '../network/planned.ts'
import { weightsNamed } from '../network/weight-names.ts'
import type { ByteSource } from '../numerics/bytes.ts'
import {
  checkOptions,
  fail,
  isFunction,
  isObject,
  must,
  NON_NEGATIVE,
  printed,
  reading,
  readOptions,
} from '../numerics/errors.ts'
import type { FloatArray } from '../numerics/tensor.ts'
import type { Batch, Batches, Data, Dataset } from '../rows/rows.ts'
import type { History, Logs } from '../session/logs.ts'
import type { CallSettings, Calls } from './calls.ts'
import { portable } from './messages.ts'
import type { Remote, RemoteFitOptions } from './options.ts'
import { restore, type Snapshot } from './state.ts'

/** Returns the options. @throws LanegradError unless they are an object, which a copy of them couldn't show */
function plain<O extends object>(what: string, options: O): O {
  const given = reading(`${what} options`, () => Object.keys(Object(options)))
  checkOptions(what, options, [...Object.keys(OPTIONS[what as keyof typeof OPTIONS]), ...given])
  return options
}

/**
 * A model in a worker, made by `workerModel`: the methods of Model as promises. Calls start in their order, during `fit` between
 * its steps; a second `fit` is refused, as by Model. Every call rejects with a LanegradError once the worker has ended.
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { serveModels, workerModel } from 'lanegrad/worker'
 *
 * const { port1: worker, port2: port } = new MessageChannel()
 * serveModels({ port })
 * const net = sequential({ inputShape: [2], layers: [dense({ units: 1 })] })
 * const remote = await workerModel(net, { worker }) // a WorkerModel
 * console.log((await remote.predict([[1, 2], [3, 4]])).shape) // [ 2, 1 ]
 * await remote.close()
 * await remote.summary().catch((error) => console.log(error.message)) // summary: this worker model was closed
 * worker.close()
 * ```
 */
export class WorkerModel<V extends Values = Values> {
  private readonly local: Model<V>
  private readonly session: PlannedSession
  private readonly calls: Calls
  private readonly leave: () => unknown
  private isFitting = false
  /** The number of calls under way, `compile` and `setTrainable`, whose options the page's model doesn't have yet. */
  private changing = 0

  /** @internal */
  constructor(local: Model<V>, calls: Calls, leave: () => unknown) {
    this.local = local
    this.session = local.session
    this.calls = calls
    this.leave = leave
    printed(this, () => `WorkerModel, ${calls.ended ?? `calls under way: ${calls.count}`}`)
  }

  private call<T>(method: string, args: readonly unknown[], settings?: CallSettings): Promise<T> {
    return this.calls.call(method, args, settings)
  }

  /**
   * As `Model.compile`. For losses and metrics that hold functions, the worker uses those of their names that `serveModels`
   * got.
   */
  async compile(options: CompileOptions): Promise<void> {
    this.changing++
    try {
      await this.call('compile', [reading('compile: its options', () => portable(options))])
      this.local.compile(options)
    } finally {
      this.changing--
    }
  }

  /** As `Model.setTrainable`; a function is called here. */
  async setTrainable(
    layers: Readonly<Record<string, boolean>> | ((layer: string) => boolean),
  ): Promise<void> {
    const flags = isFunction(layers)
      ? Object.fromEntries(this.local.layers.map(({ name }) => [name, layers(name)]))
      : layers
    this.changing++
    try {
      await this.call('setTrainable', [flags])
      this.local.setTrainable(flags)
    } finally {
      this.changing--
    }
  }

  /** As `Model.fit`; callbacks run here, and what `verbose` shows appears here. `params.model` is the page's model, as of the last hook that was awaited. */
  fit(x: Data, y: Data, options?: RemoteFitOptions): Promise<History>
  fit(data: Dataset | Batches, options?: RemoteFitOptions): Promise<History>
  async fit(...args: readonly unknown[]): Promise<History> {
    const { given, sent, options } = this.sorted<RemoteFitOptions>('fit', args)
    const { transfer, progressMs = 50, ...known } = options
    const { callbacks, signal, verbose, validationSplit } = readOptions('fit', known, OPTIONS.fit)
    must(NON_NEGATIVE, progressMs, 'fit: progressMs')
    const held = reading('fit: its arguments', () => heldOut(this.session.feeds, given, known))
    if (this.isFitting) fail('fit: this model is being fitted already; await the first call')
    if (transfer) {
      const batch = this.verify('fit', given, known.classWeight)
      if (batch) splitValidation(batch, validationSplit)
      this.verify('fit: validationData', held)
    }
    const { callbacks: _, signal: __, verbose: ___, ...rest } = known
    this.isFitting = true
    try {
      return await this.call('fit', [...sent, rest], { transfer, signal, callbacks, verbose, progressMs })
    } finally {
      this.isFitting = false
    }
  }

  /** Sorts the arguments of `fit` and `evaluate` into data and options. */
  private sorted<O extends EvaluateOptions | FitOptions>(what: string, args: readonly unknown[]) {
    const { given, options } = reading(`${what}: its arguments`, () =>
      sortArguments<O>(this.session.feeds, what, args),
    )
    const sent = given.data === args[0] ? [given.data] : [args[0], args[1]]
    return { given, sent, options: plain(what, options) }
  }

  /**
   * Throws the errors that the worker would throw, except for NaN, before the data moves and is gone here.
   */
  private verify(what: string, given: Given | null, classWeight?: ClassWeight | null): Batch | null {
    if (given?.kind !== 'rows' || this.changing) return null
    return this.local.batchOf(what, given.data, classWeight)
  }

  /** A call with data, whose options all go to the worker. */
  private async ask<T>(
    method: 'evaluate' | 'predict' | 'trainStep' | 'gradients',
    sent: readonly unknown[],
    options: Remote<TrainStepOptions & VerboseOption>,
    given?: Given,
  ): Promise<T> {
    const { transfer, ...known } = plain(method, options)
    const read = readOptions(method, known, OPTIONS[method]) as { readonly verbose?: Progress | null }
    const { verbose: _, ...rest } = known
    if (transfer) {
      const [x, y] = sent as readonly Data[]
      const rows: Given = { kind: 'rows', data: { x, y, weights: rest.sampleWeight } }
      this.verify(method, given ?? rows, rest.classWeight)
    }
    return this.call(method, [...sent, rest], { transfer, verbose: read.verbose ?? null })
  }

  /** As `Model.trainStep`. */
  trainStep(x: Data, y: Data, options: Remote<TrainStepOptions> = {}): Promise<Logs> {
    return this.ask('trainStep', [x, y], options)
  }

  /** As `Model.evaluate`. */
  evaluate(x: Data, y: Data, options?: Remote<EvaluateOptions>): Promise<Logs>
  evaluate(data: Dataset | Batches, options?: Remote<EvaluateOptions>): Promise<Logs>
  async evaluate(...args: readonly unknown[]): Promise<Logs> {
    const { given, sent, options } = this.sorted<Remote<EvaluateOptions>>('evaluate', args)
    reading('evaluate: its arguments', () => checkEvaluated(given, options))
    return this.ask('evaluate', sent, options, given)
  }

  /** As `Model.predict`. */
  async predict(
    x: Data | Batches<{ readonly x: Data }>,
    options: Remote<PredictOptions> = {},
  ): Promise<Awaited<ReturnType<Model<V>['predict']>>> {
    const areBatches = reading('predict: x', () => isBatches(this.session.feeds, x))
    const given: Given = areBatches
      ? { kind: 'batches', data: x as Batches }
      : { kind: 'rows', data: { x: x as Data, y: [] } }
    return this.ask<never>('predict', [x], options, given)
  }

  /** As `Model.gradients`. */
  gradients(
    x: Data,
    y: Data,
    options: Remote<StepOptions & { readonly inputs?: boolean }> = {},
  ): Promise<Record<string, FloatArray>> {
    return this.ask('gradients', [x, y], options)
  }

  /** As `Model.applyGradients`. */
  async applyGradients(gradients: Gradients, options: Remote<ApplyOptions> = {}): Promise<void> {
    const what = 'applyGradients'
    const { transfer, ...rest } = plain(what, options)
    const { allowNaN } = readOptions(what, rest, OPTIONS[what])
    // refused before they move
    if (transfer && !this.changing) readGradients(this.session.weights, gradients, allowNaN)
    return this.call(what, [gradients, rest], { transfer })
  }

  /** As `Model.getWeights`. */
  getWeights(): Promise<Record<string, FloatArray>> {
    return this.call('getWeights', [])
  }

  /** As `Model.setWeights`. */
  async setWeights(weights: Parameters<Model['setWeights']>[0]): Promise<void> {
    // layers in the worker know only their names in this model
    const ownNames = (): typeof weights =>
      Object.fromEntries(
        weightsNamed('setWeights', this.session, weights).map(([name, { name: own }]) => [
          own,
          weights[name],
        ]),
      )
    return this.call('setWeights', [isObject(weights) ? reading('setWeights: weights', ownNames) : weights])
  }

  /** As `Model.resetStates`. */
  resetStates(): Promise<void> {
    return this.call('resetStates', [])
  }

  /** As `Model.emaWeights`. */
  emaWeights(): Promise<Record<string, FloatArray>> {
    return this.call('emaWeights', [])
  }

  /** The value of `Model.learningRate`. */
  async learningRate(): Promise<number> {
    return (await this.state()).learningRate
  }

  /** Sets `Model.learningRate`, from the next step until `compile`. */
  setLearningRate(rate: number): Promise<void> {
    return this.call('setLearningRate', [rate])
  }

  /** As `Model.save`. */
  save(options: Parameters<Model['save']>[0] = {}): Promise<Uint8Array<ArrayBuffer>> {
    return this.call('save', [options])
  }

  /** As `loadWeights` does it. */
  loadWeights(bytes: ByteSource): Promise<void> {
    return this.call('loadWeights', [bytes])
  }

  /** As `Model.summary`. */
  summary(): Promise<string> {
    return this.call('summary', [])
  }

  private state(): Promise<Snapshot> {
    return this.call<Snapshot>('state', [])
  }

  /** The model that this one was made from, with the present weights and optimizer state. */
  async model(): Promise<Model<V>> {
    restore(this.local, await this.state())
    return this.local
  }

  /** Frees the model in the worker, and ends the worker unless it holds other models. No state is brought back. */
  async close(): Promise<void> {
    if (this.calls.ended !== null) return
    this.calls.post({ type: 'close' })
    this.calls.end('this worker model was closed')
    await this.leave()
  }
}
