// What enters: a schedule (plain frozen data, also from a file), the base learning rate, the 0-based step.
// What leaves: the learning rate of that step, float64.
// May assume nothing about the options. Never uses Math's transcendental functions: a learning rate
// reaches the weights, so its bits must be the same on every engine.

import {
  check,
  isObject,
  must,
  NON_NEGATIVE,
  POSITIVE,
  POSITIVE_INTEGER,
  type Reader,
  type Rule,
  readOptions,
  unknownName,
} from '../numerics/errors.ts'
import { cos, pow } from '../numerics/exact.ts'

interface Parameters {
  stepDecay: { readonly stepSize: number; readonly gamma: number }
  multiStepDecay: { readonly milestones: readonly number[]; readonly gamma: number }
  exponentialDecay: { readonly gamma: number }
  cosineDecay: { readonly steps: number; readonly minimum: number }
  polynomialDecay: { readonly steps: number; readonly power: number; readonly end: number }
  linearWarmup: { readonly steps: number; readonly after: Schedule | null }
  inverseTimeDecay: { readonly decay: number }
  inverseSqrtDecay: { readonly warmup: number }
}
export type ScheduleName = keyof Parameters
/** A learning rate that changes from step to step. */
export type Schedule = { [K in ScheduleName]: { readonly kind: K } & Parameters[K] }[ScheduleName]
type Options<K extends ScheduleName, Optional extends keyof Parameters[K] = never> = Omit<
  Parameters[K],
  Optional
> &
  Partial<Pick<Parameters[K], Optional>>

const MILESTONES: Rule<readonly number[]> = {
  expected: 'an increasing list of positive integers',
  holds: (value): value is readonly number[] =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((step, i) => Number.isSafeInteger(step) && step > (value[i - 1] ?? 0)),
}

interface Row<P> {
  readonly options: { readonly [K in keyof P]: Reader<P[K]> | readonly [Reader<P[K]>, P[K]] }
  /** The learning rate of a step. */
  at(schedule: P, base: number, step: number): number
}

const schedules: { readonly [K in ScheduleName]: Row<Parameters[K]> } = {
  stepDecay: {
    options: { stepSize: POSITIVE_INTEGER, gamma: POSITIVE },
    at: ({ stepSize, gamma }, base, step) => base * pow(gamma, Math.floor(step / stepSize)),
  },
  multiStepDecay: {
    options: {
      milestones: (value, what) => Object.freeze([...must(MILESTONES, value, what)]),
      gamma: POSITIVE,
    },
    at: ({ milestones, gamma }, base, step) =>
      base * pow(gamma, milestones.filter((milestone) => milestone <= step).length),
  },
  exponentialDecay: {
    options: { gamma: POSITIVE },
    at: ({ gamma }, base, step) => base * pow(gamma, step),
  },
  cosineDecay: {
    options: { steps: POSITIVE_INTEGER, minimum: [NON_NEGATIVE, 0] },
    at({ steps, minimum }, base, step) {
      const turn = Math.PI * (Math.min(step, steps) / steps)
      return minimum + ((base - minimum) * (1 + cos(turn))) / 2
    },
  },
  polynomialDecay: {
    options: { steps: POSITIVE_INTEGER, power: [POSITIVE, 1], end: [NON_NEGATIVE, 0] },
    at: ({ steps, power, end }, base, step) =>
      (base - end) * pow(1 - Math.min(step, steps) / steps, power) + end,
  },
  linearWarmup: {
    options: { steps: POSITIVE_INTEGER, after: [toOptional, null] },
    at: ({ steps, after }, base, step) =>
      step < steps ? (base * (step + 1)) / steps : learningRateAt(after, base, step - steps),
  },
  inverseTimeDecay: {
    options: { decay: NON_NEGATIVE },
    at: ({ decay }, base, step) => base / (1 + decay * step),
  },
  inverseSqrtDecay: {
    options: { warmup: POSITIVE_INTEGER },
    at: ({ warmup }, base, step) =>
      base * Math.min(1 / Math.sqrt(step + 1), (step + 1) / (warmup * Math.sqrt(warmup))),
  },
}

/** base gamma^floor(step / stepSize). @throws LanegradError on bad options, as all of these do. */
export const stepDecay = (options: Options<'stepDecay'>) => make('stepDecay', options)
/** base gamma^(number of milestones reached); `milestones` are increasing steps. */
export const multiStepDecay = (options: Options<'multiStepDecay'>) => make('multiStepDecay', options)
/** base gamma^step. */
export const exponentialDecay = (options: Options<'exponentialDecay'>) => make('exponentialDecay', options)
/**
 * Half a cosine from base to `minimum` (0) over `steps`, then `minimum`. Loshchilov and Hutter 2017.
 * @example
 * ```js
 * import { cosineDecay, dense, sequential, sgd } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
 * model.compile({ optimizer: sgd({ learningRate: 0.1, schedule: cosineDecay({ steps: 500 }) }), loss: 'meanSquaredError' })
 * model.trainStep([[1]], [2])
 * ```
 */
export const cosineDecay = (options: Options<'cosineDecay', 'minimum'>) => make('cosineDecay', options)
/** (base - end) (1 - step / steps)^power + end, then `end` (0); power 1 is a straight line. */
export const polynomialDecay = (options: Options<'polynomialDecay', 'power' | 'end'>) =>
  make('polynomialDecay', options)
/** base (step + 1) / steps during the first `steps`, then the schedule `after`, counted from there, or base. */
export const linearWarmup = (options: Options<'linearWarmup', 'after'>) => make('linearWarmup', options)
/** base / (1 + decay step). */
export const inverseTimeDecay = (options: Options<'inverseTimeDecay'>) => make('inverseTimeDecay', options)
/** base min((step + 1)^-1/2, (step + 1) warmup^-3/2). Vaswani et al. 2017. */
export const inverseSqrtDecay = (options: Options<'inverseSqrtDecay'>) => make('inverseSqrtDecay', options)

/** Plain data, from a file say, as a checked, frozen schedule with all defaults filled in. @throws LanegradError */
export function toSchedule(data: { readonly kind: string }): Schedule {
  check(isObject(data), 'schedule', 'an object', data)
  const { kind, ...options } = data
  return make(kind, options)
}

function toOptional(data: Schedule | null, what: string): Schedule | null {
  check(typeof data === 'object', what, 'a schedule or null', data)
  return data && toSchedule(data)
}

function rowOf(kind: string): Row<unknown> {
  if (typeof kind !== 'string' || !Object.hasOwn(schedules, kind))
    unknownName('schedule', kind, Object.keys(schedules))
  return schedules[kind as ScheduleName] as Row<unknown>
}

const make = (kind: string, options: object): Schedule =>
  Object.freeze({ kind, ...readOptions(kind, options, rowOf(kind).options) }) as Schedule

/** The learning rate of `step` (0-based) from a checked schedule; `base` itself if the schedule is null. */
export const learningRateAt = (schedule: Schedule | null, base: number, step: number): number =>
  schedule ? rowOf(schedule.kind).at(schedule, base, step) : base
