// What a file that isn't a model of ours may be. Enters: bytes of unknown origin, and the error that `load` gave. Leaves: an error that
// names the place they come from and, where they look like a file of another maker, what reads it.

import type { Symbolic } from '../layers/layer.ts'
import { type LoadOptions, load } from '../model/create.ts'
import type { Model } from '../model/model.ts'
import type { Values } from '../network/network.ts'
import { messageOf } from '../numerics/brands.ts'
import { fail } from '../numerics/errors.ts'

/** What an ONNX file begins with: the field ir_version, a small number. */
const isOnnx = (bytes: Uint8Array) => bytes[0] === 8 && bytes[1] > 0 && bytes[1] < 32 && bytes[8] !== 0x7b
const ONNX = "an ONNX file: loadOnnx, from 'lanegrad/onnx', reads these"

/** First bytes, as Latin-1, of other files, and what they are. */
const SIGNS: readonly (readonly [begins: RegExp, is: string])[] = [
  [/^\x89HDF/, "an HDF5 file: loadKeras, from 'lanegrad/keras', reads models of Keras"],
  [/^PK/, "a zip file: loadKeras, from 'lanegrad/keras', reads .keras files"],
  [/^\s*\{/, "JSON: loadTfjs, from 'lanegrad/tfjs', reads models of TensorFlow.js"],
  [/^\x93NUMPY/, "a NumPy file: readArrays, from 'lanegrad/node', reads arrays"],
  [/^\s*<|^%PDF|^\x89PNG|^\xff\xd8/, 'a page or a picture'],
]

/**
 * The model in bytes that came from `place`. The type parameter is as for `load`.
 * @throws LanegradError that begins with `what` and names the place
 */
export function loadFrom<V extends Values = Symbolic>(
  what: string,
  place: string,
  bytes: Uint8Array,
  options: LoadOptions,
): Model<V> {
  try {
    return load<V>(bytes, options)
  } catch (error) {
    const start = String.fromCharCode(...bytes.subarray(0, 16))
    const is = isOnnx(bytes) ? ONNX : SIGNS.find(([begins]) => begins.test(start))?.[1]
    if (bytes.length === 0) return fail(`${what}: ${place} is empty`)
    return fail(`${what}: ${place}: ${is ? `it looks like ${is}` : messageOf(error)}`)
  }
}
