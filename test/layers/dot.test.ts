// The dot layer against sums written out in float64, with every pair of axes Keras's Dot takes.
import { describe, expect, test } from 'vitest'
import { type DotOptions, dense, dot, input, load, model, sequential, sgd, tensor } from '../../src/index.ts'
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

/** Matrix `at` of a list [count, rows, cols]. */
const matrixOf = ({ data, shape }: Flat, at = 0): Matrix => {
  const [rows, cols] = shape.slice(-2)
  return Array.from({ length: rows }, (_, i) =>
    Array.from({ length: cols }, (_, j) => data[(at * rows + i) * cols + j]),
  )
}

function expectClose(got: ArrayLike<number>, want: readonly number[], tolerance = 2e-6): void {
  expect(got.length).toBe(want.length)
  want.forEach((value, i) => {
    expect(Math.abs(got[i] - value), `${i}: ${got[i]} against ${value}`).toBeLessThanOrEqual(
      tolerance * Math.max(1, Math.abs(value)),
    )
  })
}

describe('dot', () => {
  const run = (options: DotOptions, a: ReturnType<typeof numbers>, b: ReturnType<typeof numbers>) => {
    const inputs = [a, b].map(({ shape }) => input({ shape: shape.slice(1) }))
    return model({ inputs, outputs: dot({ name: 'd', ...options })(...inputs) }).predict([a, b])
  }
  /** The products of every row with every column. */
  const product = (rows: Matrix, cols: Matrix) =>
    rows.map((row) => cols.map((col) => row.reduce((sum, value, i) => sum + value * col[i], 0)))
  const transposed = (m: Matrix): Matrix => m[0].map((_, j) => m.map((row) => row[j]))
  const length = (row: readonly number[]) => Math.sqrt(row.reduce((sum, x) => sum + x * x, 0))

  test.each<[DotOptions['axes'], number[], number[]]>([
    [2, [3, 5], [4, 5]],
    [1, [5, 3], [5, 4]],
    [
      [2, 1],
      [3, 5],
      [5, 4],
    ],
    [
      [-2, -1],
      [5, 3],
      [4, 5],
    ],
  ])('axes %s of two lists of vectors', (axes, a, b) => {
    const [first, second] = Array.isArray(axes) ? axes : [axes, axes]
    const [x, y] = [numbers([2, ...a], 1), numbers([2, ...b], 30)]
    const isLast = (axis: number) => axis === 2 || axis === -1
    const want = [0, 1].flatMap((at) => {
      const rows = matrixOf(x, at)
      const cols = matrixOf(y, at)
      return product(isLast(first) ? rows : transposed(rows), isLast(second) ? cols : transposed(cols)).flat()
    })
    const got = run({ axes }, x, y)
    expect(got.shape).toEqual([2, 3, 4])
    expectClose(got.data, want)
  })

  test('of two vectors, and their cosine', () => {
    const [x, y] = [numbers([3, 6], 2), numbers([3, 6], 9)]
    const pairs = matrixOf(x).map((row, i) => [row, matrixOf(y)[i]] as const)
    const plain = pairs.map(([a, b]) => product([a], [b])[0][0])
    const got = run({ axes: 1 }, x, y)
    expect(got.shape).toEqual([3, 1])
    expectClose(got.data, plain)
    const cosines = plain.map((sum, i) => sum / length(pairs[i][0]) / length(pairs[i][1]))
    expectClose(run({ axes: 1, normalize: true }, x, y).data, cosines)
    expect([
      ...run({ axes: 1, normalize: true }, tensor(new Float32Array(6), [1, 6]), numbers([1, 6], 1)).data,
    ]).toEqual([0])
  })

  test('of a list of vectors and one vector', () => {
    const [x, y] = [numbers([2, 3, 5], 4), numbers([2, 5], 7)]
    const got = run({ axes: [2, 1] }, x, y)
    expect(got.shape).toEqual([2, 3])
    expectClose(
      got.data,
      [0, 1].flatMap((at) => product(matrixOf(x, at), [matrixOf(y)[at]]).flat()),
    )
  })

  test('trains, is saved and loaded', () => {
    const inputs = [input({ shape: [4] }), input({ shape: [4] })]
    const tower = dense({ units: 3 })
    const net = model({ inputs, outputs: dot({ axes: 1, normalize: true })(...inputs.map((x) => tower(x))) })
    net.compile({ loss: 'meanSquaredError', optimizer: sgd({ learningRate: 0.1 }) })
    const x = [numbers([8, 4], 1), numbers([8, 4], 17)]
    const y = numbers([8, 1], 3)
    const first = net.trainStep(x, y).loss
    for (let i = 0; i < 20; i++) net.trainStep(x, y)
    expect(net.trainStep(x, y).loss).toBeLessThan(first)
    expect(load(net.save()).predict(x)).toEqual(net.predict(x))
  })

  test.each<[string | RegExp, () => unknown]>([
    ['dot: axes must be an integer other than 0 (the batch), or a pair; got 0', () => dot({ axes: 0 })],
    [
      'dot: axes must be an integer other than 0 (the batch), or a pair; got [1,2,3]',
      () => dot({ axes: [1, 2, 3] as never }),
    ],
    ['dot: normalize must be a boolean; got 1', () => dot({ axes: 1, normalize: 1 as never })],
    [/^unknown dot option "axis"; did you mean "axes"\?/, () => dot({ axis: 1 } as never)],
    [
      'layer d: expected axes 1 and 1 of one size; got [1,3] and [1,4]',
      () => run({ axes: 1 }, numbers([1, 3], 0), numbers([1, 4], 0)),
    ],
    [
      'layer d: expected inputs of rank 2 or 3 with the axes 2 and 2; got [1,3] and [1,3]',
      () => run({ axes: 2 }, numbers([1, 3], 0), numbers([1, 3], 0)),
    ],
    [
      'layer d: expected two inputs; got 1',
      () => sequential({ inputShape: [3], layers: [dot({ axes: 1, name: 'd' })] }),
    ],
  ])('refuses: %s', (message, call) => {
    refused(message, call)
  })
})
