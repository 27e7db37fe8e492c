// Layers and losses of a user's own from graph operations: their values and gradients against formulas in float64 and
// central differences, saving and loading, and what is refused.
import { describe, expect, test } from 'vitest'
import {
  block,
  customLayer,
  customLoss,
  dense,
  embedding,
  type GraphBuilder,
  input,
  LanegradError,
  type Loss,
  load,
  type Model,
  model,
  type Symbolic,
  sequential,
  sgd,
  type Value,
} from '../../src/index.ts'
import { refused } from '../support/refused.ts'

type Net = Model<Symbolic>
const x = Array.from({ length: 6 }, (_, i) => [Math.sin(i + 1), Math.cos(2 * i), i / 6 - 0.4])
const y = x.map(([a, b, c]) => [a - b, b * c + 0.3])

/** y = tanh(gain x) x, a gain for each feature. */
const gated = customLayer({
  kind: 'gated',
  config: { start: 1, power: 1 },
  build({ g, weight }, [value], { start, power }) {
    const gain = weight('gain', [value.shape[value.shape.length - 1]], {
      initializer: { kind: 'constant', value: start },
    })
    let gate = g.unary('tanh', g.times(value, gain))
    for (let i = 1; i < power; i++) gate = g.times(gate, gate)
    return g.times(gate, value)
  },
})

/** Every gradient of the model against central differences of its loss. */
async function checkGradients(net: Net, truth: number[][], sampleWeight?: number[]): Promise<void> {
  const options = sampleWeight ? { sampleWeight } : {}
  const gradients = net.gradients(x, truth, options)
  const step = 1 / 256
  for (const [name, { data, shape }] of Object.entries(net.getWeights())) {
    for (let i = 0; i < data.length; i++) {
      const lossAt = async (value: number) => {
        const moved = data.slice()
        moved[i] = value
        net.setWeights({ [name]: { data: moved, shape } })
        return (await net.evaluate(x, truth, options)).loss
      }
      const slope = ((await lossAt(data[i] + step)) - (await lossAt(data[i] - step))) / (2 * step)
      expect(Math.abs(gradients[name].data[i] - slope), `${name}[${i}]`).toBeLessThan(1e-3)
    }
    net.setWeights({ [name]: { data, shape } })
  }
}

const build = (loss: Loss | 'mse' = 'mse', seed = 3): Net =>
  sequential({
    inputShape: [3],
    seed,
    layers: [dense({ units: 4 }), gated({ start: 0.7, name: 'gate' }), dense({ units: 2 })],
  }).compile({ optimizer: sgd({ learningRate: 0.1 }), loss })

describe('customLayer', () => {
  test('computes what its operations say, with the options given', () => {
    for (const [options, formula] of [
      [{}, (v: number) => Math.tanh(v) * v],
      [{ start: 0.5, power: 2 }, (v: number) => Math.tanh(0.5 * v) ** 2 * v],
    ] as const) {
      const net = sequential({ inputShape: [3], layers: [gated(options)] })
      const got = net.predict(x).data
      x.flat().forEach((value, i) => {
        expect(got[i]).toBeCloseTo(formula(value), 6)
      })
      expect(Object.keys(net.getWeights())).toEqual(['gated_1/gain'])
    }
  })

  test('its gradients come with the operations', () => checkGradients(build(), y))

  test('a weight starts from glorotUniform, or from what is named', () => {
    const plain = customLayer({
      kind: 'plain',
      build: ({ g, weight }, [value]) => g.matmul(value, weight('w', [3, 2])),
    })
    const named = customLayer({
      kind: 'named',
      build: ({ g, weight }, [value]) => g.times(value, weight('w', [2], { initializer: 'ones' })),
    })
    const net = sequential({ inputShape: [3], layers: [plain(), named()] })
    const { 'plain_1/w': drawn, 'named_1/w': ones } = net.getWeights()
    expect(ones.data).toEqual(new Float32Array([1, 1]))
    expect(new Set(drawn.data).size).toBe(6)
    for (const value of drawn.data) expect(Math.abs(value)).toBeLessThan(Math.sqrt(6 / 5))
  })

  test('trains, freezes, goes into blocks and takes several inputs', () => {
    const mixed = customLayer({
      kind: 'mixed',
      build: ({ g }, [a, b]) => g.scale(g.plus(a, b), 0.5),
    })
    const value = input({ shape: [3] })
    const inside = block({
      layers: [gated({ power: 2 }), dense({ units: 3 })],
      recompute: true,
      name: 'inside',
    })
    const net: Net = model({
      inputs: value,
      outputs: mixed()(gated({ trainable: false, name: 'frozen' })(value), inside(value)),
    })
    net.compile({ loss: 'mse' })
    const before = net.getWeights()
    net.trainStep(x, x)
    const after = net.getWeights()
    expect(after['frozen/gain']).toEqual(before['frozen/gain'])
    expect(after['inside/gated_1/gain']).not.toEqual(before['inside/gated_1/gain'])
  })

  test('is saved by its kind and options, and loaded with the constructor', () => {
    const net = build()
    const bytes = net.save()
    refused(/^unknown layer "gated"\. .*those of load\(bytes, \{ layers: \[\.\.\.\] \}\)$/, () => load(bytes))
    const again = load(bytes, { layers: [gated] })
    for (const each of [net, again]) each.trainStep(x, y)
    expect(again.getWeights()).toEqual(net.getWeights())
    expect(again.save()).toEqual(net.save())
    const nested = sequential({ inputShape: [3], layers: [block({ layers: [gated({ power: 3 })] })] })
    expect(load(nested.save(), { layers: [gated] }).predict(x)).toEqual(nested.predict(x))
  })

  test('refused: bad definitions, options and results', () => {
    refused('customLayer: kind must be a name of letters and digits; got "my layer"', () =>
      customLayer({ kind: 'my layer', build: gated as never }),
    )
    refused(/^customLayer: kind must be a name of letters and digits; got "k{60}/, () =>
      customLayer({ kind: 'k'.repeat(101), build: gated as never }),
    )
    refused('customLayer: build must be a function; got undefined', () => customLayer({ kind: 'a' } as never))
    refused(/^unknown customLayer option "confg"; did you mean "config"/, () =>
      customLayer({
        kind: 'a',
        build: (_: unknown, [value]: readonly unknown[]) => value,
        confg: {},
      } as never),
    )
    refused(/^unknown gated option "strat"; did you mean "start"/, () => gated({ strat: 2 } as never))
    refused('gated: start must be plain data (JSON); got function start', () =>
      gated({ start: (() => 1) as never }),
    )
    refused('layer nothing_1: the result of build must be a value; got undefined', () =>
      sequential({
        inputShape: [3],
        layers: [customLayer({ kind: 'nothing', build: () => undefined as never })()],
      }),
    )
    const chain = (build: Parameters<typeof customLayer>[0]['build']) => {
      const layers = [dense({ units: 3 }), customLayer({ kind: 'own', build })(), dense({ units: 2 })]
      return sequential({ inputShape: [3], layers })
    }
    const still = { initializer: 'zeros', trainable: false } as const
    const first = 'layer own_1: the result of build must be a value with the batch axis first'
    refused(`${first}; got [3,1]`, () => chain(({ g }, [value]) => g.reshape(value, [3, 1])))
    refused('layer own_1: assign: expected a weight and a value of its shape; got [2] and [1,3]', () =>
      chain(({ assign, weight }, [value]) => {
        assign(weight('w', [2], still), value)
        return value
      }),
    )
    for (const bad of ['inner/kernel', '', undefined]) {
      refused(/^layer own_1: name of a weight must be up to 128 characters without space, /, () =>
        chain(({ g, weight }, [value]) => g.times(value, weight(bad as string, [3]))),
      )
    }
    refused(/^layer own_1: name of a nested layer must be up to 128 .*; got "a\/b"/, () =>
      chain(({ g, nested }, [value]) => g.times(value, nested('a/b').weight('w', [3]))),
    )
    refused(/^layer own_1: unknown unary function "toString"\. Known: /, () =>
      chain(({ g }, [value]) => g.unary('toString' as never, value)),
    )
    refused('layer own_1: what binary works on must be values of the graph; got "1"', () =>
      chain(({ g }, [value]) => g.plus(value, '1' as never)),
    )
    const alone = (build: Parameters<typeof chain>[0]) =>
      Array.from(
        sequential({ inputShape: [2], layers: [customLayer({ kind: 'own', build })()] }).predict([[1, 2]])
          .data,
      )
    expect(alone(({ g }, [value]) => g.times(-1, value))).toEqual([-1, -2])
    expect(alone(({ g }, [value]) => g.minus(g.plus(value, value), 1))).toEqual([1, 3])
    const byBatch = chain(({ g, weight }, [value]) => g.plus(value, weight('w', [value.shape[0], 3])))
    byBatch.predict([[1, 2, 3]])
    const rows = [
      [1, 2, 3],
      [4, 5, 6],
    ]
    refused('weight own_1/w would take its shape from the batch: [2,3]', () => byBatch.predict(rows), byBatch)
    refused('layer picky_1: expected 4 features', () =>
      sequential({
        inputShape: [3],
        layers: [
          customLayer({
            kind: 'picky',
            build(_, [value]) {
              if (value.shape[1] !== 4) throw new LanegradError('expected 4 features')
              return value
            },
          })(),
        ],
      }),
    )
    refused('load: layers: the kind dense is taken', () =>
      load(build().save(), { layers: [customLayer({ kind: 'dense', build: (_, [value]) => value })] }),
    )
    refused('load: layers must be a list of results of customLayer; got [{}]', () =>
      load(build().save(), { layers: [{}] as never }),
    )
  })
})

/** (1 + |p - y|)^2 - 1 by element; the same summed over the row. */
const elementLoss = customLoss('element', (g, truth, prediction) => {
  const distance = g.plus(g.unary('abs', g.minus(prediction, truth)), g.constant(1))
  return g.minus(g.times(distance, distance), g.constant(1))
})
const rowLoss = customLoss('row', (g, truth, prediction) => {
  const difference = g.minus(prediction, truth)
  return g.sum(g.times(difference, difference), [1])
})
const scalarLoss = customLoss('scalar', (g, truth, prediction) => {
  const difference = g.mean(g.minus(prediction, truth))
  return g.times(difference, difference)
})

describe('customLoss', () => {
  const predictions = (net: Net) => {
    const { data } = net.predict(x)
    return y.map((row, i) => row.map((truth, j) => [data[2 * i + j], truth] as const))
  }
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length
  const weights = [1, 2, 0, 0.5, 3, 1]

  test.each([
    [
      'by element',
      elementLoss,
      (rows: (readonly [number, number])[][], w: readonly number[]) =>
        mean(rows.flatMap((row, i) => row.map(([p, t]) => w[i] * ((1 + Math.abs(p - t)) ** 2 - 1)))),
    ],
    [
      'by row',
      rowLoss,
      (rows: (readonly [number, number])[][], w: readonly number[]) =>
        mean(rows.map((row, i) => w[i] * row.reduce((sum, [p, t]) => sum + (p - t) ** 2, 0))),
    ],
  ])('%s: the mean, with and without sample weights, and its gradients', async (_, loss, formula) => {
    const net = build(loss)
    const rows = predictions(net)
    expect((await net.evaluate(x, y)).loss).toBeCloseTo(
      formula(
        rows,
        x.map(() => 1),
      ),
      5,
    )
    expect((await net.evaluate(x, y, { sampleWeight: weights })).loss).toBeCloseTo(formula(rows, weights), 5)
    await checkGradients(net, y)
    await checkGradients(net, y, weights)
  })

  test('a single number is the loss', async () => {
    const net = build(scalarLoss)
    const difference = mean(predictions(net).flatMap((row) => row.map(([p, t]) => p - t)))
    expect((await net.evaluate(x, y)).loss).toBeCloseTo(difference ** 2, 6)
    await checkGradients(net, y)
    refused('loss scalar must give a value for each weight (or mask) [6]; got []', () =>
      net.trainStep(x, y, { sampleWeight: weights }),
    )
  })

  test('trains, has a weight among several outputs, and may be a metric', async () => {
    const value = input({ shape: [3] })
    const trunk = dense({ units: 4, activation: 'tanh' })(value)
    const net = model({
      inputs: value,
      outputs: { a: dense({ units: 2 })(trunk), b: dense({ units: 2 })(trunk) },
    }).compile({
      optimizer: sgd({ learningRate: 0.05 }),
      loss: { a: elementLoss, b: 'mse' },
      lossWeights: { a: 0.25, b: 2 },
      metrics: { b: [rowLoss] },
    })
    const truth = { a: y, b: y }
    const { loss, a_loss, b_loss, b_row } = await net.evaluate(x, truth)
    expect(loss).toBeCloseTo(0.25 * a_loss + 2 * b_loss, 5)
    const { a, b } = net.predict(x)
    const errors = (p: ArrayLike<number>) => y.flat().map((t, i) => Math.abs(p[i] - t))
    expect(a_loss).toBeCloseTo(mean(errors(a.data).map((d) => (1 + d) ** 2 - 1)), 5)
    expect(b_loss).toBeCloseTo(mean(errors(b.data).map((d) => d * d)), 5)
    expect(b_row).toBeCloseTo(2 * mean(errors(b.data).map((d) => d * d)), 5) // two elements a row
    const { history } = { history: await net.fit(x, truth, { epochs: 30, batchSize: 3 }) }
    expect(history.loss[29]).toBeLessThan(history.loss[0] / 2)
  })

  test('a model saved with it needs it, or no training', () => {
    const net = build(elementLoss)
    const bytes = net.save({ includeOptimizer: true })
    refused(
      'the file was compiled with your own "element": load(bytes, { losses: [...] }) or { compile: false }',
      () => load(bytes, { layers: [gated] }),
    )
    const again = load(bytes, { layers: [gated], losses: [rowLoss, elementLoss] })
    for (const each of [net, again]) each.trainStep(x, y)
    expect(again.getWeights()).toEqual(net.getWeights())
    const measured = build()
    measured.compile({ loss: 'mse', metrics: [rowLoss] })
    const { row } = load(measured.save(), { layers: [gated], losses: [rowLoss] }).trainStep(x, y)
    expect(row).toBe(measured.trainStep(x, y).row)
    const bare = load(bytes, { layers: [gated], compile: false })
    expect(bare.predict(x)).toEqual(build(elementLoss).predict(x))
    refused('the model has no loss and optimizer yet: call compile first', () => bare.trainStep(x, y))
  })

  test('refused: a single number where the mask of the output weighs steps', () => {
    const masked = sequential({
      inputShape: [3],
      inputDtype: 'int32',
      layers: [embedding({ inputDim: 4, outputDim: 2, maskZero: true })],
    }).compile({ loss: scalarLoss })
    refused(
      /^loss scalar must give a value for each weight \(or mask\) \[1,3\]; got \[\]$/,
      () =>
        masked.trainStep(
          [[1, 2, 0]],
          [
            [
              [1, 2],
              [3, 4],
              [5, 6],
            ],
          ],
        ),
      masked,
    )
  })

  test('refused: names that are taken, values of another shape', () => {
    refused('customLoss: the name mse is taken', () => customLoss('mse', (g, a, b) => g.minus(a, b)))
    refused('customLoss: name must be a name of letters and digits; got "a b"', () =>
      customLoss('a b', (g, a, b) => g.minus(a, b)),
    )
    const bad = (write: (g: GraphBuilder, truth: Value, prediction: Value) => Value) => () =>
      build(customLoss('bad', write)).trainStep(x, y)
    refused(
      'loss bad must give one number or values of the first axes of [6,2]; got [2]',
      bad((g, truth, prediction) => g.sum(g.minus(truth, prediction), [0])),
    )
    refused(
      'loss bad must give one number or values of the first axes of [6,2]; got undefined',
      bad(() => undefined as never),
    )
    const revoked = Proxy.revocable({}, {})
    revoked.revoke()
    refused(
      "loss bad can't be read: Cannot perform 'has' on a proxy that has been revoked",
      bad(() => revoked.proxy as never),
    )
    refused(
      /^loss bad must give .*; got \{ shape \}$/,
      bad(() => ({ shape: [] }) as never),
    )
    refused('load: losses must be a list of results of customLoss or graphLoss; got ["mse"]', () =>
      load(build().save(), { losses: ['mse'] as never }),
    )
  })
})

test('an output of one number a sample, without an axis of its own: losses, weights, metrics', async () => {
  const total = customLayer({ kind: 'total', build: ({ g }, [value]) => g.sum(value, [1]) })
  const net = sequential({ inputShape: [2], layers: [total()] })
  net.compile({ optimizer: 'sgd', loss: 'mse', metrics: ['mae'] })
  const rows = [
    [1, 2],
    [3, 4],
    [5, 6],
  ]
  expect([...net.predict(rows).data]).toEqual([3, 7, 11])
  // errors 1, 2, 4
  const logs = await net.evaluate(rows, [2, 5, 7])
  expect([logs.loss, logs.mae]).toEqual([7, expect.closeTo(7 / 3, 6)])
  expect((await net.evaluate(rows, [2, 5, 7], { sampleWeight: [1, 2, 0] })).loss).toBe(3)
  expect(net.trainStep(rows, [2, 5, 7], { sampleWeight: [1, 2, 0] }).loss).toBe(3)
})
