// Writes the logs of every epoch as lines of CSV, to a file or through a function of the caller.
import type { Callback } from '../model/model.ts'
import { check, checkOptions, fail, show } from '../numerics/errors.ts'
import { warnOnce } from '../numerics/host.ts'
import { fileWriter } from './files.ts'

/** Options of `csvLogger`. */
export interface CsvLoggerOptions {
  /**
   * Path of a file to write, whose folder is made if needed. Links are followed. A device or a pipe gets the lines as they come
   * (a pipe needs a reader when `fit` begins).
   */
  readonly path?: string
  /** A function that takes each line with its line end, in place of `path`, for runtimes without files. */
  readonly write?: (line: string) => void | Promise<void>
  /** Separator of the numbers. Default ','. */
  readonly separator?: string
  /**
   * Whether an existing file is continued, without a second head. If its last line is cut off (by a full disk), a new line
   * begins, with a warning. Default false: the file starts anew.
   */
  readonly append?: boolean
}

/**
 * Logs one line of CSV for each epoch: its number from 0, then the logs in the order of their names, NA for a missing one. The
 * head has the names of the logs of the first epoch. A file that can't be written is reported before training starts.
 * @throws LanegradError on bad options, or unless exactly one of `path` and `write` is given; in `fit`, if the file can't be
 * written or, with `append`, has another head
 * @example
 * ```js
 * import { dense, sequential, sgd } from 'lanegrad'
 * import { csvLogger } from 'lanegrad/node'
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
  const known = ['path', 'write', 'separator', 'append']
  const { path, write, separator = ',', append = false } = checkOptions(where, options, known)
  check(
    typeof separator === 'string' && separator !== '',
    `${where}: separator`,
    'a non-empty string',
    separator,
  )
  const writer = fileWriter(where, 'write', path, write)
  let names: readonly string[] | null = null
  let found: Uint8Array = new Uint8Array(0)
  const lineOf = (cells: readonly (string | number)[]) => `${cells.join(separator)}\n`
  return {
    async onTrainBegin() {
      names = null
      if (path !== undefined) found = await writer.probe(path, append)
    },
    async onEpochEnd(epoch, logs) {
      const put = write ?? ((text: string) => writer.append(path ?? '', text))
      if (!names) {
        names = Object.keys(logs).sort()
        const head = lineOf(['epoch', ...names])
        if (found.length > 0) {
          const [first] = new TextDecoder()
            .decode(found.subarray(0, found.indexOf(10) + 1 || undefined))
            .split(/\r?\n/)
          if (first !== head.slice(0, -1))
            fail(`${where}: ${path} must begin with ${show(head)}; got ${show(first)}`)
          if (found.at(-1) !== 10) {
            warnOnce(`${where}: the last line of ${path} is cut off; a new line begins`)
            await put('\n')
          }
        } else if (!append) {
          await (write ? put(head) : writer.replace(path ?? '', head)) // only now an older file is replaced
        } else if (!write) await put(head)
      }
      await put(lineOf([epoch, ...names.map((name) => logs[name] ?? 'NA')]))
    },
    onTrainEnd: () => writer.close(),
  }
}
