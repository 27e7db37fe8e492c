// Which steps count, beyond the layer that says so: with weights, in sums, through layers that move axes. Expected values
// are worked out by hand beside the cases; semantics are Keras's.
import { describe, expect, test } from 'vitest'
import {
  activation,
  add,
  bidirectional,
  block,
  classWeights,
  concatenate,
  dense,
  flatten,
  globalAveragePooling1d,
  globalAveragePooling2d,
  globalMaxPooling1d,
  globalMaxPooling2d,
  input,
  type Layer,
  load,
  masking,
  meanSquaredError,
  model,
  permute,
  reshape,
  sequential,
  simpleRnn,
  sparseCategoricalCrossentropy,
  tensor,
  timeDistributed,
} from '../../src/index.ts'
import { refused } from '../support/refused.ts'

const linear = activation({ activation: 'linear' })
const ones = { kernelInitializer: 'ones', useBias: false } as const

/** Loss of one step on zeros, or on y. */
function lossOf(
  inputShape: number[],
  layers: Layer[],
  x: number[][][],
  y: number[][][],
  loss = meanSquaredError(),
) {
  const net = sequential({ inputShape, layers: [masking(), ...layers] })
  return net.compile({ loss, optimizer: 'sgd' }).trainStep(x, y).loss
}

describe('with weights of positions behind the steps', () => {
  const x = Array.from({ length: 8 }, (_, i) => (i < 4 ? Math.sin(i + 1) : 0)) // of two steps the second is masked
  // of two logits and class k: log(1 + e^(other - own))
  const [l0, l1] = [Math.log1p(Math.exp(x[1] - x[0])), Math.log1p(Math.exp(x[2] - x[3]))]
  const net = sequential({ inputShape: [2, 2, 2], layers: [masking(), linear] })
  net.compile({ loss: sparseCategoricalCrossentropy({ fromLogits: true }), optimizer: 'sgd' })
  const rows = tensor(x, [1, 2, 2, 2])
  const labels = tensor(new Int32Array([0, 1, 0, 1]), [1, 2, 2])

  test('class weights', () => {
    const { loss } = net.trainStep(rows, labels, { classWeight: classWeights({ 0: 1, 1: 10 }) })
    expect(loss).toBeCloseTo((l0 + 10 * l1) / 2, 5)
  })

  test('sample weights', () => {
    const fresh = sequential({ inputShape: [2, 2, 2], layers: [masking(), linear] })
    fresh.compile({ loss: sparseCategoricalCrossentropy({ fromLogits: true }), optimizer: 'sgd' })
    const sampleWeight = tensor([3, 5, 7, 9], [1, 2, 2])
    expect(fresh.trainStep(rows, labels, { sampleWeight }).loss).toBeCloseTo((3 * l0 + 5 * l1) / 2, 5)
  })
})

test('a sum is that of the steps that count, and nothing else', () => {
  const x = [[[1], [2], [0], [0]]]
  const y = [[[0], [0], [5], [5]]]
  expect(lossOf([4, 1], [dense({ units: 1, ...ones })], x, y, meanSquaredError({ reduction: 'sum' }))).toBe(5)
  expect(lossOf([4, 1], [dense({ units: 1, ...ones })], x, y)).toBe(2.5)
})

describe('a layer that moves the steps elsewhere drops them, whatever the sizes', () => {
  test('permute', () => {
    const x = [
      [1, 1, 7],
      [2, 2, 2],
      [0, 0, 0],
    ]
    const layers = [permute({ dims: [2, 1] }), dense({ units: 1, ...ones })]
    // columns' sums 3, 3, 9; all of them count
    expect(lossOf([3, 3], layers, [x], [[[0], [0], [0]]])).toBe(33)
    const pooled = [masking(), permute({ dims: [2, 1] }), globalAveragePooling1d()]
    expect([...sequential({ inputShape: [3, 3], layers: pooled }).predict([x]).data]).toEqual([3, 2, 0])
  })

  test('flatten, and what follows', () => {
    const layers = [flatten(), dense({ units: 3, ...ones }), reshape({ targetShape: [3, 1] })]
    expect(lossOf([3, 1], layers, [[[1], [2], [0]]], [[[3], [3], [0]]])).toBe(3)
  })

  test('reshape', () => {
    const x = [1, 2].map((n) => [
      [n, 4 - n],
      [0, 0],
    ])
    const layers = [masking(), reshape({ targetShape: [2, 2, 1] }), reshape({ targetShape: [2, 2] })]
    const net = sequential({ inputShape: [2, 2], layers: [...layers, globalAveragePooling1d()] })
    expect([...net.predict(x).data]).toEqual([0.5, 1.5, 1, 1])
  })
})

test('sequences joined one after another keep their masks; one without a mask counts whole', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => input({ shape: [2, 1], name }))
  const mean = globalAveragePooling1d()
  const [first, second] = [masking()(a), masking()(b)]
  const joined = [concatenate({ axis: 1 })(first, second), concatenate({ axis: 1 })(first, c)]
  const net = model({ inputs: [a, b, c], outputs: joined.map((value) => mean(value)) })
  const [both, one] = net.predict([[[[4], [0]]], [[[8], [0]]], [[[5], [0]]]])
  expect([both.data[0], one.data[0]]).toEqual([6, 3])
})

test('sequences of different lengths joined one after another keep their masks', () => {
  const [a, b] = [2, 3].map((steps, i) => input({ shape: [steps, 1], name: 'ab'[i] }))
  const joined = concatenate({ axis: 1 })(masking()(a), masking()(b))
  const net = model({ inputs: [a, b], outputs: globalAveragePooling1d()(joined) })
  expect([...net.predict([[[[4], [0]]], [[[8], [0], [6]]]]).data]).toEqual([6])
})

test.each([globalAveragePooling1d, globalMaxPooling1d])(
  'what is pooled over all steps has none that could be left out: %o',
  (pooling) => {
    // one step, masked: pooled, with its axis kept, it is a 0 that counts
    expect(lossOf([1, 1], [pooling({ keepDims: true })], [[[0]]], [[[3]]])).toBe(9)
  },
)

describe('through wrappers', () => {
  const x = [[[1], [0], [4]]]

  test('timeDistributed keeps the mask: the loss is that of the steps that count', () => {
    const layers = [timeDistributed({ layer: dense({ units: 1, ...ones }) })]
    expect(lossOf([3, 1], layers, x, [[[0], [7], [0]]])).toBe((1 + 16) / 2)
  })

  test('bidirectional passes masked steps over, in both directions', () => {
    const rnn = (options: object) =>
      simpleRnn({ units: 1, activation: 'linear', recurrentInitializer: 'ones', ...ones, ...options })
    const states = (returnSequences: boolean) => {
      const layers = [masking(), bidirectional({ layer: rnn({ returnSequences }) })]
      return [...sequential({ inputShape: [3, 1], layers }).predict(x).data]
    }
    expect(states(false)).toEqual([5, 5])
    expect(states(true)).toEqual([1, 5, 1, 4, 5, 4])
  })

  test('a block hands the mask in and out', () => {
    const layers = [block({ layers: [dense({ units: 1, ...ones }), linear] })]
    expect(lossOf([3, 1], layers, x, [[[0], [7], [0]]])).toBe((1 + 16) / 2)
  })
})

test('a sum of values with different masks counts where both do', () => {
  const [a, b] = ['a', 'b'].map((name) => input({ shape: [3, 1], name }))
  const net = model({ inputs: [a, b], outputs: add()(masking()(a), masking()(b)) })
  net.compile({ loss: 'mse', optimizer: 'sgd' })
  const { loss } = net.trainStep([[[[1], [0], [3]]], [[[0], [1], [4]]]], [[[9], [9], [5]]])
  expect(loss).toBe(4)
})

describe('through merges that broadcast', () => {
  const x = [[[1], [0], [3]]] // the second step is masked
  const lossWith = (shape: number[], other: number[] | number[][], from = 0) => {
    const [a, b] = [input({ shape: [3, 1], name: 'a' }), input({ shape, name: 'b' })]
    const masked = masking()(a)
    const net = model({ inputs: [a, b], outputs: add()(from === 0 ? [masked, b] : [b, masked]) })
    return net.compile({ loss: 'mse', optimizer: 'sgd' }).trainStep([x, [other]] as never, [[[0], [9], [0]]])
      .loss
  }

  test.each([
    ['one step', [1, 1], [[2]]],
    ['fewer axes', [1], [2]],
  ] as const)('%s', (_, shape, other) => {
    for (const from of [0, 1]) expect(lossWith([...shape], other as never, from)).toBe((9 + 25) / 2)
  })

  test('one step that is masked masks them all', () => {
    const [a, b] = [input({ shape: [2, 1] }), input({ shape: [1, 1] })]
    const net = model({ inputs: [a, b], outputs: globalAveragePooling1d()(add()(a, masking()(b))) })
    expect(
      net
        .predict([
          [
            [[4], [6]],
            [[4], [6]],
          ],
          [[[0]], [[1]]],
        ])
        .data.join(),
    ).toBe('0,6')
  })

  test('a mask of steps that lie elsewhere in the sum is dropped', () => {
    const [a, b] = [input({ shape: [2, 2, 1] }), input({ shape: [2, 1] })]
    const net = model({ inputs: [a, b], outputs: add()(a, masking()(b)) })
    net.compile({ loss: 'mse', optimizer: 'sgd' })
    const planes = [
      [
        [[1], [1]],
        [[3], [3]],
      ],
    ] // the sum is 1, 2 and 3, 4
    const none = [
      [
        [[0], [0]],
        [[0], [0]],
      ],
    ]
    expect(net.trainStep([planes, [[[0], [1]]]], none).loss).toBe((1 + 4 + 9 + 16) / 4)
  })
})

describe('global pooling of steps that count', () => {
  const x = [
    [[-4], [0], [-2]],
    [[0], [0], [0]],
  ] // the second step is masked, then all of them
  const pooled = (layer: Layer) => [
    ...sequential({ inputShape: [3, 1], layers: [masking(), layer] }).predict(x).data,
  ]

  test('the maximum with useMask', () => {
    expect(pooled(globalMaxPooling1d())).toEqual([0, 0])
    expect(pooled(globalMaxPooling1d({ useMask: true })).map((value) => value + 0)).toEqual([-2, 0])
    const net = sequential({
      inputShape: [3, 1],
      layers: [masking(), globalMaxPooling1d({ useMask: true, keepDims: true })],
    })
    const { input } = net.compile({ loss: 'mse' }).gradients(x, [[[0]], [[0]]], { inputs: true })
    expect([...input.data].map((value) => value + 0)).toEqual([0, 0, -2, 0, 0, 0]) // 2 y / 2
    expect(load(net.save()).predict(x)).toEqual(net.predict(x))
  })

  test('of frames, each a row of cells', () => {
    const frames = [
      [
        [
          [1, -1],
          [2, -2],
        ],
        [
          [0, 0],
          [0, 0],
        ],
        [
          [5, -5],
          [8, -8],
        ],
      ],
    ] // the second one is masked
    const of = (layer: Layer) => [
      ...sequential({ inputShape: [3, 2, 2], layers: [masking(), layer] }).predict(frames).data,
    ]
    expect(of(globalAveragePooling2d())).toEqual([4, -4])
    expect(of(globalMaxPooling2d())).toEqual([8, 0])
    expect(of(globalMaxPooling2d({ useMask: true }))).toEqual([8, -1])
  })

  test('refused', () => {
    refused('globalMaxPooling1d: useMask must be a boolean; got 1', () =>
      globalMaxPooling1d({ useMask: 1 as never }),
    )
    refused(/^unknown globalAveragePooling1d option "useMask"/, () =>
      globalAveragePooling1d({ useMask: true } as object),
    )
  })
})
