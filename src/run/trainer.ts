// What `open` gives: the methods of Model that need no planner, over the programs of a frozen file.

import { readingBatch, readingInputs } from '../feed/batch.ts'
import { sizesFor } from '../feed/source.ts'
import { encodeSafetensors } from '../formats/safetensors.ts'
import { check, fail, isFunction, isObject, must, NON_NEGATIVE, reading } from '../numerics/errors.ts'
import { finish } from '../numerics/pieces.ts'
import { type Shape, sameShape, shapeText } from '../numerics/shape.ts'
import { elementCount, type FloatArray } from '../numerics/tensor.ts'
import type { ArrayLikeData, Batch, Data, Rows } from '../rows/rows.ts'
import type { Slot } from '../runtime/program.ts'
import { isState } from '../session/layout.ts'
import type { Logs, WithLoss } from '../session/logs.ts'
import { numbersOf } from '../session/named.ts'
import type { Mode } from '../session/program.ts'
import type { Updating } from '../session/session.ts'
import { SLOT_PREFIX, saveState } from '../session/state.ts'
import { Tally } from '../session/tally.ts'
import { withDefaults } from './options.ts'
import type { Opened } from './read.ts'
import type { FrozenSession } from './session.ts'

/** Options of the methods that take one batch or more of rows with targets. */
export interface TrainerOptions {
  /**
   * One weight for each row of y where the file was frozen with `sampleWeight: true`, for each of its positions with
   * 'positions'. Default: 1 each. `sampleWeights` makes them of weights by class.
   */
  readonly sampleWeight?: Data
  /** Take NaN in the data as it is. Default false: it is an error. */
  readonly allowNaN?: boolean
}

const NO_OPTIONS: TrainerOptions = { sampleWeight: undefined, allowNaN: false }

export const ones = (rows: number, shape: Shape): Rows => ({
  data: new Float32Array(rows * elementCount(shape)).fill(1),
  rows,
  shape,
})

/** Sample weights as the programs of `mode` take them: where none are given, they are 1. */
export function weighted(trainer: Trainer, mode: Mode, what: string, batch: Batch): Batch {
  const taken = trainer.session.weightShapes(mode)
  const weights = batch.weights.map((own, i) => {
    const shape = taken[i] ?? null
    if (own && !(shape && sameShape(own.shape, shape)))
      fail(
        `${what}: sampleWeight: the file was frozen ${shape ? `for shape ${shapeText([batch.rows, ...shape])}` : 'without'}; ` +
          `freeze(model, { sampleWeight: ${own.shape.length > 0 ? "'positions'" : true} }) takes these`,
      )
    return own ?? (shape && ones(batch.rows, shape))
  })
  return { ...batch, weights }
}

/**
 * `instead`: what else the caller can pass.
 * @throws LanegradError where rows can't be cut into batches of these sizes, falling
 */
export function checkFilled(
  what: string,
  mode: Mode,
  rows: number,
  sizes: readonly number[],
  instead = 'fewer rows',
): void {
  const rest = sizes.reduce((left, size) => left % size, rows)
  if (rest === 0) return
  const why =
    sizes.length > 0 ? `in batches of ${sizes.join(' and ')} leave ${rest} over` : 'fill no frozen batch'
  const wanted = [...sizes, rest].join(', ')
  fail(`${what}: ${rows} rows ${why}: freeze(model, { ${mode}: [${wanted}] }), or pass ${instead}`)
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
  private readonly kept: FrozenSession
  private readonly opened: Opened
  private isFitting = false

  private constructor(session: FrozenSession, opened: Opened) {
    this.kept = session
    this.opened = opened
  }

  /** @internal */
  static of(session: FrozenSession, opened: Opened): Trainer {
    return new this(session, opened)
  }

  /** Throws after dispose and where it can't go on: every method goes through here. @internal */
  get session(): FrozenSession {
    this.kept.engine
    return this.kept
  }

  /** Work over many steps, of which there is one at a time. @internal */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    if (this.isFitting) fail('fit: this trainer is being fitted already; await the first call')
    this.isFitting = true
    try {
      return await work()
    } finally {
      this.isFitting = false
    }
  }

  /** How weights are updated, where the model was compiled. @internal */
  get updating(): Updating {
    return (
      this.session.updating ??
      fail("the model wasn't compiled when it was frozen: compile it, and freeze it again")
    )
  }

  /** Rows of every input and target. */
  private batchOf(mode: Mode, what: string, x: Data, y: Data, weights: Data | undefined): Batch {
    this.updating
    const { feeds } = this.session
    const read = () => finish(readingBatch(feeds, what, { x, y, weights }))
    return weighted(this, mode, what, reading(`${what}: its arguments`, read))
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
    session.feed(prepared, batch, null, 0, batch.rows, allowNaN)
    session.step(prepared)
    return session.readLogs(prepared)
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
    checkFilled(what, what, batch.rows, sizes)
    const tally = new Tally()
    for (let from = 0, to = 0; from < batch.rows; from = to) {
      to = from + (sizes.find((size) => size <= batch.rows - from) ?? 0)
      const prepared = session.prepareFor(what, batch, to - from)
      session.feed(prepared, batch, null, from, to, allowNaN)
      session.engine.forward()
      session.tally(prepared, tally)
    }
    return tally.logs() as WithLoss<Logs>
  }

  /**
   * The outputs for any number of rows, as copies, in the form the model's outputs were given. Rows that fill no batch run
   * in a larger one, which changes no bit of their outputs.
   * @throws LanegradError on data that doesn't fit or holds NaN, or a file frozen without `predict`
   */
  predict(
    x: Data,
    options: { readonly allowNaN?: boolean } = {},
  ): FloatArray | FloatArray[] | Record<string, FloatArray> {
    const what = 'predict'
    const { allowNaN } = withDefaults(what, options, { allowNaN: false })
    const { session } = this
    const { outputs, outputStructure } = session.feeds
    const batch = { ...finish(readingInputs(session.feeds, what, x)), y: [], weights: [] }
    const { rows } = batch
    const sizes = sizesFor(session, rows, session.sizes(what))
    const results = outputs.map((): FloatArray => ({ shape: [], data: new Float32Array(0) }))
    for (let from = 0, to = 0; from < rows; from = to) {
      const left = rows - from
      const size = left >= sizes[0] ? sizes[0] : (sizes.findLast((own) => own >= left) ?? left)
      to = Math.min(rows, from + size)
      const prepared = session.prepareFor(what, batch, size)
      // what is over is padded with its last row
      const order =
        to < from + size ? Uint32Array.from({ length: size }, (_, i) => Math.min(from + i, rows - 1)) : null
      session.feed(prepared, batch, order, order ? 0 : from, order ? size : to, allowNaN)
      session.engine.forward()
      outputs.forEach((name, i) => {
        const { address, count, shape, dtype } = prepared.code.results.get(name) as Slot
        const width = count / size
        if (from === 0)
          results[i] = { shape: [rows, ...shape.slice(1)], data: new Float32Array(rows * width) }
        results[i].data.set(session.engine.view(address, (to - from) * width, dtype), from * width)
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
  }

  /** Every weight by name (`layer/weight`), as copies. */
  getWeights(): Record<string, FloatArray> {
    const { session } = this
    return Object.fromEntries(this.own.map((spec) => [spec.name, session.readWeight(spec)]))
  }

  /** The weights, without the states that layers keep. */
  private get own() {
    return this.session.weights.filter((spec) => !isState(spec))
  }

  /** Sets the states that layers with `stateful: true` keep to 0: what comes next is the beginning of other sequences. */
  resetStates(): void {
    this.session.resetStates()
  }

  /**
   * Sets the weights named; the others stay. Nothing changes unless all fit.
   * @throws LanegradError on a name that isn't known, with those that are, or a shape that doesn't fit
   */
  setWeights(weights: Readonly<Record<string, ArrayLikeData>>): void {
    const { session } = this
    check(isObject(weights), 'setWeights: weights', 'an object of arrays by name', weights)
    const known = new Map(this.own.map((spec) => [spec.name, spec]))
    const checked = reading('setWeights: weights', () => Object.entries(weights)).map(([name, given]) => {
      const { shape } =
        known.get(name) ?? fail(`setWeights: unknown weight ${name}. Known: ${[...known.keys()].join(', ')}`)
      return [name, numbersOf('setWeights', name, shape, given)] as const
    })
    for (const [name, data] of checked) session.writeWeight(name, data)
  }

  /** The optimizer's rate before its schedule; setting it acts from the next step on. */
  get learningRate(): number {
    return this.updating && this.session.learningRate
  }

  set learningRate(rate: number) {
    this.session.learningRate = this.updating && must(NON_NEGATIVE, rate, 'learningRate')
  }

  /**
   * The file again, with the weights and the optimizer's state of now: `open` and `load` take it, and training resumed from it
   * gives the same bits. Without `includeOptimizer` (default true) the optimizer starts anew.
   */
  save(options: { readonly includeOptimizer?: boolean } = {}): Uint8Array<ArrayBuffer> {
    const { includeOptimizer } = withDefaults('save', options, { includeOptimizer: true })
    const { session, opened } = this
    const { optimizerState, ...kept } = opened.metadata
    const metadata: Record<string, string> = kept
    const tensors = new Map([...opened.tensors].filter(([name]) => !name.startsWith(SLOT_PREFIX)))
    for (const spec of session.weights) tensors.set(spec.name, session.readWeight(spec))
    if (session.updating && includeOptimizer) metadata.optimizerState = saveState(session, tensors)
    return encodeSafetensors(tensors, metadata)
  }

  /** Gives the memory back now; the trainer can't be used any more. Without it, dropping the trainer does. */
  dispose(): void {
    this.kept.dispose()
  }

  /** `using trainer = open(...)` disposes at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose()
  }
}

/** What `open` gave, not disposed. @throws LanegradError */
export function checkTrainer(what: string, given: Trainer): Trainer {
  const isTrainer = reading(`${what}: trainer`, () => isObject(given) && isFunction(given.exclusively))
  check(isTrainer, `${what}: trainer`, 'what open gave', given)
  given.session
  return given
}
