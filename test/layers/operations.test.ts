// The layer `operations`: steps as data, of a caller or of a file.
import { describe, expect, test } from 'vitest'
import { dense, load, type OperationStep, operations, sequential, sgd } from '../../src/index.ts'
import { refused } from '../support/refused.ts'

const net = (shape: readonly number[], steps: readonly OperationStep[], options = {}) =>
  sequential({ inputShape: shape, layers: [operations({ steps, ...options })] })

const predicted = (
  shape: readonly number[],
  x: readonly number[],
  steps: readonly OperationStep[],
): number[] => [...net(shape, steps).predict(Float32Array.from(x)).data]

/** What each step alone makes of a small array. */
const CASES: readonly (readonly [
  string,
  readonly number[],
  readonly number[],
  OperationStep,
  readonly number[],
])[] = [
  ['unary', [3], [-1, 0, 2], { op: 'unary', inputs: [0], fn: 'relu' }, [0, 0, 2]],
  ['binary', [2], [3, 5], { op: 'binary', inputs: [0, 0], fn: 'multiply' }, [9, 25]],
  ['reshape', [2, 2], [1, 2, 3, 4], { op: 'reshape', inputs: [0], shape: [-1, 4] }, [1, 2, 3, 4]],
  ['expand', [1, 2], [1, 2], { op: 'expand', inputs: [0], shape: [-1, 2, 2] }, [1, 2, 1, 2]],
  ['permute', [2, 2], [1, 2, 3, 4], { op: 'permute', inputs: [0], axes: [0, 2, 1] }, [1, 3, 2, 4]],
  ['slice', [3], [1, 2, 3], { op: 'slice', inputs: [0], axis: 1, start: 1, size: 2 }, [2, 3]],
  ['concatenate', [2], [1, 2], { op: 'concatenate', inputs: [0, 0], axis: 1 }, [1, 2, 1, 2]],
  ['pad', [2], [1, 2], { op: 'pad', inputs: [0], axis: 1, before: 1, after: 2 }, [0, 1, 2, 0, 0]],
  ['reverse', [3], [1, 2, 3], { op: 'reverse', inputs: [0], axis: 1 }, [3, 2, 1]],
  ['resize', [2, 1], [1, 3], { op: 'resize', inputs: [0], axis: 1, size: 4 }, [1, 1, 3, 3]],
  ['softmax', [2], [5, 5], { op: 'softmax', inputs: [0] }, [0.5, 0.5]],
  ['reduce', [3], [1, 2, 6], { op: 'reduce', inputs: [0], fn: 'max', axes: [1], keepDims: true }, [6]],
  ['matmul', [2, 2], [1, 2, 3, 4], { op: 'matmul', inputs: [0, 0], transposeB: true }, [5, 11, 11, 25]],
  [
    'maxPool',
    [4, 1],
    [1, 4, 2, 3],
    { op: 'maxPool', inputs: [0], poolSize: [3], strides: [2], padding: [[1, 0]] },
    [4, 4],
  ],
  [
    'averagePool',
    [4, 1],
    [1, 4, 2, 3],
    { op: 'averagePool', inputs: [0], poolSize: [2], strides: [2], padding: [[0, 0]] },
    [2.5, 2.5],
  ],
]

describe('operations', () => {
  test.each(CASES)('%s', (_, shape, x, step, y) => {
    expect(predicted(shape, x, [step])).toEqual(y)
  })

  test('a convolution with a constant kernel', () => {
    const steps = [
      { op: 'constant', data: [1, 10], shape: [2, 1, 1] },
      { op: 'conv', inputs: [0, 1], strides: [1], dilations: [1], padding: [[0, 1]] },
    ]
    expect(predicted([3, 1], [1, 2, 3], steps)).toEqual([21, 32, 3])
  })

  test('several outputs, sizes that go by the number of samples', () => {
    const steps = [
      { op: 'reshape', inputs: [0], shape: [-2, 2] },
      { op: 'reduce', inputs: [1], fn: 'sum', axes: [1], keepDims: true },
      { op: 'reshape', inputs: [2], shape: [-1, 2] },
    ]
    const model = net([2, 2], steps)
    expect([...model.predict(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8)).data]).toEqual([3, 7, 11, 15])
  })

  test('each sample by itself: the first axis is the first of a sample', () => {
    const steps = [
      { op: 'softmax', inputs: [1] },
      { op: 'permute', inputs: [0], axes: [1, 0] },
    ].reverse() as OperationStep[]
    const model = net([2, 2], steps, { each: true })
    const [a, b] = [
      model.predict([
        [
          [0, 0],
          [0, 0],
        ],
      ]).data,
      model.predict([
        [
          [0, 0],
          [0, 0],
        ],
        [
          [9, 9],
          [9, 9],
        ],
      ]).data,
    ]
    expect([...a]).toEqual([0.5, 0.5, 0.5, 0.5])
    expect([...b]).toEqual([...a, ...a])
  })

  test('its weights train, freeze, are saved and loaded', () => {
    const steps = [
      { op: 'weight', name: 'gain', shape: [2] },
      { op: 'binary', inputs: [0, 1], fn: 'multiply' },
    ]
    const model = sequential({
      inputShape: [2],
      layers: [operations({ steps, name: 'own' }), dense({ units: 1 })],
    })
    model.setWeights({
      'own/gain': { shape: [2], data: Float32Array.of(2, 3) },
      'dense_1/kernel': { shape: [2, 1], data: Float32Array.of(1, 1) },
      'dense_1/bias': { shape: [1], data: Float32Array.of(0) },
    })
    expect(model.predict([[1, 10]]).data[0]).toBe(32)
    model.compile({ optimizer: sgd({ learningRate: 0.5 }), loss: 'meanSquaredError' })
    // d loss / d gain = 2 (y - target) x kernel = 2 * 1 * [1, 10]
    model.trainStep([[1, 10]], [[31]])
    expect([...model.getWeights()['own/gain'].data]).toEqual([1, -7])
    expect([...load(model.save()).getWeights()['own/gain'].data]).toEqual([1, -7])
    model.setTrainable({ own: false }).trainStep([[1, 10]], [[31]])
    expect([...model.getWeights()['own/gain'].data]).toEqual([1, -7])
  })

  test('a weight that an earlier layer holds: the gradients of both uses add up', () => {
    const weight = { op: 'weight', name: 'w', shape: [1] }
    const product = { op: 'binary', inputs: [0, 1], fn: 'multiply' }
    const tied = (shape: readonly number[], tiedTo = 'first/w') =>
      sequential({
        inputShape: [1],
        layers: [
          operations({ name: 'first', steps: [weight, product] }),
          operations({ steps: [{ ...weight, shape, tiedTo }, product] }),
        ],
      })
    const model = tied([1])
    expect(Object.keys(model.getWeights())).toEqual(['first/w'])
    model.setWeights({ 'first/w': Float32Array.of(3) })
    model.compile({ optimizer: sgd({ learningRate: 0.125 }), loss: 'meanSquaredError' })
    // y = w w x; d (y - 17)^2 / dw = 2 (y - 17) 2 w x = 2 * 1 * 12
    expect(model.trainStep([[2]], [[17]]).loss).toBe(1)
    expect([...load(model.save()).getWeights()['first/w'].data]).toEqual([0])
    refused(/weight w: shape must be that of first\/w; got \[2\]/, () => tied([2]))
    refused(/tied to second\/w, which no earlier layer has/, () => tied([1], 'second/w'))
  })

  test('bad steps', () => {
    const own = (steps: unknown) => () => operations({ steps: steps as OperationStep[] })
    refused(/steps must be a list of steps; got \[\]/, own([]))
    refused(/steps\[0\]: unknown operation cube. Known: weight, /, own([{ op: 'cube' }]))
    refused(
      /steps\[0\] \(unary\): inputs must be a list of 1 values; got \[0,1\]/,
      own([{ op: 'unary', inputs: [0, 1], fn: 'relu' }]),
    )
    refused(/steps\[0\] \(unary\): fn must be "linear", /, own([{ op: 'unary', inputs: [0], fn: 'cube' }]))
    refused(/reads value 5, which no step before it makes/, () =>
      net([2], [{ op: 'unary', inputs: [5], fn: 'relu' }]),
    )
    const window = { op: 'maxPool', inputs: [0], poolSize: [2], strides: [1] }
    refused(/a window of axis 1 lies in the padding alone/, () =>
      net([2, 1], [{ ...window, padding: [[2, 0]] }]),
    )
    refused(/a pooling must be sizes of 1 axes/, () => net([2, 1], [{ ...window, padding: [] }]))
    const conv = { op: 'conv', inputs: [0, 1], strides: [1], dilations: [1], padding: [[0, 0]] }
    refused(/a convolution of \[1,3,1\] by \[2,2,1\] in 1 groups/, () =>
      net([3, 1], [{ op: 'constant', data: [1, 1, 1, 1], shape: [2, 2, 1] }, conv]),
    )
    refused(/permute: axes must be those of \[1,2\] in some order/, () =>
      net([2], [{ op: 'permute', inputs: [0], axes: [0, 5] }]),
    )
  })
})
