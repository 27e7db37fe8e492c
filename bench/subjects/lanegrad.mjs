// Subject `lanegrad`: this project, as built: dist/index.js for training, build/core.wasm for bare products.
// Needs `npm run build` first. A step passes the batch's own typed arrays, so its copy is inside the timing.
import { existsSync, readFileSync } from 'node:fs'
import { installedVersion } from './index.mjs'

const CORE = new URL('../../build/core.wasm', import.meta.url)
const ABI = new URL('../../assembly/abi.ts', import.meta.url)

/** @type {typeof import('lanegrad')} */
let lanegrad

/** @type {import('./index.mjs').Subject} */
export const subject = {
  name: 'lanegrad',
  version: () => installedVersion('lanegrad'),
  optimizers: ['adam', 'sgd'],

  async available() {
    if (!existsSync(CORE)) return 'not built yet (no build/core.wasm): npm run build'
    try {
      lanegrad = await import('lanegrad')
    } catch (error) {
      if (error.code === 'ERR_MODULE_NOT_FOUND') return 'not built yet (no dist/index.js): npm run build'
      throw error
    }
    return null
  },

  trainer(net) {
    const { adam, dense, meanSquaredError, sequential, sgd, sparseCategoricalCrossentropy } = lanegrad
    const layers = net.units
      .slice(1)
      .map((units, i) => dense(i === net.units.length - 2 ? { units } : { units, activation: net.hidden }))
    const model = sequential({ inputShape: [net.units[0]], layers, seed: 1 })
    const { learningRate } = net
    model.compile({
      optimizer: net.optimizer === 'adam' ? adam({ learningRate }) : sgd({ learningRate }),
      loss: net.loss === 'mse' ? meanSquaredError() : sparseCategoricalCrossentropy({ fromLogits: true }),
    })
    const named = net.weights.flatMap(({ kernel, bias }, i) => [
      [`dense_${i + 1}/kernel`, kernel],
      [`dense_${i + 1}/bias`, bias],
    ])
    model.setWeights(Object.fromEntries(named))
    const { batches } = net
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

  // ---- the core alone: a program of one matmul instruction, run in place -----------------------------------------
  matmul({ form, m, k, n, a, b }) {
    const abi = abiConstants()
    const core = /** @type {any} */ (
      new WebAssembly.Instance(new WebAssembly.Module(readFileSync(CORE)), {
        env: { memory: new WebAssembly.Memory({ initial: 1 }) },
      }).exports
    )
    const align = (/** @type {number} */ bytes) => Math.ceil(bytes / abi.ALIGNMENT) * abi.ALIGNMENT
    const arena = align(core.arenaBase())
    const program = arena + abi.HEADER_BYTES
    const operandCount = 11
    const aAt = align(program + 4 * (1 + operandCount))
    const bAt = align(aAt + a.byteLength)
    const cAt = align(bAt + b.byteLength)
    const scratchAt = align(cAt + 4 * m * n)
    // one tile of C, a panel of B, a block of A: see kernels/gemm.ts
    const scratchFloats =
      abi.TILE_ROWS * abi.TILE_COLS + abi.BLOCK_DEPTH * abi.TILE_COLS + abi.BLOCK_ROWS * abi.BLOCK_DEPTH
    if (!core.reserve(align(scratchAt + 4 * scratchFloats)))
      throw new Error('lanegrad: the memory did not grow')
    const transpose = form === 'At.B' ? abi.MATMUL_TRANSPOSE_A : form === 'A.Bt' ? abi.MATMUL_TRANSPOSE_B : 0
    const words = new Uint32Array(core.memory.buffer, program, 1 + operandCount)
    words[0] = core.kernelAt(0) | (words.length << 16) // matmul is the first of the core's kernels
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

/** The contract holds bare `export const NAME = integer` lines. @returns {Record<string, number>} */
function abiConstants() {
  const lines = readFileSync(ABI, 'utf8').matchAll(/^export const (\w+) = (\d+)/gm)
  return Object.fromEntries(Array.from(lines, ([, name, value]) => [name, Number(value)]))
}
