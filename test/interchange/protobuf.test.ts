// The wire format against bytes put together here from its specification (protobuf.dev/programming-guides/encoding), then
// mutated files, which may be read or refused with a LanegradError and nothing else.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeModel, decodeTensor, encodeModel, encodeTensor } from '../../src/interchange/onnx/messages.ts'
import { decodeMessage, encodeMessage, type Fields } from '../../src/interchange/onnx/protobuf.ts'
import { LanegradError } from '../../src/numerics/errors.ts'

const INNER: Fields = { 1: ['a', 'int'] }
const FIELDS: Fields = {
  1: ['a', 'int'],
  2: ['b', 'text'],
  3: ['c', () => INNER],
  4: ['list', 'int', 'many'],
  5: ['f', 'float'],
  6: ['d', 'double'],
  7: ['raw', 'bytes'],
  8: ['floats', 'float', 'many'],
  9: ['inner', () => LOOP, 'many'],
}
const LOOP: Fields = { 1: ['loop', () => LOOP] }
const NONE = { list: [], floats: [], inner: [] }
type Read = Record<string, unknown>
const read = (...bytes: number[]): Read => decodeMessage('file', Uint8Array.from(bytes), FIELDS)
const written = (message: Read) => [...encodeMessage<Read>(FIELDS, message as never)]

/** What stands in the specification, or follows from it by hand. */
const CASES: [string, number[], Read][] = [
  ['a number', [0x08, 0x96, 0x01], { a: 150 }],
  ['a text', [0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67], { b: 'testing' }],
  ['a message', [0x1a, 0x03, 0x08, 0x96, 0x01], { c: { a: 150 } }],
  ['a packed list', [0x22, 0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05], { list: [3, 270, 86942] }],
  ['-2', [0x08, 0xfe, ...Array(8).fill(0xff), 0x01], { a: -2 }],
  ['2^53 - 1', [0x08, ...Array(7).fill(0xff), 0x0f], { a: Number.MAX_SAFE_INTEGER }],
  ['2^31', [0x08, 0x80, 0x80, 0x80, 0x80, 0x08], { a: 2 ** 31 }],
  ['-2^63', [0x08, ...Array(9).fill(0x80), 0x01], { a: -(2 ** 63) }],
  ['a float', [0x2d, 0, 0, 0xc0, 0x3f], { f: 1.5 }],
  ['a double', [0x31, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f], { d: 1.5 }],
  ['bytes', [0x3a, 2, 255, 0], { raw: Uint8Array.of(255, 0) }],
  ['packed floats', [0x42, 8, 0, 0, 0xc0, 0x3f, 0, 0, 0x80, 0xbf], { floats: [1.5, -1] }],
  ['empty messages', [0x4a, 0, 0x4a, 0], { inner: [{}, {}] }],
  ['nothing', [], {}],
]

describe('the wire format', () => {
  test.each(CASES)('%s is read and written', (_, bytes, message) => {
    expect(read(...bytes)).toEqual({ ...NONE, ...message })
    expect(written(message)).toEqual(bytes)
  })
  test('a list may come unpacked, in pieces, and among other fields', () => {
    expect(read(0x20, 1, 0x08, 7, 0x22, 2, 2, 3, 0x20, 4)).toEqual({ ...NONE, a: 7, list: [1, 2, 3, 4] })
  })
  test('of a field that comes twice the last value counts', () => {
    expect(read(0x08, 1, 0x08, 2)).toEqual({ ...NONE, a: 2 })
  })
  test('unknown fields of every wire type are skipped', () => {
    const unknown = [0x78, 0x96, 1, 0x7a, 1, 9, 0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x7d, 1, 2, 3, 4]
    expect(read(...unknown, 0x08, 1)).toEqual({ ...NONE, a: 1 })
  })
  test('bytes are views of the file', () => {
    const file = Uint8Array.of(0x3a, 1, 5)
    const { raw } = decodeMessage<Read>('file', file, FIELDS) as { raw: Uint8Array }
    expect(raw.buffer).toBe(file.buffer)
  })

  const deep = (depth: number) => {
    let bytes: number[] = []
    for (let i = 0; i < depth; i++)
      bytes = [
        0x0a,
        ...(bytes.length < 128 ? [bytes.length] : [(bytes.length % 128) | 128, bytes.length >> 7]),
        ...bytes,
      ]
    return bytes
  }
  const inList = (bytes: number[]) => [0x4a, (bytes.length % 128) | 128, bytes.length >> 7, ...bytes]
  test.each([
    ['a number that stops', [0x08, 0x96], 'file: the value goes on behind its end at byte 2'],
    [
      'a number of 11 bytes',
      [0x08, ...Array(11).fill(0x80)],
      'file: a number of more than 10 bytes at byte 11',
    ],
    ['a text longer than the file', [0x12, 5, 65], 'file: a value of 5 bytes where 1 are left at byte 2'],
    ['a length below 0', [0x12, ...Array(9).fill(0xff), 1], /a value of -1 bytes/],
    ['a message longer than its own', [0x1a, 2, 0x08, 0x96, 0x01], /goes on behind its end/],
    ['a packed number that leaves its list', [0x22, 1, 0x96, 0x01], /goes on behind its end/],
    ['a text that is not UTF-8', [0x12, 1, 0xff], /a text that is not UTF-8/],
    ['a group', [0x7b, 0x7c], /a field of wire type 3/],
    ['field 0', [0x00, 1], /a field number that none can have/],
    ['a text as a number', [0x10, 1], 'file: b is of wire type 0 at byte 1'],
    ['a number as bytes', [0x0a, 1, 1], /a is of wire type 2/],
    ['a float of 8 bytes', [0x29, 1, 2, 3, 4, 5, 6, 7, 8], /f is of wire type 1/],
    ['messages too deep', inList(deep(80)), /messages more than 64 deep/],
  ])('%s is refused', (_, bytes, message) => {
    expect(() => read(...bytes)).toThrow(LanegradError)
    expect(() => read(...bytes)).toThrow(message)
  })
  test('more messages than any network has are refused before they take memory', () => {
    const bytes = new Uint8Array(2 ** 21).map((_, i) => (i % 2 ? 0 : 0x4a))
    expect(() => decodeMessage('file', bytes, FIELDS)).toThrow('file: more than 524288 messages')
  })
  test('what is no bytes is refused by name', () => {
    expect(() => decodeModel('model.onnx' as never)).toThrow('ONNX file must be a Uint8Array')
  })
})

const model = {
  irVersion: 8,
  producerName: 'test',
  graph: {
    name: 'net',
    node: [
      {
        input: ['x', '', 'w'],
        output: ['y'],
        opType: 'Conv',
        attribute: [
          { name: 'pads', type: 7, ints: [0, 1, 2, -3] },
          { name: 'alpha', type: 1, f: 0.5 },
          { name: 'mode', type: 3, s: Uint8Array.of(97) },
        ],
      },
    ],
    initializer: [{ name: 'w', dims: [2], dataType: 1, rawData: new Uint8Array(8) }],
    input: [
      {
        name: 'x',
        type: { tensorType: { elemType: 1, shape: { dim: [{ dimParam: 'n' }, { dimValue: 3 }] } } },
      },
    ],
    output: [{ name: 'y', type: { tensorType: { elemType: 1 } } }],
  },
  opsetImport: [{ domain: '', version: 17 }],
}

describe('models', () => {
  test('come back as they were written', () => {
    expect(decodeModel(encodeModel(model))).toMatchObject(model)
    const tensor = { dims: [2], dataType: 7, int64Data: [-1, 2 ** 40], floatData: [1.5], doubleData: [2.5] }
    expect(decodeTensor(encodeTensor(tensor))).toMatchObject(tensor)
  })
  test('mutated files give a model or a LanegradError', () => {
    const file = encodeModel(model)
    let refused = 0
    const change = fc.tuple(fc.nat(file.length - 1), fc.nat(255))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), fc.nat(file.length), (changes, cut) => {
        const bytes = file.slice(0, changes.length === 4 ? cut : file.length)
        for (const [at, byte] of changes) bytes[at] = byte
        try {
          decodeModel(bytes)
        } catch (error) {
          if (!(error instanceof LanegradError)) throw error
          refused++
        }
      }),
      { numRuns: process.env.CI ? 20_000 : 1000, seed: 5 },
    )
    expect(refused).toBeGreaterThan(100)
  })
})
