// Pictures of a page, or raw pixels, to the numbers a net reads. Enters: an ImageData, a canvas, anything that a canvas can draw, or
// bytes with their sizes. Leaves: [rows, height, width, channels] in float32. The resizing is done here, not by the browser,
// so that the same pixels give the same bits on every engine.
import { arrayType, tagOf } from '../numerics/brands.ts'
import {
  check,
  FINITE,
  fail,
  isFunction,
  isObject,
  must,
  oneOf,
  POSITIVE,
  POSITIVE_INTEGER,
  reading,
  readOptions,
  refusal,
} from '../numerics/errors.ts'
import type { FloatArray } from '../numerics/tensor.ts'

/** Pixels in rows from the top, each of 1 (gray), 3 (RGB) or 4 (RGBA) bytes, as their number tells; ImageData has this form. */
export interface Pixels {
  readonly data: Uint8Array | Uint8ClampedArray
  readonly width: number
  readonly height: number
}

/** What a canvas can draw: HTMLImageElement, HTMLVideoElement, ImageBitmap, VideoFrame, SVGImageElement. */
export type Drawable = object

/** Options of `imageTensor`. */
export interface ImageOptions {
  /**
   * The height and width of the result, or one number for both. Default null: those of the first
   * picture.
   */
  readonly size?: number | readonly [height: number, width: number] | null
  /** 3 for red, green, blue; 1 for gray (0.299 red + 0.587 green + 0.114 blue, as in JPEG). Default 3. */
  readonly channels?: 1 | 3
  /**
   * How a picture of other proportions fills the size: 'cover' cuts off what lies beyond its middle, 'contain' leaves margins of
   * the color `background`, 'fill' distorts it. Default 'cover'.
   */
  readonly fit?: 'cover' | 'contain' | 'fill'
  /** Factor of the bytes 0 to 255. Default 1 / 255. */
  readonly scale?: number
  /** A number, or one for each channel, taken from the scaled ones. Default 0. */
  readonly mean?: number | readonly number[]
  /** A number, or one for each channel, by which the result is divided. Default 1. */
  readonly std?: number | readonly number[]
  /** The color behind transparent pixels and in margins, red, green, blue from 0 to 255. Default white. */
  readonly background?: readonly [number, number, number]
}

/** The largest height and width of a result. */
const LARGEST = 16384

function readSize(size: unknown, what: string): readonly [number, number] | null {
  if (size === null) return null
  const both = Array.isArray(size) ? size : [size, size]
  const holds = both.length === 2 && both.every((n) => POSITIVE_INTEGER.holds(n) && n <= LARGEST)
  check(holds, what, `a whole number from 1 to ${LARGEST}, or [height, width]`, size)
  return both as unknown as readonly [number, number]
}

function readBackground(color: unknown, what: string): readonly number[] {
  const holds = Array.isArray(color) && color.length === 3 && color.every((n) => FINITE.holds(n))
  check(holds, what, 'three numbers from 0 to 255', color)
  return [...(color as number[])]
}

const perChannel = (value: unknown, channels: number, what: string): readonly number[] => {
  const list = Array.isArray(value) ? value : new Array(channels).fill(value)
  check(
    list.length === channels && list.every((n) => FINITE.holds(n)),
    what,
    `a number, or ${channels}`,
    value,
  )
  return list
}

/**
 * Pictures as a tensor [rows, height, width, channels], for `predict` and `fit`: (byte * scale - mean) / std. One picture gives one
 * row. Pixels are averaged where a picture shrinks and interpolated where it grows (a triangle filter, as in Pillow's BILINEAR).
 * MobileNet takes `{ size: 224, scale: 1 / 127.5, mean: 1 }`, torchvision's nets `{ size: 224, mean: [0.485, 0.456, 0.406],
 * std: [0.229, 0.224, 0.225] }`.
 * @throws LanegradError on an unknown or bad option, on a source that isn't a picture, on an image or a video that isn't loaded, on pixels of
 * another site that the browser doesn't show
 * @example
 * ```js
 * import { imageTensor } from 'lanegrad/data'
 *
 * const pixels = { width: 2, height: 1, data: Uint8Array.of(255, 0, 0, 255, 0, 0, 255, 255) } // red, blue
 * const { shape, data } = imageTensor(pixels)
 * console.log(shape, data.join(' ')) // [ 1, 1, 2, 3 ] 1 0 0 0 0 1
 * // in a page: imageTensor(document.querySelector('img'), { size: 224 }), a canvas, a video ...
 * ```
 */
export function imageTensor(
  source: Pixels | Drawable | readonly (Pixels | Drawable)[],
  options: ImageOptions = {},
): FloatArray {
  const where = 'imageTensor'
  const { size, channels, fit, scale, mean, std, background } = readOptions(where, options, {
    size: [readSize, null],
    channels: [oneOf(1, 3), 3],
    fit: [oneOf('cover', 'contain', 'fill'), 'cover'],
    scale: [POSITIVE, 1 / 255],
    mean: [(value: unknown) => value, 0],
    std: [(value: unknown) => value, 1],
    background: [readBackground, [255, 255, 255]],
  })
  const means = perChannel(mean, channels, `${where}: mean`)
  const divisors = perChannel(std, channels, `${where}: std`)
  divisors.forEach((divisor) => {
    must(POSITIVE, divisor, `${where}: std`)
  })
  const isList = reading(`${where}: source`, () => Array.isArray(source))
  const sources = isList ? (source as readonly unknown[]) : [source]
  check(sources.length > 0, `${where}: source`, 'a picture, or a list of one at least', source)
  let out: Float32Array<ArrayBuffer> | null = null
  let [height, width] = size ?? [0, 0]
  const count = () => height * width * channels
  sources.forEach((one, row) => {
    const what = isList ? `${where}: picture ${row}` : `${where}: source`
    const pixels = pixelsOf(one, what)
    if (!out) {
      if (!size) [height, width] = readSize([pixels.height, pixels.width], `${what}: its size`) ?? [0, 0]
      out = new Float32Array(sources.length * count())
    }
    const planes = planesOf(pixels, channels, background)
    const fitted = resized(
      planes,
      pixels,
      [height, width],
      fit,
      channels === 1 ? [gray(background)] : background,
    )
    const at = row * count()
    for (let i = 0; i < fitted.length; i++) {
      const channel = i % channels
      out[at + i] = (fitted[i] * scale - means[channel]) / divisors[channel]
    }
  })
  return { shape: [sources.length, height, width, channels], data: out ?? new Float32Array(0) }
}

const gray = ([red, green, blue]: readonly number[]) => 0.299 * red + 0.587 * green + 0.114 * blue

interface Size {
  readonly width: number
  readonly height: number
}

const isBytes = (data: unknown): data is Uint8Array => {
  const type = arrayType(data)
  return type === 'Uint8Array' || type === 'Uint8ClampedArray'
}

interface Canvas extends Size {
  getContext(kind: '2d', options?: object): CanvasContext | null
}

interface CanvasContext {
  getImageData(x: number, y: number, width: number, height: number): Pixels
  drawImage(source: object, x: number, y: number, width: number, height: number): void
}

const isCanvas = (source: object): source is Canvas => isFunction((source as Partial<Canvas>).getContext)

/** The pixels of a picture: its own, those of a canvas, or those it gives when it is drawn onto one. */
function pixelsOf(source: unknown, what: string): Pixels {
  return reading(what, () => {
    const expected = 'an ImageData, a canvas, an image, a video frame, or { data, width, height }'
    check(isObject(source), what, expected, source)
    const { data, width, height } = source as Partial<Pixels>
    if (isBytes(data)) {
      must(POSITIVE_INTEGER, width, `${what}: width`)
      must(POSITIVE_INTEGER, height, `${what}: height`)
      const each = data.length / ((width as number) * (height as number))
      const isWhole = each === 1 || each === 3 || each === 4
      if (!isWhole)
        fail(`${what}: ${width} x ${height} pixels take 1, 3 or 4 bytes each; got ${data.length} bytes`)
      return source as Pixels
    }
    try {
      if (isCanvas(source)) return read(source, source.width, source.height, what)
      const drawn = sizeOf(source)
      check(drawn !== null, what, expected, source)
      if (!(drawn.width > 0 && drawn.height > 0))
        fail(`${what}: the picture isn't loaded yet, or has no size; await its load event (img.decode())`)
      const canvas = canvasOf(drawn, what)
      canvas
        .getContext('2d', { willReadFrequently: true })
        ?.drawImage(source, 0, 0, drawn.width, drawn.height)
      return read(canvas, drawn.width, drawn.height, what)
    } catch (error) {
      if ((error as { name?: unknown })?.name === 'SecurityError')
        fail(
          `${what}: the picture is of another site, which must allow it (crossorigin="anonymous" and its CORS header)`,
        )
      throw refusal(what, error)
    }
  })
}

function read(canvas: Canvas, width: number, height: number, what: string): Pixels {
  if (!(width > 0 && height > 0)) fail(`${what}: the canvas has no size`)
  const context = canvas.getContext('2d', { willReadFrequently: true })
  if (!context)
    return fail(`${what}: the canvas has a context of another kind than 2d; draw it onto one that has`)
  return context.getImageData(0, 0, width, height)
}

/** The size of what a canvas can draw, in its own pixels; null for anything else. */
function sizeOf(source: object): Size | null {
  if (!/^\[object (HTML|SVG|Image|Video)\w*\]$/.test(tagOf(source))) return null
  const { naturalWidth, naturalHeight, videoWidth, videoHeight, displayWidth, displayHeight, width, height } =
    source as Record<string, number | undefined>
  const [w, h] = [
    naturalWidth ?? videoWidth ?? displayWidth ?? width,
    naturalHeight ?? videoHeight ?? displayHeight ?? height,
  ]
  return typeof w === 'number' && typeof h === 'number' ? { width: w, height: h } : null
}

function canvasOf({ width, height }: Size, what: string): Canvas {
  const { OffscreenCanvas, document } = globalThis as {
    OffscreenCanvas?: new (width: number, height: number) => Canvas
    document?: { createElement(name: string): Canvas & { width: number; height: number } }
  }
  if (OffscreenCanvas) return new OffscreenCanvas(width, height)
  if (!document) return fail(`${what}: this runtime has no canvas to draw it on; give its pixels`)
  return Object.assign(document.createElement('canvas'), { width, height })
}

/** [height, width, channels] from 0 to 255, over the background where pixels are transparent. */
function planesOf(
  { data, width, height }: Pixels,
  channels: number,
  background: readonly number[],
): Float64Array {
  const count = width * height
  const each = data.length / count
  const out = new Float64Array(count * channels)
  for (let i = 0; i < count; i++) {
    const at = i * each
    const alpha = each === 4 ? data[at + 3] / 255 : 1
    const color = (channel: number) => {
      const own = data[at + (each === 1 ? 0 : channel)]
      return alpha === 1 ? own : alpha * own + (1 - alpha) * background[channel]
    }
    if (channels === 3) for (let c = 0; c < 3; c++) out[i * 3 + c] = color(c)
    else out[i] = each === 1 ? data[at] : gray([color(0), color(1), color(2)])
  }
  return out
}

/** Which pixels of one axis make each of the result, and their shares; `from` to `to` of the axis fill `length`. */
function taps(size: number, from: number, to: number, length: number) {
  const step = (to - from) / length
  const reach = Math.max(1, step)
  return Array.from({ length }, (_, i) => {
    const center = from + (i + 0.5) * step
    const first = Math.max(0, Math.floor(center - reach))
    const end = Math.min(size, Math.ceil(center + reach))
    const shares: number[] = []
    for (let k = first; k < end; k++) shares.push(Math.max(0, 1 - Math.abs(k + 0.5 - center) / reach))
    const total = shares.reduce((sum, share) => sum + share, 0)
    return { first, shares: shares.map((share) => share / total) }
  })
}

/** The picture in another size: one axis after the other. */
function resized(
  planes: Float64Array,
  { width, height }: Size,
  [outHeight, outWidth]: readonly [number, number],
  fit: 'cover' | 'contain' | 'fill',
  background: readonly number[],
): Float64Array {
  if (width === outWidth && height === outHeight) return planes
  const channels = background.length
  const ratio = [outHeight / height, outWidth / width]
  const factor = fit === 'cover' ? Math.max(...ratio) : Math.min(...ratio)
  const [scaleY, scaleX] = fit === 'fill' ? ratio : [factor, factor]
  // 'contain': the picture's own part of the result; 'cover': the part of the picture that is shown
  const inner = [Math.round(height * scaleY), Math.round(width * scaleX)]
  const [h, w] = [Math.max(1, Math.min(outHeight, inner[0])), Math.max(1, Math.min(outWidth, inner[1]))]
  const cut = (size: number, shown: number, scale: number): [number, number] => {
    const part = Math.min(size, shown / scale)
    return [(size - part) / 2, (size + part) / 2]
  }
  const columns = taps(width, ...cut(width, w, scaleX), w)
  const rows = taps(height, ...cut(height, h, scaleY), h)
  const wide = new Float64Array(height * w * channels)
  for (let y = 0; y < height; y++)
    columns.forEach(({ first, shares }, x) => {
      for (let c = 0; c < channels; c++) {
        let sum = 0
        for (let k = 0; k < shares.length; k++)
          sum += shares[k] * planes[(y * width + first + k) * channels + c]
        wide[(y * w + x) * channels + c] = sum
      }
    })
  const out = new Float64Array(outHeight * outWidth * channels)
  for (let i = 0; i < out.length; i++) out[i] = background[i % channels]
  const [top, left] = [(outHeight - h) >> 1, (outWidth - w) >> 1]
  rows.forEach(({ first, shares }, y) => {
    for (let i = 0; i < w * channels; i++) {
      let sum = 0
      for (let k = 0; k < shares.length; k++) sum += shares[k] * wide[(first + k) * w * channels + i]
      out[((y + top) * outWidth + left) * channels + i] = sum
    }
  })
  return out
}
