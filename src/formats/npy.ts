// NumPy's files of one array, .npy. Layout: \x93NUMPY | major, minor version | length of the header, u16 (version 1) or u32 |
// header | elements, the last axis fastest. The header is a dictionary in Python's words, padded with spaces to a multiple of 64:
//   {'descr': '<f4', 'fortran_order': False, 'shape': (60000, 784), }
// Enters: bytes of unknown origin, or arrays. Leaves: arrays, or bytes. A file that breaks this is refused; nothing is guessed.
import { encodeText } from '../numerics/bytes.ts'
import { fail, show } from '../numerics/errors.ts'
import { elementCount, type ShapedArray } from '../numerics/tensor.ts'
import { aligned, ELEMENT_TYPES } from './elements.ts'

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]
const ALIGNMENT = 64
const MAX_HEADER_BYTES = 65536 // NumPy itself writes some hundred
const MAX_RANK = 32

/** Bytes that the header takes at most, of an array of 32 axes. */
export const MAX_NPY_HEADER_BYTES = 704

/** The bytes before the elements, padded to `bytes` or, by default, to the next multiple of 64. */
export function npyHeader(type: string, shape: readonly number[], bytes = 0): Uint8Array {
  if (shape.length > MAX_RANK) fail(`.npy: expected at most ${MAX_RANK} axes; got ${shape.length}`)
  const order = type.endsWith('1') ? '|' : '<'
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const text = `{'descr': '${order}${type}', 'fortran_order': False, 'shape': (${sizes}), }`
  const length = Math.max(bytes, Math.ceil((11 + text.length) / ALIGNMENT) * ALIGNMENT) - 10
  const padded = encodeText(`${text.padEnd(length - 1)}\n`)
  return Uint8Array.of(...MAGIC, 1, 0, length & 255, length >> 8, ...padded)
}

interface Header {
  readonly descr: string
  readonly order: string
  readonly shape: string
}

/** The entries of the dictionary, as texts. */
function parseHeader(name: string, text: string): Header {
  const entry = /\s*(['"])(\w+)\1\s*:\s*('[^']*'|"[^"]*"|True|False|\([\d\sL,]*\)|\[.*\])\s*(,|(?=\}))/y
  const broken = (): never => fail(`${name}: the header is broken: ${show(text.trim())}`)
  const entries = new Map<string, string>()
  let at = text.indexOf('{') + 1
  if (!/^\s*$/.test(text.slice(0, Math.max(at - 1, 0))) || at === 0) broken()
  for (;;) {
    entry.lastIndex = at
    const match = entry.exec(text)
    if (!match) break
    const [whole, , key, value] = match
    if (entries.has(key)) broken()
    entries.set(key, value)
    at += whole.length
  }
  if (!/^\s*\}\s*$/.test(text.slice(at))) broken()
  const [descr, order, shape] = ['descr', 'fortran_order', 'shape'].map((key) => entries.get(key) ?? broken())
  if (entries.size > 3) broken()
  return { descr, order, shape }
}

/** The sizes of a tuple in Python's words. */
function sizesOf(name: string, text: string): number[] {
  const parts = text
    .slice(1, -1)
    .split(',')
    .map((part) => part.trim())
  if (parts.at(-1) === '') parts.pop()
  if (!parts.every((part) => /^\d+L?$/.test(part)) || parts.length > MAX_RANK)
    fail(`${name}: the header's shape must be sizes of at most ${MAX_RANK} axes; got ${show(text)}`)
  return parts.map((part) => Number.parseInt(part, 10))
}

/** The same bytes with each element of `size` bytes turned round. */
function turned(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  const result = bytes.slice()
  for (let at = 0; at < result.length; at += size) result.subarray(at, at + size).reverse()
  return result
}

/** The array of a file. Where its elements are little-endian and lie well, the data is a view of the bytes. */
export function decodeNpy(bytes: Uint8Array<ArrayBuffer>, name: string): ShapedArray<ArrayBuffer> {
  const need = (count: number, what: string) => {
    if (bytes.length < count) fail(`${name}: expected ${count} bytes ${what}; got ${bytes.length}`)
  }
  need(10, 'of header')
  const [major, minor] = bytes.subarray(6)
  if (!MAGIC.every((byte, i) => bytes[i] === byte))
    fail(`${name}: expected a .npy file; got one that begins with ${show([...bytes.subarray(0, 6)])}`)
  if (major < 1 || major > 3) fail(`${name}: expected version 1, 2 or 3 of .npy; got ${major}.${minor}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const before = major === 1 ? 10 : 12
  need(before, 'of header')
  const headerBytes = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true)
  if (headerBytes > MAX_HEADER_BYTES)
    fail(`${name}: expected a header of at most ${MAX_HEADER_BYTES} bytes; got ${headerBytes}`)
  const start = before + headerBytes
  need(start, 'of header')
  const text = String.fromCharCode(...bytes.subarray(before, start))
  const header = parseHeader(name, text)
  const [, order, kind] = /^['"]([<>|=])(\w+)['"]$/.exec(header.descr) ?? []
  const type = ELEMENT_TYPES.find((own) => own.name === kind)
  if (!type || (order === '|' && type.bytes > 1)) {
    const known = ELEMENT_TYPES.map((own) => own.name).join(', ')
    return fail(`${name}: the dtype must be one of ${known}, with < or > before it; got ${header.descr}`)
  }
  if (header.order === 'True')
    fail(
      `${name}: expected the elements row by row; got Fortran's order (np.save(path, np.ascontiguousarray(a)))`,
    )
  const shape = sizesOf(name, header.shape)
  const count = elementCount(shape, `${name}: shape`)
  const expected = start + count * type.bytes
  const what = `for ${shape.join(' x ') || 'one number'} of ${kind}`
  need(expected, what)
  if (bytes.length > expected) fail(`${name}: expected ${expected} bytes ${what}; got ${bytes.length}`)
  const elements = bytes.subarray(start)
  const isBig = order === '>' && type.bytes > 1
  const own = isBig ? turned(elements, type.bytes) : aligned(elements, type.bytes)
  return { shape, data: type.read(own, count, name) }
}
