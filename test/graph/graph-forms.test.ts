// Forms of operations that no layer of the library writes, but a user of GraphBuilder may: separate axes, vectors of one
// number, scalars, results of rank 0 and 1, broadcasting on either side. Values against numbers worked out by hand, and
// every gradient against central differences of the float64 reference.
import { describe, expect, test } from 'vitest'
import { reduceKernel } from '../../src/graph/ops/broadcast.ts'
import type { Value } from '../../src/graph/value.ts'
import { customLayer, customLoss, sequential, sgd } from '../../src/index.ts'
import { uniform } from '../../src/numerics/random.ts'
import { Engine } from '../../src/runtime/engine.ts'
import { evaluate } from '../reference/ops.ts'
import type { TestBuilder } from '../support/builder.ts'
import { type Leaf, runGraph } from '../support/run-graph.ts'

const engine = new Engine()
const upTo = (shape: readonly number[]): Leaf => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i + 1),
})
const random = (shape: readonly number[], stream: number): Leaf => {
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1))
  uniform(data, 3, stream, 0.5, 2)
  return { shape, data }
}
type Write = (g: TestBuilder, leaves: readonly Value[]) => Value

const computed = (write: Write, ...leaves: Leaf[]) => [
  ...runGraph(engine, (g, values) => ({ results: { y: write(g, values) } }), leaves).results.y,
]

describe('reductions over axes that lie apart', () => {
  const x = upTo([2, 2, 2]) // 1 2, 3 4; 5 6, 7 8

  test.each<[string, Write, number[]]>([
    ['mean', (g, [a]) => g.mean(a, [0, 2]), [3.5, 5.5]],
    ['sum', (g, [a]) => g.sum(a, [0, 2]), [14, 22]],
    ['mean, axes in another order', (g, [a]) => g.mean(a, [2, 0]), [3.5, 5.5]],
    ['max', (g, [a]) => g.reduce('max', a, [0, 2]), [6, 8]],
    ['a scaled sum', (g, [a]) => g.reduce('sum', a, [0, 2], { scale: 0.5 }), [7, 11]],
    ['mean of the first two', (g, [a]) => g.mean(a, [0, 1]), [4, 5]],
    ['mean of all', (g, [a]) => g.mean(a), [4.5]],
    ['mean of none', (g, [a]) => g.mean(a, []), [1, 2, 3, 4, 5, 6, 7, 8]],
  ])('%s', (_, write, want) => expect(computed(write, x)).toEqual(want))

  test('three groups of axes', () => {
    const y = computed((g, [a]) => g.mean(a, [0, 2, 4]), upTo([2, 2, 2, 2, 2]))
    // the mean of 1 .. 32 is 16.5; axis 1 moves it by 4 either way, axis 3 by 1
    expect(y).toEqual([11.5, 13.5, 19.5, 21.5])
  })

  test('axes side by side are one operation', () => {
    for (const axes of [
      [0, 1],
      [1, 2],
      [0, 1, 2],
      [1, 0],
    ]) {
      const { prepared } = runGraph(engine, (g, [a]) => ({ results: { y: g.mean(a, axes) } }), [x])
      expect(prepared.ops.filter(({ kernel }) => kernel === reduceKernel)).toHaveLength(1)
    }
  })

  test('keepDims keeps each of them', () => {
    const { results, prepared } = runGraph(engine, (g, [a]) => ({ results: { y: g.sum(a, [0, 2], true) } }), [
      x,
    ])
    expect(prepared.wanted.results.y.shape).toEqual([1, 2, 1])
    expect([...results.y]).toEqual([14, 22])
  })
})

describe('broadcasting', () => {
  test.each<[string, Write, Leaf[], number[]]>([
    ['[2,3] + [1]', (g, [a, b]) => g.plus(a, b), [upTo([2, 3]), upTo([1])], [2, 3, 4, 5, 6, 7]],
    ['[1] - [2,3]', (g, [a, b]) => g.minus(b, a), [upTo([2, 3]), upTo([1])], [0, -1, -2, -3, -4, -5]],
    ['[2,1] * [3]', (g, [a, b]) => g.times(a, b), [upTo([2, 1]), upTo([3])], [1, 2, 3, 2, 4, 6]],
    [
      '[3] / [2,1]',
      (g, [a, b]) => g.binary('divide', b, a),
      [upTo([2, 1]), upTo([3])],
      [1, 2, 3, 0.5, 1, 1.5],
    ],
    [
      '[2,1,2] + [3,1]',
      (g, [a, b]) => g.plus(a, b),
      [upTo([2, 1, 2]), upTo([3, 1])],
      [2, 3, 3, 4, 4, 5, 4, 5, 5, 6, 6, 7],
    ],
    ['[1,1] * [1]', (g, [a, b]) => g.times(a, b), [upTo([1, 1]), upTo([1])], [1]],
  ])('%s', (_, write, leaves, want) => expect(computed(write, ...leaves)).toEqual(want))
})

/** The scalar each case ends in is the sum of the square: every element has a slope of its own. */
const graphs: readonly [string, Write, Leaf[]][] = [
  ['a mean over separate axes', (g, [a]) => g.mean(a, [0, 2]), [random([3, 4, 5], 1)]],
  ['a largest over separate axes', (g, [a]) => g.reduce('max', a, [0, 2]), [random([3, 2, 3], 1)]],
  [
    'a vector of one number behind a product',
    (g, [a, b, c]) => g.plus(g.matmul(a, b), c),
    [random([3, 4], 1), random([4, 5], 2), random([1], 3)],
  ],
  [
    'a column behind a product',
    (g, [a, b, c]) => g.plus(g.matmul(a, b), c),
    [random([3, 4], 1), random([4, 5], 2), random([3, 1], 3)],
  ],
  [
    'a product of one column and a wider vector',
    (g, [a, b, c]) => g.plus(g.matmul(a, b), c),
    [random([3, 4], 1), random([4, 1], 2), random([5], 3)],
  ],
  ['a row times a column', (g, [a, b]) => g.times(a, b), [random([1, 5], 1), random([4, 1], 2)]],
  [
    'a vector of one number on the left',
    (g, [a, b]) => g.binary('divide', b, a),
    [random([3, 5], 1), random([1], 2)],
  ],
  ['a scalar', (g, [a, b]) => g.times(a, g.sum(b)), [random([7], 1), random([3], 2)]],
  ['one value on both sides', (g, [a]) => g.plus(g.times(a, a), a), [random([5], 1)]],
  ['one value on both sides of a product', (g, [a]) => g.matmul(a, a), [random([4, 4], 1)]],
  [
    'a value that is read three times',
    (g, [a]) => g.plus(g.unary('exp', a), g.times(g.unary('tanh', a), a)),
    [random([6], 1)],
  ],
]

test.each(graphs)('the gradient of %s', (_, write, leaves) => {
  const { results, gradients, prepared } = runGraph(
    engine,
    (g, values) => {
      const y = write(g, values)
      const loss = g.sum(g.unary('square', y))
      return { results: { y, loss }, loss, by: values }
    },
    leaves,
  )
  const { ops, wanted } = prepared
  const forward = ops.filter(({ phase }) => phase === 'forward')
  const lossAt = (moved: ReadonlyMap<Value, ArrayLike<number>>) =>
    evaluate(forward, moved as never).get(wanted.loss as Value)?.[0] ?? Number.NaN
  expect(results.loss[0] / lossAt(prepared.leaves)).toBeCloseTo(1, 5)
  for (const leaf of wanted.by ?? []) {
    const data = Float64Array.from(prepared.leaves.get(leaf) ?? [])
    const got = gradients[leaf.leaf?.name ?? '']
    data.forEach((value, i) => {
      const step = 1e-4
      const at = (x: number) =>
        lossAt(new Map<Value, ArrayLike<number>>(prepared.leaves).set(leaf, data.with(i, x)))
      const want = (at(value + step) - at(value - step)) / (2 * step)
      expect(Math.abs(got[i] - want) / Math.max(1, Math.abs(want))).toBeLessThan(1e-4)
    })
  }
})

describe('in layers and losses of one’s own', () => {
  const x = [
    [1, 2],
    [3, 4],
  ]

  test('a loss that is a mean over separate axes of a prediction of rank 3', () => {
    const own = customLoss('apart', (g, truth, prediction) =>
      g.mean(g.unary('square', g.minus(truth, prediction)), [1, 2]),
    )
    const layer = customLayer({
      kind: 'outer',
      build: ({ g }, [value]) =>
        g.times(g.reshape(value, [...value.shape, 1]), g.reshape(value, [value.shape[0], 1, value.shape[1]])),
    })
    const net = sequential({ inputShape: [2], layers: [layer()] }).compile({ loss: own, optimizer: 'sgd' })
    const zeros = [
      [
        [0, 0],
        [0, 0],
      ],
      [
        [0, 0],
        [0, 0],
      ],
    ]
    // squares of 1, 2, 2, 4 and of 9, 12, 12, 16
    expect(net.trainStep(x, zeros).loss).toBe(((1 + 4 + 4 + 16) / 4 + (81 + 144 + 144 + 256) / 4) / 2)
  })

  test('a weight of one number that is added to all, and one that multiplies', () => {
    const layer = customLayer({
      kind: 'affine',
      build: ({ g, weight }, [value]) =>
        g.plus(
          g.times(value, weight('factor', [1], { initializer: { kind: 'constant', value: 2 } })),
          weight('offset', [1], { initializer: { kind: 'zeros' } }),
        ),
    })
    const net = sequential({ inputShape: [2], layers: [layer({ name: 'a' })] })
    net.compile({ loss: 'mse', optimizer: sgd({ learningRate: 1 }) })
    expect([...net.predict(x).data]).toEqual([2, 4, 6, 8])
    net.trainStep(x, x) // errors 1, 2, 3, 4: d/d factor = 2 mean(e x) = 15, d/d offset = 2 mean(e) = 5
    const { 'a/factor': factor, 'a/offset': offset } = net.getWeights()
    expect([factor.data[0], offset.data[0]]).toEqual([2 - 15, -5])
  })
})
