// The event loop's turns. Enters: long work that pauses now and then. Leaves: the same work with a turn for timers,
// input and painting whenever it has gone on for some milliseconds.
import { now } from '../numerics/host.ts'
import type { Pieces } from '../numerics/pieces.ts'

/** Longest stretch of work without giving the event loop a turn, ms. */
const TURN_MS = 8

/** Awaited between pieces of work, yields when the turn is used up. */
export type Turn = () => Promise<void> | undefined

export function turns(): Turn {
  let start = now()
  return () => {
    if (now() - start < TURN_MS) return undefined
    return nextTurn().then(() => {
      start = now()
    })
  }
}

/** Work in pieces, with turns between them. */
export async function inTurns<T>(pieces: Pieces<T>, turn: Turn): Promise<T> {
  for (;;) {
    const { done, value } = pieces.next()
    if (done) return value
    const pending = turn()
    if (pending) await pending
  }
}

type Way = (resolve: () => void) => void

/** The functions that give a turn, the quickest first: timers, input and painting get their chance. */
const ways: readonly (() => Way | undefined)[] = [
  () => (globalThis as { setImmediate?: Way }).setImmediate, // Node, Deno, Bun
  () =>
    globalThis.MessageChannel &&
    ((resolve) => {
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => {
        port1.close()
        resolve()
      }
      port2.postMessage(null)
    }),
  () => globalThis.setTimeout && ((resolve) => setTimeout(resolve, 0)),
]

/** One turn of the event loop. Some runtimes have stubs that throw: whatever works is taken. */
const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    for (const way of ways) {
      try {
        const take = way()
        if (take) return take(resolve)
      } catch {}
    }
    return resolve() // a bare shell has no event loop
  })
