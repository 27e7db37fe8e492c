// The variants of the core: threads give the same bits as one thread, relaxed arithmetic stays inside the tolerances of
// the exact one. Every case of the golden files and of the operations' table, with all that can be split split.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import type { Value } from '../../src/graph/value.ts'
import {
  accumulateGradients,
  add,
  averagePooling1d,
  averagePooling2d,
  batchNormalization,
  conv2d,
  model as createModel,
  dense,
  dropout,
  embedding,
  flatten,
  gaussianNoise,
  gru,
  input,
  LanegradError,
  layerNormalization,
  load,
  lstm,
  type Model,
  maxPooling2d,
  movingAverage,
  multiHeadAttention,
  type NamedArray,
  optimizers,
  type RuntimeOptions,
  reshape,
  type Symbolic,
  sequential,
  simpleRnn,
  sparseCategoricalCrossentropy,
  unitNorm,
  upSampling1d,
} from '../../src/index.ts'
import { uniform } from '../../src/numerics/random.ts'
import { elementCount } from '../../src/numerics/tensor.ts'
import { relaxed } from '../../src/relaxed/index.ts'
import { Engine } from '../../src/runtime/engine.ts'
import { workers } from '../../src/threads/index.ts'
import { casesIn } from '../golden-runner/command.ts'
import { runCase } from '../golden-runner/run.ts'
import { leavesOfCase, opCases, writeCase } from '../op-cases/index.ts'
import type { TestBuilder } from '../support/builder.ts'
import { runGraph, type Wanted } from '../support/run-graph.ts'
import { splitAll } from '../support/split-all.ts'

setFlagsFromString('--experimental-wasm-relaxed-simd') // Node 20; later ones have it

const dist = (name: string) => JSON.stringify(new URL(`../../dist/${name}.js`, import.meta.url).href)

const goldenCases = casesIn(fileURLToPath(new URL('../golden', import.meta.url)))

const engineOf = (options: RuntimeOptions): Engine => {
  const engine = new Engine(options)
  splitAll(engine)
  return engine
}

const bits = (data: Float32Array): string => new Uint32Array(data.buffer, data.byteOffset, data.length).join()

const weightBits = (model: Model): string =>
  Object.values(model.getWeights())
    .map(({ data }) => bits(data))
    .join()

const outputOf = (model: Model, rows: NamedArray, batchSize = 256): Float32Array =>
  (model as Model<Symbolic>).predict(rows, { batchSize }).data

const passed = { status: 'passed', reasons: [] }

// All of them take over a minute, most of it for teams of workers: one in 24 with threads, one in six relaxed does for every day.
const every = (n: number) => (process.env.CI ? goldenCases : goldenCases.filter((_, i) => i % n === 0))
const threaded = every(24)
if (!process.env.CI) console.log('golden cases: one in 24 with 2 threads, one in six relaxed; CI=1 runs all')

describe('golden cases', () => {
  test.each(threaded.map((golden) => [golden.id, golden] as const))('2 threads: %s', (_, golden) => {
    expect(runCase(golden, { threads: workers(2) })).toEqual(passed)
  })

  // The tolerances of the exact variant, unchanged: a fused multiply-add rounds once where two operations round twice.
  test.each(every(6).map((golden) => [golden.id, golden] as const))('relaxed: %s', (_, golden) => {
    expect(runCase(golden, { numerics: relaxed() })).toEqual(passed)
  })
})

describe('operations: the bits of one thread', () => {
  const one = new Engine()
  const others = [2, 3].map((count) => engineOf({ threads: workers(count) }))
  afterAll(() => {
    for (const engine of others) engine.dispose()
  })

  test.each(opCases.map((row) => [`${row.kernel.name} ${row.name}`, row] as const))('%s', (_, row) => {
    const leaves = leavesOfCase(row)
    const run = (engine: Engine) => {
      const { results, gradients } = runGraph(
        engine,
        (g: TestBuilder, inputs: readonly Value[]): Wanted => {
          const y = writeCase(g, row, inputs)
          if (row.by.length === 0) return { results: { y } }
          const r = new Float32Array(elementCount(y.shape))
          uniform(r, 7, 7, 0.25, 1)
          const loss = g.sum(g.times(y, g.constant(r, y.shape)))
          return { results: { y, loss }, loss, by: row.by.map((i) => inputs[i]) }
        },
        leaves,
      )
      return Object.entries({ ...results, ...gradients }).map(([name, data]) => `${name} ${bits(data)}`)
    }
    const want = run(one)
    for (const engine of others) expect(run(engine)).toEqual(want)
  })
})

const SIDE = 11
const ROWS = 37
const x = { shape: [ROWS, SIDE, SIDE], data: new Float32Array(ROWS * SIDE * SIDE) }
uniform(x.data, 1, 1, -1, 1)
const y = Int32Array.from({ length: ROWS }, (_, i) => (i * 7) % 5)

const net = (runtime: RuntimeOptions, optimizer = optimizers.adam()): Model => {
  const model = sequential({
    inputShape: [SIDE, SIDE],
    layers: [
      reshape({ targetShape: [SIDE, SIDE, 1] }),
      conv2d({ filters: 6, kernelSize: 3, activation: 'gelu' }),
      maxPooling2d({ poolSize: 2 }),
      reshape({ targetShape: [4, 24] }),
      lstm({ units: 19, returnSequences: true }),
      layerNormalization(),
      flatten(),
      dropout({ rate: 0.25 }),
      dense({ units: 33, activation: 'tanh' }),
      dense({ units: 5, activation: 'softmax' }),
    ],
    ...runtime,
  })
  splitAll(model.session.engine)
  return model.compile({ optimizer, loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] })
}

/** The bits after training, and of what the model then says. */
async function trainedBits(model: Model, inputs: NamedArray): Promise<string> {
  const history = await model.fit(inputs, y, { epochs: 2, batchSize: 8 })
  const text = `${weightBits(model)} ${bits(outputOf(model, inputs))} ${history.loss.join()}`
  model.dispose()
  return text
}

const trained = (runtime: RuntimeOptions, optimizer = optimizers.adam()): Promise<string> =>
  trainedBits(net(runtime, optimizer), x)

/** What `net` lacks of the modules: embedding, attention, other cells, batch normalization, instructions beside the update. */
function textNet(runtime: RuntimeOptions): Model {
  const tokens = input({ shape: [9], dtype: 'int32' })
  const embedded = embedding({ inputDim: 23, outputDim: 20 })(tokens)
  const seen = multiHeadAttention({ numHeads: 3, keyDim: 7, dropout: 0.2, causal: true })(embedded)
  const normal = batchNormalization()(add()(embedded, seen))
  const states = gru({ units: 13, returnSequences: true })(averagePooling1d({ poolSize: 2 })(normal))
  const last = simpleRnn({ units: 17, kernelConstraint: unitNorm() })(upSampling1d({ size: 3 })(states))
  const outputs = dense({ units: 5 })(gaussianNoise({ stddev: 0.1 })(last))
  const model = createModel({ inputs: tokens, outputs, ...runtime })
  splitAll(model.session.engine)
  return model.compile({
    optimizer: optimizers.adam({ ema: movingAverage(), accumulation: accumulateGradients(2) }),
    loss: sparseCategoricalCrossentropy({ fromLogits: true }),
  })
}

describe('training: the bits of one thread', () => {
  test.each(Object.entries(optimizers))('%s, with 2 and 3', async (_, make) => {
    const want = await trained({}, make())
    for (const count of [2, 3]) expect(await trained({ threads: workers(count) }, make())).toBe(want)
  })

  test('relaxed: the bits of one thread of the same machine', async () => {
    expect(await trained({ numerics: relaxed(), threads: workers(2) })).toBe(
      await trained({ numerics: relaxed() }),
    )
  })

  test.each([
    ['exact', null],
    ['relaxed', relaxed()],
  ])('%s, kernels of every module, with 2 and 3', async (_, numerics) => {
    const ids = { shape: [ROWS, 9], data: Int32Array.from({ length: ROWS * 9 }, (_, i) => (i * 11) % 23) }
    const want = await trainedBits(textNet({ numerics }), ids)
    for (const count of [2, 3])
      expect(await trainedBits(textNet({ numerics, threads: workers(count) }), ids)).toBe(want)
  })

  test('pooling, each part with scratch of its own', async () => {
    const images = { shape: [ROWS, 49, 49, 6], data: new Float32Array(ROWS * 49 * 49 * 6) }
    uniform(images.data, 1, 2, -1, 1)
    const pools = (runtime: RuntimeOptions): Model => {
      const options = { poolSize: 5, strides: 2, padding: 'same' } as const
      const model = sequential({
        inputShape: [49, 49, 6],
        layers: [
          batchNormalization(),
          averagePooling2d(options),
          maxPooling2d(options),
          flatten(),
          dense({ units: 5, activation: 'softmax' }),
        ],
        ...runtime,
      })
      splitAll(model.session.engine)
      return model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' })
    }
    expect(await trainedBits(pools({ threads: workers(3) }), images)).toBe(
      await trainedBits(pools({}), images),
    )
  })

  test('attention over many positions, each part with scratch of its own, all of which it writes', async () => {
    const [positions, units] = [80, 32]
    const rows = { shape: [ROWS, positions, units], data: new Float32Array(ROWS * positions * units) }
    uniform(rows.data, 1, 3, -1, 1)
    const attending = (runtime: RuntimeOptions): Model => {
      const x = input({ shape: [positions, units] })
      const seen = multiHeadAttention({ numHeads: 2, keyDim: 32 })(x)
      const outputs = dense({ units: 5, activation: 'softmax' })(flatten()(seen))
      const model = createModel({ inputs: x, outputs, ...runtime })
      splitAll(model.session.engine)
      return model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' })
    }
    expect(await trainedBits(attending({ threads: workers(3) }), rows)).toBe(
      await trainedBits(attending({}), rows),
    )
  })

  test('helpers get the modules of a plan while the first thread is busy, and wait for them alone', () => {
    const model = net({ threads: workers(3) })
    const { engine } = model.session
    expect(engine.team?.ready).toBe(3)
    model.predict(x) // loads modules, and waits without a turn of the event loop: see splitAll
    expect(engine.team?.ready).toBe(3)
    model.dispose()
    expect(engine.team?.ready).toBe(1)
  })

  test('a model saved from one thread goes on with two', () => {
    const first = net({})
    first.trainStep(x, y)
    const second = load(first.save({ includeOptimizer: true }), { threads: workers(2) })
    expect(second.variant).toBe('simd, 2 threads')
    splitAll(second.session.engine)
    for (const model of [first, second]) model.trainStep(x, y)
    expect(weightBits(second)).toBe(weightBits(first))
    second.dispose()
  })

  test('the arena may grow while helpers sleep', async () => {
    const model = sequential({ inputShape: [64], layers: [dense({ units: 64 })], threads: workers(2) })
    const alone = sequential({ inputShape: [64], layers: [dense({ units: 64 })] })
    splitAll(model.session.engine)
    for (const rows of [1, 100, 1000, 10_000]) {
      const data = new Float32Array(rows * 64)
      uniform(data, 1, rows, -1, 1)
      await new Promise((resolve) => setTimeout(resolve, 20))
      const predict = (one: Model) => bits(outputOf(one, { shape: [rows, 64], data }, rows))
      expect(predict(model) === predict(alone), `${rows} rows`).toBe(true)
    }
    model.dispose()
  })
})

describe('options', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.restoreAllMocks()
  })

  test('variant tells what a model runs on', () => {
    const variantOf = (runtime: RuntimeOptions): string => {
      const model = sequential({ inputShape: [2], layers: [dense({ units: 1 })], ...runtime })
      const { variant } = model
      model.dispose()
      return variant
    }
    expect(variantOf({})).toBe('simd')
    expect(variantOf({ numerics: null, threads: workers(1) })).toBe('simd')
    expect(variantOf({ numerics: relaxed() })).toBe('relaxed')
    expect(variantOf({ numerics: relaxed(), threads: workers(2) })).toBe('relaxed, 2 threads')
    expect(variantOf({ threads: workers() })).toMatch(/^simd, (1 thread|\d threads)$/)
  })

  test('without shared memory: one warning, one thread, the same bits', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const want = await trained({})
    vi.stubGlobal('crossOriginIsolated', false)
    const model = net({ threads: workers(4) })
    expect(model.variant).toBe('simd, 1 thread')
    expect(await trained({ threads: workers(2) })).toBe(want)
    expect(warn.mock.calls).toEqual([
      [expect.stringMatching(/^lanegrad: threads: memory can't be shared: .*Cross-Origin-Opener-Policy/)],
    ])
  })

  test.each([0, 1.5, 65, -1, '2', null, Number.NaN])('workers(%s) is refused', (count) => {
    expect(() => workers(count as number)).toThrow(
      /^workers: count must be an integer from 1 to 64; got (0|1.5|65|-1|"2"|null|NaN)$/,
    )
  })

  // the old spellings among them
  test.each([
    ['numerics', 'fast', '"fast"'],
    ['numerics', 'exact', '"exact"'],
    ['numerics', relaxed, 'function relaxed'],
    ['numerics', { kind: 'relaxed' }, '{ kind }'],
    ['numerics', workers(2), '{ kind, count, team }'],
    ['threads', 4, '4'],
    ['threads', 1, '1'],
    ['threads', 'auto', '"auto"'],
    ['threads', workers, 'function workers'],
    ['threads', { kind: 'workers', count: 2 }, '{ kind, count }'],
    ['threads', relaxed(), '{ kind, module }'],
  ])('%s: %s is refused by a message that shows what to write', (key, given, got) => {
    const written = key === 'numerics' ? 'relaxed()' : 'workers(4)'
    const options = { inputShape: [2], layers: [dense({ units: 1 })], [key]: given }
    const from = key === 'numerics' ? 'lanegrad/relaxed' : 'lanegrad/threads'
    const end = `: ${key}: write ${key}: ${written}, with ${written.split('(')[0]} from '${from}'; got ${got}`
    expect(() => sequential(options)).toThrow(new LanegradError(`sequential${end}`))
    const x = input({ shape: [2] })
    expect(() => createModel({ inputs: x, outputs: flatten()(x), [key]: given })).toThrow(
      new LanegradError(`model${end}`),
    )
    expect(() => load(sequential({ ...options, [key]: null }).save(), { [key]: given })).toThrow(
      new LanegradError(`load${end}`),
    )
  })

  // dist/ is built before the tests
  const program = (rest: string): string => `
    import { sequential, dense } from ${dist('index')}
    import { workers } from ${dist('threads')}
    import { Worker } from 'node:worker_threads'
    const model = sequential({ inputShape: [300], layers: [dense({ units: 300 })], threads: workers(3) })
    for (const end = performance.now() + 15000; model.session.engine.team.ready < 3 && performance.now() < end; )
      await new Promise((resolve) => setTimeout(resolve, 5))
    const x = { shape: [100, 300], data: new Float32Array(30000) }
    ${rest}`
  const run = (rest: string, ...flags: string[]) =>
    execFileSync(process.execPath, [...flags, '--input-type=module', '-e', program(rest)], {
      timeout: 20_000,
      encoding: 'utf8',
    })

  test.each(['--liftoff', '--liftoff-only', '--no-liftoff'])('the first jobs are whole: %s', (tier) => {
    const rest = `
      const first = model.predict(x.data.fill(1) && x).data
      await new Promise((resolve) => setTimeout(resolve, 100)) // the helpers go to sleep
      const second = model.predict(x).data
      const alone = sequential({ inputShape: [300], layers: [dense({ units: 300 })] }).predict(x).data
      console.log(first.every((value, i) => value === alone[i]), second.every((value, i) => value === alone[i]))`
    expect(run(rest, tier)).toBe('true true\n')
  })

  test('a model that was not disposed does not keep Node alive', () => {
    // the model is held to the end: were the helpers what keeps the process alive, it would never end
    expect(
      run(`
      process.on('exit', () => console.log(model.predict(x).data.length, model.session.engine.team.ready))`),
    ).toBe('30000 3\n')
  })

  test('the helpers of a model that was dropped without dispose end', () => {
    const output = run(
      `
      const { terminate } = Worker.prototype
      let ended = 0
      Worker.prototype.terminate = function () {
        this.once('exit', () => ended++)
        return terminate.call(this)
      }
      const dropped = () => void sequential({ inputShape: [2], layers: [dense({ units: 1 })], threads: workers(3) }).predict([[1, 2]])
      dropped()
      for (const end = performance.now() + 15000; ended < 2 && performance.now() < end; ) {
        gc()
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      console.log(ended, 'ended;', model.session.engine.team.ready, 'threads of the other')`,
      '--expose-gc',
    )
    expect(output).toBe('2 ended; 3 threads of the other\n')
  })

  test('dispose ends the helpers', () => {
    const output = run(`
      const { terminate } = Worker.prototype
      let ended = 0
      Worker.prototype.terminate = function () {
        this.once('exit', () => console.log(++ended, 'ended'))
        return terminate.call(this)
      }
      model.predict(x)
      model.dispose()
      await new Promise((resolve) => setTimeout(resolve, 1000))`)
    expect(output).toBe('1 ended\n2 ended\n')
  })
})

describe('matmul across blocks', () => {
  // M, N, K beyond BLOCK_ROWS and BLOCK_DEPTH, and edges of 1 to 7 rows and columns; K = 1
  const sizes: readonly (readonly [M: number, N: number, K: number])[] = [
    [263, 9, 300],
    [17, 270, 523],
    [300, 300, 1],
    [6, 6, 6],
    [11, 14, 256],
    [1, 129, 257],
    [515, 1, 3],
  ]
  const forms: readonly (readonly [transposeA: boolean, transposeB: boolean])[] = [
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ]
  const one = new Engine()
  const three = engineOf({ threads: workers(3) })
  const fast = engineOf({ numerics: relaxed() })
  const both = engineOf({ numerics: relaxed(), threads: workers(2) })
  afterAll(() => {
    for (const engine of [three, both]) engine.dispose()
  })

  test.each(sizes.flatMap((size) => forms.map((form) => [...size, ...form] as const)))(
    'M %i, N %i, K %i, transposed: %s, %s',
    (M, N, K, transposeA, transposeB) => {
      const random = (shape: number[], stream: number) => {
        const data = new Float32Array(elementCount(shape))
        uniform(data, 1, stream, -1, 1)
        return { shape, data }
      }
      const leaves = [
        random(transposeA ? [K, M] : [M, K], 1),
        random(transposeB ? [N, K] : [K, N], 2),
        random([N], 3),
      ]
      const run = (engine: Engine) =>
        runGraph(
          engine,
          (g, [a, b, bias]) => ({
            results: { y: g.unary('tanh', g.plus(g.matmul(a, b, { transposeA, transposeB }), bias)) },
          }),
          leaves,
        ).results.y
      const want = run(one)
      expect(bits(run(three)) === bits(want)).toBe(true)
      const relaxed = run(fast)
      expect(bits(run(both)) === bits(relaxed)).toBe(true)
      // each of K products and the bias may be off by a rounding of the partial sums, of which none is over K + 1
      const worst = relaxed.reduce((most, value, i) => Math.max(most, Math.abs(value - want[i])), 0)
      expect(worst).toBeLessThanOrEqual((K + 1) ** 2 * 2 ** -24)
    },
  )

  test.each(forms)(
    'a row alone, a column alone: the bits of the whole; transposed: %s, %s',
    (transposeA, transposeB) => {
      const [M, N, K] = [9, 38, 300]
      const [a, b] = [new Float32Array(M * K), new Float32Array(K * N)]
      uniform(a, 1, 1, -1, 1)
      uniform(b, 1, 2, -1, 1)
      /** The part of op(A).op(B) in these rows and columns. */
      const product = (engine: Engine, rows: readonly number[], cols: readonly number[]) => {
        const taken = (count: number, at: (i: number) => number) =>
          Float32Array.from({ length: count }, (_, i) => at(i))
        const [m, n] = [rows.length, cols.length]
        const left = taken(m * K, (i) =>
          transposeA ? a[rows[i % m] * K + Math.floor(i / m)] : a[rows[Math.floor(i / K)] * K + (i % K)],
        )
        const right = taken(n * K, (i) =>
          transposeB ? b[(i % K) * N + cols[Math.floor(i / K)]] : b[Math.floor(i / n) * N + cols[i % n]],
        )
        return runGraph(
          engine,
          (g, [x, y]) => ({ results: { c: g.matmul(x, y, { transposeA, transposeB }) } }),
          [
            { shape: transposeA ? [K, m] : [m, K], data: left },
            { shape: transposeB ? [n, K] : [K, n], data: right },
          ],
        ).results.c
      }
      const all = (count: number) => Array.from({ length: count }, (_, i) => i)
      for (const engine of [one, fast]) {
        const whole = product(engine, all(M), all(N))
        expect(bits(product(engine, [6], all(N)))).toBe(bits(whole.slice(6 * N, 7 * N)))
        expect(bits(product(engine, all(M), [35]))).toBe(bits(whole.filter((_, i) => i % N === 35)))
      }
    },
  )
})
