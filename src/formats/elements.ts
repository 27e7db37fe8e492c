// The types of numbers in files of arrays (.npy, safetensors) and the typed arrays that hold them. Enters: bytes, little-endian.
// Leaves: a typed array, a view of the bytes wherever JavaScript has the type. What it lacks is made of the nearest type that
// has the same numbers: half floats become float32, 64-bit integers int32, and a number that doesn't fit is refused.
import { arrayType } from '../numerics/brands.ts'
import { fail } from '../numerics/errors.ts'
import type { NumberArray } from '../numerics/tensor.ts'
import { halfToFloat } from './half.ts'

type Bytes = Uint8Array<ArrayBuffer>

/** A type of numbers; it is named as NumPy does without the order of bytes, as in `f4`. */
export interface ElementType {
  readonly name: string
  readonly bytes: number
  /** `what` begins messages. */
  read(bytes: Bytes, count: number, what: string): NumberArray<ArrayBuffer>
}

type ArrayClass = new (buffer: ArrayBuffer, byteOffset: number, length: number) => NumberArray<ArrayBuffer>

/** A type that JavaScript has. */
const native = (name: string, bytes: number, Type: ArrayClass): ElementType => ({
  name,
  bytes,
  read: (from, count) => new Type(from.buffer, from.byteOffset, count),
})

/** Integers of 64 bits, in the range of int32. */
const long = (name: string, highOf: (low: number) => number): ElementType => ({
  name,
  bytes: 8,
  read(from, count, what) {
    const words = new Int32Array(from.buffer, from.byteOffset, 2 * count)
    const result = new Int32Array(count)
    for (let i = 0; i < count; i++) {
      result[i] = words[2 * i]
      if (words[2 * i + 1] !== highOf(result[i])) fail(`${what}: element ${i} doesn't fit int32`)
    }
    return result
  },
})

const BOOLEANS: ElementType = {
  name: 'b1',
  bytes: 1,
  read(from, count, what) {
    for (let i = 0; i < count; i++)
      if (from[i] > 1) fail(`${what}: element ${i} is the byte ${from[i]}; expected 0 or 1`)
    return from.subarray(0, count)
  },
}

const HALVES: ElementType = {
  name: 'f2',
  bytes: 2,
  read: (from, count) =>
    Float32Array.from(new Uint16Array(from.buffer, from.byteOffset, count), (half) => halfToFloat(half)),
}

export const ELEMENT_TYPES: readonly ElementType[] = [
  BOOLEANS,
  native('i1', 1, Int8Array),
  native('u1', 1, Uint8Array),
  native('i2', 2, Int16Array),
  native('u2', 2, Uint16Array),
  native('i4', 4, Int32Array),
  native('u4', 4, Uint32Array),
  long('i8', (low) => low >> 31),
  long('u8', (low) => (low < 0 ? NaN : 0)),
  HALVES,
  native('f4', 4, Float32Array),
  native('f8', 8, Float64Array),
]

/** The bytes in memory where a typed array of elements of `size` bytes may look at them. */
export const aligned = (bytes: Bytes, size: number): Bytes =>
  bytes.byteOffset % size ? bytes.slice() : bytes

/** The name of the type of an array's numbers. */
export const elementsOf = (array: NumberArray): string =>
  `${arrayType(array)?.[0].toLowerCase()}${array.BYTES_PER_ELEMENT}`

/** The bytes of an array, a view. */
export const bytesIn = ({ buffer, byteOffset, byteLength }: NumberArray): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)
