// An optimizer: plain data with its formula, made by constructors (optimizers.ts, rare-optimizers.ts), and the UpdateSpec that the
// planner turns into instructions.
import * as abi from '../../assembly/abi.ts'
import { bringing, broughtBy, writeInstead } from '../numerics/brought.ts'
import {
  BOOLEAN,
  check,
  isFunction,
  isRecord,
  must,
  NON_NEGATIVE,
  number,
  POSITIVE,
  type Reader,
  type Rule,
  reading,
  readOptions,
  SHARE,
} from '../numerics/errors.ts'
import type { Clip, UpdateSpec } from '../plan/update.ts'
import { byName } from '../session/named.ts'
import type { Accumulation } from './accumulation.ts'
import type { MovingAverage } from './moving-average.ts'
import type { OptimizerOptions } from './optimizer-options.ts'
import { readSchedule, type Schedule } from './schedules.ts'

/** Options of every optimizer, with their defaults. */
const shared = {
  schedule: null,
  ema: null,
  accumulation: null,
  weightDecay: 0,
  excludeFromWeightDecay: null,
  learningRateMultipliers: null,
}

/** The name of an optimizer that can be given by name (optimizers.ts). The others are given by value: `lion()`. */
export type OptimizerName = 'sgd' | 'rmsprop' | 'adam' | 'adamw' | 'radam'

/** The name of an optimizer that is given by value alone (rare-optimizers.ts). */
export type RareOptimizerName = 'adagrad' | 'adadelta' | 'nadam' | 'adamax' | 'lion'

/** The own part of an optimizer, which its constructor brings. */
export interface Formula {
  /** Its own parameters with their defaults. */
  readonly parameters: Readonly<Record<string, number | boolean>>
  /** OPTIMIZER_*. Default: 0, where its kernel has no other */
  readonly code?: number
  /** The slots that it keeps for every weight; `updateOf` adds further ones. */
  readonly slots: readonly string[]
  /** UPDATE_*. Default: none. */
  readonly flags?: number
  /** The code of its kernel, and the module of that. Default: OP_UPDATE of the core. */
  readonly kernel?: UpdateSpec['kernel']
  /** A constant made of its parameters (UPDATE_EXTRA). Default: 0. */
  extra?(optimizer: Optimizer): number
}

/** An optimizer as plain data, made by the constructors and held by saved models. */
export interface Optimizer {
  /** Its name. */
  readonly kind: OptimizerName | RareOptimizerName
  /** What it is made of. @internal */
  formula(): Formula
  /** The learning rate before `schedule`. */
  readonly learningRate: number
  readonly schedule: Schedule | null
  /** The kind and limit of clipping; null: none. */
  readonly clip: Clip | null
  readonly weightDecay: number
  /** What doesn't decay; null: everything does. */
  readonly excludeFromWeightDecay?: OptimizerOptions['excludeFromWeightDecay']
  /** Factors of the learning rate by name; null: none. */
  readonly learningRateMultipliers?: OptimizerOptions['learningRateMultipliers']
  readonly ema: MovingAverage | null
  readonly accumulation: Accumulation | null
  // parameters that only some kinds have
  readonly momentum?: number
  readonly nesterov?: boolean
  readonly rho?: number
  readonly epsilon?: number
  readonly centered?: boolean
  readonly initialAccumulatorValue?: number
  readonly beta1?: number
  readonly beta2?: number
  readonly amsgrad?: boolean
  readonly momentumDecay?: number
}

/** The rule for shares that kernels take in float64. */
const DOUBLE_SHARE = number(SHARE.expected, (value) => value >= 0 && value < 1)

const EXCLUDED: Rule<NonNullable<OptimizerOptions['excludeFromWeightDecay']>> = {
  expected: 'a list of names, a function of a name, or null',
  holds: (value): value is NonNullable<OptimizerOptions['excludeFromWeightDecay']> =>
    isFunction(value) || (Array.isArray(value) && value.every((name) => typeof name === 'string')),
}

const MULTIPLIERS: Rule<Readonly<Record<string, number>>> = {
  expected: 'an object of numbers from 0 up by name, or null',
  holds: (value): value is Readonly<Record<string, number>> =>
    isRecord(value) && Object.values(value).every((factor) => NON_NEGATIVE.holds(factor)),
}

/** A reader that makes undefined of null: files don't hold what isn't given. */
const unlessNull =
  <T>(rule: Rule<T>) =>
  (value: T | null, what: string): T | undefined =>
    value === null ? undefined : must(rule, value, what)

/** The readers of options that aren't such shares. */
const readers: Readonly<Record<string, Reader<unknown>>> = {
  learningRate: number(NON_NEGATIVE.expected, (value) => value === 0 || POSITIVE.holds(value)),
  epsilon: NON_NEGATIVE,
  weightDecay: NON_NEGATIVE,
  momentumDecay: NON_NEGATIVE,
  initialAccumulatorValue: NON_NEGATIVE,
  nesterov: BOOLEAN,
  centered: BOOLEAN,
  amsgrad: BOOLEAN,
  excludeFromWeightDecay: unlessNull(EXCLUDED),
  learningRateMultipliers: unlessNull(MULTIPLIERS),
  schedule: readSchedule,
  ema: (given: MovingAverage | null, what) => broughtBy(what, given, 'average', AVERAGE),
  accumulation: (given: Accumulation | null, what) => broughtBy(what, given, 'accumulate', ACCUMULATE),
}

const AVERAGE = 'movingAverage()'
const ACCUMULATE = 'accumulateGradients(4)'

/** Refuses the options that `ema` and `accumulation` are now, in Keras's words as well. */
function refuseOld(kind: string, options: object): void {
  for (const key of Object.keys(options)) {
    const isAverage = /^(use_?ema|ema_?[mo])/i.test(key)
    if (!isAverage && !/^gradient_?acc/i.test(key)) continue
    const [now, form] = isAverage ? ['ema', AVERAGE] : ['accumulation', ACCUMULATE]
    writeInstead(`${kind}: ${key}`, now, form, options[key as keyof typeof options])
  }
}

export const clipKeys = { norm: 'clipNorm', value: 'clipValue', globalNorm: 'globalClipNorm' } as const

function readClip(kind: string, options: OptimizerOptions): Clip | null {
  const given = (['norm', 'value', 'globalNorm'] as const).filter(
    (clip) => (options[clipKeys[clip]] ?? null) !== null,
  )
  check(
    given.length <= 1,
    `${kind}: clipping`,
    'one of clipNorm, clipValue and globalClipNorm',
    given.map((clip) => clipKeys[clip]).join(' and '),
  )
  if (given.length === 0) return null
  const key = clipKeys[given[0]]
  return { kind: given[0], limit: must(POSITIVE, options[key], `${kind}: ${key}`) }
}

/** Checked and frozen. @throws LanegradError on an unknown or bad option */
export function makeOptimizer(kind: Optimizer['kind'], formula: Formula, options: object): Optimizer {
  const own: Record<string, readonly [Reader<unknown>, unknown]> = {}
  const defaults: Readonly<Record<string, unknown>> = { ...shared, ...formula.parameters }
  for (const key of Object.keys(defaults)) own[key] = [readers[key] ?? DOUBLE_SHARE, defaults[key]]
  const others = Object.values(clipKeys)
  reading(`${kind} options`, () => refuseOld(kind, Object(options)))
  const values = readOptions(kind, options, own, others)
  const clip = reading(`${kind} options`, () => readClip(kind, options))
  const data = { kind, ...values, clip } as unknown as Optimizer
  return bringing(data, { formula: () => formula })
}

/**
 * The optimizer with the names of the weights that don't decay, and of those with rates of their own.
 * @throws LanegradError on a name that no weight or layer has
 */
export function resolveNames(optimizer: Optimizer, weights: readonly string[]): Optimizer {
  const { kind, excludeFromWeightDecay: excluded, learningRateMultipliers: multipliers, formula } = optimizer
  const what = `${kind}: excludeFromWeightDecay`
  const named = <T>(what: string, given: readonly [string, T][]) =>
    byName(`${what}: weight or layer`, given, weights)
  const undecayed =
    typeof excluded === 'function'
      ? weights.filter((weight) =>
          must(
            BOOLEAN,
            reading(what, () => excluded(weight)),
            `${what}: of ${weight}`,
          ),
        )
      : excluded && [
          ...named(
            what,
            excluded.map((name) => [name, true]),
          ).keys(),
        ]
  const rates =
    multipliers && Object.fromEntries(named(`${kind}: learningRateMultipliers`, Object.entries(multipliers)))
  return bringing(
    { ...optimizer, excludeFromWeightDecay: undecayed, learningRateMultipliers: rates },
    { formula },
  )
}

/**
 * The update of an optimizer for the planner; `groups`: the number of losses whose gradients accumulate apart
 * (groups.ts).
 */
export function updateOf(optimizer: Optimizer, groups: number): UpdateSpec {
  const { kind, weightDecay, clip, ema, accumulation, learningRateMultipliers: multipliers } = optimizer
  const excluded = optimizer.excludeFromWeightDecay as readonly string[] | undefined // names by now
  const { beta1 = 0, beta2 = 0, rho = beta1, epsilon = 0, momentum = 0 } = optimizer
  const { code = 0, slots, flags = 0, kernel = { code: abi.OP_UPDATE }, extra } = optimizer.formula()
  const isAccumulating = accumulation !== null && accumulation.steps > 1
  return {
    optimizer: kind,
    code,
    kernel,
    flags:
      flags |
      (optimizer.nesterov ? abi.UPDATE_NESTEROV : 0) |
      (optimizer.centered ? abi.UPDATE_CENTERED : 0) |
      (optimizer.amsgrad ? abi.UPDATE_AMSGRAD : 0),
    constants(weight) {
      const decay = excluded?.includes(weight) ? 0 : weightDecay
      const rate = multipliers?.[weight] ?? 1
      const all = [rho, beta2, epsilon, decay, momentum, extra?.(optimizer) ?? 0]
      return rate === 1 ? all : [...all, rate]
    },
    slotNames: [
      ...slots,
      ...(optimizer.centered ? ['mean'] : []),
      ...(optimizer.amsgrad ? ['squareMax'] : []),
      ...(momentum > 0 ? ['velocity'] : []),
      ...(isAccumulating ? accumulation.slotNames(groups) : []),
      ...(ema ? ['ema'] : []),
    ],
    slotStart: optimizer.initialAccumulatorValue ?? 0,
    clip,
    accumulation: isAccumulating ? accumulation : null,
    groups,
    ema,
  }
}
