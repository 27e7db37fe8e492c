// Optimizers: plain data made by constructors, and the UpdateSpec that the planner turns into instructions. The formulas of
// updates stand in assembly/kernels/optimizer.ts. Order in a step: gradient, clip, weight decay, update.
import * as abi from '../../assembly/abi.ts'
import { optimizersModule } from '../binaries/core.ts'
import { broughtBy, writeInstead } from '../numerics/brought.ts'
import {
  BOOLEAN,
  check,
  checkOptions,
  isFunction,
  isObject,
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
  unknownName,
} from '../numerics/errors.ts'
import { pow } from '../numerics/exact.ts'
import type { Clip, UpdateSpec } from '../plan/update.ts'
import type { Accumulation } from './accumulation.ts'
import type { MovingAverage } from './moving-average.ts'
import type {
  AdadeltaOptions,
  AdagradOptions,
  AdamaxOptions,
  AdamOptions,
  AdamwOptions,
  LionOptions,
  NadamOptions,
  OptimizerOptions,
  RadamOptions,
  RmspropOptions,
  SgdOptions,
} from './optimizer-options.ts'
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

/** The own parameters of each optimizer with their defaults (Keras 3; radam, momentumDecay: PyTorch). */
const parameters = {
  sgd: { learningRate: 0.01, momentum: 0, nesterov: false },
  rmsprop: { learningRate: 0.001, rho: 0.9, momentum: 0, epsilon: 1e-7, centered: false },
  adagrad: { learningRate: 0.001, initialAccumulatorValue: 0.1, epsilon: 1e-7 },
  adadelta: { learningRate: 0.001, rho: 0.95, epsilon: 1e-7 },
  adam: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, amsgrad: false },
  adamw: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, amsgrad: false, weightDecay: 0.004 },
  nadam: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, momentumDecay: 0.004 },
  radam: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
  adamax: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 },
  lion: { learningRate: 0.001, beta1: 0.9, beta2: 0.99 },
}

/** The code of each formula and the slots that it keeps for every weight; `updateOf` adds further slots. */
const kernels: Readonly<Record<OptimizerName, readonly [code: number, ...slots: string[]]>> = {
  sgd: [abi.OPTIMIZER_SGD],
  rmsprop: [abi.OPTIMIZER_RMSPROP, 'square'],
  adagrad: [abi.OPTIMIZER_ADAGRAD, 'square'],
  adadelta: [abi.OPTIMIZER_ADADELTA, 'square', 'update'],
  adam: [abi.OPTIMIZER_ADAM, 'mean', 'square'],
  adamw: [abi.OPTIMIZER_ADAM, 'mean', 'square'],
  nadam: [abi.OPTIMIZER_NADAM, 'mean', 'square'],
  radam: [abi.OPTIMIZER_RADAM, 'mean', 'square'],
  adamax: [abi.OPTIMIZER_ADAMAX, 'mean', 'norm'],
  lion: [abi.OPTIMIZER_LION, 'mean'],
}

/** The name of an optimizer. */
export type OptimizerName = keyof typeof parameters

/** An optimizer as plain data, made by the constructors and held by saved models. */
export interface Optimizer {
  /** Its name. */
  readonly kind: OptimizerName
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

const EXCLUDED: Rule<OptimizerOptions['excludeFromWeightDecay']> = {
  expected: 'a list of names, a function of a name, or null',
  holds: (value): value is OptimizerOptions['excludeFromWeightDecay'] =>
    value === null ||
    isFunction(value) ||
    (Array.isArray(value) && value.every((name) => typeof name === 'string')),
}

const MULTIPLIERS: Rule<OptimizerOptions['learningRateMultipliers']> = {
  expected: 'an object of numbers from 0 up by name, or null',
  holds: (value): value is OptimizerOptions['learningRateMultipliers'] =>
    value === null || (isRecord(value) && Object.values(value).every((factor) => NON_NEGATIVE.holds(factor))),
}

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
  excludeFromWeightDecay: EXCLUDED,
  learningRateMultipliers: MULTIPLIERS,
  schedule: readSchedule,
  ema: (given: MovingAverage | null, what) => broughtBy(what, given, 'average', AVERAGE),
  accumulation: (given: Accumulation | null, what) => broughtBy(what, given, 'accumulate', ACCUMULATE),
}

const AVERAGE = 'movingAverage()'
const ACCUMULATE = 'accumulateGradients(4)'

/** Refuses the options that `ema` and `accumulation` are now, in Keras's words as well. */
function refuseOld(kind: string, options: object): void {
  for (const [key, value] of Object.entries(options)) {
    const what = `${kind}: ${key}`
    if (/^(use_?ema|ema_?[mo])/i.test(key)) writeInstead(what, 'ema', AVERAGE, value)
    if (/^gradient_?acc/i.test(key)) writeInstead(what, 'accumulation', ACCUMULATE, value)
  }
}

const clipKeys = { norm: 'clipNorm', value: 'clipValue', globalNorm: 'globalClipNorm' } as const

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

function makeOptimizer(kind: OptimizerName, options: OptimizerOptions): Optimizer {
  const defaults = Object.entries({ ...shared, ...parameters[kind] })
  const own = Object.fromEntries(
    defaults.map(([key, value]) => [key, [readers[key] ?? DOUBLE_SHARE, value] as const]),
  )
  const others = Object.values(clipKeys)
  reading(`${kind} options`, () => refuseOld(kind, Object(options)))
  const read = checkOptions(kind, options, [...Object.keys(own), ...others])
  const {
    excludeFromWeightDecay: excluded,
    learningRateMultipliers: multipliers,
    ...values
  } = readOptions(kind, read, own, others)
  return Object.freeze({
    ...{ kind, ...values, ...(excluded !== null && { excludeFromWeightDecay: excluded }) },
    ...(multipliers !== null && { learningRateMultipliers: multipliers }),
    clip: readClip(kind, read),
  }) as unknown as Optimizer
}

/**
 * Stochastic gradient descent; learningRate 0.01, momentum 0, nesterov false, weightDecay 0 (L2: added to the gradient, as
 * in PyTorch; Keras's acts on the weight).
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { dense, sequential, sgd } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1, useBias: false, kernelInitializer: 'zeros' })] })
 * model.compile({ optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }), loss: 'meanAbsoluteError' }) // the gradient is -x
 * const weightAfter = (x) => model.trainStep([[x]], [100]) && model.predict([[1]]).data[0].toFixed(3)
 * // steps of 0.1, 0.19 and 0.271: each keeps 0.9 of the one before
 * console.log(weightAfter(1), weightAfter(1), weightAfter(1)) // 0.100 0.290 0.561
 * ```
 */
export const sgd = (options: SgdOptions = {}): Optimizer => makeOptimizer('sgd', options)
/**
 * RMSprop (Tieleman and Hinton 2012; centered: Graves 2013); learningRate 0.001, rho 0.9, momentum 0, centered false,
 * epsilon 1e-7 outside the root, weightDecay 0 (L2).
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { dense, rmsprop, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1, useBias: false, kernelInitializer: 'zeros' })] })
 * model.compile({ optimizer: rmsprop({ learningRate: 0.01 }), loss: 'meanAbsoluteError' }) // the gradient is -x
 * const weightAfter = (x) => model.trainStep([[x]], [100]) && model.predict([[1]]).data[0].toFixed(4)
 * // the mean square starts at 0: the first steps are large, 0.01 / sqrt(0.1) and 0.01 / sqrt(0.19)
 * console.log(weightAfter(4), weightAfter(4), weightAfter(4)) // 0.0316 0.0546 0.0738
 * ```
 */
export const rmsprop = (options: RmspropOptions = {}): Optimizer => makeOptimizer('rmsprop', options)
/**
 * Adagrad (Duchi et al. 2011); learningRate 0.001, initialAccumulatorValue 0.1, epsilon 1e-7 outside the root, weightDecay
 * 0 (L2).
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { adagrad, dense, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1, useBias: false, kernelInitializer: 'zeros' })] })
 * model.compile({ optimizer: adagrad({ learningRate: 0.1 }), loss: 'meanAbsoluteError' }) // the gradient is -x
 * const weightAfter = (x) => model.trainStep([[x]], [100]) && model.predict([[1]]).data[0].toFixed(4)
 * // squared gradients add up: steps of 0.4 / sqrt(16.1), 0.4 / sqrt(32.1) and 0.4 / sqrt(48.1)
 * console.log(weightAfter(4), weightAfter(4), weightAfter(4)) // 0.0997 0.1703 0.2280
 * ```
 */
export const adagrad = (options: AdagradOptions = {}): Optimizer => makeOptimizer('adagrad', options)
/**
 * Adadelta (Zeiler 2012); learningRate 0.001 (the paper has none, so 1), rho 0.95, epsilon 1e-7 inside the roots,
 * weightDecay 0 (L2).
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { adadelta, dense, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1, useBias: false, kernelInitializer: 'zeros' })] })
 * model.compile({ optimizer: adadelta({ learningRate: 1 }), loss: 'meanAbsoluteError' }) // the gradient is -x
 * const weightAfter = (x) => model.trainStep([[x]], [100]) && model.predict([[1]]).data[0].toFixed(5)
 * // the size of a step comes from the steps before, the first from epsilon: sqrt(1e-7 / 0.05)
 * console.log(weightAfter(4), weightAfter(4), weightAfter(4)) // 0.00141 0.00285 0.00429
 * ```
 */
export const adadelta = (options: AdadeltaOptions = {}): Optimizer => makeOptimizer('adadelta', options)
/**
 * Adam (Kingma and Ba 2015); amsgrad: Reddi et al. 2018. learningRate 0.001, beta1 0.9, beta2 0.999, epsilon 1e-7, amsgrad
 * false, weightDecay 0 (L2: added to the gradient; see `adamw`).
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { adam, dense, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
 * model.compile({ optimizer: adam({ learningRate: 0.1 }), loss: 'meanSquaredError' })
 * console.log(model.learningRate) // 0.1
 * ```
 */
export const adam = (options: AdamOptions = {}): Optimizer => makeOptimizer('adam', options)
/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019): the weight shrinks by learningRate weightDecay beside its
 * step. weightDecay 0.004, the others as of `adam`.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { adamw, dense, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1, useBias: false, kernelInitializer: 'ones' })] })
 * model.compile({ optimizer: adamw({ learningRate: 0.1, weightDecay: 0.1 }), loss: 'meanAbsoluteError' }) // the gradient is -x
 * const weightAfter = (x) => model.trainStep([[x]], [100]) && model.predict([[1]]).data[0].toFixed(4)
 * // from 1 on: 0.99 times the weight, and a step of 0.1
 * console.log(weightAfter(1), weightAfter(1), weightAfter(1)) // 1.0900 1.1791 1.2673
 * ```
 */
export const adamw = (options: AdamwOptions = {}): Optimizer => makeOptimizer('adamw', options)
/**
 * Adam with Nesterov momentum (Dozat 2016); learningRate 0.001, beta1 0.9, beta2 0.999, epsilon 1e-7, momentumDecay 0.004,
 * weightDecay 0 (L2).
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { dense, nadam, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1, useBias: false, kernelInitializer: 'zeros' })] })
 * model.compile({ optimizer: nadam({ learningRate: 0.1 }), loss: 'meanAbsoluteError' }) // the gradient is -x
 * const weightAfter = (x) => model.trainStep([[x]], [100]) && model.predict([[1]]).data[0].toFixed(4)
 * // adam would take steps of 0.1; here the gradient counts once more beside its mean, most of all at first
 * console.log(weightAfter(4), weightAfter(4), weightAfter(4)) // 0.1056 0.1840 0.2572
 * ```
 */
export const nadam = (options: NadamOptions = {}): Optimizer => makeOptimizer('nadam', options)
/**
 * Rectified Adam (Liu et al. 2020): while too few gradients have been seen to tell their variance, steps are momentum
 * alone. learningRate 0.001, beta1 0.9, beta2 0.999, epsilon 1e-8, weightDecay 0 (L2).
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { dense, radam, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1, useBias: false, kernelInitializer: 'zeros' })] })
 * model.compile({ optimizer: radam({ learningRate: 0.01 }), loss: 'meanAbsoluteError' }) // the gradient is -x
 * const weightAfter = (x) => model.trainStep([[x]], [100]) && model.predict([[1]]).data[0].toFixed(2)
 * // five steps of 0.01 times the gradient, then the rectified ones of adam
 * console.log([4, 4, 4, 4, 4, 4].map(weightAfter).join(' ')) // 0.04 0.08 0.12 0.16 0.20 0.20
 * ```
 */
export const radam = (options: RadamOptions = {}): Optimizer => makeOptimizer('radam', options)
/**
 * Adamax, Adam on the infinity norm (Kingma and Ba 2015); learningRate 0.001, beta1 0.9, beta2 0.999, epsilon 1e-7,
 * weightDecay 0 (L2).
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { adamax, dense, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1, useBias: false, kernelInitializer: 'zeros' })] })
 * model.compile({ optimizer: adamax({ learningRate: 0.1 }), loss: 'meanAbsoluteError' }) // the gradient is -x
 * const weightAfter = (x) => model.trainStep([[x]], [100]) && model.predict([[1]]).data[0].toFixed(4)
 * // the mean gradient is divided by the largest so far, 4, which fades slowly
 * console.log(weightAfter(4), weightAfter(1), weightAfter(1)) // 0.1000 0.1606 0.2081
 * ```
 */
export const adamax = (options: AdamaxOptions = {}): Optimizer => makeOptimizer('adamax', options)
/**
 * Lion (Chen et al. 2023): every step is learningRate, up or down. learningRate 0.001 (take less than for adam), beta1 0.9,
 * beta2 0.99, weightDecay 0 (decoupled, as of `adamw`).
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { dense, lion, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1, useBias: false, kernelInitializer: 'zeros' })] })
 * model.compile({ optimizer: lion({ learningRate: 0.01 }), loss: 'meanAbsoluteError' }) // the gradient is -x
 * const weightAfter = (x) => model.trainStep([[x]], [100]) && model.predict([[1]]).data[0].toFixed(3)
 * // large or small, only the sign of the mean gradient counts
 * console.log(weightAfter(4), weightAfter(0.25), weightAfter(100)) // 0.010 0.020 0.030
 * ```
 */
export const lion = (options: LionOptions = {}): Optimizer => makeOptimizer('lion', options)

/**
 * The constructors of all optimizers by name, for a choice that comes from outside.
 * @example
 * ```js
 * import { dense, optimizers, sequential } from 'lanegrad'
 *
 * const settings = { optimizer: 'nadam', learningRate: 0.01 } // from a form, say
 * const model = sequential({ inputShape: [2], layers: [dense({ units: 1 })] })
 * const { optimizer, ...options } = settings
 * model.compile({ optimizer: optimizers[optimizer](options), loss: 'meanSquaredError' })
 * console.log(model.learningRate) // 0.01
 * console.log(Object.keys(optimizers).join(' ')) // sgd rmsprop adagrad adadelta adam adamw nadam radam adamax lion
 * ```
 */
export const optimizers = {
  sgd,
  rmsprop,
  adagrad,
  adadelta,
  adam,
  adamw,
  nadam,
  radam,
  adamax,
  lion,
} as const

/** A name or an Optimizer as a checked Optimizer. @throws LanegradError */
export function readOptimizer(optimizer: OptimizerName | Optimizer): Optimizer {
  const kind = isObject(optimizer) ? optimizer.kind : optimizer
  if (typeof kind !== 'string' || !Object.hasOwn(parameters, kind))
    unknownName('optimizer', isObject(optimizer) ? (kind ?? optimizer) : kind, Object.keys(parameters))
  if (typeof optimizer === 'string') return makeOptimizer(kind, {})
  const { kind: _, clip, ...options } = optimizer
  return makeOptimizer(kind, {
    ...options,
    ...(clip && { [clipKeys[clip.kind]]: clip.limit }),
  })
}

/** Whether `name` is a weight's, its layer's, that of a model around it, or what all weights of its kind are called. */
const isOf = (weight: string, name: string): boolean =>
  weight === name ||
  [`${name}/`, `${name}.`].some((head) => weight.startsWith(head)) ||
  weight.endsWith(`/${name}`)

/** @throws LanegradError on a name that no weight or layer has */
function checkNames(what: string, names: readonly string[], weights: readonly string[]): void {
  for (const name of names)
    if (!weights.some((weight) => isOf(weight, name))) unknownName(`${what}: weight or layer`, name, weights)
}

/** The optimizer with the names of the weights that don't decay, and of those with rates of their own. @throws LanegradError */
export function resolveNames(optimizer: Optimizer, weights: readonly string[]): Optimizer {
  const { learningRateMultipliers: given } = optimizer
  const known = resolveExcluded(optimizer, weights)
  if (!given) return known
  checkNames(`${optimizer.kind}: learningRateMultipliers`, Object.keys(given), weights)
  const rates: Record<string, number> = {}
  for (const [name, rate] of Object.entries(given))
    for (const weight of weights) if (isOf(weight, name)) rates[weight] = rate
  return Object.freeze({ ...known, learningRateMultipliers: rates })
}

/** The optimizer with the names of the weights that don't decay. @throws LanegradError on a name that no weight or layer has */
function resolveExcluded(optimizer: Optimizer, weights: readonly string[]): Optimizer {
  const { excludeFromWeightDecay: given } = optimizer
  if (!given) return optimizer
  const what = `${optimizer.kind}: excludeFromWeightDecay`
  if (typeof given !== 'function') checkNames(what, given, weights)
  const names = weights.filter((weight) =>
    typeof given === 'function'
      ? must(
          BOOLEAN,
          reading(what, () => given(weight)),
          `${what}: of ${weight}`,
        )
      : given.some((name) => isOf(weight, name)),
  )
  return Object.freeze({ ...optimizer, excludeFromWeightDecay: names })
}

/**
 * The update of an optimizer for the planner; `groups`: the number of losses whose gradients accumulate apart
 * (network/groups.ts).
 */
export function updateOf(optimizer: Optimizer, groups: number): UpdateSpec {
  const { kind, weightDecay, clip, ema, accumulation, excludeFromWeightDecay: excluded } = optimizer
  const { beta1 = 0, beta2 = 0, rho = beta1, epsilon = 0, momentum = 0, momentumDecay } = optimizer
  const [code, ...slots] = kernels[kind]
  const isAccumulating = accumulation !== null && accumulation.steps > 1
  return {
    optimizer: kind,
    code,
    kernel:
      code <= abi.OPTIMIZER_RADAM
        ? { code: abi.OP_UPDATE }
        : { code: abi.OP_RARE_UPDATE, module: optimizersModule },
    flags:
      (optimizer.nesterov ? abi.UPDATE_NESTEROV : 0) |
      (optimizer.centered ? abi.UPDATE_CENTERED : 0) |
      (optimizer.amsgrad ? abi.UPDATE_AMSGRAD : 0) |
      (kind === 'adamw' ? abi.UPDATE_DECOUPLED : 0),
    constants: [
      rho,
      beta2,
      epsilon,
      weightDecay,
      momentum,
      momentumDecay === undefined ? 0 : pow(0.96, momentumDecay),
    ],
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
    rates: optimizer.learningRateMultipliers ?? {},
    undecayed: weightDecay > 0 && Array.isArray(excluded) ? excluded : [],
    accumulation: isAccumulating ? accumulation : null,
    groups,
    ema,
  }
}
