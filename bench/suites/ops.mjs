// Suite `ops`: each operation of a training step by itself, from the profile of a small net that has it: arithmetic in
// GFLOP/s against the multiply-add limit, movement in GB/s against a copy of as many bytes.
// Enters: nothing of the peers; this suite is about our own kernels. Leaves: rows of lanegrad and of the limit.
// Bytes are what an operation must read and write once; flops those of its products alone.
import { multiplyAddLimit } from '../limit.mjs'
import { LIMIT, OURS, ownLine, rowsOf } from '../report.mjs'

export const name = 'ops'
export const title = 'one operation of a training step, GFLOP/s or GB/s (more is better)'

const BATCH = 64
const floats = (/** @type {number[]} */ ...shape) => 4 * shape.reduce((a, b) => a * b, 1)

/**
 * @typedef {object} OpCase
 * @property {string} name
 * @property {(lanegrad: typeof import('lanegrad')) => any[]} layers
 * @property {number[]} shape  of a sample
 * @property {number} [ids]  the input is int32 ids below this
 * @property {string} label  the layer whose operations count
 * @property {RegExp} operation
 * @property {'forward' | 'backward' | 'update'} phase
 * @property {number} [flops]
 * @property {number} [bytes]
 */

/** @returns {OpCase[]} */
export function cases() {
  /** @type {OpCase[]} */
  const list = []
  /** @param {Omit<OpCase, 'name' | 'phase' | 'operation'>} common @param {string} what @param {[string, RegExp, number][]} forms */
  const family = (common, what, forms, kind = /** @type {'flops' | 'bytes'} */ ('bytes')) => {
    for (const [form, operation, work] of forms) {
      const phase = /gradient/.test(form) ? 'backward' : form === 'update' ? 'update' : 'forward'
      list.push({ ...common, name: `${what}${form ? ` ${form}` : ''}`, operation, phase, [kind]: work })
    }
  }
  const conv = 2 * BATCH * 14 * 14 * 32 * 9 * 16
  family(
    {
      layers: (l) => [
        l.conv2d({ filters: 16, kernelSize: 1 }),
        l.conv2d({ filters: 32, kernelSize: 3, padding: 'same', name: 'op' }),
      ],
      shape: [14, 14, 4],
      label: 'op',
    },
    'conv2d 3x3x16>32',
    [
      ['', /^conv$/, conv],
      ['input gradient', /^convInputGrad$/, conv],
      ['weight gradient', /^convWeightGrad$/, conv],
    ],
    'flops',
  )
  const image = 2 * BATCH * 28 * 28 * 16 * 9
  family(
    {
      layers: (l) => [l.conv2d({ filters: 16, kernelSize: 3, padding: 'same', name: 'op' })],
      shape: [28, 28, 1],
      label: 'op',
    },
    'conv2d 3x3x1>16',
    [
      ['', /^conv$/, image],
      ['weight gradient', /^convWeightGrad$/, image],
    ],
    'flops',
  )
  const deep = 2 * BATCH * 14 * 14 * 32 * 9
  family(
    {
      layers: (l) => [
        l.conv2d({ filters: 32, kernelSize: 1 }),
        l.depthwiseConv2d({ kernelSize: 3, padding: 'same', name: 'op' }),
      ],
      shape: [14, 14, 4],
      label: 'op',
    },
    'depthwise 3x3x32',
    [
      ['', /^depthwise$/, deep],
      ['input gradient', /^depthwiseInputGrad$/, deep],
      ['weight gradient', /^depthwiseWeightGrad$/, deep],
    ],
    'flops',
  )
  const maps = floats(BATCH, 28, 28, 16)
  const pooled = { shape: [28, 28, 4], label: 'op' }
  family(
    { ...pooled, layers: (l) => [l.conv2d({ filters: 16, kernelSize: 1 }), l.maxPooling2d({ name: 'op' })] },
    'maxPool 2x2',
    [
      ['', /^maxPool$/, 1.25 * maps],
      ['gradient', /^maxPoolGrad$/, 2.5 * maps],
    ],
  )
  family(
    {
      ...pooled,
      layers: (l) => [l.conv2d({ filters: 16, kernelSize: 1 }), l.averagePooling2d({ name: 'op' })],
    },
    'averagePool 2x2',
    [
      ['', /^averagePool$/, 1.25 * maps],
      ['gradient', /^averagePoolGrad$/, 1.25 * maps],
    ],
  )
  family(
    {
      ...pooled,
      layers: (l) => [l.conv2d({ filters: 16, kernelSize: 1 }), l.batchNormalization({ name: 'op' })],
    },
    'batchNormalization',
    [
      ['', /^channelNormalize$/, 2 * maps],
      ['gradient', /^channelNormalizeGrad$/, 3 * maps],
    ],
  )
  const rows = floats(BATCH, 64, 128)
  const sequence = { shape: [64, 16], label: 'op' }
  family(
    { ...sequence, layers: (l) => [l.dense({ units: 128 }), l.layerNormalization({ name: 'op' })] },
    'layerNormalization',
    [
      ['', /^layerNormalize$/, 2 * rows],
      ['gradient', /^layerNormalizeGrad$/, 3 * rows],
    ],
  )
  family(
    { ...sequence, layers: (l) => [l.dense({ units: 128 }), l.dropout({ rate: 0.5, name: 'op' })] },
    'dropout',
    [['', /^dropout$/, 2 * rows]],
  )
  for (const fn of /** @type {const} */ (['relu', 'tanh', 'gelu'])) {
    family(
      {
        ...sequence,
        layers: (l) => [l.layerNormalization(), l.activation({ activation: fn, name: 'op' })],
        shape: [64, 128],
      },
      fn,
      [
        ['', /^unary/, 2 * rows],
        ['gradient', /^unaryGrad/, 3 * rows],
      ],
    )
  }
  family(
    {
      ...sequence,
      layers: (l) => [l.layerNormalization(), l.activation({ activation: 'softmax', name: 'op' })],
      shape: [64, 128],
    },
    'softmax',
    [
      ['', /^softmax/, 2 * rows],
      ['gradient', /^softmaxGrad/, 3 * rows],
    ],
  )
  const recurrent = 2 * BATCH * 32 * 128
  family(
    { layers: (l) => [l.lstm({ units: 128, name: 'op' })], shape: [32, 64], label: 'op' },
    'lstm 128, 32 steps',
    [
      ['', /^lstm$/, recurrent * 512],
      ['gradient', /^lstmGrad$/, recurrent * 512],
    ],
    'flops',
  )
  family(
    { layers: (l) => [l.gru({ units: 128, name: 'op' })], shape: [32, 64], label: 'op' },
    'gru 128, 32 steps',
    [
      ['', /^gru$/, recurrent * 384],
      ['gradient', /^gruGrad$/, recurrent * 384],
    ],
    'flops',
  )
  const scores = 2 * BATCH * 4 * 64 * 64 * 32
  family(
    {
      layers: (l) => [l.multiHeadAttention({ numHeads: 4, keyDim: 32, name: 'op' })],
      shape: [64, 128],
      label: 'op',
    },
    'attention 4x64x64x32',
    [
      ['', /^attention$/, 2 * scores],
      ['gradient', /^attentionGrad$/, 4 * scores],
    ],
    'flops',
  )
  family(
    {
      layers: (l) => [l.embedding({ inputDim: 1000, outputDim: 128, name: 'op' })],
      shape: [64],
      ids: 1000,
      label: 'op',
    },
    'embedding',
    [
      ['', /^gather$/, 2 * rows],
      ['gradient', /^gatherGrad$/, 2 * rows],
    ],
  )
  family({ layers: (l) => [l.dense({ units: 1024, name: 'op' })], shape: [512], label: '' }, 'adam', [
    ['update', /^update$/, 7 * floats(512, 1024)],
  ])
  return list
}

/** GB/s of a copy of `bytes` in all (half read, half written), best of several. @param {number} bytes */
function copyLimit(bytes) {
  const from = new Float32Array(Math.ceil(bytes / 8))
  const to = new Float32Array(from.length)
  const samples = []
  for (let i = 0; i < 30; i++) {
    const start = performance.now()
    to.set(from)
    samples.push(performance.now() - start)
  }
  return samples
}

/**
 * @param {OpCase} one
 * @param {import('../subjects/index.mjs').Subject[]} subjects
 * @param {import('../harness.mjs').Timing} timing
 */
export async function runCase(one, subjects, { rounds }) {
  if (!subjects.some((subject) => subject.name === OURS)) return { rows: [], errors: [], notes: [] }
  const lanegrad = await import('lanegrad')
  const { profile } = await import('lanegrad/inspect')
  const net = lanegrad.sequential({
    inputShape: one.shape,
    inputDtype: one.ids ? 'int32' : 'float32',
    layers: [...one.layers(lanegrad), lanegrad.flatten(), lanegrad.dense({ units: 1 })],
    seed: 1,
  })
  net.compile({ optimizer: 'adam', loss: 'mse' })
  const shape = [BATCH, ...one.shape]
  const count = shape.reduce((a, b) => a * b, 1)
  const data = one.ids ? new Int32Array(count) : new Float32Array(count)
  for (let i = 0; i < count; i++)
    data[i] = one.ids ? (i * 7919) % one.ids : Math.fround(((i * 7919) % 2001) / 1000 - 1)
  const y = new Float32Array(BATCH).fill(0.5)
  const x = { shape, data }
  for (let i = 0; i < 20; i++) net.trainStep(x, y) // warm, kernels optimized
  const samples = []
  for (let i = 0; i < rounds; i++) {
    const found = profile(net, x, y, { repeats: 3 }).filter(
      (row) =>
        row.phase === one.phase &&
        one.operation.test(row.operation) &&
        (!one.label || row.label === one.label),
    )
    if (!found.length) {
      return { rows: [], errors: [`${one.name}: the profile has no such operation`], notes: [] }
    }
    samples.push(found.reduce((sum, row) => sum + row.ms, 0))
  }
  net.dispose()
  const unit = one.flops ? 'GFLOP/s' : 'GB/s'
  const work = one.flops ?? one.bytes ?? 0
  const limit = multiplyAddLimit()
  const limits = one.flops ? timesOf(limit.run, rounds) : copyLimit(work)
  const share = (work * Math.min(...limits)) / Math.min(...samples) / limit.flopsPerCall
  const rows = rowsOf(name, one.name, unit, [
    { subject: OURS, samplesMs: samples, flops: work, share: one.flops ? share : null },
    { subject: LIMIT, samplesMs: limits, flops: one.flops ? limit.flopsPerCall : work },
  ])
  return { rows, errors: [], notes: [], lines: [ownLine(rows)] }
}

/** @param {() => void} run @param {number} rounds */
function timesOf(run, rounds) {
  return Array.from({ length: Math.max(rounds, 15) }, () => {
    const start = performance.now()
    run()
    return performance.now() - start
  })
}
