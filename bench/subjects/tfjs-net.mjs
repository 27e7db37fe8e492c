// The nets in TensorFlow.js core operations: what the two subjects on its backends train and predict with.
// Enters: a net of nets.mjs. Leaves: its variables and a function from a batch to the outputs. Inside `tf.tidy` or
// `minimize`, which free what lies between.
import * as tf from '@tensorflow/tfjs-core'
import { EPSILON } from '../nets.mjs'

/** @typedef {import('../nets.mjs').Net} Net */
/** @typedef {Record<string, tf.Variable>} Weights */

/** The fused kernels add the bias; [rows, in] . kernel + bias @param {tf.Tensor} x @param {tf.Tensor} kernel @param {tf.Tensor} bias @param {'linear' | 'relu'} [activation] */
function affine(x, kernel, bias, activation = 'linear') {
  const units = /** @type {number} */ (kernel.shape[1])
  const a = /** @type {tf.Tensor2D} */ (tf.reshape(x, [-1, /** @type {number} */ (kernel.shape[0])]))
  const y = tf.fused.matMul({ a, b: kernel, bias, activation })
  return x.rank === 2 ? y : tf.reshape(y, [...x.shape.slice(0, -1), units])
}

/** @param {tf.Tensor} x @param {tf.Tensor} gamma @param {tf.Tensor} beta */
function normalize(x, gamma, beta) {
  const { mean, variance } = tf.moments(x, -1, true)
  const deviation = tf.sqrt(tf.add(variance, EPSILON))
  return tf.add(tf.mul(tf.div(tf.sub(x, mean), deviation), gamma), beta)
}

/** @param {tf.Tensor} x */
const gelu = (x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1))

/** One matrix for input and state, as `tf.basicLSTMCell` has it. @param {tf.Tensor} x @param {Weights} w @param {number} units */
function lstm(x, { cell, bias }, units) {
  let h = /** @type {tf.Tensor} */ (tf.zeros([x.shape[0], units]))
  let c = h
  for (const step of tf.unstack(x, 1)) {
    const [i, f, g, o] = tf.split(affine(tf.concat([step, h], 1), cell, bias), 4, 1)
    c = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)))
    h = tf.mul(tf.sigmoid(o), tf.tanh(c))
  }
  return h
}

/** @param {tf.Tensor} x  [batch, steps, units] @param {Weights} w @param {number} heads @param {tf.Tensor} mask  [steps, steps] */
function block(x, w, heads, mask) {
  const [batch, steps, units] = x.shape
  const depth = units / heads
  const seen = normalize(x, w.gamma1, w.beta1)
  const [q, k, v] = ['q', 'k', 'v'].map((own) =>
    tf.transpose(
      tf.reshape(affine(seen, w[`w${own}`], w[`b${own}`]), [batch, steps, heads, depth]),
      [0, 2, 1, 3],
    ),
  )
  const scores = tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(depth)), mask)
  const attended = tf.reshape(tf.transpose(tf.matMul(tf.softmax(scores), v), [0, 2, 1, 3]), x.shape)
  const middle = tf.add(x, affine(attended, w.wo, w.bo))
  const hidden = gelu(affine(normalize(middle, w.gamma2, w.beta2), w.up, w.upBias))
  return tf.add(middle, affine(hidden, w.down, w.downBias))
}

/**
 * Moving statistics stay as they are at first: keeping them would cost a step a little more.
 * @param {tf.Tensor} x @param {Weights} w @param {import('../nets.mjs').Part[]} parts @param {boolean} isTraining
 */
function residual(x, w, parts, isTraining) {
  const image = /** @type {tf.Tensor4D} */ (x)
  return parts.reduce((value, { type, activation }, i) => {
    const filter = /** @type {tf.Tensor4D} */ (/** @type {tf.Tensor} */ (w[`kernel${i + 1}`]))
    const [gamma, beta] = ['gamma', 'beta'].map(
      (own) => /** @type {tf.Tensor1D} */ (/** @type {tf.Tensor} */ (w[`${own}${i + 1}`])),
    )
    const made =
      type === 'conv' ? tf.conv2d(value, filter, 1, 'same') : tf.depthwiseConv2d(value, filter, 1, 'same')
    const { mean, variance } = isTraining
      ? tf.moments(made, [0, 1, 2])
      : { mean: tf.zerosLike(gamma), variance: tf.onesLike(gamma) }
    const normal = tf.batchNorm(
      made,
      /** @type {tf.Tensor1D} */ (mean),
      /** @type {tf.Tensor1D} */ (variance),
      beta,
      gamma,
      EPSILON,
    )
    const sum = i === parts.length - 1 ? tf.add(normal, image) : normal
    return activation === 'linear' ? sum : activation === 'relu' ? tf.relu(sum) : tf.relu6(sum)
  }, image)
}

/** @param {Net} net */
export function tfjsNet(net) {
  const constants = /** @type {tf.Tensor[]} */ ([])
  const layers = net.layers.map(({ type, weights }) => {
    /** @type {Weights} */
    const own = {}
    const variable = (/** @type {tf.Tensor} */ value) => tf.tidy(() => tf.variable(value))
    for (const [name, { shape, data }] of Object.entries(weights)) {
      own[name] = tf.tidy(() => tf.variable(tf.tensor(data, shape)))
    }
    if (type === 'lstm') {
      own.cell = tf.tidy(() => variable(tf.concat([own.kernel, own.recurrent])))
      tf.dispose([own.kernel, own.recurrent])
      delete own.kernel
      delete own.recurrent
    }
    return own
  })
  const [steps] = net.inputShape
  const later = Float32Array.from({ length: steps * steps }, (_, i) =>
    i % steps > Math.floor(i / steps) ? -1e9 : 0,
  )
  const mask = tf.tensor(later, [steps, steps])
  constants.push(mask)

  /** @param {tf.Tensor} x  [batch, ...] */
  const predict = (x, isTraining = false) =>
    net.layers.reduce((value, { type, units, activation, heads, parts }, i) => {
      const w = layers[i]
      switch (type) {
        case 'dense': {
          // its fused kernels have no tanh
          const y = affine(value, w.kernel, w.bias, activation === 'relu' ? 'relu' : 'linear')
          return activation === 'tanh' ? tf.tanh(y) : y
        }
        case 'conv':
          return tf.fused.conv2d({
            x: /** @type {tf.Tensor4D} */ (value),
            filter: /** @type {tf.Tensor4D} */ (/** @type {tf.Tensor} */ (w.kernel)),
            strides: 1,
            pad: 'valid',
            bias: w.bias,
            activation: 'relu',
          })
        case 'pool':
          return tf.maxPool(/** @type {tf.Tensor4D} */ (value), 2, 2, 'valid')
        case 'flatten':
          return tf.reshape(value, [value.shape[0], -1])
        case 'lstm':
          return lstm(value, w, units)
        case 'embedding': {
          // a product with one-hot rows: the gradient of gather has no kernel in the wasm backend
          const symbols = w.embeddings.shape[0]
          const rows = tf.cast(tf.oneHot(tf.reshape(value, [-1]), symbols), 'float32')
          const found = tf.matMul(rows, /** @type {tf.Tensor} */ (w.embeddings))
          return tf.add(tf.reshape(found, [...value.shape, units]), w.position)
        }
        case 'block':
          return block(value, w, heads, mask)
        case 'residual':
          return residual(value, w, parts, isTraining)
        default:
          return normalize(value, w.gamma, w.beta)
      }
    }, x)

  const variables = layers.flatMap((weights) => Object.values(weights))
  return { predict, variables, dispose: () => tf.dispose([...variables, ...constants]) }
}

/** A batch's x as a tensor. @param {Net} net @param {Float32Array | Int32Array} x */
export const inputOf = ({ batchSize, inputShape, inputDtype }, x) =>
  tf.tensor(x, [batchSize, ...inputShape], inputDtype)
