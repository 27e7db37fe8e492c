// TensorFlow.js on either of its CPU backends: what tfjs-wasm.mjs and tfjs-cpu.mjs share.
// A step is `optimizer.minimize` over the core operations, the peer's fastest way: `trainOnBatch` of a layers model
// runs the same kernels and lasts up to 1.6 times as long. Both backends live in one process: `activate` switches.
import '@tensorflow/tfjs-layers' // registers the gradients of the core operations
import * as tf from '@tensorflow/tfjs-core'
import * as pretrained from '../pretrained/tfjs.mjs'
import { installedVersion } from './index.mjs'
import { inputOf, tfjsNet } from './tfjs-net.mjs'

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

    cannot(net, what) {
      const missing =
        what === 'train' &&
        (net.kind === 'conv' || net.kind === 'residual') &&
        !tf.getKernel('Conv2DBackpropFilter', backend)
      return missing
        ? `its ${backend} backend has no kernel Conv2DBackpropFilter: convolutions can't train`
        : null
    },

    pretrained,

    slowMatmul: backend === 'cpu' ? 2e8 : undefined,

    slow: ({ kind }) => backend === 'cpu' && kind !== 'dense',

    trainer(net) {
      const { loss, optimizer, learningRate, batches, outputs } = net
      const rule = optimizer === 'adam' ? tf.train.adam(learningRate) : tf.train.sgd(learningRate)
      const { predict, variables, dispose } = tfjsNet(net)
      /** @type {tf.Scalar | null} */
      let lastLoss = null
      return {
        step(i) {
          const batch = batches[i % batches.length]
          const x = inputOf(net, batch.x)
          const y =
            loss === 'mse' ? tf.tensor2d(batch.y, [net.batchSize, outputs]) : tf.tensor1d(batch.y, 'int32')
          lastLoss?.dispose()
          lastLoss = rule.minimize(
            () => {
              const prediction = tf.reshape(predict(x, true), [-1, outputs])
              return loss === 'mse'
                ? tf.losses.meanSquaredError(y, prediction)
                : tf.losses.softmaxCrossEntropy(tf.oneHot(y, outputs), prediction)
            },
            true,
            variables,
          )
          tf.dispose([x, y])
        },
        loss: () => /** @type {tf.Scalar} */ (lastLoss).dataSync()[0],
        dispose() {
          rule.dispose()
          dispose()
          lastLoss?.dispose()
        },
      }
    },

    predictor(net) {
      const { batches } = net
      const { predict, dispose } = tfjsNet(net)
      return {
        run: (i) => tf.tidy(() => predict(inputOf(net, batches[i % batches.length].x)).dataSync()),
        dispose,
      }
    },
  }
}
