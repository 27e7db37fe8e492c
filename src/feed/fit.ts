// Training and evaluation over many batches. Enters: a session with its training, sources of batches. Leaves: a
// history. Async: gives the event loop a turn at least every few milliseconds, and runs one step at a time.

import { feedPiece, type Source, through } from '../feed/source.ts'
import { Stop, type StopSignal } from '../rows/stop.ts'
import { type Turn, turns } from '../rows/turns.ts'
import type { History, Logs } from '../session/logs.ts'
import type { Session } from '../session/session.ts'
import { Tally } from '../session/tally.ts'
import { explain } from '../session/warnings.ts'
import type { Callback, FitParams } from './callbacks.ts'
import type { Progress } from './progress.ts'

interface RunOptions {
  readonly turn: Turn
  readonly verbose: Progress | null
  readonly signal: StopSignal | null
  readonly allowNaN: boolean
}

/** Loss and metrics over all rows, or null when aborted. `what` opens messages, `number` is the pass's from 1. */
export async function evaluateAll(
  session: Session,
  source: Source,
  {
    what,
    number,
    prefix,
    turn,
    verbose,
    title,
    signal,
    allowNaN,
  }: RunOptions & { what: string; title: string; number: number; prefix: string },
): Promise<Logs | null> {
  const tally = new Tally()
  return through(source.pass(what, number, turn, [signal]), async (pass) => {
    for (let done = 0; ; done++) {
      verbose?.show(title, done, source.steps, tally.logs(prefix, false))
      const next = pass.next()
      const piece = next && 'then' in next ? await next : next
      if (piece === null) return tally.logs(prefix)
      if (!piece || signal?.aborted) return null
      const count = piece.to - piece.from
      const prepared = session.prepareFor('evaluate', piece.batch, count)
      feedPiece(session, prepared, piece, allowNaN)
      session.engine.forward()
      explain(session, prepared, `in ${what}`)
      session.tally(prepared, tally)
      const pending = turn()
      if (pending) await pending
    }
  })
}

interface FitPlan<M> {
  readonly model: M
  readonly epochs: number
  readonly initialEpoch: number
  readonly train: Source
  readonly validation: Source | null
  /** Epochs from one validation to the next. */
  readonly validationFreq: number
  readonly verbose: Progress | null
  readonly callbacks: readonly Callback<M>[]
  readonly signal: AbortSignal | null
  readonly allowNaN: boolean
}

/** The training loop. Stops within one step when the signal aborts; the history then holds the whole epochs. */
export async function fitAll<M extends { learningRate: number }>(
  session: Session,
  plan: FitPlan<M>,
): Promise<History> {
  const { model, epochs, train, validation, validationFreq, verbose, callbacks, signal, allowNaN } = plan
  const { steps, samples, batchSize } = train
  const history: Record<string, number[]> = {}
  const turn = turns() // one for all epochs: many short ones must yield too
  const options = { turn, verbose, signal, allowNaN }
  let title = ''
  let last: Logs = {}
  let stopped: string | null = null
  const stopping = new Stop() // ends what waits for a batch to train on
  const params: FitParams<M> = {
    ...{ epochs, steps, samples, batchSize, validationFreq: validation ? validationFreq : 0, model },
    stop(reason = 'stopped by a callback') {
      stopped = reason
      stopping.abort()
    },
    get learningRate() {
      return model.learningRate
    },
    set learningRate(rate) {
      model.learningRate = rate
    },
  }

  /** One pass over the data; the logs of the epoch, or null when aborted. */
  async function runEpoch(epoch: number): Promise<Logs | null> {
    const tally = new Tally()
    const number = epoch - plan.initialEpoch + 1
    const isFirst = number === 1
    const opening = train.pass(`fit: epoch ${epoch + 1}`, number, turn, [signal, stopping])
    return through(opening, async (pass) => {
      for (let index = 0; index === 0 || stopped === null; index++) {
        verbose?.show(title, index, steps, tally.logs('', false))
        const next = pass.next()
        const piece = next && 'then' in next ? await next : next
        if (piece === null || (!piece && index > 0 && !signal?.aborted)) break
        if (!piece || signal?.aborted) return null // an epoch has one batch at least
        for (const callback of callbacks) {
          const pending = callback.onBatchBegin?.(index)
          if (pending) await pending
        }
        const count = piece.to - piece.from
        const prepared = session.prepareFor('train', piece.batch, count)
        feedPiece(session, prepared, piece, allowNaN)
        if (isFirst && index === 0) session.watcher?.first(prepared)
        session.step(prepared)
        session.tally(prepared, tally)
        for (const callback of callbacks) {
          const pending = callback.onBatchEnd?.(index, tally.logs('', false))
          if (pending) await pending
        }
        const pending = turn()
        if (pending) await pending
      }
      session.update() // by gradients that wait for more steps
      session.epochCount++
      const logs = tally.logs()
      if (isFirst) session.watcher?.epoch(logs.loss)
      return logs
    })
  }

  async function validate(epoch: number): Promise<Logs | null> {
    if (!validation || (epoch + 1) % validationFreq !== 0) return {}
    for (const callback of callbacks) await callback.onTestBegin?.()
    const number = Math.floor((epoch + 1) / validationFreq) - Math.floor(plan.initialEpoch / validationFreq)
    const what = `fit: epoch ${epoch + 1}: validationData`
    const logs = await evaluateAll(session, validation, { ...options, what, title, number, prefix: 'val_' })
    if (logs) for (const callback of callbacks) await callback.onTestEnd?.(logs)
    return logs
  }

  for (const callback of callbacks) await callback.onTrainBegin?.(params)
  for (let epoch = plan.initialEpoch; epoch < epochs && stopped === null && !signal?.aborted; epoch++) {
    title = `epoch ${epoch + 1}/${epochs}`
    for (const callback of callbacks) await callback.onEpochBegin?.(epoch)
    if (stopped !== null) break
    const trained = await runEpoch(epoch)
    const validated = trained && (await validate(epoch))
    if (!validated) break
    last = { ...trained, ...validated }
    for (const [key, value] of Object.entries(last)) {
      history[key] ??= []
      history[key].push(value)
    }
    verbose?.show(title, 0, 0, last, true)
    for (const callback of callbacks) await callback.onEpochEnd?.(epoch, last)
  }
  const reason = signal?.aborted ? 'aborted' : stopped
  if (reason) verbose?.show(reason, 0, 0, {}, true)
  for (const callback of callbacks) await callback.onTrainEnd?.(last, reason)
  return history
}
