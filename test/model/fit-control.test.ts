// Control over a running fit: callbacks, aborting, the event loop, and calls that come while it runs.
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  type Callback,
  dense,
  LanegradError,
  type Logs,
  type Model,
  type Symbolic,
  sequential,
} from '../../src/index.ts'

const x = Float32Array.from({ length: 46 }, (_, i) => ((i * 37) % 23) / 11 - 1)
const y = Float32Array.from({ length: 23 }, (_, i) => (i % 5) / 5)

type Net = Model<Symbolic>
const regression = (): Net =>
  sequential({
    inputShape: [2],
    layers: [dense({ units: 4, activation: 'tanh' }), dense({ units: 1 })],
  }).compile({
    loss: 'mse',
  })

const bits = (net: Net) =>
  Object.values(net.getWeights()).map(({ data }) => [...new Uint32Array(data.slice().buffer)])

/** Aborts at the end of the batch that is `count`-th in all. */
function abortAfter(count: number): { signal: AbortSignal; callbacks: Callback[]; batches: () => number } {
  const controller = new AbortController()
  let batches = 0
  const callback: Callback = {
    onBatchEnd() {
      if (++batches === count) controller.abort()
    },
  }
  return { signal: controller.signal, callbacks: [callback], batches: () => batches }
}

describe('callbacks', () => {
  test('are called in order, with their logs, and awaited', async () => {
    const calls: string[] = []
    const later = () => new Promise<void>((resolve) => setTimeout(resolve, 2))
    const record = (name: string) => async (first: unknown, second?: Logs | string | null) => {
      const logs = second as Logs | undefined
      const what = typeof first === 'number' ? `${name} ${first}` : name
      calls.push(`${what}:${Object.keys(logs ?? (first as object)).join()}`)
      await later()
      calls.push(`${what} done`)
    }
    await regression().fit(x, y, {
      epochs: 2,
      batchSize: 12,
      validationSplit: 0.2, // 18 rows are left: two batches
      callbacks: [
        {
          onTrainBegin: record('train'),
          onEpochBegin: record('epoch'),
          onBatchEnd: record('batch'),
          onEpochEnd: record('epochEnd'),
          onTrainEnd: record('trainEnd'),
        },
      ],
    })
    const epoch = (i: number) => [
      ...[`epoch ${i}:`, `epoch ${i} done`, 'batch 0:loss', 'batch 0 done', 'batch 1:loss', 'batch 1 done'],
      ...[`epochEnd ${i}:loss,val_loss`, `epochEnd ${i} done`],
    ]
    expect(calls).toEqual([
      ...['train:epochs,steps,samples,batchSize,validationFreq,model,stop,learningRate', 'train done'],
      ...epoch(0),
      ...epoch(1),
      ...['trainEnd:loss,val_loss', 'trainEnd done'],
    ])
  })

  test('get the numbers of the run; the last batch has the means of its epoch', async () => {
    const begun: unknown[] = []
    const ends: Logs[] = []
    let last: Logs = {}
    const callback: Callback = {
      onTrainBegin: (params) => void begun.push(params),
      onBatchEnd: (_, logs) => {
        last = logs
      },
      onEpochEnd: (_, logs) => {
        expect(logs).toEqual(last)
        ends.push(logs)
      },
    }
    const history = await regression().fit(x, y, { epochs: 2, batchSize: 10, callbacks: [callback] })
    expect(begun).toMatchObject([{ epochs: 2, steps: 3, samples: 23, batchSize: 10 }])
    expect(ends.map(({ loss }) => loss)).toEqual(history.loss)
  })

  test('may use the model: predict, evaluate and save change nothing', async () => {
    const plain = regression()
    const watched = regression()
    await plain.fit(x, y, { epochs: 3, batchSize: 5 })
    await watched.fit(x, y, {
      epochs: 3,
      batchSize: 5,
      callbacks: [
        {
          onBatchEnd: async () => {
            watched.predict(x)
            watched.save()
            await watched.evaluate(x, y, { batchSize: 9 })
          },
        },
      ],
    })
    expect(bits(watched)).toEqual(bits(plain))
  })

  test('that throw end the fit; the model can be fitted again', async () => {
    const net = regression()
    const onBatchEnd = () => {
      throw new RangeError('enough')
    }
    await expect(net.fit(x, y, { callbacks: [{ onBatchEnd }] })).rejects.toThrow(new RangeError('enough'))
    expect((await net.fit(x, y)).loss).toHaveLength(1)
  })
})

describe('signal', () => {
  test('stops within one step and leaves the model as those steps made it', async () => {
    const net = regression()
    const other = regression()
    const { batches, ...options } = abortAfter(3)
    const history = await net.fit(x, y, { epochs: 5, batchSize: 5, shuffle: false, ...options })
    expect(batches()).toBe(3)
    expect(history).toEqual({})
    for (const at of [0, 5, 10]) other.trainStep(x.subarray(2 * at, 2 * (at + 5)), y.subarray(at, at + 5))
    expect(bits(net)).toEqual(bits(other))
    expect((await net.fit(x, y, { epochs: 2 })).loss).toHaveLength(2)
  })

  test('keeps the epochs that were whole', async () => {
    const { batches, ...options } = abortAfter(12) // 5 batches an epoch
    const history = await regression().fit(x, y, { epochs: 9, batchSize: 5, ...options })
    expect(batches()).toBe(12)
    expect(history.loss).toHaveLength(2)
  })

  test('before the validation of an epoch leaves that epoch out, without NaN', async () => {
    const { batches, ...options } = abortAfter(8) // 4 batches of 18 rows an epoch
    const history = await regression().fit(x, y, {
      epochs: 9,
      batchSize: 5,
      validationSplit: 0.2,
      ...options,
    })
    expect(batches()).toBe(8)
    expect(Object.keys(history)).toEqual(['loss', 'val_loss'])
    expect(history.loss).toHaveLength(1)
    expect(history.val_loss).toHaveLength(1)
    expect(history.val_loss[0]).toBeGreaterThan(0)
  })

  test('aborted beforehand trains nothing', async () => {
    const net = regression()
    const before = bits(net)
    const { batches, callbacks } = abortAfter(1)
    const history = await net.fit(x, y, { signal: AbortSignal.abort(), callbacks })
    expect(history).toEqual({})
    expect(batches()).toBe(0)
    expect(bits(net)).toEqual(before)
  })
})

describe('the event loop', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  /**
   * Turns of the event loop while `work` runs, on a clock that goes on by a millisecond whenever it is looked at: how fast
   * the machine is decides nothing.
   */
  async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
    let now = 0
    vi.spyOn(performance, 'now').mockImplementation(() => ++now)
    let turns = 0
    let isOver = false
    const tick = () => {
      turns++
      if (!isOver) setImmediate(tick)
    }
    setImmediate(tick)
    await work()
    isOver = true
    return turns
  }

  /** A turn is due after 8 ms, so after eight steps that look at the clock once; some look twice. */
  const STEPS = 800
  const check = (turns: number) => {
    expect(turns).toBeGreaterThan(STEPS / 8 - 2)
    expect(turns).toBeLessThan(STEPS / 2)
  }
  const rows = (count: number) => [new Float32Array(2 * count), new Float32Array(count)] as const

  test('runs during many steps of one epoch', async () => {
    const [many, truth] = rows(STEPS * 4)
    check(await turnsDuring(() => regression().fit(many, truth, { batchSize: 4, shuffle: false })))
  })

  test('runs during many epochs of one step', async () => {
    check(await turnsDuring(() => regression().fit(x, y, { epochs: STEPS })))
  })

  test('runs during validation', async () => {
    const options = { batchSize: 23, validationBatchSize: 4, validationData: rows(STEPS * 4) }
    check(await turnsDuring(() => regression().fit(x, y, options)))
  })

  test('runs during evaluate', async () => {
    check(await turnsDuring(() => regression().evaluate(...rows(STEPS), { batchSize: 1 })))
  })

  test('is left alone by work that is short', async () => {
    const [few, truth] = rows(5)
    expect(await turnsDuring(() => regression().fit(few, truth, { batchSize: 1 }))).toBeLessThan(4)
  })
})

describe('while a fit runs', () => {
  /** Calls `during` once, after the first batch of a fit of `net`; the fit's outcome. */
  const meanwhile = (net: Net, during: () => unknown) =>
    net.fit(x, y, {
      epochs: 2,
      batchSize: 5,
      callbacks: [{ onBatchEnd: async (batch) => void (batch === 0 && (await during())) }],
    })

  test('another fit is refused and the first goes on', async () => {
    const net = regression()
    const plain = regression()
    const first = net.fit(x, y, { epochs: 2 })
    await expect(net.fit(x, y)).rejects.toThrow(
      'fit: this model is being fitted already; await the first call',
    )
    expect((await first).loss).toHaveLength(2)
    await plain.fit(x, y, { epochs: 2 })
    expect(bits(net)).toEqual(bits(plain))
  })

  test('compile is refused', async () => {
    const net = regression()
    const message = 'compile: this model is being fitted; await fit first'
    const history = await meanwhile(net, () => {
      expect(() => net.compile({ loss: 'mae' })).toThrow(new LanegradError(message))
    })
    expect(history.loss).toHaveLength(2)
  })

  test('dispose ends it with an error', async () => {
    const net = regression()
    await expect(meanwhile(net, () => net.dispose())).rejects.toThrow(
      new LanegradError('this model was disposed'),
    )
  })
})

test('data that is moved away during fit', async () => {
  const own = [x.slice(), y.slice()]
  for (const [i, what] of ['input input', 'target dense_2'].entries()) {
    const net = regression()
    const moved = own.map((part) => part.slice())
    const callbacks = [
      { onBatchEnd: () => void structuredClone(moved[i].buffer, { transfer: [moved[i].buffer] }) },
    ]
    await expect(net.fit(moved[0], moved[1], { batchSize: 4, shuffle: false, callbacks })).rejects.toThrow(
      new LanegradError(`${what}: its buffer was detached or resized after the call began`),
    )
    const trained = regression()
    trained.trainStep(x.subarray(0, 8), y.subarray(0, 4))
    expect(bits(net)).toEqual(bits(trained)) // by the batch before
  }
})
