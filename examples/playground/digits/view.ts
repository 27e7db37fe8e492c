// How the Digits tab's network gets on. Enters: the network, its loss and accuracies, the samples it has seen. Leaves:
// their course and their figures, what may be expected of an answer, and the weights of the first layer as images.
import { Chart } from '../lib/chart.ts'
import { HeatImage, palette } from '../lib/colors.ts'
import { figure, grouped, h, Picture, percent, round } from '../lib/dom.ts'
import { PIXELS, SIDE } from './data.ts'
import type { Network } from './network.ts'

/** Neurons of the first layer that are shown, at most. */
const TILES = 32

export interface Shown {
  readonly network: Network
  readonly loss: number
  readonly accuracy: number
  readonly testAccuracy: number
  /** Samples seen so far, at times of the last two seconds. */
  readonly seen: readonly (readonly [ms: number, samples: number])[]
  /** Frames a second; 0 where nothing runs or none has been counted. */
  readonly frameRate: number
}

export type View = ReturnType<typeof makeView>

export function makeView() {
  const lossChart = new Chart(
    'Loss (mean cross-entropy of a digit) by samples seen',
    [{ name: 'loss', color: () => palette.ink }],
    { unit: 'sample', text: (value) => round(value, 2) },
  )
  const accuracyChart = new Chart(
    'Accuracy by samples seen',
    [
      { name: 'training', color: () => palette.ink },
      { name: 'test', color: () => palette.accent },
    ],
    { unit: 'sample', top: 1, text: (value) => `${Math.round(value * 100)} %` },
  )
  const figures = {
    epoch: figure('Epoch', 'epoch'),
    loss: figure('Loss', 'loss'),
    train: figure('Training accuracy', 'train-accuracy'),
    test: figure('Test accuracy', 'test-accuracy'),
    rate: figure('Samples/s', 'samples'),
    frames: figure('Frames/s', 'frames'),
  }
  const trust = h('p', { class: 'note' })
  let tileHeats: HeatImage[] = []
  const tiles = new Picture('Weights of the first layer, one image a neuron', 'tiles', (picture) => {
    const { context, width } = picture
    const columns = 8
    const gap = 4
    const size = (width - gap * (columns - 1)) / columns
    context.imageSmoothingEnabled = false
    tileHeats.forEach((heat, i) => {
      const [x, y] = [(i % columns) * (size + gap), Math.floor(i / columns) * (size + gap)]
      context.drawImage(heat.canvas, x, y, size, size)
    })
  })

  /** Before a network's first step; `units` are those of its first layer. */
  function begin(units: number): void {
    lossChart.clear()
    accuracyChart.clear()
    const count = Math.min(TILES, units)
    tileHeats = Array.from({ length: count }, () => new HeatImage(SIDE, SIDE))
    tiles.canvas.style.aspectRatio = `8 / ${Math.ceil(count / 8)}`
  }

  function show({ network, loss, accuracy, testAccuracy, seen, frameRate }: Shown): void {
    figures.epoch.set(network.epochs.toFixed(2))
    figures.loss.set(round(loss))
    figures.train.set(percent(accuracy))
    figures.test.set(percent(testAccuracy))
    const [first, last] = [seen[0], seen.at(-1)]
    const ms = first && last ? last[0] - first[0] : 0
    if (network.samples === 0) figures.rate.set('–')
    else if (last && ms > 200) figures.rate.set(grouped(((last[1] - first[1]) * 1000) / ms))
    figures.frames.set(frameRate ? frameRate.toFixed(0) : '–')
    lossChart.picture.redraw()
    accuracyChart.picture.redraw()
    const { data, units } = network.firstKernel()
    tileHeats.forEach((heat, unit) => {
      let most = 1e-6
      for (let i = 0, at = unit; i < PIXELS; i++, at += units) most = Math.max(most, Math.abs(data[at]))
      heat.set(data, unit, units, 1 / most)
    })
    tiles.redraw()
    trust.textContent = Number.isFinite(testAccuracy)
      ? `It reads ${percent(testAccuracy)} of the test digits rightly.`
      : 'Not tested yet: train it first.'
  }

  return { lossChart, accuracyChart, figures, trust, tiles: tiles.canvas, begin, show }
}
