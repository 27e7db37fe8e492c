// The data of an HDF5 dataset that is stored in chunks. Enters: the layout of the data and its filters. Leaves: all bytes in the order of
// the dataset; what no chunk holds is 0.
import { fail } from '../../numerics/errors.ts'
import { elementCount } from '../../numerics/tensor.ts'
import { inflate } from '../inflate.ts'
import type { Hdf5Bytes } from './bytes.ts'

const DEFLATE = 1
const SHUFFLE = 2
const FLETCHER = 3
/** Deflate makes at most 1032 bytes of one; chunks that aren't there are fill values. */
const MOST_EXPANSION = 1100

/** The filters of a dataset, in the order in which they were applied. */
function filtersAt(file: Hdf5Bytes, at: number): number[] {
  const version = file.u8(at)
  if (version !== 1 && version !== 2) file.unknown(`filters of version ${version}`)
  let next = at + (version === 1 ? 8 : 2)
  return Array.from({ length: file.u8(at + 1) }, () => {
    const id = file.u16(next)
    const isNamed = version === 1 || id > 255
    const nameLength = isNamed ? file.u16(next + 2) : 0
    const values = file.u16(next + (isNamed ? 6 : 4))
    const padding = version === 1 && values % 2 === 1 ? 4 : 0
    next +=
      (isNamed ? 8 : 6) + (version === 1 ? Math.ceil(nameLength / 8) * 8 : nameLength) + 4 * values + padding
    if (id !== DEFLATE && id !== SHUFFLE && id !== FLETCHER) file.unknown(`a filter (${id})`)
    return id
  })
}

/** Byte i of all elements, one behind the other, to the elements. */
function unshuffled(bytes: Uint8Array, size: number): Uint8Array {
  const count = Math.floor(bytes.length / size)
  const result = bytes.slice()
  for (let byte = 0; byte < size; byte++)
    for (let i = 0; i < count; i++) result[i * size + byte] = bytes[byte * count + i]
  return result
}

/** The bytes of a chunked dataset of this shape, whose layout message lies at `layout`. */
export function readChunks(
  file: Hdf5Bytes,
  layout: number,
  filterAt: number | null,
  shape: readonly number[],
  size: number,
): Uint8Array {
  const filters = filterAt === null ? [] : filtersAt(file, filterAt)
  const rank = file.u8(layout + 2) - 1
  if (rank !== shape.length) file.damaged(`chunks of ${rank} axes for ${shape.length}`)
  const tree = file.u64(layout + 3)
  const chunk = shape.map((_, axis) => file.u32(layout + 11 + 4 * axis))
  const chunkBytes = elementCount(chunk) * size
  const most = file.bytes.length * (filters.includes(DEFLATE) ? MOST_EXPANSION : 1)
  if (elementCount(shape) * size > most || chunkBytes > most || chunk.includes(0))
    fail(
      `HDF5: a dataset claims ${elementCount(shape) * size} bytes in a file of ${file.bytes.length}: a decompression bomb`,
    )
  file.take(elementCount(shape) * size + chunkBytes, 100)
  const result = new Uint8Array(elementCount(shape) * size)
  if (tree >= 0x8000000000000000 || result.length === 0) return result // no chunk was written

  const place = (bytes: Uint8Array, offsets: readonly number[]): void => {
    const strides = shape.map((_, axis) => elementCount(shape.slice(axis + 1)) * size)
    const copy = (axis: number, from: number, to: number): void => {
      const length = Math.min(chunk[axis], shape[axis] - offsets[axis])
      const step = elementCount(chunk.slice(axis + 1)) * size
      if (axis === rank - 1) {
        const at = to + offsets[axis] * strides[axis]
        result.set(bytes.subarray(from, from + length * step), at)
        return
      }
      for (let i = 0; i < length; i++)
        copy(axis + 1, from + i * step, to + (offsets[axis] + i) * strides[axis])
    }
    if (rank === 0) result.set(bytes.subarray(0, size))
    else copy(0, 0, 0)
  }
  const seen = new Set<number>()
  const walk = (address: number, level: number): void => {
    if (seen.has(address)) file.damaged(`byte ${address} is in a tree twice`)
    seen.add(address)
    file.count()
    file.expect(address, 'TREE')
    if (file.u8(address + 4) !== 1 || file.u8(address + 5) !== level)
      file.damaged(`the tree at byte ${address}`)
    const entry = 16 + 8 * (rank + 1) // key and child
    for (let i = 0; i < file.u16(address + 6); i++) {
      const key = address + 24 + entry * i
      const child = file.u64(key + entry - 8)
      if (level > 0) {
        walk(child, level - 1)
        continue
      }
      const offsets = shape.map((_, axis) => file.u64(key + 8 + 8 * axis))
      if (offsets.some((offset, axis) => offset >= shape[axis] || offset % chunk[axis] !== 0))
        file.damaged(`a chunk at [${offsets}]`)
      if (seen.has(child)) file.damaged(`the chunk at byte ${child} is there twice`)
      seen.add(child)
      let bytes = file.slice(child, file.u32(key))
      const skipped = file.u32(key + 4)
      for (let filter = filters.length - 1; filter >= 0; filter--) {
        if (skipped & (1 << filter)) continue
        if (filters[filter] === FLETCHER) bytes = bytes.subarray(0, bytes.length - 4)
        else if (filters[filter] === SHUFFLE) bytes = unshuffled(bytes, size)
        else
          bytes = inflate('HDF5: a chunk', bytes.subarray(2, -4), inflatedBytes(filters, filter, chunkBytes))
      }
      if (bytes.length !== chunkBytes) file.damaged(`a chunk of ${bytes.length} bytes for ${chunkBytes}`)
      place(bytes, offsets)
    }
  }
  walk(tree, file.u8(tree + 5))
  return result
}

/** Bytes behind the deflate filter: those of the chunk, and a checksum if that was added before it. */
const inflatedBytes = (filters: readonly number[], at: number, chunkBytes: number): number =>
  chunkBytes + 4 * filters.slice(0, at).filter((id) => id === FLETCHER).length
