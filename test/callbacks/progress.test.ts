// Signs of life: what `verbose` shows while a call runs. Times come from a clock of the test, terminals are streams that keep what is
// written; what a terminal's screen holds afterwards is computed from that.
import { afterEach, describe, expect, test, vi } from 'vitest'
import { readVerbose } from '../../src/feed/progress.ts'
import { dense, type Logs, type Progress, sequential } from '../../src/index.ts'
import { type ProgressStream, progress } from '../../src/node/index.ts'
import { refused, refusedSoon } from '../support/refused.ts'

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  vi.unstubAllGlobals()
})

const net = () => {
  const model = sequential({ inputShape: [1], layers: [dense({ units: 1 })], seed: 1 })
  model.compile({ optimizer: 'sgd', loss: 'mse' })
  return model
}
const x = Float32Array.from({ length: 8 }, (_, i) => i / 8)

/** A clock that tests move on. */
function clock() {
  const time = { ms: 1000 }
  vi.spyOn(performance, 'now').mockImplementation(() => time.ms)
  return time
}

const slowBatches = (time: { ms: number }, ms: number) => ({
  onBatchEnd() {
    time.ms += ms
  },
})

const consoleOf = () => {
  const lines: string[] = []
  vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line))
  return lines
}

const ESCAPE = '\x1b'
const PARTS = new RegExp(`${ESCAPE}\\[K|${ESCAPE}\\[\\d*m|[^]`, 'g')

/** The rows of a terminal without line breaks of its own, after what was written; escape sequences for colors are dropped. */
function screen(written: readonly string[]): string[] {
  const rows = ['']
  for (const [part] of written.join('').matchAll(PARTS)) {
    if (part === '\n') rows.push('')
    else if (part === `${ESCAPE}[K` || part === '\r') rows[rows.length - 1] = ''
    else if (!part.startsWith(ESCAPE)) rows[rows.length - 1] += part
  }
  return rows
}

const terminal = (columns: number): ProgressStream & { readonly written: string[] } => {
  const written: string[] = []
  return { isTTY: true, columns, written, write: (text) => written.push(text) }
}

/** Every step of an epoch of 40 seconds, 100 ms each. */
function longEpoch(shown: Progress, time: { ms: number }, logs: Logs): void {
  for (let step = 0; step < 400; step++) {
    shown.show('epoch 1/2', step, 400, logs)
    time.ms += 100
  }
  shown.show('epoch 1/2', 0, 0, logs, true)
}

describe('what a call tells', () => {
  type Told = [what: string, done: number, total: number, keys: string, isEnd: boolean]
  const teller = () => {
    const told: Told[] = []
    const show: Progress['show'] = (what, done, total, logs, isEnd = false) =>
      void told.push([what, done, total, Object.keys(logs).join(), isEnd])
    return { told, verbose: { show } }
  }

  test('fit, with its validation, its end and the reason of a stop', async () => {
    const { told, verbose } = teller()
    const stop = { onEpochEnd: () => run?.stop('enough'), onTrainBegin: (params: never) => (run = params) }
    let run: { stop(reason: string): void } | null = null
    const options = {
      epochs: 3,
      batchSize: 2,
      validationSplit: 0.5,
      validationBatchSize: 4,
      callbacks: stop,
      verbose,
    }
    await net().fit(x, x, options)
    expect(told).toEqual([
      ['epoch 1/3', 0, 2, 'loss', false],
      ['epoch 1/3', 1, 2, 'loss', false],
      ['epoch 1/3', 2, 2, 'loss', false],
      ['epoch 1/3', 0, 1, 'val_loss', false],
      ['epoch 1/3', 1, 1, 'val_loss', false],
      ['epoch 1/3', 0, 0, 'loss,val_loss', true],
      ['enough', 0, 0, '', true],
    ])
  })

  test('evaluate and predict, of rows and of batches', async () => {
    const { told, verbose } = teller()
    await net().evaluate(x, x, { batchSize: 4, verbose })
    net().predict(x, { batchSize: 4, verbose })
    await net().predict([{ x: x.subarray(0, 3) }, { x: x.subarray(3) }], { verbose })
    expect(told).toEqual([
      ['evaluate', 0, 2, 'loss', false],
      ['evaluate', 1, 2, 'loss', false],
      ['evaluate', 2, 2, 'loss', false],
      ['evaluate', 0, 0, 'loss', true],
      ['predict', 0, 8, '', false],
      ['predict', 4, 8, '', false],
      ['predict', 0, 0, '', true],
      ['predict', 0, 3, '', false],
      ['predict', 0, 5, '', false],
      ['predict', 0, 0, '', true],
    ])
  })

  test('it changes no bit of what is trained', async () => {
    const [quiet, loud] = [net(), net()]
    await quiet.fit(x, x, { epochs: 2, batchSize: 2 })
    await loud.fit(x, x, { epochs: 2, batchSize: 2, verbose: teller().verbose })
    expect(loud.save()).toEqual(quiet.save())
  })

  test.each(['evaluate', 'predict'] as const)('%s refuses what is no such value', async (method) => {
    const call = net()[method] as (...args: unknown[]) => unknown
    for (const verbose of [2, '1', true, null, {}, { show: 1 }]) {
      const options = { verbose }
      const args = method === 'evaluate' ? [x, x, options] : [x, options]
      const model = net()
      await refusedSoon(
        RegExp(`^${method}: verbose must be 0 or 1; got `),
        () => call.apply(model, args),
        model,
      )
    }
  })
})

describe('verbose: 1', () => {
  test('a line after 1, 2, 4, 8 ... seconds of an epoch, and one at its end', async () => {
    const time = clock()
    const lines = consoleOf()
    const slow = slowBatches(time, 500)
    await net().fit(x, x, { batchSize: 1, callbacks: slow, verbose: 1 })
    expect(lines.map((line) => line.replace(/loss: .*/, 'loss'))).toEqual([
      'epoch 1/1 - 2/8 - 1.0 s - loss',
      'epoch 1/1 - 4/8 - 2.0 s - loss',
      'epoch 1/1 - 8/8 - 4.0 s - loss',
      'epoch 1/1 - 4.0 s - loss',
    ])
  })

  test('a line for evaluate and for predict', async () => {
    clock()
    const lines = consoleOf()
    const { loss } = await net().evaluate(x, x, { verbose: 1 })
    net().predict(x, { verbose: 1 })
    expect(lines).toEqual([`evaluate - 0.0 s - loss: ${loss.toPrecision(4)}`, 'predict - 0.0 s'])
  })

  test('before the first batch there is no loss to tell, and of batches without a known number no total', async () => {
    const time = clock()
    const lines = consoleOf()
    async function* late() {
      for (let batch = 0; batch < 2; batch++) {
        time.ms += 1500
        yield { x: x.subarray(0, 4), y: x.subarray(0, 4) }
      }
    }
    const slow = () => {
      time.ms += 1000
    }
    await net().fit(late, { callbacks: { onEpochBegin: slow }, verbose: 1 })
    expect(lines.map((line) => line.replace(/loss: .*/, 'loss'))).toEqual([
      'epoch 1/1 - 0/? - 1.0 s',
      'epoch 1/1 - 1/? - 4.0 s - loss', // the next batch is read ahead
      'epoch 1/1 - 4.0 s - loss',
    ])
  })
})

describe('verbose: 1 in a terminal', () => {
  /** Standard output as a terminal; console.log writes to it, as in every runtime. */
  function standardOutput(columns: number | undefined) {
    const written: string[] = []
    vi.stubGlobal('process', {
      ...process,
      stdout: { isTTY: true, columns, write: (text: string) => written.push(text) },
    })
    vi.spyOn(console, 'log').mockImplementation((line: string) => void written.push(`${line}\n`))
    return written
  }
  const rows = (written: readonly string[]) => screen(written).map((row) => row.trimEnd())

  test.each([50, 80, undefined])(
    'of %s columns one line is rewritten, and a lasting one ends it',
    async (columns) => {
      const written = standardOutput(columns)
      const time = clock()
      await net().fit(x, x, { epochs: 2, batchSize: 1, callbacks: slowBatches(time, 60), verbose: 1 })
      const drawn = written.filter((text) => !text.endsWith('\n'))
      expect(drawn.map((text) => text.replace(/ s - loss: .*/, ''))).toEqual(
        [1, 2].flatMap((epoch) =>
          ['2/8 - 0.1', '4/8 - 0.2', '6/8 - 0.4', '8/8 - 0.5'].map((part) => `\repoch ${epoch}/2 - ${part}`),
        ),
      )
      for (const text of drawn) expect(screen([text])[0].length).toBe((columns ?? 80) - 1)
      expect(rows(written).map((row) => row.replace(/loss: .*/, 'loss'))).toEqual([
        'epoch 1/2 - 0.5 s - loss',
        'epoch 2/2 - 0.5 s - loss',
        '',
      ])
    },
  )

  test('a line is cut at the width of the window, the lasting one is whole', () => {
    const written = standardOutput(30)
    const time = clock()
    const shown = readVerbose(1, 'verbose')
    const logs = { loss: 0.123456, accuracy: 0.98765 }
    time.ms += 200
    shown?.show('epoch 1/2', 10, 400, logs)
    shown?.show('epoch 1/2', 0, 0, logs, true)
    expect(written).toEqual([
      '\repoch 1/2 - 10/400 - 0.2 s - ',
      '\repoch 1/2 - 0.2 s - loss: 0.1235 - accuracy: 0.9877\n',
    ])
  })

  test('a shorter line leaves nothing of a longer one', async () => {
    const written = standardOutput(60)
    const time = clock()
    net().predict(x, { batchSize: 4, verbose: 1 })
    const shown = readVerbose(1, 'verbose')
    time.ms += 200
    shown?.show('epoch 1/2', 10, 400, { loss: 1 })
    shown?.show('aborted', 0, 0, {}, true)
    expect(written.at(-1)).toBe(`${'\raborted - 0.2 s'.padEnd(60)}\n`)
    expect(rows(written)).toEqual(['predict - 0.0 s', 'aborted - 0.2 s', ''])
  })
})

describe('progress in a terminal', () => {
  const logs = { loss: 0.123456, accuracy: 0.98765, val_loss: 2 }

  test('one line, rewritten ten times a second at most, never wider than the window', () => {
    vi.stubEnv('NO_COLOR', '1')
    for (const columns of [20, 50, 80, 200]) {
      const time = clock()
      const stream = terminal(columns)
      longEpoch(progress({ stream }), time, logs)
      const drawn = stream.written.slice(0, -1)
      expect(drawn.length).toBeGreaterThan(350)
      expect(drawn.length).toBeLessThanOrEqual(400)
      for (const text of drawn) {
        const [row, ...others] = screen([text])
        expect(others).toEqual([])
        expect([columns, row, row.length < columns]).toEqual([columns, row, true])
      }
      expect(screen(stream.written)).toEqual([
        'epoch 1/2  40 s  loss 0.1235  accuracy 0.9877  val_loss 2.000',
        '',
      ])
    }
  })

  test('a bar, the share, the time left and as many logs as fit', () => {
    vi.stubEnv('NO_COLOR', '1')
    const time = clock()
    const stream = terminal(50)
    longEpoch(progress({ stream }), time, logs)
    const [half] = screen([stream.written[199]])
    expect(half).toMatch(/^epoch 1\/2 ━+─+ {2}50 % 20 s left {2}loss 0\.1235$/)
    const wide = terminal(120)
    longEpoch(progress({ stream: wide }), time, logs)
    expect(screen([wide.written[99]])[0]).toBe(
      `epoch 1/2 ${'━'.repeat(8)}${'─'.repeat(22)}  25 % 30 s left  loss 0.1235  accuracy 0.9877  val_loss 2.000`,
    )
  })

  test('colors, unless NO_COLOR is set', () => {
    const time = clock()
    for (const [set, has] of [
      ['', true],
      ['1', false],
    ] as const) {
      vi.stubEnv('NO_COLOR', set)
      const stream = terminal(60)
      longEpoch(progress({ stream }), time, logs)
      expect([set, stream.written.join('').includes(`${ESCAPE}[36m`)]).toEqual([set, has])
    }
  })

  test('batches without a known number are counted', () => {
    const time = clock()
    const stream = terminal(60)
    const shown = progress({ stream })
    for (let step = 0; step < 4; step++) {
      shown.show('evaluate', step, 0, logs)
      time.ms += 200
    }
    expect(screen(stream.written)).toEqual(['evaluate  3 batches  loss 0.1235  accuracy 0.9877'])
  })

  test('among the callbacks of fit it shows the same', async () => {
    const time = clock()
    const slow = slowBatches(time, 300)
    const [one, other] = [terminal(60), terminal(60)]
    await net().fit(x, x, { batchSize: 4, callbacks: [slow, progress({ stream: one })] })
    await net().fit(x, x, { batchSize: 4, callbacks: [slow], verbose: progress({ stream: other }) })
    expect(screen(one.written)).toEqual(screen(other.written))
    expect(one.written.length).toBe(3)
  })
})

describe('progress elsewhere', () => {
  test('plain lines that become rarer, without escape sequences', () => {
    const time = clock()
    const written: string[] = []
    longEpoch(progress({ stream: { write: (text) => written.push(text) } }), time, { loss: 0.5 })
    expect(written).toEqual([
      'epoch 1/2 10/400  39 s left  loss 0.5000\n',
      'epoch 1/2 20/400  38 s left  loss 0.5000\n',
      'epoch 1/2 40/400  36 s left  loss 0.5000\n',
      'epoch 1/2 80/400  32 s left  loss 0.5000\n',
      'epoch 1/2 160/400  24 s left  loss 0.5000\n',
      'epoch 1/2 320/400  8.0 s left  loss 0.5000\n',
      'epoch 1/2  40 s  loss 0.5000\n',
    ])
  })

  test('a terminal that can do nothing gets plain lines', () => {
    vi.stubEnv('TERM', 'dumb')
    const time = clock()
    const stream = terminal(60)
    longEpoch(progress({ stream }), time, { loss: 0.5 })
    for (const sign of ['\r', ESCAPE]) expect(stream.written.join('')).not.toContain(sign)
  })

  test.each([
    [{}, '{}'],
    [1, '1'],
  ])('refuses %j as a stream', async (stream, text) => {
    const message = `progress: stream must be a stream, such as process.stdout; got ${text}`
    await refused(message, () => progress({ stream: stream as never }))
  })
})
