// bidirectional, timeDistributed, masking and convLstm2d. Expectations: a float64 walk over the steps of each sample
// (reference/recurrent.ts), with convolutions written out, or the same layers put together by hand.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  bidirectional,
  type ConvLstmOptions,
  conv2d,
  convLstm1d,
  convLstm2d,
  convLstm3d,
  type Data,
  dense,
  type FloatArray,
  flatten,
  gru,
  input,
  type Layer,
  load,
  lstm,
  type Model,
  masking,
  model,
  type Symbolic,
  sequential,
  simpleRnn,
  tensor,
  timeDistributed,
} from '../../src/index.ts'
import { uniform } from '../../src/numerics/random.ts'
import { nested, slope, step, walk } from '../reference/recurrent.ts'
import { refused } from '../support/refused.ts'

type Weights = Readonly<Record<string, FloatArray>>
const range = (count: number) => Array.from({ length: count }, (_, i) => i)

const draw = (shape: readonly number[], stream: number): FloatArray => {
  const out = new Float32Array(shape.reduce((a, b) => a * b, 1))
  uniform(out, 13, stream, -1, 1)
  return tensor(out, [...shape]) as FloatArray
}
const predict = (net: Model<Symbolic>, x: unknown): FloatArray => net.predict(x as Data) as FloatArray

/** Sets all weights, so that none is 0. */
function fill(net: { getWeights(): Weights; setWeights(weights: Weights): void }): Weights {
  const drawn = Object.entries(net.getWeights()).map(([name, { shape }], i) => [name, draw(shape, 20 + i)])
  net.setWeights(Object.fromEntries(drawn))
  return Object.fromEntries(drawn)
}

function expectNear(got: ArrayLike<number>, want: ArrayLike<number>): void {
  expect(got.length).toBe(want.length)
  expect(Math.max(...Array.from(want, (value, i) => Math.abs(got[i] - value)))).toBeLessThan(3e-6)
}

const MASKED = 0.5
const MASK = [
  [0, 1, 1, 0],
  [1, 1, 1, 1],
  [1, 0, 0, 0],
]
/** [3, 4, ...rest], the masked steps all MASKED. */
function maskedInput(rest: readonly number[]): FloatArray {
  const x = draw([3, 4, ...rest], 1)
  const size = rest.reduce((a, b) => a * b, 1)
  MASK.flat().forEach((counts, at) => {
    if (!counts) (x.data as Float32Array).fill(MASKED, at * size, (at + 1) * size)
  })
  return x
}

describe('bidirectional', () => {
  const UNITS = 3
  const matrixOf = ({ data, shape }: FloatArray) => nested(data, shape.length === 1 ? [1, ...shape] : shape)
  const merges: Readonly<Record<string, (a: readonly number[], b: readonly number[]) => number[]>> = {
    concat: (a, b) => [...a, ...b],
    sum: (a, b) => a.map((x, i) => x + b[i]),
    mul: (a, b) => a.map((x, i) => x * b[i]),
    ave: (a, b) => a.map((x, i) => (x + b[i]) / 2),
  }
  const cases = Object.keys(merges).flatMap((mergeMode) =>
    [false, true].map((returnSequences) => [mergeMode, returnSequences] as const),
  )

  test.each(cases)('%s, sequences %s: both walks, in the order of the input', (mode, returnSequences) => {
    const layer = bidirectional({
      layer: lstm({ units: UNITS, returnSequences }),
      mergeMode: mode as 'concat',
      name: 'both',
    })
    const net = sequential({ inputShape: [4, 2], layers: [masking({ maskValue: MASKED }), layer] })
    const weights = fill(net)
    const x = maskedInput([2])
    const samples = nested(x.data, x.shape) as number[][][]
    const walked = (own: string, backwards: boolean) =>
      samples.map((rows, b) =>
        walk(
          rows,
          range(2).map(() => new Array<number>(UNITS).fill(0)),
          (row, states) => {
            const weight = (name: string) => matrixOf(weights[`both/${own}/${name}`])
            const all = {
              kernel: weight('kernel'),
              recurrent: weight('recurrent_kernel'),
              bias: weight('bias'),
            }
            return step('lstm', all, row, states)
          },
          { mask: MASK[b], backwards },
        ),
      )
    const forward = walked('forward', false)
    const backward = walked('backward', true)
    const want = forward.flatMap((one, b) =>
      returnSequences
        ? one.sequence.flatMap((h, t) => merges[mode](h, backward[b].sequence[3 - t]))
        : merges[mode](one.states[0], backward[b].states[0]),
    )
    expectNear(predict(net, x).data, want)
  })

  test.each([false, true])('mergeMode null, sequences %s: both results', (returnSequences) => {
    const x = input({ shape: [4, 2], name: 'x' })
    const both = bidirectional({
      layer: lstm({ units: UNITS, returnSequences }),
      mergeMode: null,
      name: 'both',
    })
    const outputs = both(masking({ maskValue: MASKED })(x))
    const joined = bidirectional({ layer: lstm({ units: UNITS, returnSequences }), name: 'joined' })
    const net = model({ inputs: x, outputs: [...outputs, joined(masking({ maskValue: MASKED })(x))] })
    const weights = Object.entries(fill(net as never)).filter(([name]) => name.startsWith('both'))
    net.setWeights(
      Object.fromEntries(weights.map(([name, array]) => [name.replace('both', 'joined'), array])),
    )
    const given = maskedInput([2])
    const [forward, backward, concat] = net.predict(given as never) as unknown as FloatArray[]
    const rows = (array: FloatArray, width: number): number[][] =>
      nested(array.data, [array.data.length / width, width])
    expect(rows(concat, 2 * UNITS)).toEqual(
      rows(forward, UNITS).map((row, i) => [...row, ...rows(backward, UNITS)[i]]),
    )
    const again = load(net.save()).predict(given as never) as unknown as FloatArray[]
    expect(again).toEqual([forward, backward, concat])
    expect(net.summary()).toContain('both')
    // steps that don't count have no share in the losses of either sequence
    net.compile({ loss: 'mse' })
    const zeros = [forward, backward, concat].map(({ data, shape }) =>
      tensor(new Float32Array(data.length), [...shape]),
    )
    const { both_loss, joined_loss, ...others } = net.trainStep(given as never, zeros as never) as never as {
      [key: string]: number
    }
    expect((both_loss + others['both:1_loss']) / 2).toBeCloseTo(joined_loss, 5)
  })

  test.each([null, 'sum'] as const)(
    'returnState, mergeMode %s: the states behind the result',
    (mergeMode) => {
      const x = input({ shape: [4, 2], name: 'x' })
      const both = bidirectional({
        layer: lstm({ units: UNITS, returnState: true }),
        mergeMode,
        name: 'both',
      })
      const [forward, backward] = [false, true].map((goBackwards) =>
        lstm({ units: UNITS, goBackwards, returnState: true, name: goBackwards ? 'backward' : 'forward' }),
      )
      const net = model({ inputs: x, outputs: [...both(x), ...forward(x), ...backward(x)] })
      const weights = Object.entries(fill(net as never)).filter(([name]) => name.startsWith('both'))
      net.setWeights(Object.fromEntries(weights.map(([name, array]) => [name.slice(5), array])))
      const got = (net.predict(draw([2, 4, 2], 1) as never) as never as FloatArray[]).map(({ data }) => [
        ...data,
      ])
      const [f, b] = [got.slice(-6, -3), got.slice(-3)]
      const merged =
        mergeMode === null ? [f[0], b[0]] : [f[0].map((value, i) => Math.fround(value + b[0][i]))]
      expect(got.slice(0, -6)).toEqual([...merged, ...f.slice(1), ...b.slice(1)])
      const again = load(net.save()).predict(draw([2, 4, 2], 1) as never) as never as FloatArray[]
      expect(again.map(({ data }) => [...data])).toEqual(got)
    },
  )

  test('initial states: those of the forward layer first', () => {
    const x = input({ shape: [4, 2], name: 'x' })
    const [a, b] = ['a', 'b'].map((name) => input({ shape: [UNITS], name }))
    const [forward, backward] = [false, true].map((goBackwards) =>
      gru({ units: UNITS, goBackwards, name: goBackwards ? 'backward' : 'forward' }),
    )
    const both = bidirectional({ layer: gru({ units: UNITS }), mergeMode: 'sum', name: 'both' })
    const net = model({
      inputs: [x, a, b],
      outputs: { both: both(x, a, b), forward: forward(x, a), backward: backward(x, b) },
    })
    const weights = net.getWeights()
    for (const own of ['forward', 'backward'])
      for (const name of ['kernel', 'recurrent_kernel', 'bias'])
        net.setWeights({ [`${own}/${name}`]: weights[`both/${own}/${name}`] })
    const y = net.predict([draw([3, 4, 2], 1), draw([3, UNITS], 2), draw([3, UNITS], 3)] as unknown as Data)
    expectNear(
      y.both.data,
      Array.from(y.forward.data, (value, i) => value + y.backward.data[i]),
    )
  })

  test('a sequence keeps its mask, a last state has none', async () => {
    const lossOf = async (returnSequences: boolean) => {
      const net = sequential({
        inputShape: [4, 2],
        layers: [
          masking({ maskValue: MASKED }),
          bidirectional({ layer: simpleRnn({ units: 2, returnSequences }) }),
        ],
      }).compile({ loss: 'mse' })
      const x = maskedInput([2])
      const y = predict(net, x)
      const target = tensor(new Float32Array(y.data.length), [...y.shape])
      const { loss } = (await net.evaluate(x, target)) as { loss: number }
      return { loss, squares: Array.from(y.data, (value) => value * value) }
    }
    const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
    const last = await lossOf(false) // [3, 4]: its shape is that of the mask, by accident
    expect(last.loss).toBeCloseTo(sum(last.squares) / 12, 6)
    const all = await lossOf(true)
    const counting = all.squares.filter((_, i) => MASK.flat()[Math.floor(i / 4)])
    expect(all.loss).toBeCloseTo(sum(counting) / counting.length, 6)
  })

  test('a backward layer of its own, saved and loaded', () => {
    const layer = bidirectional({
      layer: lstm({ units: 2, returnSequences: true }),
      backwardLayer: gru({ units: 2, returnSequences: true, goBackwards: true }),
    })
    const net = sequential({
      inputShape: [null, 2],
      layers: [layer, bidirectional({ layer: gru({ units: 2 }) })],
    })
    expect(Object.keys(net.getWeights()).filter((name) => name.endsWith('/kernel'))).toEqual([
      'bidirectional_1/forward/kernel',
      'bidirectional_1/backward/kernel',
      'bidirectional_2/forward/kernel',
      'bidirectional_2/backward/kernel',
    ])
    const x = draw([2, 5, 2], 1)
    const again = load(net.save()) as Model<Symbolic>
    expect(predict(again, x)).toEqual(predict(net, x))
  })

  test.each<[string, () => unknown]>([
    ['bidirectional: layer must be a layer; got undefined', () => bidirectional({} as never)],
    [
      'bidirectional: layer must be a recurrent layer; got dense',
      () => bidirectional({ layer: dense({ units: 1 }) as never }),
    ],
    [
      'bidirectional: layer and backwardLayer must differ in goBackwards and agree in returnSequences and returnState',
      () =>
        bidirectional({
          layer: lstm({ units: 1, returnState: true }),
          backwardLayer: lstm({ units: 1, goBackwards: true }),
        }),
    ],
    [
      'bidirectional: mergeMode must be "concat", "sum", "mul", "ave" or null; got "max"',
      () => bidirectional({ layer: lstm({ units: 1 }), mergeMode: 'max' as never }),
    ],
    [
      'bidirectional: layer and backwardLayer must differ in goBackwards and agree in returnSequences and returnState',
      () => bidirectional({ layer: lstm({ units: 1 }), backwardLayer: lstm({ units: 1 }) }),
    ],
    [
      'layer both: expected one input or 2 (with the initial states); got 3',
      () => {
        const x = input({ shape: [4, 2] })
        const h = dense({ units: 1 })(flatten()(x))
        const both = bidirectional({ layer: gru({ units: 1 }), name: 'both' })
        return model({ inputs: x, outputs: both(x, h, h, h, h) })
      },
    ],
  ])('refuses: %s', (message, call) => {
    refused(message, call)
  })
})

describe('timeDistributed', () => {
  test('dense at each step is dense on the last axis, bit for bit', () => {
    const net = sequential({
      inputShape: [4, 2],
      layers: [timeDistributed({ layer: dense({ units: 3, activation: 'tanh' }), name: 'each' })],
    })
    const plain = sequential({
      inputShape: [4, 2],
      layers: [dense({ units: 3, activation: 'tanh', name: 'd' })],
    })
    const weights = fill(net)
    plain.setWeights({ 'd/kernel': weights['each/layer/kernel'], 'd/bias': weights['each/layer/bias'] })
    const x = draw([3, 4, 2], 1)
    expect(predict(net, x)).toEqual(predict(plain, x))
  })

  test('images: a convolution of each step, then flattened; saved and loaded', () => {
    const net = sequential({
      inputShape: [3, 4, 4, 2],
      layers: [
        timeDistributed({ layer: conv2d({ filters: 2, kernelSize: 3 }), name: 'each' }),
        timeDistributed({ layer: flatten() }),
        lstm({ units: 2 }),
      ],
    }).compile({ loss: 'mse' })
    expect(net.layers.map(({ outputShape }) => outputShape)).toEqual([[3, 2, 2, 2], [3, 8], [2]])
    const one = sequential({
      inputShape: [4, 4, 2],
      layers: [conv2d({ filters: 2, kernelSize: 3, name: 'c' })],
    })
    const { 'each/layer/kernel': kernel } = net.getWeights()
    one.setWeights({ 'c/kernel': kernel })
    const steps = sequential({
      inputShape: [3, 4, 4, 2],
      layers: [timeDistributed({ layer: conv2d({ filters: 2, kernelSize: 3 }), name: 'each' })],
    })
    steps.setWeights({ 'each/layer/kernel': kernel })
    const x = draw([2, 3, 4, 4, 2], 1)
    expect(predict(steps, x).data).toEqual(predict(one, tensor(x.data, [6, 4, 4, 2])).data)
    const before = net.trainStep(x, draw([2, 2], 2) as unknown as Data)
    expect(before).toBeDefined()
    expect(predict(load(net.save()) as Model<Symbolic>, x)).toEqual(predict(net, x))
  })

  test.each<[string, () => unknown]>([
    ['timeDistributed: layer must be a layer; got 3', () => timeDistributed({ layer: 3 as never })],
    [
      'layer each: expected an input [batch, steps, features, ...]; got [1,2]',
      () =>
        sequential({
          inputShape: [2],
          layers: [timeDistributed({ layer: dense({ units: 1 }), name: 'each' })],
        }),
    ],
  ])('refuses: %s', (message, call) => {
    refused(message, call)
  })
})

describe('masking', () => {
  test('a step counts unless all its features are the value; what does not count becomes 0', () => {
    const net = sequential({ inputShape: [3, 2], layers: [masking({ maskValue: -1 })] })
    const x = [
      [-1, -1, -1, 2, 0, 0],
      [3, -1, -1, -1, 0, -1],
    ]
    const { data } = predict(net, tensor(Float32Array.from(x.flat()), [2, 3, 2]))
    expect([...data].map((value) => value + 0)).toEqual([0, 0, -1, 2, 0, 0, 3, -1, 0, 0, 0, -1])
  })

  test('losses behind it are means over what counts; gradients pass the steps that count', async () => {
    const net = sequential({ inputShape: [3, 1], layers: [masking()] }).compile({ loss: 'mse' })
    const x = tensor(Float32Array.of(0, 2, 3, 4, 0, 0), [2, 3, 1])
    const target = tensor(new Float32Array(6).fill(1), [2, 3, 1])
    const { loss } = (await net.evaluate(x, target)) as { loss: number }
    expect(loss).toBeCloseTo((1 + 4 + 9) / 3, 6)
    const { input: gradient } = net.gradients(x, target, { inputs: true })
    expectNear(gradient.data, [0, 2 / 3, 4 / 3, 2, 0, 0])
  })

  test.each<[string, () => unknown]>([
    ['masking: maskValue must be a finite number; got NaN', () => masking({ maskValue: Number.NaN })],
    [
      'layer m: expected an input [batch, steps, features, ...]; got [1,2]',
      () => sequential({ inputShape: [2], layers: [masking({ name: 'm' })] }),
    ],
  ])('refuses: %s', (message, call) => {
    refused(message, call)
  })
})

interface ConvLstmCase {
  readonly x: FloatArray
  readonly kernelSize: number[]
  readonly strides: number
  readonly weights: Weights
  readonly y: FloatArray
  readonly gradients: Weights
}
// made by torch/recurrent.py
const torch: Record<string, ConvLstmCase> = JSON.parse(
  readFileSync(new URL('torch/recurrent.json', import.meta.url), 'utf8'),
).convLstm

describe.each([
  ['convLstm1d', convLstm1d, '1'],
  ['convLstm3d', convLstm3d, '3'],
] as const)('%s', (kind, make, axes) => {
  const flat = ({ shape, data }: FloatArray) => tensor(Float32Array.from(data), [...shape]) as FloatArray
  const { x, kernelSize, strides, weights, y, gradients } = torch[axes]
  const inputShape = x.shape.slice(1)

  test('outputs and gradients are those of PyTorch', () => {
    const layer = make({ filters: 3, kernelSize, strides, returnSequences: true, name: 'cell' })
    const net = sequential({ inputShape, layers: [layer] }).compile({ loss: 'mse' })
    const named = Object.entries(weights).map(([name, array]) => [`cell/${name}`, flat(array)])
    net.setWeights(Object.fromEntries(named))
    const output = predict(net, flat(x))
    expect(output.shape).toEqual(y.shape)
    expectNear(output.data, y.data)
    const zeros = tensor(new Float32Array(y.data.length), [...y.shape])
    const found = net.gradients(flat(x) as never, zeros as never)
    for (const [name, { data }] of Object.entries(gradients)) expectNear(found[`cell/${name}`].data, data)
    expect(predict(load(net.save()) as Model<Symbolic>, flat(x))).toEqual(output)
  })

  test('refuses other inputs and windows', () => {
    const between = axes === '1' ? 'cells' : 'depth, height, width'
    refused(`layer cell: expected an input [batch, steps, ${between}, channels]; got [1,4,2]`, () =>
      sequential({ inputShape: [4, 2], layers: [make({ filters: 1, kernelSize: 1, name: 'cell' })] }),
    )
    refused(/^convLstm[13]d: kernelSize must be an integer from 1 to 65535.*; got \[3,3\]$/, () =>
      make({ filters: 1, kernelSize: [3, 3] }),
    )
    refused(/^unknown convLstm[13]d option "unit"/, () =>
      make({ filters: 1, kernelSize: 1, unit: 2 } as never),
    )
    expect(kind).toBe(`convLstm${axes}d`)
  })
})

describe('convLstm2d', () => {
  type Image = number[][][]
  const [FILTERS, HEIGHT, WIDTH, CHANNELS] = [2, 4, 3, 2]
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))

  /** Cross-correlation, size 3 x 3; `same`: one ring of zeros (stride 1). */
  function convolved(x: Image, kernel: number[][][][], stride: number, same: boolean): Image {
    const before = same ? 1 : 0
    const size = (n: number) => Math.floor((n + 2 * before - 3) / stride) + 1
    return range(size(x.length)).map((i) =>
      range(size(x[0].length)).map((j) =>
        range(kernel[0][0][0].length).map((f) => {
          let sum = 0
          kernel.forEach((row, u) => {
            row.forEach((taps, v) => {
              const cell = x[i * stride + u - before]?.[j * stride + v - before]
              if (cell) sum += taps.reduce((all, filters, c) => all + cell[c] * filters[f], 0)
            })
          })
          return sum
        }),
      ),
    )
  }

  const forms: readonly (readonly [string, Partial<ConvLstmOptions>, masked: boolean])[] = [
    ['same, the last state', { padding: 'same' }, false],
    ['valid, a sequence', { returnSequences: true }, true],
    [
      'stride 2, backwards, a masked sequence',
      { strides: 2, returnSequences: true, goBackwards: true },
      true,
    ],
  ]

  test.each(forms)('%s', (_, own, masked) => {
    const { padding = 'valid', strides = 1, goBackwards = false, returnSequences = false } = own
    const layer = convLstm2d({ filters: FILTERS, kernelSize: 3, name: 'cell', ...own } as ConvLstmOptions)
    const layers: Layer[] = masked ? [masking({ maskValue: MASKED }), layer] : [layer]
    const net = sequential({ inputShape: [4, HEIGHT, WIDTH, CHANNELS], layers }).compile({ loss: 'mse' })
    const weights = new Map(
      Object.entries(fill(net)).map(([name, { data, shape }]) => [
        name,
        { shape, data: Float64Array.from(data) },
      ]),
    )
    const x = masked ? maskedInput([HEIGHT, WIDTH, CHANNELS]) : draw([3, 4, HEIGHT, WIDTH, CHANNELS], 1)
    const samples = nested(x.data, x.shape) as Image[][]
    const wanted = (): number[] => {
      const weight = (name: string) => {
        const { data, shape } = weights.get(`cell/${name}`) ?? { data: [], shape: [] }
        return nested(data, shape)
      }
      const [kernel, recurrent, bias] = ['kernel', 'recurrent_kernel', 'bias'].map(weight)
      const next = (image: Image, [h, c]: Image[]): Image[] => {
        const fromX = convolved(image, kernel, strides as number, padding === 'same')
        const fromH = convolved(h, recurrent, 1, true)
        const z = (i: number, j: number, k: number) => fromX[i][j][k] + fromH[i][j][k] + bias[k]
        const each = (f: (i: number, j: number, k: number) => number): Image =>
          h.map((row, i) => row.map((cell, j) => cell.map((_, k) => f(i, j, k))))
        const nextC = each(
          (i, j, k) =>
            sigmoid(z(i, j, FILTERS + k)) * c[i][j][k] +
            sigmoid(z(i, j, k)) * Math.tanh(z(i, j, 2 * FILTERS + k)),
        )
        return [each((i, j, k) => sigmoid(z(i, j, 3 * FILTERS + k)) * Math.tanh(nextC[i][j][k])), nextC]
      }
      return samples.flatMap((images, b) => {
        const blank = convolved(images[0], kernel, strides as number, padding === 'same').map((row) =>
          row.map(() => new Array<number>(FILTERS).fill(0)),
        )
        const { sequence, states } = walk(images, [blank, blank], next, {
          mask: masked ? MASK[b] : undefined,
          backwards: goBackwards,
        })
        return (returnSequences ? sequence : [states[0]]).flat(3)
      })
    }
    const y = predict(net, x)
    expectNear(y.data, wanted())

    const target = draw(y.shape, 3)
    const perStep = y.data.length / MASK.flat().length
    const weighs = (at: number) => {
      if (!masked || !returnSequences) return true
      const row = Math.floor(at / perStep)
      return MASK[Math.floor(row / 4)][goBackwards ? 3 - (row % 4) : row % 4] === 1
    }
    const loss = () => {
      const terms = wanted()
        .map((value, i) => (value - target.data[i]) ** 2)
        .filter((_, i) => weighs(i))
      return terms.reduce((a, b) => a + b, 0) / terms.length
    }
    const gradients = net.gradients(x as unknown as Data, target as unknown as Data)
    for (const [name, { data }] of weights) {
      const places = range(data.length).filter((i) => i % Math.ceil(data.length / 5) === 0)
      expectNear(
        places.map((i) => gradients[name].data[i]),
        places.map((i) => slope(loss, data, i)),
      )
    }
  })

  test('states in and out: two halves of a sequence are the whole', () => {
    const shape = [2, HEIGHT, WIDTH, CHANNELS]
    const [a, b] = ['a', 'b'].map((name) => input({ shape, name }))
    const layer = convLstm2d({ filters: FILTERS, kernelSize: 3, padding: 'same', returnState: true })
    const net = model({ inputs: [a, b], outputs: layer(b, ...layer(a).slice(1))[0] })
    const whole = sequential({
      inputShape: [4, HEIGHT, WIDTH, CHANNELS],
      layers: [convLstm2d({ filters: FILTERS, kernelSize: 3, padding: 'same' })],
    })
    whole.setWeights(net.getWeights())
    const x = draw([1, 4, HEIGHT, WIDTH, CHANNELS], 1)
    const half = x.data.length / 2
    const halves = [x.data.subarray(0, half), x.data.subarray(half)].map((part) =>
      tensor(part, [1, ...shape]),
    )
    expectNear(predict(net, halves).data, predict(whole, x).data)
  })

  test('inside bidirectional, saved and loaded', () => {
    const layer = convLstm2d({
      filters: FILTERS,
      kernelSize: [1, 3],
      padding: 'same',
      returnSequences: true,
      dropout: 0.25,
      useBias: false,
      recurrentActivation: 'hardSigmoid',
    })
    const net = sequential({ inputShape: [3, HEIGHT, WIDTH, CHANNELS], layers: [bidirectional({ layer })] })
    expect(net.layers[0].outputShape).toEqual([3, HEIGHT, WIDTH, 2 * FILTERS])
    const x = draw([2, 3, HEIGHT, WIDTH, CHANNELS], 1)
    expect(predict(load(net.save()) as Model<Symbolic>, x)).toEqual(predict(net, x))
  })

  test.each<[string, () => unknown]>([
    [
      'convLstm2d: filters must be a positive integer; got 0',
      () => convLstm2d({ filters: 0, kernelSize: 3 }),
    ],
    [
      'convLstm2d: goBackwards must be a boolean; got 1',
      () => convLstm2d({ filters: 1, kernelSize: 3, goBackwards: 1 as never }),
    ],
    [
      'layer c: expected an input [batch, steps, height, width, channels]; got [1,4,4,1]',
      () =>
        sequential({ inputShape: [4, 4, 1], layers: [convLstm2d({ filters: 1, kernelSize: 3, name: 'c' })] }),
    ],
    [
      'layer c: expected initial states of shape [1,2,2,1]; got [1,4,4,1]',
      () => {
        const x = input({ shape: [2, 4, 4, 1], name: 'x' })
        const h = input({ shape: [4, 4, 1], name: 'h' })
        return model({
          inputs: [x, h],
          outputs: convLstm2d({ filters: 1, kernelSize: 3, name: 'c' })(x, h, h),
        })
      },
    ],
  ])('refuses: %s', (message, call) => {
    refused(message, call)
  })
})
