// What `fit` tells the outside, and how that steers it: hooks as a plain object.
import { check, isFunction, isRecord, unknownName } from '../numerics/errors.ts'
import type { Logs } from '../session/logs.ts'

/** A run of `fit`, as `onTrainBegin` gets it: keep it to act in later hooks. */
export interface FitParams<M> {
  readonly epochs: number
  /** Steps per epoch; 0 where an iterable doesn't tell. */
  readonly steps: number
  /** 0 for batches from an iterable. */
  readonly samples: number
  readonly batchSize: number
  /** Epochs from one validation to the next; 0 without validation. */
  readonly validationFreq: number
  readonly model: M
  /**
   * Ends training after this batch, or at once where the next is waited for (what is left of its epoch is skipped, its
   * validation and onEpochEnd aren't).
   */
  stop(reason?: string): void
  /** The optimizer's learning rate before its schedule. A new one acts from the next step on. */
  learningRate: number
}

/**
 * Every hook is optional; `fit` awaits what each returns. Epochs and batches count from 0. Logs of a batch are means (of
 * a loss with `reduction: 'sum'` the sum) over the epoch so far (metrics that aren't means come with the epoch's end), those of
 * a test have `val_` before their names.
 */
export interface Callback<M> {
  /** Before the first epoch. */
  onTrainBegin?(params: FitParams<M>): unknown
  /** Before the first batch of an epoch. */
  onEpochBegin?(epoch: number): unknown
  /** Before a training step. */
  onBatchBegin?(batch: number): unknown
  /** After a training step. */
  onBatchEnd?(batch: number, logs: Logs): unknown
  /** Before an epoch's validation. */
  onTestBegin?(): unknown
  /** After an epoch's validation. */
  onTestEnd?(logs: Logs): unknown
  /** After an epoch and its validation. */
  onEpochEnd?(epoch: number, logs: Logs): unknown
  /** `reason` says why training ended before its last epoch: what `stop` was given, 'aborted', or null. */
  onTrainEnd?(logs: Logs, reason: string | null): unknown
}

/** The hooks there are. */
export const HOOKS: readonly (keyof Callback<never>)[] = [
  'onTrainBegin',
  'onEpochBegin',
  'onBatchBegin',
  'onBatchEnd',
  'onTestBegin',
  'onTestEnd',
  'onEpochEnd',
  'onTrainEnd',
]

/**
 * One or several, as a list. @throws LanegradError on a callback that isn't an object, and on a hook that isn't a function or
 * doesn't exist.
 */
export function readCallbacks<M>(
  given: Callback<M> | readonly Callback<M>[],
  what: string,
): readonly Callback<M>[] {
  const callbacks: readonly Callback<M>[] = Array.isArray(given) ? given : [given]
  for (const callback of callbacks) {
    check(isRecord(callback), what, 'an object of hooks or a list of such objects', given)
    for (const hook of HOOKS) {
      const own: unknown = callback[hook] ?? null
      check(own === null || isFunction(own), `${what}: ${hook}`, 'a function', own)
    }
    for (const key of Object.keys(callback))
      if (/^on[A-Z]/.test(key) && !HOOKS.some((hook) => hook === key)) unknownName('hook', key, HOOKS)
  }
  return callbacks
}
