// Graphs that do not hold together, compile options that do not fit the model, and models beyond the memory: each is
// refused by a LanegradError that names what is wrong; what fails changes nothing.
import { describe, expect, test } from 'vitest'
import {
  add,
  auc,
  type CompileOptions,
  dense,
  input,
  type Layer,
  model,
  rootMeanSquaredError,
  type Symbolic,
  sequential,
  sgd,
} from '../../src/index.ts'
import { refused, refusedSoon } from '../support/refused.ts'

const chain = (...layers: Layer[]) => sequential({ inputShape: [3], layers })

describe('graphs that do not hold together', () => {
  const a = input({ shape: [2], name: 'a' })
  const b = input({ shape: [2], name: 'b' })
  const unique = 'names must be unique in a model'
  test('names that could mean two things', () => {
    const taken = 'must be up to 128 characters without space, /, # or : (and not "toString")'
    refused(`dense: name ${taken}; got "rnn:1"`, () => dense({ units: 5, name: 'rnn:1' }))
    for (const name of ['optimizer', 'constructor', 'n'.repeat(129)])
      refused(
        `dense: name ${taken}; got ${JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name)}`,
        () => dense({ units: 1, name }),
      )
    refused(`model: name of an input ${taken}; got "dense_1/kernel"`, () =>
      model({ inputs: { 'dense_1/kernel': a }, outputs: dense({ units: 1 })(a) }),
    )
    refused('model: name of an output must be a name of up to 200 characters; got ""', () =>
      model({ inputs: a, outputs: { '': dense({ units: 1 })(a) } }),
    )
  })

  test.each<[string, () => unknown]>([
    [
      `two layers or inputs are named "same"; ${unique}`,
      () => chain(dense({ units: 1, name: 'same' }), dense({ units: 1, name: 'same' })),
    ],
    [
      `two layers or inputs are named "a"; ${unique}`,
      () => model({ inputs: a, outputs: dense({ units: 1, name: 'a' })(a) }),
    ],
    [
      `two layers or inputs are named "a"; ${unique}`,
      () => {
        const other = input({ shape: [2], name: 'a' })
        return model({ inputs: [a, other], outputs: add()(a, other) })
      },
    ],
    [
      `two outputs are named "dense_1"; ${unique}`,
      () => {
        const out = dense({ units: 1 })(a)
        return model({ inputs: a, outputs: [out, out] })
      },
    ],
    ['no output depends on input "b"', () => model({ inputs: [a, b], outputs: dense({ units: 1 })(a) })],
    [
      'output depends on input "b", which is not among the model\'s inputs',
      () => model({ inputs: a, outputs: add()(a, b) }),
    ],
    [
      'model: inputs must be values made by input()',
      () => model({ inputs: dense({ units: 1 })(a), outputs: add()(a, a) }),
    ],
    [
      'model: outputs must be values made by input() or by layers called on values; got undefined',
      () => model({ inputs: a } as never),
    ],
    [
      'model: outputs must be values made by input() or by layers called on values; got a layer of kind dense',
      () => model({ inputs: a, outputs: dense({ units: 1 }) } as never),
    ],
    [
      'the graph has a cycle through layer around',
      () => {
        const round = {
          layer: dense({ units: 2, name: 'around' }),
          inputs: [] as Symbolic[],
          index: 0,
          call: { inner: null, outputs: [] },
          input: null,
        }
        round.inputs.push(round)
        return model({ inputs: a, outputs: round })
      },
    ],
  ])('%s', (message, call) => {
    refused(message, call)
  })

  test('a layer without a name never takes that of an input', () => {
    const named = input({ shape: [2], name: 'dense_1' })
    expect(Object.keys(model({ inputs: named, outputs: dense({ units: 1 })(named) }).getWeights())).toEqual([
      'dense_2/kernel',
      'dense_2/bias',
    ])
  })
})

describe('compile refuses', () => {
  const x = input({ shape: [2] })
  const outputs = { one: dense({ units: 1 })(x), two: dense({ units: 2 })(x) }
  const net = model({ inputs: x, outputs }).compile({ loss: 'mse', optimizer: 'adam' })
  net.trainStep([[1, 2]], { one: [1], two: [[1, 2]] })
  const needs = 'needs two classes or more; got shape [batch,1] (binaryCrossentropy takes one unit)'

  test.each<[string, object]>([
    [`output one: sparseCategoricalCrossentropy ${needs}`, { loss: 'sparseCategoricalCrossentropy' }],
    [`output one: categoricalCrossentropy ${needs}`, { loss: ['categoricalCrossentropy', 'mse'] }],
    ['compile: loss must be given for one, two; got undefined', {}],
    ['compile: loss: no output has one', { loss: { one: null } }],
    [
      'compile: loss: unknown output "three". Known: one, two',
      { loss: { one: 'mse', two: 'mse', three: 'mse' } },
    ],
    ['compile: loss must be a list for one, two; got ["mse"]', { loss: ['mse'] }],
    ['compile: lossWeights of output one is missing', { loss: 'mse', lossWeights: { two: 1 } }],
    ['loss weight of two must be a finite number; got NaN', { loss: 'mse', lossWeights: [1, Number.NaN] }],
    [
      'compile: metrics: unknown output "tow"; did you mean "two"? Known: one, two',
      { loss: 'mse', metrics: { tow: ['mae'] } },
    ],
    ['metrics of one must be a list of names; got 3', { loss: 'mse', metrics: { one: 3 } }],
    ['compile: metrics must be given for one, two; got 3', { loss: 'mse', metrics: 3 }],
    [
      'unknown loss: got function loss; call it if it makes one, else pass it to customLoss',
      { loss: () => 0 },
    ],
    ['unknown optimizer: got function sgd; call it if it makes one', { loss: 'mse', optimizer: sgd }],
    ['unknown metric: got function auc; call it if it makes one', { loss: 'mse', metrics: [auc] }],
    [
      'metric mae of two needs a target for every element; sparseCategoricalCrossentropy takes class labels',
      { loss: { one: 'mse', two: 'sparseCategoricalCrossentropy' }, metrics: ['mae'] },
    ],
    [
      'compile options must be a plain object of optimizer, keepOptimizer, loss, lossWeights, metrics, weightedMetrics, addedLosses, warnings; got undefined',
      undefined as unknown as object,
    ],
  ])('%s', (message, options) => {
    const before = net.save({ includeOptimizer: true })
    refused(message, () => net.compile(options as CompileOptions))
    expect(net.save({ includeOptimizer: true })).toEqual(before)
  })
})

describe('models beyond the memory', () => {
  /** Fails within a second: before weights are drawn or rows are copied. */
  const quickly = (message: RegExp, call: () => unknown) => {
    const start = performance.now()
    refused(message, call)
    expect(performance.now() - start).toBeLessThan(1000)
  }

  test('too many weights', () => {
    // 1e11 weights of 4 bytes; their gradients come with compile: 372.5 GiB
    quickly(/^the model and this batch size need 372\.\d GiB: WebAssembly memory ends at 4\.0 GiB$/, () =>
      sequential({ inputShape: [1e6], layers: [dense({ units: 1e5 })] }),
    )
    quickly(/^layer dense_1: shape must be of less than 2\^53 elements; got \[.*\]$/, () =>
      sequential({ inputShape: [1e9, 1e9], layers: [dense({ units: 1 })] }),
    )
  })

  test('too large a batch: the model stays usable', () => {
    const net = sequential({ inputShape: [1], layers: [dense({ units: 1e4 }), dense({ units: 1 })] })
    net.compile({ loss: 'mse' })
    const before = net.save({ includeOptimizer: true })
    const rows = new Float32Array(120_000) // times 1e4 units, 4 bytes each: 4.5 GiB
    const message = /^the model and this batch size need \d+\.\d GiB: WebAssembly memory ends at 4\.0 GiB$/
    quickly(message, () => net.trainStep(rows, rows))
    quickly(message, () => net.predict(rows, { batchSize: 120_000 }))
    expect(Buffer.compare(net.save({ includeOptimizer: true }), before)).toBe(0)
    expect(net.trainStep(rows.subarray(0, 2), rows.subarray(0, 2)).loss).toBe(0)
  })
})

describe('numbers that would be logged under one key', () => {
  const x = input({ shape: [2] })
  const metric = (name: string) => rootMeanSquaredError({ name })
  const two = () => model({ inputs: x, outputs: { a: dense({ units: 1 })(x), a_b: dense({ units: 1 })(x) } })
  const one = () => sequential({ inputShape: [2], layers: [dense({ units: 1, name: 'a' })] })

  test.each<[string, () => ReturnType<typeof one>, Partial<CompileOptions>]>([
    [
      'b_loss of a and loss of a_b would share the log a_b_loss',
      two as never,
      { metrics: { a: [metric('b_loss')] } },
    ],
    [
      'b_m of a and m of a_b would share the log a_b_m',
      two as never,
      { metrics: { a: [metric('b_m')], a_b: [metric('m')] } },
    ],
    [
      'weighted_mse of a and weighted_mse of a would share the log weighted_mse',
      one,
      { metrics: ['mse', metric('weighted_mse')], weightedMetrics: ['mse'] },
    ],
  ])('%s', (message, make, options) => {
    refused(`compile: ${message}; rename one`, () => make().compile({ loss: 'mse', ...options }))
  })

  test.each<[string, Partial<CompileOptions>]>([
    ['val_loss of a and the total loss in validation', { metrics: [metric('val_loss')] }],
    ['val_m of a and m of a in validation', { metrics: [metric('m'), metric('val_m')] }],
  ])('%s, where there is validation', async (what, options) => {
    const net = one().compile({ loss: 'mse', ...options })
    const rows = [
      [1, 2],
      [3, 4],
    ]
    const key = what.startsWith('val_m') ? 'val_m' : 'val_loss'
    const message = `fit: ${what} would share the log ${key}; rename one`
    for (const validated of [
      { validationSplit: 0.5 },
      { validationData: [rows, [1, 2]] as [number[][], number[]] },
    ])
      await refusedSoon(message, () => net.fit(rows, [1, 2], validated), net)
    expect(Object.keys(await net.fit(rows, [1, 2]))).toContain(key)
  })

  test('an output named val trains, where there is no validation', () => {
    const net = model({ inputs: x, outputs: { val: dense({ units: 1 })(x), b: dense({ units: 1 })(x) } })
    const { val_loss } = net.compile({ loss: 'mse' }).trainStep([[1, 2]], { val: [1], b: [2] })
    expect(val_loss).toBeGreaterThanOrEqual(0)
  })

  test('of other outputs are apart', () => {
    two().compile({ loss: 'mse', metrics: { a: ['mae'], a_b: ['mae'] }, weightedMetrics: ['mae'] })
  })
})
