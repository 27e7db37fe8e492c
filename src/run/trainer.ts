// What `open` gives: the methods of Model that need no planner, over the programs of a frozen file.

import { readingBatch, readingInputs } from '../feed/batch.ts'
import { encodeSafetensors } from '../formats/safetensors.ts'
import { isFloat32, messageOf } from '../numerics/brands.ts'
import { check, fail, isObject, LanegradError, must, NON_NEGATIVE, reading } from '../numerics/errors.ts'
import { finish } from '../numerics/pieces.ts'
import { elementCount, type FloatArray, type NumberArray } from '../numerics/tensor.ts'
import { type ArrayLikeData, type Batch, type Data, type Rows, rowsOf, sliceRows } from '../rows/rows.ts'
import type { Logs, WithLoss } from '../session/logs.ts'
import type { Mode } from '../session/program.ts'
import { saveState } from '../session/state.ts'
import { Tally } from '../session/tally.ts'
import { withDefaults } from './options.ts'
import type { Opened } from './read.ts'
import type { FrozenSession } from './session.ts'

/** Options of the methods that take one batch or more of rows with targets. */
export interface TrainerOptions {
  /** One weight for each row of y, where the file was frozen with `sampleWeight: true`. Default: 1 each. */
  readonly sampleWeight?: Data
  /** Take NaN in the data as it is. Default false: it is an error. */
  readonly allowNaN?: boolean
}

const NO_OPTIONS: TrainerOptions = { sampleWeight: undefined, allowNaN: false }

const ones = ({ rows }: Rows): Rows => ({ data: new Float32Array(rows).fill(1), rows, shape: [] })

/** `rows` rows: those given, and behind them zeros. */
function padded(source: Rows, rows: number): Rows {
  const width = source.data.length / source.rows
  const data = isFloat32(source.data) ? new Float32Array(rows * width) : new Int32Array(rows * width)
  data.set(source.data)
  return { ...source, data: data as NumberArray, rows }
}

/**
 * A net frozen with `freeze`: it trains and predicts with the bits that the full library gives on one thread. Made by `open`.
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { freeze } from 'lanegrad/freeze'
 * import { open, Trainer } from 'lanegrad/run'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
 * const trainer = open(freeze(model))
 * console.log(trainer instanceof Trainer) // true
 * ```
 */
export class Trainer {
  /** @internal */
  readonly session: FrozenSession
  private readonly opened: Opened
  /** Why it can't go on; null: it can. */
  private failure: string | null = null
  private isFitting = false

  private constructor(session: FrozenSession, opened: Opened) {
    this.session = session
    this.opened = opened
  }

  /** @internal */
  static of(session: FrozenSession, opened: Opened): Trainer {
    return new this(session, opened)
  }

  /** What runs instructions of the file: where they trap, nothing more can be believed. */
  private run<T>(work: () => T): T {
    if (this.failure) fail(this.failure)
    try {
      return work()
    } catch (error) {
      if (error instanceof LanegradError) throw error
      this.failure = `the frozen program failed, and this trainer can't go on: ${messageOf(error)}`
      return fail(this.failure)
    }
  }

  /** The same for work over many steps, of which there is one at a time. @internal */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    if (this.isFitting) fail('fit: this trainer is being fitted already; await the first call')
    this.isFitting = true
    try {
      return await work()
    } catch (error) {
      return this.run(() => {
        throw error
      })
    } finally {
      this.isFitting = false
    }
  }

  /** Rows of every input and target; where the programs take sample weights and none are given, they are 1. @internal */
  batchOf(mode: Mode, what: string, x: Data, y: Data, weights: Data | undefined): Batch {
    const { feeds } = this.session
    if (feeds.targets.length === 0) fail(`${what}: the model wasn't compiled when it was frozen`)
    const batch = reading(`${what}: its arguments`, () =>
      finish(readingBatch(feeds, what, { x, y, weights })),
    )
    const shapes = this.session.weightShapes(mode)
    return { ...batch, weights: batch.weights.map((own, i) => own ?? (shapes[i] ? ones(batch.y[i]) : null)) }
  }

  /**
   * One optimizer step on one batch of a size that was frozen for training. Returns its loss and metrics from before the
   * update.
   * @throws LanegradError on data that doesn't fit or holds NaN, or a batch size that wasn't frozen
   */
  trainStep(x: Data, y: Data, options: TrainerOptions = {}): WithLoss<Logs> {
    const what = 'trainStep'
    const { sampleWeight, allowNaN = false } = withDefaults(what, options, NO_OPTIONS)
    const { session } = this
    const batch = this.batchOf('train', what, x, y, sampleWeight)
    const prepared = session.prepareFor('train', batch, batch.rows)
    return this.run(() => {
      session.feed(prepared, batch, null, 0, batch.rows, allowNaN)
      session.step(prepared)
      return session.readLogs(prepared)
    })
  }

  /**
   * Loss and metrics over all rows, in batches of the sizes that were frozen for evaluation.
   * @throws LanegradError where the rows can't be cut into batches of these sizes, and as `trainStep`
   */
  async evaluate(x: Data, y: Data, options: TrainerOptions = {}): Promise<WithLoss<Logs>> {
    const what = 'evaluate'
    const { sampleWeight, allowNaN = false } = withDefaults(what, options, NO_OPTIONS)
    const { session } = this
    const batch = this.batchOf(what, what, x, y, sampleWeight)
    const sizes = session.sizes(what)
    const tally = new Tally()
    for (let from = 0, to = 0; from < batch.rows; from = to) {
      to = from + (sizes.find((size) => size <= batch.rows - from) ?? batch.rows - from)
      const prepared = session.prepareFor(what, batch, to - from)
      this.run(() => {
        session.feed(prepared, batch, null, from, to, allowNaN)
        session.engine.forward()
        session.tally(prepared, tally)
      })
    }
    return tally.logs() as WithLoss<Logs>
  }

  /**
   * The outputs for any number of rows, as copies, in the form the model's outputs were given. The last rows run padded with
   * zeros, which changes no bit of their outputs.
   * @throws LanegradError on data that doesn't fit or holds NaN, or a file frozen without `predict`
   */
  predict(
    x: Data,
    options: { readonly allowNaN?: boolean } = {},
  ): FloatArray | FloatArray[] | Record<string, FloatArray> {
    const what = 'predict'
    const { allowNaN } = withDefaults(what, options, { allowNaN: false })
    const { session } = this
    const { engine } = session
    const { outputs, outputStructure } = session.feeds
    const { rows, x: inputs } = finish(readingInputs(session.feeds, what, x))
    const sizes = session.sizes(what)
    const results = outputs.map((): FloatArray => ({ shape: [], data: new Float32Array(0) }))
    for (let from = 0, to = 0; from < rows; from = to) {
      const left = rows - from
      const size = left >= sizes[0] ? sizes[0] : (sizes.findLast((own) => own >= left) ?? left)
      to = Math.min(rows, from + size)
      const part = inputs.map((source) => {
        const own = rows === size ? source : sliceRows(source, from, to)
        return own.rows === size ? own : padded(own, size)
      })
      const batch = { rows: size, x: part, y: [], weights: [] }
      const prepared = session.prepareFor(what, batch, size)
      this.run(() => {
        session.feed(prepared, batch, null, 0, size, allowNaN)
        engine.forward()
      })
      outputs.forEach((name, i) => {
        const slot = prepared.code.results.get(name) ?? fail(`the file has no output ${name}`)
        const width = slot.count / size
        if (from === 0)
          results[i] = { shape: [rows, ...slot.shape.slice(1)], data: new Float32Array(rows * width) }
        results[i].data.set(engine.floatView(slot.address, (to - from) * width), from * width)
      })
    }
    if (outputStructure === 'single') return results[0]
    return outputStructure === 'list'
      ? results
      : Object.fromEntries(outputs.map((name, i) => [name, results[i]]))
  }

  /**
   * The gradients of the loss of one batch by weight, raw: before clipping and weight decay.
   * @throws LanegradError as `trainStep`; the batch size must have been frozen for gradients
   */
  gradients(x: Data, y: Data, options: TrainerOptions = {}): Record<string, FloatArray> {
    const what = 'gradients'
    const { sampleWeight, allowNaN = false } = withDefaults(what, options, NO_OPTIONS)
    const { session } = this
    const batch = this.batchOf(what, what, x, y, sampleWeight)
    const prepared = session.prepareFor(what, batch, batch.rows)
    return this.run(() => {
      session.feed(prepared, batch, null, 0, batch.rows, allowNaN)
      session.engine.forward()
      session.engine.backward()
      const trainable = session.weights.filter((weight) => weight.trainable)
      return Object.fromEntries(
        trainable.map(({ name, shape }) => {
          const slot = prepared.code.gradients.get(name)
          return [name, slot ? session.read(slot) : { shape, data: new Float32Array(elementCount(shape)) }]
        }),
      )
    })
  }

  /** Every weight by name (`layer/weight`), as copies. */
  getWeights(): Record<string, FloatArray> {
    const { session } = this
    return Object.fromEntries(session.weights.map((spec) => [spec.name, session.readWeight(spec)]))
  }

  /**
   * Sets the weights named; the others stay. Nothing changes unless all fit.
   * @throws LanegradError on a name that isn't known, with the nearest one, or a shape that doesn't fit
   */
  setWeights(weights: Readonly<Record<string, ArrayLikeData>>): void {
    const { session } = this
    check(isObject(weights), 'setWeights: weights', 'an object of arrays by name', weights)
    const known = new Map(session.weights.map((spec) => [spec.name, spec]))
    const checked = reading('setWeights: weights', () => Object.entries(weights)).map(([name, given]) => {
      const { shape } =
        known.get(name) ??
        fail(`setWeights: there is no weight ${name}; the weights are ${[...known.keys()].join(', ')}`)
      const [rows, ...rest] = shape
      const { data } = rowsOf(`setWeights: ${name}`, given, { name, shape: rest, dtype: 'float32', rows })
      return [name, isFloat32(data) ? data : new Float32Array(data)] as const
    })
    for (const [name, data] of checked) session.writeWeight(name, data)
  }

  /** The optimizer's rate before its schedule; setting it acts from the next step on. */
  get learningRate(): number {
    return this.session.learningRate
  }

  set learningRate(rate: number) {
    this.session.learningRate = must(NON_NEGATIVE, rate, 'learningRate')
  }

  /**
   * The file again, with the weights and the optimizer's state of now: `open` and `load` take it, and training resumed from it
   * gives the same bits. Without `includeOptimizer` (default true) the optimizer starts anew.
   */
  save(options: { readonly includeOptimizer?: boolean } = {}): Uint8Array<ArrayBuffer> {
    const { includeOptimizer } = withDefaults('save', options, { includeOptimizer: true })
    const { session, opened } = this
    if (this.failure) fail(this.failure)
    const metadata: Record<string, string> = { ...opened.metadata }
    delete metadata.optimizerState
    const tensors = new Map(opened.tensors)
    for (const spec of session.weights) tensors.set(spec.name, session.readWeight(spec))
    if (session.updating && includeOptimizer) metadata.optimizerState = saveState(session, tensors)
    return encodeSafetensors(tensors, metadata)
  }

  /** Gives the memory back now; the trainer can't be used any more. Without it, dropping the trainer does. */
  dispose(): void {
    this.session.dispose()
  }

  /** `using trainer = open(...)` disposes at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose()
  }
}
