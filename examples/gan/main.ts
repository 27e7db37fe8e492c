// A generative adversarial net (Goodfellow et al. 2014): a generator draws samples from noise, a critic learns to tell them from
// real ones, and the generator learns to deceive it. Both are one model, over whose weights `part` makes a second network, so
// that nothing is copied to and fro.
//
// In:  the command line (`npm run example -- gan --help`). Out: a report on stdout: the samples drawn, and how near they come to
//      the real ones.
// Ctrl-C ends training early; what was learned so far is still drawn and tested.

import { Command, Option } from 'commander'
import { adam, binaryCrossentropy, cosineDecay, input, model, part } from 'lanegrad'
import { workers } from 'lanegrad/threads'
import { watchLoop } from '../shared/loop.ts'
import { positiveInteger, positiveNumber, wholeNumber } from '../shared/options.ts'
import { seededRandom } from '../shared/random.ts'
import { grouped, print, runExample } from '../shared/run.ts'
import { digitsTask } from './digits.ts'
import { ringTask } from './ring.ts'

interface Options {
  data: keyof typeof tasks
  epochs?: number
  steps?: number
  learningRate?: number
  seed: number
}

const tasks = { ring: ringTask, digits: digitsTask }
const UNTRAINED = 1000

async function run({ data, seed, ...own }: Options): Promise<void> {
  // 1. The net: noise to a sample to a verdict. The whole trains the generator, its second half trains the critic.
  const task = tasks[data](seed)
  const { title, noiseSize, generator, critic, batchSize } = task
  const { epochs, steps, learningRate } = { ...task, ...own }
  const noise = input({ shape: [noiseSize] })
  const drawn = generator(noise)
  const verdict = critic(drawn)
  const whole = model({ inputs: noise, outputs: verdict, threads: workers() }).setTrainable({
    critic: false,
  })
  const maker = part(whole, { inputs: noise, outputs: drawn })
  const judge = part(whole, { inputs: drawn, outputs: verdict }).setTrainable(() => true)
  const schedule = cosineDecay({ steps: epochs * steps })
  for (const net of [whole, judge])
    net.compile({
      optimizer: adam({ learningRate, beta1: 0.5, schedule }),
      loss: binaryCrossentropy({ fromLogits: true }),
    })
  const [makerSize, judgeSize] = [maker, judge].map((net) => grouped(net.countParams()))
  print(`${title}, in batches of ${batchSize}`)
  print(`generator: ${makerSize} parameters; critic: ${judgeSize}\n`)

  // 2. Training: a step of the critic on real samples beside drawn ones, then one of the generator.
  const random = seededRandom(seed)
  const noiseRows = (count: number) =>
    Float32Array.from({ length: count * noiseSize }, () => 2 * random() - 1)
  const make = (count: number) => maker.predict(noiseRows(count)).data
  const untrained = make(UNTRAINED)
  const sampleSize = untrained.length / UNTRAINED
  const rows = new Float32Array(2 * batchSize * sampleSize) // the real ones in front
  const areReal = new Float32Array(2 * batchSize).fill(1, 0, batchSize)
  const passForReal = new Float32Array(batchSize).fill(1)
  await watchLoop({
    epochs,
    steps,
    batchSize,
    step() {
      task.fill(rows.subarray(0, batchSize * sampleSize), random)
      rows.set(maker.predict(noiseRows(batchSize), { training: true }).data, batchSize * sampleSize)
      return {
        critic: judge.trainStep(rows, areReal).loss,
        generator: whole.trainStep(noiseRows(batchSize), passForReal).loss,
      }
    },
  })

  // 3. The report.
  await task.report({ random, make, untrained })
  whole.dispose()
}

const command = new Command('npm run example -- gan')
  .description('Learns to draw samples like the real ones, from noise, against a critic.')
  .addOption(new Option('--data <name>', 'what to draw').choices(Object.keys(tasks)).default('ring'))
  .option('--epochs <n>', 'of ring 8, of digits 5', positiveInteger)
  .option('--steps <n>', 'steps of an epoch: of ring 1000, of digits 400', positiveInteger)
  .option('--learning-rate <rate>', 'size of the first steps; it sinks to 0', positiveNumber)
  .option('--seed <n>', 'governs initial weights, noise and the choice of samples', wholeNumber, 42)
  .allowExcessArguments(false)

await runExample(() => run(command.parse().opts<Options>()))
