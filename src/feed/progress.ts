// How far a call over many batches is, told while it runs. Enters: the option `verbose`. Leaves: an object that is told; for 1
// one that prints lines on the console: at the end of every epoch, and 1, 2, 4, 8 ... seconds after its begin.

import { check, isFunction } from '../numerics/errors.ts'
import { now, print } from '../numerics/host.ts'
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

/** 1: lines on the console. */
export type Verbose = 0 | 1 | Progress

/** The object to tell; null: nothing is shown. @throws LanegradError */
export function readVerbose(verbose: Verbose, what: string): Progress | null {
  check(verbose === 0 || verbose === 1 || isFunction(Object(verbose).show), what, '0 or 1', verbose)
  if (verbose !== 1) return verbose || null
  let startMs = now()
  let waitMs = 1000
  return {
    show(what, done, total, logs, isEnd) {
      const ms = now() - startMs
      if (!isEnd && ms < waitMs) return
      let line = isEnd ? what : `${what} - ${done}/${total}`
      line += ` - ${(ms / 1000).toFixed(1)} s`
      for (const key in logs) line += ` - ${key}: ${logs[key].toPrecision(4)}`
      print('log', line)
      if (isEnd) startMs += ms
      waitMs = isEnd ? 1000 : 2 * ms
    },
  }
}
