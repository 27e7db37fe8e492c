// train.py against fit: the same losses by one process and by two, after a process was killed as well; and its one line where
// something is wrong, which every process ends with. The models come back and go on in JavaScript.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeSafetensors } from '../../src/formats/safetensors.ts'
import {
  accumulateGradients,
  adam,
  add,
  batchNormalization,
  conv2d,
  dense,
  embedding,
  type FitOptions,
  flatten,
  globalAveragePooling1d,
  input,
  load,
  type Model,
  model,
  rescaling,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  tensor,
} from '../../src/index.ts'
import { type ArraySources, saveArrays } from '../../src/node/index.ts'
import { permutation } from '../../src/numerics/random.ts'
import { PYTHON, torch } from '../support/python.ts'

const TRAIN = resolve('python/train.py')
const EPOCHS = 3

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

let folder = ''
const at = (name: string) => join(folder, name)

/** Processes find each other without asking what the machine is called: where no name server answers, that takes seconds. */
const ENV = { ...process.env, GLOO_SOCKET_IFNAME: 'lo' }

/** Runs train.py; `env` makes it one of several processes. */
function start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(PYTHON, [TRAIN, ...args], { cwd: folder, env: { ...ENV, ...env } })
  const texts = { out: '', err: '' }
  child.stdout.on('data', (data) => {
    texts.out += data
  })
  child.stderr.on('data', (data) => {
    texts.err += data
  })
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, ...texts })))
  return { child, ended }
}
const train = (...args: string[]): Promise<Ended> => start(args).ended

const historyOf = (name: string): Readonly<Record<string, readonly number[]>> =>
  JSON.parse(readFileSync(at(name), 'utf8'))

/** Each number within `share` of the wanted one. */
function near(
  got: readonly number[] | undefined,
  want: readonly number[],
  share: number,
  what: string,
): void {
  expect(got, what).toHaveLength(want.length)
  for (const [i, value] of want.entries())
    expect(Math.abs((got?.[i] ?? NaN) - value), `${what} ${i}: ${got?.[i]} for ${value}`).toBeLessThan(
      share * Math.abs(value),
    )
}

const wave = (count: number, step = 7919) =>
  Float32Array.from({ length: count }, (_, i) => ((i * step) % 101) / 50 - 1)
const classes = (count: number, n: number) =>
  Uint8Array.from({ length: count }, (_, i) => (i * i + (i >> 2)) % n)

interface Case {
  readonly name: string
  readonly net: Model<never>
  /** As `saveArrays` writes it, and as `fit` takes it. */
  readonly files: ArraySources
  readonly x: unknown
  readonly y: unknown
  readonly fitting?: FitOptions
  readonly args?: readonly string[]
}

/** Rows that are no multiple of the batch: the last one is smaller, and may have fewer rows than there are processes. */
function cases(): Case[] {
  const pictures = {
    shape: [65, 6, 6, 1],
    data: Uint8Array.from({ length: 65 * 36 }, (_, i) => (i * 31) % 256),
  }
  const labels = classes(65, 3)
  const picture = sequential({
    inputShape: [6, 6, 1],
    layers: [
      rescaling({ scale: 1 / 255 }),
      conv2d({ filters: 4, kernelSize: 3, useBias: false }),
      batchNormalization({ momentum: 0.9 }),
      flatten(),
      dense({ units: 3, activation: 'softmax' }),
    ],
    seed: 5,
  }).compile({ optimizer: adam({ learningRate: 0.01 }), loss: 'sparseCategoricalCrossentropy' })

  const words = { shape: [50, 5], data: Int32Array.from({ length: 250 }, (_, i) => (i * 13) % ((i % 5) + 2)) }
  const [a, b] = [input({ shape: [5], name: 'words', dtype: 'int32' }), input({ shape: [4], name: 'rest' })]
  const ids = globalAveragePooling1d()(embedding({ inputDim: 8, outputDim: 4, maskZero: true })(a))
  const both = add()(ids, dense({ units: 4, kernelRegularizer: { l2: 0.01 } })(b))
  const several = model({
    inputs: { words: a, rest: b },
    outputs: { kind: dense({ units: 2 })(both), size: dense({ units: 1 })(both) },
    seed: 2 ** 33 + 1,
  }).compile({
    optimizer: adam({ learningRate: 0.02, globalClipNorm: 1 }),
    loss: { kind: 'meanSquaredError', size: 'huber' },
    lossWeights: { kind: 1, size: 0.25 },
  })
  const rest = { shape: [50, 4], data: wave(200) }
  const [kind, size] = [{ shape: [50, 2], data: wave(100, 31) }, wave(50, 17)]
  const weights = Float32Array.from({ length: 50 }, (_, i) => (i % 3) / 2)

  const summed = sequential({
    inputShape: [3],
    layers: [dense({ units: 8, activation: 'tanh' }), dense({ units: 1 })],
    seed: 9,
  })
  summed.compile({
    optimizer: sgd({ learningRate: 0.05, momentum: 0.9, accumulation: accumulateGradients(3) }),
    loss: 'mse',
  })
  const x = { shape: [73, 3], data: wave(219) }
  return [
    {
      name: 'pictures',
      net: picture as never,
      ...{ files: { x: pictures, y: labels }, x: pictures, y: labels },
      fitting: { batchSize: 32, validationSplit: 0.2 },
      args: ['--validation-split', '0.2'],
    },
    {
      name: 'several',
      net: several as never,
      files: {
        'x.words': words,
        'x.rest': rest,
        'y.kind': kind,
        'y.size': size,
        'weights.kind': weights,
        'weights.size': weights,
      },
      ...{ x: { words, rest }, y: { kind, size } },
      fitting: { batchSize: 16, sampleWeight: { kind: weights, size: weights } as never },
      args: ['--batch-size', '16'],
    },
    {
      name: 'summed',
      net: summed as never,
      ...{ files: { x, y: wave(73, 11) }, x, y: wave(73, 11) },
      fitting: { batchSize: 8, shuffle: false },
      args: ['--batch-size', '8', '--no-shuffle'],
    },
  ]
}

const { isRun, reason } = torch()

describe.runIf(isRun)(`train.py${reason}`, () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lanegrad-train-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test.each((isRun ? cases() : []).map((one, i) => [one.name, one, i % 2 ? [] : ['--fsdp']] as const))(
    '%s: one process has the losses of fit, and so have two; the model comes back',
    { timeout: 300_000 },
    async (name, { net, files, x, y, fitting, args = [] }, shared) => {
      const fit = (own: Model<never>, epochs: number) =>
        own.fit(x as never, y as never, { ...fitting, epochs } as never)
      await fit(net, 1)
      writeFileSync(at(`${name}.safetensors`), net.save({ includeOptimizer: true }))
      await saveArrays(at(`${name}-data`), files)
      await saveArrays(at(`${name}-data.safetensors`), files)
      const want = (await fit(net, EPOCHS)) as Readonly<Record<string, readonly number[]>>
      const later = (await fit(net, 1)) as Readonly<Record<string, readonly number[]>>
      const common = [`${name}.safetensors`, '--epochs', `${EPOCHS}`, ...args]
      const [one, two] = await Promise.all([
        train(
          ...common,
          '--data',
          `${name}-data`,
          '-o',
          `${name}-1.safetensors`,
          '--history',
          `${name}-1.json`,
        ),
        train(
          ...common,
          ...[
            '--data',
            `${name}-data.safetensors`,
            '-o',
            `${name}-2.safetensors`,
            '--history',
            `${name}-2.json`,
          ],
          ...['--processes', '2', ...shared],
        ),
      ])
      expect([one.err, one.code, two.err, two.code]).toEqual(['', 0, '', 0])
      expect(one.out.split('\n')).toHaveLength(1 + EPOCHS + 1)
      expect(one.out).toMatch(/^epoch 3\/3 - \d+\.\d s - loss: /m)
      for (const processes of [1, 2]) {
        const got = historyOf(`${name}-${processes}.json`)
        for (const key of Object.keys(want).filter((key) => /^(val_)?loss$/.test(key)))
          near(got[key], want[key], 1e-5, `${processes} processes: ${key}`)
        const back = load<never>(readFileSync(at(`${name}-${processes}.safetensors`)))
        near((await fit(back, 1)).loss, later.loss, 1e-5, `after ${processes} processes`)
      }
    },
  )

  test('the order of rows is that of fit', { timeout: 300_000 }, () => {
    const asked = [
      [0, 1, 2],
      [1, 1, 2],
      [7, 42, 0xffffffff],
      [1000, 2 ** 40 + 3, 5],
      [200_000, 7, 0x5f5f5f5f], // where some draws are drawn again
    ]
    const program = `
import json, sys
from lanegrad_torch.shuffle import permutation
print(json.dumps([permutation(*numbers).tolist() for numbers in json.loads(sys.argv[1])]))`
    const env = { ...process.env, PYTHONPATH: resolve('python') }
    const text = execFileSync(PYTHON, ['-c', program, JSON.stringify(asked)], {
      env,
      encoding: 'utf8',
      maxBuffer: 1e8,
    })
    const want = asked.map(([count, seed, stream]) => [...permutation(count, seed, stream)])
    expect(JSON.parse(text)).toEqual(want)
  })

  describe('with a model of 6 numbers', () => {
    const x = { shape: [600, 6], data: wave(3600) }
    const y = classes(600, 3)

    beforeAll(async () => {
      const net = sequential({
        inputShape: [6],
        layers: [dense({ units: 8, activation: 'relu' }), dense({ units: 3 })],
        seed: 3,
      })
      writeFileSync(at('bare.safetensors'), net.save())
      net.compile({
        optimizer: 'adam',
        loss: sparseCategoricalCrossentropy({ fromLogits: true }),
      })
      net.trainStep(tensor(x.data.slice(0, 12), [2, 6]), [0, 1])
      const file = Buffer.from(net.save({ includeOptimizer: true }))
      writeFileSync(at('model.safetensors'), file)
      const changed = (from: string, to: string) =>
        Buffer.from(file.toString('latin1').replace(from, to), 'latin1')
      writeFileSync(at('newer.safetensors'), changed('lanegrad/1', 'lanegrad/9'))
      writeFileSync(at('unknown.safetensors'), changed('\\"kind\\":\\"dense\\"', '\\"kind\\":\\"dansy\\"'))
      writeFileSync(at('cut.safetensors'), file.subarray(0, -4))
      writeFileSync(at('wide.safetensors'), changed('"shape":[6,8]', '"shape":[8,6]'))
      writeFileSync(at('kept.safetensors'), 'kept')
      await saveArrays(at('data'), { x, y })
      await saveArrays(at('narrow'), { x: { shape: [720, 5], data: x.data }, y: classes(720, 3) })
      await saveArrays(at('uneven'), { x, y: y.subarray(1) })
      await saveArrays(at('named'), { x, labels: y })
      await saveArrays(at('more'), { x, y, z: y })
      await saveArrays(at('labels'), { x, y: y.map((label, i) => (i === 31 ? 3 : label)) })
      await saveArrays(at('holes'), {
        x: { ...x, data: x.data.map((value, i) => (i === 6 * 31 ? NaN : value)) },
        y,
      })
      await saveArrays(at('huge'), { x: { ...x, data: x.data.map(() => 3e38) }, y })
      mkdirSync(at('empty'))
      mkdirSync(at('cut'))
      writeFileSync(at('cut/x.npy'), readFileSync(at('data/x.npy')).subarray(0, -4))
      writeFileSync(at('cut/y.npy'), readFileSync(at('data/y.npy')))
    })

    const good = 'model.safetensors --data data'
    const bad: [string, string, RegExp][] = [
      [
        'a newer file',
        'newer.safetensors --data data',
        /newer\.safetensors: format lanegrad\/9 is newer than lanegrad\/1/,
      ],
      ['an unknown layer', 'unknown.safetensors --data data', /layer dense_1: unknown kind dansy/],
      ['a shape that does not fit', 'wide.safetensors --data data', /dense_\d\/kernel|doesn't fit/],
      ['a file that is cut off', 'cut.safetensors --data data', /cut\.safetensors: /],
      ['a file that is missing', 'none.safetensors --data data', /none\.safetensors: No such file/],
      ['a model without a loss', 'bare.safetensors --data data', /bare\.safetensors: the model has no loss/],
      ['a folder that is missing', 'model.safetensors --data none', /no such folder: none/],
      ['a folder without data', 'model.safetensors --data empty', /empty: expected x\.npy and y\.npy/],
      ['data that are cut off', 'model.safetensors --data cut', /cut/],
      [
        'rows of another shape',
        'model.safetensors --data narrow',
        /data: x: expected shape \[batch,6\]; got \[\d+, 5\]/,
      ],
      [
        'uneven numbers of rows',
        'model.safetensors --data uneven',
        /expected equal numbers of rows; got 600 of x, 599 of y/,
      ],
      ['another name', 'model.safetensors --data named', /data: expected y; got labels/],
      ['a name too many', 'model.safetensors --data more', /no input or output for z/],
      [
        'a label that is no class',
        'model.safetensors --no-shuffle --data labels',
        /class labels from 0 to 2; got 3/,
      ],
      ['NaN', 'model.safetensors --no-shuffle --data holes', /data: x: expected numbers; got 'NaN'/],
      [
        'a loss that is no number',
        'model.safetensors --data huge',
        /the loss is (inf|nan) in step \d+ of epoch 1/,
      ],
      ['no epochs', `${good} --epochs 0`, /epochs: expected a positive integer; got 0/],
      ['a word for a number', `${good} --epochs many`, /--epochs: invalid int value/],
      ['an unknown option', `${good} --epoch-count 2`, /unrecognized arguments: --epoch-count/],
      ['no data', 'model.safetensors', /required: --data/],
      ['an unknown device', `${good} --device tpu`, /--device: expected cpu, cuda/],
    ]
    /** Those that two processes must agree on: one alone may see them. */
    const shared = [
      'a newer file',
      'rows of another shape',
      'a label that is no class',
      'NaN',
      'a loss that is no number',
    ]

    const written = ['-o', 'kept.safetensors', '--quiet']
    const isRefused = ({ code, out, err }: Ended, message: RegExp) => {
      expect([code, out]).toEqual([1, ''])
      expect(err).toMatch(/^train\.py: [^\n]*\n$/)
      expect(err).toMatch(message)
      expect(readFileSync(at('kept.safetensors'), 'utf8')).toBe('kept')
    }

    test('what is wrong is told in one line, with nothing written over', { timeout: 300_000 }, () => {
      const calls = bad.map(([, args]) => [...args.split(' '), ...written])
      const program = resolve('test/python/run_train.py')
      const options = { cwd: folder, encoding: 'utf8' } as const
      const all = JSON.parse(execFileSync(PYTHON, [program, JSON.stringify(calls)], options))
      expect(all).toHaveLength(bad.length)
      for (const [i, [, , message]] of bad.entries()) {
        const [code, out, err] = all[i]
        isRefused({ code, out, err }, message)
      }
    })

    test.each(bad.filter(([what]) => shared.includes(what)))(
      'two processes: %s ends both',
      { timeout: 300_000 },
      async (_, args, message) =>
        isRefused(await train(...args.split(' '), ...written, '--processes', '2'), message),
    )

    test('processes that see different files end, with a line of the first', {
      timeout: 300_000,
    }, async () => {
      await saveArrays(at('other'), { x, y: y.map((label) => (label + 1) % 3) })
      const rank = (i: number, args: string) =>
        start([...args.split(' '), '-o', 'kept.safetensors'], {
          RANK: `${i}`,
          WORLD_SIZE: '2',
          LANEGRAD_RENDEZVOUS: pathToFileURL(at('meeting')).href,
        }).ended
      for (const [other, what] of [
        ['model.safetensors --data other', 'the data'],
        ['model.safetensors --data data --batch-size 64', 'the options'],
      ]) {
        const [first, second] = await Promise.all([rank(0, good), rank(1, other)])
        expect([first.code, second.code, second.err]).toEqual([1, 1, ''])
        expect(first.err).toBe(`train.py: ${what}: process 1 of 2 sees another one than process 0\n`)
        rmSync(at('meeting'), { force: true })
      }
    })

    /** The processes that one has started. */
    const childrenOf = ({ pid }: ChildProcess) =>
      execFileSync('ps', ['-o', 'pid=', '--ppid', `${pid}`], { encoding: 'utf8' })
        .trim()
        .split(/\s+/)
        .map(Number)

    test('killed in mid-epoch and started again: the same losses', { timeout: 300_000 }, async () => {
      const args = [
        ...good.split(' '),
        '--epochs',
        '12',
        '--batch-size',
        '20',
        '--processes',
        '2',
        '--checkpoint-steps',
        '7',
      ]
      const whole = train(...args, '-o', 'whole.safetensors', '--history', 'whole.json')
      const again = [...args, '-o', 'again.safetensors', '--history', 'again.json', '--checkpoint', 'checks']
      const { child, ended } = start(again)
      const stateOf = () =>
        JSON.parse(decodeSafetensors(readFileSync(at('checks/checkpoint.safetensors'))).metadata.trainLoop)
      while (!existsSync(at('checks/checkpoint.safetensors')) || stateOf().epoch < 1 || stateOf().step === 0)
        await wait(5)
      process.kill(childrenOf(child)[1], 'SIGKILL')
      const { code, err } = await ended
      expect(code).toBe(1)
      expect(err).toMatch(
        /^train\.py: process 1 of 2 was ended by SIGKILL: the same command again goes on from --checkpoint\n$/,
      )
      expect(existsSync(at('again.safetensors'))).toBe(false)
      const before = stateOf()
      expect(before.epoch).toBeLessThan(12)
      const resumed = await train(...again)
      expect([resumed.code, resumed.err]).toEqual([0, ''])
      expect(resumed.out).toContain(`going on in epoch ${before.epoch + 1}, after ${before.step} steps`)
      expect(await whole).toMatchObject({ code: 0 })
      near(historyOf('again.json').loss, historyOf('whole.json').loss, 1e-5, 'loss')
      expect(readdirSync(at('checks'))).toEqual([])
    })

    test('a checkpoint of another training is refused, and stays', { timeout: 300_000 }, async () => {
      const args = [
        ...good.split(' '),
        '-o',
        'kept.safetensors',
        '--checkpoint',
        'old',
        '--checkpoint-steps',
        '1',
        '--quiet',
      ]
      const { child, ended } = start([...args, '--epochs', '1000'])
      while (!existsSync(at('old/checkpoint.safetensors'))) await wait(5)
      child.kill('SIGKILL')
      await ended
      const file = readFileSync(at('old/checkpoint.safetensors'))
      const { code, err } = await train(...args, '--batch-size', '50')
      expect(code).toBe(1)
      expect(err).toMatch(
        /^train\.py: old\/checkpoint\.safetensors is of another training, of another batch size: remove it/,
      )
      expect(readFileSync(at('old/checkpoint.safetensors'))).toEqual(file)
    })

    test('torchrun starts it as well, is killed in mid-epoch and started again: the same losses', {
      timeout: 300_000,
    }, async () => {
      const { version } = JSON.parse(
        execFileSync(
          PYTHON,
          ['-c', 'import json, torch; print(json.dumps({"version": torch.__version__}))'],
          { encoding: 'utf8' },
        ),
      )
      const old = version.startsWith('1.') ? ['--redirects', '1', '--tee', '1', '--log_dir', at('logs')] : []
      const args = [
        '-m',
        'torch.distributed.run',
        '--nproc_per_node',
        '2',
        '--master_port',
        '29431',
        ...old,
        TRAIN,
      ]
      const common = [...good.split(' '), '--epochs', '8', '--batch-size', '20', '--fsdp']
      const checks = ['--checkpoint', 'torchrun-checks', '--checkpoint-steps', '7']
      const torchrun = [
        ...args,
        ...common,
        ...checks,
        '-o',
        'torchrun.safetensors',
        '--history',
        'torchrun.json',
      ]
      const child = spawn(PYTHON, torchrun, { cwd: folder, env: ENV, stdio: 'ignore' })
      const ended = once(child, 'exit')
      const checkpoint = at('torchrun-checks/checkpoint.safetensors')
      const stepsOf = () =>
        existsSync(checkpoint)
          ? JSON.parse(decodeSafetensors(readFileSync(checkpoint)).metadata.trainLoop)
          : { epoch: 0, step: 0 }
      while (stepsOf().epoch < 1 || stepsOf().step === 0) await wait(5)
      process.kill(childrenOf(child)[1], 'SIGKILL') // torchrun ends the other one, and itself
      expect((await ended)[0]).not.toBe(0)
      expect(existsSync(at('torchrun.safetensors'))).toBe(false)
      execFileSync(PYTHON, torchrun, { cwd: folder, env: ENV, stdio: 'pipe' }) // in mid-epoch it goes on
      await train(...common, '-o', 'plain.safetensors', '--history', 'plain.json')
      near(historyOf('torchrun.json').loss, historyOf('plain.json').loss, 1e-5, 'loss')
    })
  })
})
