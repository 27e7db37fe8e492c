// The format against files put together here from its specification: one test per broken law, then
// random and mutated bytes, which may decode or throw a LanegradError and nothing else.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeSafetensors, encodeSafetensors } from '../../src/formats/safetensors.ts'
import { LanegradError } from '../../src/numerics/errors.ts'
import { type NamedArray, tensor } from '../../src/numerics/tensor.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)

/** A file with this header (text, bytes or an object) and this data; no padding unless the header has it. */
function file(header: unknown, data: ArrayLike<number> = [], headerBytes?: number): Uint8Array {
  const json =
    header instanceof Uint8Array ? header : utf8(typeof header === 'string' ? header : JSON.stringify(header))
  const bytes = new Uint8Array(8 + json.length + data.length)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes ?? json.length), true)
  bytes.set(json, 8)
  bytes.set(data, 8 + json.length)
  return bytes
}
const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
const entry = (dtype: unknown, shape: unknown, ...data_offsets: unknown[]) => ({ dtype, shape, data_offsets })
const decodeOne = (dtype: string, shape: number[], data: ArrayBufferView) =>
  decodeSafetensors(file({ w: entry(dtype, shape, 0, data.byteLength) }, bytesOf(data))).tensors.get(
    'w',
  ) as NamedArray

describe('encode', () => {
  test('writes length, padded header, data', () => {
    const tensors = new Map([
      [
        'a',
        tensor([
          [1, 2],
          [3, 4],
        ]),
      ],
      ['b', tensor(new Int32Array([-1]))],
    ])
    const header =
      '{"__metadata__":{"format":"lanegrad"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"I32","shape":[1],"data_offsets":[16,20]}}'
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8)
    const data = [...bytesOf(new Float32Array([1, 2, 3, 4])), 255, 255, 255, 255]
    expect(encodeSafetensors(tensors, { format: 'lanegrad' })).toEqual(file(padded, data))
  })
  test('of nothing is an empty object', () => {
    expect(encodeSafetensors(new Map(), {})).toEqual(file('{}      '))
  })
  test('data starts at a multiple of 8 whatever the name', () => {
    for (let length = 1; length < 17; length++) {
      const bytes = encodeSafetensors(new Map([['é'.repeat(length), tensor([1])]]), {})
      expect((bytes.length - 4) % 8).toBe(0)
    }
  })
  test('takes the window of a view only', () => {
    const data = new Float32Array([9, 1, 2, 9]).subarray(1, 3)
    expect(encodeSafetensors(new Map([['a', tensor(data)]]), {}).subarray(-8)).toEqual(
      bytesOf(new Float32Array([1, 2])),
    )
  })
  test('rejects what it cannot write', () => {
    const encode =
      (name: string, array: unknown, metadata = {}) =>
      () =>
        encodeSafetensors(new Map([[name, array as NamedArray]]), metadata)
    expect(encode('__metadata__', tensor([1]))).toThrow('safetensors: the tensor name __metadata__ is taken')
    expect(encode('a', { shape: [3], data: new Float32Array(2) })).toThrow(
      'safetensors: tensor "a": expected 3 elements for shape [3]; got 2',
    )
    expect(encode('a', { shape: [3], data: [1, 2, 3] })).toThrow('must be a Float32Array or Int32Array')
    expect(encode('a', tensor([1]), { key: 5 })).toThrow('metadata "key" must be a string; got 5')
  })
})

describe('decode', () => {
  test.each<[string, ArrayBufferView, number[]]>([
    ['F32', new Float32Array([1.5, -0, NaN, Infinity]), [1.5, -0, NaN, Infinity]],
    ['F64', new Float64Array([0.1, 1e300, -2]), [Math.fround(0.1), Infinity, -2]],
    // sign, exponent, fraction: 1, -2, largest, smallest normal, smallest subnormal, -0, Infinity, NaN, 1/3
    [
      'F16',
      new Uint16Array([0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x8000, 0xfc00, 0x7e00, 0x3555]),
      [1, -2, 65504, 2 ** -14, 2 ** -24, -0, -Infinity, NaN, 0.333251953125],
    ],
    [
      'BF16',
      new Uint16Array([0x3f80, 0xc000, 0x7f80, 0x7fc0, 0x3eab, 0x0001]),
      [1, -2, Infinity, NaN, 0.333984375, 2 ** -133],
    ],
    ['I32', new Int32Array([-(2 ** 31), 7]), [-(2 ** 31), 7]],
    ['I64', new BigInt64Array([-(2n ** 31n), 2n ** 31n - 1n, -1n]), [-(2 ** 31), 2 ** 31 - 1, -1]],
    ['U8', new Uint8Array([0, 255, 3]), [0, 255, 3]],
  ])('%s', (dtype, data, want) => {
    const got = decodeOne(dtype, [want.length], data)
    expect(got.shape).toEqual([want.length])
    expect(got.data).toEqual(/F/.test(dtype) ? new Float32Array(want) : new Int32Array(want))
  })
  test('unaligned bytes, a Buffer, and no sharing with the input', () => {
    const whole = file({ w: entry('F32', [2], 0, 8) }, bytesOf(new Float32Array([5, 6])))
    for (let offset = 1; offset < 9; offset++) {
      const shifted = new Uint8Array(whole.length + offset)
      shifted.set(whole, offset)
      expect(decodeSafetensors(shifted.subarray(offset)).tensors.get('w')?.data).toEqual(
        new Float32Array([5, 6]),
      )
    }
    const buffer = Buffer.from(whole)
    const { data } = decodeSafetensors(buffer).tensors.get('w') as NamedArray
    buffer.fill(0)
    expect([...data]).toEqual([5, 6])
  })
  test('scalars, empty tensors, any order of entries, spaces after the header', () => {
    const { tensors, metadata } = decodeSafetensors(
      file(
        `${JSON.stringify({ late: entry('U8', [1], 2, 3), none: entry('F32', [0, 3], 2, 2), early: entry('U8', [2], 0, 2), s: entry('U8', [], 3, 4) })}   `,
        [1, 2, 3, 4],
      ),
    )
    expect([...tensors].map(([name, { shape, data }]) => [name, shape, [...data]])).toEqual([
      ['early', [2], [1, 2]],
      ['none', [0, 3], []],
      ['late', [1], [3]],
      ['s', [], [4]],
    ])
    expect(metadata).toEqual({})
  })
  test('names like __proto__ are names', () => {
    const header = `{"__metadata__":{"__proto__":"x"},"__proto__":${JSON.stringify(entry('U8', [1], 0, 1))},"constructor":${JSON.stringify(entry('U8', [0], 1, 1))}}`
    const { tensors, metadata } = decodeSafetensors(file(header, [7]))
    expect([...tensors.keys()]).toEqual(['__proto__', 'constructor'])
    expect(Object.entries(metadata)).toEqual([['__proto__', 'x']])
    expect(({} as Record<string, unknown>).dtype).toBeUndefined()
    expect(decodeSafetensors(encodeSafetensors(tensors, metadata))).toEqual({ tensors, metadata })
  })
  test('equal keys in different objects and colons inside strings are no duplicates', () => {
    const metadata = { a: '"b": "b":', 'a"': '\\', 'a\\': ':', b: '' }
    expect(
      decodeSafetensors(file(JSON.stringify({ __metadata__: metadata, a: entry('U8', [0], 0, 0) }, null, 2)))
        .metadata,
    ).toEqual(metadata)
  })
})

describe('malformed', () => {
  const w = (...args: Parameters<typeof entry>) => ({ w: entry(...args) })
  const good = JSON.stringify(entry('U8', [1], 0, 1))
  test.each<[string, Uint8Array, string | RegExp]>([
    ['empty file', new Uint8Array(0), 'safetensors file must be of 8 bytes or more; got 0'],
    [
      'file shorter than the header length',
      new Uint8Array(7),
      'safetensors file must be of 8 bytes or more; got 7',
    ],
    [
      'header above 100 MB',
      file('{}', [], 100_000_001),
      'safetensors: header length must be at most 2; got 100000001',
    ],
    [
      'header length of 2^64 - 1',
      new Uint8Array(16).fill(255),
      /^safetensors: the file begins with .*, not with a length$/,
    ],
    [
      'header length in the upper word',
      file('{}', [], 2 ** 32 + 2),
      /^safetensors: the file begins with .*, not with a length$/,
    ],
    [
      'a page',
      new TextEncoder().encode('<!DOCTYPE html><html></html>'),
      'safetensors: the file begins with "<!DOCTYPE html><", not with a length',
    ],
    ['header longer than the file', file('{}', [], 3), 'safetensors: header length must be at most 2; got 3'],
    ['header length 0', file(''), 'safetensors: the header must be JSON'],
    [
      'bad UTF-8',
      file(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d])),
      'safetensors: the header must be UTF-8',
    ],
    ['byte order mark', file('\ufeff{}'), 'safetensors: the header must be JSON'],
    ['bad JSON', file('{"w":}'), 'safetensors: the header must be JSON'],
    ['zero padding', file('{}\0\0'), 'safetensors: the header must be JSON'],
    ['deep nesting', file(`{"w":${'['.repeat(200000)}${']'.repeat(200000)}}`), 'safetensors: '],
    ['array header', file('[]'), 'safetensors: header must be an object; got []'],
    ['null header', file('null'), 'safetensors: header must be an object; got null'],
    ['a tensor twice', file(`{"w":${good},"w":${good}}`, [1]), 'the header has a key twice'],
    [
      'a tensor twice, once escaped',
      file(`{"w":${good},"\\u0077":${good}}`, [1]),
      'the header has a key twice',
    ],
    [
      'a field twice',
      file('{"w":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}'),
      'the header has a key twice',
    ],
    ['a metadata key twice', file('{"__metadata__":{"a" :"1","a"\t:"2"}}'), 'the header has a key twice'],
    [
      'metadata no object',
      file({ __metadata__: ['a'] }),
      'safetensors: __metadata__ must be an object; got ["a"]',
    ],
    [
      'metadata value no string',
      file({ __metadata__: { a: 1 } }),
      'safetensors: metadata "a" must be a string; got 1',
    ],
    ['entry no object', file({ w: 3 }), 'safetensors: tensor "w" must be an object; got 3'],
    ['entry null', file({ w: null }), 'safetensors: tensor "w" must be an object; got null'],
    [
      'dtype missing',
      file({ w: { shape: [0], data_offsets: [0, 0] } }),
      'safetensors: tensor "w": dtype must be one of F32, I32, F64, F16, BF16, U8, I64; got undefined',
    ],
    [
      'dtype unknown',
      file(w('F33', [0], 0, 0)),
      'safetensors: tensor "w": dtype must be one of F32, I32, F64, F16, BF16, U8, I64; got "F33"',
    ],
    [
      'dtype of the prototype',
      file(w('toString', [0], 0, 0)),
      'safetensors: tensor "w": dtype must be one of F32, I32, F64, F16, BF16, U8, I64; got "toString"',
    ],
    [
      'shape missing',
      file({ w: { dtype: 'U8', data_offsets: [0, 0] } }),
      'safetensors: tensor "w": shape must be a list of integers >= 0; got undefined',
    ],
    ['shape negative', file(w('U8', [-1], 0, 1), [1]), 'shape must be a list of integers >= 0; got [-1]'],
    ['shape fractional', file(w('U8', [0.5, 2], 0, 1), [1]), 'must be a list of integers >= 0'],
    ['shape of strings', file(w('U8', ['1'], 0, 1), [1]), 'must be a list of integers >= 0'],
    [
      'shape product overflow',
      file(w('F32', [2 ** 40, 2 ** 40], 0, 4), [0, 0, 0, 0]),
      'must be of less than 2^53 elements',
    ],
    [
      'shape product overflow hidden by a zero',
      file(w('F32', [2 ** 40, 2 ** 40, 0], 0, 0)),
      'must be of less than 2^53 elements',
    ],
    [
      'shape larger than the bytes',
      file(w('F32', [2 ** 50], 0, 4), [0, 0, 0, 0]),
      `data_offsets must be ${2 ** 52} bytes apart; got [0,4]`,
    ],
    [
      'shape smaller than the bytes',
      file(w('F32', [1], 0, 8), [0, 0, 0, 0, 0, 0, 0, 0]),
      'safetensors: tensor "w": data_offsets must be 4 bytes apart; got [0,8]',
    ],
    [
      'offsets missing',
      file({ w: { dtype: 'U8', shape: [0] } }),
      'safetensors: tensor "w": data_offsets must be two increasing integers >= 0; got undefined',
    ],
    [
      'one offset',
      file(w('U8', [0], 0)),
      'safetensors: tensor "w": data_offsets must be two increasing integers >= 0; got [0]',
    ],
    [
      'offset negative',
      file(w('U8', [1], -1, 0)),
      'safetensors: tensor "w": data_offsets must be two increasing integers >= 0; got [-1,0]',
    ],
    [
      'offset no integer',
      file(w('U8', [1], 0, 1.5), [1]),
      'safetensors: tensor "w": data_offsets must be two increasing integers >= 0; got [0,1.5]',
    ],
    [
      'offsets backwards',
      file(w('U8', [1], 1, 0), [1]),
      'safetensors: tensor "w": data_offsets must be two increasing integers >= 0; got [1,0]',
    ],
    ['offset past the data', file(w('U8', [2], 0, 2), [1]), 'safetensors: tensor "w" ends at byte 2 of 1'],
    [
      'overlap',
      file({ a: entry('U8', [2], 0, 2), b: entry('U8', [2], 1, 3) }, [1, 2, 3]),
      'safetensors: tensor "b" at byte 1 overlaps one that ends at 2',
    ],
    ['same bytes twice', file({ a: entry('U8', [2], 0, 2), b: entry('U8', [2], 0, 2) }, [1, 2]), 'overlaps'],
    [
      'hole',
      file({ a: entry('U8', [1], 0, 1), b: entry('U8', [1], 2, 3) }, [1, 2, 3]),
      'safetensors: tensor "b" follows a hole of 1 bytes',
    ],
    ['hole at the start', file(w('U8', [1], 1, 2), [1, 2]), 'a hole of 1 bytes'],
    ['data left over', file(w('U8', [1], 0, 1), [1, 2, 3]), 'safetensors: 2 bytes belong to no tensor'],
    ['data without tensors', file('{}', [1]), 'safetensors: 1 bytes belong to no tensor'],
    [
      'I64 beyond int32',
      file(w('I64', [1], 0, 8), bytesOf(new BigInt64Array([2n ** 31n]))),
      'I64 element 0 exceeds int32',
    ],
    [
      'I64 far beyond int32',
      file(w('I64', [2], 0, 16), bytesOf(new BigInt64Array([5n, -(2n ** 32n)]))),
      'I64 element 1 exceeds int32',
    ],
    ['no bytes at all', 'text' as unknown as Uint8Array, 'safetensors file must be a Uint8Array'],
  ])('%s', (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes)).toThrow(LanegradError)
    expect(() => decodeSafetensors(bytes)).toThrow(message)
  })
})

describe('properties', () => {
  const shapes = fc.array(fc.nat(4), { maxLength: 4 })
  const arrays = fc
    .tuple(shapes, fc.boolean(), fc.infiniteStream(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })))
    .map(([shape, isFloat, bits]): NamedArray => {
      const count = shape.reduce((a, b) => a * b, 1)
      const data = Int32Array.from({ length: count }, () => bits.next().value as number)
      return { shape, data: isFloat ? new Float32Array(data.buffer) : data }
    })
  const text = fc.string({ unit: 'binary' })
  const maps = fc
    .array(
      fc.tuple(
        text.filter((name) => name !== '__metadata__'),
        arrays,
      ),
      { maxLength: 5 },
    )
    .map((entries) => new Map(entries))
  const metadata = fc.dictionary(text, text)
  const onlyLanegradErrors = (bytes: Uint8Array) => {
    try {
      const { tensors } = decodeSafetensors(bytes)
      for (const { shape, data } of tensors.values())
        expect(data.length).toBe(shape.reduce((a, b) => a * b, 1))
    } catch (error) {
      if (!(error instanceof LanegradError)) throw error
    }
  }
  const sorted = (map: ReadonlyMap<string, NamedArray>) =>
    [...map]
      .map(([name, { shape, data }]) => [name, shape, data.constructor.name, [...bytesOf(data)]] as const)
      .sort((a, b) => (a[0] < b[0] ? -1 : 1))

  test('decode gives back what encode took, bit by bit', () => {
    fc.assert(
      fc.property(maps, metadata, (tensors, meta) => {
        const back = decodeSafetensors(encodeSafetensors(tensors, meta))
        expect(sorted(back.tensors)).toEqual(sorted(tensors))
        expect(Object.entries(back.metadata).sort()).toEqual(Object.entries(meta).sort())
      }),
      { numRuns: 150 },
    )
  })
  test('random bytes throw nothing but LanegradError', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), onlyLanegradErrors), { numRuns: 300 })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (header) => onlyLanegradErrors(file(header))),
      { numRuns: 300 },
    )
  })
  test('random JSON headers throw nothing but LanegradError', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.uint8Array(), (header, data) => onlyLanegradErrors(file(header, data))),
      { numRuns: 300 },
    )
    const field = fc.oneof(fc.jsonValue(), fc.constant([0, 0]), fc.constant('F32'), fc.array(fc.nat(9)))
    const info = fc.record({
      dtype: fc.oneof(fc.constantFrom('F32', 'U8', 'I64', 'F16'), field),
      shape: field,
      data_offsets: field,
    })
    fc.assert(
      fc.property(fc.dictionary(text, info), (header) => onlyLanegradErrors(file(header))),
      { numRuns: 300 },
    )
  })
  test('mutated files throw nothing but LanegradError', () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.constantFrom('set', 'cut', 'drop', 'double'), fc.nat(255)), {
      minLength: 1,
      maxLength: 4,
    })
    fc.assert(
      fc.property(maps, metadata, edits, (tensors, meta, changes) => {
        let bytes = [...encodeSafetensors(tensors, meta)]
        for (const [position, kind, value] of changes) {
          const at = position % (bytes.length || 1)
          if (kind === 'set') bytes[at] = value
          else if (kind === 'cut') bytes = bytes.slice(0, at)
          else bytes.splice(at, kind === 'drop' ? 1 : 0, ...(kind === 'double' ? [value] : []))
        }
        onlyLanegradErrors(Uint8Array.from(bytes))
      }),
      { numRuns: 400 },
    )
  })
})
