// Arrays in files: .npy, safetensors, and folders of .npy files, which NumPy reads and `train.py` trains on. Enters: arrays, or
// iterables of their rows, which are written as they come. Leaves: files that are there as a whole or not at all, and arrays
// read back, views of the bytes that were read.
import { type Files, filesFor, type Growing, growFile } from '../callbacks/files.ts'
import { type RowData, rowCount } from '../data/rows.ts'
import { type ArrayLayout, reservedBytes, safetensorsHeader } from '../formats/array-layout.ts'
import { aligned, bytesIn, ELEMENT_TYPES, elementsOf } from '../formats/elements.ts'
import { decodeNpy, MAX_NPY_HEADER_BYTES, npyHeader } from '../formats/npy.ts'
import { decodeTensors, type TensorReader } from '../formats/safetensors.ts'
import { messageOf } from '../numerics/brands.ts'
import {
  check,
  fail,
  isFunction,
  isObject,
  isRecord,
  LanegradError,
  reading,
  show,
} from '../numerics/errors.ts'
import { isShaped, isTyped, type NumberArray, type ShapedArray, tensor } from '../numerics/tensor.ts'

/**
 * Rows to write: a tensor, a flat typed array (one number for each row), nested arrays, or an iterable that gives such parts one
 * after another.
 */
export type ArraySource = RowData | Iterable<RowData> | AsyncIterable<RowData>

/** Arrays by name. */
export type ArraySources = { readonly [name: string]: ArraySource | undefined }

/** Parts of several arrays at once, as batches for `fit` are: `{ x, y }`. */
export type ArrayBatches = Iterable<ArrayBatch> | AsyncIterable<ArrayBatch>

/** Rows of several arrays, by name. */
export interface ArrayBatch {
  readonly [name: string]: RowData | undefined
}

/** Bytes of an array that wait to be written together. */
const CHUNK_BYTES = 1 << 20

const SAVE = 'saveArrays'

/** Some rows of an array, their type and the shape of each. */
interface Part {
  readonly rows: number
  readonly row: readonly number[]
  readonly data: NumberArray
}

function partOf(what: string, given: RowData): Part {
  const rows = rowCount(what, given)
  if (isTyped(given)) return { rows, row: [], data: given }
  const { shape, data } = isShaped(given) ? given : tensor(given as readonly number[], undefined, what)
  return { rows, row: shape.slice(1), data }
}

const kindText = ({ row, data }: Part): string => `${elementsOf(data)} rows of shape ${show(row)}`

/** One array on its way into a file, from a position on. Its type and the shape of its rows come with the first part. */
class Column {
  private first: Part | null = null
  private rows = 0
  private readonly waiting = new Uint8Array(CHUNK_BYTES)
  private waitingBytes = 0

  constructor(
    private readonly name: string,
    private readonly file: Growing,
    private position: number,
  ) {}

  get layout(): ArrayLayout {
    const { first, name, rows } = this
    if (!first || rows === 0) return fail(`${SAVE}: ${name}: expected at least one row; got none`)
    const { data, row } = first
    return { name, type: elementsOf(data), bytes: data.BYTES_PER_ELEMENT, shape: [rows, ...row] }
  }

  async add(given: RowData): Promise<void> {
    const what = `${SAVE}: ${this.name}`
    const part = reading(what, () => partOf(what, given))
    this.first ??= part
    if (kindText(part) !== kindText(this.first))
      fail(`${what}: expected ${kindText(this.first)}, as in the first part; got ${kindText(part)}`)
    this.rows += part.rows
    const bytes = bytesIn(part.data)
    if (this.waitingBytes + bytes.length > CHUNK_BYTES) await this.flush()
    if (bytes.length > CHUNK_BYTES) {
      await this.file.put(bytes, this.position)
      this.position += bytes.length
    } else {
      this.waiting.set(bytes, this.waitingBytes)
      this.waitingBytes += bytes.length
    }
  }

  /** Writes what waits. Returns the position behind the last byte. */
  async flush(): Promise<number> {
    await this.file.put(this.waiting.subarray(0, this.waitingBytes), this.position)
    this.position += this.waitingBytes
    this.waitingBytes = 0
    return this.position
  }
}

/** Whether a source gives parts one after another; arrays are parts themselves. */
const isStream = <T>(source: unknown): source is AsyncIterable<T> => {
  if (!isObject(source) || Array.isArray(source) || isTyped(source) || isShaped(source)) return false
  const { [Symbol.asyncIterator]: later, [Symbol.iterator]: now } = source as Partial<
    AsyncIterable<T> & Iterable<T>
  >
  return isFunction(later ?? now)
}

async function addAll(column: Column, source: ArraySource): Promise<void> {
  if (isStream<RowData>(source)) for await (const part of source) await column.add(part)
  else await column.add(source as RowData)
}

/** The entries of a record of arrays that are given. @throws LanegradError if there are none */
function entriesOf<V>(given: { readonly [name: string]: V | undefined }): [string, V][] {
  check(isRecord(given) && !isShaped(given), `${SAVE}: arrays`, 'an object of arrays by name', given)
  const entries = Object.entries(given).filter((entry): entry is [string, V] => entry[1] !== undefined)
  if (entries.length === 0) fail(`${SAVE}: expected at least one array; got an object of none`)
  return entries
}

type Open = (path: string) => Promise<Growing>

/** One .npy file. Returns what ends it. */
async function npyColumn(
  open: Open,
  path: string,
  name: string,
): Promise<[Column, end: () => Promise<void>]> {
  const file = await open(path)
  const column = new Column(name, file, MAX_NPY_HEADER_BYTES)
  return [
    column,
    async () => {
      const { type, shape } = column.layout
      await column.flush()
      await file.put(npyHeader(type, shape, MAX_NPY_HEADER_BYTES), 0)
    },
  ]
}

async function writeNpy(open: Open, path: string, source: ArraySource): Promise<void> {
  const [column, end] = await npyColumn(open, path, path)
  await addAll(column, source)
  await end()
}

async function writeSafetensors(open: Open, path: string, sources: ArraySources): Promise<void> {
  const entries = entriesOf(sources)
  const headerBytes = reservedBytes(entries.map(([name]) => name))
  const file = await open(path)
  const layouts: ArrayLayout[] = []
  let position = headerBytes
  for (const [name, source] of entries) {
    const column = new Column(name, file, position)
    await addAll(column, source)
    layouts.push(column.layout)
    position = await column.flush()
  }
  await file.put(safetensorsHeader(layouts, headerBytes), 0)
}

async function writeFolder(open: Open, path: string, sources: ArraySources | ArrayBatches): Promise<void> {
  const columns = new Map<string, [Column, () => Promise<void>]>()
  const begin = async (names: readonly string[]) => {
    for (const name of names) {
      if (!/^\w[\w.-]*$/.test(name))
        fail(`${SAVE}: expected names of letters, digits, _, - and . for files; got ${show(name)}`)
      columns.set(name, await npyColumn(open, `${path}/${name}.npy`, name))
    }
  }
  const columnOf = (name: string) =>
    columns.get(name)?.[0] ?? fail(`${SAVE}: ${name} isn't in the first batch`)
  if (isStream<ArrayBatch>(sources)) {
    for await (const batch of sources) {
      const entries = entriesOf(batch)
      const names = entries.map(([name]) => name)
      if (columns.size === 0) await begin(names)
      const missing = [...columns.keys()].find((name) => !names.includes(name))
      if (missing !== undefined) fail(`${SAVE}: ${missing} is missing in a batch`)
      for (const [name, rows] of entries) await columnOf(name).add(rows)
    }
    if (columns.size === 0) fail(`${SAVE}: expected at least one batch; got none`)
  } else {
    const entries = entriesOf(sources as ArraySources)
    await begin(entries.map(([name]) => name))
    for (const [name, source] of entries) await addAll(columnOf(name), source)
  }
  for (const [, end] of columns.values()) await end()
}

/**
 * Writes arrays to files that NumPy, PyTorch and `train.py` read. The end of `path` decides the form: `x.npy` takes one array,
 * `data.safetensors` an object of arrays by name, and a folder (a path without an end) such an object or an iterable of batches
 * `{ x, y }`, for each name a .npy file. Numbers keep their type; nested arrays become float32. Rows that come from an iterable are
 * written as they come, so that no more than a part of them is in memory. Files appear when all rows are written; what was there
 * before stays until then, and on an error.
 * @throws LanegradError (as a rejected promise) on another path, on parts whose types or shapes differ, without rows, where names
 * can't be those of files, or if writing fails
 * @example
 * ```js
 * import { readArrays, saveArrays } from 'lanegrad/node'
 *
 * async function* batches() {
 *   for (let i = 0; i < 3; i++) yield { x: { shape: [2, 2], data: new Float32Array(4) }, y: Uint8Array.of(i, i) }
 * }
 * await saveArrays('build/example-data', batches())
 * const { x, y } = await readArrays('build/example-data')
 * console.log(x.shape, y.data.join(' ')) // [ 6, 2 ] 0 0 1 1 2 2
 * ```
 */
export async function saveArrays(
  path: string,
  arrays: ArraySource | ArraySources | ArrayBatches,
): Promise<void> {
  const kind = kindOf(SAVE, path)
  const files: Growing[] = []
  const open: Open = async (path) => {
    const file = await growFile(SAVE, path)
    files.push(file)
    return file
  }
  try {
    if (kind === 'npy') await writeNpy(open, path, arrays as ArraySource)
    else if (kind === 'folder') await writeFolder(open, path, arrays as ArraySources)
    else await writeSafetensors(open, path, arrays as ArraySources)
    for (const file of files) await file.settle()
  } finally {
    for (const file of files) await file.drop()
  }
}

/** The form of files at a path. @throws LanegradError for other ones */
function kindOf(where: string, path: string): 'npy' | 'safetensors' | 'folder' {
  check(typeof path === 'string' && path !== '', `${where}: path`, 'the path of a file or folder', path)
  const [, end] = /[^./\\]\.(\w+)$/.exec(path) ?? []
  if (end === undefined) return 'folder'
  return end === 'npy' || end === 'safetensors'
    ? end
    : fail(`${where}: expected a path that ends in .npy or .safetensors, or a folder; got ${show(path)}`)
}

/** By the names of safetensors. */
const arrayReaders: Readonly<Record<string, TensorReader<NumberArray<ArrayBuffer>>>> = Object.fromEntries(
  ELEMENT_TYPES.map(({ name, bytes, read }) => [
    name === 'b1' ? 'BOOL' : `${name[0].toUpperCase()}${8 * bytes}`,
    {
      bytes,
      read: ({ buffer, byteOffset, byteLength }, count, tensor) =>
        read(aligned(new Uint8Array(buffer, byteOffset, byteLength), bytes), count, `tensor ${show(tensor)}`),
    },
  ]),
)

/** All bytes of a file. */
async function bytesAt(fs: Files, path: string): Promise<Uint8Array<ArrayBuffer>> {
  const stats = await fs.stat(path)
  if (!stats.isFile()) throw new Error('it is a device or a pipe')
  const bytes = new Uint8Array(stats.size)
  const file = await fs.open(path, 'r')
  try {
    for (let at = 0; at < bytes.length; ) {
      const { bytesRead } = await file.read(bytes, at, Math.min(bytes.length - at, 1 << 30), at)
      if (bytesRead === 0) throw new Error('it became shorter meanwhile')
      at += bytesRead
    }
  } finally {
    await file.close()
  }
  return bytes
}

/**
 * Reads what `saveArrays` or NumPy has written: `data.safetensors`, a folder of .npy files, or one file `x.npy`, which gives
 * `{ x }`. Floats and integers of 8 to 32 bits keep their type; float16 becomes float32, int64 and uint64 become int32, and
 * booleans bytes of 0 and 1.
 * @throws LanegradError (as a rejected promise) if a file can't be read, breaks its format, holds Fortran's order, another dtype or
 * a 64-bit integer that doesn't fit int32
 * @example
 * ```js
 * import { readArrays, saveArrays } from 'lanegrad/node'
 *
 * await saveArrays('build/example.npy', [[1, 2], [3, 4]])
 * const { example } = await readArrays('build/example.npy')
 * console.log(example.shape, example.data.join(' ')) // [ 2, 2 ] 1 2 3 4
 * ```
 */
export async function readArrays(path: string): Promise<Record<string, ShapedArray<ArrayBuffer>>> {
  const where = 'readArrays'
  const kind = kindOf(where, path)
  const fs = filesFor(where)
  const told = async <T>(path: string, read: () => Promise<T>): Promise<T> => {
    try {
      return await read()
    } catch (error) {
      if (error instanceof LanegradError) throw error
      return fail(`${where}: can't read ${path}: ${messageOf(error)}`)
    }
  }
  const bytesOf = (path: string) => told(path, () => bytesAt(fs, path))
  if (kind === 'safetensors') {
    const bytes = await bytesOf(path)
    try {
      return Object.fromEntries(decodeTensors(bytes, arrayReaders).tensors)
    } catch (error) {
      return fail(`${path}: ${messageOf(error)}`)
    }
  }
  const folder = path.replace(/[\\/]+$/, '') || path
  const files = kind === 'npy' ? [path] : await told(path, () => fs.readdir(path))
  const arrays: [string, ShapedArray<ArrayBuffer>][] = []
  for (const file of files.filter((file) => file.endsWith('.npy')).sort()) {
    const at = kind === 'npy' ? file : `${folder}/${file}`
    arrays.push([file.replace(/^.*[\\/]|\.npy$/g, ''), decodeNpy(await bytesOf(at), at)])
  }
  if (arrays.length === 0) fail(`${where}: expected .npy files in ${path}; got none`)
  return Object.fromEntries(arrays)
}
