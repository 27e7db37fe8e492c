// What fit, evaluate and predict take beside (x, y): one object, iterables and async iterables of batches. They must
// train as the same rows in memory do, ask for one batch ahead, and refuse by name what cannot be used.
import { describe, expect, test } from 'vitest'
import {
  add,
  type Batches,
  type Callback,
  type Dataset,
  dense,
  type FitOptions,
  type FitParams,
  input,
  LanegradError,
  type Model,
  model,
  type Symbolic,
  sequential,
  tensor,
} from '../../src/index.ts'
import { refusedSoon } from '../support/refused.ts'

type Net = Model<Symbolic>
const ROWS = 23
const x = Float32Array.from({ length: 2 * ROWS }, (_, i) => ((i * 37) % 23) / 11 - 1)
const y = Float32Array.from({ length: ROWS }, (_, i) => (i % 5) / 5)
const sampleWeight = Float32Array.from({ length: ROWS }, (_, i) => 1 + (i % 3))
const regression = (): Net =>
  sequential({
    inputShape: [2],
    layers: [dense({ units: 4, activation: 'tanh' }), dense({ units: 1 })],
    seed: 1,
  }).compile({ loss: 'mse' })

const part = (from: number, to: number): Dataset => ({
  x: x.slice(2 * from, 2 * to),
  y: y.slice(from, to),
  weights: sampleWeight.slice(from, to),
})
/** Rows 0-9, 10-19, 20-22. */
const parts = [part(0, 10), part(10, 20), part(20, ROWS)]
const later = (ms = 1) => new Promise<void>((resolve) => setTimeout(resolve, ms))

function* generator(): Generator<Dataset> {
  yield* parts
}
async function* asyncGenerator(): AsyncGenerator<Dataset> {
  for (const batch of parts) {
    await later()
    yield batch
  }
}

/** The weights after training on the same rows in memory. */
async function inMemory(epochs: number) {
  const net = regression()
  const history = await net.fit(x, y, { epochs, batchSize: 10, shuffle: false, sampleWeight })
  return { history, weights: net.getWeights() }
}

describe('fit trains the same bits on', () => {
  test('one object { x, y, weights }', async () => {
    const net = regression()
    const data = { x, y, weights: sampleWeight }
    const history = await net.fit(data, { epochs: 2, batchSize: 10, shuffle: false })
    expect({ history, weights: net.getWeights() }).toEqual(await inMemory(2))
  })

  test.each<[string, Batches]>([
    ['a list of batches', parts],
    ['an iterable', { [Symbol.iterator]: generator }],
    ['an async iterable', { [Symbol.asyncIterator]: asyncGenerator }],
    ['a function of a generator', generator],
    ['a function of an async generator', asyncGenerator],
    ['a function of a promise', async () => parts],
  ])('%s', async (_, data) => {
    const net = regression()
    const history = await net.fit(data, { epochs: 2 })
    expect({ history, weights: net.getWeights() }).toEqual(await inMemory(2))
  })

  test('a generator, once', async () => {
    const net = regression()
    const history = await net.fit(generator(), {})
    expect({ history, weights: net.getWeights() }).toEqual(await inMemory(1))
  })

  test('a stream', async () => {
    const net = regression()
    const stream = new ReadableStream<Dataset>({
      start(controller) {
        for (const batch of parts) controller.enqueue(batch)
        controller.close()
      },
    })
    const history = await net.fit(stream as unknown as AsyncIterable<Dataset>)
    expect({ history, weights: net.getWeights() }).toEqual(await inMemory(1))
  })

  test('arrays that the next batch fills anew', async () => {
    function* reusing(): Generator<Dataset> {
      const buffers = { x: new Float32Array(20), y: new Float32Array(10), weights: new Float32Array(10) }
      for (const { x: bx, y: by, weights } of parts as {
        x: Float32Array
        y: Float32Array
        weights: Float32Array
      }[]) {
        buffers.x.set(bx)
        buffers.y.set(by)
        buffers.weights.set(weights)
        const { length } = by
        const cut = (array: Float32Array, n: number) => array.subarray(0, n)
        yield {
          x: cut(buffers.x, 2 * length),
          y: cut(buffers.y, length),
          weights: cut(buffers.weights, length),
        }
      }
      for (const buffer of Object.values(buffers)) buffer.fill(9)
    }
    const net = regression()
    await net.fit(reusing)
    expect(net.getWeights()).toEqual((await inMemory(1)).weights)
  })

  test('batches that are made with the model itself', async () => {
    const net = regression()
    const self = function* (): Generator<Dataset> {
      for (const batch of parts) {
        net.predict(new Float32Array(50).fill(7)) // runs another plan between two steps
        yield batch
      }
    }
    await net.fit(self)
    expect(net.getWeights()).toEqual((await inMemory(1)).weights)
  })
})

describe('several inputs and outputs', () => {
  const a = input({ shape: [2], name: 'a' })
  const b = input({ shape: [2], name: 'b' })
  const make = () =>
    model({ inputs: { a, b }, outputs: add()(a, dense({ units: 2 })(b)) }).compile({ loss: 'mse' })

  test('in one object and in batches', async () => {
    const nets = [make(), make(), make()]
    const data = { x: { a: x, b: x }, y: tensor(x, [ROWS, 2]) }
    await nets[0].fit(data.x, data.y, { batchSize: ROWS, shuffle: false })
    await nets[1].fit(data, { batchSize: ROWS, shuffle: false })
    await nets[2].fit([data])
    const [weights, ...others] = nets.map((net) => net.getWeights())
    for (const other of others) expect(other).toEqual(weights)
  })

  test('inputs named x and y are inputs', async () => {
    const p = input({ shape: [2], name: 'x' })
    const q = input({ shape: [2], name: 'y' })
    const net = model({ inputs: { x: p, y: q }, outputs: add()(p, dense({ units: 2 })(q)) })
    net.compile({ loss: 'mse' })
    const history = await net.fit({ x, y: x }, tensor(x, [ROWS, 2]))
    expect(history.loss).toHaveLength(1)
    const data = { x: { x, y: x }, y: x }
    const { loss } = await net.evaluate(data.x, x)
    expect(await net.evaluate(data)).toEqual({ loss })
    expect(await net.evaluate([data])).toEqual({ loss })
    const validationData = [data.x, x] as const
    const { val_loss } = await net.fit(data, { validationData })
    expect((await net.evaluate(data)).loss).toBeCloseTo(val_loss[0], 6)
  })
})

describe('stepsPerEpoch', () => {
  function* endless(): Generator<Dataset> {
    for (;;) yield* parts
  }

  test('takes so many batches; a generator goes on where the last epoch ended', async () => {
    const net = regression()
    const source = endless()
    const history = await net.fit(source, { epochs: 3, stepsPerEpoch: 2 })
    expect(history.loss).toHaveLength(3)
    const other = regression()
    for (const at of [0, 1, 2, 0, 1, 2]) {
      const { x: bx, y: by, weights } = parts[at]
      other.trainStep(bx, by, { sampleWeight: weights })
    }
    expect(net.getWeights()).toEqual(other.getWeights())
    expect(source.next().value).toBe(parts[0]) // neither closed nor a batch lost
  })

  test('a function is called anew for each epoch, and what it gave is closed', async () => {
    let opened = 0
    let closed = 0
    function* counted() {
      opened++
      try {
        yield* endless()
      } finally {
        closed++
      }
    }
    await regression().fit(counted, { epochs: 3, stepsPerEpoch: 2 })
    expect([opened, closed]).toEqual([3, 3])
  })

  test('more than there are is an error', async () => {
    const fit = (data: Batches) => regression().fit(data, { epochs: 2, stepsPerEpoch: 4 })
    await expect(fit(parts)).rejects.toThrow(
      new LanegradError('fit: epoch 1: the data ended after 3 of 4 batches'),
    )
    const once = regression().fit(generator(), { epochs: 2, stepsPerEpoch: 2 })
    await expect(once).rejects.toThrow('fit: epoch 2: the data ended after 1 of 2 batches')
  })
})

describe('prefetching', () => {
  test('asks for the next batch before the current one trains, and never for more', async () => {
    const events: string[] = []
    async function* slow(): AsyncGenerator<Dataset> {
      for (const [i, batch] of parts.entries()) {
        events.push(`ask ${i}`)
        await later()
        yield batch
      }
    }
    const onBatchEnd = (batch: number) => void events.push(`trained ${batch}`)
    await regression().fit(slow, { callbacks: [{ onBatchEnd }] })
    expect(events).toEqual(['ask 0', 'ask 1', 'trained 0', 'ask 2', 'trained 1', 'trained 2'])
    events.length = 0
    await regression().fit(slow, { stepsPerEpoch: 1, callbacks: [{ onBatchEnd }] })
    expect(events).toEqual(['ask 0', 'trained 0'])
  })

  test('abort ends a fit that waits for a batch that never comes', async () => {
    const stop = new AbortController()
    async function* stuck(): AsyncGenerator<Dataset> {
      yield parts[0]
      await new Promise(() => {})
    }
    const net = regression()
    const other = regression()
    setTimeout(() => stop.abort(), 20)
    expect(await net.fit(stuck, { signal: stop.signal })).toEqual({})
    other.trainStep(parts[0].x, parts[0].y, { sampleWeight: parts[0].weights })
    expect(net.getWeights()).toEqual(other.getWeights())
  })

  test('abort ends a fit that waits for the function of the batches; what it gives later is not begun', async () => {
    const stop = new AbortController()
    let give = (_: Iterable<Dataset>) => {}
    let begun = 0
    const data = () =>
      new Promise<Iterable<Dataset>>((resolve) => {
        give = resolve
      })
    setTimeout(() => stop.abort(), 20)
    expect(await regression().fit(data, { signal: stop.signal })).toEqual({})
    give({
      [Symbol.iterator]() {
        begun++
        return generator()
      },
    })
    await later()
    expect(begun).toBe(0)
  })

  describe('a batch that never comes does not keep', () => {
    const endless = (first: unknown = parts[0]) =>
      async function* () {
        yield first as Dataset
        await new Promise(() => {})
      }
    const bad = endless({ x: [[Number.NaN, 1]], y: [1] })
    const run = (net: Net, callback: Callback) => net.fit(endless(), { callbacks: callback, epochs: 2 })

    test('an error of the batch before', async () => {
      const net = regression()
      const nan = 'input input: row 0 holds NaN (pass allowNaN: true to use it all the same)'
      await refusedSoon(`fit: epoch 1, batch 1: ${nan}`, () => net.fit(bad), net)
      await refusedSoon(`evaluate, batch 1: ${nan}`, () => net.evaluate(bad), net)
      await refusedSoon(`predict, batch 1: ${nan}`, () => net.predict(bad), net)
      const validated = net.fit(parts, { validationData: bad })
      await expect(validated).rejects.toThrow(`fit: epoch 1: validationData, batch 1: ${nan}`)
    })

    test("a callback's error", async () => {
      const onBatchEnd = () => {
        throw new RangeError('enough')
      }
      await expect(run(regression(), { onBatchEnd })).rejects.toThrow(new RangeError('enough'))
    })

    test.each(['at once', 'later'])('params.stop(), %s', async (when) => {
      let stop = () => {}
      const reasons: unknown[] = []
      const history = await run(regression(), {
        onTrainBegin: (params) => {
          stop = () => params.stop('seen enough')
        },
        onBatchEnd: () => {
          if (when === 'at once') stop()
          else setTimeout(() => stop(), 20)
        },
        onTrainEnd: (_, reason) => void reasons.push(reason),
      })
      expect([history.loss.length, reasons]).toEqual([1, ['seen enough']])
    })

    test('params.stop() before the first batch: that is no epoch', async () => {
      const never = async function* () {
        await new Promise(() => {})
        yield parts[0]
      }
      const onTrainBegin = (params: FitParams) => void setTimeout(() => params.stop(), 20)
      expect(await regression().fit(never, { callbacks: { onTrainBegin } })).toEqual({})
    })

    test.each(['at once', 'later'])('dispose(), %s', async (when) => {
      const disposed = new LanegradError('this model was disposed')
      const end = (net: Net) => {
        if (when === 'at once') net.dispose()
        else setTimeout(() => net.dispose(), 20)
      }
      const net = regression()
      await expect(run(net, { onBatchEnd: () => end(net) })).rejects.toThrow(disposed)
      const other = regression()
      const running = [other.evaluate(endless()), other.predict(endless())]
      setTimeout(() => end(other), 20)
      for (const each of running) await expect(each).rejects.toThrow(disposed)
    })
  })

  test('what return() of an iterator throws does not hide the error that ended the run', async () => {
    const closing = (first: unknown): Batches => ({
      [Symbol.iterator]: () => ({
        next: () => ({ value: first as Dataset, done: false }),
        return() {
          throw new RangeError('closing')
        },
      }),
    })
    const net = regression()
    await expect(net.fit(closing({ x }))).rejects.toThrow('must be an object { x, y, weights? }')
    await expect(net.evaluate(closing({ x }))).rejects.toThrow('must be an object { x, y, weights? }')
    await expect(net.predict(closing({ y }) as never)).rejects.toThrow('must be an object { x }')
    await expect(net.evaluate(closing(parts[0]), { steps: 2 })).rejects.toThrow(new RangeError('closing'))
  })

  test('an error of the source ends the fit; the model can be fitted again', async () => {
    async function* broken(): AsyncGenerator<Dataset> {
      yield parts[0]
      throw new RangeError('disk')
    }
    const net = regression()
    await expect(net.fit(broken)).rejects.toThrow(new RangeError('disk'))
    expect((await net.fit(parts)).loss).toHaveLength(1)
  })
})

describe('fit refuses', () => {
  const from = (batch: unknown, options: FitOptions = {}) => {
    const net = regression()
    return [() => net.fit([parts[0], batch] as unknown as Batches, options), net] as const
  }

  test.each<[string, unknown, string]>([
    [
      'a batch of another shape',
      { x: tensor(x, [ROWS, 2]), y: [[1, 2]] },
      'y: expected shape [batch,1]; got [1,2]',
    ],
    ['ragged rows', { x: [[1, 2], [3]], y: [1, 2] }, 'x: expected 2 elements at depth 1'],
    ['a missing y', { x }, 'must be an object { x, y, weights? }; got ["x"]'],
    ['a pair', [x, y], 'must be an object { x, y, weights? }; got [Float32Array(46),Float32Array(23)]'],
    ['an unknown key', { x, y, z: 1 }, 'must be an object { x, y, weights? }; got ["x","y","z"]'],
    ['other counts', { x, y: [1] }, 'x has 23 rows'],
    [
      'NaN',
      { x: [[1, Number.NaN]], y: [1] },
      'input input: row 0 holds NaN (pass allowNaN: true to use it all the same)',
    ],
  ])('%s, naming epoch and batch, after the batches before it', async (_, batch, message) => {
    const [fit, net] = from(batch)
    await expect(fit()).rejects.toThrow(`fit: epoch 1, batch 2`)
    await expect(from(batch)[0]()).rejects.toThrow(message)
    const other = regression()
    other.trainStep(parts[0].x, parts[0].y, { sampleWeight: parts[0].weights })
    expect(net.getWeights()).toEqual(other.getWeights())
  })

  test('NaN unless allowed', async () => {
    const [fit] = from({ x: [[1, Number.NaN]], y: [1] }, { allowNaN: true })
    expect((await fit()).loss[0]).toBeNaN()
  })

  test('a generator for several epochs, before anything is trained', async () => {
    const net = regression()
    const message =
      /^fit: epoch 1: the data can be iterated only once; pass a function that returns a new iterable/
    await refusedSoon(message, () => net.fit(generator(), { epochs: 2 }), net)
  })

  test('a function that gives the same spent generator again', async () => {
    const one = generator()
    const fit = regression().fit(() => one, { epochs: 2 })
    await expect(fit).rejects.toThrow(/^fit: epoch 2: the data can be iterated only once/)
  })

  test('no batches, and what is not iterable', async () => {
    const net = regression()
    await refusedSoon('fit: epoch 1: the data has no batches', () => net.fit(new Set<Dataset>()), net)
    const bad = (() => 3) as unknown as Batches
    const expected = 'must be an iterable or async iterable, its iterator an object with next()'
    await refusedSoon(`fit: epoch 1: batches ${expected}; got 3`, () => net.fit(bad), net)
    for (const open of [() => 3, () => null, () => ({}), 5]) {
      const data = { [Symbol.iterator]: open } as unknown as Batches
      await refusedSoon(`fit: epoch 1: batches ${expected}; got {}`, () => net.fit(data), net)
    }
  })

  test.each([5, null, undefined])('a next() that gives %s', async (given) => {
    const net = regression()
    const data = { [Symbol.iterator]: () => ({ next: () => given }) } as unknown as Batches
    const message = `what next() of the batches gives must be an object { value, done }; got ${given}`
    await refusedSoon(`fit: epoch 1: ${message}`, () => net.fit(data), net)
    await refusedSoon(`evaluate: ${message}`, () => net.evaluate(data), net)
  })

  test('options that are not for batches, or only for them', async () => {
    const net = regression()
    for (const name of ['batchSize', 'shuffle', 'validationSplit'] as const) {
      const options = { batchSize: 5, shuffle: true, validationSplit: 0.5 }
      const call = () => net.fit(parts, { [name]: options[name] })
      await refusedSoon(`fit: ${name} is not for batches from an iterable`, call, net)
    }
    const message = 'fit: with data in one object, sampleWeight is its `weights`'
    await refusedSoon(message, () => net.fit(parts, { sampleWeight }), net)
    await refusedSoon(message, () => net.fit({ x, y }, { sampleWeight }), net)
    const steps = 'fit: stepsPerEpoch is for batches from an iterable'
    await refusedSoon(steps, () => net.fit(x, y, { stepsPerEpoch: 2 }), net)
    const validation = 'fit: validationSteps is for batches from an iterable'
    await refusedSoon(validation, () => net.fit(x, y, { validationSteps: 2 }), net)
    await refusedSoon(
      'evaluate: steps is for batches from an iterable',
      () => net.evaluate(x, y, { steps: 2 }),
      net,
    )
    const count = 'fit: stepsPerEpoch must be a positive integer; got 0'
    await refusedSoon(count, () => net.fit(parts, { stepsPerEpoch: 0 }), net)
    const size = 'evaluate: batchSize is not for batches from an iterable'
    await refusedSoon(size, () => net.evaluate(parts, { batchSize: 2 }), net)
  })

  test('an object without y', async () => {
    const net = regression()
    const call = () => net.fit({ x } as unknown as Dataset)
    await refusedSoon('fit: data must be an object { x, y, weights? }; got ["x"]', call, net)
  })
})

describe('validationData', () => {
  const validated = async (options: FitOptions) =>
    (await regression().fit(x, y, { epochs: 4, batchSize: 10, ...options })).val_loss
  const valid = { x, y, weights: sampleWeight }

  test.each<[string, FitOptions]>([
    ['[x, y, sampleWeight]', { validationData: [x, y, sampleWeight] }],
    ['one object', { validationData: valid }],
    ['another batch size', { validationData: valid, validationBatchSize: 7 }],
    ['batches', { validationData: parts }],
    ['a function', { validationData: asyncGenerator }],
  ])('as %s gives the same losses', async (_, options) => {
    const losses = await validated(options)
    const expected = await validated({ validationData: valid })
    expect(losses).toHaveLength(4)
    losses.forEach((loss, i) => {
      expect(loss).toBeCloseTo(expected[i], 6)
    })
  })

  test('validationSteps takes the first batches', async () => {
    const losses = await validated({ validationData: parts, validationSteps: 1 })
    expect(losses).toEqual(await validated({ validationData: parts.slice(0, 1) }))
  })

  test('validationFreq: only every so many epochs', async () => {
    const all = await validated({ validationData: valid })
    expect(await validated({ validationData: valid, validationFreq: 2 })).toEqual([all[1], all[3]])
    const tested: FitOptions = { validationData: parts, validationFreq: 3 }
    expect(await validated(tested)).toHaveLength(1)
  })

  test('no batches: the first pass is told so, whatever the epoch it comes after', async () => {
    const message = 'fit: epoch 2: validationData: the data has no batches'
    await expect(validated({ validationData: () => [], validationFreq: 2 })).rejects.toThrow(message)
    const later = { validationData: () => [], validationFreq: 2, initialEpoch: 2 }
    await expect(validated(later)).rejects.toThrow(message.replace('2', '4'))
  })

  test('a bad batch is named', async () => {
    const fit = validated({ validationData: [parts[0], { x: [[1]], y: [1] }] })
    const message = 'fit: epoch 1: validationData, batch 2: x: expected shape [batch,2]; got [1,1]'
    await expect(fit).rejects.toThrow(message)
  })
})

describe('evaluate and predict', () => {
  test('evaluate takes one object and batches', async () => {
    const net = regression()
    const { loss } = await net.evaluate(x, y, { sampleWeight, batchSize: 10 })
    expect(await net.evaluate({ x, y, weights: sampleWeight }, { batchSize: 10 })).toEqual({ loss })
    expect(await net.evaluate(parts)).toEqual({ loss })
    expect(await net.evaluate(asyncGenerator())).toEqual({ loss })
    expect(await net.evaluate(generator, { steps: 1 })).toEqual(await net.evaluate(parts[0]))
  })

  test('predict joins the outputs of batches', async () => {
    const net = regression()
    const whole = net.predict(x)
    expect(await net.predict(parts)).toEqual(whole)
    expect(await net.predict(asyncGenerator, { batchSize: 4 })).toEqual(whole)
    expect(await net.predict([{ x: [[1, 2]] }, { x: [[3, 4]] }])).toEqual(
      net.predict([
        [1, 2],
        [3, 4],
      ]),
    )
  })

  test('predict names a bad batch', async () => {
    const net = regression()
    const message = 'predict, batch 2: x: expected shape [batch,2]; got [1,3]'
    await refusedSoon(message, () => net.predict([{ x }, { x: [[1, 2, 3]] }]), net)
    const nan = 'predict, batch 1: input input: row 0 holds NaN (pass allowNaN: true to use it all the same)'
    await refusedSoon(nan, () => net.predict([{ x: [[Number.NaN, 1]] }]), net)
  })
})

test('callbacks are told what is known of the data', async () => {
  const seen: Partial<FitParams>[] = []
  const callbacks = [
    {
      onTrainBegin: ({ steps, samples, batchSize, validationFreq }: FitParams) =>
        void seen.push({ steps, samples, batchSize, validationFreq }),
    },
  ]
  await regression().fit(parts, { callbacks })
  await regression().fit(generator, { callbacks, validationData: parts, validationFreq: 3 })
  await regression().fit(generator, { callbacks, stepsPerEpoch: 2 })
  await regression().fit(x, y, { callbacks, validationSplit: 0.2, batchSize: 4 })
  expect(seen).toEqual([
    { steps: 3, samples: 0, batchSize: 0, validationFreq: 0 },
    { steps: 0, samples: 0, batchSize: 0, validationFreq: 3 },
    { steps: 2, samples: 0, batchSize: 0, validationFreq: 0 },
    { steps: 5, samples: 18, batchSize: 4, validationFreq: 1 },
  ])
})

describe('large nested arrays', () => {
  test('and labels are read in turns', async () => {
    const rows = 400_000
    const nested = Array.from({ length: rows }, () => [1, 2, 3, 4, 5, 6, 7, 8])
    const labels = Array.from({ length: rows }, (_, i) => i % 2)
    const net = sequential({ inputShape: [8], layers: [dense({ units: 2, activation: 'softmax' })] })
    net.compile({ loss: 'sparseCategoricalCrossentropy' })
    const stop = new AbortController()
    let ticks = 0
    const tick = () => {
      ticks++
      if (!stop.signal.aborted) setImmediate(tick)
    }
    setImmediate(tick)
    let before = 0
    await net.fit(nested, labels, {
      ...{ shuffle: false, allowNaN: true, signal: stop.signal },
      callbacks: [
        {
          onTrainBegin() {
            before = ticks
            stop.abort()
          },
        },
      ],
    })
    expect(before).toBeGreaterThan(3)
  })

  test('are read as small ones are, whatever their form', () => {
    const long = Array.from({ length: 200_000 }, (_, i) => i % 7)
    const flat = tensor(long)
    expect(flat.shape).toEqual([200_000])
    expect(flat.data.every((value, i) => value === i % 7)).toBe(true)
    const wide = [long, long, long]
    const deep = tensor([wide, wide])
    expect(deep.shape).toEqual([2, 3, 200_000])
    expect(deep.data.length).toBe(1_200_000)
    expect(deep.data.every((value, i) => value === (i % 200_000) % 7)).toBe(true)
    expect(() => tensor([long, long.slice(1)])).toThrow('expected 200000 elements at depth 1')
    expect(() => tensor([wide, [long, long]])).toThrow('expected 3 elements at depth 1')
  })
})
