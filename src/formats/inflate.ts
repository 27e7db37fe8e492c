// Inflates bytes to a length that is known beforehand. Enters: a stream of deflate of unknown origin. Leaves: exactly that many bytes;
// a stream that holds more is stopped soon after it does.
import { Inflate } from 'fflate'
import { fail } from '../numerics/errors.ts'

/** Bytes of a stream that are inflated at once: at most a thousand times as many come out. */
const PIECE = 1 << 14

/** The bytes of a deflate stream. @throws LanegradError if it is damaged or holds more or fewer than `length` */
export function inflate(what: string, deflated: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  let at = 0
  const stream = new Inflate((piece) => {
    if (at + piece.length <= length) bytes.set(piece, at)
    at += piece.length
  })
  try {
    for (let from = 0; from < deflated.length && at <= length; from += PIECE)
      stream.push(deflated.subarray(from, from + PIECE), from + PIECE >= deflated.length)
  } catch {
    fail(`${what}: its compressed bytes are damaged`)
  }
  if (at !== length)
    fail(`${what}: expected ${length} bytes; the compressed ones hold ${at > length ? 'more' : at}`)
  return bytes
}
