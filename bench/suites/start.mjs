// Suite `start`: what it costs until something is trained, in fresh processes: CPU time from the import to the end of
// the first training step; and the time a plan takes, the first of a process and one more.
// Enters: subjects that can train. Leaves: rows and complaints.

import { NETS } from '../nets.mjs'
import { startTorch } from '../peers/torch.mjs'
import { OURS, rowsOf } from '../report.mjs'
import { askChild } from './children.mjs'

export const name = 'start'
export const title = 'import to first training step, CPU ms; a plan, ms (less is better)'

const NET = '784-128-10'
const CPU = 'first step, CPU'
/** Fresh processes, each. */
const RUNS = 10

export const cases = () => [
  { name: CPU, net: NET },
  ...[NET, 'transformer-12'].flatMap((net) => [
    { name: `plan ${net}`, net, time: /** @type {const} */ ('ms') },
    { name: `again ${net}`, net, time: /** @type {const} */ ('againMs') },
  ]),
]

/** Beyond the start of Python by itself. */
async function torchCpuMs() {
  const torch = startTorch(1)
  try {
    const handle = await torch.net(NETS[NET]({ batchCount: 1 }))
    await handle.timed('step')(0, 1)
    return await torch.cpuMs()
  } finally {
    torch.stop()
  }
}

/**
 * @param {ReturnType<typeof cases>[number]} one
 * @param {import('../subjects/index.mjs').Subject[]} subjects
 * @param {import('../harness.mjs').Timing} timing
 */
export async function runCase(one, subjects, timing) {
  const runs = Math.min(RUNS, timing.rounds)
  const errors = []
  const chosen = subjects.filter(
    ({ name: subject, trainer }) => trainer && (one.name === CPU || subject === OURS),
  )
  const samples = chosen.map(() => /** @type {number[]} */ ([]))
  for (let i = 0; i < runs; i++) {
    for (const [at, { name: subject }] of chosen.entries()) {
      try {
        if ('time' in one) samples[at].push((await askChild('plan', one.net))[one.time])
        else if (subject === 'pytorch') samples[at].push(await torchCpuMs())
        else samples[at].push((await askChild('first', one.net, subject)).cpuMs)
      } catch (error) {
        errors.push(`${one.name}: ${subject}: ${error}`)
      }
    }
  }
  const measured = chosen.flatMap(({ name: subject }, at) =>
    samples[at].length ? { subject, samplesMs: samples[at] } : [],
  )
  return { rows: rowsOf(name, one.name, 'ms', measured), errors, notes: [] }
}
