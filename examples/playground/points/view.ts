// Everything the Points tab shows. Enters: the network, and how well it does on training and test points. Leaves: the
// square, the network as a picture, the course of the loss, the figures; what is drawn on the square comes back by
// `onDraw`, a neuron being pointed at by `onPick`.
import type { FloatArray } from 'lanegrad'
import { Chart } from '../lib/chart.ts'
import { palette } from '../lib/colors.ts'
import { divergedNote, figure, grouped, h, percent, round } from '../lib/dom.ts'
import { Diagram, type Neuron } from './diagram.ts'
import { EXTENT } from './grid.ts'
import type { Network, Score } from './network.ts'
import { Surface } from './surface.ts'

const LENS = 110

export interface Shown {
  readonly network: Network
  readonly onTrain: Score
  readonly onTest: Score
  readonly isPlaying: boolean
}

export type View = ReturnType<typeof makeView>

const lossText = [
  'Loss (mean cross-entropy of a point) by epoch',
  'Loss (mean squared error of a point) by epoch',
] as const

export function makeView(onDraw: (x: number, y: number) => void, onPick: () => void) {
  let picked: Neuron | null = null
  let charted = 0
  let isRegression = false
  const ownNote = h('p', { class: 'note', role: 'status' })
  const diverged = divergedNote()
  /** Beside the square; what is there already isn't read out again. */
  const note = (text: string) => {
    if (ownNote.textContent !== text) ownNote.textContent = text
  }

  const surface = new Surface(onDraw)
  const diagram = new Diagram((neuron) => {
    picked = neuron
    onPick()
  })
  const chart = new Chart(
    lossText[0],
    [
      { name: 'training', color: () => palette.ink },
      { name: 'test', color: () => palette.accent },
    ],
    {
      unit: 'epoch',
      text: (value) => (value >= 0.1 || value === 0 ? round(value, 2) : value.toPrecision(1)),
    },
  )
  const figures = {
    epoch: figure('Epoch', 'epoch'),
    trainLoss: figure('Training loss', 'train-loss'),
    testLoss: figure('Test loss', 'test-loss'),
    accuracy: figure('Test accuracy', 'test-accuracy'),
    explained: figure('Test variance explained', 'test-explained'),
    frames: figure('Frames/s', 'frames'),
  }

  /** What is on the map now, and the picked neuron's weights in words. */
  const heading = h('h2', {}, 'Output')
  const details = h('p', { class: 'note', 'data-figure': 'neuron' })
  /** The picked neuron's map beside the network, where the square is out of sight. */
  const lens = h('canvas', { width: LENS, height: LENS, class: 'lens', 'aria-hidden': 'true', hidden: true })

  /** Before a network's first epoch. */
  function begin(inputs: readonly string[], units: readonly number[], isValues: boolean): void {
    isRegression = isValues
    surface.isRegression = isValues
    surface.picture.redraw()
    chart.caption = lossText[isValues ? 1 : 0]
    figures.accuracy.element.hidden = isValues
    figures.explained.element.hidden = !isValues
    legend.replaceChildren(...legendOf(isValues))
    diagram.begin(inputs, [...units, 1])
  }
  const legend = h('ul', { class: 'legend', 'aria-label': 'Legend' })

  /** Everything that shows what the network knows. */
  function show({ network, onTrain, onTest, isPlaying }: Shown): void {
    const weights = network.weights()
    const layers = network.responses(weights)
    const last = layers.length - 1
    // hidden neurons are shown up to 1, the output as it is, or of two classes as tanh(z / 2) = 2 sigmoid(z) - 1
    const bounded = (values: FloatArray, layer: number): FloatArray =>
      isRegression || layer < last ? values : { ...values, data: values.data.map((z) => Math.tanh(z / 2)) }
    const scaleOf = (layer: number) => (layer < 0 ? 1 / EXTENT : 1)
    const kernels = network.layerNames.map((name) => weights[`${name}/kernel`])
    diagram.show(
      kernels,
      [network.smallGrid, ...layers.map(bounded)],
      [-1, ...layers.keys()].map((layer) => scaleOf(layer)),
    )
    const at = picked
    const { layer, unit } = at ?? { layer: last, unit: 0 }
    const map = bounded(network.map(layer), layer)
    surface.heat.set(map.data, unit, map.shape[1], scaleOf(layer))
    const name = at ? diagram.nameOf(at) : 'the network'
    heading.textContent = at ? `Output of ${name}` : 'Output'
    lens.hidden = !at
    lens.getContext('2d')?.drawImage(surface.heat.canvas, 0, 0, LENS, LENS)
    details.textContent = at
      ? describe(at, name, kernels[at.layer], weights[`${network.layerNames[at.layer]}/bias`])
      : 'Point at a neuron, or press it, to see it on the map. Point at a line to read its weight.'
    const now = performance.now()
    if (!isPlaying || now - charted > 120) {
      charted = now
      chart.picture.redraw()
    }
    figures.epoch.set(grouped(network.epoch))
    figures.trainLoss.set(round(onTrain.loss))
    figures.testLoss.set(round(onTest.loss))
    for (const each of [figures.accuracy, figures.explained]) each.set(percent(onTest.share))
    const goodness = `${isRegression ? 'variance explained' : 'test accuracy'} ${percent(onTest.share)}`
    surface.picture.label = `What ${name} outputs over the square, with ${surface.train.length + surface.test.length} points; ${goodness}`
  }

  /** A neuron's bias and weights in words; of an input that it is one. */
  function describe({ layer, unit }: Neuron, name: string, kernel?: FloatArray, bias?: FloatArray): string {
    if (!kernel || !bias) return `${name}: what the network is told of a point`
    const [from, to] = kernel.shape
    const number = (value: number) => value.toFixed(2).replace('-', '−')
    const list = Array.from(
      { length: from },
      (_, i) => `${number(kernel.data[i * to + unit])} from ${diagram.nameOf({ layer: layer - 1, unit: i })}`,
    )
    return `${name}: bias ${number(bias.data[unit])}; weights ${list.join(', ')}`
  }

  return {
    surface,
    heading,
    legend,
    diagram,
    details,
    lens,
    chart,
    figures,
    diverged,
    ownNote,
    note,
    begin,
    show,
  }
}

function legendOf(isRegression: boolean): HTMLElement[] {
  const hollow = h('li', {}, h('i', { class: 'dot hollow' }), 'test')
  return isRegression
    ? [h('li', {}, '−1', h('i', { class: 'ramp' }), '1'), hollow]
    : [
        h('li', {}, h('i', { class: 'dot i-blue' }), 'blue'),
        h('li', {}, h('i', { class: 'dot square i-orange' }), 'orange'),
        hollow,
      ]
}
