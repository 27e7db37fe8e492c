// The optimizers that can be given by name: those of the core, and rmsprop, whose kernel lies in the module that names bring anyway. The formulas of updates stand in assembly/kernels/optimizer.ts. Order in a step: gradient, clip, weight decay, update.
import * as abi from '../../assembly/abi.ts'
import { extrasModule } from '../binaries/core.ts'
import { fail, isFunction, isObject, unknownName } from '../numerics/errors.ts'
import {
  clipKeys,
  type Formula,
  makeOptimizer,
  type Optimizer,
  type OptimizerName,
  type RareOptimizerName,
} from './optimizer.ts'
import type {
  AdamOptions,
  AdamwOptions,
  RadamOptions,
  RmspropOptions,
  SgdOptions,
} from './optimizer-options.ts'

const ADAM = { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, amsgrad: false }

/** Defaults as of Keras 3; of radam as of PyTorch. */
const formulas = {
  sgd: {
    parameters: { learningRate: 0.01, momentum: 0, nesterov: false },
    code: abi.OPTIMIZER_SGD,
    slots: [],
  },
  rmsprop: {
    parameters: { learningRate: 0.001, rho: 0.9, momentum: 0, epsilon: 1e-7, centered: false },
    slots: ['square'],
    kernel: { code: abi.OP_RMSPROP, module: extrasModule },
  },
  adam: { parameters: ADAM, code: abi.OPTIMIZER_ADAM, slots: ['mean', 'square'] },
  adamw: {
    parameters: { ...ADAM, weightDecay: 0.004 },
    code: abi.OPTIMIZER_ADAM,
    slots: ['mean', 'square'],
    flags: abi.UPDATE_DECOUPLED,
  },
  radam: {
    parameters: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    code: abi.OPTIMIZER_RADAM,
    slots: ['mean', 'square'],
  },
} as const satisfies Record<OptimizerName, Formula>

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
export const sgd = (options: SgdOptions = {}): Optimizer => makeOptimizer('sgd', formulas.sgd, options)
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
export const rmsprop = (options: RmspropOptions = {}): Optimizer =>
  makeOptimizer('rmsprop', formulas.rmsprop, options)
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
export const adam = (options: AdamOptions = {}): Optimizer => makeOptimizer('adam', formulas.adam, options)
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
export const adamw = (options: AdamwOptions = {}): Optimizer =>
  makeOptimizer('adamw', formulas.adamw, options)
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
export const radam = (options: RadamOptions = {}): Optimizer =>
  makeOptimizer('radam', formulas.radam, options)

/** The names of those in rare-optimizers.ts, for messages. */
const imported: readonly RareOptimizerName[] = ['adagrad', 'adadelta', 'nadam', 'adamax', 'lion']

function formulaOf(name: unknown): Formula {
  if (typeof name === 'string' && Object.hasOwn(formulas, name)) return formulas[name as OptimizerName]
  if (imported.includes(name as RareOptimizerName))
    fail(`optimizer "${name}" must be imported: optimizer: ${name}()`)
  return unknownName('optimizer', name, [...Object.keys(formulas), ...imported])
}

/** A name or an Optimizer as a checked Optimizer. @throws LanegradError */
export function readOptimizer(optimizer: OptimizerName | Optimizer): Optimizer {
  if (!isObject(optimizer)) return makeOptimizer(optimizer, formulaOf(optimizer), {})
  const { kind, clip, formula, ...options } = optimizer
  const brought = isFunction(formula) ? formula() : formulaOf(kind ?? optimizer)
  return makeOptimizer(kind, brought, { ...options, ...(clip && { [clipKeys[clip.kind]]: clip.limit }) })
}
