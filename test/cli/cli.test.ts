// The command `lanegrad` of the built package, in processes of its own: what it writes, shows and refuses.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freeze } from '../../src/freeze/index.ts'
import {
  accumulateGradients,
  adam,
  conv2d,
  cosineDecay,
  customLayer,
  customLoss,
  dense,
  exponentialDecay,
  flatten,
  gru,
  load,
  maxPooling2d,
  rootMeanSquaredError,
  sequential,
  sgd,
} from '../../src/index.ts'
import { inspect } from '../../src/inspect/index.ts'
import { open } from '../../src/run/index.ts'
import { all } from '../../src/run/modules.ts'

const CLI = resolve('dist/cli.js')
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lanegrad-cli-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function lanegrad(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
    cwd: folder,
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}
const path = (name: string): string => join(folder, name)
const write = (name: string, data: Uint8Array | string): void => writeFileSync(path(name), data)
const widest = (text: string): number => Math.max(...text.split('\n').map((line) => line.length))

const numbers = (count: number) => Float32Array.from({ length: count }, (_, i) => ((i * 7) % 13) / 13)

function denseModel() {
  const layers = [dense({ units: 8, activation: 'relu' }), dense({ units: 3, activation: 'softmax' })]
  const model = sequential({ inputShape: [4], layers, seed: 3 })
  model.compile({
    optimizer: adam({ learningRate: 0.01 }),
    loss: 'sparseCategoricalCrossentropy',
    metrics: ['accuracy'],
  })
  model.trainStep(numbers(32), [0, 1, 2, 0, 1, 2, 0, 1])
  return model
}

function imageModel() {
  const layers = [
    conv2d({ filters: 2, kernelSize: 3 }),
    maxPooling2d({ poolSize: 2 }),
    flatten(),
    dense({ units: 1 }),
  ]
  const model = sequential({ inputShape: [8, 8, 1], layers, seed: 4 })
  model.compile({ optimizer: 'sgd', loss: 'mse' })
  return model
}

/** What a program of its own prints, which imports a script the command has written. */
function printedWith(program: string): unknown[] {
  write('program.mjs', program)
  const { stdout, stderr } = spawnSync(process.execPath, ['program.mjs'], { cwd: folder, encoding: 'utf8' })
  expect(stderr).toBe('')
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

describe('freeze', () => {
  test('a script with everything inside trains and predicts with the bits of the model', () => {
    const model = denseModel()
    write('model.safetensors', model.save())
    const args = ['freeze', 'model.safetensors', '--train', '8', '--predict', '1,8', '-o', 'trainer.js']
    const { status, stdout, stderr } = lanegrad(...args)
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(
      /^trainer\.js: [\d,]+ bytes, [\d,]+ gzipped\n {2}batches {2}train 8; predict 1, 8\n {2}kernels {2}core, extras\n/,
    )
    write('package.json', '{ "type": "module" }')
    const [x, y] = [JSON.stringify([...numbers(32)]), '[0, 1, 2, 0, 1, 2, 0, 1]']
    const printed = printedWith(`
      import trainer, { fit, LanegradError } from './trainer.js'
      const net = trainer()
      const x = new Float32Array(${x})
      const print = (value) => console.log(JSON.stringify(value))
      for (let step = 0; step < 3; step++) print(net.trainStep(x, ${y}))
      print([...net.predict(x).data])
      print([...trainer().predict(x).data]) // another one, from the frozen weights
      print((await fit(net, x, ${y}, { epochs: 2, shuffle: false })).loss.length)
      try { net.trainStep(x.subarray(4), [0]) } catch (error) { print(error instanceof LanegradError) }`)
    const again = load(model.save()) as typeof model // the optimizer starts anew
    const before = [...again.predict(numbers(32)).data]
    const steps = [1, 2, 3].map(() => again.trainStep(numbers(32), JSON.parse(y)))
    const after = [...again.predict(numbers(32)).data]
    expect(printed).toEqual([...steps, after, before, 2, true])
  })

  test('the kernels that the net needs are in the script, others are not', () => {
    const model = imageModel()
    write('images.safetensors', model.save())
    const { stdout } = lanegrad('freeze', 'images.safetensors', '--train', '1', '-o', 'images.mjs')
    expect(stdout).toContain('kernels  core, convolution, pooling\n')
    const code = readFileSync(path('images.mjs'), 'utf8')
    const kernels = /FROZEN_KERNELS=\[(.*)\]$/m.exec(code)?.[1] ?? ''
    expect([...kernels.matchAll(/\{name:"(\w+)"/g)].map(([, name]) => name)).toEqual([
      'convolution',
      'pooling',
    ])
    const [loss] = printedWith(`
      import trainer from './images.mjs'
      console.log(trainer().trainStep(new Float32Array(${JSON.stringify([...numbers(64)])}), [1]).loss)`)
    expect(loss).toBe(model.trainStep(numbers(64), [1]).loss)
  })

  test('what modules bring beside kernels is in the script: schedules, metrics that are finished, accumulated gradients', () => {
    const layers = [dense({ units: 3, activation: 'tanh' }), dense({ units: 2 })]
    const optimizers = {
      scheduled: sgd({ schedule: cosineDecay({ steps: 4 }) }),
      accumulated: sgd({ accumulation: accumulateGradients(2), schedule: exponentialDecay({ gamma: 0.5 }) }),
    }
    for (const [name, optimizer] of Object.entries(optimizers)) {
      const metrics = name === 'accumulated' ? [rootMeanSquaredError()] : []
      const model = sequential({ inputShape: [4], seed: 2, layers })
      model.compile({ optimizer, loss: 'mse', metrics })
      write(`${name}.safetensors`, model.save())
      const file = lanegrad(
        'freeze',
        `${name}.safetensors`,
        '--train',
        '2',
        '-o',
        `${name}.frozen.safetensors`,
      )
      expect(file.stdout).toMatch(/use {6}open\(bytes, \{ modules: \[(training, )?extras(, training)?\] \}\)/)
      lanegrad('freeze', `${name}.safetensors`, '--train', '2', '-o', `${name}.mjs`)
      const [x, y] = [[...numbers(8)], [...numbers(4)]]
      const printed = printedWith(`
        import trainer, { applyGradients, sampleWeights } from './${name}.mjs'
        const net = trainer()
        const [x, y] = [new Float32Array(${JSON.stringify(x)}), new Float32Array(${JSON.stringify(y)})]
        for (let step = 0; step < 5; step++) console.log(JSON.stringify(net.trainStep(x, y)))
        console.log(JSON.stringify([...net.predict(x).data]))
        console.log(JSON.stringify([typeof applyGradients, typeof sampleWeights]))`)
      const [a, b] = [Float32Array.from(x), Float32Array.from(y)]
      const steps = [1, 2, 3, 4, 5].map(() => model.trainStep(a, b))
      expect(printed).toEqual([...steps, [...model.predict(a).data], ['function', 'function']])
    }
  })

  test('a file with all that is asked for; the optimizer goes on where it was', () => {
    const model = denseModel()
    write('state.safetensors', model.save({ includeOptimizer: true }))
    const options = '--train=8 --evaluate=4,8 --predict=2 --gradients=8 --sample-weight --include-optimizer'
    const args = ['freeze', 'state.safetensors', ...options.split(' '), '--output', 'frozen.safetensors']
    expect(lanegrad(...args)).toMatchObject({ status: 0, stderr: '' })
    const trainer = open(readFileSync(path('frozen.safetensors')), { modules: all })
    const [x, y] = [numbers(32), [0, 1, 2, 0, 1, 2, 0, 1]]
    const sampleWeight = [1, 2, 1, 2, 1, 2, 1, 2]
    expect(trainer.trainStep(x, y, { sampleWeight })).toEqual(model.trainStep(x, y, { sampleWeight }))
    expect(trainer.gradients(x, y, { sampleWeight })).toEqual(model.gradients(x, y, { sampleWeight }))
    expect(trainer.predict(x)).toEqual(model.predict(x))
  })

  test('a file and the core for it, a part of the whole one', () => {
    const model = denseModel()
    write('whole.safetensors', model.save())
    const outputs = ['-o', 'part.safetensors', '--core', 'part.wasm']
    const { status, stdout } = lanegrad('freeze', 'whole.safetensors', '--predict', '8', ...outputs)
    expect(status).toBe(0)
    expect(stdout).toMatch(/^part\.wasm: [\d,]+ bytes/m)
    expect(stdout).toMatch(/open\(bytes, \{ core(, modules: .*)? \}\) from lanegrad\/slim\/run$/m)
    const core = readFileSync(path('part.wasm'))
    expect(core.length).toBeLessThan(0.8 * readFileSync('dist/wasm/core.wasm').length)
    const trainer = open(readFileSync(path('part.safetensors')), { core, modules: all })
    expect(trainer.predict(numbers(32))).toEqual(model.predict(numbers(32)))
  })
})

describe('inspect', () => {
  test('a saved model: its layers, and what would run', () => {
    const model = denseModel()
    write('plain.safetensors', model.save({ includeOptimizer: true }))
    const { status, stdout, stderr } = lanegrad('inspect', 'plain.safetensors')
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout.startsWith(model.summary())).toBe(true)
    expect(widest(stdout)).toBeLessThanOrEqual(80)
    const count = /^(\d+) instructions/m.exec(inspect(model, { mode: 'train', batchSize: 32 }).program)?.[1]
    expect(stdout).toMatch(new RegExp(`^train +32 +${count} `, 'm'))
    const weights = 4 * (4 * 8 + 8 + 8 * 3 + 3)
    expect(stdout).toMatch(new RegExp(`^weights +${weights}$`, 'm'))
    expect(stdout).toMatch(new RegExp(`^optimizer state +${2 * weights}$`, 'm')) // adam has two numbers for each
  })

  test('a frozen file: its programs, as the planner tells of them', () => {
    const model = imageModel()
    write('seen.safetensors', model.save())
    lanegrad('freeze', 'seen.safetensors', '--train', '16', '--predict', '1', '-o', 'seen.frozen.safetensors')
    const { stdout, stderr } = lanegrad('inspect', 'seen.frozen.safetensors')
    expect(stderr).toBe('')
    expect(widest(stdout)).toBeLessThanOrEqual(80)
    expect(stdout).toContain('2 frozen programs:')
    const { program, memory } = inspect(model, { mode: 'train', batchSize: 16 })
    const count = /^(\d+) instructions/m.exec(program)?.[1]
    expect(stdout).toMatch(new RegExp(`^train +16 +${count} +[\\d,]+ +convolution, pooling$`, 'm'))
    for (const region of ['header', 'parameters', 'gradients', 'optimizer state', 'constants', 'program']) {
      const line = (text: string) => new RegExp(`^${region} .*$`, 'm').exec(text)?.[0].replace(/[ ,]+/g, ' ')
      const plain = (text: string | undefined) => text?.replace(/ (?=\d{3}\b)/g, '')
      expect([region, plain(line(stdout.split('\nMemory')[1]))]).toEqual([region, plain(line(memory))])
    }
    expect(
      open(readFileSync(path('seen.frozen.safetensors')), { modules: all }).predict(numbers(64)),
    ).toEqual(model.predict(numbers(64)))
  })

  test('a frozen file with layers of your own: the programs alone', () => {
    const own = customLayer({ kind: 'twice', build: ({ g }, [x]) => g.times(2, x) })
    const model = sequential({ inputShape: [2], layers: [own(), dense({ units: 1 })] })
    write('own.safetensors', freeze(model, { predict: [3] }))
    const { status, stdout } = lanegrad('inspect', 'own.safetensors')
    expect(status).toBe(0)
    expect(stdout).toMatch(/^The layers can't be shown: own\.safetensors: unknown layer "twice"/)
    expect(stdout).toMatch(/^predict +3 /m)
    expect(widest(stdout)).toBeLessThanOrEqual(80)
  })
})

describe('help', () => {
  test.each([
    [[], ['freeze', 'inspect', 'torch', '--version']],
    [['--help'], ['freeze', 'inspect', '--version']],
    [
      ['freeze', '--help'],
      [
        '--output',
        '--train',
        '--evaluate',
        '--predict',
        '--gradients',
        '--sample-weight',
        '--include-optimizer',
      ],
    ],
    [
      ['inspect', '-h'],
      ['FILE', '--help'],
    ],
    [
      ['torch', '--help'],
      ['FILE', '--force', 'train.py'],
    ],
  ])('lanegrad %s', (args, words) => {
    const { status, stdout, stderr } = lanegrad(...args)
    expect([status, stderr]).toEqual([0, ''])
    expect(widest(stdout)).toBeLessThanOrEqual(80)
    for (const word of words) expect(stdout).toContain(word)
  })

  test('the version is that of the package', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
    expect(lanegrad('--version').stdout).toBe(`${version}\n`)
  })
})

describe('refused in one line, with nothing written', () => {
  beforeAll(() => {
    const model = denseModel()
    write('good.safetensors', model.save())
    write('damaged.safetensors', model.save().subarray(0, 300))
    const twice = customLayer({ kind: 'twice', build: ({ g }, [x]) => g.times(2, x) })
    write(
      'own-layer.safetensors',
      sequential({ inputShape: [2], layers: [twice(), dense({ units: 1 })] }).save(),
    )
    const lossy = sequential({ inputShape: [2], layers: [dense({ units: 1 })] })
    const loss = customLoss('mine', (g, truth, prediction) => g.unary('abs', g.minus(truth, prediction)))
    lossy.compile({ optimizer: 'sgd', loss })
    write('own-loss.safetensors', lossy.save())
    write('bare.safetensors', sequential({ inputShape: [2], layers: [dense({ units: 1 })] }).save())
    write('there.js', 'kept')
  })

  test.each([
    [
      'an unknown command',
      'frieze good.safetensors',
      /no command "frieze": there are convert, freeze, inspect, torch/,
    ],
    ['no file', 'freeze -o a.js', /no file is named/],
    ['two files', 'freeze good.safetensors good.safetensors -o a.js', /one file at a time/],
    ['an unknown option', 'freeze good.safetensors --trian 8 -o a.js', /unknown option '--trian'/],
    ['no output', 'freeze good.safetensors', /add -o trainer\.js or -o trainer\.safetensors/],
    [
      'a core beside a script',
      'freeze good.safetensors -o a.js --core a.wasm',
      /--core a\.wasm: a\.js has its core/,
    ],
    ['another ending', 'freeze good.safetensors -o a.txt', /ends in \.js, \.mjs or \.safetensors/],
    ['no sizes', 'freeze good.safetensors --train x -o a.js', /--train: expected sizes of batches.*got "x"/],
    ['a size of 0', 'freeze good.safetensors --predict 1,0 -o a.js', /--predict: expected sizes of batches/],
    [
      'a size too large',
      'freeze good.safetensors --train 4000000000 -o a.js',
      /batches of 4000000000 need .* GiB/,
    ],
    ['a size twice', 'freeze good.safetensors --predict 2,2 -o a.js', /predict.*each once/],
    [
      'a file that is missing',
      'freeze absent.safetensors -o a.js',
      /can't read absent\.safetensors: no such file/,
    ],
    ['a damaged file', 'freeze damaged.safetensors -o a.js', /damaged\.safetensors: safetensors: /],
    ['a damaged file, to inspect', 'inspect damaged.safetensors', /damaged\.safetensors: safetensors: /],
    ['no model compiled', 'freeze bare.safetensors --train 8 -o a.js', /isn't compiled/],
    [
      "a layer of one's own",
      'freeze own-layer.safetensors -o a.js',
      /"twice".*in a script.*lanegrad\/freeze$/,
    ],
    ["a loss of one's own", 'freeze own-loss.safetensors -o a.js', /"mine".*in a script.*lanegrad\/freeze$/],
    [
      'a folder that is a file',
      'freeze good.safetensors -o good.safetensors/a.js',
      /can't write good\.safetensors\/a\.js/,
    ],
    ['over a file that is there', 'freeze bare.safetensors --train 8 -o there.js', /isn't compiled/],
  ])('%s', (_, args, message) => {
    const before = readdirSync(folder).sort()
    const { status, stdout, stderr } = lanegrad(...args.split(' '))
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^lanegrad: [^\n]*\n$/)
    expect(stderr.trim()).toMatch(message)
    expect(readdirSync(folder).sort()).toEqual(before)
    expect(existsSync(path('a.js'))).toBe(false)
    expect(readFileSync(path('there.js'), 'utf8')).toBe('kept')
  })
})

describe('lanegrad torch', () => {
  const python = resolve('python')
  const sources = readdirSync(python, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.py'),
  )

  test('copies the Python files beside the model, prints the commands, and never over what was changed', () => {
    mkdirSync(path('a run'))
    write('a run/net.safetensors', denseModel().save({ includeOptimizer: true }))
    const first = lanegrad('torch', 'a run/net.safetensors')
    expect([first.status, first.stderr]).toEqual([0, ''])
    expect(first.stdout).toContain(
      `train.py and lanegrad_torch are in a run: ${sources.length} files written`,
    )
    const files = "'a run/net.safetensors' --data DIR --epochs 1 -o 'a run/net-trained.safetensors'"
    expect(first.stdout).toMatch(new RegExp(`^  python3? 'a run/train.py' ${files}$`, 'm'))
    expect(sources).toContain('train.py')
    for (const name of sources)
      expect(readFileSync(path(join('a run', name)))).toEqual(readFileSync(join(python, name)))
    expect(lanegrad('torch', 'a run/net.safetensors').stdout).toContain('are in a run already')

    write('a run/train.py', 'mine')
    rmSync(path('a run/lanegrad_torch/net.py'))
    expect(lanegrad('torch', 'a run/net.safetensors')).toEqual({
      status: 1,
      stdout: '',
      stderr:
        'lanegrad: a run/train.py: changed, or of another version of lanegrad; --force replaces what is there\n',
    })
    expect(readFileSync(path('a run/train.py'), 'utf8')).toBe('mine')
    expect(existsSync(path('a run/lanegrad_torch/net.py'))).toBe(false)
    expect(lanegrad('torch', '--force', 'a run/net.safetensors').stdout).toContain(': 2 files written')
    expect(readFileSync(path('a run/train.py'))).toEqual(readFileSync(join(python, 'train.py')))
  })

  test('refuses what it can’t train, and copies nothing then', () => {
    mkdirSync(path('refused'))
    write('refused/bare.safetensors', sequential({ inputShape: [2], layers: [dense({ units: 1 })] }).save())
    write('refused/text.safetensors', 'text')
    expect(lanegrad('torch', 'refused/bare.safetensors').stderr).toBe(
      'lanegrad: refused/bare.safetensors: the model has no loss and optimizer: compile it before it is saved\n',
    )
    expect(lanegrad('torch', 'refused/text.safetensors').stderr).toMatch(
      /^lanegrad: refused\/text\.safetensors: /,
    )
    expect(lanegrad('torch', 'refused/none.safetensors').stderr).toMatch(
      /can't read refused\/none\.safetensors/,
    )
    expect(readdirSync(path('refused')).sort()).toEqual(['bare.safetensors', 'text.safetensors'])
  })
})

// with CI=1 alone: a process for each command
describe.runIf(process.env.CI)('lanegrad convert', () => {
  const x = numbers(8)

  test.each(['model.json', 'model.keras', 'model.onnx'])('to %s and back: the same predictions', (name) => {
    const model = denseModel()
    write('model.safetensors', model.save())
    const there = lanegrad('convert', 'model.safetensors', name)
    expect(there).toMatchObject({ status: 0, stderr: '' })
    expect(there.stdout).toContain(`${name}`)
    expect(there.stdout).toContain('67 weights')
    const back = lanegrad('convert', name, 'back.safetensors')
    expect(back).toMatchObject({ status: 0, stderr: '' })
    const again = load(readFileSync(path('back.safetensors')))
    const [a, b] = [model, again].map((of) => [...of.predict(x).data])
    for (let i = 0; i < a.length; i++) expect(Math.abs(a[i] - b[i])).toBeLessThanOrEqual(1e-6)

    const shown = lanegrad('inspect', name)
    expect(shown).toMatchObject({ status: 0, stderr: '' })
    expect(shown.stdout).toContain('Memory of predict in batches of 32:')
    expect(widest(shown.stdout)).toBeLessThanOrEqual(80)
  })

  test('says what was dropped', () => {
    const model = denseModel()
    write('model.safetensors', model.save())
    lanegrad('convert', 'model.safetensors', 'model.json')
    const json = JSON.parse(readFileSync(path('model.json'), 'utf8'))
    json.modelTopology.config.layers[1].config.twist = 1
    write('model.json', JSON.stringify(json))
    const { status, stdout } = lanegrad('convert', 'model.json', 'back.safetensors')
    expect(status).toBe(0)
    expect(stdout).toContain("note: Dense dense_1: twist isn't known and was left out")
    expect(lanegrad('inspect', 'model.json').stdout).toContain("Note: Dense dense_1: twist isn't known")
  })

  test('refuses what it does not know, and writes nothing then', () => {
    const inputShape = [4, 2]
    write('gru.safetensors', sequential({ inputShape, layers: [gru({ units: 2, name: 'g' })] }).save())
    expect(lanegrad('convert', 'gru.safetensors', 'gru.json')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /^lanegrad: gru.safetensors to gru.json: saveTfjs: .*gru g: resetAfter true/,
      ),
    })
    expect(existsSync(path('gru.json'))).toBe(false)
    expect(lanegrad('convert', 'gru.safetensors', 'gru.txt').stderr).toMatch(
      /gru.txt: expected a file of a known kind: lanegrad/,
    )
    expect(lanegrad('convert', 'gru.safetensors').stderr).toMatch(
      /expected two files, INPUT and OUTPUT; got 1/,
    )
    write('broken.json', '{')
    expect(lanegrad('convert', 'broken.json', 'x.onnx').stderr).toMatch(
      /^lanegrad: broken.json: loadTfjs: model.json must be JSON/,
    )
    expect(lanegrad('convert', 'none.json', 'x.onnx').stderr).toMatch(/none.json can't be read/)
    expect(lanegrad('convert', '--help').stdout).toMatch(/^Usage: lanegrad convert INPUT OUTPUT/)
  })
})
