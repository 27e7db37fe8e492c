// Dropout and noise: what is drawn (shares and moments within five standard deviations), when (training alone), from
// what (the seed, the layer's name, the step), and that the backward pass meets the numbers of the forward pass.
import { describe, expect, test } from 'vitest'
import {
  alphaDropout,
  dense,
  dropout,
  type FloatArray,
  gaussianDropout,
  gaussianNoise,
  type Layer,
  load,
  type Model,
  sequential,
  spatialDropout1d,
  spatialDropout2d,
  spatialDropout3d,
} from '../../src/index.ts'
import { inspect } from '../../src/inspect/index.ts'
import { normal, uniform } from '../../src/numerics/random.ts'
import { serveModels, workerModel } from '../../src/worker/index.ts'
import { refused } from '../support/refused.ts'

const COUNT = 40000
const ones = new Float32Array(COUNT).fill(1)
const single = (layer: Layer, inputShape: readonly number[] = [COUNT], seed = 1): Model =>
  sequential({ inputShape, layers: [layer], seed }).compile({ optimizer: 'sgd', loss: 'mse' })
const numbers = (result: unknown): Float32Array => (result as FloatArray).data
/** One training-mode run as one batch. */
const run = (model: Model, x: Float32Array): Float32Array =>
  numbers(model.predict(x, { training: true, batchSize: x.length }))
const mean = (values: Float32Array): number => values.reduce((a, b) => a + b, 0) / values.length
const variance = (values: Float32Array): number => {
  const middle = mean(values)
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / values.length
}
const near = (got: number, want: number, sigma: number) =>
  expect(Math.abs(got - want)).toBeLessThan((5 * sigma) / Math.sqrt(COUNT))

const all: readonly (readonly [string, (own?: object) => Layer, readonly number[]])[] = [
  ['dropout', (own) => dropout({ rate: 0.3, ...own }), [4, 6]],
  ['dropout of a shape', (own) => dropout({ rate: 0.3, noiseShape: [null, 1, null], ...own }), [4, 6]],
  ['spatialDropout1d', (own) => spatialDropout1d({ rate: 0.3, ...own }), [4, 6]],
  ['spatialDropout2d', (own) => spatialDropout2d({ rate: 0.3, ...own }), [2, 2, 6]],
  ['spatialDropout3d', (own) => spatialDropout3d({ rate: 0.3, ...own }), [2, 1, 2, 6]],
  ['alphaDropout', (own) => alphaDropout({ rate: 0.3, ...own }), [4, 6]],
  ['gaussianDropout', (own) => gaussianDropout({ rate: 0.3, ...own }), [4, 6]],
  ['gaussianNoise', (own) => gaussianNoise({ stddev: 0.3, ...own }), [4, 6]],
]

const x = new Float32Array(5 * 24)
uniform(x, 3, 3, 0.5, 2)

describe.each(all)('%s', (_, make, shape) => {
  test('the identity in inference, something else in training', async () => {
    const model = single(make(), shape)
    expect(numbers(model.predict(x))).toEqual(x)
    expect(run(model, x)).not.toEqual(x)
    const { loss } = (await model.evaluate(x, x)) as { loss: number }
    expect(loss).toBe(0)
  })

  test('the same seed gives the same bits, another seed or name others', () => {
    const first = run(single(make({ name: 'a' }), shape), x)
    expect(run(single(make({ name: 'a' }), shape), x)).toEqual(first)
    expect(run(single(make({ name: 'a' }), shape, 2), x)).not.toEqual(first)
    expect(run(single(make({ name: 'a' }), shape, 1 + 2 ** 32), x)).not.toEqual(first)
    expect(run(single(make({ name: 'b' }), shape), x)).not.toEqual(first)
  })

  test('each training step draws anew; what runs between the steps changes nothing', () => {
    const [model, other] = [single(make(), shape), single(make(), shape)]
    const seen: number[] = []
    for (let step = 0; step < 4; step++) {
      model.gradients(x, x)
      run(model, x)
      seen.push(model.trainStep(x, x).loss)
      expect(other.trainStep(x, x).loss).toBe(seen[step])
    }
    expect(new Set(seen).size).toBe(4)
  })

  test('each prediction as in training draws anew, in every batch; the same calls give the same bits', async () => {
    const thrice = Float32Array.from({ length: 3 * x.length }, (_, i) => x[i % x.length])
    const batches = (data: Float32Array) =>
      Array.from({ length: data.length / x.length }, (_, i) =>
        String(data.subarray(i * x.length, (i + 1) * x.length)),
      )
    const draws = async (model: Model) => {
      const options = { training: true, batchSize: 5 }
      const calls = [thrice, x, x].map((data) => numbers(model.predict(data, options)))
      calls.push(numbers(await model.predict([{ x }, { x: thrice }], options)))
      return calls.flatMap(batches)
    }
    const model = single(make(), shape)
    const first = await draws(model)
    model.trainStep(x, x)
    const seen = [...first, ...(await draws(model))]
    expect(seen).toHaveLength(18)
    expect(new Set(seen).size).toBe(18)
    expect(await draws(single(make(), shape))).toEqual(first)
  })

  test('the gradient is that of a training step with the same numbers', () => {
    const target = new Float32Array(x.length)
    const lossAt = (given: Float32Array): number => single(make(), shape).trainStep(given, target).loss
    const { input: dx } = single(make(), shape).gradients(x, target, { inputs: true })
    const h = 2 ** -4 // the loss is a parabola: central differences have no error but rounding
    for (const i of [0, 1, 2, 3, 7, 23, 64, x.length - 1]) {
      const moved = (by: number) => lossAt(x.map((value, j) => (j === i ? value + by : value)))
      expect(Math.abs(dx.data[i] - (moved(h) - moved(-h)) / (2 * h))).toBeLessThan(1e-4)
    }
    expect(new Set(dx.data).size).toBeGreaterThan(1)
  })

  test('saved in the middle, loaded and continued gives the bits of the uninterrupted run', () => {
    const net = () =>
      sequential({ inputShape: shape, layers: [make(), dense({ units: 2 })], seed: 4 }).compile({
        optimizer: 'adam',
        loss: 'mse',
      })
    const target = new Float32Array((x.length / 6) * 2)
    const steps = (model: Model, count: number) => {
      for (let step = 0; step < count; step++) model.trainStep(x, target)
    }
    const whole = net()
    steps(whole, 6)
    const half = net()
    steps(half, 3)
    const resumed = load(half.save({ includeOptimizer: true }))
    steps(resumed, 3)
    expect(resumed.getWeights()).toEqual(whole.getWeights())
  })
})

test('a worker draws what would be drawn here, from call to call', async () => {
  const { port1: worker, port2: port } = new MessageChannel()
  serveModels({ port })
  const make = () => single(dropout({ rate: 0.5 }), [24])
  const [here, there] = [make(), make()]
  const draw = () => numbers(here.predict(x, { training: true }))
  expect(run(there, x)).toEqual(draw())
  const remote = await workerModel(there, { worker })
  for (let call = 0; call < 3; call++)
    expect(numbers(await remote.predict(x, { training: true }))).toEqual(draw())
  expect(numbers((await remote.model()).predict(x, { training: true }))).toEqual(draw())
  await remote.close()
  worker.close()
})

describe('what is drawn', () => {
  test.each([0.1, 0.5, 0.9])('dropout: 0 with probability %f, else times 1 / (1 - rate)', (rate) => {
    const out = run(single(dropout({ rate })), ones)
    const kept = Math.fround(1 / (1 - Math.fround(rate)))
    const values = [...new Set(out)].sort()
    expect(values[0]).toBe(0)
    expect(values.length).toBe(2)
    expect(Math.abs(values[1] / kept - 1)).toBeLessThan(1e-6)
    near(out.filter((value) => value === 0).length / COUNT, rate, Math.sqrt(rate * (1 - rate)))
  })

  test('two layers of one model draw independently', () => {
    const model = sequential({
      inputShape: [COUNT],
      layers: [dropout({ rate: 0.5 }), dropout({ rate: 0.5 })],
    }).compile({ loss: 'mse' })
    const out = run(model, ones)
    near(out.filter((value) => value > 0).length / COUNT, 0.25, Math.sqrt(0.25 * 0.75))
  })

  test.each([
    ['spatialDropout1d', spatialDropout1d, [5]],
    ['spatialDropout2d', spatialDropout2d, [2, 3]],
    ['spatialDropout3d', spatialDropout3d, [2, 1, 3]],
  ] as const)('%s: whole channels of a sample', (_, make, axes) => {
    const [samples, channels] = [20, 10]
    const cells = axes.reduce((a: number, b) => a * b, 1)
    const given = ones.subarray(0, samples * cells * channels)
    const out = run(single(make({ rate: 0.4 }), [...axes, channels]), given)
    let dropped = 0
    for (let n = 0; n < samples; n++) {
      for (let c = 0; c < channels; c++) {
        const own = Array.from({ length: cells }, (_, i) => out[(n * cells + i) * channels + c])
        expect(new Set(own).size).toBe(1)
        if (own[0] === 0) dropped++
      }
    }
    const count = samples * channels
    expect(Math.abs(dropped / count - 0.4)).toBeLessThan(5 * Math.sqrt(0.24 / count))
  })

  test('noiseShape: one fate along the axes of size 1', () => {
    const model = single(dropout({ rate: 0.5, noiseShape: [1, null, 1] }), [100, 4])
    const out = run(model, ones.subarray(0, 800))
    const fates = Array.from(
      { length: 100 },
      (_, t) => new Set([0, 1, 2, 3].flatMap((c) => [0, 400].map((n) => out[n + t * 4 + c]))),
    )
    expect(fates.every(({ size }) => size === 1)).toBe(true)
    expect(new Set(fates.map((fate) => [...fate][0]))).toEqual(new Set([0, 2]))
  })

  test('gaussianNoise: mean 0, its standard deviation', () => {
    const added = run(single(gaussianNoise({ stddev: 0.5 })), ones).map((value) => value - 1)
    near(mean(added), 0, 0.5)
    near(variance(added), 0.25, 0.25 * Math.SQRT2)
  })

  test('gaussianDropout: mean 1, standard deviation sqrt(rate / (1 - rate)), times x', () => {
    const out = run(
      single(gaussianDropout({ rate: 0.2 })),
      ones.map(() => 2),
    )
    near(mean(out), 2, 2 * 0.5)
    near(variance(out), 4 * 0.25, Math.SQRT2)
  })

  test('alphaDropout: values of the formula, mean 0 and variance 1 stay', () => {
    const given = new Float32Array(COUNT)
    normal(given, 8, 8)
    const rate = 0.2
    const lowest = -1.0507009873554805 * 1.6732632423543772
    const a = ((1 - rate) * (1 + rate * lowest ** 2)) ** -0.5
    const b = -a * lowest * rate
    const out = run(single(alphaDropout({ rate })), given)
    const isDropped = out.map((value) => Number(Math.abs(value - (a * lowest + b)) < 1e-5))
    const off = out.map((value, i) => (isDropped[i] ? 0 : Math.abs(value - (a * given[i] + b))))
    expect(Math.max(...off)).toBeLessThan(1e-5)
    near(mean(isDropped), rate, 0.4)
    near(mean(out), 0, 1)
    expect(Math.abs(variance(out) - 1)).toBeLessThan(0.05)
  })

  test('rate 0 and standard deviation 0 are the identity in training too', () => {
    const layers = [
      dropout({ rate: 0 }),
      spatialDropout1d({ rate: 0 }),
      alphaDropout({ rate: 0 }),
      gaussianDropout({ rate: 0 }),
      gaussianNoise({ stddev: 0 }),
    ]
    for (const layer of layers) expect(run(single(layer, [4, 6]), x)).toEqual(x)
  })

  test('the option seed is taken and changes nothing', () => {
    expect(run(single(dropout({ rate: 0.5, seed: 77, name: 'a' })), ones)).toEqual(
      run(single(dropout({ rate: 0.5, name: 'a' })), ones),
    )
  })

  test('dropout keeps no mask: its gradient draws again', () => {
    const net = sequential({
      inputShape: [1000],
      layers: [dense({ units: 1000 }), dropout({ rate: 0.5 }), dense({ units: 1 })],
    }).compile({ loss: 'mse' })
    const text = inspect(net, { batchSize: 4 }).graph
    expect(text.match(/= dropout /g)?.length).toBe(2)
    expect(text).not.toMatch(/= random /)
  })
})

describe('bad input', () => {
  test.each([
    ['dropout', dropout],
    ['spatialDropout1d', spatialDropout1d],
    ['spatialDropout2d', spatialDropout2d],
    ['spatialDropout3d', spatialDropout3d],
    ['alphaDropout', alphaDropout],
    ['gaussianDropout', gaussianDropout],
  ] as const)('%s: rate', (kind, make) => {
    for (const rate of [-0.1, 1, 1.5, Number.NaN, undefined])
      refused(`${kind}: rate must be a number >= 0 and < 1; got ${rate}`, () =>
        make({ rate: rate as number }),
      )
  })
  test('stddev', () => {
    refused('gaussianNoise: stddev must be a finite number >= 0; got -1', () => gaussianNoise({ stddev: -1 }))
  })
  test('unknown options', () => {
    refused(/^unknown dropout option "ratio"; did you mean "rate"\?/, () => dropout({ ratio: 0.5 } as never))
    refused(/^unknown gaussianNoise option "rate"/, () => gaussianNoise({ rate: 0.5 } as never))
  })
  test('ranks', () => {
    refused('layer drop: expected an input [batch, steps, channels]; got [1,4]', () =>
      single(spatialDropout1d({ name: 'drop', rate: 0.5 }), [4]),
    )
    refused('layer drop: expected an input [batch, height, width, channels]; got [1,4]', () =>
      single(spatialDropout2d({ name: 'drop', rate: 0.5 }), [4]),
    )
  })
  test('noiseShape', () => {
    refused('dropout: noiseShape must be a list of positive integers (or null); got 3', () =>
      dropout({ rate: 0.5, noiseShape: 3 as never }),
    )
    refused("layer drop: noiseShape [1,2] doesn't broadcast to its input [1,4]", () =>
      single(dropout({ name: 'drop', rate: 0.5, noiseShape: [1, 2] }), [4]),
    )
  })
})
