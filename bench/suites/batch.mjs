// Suite `batch`: what a sample costs in training steps of batches of 1 to 1024.
// Enters: the subjects named below, if they are among those wanted. Leaves: rows, x = batch size, a series a subject.
import { interleave } from '../harness.mjs'
import { multiplyAddLimit } from '../limit.mjs'
import { NETS } from '../nets.mjs'
import { OURS, rowsOf } from '../report.mjs'
import { entriesOf, haveTrained, trainersOf } from './checks.mjs'

export const name = 'batch'
export const title = 'a training step by batch size, us a sample (less is better)'

const NET = '784-128-10'
const SUBJECTS = [OURS, 'tfjs-wasm', 'pytorch']

export const cases = () => [1, 4, 16, 64, 256, 1024].map((size) => ({ name: `${NET} b${size}`, size }))

/**
 * @param {ReturnType<typeof cases>[number]} one
 * @param {import('../subjects/index.mjs').Subject[]} subjects
 * @param {import('../harness.mjs').Timing} timing
 */
export async function runCase({ size }, subjects, timing) {
  const net = NETS[NET]({ batchSize: size, batchCount: Math.min(16, 4096 / size) })
  const wanted = subjects.filter((subject) => SUBJECTS.includes(subject.name)).map((subject) => ({ subject }))
  const { running, errors, notes } = await trainersOf(net, wanted)
  const limit = multiplyAddLimit()
  const samples = await interleave([...entriesOf(running), { run: limit.run }], timing)
  errors.push(...(await haveTrained(net, running)))
  const most = limit.flopsPerCall / Math.min(...samples[running.length])
  const measured = running.map(({ subject: { name: subject } }, i) => ({
    subject,
    samplesMs: samples[i].map((ms) => ms / size),
    share: subject === OURS ? (net.flopsPerSample * size) / Math.min(...samples[i]) / most : null,
    x: size,
    series: subject,
  }))
  return { rows: rowsOf(name, net.name, 'us/sample', measured), errors, notes }
}
