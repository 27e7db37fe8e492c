// Inflates bytes to a length that is known beforehand (RFC 1951). Enters: a stream of deflate of unknown origin. Leaves: exactly that
// many bytes; a stream that holds more is stopped where it does. Decoded bit by bit: files of models are seldom compressed.
import { fail } from '../numerics/errors.ts'

/** A Huffman code: how many codes have each length, and the symbols in the order of their codes. */
interface Code {
  readonly counts: Uint16Array
  readonly symbols: Uint16Array
}

const MOST_BITS = 15
const END_OF_BLOCK = 256
/** The order in which a block lists the lengths of the code for lengths. */
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

/** The code whose symbols have these lengths; undefined: there is none. */
function codeOf(lengths: Uint8Array): Code | undefined {
  const counts = new Uint16Array(MOST_BITS + 1)
  for (const length of lengths) counts[length]++
  counts[0] = 0
  let left = 1
  for (let length = 1; length <= MOST_BITS; length++) {
    left = 2 * left - counts[length]
    if (left < 0) return undefined
  }
  const next = new Uint16Array(MOST_BITS + 1)
  for (let length = 1; length < MOST_BITS; length++) next[length + 1] = next[length] + counts[length]
  const symbols = new Uint16Array(lengths.length)
  lengths.forEach((length, symbol) => {
    if (length > 0) symbols[next[length]++] = symbol
  })
  return { counts, symbols }
}

/** The codes of blocks that bring none. */
function fixedCodes(): readonly [Code, Code] {
  const lengths = new Uint8Array(288).map((_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8))
  return [codeOf(lengths) as Code, codeOf(new Uint8Array(30).fill(5)) as Code]
}

/** The bytes of a deflate stream. @throws LanegradError if it is damaged or holds more or fewer than `length` */
export function inflate(what: string, deflated: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  let [at, from, buffer, held] = [0, 0, 0, 0]
  const damaged = (): never => fail(`${what}: its compressed bytes are damaged`)
  const more = (): never => fail(`${what}: expected ${length} bytes; the compressed ones hold more`)

  const bits = (count: number): number => {
    while (held < count) {
      if (from >= deflated.length) damaged()
      buffer |= deflated[from++] << held
      held += 8
    }
    const value = buffer & ((1 << count) - 1)
    buffer >>>= count
    held -= count
    return value
  }
  const symbolOf = ({ counts, symbols }: Code): number => {
    let [code, first, index] = [0, 0, 0]
    for (let length = 1; length <= MOST_BITS; length++) {
      code |= bits(1)
      if (code - counts[length] < first) return symbols[index + code - first]
      index += counts[length]
      first = (first + counts[length]) << 1
      code <<= 1
    }
    return damaged()
  }

  const copyStored = (): void => {
    buffer = held = 0
    if (from + 4 > deflated.length) damaged()
    const count = deflated[from] | (deflated[from + 1] << 8)
    if (count !== (~(deflated[from + 2] | (deflated[from + 3] << 8)) & 0xffff)) damaged()
    from += 4
    if (from + count > deflated.length) damaged()
    if (at + count > length) more()
    bytes.set(deflated.subarray(from, from + count), at)
    from += count
    at += count
  }

  const readCodes = (): readonly [Code, Code] => {
    const [literals, distances, given] = [bits(5) + 257, bits(5) + 1, bits(4) + 4]
    const own = new Uint8Array(19)
    for (let i = 0; i < given; i++) own[LENGTH_ORDER[i]] = bits(3)
    const code = codeOf(own) ?? damaged()
    const lengths = new Uint8Array(literals + distances)
    for (let i = 0; i < lengths.length; ) {
      const symbol = symbolOf(code)
      if (symbol < 16) {
        lengths[i++] = symbol
        continue
      }
      if (symbol === 16 && i === 0) damaged()
      const repeated = symbol === 16 ? lengths[i - 1] : 0
      const times = symbol === 16 ? 3 + bits(2) : symbol === 17 ? 3 + bits(3) : 11 + bits(7)
      if (i + times > lengths.length) damaged()
      lengths.fill(repeated, i, i + times)
      i += times
    }
    const codes = [lengths.subarray(0, literals), lengths.subarray(literals)].map(
      (own) => codeOf(own) ?? damaged(),
    )
    return codes as [Code, Code]
  }

  const copyCoded = ([literals, distances]: readonly [Code, Code]): void => {
    for (let symbol = symbolOf(literals); symbol !== END_OF_BLOCK; symbol = symbolOf(literals)) {
      if (symbol < END_OF_BLOCK) {
        if (at >= length) more()
        bytes[at++] = symbol
        continue
      }
      // lengths 3 to 10 have symbols of their own, then four symbols for each further bit; 258 is the last
      const step = symbol - 257
      if (step > 28) damaged()
      const lengthBits = step < 8 || step === 28 ? 0 : (step >> 2) - 1
      const base = step < 8 ? step + 3 : step === 28 ? 258 : ((4 + (step & 3)) << lengthBits) + 3
      const count = base + bits(lengthBits)
      const place = symbolOf(distances)
      if (place > 29) damaged()
      const placeBits = place < 4 ? 0 : (place >> 1) - 1
      const distance = (place < 4 ? place + 1 : ((2 + (place & 1)) << placeBits) + 1) + bits(placeBits)
      if (distance > at) damaged()
      if (at + count > length) more()
      for (let i = 0; i < count; i++, at++) bytes[at] = bytes[at - distance]
    }
  }

  let isLast = false
  while (!isLast) {
    isLast = bits(1) === 1
    const kind = bits(2)
    if (kind === 0) copyStored()
    else if (kind === 1) copyCoded(fixedCodes())
    else if (kind === 2) copyCoded(readCodes())
    else damaged()
  }
  if (at !== length) fail(`${what}: expected ${length} bytes; the compressed ones hold ${at}`)
  return bytes
}
