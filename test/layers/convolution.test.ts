// Convolution layers beyond what the golden cases hold: volumes, separable ones, options, bad input, saving.
import { describe, expect, test } from 'vitest'
import {
  conv1d,
  conv1dTranspose,
  conv2d,
  conv2dTranspose,
  conv3d,
  depthwiseConv2d,
  flatten,
  heNormal,
  type Layer,
  load,
  type NamedArray,
  nonNeg,
  reshape,
  separableConv1d,
  separableConv2d,
  sequential,
  tensor,
  zeroPadding2d,
} from '../../src/index.ts'
import { inspect } from '../../src/inspect/index.ts'
import { refused } from '../support/refused.ts'

const netOf = (inputShape: readonly (number | null)[], ...layers: Layer[]) =>
  sequential({ inputShape, layers, seed: 11 }).compile({ loss: 'mse' })

const filled = (...shape: number[]): NamedArray => {
  const count = shape.reduce((product, n) => product * n, 1)
  return tensor(
    Float32Array.from({ length: count }, (_, i) => ((i * 29) % 17) / 8 - 1),
    shape,
  )
}
const ones = (...shape: number[]) => tensor(new Float32Array(filled(...shape).data.length).fill(1), shape)

describe('sizes and values', () => {
  // of ones by ones: how many cells of each window lie inside, axis by axis
  test('conv3d, same padding: the odd cell behind', () => {
    const layer = conv3d({
      filters: 1,
      kernelSize: 3,
      strides: [2, 2, 1],
      padding: 'same',
      kernelInitializer: 'ones',
    })
    const { shape, data } = netOf([5, 4, 3, 2], layer).predict(ones(1, 5, 4, 3, 2))
    expect(shape).toEqual([1, 3, 2, 3, 1])
    const counts = [
      [2, 3, 2],
      [3, 2],
      [2, 3, 2],
    ]
    const wanted = counts[0].flatMap((d) => counts[1].flatMap((h) => counts[2].map((w) => d * h * w * 2)))
    expect([...data]).toEqual(wanted)
  })

  test('conv3d, valid padding with dilation: only whole windows', () => {
    const layer = conv3d({
      filters: 2,
      kernelSize: [1, 2, 2],
      dilationRate: [1, 3, 2],
      kernelInitializer: 'ones',
    })
    const { shape, data } = netOf([2, 5, 3, 1], layer).predict(ones(2, 2, 5, 3, 1))
    expect(shape).toEqual([2, 2, 2, 1, 2])
    expect(new Set(data)).toEqual(new Set([4]))
  })

  test('explicit padding of each axis', () => {
    const layer = conv1d({ filters: 1, kernelSize: 2, padding: [[2, 1]], kernelInitializer: 'ones' })
    const { data } = netOf([3, 1], layer).predict(tensor(Float32Array.of(1, 10, 100), [1, 3, 1]))
    expect([...data]).toEqual([0, 1, 11, 110, 100])
  })

  test('strides together with dilation', () => {
    const layer = conv1d({
      filters: 1,
      kernelSize: 2,
      strides: 2,
      dilationRate: 3,
      kernelInitializer: 'ones',
    })
    const x = tensor(Float32Array.of(1, 2, 4, 8, 16, 32, 64), [1, 7, 1])
    expect([...netOf([7, 1], layer).predict(x).data]).toEqual([1 + 8, 4 + 32])
  })

  test('conv1d is conv2d on images of one row', () => {
    const options = { filters: 5, kernelSize: 3, name: 'same' } as const
    const net = netOf([9, 3], conv1d({ ...options, padding: 'same' }))
    const images = netOf([1, 9, 3], conv2d({ ...options, kernelSize: [1, 3], padding: 'same' }))
    const { 'same/kernel': kernel } = net.getWeights()
    images.setWeights({ 'same/kernel': tensor(kernel.data, [1, 3, 3, 5]) })
    expect(images.predict(filled(2, 1, 9, 3)).data).toEqual(net.predict(filled(2, 9, 3)).data)
  })

  test('causal: no output changes with a later step', () => {
    const net = netOf([8, 2], conv1d({ filters: 3, kernelSize: 3, padding: 'causal', dilationRate: 2 }))
    const x = filled(1, 8, 2)
    const before = net.predict(x)
    expect(before.shape).toEqual([1, 8, 3])
    const later = x.data.slice()
    later.fill(9, 5 * 2)
    const after = net.predict(tensor(later as Float32Array, x.shape))
    expect(after.data.slice(0, 5 * 3)).toEqual(before.data.slice(0, 5 * 3))
    expect(after.data.slice(5 * 3)).not.toEqual(before.data.slice(5 * 3))
  })

  test('separableConv2d is depthwiseConv2d, then conv2d across channels', () => {
    const window = { kernelSize: [3, 2], strides: 2, padding: 'same', depthMultiplier: 2 } as const
    const whole = netOf(
      [5, 6, 3],
      separableConv2d({ ...window, filters: 4, activation: 'tanh', name: 'whole' }),
    )
    const steps = netOf(
      [5, 6, 3],
      depthwiseConv2d({ ...window, useBias: false, name: 'depth' }),
      conv2d({ filters: 4, kernelSize: 1, activation: 'tanh', name: 'point' }),
    )
    const weights = whole.getWeights()
    expect(Object.entries(weights).map(([name, { shape }]) => [name, shape])).toEqual([
      ['whole/depthwise_kernel', [3, 2, 3, 2]],
      ['whole/pointwise_kernel', [1, 1, 6, 4]],
      ['whole/bias', [4]],
    ])
    steps.setWeights({
      'depth/kernel': weights['whole/depthwise_kernel'],
      'point/kernel': weights['whole/pointwise_kernel'],
    })
    expect(whole.predict(filled(2, 5, 6, 3))).toEqual(steps.predict(filled(2, 5, 6, 3)))
  })

  test('separableConv1d is separableConv2d on images of one row', () => {
    const options = { filters: 4, depthMultiplier: 2, name: 'own' } as const
    const net = netOf([7, 3], separableConv1d({ ...options, kernelSize: 3, padding: 'causal' }))
    const padding = [
      [0, 0],
      [2, 0],
    ] as const
    const images = netOf([1, 7, 3], separableConv2d({ ...options, kernelSize: [1, 3], padding }))
    const { 'own/depthwise_kernel': first, 'own/pointwise_kernel': second } = net.getWeights()
    expect(first.shape).toEqual([3, 3, 2])
    expect(second.shape).toEqual([1, 6, 4])
    images.setWeights({
      'own/depthwise_kernel': tensor(first.data, [1, 3, 3, 2]),
      'own/pointwise_kernel': tensor(second.data, [1, 1, 6, 4]),
    })
    expect(images.predict(filled(2, 1, 7, 3)).data).toEqual(net.predict(filled(2, 7, 3)).data)
  })

  test('conv2dTranspose with strides beyond the kernel leaves zeros between', () => {
    const layer = (padding: 'valid' | 'same') =>
      conv2dTranspose({ filters: 1, kernelSize: [1, 2], strides: [1, 3], padding, kernelInitializer: 'ones' })
    const x = tensor(Float32Array.of(5, 7), [1, 1, 2, 1])
    for (const padding of ['valid', 'same'] as const) {
      const { shape, data } = netOf([1, 2, 1], layer(padding)).predict(x)
      expect(shape).toEqual([1, 1, 6, 1])
      expect([...data]).toEqual([5, 5, 0, 7, 7, 0])
    }
  })

  test.each([
    { padding: 'valid', strides: 1, dilationRate: 2, image: [7, 8] },
    { padding: 'same', strides: 2, dilationRate: 1, image: [6, 8] },
    { padding: 'valid', strides: [2, 3], dilationRate: 1, image: [7, 9] },
  ] as const)('conv2dTranspose is the transpose of conv2d: %o', ({ image, ...window }) => {
    // sum of y conv(x) = sum of x transpose(y), with one kernel [3, 3, 2, 4] for both
    const options = { ...window, kernelSize: 3, useBias: false } as const
    const down = netOf([...image, 2], conv2d({ ...options, filters: 4, name: 'own' }))
    const x = filled(1, ...image, 2)
    const convolved = down.predict(x)
    const up = netOf(convolved.shape.slice(1), conv2dTranspose({ ...options, filters: 2, name: 'own' }))
    up.setWeights(down.getWeights())
    const y = filled(...convolved.shape)
    const transposed = up.predict(y)
    expect(transposed.shape).toEqual(x.shape)
    const dot = (a: NamedArray, b: NamedArray) =>
      Array.from(a.data).reduce((sum, value, i) => sum + value * b.data[i], 0)
    expect(dot(transposed, x)).toBeCloseTo(dot(convolved, y), 3)
  })
})

describe('options', () => {
  test('one number stands for all axes', () => {
    const net = (kernelSize: number | number[], strides: number | number[]) =>
      netOf([6, 7, 2], conv2d({ filters: 3, kernelSize, strides, padding: 'same' }))
    expect(net(3, 2).predict(filled(1, 6, 7, 2))).toEqual(net([3, 3], [2, 2]).predict(filled(1, 6, 7, 2)))
  })

  test('initial kernels go by the receptive field: glorotUniform, limit sqrt(6 / (9 * (4 + 8)))', () => {
    const net = netOf([5, 5, 8], conv2d({ filters: 16, kernelSize: 3, groups: 2, name: 'own' }))
    const { 'own/kernel': kernel, 'own/bias': bias } = net.getWeights()
    expect(kernel.shape).toEqual([3, 3, 4, 16])
    const limit = Math.sqrt(6 / (9 * (4 + 16)))
    const largest = kernel.data.reduce((most, w) => Math.max(most, Math.abs(w)), 0)
    expect(largest).toBeLessThanOrEqual(limit)
    expect(largest).toBeGreaterThan(0.95 * limit)
    expect([...bias.data]).toEqual(new Array(16).fill(0))
  })

  test('regularizers count in the loss', async () => {
    const kernelRegularizer = { l2: 0.5 }
    const layer = conv2d({ filters: 2, kernelSize: 2, kernelInitializer: 'ones', kernelRegularizer })
    const net = netOf([2, 2, 3], layer, flatten())
    const logs = await net.evaluate(filled(1, 2, 2, 3), net.predict(filled(1, 2, 2, 3)), {})
    expect(logs.loss).toBeCloseTo(0.5 * 2 * 2 * 3 * 2, 5)
  })

  test('softmax works on the channels of each position', () => {
    const net = netOf([3, 3, 2], conv2d({ filters: 4, kernelSize: 2, activation: 'softmax' }))
    const { data } = net.predict(filled(1, 3, 3, 2))
    for (let i = 0; i < data.length; i += 4)
      expect(data.slice(i, i + 4).reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 6)
  })

  test('an axis of unknown length', () => {
    const net = netOf([null, 2], conv1d({ filters: 3, kernelSize: 3, padding: 'same' }))
    expect(net.summary()).toContain('[batch,any,3]')
    const { shape, data } = net.predict(filled(1, 9, 2))
    expect(shape).toEqual([1, 9, 3])
    // the first positions see nothing of what comes later
    expect(net.predict(tensor(filled(1, 9, 2).data.slice(0, 10), [1, 5, 2])).data.slice(0, 12)).toEqual(
      data.slice(0, 12),
    )
  })

  test('an axis of unknown length that a stride shortens: floor((n - 3) / 2) + 1', () => {
    const net = netOf([null, 2], conv1d({ filters: 3, kernelSize: 3, strides: 2 }))
    expect(net.summary()).toContain('[batch,any,3]')
    for (const [n, steps] of [
      [3, 1],
      [4, 1],
      [10, 4],
    ])
      expect(net.predict(filled(1, n, 2)).shape).toEqual([1, steps, 3])
  })

  test('every kind trains, and survives saving and loading', () => {
    const net = netOf(
      [6, 6, 2],
      conv2d({
        filters: 4,
        kernelSize: 3,
        padding: [
          [1, 1],
          [0, 2],
        ],
        groups: 2,
        activation: 'relu',
      }),
      depthwiseConv2d({ kernelSize: 3, padding: 'same', dilationRate: 2, depthwiseInitializer: heNormal() }),
      separableConv2d({ filters: 3, kernelSize: 2, strides: 2, pointwiseConstraint: nonNeg() }),
      conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2, padding: 'same', activation: 'tanh' }),
      reshape({ targetShape: [6, 2, 3, 4] }),
      conv3d({ filters: 2, kernelSize: [3, 1, 2], kernelRegularizer: { l1: 0.01 } }),
      reshape({ targetShape: [16, 2] }),
      conv1d({ filters: 4, kernelSize: 3, padding: 'causal', useBias: false }),
      separableConv1d({ filters: 1, kernelSize: 2, strides: 2 }),
    )
    const x = filled(3, 6, 6, 2)
    const y = filled(...net.predict(x).shape)
    const first = net.trainStep(x, y).loss
    for (let i = 0; i < 60; i++) net.trainStep(x, y)
    expect(net.trainStep(x, y).loss).toBeLessThan(first)
    expect(load(net.save()).predict(x)).toEqual(net.predict(x))
  })
})

describe('refuses', () => {
  const window = { filters: 2, kernelSize: 3 } as const
  const build = (inputShape: number[], layer: Layer) => () => netOf(inputShape, layer)

  test('an input of another rank', () => {
    const message = 'layer conv2d_1: expected an input [batch, height, width, channels]; got [1,4,3]'
    refused(message, build([4, 3], conv2d(window)))
  })

  test('a kernel that spans more than the input', () => {
    const message = 'layer conv2d_1: a window spans 3 cells of axis 2; the input (with padding) has 2'
    refused(message, build([4, 2, 1], conv2d(window)))
    const dilated = conv1d({ ...window, dilationRate: 2, padding: [[1, 0]] })
    refused(
      'layer conv1d_1: a window spans 5 cells of axis 1; the input (with padding) has 4',
      build([3, 1], dilated),
    )
  })

  test('channels that can’t be split into groups', () => {
    const layer = conv2d({ ...window, groups: 2 })
    refused("layer conv2d_1: 3 channels can't be split into 2 groups", build([4, 4, 3], layer))
  })

  test('filters that can’t be split into groups', () => {
    const message = 'conv2d: filters must be a multiple of groups (3); got 2'
    refused(message, () => conv2d({ ...window, groups: 3 }))
  })

  test.each([
    ['filters', { kernelSize: 3 }, 'conv2d: filters must be a positive integer; got undefined'],
    [
      'kernelSize',
      { ...window, kernelSize: [3] },
      'conv2d: kernelSize must be an integer from 1 to 65535 or a list of 2; got [3]',
    ],
    [
      'strides',
      { ...window, strides: 0 },
      'conv2d: strides must be an integer from 1 to 65535 or a list of 2; got 0',
    ],
    [
      'dilationRate',
      { ...window, dilationRate: [1, 1.5] },
      'conv2d: dilationRate must be an integer from 1 to 65535 or a list of 2; got [1,1.5]',
    ],
    [
      'padding',
      { ...window, padding: 'causal' },
      'conv2d: padding must be "valid", "same" or [before, after] of each axis; got "causal"',
    ],
    [
      'padding of an axis',
      { ...window, padding: [[1, 1], [1]] },
      'conv2d: padding must be "valid", "same" or [before, after] of each axis; got [[1,1],[1]]',
    ],
    ['groups', { ...window, groups: -1 }, 'conv2d: groups must be a positive integer; got -1'],
    ['useBias', { ...window, useBias: 1 }, 'conv2d: useBias must be a boolean; got 1'],
  ])('a bad option: %s', (_, options, message) => {
    refused(message, () => conv2d(options as never))
  })

  test('options of other kinds', () => {
    refused(/^unknown depthwiseConv2d option "filters"/, () => depthwiseConv2d(window as never))
    refused(
      'conv1dTranspose: padding must be "valid", "same" or [before, after] of each axis; got "causal"',
      () => conv1dTranspose({ ...window, padding: 'causal' as never }),
    )
    const causal =
      'conv1d: padding must be "valid", "same", "causal" or [before, after] of each axis; got "full"'
    refused(causal, () => conv1d({ ...window, padding: 'full' as never }))
    const multiplier = 'separableConv1d: depthMultiplier must be a positive integer; got 0'
    refused(multiplier, () => separableConv1d({ ...window, depthMultiplier: 0 }))
  })
})

describe('a padding layer in front of a convolution', () => {
  const pads = [
    [0, 2],
    [1, 0],
  ] as const
  const outputs = (padding: 'valid' | 'same' | typeof pads, ...before: Layer[]) => {
    const options = { kernelSize: 3, strides: 2, padding, name: 'op' } as const
    return [conv2d({ filters: 3, ...options }), depthwiseConv2d(options)].map((layer) => {
      const net = netOf([5, 6, 2], ...before, layer)
      const operations = inspect(net, { mode: 'predict' }).program
      return { y: [...net.predict(filled(2, 5, 6, 2)).data], operations: String(operations) }
    })
  }

  test('is the convolution’s own', () => {
    const own = outputs(pads)
    const layers = outputs('valid', zeroPadding2d({ padding: pads }))
    expect(layers.map(({ y }) => y)).toEqual(own.map(({ y }) => y))
    for (const { operations } of layers) expect(operations).not.toMatch(/unslice/)
  })

  test('adds to that of the convolution', () => {
    const twice = outputs('same', zeroPadding2d({ padding: 1 }))
    // 7 x 8 cells, windows of 3 in steps of 2: one cell of zeros before 7 and behind, and one behind 8
    const own = outputs([
      [2, 2],
      [1, 2],
    ] as never)
    expect(twice.map(({ y }) => y)).toEqual(own.map(({ y }) => y))
  })

  test('of other numbers than 0 stays', () => {
    const [{ operations }] = outputs('valid', zeroPadding2d({ padding: 1, value: 1 } as never))
    expect(operations).toMatch(/unslice/)
  })
})
