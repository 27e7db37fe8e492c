// .npy files made by hand, byte by byte, as the format's description has them: versions, dtypes, orders of bytes, what is refused.
// That NumPy reads what is written is tried in test/node/arrays.test.ts.
import { describe, expect, test } from 'vitest'
import { parseNpy, saveNpy } from '../../src/data/index.ts'
import { LanegradError } from '../../src/index.ts'
import type { NumberArray } from '../../src/numerics/tensor.ts'
import { refused } from '../support/refused.ts'

/** A file with this dictionary and these element bytes. */
function file(dictionary: string, bytes: readonly number[], version = 1): Uint8Array<ArrayBuffer> {
  const before = version === 1 ? 10 : 12
  const text = `${dictionary.padEnd(127 - before)}\n`
  const length = version === 1 ? [text.length, 0] : [text.length, 0, 0, 0]
  return Uint8Array.of(0x93, ...Buffer.from('NUMPY'), version, 0, ...length, ...Buffer.from(text), ...bytes)
}
const head = (descr: string, shape = '(2,)', order = 'False') =>
  `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`

describe('parseNpy reads', () => {
  test.each<[string, number[], NumberArray]>([
    ['<f4', [0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0], Float32Array.of(1.5, -2)],
    ['>f4', [0x3f, 0xc0, 0, 0, 0xc0, 0, 0, 0], Float32Array.of(1.5, -2)],
    ['<f8', [0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0], Float64Array.of(1.5, -2)],
    ['<f2', [0, 0x3e, 0, 0xc0], Float32Array.of(1.5, -2)],
    ['>f2', [0x3e, 0, 0xc0, 0], Float32Array.of(1.5, -2)],
    ['|u1', [7, 255], Uint8Array.of(7, 255)],
    ['>u1', [7, 255], Uint8Array.of(7, 255)],
    ['|i1', [7, 255], Int8Array.of(7, -1)],
    ['|b1', [1, 0], Uint8Array.of(1, 0)],
    ['<i2', [1, 2, 0xff, 0xff], Int16Array.of(513, -1)],
    ['>u2', [1, 2, 0xff, 0xff], Uint16Array.of(258, 65535)],
    ['<i4', [4, 3, 2, 1, 0xff, 0xff, 0xff, 0xff], Int32Array.of(0x01020304, -1)],
    ['<u4', [4, 3, 2, 1, 0xff, 0xff, 0xff, 0xff], Uint32Array.of(0x01020304, 0xffffffff)],
    ['<i8', [5, 0, 0, 0, 0, 0, 0, 0, ...new Array(8).fill(255)], Int32Array.of(5, -1)],
    ['>u8', [0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0x7f, 255, 255, 255], Int32Array.of(5, 0x7fffffff)],
  ])('%s', (descr, bytes, data) => {
    const given = file(head(descr), bytes)
    expect(parseNpy(given)).toEqual({ shape: [2], data })
    given.fill(0)
  })

  test('every version, other spacing, keys and quotes, a number without axes, files inside their buffer', () => {
    const bytes = [0, 0, 0x80, 0x3f]
    for (const version of [1, 2, 3])
      expect(parseNpy(file(head('<f4', '(1, 1)'), bytes, version)).shape).toEqual([1, 1])
    const other = `{"shape": (1L,1) , "descr":"<f4","fortran_order":False}`
    expect(parseNpy(file(other, bytes))).toEqual({ shape: [1, 1], data: Float32Array.of(1) })
    expect(parseNpy(file(head('<f4', '()'), bytes))).toEqual({ shape: [], data: Float32Array.of(1) })
    expect(parseNpy(file(head('<f4', '(0, 3)'), [])).shape).toEqual([0, 3])
    const within = new Uint8Array(200)
    const whole = file(head('<f4', '(1,)'), bytes)
    within.set(whole, 3)
    const read = parseNpy(within.subarray(3, 3 + whole.length))
    within.fill(0)
    expect(read.data).toEqual(Float32Array.of(1)) // a copy
  })
})

describe('parseNpy refuses', () => {
  const good = file(head('<f4'), new Array(8).fill(0))
  const changed = (at: number, ...bytes: number[]) => {
    const copy = good.slice()
    copy.set(bytes, at)
    return copy
  }
  const known = 'b1, i1, u1, i2, u2, i4, u4, i8, u8, f2, f4, f8, with < or > before it'
  test.each<[string, Uint8Array, string | RegExp]>([
    ['an empty file', Uint8Array.of(), 'expected 10 bytes of header; got 0'],
    ['half a header', good.slice(0, 60), 'expected 128 bytes of header; got 60'],
    [
      'another format',
      changed(0, 0x50),
      'expected a .npy file; got one that begins with [80,78,85,77,80,89]',
    ],
    ['a newer version', changed(6, 4), 'expected version 1, 2 or 3 of .npy; got 4.0'],
    [
      'a header no memory holds',
      file(head('<f4'), [], 2).map((byte, at) => (at > 7 && at < 12 ? 255 : byte)),
      'expected a header of at most 65536 bytes; got 4294967295',
    ],
    ['a missing byte', good.slice(0, -1), 'expected 136 bytes for 2 of f4; got 135'],
    ['a byte too many', Uint8Array.of(...good, 0), 'expected 136 bytes for 2 of f4; got 137'],
    [
      'sizes no memory holds',
      file(head('<f4', '(4294967296, 4294967296)'), []),
      /shape must be of less than 2\^53/,
    ],
    ['negative sizes', file(head('<f4', '(-1,)'), []), /^\.npy file: the header is broken/],
    ['a size left out', file(head('<f4', '(2,,2)'), []), /the header's shape must be sizes/],
    ['too many axes', file(head('<f4', `(${'1,'.repeat(33)})`), []), /sizes of at most 32 axes/],
    [
      "Fortran's order",
      file(head('<f4', '(2, 1)', 'True'), new Array(8).fill(0)),
      "expected the elements row by row; got Fortran's order (np.save(path, np.ascontiguousarray(a)))",
    ],
    ['objects', file(head('|O'), []), `the dtype must be one of ${known}; got '|O'`],
    ['strings', file(head('<U3'), []), `the dtype must be one of ${known}; got '<U3'`],
    ['an order left out', file(head('|f4'), []), `the dtype must be one of ${known}; got '|f4'`],
    [
      'records',
      file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", []),
      /the dtype must/,
    ],
    ['code', file("{'descr': exit(), 'fortran_order': False, 'shape': (2,), }", []), /the header is broken/],
    ['a missing key', file("{'descr': '<f4', 'shape': (2,), }", []), /the header is broken/],
    ['a key twice', file(head('<f4').replace('}', "'descr': '<f8'}"), []), /the header is broken/],
    ['another key', file(head('<f4').replace('}', "'__proto__': '<f8'}"), []), /the header is broken/],
    ['more behind it', file(`${head('<f4')} ]`, []), /the header is broken/],
    ['a broken boolean', file(head('|b1'), [0, 2]), 'element 1 is the byte 2; expected 0 or 1'],
    ['a long integer', file(head('<i8', '(1,)'), [0, 0, 0, 0, 1, 0, 0, 0]), "element 0 doesn't fit int32"],
    [
      'a long unsigned one',
      file(head('<u8', '(1,)'), [0, 0, 0, 128, 0, 0, 0, 0]),
      "element 0 doesn't fit int32",
    ],
  ])('%s', (_, bytes, message) => {
    let error: unknown
    try {
      parseNpy(bytes)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(LanegradError)
    if (typeof message === 'string') expect((error as Error).message).toBe(`.npy file: ${message}`)
    else expect((error as Error).message).toMatch(message)
  })

  test('what is no file and no name', () => {
    refused(
      'parseNpy: file must be a Uint8Array, ArrayBuffer or DataView (readFile(path), or await (await fetch(url)).arrayBuffer()); got [1]',
      () => parseNpy([1] as never),
    )
    refused('parseNpy: name must be a string; got 1', () => parseNpy(good, 1 as never))
  })
})

describe('saveNpy', () => {
  test('writes what parseNpy reads, in the type it had', () => {
    const arrays = [
      Int8Array,
      Uint8Array,
      Int16Array,
      Uint16Array,
      Int32Array,
      Uint32Array,
      Float32Array,
      Float64Array,
    ]
    for (const Type of arrays) {
      const array = { shape: [2, 3], data: new Type([1, 2, 3, 4, 5, 6]) }
      const bytes = saveNpy(array)
      expect(bytes.length).toBe(128 + 6 * Type.BYTES_PER_ELEMENT)
      expect(parseNpy(bytes)).toEqual(array)
    }
    expect(parseNpy(saveNpy({ shape: [1], data: Uint8ClampedArray.of(300) })).data).toEqual(
      Uint8Array.of(255),
    )
    const own = saveNpy({ shape: [2], data: Float32Array.of(1.5, -2) })
    expect(own).toEqual(file(head('<f4'), [0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0])) // as NumPy writes it
  })

  test('refuses what is no array', () => {
    const expected = 'saveNpy: array must be a typed array with its shape, { shape, data }; got'
    refused(`${expected} Float32Array(2)`, () => saveNpy(new Float32Array(2) as never))
    refused(`${expected} null`, () => saveNpy(null as never))
    refused('saveNpy: array: expected 3 elements for shape [3]; got 2', () =>
      saveNpy({ shape: [3], data: new Float32Array(2) }),
    )
    refused('.npy: expected at most 32 axes; got 33', () =>
      saveNpy({ shape: new Array(33).fill(1), data: new Float32Array(1) }),
    )
  })
})
