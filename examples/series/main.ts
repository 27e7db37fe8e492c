// A forecast: the highs of the coming week from the weather of the last two, learned by a recurrent network (GRU)
// from three years of Seattle's weather, and tested on the fourth.
//
// In:  the command line (`npm run example -- series --help`). Out: a report on stdout.
// Ctrl-C ends training early; what was learned so far is still tested.

import { Command } from 'commander'
import { adam, adaptNormalization, cosineDecay, dense, dropout, gru, sequential } from 'lanegrad'
import { positiveInteger, positiveNumber, wholeNumber } from '../shared/options.ts'
import { grouped, print, runExample, watchTraining } from '../shared/run.ts'
import { type Day, type Forecast, readWeather, simpleForecasts } from './weather.ts'

interface Options {
  epochs: number
  batchSize: number
  learningRate: number
  units: number
  seed: number
}

const PAST_DAYS = 14
const DAYS_AHEAD = 7
const TEST_YEAR = '2015'

/** What the network sees of a day. The season is a point on a circle, so that December lies beside January. */
function featuresOf({ high, low, rain, wind, dayOfYear }: Day): number[] {
  const angle = (2 * Math.PI * dayOfYear) / 365.25
  return [high, low, Math.log1p(rain), wind, Math.sin(angle), Math.cos(angle)]
}

/**
 * For each of the days `first` ... `last` as today: x, the days up to today [n, PAST_DAYS, features], and y, how much
 * warmer than today each of the next days is [n, DAYS_AHEAD].
 */
function windows(days: readonly Day[], first: number, last: number) {
  const todays = Array.from({ length: last - first + 1 }, (_, i) => first + i)
  const x = todays.map((today) => days.slice(today + 1 - PAST_DAYS, today + 1).map(featuresOf))
  const y = todays.map((today) =>
    days.slice(today + 1, today + 1 + DAYS_AHEAD).map(({ high }) => high - days[today].high),
  )
  return { x, y }
}

/** The mean absolute error in °C, one number for each number of days ahead. */
function errorsOf(forecast: Forecast, days: readonly Day[], first: number, last: number): number[] {
  return Array.from({ length: DAYS_AHEAD }, (_, i) => {
    let sum = 0
    for (let today = first; today <= last; today++) {
      sum += Math.abs(forecast(today, i + 1) - days[today + i + 1].high)
    }
    return sum / (last - first + 1)
  })
}

const mean = (numbers: number[]) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length

async function run({ epochs, batchSize, learningRate, units, seed }: Options): Promise<void> {
  // 1. The data. No day of the test year is among those to learn from, not even as a day to predict.
  const days = readWeather()
  const firstTest = days.findIndex(({ date }) => date.startsWith(TEST_YEAR))
  const train = windows(days, PAST_DAYS - 1, firstTest - 1 - DAYS_AHEAD)
  const [first, last] = [firstTest - 1, days.length - 1 - DAYS_AHEAD]
  const test = windows(days, first, last)

  // 2. The network. The first layer brings every feature to mean 0 and variance 1, as they are in the training days.
  const model = sequential({
    inputShape: [PAST_DAYS, test.x[0][0].length],
    layers: [
      adaptNormalization(train.x),
      gru({ units }),
      dropout({ rate: 0.4 }),
      dense({ units: DAYS_AHEAD }),
    ],
    seed,
  })
  const schedule = cosineDecay({ steps: epochs * Math.ceil(train.x.length / batchSize) })
  model.compile({ optimizer: adam({ learningRate, schedule }), loss: 'meanAbsoluteError' })
  print(
    `GRU of ${units} units, ${grouped(model.countParams())} parameters; ` +
      `${grouped(train.x.length)} days to forecast from\n`,
  )

  // 3. Training.
  await watchTraining((watch) => model.fit(train.x, train.y, { epochs, batchSize, ...watch }))

  // 4. The test, beside forecasts that need no network.
  const { data: warmer } = model.predict(test.x)
  const network: Forecast = (today, ahead) =>
    days[today].high + warmer[(today - first) * DAYS_AHEAD + ahead - 1]
  const forecasts = { network, ...simpleForecasts(days, days.slice(0, firstTest)) }

  print(`\nmean error of the daily high in ${TEST_YEAR}, in °C, by days ahead:\n`)
  const aheads = Array.from({ length: DAYS_AHEAD }, (_, i) => String(i + 1).padStart(6)).join('')
  print(`${''.padEnd(14)}${aheads}    mean`)
  for (const [name, forecast] of Object.entries(forecasts)) {
    const errors = errorsOf(forecast, days, first, last)
    const cells = errors.map((error) => error.toFixed(2).padStart(6)).join('')
    print(`${name.padEnd(14)}${cells}${mean(errors).toFixed(2).padStart(8)}`)
  }

  print('\n  as today       every day is like today')
  print('  as a year ago  like the same day a year ago: the seasonal-naive forecast')
  print('  as usual then  the mean of that time of the year, 21 days, in the years before')

  print(`\nthe last week, as seen on ${days[last].date}:\n`)
  for (let ahead = 1; ahead <= DAYS_AHEAD; ahead++) {
    const { date, high } = days[last + ahead]
    const forecast = network(last, ahead).toFixed(1).padStart(5)
    print(`  ${date}  forecast ${forecast} °C  measured ${high.toFixed(1).padStart(5)} °C`)
  }
  model.dispose()
}

const command = new Command('npm run example -- series')
  .description("Learns to forecast a week of Seattle's weather, and compares with simple forecasts.")
  .option('--epochs <n>', 'passes over the training days', positiveInteger, 15)
  .option('--batch-size <n>', 'samples per optimizer step', positiveInteger, 16)
  .option('--learning-rate <rate>', 'size of the first steps; it sinks to 0', positiveNumber, 0.004)
  .option('--units <n>', 'size of the state of the recurrent layer', positiveInteger, 16)
  .option('--seed <n>', 'governs initial weights, shuffling and dropout', wholeNumber, 42)
  .allowExcessArguments(false)

await runExample(() => run(command.parse().opts<Options>()))
