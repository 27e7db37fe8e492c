// Writes the logs of `fit` for TensorBoard: event files, in the folders and under the names that Keras's callback uses.
import { fileWriter } from '../callbacks/files.ts'
import type { Callback, FitParams } from '../model/model.ts'
import { check, NATURAL, oneOf, POSITIVE_INTEGER, readOptions } from '../numerics/errors.ts'
import { builtin, now } from '../numerics/host.ts'
import type { Logs } from '../session/logs.ts'
import { fileStart, joined, type Summary, summaries } from './event-file.ts'

/** Options of `tensorBoard`. */
export interface TensorBoardOptions {
  /** The folder, for `tensorboard --logdir`; it is made if needed. A run adds files and changes none. */
  readonly logDir: string
  /**
   * 'epoch': the logs of each epoch, at its number. 'batch': beside them those of every batch (means over its epoch so far), as
   * `batch_loss` and so on, at the number of the step. A number: those of every so many batches. Default 'epoch'.
   */
  readonly updateFreq?: 'epoch' | 'batch' | number
  /** Number of epochs from one histogram of every weight to the next; 0: none. Default 0. */
  readonly histogramFreq?: number
}

const FREQUENCY = oneOf('epoch', 'batch')

function readFrequency(value: 'epoch' | 'batch' | number, what: string): number {
  const isNumber = POSITIVE_INTEGER.holds(value)
  check(isNumber || FREQUENCY.holds(value), what, `${FREQUENCY.expected}, or a number of batches`, value)
  if (isNumber) return value
  return value === 'batch' ? 1 : Infinity
}

/** The logs of batches are written together, this often, in ms. */
const FLUSH_MS = 1000

/**
 * Writes logs to event files that `tensorboard --logdir <logDir>` shows while training goes on: `train/` has the logs of training as
 * `epoch_loss` and so on, and the learning rate, `validation/` those of validation under the same names. The files are written
 * at the end of every epoch (the logs of batches every second), so that a killed run leaves what it has logged.
 * @throws LanegradError on bad options; in `fit`, before training starts, if the files can't be written
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { tensorBoard } from 'lanegrad/node'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
 * model.compile({ optimizer: 'adam', loss: 'meanSquaredError' })
 * const callbacks = [tensorBoard({ logDir: 'build/example-logs', histogramFreq: 1 })]
 * const history = await model.fit([[1], [2]], [1, 2], { epochs: 3, callbacks })
 * console.log(history.loss.length) // 3
 * ```
 */
export function tensorBoard(options: TensorBoardOptions): Callback {
  const where = 'tensorBoard'
  const readers = { updateFreq: [readFrequency, 'epoch'], histogramFreq: [NATURAL, 0] } as const
  const { updateFreq: every, histogramFreq } = readOptions(where, options, readers, ['logDir'])
  const { logDir } = options
  check(typeof logDir === 'string' && logDir !== '', `${where}: logDir`, 'the path of a folder', logDir)
  let run: FitParams | null = null
  let step = 0
  let train = new EventFile(where, `${logDir}/train`)
  let validation = new EventFile(where, `${logDir}/validation`)
  return {
    async onTrainBegin(params) {
      run = params
      step = 0
      train = new EventFile(where, `${logDir}/train`)
      validation = new EventFile(where, `${logDir}/validation`)
      await train.flush()
    },
    onEpochBegin(epoch) {
      if (run && run.steps > 0) step = epoch * run.steps
    },
    async onBatchEnd(_, logs) {
      if (++step % every !== 0) return
      train.add(step, scalars('batch_', logs))
      if (train.isDue) await train.flush()
    },
    async onEpochEnd(epoch, logs) {
      const own = Object.entries(logs).filter(([name]) => !name.startsWith('val_'))
      const held = Object.entries(logs).filter(([name]) => name.startsWith('val_'))
      const list = scalars('epoch_', Object.fromEntries(own))
      if (run) list.push({ tag: 'epoch_learning_rate', value: run.learningRate })
      if (run && histogramFreq > 0 && (epoch + 1) % histogramFreq === 0)
        for (const [tag, { data }] of Object.entries(run.model.getWeights())) list.push({ tag, values: data })
      train.add(epoch, list)
      await train.flush()
      if (held.length === 0) return
      validation.add(
        epoch,
        scalars(
          'epoch_',
          Object.fromEntries(held.map(([name, value]) => [name.slice('val_'.length), value])),
        ),
      )
      await validation.flush()
    },
    onTrainEnd: () => train.flush(), // batches of an epoch that was stopped
  }
}

const scalars = (prefix: string, logs: Logs): Summary[] =>
  Object.entries(logs).map(([name, value]) => ({ tag: prefix + name, value }))

const seconds = () => Date.now() / 1000

/** One file of a run, made when it is flushed first. */
class EventFile {
  private readonly path: string
  private readonly writer: ReturnType<typeof fileWriter>
  private waiting = [fileStart(seconds())]
  private flushedMs = now()

  constructor(where: string, folder: string) {
    const os = builtin<{ hostname(): string }>('node:os')
    const crypto = builtin<{ randomUUID(): string }>('node:crypto')
    const name = `${Math.floor(seconds())}.${os?.hostname() ?? 'host'}.${crypto?.randomUUID() ?? 0}`
    this.path = `${folder}/events.out.tfevents.${name}`
    this.writer = fileWriter(where, 'write', this.path, undefined)
  }

  add(step: number, list: readonly Summary[]): void {
    this.waiting.push(summaries(seconds(), step, list))
  }

  get isDue(): boolean {
    return now() - this.flushedMs >= FLUSH_MS
  }

  /** Appends what waits, whole records. */
  async flush(): Promise<void> {
    const { waiting } = this
    this.waiting = []
    this.flushedMs = now()
    if (waiting.length > 0) await this.writer.append(this.path, joined(waiting))
  }
}
