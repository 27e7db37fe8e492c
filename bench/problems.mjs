// What is measured: the products and the nets, with their data, the same for every subject.
// Leaves plain typed arrays, row-major, made by a seeded generator. Subjects must not write into them.

/**
 * One product C[m,n] = op(A)[m,k] . op(B)[k,n].
 * @typedef {object} Product
 * @property {string} name
 * @property {'A.B' | 'At.B' | 'A.Bt'} form  At: A is stored [k,m]; Bt: B is stored [n,k]
 * @property {number} m
 * @property {number} k
 * @property {number} n
 * @property {Float32Array} a
 * @property {Float32Array} b
 */

/**
 * A stack of dense layers and the data it is trained on.
 * @typedef {object} Net
 * @property {string} name
 * @property {number[]} units  inputs, hidden..., outputs
 * @property {'relu' | 'tanh'} hidden  activation of the hidden layers; the output layer is linear
 * @property {'crossEntropy' | 'mse'} loss  softmax cross entropy with int labels, or mean squared error
 * @property {'adam' | 'sgd'} optimizer
 * @property {number} learningRate
 * @property {number} sgdLearningRate  for the subjects that have no Adam
 * @property {'ms' | 'us'} unit
 * @property {number} batchSize
 * @property {Batch[]} batches
 * @property {{ kernel: Float32Array, bias: Float32Array }[]} weights  initial; kernel [in, out], bias [out]
 */

/**
 * @typedef {object} Batch
 * @property {Float32Array} x  [batchSize, inputs]
 * @property {Int32Array | Float32Array} y  class ids [batchSize], or targets [batchSize, outputs]
 */

const BATCH_COUNT = 16

/** Uniform numbers in [0, 1): mulberry32. @param {number} seed */
function generator(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** @param {Product['form']} form @param {number} m @param {number} k @param {number} n @returns {Product} */
function product(form, m, k, n) {
  const random = generator(m * 31 + k * 17 + n)
  const a = Float32Array.from({ length: m * k }, () => random() * 2 - 1)
  const b = Float32Array.from({ length: k * n }, () => random() * 2 - 1)
  return { name: `${form} ${m}x${k}x${n}`, form, m, k, n, a, b }
}

/** Cubes, and the products of the nets below at batch 64; sizes are m x k x n. @returns {Product[]} */
export function products() {
  return [
    ...[64, 256].flatMap((s) => [
      product('A.B', s, s, s),
      product('At.B', s, s, s),
      product('A.Bt', s, s, s),
    ]),
    product('A.B', 64, 784, 128), // 784-128-10: forward, first layer
    product('At.B', 784, 64, 128), // weight gradient
    product('A.B', 64, 128, 10), // forward, second layer
    product('At.B', 128, 64, 10), // weight gradient
    product('A.Bt', 64, 10, 128), // input gradient
    product('A.B', 64, 512, 512), // 784-512-512-10: forward, middle layer
    product('At.B', 512, 64, 512), // weight gradient
    product('A.Bt', 64, 512, 512), // input gradient
  ]
}

/** Glorot uniform kernels, zero biases. @param {number[]} units @param {() => number} random */
function initialWeights(units, random) {
  return units.slice(1).map((outputs, i) => {
    const limit = Math.sqrt(6 / (units[i] + outputs))
    const kernel = Float32Array.from({ length: units[i] * outputs }, () => (random() * 2 - 1) * limit)
    return { kernel, bias: new Float32Array(outputs) }
  })
}

/**
 * Ten classes, each a random pattern under noise: as large as MNIST, and learnt within a few steps.
 * @param {number[]} hiddenUnits @returns {Net}
 */
function classifier(hiddenUnits) {
  const inputs = 784,
    classes = 10,
    batchSize = 64
  const random = generator(7)
  const patterns = Float32Array.from({ length: classes * inputs }, () => random())
  const batches = Array.from({ length: BATCH_COUNT }, () => {
    const x = new Float32Array(batchSize * inputs)
    const y = new Int32Array(batchSize)
    for (let row = 0; row < batchSize; row++) {
      y[row] = Math.floor(random() * classes)
      for (let i = 0; i < inputs; i++) x[row * inputs + i] = 0.5 * (patterns[y[row] * inputs + i] + random())
    }
    return { x, y }
  })
  const units = [inputs, ...hiddenUnits, classes]
  return {
    name: units.join('-'),
    units,
    hidden: 'relu',
    loss: 'crossEntropy',
    optimizer: 'adam',
    learningRate: 0.001,
    sgdLearningRate: 0.01,
    unit: 'ms',
    batchSize,
    batches,
    weights: initialWeights(units, random),
  }
}

/** Exclusive or: what a step costs when there is next to nothing to compute. @returns {Net} */
function xor() {
  const random = generator(3)
  const batches = Array.from({ length: BATCH_COUNT }, (_, shift) => {
    const rows = [0, 1, 2, 3].map((i) => (i + shift) & 3)
    const x = Float32Array.from(rows.flatMap((i) => [i & 1, i >> 1]))
    return { x, y: Float32Array.from(rows, (i) => (i & 1) ^ (i >> 1)) }
  })
  const units = [2, 8, 1]
  return {
    name: units.join('-'),
    units,
    hidden: 'tanh',
    loss: 'mse',
    optimizer: 'sgd',
    learningRate: 0.1,
    sgdLearningRate: 0.1,
    unit: 'us',
    batchSize: 4,
    batches,
    weights: initialWeights(units, random),
  }
}

/** @returns {Net[]} */
export const nets = () => [classifier([128]), classifier([512, 512]), xor()]
