// Suite `step`: whole training steps, the copy of the batch included, on batches that change from step to step.
// Enters: subjects that can train. Leaves: rows and complaints. A subject must compute the loss of the very net it
// is given in its first step, and must have lowered it after its last one.
import { interleave } from '../harness.mjs'
import { beyond, multiplyAddLimit } from '../limit.mjs'
import { nets } from '../nets.mjs'
import { OURS, rowsOf } from '../report.mjs'
import { entriesOf, haveTrained, trainersOf } from './checks.mjs'

export const name = 'step'
export const title = 'one training step, batch copied in, ms or us (less is better)'

export const cases = () => nets()

/**
 * @param {ReturnType<typeof nets>[number]} one
 * @param {import('../subjects/index.mjs').Subject[]} subjects
 * @param {import('../harness.mjs').Timing} timing
 */
export async function runCase(one, subjects, timing) {
  const net = one.make()
  const { running, errors, notes } = await trainersOf(
    net,
    subjects.map((subject) => ({ subject })),
  )
  const limit = multiplyAddLimit()
  const samples = await interleave([...entriesOf(running), { run: limit.run }], timing)
  errors.push(...(await haveTrained(net, running)))
  const most = limit.flopsPerCall / Math.min(...samples[running.length])
  const flops = net.flopsPerSample * net.batchSize
  const measured = running.map(({ subject }, i) => ({
    subject: subject.name,
    samplesMs: samples[i],
    share: subject.name === OURS ? flops / Math.min(...samples[i]) / most : null,
    note: subject.optimizers.includes(net.optimizer) ? null : 'SGD',
  }))
  // convolutions take fewer multiplications than are counted
  if (net.kind !== 'conv' && net.kind !== 'residual')
    for (const { share } of measured) errors.push(...beyond(net.name, share ?? 0))
  return { rows: rowsOf(name, net.name, net.unit, measured), errors, notes }
}
