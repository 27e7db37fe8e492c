// Subject `jax-js`: its WebAssembly device, everything under `jit`, plain SGD written with its own operations.
// Arrays are owned: `.ref` keeps one for a further use. Work is lazy, so every step waits until the new parameters
// are there; in Node it has no worker threads.
import { blockUntilReady, defaultDevice, init, jit, nn, numpy as np, tree, valueAndGrad } from '@jax-js/jax'
import { installedVersion } from './index.mjs'
import { jaxNet } from './jax-js-net.mjs'

/** @typedef {Record<string, np.Array>[]} Tree */

/** @type {import('./index.mjs').Subject} */
export const subject = {
  name: 'jax-js',
  version: () => installedVersion('@jax-js/jax'),
  optimizers: ['sgd'],

  async available() {
    if (!(await init('wasm')).includes('wasm')) return "device 'wasm' did not start"
    defaultDevice('wasm')
    return null
  },

  async matmul({ form, m, k, n, a, b }) {
    const left = np.array(/** @type {any} */ (a)).reshape(form === 'At.B' ? [k, m] : [m, k])
    const right = np.array(/** @type {any} */ (b)).reshape(form === 'A.Bt' ? [n, k] : [k, n])
    await blockUntilReady([left, right])
    const multiply = jit((/** @type {np.Array} */ x, /** @type {np.Array} */ y) =>
      np.matmul(form === 'At.B' ? x.transpose() : x, form === 'A.Bt' ? y.transpose() : y),
    )
    return {
      async run() {
        const result = multiply(left.ref, right.ref)
        await result.blockUntilReady()
        result.dispose()
      },
      read: () => multiply(left.ref, right.ref).data(),
      dispose() {
        left.dispose()
        right.dispose()
        multiply.dispose()
      },
    }
  },

  cannot: ({ kind }) => (kind === 'residual' ? 'its nets here have no batch normalization' : null),

  slow: ({ kind }) => kind === 'conv',

  async trainer(net) {
    const { loss, sgdLearningRate, batches, outputs } = net
    const { parameters: initial, predict, inputOf } = jaxNet(net)
    const rows = net.batchSize * net.labelsPerSample

    const lossOf = (/** @type {Tree} */ parameters, /** @type {np.Array} */ x, /** @type {np.Array} */ y) => {
      const prediction = predict(parameters, x)
      if (loss === 'mse') return np.mean(np.square(prediction.sub(y)))
      return np.sum(nn.logSoftmax(prediction).mul(nn.oneHot(y, outputs))).mul(-1 / rows)
    }

    const step = jit(
      (/** @type {Tree} */ parameters, /** @type {np.Array} */ x, /** @type {np.Array} */ y) => {
        const [value, gradients] = valueAndGrad(lossOf)(tree.ref(parameters), x, y)
        const rate = sgdLearningRate
        const update = (/** @type {np.Array} */ w, /** @type {np.Array} */ g) => w.sub(g.mul(rate))
        return [value, tree.map(update, parameters, gradients)]
      },
    )

    let parameters = initial
    await blockUntilReady(parameters)
    /** @type {np.Array | undefined} */
    let lastLoss
    return {
      async step(i) {
        const batch = batches[i % batches.length]
        const y = np.array(/** @type {any} */ (batch.y))
        lastLoss?.dispose()
        ;[lastLoss, parameters] = /** @type {[np.Array, Tree]} */ (
          step(parameters, inputOf(batch.x), loss === 'mse' ? y.reshape([rows, outputs]) : y)
        )
        await blockUntilReady(parameters)
      },
      loss: async () => (await /** @type {np.Array} */ (lastLoss).ref.data())[0],
      dispose() {
        lastLoss?.dispose()
        tree.dispose(parameters)
        step.dispose()
      },
    }
  },

  async predictor(net) {
    const { batches } = net
    const { parameters, predict, inputOf } = jaxNet(net)
    await blockUntilReady(parameters)
    const run = jit(predict)
    return {
      run: (i) => run(tree.ref(parameters), inputOf(batches[i % batches.length].x)).data(),
      dispose() {
        tree.dispose(parameters)
        run.dispose()
      },
    }
  },
}
