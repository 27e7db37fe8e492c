// The nets in jax-js operations, for use under `jit`. Arrays are owned: an operation consumes its operands, `.ref` keeps
// one for a further use. Enters: a net of nets.mjs. Leaves: its parameters as a tree and a function from them and a batch
// to the outputs [rows, outputs].
import { lax, nn, numpy as np } from '@jax-js/jax'
import { EPSILON } from '../nets.mjs'

/** @typedef {Record<string, np.Array>} Weights */

/** @param {np.Array} x @param {np.Array} kernel @param {np.Array} bias */
const affine = (x, kernel, bias) => np.matmul(x, kernel).add(bias)

/** @param {np.Array} x @param {np.Array} gamma @param {np.Array} beta */
const normalize = (x, gamma, beta) => nn.standardize(x, -1, { epsilon: EPSILON }).mul(gamma).add(beta)

/** The products with the input in one. @param {np.Array} x  [batch, steps, in] @param {Weights} w @param {number} units */
function lstm(x, { kernel, recurrent, bias }, units) {
  const [batch, steps] = x.shape
  const z = affine(x, kernel, bias)
  let h = np.zeros([batch, units])
  let c = np.zeros([batch, units])
  for (let step = 0; step < steps; step++) {
    const gates = z.ref.slice([], step).add(np.matmul(h, recurrent.ref))
    const part = (/** @type {number} */ n) => gates.ref.slice([], [n * units, (n + 1) * units])
    c = nn
      .sigmoid(part(1))
      .mul(c)
      .add(nn.sigmoid(part(0)).mul(np.tanh(part(2))))
    h = nn.sigmoid(part(3)).mul(np.tanh(c.ref))
    gates.dispose()
  }
  for (const array of [z, recurrent, c]) array.dispose()
  return h
}

/** Its `dotProductAttention` needs Node 22. @param {np.Array} x  [batch, steps, units] @param {Weights} w @param {number} heads */
function block(x, w, heads) {
  const [batch, steps, units] = x.shape
  const seen = normalize(x.ref, w.gamma1, w.beta1)
  const split = (/** @type {string} */ own, /** @type {number[]} */ order) =>
    affine(seen.ref, w[`w${own}`], w[`b${own}`])
      .reshape([batch, steps, heads, units / heads])
      .transpose(order)
  const scores = np.matmul(split('q', [0, 2, 1, 3]), split('k', [0, 2, 3, 1])).mul(Math.sqrt(heads / units))
  const later = np.triu(np.ones([steps, steps]), 1).mul(-1e9)
  const attended = np.matmul(nn.softmax(scores.add(later)), split('v', [0, 2, 1, 3])).transpose([0, 2, 1, 3])
  seen.dispose()
  const middle = x.add(affine(attended.reshape([batch, steps, units]), w.wo, w.bo))
  const hidden = nn.gelu(affine(normalize(middle.ref, w.gamma2, w.beta2), w.up, w.upBias), {
    approximate: false,
  })
  return middle.add(affine(hidden, w.down, w.downBias))
}

/** Images are [batch, channels, height, width] here, kernels [out, in, 3, 3]. @param {import('../nets.mjs').Net} net */
export function jaxNet({ layers, outputs, batchSize, inputShape, inputDtype }) {
  const parameters = layers.map(({ type, weights }) => {
    /** @type {Weights} */
    const own = {}
    for (const [name, { shape, data }] of Object.entries(weights)) {
      const array = np.array(/** @type {any} */ (data)).reshape(shape)
      own[name] = type === 'conv' && name === 'kernel' ? array.transpose([3, 2, 0, 1]) : array
    }
    return own
  })

  /** @param {Weights[]} tree @param {np.Array} x */
  const predict = (tree, x) =>
    layers
      .reduce((value, { type, units, activation, heads }, i) => {
        const w = tree[i]
        switch (type) {
          case 'dense': {
            const z = affine(value, w.kernel, w.bias)
            return activation === 'relu' ? nn.relu(z) : activation === 'tanh' ? np.tanh(z) : z
          }
          case 'conv': {
            const image = i ? value : value.transpose([0, 3, 1, 2])
            return nn.relu(lax.conv(image, w.kernel, [1, 1], 'VALID').add(w.bias.reshape([1, units, 1, 1])))
          }
          case 'pool': {
            const [batch, channels, height, width] = value.shape
            const [rows, columns] = [height >> 1, width >> 1]
            const even = value.slice([], [], [0, 2 * rows], [0, 2 * columns])
            return np.max(even.reshape([batch, channels, rows, 2, columns, 2]), [3, 5])
          }
          case 'flatten':
            return value.transpose([0, 2, 3, 1]).reshape([batchSize, -1])
          case 'lstm':
            return lstm(value, w, units)
          case 'embedding': {
            const symbols = w.embeddings.shape[0]
            return np.matmul(nn.oneHot(value, symbols), w.embeddings).add(w.position)
          }
          case 'block':
            return block(value, w, heads)
          default:
            return normalize(value, w.gamma, w.beta)
        }
      }, x)
      .reshape([-1, outputs])

  const inputOf = (/** @type {Float32Array | Int32Array} */ x) =>
    np
      .array(/** @type {any} */ (x), { dtype: inputDtype === 'int32' ? np.int32 : np.float32 })
      .reshape([batchSize, ...inputShape])
  return { parameters, predict, inputOf }
}
