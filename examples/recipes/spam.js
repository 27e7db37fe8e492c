// Texts: is a message spam? Words become ids, and an embedding learns what each of them says.
import { readFileSync } from 'node:fs'
import { adam, dense, embedding, globalAveragePooling1d, sequential } from 'lanegrad'
import { labelColumn, parseCsv, textColumn, textVectorizer, trainTestSplit } from 'lanegrad/data'

const file = new URL(import.meta.resolve('lanegrad/recipes/data/messages.csv')) // or your own: 'messages.csv'
const table = parseCsv(readFileSync(file, 'utf8'))
const { train, test } = trainTestSplit(textColumn(table, 'text'), labelColumn(table, 'label'))
const words = textVectorizer(train.x, { maxTokens: 1000 }) // the vocabulary of the training messages
const first = embedding({ inputDim: words.vocabulary.length, outputDim: 8, maskZero: true })
const layers = [first, globalAveragePooling1d(), dense({ units: 1, activation: 'sigmoid' })]
const model = sequential({ inputShape: words.inputShape, inputDtype: 'int32', layers })
model.compile({ optimizer: adam({ learningRate: 0.02 }), loss: 'binaryCrossentropy', metrics: ['accuracy'] })
await model.fit(words.transform(train.x), train.y, { epochs: 15 })
console.log('accuracy:', (await model.evaluate(words.transform(test.x), test.y)).accuracy)
console.log('spam?', model.predict(words.transform(['You won a free holiday, call now!'])).data[0])
