// The vector functions of assembly/math.ts against float64, swept over exponents and random mantissas:
// the error bounds stated there, the special values, and the lane helpers of assembly/lanes.ts.
import { beforeAll, describe, expect, test } from 'vitest'
import { errorAt, STATED } from '../math-scan/functions'
import { erf, erfc } from '../reference/erf'
import { compileEntry } from '../support/compile'

type ArrayFunction = (dst: number, src: number, count: number) => void

const COUNT = 1 << 18
let exports: WebAssembly.Exports
let source: Float32Array
let result: Float32Array

beforeAll(async () => {
  exports = await compileEntry('test/assembly/math-entry.ts')
  const memory = exports.memory as WebAssembly.Memory
  memory.grow(Math.ceil((2 * COUNT * 4 + 4096) / 65536))
  const base = (exports.base as () => number)()
  source = new Float32Array(memory.buffer, base, COUNT)
  result = new Float32Array(memory.buffer, base + COUNT * 4, COUNT)
}, 60_000)

function run(name: string, count = COUNT): void {
  const call = exports[`${name}Array`] as ArrayFunction
  call(result.byteOffset, source.byteOffset, count)
}

function evaluate(name: string, x: number): number {
  source.fill(x, 0, 4)
  run(name, 4)
  return result[1]
}

/** A fixed sequence of integers in [0, 2^32): xorshift32. */
function randomBits(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

const scratch = new Float32Array(1)
const scratchBits = new Int32Array(scratch.buffer)

function bitsOf(x: number): number {
  scratch[0] = x
  return scratchBits[0]
}

/**
 * Fills the source with floats of [low, high]: a half uniform in value, a half uniform in bit pattern (so every
 * exponent is met, with random mantissas; both signs if the interval has both).
 */
function fillInterval(low: number, high: number): void {
  const next = randomBits(0x9e3779b9)
  for (let i = 0; i < COUNT; i++) {
    if (i % 2) {
      source[i] = low + (high - low) * (next() / 2 ** 32)
    } else {
      const negative = high <= 0 || (low < 0 && (next() & 1) === 1)
      const [near, far] = negative ? [Math.max(0, -high), -low] : [Math.max(0, low), high]
      const nearBits = bitsOf(near)
      scratchBits[0] = nearBits + Math.floor((next() / 2 ** 32) * (bitsOf(far) - nearBits))
      source[i] = negative ? -scratch[0] : scratch[0]
    }
    source[i] = Math.min(Math.max(source[i], low), high)
  }
}

/** The spacing of floats at `x`: 2^-149 for denormals. */
function ulpOf(x: number): number {
  const a = Math.abs(Math.fround(x))
  if (a < 2 ** -126) return 2 ** -149
  return 2 ** ((bitsOf(a) >> 23) - 127 - 23)
}

/** Largest error in ulp of the correctly rounded result, and where. */
function worst(name: string, reference: (x: number) => number): { ulp: number; at: number } {
  run(name)
  let ulp = 0
  let at = 0
  for (let i = 0; i < COUNT; i++) {
    const want = reference(source[i])
    const rounded = Math.fround(want)
    const got = result[i]
    if (got === rounded) continue
    const finite = Number.isFinite(got) && Number.isFinite(rounded)
    const error = finite ? Math.abs(got - want) / ulpOf(want) : Number.POSITIVE_INFINITY
    if (!(error <= ulp)) {
      ulp = error
      at = source[i]
    }
  }
  return { ulp, at }
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))
const MAX = 3.4028234663852886e38

/** name, reference, interval, bound in ulp as stated in math.ts */
const SWEEPS: [string, (x: number) => number, number, number, number][] = [
  ['exp', Math.exp, -87.3, 88.72, 0.989],
  ['exp', Math.exp, -104.5, -87.3, 0.989],
  ['exp', Math.exp, -0.5, 0.5, 0.989],
  ['expm1', Math.expm1, -80, 80, 1.52],
  ['expm1', Math.expm1, -1, 1, 1.52],
  ['log', Math.log, 1e-45, MAX, 1],
  ['log', Math.log, 1e-45, 1.17e-38, 1],
  ['log', Math.log, 0.5, 2, 1],
  ['log1p', Math.log1p, 0, MAX, 1],
  ['log1p', Math.log1p, -0.99999994, 2, 1],
  ['tanh', Math.tanh, -12, 12, 2.669],
  ['tanh', Math.tanh, -MAX, MAX, 2.669],
  ['tanh', Math.tanh, -1, 1, 2.669],
  ['sigmoid', sigmoid, -87, 100, 2.481],
  ['sigmoid', sigmoid, -2, 2, 2.481],
  ['erf', erf, -4.5, 4.5, 3.156],
  ['erf', erf, -MAX, MAX, 3.156],
  ['erf', erf, -1, 1, 3.156],
]

describe('error bounds', () => {
  test.each(SWEEPS)('%s, %o on [%d, %d]: at most %d ulp', (name, reference, low, high, bound) => {
    fillInterval(low, high)
    const { ulp, at } = worst(name, reference)
    expect(ulp, `at x = ${at}`).toBeLessThanOrEqual(bound)
  })

  test.each(STATED.filter(({ at }) => at !== undefined))(
    '$name at $at, where its error is largest',
    (stated) => {
      const at = stated.at as number
      const error = errorAt(stated, at, evaluate(stated.name, at))
      expect(error).toBeGreaterThan(0.8 * stated.bound)
      expect(error).toBeLessThanOrEqual(stated.bound)
    },
  )

  test('sigmoid below -87: at most 2^-126', () => {
    fillInterval(-200, -87)
    run('sigmoid')
    let largest = 0
    for (let i = 0; i < COUNT; i++) largest = Math.max(largest, Math.abs(result[i] - sigmoid(source[i])))
    expect(largest).toBeLessThanOrEqual(2 ** -126)
  })
})

test('expBelow has the bits of exp for all x <= 0', () => {
  fillInterval(-110, 0)
  source.set([-0, 0, Number.NEGATIVE_INFINITY, Number.NaN])
  run('exp')
  const expected = new Int32Array(result.slice().buffer)
  run('expBelow')
  const bits = new Int32Array(result.buffer, result.byteOffset, COUNT)
  expect(bits.findIndex((own, i) => own !== expected[i])).toBe(-1)
})

describe('special values', () => {
  const { POSITIVE_INFINITY: inf } = Number
  test.each([
    ['exp', -inf, 0],
    ['exp', inf, inf],
    ['exp', 89, inf],
    ['exp', 1e30, inf],
    ['exp', -104, 0],
    ['exp', -1e30, 0],
    ['exp', 0, 1],
    ['exp', -0, 1],
    ['log', 0, -inf],
    ['log', -0, -inf],
    ['log', inf, inf],
    ['log', 1, 0],
    ['log', -1, Number.NaN],
    ['log', -inf, Number.NaN],
    ['log', -1e-40, Number.NaN],
    ['log1p', 0, 0],
    ['log1p', -1, -inf],
    ['log1p', inf, inf],
    ['log1p', -1.5, Number.NaN],
    ['log1p', -inf, Number.NaN],
    ['tanh', inf, 1],
    ['tanh', -inf, -1],
    ['tanh', 1e30, 1],
    ['tanh', 0, 0],
    ['sigmoid', inf, 1],
    ['sigmoid', -inf, 0],
    ['sigmoid', 0, 0.5],
    ['sigmoid', 1e30, 1],
    ['sigmoid', -1e30, 0],
    ['erf', inf, 1],
    ['erf', -inf, -1],
    ['erf', 0, 0],
    ['erf', 1e30, 1],
    ['expm1', 0, 0],
  ])('%s(%d) = %d', (name, x, want) => {
    expect(evaluate(name, x) + 0).toBe(want)
  })

  test.each(['exp', 'expm1', 'log', 'log1p', 'tanh', 'sigmoid', 'erf'])('%s(NaN) = NaN', (name) => {
    expect(evaluate(name, Number.NaN)).toBeNaN()
  })
})

describe('reference', () => {
  // Abramowitz and Stegun, table 7.1; erfc(5) from the DLMF
  test.each([
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [1.9, 0.9927904292352575],
    [2, 0.9953222650189527],
    [3, 0.9999779095030014],
  ])('erf(%d)', (x, want) => {
    expect(Math.abs(erf(x) - want)).toBeLessThan(4e-16)
    expect(erf(-x)).toBe(-erf(x))
  })

  test('erfc(5), and both methods where they meet', () => {
    expect(erfc(5) / 1.5374597944280349e-12).toBeCloseTo(1, 13)
    expect(erf(2 - 1e-12) - erf(2 + 1e-12)).toBeCloseTo(0, 12)
  })
})

describe('lanes', () => {
  test('sum, max and min', () => {
    const reduce = exports.reduceLanes as (dst: number, src: number) => void
    source.set([1, 2 ** 24, -3, 0.5])
    reduce(result.byteOffset, source.byteOffset)
    expect([...result.subarray(0, 3)]).toEqual([2 ** 24 - 2, 2 ** 24, -3])
    source.set([1, 2, Number.NaN, 0.5])
    reduce(result.byteOffset, source.byteOffset)
    expect([...result.subarray(0, 3)]).toEqual([Number.NaN, Number.NaN, Number.NaN])
  })

  test.each([1, 2, 3])('a tail of %d', (n) => {
    source.set([7, 8, 9, 10])
    result.fill(-1, 0, 8)
    ;(exports.copyTail as ArrayFunction)(result.byteOffset + 4, source.byteOffset, n)
    expect([...result.subarray(0, 8)]).toEqual([-1, ...[7, 8, 9].slice(0, n), ...Array(7 - n).fill(-1)])
  })
})
