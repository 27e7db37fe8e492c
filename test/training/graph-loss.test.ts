// Losses beyond one output against its truth: terms over the whole network, truth of another shape than the prediction, outputs
// without a loss. Values against float64 by hand, gradients against differences; saved, frozen, over threads; bad input.
import { describe, expect, test } from 'vitest'
import { freeze } from '../../src/freeze/index.ts'
import {
  accumulateGradients,
  adam,
  type CompileOptions,
  customLoss,
  dense,
  graphLoss,
  input,
  load,
  type Model,
  model,
  type RuntimeOptions,
  sequential,
  sgd,
  type Values,
} from '../../src/index.ts'
import { open } from '../../src/run/index.ts'
import { all } from '../../src/run/modules.ts'
import { workers } from '../../src/threads/index.ts'
import { difference } from '../support/frozen.ts'
import { refused } from '../support/refused.ts'

const x = Array.from({ length: 6 }, (_, i) => [i / 3 - 1, (i % 4) / 2])
const y = x.map(([a, b]) => [a * b, a - b])

const kl = graphLoss('kl', (g, net) => {
  const [mean, logVar] = [net.output('mean'), net.layer('logVar')]
  return g.scale(g.minus(g.minus(g.plus(g.times(mean, mean), g.unary('exp', logVar)), logVar), 1), 0.5)
})
const decay = graphLoss(
  'decay',
  (g, net) => g.sum(g.times(net.weight('mean/kernel'), net.weight('logVar/kernel'))),
  {
    weight: 0.25,
  },
)
const terms: CompileOptions = { optimizer: adam(), loss: { mean: 'mse' }, addedLosses: [kl, decay] }

const two = (runtime: RuntimeOptions = {}) => {
  const from = input({ shape: [2], name: 'x' })
  const hidden = dense({ units: 4, activation: 'tanh', name: 'h' })(from)
  const outputs = {
    mean: dense({ units: 2, name: 'mean' })(hidden),
    logVar: dense({ units: 2, name: 'logVar' })(hidden),
  }
  return model({ inputs: from, outputs, seed: 3, ...runtime })
}

/** The terms from predictions and weights, in float64. */
function expected(net: ReturnType<typeof two>) {
  const { mean, logVar } = net.predict(x)
  const each = (of: (m: number, v: number, i: number) => number) =>
    mean.data.reduce((sum, m, i) => sum + of(m, logVar.data[i], i) / mean.data.length, 0)
  const weights = net.getWeights()
  const other = weights['logVar/kernel'].data
  return {
    mean_loss: each((m, _, i) => (m - y.flat()[i]) ** 2),
    kl: each((m, v) => 0.5 * (m * m + Math.exp(v) - v - 1)),
    decay: weights['mean/kernel'].data.reduce((sum, w, i) => sum + w * other[i], 0),
  }
}

describe('terms over the whole network', () => {
  test('have the values of their formulas, by name in every log, whatever the batch sizes', async () => {
    const net = two().compile(terms)
    const wanted = expected(net)
    const total = wanted.mean_loss + wanted.kl + 0.25 * wanted.decay
    const logs = await net.evaluate(x, { mean: y }, { batchSize: 4 })
    expect(Object.keys(logs)).toEqual(['loss', 'mean_loss', 'kl', 'decay'])
    for (const [key, value] of Object.entries({ ...wanted, loss: total }))
      expect(logs[key]).toBeCloseTo(value, 5)
    const history = await net.fit(
      x,
      { mean: y },
      { epochs: 1, batchSize: 6, validationData: [x, { mean: y }] },
    )
    expect(history.kl[0]).toBeCloseTo(wanted.kl, 5)
    expect(Object.keys(history)).toContain('val_decay')
  })

  test('have gradients, those of differences in float64', () => {
    const net = two().compile({ loss: { mean: 'mse' }, addedLosses: [kl, decay] })
    const gradients = net.gradients(x, { mean: y })
    const weights = net.getWeights()
    for (const [name, { shape, data }] of Object.entries(gradients)) {
      const numbers = weights[name].data
      data.forEach((gradient, i) => {
        const at = (step: number) => {
          const moved = numbers.slice()
          moved[i] += step
          net.setWeights({ ...weights, [name]: { shape, data: moved } })
          const { mean_loss, kl, decay } = expected(net)
          return mean_loss + kl + 0.25 * decay
        }
        expect(gradient).toBeCloseTo((at(0.01) - at(-0.01)) / 0.02, 3)
      })
    }
  })

  test('accumulated, parts of a batch are the whole', () => {
    const whole = two().compile({ ...terms, optimizer: sgd() })
    const parts = two().compile({ ...terms, optimizer: sgd({ accumulation: accumulateGradients(2) }) })
    whole.trainStep(x, { mean: y })
    parts.trainStep(x.slice(0, 4), { mean: y.slice(0, 4) })
    parts.trainStep(x.slice(4), { mean: y.slice(4) })
    const [a, b] = [whole.getWeights(), parts.getWeights()]
    for (const [name, { data }] of Object.entries(a))
      for (const [i, value] of data.entries()) expect(b[name].data[i]).toBeCloseTo(value, 6)
  })

  test('train alike when loaded, frozen and over threads', () => {
    const net = two().compile(terms)
    const again = load<Values>(net.save({ includeOptimizer: true }), { losses: [kl, decay] })
    const trainer = open(freeze(net as unknown as Model, { train: [6] }), { modules: all })
    const threaded = two({ threads: workers(2) }).compile(terms)
    for (let step = 0; step < 3; step++) {
      const logs = net.trainStep(x, { mean: y })
      for (const other of [again, trainer, threaded])
        expect(difference(other.trainStep(x, { mean: y }), logs)).toBeNull()
    }
    for (const other of [again, trainer, threaded])
      expect(difference(other.getWeights(), net.getWeights())).toBeNull()
    threaded.dispose()
  })

  test('of one output: its own loss is logged beside them', () => {
    const net = sequential({ inputShape: [2], layers: [dense({ units: 1, name: 'd' })] })
    const size = graphLoss('size', (g, { weight }) => g.times(weight('d/kernel'), weight('d/kernel')))
    net.compile({ loss: 'mse', addedLosses: [size] })
    const { loss, d_loss, size: own } = net.trainStep(x, new Float32Array(6)) as Record<string, number>
    expect(loss).toBeCloseTo(d_loss + own, 6)
    expect(own).toBeGreaterThan(0)
  })

  const bad: Record<string, [make: () => unknown, message: RegExp]> = {
    'a name of no output': [
      () =>
        two()
          .compile({ ...terms, addedLosses: [graphLoss('a', (_, net) => net.output('men'))] })
          .trainStep(x, { mean: y }),
      /unknown output "men".*mean/,
    ],
    'no value': [
      () =>
        two()
          .compile({ ...terms, addedLosses: [graphLoss('a', () => 3 as never)] })
          .trainStep(x, { mean: y }),
      /loss a must be a value, as the methods of g give it; got 3/,
    ],
    'a bad name': [
      () => graphLoss('a b', () => null as never),
      /graphLoss: name must be a name of letters and digits/,
    ],
    'no function': [() => graphLoss('a', 3 as never), /graphLoss: write must be a function; got 3/],
    'a weight of NaN': [
      () => graphLoss('a', () => null as never, { weight: Number.NaN }),
      /graphLoss: weight.*NaN/,
    ],
    'two of one name': [
      () => two().compile({ ...terms, addedLosses: [kl, kl] }),
      /the added loss kl and the added loss kl would share the log kl; rename one/,
    ],
    'the key of an output': [
      () => two().compile({ ...terms, addedLosses: [graphLoss('mean_loss', () => null as never)] }),
      /would share the log mean_loss/,
    ],
    'loading without them': [
      () => load(two().compile(terms).save()),
      /your own "kl": load\(bytes, \{ losses/,
    ],
  }
  test.each(Object.entries(bad))('%s is refused', (_, [make, message]) => refused(message, make))
})

describe('outputs without a loss', () => {
  test('are predicted, and what leads to them alone stays', () => {
    const net = two().compile({ optimizer: sgd({ learningRate: 0.1 }), loss: { mean: 'mse', logVar: null } })
    const list = two().compile({ optimizer: sgd({ learningRate: 0.1 }), loss: ['mse', null] })
    const before = net.getWeights()
    net.trainStep(x, { mean: y })
    list.trainStep(x, { mean: y })
    const after = net.getWeights()
    expect(difference(list.getWeights(), after)).toBeNull()
    expect(difference(after['logVar/kernel'], before['logVar/kernel'])).toBeNull()
    expect(difference(after['mean/kernel'], before['mean/kernel'])).not.toBeNull()
    expect(Object.keys(net.predict(x))).toEqual(['mean', 'logVar'])
    const again = load<Values>(net.save())
    expect(difference(again.trainStep(x, { mean: y }), net.trainStep(x, { mean: y }))).toBeNull()
  })

  test('take no truth and no metrics', () => {
    const net = two().compile({ loss: { mean: 'mse' }, metrics: ['mae'] })
    refused(/y: expected mean; got "logVar"/, () => net.trainStep(x, { mean: y, logVar: y } as never), net)
    refused(/metrics of output logVar: it has no loss/, () =>
      two().compile({ loss: { mean: 'mse' }, metrics: { logVar: ['mae'] } }),
    )
    refused('compile: loss: no output has one', () => two().compile({ loss: [null, null] }))
  })

  test('added losses are enough: the steps of a loss that weighs nothing beside them, frozen, loaded and over threads', async () => {
    const alone: CompileOptions = {
      optimizer: sgd({ learningRate: 0.1 }),
      loss: {},
      addedLosses: [kl, decay],
    }
    const net = two().compile(alone)
    const both = two().compile({ ...alone, loss: { mean: 'mse' }, lossWeights: { mean: 0 } })
    const trainer = open(freeze(net, { train: [6], evaluate: [6] }), { modules: all })
    const again = load(net.save({ includeOptimizer: true }), { losses: [kl, decay] })
    const threaded = two({ threads: workers(2) }).compile(alone)
    for (let step = 0; step < 3; step++) {
      const { mean_loss, ...logs } = both.trainStep(x, { mean: y }) as Record<string, number>
      for (const other of [net, trainer, again, threaded]) expect(other.trainStep(x, [])).toEqual(logs)
    }
    for (const other of [net, trainer, again, threaded])
      expect(difference(other.getWeights(), both.getWeights())).toBeNull()
    threaded.dispose()
    const { kl: own, decay: other } = expected(net)
    const { loss } = await net.evaluate(x, [], { batchSize: 4 })
    expect(loss).toBeCloseTo(own + 0.25 * other, 5)
    const history = await net.fit(x, [], { epochs: 2, batchSize: 3, validationSplit: 0.5 })
    expect(Object.keys(history)).toEqual(['loss', 'kl', 'decay', 'val_loss', 'val_kl', 'val_decay'])
    expect(history.loss[1]).toBeLessThan(history.loss[0])
  })
})

describe('truth of another shape', () => {
  const shares = [0.1, 0.5, 0.9]
  /** The pinball loss of quantiles (Koenker and Bassett 1978): max(q d, (q - 1) d), d = y - p. */
  const pinball = customLoss(
    'pinball',
    (g, truth, prediction) => {
      const d = g.minus(truth, prediction)
      const q = g.constant(Float32Array.from(shares), [3])
      return g.binary('maximum', g.times(q, d), g.times(g.minus(q, 1), d))
    },
    { truthShape: [1] },
  )
  const quantiles = () =>
    sequential({ inputShape: [2], layers: [dense({ units: 3, name: 'q' })], seed: 2 }).compile({
      optimizer: 'adam',
      loss: pinball,
    })
  const truths = x.map(([a, b]) => [a + b])

  test('quantiles against one column: value, weights, metrics, a file, a frozen trainer', async () => {
    const net = quantiles()
    const p = net.predict(x).data
    const meanOf = (weights: readonly number[]) =>
      p.reduce((sum, value, i) => {
        const [d, q] = [truths[Math.floor(i / 3)][0] - value, shares[i % 3]]
        return sum + (weights[Math.floor(i / 3)] * Math.max(q * d, (q - 1) * d)) / p.length
      }, 0)
    const weights = [1, 2, 0, 1, 3, 1]
    expect((await net.evaluate(x, truths)).loss).toBeCloseTo(meanOf(x.map(() => 1)), 6)
    expect((await net.evaluate(x, truths.flat(), { sampleWeight: weights })).loss).toBeCloseTo(
      meanOf(weights),
      6,
    )
    const again = load(net.save({ includeOptimizer: true }), { losses: [pinball] })
    const trainer = open(freeze(net, { train: [6] }), { modules: all })
    for (let step = 0; step < 3; step++) {
      const logs = net.trainStep(x, truths)
      for (const other of [again, trainer]) expect(difference(other.trainStep(x, truths), logs)).toBeNull()
    }
    net.compile({ loss: pinball, metrics: [pinball] })
    const { loss, pinball: metric } = (await net.evaluate(x, truths)) as Record<string, number>
    expect(metric).toBeCloseTo(loss, 5)
  })

  test('by a function of the shape of the prediction', () => {
    const columns = customLoss('columns', (g, truth, p) => g.minus(g.slice(truth, 1, 0, 1), p), {
      truthShape: ([units]) => [(units ?? 0) + 2], // actions, advantages, old probabilities ...
    })
    const net = sequential({ inputShape: [2], layers: [dense({ units: 1 })] }).compile({ loss: columns })
    expect(
      net.trainStep(
        x,
        x.map(() => [1, 2, 3]),
      ).loss,
    ).toBeTypeOf('number')
    refused(/y: expected shape \[6?.*3\]; got \[6,1\]/, () => net.trainStep(x, truths), net)
  })

  test('what compares it with the prediction is refused', () => {
    refused(/metric mae of q compares y with the prediction; pinball takes y of a shape of its own/, () =>
      quantiles().compile({ loss: pinball, metrics: ['mae'] }),
    )
    refused(/customLoss: truthShape must be a list of positive integers, or a function/, () =>
      customLoss('a', () => null as never, { truthShape: [0] }),
    )
    refused(/loss a: truthShape must be a list of positive integers/, () => {
      const loss = customLoss('a', (_, truth) => truth, { truthShape: () => 'b' as never })
      quantiles().compile({ loss })
    })
  })
})
