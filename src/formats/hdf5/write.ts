// Writes HDF5 files as HDF5 1.8 and h5py read them: superblock 0, groups with symbol tables, contiguous datasets, texts as attributes.
// Enters: datasets by path, and attributes of groups. Leaves: the file's bytes.
// Format: https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
import { isFloat32 } from '../../numerics/brands.ts'
import { encodeText } from '../../numerics/bytes.ts'
import { fail } from '../../numerics/errors.ts'
import type { NamedArray } from '../../numerics/tensor.ts'

/** Texts of a group by name: one, or a list. */
export type Attributes = Readonly<Record<string, string | readonly string[]>>

/** Groups that a node of a tree points to; a tree of one node has as many leaves at most. */
const MOST_LEAVES = 32
const SUPERBLOCK_BYTES = 96
const UNDEFINED = -1n

interface Group {
  readonly groups: Map<string, Group>
  readonly datasets: Map<string, NamedArray>
  attributes: Attributes
}

const aligned = (length: number): number => Math.ceil(length / 8) * 8

/** Little-endian fields, one behind the other. */
function fields(...values: readonly (readonly [bytes: number, value: number | bigint])[]): Uint8Array {
  const bytes = new Uint8Array(values.reduce((sum, [length]) => sum + length, 0))
  let at = 0
  for (const [length, value] of values) {
    let rest = BigInt(value)
    for (let i = 0; i < length; i++, rest >>= 8n) bytes[at++] = Number(rest & 255n)
  }
  return bytes
}

const zeros = (length: number): Uint8Array => new Uint8Array(length)
const text = (value: string): Uint8Array => encodeText(value)

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

const padded = (bytes: Uint8Array): Uint8Array => joined([bytes, zeros(aligned(bytes.length) - bytes.length)])

/** A dataspace of version 1. */
const dataspace = (shape: readonly number[]): Uint8Array =>
  fields([1, 1], [1, shape.length], [1, 0], [5, 0], ...shape.map((n) => [8, n] as const))

/** float32, int32, or a text of `size` bytes in UTF-8, filled with zeros. */
const FLOAT = fields(
  [1, 0x11],
  [3, 0x1f20],
  [4, 4],
  [2, 0],
  [2, 32],
  [1, 23],
  [1, 8],
  [1, 0],
  [1, 23],
  [4, 127],
)
const INT = fields([1, 0x10], [3, 8], [4, 4], [2, 0], [2, 32])
const textType = (size: number): Uint8Array => fields([1, 0x13], [3, 0x11], [4, size])

const message = (type: number, data: Uint8Array): Uint8Array =>
  joined([fields([2, type], [2, aligned(data.length)], [1, 0], [3, 0]), padded(data)])

/** The header of an object, version 1. */
function objectHeader(messages: readonly Uint8Array[]): Uint8Array {
  const size = messages.reduce((sum, { length }) => sum + length, 0)
  return joined([fields([1, 1], [1, 0], [2, messages.length], [4, 1], [4, size], [4, 0]), ...messages])
}

function attribute(name: string, value: string | readonly string[]): Uint8Array {
  const texts = [value].flat().map(text)
  const size = Math.max(1, ...texts.map(({ length }) => length))
  const [own, type, space] = [
    joined([text(name), zeros(1)]),
    textType(size),
    dataspace(typeof value === 'string' ? [] : [texts.length]),
  ]
  const data = texts.map((one) => joined([one, zeros(size - one.length)]))
  const sizes = fields([1, 1], [1, 0], [2, own.length], [2, type.length], [2, space.length])
  const bytes = joined([sizes, padded(own), padded(type), padded(space), ...data])
  if (bytes.length > 65_000) fail(`HDF5: the attribute ${name} has ${bytes.length} bytes; 64 KB are the most`)
  return message(12, bytes)
}

const byBytes = (a: string, b: string): number => {
  const [left, right] = [text(a), text(b)]
  const at = left.findIndex((byte, i) => byte !== right[i])
  return at < 0 ? left.length - right.length : left[at] - (right[at] ?? -1)
}

/** A file of datasets by path (`layers/dense/vars/0`); `attributes` of groups, by their paths ('' is the root). */
export function writeHdf5(
  datasets: ReadonlyMap<string, NamedArray>,
  attributes: ReadonlyMap<string, Attributes> = new Map(),
): Uint8Array<ArrayBuffer> {
  const empty = (): Group => ({ groups: new Map(), datasets: new Map(), attributes: {} })
  const root = empty()
  const groupAt = (path: readonly string[]): Group => {
    let group = root
    for (const name of path) {
      const inner = group.groups.get(name) ?? empty()
      group.groups.set(name, inner)
      group = inner
    }
    return group
  }
  for (const [path, data] of datasets) {
    const names = path.split('/')
    groupAt(names.slice(0, -1)).datasets.set(names.at(-1) as string, data)
  }
  for (const [path, values] of attributes) groupAt(path === '' ? [] : path.split('/')).attributes = values

  let widest = 0
  const measure = ({ groups, datasets }: Group): void => {
    widest = Math.max(widest, groups.size + datasets.size)
    for (const inner of groups.values()) measure(inner)
  }
  measure(root)
  const half = Math.max(4, Math.ceil(widest / MOST_LEAVES / 2)) // a leaf holds up to twice as many

  const parts: Uint8Array[] = []
  let end = SUPERBLOCK_BYTES
  /** Appends bytes, and gives their address. */
  const append = (bytes: Uint8Array): number => {
    const address = end
    parts.push(padded(bytes))
    end += aligned(bytes.length)
    return address
  }
  const writeDataset = ({ shape, data }: NamedArray): number => {
    const address = append(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    return append(
      objectHeader([
        message(1, dataspace(shape)),
        message(3, isFloat32(data) ? FLOAT : INT),
        message(5, fields([1, 2], [1, 2], [1, 2], [1, 0])), // no fill value
        message(
          8,
          fields([1, 3], [1, 1], [8, data.byteLength === 0 ? UNDEFINED : address], [8, data.byteLength]),
        ),
      ]),
    )
  }
  const writeGroup = ({
    groups,
    datasets,
    attributes,
  }: Group): { header: number; tree: number; heap: number } => {
    const members = [
      ...[...datasets].map(([name, data]) => ({ name, header: writeDataset(data), tree: 0, heap: 0 })),
      ...[...groups].map(([name, group]) => ({ name, ...writeGroup(group) })),
    ].sort((a, b) => byBytes(a.name, b.name))
    const names = [zeros(8)] // an empty name in front
    let heapBytes = 8
    const places = members.map(({ name }) => {
      const place = heapBytes
      const bytes = padded(joined([text(name), zeros(1)]))
      names.push(bytes)
      heapBytes += bytes.length
      return place
    })
    const leaves: (readonly [address: number, last: number])[] = []
    for (let first = 0; first < members.length; first += 2 * half) {
      const some = members.slice(first, first + 2 * half)
      const entries = some.map(({ header, tree, heap }, i) => {
        const cached = tree > 0 ? 1 : 0
        return fields([8, places[first + i]], [8, header], [4, cached], [4, 0], [8, tree], [8, heap])
      })
      const rest = zeros((2 * half - some.length) * 40)
      const leaf = joined([text('SNOD'), fields([1, 1], [1, 0], [2, some.length]), ...entries, rest])
      leaves.push([append(leaf), places[first + some.length - 1]])
    }
    const pointers = leaves.map(([address, last]) => fields([8, address], [8, last]))
    const free = zeros((MOST_LEAVES - leaves.length) * 16)
    const head = fields([1, 0], [1, 0], [2, leaves.length], [8, UNDEFINED], [8, UNDEFINED], [8, 0])
    const tree = append(joined([text('TREE'), head, ...pointers, free]))
    const data = append(joined(names))
    const heap = append(joined([text('HEAP'), fields([1, 0], [3, 0], [8, heapBytes], [8, 1], [8, data])]))
    const own = Object.entries(attributes).map(([name, value]) => attribute(name, value))
    const header = append(objectHeader([message(17, fields([8, tree], [8, heap])), ...own]))
    return { header, tree, heap }
  }
  const { header, tree, heap } = writeGroup(root)
  const superblock = joined([
    Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a),
    fields([4, 0], [1, 0], [1, 8], [1, 8], [1, 0], [2, half], [2, MOST_LEAVES / 2], [4, 0]),
    fields([8, 0], [8, UNDEFINED], [8, end], [8, UNDEFINED]),
    fields([8, 0], [8, header], [4, 1], [4, 0], [8, tree], [8, heap]),
  ])
  return joined([superblock, ...parts])
}
