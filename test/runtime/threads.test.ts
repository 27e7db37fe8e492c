// The life of helper threads: how many there are, that they sleep and wake, come late or never, and take no part in jobs
// whose kernels they have not got. That their bits are those of one thread, and that they let Node end: variants.test.ts.
import workerThreads from 'node:worker_threads'
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  JOB_COUNT_SHIFT,
  JOB_DONE,
  JOB_HELPERS,
  JOB_PARTS_SHIFT,
  JOB_SLEEPERS,
  JOB_TEAM_SHIFT,
  JOB_TURN,
} from '../../assembly/abi.ts'
import { coreModule } from '../../src/binaries/core.ts'
import { threadsModule } from '../../src/binaries/threads.ts'
import {
  batchNormalization,
  conv2d,
  dense,
  depthwiseConv2d,
  dropout,
  flatten,
  type Layer,
  lstm,
  type Model,
  maxPooling2d,
  reshape,
  sequential,
  sparseCategoricalCrossentropy,
} from '../../src/index.ts'
import { uniform } from '../../src/numerics/random.ts'
import { type Core, createCore } from '../../src/runtime/core.ts'
import { binaries } from '../../src/runtime/engine.ts'
import { sharedCodeOf } from '../../src/runtime/shared.ts'
import { coreCount } from '../../src/runtime/workers.ts'
import { workers } from '../../src/threads/index.ts'

const models: Model[] = []
const { Worker } = workerThreads
afterEach(() => {
  workerThreads.Worker = Worker
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
  for (const model of models.splice(0)) model.dispose()
})

const ROWS = 40
const SIZE = 96
const x = { shape: [ROWS, SIZE], data: new Float32Array(ROWS * SIZE) }
uniform(x.data, 1, 1, -1, 1)
const y = Int32Array.from({ length: ROWS }, (_, i) => (i * 7) % 5)

/** Whatever can be split is. */
function made(
  threads: number,
  layers: () => Layer[] = () => [dense({ units: SIZE, activation: 'softmax' })],
): Model {
  const model = sequential({ inputShape: [SIZE], seed: 3, layers: layers(), threads: workers(threads) })
  model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' })
  if (threads > 1) model.session.engine.shareFrom(0)
  models.push(model)
  return model
}

/** The words in low memory that threads share. */
const wordsOf = (model: Model): Int32Array => {
  const { core } = model.session.engine as unknown as { readonly core: Core }
  return new Int32Array(core.memory.buffer)
}
const wordAt = (words: Int32Array, address: number): number => Atomics.load(words, address / 4)

const pause = (ms = 1) => new Promise((resolve) => setTimeout(resolve, ms))
const until = (holds: () => boolean) => expect.poll(holds, { interval: 1 }).toBe(true)
const bits = (model: Model): string =>
  Object.values(model.getWeights())
    .map(({ data }) => new Uint32Array(data.buffer, data.byteOffset, data.length).join())
    .join()

describe('workers()', () => {
  test.each([
    [1, 1],
    [3, 3],
    [8, 8],
    [64, 8],
  ])('of %i cores: %i', (hardwareConcurrency, count) => {
    vi.stubGlobal('navigator', { hardwareConcurrency })
    expect(coreCount()).toBe(count)
  })

  test('without a navigator Node tells how many cores there are', () => {
    vi.stubGlobal('navigator', undefined)
    expect(coreCount()).toBeGreaterThan(0)
    expect(coreCount()).toBeLessThanOrEqual(8)
  })
})

test('helpers that sleep are woken by a job, and do parts of it', async () => {
  const model = made(2)
  const words = wordsOf(model)
  model.predict(x)
  await until(() => model.session.engine.team?.ready === 2)
  await until(() => wordAt(words, JOB_SLEEPERS) === 1)
  // awake: for a moment it is no sleeper; and it may do parts
  let isAwake = false
  let done = 0
  await until(() => {
    model.predict(x)
    for (const end = performance.now() + 20; !isAwake && performance.now() < end; )
      isAwake = wordAt(words, JOB_SLEEPERS) === 0
    done += wordAt(words, JOB_DONE)
    return isAwake && done > 0
  })
  await until(() => wordAt(words, JOB_SLEEPERS) === 1) // and sleeps again, counted once
  await pause(20)
  expect(wordAt(words, JOB_SLEEPERS)).toBe(1)
})

test('a helper takes no part of a job of another team: it has not got the kernel', () => {
  const memory = new WebAssembly.Memory({ initial: 4, maximum: 16, shared: true })
  const { table, prepare } = createCore([], memory, sharedCodeOf(coreModule, binaries))
  prepare(0)
  table.grow(512 - table.length)
  const helper = new WebAssembly.Instance(sharedCodeOf(threadsModule, binaries), { env: { memory, table } })
  const { help } = helper.exports as { readonly help: (team: number) => number }
  const words = new Int32Array(memory.buffer)
  // one part is left of a job of team 1, whose kernel (0) is none: to take it would be a trap
  const turn = (5 << JOB_COUNT_SHIFT) | (1 << JOB_TEAM_SHIFT) | (2 << JOB_PARTS_SHIFT) | 1
  Atomics.store(words, JOB_TURN / 4, turn)
  expect(help(0)).toBe(turn)
  expect(wordAt(words, JOB_TURN)).toBe(turn)
  expect(wordAt(words, JOB_DONE)).toBe(0)
  expect(wordAt(words, JOB_HELPERS)).toBe(1) // it has counted itself in, once
  expect(help(0)).toBe(turn)
  expect(wordAt(words, JOB_HELPERS)).toBe(1)
  // another team has been called meanwhile: back at once, for its modules, and into no team
  Atomics.store(words, JOB_HELPERS / 4, 1 << JOB_PARTS_SHIFT)
  const late = new WebAssembly.Instance(sharedCodeOf(threadsModule, binaries), { env: { memory, table } })
    .exports as typeof helper.exports
  expect((late.help as (team: number) => number)(0)).toBe(0)
  expect(wordAt(words, JOB_HELPERS)).toBe(1 << JOB_PARTS_SHIFT)
})

/** Kernels of several modules. */
const image = (): Layer[] => [
  reshape({ targetShape: [8, 12, 1] }),
  conv2d({ filters: 5, kernelSize: 3, activation: 'relu' }),
  batchNormalization(),
  maxPooling2d({ poolSize: 2 }),
  reshape({ targetShape: [3, 25] }),
  lstm({ units: 7 }),
  dropout({ rate: 0.25 }),
  flatten(),
  dense({ units: 5, activation: 'softmax' }),
]

describe('nothing waits for a helper', () => {
  test('that is still on its way: the first steps are whole without it, those after with it', async () => {
    const alone = made(1, image)
    const model = made(3, image)
    const ready = new Set<number>()
    for (let step = 0; step < 12 || !ready.has(3); step++) {
      ready.add(model.session.engine.team?.ready ?? 0)
      expect(model.trainStep(x, y)).toEqual(alone.trainStep(x, y))
      if (step % 4 === 0) await pause() // without a turn of the event loop workers start and join all the same
      expect(step, `threads that joined: ${[...ready]}`).toBeLessThan(3000)
    }
    expect(ready).toContain(1)
    expect(bits(model)).toBe(bits(alone))
  })

  test('that gets the modules of another plan meanwhile', async () => {
    const model = made(2, image)
    const alone = made(1, image)
    await until(() => model.session.engine.team?.ready === 2)
    const { engine } = model.session
    const first = model.predict(x) // a new plan and new modules: the helper is sent for them
    expect(first).toEqual(alone.predict(x))
    for (let step = 0; step < 8; step++) expect(model.trainStep(x, y)).toEqual(alone.trainStep(x, y))
    await until(() => engine.team?.ready === 2)
    for (let step = 0; step < 8; step++) expect(model.trainStep(x, y)).toEqual(alone.trainStep(x, y))
    expect(bits(model)).toBe(bits(alone))
  })

  test('that never comes', () => {
    // a worker that does nothing stands for one that the system is slow to start
    class Never {
      postMessage() {}
      terminate() {}
      unref() {}
      on() {}
    }
    workerThreads.Worker = Never as never
    const model = made(3, image)
    const alone = made(1, image)
    for (let step = 0; step < 3; step++) expect(model.trainStep(x, y)).toEqual(alone.trainStep(x, y))
    expect(model.session.engine.team?.ready).toBe(1)
    expect(model.variant).toBe('simd, 3 threads')
    expect(bits(model)).toBe(bits(alone))
  })

  test('that cannot be started: one warning, and the work is done', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    class Refused {
      constructor() {
        throw new Error('no worker may be started')
      }
    }
    workerThreads.Worker = Refused as never
    const model = made(3)
    expect(model.predict(x)).toEqual(made(1).predict(x))
    expect(warn.mock.calls.length).toBeLessThanOrEqual(1) // once for the whole process
  })
})

test('every instruction of a training step of a convolutional net becomes a job', async () => {
  const layers = () => [
    reshape({ targetShape: [8, 12, 1] }),
    conv2d({ filters: 16, kernelSize: 3, padding: 'same', activation: 'relu' }),
    depthwiseConv2d({ kernelSize: 3, padding: 'same' }),
    batchNormalization(),
    conv2d({ filters: 16, kernelSize: 3, activation: 'relu6' }), // by tiles
    maxPooling2d({ poolSize: 2 }),
    conv2d({ filters: 3, kernelSize: 1, strides: 2 }),
    flatten(),
    dense({ units: 5 }),
  ]
  const model = sequential({ inputShape: [SIZE], seed: 3, layers: layers(), threads: workers(2) })
  model.compile({ optimizer: 'adam', loss: sparseCategoricalCrossentropy({ fromLogits: true }) })
  models.push(model)
  const { engine } = model.session
  engine.shareFrom(0)
  model.trainStep(x, y)
  await until(() => engine.team?.ready === 2)
  const { core, base, loaded } = engine as unknown as {
    readonly core: Core
    readonly base: number
    readonly loaded: { readonly programStart: number; readonly words: Uint32Array }
  }
  const words = wordsOf(model)
  const alone: string[] = []
  for (let at = 0; at < loaded.words.length; ) {
    const next = at + (loaded.words[at] >>> 16)
    const before = wordAt(words, JOB_TURN) >> JOB_COUNT_SHIFT
    core.run(base, loaded.programStart + 4 * at, loaded.programStart + 4 * next)
    if (wordAt(words, JOB_TURN) >> JOB_COUNT_SHIFT === before) alone.push(`code ${loaded.words[at] & 0xffff}`)
    at = next
  }
  expect(alone).toEqual([])
})

test('teams come and go many times: helpers join each of them', async () => {
  // the team's number has five bits in a turn
  const model = made(2, image)
  const words = wordsOf(model)
  const { helpers } = model.session.engine.team as unknown as {
    readonly helpers: { add(modules: readonly WebAssembly.Module[]): void }
  }
  const alone = made(1, image)
  for (let team = 1; team <= 70; team++) {
    helpers.add([])
    if (team % 10 !== 0) continue
    await until(() => model.session.engine.team?.ready === 2)
    expect(wordAt(words, JOB_HELPERS) >> JOB_PARTS_SHIFT).toBeLessThan(32) // as in a turn: else they would take no part
    expect(model.trainStep(x, y)).toEqual(alone.trainStep(x, y))
  }
})
