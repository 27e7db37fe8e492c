// Losses from outside: their values against the formulas in float64, near the places where one form goes over into
// another, and which activations a cross-entropy may look behind. Their gradients are in ops.test.ts.
import { describe, expect, test } from 'vitest'
import {
  activation,
  binaryCrossentropy,
  categoricalCrossentropy,
  customLayer,
  dense,
  type GraphBuilder,
  huber,
  type Layer,
  type LossLike,
  logCosh,
  reshape,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  type Value,
} from '../../src/index.ts'

const linear = activation({ activation: 'linear' })

/** A layer of one's own: what its numbers are is not known beforehand, so that no loss refuses them. */
const own = (write: (g: GraphBuilder, x: Value) => Value): Layer =>
  customLayer({ kind: 'own', build: ({ g }, [x]) => write(g, x) })()

/** The loss of one row. */
async function lossOf(loss: LossLike, x: number[], y: unknown, layers: Layer[] = [linear]): Promise<number> {
  const net = sequential({ inputShape: [x.length], layers }).compile({ loss })
  return (await net.evaluate([x], [y] as number[])).loss
}

const f32 = Math.fround
/** log cosh d without cancellation: log1p(2 sinh^2(d / 2)) is log of 1 + (cosh d - 1). */
const logCoshOf = (d: number) => Math.log1p(2 * Math.sinh(d / 2) ** 2)

test.each([1e-3, 0.05, 0.18, 0.24, 0.249, 0.251, 0.3, 1, 4, 40])('log cosh of %f', async (d) => {
  for (const sign of [1, -1]) {
    const got = await lossOf(logCosh(), [sign * d], [0])
    const want = d > 30 ? d - Math.LN2 : logCoshOf(f32(d))
    expect(Math.abs(got / want - 1)).toBeLessThan(1e-6)
  }
})

test.each([0.49, 0.5, 0.51, 3])('huber with delta 0.5 of %f', async (d) => {
  const want = d <= 0.5 ? d ** 2 / 2 : 0.5 * (d - 0.25)
  for (const x of [d, -d]) expect(await lossOf(huber({ delta: 0.5 }), [x], [0])).toBeCloseTo(want, 6)
})

describe('a cross-entropy looks behind', () => {
  // logits so large that the probability of the true class is 0 in float32: only what sees the logits knows more than
  // the floor of probabilities
  const far = 60

  test('softmax, and softmax under a shape that keeps its rows', async () => {
    const softmax = activation({ activation: 'softmax' })
    expect(await lossOf('categoricalCrossentropy', [far, 0], [0, 1], [softmax])).toBeCloseTo(far, 4)
    const rows = [reshape({ targetShape: [1, 2] }), softmax, reshape({ targetShape: [1, 1, 2] })]
    expect(await lossOf('categoricalCrossentropy', [far, 0], [[[0, 1]]], rows)).toBeCloseTo(far, 4)
    expect(await lossOf('sparseCategoricalCrossentropy', [far, 0], [[1]], rows)).toBeCloseTo(far, 4)
  })

  test('sigmoid, under any shape', async () => {
    const layers = [activation({ activation: 'sigmoid' }), reshape({ targetShape: [2, 1] })]
    expect(await lossOf('binaryCrossentropy', [far, far], [[0], [0]], layers)).toBeCloseTo(far, 4)
  })

  test('no softmax whose rows are cut into others: the loss is that of the numbers it gives', async () => {
    const x = [0.5, -1, 2, 0.25]
    const sum = x.reduce((total, value) => total + Math.exp(value), 0)
    const p = x.map((value) => Math.exp(value) / sum)
    const layers = [activation({ activation: 'softmax' }), reshape({ targetShape: [2, 2] })]
    const net = sequential({ inputShape: [4], layers })
    expect([...net.predict([x]).data]).toEqual(p.map((value) => expect.closeTo(value, 6)))
    const given = sequential({ inputShape: [2, 2], layers: [linear] })
    const truth = [
      [0, 1],
      [1, 0],
    ]
    for (const loss of [categoricalCrossentropy(), categoricalCrossentropy({ labelSmoothing: 0.2 })]) {
      const probabilities = [p.slice(0, 2), p.slice(2)]
      const want = (await given.compile({ loss }).evaluate([probabilities], [truth])).loss
      expect((await net.compile({ loss }).evaluate([x], [truth])).loss).toBeCloseTo(want, 5)
    }
  })

  test('nothing else: the loss is that of the numbers the layers give', async () => {
    const others: [LossLike, Layer[]][] = [
      [categoricalCrossentropy(), [own((g, x) => g.softmax(x, true))]],
      [categoricalCrossentropy(), [own((g, x) => g.unary('sigmoid', x))]],
      [binaryCrossentropy(), [own((g, x) => g.softmax(x))]],
      [categoricalCrossentropy(), [own((g, x) => g.times(g.softmax(x), g.constant(0.5)))]],
    ]
    for (const [loss, layers] of others) {
      const x = [1, 2.5]
      const given = [...sequential({ inputShape: [2], layers }).predict([x]).data]
      expect(await lossOf(loss, x, [0, 1], layers)).toBeCloseTo(await lossOf(loss, given, [0, 1]), 6)
    }
  })
})

test('with fromLogits nothing is looked behind: the activation counts', async () => {
  const layers = [own((g, x) => g.softmax(x))]
  const loss = sparseCategoricalCrossentropy({ fromLogits: true })
  // of probabilities 0.5 and 0.5, taken as logits
  expect(await lossOf(loss, [0, 0], 0, layers)).toBeCloseTo(Math.LN2, 6)
  const [a, b] = [Math.E / (1 + Math.E), 1 / (1 + Math.E)]
  expect(await lossOf(loss, [1, 0], 0, layers)).toBeCloseTo(Math.log1p(Math.exp(b - a)), 6)
})

test('a class that no row has: nothing of it in the loss, its weights move towards less', () => {
  const net = sequential({ inputShape: [1], layers: [dense({ units: 3, kernelInitializer: 'zeros' })] })
  net.compile({
    optimizer: sgd({ learningRate: 1 }),
    loss: sparseCategoricalCrossentropy({ fromLogits: true }),
  })
  expect(net.trainStep([[1], [1]], [0, 1]).loss).toBeCloseTo(Math.log(3), 6)
  const [a, b, c] = net.getWeights()['dense_1/bias'].data
  expect([a, b, c]).toEqual([1 / 6, 1 / 6, -1 / 3].map((value) => expect.closeTo(value, 6)))
})

test('ignoreIndex lets its own id through, and no other that is no class', async () => {
  const net = sequential({ inputShape: [2], layers: [dense({ units: 2 })] })
  net.compile({ loss: sparseCategoricalCrossentropy({ fromLogits: true, ignoreIndex: -1 }) })
  for (const id of [2, 7, -2]) {
    const message = `element 1 is ${id}; expected a class label from 0 to 1`
    await expect(
      net.evaluate(
        [
          [1, 2],
          [3, 4],
        ],
        [0, id],
      ),
    ).rejects.toThrow(message)
    const [x, y] = [Float32Array.of(1, 2, 3, 4), Int32Array.of(0, -1)]
    net.trainStep(x, y)
    net.trainStep(x, y) // the short way of a step like the one before
    expect(() => net.trainStep(x, Int32Array.of(0, id))).toThrow(message)
  }
})

describe('as a metric beside itself, every loss is the same number', () => {
  const rows = [
    [0.2, 0.5, 0.3],
    [0.6, 0.1, 0.3],
    [0.25, 0.25, 0.5],
  ]
  const oneHot = [
    [0, 1, 0],
    [0, 0, 1],
    [1, 0, 0],
  ]
  const signs = oneHot.map((row) => row.map((value) => 2 * value - 1))
  const truths: Readonly<Record<string, number[] | number[][]>> = {
    sparseCategoricalCrossentropy: [1, 2, 0],
    hinge: signs,
    squaredHinge: signs,
  }
  const names = [
    'meanSquaredError',
    'meanAbsoluteError',
    'huber',
    'logCosh',
    'poisson',
    'hinge',
    'squaredHinge',
    'binaryCrossentropy',
    'categoricalCrossentropy',
    'sparseCategoricalCrossentropy',
    'klDivergence',
    'categoricalHinge',
    'cosineSimilarity',
  ] as const

  test.each(names)('%s', async (name) => {
    const net = sequential({ inputShape: [3], layers: [linear] }).compile({ loss: name, metrics: [name] })
    for (const batchSize of [1, 2, 3]) {
      const { loss, [name]: metric } = await net.evaluate(rows, truths[name] ?? oneHot, { batchSize })
      // the metric of this name is the similarity itself
      expect(name === 'cosineSimilarity' ? 1 - metric : metric).toBeCloseTo(loss, 6)
      expect(loss).toBeGreaterThan(0)
    }
  })
})
