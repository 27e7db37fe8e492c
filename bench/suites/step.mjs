// Suite `step`: whole training steps, the copy of the batch included, on batches that change from step to step.
// Enters: subjects that can train. Leaves: rows and complaints. A subject must compute the loss of the very net it
// is given before its first step, and must have lowered it after its last one.
import { interleave } from '../harness.mjs'
import { nets } from '../problems.mjs'
import { rowsOf } from '../report.mjs'

export const name = 'step'

export const cases = () => nets()

/**
 * @param {import('../problems.mjs').Net} net
 * @param {import('../subjects/index.mjs').Subject[]} subjects
 * @param {import('../harness.mjs').Timing} timing
 */
export async function runCase(net, subjects, timing) {
  const errors = []
  const expected = initialLoss(net)
  const running = []
  for (const subject of subjects) {
    if (!subject.trainer) continue
    try {
      await subject.activate?.()
      const trainer = await subject.trainer(net)
      await trainer.step(0)
      const firstLoss = await trainer.loss()
      if (!(Math.abs(firstLoss - expected) <= 1e-3 * expected)) {
        errors.push(`${net.name}: ${subject.name}: the first loss is ${firstLoss}, expected ${expected}`)
      }
      running.push({ subject, trainer, firstLoss })
    } catch (error) {
      errors.push(`${net.name}: ${subject.name}: ${error}`)
    }
  }
  const samples = await interleave(
    running.map(({ subject, trainer }) => ({
      activate: subject.activate,
      run: (/** @type {number} */ i) => trainer.step(i + 1),
    })),
    timing,
  )
  for (const { subject, trainer, firstLoss } of running) {
    await subject.activate?.()
    const lastLoss = await trainer.loss()
    if (!(lastLoss < firstLoss)) {
      errors.push(
        `${net.name}: ${subject.name}: does not train: the loss went from ${firstLoss} to ${lastLoss}`,
      )
    }
    trainer.dispose()
  }
  const measured = running.map(({ subject }, i) => ({ subject: subject.name, samplesMs: samples[i] }))
  return { rows: rowsOf(name, net.name, net.unit, measured), errors }
}

/** Loss of the initial weights on the first batch, in float64. @param {import('../problems.mjs').Net} net */
function initialLoss({ units, hidden, loss, weights, batches: [{ x, y }], batchSize }) {
  let sum = 0
  for (let row = 0; row < batchSize; row++) {
    let layer = Array.from(x.subarray(row * units[0], (row + 1) * units[0]))
    weights.forEach(({ kernel, bias }, i) => {
      const isLast = i === weights.length - 1
      const next = Array.from(bias, (start, j) =>
        layer.reduce((s, v, t) => s + v * kernel[t * bias.length + j], start),
      )
      layer = isLast ? next : next.map((z) => (hidden === 'relu' ? Math.max(z, 0) : Math.tanh(z)))
    })
    if (loss === 'mse')
      sum += layer.reduce((s, v, j) => s + (v - y[row * layer.length + j]) ** 2, 0) / layer.length
    else sum += Math.log(layer.reduce((s, v) => s + Math.exp(v), 0)) - layer[y[row]]
  }
  return sum / batchSize
}
