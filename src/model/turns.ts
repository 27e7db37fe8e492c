// The event loop's turns. Enters: long work that pauses now and then. Leaves: the same work with a turn for timers,
// input and painting whenever it has gone on for some milliseconds.
import type { Pieces } from '../numerics/pieces.ts'

/** Longest stretch of work without giving the event loop a turn, ms. */
const TURN_MS = 8

/** Awaited between pieces of work, yields when the turn is used up. */
export type Turn = () => Promise<void> | undefined

export function turns(): Turn {
  let start = performance.now()
  return () => {
    if (performance.now() - start < TURN_MS) return undefined
    return nextTurn().then(() => {
      start = performance.now()
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
