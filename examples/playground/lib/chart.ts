// Curves over time on a canvas: the whole history in at most 512 points, halved when there are more.

import { palette } from './colors.ts'
import { grouped, h, Picture } from './dom.ts'

const MOST = 512

export interface Curve {
  readonly name: string
  readonly color: () => string
}

export class Chart {
  /** Caption and picture. */
  readonly element: HTMLElement
  readonly picture: Picture
  private readonly curves: readonly Curve[]
  private label: string
  private readonly title: HTMLElement
  private readonly top: number | null
  private readonly text: (value: number) => string
  private readonly unit: string
  private readonly values: number[][]
  private every = 1
  private count = 0
  private lastX = 0
  private last: readonly number[] = []
  private readonly xs: number[] = []

  /** `unit` of the x axis; `top`: the fixed upper end of the y axis, by default the largest value. */
  constructor(
    label: string,
    curves: readonly Curve[],
    { unit, top = null, text }: { unit: string; top?: number | null; text: (value: number) => string },
  ) {
    this.label = label
    this.curves = curves
    this.top = top
    this.text = text
    this.unit = unit
    this.values = curves.map(() => [])
    this.picture = new Picture(label, 'chart', () => this.draw())
    this.title = h('figcaption', { class: 'note' }, label)
    this.element = h('figure', {}, this.title, this.picture.canvas)
  }

  set caption(text: string) {
    this.label = text
    this.title.textContent = text
  }

  add(x: number, values: readonly number[]): void {
    this.lastX = x
    this.last = values
    if (this.count++ % this.every !== 0) return
    this.xs.push(x)
    this.values.forEach((list, i) => {
      list.push(values[i])
    })
    if (this.xs.length <= MOST) return
    this.every *= 2
    for (const list of [this.xs, ...this.values]) {
      let kept = 0
      for (let i = 0; i < list.length; i += 2) list[kept++] = list[i]
      list.length = kept
    }
  }

  clear(): void {
    this.every = 1
    this.count = 0
    this.lastX = 0
    this.last = []
    for (const list of [this.xs, ...this.values]) list.length = 0
    this.picture.redraw()
  }

  private draw(): void {
    const { picture, xs, values } = this
    const { context, width, height } = picture
    const curves = values.map((list, i) =>
      [...list.map((value, j) => [xs[j], value]), [this.lastX, this.last[i]]].filter(([, y]) =>
        Number.isFinite(y),
      ),
    )
    context.font = '11px system-ui, sans-serif'
    context.fillStyle = palette.muted
    context.textBaseline = 'middle'
    if (!curves.some(({ length }) => length > 0)) {
      context.textAlign = 'center'
      context.fillText('nothing yet', width / 2, height / 2)
      picture.label = `${this.label}: nothing yet`
      return
    }
    const [left, right, above, below] = [40, 8, 8, 20]
    const most = this.top ?? Math.max(1e-6, ...curves.flat().map(([, y]) => y))
    const top = this.top ?? niceTop(most)
    const end = Math.max(1, this.lastX)
    const xOf = (x: number) => left + (x / end) * (width - left - right)
    const yOf = (y: number) => above + (1 - Math.min(y, top) / top) * (height - above - below)
    context.strokeStyle = palette.line
    context.lineWidth = 1
    for (const share of [0, 0.5, 1]) {
      const y = Math.round(yOf(top * share)) + 0.5
      context.beginPath()
      context.moveTo(left, y)
      context.lineTo(width - right, y)
      context.stroke()
      context.textAlign = 'right'
      context.fillText(this.text(top * share), left - 6, y)
    }
    context.textAlign = 'left'
    context.textBaseline = 'alphabetic'
    context.fillText('0', left, height - 5)
    context.textAlign = 'right'
    context.fillText(
      `${this.unit} ${this.lastX > 0 ? grouped(this.lastX) : ''}`.trim(),
      width - right,
      height - 5,
    )
    context.lineWidth = 2
    context.lineJoin = 'round'
    curves.forEach((points, i) => {
      context.strokeStyle = this.curves[i].color()
      context.fillStyle = this.curves[i].color()
      context.beginPath()
      for (const [x, y] of points) context.lineTo(xOf(x), yOf(y))
      context.stroke()
      // a line of one place isn't to be seen
      context.beginPath()
      if (points.length > 0 && points[0][0] === this.lastX)
        context.arc(xOf(this.lastX), yOf(points[0][1]), 3, 0, 2 * Math.PI)
      context.fill()
    })
    const last = this.curves.map(({ name }, i) => `${name} ${this.text(this.last[i])}`)
    picture.label = `${this.label}: ${last.join(', ')}`
  }
}

/** A round number, at least `most`. */
function niceTop(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most))
  return ([1, 1.5, 2, 2.5, 3, 4, 5, 6, 8].find((digit) => digit * power >= most) ?? 10) * power
}
