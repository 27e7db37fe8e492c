// Zip archives: those of Python's zipfile (one is below) and our own.
import { constants, deflateRawSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { inflate } from '../../src/formats/inflate.ts'
import { readZip, writeZip } from '../../src/formats/zip.ts'
import { LanegradError } from '../../src/index.ts'
import { mutated, numbersFrom, ROUNDS } from '../support/mutated.ts'

/** zipfile.ZipFile(b, 'w'), 'a.txt' stored and 'b/zwölf.txt' deflated, both of b'abc' * 20. */
const PYTHON =
  'UEsDBBQAAAAAAAAAIQAt+pHhPAAAADwAAAAFAAAAYS50eHRhYmNhYmNhYmNhYmNhYmNhYmNhYmNhYmNhYmNhYmNhYmNhYmNhYmNhYmNhYmNhYmNhYmNhYmNhYmNhYmNQSwMEFAAACAgAAAAhAC36keEIAAAAPAAAAAwAAABiL3p3w7ZsZi50eHRLTEpOJBcBAFBLAQIUAxQAAAAAAAAAIQAt+pHhPAAAADwAAAAFAAAAAAAAAAAAAACAAQAAAABhLnR4dFBLAQIUAxQAAAgIAAAAIQAt+pHhCAAAADwAAAAMAAAAAAAAAAAAAACAAV8AAABiL3p3w7ZsZi50eHRQSwUGAAAAAAIAAgBtAAAAkQAAAAAA'
const python = new Uint8Array(Buffer.from(PYTHON, 'base64'))
const text = 'abc'.repeat(20)
const read = (bytes: Uint8Array, name: string) => new TextDecoder().decode(readZip('file', bytes).read(name))

test('archives of Python, stored and deflated', () => {
  expect(readZip('file', python).names).toEqual(['a.txt', 'b/zwölf.txt'])
  expect([read(python, 'a.txt'), read(python, 'b/zwölf.txt')]).toEqual([text, text])
  expect(() => readZip('file', python).read('c')).toThrow('file: the archive holds no "c"')
})

test('our own archives, with a comment behind them', () => {
  const files = {
    'config.json': new TextEncoder().encode(text),
    ä: new Uint8Array(3),
    none: new Uint8Array(0),
  }
  const zip = writeZip(files)
  const commented = new Uint8Array([...zip, ...new Uint8Array(500)])
  for (const bytes of [zip, commented]) {
    const { names, read } = readZip('file', bytes)
    expect(Object.fromEntries(names.map((name) => [name, read(name)]))).toEqual(files)
  }
})

describe('sizes', () => {
  const deflated = new Uint8Array(deflateRawSync(new Uint8Array(1 << 26)))

  test('a stream that holds more than it should is stopped', () => {
    const start = process.memoryUsage().arrayBuffers
    expect(() => inflate('x', deflated, 1000)).toThrow(
      'x: expected 1000 bytes; the compressed ones hold more',
    )
    expect(process.memoryUsage().arrayBuffers - start).toBeLessThan(1 << 26)
    expect(() => inflate('x', deflated, 2 ** 26 + 1)).toThrow('the compressed ones hold 67108864')
    expect(inflate('x', deflated, 1 << 26).length).toBe(1 << 26)
    expect(() => inflate('x', Uint8Array.of(7, 7, 7), 5)).toThrow('x: its compressed bytes are damaged')
  })

  test('a file that claims to expand to far more than it has is refused before memory is taken', () => {
    const bomb = python.slice()
    const entry = Buffer.from(bomb).lastIndexOf('PK\x01\x02')
    new DataView(bomb.buffer).setUint32(entry + 24, 0xfffffff0, true)
    expect(() => readZip('file', bomb).read('b/zwölf.txt')).toThrow(
      /claims 4294967280 bytes in \d+: a decompression bomb/,
    )
  })
})

test('streams of zlib at every level, of numbers, texts and nothing', () => {
  const random = numbersFrom(3)
  const contents = [0, 1, 300, 20_000].flatMap((length) => [
    new Uint8Array(length).map(() => random(256)),
    new Uint8Array(length).map((_, i) => (i * i) % 7),
    new Uint8Array(length).map(() => 97 + (random(40) >> (random(3) + 1))),
  ])
  for (const content of contents)
    for (const level of [0, 1, 6, 9])
      for (const strategy of [constants.Z_DEFAULT_STRATEGY, constants.Z_FIXED])
        expect(
          Buffer.compare(
            inflate('x', new Uint8Array(deflateRawSync(content, { level, strategy })), content.length),
            content,
          ),
        ).toBe(0)
})

test('damaged archives give nothing but a LanegradError', () => {
  let refused = 0
  for (const damaged of mutated(python, ROUNDS)) {
    try {
      const zip = readZip('file', damaged)
      for (const name of zip.names) zip.read(name)
    } catch (error) {
      if (!(error instanceof LanegradError)) throw error
      refused++
    }
  }
  expect(refused).toBeGreaterThan(ROUNDS / 2)
})
