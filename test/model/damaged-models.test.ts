// Files of 16 kinds of models, damaged at random: bytes, names, shapes and offsets of tensors, any value of the JSON that
// tells network, training and optimizer state. Each is loaded or refused with a LanegradError, at once; what loads predicts,
// trains and is saved, or says why not; a model that is given a file it refuses stays as it was.
import { describe, expect, test } from 'vitest'
import {
  accumulateGradients,
  adam,
  add,
  batchNormalization,
  bidirectional,
  block,
  concatenate,
  conv1d,
  conv2d,
  convLstm2d,
  dense,
  dropout,
  embedding,
  flatten,
  globalAveragePooling1d,
  gru,
  input,
  LanegradError,
  type Layer,
  layerNormalization,
  linearWarmup,
  load,
  loadWeights,
  lstm,
  type Model,
  maxPooling2d,
  model,
  movingAverage,
  multiHeadAttention,
  nadam,
  reshape,
  rmsprop,
  sequential,
  sgd,
  stepDecay,
  timeDistributed,
  upSampling2d,
  type Values,
  zeroPadding2d,
} from '../../src/index.ts'
import { elementCount } from '../../src/numerics/tensor.ts'

/** All damage follows from these: mulberry32, which is no generator of the library's. */
function randomOf(seed: number) {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (count: number) => Math.floor(next() * count)
  return { below, of: <T>(list: readonly T[]): T => list[below(list.length)] }
}
type Random = ReturnType<typeof randomOf>

const chain = (inputShape: readonly (number | null)[], ...layers: Layer[]): Model<Values> =>
  sequential({ inputShape, layers })
const out = () => dense({ units: 2 })
const ids = (...layers: Layer[]): Model<Values> =>
  sequential({
    inputShape: [3],
    inputDtype: 'int32',
    layers: [embedding({ inputDim: 5, outputDim: 2, maskZero: true }), ...layers],
  })

const kinds: Readonly<Record<string, () => Model<Values>>> = {
  dense: () => chain([3], dense({ units: 2, activation: 'tanh', kernelRegularizer: { l2: 0.1 } }), out()),
  normalized: () =>
    chain(
      [3],
      batchNormalization(),
      dense({ units: 2 }),
      layerNormalization(),
      dropout({ rate: 0.5 }),
      out(),
    ),
  conv2d: () =>
    chain([4, 4, 1], conv2d({ filters: 2, kernelSize: 3 }), maxPooling2d({ poolSize: 2 }), flatten(), out()),
  resized: () =>
    chain(
      [2, 2, 1],
      zeroPadding2d({ padding: 1 }),
      upSampling2d({ size: 2 }),
      reshape({ targetShape: [64] }),
      out(),
    ),
  conv1d: () => chain([5, 2], conv1d({ filters: 2, kernelSize: 2 }), globalAveragePooling1d(), out()),
  anyLength: () =>
    chain([null, 2], conv1d({ filters: 2, kernelSize: 2, padding: 'same' }), globalAveragePooling1d(), out()),
  lstm: () => ids(lstm({ units: 2 }), out()),
  gru: () =>
    ids(
      bidirectional({ layer: gru({ units: 2, returnSequences: true }) }),
      timeDistributed({ layer: out() }),
    ),
  stateful: () => chain([3, 2], lstm({ units: 2, stateful: true, activation: 'relu' }), out()),
  convLstm: () => chain([2, 3, 3, 1], convLstm2d({ filters: 1, kernelSize: 2 }), flatten(), out()),
  attention() {
    const x = input({ shape: [3, 4] })
    return model({ inputs: x, outputs: out()(multiHeadAttention({ numHeads: 2, keyDim: 2 })(x, x)) })
  },
  block: () =>
    chain([2], block({ layers: [dense({ units: 2, activation: 'relu' }), out()], recompute: true })),
  residual() {
    const x = input({ shape: [2] })
    return model({ inputs: x, outputs: add()(x, dense({ units: 2 })(x)) })
  },
  shared() {
    const [a, b] = [input({ shape: [2], name: 'a' }), input({ shape: [2], name: 'b' })]
    const both = dense({ units: 2 })
    return model({ inputs: [a, b], outputs: concatenate()(both(a), both(b)) })
  },
  record() {
    const x = input({ shape: [2] })
    return model({ inputs: { x }, outputs: { p: out()(x), q: dense({ units: 1 })(x) } })
  },
  list() {
    const x = input({ shape: [2] })
    return model({ inputs: x, outputs: [out()(x), out()(x)] })
  },
  embedding: () => ids(flatten(), out()),
}
const optimizers = [
  adam({ ema: movingAverage(), clipNorm: 1 }),
  sgd({ momentum: 0.9, schedule: stepDecay({ stepSize: 2, gamma: 0.5 }) }),
  nadam(),
  rmsprop({ accumulation: accumulateGradients(2), schedule: linearWarmup({ steps: 3 }) }),
]

/** Zeros of every input, in the form the model takes. */
function zeros({ session: { network } }: Model<Values>): never {
  const given = network.inputs.map(({ name, shape, dtype }) => {
    const own = [1, ...shape.map((n) => n ?? 2)]
    const data = dtype === 'int32' ? new Int32Array(elementCount(own)) : new Float32Array(elementCount(own))
    return [name, { shape: own, data }] as const
  })
  if (network.inputStructure === 'record') return Object.fromEntries(given) as never
  return (network.inputStructure === 'list' ? given.map(([, data]) => data) : given[0][1]) as never
}

const STRANGE: readonly unknown[] = [
  null, true, false, 0, 1, -1, 2, 3, 0.5, 255, 65535, 65536, 1e9, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 31), 1e308, -0, 1e-320,
  '', 'a', 'toString', '__proto__', 'constructor', 'out/kernel', 'dense_1', 'input', 'a'.repeat(300), '1', '\0', '\ud800',
  [], {}, [[]], [null], [1, 2, 3], [-1], [0], [1e9, 1e9, 1e9], new Array(40).fill(1), { kind: 'dense' }, { kind: 'sgd' }, { length: 3 },
] // biome-ignore format: a list

/** One value of a tree of JSON changed: replaced, removed, doubled, renamed, or swapped with another. */
function bend(tree: unknown, random: Random): unknown {
  const places: [Record<string, unknown>, string][] = []
  const open = [tree]
  for (let node = open.pop(); node !== undefined; node = open.pop())
    if (typeof node === 'object' && node !== null)
      for (const [key, value] of Object.entries(node)) {
        places.push([node as Record<string, unknown>, key])
        open.push(value)
      }
  if (places.length === 0 || random.below(200) === 0) return structuredClone(random.of(STRANGE))
  const [node, key] = random.of(places)
  const other = random.of(places)
  switch (random.below(7)) {
    case 0:
      if (Array.isArray(node)) node.splice(Number(key), 1)
      else delete node[key]
      break
    case 1:
      if (Array.isArray(node)) node.push(node[Number(key)])
      else node[String(random.of(STRANGE))] = node[key]
      break
    case 2:
      node[key] = structuredClone(other[0][other[1]])
      break
    case 3:
      if (typeof node[key] === 'number')
        node[key] = (node[key] as number) * random.of([-1, 2, 10, 1e6, 0.5]) + random.of([0, 1])
      else node[key] = [node[key]]
      break
    default:
      node[key] = structuredClone(random.of(STRANGE)) // what is put there may be bent next
  }
  return tree
}

/** A file of the same header, data or neither. */
function damaged(file: Uint8Array, random: Random): Uint8Array {
  if (random.below(4) === 0) {
    const bytes = file.slice(0, random.below(3) === 0 ? random.below(file.length + 1) : file.length)
    for (let n = random.below(4); n >= 0 && bytes.length > 0; n--)
      bytes[random.below(bytes.length)] = random.below(256)
    return bytes
  }
  const length = new DataView(file.buffer).getUint32(0, true)
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)))
  for (let n = random.below(3); n >= 0; n--) {
    const metadata = header.__metadata__
    const key = random.of(Object.keys(metadata ?? {}))
    if (random.below(5) === 0 || typeof metadata !== 'object' || typeof metadata?.[key] !== 'string')
      bend(header, random)
    else if (random.below(12) === 0)
      metadata[key] = random.of(['[', '{"a":', '"', '\\"']).repeat(random.below(2000))
    else
      try {
        metadata[key] = JSON.stringify(bend(JSON.parse(metadata[key]), random)) ?? 'undefined'
      } catch {
        metadata[key] = 'no JSON'
      }
  }
  const json = new TextEncoder().encode(JSON.stringify(header))
  const bytes = new Uint8Array(8 + json.length + file.length - 8 - length)
  new DataView(bytes.buffer).setUint32(0, json.length, true)
  bytes.set(json, 8)
  bytes.set(file.subarray(8 + length), 8 + json.length)
  return bytes
}

/** What came of it; anything but a LanegradError is a fault. */
function attempt<T>(work: () => T): T | LanegradError {
  try {
    return work()
  } catch (error) {
    if (error instanceof LanegradError) return error
    throw error
  }
}

const FILES = process.env.DAMAGED_FILES ? Number(process.env.DAMAGED_FILES) : process.env.CI ? 20_000 : 480
const SLOW_MS = 5000
/** A network may tell of more than this machine has: whether it is planned is asked, and it runs if it is small. */
const SMALL_BYTES = 0x2000000

let loaded = 0

describe.each(Object.entries(kinds).map(([name, make], i) => ({ name, make, i })))('$name', ({ make, i }) => {
  test(`${FILES / 16} damaged files`, { timeout: 900_000 }, () => {
    const net = make().compile({ optimizer: optimizers[i % 4], loss: 'mse' })
    const random = randomOf(i + 1)
    net.trainStep(zeros(net), net.predict(zeros(net)) as never)
    const file = net.save({ includeOptimizer: true })
    let weights = JSON.stringify(net.getWeights())
    for (let n = 0; n < FILES / 16; n++) {
      const bytes = damaged(file, random)
      const start = performance.now()
      try {
        if (attempt(() => loadWeights(net, bytes)) instanceof LanegradError)
          expect(JSON.stringify(net.getWeights())).toBe(weights)
        else weights = JSON.stringify(net.getWeights())
        const read = attempt(() => load<Values>(bytes))
        if (read instanceof LanegradError) continue
        loaded++
        const { session } = read
        const plan = attempt(() => session.programFor('predict', 1).code)
        if (!(plan instanceof LanegradError) && plan.end < SMALL_BYTES) {
          attempt(() => {
            const y = read.predict(zeros(read), { allowNaN: true })
            if (session.training) read.trainStep(zeros(read), y as never, { allowNaN: true })
          })
        }
        const again = read.save({ includeOptimizer: true })
        expect(Buffer.compare(load(again).save({ includeOptimizer: true }), again)).toBe(0)
        read.dispose()
      } catch (error) {
        throw new Error(`file ${n}: ${error}\n${new TextDecoder().decode(bytes.subarray(8, 4000))}`, {
          cause: error,
        })
      }
      expect(performance.now() - start, `file ${n}`).toBeLessThan(SLOW_MS)
    }
  })
})

test('some of them loaded, or nothing but refusals was tried', () => {
  expect(loaded).toBeGreaterThan(FILES / 50)
})
