// Everything the Points tab shows. Enters: the network, and how it answers training and test points. Leaves: the square,
// the network as a picture, the course of the loss, the figures; what is drawn on the square comes back by `onDraw`, a
// neuron being pointed at by `onPick`.
import { Chart } from '../lib/chart.ts'
import { palette } from '../lib/colors.ts'
import { divergedNote, figure, grouped, h, percent, round } from '../lib/dom.ts'
import { Diagram, type Neuron } from './diagram.ts'
import { EXTENT, gridRows } from './grid.ts'
import type { Network, Score } from './network.ts'
import { Surface } from './surface.ts'

export interface Shown {
  readonly network: Network
  readonly onTrain: Score
  readonly onTest: Score
  readonly isPlaying: boolean
}

export type View = ReturnType<typeof makeView>

export function makeView(onDraw: (x: number, y: number) => void, onPick: () => void) {
  let picked: Neuron | null = null
  let charted = 0
  const grid = gridRows()
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
    'Loss (mean cross-entropy of a point) by epoch',
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
    frames: figure('Frames/s', 'frames'),
  }

  /** Everything that shows what the network knows. */
  function show({ network, onTrain, onTest, isPlaying }: Shown): void {
    const weights = network.weights()
    const layers = network.responses(weights)
    const last = layers.length - 1
    // hidden answers are shown up to 1, the output as tanh(z / 2) = 2 sigmoid(z) - 1
    const output = { ...layers[last], data: layers[last].data.map((z) => Math.tanh(z / 2)) }
    const answers = [grid, ...layers.slice(0, last), output]
    const scales = answers.map((_, i) => (i === 0 ? 1 / EXTENT : 1))
    diagram.show(
      network.layerNames.map((name) => weights[`${name}/kernel`]),
      answers,
      scales,
    )
    const at =
      picked && answers[picked.layer + 1] && picked.unit < answers[picked.layer + 1].shape[1] ? picked : null
    const shown = at ? at.layer + 1 : last + 1
    surface.heat.set(answers[shown].data, at?.unit ?? 0, answers[shown].shape[1], scales[shown])
    const now = performance.now()
    if (!isPlaying || now - charted > 120) {
      charted = now
      chart.picture.redraw()
    }
    figures.epoch.set(grouped(network.epoch))
    figures.trainLoss.set(round(onTrain.loss))
    figures.testLoss.set(round(onTest.loss))
    figures.accuracy.set(percent(onTest.accuracy))
    surface.picture.label = `What ${at ? 'this neuron' : 'the network'} answers over the square, with ${surface.train.length + surface.test.length} points; test accuracy ${percent(onTest.accuracy)}`
  }

  return { surface, diagram, chart, figures, diverged, ownNote, note, show }
}
