// Long work in pieces of about 1 ms: a generator that yields between them and returns the result. Callers that may hold the
// thread run it to its end with `finish`; `fit` gives the event loop a turn after each piece.

/** Work that pauses between its pieces. */
export type Pieces<T> = Generator<undefined, T>

/** Elements to handle between two pauses. */
export const PIECE = 65536

/** Runs all pieces at once and returns the result. */
export function finish<T>(pieces: Pieces<T>): T {
  for (;;) {
    const { done, value } = pieces.next()
    if (done) return value
  }
}
