// Subject `plain-js`: what a careful programmer writes by hand: Float32Array, loops in memory order, nothing
// allocated in a step. Adam and SGD. The arithmetic is double precision, rounded when stored, as JavaScript has it.

/** @type {import('./index.mjs').Subject} */
export const subject = {
  name: 'plain-js',
  version: () => '',
  optimizers: ['adam', 'sgd'],
  available: async () => null,

  matmul({ form, m, k, n, a, b }) {
    const c = new Float32Array(m * n)
    const multiply = form === 'A.B' ? matmul : form === 'At.B' ? matmulTransposedA : matmulTransposedB
    return { run: () => multiply(c, a, b, m, k, n), read: () => c, dispose() {} }
  },

  slowMatmul: 4e8,

  cannot: ({ kind }) => (kind === 'dense' ? null : 'it is written for dense layers only'),

  trainer({ layers: dense, loss, optimizer, learningRate, batchSize, batches }) {
    const layers = dense.map(({ units, activation, weights: { kernel, bias } }) => ({
      inputs: kernel.shape[0],
      outputs: units,
      activation,
      out: new Float32Array(batchSize * units),
      dOut: new Float32Array(batchSize * units),
      kernel: parameter(kernel.data),
      bias: parameter(bias.data),
    }))
    const last = layers[layers.length - 1]
    let stepCount = 0
    let lossSum = 0
    return {
      step(i) {
        const { x, y } = batches[i % batches.length]
        let input = /** @type {Float32Array} */ (x)
        for (const layer of layers) {
          matmul(layer.out, input, layer.kernel.w, batchSize, layer.inputs, layer.outputs)
          addBias(layer.out, layer.bias.w)
          if (layer !== last) activate(layer.out, layer.activation)
          input = layer.out
        }
        lossSum = (loss === 'mse' ? meanSquaredError : crossEntropy)(last.dOut, last.out, y, batchSize)
        for (let l = layers.length - 1; l >= 0; l--) {
          const layer = layers[l]
          const below = l ? layers[l - 1] : null
          matmulTransposedA(
            layer.kernel.g,
            below ? below.out : /** @type {Float32Array} */ (x),
            layer.dOut,
            layer.inputs,
            batchSize,
            layer.outputs,
          )
          sumRows(layer.bias.g, layer.dOut)
          if (!below) break
          matmulTransposedB(below.dOut, layer.dOut, layer.kernel.w, batchSize, layer.outputs, layer.inputs)
          activateGrad(below.dOut, below.out, below.activation)
        }
        stepCount++
        for (const { kernel, bias } of layers) {
          update(kernel, optimizer, learningRate, stepCount)
          update(bias, optimizer, learningRate, stepCount)
        }
      },
      loss: () => lossSum,
      dispose() {},
    }
  },
}

/** Weights, gradient and the two moments of Adam. @param {Float32Array} initial */
function parameter(initial) {
  const { length } = initial
  return {
    w: initial.slice(),
    g: new Float32Array(length),
    m: new Float32Array(length),
    v: new Float32Array(length),
  }
}

/**
 * c[m,n] = a[m,k] . b[k,n]; four rows of b at a time, so c is read and written a quarter as often
 * @param {Float32Array} c @param {Float32Array} a @param {Float32Array} b
 * @param {number} m @param {number} k @param {number} n
 */
function matmul(c, a, b, m, k, n) {
  c.fill(0)
  for (let i = 0; i < m; i++) {
    let t = 0
    for (; t + 4 <= k; t += 4) {
      const ai = i * k + t
      addRows4(c, i * n, b, t * n, n, a[ai], a[ai + 1], a[ai + 2], a[ai + 3])
    }
    for (; t < k; t++) addRow(c, i * n, b, t * n, n, a[i * k + t])
  }
}

/** c[m,n] = transpose of a[k,m] . b[k,n] @type {typeof matmul} */
function matmulTransposedA(c, a, b, m, k, n) {
  c.fill(0)
  for (let i = 0; i < m; i++) {
    let t = 0
    for (; t + 4 <= k; t += 4) {
      const ai = t * m + i
      addRows4(c, i * n, b, t * n, n, a[ai], a[ai + m], a[ai + 2 * m], a[ai + 3 * m])
    }
    for (; t < k; t++) addRow(c, i * n, b, t * n, n, a[t * m + i])
  }
}

/**
 * c[n] += s0 b0[n] + s1 b1[n] + s2 b2[n] + s3 b3[n]
 * @param {Float32Array} c @param {number} ci @param {Float32Array} b @param {number} bi @param {number} n
 * @param {number} s0 @param {number} s1 @param {number} s2 @param {number} s3
 */
function addRows4(c, ci, b, bi, n, s0, s1, s2, s3) {
  for (const end = ci + n; ci < end; ci++, bi++) {
    c[ci] += s0 * b[bi] + s1 * b[bi + n] + s2 * b[bi + 2 * n] + s3 * b[bi + 3 * n]
  }
}

/**
 * c[n] += s b[n]
 * @param {Float32Array} c @param {number} ci @param {Float32Array} b @param {number} bi @param {number} n @param {number} s
 */
function addRow(c, ci, b, bi, n, s) {
  for (const end = ci + n; ci < end; ci++, bi++) c[ci] += s * b[bi]
}

/** c[m,n] = a[m,k] . transpose of b[n,k]; four sums at a time hide the latency of an addition @type {typeof matmul} */
function matmulTransposedB(c, a, b, m, k, n) {
  for (let i = 0; i < m; i++) {
    let j = 0
    for (; j + 4 <= n; j += 4) {
      let s0 = 0,
        s1 = 0,
        s2 = 0,
        s3 = 0
      for (let t = 0, ai = i * k, bi = j * k; t < k; t++, ai++, bi++) {
        const v = a[ai]
        s0 += v * b[bi]
        s1 += v * b[bi + k]
        s2 += v * b[bi + 2 * k]
        s3 += v * b[bi + 3 * k]
      }
      const ci = i * n + j
      c[ci] = s0
      c[ci + 1] = s1
      c[ci + 2] = s2
      c[ci + 3] = s3
    }
    for (; j < n; j++) {
      let s = 0
      for (let t = 0; t < k; t++) s += a[i * k + t] * b[j * k + t]
      c[i * n + j] = s
    }
  }
}

/** @param {Float32Array} out @param {Float32Array} bias */
function addBias(out, bias) {
  for (let i = 0; i < out.length; ) for (let j = 0; j < bias.length; j++, i++) out[i] += bias[j]
}

/** @param {Float32Array} db @param {Float32Array} d */
function sumRows(db, d) {
  db.fill(0)
  for (let i = 0; i < d.length; ) for (let j = 0; j < db.length; j++, i++) db[j] += d[i]
}

/** @param {Float32Array} out @param {string} kind */
function activate(out, kind) {
  if (kind === 'relu') for (let i = 0; i < out.length; i++) out[i] = Math.max(out[i], 0)
  else for (let i = 0; i < out.length; i++) out[i] = Math.tanh(out[i])
}

/** d *= activation'(z), from out = activation(z) @param {Float32Array} d @param {Float32Array} out @param {string} kind */
function activateGrad(d, out, kind) {
  if (kind === 'relu') for (let i = 0; i < d.length; i++) d[i] = out[i] > 0 ? d[i] : 0
  else for (let i = 0; i < d.length; i++) d[i] *= 1 - out[i] * out[i]
}

/**
 * loss = mean((out - y)^2); d = 2 (out - y) / count
 * @param {Float32Array} d @param {Float32Array} out @param {ArrayLike<number>} y
 */
function meanSquaredError(d, out, y) {
  let sum = 0
  for (let i = 0; i < out.length; i++) {
    const e = out[i] - y[i]
    sum += e * e
    d[i] = (2 * e) / out.length
  }
  return sum / out.length
}

/**
 * loss = mean over rows of log(sum exp(out)) - out[label]; d = (softmax(out) - one-hot(label)) / rows
 * @param {Float32Array} d @param {Float32Array} out @param {ArrayLike<number>} labels @param {number} rows
 */
function crossEntropy(d, out, labels, rows) {
  const classes = out.length / rows
  let sum = 0
  for (let row = 0; row < rows; row++) {
    const start = row * classes
    let max = out[start]
    for (let j = 1; j < classes; j++) max = Math.max(max, out[start + j])
    let total = 0
    for (let j = 0; j < classes; j++) {
      const e = Math.exp(out[start + j] - max)
      d[start + j] = e
      total += e
    }
    for (let j = 0; j < classes; j++) d[start + j] /= total * rows
    const label = start + labels[row]
    sum += Math.log(total) + max - out[label]
    d[label] -= 1 / rows
  }
  return sum / rows
}

/**
 * Adam (Kingma and Ba 2014, algorithm 1, with the bias corrections folded into the rate), or w -= rate g.
 * @param {ReturnType<typeof parameter>} p @param {'adam' | 'sgd'} optimizer @param {number} rate @param {number} step
 */
function update({ w, g, m, v }, optimizer, rate, step) {
  if (optimizer === 'sgd') {
    for (let i = 0; i < w.length; i++) w[i] -= rate * g[i]
    return
  }
  const root = Math.sqrt(1 - 0.999 ** step)
  const scaledRate = (rate * root) / (1 - 0.9 ** step),
    scaledEpsilon = 1e-7 * root
  for (let i = 0; i < w.length; i++) {
    const gi = g[i]
    const mi = 0.9 * m[i] + 0.1 * gi
    const vi = 0.999 * v[i] + 0.001 * gi * gi
    m[i] = mi
    v[i] = vi
    w[i] -= (scaledRate * mi) / (Math.sqrt(vi) + scaledEpsilon)
  }
}
