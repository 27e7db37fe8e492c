// biome-ignore-all lint/suspicious/noControlCharactersInRegex: these are bytes, no text
// What a file of unknown origin looks like. Enters: bytes. Leaves: the kind of file in words, with what reads it, for the error of a
// reader that was given something else.
import { fail } from '../numerics/errors.ts'

/** How the first 16 bytes of a file begin, as Latin-1, and what it then is. The first that fits counts. */
const SIGNS: readonly (readonly [begins: RegExp, is: string])[] = [
  [
    /^.{5}\0{3}\{/s,
    "a safetensors file: load reads models of lanegrad, loadStateDict, from 'lanegrad/torch', PyTorch's",
  ],
  // the field ir_version, a small number
  [/^\x08[\x01-\x1f]/, "an ONNX file: loadOnnx, from 'lanegrad/onnx', reads these"],
  [/^\x89HDF/, "an HDF5 file: loadKeras, from 'lanegrad/keras', reads models of Keras"],
  [/^PK/, "a zip file: loadKeras, from 'lanegrad/keras', reads .keras files"],
  [/^\s*\{/, "JSON: loadTfjs, from 'lanegrad/tfjs', reads models of TensorFlow.js"],
  [/^\x93NUMPY/, "a NumPy file: readArrays, from 'lanegrad/node', reads arrays"],
  [/^\s*<|^%PDF|^\x89PNG|^\xff\xd8/, 'a page or a picture'],
  [/^version https:/, 'a pointer of Git LFS: git lfs pull brings the file itself'],
  [/^\x80[\x02-\x05]/, 'a pickle of Python: save a state_dict with safetensors.torch.save_file'],
  [/^.{4}TFL3/s, 'a TensorFlow Lite file, which is not read: convert the original model to ONNX'],
  [/^\x1f\x8b/, 'a gzip file: unpack it first'],
]

/** What the bytes look like, or null. */
export function kindOf(bytes: Uint8Array): string | null {
  const start = String.fromCharCode(...bytes.subarray(0, 16))
  return SIGNS.find(([begins]) => begins.test(start))?.[1] ?? null
}

/** @throws LanegradError that begins with `what` where the bytes look like a file of another kind than those that `own` fits */
export function refuseOthers(what: string, bytes: Uint8Array, own: RegExp): void {
  const is = kindOf(bytes)
  if (bytes.length === 0) fail(`${what} is empty`)
  if (is && !own.test(is)) fail(`${what}: it looks like ${is}`)
}
