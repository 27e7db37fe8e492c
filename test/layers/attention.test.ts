// Multi-head attention beyond the golden cases: key and value of their own, widths that differ,
// masks, dropout. Expectations come from a plain float64 version of the layer, written here from its formulas; gradients
// from central differences of it.
import { describe, expect, test } from 'vitest'
import {
  embedding,
  input,
  load,
  type MultiHeadAttentionOptions,
  masking,
  model,
  multiHeadAttention,
  sequential,
  sgd,
  tensor,
} from '../../src/index.ts'
import { attention, batchMatmul } from '../../src/operations/attention.ts'
import { testBuilder } from '../support/builder.ts'
import { refused } from '../support/refused.ts'

interface Flat {
  readonly shape: readonly number[]
  readonly data: ArrayLike<number>
}
type Matrix = readonly (readonly number[])[]

/** Numbers between -1 and 1, in no order. */
const numbers = (shape: readonly number[], seed: number) =>
  tensor(
    Float32Array.from(
      { length: shape.reduce((a, b) => a * b, 1) },
      (_, i) => (((i + seed) * 37) % 61) / 30 - 1,
    ),
    [...shape],
  )
const ids = (values: readonly number[], shape: readonly number[]) =>
  tensor(Int32Array.from(values), [...shape])

/** Matrix `at` of a list [count, rows, cols]. */
const matrixOf = ({ data, shape }: Flat, at = 0): Matrix => {
  const [rows, cols] = shape.slice(-2)
  return Array.from({ length: rows }, (_, i) =>
    Array.from({ length: cols }, (_, j) => data[(at * rows + i) * cols + j]),
  )
}

/** Multi-head attention of one sample, from the formulas. `counts` says which keys a query sees. */
function attended(
  [query, value, key]: readonly [Matrix, Matrix, Matrix],
  weights: Readonly<Record<string, Flat>>,
  { heads, counts }: { heads: number; counts(query: number, key: number): boolean },
): number[][] {
  const project = (x: Matrix, own: string): number[][] => {
    const w = matrixOf(weights[`w${own}`])
    const b = weights[`b${own}`]?.data
    return x.map((row) =>
      w[0].map((_, j) => row.reduce((sum, number, i) => sum + number * w[i][j], b ? b[j] : 0)),
    )
  }
  const [q, k, v] = [project(query, 'q'), project(key, 'k'), project(value, 'v')]
  const K = q[0].length / heads
  const V = v[0].length / heads
  const mixed = q.map((row, i) =>
    v[0].map((_, column) => {
      const head = Math.floor(column / V)
      const terms = k.map((other, j) => {
        let score = 0
        for (let c = head * K; c < (head + 1) * K; c++) score += row[c] * other[c]
        return counts(i, j) ? Math.exp(score / Math.sqrt(K)) : 0
      })
      const sum = terms.reduce((a, b) => a + b, 0)
      return sum === 0 ? 0 : terms.reduce((total, term, j) => total + (term / sum) * v[j][column], 0)
    }),
  )
  return project(mixed, 'o')
}

function expectClose(got: ArrayLike<number>, want: readonly number[], tolerance = 2e-6): void {
  expect(got.length).toBe(want.length)
  want.forEach((value, i) => {
    expect(Math.abs(got[i] - value), `${i}: ${got[i]} against ${value}`).toBeLessThanOrEqual(
      tolerance * Math.max(1, Math.abs(value)),
    )
  })
}

describe('query, value and key of their own, masked', () => {
  const [batch, Tq, Tk, heads] = [3, 3, 4, 2]
  const names = { queries: [Tq, 5], keys: [Tk, 3] } as const
  // the value comes with a mask: steps of id 0 don't count; in the last sample none does
  const valueIds = ids([2, 1, 0, 3, 0, 1, 1, 0, 0, 0, 0, 0], [batch, Tk])
  const counts = (b: number, j: number) => valueIds.data[b * Tk + j] !== 0

  const build = (options: Partial<MultiHeadAttentionOptions> = {}) => {
    const [query, key] = Object.entries(names).map(([name, shape]) => input({ name, shape }))
    const value = input({ name: 'values', shape: [Tk], dtype: 'int32' })
    const layer = multiHeadAttention({
      numHeads: heads,
      keyDim: 3,
      valueDim: 2,
      outputDim: 4,
      name: 'a',
      ...options,
    })
    const table = embedding({ inputDim: 4, outputDim: 6, maskZero: true, name: 'e' })
    const net = model({ inputs: { query, value, key }, outputs: layer(query, table(value), key) })
    const shapes = Object.entries(net.getWeights()).map(([name, { shape }], i) => [
      name,
      numbers(shape, i * 5),
    ])
    net.setWeights(Object.fromEntries(shapes))
    return net.compile({ loss: 'meanSquaredError' })
  }
  const x = { query: numbers([batch, Tq, 5], 3), value: valueIds, key: numbers([batch, Tk, 3], 8) }

  /** The outputs in float64, from weights by full name. */
  const outputOf = (weights: Readonly<Record<string, Flat>>, causal: boolean): number[] => {
    const own = Object.fromEntries(Object.entries(weights).map(([name, w]) => [name.replace('a/', ''), w]))
    const table = matrixOf(weights['e/embeddings'])
    return Array.from({ length: batch }, (_, b) => {
      const value = Array.from({ length: Tk }, (_, j) => table[valueIds.data[b * Tk + j]])
      const operands = [matrixOf(x.query, b), value, matrixOf(x.key, b)] as const
      return attended(operands, own, { heads, counts: (i, j) => counts(b, j) && (!causal || j <= i) })
    }).flat(2)
  }

  test.each([false, true])('outputs, causal: %s', (causal) => {
    const net = build({ causal })
    expectClose(net.predict(x).data, outputOf(net.getWeights(), causal))
  })

  test('weights have the shapes of their widths', () => {
    const shapes = Object.entries(build().getWeights()).map(([name, { shape }]) => [name, shape])
    expect(Object.fromEntries(shapes)).toEqual({
      'e/embeddings': [4, 6],
      'a/wq': [5, 6],
      'a/bq': [6],
      'a/wk': [3, 6],
      'a/bk': [6],
      'a/wv': [6, 4],
      'a/bv': [4],
      'a/wo': [4, 4],
      'a/bo': [4],
    })
  })

  test('a query for which no key counts gives the bias', () => {
    const net = build()
    const bias = [...net.getWeights()['a/bo'].data]
    expect([...net.predict(x).data].slice(2 * Tq * 4)).toEqual([...bias, ...bias, ...bias])
  })

  test.each([false, true])('gradients against central differences, causal: %s', (causal) => {
    const net = build({ causal })
    const weights = net.getWeights()
    const y = numbers([batch, Tq, 4], 20)
    const lossAt = (moved: Readonly<Record<string, Flat>>) => {
      const out = outputOf(moved, causal)
      return out.reduce((sum, o, i) => sum + (o - y.data[i]) ** 2, 0) / out.length
    }
    for (const [name, { data }] of Object.entries(net.gradients(x, y))) {
      const { shape } = weights[name]
      const step = 2 ** -12
      const want = Array.from({ length: data.length }, (_, i) => {
        const at = (offset: number) => {
          const moved = Float64Array.from(weights[name].data)
          moved[i] += offset
          return lossAt({ ...weights, [name]: { shape, data: moved } })
        }
        return (at(step) - at(-step)) / (2 * step)
      })
      expectClose(data, want, 4e-6)
    }
  })

  test('saved and loaded', () => {
    const net = build({ causal: true, dropout: 0.25, useBias: false, kernelRegularizer: { l2: 0.1 } })
    const copy = load(net.save())
    expect(copy.predict(x)).toEqual(net.predict(x))
    expect(copy.save()).toEqual(net.save())
    expect(Object.keys(copy.getWeights())).toEqual(['e/embeddings', 'a/wq', 'a/wk', 'a/wv', 'a/wo'])
  })
})

describe('masks behind it', () => {
  const tokens = ids([1, 2, 0, 3, 0, 0], [2, 3])

  test('self-attention keeps the mask: padded steps are no part of the loss', () => {
    const net = sequential({
      inputShape: [3],
      inputDtype: 'int32',
      layers: [
        embedding({ inputDim: 4, outputDim: 3, maskZero: true }),
        multiHeadAttention({ numHeads: 1, keyDim: 2 }),
      ],
    }).compile({ loss: 'meanSquaredError' })
    const { data } = net.predict(tokens)
    const { loss } = net.trainStep(tokens, tensor(new Float32Array(18), [2, 3, 3]))
    const squares = [0, 1, 3].flatMap((step) => [...data.slice(step * 3, step * 3 + 3)].map((o) => o * o))
    expect(loss).toBeCloseTo(squares.reduce((a, b) => a + b, 0) / 9, 6)
  })

  test('a mask on the key alone, or on the value alone: what it leaves out changes no bit', () => {
    const attend = (masked: 'key' | 'value', other: number) => {
      const [query, value, key] = ['query', 'value', 'key'].map((name) => input({ name, shape: [3, 2] }))
      const mask = masking()
      const y = multiHeadAttention({ numHeads: 1, keyDim: 2, name: 'm' })(
        query,
        masked === 'value' ? mask(value) : value,
        masked === 'key' ? mask(key) : key,
      )
      const net = model({ inputs: [query, value, key], outputs: y, seed: 3 })
      const rows = [1, 2, 3].map((seed) => numbers([1, 3, 2], seed))
      rows[masked === 'key' ? 2 : 1].data.fill(0, 2, 4) // its step 1 is masked
      rows[masked === 'key' ? 1 : 2].data.fill(other, 2, 4)
      return [...net.predict(rows).data]
    }
    for (const masked of ['key', 'value'] as const) expect(attend(masked, 5)).toEqual(attend(masked, -7))
  })

  test('masks on key and value: steps count that both let through', () => {
    const [query, value, key] = ['query', 'value', 'key'].map((name) => input({ name, shape: [3, 2] }))
    const y = multiHeadAttention({ numHeads: 1, keyDim: 2 })(query, masking()(value), masking()(key))
    const net = model({ inputs: [query, value, key], outputs: y, seed: 3 })
    const of = (free: number) => {
      const rows = [1, 2, 3].map((seed) => numbers([1, 3, 2], seed))
      rows[1].data.set([0, 0, free, free], 0) // of the value step 0 is masked, of the key step 1
      rows[2].data.set([free, free, 0, 0], 0)
      return [...net.predict(rows).data]
    }
    expect(of(5)).toEqual(of(-7))
  })

  test("the mask of the keys isn't that of the output", () => {
    const query = input({ name: 'query', shape: [3, 2] })
    const value = input({ name: 'value', shape: [3], dtype: 'int32' })
    const keys = embedding({ inputDim: 4, outputDim: 3, maskZero: true })(value)
    const y = multiHeadAttention({ numHeads: 1, keyDim: 2 })(query, keys)
    const net = model({ inputs: [query, value], outputs: y }).compile({ loss: 'meanSquaredError' })
    const x = [numbers([2, 3, 2], 1), tokens]
    const squares = [...net.predict(x).data].map((o) => o * o)
    const { loss } = net.trainStep(x, tensor(new Float32Array(12), [2, 3, 2]))
    expect(loss).toBeCloseTo(squares.reduce((a, b) => a + b, 0) / 12, 6)
  })
})

test('causal: what comes later changes no bit', () => {
  const net = sequential({
    inputShape: [40, 4],
    layers: [multiHeadAttention({ numHeads: 2, keyDim: 3, causal: true })],
  })
  const x = numbers([1, 40, 4], 2)
  const before = [...net.predict(x).data]
  for (const from of [1, 31, 32, 33]) {
    const changed = Float32Array.from(x.data, (value, i) => (i < from * 4 ? value : value + 1))
    const after = [...net.predict(tensor(changed, [1, 40, 4])).data]
    expect(after.slice(0, from * 4)).toEqual(before.slice(0, from * 4))
    expect(after.slice(from * 4)).not.toEqual(before.slice(from * 4))
  }
})

describe('dropout of the probabilities', () => {
  // one step attends to itself alone: what comes out is 0 or 1 / (1 - rate) times the value
  const build = (dropout: number, seed = 0) =>
    sequential({
      inputShape: [1, 3],
      layers: [multiHeadAttention({ numHeads: 1, keyDim: 3, dropout, useBias: false })],
      seed,
    })
  const x = numbers([200, 1, 3], 0)

  test('in training alone, and by the share asked for', () => {
    const net = build(0.25)
    const plain = build(0).predict(x).data
    expect(net.predict(x).data).toEqual(plain)
    const { data } = net.predict(x, { training: true })
    const factors = Array.from({ length: 200 }, (_, i) => data[i * 3] / plain[i * 3])
    const kept = factors.filter((factor) => factor !== 0)
    for (const factor of kept) expect(factor).toBeCloseTo(4 / 3, 5)
    expect(kept.length).toBeGreaterThan(125) // 150 expected, standard deviation 6
    expect(kept.length).toBeLessThan(175)
  })

  test('new at each step, the same for the same seed', () => {
    const weights = build(0).getWeights()
    const lossesOf = (seed: number) => {
      const net = build(0.5, seed).compile({ loss: 'meanSquaredError', optimizer: sgd({ learningRate: 0 }) })
      net.setWeights(weights)
      return [1, 2, 3].map(() => net.trainStep(x, x).loss)
    }
    const losses = lossesOf(5)
    expect(new Set(losses).size).toBe(3)
    expect(lossesOf(5)).toEqual(losses)
    expect(lossesOf(6)).not.toEqual(losses)
  })
})

describe('bad options and inputs of multiHeadAttention', () => {
  const integer = 'a positive integer'
  const share = 'a number >= 0 and < 1'
  test.each<[string, object]>([
    [`numHeads must be ${integer}; got 0`, { numHeads: 0 }],
    [`keyDim must be ${integer}; got -2`, { keyDim: -2 }],
    [`keyDim must be ${integer}; got undefined`, { keyDim: undefined }],
    [`valueDim must be ${integer} or null; got 1.5`, { valueDim: 1.5 }],
    [`outputDim must be ${integer} or null; got 0`, { outputDim: 0 }],
    [`dropout must be ${share}; got 1`, { dropout: 1 }],
    [`dropout must be ${share}; got -0.1`, { dropout: -0.1 }],
    ['useBias must be a boolean; got 1', { useBias: 1 }],
    ['causal must be a boolean; got null', { causal: null }],
  ])('%s', (message, options) => {
    const whole = { numHeads: 2, keyDim: 2, ...options } as MultiHeadAttentionOptions
    refused(`multiHeadAttention: ${message}`, () => multiHeadAttention(whole))
  })

  test('an unknown option', () => {
    refused(/^unknown multiHeadAttention option "numHead"; did you mean "numHeads"\?/, () =>
      multiHeadAttention({ numHeads: 1, keyDim: 1, numHead: 2 } as MultiHeadAttentionOptions),
    )
  })

  const called = (...shapes: number[][]) => {
    const inputs = shapes.map((shape) => input({ shape }))
    return model({ inputs, outputs: multiHeadAttention({ numHeads: 2, keyDim: 2, name: 'a' })(...inputs) })
  }
  test('more inputs than it has names for', () => {
    const shape = [2, 3]
    refused('layer a: expected 1 to 3 inputs (query, value, key); got 4', () =>
      called(shape, shape, shape, shape),
    )
  })

  test('an input without steps', () => {
    refused('layer a: expected inputs [batch, steps, channels]; got [1,3]', () => called([3]))
    refused('layer a: expected inputs [batch, steps, channels]; got [1,2,3] and [1,3]', () =>
      called([2, 3], [3]),
    )
  })

  test('value and key of different lengths', () => {
    refused('layer a: expected as many steps of value as of key; got [1,2,3] and [1,4,3] and [1,5,3]', () =>
      called([2, 3], [4, 3], [5, 3]),
    )
  })

  test('one layer on inputs of different widths', () => {
    const layer = multiHeadAttention({ numHeads: 1, keyDim: 2, outputDim: 5, name: 'a' })
    const x = input({ shape: [2, 3] })
    refused('layer a#2: its weight wq has shape [3,2]; this input needs [5,2]', () =>
      model({ inputs: x, outputs: layer(layer(x)) }),
    )
  })
})

describe('the operations', () => {
  const g = testBuilder()
  const leaf = (...shape: number[]) => g.leaf('input', 'x', shape)
  const options = { heads: 2, scale: 1, causal: false, masked: true, dropped: false }

  test('attention refuses a mask of another shape', () => {
    const [q, k] = [leaf(2, 3, 4), leaf(2, 5, 4)]
    refused('attention: expected [2,5] as the mask of the keys; got [2,3]', () =>
      g.add(attention, [q, k, k, leaf(2, 3)], options),
    )
  })

  test('attention refuses operands that differ, and heads that leave a rest', () => {
    const own = { ...options, masked: false }
    const text = 'expected [batch,queries,heads*K], [batch,keys,heads*K], [batch,keys,heads*V]; got'
    refused(`attention with 2 heads: ${text} [2,3,4], [2,5,6], [2,5,4]`, () =>
      g.add(attention, [leaf(2, 3, 4), leaf(2, 5, 6), leaf(2, 5, 4)], own),
    )
    refused(`attention with 2 heads: ${text} [2,3,4], [2,5,4], [2,5,3]`, () =>
      g.add(attention, [leaf(2, 3, 4), leaf(2, 5, 4), leaf(2, 5, 3)], own),
    )
  })

  test('batchMatmul refuses what has no product', () => {
    const text = 'batchMatmul: expected [...,M,K] and [...,K,N]; got'
    refused(`${text} [2,3,4] and [2,3,4]`, () => batchMatmul(g, leaf(2, 3, 4), leaf(2, 3, 4)))
    refused(`${text} [2,3,4] transposed and [2,4,3]`, () =>
      batchMatmul(g, leaf(2, 3, 4), leaf(2, 4, 3), { transposeA: true }),
    )
    refused(`${text} [2,3,4] and [3,4,2]`, () => batchMatmul(g, leaf(2, 3, 4), leaf(3, 4, 2)))
    expect(batchMatmul(g, leaf(2, 3, 4), leaf(2, 5, 4), { transposeB: true }).shape).toEqual([2, 3, 5])
  })
})
