// Merges that broadcast, activations as layers and layers of pictures against PyTorch in float64 (torch/pictures.py made the
// numbers): outputs, gradients by inputs and weights; saved and loaded, frozen, on two threads; what is refused.
import { describe, expect, test } from 'vitest'
import {
  activation,
  add,
  average,
  averagePooling2d,
  averagePooling3d,
  batchNormalization,
  centerCrop,
  conv1dTranspose,
  conv2d,
  conv2dTranspose,
  conv3dTranspose,
  depthwiseConv1d,
  groupNormalization,
  input,
  type Layer,
  layerNormalization,
  load,
  type Model,
  maximum,
  maxPooling1d,
  maxPooling2d,
  minimum,
  model,
  multiply,
  nonNeg,
  normalization,
  prelu,
  relu,
  rescaling,
  resizing,
  rmsNormalization,
  sequential,
  sgd,
  softmax,
  subtract,
  tensor,
  unitNormalization,
  upSampling2d,
  upSampling3d,
  zeroPadding1d,
  zeroPadding2d,
  zeroPadding3d,
} from '../../src/index.ts'
import { elementCount } from '../../src/numerics/tensor.ts'
import { workers } from '../../src/threads/index.ts'
import { differences } from '../support/frozen.ts'
import { refused } from '../support/refused.ts'
import { splitAll } from '../support/split-all.ts'
import {
  expectSameBits,
  expectTorch,
  flat,
  near,
  type TorchCase,
  torchCases,
} from '../support/torch-cases.ts'

const cases = torchCases('pictures.json')

const twice = { filters: 2, kernelSize: 3, strides: 2 }
const epsilon = 0.01
const to = { height: 7, width: 4 }
/** The layer of each case. */
const layers: Readonly<Record<string, Layer>> = {
  'multiply cells by channels': multiply(),
  'add rows and numbers': add(),
  'subtract from fewer axes': subtract(),
  'average of three': average(),
  maximum: maximum(),
  minimum: minimum(),
  'relu 0.75': relu({ maxValue: 0.75 }),
  'relu slope 0.1': relu({ maxValue: 2, negativeSlope: 0.1 }),
  'relu above 1': relu({ threshold: 1 }),
  'relu of all': relu({ maxValue: 3, negativeSlope: 0.25, threshold: 0.5 }),
  'softmax of axis 1': softmax({ axis: 1 }),
  'softmax of axes 1 and 3': softmax({ axis: [3, 1] }),
  'hard sigmoid of slope 0.2': activation({ activation: { name: 'hardSigmoid', alpha: 0.2 } }),
  'hard sigmoid': activation({ activation: 'hardSigmoid' }),
  'max pooling of 3, padding 1': maxPooling2d({
    poolSize: 3,
    strides: 2,
    padding: [
      [1, 1],
      [1, 1],
    ],
  }),
  'max pooling, padding on one side': maxPooling2d({
    poolSize: 3,
    strides: [1, 2],
    padding: [
      [2, 0],
      [0, 1],
    ],
  }),
  'average pooling of 3, padding 1': averagePooling2d({
    poolSize: 3,
    strides: 2,
    padding: [
      [1, 1],
      [1, 1],
    ],
  }),
  'average pooling, padding on one side': averagePooling2d({
    poolSize: [2, 3],
    strides: [1, 2],
    padding: [
      [1, 0],
      [0, 2],
    ],
  }),
  'max pooling over steps': maxPooling1d({ poolSize: 4, strides: 3, padding: [[2, 2]] }),
  'average pooling of volumes': averagePooling3d({
    poolSize: 2,
    padding: [
      [1, 1],
      [1, 1],
      [1, 1],
    ],
  }),
  'padding of -1.5': zeroPadding1d({ padding: [2, 1], value: -1.5 }),
  'padding of 0.25': zeroPadding2d({
    padding: [
      [1, 0],
      [2, 1],
    ],
    value: 0.25,
  }),
  'padding of 3': zeroPadding3d({ padding: [1, [0, 2], [1, 0]], value: 3 }),
  'larger volumes': upSampling3d({ size: [2, 1, 3] }),
  'larger volumes, trilinear': upSampling3d({ size: [2, 3, 2], interpolation: 'trilinear' }),
  'larger from the first pixel on': upSampling2d({
    size: [2, 3],
    interpolation: 'bilinear',
    halfPixel: false,
  }),
  resizing: resizing(to),
  'resizing, corners': resizing({ ...to, alignCorners: true }),
  'resizing from the first pixel on': resizing({ ...to, halfPixel: false }),
  'resizing to the nearest': resizing({ ...to, interpolation: 'nearest' }),
  'resizing to the nearest from the first pixel on': resizing({
    ...to,
    interpolation: 'nearest',
    halfPixel: false,
  }),
  'resizing of a square in the middle': resizing({ height: 3, width: 3, cropToAspectRatio: true }),
  middle: centerCrop({ height: 2, width: 3 }),
  'middle of what is too small': centerCrop({ height: 3, width: 7 }),
  'transposed over steps': conv1dTranspose({ filters: 4, kernelSize: 3, strides: 2 }),
  'transposed over steps, padding, output padding, dilation': conv1dTranspose({
    ...{ filters: 4, kernelSize: 3, strides: 3, dilationRate: 2 },
    ...{ padding: [[2, 2]], outputPadding: 1 },
  }),
  'transposed in groups': conv2dTranspose({
    ...{ filters: 6, kernelSize: [3, 2], strides: 2, groups: 2 },
    ...{
      padding: [
        [1, 1],
        [1, 1],
      ],
      outputPadding: [1, 1],
    },
  }),
  'transposed of volumes': conv3dTranspose({
    ...{ filters: 4, kernelSize: [2, 3, 2], strides: [1, 2, 2], groups: 4 },
    padding: [
      [0, 0],
      [1, 1],
      [0, 0],
    ],
  }),
  'transposed, same': conv1dTranspose({ ...twice, padding: 'same' }),
  'transposed, same, output padding 0': conv1dTranspose({ ...twice, padding: 'same', outputPadding: 0 }),
  'transposed, same, output padding 1': conv1dTranspose({ ...twice, padding: 'same', outputPadding: 1 }),
  'transposed, valid, output padding 1': conv1dTranspose({ ...twice, outputPadding: 1 }),
  'depthwise over steps': depthwiseConv1d({
    kernelSize: 3,
    depthMultiplier: 2,
    strides: 2,
    padding: [[1, 1]],
  }),
  'depthwise over steps, causal': depthwiseConv1d({
    kernelSize: 2,
    dilationRate: 2,
    padding: 'causal',
  }),
  'batch normalization of axis 1': batchNormalization({ axis: 1, epsilon }),
  'batch normalization of axes 1 and 3': batchNormalization({ axis: [-1, 1], epsilon }),
  'layer normalization of axis 2': layerNormalization({ axis: 2, epsilon }),
  'layer normalization of all axes': layerNormalization({ axis: [1, 2, 3], epsilon }),
  'rms normalization of axes 1 and 3': rmsNormalization({ axis: [1, 3], epsilon }),
  'group normalization of axis 1': groupNormalization({ axis: 1, groups: 2, epsilon }),
  'unit normalization of axes 1 and 2': unitNormalization({ axis: [1, 2] }),
  'normalization of axis 1': normalization({ axis: 1, mean: [0.5, -1], variance: [4, 0.25] }),
  'prelu of each element': prelu({ sharedAxes: [] }),
  'prelu of channels': prelu({ sharedAxes: [1, 2] }),
  'prelu of rows': prelu({ sharedAxes: [-1, 2] }),
}

function netOf(layer: Layer, { x }: TorchCase): Model {
  const inputs = x.map(({ shape }, i) => input({ shape: shape.slice(1), name: `x${i + 1}` }))
  return model({ inputs, outputs: layer(inputs) }) as Model
}

test('every case has its layer', () => expect(Object.keys(layers)).toEqual(Object.keys(cases)))

test.each(Object.keys(cases))('as PyTorch: %s', (own) => {
  expectTorch(netOf(layers[own], cases[own]), cases[own])
})

test('all of them in one model: the same bits frozen and on two threads', async () => {
  const whole = (options: object = {}) => {
    const parts = Object.entries(cases).map(([own, { x }]) => {
      const inputs = x.map(({ shape }) => input({ shape: shape.slice(1) }))
      return { inputs, output: layers[own](inputs) }
    })
    const inputs = parts.flatMap((part) => part.inputs)
    return model({ inputs, outputs: parts.map(({ output }) => output), ...options })
  }
  const threaded = whole({ threads: workers(2) })
  splitAll(threaded.session.engine)
  const given = Object.values(cases)
  const x = given.flatMap((own) => own.x).map(flat)
  const y = given.map(({ y: { shape } }) => tensor(new Float32Array(elementCount(shape)), [...shape]))
  await expectSameBits(whole(), threaded, x, y)
})

describe('refused', () => {
  const of = (layer: Layer, ...shapes: readonly number[][]) => {
    const inputs = shapes.map((shape) => input({ shape }))
    return model({ inputs, outputs: layer(inputs) })
  }

  test.each<[string | RegExp, () => unknown]>([
    ['relu: maxValue must be a finite number >= 0 or null; got -1', () => relu({ maxValue: -1 })],
    ['relu: negativeSlope must be a finite number >= 0; got -0.5', () => relu({ negativeSlope: -0.5 })],
    ['relu: threshold must be a finite number >= 0; got "1"', () => relu({ threshold: '1' as never })],
    ['resizing: height must be a positive integer; got 0', () => resizing({ height: 0, width: 2 })],
    [
      /^resizing: interpolation must be "nearest" or "bilinear"; got "bicubic"/,
      () => resizing({ ...to, interpolation: 'bicubic' as never }),
    ],
    ['centerCrop: width must be a positive integer; got undefined', () => centerCrop({ height: 1 } as never)],
    [
      /^upSampling3d: interpolation must be "nearest" or "trilinear"; got "bilinear"/,
      () => upSampling3d({ interpolation: 'bilinear' as never }),
    ],
    [
      'layer resizing_1: expected an input [batch, height, width, channels]; got [1,4,3]',
      () => of(resizing(to), [4, 3]),
    ],
    [
      'conv1dTranspose: outputPadding must be less than strides ([2]); got [2]',
      () => conv1dTranspose({ ...twice, outputPadding: 2 }),
    ],
    [
      'conv2dTranspose: outputPadding must be an integer >= 0 or a list of 2, or null; got [1]',
      () => conv2dTranspose({ ...twice, outputPadding: [1] }),
    ],
    [
      'conv3dTranspose: filters must be a multiple of groups (3); got 2',
      () => conv3dTranspose({ ...twice, groups: 3 }),
    ],
    [
      "layer conv1dTranspose_1: 3 channels can't be split into 2 groups",
      () => of(conv1dTranspose({ ...twice, groups: 2 }), [4, 3]),
    ],
    [
      'layer conv1dTranspose_1: padding "same" with outputPadding [0] doesn\'t fit: 6 cells of axis 1 come from 3 windows, not from 4',
      () => of(conv1dTranspose({ ...twice, kernelSize: 2, padding: 'same', outputPadding: 0 }), [4, 3]),
    ],
    [
      'layer conv1dTranspose_1: padding [[5,4]] leaves nothing of the output',
      () => of(conv1dTranspose({ ...twice, padding: [[5, 4]] }), [4, 3]),
    ],
    [
      'layer conv1dTranspose_1: expected an input [batch, steps, channels]; got [1,4,4,3]',
      () => of(conv1dTranspose(twice), [4, 4, 3]),
    ],
    [
      'prelu: sharedAxes must be an integer other than 0 (the batch) or a list of such; got [0]',
      () => prelu({ sharedAxes: [0] }),
    ],
    [/^unknown alphaInitializer|prelu: /, () => prelu({ alphaInitializer: 'ten' as never })],
    [
      'prelu: alphaRegularizer: l1 must be a finite number >= 0; got -1',
      () => prelu({ alphaRegularizer: { l1: -1 } }),
    ],
    [
      'layer prelu_1: expected different axes of an input of rank 3; got [3]',
      () => of(prelu({ sharedAxes: [3] }), [4, 3]),
    ],
    [/^unknown relu option "maxvalue"; did you mean "maxValue"\?/, () => relu({ maxvalue: 1 } as object)],
    [
      'softmax: axis must be an integer other than 0 (the batch) or a list of such; got 0',
      () => softmax({ axis: 0 }),
    ],
    [/^softmax: axis must be/, () => softmax({ axis: [] })],
    [
      /hardSigmoid: alpha must be a finite number >= 0; got -1/,
      () => activation({ activation: { name: 'hardSigmoid', alpha: -1 } }),
    ],
    [
      'layer add_1: expected inputs of one shape, or of shapes that broadcast; got [1,4,3] and [1,4]',
      () => of(add(), [4, 3], [4]),
    ],
    [
      'layer softmax_1: expected different axes of an input of rank 3; got [1,-2]',
      () => of(softmax({ axis: [1, -2] }), [4, 3]),
    ],
    [
      'layer softmax_1: expected different axes of an input of rank 2; got 2',
      () => of(softmax({ axis: 2 }), [4]),
    ],
  ])('%s', (message, make) => refused(message, make))
})

test('statistics of other axes: those that move, and prediction by them', () => {
  const layer = batchNormalization({ axis: [1, 3], momentum: 0.5, epsilon, name: 'bn' })
  const net = sequential({ inputShape: [2, 3, 2], layers: [layer] }).compile({
    loss: 'mse',
    optimizer: sgd({ learningRate: 0.1 }),
  })
  const x = Float32Array.from({ length: 24 }, (_, i) => Math.round(8 * Math.sin(i * i)) / 4)
  net.trainStep(x, new Float32Array(24))
  const weights = net.getWeights()
  const of = (i: number, c: number) =>
    [0, 1].flatMap((n) => [0, 1, 2].map((j) => x[12 * n + 6 * i + 2 * j + c]))
  const mean = (list: readonly number[]) => list.reduce((sum, value) => sum + value, 0) / list.length
  const places = [0, 1].flatMap((i) => [0, 1].map((c) => of(i, c)))
  expect(weights['bn/moving_mean'].shape).toEqual([2, 2])
  near(
    weights['bn/moving_mean'].data,
    places.map((list) => mean(list) / 2),
    'mean',
  )
  const variance = (list: readonly number[]) => mean(list.map((value) => (value - mean(list)) ** 2))
  near(
    weights['bn/moving_variance'].data,
    places.map((list) => 0.5 + variance(list) / 2),
    'variance',
  )
  const wanted = Array.from(x, (value, i) => {
    const place = 2 * (Math.floor(i / 6) % 2) + (i % 2)
    const [m, v, gamma, beta] = ['moving_mean', 'moving_variance', 'gamma', 'beta'].map(
      (own) => weights[`bn/${own}`].data[place],
    )
    return ((value - m) / Math.sqrt(v + epsilon)) * gamma + beta
  })
  near(net.predict(x).data, wanted, 'prediction')
  expect(load(net.save()).predict(x)).toEqual(net.predict(x))
})

describe('images of integers', () => {
  const bytes = Int32Array.from({ length: 2 * 4 * 4 * 2 }, (_, i) => (i * 37) % 256)
  const net = (inputDtype: 'int32' | 'float32', threads = {}) =>
    sequential({
      ...{ inputShape: [4, 4, 2], inputDtype, seed: 3, ...threads },
      layers: [
        resizing({ height: 3, width: 3 }),
        rescaling({ scale: 1 / 255, name: 'r' }),
        conv2d({ filters: 2, kernelSize: 2 }),
      ],
    }).compile({ loss: 'mse', optimizer: 'adam' })

  test.each([
    ['rescaling', () => rescaling({ scale: [0.5, 2], offset: 1 })],
    ['normalization', () => normalization({ mean: 100, variance: 25 })],
    ['resizing', () => resizing({ height: 3, width: 5 })],
    ['centerCrop', () => centerCrop({ height: 2, width: 2 })],
  ])('%s: as of the same floats', (_, layer) => {
    const [ints, floats] = (['int32', 'float32'] as const).map((inputDtype) =>
      sequential({ inputShape: [4, 4, 2], inputDtype, layers: [layer()] }),
    )
    const wanted = floats.predict(Float32Array.from(bytes))
    expect(ints.predict(bytes)).toEqual(wanted)
    expect(ints.predict(Uint8Array.from(bytes))).toEqual(wanted)
    expect(load(ints.save()).predict(bytes)).toEqual(wanted)
  })

  test('trained, frozen and on two threads, with the bits of floats', async () => {
    const [ints, floats, threaded] = [net('int32'), net('float32'), net('int32', { threads: workers(2) })]
    splitAll(threaded.session.engine)
    const y = floats.predict(Float32Array.from(bytes))
    expect(await differences(ints, 2, 2, () => ({ x: tensor(bytes, [2, 4, 4, 2]), y }))).toEqual([])
    const fresh = net('int32')
    for (let step = 0; step < 3; step++) {
      const wanted = floats.trainStep(Float32Array.from(bytes), y)
      expect([fresh, threaded].map((model) => model.trainStep(bytes, y))).toEqual([wanted, wanted])
    }
    expect(fresh.getWeights()).toEqual(floats.getWeights())
    expect(threaded.getWeights()).toEqual(floats.getWeights())
  })
})

test('the alpha of prelu has a penalty and a constraint', () => {
  const options = {
    alphaConstraint: nonNeg(),
    alphaRegularizer: { l2: 1 },
    alphaInitializer: 'ones',
    name: 'p',
  } as const
  const net = sequential({ inputShape: [2], layers: [prelu(options)] })
  net.compile({ loss: 'mse', optimizer: sgd({ learningRate: 10 }) })
  expect(net.trainStep([[-1, 1]], [[0, 0]]).loss).toBe(1 + 2)
  expect([...net.getWeights()['p/alpha'].data]).toEqual([0, 0]) // 1 - 10 (1 + 2) and 1 - 10 2, clipped
})

test('numbers that are none, and infinite ones, through relu', () => {
  const x = [[Number.NaN, -Infinity, Infinity, 1]]
  const of = (options: object) => [
    ...sequential({ inputShape: [4], layers: [relu(options)] }).predict(x, { allowNaN: true }).data,
  ]
  expect(of({ threshold: 1 })).toEqual([Number.NaN, 0, Infinity, 0])
  expect(of({ threshold: 1, negativeSlope: 0.5, maxValue: 3 })).toEqual([Number.NaN, -Infinity, 3, 0])
})
