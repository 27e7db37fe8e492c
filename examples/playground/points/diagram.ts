// The network as a picture: inputs, layers and output from left to right, each neuron with its own answer over the
// square, each weight as a line (as wide as it is large, blue above 0, orange below). Over every neuron lies a button:
// pointing at it or focusing it shows its answer large.
import type { FloatArray } from 'lanegrad'
import { HeatImage, palette } from '../lib/colors.ts'
import { h, Picture } from '../lib/dom.ts'
import { SIDE } from './grid.ts'

/** layer -1: an input; otherwise an index of the layers, the output last. */
export interface Neuron {
  readonly layer: number
  readonly unit: number
}

const MARGIN = 6

export class Diagram {
  readonly element: HTMLElement
  private readonly picture: Picture
  private readonly onPick: (neuron: Neuron | null) => void
  private readonly buttons: HTMLElement
  private counts: readonly number[] = []
  private heats: HeatImage[][] = []
  private weights: readonly FloatArray[] = []
  private placed = ''

  constructor(onPick: (neuron: Neuron | null) => void) {
    this.onPick = onPick
    this.picture = new Picture('The network', '', () => this.draw())
    this.buttons = h('div', {})
    this.element = h('div', { class: 'net' }, this.picture.canvas, this.buttons)
  }

  /** Neurons of each column, inputs and output with them. */
  set columns(counts: readonly number[]) {
    this.counts = counts
    this.heats = counts.map((count) => Array.from({ length: count }, () => new HeatImage(SIDE, SIDE)))
    const rows = Math.max(...counts)
    this.picture.canvas.style.height = `${Math.max(130, rows * 46 + 2 * MARGIN)}px`
    this.placed = ''
    this.picture.label = `The network: ${counts.join(', ')} neurons from the inputs to the output`
    this.picture.redraw()
  }

  /** Kernels of the layers, and the answers: [SIDE * SIDE, units] of the inputs and each layer. */
  show(kernels: readonly FloatArray[], answers: readonly FloatArray[], scales: readonly number[]): void {
    this.weights = kernels
    answers.forEach(({ data, shape }, column) => {
      this.heats[column]?.forEach((heat, unit) => {
        heat.set(data, unit, shape[1], scales[column])
      })
    })
    this.picture.redraw()
  }

  repaint(): void {
    this.picture.redraw()
  }

  private geometry() {
    const { width, height } = this.picture
    const columns = this.counts.length
    const rows = Math.max(...this.counts)
    const size = Math.min(38, (height - 2 * MARGIN) / rows - 7, (width / columns) * 0.62)
    const x = (column: number) => MARGIN + ((width - 2 * MARGIN - size) * column) / Math.max(1, columns - 1)
    const y = (column: number, unit: number) =>
      height / 2 + (unit - (this.counts[column] - 1) / 2) * ((height - 2 * MARGIN) / rows) - size / 2
    return { size, x, y }
  }

  private draw(): void {
    if (this.counts.length === 0) return
    const { context, width, height } = this.picture
    const { size, x, y } = this.geometry()
    this.weights.forEach(({ data, shape }, layer) => {
      const [from, to] = shape
      const most = data.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-6)
      const start = x(layer) + size
      const end = x(layer + 1)
      for (let i = 0; i < from; i++)
        for (let j = 0; j < to; j++) {
          const weight = data[i * to + j]
          const share = Math.abs(weight) / most
          context.strokeStyle = weight < 0 ? palette.orange : palette.blue
          context.globalAlpha = 0.25 + 0.75 * share
          context.lineWidth = Math.max(0.4, Math.min(7, (end - start) * 0.06, Math.abs(weight) * 2))
          const y0 = y(layer, i) + size / 2
          const y1 = y(layer + 1, j) + size / 2
          const bend = (end - start) / 2
          context.beginPath()
          context.moveTo(start, y0)
          context.bezierCurveTo(start + bend, y0, end - bend, y1, end, y1)
          context.stroke()
        }
    })
    context.globalAlpha = 1
    context.imageSmoothingEnabled = true
    this.heats.forEach((column, c) => {
      column.forEach((heat, unit) => {
        const [left, top] = [x(c), y(c, unit)]
        context.save()
        context.beginPath()
        context.roundRect(left, top, size, size, 6)
        context.clip()
        context.drawImage(heat.canvas, left, top, size, size)
        context.restore()
        context.strokeStyle = palette.line
        context.lineWidth = 1
        context.beginPath()
        context.roundRect(left + 0.5, top + 0.5, size - 1, size - 1, 6)
        context.stroke()
      })
    })
    const placed = `${width} ${height} ${this.counts}`
    if (placed !== this.placed) this.placeButtons(size, x, y)
    this.placed = placed
  }

  private placeButtons(
    size: number,
    x: (column: number) => number,
    y: (column: number, unit: number) => number,
  ): void {
    this.buttons.replaceChildren(
      ...this.counts.flatMap((count, column) =>
        Array.from({ length: count }, (_, unit) => {
          const neuron = { layer: column - 1, unit }
          const name =
            column === 0
              ? `input x${unit + 1}`
              : column === this.counts.length - 1
                ? 'output'
                : `layer ${column}, neuron ${unit + 1}`
          const pick = () => this.onPick(neuron)
          const leave = () => this.onPick(null)
          const button = h('button', {
            type: 'button',
            title: name,
            'aria-label': `Show the answer of ${name}`,
            onfocus: pick,
            onblur: leave,
            onpointerenter: pick,
            onpointerleave: leave,
          })
          Object.assign(button.style, {
            left: `${x(column)}px`,
            top: `${y(column, unit)}px`,
            width: `${size}px`,
            height: `${size}px`,
          })
          return button
        }),
      ),
    )
  }
}
