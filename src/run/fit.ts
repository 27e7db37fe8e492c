// The training loop over a frozen trainer, for programs that name it.

import type { Callback } from '../feed/callbacks.ts'
import { fitAll } from '../feed/fit.ts'
import { readHeldOut } from '../feed/given.ts'
import { OPTIONS } from '../feed/options.ts'
import type { Verbose } from '../feed/progress.ts'
import { readRows, splitValidation } from '../feed/reading.ts'
import { rowsSource } from '../feed/source.ts'
import { BOOLEAN, check, fail, POSITIVE_INTEGER, reading, readOptions } from '../numerics/errors.ts'
import type { Data, Dataset } from '../rows/rows.ts'
import { turns } from '../rows/turns.ts'
import type { History, WithLoss } from '../session/logs.ts'
import { checkFilled, checkTrainer, type Trainer, weighted } from './trainer.ts'

/** Options of `fit`. */
export interface TrainerFitOptions {
  /** Passes over the data; with `initialEpoch`, the number of the last one. Default 1. */
  readonly epochs?: number
  /** Where counting starts: training goes on to `epochs`. Default 0. */
  readonly initialEpoch?: number
  /** Rows of a training step, a size that was frozen for training. Default: the largest. */
  readonly batchSize?: number
  /**
   * Leaves out, in every epoch, the rows that fill no batch of a frozen size (others in each, where rows are shuffled).
   * Default false: such rows are an error.
   */
  readonly dropRemainder?: boolean
  /** A new order of the rows in every epoch, given by the model's seed. Default true. */
  readonly shuffle?: boolean
  /** Share of the rows, the last ones, kept for validation. Default 0. */
  readonly validationSplit?: number
  /** Data to evaluate after every epoch, in batches of the sizes frozen for that; logs then have `val_loss` and so on. */
  readonly validationData?: readonly [x: Data, y: Data, sampleWeight?: Data] | Dataset
  /** Epochs from one validation to the next. Default 1. */
  readonly validationFreq?: number
  /** Weights of rows or positions, as `trainStep` takes them. Default: 1 each. */
  readonly sampleWeight?: Data
  /** Take NaN in the data as it is. Default false: it is an error. */
  readonly allowNaN?: boolean
  /** As `Model.fit` takes it. Default 0. */
  readonly verbose?: Verbose
  /** Objects of hooks, as `Model.fit` takes them; `params.model` is the trainer. */
  readonly callbacks?: Callback<Trainer> | Callback<never> | readonly (Callback<Trainer> | Callback<never>)[]
  /** Stops training within one step; `fit` then resolves with the epochs that were whole. */
  readonly signal?: AbortSignal | null
}

/**
 * Trains for `epochs` passes over x and y, as `Model.fit` does: the same order of rows, the same bits. Async: the event loop gets
 * a turn every few milliseconds.
 * @returns one number per epoch for each log: `history.loss`, `history.val_loss` ...
 * @throws LanegradError before anything is trained, if the data doesn't fit or rows fill no batch
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { freeze } from 'lanegrad/freeze'
 * import { fit, open } from 'lanegrad/run'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
 * model.compile({ optimizer: 'sgd', loss: 'mse' })
 * const trainer = open(freeze(model, { train: [2] }))
 * const history = await fit(trainer, [[1], [2], [3], [4]], [3, 5, 7, 9], { epochs: 3 })
 * console.log(history.loss.length) // 3
 * ```
 */
export async function fit(
  trainer: Trainer,
  x: Data,
  y: Data,
  options: TrainerFitOptions = {},
): Promise<WithLoss<History>> {
  const what = 'fit'
  const { session } = checkTrainer(what, trainer)
  trainer.updating
  const { stepsPerEpoch, validationBatchSize, validationSteps, classWeight, batchSize, ...readers } =
    OPTIONS.fit
  const all = session.sizes('train')
  const read = readOptions(what, options, {
    ...readers,
    batchSize: [POSITIVE_INTEGER, all[0] ?? 1],
    dropRemainder: [BOOLEAN, false],
  })
  const { sampleWeight, validationSplit, shuffle, dropRemainder: isRestDropped, allowNaN } = read
  const where = 'fit: validationData'
  const held = reading(where, () => readHeldOut(session.feeds, read.validationData))
  if (held && validationSplit) fail('fit: give validationSplit or validationData, not both')
  check(held?.kind !== 'batches', where, '[x, y] or { x, y }', read.validationData)
  const sizes = all.filter((size) => size <= read.batchSize)
  const isFrozen = all.length === 0 || sizes.includes(read.batchSize)
  check(isFrozen, 'fit: batchSize', `one frozen for training: ${all.join(', ')}`, read.batchSize)
  return trainer.exclusively(async () => {
    const rowsOf = async (what: string, data: Dataset) =>
      readRows(session.feeds, data, { what, allowNaN, turn: turns() })
    const [batch, split] = splitValidation(
      await rowsOf(what, { x, y, weights: sampleWeight }),
      validationSplit,
    )
    const isNone = batch.rows < (sizes.at(-1) ?? Infinity)
    if (isNone || !isRestDropped)
      checkFilled(what, 'train', batch.rows, sizes, isNone ? 'more rows' : 'dropRemainder: true')
    const own = weighted(trainer, 'train', what, batch)
    const train = rowsSource(session, own, sizes, { shuffle, isRestDropped })
    const rest = held ? await rowsOf(where, held.data) : split
    const evaluated = session.sizes('evaluate')
    if (rest) checkFilled(where, 'evaluate', rest.rows, evaluated)
    const validation = rest && rowsSource(session, weighted(trainer, 'evaluate', where, rest), evaluated, {})
    const callbacks: readonly Callback<Trainer>[] = read.callbacks
    const plan = { ...read, callbacks, train, validation, model: trainer }
    return (await fitAll(session, plan)) as WithLoss<History>
  })
}
