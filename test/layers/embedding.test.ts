// Embeddings of ids and positions: what the golden cases don't cover. Tables are set to known numbers; expectations are
// sums and rows of them.
import { describe, expect, test } from 'vitest'
import {
  type Data,
  dense,
  type EmbeddingOptions,
  embedding,
  glorotNormal,
  input,
  type Layer,
  load,
  model,
  nonNeg,
  type PositionEmbeddingOptions,
  positionEmbedding,
  reshape,
  sequential,
  sgd,
  tensor,
} from '../../src/index.ts'
import { refused, refusedSoon } from '../support/refused.ts'

/** [rows, width] of row + column / 8. */
const table = (rows: number, width: number) =>
  tensor(
    Float32Array.from({ length: rows * width }, (_, i) => Math.floor(i / width) + (i % width) / 8),
    [rows, width],
  )
const ids = (values: readonly number[], shape: readonly number[]) =>
  tensor(Int32Array.from(values), [...shape])
const chain = (inputShape: (number | null)[], ...layers: Layer[]) =>
  sequential({ inputShape, inputDtype: 'int32', layers })

describe('embedding', () => {
  test.each<[string, number[]]>([
    ['ids of one axis', []],
    ['sequences', [3]],
    ['ids of three axes', [3, 2]],
  ])('looks up rows: %s', (_, shape) => {
    const net = chain(shape, embedding({ inputDim: 5, outputDim: 3, name: 'e' }))
    net.setWeights({ 'e/embeddings': table(5, 3) })
    const count = 2 * shape.reduce((a, b) => a * b, 1)
    const own = Array.from({ length: count }, (_, i) => (i * 3 + 1) % 5)
    const y = net.predict(ids(own, [2, ...shape]))
    expect(y.shape).toEqual([2, ...shape, 3])
    expect([...y.data]).toEqual(own.flatMap((id) => [id, id + 1 / 8, id + 2 / 8]))
  })

  test('starts uniform in -0.05 to 0.05', () => {
    const { data } = chain([2], embedding({ inputDim: 100, outputDim: 10 })).getWeights()[
      'embedding_1/embeddings'
    ]
    expect(Math.max(...data)).toBeLessThanOrEqual(0.05)
    expect(Math.max(...data)).toBeGreaterThan(0.049)
    expect(Math.min(...data)).toBeGreaterThanOrEqual(-0.05)
    expect(Math.min(...data)).toBeLessThan(-0.049)
  })

  test('the gradients of an id that comes more than once add up; rows nobody asks for get 0', () => {
    const net = chain([3], embedding({ inputDim: 4, outputDim: 2, name: 'e' })).compile({
      loss: 'meanSquaredError',
    })
    net.setWeights({ 'e/embeddings': table(4, 2) })
    // d mean (e - 0)^2 = 2 e / 6 for each place
    const found = net.gradients(ids([2, 1, 2], [1, 3]), tensor(new Float32Array(6), [1, 3, 2]))
    const want = [0, 0, 1 / 3, 1.125 / 3, 4 / 3, 4.25 / 3, 0, 0]
    found['e/embeddings'].data.forEach((g, i) => {
      expect(g).toBeCloseTo(want[i], 6)
    })
  })

  test('a regularizer counts every row, a constraint holds in every row', () => {
    const options = {
      inputDim: 4,
      outputDim: 2,
      name: 'e',
      embeddingsRegularizer: { l2: 0.5 },
      embeddingsConstraint: nonNeg(),
      embeddingsInitializer: 'ones',
    } as const
    const net = chain([1], embedding(options)).compile({
      loss: 'meanSquaredError',
      optimizer: sgd({ learningRate: 2 }),
    })
    const y = tensor(Float32Array.of(1, 1), [1, 1, 2])
    expect(net.trainStep(ids([3], [1, 1]), y).loss).toBeCloseTo(0.5 * 8, 6)
    // gradient of every element: 2 * 0.5 * 1; 1 - 2 is below 0
    expect([...net.getWeights()['e/embeddings'].data]).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
  })

  test('a frozen table stays', () => {
    const net = chain(
      [2],
      embedding({ inputDim: 3, outputDim: 2, name: 'e', trainable: false }),
      dense({ units: 1, name: 'd' }),
    ).compile({ loss: 'meanSquaredError', optimizer: sgd({ learningRate: 1 }) })
    const before = net.getWeights()
    net.trainStep(ids([0, 1, 2, 1], [2, 2]), tensor(new Float32Array(4).fill(1), [2, 2, 1]))
    const after = net.getWeights()
    expect(after['e/embeddings']).toEqual(before['e/embeddings'])
    expect(after['d/bias']).not.toEqual(before['d/bias'])
  })

  test('a dense layer tied to it multiplies by the transposed table', () => {
    const token = embedding({ inputDim: 4, outputDim: 2, name: 'e' })
    const net = chain([2], token, dense({ units: 4, useBias: false, tiedTo: token }))
    net.setWeights({ 'e/embeddings': table(4, 2) })
    const row = (id: number) => [id, id + 1 / 8]
    const want = [3, 1].flatMap((id) =>
      [0, 1, 2, 3].map((other) => row(id).reduce((sum, x, i) => sum + x * row(other)[i], 0)),
    )
    expect([...net.predict(ids([3, 1], [1, 2])).data]).toEqual(want)
  })

  test('maskZero: steps of id 0 are no part of the loss', () => {
    const lossOf = (maskZero: boolean) => {
      const net = chain([3], embedding({ inputDim: 4, outputDim: 2, name: 'e', maskZero }))
      net.setWeights({ 'e/embeddings': table(4, 2) })
      net.compile({ loss: 'meanSquaredError' })
      return net.trainStep(ids([1, 0, 3, 0, 0, 2], [2, 3]), tensor(new Float32Array(12), [2, 3, 2])).loss
    }
    const square = (id: number) => (id ** 2 + (id + 1 / 8) ** 2) / 2
    expect(lossOf(true)).toBeCloseTo((square(1) + square(3) + square(2)) / 3, 5)
    expect(lossOf(false)).toBeCloseTo((square(1) + square(3) + square(2) + 3 * square(0)) / 6, 5)
  })

  test('saved and loaded', () => {
    const net = chain(
      [3],
      embedding({ inputDim: 4, outputDim: 2, maskZero: true, embeddingsInitializer: glorotNormal() }),
      positionEmbedding({ length: 5 }),
    )
    const x = ids([1, 0, 3, 2, 0, 2], [2, 3])
    const copy = load(net.save())
    expect(copy.predict(x)).toEqual(net.predict(x))
    expect(copy.save()).toEqual(net.save())
  })
})

describe('ids that are no row are refused before anything runs', () => {
  const token = embedding({ inputDim: 4, outputDim: 2, name: 'tok' })
  const net = chain([2], token, dense({ units: 1 })).compile({ loss: 'meanSquaredError' })
  const y = tensor(new Float32Array(6), [3, 2, 1])
  net.trainStep(ids([0, 1, 2, 3, 0, 1], [3, 2]), y)

  const methods: [string, (x: Data) => unknown][] = [
    ['predict', (x) => net.predict(x)],
    ['trainStep', (x) => net.trainStep(x, y)],
    ['fit', (x) => net.fit(x, y, { batchSize: 1, epochs: 2 })],
    ['evaluate', (x) => net.evaluate(x, y)],
    ['gradients', (x) => net.gradients(x, y)],
  ]
  test.each(methods)('%s', async (name, call) => {
    const text = (row: number, id: number) =>
      `${name}: x: row ${row} holds id ${id}; layer tok takes ids from 0 to 3`
    await refusedSoon(text(2, 4), () => call(ids([0, 1, 2, 3, 0, 4], [3, 2])), net)
    await refusedSoon(text(1, -1), () => call(ids([0, 1, -1, 3, 0, 9], [3, 2])), net)
  })

  test('the smaller of two tables counts; the input is named where there are several', () => {
    const words = input({ shape: [2], dtype: 'int32', name: 'words' })
    const other = input({ shape: [2], dtype: 'int32', name: 'other' })
    const layers = [9, 3, 5].map((inputDim) => embedding({ inputDim, outputDim: 2, name: `e${inputDim}` }))
    const both = model({
      inputs: [other, words],
      outputs: [layers[0](other), ...layers.map((layer) => layer(words))],
    })
    refused('predict: x words: row 0 holds id 3; layer e3 takes ids from 0 to 2', () =>
      both.predict([ids([8, 8], [1, 2]), ids([2, 3], [1, 2])]),
    )
    expect(both.predict([ids([8, 8], [1, 2]), ids([2, 2], [1, 2])])).toHaveLength(4)
  })

  test('behind a reshape', () => {
    const reshaped = chain([4], reshape({ targetShape: [2, 2] }), reshape({ targetShape: [4] }), token)
    refused('predict: x: row 1 holds id 7; layer tok takes ids from 0 to 3', () =>
      reshaped.predict(ids([0, 1, 2, 3, 0, 1, 2, 7], [2, 4])),
    )
  })
})

describe('positionEmbedding', () => {
  const embedded = (length: number | null, steps: number | null) =>
    sequential({ inputShape: [steps, 2], layers: [positionEmbedding({ length, name: 'p' })] })

  test('adds the first rows to shorter sequences', () => {
    const net = embedded(4, null)
    net.setWeights({ 'p/position': table(4, 2) })
    for (const steps of [1, 3, 4]) {
      const y = net.predict(tensor(new Float32Array(2 * steps * 2).fill(10), [2, steps, 2]))
      const rows = [...table(steps, 2).data].map((x) => x + 10)
      expect([...y.data]).toEqual([...rows, ...rows])
    }
  })

  test('rows behind the sequence get no gradient', () => {
    const net = embedded(4, 2).compile({ loss: 'meanSquaredError' })
    net.setWeights({ 'p/position': tensor(new Float32Array(8), [4, 2]) })
    const x = tensor(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), [2, 2, 2])
    // 2 / 8 times the sum over the batch
    const { data } = net.gradients(x, tensor(new Float32Array(8), [2, 2, 2]))['p/position']
    expect([...data]).toEqual([6 / 4, 8 / 4, 10 / 4, 12 / 4, 0, 0, 0, 0])
  })

  test('takes its length from the input', () => {
    expect(embedded(null, 3).getWeights()['p/position'].shape).toEqual([3, 2])
  })

  test('a longer sequence is refused', () => {
    refused('layer p: expected at most 2 steps (its length); got 3', () => embedded(2, 3))
    const net = embedded(2, null)
    refused(
      'layer p: expected at most 2 steps (its length); got 3',
      () => net.predict(tensor(new Float32Array(6), [1, 3, 2])),
      net,
    )
  })

  test('no length and an input of any length', () => {
    refused(/^weight p\/position would take its shape from an input axis of unknown length/, () =>
      embedded(null, null),
    )
  })
})

describe('bad options and inputs', () => {
  const integer = 'a positive integer'
  test.each<[string, object]>([
    [`embedding: inputDim must be ${integer}; got 0`, { inputDim: 0, outputDim: 2 }],
    [`embedding: outputDim must be ${integer}; got 1.5`, { inputDim: 2, outputDim: 1.5 }],
    [`embedding: outputDim must be ${integer}; got undefined`, { inputDim: 2 }],
    ['embedding: maskZero must be a boolean; got 1', { inputDim: 2, outputDim: 2, maskZero: 1 }],
  ])('%s', (message, options) => {
    refused(message, () => embedding(options as EmbeddingOptions))
  })

  test('an unknown option', () => {
    refused(/^unknown embedding option "units"/, () =>
      embedding({ inputDim: 2, outputDim: 2, units: 1 } as EmbeddingOptions),
    )
    refused(/^unknown positionEmbedding option "size"/, () =>
      positionEmbedding({ size: 1 } as PositionEmbeddingOptions),
    )
  })

  test('a length that is none', () => {
    refused(`positionEmbedding: length must be ${integer} or null; got -1`, () =>
      positionEmbedding({ length: -1 }),
    )
  })

  test('ids that are floats', () => {
    refused(
      'layer embedding_1: expected int32 ids (dtype: "int32" of input, inputDtype of sequential); got float32',
      () => sequential({ inputShape: [3], layers: [embedding({ inputDim: 2, outputDim: 2 })] }),
    )
  })

  test('positions of a value without steps', () => {
    refused('layer positionEmbedding_1: expected an input [batch, steps, channels]; got [1,3]', () =>
      sequential({ inputShape: [3], layers: [positionEmbedding()] }),
    )
  })
})

test('maskZero of ids with axes behind the steps: all of them count', () => {
  const lossOf = (maskZero: boolean) => {
    const layers = [embedding({ inputDim: 4, outputDim: 2, maskZero })]
    const net = sequential({ inputShape: [2, 3], inputDtype: 'int32', layers, seed: 1 }).compile({
      loss: 'mse',
    })
    return net.trainStep(Int32Array.of(0, 1, 2, 0, 0, 3), new Float32Array(12)).loss
  }
  expect(lossOf(true)).toBe(lossOf(false))
})
