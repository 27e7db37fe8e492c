// Gradients accumulated over several steps: k steps on parts of a batch make the update one step on the whole batch
// makes, for every optimizer, whatever counts in each part; and what goes on between the updates.
import { describe, expect, test } from 'vitest'
import {
  type Accumulation,
  accumulateGradients,
  adam,
  type Callback,
  type CompileOptions,
  classWeights,
  customLayer,
  type Data,
  dense,
  dropout,
  flatten,
  gru,
  input,
  type Layer,
  load,
  type Model,
  masking,
  meanSquaredError,
  model,
  movingAverage,
  type Optimizer,
  type OptimizerOptions,
  optimizers,
  type Symbolic,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  type TrainStepOptions,
} from '../../src/index.ts'
import { inspect } from '../../src/inspect/index.ts'
import { refused } from '../support/refused.ts'

type Net = Model<Symbolic>
const ROWS = 12
const x = Array.from({ length: ROWS }, (_, i) => [Math.sin(i), Math.cos(2 * i), i / ROWS])
const y = x.map(([a, b, c]) => [a - b, b * c])

const build = (optimizer: Optimizer, rate = 0): Net =>
  sequential({
    inputShape: [3],
    seed: 6,
    layers: [dense({ units: 7, activation: 'tanh' }), dropout({ rate }), dense({ units: 2 })],
  }).compile({ optimizer, loss: 'mse' })

const part = (k: number, i: number): [number[][], number[][]] => {
  const rows = ROWS / k
  const at = (i % k) * rows
  return [x.slice(at, at + rows), y.slice(at, at + rows)]
}

function difference(a: Net, b: Net): number {
  const other = b.getWeights()
  let most = 0
  for (const [name, { data }] of Object.entries(a.getWeights()))
    data.forEach((value, i) => {
      most = Math.max(most, Math.abs(value - other[name].data[i]))
    })
  return most
}

describe('k steps on parts of a batch', () => {
  const settings: OptimizerOptions = { learningRate: 0.05, globalClipNorm: 0.5 }
  test.each(Object.entries(optimizers))('are one step on the whole batch: %s', (_, make) => {
    for (const k of [2, 3]) {
      const whole = build(make(settings))
      const parts = build(make({ ...settings, accumulation: accumulateGradients(k) }))
      for (let update = 0; update < 4; update++) {
        whole.trainStep(x, y)
        for (let i = 0; i < k; i++) parts.trainStep(...part(k, i))
      }
      expect(difference(whole, parts)).toBeLessThan(2e-6)
      expect(difference(whole, build(make(settings)))).toBeGreaterThan(1e-4) // it trained
    }
  })

  test('fit does the same; what is left at an epoch’s end makes an update', async () => {
    const whole = build(sgd({ learningRate: 0.1 }))
    const parts = build(sgd({ learningRate: 0.1, accumulation: accumulateGradients(2) }))
    await whole.fit(x, y, { batchSize: 8, epochs: 3, shuffle: false }) // of 8 and 4 rows
    await parts.fit(x, y, { batchSize: 4, epochs: 3, shuffle: false }) // of 4 and 4, and 4
    expect(difference(whole, parts)).toBeLessThan(1e-6)
    const many = build(sgd({ learningRate: 0.1, accumulation: accumulateGradients(100) }))
    const once = build(sgd({ learningRate: 0.1 }))
    await many.fit(x, y, { batchSize: 5, epochs: 2 })
    await once.fit(x, y, { batchSize: 12, epochs: 2 })
    expect(difference(many, once)).toBeLessThan(1e-6)
    expect(difference(many, build(sgd()))).toBeGreaterThan(1e-2) // it trained
  })

  test('fit stopped by a callback ends with an update; an abort leaves the steps waiting', async () => {
    const options = { batchSize: 4, shuffle: false }
    const optimizer = sgd({ learningRate: 0.1, accumulation: accumulateGradients(3) })
    const whole = build(sgd({ learningRate: 0.1 }))
    whole.trainStep(x.slice(0, 8), y.slice(0, 8))
    const stopped = build(optimizer)
    let end = (): void => {}
    const stop: Callback = {
      onTrainBegin: (params) => {
        end = () => params.stop()
      },
      onBatchEnd: (batch) => {
        if (batch === 1) end()
      },
    }
    await stopped.fit(x, y, { ...options, callbacks: stop })
    expect(difference(whole, stopped)).toBeLessThan(1e-6)

    const aborted = build(optimizer)
    const controller = new AbortController()
    const abort: Callback = { onBatchEnd: (batch) => void (batch === 1 && controller.abort()) }
    await aborted.fit(x, y, { ...options, callbacks: abort, signal: controller.signal })
    expect(difference(aborted, build(optimizer))).toBe(0)
    aborted.trainStep(x.slice(8), y.slice(8))
    const all = build(sgd({ learningRate: 0.1 }))
    all.trainStep(x, y)
    expect(difference(all, aborted)).toBeLessThan(1e-6)
  })
})

test('parts of 4 and 2 rows weigh as their rows do', () => {
  // of one weight w and no bias: the gradient of the mean of (w a - b)^2 is 2 mean(a (w a - b))
  const [a, b] = [
    [1, 2, 3, 4, 5, 6],
    [2, 1, 4, 3, 9, 9],
  ]
  const net = sequential({
    inputShape: [1],
    layers: [dense({ units: 1, useBias: false, kernelInitializer: 'ones', name: 'd' })],
  }).compile({ optimizer: sgd({ learningRate: 0.1, accumulation: accumulateGradients(2) }), loss: 'mse' })
  net.trainStep(Float32Array.from(a.slice(0, 4)), b.slice(0, 4))
  net.trainStep(Float32Array.from(a.slice(4)), b.slice(4))
  const gradient = a.reduce((sum, value, i) => sum + (2 * value * (value - b[i])) / 6, 0)
  expect(net.getWeights()['d/kernel'].data[0]).toBeCloseTo(1 - 0.1 * gradient, 6)
})

describe('parts are the whole where', () => {
  const sizes = [4, 1, 5, 2] // rows of the parts
  const steps = 3
  const sequences = x.map((row, i) => row.slice(0, steps).map((v, t) => [t <= i % steps ? v + 2 : 0, v]))
  // steps t <= i % 3 of row i count; the last two rows not at all
  for (const i of [10, 11])
    sequences[i] = [
      [0, 0],
      [0, 0],
      [0, 0],
    ]
  const masks = sequences.map((row) => row.map(([first]) => (first === 0 ? [0, 0] : [first, 1])))
  const values = (width: number) =>
    x.map((row, i) =>
      Array.from({ length: steps }, (_, t) => Array.from({ length: width }, (_, j) => row[j] * t - (i % 4))),
    )
  const labels = x.map((_, i) => (i < 5 ? -1 : i % 3)) // the first part counts nothing
  const stepWeights = x.map((_, i) => Array.from({ length: steps }, (_, t) => ((i + t) % 3) + 0.5))
  const rowWeights = x.map((_, i) => (i % 4) * 0.75)
  const sum = meanSquaredError({ reduction: 'sum' })
  const ignoring = sparseCategoricalCrossentropy({ ignoreIndex: -1 })
  const row = () => input({ shape: [3] })
  const sequence = () => input({ shape: [steps, 2] })
  const penalized = (units: number, name: string) =>
    dense({ units, name, kernelRegularizer: { l1: 0.01, l2: 0.02 } })
  type Case = {
    net(): Model
    loss: CompileOptions['loss']
    lossWeights?: number[]
    x: unknown
    y: unknown
    weights?: unknown
    classWeight?: TrainStepOptions['classWeight']
  }
  const chain = (from: Symbolic, ...layers: Layer[]) =>
    model({ inputs: from, outputs: layers.reduce((value: Symbolic, layer) => layer(value), from) })
  const two = (first: Layer, second: Layer) => () => {
    const from = row()
    const hidden = dense({ units: 4, activation: 'tanh', name: 'h' })(from)
    return model({ inputs: from, outputs: [first(hidden), second(hidden)] })
  }
  const softmax = (name: string) => dense({ units: 3, activation: 'softmax', name })
  const masked = () =>
    chain(sequence(), masking(), gru({ units: 3, returnSequences: true }), dense({ units: 2 }))
  const cases: Record<string, Case> = {
    'sample weights': {
      net: () => chain(row(), dense({ units: 2 })),
      loss: 'mse',
      x,
      y,
      weights: rowWeights,
    },
    'a mask': { net: masked, loss: 'mse', x: masks, y: values(2) },
    'a mask, and weights of positions': {
      ...{ net: masked, loss: 'mse', x: masks, y: values(2), weights: stepWeights },
    },
    'ignored labels, a penalty': {
      ...{ net: () => chain(row(), penalized(4, 'p'), softmax('s')), loss: ignoring, x, y: labels },
    },
    'class weights': {
      net: () => chain(row(), softmax('s')),
      loss: 'sparseCategoricalCrossentropy',
      ...{ x, y: labels.map((label) => Math.max(label, 0)), classWeight: classWeights({ 0: 2, 2: 0.25 }) },
    },
    'a sum': { net: () => chain(row(), dense({ units: 2 })), loss: sum, x, y, weights: rowWeights },
    'a sum, and a penalty that counts once': { net: () => chain(row(), penalized(2, 'p')), loss: sum, x, y },
    'outputs of their own counts': {
      net: two(softmax('a'), dense({ units: 2, name: 'b' })),
      loss: [ignoring, 'mse'],
      lossWeights: [3, 0.5],
      ...{ x, y: [labels, y], weights: [rowWeights, rowWeights] },
    },
    'a sum, ignored labels and penalties': {
      net: two(penalized(2, 'a'), softmax('b')),
      loss: [sum, ignoring],
      lossWeights: [0.1, 2],
      ...{ x, y: [y, labels] },
    },
    'a masked output beside one that is not': {
      net: () => {
        const from = sequence()
        const hidden = gru({ units: 3, returnSequences: true })(masking()(from))
        return model({
          inputs: from,
          outputs: [penalized(2, 'a')(hidden), dense({ units: 1, name: 'b' })(flatten()(hidden))],
        })
      },
      loss: ['mse', 'mae'],
      ...{ x: masks, y: [values(2), x.map(([a]) => [a])] },
    },
  }
  const cut = (data: unknown, from: number, to: number): unknown => (data as unknown[]).slice(from, to)

  test.each(Object.entries(cases))(
    '%s',
    async (_, { net, loss, lossWeights, weights, classWeight, ...data }) => {
      const isList = Array.isArray(loss)
      const slice = (part: unknown, from: number, to: number) =>
        isList ? (part as unknown[]).map((own) => cut(own, from, to)) : cut(part, from, to)
      const settings = {
        learningRate: 0.05,
        momentum: 0.9,
        globalClipNorm: 2,
        weightDecay: 0.01,
        ema: movingAverage(),
      }
      const compiled = (k: number) =>
        net().compile({
          optimizer: sgd({ ...settings, accumulation: accumulateGradients(k) }),
          loss,
          lossWeights,
        })
      const [whole, parts] = [compiled(1), compiled(sizes.length)]
      const options = (from: number, to: number) => ({
        ...(weights !== undefined && { sampleWeight: slice(weights, from, to) as Data }),
        classWeight,
      })
      const logs: number[] = []
      for (let update = 0; update < 3; update++) {
        whole.trainStep(data.x as Data, data.y as Data, options(0, ROWS))
        let at = 0
        for (const size of sizes) {
          const [from, to] = [at, at + size]
          const rows = [cut(data.x, from, to), slice(data.y, from, to)] as [Data, Data]
          // a part's logs are those of the part
          logs.push(parts.trainStep(...rows, options(from, to)).loss)
          at = to
        }
      }
      expect(logs.every(Number.isFinite)).toBe(true)
      expect(difference(whole as Net, parts as Net)).toBeLessThan(2e-6)
      expect(difference(whole as Net, compiled(1) as Net)).toBeGreaterThan(1e-2) // it trained
      for (const [name, { data: average }] of Object.entries(whole.emaWeights()))
        average.forEach((value, i) => {
          expect(parts.emaWeights()[name].data[i]).toBeCloseTo(value, 5)
        })

      // a fit of uneven batches, the last group of them cut short
      const [one, many] = [compiled(1), compiled(5)]
      const given = { shuffle: false, epochs: 2, ...options(0, ROWS) }
      await one.fit(data.x as Data, data.y as Data, { ...given, batchSize: ROWS })
      await many.fit(data.x as Data, data.y as Data, { ...given, batchSize: 5 })
      expect(difference(one as Net, many as Net)).toBeLessThan(2e-6)

      // saved between two updates and loaded, the same bits
      const [a, b] = [parts, compiled(sizes.length)]
      a.trainStep(cut(data.x, 0, 4) as Data, slice(data.y, 0, 4) as Data, options(0, 4))
      const resumed = load(a.save({ includeOptimizer: true })) as unknown as Model
      for (const net of [a, resumed]) {
        let from = 4
        for (const size of sizes.slice(1)) {
          net.trainStep(
            cut(data.x, from, from + size) as Data,
            slice(data.y, from, from + size) as Data,
            options(from, from + size),
          )
          from += size
        }
      }
      expect(resumed.save({ includeOptimizer: true })).toEqual(a.save({ includeOptimizer: true }))
      b.dispose()
    },
  )
})

test('batches in which nothing counts change nothing', () => {
  const net = sequential({ inputShape: [3], layers: [dense({ units: 3, activation: 'softmax' })] })
  const loss = sparseCategoricalCrossentropy({ ignoreIndex: -1 })
  net.compile({ optimizer: sgd({ accumulation: accumulateGradients(2) }), loss })
  const before = net.getWeights()
  for (let step = 0; step < 2; step++) net.trainStep(x, new Int32Array(ROWS).fill(-1))
  expect(net.getWeights()).toEqual(before)
})

test('between updates weights stay; loss and metrics are those of each batch', () => {
  const net = build(adam({ accumulation: accumulateGradients(3) }))
  const single = build(adam())
  const start = net.getWeights()
  const first = single.trainStep(...part(3, 0))
  expect(net.trainStep(...part(3, 0))).toEqual(first)
  expect(net.trainStep(...part(3, 0))).toEqual(first) // nothing moved
  expect(net.getWeights()).toEqual(start)
  net.trainStep(...part(3, 0))
  expect(net.getWeights()).not.toEqual(start)
})

test('what layers keep from step to step moves with every batch', () => {
  const counter = customLayer({
    kind: 'counter',
    build({ g, weight, assign }, [value]) {
      const count = weight('count', [1], { initializer: { kind: 'zeros' }, trainable: false })
      assign(count, g.plus(count, g.constant(1)))
      return value
    },
  })
  const net = sequential({ inputShape: [3], layers: [counter({ name: 'counter' }), dense({ units: 2 })] })
  net.compile({ optimizer: sgd({ accumulation: accumulateGradients(3) }), loss: 'mse' })
  for (let step = 1; step <= 4; step++) {
    net.trainStep(x, y)
    expect([...net.getWeights()['counter/count'].data]).toEqual([step])
  }
})

test('dropout draws anew for every batch, also between updates', () => {
  const net = build(sgd({ learningRate: 0, accumulation: accumulateGradients(3) }), 0.5)
  const losses = Array.from({ length: 9 }, () => net.trainStep(x, y).loss)
  expect(new Set(losses).size).toBe(9)
})

test('the same seed gives the same bits; resumed from between two updates as well', () => {
  const options = { learningRate: 0.05, accumulation: accumulateGradients(3), ema: movingAverage() } as const
  const [one, two] = [build(adam(options), 0.3), build(adam(options), 0.3)]
  for (let step = 0; step < 5; step++) one.trainStep(...part(3, step))
  for (let step = 0; step < 5; step++) two.trainStep(...part(3, step))
  expect(two.save({ includeOptimizer: true })).toEqual(one.save({ includeOptimizer: true }))
  const resumed = load(one.save({ includeOptimizer: true }))
  for (const net of [one, resumed]) for (let step = 5; step < 13; step++) net.trainStep(...part(3, step))
  expect(resumed.save({ includeOptimizer: true })).toEqual(one.save({ includeOptimizer: true }))
})

test('compiling anew forgets what was accumulated', () => {
  const optimizer = sgd({ learningRate: 0.1, accumulation: accumulateGradients(2) })
  const net = build(optimizer)
  net.trainStep(
    x.map((row) => row.map((value) => 50 * value)),
    y,
  )
  net.compile({ optimizer, loss: 'mse' })
  const other = build(optimizer)
  for (const model of [net, other]) for (let i = 0; i < 2; i++) model.trainStep(...part(2, i))
  expect(net.getWeights()).toEqual(other.getWeights())
})

test('the program shows where the gradients of a step are kept', () => {
  const { program } = inspect(build(sgd({ accumulation: accumulateGradients(2), ema: movingAverage() })), {
    batchSize: 2,
  })
  expect(program.slice(program.indexOf('update:')).match(/accumulate|update$|ema/gm)).toEqual([
    'accumulate',
    'accumulate',
    'update',
    'ema',
  ])
})

test('refused: a number of steps that is none', () => {
  refused('accumulateGradients: steps must be a positive integer; got 1.5', () => accumulateGradients(1.5))
  const written =
    "write accumulation: accumulateGradients(4), with accumulateGradients from 'lanegrad'; got 4"
  refused(`adam: gradientAccumulationSteps: ${written}`, () =>
    adam({ gradientAccumulationSteps: 4 } as object),
  )
  refused(`sgd: gradient_accumulation_steps: ${written}`, () =>
    sgd({ gradient_accumulation_steps: 4 } as object),
  )
  refused(`sgd: accumulation: ${written}`, () => sgd({ accumulation: 4 as unknown as Accumulation }))
})

test('dropout draws anew at every step, also between two updates', () => {
  const layers = [dropout({ rate: 0.5 }), dense({ units: 1, kernelInitializer: 'ones' })]
  const net = sequential({ inputShape: [32], layers }).compile({
    optimizer: sgd({ accumulation: accumulateGradients(4) }),
    loss: 'mse',
  })
  const rows = [Array.from({ length: 32 }, (_, i) => i + 1)]
  const losses = [1, 2, 3, 4].map(() => net.trainStep(rows, [[0]]).loss) // the weights are the same in all four
  expect(new Set(losses).size).toBe(4)
})
