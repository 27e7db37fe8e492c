// Reads IDX files, the format of MNIST, into arrays with shapes. Big-endian: two zero bytes, the element type, the number of
// axes, their sizes as 32-bit words, then the elements, the last axis fastest. A file that breaks this is refused; nothing is
// guessed or filled in.
import { messageOf } from '../numerics/brands.ts'
import { type ByteSource, bytesOf } from '../numerics/bytes.ts'
import { check, fail, NATURAL, readOptions } from '../numerics/errors.ts'
import type { NumberArray, ShapedArray } from '../numerics/tensor.ts'

type Reader = readonly [
  bytes: number,
  read: (view: DataView, count: number, at: number) => NumberArray<ArrayBuffer>,
]

/** The types of elements, by the third byte of a file. */
const TYPES: { readonly [code: number]: Reader } = {
  8: [1, (view, count, at) => new Uint8Array(view.buffer, view.byteOffset + at, count).slice()],
  9: [1, (view, count, at) => new Int8Array(view.buffer, view.byteOffset + at, count).slice()],
  11: [2, (view, count, at) => Int16Array.from({ length: count }, (_, i) => view.getInt16(at + 2 * i))],
  12: [4, (view, count, at) => Int32Array.from({ length: count }, (_, i) => view.getInt32(at + 4 * i))],
  13: [4, (view, count, at) => Float32Array.from({ length: count }, (_, i) => view.getFloat32(at + 4 * i))],
  14: [8, (view, count, at) => Float64Array.from({ length: count }, (_, i) => view.getFloat64(at + 8 * i))],
}

/**
 * The array of an IDX file (unzipped, see `gunzip`), as a copy with its shape. `name` begins the messages of errors.
 * @throws LanegradError on another format, or if the file is longer or shorter than its sizes say
 * @example
 * ```js
 * import { parseIdx } from 'lanegrad/data'
 *
 * // 8: bytes; 2 axes: 1 row of 3
 * const file = Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 7, 8, 255)
 * const { shape, data } = parseIdx(file)
 * console.log(shape, data.join(' ')) // [ 1, 3 ] 7 8 255
 * ```
 */
export function parseIdx(file: ByteSource, name = 'IDX file'): ShapedArray<ArrayBuffer> {
  check(typeof name === 'string', 'parseIdx: name', 'a string', name)
  const bytes = bytesOf('parseIdx: file', file)
  const { length } = bytes
  const need = (count: number, what: string) => {
    if (length < count) fail(`${name}: expected ${count} bytes ${what}; got ${length}`)
  }
  need(4, 'of header')
  const view = new DataView(bytes.buffer, bytes.byteOffset, length)
  const [zero, alsoZero, code, rank] = bytes
  const type = TYPES[code]
  if (zero !== 0 || alsoZero !== 0 || !type || rank === 0) {
    const magic = view.getUint32(0).toString(16).padStart(8, '0')
    const hint = zero === 0x1f && alsoZero === 0x8b ? ' (gzip: see gunzip)' : ''
    fail(`${name}: expected an IDX file; got one that begins with 0x${magic}${hint}`)
  }
  const start = 4 + 4 * rank
  need(start, 'of header')
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis))
  const count = shape.reduce((product, size) => product * size, 1)
  const expected = start + count * type[0]
  const what = `for ${shape.join(' x ')}`
  need(expected, what)
  if (length > expected) fail(`${name}: expected ${expected} bytes ${what}; got ${length}`)
  return { shape, data: type[1](view, count, start) }
}

/** Options of `gunzip`. */
export interface GunzipOptions {
  /**
   * The largest size of the unzipped file, in bytes: a small file can become a thousand times as large. Default 268435456 (256
   * MiB).
   */
  readonly limit?: number
}

/**
 * Unzips a gzip file; any other file is returned as it is. `name` begins the messages of errors.
 * @throws LanegradError on broken gzip and beyond `limit` (as a rejected promise)
 * @example
 * ```js
 * import { gunzip } from 'lanegrad/data'
 *
 * const zipped = new Blob(['0123456789']).stream().pipeThrough(new CompressionStream('gzip'))
 * const file = await new Response(zipped).arrayBuffer() // as `fetch` or `readFile` give it
 * console.log((await gunzip(file)).length) // 10
 * console.log((await gunzip(Uint8Array.of(1, 2, 3))).length) // 3
 * ```
 */
export async function gunzip(
  file: ByteSource,
  name = 'file',
  options: GunzipOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  check(typeof name === 'string', 'gunzip: name', 'a string', name)
  const { limit } = readOptions('gunzip', options, { limit: [NATURAL, 0x10000000] })
  const bytes = bytesOf('gunzip: file', file)
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip')).getReader()
  const parts: Uint8Array<ArrayBuffer>[] = []
  let length = 0
  try {
    for (let part = await reader.read(); part.value; part = await reader.read()) {
      parts.push(part.value)
      length += part.value.length
      if (length > limit) break
    }
  } catch (error) {
    const { cause = error } = error as { readonly cause?: unknown } // Node's own error may have no text beside it
    fail(`${name}: broken gzip: ${messageOf(cause)}`)
  }
  if (length > limit) {
    reader.cancel().catch(() => {})
    fail(`${name}: expected at most ${limit} bytes unzipped (option limit of gunzip); got more`)
  }
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
