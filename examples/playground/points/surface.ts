// The square with what the network (or one neuron) outputs as a heat map, the points on it and its axes beside it; draws
// new points with the pointer, or with the keyboard at a cursor.
import { HeatImage, palette, rampColor } from '../lib/colors.ts'
import { h, Picture } from '../lib/dom.ts'
import type { Point } from './data.ts'
import { EXTENT, SIDE } from './grid.ts'

/** Between two points of a stroke. */
const APART = 0.35

export class Surface {
  readonly element: HTMLElement
  /** The heat map, scaled by the style sheet, and over it the points: these are painted only when they change. */
  private readonly square: HTMLElement
  readonly picture: Picture
  readonly heat = new HeatImage(SIDE, SIDE)
  train: readonly Point[] = []
  test: readonly Point[] = []
  showTest = false
  /** Points have values: they are round, colored by the ramp. */
  isRegression = false
  private last: [x: number, y: number] = [0, 0]
  private cursor: [x: number, y: number] | null = null
  private isDown = false
  private isDrawing = false
  private readonly onPoint: (x: number, y: number) => void

  constructor(onPoint: (x: number, y: number) => void) {
    this.onPoint = onPoint
    this.picture = new Picture('What the network outputs', '', () => this.draw())
    this.square = h('div', { class: 'surface' }, this.heat.canvas, this.picture.canvas)
    const axis = (name: string, ends: readonly string[]) =>
      h('div', { class: `axis ${name}`, 'aria-hidden': 'true' }, ...ends.map((text) => h('span', {}, text)))
    this.element = h(
      'div',
      { class: 'axes' },
      axis('up', ['6', 'x2', '−6']),
      this.square,
      axis('right', ['−6', 'x1', '6']),
    )
    const { canvas } = this.picture
    canvas.addEventListener('pointerdown', (event) => {
      if (!this.isDrawing) return
      canvas.setPointerCapture(event.pointerId)
      this.isDown = true
      this.place(event)
    })
    canvas.addEventListener('pointermove', (event) => {
      if (this.isDown) this.place(event, APART)
    })
    for (const end of ['pointerup', 'pointercancel'] as const)
      canvas.addEventListener(end, () => {
        this.isDown = false
      })
    canvas.addEventListener('keydown', (event) => this.key(event))
    canvas.addEventListener('focus', () => {
      if (!this.isDrawing || !canvas.matches(':focus-visible')) return
      this.cursor = [0, 0]
      this.picture.redraw()
    })
    canvas.addEventListener('blur', () => {
      this.cursor = null
      this.picture.redraw()
    })
  }

  set drawing(on: boolean) {
    this.isDrawing = on
    const { canvas } = this.picture
    this.square.classList.toggle('drawing', on)
    if (on) canvas.tabIndex = 0
    else canvas.removeAttribute('tabindex')
    this.picture.redraw()
  }

  /** A point where the pointer is, unless that is nearer than `apart` to the one before. */
  private place(event: PointerEvent, apart = 0): void {
    const box = this.picture.canvas.getBoundingClientRect()
    const share = (at: number, from: number, size: number) => Math.min(1, Math.max(0, (at - from) / size))
    const x = share(event.clientX, box.left, box.width) * 2 * EXTENT - EXTENT
    const y = EXTENT - share(event.clientY, box.top, box.height) * 2 * EXTENT
    if (Math.hypot(x - this.last[0], y - this.last[1]) < apart) return
    this.last = [x, y]
    this.onPoint(x, y)
  }

  private key(event: KeyboardEvent): void {
    if (!this.isDrawing) return
    const step = event.shiftKey ? 1.5 : 0.5
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key]
    const [x, y] = this.cursor ?? [0, 0]
    if (move) {
      const clamp = (value: number) => Math.max(-EXTENT, Math.min(EXTENT, value))
      this.cursor = [clamp(x + move[0] * step), clamp(y + move[1] * step)]
    } else if (event.key === 'Enter' || event.key === ' ') this.onPoint(x, y)
    else return
    event.preventDefault()
    this.picture.redraw()
  }

  private draw(): void {
    const { context, width, height } = this.picture
    const xOf = (x: number) => ((x + EXTENT) / (2 * EXTENT)) * width
    const yOf = (y: number) => ((EXTENT - y) / (2 * EXTENT)) * height
    // blue points are round, orange ones square; training points are full, test points hollow
    const dots = (points: readonly Point[], isFull: boolean) => {
      context.lineWidth = isFull ? 1.2 : 2
      for (const { x, y, label } of points) {
        const color = this.isRegression ? rampColor(1.4 * label) : label ? palette.blue : palette.orange
        context.fillStyle = isFull ? color : palette.card
        context.strokeStyle = !isFull ? color : this.isRegression ? palette.muted : palette.card
        context.beginPath()
        traceMark(context, this.isRegression ? 1 : label, xOf(x), yOf(y), 3.4)
        context.fill()
        context.stroke()
      }
    }
    if (this.showTest || this.isDrawing) dots(this.test, false)
    dots(this.train, true)
    if (!this.cursor) return
    context.strokeStyle = palette.ink
    context.lineWidth = 2
    context.beginPath()
    context.arc(xOf(this.cursor[0]), yOf(this.cursor[1]), 8, 0, 2 * Math.PI)
    context.stroke()
  }
}

/** Adds a point's mark to the path: a circle for blue, a square for orange. */
export function traceMark(
  context: CanvasRenderingContext2D,
  label: number,
  x: number,
  y: number,
  radius: number,
): void {
  context.moveTo(x + radius, y)
  if (label) context.arc(x, y, radius, 0, 2 * Math.PI)
  else context.rect(x - radius * 0.9, y - radius * 0.9, radius * 1.8, radius * 1.8)
}
