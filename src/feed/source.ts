// Where the batches of each pass over the data come from: rows in memory, or an iterable of batches. Enters: checked
// rows, or whatever a caller's iterable gives. Leaves: one piece after another, ready to feed. Batches of an iterable
// are checked here, one by one; the next is asked for as soon as the last one is there, before that one trains.

import { check, fail, isFunction, isObject, LanegradError, reading } from '../numerics/errors.ts'
import type { Pieces } from '../numerics/pieces.ts'
import { permuting } from '../numerics/random.ts'
import type { Batch, Batches, Rows } from '../rows/rows.ts'
import type { StopSignal } from '../rows/stop.ts'
import { inTurns, type Turn } from '../rows/turns.ts'
import type { Session } from '../session/session.ts'

/** Stream of the random numbers that shuffle; weights' streams are hashes of their names. */
const SHUFFLE_STREAM = 0x5f5f5f5f

/** Rows `from..to` of a batch, through `order` if there is one. */
export interface Piece {
  readonly batch: Batch
  readonly order: Uint32Array | null
  readonly from: number
  readonly to: number
  /** Whether its rows were looked through for NaN. */
  readonly isChecked: boolean
  /** Opens messages about it. */
  readonly name: string
}

export interface Pass {
  /** The next piece; null at the end, undefined when a signal aborted meanwhile. */
  next(): Piece | null | Promise<Piece | null | undefined>
  close(): Promise<void>
}

export interface Source {
  /** Steps of one pass, samples and the size of a batch; 0: not known. */
  readonly steps: number
  readonly samples: number
  readonly batchSize: number
  /** `number` counts the passes from 1; `what` opens messages. */
  pass(what: string, number: number, turn: Turn, signals: readonly (StopSignal | null)[]): Promise<Pass>
}

/**
 * The sizes of the batches that rows are cut into, falling: where layers keep states for so many rows, of these alone.
 * @throws LanegradError where the rows aren't a multiple
 */
export function sizesFor({ feeds }: Session, rows: number, sizes: readonly number[]): readonly number[] {
  const { rows: own } = feeds
  if (!own) return sizes
  if (rows % own) fail(`the model keeps states of ${own} rows; got ${rows}`)
  return [own]
}

/**
 * Rows in memory, cut into batches; shuffled in an order given by the model's seed and the epochs trained so far. `sizes`: of
 * batches, falling; each takes the largest that is left for it, and what is less than the last is a batch of its own unless
 * it is dropped. `isChecked`: the rows were looked through for NaN. Where layers keep states, the order stays as well.
 */
export function rowsSource(
  session: Session,
  batch: Batch,
  given: readonly number[],
  { shuffle = false, isRestDropped = false, isChecked = true },
): Source {
  const { rows } = batch
  const sizes = sizesFor(session, isRestDropped ? 0 : rows, given)
  const sizeOf = (left: number) => sizes.find((size) => size <= left) ?? (isRestDropped ? 0 : left)
  let steps = 0
  for (let left = rows; sizeOf(left) > 0; left -= sizeOf(left)) steps++
  return {
    steps,
    samples: rows,
    batchSize: sizes[0],
    async pass(_what, _number, turn) {
      const stream = (SHUFFLE_STREAM + session.epochCount) >>> 0
      const order =
        shuffle && !session.feeds.rows ? await inTurns(permuting(rows, session.seed, stream), turn) : null
      let at = 0
      return {
        next() {
          const from = at
          at += sizeOf(rows - at)
          if (at === from) return null
          return { batch, order, from, to: at, isChecked, name: '' }
        },
        async close() {},
      }
    },
  }
}

/** What `work` makes of a pass, which is closed then. Where both fail, it is the work's error that is told. */
export async function through<T>(opening: Promise<Pass>, work: (pass: Pass) => Promise<T>): Promise<T> {
  const pass = await opening
  let result: T
  try {
    result = await work(pass)
  } catch (error) {
    await pass.close().catch(() => {})
    throw error
  }
  await pass.close()
  return result
}

export type AnyIterator = Iterator<unknown> | AsyncIterator<unknown>

/** @throws LanegradError where there is none; `what` opens its message */
export function iteratorOf(what: string, given: unknown): AnyIterator {
  const { [Symbol.asyncIterator]: later, [Symbol.iterator]: now } = Object(given) as Record<symbol, unknown>
  const open = later ?? now
  const iterator: Partial<AnyIterator> | null =
    typeof open === 'function' ? reading(`${what}batches`, () => open.call(given)) : null
  check(
    typeof iterator?.next === 'function',
    `${what}batches`,
    'an iterable or async iterable, its iterator an object with next()',
    given,
  )
  return iterator as AnyIterator
}

/** The result of a promise, or null as soon as a signal aborts: the promise may never settle. */
async function orAborted<T>(promise: Promise<T>, signals: readonly (StopSignal | null)[]): Promise<T | null> {
  let abort = () => {}
  const aborted = new Promise<null>((resolve) => {
    abort = () => resolve(null)
  })
  for (const signal of signals) {
    signal?.addEventListener('abort', abort)
    if (signal?.aborted) abort()
  }
  try {
    return await Promise.race([aborted, promise])
  } finally {
    for (const signal of signals) signal?.removeEventListener('abort', abort)
  }
}

/** The arrays may be a caller's buffers, filled again for the next batch while this one waits. */
const copied = <T extends Rows | null>(rows: T): T => rows && { ...rows, data: rows.data.slice() }

interface Reading {
  /** Batches that make a pass; null: all there are. */
  readonly steps: number | null
  /** Passes there will be. */
  readonly passes: number
  /** Checks what the iterable gave. `name` opens messages. */
  read(name: string, value: unknown): Pieces<Batch>
}

/** Batches of a caller's iterable. */
export function batchesSource(
  session: Session,
  batches: Batches<unknown>,
  { steps, passes, read }: Reading,
): Source {
  const isMaker = isFunction(batches)
  const { steps: own, length } = reading('the batches', () => {
    const { steps, length } = batches as { readonly steps?: unknown; readonly length?: unknown }
    return { steps, length }
  })
  const count = own ?? length
  let shared: AnyIterator | null = null // of what can be iterated once only, kept from pass to pass
  return {
    steps: steps ?? (!isMaker && Number.isSafeInteger(count) ? (count as number) : 0),
    samples: 0,
    batchSize: 0,
    async pass(what, number, turn, signals) {
      const ends = [...signals, session.disposing]
      let iterator = shared
      let pending: Promise<IteratorResult<unknown>> | null = null
      let isWaiting = false // for what is pending
      let taken = 0
      let isDone = false // the iterator has ended, or is nobody's concern here any more
      async function open() {
        const given = isMaker ? await batches() : batches
        if (isDone) return null
        const opened = iteratorOf(`${what}: `, given)
        if (!isMaker && (opened as unknown) === given) {
          if (steps === null && passes > 1) spent(what)
          shared = opened
        }
        return opened
      }
      async function request() {
        isWaiting = true
        try {
          iterator ??= await open()
          const result = await iterator?.next()
          check(
            isObject(result),
            `${what}: what next() of the batches gives`,
            'an object { value, done }',
            result,
          )
          return result
        } finally {
          isWaiting = false
        }
      }
      const prefetch = () => {
        pending = request()
        pending.catch(() => {}) // awaited later, if at all
        return pending
      }
      return {
        async next() {
          if (taken === steps) return null
          const result = await orAborted(pending ?? prefetch(), ends)
          if (result === null) {
            session.engine // throws after dispose
            return undefined
          }
          if (result.done) {
            isDone = true
            if (taken === 0 && number > 1 && !shared) spent(what)
            if (steps !== null) fail(`${what}: the data ended after ${taken} of ${steps} batches`)
            if (taken === 0) fail(`${what}: the data has no batches`)
            return null
          }
          const name = `${what}, batch ${taken + 1}`
          const { rows, x, y, weights } = await inTurns(read(name, result.value), turn)
          const batch = { rows, x: x.map(copied), y: y.map(copied), weights: weights.map(copied) }
          taken++
          if (taken !== steps) prefetch()
          return { batch, order: null, from: 0, to: batch.rows, isChecked: false, name: `${name}: ` }
        },
        async close() {
          // what is iterated once goes on in the next epoch; its owner closes it
          if (isDone || (shared && steps !== null)) return
          isDone = true
          const closing = (async () => iterator?.return?.())()
          closing.catch(() => {}) // awaited below, if at all
          if (!isWaiting) await closing // else an async generator returns after its batch, which may never come
        },
      }
    },
  }
}

function spent(what: string): never {
  fail(
    `${what}: the data can be iterated only once; pass a function that returns a new iterable for each epoch, or stepsPerEpoch`,
  )
}

/** Copies a piece into the arena, checked for NaN unless that was done before. */
export function feedPiece(
  session: Session,
  prepared: Parameters<Session['feed']>[0],
  { batch, order, from, to, isChecked, name }: Piece,
  allowNaN: boolean,
): void {
  try {
    session.feed(prepared, batch, order, from, to, allowNaN || isChecked)
  } catch (error) {
    if (name && error instanceof LanegradError) fail(name + error.message)
    throw error
  }
}
