// IDX files made by hand, byte by byte: all element types, and what is refused.
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { gunzip, parseIdx } from '../../src/data/index.ts'
import { dense, LanegradError, sequential } from '../../src/index.ts'
import { refused } from '../support/refused.ts'

/** A file of `shape` with these element bytes. */
const file = (type: number, shape: readonly number[], ...bytes: number[]) =>
  Uint8Array.of(0, 0, type, shape.length, ...shape.flatMap((n) => [0, 0, n >> 8, n & 255]), ...bytes)

describe('parseIdx reads', () => {
  test.each<[string, Uint8Array, unknown]>([
    ['unsigned bytes', file(8, [2, 2], 0, 127, 128, 255), Uint8Array.of(0, 127, 128, 255)],
    ['signed bytes', file(9, [2], 127, 128), Int8Array.of(127, -128)],
    ['shorts', file(11, [2], 1, 2, 0xff, 0xfe), Int16Array.of(258, -2)],
    ['ints', file(12, [2], 1, 2, 3, 4, 0xff, 0xff, 0xff, 0xff), Int32Array.of(0x01020304, -1)],
    // 1.5 = 1.1b * 2^0, -2 = -1.0b * 2^1
    ['floats', file(13, [2], 0x3f, 0xc0, 0, 0, 0xc0, 0, 0, 0), Float32Array.of(1.5, -2)],
    ['doubles', file(14, [1], 0x3f, 0xf8, 0, 0, 0, 0, 0, 0), Float64Array.of(1.5)],
  ])('%s', (_, bytes, data) => {
    const array = parseIdx(bytes)
    expect(array.data).toEqual(data)
    expect(array.shape).toEqual(bytes[3] === 2 ? [2, 2] : [array.data.length])
  })

  test('sizes above one byte, a file inside its buffer, an ArrayBuffer', () => {
    const whole = new Uint8Array(5 + 8 + 258)
    whole.set([0, 0, 8, 1, 0, 0, 1, 2, 42], 5)
    const { shape, data } = parseIdx(whole.subarray(5))
    expect([shape, data.length, data[0]]).toEqual([[258], 258, 42])
    expect(parseIdx(whole.slice(5).buffer)).toEqual({ shape, data })
    whole.fill(0)
    expect(data[0]).toBe(42) // a copy
  })

  test('what fit takes as it is', async () => {
    const net = sequential({ inputShape: [2], layers: [dense({ units: 2, activation: 'softmax' })] })
    net.compile({ loss: 'sparseCategoricalCrossentropy' })
    const history = await net.fit(parseIdx(file(8, [2, 2], 1, 2, 3, 4)), parseIdx(file(8, [2], 0, 1)))
    expect(history.loss).toHaveLength(1)
  })
})

describe('parseIdx refuses', () => {
  const images = file(8, [3, 2, 2], ...new Array(12).fill(1))
  test.each<[string, Uint8Array, string]>([
    ['an empty file', Uint8Array.of(), 'expected 4 bytes of header; got 0'],
    ['half a header', images.slice(0, 9), 'expected 16 bytes of header; got 9'],
    ['a missing byte', images.slice(0, -1), 'expected 28 bytes for 3 x 2 x 2; got 27'],
    ['a byte too many', Uint8Array.of(...images, 0), 'expected 28 bytes for 3 x 2 x 2; got 29'],
    ['half a double', file(14, [1], 1, 2, 3, 4), 'expected 16 bytes for 1; got 12'],
    ['an unknown type', file(10, [1], 1), 'expected an IDX file; got one that begins with 0x00000a01'],
    ['no axes', Uint8Array.of(0, 0, 8, 0), 'expected an IDX file; got one that begins with 0x00000800'],
    [
      'another format',
      new TextEncoder().encode('PNG...'),
      'expected an IDX file; got one that begins with 0x504e472e',
    ],
    [
      'gzip',
      gzipSync(images),
      'expected an IDX file; got one that begins with 0x1f8b0800 (gzip: see gunzip)',
    ],
    [
      'sizes no memory holds',
      Uint8Array.of(0, 0, 8, 2, 255, 255, 255, 255, 255, 255, 255, 255),
      'expected 18446744065119617000 bytes for 4294967295 x 4294967295; got 12',
    ],
  ])('%s', (_, bytes, message) => {
    expect(() => parseIdx(bytes, 'images')).toThrow(new LanegradError(`images: ${message}`))
    expect(() => parseIdx(bytes)).toThrow(new LanegradError(`IDX file: ${message}`))
  })
})

test.each<[string, unknown]>([
  ['undefined', undefined],
  ['Float32Array(4)', new Float32Array(4)],
  ['Uint16Array(4)', Uint16Array.of(0, 0, 8, 1)],
  ['[0,0,8,1,0,0,0,0]', [0, 0, 8, 1, 0, 0, 0, 0]],
])('files that are no bytes are refused: %s', async (shown, file) => {
  const message = `file must be a Uint8Array, ArrayBuffer or DataView (readFile(path), or await (await fetch(url)).arrayBuffer()); got ${shown}`
  refused(`parseIdx: ${message}`, () => parseIdx(file as Uint8Array, 'images'))
  await expect(gunzip(file as Uint8Array)).rejects.toThrow(new LanegradError(`gunzip: ${message}`))
})

describe('gunzip', () => {
  const bytes = Uint8Array.from({ length: 5000 }, (_, i) => (i * i) % 251)
  test('unzips by content', async () => {
    expect(await gunzip(gzipSync(bytes))).toEqual(bytes)
    const same = await gunzip(bytes)
    expect([same, same.buffer === bytes.buffer]).toEqual([bytes, true])
    expect(await gunzip(new Uint8Array(gzipSync(bytes)).buffer)).toEqual(bytes)
  })

  test('refuses what becomes too large, before it has', async () => {
    const bomb = gzipSync(new Uint8Array(process.env.CI ? 300_000_000 : 60_000_000), { level: 1 }) // seconds to make
    expect(bomb.length).toBeLessThan(2_000_000)
    const before = process.memoryUsage().arrayBuffers
    const refusal = 'expected at most 1000000 bytes unzipped (option limit of gunzip); got more'
    await expect(gunzip(bomb, 'images', { limit: 1e6 })).rejects.toThrow(
      new LanegradError(`images: ${refusal}`),
    )
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000)
    if (process.env.CI)
      await expect(gunzip(bomb)).rejects.toThrow('file: expected at most 268435456 bytes unzipped')
    expect((await gunzip(gzipSync(bytes), 'file', { limit: 5000 })).length).toBe(5000)
    await expect(gunzip(gzipSync(bytes), 'file', { limit: 4999 })).rejects.toThrow(
      'file: expected at most 4999 bytes unzipped (option limit of gunzip); got more',
    )
    await expect(gunzip(bytes, 'file', { limit: -1 })).rejects.toThrow('gunzip: limit must be')
  })

  test('refuses broken files', async () => {
    const zipped = new Uint8Array(gzipSync(bytes))
    const damaged = zipped.map((byte, i) => (i < 10 ? byte : 255 - byte))
    for (const broken of [zipped.subarray(0, zipped.length - 12), damaged])
      await expect(gunzip(broken, 'images')).rejects.toThrow(/^images: broken gzip: ./)
  })
})
