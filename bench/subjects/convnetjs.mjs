// Subject `convnetjs`: plain JavaScript, one example at a time, an update after each batch. It has no Adam: SGD
// without momentum. Its trainer divides by the batch size; its regression gradient lacks the factor 2 of a squared
// error, so the learning rate is doubled there (and its reported loss has the factor twice too large).
import convnet from 'convnetjs'
import { installedVersion } from './index.mjs'

/** @type {import('./index.mjs').Subject} */
export const subject = {
  name: 'convnetjs',
  version: () => installedVersion('convnetjs'),
  optimizers: ['sgd'],
  available: async () => null,

  trainer({ units, hidden, loss, sgdLearningRate, batchSize, batches, weights }) {
    const isMse = loss === 'mse'
    const inputs = units[0],
      outputs = /** @type {number} */ (units.at(-1))
    const net = new convnet.Net()
    net.makeLayers([
      { type: 'input', out_sx: 1, out_sy: 1, out_depth: inputs },
      ...units
        .slice(1, -1)
        .map((count) => ({ type: 'fc', num_neurons: count, activation: hidden, bias_pref: 0 })),
      isMse ? { type: 'regression', num_neurons: outputs } : { type: 'softmax', num_classes: outputs },
    ])
    const dense = net.layers.filter((/** @type {any} */ layer) => layer.layer_type === 'fc')
    weights.forEach(({ kernel, bias }, i) => {
      dense[i].biases.w.set(bias)
      dense[i].filters.forEach((/** @type {any} */ filter, /** @type {number} */ j) => {
        for (let t = 0; t < filter.w.length; t++) filter.w[t] = kernel[t * bias.length + j]
      })
    })
    const trainer = new convnet.SGDTrainer(net, {
      method: 'sgd',
      learning_rate: isMse ? 2 * sgdLearningRate : sgdLearningRate,
      momentum: 0,
      batch_size: batchSize,
      l2_decay: 0,
    })
    const example = new convnet.Vol(1, 1, inputs, 0)
    const target = new Array(outputs).fill(0)
    let lossSum = 0
    return {
      step(i) {
        const { x, y } = batches[i % batches.length]
        lossSum = 0
        for (let row = 0; row < batchSize; row++) {
          for (let t = 0; t < inputs; t++) example.w[t] = x[row * inputs + t]
          if (isMse) for (let j = 0; j < outputs; j++) target[j] = y[row * outputs + j]
          lossSum += trainer.train(example, isMse ? target : y[row]).cost_loss
        }
      },
      loss: () => lossSum / batchSize / (isMse ? 2 * outputs : 1),
      dispose() {},
    }
  },
}
