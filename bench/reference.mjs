// The nets' outputs and losses in float64, by straightforward loops: what every subject's are compared with.
// Enters: a net of nets.mjs. Leaves: numbers. Nothing here is timed.
import { EPSILON } from './nets.mjs'

/** @typedef {import('./nets.mjs').Net} Net @typedef {import('./nets.mjs').Layer} Layer */
/** @typedef {{ shape: number[], data: Float64Array }} Sample  without the axis of the batch */

/**
 * x [rows, in] . w [in, out] + b [out]
 * @param {ArrayLike<number>} x @param {number} rows @param {Float32Array} w @param {Float32Array} [b]
 * @param {number} [units]
 */
function affine(x, rows, w, b, units = b?.length ?? 0) {
  const inputs = x.length / rows
  const y = new Float64Array(rows * units)
  for (let row = 0; row < rows; row++) {
    const at = row * units
    if (b) for (let j = 0; j < units; j++) y[at + j] = b[j]
    for (let t = 0; t < inputs; t++) {
      const v = x[row * inputs + t]
      if (v !== 0) for (let j = 0; j < units; j++) y[at + j] += v * w[t * units + j]
    }
  }
  return y
}

/** Abramowitz and Stegun 7.1.26 is too coarse; a series and a continued fraction are exact to float64. @param {number} x */
function erf(x) {
  const z = Math.abs(x)
  if (z > 6) return Math.sign(x)
  if (z < 2.5) {
    let term = z
    let sum = z
    for (let n = 1; Math.abs(term) > 1e-17 * sum; n++) {
      term *= (-z * z) / n
      sum += term / (2 * n + 1)
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI)
  }
  let fraction = 0
  for (let n = 60; n > 0; n--) fraction = n / 2 / (z + fraction)
  return Math.sign(x) * (1 - Math.exp(-z * z) / ((z + fraction) * Math.sqrt(Math.PI)))
}

const gelu = (/** @type {number} */ x) => 0.5 * x * (1 + erf(x / Math.SQRT2))
const sigmoid = (/** @type {number} */ x) => 1 / (1 + Math.exp(-x))
const relu = (/** @type {number} */ x) => Math.max(x, 0)

/** @param {Float64Array} x @param {Float32Array} gamma @param {Float32Array} beta */
function normalize(x, gamma, beta) {
  const width = gamma.length
  const y = new Float64Array(x.length)
  for (let at = 0; at < x.length; at += width) {
    const row = x.subarray(at, at + width)
    const mean = row.reduce((s, v) => s + v, 0) / width
    const variance = row.reduce((s, v) => s + (v - mean) ** 2, 0) / width
    for (let j = 0; j < width; j++) {
      y[at + j] = ((row[j] - mean) / Math.sqrt(variance + EPSILON)) * gamma[j] + beta[j]
    }
  }
  return y
}

/** Causal attention of several heads. @param {Float64Array[]} qkv @param {number} steps @param {number} heads */
function attend([q, k, v], steps, heads) {
  const width = q.length / steps
  const depth = width / heads
  const y = new Float64Array(q.length)
  for (let start = 0; start < width; start += depth) {
    for (let i = 0; i < steps; i++) {
      const scores = Array.from({ length: i + 1 }, (_, j) => {
        let sum = 0
        for (let d = start; d < start + depth; d++) sum += q[i * width + d] * k[j * width + d]
        return Math.exp(sum / Math.sqrt(depth))
      })
      const total = scores.reduce((a, b) => a + b, 0)
      for (let j = 0; j <= i; j++) {
        for (let d = start; d < start + depth; d++) y[i * width + d] += (scores[j] / total) * v[j * width + d]
      }
    }
  }
  return y
}

/**
 * Convolution of stride 1 between zeros, or of each channel by itself, without bias.
 * @param {Sample} sample @param {{ shape: number[], data: Float32Array }} kernel @param {boolean} isDepthwise @returns {Sample}
 */
function convolve(
  { shape: [height, width, inputs], data },
  { shape: [size, , , filters], data: w },
  isDepthwise,
) {
  const units = isDepthwise ? inputs : filters
  const out = new Float64Array(height * width * units)
  const reach = size >> 1
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += units) {
      for (let tap = 0; tap < size * size; tap++) {
        const [row, column] = [y + Math.floor(tap / size) - reach, x + (tap % size) - reach]
        if (row < 0 || column < 0 || row >= height || column >= width) continue
        const from = (row * width + column) * inputs
        for (let c = 0; c < inputs; c++) {
          const v = data[from + c]
          const k = (tap * inputs + c) * filters
          if (isDepthwise) out[at + c] += v * w[k]
          else for (let j = 0; j < units; j++) out[at + j] += v * w[k + j]
        }
      }
    }
  }
  return { shape: [height, width, units], data: out }
}

/**
 * By the statistics of the whole batch in training, else by the moving ones, 0 and 1 at first.
 * @param {Sample[]} samples @param {Float32Array} gamma @param {Float32Array} beta @param {boolean} isTraining
 */
function normalizeBatch(samples, gamma, beta, isTraining) {
  const channels = gamma.length
  const count = (samples.length * samples[0].data.length) / channels
  const mean = new Float64Array(channels)
  const variance = new Float64Array(channels).fill(isTraining ? 0 : 1)
  if (isTraining) {
    for (const { data } of samples)
      for (let i = 0; i < data.length; i++) mean[i % channels] += data[i] / count
    for (const { data } of samples)
      for (let i = 0; i < data.length; i++)
        variance[i % channels] += (data[i] - mean[i % channels]) ** 2 / count
  }
  return samples.map(({ shape, data }) => {
    const normal = data.map((v, i) => {
      const c = i % channels
      return ((v - mean[c]) / Math.sqrt(variance[c] + EPSILON)) * gamma[c] + beta[c]
    })
    return { shape, data: normal }
  })
}

/** A block on all samples at once, since they meet in batch normalization. @param {Sample[]} samples @param {Layer} layer @param {boolean} isTraining */
function residual(samples, { parts, weights }, isTraining) {
  return parts.reduce((values, { type, activation }, i) => {
    const [kernel, gamma, beta] = ['kernel', 'gamma', 'beta'].map((own) => weights[`${own}${i + 1}`])
    const made = values.map((value) => convolve(value, kernel, type === 'depthwise'))
    return normalizeBatch(made, gamma.data, beta.data, isTraining).map(({ shape, data }, n) => {
      const sum = i === parts.length - 1 ? data.map((v, at) => v + samples[n].data[at]) : data
      if (activation === 'linear') return { shape, data: sum }
      return {
        shape,
        data: sum.map((v) => Math.min(relu(v), activation === 'relu6' ? 6 : Number.POSITIVE_INFINITY)),
      }
    })
  }, samples)
}

/** @type {Record<Exclude<Layer['type'], 'residual'>, (sample: Sample, layer: Layer) => Sample>} */
const apply = {
  dense({ shape, data }, { units, activation, weights: { kernel, bias } }) {
    const rows = data.length / kernel.shape[0]
    const z = affine(data, rows, kernel.data, bias.data)
    const f = activation === 'relu' ? relu : activation === 'tanh' ? Math.tanh : null
    return { shape: [...shape.slice(0, -1), units], data: f ? z.map(f) : z }
  },
  conv({ shape: [height, width, inputs], data }, { units, weights: { kernel, bias } }) {
    const shape = [height - 2, width - 2, units]
    const out = new Float64Array(shape[0] * shape[1] * units)
    for (let y = 0, at = 0; y < shape[0]; y++) {
      for (let x = 0; x < shape[1]; x++, at += units) {
        const patch = new Float64Array(9 * inputs)
        for (let dy = 0; dy < 3; dy++) {
          const from = ((y + dy) * width + x) * inputs
          patch.set(data.subarray(from, from + 3 * inputs), 3 * dy * inputs)
        }
        out.set(affine(patch, 1, kernel.data, bias.data).map(relu), at)
      }
    }
    return { shape, data: out }
  },
  pool({ shape: [height, width, units], data }) {
    const shape = [height >> 1, width >> 1, units]
    const out = new Float64Array(shape[0] * shape[1] * units).fill(Number.NEGATIVE_INFINITY)
    for (let y = 0; y < 2 * shape[0]; y++) {
      for (let x = 0; x < 2 * shape[1]; x++) {
        for (let c = 0; c < units; c++) {
          const to = ((y >> 1) * shape[1] + (x >> 1)) * units + c
          out[to] = Math.max(out[to], data[(y * width + x) * units + c])
        }
      }
    }
    return { shape, data: out }
  },
  flatten: ({ data }) => ({ shape: [data.length], data }),
  lstm({ shape: [steps, inputs], data }, { units, weights: { kernel, recurrent, bias } }) {
    let h = new Float64Array(units)
    let c = new Float64Array(units)
    for (let step = 0; step < steps; step++) {
      const z = affine(data.subarray(step * inputs, (step + 1) * inputs), 1, kernel.data, bias.data)
      const r = affine(h, 1, recurrent.data, undefined, 4 * units)
      const gate = (/** @type {number} */ part, /** @type {number} */ j) =>
        z[part * units + j] + r[part * units + j]
      c = c.map((old, j) => sigmoid(gate(1, j)) * old + sigmoid(gate(0, j)) * Math.tanh(gate(2, j)))
      h = c.map((now, j) => sigmoid(gate(3, j)) * Math.tanh(now))
    }
    return { shape: [units], data: h }
  },
  embedding({ shape: [steps], data }, { units, weights: { embeddings, position } }) {
    const at = (/** @type {number} */ i) => embeddings.data[data[Math.floor(i / units)] * units + (i % units)]
    return { shape: [steps, units], data: Float64Array.from(position.data, (p, i) => p + at(i)) }
  },
  block({ shape, data }, { heads, weights: w }) {
    const [steps] = shape
    const linear = (
      /** @type {Float64Array} */ x,
      /** @type {string} */ kernel,
      /** @type {string} */ bias,
    ) => affine(x, steps, w[kernel].data, w[bias].data)
    const seen = normalize(data, w.gamma1.data, w.beta1.data)
    const qkv = ['q', 'k', 'v'].map((own) => linear(seen, `w${own}`, `b${own}`))
    const attended = linear(attend(qkv, steps, heads), 'wo', 'bo')
    const middle = data.map((v, i) => v + attended[i])
    const hidden = linear(normalize(middle, w.gamma2.data, w.beta2.data), 'up', 'upBias').map(gelu)
    const change = linear(hidden, 'down', 'downBias')
    return { shape, data: middle.map((v, i) => v + change[i]) }
  },
  norm: ({ shape, data }, { weights: { gamma, beta } }) => ({
    shape,
    data: normalize(data, gamma.data, beta.data),
  }),
}

/** Outputs of the initial weights on the first `count` samples of the first batch. @param {Net} net */
export function outputsOf({ inputShape, layers, batches: [{ x }] }, count = 1, isTraining = false) {
  const size = inputShape.reduce((a, b) => a * b, 1)
  const inputs = Array.from({ length: count }, (_, i) => {
    const data = Float64Array.from(x.subarray(i * size, (i + 1) * size))
    return /** @type {Sample} */ ({ shape: inputShape, data })
  })
  return layers
    .reduce((samples, layer) => {
      const { type } = layer
      if (type === 'residual') return residual(samples, layer, isTraining)
      return samples.map((sample) => apply[type](sample, layer))
    }, inputs)
    .flatMap(({ data }) => [...data])
}

/** Loss of the initial weights on the first batch. @param {Net} net */
export function initialLoss(net) {
  const { loss, outputs, batchSize } = net
  const { y } = net.batches[0]
  const values = outputsOf(net, batchSize, true)
  if (loss === 'mse') return values.reduce((s, v, i) => s + (v - y[i]) ** 2, 0) / values.length
  const rows = values.length / outputs
  let sum = 0
  for (let row = 0; row < rows; row++) {
    const logits = values.slice(row * outputs, (row + 1) * outputs)
    sum += Math.log(logits.reduce((s, v) => s + Math.exp(v), 0)) - logits[y[row]]
  }
  return sum / rows
}
