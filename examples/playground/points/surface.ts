// The square with what the network (or one neuron) answers as a heat map and the points on it; draws new points with
// the pointer, or with the keyboard at a cursor.
import { HeatImage, palette } from '../lib/colors.ts'
import { h, Picture } from '../lib/dom.ts'
import type { Point } from './data.ts'
import { EXTENT, SIDE } from './grid.ts'

export class Surface {
  /** The heat map, scaled by the style sheet, and over it the points: these are painted only when they change. */
  readonly element: HTMLElement
  readonly picture: Picture
  readonly heat = new HeatImage(SIDE, SIDE)
  train: readonly Point[] = []
  test: readonly Point[] = []
  showTest = false
  private cursor: [x: number, y: number] | null = null
  private isDown = false
  private isDrawing = false
  private readonly onPoint: (x: number, y: number) => void

  constructor(onPoint: (x: number, y: number) => void) {
    this.onPoint = onPoint
    this.picture = new Picture('What the network answers', '', () => this.draw())
    this.element = h('div', { class: 'surface' }, this.heat.canvas, this.picture.canvas)
    const { canvas } = this.picture
    canvas.addEventListener('pointerdown', (event) => {
      if (!this.isDrawing) return
      canvas.setPointerCapture(event.pointerId)
      this.isDown = true
      this.place(event)
    })
    let last = 0
    canvas.addEventListener('pointermove', (event) => {
      if (!this.isDown || event.timeStamp - last < 35) return
      last = event.timeStamp
      this.place(event)
    })
    for (const end of ['pointerup', 'pointercancel'] as const)
      canvas.addEventListener(end, () => {
        this.isDown = false
      })
    canvas.addEventListener('keydown', (event) => this.key(event))
    canvas.addEventListener('blur', () => {
      this.cursor = null
      this.picture.redraw()
    })
  }

  set drawing(on: boolean) {
    this.isDrawing = on
    const { canvas } = this.picture
    this.element.classList.toggle('drawing', on)
    if (on) canvas.tabIndex = 0
    else canvas.removeAttribute('tabindex')
  }

  private place(event: PointerEvent): void {
    const box = this.picture.canvas.getBoundingClientRect()
    const share = (at: number, from: number, size: number) => Math.min(1, Math.max(0, (at - from) / size))
    this.onPoint(
      share(event.clientX, box.left, box.width) * 2 * EXTENT - EXTENT,
      EXTENT - share(event.clientY, box.top, box.height) * 2 * EXTENT,
    )
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
    const dots = (points: readonly Point[], radius: number, rim: string) => {
      context.lineWidth = 1.2
      context.strokeStyle = rim
      for (const label of [0, 1]) {
        context.fillStyle = label ? palette.blue : palette.orange
        context.beginPath()
        for (const point of points) {
          if (point.label !== label) continue
          context.moveTo(xOf(point.x) + radius, yOf(point.y))
          context.arc(xOf(point.x), yOf(point.y), radius, 0, 2 * Math.PI)
        }
        context.fill()
        context.stroke()
      }
    }
    dots(this.train, 3.4, palette.card)
    if (this.showTest) dots(this.test, 3.4, palette.ink)
    if (!this.cursor) return
    context.strokeStyle = palette.ink
    context.lineWidth = 2
    context.beginPath()
    context.arc(xOf(this.cursor[0]), yOf(this.cursor[1]), 8, 0, 2 * Math.PI)
    context.stroke()
  }
}
