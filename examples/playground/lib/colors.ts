// Colors of the theme, as canvases need them: read from the style sheet, whose custom properties are the one place
// where they are written. Values from -1 to 1 go from orange over the ground to blue.

export interface Palette {
  readonly ink: string
  readonly muted: string
  readonly line: string
  readonly card: string
  readonly orange: string
  readonly blue: string
  readonly accent: string
}

export let palette: Palette
/** 256 colors as the four bytes of an ImageData pixel, from -1 to 1. */
export let ramp = new Uint32Array(256)

type Rgb = readonly [number, number, number]
const rgbOf = (hex: string): Rgb =>
  [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb

export function readPalette(): void {
  const style = getComputedStyle(document.documentElement)
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim()
  palette = {
    ink: of('ink'),
    muted: of('muted'),
    line: of('line'),
    card: of('card'),
    orange: of('orange'),
    blue: of('blue'),
    accent: of('accent'),
  }
  const middle = rgbOf(of('heat-zero'))
  const ends = [rgbOf(of('heat-minus')), rgbOf(of('heat-plus'))]
  ramp = Uint32Array.from({ length: 256 }, (_, i) => {
    const value = (i - 127.5) / 127.5
    const end = ends[value < 0 ? 0 : 1]
    const [r, g, b] = middle.map((from, j) => Math.round(from + (end[j] - from) * Math.abs(value)))
    return 0xff000000 | (b << 16) | (g << 8) | r
  })
}

/** A place of the ramp for a value from -1 to 1. */
export const rampIndex = (value: number): number =>
  Math.max(0, Math.min(255, Math.round((value + 1) * 127.5))) || 0

/** `#rrggbb` at a value from -1 to 1. */
export function rampColor(value: number): string {
  const color = ramp[rampIndex(value)]
  return `rgb(${color & 255} ${(color >> 8) & 255} ${(color >> 16) & 255})`
}

/** A small image of values, to be drawn at any size. */
export class HeatImage {
  readonly canvas: HTMLCanvasElement
  private readonly context: CanvasRenderingContext2D
  private readonly image: ImageData
  private readonly pixels: Uint32Array

  constructor(width: number, height: number) {
    this.canvas = document.createElement('canvas')
    this.canvas.width = width
    this.canvas.height = height
    this.context = this.canvas.getContext('2d') as CanvasRenderingContext2D
    this.image = this.context.createImageData(width, height)
    this.pixels = new Uint32Array(this.image.data.buffer)
  }

  /** Pixel i shows values[offset + i * stride] * scale + shift. */
  set(values: Float32Array, offset = 0, stride = 1, scale = 1, shift = 0): void {
    const { pixels } = this
    for (let i = 0, at = offset; i < pixels.length; i++, at += stride)
      pixels[i] = ramp[rampIndex(values[at] * scale + shift)]
    this.context.putImageData(this.image, 0, 0)
  }
}
