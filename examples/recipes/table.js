// A table from CSV: how far does a car go on a gallon? Some numbers are missing, and the origin is a word.
import { readFileSync } from 'node:fs'
import { adam, dense, rescaling, sequential } from 'lanegrad'
import { parseCsv, rows, tableFeatures, trainTestSplit } from 'lanegrad/data'

const file = new URL(import.meta.resolve('lanegrad/recipes/data/cars.csv')) // or your own: 'cars.csv'
const { train, test } = trainTestSplit(parseCsv(readFileSync(file, 'utf8')), { testSize: 0.2, seed: 1 })
const features = tableFeatures(train, { target: 'mpg' }) // fitted on the training rows alone
const hidden = dense({ units: 32, activation: 'relu' })
const layers = [hidden, dense({ units: 1 }), rescaling(features.targetScale)] // ends in miles per gallon
const model = sequential({ inputShape: features.inputShape, layers })
model.compile({ optimizer: adam({ learningRate: 0.01 }), loss: 'huber', metrics: ['mae'] })
await model.fit(features.dataset(train), { epochs: 60 })
console.log('error in miles per gallon:', (await model.evaluate(features.dataset(test))).mae)
console.log('the first three:', rows(model.predict(features.transform(test))).slice(0, 3))
