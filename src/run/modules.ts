// Modules of kernels for `open`, by value: a program carries those it names. From `lanegrad/run/modules`.
import { attentionModule } from '../binaries/attention.ts'
import { convolutionModule } from '../binaries/convolution.ts'
import { extrasModule, functionsModule } from '../binaries/core.ts'
import type { KernelModule } from '../binaries/kernel-module.ts'
import { mathematicsModule } from '../binaries/mathematics.ts'
import { normalizeModule } from '../binaries/normalize.ts'
import { optimizersModule } from '../binaries/optimizers.ts'
import { poolingModule } from '../binaries/pooling.ts'
import { randomModule } from '../binaries/random.ts'
import { recurrentModule } from '../binaries/recurrent.ts'
import { trainingModule } from '../binaries/training.ts'
import { bringing } from '../numerics/brought.ts'
import { finishes } from '../session/finishes.ts'
import { learningRateAt } from '../session/rates.ts'
import { sums } from '../session/sums.ts'

export type { KernelModule } from '../binaries/kernel-module.ts'

/**
 * The kernels of `multiHeadAttention`, `embedding` and `dot`.
 * @example
 * ```js
 * import { embedding, sequential } from 'lanegrad'
 * import { freeze } from 'lanegrad/freeze'
 * import { open } from 'lanegrad/run'
 * import { attention } from 'lanegrad/run/modules'
 *
 * const layers = [embedding({ inputDim: 9, outputDim: 2 })]
 * const file = freeze(sequential({ inputShape: [5], inputDtype: 'int32', layers }))
 * console.log(open(file, { modules: [attention] }).predict(new Int32Array(5)).shape) // [ 1, 5, 2 ]
 * ```
 */
export const attention: KernelModule = attentionModule

/**
 * The kernels of convolutions, `convLstm2d` and its like included.
 * @example
 * ```js
 * import { conv2d, sequential } from 'lanegrad'
 * import { freeze } from 'lanegrad/freeze'
 * import { open } from 'lanegrad/run'
 * import { convolution } from 'lanegrad/run/modules'
 *
 * const file = freeze(sequential({ inputShape: [3, 3, 1], layers: [conv2d({ filters: 4, kernelSize: 2 })] }))
 * console.log(open(file, { modules: [convolution] }).predict(new Float32Array(9)).shape) // [ 1, 2, 2, 4 ]
 * ```
 */
export const convolution: KernelModule = convolutionModule

/**
 * What plain nets do without: the losses other than the mean squared error and the cross-entropies of logits, sigmoid or softmax;
 * metrics, penalties of weights, clipped gradients, schedules, several outputs; sums, products and copies of arrays; rmsprop.
 * `open` names them where a file needs them.
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { freeze } from 'lanegrad/freeze'
 * import { open } from 'lanegrad/run'
 * import { extras } from 'lanegrad/run/modules'
 *
 * const model = sequential({ inputShape: [2], layers: [dense({ units: 1, kernelInitializer: 'zeros' })] })
 * model.compile({ optimizer: 'sgd', loss: 'meanAbsoluteError' })
 * const trainer = open(freeze(model, { train: [1] }), { modules: [extras] })
 * console.log(trainer.trainStep([[1, 2]], [3]).loss) // 3
 * ```
 */
export const extras: KernelModule = /*#__PURE__*/ bringing(
  { ...extrasModule },
  { rateAt: learningRateAt, finishes },
)

/**
 * The loops of all activations but relu, leakyRelu, sigmoid, tanh, softmax and linear, `exp` and `square` included, which some
 * layers and losses use.
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 * import { freeze } from 'lanegrad/freeze'
 * import { open } from 'lanegrad/run'
 * import { functions } from 'lanegrad/run/modules'
 *
 * const file = freeze(sequential({ inputShape: [3], layers: [dense({ units: 2, activation: 'gelu' })] }))
 * console.log(open(file, { modules: [functions] }).predict([[1, 2, 3]]).shape) // [ 1, 2 ]
 * ```
 */
export const functions: KernelModule = functionsModule

/**
 * The loops of the functions `abs`, `sign`, `log`, `sqrt`, `reciprocal` and `erf`, and of maxima and minima along axes. Layers such
 * as `batchNormalization` and `unitNormalization` call them; layers and losses of your own may.
 * @example
 * ```js
 * import { sequential, unitNormalization } from 'lanegrad'
 * import { freeze } from 'lanegrad/freeze'
 * import { open } from 'lanegrad/run'
 * import { extras, functions, mathematics } from 'lanegrad/run/modules'
 *
 * const file = freeze(sequential({ inputShape: [2], layers: [unitNormalization()] }))
 * const trainer = open(file, { modules: [extras, functions, mathematics] })
 * console.log(trainer.predict([[0, 5]]).data.join(' ')) // 0 1
 * ```
 */
export const mathematics: KernelModule = mathematicsModule

/**
 * The kernels of the normalization layers and of `categoryEncoding`.
 * @example
 * ```js
 * import { layerNormalization, sequential } from 'lanegrad'
 * import { freeze } from 'lanegrad/freeze'
 * import { open } from 'lanegrad/run'
 * import { normalize } from 'lanegrad/run/modules'
 *
 * const file = freeze(sequential({ inputShape: [3], layers: [layerNormalization()] }))
 * console.log(open(file, { modules: [normalize] }).predict([[1, 2, 3]]).shape) // [ 1, 3 ]
 * ```
 */
export const normalize: KernelModule = normalizeModule

/**
 * The kernels of adagrad, adadelta, nadam, adamax and lion. Programs that train call them; `predict` alone does without.
 * @example
 * ```js
 * import { dense, nadam, sequential } from 'lanegrad'
 * import { freeze } from 'lanegrad/freeze'
 * import { open } from 'lanegrad/run'
 * import { optimizers } from 'lanegrad/run/modules'
 *
 * const model = sequential({ inputShape: [2], layers: [dense({ units: 1, kernelInitializer: 'zeros' })] })
 * model.compile({ optimizer: nadam(), loss: 'meanSquaredError' })
 * const trainer = open(freeze(model, { train: [1] }), { modules: [optimizers] })
 * console.log(trainer.trainStep([[1, 2]], [3]).loss) // 9
 * ```
 */
export const optimizers: KernelModule = optimizersModule

/**
 * The kernels of pooling, up-sampling, padding and cropping.
 * @example
 * ```js
 * import { maxPooling2d, sequential } from 'lanegrad'
 * import { freeze } from 'lanegrad/freeze'
 * import { open } from 'lanegrad/run'
 * import { pooling } from 'lanegrad/run/modules'
 *
 * const file = freeze(sequential({ inputShape: [4, 4, 1], layers: [maxPooling2d({ poolSize: 2 })] }))
 * console.log(open(file, { modules: [pooling] }).predict(new Float32Array(16)).shape) // [ 1, 2, 2, 1 ]
 * ```
 */
export const pooling: KernelModule = poolingModule

/**
 * The kernels of dropout and noise. Programs that train call them; `predict` alone does without.
 * @example
 * ```js
 * import { dense, dropout, sequential } from 'lanegrad'
 * import { freeze } from 'lanegrad/freeze'
 * import { open } from 'lanegrad/run'
 * import { random } from 'lanegrad/run/modules'
 *
 * const file = freeze(sequential({ inputShape: [3], layers: [dropout({ rate: 0.5 }), dense({ units: 2 })] }))
 * console.log(open(file, { modules: [random] }).predict([[1, 2, 3]]).shape) // [ 1, 2 ]
 * ```
 */
export const random: KernelModule = randomModule

/**
 * The kernels of recurrent layers, `convLstm2d` and its like and `bidirectional` included.
 * @example
 * ```js
 * import { gru, sequential } from 'lanegrad'
 * import { freeze } from 'lanegrad/freeze'
 * import { open } from 'lanegrad/run'
 * import { extras, recurrent } from 'lanegrad/run/modules'
 *
 * const file = freeze(sequential({ inputShape: [5, 2], layers: [gru({ units: 3 })] }))
 * console.log(open(file, { modules: [extras, recurrent] }).predict(new Float32Array(10)).shape) // [ 1, 3 ]
 * ```
 */
export const recurrent: KernelModule = recurrentModule

/**
 * The kernels of constraints, `movingAverage` and `accumulateGradients`, which programs call that train; `predict` doesn't need
 * them.
 * @example
 * ```js
 * import { dense, nonNeg, sequential, sgd } from 'lanegrad'
 * import { freeze } from 'lanegrad/freeze'
 * import { open } from 'lanegrad/run'
 * import { training } from 'lanegrad/run/modules'
 *
 * const model = sequential({ inputShape: [2], layers: [dense({ units: 1, kernelConstraint: nonNeg() })] })
 * model.compile({ optimizer: sgd(), loss: 'mse' })
 * const trainer = open(freeze(model, { train: [1] }), { modules: [training] })
 * trainer.trainStep([[1, 1]], [-5])
 * console.log(trainer.getWeights()['dense_1/kernel'].data.every((weight) => weight >= 0)) // true
 * ```
 */
export const training: KernelModule = /*#__PURE__*/ bringing({ ...trainingModule }, { sums })

/**
 * All of them.
 * @example
 * ```js
 * import { conv2d, maxPooling2d, sequential } from 'lanegrad'
 * import { freeze } from 'lanegrad/freeze'
 * import { open } from 'lanegrad/run'
 * import { all } from 'lanegrad/run/modules'
 *
 * const layers = [conv2d({ filters: 4, kernelSize: 3 }), maxPooling2d({ poolSize: 2 })]
 * const file = freeze(sequential({ inputShape: [8, 8, 1], layers }))
 * console.log(open(file, { modules: all }).predict(new Float32Array(64)).shape) // [ 1, 3, 3, 4 ]
 * ```
 */
export const all: readonly KernelModule[] = [
  attention,
  convolution,
  extras,
  functions,
  mathematics,
  normalize,
  optimizers,
  pooling,
  random,
  recurrent,
  training,
]
