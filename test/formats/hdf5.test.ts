// The reader of HDF5 against files that h5py wrote (hdf5/files.py), the writer against the reader; test/interchange/keras has what h5py
// and Keras read of its files.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { type Hdf5Group, isDataset, readHdf5 } from '../../src/formats/hdf5/read.ts'
import { type Attributes, writeHdf5 } from '../../src/formats/hdf5/write.ts'
import { LanegradError, type NamedArray } from '../../src/index.ts'
import { mutated, ROUNDS } from '../support/mutated.ts'
import { canRun, PYTHON } from '../support/python.ts'

interface Case {
  readonly file: string
  readonly datasets: Readonly<Record<string, { readonly shape: number[]; readonly data: number[] }>>
}
const cases: Readonly<Record<string, Case>> = JSON.parse(
  readFileSync(new URL('hdf5/files.json', import.meta.url), 'utf8'),
)
const bytesOf = (name: string) => new Uint8Array(inflateSync(Buffer.from(cases[name].file, 'base64')))

const read = (root: Hdf5Group, path: string): NamedArray => {
  const node = root.get(path)
  if (!isDataset(node)) throw new Error(`${path} is no dataset`)
  return node.read()
}

describe('files of h5py', () => {
  test.each(Object.keys(cases))('%s: every dataset has its shape and numbers', (name) => {
    const root = readHdf5('file', bytesOf(name))
    const paths = Object.keys(cases[name].datasets)
    expect(paths.length).toBeGreaterThan(0)
    for (const path of paths) {
      const { shape, data } = read(root, path)
      const wanted = cases[name].datasets[path]
      expect([path, shape, [...data]]).toEqual([path, wanted.shape, wanted.data])
    }
  })

  test('texts of attributes, of fixed and of any length, and lists of them', () => {
    const root = readHdf5('file', bytesOf('attributes'))
    expect(root.attribute('text')).toEqual(['a text'])
    expect(root.attribute('bytes')).toEqual([`{"a": "${'x'.repeat(70_000)}"}`])
    expect(root.attribute('list')).toEqual(['one', 'three'])
    expect(root.attribute('texts')).toEqual(['eins', 'zwölf'])
    expect(root.attribute('number')).toEqual(['3'])
    expect(root.attribute('none')).toBeUndefined()
    expect((root.get('a') as Hdf5Group).attribute('name')).toEqual(['inner'])
    expect([root.get('a/x'), root.get('a/b/c/d'), root.get('')]).toEqual([undefined, undefined, undefined])
    expect([...root.names].sort()).toEqual(['a'])
  })
})

const hasH5py = process.env.CI !== undefined && canRun(PYTHON, 'import h5py')
const READ = `
import h5py, json, sys
file, datasets, attributes = h5py.File(sys.argv[1]), {}, {}
def text(value):
    if hasattr(value, 'tolist'): value = value.tolist()
    return [text(one) for one in value] if isinstance(value, list) else value.decode() if isinstance(value, bytes) else value
def note(node):
    if len(node.attrs): attributes[node.name] = {key: text(value) for key, value in node.attrs.items()}
note(file)
def visit(name, node):
    note(node)
    if isinstance(node, h5py.Dataset): datasets[name] = [str(node.dtype), list(node.shape), node[()].reshape(-1).tolist()]
file.visititems(visit)
print(json.dumps({'datasets': datasets, 'attributes': attributes}))`

describe('the writer', () => {
  const datasets = new Map<string, NamedArray>(
    Array.from({ length: 300 }, (_, i) => [
      `layers/dense_${i}/vars/0`,
      { shape: [2, 2], data: Float32Array.of(1, -2.5, i, 1e-30) },
    ]),
  )
  datasets.set('ints', { shape: [2], data: Int32Array.of(-3, 7) })
  datasets.set('scalar', { shape: [], data: Float32Array.of(2.5) })
  datasets.set('empty', { shape: [0, 2], data: new Float32Array(0) })
  const file = writeHdf5(
    datasets,
    new Map<string, Attributes>([
      ['', { one: 'zwölf', list: ['a', 'bcd'] }],
      ['layers/dense_7', { name: 'inner' }],
    ]),
  )

  test('gives what the reader takes, groups of any size', () => {
    const root = readHdf5('file', file)
    for (const [path, given] of datasets) expect([path, read(root, path)]).toEqual([path, given])
    expect([root.attribute('one'), root.attribute('list')]).toEqual([['zwölf'], ['a', 'bcd']])
    expect((root.get('layers/dense_7') as Hdf5Group).attribute('name')).toEqual(['inner'])
    expect((root.get('layers') as Hdf5Group).names.length).toBe(300)
  })

  test.runIf(hasH5py)('gives h5py the same names, numbers and texts (with CI set)', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lanegrad-hdf5-'))
    try {
      const path = join(folder, 'file.h5')
      writeFileSync(path, file)
      const found = JSON.parse(execFileSync(PYTHON, ['-c', READ, path], { encoding: 'utf8', maxBuffer: 1e8 }))
      expect(found.datasets).toEqual(
        Object.fromEntries(
          Array.from(datasets, ([name, { shape, data }]) => [
            name,
            [data.constructor === Int32Array ? 'int32' : 'float32', shape, [...data]],
          ]),
        ),
      )
      expect(found.attributes).toEqual({
        '/': { one: 'zwölf', list: ['a', 'bcd'] },
        '/layers/dense_7': { name: 'inner' },
      })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('refuses a text that no header can hold', () => {
    expect(() => writeHdf5(new Map(), new Map([['', { config: 'x'.repeat(70_000) }]]))).toThrow(/64 KB/)
  })
})

/** Reads all that a file has, as far as it can be read. */
function readAll(group: Hdf5Group, seen: Set<object> = new Set()): void {
  for (const name of ['text', 'bytes', 'list', 'texts', 'number', 'name']) group.attribute(name)
  if (seen.has(group)) return
  seen.add(group)
  for (const name of group.names) {
    const node = group.get(name)
    if (isDataset(node)) node.read()
    else if (node) readAll(node, seen)
  }
}

test.each(['types', 'chunks', 'attributes', 'new'])(
  'damaged files give nothing but a LanegradError: %s',
  (name) => {
    const file = bytesOf(name)
    let refused = 0
    // most bytes are zeros between the parts
    for (const damaged of mutated(file, ROUNDS / 2, (at) => file[at] !== 0 && file[at] !== 0x78)) {
      try {
        readAll(readHdf5('file', damaged))
      } catch (error) {
        if (!(error instanceof LanegradError)) throw error
        refused++
      }
    }
    expect(refused).toBeGreaterThan(ROUNDS / 20)
  },
  100_000,
)

describe('what a file only claims takes no memory', () => {
  /** The file with 2^44 times as many rows wherever it has this shape. */
  function enlarged(file: Uint8Array<ArrayBuffer>, shape: readonly number[]): Uint8Array {
    const wanted = new Uint8Array(new BigUint64Array(shape.map(BigInt)).buffer)
    const found = Buffer.from(file.buffer)
    for (let at = found.indexOf(wanted); at >= 0; at = found.indexOf(wanted, at + 1))
      if (at % 8 === 0 && found[at - 8] === 1) new DataView(file.buffer).setUint32(at + 4, 0x1000, true)
    return file
  }

  test('a huge dataset, contiguous or in chunks', () => {
    for (const [name, shape, path] of [
      ['attributes', [2], 'a/b/c'],
      ['chunks', [7, 5, 3], 'gzip'],
      ['chunks', [7, 5], 'plain'],
    ] as const) {
      const file = enlarged(bytesOf(name), shape)
      expect(() => read(readHdf5('file', file), path)).toThrow(/bytes for shape|a decompression bomb/)
    }
  })

  test('chunks that inflate to more than they should', () => {
    const file = bytesOf('chunks')
    const chunk = Buffer.from(file).indexOf(new Uint8Array(new Uint32Array([3, 2, 3, 4]).buffer)) // of 'gzip'
    new DataView(file.buffer).setUint32(chunk, 2, true)
    expect(() => read(readHdf5('file', file), 'gzip')).toThrow(LanegradError)
  })
})
