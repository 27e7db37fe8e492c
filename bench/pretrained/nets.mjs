// The nets of suite `finetune`: layers-models of TensorFlow.js inside npm nsfwjs, which is installed on first use.
// Enters: a name. Leaves: the parts of the file, and what is trained on it. Weights of the head and images are the same for all
// subjects.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { npmCommand } from '../../scripts/npm.mjs'

const FOLDER = new URL('./', import.meta.url)
const MODELS = new URL('node_modules/nsfwjs/dist/models/', FOLDER)
const require = createRequire(import.meta.url)

/** @typedef {{ modelJson: any, weights: Uint8Array[] }} Parts */

/**
 * @typedef {object} Tuning
 * @property {Parts} parts
 * @property {string} features  the layer whose outputs the head gets
 * @property {'head' | 'whole'} what  a frozen trunk under a new head, or all weights; batch normalization by the batch's statistics
 *   where it trains
 * @property {number} batchSize
 * @property {number} classes
 * @property {number} width  of the features
 * @property {number} learningRate  of plain SGD
 * @property {readonly number[]} shape  of an image
 * @property {Float32Array} x @property {Int32Array} y
 * @property {Float32Array} kernel  of the head, [width, classes]; its bias is 0
 */

function install() {
  if (existsSync(MODELS)) return
  console.log('installing the packages of bench/pretrained (nsfwjs), once ...')
  const flags = '--prefix . --ignore-scripts --legacy-peer-deps --no-package-lock --no-audit --no-fund'
  const [program, args] = npmCommand(['install', ...flags.split(' ')])
  const { status, stderr } = spawnSync(program, args, { cwd: fileURLToPath(FOLDER), encoding: 'utf8' })
  if (status !== 0) throw new Error(`npm install in bench/pretrained failed:\n${stderr}`)
}

/** @type {Map<string, Parts>} */
const known = new Map()

/** The model.json and the shards of a net. @param {string} name @returns {Parts} */
export function partsOf(name) {
  const there = known.get(name)
  if (there) return there
  install()
  const folder = new URL(`${name}/`, MODELS)
  const read = (/** @type {string} */ file) => require(fileURLToPath(new URL(file, folder)))
  const shards = readdirSync(folder).filter((file) => file.includes('shard'))
  const weights = shards.sort().map((file) => new Uint8Array(Buffer.from(read(file), 'base64')))
  const parts = { modelJson: read('model.min.js'), weights }
  known.set(name, parts)
  return parts
}

/** MobileNetV2 under a head for ten classes. @param {'head' | 'whole'} what @param {number} batchSize @returns {Tuning} */
export function tuningOf(what, batchSize) {
  const [shape, classes, width] = [[224, 224, 3], 10, 1280]
  const fill = (/** @type {number} */ count, /** @type {number} */ scale) =>
    Float32Array.from({ length: count }, (_, i) => scale * (((i * 7919) % 256) / 255))
  return {
    parts: partsOf('mobilenet_v2'),
    features: 'flatten_1',
    ...{ what, batchSize, classes, width, shape, learningRate: 1e-3 },
    x: fill(batchSize * 224 * 224 * 3, 1),
    y: Int32Array.from({ length: batchSize }, (_, i) => i % classes),
    kernel: fill(width * classes, 0.05).map((v) => v - 0.025),
  }
}
