// Parts of the playground that need no page: what a link may say, the points.
import { expect, test } from 'vitest'
import { anyRate, anySeed, readSettings } from '../../examples/playground/lib/state.ts'
import { decodePoints, encodePoints, makePoints, split } from '../../examples/playground/points/data.ts'

test('a link’s numbers are decimal digits, whole where they count; all else is the default', () => {
  const defaults = { seed: 1, rate: 0.03, train: 60, batch: 16 }
  const rules = {
    seed: anySeed,
    rate: anyRate,
    train: { min: 10, max: 90, step: 10 },
    batch: { of: [8, 16] },
  }
  const read = (text: string) => readSettings(new URLSearchParams(text), defaults, rules)
  expect(read('seed=7&rate=0.000001&train=90&batch=8')).toEqual({ seed: 7, rate: 1e-6, train: 90, batch: 8 })
  const bad = ['seed=1.5', 'seed=0x10', 'seed=1e3', 'seed=', 'seed= 2', 'seed=+2', 'rate=0', 'rate=1e-320']
  for (const text of [...bad, 'rate=0.0000009', 'rate=Infinity', 'train=33.3', 'train=33', 'batch=0x8'])
    expect(read(text), text).toEqual(defaults)
})

test('another point changes no other point’s role', () => {
  const points = makePoints('xor', 0, 1)
  for (const share of [0.1, 0.6, 0.9]) {
    const [train, test] = split(points, share)
    expect(train.length + test.length).toBe(points.length)
    expect(train.length / points.length).toBeCloseTo(share, 1)
    const [fewer, others] = split(points.slice(0, 150), share)
    expect(train.slice(0, fewer.length)).toEqual(fewer)
    expect(test.slice(0, others.length)).toEqual(others)
    expect(split(points.slice(0, 1), share)[0]).toEqual([points[0]])
  }
})

test('of a link’s points the first 600 are taken', () => {
  const text = encodePoints(makePoints('circles', 0, 1))
  expect(encodePoints(decodePoints(text))).toBe(text)
  expect(encodePoints(decodePoints(text + text))).toBe((text + text).slice(0, 5 * 600))
  expect(decodePoints('zz')).toEqual([])
})
