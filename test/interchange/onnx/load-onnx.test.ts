// Models from ONNX files: what torch.onnx writes of the networks in models.py predicts and trains as PyTorch itself does; the test
// data of the ONNX project give the outputs that they should.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { load, type Symbolic, sgd } from '../../../src/index.ts'
import { encodeModel } from '../../../src/interchange/onnx/messages.ts'
import { loadOnnx } from '../../../src/onnx/index.ts'
import { canRun, PYTHON } from '../../support/python.ts'
import { refused } from '../../support/refused.ts'
import { difference, type Row, runCases, TESTDATA } from './testdata.ts'

const here = fileURLToPath(new URL('.', import.meta.url))

interface Case {
  readonly shape: readonly number[]
  readonly isIds: boolean
  readonly x: readonly number[]
  readonly y: readonly number[]
  readonly target: readonly number[]
  readonly losses: readonly number[]
  readonly after: readonly number[]
}

const read = (name: string, folder = here) => ({
  bytes: readFileSync(join(folder, `${name}.onnx`)),
  own: JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Case,
})

const inputOf = ({ isIds, x }: Case) => (isIds ? Int32Array.from(x) : Float32Array.from(x))

const names = readdirSync(here)
  .filter((file) => file.endsWith('.onnx'))
  .map((file) => file.slice(0, -5))
  .sort()

const kindsOf = (name: string) => loadOnnx(read(name).bytes).layers.map(({ kind }) => kind)

/** Biases that stand for two of PyTorch's train twice as fast: `importNotes` tells which. */
const multipliersIn = (notes: readonly string[]) =>
  JSON.parse(/learningRateMultipliers: (\{.*?\})/.exec(notes.join())?.[1] ?? '{}') as Record<string, number>

/** Predictions, three steps of SGD, the prediction after them: as PyTorch has them. */
function expectTraining({ bytes, own }: ReturnType<typeof read>): void {
  const model = loadOnnx(bytes)
  const x = inputOf(own)
  expect(difference(model.predict(x as never).data, own.y)).toBeLessThan(2e-6)
  const learningRateMultipliers = multipliersIn(model.importNotes)
  model.compile({
    optimizer: sgd({ learningRate: 0.1, learningRateMultipliers }),
    loss: 'meanSquaredError',
  })
  const losses = own.losses.map(
    () => model.trainStep(x as never, Float32Array.from(own.target) as never).loss,
  )
  expect(difference(losses, own.losses)).toBeLessThan(2e-5)
  expect(difference(model.predict(x as never).data, own.after)).toBeLessThan(2e-5)
}

const hasTorch = process.env.CI !== undefined && canRun(PYTHON, 'import torch')

describe('what torch.onnx writes', () => {
  test.each(names)('%s: predictions, three steps of SGD, the prediction after them', (name) => {
    expectTraining(read(name))
  })

  test.runIf(hasTorch)(
    'the same nets with other weights, written anew (with CI set, where python3 has torch)',
    { timeout: 120_000 },
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'lanegrad-torch-'))
      try {
        execFileSync(PYTHON, [join(here, 'models.py'), folder, '11'], { stdio: 'pipe' })
        for (const name of names) expectTraining(read(name, folder))
      } finally {
        rmSync(folder, { recursive: true })
      }
    },
  )

  test('a bias that stands for two is told, with the rate at which it trains as they do', () => {
    expect(loadOnnx(read('lstm_17').bytes).importNotes).toEqual([
      'Recurrent layers have one bias where the file adds up two, which train twice as fast together: ' +
        'learningRateMultipliers: { "rnn/bias": 2, "rnn_2/bias": 2 } does the same.',
    ])
    expect(loadOnnx(read('gru_17').bytes).importNotes).toEqual([])
  })

  test.each(names)('%s: a saved model loads and gives the same bits', (name) => {
    const { bytes, own } = read(name)
    const model = loadOnnx(bytes)
    const x = inputOf(own)
    const again = load(model.save())
    expect([...again.predict(x as never).data]).toEqual([...model.predict(x as never).data])
  })

  test('a convolutional net has layers alone, and permutations at its ends', () => {
    const kinds = kindsOf('cnn_17')
    expect(kinds.filter((kind) => kind === 'permute')).toHaveLength(1)
    expect(kinds).not.toContain('operations')
    expect(kindsOf('resnet_17').filter((kind) => kind === 'permute')).toHaveLength(1)
  })
})

// x, its shape and the outputs alone: others made these files
const samples = readdirSync(join(here, 'samples')).filter((file) => file.endsWith('.onnx'))

describe('samples of torch.onnx', () => {
  test.each(samples.map((file) => file.slice(0, -5)))('%s: predictions, and training from there', (name) => {
    const { bytes, own } = read(name, join(here, 'samples'))
    const model = loadOnnx(bytes)
    const x = inputOf({ ...own, isIds: model.session.network.inputs[0].dtype === 'int32' })
    expect(difference(model.predict(x as never).data, own.y)).toBeLessThan(2e-6)
    model.compile({ optimizer: sgd({ learningRate: 0.05 }), loss: 'meanSquaredError' })
    const target = Float32Array.from(own.y, (y, i) => y + (i % 3))
    const losses = Array.from({ length: 4 }, () => model.trainStep(x as never, target as never).loss)
    // the mean of 0, 1 and 4, for so many outputs
    const first = own.y.reduce((sum, _, i) => sum + (i % 3) ** 2, 0) / own.y.length
    expect(losses[0]).toBeCloseTo(first, 5)
    for (const [i, loss] of losses.entries()) if (i > 0) expect(loss).toBeLessThan(losses[i - 1])
  })
})

describe('files made by hand', () => {
  const input = (name: string, dims: readonly (number | string)[]) => ({
    name,
    type: {
      tensorType: {
        elemType: 1,
        shape: { dim: dims.map((n) => (typeof n === 'number' ? { dimValue: n } : { dimParam: n })) },
      },
    },
  })
  const fileOf = (
    inputs: readonly ReturnType<typeof input>[],
    nodes: readonly { opType: string; input: readonly string[]; output: readonly string[]; name?: string }[],
    opset = 17,
  ) =>
    encodeModel({
      opsetImport: [{ version: opset }],
      graph: { input: inputs, output: [{ name: 'y' }], node: nodes },
    })

  test('all that is not supported is in one error', () => {
    const nodes = [
      { opType: 'Loop', input: ['x'], output: ['a'] },
      { opType: 'NonMaxSuppression', input: ['a'], output: ['b'] },
      { opType: 'QLinearConv', input: ['b'], output: ['c'] },
      { opType: 'Loop', input: ['c'], output: ['y'] },
    ]
    refused(
      "loadOnnx: the model can't be taken over:\n  2 of the operator Loop, which isn't supported\n  1 of the operator NonMaxSuppression, which isn't supported\n  1 of the operator QLinearConv, which isn't supported",
      () => loadOnnx(fileOf([input('x', ['n', 3])], nodes)),
    )
  })

  test('operators that ask for too much are named, all of them', () => {
    const nodes = [
      { opType: 'Tile', input: ['x', 'x'], output: ['a'], name: 'tiles' },
      { opType: 'Reshape', input: ['x', 'x'], output: ['b'] },
      { opType: 'Add', input: ['a', 'b'], output: ['y'] },
    ]
    refused(
      'loadOnnx: the model can\'t be taken over:\n  Tile "tiles": its repeats is computed from an input of the model\n  Reshape: its shape is computed from an input of the model',
      () => loadOnnx(fileOf([input('x', ['n', 3])], nodes)),
    )
  })

  test('operators may come in any order, but not in a circle', () => {
    const negated = { opType: 'Neg', input: ['a'], output: ['y'] }
    const floor = { opType: 'Relu', input: ['x'], output: ['a'] }
    const net = loadOnnx(fileOf([input('x', ['n', 3])], [negated, floor]))
    expect([...net.predict(Float32Array.of(1, -2, 3)).data]).toEqual([-1, -0, -3])
    refused(/reads "(a|y)", which nothing before it makes/, () =>
      loadOnnx(fileOf([input('x', ['n', 3])], [negated, { ...floor, input: ['y'] }])),
    )
  })

  test('a size that the file leaves open is given', () => {
    const bytes = fileOf(
      [input('x', ['n', 'steps', 2])],
      [{ opType: 'Flatten', input: ['x'], output: ['y'] }],
    )
    refused(/the file leaves sizes open: axis 1 of input x \(steps\)/, () => loadOnnx(bytes))
    expect(loadOnnx(bytes, { inputShapes: { x: [3, 2] } }).predict(new Float32Array(12)).shape).toEqual([
      2, 6,
    ])
    refused(/inputShapes: x has 2 axes beside that of samples; got \[3\]/, () =>
      loadOnnx(bytes, { inputShapes: { x: [3] } }),
    )
  })

  test('a file that computes across its first axis takes it whole, and says so', () => {
    const bytes = fileOf([input('x', [2, 3])], [{ opType: 'Transpose', input: ['x'], output: ['y'] }])
    const model = loadOnnx(bytes)
    expect(model.importNotes).toEqual([
      'The file computes across its first axis: a sample is a whole input, that axis included.',
    ])
    expect([...model.predict(Float32Array.of(1, 2, 3, 4, 5, 6)).data]).toEqual([1, 4, 2, 5, 3, 6])
  })

  test('the samples lie on the axis that the file calls batch', () => {
    const sums = { opType: 'ReduceSum', input: ['x', 'axes'], output: ['y'] }
    const axes = { name: 'axes', dims: [1], dataType: 7, int64Data: [0] }
    const model = loadOnnx(
      encodeModel({
        opsetImport: [{ version: 17 }],
        graph: {
          input: [input('x', [2, 'batch', 3])],
          output: [{ name: 'y' }],
          node: [sums],
          initializer: [axes],
        },
      }),
    )
    expect(model.importNotes).toEqual([
      'Input x has the samples on its axis 1 in the file; here they come first.',
      'Output y has the samples on its axis 1 in the file; here they come first.',
    ])
    expect([
      ...model.predict([
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
      ]).data,
    ]).toEqual([5, 7, 9])
  })

  test('several inputs and outputs have the names of the file', () => {
    const nodes = [
      { opType: 'Add', input: ['a', 'b'], output: ['sum'] },
      { opType: 'Relu', input: ['sum'], output: ['y'] },
    ]
    const bytes = encodeModel({
      opsetImport: [{ version: 17 }],
      graph: {
        input: [input('a', ['n', 2]), input('b', ['n', 2])],
        output: [{ name: 'y' }, { name: 'sum' }],
        node: nodes,
      },
    })
    const made = loadOnnx<Record<string, Symbolic>>(bytes).predict({ a: [[1, -5]], b: [[1, 1]] })
    expect([...made.y.data, ...made.sum.data]).toEqual([2, 0, 2, -4])
  })
})

// ---- the ONNX project's own test data -------------------------------------------------------------

const hasData = existsSync(TESTDATA)
if (!hasData) console.log(`skipped: ${TESTDATA} is missing (apt-get install libonnx-testdata)`)

/** The least numbers of cases that pass. */
const LEAST = { 'pytorch-converted': 82, 'pytorch-operator': 33, node: 330 }

describe.skipIf(!hasData)('the test data of the ONNX project', () => {
  const kinds = process.env.CI ? Object.keys(LEAST) : ['pytorch-converted', 'pytorch-operator']
  test.each(kinds as (keyof typeof LEAST)[])('%s', { timeout: 120_000 }, (kind) => {
    const rows = runCases(kind)
    const of = (outcome: Row['outcome']) => rows.filter((row) => row.outcome === outcome)
    console.log(
      `${kind}: ${of('passed').length} passed, ${of('refused').length} refused, ${of('failed').length} failed, ${of('left out').length} left out`,
    )
    expect(of('failed')).toEqual([])
    expect(of('passed').length).toBeGreaterThanOrEqual(LEAST[kind])
  })
})
