// Saves the model while it trains, to a file (whole or not at all) or through a function of the caller.
import type { Callback, FitParams } from '../model/model.ts'
import { BOOLEAN, check, fail, POSITIVE_INTEGER, readOptions, show } from '../numerics/errors.ts'
import type { Logs } from '../session/logs.ts'
import { fileWriter } from './files.ts'
import { Monitor, type MonitorOptions, monitorReaders } from './monitor.ts'

/** The epoch and logs that `modelCheckpoint` passes with the bytes. */
export interface CheckpointInfo {
  /** Number of the epoch, from 0. */
  readonly epoch: number
  readonly logs: Logs
}

/** Options of `modelCheckpoint`. */
export interface ModelCheckpointOptions extends MonitorOptions {
  /**
   * Path of a file to write; `{epoch}` in it becomes the epoch's number from 1, so that every epoch has a file of its own. A
   * reader sees the old file or the new one, never a part: it is written beside, as `.lanegrad-<random>.tmp`, and renamed
   * (a killed process leaves that one). Mode and owner stay. Links are followed and stay.
   */
  readonly path?: string
  /** A function that takes the bytes, in place of `path`, for runtimes without files. */
  readonly save?: (bytes: Uint8Array<ArrayBuffer>, info: CheckpointInfo) => void | Promise<void>
  /** Whether only epochs are saved whose `monitor` is the best so far. Default false. */
  readonly saveBestOnly?: boolean
  /** Number of epochs from one save to the next. Default 1. */
  readonly every?: number
  /** Whether the optimizer's state is saved, so that training resumes from the file bit for bit. Default true. */
  readonly includeOptimizer?: boolean
}

/**
 * Saves the model after every epoch, or every `every`-th. A file that can't be written is reported before training starts; a
 * save that fails later leaves the file as it was and ends `fit` with an error, while the model keeps what it has learnt.
 * @throws LanegradError on bad options, or unless exactly one of `path` and `save` is given
 * @example
 * ```js
 * import { dense, load, sequential } from 'lanegrad'
 * import { modelCheckpoint } from 'lanegrad/node'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
 * model.compile({ optimizer: 'adam', loss: 'meanSquaredError' })
 * let best = model.save()
 * const callbacks = [modelCheckpoint({ monitor: 'loss', saveBestOnly: true, save: (bytes) => void (best = bytes) })]
 * await model.fit([[1], [2]], [1, 2], { epochs: 3, callbacks })
 * console.log(load(best).layers.length) // 1
 * ```
 */
export function modelCheckpoint(options: ModelCheckpointOptions): Callback {
  const where = 'modelCheckpoint'
  const read = readOptions(
    where,
    options,
    {
      ...monitorReaders(),
      saveBestOnly: [BOOLEAN, false],
      every: [POSITIVE_INTEGER, 1],
      includeOptimizer: [BOOLEAN, true],
    },
    ['path', 'save'],
  )
  const { every, includeOptimizer } = read
  const { path, save } = options
  if (path !== undefined) check(typeof path === 'string', `${where}: path`, 'a file path', path)
  const [unknown] = /\{(?!epoch\})[^}]*\}?/.exec(path ?? '') ?? []
  if (unknown) fail(`${where}: path may hold {epoch} only; got ${show(unknown)}`)
  const writer = fileWriter(where, 'save', path, save)
  const monitor = read.saveBestOnly ? new Monitor(where, read) : null
  const pathOf = (epoch: number) => (path ?? '').replaceAll('{epoch}', String(epoch + 1))
  let run: FitParams | null = null
  return {
    async onTrainBegin(params) {
      run = params
      monitor?.begin(params)
      if (path !== undefined) await writer.probe(pathOf(0))
    },
    async onEpochEnd(epoch, logs) {
      const value = monitor?.read(epoch, logs)
      if (!run || (epoch + 1) % every !== 0) return
      if (monitor && (value === null || value === undefined || !monitor.improves(value))) return
      const bytes = run.model.save({ includeOptimizer })
      await (save ? save(bytes, { epoch, logs }) : writer.replace(pathOf(epoch), bytes))
    },
    onTrainEnd: () => writer.close(),
  }
}
