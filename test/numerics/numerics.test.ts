// Exact functions against Math.* (float64) and 40-digit arithmetic rounded to 17 digits; errors; tensor().
// Never expects a value that the library itself computed.

import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkOptions,
  LanegradError,
  must,
  oneOf,
  orNull,
  POSITIVE_INTEGER,
  readOptions,
  show,
  unknownName,
} from '../../src/numerics/errors.ts'
import { cos, exp, log, pow, sin } from '../../src/numerics/exact.ts'
import { elementCount, tensor } from '../../src/numerics/tensor.ts'

/** Distance in ulp of the expected value. */
function ulps(got: number, want: number): number {
  if (Object.is(got, want) || got === want) return 0
  if (!Number.isFinite(got) || !Number.isFinite(want)) return Infinity
  const bits = new DataView(new ArrayBuffer(8))
  bits.setFloat64(0, Math.abs(want))
  const below = bits.getFloat64(0)
  bits.setBigInt64(0, bits.getBigInt64(0) + 1n)
  return Math.abs(got - want) / (bits.getFloat64(0) - below)
}

function worst(
  from: number,
  to: number,
  count: number,
  ours: (x: number) => number,
  theirs: (x: number) => number,
) {
  let most = 0
  for (let i = 0; i <= count; i++) {
    const x = from + ((to - from) * i) / count
    most = Math.max(most, ulps(ours(x), theirs(x)))
  }
  return most
}

describe('exact functions', () => {
  // x, value to 17 digits
  const published: [string, (x: number) => number, [number, number][]][] = [
    [
      'exp',
      exp,
      [
        [1.5, 4.4816890703380645],
        [-1, 0.36787944117144233],
        [0.5, 1.6487212707001282],
        [10, 22026.465794806718],
        [-20.25, 1.6052280551856116e-9],
        [700, 1.0142320547350045e304],
        [-700.5, 5.980196118639791e-305],
      ],
    ],
    [
      'log',
      log,
      [
        [3, 1.0986122886681098],
        [7, 1.9459101490553132],
        [0.3, -1.2039728043259361],
        [1.0000001, 9.999999505838704e-8],
        [1e300, 690.7755278982137],
        [5e-324, -744.4400719213812],
      ],
    ],
    [
      'sin',
      sin,
      [
        [1, 0.8414709848078965],
        [3, 0.1411200080598672],
        [-0.75, -0.6816387600233341],
        [100000, 0.03574879797201651],
        [22, -0.008851309290403876],
      ],
    ],
    [
      'cos',
      cos,
      [
        [1, 0.5403023058681398],
        [2, -0.4161468365471424],
        [-3.25, -0.9941296760805463],
        [100000, -0.9993608074382124],
        [11, 0.004425697988050785],
      ],
    ],
  ]
  test.each(published)('%s at known points is within 1 ulp', (_, f, points) => {
    for (const [x, want] of points) expect(ulps(f(x), want)).toBeLessThanOrEqual(1)
  })
  // both sides err by less than 1 ulp, and the distance of two float64 numbers is a whole number of ulp
  test.each([
    ['exp', exp, Math.exp, -745, 709.7],
    ['exp near 0', exp, Math.exp, -1, 1],
    ['log', log, Math.log, 1e-300, 1e300],
    ['log of small numbers', log, Math.log, 1e-9, 3],
    ['log near 1', log, Math.log, 0.99, 1.01],
    ['sin', sin, Math.sin, -10, 10],
    ['sin of large angles', sin, Math.sin, -1e6, 1e6],
    ['cos', cos, Math.cos, -10, 10],
    ['cos of large angles', cos, Math.cos, -1e6, 1e6],
  ] as const)('sweep of %s against Math', (_, ours, theirs, from, to) => {
    expect(worst(from, to, 20000, ours, theirs)).toBeLessThanOrEqual(2)
  })
  test('log of every power of two and of subnormals', () => {
    for (let k = -1074; k <= 1023; k++) expect(ulps(log(2 ** k), k * Math.LN2)).toBeLessThanOrEqual(2)
    expect(ulps(log(1e-310), Math.log(1e-310))).toBeLessThanOrEqual(2)
  })
  test('edges', () => {
    expect([exp(0), exp(-0), exp(710), exp(Infinity), exp(-746), exp(-Infinity), exp(NaN)]).toEqual([
      1,
      1,
      Infinity,
      Infinity,
      0,
      0,
      NaN,
    ])
    expect([log(1), log(0), log(-0), log(-1), log(Infinity), log(NaN)]).toEqual([
      0,
      -Infinity,
      -Infinity,
      NaN,
      Infinity,
      NaN,
    ])
    expect([sin(0), cos(0), sin(1e6 + 1), cos(-2e6), sin(Infinity), cos(NaN)]).toEqual([
      0,
      1,
      NaN,
      NaN,
      NaN,
      NaN,
    ])
    expect(Object.is(sin(-0), -0)).toBe(true)
    expect([
      pow(0, 0),
      pow(0, 0.5),
      pow(0, -0.5),
      pow(0, 3),
      pow(0, -3),
      pow(-8, 1 / 3),
      pow(2, NaN),
    ]).toEqual([1, 0, Infinity, 0, Infinity, NaN, NaN])
  })
  test('whole powers are exact where they can be', () => {
    for (let n = -1022; n <= 1023; n++) expect(pow(2, n)).toBe(2 ** n)
    for (let n = 0; n <= 22; n++) expect(pow(10, n)).toBe(Number(`1e${n}`))
    for (let n = 0; n <= 33; n++) expect(pow(-3, n)).toBe(Number((-3n) ** BigInt(n)))
    expect([pow(-1, 1025), pow(-1, 1026), pow(1, 1e15), pow(1.5, -2)]).toEqual([-1, 1, 1, 4 / 9])
  })
  test('pow keeps its bounds', () => {
    for (let i = 0; i < 5000; i++) {
      const base = 0.01 + (i % 71) * 0.05
      const whole = (i % 41) - 20
      expect(ulps(pow(base, whole), base ** whole)).toBeLessThanOrEqual(2 + Math.abs(whole))
      const fraction = i / 500 - 5.0001
      const want = base ** fraction
      expect(ulps(pow(base, fraction), want)).toBeLessThanOrEqual(3 + 2 * Math.abs(Math.log(want)))
    }
    for (const [base, n] of [
      [0.999, 1025],
      [0.999, 500000],
      [1.0001, 1000000],
      [0.96, 5000],
    ] as const) {
      const want = base ** n
      expect(ulps(pow(base, n), want)).toBeLessThanOrEqual(3 + 2 * Math.abs(Math.log(want)))
    }
  })
})

describe('errors', () => {
  test('an unknown name suggests the nearest known one', () => {
    const known = ['linear', 'relu', 'relu6', 'softmax']
    const message = (name: unknown) => {
      try {
        unknownName('activation', name, known)
      } catch (error) {
        return String(error)
      }
    }
    expect(message('rleu')).toBe(
      'LanegradError: unknown activation "rleu"; did you mean "relu"? Known: linear, relu, relu6, softmax',
    )
    expect(message('SoftMax')).toContain('did you mean "softmax"?')
    expect(message('gelu_tanh')).toBe(
      'LanegradError: unknown activation "gelu_tanh". Known: linear, relu, relu6, softmax',
    )
    expect(message(undefined)).toContain('unknown activation undefined. Known')
    expect((message('x'.repeat(1e6)) as string).length).toBeLessThan(200)
  })
  test('an unknown option key names the place and the nearest key', () => {
    expect(() => checkOptions('dense', { unit: 3 }, ['units', 'activation'])).toThrow(
      'unknown dense option "unit"; did you mean "units"?',
    )
    expect(() => checkOptions('dense', { units: 3 }, ['units'])).not.toThrow()
    expect(() => checkOptions('dense', null as unknown as object, ['units'])).toThrow(
      'dense options must be a plain object of units; got null',
    )
    for (const given of [new Map([['units', 3]]), Promise.resolve({}), new Float32Array(1), []])
      expect(() => checkOptions('dense', given, ['units'])).toThrow(
        'dense options must be a plain object of units; got',
      )
    const foreign = runInNewContext('({ units: 3 })') as object
    const inherited = new (class {
      units = 3
    })()
    for (const given of [foreign, inherited, Object.create(null) as object])
      expect(() => checkOptions('dense', given, ['units'])).not.toThrow()
    expect(() => checkOptions('dense', JSON.parse('{"__proto__": 1}'), ['units'])).toThrow('"__proto__"')
  })
  test('readOptions fills in defaults and names the broken rule', () => {
    const read = (options: object) =>
      readOptions('thing', options, { a: POSITIVE_INTEGER, b: [POSITIVE_INTEGER, 7] })
    expect(read({ a: 1, b: undefined })).toEqual({ a: 1, b: 7 })
    expect(() => read({})).toThrow('thing: a must be a positive integer; got undefined')
    expect(() => read({ a: 1.5 })).toThrow('thing: a must be a positive integer; got 1.5')
  })
  test('readOptions: readers of their own form, null, options read elsewhere', () => {
    const read = (options: object) =>
      readOptions(
        'thing',
        options,
        {
          twice: (x: number, what: string) => 2 * must(POSITIVE_INTEGER, x, what),
          mode: [orNull(oneOf('a', 'b')), null],
        },
        ['other'],
      )
    expect(read({ twice: 3, mode: 'b', other: 1 })).toEqual({ twice: 6, mode: 'b' })
    expect(read({ twice: 3 })).toEqual({ twice: 6, mode: null })
    expect(() => read({})).toThrow('thing: twice must be a positive integer; got undefined')
    expect(() => read({ twice: 1, mode: 'c' })).toThrow('thing: mode must be "a" or "b" or null; got "c"')
    expect(() => read({ twice: 1, others: 1 })).toThrow('did you mean "other"? Known: twice, mode, other')
    expect(oneOf('a', 'b', null).expected).toBe('"a", "b" or null')
    expect(oneOf('a').expected).toBe('"a"')
  })
  test('show survives anything', () => {
    fc.assert(
      fc.property(
        fc.anything({ withNullPrototype: true, withBigInt: true, withSparseArray: true }),
        (value) => typeof show(value) === 'string',
      ),
    )
    expect([show('a"b'), show([1, [2]]), show({}), show(null), show(Symbol('s'))]).toEqual([
      '"a\\"b"',
      '[1,[2]]',
      '{}',
      'null',
      'Symbol(s)',
    ])
    const long = Array.from({ length: 16 }, () => new Float32Array(128))
    class Net {}
    const cycle: unknown[] = []
    cycle.push(cycle)
    const { proxy, revoke } = Proxy.revocable([], {})
    revoke()
    expect(
      [new Float32Array(784), long, new Net(), { lr: 1 }, cycle, 5n, -0, proxy, new Map()].map(show),
    ).toEqual([
      'Float32Array(784)',
      'nested arrays, the first of shape [16,128]',
      'an object of class Net',
      '{ lr }',
      '[[[[…]]]]',
      '5n',
      '-0',
      'an unreadable object',
      'Map',
    ])
  })
})

describe('tensor', () => {
  test('infers the shape of nested arrays, row-major', () => {
    expect(
      tensor([
        [1, 2, 3],
        [4, 5, 6],
      ]),
    ).toEqual({ shape: [2, 3], data: new Float32Array([1, 2, 3, 4, 5, 6]) })
    expect(tensor([[[1], [2]]]).shape).toEqual([1, 2, 1])
    expect(tensor([new Float64Array([1, 2]), [3, 4]])).toEqual({
      shape: [2, 2],
      data: new Float32Array([1, 2, 3, 4]),
    })
    expect(tensor(5)).toEqual({ shape: [], data: new Float32Array([5]) })
    expect(tensor([]).shape).toEqual([0])
    expect(tensor([[], []]).shape).toEqual([2, 0])
    expect(tensor(new Uint8Array([1, 255]))).toEqual({ shape: [2], data: new Float32Array([1, 255]) })
    expect(tensor([1, 2, 3, 4], [2, 2]).shape).toEqual([2, 2])
  })
  test('keeps float32 and int32 arrays without copying', () => {
    const data = new Float32Array(4)
    const ids = new Int32Array(3)
    expect(tensor(data, [2, 2]).data).toBe(data)
    expect(tensor(ids)).toEqual({ shape: [3], data: ids })
    expect(tensor(ids).data).toBe(ids)
  })
  test('throws on ragged nesting and other misfits', () => {
    expect(() => tensor([[1, 2], [3]])).toThrow(
      'expected 2 elements at depth 1, as in the first list; got 1 elements',
    )
    expect(() => tensor([1, [2]])).toThrow('expected a number at depth 1')
    expect(() => tensor([[1], 2])).toThrow('expected 1 elements at depth 1')
    expect(() => tensor([1, '2'] as unknown as number[])).toThrow('element 1 must be a number; got "2"')
    expect(() => tensor([1, undefined, 3] as number[])).toThrow('element 1 must be a number; got undefined')
    expect(() => tensor(new BigInt64Array(2) as unknown as number[])).toThrow(
      'element 0 must be a number; got 0n',
    )
    expect(() => tensor(new Float32Array(3), [2, 2])).toThrow(
      'tensor: expected 4 elements for shape [2,2]; got 3',
    )
    expect(() => tensor(new Float32Array(1), [-1, -1])).toThrow('must be a list of integers >= 0')
    expect(() => tensor('12' as unknown as number[])).toThrow(LanegradError)
    const loop: unknown[] = []
    loop.push(loop)
    expect(() => tensor(loop as unknown as number[])).toThrow('at most 32 levels')
  })
  test('elementCount', () => {
    expect([elementCount([]), elementCount([3, 5]), elementCount([4, 0])]).toEqual([1, 15, 0])
    expect(() => elementCount([2 ** 30, 2 ** 30])).toThrow(
      'shape must be of less than 2^53 elements; got [1073741824,1073741824]',
    )
    expect(() => elementCount([1.5])).toThrow(LanegradError)
  })
})

test.each([
  ['ln', ['exp', 'log', 'elu'], 'log'],
  ['crossentropy', ['mse', 'sparseCategoricalCrossentropy'], 'sparseCategoricalCrossentropy'],
  ['CrossEntropyLoss', ['mse', 'sparseCategoricalCrossentropy'], 'sparseCategoricalCrossentropy'],
  ['nll_loss', ['mse', 'sparseCategoricalCrossentropy'], 'sparseCategoricalCrossentropy'],
  ['bce_with_logits', ['mae', 'binaryCrossentropy'], 'binaryCrossentropy'],
  ['mse_loss', ['mae', 'mse'], 'mse'],
  ['MSELoss', ['mae', 'mse'], 'mse'],
  ['relu_', ['elu', 'relu'], 'relu'],
  ['xavier_uniform', ['heUniform', 'glorotUniform'], 'glorotUniform'],
  ['kaiming_normal', ['heNormal', 'glorotNormal'], 'heNormal'],
  ['learning_rate', ['momentum', 'learningRate'], 'learningRate'],
  ['lr', ['momentum', 'learningRate'], 'learningRate'],
  ['out_features', ['units', 'name'], 'units'],
  ['kernel_size', ['filters', 'kernelSize'], 'kernelSize'],
  ['input_shape', ['layers', 'inputShape'], 'inputShape'],
  ['batch_size', ['epochs', 'batchSize'], 'batchSize'],
  ['Conv2d', ['dense', 'conv2d'], 'conv2d'],
  ['Linear', ['dense', 'conv2d'], 'dense'],
  ['kernel', ['filters', 'kernelSize'], 'kernelSize'],
  ['sub', ['minus', 'subtract'], 'subtract'],
  ['kl_div', ['mse', 'klDivergence'], 'klDivergence'],
  ['ReLU', ['relu6', 'relu'], 'relu'],
])('the name %s of another library leads to the one here', (name, known, expected) => {
  expect(() => unknownName('name', name, known)).toThrow(`did you mean "${expected}"?`)
})

test('of very many names the message lists some, and the nearest of all', () => {
  const columns = Array.from({ length: 10_000 }, (_, i) => `column_${i}`)
  const call = () => unknownName('column', 'colunm_9876', columns)
  expect(call).toThrow(/; did you mean "column_9876"\? Known: column_0, /)
  expect(call).toThrow(/, column_149 and 9850 more$/)
})
