// What enters: a schedule (plain frozen data, also from a file), the base learning rate, the 0-based step.
// What leaves: the learning rate of that step, float64.
// Never uses Math's transcendental functions: a learning rate reaches the weights, so its bits must be the same on every engine.

import { fail } from '../numerics/errors.ts'
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

/** What each schedule holds. */
export interface Parameters {
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

type Rate<P> = (schedule: P, base: number, step: number) => number

const rates: { readonly [K in ScheduleName]: Rate<Parameters[K]> } = {
  stepDecay: ({ stepSize, gamma }, base, step) => base * pow(gamma, Math.floor(step / stepSize)),
  multiStepDecay: ({ milestones, gamma }, base, step) =>
    base * pow(gamma, milestones.filter((milestone) => milestone <= step).length),
  exponentialDecay: ({ gamma }, base, step) => base * pow(gamma, step),
  cosineDecay: ({ steps, minimum }, base, step) =>
    minimum + ((base - minimum) * (1 + cos(Math.PI * (Math.min(step, steps) / steps)))) / 2,
  polynomialDecay: ({ steps, power, end }, base, step) =>
    (base - end) * pow(1 - Math.min(step, steps) / steps, power) + end,
  linearWarmup: ({ steps, after }, base, step) =>
    step < steps ? (base * (step + 1)) / steps : learningRateAt(after, base, step - steps),
  inverseTimeDecay: ({ decay }, base, step) => base / (1 + decay * step),
  inverseSqrtDecay: ({ warmup }, base, step) =>
    base * Math.min(1 / Math.sqrt(step + 1), (step + 1) / (warmup * Math.sqrt(warmup))),
}

/** The learning rate of `step` (0-based) from a schedule; `base` itself if the schedule is null. */
export function learningRateAt(schedule: Schedule | null, base: number, step: number): number {
  if (!schedule) return base
  const { kind } = schedule
  const rate = Object.hasOwn(rates, kind) ? (rates[kind] as Rate<Schedule>) : null
  return rate ? rate(schedule, base, step) : fail(`no schedule ${kind}`)
}
