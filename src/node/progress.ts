// Shows in a terminal how far `fit`, `evaluate` and `predict` are. Enters: what `verbose` tells. Leaves: text on a stream. In a terminal
// one line is rewritten, ten times a second at most, never wider than the window; elsewhere (a pipe, a file) a line comes after
// 1, 2, 4, 8 ... seconds. Each epoch, evaluation and prediction leaves a lasting line.
import { logTexts, Pace, type ProgressCallback, progressCallback, timeText } from '../callbacks/pace.ts'
import { check, isFunction, isObject, readOptions } from '../numerics/errors.ts'
import { builtin, now, print } from '../numerics/host.ts'
import type { Logs } from '../session/logs.ts'

/** What `progress` writes to: a stream of Node, or anything with its method `write`. */
export interface ProgressStream {
  /** Takes the next piece of text. */
  write(text: string): unknown
  /** Whether it is a terminal, whose line can be rewritten. */
  readonly isTTY?: boolean | undefined
  /** Width of the terminal in characters. */
  readonly columns?: number | undefined
}

/** Options of `progress`. */
export interface ProgressOptions {
  /** Default: process.stdout; where there is none, the console. */
  readonly stream?: ProgressStream
}

interface Process {
  readonly stdout?: ProgressStream
  readonly env?: Readonly<Record<string, string | undefined>>
}

const EVERY_MS = 100
const FIRST_LINE_MS = 1000
const BAR = { least: 5, most: 30 }
const DIM = ['\x1b[2m', '\x1b[0m'] as const
const FULL = ['\x1b[36m', '\x1b[0m'] as const
const ERASE = '\r\x1b[K'

/** Parts of a line as far as they fit, each behind two blanks. */
function fitting(first: string, parts: readonly string[], width: number): string {
  let line = first
  for (const part of parts) {
    if (line.length + 2 + part.length > width) break
    line += `  ${part}`
  }
  return line
}

/**
 * Shows how far a call is: a bar, the time left, the loss and the metrics so far, in one line of the terminal that is rewritten. Without
 * a terminal it prints plain lines that become rarer. It is a value for `verbose` of `fit`, `evaluate` and `predict`, whose model may be in
 * a worker; in `fit` it may stand among the callbacks instead. Colors are left out where the variable NO_COLOR is set.
 * @throws LanegradError on bad options
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { progress } from 'lanegrad/node'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
 * model.compile({ optimizer: 'adam', loss: 'meanSquaredError' })
 * const lines = []
 * const stream = { write: (text) => lines.push(text) } // default: process.stdout
 * await model.fit([[1], [2]], [1, 2], { epochs: 3, verbose: progress({ stream }) })
 * console.log(lines.length) // 3
 * ```
 */
export function progress(options: ProgressOptions = {}): ProgressCallback {
  const where = 'progress'
  const { stream: given } = readOptions(where, options, {
    stream: [
      (value: ProgressStream | null, what: string) => {
        const holds = value === null || (isObject(value) && isFunction(value.write))
        check(holds, what, 'a stream, such as process.stdout', value)
        return value
      },
      null,
    ],
  })
  const { stdout, env = {} } = builtin<Process>('node:process') ?? {}
  const stream: ProgressStream = given ?? stdout ?? { write: (text) => print('log', text.trimEnd()) }
  const isLive = stream.isTTY === true && env.TERM !== 'dumb'
  const hasColors = isLive && !env.NO_COLOR
  const painted = ([on, off]: readonly [string, string], text: string) =>
    hasColors && text ? on + text + off : text
  const pace = new Pace(now)
  let isDrawn = false
  let dueMs = 0

  const live = (what: string, done: number, total: number, leftMs: number | null, logs: Logs) => {
    const width = (stream.columns || 80) - 1 // some terminals wrap once the last column is written
    const texts = done > 0 ? logTexts(logs) : []
    if (total === 0) return fitting(what, [`${done} batches`, ...texts], width).slice(0, width)
    const share = `${Math.floor((100 * done) / total)} %`.padStart(5)
    const left = leftMs === null ? '' : ` ${timeText(leftMs)} left`
    const rest = fitting(`${share}${left}`, texts, width - what.length - 2 - BAR.least)
    const size = Math.min(BAR.most, width - what.length - 2 - rest.length)
    if (size < BAR.least) return `${what} ${rest}`.slice(0, width)
    const full = Math.round((size * done) / total)
    return `${what} ${painted(FULL, '━'.repeat(full))}${painted(DIM, '─'.repeat(size - full))} ${rest}`
  }

  return progressCallback((what, done, total, logs, isEnd) => {
    if (isEnd) {
      const ms = pace.end(what)
      const time = ms > 0 ? [timeText(ms)] : []
      stream.write(`${isDrawn ? ERASE : ''}${[what, ...time, ...logTexts(logs)].join('  ')}\n`)
      isDrawn = false
      dueMs = 0
      return
    }
    const { ms, leftMs } = pace.take(what, done, total)
    if (ms === 0) dueMs = isLive ? EVERY_MS : FIRST_LINE_MS
    if (ms < dueMs) return
    dueMs = isLive ? ms + EVERY_MS : 2 * ms
    if (isLive) {
      stream.write(ERASE + live(what, done, total, leftMs, logs))
      isDrawn = true
      return
    }
    const place = total > 0 ? `${done}/${total}` : `${done}`
    const left = leftMs === null ? [] : [`${timeText(leftMs)} left`]
    stream.write(`${[`${what} ${place}`, ...left, ...(done > 0 ? logTexts(logs) : [])].join('  ')}\n`)
  })
}
