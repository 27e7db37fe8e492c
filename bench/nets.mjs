// The nets, as lists of plain layers, with initial weights and the data they are trained on, the same for every subject.
// A subject interprets the list, or says why it can't. Leaves plain typed arrays, row-major, images as
// [height, width, channels]. Subjects must not write into them.
import { generator } from './problems.mjs'

/**
 * dense     [..., in] -> [..., units]: kernel [in, units], bias [units], activation
 * conv      [h, w, in] -> [h-2, w-2, units]: 3x3, valid, relu: kernel [3, 3, in, units], bias [units]
 * pool      2x2 maximum, an odd last row or column is left out
 * flatten   to one axis
 * lstm      [steps, in] -> the last state [units]: kernel [in, 4 units], recurrent [units, 4 units], bias [4 units],
 *           gates in the order input, forget, cell, output
 * embedding ids [steps] -> [steps, units]: embeddings [symbols, units] + position [steps, units]
 * block     a pre-norm transformer block of width units, causal: gamma1, beta1, wq, bq, wk, bk, wv, bv, wo, bo, gamma2,
 *           beta2, up [units, 4 units], upBias, down, downBias; gelu (erf); each head has a block of columns
 * norm      layer normalization: gamma, beta
 * residual  [h, w, units] -> the same: a chain of parts, and x added in front of the last part's function. A part is a convolution
 *           of stride 1 between zeros ('same') without bias, batch normalization, a function: kernel1 [k, k, in, out] or, depthwise,
 *           [3, 3, in, 1], gamma1, beta1, kernel2, ... Moving statistics start as 0 and 1, and keep MOMENTUM
 * @typedef {object} Layer
 * @property {'dense' | 'conv' | 'pool' | 'flatten' | 'lstm' | 'embedding' | 'block' | 'norm' | 'residual'} type
 * @property {number} units  of its output's last axis; 0 where it has none of its own
 * @property {'linear' | 'relu' | 'tanh'} activation
 * @property {number} heads
 * @property {Part[]} parts
 * @property {Record<string, { shape: number[], data: Float32Array }>} weights
 */

/** @typedef {{ type: 'conv' | 'depthwise', activation: 'linear' | 'relu' | 'relu6' }} Part */

/**
 * A net and the data it is trained on.
 * @typedef {object} Net
 * @property {string} name
 * @property {'dense' | 'conv' | 'residual' | 'lstm' | 'transformer'} kind  dense: nothing but dense layers; residual: convolutions,
 *   some of them in such blocks
 * @property {number[]} inputShape  of a sample
 * @property {'float32' | 'int32'} inputDtype
 * @property {Layer[]} layers  the last one is a linear dense layer
 * @property {number} outputs  units of the last layer
 * @property {number} labelsPerSample  more than 1: cross entropy at each position
 * @property {'crossEntropy' | 'mse'} loss  softmax cross entropy with int labels, or mean squared error
 * @property {'adam' | 'sgd'} optimizer
 * @property {number} learningRate
 * @property {number} sgdLearningRate  for the subjects that have no Adam
 * @property {'ms' | 'us'} unit
 * @property {number} batchSize
 * @property {Batch[]} batches
 * @property {number} flopsPerSample  of a training step's products: a multiply-add is two, the gradient with respect to
 *   the net's input isn't computed, of attention only what a causal mask leaves
 * @property {number} forwardFlopsPerSample
 */

/**
 * @typedef {object} Batch
 * @property {Float32Array | Int32Array} x  [batchSize, ...inputShape]
 * @property {Int32Array | Float32Array} y  class ids [batchSize * labelsPerSample], or targets [batchSize, outputs]
 */

/** What every normalization adds to the variance. */
export const EPSILON = 1e-5
/** The share of moving statistics that a step keeps. */
export const MOMENTUM = 0.99
/** Steps of a sequence of symbols, and how many there are. */
const STEPS = 64
const SYMBOLS = 65

/** @typedef {{ batchSize?: number, batchCount?: number }} Size */

/** A builder of layers that follows the shape of a sample. @param {number[]} inputShape @param {() => number} random */
function stack(inputShape, random) {
  let shape = inputShape
  /** @type {Layer[]} */
  const layers = []
  let forward = 0
  let training = 0
  const uniform = (/** @type {number[]} */ of, /** @type {number} */ limit, middle = 0) => ({
    shape: of,
    data: Float32Array.from(
      { length: of.reduce((a, b) => a * b, 1) },
      () => middle + (random() * 2 - 1) * limit,
    ),
  })
  /** Glorot uniform. @param {number[]} of */
  const kernel = (...of) => {
    const [fanIn, fanOut] = of.slice(-2)
    const window = of.slice(0, -2).reduce((a, b) => a * b, 1)
    return uniform(of, Math.sqrt(6 / (window * (fanIn + fanOut))))
  }
  const offset = (/** @type {number} */ units) => uniform([units], 0.05)
  const scale = (/** @type {number} */ units) => uniform([units], 0.05, 1)
  /** @param {Partial<Layer> & Pick<Layer, 'type'>} layer @param {number[]} next @param {number} multiplyAdds */
  const push = (layer, next, multiplyAdds = 0) => {
    forward += 2 * multiplyAdds
    training += (layers.length ? 6 : 4) * multiplyAdds
    layers.push({ units: 0, activation: 'linear', heads: 0, parts: [], weights: {}, ...layer })
    shape = next
    return self
  }
  const self = {
    layers,
    flops: () => ({ flopsPerSample: training, forwardFlopsPerSample: forward }),
    outputs: () => /** @type {number} */ (shape.at(-1)),
    /** @param {number} units @param {Layer['activation']} activation */
    dense(units, activation = 'linear') {
      const input = /** @type {number} */ (shape.at(-1))
      const rows = shape.slice(0, -1).reduce((a, b) => a * b, 1)
      const weights = { kernel: kernel(input, units), bias: offset(units) }
      return push(
        { type: 'dense', units, activation, weights },
        [...shape.slice(0, -1), units],
        rows * input * units,
      )
    },
    /** @param {number} units */
    conv(units) {
      const [height, width, input] = shape
      const weights = { kernel: kernel(3, 3, input, units), bias: offset(units) }
      const next = [height - 2, width - 2, units]
      return push(
        { type: 'conv', units, activation: 'relu', weights },
        next,
        next[0] * next[1] * 9 * input * units,
      )
    },
    pool: () => push({ type: 'pool' }, [shape[0] >> 1, shape[1] >> 1, shape[2]]),
    flatten: () => push({ type: 'flatten' }, [shape.reduce((a, b) => a * b, 1)]),
    /** @param {number} units */
    lstm(units) {
      const [steps, input] = shape
      const weights = {
        kernel: kernel(input, 4 * units),
        recurrent: kernel(units, 4 * units),
        bias: offset(4 * units),
      }
      push({ type: 'lstm', units, weights }, [units], steps * (input + units) * 4 * units)
      training += 2 * steps * units * 4 * units // the gradient with respect to a state is needed in the first layer, too
      return self
    },
    /** @param {number} units */
    embedding(units) {
      const weights = { embeddings: uniform([SYMBOLS, units], 0.5), position: uniform([STEPS, units], 0.2) }
      return push({ type: 'embedding', units, weights }, [STEPS, units])
    },
    /** @param {number} heads */
    block(heads) {
      const [steps, units] = shape
      const weights = { gamma1: scale(units), beta1: offset(units) }
      for (const own of 'qkvo')
        Object.assign(weights, { [`w${own}`]: kernel(units, units), [`b${own}`]: offset(units) })
      Object.assign(weights, {
        gamma2: scale(units),
        beta2: offset(units),
        up: kernel(units, 4 * units),
        upBias: offset(4 * units),
        down: kernel(4 * units, units),
        downBias: offset(units),
      })
      const attention = steps * (steps + 1) * units // scores and their sums: half of 2 steps^2 units, and the diagonal
      return push({ type: 'block', units, heads, weights }, shape, steps * 12 * units * units + attention)
    },
    /** @param {(Part & { size: number, filters: number })[]} parts */
    residual(...parts) {
      const [height, width, units] = shape
      /** @type {Layer['weights']} */
      const weights = {}
      let inputs = units
      let multiplyAdds = 0
      parts.forEach(({ type, size, filters }, i) => {
        const of = [size, size, inputs, type === 'conv' ? filters : 1]
        weights[`kernel${i + 1}`] = kernel(...of)
        weights[`gamma${i + 1}`] = scale(filters)
        weights[`beta${i + 1}`] = offset(filters)
        multiplyAdds += height * width * of.reduce((a, b) => a * b, 1)
        inputs = filters
      })
      const layer = { parts: parts.map(({ type, activation }) => ({ type, activation })), weights }
      return push({ type: 'residual', units, ...layer }, shape, multiplyAdds)
    },
    norm() {
      const units = /** @type {number} */ (shape.at(-1))
      return push({ type: 'norm', units, weights: { gamma: scale(units), beta: offset(units) } }, shape)
    },
  }
  return self
}

/**
 * Ten classes, each a random pattern under noise, learnt within a few steps. Patterns are of patches of `patch` equal
 * pixels each way, for nets that look at neighbours.
 * @param {() => number} random @param {number[]} shape @param {number} patch @param {Size} size
 */
function patterns(random, shape, patch, { batchSize = 64, batchCount = 16 }) {
  const inputs = shape.reduce((a, b) => a * b, 1)
  const width = shape[1] ?? inputs
  const coarse = Float32Array.from({ length: 10 * inputs }, () => random())
  const at = (/** @type {number} */ label, /** @type {number} */ i) => {
    const row = Math.floor(i / width)
    return coarse[label * inputs + Math.floor(row / patch) * width + Math.floor((i % width) / patch)]
  }
  return Array.from({ length: batchCount }, () => {
    const x = new Float32Array(batchSize * inputs)
    const y = new Int32Array(batchSize)
    for (let row = 0; row < batchSize; row++) {
      y[row] = Math.floor(random() * 10)
      for (let i = 0; i < inputs; i++) x[row * inputs + i] = 0.5 * (at(y[row], i) + random())
    }
    return { x, y }
  })
}

/** @typedef {Pick<Net, 'loss' | 'optimizer' | 'learningRate' | 'sgdLearningRate' | 'unit' | 'labelsPerSample'>} Way */
/** @type {Way} */
const CLASSIFY = {
  loss: 'crossEntropy',
  optimizer: 'adam',
  learningRate: 0.001,
  sgdLearningRate: 0.01,
  unit: 'ms',
  labelsPerSample: 1,
}

/**
 * @param {string} name @param {Net['kind']} kind @param {number[]} inputShape @param {Batch[]} batches
 * @param {ReturnType<typeof stack>} built @param {Partial<Net>} [more] @returns {Net}
 */
function net(name, kind, inputShape, batches, built, more = {}) {
  const batchSize = batches[0].x.length / inputShape.reduce((a, b) => a * b, 1)
  const inputDtype = batches[0].x instanceof Int32Array ? 'int32' : 'float32'
  const own = { layers: built.layers, outputs: built.outputs(), ...built.flops() }
  return { name, kind, inputShape, inputDtype, batchSize, batches, ...own, ...CLASSIFY, ...more }
}

/** @param {number[]} hidden @param {Size} size */
function classifier(hidden, size) {
  const random = generator(7)
  const batches = patterns(random, [784], 1, size)
  const layers = stack([784], random)
  for (const units of hidden) layers.dense(units, 'relu')
  return net([784, ...hidden, 10].join('-'), 'dense', [784], batches, layers.dense(10))
}

/** Exclusive or: what a step costs when there is next to nothing to compute. */
function xor() {
  const random = generator(3)
  const batches = Array.from({ length: 16 }, (_, shift) => {
    const rows = [0, 1, 2, 3].map((i) => (i + shift) & 3)
    const x = Float32Array.from(rows.flatMap((i) => [i & 1, i >> 1]))
    return { x, y: Float32Array.from(rows, (i) => (i & 1) ^ (i >> 1)) }
  })
  const layers = stack([2], random).dense(8, 'tanh').dense(1)
  const way = { loss: 'mse', optimizer: 'sgd', learningRate: 0.1, sgdLearningRate: 0.1, unit: 'us' }
  return net('2-8-1', 'dense', [2], batches, layers, /** @type {Partial<Net>} */ (way))
}

/** @param {Size} size */
function convolutional(size) {
  const random = generator(11)
  const shape = [28, 28, 1]
  const batches = patterns(random, [28, 28], 7, size)
  const layers = stack(shape, random).conv(16).pool().conv(32).pool().flatten().dense(10)
  return net('conv-16-32-10', 'conv', shape, batches, layers)
}

/** Convolutions by 3x3 cells of 32 and 64 channels, as most of a residual net is made of. @param {Size} size */
function convolutionalWide(size) {
  const random = generator(17)
  const shape = [28, 28, 1]
  const batches = patterns(random, [28, 28], 7, size)
  const layers = stack(shape, random).conv(32).conv(32).pool().conv(64).conv(64).flatten().dense(10)
  return net('conv-32-64-10', 'conv', shape, batches, layers)
}

/**
 * A block of a ResNet, or of a MobileNetV2 with its expansion by 6, of 64 channels: both have these on 14 x 14 cells or near.
 * @param {string} name @param {Parameters<ReturnType<typeof stack>['residual']>} parts @param {Size} size
 */
function residual(name, parts, size) {
  const random = generator(19)
  const shape = [28, 28, 1]
  const batches = patterns(random, [28, 28], 7, { batchSize: 32, ...size })
  const layers = stack(shape, random)
    .conv(64)
    .pool()
    .residual(...parts)
    .pool()
    .flatten()
    .dense(10)
  return net(name, 'residual', shape, batches, layers)
}

/** @param {Size} size */
function residualNet(size) {
  const part = /** @type {const} */ ({ type: 'conv', activation: 'relu', size: 3, filters: 64 })
  return residual('resnet-64', [part, part], size)
}

/** @param {Size} size */
function mobileNet(size) {
  const expand = /** @type {const} */ ({ type: 'conv', activation: 'relu6', size: 1, filters: 384 })
  const depthwise = /** @type {const} */ ({ ...expand, type: 'depthwise', size: 3 })
  const project = /** @type {const} */ ({ type: 'conv', activation: 'linear', size: 1, filters: 64 })
  return residual('mobilenet-64', [expand, depthwise, project], size)
}

/** @param {Size} size */
function recurrent(size) {
  const random = generator(13)
  const batches = patterns(random, [32, 64], 1, size)
  const layers = stack([32, 64], random).lstm(128).dense(10)
  return net('lstm-128-10', 'lstm', [32, 64], batches, layers)
}

/** The next symbol follows from the last one, mostly. @param {Size} size @param {number} blocks */
export function transformer({ batchSize = 16, batchCount = 16 } = {}, blocks = 2) {
  const random = generator(17)
  const any = () => Math.floor(random() * SYMBOLS)
  const batches = Array.from({ length: batchCount }, () => {
    const x = new Int32Array(batchSize * STEPS)
    const y = new Int32Array(batchSize * STEPS)
    for (let row = 0, i = 0; row < batchSize; row++) {
      let symbol = any()
      for (let step = 0; step < STEPS; step++, i++) {
        x[i] = symbol
        symbol = random() < 0.9 ? (5 * symbol + 3) % SYMBOLS : any()
        y[i] = symbol
      }
    }
    return { x, y }
  })
  const layers = stack([STEPS], random).embedding(128)
  for (let i = 0; i < blocks; i++) layers.block(4)
  const built = layers.norm().dense(SYMBOLS)
  return net(`transformer-${blocks}`, 'transformer', [STEPS], batches, built, { labelsPerSample: STEPS })
}

/**
 * The nets by name, made when they are asked for; sizes are those of the name's net unless given.
 * @type {Record<string, (size?: Size) => Net>}
 */
export const NETS = {
  '784-128-10': (size = {}) => classifier([128], size),
  '784-512-512-10': (size = {}) => classifier([512, 512], size),
  '2-8-1': () => xor(),
  'conv-16-32-10': (size = {}) => convolutional(size),
  'conv-32-64-10': (size = {}) => convolutionalWide(size),
  'resnet-64': (size = {}) => residualNet(size),
  'mobilenet-64': (size = {}) => mobileNet(size),
  'lstm-128-10': (size = {}) => recurrent(size),
  'transformer-2': (size = {}) => transformer(size),
}

/** @returns {{ name: string, make: (size?: Size) => Net }[]} */
export const nets = () => Object.entries(NETS).map(([name, make]) => ({ name, make }))
