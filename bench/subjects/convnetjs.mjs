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

  cannot: ({ kind }) => (kind === 'dense' || kind === 'conv' ? null : 'it has no such layers'),

  trainer({ inputShape, layers, outputs, loss, sgdLearningRate, batchSize, batches }) {
    const isMse = loss === 'mse'
    const inputs = inputShape.reduce((a, b) => a * b, 1)
    const [height, width, depth] = inputShape.length === 3 ? inputShape : [1, 1, inputs]
    const net = new convnet.Net()
    net.makeLayers([
      { type: 'input', out_sx: width, out_sy: height, out_depth: depth },
      ...layers.slice(0, -1).flatMap(({ type, units, activation }) => {
        if (type === 'dense') return { type: 'fc', num_neurons: units, activation, bias_pref: 0 }
        if (type === 'conv') return { type: 'conv', sx: 3, filters: units, activation, bias_pref: 0 }
        return type === 'pool' ? { type: 'pool', sx: 2, stride: 2 } : []
      }),
      isMse ? { type: 'regression', num_neurons: outputs } : { type: 'softmax', num_classes: outputs },
    ])
    const own = net.layers.filter((/** @type {any} */ layer) => layer.filters)
    // its volumes are [height, width, depth], too: a filter is a column of our kernel
    layers
      .filter(({ weights }) => weights.kernel)
      .forEach(({ weights: { kernel, bias } }, i) => {
        own[i].biases.w.set(bias.data)
        own[i].filters.forEach((/** @type {any} */ filter, /** @type {number} */ j) => {
          for (let t = 0; t < filter.w.length; t++) filter.w[t] = kernel.data[t * bias.data.length + j]
        })
      })
    const trainer = new convnet.SGDTrainer(net, {
      method: 'sgd',
      learning_rate: isMse ? 2 * sgdLearningRate : sgdLearningRate,
      momentum: 0,
      batch_size: batchSize,
      l2_decay: 0,
    })
    const example = new convnet.Vol(width, height, depth, 0)
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
