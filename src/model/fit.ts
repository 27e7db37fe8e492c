// Training and evaluation over many batches. Enters: a session with its training, checked rows. Leaves: a
// history. Async: gives the event loop a turn at least every few milliseconds, and runs one step at a time.
import { check, FINITE, fail, POSITIVE_INTEGER } from '../numerics/errors.ts'
import { permuting } from '../numerics/random.ts'
import type { Callback, History, Logs } from '../training/callbacks.ts'
import { type Rows, sliceRows } from './data.ts'
import { type Batch, type Session, Tally } from './session.ts'

/** Stream of the random numbers that shuffle; weights' streams are hashes of their names. */
const SHUFFLE_STREAM = 0x5f5f5f5f

/** Longest stretch of work without giving the event loop a turn, ms. */
const TURN_MS = 8

/** Awaited between pieces of work, yields when the turn is used up. */
type Turn = () => Promise<void> | undefined

function turns(): Turn {
  let start = performance.now()
  return () => {
    if (performance.now() - start < TURN_MS) return undefined
    return nextTurn().then(() => {
      start = performance.now()
    })
  }
}

/** One turn of the event loop: timers, input and painting get their chance. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => void } // Node, Deno, Bun
    if (setImmediate) setImmediate(resolve)
    else if (typeof MessageChannel === 'function') {
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => {
        port1.close()
        resolve()
      }
      port2.postMessage(null)
    } else setTimeout(resolve, 0)
  })
}

export interface EpochOptions {
  readonly batchSize: number
  readonly shuffle: boolean
  readonly signal: AbortSignal | null
}

export interface FitPlan {
  readonly epochs: number
  readonly epoch: EpochOptions
  readonly validation: Batch | null
  readonly verbose: 0 | 1
  readonly callbacks: readonly Callback[]
}

const part = (batch: Batch, from: number, to: number): Batch => ({
  rows: to - from,
  x: batch.x.map((rows) => sliceRows(rows, from, to)),
  y: batch.y.map((rows) => sliceRows(rows, from, to)),
  weights: batch.weights.map((rows) => rows && sliceRows(rows, from, to)),
})

/** The last `share` of the rows for validation, as Keras splits. */
export function splitValidation(batch: Batch, share: number): [train: Batch, validation: Batch | null] {
  check(
    FINITE.holds(share) && share >= 0 && share < 1,
    'fit: validationSplit',
    'a number from 0 up to, not including, 1',
    share,
  )
  if (share === 0) return [batch, null]
  const at = Math.floor(batch.rows * (1 - share))
  if (at === 0 || at === batch.rows)
    fail(`fit: validationSplit ${share} of ${batch.rows} rows leaves an empty part`)
  return [part(batch, 0, at), part(batch, at, batch.rows)]
}

/** Looks for NaN in all float rows before anything runs, in turns. */
export async function checkNaN(
  named: readonly { readonly what: string; readonly rows: Rows | null }[],
): Promise<void> {
  const turn = turns()
  for (const { what, rows } of named) {
    if (!(rows?.data instanceof Float32Array || rows?.data instanceof Float64Array)) continue
    const { data } = rows
    for (let from = 0; from < data.length; from += 1 << 20) {
      const to = Math.min(data.length, from + (1 << 20))
      let sum = 0 // NaN + anything is NaN; infinities may make one too, so look closer then
      for (let i = from; i < to; i++) sum += data[i]
      if (Number.isNaN(sum)) {
        const bad = data.subarray(from, to).findIndex(Number.isNaN)
        if (bad >= 0) {
          const row = Math.floor(((from + bad) * rows.rows) / data.length)
          fail(`${what}: row ${row} holds NaN (pass allowNaN: true to use it all the same)`)
        }
      }
      await turn()
    }
  }
}

/** Loss and metrics over all rows, or null when aborted. */
export async function evaluateAll(
  session: Session,
  batch: Batch,
  batchSize: number,
  { prefix = '', turn = turns(), signal = null as AbortSignal | null } = {},
): Promise<Logs | null> {
  const tally = new Tally()
  for (let from = 0; from < batch.rows; from += batchSize) {
    if (signal?.aborted) return null
    const to = Math.min(batch.rows, from + batchSize)
    const prepared = session.prepareFor('evaluate', batch, to - from)
    session.feed(prepared, batch, null, from, to, true)
    session.engine.forward()
    session.tally(prepared, to - from, tally)
    await turn()
  }
  return tally.logs(prefix)
}

/** The order of the rows in the coming epoch, drawn in turns. */
async function shuffled(session: Session, rows: number, turn: Turn): Promise<Uint32Array> {
  const pieces = permuting(rows, session.seed, (SHUFFLE_STREAM + session.epochCount) >>> 0)
  for (;;) {
    const { done, value } = pieces.next()
    if (done) return value
    await turn()
  }
}

/** One pass over the rows; the logs of the epoch, or null when aborted. */
async function runEpoch(
  session: Session,
  batch: Batch,
  { batchSize, shuffle, signal }: EpochOptions,
  callbacks: readonly Callback[],
  turn: Turn,
): Promise<Logs | null> {
  const tally = new Tally()
  const order = shuffle ? await shuffled(session, batch.rows, turn) : null
  for (let from = 0, index = 0; from < batch.rows; from += batchSize, index++) {
    if (signal?.aborted) return null
    const to = Math.min(batch.rows, from + batchSize)
    const prepared = session.prepareFor('train', batch, to - from)
    session.feed(prepared, batch, order, from, to, true)
    session.step()
    session.tally(prepared, to - from, tally)
    for (const callback of callbacks) {
      const pending = callback.onBatchEnd?.(index, tally.logs())
      if (pending) await pending
    }
    const pending = turn()
    if (pending) await pending
  }
  session.epochCount++
  return tally.logs()
}

const text = (logs: Logs): string =>
  Object.entries(logs)
    .map(([key, value]) => `${key}: ${value.toPrecision(4)}`)
    .join(' - ')

/** The training loop. Stops within one step when the signal aborts; the history then holds the whole epochs. */
export async function fitAll(session: Session, batch: Batch, plan: FitPlan): Promise<History> {
  const { epochs, epoch: options, validation, verbose, callbacks } = plan
  const steps = Math.ceil(batch.rows / options.batchSize)
  const history: Record<string, number[]> = {}
  const turn = turns() // one for all epochs: many short ones must yield too
  let last: Logs = {}
  for (const callback of callbacks) {
    await callback.onTrainBegin?.({ epochs, steps, samples: batch.rows, batchSize: options.batchSize })
  }
  for (let epoch = 0; epoch < epochs && !options.signal?.aborted; epoch++) {
    const startMs = performance.now()
    for (const callback of callbacks) await callback.onEpochBegin?.(epoch)
    const trained = await runEpoch(session, batch, options, callbacks, turn)
    if (!trained) break
    const validated = validation
      ? await evaluateAll(session, validation, options.batchSize, {
          prefix: 'val_',
          turn,
          signal: options.signal,
        })
      : {}
    if (!validated) break
    last = { ...trained, ...validated }
    for (const [key, value] of Object.entries(last)) {
      history[key] ??= []
      history[key].push(value)
    }
    if (verbose) {
      const seconds = ((performance.now() - startMs) / 1000).toFixed(1)
      console.log(`epoch ${epoch + 1}/${epochs} - ${seconds} s - ${text(last)}`)
    }
    for (const callback of callbacks) await callback.onEpochEnd?.(epoch, last)
  }
  for (const callback of callbacks) await callback.onTrainEnd?.(last)
  return history
}

/** @throws LanegradError unless a positive integer */
export function readCount(what: string, value: number): number {
  check(POSITIVE_INTEGER.holds(value), what, POSITIVE_INTEGER.expected, value)
  return value
}
