// Models in workers, with the built bundle and real workers: threads of Node here, pages in test/worker/worker-page.test.ts. What
// comes back is compared with the same calls on a model of this thread, bit by bit. Needs `npm run build` (npm test
// does it).
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type * as Library from '../../src/index.ts'
import type * as Node from '../../src/node/index.ts'
import type * as Workers from '../../src/worker/index.ts'

const dist = (name: string) => new URL(`../../dist/${name}.js`, import.meta.url).href
const library = (await import(/* @vite-ignore */ dist('index'))) as typeof Library
const { serveModels, workerModel } = (await import(/* @vite-ignore */ dist('worker'))) as typeof Workers
const { modelCheckpoint } = (await import(/* @vite-ignore */ dist('node'))) as typeof Node
const { accumulateGradients, adam, batchNormalization, dense, dropout, earlyStopping } = library
const { exponentialDecay, gru, movingAverage, sequential } = library

const folder = mkdtempSync(join(tmpdir(), 'lanegrad-worker-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The path of a script. */
function script(text: string): URL {
  const path = join(folder, `${Math.random()}.mjs`)
  writeFileSync(path, text)
  return pathToFileURL(path)
}
const SERVE = `import { serveModels } from '${dist('worker')}'\n`
const plain = script(`${SERVE}serveModels()`)

const workers: Worker[] = []
function start(url = plain): Worker {
  const worker = new Worker(url)
  workers.push(worker)
  return worker
}
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()))
})

const ROWS = 200
const x = Float32Array.from({ length: ROWS * 6 }, (_, i) => ((i * 37) % 101) / 101)
const y = Int32Array.from({ length: ROWS }, (_, i) => (i * 7) % 3)

/** With everything that has a state: moving statistics, dropout, slots, a schedule. */
function made(seed = 5) {
  const net = sequential({
    inputShape: [6],
    seed,
    layers: [
      dense({ units: 16, activation: 'relu' }),
      batchNormalization(),
      dropout({ rate: 0.2 }),
      dense({ units: 3, activation: 'softmax' }),
    ],
  })
  net.compile({
    optimizer: adam({ learningRate: 0.01, schedule: exponentialDecay({ gamma: 0.999 }) }),
    loss: 'sparseCategoricalCrossentropy',
    metrics: ['accuracy'],
  })
  return net
}
/** To call a method by its name. */
type Any = { [method: string]: (...args: unknown[]) => Promise<unknown> }
const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const bits = (net: { save: Library.Model['save'] }) => hash(net.save({ includeOptimizer: true }))

const remoteOf = async (net = made(), url = plain) => {
  const worker = start(url)
  return { net, worker, remote: await workerModel(net, { worker }) }
}
const messageOf = async (promise: Promise<unknown>): Promise<string> => {
  const error = await promise.then(
    () => null,
    (reason) => reason,
  )
  expect(error).toBeInstanceOf(library.LanegradError)
  return error.message
}

describe('training', () => {
  const options = { epochs: 4, batchSize: 16, validationSplit: 0.2 }

  test('gives the bits of training here, and goes on here', async () => {
    const local = made()
    const { net, remote } = await remoteOf()
    const history = await remote.fit(x, y, options)
    expect(history).toEqual(await local.fit(x, y, options))
    expect(bits(net)).toBe(bits(local)) // it has followed
    expect(await remote.model()).toBe(net)
    await remote.close()
    await net.fit(x, y, options)
    await local.fit(x, y, options)
    expect(bits(net)).toBe(bits(local))
  })

  test('goes on there from the state it had here', async () => {
    const local = made()
    await local.fit(x, y, options)
    const net = made()
    await net.fit(x, y, options)
    const { remote } = await remoteOf(net)
    const again = { ...options, initialEpoch: 4, epochs: 6 }
    expect(await remote.fit(x, y, again)).toEqual(await local.fit(x, y, again))
    expect(await remote.save({ includeOptimizer: true })).toEqual(local.save({ includeOptimizer: true }))
  })

  test('with accumulation it may go there and come back between two updates', async () => {
    const build = () => {
      const net = sequential({
        inputShape: [6],
        seed: 5,
        layers: [dense({ units: 3, activation: 'softmax' })],
      })
      const optimizer = adam({ accumulation: accumulateGradients(3) })
      return net.compile({ optimizer, loss: 'sparseCategoricalCrossentropy' })
    }
    const [local, net] = [build(), build()]
    for (const each of [local, net]) each.trainStep(x, y) // one of three, here
    const { remote } = await remoteOf(net)
    expect(await remote.trainStep(x, y)).toEqual(local.trainStep(x, y))
    expect(await remote.trainStep(x, y)).toEqual(local.trainStep(x, y)) // the third: an update
    expect(await remote.getWeights()).toEqual(local.getWeights())
    expect(await remote.trainStep(x, y)).toEqual(local.trainStep(x, y))
    await remote.model() // back after one of three
    await remote.close()
    for (let step = 0; step < 4; step++) {
      expect(net.trainStep(x, y)).toEqual(local.trainStep(x, y))
      expect(net.getWeights()).toEqual(local.getWeights())
    }
    expect(bits(net)).toBe(bits(local))
  })

  test('every method does what the model does here', async () => {
    const local = made()
    const { remote } = await remoteOf()
    expect(await remote.trainStep(x, y)).toEqual(local.trainStep(x, y))
    expect(await remote.predict(x)).toEqual(local.predict(x))
    expect(await remote.evaluate(x, y)).toEqual(await local.evaluate(x, y))
    expect(await remote.evaluate({ x, y })).toEqual(await local.evaluate({ x, y }))
    expect(await remote.gradients(x, y, { inputs: true })).toEqual(local.gradients(x, y, { inputs: true }))
    await remote.applyGradients(await remote.gradients(x, y), { weight: 2, transfer: true })
    local.applyGradients(local.gradients(x, y), { weight: 2 })
    expect(await remote.getWeights()).toEqual(local.getWeights())
    expect(await remote.summary()).toBe(local.summary())
    const weights = { 'dense_1/bias': new Float32Array(16).fill(0.5) }
    await remote.setWeights(weights)
    local.setWeights(weights)
    await remote.setLearningRate(0.25)
    expect(await remote.learningRate()).toBe(0.25)
    local.learningRate = 0.25
    const trained = {
      classWeight: library.classWeights({ 0: 2 }),
      sampleWeight: new Float32Array(ROWS).fill(0.5),
    }
    expect(await remote.trainStep(x, y, trained)).toEqual(local.trainStep(x, y, trained))
    expect(await remote.save({ includeOptimizer: true })).toEqual(local.save({ includeOptimizer: true }))
    await remote.loadWeights(made(9).save())
    expect(await remote.getWeights()).toEqual(made(9).getWeights())
  })

  test('compile and setTrainable act on both sides', async () => {
    const local = made()
    const { net, remote } = await remoteOf()
    const compiled = {
      optimizer: adam({ ema: movingAverage() }),
      loss: 'sparseCategoricalCrossentropy',
    } as const
    for (const each of [local, remote]) await each.compile(compiled)
    for (const each of [local, remote]) await each.setTrainable((name: string) => name !== 'dense_1')
    expect(net.layers[0].trainable).toBe(false)
    const options = { epochs: 2 }
    expect(await remote.fit(x, y, options)).toEqual(await local.fit(x, y, options))
    expect(bits(net)).toBe(bits(local))
    expect(await remote.emaWeights()).toEqual(local.emaWeights())
  })

  test('states that layers keep go on there, and are reset from the page and by callbacks', async () => {
    const stateful = () =>
      sequential({
        inputShape: [2, 3],
        layers: [gru({ units: 4, stateful: true, batchSize: 2 }), dense({ units: 1 })],
        seed: 3,
      }).compile({ optimizer: 'sgd', loss: 'mse' })
    const local = stateful()
    const { net, remote } = await remoteOf(stateful())
    const [rows, truths] = [x.slice(0, 24), x.slice(0, 4)]
    for (const each of [local, remote]) {
      await each.predict(rows.slice(0, 12))
      await each.resetStates()
    }
    const reset = () => {
      let own: { resetStates(): void } | null = null
      return {
        onTrainBegin: ({ model }: { model: { resetStates(): void } }) => {
          own = model
        },
        onEpochEnd: () => own?.resetStates(),
      }
    }
    const options = () => ({ epochs: 3, callbacks: reset() as never })
    expect(await remote.fit(rows, truths, options())).toEqual(await local.fit(rows, truths, options()))
    expect(bits(net)).toBe(bits(local))
    for (let i = 0; i < 2; i++) expect(await remote.predict(rows)).toEqual(local.predict(rows))
  })

  test.each(['a part', 'a model that has parts'])(
    '%s goes there with its optimizer and comes back, the weights in common as well',
    async (which) => {
      const trained = () => {
        const whole = sequential({
          inputShape: [6],
          seed: 5,
          layers: [
            dense({ units: 5, name: 'a' }),
            batchNormalization({ name: 'code' }),
            dense({ units: 3, activation: 'softmax', name: 'out' }),
          ],
        }).setTrainable({ a: false })
        const part = library.part(whole, { inputs: 'input', outputs: 'code' }).setTrainable(() => true)
        whole.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' })
        part.compile({ optimizer: 'rmsprop', loss: 'mse' })
        const codes = new Float32Array(ROWS * 5).fill(0.5)
        const steps = [() => whole.trainStep(x, y), () => part.trainStep(x, codes)]
        for (const step of steps) step()
        const [net, truth] = which === 'a part' ? [part, codes] : [whole, y]
        return { net, truth, whole, steps }
      }
      const [here, there] = [trained(), trained()]
      const { remote } = await remoteOf(there.net)
      const once = { epochs: 2, batchSize: 32 }
      expect(await remote.fit(x, there.truth, once)).toEqual(await here.net.fit(x, here.truth, once))
      await remote.close()
      for (const index of [0, 1]) expect(there.steps[index]()).toEqual(here.steps[index]())
      expect(there.whole.getWeights()).toEqual(here.whole.getWeights())
    },
  )

  test('several models live in one worker, which ends with the last', async () => {
    const worker = start()
    let isOver = false
    worker.on('exit', () => {
      isOver = true
    })
    const [first, second] = await Promise.all([1, 2].map((seed) => workerModel(made(seed), { worker })))
    await Promise.all([first.fit(x, y), second.fit(x, y)])
    const local = made(2)
    await local.fit(x, y)
    await first.close()
    expect(isOver).toBe(false)
    expect(bits(await second.model())).toBe(bits(local))
    await second.close()
    expect(isOver).toBe(true)
  })

  test('a dozen, opened at once, are no leak to Node, and leave no listener behind', async () => {
    const warnings: Error[] = []
    const hear = (warning: Error) => warnings.push(warning)
    process.on('warning', hear)
    const worker = start()
    const heard = () => ['message', 'error', 'exit'].map((type) => worker.listenerCount(type))
    const before = heard()
    const nets = Array.from({ length: 12 }, (_, i) => made(i))
    const remotes = await Promise.all(nets.map((net) => workerModel(net, { worker })))
    const predicted = await Promise.all(remotes.map((remote) => remote.predict(x)))
    expect(predicted.map(({ data }) => data)).toEqual(nets.map((net) => net.predict(x).data))
    await new Promise((resolve) => setImmediate(resolve)) // warnings come a turn later
    process.off('warning', hear)
    expect(warnings).toEqual([])
    const ended = new Promise((resolve) => worker.once('exit', resolve))
    for (const remote of remotes) await remote.close()
    await ended
    expect(heard()).toEqual(before)
  })

  test('closing one in the midst of its training leaves the other alone', async () => {
    const worker = start()
    const [first, second] = await Promise.all([1, 2].map((seed) => workerModel(made(seed), { worker })))
    const fitting = messageOf(first.fit(x, y, { epochs: 1e6, callbacks: [{ onBatchEnd() {} }] }))
    await first.predict(x)
    await first.close()
    expect(await fitting).toMatch(/was closed/)
    const local = made(2)
    expect(await second.fit(x, y, { epochs: 20 })).toEqual(await local.fit(x, y, { epochs: 20 }))
  })

  test('a model that is not compiled predicts there', async () => {
    const net = sequential({ inputShape: [2], layers: [dense({ units: 1 })] })
    const { remote } = await remoteOf(net)
    expect(await remote.predict([[1, 2]])).toEqual(net.predict([[1, 2]]))
    expect(await messageOf(remote.fit([[1, 2]], [1]))).toMatch(/call compile first/)
  })
})

describe('callbacks', () => {
  const options = { epochs: 3, batchSize: 50, validationSplit: 0.25 }
  const recorder = (calls: unknown[]): Library.Callback => ({
    onTrainBegin: ({ model: _, ...numbers }) => void calls.push(['train', { ...numbers, stop: null }]),
    onEpochBegin: (epoch) => void calls.push(['epoch', epoch]),
    onBatchBegin: (batch) => void calls.push(['batch', batch]),
    onBatchEnd: (batch, logs) => void calls.push(['batch end', batch, logs]),
    onTestBegin: () => void calls.push(['test']),
    onTestEnd: (logs) => void calls.push(['test end', logs]),
    onEpochEnd: (epoch, logs) => void calls.push(['epoch end', epoch, logs]),
    onTrainEnd: (logs, reason) => void calls.push(['train end', logs, reason]),
  })

  test('hear the same in the same order', async () => {
    const [here, there]: unknown[][] = [[], []]
    await made().fit(x, y, { ...options, callbacks: [recorder(here)] })
    const { remote } = await remoteOf()
    await remote.fit(x, y, { ...options, callbacks: [recorder(there)], progressMs: 0 })
    expect(there).toEqual(here)
  })

  test('of batches hear now and then, the newest', async () => {
    const heard: number[] = []
    const { remote } = await remoteOf()
    const callbacks = [{ onBatchEnd: (batch: number) => void heard.push(batch) }]
    await remote.fit(x, y, { epochs: 2, batchSize: 1, progressMs: 1e6, callbacks })
    expect(heard).toEqual([0])
  })

  test('of batches that take their time are not piled up', async () => {
    const { remote } = await remoteOf()
    let running = 0
    const heard: [number, number][] = []
    const hook = (name: number) => async (batch: number) => {
      expect(++running).toBe(1)
      await new Promise((done) => setTimeout(done, 30))
      running--
      heard.push([name, batch])
    }
    const callbacks = [{ onBatchBegin: hook(0), onBatchEnd: hook(1) }]
    await remote.fit(x, y, { epochs: 20, batchSize: 1, progressMs: 1, callbacks })
    expect(running).toBe(0)
    expect(heard.length).toBeLessThan(20 * ROWS)
    for (let i = 0; i < heard.length; i += 2) {
      expect([heard[i][0], heard[i + 1][0]]).toEqual([0, 1])
      expect(heard[i + 1][1]).toBe(heard[i][1])
    }
  })

  test('that are busy with a batch hear of none until they are done', async () => {
    const { remote } = await remoteOf()
    const heard: number[] = []
    let release = () => {}
    const released = new Promise<void>((done) => {
      release = done
    })
    const slow = async function* () {
      for (let batch = 0; batch < 10; batch++) {
        yield { x, y }
        await new Promise((done) => setTimeout(done, 10)) // longer than progressMs
      }
      release() // the last batches may be heard
    }
    const onBatchEnd = (batch: number) => {
      heard.push(batch)
      return released
    }
    await remote.fit(slow, { progressMs: 1, callbacks: { onBatchEnd } })
    expect(heard.filter((batch) => batch < 8)).toEqual([0])
  })

  test.each([0, 1])(
    'steer: stop, the learning rate, weights, checkpoints (progressMs %i)',
    async (progressMs) => {
      const steering = (saves: string[]) => [
        earlyStopping({ monitor: 'val_loss', patience: 2, restoreBestWeights: true }),
        library.reduceLROnPlateau({ monitor: 'val_loss', patience: 1, factor: 0.5 }),
        modelCheckpoint({
          save: (bytes) => void saves.push(hash(bytes)),
        }),
        library.learningRateScheduler({ schedule: (epoch, rate) => (epoch === 1 ? rate * 3 : rate) }),
      ]
      const [here, there]: string[][] = [[], []]
      const run = { epochs: 30, batchSize: 50, validationSplit: 0.5 }
      const local = made()
      const history = await local.fit(x, y, { ...run, callbacks: steering(here) })
      const { net, remote } = await remoteOf()
      const callbacks = steering(there)
      expect(await remote.fit(x, y, { ...run, callbacks, progressMs })).toEqual(history)
      expect(history.loss.length).toBeLessThan(30) // stopped early
      expect(there).toEqual(here)
      expect(bits(net)).toBe(bits(local))
      expect(await remote.getWeights()).toEqual(local.getWeights())
    },
  )

  test('read back the learning rate that they set, in the same hook and in the next', async () => {
    const read: number[] = []
    let run: Library.FitParams | null = null
    const setting: Library.Callback = {
      onTrainBegin(params) {
        run = params
      },
      onEpochBegin(epoch) {
        if (!run || epoch > 0) return
        run.learningRate = 0.5
        read.push(run.learningRate)
      },
    }
    const after = { onEpochBegin: () => void read.push(run?.learningRate ?? 0) }
    const { remote, net } = await remoteOf()
    await remote.fit(x, y, { epochs: 2, callbacks: [setting, after] })
    expect(read).toEqual([0.5, 0.5, 0.5])
    await remote.close()
    expect(net.learningRate).toBe(0.5)
  })

  test("a callback's error ends fit, the same object", async () => {
    const { remote } = await remoteOf()
    const error = new TypeError('mine')
    const throwing = () => {
      throw error
    }
    const long = { epochs: 100_000, batchSize: 10 }
    const each = [{ onEpochEnd: throwing }, { onBatchEnd: throwing }, { onTrainEnd: throwing }]
    for (const callback of each) {
      const run = 'onTrainEnd' in callback ? { epochs: 1 } : long
      await expect(remote.fit(x, y, { ...run, callbacks: [callback] })).rejects.toBe(error)
    }
  })

  test('may ask the model in the worker', async () => {
    const { remote } = await remoteOf()
    const losses: number[] = []
    const callbacks = [
      { onEpochEnd: async () => void losses.push((await remote.evaluate(x, y)).loss) },
      { onEpochEnd: async (_: number, { val_loss }: Library.Logs) => void losses.push(val_loss) },
    ]
    await remote.fit(x, y, { epochs: 1, validationData: [x, y], validationBatchSize: 256, callbacks })
    expect(losses[0]).toBe(losses[1])
  })

  test('params.model refuses what fit refuses', async () => {
    const { remote } = await remoteOf()
    const callbacks = [
      { onTrainBegin: ({ model }: Library.FitParams) => void model.compile({ loss: 'mse' }) },
    ]
    expect(await messageOf(remote.fit(x, y, { callbacks }))).toMatch(/being fitted/)
  })
})

test('verbose shows here how far the worker is: every end, and some of the steps', async () => {
  const { remote } = await remoteOf()
  const ends: string[] = []
  const begun = new Set<string>()
  const show = (what: string, _: number, total: number, logs: object, isEnd = false) => {
    if (isEnd) ends.push(`${what}: ${Object.keys(logs)}`)
    else begun.add(`${what} of ${total}`)
  }
  await remote.fit(x, y, { epochs: 2, batchSize: 50, verbose: { show } })
  await remote.evaluate(x, y, { verbose: { show } })
  await remote.predict(x, { verbose: { show } })
  expect(ends).toEqual([
    'epoch 1/2: loss,accuracy',
    'epoch 2/2: loss,accuracy',
    'evaluate: loss,accuracy',
    'predict: ',
  ])
  for (const first of ['epoch 1/2 of 4', 'evaluate of 1', 'predict of 200']) expect(begun).toContain(first)
  const broken = remote.evaluate(x, y, {
    verbose: {
      show() {
        throw new Error('no screen')
      },
    },
  })
  await expect(broken).rejects.toThrow('no screen')
})

describe('stopping', () => {
  test('a signal aborts within a step', async () => {
    const { net, remote } = await remoteOf()
    const control = new AbortController()
    const reasons: unknown[] = []
    const fitting = remote.fit(x, y, {
      epochs: 1e6,
      batchSize: 10,
      signal: control.signal,
      callbacks: [
        {
          onEpochEnd: (epoch) => {
            if (epoch === 2) setTimeout(() => control.abort(), 20)
          },
          onTrainEnd: (_, reason) => void reasons.push(reason),
        },
      ],
    })
    const history = await fitting
    expect(history.loss.length).toBeGreaterThanOrEqual(3)
    expect(reasons).toEqual(['aborted'])
    expect(net.getWeights()).toEqual(await remote.getWeights())
  })

  test('one aborted before trains nothing', async () => {
    const { remote } = await remoteOf()
    expect(await remote.fit(x, y, { signal: AbortSignal.abort() })).toEqual({})
  })

  test('a second fit is refused, other calls go between the steps', async () => {
    const { remote } = await remoteOf()
    const control = new AbortController()
    const fitting = remote.fit(x, y, { epochs: 1e6, signal: control.signal })
    expect(await messageOf(remote.fit(x, y))).toBe(
      'fit: this model is being fitted already; await the first call',
    )
    expect(await messageOf(remote.compile({ loss: 'mse' }))).toMatch(/compile: this model is being fitted/)
    expect((await remote.predict(x)).shape).toEqual([ROWS, 3])
    control.abort()
    await fitting
  })
})

describe('data', () => {
  test('is copied, or moves with transfer', async () => {
    const { remote } = await remoteOf()
    const data = { x: x.slice(), y: y.slice() }
    await remote.fit(data)
    expect([data.x.length, data.y.length]).toEqual([x.length, y.length])
    const validationData = { x: x.slice(), y: y.slice() }
    await remote.fit(data, { transfer: true, validationData })
    expect([data, validationData].flatMap((each) => [each.x.length, each.y.length])).toEqual([0, 0, 0, 0])
    expect(await messageOf(remote.fit(x, y, { transfer: 1 as never }))).toMatch(
      /fit: transfer must be a bool/,
    )
  })

  test('an array that has moved before is refused, and the next call works', async () => {
    const { remote } = await remoteOf()
    const gone = x.slice()
    structuredClone(gone, { transfer: [gone.buffer] })
    const transfer = { transfer: true }
    const expected = 'expected shape [batch,6]; got a Float32Array of a detached buffer'
    const call = (method: string, ...args: unknown[]) =>
      messageOf((remote as unknown as Any)[method](gone, y, ...args))
    for (const method of ['fit', 'evaluate', 'trainStep', 'gradients']) {
      expect(await call(method, transfer)).toBe(`${method}: x: ${expected}`)
      expect(await call(method)).toMatch(`${method}: its arguments can't go to the worker: `)
    }
    expect(await messageOf(remote.predict(gone, transfer))).toBe(`predict: x: ${expected}`)
    // where nothing here looks at it
    const batches = [{ x: gone, y }]
    expect(await messageOf(remote.fit(batches, transfer))).toMatch(/^fit: its arguments can't go/)
    expect((await remote.fit(x, y)).loss).toHaveLength(1)
  })

  test('what is refused has not moved', async () => {
    const { remote } = await remoteOf()
    const own = { x: x.slice(), y: y.slice() }
    const few = y.slice(1)
    const transfer = true
    const calls: [string, () => Promise<unknown>][] = [
      ['unknown fit option "epoch"', () => remote.fit(own, { transfer, epoch: 3 } as never)],
      ['fit: epochs must be', () => remote.fit(own.x, own.y, { transfer, epochs: 0 })],
      ['fit: callbacks must be', () => remote.fit(own, { transfer, callbacks: [1] as never })],
      ['fit: progressMs must be', () => remote.fit(own, { transfer, progressMs: -1 })],
      ['fit: stepsPerEpoch is for', () => remote.fit(own, { transfer, stepsPerEpoch: 1 })],
      ['fit: validationSplit 0.999 of', () => remote.fit(own, { transfer, validationSplit: 0.999 })],
      [
        'fit: classWeight: expected class ids as keys; got "a"',
        () => remote.fit(own, { transfer, classWeight: library.classWeights({ a: 1 } as never) }),
      ],
      ['fit: x has 200 rows; fit: y has 199', () => remote.fit(own.x, few, { transfer })],
      ['fit: validationData: x has', () => remote.fit(own, { transfer, validationData: [own.x, few] })],
      ['evaluate: steps is for', () => remote.evaluate(own, { transfer, steps: 1 })],
      ['evaluate: x: expected shape', () => remote.evaluate(few, own.y, { transfer })],
      ['trainStep: y: element 0', () => remote.trainStep(own.x, few.fill(7), { transfer })],
      ['unknown gradients option', () => remote.gradients(own.x, own.y, { transfer, input: 1 } as never)],
      ['applyGradients weight "x"', () => remote.applyGradients({ x: own.x }, { transfer })],
      ['predict: x: expected shape', () => remote.predict(few, { transfer })],
      ['predict: training must be', () => remote.predict(own.x, { transfer, training: 'x' as never })],
    ]
    for (const [message, call] of calls) {
      expect(await messageOf(call())).toMatch(message)
      expect([own.x.length, own.y.length, few.length]).toEqual([x.length, y.length, y.length - 1])
    }
    const fitting = remote.fit(x, y, { epochs: 20 })
    expect(await messageOf(remote.fit(own, { transfer }))).toMatch('fit: this model is being fitted already')
    await fitting
    expect([own.x.length, own.y.length]).toEqual([x.length, y.length])
  })

  test('gradients move, by what setTrainable on its way there will make trainable', async () => {
    const local = made()
    const { net, remote } = await remoteOf()
    for (const model of [local, net, remote]) model.setTrainable({ dense_2: false })
    expect(await messageOf(remote.applyGradients(made().gradients(x, y)))).toMatch('dense_2/kernel is frozen')
    const gradients = local.gradients(x, y)
    local.applyGradients(gradients)
    const moving = remote.applyGradients(gradients, { transfer: true })
    expect(gradients['dense_1/kernel'].data).toHaveLength(0)
    await moving
    expect(await remote.getWeights()).toEqual(local.getWeights())
  })

  test('what a compile on its way there will make fit moves', async () => {
    const net = sequential({ inputShape: [6], layers: [dense({ units: 3, activation: 'softmax' })] })
    const { remote } = await remoteOf(net)
    const compiling = remote.compile({ loss: 'sparseCategoricalCrossentropy' })
    const logs = remote.trainStep(x.slice(), y.slice(), { transfer: true })
    await compiling
    expect(Object.keys(await logs)).toEqual(['loss'])
    net.dispose()
    expect(Object.keys(await remote.trainStep(x.slice(), y.slice(), { transfer: true }))).toEqual(['loss'])
  })

  test('a view goes without the rest of its buffer, a shared buffer as it is', async () => {
    const local = made()
    const { remote } = await remoteOf()
    const shared = new Float32Array(new SharedArrayBuffer(x.byteLength))
    shared.set(x)
    const part = Int32Array.from([9, 9, ...y, 9]).subarray(2, 2 + ROWS)
    expect(await remote.fit(shared, part, { transfer: false })).toEqual(await local.fit(x, y))
    expect(await remote.evaluate(shared, part)).toEqual(await local.evaluate(x, y))
    shared.fill(0)
    expect(await remote.predict(shared)).toEqual(local.predict(new Float32Array(x.length)))
  })

  test('a part of a shared buffer goes as it is too, where arrays move: it stays here', async () => {
    const { remote } = await remoteOf()
    const memory = new SharedArrayBuffer(x.byteLength + 8)
    const part = new Float32Array(memory, 8, x.length)
    part.set(x)
    const own = y.slice()
    expect(await remote.evaluate(part, own, { transfer: true })).toEqual(await made().evaluate(x, y))
    expect([part.length, own.length]).toEqual([x.length, 0])
    expect([...part]).toEqual([...x])
  })

  test('tensors, nested arrays and records go too', async () => {
    const build = () => {
      const a = library.input({ shape: [2], name: 'a' })
      const b = library.input({ shape: [1], name: 'b' })
      const joined = library.concatenate()(a, b)
      const net = library.model({ inputs: { a, b }, outputs: { c: dense({ units: 1 })(joined) } })
      net.compile({ optimizer: 'sgd', loss: { c: 'mse' } })
      return net
    }
    const data = {
      x: { a: library.tensor([1, 2, 3, 4], [2, 2]), b: [[1], [2]] },
      y: { c: [1, 2] },
    }
    const local = build()
    const { remote } = await remoteOf(build() as never)
    expect(await remote.fit(data.x, data.y)).toEqual(await local.fit(data.x, data.y))
    expect(await remote.predict(data.x)).toEqual(local.predict(data.x))
  })

  const slices = function* () {
    for (let at = 0; at < ROWS; at += 40)
      yield { x: x.subarray(at * 6, (at + 40) * 6), y: y.subarray(at, at + 40) }
  }
  const forms: Record<string, () => Library.Batches> = {
    'a function': () => slices,
    'an async function': () => async () => slices(),
    'an iterable': () => ({ [Symbol.iterator]: slices }),
    'an array': () => [...slices()],
  }
  test.each(Object.keys(forms))('batches from %s stay here until they are asked for', async (form) => {
    const local = made()
    const { remote } = await remoteOf()
    const options = { epochs: 3, validationData: forms[form]() }
    expect(await remote.fit(forms[form](), options)).toEqual(await local.fit(forms[form](), options))
    expect(await remote.evaluate(forms[form]())).toEqual(await local.evaluate(forms[form]()))
    expect(await remote.predict(slices)).toEqual(await local.predict(slices))
  })

  test('a stream, which can be opened but once', async () => {
    const { remote } = await remoteOf()
    const stream = new ReadableStream<Library.Dataset>({
      start(controller) {
        for (const batch of slices()) controller.enqueue(batch)
        controller.close()
      },
    })
    const logs = await remote.evaluate(stream as unknown as AsyncIterable<Library.Dataset>)
    expect(logs).toEqual(await made().evaluate(slices))
  })

  test('what is iterated once goes on from epoch to epoch', async () => {
    const endless = function* () {
      for (;;) yield* slices()
    }
    const options = { epochs: 3, stepsPerEpoch: 3 }
    const local = made()
    const { remote } = await remoteOf()
    expect(await remote.fit(endless(), options)).toEqual(await local.fit(endless(), options))
    expect(await messageOf(remote.fit(slices(), { epochs: 2 }))).toMatch(/can be iterated only once/)
  })

  test("an error of the page's batches comes back, the same object, and they are closed", async () => {
    const { remote } = await remoteOf()
    const error = new RangeError('no more rows')
    const failing = function* () {
      yield* slices()
      throw error
    }
    await expect(remote.fit(failing)).rejects.toBe(error)
    let isClosed = false
    const closing = function* () {
      try {
        for (;;) yield* slices()
      } finally {
        isClosed = true
      }
    }
    await remote.evaluate(closing, { steps: 2 })
    expect(isClosed).toBe(true)
  })
})

describe('a batch that never comes', () => {
  const endless = (first: unknown = { x, y }) =>
    async function* () {
      yield first as Library.Dataset
      await new Promise(() => {})
    }
  const bad = endless({ x: x.map(() => Number.NaN), y })

  test('does not keep an error of the batch before', async () => {
    const { remote } = await remoteOf()
    expect(await messageOf(remote.fit(bad))).toMatch(/^fit: epoch 1, batch 1: .* holds NaN/)
    expect(await messageOf(remote.evaluate(bad))).toMatch(/^evaluate, batch 1: .* holds NaN/)
    expect(await messageOf(remote.predict(bad))).toMatch(/^predict, batch 1: .* holds NaN/)
    expect(await messageOf(remote.fit(x, y, { validationData: bad }))).toMatch(
      /^fit: epoch 1: validationData, batch 1: .* holds NaN/,
    )
    expect((await remote.fit(x, y)).loss).toHaveLength(1)
  })

  test.each([0, 50])("does not keep a callback's error, nor stop() (progressMs %i)", async (progressMs) => {
    const { remote } = await remoteOf()
    const error = new RangeError('enough')
    const throwing = async () => {
      await new Promise((done) => setTimeout(done, 20)) // the next batch is waited for then
      throw error
    }
    const fitting = remote.fit(endless(), { progressMs, callbacks: { onBatchEnd: throwing } })
    await expect(fitting).rejects.toBe(error)
    const validating = remote.fit(x, y, {
      ...{ progressMs, validationData: endless(), callbacks: { onBatchEnd: throwing } },
    })
    await expect(validating).rejects.toBe(error)
    let run: Library.FitParams | undefined
    const callbacks: Library.Callback = {
      onTrainBegin: (params) => {
        run = params
      },
      onBatchEnd: () => run?.stop(),
    }
    expect((await remote.fit(endless(), { progressMs, callbacks, epochs: 2 })).loss).toHaveLength(1)
  })

  test('nor a signal, though the function of the batches never resolves', async () => {
    const { remote } = await remoteOf()
    const control = new AbortController()
    setTimeout(() => control.abort(), 50)
    expect(await remote.fit(() => new Promise<never>(() => {}), { signal: control.signal })).toEqual({})
  })

  test('and what the function gives after the run has ended is not read', async () => {
    const { remote } = await remoteOf()
    const control = new AbortController()
    let pulled = 0
    let resolve = (_: Iterable<Library.Dataset>) => {}
    const late = () => {
      setTimeout(() => control.abort())
      return new Promise<Iterable<Library.Dataset>>((done) => {
        resolve = done
      })
    }
    expect(await remote.fit(late, { signal: control.signal })).toEqual({})
    const next = () => {
      pulled++
      return { value: { x, y }, done: false }
    }
    resolve({ [Symbol.iterator]: () => ({ next }) })
    await new Promise((done) => setTimeout(done, 20))
    expect(pulled).toBe(0)
  })
})

describe('errors', () => {
  test('are those of the model here', async () => {
    const net = made()
    const { remote } = await remoteOf()
    const loadWeights = library.loadWeights.bind(null, net) // a function of a model here
    const local = Object.assign(Object.create(net), { loadWeights })
    const calls: [string, ...unknown[]][] = [
      ['fit', x, y.slice(1)],
      ['fit', x, y, { epochs: 0 }],
      ['fit', x, y, { epoch: 1 }],
      ['fit', x, y, { callbacks: [1] }],
      ['fit', { x, z: y }],
      ['fit'],
      ['fit', x],
      ['fit', x, y, null],
      ['fit', x, y, new Map()],
      ['fit', x, y, { signal: new AbortController() }],
      ['fit', x, y, { callbacks: [{ onEpochEnd: 5 }] }],
      ['fit', x, y, { validationData: 0 }],
      ['fit', x, y, { stepsPerEpoch: 2 }],
      ['evaluate'],
      ['evaluate', x, y, null],
      ['evaluate', x, y, { steps: 2 }],
      ['predict', x, null],
      ['predict', x, { training: 'x' }],
      ['trainStep', x, y, null],
      ['trainStep', x, y, { allowNaN: 1 }],
      ['gradients', x, y, null],
      ['gradients', x, y, { inputs: 'yes' }],
      ['applyGradients'],
      ['applyGradients', null],
      ['applyGradients', {}],
      ['applyGradients', { nothing: [1] }],
      ['applyGradients', {}, { weight: 0 }],
      ['applyGradients', {}, { weigth: 1 }],
      ['save', { includeOptimizer: 'yes' }],
      ['evaluate', x, y, { batchSize: -1 }],
      ['predict', [[1, 2]]],
      ['predict', x, { transferred: true }],
      ['trainStep', x.map(() => Number.NaN), y],
      ['setWeights', { nothing: [1] }],
      ['loadWeights', new Uint8Array(10)],
      ['compile', { loss: 'mse', optimizer: 'adan' }],
      ['setTrainable', { nothing: true }],
      ['emaWeights'],
    ]
    for (const [method, ...args] of calls) {
      const ask = (net: object) => messageOf((async () => (net as Any)[method](...args))())
      expect(await ask(remote)).toBe(await ask(local))
    }
  })

  test('what no message can carry is told', async () => {
    const { remote } = await remoteOf()
    const given = { loss: 'mse', optimizer: { ...adam(), learningRate: Symbol('no') } }
    expect(await messageOf(remote.compile(given as never))).toMatch(
      /compile: its arguments can't go to the worker/,
    )
  })

  test('a batch that no message can carry ends the call', async () => {
    const { remote } = await remoteOf()
    const data = function* () {
      yield { x, y, weights: () => {} } as unknown as Library.Dataset
    }
    expect(await messageOf(remote.fit(data))).toMatch(/^fit: a batch can't go to the worker: /)
    const bad = () => 3 as unknown as Library.Batches
    expect(await messageOf(remote.fit(bad as never))).toMatch(/^fit: batches must be .*; got 3$/)
    expect((await remote.fit(x, y)).loss).toHaveLength(1)
  })

  test('a message that cannot be read, there or here, ends what is pending', async () => {
    const { port1: worker, port2: port } = new MessageChannel()
    serveModels({ port })
    let there: MessagePort | undefined
    port.addEventListener('message', ({ data }) => {
      there ??= (data as { readonly port?: MessagePort }).port
    })
    const remote = await workerModel(made(), { worker })
    const here = (remote as unknown as { readonly calls: { readonly port: MessagePort } }).calls.port
    const ends: [MessagePort | undefined, string][] = [
      [there, "fit: the worker can't read a message"],
      [here, "fit: a message from the worker can't be read"],
    ]
    for (const [end, message] of ends) {
      const fitting = messageOf(remote.fit(x, y, { epochs: 1e6 }))
      await remote.predict(x)
      end?.dispatchEvent(new Event('messageerror'))
      expect(await fitting).toBe(message)
      await remote.predict(x)
      expect((await remote.fit(x, y)).loss).toHaveLength(1)
    }
    await remote.close()
    worker.close()
  })

  test('workerModel and serveModels refuse what they cannot use', async () => {
    expect(await messageOf(workerModel(made(), {} as never))).toMatch(
      /worker must be a Worker, such as new Worker\('\.\/worker\.js', \{ type: 'module' \}\); got undefined/,
    )
    expect(await messageOf(workerModel(made(), { wurker: 1 } as never))).toMatch(
      /unknown workerModel option "wurker"/,
    )
    for (const given of [undefined, null, {}, 5])
      expect(await messageOf(workerModel(given as never, { worker: start() }))).toMatch(
        /^workerModel: model must be a model, as sequential, model or load make it; got /,
      )
    const port = { postMessage() {} }
    expect(() => serveModels({ port, losses: [1] as never })).toThrow(
      /serveModels: losses must be a list of objects/,
    )
    expect(() => serveModels({ metric: [] } as never)).toThrow(/unknown serveModels option "metric"/)
    const net = made()
    net.dispose()
    expect(await messageOf(workerModel(net, { worker: start() }))).toMatch(/was disposed/)
  })

  test('serveModels outside of a worker', () => {
    const code = `import { serveModels } from '${dist('worker')}'; serveModels()`
    const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' })
    expect(stderr).toMatch(/serveModels: expected the script of a Worker, or the option port; /)
  })
})

describe("a worker's end", () => {
  const died = /; the local model has the state of the last epoch it heard of$/

  test('a script that fails, does not exist, ends, or serves no models', async () => {
    const open = (text: string, timeoutMs?: number) =>
      messageOf(workerModel(made(), { worker: start(script(text)), timeoutMs }))
    expect(await open('throw new Error("broken script")')).toBe(
      'workerModel: the worker failed: broken script',
    )
    expect(await open('process.exit(3)')).toBe('workerModel: the worker exited with code 3')
    expect(await open('setInterval(() => {}, 1000)', 300)).toBe(
      "workerModel: the worker didn't answer in 300 ms; does its script call serveModels()?",
    )
    const missing = start(pathToFileURL(join(folder, 'missing.mjs')))
    expect(await messageOf(workerModel(made(), { worker: missing }))).toMatch(
      /the worker failed: Cannot find module/,
    )
  })

  test('one that serves late, and one that is used again', async () => {
    const late = `${SERVE}await new Promise((done) => setTimeout(done, 200)); serveModels()`
    const worker = start(script(late))
    const first = await workerModel(made(), { worker })
    const second = await workerModel(made(), { worker })
    expect(await second.summary()).toBe(await first.summary())
  })

  test('terminated in the midst of training: told, and what was learnt is kept', async () => {
    const { net, worker, remote } = await remoteOf()
    const local = made()
    await local.fit(x, y, { epochs: 3 })
    const after3 = bits(local)
    const fitting = remote.fit(x, y, {
      epochs: 1e6,
      callbacks: [{ onEpochEnd: async (epoch) => void (epoch === 2 && (await worker.terminate())) }],
    })
    const waiting = remote.predict(x)
    await waiting
    expect(await messageOf(fitting)).toMatch(/^fit: the worker ended \(code 1\); /)
    expect(await messageOf(remote.predict(x))).toMatch(died)
    expect(bits(net)).toBe(after3)
    await remote.close() // nothing left to do
  })

  test('without callbacks too, it follows every second', async () => {
    const { net, worker, remote } = await remoteOf()
    const before = bits(net)
    const fitting = remote.fit(x, y, { epochs: 1e6 })
    await new Promise((done) => setTimeout(done, 1500))
    await worker.terminate()
    expect(await messageOf(fitting)).toMatch(died)
    expect(bits(net)).not.toBe(before)
  })

  test('an uncaught error in its script', async () => {
    const url = script(`${SERVE}serveModels(); setTimeout(() => { throw new Error('oh dear') }, 300)`)
    const { remote } = await remoteOf(made(), url)
    expect(await messageOf(remote.fit(x, y, { epochs: 1e6 }))).toMatch(
      /^fit: the worker ended: oh dear \(code 1\)/,
    )
  })

  test('closed: what is pending and what follows is refused', async () => {
    const { worker, remote } = await remoteOf()
    const fitting = messageOf(remote.fit(x, y, { epochs: 1e6 }))
    await remote.close()
    expect(await fitting).toBe('fit: this worker model was closed')
    expect(await messageOf(remote.model())).toBe('state: this worker model was closed')
    await remote.close()
    expect(await messageOf(workerModel(made(), { worker }))).toBe(
      'workerModel: this worker ended with its last model; start another',
    )
  })
})

describe("layers, losses and metrics of one's own", () => {
  const own = `import * as library from '${dist('index')}'
    export const scaled = library.customLayer({ kind: 'scaled', config: { factor: 1 },
      build: ({ g }, [x], { factor }) => g.scale(x, factor) })
    export const cubic = library.customLoss('cubic', (g, truth, prediction) => {
      const d = g.minus(prediction, truth)
      return g.times(d, g.times(d, d)) })
    export const count = { name: 'count', start: () => ({ n: 0 }), add: (s, { rows }) => { s.n += rows }, result: (s) => s.n }`
  const url = script(own)
  const serving = script(`${SERVE}import { cubic, count, scaled } from '${url}'
    import { auc } from '${dist('index')}'
    serveModels({ layers: [scaled], losses: [cubic], metrics: [count, auc()] })`)
  interface Own {
    readonly scaled: Library.CustomLayer<{ factor: number }>
    readonly cubic: Library.Loss
    readonly count: Library.Metric
  }
  const build = async () => {
    const { scaled, cubic, count } = (await import(/* @vite-ignore */ url.href)) as Own
    const net = sequential({ inputShape: [6], layers: [scaled({ factor: 0.5 }), dense({ units: 1 })] })
    net.compile({ optimizer: 'sgd', loss: cubic, metrics: [count, library.auc(), 'mse'] })
    return { net, cubic, count }
  }
  const targets = Float32Array.from(y, (label) => Number(label > 0))

  test('are those of serveModels', async () => {
    const { net: local } = await build()
    const { net, cubic, count } = await build()
    const { remote } = await remoteOf(net, serving)
    expect(await remote.fit(x, targets)).toEqual(await local.fit(x, targets))
    expect(bits(net)).toBe(bits(local))
    await remote.compile({ loss: cubic, metrics: [count] })
    expect(Object.keys(await remote.evaluate(x, targets))).toEqual(['loss', 'count'])
  })

  test('are missed by name', async () => {
    const { net } = await build()
    expect(await messageOf(workerModel(net, { worker: start() }))).toMatch(/workerModel: .*scaled/)
    const { remote } = await remoteOf()
    const { cubic, count } = await build()
    expect(await messageOf(remote.compile({ loss: cubic }))).toBe(
      "the loss cubic holds functions, which messages can't carry; give it to serveModels({ losses: [...] }) in the worker",
    )
    expect(await messageOf(remote.compile({ loss: 'mse', metrics: [count] }))).toMatch(
      /^the metric count holds/,
    )
    expect((await remote.evaluate(x, y)).loss).toBeGreaterThan(0) // as it was
  })
})

test('the two scripts of the guide run in Node', () => {
  const guide = readFileSync(new URL('../../docs/guides/worker.md', import.meta.url), 'utf8')
  const [worker, page] = [...guide.matchAll(/```javascript\n(.*?)```/gs)].map(([, code]) =>
    code
      .replaceAll("'lanegrad'", `'${dist('index')}'`)
      .replaceAll("'lanegrad/worker'", `'${dist('worker')}'`)
      .replace("'./worker.js'", "'./worker.mjs'"),
  )
  writeFileSync(join(folder, 'worker.mjs'), worker)
  const main = fileURLToPath(script(`import { Worker } from 'node:worker_threads'\n${page}`))
  const { stdout } = spawnSync(process.execPath, [main], { encoding: 'utf8', timeout: 30_000 })
  expect(stdout).toMatch(/^0 [\d.]+\n500 [\d.]+\n1000 [\d.]+\n1500 [\d.]+\nFloat32Array/)
  const numbers = [...stdout.split('Float32Array')[1].matchAll(/0\.\d+(?:e-?\d+)?/g)].map(Number)
  expect(numbers.map((number) => Math.round(number))).toEqual([0, 1, 1, 0])
})

test('the process ends when all are closed', () => {
  const code = `
    import { Worker } from 'node:worker_threads'
    import { dense, sequential } from '${dist('index')}'
    import { workerModel } from '${dist('worker')}'
    const net = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
    net.compile({ loss: 'mse' })
    const remote = await workerModel(net, { worker: new Worker(${JSON.stringify(fileURLToPath(plain))}) })
    await remote.fit([[1]], [1])
    await remote.close()
    console.log('closed')`
  const { stdout, status } = spawnSync(process.execPath, [fileURLToPath(script(code))], {
    encoding: 'utf8',
    timeout: 20_000,
  })
  expect([stdout.trim(), status]).toEqual(['closed', 0])
})
