// Enters: (seed, stream) and an output array. Leaves: numbers that depend on (seed, stream, index) alone, never on call
// order, array length or thread: Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as
// easy as 1, 2, 3", 2011). Key: low 32 bits of the seed | high 21 bits of the seed + attempt * 2^21. Counter: block | stream.
// Streams are uint32 (see streamOf). Two uses of one (seed, stream) share their random bits, so every use takes a stream of
// its own. Nothing is kept between calls; Math.random is never used.

import { check, must, NATURAL } from './errors.ts'
import { cos, log, sin } from './exact.ts'
import { finish, type Pieces } from './pieces.ts'

/** A stream number for a name: FNV-1a, 32 bits, over UTF-16 units. */
export function streamOf(name: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** Threefry-2x32-20: writes the two random words of one counter under one key to `out`. */
export function threefry(
  key0: number,
  key1: number,
  counter0: number,
  counter1: number,
  out: Uint32Array,
): void {
  let a = key0 | 0
  let b = key1 | 0
  let c = 0x1bd11bda ^ a ^ b
  let x = (counter0 + a) | 0
  let y = (counter1 + b) | 0
  for (let group = 1; group <= 5; group++) {
    if (group & 1) {
      x = (x + y) | 0
      y = x ^ ((y << 13) | (y >>> 19))
      x = (x + y) | 0
      y = x ^ ((y << 15) | (y >>> 17))
      x = (x + y) | 0
      y = x ^ ((y << 26) | (y >>> 6))
      x = (x + y) | 0
      y = x ^ ((y << 6) | (y >>> 26))
    } else {
      x = (x + y) | 0
      y = x ^ ((y << 17) | (y >>> 15))
      x = (x + y) | 0
      y = x ^ ((y << 29) | (y >>> 3))
      x = (x + y) | 0
      y = x ^ ((y << 16) | (y >>> 16))
      x = (x + y) | 0
      y = x ^ ((y << 24) | (y >>> 8))
    }
    // key words take turns
    const first = a
    a = b
    b = c
    c = first
    x = (x + a) | 0
    y = (y + b + group) | 0
  }
  out[0] = x
  out[1] = y
}

/** Uniform numbers of 24 random bits in [low, high); rounding to float32 may reach `high` itself. */
export function uniform(out: Float32Array, seed: number, stream: number, low = 0, high = 1): void {
  const key1 = highWord(seed)
  const words = new Uint32Array(2)
  const scale = (high - low) / 0x1000000
  for (let i = 0; i < out.length; i++) {
    if ((i & 1) === 0) threefry(seed, key1, i >>> 1, stream, words)
    out[i] = low + (words[i & 1] >>> 8) * scale
  }
}

/** Normal numbers (Box-Muller in float64 from 32-bit words: never beyond 6.8 stddev, never exactly the mean). */
export function normal(out: Float32Array, seed: number, stream: number, mean = 0, stddev = 1): void {
  fillNormal(out, seed, stream, mean, stddev, Infinity)
}

/** Normal numbers, each redrawn until it lies within 2 stddev of the mean. */
export function truncatedNormal(out: Float32Array, seed: number, stream: number, mean = 0, stddev = 1): void {
  fillNormal(out, seed, stream, mean, stddev, 2)
}

/** The numbers 0 ... count-1 in random order, each order equally likely (Fisher-Yates, unbiased draws). */
export function permutation(count: number, seed: number, stream: number): Uint32Array {
  return finish(permuting(count, seed, stream))
}

/** Draws between two pauses of `permuting`: about 2 ms of work. */
const DRAWS_PER_PIECE = 32768

/** `permutation` in pieces, for callers that mustn't hold their thread: it yields between them. */
export function* permuting(count: number, seed: number, stream: number): Pieces<Uint32Array> {
  check(NATURAL.holds(count) && count < 0x100000000, 'count', 'an integer >= 0 and < 2^32', count)
  const key1 = highWord(seed)
  const words = new Uint32Array(2)
  const order = new Uint32Array(count)
  for (let i = 0; i < count; i++) order[i] = i
  let drawn = 0
  for (let i = count - 1; i > 0; ) {
    if ((drawn & 1) === 0) threefry(seed, key1, drawn >>> 1, stream, words)
    const word = words[drawn++ & 1]
    const j = word % (i + 1)
    // a word from the last, incomplete run of i + 1 values would favour small j: draw again
    if (word - j > 0xffffffff - i) continue
    const kept = order[i]
    order[i] = order[j]
    order[j] = kept
    i--
    if (i % DRAWS_PER_PIECE === 0) yield
  }
  return order
}

/** Values 2p and 2p+1 come from block p; a value beyond `limit` is replaced by its place in the block of the next attempt. */
function fillNormal(
  out: Float32Array,
  seed: number,
  stream: number,
  mean: number,
  stddev: number,
  limit: number,
): void {
  const key1 = highWord(seed)
  const words = new Uint32Array(2)
  for (let i = 0; i < out.length; i += 2) {
    threefry(seed, key1, i >>> 1, stream, words)
    const radius = radiusOf(words)
    const angle = angleOf(words)
    for (let side = 0; side < 2 && i + side < out.length; side++) {
      let z = radius * (side ? sin(angle) : cos(angle))
      // 4.6 % miss limit 2, so 2047 misses in a row do not happen
      for (let attempt = 1; z > limit || z < -limit; attempt++) {
        threefry(seed, key1 + attempt * 0x200000, i >>> 1, stream, words)
        z = radiusOf(words) * (side ? sin(angleOf(words)) : cos(angleOf(words)))
      }
      out[i + side] = mean + stddev * z
    }
  }
}

// the half steps keep the words' grid symmetric and away from 0, where log is infinite
const radiusOf = (words: Uint32Array) => Math.sqrt(-2 * log((words[0] + 0.5) / 0x100000000))
const angleOf = (words: Uint32Array) => ((words[1] + 0.5) / 0x100000000) * 6.283185307179586

/** The upper 21 bits of a seed; the lower 32 are what `| 0` leaves of it. */
function highWord(seed: number): number {
  return Math.floor(must(NATURAL, seed, 'seed') / 0x100000000)
}
