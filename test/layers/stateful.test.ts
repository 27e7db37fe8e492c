// Layers that keep their states from run to run. Expectations: PyTorch in float64 (torch/recurrent.py), the whole sequence in place
// of its pieces, or the same calls in another way.
import { readFileSync } from 'node:fs'
import { describe, expect, test, vi } from 'vitest'
import { freeze } from '../../src/freeze/index.ts'
import {
  accumulateGradients,
  averageWeights,
  bidirectional,
  convLstm1d,
  customLayer,
  dense,
  type FloatArray,
  gru,
  input,
  type Layer,
  load,
  loadWeights,
  lstm,
  type Model,
  masking,
  model,
  part,
  type RecurrentOptions,
  type Symbolic,
  sequential,
  sgd,
  simpleRnn,
  tensor,
  timeDistributed,
  transfer,
} from '../../src/index.ts'
import { profile } from '../../src/inspect/index.ts'
import { uniform } from '../../src/numerics/random.ts'
import { saveOnnx } from '../../src/onnx/index.ts'
import { fit, open } from '../../src/run/index.ts'
import { all } from '../../src/run/modules.ts'
import { workers } from '../../src/threads/index.ts'
import { refused, refusedSoon } from '../support/refused.ts'

const range = (count: number) => Array.from({ length: count }, (_, i) => i)
const draw = (shape: readonly number[], stream: number) => {
  const out = new Float32Array(shape.reduce((a, b) => a * b, 1))
  uniform(out, 5, stream, -1, 1)
  return tensor(out, [...shape]) as never as FloatArray
}
const predict = (net: Pick<Model, 'predict'>, x: FloatArray): number[] => [
  ...(net.predict(x as never) as FloatArray).data,
]
function expectNear(got: ArrayLike<number>, want: ArrayLike<number>, what: string): void {
  expect(got.length, what).toBe(want.length)
  expect(Math.max(...Array.from(want, (value, i) => Math.abs(got[i] - value))), what).toBeLessThan(3e-6)
}

interface Golden {
  readonly x: FloatArray[]
  readonly weights: Record<string, FloatArray>
  readonly y: FloatArray[]
  readonly after: Record<string, FloatArray>
}
const torch: Record<string, Golden> = JSON.parse(
  readFileSync(new URL('torch/recurrent.json', import.meta.url), 'utf8'),
).stateful

const makers: Readonly<Record<string, (options: RecurrentOptions) => Layer>> = { lstm, gru, simpleRnn }

describe.each(Object.entries(makers))('%s as in PyTorch', (kind, make) => {
  const flat = ({ shape, data }: FloatArray) => tensor(Float32Array.from(data), [...shape]) as never
  const { x, y, weights, after } = torch[kind]
  const net = () => {
    const layer = make({ units: 3, returnSequences: true, stateful: true, batchSize: 2, name: 'l' })
    const made = sequential({ inputShape: [null, 2], layers: [layer] })
    made.setWeights(
      Object.fromEntries(Object.entries(weights).map(([name, array]) => [`l/${name}`, flat(array)])),
    )
    return made.compile({ optimizer: sgd({ learningRate: 0.125 }), loss: 'mse' })
  }

  test('predictions go on where the last one ended', () => {
    const own = net()
    for (const pass of [1, 2]) {
      x.forEach((rows, i) => {
        expectNear(predict(own, flat(rows)), y[i].data, `pass ${pass}, batch ${i}`)
      })
      own.resetStates()
    }
  })

  test('training goes on as well, and gradients stop at the states', () => {
    const own = net()
    for (const rows of x) own.trainStep(flat(rows), tensor(new Float32Array(24), [2, 4, 3]) as never)
    for (const [name, { data }] of Object.entries(after))
      expectNear(own.getWeights()[`l/${name}`].data, data, name)
  })
})

const gates = { recurrentActivation: 'hardSigmoid', returnSequences: true } as const
const layers: Readonly<Record<string, (options: object) => Layer>> = {
  lstm: (options) => lstm({ units: 3, returnSequences: true, ...options }),
  gru: (options) => gru({ units: 3, returnSequences: true, ...options }),
  gruBefore: (options) => gru({ units: 3, returnSequences: true, resetAfter: false, ...options }),
  simpleRnn: (options) => simpleRnn({ units: 3, returnSequences: true, ...options }),
  'lstm, step by step': (options) => lstm({ units: 3, ...gates, ...options }),
  'gru, step by step': (options) => gru({ units: 3, ...gates, ...options }),
}

/** The steps `from..to` of [rows, steps, ...]. */
function piece({ shape: [rows, steps, ...rest], data }: FloatArray, from: number, to: number): FloatArray {
  const width = rest.reduce((a, b) => a * b, 1)
  const parts = range(rows).flatMap((r) => [
    ...data.subarray((r * steps + from) * width, (r * steps + to) * width),
  ])
  return tensor(Float32Array.from(parts), [rows, to - from, ...rest]) as FloatArray
}

describe('a streaming prediction, one step at a time, has the numbers of the whole sequence', () => {
  test.each(Object.keys(layers).flatMap((name) => [1, 4].map((rows) => [name, rows] as const)))(
    '%s, %i rows',
    (name, rows) => {
      const whole = sequential({ inputShape: [null, 2], layers: [masking(), layers[name]({})] })
      const stream = sequential({
        inputShape: [null, 2],
        layers: [masking(), layers[name]({ stateful: true, batchSize: rows })],
      })
      stream.setWeights(whole.getWeights())
      const x = draw([rows, 6, 2], 1)
      x.data.fill(0, 4, 8) // two masked steps
      const want = whole.predict(x as never) as FloatArray
      for (const s of range(6))
        expectNear(predict(stream, piece(x, s, s + 1)), piece(want, s, s + 1).data, `step ${s}`)
      // in pieces of several, after a reset
      stream.resetStates()
      for (const [from, to] of [
        [0, 1],
        [1, 4],
        [4, 6],
      ])
        expectNear(predict(stream, piece(x, from, to)), piece(want, from, to).data, `from ${from}`)
    },
  )

  test('convLstm1d, and layers one behind the other', () => {
    const net = (options: object) =>
      sequential({
        inputShape: [null, 5, 1],
        layers: [
          convLstm1d({ filters: 2, kernelSize: 3, returnSequences: true, ...options }),
          timeDistributed({ layer: dense({ units: 2 }) }),
          convLstm1d({ filters: 1, kernelSize: 3, padding: 'same', returnSequences: true, ...options }),
        ],
      })
    const [whole, stream] = [net({}), net({ stateful: true })]
    stream.setWeights(whole.getWeights())
    const x = draw([1, 4, 5, 1], 1)
    const want = whole.predict(x as never) as FloatArray
    for (const s of range(4))
      expectNear(predict(stream, piece(x, s, s + 1)), piece(want, s, s + 1).data, `step ${s}`)
  })

  test('in a model within a model; called twice, the second call goes on from the first', () => {
    const layer = lstm({ units: 3, returnSequences: true, stateful: true, name: 'cell' })
    const inner = sequential({ inputShape: [2, 2], layers: [layer], name: 'inner' })
    const [a, b] = ['a', 'b'].map((name) => input({ shape: [2, 2], name }))
    const net = model({ inputs: [a, b], outputs: [inner(a), inner(b)] as Symbolic[] })
    const whole = sequential({
      inputShape: [null, 2],
      layers: [lstm({ units: 3, returnSequences: true, name: 'cell' })],
    })
    whole.setWeights(inner.getWeights())
    const x = draw([1, 8, 2], 1)
    const want = whole.predict(x as never) as FloatArray
    for (const from of [0, 4]) {
      const halves = [piece(x, from, from + 2), piece(x, from + 2, from + 4)]
      const got = net.predict(halves as never) as never as FloatArray[]
      expectNear(
        got.flatMap(({ data }) => [...data]),
        piece(want, from, from + 4).data,
        `from ${from}`,
      )
    }
    // what it was made of has states of its own
    expectNear(predict(inner as never, piece(x, 0, 2)), piece(want, 0, 2).data, 'the inner model')
  })

  test('a part of a model has its states', () => {
    const net = sequential({
      inputShape: [1, 2],
      layers: [lstm({ units: 3, stateful: true, name: 'cell' }), dense({ units: 1, name: 'out' })],
    })
    const trunk = part(net, { inputs: 'input', outputs: 'cell' })
    const plain = lstm({ units: 3, returnSequences: true, name: 'cell' })
    const whole = sequential({ inputShape: [null, 2], layers: [plain] })
    whole.setWeights(Object.fromEntries(Object.entries(net.getWeights()).slice(0, 3)))
    const x = draw([1, 3, 2], 1)
    const want = whole.predict(x as never) as FloatArray
    predict(net, piece(x, 0, 1))
    expectNear(predict(trunk as never, piece(x, 1, 2)), piece(want, 1, 2).data, 'the part')
    net.resetStates()
    expectNear(predict(trunk as never, piece(x, 0, 1)), piece(want, 0, 1).data, 'after a reset')
  })

  test('a layer of one’s own: a running sum', () => {
    const sum = customLayer({
      kind: 'runningSum',
      build({ g, weight, assign, isOutline }, [x]) {
        const before = weight('sum', [2, 1], { initializer: 'zeros', stays: true })
        if (isOutline) return x
        const next = g.plus(before, x)
        assign(before, next)
        return next
      },
    })
    const net = sequential({ inputShape: [1], layers: [sum()] })
    expect([1, 2, 3].map((n) => predict(net, tensor([n, -n], [2, 1]) as never))).toEqual([
      [1, -1],
      [3, -3],
      [6, -6],
    ])
    refused('the model keeps states of 2 rows; got 1', () => predict(net, tensor([1], [1, 1]) as never))
  })
})

const ROWS = 4
/** A net with states for four rows, and data of three batches. */
const trained = (options: object = {}, compiled: object = {}) =>
  sequential({
    inputShape: [3, 2],
    layers: [
      lstm({ units: 8, returnSequences: true, stateful: true, batchSize: ROWS, name: 'a' }),
      gru({ units: 8, activation: 'softsign', stateful: true, batchSize: ROWS, name: 'b' }),
      dense({ units: 1, name: 'out' }),
    ],
    ...options,
  }).compile({ optimizer: 'adam', loss: 'mse', ...compiled })
const X = draw([3 * ROWS, 3, 2], 1)
const Y = draw([3 * ROWS, 1], 2)
const batch = ({ shape: [, ...rest], data }: FloatArray, i: number) => {
  const size = (ROWS * data.length) / (3 * ROWS)
  return tensor(data.slice(i * size, (i + 1) * size), [ROWS, ...rest]) as never
}
const weightsOf = (net: { getWeights(): Record<string, FloatArray> }) =>
  Object.values(net.getWeights()).map(({ data }) => [...data])

describe('in every kind of run', () => {
  test('fit is its steps in the order of the rows; evaluate and predict go on in batches of the states', async () => {
    const [one, two] = [trained(), trained()]
    await one.fit(X as never, Y as never, { epochs: 2 })
    for (const i of [0, 1, 2, 0, 1, 2]) two.trainStep(batch(X, i), batch(Y, i))
    expect(weightsOf(one)).toEqual(weightsOf(two))
    const { loss } = await one.evaluate(X as never, Y as never)
    const pieces = range(3).map((i) => predict(two, batch(X, i)))
    const errors = pieces.flat().map((value, i) => (value - Y.data[i]) ** 2)
    expect(loss).toBeCloseTo(errors.reduce((a, b) => a + b, 0) / errors.length, 6)
    expect(predict(one, X)).toEqual(range(3).flatMap((i) => predict(two, batch(X, i))))
  })

  test('a repeated call, gradients, a profile and the search for a NaN', () => {
    const [one, two] = [trained(), trained()]
    const x = X.data.slice(0, 24)
    const again = () => [...one.predict(x).data]
    const want = range(3).map(() => predict(two, batch(X, 0)))
    expect(new Set(want.map(String)).size).toBe(3)
    expect(range(3).map(again)).toEqual(want)
    const before = one.save()
    one.gradients(batch(X, 0), batch(Y, 0))
    profile(one, batch(X, 0), batch(Y, 0), { repeats: 2 })
    expect(one.save()).toEqual(before)
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const huge = tensor(new Float32Array(ROWS).fill(1e30), [ROWS, 1]) as never
    const quiet = trained({}, { warnings: false })
    quiet.setWeights(one.getWeights())
    for (const net of [one, quiet]) {
      net.resetStates()
      net.trainStep(batch(X, 0), huge)
    }
    expect(warn).toHaveBeenCalledTimes(1)
    warn.mockRestore()
    const statesOf = (net: Model) => {
      const fresh = trained()
      const file = load(net.save({ includeOptimizer: false }))
      file.setWeights(fresh.getWeights()) // the weights are NaN
      return predict(file as never, batch(X, 1))
    }
    expect(statesOf(one)).toEqual(statesOf(quiet))
    expect(statesOf(one)).not.toEqual(predict(trained(), batch(X, 1)))
  })

  test('accumulated gradients: each step goes on from the one before', () => {
    const net = trained({}, { optimizer: sgd({ accumulation: accumulateGradients(3) }) })
    const stream = trained()
    for (const i of [0, 1]) net.trainStep(batch(X, i), batch(Y, i)) // no update so far
    for (const i of [0, 1]) predict(stream, batch(X, i))
    expect(predict(net, batch(X, 2))).toEqual(predict(stream, batch(X, 2)))
  })

  test('layers that do not train keep states all the same', () => {
    const net = trained()
    net.setTrainable(() => false)
    net.compile({ optimizer: 'adam', loss: 'mse' })
    const stream = trained()
    net.trainStep(batch(X, 0), batch(Y, 0))
    predict(stream, batch(X, 0))
    expect(predict(net, batch(X, 1))).toEqual(predict(stream, batch(X, 1)))
  })

  test('bidirectional, and masks', async () => {
    const net = sequential({
      inputShape: [3, 2],
      layers: [masking(), bidirectional({ layer: lstm({ units: 3, stateful: true }) })],
    })
    const x = draw([1, 3, 2], 1)
    const first = predict(net, x)
    expect(predict(net, x)).not.toEqual(first)
    net.resetStates()
    expect(predict(net, x)).toEqual(first)
  })

  test('on two threads and frozen: the same bits, saved and resumed as well', async () => {
    const [one, two] = [trained(), trained({ threads: workers(2) })]
    const sizes = { train: [ROWS], predict: [ROWS], evaluate: [ROWS], gradients: [ROWS] }
    const frozen = open(freeze(one, sizes), { modules: all })
    for (const i of range(3)) {
      const logs = one.trainStep(batch(X, i), batch(Y, i))
      expect(two.trainStep(batch(X, i), batch(Y, i))).toEqual(logs)
      expect(frozen.trainStep(batch(X, i), batch(Y, i))).toEqual(logs)
    }
    frozen.gradients(batch(X, 0), batch(Y, 0))
    const own = await one.evaluate(X as never, Y as never)
    expect(await two.evaluate(X as never, Y as never)).toEqual(own)
    expect(await frozen.evaluate(X as never, Y as never)).toEqual(own)
    expect(frozen.getWeights()).toEqual(one.getWeights())
    const file = frozen.save()
    const resumed = [load(file), open(file, { modules: all }), load(one.save())]
    const want = predict(one, X)
    for (const net of [two, frozen, ...resumed]) expect(predict(net as never, X)).toEqual(want)
    for (const net of [one, frozen]) net.resetStates()
    const history = await one.fit(X as never, Y as never, { epochs: 2, batchSize: ROWS })
    expect(await fit(frozen, X as never, Y as never, { epochs: 2 })).toEqual(history)
    expect(frozen.getWeights()).toEqual(one.getWeights())
    const more = [draw([14, 3, 2], 1), draw([14, 1], 2)] as never as [never, never]
    expect((await fit(frozen, ...more, { dropRemainder: true })).loss.length).toBe(1)
    two.dispose()
  })
})

describe('states are no weights', () => {
  test('for getWeights, countParams, averages and other sizes of batches', () => {
    const plain = (options: object) =>
      sequential({
        inputShape: [3, 2],
        layers: [lstm({ units: 8, name: 'a', ...options }), dense({ units: 1, name: 'out' })],
      })
    const [without, one, four] = [{}, { stateful: true }, { stateful: true, batchSize: 4 }].map(plain)
    expect(Object.keys(four.getWeights())).toEqual(Object.keys(without.getWeights()))
    expect(four.countParams()).toBe(without.countParams())
    expect(four.summary().split('\n').at(-1)).toBe(without.summary().split('\n').at(-1))
    predict(four, batch(X, 0))
    const kept = predict(four, batch(X, 1))
    four.resetStates()
    predict(four, batch(X, 0))
    one.setWeights(averageWeights([four, without]))
    loadWeights(one, four.save())
    loadWeights(four, without.save())
    loadWeights(four, one.save())
    expect(weightsOf(one)).toEqual(weightsOf(four))
    four.setWeights(one.getWeights())
    // and none of this has touched the states
    expect(predict(four, batch(X, 1)).length).toBe(kept.length)
    const next = transfer(four, { output: 'a', head: [dense({ units: 2 })] })
    expect(predict(next as never, batch(X, 0)).length).toBe(8)
  })

  test('setWeights leaves them; compile keeps them', () => {
    const [one, two] = [trained(), trained()]
    for (const net of [one, two]) predict(net, batch(X, 0))
    one.setWeights(two.getWeights())
    one.compile({ optimizer: 'sgd', loss: 'mse' })
    expect(predict(one, batch(X, 1))).toEqual(predict(two, batch(X, 1)))
    refused(/unknown setWeights weight "a\/state:h"/, () =>
      one.setWeights({ 'a/state:h': new Float32Array(32) as never }),
    )
  })
})

describe('refused', () => {
  const net = trained()
  const wrong = (rows: number) => draw([rows, 3, 2], 1) as never
  test('other sizes of batches, with nothing changed', async () => {
    const message = (rows: number) => `the model keeps states of 4 rows; got ${rows}`
    refused(message(3), () => net.predict(wrong(3)), net)
    refused(message(1), () => net.predict(wrong(1)), net)
    refused(message(10), () => net.predict(wrong(10)), net)
    await refusedSoon(message(10), () => net.fit(wrong(10), draw([10, 1], 2) as never), net)
    await refusedSoon(message(9), () => net.fit(X as never, Y as never, { validationSplit: 0.2 }), net)
    const held = [wrong(6), draw([6, 1], 2)] as never
    await refusedSoon(message(6), () => net.fit(X as never, Y as never, { validationData: held }), net)
    await refusedSoon(message(6), () => net.evaluate(wrong(6), draw([6, 1], 2) as never), net)
    refused(
      'layer a: expected batches of 4 rows (batchSize), whose states it keeps; got 8',
      () => net.trainStep(wrong(8), draw([8, 1], 2) as never),
      net,
    )
    refused(
      'layer a: expected batches of 4 rows (batchSize), whose states it keeps; got 1',
      () => net.trainStep(wrong(1), draw([1, 1], 2) as never),
      net,
    )
    refused(/^layer a: expected batches of 4 rows \(batchSize\)/, () => freeze(net, { predict: [8] }))
    const frozen = open(freeze(net, { predict: [4] }), { modules: all })
    refused(message(5), () => frozen.predict(wrong(5)))
  })

  test('what could not keep a state', () => {
    const layer = lstm({ units: 2, stateful: true, batchSize: 4, name: 'cell' })
    const x = input({ shape: [3, 2] })
    const h = input({ shape: [2] })
    refused('layer cell: it is stateful and takes no initial states', () =>
      model({ inputs: [x, h], outputs: layer(x, h, h) }),
    )
    refused(
      /^layer timeDistributed_1: expected batches of 4 rows \(batchSize\), whose states it keeps; got 5/,
      () => sequential({ inputShape: [5, 3, 2], layers: [timeDistributed({ layer })] }),
    )
    refused('gru: stateful must be a boolean; got "yes"', () => gru({ units: 1, stateful: 'yes' as never }))
    refused('convLstm1d: batchSize must be a positive integer; got 0', () =>
      convLstm1d({ filters: 1, kernelSize: 1, batchSize: 0 }),
    )
  })

  test('files of other makers', () => {
    refused(/^layer a: expected batches of 4 rows \(batchSize\)/, () => saveOnnx(net))
    const one = sequential({ inputShape: [3, 2], layers: [gru({ units: 2, stateful: true })] })
    refused(/^saveOnnx: .*a state that stays from run to run/, () => saveOnnx(one, { dynamicBatch: false }))
  })

  test('a damaged state of a file', () => {
    const text = Buffer.from(net.save()).toString('latin1')
    expect(text).toContain('"a/state:h":{"dtype":"F32","shape":[4,8]')
    const damaged = Buffer.from(
      text.replace('"a/state:h":{"dtype":"F32","shape":[4,8]', '"a/state:h":{"dtype":"F32","shape":[8,4]'),
      'latin1',
    )
    refused('a/state:h must be float32 [4,8]; got float32 [8,4]', () => load(new Uint8Array(damaged)))
  })
})
