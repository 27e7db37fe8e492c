// The logs of every epoch as lines of CSV: to a file, or through a function of the caller's.
import type { Callback } from '../model/callbacks.ts'
import { check, checkOptions } from '../numerics/errors.ts'
import { fileWriter } from './files.ts'

/** Options of `csvLogger`. */
export interface CsvLoggerOptions {
  /** A file to write. */
  readonly path?: string
  /** Takes each line instead, its line end included, for runtimes without files. */
  readonly write?: (line: string) => void | Promise<void>
  /** Between the numbers. Default ','. */
  readonly separator?: string
  /** Goes on in a file that is there, without a second head. Default false: starts it anew. */
  readonly append?: boolean
}

/**
 * One line per epoch: its number from 0, then the logs in the order of their names, NA where an epoch lacks one. The head
 * names those of the first epoch. A file that can't be written is reported before anything is trained.
 * @throws LanegradError on bad options, unless one of `path` and `write` is given; in `fit`, where the file can't be written
 * @example
 * ```js
 * import { csvLogger, dense, sequential, sgd } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1, kernelInitializer: 'zeros' })] })
 * model.compile({ optimizer: sgd({ learningRate: 0.5 }), loss: 'meanSquaredError' })
 * const lines = []
 * const callbacks = [csvLogger({ write: (line) => void lines.push(line) })] // or { path: 'logs/run.csv' }
 * await model.fit([[0]], [2], { epochs: 2, callbacks })
 * console.log(lines) // [ 'epoch,loss\n', '0,4\n', '1,0\n' ]
 * ```
 */
export function csvLogger(options: CsvLoggerOptions): Callback {
  const where = 'csvLogger'
  checkOptions(where, options, ['path', 'write', 'separator', 'append'])
  const { path, write, separator = ',', append = false } = options
  check(typeof separator === 'string' && separator !== '', `${where}: separator`, 'a text', separator)
  const writer = fileWriter(where, 'write', path, write)
  let names: readonly string[] | null = null
  let isHeaded = false
  const lineOf = (cells: readonly (string | number)[]) => `${cells.join(separator)}\n`
  return {
    async onTrainBegin() {
      names = null
      isHeaded = write !== undefined && append
      if (path === undefined) return
      const bytes = await writer.probe(path)
      isHeaded = append && bytes > 0
    },
    async onEpochEnd(epoch, logs) {
      names ??= Object.keys(logs).sort()
      if (!isHeaded) {
        const head = lineOf(['epoch', ...names])
        await (write ? write(head) : writer.replace(path ?? '', head)) // what was there before goes only now
      }
      isHeaded = true
      const line = lineOf([epoch, ...names.map((name) => logs[name] ?? 'NA')])
      await (write ? write(line) : writer.append(path ?? '', line))
    },
  }
}
