// A search over ten configurations: each learns from one part of the rows and is judged on another, the best on a third.
import { readFileSync } from 'node:fs'
import { adam, dense, earlyStopping, rescaling, sequential } from 'lanegrad'
import { parseCsv, tableFeatures, trainTestSplit } from 'lanegrad/data'

const file = new URL(import.meta.resolve('lanegrad/recipes/data/cars.csv')) // or your own: 'cars.csv'
const { train: rest, test } = trainTestSplit(parseCsv(readFileSync(file, 'utf8')), { testSize: 0.2 })
const { train, test: validation } = trainTestSplit(rest)
const { inputShape, targetScale, dataset } = tableFeatures(train, { target: 'mpg' })
const tried = [0.001, 0.003, 0.01, 0.03, 0.1].flatMap((rate) => [8, 32].map((units) => ({ rate, units })))
for (const one of tried) {
  const hidden = dense({ units: one.units, activation: 'relu' })
  one.model = sequential({ inputShape, layers: [hidden, dense({ units: 1 }), rescaling(targetScale)] })
  one.model.compile({ optimizer: adam({ learningRate: one.rate }), loss: 'mae' })
  const callbacks = [earlyStopping({ patience: 8, restoreBestWeights: true })]
  const options = { epochs: 30, validationData: dataset(validation), callbacks }
  one.error = Math.min(...(await one.model.fit(dataset(train), options)).val_loss)
}
const { rate, units, model, error } = tried.sort((a, b) => a.error - b.error)[0]
console.log('best:', rate, units, error, 'worst:', tried.at(-1).error)
console.log('error of the best in the test:', (await model.evaluate(dataset(test))).loss)
