// Suite `threads`: whole training steps on 1 to all cores, and with relaxed arithmetic where the engine has it.
// Enters: subjects that can train on several threads. Leaves: rows, x = threads, a series for each kind of arithmetic.
// Ratios are to lanegrad on one thread with exact arithmetic.
import { availableParallelism } from 'node:os'
import { interleave } from '../harness.mjs'
import { multiplyAddLimit } from '../limit.mjs'
import { nets } from '../nets.mjs'
import { OURS, rowsOf } from '../report.mjs'
import { entriesOf, haveTrained, trainersOf } from './checks.mjs'

export const name = 'threads'
export const title = 'one training step on several threads, ms or us (less is better)'

export const cases = () => nets()

/**
 * @param {ReturnType<typeof nets>[number]} one
 * @param {import('../subjects/index.mjs').Subject[]} subjects
 * @param {import('../harness.mjs').Timing} timing
 */
export async function runCase(one, subjects, timing) {
  const net = one.make()
  const wanted = []
  for (const subject of subjects) {
    const variants = (await subject.variants?.(availableParallelism())) ?? []
    wanted.push(...variants.map((variant) => ({ subject, variant, runtime: variant.runtime })))
  }
  const { running, errors, notes } = await trainersOf(net, wanted)
  const limit = multiplyAddLimit()
  const samples = await interleave([...entriesOf(running), { run: limit.run }], timing)
  errors.push(...(await haveTrained(net, running)))
  const most = limit.flopsPerCall / Math.min(...samples[running.length])
  const flops = net.flopsPerSample * net.batchSize
  const measured = running.map(({ variant, subject }, i) => {
    const { name: label, series, threads } = /** @type {NonNullable<typeof variant>} */ (variant)
    // the limit is that of one thread without fused multiply-add: nothing else has a share of it
    const share = label === OURS ? flops / Math.min(...samples[i]) / most : null
    const note = subject.optimizers.includes(net.optimizer) ? null : 'SGD'
    return { subject: label, samplesMs: samples[i], x: threads, series, share, note }
  })
  return { rows: rowsOf(name, net.name, net.unit, measured), errors, notes }
}
