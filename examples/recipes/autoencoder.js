// An autoencoder: pictures through a narrow place of 16 numbers and back. What comes back badly is unlike what it knows.
import { readFileSync } from 'node:fs'
import { adam, dense, sequential } from 'lanegrad'
import { gunzip, parseIdx, rows, trainTestSplit } from 'lanegrad/data'

const file = new URL(import.meta.resolve('lanegrad/recipes/data/garments-images.idx.gz')) // or your own
const { data } = parseIdx(await gunzip(readFileSync(file)))
const pictures = { shape: [data.length / 784, 784], data: Float32Array.from(data, (byte) => byte / 255) }
const { train, test } = trainTestSplit(pictures)
const layers = [dense({ units: 16 }), dense({ units: 784, activation: 'sigmoid' })]
const model = sequential({ inputShape: [784], layers })
model.compile({ optimizer: adam({ learningRate: 0.005 }), loss: 'mse' })
await model.fit(train, train, { epochs: 40, batchSize: 16 }) // the target is the picture itself
console.log('error of garments:', (await model.evaluate(test, test)).loss)
const turned = rows(test).map((row) => row.reverse()) // upside down
console.log('error of garments upside down:', (await model.evaluate(turned, turned)).loss)
