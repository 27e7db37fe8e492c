// Types of HDF5: numbers and texts. Enters: a datatype message and the bytes of elements. Leaves: float32 or int32 numbers, or texts.
import { fail } from '../../numerics/errors.ts'
import { halfToFloat } from '../half.ts'
import type { Hdf5Bytes } from './bytes.ts'

export interface Datatype {
  readonly kind: 'int' | 'float' | 'text' | 'listed text' | 'bytes'
  /** Bytes of an element. */
  readonly size: number
  readonly isSigned: boolean
  readonly isLittle: boolean
}

const MOST_NESTING = 4

/** The datatype at an address. */
export function readDatatype(file: Hdf5Bytes, at: number, depth = 0): Datatype {
  const kind = file.u8(at) & 15
  const bits = file.u8(at + 1)
  const size = file.u32(at + 4)
  const type = { size, isSigned: (bits & 8) !== 0, isLittle: (bits & 1) === 0 }
  if (size === 0) file.damaged('a type of no bytes')
  if (kind === 0) return { ...type, kind: 'int' }
  if (kind === 1) return { ...type, kind: 'float' }
  if (kind === 3) return { ...type, kind: 'text' }
  if (kind === 5) return { ...type, kind: 'bytes' }
  if (kind === 8 && depth < MOST_NESTING) return readDatatype(file, at + 8, depth + 1) // h5py's booleans
  if (kind === 9 && (bits & 15) === 1) return { ...type, kind: 'listed text' }
  return file.unknown(`a type of class ${kind}`)
}

/** The text of an element; a number's digits. */
export function textOf(file: Hdf5Bytes, type: Datatype, at: number): string {
  if (type.kind === 'text') return file.text(at, at + type.size)
  if (type.kind === 'listed text') {
    const length = file.u32(at)
    file.take(length, 4) // many may name one
    return length === 0 ? '' : file.text(...heapObject(file, file.u64(at + 4), file.u32(at + 12), length))
  }
  return String(numbersOf(file, type, file.slice(at, type.size), false)[0])
}

/** Begin and end of an object in a global heap. */
function heapObject(
  file: Hdf5Bytes,
  heap: number,
  wanted: number,
  length: number,
): [at: number, end: number] {
  file.expect(heap, 'GCOL')
  const end = heap + file.u64(heap + 8)
  for (let at = heap + 16; at + 16 <= end; ) {
    file.count()
    const index = file.u16(at)
    const size = file.u64(at + 8)
    if (index === 0) break
    if (index === wanted) {
      if (length > size) file.damaged(`a text of ${length} bytes in ${size}`)
      return [at + 16, at + 16 + length]
    }
    at += 16 + Math.ceil(size / 8) * 8
  }
  return file.damaged(`object ${wanted} isn't in its heap`)
}

/** The elements as numbers. `isBrain`: 2 bytes are a bfloat16, as Keras marks them. */
export function numbersOf(
  file: Hdf5Bytes,
  { kind, size, isSigned, isLittle }: Datatype,
  bytes: Uint8Array,
  isBrain: boolean,
): Float32Array | Int32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const count = bytes.length / size
  const floats = (read: (at: number) => number) => new Float32Array(count).map((_, i) => read(i * size))
  if (isBrain && size === 2) {
    const words = Uint32Array.from({ length: count }, (_, i) => view.getUint16(2 * i, isLittle) << 16)
    return new Float32Array(words.buffer)
  }
  if (kind === 'float') {
    if (size === 4 && isLittle) return new Float32Array(bytes.slice().buffer)
    if (size === 4) return floats((at) => view.getFloat32(at, isLittle))
    if (size === 8) return floats((at) => view.getFloat64(at, isLittle))
    if (size === 2) return floats((at) => halfToFloat(view.getUint16(at, isLittle)))
  }
  if (kind === 'int') {
    const int = (at: number): number => {
      if (size === 1) return isSigned ? view.getInt8(at) : view.getUint8(at)
      if (size === 2) return isSigned ? view.getInt16(at, isLittle) : view.getUint16(at, isLittle)
      if (size === 4) return view.getInt32(at, isLittle)
      const [low, high] = isLittle ? [at, at + 4] : [at + 4, at]
      const value = view.getInt32(low, isLittle)
      if (view.getInt32(high, isLittle) !== value >> 31) fail('HDF5: an integer exceeds int32')
      return value
    }
    if ([1, 2, 4, 8].includes(size)) return new Int32Array(count).map((_, i) => int(i * size))
  }
  return file.unknown(`numbers of ${size} bytes (${kind})`)
}
