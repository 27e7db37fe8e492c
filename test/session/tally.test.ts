// Loss and metrics over batches, from numbers written into an arena by hand: what is a mean of rows, of terms, or a sum.
import { describe, expect, test } from 'vitest'
import { Engine } from '../../src/runtime/engine.ts'
import { finishes } from '../../src/session/finishes.ts'
import type { HostMetric } from '../../src/session/metric.ts'
import type { LossReading, MeanReading, Program, Readings } from '../../src/session/program.ts'
import { Tally } from '../../src/session/tally.ts'

const engine = new Engine({})
engine.reserve(engine.base + 4096)
const at = (place: number) => engine.base + 64 * (place + 1)

/** Takes in a run of so many rows that left these numbers at the places. */
function add(
  tally: Tally,
  rows: number,
  numbers: Readonly<Record<number, readonly number[]>>,
  readings: Partial<Readings>,
  host = new Map<string, HostMetric>(),
): void {
  for (const [place, own] of Object.entries(numbers)) engine.write(at(Number(place)), Float32Array.from(own))
  const program = {
    request: { rows },
    code: {},
    readings: { loss: at(0), losses: [], metrics: [], isSplit: false, ...readings },
  }
  tally.add({ engine, metrics: host, finishes }, program as unknown as Program)
}
const loss = (more: Partial<LossReading>): LossReading => ({
  ...{ key: 'a_loss', value: at(1), counter: 0, isSum: false, weight: 1 },
  ...more,
})
const metric = (more: Partial<MeanReading>): MeanReading => ({
  ...{ key: 'm', value: at(3), counter: 0, terms: 1 },
  ...more,
})

describe('the loss', () => {
  test('batches weigh as many rows as they have', () => {
    const tally = new Tally()
    add(tally, 3, { 0: [2] }, {})
    add(tally, 1, { 0: [6] }, {})
    expect(tally.logs('val_')).toEqual({ val_loss: 3 })
  })

  test('where rows are left out, batches weigh those that count; penalties weigh all', () => {
    // 0.5 a + penalty: 0.5 * 4 + 1 = 3 over 1 row that counts of 2, then 0.5 * 1 + 1 = 1.5 over 3 of 6
    const losses = [loss({ counter: at(2), weight: 0.5 })]
    const tally = new Tally()
    add(tally, 2, { 0: [3], 1: [4], 2: [0, 1] }, { losses, isSplit: true })
    add(tally, 6, { 0: [1.5], 1: [1], 2: [0, 3] }, { losses, isSplit: true })
    expect(tally.logs()).toEqual({ loss: 0.5 * (7 / 4) + 1, a_loss: 7 / 4 })
  })

  test('sums add up', () => {
    const losses = [loss({ isSum: true, weight: 2 })]
    const tally = new Tally()
    add(tally, 2, { 0: [6], 1: [3] }, { losses })
    add(tally, 1, { 0: [10], 1: [5] }, { losses })
    expect(tally.logs()).toEqual({ loss: 16 })
  })

  test('no row that counts: 0', () => {
    const tally = new Tally()
    add(tally, 2, { 0: [0], 1: [0], 2: [0, 0] }, { losses: [loss({ counter: at(2) })] })
    expect(tally.logs()).toEqual({ loss: 0 })
  })
})

describe('metrics', () => {
  test('a sum over its terms, or over those that count', () => {
    const metrics = [metric({ terms: 4 }), metric({ key: 'n', counter: at(4), terms: 2 })]
    const tally = new Tally()
    add(tally, 2, { 0: [0], 3: [6], 4: [0, 1] }, { metrics })
    add(tally, 2, { 0: [0], 3: [2], 4: [0, 3] }, { metrics })
    expect(tally.logs()).toEqual({ loss: 0, m: 8 / 8, n: 8 / 8 })
  })

  test('the root, the exponential, the complement of the mean of all', () => {
    const metrics = (['sqrt', 'exp', 'complement'] as const).map((finish) => metric({ key: finish, finish }))
    const tally = new Tally()
    add(tally, 1, { 0: [0], 3: [6] }, { metrics })
    add(tally, 1, { 0: [0], 3: [2] }, { metrics })
    const { sqrt, exp, complement } = tally.logs()
    expect([sqrt, complement]).toEqual([2, -3])
    expect(exp).toBeCloseTo(Math.exp(4), 9)
  })

  test("those of JavaScript keep one state, and are told when that isn't costly", () => {
    const seen: unknown[] = []
    const counting: HostMetric = {
      start: () => ({ count: 0 }),
      add: (state) => seen.push((state as { count: number }).count++),
      results: (state) => [
        ['_0', (state as { count: number }).count],
        ['_1', -1],
      ],
    }
    const reading = { key: 'h', output: 'o', isWeighted: false, ignoreIndex: null, logits: null }
    const tally = new Tally()
    for (let i = 0; i < 2; i++) add(tally, 1, { 0: [1] }, { metrics: [reading] }, new Map([['h', counting]]))
    expect(seen).toEqual([0, 1])
    expect(tally.logs('', false)).toEqual({ loss: 1 })
    expect(tally.logs()).toEqual({ loss: 1, h_0: 2, h_1: -1 })
    expect(() => add(tally, 1, {}, { metrics: [reading] })).toThrow('no metric h')
  })
})
