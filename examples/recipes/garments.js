// Pictures: ten kinds of garments, by a convolutional net. The files hold 200 pictures of Fashion-MNIST's 70,000.
import { readFileSync } from 'node:fs'
import { adam, conv2d, dense, dropout, flatten, maxPooling2d, sequential } from 'lanegrad'
import { argmax, gunzip, parseIdx, trainTestSplit } from 'lanegrad/data'

const folder = 'lanegrad/recipes/data/garments' // or read your own files of IDX
const bytes = (name) => gunzip(readFileSync(new URL(import.meta.resolve(`${folder}-${name}.idx.gz`))))
const images = parseIdx(await bytes('images')) // bytes, [200, 28, 28]
const x = { shape: [...images.shape, 1], data: Float32Array.from(images.data, (byte) => byte / 255) }
const y = parseIdx(await bytes('labels')).data
const { train, test } = trainTestSplit(x, y, { stratify: true })
const convolution = [conv2d({ filters: 8, kernelSize: 3, activation: 'relu' }), maxPooling2d({ poolSize: 2 })]
const head = [flatten(), dropout({ rate: 0.3 }), dense({ units: 10, activation: 'softmax' })]
const model = sequential({ inputShape: [28, 28, 1], layers: [...convolution, ...head] })
const optimizer = adam({ learningRate: 0.005 })
model.compile({ optimizer, loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] })
await model.fit(train, { epochs: 12 })
console.log('accuracy:', (await model.evaluate(test)).accuracy)
console.log('the first five:', argmax(model.predict(test.x)).slice(0, 5), 'are', test.y.slice(0, 5))
