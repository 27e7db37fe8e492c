// Tables: how far cars go on a gallon and which penguins are male, by a network and by a straight line.
//
// In:  the command line (`npm run example -- tabular --help`); the tables of the package vega-datasets.
// Out: a report on stdout. Every figure is of rows the model in question wasn't trained on: the rows are dealt into
//      folds, and for each fold a network and a linear model learn from all other folds.
// Ctrl-C ends training early; the folds done so far are still reported.

import { SingleBar } from 'cli-progress'
import { Command, Option } from 'commander'
import { type Callback, earlyStopping } from 'lanegrad'
import { abortOnCtrlC } from '../shared/interrupt.ts'
import { positiveInteger, unitList, wholeFrom, wholeNumber } from '../shared/options.ts'
import { formatPercent } from '../shared/progress.ts'
import { seededRandom, shuffled } from '../shared/random.ts'
import { print, runExample } from '../shared/run.ts'
import { fitLinear, meanOf } from './linear.ts'
import { buildNetwork, gather } from './network.ts'
import { type Question, questions, readTable, type Table } from './tables.ts'

interface Options {
  folds: number
  epochs: number
  patience: number
  hidden: number[]
  seed: number
}

/** On the rows of a fold: the mean absolute error ('mae') or the share of right answers ('accuracy'). */
interface Scores {
  linear: number
  network: number
}

const BATCH_SIZE = 32
// Of the rows a network learns from, those that tell it when to stop.
const VALIDATION_SHARE = 0.15

function readOptions(args: readonly string[]): Options {
  return new Command('npm run example -- tabular')
    .description('Compares networks with linear models on two tables, by cross-validation.')
    .option('--folds <n>', 'parts the rows are dealt into, from 2 to 50', wholeFrom(2, 50), 5)
    .option('--epochs <n>', 'passes over the rows at most', positiveInteger, 400)
    .option('--patience <n>', 'epochs without progress after which training ends', positiveInteger, 40)
    .addOption(
      new Option('--hidden <units>', 'units of the hidden layers, a comma list')
        .argParser(unitList)
        .default([64, 64], '64,64'),
    )
    .option('--seed <n>', 'governs folds, weights and shuffling', wholeNumber, 42)
    .allowExcessArguments(false)
    .parse(args, { from: 'user' })
    .opts<Options>()
}

async function run(options: Options): Promise<void> {
  const interrupt = abortOnCtrlC(() => {})
  const summary: string[] = []
  for (const question of questions) {
    const { title, metric } = question
    const table = readTable(question)
    print(`${title}`)
    print(`  ${table.rowCount} rows; ${table.leftOutCount} more have a missing value and are left out`)
    const folds = await crossValidate(table, metric, options, interrupt.signal)
    const linear = formatFolds(
      metric,
      folds.map((scores) => scores.linear),
    )
    const network = formatFolds(
      metric,
      folds.map((scores) => scores.network),
    )
    summary.push(title.padEnd(42) + linear.padEnd(18) + network)
    print()
    if (interrupt.signal.aborted) break
  }
  interrupt.release()

  print(`${'mean and deviation of the folds'.padEnd(42)}${'linear'.padEnd(18)}network`)
  for (const line of summary) print(line)
  print('\nCars: mean error in miles per gallon (mpg). Penguins: share of right answers.')
  print('Flipper and mass mix the sexes of species that differ in size: no straight line')
  print('parts them. The beak tells the species; a line then does about as well.')
}

/** The scores of each fold; of those that were finished, if `signal` ends it early. */
async function crossValidate(
  table: Table,
  metric: Question['metric'],
  { folds, epochs, patience, hidden, seed }: Options,
  signal: AbortSignal,
): Promise<Scores[]> {
  const order = shuffled([...table.targets.keys()], seededRandom(seed))
  const done: Scores[] = []
  for (let fold = 0; fold < folds; fold++) {
    const train = order.filter((_, i) => i % folds !== fold)
    const test = order.filter((_, i) => i % folds === fold)
    const title = `  fold ${fold + 1}/${folds}`

    const network = buildNetwork(table, train, { metric, units: hidden, seed })
    const progress = showEpochs(title, epochs)
    const { x, y } = gather(table, train)
    const { loss } = await network.fit(x, y, {
      epochs,
      batchSize: BATCH_SIZE,
      validationSplit: VALIDATION_SHARE,
      callbacks: [earlyStopping({ patience, restoreBestWeights: true }), progress],
      signal,
    })
    if (signal.aborted) break

    const heldOut = gather(table, test)
    const logs = await network.evaluate(heldOut.x, heldOut.y)
    network.dispose()
    const scores = { linear: linearScore(table, metric, train, test), network: logs[metric] }
    const [linearText, networkText] = [scores.linear, scores.network].map((score) =>
      withUnit(metric, formatScore(metric, score)),
    )
    print(`${title}  linear ${linearText}  network ${networkText}  (${loss.length} epochs)`)
    done.push(scores)
  }
  return done
}

function linearScore(table: Table, metric: Question['metric'], train: number[], test: number[]): number {
  const predict = fitLinear(table, train)
  return meanOf(
    test.map((row) => {
      const target = table.targets[row]
      if (metric === 'mae') return Math.abs(predict(row) - target)
      return predict(row) > 0.5 === (target === 1) ? 1 : 0
    }),
  )
}

/** On a terminal a bar over the epochs that is gone when training ends; elsewhere nothing. */
function showEpochs(title: string, epochs: number): Callback {
  const bar = new SingleBar({
    barsize: 24,
    format: `${title} {bar} epoch {value}  validation loss {loss}`,
    clearOnComplete: true,
    hideCursor: true,
    gracefulExit: false, // Ctrl-C is the caller's
  })
  return {
    onTrainBegin: () => bar.start(epochs, 0, { loss: '' }),
    onEpochEnd: (epoch, logs) => bar.update(epoch + 1, { loss: (logs.val_loss ?? NaN).toFixed(4) }),
    onTrainEnd: () => bar.stop(),
  }
}

function formatScore(metric: Question['metric'], score: number): string {
  return metric === 'mae' ? score.toFixed(2) : formatPercent(score)
}

/** Miles per gallon; accuracies have their % already. */
function withUnit(metric: Question['metric'], text: string): string {
  return metric === 'mae' ? `${text} mpg` : text
}

/** `1.93 ± 0.15 mpg`: mean and standard deviation. */
function formatFolds(metric: Question['metric'], scores: readonly number[]): string {
  if (scores.length === 0) return '-'
  const mean = meanOf(scores)
  const deviation = Math.sqrt(meanOf(scores.map((score) => (score - mean) ** 2)))
  return withUnit(metric, `${formatScore(metric, mean)} ± ${formatScore(metric, deviation)}`)
}

await runExample(() => run(readOptions(process.argv.slice(2))))
