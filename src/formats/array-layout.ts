// The header of a safetensors file of any typed arrays, for a writer that counts rows before it knows the header.
import { encodeText } from '../numerics/bytes.ts'
import { fail, show } from '../numerics/errors.ts'
import { elementCount } from '../numerics/tensor.ts'

/** An array of a file: the type of its elements as NumPy names it (`f4`), their bytes, and its shape. */
export interface ArrayLayout {
  readonly name: string
  readonly type: string
  readonly bytes: number
  readonly shape: readonly number[]
}

/** Bytes that the header of these arrays takes at most, where they have no more than 32 axes. */
export const reservedBytes = (names: readonly string[]): number =>
  8 * Math.ceil(names.reduce((sum, name) => sum + encodeText(JSON.stringify(name)).length + 704, 16) / 8)

/** The bytes before the elements of arrays that follow each other without holes, padded to `bytes`. */
export function safetensorsHeader(arrays: readonly ArrayLayout[], bytes: number): Uint8Array {
  let end = 0
  const entries = arrays.map(({ name, type, bytes, shape }) => {
    if (shape.length > 32) fail(`safetensors: ${name}: expected at most 32 axes; got ${shape.length}`)
    if (name === '__metadata__') fail(`safetensors: the name ${show(name)} is taken`)
    const dtype = `${type[0].toUpperCase()}${8 * bytes}`
    const begin = end
    end += elementCount(shape) * bytes
    return `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, end] })}`
  })
  const header = new Uint8Array(bytes).fill(0x20)
  new DataView(header.buffer).setUint32(0, bytes - 8, true)
  header.fill(0, 4, 8)
  header.set(encodeText(`{${entries.join()}}`), 8)
  return header
}
