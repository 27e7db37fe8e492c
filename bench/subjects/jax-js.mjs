// Subject `jax-js`: its WebAssembly device, everything under `jit`, plain SGD written with its own operations.
// Arrays are owned: `.ref` keeps one for a further use. Work is lazy, so every step waits until the new parameters
// are there; in Node it has no worker threads.
import { blockUntilReady, defaultDevice, init, jit, nn, numpy as np, valueAndGrad } from '@jax-js/jax'
import { installedVersion } from './index.mjs'

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
    const left = np.array(a).reshape(form === 'At.B' ? [k, m] : [m, k])
    const right = np.array(b).reshape(form === 'A.Bt' ? [n, k] : [k, n])
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

  async trainer({ units, hidden, loss, sgdLearningRate, batchSize, batches, weights }) {
    /** @typedef {{ kernel: np.Array, bias: np.Array }[]} Parameters */
    const outputs = /** @type {number} */ (units.at(-1))

    const lossOf = (
      /** @type {Parameters} */ parameters,
      /** @type {np.Array} */ x,
      /** @type {np.Array} */ y,
    ) => {
      const prediction = parameters.reduce((input, { kernel, bias }, i) => {
        const z = np.matmul(input, kernel).add(bias)
        return i === parameters.length - 1 ? z : hidden === 'relu' ? nn.relu(z) : np.tanh(z)
      }, x)
      if (loss === 'mse') return np.mean(np.square(prediction.sub(y)))
      return np.sum(nn.logSoftmax(prediction).mul(nn.oneHot(y, outputs))).mul(-1 / batchSize)
    }

    const step = jit(
      (/** @type {Parameters} */ parameters, /** @type {np.Array} */ x, /** @type {np.Array} */ y) => {
        const held = parameters.map(({ kernel, bias }) => ({ kernel: kernel.ref, bias: bias.ref }))
        const [value, gradients] = valueAndGrad(lossOf)(held, x, y)
        const updated = parameters.map(({ kernel, bias }, i) => ({
          kernel: kernel.sub(gradients[i].kernel.mul(sgdLearningRate)),
          bias: bias.sub(gradients[i].bias.mul(sgdLearningRate)),
        }))
        return [value, updated]
      },
    )

    let parameters = weights.map(({ kernel, bias }) => ({
      kernel: np.array(kernel).reshape([kernel.length / bias.length, bias.length]),
      bias: np.array(bias),
    }))
    await blockUntilReady(parameters)
    /** @type {np.Array | undefined} */
    let lastLoss
    return {
      async step(i) {
        const batch = batches[i % batches.length]
        const x = np.array(batch.x).reshape([batchSize, units[0]])
        const y = loss === 'mse' ? np.array(batch.y).reshape([batchSize, outputs]) : np.array(batch.y)
        lastLoss?.dispose()
        ;[lastLoss, parameters] = step(parameters, x, y)
        await blockUntilReady(parameters)
      },
      loss: async () => (await /** @type {np.Array} */ (lastLoss).ref.data())[0],
      dispose() {
        lastLoss?.dispose()
        for (const { kernel, bias } of parameters) {
          kernel.dispose()
          bias.dispose()
        }
        step.dispose()
      },
    }
  },
}
