// Transfer: what a network has learned of the digits 0 to 4 helps it to learn 5 to 9 from 20 examples of each.
// Its convolutions are kept as they are, and new layers are trained on top of them; the same network trained on the
// same examples from scratch shows what that is worth.
//
// In:  the command line (`npm run example -- transfer --help`). Out: a report on stdout.
// Ctrl-C ends the first training early; the rest goes on with what was learned so far.

import { Command } from 'commander'
import {
  activation,
  adam,
  batchNormalization,
  conv2d,
  cosineDecay,
  dense,
  dropout,
  type FitOptions,
  flatten,
  type Layer,
  type Model,
  maxPooling2d,
  sequential,
  sparseCategoricalCrossentropy,
  transfer,
} from 'lanegrad'
import { InputError, type SampleSet } from '../shared/idx.ts'
import { packagedMnist, readTrainAndTest } from '../shared/mnist.ts'
import { positiveInteger, positiveNumber, wholeNumber } from '../shared/options.ts'
import { formatPercent } from '../shared/progress.ts'
import { grouped, print, runExample, watchTraining } from '../shared/run.ts'

interface Options {
  epochs: number
  fewEpochs: number
  examples: number
  draws: number
  learningRate: number
  seed: number
}

const GROUP = 5 // digits 0 to 4 for the first training, 5 to 9 for the second

/** Samples `from` ... `to` - 1 of each of the digits from `digit` on, with labels from 0 on. */
function pick({ images, labels, rowCount, columnCount }: SampleSet, digit: number, from = 0, to = Infinity) {
  const pixelCount = rowCount * columnCount
  const seen = new Array<number>(GROUP).fill(0)
  const chosen = Array.from(labels.data.keys()).filter((i) => {
    const label = labels.data[i] - digit
    if (label < 0 || label >= GROUP) return false
    seen[label]++
    return seen[label] > from && seen[label] <= to
  })
  const pixels = new Float32Array(chosen.length * pixelCount)
  chosen.forEach((i, row) => {
    pixels.set(images.data.subarray(i * pixelCount, (i + 1) * pixelCount), row * pixelCount)
  })
  return {
    x: { shape: [chosen.length, rowCount, columnCount, 1], data: pixels },
    y: { shape: [chosen.length], data: Int32Array.from(chosen, (i) => labels.data[i] - digit) },
  }
}

type Dataset = ReturnType<typeof pick>

const convolution = (filters: number): Layer[] => [
  conv2d({ filters, kernelSize: 3, useBias: false }),
  maxPooling2d(),
  batchNormalization({ momentum: 0.9 }),
  activation({ activation: 'relu' }),
]

/** What sees: strokes, then arrangements of strokes. */
const trunk = (): Layer[] => [...convolution(8), ...convolution(24), flatten({ name: 'trunk' })]

/** What names: a logit for each of five digits. */
const head = (): Layer[] => [
  dropout({ rate: 0.3 }),
  dense({ units: 64, activation: 'relu' }),
  dropout({ rate: 0.3 }),
  dense({ units: GROUP }),
]

async function run(options: Options): Promise<void> {
  const { epochs, fewEpochs, examples, draws, learningRate, seed } = options

  /** Compiles and trains a model, with a learning rate that sinks to 0. */
  const train = (model: Model, data: Dataset, passes: number, batchSize: number, watch: FitOptions = {}) => {
    const schedule = cosineDecay({ steps: passes * Math.ceil(data.y.data.length / batchSize) })
    model.compile({
      optimizer: adam({ learningRate, schedule }),
      loss: sparseCategoricalCrossentropy({ fromLogits: true }),
      metrics: ['accuracy'],
    })
    return model.fit(data, { epochs: passes, batchSize, ...watch })
  }

  // 1. The data: the first five digits in full; of the others a few examples to learn from, and all test samples.
  const mnist = readTrainAndTest(packagedMnist())
  const full = pick(mnist.train, 0)
  const test = pick(mnist.test, GROUP)
  const labels = mnist.train.labels.data
  const counts = [5, 6, 7, 8, 9].map((digit) => labels.filter((label) => label === digit).length)
  const most = Math.floor(Math.min(...counts) / draws)
  if (examples > most)
    throw new InputError(`--examples: there are ${most} of each at most for each of ${draws} draws`)
  const inputShape = full.x.shape.slice(1)

  // 2. The base, trained on 0 to 4.
  const base = sequential({ inputShape, layers: [...trunk(), ...head()], seed })
  print(`first the digits 0 to 4: ${grouped(full.y.data.length)} samples\n`)
  await watchTraining((watch) => train(base, full, epochs, 64, watch))
  const { accuracy } = await base.evaluate(pick(mnist.test, 0))
  print(`\ntest accuracy on 0 to 4: ${formatPercent(accuracy)}`)

  // 3. Both ways to learn 5 to 9, several times, each time from other examples.
  print(
    `\nthen 5 to 9, ${examples} examples of each; accuracy on ${grouped(test.y.data.length)} test samples:\n`,
  )
  print('  examples     from scratch    transferred')
  const sums = { scratch: 0, transferred: 0 }
  for (let draw = 0; draw < draws; draw++) {
    const few = pick(mnist.train, GROUP, draw * examples, (draw + 1) * examples)
    const scores = { scratch: 0, transferred: 0 }
    const models = {
      scratch: sequential({ inputShape, layers: [...trunk(), ...head()], seed: seed + draw }),
      transferred: transfer(base, { output: 'trunk', head: head(), seed: seed + draw }), // the trunk is frozen
    }
    for (const name of ['scratch', 'transferred'] as const) {
      await train(models[name], few, fewEpochs, 25)
      scores[name] = (await models[name].evaluate(test)).accuracy
      sums[name] += scores[name]
      models[name].dispose()
    }
    print(row(`set ${draw + 1}`, scores.scratch, scores.transferred))
  }
  print(row('mean', sums.scratch / draws, sums.transferred / draws))
  base.dispose()
}

function row(title: string, ...accuracies: number[]): string {
  return `  ${title.padEnd(10)}${accuracies.map((accuracy) => formatPercent(accuracy).padStart(15)).join('')}`
}

const command = new Command('npm run example -- transfer')
  .description('Learns digits from few examples, with what was learned from other digits.')
  .option('--epochs <n>', 'passes over the samples of 0 to 4', positiveInteger, 3)
  .option('--few-epochs <n>', 'passes over the examples of 5 to 9', positiveInteger, 60)
  .option('--examples <n>', 'examples of each of 5 to 9', positiveInteger, 20)
  .option('--draws <n>', 'how often other examples are taken', positiveInteger, 5)
  .option('--learning-rate <rate>', 'size of the first steps; it sinks to 0', positiveNumber, 0.004)
  .option('--seed <n>', 'governs initial weights, shuffling and dropout', wholeNumber, 42)
  .allowExcessArguments(false)

await runExample(() => run(command.parse().opts<Options>()))
