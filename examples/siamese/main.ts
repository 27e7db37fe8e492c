// One example is enough: a siamese network learns from pairs of pictures of seven digits, and of their halves, to tell which ones belong
// together. Then it recognizes three digits that it has never seen, by one example of each.
//
// In:  the command line (`npm run example -- siamese --help`). Out: a report on stdout: how many test pictures of the unseen digits
//      are recognized by one example of each, beside the nearest neighbour in pixels and the network before training.
// Ctrl-C ends training early; what was learned so far is still tested.

import { Command, InvalidArgumentError, Option } from 'commander'
import { CLASS_COUNT } from '../shared/idx.ts'
import { watchLoop } from '../shared/loop.ts'
import { packagedMnist, readTrainAndTest } from '../shared/mnist.ts'
import { positiveInteger, positiveNumber, wholeNumber } from '../shared/options.ts'
import { formatPercent } from '../shared/progress.ts'
import { seededRandom } from '../shared/random.ts'
import { grouped, print, runExample } from '../shared/run.ts'
import { joined, redraw, shift, warp } from './kinds.ts'
import { siamese } from './network.ts'
import { byClass, drawRounds, shareRight } from './one-shot.ts'

interface Options {
  epochs: number
  steps: number
  learningRate: number
  rounds: number
  unseen: number[]
  seed: number
}

const DIGITS = Array.from({ length: CLASS_COUNT }, (_, digit) => digit)
const QUESTIONS_PER_DIGIT = 5

/** `789`: digits to leave out of training; at least two must remain. */
function readUnseen(text: string): number[] {
  const digits = [...new Set(text)].map(Number)
  if (!/^\d+$/.test(text) || digits.length < 2 || digits.length > CLASS_COUNT - 2)
    throw new InvalidArgumentError('Expected two to eight different digits, as in 789.')
  return digits.sort()
}

async function run({ epochs, steps, learningRate, rounds: count, unseen, seed }: Options): Promise<void> {
  // 1. The data: pairs are drawn from the training pictures of known digits, examples and questions from the test's of the others.
  const { train, test } = readTrainAndTest(packagedMnist())
  const { rowCount, columnCount } = train
  const pixelCount = rowCount * columnCount
  const known = DIGITS.filter((digit) => !unseen.includes(digit))
  const lists = byClass(train.labels.data, CLASS_COUNT)
  const testLists = byClass(test.labels.data, CLASS_COUNT)
  const rounds = drawRounds(
    unseen.map((digit) => testLists[digit]),
    count,
    QUESTIONS_PER_DIGIT,
    seededRandom(seed),
  )
  const kinds = known.flatMap((upper) => known.map((lower) => ({ upper, lower })))
  const pairCount = kinds.length

  // 2. The network.
  const stepCount = epochs * steps
  const { pairs, placed } = siamese({ rowCount, columnCount, pairCount, learningRate, stepCount, seed })
  print(
    `siamese network, ${grouped(pairs.countParams())} parameters\n` +
      `learns from halves of the digits ${known.join(', ')}: ${pairCount} kinds of pictures\n`,
  )
  const tested = { shape: [test.labels.data.length, rowCount, columnCount, 1], data: test.images.data }
  const recognized = () => {
    const { shape, data } = placed.predict(tested)
    return shareRight(data, shape[1], test.labels.data, rounds)
  }
  const before = recognized()

  // 3. Training: each step meets a pair of every kind.
  const random = seededRandom(seed)
  const draw = (digit: number) => {
    const from = lists[digit][Math.floor(random() * lists[digit].length)] * pixelCount
    return train.images.data.subarray(from, from + pixelCount)
  }
  const pictures = [0, 1].map(() => new Float32Array(pairCount * pixelCount))
  const isPartner = Float32Array.from({ length: pairCount ** 2 }, (_, i) => Number(i % (pairCount + 1) === 0))
  await watchLoop({
    epochs,
    steps,
    batchSize: pairCount,
    unit: 'pairs',
    step() {
      for (const side of pictures) {
        kinds.forEach(({ upper, lower }, i) => {
          const top = draw(upper)
          const picture = upper === lower ? top : joined(top, draw(lower))
          const to = side.subarray(i * pixelCount, (i + 1) * pixelCount)
          redraw(picture, columnCount, warp(random), shift(random), to)
        })
      }
      return { loss: pairs.trainStep(pictures, isPartner).loss }
    },
  })

  // 4. The test.
  const questions = count * unseen.length * QUESTIONS_PER_DIGIT
  print(
    `\n${grouped(questions)} pictures of ${unseen.join(', ')}, never seen in training,\n` +
      'recognized by one example of each:\n',
  )
  const table = {
    'by the nearest picture in pixels': shareRight(test.images.data, pixelCount, test.labels.data, rounds),
    'by the network before training': before,
    'by the network': recognized(),
  }
  for (const [name, share] of Object.entries(table))
    print(`  ${name.padEnd(36)}${formatPercent(share).padStart(8)}`)
  pairs.dispose()
}

const command = new Command('npm run example -- siamese')
  .description('Learns from pairs what is alike, and recognizes new digits by one example of each.')
  .option('--epochs <n>', 'lines of progress', positiveInteger, 3)
  .option('--steps <n>', 'optimizer steps of an epoch', positiveInteger, 200)
  .option('--learning-rate <rate>', 'size of the first steps; it sinks to 0', positiveNumber, 0.002)
  .option('--rounds <n>', 'how often examples are drawn for the test', positiveInteger, 1000)
  .addOption(
    new Option('--unseen <digits>', 'digits left out of training, which are tested')
      .argParser(readUnseen)
      .default([7, 8, 9], '789'),
  )
  .option('--seed <n>', 'governs initial weights, pairs and the test', wholeNumber, 42)
  .allowExcessArguments(false)

await runExample(() => run(command.parse().opts<Options>()))
