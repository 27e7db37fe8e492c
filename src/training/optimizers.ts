// Optimizers: plain data made by constructors, and the UpdateSpec the planner turns into instructions. The
// update formulas stand in assembly/kernels/optimizer.ts. Order in a step: gradient, clip, weight decay, update.
import * as abi from '../../assembly/abi.ts'
import {
  check,
  checkOptions,
  FINITE,
  NON_NEGATIVE,
  POSITIVE,
  POSITIVE_INTEGER,
  type Rule,
  unknownName,
} from '../numerics/errors.ts'
import { pow } from '../numerics/exact.ts'
import { trainingModule } from '../operations/training.ts'
import type { Clip, UpdateSpec } from '../plan/update.ts'
import { type Schedule, toSchedule } from './schedules.ts'

const RATE: Rule = {
  expected: 'a number from 0 up to, not including, 1',
  holds: (x) => FINITE.holds(x) && (x as number) >= 0 && (x as number) < 1,
}
const FLAG: Rule = { expected: 'a boolean', holds: (x) => typeof x === 'boolean' }
const STEPS: Rule = {
  expected: 'a positive integer or null',
  holds: (x) => x === null || (POSITIVE_INTEGER.holds(x) && (x as number) < 0x1000000),
}

export interface OptimizerOptions {
  readonly learningRate?: number
  /** Changes the learning rate from step to step; null (default): constant. */
  readonly schedule?: Schedule | null
  /** Limits the norm of each parameter's gradient. */
  readonly clipNorm?: number | null
  /** Limits each element of the gradients to [-clipValue, clipValue]. */
  readonly clipValue?: number | null
  /** Limits the norm of all gradients together. */
  readonly globalClipNorm?: number | null
  /**
   * Keep a moving average e of the weights w beside them: e = emaMomentum e + (1 - emaMomentum) w after every update,
   * e = w after the first. `model.emaWeights()` gives it. Default false.
   */
  readonly useEma?: boolean
  /** Default 0.99. */
  readonly emaMomentum?: number
  /** Every so many updates the weights take the average's values; null (default): never. */
  readonly emaOverwriteFrequency?: number | null
  /**
   * Update only at every so many steps, with the mean of their gradients: as one step on a batch so many times as
   * large, in the memory of the small one. Default null: at every step.
   */
  readonly gradientAccumulationSteps?: number | null
}

/** Options of every optimizer, with their defaults. */
const shared = {
  useEma: false,
  emaMomentum: 0.99,
  emaOverwriteFrequency: null,
  gradientAccumulationSteps: null,
}
type Shared = Readonly<{
  useEma: boolean
  emaMomentum: number
  emaOverwriteFrequency: number | null
  gradientAccumulationSteps: number | null
}>

interface Common extends Shared {
  readonly learningRate: number
  readonly schedule: Schedule | null
  readonly clip: Clip | null
}

/** The own parameters of each optimizer with their defaults (Keras 3; radam: PyTorch). */
const parameters = {
  sgd: { learningRate: 0.01, momentum: 0, nesterov: false, weightDecay: 0 },
  rmsprop: { learningRate: 0.001, rho: 0.9, momentum: 0, epsilon: 1e-7, centered: false, weightDecay: 0 },
  adagrad: { learningRate: 0.001, initialAccumulatorValue: 0.1, epsilon: 1e-7, weightDecay: 0 },
  adadelta: { learningRate: 0.001, rho: 0.95, epsilon: 1e-7, weightDecay: 0 },
  adam: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, amsgrad: false, weightDecay: 0 },
  adamw: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, amsgrad: false, weightDecay: 0.004 },
  nadam: {
    learningRate: 0.001,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-7,
    momentumDecay: 0.004,
    weightDecay: 0,
  },
  radam: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
  adamax: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weightDecay: 0 },
  lion: { learningRate: 0.001, beta1: 0.9, beta2: 0.99, weightDecay: 0 },
}
type Parameters = typeof parameters
export type OptimizerName = keyof Parameters

/** An optimizer as plain data: what the constructors make and what a saved model holds. */
export type Optimizer = {
  [K in OptimizerName]: Readonly<{ kind: K } & Common & Parameters[K]>
}[OptimizerName]

type Options<K extends OptimizerName> = OptimizerOptions & Partial<Readonly<Parameters[K]>>

const rules: Readonly<Record<string, Rule>> = {
  learningRate: NON_NEGATIVE,
  momentum: RATE,
  rho: RATE,
  beta1: RATE,
  beta2: RATE,
  epsilon: NON_NEGATIVE,
  weightDecay: NON_NEGATIVE,
  momentumDecay: NON_NEGATIVE,
  initialAccumulatorValue: NON_NEGATIVE,
  nesterov: FLAG,
  centered: FLAG,
  amsgrad: FLAG,
  useEma: FLAG,
  emaMomentum: RATE,
  emaOverwriteFrequency: STEPS,
  gradientAccumulationSteps: STEPS,
}

function readClip(kind: string, { clipNorm, clipValue, globalClipNorm }: OptimizerOptions): Clip | null {
  const given = (
    [
      ['norm', 'clipNorm', clipNorm],
      ['value', 'clipValue', clipValue],
      ['globalNorm', 'globalClipNorm', globalClipNorm],
    ] as const
  ).filter(([, , limit]) => limit !== null && limit !== undefined)
  check(
    given.length <= 1,
    `${kind}: clipping`,
    'one of clipNorm, clipValue and globalClipNorm',
    given.map(([, key]) => key).join(' and '),
  )
  if (given.length === 0) return null
  const [clip, key, limit] = given[0]
  check(POSITIVE.holds(limit), `${kind}: ${key}`, POSITIVE.expected, limit)
  return { kind: clip, limit: limit as number }
}

const clipKeys = { norm: 'clipNorm', value: 'clipValue', globalNorm: 'globalClipNorm' } as const

function make<K extends OptimizerName>(kind: K, options: Options<K>): Optimizer {
  const defaults: Readonly<Record<string, number | boolean | null>> = { ...parameters[kind], ...shared }
  checkOptions(kind, options, [...Object.keys(defaults), 'schedule', ...Object.values(clipKeys)])
  const values: Record<string, unknown> = {}
  for (const [key, fallback] of Object.entries(defaults)) {
    const value = (options as Record<string, unknown>)[key] ?? fallback
    check(rules[key].holds(value), `${kind}: ${key}`, rules[key].expected, value)
    values[key] = value
  }
  const schedule = options.schedule ? toSchedule(options.schedule) : null
  return Object.freeze({ kind, ...values, schedule, clip: readClip(kind, options) }) as unknown as Optimizer
}

/** Stochastic gradient descent; learningRate 0.01, momentum 0, nesterov false, weightDecay 0 (L2). */
export const sgd = (options: Options<'sgd'> = {}): Optimizer => make('sgd', options)
/** RMSprop (Tieleman and Hinton 2012; centered: Graves 2013); rho 0.9, epsilon 1e-7 outside the root. */
export const rmsprop = (options: Options<'rmsprop'> = {}): Optimizer => make('rmsprop', options)
/** Adagrad (Duchi et al. 2011); initialAccumulatorValue 0.1. */
export const adagrad = (options: Options<'adagrad'> = {}): Optimizer => make('adagrad', options)
/** Adadelta (Zeiler 2012); rho 0.95, epsilon inside the root. */
export const adadelta = (options: Options<'adadelta'> = {}): Optimizer => make('adadelta', options)
/** Adam (Kingma and Ba 2015); amsgrad: Reddi et al. 2018; weightDecay is L2, added to the gradient. */
export const adam = (options: Options<'adam'> = {}): Optimizer => make('adam', options)
/** Adam with decoupled weight decay (Loshchilov and Hutter 2019); weightDecay 0.004. */
export const adamw = (options: Options<'adamw'> = {}): Optimizer => make('adamw', options)
/** Adam with Nesterov momentum (Dozat 2016); momentumDecay 0.004. */
export const nadam = (options: Options<'nadam'> = {}): Optimizer => make('nadam', options)
/** Rectified Adam (Liu et al. 2020). */
export const radam = (options: Options<'radam'> = {}): Optimizer => make('radam', options)
/** Adamax, Adam on the infinity norm (Kingma and Ba 2015). */
export const adamax = (options: Options<'adamax'> = {}): Optimizer => make('adamax', options)
/** Lion (Chen et al. 2023); decoupled weightDecay. */
export const lion = (options: Options<'lion'> = {}): Optimizer => make('lion', options)

/** Every optimizer's constructor by name. */
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

/** A name or an Optimizer to a checked Optimizer. @throws LanegradError */
export function readOptimizer(optimizer: OptimizerName | Optimizer): Optimizer {
  const kind = typeof optimizer === 'object' && optimizer !== null ? optimizer.kind : optimizer
  if (typeof kind !== 'string' || !Object.hasOwn(optimizers, kind))
    unknownName('optimizer', kind, Object.keys(optimizers))
  if (typeof optimizer === 'string') return make(kind, {})
  const { kind: _, clip, ...options } = optimizer
  return make(kind, {
    ...options,
    ...(clip && { [clipKeys[clip.kind]]: clip.limit }),
  } as Options<OptimizerName>)
}

/** What the planner needs to know of an optimizer. */
export function updateOf(optimizer: Optimizer): UpdateSpec {
  const make = (
    code: number,
    slotNames: readonly string[],
    rest: {
      a?: number
      b?: number
      epsilon?: number
      momentum?: number
      extra?: number
      flags?: number
      slotStart?: number
    } = {},
  ): UpdateSpec => {
    const { a = 0, b = 0, epsilon = 0, momentum = 0, extra = 0, flags = 0, slotStart = 0 } = rest
    const constants = [a, b, epsilon, optimizer.weightDecay, momentum, extra] as const
    const { useEma, emaMomentum, emaOverwriteFrequency, gradientAccumulationSteps } = optimizer
    const accumulationSteps = gradientAccumulationSteps ?? 1
    return {
      optimizer: optimizer.kind,
      code,
      flags,
      constants,
      slotNames: [
        ...slotNames,
        ...(accumulationSteps > 1 ? ['accumulator'] : []),
        ...(useEma ? ['ema'] : []),
      ],
      slotStart,
      clip: optimizer.clip,
      accumulationSteps,
      ema: useEma ? { momentum: emaMomentum, every: emaOverwriteFrequency ?? 0 } : null,
      module: trainingModule,
    }
  }
  switch (optimizer.kind) {
    case 'sgd': {
      const { momentum, nesterov } = optimizer
      return make(abi.OPTIMIZER_SGD, momentum > 0 ? ['velocity'] : [], {
        momentum,
        flags: nesterov ? abi.UPDATE_NESTEROV : 0,
      })
    }
    case 'rmsprop': {
      const { rho: a, epsilon, momentum, centered } = optimizer
      const slots = ['square', ...(centered ? ['mean'] : []), ...(momentum > 0 ? ['velocity'] : [])]
      return make(abi.OPTIMIZER_RMSPROP, slots, {
        a,
        epsilon,
        momentum,
        flags: centered ? abi.UPDATE_CENTERED : 0,
      })
    }
    case 'adagrad':
      return make(abi.OPTIMIZER_ADAGRAD, ['square'], {
        epsilon: optimizer.epsilon,
        slotStart: optimizer.initialAccumulatorValue,
      })
    case 'adadelta':
      return make(abi.OPTIMIZER_ADADELTA, ['square', 'update'], {
        a: optimizer.rho,
        epsilon: optimizer.epsilon,
      })
    case 'adam':
    case 'adamw': {
      const { beta1: a, beta2: b, epsilon, amsgrad } = optimizer
      const flags =
        (amsgrad ? abi.UPDATE_AMSGRAD : 0) | (optimizer.kind === 'adamw' ? abi.UPDATE_DECOUPLED : 0)
      return make(abi.OPTIMIZER_ADAM, ['mean', 'square', ...(amsgrad ? ['squareMax'] : [])], {
        a,
        b,
        epsilon,
        flags,
      })
    }
    case 'nadam': {
      const { beta1: a, beta2: b, epsilon, momentumDecay } = optimizer
      return make(abi.OPTIMIZER_NADAM, ['mean', 'square'], { a, b, epsilon, extra: pow(0.96, momentumDecay) })
    }
    case 'radam':
      return make(abi.OPTIMIZER_RADAM, ['mean', 'square'], {
        a: optimizer.beta1,
        b: optimizer.beta2,
        epsilon: optimizer.epsilon,
      })
    case 'adamax':
      return make(abi.OPTIMIZER_ADAMAX, ['mean', 'norm'], {
        a: optimizer.beta1,
        b: optimizer.beta2,
        epsilon: optimizer.epsilon,
      })
    case 'lion':
      return make(abi.OPTIMIZER_LION, ['mean'], { a: optimizer.beta1, b: optimizer.beta2 })
  }
}
