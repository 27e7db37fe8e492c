// Curves over time on a canvas: the whole history in at most 512 points, halved when there are more.

import { palette } from './colors.ts'
import { Picture } from './dom.ts'

const MOST = 512

export interface Curve {
  readonly name: string
  readonly color: () => string
}

export class Chart {
  readonly picture: Picture
  private readonly curves: readonly Curve[]
  private readonly label: string
  private readonly top: number | null
  private readonly text: (value: number) => string
  private readonly values: number[][]
  private every = 1
  private count = 0
  private lastX = 0
  private readonly xs: number[] = []

  /** `top`: the fixed upper end of the y axis; by default the largest value. */
  constructor(
    label: string,
    curves: readonly Curve[],
    { top = null, text }: { top?: number | null; text: (value: number) => string },
  ) {
    this.label = label
    this.curves = curves
    this.top = top
    this.text = text
    this.values = curves.map(() => [])
    this.picture = new Picture(label, 'chart', () => this.draw())
  }

  add(x: number, values: readonly number[]): void {
    this.lastX = x
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
    for (const list of [this.xs, ...this.values]) list.length = 0
    this.picture.redraw()
  }

  private draw(): void {
    const { picture, xs, values } = this
    const { context, width, height } = picture
    const [left, right, above, below] = [40, 8, 8, 20]
    const most = this.top ?? Math.max(1e-6, ...values.flat().filter(Number.isFinite))
    const top = this.top ?? niceTop(most)
    const end = Math.max(1, this.lastX)
    const xOf = (x: number) => left + (x / end) * (width - left - right)
    const yOf = (y: number) => above + (1 - Math.min(y, top) / top) * (height - above - below)
    context.font = '11px system-ui, sans-serif'
    context.fillStyle = palette.muted
    context.strokeStyle = palette.line
    context.lineWidth = 1
    context.textBaseline = 'middle'
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
    if (this.lastX > 0) context.fillText(Math.round(end).toLocaleString('en-US'), width - right, height - 5)
    context.lineWidth = 2
    context.lineJoin = 'round'
    values.forEach((list, i) => {
      context.strokeStyle = this.curves[i].color()
      context.beginPath()
      list.forEach((value, j) => {
        if (Number.isFinite(value)) context.lineTo(xOf(xs[j]), yOf(value))
      })
      context.stroke()
    })
    const last = values.map((list, i) => `${this.curves[i].name} ${this.text(list.at(-1) ?? Number.NaN)}`)
    picture.label = xs.length > 0 ? `${this.label}: ${last.join(', ')}` : `${this.label}: nothing yet`
  }
}

/** A round number, at least `most`. */
function niceTop(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most))
  return ([1, 1.5, 2, 2.5, 3, 4, 5, 6, 8].find((digit) => digit * power >= most) ?? 10) * power
}
