// Documented against real defaults, of everything that takes options: an option given with the value that its docstring
// tells as its default must change nothing, and no option may have a default that its docstring doesn't tell. The
// docstrings are read from the sources (documented-defaults.ts); what a constructor makes of its options is seen in what
// it returns and in what `readOptions` gives it.
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test, vi } from 'vitest'
import * as data from '../../src/data/index.ts'
import * as lanegrad from '../../src/index.ts'
import { inspect, profile } from '../../src/inspect/index.ts'
import * as node from '../../src/node/index.ts'
import * as errors from '../../src/numerics/errors.ts'
import * as plot from '../../src/plot/index.ts'
import { workerModel } from '../../src/worker/index.ts'
import type { WorkerLike } from '../../src/worker/target.ts'
import { documentedIn, proseOf } from '../support/documented-defaults.ts'

const { dense, input, sequential, simpleRnn } = lanegrad
const sources = fileURLToPath(new URL('../../src', import.meta.url))
const { interfaces, constructors } = documentedIn(sources)
const library = { ...lanegrad, ...data, ...plot, ...node } as unknown as Record<string, unknown>

afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

type Options = Readonly<Record<string, unknown>>
type Call = (options: Options) => unknown
type Method = (...args: unknown[]) => unknown

const rnn = simpleRnn({ units: 2, name: 'rnn' })
const cell = dense({ units: 2, name: 'cell' })

/** What must be given, beside what is optional. */
const GIVEN: Readonly<Record<string, Options>> = {
  dense: { units: 2 },
  activation: { activation: 'relu' },
  reshape: { targetShape: [2] },
  permute: { dims: [1] },
  embedding: { inputDim: 3, outputDim: 2 },
  conv1d: { filters: 2, kernelSize: 3 },
  conv2d: { filters: 2, kernelSize: 3 },
  conv3d: { filters: 2, kernelSize: 3 },
  conv1dTranspose: { filters: 2, kernelSize: 3 },
  conv2dTranspose: { filters: 2, kernelSize: 3 },
  conv3dTranspose: { filters: 2, kernelSize: 3 },
  depthwiseConv1d: { kernelSize: 3 },
  depthwiseConv2d: { kernelSize: 3 },
  separableConv1d: { filters: 2, kernelSize: 3 },
  separableConv2d: { filters: 2, kernelSize: 3 },
  convLstm1d: { filters: 2, kernelSize: 3 },
  convLstm2d: { filters: 2, kernelSize: 3 },
  convLstm3d: { filters: 2, kernelSize: 3 },
  simpleRnn: { units: 2 },
  lstm: { units: 2 },
  gru: { units: 2 },
  repeatVector: { n: 2 },
  resizing: { height: 2, width: 3 },
  centerCrop: { height: 2, width: 3 },
  bidirectional: { layer: rnn },
  timeDistributed: { layer: cell },
  multiHeadAttention: { numHeads: 2, keyDim: 3 },
  groupedQueryAttention: { numQueryHeads: 4, numKeyValueHeads: 2, keyDim: 3 },
  einsumDense: { equation: 'ab,bc->ac', outputShape: 2 },
  operations: { steps: [{ op: 'unary', inputs: [0], fn: 'relu' }] },
  spectralNormalization: { layer: cell },
  weightNormalization: { layer: cell },
  stochasticDepth: { rate: 0.5 },
  dot: { axes: 1 },
  dropout: { rate: 0.5 },
  spatialDropout1d: { rate: 0.5 },
  spatialDropout2d: { rate: 0.5 },
  spatialDropout3d: { rate: 0.5 },
  alphaDropout: { rate: 0.5 },
  gaussianDropout: { rate: 0.5 },
  gaussianNoise: { stddev: 0.5 },
  rescaling: { scale: 2 },
  normalization: { mean: 1, variance: 2 },
  categoryEncoding: { numTokens: 3 },
  block: { layers: [cell] },
  stepDecay: { stepSize: 2, gamma: 0.5 },
  multiStepDecay: { milestones: [2], gamma: 0.5 },
  exponentialDecay: { gamma: 0.5 },
  cosineDecay: { steps: 4 },
  polynomialDecay: { steps: 4 },
  linearWarmup: { steps: 4 },
  inverseTimeDecay: { decay: 0.5 },
  inverseSqrtDecay: { warmup: 4 },
  modelCheckpoint: { save: () => {} },
  learningRateScheduler: { schedule: () => 1 },
  csvLogger: { write: () => {} },
  tensorBoard: { logDir: 'logs' },
}

const x = [[1], [2], [3], [4]]
const logs = async (callback: lanegrad.Callback): Promise<string[]> => {
  await callback.onTrainBegin?.({} as never)
  await callback.onEpochEnd?.(0, { a: 1, b: 2 })
  return lines.splice(0)
}
const lines: string[] = []
const net = (options: object = {}) =>
  sequential({ inputShape: [1], layers: [dense({ units: 1 })], ...options }).compile({ loss: 'mse' })

/** Where there is more to a call than options, or what it makes shows in what comes of it only. */
const CALLS: Readonly<Record<string, Call>> = {
  lora: (options) =>
    lanegrad.lora(sequential({ inputShape: [2], layers: [dense({ units: 1 })] }), options).countParams(),
  csvLogger: (options) => logs(node.csvLogger({ write: (line) => void lines.push(line), ...options })),
  plotHistory: (options) => plot.plotHistory({ loss: [1, 2] }, options),
  plotHistogram: (options) => plot.plotHistogram([1, 2, 2], options),
  plotConfusion: (options) => plot.plotConfusion([[1]], options),
  plotImages: (options) => plot.plotImages([[1]], options),
  livePlot: async (options) => {
    const element = { innerHTML: '' }
    const callback = plot.livePlot(element as Element, options)
    await callback.onEpochEnd?.(0, { loss: 1 })
    return element.innerHTML
  },
  customLoss: (options) => lanegrad.customLoss('mine', (_, truth) => truth, options),
  confusionMatrix: (options) => lanegrad.confusionMatrix([0, 1, 1], [[0.4], [0.5], [0.6]], options),
  augmentImages: (options) => [
    ...data.augmentImages(options)(lanegrad.tensor(new Float32Array(32), [2, 4, 4, 1])).data,
  ],
  batches: (options) => [...data.batches({ x, y: [1, 2, 3, 4], ...options })],
  parseCsv: (options) => data.parseCsv('a,b\n1,2\n', options),
  kFold: (options) => data.kFold(20, options),
  trainTestSplit: (options) => data.trainTestSplit(x, x, options),
  tableFeatures: (options) => {
    const rows = [{ a: 1, b: 'x' }, { a: 2, b: 'y' }, { b: 'x' }, { a: 9 }]
    const made = data.tableFeatures(rows, options)
    return [made.toJSON(), made.transform(rows)]
  },
  textVectorizer: (options) => {
    const made = data.textVectorizer(['A a b', 'c'], options)
    return [made.toJSON(), made.transform(['b A a b c c d', ''])]
  },
  windows: (options) => data.windows([1, 2, 3, 4], { sequenceLength: 2, ...options }),
  adaptNormalization: (options) => configOf(lanegrad.adaptNormalization([[1], [2]], options)),
  input: (options) => input({ shape: [2], ...options }).input,
  sequential: (options) => [net(options).save(), net(options).variant, net(options).session.network.inputs],
  model: (options) => {
    const value = input({ shape: [2], name: 'x' })
    const made = lanegrad.model({ inputs: value, outputs: dense({ units: 1 })(value), ...options })
    return [made.save(), made.variant]
  },
  load: (options) => {
    const loaded = lanegrad.load(net().save(), options)
    return [loaded.save(), loaded.variant]
  },
  transfer: (options) => {
    const base = sequential({
      inputShape: [1],
      layers: [dense({ units: 2, name: 'trunk' }), dense({ units: 1 })],
    })
    const made = lanegrad.transfer(base, { output: 'trunk', head: dense({ units: 3 }), ...options } as never)
    return made.save()
  },
  part: (options) =>
    lanegrad.part(net(), { inputs: 'input', outputs: 'dense_1', ...options } as never).save(),
  inspect: (options) => inspect(net(), options).graph,
  profile: (options) => profile(net(), x, x, options).length,
  serveModels: () => null, // one option, told in words
}

const configOf = (layer: unknown): unknown => {
  const { config, trainable } = layer as lanegrad.Layer
  return { config, trainable }
}

/** A layer by its config, any other function as one: those of two calls are never the same. */
function plain(value: unknown): unknown {
  if (typeof value === 'function') return 'config' in value ? plain(configOf(value)) : 'a function'
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  if (Array.isArray(value)) return value.map(plain)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
}

/** What a call reads as its options, and what it makes of them. */
async function observed(name: string, call: Call, options: Options) {
  const spy = vi.spyOn(errors, 'readOptions')
  const made = await call(options)
  const own = spy.mock.calls.flatMap(([where], i) => (where === name ? [i] : []))
  const read = own.map((i) => spy.mock.results[i].value as Options)
  const readers = own.map((i) => spy.mock.calls[i][2] as errors.Readers)
  spy.mockRestore()
  return { seen: plain({ read, made }), readers: Object.assign({}, ...readers) as errors.Readers, read }
}

const isPublic = (name: string): boolean => typeof library[name] === 'function'
const callOf = (name: string): Call =>
  CALLS[name] ?? ((options) => (library[name] as Method)({ ...GIVEN[name], ...options }))

/** The documented default for this constructor; undefined if there is none, or only words. */
function defaultOf(name: string, type: string, option: string): { readonly value: unknown } | undefined {
  const documented = interfaces.get(type)?.get(option)
  if (!documented) return undefined
  if (documented.ofSome.has(name)) {
    const value = documented.ofSome.get(name)
    return value === undefined ? undefined : { value }
  }
  return documented.byDefault
}

const isOpen = (value: unknown): boolean => value === null || value === undefined

async function checkDefaults(name: string, type: string, call: Call): Promise<number> {
  const without = await observed(name, call, {})
  let count = 0
  for (const { name: option, isOptional, isTold } of interfaces.get(type)?.values() ?? []) {
    const told = defaultOf(name, type, option)
    if (told && isOptional) {
      const given = await observed(name, call, { [option]: told.value })
      expect(given.seen, `${type}.${option} of ${name}`).toEqual(without.seen)
      count++
    }
    const reader = without.readers[option]
    const [, byDefault] = Array.isArray(reader) ? reader : []
    if (!isOpen(byDefault) && option !== 'name' && !isEmpty(byDefault))
      expect(
        isTold,
        `${type}.${option} of ${name} has the default ${JSON.stringify(byDefault)}, which isn't documented`,
      ).toBe(true)
    // a default that a docstring gives in words alone isn't a number, a name or a boolean
    if (isTold && !told && !isOpen(byDefault) && option !== 'name')
      expect(
        WORDS,
        `${type}.${option}: the docstring gives the default ${JSON.stringify(byDefault)} in words`,
      ).toContain(`${name}.${option}`)
  }
  const documented = [...(interfaces.get(type)?.keys() ?? []), ...(OF_DATA[name] ?? [])]
  for (const option of Object.keys(without.readers))
    expect(documented, `${type} of ${name}`).toContain(option)
  return count
}

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && Object.keys(value as object).length === 0

/** Options that only the plain data of a constraint has, which files hold. */
const OF_DATA: Readonly<Record<string, readonly string[]>> = {
  unitNorm: ['minValue', 'maxValue', 'rate'],
  maxNorm: ['minValue', 'rate'],
}

/** Defaults that docstrings give in words, though they are values. */
const WORDS = [
  'lstm.biasInitializer',
  ...['convLstm1d', 'convLstm2d', 'convLstm3d'].map((name) => `${name}.biasInitializer`),
  ...['simpleRnn', 'gru', 'lstm', 'convLstm1d', 'convLstm2d', 'convLstm3d'].map(
    (name) => `${name}.recurrentInitializer`,
  ),
]

const named = [...constructors].filter(([name]) => isPublic(name)).sort()

describe('an option that is left out has its documented default', () => {
  test('every public constructor that takes options is here', () => {
    // those whose last parameter is an interface of options; some have none
    expect(named.length).toBeGreaterThan(120)
    for (const [name, type] of named) expect(interfaces.has(type), `${type} of ${name}`).toBe(true)
  })

  test.each(named)('%s, %s', async (name, type) => {
    await checkDefaults(name, type, callOf(name))
  })

  test.each([
    ['fit', 'FitOptions', (options: Options) => net().fit(x, x, { verbose: 0, ...options })],
    ['evaluate', 'EvaluateOptions', (options: Options) => net().evaluate(x, x, options)],
    ['predict', 'PredictOptions', (options: Options) => net().predict(x, options)],
    ['trainStep', 'TrainStepOptions', (options: Options) => net().trainStep(x, x, options)],
  ] as const)('%s, %s', async (name, type, call) => {
    expect(await checkDefaults(name, type, call)).toBeGreaterThan(0)
  })

  test('compile', async () => {
    const saved = (options: Options) => {
      const made = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
      return made.compile({ loss: 'mse', ...options }).save({ includeOptimizer: true })
    }
    for (const [option, { byDefault }] of interfaces.get('CompileOptions') ?? []) {
      if (!byDefault) continue
      const { value } = byDefault
      expect(saved({ [option]: option === 'lossWeights' ? [value] : value }), option).toEqual(saved({}))
    }
  })

  test('metrics and regularizers as data, weights of a layer of one’s own', () => {
    const made = (kernelRegularizer: object) => configOf(dense({ units: 1, kernelRegularizer }))
    expect(made({})).toEqual(made({ l1: 0, l2: 0 }))
    expect(
      [...(interfaces.get('Regularizer')?.values() ?? [])].map(({ byDefault }) => byDefault?.value),
    ).toEqual([0, 0])
    const held = (options: object) => {
      const layer = lanegrad.customLayer({
        kind: 'held',
        build: ({ g, weight }, [value]) => g.plus(value, weight('w', [3, 5], options)),
      })
      return sequential({ inputShape: [3, 5], layers: [layer()] }).save()
    }
    expect(held({})).toEqual(held({ initializer: 'glorotUniform', trainable: true }))
    expect(held({})).not.toEqual(held({ initializer: 'heUniform' }))
    const { initializer, trainable } = Object.fromEntries(interfaces.get('WeightOptions') ?? [])
    expect([initializer.doc, trainable.byDefault?.value]).toEqual([
      expect.stringMatching(/Default '?glorotUniform/),
      true,
    ])
  })
})

describe('defaults that docstrings give in prose', () => {
  test.each([
    ['leakyRelu', 0.2],
    ['elu', 1],
    ['celu', 1],
    ['hardSigmoid', 1 / 6, '1/6'],
  ] as const)('the alpha of %s is %f', (name, alpha, text: string | number = alpha) => {
    const config = (activation: lanegrad.Activation) => configOf(lanegrad.activation({ activation }))
    expect(config(name)).toEqual(config({ name, alpha }))
    // `leakyRelu` for x < 0 (default 0.2), the alpha of `elu` and `celu` (default 1), (default 1/6, ...)
    const prose = proseOf(sources, 'layers/activations.ts')
    expect(prose).toMatch(new RegExp(`\`${name}\`[^()]*\\(default ${text}[,;)]`))
  })

  test('of methods of a model', async () => {
    const text = proseOf(sources, 'model/model.ts')
    const told = [...text.matchAll(/`(\w+)`[^`(]*\(default (\w+)\)/g)].map(([, option, value]) => [
      option,
      value,
    ])
    expect(Object.fromEntries(told)).toMatchObject({ includeOptimizer: 'false' })
    const { read: saved } = await observed('save', () => net().save(), {})
    expect(saved[0].includeOptimizer).toBe(false)
    const { read: gradients } = await observed('gradients', () => net().gradients(x, x), {})
    expect(gradients[0].inputs).toBe(false)
  })
})

describe('a model in a worker', () => {
  const { timeoutMs } = Object.fromEntries(interfaces.get('WorkerModelOptions') ?? [])
  const { progressMs, transfer } = Object.fromEntries(interfaces.get('RemoteFitOptions') ?? [])

  test('is waited for as long as documented', async () => {
    vi.useFakeTimers()
    const silent: WorkerLike = { postMessage() {}, on() {}, off() {} }
    let error: Error | null = null
    workerModel(net(), { worker: silent }).catch((reason) => {
      error = reason
    })
    const limit = timeoutMs.byDefault?.value as number
    await vi.advanceTimersByTimeAsync(limit - 1)
    expect(error).toBeNull()
    await vi.advanceTimersByTimeAsync(1)
    expect(error).toMatchObject({ message: expect.stringContaining(`in ${limit} ms`) })
  })

  test('hears of progress, and gets copies, as documented', async () => {
    // a worker that only answers to its name: what it is sent is all that matters here
    const calls: { readonly options: unknown }[] = []
    let hear: (message: unknown) => void = () => {}
    const worker: WorkerLike = {
      on: (type, listener) => {
        if (type === 'message') hear = listener
      },
      off() {},
      postMessage(message) {
        const { lanegrad: word, port } = message as { lanegrad: string; port: MessagePort }
        if (word === 'hello') hear({ lanegrad: 'ready' })
        else {
          port.onmessage = ({ data: { id, ...call } }) => {
            calls.push(call)
            port.postMessage({ type: 'result', id, value: {}, state: null })
          }
          port.postMessage({ type: 'opened' })
        }
      },
    }
    const remote = await workerModel(net(), { worker })
    const rows = Float32Array.of(1, 2, 3, 4)
    await remote.fit(rows, rows)
    const told = { progressMs: progressMs.byDefault?.value, transfer: transfer.byDefault?.value }
    await remote.fit(rows, rows, told as object)
    expect(rows).toHaveLength(4)
    expect(calls[1].options).toEqual(calls[0].options)
    expect(calls[0].options).toMatchObject({ progressMs: told.progressMs })
    await remote.close()
  })
})
