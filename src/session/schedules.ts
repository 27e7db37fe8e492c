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
  reading,
  readOptions,
  unknownName,
} from '../numerics/errors.ts'
import { cos, pow } from '../numerics/exact.ts'

/** Options of `stepDecay`. */
export interface StepDecayOptions {
  /** Steps from one decay to the next. */
  readonly stepSize: number
  /** Factor of each decay, > 0. */
  readonly gamma: number
}

/** Options of `multiStepDecay`. */
export interface MultiStepDecayOptions {
  /**
   * Increasing steps from 1: a decay acts from step `milestone` on (PyTorch's rule; the boundaries of Keras's
   * PiecewiseConstantDecay act from the step behind them).
   */
  readonly milestones: readonly number[]
  /** Factor of each decay, > 0. */
  readonly gamma: number
}

/** Options of `exponentialDecay`. */
export interface ExponentialDecayOptions {
  /** Factor of every step, > 0: of Keras's schedule of this name, decay_rate^(1 / decay_steps). */
  readonly gamma: number
}

/** Options of `cosineDecay`. */
export interface CosineDecayOptions {
  /** Steps until `minimum` is reached. */
  readonly steps: number
  /** The learning rate at the end, >= 0: a rate, where Keras's alpha is a fraction of the first one. Default 0. */
  readonly minimum?: number
}

/** Options of `polynomialDecay`. */
export interface PolynomialDecayOptions {
  /** Steps until `end` is reached. */
  readonly steps: number
  /** Exponent of the part that is left, > 0. Default 1: a straight line. */
  readonly power?: number
  /** The learning rate at the end, >= 0. Default 0 (Keras: 0.0001). */
  readonly end?: number
}

/** Options of `linearWarmup`. */
export interface LinearWarmupOptions {
  /** Steps until the full rate is reached. */
  readonly steps: number
  /** What comes then, its steps counted from there. Default null: the rate stays. */
  readonly after?: Schedule | null
}

/** Options of `inverseTimeDecay`. */
export interface InverseTimeDecayOptions {
  /** Per step, >= 0: of Keras's schedule of this name, decay_rate / decay_steps. */
  readonly decay: number
}

/** Options of `inverseSqrtDecay`. */
export interface InverseSqrtDecayOptions {
  /** Steps in which the rate rises. */
  readonly warmup: number
}

interface Parameters {
  stepDecay: StepDecayOptions
  multiStepDecay: MultiStepDecayOptions
  exponentialDecay: ExponentialDecayOptions
  cosineDecay: Required<CosineDecayOptions>
  polynomialDecay: Required<PolynomialDecayOptions>
  linearWarmup: Required<LinearWarmupOptions>
  inverseTimeDecay: InverseTimeDecayOptions
  inverseSqrtDecay: InverseSqrtDecayOptions
}
/** The name of a schedule. */
export type ScheduleName = keyof Parameters

/** A learning rate that changes from step to step: what the functions of these names give. */
export type Schedule = { [K in ScheduleName]: { readonly kind: K } & Parameters[K] }[ScheduleName]

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
    options: { steps: POSITIVE_INTEGER, after: [readScheduleOrNull, null] },
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

/**
 * base gamma^floor(step / stepSize): base is the optimizer's learningRate, step counts updates from 0, here and in the
 * other schedules.
 * @throws LanegradError on an unknown or unfit option
 * @example
 * ```js
 * import { dense, sequential, sgd, stepDecay } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1, useBias: false, kernelInitializer: 'zeros' })] })
 * const schedule = stepDecay({ stepSize: 2, gamma: 0.5 })
 * model.compile({ optimizer: sgd({ learningRate: 1, schedule }), loss: 'meanAbsoluteError' })
 * // the gradient is -1: every step lessens the loss by its learning rate
 * const losses = Array.from({ length: 7 }, () => model.trainStep([[1]], [9]).loss)
 * console.log(losses.slice(1).map((loss, i) => losses[i] - loss).join(' ')) // 1 1 0.5 0.5 0.25 0.25
 * ```
 */
export const stepDecay = (options: StepDecayOptions): Schedule => makeSchedule('stepDecay', options)
/**
 * base gamma^(number of milestones reached); `milestones` are increasing steps from 1.
 * @throws LanegradError on an unknown or unfit option
 * @example
 * ```js
 * import { dense, multiStepDecay, sequential, sgd } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1, useBias: false, kernelInitializer: 'zeros' })] })
 * const schedule = multiStepDecay({ milestones: [1, 3], gamma: 0.5 })
 * model.compile({ optimizer: sgd({ learningRate: 1, schedule }), loss: 'meanAbsoluteError' })
 * // the gradient is -1: every step lessens the loss by its learning rate
 * const losses = Array.from({ length: 6 }, () => model.trainStep([[1]], [9]).loss)
 * console.log(losses.slice(1).map((loss, i) => losses[i] - loss).join(' ')) // 1 0.5 0.5 0.25 0.25
 * ```
 */
export const multiStepDecay = (options: MultiStepDecayOptions): Schedule =>
  makeSchedule('multiStepDecay', options)
/**
 * base gamma^step, gamma > 0.
 * @throws LanegradError on an unknown or unfit option
 * @example
 * ```js
 * import { dense, exponentialDecay, sequential, sgd } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1, useBias: false, kernelInitializer: 'zeros' })] })
 * const schedule = exponentialDecay({ gamma: 0.5 })
 * model.compile({ optimizer: sgd({ learningRate: 1, schedule }), loss: 'meanAbsoluteError' })
 * // the gradient is -1: every step lessens the loss by its learning rate
 * const losses = Array.from({ length: 5 }, () => model.trainStep([[1]], [9]).loss)
 * console.log(losses.slice(1).map((loss, i) => losses[i] - loss).join(' ')) // 1 0.5 0.25 0.125
 * ```
 */
export const exponentialDecay = (options: ExponentialDecayOptions): Schedule =>
  makeSchedule('exponentialDecay', options)
/**
 * Half a cosine from base to `minimum` (0, a rate; Keras's alpha is a fraction of base) over `steps`, then `minimum`.
 * Loshchilov and Hutter 2017.
 * @throws LanegradError on an unknown or unfit option
 * @example
 * ```js
 * import { cosineDecay, dense, sequential, sgd } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1, useBias: false, kernelInitializer: 'zeros' })] })
 * const schedule = cosineDecay({ steps: 4 })
 * model.compile({ optimizer: sgd({ learningRate: 1, schedule }), loss: 'meanAbsoluteError' })
 * // the gradient is -1: every step lessens the loss by its learning rate
 * const losses = Array.from({ length: 6 }, () => model.trainStep([[1]], [9]).loss)
 * console.log(losses.slice(1).map((loss, i) => (losses[i] - loss).toFixed(3)).join(' ')) // 1.000 0.854 0.500 0.146 0.000
 * ```
 */
export const cosineDecay = (options: CosineDecayOptions): Schedule => makeSchedule('cosineDecay', options)
/**
 * (base - end) (1 - step / steps)^power + end, then `end` (0); power 1 (default) is a straight line.
 * @throws LanegradError on an unknown or unfit option
 * @example
 * ```js
 * import { dense, polynomialDecay, sequential, sgd } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1, useBias: false, kernelInitializer: 'zeros' })] })
 * const schedule = polynomialDecay({ steps: 4, power: 2 })
 * model.compile({ optimizer: sgd({ learningRate: 1, schedule }), loss: 'meanAbsoluteError' })
 * // the gradient is -1: every step lessens the loss by its learning rate
 * const losses = Array.from({ length: 7 }, () => model.trainStep([[1]], [9]).loss)
 * console.log(losses.slice(1).map((loss, i) => losses[i] - loss).join(' ')) // 1 0.5625 0.25 0.0625 0 0
 * ```
 */
export const polynomialDecay = (options: PolynomialDecayOptions): Schedule =>
  makeSchedule('polynomialDecay', options)
/**
 * base (step + 1) / steps during the first `steps`, then the schedule `after`, counted from there, or base (default: null).
 * @throws LanegradError on an unknown or unfit option
 * @example
 * ```js
 * import { dense, exponentialDecay, linearWarmup, sequential, sgd } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1, useBias: false, kernelInitializer: 'zeros' })] })
 * const schedule = linearWarmup({ steps: 4, after: exponentialDecay({ gamma: 0.5 }) })
 * model.compile({ optimizer: sgd({ learningRate: 1, schedule }), loss: 'meanAbsoluteError' })
 * // the gradient is -1: every step lessens the loss by its learning rate
 * const losses = Array.from({ length: 7 }, () => model.trainStep([[1]], [9]).loss)
 * console.log(losses.slice(1).map((loss, i) => losses[i] - loss).join(' ')) // 0.25 0.5 0.75 1 1 0.5
 * ```
 */
export const linearWarmup = (options: LinearWarmupOptions): Schedule => makeSchedule('linearWarmup', options)
/**
 * base / (1 + decay step), decay >= 0.
 * @throws LanegradError on an unknown or unfit option
 * @example
 * ```js
 * import { dense, inverseTimeDecay, sequential, sgd } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1, useBias: false, kernelInitializer: 'zeros' })] })
 * const schedule = inverseTimeDecay({ decay: 3 })
 * model.compile({ optimizer: sgd({ learningRate: 1, schedule }), loss: 'meanAbsoluteError' })
 * // the gradient is -1: every step lessens the loss by its learning rate
 * const losses = Array.from({ length: 5 }, () => model.trainStep([[1]], [9]).loss)
 * console.log(losses.slice(1).map((loss, i) => (losses[i] - loss).toFixed(3)).join(' ')) // 1.000 0.250 0.143 0.100
 * ```
 */
export const inverseTimeDecay = (options: InverseTimeDecayOptions): Schedule =>
  makeSchedule('inverseTimeDecay', options)
/**
 * base min((step + 1)^-1/2, (step + 1) warmup^-3/2). Vaswani et al. 2017. It rises over `warmup` steps, to base / sqrt(warmup),
 * and then falls.
 * @throws LanegradError on an unknown or unfit option
 * @example
 * ```js
 * import { dense, inverseSqrtDecay, sequential, sgd } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1, useBias: false, kernelInitializer: 'zeros' })] })
 * const schedule = inverseSqrtDecay({ warmup: 4 })
 * model.compile({ optimizer: sgd({ learningRate: 1, schedule }), loss: 'meanAbsoluteError' })
 * // the gradient is -1: every step lessens the loss by its learning rate
 * const losses = Array.from({ length: 7 }, () => model.trainStep([[1]], [9]).loss)
 * console.log(losses.slice(1).map((loss, i) => (losses[i] - loss).toFixed(3)).join(' ')) // 0.125 0.250 0.375 0.500 0.447 0.408
 * ```
 */
export const inverseSqrtDecay = (options: InverseSqrtDecayOptions): Schedule =>
  makeSchedule('inverseSqrtDecay', options)

/** Plain data, from a file say, as a checked, frozen schedule with all defaults filled in. @throws LanegradError */
export function readSchedule(data: { readonly kind: string }): Schedule {
  check(isObject(data), 'schedule', 'an object', data)
  return reading('schedule', () => {
    const { kind, ...options } = data
    return makeSchedule(kind, options)
  })
}

function readScheduleOrNull(data: Schedule | null, what: string): Schedule | null {
  check(typeof data === 'object', what, 'a schedule or null', data)
  return data && readSchedule(data)
}

function rowOf(kind: string): Row<unknown> {
  if (typeof kind !== 'string' || !Object.hasOwn(schedules, kind))
    unknownName('schedule', kind, Object.keys(schedules))
  return schedules[kind as ScheduleName] as Row<unknown>
}

const makeSchedule = (kind: string, options: object): Schedule =>
  Object.freeze({ kind, ...readOptions(kind, options, rowOf(kind).options) }) as Schedule

/** The learning rate of `step` (0-based) from a checked schedule; `base` itself if the schedule is null. */
export const learningRateAt = (schedule: Schedule | null, base: number, step: number): number =>
  schedule ? rowOf(schedule.kind).at(schedule, base, step) : base
