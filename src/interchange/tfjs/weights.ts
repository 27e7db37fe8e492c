// The weights of a file of TensorFlow.js: a list of specs, and the bytes of all in a row. Enters: untrusted specs and bytes. Leaves:
// arrays by name, in float32. Quantized ones are value scale + min of uint8 or uint16, or float16.
import { halfToFloat } from '../../formats/half.ts'
import { check, fail, isRecord, must, number, show } from '../../numerics/errors.ts'
import { elementCount, type NamedArray } from '../../numerics/tensor.ts'
import { own } from '../keras/row.ts'

type Elements = ArrayLike<number>

/** Types of elements: their bytes, and a view of bytes that are theirs alone. */
const TYPES: Readonly<Record<string, readonly [bytes: number, view: new (own: ArrayBuffer) => Elements]>> = {
  float32: [4, Float32Array],
  int32: [4, Int32Array],
  bool: [1, Uint8Array],
  uint8: [1, Uint8Array],
  uint16: [2, Uint16Array],
  float16: [2, Uint16Array],
}

const FINITE_64 = number('a finite number', () => true)

/** value scale + min. */
function scaled(elements: Elements, scale: number, min: number): Float32Array {
  const data = new Float32Array(elements.length)
  for (let i = 0; i < data.length; i++) data[i] = elements[i] * scale + min
  return data
}

/** The arrays that `specs` place in `bytes`, one behind the other. @throws LanegradError */
export function readWeights(specs: readonly unknown[], bytes: Uint8Array): Map<string, NamedArray> {
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
    const given = own(spec, 'quantization')
    const quantization = isRecord(given) ? given : {}
    const dtype = own(quantization, 'dtype') ?? own(spec, 'dtype')
    if (typeof dtype !== 'string' || !Object.hasOwn(TYPES, dtype))
      fail(`${what}: dtype must be one of ${Object.keys(TYPES).join(', ')}; got ${show(dtype)}`)
    const [size, View] = TYPES[dtype]
    const end = at + count * size
    if (end > bytes.length)
      fail(`${what} ends at byte ${end} of ${bytes.length}: shards are missing or cut off`)
    const elements = new View(new Uint8Array(bytes.subarray(at, end)).buffer)
    const factor = (key: string, byDefault: number) =>
      must(FINITE_64, own(quantization, key) ?? byDefault, `${what}: quantization ${key}`)
    const data =
      dtype === 'float32'
        ? (elements as Float32Array)
        : dtype === 'float16'
          ? Float32Array.from(elements, halfToFloat)
          : scaled(elements, factor('scale', 1), factor('min', 0))
    arrays.set(name, { shape: [...shape], data })
    at = end
  }
  return arrays
}
