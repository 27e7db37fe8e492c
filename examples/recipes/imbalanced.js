// Imbalanced classes: one payment of 25 is a fraud. A net that never warns is right in 96 %, so other figures count.
import { readFileSync } from 'node:fs'
import { adam, auc, classWeights, dense, recall, sequential } from 'lanegrad'
import { parseCsv, tableFeatures, trainTestSplit } from 'lanegrad/data'

const file = new URL(import.meta.resolve('lanegrad/recipes/data/payments.csv')) // or your own: 'payments.csv'
const table = parseCsv(readFileSync(file, 'utf8'))
const { train, test } = trainTestSplit(table, { stratify: 'fraud' }) // each part gets its share of the frauds
const features = tableFeatures(train, { target: 'fraud' }) // 'no' is 0, 'yes' is 1
const layers = [dense({ units: 16, activation: 'relu' }), dense({ units: 1, activation: 'sigmoid' })]
const model = sequential({ inputShape: features.inputShape, layers })
const metrics = [auc(), recall()]
model.compile({ optimizer: adam({ learningRate: 0.01 }), loss: 'binaryCrossentropy', metrics })
const classWeight = classWeights({ 0: 1, 1: 24 }) // a fraud counts as much as 24 other payments
await model.fit(features.dataset(train), { epochs: 30, classWeight })
const scores = await model.evaluate(features.dataset(test))
console.log('area under the curve:', scores.auc, 'share of the frauds found:', scores.recall)
