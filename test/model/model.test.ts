// A model from outside: the forms its data may take, what trainStep, evaluate, predict and gradients give, weights
// by name, and the prints. Expected numbers are computed here in float64 from the weights.
import { describe, expect, test } from 'vitest'
import {
  add,
  concatenate,
  dense,
  flatten,
  input,
  type Model,
  model,
  type NamedArray,
  reshape,
  type Symbolic,
  sequential,
  sgd,
  tensor,
} from '../../src/index.ts'

type Net = Model<Symbolic>
const noise = (i: number) => ((i * 7919 + 13) % 101) / 50 - 1
const numbers = (count: number) => Float32Array.from({ length: count }, (_, i) => noise(i))
const nested = (data: ArrayLike<number>, width: number): number[][] =>
  Array.from({ length: data.length / width }, (_, row) =>
    Array.from({ length: width }, (_, col) => data[row * width + col]),
  )
const bitsOf = (data: NamedArray['data']) => [...new Uint32Array(data.slice().buffer)]
const bits = (net: { getWeights(): Record<string, NamedArray> }) =>
  Object.fromEntries(Object.entries(net.getWeights()).map(([name, { data }]) => [name, bitsOf(data)]))

const small = (seed = 3): Net =>
  sequential({
    inputShape: [3],
    seed,
    layers: [dense({ units: 4, activation: 'tanh' }), dense({ units: 3, activation: 'softmax' })],
  })
const classifier = (loss: 'sparseCategoricalCrossentropy' | 'categoricalCrossentropy', seed = 3): Net =>
  small(seed).compile({ optimizer: sgd({ learningRate: 0.1 }), loss, metrics: ['accuracy'] })

/** tanh(x W + b) V + c through a softmax, in float64. */
function forward(net: Net, x: ArrayLike<number>): number[][] {
  const weights = net.getWeights()
  const layer = (rows: number[][], name: string) => {
    const { data, shape } = weights[`${name}/kernel`]
    const bias = weights[`${name}/bias`].data
    return rows.map((row) =>
      Array.from(bias, (b, j) => row.reduce((sum, value, i) => sum + value * data[i * shape[1] + j], b)),
    )
  }
  const hidden = layer(nested(x, 3), 'dense_1').map((row) => row.map(Math.tanh))
  return layer(hidden, 'dense_2').map((row) => {
    const powers = row.map(Math.exp)
    const sum = powers.reduce((a, b) => a + b)
    return powers.map((power) => power / sum)
  })
}

describe('predict', () => {
  test('computes what the layers say', () => {
    const net = small()
    const x = numbers(30)
    const { shape, data } = net.predict(x)
    expect(shape).toEqual([10, 3])
    forward(net, x)
      .flat()
      .forEach((value, i) => {
        expect(data[i]).toBeCloseTo(value, 6)
      })
  })

  test.each([1, 7, 64, 299, 300, 1000])('300 rows in batches of %i: the bits of row by row', (batchSize) => {
    const net = sequential({
      inputShape: [9],
      layers: [dense({ units: 17, activation: 'gelu' }), dense({ units: 5, activation: 'softmax' })],
    })
    const x = numbers(300 * 9)
    const rows = Array.from({ length: 300 }, (_, i) => bitsOf(net.predict(x.subarray(9 * i, 9 * i + 9)).data))
    const whole = net.predict(x, { batchSize })
    expect(whole.shape).toEqual([300, 5])
    expect(bitsOf(whole.data)).toEqual(rows.flat())
  })

  test('gives copies: later runs do not change them', () => {
    const net = small()
    const first = net.predict(numbers(3))
    const before = bitsOf(first.data)
    net.predict(new Float32Array(3000))
    expect(bitsOf(first.data)).toEqual(before)
  })

  test('takes null axes from the tensor it is given', () => {
    const x = input({ shape: [null, 2] })
    const net = model({
      inputs: x,
      outputs: dense({ units: 1, useBias: false, kernelInitializer: 'ones' })(x),
    })
    expect(net.predict(tensor([1, 2, 3, 4, 5, 6], [1, 3, 2]))).toEqual(tensor([3, 7, 11], [1, 3, 1]))
    expect(net.predict(tensor([1, 2, 3, 4], [2, 1, 2]))).toEqual(tensor([3, 7], [2, 1, 1]))
  })

  test('of an int32 input that is passed on gives its numbers', () => {
    const ids = input({ shape: [2, 2], dtype: 'int32' })
    const net = model({ inputs: ids, outputs: flatten()(ids) })
    expect([...net.predict(Int32Array.of(1, 2, 3, 4)).data]).toEqual([1, 2, 3, 4])
  })
})

describe('data may come as', () => {
  const x = numbers(12)
  const labels = [0, 2, 1, 2]
  const loss = (data: Parameters<Net['trainStep']>[0], y: Parameters<Net['trainStep']>[1]) =>
    classifier('sparseCategoricalCrossentropy').trainStep(data, y)
  const expected = loss(x, Int32Array.from(labels))

  test('the loss of the labels by hand', () => {
    const rows = forward(small(), x)
    const sum = rows.reduce((total, row, i) => total - Math.log(row[labels[i]]), 0)
    expect(expected.loss).toBeCloseTo(sum / 4, 6)
  })

  test.each([
    ['a Float32Array', x],
    ['a Float64Array', Float64Array.from(x)],
    ['a tensor', tensor(x, [4, 3])],
    ['nested arrays', nested(x, 3)],
    ['a list of typed arrays', [0, 1, 2, 3].map((i) => x.subarray(3 * i, 3 * i + 3))],
  ])('x: %s', (_, data) => {
    expect(loss(data, labels)).toEqual(expected)
  })

  test.each([
    ['[n]', labels],
    ['[n, 1]', labels.map((label) => [label])],
    ['a tensor [n]', tensor(Int32Array.from(labels), [4])],
    ['a tensor [n, 1]', tensor(labels, [4, 1])],
    ['a Uint8Array', Uint8Array.from(labels)],
    ['an Int8Array', Int8Array.from(labels)],
    ['a Uint16Array', Uint16Array.from(labels)],
    ['a Uint32Array', Uint32Array.from(labels)],
    ['a Float32Array', Float32Array.from(labels)],
    ['a Float64Array', Float64Array.from(labels)],
  ])('labels: %s', (_, y) => {
    expect(loss(x, y)).toEqual(expected)
  })

  test('one-hot rows: the same loss, accuracy and weights as labels', () => {
    const byLabel = classifier('sparseCategoricalCrossentropy')
    const byRow = classifier('categoricalCrossentropy')
    const rows = labels.map((label) => [0, 1, 2].map((i) => (i === label ? 1 : 0)))
    const logs = byRow.trainStep(x, rows)
    expect(logs.accuracy).toBe(expected.accuracy)
    expect(logs.loss).toBeCloseTo(byLabel.trainStep(x, labels).loss, 6)
    const weights = byLabel.getWeights()
    for (const [name, { data }] of Object.entries(byRow.getWeights()))
      data.forEach((value, i) => {
        expect(value).toBeCloseTo(weights[name].data[i], 6)
      })
  })

  test('bytes, for pixels say', () => {
    const net = sequential({ inputShape: [2], layers: [dense({ units: 1, kernelInitializer: 'ones' })] })
    expect([...net.predict(Uint8Array.of(255, 1, 0, 7)).data]).toEqual([256, 7])
    expect([...net.predict(Int16Array.of(-300, 1)).data]).toEqual([-299])
  })

  test('targets of one unit: [n] or [n, 1]', () => {
    const step = (y: number[] | number[][]) =>
      sequential({ inputShape: [3], layers: [dense({ units: 1 })] })
        .compile({ loss: 'mse' })
        .trainStep(x, y)
    expect(step([1, 2, 3, 4])).toEqual(step([[1], [2], [3], [4]]))
  })
})

describe('several inputs and outputs', () => {
  // sum = a + b, both = [a, b] . ones: exact numbers
  const ones = { useBias: false, kernelInitializer: 'ones' } as const
  const parts = () => {
    const a = input({ shape: [2], name: 'a' })
    const b = input({ shape: [2], name: 'b' })
    const sum = add({ name: 'sum' })(a, b)
    const both = dense({ units: 1, name: 'both', ...ones })(concatenate()(a, b))
    return { a, b, sum, both }
  }
  const a = [[1, 2]]
  const b = [[10, 20]]

  test('as lists', () => {
    const { a: first, b: second, sum, both } = parts()
    const net = model({ inputs: [first, second], outputs: [sum, both] })
    expect(net.predict([a, b])).toEqual([tensor([[11, 22]]), tensor([[33]])])
  })

  test('as records, in any order', () => {
    const { a: first, b: second, sum, both } = parts()
    const net = model({ inputs: { left: first, right: second }, outputs: { s: sum, t: both } })
    expect(net.predict({ right: b, left: a })).toEqual({ s: tensor([[11, 22]]), t: tensor([[33]]) })
  })

  test('one output alone is no list', () => {
    const { a: first, b: second, both } = parts()
    const net = model({ inputs: [first, second], outputs: both })
    expect(net.predict([a, b])).toEqual(tensor([[33]]))
  })

  test('the total loss is the weighted sum; each output logs its own without its weight, as Keras does', () => {
    const { a: first, b: second, sum, both } = parts()
    const net = model({ inputs: [first, second], outputs: { s: sum, t: both } }).compile({
      loss: { s: 'mse', t: 'mae' },
      lossWeights: { s: 1, t: 0.5 },
      metrics: { t: 'mse' },
      optimizer: sgd({ learningRate: 0 }),
    })
    // s: ((11 - 10)^2 + (22 - 20)^2) / 2 = 2.5; t: |33 - 29| = 4
    const y = { s: [[10, 20]], t: [29] }
    expect(net.trainStep([a, b], y)).toEqual({ loss: 4.5, s_loss: 2.5, t_loss: 4, t_mse: 16 })
  })

  test('a layer takes several values, or a list of them', () => {
    const { a: first, b: second } = parts()
    const net = model({ inputs: [first, second], outputs: [add()(first, second), add()([first, second])] })
    const [one, other] = net.predict([a, b])
    expect(one).toEqual(other)
  })

  test('a layer in two models has weights of its own in each', () => {
    const x = input({ shape: [1] })
    const shared = dense({ units: 1, name: 'shared', ...ones })
    const [one, other] = [0, 1].map(() => model({ inputs: x, outputs: shared(x) }))
    one.compile({ loss: 'mse', optimizer: sgd() }).trainStep([[1]], [5])
    expect(one.predict([[1]]).data[0]).not.toBe(other.predict([[1]]).data[0])
    other.setWeights(one.getWeights())
    expect(other.predict([[1]])).toEqual(one.predict([[1]]))
  })

  test('what would have no effect is refused', () => {
    const net = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
    expect(() => Object.assign(net, { stopTraining: true })).toThrow(TypeError)
    expect(() => Object.assign(net.layers[0], { trainable: false })).toThrow(TypeError)
  })

  test('a layer called twice shares its weights, and its gradient is the sum of both uses', () => {
    const { a: first, b: second } = parts()
    const shared = dense({ units: 1, name: 'shared', ...ones })
    const net = model({ inputs: [first, second], outputs: add()(shared(first), shared(second)) })
    net.compile({ loss: 'mse' })
    expect(net.countParams()).toBe(2)
    // p = 33, y = 32: dp = 2; d kernel = 2 (a + b)
    expect([...net.gradients([a, b], [32])['shared/kernel'].data]).toEqual([22, 44])
  })

  test('tied weights: the transposed kernel, one parameter, both gradients', () => {
    const x = input({ shape: [2] })
    const encode = dense({ units: 1, name: 'encode', ...ones })
    const net = model({ inputs: x, outputs: dense({ units: 2, useBias: false, tiedTo: encode })(encode(x)) })
    net.compile({ loss: 'mse' })
    expect(Object.keys(net.getWeights())).toEqual(['encode/kernel'])
    expect([...net.predict([[1, 2]]).data]).toEqual([3, 3])
    // h = 3, p = w h = (3, 3), y = (3, 1): dp = (0, 2); d w = dp h + x (dp . w) = (0, 6) + (2, 4)
    expect([...net.gradients([[1, 2]], [[3, 1]])['encode/kernel'].data]).toEqual([2, 10])
  })
})

describe('weights', () => {
  test('round trip by name, with shapes', () => {
    const net = small()
    const weights = net.getWeights()
    const shapes = Object.entries(weights).map(([name, { shape }]) => [name, ...shape].join(' '))
    expect(shapes).toEqual(['dense_1/kernel 3 4', 'dense_1/bias 4', 'dense_2/kernel 4 3', 'dense_2/bias 3'])
    const other = small(99)
    expect(bits(other)).not.toEqual(bits(net))
    other.setWeights(weights)
    expect(bits(other)).toEqual(bits(net))
  })

  test('a part of them, in any form; the others stay', () => {
    const net = small()
    const before = bits(net)
    net.setWeights({ 'dense_1/bias': [1, 2, 3, 4], 'dense_2/kernel': nested(numbers(12), 3) })
    expect(bits(net)).toEqual({
      ...before,
      'dense_1/bias': bitsOf(Float32Array.of(1, 2, 3, 4)),
      'dense_2/kernel': bitsOf(numbers(12)),
    })
  })

  test('given to a new model are its first ones; the others are drawn as ever', () => {
    const layers = () => [dense({ units: 4, name: 'a' }), dense({ units: 3, name: 'b' })]
    const make = (weights?: Record<string, unknown>) =>
      sequential({ inputShape: [2], layers: layers(), ...(weights && { weights: weights as never }) })
    const kernel = { data: numbers(12), shape: [4, 3] }
    const made = make({ 'b/kernel': kernel, 'a/bias': [1, 2, 3, 4] })
    expect(bits(made)).toEqual({
      ...bits(make()),
      'b/kernel': bitsOf(numbers(12)),
      'a/bias': bitsOf(Float32Array.of(1, 2, 3, 4)),
    })
    // they come before those of a model that the layers are taken from
    const x = input({ shape: [2] })
    const y = made(x)
    const outer = model({ inputs: x, outputs: y, weights: { 'model_1.a/bias': [5, 6, 7, 8] } })
    expect(bits(outer)).toEqual(
      Object.fromEntries(
        Object.entries({ ...bits(made), 'a/bias': bitsOf(Float32Array.of(5, 6, 7, 8)) }).map(
          ([name, own]) => [`model_1.${name}`, own],
        ),
      ),
    )
    expect(() => make({ 'b/kernels': kernel })).toThrow(
      /unknown sequential weight "b\/kernels"; did you mean "b\/kernel"/,
    )
    expect(() => make({ 'a/kernel': kernel })).toThrow(/sequential: a\/kernel: expected/)
    expect(() => make(5 as never)).toThrow(/sequential: weights must be an object of arrays by name; got 5/)
  })

  test('are copies', () => {
    const net = small()
    const before = bits(net)
    for (const { data } of Object.values(net.getWeights())) data.fill(7)
    expect(bits(net)).toEqual(before)
  })

  test('of a frozen layer stay while the others move', () => {
    const net = sequential({
      inputShape: [2],
      layers: [dense({ units: 2, trainable: false }), dense({ units: 1 })],
    }).compile({ loss: 'mse' })
    const before = bits(net)
    expect(Object.keys(net.gradients(numbers(4), [1, 2]))).toEqual(['dense_2/kernel', 'dense_2/bias'])
    net.trainStep(numbers(4), [1, 2])
    expect(bits(net)['dense_1/kernel']).toEqual(before['dense_1/kernel'])
    expect(bits(net)['dense_2/kernel']).not.toEqual(before['dense_2/kernel'])
  })

  test('of the same seed are the same, whatever else the model holds', () => {
    const chain = (last: number) =>
      sequential({ inputShape: [3], seed: 5, layers: [dense({ units: 4 }), dense({ units: last })] })
    expect(bits(chain(2))['dense_1/kernel']).toEqual(bits(chain(7))['dense_1/kernel'])
  })

  test('countParams counts all', () => {
    expect(small().countParams()).toBe(3 * 4 + 4 + 4 * 3 + 3)
    expect(sequential({ inputShape: [4], layers: [reshape({ targetShape: [2, 2] })] }).countParams()).toBe(0)
  })
})
