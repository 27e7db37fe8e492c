// One example is enough: a siamese network learns from pairs of pictures, of which it is told only whether both show the same
// digit, never which. Then one example of each digit names them all.
//
// In:  the command line (`npm run example -- siamese --help`). Out: a report on stdout: how many test pictures are recognized by
//      one example of each digit, beside the nearest neighbour in pixels and the network before training. `--unseen 789` leaves
//      digits out of the pairs and tests those alone, which is much harder with so few digits to learn from.
// Ctrl-C ends training early; what was learned so far is still tested.

import { Command, InvalidArgumentError, Option } from 'commander'
import { CLASS_COUNT } from '../shared/idx.ts'
import { watchLoop } from '../shared/loop.ts'
import { packagedMnist, readTrainAndTest } from '../shared/mnist.ts'
import { positiveInteger, positiveNumber, wholeNumber } from '../shared/options.ts'
import { formatPercent } from '../shared/progress.ts'
import { seededRandom } from '../shared/random.ts'
import { grouped, print, runExample } from '../shared/run.ts'
import { PLACE_SIZE, siamese } from './network.ts'
import { byClass, drawRounds, shareRight } from './one-shot.ts'

interface Options {
  epochs: number
  steps: number
  batchSize: number
  learningRate: number
  rounds: number
  unseen: number[]
  seed: number
}

const DIGITS = Array.from({ length: CLASS_COUNT }, (_, digit) => digit)
const QUESTIONS_PER_DIGIT = 5

/** `789`: digits without those of the pairs, of which two at least remain. */
function readUnseen(text: string): number[] {
  const digits = [...new Set(text)].map(Number)
  if (!/^\d+$/.test(text) || digits.length < 2 || digits.length > CLASS_COUNT - 2)
    throw new InvalidArgumentError('Expected two to eight different digits, as in 789.')
  return digits.sort()
}

async function run({
  epochs,
  steps,
  batchSize,
  learningRate,
  rounds: count,
  unseen,
  seed,
}: Options): Promise<void> {
  // 1. The data: pairs are drawn from the training pictures, examples and questions from the test's.
  const { train, test } = readTrainAndTest(packagedMnist())
  const { rowCount, columnCount } = train
  const pixelCount = rowCount * columnCount
  const known = DIGITS.filter((digit) => !unseen.includes(digit))
  const asked = unseen.length > 0 ? unseen : DIGITS
  const random = seededRandom(seed)
  const lists = byClass(train.labels.data, CLASS_COUNT)
  const testLists = byClass(test.labels.data, CLASS_COUNT)
  const rounds = drawRounds(
    asked.map((digit) => testLists[digit]),
    count,
    QUESTIONS_PER_DIGIT,
    seededRandom(seed),
  )

  // 2. The network.
  const { pairs, placed } = siamese({ rowCount, columnCount, learningRate, seed })
  print(
    `siamese network, ${grouped(pairs.countParams())} parameters\npairs of the digits ${known.join(', ')}\n`,
  )
  const tested = { shape: [test.labels.data.length, rowCount, columnCount, 1], data: test.images.data }
  const recognized = () => shareRight(placed.predict(tested).data, PLACE_SIZE, test.labels.data, rounds)
  const before = recognized()

  // 3. Training: every other pair is of one digit.
  const draw = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)]
  const pictures = [0, 1].map(() => new Float32Array(batchSize * pixelCount))
  const areSame = Float32Array.from({ length: batchSize }, (_, i) => i % 2)
  await watchLoop({
    epochs,
    steps,
    batchSize,
    unit: 'pairs',
    step() {
      areSame.forEach((isSame, i) => {
        const digit = draw(known)
        const other = isSame ? digit : draw(known.filter((one) => one !== digit))
        for (const [side, drawn] of [digit, other].entries()) {
          const from = draw(lists[drawn]) * pixelCount
          pictures[side].set(train.images.data.subarray(from, from + pixelCount), i * pixelCount)
        }
      })
      return { loss: pairs.trainStep(pictures, areSame).loss }
    },
  })

  // 4. The test.
  const questions = count * asked.length * QUESTIONS_PER_DIGIT
  print(`\n${grouped(questions)} pictures of ${asked.join(', ')},\nrecognized by one example of each:\n`)
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
  .description('Learns from pairs what is alike, and recognizes digits by one example of each.')
  .option('--epochs <n>', 'lines of progress', positiveInteger, 3)
  .option('--steps <n>', 'optimizer steps of an epoch', positiveInteger, 200)
  .option('--batch-size <n>', 'pairs per optimizer step', positiveInteger, 64)
  .option('--learning-rate <rate>', 'size of a step', positiveNumber, 0.001)
  .option('--rounds <n>', 'how often examples are drawn for the test', positiveInteger, 300)
  .addOption(
    new Option('--unseen <digits>', 'digits left out of the pairs and tested alone, as in 789')
      .argParser(readUnseen)
      .default([], 'none'),
  )
  .option('--seed <n>', 'governs initial weights, pairs and the test', wholeNumber, 42)
  .allowExcessArguments(false)

await runExample(() => run(command.parse().opts<Options>()))
