// Learning rates against the golden cases (PyTorch, float64, printed with 10 digits), and misuse.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { remadeSchedule } from '../../src/model/remake.ts'
import { learningRateAt } from '../../src/session/rates.ts'
import { adam } from '../../src/training/optimizers.ts'
import {
  cosineDecay,
  exponentialDecay,
  inverseSqrtDecay,
  inverseTimeDecay,
  linearWarmup,
  multiStepDecay,
  polynomialDecay,
  type Schedule,
  stepDecay,
} from '../../src/training/schedules.ts'

// a schedule as the golden format writes it
type Golden =
  | { type: 'step'; step_size: number; gamma: number }
  | { type: 'multistep'; milestones: number[]; gamma: number }
  | { type: 'exponential'; gamma: number }
  | { type: 'cosine'; t_max: number; eta_min: number }
  | { type: 'polynomial'; total: number; power: number; end: number }
  | { type: 'linear_warmup'; warmup: number; after: Golden | null }
  | { type: 'inverse_time'; decay: number }
  | { type: 'inverse_sqrt'; warmup: number }
interface Case {
  id: string
  optimizer: { learning_rate: number; schedule: Golden | null } | null
  expected: { lrs: number[] }
}

function fromGolden(golden: Golden | null | undefined): Schedule | null {
  if (!golden) return null
  switch (golden.type) {
    case 'step':
      return stepDecay({ stepSize: golden.step_size, gamma: golden.gamma })
    case 'multistep':
      return multiStepDecay({ milestones: golden.milestones, gamma: golden.gamma })
    case 'exponential':
      return exponentialDecay({ gamma: golden.gamma })
    case 'cosine':
      return cosineDecay({ steps: golden.t_max, minimum: golden.eta_min })
    case 'polynomial':
      return polynomialDecay({ steps: golden.total, power: golden.power, end: golden.end })
    case 'linear_warmup':
      return linearWarmup({ steps: golden.warmup, after: fromGolden(golden.after) })
    case 'inverse_time':
      return inverseTimeDecay({ decay: golden.decay })
    case 'inverse_sqrt':
      return inverseSqrtDecay({ warmup: golden.warmup })
  }
}

const load = (group: string): Case[] =>
  JSON.parse(readFileSync(new URL(`../golden/${group}.json`, import.meta.url), 'utf8')).cases
const cases = [...load('optimizers'), ...load('nets')].filter((item) => item.optimizer)

const rateAt = (schedule: Schedule | null, base: number, step: number): number =>
  schedule?.rateAt(base, step) ?? base

describe('golden learning rates', () => {
  test('every kind of schedule is among the cases', () => {
    const kinds = new Set(cases.flatMap(({ optimizer }) => optimizer?.schedule?.type ?? []))
    expect(kinds.size).toBe(8)
  })
  test.each(cases)('$id', ({ optimizer, expected }) => {
    const schedule = fromGolden(optimizer?.schedule)
    expect(expected.lrs.length).toBeGreaterThan(0)
    expected.lrs.forEach((want, step) => {
      const got = rateAt(schedule, optimizer?.learning_rate ?? NaN, step)
      expect(Math.abs(got - want)).toBeLessThanOrEqual(1e-9 * want)
      const data = JSON.parse(JSON.stringify(schedule)) // as a frozen file holds it
      expect(learningRateAt(data, optimizer?.learning_rate ?? NaN, step)).toBe(got)
    })
  })
})

describe('schedules', () => {
  test('stay at their end', () => {
    expect(rateAt(cosineDecay({ steps: 10 }), 0.5, 1e6)).toBe(0)
    expect(rateAt(polynomialDecay({ steps: 10, end: 0.125 }), 0.5, 11)).toBe(0.125)
    expect(rateAt(polynomialDecay({ steps: 10 }), 0.5, 5)).toBe(0.25)
    expect(rateAt(polynomialDecay({ steps: 4, power: 0.5 }), 1, 3)).toBeCloseTo(0.5, 14)
  })
  test('are plain frozen data that survives JSON', () => {
    const schedule = linearWarmup({ steps: 5, after: multiStepDecay({ milestones: [3, 9], gamma: 0.1 }) })
    expect(schedule).toEqual({
      kind: 'linearWarmup',
      steps: 5,
      after: { kind: 'multiStepDecay', milestones: [3, 9], gamma: 0.1 },
    })
    expect(Object.isFrozen(schedule)).toBe(true)
    expect(remadeSchedule(JSON.parse(JSON.stringify(schedule)))).toEqual(schedule)
  })
  test('misuse is named', () => {
    expect(() => stepDecay({ stepSize: 0, gamma: 0.5 })).toThrow(
      'stepDecay: stepSize must be a positive integer; got 0',
    )
    expect(() => stepDecay({ stepSize: 2, gama: 0.5 } as never)).toThrow(
      'unknown stepDecay option "gama"; did you mean "gamma"?',
    )
    expect(() => exponentialDecay({} as never)).toThrow(
      'exponentialDecay: gamma must be a finite number > 0; got undefined',
    )
    expect(() => exponentialDecay({ gamma: NaN })).toThrow('got NaN')
    expect(() => multiStepDecay({ milestones: [5, 5], gamma: 0.1 })).toThrow(
      'milestones must be an increasing list of positive integers; got [5,5]',
    )
    expect(() => cosineDecay({ steps: 1.5 })).toThrow('cosineDecay: steps')
    expect(() => cosineDecay({ steps: 5, minimum: -1 })).toThrow(
      'cosineDecay: minimum must be a finite number >= 0',
    )
    expect(() => polynomialDecay({ steps: 5, power: 0 })).toThrow('polynomialDecay: power')
    expect(() => inverseTimeDecay({ decay: -1 })).toThrow('inverseTimeDecay: decay')
    expect(() => inverseSqrtDecay({ warmup: -4 })).toThrow('inverseSqrtDecay: warmup')
    expect(() => linearWarmup({ steps: 5, after: 3 as never })).toThrow(
      "linearWarmup: after: write after: cosineDecay({ steps: 1000 }), with cosineDecay from 'lanegrad'; got 3",
    )
    expect(() => adam({ schedule: { ...exponentialDecay({ gamma: 0.5 }) } })).toThrow(
      "adam: schedule: write schedule: cosineDecay({ steps: 1000 }), with cosineDecay from 'lanegrad'; got { kind, gamma }",
    )
  })
  test('data that none of them made is named', () => {
    const warmup = { kind: 'linearWarmup', steps: 5, after: { kind: 'cosineDcay' } }
    expect(() => remadeSchedule(warmup)).toThrow('unknown schedule "cosineDcay"; did you mean "cosineDecay"?')
    expect(() => remadeSchedule({ kind: 'toString' })).toThrow('unknown schedule "toString"')
    expect(() => remadeSchedule(3)).toThrow('schedule must be an object; got 3')
    expect(remadeSchedule(null)).toBe(null)
    expect(() => learningRateAt({ kind: 'toString' } as never, 1, 0)).toThrow('there is no schedule toString')
  })
})
