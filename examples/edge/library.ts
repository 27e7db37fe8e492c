// The same Worker with the full library, to compare with: the base gets a new head of the right size in each request.

import baseBytes from 'base.safetensors'
import { adam, dense, load, loadWeights, type Model, transfer } from 'lanegrad'
import { checkFinite, type Net, workerOf } from './serve.ts'

// once per isolate, when it starts
const base = load(new Uint8Array(baseBytes)) as Model

/** The base with a new head. No request brings a network of its own: this is the only one that is ever computed. */
const withHead = (labels: readonly string[]) =>
  transfer(base, {
    output: 'hidden',
    head: [dense({ units: labels.length, activation: 'softmax' })],
    trainable: true,
  })

const netOf = (model: ReturnType<typeof withHead>): Net => ({
  predict: (x) => model.predict(x).data,
  dispose: () => model.dispose(),
})

export default workerOf({
  async learn({ x, y, labels, epochs }) {
    const model = withHead(labels)
    model.compile({
      optimizer: adam({ learningRate: 0.01 }),
      loss: 'sparseCategoricalCrossentropy',
      metrics: ['accuracy'],
    })
    const { loss, accuracy } = await model.fit(x, Int32Array.from(y), { epochs, batchSize: 16 })
    return {
      net: netOf(model),
      loss: loss[epochs - 1],
      accuracy: accuracy[epochs - 1],
      file: model.save(),
    }
  },

  restore(file, labels) {
    const model = withHead(labels)
    try {
      loadWeights(model, file)
      for (const [name, { data }] of Object.entries(model.getWeights())) checkFinite(name, data)
      return netOf(model)
    } catch (error) {
      model.dispose()
      throw error
    }
  },
})
