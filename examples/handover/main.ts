// Handover: one training in two languages. A convolutional network begins in JavaScript, goes on for an epoch in PyTorch, on two
// processes, and comes back for the last one. Its optimizer, its schedule and the order of its rows go along, so that the losses are
// those of one training in one place.
//
// In:  the command line (`npm run example -- handover --help`), a Python with PyTorch. Out: a report on stdout, the files of
//      build/examples/handover. Ctrl-C ends it.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Command } from 'commander'
import {
  adam,
  cosineDecay,
  dense,
  flatten,
  load,
  type Model,
  sequential,
  sparseCategoricalCrossentropy,
} from 'lanegrad'
import { asDataset, convolution } from '../shared/convolution.ts'
import { CLASS_COUNT } from '../shared/idx.ts'
import { packagedMnist, readTrainAndTest } from '../shared/mnist.ts'
import { positiveInteger, positiveNumber, wholeNumber } from '../shared/options.ts'
import { formatPercent } from '../shared/progress.ts'
import { grouped, print, runExample, watchTraining } from '../shared/run.ts'
import { copyTrainer, findPython, runPython } from './python.ts'

interface Options {
  batchSize: number
  learningRate: number
  processes: number
  seed: number
  data?: string
  python?: string
}

const FOLDER = 'build/examples/handover'
const HELD_OUT = 0.05
const EPOCHS = 3

async function run(options: Options): Promise<void> {
  const { batchSize, learningRate, processes, seed } = options
  const { python, version } = findPython(options.python)
  const folder = options.data ?? packagedMnist()
  const { train, test } = readTrainAndTest(folder)
  const { x, y } = asDataset(train)
  const trained = Math.floor(y.data.length * (1 - HELD_OUT))

  const schedule = cosineDecay({ steps: EPOCHS * Math.ceil(trained / batchSize) })
  const layers = [
    ...convolution(12),
    ...convolution(32),
    flatten(),
    dense({ units: 128, activation: 'relu' }),
    dense({ units: CLASS_COUNT }),
  ]
  const first = sequential({ inputShape: x.shape.slice(1), layers, seed }).compile({
    optimizer: adam({ learningRate, schedule }),
    loss: sparseCategoricalCrossentropy({ fromLogits: true }),
    metrics: ['accuracy'],
  })
  print(`${grouped(first.countParams())} parameters; ${grouped(trained)} digits, batches of ${batchSize}\n`)
  const fit = (model: Model) =>
    watchTraining((watch) => model.fit(x, y, { batchSize, validationSplit: HELD_OUT, ...watch }))

  print('1. JavaScript:')
  if (await fit(first)) return
  mkdirSync(FOLDER, { recursive: true })
  const there = join(FOLDER, 'model.safetensors')
  const back = join(FOLDER, 'back.safetensors')
  writeFileSync(there, first.save({ includeOptimizer: true }))

  print(`\n2. PyTorch ${version}, ${processes} processes:`)
  copyTrainer(there)
  const data = ['--data', relative('.', folder), '--divide', '255', '--validation-split', `${HELD_OUT}`]
  const sizes = ['--batch-size', `${batchSize}`, '--processes', `${processes}`]
  const script = [join(FOLDER, 'train.py'), there, ...data, ...sizes, '-o', back]
  await runPython(python, script)

  print('\n3. JavaScript again:')
  const last = load(new Uint8Array(readFileSync(back)))
  if (await fit(last)) return

  const tested = asDataset(test)
  const { accuracy } = await last.evaluate(tested.x, tested.y)
  print(`\ntest accuracy: ${formatPercent(accuracy)}`)
  print(`the files: ${FOLDER}`)
}

const command = new Command('npm run example -- handover')
  .description('A training that begins in JavaScript, goes on in PyTorch, and comes back.')
  .option('--batch-size <n>', 'samples per optimizer step', positiveInteger, 64)
  .option('--learning-rate <rate>', 'size of the first steps; it sinks to 0', positiveNumber, 0.004)
  .option('--processes <n>', 'processes of PyTorch', positiveInteger, 2)
  .option('--seed <n>', 'governs initial weights and shuffling', wholeNumber, 42)
  .option('--data <dir>', 'four IDX files, gzipped or not (default: MNIST)')
  .option('--python <path>', 'a Python with PyTorch (default: python3)')
  .allowExcessArguments(false)

await runExample(() => run(command.parse().opts<Options>()))
