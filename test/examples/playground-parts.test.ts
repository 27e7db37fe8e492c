// Parts of the playground that need no page: what a link may say, the points.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { traceByHand } from '../../examples/playground/inside/formulas.ts'
import { followed, pathsOf, sumOf } from '../../examples/playground/inside/paths.ts'
import { type InsideOptions, WEIGHT_COUNT } from '../../examples/playground/inside/shape.ts'
import { stageOf, stages } from '../../examples/playground/inside/stages.ts'
import { anyRate, anySeed, readSettings } from '../../examples/playground/lib/state.ts'
import {
  decodePoints,
  encodePoints,
  makePoints,
  randomNumbers,
  rowsOf,
  split,
} from '../../examples/playground/points/data.ts'
import { choices } from '../../examples/playground/points/features.ts'

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

test('features are what they are called, in the order of a link', () => {
  expect(new Set(choices).size).toBe(2 ** 7 - 1)
  const [x, y] = [3, -1.5]
  const { data, shape } = rowsOf([{ x, y, label: 1 }], 'x-y-xx-yy-xy-sinx-siny'.split('-')).x
  expect(shape).toEqual([1, 7])
  const wanted = [x, y, 9 / 6, 2.25 / 6, -4.5 / 6, Math.sin(3), Math.sin(-1.5)]
  expect([...data]).toEqual([...Float32Array.from(wanted)])
})

test('the points of a regression lie all over the square, with values from -1 to 1 of both signs', () => {
  for (const name of ['plane', 'hills'] as const) {
    const labels = makePoints(name, 0, 1).map(({ label }) => label)
    expect(Math.min(...labels)).toBeLessThan(-0.7)
    expect(Math.max(...labels)).toBeGreaterThan(0.7)
    expect(labels.every((label) => Math.abs(label) <= 1)).toBe(true)
  }
})

describe('a gradient as a sum over paths', () => {
  const random = randomNumbers(5)
  const weights = Float32Array.from({ length: WEIGHT_COUNT }, () => 2 * random() - 1)
  const row = { x: [1, -1], y: [1, 0] } as const
  const each = (['tanh', 'sigmoid', 'relu'] as const).flatMap((act) =>
    (['mse', 'bce'] as const).map((loss) => ({ act, loss, rate: 0.1, seed: 1 }) satisfies InsideOptions),
  )
  test.each(each)(
    '$act, $loss: four paths from each weight of the first layer give its gradient',
    (options) => {
      const trace = traceByHand(weights, row, options)
      followed.forEach((name, weight) => {
        const paths = pathsOf(weight, { weights, row, trace }, options)
        expect(paths.length).toBe(4)
        expect(sumOf(paths, 4), name).toBeCloseTo(trace.dw[weight], 12)
        // and the gradient is the slope of the loss
        const lossAt = (by: number) => {
          const moved = Float64Array.from(weights)
          moved[weight] += by
          return traceByHand(moved, row, options).loss
        }
        expect((lossAt(1e-5) - lossAt(-1e-5)) / 2e-5, name).toBeCloseTo(trace.dw[weight], 6)
      })
    },
  )
})

test('a stage a link doesn’t know is the first', () => {
  expect(stageOf('nonsense')).toBe(stages[0])
  expect(new Set(stages.map(({ id }) => id)).size).toBe(stages.length)
})

// axe-core reads the text of elements, not that of drawings
test.each(['light', 'dark'])('text of drawings stands out from its ground by 4.5 to 1: %s', (theme) => {
  const style = readFileSync('examples/playground/style.css', 'utf8')
  const blocks = [/:root {([^}]*)}/, ...(theme === 'dark' ? [/:root\[data-theme="dark"\] {([^}]*)}/] : [])]
  const colors = new Map(
    blocks.flatMap((block) =>
      [...(block.exec(style)?.[1] ?? '').matchAll(/--([\w-]+): (#\w{6})/g)].map(
        ([, name, hex]) => [name, hex] as const,
      ),
    ),
  )
  /** Relative luminance, as WCAG 2 has it. */
  const light = (name: string) => {
    const [r, g, b] = [1, 3, 5].map((at) => {
      const part = Number.parseInt((colors.get(name) ?? '').slice(at, at + 2), 16) / 255
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const pairs = [
    ...['ink', 'muted', 'accent', 'good', 'bad'].map((text) => [text, 'card']),
    ...['ink', 'accent'].map((text) => [text, 'field']),
    ...['ink', 'muted'].flatMap((text) => [
      [text, 'ground'],
      [text, 'hover'],
    ]),
    ['ink', 'mark'],
  ]
  for (const [text, ground] of pairs) {
    const [more, less] = [light(text), light(ground)].sort((a, b) => b - a)
    expect((more + 0.05) / (less + 0.05), `${text} on ${ground}`).toBeGreaterThan(4.5)
  }
})
