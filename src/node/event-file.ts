// TensorBoard's event files, byte by byte. Enters: scalars and histograms. Leaves: records, each framed and checked by itself, so that
// a file that is cut off anywhere is good up to its last whole record.
//
//   record:   uint64 length | uint32 masked CRC-32C of these 8 bytes | protobuf Event | uint32 masked CRC-32C of the Event
//   Event:    1 wall_time (double, s) | 2 step (int64) | 3 file_version (string) | 5 summary { 1 value ... }
//   value:    1 tag (string) | 2 simple_value (float) | 5 histo
//   histo:    1 min | 2 max | 3 num | 4 sum | 5 sum_squares | 6 bucket_limit (packed doubles) | 7 bucket (packed doubles)
import { encodeText } from '../numerics/bytes.ts'

/** A number or the distribution of many, under the name that TensorBoard shows. */
export type Summary =
  | { readonly tag: string; readonly value: number }
  | { readonly tag: string; readonly values: ArrayLike<number> }

/** The CRC-32C (Castagnoli) of each byte, with the polynomial's bits reversed. */
const crcTable = /*#__PURE__*/ Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  return crc
})

/** The CRC-32C, rotated and offset, as records hold it: so that the sum over a text that holds sums stays good. */
function maskedCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 0xff] ^ (crc >>> 8)
  crc = ~crc >>> 0
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

/** One after another. */
export const joined = (parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** Base 128, the lowest digits first; a whole number up to 2^53. */
function varint(value: number): Uint8Array {
  const bytes: number[] = []
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128)
  return Uint8Array.of(...bytes, value)
}

function littleEndian(size: 4 | 8, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(size)
  write(new DataView(bytes.buffer))
  return bytes
}
const uint32 = (value: number) => littleEndian(4, (view) => view.setUint32(0, value, true))

const whole = (field: number, value: number) => joined([varint(field * 8), varint(value)])
const float = (field: number, value: number) =>
  joined([varint(field * 8 + 5), littleEndian(4, (view) => view.setFloat32(0, value, true))])
const doubleBytes = (value: number) => littleEndian(8, (view) => view.setFloat64(0, value, true))
const double = (field: number, value: number) => joined([varint(field * 8 + 1), doubleBytes(value)])
const nested = (field: number, ...parts: readonly Uint8Array[]) => {
  const bytes = joined(parts)
  return joined([varint(field * 8 + 2), varint(bytes.length), bytes])
}
const doubles = (field: number, values: readonly number[]) => nested(field, ...values.map(doubleBytes))

const BUCKETS = 30

/** The distribution of the finite values, in buckets of equal width. */
function histogram(values: ArrayLike<number>): Uint8Array {
  let [least, most, sum, squares, count] = [Infinity, -Infinity, 0, 0, 0]
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (!Number.isFinite(value)) continue
    count++
    least = Math.min(least, value)
    most = Math.max(most, value)
    sum += value
    squares += value * value
  }
  if (count === 0) least = most = 0
  const width = most > least ? (most - least) / BUCKETS : 1
  const size = most > least ? BUCKETS : 1
  const counts = new Array<number>(size).fill(0)
  for (let i = 0; i < values.length; i++)
    if (Number.isFinite(values[i])) counts[Math.min(size - 1, Math.floor((values[i] - least) / width))]++
  const limits = counts.map((_, i) => (i === size - 1 && size > 1 ? most : least + width * (i + 1)))
  return nested(
    5,
    ...[least, most, count, sum, squares].map((value, i) => double(i + 1, value)),
    doubles(6, limits),
    doubles(7, counts),
  )
}

function record(event: Uint8Array): Uint8Array<ArrayBuffer> {
  const length = joined([uint32(event.length), uint32(0)])
  return joined([length, uint32(maskedCrc(length)), event, uint32(maskedCrc(event))])
}

/** The first record of a file. */
export const fileStart = (seconds: number): Uint8Array<ArrayBuffer> =>
  record(joined([double(1, seconds), nested(3, encodeText('brain.Event:2'))]))

/** The record of what belongs to one step. */
export const summaries = (seconds: number, step: number, list: readonly Summary[]): Uint8Array<ArrayBuffer> =>
  record(
    joined([
      double(1, seconds),
      whole(2, step),
      nested(
        5,
        ...list.map((one) => {
          const tag = nested(1, encodeText(one.tag))
          return nested(1, tag, 'value' in one ? float(2, one.value) : histogram(one.values))
        }),
      ),
    ]),
  )
