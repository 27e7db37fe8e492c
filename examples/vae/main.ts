// A variational autoencoder: digits become points of a plane, and every point of the plane becomes a digit. Its loss is the
// reconstruction's and a term over the whole network, the divergence of the codes from a normal distribution.
//
// In:  the command line (`npm run example -- vae --help`). Out: a report on stdout, and a PNG file of what all over the plane is
//      drawn. The final figures are nats per test picture (figures.ts), beside those of a linear autoencoder with codes of the same
//      size, which is not even charged for its codes.
// Ctrl-C ends the running training early; what was learned so far is still tested.

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Command } from 'commander'
import { packagedMnist, readTrainAndTest } from '../shared/mnist.ts'
import { positiveInteger, positiveNumber, wholeNumber } from '../shared/options.ts'
import { greyPng } from '../shared/png.ts'
import { grouped, print, runExample, watchTraining } from '../shared/run.ts'
import { codeNats, pictureNats } from './figures.ts'
import { linear, variational } from './networks.ts'
import { drawPlane, planeGrid, tiled } from './plane.ts'

interface Options {
  units: number
  epochs: number
  batchSize: number
  learningRate: number
  seed: number
  limit?: number
  picture: string | false
}

/** Pictures along each side of the PNG file. */
const GRID = 20

async function run({ units, epochs, batchSize, learningRate, seed, limit, picture }: Options): Promise<void> {
  if (picture) mkdirSync(dirname(picture), { recursive: true })

  // 1. The data, and both networks.
  const { train, test } = readTrainAndTest(packagedMnist(), limit)
  const { images } = train
  const [count, pixelCount] = images.shape
  const sizes = { pixelCount, units, learningRate, seed, steps: epochs * Math.ceil(count / batchSize) }
  const { whole, encoder, decoder } = variational(sizes)
  const baseline = linear(sizes)

  // 2. Training: the input is the target.
  const learn = (title: string, net: typeof whole) => {
    print(`${title}: ${grouped(net.countParams())} parameters\n`)
    return watchTraining((watch) => net.fit(images, images, { epochs, batchSize, ...watch }))
  }
  const isInterrupted = await learn('variational autoencoder', whole)
  print()
  if (!isInterrupted) await learn('linear autoencoder', baseline)

  // 3. The plane: where the test pictures lie, and what is drawn all over it.
  const originals = test.images.data
  const testCount = test.labels.data.length
  const [mean, logVar] = encoder.predict(test.images).map(({ data }) => data)
  print('\nwhere digits lie in the plane; each character is the commonest digit there:\n')
  print(drawPlane(mean, test.labels.data))
  if (picture) {
    const drawn = decoder.predict(planeGrid(GRID)).data
    const { rowCount, columnCount } = test
    writeFileSync(picture, greyPng(tiled(drawn, GRID, rowCount, columnCount), GRID * columnCount))
    print(`\nwhat is drawn all over it: ${picture}`)
  }

  // 4. The figures. The variational codes are drawn, as in training; the linear ones are exact, and cost nothing here.
  const drawings = whole.predict(test.images, { training: true }).data
  const table: Record<string, [code: number, picture: number]> = {
    'variational autoencoder': [
      codeNats(mean, logVar, testCount),
      pictureNats(originals, drawings, testCount),
    ],
    'linear autoencoder': [0, pictureNats(originals, baseline.predict(test.images).data, testCount)],
  }
  print(`\nnats per test picture, the mean of ${grouped(testCount)}; the linear codes are taken as free`)
  const cells = (texts: string[]) => texts.map((text) => text.padStart(10)).join('')
  print(`\n  ${''.padEnd(26)}${cells(['code', 'picture', 'sum'])}`)
  for (const [name, [code, picture]] of Object.entries(table))
    print(`  ${name.padEnd(26)}${cells([code, picture, code + picture].map((nats) => nats.toFixed(2)))}`)
  for (const net of [whole, baseline]) net.dispose()
}

const command = new Command('npm run example -- vae')
  .description('Learns a plane of digits, and compares with a linear autoencoder.')
  .option('--units <n>', 'units of the hidden layers', positiveInteger, 256)
  .option('--epochs <n>', 'passes over the training pictures', positiveInteger, 5)
  .option('--batch-size <n>', 'pictures per optimizer step', positiveInteger, 64)
  .option('--learning-rate <rate>', 'size of the first steps; it sinks to 0', positiveNumber, 0.002)
  .option('--seed <n>', 'governs initial weights, shuffling and noise', wholeNumber, 42)
  .option('--limit <n>', 'use only the first n training pictures', positiveInteger)
  .option('--picture <path>', 'where to put the picture of the plane', 'build/vae.png')
  .option('--no-picture', 'write no picture')
  .allowExcessArguments(false)

await runExample(() => run(command.parse().opts<Options>()))
