// Pictures as tensors: resized as Pillow does it (pillow/image.py), scaled by options, refused where they are none. What only a page
// has, canvases and images, is tried in image-page.test.ts.
import { readFileSync } from 'node:fs'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { type ImageOptions, imageTensor } from '../../src/data/index.ts'
import { refused } from '../support/refused.ts'

interface Case {
  readonly width: number
  readonly height: number
  readonly data: readonly number[]
  readonly size: readonly [number, number]
  readonly fit: 'cover' | 'contain' | 'fill'
  readonly result: readonly number[]
}

const cases: readonly Case[] = JSON.parse(readFileSync(new URL('pillow/image.json', import.meta.url), 'utf8'))
const red = { width: 1, height: 1, data: Uint8Array.of(255, 0, 0) }

describe('resizing', () => {
  test.each(cases)(
    '$height x $width to $size, $fit, as Pillow',
    ({ width, height, data, size, fit, result }) => {
      const got = imageTensor({ width, height, data: Uint8Array.from(data) }, { size, fit, scale: 1 })
      expect(got.shape).toEqual([1, ...size, 3])
      const worst = got.data.reduce((most, value, i) => Math.max(most, Math.abs(value - result[i])), 0)
      expect(worst).toBeLessThan(2e-3) // Pillow's float32, written with three digits
    },
  )

  test('a picture of the wanted size stays as it is, whatever the fit', () => {
    const data = Uint8Array.from({ length: 12 }, (_, i) => i * 20)
    for (const fit of ['cover', 'contain', 'fill'] as const)
      expect([...imageTensor({ width: 2, height: 2, data }, { fit, scale: 1, size: 2 }).data]).toEqual([
        ...data,
      ])
  })

  test('a wide picture leaves margins of the background, half of them on each side', () => {
    const picture = { width: 4, height: 1, data: new Uint8Array(12) }
    const { data } = imageTensor(picture, { size: 4, fit: 'contain', background: [255, 0, 51] })
    const rows = [0, 1, 2, 3].map((row) =>
      [...data.subarray(row * 12, row * 12 + 3)].map((v) => v.toFixed(1)),
    )
    const margin = ['1.0', '0.0', '0.2']
    expect(rows).toEqual([margin, ['0.0', '0.0', '0.0'], margin, margin])
  })
})

describe('numbers', () => {
  test('scale, mean and std of each channel', () => {
    const options = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }
    const want = [(1 - 0.485) / 0.229, -0.456 / 0.224, -0.406 / 0.225]
    imageTensor(red, options).data.forEach((value, i) => {
      expect(value).toBeCloseTo(want[i], 5)
    })
    expect([...imageTensor(red, { scale: 1 / 127.5, mean: 1 }).data]).toEqual([1, -1, -1])
  })

  test('gray weighs the colors; one byte a pixel is gray in all three channels', () => {
    expect(imageTensor(red, { channels: 1 }).data[0]).toBeCloseTo(0.299, 6)
    const greenBlue = { width: 2, height: 1, data: Uint8Array.of(0, 255, 0, 0, 0, 255) }
    const [green, blue] = imageTensor(greenBlue, { channels: 1 }).data
    expect([green, blue]).toEqual([expect.closeTo(0.587, 6), expect.closeTo(0.114, 6)])
    expect([...imageTensor({ width: 1, height: 1, data: Uint8Array.of(51) }).data]).toEqual(
      [51, 51, 51].map((v) => Math.fround(v / 255)),
    )
  })

  test('transparent pixels show the background', () => {
    const half = { width: 1, height: 1, data: Uint8ClampedArray.of(200, 0, 0, 51) } // a fifth
    expect([...imageTensor(half, { scale: 1 }).data]).toEqual([244, 204, 204])
    expect([...imageTensor(half, { scale: 1, background: [0, 0, 0] }).data]).toEqual([40, 0, 0])
  })

  test('a list gives a row for each, in the size of the first', () => {
    const blue = {
      width: 2,
      height: 2,
      data: Uint8Array.from({ length: 12 }, (_, i) => (i % 3 === 2 ? 255 : 0)),
    }
    const { shape, data } = imageTensor([red, blue])
    expect(shape).toEqual([2, 1, 1, 3])
    expect([...data]).toEqual([1, 0, 0, 0, 0, 1])
  })

  test('bytes of another realm', () => {
    const foreign = runInNewContext('({ width: 1, height: 1, data: Uint8Array.of(255, 0, 0) })')
    expect([...imageTensor(foreign).data]).toEqual([1, 0, 0])
  })
})

describe('bad input', () => {
  test.each<[string, unknown, ImageOptions?]>([
    [
      'imageTensor: source must be an ImageData, a canvas, an image, a video frame, or { data, width, height }; got 3',
      3,
    ],
    [
      'imageTensor: source must be an ImageData, a canvas, an image, a video frame, or { data, width, height }; got {}',
      {},
    ],
    ['imageTensor: source must be a picture, or a list of one at least; got []', []],
    [
      'imageTensor: picture 1 must be an ImageData, a canvas, an image, a video frame, or { data, width, height }; got null',
      [red, null],
    ],
    [
      'imageTensor: source: 2 x 1 pixels take 1, 3 or 4 bytes each; got 5 bytes',
      { width: 2, height: 1, data: new Uint8Array(5) },
    ],
    [
      'imageTensor: source: width must be a positive integer; got 0',
      { width: 0, height: 1, data: new Uint8Array(3) },
    ],
    ['imageTensor: size must be a whole number from 1 to 16384, or [height, width]; got 0', red, { size: 0 }],
    [
      'imageTensor: size must be a whole number from 1 to 16384, or [height, width]; got [2]',
      red,
      { size: [2] as never },
    ],
    ['imageTensor: mean must be a number, or 3; got [1,2]', red, { mean: [1, 2] }],
    ['imageTensor: std must be a finite number > 0; got 0', red, { std: 0 }],
    [
      'imageTensor: background must be three numbers from 0 to 255; got "white"',
      red,
      { background: 'white' as never },
    ],
  ])('%s', (message, source, options) => {
    refused(message, () => imageTensor(source as never, options))
  })

  test('a drawable where there is no canvas says what to do', () => {
    const image = { [Symbol.toStringTag]: 'ImageBitmap', width: 1, height: 1 }
    refused('imageTensor: source: this runtime has no canvas to draw it on; give its pixels', () =>
      imageTensor(image),
    )
  })

  test('a hostile picture gives a LanegradError', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    refused(/^imageTensor: source /, () => imageTensor(proxy))
  })
})
