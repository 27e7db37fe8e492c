// The optimizers that few programs have. Each brings the module of their kernels, so they are given by value. The formulas of updates
// stand in assembly/kernels/optimizer-rare.ts.
import * as abi from '../../assembly/abi.ts'
import { optimizersModule } from '../binaries/optimizers.ts'
import { pow } from '../numerics/exact.ts'
import { type Formula, makeOptimizer, type Optimizer } from './optimizer.ts'
import type {
  AdadeltaOptions,
  AdagradOptions,
  AdamaxOptions,
  LionOptions,
  NadamOptions,
} from './optimizer-options.ts'
import { adam, adamw, radam, rmsprop, sgd } from './optimizers.ts'

const RARE = { code: abi.OP_RARE_UPDATE, module: optimizersModule }

/** Defaults as of Keras 3; momentumDecay as of PyTorch. */
const ADAGRAD: Formula = {
  parameters: { learningRate: 0.001, initialAccumulatorValue: 0.1, epsilon: 1e-7 },
  code: abi.OPTIMIZER_ADAGRAD,
  slots: ['square'],
  kernel: RARE,
}
const ADADELTA: Formula = {
  parameters: { learningRate: 0.001, rho: 0.95, epsilon: 1e-7 },
  code: abi.OPTIMIZER_ADADELTA,
  slots: ['square', 'update'],
  kernel: RARE,
}
const NADAM: Formula = {
  parameters: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, momentumDecay: 0.004 },
  code: abi.OPTIMIZER_NADAM,
  slots: ['mean', 'square'],
  kernel: RARE,
  extra: ({ momentumDecay = 0 }) => pow(0.96, momentumDecay),
}
const ADAMAX: Formula = {
  parameters: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 },
  code: abi.OPTIMIZER_ADAMAX,
  slots: ['mean', 'norm'],
  kernel: RARE,
}
const LION: Formula = {
  parameters: { learningRate: 0.001, beta1: 0.9, beta2: 0.99 },
  code: abi.OPTIMIZER_LION,
  slots: ['mean'],
  kernel: RARE,
}

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
export const adagrad = (options: AdagradOptions = {}): Optimizer => makeOptimizer('adagrad', ADAGRAD, options)
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
export const adadelta = (options: AdadeltaOptions = {}): Optimizer =>
  makeOptimizer('adadelta', ADADELTA, options)
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
export const nadam = (options: NadamOptions = {}): Optimizer => makeOptimizer('nadam', NADAM, options)
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
export const adamax = (options: AdamaxOptions = {}): Optimizer => makeOptimizer('adamax', ADAMAX, options)
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
export const lion = (options: LionOptions = {}): Optimizer => makeOptimizer('lion', LION, options)

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
