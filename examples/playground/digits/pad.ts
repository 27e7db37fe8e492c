// A square to draw a digit on, and the digit as MNIST has it: scaled into 20 x 20 pixels with its proportions kept, its
// centre of mass in the middle of 28 x 28, white on black.
import { h } from '../lib/dom.ts'
import { PIXELS, SIDE } from './data.ts'

const SIZE = 280
const BOX = 20

export class Pad {
  readonly element: HTMLElement
  private readonly canvas: HTMLCanvasElement
  private readonly hint = h('span', {}, 'draw here')
  /** What `put` shows, as long as nothing is drawn. */
  private picked: Float32Array | null = null
  private readonly context: CanvasRenderingContext2D
  private last: [x: number, y: number] | null = null

  constructor(onDrawn: () => void) {
    this.canvas = h('canvas', {
      class: 'pad',
      width: SIZE,
      height: SIZE,
      role: 'img',
      'aria-label': 'Draw a digit here; the test digits below can be picked instead',
    })
    this.context = this.canvas.getContext('2d', { willReadFrequently: true }) as CanvasRenderingContext2D
    this.element = h('div', { class: 'pad-box' }, this.canvas, this.hint)
    this.clear()
    const { canvas } = this
    canvas.addEventListener('pointerdown', (event) => {
      if (this.picked) this.clear()
      this.hint.hidden = true
      canvas.setPointerCapture(event.pointerId)
      this.last = this.place(event)
      this.line(this.last)
      onDrawn()
    })
    canvas.addEventListener('pointermove', (event) => {
      if (!this.last) return
      for (const part of event.getCoalescedEvents?.() ?? [event]) this.line(this.place(part))
      onDrawn()
    })
    for (const end of ['pointerup', 'pointercancel'] as const)
      canvas.addEventListener(end, () => {
        this.last = null
      })
  }

  private place(event: PointerEvent): [number, number] {
    const box = this.canvas.getBoundingClientRect()
    return [((event.clientX - box.left) / box.width) * SIZE, ((event.clientY - box.top) / box.height) * SIZE]
  }

  private line(to: [number, number]): void {
    const { context } = this
    context.strokeStyle = '#fff'
    context.lineWidth = 22
    context.lineCap = 'round'
    context.lineJoin = 'round'
    context.beginPath()
    context.moveTo(...(this.last ?? to))
    context.lineTo(...to)
    context.stroke()
    this.last = to
  }

  clear(): void {
    this.picked = null
    this.hint.hidden = false
    this.context.fillStyle = '#000'
    this.context.fillRect(0, 0, SIZE, SIZE)
  }

  /** Shows an image of 28 x 28 bytes, until something is drawn. */
  put(pixels: Uint8Array): void {
    this.picked = Float32Array.from(pixels, (pixel) => pixel / 255)
    this.hint.hidden = true
    this.context.imageSmoothingEnabled = false
    this.context.drawImage(greyImage(pixels), 0, 0, SIZE, SIZE)
  }

  /** [784] in 0 to 1: what was picked as it is, what was drawn as MNIST has it; null while there is nothing. */
  digit(): Float32Array | null {
    if (this.picked) return this.picked
    const { data } = this.context.getImageData(0, 0, SIZE, SIZE)
    let [left, top, right, bottom] = [SIZE, SIZE, -1, -1]
    for (let y = 0, at = 0; y < SIZE; y++)
      for (let x = 0; x < SIZE; x++, at += 4) {
        if (data[at] < 40) continue
        left = Math.min(left, x)
        right = Math.max(right, x)
        top = Math.min(top, y)
        bottom = Math.max(bottom, y)
      }
    if (right < 0) return null
    const [width, height] = [right - left + 1, bottom - top + 1]
    const scale = BOX / Math.max(width, height)
    const fit = small(this.canvas, [left, top, width, height], [4, 4, width * scale, height * scale])
    let [mass, sumX, sumY] = [0, 0, 0]
    for (let y = 0, i = 0; y < SIDE; y++)
      for (let x = 0; x < SIDE; x++, i++) {
        mass += fit[i]
        sumX += fit[i] * (x + 0.5)
        sumY += fit[i] * (y + 0.5)
      }
    const moveX = Math.round(SIDE / 2 - sumX / mass)
    const moveY = Math.round(SIDE / 2 - sumY / mass)
    const digit = new Float32Array(PIXELS)
    for (let y = 0; y < SIDE; y++)
      for (let x = 0; x < SIDE; x++) {
        const [fromX, fromY] = [x - moveX, y - moveY]
        if (fromX >= 0 && fromX < SIDE && fromY >= 0 && fromY < SIDE)
          digit[y * SIDE + x] = fit[fromY * SIDE + fromX]
      }
    return digit
  }
}

type Box = readonly [x: number, y: number, width: number, height: number]

/** A part of a canvas drawn into 28 x 28, halved step by step first so that thin strokes survive. */
function small(source: HTMLCanvasElement, from: Box, to: Box): Float32Array {
  let [image, box]: [HTMLCanvasElement, Box] = [source, from]
  while (box[2] > 2 * to[2] && box[3] > 2 * to[3]) {
    const half = h('canvas', { width: Math.ceil(box[2] / 2), height: Math.ceil(box[3] / 2) })
    const context = half.getContext('2d') as CanvasRenderingContext2D
    context.imageSmoothingQuality = 'high'
    context.drawImage(image, ...box, 0, 0, box[2] / 2, box[3] / 2)
    box = [0, 0, box[2] / 2, box[3] / 2]
    image = half
  }
  const canvas = h('canvas', { width: SIDE, height: SIDE })
  const context = canvas.getContext('2d') as CanvasRenderingContext2D
  context.fillRect(0, 0, SIDE, SIDE)
  context.imageSmoothingQuality = 'high'
  context.drawImage(image, ...box, ...to)
  const { data } = context.getImageData(0, 0, SIDE, SIDE)
  return Float32Array.from({ length: PIXELS }, (_, i) => data[4 * i] / 255)
}

/** 28 x 28 bytes as a canvas, white on black. */
export function greyImage(pixels: Uint8Array): HTMLCanvasElement {
  const canvas = h('canvas', { width: SIDE, height: SIDE })
  const context = canvas.getContext('2d') as CanvasRenderingContext2D
  const image = context.createImageData(SIDE, SIDE)
  for (let i = 0; i < PIXELS; i++) image.data.set([pixels[i], pixels[i], pixels[i], 255], 4 * i)
  context.putImageData(image, 0, 0)
  return canvas
}
