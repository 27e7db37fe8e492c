// Brings a model to a worker and notices the worker's end. Enters: the model, and a worker that may not run yet. Leaves: a
// port to the model in the worker. A worker ends by an error in its script (in Node; in a browser it continues), by `terminate`
// or by running out of memory, and no single event reports these everywhere.
import type { Model } from '../model/model.ts'
import type { Values } from '../network/network.ts'
import { fail, LanegradError } from '../numerics/errors.ts'
import { Calls } from './calls.ts'
import { type Greeting, type Opening, portable, runtimeData, type ToPage } from './messages.ts'
import { snapshot } from './state.ts'
import { listen, send, type WorkerLike } from './target.ts'

/** The number of models in each worker. */
const residents = /*#__PURE__*/ new WeakMap<object, number>()

/** The workers that ended when their last model was closed. */
const closed = /*#__PURE__*/ new WeakSet<object>()

const LOST = 'the local model has the state of the last epoch it heard of'

/** The reason why a worker ended, from its `error` event or from Node's error. */
const reasonOf = ({ message }: { readonly message?: string }): string =>
  message || "its script can't be loaded"

/** Resolves once the worker answers. @throws LanegradError if it fails first, or takes longer */
async function whenReady(worker: WorkerLike, timeoutMs: number): Promise<void> {
  const ends: (() => void)[] = []
  try {
    await new Promise<void>((resolve, reject) => {
      const rejectWith = (why: string) => reject(new LanegradError(`workerModel: ${why}`))
      const late = `the worker didn't answer in ${timeoutMs} ms; does its script call serveModels()?`
      const timer = setTimeout(rejectWith, timeoutMs, late)
      ends.push(
        () => clearTimeout(timer),
        listen(worker, 'message', (message: Greeting | null) => {
          if (message?.lanegrad === 'ready') resolve()
        }),
        listen(worker, 'error', (error: { readonly message?: string; preventDefault?(): void }) => {
          error.preventDefault?.() // it is reported here
          rejectWith(`the worker failed: ${reasonOf(error)}`)
        }),
        listen(worker, 'exit', (code: number) => rejectWith(`the worker exited with code ${code}`)),
      )
      worker.start?.()
      send(worker, { lanegrad: 'hello' } satisfies Greeting)
    })
  } finally {
    for (const end of ends) end()
  }
}

/** The options that the model was compiled with, as `compile` takes them, for a message; null: not compiled. */
function compileOptionsOf<V extends Values>({ session }: Model<V>): unknown {
  const { training } = session
  if (!training) return null
  const { optimizer, outputs, added = [] } = training
  const byOutput = (key: 'metrics' | 'weightedMetrics') =>
    Object.fromEntries(outputs.map((output) => [output.output, output[key] ?? []]))
  return portable({
    optimizer,
    loss: Object.fromEntries(outputs.map(({ output, loss }) => [output, loss])),
    lossWeights: Object.fromEntries(outputs.map(({ output, weight }) => [output, weight])),
    addedLosses: added,
    metrics: byOutput('metrics'),
    weightedMetrics: byOutput('weightedMetrics'),
    warnings: !session.isQuiet,
  })
}

/**
 * Calls `end` when the worker ends, and returns a function that stops watching. A browser's worker continues after an error: if
 * its port or a lock reports its end, only that counts; otherwise an error counts as its end.
 */
function watch(worker: WorkerLike, port: MessagePort, hasLock: boolean, end: (why: string) => void) {
  const isThread = worker.on !== undefined && worker.addEventListener === undefined // Node's: exits after an error
  const isTold = isThread || hasLock || 'onclose' in port
  let why = 'the worker ended'
  const ends = [
    listen(worker, 'exit', (code: number) => end(`${why} (code ${code})`)),
    listen(worker, 'error', (error: { readonly message?: string }) => {
      if (isThread || !isTold) why = `the worker ended: ${reasonOf(error)}`
      if (!isTold) end(why)
    }),
    ...(isThread ? [] : [listen(port, 'close', () => end(why))]),
  ]
  return () => {
    for (const stop of ends) stop()
  }
}

/** Whether only a lock reports a worker's end. */
function needsLock(worker: WorkerLike, port: MessagePort): boolean {
  const { navigator } = globalThis as { readonly navigator?: { readonly locks?: unknown } }
  return worker.on === undefined && !('onclose' in port) && navigator?.locks !== undefined
}

/** Opens the model in the worker: the calls to it there, and what lets go of the worker when they have ended. */
export async function connect<V extends Values>(
  model: Model<V>,
  worker: WorkerLike,
  timeoutMs: number,
): Promise<{ readonly calls: Calls; leave(): unknown }> {
  if (closed.has(worker)) fail('workerModel: this worker ended with its last model; start another')
  const countModels = (by: number): number => {
    const now = (residents.get(worker) ?? 0) + by
    residents.set(worker, now)
    return now
  }
  countModels(1)
  const ends: (() => void)[] = []
  const leave = () => {
    for (const stop of ends) stop()
    return countModels(-1)
  }
  try {
    await whenReady(worker, timeoutMs)
    const { port1, port2 } = new MessageChannel()
    const calls = new Calls(model as unknown as Model, port1)
    const lock = needsLock(worker, port1) ? `lanegrad ${crypto.randomUUID()}` : null
    await new Promise<void>((resolve, reject) => {
      const end = (why: string) => {
        reject(new LanegradError(`workerModel: ${why}`)) // if it isn't open yet
        calls.end(`${why}; ${LOST}`)
      }
      listen(port1, 'message', (message: ToPage) => {
        if (message.type === 'opened') {
          if (lock !== null) whenReleased(lock, ends, () => end('the worker ended'))
          resolve()
        } else if (message.type === 'error' && message.id === 0) {
          const { error } = message
          reject(
            'error' in error
              ? error.error
              : new LanegradError(`workerModel: ${'message' in error && error.message}`),
          )
          port1.close()
        } else calls.take(message)
      })
      listen(port1, 'messageerror', () => calls.drop("a message from the worker can't be read"))
      port1.start()
      ends.push(watch(worker, port1, lock !== null, end))
      const bytes = model.save()
      const state = snapshot(model)
      const training = compileOptionsOf(model)
      const runtime = runtimeData(model.session.runtime)
      const opening: Opening = { lanegrad: 'open', port: port2, bytes, runtime, training, state, lock }
      send(worker, opening, [port2, bytes.buffer, state.numbers.buffer])
    })
    return {
      calls,
      leave() {
        if (leave() > 0 || !worker.terminate) return undefined
        closed.add(worker)
        return worker.terminate()
      },
    }
  } catch (error) {
    leave()
    throw error
  }
}

function whenReleased(lock: string, ends: (() => void)[], end: () => void): void {
  const stop = new AbortController()
  ends.push(() => stop.abort())
  navigator.locks.request(lock, { signal: stop.signal }, end).catch(() => {}) // no longer waited for
}
