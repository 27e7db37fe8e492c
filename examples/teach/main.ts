// Teach: a net that others trained on photographs learns ten kinds of garments from twenty pictures of each. Its first layers see for
// the new head, whose twin gets the raw pixels; then the last of these layers learns as well. The result is saved, exported to ONNX, and
// gives the same answers there.
//
// In:  the command line (`npm run example -- teach --help`). Out: a report on stdout, two files.
// Ctrl-C ends a training early; the rest goes on with what was learned so far.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { Command } from 'commander'
import {
  adam,
  averagePooling2d,
  batchNormalization,
  concatenate,
  dense,
  dropout,
  type FloatArray,
  flatten,
  type Layer,
  load,
  type Model,
  part,
  type Symbolic,
  sequential,
  sparseCategoricalCrossentropy,
  transfer,
} from 'lanegrad'
import { imageTensor, type Pixels } from 'lanegrad/data'
import { saveOnnx } from 'lanegrad/onnx'
import { CLASS_COUNT, InputError, type SampleSet } from '../shared/idx.ts'
import { watchLoop } from '../shared/loop.ts'
import { classNames, readTrainAndTest } from '../shared/mnist.ts'
import { positiveInteger, wholeNumber } from '../shared/options.ts'
import { formatPercent } from '../shared/progress.ts'
import { confusionCounts, confusionTable, predictedClasses } from '../shared/report.ts'
import { grouped, print, runExample, watchTraining } from '../shared/run.ts'
import { install, loadPretrained, runOnnx } from './pretrained.ts'

interface Options {
  examples: number
  tests: number
  epochs: number
  tuneEpochs: number
  seed: number
  data: string
  model?: string
  layers: string[]
  from: string
}

const DEBIAN = '/usr/share/datasets/fashion-mnist'
const BATCH = 20
/** Pictures of the net's input go through in pieces of this many. */
const PIECE = 10
const FOLDER = 'build/examples/teach'

interface Pictures {
  pixels: Pixels[]
  labels: Int32Array
}

/** The first `count` pictures of each class. */
function pick({ images, labels, rowCount, columnCount }: SampleSet, count: number): Pictures {
  const seen = new Array<number>(CLASS_COUNT).fill(0)
  const chosen = [...labels.data.keys()].filter((i) => ++seen[labels.data[i]] <= count)
  const size = rowCount * columnCount
  const bytes = (i: number) =>
    Uint8Array.from(images.data.subarray(i * size, (i + 1) * size), (v) => Math.round(v * 255))
  return {
    pixels: chosen.map((i) => ({ width: columnCount, height: rowCount, data: bytes(i) })),
    labels: Int32Array.from(chosen, (i) => labels.data[i]),
  }
}

/** The means of four quarters of a picture: what a layer sees, and roughly where. */
const grid = (poolSize: number) => (value: Symbolic) =>
  flatten()(averagePooling2d({ poolSize: Math.max(1, poolSize) })(value))

/** A logit for each class, from normalized features. */
const classifier = (): Layer[] => [
  batchNormalization({ center: false, scale: false, momentum: 0.9, name: 'scaled' }),
  dropout({ rate: 0.5 }),
  dense({ units: CLASS_COUNT, kernelRegularizer: { l2: 0.01 }, name: 'verdict' }),
]

/** The classifier on several values, which it gets as one. */
const head = (values: readonly Symbolic[]): Symbolic => {
  const features = concatenate({ name: 'features' })([...values])
  return classifier().reduce((value: Symbolic, layer) => layer(value), features)
}

const compiled = (net: Model, learningRate: number): Model =>
  net.compile({
    optimizer: adam({ learningRate }),
    loss: sparseCategoricalCrossentropy({ fromLogits: true }),
    metrics: ['accuracy'],
  })

async function run(options: Options): Promise<void> {
  const { examples, tests, epochs, tuneEpochs, seed, data, layers, from } = options
  if (!existsSync(data))
    throw new InputError(
      `no folder ${data}: name one with four IDX files by --data (Debian: dataset-fashion-mnist)`,
    )
  install()

  // 1. The pictures, and the net that others trained.
  const all = readTrainAndTest(data)
  const [train, test] = [pick(all.train, examples), pick(all.test, tests)]
  const startMs = performance.now()
  const pretrained = await loadPretrained(options.model)
  const [{ name, shape }] = pretrained.inputs
  print(
    `${grouped(pretrained.countParams())} parameters in ${pretrained.layers.length} layers, loaded in ` +
      `${((performance.now() - startMs) / 1000).toFixed(1)} s; features of ${layers.join(' and ')}`,
  )
  print(`${train.labels.length} pictures to learn from, ${grouped(test.labels.length)} others to test with\n`)

  // 2. One model with a new head; its parts share its weights. The layers before `from` never change, so each picture goes through
  //    them once.
  const places = new Map(pretrained.layers.map((own, place) => [own.name, place]))
  const isEarly = (layer: string) => (places.get(layer) ?? 0) < (places.get(from) ?? 0)
  const between = [from, ...layers.filter(isEarly)]
  const quarters = layers.map((layer) => Math.floor(sideOf(pretrained, layer) / 2))
  const whole = transfer(pretrained, {
    output: layers,
    head: (...values) => head(values.map((value, i) => grid(quarters[i])(value))),
    seed,
  })
  pretrained.dispose()
  const eyes = part(whole, { inputs: name, outputs: between })
  const block = part(whole, { inputs: between, outputs: 'features' })
  const top = part(whole, { inputs: 'features', outputs: 'verdict' })
  const [height, width] = shape
  const tensorOf = (pixels: readonly Pixels[]) => imageTensor(pixels, { size: [height ?? 224, width ?? 224] })
  const seen = await throughEyes(eyes, [...train.pixels, ...test.pixels], tensorOf)
  const early = {
    train: seen.map((values) => rows(values, 0, train.labels.length)),
    test: seen.map((values) => rows(values, train.labels.length)),
  }

  // 3. The head on the features, and its twin on the pixels.
  const features = {
    train: block.predict(early.train) as FloatArray,
    test: block.predict(early.test) as FloatArray,
  }
  await compiled(top, 0.001).fit(features.train, train.labels, { epochs, batchSize: BATCH })
  const { accuracy } = await top.evaluate(features.test, test.labels)
  const raw = (pixels: readonly Pixels[]) => imageTensor(pixels, { channels: 1 })
  const twin = sequential({
    inputShape: raw(train.pixels).shape.slice(1),
    layers: [flatten(), ...classifier()],
    seed,
  })
  await compiled(twin, 0.001).fit(raw(train.pixels), train.labels, { epochs, batchSize: BATCH })
  const { accuracy: onPixels } = await twin.evaluate(raw(test.pixels), test.labels)

  // 4. The last layers learn as well, slowly; batch normalization keeps its statistics.
  const tail = part(whole, { inputs: between, outputs: 'verdict' })
  tail.setTrainable((own) => !/BN$/.test(own) && own !== 'scaled')
  await watchTraining((watch) =>
    compiled(tail, 0.0001).fit(early.train, train.labels, { epochs: tuneEpochs, batchSize: BATCH, ...watch }),
  )
  const { accuracy: tuned } = await tail.evaluate(early.test, test.labels)
  print('\naccuracy on the other pictures:\n')
  for (const [what, share] of Object.entries({
    'the head on raw pixels': onPixels,
    'the head on features': accuracy,
    'the last block tuned': tuned,
  }))
    print(`  ${what.padEnd(24)}${formatPercent(share).padStart(8)}`)
  print('\nwhat it is (rows) and what it was taken for (columns):')
  const logits = (tail.predict(early.test) as FloatArray).data
  print(
    confusionTable(
      confusionCounts(test.labels, predictedClasses(logits, CLASS_COUNT), CLASS_COUNT),
      classNames(data),
    ),
  )

  // 5. Out: a file of ours, and one for any runtime of ONNX.
  mkdirSync(FOLDER, { recursive: true })
  const some = tensorOf(test.pixels.slice(0, PIECE))
  const said = (whole.predict(some) as FloatArray).data
  const files = { 'model.safetensors': whole.save(), 'model.onnx': saveOnnx(whole) }
  for (const [file, bytes] of Object.entries(files)) writeFileSync(`${FOLDER}/${file}`, bytes)
  const again = load(files['model.safetensors']).predict(some).data
  const elsewhere = await runOnnx(files['model.onnx'], name, some)
  const largest = said.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const apart = (other: Float32Array) =>
    said.reduce((most, value, i) => Math.max(most, Math.abs(value - other[i])), 0) / largest
  const sizes = Object.entries(files).map(([file, { length }]) => `${file} (${(length / 1e6).toFixed(1)} MB)`)
  print(`\nwritten to ${FOLDER}: ${sizes.join(', ')}`)
  print(`predictions of ${PIECE} pictures: ${apart(again) === 0 ? 'the same bits' : 'others'} after loading,`)
  print(`within ${apart(elsewhere).toExponential(0)} of the largest one in onnxruntime-web`)
  whole.dispose()
}

/** The height of what a layer gives. */
function sideOf({ layers }: Model, layer: string): number {
  const found = layers.find(({ name }) => name === layer)
  if (!found) throw new InputError(`--layers: the net has no layer ${layer}`)
  return found.outputShape[0] ?? 1
}

/** The values that the first layers give for pictures. */
async function throughEyes(
  eyes: Model,
  pixels: readonly Pixels[],
  tensorOf: (pixels: readonly Pixels[]) => FloatArray,
): Promise<FloatArray[]> {
  const pieces: FloatArray[][] = []
  await watchLoop({
    title: 'looking',
    unit: 'pictures',
    epochs: 1,
    steps: Math.ceil(pixels.length / PIECE),
    batchSize: PIECE,
    step() {
      const from = pieces.length * PIECE
      pieces.push(eyes.predict(tensorOf(pixels.slice(from, from + PIECE))) as FloatArray[])
      return {}
    },
  })
  return pieces[0].map(({ shape }, i) => {
    const size = shape.slice(1).reduce((product, n) => product * n, 1)
    const data = new Float32Array(pixels.length * size)
    for (const [at, piece] of pieces.entries()) data.set(piece[i].data, at * PIECE * size)
    return { shape: [pixels.length, ...shape.slice(1)], data }
  })
}

/** Rows `from` up to `to` of an array: a view. */
function rows({ shape: [count, ...shape], data }: FloatArray, from: number, to = count): FloatArray {
  const size = data.length / count
  return { shape: [to - from, ...shape], data: data.subarray(from * size, to * size) }
}

const listed = (text: string): string[] => text.split(',')

const command = new Command('npm run example -- teach')
  .description('Teaches a net that others trained new classes, by a few pictures of each.')
  .option('--examples <n>', 'pictures of each class to learn from', positiveInteger, 20)
  .option('--tests <n>', 'others of each class to test with', positiveInteger, 200)
  .option('--epochs <n>', 'passes of the head', positiveInteger, 100)
  .option('--tune-epochs <n>', 'passes of the last block', positiveInteger, 6)
  .option('--seed <n>', 'governs initial weights and shuffling', wholeNumber, 42)
  .option('--data <dir>', 'four IDX files, gzipped or not', DEBIAN)
  .option(
    '--model <path>',
    'model.json of a layers-model of TensorFlow.js (default: the MobileNetV2 of nsfwjs)',
  )
  .option('--layers <names>', 'layers whose outputs the head gets', listed, [
    'block_10_project_BN',
    'block_13_project_BN',
  ])
  .option('--from <name>', 'the layer behind which layers are tuned', 'block_12_add')
  .allowExcessArguments(false)

await runExample(() => run(command.parse().opts<Options>()))
