// Reads HDF5 files: groups, attributes and datasets, as h5py writes them (superblocks 0 to 3, symbol tables or link messages, contiguous,
// compact or chunked data, gzip and shuffle). Enters: bytes of unknown origin. Leaves: nodes that read themselves when asked; every
// address is checked, no structure is followed twice, and nothing is allocated that the file doesn't pay for.
// Format: https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
import { fail, show } from '../../numerics/errors.ts'
import { elementCount, type NamedArray } from '../../numerics/tensor.ts'
import { Hdf5Bytes } from './bytes.ts'
import { readChunks } from './chunks.ts'
import { type Datatype, numbersOf, readDatatype, textOf } from './datatype.ts'

export interface Hdf5Group {
  readonly names: readonly string[]
  /** The group or dataset at a path, `a/b/c`; undefined: there is none. */
  get(path: string): Hdf5Group | Hdf5Dataset | undefined
  /** Texts of an attribute: one, or those of a list; undefined: there is none. */
  attribute(name: string): readonly string[] | undefined
}

export interface Hdf5Dataset {
  readonly shape: readonly number[]
  /** The numbers, as float32 or int32. */
  read(): NamedArray
  attribute(name: string): readonly string[] | undefined
}

export const isDataset = (node: Hdf5Group | Hdf5Dataset | undefined): node is Hdf5Dataset =>
  node !== undefined && 'read' in node

export const isHdf5 = (bytes: Uint8Array): boolean =>
  [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a].every((byte, i) => bytes[i] === byte)

/** Messages in the header of an object. */
const DATASPACE = 1
const LINK_INFO = 2
const DATATYPE = 3
const LINK = 6
const LAYOUT = 8
const FILTERS = 11
const ATTRIBUTE = 12
const CONTINUATION = 16
const SYMBOL_TABLE = 17
const ATTRIBUTE_INFO = 21

const NO_ADDRESS = 0x10000000000000000

interface Message {
  readonly type: number
  readonly at: number
  readonly size: number
}

/** The messages of an object's header. */
function messagesAt(file: Hdf5Bytes, address: number): Message[] {
  file.count()
  const messages: Message[] = []
  const isNew = file.u8(address) === 0x4f
  if (isNew) file.expect(address, 'OHDR')
  else if (file.u8(address) !== 1) file.damaged(`no object at byte ${address}`)
  const blocks: [at: number, end: number][] = []
  let more = 4
  if (isNew) {
    const flags = file.u8(address + 5)
    if (flags & 4) more = 6
    const size = address + 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0)
    const bytes = 1 << (flags & 3)
    blocks.push([size + bytes, size + bytes + file.uint(size, bytes)])
  } else blocks.push([address + 16, address + 16 + file.u32(address + 8)])
  for (let block = blocks.pop(); block; block = blocks.pop()) {
    file.count()
    let [at] = block
    const [, end] = block
    while (at + (isNew ? more : 8) <= end) {
      const type = isNew ? file.u8(at) : file.u16(at)
      const size = file.u16(at + (isNew ? 1 : 2))
      const flags = file.u8(at + (isNew ? 3 : 4))
      const data = at + (isNew ? more : 8)
      if (data + size > end) file.damaged(`a message of ${size} bytes at byte ${at}`)
      if (flags & 2 && type !== ATTRIBUTE) file.unknown('a shared message')
      if (type === CONTINUATION) {
        const start = file.u64(data)
        const length = file.u64(data + 8)
        if (isNew) file.expect(start, 'OCHK')
        blocks.push(isNew ? [start + 4, start + length - 4] : [start, start + length])
      } else messages.push({ type, at: data, size })
      file.count()
      at = data + size
    }
  }
  return messages
}

/** The extents of a dataspace. */
function dataspaceAt(file: Hdf5Bytes, at: number): number[] {
  const version = file.u8(at)
  const rank = file.u8(at + 1)
  if (version !== 1 && version !== 2) file.unknown(`a dataspace of version ${version}`)
  if (version === 2 && file.u8(at + 3) === 2) return [0]
  if (rank > 32) file.damaged(`${rank} axes`)
  const start = at + (version === 1 ? 8 : 4)
  const shape = Array.from({ length: rank }, (_, axis) => file.u64(start + 8 * axis))
  if (!Number.isSafeInteger(shape.reduce((product, n) => product * n, 1))) file.damaged('a size past 2^53')
  return shape
}

/** The texts of an attribute message, or null if it has another name. */
function attributeAt(file: Hdf5Bytes, { at }: Message, name: string): readonly string[] | null {
  const version = file.u8(at)
  if (version < 1 || version > 3) file.unknown(`an attribute of version ${version}`)
  const [nameLength, typeLength, spaceLength] = [file.u16(at + 2), file.u16(at + 4), file.u16(at + 6)]
  const padded = (length: number) => (version === 1 ? Math.ceil(length / 8) * 8 : length)
  const nameAt = at + (version === 3 ? 9 : 8)
  if (file.text(nameAt, nameAt + nameLength) !== name) return null
  if (version > 1 && file.u8(at + 1) & 3) file.unknown('a shared type of an attribute')
  const typeAt = nameAt + padded(nameLength)
  const spaceAt = typeAt + padded(typeLength)
  const dataAt = spaceAt + padded(spaceLength)
  const type = readDatatype(file, typeAt)
  const count = elementCount(dataspaceAt(file, spaceAt))
  file.within(dataAt, count * type.size)
  return Array.from({ length: count }, (_, i) => textOf(file, type, dataAt + i * type.size))
}

function attributeOf(file: Hdf5Bytes, messages: readonly Message[]) {
  return (name: string): readonly string[] | undefined => {
    for (const message of messages) {
      const found = message.type === ATTRIBUTE ? attributeAt(file, message, name) : null
      if (found) return found
      if (message.type === ATTRIBUTE_INFO) {
        const heap = message.at + 2 + (file.u8(message.at + 1) & 1 ? 2 : 0)
        if (file.u64(heap) < NO_ADDRESS - 2048) file.unknown('attributes in a heap of their own')
      }
    }
    return undefined
  }
}

/** The addresses of a group's members by name. */
function membersOf(file: Hdf5Bytes, messages: readonly Message[]): Map<string, number> {
  const members = new Map<string, number>()
  const seen = new Set<number>()
  const walk = (address: number, heap: number, heapEnd: number, level: number): void => {
    if (seen.has(address)) file.damaged(`byte ${address} is in a tree twice`)
    seen.add(address)
    file.count()
    if (level < 0) {
      file.expect(address, 'SNOD')
      const count = file.u16(address + 6)
      for (let i = 0; i < count; i++) {
        const entry = address + 8 + 40 * i
        const name = file.text(heap + file.u64(entry), heapEnd)
        if (file.u32(entry + 16) !== 2) members.set(name, file.u64(entry + 8)) // 2: a link to another path
      }
      return
    }
    file.expect(address, 'TREE')
    if (file.u8(address + 4) !== 0 || file.u8(address + 5) !== level)
      file.damaged(`the tree at byte ${address}`)
    const count = file.u16(address + 6)
    for (let i = 0; i < count; i++) walk(file.u64(address + 32 + 16 * i), heap, heapEnd, level - 1)
  }
  for (const { type, at } of messages) {
    if (type === SYMBOL_TABLE) {
      const [tree, heap] = [file.u64(at), file.u64(at + 8)]
      file.expect(heap, 'HEAP')
      const data = file.within(file.u64(heap + 24), 0)
      walk(tree, data, data + file.u64(heap + 8), file.u8(tree + 5))
    }
    if (type === LINK) {
      const flags = file.u8(at + 1)
      const kindAt = at + 2
      const kind = flags & 8 ? file.u8(kindAt) : 0
      const lengthAt = kindAt + (flags & 8 ? 1 : 0) + (flags & 4 ? 8 : 0) + (flags & 16 ? 1 : 0)
      const bytes = 1 << (flags & 3)
      const length = file.uint(lengthAt, bytes)
      const name = file.utf8(file.slice(lengthAt + bytes, length))
      if (kind === 0) members.set(name, file.u64(lengthAt + bytes + length))
    }
    if (type === LINK_INFO) {
      const heap = at + 2 + (file.u8(at + 1) & 1 ? 8 : 0)
      if (file.u64(heap) < NO_ADDRESS - 2048) file.unknown("links in a heap of their own (libver='latest')")
    }
  }
  return members
}

function datasetOf(file: Hdf5Bytes, messages: readonly Message[]): Hdf5Dataset {
  const found = (type: number) => messages.find((message) => message.type === type)
  const [space, typed, layout] = [DATASPACE, DATATYPE, LAYOUT].map(
    (type) => found(type) ?? file.damaged('a dataset without its shape, type or place'),
  )
  const shape = dataspaceAt(file, space.at)
  const attribute = attributeOf(file, messages)
  return {
    shape,
    attribute,
    read() {
      const type: Datatype = readDatatype(file, typed.at)
      const bytes = elementCount(shape) * type.size
      const version = file.u8(layout.at)
      const kind = file.u8(layout.at + 1)
      if (kind < 2 && bytes <= file.bytes.length) file.take(bytes, 4) // several datasets may be in the same place
      const isKnown = version === 3 || (version === 4 && kind < 2)
      if (!isKnown) file.unknown(`data laid out by version ${version}`)
      const isBrain = attribute('dtype')?.[0] === 'bfloat16'
      if (kind === 0) {
        const size = file.u16(layout.at + 2)
        if (size < bytes) file.damaged(`${size} bytes for shape ${show(shape)}`)
        return { shape, data: numbersOf(file, type, file.slice(layout.at + 4, bytes), isBrain) }
      }
      if (kind === 1) {
        const [address, size] = [file.u64(layout.at + 2), file.u64(layout.at + 10)]
        if (bytes === 0) return { shape, data: new Float32Array(0) }
        if (size < bytes) file.damaged(`${size} bytes for shape ${show(shape)}`)
        return { shape, data: numbersOf(file, type, file.slice(address, bytes), isBrain) }
      }
      if (kind !== 2) file.unknown('virtual data')
      const data = readChunks(file, layout.at, found(FILTERS)?.at ?? null, shape, type.size)
      return { shape, data: numbersOf(file, type, data, isBrain) }
    },
  }
}

/** The root of a file. `what` begins the messages of errors. */
export function readHdf5(what: string, bytes: Uint8Array): Hdf5Group {
  const file = new Hdf5Bytes(what, bytes)
  if (!isHdf5(bytes)) fail(`${what} isn't an HDF5 file`)
  const version = file.u8(8)
  if (version > 3) file.unknown(`a superblock of version ${version}`)
  const sizes = version < 2 ? 13 : 9
  if (file.u8(sizes) !== 8 || file.u8(sizes + 1) !== 8) file.unknown('addresses of other than 8 bytes')
  const root = version < 2 ? file.u64((version === 1 ? 28 : 24) + 32 + 8) : file.u64(36)
  const nodes = new Map<number, Hdf5Group | Hdf5Dataset>()
  const nodeAt = (address: number): Hdf5Group | Hdf5Dataset => {
    const known = nodes.get(address)
    if (known) return known
    const messages = messagesAt(file, address)
    const node = messages.some(({ type }) => type === LAYOUT) ? datasetOf(file, messages) : groupOf(messages)
    nodes.set(address, node)
    return node
  }
  function groupOf(messages: readonly Message[]): Hdf5Group {
    const members = membersOf(file, messages)
    return {
      names: [...members.keys()],
      attribute: attributeOf(file, messages),
      get(path) {
        const at = path.indexOf('/')
        const address = members.get(at < 0 ? path : path.slice(0, at))
        if (address === undefined) return undefined
        const node = nodeAt(address)
        if (at < 0) return node
        return isDataset(node) ? undefined : node.get(path.slice(at + 1))
      },
    }
  }
  const group = nodeAt(root)
  return isDataset(group) ? file.damaged("its root isn't a group") : group
}
