// What enters: a schedule (plain frozen data, also from a file), the base learning rate, the 0-based step.
// What leaves: the learning rate of that step, float64.
// May assume nothing about the options. Never uses Math's transcendental functions: a learning rate
// reaches the weights, so its bits must be the same on every engine.

import {
  check,
  NON_NEGATIVE,
  POSITIVE,
  POSITIVE_INTEGER,
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
export type Schedule = { [K in ScheduleName]: { readonly kind: K } & Parameters[K] }[ScheduleName]
type Options<K extends ScheduleName, Optional extends keyof Parameters[K] = never> = Omit<
  Parameters[K],
  Optional
> &
  Partial<Pick<Parameters[K], Optional>>

const MILESTONES: Rule = {
  expected: 'an increasing list of positive integers',
  holds: (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((step, i) => Number.isSafeInteger(step) && step > (value[i - 1] ?? 0)),
}
const SCHEDULE: Rule = { expected: 'a schedule or null', holds: (value) => typeof value === 'object' }

const RULES: { readonly [K in ScheduleName]: { readonly [P in keyof Parameters[K]]: Rule } } = {
  stepDecay: { stepSize: POSITIVE_INTEGER, gamma: POSITIVE },
  multiStepDecay: { milestones: MILESTONES, gamma: POSITIVE },
  exponentialDecay: { gamma: POSITIVE },
  cosineDecay: { steps: POSITIVE_INTEGER, minimum: NON_NEGATIVE },
  polynomialDecay: { steps: POSITIVE_INTEGER, power: POSITIVE, end: NON_NEGATIVE },
  linearWarmup: { steps: POSITIVE_INTEGER, after: SCHEDULE },
  inverseTimeDecay: { decay: NON_NEGATIVE },
  inverseSqrtDecay: { warmup: POSITIVE_INTEGER },
}
const DEFAULTS = {
  cosineDecay: { minimum: 0 },
  polynomialDecay: { power: 1, end: 0 },
  linearWarmup: { after: null },
}

/** base gamma^floor(step / stepSize). @throws LanegradError on bad options, as all of these do. */
export const stepDecay = (options: Options<'stepDecay'>) => make('stepDecay', options)
/** base gamma^(number of milestones reached); `milestones` are increasing steps. */
export const multiStepDecay = (options: Options<'multiStepDecay'>) => make('multiStepDecay', options)
/** base gamma^step. */
export const exponentialDecay = (options: Options<'exponentialDecay'>) => make('exponentialDecay', options)
/** Half a cosine from base to `minimum` (0) over `steps`, then `minimum`. Loshchilov and Hutter 2017. */
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
  check(typeof data === 'object' && data !== null, 'schedule', 'an object', data)
  const { kind, ...options } = data
  if (typeof kind !== 'string' || !Object.hasOwn(RULES, kind))
    unknownName('schedule', kind, Object.keys(RULES))
  return make(kind as ScheduleName, options)
}

function make(kind: ScheduleName, options: object): Schedule {
  const defaults: Partial<Record<ScheduleName, object>> = DEFAULTS
  const read = readOptions<Record<string, unknown>>(
    kind,
    options,
    RULES[kind],
    defaults[kind] as Record<string, unknown>,
  )
  if (read.after) read.after = toSchedule(read.after as Schedule)
  if (read.milestones) read.milestones = Object.freeze([...(read.milestones as number[])])
  return Object.freeze({ kind, ...read }) as Schedule
}

/** The learning rate of `step` (0-based) from a checked schedule; `base` itself if the schedule is null. */
export function learningRateAt(schedule: Schedule | null, base: number, step: number): number {
  if (schedule === null) return base
  switch (schedule.kind) {
    case 'stepDecay':
      return base * pow(schedule.gamma, Math.floor(step / schedule.stepSize))
    case 'multiStepDecay':
      return base * pow(schedule.gamma, schedule.milestones.filter((milestone) => milestone <= step).length)
    case 'exponentialDecay':
      return base * pow(schedule.gamma, step)
    case 'cosineDecay': {
      const turn = Math.PI * (Math.min(step, schedule.steps) / schedule.steps)
      return schedule.minimum + ((base - schedule.minimum) * (1 + cos(turn))) / 2
    }
    case 'polynomialDecay': {
      const left = 1 - Math.min(step, schedule.steps) / schedule.steps
      return (base - schedule.end) * pow(left, schedule.power) + schedule.end
    }
    case 'linearWarmup':
      return step < schedule.steps
        ? (base * (step + 1)) / schedule.steps
        : learningRateAt(schedule.after, base, step - schedule.steps)
    case 'inverseTimeDecay':
      return base / (1 + schedule.decay * step)
    case 'inverseSqrtDecay':
      return (
        base * Math.min(1 / Math.sqrt(step + 1), (step + 1) / (schedule.warmup * Math.sqrt(schedule.warmup)))
      )
    default:
      return unknownName('schedule', (schedule as { kind: unknown }).kind, Object.keys(RULES))
  }
}
