// Arrays in files: what is written is read back, in its type, whole or not at all; NumPy reads it and is read.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { batches, parseNpy, saveNpy } from '../../src/data/index.ts'
import { LanegradError } from '../../src/index.ts'
import { readArrays, saveArrays } from '../../src/node/index.ts'

let folder = ''
const at = (name: string) => join(folder, name)
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lanegrad-arrays-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const x = { shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) }
const y = Uint8Array.of(7, 8, 9)

async function* parts() {
  yield { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }
  yield [[5, 6]]
}

/** What a promise is rejected with: the message of a LanegradError. */
async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => null,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(LanegradError)
  return (error as Error).message
}

describe('saveArrays and readArrays', () => {
  test('one array, whole or in parts, as a .npy file', async () => {
    for (const source of [
      x,
      parts(),
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
    ]) {
      await saveArrays(at('x.npy'), source)
      expect(await readArrays(at('x.npy'))).toEqual({ x })
      expect(parseNpy(readFileSync(at('x.npy')))).toEqual(x)
    }
    await saveArrays(at('y.npy'), y)
    expect(await readArrays(at('y.npy'))).toEqual({ y: { shape: [3], data: y } })
    expect(readdirSync(folder).sort()).toEqual(['x.npy', 'y.npy'])
  })

  test('arrays by name, whole or in parts, as safetensors; types stay, where they lie badly as well', async () => {
    const odd = { shape: [1, 1, 3], data: Float64Array.of(1e300, -0, NaN) }
    await saveArrays(at('a.safetensors'), { y, 'x 1': parts(), odd, left: undefined })
    const read = await readArrays(at('a.safetensors'))
    expect(read).toEqual({ y: { shape: [3], data: y }, 'x 1': x, odd })
    const header = readFileSync(at('a.safetensors')).readUInt32LE(0)
    expect(header % 8).toBe(0)
  })

  test('a folder: a file for each name, from an object or from batches', async () => {
    await saveArrays(at('data'), { x: parts(), y })
    expect(readdirSync(at('data')).sort()).toEqual(['x.npy', 'y.npy'])
    const wanted = { x, y: { shape: [3], data: y } }
    expect(await readArrays(at('data'))).toEqual(wanted)
    await saveArrays(`${at('more')}/`, batches({ x, y, batchSize: 2, shuffle: false }) as never)
    expect(await readArrays(at('more'))).toEqual(wanted)
  })

  test('more rows than are kept in memory, in parts of every size', async () => {
    const sizes = [1, 300_000, 7, 200_000, 100_000, 1]
    function* rows() {
      let next = 0
      for (const size of sizes) yield Int32Array.from({ length: size }, () => next++)
    }
    await saveArrays(at('rows.npy'), rows())
    const { data } = (await readArrays(at('rows.npy'))).rows
    expect(data.length).toBe(600_009)
    expect(data.every((value, i) => value === i)).toBe(true)
  })

  test('arrays that are views of larger memory', async () => {
    await saveArrays(at('v.npy'), new Float32Array(10).fill(3).subarray(2, 4))
    expect((await readArrays(at('v.npy'))).v.data).toEqual(Float32Array.of(3, 3))
  })
})

describe('whole or not at all', () => {
  test('what was there stays when the rows fail, and nothing else is left', async () => {
    await saveArrays(at('data'), { x, y })
    async function* failing() {
      yield { x: [[1, 2]], y: [1] }
      throw new Error('the source broke')
    }
    await expect(saveArrays(at('data'), failing())).rejects.toThrow('the source broke')
    const ragged = [{ shape: [1, 2], data: Float32Array.of(1, 2) }, [[3, 4, 5]]]
    expect(await refusal(saveArrays(at('data'), { x: new Set(ragged), y }))).toBe(
      'saveArrays: x: expected f4 rows of shape [2], as in the first part; got f4 rows of shape [3]',
    )
    await expect(saveArrays(at('new.safetensors'), { x: failing() as never })).rejects.toThrow()
    expect(await readArrays(at('data'))).toEqual({ x, y: { shape: [3], data: y } })
    expect(readdirSync(at('data')).sort()).toEqual(['x.npy', 'y.npy'])
    expect(readdirSync(folder)).toEqual(['data'])
  })

  const none = async function* () {}
  test.each<[string, string, unknown, string | RegExp]>([
    [
      'another end',
      'x.csv',
      x,
      /^saveArrays: expected a path that ends in \.npy or \.safetensors, or a folder; got/,
    ],
    ['no path', '', x, /^saveArrays: path must be|expected/],
    ['no rows', 'x.npy', [], 'saveArrays: PATH: expected at least one row; got none'],
    ['an iterable of nothing', 'x.npy', none(), 'saveArrays: PATH: expected at least one row; got none'],
    ['no batches', 'data', none(), 'saveArrays: expected at least one batch; got none'],
    ['no arrays', 'data', {}, 'saveArrays: expected at least one array; got an object of none'],
    ['no object', 'x.safetensors', x, /^saveArrays: arrays must be an object of arrays by name/],
    ['a text', 'x.npy', 'text', /^saveArrays: PATH must be a tensor, a typed array or a list; got "text"/],
    ['ragged rows', 'x.npy', [[1, 2], [3]], /^saveArrays: PATH: expected 2 elements at depth 1/],
    [
      'a wrong shape',
      'x.npy',
      { shape: [2], data: y },
      'saveArrays: PATH: expected 2 elements for shape [2]; got 3',
    ],
    [
      'a tensor without rows',
      'x.npy',
      { shape: [], data: y.slice(1, 2) },
      /expected rows; got a tensor of shape \[\]/,
    ],
    [
      'another folder',
      'data',
      { '../x': x },
      /^saveArrays: expected names of letters.* for files; got "\.\.\/x"/,
    ],
    ['a taken name', 'x.safetensors', { __metadata__: x }, 'safetensors: the name "__metadata__" is taken'],
    [
      'a new name',
      'data',
      [][Symbol.iterator] && new Set([{ x }, { x, y }]),
      "saveArrays: y isn't in the first batch",
    ],
    ['a name left out', 'data', new Set([{ x, y }, { x }]), 'saveArrays: y is missing in a batch'],
    [
      'another type',
      'data',
      new Set([{ y }, { y: [1] }]),
      /expected u1 rows of shape \[\].*got f4 rows of shape \[\]/,
    ],
  ])('refuses %s', async (_, name, arrays, message) => {
    const path = name && at(name)
    const told = (await refusal(saveArrays(path, arrays as never))).replaceAll(path || '?', 'PATH')
    if (typeof message === 'string') expect(told).toBe(message)
    else expect(told).toMatch(message)
    expect(existsSync(at('data')) ? readdirSync(at('data')) : readdirSync(folder)).toEqual([])
  })

  test('readArrays tells what it can’t read', async () => {
    mkdirSync(at('empty'))
    expect(await refusal(readArrays(at('none.npy')))).toMatch(/^readArrays: can't read .*none\.npy: ENOENT/)
    expect(await refusal(readArrays(at('empty')))).toBe(
      `readArrays: expected .npy files in ${at('empty')}; got none`,
    )
    writeFileSync(at('bad.npy'), 'text')
    expect(await refusal(readArrays(at('bad.npy')))).toBe(
      `${at('bad.npy')}: expected 10 bytes of header; got 4`,
    )
    writeFileSync(at('bad.safetensors'), 'text')
    expect(await refusal(readArrays(at('bad.safetensors')))).toMatch(
      /bad\.safetensors: safetensors file must be/,
    )
    expect(await refusal(readArrays('/dev/null.npz'))).toMatch(/^readArrays: expected a path/)
  })
})

/** NumPy as Debian and others have it. */
const hasNumpy = (() => {
  try {
    execFileSync('python3', ['-c', 'import numpy'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

test.runIf(process.env.CI && hasNumpy)(
  'NumPy reads what is written, and is read (in CI, where python3 has NumPy)',
  async () => {
    const data = Float32Array.of(1.5, -2, 3, 4, 5, 6)
    const shapes = [[6], [3, 2], [1, 6, 1], [1, 1, 1, 6]]
    for (const [i, shape] of shapes.entries()) {
      writeFileSync(at(`memory${i}.npy`), saveNpy({ shape, data }))
      await saveArrays(at(`file${i}.npy`), { shape, data })
    }
    const program = `
import numpy as np, sys
for i, shape in enumerate([(6,), (3, 2), (1, 6, 1), (1, 1, 1, 6)]):
    for name in (f"memory{i}.npy", f"file{i}.npy"):
        a = np.load(name, mmap_mode="r")
        assert a.shape == shape and a.dtype == np.float32 and a.ravel().tolist() == [1.5, -2, 3, 4, 5, 6], name
kinds = "b1 i1 u1 i2 u2 i4 u4 i8 u8 f2 f4 f8".split()
for kind in kinds:
    a = np.array([[0, 1], [1, 0], [0, 1]])
    np.save(f"{kind}.npy", a.astype(kind))
    np.save(f"big-{kind}.npy", a.astype(">" + kind))
    with open(f"v2-{kind}.npy", "wb") as f:
        np.lib.format.write_array(f, a.astype(kind), version=(2, 0))
np.save("fortran.npy", np.asfortranarray(np.ones((2, 3))))`
    execFileSync('python3', ['-c', program], { cwd: folder })
    const kinds = 'b1 i1 u1 i2 u2 i4 u4 i8 u8 f2 f4 f8'.split(' ')
    for (const name of kinds.flatMap((kind) => [kind, `big-${kind}`, `v2-${kind}`])) {
      const array = (await readArrays(at(`${name}.npy`)))[name]
      expect([name, array.shape, [...array.data]]).toEqual([name, [3, 2], [0, 1, 1, 0, 0, 1]])
    }
    expect(await refusal(readArrays(at('fortran.npy')))).toMatch(/got Fortran's order/)
  },
)
