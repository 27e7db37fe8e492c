// Handwritten digits, from the pixels to a saved model: read MNIST, train a small network, test it, show
// where it errs, save it, load it again.
//
// In:  the command line (`npm start -- --help`). Out: a report on stdout and one .safetensors file.
// Ctrl-C ends training early; what was learned so far is still tested and saved.

import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { dense, load, optimizers, sequential, sparseCategoricalCrossentropy } from 'lanegrad'
import { CLASS_COUNT, InputError, sliceSamples } from '../shared/idx.ts'
import { classNames, packagedMnist, readTrainAndTest } from '../shared/mnist.ts'
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
import { type DigitsOptions, readOptions } from './options.ts'

// One training sample in twelve is held out, to watch how the network does on digits it isn't trained on:
// 5,000 of MNIST's 60,000.
const HELD_OUT_SHARE = 12

async function run(options: DigitsOptions): Promise<void> {
  if (options.save) checkDestination(options.save)

  // 1. The data: images [n, 784] in 0 to 1, labels [n] in 0 to 9.
  const folder = options.data ?? packagedMnist()
  const { train: all, test } = readTrainAndTest(folder, options.limit)
  const allCount = all.labels.data.length
  const pixelCount = all.images.shape[1]
  const heldOutCount = Math.floor(allCount / HELD_OUT_SHARE)
  const train = sliceSamples(all, 0, allCount - heldOutCount)
  const heldOut = sliceSamples(all, allCount - heldOutCount, allCount)

  // 2. The network: fully connected layers; the last one gives a logit per class.
  const model = sequential({
    inputShape: [pixelCount],
    layers: [
      ...options.hidden.map((units) => dense({ units, activation: 'relu' })),
      dense({ units: CLASS_COUNT }),
    ],
    seed: options.seed,
  })
  const makeOptimizer = optimizers[options.optimizer as keyof typeof optimizers]
  const optimizer = makeOptimizer({ learningRate: options.learningRate })
  model.compile({
    optimizer,
    loss: sparseCategoricalCrossentropy({ fromLogits: true }),
    metrics: ['accuracy'],
  })
  const layout = [pixelCount, ...options.hidden, CLASS_COUNT].join('-')
  const trainCount = grouped(allCount - heldOutCount)
  print(
    `${layout} net, ${grouped(model.countParams())} parameters; ${trainCount} samples, ` +
      `batches of ${grouped(options.batchSize)}; ${options.optimizer} ${optimizer.learningRate}\n`,
  )

  // 3. Training, until the last epoch or Ctrl-C.
  await watchTraining((watch) =>
    model.fit(train.images, train.labels, {
      epochs: options.epochs,
      batchSize: options.batchSize,
      validationData: heldOutCount > 0 ? [heldOut.images, heldOut.labels] : undefined,
      ...watch,
    }),
  )

  // 4. The test, on samples that played no part so far.
  const { accuracy } = await model.evaluate(test.images, test.labels, { batchSize: 500 })
  print(`\ntest accuracy: ${formatPercent(accuracy)}\n`)

  const { data: logits } = model.predict(test.images)
  const labels = test.labels.data
  const names = classNames(folder)
  print('what it is (rows) and what it was taken for (columns):')
  print(confusionTable(confusionCounts(labels, predictedClasses(logits, CLASS_COUNT), CLASS_COUNT), names))

  const mistakes = surestMistakes(logits, labels, CLASS_COUNT, DRAWINGS_PER_ROW)
  if (mistakes.length > 0) {
    print('\nsurest mistakes:\n')
    print(drawMistakes(mistakes, { ...test, data: test.images.data }, names))
  }

  // 5. Saved, and loaded again: the copy must answer with the same bits.
  if (options.save) {
    writeFileSync(options.save, model.save())
    const bytes = readFileSync(options.save)
    const copy = load(bytes)
    const { data: copyLogits } = copy.predict(test.images)
    if (!sameBits(logits, copyLogits)) {
      throw new Error(`${options.save}: the model loaded from it predicts otherwise than the one saved`)
    }
    copy.dispose()
    print(`\nsaved to ${options.save} (${grouped(bytes.byteLength)} bytes)`)
    print(`loaded again: the same ${grouped(labels.length)} predictions, bit for bit`)
  }
  model.dispose()
}

/** Makes the folder of the model's file now, so that a bad path is known before the training, not after. */
function checkDestination(path: string): void {
  mkdirSync(dirname(path), { recursive: true })
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new InputError(`--save: ${path} is a folder, expected the path of a file`)
  }
}

function sameBits(a: Float32Array, b: Float32Array): boolean {
  const bytes = (floats: Float32Array) => Buffer.from(floats.buffer, floats.byteOffset, floats.byteLength)
  return bytes(a).equals(bytes(b))
}

await runExample(() => run(readOptions(process.argv.slice(2), Object.keys(optimizers))))
