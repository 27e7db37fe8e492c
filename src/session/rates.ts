// Enters: a schedule (plain frozen data, also from a file), the base learning rate, the 0-based step.
// Leaves: the learning rate of that step, float64.
// Never uses Math's transcendental functions: a learning rate reaches the weights, so its bits must be the same on every engine.

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
  /** The schedule behind the warmup, its steps counted from there. Default null: the rate stays. */
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

/** The data of each schedule. */
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

/** A schedule as plain data. */
export type ScheduleData = { [K in ScheduleName]: { readonly kind: K } & Parameters[K] }[ScheduleName]

/** A learning rate that changes from step to step: what the functions of these names make. */
export type Schedule = ScheduleData & {
  /** The rate of a step, counted from 0; `base` is what the schedule starts from. @internal */
  rateAt(base: number, step: number): number
}

export type Rate<P> = (schedule: P, base: number, step: number) => number

export const stepDecay: Rate<StepDecayOptions> = ({ stepSize, gamma }, base, step) =>
  base * pow(gamma, Math.floor(step / stepSize))

export const multiStepDecay: Rate<MultiStepDecayOptions> = ({ milestones, gamma }, base, step) =>
  base * pow(gamma, milestones.filter((milestone) => milestone <= step).length)

export const exponentialDecay: Rate<ExponentialDecayOptions> = ({ gamma }, base, step) =>
  base * pow(gamma, step)

export const cosineDecay: Rate<Required<CosineDecayOptions>> = ({ steps, minimum }, base, step) =>
  minimum + ((base - minimum) * (1 + cos(Math.PI * (Math.min(step, steps) / steps)))) / 2

export const polynomialDecay: Rate<Required<PolynomialDecayOptions>> = ({ steps, power, end }, base, step) =>
  (base - end) * pow(1 - Math.min(step, steps) / steps, power) + end

/** `after` has the rate of the steps behind the warmup. */
export const linearWarmup =
  (after: (base: number, step: number) => number): Rate<{ readonly steps: number }> =>
  ({ steps }, base, step) =>
    step < steps ? (base * (step + 1)) / steps : after(base, step - steps)

export const inverseTimeDecay: Rate<InverseTimeDecayOptions> = ({ decay }, base, step) =>
  base / (1 + decay * step)

export const inverseSqrtDecay: Rate<InverseSqrtDecayOptions> = ({ warmup }, base, step) =>
  base * Math.min(1 / Math.sqrt(step + 1), (step + 1) / (warmup * Math.sqrt(warmup)))

const rates: { readonly [K in ScheduleName]: Rate<Parameters[K]> } = {
  stepDecay,
  multiStepDecay,
  exponentialDecay,
  cosineDecay,
  polynomialDecay,
  linearWarmup: (schedule, base, step) =>
    linearWarmup((rate, later) => learningRateAt(schedule.after, rate, later))(schedule, base, step),
  inverseTimeDecay,
  inverseSqrtDecay,
}

/**
 * The learning rate of `step` (0-based) from a schedule that a file holds; `base` itself if the schedule is null. A schedule
 * that its constructor made brings this function: `rateAt`.
 */
export function learningRateAt(schedule: ScheduleData | null, base: number, step: number): number {
  if (!schedule) return base
  const { kind } = schedule
  // not a LanegradError: the class of `lanegrad/run`, which reads the schedule, is another one than that of its modules
  if (!Object.hasOwn(rates, kind)) throw new TypeError(`there is no schedule ${kind}`)
  return (rates[kind] as Rate<ScheduleData>)(schedule, base, step)
}
