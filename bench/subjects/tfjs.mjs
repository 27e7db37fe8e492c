// TensorFlow.js on either of its CPU backends: what tfjs-wasm.mjs and tfjs-cpu.mjs share.
// A step is `optimizer.minimize` over the core operations, the peer's fastest way: `trainOnBatch` of a layers model
// runs the same kernels and lasts up to 1.6 times as long. Both backends live in one process: `activate` switches.
import '@tensorflow/tfjs-layers' // registers the gradients of the core operations
import * as tf from '@tensorflow/tfjs-core'
import { installedVersion } from './index.mjs'

/**
 * @param {string} name
 * @param {'wasm' | 'cpu'} backend
 * @param {() => Promise<string | null>} prepare  null, or the reason why the backend can't run here
 * @returns {import('./index.mjs').Subject}
 */
export function tfjsSubject(name, backend, prepare) {
  return {
    name,
    version: () => installedVersion('@tensorflow/tfjs-core'),
    optimizers: ['adam', 'sgd'],

    async available() {
      tf.enableProdMode()
      const reason = await prepare()
      if (reason) return reason
      return (await tf.setBackend(backend)) ? null : `backend '${backend}' did not start`
    },

    async activate() {
      await tf.setBackend(backend)
    },

    matmul({ form, m, k, n, a, b }) {
      const transposeA = form === 'At.B'
      const transposeB = form === 'A.Bt'
      const left = tf.tensor2d(a, transposeA ? [k, m] : [m, k])
      const right = tf.tensor2d(b, transposeB ? [n, k] : [k, n])
      const multiply = () => tf.matMul(left, right, transposeA, transposeB)
      return {
        run: () => multiply().dispose(),
        read: () => tf.tidy(() => multiply().dataSync()),
        dispose: () => tf.dispose([left, right]),
      }
    },

    trainer({ units, hidden, loss, optimizer, learningRate, batchSize, batches, weights }) {
      const outputs = /** @type {number} */ (units.at(-1))
      const rule = optimizer === 'adam' ? tf.train.adam(learningRate) : tf.train.sgd(learningRate)
      const layers = weights.map(({ kernel, bias }) => ({
        kernel: tf.tidy(() => tf.variable(tf.tensor2d(kernel, [kernel.length / bias.length, bias.length]))),
        bias: tf.tidy(() => tf.variable(tf.tensor1d(bias))),
      }))
      const variables = layers.flatMap(({ kernel, bias }) => [kernel, bias])

      /** @param {tf.Tensor2D} x  [batchSize, inputs] */
      const predict = (x) =>
        layers.reduce((input, { kernel, bias }, i) => {
          const isLast = i === layers.length - 1
          const activation = isLast || hidden === 'tanh' ? 'linear' : hidden // its fused kernels have no tanh
          const out = tf.fused.matMul({ a: input, b: kernel, bias, activation })
          return !isLast && hidden === 'tanh' ? tf.tanh(out) : out
        }, x)

      /** @type {tf.Scalar | null} */
      let lastLoss = null
      return {
        step(i) {
          const batch = batches[i % batches.length]
          const x = tf.tensor2d(batch.x, [batchSize, units[0]])
          const y =
            loss === 'mse' ? tf.tensor2d(batch.y, [batchSize, outputs]) : tf.tensor1d(batch.y, 'int32')
          lastLoss?.dispose()
          lastLoss = rule.minimize(
            () =>
              loss === 'mse'
                ? tf.losses.meanSquaredError(y, predict(x))
                : tf.losses.softmaxCrossEntropy(tf.oneHot(y, outputs), predict(x)),
            true,
            variables,
          )
          tf.dispose([x, y])
        },
        loss: () => /** @type {tf.Scalar} */ (lastLoss).dataSync()[0],
        dispose() {
          rule.dispose()
          tf.dispose([...variables, ...(lastLoss ? [lastLoss] : [])])
        },
      }
    },
  }
}
