// How far a call over many batches is, told while it runs. Enters: the option `verbose`. Leaves: an object that is told; for 1
// one that prints a line on the console at the end of every epoch. Before that, a terminal shows one line that is rewritten ten
// times a second; elsewhere lines come 1, 2, 4, 8 ... seconds after the epoch's begin.

import { check, isFunction } from '../numerics/errors.ts'
import { now, print, terminal } from '../numerics/host.ts'
import type { Logs } from '../session/logs.ts'

/** A value for `verbose`: what `progress()` returns. */
export interface Progress {
  /**
   * Is called before every batch and, with `isEnd`, at the end of every epoch (after its validation), evaluation and prediction,
   * and where training is stopped. `what` is "epoch 2/5", "evaluate", "predict" or the reason of the stop. `done` of `total`
   * batches have run (rows in `predict`); `total` 0: it isn't known. `logs` are those so far (before the first batch NaN): in a
   * validation they have `val_` before their names, in `predict` there are none.
   */
  show(what: string, done: number, total: number, logs: Logs, isEnd?: boolean): void
}

/** 1: a line that a terminal rewrites; where there is none, lines on the console. */
export type Verbose = 0 | 1 | Progress

/** The object to tell; null: nothing is shown. @throws LanegradError */
export function readVerbose(verbose: Verbose, what: string): Progress | null {
  check(verbose === 0 || verbose === 1 || isFunction(Object(verbose).show), what, '0 or 1', verbose)
  if (verbose !== 1) return verbose || null
  const live = terminal()
  const firstMs = live ? 100 : 1000
  let startMs = now()
  let waitMs = firstMs
  return {
    show(what, done, total, logs, isEnd) {
      const ms = now() - startMs
      if (!isEnd && ms < waitMs) return
      let line = live ? '\r' : ''
      line += what
      if (!isEnd) line += ` - ${done}/${total || '?'}`
      line += ` - ${(ms / 1000).toFixed(1)} s`
      if (isEnd || done) for (const key in logs) line += ` - ${key}: ${logs[key].toPrecision(4)}`
      const width = live ? live.columns || 80 : 0 // with the \r: one column stays free, since some terminals wrap
      const text = line.padEnd(width) // over the line before, without an escape sequence
      if (live && !isEnd) live.write(text.slice(0, width))
      else print('log', text)
      waitMs = isEnd ? firstMs : ms + (live ? firstMs : ms)
      if (isEnd) startMs += ms
    },
  }
}
