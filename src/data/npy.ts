// .npy files in memory, NumPy's files of one array, to arrays with shapes and back.
import { bytesIn, elementsOf } from '../formats/elements.ts'
import { decodeNpy, npyHeader } from '../formats/npy.ts'
import { type ByteSource, bytesOf } from '../numerics/bytes.ts'
import { check, reading } from '../numerics/errors.ts'
import { checkLength, isShaped, type ShapedArray } from '../numerics/tensor.ts'

/**
 * The array of a .npy file of version 1 to 3, as a copy with its shape. Floats and integers of 8 to 32 bits keep their type;
 * float16 becomes float32, int64 and uint64 become int32, and booleans bytes of 0 and 1. `name` begins the messages of errors.
 * @throws LanegradError on another format, another dtype, Fortran's order, a 64-bit integer that doesn't fit int32, or a file that
 * is longer or shorter than its header says
 * @example
 * ```js
 * import { parseNpy, saveNpy } from 'lanegrad/data'
 *
 * const { shape, data } = parseNpy(saveNpy({ shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }))
 * console.log(shape, data.join(' ')) // [ 2, 2 ] 1 2 3 4
 * ```
 */
export function parseNpy(file: ByteSource, name = '.npy file'): ShapedArray<ArrayBuffer> {
  check(typeof name === 'string', 'parseNpy: name', 'a string', name)
  return decodeNpy(bytesOf('parseNpy: file', file).slice(), name)
}

/**
 * The .npy file of an array, which `np.load` reads; the numbers keep their type.
 * @throws LanegradError for anything but a typed array with its shape
 * @example
 * ```js
 * import { saveNpy } from 'lanegrad/data'
 *
 * const file = saveNpy({ shape: [3], data: Uint8Array.of(7, 8, 9) })
 * console.log(file.length) // 131
 * ```
 */
export const saveNpy = (array: ShapedArray): Uint8Array<ArrayBuffer> =>
  reading('saveNpy: array', () => {
    check(isShaped(array), 'saveNpy: array', 'a typed array with its shape, { shape, data }', array)
    const { shape, data } = array
    checkLength('saveNpy: array', shape, data.length)
    const header = npyHeader(elementsOf(data), shape)
    const file = new Uint8Array(header.length + data.byteLength)
    file.set(header)
    file.set(bytesIn(data), header.length)
    return file
  })
