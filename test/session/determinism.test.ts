// The law of the same bits: what a seed gives is the same whatever came before, whatever ran between, and whether a
// model was saved and loaded on the way. Every comparison here is of bits, never of nearness, and between two runs in
// one engine; rooms.test.ts keeps out the functions whose bits differ from engine to engine, and recorded-bits.test.ts tells
// bits that differ from those of the version before.
import { describe, expect, test } from 'vitest'
import {
  cosineDecay,
  dense,
  exponentialDecay,
  inverseSqrtDecay,
  linearWarmup,
  load,
  type Model,
  type Optimizer,
  optimizers,
  polynomialDecay,
  sequential,
  stepDecay,
} from '../../src/index.ts'
import { inspect, profile } from '../../src/inspect/index.ts'
import { uniform } from '../../src/numerics/random.ts'

const ROWS = 29
const FEATURES = 6
const CLASSES = 3

const x = new Float32Array(ROWS * FEATURES)
uniform(x, 1, 1, -1, 1)
const y = Int32Array.from({ length: ROWS }, (_, i) => (i * 7 + (x[i * FEATURES] > 0 ? 1 : 0)) % CLASSES)

function net(seed: number, optimizer: Optimizer): Model {
  return sequential({
    inputShape: [FEATURES],
    seed,
    layers: [
      dense({ name: 'hidden', units: 11, activation: 'gelu', kernelRegularizer: { l2: 1e-3 } }),
      dense({ name: 'out', units: CLASSES, activation: 'softmax' }),
    ],
  }).compile({ optimizer, loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] })
}

/** The bits of every weight, as text: equal texts mean equal bits. */
const bitsOf = (model: Model): string =>
  Object.entries(model.getWeights())
    .map(([name, { data }]) => `${name} ${new Uint32Array(data.buffer, data.byteOffset, data.length).join()}`)
    .join('\n')

describe('seeds', () => {
  // 29 rows in batches of 4: eight steps an epoch, the last one of a single row; seven epochs are 56 steps
  const fitted = async (seed: number, shuffle = true) => {
    const model = net(seed, optimizers.adam({ learningRate: 0.01 }))
    const start = bitsOf(model)
    const history = await model.fit(x, y, { epochs: 7, batchSize: 4, shuffle })
    return { start, end: bitsOf(model), history }
  }

  test('the same seed gives the same bits: initial weights, trained weights, history', async () => {
    const first = await fitted(3)
    expect(await fitted(3)).toEqual(first)
    expect(first.end).not.toBe(first.start)
  })

  test('another seed gives other weights and another order of the rows', async () => {
    const [a, b] = [await fitted(3), await fitted(4)]
    expect(b.start).not.toBe(a.start)
    expect(b.end).not.toBe(a.end)
    const [c, d] = [await fitted(3, false), await fitted(3, true)]
    expect(c.start).toBe(d.start)
    expect(c.end).not.toBe(d.end)
  })

  test('seeds beyond 32 bits differ from their lower 32 bits', () => {
    const [low, high] = [net(7, optimizers.sgd()), net(7 + 2 ** 32, optimizers.sgd())]
    expect(bitsOf(high)).not.toBe(bitsOf(low))
  })
})

/** Every optimizer; between them every kind of clipping, several schedules, every flag. */
const settings: { readonly [K in keyof typeof optimizers]: Optimizer } = {
  sgd: optimizers.sgd({ momentum: 0.9, nesterov: true, schedule: cosineDecay({ steps: 20 }), clipNorm: 0.3 }),
  rmsprop: optimizers.rmsprop({
    momentum: 0.5,
    centered: true,
    schedule: stepDecay({ stepSize: 3, gamma: 0.5 }),
  }),
  adagrad: optimizers.adagrad({ learningRate: 0.05, clipValue: 0.02 }),
  adadelta: optimizers.adadelta({ learningRate: 1, weightDecay: 0.01 }),
  adam: optimizers.adam({ amsgrad: true, globalClipNorm: 0.1, schedule: exponentialDecay({ gamma: 0.97 }) }),
  adamw: optimizers.adamw({ learningRate: 0.01, schedule: linearWarmup({ steps: 9 }) }),
  nadam: optimizers.nadam({ learningRate: 0.01, clipNorm: 0.5 }),
  radam: optimizers.radam({ learningRate: 0.01, schedule: polynomialDecay({ steps: 30, power: 2 }) }),
  adamax: optimizers.adamax({ learningRate: 0.01, globalClipNorm: 1 }),
  lion: optimizers.lion({ weightDecay: 0.1, schedule: inverseSqrtDecay({ warmup: 4 }) }),
}

describe.each(Object.entries(settings))('%s', (_, optimizer) => {
  const fit = { epochs: 2, batchSize: 8 }

  test('saved in the middle, loaded and continued gives the bits of the uninterrupted run', async () => {
    const whole = net(1, optimizer)
    await whole.fit(x, y, fit)
    const middle = bitsOf(whole)
    await whole.fit(x, y, fit)

    const half = net(1, optimizer)
    await half.fit(x, y, fit)
    const resumed = load(half.save({ includeOptimizer: true }))
    expect(bitsOf(resumed)).toBe(middle)
    const history = await resumed.fit(x, y, fit)
    expect(bitsOf(resumed)).toBe(bitsOf(whole))
    expect(bitsOf(resumed)).not.toBe(middle)

    // and once more from a file of the resumed model: nothing was lost on the first way
    const again = load(half.save({ includeOptimizer: true }))
    expect(await again.fit(x, y, fit)).toEqual(history)
  })

  test('compiled again it starts anew: the bits of a fresh model with the same weights', async () => {
    const used = net(1, optimizer)
    await used.fit(x, y, fit)
    const fresh = net(1, optimizer)
    fresh.setWeights(used.getWeights())
    used.compile({ optimizer, loss: 'sparseCategoricalCrossentropy' })
    await used.fit(x, y, fit)
    await fresh.fit(x, y, fit)
    expect(bitsOf(used)).toBe(bitsOf(fresh))
  })

  test('without its state the optimizer starts anew', async () => {
    const model = net(1, optimizer)
    await model.fit(x, y, fit)
    const [kept, dropped] = [true, false].map((includeOptimizer) => load(model.save({ includeOptimizer })))
    kept.trainStep(x, y)
    dropped.trainStep(x, y)
    expect(bitsOf(kept)).not.toBe(bitsOf(dropped))
  })
})

describe('plans', () => {
  const batch = (rows: number): [Float32Array, Int32Array] => [
    x.subarray(0, rows * FEATURES),
    y.subarray(0, rows),
  ]

  test('runs of other modes and batch sizes between steps change nothing', async () => {
    const optimizer = optimizers.nadam({ learningRate: 0.01, clipNorm: 0.5 })
    const [plain, disturbed] = [net(2, optimizer), net(2, optimizer)]
    for (let step = 0; step < 6; step++) {
      const [xs, ys] = batch(8)
      plain.trainStep(xs, ys)
      disturbed.trainStep(xs, ys)
      disturbed.predict(batch(step + 1)[0])
      disturbed.gradients(...batch(5 + step), { inputs: true })
      await disturbed.evaluate(...batch(17), { batchSize: 4 })
      inspect(disturbed, { batchSize: 64 + step })
      disturbed.save({ includeOptimizer: true })
      if (step % 3 === 0) profile(disturbed, ...batch(3), { repeats: 2 })
    }
    expect(bitsOf(disturbed)).toBe(bitsOf(plain))
  })

  test('one epoch with a partial last batch is the same steps one by one', async () => {
    const optimizer = optimizers.adam({ learningRate: 0.01 })
    const [whole, single] = [net(2, optimizer), net(2, optimizer)]
    await whole.fit(x, y, { epochs: 2, batchSize: 8, shuffle: false }) // 8, 8, 8, 5
    for (let epoch = 0; epoch < 2; epoch++) {
      for (let from = 0; from < ROWS; from += 8) {
        const to = Math.min(ROWS, from + 8)
        single.trainStep(x.subarray(from * FEATURES, to * FEATURES), y.subarray(from, to))
      }
    }
    expect(bitsOf(single)).toBe(bitsOf(whole))
  })

  test("a row's prediction doesn't depend on the rows beside it", () => {
    const model = net(2, optimizers.sgd())
    const all = model.predict(x) as { data: Float32Array }
    for (const batchSize of [1, 2, 4, 7, 28]) {
      expect((model.predict(x, { batchSize }) as { data: Float32Array }).data).toEqual(all.data)
    }
  })
})
