// The training loop over a frozen trainer, for programs that name it.

import type { Callback } from '../feed/callbacks.ts'
import { fitAll } from '../feed/fit.ts'
import { OPTIONS } from '../feed/options.ts'
import { splitValidation } from '../feed/reading.ts'
import { rowsSource, type Source } from '../feed/source.ts'
import { BOOLEAN, check, fail, isObject, POSITIVE_INTEGER, reading, readOptions } from '../numerics/errors.ts'
import type { Batch, Data } from '../rows/rows.ts'
import type { History, WithLoss } from '../session/logs.ts'
import type { Mode } from '../session/program.ts'
import type { Trainer } from './trainer.ts'

/** Options of `fit`. */
export interface FitOptions {
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
  /** What to evaluate after every epoch, in batches of the sizes frozen for that; logs then have `val_loss` and so on. */
  readonly validationData?: readonly [x: Data, y: Data, sampleWeight?: Data]
  /** Epochs from one validation to the next. Default 1. */
  readonly validationFreq?: number
  /** One weight for each row of y, where the file was frozen with `sampleWeight: true`. Default: 1 each. */
  readonly sampleWeight?: Data
  /** Take NaN in the data as it is. Default false: it is an error. */
  readonly allowNaN?: boolean
  /** 1: one line per epoch on the console. Default 0. */
  readonly verbose?: 0 | 1
  /** Objects of hooks, as `Model.fit` takes them; `params.model` is the trainer. */
  readonly callbacks?: Callback<Trainer> | Callback<never> | readonly (Callback<Trainer> | Callback<never>)[]
  /** Stops training within one step; `fit` then resolves with the epochs that were whole. */
  readonly signal?: AbortSignal | null
}

/** Rows in batches of frozen sizes. @throws LanegradError where some rows fill none and aren't to be dropped */
function sourceOf(
  trainer: Trainer,
  mode: Mode,
  batch: Batch,
  sizes: readonly number[],
  { shuffle = false, isRestDropped = false },
): Source {
  const { session } = trainer
  const source = rowsSource(session, batch, sizes, { shuffle, isRestDropped, isChecked: false })
  const rest = sizes.reduce((left, size) => left % size, batch.rows)
  if (sizes.length === 0) fail(`fit: the file was frozen without ${mode}`)
  if (rest > 0 && !isRestDropped)
    fail(
      `fit: ${batch.rows} rows in batches of ${sizes.join(' and ')} leave ${rest} over: freeze ${mode}: [${rest}] as well, or pass ` +
        (mode === 'train' ? 'dropRemainder: true' : 'fewer rows'),
    )
  return source
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
  options: FitOptions = {},
): Promise<WithLoss<History>> {
  const what = 'fit'
  check(isObject(trainer) && isObject(trainer.session), 'fit: trainer', 'what open gave', trainer)
  const { stepsPerEpoch, validationBatchSize, validationSteps, classWeight, batchSize, ...readers } =
    OPTIONS.fit
  const sizes = trainer.session.sizes('train')
  const read = readOptions(what, options, {
    ...readers,
    batchSize: [POSITIVE_INTEGER, sizes[0]],
    dropRemainder: [BOOLEAN, false],
  })
  const { sampleWeight, validationSplit, validationData, shuffle, dropRemainder: isRestDropped } = read
  return trainer.exclusively(async () => {
    const [batch, split] = splitValidation(
      trainer.batchOf('train', what, x, y, sampleWeight),
      validationSplit,
    )
    const own = sizes.filter((size) => size <= read.batchSize)
    if (!own.includes(read.batchSize))
      fail(`fit: batchSize ${read.batchSize}: sizes frozen for training are ${sizes.join(', ')}`)
    const train = sourceOf(trainer, 'train', batch, own, { shuffle, isRestDropped })
    let validation: Source | null = null
    const evaluated = trainer.session.sizes('evaluate')
    if (validationData) {
      const given = reading('fit: validationData', () => Array.from(validationData as readonly Data[]))
      const [heldX, heldY, weights] = given
      validation = sourceOf(
        trainer,
        'evaluate',
        trainer.batchOf('evaluate', 'fit: validationData', heldX, heldY, weights),
        evaluated,
        {},
      )
    } else if (split) validation = sourceOf(trainer, 'evaluate', split, evaluated, {})
    const callbacks: readonly Callback<Trainer>[] = read.callbacks
    return (await fitAll(trainer.session, {
      ...read,
      callbacks,
      train,
      validation,
      model: trainer,
    })) as WithLoss<History>
  })
}
