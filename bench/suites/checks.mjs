// What suites share: making a subject ready for a net, first checks, and the reasons why some take no part.
import { initialLoss as lossOf, outputsOf } from '../reference.mjs'

/** @typedef {import('../subjects/index.mjs').Runtime} Runtime */
/** @typedef {import('../nets.mjs').Net} Net @typedef {import('../subjects/index.mjs').Subject} Subject */

/** @type {Map<string, number>} */
const losses = new Map()
/** In float64, computed once for each net and batch size. @param {Net} net */
function initialLoss(net) {
  const key = `${net.name} ${net.batchSize}`
  const known = losses.get(key) ?? lossOf(net)
  losses.set(key, known)
  return known
}

/**
 * Trainers that have made their first step from the given weights and shown the loss of the very net they were given.
 * @param {Net} net
 * @param {{ subject: Subject, runtime?: Runtime, variant?: import('../subjects/index.mjs').Variant }[]} wanted
 */
export async function trainersOf(net, wanted) {
  const errors = []
  const notes = []
  const running = []
  const expected = initialLoss(net)
  for (const { subject, runtime, variant } of wanted) {
    if (!subject.trainer) continue
    const reason = subject.cannot?.(net, 'train')
    if (reason) {
      notes.push({ subject: subject.name, net: net.name, reason })
      continue
    }
    try {
      await subject.activate?.()
      const trainer = await subject.trainer(net, runtime)
      await trainer.step(0)
      const firstLoss = await trainer.loss()
      if (!(Math.abs(firstLoss - expected) <= 1e-4 * expected)) {
        errors.push(`${net.name}: ${subject.name}: the first loss is ${firstLoss}, expected ${expected}`)
      }
      running.push({ subject, variant, trainer, firstLoss })
    } catch (error) {
      errors.push(`${net.name}: ${subject.name}: ${error}`)
    }
  }
  return { running, errors, notes }
}

/**
 * Once more the batch of the first step: its loss must have become lower. Frees the trainers.
 * @param {Net} net @param {Awaited<ReturnType<typeof trainersOf>>['running']} running
 */
export async function haveTrained(net, running) {
  const errors = []
  for (const { subject, trainer, firstLoss } of running) {
    await subject.activate?.()
    await trainer.step(0)
    const lastLoss = await trainer.loss()
    if (!(lastLoss < firstLoss)) {
      const course = `the loss of the first batch went from ${firstLoss} to ${lastLoss}`
      errors.push(`${net.name}: ${subject.name}: does not train: ${course}`)
    }
    trainer.dispose()
  }
  return errors
}

/** @param {Awaited<ReturnType<typeof trainersOf>>['running']} running @returns {import('../harness.mjs').Entry[]} */
export const entriesOf = (running) =>
  running.map(({ subject, trainer: { step, time } }) => ({
    activate: subject.activate,
    run: (i) => step(i + 1),
    time: time && ((from, count) => time(from + 1, count)),
  }))

/** What is wrong with outputs on the first batch: null if nothing. @param {Net} net @param {ArrayLike<number>} outputs */
export function wrongOutput(net, outputs) {
  const count = net.batchSize * net.labelsPerSample * net.outputs
  if (outputs.length !== count) return `there are ${outputs.length} outputs, expected ${count}`
  const expected = outputsOf(net, Math.min(net.batchSize, 2))
  const most = expected.reduce((a, v) => Math.max(a, Math.abs(v)), 0)
  const at = expected.findIndex((v, i) => !(Math.abs(outputs[i] - v) <= 1e-4 * most))
  return at < 0 ? null : `output ${at} is ${outputs[at]}, expected ${expected[at]}`
}
