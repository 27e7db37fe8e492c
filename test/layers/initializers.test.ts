// Initial weights against the ranges and variances of Keras's definitions, which are written out here.

import { describe, expect, test } from 'vitest'
import { dense, load, lstm, sequential } from '../../src/index.ts'
import { fansOf, initialize as initializeIn } from '../../src/layers/initial-weights.ts'
import * as initializers from '../../src/layers/initializers.ts'
import { type Initializer, type InitializerName, readInitializer } from '../../src/layers/initializers.ts'
import * as normals from '../../src/layers/normal.ts'
import { orthogonal } from '../../src/layers/orthogonal.ts'
import { remadeValues } from '../../src/model/remake.ts'
import { streamOf, uniform } from '../../src/numerics/random.ts'
import { elementCount } from '../../src/numerics/tensor.ts'
import { Engine } from '../../src/runtime/engine.ts'

/** Initial weights in an array of their own. */
function initialize(
  initializer: Initializer | InitializerName,
  shape: readonly number[],
  seed: number,
  stream: number,
) {
  const out = new Float32Array(elementCount(shape))
  initializeIn(out, initializer, shape, seed, stream, { uniform })
  return out
}

const stream = streamOf('dense/kernel')
const variance = (values: Float32Array) => {
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
}
const largest = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)

describe('fans', () => {
  test.each<[number[], number[]]>([
    [[], [1, 1]],
    [[7], [7, 7]],
    [
      [3, 5],
      [3, 5],
    ],
    [
      [3, 2, 4],
      [6, 12],
    ],
    [
      [3, 3, 16, 32],
      [144, 288],
    ],
  ])('%j has fans %j', (shape, fans) => expect(fansOf(shape)).toEqual(fans))
})

type ScaledName = 'glorotUniform' | 'glorotNormal' | 'heUniform' | 'heNormal' | 'lecunUniform' | 'lecunNormal'
const constructors = { ...initializers, ...normals }

describe('variance scaling', () => {
  const cases: [ScaledName, (fanIn: number, fanOut: number) => number][] = [
    ['glorotUniform', (fanIn, fanOut) => 2 / (fanIn + fanOut)],
    ['glorotNormal', (fanIn, fanOut) => 2 / (fanIn + fanOut)],
    ['heUniform', (fanIn) => 2 / fanIn],
    ['heNormal', (fanIn) => 2 / fanIn],
    ['lecunUniform', (fanIn) => 1 / fanIn],
    ['lecunNormal', (fanIn) => 1 / fanIn],
  ]
  test.each(cases)('%s', (name, expectedVariance) => {
    for (const [shape, fanIn, fanOut] of [
      [[200, 100], 200, 100],
      [[3, 3, 20, 60], 180, 540],
    ] as const) {
      const values = initialize(constructors[name](), shape, 3, stream)
      const want = expectedVariance(fanIn, fanOut)
      expect(values.length).toBe(shape.reduce((a: number, b: number) => a * b, 1))
      expect(Math.abs(variance(values) / want - 1)).toBeLessThan(0.05)
      // uniform: variance limit^2 / 3; normal: cut off at two of the stddev before cutting
      const limit = name.endsWith('Uniform')
        ? Math.sqrt(3 * want)
        : (2 * Math.sqrt(want)) / 0.8796256610342398
      expect(largest(values)).toBeLessThanOrEqual(limit * (1 + 1e-6))
      expect(largest(values)).toBeGreaterThan(limit * 0.98)
    }
  })
})

test.each([
  ['glorotNormal', 2 / 300],
  ['heNormal', 2 / 200],
  ['lecunNormal', 1 / 200],
] as const)(
  '%s is truncatedNormal of a stddev that its cut takes back to the wanted variance',
  (name, wanted) => {
    const shape = [200, 100]
    // the variance of a unit normal cut off at 2: 1 - 4 phi(2) / erf(sqrt 2), phi(2) = e^-2 / sqrt(2 pi)
    const cut = 1 - (4 * Math.exp(-2)) / Math.sqrt(2 * Math.PI) / 0.9544997361036416
    const stddev = Math.sqrt(wanted / cut)
    const plain = initialize(normals.truncatedNormal({ stddev }), shape, 3, stream)
    const got = initialize(constructors[name](), shape, 3, stream)
    for (const i of [0, 1, 7, 19_999]) expect(Math.abs(got[i] / plain[i] - 1)).toBeLessThan(1e-6)
  },
)

describe('plain initializers', () => {
  test('zeros, ones, constant', () => {
    expect([...initialize('zeros', [2, 2], 1, 1)]).toEqual([0, 0, 0, 0])
    expect([...initialize(initializers.ones(), [3], 1, 1)]).toEqual([1, 1, 1])
    expect([...initialize(initializers.constant({ value: -2.5 }), [2], 1, 1)]).toEqual([-2.5, -2.5])
    expect(initialize('ones', [], 1, 1).length).toBe(1)
    expect(initialize('glorotUniform', [0, 4], 1, 1).length).toBe(0)
  })
  test('randomUniform', () => {
    const byDefault = initialize('randomUniform', [20000], 1, stream)
    expect(Math.abs(variance(byDefault) / (0.1 ** 2 / 12) - 1)).toBeLessThan(0.04)
    const values = initialize(initializers.randomUniform({ minValue: 2, maxValue: 3 }), [20000], 1, stream)
    expect(values.every((value) => value >= 2 && value <= 3)).toBe(true)
    expect(Math.abs(variance(values) * 12 - 1)).toBeLessThan(0.04)
  })
  test('randomNormal and truncatedNormal keep the stddev before cutting', () => {
    expect(
      Math.abs(variance(initialize(normals.randomNormal(), [20000], 1, stream)) / 0.05 ** 2 - 1),
    ).toBeLessThan(0.06)
    const cut = initialize(normals.truncatedNormal({ stddev: 0.5 }), [20000], 1, stream)
    expect(Math.abs(variance(cut) / (0.25 * 0.8796256610342398 ** 2) - 1)).toBeLessThan(0.05)
    expect(largest(cut)).toBeLessThanOrEqual(1)
  })
})

describe('what brings its code', () => {
  test.each([
    ['orthogonal', 'orthogonal'],
    ['Orthogonal', 'orthogonal'],
    ['orthogonal_', 'orthogonal'],
    [{ kind: 'orthogonal', gain: 2 }, 'orthogonal'],
    ['heNormal', 'heNormal'],
    ['he_normal', 'heNormal'],
    ['HeNormal', 'heNormal'],
    ['glorotNormal', 'glorotNormal'],
    ['lecunNormal', 'lecunNormal'],
    ['randomNormal', 'randomNormal'],
    [{ kind: 'truncatedNormal', stddev: 1 }, 'truncatedNormal'],
  ])('is imported: %o says how', (given, name) => {
    expect(() => readInitializer(given as never, 'dense: kernelInitializer')).toThrow(
      `dense: kernelInitializer: write kernelInitializer: ${name}(), with ${name} from 'lanegrad'; got `,
    )
  })

  test('is made again by load, and draws as before', () => {
    const made = () =>
      sequential({
        inputShape: [2, 3],
        layers: [lstm({ units: 2, kernelInitializer: orthogonal({ gain: 2 }) }), dense({ units: 1 })],
        seed: 5,
      })
    const [before, after] = [made(), load(made().save())]
    expect(after.getWeights()).toEqual(before.getWeights())
    expect(after.save()).toEqual(before.save())
    const { kernelInitializer } = remadeValues({ kernelInitializer: { kind: 'orthogonal', gain: 2 } }) as {
      readonly kernelInitializer: Initializer
    }
    expect(initialize(kernelInitializer, [3, 5], 7, 1)).toEqual(
      initialize(orthogonal({ gain: 2 }), [3, 5], 7, 1),
    )
  })

  test.each<[number[], number]>([
    [[1, 1], 1],
    [[5, 5], 1],
    [[33, 17], 1],
    [[17, 33], 2],
    [[3, 3, 4, 8], 1],
    [[64, 256], 0.5],
  ])('%j, gain %d: columns (or rows) are at right angles and as long as the gain', (shape, gain) => {
    const values = initialize(orthogonal({ gain }), shape, 11, stream)
    const cols = shape[shape.length - 1]
    const rows = values.length / cols
    const [count, size] = rows < cols ? [rows, cols] : [cols, rows]
    const at = (vector: number, i: number) => values[rows < cols ? vector * cols + i : i * cols + vector]
    for (let a = 0; a < count; a++) {
      for (let b = 0; b <= a; b++) {
        let dot = 0
        for (let i = 0; i < size; i++) dot += at(a, i) * at(b, i)
        expect(Math.abs(dot - (a === b ? gain * gain : 0))).toBeLessThan(1e-6)
      }
    }
  })
  test('signs of the entries are fair', () => {
    // without sign correction the diagonal leans to one side
    let positive = 0
    for (let seed = 0; seed < 400; seed++)
      positive += Number(initialize(orthogonal(), [3, 3], seed, stream)[0] > 0)
    expect(Math.abs(positive - 200)).toBeLessThan(50)
  })
  test('needs two dimensions', () => {
    expect(() => initialize(orthogonal(), [4], 1, 1)).toThrow(
      'orthogonal: shape must be of rank 2 or more; got [4]',
    )
    expect(initialize(orthogonal(), [0, 4], 1, 1).length).toBe(0)
    expect(initialize(orthogonal(), [4, 0], 1, 1).length).toBe(0)
  })
})

describe('data', () => {
  test('an initializer is plain frozen data; a name means the defaults', () => {
    expect(initializers.randomUniform()).toEqual({ kind: 'randomUniform', minValue: -0.05, maxValue: 0.05 })
    expect(normals.truncatedNormal({ mean: 1 })).toEqual({
      kind: 'truncatedNormal',
      mean: 1,
      stddev: 0.05,
    })
    expect(orthogonal()).toEqual({ kind: 'orthogonal', gain: 1 })
    expect(Object.isFrozen(initializers.zeros())).toBe(true)
    const copy = JSON.parse(JSON.stringify(initializers.randomUniform({ maxValue: 2 }))) as Initializer
    expect(readInitializer(copy)).toEqual(initializers.randomUniform({ maxValue: 2 }))
  })
  test('the same arguments give the same weights, others differ', () => {
    const weights = (seed: number, name: string) =>
      initialize(normals.heNormal(), [8, 8], seed, streamOf(name))
    expect(weights(1, 'a/kernel')).toEqual(weights(1, 'a/kernel'))
    expect(weights(1, 'a/kernel')).not.toEqual(weights(2, 'a/kernel'))
    expect(weights(1, 'a/kernel')).not.toEqual(weights(1, 'b/kernel'))
  })
  test('misuse is named', () => {
    const bad = (initializer: unknown) => () => initialize(initializer as Initializer, [2, 2], 1, 1)
    expect(bad('glorotUnifrom')).toThrow(
      'unknown initializer "glorotUnifrom"; did you mean "glorotUniform"? Known: zeros',
    )
    expect(bad('constructor')).toThrow('unknown initializer "constructor"')
    expect(bad({})).toThrow('unknown initializer undefined')
    expect(bad(undefined)).toThrow(
      'unknown initializer undefined. Known: zeros, ones, constant, randomUniform, glorotUniform, heUniform, lecunUniform, orthogonal, randomNormal, truncatedNormal, glorotNormal, heNormal, lecunNormal',
    )
    expect(bad({ kind: 'constant', value: 'x' })).toThrow('constant: value must be a finite number; got "x"')
    expect(() => normals.randomNormal({ stdev: 1 } as object)).toThrow('did you mean "stddev"?')
    expect(() => normals.randomNormal({ stddev: -1 })).toThrow(
      'randomNormal: stddev must be a finite number >= 0; got -1',
    )
    expect(() => initializers.randomUniform({ minValue: 1 })).toThrow(
      'randomUniform: maxValue must be a number >= minValue (1); got 0.05',
    )
    expect(() => initialize('zeros', [2, -1], 1, 1)).toThrow('must be a list of integers >= 0')
    expect(() => initialize(normals.heNormal(), [2, 2], -1, 1)).toThrow('seed must be')
  })
})

test('a number in place of options is refused', () => {
  expect(() => initializers.constant(2 as never)).toThrow(
    /^constant options must be a plain object of value; got 2/,
  )
})

describe('the core draws the uniform numbers of numerics/random.ts, to the bit', () => {
  const engine = new Engine()
  const address = engine.base + 4096
  engine.reserve(address + 8192)
  test.each([0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 1000])('%i of them, and nothing behind them', (count) => {
    for (const seed of [0, 1, 0xffffffff, 2 ** 53 - 1]) {
      for (const [low, high] of [
        [-0.0625, 0.0625],
        [2, 3.1],
      ]) {
        const all = engine.floatView(address, count + 16).fill(-9)
        engine.uniform(all.subarray(0, count), seed, 0xdeadbeef, low, high)
        const expected = new Float32Array(count + 16).fill(-9)
        uniform(expected.subarray(0, count), seed, 0xdeadbeef, low, high)
        expect(all).toEqual(expected)
      }
    }
  })
})
