// Writes and reads safetensors files. Enters: named arrays and string metadata, or a file of unknown origin as bytes. Leaves: the
// file's bytes, or the arrays in the order of their data, each with its own memory.
// Layout: u64 little-endian header length | JSON header, padded with spaces to a multiple of 8 | data.
//   header: { name: { dtype, shape, data_offsets: [begin, end] }, ..., "__metadata__": { string: string } }
// The host is little-endian, as WebAssembly memory is. Nothing is assumed about the bytes: every broken law has its own
// LanegradError, thrown before memory is allocated. No view of the input is kept.

import { isFloat32, isInt32 } from '../numerics/brands.ts'
import { type ByteSource, bytesOf, decodeText, encodeText } from '../numerics/bytes.ts'
import { check, fail, isRecord, NATURAL, show } from '../numerics/errors.ts'
import { checkLength, elementCount, type NamedArray } from '../numerics/tensor.ts'
import { halfToFloat } from './half.ts'

const METADATA = '__metadata__'
const MAX_HEADER_BYTES = 100_000_000 // the format's own limit

/** Bytes per element and how the bytes (a view exactly over the tensor) become an array of `count`. */
export interface TensorReader<A = NamedArray['data']> {
  readonly bytes: number
  read(view: DataView<ArrayBuffer>, count: number, name: string): A
}

/** The types that our own files have. */
export const ownReaders: Readonly<Record<string, TensorReader>> = {
  F32: { bytes: 4, read: (view) => new Float32Array(alignedCopy(view)) },
  I32: { bytes: 4, read: (view) => new Int32Array(alignedCopy(view)) },
}

/** All types that are read. */
export const allReaders: Readonly<Record<string, TensorReader>> = {
  ...ownReaders,
  F64: {
    bytes: 8,
    read: (view, count) => new Float32Array(count).map((_, i) => view.getFloat64(8 * i, true)),
  },
  F16: {
    bytes: 2,
    read: (view, count) => new Float32Array(count).map((_, i) => halfToFloat(view.getUint16(2 * i, true))),
  },
  BF16: {
    bytes: 2,
    read: (view, count) =>
      new Float32Array(new Uint32Array(count).map((_, i) => view.getUint16(2 * i, true) << 16).buffer),
  },
  U8: { bytes: 1, read: (view, count) => new Int32Array(count).map((_, i) => view.getUint8(i)) },
  I64: {
    bytes: 8,
    read: (view, count, name) =>
      new Int32Array(count).map((_, i) => {
        const low = view.getInt32(8 * i, true)
        if (view.getInt32(8 * i + 4, true) !== low >> 31)
          malformed(`tensor ${show(name)}: I64 element ${i} exceeds int32`)
        return low
      }),
  },
}

/**
 * A safetensors file: F32 and I32 tensors in the map's order, without holes.
 * @throws LanegradError if a shape disagrees with its data or the name is "__metadata__".
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, NamedArray>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const entries: string[] = []
  const addEntry = (key: string, value: unknown) =>
    entries.push(`${JSON.stringify(key)}:${JSON.stringify(value)}`)
  checkMetadata(metadata)
  if (Object.keys(metadata).length > 0) addEntry(METADATA, metadata)
  let dataBytes = 0
  for (const [name, { shape, data }] of tensors) {
    if (name === METADATA) malformed(`the tensor name ${METADATA} is taken`)
    const isFloat = isFloat32(data)
    const what = `safetensors: tensor ${show(name)}`
    check(isFloat || isInt32(data), `${what}: data`, 'a Float32Array or Int32Array', data)
    checkLength(what, shape, data.length)
    const end = dataBytes + data.byteLength
    addEntry(name, { dtype: isFloat ? 'F32' : 'I32', shape, data_offsets: [dataBytes, end] })
    dataBytes = end
  }
  const json = encodeText(`{${entries.join()}}`)
  const headerBytes = Math.ceil(json.length / 8) * 8
  checkHeaderBytes(headerBytes, MAX_HEADER_BYTES)
  const file = new Uint8Array(8 + headerBytes + dataBytes)
  new DataView(file.buffer).setUint32(0, headerBytes, true)
  file.set(json, 8)
  file.fill(0x20, 8 + json.length, 8 + headerBytes)
  let at = 8 + headerBytes
  for (const { data } of tensors.values()) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at)
    at += data.byteLength
  }
  return file
}

/** The content of a file. */
interface Decoded<A = NamedArray['data']> {
  readonly tensors: Map<string, { readonly shape: readonly number[]; readonly data: A }>
  readonly metadata: Record<string, string>
}

/**
 * Reads F32, F64, F16, BF16 (to float32) and I32, I64, U8 (to int32) tensors.
 * @throws LanegradError, one message for each way in which a file can be malformed.
 */
export function decodeSafetensors(given: ByteSource): Decoded {
  const bytes = bytesOf('safetensors file', given)
  // a length above 4 GB is none: the file is another's, a page of text for example
  if (bytes.subarray(4, 8).some((byte) => byte > 0))
    malformed(
      `the file begins with ${show(String.fromCharCode(...bytes.subarray(0, 16)))}, not with a length`,
    )
  return decodeTensors(bytes, allReaders)
}

/** The same for the types of `readers`. */
export function decodeTensors<A>(
  given: ByteSource,
  readers: Readonly<Record<string, TensorReader<A>>>,
): Decoded<A> {
  const bytes = bytesOf('safetensors file', given)
  check(bytes.length >= 8, 'safetensors file', 'of 8 bytes or more', bytes.length)
  const file = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const headerBytes = file.getUint32(0, true) + file.getUint32(4, true) * 0x100000000
  const dataStart = 8 + headerBytes
  checkHeaderBytes(headerBytes, Math.min(MAX_HEADER_BYTES, bytes.length - 8))
  const header = parseHeader(bytes.subarray(8, dataStart))
  const metadata = Object.hasOwn(header, METADATA) ? header[METADATA] : {}
  check(isRecord(metadata), `safetensors: ${METADATA}`, 'an object', metadata)
  checkMetadata(metadata)
  const entries = Object.entries(header)
    .filter(([name]) => name !== METADATA)
    .map(([name, info]) => readEntry(name, info, readers))
    .sort((a, b) => a.begin - b.begin || a.end - b.end)
  checkLayout(entries, bytes.length - dataStart)
  const tensors: Decoded<A>['tensors'] = new Map()
  for (const { name, reader, shape, count, begin, end } of entries) {
    const view = new DataView(bytes.buffer, bytes.byteOffset + dataStart + begin, end - begin)
    tensors.set(name, { shape, data: reader.read(view, count, name) })
  }
  return { tensors, metadata: metadata as Record<string, string> }
}

function checkHeaderBytes(headerBytes: number, most: number): void {
  check(headerBytes <= most, 'safetensors: header length', `at most ${most}`, headerBytes)
}

function checkMetadata(metadata: object): void {
  for (const [key, value] of Object.entries(metadata))
    check(typeof value === 'string', `safetensors: metadata ${show(key)}`, 'a string', value)
}

interface Entry<A> {
  readonly name: string
  readonly reader: TensorReader<A>
  readonly shape: readonly number[]
  readonly count: number
  readonly begin: number
  readonly end: number
}

function parseHeader(utf8: Uint8Array): Record<string, unknown> {
  let text: string
  try {
    text = decodeText(utf8)
  } catch {
    malformed('the header must be UTF-8')
  }
  let header: unknown
  let keptKeys = 0
  try {
    header = JSON.parse(text, function (this: unknown, _, value) {
      if (!Array.isArray(this)) keptKeys++
      return value
    })
  } catch {
    malformed('the header must be JSON')
  }
  check(isRecord(header), 'safetensors: header', 'an object', header)
  // JSON.parse keeps the last of equal keys; it counted one key for the root
  if (countKeys(text) !== keptKeys - 1) malformed('the header has a key twice')
  return header
}

/** Keys in valid JSON: strings followed by a colon. */
function countKeys(json: string): number {
  let count = 0
  for (let at = json.indexOf('"'); at >= 0; at = json.indexOf('"', at)) {
    do at += json[at] === '\\' ? 2 : 1
    while (json[at] !== '"')
    do at++
    while (' \t\n\r'.includes(json[at] ?? '.'))
    if (json[at] === ':') count++
  }
  return count
}

function readEntry<A>(
  name: string,
  info: unknown,
  readers: Readonly<Record<string, TensorReader<A>>>,
): Entry<A> {
  const what = `safetensors: tensor ${show(name)}`
  check(isRecord(info), what, 'an object', info)
  const { dtype, shape, data_offsets: offsets } = info
  if (typeof dtype !== 'string' || !Object.hasOwn(readers, dtype))
    fail(`${what}: dtype must be one of ${Object.keys(readers).join(', ')}; got ${show(dtype)}`)
  const reader = readers[dtype]
  const count = elementCount(shape as number[], `${what}: shape`)
  const isRange = Array.isArray(offsets) && offsets.length === 2 && offsets.every(NATURAL.holds)
  check(isRange && offsets[0] <= offsets[1], `${what}: data_offsets`, 'two increasing integers >= 0', offsets)
  const [begin, end]: number[] = offsets
  const bytes = count * reader.bytes
  check(end - begin === bytes, `${what}: data_offsets`, `${bytes} bytes apart`, offsets)
  return { name, reader, shape: shape as number[], count, begin, end }
}

/** The tensors, sorted by their offsets, must cover the data exactly: in range, no overlap, no hole. */
function checkLayout(entries: readonly Entry<unknown>[], dataBytes: number): void {
  let covered = 0
  for (const { name, begin, end } of entries) {
    if (end > dataBytes) malformed(`tensor ${show(name)} ends at byte ${end} of ${dataBytes}`)
    if (begin < covered)
      malformed(`tensor ${show(name)} at byte ${begin} overlaps one that ends at ${covered}`)
    if (begin > covered) malformed(`tensor ${show(name)} follows a hole of ${begin - covered} bytes`)
    covered = end
  }
  if (covered < dataBytes) malformed(`${dataBytes - covered} bytes belong to no tensor`)
}

function malformed(message: string): never {
  fail(`safetensors: ${message}`)
}

/** The bytes of a view in aligned memory of their own (Buffer.slice would share them). */
function alignedCopy(view: DataView): ArrayBuffer {
  const copy = new Uint8Array(view.byteLength)
  copy.set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength))
  return copy.buffer
}
