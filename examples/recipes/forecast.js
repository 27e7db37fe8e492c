// A time series: the highs of the next three days from the weather of the last fourteen, by a recurrent net (GRU).
import { readFileSync } from 'node:fs'
import { adam, adaptNormalization, dense, gru, rescaling, sequential } from 'lanegrad'
import { numberColumns, parseCsv, rows, trainTestSplit, windows } from 'lanegrad/data'

const file = new URL(import.meta.resolve('lanegrad/recipes/data/weather.csv')) // or your own: 'weather.csv'
const days = numberColumns(parseCsv(readFileSync(file, 'utf8')), ['high', 'low', 'rain', 'wind'])
const { train, test } = trainTestSplit(days, { shuffle: false }) // the last of four years is for the test
const options = { sequenceLength: 14, horizon: 3, targets: [0] } // forecasts the first column
const [past, future] = [windows(train, options), windows(test, options)]
const head = [dense({ units: 3 }), rescaling({ scale: 7, offset: 16 })] // deviation and mean of the highs
const layers = [adaptNormalization(past.x), gru({ units: 8 }), ...head]
const model = sequential({ inputShape: [14, 4], layers })
model.compile({ optimizer: adam({ learningRate: 0.01 }), loss: 'mae' })
await model.fit(past, { epochs: 8 })
const today = rows(future.x).map((row) => row.at(-4)) // the last day's high
const naive = rows(future.y).flatMap((highs, i) => highs.map((high) => Math.abs(high - today[i])))
console.log('error in degrees:', (await model.evaluate(future)).loss)
console.log('if all days were as today:', naive.reduce((sum, error) => sum + error) / naive.length)
