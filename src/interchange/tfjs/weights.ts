// The weights of a file of TensorFlow.js: a list of specs, and the bytes of all in a row. Enters: untrusted specs and bytes. Leaves:
// arrays by name. Quantized ones (uint8 and uint16: value scale + min; float16) come back as float32.
import { halfToFloat } from '../../formats/half.ts'
import { check, fail, isRecord, show } from '../../numerics/errors.ts'
import { elementCount, type NamedArray } from '../../numerics/tensor.ts'
import { own } from '../keras/row.ts'

/** Bytes of an element, and how one is read. */
const TYPES: Readonly<
  Record<string, readonly [bytes: number, read: (view: DataView, at: number) => number]>
> = {
  float32: [4, (view, at) => view.getFloat32(at, true)],
  int32: [4, (view, at) => view.getInt32(at, true)],
  bool: [1, (view, at) => view.getUint8(at)],
  uint8: [1, (view, at) => view.getUint8(at)],
  uint16: [2, (view, at) => view.getUint16(at, true)],
  float16: [2, (view, at) => halfToFloat(view.getUint16(at, true))],
}

/** The arrays that `specs` place in `bytes`, one behind the other. @throws LanegradError */
export function readWeights(specs: readonly unknown[], bytes: Uint8Array): Map<string, NamedArray> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const arrays = new Map<string, NamedArray>()
  let at = 0
  for (const spec of specs) {
    check(isRecord(spec), 'an entry of the weights', 'an object', spec)
    const name = own(spec, 'name')
    check(typeof name === 'string', 'the name of a weight', 'a string', name)
    const what = `weight ${show(name)}`
    if (arrays.has(name)) fail(`two weights are named ${show(name)}`)
    const shape = own(spec, 'shape') as readonly number[]
    const count = elementCount(shape, `${what}: shape`)
    const quantization = own(spec, 'quantization')
    const isQuantized = isRecord(quantization)
    const dtype = (isQuantized && own(quantization, 'dtype')) || own(spec, 'dtype')
    if (typeof dtype !== 'string' || !Object.hasOwn(TYPES, dtype))
      fail(`${what}: dtype must be one of ${Object.keys(TYPES).join(', ')}; got ${show(dtype)}`)
    const [size, read] = TYPES[dtype]
    if (at + count * size > bytes.length)
      fail(`${what} ends at byte ${at + count * size} of ${bytes.length}: shards are missing or cut off`)
    const data = new Float32Array(count)
    if (dtype === 'float32') new Uint8Array(data.buffer).set(bytes.subarray(at, at + 4 * count))
    else for (let i = 0; i < count; i++) data[i] = read(view, at + i * size)
    if (isQuantized && dtype !== 'float16') {
      const [scale, min] = ['scale', 'min'].map((key) => own(quantization, key) ?? (key === 'scale' ? 1 : 0))
      check(Number.isFinite(scale) && Number.isFinite(min), `${what}: quantization`, 'finite numbers', scale)
      for (let i = 0; i < count; i++) data[i] = data[i] * (scale as number) + (min as number)
    }
    arrays.set(name, { shape: [...shape], data })
    at += count * size
  }
  return arrays
}
