// `fit` of a frozen trainer against `Model.fit`: the same order of rows, the same history, the same weights; the same hooks in the
// same order. Then what it refuses, and that nothing is trained before it does.
import { describe, expect, test } from 'vitest'
import { type FreezeOptions, freeze } from '../../src/freeze/index.ts'
import {
  adam,
  type Callback,
  dense,
  dropout,
  earlyStopping,
  exponentialDecay,
  type FitOptions,
  LanegradError,
  learningRateScheduler,
  load,
  reduceLROnPlateau,
  sequential,
} from '../../src/index.ts'
import { modelCheckpoint } from '../../src/node/index.ts'
import { fit, type TrainerFitOptions as OwnOptions, open, type Trainer } from '../../src/run/index.ts'
import { extras, random } from '../../src/run/modules.ts'
import { difference } from '../support/frozen.ts'

const net = () =>
  sequential({
    inputShape: [3],
    seed: 11,
    layers: [dense({ units: 6, activation: 'tanh' }), dropout({ rate: 0.2 }), dense({ units: 2 })],
  }).compile({
    optimizer: adam({ learningRate: 0.05, schedule: exponentialDecay({ gamma: 0.99 }) }),
    loss: 'meanSquaredError',
    metrics: ['mae'],
  })
const numbers = (count: number, width: number, seed = 1) => ({
  shape: [count, width],
  data: Float32Array.from({ length: count * width }, (_, i) => (((i + seed) * 7919) % 97) / 48 - 1),
})
const [x, y] = [numbers(23, 3), numbers(23, 2, 5)]
const held = [numbers(9, 3, 2), numbers(9, 2, 3)] as const
const weights = Float32Array.from({ length: 23 }, (_, i) => (i % 3) / 2)

const frozen = (model = net(), options: FreezeOptions = {}): Trainer =>
  open(freeze(model, { train: [8, 7], evaluate: [8, 5, 1], predict: [8], ...options }), {
    modules: [extras, random],
  })

/** Hooks that note what they are told. */
function noting(notes: unknown[]): Callback {
  const hooks = [
    'onTrainBegin',
    'onEpochBegin',
    'onBatchBegin',
    'onBatchEnd',
    'onTestBegin',
    'onTestEnd',
    'onEpochEnd',
    'onTrainEnd',
  ]
  const note =
    (hook: string) =>
    (...args: readonly unknown[]) => {
      const { model, stop, ...told } = args[0] as { model?: unknown; stop?: unknown }
      notes.push([hook, ...(hook === 'onTrainBegin' ? [told] : args)])
    }
  return Object.fromEntries(
    hooks.map((hook) => [hook, (...args: unknown[]) => note(hook)(...(args.length > 0 ? args : [{}]))]),
  )
}

interface Case {
  readonly options: () => FitOptions
  readonly freezing?: FreezeOptions
}

const cases: Readonly<Record<string, Case>> = {
  'three epochs, shuffled, a remainder that was frozen': { options: () => ({ epochs: 3 }) },
  'in order, from a later epoch on': { options: () => ({ epochs: 4, initialEpoch: 2, shuffle: false }) },
  // 19 and 4 rows
  'a share kept for validation': {
    options: () => ({ epochs: 2, validationSplit: 0.15 }),
    freezing: { train: [8, 3], evaluate: [4] },
  },
  'other rows to validate with, every second epoch': {
    options: () => ({ epochs: 4, validationData: [...held], validationFreq: 2, validationBatchSize: 8 }),
  },
  'weights of rows, of those to validate with as well': {
    options: () => ({
      ...{ epochs: 2, sampleWeight: weights, validationBatchSize: 8 },
      validationData: [...held, weights.subarray(0, 9)],
    }),
    freezing: { sampleWeight: true },
  },
  'early stopping that brings the best weights back': {
    options: () => ({
      ...{ epochs: 30, validationData: [...held], validationBatchSize: 8 },
      callbacks: earlyStopping({ patience: 1, restoreBestWeights: true, minDelta: 0.01 }),
    }),
  },
  'rates that callbacks set': {
    options: () => ({
      epochs: 5,
      callbacks: [
        learningRateScheduler({ schedule: (epoch, rate) => (epoch === 1 ? rate / 2 : rate) }),
        reduceLROnPlateau({ monitor: 'loss', patience: 1, minDelta: 1 }),
      ],
    }),
  },
}

describe('as Model.fit', () => {
  test.each(Object.entries(cases))('%s', async (_, { options, freezing }) => {
    const [model, trainer] = [net(), frozen(net(), freezing)]
    const [notes, wanted]: unknown[][] = [[], []]
    const both = async (trained: Trainer, more: FitOptions, notes: unknown[], wanted: unknown[]) => {
      const run = (notes: unknown[]) => {
        const { callbacks = [], ...rest } = { ...options(), ...more }
        return { ...rest, callbacks: [noting(notes), ...[callbacks].flat()] }
      }
      const { validationBatchSize, ...own } = run(notes)
      const history = await fit(trained, x, y, own as OwnOptions)
      expect(difference(history, await model.fit(x, y, { ...run(wanted), batchSize: 8 }))).toBe(null)
      expect(difference(trained.getWeights(), model.getWeights())).toBe(null)
      expect(trained.learningRate).toBe(model.learningRate)
    }
    await both(trainer, {}, notes, wanted)
    expect(notes.length).toBeGreaterThan(8)
    expect(difference(notes, wanted)).toBe(null)
    // epochs go on where they are: the order of the rows, what is drawn
    await both(open(trainer.save(), { modules: [extras, random] }), { epochs: 1, initialEpoch: 0 }, [], [])
  })

  test('rows that fill no batch are left out where that is asked, others in every epoch', async () => {
    const trainer = frozen(net(), { train: [8] })
    const steps: number[] = []
    const callbacks = { onTrainBegin: ({ steps: count }: { steps: number }) => steps.push(count) }
    await fit(trainer, x, y, { epochs: 2, dropRemainder: true, callbacks })
    expect(steps).toEqual([2])
    // as batches of the rows in the order of each epoch
    const model = net()
    const batches: number[][] = []
    const feed = model.session.feed.bind(model.session)
    model.session.feed = (prepared, batch, order, from, to, allowNaN) => {
      batches.push([...(order ?? []).slice(from, to)])
      feed(prepared, batch, order, from, to, allowNaN)
    }
    await model.fit(x, y, { epochs: 2, batchSize: 8 })
    const other = net()
    for (const rows of batches.filter(({ length }) => length === 8))
      other.trainStep(
        rows.map((row) => [...x.data.slice(3 * row, 3 * row + 3)]),
        rows.map((row) => [...y.data.slice(2 * row, 2 * row + 2)]),
      )
    expect(batches).toHaveLength(6)
    expect(difference(trainer.getWeights(), other.getWeights())).toBe(null)
  })

  test('a signal stops it within a step, and what was trained stays', async () => {
    const [model, trainer] = [net(), frozen()]
    const run = async (own: { getWeights(): unknown }, call: (options: object) => Promise<unknown>) => {
      const stop = new AbortController()
      const onBatchEnd = (batch: number) => batch === 1 && stop.abort()
      return [await call({ epochs: 3, signal: stop.signal, callbacks: { onBatchEnd } }), own.getWeights()]
    }
    const got = await run(trainer, (options) => fit(trainer, x, y, options))
    const want = await run(model, (options) => model.fit(x, y, { ...options, batchSize: 8 }))
    expect(difference(got, want)).toBe(null)
  })

  test('checkpoints are files that both take', async () => {
    const trainer = frozen()
    const files: Uint8Array[] = []
    const save = (bytes: Uint8Array) => {
      files.push(bytes)
    }
    await fit(trainer, x, y, { epochs: 2, callbacks: modelCheckpoint({ save }) })
    expect(files).toHaveLength(2)
    const want = trainer.getWeights()
    expect(load(files[1]).getWeights()).toEqual(want)
    expect(open(files[1], { modules: [extras, random] }).getWeights()).toEqual(want)
  })
})

describe('refused before anything is trained', () => {
  const refused: Readonly<Record<string, [options: OwnOptions, message: RegExp, freezing?: FreezeOptions]>> =
    {
      'rows that fill no batch': [
        {},
        /^fit: 23 rows in batches of 8 leave 7 over: freeze\(model, \{ train: \[8, 7\] \}\), or pass dropRemainder: true$/,
        { train: [8] },
      ],
      'fewer rows than any batch': [
        { dropRemainder: true },
        /^fit: 23 rows in batches of 32 leave 23 over: .* or pass more rows$/,
        { train: [32] },
      ],
      'nothing was frozen for training': [
        {},
        /^fit: 23 rows fill no frozen batch: freeze\(model, \{ train: \[23\] \}\)/,
        { train: [] },
      ],
      'a size that was not frozen': [
        { batchSize: 5 },
        /^fit: batchSize must be one frozen for training: 8, 7; got 5$/,
      ],
      'validation in sizes that were not frozen': [
        { validationData: [...held] },
        /^fit: validationData: 9 rows in batches of 4 leave 1 over: freeze\(model, \{ evaluate: \[4, 1\] \}\)/,
        { evaluate: [4] },
      ],
      'validation twice': [
        { validationData: [...held], validationSplit: 0.5 },
        /give validationSplit or validationData, not both/,
      ],
      'validation from an iterable': [
        { validationData: (() => []) as never },
        /^fit: validationData must be \[x, y\] or \{ x, y \}/,
      ],
      'weights of rows': [
        { sampleWeight: weights },
        /^fit: sampleWeight: the file was frozen without; freeze\(model, \{ sampleWeight: true \}\) takes these$/,
      ],
      'an unknown option': [{ classWeight: {} } as never, /unknown fit option "classWeight"/],
    }
  test.each(Object.entries(refused))('%s', async (_, [options, message, freezing]) => {
    const trainer = frozen(net(), freezing)
    const before = trainer.save()
    const begun: unknown[] = []
    const callbacks = { onTrainBegin: () => begun.push(1) }
    await expect(fit(trainer, x, y, { ...options, callbacks })).rejects.toThrow(message)
    expect([begun, trainer.save()]).toEqual([[], before])
  })

  test('NaN in the last row, of rows to validate with as well', async () => {
    const trainer = frozen()
    const before = trainer.save()
    const bad = { ...x, data: x.data.with(68, NaN) }
    await expect(fit(trainer, bad, y)).rejects.toThrow(/^input .*: row 22 holds NaN/)
    const validationData = [{ ...held[0], data: held[0].data.with(26, NaN) }, held[1]] as const
    await expect(fit(trainer, x, y, { validationData })).rejects.toThrow(/row 8 holds NaN/)
    expect(trainer.save()).toEqual(before)
    await fit(trainer, bad, y, { allowNaN: true })
    expect(trainer.getWeights()['dense_1/kernel'].data[0]).toBeNaN()
  })

  test('a model that was not compiled', async () => {
    const own = sequential({ inputShape: [3], layers: [dense({ units: 2 })] })
    await expect(fit(open(freeze(own)), x, y)).rejects.toThrow(/wasn't compiled when it was frozen/)
  })

  test('what open did not give', async () => {
    for (const other of [null, 1, {}, net(), { session: {} }])
      await expect(fit(other as never, x, y)).rejects.toThrow(/^fit: trainer must be what open gave/)
  })
})

test("errors of a caller's own hooks pass, and the trainer goes on", async () => {
  const trainer = frozen()
  const own = new Error('mine')
  const onBatchEnd = () => {
    throw own
  }
  await expect(fit(trainer, x, y, { callbacks: { onBatchEnd } })).rejects.toBe(own)
  expect(trainer.predict(numbers(8, 3))).toMatchObject({ shape: [8, 2] })
  expect((await fit(trainer, x, y)).loss).toHaveLength(1)
})

test('calls meanwhile: another fit is refused, a step is taken, dispose ends it', async () => {
  const trainer = frozen()
  const seen: unknown[] = []
  const onEpochBegin = async (epoch: number) => {
    if (epoch === 0) seen.push(await fit(trainer, x, y).catch((error: Error) => error.message))
    if (epoch === 1) seen.push(trainer.trainStep(numbers(8, 3), numbers(8, 2)).loss > 0)
    if (epoch === 2) trainer.dispose()
  }
  const running = fit(trainer, x, y, { epochs: 9, callbacks: { onEpochBegin } })
  await expect(running).rejects.toThrow(new LanegradError('this trainer was disposed'))
  expect(seen).toEqual(['fit: this trainer is being fitted already; await the first call', true])
})
