// Subject `lanegrad`: this project, as built: dist/index.js for training, build/core.wasm for bare products.
// Needs `npm run build` first. A step passes the batch's own typed arrays, so its copy is inside the timing.
import { existsSync, readFileSync } from 'node:fs'
import { notInstalled } from '../absent.mjs'
import { EPSILON, MOMENTUM } from '../nets.mjs'
import * as pretrained from '../pretrained/lanegrad.mjs'
import { installedVersion } from './index.mjs'

const CORE = new URL('../../build/core.wasm', import.meta.url)
const ABI = new URL('../../assembly/abi.ts', import.meta.url)

/** @type {typeof import('lanegrad')} */
let lanegrad
/** @type {typeof import('lanegrad/relaxed')} */
let relaxedEntry
/** @type {typeof import('lanegrad/threads')} */
let threadsEntry

/** @type {import('./index.mjs').Subject} */
export const subject = {
  name: 'lanegrad',
  version: () => installedVersion('lanegrad'),
  optimizers: ['adam', 'sgd'],

  async available() {
    if (!existsSync(CORE)) return 'not built yet (no build/core.wasm): npm run build'
    try {
      lanegrad = await import('lanegrad')
      relaxedEntry = await import('lanegrad/relaxed')
      threadsEntry = await import('lanegrad/threads')
    } catch (error) {
      return notInstalled(error) ?? 'not built yet (no dist/index.js): npm run build'
    }
    return null
  },

  pretrained,

  trainer(net, runtime) {
    const { adam, meanSquaredError, sgd, sparseCategoricalCrossentropy } = lanegrad
    const model = modelOf(lanegrad, net, runtime)
    const { learningRate, labelsPerSample, batchSize } = net
    model.compile({
      optimizer: net.optimizer === 'adam' ? adam({ learningRate }) : sgd({ learningRate }),
      loss: net.loss === 'mse' ? meanSquaredError() : sparseCategoricalCrossentropy({ fromLogits: true }),
    })
    const batches = net.batches.map(({ x, y }) => ({
      x,
      y: labelsPerSample > 1 ? { shape: [batchSize, labelsPerSample], data: y } : y,
    }))
    let loss = 0
    return {
      step(i) {
        const { x, y } = batches[i % batches.length]
        loss = model.trainStep(x, y).loss
      },
      loss: () => loss,
      dispose: () => model.dispose(),
    }
  },

  predictor(net) {
    const model = modelOf(lanegrad, net)
    return {
      run: (i) => /** @type {any} */ (model.predict(net.batches[i % net.batches.length].x)).data,
      dispose: () => model.dispose(),
    }
  },

  /** Threads up to the cores, and relaxed arithmetic where the engine has it. */
  async variants(cores) {
    const counts = Array.from({ length: cores }, (_, i) => i + 1)
    const probe = lanegrad.sequential({
      inputShape: [1],
      layers: [lanegrad.dense({ units: 1 })],
      numerics: relaxedEntry.relaxed(),
    })
    const kinds = /^relaxed/.test(probe.variant) ? [false, true] : [false]
    probe.dispose()
    return kinds.flatMap((isRelaxed) =>
      counts.map((threads) => {
        const series = isRelaxed ? 'lanegrad relaxed' : 'lanegrad'
        return {
          name: threads > 1 ? `${series} ${threads}` : series,
          series,
          threads,
          runtime: { threads, isRelaxed },
        }
      }),
    )
  },

  // ---- the core alone: a program of one matmul instruction, run in place -----------------------------------------
  matmul({ form, m, k, n, a, b }) {
    const abi = abiConstants()
    const core = /** @type {any} */ (
      new WebAssembly.Instance(new WebAssembly.Module(readFileSync(CORE)), {
        env: { memory: new WebAssembly.Memory({ initial: 1 }) },
      }).exports
    )
    const align = (/** @type {number} */ bytes) => Math.ceil(bytes / abi.ALIGNMENT) * abi.ALIGNMENT
    const arena = abi.ARENA_START
    const program = arena + abi.HEADER_BYTES
    const operandCount = 11
    const aAt = align(program + 4 * (1 + operandCount))
    const bAt = align(aAt + a.byteLength)
    const cAt = align(bAt + b.byteLength)
    const scratchAt = align(cAt + 4 * m * n)
    if (!core.reserve(align(scratchAt + abi.MATMUL_SCRATCH_BYTES)))
      throw new Error('lanegrad: the memory did not grow')
    core.prepare(scratchAt)
    const transpose = form === 'At.B' ? abi.MATMUL_TRANSPOSE_A : form === 'A.Bt' ? abi.MATMUL_TRANSPOSE_B : 0
    const words = new Uint32Array(core.memory.buffer, program, 1 + operandCount)
    words[0] = core.kernelAt(abi.OP_MATMUL - abi.OP_UNARY) | (words.length << 16)
    words.set([cAt, aAt, bAt, 0, m, n, k, transpose, abi.FN_LINEAR, 0, scratchAt], 1)
    new Float32Array(core.memory.buffer, aAt, a.length).set(a)
    new Float32Array(core.memory.buffer, bAt, b.length).set(b)
    const end = program + words.byteLength
    return {
      run: () => core.run(arena, program, end),
      read: () => new Float32Array(core.memory.buffer, cAt, m * n).slice(),
      dispose() {},
    }
  },
}

/**
 * The net as a model with its initial weights, not compiled.
 * @param {typeof import('lanegrad')} L @param {import('../nets.mjs').Net} net
 * @param {import('./index.mjs').Runtime} [runtime]
 */
export function modelOf(L, net, { threads = 1, isRelaxed = false } = {}) {
  const x = L.input({ shape: net.inputShape, dtype: net.inputDtype })
  /** @type {Record<string, any>} */
  const weights = {}
  let value = /** @type {any} */ (x)
  net.layers.forEach((layer, i) => {
    const { units, activation, heads, parts } = layer
    /** Takes over weights of the net under the names of one of our layers. @param {string} own @param {Record<string, string>} names */
    const give = (own, names) => {
      for (const [to, from] of Object.entries(names)) weights[`${own}/${to}`] = layer.weights[from]
      return own
    }
    const same = (/** @type {string[]} */ ...names) => Object.fromEntries(names.map((name) => [name, name]))
    const named = (/** @type {string} */ part, /** @type {Record<string, string>} */ names) => ({
      name: give(`${part}_${i}`, names),
    })
    const norm = (/** @type {string} */ n) =>
      L.layerNormalization({
        epsilon: EPSILON,
        ...named(`norm${n}`, { gamma: `gamma${n}`, beta: `beta${n}` }),
      })
    const gelu = /** @type {const} */ ('gelu')
    switch (layer.type) {
      case 'dense':
        value = L.dense({ units, activation, ...named('dense', same('kernel', 'bias')) })(value)
        break
      case 'conv':
        value = L.conv2d({
          filters: units,
          kernelSize: 3,
          activation,
          ...named('conv', same('kernel', 'bias')),
        })(value)
        break
      case 'pool':
        value = L.maxPooling2d()(value)
        break
      case 'flatten':
        value = L.flatten()(value)
        break
      case 'lstm':
        value = L.lstm({
          units,
          ...named('lstm', { kernel: 'kernel', recurrent_kernel: 'recurrent', bias: 'bias' }),
        })(value)
        break
      case 'embedding': {
        const [inputDim] = layer.weights.embeddings.shape
        value = L.embedding({ inputDim, outputDim: units, ...named('embedding', same('embeddings')) })(value)
        value = L.positionEmbedding(named('position', same('position')))(value)
        break
      }
      case 'block': {
        const keyDim = units / heads
        const projections = same(...['q', 'k', 'v', 'o'].flatMap((own) => [`w${own}`, `b${own}`]))
        const attention = { numHeads: heads, keyDim, causal: true, ...named('attention', projections) }
        value = L.add()(value, L.multiHeadAttention(attention)(norm('1')(value)))
        const up = L.dense({
          units: 4 * units,
          activation: gelu,
          ...named('up', { kernel: 'up', bias: 'upBias' }),
        })
        const down = L.dense({ units, ...named('down', { kernel: 'down', bias: 'downBias' }) })
        value = L.add()(value, down(up(norm('2')(value))))
        break
      }
      case 'norm':
        value = norm('')(value)
        break
      case 'residual': {
        const x = value
        parts.forEach(({ type, activation: fn }, part) => {
          const n = part + 1
          const { shape } = layer.weights[`kernel${n}`]
          const options = {
            kernelSize: shape[0],
            padding: /** @type {const} */ ('same'),
            useBias: false,
            ...named(`conv${n}`, { kernel: `kernel${n}` }),
          }
          value =
            type === 'conv'
              ? L.conv2d({ filters: shape[3], ...options })(value)
              : L.depthwiseConv2d(options)(value)
          const norms = named(`norm${n}`, { gamma: `gamma${n}`, beta: `beta${n}` })
          value = L.batchNormalization({ epsilon: EPSILON, momentum: MOMENTUM, ...norms })(value)
          if (n === parts.length) value = L.add()(value, x)
          if (fn !== 'linear') value = L.activation({ activation: fn })(value)
        })
      }
    }
  })
  const model = L.model({
    inputs: x,
    outputs: value,
    numerics: isRelaxed ? relaxedEntry.relaxed() : null,
    threads: threads > 1 ? threadsEntry.workers(threads) : null,
  })
  model.setWeights({ ...model.getWeights(), ...weights }) // moving statistics keep their own
  return model
}

/** The contract holds bare `export const NAME = integer` lines. @returns {Record<string, number>} */
function abiConstants() {
  const lines = readFileSync(ABI, 'utf8').matchAll(/^export const (\w+) = (\d+)/gm)
  return Object.fromEntries(Array.from(lines, ([, name, value]) => [name, Number(value)]))
}
