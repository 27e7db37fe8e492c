// No public function answers any argument with an engine's raw error, and nothing is half-changed afterwards. Every function
// and every option of every entry gets values of every kind (hostile-values.ts): what is thrown must be a LanegradError, or
// what the value's own code threw. Some seconds of it here, all with CI=1.
import { afterAll, expect, test } from 'vitest'
import * as browser from '../../src/browser/index.ts'
import * as data from '../../src/data/index.ts'
import * as freeze from '../../src/freeze/index.ts'
import * as lanegrad from '../../src/index.ts'
import * as inspect from '../../src/inspect/index.ts'
import * as keras from '../../src/keras/index.ts'
import * as node from '../../src/node/index.ts'
import * as onnx from '../../src/onnx/index.ts'
import * as plot from '../../src/plot/index.ts'
import * as relaxed from '../../src/relaxed/index.ts'
import * as tfjs from '../../src/tfjs/index.ts'
import * as threads from '../../src/threads/index.ts'
import * as torch from '../../src/torch/index.ts'
import * as worker from '../../src/worker/index.ts'
import { type Draw, draws, hostile, kinds, Own } from '../support/hostile-values.ts'

type Any = (...args: readonly unknown[]) => unknown
const { dense, input, LanegradError, load, model, sequential, tensor } = lanegrad

/** Options a function can't do without, in place of `{}`. */
const FIRST: Readonly<Record<string, object>> = {
  activation: { activation: 'relu' },
  bidirectional: { layer: lanegrad.lstm({ units: 2 }) },
  timeDistributed: { layer: dense({ units: 2 }) },
  block: { layers: [dense({ units: 2 })] },
  dense: { units: 2 },
  embedding: { inputDim: 3, outputDim: 2 },
  csvLogger: { write() {} },
  modelCheckpoint: { save() {} },
  customLayer: { kind: 'mine', build: (_: unknown, [x]: unknown[]) => x },
  learningRateScheduler: { schedule: () => 1 },
  input: { shape: [2] },
  sequential: { inputShape: [2], layers: [dense({ units: 1 })] },
  batches: { x: [[1]], y: [1] },
  workerModel: { worker: { postMessage() {} } },
}

const net = () => {
  const made = sequential({
    inputShape: [2],
    layers: [dense({ units: 3, activation: 'tanh' }), dense({ units: 1 })],
  })
  made.compile({ optimizer: 'adam', loss: 'meanSquaredError', metrics: ['mae'] })
  made.trainStep([[1, 2]], [1])
  return made
}
const x = [
  [1, 2],
  [3, 4],
]
const y = [1, 2]

/** The names after `Known: ` of the message that an unknown option gets. */
function optionsOf(make: Any, given: object): string[] {
  try {
    const made = make({ ...given, noSuchOption: 1 })
    if (made instanceof Promise) made.catch(() => {})
  } catch (error) {
    const { message } = error as Error
    return /Known: (.*)$/.exec(message)?.[1].split(', ') ?? []
  }
  return []
}

interface Target {
  readonly name: string
  /** Calls with values of `next`. */
  call(next: () => unknown): unknown
  /** What a refused call leaves as it is; `subject` by default. */
  state?(): Promise<Uint8Array>
}

/** Counts that are taken, of rows or repeats, but take too long or too much memory become smaller ones. */
const feasible = (given: unknown): unknown => (typeof given === 'number' && given > 1000 ? 1000 : given)

const targets: Target[] = []
const entries = {
  lanegrad,
  browser,
  data,
  freeze,
  inspect,
  keras,
  node,
  onnx,
  plot,
  relaxed,
  tfjs,
  threads,
  torch,
  worker,
} as unknown as Record<string, Record<string, unknown>>
const isCalled = (name: string, value: unknown): value is Any =>
  typeof value === 'function' && !/^[A-Z]/.test(name) && name !== 'serveModels'
for (const [entry, names] of Object.entries(entries)) {
  for (const [name, value] of Object.entries(names)) {
    if (!isCalled(name, value)) continue
    const where = `${entry}: ${name}`
    const most = name === 'kFold' ? feasible : (given: unknown) => given
    targets.push({ name: `${where}(v)`, call: (next) => value(most(next())) })
    targets.push({ name: `${where}(v, v, v)`, call: (next) => value(most(next()), next(), next()) })
    const first = FIRST[name] ?? {}
    for (const option of optionsOf(value, first))
      targets.push({
        name: `${where}({ ${option}: v })`,
        call: (next) => value({ ...first, [option]: next() }),
      })
  }
}

/** Methods, with the argument that is replaced. */
const methods: Readonly<Record<string, readonly unknown[]>> = {
  compile: [{ loss: 'mse' }],
  setTrainable: [{}],
  fit: [x, y, {}],
  trainStep: [x, y, {}],
  evaluate: [x, y, {}],
  predict: [x, {}],
  gradients: [x, y, {}],
  setWeights: [
    {
      'dense_1/kernel': [
        [1, 2, 3],
        [4, 5, 6],
      ],
    },
  ],
  save: [{}],
}
/** Functions of a model, likewise. */
const functions: Readonly<Record<string, readonly unknown[]>> = {
  inspect: [{}],
  loadWeights: [new Uint8Array(8)],
  profile: [x, y, { repeats: 1 }],
}
const subject = net()
/** `fit` may have trained some batches before one that is refused. */
const fitted = net()
for (const [name, args] of Object.entries({ ...methods, ...functions })) {
  const own = (name === 'fit' ? fitted : subject) as unknown as Record<string, Any>
  const ask =
    name in functions
      ? ((entries.lanegrad[name] ?? entries.inspect[name]) as Any).bind(null, own)
      : own[name].bind(own)
  args.forEach((arg, i) => {
    const call = (value: unknown) => ask(...args.map((known, j) => (i === j ? value : known)))
    targets.push({ name: `Model.${name}: argument ${i + 1}`, call: (next) => call(next()) })
    if (Object.getPrototypeOf(arg) !== Object.prototype) return
    const probe = ((options: object) => ask(...args.map((known, j) => (i === j ? options : known)))) as Any
    for (const option of name === 'fit' || name === 'evaluate' ? [] : optionsOf(probe, arg as object))
      targets.push({
        name: `Model.${name}: ${option}`,
        call: (next) =>
          call({ ...(arg as object), [option]: option === 'repeats' ? feasible(next()) : next() }),
      })
  })
}
/** Options of methods of a model in a worker. */
const REMOTE = ['transfer', 'progressMs', 'sampleWeight', 'classWeight', 'allowNaN', 'batchSize']
const FIT =
  'epochs initialEpoch batchSize stepsPerEpoch shuffle validationSplit validationData validationBatchSize validationSteps validationFreq verbose callbacks signal sampleWeight classWeight allowNaN'
/** However many epochs are asked for, a few are enough. */
const limited = () => ({ signal: AbortSignal.timeout(2) })
for (const option of FIT.split(' '))
  targets.push({
    name: `Model.fit: ${option}`,
    call: (next) => fitted.fit(x, y, { epochs: 1, ...limited(), [option]: next() } as object),
  })
for (const option of ['batchSize', 'steps', 'sampleWeight', 'allowNaN'])
  targets.push({
    name: `Model.evaluate: ${option}`,
    call: (next) => subject.evaluate(x, y, { [option]: next() } as object),
  })
targets.push({
  name: 'Model.learningRate',
  call: (next) => {
    subject.learningRate = next() as number
  },
})
targets.push({ name: 'Model.fit(v)', call: (next) => (fitted.fit.bind(fitted) as Any)(next()) })
targets.push({ name: 'Model.evaluate(v)', call: (next) => (subject.evaluate.bind(subject) as Any)(next()) })
targets.push({
  name: 'Model.setWeights: kernel',
  call: (next) => subject.setWeights({ 'dense_1/kernel': next() as never }),
})
targets.push({
  name: 'Model.setTrainable: dense_1',
  call: (next) => subject.setTrainable({ dense_1: next() as boolean }),
})

const bytes = subject.save()
const [a, b] = [input({ shape: [2] }), input({ shape: [2] })]
const outputs = { p: dense({ units: 1 })(a), q: dense({ units: 2 })(lanegrad.add()(a, b)) }
const several = model({ inputs: { a, b }, outputs })
several.compile({ loss: 'mse' })
const both = several as unknown as Record<string, Any>
targets.push(
  { name: 'load(bytes, { layers })', call: (next) => load(bytes, { layers: next() as never }) },
  { name: 'load(bytes, { losses })', call: (next) => load(bytes, { losses: next() as never }) },
  { name: 'load(bytes, { compile })', call: (next) => load(bytes, { compile: next() as never }) },
  { name: 'load(bytes, v)', call: (next) => load(bytes, next() as never) },
  { name: 'transfer(model, v)', call: (next) => lanegrad.transfer(subject as never, next() as never) },
  {
    name: 'transfer output',
    call: (next) =>
      lanegrad.transfer(subject as never, { output: next() as never, head: [dense({ units: 1 })] }),
  },
  {
    name: 'transfer head',
    call: (next) => lanegrad.transfer(subject as never, { output: 'dense_1', head: next() as never }),
  },
  {
    name: 'transfer seed',
    call: (next) =>
      lanegrad.transfer(subject as never, {
        output: 'dense_1',
        head: [dense({ units: 1 })],
        seed: next() as never,
      }),
  },
  {
    name: 'model inputs',
    call: (next) => model({ inputs: next(), outputs: dense({ units: 1 })(input({ shape: [1] })) } as never),
  },
  {
    name: 'model outputs',
    call: (next) => model({ inputs: input({ shape: [1] }), outputs: next() } as never),
  },
  { name: 'layer(v)', call: (next) => (dense({ units: 1 }) as Any)(next()) },
  { name: 'layer(x, v)', call: (next) => (dense({ units: 1 }) as Any)(input({ shape: [1] }), next()) },
  { name: 'tensor(data, v)', call: (next) => tensor([1, 2], next() as never) },
  { name: 'adaptNormalization(x, v)', call: (next) => lanegrad.adaptNormalization(x, next() as never) },
  { name: 'customLoss(name, v)', call: (next) => lanegrad.customLoss('mine', next() as never) },
  { name: 'several.predict a', call: (next) => both.predict({ a: next(), b: [[1, 2]] }) },
  {
    name: 'several.trainStep y',
    call: (next) => both.trainStep({ a: [[1, 2]], b: [[1, 2]] }, { p: next(), q: [[1, 2]] }),
  },
  {
    name: 'several.trainStep weights',
    call: (next) =>
      both.trainStep(
        { a: [[1, 2]], b: [[1, 2]] },
        { p: [1], q: [[1, 2]] },
        { sampleWeight: { p: next(), q: [1] } },
      ),
  },
  { name: 'several.compile loss', call: (next) => both.compile({ loss: { p: next(), q: 'mse' } }) },
  {
    name: 'several.compile metrics',
    call: (next) => both.compile({ loss: 'mse', metrics: { p: next(), q: [] } }),
  },
  {
    name: 'several.compile lossWeights',
    call: (next) => both.compile({ loss: 'mse', lossWeights: { p: next(), q: 1 } }),
  },
)
const table = data.parseCsv('a,b\n1,2\n')
for (const name of ['textColumn', 'numberColumns', 'labelColumn', 'oneHotColumn'] as const) {
  const call = entries.data[name] as Any
  targets.push({ name: `${name}(table, v)`, call: (next) => call(table, next()) })
  targets.push({
    name: `${name}(table, name, v)`,
    call: (next) => call(table, name === 'numberColumns' ? ['a'] : 'a', next()),
  })
  targets.push({
    name: `${name}({ names, rows: v })`,
    call: (next) => call({ names: ['a'], rows: next() }, name === 'numberColumns' ? ['a'] : 'a'),
  })
  targets.push({
    name: `${name}({ names: v })`,
    call: (next) => call({ names: next(), rows: [['1']] }, name === 'numberColumns' ? ['a'] : 'a'),
  })
}
targets.push(
  {
    name: 'trainTestSplit(x, y, { stratify })',
    call: (next) => data.trainTestSplit([[1], [2], [3], [4]], [1, 2, 1, 2], { stratify: next() as never }),
  },
  {
    name: 'trainTestSplit(x, y, { testSize })',
    call: (next) => data.trainTestSplit([[1], [2], [3], [4]], [1, 2, 1, 2], { testSize: next() as never }),
  },
  { name: 'kFold(4, { stratify })', call: (next) => data.kFold(4, { folds: 2, stratify: next() as never }) },
  ...['columns', 'target', 'impute', 'scale', 'categories', 'handleUnknown'].map((option) => ({
    name: `tableFeatures(rows, { ${option}: v })`,
    call: (next: () => unknown) => data.tableFeatures([{ a: 1, b: 'x' }], { [option]: next() }),
  })),
  { name: 'tableFeatures([v])', call: (next) => data.tableFeatures([next() as never]) },
  {
    name: 'tableFeatures([{ a: v }])',
    call: (next) => data.tableFeatures([{ a: next() }]).transform([{ a: next() }]),
  },
  {
    name: 'tableFeatures.transform(v)',
    call: (next) => data.tableFeatures([{ a: 1 }]).transform(next() as never),
  },
  {
    name: 'tableFeatures.toLabels(v)',
    call: (next) =>
      data
        .tableFeatures(
          [
            { a: 1, b: 'x' },
            { a: 2, b: 'y' },
          ],
          { target: 'b' },
        )
        .toLabels(next() as never, next() as never),
  },
  {
    name: 'loadTableFeatures({ columns: [v] })',
    call: (next) =>
      data.loadTableFeatures({
        ...data.tableFeatures([{ a: 1 }]).toJSON(),
        columns: [next()],
        target: next(),
      }),
  },
  ...[
    'outputMode',
    'maxTokens',
    'outputSequenceLength',
    'padding',
    'truncating',
    'split',
    'lowercase',
    'ngrams',
  ].map((option) => ({
    name: `textVectorizer(texts, { ${option}: v })`,
    call: (next: () => unknown) => data.textVectorizer(['a b'], { [option]: next() }),
  })),
  { name: 'textVectorizer([v])', call: (next) => data.textVectorizer([next() as never]) },
  {
    name: 'textVectorizer.transform(v)',
    call: (next) => data.textVectorizer(['a']).transform(next() as never),
  },
  {
    name: 'loadTextVectorizer({ tokens: v })',
    call: (next) =>
      data.loadTextVectorizer({ ...data.textVectorizer(['a']).toJSON(), tokens: next(), idf: next() }),
  },
  ...['sequenceLength', 'horizon', 'stride', 'targets'].map((option) => ({
    name: `windows(series, { ${option}: v })`,
    call: (next: () => unknown) => data.windows([1, 2, 3], { sequenceLength: 1, [option]: next() }),
  })),
  {
    name: 'windows([v, v], { sequenceLength: 1 })',
    call: (next) => data.windows([next(), next()] as never, { sequenceLength: 1 }),
  },
  {
    name: 'trainTestSplit(v, v)',
    call: (next) => data.trainTestSplit({ a: [1, 2], b: next() as never }, next() as never),
  },
  { name: 'gatherRows(x, v)', call: (next) => data.gatherRows([[1], [2]], next() as never) },
  { name: 'augment(images)', call: (next) => (data.augmentImages() as Any)(next(), next()) },
  { name: 'batches({ x, y: v })', call: (next) => [...data.batches({ x: [[1]], y: next() as never })] },
  {
    name: 'parseIdx(bytes, v)',
    call: (next) => data.parseIdx(new Uint8Array([0, 0, 8, 1, 0, 0, 0, 0]), next() as never),
  },
)
const inside =
  (write: (g: lanegrad.GraphBuilder, v: lanegrad.Value, next: () => never) => unknown): Target['call'] =>
  (next) => {
    const mine = lanegrad.customLayer({
      kind: 'mine',
      build: ({ g }, [v]) => write(g, v, next as () => never) as lanegrad.Value,
    })
    return sequential({ inputShape: [2], layers: [mine()] })
  }
const builder: Readonly<
  Record<string, (g: lanegrad.GraphBuilder, v: lanegrad.Value, next: () => never) => unknown>
> = {
  'plus(x, v)': (g, v, next) => g.plus(v, next()),
  'times(v, x)': (g, v, next) => g.times(next(), v),
  'minus(v, v)': (g, _v, next) => g.minus(next(), next()),
  'binary(v, x, x)': (g, v, next) => g.binary(next(), v, v),
  'unary(v, x)': (g, v, next) => g.unary(next(), v),
  'unary(exp, v)': (g, _v, next) => g.unary('exp', next()),
  'unary(exp, x, v)': (g, v, next) => g.unary('leakyRelu', v, next()),
  'constant(v)': (g, v, next) => g.plus(v, g.constant(next())),
  'constant(1, v)': (g, v, next) => g.plus(v, g.constant(new Float32Array(2), next())),
  'matmul(x, v)': (g, v, next) => g.matmul(v, next()),
  'matmul(x, x, v)': (g, v, next) => g.matmul(v, v, next()),
  'scale(x, v)': (g, v, next) => g.scale(v, next()),
  'scale(v, 2)': (g, _v, next) => g.scale(next(), 2),
  'reshape(x, v)': (g, v, next) => g.reshape(v, next()),
  'reshape(v, [2])': (g, _v, next) => g.reshape(next(), [2]),
  'expand(x, v)': (g, v, next) => g.expand(v, next()),
  'permute(x, v)': (g, v, next) => g.permute(v, next()),
  'slice(x, v, v, v)': (g, v, next) => g.slice(v, next(), next(), next()),
  'slice(x, 1, v, 1)': (g, v, next) => g.slice(v, 1, next(), 1),
  'concatenate(v, 1)': (g, _v, next) => g.concatenate(next(), 1),
  'concatenate([x, v], 1)': (g, v, next) => g.concatenate([v, next()], 1),
  'concatenate([x, x], v)': (g, v, next) => g.concatenate([v, v], next()),
  'softmax(v)': (g, _v, next) => g.softmax(next()),
  'sum(x, v)': (g, v, next) => g.sum(v, next()),
  'sum(v)': (g, _v, next) => g.sum(next()),
  'mean(x, v)': (g, v, next) => g.mean(v, next()),
  'mean(v)': (g, _v, next) => g.mean(next()),
  'sumTo(x, v)': (g, v, next) => g.sumTo(v, next()),
  'reduce(v, x)': (g, v, next) => g.reduce(next(), v),
  'reduce(sum, x, [1], v)': (g, v, next) => g.reduce('sum', v, [1], next()),
  'the result of build': (_g, _v, next) => next(),
}
for (const [name, write] of Object.entries(builder)) targets.push({ name: `g.${name}`, call: inside(write) })
const giving = (v: lanegrad.Value, _done: unknown): lanegrad.Value => v
const contextual: Readonly<
  Record<string, (context: lanegrad.LayerContext, v: lanegrad.Value, next: () => never) => unknown>
> = {
  'weight(v, [2])': (c, v, next) => c.g.times(v, c.weight(next(), [2])),
  'weight(w, v)': (c, v, next) => c.g.times(v, c.weight('w', next())),
  'weight(w, [2], v)': (c, v, next) => c.g.times(v, c.weight('w', [2], next())),
  'weight initializer': (c, v, next) => c.g.times(v, c.weight('w', [2], { initializer: next() })),
  'weight regularizer': (c, v, next) => c.g.times(v, c.weight('w', [2], { regularizer: next() })),
  'weight constraint': (c, v, next) => c.g.times(v, c.weight('w', [2], { constraint: next() })),
  'weight trainable': (c, v, next) => c.g.times(v, c.weight('w', [2], { trainable: next() })),
  'weightOf(v)': (c, v, next) => c.g.times(v, c.weightOf(next())),
  'limitIds(v, v)': (c, v, next) => giving(v, c.limitIds(next(), next())),
  'assign(v, v)': (c, v, next) => giving(v, c.assign(next(), next())),
  'maskOf(v)': (c, v, next) => giving(v, c.maskOf(next())),
  'setMask(v, v)': (c, v, next) => giving(v, c.setMask(next(), next())),
  'nested(v)': (c, v, next) => c.nested(next()).g.scale(v, 2),
  'stream(v)': (c, v, next) => giving(v, c.stream(next())),
}
for (const [name, write] of Object.entries(contextual))
  targets.push({
    name: `context.${name}`,
    call: (next) =>
      sequential({
        inputShape: [2],
        layers: [
          lanegrad.customLayer({
            kind: 'mine',
            build: (c, [v]) => write(c, v, next as () => never) as lanegrad.Value,
          })(),
        ],
      }),
  })
targets.push({
  name: 'what a custom loss gives',
  call: (next) => {
    const made = sequential({ inputShape: [2], layers: [dense({ units: 1 })] })
    made.compile({ loss: lanegrad.customLoss('mine', () => next() as lanegrad.Value) })
    made.trainStep(x, y)
  },
})

/** A model in a worker, which is this thread. */
const { port1, port2 } = new MessageChannel()
worker.serveModels({ port: port2 as never })
const remote = await worker.workerModel(net(), { worker: port1 })
/** What a `fit` has left undone doesn't hold up the other one. */
const fittedRemote = await worker.workerModel(net(), { worker: port1 })
afterAll(async () => {
  await Promise.all([remote.close(), fittedRemote.close()])
  port1.close()
})
const whole = () => remote.save({ includeOptimizer: true })
for (const [name, args] of Object.entries({ ...methods, setLearningRate: [0.1] })) {
  if (!(name in remote)) continue
  const own = (name === 'fit' ? fittedRemote : remote) as unknown as Record<string, Any>
  const method = ((...given) => own[name](...given)) as Any
  const state = name === 'fit' ? undefined : whole
  const where = `WorkerModel.${name}`
  targets.push({ name: `${where}(v, v, v)`, call: (next) => method(next(), next(), next()), state })
  args.forEach((arg, i) => {
    const call = (value: unknown) => method(...args.map((known, j) => (i === j ? value : known)))
    targets.push({ name: `${where}: argument ${i + 1}`, call: (next) => call(next()), state })
    if (Object.getPrototypeOf(arg) === Object.prototype && name !== 'setWeights')
      for (const option of [...REMOTE, ...(name === 'fit' ? FIT.split(' ') : [])])
        targets.push({
          name: `${where}: ${option}`,
          call: (next) => call({ ...(name === 'fit' ? limited() : {}), [option]: next() }),
          state,
        })
  })
}

const isOurs = (error: unknown): boolean => {
  try {
    return error instanceof LanegradError || error instanceof Own
  } catch {
    return false
  }
}

const SEED = Number(process.env.HOSTILE_SEED ?? 1)
/** 50,000 calls with CI=1. */
const ROUNDS = process.env.CI ? 38 : 1

test(`arguments of every kind (seed ${SEED})`, { timeout: 600_000 }, async () => {
  const wrong = new Set<string>()
  const own = async () => subject.save({ includeOptimizer: true })
  /** What each of the two models was when last seen; a call that is taken may change it. */
  const known = new Map<() => Promise<Uint8Array>, Uint8Array>()
  const draw: Draw = draws(SEED)
  for (let round = 0; round < ROUNDS; round++)
    for (const { name, call, state } of targets) {
      const drawn: number[] = []
      const next = () => {
        drawn.push(draw(kinds))
        return hostile(draw, drawn.at(-1))
      }
      const saved = state ?? own
      const before = known.get(saved) ?? (await saved())
      known.delete(saved)
      try {
        await Promise.race([call(next), new Promise((resolve) => setTimeout(resolve, 100))])
      } catch (error) {
        if (!isOurs(error)) wrong.add(`${name}, values ${drawn}: ${(error as Error)?.stack ?? String(error)}`)
        else if (Buffer.compare(await saved(), before) !== 0)
          wrong.add(`${name}, values ${drawn}: the model has changed`)
        else known.set(saved, before)
      }
    }
  expect([...wrong]).toEqual([])
  subject.compile({ optimizer: 'adam', loss: 'mse' })
  expect(subject.trainStep(x, y).loss).toBeGreaterThanOrEqual(0)
})
