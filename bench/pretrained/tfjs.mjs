// Suite `finetune` in TensorFlow.js, as its guides do it: the head is a model of its own on what the trunk predicts; all weights
// are trained by `trainOnBatch`.
import * as tf from '@tensorflow/tfjs-core'
import { layers, loadLayersModel, model, sequential } from '@tensorflow/tfjs-layers'

/** @param {import('./nets.mjs').Parts} parts */
export function load({ modelJson, weights }) {
  const bytes = Buffer.concat(weights)
  return loadLayersModel({
    load: async () => ({
      modelTopology: modelJson.modelTopology,
      weightSpecs: modelJson.weightsManifest.flatMap((/** @type {any} */ group) => group.weights),
      weightData: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
    }),
  })
}

/**
 * @param {import('./nets.mjs').Parts} parts @param {Float32Array} x @param {number[]} shape
 * @returns {Promise<import('../subjects/index.mjs').Predictor>}
 */
export async function predictor(parts, x, shape) {
  const net = await load(parts)
  return {
    async run() {
      const image = tf.tensor(x, shape)
      const y = /** @type {tf.Tensor} */ (net.predict(image))
      try {
        return /** @type {Float32Array} */ (await y.data())
      } finally {
        tf.dispose([image, y])
      }
    },
    dispose: () => net.dispose(),
  }
}

/** @param {import('./nets.mjs').Tuning} tuning @returns {Promise<import('../subjects/index.mjs').Trainer>} */
export async function tune(tuning) {
  const { parts, features, what, batchSize, classes, width, shape, x, y, kernel, learningRate } = tuning
  const base = await load(parts)
  const output = /** @type {any} */ (base.getLayer(features).output)
  const trunk = model({ inputs: base.inputs, outputs: output })
  const verdict = layers.dense({ units: classes, activation: 'softmax', inputShape: [width] })
  const isWhole = what === 'whole'
  const trained = isWhole
    ? model({ inputs: base.inputs, outputs: /** @type {any} */ (verdict.apply(output)) })
    : sequential({ layers: [verdict] })
  verdict.setWeights([tf.tensor(kernel, [width, classes]), tf.zeros([classes])])
  trained.compile({ optimizer: tf.train.sgd(learningRate), loss: 'categoricalCrossentropy' })
  let loss = 0
  return {
    async step() {
      const images = tf.tensor(x, [batchSize, ...shape])
      const labels = tf.oneHot(tf.tensor1d(y, 'int32'), classes)
      const seen = isWhole ? images : /** @type {tf.Tensor} */ (trunk.predict(images))
      try {
        loss = /** @type {number} */ (await trained.trainOnBatch(seen, labels))
      } finally {
        tf.dispose([images, labels, seen])
      }
    },
    loss: () => loss,
    dispose: () => base.dispose(),
  }
}
