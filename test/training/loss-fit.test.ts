// Which losses an output can take: every cell of the table in the docstring of `compile`, over every activation and every
// loss, and what lies between the activation and the loss.
import { describe, expect, test } from 'vitest'
import {
  type ActivationName,
  activation,
  add,
  average,
  batchNormalization,
  bidirectional,
  binaryCrossentropy,
  block,
  categoricalCrossentropy,
  concatenate,
  conv2d,
  customLayer,
  customLoss,
  dense,
  dropout,
  flatten,
  globalAveragePooling2d,
  gru,
  input,
  LanegradError,
  type Layer,
  type LossLike,
  load,
  lstm,
  maxPooling2d,
  model,
  multiHeadAttention,
  nonNeg,
  permute,
  prelu,
  reshape,
  separableConv2d,
  sequential,
  simpleRnn,
  sparseCategoricalCrossentropy,
  timeDistributed,
} from '../../src/index.ts'
import { refused } from '../support/refused.ts'

const own = customLoss('own', (g, truth, prediction) => g.unary('abs', g.minus(truth, prediction)))

const columns: readonly (readonly LossLike[])[] = [
  ['meanSquaredError', 'meanAbsoluteError', 'huber', 'logCosh', 'cosineSimilarity', 'categoricalHinge', own],
  ['hinge', 'squaredHinge'],
  ['binaryCrossentropy'],
  [binaryCrossentropy({ fromLogits: true })],
  ['categoricalCrossentropy', 'sparseCategoricalCrossentropy'],
  [categoricalCrossentropy({ fromLogits: true }), sparseCategoricalCrossentropy({ fromLogits: true })],
  ['klDivergence'],
  ['poisson'],
]

/** Outputs of several units, by the columns above: . fine, x refused. */
const rows: readonly [string, readonly ActivationName[]][] = [
  [
    '..x.x.xx',
    ['linear', 'leakyRelu', 'elu', 'celu', 'selu', 'gelu', 'geluTanh', 'silu', 'swish', 'hardSwish', 'mish'],
  ],
  ['..x.x.xx', ['tanh', 'softsign', 'hardTanh']],
  ['.xxxx.x.', ['relu', 'relu6', 'square']],
  ['.xxx..x.', ['softplus', 'exponential']],
  ['.x.xxxx.', ['sigmoid', 'hardSigmoid']],
  ['.x.x.x..', ['softmax']],
  ['.xxxx.xx', ['logSigmoid', 'logSoftmax']],
]

const nameOf = (loss: LossLike): string => (typeof loss === 'string' ? loss : loss.kind)

const messageOf = (call: () => unknown): string | null => {
  try {
    call()
  } catch (error) {
    expect(error).toBeInstanceOf(LanegradError)
    return (error as Error).message
  }
  return null
}

const cells = rows.flatMap(([marks, names]) =>
  names.flatMap((name) =>
    columns.flatMap((losses, i) => losses.map((loss) => [name, loss, marks[i] === 'x', i] as const)),
  ),
)

const labels = (loss: LossLike) => nameOf(loss).startsWith('sparse')

describe('several units', () => {
  test('the table has every activation', () => {
    const known = messageOf(() => dense({ units: 1, activation: '' as 'relu' }))
      ?.split('Known: ')[1]
      .split(', ')
    expect(rows.flatMap(([, names]) => names).sort()).toEqual(known?.sort())
  })

  test('and every loss', () => {
    const net = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
    const known = messageOf(() => net.compile({ loss: '' as 'mse' }))
      ?.split('Known: ')[1]
      .split(', ')
    const aliases = ['mse', 'mae', 'bce', 'own']
    const all = new Set([...columns.flat().map(nameOf), ...aliases, ...(known ?? [])])
    expect([...all].sort()).toEqual([...new Set([...(known ?? []), 'own'])].sort())
    for (const name of known ?? [])
      if (!aliases.includes(name)) expect(columns.flat().map(nameOf)).toContain(name)
  })

  test.each(cells)('%s with %o: refused %s', async (name, loss, isRefused, column) => {
    const layers = [dense({ units: 3, activation: name, name: 'last' })]
    const net = sequential({ inputShape: [2], layers, seed: 1 })
    const message = messageOf(() => net.compile({ loss, optimizer: 'sgd' }))
    if (!isRefused) {
      expect(message).toBeNull()
      // fine means that it trains: the loss is a number, and a cross-entropy isn't below 0
      const y = labels(loss)
        ? [0, 2]
        : [
            [0, 1, 0],
            [0, 0, 1],
          ]
      const x = [
        [1, -2],
        [-1, 0.5],
      ]
      for (let step = 0; step < 3; step++) net.trainStep(x, y)
      const value = net.trainStep(x, y).loss
      expect(Number.isFinite(value)).toBe(true)
      if (column >= 2 && column <= 5) expect(value).toBeGreaterThanOrEqual(0)
      return
    }
    expect(message).toContain(`output last: ${nameOf(loss)} needs `)
    expect(message).toContain('layer last gives ')
    // the ways out lead out
    const wanted = /activation '(\w+)'/.exec(message ?? '')?.[1] as ActivationName
    const mended = sequential({ inputShape: [2], layers: [dense({ units: 3, activation: wanted })] })
    const fromLogits = typeof loss === 'object' && loss.fromLogits
    mended.compile({ loss: fromLogits ? (nameOf(loss) as LossLike) : loss })
    if (/fromLogits: true|use no activation/.test(message ?? '')) {
      const entropy = /Crossentropy/.test(nameOf(loss)) ? nameOf(loss) : 'categoricalCrossentropy'
      const raw = { binaryCrossentropy, categoricalCrossentropy, sparseCategoricalCrossentropy }[entropy]
      sequential({ inputShape: [2], layers: [dense({ units: 3 })] }).compile({
        loss: raw?.({ fromLogits: true }) as LossLike,
      })
    } else expect(message).toMatch(/activation 'tanh' or none|'softplus' or 'exponential'/)
  })
})

describe('one unit', () => {
  const net = (name: ActivationName) =>
    sequential({ inputShape: [2], layers: [dense({ units: 1, activation: name, name: 'last' })] })

  test.each(columns.flat())('softmax is always 1, with %o', (loss) => {
    const message =
      labels(loss) || nameOf(loss) === 'categoricalCrossentropy'
        ? /needs two classes or more/
        : /^output last: softmax of one unit is always 1; .*'sigmoid'/
    refused(message, () => net('softmax').compile({ loss }))
  })

  test.each(rows.flatMap(([, names]) => names).filter((name) => name !== 'softmax'))('%s', (name) => {
    refused(/needs two classes or more.*binaryCrossentropy/, () =>
      net(name).compile({ loss: 'sparseCategoricalCrossentropy' }),
    )
    refused(/^output last: klDivergence compares rows/, () => net(name).compile({ loss: 'klDivergence' }))
    refused(/^output last: cosineSimilarity compares rows/, () =>
      net(name).compile({ loss: 'cosineSimilarity' }),
    )
    const marks = rows.find(([, names]) => names.includes(name))?.[0] as string
    for (const [i, loss] of [
      [1, 'hinge'],
      [2, 'binaryCrossentropy'],
      [3, binaryCrossentropy({ fromLogits: true })],
      [7, 'poisson'],
    ] as const)
      expect(messageOf(() => net(name).compile({ loss })) !== null).toBe(marks[i] === 'x')
    net(name).compile({ loss: 'mse' })
  })
})

const image = (...layers: Layer[]) => sequential({ inputShape: [4, 4, 1], layers })
const chain = (...layers: Layer[]) => sequential({ inputShape: [6], layers })
const steps = (...layers: Layer[]) => sequential({ inputShape: [4, 3], layers })
const sparse = 'sparseCategoricalCrossentropy'
const logits = sparseCategoricalCrossentropy({ fromLogits: true })
const softmax = () => activation({ activation: 'softmax' })

describe('what tells the numbers of an output', () => {
  test.each([
    ['raw dense', chain(dense({ units: 3 })), 'dense_1'],
    ['without a bias', chain(dense({ units: 3, useBias: false })), 'dense_1'],
    ['reshaped', chain(dense({ units: 6, name: 'last' }), reshape({ targetShape: [2, 3] })), 'last'],
    ['flattened', image(conv2d({ filters: 3, kernelSize: 4, name: 'last' }), flatten()), 'last'],
    [
      'permuted',
      chain(dense({ units: 6, name: 'last' }), reshape({ targetShape: [2, 3] }), permute({ dims: [2, 1] })),
      'last',
    ],
    ['behind dropout', chain(dense({ units: 3 }), dropout({ rate: 0.5 })), 'dense_1'],
    ['pooled', image(conv2d({ filters: 3, kernelSize: 1, name: 'last' }), globalAveragePooling2d()), 'last'],
    [
      'the largest',
      image(conv2d({ filters: 3, kernelSize: 1, name: 'last' }), maxPooling2d({ poolSize: 4 }), flatten()),
      'last',
    ],
    ['separable', image(separableConv2d({ filters: 3, kernelSize: 4, name: 'last' }), flatten()), 'last'],
    ['normalized', chain(dense({ units: 3 }), batchNormalization({ name: 'last' })), 'last'],
    ['prelu', chain(dense({ units: 3 }), prelu({ name: 'last' })), 'last'],
    ['lstm', steps(lstm({ units: 3 })), 'lstm_1'],
    ['gru', steps(gru({ units: 3, returnSequences: true })), 'gru_1'],
    ['bidirectional', steps(bidirectional({ layer: lstm({ units: 3 }), name: 'last' })), 'last'],
    ['at every step', steps(timeDistributed({ layer: dense({ units: 3 }), name: 'last' })), 'last'],
    ['attention', steps(multiHeadAttention({ numHeads: 1, keyDim: 2, name: 'last' })), 'last'],
    ['in a block', chain(block({ layers: [dense({ units: 3 })], name: 'last' })), 'last'],
    [
      'an activation layer',
      chain(dense({ units: 3 }), activation({ activation: 'relu', name: 'last' })),
      'last',
    ],
  ])('%s', (_, net, layer) => {
    const text = `layer ${layer} gives `
    expect(messageOf(() => net.compile({ loss: sparse }))).toContain(text)
    net.compile({ loss: logits })
  })

  test('a sum of raw outputs, and several outputs by name', () => {
    const x = input({ shape: [3] })
    const sum = add({ name: 'sum' })(dense({ units: 3, name: 'a' })(x), dense({ units: 3 })(x))
    refused(/^output sum: .* layer a gives any number/, () =>
      model({ inputs: x, outputs: sum }).compile({ loss: sparse }),
    )
    const two = model({
      inputs: x,
      outputs: { kind: dense({ units: 3, activation: 'softmax' })(x), size: sum },
    })
    refused(
      /^output size: categoricalCrossentropy needs/,
      () => two.compile({ loss: { kind: sparse, size: 'categoricalCrossentropy' } }),
      two,
    )
    two.compile({ loss: { kind: sparse, size: 'mse' } })
  })

  test.each([
    ['an activation layer', chain(dense({ units: 3 }), softmax())],
    ['flattened', image(conv2d({ filters: 3, kernelSize: 4, activation: 'softmax' }), flatten())],
    [
      'reshaped, rows kept',
      chain(
        dense({ units: 6 }),
        reshape({ targetShape: [2, 3] }),
        softmax(),
        reshape({ targetShape: [1, 2, 3] }),
      ),
    ],
    [
      'over another axis',
      chain(dense({ units: 6 }), reshape({ targetShape: [2, 3] }), softmax(), permute({ dims: [2, 1] })),
    ],
    ['in another shape', chain(dense({ units: 4, activation: 'softmax' }), reshape({ targetShape: [2, 2] }))],
    ['dropped from', chain(dense({ units: 3, activation: 'softmax' }), dropout({ rate: 0.1 }))],
    ['pooled', image(conv2d({ filters: 3, kernelSize: 1, activation: 'softmax' }), globalAveragePooling2d())],
  ])('softmax: %s', (_, net) => {
    net.compile({ loss: sparse })
    refused(
      /^output \w+: sparseCategoricalCrossentropy needs logits, but layer \w+ gives numbers from 0 to 1/,
      () => net.compile({ loss: logits }),
    )
  })

  test('softmaxes side by side', () => {
    const x = input({ shape: [3] })
    const half = () => dense({ units: 2, activation: 'softmax' })(x)
    const net = model({ inputs: x, outputs: concatenate()(half(), half()) })
    net.compile({ loss: 'categoricalCrossentropy' })
    net.compile({ loss: 'binaryCrossentropy' })
    refused(/needs logits/, () => net.compile({ loss: categoricalCrossentropy({ fromLogits: true }) }))
  })

  test('simpleRnn by its activation', () => {
    const net = (name: 'relu' | 'sigmoid') => steps(simpleRnn({ units: 2, activation: name }))
    net('sigmoid').compile({ loss: 'binaryCrossentropy' })
    refused(/numbers from 0 up/, () => net('relu').compile({ loss: 'binaryCrossentropy' }))
    net('relu').compile({ loss: 'poisson' })
  })
})

describe('what is not known is not refused', () => {
  const raw = customLayer({
    kind: 'raw',
    build: ({ g, weight }, [x]) => g.matmul(x, weight('kernel', [x.shape[1], 3])),
  })
  const x = input({ shape: [3] })
  const soft = () => dense({ units: 3, activation: 'softmax' })(x)

  test.each([
    ['a layer of one’s own', chain(raw())],
    ['in a block', chain(block({ layers: [raw()] }))],
    ['the input itself', sequential({ inputShape: [3], layers: [activation({ activation: 'linear' })] })],
    ['an average of softmaxes', model({ inputs: x, outputs: average()(soft(), soft()) })],
    ['a frozen layer', chain(dense({ units: 3, trainable: false }))],
  ])('%s', (_, net) => {
    for (const loss of [...columns.flat()]) net.compile({ loss })
  })

  test('a layer behind one of one’s own is known again', () => {
    refused(/any number/, () => chain(raw(), dense({ units: 3 })).compile({ loss: sparse }))
  })

  test('Poisson regression with weights from 0 up', () => {
    const layers = [dense({ units: 1, useBias: false, kernelConstraint: nonNeg() })]
    sequential({ inputShape: [2], layers }).compile({ loss: 'poisson' })
  })
})

test('a file that holds such a loss still loads', () => {
  const net = chain(dense({ units: 3, trainable: false }))
    .compile({ loss: sparse })
    .setTrainable(() => true)
  const again = load(net.save())
  expect(again.predict([[1, 2, 3, 4, 5, 6]])).toEqual(net.predict([[1, 2, 3, 4, 5, 6]]))
  refused(/any number/, () => again.compile({ loss: sparse }))
})
