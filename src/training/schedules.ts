// Schedules of the learning rate: constructors of plain frozen data that brings its function (session/rates.ts).

import { bringing, broughtBy } from '../numerics/brought.ts'
import {
  must,
  NON_NEGATIVE,
  POSITIVE,
  POSITIVE_INTEGER,
  type Reader,
  type Rule,
  readOptions,
} from '../numerics/errors.ts'
import type {
  CosineDecayOptions,
  ExponentialDecayOptions,
  InverseSqrtDecayOptions,
  InverseTimeDecayOptions,
  LinearWarmupOptions,
  MultiStepDecayOptions,
  Parameters,
  PolynomialDecayOptions,
  Rate,
  Schedule,
  ScheduleName,
  StepDecayOptions,
} from '../session/rates.ts'
import * as rates from '../session/rates.ts'

export type {
  CosineDecayOptions,
  ExponentialDecayOptions,
  InverseSqrtDecayOptions,
  InverseTimeDecayOptions,
  LinearWarmupOptions,
  MultiStepDecayOptions,
  PolynomialDecayOptions,
  Schedule,
  ScheduleName,
  StepDecayOptions,
}

const MILESTONES: Rule<readonly number[]> = {
  expected: 'an increasing list of positive integers',
  holds: (value): value is readonly number[] =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((step, i) => Number.isSafeInteger(step) && step > (value[i - 1] ?? 0)),
}

type Options<P> = { readonly [K in keyof P]: Reader<P[K]> | readonly [Reader<P[K]>, P[K]] }

function makeSchedule<K extends ScheduleName>(
  kind: K,
  options: object,
  readers: Options<Parameters[K]>,
  rate: Rate<Parameters[K]>,
): Schedule {
  const own = readOptions(kind, options, readers) as unknown as Parameters[K]
  const rateAt = (base: number, step: number) => rate(own, base, step)
  return bringing({ kind, ...own }, { rateAt }) as unknown as Schedule
}

/** A schedule; null: none was given. @throws LanegradError that shows how one is written */
export const readSchedule = (given: Schedule | null, what: string): Schedule | null =>
  broughtBy(what, given, 'rateAt', 'cosineDecay({ steps: 1000 })')

/**
 * Decay in steps: base gamma^floor(step / stepSize). Here and in the other schedules, base is the optimizer's learningRate and
 * step counts updates from 0.
 * @throws LanegradError on an unknown or bad option
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
export const stepDecay = (options: StepDecayOptions): Schedule =>
  makeSchedule('stepDecay', options, { stepSize: POSITIVE_INTEGER, gamma: POSITIVE }, rates.stepDecay)
/**
 * Decay at milestones: base gamma^(number of milestones reached); `milestones` are increasing steps from 1.
 * @throws LanegradError on an unknown or bad option
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
  makeSchedule(
    'multiStepDecay',
    options,
    { milestones: (value, what) => Object.freeze([...must(MILESTONES, value, what)]), gamma: POSITIVE },
    rates.multiStepDecay,
  )
/**
 * Exponential decay: base gamma^step, gamma > 0.
 * @throws LanegradError on an unknown or bad option
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
  makeSchedule('exponentialDecay', options, { gamma: POSITIVE }, rates.exponentialDecay)
/**
 * Cosine decay (Loshchilov and Hutter 2017): half a cosine from base to `minimum` (default 0; Keras's alpha is a fraction of
 * base) over `steps`, then `minimum`.
 * @throws LanegradError on an unknown or bad option
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
export const cosineDecay = (options: CosineDecayOptions): Schedule =>
  makeSchedule(
    'cosineDecay',
    options,
    { steps: POSITIVE_INTEGER, minimum: [NON_NEGATIVE, 0] },
    rates.cosineDecay,
  )
/**
 * Polynomial decay: (base - end) (1 - step / steps)^power + end, then `end` (default 0); power 1 (default) is a straight line.
 * @throws LanegradError on an unknown or bad option
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
  makeSchedule(
    'polynomialDecay',
    options,
    { steps: POSITIVE_INTEGER, power: [POSITIVE, 1], end: [NON_NEGATIVE, 0] },
    rates.polynomialDecay,
  )
/**
 * Linear warmup: base (step + 1) / steps during the first `steps`, then the schedule `after`, counted from there, or base
 * (default: null).
 * @throws LanegradError on an unknown or bad option
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
export const linearWarmup = (options: LinearWarmupOptions): Schedule =>
  makeSchedule(
    'linearWarmup',
    options,
    { steps: POSITIVE_INTEGER, after: [readSchedule, null] },
    (own, base, step) =>
      rates.linearWarmup((rate, later) => own.after?.rateAt(rate, later) ?? rate)(own, base, step),
  )
/**
 * Inverse time decay: base / (1 + decay step), decay >= 0.
 * @throws LanegradError on an unknown or bad option
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
  makeSchedule('inverseTimeDecay', options, { decay: NON_NEGATIVE }, rates.inverseTimeDecay)
/**
 * Inverse square root decay (Vaswani et al. 2017): base min((step + 1)^-1/2, (step + 1) warmup^-3/2). It rises over `warmup`
 * steps, to base / sqrt(warmup), and then falls.
 * @throws LanegradError on an unknown or bad option
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
  makeSchedule('inverseSqrtDecay', options, { warmup: POSITIVE_INTEGER }, rates.inverseSqrtDecay)
