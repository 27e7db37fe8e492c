// An autoencoder: a network that squeezes a picture of 784 pixels into 16 numbers and draws it again from these.
// Nobody tells it what matters in a digit; it has no labels, only the pictures themselves as targets.
//
// In:  the command line (`npm run example -- autoencoder --help`). Out: a report on stdout.
// Ctrl-C ends training early; what was learned so far is still tested.

import { Command } from 'commander'
import { adam, conv2d, conv2dTranspose, cosineDecay, dense, flatten, reshape, sequential } from 'lanegrad'
import { packagedMnist, readTrainAndTest } from '../shared/mnist.ts'
import { positiveInteger, positiveNumber, wholeNumber } from '../shared/options.ts'
import { DRAWINGS_PER_ROW, drawRow } from '../shared/report.ts'
import { grouped, print, runExample, watchTraining } from '../shared/run.ts'
import { principalComponents, projected } from './pca.ts'

interface Options {
  code: number
  epochs: number
  batchSize: number
  learningRate: number
  seed: number
  limit?: number
}

function meanSquare(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, i) => sum + (x - b[i]) * (x - b[i]), 0) / a.length
}

async function run({ code, epochs, batchSize, learningRate, seed, limit }: Options): Promise<void> {
  // 1. The data: pictures [n, 28, 28, 1 channel] in 0 to 1.
  const { train, test } = readTrainAndTest(packagedMnist(), limit)
  const { rowCount, columnCount } = train
  const asPictures = (data: Float32Array) => ({
    shape: [data.length / (rowCount * columnCount), rowCount, columnCount, 1],
    data,
  })
  const x = asPictures(train.images.data)

  // 2. The network. Convolutions with strides of 2 halve the picture twice, transposed ones double it twice.
  const [rows, columns] = [rowCount / 4, columnCount / 4]
  const halve = (filters: number) =>
    conv2d({ filters, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu' })
  const model = sequential({
    inputShape: [rowCount, columnCount, 1],
    layers: [
      halve(8),
      halve(16),
      flatten(),
      dense({ units: code, name: 'code' }),
      dense({ units: rows * columns * 16, activation: 'relu' }),
      reshape({ targetShape: [rows, columns, 16] }),
      conv2dTranspose({ filters: 8, kernelSize: 4, strides: 2, padding: 'same', activation: 'relu' }),
      conv2dTranspose({ filters: 1, kernelSize: 4, strides: 2, padding: 'same', activation: 'sigmoid' }),
    ],
    seed,
  })
  const schedule = cosineDecay({ steps: epochs * Math.ceil(x.shape[0] / batchSize) })
  model.compile({ optimizer: adam({ learningRate, schedule }), loss: 'meanSquaredError' })
  print(
    `${rowCount * columnCount} pixels to ${code} numbers and back, ${grouped(model.countParams())} parameters; ` +
      `${grouped(x.shape[0])} ${x.shape[0] === 1 ? 'picture' : 'pictures'}\n`,
  )

  // 3. Training: the input is the target.
  await watchTraining((watch) => model.fit(x, x, { epochs, batchSize, ...watch }))

  // 4. The test, beside the best linear code of the same length, of the same training pictures.
  const originals = test.images.data
  const { data: redrawn } = model.predict(asPictures(originals))
  const components = principalComponents(train.images.data, rowCount * columnCount, code)
  const linear = projected(originals, components)
  const means = projected(originals, { ...components, directions: [] })
  print(`\nmean squared error of a pixel, of ${grouped(test.labels.data.length)} test pictures:\n`)
  const drawn = { autoencoder: redrawn, 'principal components': linear, 'the mean picture': means }
  for (const [name, pictures] of Object.entries(drawn)) {
    print(`  ${name.padEnd(22)}${meanSquare(pictures, originals).toFixed(5)}`)
  }

  const shown = { original: originals, autoencoder: redrawn, 'principal components': linear }
  for (const [name, pictures] of Object.entries(shown)) {
    print(`\n${name}:\n`)
    print(drawRow({ data: pictures, rowCount, columnCount }, DRAWINGS_PER_ROW))
  }
  model.dispose()
}

const command = new Command('npm run example -- autoencoder')
  .description('Learns to write digits with a few numbers, and compares with principal components.')
  .option('--code <n>', 'numbers that stand for a picture', positiveInteger, 16)
  .option('--epochs <n>', 'passes over the training pictures', positiveInteger, 3)
  .option('--batch-size <n>', 'pictures per optimizer step', positiveInteger, 64)
  .option('--learning-rate <rate>', 'size of the first steps; it sinks to 0', positiveNumber, 0.004)
  .option('--seed <n>', 'governs initial weights and shuffling', wholeNumber, 42)
  .option('--limit <n>', 'use only the first n training pictures', positiveInteger)
  .allowExcessArguments(false)

await runExample(() => run(command.parse().opts<Options>()))
