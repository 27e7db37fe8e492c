// The callbacks that come with the library. Sequences of logs are played to their hooks, and what they do is compared with
// Keras's rules worked out by hand; then the same in real fits: weights put back bit for bit, files, learning rates.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type Callback,
  dense,
  earlyStopping,
  exponentialDecay,
  type FitParams,
  type Logs,
  learningRateScheduler,
  load,
  type Model,
  reduceLROnPlateau,
  type Symbolic,
  sequential,
  sgd,
  terminateOnNaN,
} from '../../src/index.ts'
import { csvLogger, modelCheckpoint } from '../../src/node/index.ts'
import { refused } from '../support/refused.ts'

type Net = Model<Symbolic>
const x = Float32Array.from({ length: 46 }, (_, i) => ((i * 37) % 23) / 11 - 1)
const y = Float32Array.from({ length: 23 }, (_, i) => (i % 5) / 5)
const regression = (learningRate = 0.01): Net =>
  sequential({
    inputShape: [2],
    layers: [dense({ units: 4, activation: 'tanh' }), dense({ units: 1 })],
    seed: 1,
  }).compile({ loss: 'mse', optimizer: sgd({ learningRate }) })

/** Plays one log from epoch to epoch until the callback stops the run; the rates after each epoch, and why it stopped. */
async function play(callback: Callback, logs: readonly Logs[], { rate = 1, epochs = logs.length } = {}) {
  const rates: number[] = []
  const put: unknown[] = []
  let reason: string | null = null
  let epoch = 0
  const run: FitParams = {
    ...{ epochs, steps: 1, samples: 1, batchSize: 1, validationFreq: 1, learningRate: rate },
    model: {
      getWeights: () => ({ epoch }),
      setWeights: (weights: unknown) => put.push(weights),
    } as unknown as Model,
    stop(given = '') {
      reason = given
    },
  }
  await callback.onTrainBegin?.(run)
  for (; epoch < logs.length && reason === null; epoch++) {
    await callback.onEpochBegin?.(epoch)
    await callback.onEpochEnd?.(epoch, logs[epoch])
    rates.push(run.learningRate)
  }
  await callback.onTrainEnd?.({}, reason)
  return { epochs: epoch, rates, reason, put }
}
const losses = (...values: number[]): Logs[] => values.map((value) => ({ loss: value, val_loss: value }))

describe('earlyStopping', () => {
  test.each<[string, object, number[], number]>([
    // [what, options, val_loss of each epoch, epochs that ran]
    ['patience 0: the first epoch that is no better', {}, [5, 4, 4, 3], 3],
    ['but never the first epoch', { baseline: 1 }, [Number.NaN, 9, 8], 3],
    ['patience 2: two in a row', { patience: 2 }, [5, 6, 4, 5, 4, 3], 5],
    ['an improvement starts the count anew', { patience: 2 }, [5, 6, 4, 5, 3, 4, 4, 1], 7],
    ['minDelta: less than that is none', { minDelta: 0.5 }, [5, 4, 3.5, 3], 3],
    ['baseline: getting better below it only', { patience: 3, baseline: 2 }, [9, 8, 7, 8, 1], 4],
    ['baseline reached: the count starts anew', { patience: 3, baseline: 2 }, [9, 8, 1, 1, 1, 1, 0], 6],
    ['startFromEpoch: what was before does not count', { startFromEpoch: 2 }, [1, 2, 9, 8, 8, 0], 5],
    ['max', { mode: 'max' }, [1, 2, 2, 9], 3],
    ['NaN is no improvement', { patience: 2 }, [5, Number.NaN, Number.NaN, 1], 3],
  ])('%s', async (_, options, values, count) => {
    expect((await play(earlyStopping(options), losses(...values))).epochs).toBe(count)
  })

  test('auto takes accuracy as better when it grows', async () => {
    const logs = [0.5, 0.6, 0.7, 0.7, 0.9].map((accuracy) => ({ accuracy }))
    const { epochs, reason } = await play(earlyStopping({ monitor: 'accuracy' }), logs)
    expect(epochs).toBe(4)
    expect(reason).toBe("earlyStopping: accuracy hasn't been better than 0.7 for 1 epochs")
  })

  test.each([
    ['val_encoder2_loss', 'less'],
    ['account_loss', 'less'],
    ['tower2_meanAbsoluteError', 'less'],
    ['val_diceLoss', 'less'],
    ['val_less_f1Score_2', 'more'],
    ['r2Score', 'more'],
    ['loss_acc', 'more'],
  ])('auto goes by the metric, not by the output it is of: %s, %s is better', async (monitor, better) => {
    const logs = [1, 2, 3].map((value) => ({ [monitor]: value }))
    const { epochs } = await play(earlyStopping({ monitor }), logs)
    expect(epochs).toBe(better === 'more' ? 3 : 2)
  })

  test('puts the best weights back at the end, stopped or not; by default none', async () => {
    const best = (values: number[], options = {}) =>
      play(earlyStopping({ patience: 2, restoreBestWeights: true, ...options }), losses(...values))
    expect((await best([5, 3, 4, 4, 1])).put).toEqual([{ epoch: 1 }])
    expect((await best([5, 3, 4])).put).toEqual([{ epoch: 1 }])
    expect((await best([Number.NaN, Number.NaN])).put).toEqual([{ epoch: 0 }]) // the first looked at, if none was better
    expect((await play(earlyStopping(), losses(1, 2))).put).toEqual([])
  })

  test('may be used again', async () => {
    const callback = earlyStopping({ patience: 1 })
    expect((await play(callback, losses(1, 2))).epochs).toBe(2)
    expect((await play(callback, losses(9, 8, 7, 7))).epochs).toBe(4)
  })

  test('in a fit: training ends, and the weights are those after the best epoch, bit for bit', async () => {
    const net = regression(1.9) // too large: the loss rises sooner or later
    const after: Record<string, unknown>[] = []
    const record: Callback = { onEpochEnd: () => void after.push(net.getWeights()) }
    let reason: string | null = null
    const tell: Callback = {
      onTrainEnd(_, given) {
        reason = given
      },
    }
    const stopper = earlyStopping({ patience: 3, restoreBestWeights: true })
    const history = await net.fit(x, y, {
      ...{ epochs: 200, batchSize: 4, validationSplit: 0.2 },
      callbacks: [record, stopper, tell],
    })
    const values = history.val_loss
    expect(values.length).toBeLessThan(200)
    const best = values.indexOf(Math.min(...values))
    expect(values.length).toBe(best + 4)
    expect(net.getWeights()).toEqual(after[best])
    expect(net.getWeights()).not.toEqual(after.at(-1))
    expect(reason).toMatch(/^earlyStopping: val_loss hasn't been better than .* for 3 epochs$/)
  })

  test('an unknown monitor ends the first epoch with the names of the logs', async () => {
    const fit = regression().fit(x, y, { epochs: 3, callbacks: [earlyStopping({ monitor: 'val_loss' })] })
    await expect(fit).rejects.toThrow('earlyStopping: unknown monitor "val_loss". Known: loss')
  })

  test('with validationFreq 2, epochs without validation are passed over', async () => {
    const callbacks = [earlyStopping({ patience: 100 })]
    const options = { epochs: 4, validationSplit: 0.2, validationFreq: 2, callbacks }
    const history = await regression().fit(x, y, options)
    expect(history.loss).toHaveLength(4)
    expect(history.val_loss).toHaveLength(2)
  })

  test.each<[string, object]>([
    ['patience must be an integer >= 0; got -1', { patience: -1 }],
    ['mode must be "auto", "min" or "max"; got "up"', { mode: 'up' }],
    ['minDelta must be a finite number >= 0; got -1', { minDelta: -1 }],
    ['baseline must be a finite number or null; got "1"', { baseline: '1' }],
    ['monitor must be the name of a log; got 3', { monitor: 3 }],
    ["give mode 'min' or 'max' for monitor \"speed\"", { monitor: 'speed' }],
  ])('refuses: %s', (message, options) => {
    refused(`earlyStopping: ${message}`, () => earlyStopping(options))
  })

  test('refuses an unknown option', () => {
    refused(/^unknown earlyStopping option "patiense"; did you mean "patience"\?/, () =>
      earlyStopping({ patiense: 1 } as object),
    )
  })
})

describe('reduceLROnPlateau', () => {
  test.each<[string, object, number[], number[]]>([
    ['patience 2', { patience: 2 }, [5, 5, 5, 5, 5], [1, 1, 0.5, 0.5, 0.25]],
    ['minDelta 1e-4 by default', { patience: 1 }, [5, 4.99995, 4.9998], [1, 0.5, 0.5]],
    // after a reduction two epochs are not counted, the third is
    ['cooldown 2', { patience: 1, cooldown: 2 }, [5, 5, 5, 5, 5, 5], [1, 0.5, 0.5, 0.25, 0.25, 0.125]],
    [
      'cooldown 3, patience 2',
      { patience: 2, cooldown: 3 },
      [5, 5, 5, 5, 5, 5, 5],
      [1, 1, 0.5, 0.5, 0.5, 0.5, 0.25],
    ],
    ['minLearningRate', { patience: 1, minLearningRate: 0.4 }, [5, 5, 5, 5], [1, 0.5, 0.4, 0.4]],
    ['max', { patience: 1, mode: 'max' }, [5, 6, 6, 7], [1, 1, 0.5, 0.5]],
  ])('%s', async (_, options, values, rates) => {
    const callback = reduceLROnPlateau({ factor: 0.5, ...options })
    expect((await play(callback, losses(...values))).rates).toEqual(rates)
  })

  test('refuses a factor of 1 and more', () => {
    for (const factor of [0, 1, Number.NaN])
      refused(`reduceLROnPlateau: factor must be a number between 0 and 1; got ${factor}`, () =>
        reduceLROnPlateau({ factor }),
      )
  })
})

describe('the learning rate', () => {
  test('set by learningRateScheduler is that of the steps: as if compiled with it', async () => {
    const net = regression(0.5)
    const other = regression(0.5)
    const rates: number[] = []
    const schedule = (epoch: number, rate: number) => {
      rates.push(rate)
      return [0.25, 0.125][epoch]
    }
    const options = { epochs: 2, batchSize: 23, shuffle: false }
    await net.fit(x, y, { ...options, callbacks: [learningRateScheduler({ schedule })] })
    expect(rates).toEqual([0.5, 0.25])
    expect(net.learningRate).toBe(0.125)
    for (const learningRate of [0.25, 0.125]) {
      other.compile({ loss: 'mse', optimizer: sgd({ learningRate }) })
      other.trainStep(x, y)
    }
    expect(net.getWeights()).toEqual(other.getWeights())
  })

  test("is the base of the optimizer's schedule", () => {
    const make = (learningRate: number) =>
      regression().compile({
        loss: 'mse',
        optimizer: sgd({ learningRate, schedule: exponentialDecay({ gamma: 0.5 }) }),
      })
    const net = make(0.5)
    const other = make(0.25)
    net.learningRate = 0.25
    for (let step = 0; step < 3; step++) expect(net.trainStep(x, y)).toEqual(other.trainStep(x, y))
    expect(net.getWeights()).toEqual(other.getWeights())
  })

  test("is saved with the optimizer's state and comes back with compile", () => {
    const net = regression(0.5)
    net.learningRate = 0.1
    const copy = load(net.save({ includeOptimizer: true }))
    expect(copy.learningRate).toBe(0.1)
    expect(copy.trainStep(x, y)).toEqual(net.trainStep(x, y))
    expect(copy.getWeights()).toEqual(net.getWeights())
    expect(load(net.save()).learningRate).toBe(0.5)
    net.compile({ loss: 'mse', optimizer: sgd({ learningRate: 0.2 }) })
    expect(net.learningRate).toBe(0.2)
  })

  test('must be a number from 0', async () => {
    const net = regression()
    refused('learningRate must be a finite number >= 0; got -1', () => {
      net.learningRate = -1
    })
    const callbacks = [learningRateScheduler({ schedule: () => Number.NaN })]
    await expect(net.fit(x, y, { callbacks })).rejects.toThrow(
      'learningRateScheduler: the rate of epoch 0 must be a finite number >= 0; got NaN',
    )
  })
})

describe('stop', () => {
  test('after a batch: the rest of the epoch is left out, its validation and end are not', async () => {
    const calls: string[] = []
    let run: FitParams | null = null
    const callback: Callback = {
      onTrainBegin(params) {
        run = params
      },
      onBatchBegin: (batch) => void calls.push(`begin ${batch}`),
      onBatchEnd(batch) {
        calls.push(`end ${batch}`)
        if (batch === 1) run?.stop('enough')
      },
      onTestBegin: () => void calls.push('test'),
      onTestEnd: (logs) => void calls.push(`tested ${Object.keys(logs)}`),
      onEpochEnd: (epoch) => void calls.push(`epoch ${epoch}`),
      onTrainEnd: (_, reason) => void calls.push(`train ${reason}`),
    }
    const options = { epochs: 9, batchSize: 4, validationSplit: 0.2, callbacks: [callback] }
    const history = await regression().fit(x, y, options)
    const batches = ['begin 0', 'end 0', 'begin 1', 'end 1']
    expect(calls).toEqual([...batches, 'test', 'tested val_loss', 'epoch 0', 'train enough'])
    expect(history.loss).toHaveLength(1)
    expect(history.val_loss).toHaveLength(1)
  })

  test('before training or an epoch: nothing is trained', async () => {
    const net = regression()
    const before = net.getWeights()
    const callbacks: Callback[] = [{ onTrainBegin: (run) => run.stop() }]
    expect(await net.fit(x, y, { callbacks })).toEqual({})
    let run: FitParams | null = null
    const later: Callback = {
      onTrainBegin(params) {
        run = params
      },
      onEpochBegin: () => run?.stop(),
    }
    expect(await net.fit(x, y, { callbacks: [later] })).toEqual({})
    expect(net.getWeights()).toEqual(before)
  })

  test('an aborted fit tells its callbacks so; a whole one has no reason', async () => {
    const reasons: (string | null)[] = []
    const callbacks: Callback[] = [{ onTrainEnd: (_, reason) => void reasons.push(reason) }]
    await regression().fit(x, y, { callbacks, signal: AbortSignal.abort() })
    await regression().fit(x, y, { callbacks })
    expect(reasons).toEqual(['aborted', null])
  })

  test('says why on the console with verbose', async () => {
    const lines: unknown[] = []
    vi.spyOn(console, 'log').mockImplementation((line: unknown) => lines.push(line))
    let run: FitParams | null = null
    const callback: Callback = {
      onTrainBegin(params) {
        run = params
      },
      onEpochEnd: () => run?.stop('enough'),
    }
    await regression().fit(x, y, { epochs: 3, verbose: 1, callbacks: [callback] })
    vi.restoreAllMocks()
    expect(lines).toHaveLength(2)
    expect(lines[1]).toMatch(/^enough - \d+\.\d s$/)
  })

  test('gives the run its model', async () => {
    const net = regression()
    const seen: unknown[] = []
    await net.fit(x, y, { callbacks: [{ onTrainBegin: ({ model }) => void seen.push(model) }] })
    expect(seen[0]).toBe(net)
  })
})

test('terminateOnNaN ends a fit after the batch whose loss is not finite', async () => {
  const net = regression()
  const bad = y.slice()
  bad[9] = Number.POSITIVE_INFINITY
  let batches = 0
  const count: Callback = { onBatchEnd: () => void batches++ }
  const history = await net.fit(x, bad, {
    ...{ epochs: 5, batchSize: 4, shuffle: false },
    callbacks: [count, terminateOnNaN()],
  })
  expect(batches).toBe(3) // row 9 is in the third
  expect(history.loss).toEqual([Number.POSITIVE_INFINITY])
})

test('initialEpoch: epochs are counted from there, and train as the rest of one fit', async () => {
  const once = regression()
  const twice = regression()
  const seen: number[] = []
  const callbacks: Callback[] = [{ onEpochBegin: (epoch) => void seen.push(epoch) }]
  await once.fit(x, y, { epochs: 4, batchSize: 5 })
  await twice.fit(x, y, { epochs: 3, batchSize: 5 })
  await twice.fit(x, y, { epochs: 4, initialEpoch: 3, batchSize: 5, callbacks })
  expect(seen).toEqual([3])
  expect(twice.getWeights()).toEqual(once.getWeights())
})

describe('files', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'callbacks-'))
  })
  afterEach(() => {
    vi.unstubAllGlobals()
    rmSync(folder, { recursive: true })
  })

  test('modelCheckpoint writes the model of the last epoch; training resumes from it bit for bit', async () => {
    const net = regression()
    const path = join(folder, 'new', 'model.safetensors')
    await net.fit(x, y, { epochs: 2, batchSize: 5, callbacks: [modelCheckpoint({ path })] })
    const copy = load(new Uint8Array(readFileSync(path)))
    expect(copy.getWeights()).toEqual(net.getWeights())
    const options = { epochs: 2, batchSize: 5 }
    expect(await copy.fit(x, y, options)).toEqual(await net.fit(x, y, options))
    expect(readdirSync(join(folder, 'new'))).toEqual(['model.safetensors'])
  })

  test('{epoch} in the path and every: a file for each', async () => {
    const path = join(folder, 'at-{epoch}.safetensors')
    await regression().fit(x, y, { epochs: 5, callbacks: [modelCheckpoint({ path, every: 2 })] })
    expect(readdirSync(folder).sort()).toEqual(['at-2.safetensors', 'at-4.safetensors'])
  })

  test('saveBestOnly saves when the log is better than before', async () => {
    const saved: number[] = []
    const callback = modelCheckpoint({
      save: (_, { epoch }) => void saved.push(epoch),
      ...{ saveBestOnly: true, monitor: 'loss' },
    })
    await callback.onTrainBegin?.({ model: regression() } as unknown as FitParams)
    const values = losses(5, 6, 4, 4, 3)
    for (const [epoch, logs] of values.entries()) await callback.onEpochEnd?.(epoch, logs)
    expect(saved).toEqual([0, 2, 4])
  })

  test.each([
    [[1, 4, 3, 5], [1]], // the best of all, in an epoch that isn't saved, is no measure for those that are
    [
      [9, 3, 1, 2, 0, 2.5],
      [1, 3],
    ],
  ])(
    'saveBestOnly with every 2: the best among the epochs that can be saved, %j',
    async (values, expected) => {
      const saved: number[] = []
      const callback = modelCheckpoint({
        save: (_, { epoch }) => void saved.push(epoch),
        ...{ saveBestOnly: true, monitor: 'loss', every: 2 },
      })
      await callback.onTrainBegin?.({ model: regression() } as unknown as FitParams)
      for (const [epoch, logs] of losses(...values).entries()) await callback.onEpochEnd?.(epoch, logs)
      expect(saved).toEqual(expected)
    },
  )

  test('save gets the bytes, with the optimizer unless told otherwise', async () => {
    const net = regression()
    const files: Uint8Array[] = []
    const save = (bytes: Uint8Array) => void files.push(bytes)
    const callbacks = [modelCheckpoint({ save }), modelCheckpoint({ save, includeOptimizer: false })]
    await net.fit(x, y, { callbacks })
    expect(files).toEqual([net.save({ includeOptimizer: true }), net.save()])
  })

  test('a path that cannot be written is reported before anything is trained', async () => {
    const net = regression()
    const before = net.save({ includeOptimizer: true })
    writeFileSync(join(folder, 'file'), 'text')
    refused('modelCheckpoint: path may hold {epoch} only; got "{val_loss:.2f}"', () =>
      modelCheckpoint({ path: 'm-{epoch}-{val_loss:.2f}' }),
    )
    for (const [path, reason] of [
      [folder, 'it is a folder'],
      [join(folder, 'file', 'model'), 'EEXIST'],
    ]) {
      const fit = net.fit(x, y, { callbacks: [modelCheckpoint({ path })] })
      await expect(fit).rejects.toThrow(`modelCheckpoint: can't write ${path}: ${reason}`)
      const log = net.fit(x, y, { callbacks: [csvLogger({ path })] })
      await expect(log).rejects.toThrow(`csvLogger: can't write ${path}: ${reason}`)
    }
    expect(net.save({ includeOptimizer: true })).toEqual(before)
    expect(readdirSync(folder)).toEqual(['file'])
  })

  test('a save that fails leaves the model as trained', async () => {
    const path = join(folder, 'model')
    const net = regression()
    const before = net.getWeights()
    const spoil: Callback = { onEpochEnd: () => mkdirSync(path) }
    const fit = net.fit(x, y, { callbacks: [spoil, modelCheckpoint({ path })] })
    await expect(fit).rejects.toThrow(`modelCheckpoint: can't write ${path}: it is a folder`)
    expect(net.getWeights()).not.toEqual(before)
  })

  test('without a file system path is refused, save is not', async () => {
    // the test runner itself needs the rest of process at any time
    vi.stubGlobal('process', Object.create(process, { getBuiltinModule: { value: undefined } }))
    const net = regression()
    await expect(net.fit(x, y, { callbacks: [modelCheckpoint({ path: 'model' })] })).rejects.toThrow(
      'modelCheckpoint: this runtime has no files for path; give save',
    )
    let count = 0
    await net.fit(x, y, { callbacks: [modelCheckpoint({ save: () => void count++ })] })
    expect(count).toBe(1)
  })

  test('csvLogger writes a head and a line per epoch, logs by name', async () => {
    const path = join(folder, 'log.csv')
    writeFileSync(path, 'old\n')
    const options = { epochs: 2, validationSplit: 0.2 }
    const history = await regression().fit(x, y, { ...options, callbacks: [csvLogger({ path })] })
    const lines = [0, 1].map((epoch) => `${epoch},${history.loss[epoch]},${history.val_loss[epoch]}\n`)
    expect(readFileSync(path, 'utf8')).toBe(`epoch,loss,val_loss\n${lines.join('')}`)
  })

  test('csvLogger goes on in a file with append, and starts it otherwise', async () => {
    const path = join(folder, 'log.csv')
    const log = (append: boolean) =>
      play(csvLogger({ path, append, separator: ';' }), [{ b: 1, a: 0.5 }, { a: 3 }])
    await log(true)
    await log(true)
    const lines = '0;0.5;1\n1;3;NA\n'
    expect(readFileSync(path, 'utf8')).toBe(`epoch;a;b\n${lines}${lines}`)
    await log(false)
    expect(readFileSync(path, 'utf8')).toBe(`epoch;a;b\n${lines}`)
  })

  test('csvLogger that never comes to an epoch leaves the file as it was', async () => {
    const path = join(folder, 'log.csv')
    writeFileSync(path, 'old\n')
    const bad = modelCheckpoint({ path: folder })
    await expect(regression().fit(x, y, { callbacks: [csvLogger({ path }), bad] })).rejects.toThrow('folder')
    expect(readFileSync(path, 'utf8')).toBe('old\n')
    expect(readdirSync(folder)).toEqual(['log.csv'])
  })

  test('csvLogger gives its lines to write', async () => {
    const lines: string[] = []
    await play(csvLogger({ write: (line) => void lines.push(line) }), [{ loss: 1 }, { loss: 2 }])
    expect(lines).toEqual(['epoch,loss\n', '0,1\n', '1,2\n'])
  })

  test('path and its function exclude each other', () => {
    refused('modelCheckpoint: give either path or save', () => modelCheckpoint({}))
    refused('csvLogger: give either path or write', () => csvLogger({ path: 'a', write: () => {} }))
    refused('modelCheckpoint: every must be a positive integer; got 0', () =>
      modelCheckpoint({ path: 'a', every: 0 }),
    )
  })
})
