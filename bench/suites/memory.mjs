// Suite `memory`: what a model in training holds. Of lanegrad the arena against what must be alive at once (weights,
// gradients, slots, inputs, and the least the intermediate values need), as `inspect` tells; of every subject how much a
// fresh process grows from its import to the end of its third training step.
// Enters: subjects that can train. Leaves: rows, and the reasons of those that can't.
import { NETS, nets } from '../nets.mjs'
import { startTorch } from '../peers/torch.mjs'
import { OURS, rowsOf } from '../report.mjs'
import { modelOf } from '../subjects/lanegrad.mjs'
import { askChild } from './children.mjs'

export const name = 'memory'
export const title = 'a model in training, MB (less is better); rss: growth of a process'

const STEPS = 3
/** Fresh processes, each; one with --quick. */
const RUNS = 3

export const cases = () =>
  nets().flatMap(({ name: net }) => [
    { name: net, net, isArena: true },
    { name: `${net} rss`, net, isArena: false },
  ])

/** Bytes from `inspect`'s text. @param {import('../nets.mjs').Net} net */
async function arenaOf(net) {
  const lanegrad = await import('lanegrad')
  const model = modelOf(lanegrad, net)
  const loss =
    net.loss === 'mse'
      ? lanegrad.meanSquaredError()
      : lanegrad.sparseCategoricalCrossentropy({ fromLogits: true })
  model.compile({ optimizer: net.optimizer, loss })
  const { inspect } = await import('lanegrad/inspect')
  const { memory } = inspect(model, { batchSize: net.batchSize })
  model.dispose()
  const numbers = (/** @type {string} */ text) =>
    (text.match(/\d[\d,]*/g) ?? []).map((part) => Number(part.replaceAll(',', '')))
  const regions = memory
    .split('\n\n')[0]
    .split('\n')
    .slice(2)
    .map((line) => numbers(line.replace(/^.*?\s{2,}/, '')))
  const [peak, least] = numbers(/** @type {string} */ (memory.split('\n').at(-1)))
  const all = Math.max(...regions.map(([, end]) => end))
  return { arena: all, bound: all - peak + least }
}

/** @param {string} net */
async function torchMegabytes(net) {
  const torch = startTorch(1)
  try {
    const handle = await torch.net(NETS[net]({ batchCount: 1 }))
    await handle.timed('step')(0, STEPS)
    return await torch.megabytes()
  } finally {
    torch.stop()
  }
}

/**
 * @param {ReturnType<typeof cases>[number]} one
 * @param {import('../subjects/index.mjs').Subject[]} subjects
 * @param {import('../harness.mjs').Timing} timing
 */
export async function runCase(one, subjects, { rounds }) {
  const errors = /** @type {string[]} */ ([])
  const notes = /** @type {import('./index.mjs').Result['notes']} */ ([])
  const net = NETS[one.net]({ batchCount: 1 })
  const measured = []
  if (one.isArena) {
    if (!subjects.some((subject) => subject.name === OURS)) return { rows: [], errors, notes }
    const { arena, bound } = await arenaOf(net)
    measured.push(
      { subject: OURS, samplesMs: [arena / 1e6] },
      { subject: 'live bytes bound', samplesMs: [bound / 1e6] },
    )
  } else {
    for (const subject of subjects.filter(({ trainer }) => trainer)) {
      const reason = subject.cannot?.(net, 'train')
      if (reason) {
        notes.push({ subject: subject.name, net: net.name, reason })
        continue
      }
      try {
        const samplesMs = []
        for (let i = 0; i < Math.min(RUNS, Math.ceil(rounds / 5)); i++) {
          const isTorch = subject.name === 'pytorch'
          samplesMs.push(
            isTorch
              ? await torchMegabytes(net.name)
              : (await askChild('first', net.name, subject.name, String(STEPS))).megabytes,
          )
        }
        measured.push({ subject: subject.name, samplesMs })
      } catch (error) {
        errors.push(`${one.name}: ${subject.name}: ${error}`)
      }
    }
  }
  return { rows: rowsOf(name, one.name, 'MB', measured), errors, notes }
}
