// Pictures with a convolutional network: 28 x 28 pixels to one of ten classes, by convolution, batch
// normalization, pooling and dropout. By default handwritten digits, with --data any set in MNIST's format.
//
// In:  the command line (`npm run example -- digits-cnn --help`). Out: a report on stdout.
// Ctrl-C ends training early; what was learned so far is still tested.

import { Command } from 'commander'
import {
  adam,
  cosineDecay,
  dense,
  dropout,
  flatten,
  sequential,
  sparseCategoricalCrossentropy,
} from 'lanegrad'
import { asDataset, convolution } from '../shared/convolution.ts'
import { CLASS_COUNT, sliceSamples } from '../shared/idx.ts'
import { classNames, packagedMnist, readTrainAndTest } from '../shared/mnist.ts'
import { positiveInteger, positiveNumber, wholeNumber } from '../shared/options.ts'
import { formatPercent } from '../shared/progress.ts'
import {
  confusionCounts,
  confusionTable,
  DRAWINGS_PER_ROW,
  drawMistakes,
  predictedClasses,
  surestMistakes,
} from '../shared/report.ts'
import { grouped, print, runExample, watchTraining } from '../shared/run.ts'

interface Options {
  epochs: number
  batchSize: number
  learningRate: number
  seed: number
  data?: string
  limit?: number
}

// One training sample in twenty is held out, to watch how the network does on what it isn't trained on.
const HELD_OUT_SHARE = 20

async function run(options: Options): Promise<void> {
  const { epochs, batchSize, learningRate, seed } = options

  // 1. The data.
  const folder = options.data ?? packagedMnist()
  const { train: all, test } = readTrainAndTest(folder, options.limit)
  const allCount = all.labels.data.length
  const trainCount = allCount - Math.floor(allCount / HELD_OUT_SHARE)
  const train = asDataset(sliceSamples(all, 0, trainCount))
  const heldOut = allCount > trainCount ? asDataset(sliceSamples(all, trainCount, allCount)) : undefined

  // 2. Two networks: the convolutional one, and the simplest there is to compare it with, one fully connected layer.
  const inputShape = train.x.shape.slice(1)
  const schedule = cosineDecay({ steps: epochs * Math.ceil(trainCount / batchSize) })
  const training = {
    optimizer: adam({ learningRate, schedule }),
    loss: sparseCategoricalCrossentropy({ fromLogits: true }),
    metrics: ['accuracy' as const],
  }
  const model = sequential({
    inputShape,
    layers: [
      ...convolution(12),
      ...convolution(32),
      flatten(),
      dropout({ rate: 0.1 }),
      dense({ units: 128, activation: 'relu' }),
      dropout({ rate: 0.2 }),
      dense({ units: CLASS_COUNT }),
    ],
    seed,
  }).compile(training)
  const linear = sequential({ inputShape, layers: [flatten(), dense({ units: CLASS_COUNT })], seed })
  linear.compile(training)
  print(
    `2 convolutions, ${grouped(model.countParams())} parameters; ${grouped(trainCount)} samples, ` +
      `batches of ${grouped(batchSize)}\n`,
  )

  // 3. Training.
  const fitting = { epochs, batchSize }
  await watchTraining((watch) => model.fit(train, { ...fitting, validationData: heldOut, ...watch }))
  await linear.fit(train, fitting)

  // 4. The test, on samples that played no part so far.
  const { x, y } = asDataset(test)
  const { accuracy } = await model.evaluate(x, y)
  const { accuracy: linearAccuracy } = await linear.evaluate(x, y)
  print(`\ntest accuracy: ${formatPercent(accuracy)}`)
  print(`one fully connected layer, trained as long: ${formatPercent(linearAccuracy)}\n`)

  const { data: logits } = model.predict(x)
  const names = classNames(folder)
  print('what it is (rows) and what it was taken for (columns):')
  const counts = confusionCounts(y.data, predictedClasses(logits, CLASS_COUNT), CLASS_COUNT)
  print(confusionTable(counts, names))

  const mistakes = surestMistakes(logits, y.data, CLASS_COUNT, DRAWINGS_PER_ROW)
  if (mistakes.length > 0) {
    print('\nsurest mistakes:\n')
    print(drawMistakes(mistakes, { ...test, data: test.images.data }, names))
  }
}

const command = new Command('npm run example -- digits-cnn')
  .description('Trains a convolutional network to tell pictures apart, and tests it.')
  .option('--epochs <n>', 'passes over the training samples', positiveInteger, 4)
  .option('--batch-size <n>', 'samples per optimizer step', positiveInteger, 64)
  .option('--learning-rate <rate>', 'size of the first steps; it sinks to 0', positiveNumber, 0.004)
  .option('--seed <n>', 'governs initial weights, shuffling and dropout', wholeNumber, 42)
  .option('--data <dir>', 'four IDX files, gzipped or not, e.g. of Fashion-MNIST (default: MNIST)')
  .option('--limit <n>', 'use only the first n training samples', positiveInteger)
  .allowExcessArguments(false)

await runExample(() => run(command.parse().opts<Options>()))
