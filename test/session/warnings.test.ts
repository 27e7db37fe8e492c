// What training tells on the console where it can't have been meant: once for each kind and `compile`, not at all with
// `warnings: false`, and without changing a bit. The console's `warn` is in place of a reader.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  accumulateGradients,
  batchNormalization,
  type CompileOptions,
  customLayer,
  dense,
  dropout,
  embedding,
  flatten,
  type Layer,
  type Model,
  rescaling,
  type Symbolic,
  sequential,
  sgd,
} from '../../src/index.ts'
import type { Workers } from '../../src/runtime/engine.ts'
import { workers } from '../../src/threads/index.ts'
import { serveModels, workerModel } from '../../src/worker/index.ts'
import { refused } from '../support/refused.ts'

let told: string[] = []
beforeEach(() => {
  told = []
  vi.spyOn(console, 'warn').mockImplementation((text: string) => void told.push(text))
})
afterEach(() => {
  vi.restoreAllMocks()
})

const x = Float32Array.of(1, 2, 3, 4, 5, 6, 8, 1)
const y = Float32Array.of(1, 2, 3, 4)
const CAUSES = /Usual causes: a learning rate that is too large, inputs that are not scaled, /

/** exp(x) of dense_2 overflows in the second step. */
const diverging = (
  options: Partial<CompileOptions> & { accumulation?: number; threads?: Workers } = {},
): Model<Symbolic> => {
  const { accumulation = 1, threads, ...given } = options
  const layers = [
    dense({ units: 8 }),
    batchNormalization(),
    dense({ units: 8, activation: 'exponential' }),
    dropout({ rate: 0.2 }),
    dense({ units: 1 }),
  ]
  return sequential({ inputShape: [2], layers, seed: 1, threads }).compile({
    optimizer: sgd({ learningRate: 10, momentum: 0.5, accumulation: accumulateGradients(accumulation) }),
    loss: 'mse',
    ...given,
  })
}

const FIRST =
  /^lanegrad: the loss is NaN in step 2: the output of dense_2 \(matmul A\.B \(bias exp\)\) holds Infinity\. /

describe('a loss that is not finite', () => {
  test('in fit: once, with the step and the first layer', async () => {
    const history = await diverging().fit(x, y, { epochs: 4 })
    expect(history.loss.slice(1)).toEqual([NaN, NaN, NaN])
    expect(told).toHaveLength(1)
    expect(told[0]).toMatch(FIRST)
    expect(told[0]).toMatch(CAUSES)
  })

  test.each([Float32Array, Float64Array])('in trainStep, on %o', (Numbers) => {
    const net = diverging()
    for (let step = 0; step < 4; step++) net.trainStep(new Numbers(x), y)
    expect(told).toHaveLength(1)
    expect(told[0]).toMatch(FIRST)
  })

  test('where gradients accumulate', async () => {
    await diverging({ accumulation: 2 }).fit(x, y, { epochs: 4, batchSize: 2 })
    expect(told).toEqual([expect.stringMatching(FIRST)])
  })

  test('compile again: the next run has a warning of its own', async () => {
    const net = diverging()
    await net.fit(x, y, { epochs: 3 })
    net.compile({ optimizer: 'sgd', loss: 'mse' }).trainStep(x, y)
    expect(told).toHaveLength(2)
    expect(told[1]).toMatch(
      /^lanegrad: the loss is NaN in step 1: weight dense_1\/kernel holds NaN since an update before\./,
    )
  })

  test('in evaluate and in validation', async () => {
    const net = diverging()
    net.setWeights({ 'dense_3/bias': [Infinity] })
    await net.evaluate(x, y)
    expect(told).toEqual([
      expect.stringMatching(
        /^lanegrad: the loss is Infinity in evaluate: weight dense_3\/bias holds Infinity /,
      ),
    ])
    const other = sequential({ inputShape: [1], layers: [dense({ units: 1 })] }).compile({
      loss: 'mse',
      optimizer: 'sgd',
    })
    await other.fit([[1]], [1], { validationData: [[[Infinity]], [1]] })
    expect(told[1]).toMatch(
      /^lanegrad: the loss is Infinity in fit: epoch 1: validationData: input input holds Infinity\./,
    )
  })

  test('a logarithm of 0 in a layer of one’s own', () => {
    const log = customLayer({ kind: 'log', build: ({ g }, [v]) => g.unary('log', v) })
    const net = sequential({ inputShape: [2], layers: [log({ name: 'own' }), dense({ units: 1 })] })
    net.compile({ loss: 'mse' }).trainStep([[1, 0]], [1])
    expect(told[0]).toMatch(/in step 1: the output of own \(unary log\) holds -Infinity\./)
  })

  test('NaN that is allowed in', () => {
    diverging().trainStep([[1, NaN]], [1], { allowNaN: true })
    expect(told[0]).toMatch(/in step 1: input input holds NaN\./)
  })

  test.each([
    ['one step', {}],
    ['accumulation', { accumulation: 2 }],
    ['two threads', { threads: workers(2) }],
  ])('not a bit changes: %s', async (_, options) => {
    const nets = [true, false].map((warnings) => diverging({ ...options, warnings }))
    for (const net of nets) {
      await net.fit(x, y, { epochs: 1, batchSize: 2 })
      for (let step = 0; step < 3; step++) net.trainStep(x, y)
    }
    expect(told).toHaveLength(1)
    const [a, b] = nets.map((net) => Object.values(net.getWeights()).map(({ data }) => [...data]))
    expect(a).toEqual(b)
    expect(a.flat().some(Number.isNaN)).toBe(true)
    expect(nets.map((net) => net.session.engine.stepCount)).toEqual([
      nets[0].session.engine.stepCount,
      nets[0].session.engine.stepCount,
    ])
    for (const net of nets) net.dispose()
  })

  test('moving statistics move once in the step that is told', () => {
    const nets = [true, false].map((warnings) => {
      const layers = [batchNormalization({ momentum: 0.5 }), dense({ units: 1, kernelInitializer: 'ones' })]
      return sequential({ inputShape: [1], layers }).compile({
        optimizer: sgd({ learningRate: 0 }),
        loss: 'mse',
        warnings,
      })
    })
    for (const net of nets) net.trainStep([[2], [4]], [1, Infinity])
    const [a, b] = nets.map((net) => net.getWeights()['batchNormalization_1/moving_mean'].data[0])
    expect([a, b]).toEqual([1.5, 1.5]) // half of the mean, 3
    expect(told).toHaveLength(1)
  })

  test('warnings: false', async () => {
    const net = diverging({ warnings: false })
    await net.fit(x, y, { epochs: 4 })
    await net.evaluate(x, y)
    expect(told).toEqual([])
    refused('compile: warnings must be a boolean; got 0', () =>
      net.compile({ loss: 'mse', warnings: 0 as never }),
    )
  })

  test.each([true, false])('in a worker it reaches the page: %s', async (warnings) => {
    const { port1: worker, port2: port } = new MessageChannel()
    serveModels({ port })
    const remote = await workerModel(diverging({ warnings }), { worker })
    await remote.fit(x, y, { epochs: 4 })
    await remote.close()
    worker.close()
    expect(told).toEqual(warnings ? [expect.stringMatching(FIRST)] : [])
  })
})

const fitted = async (
  layers: Layer[],
  loss: CompileOptions['loss'],
  data: number[][],
  targets: number[],
  optimizer: CompileOptions['optimizer'] = sgd({ learningRate: 1e-12 }),
) => {
  const net = sequential({ inputShape: [data[0].length], layers, seed: 2 }).compile({ optimizer, loss })
  await net.fit(data, targets, { epochs: 2 })
  return told
}
const one = (options: object = {}) => dense({ units: 1, ...options })

describe('what the first epoch shows', () => {
  test('inputs of a large scale, in front of a kernel', async () => {
    expect(
      await fitted(
        [one()],
        'mse',
        [
          [1, 2],
          [3, 65000],
        ],
        [1, 2],
      ),
    ).toEqual([
      'lanegrad: input input holds 65000: training is easiest on numbers around 1 (rescaling, normalization)',
    ])
  })

  test('through flatten', async () => {
    expect(await fitted([flatten(), one()], 'mse', [[-2e4]], [1])).toHaveLength(1)
  })

  test.each<[string, Layer[]]>([
    ['a layer that scales', [rescaling({ scale: 1e-5 }), one()]],
    ['a layer that normalizes', [batchNormalization(), one()]],
  ])('not in front of %s', async (_, layers) => {
    expect(await fitted(layers, 'mse', [[1], [65000]], [1, 2])).toEqual([])
  })

  test('nor ids', async () => {
    const net = sequential({
      inputShape: [1],
      inputDtype: 'int32',
      layers: [embedding({ inputDim: 70000, outputDim: 1 }), flatten(), one()],
    } as never)
    net.compile({ loss: 'mse' })
    await net.fit(Int32Array.of(1, 65000), [1, 2])
    expect(told).toEqual([])
  })

  test('targets out of reach', async () => {
    expect(await fitted([one({ activation: 'sigmoid' })], 'mse', [[1], [2]], [0, 37])).toEqual([
      'lanegrad: target dense_1 holds 37, out of reach: layer dense_1 gives numbers from 0 to 1',
    ])
    told = []
    expect(
      await fitted([one({ activation: 'relu', biasInitializer: 'ones' })], 'mae', [[1], [2]], [3, -1]),
    ).toHaveLength(1)
    told = []
    expect(await fitted([one({ activation: 'tanh' })], 'huber', [[1], [2]], [1, -1])).toEqual([])
  })

  test.each<[string, Layer[], CompileOptions['optimizer']]>([
    ['no layer trains', [one({ trainable: false })], 'sgd'],
    ['the learning rate is 0', [one()], sgd({ learningRate: 0 })],
    [
      'every gradient is 0 (is a relu always below 0?)',
      [one({ activation: 'relu', biasInitializer: { kind: 'constant', value: -9 } })],
      'sgd',
    ],
  ])('nothing was learnt: %s', async (why, layers, optimizer) => {
    expect(await fitted(layers, 'mse', [[1], [2]], [3, 1], optimizer)).toEqual([
      `lanegrad: nothing was learnt in an epoch: ${why}`,
    ])
  })

  test('nothing is left to learn', async () => {
    expect(await fitted([one({ kernelInitializer: 'zeros' })], 'mse', [[1], [2]], [0, 0])).toEqual([])
  })
})
