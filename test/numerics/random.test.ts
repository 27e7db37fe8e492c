// The generator against Random123's published vectors; distributions against their known moments and
// cell probabilities, with bounds of about 5 standard deviations (the numbers are fixed by the seed).

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  normal,
  permutation,
  streamOf,
  threefry,
  truncatedNormal,
  uniform,
} from '../../src/numerics/random.ts'

type Fill = (out: Float32Array, seed: number, stream: number) => void
const draw = (fill: Fill, count: number, seed = 1, stream = 2) => {
  const out = new Float32Array(count)
  fill(out, seed, stream)
  return out
}
/** Mean of value^power. */
const moment = (values: Float32Array, power: number) =>
  values.reduce((sum, value) => sum + value ** power, 0) / values.length
const correlation = (a: Float32Array, b: Float32Array) =>
  a.reduce((sum, value, i) => sum + value * b[i], 0) / a.length
/** (chi^2 - freedom) / sqrt(2 freedom): about standard normal for equally likely cells. */
function chiSquareScore(counts: readonly number[]): number {
  const mean = counts.reduce((a, b) => a + b, 0) / counts.length
  const chiSquare = counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0)
  return (chiSquare - (counts.length - 1)) / Math.sqrt(2 * (counts.length - 1))
}

describe('threefry', () => {
  // Random123's kat_vectors, threefry2x32 20: counter, key, result
  test.each([
    [0, 0, 0, 0, 0x6b200159, 0x99ba4efe],
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x1cb996fc, 0xbb002be7],
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xc4923a9c, 0x483df7a0],
  ])('published vector %#', (counter0, counter1, key0, key1, first, second) => {
    const out = new Uint32Array(2)
    threefry(key0, key1, counter0, counter1, out)
    expect([...out]).toEqual([first, second])
  })
  test('streamOf is FNV-1a', () => {
    expect([streamOf(''), streamOf('a'), streamOf('foobar')]).toEqual([0x811c9dc5, 0xe40c292c, 0xbf9cf968])
  })
})

describe.each<[string, Fill]>([
  ['uniform', uniform],
  ['normal', normal],
  ['truncatedNormal', truncatedNormal],
])('%s', (_, fill) => {
  test('value i depends on seed, stream and i alone', () => {
    const long = draw(fill, 1001)
    for (const count of [0, 1, 2, 3, 1000]) expect(draw(fill, count)).toEqual(long.subarray(0, count))
    const padded = new Float32Array(12).fill(7)
    fill(padded.subarray(1, 6), 1, 2)
    expect(padded.subarray(1, 6)).toEqual(long.subarray(0, 5))
    expect([...padded.subarray(6)]).toEqual(new Array(6).fill(7))
  })
  test('seeds and streams differ, in the upper half of the seed too', () => {
    const keys = [
      [1, 2],
      [2, 1],
      [1, 3],
      [1 + 2 ** 32, 2],
      [Number.MAX_SAFE_INTEGER, 2],
      [1, 0xffffffff],
    ]
    const starts = keys.map(([seed, stream]) => String(draw(fill, 4, seed, stream)))
    expect(new Set(starts).size).toBe(keys.length)
    const center = fill === uniform ? 0.5 : 0
    const [a, b, c] = [draw(fill, 20000), draw(fill, 20000, 2), draw(fill, 20000, 1, 3)].map((x) =>
      x.map((v) => v - center),
    )
    for (const [x, y] of [
      [a, b],
      [a, c],
      [b, c],
      [a.subarray(1), a],
      [a.subarray(2), a],
    ]) {
      expect(Math.abs(correlation(x, y)) / moment(a, 2)).toBeLessThan(5 / Math.sqrt(20000))
    }
  })
  test('rejects seeds that are not non-negative safe integers', () => {
    for (const seed of [-1, 0.5, 2 ** 53, NaN, '1' as unknown as number])
      expect(() => draw(fill, 1, seed)).toThrow('seed must be')
  })
})

describe('distributions', () => {
  const count = 100000
  const near = (got: number, want: number, sigma: number) =>
    expect(Math.abs(got - want)).toBeLessThan((5 * sigma) / Math.sqrt(count))
  test('uniform: range, moments, cells', () => {
    const values = draw(uniform, count)
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true)
    near(moment(values, 1), 1 / 2, Math.sqrt(1 / 12))
    near(moment(values, 2), 1 / 3, Math.sqrt(4 / 45))
    const cells = new Array(64).fill(0)
    for (const value of values) cells[Math.floor(value * 64)]++
    expect(Math.abs(chiSquareScore(cells))).toBeLessThan(5)
    const shifted = draw((out, seed, stream) => uniform(out, seed, stream, -3, 5), count)
    near(moment(shifted, 1), 1, Math.sqrt(64 / 12))
    expect(shifted.every((value) => value >= -3 && value <= 5)).toBe(true)
  })
  test('normal: moments and the share of each quartile', () => {
    const values = draw(normal, count)
    near(moment(values, 1), 0, 1)
    near(moment(values, 2), 1, Math.sqrt(2))
    near(moment(values, 3), 0, Math.sqrt(15))
    near(moment(values, 4), 3, Math.sqrt(96))
    const quartile = 0.6744897501960817
    const cells = [0, 0, 0, 0]
    for (const value of values) cells[value < -quartile ? 0 : value < 0 ? 1 : value < quartile ? 2 : 3]++
    expect(Math.abs(chiSquareScore(cells))).toBeLessThan(5)
    near(
      moment(
        draw((out, seed, stream) => normal(out, seed, stream, 2, 0.5), count),
        1,
      ),
      2,
      0.5,
    )
  })
  test('truncatedNormal: within 2 sigma, the known variance, no lump of redrawn values', () => {
    const values = draw(truncatedNormal, count)
    expect(values.every((value) => Math.abs(value) <= 2)).toBe(true)
    near(moment(values, 1), 0, 0.88)
    near(moment(values, 2), 0.8796256610342398 ** 2, 0.9) // Keras's constant
    const plain = draw(normal, count)
    const kept = plain.map((value, i) => (Math.abs(value) <= 2 ? Number(value !== values[i]) : 0))
    expect(moment(kept, 1)).toBe(0)
    const redrawn = values.filter((_, i) => Math.abs(plain[i]) > 2)
    expect(redrawn.length / count).toBeCloseTo(0.0455, 2)
    expect(new Set(redrawn).size).toBeGreaterThan(0.99 * redrawn.length)
    expect(Math.abs(moment(redrawn, 2) - 0.774)).toBeLessThan(0.07)
  })
})

describe('permutation', () => {
  test('holds every number once', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.maxSafeNat(), fc.nat(), (count, seed, stream) => {
        const order = permutation(count, seed, stream)
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i))
      }),
      { numRuns: 50 },
    )
  })
  test('every order is about equally likely', () => {
    const counts = new Map<string, number>()
    for (let stream = 0; stream < 12000; stream++) {
      const order = permutation(4, 9, stream).join('')
      counts.set(order, (counts.get(order) ?? 0) + 1)
    }
    expect(counts.size).toBe(24)
    expect(Math.abs(chiSquareScore([...counts.values()]))).toBeLessThan(5)
  })
  test('is the same for the same arguments, another for others', () => {
    expect(permutation(100, 1, 2)).toEqual(permutation(100, 1, 2))
    expect(permutation(100, 1, 2)).not.toEqual(permutation(100, 1, 3))
    expect(permutation(100, 1, 2)).not.toEqual(permutation(100, 2, 2))
  })
  test('a long one leaves few numbers in place and no order between neighbours', () => {
    const order = permutation(60000, 5, 6)
    expect(order.filter((value, i) => value === i).length).toBeLessThan(10) // 1 expected
    const rising = order.filter((value, i) => i > 0 && value > order[i - 1]).length
    expect(Math.abs(rising - 30000)).toBeLessThan(5 * Math.sqrt(60000 / 12))
  })
  test('rejects counts that are none', () => {
    for (const count of [-1, 1.5, NaN, 2 ** 32])
      expect(() => permutation(count, 1, 2)).toThrow('count must be an integer >= 0 and < 2^32')
  })
})
