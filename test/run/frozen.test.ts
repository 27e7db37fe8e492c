// Frozen trainers against the full library: the same calls on a model and on the trainer frozen from it give the same bits, step
// for step, for nets of every family; what is saved by either is read by both.
import { describe, expect, test } from 'vitest'
import { freeze } from '../../src/freeze/index.ts'
import {
  accumulateGradients,
  adam,
  conv1d,
  dense,
  exponentialDecay,
  flatten,
  load,
  operations,
  optimizers,
  rootMeanSquaredError,
  sequential,
  sgd,
} from '../../src/index.ts'
import { open } from '../../src/run/index.ts'
import { all, extras, mathematics } from '../../src/run/modules.ts'

const numbers = (count: number, seed: number) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(i * 1.7 + seed))

const net = () => {
  const model = sequential({
    inputShape: [6],
    layers: [dense({ units: 8, activation: 'tanh' }), dense({ units: 3, activation: 'softmax' })],
    seed: 5,
  })
  model.compile({
    optimizer: adam({ learningRate: 0.01 }),
    loss: 'sparseCategoricalCrossentropy',
    metrics: ['accuracy'],
  })
  return model
}
const labels = (count: number, seed: number) => Int32Array.from({ length: count }, (_, i) => (i + seed) % 3)

describe('the bits of the full library', () => {
  test('training, evaluating and predicting', async () => {
    const model = net()
    const bytes = freeze(model, { train: [8], evaluate: [8, 3], predict: [1, 8], gradients: [8] })
    const trainer = open(bytes, { modules: [extras] })
    for (let step = 0; step < 5; step++) {
      const [x, y] = [numbers(48, step), labels(8, step)]
      expect(trainer.trainStep(x, y)).toEqual(model.trainStep(x, y))
    }
    expect(trainer.getWeights()).toEqual(model.getWeights())
    const [x, y] = [numbers(19 * 6, 3), labels(19, 1)]
    expect(trainer.predict(x)).toEqual(model.predict(x))
    expect(await trainer.evaluate(x, y)).toEqual(await model.evaluate(x, y, { batchSize: 8 }))
    expect(trainer.gradients(numbers(48, 1), labels(8, 2))).toEqual(
      model.gradients(numbers(48, 1), labels(8, 2)),
    )
    const resumed = open(trainer.save(), { modules: [extras] })
    const again = load(trainer.save())
    for (let step = 0; step < 3; step++) {
      const [x, y] = [numbers(48, step + 9), labels(8, step)]
      const logs = model.trainStep(x, y)
      expect(resumed.trainStep(x, y)).toEqual(logs)
      expect(again.trainStep(x, y)).toEqual(logs)
    }
  })
})

describe('what plain nets do without', () => {
  const layer = (options: object = {}) => dense({ units: 3, name: 'out', ...options })
  const cases: [string, object, object, readonly string[]][] = [
    ['the mean squared error', {}, { loss: 'mse' }, []],
    ['a cross-entropy behind softmax', { activation: 'softmax' }, { loss: 'categoricalCrossentropy' }, []],
    ['a cross-entropy behind sigmoid', { activation: 'sigmoid' }, { loss: 'binaryCrossentropy' }, []],
    ['another loss', {}, { loss: 'huber' }, ['extras']],
    ['a loss of rows', {}, { loss: 'cosineSimilarity' }, ['extras']],
    ['a metric', { activation: 'softmax' }, { loss: 'mse', metrics: ['accuracy'] }, ['extras']],
    ['clipped gradients', {}, { loss: 'mse', optimizer: sgd({ clipNorm: 0.1 }) }, ['extras']],
    ['a schedule', {}, { optimizer: sgd({ schedule: exponentialDecay({ gamma: 0.9 }) }) }, ['extras']],
    ['the root of a mean', {}, { loss: 'mse', metrics: [rootMeanSquaredError()] }, ['extras']],
    [
      'gradients of several steps',
      {},
      { optimizer: sgd({ accumulation: accumulateGradients(2) }) },
      ['training'],
    ],
    ['a penalty', { kernelRegularizer: { l2: 0.1 } }, { loss: 'mse' }, ['extras']],
  ]
  test.each(cases)('%s', (_, options, compiled, needed) => {
    const model = sequential({ inputShape: [6], layers: [layer(options)], seed: 3 })
    model.compile({ optimizer: 'sgd', loss: 'mse', ...compiled })
    const bytes = freeze(model, { train: [4] })
    const [x, y] = [numbers(24, 1), numbers(12, 2).map(Math.abs)]
    const trainer = open(bytes, { modules: all.filter(({ name }) => needed.includes(name)) })
    for (let step = 0; step < 3; step++) expect(trainer.trainStep(x, y)).toEqual(model.trainStep(x, y))
    expect(trainer.getWeights()).toEqual(model.getWeights())
    for (const name of needed) {
      const others = all.filter((module) => module.name !== name)
      expect(() => open(bytes, { modules: others })).toThrow(`this file needs the kernels of ${name}: open(`)
    }
  })
})

test.each([
  ['a square root', { op: 'unary', inputs: [0], fn: 'sqrt' }],
  ['a maximum', { op: 'reduce', inputs: [0], fn: 'max', axes: [1], keepDims: true }],
])('%s needs mathematics alone', (_, step) => {
  const model = sequential({ inputShape: [6], layers: [operations({ steps: [step] })] })
  const bytes = freeze(model, { predict: [4] })
  expect(() => open(bytes)).toThrow('this file needs the kernels of mathematics: open(')
  const x = numbers(24, 1).map(Math.abs)
  expect(open(bytes, { modules: [mathematics] }).predict(x)).toEqual(model.predict(x))
})

describe('modules of kernels', () => {
  const inner = (activation: 'relu' | 'selu' | 'gelu') => ({
    dense: () => [dense({ units: 4, activation })],
    conv1d: () => [conv1d({ filters: 2, kernelSize: 2, activation }), flatten()],
  })
  /** A trainer's file, and what one step gives. */
  function frozen(
    activation: 'relu' | 'selu' | 'gelu',
    optimizer: keyof typeof optimizers,
    layer: 'dense' | 'conv1d',
  ) {
    const layers = [...inner(activation)[layer](), dense({ units: 1 })]
    const model = sequential({ inputShape: layer === 'dense' ? [6] : [3, 2], layers, seed: 3 })
    model.compile({ optimizer: optimizers[optimizer](), loss: 'meanSquaredError' })
    return { model, bytes: freeze(model, { train: [4] }) }
  }
  const [x, y] = [numbers(24, 1), numbers(4, 2)]

  // selu is applied by the product itself, gelu by an instruction of its own
  test.each([
    ['relu', 'adam', 'dense', []],
    ['relu', 'sgd', 'dense', []],
    ['selu', 'adam', 'dense', ['functions']],
    ['gelu', 'radam', 'dense', ['functions']],
    ['relu', 'rmsprop', 'dense', ['extras']],
    ['relu', 'lion', 'dense', ['optimizers']],
    ['selu', 'nadam', 'conv1d', ['convolution', 'functions', 'optimizers']],
  ] as const)('%s, %s and %s need %j', (activation, optimizer, layer, needed) => {
    const { model, bytes } = frozen(activation, optimizer, layer)
    const given: readonly string[] = needed
    const modules = all.filter(({ name }) => given.includes(name))
    const trainer = open(bytes, { modules })
    expect(trainer.trainStep(x, y)).toEqual(model.trainStep(x, y))
    expect(trainer.getWeights()).toEqual(model.getWeights())
    for (const module of modules) {
      const others = modules.filter((other) => other !== module)
      expect(() => open(bytes, { modules: others })).toThrow(`needs the kernels of ${module.name}`)
    }
  })
})
