// Normalization layers where golden cases don't reach: what moves the moving statistics and what doesn't, frozen
// layers, options, precision far from 0, constant channels, saving, bad input. Expectations come from the formulas in
// float64.
import { describe, expect, test } from 'vitest'
import {
  accumulateGradients,
  type BatchNormalizationOptions,
  batchNormalization,
  block,
  customLayer,
  dense,
  type FloatArray,
  groupNormalization,
  input,
  type Layer,
  layerNormalization,
  load,
  type Model,
  model,
  nonNeg,
  rmsNormalization,
  sequential,
  sgd,
  timeDistributed,
  unitNormalization,
} from '../../src/index.ts'
import { uniform } from '../../src/numerics/random.ts'
import { refused } from '../support/refused.ts'

const ROWS = 6
const CHANNELS = 3
const drawn = (count: number, stream: number, from = -1, to = 1): Float32Array => {
  const out = new Float32Array(count)
  uniform(out, 1, stream, from, to)
  return out
}
const x = drawn(ROWS * CHANNELS, 1, -1, 2)
const y = drawn(ROWS * CHANNELS, 2)

const single = (layer: Layer, inputShape: readonly (number | null)[] = [CHANNELS]): Model =>
  sequential({ inputShape, layers: [layer] }).compile({ optimizer: 'sgd', loss: 'mse' })
const numbers = (result: unknown): Float32Array => (result as FloatArray).data
const weight = (model: Model, name: string): Float32Array => model.getWeights()[name].data

function expectNear(got: ArrayLike<number>, want: readonly number[], tolerance = 1e-6): void {
  expect(got.length).toBe(want.length)
  want.forEach((value, i) => {
    expect(Math.abs(got[i] - value), `element ${i}: ${got[i]}, expected ${value}`).toBeLessThanOrEqual(
      tolerance * Math.max(1, Math.abs(value)),
    )
  })
}

/** Column c of an array of rows. */
const column = (data: Float32Array, c: number): number[] => [...data].filter((_, i) => i % CHANNELS === c)
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length
const variance = (values: readonly number[]): number =>
  mean(values.map((value) => (value - mean(values)) ** 2))

const means = [0, 1, 2].map((c) => mean(column(x, c)))
const variances = [0, 1, 2].map((c) => variance(column(x, c)))

describe('batch normalization', () => {
  const moving = (options: BatchNormalizationOptions) => {
    const model = single(batchNormalization({ name: 'bn', ...options }))
    model.trainStep(x, y)
    return [weight(model, 'bn/moving_mean'), weight(model, 'bn/moving_variance')]
  }

  test('a step moves the statistics from 0 and 1 towards those of the batch', () => {
    const [movedMean, movedVariance] = moving({ momentum: 0.75 })
    expectNear(
      movedMean,
      means.map((value) => 0.25 * value),
    )
    expectNear(
      movedVariance,
      variances.map((value) => 0.75 + 0.25 * value),
    )
  })

  test('their initializers, momentum 0.99 and the unbiased variance', () => {
    const [movedMean, movedVariance] = moving({
      movingMeanInitializer: 'ones',
      movingVarianceInitializer: 'zeros',
      unbiasedRunningVar: true,
    })
    expectNear(
      movedMean,
      means.map((value) => 0.99 + 0.01 * value),
    )
    expectNear(
      movedVariance,
      variances.map((value) => (0.01 * value * ROWS) / (ROWS - 1)),
    )
  })

  test('of one row: y is beta, the unbiased variance counts as 0', () => {
    const model = single(
      batchNormalization({ name: 'bn', unbiasedRunningVar: true, betaInitializer: 'ones', momentum: 0.5 }),
    )
    expect([...numbers(model.predict(x.subarray(0, 3), { training: true }))]).toEqual([1, 1, 1])
    model.trainStep(x.subarray(0, 3), y.subarray(0, 3))
    expect([...weight(model, 'bn/moving_variance')]).toEqual([0.5, 0.5, 0.5])
  })

  test('nothing but a training step moves them', async () => {
    const model = single(batchNormalization())
    const before = model.getWeights()
    model.predict(x)
    model.predict(x, { training: true })
    model.gradients(x, y)
    await model.evaluate(x, y)
    expect(model.getWeights()).toEqual(before)
  })

  test('inference takes the moving statistics, with and without gamma and beta', () => {
    const moved = { moving_mean: [0.5, -1, 2], moving_variance: [0.25, 4, 0.01] }
    const gamma = [2, -1, 0.5]
    const beta = [0.1, 0.2, -3]
    for (const scale of [true, false]) {
      for (const center of [true, false]) {
        const model = single(batchNormalization({ name: 'bn', scale, center, epsilon: 0.01 }))
        const given = { ...moved, ...(scale && { gamma }), ...(center && { beta }) }
        expect(Object.keys(model.getWeights()).sort()).toEqual(
          Object.keys(given)
            .map((name) => `bn/${name}`)
            .sort(),
        )
        model.setWeights(
          Object.fromEntries(
            Object.entries(given).map(([name, data]) => [`bn/${name}`, Float32Array.from(data)]),
          ),
        )
        const want = [...x].map((value, i) => {
          const c = i % CHANNELS
          const h = (value - moved.moving_mean[c]) / Math.sqrt(moved.moving_variance[c] + 0.01)
          return h * (scale ? gamma[c] : 1) + (center ? beta[c] : 0)
        })
        expectNear(numbers(model.predict(x)), want, 2e-6)
      }
    }
  })

  test('frozen, it is in inference mode in training too: nothing moves, gradients pass by the moving statistics', () => {
    const model = single(batchNormalization({ name: 'bn', trainable: false, epsilon: 0.5 }))
    model.setWeights({ 'bn/moving_variance': Float32Array.of(0.5, 3.5, 8.5) })
    const before = model.getWeights()
    const plain = numbers(model.predict(x))
    expect(numbers(model.predict(x, { training: true }))).toEqual(plain)
    const { input: dx, ...others } = model.gradients(x, y, { inputs: true })
    expect(others).toEqual({})
    const want = [...plain].map((value, i) => ((2 / x.length) * (value - y[i])) / [1, 2, 3][i % CHANNELS])
    expectNear(dx.data, want)
    model.trainStep(x, y)
    expect(model.getWeights()).toEqual(before)
  })

  test('far from 0 the variance keeps its digits', () => {
    const far = x.map((value) => 1000 + value) // rounded to float32: the formula takes these numbers
    const model = single(batchNormalization({ epsilon: 1e-5 }))
    const want = [...far].map((value, i) => {
      const own = column(far, i % CHANNELS)
      return (value - mean(own)) / Math.sqrt(variance(own) + 1e-5)
    })
    // the mean itself is rounded to a float32: half of 2^-14
    expectNear(numbers(model.predict(far, { training: true })), want, 2 ** -15 / 0.5)
  })

  test('a channel that never varies becomes beta', () => {
    const constant = x.map((value, i) => (i % CHANNELS === 1 ? 1234.567 : value))
    const model = single(batchNormalization({ name: 'bn', betaInitializer: 'ones' }))
    expect(column(numbers(model.predict(constant, { training: true })), 1)).toEqual(new Array(ROWS).fill(1))
  })

  test('gradients of gamma and beta alone where the input is the first layer', () => {
    const model = single(batchNormalization({ name: 'bn' }))
    const out = numbers(model.predict(x, { training: true }))
    const gradients = model.gradients(x, y)
    expect(Object.keys(gradients).sort()).toEqual(['bn/beta', 'bn/gamma'])
    const dy = out.map((value, i) => (2 / x.length) * (value - y[i]))
    expectNear(
      gradients['bn/beta'].data,
      [0, 1, 2].map((c) => column(dy, c).reduce((a, b) => a + b, 0)),
    )
    // gamma is 1 and beta 0: y is the normalized input
    expectNear(
      gradients['bn/gamma'].data,
      [0, 1, 2].map((c) => column(dy, c).reduce((sum, value, r) => sum + value * column(out, c)[r], 0)),
    )
  })

  test('an axis of unknown length', () => {
    const model = single(batchNormalization({ name: 'bn' }), [null, CHANNELS])
    const tall = { shape: [2, 3, CHANNELS], data: x }
    const wide = { shape: [3, 2, CHANNELS], data: x }
    expect(numbers(model.predict(tall, { training: true }))).toEqual(
      numbers(model.predict(wide, { training: true })),
    )
  })
})

// Expected: torch 1.13, BatchNorm1d(1, momentum=0.5, eps=1e-3) called on these batches one after another:
//   import torch; bn = torch.nn.BatchNorm1d(1, momentum=0.5, eps=1e-3)
//   for v in [[100, 102], [0, 2], [-7, 4]]: bn(torch.tensor(v).float().reshape(2, 1)); print(bn.running_mean, bn.running_var)
describe('a layer called several times moves its statistics call after call', () => {
  const batches = [
    [[100], [102]],
    [[0], [2]],
    [[-7], [4]],
  ]
  const running = [
    [50.5, 1.5],
    [25.75, 1.75],
    [12.125, 31.125],
  ]
  const bn = () => batchNormalization({ momentum: 0.5, unbiasedRunningVar: true, name: 'bn' })
  const build = (layer: Layer, calls: number, inputShape = [1], isInOrder = true) => {
    const inputs = Array.from({ length: calls }, () => input({ shape: inputShape }))
    const values = inputs.map((value) => layer(value))
    const outputs = isInOrder ? values : values.toReversed()
    return model({ inputs, outputs }).compile({ optimizer: 'sgd', loss: 'mse' })
  }
  /** The moving mean and variance, wherever they are. */
  const statistics = (net: Model) => {
    const weights = Object.entries(net.getWeights())
    return ['moving_mean', 'moving_variance'].map(
      (own) => weights.find(([name]) => name.endsWith(own))?.[1].data[0],
    )
  }
  const forms: Record<string, (inner: Layer) => Layer> = {
    alone: (inner) => inner,
    'in a block': (inner) => block({ layers: [inner] }),
    'in a block that recomputes': (inner) => block({ layers: [inner], recompute: true }),
    'in timeDistributed': (inner) => timeDistributed({ layer: inner }),
    'in a block in timeDistributed': (inner) => timeDistributed({ layer: block({ layers: [inner] }) }),
  }

  test.each(Object.keys(forms))('%s', (form) => {
    const isTimed = form.includes('timeDistributed')
    const take = (rows: number[][]) => (isTimed ? rows.map((row) => [row]) : rows) as number[][]
    for (const calls of [1, 2, 3]) {
      const net = build(forms[form](bn()), calls, isTimed ? [1, 1] : [1])
      const rows = batches.slice(0, calls).map(take)
      net.gradients(rows, rows)
      net.predict(rows, { training: true })
      expect(statistics(net)).toEqual([0, 1])
      net.trainStep(rows, rows)
      expectNear(statistics(net) as number[], running[calls - 1])
    }
  })

  test('in the order of the model, which its layers and outputs give', () => {
    const net = build(bn(), 2, [1], false) // the second input's call is the first
    net.trainStep([batches[1], batches[0]], [batches[0], batches[1]])
    expectNear(statistics(net) as number[], running[1])
  })

  test('frozen, nothing moves; accumulated steps move at each', () => {
    const frozen = batchNormalization({ momentum: 0.5, trainable: false })
    const net = build(frozen, 2)
    net.trainStep(batches.slice(0, 2), batches.slice(0, 2))
    expect(statistics(net)).toEqual([0, 1])
    const accumulating = build(bn(), 2)
    const optimizer = sgd({ accumulation: accumulateGradients(2), learningRate: 0 })
    accumulating.compile({ optimizer, loss: 'mse' })
    for (const rows of [
      [batches[0], batches[1]],
      [batches[2], batches[2]],
    ])
      accumulating.trainStep(rows, rows)
    // 12.125 as above, then once more half way to -1.5; the variance of -7 and 4 is 60.5
    expectNear(statistics(accumulating) as number[], [12.125 / 2 - 0.75, (31.125 + 60.5) / 2])
  })

  test('a custom layer: each call is given what the one before left, of weights that share a value too', () => {
    const counter = customLayer({
      kind: 'counter',
      build({ g, weight, assign }, [value]) {
        const options = { initializer: 'zeros', trainable: false } as const
        const [a, b] = [weight('a', [1], options), weight('b', [1], options)]
        const next = g.plus(a, g.constant(1))
        assign(a, next)
        assign(b, next)
        return g.plus(g.times(value, g.constant(0)), g.plus(a, b))
      },
    })({ name: 'counter' })
    const inputs = [1, 2, 3].map(() => input({ shape: [1] }))
    const values = model({ inputs, outputs: inputs.map((value) => counter(value)) })
    const rows = inputs.map(() => [[7]])
    const seen = values.predict(rows, { training: true }) as FloatArray[]
    expect(seen.map(({ data }) => data[0])).toEqual([0, 2, 4])
    values.compile({ optimizer: 'sgd', loss: 'mse' }).trainStep(rows, rows)
    values.trainStep(rows, rows)
    const { 'counter/a': a, 'counter/b': b } = values.getWeights()
    expect([a.data[0], b.data[0]]).toEqual([6, 6])
  })
})

describe('layer, RMS, group, unit', () => {
  const rows = Array.from({ length: ROWS }, (_, r) => [...x.subarray(r * CHANNELS, (r + 1) * CHANNELS)])

  test('layer normalization without gamma and beta has no weights', () => {
    const model = single(layerNormalization({ center: false, scale: false, epsilon: 0.01 }))
    expect(model.getWeights()).toEqual({})
    const want = rows.flatMap((row) =>
      row.map((value) => (value - mean(row)) / Math.sqrt(variance(row) + 0.01)),
    )
    expectNear(numbers(model.predict(x)), want)
  })

  test('the default epsilon is 1e-3, of RMS 1e-6', () => {
    const small = Float32Array.of(0.01, -0.01, 0)
    const two3 = (2 / 3) * 1e-4
    const of = (layer: Layer) => [...numbers(single(layer).predict(small))]
    const layer = 0.01 / Math.sqrt(two3 + 1e-3)
    expectNear(of(layerNormalization()), [layer, -layer, 0])
    const rms = 0.01 / Math.sqrt(two3 + 1e-6)
    expectNear(of(rmsNormalization()), [rms, -rms, 0])
    expectNear(of(rmsNormalization({ epsilon: undefined })), [rms, -rms, 0])
  })

  test('RMS does not subtract the mean', () => {
    const model = single(rmsNormalization({ name: 'rms', scaleInitializer: 'ones' }))
    expect(Object.keys(model.getWeights())).toEqual(['rms/scale'])
    const want = rows.flatMap((row) =>
      row.map((value) => value / Math.sqrt(mean(row.map((v) => v * v)) + 1e-6)),
    )
    expectNear(numbers(model.predict(x)), want)
  })

  test('a row that never varies becomes beta exactly, however large it is', () => {
    const model = single(layerNormalization({ epsilon: 1e-6, betaInitializer: 'ones' }), [7])
    expect([...numbers(model.predict(new Float32Array(7).fill(98765.4321)))]).toEqual(new Array(7).fill(1))
  })

  test('far from 0 the variance of a row keeps its digits', () => {
    const far = x.map((value) => 1000 + value)
    const want = Array.from({ length: ROWS }, (_, r) => [
      ...far.subarray(r * CHANNELS, (r + 1) * CHANNELS),
    ]).flatMap((row) => row.map((value) => (value - mean(row)) / Math.sqrt(variance(row) + 1e-3)))
    expectNear(numbers(single(layerNormalization()).predict(far)), want, 2 ** -15 / 0.1)
  })

  test('groups: -1 is a group for each channel', () => {
    const cells = { shape: [2, 3, CHANNELS], data: x }
    const instance = single(groupNormalization({ groups: -1 }), [3, CHANNELS])
    const groups = single(groupNormalization({ groups: CHANNELS }), [3, CHANNELS])
    expect(numbers(instance.predict(cells))).toEqual(numbers(groups.predict(cells)))
    const want = [...x].map((value, i) => {
      const start = i < 9 ? 0 : 9
      const own = column(x.slice(start, start + 9), i % CHANNELS)
      return (value - mean(own)) / Math.sqrt(variance(own) + 1e-3)
    })
    expectNear(numbers(instance.predict(cells)), want)
  })

  test('one group of [batch, channels] is layer normalization', () => {
    expectNear(numbers(single(groupNormalization({ groups: 1 })).predict(x)), [
      ...numbers(single(layerNormalization()).predict(x)),
    ])
  })

  test('a sample does not depend on the samples beside it', () => {
    const model = single(groupNormalization({ groups: 1 }))
    expect(numbers(model.predict(x.subarray(3, 6), { training: true }))).toEqual(
      numbers(model.predict(x, { training: true })).slice(3, 6),
    )
  })

  test('unit normalization: rows of length 1, a row of zeros stays', () => {
    const model = single(unitNormalization())
    const given = Float32Array.of(3, 0, -4, 0, 0, 0)
    expectNear(numbers(model.predict(given)), [0.6, 0, -0.8, 0, 0, 0])
    const { input: dx } = model.gradients(given, new Float32Array(6), { inputs: true })
    // d/dx of sum (x/|x|)^2 is 0, and of the row of zeros 0 too
    expectNear(dx.data, [0, 0, 0, 0, 0, 0])
  })
})

describe('saving', () => {
  test('a model with every kind comes back with its config, statistics and bits', () => {
    const model = sequential({
      inputShape: [4, 6],
      layers: [
        batchNormalization({ momentum: 0.8, unbiasedRunningVar: true, gammaRegularizer: { l2: 0.1 } }),
        layerNormalization({ scale: false, epsilon: 0.02, betaConstraint: nonNeg() }),
        rmsNormalization({ epsilon: 0.03 }),
        groupNormalization({ groups: 2, center: false }),
        unitNormalization(),
        dense({ units: 2 }),
        batchNormalization({ trainable: false }),
      ],
    }).compile({ optimizer: 'adam', loss: 'mse' })
    const given = drawn(5 * 24, 5)
    const target = drawn(5 * 8, 6)
    for (let step = 0; step < 3; step++) model.trainStep(given, target)
    const again = load(model.save({ includeOptimizer: true }))
    expect(again.getWeights()).toEqual(model.getWeights())
    expect(numbers(again.predict(given))).toEqual(numbers(model.predict(given)))
    expect(again.trainStep(given, target)).toEqual(model.trainStep(given, target))
    expect(again.getWeights()).toEqual(model.getWeights())
  })
})

describe('bad input', () => {
  type Make = (options?: never) => Layer
  const kinds: readonly (readonly [string, Make])[] = [
    ['batchNormalization', batchNormalization],
    ['layerNormalization', layerNormalization],
    ['rmsNormalization', rmsNormalization],
    ['groupNormalization', groupNormalization],
  ]
  test.each(kinds)('%s: epsilon', (kind, make) => {
    for (const epsilon of [0, -1, Number.NaN, '1'])
      refused(new RegExp(`^${kind}: epsilon must be a finite number > 0; got `), () =>
        make({ epsilon } as never),
      )
  })
  test.each([...kinds, ['unitNormalization', unitNormalization] as const])('%s: axis', (kind, make) => {
    const must = `${kind}: axis must be an integer other than 0 (the batch) or a list of such; got `
    refused(`${must}0`, () => make({ axis: 0 } as never))
    refused(`${must}[1,0.5]`, () => make({ axis: [1, 0.5] } as never))
    refused('layer norm: expected different axes of an input of rank 2; got [1,-1]', () =>
      single(make({ axis: [1, -1], name: 'norm' } as never)),
    )
  })
  test.each([...kinds, ['unitNormalization', unitNormalization] as const])('%s: rank', (_, make) => {
    refused('layer norm: expected an input [batch, ..., channels]; got [1]', () =>
      single(make({ name: 'norm' } as never), []),
    )
  })
  test.each(kinds)('%s: unknown options', (kind, make) => {
    refused(new RegExp(`^unknown ${kind} option "epsilom"; did you mean "epsilon"\\?`), () =>
      make({ epsilom: 1 } as never),
    )
  })
  test('momentum', () => {
    for (const momentum of [-0.1, 1.1, Number.NaN])
      refused(/^batchNormalization: momentum must be a number from 0 to 1; got /, () =>
        batchNormalization({ momentum }),
      )
  })
  test('flags', () => {
    refused('batchNormalization: unbiasedRunningVar must be a boolean; got 1', () =>
      batchNormalization({ unbiasedRunningVar: 1 as never }),
    )
    refused('layerNormalization: center must be a boolean; got "no"', () =>
      layerNormalization({ center: 'no' as never }),
    )
  })
  test('groups', () => {
    for (const groups of [0, -2, 1.5])
      refused(
        `groupNormalization: groups must be a positive integer or -1 (one for each channel); got ${groups}`,
        () => groupNormalization({ groups }),
      )
    refused("layer norm: 3 channels can't be split into 2 groups", () =>
      single(groupNormalization({ name: 'norm', groups: 2 })),
    )
  })
})

test('a batch of one number a channel has a variance of 0, unbiased or not', () => {
  for (const unbiasedRunningVar of [true, false]) {
    const layers = [batchNormalization({ momentum: 0.5, unbiasedRunningVar, name: 'bn' })]
    const net = sequential({ inputShape: [2], layers }).compile({ loss: 'mse', optimizer: 'sgd' })
    net.trainStep([[3, -5]], [[0, 0]])
    expect([...net.getWeights()['bn/moving_variance'].data]).toEqual([0.5, 0.5])
    expect([...net.getWeights()['bn/moving_mean'].data]).toEqual([1.5, -2.5])
  }
})

describe('values far from 0', () => {
  const rows = 4096
  const standard = Float64Array.from(drawn(rows, 5, -1, 1), (value) => value * Math.sqrt(3))
  const shifted = (far: number, width: number) => Float32Array.from(standard, (value) => far + width * value)
  const exact = (values: Float32Array) => {
    const center = values.reduce((sum, value) => sum + value, 0) / values.length
    return { center, squares: values.reduce((sum, value) => sum + (value - center) ** 2, 0) / values.length }
  }
  const FAR: [number, number][] = [
    [0, 1],
    [100, 1e-3],
    [1e4, 1],
    [1e6, 1],
    [-1e7, 1],
    [1e7, 300],
    [3e30, 1e25],
  ]

  test.each(FAR)('mean %d, deviation %d: the variance of a batch', (far, width) => {
    const values = shifted(far, width)
    const { center, squares } = exact(values)
    const model = sequential({
      inputShape: [1],
      layers: [batchNormalization({ name: 'bn', momentum: 0 })],
    }).compile({ optimizer: 'sgd', loss: 'mse' })
    model.trainStep(values, new Float32Array(rows))
    if (squares < 3e38) expect(weight(model, 'bn/moving_variance')[0] / squares).toBeCloseTo(1, 6)
    expect(Math.abs(weight(model, 'bn/moving_mean')[0] / (center || 1) - 1) * Number(far !== 0)).toBeLessThan(
      1e-7,
    )
  })

  const layers: [string, () => Layer, number[]][] = [
    ['layer', () => layerNormalization({ epsilon: 1e-9 }), [rows]],
    ['batch', () => batchNormalization({ epsilon: 1e-9 }), [1]],
    ['group', () => groupNormalization({ groups: 2, epsilon: 1e-9 }), [rows / 4, 4]],
    ['instance', () => groupNormalization({ groups: 1, epsilon: 1e-9 }), [rows, 1]],
  ]
  test.each(layers.flatMap((row) => FAR.slice(0, 6).map((far) => [...row, ...far] as const)))(
    '%s normalization of %o%o, mean %d, deviation %d',
    (name, layer, shape, far, width) => {
      const values = shifted(far, width)
      const channels = shape[shape.length - 1]
      const groupOf = (i: number) => (name === 'group' ? Math.floor((i % channels) / 2) : 0)
      const groups = [0, 1].map((group) => exact(values.filter((_, i) => groupOf(i) === group)))
      const model = sequential({ inputShape: [...shape], layers: [layer()] })
      const got = numbers(model.predict(values, { training: true, batchSize: rows }))
      let worst = 0
      values.forEach((value, i) => {
        const { center, squares } = groups[groupOf(i)]
        worst = Math.max(worst, Math.abs(got[i] - (value - center) / Math.sqrt(squares + 1e-9)))
      })
      expect(worst).toBeLessThan(2e-6)
    },
  )
})

describe('a single value has no gradient', () => {
  const layers: [string, () => Layer, number[]][] = [
    ['layer', () => layerNormalization(), [5, 1]],
    ['batch, one row', () => batchNormalization(), [5]],
    ['group of one channel', () => groupNormalization({ groups: 5 }), [1, 5]],
  ]
  test.each(layers)('%s', (_, layer, shape) => {
    const last = shape[shape.length - 1]
    const model = sequential({
      inputShape: shape,
      layers: [dense({ units: last, name: 'before' }), layer(), dense({ units: 3 })],
    }).compile({ optimizer: sgd({ learningRate: 1e3 }), loss: 'mse' })
    const before = weight(model, 'before/kernel').slice()
    model.trainStep(drawn(5, 7), drawn(shape.length === 2 ? 3 * shape[0] : 3, 8))
    expect([...weight(model, 'before/kernel')]).toEqual([...before])
  })
})
