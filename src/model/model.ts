// The public face: a network one can compile, train, evaluate, ask and save. Checks what callers pass, turns it
// into rows and hands it to the session; holds no numbers itself.
import { elementCount, type Shape, shapeText } from '../graph/graph.ts'
import { layerKinds } from '../layers/kinds.ts'
import type { Layer } from '../layers/layer.ts'
import { type InputOptions, input, type Symbolic } from '../layers/layer.ts'
import { check, checkOptions, fail, show, unknownName } from '../numerics/errors.ts'
import type { NamedArray } from '../numerics/tensor.ts'
import type { Callback, History, Logs } from '../training/callbacks.ts'
import { type Loss, type LossLike, takesLabels, targetShape } from '../training/losses.ts'
import type { MetricName } from '../training/metrics.ts'
import { type Optimizer, type OptimizerName, readOptimizer } from '../training/optimizers.ts'
import { type Mode, outlineOf, readOutputTraining } from './compute.ts'
import {
  type ArrayLikeData,
  commonRows,
  type Data,
  type Expected,
  isNamed,
  type Rows,
  rowsOf,
  splitData,
} from './data.ts'
import { checkNaN, evaluateAll, fitAll, readCount, splitValidation } from './fit.ts'
import { type Inspection, inspect, type ProfileRow, profileRows, summaryText } from './inspect.ts'
import { networkOf, type Structure, type Values } from './network.ts'
import { loadSession, loadWeights, saveSession } from './saving.ts'
import { type Batch, Session } from './session.ts'

export interface CompileOptions {
  /** Default 'adam'. */
  readonly optimizer?: OptimizerName | Optimizer
  /** One for all outputs, a list in their order, or by output name. */
  readonly loss: LossLike | readonly LossLike[] | Readonly<Record<string, LossLike>>
  /** Factor of each output's loss in the total. Default 1. */
  readonly lossWeights?: readonly number[] | Readonly<Record<string, number>>
  /** For every output, or by output name. */
  readonly metrics?: readonly MetricName[] | Readonly<Record<string, readonly MetricName[]>>
}

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
    checkOptions('compile', options, ['optimizer', 'loss', 'lossWeights', 'metrics'])
    const { session } = this
    if (this.isFitting) fail('compile: this model is being fitted; await fit first')
    const { outputs } = session.network
    const names = outputs.map(({ name }) => name)
    const { optimizer = 'adam', loss, lossWeights, metrics = [] } = options
    // an output may be named `kind`; a Loss also has a reduction
    const isOne =
      typeof loss === 'string' ||
      (typeof loss === 'object' && loss !== null && 'kind' in loss && 'reduction' in loss)
    const losses = isOne
      ? names.map(() => loss as LossLike)
      : perOutput<LossLike>('loss', loss as readonly LossLike[], names)
    const weights =
      lossWeights === undefined ? names.map(() => 1) : perOutput<number>('lossWeights', lossWeights, names)
    const wanted = Array.isArray(metrics)
      ? names.map(() => metrics as readonly MetricName[])
      : perOutput<readonly MetricName[]>(
          'metrics',
          metrics as Record<string, readonly MetricName[]>,
          names,
          [],
        )
    const training = names.map((output, i) =>
      readOutputTraining(output, this.shapeOf(output), {
        loss: losses[i],
        weight: weights[i],
        metrics: wanted[i],
      }),
    )
    session.train({ optimizer: readOptimizer(optimizer), outputs: training })
    return this
  }

  private shapeOf(output: string): Shape {
    const value = this.session.network.outputs.find(({ name }) => name === output)?.value ?? ''
    return this.session.outline.shapes.get(value) ?? []
  }

  private get training() {
    return this.session.training ?? fail('the model has no loss and optimizer yet: call compile first')
  }

  private inputRows(what: string, x: Data): Rows[] {
    const { inputs, inputStructure } = this.session.network
    const parts = splitData(
      `${what}: x`,
      x,
      inputs.map(({ name }) => name),
      inputStructure,
    )
    return inputs.map((expected, i) =>
      rowsOf(inputs.length > 1 ? `${what}: x ${expected.name}` : `${what}: x`, parts[i], expected),
    )
  }

  private batchOf(what: string, x: Data, y: Data, sampleWeight?: Data): Batch {
    const { outputs } = this.training
    const { outputStructure } = this.session.network
    const xs = this.inputRows(what, x)
    const names = outputs.map(({ output }) => output)
    const label = (kind: string, i: number) =>
      names.length > 1 ? `${what}: ${kind} ${names[i]}` : `${what}: ${kind}`
    const parts = splitData(`${what}: y`, y, names, outputStructure)
    const ys = outputs.map(({ output, loss }, i) =>
      rowsOf(label('y', i), parts[i], this.targetOf(output, loss)),
    )
    const weights =
      sampleWeight === undefined
        ? names.map(() => null)
        : splitData(`${what}: sampleWeight`, sampleWeight, names, outputStructure).map((part, i) =>
            this.weightRows(label('sampleWeight', i), part, ys[i]),
          )
    const rows = commonRows([
      ...xs.map(({ rows }) => ({ what: `${what}: x`, rows })),
      ...ys.map(({ rows }, i) => ({ what: label('y', i), rows })),
    ])
    const batch = { rows, x: xs, y: ys, weights }
    this.session.checkLabels(batch)
    return batch
  }

  private targetOf(output: string, loss: Loss): Expected {
    const shape = targetShape(loss, this.shapeOf(output)).slice(1)
    return { name: output, shape, dtype: takesLabels(loss) ? 'int32' : 'float32' }
  }

  /** One weight per row of y, or per position of a row. */
  private weightRows(what: string, given: ArrayLikeData, y: Rows): Rows {
    const perRow = { name: what, shape: [], dtype: 'float32' } as const
    const isFlat = ArrayBuffer.isView(given) || (Array.isArray(given) && typeof given[0] === 'number')
    const shape = isFlat ? [] : isNamed(given) ? given.shape.slice(1) : y.shape.slice(0, 1)
    const weights = rowsOf(what, given, { ...perRow, shape })
    const fits = weights.rows === y.rows && shape.every((n, i) => n === y.shape[i])
    if (!fits)
      fail(
        `${what}: expected one weight for each of ${y.rows} rows${y.shape.length > 0 ? ` (or positions of ${shapeText(y.shape)})` : ''}; got shape ${shapeText([weights.rows, ...shape])}`,
      )
    return weights
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
  predict(x: Data, options: PredictOptions = {}): Shaped<V, NamedArray> {
    checkOptions('predict', options, ['batchSize', 'training', 'allowNaN'])
    const { batchSize = 256, training = false, allowNaN = false } = options
    readCount('predict: batchSize', batchSize)
    const { session } = this
    const { engine } = session
    const xs = this.inputRows('predict', x)
    const rows = commonRows(xs.map((part) => ({ what: 'predict: x', rows: part.rows })))
    const batch: Batch = { rows, x: xs, y: [], weights: [] }
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
        const count = elementCount(slot.shape)
        if (from === 0) {
          output.shape = [rows, ...slot.shape.slice(1)]
          output.data = new Float32Array(elementCount(output.shape))
        }
        output.data.set(engine.view(slot.address, count, slot.dtype), (count / (to - from)) * from)
      }
    }
    const named = outputs.map(({ name, shape, data }): [string, NamedArray] => [name, { shape, data }])
    return joined(named, session.network.outputStructure) as Shaped<V, NamedArray>
  }

  /**
   * The gradient of the loss of one batch with respect to every trainable weight, by name (`dense_1/kernel`), raw:
   * before clipping and weight decay. `inputs: true` adds those of the float inputs under their names.
   */
  gradients(
    x: Data,
    y: Data,
    options: StepOptions & { readonly inputs?: boolean } = {},
  ): Record<string, NamedArray> {
    checkOptions('gradients', options, ['inputs', 'sampleWeight', 'allowNaN'])
    const { session } = this
    const batch = this.batchOf('gradients', x, y, options.sampleWeight)
    const prepared = session.prepareFor('gradients', batch, batch.rows, {
      inputGradients: options.inputs ?? false,
    })
    session.feed(prepared, batch, null, 0, batch.rows, options.allowNaN ?? false)
    session.engine.forward()
    session.engine.backward()
    const result: Record<string, NamedArray> = {}
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
  getWeights(): Record<string, NamedArray> {
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
      return { name, numbers: numbers as Float32Array }
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

/** A list in the outputs' order, or a record by their names. */
function perOutput<T>(
  what: string,
  given: readonly T[] | Readonly<Record<string, T>>,
  names: readonly string[],
  fallback?: T,
): T[] {
  if (Array.isArray(given)) {
    check(
      given.length === names.length,
      `compile: ${what}`,
      `a list of ${names.length} (one for each of ${names.join(', ')})`,
      given,
    )
    return [...given]
  }
  check(
    typeof given === 'object' && given !== null,
    `compile: ${what}`,
    `given for ${names.join(', ')}`,
    given,
  )
  const record = given as Readonly<Record<string, T>>
  for (const name of Object.keys(record))
    if (!names.includes(name))
      fail(`compile: ${what}: ${show(name)} is no output; outputs are ${names.join(', ')}`)
  return names.map(
    (name) => record[name] ?? fallback ?? fail(`compile: ${what} of output ${name} is missing`),
  )
}

function joined<T>(
  entries: readonly (readonly [string, T])[],
  structure: Structure,
): T | T[] | Record<string, T> {
  if (structure === 'single') return entries[0][1]
  return structure === 'list' ? entries.map(([, value]) => value) : Object.fromEntries(entries)
}

function readSeed(where: string, seed: number): number {
  check(Number.isSafeInteger(seed) && seed >= 0, `${where}: seed`, 'a non-negative integer', seed)
  return seed
}

function create<V extends Values>(where: string, inputs: Values, outputs: V, seed: number): Model<V> {
  const network = networkOf(inputs, outputs)
  const session = new Session(network, outlineOf(network), readSeed(where, seed))
  session.initialize()
  return new Model<V>(session)
}

export interface ModelOptions<V extends Values> {
  /** One value of `input()`, a list, or a record by name: the form in which `fit` and `predict` take x. */
  readonly inputs: Values
  /** Likewise; the form in which `predict` gives its result and `fit` takes y. */
  readonly outputs: V
  /** Governs initial weights and shuffling: the same seed gives the same bits everywhere. Default 0. */
  readonly seed?: number
}

/** A model of any acyclic graph of layers. @throws LanegradError naming the layer that doesn't fit. */
export function model<V extends Values>(options: ModelOptions<V>): Model<V> {
  checkOptions('model', options, ['inputs', 'outputs', 'seed'])
  return create('model', options.inputs, options.outputs, options.seed ?? 0)
}

export interface SequentialOptions {
  /** Without the batch axis. */
  readonly inputShape: InputOptions['shape']
  /** Default 'float32'. */
  readonly inputDtype?: InputOptions['dtype']
  readonly layers: readonly Layer[]
  /** Governs initial weights and shuffling: the same seed gives the same bits everywhere. Default 0. */
  readonly seed?: number
}

/** A chain of layers. @throws LanegradError naming the layer that doesn't fit. */
export function sequential(options: SequentialOptions): Model<Symbolic> {
  checkOptions('sequential', options, ['inputShape', 'inputDtype', 'layers', 'seed'])
  const { inputShape, inputDtype, layers, seed = 0 } = options
  check(
    Array.isArray(layers) && layers.length > 0 && layers.every((layer) => typeof layer === 'function'),
    'sequential: layers',
    'a list of layers',
    layers,
  )
  const first = input({ shape: inputShape, dtype: inputDtype })
  return create(
    'sequential',
    first,
    layers.reduce((value: Symbolic, layer) => layer(value), first),
    seed,
  )
}

/** A model from the bytes `save` gave. The bytes are untrusted. @throws LanegradError where they are damaged. */
export function load(bytes: Uint8Array): Model {
  return new Model(loadSession(bytes, layerKinds))
}
