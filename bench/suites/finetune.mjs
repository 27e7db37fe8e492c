// Suite `finetune`: a net that others trained (MobileNetV2 of npm nsfwjs, 2.6 million weights, images of 224 x 224) learns ten
// classes: a step of a new head on the frozen trunk, and of all weights; how long loading takes, and the outputs of one image. TensorFlow.js's plain JavaScript
// has seconds for the trunk of a single image and no step of all weights within 25 minutes, so it has the head of one image alone; its
// wasm can't train convolutions.
// Enters: subjects that load layers-models of TensorFlow.js. Leaves: rows, complaints, and why a subject can't.
import { interleave } from '../harness.mjs'
import { partsOf, tuningOf } from '../pretrained/nets.mjs'
import { OURS, rowsOf } from '../report.mjs'
import { TOO_SLOW } from '../subjects/index.mjs'
import { entriesOf, haveTrained } from './checks.mjs'

export const name = 'finetune'
export const title = 'a pretrained net, ms (less is better)'

/** @typedef {{ name: string, net: string, what: 'load' | 'predict' } | { name: string, what: 'head' | 'whole', batchSize: number }} Case */

/** @returns {Case[]} */
export const cases = () => [
  ...['mobilenet_v2', 'inception_v3'].map((net) => ({
    name: `load ${net}`,
    net,
    what: /** @type {const} */ ('load'),
  })),
  { name: 'head b1', what: 'head', batchSize: 1 },
  { name: 'predict b1', net: 'mobilenet_v2', what: 'predict' },
  { name: 'head b16', what: 'head', batchSize: 16 },
  { name: 'whole b16', what: 'whole', batchSize: 16 },
]

/**
 * @param {import('../subjects/index.mjs').Subject} subject @param {Extract<Case, { batchSize: number }>} one
 * @param {boolean} isQuick
 */
function whyNot({ name: subject, cannot }, { what, batchSize }, isQuick) {
  if (subject === 'tfjs-cpu') {
    if (what === 'whole') return 'no step within 25 minutes'
    if (batchSize > 1 || isQuick) return TOO_SLOW
  }
  return what === 'whole' ? (cannot?.(/** @type {any} */ ({ kind: 'conv' }), 'train') ?? null) : null
}

/** @param {Extract<Case, { net: string }>} one @param {import('../subjects/index.mjs').Subject[]} subjects @param {import('../harness.mjs').Timing} timing */
async function timeLoading(one, subjects, timing) {
  const parts = partsOf(one.net)
  const running = subjects.filter(({ pretrained }) => pretrained?.load)
  const samples = await interleave(
    running.map(({ activate, pretrained }) => ({
      activate,
      run: async () => (await /** @type {any} */ (pretrained).load(parts)).dispose(),
    })),
    timing,
  )
  const measured = running.map(({ name: subject }, i) => ({ subject, samplesMs: samples[i] }))
  return { rows: rowsOf(name, one.name, 'ms', measured), errors: [], notes: [] }
}

/** Outputs of one image, compared with ours. @param {Extract<Case, { net: string }>} one @param {import('../subjects/index.mjs').Subject[]} subjects @param {import('../harness.mjs').Timing} timing */
async function timePrediction(one, subjects, timing) {
  const parts = partsOf(one.net)
  const shape = [1, 224, 224, 3]
  const x = Float32Array.from({ length: 224 * 224 * 3 }, (_, i) => ((i * 7919) % 256) / 255)
  const errors = []
  const running = []
  /** @type {Float32Array | null} */
  let ours = null
  for (const subject of subjects) {
    if (!subject.pretrained) continue
    await subject.activate?.()
    const predictor = await subject.pretrained.predictor(parts, x, shape)
    const y = Float32Array.from(await predictor.run(0))
    if (subject.name === OURS) ours = y
    const isFar = ours?.some((own, i) => Math.abs(own - y[i]) > 1e-4)
    if (isFar) errors.push(`${one.name}: ${subject.name}: its outputs are ${y}, ours ${ours}`)
    running.push({ subject, predictor })
  }
  const samples = await interleave(
    running.map(({ subject: { activate }, predictor: { run } }) => ({ activate, run })),
    timing,
  )
  for (const { predictor } of running) predictor.dispose()
  const measured = running.map(({ subject }, i) => ({ subject: subject.name, samplesMs: samples[i] }))
  return { rows: rowsOf(name, one.name, 'ms', measured), errors, notes: [] }
}

/**
 * @param {Case} one
 * @param {import('../subjects/index.mjs').Subject[]} subjects
 * @param {import('../harness.mjs').Timing} timing
 * @returns {Promise<import('./index.mjs').Result>}
 */
export async function runCase(one, subjects, timing) {
  if (one.what === 'load') return timeLoading(one, subjects, timing)
  if (one.what === 'predict') return timePrediction(one, subjects, timing)
  const tuning = tuningOf(one.what, one.batchSize)
  const errors = []
  const notes = []
  const running = []
  let expected = Number.NaN
  for (const subject of subjects) {
    const { tune } = subject.pretrained ?? {}
    if (!tune) continue
    const reason = whyNot(subject, one, timing.mostMs < 1000)
    if (reason) {
      notes.push({ subject: subject.name, net: one.name, reason })
      continue
    }
    try {
      await subject.activate?.()
      const trainer = await tune(tuning)
      await trainer.step(0)
      const firstLoss = await trainer.loss()
      if (subject.name === OURS) expected = firstLoss
      if (Math.abs(firstLoss - expected) > 1e-3 * expected)
        errors.push(`${one.name}: ${subject.name}: the first loss is ${firstLoss}, ours ${expected}`)
      running.push({ subject, variant: undefined, trainer, firstLoss })
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      // what a backend lacks, in its own words
      if (/Kernel '.*' not registered/.test(message))
        notes.push({ subject: subject.name, net: one.name, reason: message })
      else errors.push(`${one.name}: ${subject.name}: ${message}`)
    }
  }
  const samples = await interleave(entriesOf(running), timing)
  errors.push(...(await haveTrained(/** @type {any} */ ({ name: one.name }), running)))
  const measured = running.map(({ subject }, i) => ({ subject: subject.name, samplesMs: samples[i] }))
  return { rows: rowsOf(name, one.name, 'ms', measured), errors, notes }
}
