// Reads and writes zip archives. Enters: an archive of unknown origin, or files by name. Leaves: its files, each read when asked for,
// or the archive's bytes, uncompressed. Sizes are checked before memory is taken; what an archive claims is never trusted.
import { decodeText, encodeText } from '../numerics/bytes.ts'
import { fail, show } from '../numerics/errors.ts'
import { inflate } from './inflate.ts'

const END = 0x06054b50
const ENTRY = 0x02014b50
const LOCAL = 0x04034b50
const NO_SIZE = 0xffffffff // it is in a zip64 record
/** Files that expand to more than this must not expand more than a hundred times. */
const LARGE = 1 << 28
const MOST_EXPANSION = 100

export interface Zip {
  readonly names: readonly string[]
  /** The content of a file. @throws LanegradError if the archive has none of that name, or it is damaged or a bomb */
  read(name: string): Uint8Array
}

interface Entry {
  readonly method: number
  readonly stored: number
  readonly size: number
  readonly checksum: number
  readonly offset: number
}

/** Whether bytes begin as an archive does. */
export const isZip = (bytes: Uint8Array): boolean => bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] < 8

/** The files of an archive. `what` begins the messages of errors. */
export function readZip(what: string, bytes: Uint8Array): Zip {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const damaged = (why: string): never => fail(`${what}: the zip archive is damaged: ${why}`)
  const within = (at: number, length: number) => {
    if (!(at >= 0 && at + length <= bytes.length)) damaged(`byte ${at} of ${bytes.length}`)
    return at
  }
  const u16 = (at: number) => view.getUint16(within(at, 2), true)
  const u32 = (at: number) => view.getUint32(within(at, 4), true)

  let end = bytes.length - 22 // a comment may follow
  while (end >= 0 && end > bytes.length - 65_558 && u32(end) !== END) end--
  if (end < 0 || u32(end) !== END) damaged('it has no end record')
  const entries = new Map<string, Entry>()
  let at = u32(end + 16)
  for (let left = u16(end + 10); left > 0; left--) {
    if (u32(at) !== ENTRY) damaged(`no entry at byte ${at}`)
    const [nameLength, extraLength, commentLength] = [u16(at + 28), u16(at + 30), u16(at + 32)]
    let name = ''
    try {
      name = decodeText(bytes.subarray(within(at + 46, nameLength), at + 46 + nameLength))
    } catch {
      damaged('a name that is not UTF-8')
    }
    const entry = {
      method: (u16(at + 8) & 1) === 1 ? -1 : u16(at + 10),
      checksum: u32(at + 16),
      stored: u32(at + 20),
      size: u32(at + 24),
      offset: u32(at + 42),
    }
    if ([entry.stored, entry.size, entry.offset].includes(NO_SIZE)) {
      let field = at + 46 + nameLength
      const extraEnd = field + extraLength
      while (field < extraEnd && u16(field) !== 1) field += 4 + u16(field + 2)
      let next = field + 4
      const large = (value: number) => {
        if (value !== NO_SIZE) return value
        if (next + 8 > extraEnd) damaged(`the sizes of ${show(name)}`)
        next += 8
        return u32(next - 8) + u32(next - 4) * 0x100000000
      }
      entry.size = large(entry.size)
      entry.stored = large(entry.stored)
      entry.offset = large(entry.offset)
    }
    if (entries.has(name)) damaged(`it holds ${show(name)} twice`)
    entries.set(name, entry)
    at += 46 + nameLength + extraLength + commentLength
  }
  return {
    names: [...entries.keys()],
    read(name) {
      const entry = entries.get(name) ?? fail(`${what}: the archive holds no ${show(name)}`)
      const { method, stored, size, offset, checksum } = entry
      if (u32(offset) !== LOCAL) damaged(`no file at byte ${offset}`)
      const start = offset + 30 + u16(offset + 26) + u16(offset + 28)
      const content = bytes.subarray(within(start, stored), start + stored)
      if (method !== 0 && method !== 8)
        fail(
          `${what}: ${show(name)} is ${method < 0 ? 'encrypted' : `compressed by method ${method}`}; only deflate is known`,
        )
      if (method === 0 && stored !== size) damaged(`the size of ${show(name)}`)
      if (size > LARGE && size > stored * MOST_EXPANSION)
        fail(`${what}: ${show(name)} claims ${size} bytes in ${stored}: a decompression bomb`)
      const data = method === 0 ? content : inflate(`${what}: ${show(name)}`, content, size)
      if (crc32(data) !== checksum) damaged(`the checksum of ${show(name)}`)
      return data
    },
  }
}

/** An archive of files, uncompressed as Keras writes them. */
export function writeZip(files: Readonly<Record<string, Uint8Array>>): Uint8Array<ArrayBuffer> {
  const entries = Object.entries(files).map(([name, data]) => ({
    name: encodeText(name),
    data,
    checksum: crc32(data),
  }))
  const size = entries.reduce((sum, { name, data }) => sum + 76 + 2 * name.length + data.length, 22)
  if (size >= NO_SIZE) fail(`an archive of ${size} bytes; 4 GB are the most`)
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  let at = 0
  const words = (...values: readonly (readonly [bytes: 2 | 4, value: number])[]) => {
    for (const [length, value] of values) {
      if (length === 2) view.setUint16(at, value, true)
      else view.setUint32(at, value, true)
      at += length
    }
  }
  const append = (data: Uint8Array) => {
    bytes.set(data, at)
    at += data.length
  }
  /** Version, flags (UTF-8), method, time, the first day of 1980, checksum, sizes, length of the name, no extra field. */
  const header = (checksum: number, length: number, name: number) =>
    words(
      [2, 20],
      [2, 0x800],
      [2, 0],
      [2, 0],
      [2, 0x21],
      [4, checksum],
      [4, length],
      [4, length],
      [2, name],
      [2, 0],
    )
  const offsets = entries.map(({ name, data, checksum }) => {
    const offset = at
    words([4, LOCAL])
    header(checksum, data.length, name.length)
    append(name)
    append(data)
    return offset
  })
  const directory = at
  entries.forEach(({ name, data, checksum }, i) => {
    words([4, ENTRY], [2, 20])
    header(checksum, data.length, name.length)
    words([2, 0], [2, 0], [2, 0], [4, 0], [4, offsets[i]])
    append(name)
  })
  const length = at - directory
  words(
    [4, END],
    [2, 0],
    [2, 0],
    [2, entries.length],
    [2, entries.length],
    [4, length],
    [4, directory],
    [2, 0],
  )
  return bytes
}

let table: Uint32Array | null = null

function crc32(data: Uint8Array): number {
  table ??= Uint32Array.from({ length: 256 }, (_, n) => {
    let value = n
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
    return value
  })
  let sum = 0xffffffff
  for (let i = 0; i < data.length; i++) sum = table[(sum ^ data[i]) & 255] ^ (sum >>> 8)
  return ~sum >>> 0
}
