// simpleRnn, lstm and gru beyond the golden cases: masks, initial and returned states, both directions, dropout, first
// weights, and what is refused. Expectations: a float64 walk over the steps of each sample (reference/recurrent.ts)
// and central differences of it.
import { describe, expect, test } from 'vitest'
import { freeze } from '../../src/freeze/index.ts'
import {
  bidirectional,
  convLstm1d,
  customLayer,
  dense,
  type FloatArray,
  glorotNormal,
  gru,
  input,
  type Layer,
  load,
  lstm,
  masking,
  model,
  nonNeg,
  orthogonal,
  reshape,
  type Symbolic,
  sequential,
  simpleRnn,
  tensor,
} from '../../src/index.ts'
import { profile } from '../../src/inspect/index.ts'
import { uniform } from '../../src/numerics/random.ts'
import { open } from '../../src/run/index.ts'
import { all } from '../../src/run/modules.ts'
import { workers } from '../../src/threads/index.ts'
import {
  type Functions,
  type Kind,
  type Matrix,
  nested,
  slope,
  step,
  type Walk,
  walk,
} from '../reference/recurrent.ts'
import { refused } from '../support/refused.ts'

const [BATCH, STEPS, FEATURES, UNITS] = [4, 5, 2, 3]
const MASKED = 0.25
/** Gaps at the front, inside and at the end; none; nothing else. */
const MASK = [
  [0, 1, 1, 0, 1],
  [1, 1, 1, 0, 0],
  [1, 1, 1, 1, 1],
  [0, 0, 0, 0, 0],
]

interface Form {
  readonly masked?: boolean
  readonly initial?: boolean
  readonly goBackwards?: boolean
  readonly returnSequences?: boolean
}

const hardSigmoid = (x: number) => Math.min(Math.max(x / 6 + 0.5, 0), 1)

type Row = readonly [
  make: (options: never) => unknown,
  own: object,
  states: number,
  cell: Kind,
  functions?: Functions,
]
/** The four cells whole, and step by step with other functions. */
const kinds: Readonly<Record<string, Row>> = {
  simpleRnn: [simpleRnn, {}, 1, 'simpleRnn'],
  lstm: [lstm, {}, 2, 'lstm'],
  gru: [gru, {}, 1, 'gru'],
  gruBefore: [gru, { resetAfter: false }, 1, 'gruBefore'],
  'simpleRnn softsign': [
    simpleRnn,
    { activation: 'softsign' },
    1,
    'simpleRnn',
    { activation: (x) => x / (1 + Math.abs(x)) },
  ],
  'lstm hardSigmoid as in TensorFlow.js': [
    lstm,
    { recurrentActivation: { name: 'hardSigmoid', alpha: 0.2 } },
    2,
    'lstm',
    { recurrentActivation: (x) => Math.min(Math.max(0.2 * x + 0.5, 0), 1) },
  ],
  'lstm softplus': [
    lstm,
    { activation: 'softplus' },
    2,
    'lstm',
    { activation: (x) => Math.log1p(Math.exp(x)) },
  ],
  'gru elu, hardSigmoid': [
    gru,
    { activation: 'elu', recurrentActivation: 'hardSigmoid' },
    1,
    'gru',
    { activation: (x) => (x > 0 ? x : Math.expm1(x)), recurrentActivation: hardSigmoid },
  ],
  'gruBefore hardSigmoid': [
    gru,
    { resetAfter: false, recurrentActivation: 'hardSigmoid' },
    1,
    'gruBefore',
    { recurrentActivation: hardSigmoid },
  ],
}
const kindNames = Object.keys(kinds)
const isWhole = (kind: string) => !kind.includes(' ')

const forms: readonly Form[] = [
  { returnSequences: true },
  { initial: true },
  { goBackwards: true, returnSequences: true },
  { masked: true },
  { masked: true, initial: true, returnSequences: true },
  { masked: true, initial: true, goBackwards: true, returnSequences: true },
]
const textOf = (form: Form) => Object.keys(form).join(', ')

const draw = (count: number, stream: number): Float32Array => {
  const out = new Float32Array(count)
  uniform(out, 11, stream, -1, 1)
  return out
}

/** A layer that gives y and its last states, with inputs and targets, and its loss in float64 from all of them. */
function setUp(
  kind: string,
  { masked = false, initial = false, goBackwards = false, returnSequences = false }: Form,
) {
  const [make, own, states, cell, functions] = kinds[kind]
  const options = { units: UNITS, name: 'rnn', returnState: true, goBackwards, returnSequences, ...own }
  const layer = make(options as never) as Layer<readonly Symbolic[]>
  const x = input({ shape: [STEPS, FEATURES], name: 'x' })
  const given = Array.from({ length: initial ? states : 0 }, (_, i) =>
    input({ shape: [UNITS], name: `s${i}` }),
  )
  const outputs = layer(masked ? masking({ maskValue: MASKED })(x) : x, ...given)
  const net = model({ inputs: [x, ...given], outputs })
  net.compile({ loss: 'meanSquaredError' })

  const xs = draw(BATCH * STEPS * FEATURES, 1)
  if (masked) {
    MASK.flat().forEach((counts, at) => {
      if (!counts) xs.fill(MASKED, at * FEATURES, (at + 1) * FEATURES)
    })
  }
  const shapes = [[BATCH, STEPS, FEATURES], ...given.map(() => [BATCH, UNITS])]
  const inputs = [xs, ...given.map((_, i) => draw(BATCH * UNITS, 2 + i))]
  const yShape = returnSequences ? [BATCH, STEPS, UNITS] : [BATCH, UNITS]
  const targetShapes = [yShape, ...Array.from({ length: states }, () => [BATCH, UNITS])]
  const targets = targetShapes.map((shape, i) =>
    draw(
      shape.reduce((a, b) => a * b),
      5 + i,
    ),
  )
  net.setWeights(
    Object.fromEntries(
      Object.entries(net.getWeights()).map(([name, { data, shape }], i) => [
        name,
        tensor(draw(data.length, 9 + i), shape),
      ]),
    ),
  )
  // float64 copies, which the differences move
  const weights = new Map(
    Object.entries(net.getWeights()).map(([name, { data, shape }]) => [
      name.slice('rnn/'.length),
      { shape, data: Float64Array.from(data) },
    ]),
  )
  const moving = inputs.map((data) => Float64Array.from(data))

  const walks = (): Walk<readonly number[]>[] => {
    const matrix = (name: string): Matrix => {
      const { shape, data } = weights.get(name) ?? { shape: [], data: [] }
      return nested(data, shape.length === 1 ? [1, ...shape] : shape)
    }
    const own = { kernel: matrix('kernel'), recurrent: matrix('recurrent_kernel'), bias: matrix('bias') }
    const [samples, ...first] = moving.map((data, i) => nested(data, shapes[i]))
    return range(BATCH).map((b) => {
      const zero = range(states).map(() => new Array<number>(UNITS).fill(0))
      return walk<readonly number[], readonly number[]>(
        samples[b],
        initial ? first.map((state) => state[b]) : zero,
        (row, before) => step(cell, own, row, before, functions),
        { mask: masked ? MASK[b] : undefined, backwards: goBackwards },
      )
    })
  }
  const wanted = (): number[][] => {
    const all = walks()
    const y = all.map(({ sequence, states: [h] }) => (returnSequences ? sequence : h))
    return [y, ...range(states).map((i) => all.map((one) => one.states[i]))].map(
      (values) => (values as unknown[]).flat(3) as number[],
    )
  }
  // masked steps of a sequence don't count, and the mean is over the others
  const weighs = (b: number, s: number) => !masked || MASK[b][goBackwards ? STEPS - 1 - s : s]
  const loss = () =>
    wanted().reduce((sum, values, i) => {
      const counting = values
        .map((value, at) => (value - targets[i][at]) ** 2)
        .filter((_, at) => {
          const row = Math.floor(at / UNITS)
          return i > 0 || !returnSequences || weighs(Math.floor(row / STEPS), row % STEPS)
        })
      return sum + counting.reduce((a, b) => a + b, 0) / counting.length
    }, 0)
  const data = inputs.map((values, i) => tensor(values, shapes[i]))
  const y = targets.map((values, i) => tensor(values, targetShapes[i]))
  return { net, data, y, wanted, loss, weights, moving }
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i)

function expectNear(got: ArrayLike<number>, want: ArrayLike<number>, what: string): void {
  expect(got.length, what).toBe(want.length)
  const worst = Math.max(...Array.from(want, (value, i) => Math.abs(got[i] - value)))
  expect(worst, what).toBeLessThan(3e-6)
}

describe.each(kindNames)('%s', (kind) => {
  test.each(forms.map((form) => [textOf(form), form] as const))('outputs and states: %s', (_, form) => {
    const { net, data, wanted } = setUp(kind, form)
    const got = net.predict(data) as unknown as FloatArray[]
    wanted().forEach((values, i) => {
      expectNear(got[i].data, values, `output ${i}`)
    })
  })

  test.each(forms.map((form) => [textOf(form), form] as const))('loss and gradients: %s', async (_, form) => {
    const { net, data, y, loss, weights, moving } = setUp(kind, form)
    const logs = (await net.evaluate(data, y)) as Record<string, number>
    expect(logs.loss).toBeCloseTo(loss(), 5)
    const gradients = net.gradients(data, y, { inputs: true })
    const check = (got: ArrayLike<number>, values: Float64Array, what: string) => {
      const places = range(values.length).filter((at) => at % 3 === values.length % 3)
      const slopes = places.map((at) => slope(loss, values, at))
      expectNear(
        places.map((at) => got[at]),
        slopes,
        what,
      )
    }
    for (const [name, { data }] of weights) check(gradients[`rnn/${name}`].data, data, name)
    moving.forEach((values, i) => {
      check(gradients[i === 0 ? 'x' : `s${i - 1}`].data, values, `input ${i}`)
    })
  })

  test('unread outputs take no part: y alone, the last state alone', () => {
    const { net, data, y, weights } = setUp(kind, { initial: true })
    const whole = (lossWeights: number[]) => {
      net.compile({ loss: 'meanSquaredError', lossWeights: named(lossWeights) })
      return net.gradients(data, y)
    }
    const states = y.length - 1
    const apart = [0, ...range(states).map((i) => i + 1)].map((i) =>
      whole(range(states + 1).map((j) => Number(i === j))),
    )
    const together = whole(new Array(states + 1).fill(1))
    for (const [name] of weights) {
      const sums = Array.from(together[`rnn/${name}`].data, (_, i) =>
        apart.reduce((sum, one) => sum + one[`rnn/${name}`].data[i], 0),
      )
      expectNear(together[`rnn/${name}`].data, sums, name)
    }
  })

  test('saved and loaded, the same bits', () => {
    const [make, own] = kinds[kind]
    const options = {
      units: 3,
      goBackwards: true,
      returnSequences: true,
      dropout: 0.5,
      useBias: false,
      recurrentInitializer: glorotNormal(),
      recurrentRegularizer: { l2: 0.1 },
      kernelConstraint: nonNeg(),
      ...own,
    }
    const net = sequential({
      inputShape: [null, 2],
      layers: [make(options as never) as Layer, dense({ units: 1 })],
    })
    const x = tensor(draw(12, 1), [2, 3, 2])
    const again = load(net.save())
    expect(again.predict(x)).toEqual(net.predict(x))
    expect(again.save()).toEqual(net.save())
  })
})

test.each(kindNames.filter(isWhole))('%s: any number of steps, in as many instructions', (kind) => {
  const [make, own] = kinds[kind]
  const layer = () => make({ units: 3, ...own } as never) as Layer
  const net = sequential({ inputShape: [null, 2], layers: [layer()] }).compile({ loss: 'mse' })
  const rowsOf = (steps: number) =>
    profile(net, tensor(draw(2 * steps * 2, 1), [2, steps, 2]), draw(6, 2)).length
  expect(rowsOf(100)).toBe(rowsOf(50))
  expect(rowsOf(2)).toBeLessThanOrEqual(rowsOf(50)) // of few rows a product adds up columns as well
  expect(rowsOf(50)).toBeLessThan(40)
})

/** Weights of losses by the names of the outputs. */
function named(weights: readonly number[]) {
  return Object.fromEntries(weights.map((weight, i) => [i === 0 ? 'rnn' : `rnn:${i}`, weight]))
}

describe('weights', () => {
  test('lstm: the forget gate starts at 1, the recurrent kernel is orthogonal', () => {
    const net = sequential({ inputShape: [2, 3], layers: [lstm({ units: 4, name: 'a' })] })
    const { 'a/bias': bias, 'a/recurrent_kernel': recurrent, 'a/kernel': kernel } = net.getWeights()
    expect([...bias.data]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    expect([kernel.shape, recurrent.shape]).toEqual([
      [3, 16],
      [4, 16],
    ])
    const rows = nested(recurrent.data, [4, 16]) as number[][]
    rows.forEach((a, i) => {
      rows.forEach((b, j) => {
        expect(a.reduce((sum, value, k) => sum + value * b[k], 0)).toBeCloseTo(Number(i === j), 6)
      })
    })
  })

  test('lstm: without unitForgetBias, or with an initializer of its own', () => {
    const biasOf = (options: object) =>
      sequential({ inputShape: [2, 3], layers: [lstm({ units: 1, name: 'a', ...options })] }).getWeights()[
        'a/bias'
      ]
    expect([...biasOf({ unitForgetBias: false }).data]).toEqual([0, 0, 0, 0])
    expect([...biasOf({ biasInitializer: 'ones' }).data]).toEqual([1, 1, 1, 1])
    expect([...biasOf({}).data]).toEqual([0, 1, 0, 0])
  })
})

describe('dropout', () => {
  // y = x, dropped: kernel 1, recurrent kernel 0
  const net = sequential({
    inputShape: [3, 8],
    layers: [
      simpleRnn({
        units: 8,
        activation: 'linear',
        returnSequences: true,
        dropout: 0.5,
        kernelInitializer: orthogonal(),
        recurrentInitializer: 'zeros',
        name: 'rnn',
      }),
    ],
  })
  net.setWeights({
    'rnn/kernel': tensor(
      Float32Array.from({ length: 64 }, (_, i) => Number(i % 9 === 0)),
      [8, 8],
    ),
  })
  const x = tensor(new Float32Array(48).fill(1), [2, 3, 8])

  test('the same features at all steps of a sequence, others in another; the rest doubled', () => {
    const { data } = net.predict(x, { training: true }) as FloatArray
    const [a, b] = nested(data, [2, 3, 8]) as number[][][]
    expect(a[1]).toEqual(a[0])
    expect(a[2]).toEqual(a[0])
    expect(b[2]).toEqual(b[0])
    expect(a[0]).not.toEqual(b[0])
    expect([...new Set([...a[0], ...b[0]])].sort()).toEqual([0, 2])
  })

  test('none in inference', () => {
    expect((net.predict(x) as FloatArray).data).toEqual(x.data)
  })
})

describe('recurrent dropout', () => {
  const [batch, steps] = [3, 4]
  const x = tensor(draw(batch * steps * FEATURES, 1), [batch, steps, FEATURES])
  const RATE = 0.5
  /** The factors of h that a layer named rnn draws in the first prediction as in training: h after two steps. */
  const factors = (): number[][] => {
    const net = sequential({
      inputShape: [2, 1],
      layers: [
        simpleRnn({
          units: UNITS,
          activation: 'linear',
          recurrentDropout: RATE,
          useBias: false,
          name: 'rnn',
        }),
      ],
    })
    const one = Array.from({ length: UNITS }, (_, i) => range(UNITS).map((j) => Number(i === j)))
    net.setWeights({ 'rnn/kernel': [[1, 1, 1]], 'rnn/recurrent_kernel': one })
    const first = tensor(
      Float32Array.from({ length: batch * 2 }, (_, i) => 1 - (i % 2)),
      [batch, 2, 1],
    )
    return nested(net.predict(first, { training: true }).data, [batch, UNITS])
  }

  test.each(kindNames.filter((kind) => isWhole(kind) || kind.includes('hardSigmoid')))('%s', (kind) => {
    const [make, own, states, cell, functions] = kinds[kind]
    const layer = make({ units: UNITS, recurrentDropout: RATE, name: 'rnn', ...own } as never) as Layer
    const net = sequential({ inputShape: [steps, FEATURES], layers: [layer] })
    const drawn = Object.entries(net.getWeights()).map(([name, { data, shape }], i) => [
      name,
      tensor(draw(data.length, 9 + i), shape),
    ])
    net.setWeights(Object.fromEntries(drawn))
    const matrix = (name: string): Matrix => {
      const { shape, data } = net.getWeights()[`rnn/${name}`]
      return nested(data, shape.length === 1 ? [1, ...shape] : shape)
    }
    const weights = { kernel: matrix('kernel'), recurrent: matrix('recurrent_kernel'), bias: matrix('bias') }
    const samples = nested(x.data, [...x.shape]) as number[][][]
    const zero = range(states).map(() => new Array<number>(UNITS).fill(0))
    const wanted = (of: (b: number) => readonly number[] | undefined) =>
      samples.flatMap(
        (sample, b) =>
          walk<readonly number[], readonly number[]>(sample, zero, (row, before) =>
            step(cell, weights, row, before, functions, of(b)),
          ).states[0],
      )
    const drops = factors()
    expect([...new Set(drops.flat())].sort()).toEqual([0, 2])
    expectNear(
      net.predict(x, { training: true }).data,
      wanted((b) => drops[b]),
      'in training',
    )
    expectNear(
      net.predict(x).data,
      wanted(() => undefined),
      'in inference',
    )
  })
})

test('step by step: the same bits on two threads and frozen', () => {
  const gates = { recurrentActivation: 'hardSigmoid', recurrentDropout: 0.25, returnSequences: true } as const
  const net = (options: { readonly threads?: ReturnType<typeof workers> } = {}) =>
    sequential({
      inputShape: [5, 6, 2],
      layers: [
        masking(),
        convLstm1d({ filters: 3, kernelSize: 3, recurrentDropout: 0.25, returnSequences: true }),
        reshape({ targetShape: [5, 12] }),
        bidirectional({ layer: lstm({ units: 32, ...gates }) }),
        gru({ units: 32, activation: 'softsign', ...gates, returnSequences: false }),
        dense({ units: 2 }),
      ],
      ...options,
    }).compile({ optimizer: 'adam', loss: 'mse' })
  const [one, two] = [net(), net({ threads: workers(2) })]
  const frozen = open(freeze(one, { train: [32], predict: [32] }), { modules: all })
  const [x, y] = [draw(32 * 60, 1), draw(64, 2)]
  x.fill(0, 36, 60)
  for (let s = 0; s < 3; s++) {
    const logs = one.trainStep(x, y)
    expect(two.trainStep(x, y)).toEqual(logs)
    expect(frozen.trainStep(x, y)).toEqual(logs)
  }
  const { data } = one.predict(x)
  expect(two.predict(x).data).toEqual(data)
  expect((frozen.predict(x) as FloatArray).data).toEqual(data)
  two.dispose()
})

describe('activations of simpleRnn', () => {
  test.each([
    ['relu', (x: number) => Math.max(0, x)],
    ['sigmoid', (x: number) => 1 / (1 + Math.exp(-x))],
    ['linear', (x: number) => x],
  ] as const)('%s', (activation, f) => {
    const net = sequential({ inputShape: [2, 1], layers: [simpleRnn({ units: 1, activation, name: 'r' })] })
    net.setWeights({ 'r/kernel': [[0.5]], 'r/recurrent_kernel': [[-1]], 'r/bias': [0.25] })
    const { data } = net.predict(tensor(Float32Array.of(2, 1, -3, 1), [2, 2, 1])) as FloatArray
    expectNear(data, [f(0.75 - f(1.25)), f(0.75 - f(-1.25))], activation)
  })
})

describe('refused', () => {
  const x = input({ shape: [4, 2], name: 'x' })
  const shortMask = customLayer({
    kind: 'shortMask',
    build({ g, setMask }, [value]) {
      const y = g.scale(value, 2)
      setMask(y, g.constant(new Float32Array(3).fill(1), [value.shape[0], 3]))
      return y
    },
  })
  const positive = 'must be a positive integer'
  test.each<[string | RegExp, () => unknown]>([
    [`lstm: units ${positive}; got 0`, () => lstm({ units: 0 })],
    [`gru: units ${positive}; got undefined`, () => gru({} as never)],
    [
      /^lstm: unknown activation "rleu"; did you mean "relu"\?/,
      () => lstm({ units: 1, activation: 'rleu' as never }),
    ],
    [
      /^gru: unknown recurrentActivation "hardSigmoidd"; did you mean "hardSigmoid"\?/,
      () => gru({ units: 1, recurrentActivation: 'hardSigmoidd' as never }),
    ],
    [
      'lstm: recurrentDropout must be a number >= 0 and < 1; got 1',
      () => lstm({ units: 1, recurrentDropout: 1 }),
    ],
    ['lstm: dropout must be a number >= 0 and < 1; got 1', () => lstm({ units: 1, dropout: 1 })],
    ['gru: resetAfter must be a boolean; got 1', () => gru({ units: 1, resetAfter: 1 as never })],
    [
      'layer a: expected an input [batch, steps, features]; got [1,2]',
      () => sequential({ inputShape: [2], layers: [lstm({ units: 1, name: 'a' })] }),
    ],
    [
      'layer a: expected one input or 3 (with the initial states); got 2',
      () => model({ inputs: x, outputs: lstm({ units: 2, name: 'a' })(x, dense({ units: 2 })(x)) }),
    ],
    [
      'layer a: expected initial states of shape [1,3]; got [1,2]',
      () => {
        const h = input({ shape: [2], name: 'h' })
        return model({ inputs: [x, h], outputs: gru({ units: 3, name: 'a' })(x, h) })
      },
    ],
    [
      'layer a: expected a mask of shape [1,4]; got [1,3]',
      () => model({ inputs: x, outputs: simpleRnn({ units: 1, name: 'a' })(shortMask()(x)) }),
    ],
  ])('%s', (message, call) => {
    refused(message, call)
  })

  test('an option of another layer', () => {
    refused(/^unknown simpleRnn option "resetAfter"/, () =>
      simpleRnn({ units: 1, resetAfter: true } as never),
    )
    refused(/^gru: unknown biasInitializer "unitForgetBias"/, () =>
      gru({ units: 1, biasInitializer: 'unitForgetBias' as never }),
    )
    refused(/^unknown gru option "unitForgetBias"/, () => gru({ units: 1, unitForgetBias: true } as never))
  })

  test('a sequence of no steps', () => {
    const net = sequential({ inputShape: [null, 2], layers: [lstm({ units: 1 })] })
    refused('layer lstm_1: expected one step or more; got [2,0,2]', () =>
      net.predict(tensor(new Float32Array(0), [2, 0, 2])),
    )
  })
})
