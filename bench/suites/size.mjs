// Suite `size`: what a page loads, bundled, minified and gzipped, its WebAssembly included.
// Subjects that only predict are among `everything`.
// Enters: which subjects are wanted. Leaves: rows. esbuild is that of the root, which the build needs anyway.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { rowsOf } from '../report.mjs'

export const name = 'size'
export const title = 'what a page loads, gzipped, KB of 1000 bytes (less is better)'

const BENCH = fileURLToPath(new URL('..', import.meta.url))
const TF_WASM = '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm'
const dense = `
  import { adam, dense, sequential, sparseCategoricalCrossentropy } from 'lanegrad'
  const model = sequential({ inputShape: [784], layers: [dense({ units: 128, activation: 'relu' }), dense({ units: 10 })] })
  model.compile({ optimizer: adam(), loss: sparseCategoricalCrossentropy({ fromLogits: true }) })
  console.log(model)`
const tfDense = (/** @type {string} */ backend) => `
  import '@tensorflow/tfjs-backend-${backend}'
  import * as tf from '@tensorflow/tfjs-layers'
  const model = tf.sequential({ layers: [
    tf.layers.dense({ inputShape: [784], units: 128, activation: 'relu' }), tf.layers.dense({ units: 10 })] })
  model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' })
  console.log(model)`
const all = (/** @type {string[]} */ ...names) =>
  names.map((from, i) => `import * as all${i} from '${from}'; console.log(all${i})`).join('\n')

/** Program, and the files it fetches. @type {Record<string, Record<string, [string, string[]]>>} */
const PROGRAMS = {
  'train 784-128-10': {
    lanegrad: [dense, []],
    'tfjs-wasm': [tfDense('wasm'), [TF_WASM]],
    'tfjs-cpu': [tfDense('cpu'), []],
    convnetjs: [`import convnet from 'convnetjs'; console.log(convnet.Net, convnet.SGDTrainer)`, []],
    'jax-js': [
      `import { init, jit, nn, numpy, valueAndGrad } from '@jax-js/jax'; console.log(init, jit, nn, numpy, valueAndGrad)`,
      [],
    ],
  },
  everything: {
    lanegrad: [all('lanegrad'), []],
    'tfjs-wasm': [
      all('@tensorflow/tfjs-core', '@tensorflow/tfjs-layers', '@tensorflow/tfjs-backend-wasm'),
      [TF_WASM],
    ],
    'tfjs-cpu': [all('@tensorflow/tfjs-core', '@tensorflow/tfjs-layers', '@tensorflow/tfjs-backend-cpu'), []],
    convnetjs: [all('convnetjs'), []],
    'jax-js': [all('@jax-js/jax'), []],
    'onnxruntime-web': [
      all('./node_modules/onnxruntime-web/dist/ort.wasm.min.mjs'),
      ['onnxruntime-web/dist/ort-wasm-simd-threaded.mjs', 'onnxruntime-web/dist/ort-wasm-simd-threaded.wasm'],
    ],
  },
}

export const cases = () => Object.keys(PROGRAMS).map((program) => ({ name: program }))

const gzipped = (/** @type {Uint8Array} */ bytes) => gzipSync(bytes, { level: 9 }).length

/** @param {string} contents @param {string[]} files */
async function bytesOf(contents, files) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: BENCH },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    charset: 'utf8',
    external: [
      'fs',
      'path',
      'crypto',
      'worker_threads',
      'perf_hooks',
      'os',
      'util',
      'string_decoder',
      'node:*',
      'module',
    ],
    tsconfigRaw: {}, // the root's points lanegrad at its sources
    logLevel: 'error',
    write: false,
  })
  const fetched = files.map((file) =>
    gzipped(readFileSync(new URL(`../node_modules/${file}`, import.meta.url))),
  )
  return fetched.reduce((a, b) => a + b, gzipped(outputFiles[0].contents))
}

/**
 * @param {ReturnType<typeof cases>[number]} one
 * @param {import('../subjects/index.mjs').Subject[]} subjects
 */
export async function runCase(one, subjects) {
  const errors = []
  const measured = []
  for (const [subject, [program, files]] of Object.entries(PROGRAMS[one.name])) {
    if (!subjects.some((wanted) => wanted.name === subject)) continue
    try {
      measured.push({ subject, samplesMs: [(await bytesOf(program, files)) / 1e3] })
    } catch (error) {
      errors.push(`${one.name}: ${subject}: ${error}`)
    }
  }
  return { rows: measured.length ? rowsOf(name, one.name, 'KB', measured) : [], errors, notes: [] }
}
