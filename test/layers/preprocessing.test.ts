// Preprocessing layers: values by their formulas, statistics found in data, saving, bad input.
import { describe, expect, test } from 'vitest'
import {
  adaptNormalization,
  type CategoryEncodingOptions,
  categoryEncoding,
  dense,
  type FloatArray,
  type Layer,
  load,
  type Model,
  normalization,
  rescaling,
  sequential,
  tensor,
} from '../../src/index.ts'
import { refused } from '../support/refused.ts'

const single = (
  layer: Layer,
  inputShape: readonly (number | null)[],
  dtype: 'float32' | 'int32' = 'float32',
): Model => sequential({ inputShape, inputDtype: dtype, layers: [layer] })
const numbers = (result: unknown): number[] => [...(result as FloatArray).data]
const shapeOf = (result: unknown): readonly number[] => (result as FloatArray).shape

describe('rescaling', () => {
  test('x scale + offset', () => {
    const model = single(rescaling({ scale: 0.5, offset: -1 }), [3])
    expect(numbers(model.predict(Float32Array.of(0, 2, 255)))).toEqual([-1, 0, 126.5])
    expect(numbers(single(rescaling({ scale: 2 }), [1]).predict(Float32Array.of(3)))).toEqual([6])
  })
  test('one number a channel', () => {
    const model = single(rescaling({ scale: [1, 2], offset: [0, 10] }), [2, 2])
    expect(numbers(model.predict(Float32Array.of(1, 1, 2, 2)))).toEqual([1, 12, 2, 14])
  })
  test('bytes to 0 ... 1', () => {
    const model = single(rescaling({ scale: 1 / 255 }), [2])
    expect(numbers(model.predict(Uint8Array.of(0, 255)))).toEqual([0, 1])
  })
})

describe('normalization', () => {
  test('(x - mean) / sqrt(variance)', () => {
    const model = single(normalization({ mean: [1, -2], variance: [4, 0.25] }), [2])
    expect(numbers(model.predict(Float32Array.of(3, -1, 1, -2.5)))).toEqual([1, 2, 0, -1])
    expect(
      numbers(single(normalization({ mean: 5, variance: 9 }), [2]).predict(Float32Array.of(8, 2))),
    ).toEqual([1, -1])
  })
  test('a variance of 0 divides by 1e-7', () => {
    const model = single(normalization({ mean: [3], variance: [0] }), [1])
    expect(numbers(model.predict(Float32Array.of(3, 4)))).toEqual([0, Math.fround(1 / Math.fround(1e-7))])
  })

  const config = (layer: Layer) => layer.config as { mean: number[]; variance: number[] }
  test('adaptNormalization finds mean and variance over all axes but the last', () => {
    const layer = adaptNormalization(
      tensor([
        [
          [1, 10],
          [2, 10],
        ],
        [
          [3, 10],
          [6, 10],
        ],
      ]),
      { name: 'prep' },
    )
    expect(layer.layerName).toBe('prep')
    expect(config(layer)).toEqual({ axis: -1, mean: [3, 10], variance: [3.5, 0] })
  })
  test('of nested arrays, and of typed arrays of other types', () => {
    expect(config(adaptNormalization([[1], [3]]))).toEqual({ axis: -1, mean: [2], variance: [1] })
    const bytes = { shape: [2, 1], data: Uint8Array.of(0, 200) }
    expect(config(adaptNormalization(bytes))).toEqual({ axis: -1, mean: [100], variance: [10000] })
  })
  test('in float64: far from 0 the variance keeps its digits', () => {
    const data = Float64Array.from({ length: 1000 }, (_, i) => 1e9 + (i % 2))
    expect(config(adaptNormalization({ shape: [1000, 1], data }))).toEqual({
      axis: -1,
      mean: [1e9 + 0.5],
      variance: [0.25],
    })
  })
  test.each([0, 1e3, 1e5, 1e6, 1e7])('values about %d come out as in float64', (center) => {
    const [rows, channels] = [500, 3]
    const data = Float32Array.from(
      { length: rows * channels },
      (_, i) => center + ((i * i * 7919) % 1013) / 100,
    )
    const out = numbers(single(adaptNormalization(tensor(data, [rows, channels])), [channels]).predict(data))
    for (let c = 0; c < channels; c++) {
      const own = [...data].filter((_, i) => i % channels === c)
      const mean = own.reduce((a, b) => a + b, 0) / rows
      const deviation = Math.sqrt(own.reduce((a, b) => a + (b - mean) ** 2, 0) / rows)
      own.forEach((x, r) => {
        expect(Math.abs(out[r * channels + c] - (x - mean) / deviation)).toBeLessThan(2e-6)
      })
    }
  })
  test('a channel without spread comes out as 0, whatever a float cuts off its mean', () => {
    const model = single(adaptNormalization([[0.1], [0.1]]), [1])
    expect(numbers(model.predict([[0.1]]))).toEqual([0])
  })
  test('what it was adapted to comes out with mean 0 and variance 1', () => {
    const data = Float32Array.from({ length: 60 }, (_, i) => (i * 37) % 101)
    const out = numbers(single(adaptNormalization(tensor(data, [20, 3])), [3]).predict(data))
    for (const c of [0, 1, 2]) {
      const own = out.filter((_, i) => i % 3 === c)
      expect(Math.abs(own.reduce((a, b) => a + b, 0))).toBeLessThan(1e-5)
      expect(own.reduce((a, b) => a + b * b, 0) / 20).toBeCloseTo(1, 5)
    }
  })
})

describe('category encoding', () => {
  const encode = (options: CategoryEncodingOptions, shape: number[], ids: number[]) =>
    single(categoryEncoding(options), shape, 'int32').predict(Int32Array.from(ids))
  test('multiHot: which ids occur', () => {
    const out = encode({ numTokens: 4 }, [3], [0, 1, 1, 3, 3, 3])
    expect(shapeOf(out)).toEqual([2, 4])
    expect(numbers(out)).toEqual([1, 1, 0, 0, 0, 0, 0, 1])
  })
  test('count: how often', () => {
    const out = encode({ numTokens: 4, outputMode: 'count' }, [3], [0, 1, 1, 3, 3, 3])
    expect(numbers(out)).toEqual([1, 2, 0, 0, 0, 0, 0, 3])
  })
  test('oneHot: a row for each id, in place of a last axis of size 1', () => {
    const one = encode({ numTokens: 3, outputMode: 'oneHot' }, [1], [2, 0])
    expect([shapeOf(one), numbers(one)]).toEqual([
      [2, 3],
      [0, 0, 1, 1, 0, 0],
    ])
    const several = encode({ numTokens: 2, outputMode: 'oneHot' }, [2], [1, 0])
    expect([shapeOf(several), numbers(several)]).toEqual([
      [1, 2, 2],
      [0, 1, 1, 0],
    ])
    const scalars = encode({ numTokens: 2, outputMode: 'oneHot' }, [], [1, 0])
    expect([shapeOf(scalars), numbers(scalars)]).toEqual([
      [2, 2],
      [0, 1, 1, 0],
    ])
  })
  test('ids out of range count nowhere', () => {
    expect(numbers(encode({ numTokens: 2, outputMode: 'count' }, [4], [-1, 2, 1, 2147483647]))).toEqual([
      0, 1,
    ])
  })
  test('a batch of any length, rows of any length', () => {
    const model = single(categoryEncoding({ numTokens: 2 }), [null], 'int32')
    expect(numbers(model.predict(tensor(Int32Array.of(1, 1), [1, 2])))).toEqual([0, 1])
    expect(numbers(model.predict(tensor(Int32Array.of(1, 0, 1, 1), [2, 2])))).toEqual([1, 1, 0, 1])
  })
  test('a network learns behind it', () => {
    const model = sequential({
      inputShape: [1],
      inputDtype: 'int32',
      layers: [categoryEncoding({ numTokens: 3, outputMode: 'oneHot' }), dense({ name: 'd', units: 1 })],
    }).compile({ optimizer: 'sgd', loss: 'mse' })
    model.setWeights({ 'd/kernel': new Float32Array(3), 'd/bias': new Float32Array(1) })
    const { 'd/kernel': gradient } = model.gradients(Int32Array.of(0, 2), Float32Array.of(1, 3))
    expect([...gradient.data]).toEqual([-1, 0, -3]) // -2/2 times the target
  })
})

test('all of them come back from a file', () => {
  const numeric = sequential({
    inputShape: [2],
    layers: [
      adaptNormalization([
        [0.1, 5],
        [0.7, 9],
      ]),
      rescaling({ scale: [0.3, 1], offset: 2 }),
    ],
  })
  const x = Float32Array.of(0.25, 7, -3, 8)
  expect(numbers(load(numeric.save()).predict(x))).toEqual(numbers(numeric.predict(x)))
  const ids = single(categoryEncoding({ numTokens: 3, outputMode: 'count' }), [2], 'int32')
  expect(numbers(load(ids.save()).predict(Int32Array.of(2, 2)))).toEqual([0, 0, 2])
})

describe('bad input', () => {
  test('rescaling', () => {
    const expected = 'must be a finite number or a list of one for each channel; got'
    refused(`rescaling: scale ${expected} undefined`, () => rescaling({} as never))
    refused(`rescaling: scale ${expected} []`, () => rescaling({ scale: [] }))
    refused(`rescaling: offset ${expected} NaN`, () => rescaling({ scale: 1, offset: Number.NaN }))
    refused('layer r: expected 3 numbers as scale, one for each channel; got 2', () =>
      single(rescaling({ name: 'r', scale: [1, 2] }), [3]),
    )
  })
  test('normalization', () => {
    refused(/^normalization: mean must be a finite number or a list/, () =>
      normalization({ variance: 1 } as never),
    )
    refused(/^normalization: variance must be a finite number >= 0 or a list .*got \[1,-1\]$/, () =>
      normalization({ mean: 0, variance: [1, -1] }),
    )
    refused('normalization: axis must be an integer other than 0 (the batch) or a list of such; got 0', () =>
      normalization({ mean: 0, variance: 1, axis: 0 }),
    )
    refused('layer n: expected 6 numbers as mean, one for each channel; got 2', () =>
      single(normalization({ name: 'n', mean: [1, 2], variance: 1, axis: [1, 2] }), [2, 3]),
    )
    refused('layer n: expected 2 numbers as variance, one for each channel; got 1', () =>
      single(normalization({ name: 'n', mean: 0, variance: [1] }), [2]),
    )
  })
  test('adaptNormalization', () => {
    const what = 'adaptNormalization: x'
    refused(`${what} must be a tensor or nested arrays; got Float32Array(2)`, () =>
      adaptNormalization(Float32Array.of(1, 2) as never),
    )
    refused(`${what}: expected shape [samples, ..., channels]; got [2] with 2 elements`, () =>
      adaptNormalization([1, 2]),
    )
    refused(`${what}: expected shape [samples, ..., channels]; got [2,2] with 3 elements`, () =>
      adaptNormalization({ shape: [2, 2], data: Float32Array.of(1, 2, 3) }),
    )
    refused(`${what} must be finite numbers; got [NaN]`, () => adaptNormalization([[1], [Number.NaN]]))
    refused(/^unknown adaptNormalization option "axis"/, () =>
      adaptNormalization([[1]], { axis: 0 } as never),
    )
  })
  test('categoryEncoding', () => {
    refused('categoryEncoding: numTokens must be a positive integer; got 0', () =>
      categoryEncoding({ numTokens: 0 }),
    )
    refused('categoryEncoding: outputMode must be "oneHot", "multiHot" or "count"; got "multi_hot"', () =>
      categoryEncoding({ numTokens: 2, outputMode: 'multi_hot' as never }),
    )
    refused(
      'layer c: expected int32 ids (dtype: "int32" of input, inputDtype of sequential); got float32',
      () => single(categoryEncoding({ name: 'c', numTokens: 2 }), [2]),
    )
    refused('layer c: expected an input [batch, ..., ids]; got [1]', () =>
      single(categoryEncoding({ name: 'c', numTokens: 2 }), [], 'int32'),
    )
  })
})
