// The public face: a network one can compile, train, evaluate, ask and save. Checks options, turns data into rows
// and hands them to the session; holds no numbers itself.
import { shapeText } from '../graph/value.ts'
import type { Symbolic } from '../layers/layer.ts'
import { check, checkOptions, fail, show, unknownName } from '../numerics/errors.ts'
import type { FloatArray } from '../numerics/tensor.ts'
import { elementCount } from '../numerics/tensor.ts'
import type { Callback, History, Logs } from '../training/callbacks.ts'
import { readBatch, readInputs } from './batch.ts'
import { type CompileOptions, readTraining } from './compile.ts'
import type { Mode } from './compute.ts'
import { type ArrayLikeData, type Data, rowsOf } from './data.ts'
import { checkNaN, evaluateAll, fitAll, readCount, splitValidation } from './fit.ts'
import { type Inspection, inspect, type ProfileRow, profileRows, summaryText } from './inspect.ts'
import type { Structure, Values } from './network.ts'
import { loadWeights, saveSession } from './saving.ts'
import type { Batch, Session } from './session.ts'

interface NaNOption {
  /** Take NaN in the data as it is; by default it is an error. */
  readonly allowNaN?: boolean
}

export interface StepOptions extends NaNOption {
  /** One weight per row of y (or per position); for several outputs a list or a record. */
  readonly sampleWeight?: Data
}

export interface FitOptions extends StepOptions {
  /** Default 1. */
  readonly epochs?: number
  /** Default 32. */
  readonly batchSize?: number
  /** A new order of the rows in every epoch, given by the model's seed. Default true. */
  readonly shuffle?: boolean
  /** Share of the rows, the last ones, kept for validation. Default 0. */
  readonly validationSplit?: number
  /** [x, y] to evaluate after every epoch; logs then have `val_loss` and so on. */
  readonly validationData?: readonly [x: Data, y: Data]
  /** 1: one line per epoch on the console. Default 0. */
  readonly verbose?: 0 | 1
  readonly callbacks?: readonly Callback[]
  /** Stops training within one step; `fit` then resolves with the epochs that were whole. */
  readonly signal?: AbortSignal | null
}

export interface EvaluateOptions extends StepOptions {
  /** Default 256. */
  readonly batchSize?: number
}

export interface PredictOptions extends NaNOption {
  /** Default 256; fewer rows at the end are exact, not padded. */
  readonly batchSize?: number
  /** Layers behave as in training. Default false. */
  readonly training?: boolean
}

const MODES: readonly Mode[] = ['predict', 'evaluate', 'train', 'gradients']

/** How a model's outputs come: as they were given to `model`. */
type Shaped<V, T> = V extends Symbolic ? T : V extends readonly Symbolic[] ? T[] : { [K in keyof V]: T }

/** A neural network with its weights. Made by `sequential`, `model` or `load`. */
export class Model<V extends Values = Values> {
  private readonly kept: Session
  private isFitting = false

  /** @internal */
  constructor(session: Session) {
    this.kept = session
  }

  /** Throws after dispose: every method goes through here. */
  private get session(): Session {
    this.kept.engine
    return this.kept
  }

  /**
   * Sets optimizer, losses and metrics. Weights stay as they are; the optimizer starts anew.
   * @throws LanegradError on an unknown name (with the nearest known one) or a loss that doesn't fit its output.
   */
  compile(options: CompileOptions): this {
    const { session } = this
    if (this.isFitting) fail('compile: this model is being fitted; await fit first')
    session.train(readTraining(session, options))
    return this
  }

  private get training() {
    return this.session.training ?? fail('the model has no loss and optimizer yet: call compile first')
  }

  private batchOf(what: string, x: Data, y: Data, sampleWeight?: Data): Batch {
    return readBatch(this.session, this.training, what, x, y, sampleWeight)
  }

  /**
   * Trains for `epochs` passes over the rows. Async: the event loop gets a turn every few milliseconds.
   * @returns one number per epoch for each log: `history.loss`, `history.accuracy`, `history.val_loss` ...
   * @throws LanegradError before anything is trained, if the data doesn't fit or holds NaN.
   */
  async fit(x: Data, y: Data, options: FitOptions = {}): Promise<History> {
    checkOptions('fit', options, [
      'epochs',
      'batchSize',
      'shuffle',
      'validationSplit',
      'validationData',
      'verbose',
      'callbacks',
      'signal',
      'sampleWeight',
      'allowNaN',
    ])
    const {
      epochs = 1,
      batchSize = 32,
      shuffle = true,
      validationSplit = 0,
      validationData,
      verbose = 0,
      callbacks = [],
      signal = null,
      allowNaN = false,
    } = options
    if (this.isFitting) fail('fit: this model is being fitted already; await the first call')
    readCount('fit: epochs', epochs)
    readCount('fit: batchSize', batchSize)
    check(
      Array.isArray(callbacks) && callbacks.every((hooks) => typeof hooks === 'object' && hooks !== null),
      'fit: callbacks',
      'a list of objects',
      callbacks,
    )
    if (validationData !== undefined) {
      const isPair = Array.isArray(validationData) && validationData.length === 2
      check(isPair, 'fit: validationData', '[x, y]', validationData)
      if (validationSplit !== 0) fail('fit: give validationSplit or validationData, not both')
    }
    const whole = this.batchOf('fit', x, y, options.sampleWeight)
    const [batch, split] = splitValidation(whole, validationSplit)
    const validation = validationData
      ? this.batchOf('fit: validationData', validationData[0], validationData[1])
      : split
    this.isFitting = true
    try {
      if (!allowNaN) await this.checkBatches(validationData && validation ? [whole, validation] : [whole])
      const epoch = { batchSize, shuffle, signal: signal ?? null }
      return await fitAll(this.session, batch, { epochs, epoch, validation, verbose, callbacks })
    } finally {
      this.isFitting = false
    }
  }

  private checkBatches(batches: readonly Batch[]): Promise<void> {
    return checkNaN(
      batches.flatMap(({ x, y, weights }) => [
        ...x.map((rows, i) => ({ what: `input ${this.session.network.inputs[i].name}`, rows })),
        ...y.map((rows, i) => ({ what: `target ${this.training.outputs[i].output}`, rows })),
        ...weights.map((rows) => ({ what: 'sample weights', rows })),
      ]),
    )
  }

  /** One optimizer step on one batch, at once. Returns its loss and metrics from before the update. */
  trainStep(x: Data, y: Data, options: StepOptions = {}): Logs {
    checkOptions('trainStep', options, ['sampleWeight', 'allowNaN'])
    const batch = this.batchOf('trainStep', x, y, options.sampleWeight)
    const { session } = this
    const prepared = session.prepareFor('train', batch, batch.rows)
    session.feed(prepared, batch, null, 0, batch.rows, options.allowNaN ?? false)
    session.step()
    return session.readLogs(prepared)
  }

  /** Loss and metrics over all rows; batches of different sizes weigh as their rows do. */
  async evaluate(x: Data, y: Data, options: EvaluateOptions = {}): Promise<Logs> {
    checkOptions('evaluate', options, ['batchSize', 'sampleWeight', 'allowNaN'])
    const { batchSize = 256, allowNaN = false } = options
    readCount('evaluate: batchSize', batchSize)
    const batch = this.batchOf('evaluate', x, y, options.sampleWeight)
    if (!allowNaN) await this.checkBatches([batch])
    return (await evaluateAll(this.session, batch, batchSize)) ?? {} // null only where a signal aborts
  }

  /** The outputs for any number of rows, as copies, in the form the model's outputs were given. Runs to its end at once. */
  predict(x: Data, options: PredictOptions = {}): Shaped<V, FloatArray> {
    checkOptions('predict', options, ['batchSize', 'training', 'allowNaN'])
    const { batchSize = 256, training = false, allowNaN = false } = options
    readCount('predict: batchSize', batchSize)
    const { session } = this
    const { engine } = session
    const batch: Batch = { ...readInputs(session, 'predict', x), y: [], weights: [] }
    const { rows } = batch
    const outputs = session.network.outputs.map(
      ({ name }): { name: string; shape: number[]; data: Float32Array } => ({
        name,
        shape: [],
        data: new Float32Array(0),
      }),
    )
    for (let from = 0; from < rows; from += batchSize) {
      const to = Math.min(rows, from + batchSize)
      const prepared = session.prepareFor('predict', batch, to - from, { training })
      session.feed(prepared, batch, null, from, to, allowNaN)
      engine.forward()
      for (const output of outputs) {
        const slot = prepared.plan.results.get(output.name)
        if (!slot) continue
        const { count } = slot
        if (from === 0) {
          output.shape = [rows, ...slot.shape.slice(1)]
          output.data = new Float32Array(elementCount(output.shape))
        }
        output.data.set(engine.view(slot.address, count, slot.dtype), (count / (to - from)) * from)
      }
    }
    const named = outputs.map(({ name, shape, data }): [string, FloatArray] => [name, { shape, data }])
    return joined(named, session.network.outputStructure) as Shaped<V, FloatArray>
  }

  /**
   * The gradient of the loss of one batch with respect to every trainable weight, by name (`dense_1/kernel`), raw:
   * before clipping and weight decay. `inputs: true` adds those of the float inputs under their names.
   */
  gradients(
    x: Data,
    y: Data,
    options: StepOptions & { readonly inputs?: boolean } = {},
  ): Record<string, FloatArray> {
    checkOptions('gradients', options, ['inputs', 'sampleWeight', 'allowNaN'])
    const { session } = this
    const batch = this.batchOf('gradients', x, y, options.sampleWeight)
    const prepared = session.prepareFor('gradients', batch, batch.rows, {
      inputGradients: options.inputs ?? false,
    })
    session.feed(prepared, batch, null, 0, batch.rows, options.allowNaN ?? false)
    session.engine.forward()
    session.engine.backward()
    const result: Record<string, FloatArray> = {}
    for (const { name, shape, trainable } of session.outline.weights) {
      const slot = prepared.plan.gradients.get(name)
      if (trainable)
        result[name] = slot ? session.read(slot) : { shape, data: new Float32Array(elementCount(shape)) }
    }
    if (options.inputs) {
      for (const [name, slot] of prepared.plan.gradients) result[name] ??= session.read(slot)
    }
    return result
  }

  /** Every weight by name (`layer/weight`), as copies. */
  getWeights(): Record<string, FloatArray> {
    return Object.fromEntries(
      this.session.outline.weights.map((spec) => [spec.name, this.session.readWeight(spec)]),
    )
  }

  /** Sets the weights named; the others stay. Nothing changes unless all fit. */
  setWeights(weights: Readonly<Record<string, ArrayLikeData>>): void {
    const { session } = this
    check(
      typeof weights === 'object' && weights !== null,
      'setWeights: weights',
      'an object of arrays by name',
      weights,
    )
    const checked = Object.entries(weights).map(([name, data]) => {
      const spec =
        session.weightSpec(name) ??
        fail(
          `setWeights: no weight ${show(name)}; the model has ${session.outline.weights.map((known) => known.name).join(', ')}`,
        )
      const { data: numbers, rows } = rowsOf(`setWeights: ${name}`, data, {
        name,
        shape: spec.shape.slice(1),
        dtype: 'float32',
      })
      if (rows !== spec.shape[0])
        fail(`setWeights: ${name}: expected shape ${shapeText(spec.shape)}; got ${rows} rows`)
      return { name, numbers: numbers instanceof Float32Array ? numbers : new Float32Array(numbers) }
    })
    for (const { name, numbers } of checked) session.writeWeight(name, numbers)
  }

  /** Number of weights' elements. */
  countParams(): number {
    return this.session.outline.weights.reduce((sum, { shape }) => sum + elementCount(shape), 0)
  }

  /** Layers with output shapes, parameter counts and bytes, as a text table. */
  summary(): string {
    return summaryText(this.session)
  }

  /** The graph, the memory map and the program of one kind of run, as texts. */
  inspect(options: { readonly mode?: Mode; readonly batchSize?: number } = {}): Inspection {
    checkOptions('inspect', options, ['mode', 'batchSize'])
    const { mode = 'train', batchSize = 32 } = options
    if (!MODES.includes(mode)) unknownName('mode', mode, MODES)
    if (mode !== 'predict') this.training // throws before compile
    const shapes = this.session.network.inputs.map(({ shape }) => [
      readCount('inspect: batchSize', batchSize),
      ...shape.map((n) => n ?? 1),
    ])
    return inspect(this.session.prepare(mode, shapes).plan)
  }

  /**
   * Times every instruction of a training step on one batch: the least of `repeats` runs (default 20). The weights and
   * the optimizer are left as they were.
   */
  profile(x: Data, y: Data, options: StepOptions & { readonly repeats?: number } = {}): ProfileRow[] {
    checkOptions('profile', options, ['repeats', 'sampleWeight', 'allowNaN'])
    const { session } = this
    const batch = this.batchOf('profile', x, y, options.sampleWeight)
    const prepared = session.prepareFor('train', batch, batch.rows)
    session.feed(prepared, batch, null, 0, batch.rows, options.allowNaN ?? false)
    const before = session.state().slice()
    try {
      session.engine.stepCount++
      return profileRows(session, prepared.plan, readCount('profile: repeats', options.repeats ?? 20))
    } finally {
      session.state().set(before)
    }
  }

  /**
   * The model as the bytes of one safetensors file: weights, network, what it was compiled with. With
   * `includeOptimizer` (default false) also the optimizer's state: training resumed from it gives the same bits.
   */
  save(options: { readonly includeOptimizer?: boolean } = {}): Uint8Array {
    checkOptions('save', options, ['includeOptimizer'])
    return saveSession(this.session, options.includeOptimizer ?? false)
  }

  /** Replaces the weights by those of a saved model of the same shapes. Nothing changes unless all fit. */
  loadWeights(bytes: Uint8Array): void {
    loadWeights(this.session, bytes)
  }

  /** Gives the memory back now; the model can't be used any more. Without it, dropping the model does. */
  dispose(): void {
    this.kept.dispose()
  }

  /** `using model = sequential(...)` disposes at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose()
  }
}

function joined<T>(
  entries: readonly (readonly [string, T])[],
  structure: Structure,
): T | T[] | Record<string, T> {
  if (structure === 'single') return entries[0][1]
  return structure === 'list' ? entries.map(([, value]) => value) : Object.fromEntries(entries)
}
