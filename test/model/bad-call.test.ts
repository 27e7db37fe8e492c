// Calls with options that make no sense, data for several inputs that does not fit, weights that do not fit, and calls
// at the wrong time: each is refused by a LanegradError, and the model stays as it was, bit for bit.
import { describe, expect, test } from 'vitest'
import {
  add,
  type Data,
  dense,
  input,
  LanegradError,
  load,
  loadWeights,
  type Model,
  model,
  type Symbolic,
  sequential,
  tensor,
} from '../../src/index.ts'
import { inspect, profile } from '../../src/inspect/index.ts'
import { refusedSoon } from '../support/refused.ts'

type Net = Model<Symbolic>
const x = Float32Array.from({ length: 12 }, (_, i) => ((i * 37) % 23) / 11 - 1)
const labels = [0, 2, 1, 2]

const net = sequential({
  inputShape: [3],
  layers: [dense({ units: 4, activation: 'relu' }), dense({ units: 3, activation: 'softmax' })],
}).compile({ loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] })
net.trainStep(x, labels)

const a = input({ shape: [2], name: 'a' })
const b = input({ shape: [2], name: 'b' })
const pair = model({ inputs: { a, b }, outputs: { sum: add()(a, b), fit: dense({ units: 1 })(a) } })
pair.compile({ loss: 'mse' })

/** `call` throws or rejects with exactly this message, and `of` is as it was. */
const refused = (message: string, call: () => unknown, of: Pick<Net, 'save'> = net) =>
  refusedSoon(message, call, of)

describe('several inputs and outputs', () => {
  const two = [[1, 2]]
  const y = { sum: two, fit: [1] }
  test.each<[string, string, Data, Data]>([
    ['a missing input', 'trainStep: x: b is missing', { a: two }, y],
    ['an unknown input', 'trainStep: x: expected a, b; got "c"', { a: two, b: two, c: two }, y],
    [
      'a list for a record',
      'trainStep: x must be an object with a, b; got [[[1,2]],[[1,2]]]',
      [two, two] as unknown as Data,
      y,
    ],
    ['a missing target', 'trainStep: y: fit is missing', { a: two, b: two }, { sum: two }],
    ['a bad shape', 'trainStep: x b: expected shape [batch,2]; got [1,1]', { a: two, b: [[1]] }, y],
    [
      'other row counts',
      'trainStep: x a has 1 rows; trainStep: x b has 2',
      { a: two, b: [...two, ...two] },
      y,
    ],
  ])('%s', async (_, message, inputs, targets) => {
    await refused(message, () => pair.trainStep(inputs, targets), pair)
  })

  test('a list of the wrong length', async () => {
    const of = model({ inputs: [a, b], outputs: add()(a, b) })
    await refused('predict: x must be a list of 2 arrays; got [[[1,2]]]', () => of.predict([two]), of)
  })
})

describe('fit refuses', () => {
  const options = (given: object) => () => net.fit(x, labels, given)
  test.each([0, -1, 1.5, Number.NaN, '3', null])('epochs or batchSize %s', async (count) => {
    const shown = typeof count === 'string' ? `"${count}"` : count
    await refused(`fit: epochs must be a positive integer; got ${shown}`, options({ epochs: count }))
    await refused(`fit: batchSize must be a positive integer; got ${shown}`, options({ batchSize: count }))
  })

  test.each([0.1, 0.9])('validationSplit %f of 4 rows, which leaves an empty part', async (split) => {
    const rows = split < 0.5 ? 1 : 4
    const call = () => net.fit(x.subarray(0, 3 * rows), labels.slice(0, rows), { validationSplit: split })
    if (split < 0.5) await refused(`fit: validationSplit 0.1 of 1 rows leaves an empty part`, call)
    else await refused(`fit: validationSplit 0.9 of 4 rows leaves an empty part`, call)
  })

  test.each([1, -0.1, Number.NaN, '0.5'])('validationSplit %s', async (split) => {
    const shown = typeof split === 'string' ? `"${split}"` : split
    const message = `fit: validationSplit must be a number >= 0 and < 1; got ${shown}`
    await refused(message, options({ validationSplit: split }))
  })

  test('validationData that is no pair, does not fit, or comes with validationSplit', async () => {
    await refused(
      'fit: validationData must be [x, y], { x, y } or batches; got [[Float32Array(12)]]',
      options({ validationData: [[x]] }),
    )
    await refused(
      'fit: validationData: x has 4 rows; fit: validationData: y has 1',
      options({ validationData: [x, [1]] }),
    )
    await refused(
      'fit: give validationSplit or validationData, not both',
      options({ validationData: [x, labels], validationSplit: 0.5 }),
    )
  })

  test('callbacks that are no objects, or have a hook there is none of', async () => {
    const expected = 'fit: callbacks must be an object of hooks or a list of such objects'
    await refused(`${expected}; got 3`, options({ callbacks: 3 }))
    await refused(`${expected}; got [function]`, options({ callbacks: [() => 1] }))
    await refused(`${expected}; got [[{ onEpochEnd }]]`, options({ callbacks: [[{ onEpochEnd() {} }]] }))
    class Own {
      onEpochEnd = 5
    }
    for (const callbacks of [{ onEpochEnd: 5 }, [new Own()]])
      await refused('fit: callbacks: onEpochEnd must be a function; got 5', options({ callbacks }))
    const hooks =
      'onTrainBegin, onEpochBegin, onBatchBegin, onBatchEnd, onTestBegin, onTestEnd, onEpochEnd, onTrainEnd'
    await refused(
      `unknown hook "onTrainBatchEnd"; did you mean "onBatchEnd"? Known: ${hooks}`,
      options({ callbacks: { onTrainBatchEnd() {} } }),
    )
  })
})

describe('what is no signal', () => {
  test.each([
    [new AbortController(), 'AbortController'],
    ['x', '"x"'],
    [5, '5'],
    [{}, '{}'],
    [{ aborted: false }, '{ aborted }'],
  ])('%o is refused', async (signal, got) => {
    const message = `fit: signal must be an AbortSignal (controller.signal); got ${got}`
    await refused(message, () => net.fit(x, labels, { signal: signal as unknown as AbortSignal }))
  })

  test('one of another realm, null and undefined pass', async () => {
    const foreign = { aborted: true, addEventListener() {}, removeEventListener() {} }
    expect(await net.fit(x, labels, { signal: foreign as unknown as AbortSignal })).toEqual({})
    const options = { signal: null, callbacks: { onEpochEnd: undefined }, validationData: undefined }
    expect((await net.fit(x, labels, options)).loss).toHaveLength(1)
  })
})

describe('flags', () => {
  const refusedFlag = (what: string, got: unknown, call: (given: never) => unknown) =>
    refused(`${what} must be a boolean; got ${JSON.stringify(got)}`, () => call(got as never))

  test.each(['x', 1, null])('%j is none', async (got) => {
    await refusedFlag('fit: shuffle', got, (shuffle) => net.fit(x, labels, { shuffle }))
    await refusedFlag('fit: allowNaN', got, (allowNaN) => net.fit(x, labels, { allowNaN }))
    await refusedFlag('evaluate: allowNaN', got, (allowNaN) => net.evaluate(x, labels, { allowNaN }))
    await refusedFlag('predict: allowNaN', got, (allowNaN) => net.predict(x, { allowNaN }))
    await refusedFlag('predict: training', got, (training) => net.predict(x, { training }))
    for (const method of ['trainStep', 'gradients'] as const)
      await refusedFlag(`${method}: allowNaN`, got, (allowNaN) => net[method](x, labels, { allowNaN }))
    await refusedFlag('profile: allowNaN', got, (allowNaN) => profile(net, x, labels, { allowNaN }))
    await refusedFlag('gradients: inputs', got, (inputs) => net.gradients(x, labels, { inputs }))
    await refusedFlag('save: includeOptimizer', got, (includeOptimizer) => net.save({ includeOptimizer }))
    await refusedFlag('load: compile', got, (compile) => load(net.save(), { compile }))
  })

  test.each(['1', 2, true])('verbose %j', async (verbose) => {
    const message = `fit: verbose must be 0 or 1; got ${JSON.stringify(verbose)}`
    await refused(message, () => net.fit(x, labels, { verbose: verbose as never }))
  })

  test.each([0, false, ''])('validationData %j', async (validationData) => {
    const message = `fit: validationData must be [x, y], { x, y } or batches; got ${JSON.stringify(validationData)}`
    await refused(message, () => net.fit(x, labels, { validationData: validationData as never }))
  })

  test('options as a Map', async () => {
    const options = new Map([['epochs', 3]])
    const known = 'inputs, sampleWeight, allowNaN'
    await refused(`gradients options must be a plain object of ${known}; got Map`, () =>
      net.gradients(x, labels, options as never),
    )
  })
})

describe('counts of the others', () => {
  test.each([0, 2.5])('%f is refused', async (count) => {
    const must = `must be a positive integer; got ${count}`
    await refused(`evaluate: batchSize ${must}`, () => net.evaluate(x, labels, { batchSize: count }))
    await refused(`predict: batchSize ${must}`, () => net.predict(x, { batchSize: count }))
    await refused(`profile: repeats ${must}`, () => profile(net, x, labels, { repeats: count }))
    await refused(`inspect: batchSize ${must}`, () => inspect(net, { batchSize: count }))
  })
})

describe('setWeights refuses', () => {
  const good = { 'dense_1/bias': [9, 9, 9, 9] }
  test.each<[string, string, object]>([
    [
      'an unknown weight',
      'weight "dense_1/bia"; did you mean "dense_1/bias"? Known: dense_1/kernel, dense_1/bias, dense_2/kernel, dense_2/bias',
      { 'dense_1/bia': [1] },
    ],
    [
      'another shape',
      'dense_2/kernel: expected shape [4,3]; got [3,4]',
      { 'dense_2/kernel': tensor(x, [3, 4]) },
    ],
    [
      'too few rows',
      'dense_2/kernel: expected shape [4,3]; got [3,3]',
      { 'dense_2/kernel': tensor(x.slice(3), [3, 3]) },
    ],
    [
      'what is no array',
      'dense_2/bias: expected a typed array, a tensor or nested arrays of shape [3]; got null',
      { 'dense_2/bias': null },
    ],
  ])('%s, and sets none', async (_, message, weights) => {
    const opening = message.startsWith('weight') ? 'unknown setWeights' : 'setWeights:'
    await refused(`${opening} ${message}`, () => net.setWeights({ ...good, ...weights }))
  })

  test('what is no object', async () => {
    const message = 'setWeights: weights must be an object of arrays by name; got null'
    await refused(message, () => net.setWeights(null as unknown as Record<string, number[]>))
  })
})

describe('calls at the wrong time', () => {
  test('before compile', async () => {
    const raw = sequential({ inputShape: [3], layers: [dense({ units: 3 })] })
    const message = 'the model has no loss and optimizer yet: call compile first'
    for (const method of ['trainStep', 'gradients'] as const)
      await refused(message, () => raw[method](x, labels), raw)
    await refused(message, () => profile(raw, x, labels), raw)
    await refused(message, () => raw.fit(x, labels), raw)
    await refused(message, () => raw.evaluate(x, labels), raw)
    await refused(message, () => inspect(raw), raw)
    expect(raw.predict(x).shape).toEqual([4, 3])
  })

  test('after dispose', async () => {
    const gone = sequential({ inputShape: [3], layers: [dense({ units: 3 })] }).compile({ loss: 'mse' })
    const file = gone.save()
    gone.dispose()
    const calls: (() => unknown)[] = [
      () => gone.compile({ loss: 'mse' }),
      ...(['trainStep', 'gradients'] as const).map((name) => () => gone[name](x, x)),
      () => profile(gone, x, x),
      ...[() => gone.fit(x, x), () => gone.evaluate(x, x)],
      ...[() => gone.predict(x), () => inspect(gone), () => gone.getWeights(), () => gone.setWeights({})],
      ...[() => gone.save(), () => loadWeights(gone, file), () => gone.summary(), () => gone.countParams()],
    ]
    for (const call of calls) {
      await expect(async () => call()).rejects.toThrow(new LanegradError('this model was disposed'))
    }
  })
})

test('compile and setTrainable wait for evaluate', async () => {
  const busy = 'this model is being evaluated; await evaluate first'
  const logs = net.evaluate(x, labels)
  await refused(`compile: ${busy}`, () => net.compile({ loss: 'mse' }))
  await refused(`setTrainable: ${busy}`, () => net.setTrainable({}))
  expect(await logs).toEqual(await net.evaluate(x, labels))
})
