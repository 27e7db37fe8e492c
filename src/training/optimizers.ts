// Optimizers: plain data made by constructors, and the UpdateSpec the planner turns into instructions. The
// update formulas stand in assembly/kernels/optimizer.ts. Order in a step: gradient, clip, weight decay, update.
import * as abi from '../../assembly/abi.ts'
import {
  BOOLEAN,
  check,
  isObject,
  must,
  NON_NEGATIVE,
  orNull,
  POSITIVE,
  POSITIVE_INTEGER,
  type Reader,
  type Rule,
  readOptions,
  SHARE,
  unknownName,
} from '../numerics/errors.ts'
import { pow } from '../numerics/exact.ts'
import { trainingModule } from '../operations/training.ts'
import type { Clip, UpdateSpec } from '../plan/update.ts'
import { type Schedule, toSchedule } from './schedules.ts'

const STEPS: Rule<number> = {
  expected: 'a positive integer',
  holds: (x): x is number => POSITIVE_INTEGER.holds(x) && x < 0x1000000,
}

/** Options that every optimizer takes. */
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
  emaOverwriteFrequency: null as number | null,
  gradientAccumulationSteps: null as number | null,
  weightDecay: 0,
}

interface Common {
  readonly schedule: Schedule | null
  readonly clip: Clip | null
}

/** The own parameters of each optimizer with their defaults (Keras 3; radam: PyTorch). */
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

/** What each keeps of every weight, and the code of its formula; further slots: `updateOf`. */
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

type Parameters = typeof parameters
export type OptimizerName = keyof Parameters

/** An optimizer as plain data: what the constructors make and what a saved model holds. */
export type Optimizer = {
  [K in OptimizerName]: Readonly<{ kind: K } & Common & typeof shared & Parameters[K]>
}[OptimizerName]

type Options<K extends OptimizerName> = OptimizerOptions &
  Partial<Readonly<Parameters[K] & Pick<typeof shared, 'weightDecay'>>>

/** Readers of the options that aren't shares. */
const readers: Readonly<Record<string, Reader<unknown>>> = {
  learningRate: NON_NEGATIVE,
  epsilon: NON_NEGATIVE,
  weightDecay: NON_NEGATIVE,
  momentumDecay: NON_NEGATIVE,
  initialAccumulatorValue: NON_NEGATIVE,
  nesterov: BOOLEAN,
  centered: BOOLEAN,
  amsgrad: BOOLEAN,
  useEma: BOOLEAN,
  emaOverwriteFrequency: orNull(STEPS),
  gradientAccumulationSteps: orNull(STEPS),
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

function make<K extends OptimizerName>(kind: K, options: Options<K>): Optimizer {
  const defaults = Object.entries({ ...shared, ...parameters[kind] })
  const own = Object.fromEntries(
    defaults.map(([key, value]) => [key, [readers[key] ?? SHARE, value] as const]),
  )
  const values = readOptions(kind, options, own, ['schedule', ...Object.values(clipKeys)])
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
/**
 * Adam (Kingma and Ba 2015); amsgrad: Reddi et al. 2018; weightDecay is L2, added to the gradient.
 * @example
 * ```js
 * import { adam, dense, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
 * model.compile({ optimizer: adam({ learningRate: 0.1 }), loss: 'meanSquaredError' })
 * console.log(model.learningRate) // 0.1
 * ```
 */
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
  const kind = isObject(optimizer) ? optimizer.kind : optimizer
  if (typeof kind !== 'string' || !Object.hasOwn(parameters, kind))
    unknownName('optimizer', kind, Object.keys(parameters))
  if (typeof optimizer === 'string') return make(kind, {})
  const { kind: _, clip, ...options } = optimizer
  return make(kind, {
    ...options,
    ...(clip && { [clipKeys[clip.kind]]: clip.limit }),
  } as Options<OptimizerName>)
}

type AnyParameters = Partial<
  Parameters['sgd'] & Parameters['rmsprop'] & Parameters['adagrad'] & Parameters['adam'] & Parameters['nadam']
>

/** What the planner needs to know of an optimizer. */
export function updateOf(optimizer: Optimizer): UpdateSpec {
  const { kind, weightDecay, clip, useEma, emaMomentum, emaOverwriteFrequency } = optimizer
  const own: AnyParameters = optimizer
  const { beta1 = 0, beta2 = 0, rho = beta1, epsilon = 0, momentum = 0, momentumDecay } = own
  const [code, ...slots] = kernels[kind]
  const accumulationSteps = optimizer.gradientAccumulationSteps ?? 1
  return {
    optimizer: kind,
    code,
    flags:
      (own.nesterov ? abi.UPDATE_NESTEROV : 0) |
      (own.centered ? abi.UPDATE_CENTERED : 0) |
      (own.amsgrad ? abi.UPDATE_AMSGRAD : 0) |
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
      ...(own.centered ? ['mean'] : []),
      ...(own.amsgrad ? ['squareMax'] : []),
      ...(momentum > 0 ? ['velocity'] : []),
      ...(accumulationSteps > 1 ? ['accumulator'] : []),
      ...(useEma ? ['ema'] : []),
    ],
    slotStart: own.initialAccumulatorValue ?? 0,
    clip,
    accumulationSteps,
    ema: useEma ? { momentum: emaMomentum, every: emaOverwriteFrequency ?? 0 } : null,
    module: trainingModule,
  }
}
