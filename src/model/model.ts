// biome-ignore-all lint/suspicious/noUnsafeDeclarationMerging: the interface has the call signature that a class can't state
// The public face: a network one can compile, train, evaluate, ask and save. Checks options, turns data into rows
// and hands them to the session; holds no numbers itself.

import { readingBatch, readingInputs } from '../feed/batch.ts'
import type { Callback as CallbackOf, FitParams as FitParamsOf } from '../feed/callbacks.ts'
import type { ClassWeight } from '../feed/class-weight.ts'
import { evaluateAll, fitAll } from '../feed/fit.ts'
import { isBatches, sortArguments } from '../feed/given.ts'
import { applyGradients, type Gradients, gradientsOf } from '../feed/gradients.ts'
import {
  type ApplyOptions,
  type EvaluateOptions,
  type FitOptions as FitOptionsOf,
  OPTIONS,
  type PredictOptions,
  type StepOptions,
  type TrainStepOptions,
} from '../feed/options.ts'
import { predictBatches, predictRows } from '../feed/predict.ts'
import { checkEvaluated, heldOut, readEvaluated, readSources } from '../feed/reading.ts'
import type { Layer, Symbolic } from '../layers/layer.ts'
import { type Outline, outlineOf } from '../network/compute.ts'
import { networkOf, type Values } from '../network/network.ts'
import type { PlannedSession } from '../network/planned.ts'
import { numbersNamed } from '../network/weight-names.ts'
import {
  BOOLEAN,
  check,
  fail,
  isObject,
  must,
  NON_NEGATIVE,
  printed,
  reading,
  readOptions,
} from '../numerics/errors.ts'
import { finish } from '../numerics/pieces.ts'
import type { DType, RowShape } from '../numerics/shape.ts'
import type { FloatArray } from '../numerics/tensor.ts'
import type { ArrayLikeData, Batch, Batches, Data, Dataset } from '../rows/rows.ts'
import { turns } from '../rows/turns.ts'
import type { History, Logs, WithLoss } from '../session/logs.ts'
import { NO_ROWS } from '../session/prepared.ts'
import { Repeat, RepeatedPrediction } from '../session/repeat.ts'
import { joined, outputsOn, unitOf } from './calls.ts'
import { type CompileOptions, checkValidationKeys, readTraining, trainingOf } from './compile.ts'
import { saveSession } from './saving.ts'
import { modelText, parameters, summaryText } from './summary.ts'
import { setTrainable } from './trainable.ts'

/** Throws: a method of Keras's, or of before, that is a function of the model. */
const moved = (name: string, others: string, entry = ''): never =>
  fail(`model.${name}: write ${name}(model${others}), with ${name} from 'lanegrad${entry}'`)

/** Where none are given. */
const NO_OPTIONS: TrainStepOptions & PredictOptions = {}

/** The hooks of `fit`, for code outside of the model. */
export interface Callback extends CallbackOf<Model> {}

/** A run of `fit`. */
export interface FitParams extends FitParamsOf<Model> {}

/** Options of `fit`. */
export interface FitOptions extends FitOptionsOf<Model> {}

/** An input of a model, to look at. */
export interface ModelInput {
  readonly name: string
  /** The shape without the batch axis; null for an axis of any length. */
  readonly shape: RowShape
  /** `float32`, or `int32` for ids. */
  readonly dtype: DType
}

/** A layer of a model, to look at. */
export interface ModelLayer {
  readonly name: string
  /** `dense`, ... */
  readonly kind: string
  readonly trainable: boolean
  /** The shape of its first output, without the batch axis; null for an axis of any length. */
  readonly outputShape: RowShape
}

/** How a model's outputs come: as they were given to `model`. */
type Shaped<V, T> = V extends Symbolic ? T : V extends readonly Symbolic[] ? T[] : { [K in keyof V]: T }

/**
 * A neural network with its weights. Made by `sequential`, `model` or `load`, never by `new`.
 * @example
 * ```js
 * import { dense, load, Model, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
 * model.compile({ optimizer: 'adam', loss: 'meanSquaredError' }) // then train ...
 * await model.fit([[1], [2], [3]], [2, 4, 6], { epochs: 3 })
 * const { loss } = await model.evaluate([[4]], [8]) // ... test ...
 * const again = load(model.save()) // ... keep ...
 * console.log(again.predict([[5]]).data[0] === model.predict([[5]]).data[0]) // true
 * console.log(again instanceof Model, again.countParams(), Number.isFinite(loss)) // true 2 true
 * ```
 */
export class Model<V extends Values = Values> {
  declare private readonly kept: PlannedSession
  /** As a layer of other models. @internal */
  declare private readonly unit: Layer<unknown>

  private constructor(session: PlannedSession) {
    const call = (...given: readonly (Symbolic | readonly Symbolic[])[]): V =>
      outputsOn(self.session, self.unit, given) as Values as V
    // stacks call a bound function by its prototype's name, any other one Function
    const self: Model<V> = Object.setPrototypeOf(call.bind(null), new.target.prototype)
    Object.assign(self, { kept: session, unit: unitOf(session) })
    printed(self, () => modelText(session))
    // biome-ignore lint/correctness/noConstructorReturn: a model is a function
    return Object.seal(self) // `stopTraining = true` and the like are errors, not without effect
  }

  /** @internal */
  static of<V extends Values>(session: PlannedSession): Model<V> {
    return new this<V>(session) // by its own name, a bundler would give the class another one
  }

  /** Shapes and weights of what lies between values, of which no model is made. @internal */
  static outlineOf(inputs: Values, outputs: Values): Outline {
    return outlineOf(networkOf(inputs, outputs).network)
  }

  /** Throws after dispose: every method goes through here. @internal */
  get session(): PlannedSession {
    this.kept.engine
    return this.kept
  }

  /**
   * Sets optimizer, losses and metrics. Weights stay as they are; the optimizer starts anew.
   *
   * A loss that the numbers of its output make nonsense of is refused (-), and the message names the ways out. `binary` and
   * `categorical` (also sparse) are the cross-entropies, `logits` the same with fromLogits, `kl` is klDivergence and
   * `hinge` is also squaredHinge:
   *
   *     output activation              binary  logits  categorical  logits  kl    poisson  hinge
   *     none, leakyRelu, elu ... mish  -       fine    -            fine    -     -        fine
   *     tanh, softsign, hardTanh       -       fine    -            fine    -     -        fine
   *     relu, relu6, square            -       -       -            fine    -     fine     -
   *     softplus, exponential          -       -       fine         fine    -     fine     -
   *     sigmoid, hardSigmoid           fine    -       -            -       -     fine     -
   *     softmax                        fine    -       fine         -       fine  fine     -
   *     logSigmoid, logSoftmax         -       -       -            fine    -     -        -
   *
   * All other losses take any output. A single unit takes no loss that compares columns (categorical, kl,
   * cosineSimilarity), and with softmax, which is always 1 there, none at all. Activations are seen through reshape, flatten,
   * permute, pooling and concatenate; the numbers of a layer of your own, of a frozen one or of an average aren't known, and
   * nothing is refused there. Targets must lie where the loss is defined: from 0 to 1 for `binary` and categoricalHinge,
   * from -1 to 1 for hinge, from 0 up for `categorical`, `kl` and poisson; others are refused where the data is read.
   * @throws LanegradError on an unknown name (with the nearest known one) or a loss that doesn't fit its output.
   * @example
   * ```js
   * import { adam, cosineDecay, dense, huber, sequential } from 'lanegrad'
   *
   * const model = sequential({ inputShape: [2], layers: [dense({ units: 8, activation: 'tanh' }), dense({ units: 1 })] })
   * model.compile({
   *   optimizer: adam({ learningRate: 0.01, schedule: cosineDecay({ steps: 1000 }), clipNorm: 1 }),
   *   loss: huber({ delta: 2 }),
   *   metrics: ['meanAbsoluteError'],
   * })
   * ```
   */
  compile(options: CompileOptions): this {
    const { session } = this
    this.refuseWhileBusy('compile')
    const training = readTraining(session, options)
    if (options.keepOptimizer) session.retrain(training, options.warnings)
    else session.train(training, options.warnings)
    return this
  }

  /** @internal */
  refuseWhileBusy(what: string): void {
    this.session.refuseWhileBusy(what)
  }

  /**
   * The engine of the model: `simd` or `relaxed` (with `numerics: relaxed()`), then `, 4 threads` if there are several, and in
   * parentheses the options that this runtime can't fulfil.
   */
  get variant(): string {
    return this.session.engine.variant
  }

  /** The inputs, in the order and with the names that `fit`, `predict` and `part` take; shapes are without the batch axis. */
  get inputs(): readonly ModelInput[] {
    return this.session.network.inputs.map((input) => Object.freeze({ ...input }))
  }

  /** The layers in order of first call. */
  get layers(): readonly ModelLayer[] {
    const { network } = this.session
    return [...new Set(network.calls.map(({ layer }) => layer))].map(({ name, kind, trainable }) =>
      Object.freeze({
        name,
        kind: kind.kind,
        trainable,
        outputShape: this.session.outline.shapes.get(name) ?? [],
      }),
    )
  }

  /**
   * Freezes layers and lets them train again: by name (`{ dense_1: false }`, the others stay as they are; the name of a model
   * within this one means all of its layers, those aside that are named themselves or by a model inside it) or by a function of
   * the layer's name. At any time but during `fit`; weights stay, the optimizer starts anew.
   * @throws LanegradError on a layer that the model doesn't have
   */
  setTrainable(layers: Readonly<Record<string, boolean>> | ((layer: string) => boolean)): this {
    const { session } = this
    this.refuseWhileBusy('setTrainable')
    setTrainable(session, layers)
    return this
  }

  /**
   * The moving averages of the trainable weights, by name, where the optimizer keeps them (`ema`); the weights
   * themselves before the first update. `model.setWeights(model.emaWeights())` takes them over.
   * @throws LanegradError where it keeps none
   */
  emaWeights(): Record<string, FloatArray> {
    const { ema } = this.training.optimizer
    return (ema ?? fail('emaWeights: this optimizer has no ema: movingAverage()')).weightsOf(this.session)
  }

  private get training() {
    return trainingOf(this.kept)
  }

  /** The optimizer's learning rate before its schedule. A new one acts from the next step, until `compile`. */
  get learningRate(): number {
    return this.training && this.session.learningRate
  }

  set learningRate(rate: number) {
    this.session.learningRate = this.training && must(NON_NEGATIVE, rate, 'learningRate')
  }

  /** Rows of every input and target, not looked through for NaN; those of `predict` have no targets. @internal */
  batchOf(what: string, data: Dataset, classWeight?: ClassWeight | null): Batch {
    const { kept } = this
    const { feeds } = kept
    if (what === 'predict') return { ...finish(readingInputs(feeds, what, data.x)), y: [], weights: [] }
    this.training // throws before compile
    return reading(`${what}: its arguments`, () => {
      const batch = finish(readingBatch(feeds, what, data))
      return classWeight?.weigh(what, batch, feeds) ?? batch
    })
  }

  /**
   * Trains for `epochs` passes over x and y, one dataset `{ x, y, weights? }`, or batches of these from an iterable, for
   * data larger than memory. Async: the event loop gets a turn every few milliseconds.
   * @returns one number per epoch for each log: `history.loss`, `history.accuracy`, `history.val_loss` ...
   * @throws LanegradError before anything is trained, if the data doesn't fit or holds NaN; for batches from an
   * iterable before that batch is trained.
   * @example
   * ```js
   * import { dense, sequential } from 'lanegrad'
   *
   * const x = [[0, 0], [0, 1], [1, 0], [1, 1]]
   * const y = [0, 1, 1, 0]
   * const model = sequential({ inputShape: [2], layers: [dense({ units: 8, activation: 'tanh' }), dense({ units: 1 })] })
   * model.compile({ optimizer: 'adam', loss: 'meanSquaredError' })
   * const history = await model.fit(x, y, { epochs: 5, batchSize: 2 })
   * console.log(history.loss.length) // 5
   * ```
   */
  fit(x: Data, y: Data, options?: FitOptions): Promise<WithLoss<History>>
  fit(data: Dataset | Batches, options?: FitOptions): Promise<WithLoss<History>>
  async fit(...args: readonly unknown[]): Promise<History> {
    const { session } = this
    const { given, options } = reading('fit: its arguments', () =>
      sortArguments<FitOptions>(session.feeds, 'fit', args),
    )
    const read = readOptions('fit', options, OPTIONS.fit)
    const held = reading('fit: its arguments', () => heldOut(session.feeds, given, options))
    if (session.fits > 0) fail('fit: this model is being fitted already; await the first call')
    const { training } = this // throws before compile
    if (held !== null || read.validationSplit > 0) checkValidationKeys(session, training)
    session.fits++
    try {
      const sources = await readSources(session, given, held, read)
      const callbacks: readonly CallbackOf<Model>[] = read.callbacks
      return await fitAll(session, { ...read, callbacks, ...sources, model: this as unknown as Model })
    } finally {
      session.fits--
    }
  }

  /**
   * One optimizer step on one batch, at once. Returns its loss and metrics from before the update.
   * @example
   * ```js
   * import { dense, sequential } from 'lanegrad'
   *
   * const x = [[0, 0], [0, 1], [1, 0], [1, 1]]
   * const y = [0, 1, 1, 0]
   * const model = sequential({ inputShape: [2], layers: [dense({ units: 8, activation: 'tanh' }), dense({ units: 1 })] })
   * model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' })
   * const first = model.trainStep(x, y).loss
   * for (let step = 0; step < 100; step++) model.trainStep(x, y)
   * console.log(model.trainStep(x, y).loss < first) // true
   * ```
   */
  trainStep(x: Data, y: Data, options: TrainStepOptions = NO_OPTIONS): WithLoss<Logs> {
    // a session that was disposed has no program; short, so that engines inline all of it
    const logs = options === NO_OPTIONS && this.kept.last('train')?.repeat?.step(x, y)
    return logs || this.wholeStep(x, y, options)
  }

  private wholeStep(x: Data, y: Data, options: TrainStepOptions): WithLoss<Logs> {
    const { session } = this
    const what = 'trainStep'
    const { sampleWeight: weights, classWeight, allowNaN } = readOptions(what, options, OPTIONS[what])
    const batch = this.batchOf(what, { x, y, weights }, classWeight)
    const prepared = session.prepareFor('train', batch, batch.rows)
    session.feed(prepared, batch, null, 0, batch.rows, allowNaN)
    session.step(prepared)
    if (options === NO_OPTIONS) prepared.repeat = Repeat.of(session, prepared, x, y)
    return session.readLogs(prepared)
  }

  /**
   * Loss and metrics over all rows: a batch weighs as many rows as it has. The data has any of the forms that `fit` takes.
   * @example
   * ```js
   * import { dense, sequential } from 'lanegrad'
   *
   * const x = [[0, 0], [0, 1], [1, 0], [1, 1]]
   * const y = [0, 1, 1, 0]
   * const model = sequential({ inputShape: [2], layers: [dense({ units: 8, activation: 'tanh' }), dense({ units: 1 })] })
   * model.compile({ loss: 'meanSquaredError', metrics: ['meanAbsoluteError'] })
   * const logs = await model.evaluate(x, y)
   * console.log(Object.keys(logs)) // [ 'loss', 'meanAbsoluteError' ]
   * ```
   */
  evaluate(x: Data, y: Data, options?: EvaluateOptions): Promise<WithLoss<Logs>>
  evaluate(data: Dataset | Batches, options?: EvaluateOptions): Promise<WithLoss<Logs>>
  async evaluate(...args: readonly unknown[]): Promise<Logs> {
    const { session } = this
    const what = 'evaluate'
    const { given, options } = reading(`${what}: its arguments`, () =>
      sortArguments<EvaluateOptions>(session.feeds, what, args),
    )
    const read = readOptions(what, options, OPTIONS[what])
    const { verbose, allowNaN } = read
    this.training // throws before compile
    checkEvaluated(given, options)
    const turn = turns()
    session.evaluations++
    try {
      const source = await readEvaluated(session, given, read, turn)
      const run = { what, title: what, number: 1, prefix: '', turn, verbose, signal: null, allowNaN }
      const logs = (await evaluateAll(session, source, run)) ?? {} // null only where a signal aborts
      verbose?.show(what, 0, 0, logs, true)
      return logs
    } finally {
      session.evaluations--
    }
  }

  /**
   * The outputs for any number of rows, as copies, in the form the model's outputs were given. Runs to its end at once.
   * For batches `{ x }` from an iterable: a promise of all their outputs in one.
   * @example
   * ```js
   * import { dense, sequential } from 'lanegrad'
   *
   * const model = sequential({ inputShape: [2], layers: [dense({ units: 8, activation: 'tanh' }), dense({ units: 1 })] })
   * const { shape, data } = model.predict([[0, 1], [1, 0], [1, 1]])
   * console.log(shape, data.length) // [ 3, 1 ] 3
   * ```
   */
  predict(x: Data, options?: PredictOptions): Shaped<V, FloatArray>
  predict(batches: Batches<{ readonly x: Data }>, options?: PredictOptions): Promise<Shaped<V, FloatArray>>
  predict(
    x: Data | Batches<{ readonly x: Data }>,
    options: PredictOptions = NO_OPTIONS,
  ): Shaped<V, FloatArray> | Promise<Shaped<V, FloatArray>> {
    const isPlain = options === NO_OPTIONS
    const known = isPlain && this.kept.last('predict')?.prediction?.run(x as Data)
    if (known) return known as Shaped<V, FloatArray>
    const { session } = this
    const read = readOptions('predict', options, OPTIONS.predict)
    const shaped = (outputs: readonly FloatArray[]) => {
      read.verbose?.show('predict', 0, 0, {}, true)
      const { outputs: known, outputStructure } = session.network
      const named = outputs.map((output, i): [string, FloatArray] => [known[i].name, output])
      return joined(named, outputStructure) as Shaped<V, FloatArray>
    }
    if (reading('predict: x', () => isBatches(session.feeds, x)))
      return predictBatches(session, x as Batches<{ readonly x: Data }>, read).then(shaped)
    const batch = this.batchOf('predict', { x: x as Data, y: [] })
    const outputs = predictRows(session, batch, read)
    const prepared = isPlain && session.last('predict')
    if (prepared && prepared.request.rows === batch.rows)
      prepared.prediction = RepeatedPrediction.of(session, prepared, x as Data)
    return shaped(outputs)
  }

  /**
   * The gradient of the loss of one batch with respect to every trainable weight, by name (`dense_1/kernel`), raw:
   * before clipping and weight decay. `inputs: true` adds those of the float inputs under their names.
   * @example
   * ```js
   * import { dense, sequential } from 'lanegrad'
   *
   * const model = sequential({ inputShape: [2], layers: [dense({ units: 3, name: 'out' })] })
   * model.compile({ loss: 'meanSquaredError' })
   * const gradients = model.gradients([[1, 2]], [[0, 0, 0]])
   * console.log(gradients['out/kernel'].shape) // [ 2, 3 ]
   * ```
   */
  gradients(
    x: Data,
    y: Data,
    options: StepOptions & { readonly inputs?: boolean } = {},
  ): Record<string, FloatArray> {
    const what = 'gradients'
    const { inputs, sampleWeight: weights, allowNaN } = readOptions(what, options, OPTIONS[what])
    const { session } = this
    const batch = this.batchOf(what, { x, y, weights })
    const prepared = session.prepareFor(what, batch, batch.rows, { inputGradients: inputs })
    session.feed(prepared, batch, null, 0, batch.rows, allowNaN)
    return gradientsOf(session, prepared.code, inputs)
  }

  /**
   * One optimizer step by gradients that come from elsewhere (policy gradients, federated averages): an array for each weight
   * that trains, by the names that `gradients` and `getWeights` give. They are clipped and decayed, and the learning rate
   * is scheduled, as in `trainStep`: what `gradients` gives has the bits of a training step. With `accumulation` they are
   * added to those of other steps, counting for `weight` rows; where losses are averaged
   * in several ways (a sum beside a mean, masks), they count as gradients of the first one. The numbers that layers keep beside
   * their weights (the moving statistics of batch normalization) stay.
   * @throws LanegradError, with nothing changed, on a weight that is missing or unknown, another shape, or NaN
   * @example
   * ```js
   * import { dense, sequential } from 'lanegrad'
   *
   * const [one, other] = [1, 2].map(() => sequential({ inputShape: [2], layers: [dense({ units: 1 })] }))
   * for (const model of [one, other]) model.compile({ optimizer: 'adam', loss: 'meanSquaredError' })
   * one.trainStep([[1, 2]], [3])
   * other.applyGradients(other.gradients([[1, 2]], [3]))
   * console.log(other.predict([[1, 2]]).data[0] === one.predict([[1, 2]]).data[0]) // true
   * ```
   */
  applyGradients(gradients: Gradients, options: ApplyOptions = {}): void {
    const { session } = this
    this.training // throws before compile
    applyGradients(session, session.prepareFor('train', NO_ROWS, 0), gradients, options)
  }

  /** Every weight by name (`layer/weight`), as copies. */
  getWeights(): Record<string, FloatArray> {
    return Object.fromEntries(
      this.session.outline.weights.map((spec) => [spec.name, this.session.readWeight(spec)]),
    )
  }

  /**
   * Sets the weights named; the others stay. Nothing changes unless all fit. Weights of another model that shares layers with
   * this one are found under the names they have there; those of its other layers are left out if all of this model's
   * weights are given: `decoder.setWeights(autoencoder.getWeights())`.
   * @throws LanegradError on a name that isn't known, with the nearest one, or a shape that doesn't fit
   */
  setWeights(weights: Readonly<Record<string, ArrayLikeData>>): void {
    const { session } = this
    for (const [name, numbers] of numbersNamed('setWeights', session, weights))
      session.writeWeight(name, numbers)
  }

  /**
   * Sets the states that layers with `stateful: true` keep to 0: what comes next is the beginning of other sequences.
   * @example
   * ```js
   * import { gru, sequential } from 'lanegrad'
   *
   * const layers = [gru({ units: 4, stateful: true })]
   * const model = sequential({ inputShape: [null, 1], layers, seed: 1 })
   * const whole = model.predict([[[1], [2], [3]]])
   * model.resetStates()
   * let last = null
   * for (const step of [1, 2, 3]) last = model.predict([[[step]]]) // a stream, step by step
   * console.log(last.data.join() === whole.data.join()) // true
   * ```
   */
  resetStates(): void {
    this.session.resetStates()
  }

  /** Number of weights' elements. */
  countParams(): number {
    return parameters(this.session.outline.weights)
  }

  /**
   * Layers with output shapes, parameter counts and bytes, as a text table. A model within the model is one row, or, with
   * `expandNested`, a row for each of its layers.
   */
  summary(options: { readonly expandNested?: boolean } = {}): string {
    const { expandNested } = readOptions('summary', options, { expandNested: [BOOLEAN, false] })
    return summaryText(this.session, expandNested)
  }

  /** A function now. @internal */
  inspect(): never {
    return moved('inspect', '', '/inspect')
  }

  /** A function now. @internal */
  profile(): never {
    return moved('profile', ', x, y', '/inspect')
  }

  /**
   * Saves the model as the bytes of one safetensors file: weights, network and the arguments of `compile`. With
   * `includeOptimizer` (default false) also the optimizer's state: training resumed from it gives the same bits.
   * Metrics and losses of your own are kept by name: `load` is given them again.
   * @example
   * ```js
   * import { dense, load, sequential } from 'lanegrad'
   *
   * const model = sequential({ inputShape: [2], layers: [dense({ units: 1 })] })
   * model.compile({ optimizer: 'adam', loss: 'meanSquaredError' })
   * model.trainStep([[1, 2]], [3])
   * const resumed = load(model.save({ includeOptimizer: true }))
   * console.log(resumed.trainStep([[1, 2]], [3]).loss === model.trainStep([[1, 2]], [3]).loss) // true
   * ```
   */
  save(options: { readonly includeOptimizer?: boolean } = {}): Uint8Array<ArrayBuffer> {
    const read = readOptions('save', options, { includeOptimizer: [BOOLEAN, false] })
    return saveSession(this.session, read.includeOptimizer)
  }

  /** A function now. @internal */
  loadWeights(): never {
    return moved('loadWeights', ', bytes')
  }

  /** A function. @internal */
  part(): never {
    return moved('part', ', { inputs, outputs }')
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

/**
 * Called on values, as a layer is, a model gives its outputs within another model: its layers are there as `<model>.<layer>` and
 * start from the weights that they have here. Called twice in a model it uses the same weights.
 */
export interface Model<V extends Values = Values> {
  (...inputs: readonly Symbolic[]): V
  (inputs: readonly Symbolic[] | Readonly<Record<string, Symbolic>>): V
}

/** The model, not disposed. @throws LanegradError */
export function checkModel<V extends Values>(what: string, given: Model<V>): Model<V> {
  const isModel = reading(
    what,
    () => typeof given === 'function' && isObject((given as Partial<Model>).session),
  )
  check(isModel, what, 'a model, as sequential, model or load make it', given)
  return given
}
