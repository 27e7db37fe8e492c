// Pooling and resizing as layers: the examples of Keras's and PyTorch's documentation, who takes the gradient at a
// tie, NaN, masks, saved models, and what is refused. (Every size at which a kernel might go wrong: op-cases.)
import { describe, expect, test } from 'vitest'
import {
  activation,
  averagePooling1d,
  averagePooling2d,
  averagePooling3d,
  conv2d,
  cropping1d,
  cropping2d,
  cropping3d,
  embedding,
  globalAveragePooling1d,
  globalAveragePooling2d,
  globalAveragePooling3d,
  globalMaxPooling1d,
  globalMaxPooling2d,
  globalMaxPooling3d,
  input,
  type Layer,
  load,
  maxPooling1d,
  maxPooling2d,
  maxPooling3d,
  model,
  type PoolingOptions,
  repeatVector,
  sequential,
  tensor,
  upSampling1d,
  upSampling2d,
  type ZeroPaddingOptions,
  zeroPadding1d,
  zeroPadding2d,
  zeroPadding3d,
} from '../../src/index.ts'
import { inspect } from '../../src/inspect/index.ts'
import { refused } from '../support/refused.ts'

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)
const netOf = (layer: Layer, [, ...inputShape]: readonly number[]) =>
  sequential({ inputShape, layers: [layer] })

/** What the layer makes of x [batch, ...]. */
function applied(layer: Layer, x: readonly number[], shape: readonly number[]) {
  const y = netOf(layer, shape).predict(tensor(Float32Array.from(x), shape), { allowNaN: true })
  return { shape: [...y.shape], data: [...y.data] }
}

/** The gradient by x where that by the output is `dy`: of the mean of n squared errors, each dy n / 2. */
function gradientOf(
  layer: Layer,
  x: readonly number[],
  shape: readonly number[],
  dy: readonly number[],
): number[] {
  const net = netOf(layer, shape).compile({ loss: 'mse' })
  const input = tensor(Float32Array.from(x), shape)
  const y = net.predict(input)
  const target = y.data.map((value, i) => value - (dy[i] * y.data.length) / 2)
  return Array.from(net.gradients(input, tensor(target, y.shape), { inputs: true }).input.data)
}

describe('windows: the examples of Keras', () => {
  const steps = [1, 5, 1]
  test.each<[PoolingOptions, number[], number[]]>([
    [{ poolSize: 2, strides: 1, padding: 'valid' }, [2, 3, 4, 5], [1.5, 2.5, 3.5, 4.5]],
    [{ poolSize: 2, strides: 2, padding: 'valid' }, [2, 4], [1.5, 3.5]],
    [{ poolSize: 2, strides: 1, padding: 'same' }, [2, 3, 4, 5, 5], [1.5, 2.5, 3.5, 4.5, 5]],
    [{}, [2, 4], [1.5, 3.5]], // pools of 2, side by side
    [{ poolSize: [3], strides: null }, [3], [2]],
  ])('1-D %j', (options, largest, means) => {
    expect(applied(maxPooling1d(options), upTo(5), steps)).toEqual({
      shape: [1, largest.length, 1],
      data: largest,
    })
    expect(applied(averagePooling1d(options), upTo(5), steps).data).toEqual(means)
  })

  test.each<[PoolingOptions, number[], number[], number[]]>([
    [{ poolSize: [2, 2], strides: [1, 1] }, [3, 3], [5, 6, 8, 9], [3, 4, 6, 7]],
    [{ poolSize: 2, strides: 2 }, [3, 4], [6, 8], [3.5, 5.5]],
    [
      { poolSize: 2, strides: 1, padding: 'same' },
      [3, 3],
      [5, 6, 6, 8, 9, 9, 8, 9, 9],
      [3, 4, 4.5, 6, 7, 7.5, 7.5, 8.5, 9],
    ],
  ])('2-D %j of %j', (options, sizes, largest, means) => {
    const [x, shape] = [upTo(sizes[0] * sizes[1]), [1, ...sizes, 1]]
    expect(applied(maxPooling2d(options), x, shape).data).toEqual(largest)
    expect(applied(averagePooling2d(options), x, shape).data).toEqual(means)
  })

  test('3-D: channels stay apart, the odd plane is left out', () => {
    const x = upTo(3 * 2 * 2 * 2)
    expect(applied(maxPooling3d(), x, [1, 3, 2, 2, 2])).toEqual({ shape: [1, 1, 1, 1, 2], data: [15, 16] })
    expect(applied(averagePooling3d(), x, [1, 3, 2, 2, 2]).data).toEqual([8, 9])
    expect(applied(maxPooling3d({ padding: 'same' }), x, [1, 3, 2, 2, 2])).toEqual({
      shape: [1, 2, 1, 1, 2],
      data: [15, 16, 23, 24],
    })
  })
})

describe('who takes the gradient', () => {
  test('of equal cells the first in row-major order, in each window anew', () => {
    const dx = gradientOf(maxPooling2d(), [1, 3, 3, 1, 0, 0, 0, 0], [1, 2, 4, 1], [1, 2])
    expect([...dx]).toEqual([0, 1, 2, 0, 0, 0, 0, 0])
    const below = gradientOf(maxPooling2d(), [1, 3, 3, 3], [1, 2, 2, 1], [1])
    expect([...below]).toEqual([0, 1, 0, 0])
    const overlap = gradientOf(maxPooling1d({ strides: 1 }), [1, 2, 2, 1], [1, 4, 1], [1, 2, 4])
    expect([...overlap]).toEqual([0, 1 + 2, 4, 0])
    const planes = gradientOf(maxPooling3d(), [0, 0, 0, 7, 7, 7, 7, 7], [1, 2, 2, 2, 1], [1])
    expect([...planes]).toEqual([0, 0, 0, 1, 0, 0, 0, 0])
  })

  test('of a global maximum too: one cell a channel', () => {
    const dx = gradientOf(globalMaxPooling2d(), [5, 1, 0, 2, 5, 2, 5, 2], [1, 2, 2, 2], [1, 2])
    expect([...dx]).toEqual([1, 0, 0, 2, 0, 0, 0, 0])
  })

  test('a mean shares among real cells alone', () => {
    const dx = gradientOf(averagePooling1d({ padding: 'same' }), [1, 2, 3], [1, 3, 1], [1, 1])
    expect([...dx]).toEqual([0.5, 0.5, 1])
  })
})

test('NaN wins a maximum, wherever it stands', () => {
  for (let at = 0; at < 6; at++) {
    const x = [1, 2, 3, 4, 5, 6].map((value, i) => (i === at ? Number.NaN : value))
    expect(applied(maxPooling1d({ poolSize: 3 }), x, [1, 6, 1]).data).toEqual(
      at < 3 ? [Number.NaN, 6] : [3, Number.NaN],
    )
    expect(applied(maxPooling2d(), x.slice(0, 4), [1, 2, 2, 1]).data).toEqual([at < 4 ? Number.NaN : 4])
    expect(applied(globalMaxPooling1d(), x, [1, 6, 1]).data).toEqual([Number.NaN])
  }
  expect(applied(maxPooling1d(), [-Infinity, -Infinity], [1, 2, 1]).data).toEqual([-Infinity])
})

describe('global pooling', () => {
  const x = upTo(16)
  test.each<[string, (options?: object) => Layer, number[], number[]]>([
    ['max 1-D', globalMaxPooling1d, [2, 4, 2], [7, 8, 15, 16]],
    ['max 2-D', globalMaxPooling2d, [2, 2, 2, 2], [7, 8, 15, 16]],
    ['max 3-D', globalMaxPooling3d, [1, 2, 2, 2, 2], [15, 16]],
    ['mean 1-D', globalAveragePooling1d, [2, 4, 2], [4, 5, 12, 13]],
    ['mean 2-D', globalAveragePooling2d, [2, 2, 2, 2], [4, 5, 12, 13]],
    ['mean 3-D', globalAveragePooling3d, [1, 2, 2, 2, 2], [8, 9]],
  ])('%s, and with keepDims', (_, layer, shape, data) => {
    expect(applied(layer(), x, shape)).toEqual({ shape: [shape[0], 2], data })
    const ones = shape.slice(1, -1).map(() => 1)
    expect(applied(layer({ keepDims: true }), x, shape)).toEqual({ shape: [shape[0], ...ones, 2], data })
  })

  test('the mean over steps leaves masked ones out; 0 where none counts', () => {
    const layers = [
      embedding({ inputDim: 4, outputDim: 3, maskZero: true, name: 'e' }),
      globalAveragePooling1d(),
    ]
    const net = sequential({ inputShape: [3], inputDtype: 'int32', layers })
    net.setWeights({
      'e/embeddings': [
        [9, 9, 9],
        [1, 2, 3],
        [3, 6, 5],
        [5, 1, 4],
      ],
    })
    const ids = tensor(Int32Array.of(1, 2, 0, 0, 0, 3, 0, 0, 0), [3, 3])
    expect([...net.predict(ids).data]).toEqual([2, 4, 4, 5, 1, 4, 0, 0, 0])
    // [batch, channels] isn't [batch, steps], though both are [3, 3]: no mask weighs the loss
    const { loss } = net.compile({ loss: 'mse' }).trainStep(ids, tensor(new Float32Array(9).fill(1), [3, 3]))
    expect(loss).toBeCloseTo((1 + 9 + 9 + 16 + 0 + 9 + 1 + 1 + 1) / 9, 6)
  })
})

describe('resizing', () => {
  test('nearest: each cell again', () => {
    expect(applied(upSampling1d(), [1, 2, 3, 4], [1, 2, 2])).toEqual({
      shape: [1, 4, 2],
      data: [1, 2, 1, 2, 3, 4, 3, 4],
    })
    expect(applied(upSampling2d({ size: [1, 3] }), [1, 2, 3, 4], [1, 2, 2, 1])).toEqual({
      shape: [1, 2, 6, 1],
      data: [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4],
    })
    expect([...gradientOf(upSampling2d(), [1, 2], [1, 1, 2, 1], upTo(8))]).toEqual([
      1 + 2 + 5 + 6,
      3 + 4 + 7 + 8,
    ])
  })

  test('bilinear: the example of PyTorch (align_corners false)', () => {
    const layer = upSampling2d({ interpolation: 'bilinear' })
    expect(applied(layer, [1, 2, 3, 4], [1, 2, 2, 1]).data).toEqual([
      ...[1, 1.25, 1.75, 2],
      ...[1.5, 1.75, 2.25, 2.5],
      ...[2.5, 2.75, 3.25, 3.5],
      ...[3, 3.25, 3.75, 4],
    ])
    const first = [1, ...new Array(15).fill(0)]
    expect([...gradientOf(layer, [1, 2, 3, 4], [1, 2, 2, 1], first)]).toEqual([1, 0, 0, 0])
    const sixth = new Array(16).fill(0).map((_, i) => (i === 5 ? 16 : 0)) // between all four
    expect([...gradientOf(layer, [1, 2, 3, 4], [1, 2, 2, 1], sixth)]).toEqual([9, 3, 3, 1])
  })

  test('zero padding', () => {
    expect(applied(zeroPadding1d(), [1, 2], [1, 1, 2]).data).toEqual([0, 0, 1, 2, 0, 0])
    expect(applied(zeroPadding1d({ padding: [0, 2] }), [1, 2], [1, 1, 2]).data).toEqual([1, 2, 0, 0, 0, 0])
    expect(applied(zeroPadding2d(), [5], [1, 1, 1, 1]).data).toEqual([0, 0, 0, 0, 5, 0, 0, 0, 0])
    const options: ZeroPaddingOptions = { padding: [1, [0, 2]] }
    expect(applied(zeroPadding2d(options), [5, 6], [1, 1, 2, 1])).toEqual({
      shape: [1, 3, 4, 1],
      data: [0, 0, 0, 0, 5, 6, 0, 0, 0, 0, 0, 0],
    })
    expect([...gradientOf(zeroPadding2d(options), [5, 6], [1, 1, 2, 1], upTo(12))]).toEqual([5, 6])
    expect(applied(zeroPadding3d({ padding: [[1, 0], 0, [0, 1]] }), [5, 6], [1, 1, 1, 1, 2])).toEqual({
      shape: [1, 2, 1, 2, 2],
      data: [0, 0, 0, 0, 5, 6, 0, 0],
    })
    expect(applied(zeroPadding2d({ padding: 0 }), [5], [1, 1, 1, 1]).data).toEqual([5])
  })

  test('cropping', () => {
    expect(applied(cropping1d(), upTo(6), [1, 3, 2]).data).toEqual([3, 4])
    expect(applied(cropping1d({ cropping: [0, 1] }), upTo(6), [1, 3, 2]).data).toEqual([1, 2, 3, 4])
    expect(applied(cropping2d(), upTo(4), [1, 2, 2, 1]).data).toEqual(upTo(4))
    const layer = cropping2d({ cropping: [[1, 0], 1] })
    expect(applied(layer, upTo(6), [1, 2, 3, 1])).toEqual({ shape: [1, 1, 1, 1], data: [5] })
    expect([...gradientOf(layer, upTo(6), [1, 2, 3, 1], [4])]).toEqual([0, 0, 0, 0, 4, 0])
    expect(applied(cropping3d(), upTo(27), [1, 3, 3, 3, 1]).data).toEqual([14])
  })

  test('repeatVector', () => {
    const layer = repeatVector({ n: 3 })
    expect(applied(layer, upTo(4), [2, 2])).toEqual({
      shape: [2, 3, 2],
      data: [1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4],
    })
    expect([...gradientOf(layer, upTo(2), [1, 2], upTo(6))]).toEqual([1 + 3 + 5, 2 + 4 + 6])
  })
})

const calls: readonly (readonly [layer: Layer, shape: readonly number[]])[] = [
  [maxPooling1d({ poolSize: 3, padding: 'same' }), [1, 6, 3]],
  [maxPooling2d({ poolSize: [2, 3], strides: 1 }), [1, 4, 5, 2]],
  [maxPooling3d(), [1, 2, 3, 4, 1]],
  [averagePooling1d(), [1, 6, 3]],
  [averagePooling2d({ strides: [1, 2] }), [1, 4, 5, 2]],
  [averagePooling3d({ poolSize: 2, padding: 'same' }), [1, 3, 3, 4, 1]],
  [globalMaxPooling1d({ keepDims: true }), [1, 6, 3]],
  [globalMaxPooling2d(), [1, 4, 5, 2]],
  [globalMaxPooling3d(), [1, 2, 3, 4, 1]],
  [globalAveragePooling1d(), [1, 6, 3]],
  [globalAveragePooling2d({ keepDims: true }), [1, 4, 5, 2]],
  [globalAveragePooling3d(), [1, 2, 3, 4, 1]],
  [upSampling1d({ size: 3 }), [1, 6, 3]],
  [upSampling2d({ size: [2, 3], interpolation: 'bilinear' }), [1, 4, 5, 2]],
  [zeroPadding1d({ padding: [2, 1] }), [1, 6, 3]],
  [zeroPadding2d({ padding: [1, [0, 2]] }), [1, 4, 5, 2]],
  [zeroPadding3d(), [1, 2, 3, 4, 1]],
  [cropping1d({ cropping: [2, 1] }), [1, 6, 3]],
  [cropping2d({ cropping: [1, [0, 2]] }), [1, 4, 5, 2]],
  [cropping3d({ cropping: [0, 1, [1, 0]] }), [1, 2, 3, 4, 1]],
  [repeatVector({ n: 4 }), [1, 5]],
]
const named = calls.map(([layer, shape]) => [layer.kind.kind, layer, shape] as const)
test.each(named)('saved and loaded, a model with %s does the same', (_, layer, shape) => {
  const net = netOf(layer, shape)
  const count = shape.reduce((a, b) => a * b)
  const x = tensor(
    Float32Array.from({ length: count }, (_, i) => ((i * 29) % 31) - 15),
    shape,
  )
  expect(load(net.save()).predict(x)).toEqual(net.predict(x))
})

describe('refused', () => {
  test.each<[string, () => unknown]>([
    [
      'maxPooling2d: poolSize must be an integer from 1 to 65535 or a list of 2; got [2,2,2]',
      () => maxPooling2d({ poolSize: [2, 2, 2] }),
    ],
    ['maxPooling1d: poolSize must be an integer from 1 to 65535; got 0', () => maxPooling1d({ poolSize: 0 })],
    [
      'maxPooling1d: poolSize must be an integer from 1 to 65535; got 1.5',
      () => maxPooling1d({ poolSize: 1.5 }),
    ],
    [
      'averagePooling3d: strides must be an integer from 1 to 65535 or a list of 3; got [1,1,-1]',
      () => averagePooling3d({ strides: [1, 1, -1] }),
    ],
    [
      'averagePooling2d: padding must be "valid", "same" or [before, after] of each axis; got "full"',
      () => averagePooling2d({ padding: 'full' as 'same' }),
    ],
    [
      'maxPooling1d: padding must be "valid", "same" or [before, after] of each axis; got 1',
      () => maxPooling1d({ padding: 1 as never }),
    ],
    [
      'maxPooling2d: padding must be "valid", "same" or [before, after] of each axis; got [[1,1]]',
      () => maxPooling2d({ padding: [[1, 1]] }),
    ],
    ['zeroPadding1d: value must be a finite number; got NaN', () => zeroPadding1d({ value: Number.NaN })],
    [
      'globalMaxPooling1d: keepDims must be a boolean; got 1',
      () => globalMaxPooling1d({ keepDims: 1 as never }),
    ],
    ['upSampling1d: size must be an integer from 1 to 65535; got -2', () => upSampling1d({ size: -2 })],
    [
      'upSampling2d: interpolation must be "nearest" or "bilinear"; got "bicubic"',
      () => upSampling2d({ interpolation: 'bicubic' as 'bilinear' }),
    ],
    [
      'zeroPadding1d: padding must be an integer >= 0 or [before, after]; got -1',
      () => zeroPadding1d({ padding: -1 }),
    ],
    [
      'zeroPadding2d: padding must be an integer >= 0 or a list of 2, of integers or [before, after]; got [1,2,3]',
      () => zeroPadding2d({ padding: [1, 2, 3] }),
    ],
    [
      'cropping3d: cropping must be an integer >= 0 or a list of 3, of integers or [before, after]; got [1,[1,0.5],1]',
      () => cropping3d({ cropping: [1, [1, 0.5], 1] }),
    ],
    ['repeatVector: n must be a positive integer; got 0', () => repeatVector({ n: 0 })],
  ])('%s', (message, make) => refused(message, make))

  test('options of others, with the nearest own one', () => {
    refused(/^unknown maxPooling2d option "poolsize"; did you mean "poolSize"\?/, () =>
      maxPooling2d({ poolsize: 2 } as PoolingOptions),
    )
    refused(/^unknown upSampling1d option "interpolation"\. Known: size, /, () =>
      upSampling1d({ interpolation: 'bilinear' } as object),
    )
  })

  test.each<[string, Layer, number[]]>([
    [
      'a window spans 3 cells of axis 2; the input (with padding) has 2',
      maxPooling2d({ poolSize: [2, 3] }),
      [1, 2, 2, 1],
    ],
    ...([[[2, 0]], [[0, 2]]] as [[number, number]][]).map((padding): [string, Layer, number[]] => [
      `padding [[${padding}]] gives windows of 2 cells of axis 1 that hold none of its 4`,
      maxPooling1d({ padding }),
      [1, 4, 1],
    ]),
    ['expected an input [batch, steps, channels]; got [1,4]', averagePooling1d(), [1, 4]],
    [
      'expected an input [batch, depth, height, width, channels]; got [1,4,4,1]',
      globalMaxPooling3d(),
      [1, 4, 4, 1],
    ],
    ['cropping 2 + 1 of axis 1 leaves nothing of [1,3,1]', cropping1d({ cropping: [2, 1] }), [1, 3, 1]],
    ['expected an input [batch, features]; got [1,3,1]', repeatVector({ n: 2 }), [1, 3, 1]],
  ])('%s', (message, layer, shape) => {
    refused(`layer ${layer.kind.kind}_1: ${message}`, () => netOf(layer, shape))
  })
})

describe('relu in front of a maximum is taken behind it', () => {
  const shape = [2, 5, 4, 3]
  const x = Float32Array.from({ length: 120 }, (_, i) => Math.round(7 * Math.cos(i * i)) / 4) // ties, zeros
  const net = (activation: 'relu' | { name: 'leakyRelu'; alpha: number }) =>
    sequential({
      inputShape: shape.slice(1),
      layers: [
        conv2d({ filters: 5, kernelSize: 2, padding: 'same', activation, name: 'conv' }),
        maxPooling2d({ poolSize: 2, padding: 'same' }),
      ],
    }).compile({ loss: 'mse' })

  test('the same outputs and gradients as of leakyRelu with slope 0, which is not moved', () => {
    const [moved, plain] = [net('relu'), net({ name: 'leakyRelu', alpha: 0 })]
    const input = tensor(x, shape)
    const y = moved.predict(input)
    const bits = (data: Float32Array | Int32Array) => Array.from(data, (value) => value + 0) // -0 is 0
    expect(bits(y.data)).toEqual(bits(plain.predict(input).data))
    const target = tensor(
      y.data.map((_, i) => Math.sin(i)),
      y.shape,
    )
    const [a, b] = [moved, plain].map((model) => model.gradients(input, target, { inputs: true }))
    for (const name of Object.keys(b)) expect(bits(a[name].data), name).toEqual(bits(b[name].data))
  })

  test('no relu is left on the larger array', () => {
    const { graph } = inspect(net('relu'), { mode: 'train', batchSize: 2 })
    expect(graph).toMatch(/unary .*fn=relu.* \[2,3,2,5\]/)
    expect(graph).not.toMatch(/ conv .*relu/)
    const alone = sequential({
      inputShape: [5, 4, 3],
      layers: [conv2d({ filters: 5, kernelSize: 2, activation: 'relu' })],
    })
    expect(inspect(alone, { mode: 'predict', batchSize: 2 }).graph).toMatch(/ conv .*epilogue=relu/)
  })

  test('what else reads the relu still gets it', () => {
    const input_ = input({ shape: [4, 2] })
    const relu = activation({ activation: 'relu' })(input_)
    const both = model({ inputs: input_, outputs: [relu, maxPooling1d({ poolSize: 2 })(relu)] })
    const [all, largest] = both.predict(tensor(Float32Array.of(-1, 2, 3, -4, -5, -6, -7, 8), [1, 4, 2]))
    expect([...all.data]).toEqual([0, 2, 3, 0, 0, 0, 0, 8])
    expect([...largest.data]).toEqual([3, 2, 0, 8])
  })
})

test('the gradient of windows side by side takes the place of what was pooled; uncovered cells get 0', () => {
  const shape = [3, 5, 7, 3]
  const net = (...between: Layer[]) =>
    sequential({
      inputShape: shape.slice(1),
      layers: [conv2d({ filters: 6, kernelSize: 1, activation: 'gelu' }), ...between, maxPooling2d()],
    }).compile({ loss: 'mse' })
  const [direct, cut] = [
    net(),
    net(
      cropping2d({
        cropping: [
          [0, 1],
          [0, 1],
        ],
      }),
    ),
  ]
  const x = tensor(
    Float32Array.from({ length: 315 }, (_, i) => Math.sin(i * i)),
    shape,
  )
  const y = direct.predict(x)
  const target = tensor(
    y.data.map((_, i) => Math.cos(i)),
    y.shape,
  )
  const [a, b] = [direct, cut].map((model) => model.gradients(x, target, { inputs: true }))
  for (const name of Object.keys(a)) expect([...a[name].data], name).toEqual([...b[name].data])

  const { graph, memory } = inspect(direct, { batchSize: 3 })
  const [, dx, pooled] = /(%\d+) = maxPoolGrad %\d+, (%\d+),/.exec(graph) ?? []
  const buffers = memory.split('\n').map((line) => line.split(/\s+/))
  expect(buffers.filter((values) => values.includes(dx) && values.includes(pooled))).toHaveLength(1)
})
