// The network as a picture: inputs, layers and output from left to right, each neuron with its own output over the square,
// each weight as a line (as wide as it is large, blue above 0, orange below). Over every neuron lies a button: pointing at
// it or focusing it shows its output large, pressing it holds that. Pointing at a line tells its weight.
import type { FloatArray } from 'lanegrad'
import { HeatImage, palette } from '../lib/colors.ts'
import { h, Picture } from '../lib/dom.ts'
import { SMALL } from './grid.ts'

/** layer -1: an input; otherwise an index of the layers, the output last. */
export interface Neuron {
  readonly layer: number
  readonly unit: number
}

interface Edge {
  readonly layer: number
  readonly from: number
  readonly to: number
}

const MARGIN = 6
/** How near to a line one must point, in pixels. */
const REACH = 7

const isSame = (a: Neuron | null, b: Neuron | null): boolean => a?.layer === b?.layer && a?.unit === b?.unit

export class Diagram {
  readonly element: HTMLElement
  private readonly picture: Picture
  private readonly onPick: (neuron: Neuron | null) => void
  private readonly buttons: HTMLElement
  private readonly tip: HTMLElement
  private inputs: readonly string[] = []
  private counts: readonly number[] = []
  private heats: HeatImage[][] = []
  private weights: readonly FloatArray[] = []
  private placed = ''
  private pointed: Neuron | null = null
  private held: Neuron | null = null
  private edge: Edge | null = null

  constructor(onPick: (neuron: Neuron | null) => void) {
    this.onPick = onPick
    this.picture = new Picture('The network', '', () => this.draw())
    this.buttons = h('div', {})
    this.tip = h('p', { class: 'tip', hidden: true })
    this.element = h('div', { class: 'net' }, this.picture.canvas, this.buttons, this.tip)
    const { canvas } = this.picture
    for (const type of ['pointermove', 'pointerdown'] as const)
      canvas.addEventListener(type, ({ offsetX, offsetY }) => this.point(offsetX, offsetY))
    canvas.addEventListener('pointerleave', ({ pointerType }) => {
      if (pointerType === 'mouse') this.point(-99, -99)
    })
  }

  /** Names of the inputs, and the neurons of each layer, the output with them. */
  begin(inputs: readonly string[], units: readonly number[]): void {
    this.inputs = inputs
    this.counts = [inputs.length, ...units]
    this.heats = this.counts.map((count) => Array.from({ length: count }, () => new HeatImage(SMALL, SMALL)))
    const rows = Math.max(...this.counts)
    this.picture.canvas.style.height = `${Math.max(130, rows * 46 + 2 * MARGIN)}px`
    this.placed = ''
    this.picture.label = `The network: ${this.counts.join(', ')} neurons from the inputs to the output`
    this.weights = []
    this.edge = null
    this.pointed = null
    if (this.held && this.held.unit >= (this.counts[this.held.layer + 1] ?? 0)) this.held = null
    this.pick()
    this.picture.redraw()
  }

  /** Kernels of the layers, and the outputs of the inputs and each layer over the small pictures' places, to be scaled. */
  show(kernels: readonly FloatArray[], outputs: readonly FloatArray[], scales: readonly number[]): void {
    this.weights = kernels
    outputs.forEach(({ data, shape }, column) => {
      this.heats[column]?.forEach((heat, unit) => {
        heat.set(data, unit, shape[1], scales[column])
      })
    })
    this.sayWeight()
    this.picture.redraw()
  }

  /** How a neuron is called. */
  nameOf({ layer, unit }: Neuron): string {
    if (layer < 0) return `input ${this.inputs[unit]}`
    return layer === this.counts.length - 2 ? 'the output' : `layer ${layer + 1}, neuron ${unit + 1}`
  }

  private pick(): void {
    this.onPick(this.pointed ?? this.held)
    for (const [i, button] of [...this.buttons.children].entries())
      button.setAttribute('aria-pressed', String(isSame(this.held, this.neuronAt(i))))
  }

  private neuronAt(index: number): Neuron {
    let [column, unit] = [0, index]
    while (unit >= this.counts[column]) unit -= this.counts[column++]
    return { layer: column - 1, unit }
  }

  /** Finds the line at a place of the picture, and tells its weight beside it. */
  private point(x: number, y: number): void {
    let best = REACH
    this.edge = null
    this.weights.forEach(({ shape: [from, to] }, layer) => {
      for (let i = 0; i < from; i++)
        for (let j = 0; j < to; j++) {
          const { start, y0, end, y1 } = this.line(layer, i, j)
          if (x < start || x > end) continue
          // the curve of draw() at t: its x is monotonous, so t is found by halving
          let [low, high] = [0, 1]
          for (let k = 0; k < 12; k++) {
            const t = (low + high) / 2
            const at = start + (end - start) * (1.5 * t * (1 - t) + t ** 3)
            if (at < x) low = t
            else high = t
          }
          const far = Math.abs(y0 + (y1 - y0) * (3 * low ** 2 - 2 * low ** 3) - y)
          if (far < best) {
            best = far
            this.edge = { layer, from: i, to: j }
          }
        }
    })
    this.tip.style.left = `${Math.min(x + 12, this.picture.width - 190)}px`
    this.tip.style.top = `${y + 14}px`
    this.sayWeight()
    this.picture.redraw()
  }

  private sayWeight(): void {
    const { edge, tip } = this
    tip.hidden = edge === null
    if (!edge) return
    const { data, shape } = this.weights[edge.layer]
    const weight = data[edge.from * shape[1] + edge.to].toFixed(3).replace('-', '−')
    const from = this.nameOf({ layer: edge.layer - 1, unit: edge.from })
    tip.textContent = `${from} to ${this.nameOf({ layer: edge.layer, unit: edge.to })}: weight ${weight}`
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

  /** The ends of a weight's line. */
  private line(layer: number, from: number, to: number) {
    const { size, x, y } = this.geometry()
    return {
      start: x(layer) + size,
      y0: y(layer, from) + size / 2,
      end: x(layer + 1),
      y1: y(layer + 1, to) + size / 2,
    }
  }

  private draw(): void {
    if (this.counts.length === 0) return
    const { context, width, height } = this.picture
    this.weights.forEach(({ data, shape: [from, to] }, layer) => {
      const most = data.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-6)
      for (let i = 0; i < from; i++)
        for (let j = 0; j < to; j++) {
          const weight = data[i * to + j]
          const { start, y0, end, y1 } = this.line(layer, i, j)
          const bend = (end - start) / 2
          const path = new Path2D()
          path.moveTo(start, y0)
          path.bezierCurveTo(start + bend, y0, end - bend, y1, end, y1)
          context.lineWidth = Math.max(0.4, Math.min(7, (end - start) * 0.06, Math.abs(weight) * 2))
          const { edge } = this
          if (edge && edge.layer === layer && edge.from === i && edge.to === j) {
            const { lineWidth } = context
            context.globalAlpha = 1
            context.strokeStyle = palette.ink
            context.lineWidth += 4
            context.stroke(path)
            context.lineWidth = lineWidth
          }
          context.strokeStyle = weight < 0 ? palette.orange : palette.blue
          context.globalAlpha = 0.25 + (0.75 * Math.abs(weight)) / most
          context.stroke(path)
        }
    })
    context.globalAlpha = 1
    this.drawNeurons()
    const placed = `${width} ${height} ${this.counts} ${this.inputs}`
    if (placed !== this.placed) this.placeButtons()
    this.placed = placed
  }

  private drawNeurons(): void {
    const { context } = this.picture
    const { size, x, y } = this.geometry()
    const marked = this.pointed ?? this.held
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
        const isMarked = isSame(marked, { layer: c - 1, unit })
        context.strokeStyle = isMarked ? palette.accent : palette.line
        context.lineWidth = isMarked ? 4 : 1
        context.beginPath()
        context.roundRect(left + 0.5, top + 0.5, size - 1, size - 1, 6)
        context.stroke()
      })
    })
  }

  private placeButtons(): void {
    const { size, x, y } = this.geometry()
    const total = this.counts.reduce((sum, count) => sum + count, 0)
    this.buttons.replaceChildren(
      ...Array.from({ length: total }, (_, i) => {
        const neuron = this.neuronAt(i)
        const name = this.nameOf(neuron)
        const point = (at: Neuron | null) => () => {
          this.pointed = at
          this.pick()
        }
        const button = h('button', {
          type: 'button',
          title: name,
          'aria-label': `Show ${name} on the map`,
          'aria-pressed': String(isSame(this.held, neuron)),
          onfocus: point(neuron),
          onblur: point(null),
          onpointerenter: point(neuron),
          onpointerleave: point(null),
          onclick: () => {
            this.held = isSame(this.held, neuron) ? null : neuron
            this.pick()
          },
        })
        const column = neuron.layer + 1
        Object.assign(button.style, {
          left: `${x(column)}px`,
          top: `${y(column, neuron.unit)}px`,
          width: `${size}px`,
          height: `${size}px`,
        })
        return button
      }),
    )
  }
}
