// Suite `predict`: inference, from typed arrays to typed arrays, one sample at a time and in batches.
// Enters: subjects that can predict. Leaves: rows and complaints. Each subject's outputs are compared with float64 ones
// first, and all of a batch's with lanegrad's.
import { interleave } from '../harness.mjs'
import { multiplyAddLimit } from '../limit.mjs'
import { NETS, nets } from '../nets.mjs'
import { OURS, rowsOf } from '../report.mjs'
import { wrongOutput } from './checks.mjs'

export const name = 'predict'
export const title = 'outputs of a batch, ms or us (less is better)'

const BATCH_SIZES = [1, 64]

/** The smallest net has one size, that of its four cases. */
export const cases = () =>
  nets().flatMap(({ name: net }) =>
    net === '2-8-1'
      ? { name: `${net} b4`, net, batchSize: 4 }
      : BATCH_SIZES.map((batchSize) => ({ name: `${net} b${batchSize}`, net, batchSize })),
  )

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
function farApart(a, b) {
  let most = 0
  let difference = 0
  for (let i = 0; i < a.length; i++) {
    most = Math.max(most, Math.abs(b[i]))
    difference = Math.max(difference, Math.abs(a[i] - b[i]))
  }
  return difference <= 1e-4 * most ? null : `its outputs differ from lanegrad's by ${difference}`
}

/**
 * @param {ReturnType<typeof cases>[number]} one
 * @param {import('../subjects/index.mjs').Subject[]} subjects
 * @param {import('../harness.mjs').Timing} timing
 */
export async function runCase(one, subjects, timing) {
  const net = NETS[one.net]({ batchSize: one.batchSize, batchCount: 4 })
  const errors = []
  const notes = []
  const running = []
  /** @type {ArrayLike<number> | null} */
  let ours = null
  for (const subject of subjects) {
    if (!subject.predictor) continue
    const reason = subject.cannot?.(net, 'predict')
    if (reason) {
      notes.push({ subject: subject.name, net: one.net, reason })
      continue
    }
    try {
      await subject.activate?.()
      const predictor = await subject.predictor(net)
      const outputs = await predictor.run(0)
      if (subject.name === OURS) ours = Float32Array.from(outputs)
      const wrong = wrongOutput(net, outputs) ?? (ours && farApart(outputs, ours))
      if (wrong) errors.push(`${one.name}: ${subject.name}: ${wrong}`)
      running.push({ subject, predictor })
    } catch (error) {
      errors.push(`${one.name}: ${subject.name}: ${error}`)
    }
  }
  const limit = multiplyAddLimit()
  const entries = running.map(({ subject: { activate }, predictor: { run, time } }) => ({
    activate,
    run,
    time,
  }))
  const samples = await interleave([...entries, { run: limit.run }], timing)
  for (const { subject, predictor } of running) {
    await subject.activate?.()
    predictor.dispose()
  }
  const most = limit.flopsPerCall / Math.min(...samples[running.length])
  const flops = net.forwardFlopsPerSample * net.batchSize
  const unit = flops < 1e6 ? 'us' : 'ms'
  const measured = running.map(({ subject }, i) => ({
    subject: subject.name,
    samplesMs: samples[i],
    share: subject.name === OURS ? flops / Math.min(...samples[i]) / most : null,
  }))
  return { rows: rowsOf(name, one.name, unit, measured), errors, notes }
}
