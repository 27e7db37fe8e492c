// Handwritten digits of 28 x 28 pixels for a generative adversarial net of convolutions (Radford, Metz and Chintala 2016).
//
// In:  MNIST. Out: real pictures, the networks that learn to draw such, and the figures of a small classifier, trained on the
//      real ones, that reads what was drawn: how often it is sure, and whether all ten digits occur.

import {
  activation,
  batchNormalization,
  conv2d,
  conv2dTranspose,
  dense,
  flatten,
  reshape,
  sequential,
} from 'lanegrad'
import { CLASS_COUNT } from '../shared/idx.ts'
import { packagedMnist, readTrainAndTest } from '../shared/mnist.ts'
import { formatPercent } from '../shared/progress.ts'
import { DRAWINGS_PER_ROW, drawRow } from '../shared/report.ts'
import { grouped, print } from '../shared/run.ts'
import type { Task } from './task.ts'

const NOISE_SIZE = 32
const DRAWN_ROWS = 2
const TESTED = 1000
const SURE = 0.9

/** The share of rows of probabilities [n, classes] with one above `SURE`, and the shares of the rarest and the commonest class. */
export function readingFigures(probabilities: Float32Array) {
  const count = probabilities.length / CLASS_COUNT
  const shares = new Array<number>(CLASS_COUNT).fill(0)
  let sure = 0
  for (let i = 0; i < count; i++) {
    const row = probabilities.subarray(i * CLASS_COUNT, (i + 1) * CLASS_COUNT)
    const most = row.reduce((best, p, digit) => (p > row[best] ? digit : best), 0)
    shares[most] += 1 / count
    if (row[most] > SURE) sure += 1 / count
  }
  return { sure, rarest: Math.min(...shares), commonest: Math.max(...shares) }
}

export function digitsTask(seed: number): Task {
  const { train, test } = readTrainAndTest(packagedMnist())
  const { rowCount, columnCount } = train
  const pixelCount = rowCount * columnCount
  const count = train.labels.data.length
  const [rows, columns] = [rowCount / 4, columnCount / 4]
  const leaky = () => activation({ activation: 'leakyRelu' })
  const halve = (filters: number) =>
    conv2d({ filters, kernelSize: 4, strides: 2, padding: 'same', activation: 'leakyRelu' })
  return {
    title: 'handwritten digits',
    noiseSize: NOISE_SIZE,
    generator: sequential({
      inputShape: [NOISE_SIZE],
      layers: [
        dense({ units: rows * columns * 32 }),
        batchNormalization(),
        leaky(),
        reshape({ targetShape: [rows, columns, 32] }),
        conv2dTranspose({ filters: 16, kernelSize: 4, strides: 2, padding: 'same' }),
        batchNormalization(),
        leaky(),
        conv2dTranspose({ filters: 1, kernelSize: 4, strides: 2, padding: 'same', activation: 'sigmoid' }),
      ],
      name: 'generator',
      seed,
    }),
    critic: sequential({
      inputShape: [rowCount, columnCount, 1],
      layers: [halve(16), halve(32), flatten(), dense({ units: 1 })],
      name: 'critic',
      seed,
    }),
    learningRate: 0.001,
    batchSize: 64,
    epochs: 5,
    steps: 400,
    fill(into, random) {
      for (let at = 0; at < into.length; at += pixelCount) {
        const from = pixelCount * Math.floor(random() * count)
        into.set(train.images.data.subarray(from, from + pixelCount), at)
      }
    },
    async report({ make, untrained }) {
      const drawn = make(TESTED)
      for (let row = 0; row < DRAWN_ROWS; row++) {
        const data = drawn.subarray(row * DRAWINGS_PER_ROW * pixelCount)
        print(`\n${drawRow({ data, rowCount, columnCount }, DRAWINGS_PER_ROW)}`)
      }
      const classifier = sequential({
        inputShape: [pixelCount],
        layers: [
          dense({ units: 64, activation: 'relu' }),
          dense({ units: CLASS_COUNT, activation: 'softmax' }),
        ],
        seed: 1,
      })
      classifier.compile({ loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] })
      await classifier.fit(train.images, train.labels, { batchSize: 64 })
      const { accuracy } = await classifier.evaluate(test.images, test.labels)
      print(
        `\na classifier that reads ${formatPercent(accuracy)} of the test pictures gets ${grouped(TESTED)} of each:`,
      )
      print(`how many it is sure of (above ${SURE}), shares of the rarest and commonest digit\n`)
      const real = test.images.data.subarray(0, TESTED * pixelCount)
      for (const [name, data] of Object.entries({ real, 'before training': untrained, generated: drawn })) {
        const { sure, rarest, commonest } = readingFigures(classifier.predict(data).data)
        const cells = [sure, rarest, commonest].map((share) => formatPercent(share).padStart(10)).join('')
        print(`  ${name.padEnd(18)}${cells}`)
      }
      classifier.dispose()
    },
  }
}
