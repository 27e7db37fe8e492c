// How far a call is, ready to be shown: for displays that are told by `verbose` or, in `fit`, by its hooks. Enters: what `show` is
// told. Leaves: shares, times and texts.
import type { Progress } from '../feed/progress.ts'
import type { Callback } from '../model/model.ts'
import type { Logs } from '../session/logs.ts'

/** A value for `verbose` of `fit`, `evaluate` and `predict`; it serves among the callbacks of `fit` as well. */
export type ProgressCallback = Progress & Callback

/** An object with `show`, whose hooks call it as well. */
export function progressCallback(show: Progress['show']): ProgressCallback {
  let epochs = 0
  let steps = 0
  let title = ''
  return {
    show,
    onTrainBegin(params) {
      epochs = params.epochs
      steps = params.steps
    },
    onEpochBegin(epoch) {
      title = `epoch ${epoch + 1}/${epochs}`
      show(title, 0, steps, {})
    },
    onBatchEnd: (batch, logs) => show(title, batch + 1, steps, logs),
    onEpochEnd: (_, logs) => show(title, 0, 0, logs, true),
    onTrainEnd(_, reason) {
      if (reason) show(reason, 0, 0, {}, true)
    },
  }
}

/** Time since the begin of an epoch or of another call, and the time left of its pass. */
export class Pace {
  private title = ''
  private startMs = 0
  private passMs = 0
  private done = Infinity

  /** `now`: milliseconds. */
  constructor(private readonly now: () => number) {}

  /** Milliseconds since the begin; `leftMs` null: it can't be told yet, or at all. */
  take(what: string, done: number, total: number): { readonly ms: number; readonly leftMs: number | null } {
    const nowMs = this.now()
    if (done < this.done) this.passMs = nowMs
    if (what !== this.title) this.startMs = this.passMs = nowMs
    this.title = what
    this.done = done
    const passMs = nowMs - this.passMs
    return {
      ms: nowMs - this.startMs,
      leftMs: done > 0 && total > 0 ? (passMs / done) * (total - done) : null,
    }
  }

  /** Milliseconds since the begin of what ends with this. */
  end(what: string): number {
    const ms = what === this.title ? this.now() - this.startMs : 0
    this.title = ''
    this.done = Infinity
    return ms
  }
}

/** 0.4 s, 12 s, 2:05 min, 1:02:05 h */
export function timeText(ms: number): string {
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const two = (value: number) => String(value).padStart(2, '0')
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}:${two(seconds % 60)} min`
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)} h`
}

/** `loss 0.1234`, `val_accuracy 0.9876` ... */
export const logTexts = (logs: Logs): string[] =>
  Object.entries(logs).map(([name, value]) => `${name} ${value.toPrecision(4)}`)
