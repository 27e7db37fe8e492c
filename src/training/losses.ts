// The constructors of losses (loss.ts), each with its formula.
import {
  type CategoricalOptions,
  type HuberOptions,
  type Loss,
  type LossOptions,
  makeLoss,
  type SparseOptions,
} from './loss.ts'

/**
 * Mean squared error: the mean of (y - p)^2 over all elements.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, meanSquaredError, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [2], layers: [activation({ activation: 'linear' })] }) // predicts its input
 * model.compile({ loss: meanSquaredError() })
 * // (0 + 9) / 2
 * console.log((await model.evaluate([[1, 2]], [[1, 5]])).loss) // 4.5
 * ```
 */
export const meanSquaredError = (options: LossOptions = {}): Loss => makeLoss('meanSquaredError', options)
/**
 * Mean absolute error: the mean of |y - p| over all elements; the derivative at 0 is 0.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, meanAbsoluteError, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [2], layers: [activation({ activation: 'linear' })] }) // predicts its input
 * model.compile({ loss: meanAbsoluteError() })
 * // (0 + 3) / 2
 * console.log((await model.evaluate([[1, 2]], [[1, 5]])).loss) // 1.5
 * ```
 */
export const meanAbsoluteError = (options: LossOptions = {}): Loss => makeLoss('meanAbsoluteError', options)
/**
 * Huber loss (Huber 1964): the mean over all elements, d = p - y, of d^2 / 2 up to |d| = delta (default 1) and of
 * delta (|d| - delta / 2) beyond.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { dense, huber, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1, kernelInitializer: 'ones' })] })
 * model.compile({ loss: huber({ delta: 1 }) })
 * console.log((await model.evaluate([[1]], [4])).loss) // 2.5
 * ```
 */
export const huber = (options: HuberOptions = {}): Loss => makeLoss('huber', options)
/**
 * Log-cosh loss: the mean of log cosh(p - y) over all elements, which is close to (p - y)^2 / 2 near 0 and to |p - y| - log 2
 * far from it.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, logCosh, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [activation({ activation: 'linear' })] }) // predicts its input
 * model.compile({ loss: logCosh() })
 * // log(cosh(3)), close to 3 - log(2)
 * console.log((await model.evaluate([[1]], [4])).loss.toFixed(4)) // 2.3093
 * ```
 */
export const logCosh = (options: LossOptions = {}): Loss => makeLoss('logCosh', options)
/**
 * Poisson loss: the mean of p - y log p over all elements, y counts and p > 0 their expected number. It is least at p = y, where
 * it isn't 0. Logarithms are taken of max(p, 1e-7).
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, poisson, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [activation({ activation: 'linear' })] }) // predicts its input
 * model.compile({ loss: poisson() })
 * // 2 - 3 log(2); at the best prediction, 3, it is 3 - 3 log(3) = -0.2958
 * console.log((await model.evaluate([[2]], [3])).loss.toFixed(4)) // -0.0794
 * ```
 */
export const poisson = (options: LossOptions = {}): Loss => makeLoss('poisson', options)
/**
 * Hinge loss: the mean of max(0, 1 - y p) over all elements, y in {-1, 1}. Labels of 0 and 1 aren't turned into these, while
 * Keras does that.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, hinge, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [activation({ activation: 'linear' })] }) // predicts its input
 * model.compile({ loss: hinge() })
 * // 0.5 lies inside the margin, 2 on the wrong side: (0.5 + 3) / 2
 * console.log((await model.evaluate([[0.5], [2]], [1, -1])).loss) // 1.75
 * ```
 */
export const hinge = (options: LossOptions = {}): Loss => makeLoss('hinge', options)
/**
 * Squared hinge loss: the mean of max(0, 1 - y p)^2 over all elements, y in {-1, 1} as in `hinge`.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, sequential, squaredHinge } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [activation({ activation: 'linear' })] }) // predicts its input
 * model.compile({ loss: squaredHinge() })
 * // (0.5^2 + 3^2) / 2
 * console.log((await model.evaluate([[0.5], [2]], [1, -1])).loss) // 4.625
 * ```
 */
export const squaredHinge = (options: LossOptions = {}): Loss => makeLoss('squaredHinge', options)
/**
 * Binary cross-entropy: the mean over all elements of -y log p - (1 - y) log(1 - p), y from 0 to 1. p is a probability, clipped
 * to [1e-7, 1 - 1e-7], or with `fromLogits` a logit. Behind a sigmoid activation the loss is computed from the logit.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, binaryCrossentropy, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [activation({ activation: 'linear' })] }) // predicts its input
 * model.compile({ loss: binaryCrossentropy() })
 * // (-log(0.8) - log(0.2)) / 2
 * console.log((await model.evaluate([[0.8], [0.8]], [1, 0])).loss.toFixed(4)) // 0.9163
 * ```
 */
export const binaryCrossentropy = (options: CategoricalOptions = {}): Loss =>
  makeLoss('binaryCrossentropy', options)
/**
 * Categorical cross-entropy: the mean over rows (the last axis) of -sum y log p, y one-hot or probabilities. p is divided by the
 * sum of its row and clipped to [1e-7, 1 - 1e-7], as in Keras, or with `fromLogits` it holds logits. Behind a softmax
 * activation the loss is computed from the logits.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, categoricalCrossentropy, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [2], layers: [activation({ activation: 'linear' })] }) // predicts its input
 * model.compile({ loss: categoricalCrossentropy({ labelSmoothing: 0.1 }) })
 * // the target becomes [0.05, 0.95]: -0.05 log(0.2) - 0.95 log(0.8)
 * console.log((await model.evaluate([[0.2, 0.8]], [[0, 1]])).loss.toFixed(4)) // 0.2925
 * ```
 */
export const categoricalCrossentropy = (options: CategoricalOptions = {}): Loss =>
  makeLoss('categoricalCrossentropy', options)
/**
 * Cross-entropy of class labels: the mean over rows (the last axis) of -log p[y], y one integer for each row, p as in
 * `categoricalCrossentropy`.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, sequential, sparseCategoricalCrossentropy } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [2], layers: [activation({ activation: 'linear' })] }) // predicts its input
 * model.compile({ loss: sparseCategoricalCrossentropy({ ignoreIndex: -1 }) })
 * // -log(0.8): the second row is left out
 * console.log((await model.evaluate([[0.2, 0.8], [0.5, 0.5]], [1, -1])).loss.toFixed(4)) // 0.2231
 * ```
 */
export const sparseCategoricalCrossentropy = (options: SparseOptions = {}): Loss =>
  makeLoss('sparseCategoricalCrossentropy', options)
/**
 * Kullback-Leibler divergence: the mean over rows (the last axis) of sum y (log y - log p), both probabilities. Logarithms are
 * taken of max(y, 1e-7) and of p clipped to [1e-7, 1].
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, klDivergence, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [2], layers: [activation({ activation: 'linear' })] }) // predicts its input
 * model.compile({ loss: klDivergence() })
 * // 0.5 log(0.5 / 0.25) + 0.5 log(0.5 / 0.75)
 * console.log((await model.evaluate([[0.25, 0.75]], [[0.5, 0.5]])).loss.toFixed(4)) // 0.1438
 * ```
 */
export const klDivergence = (options: LossOptions = {}): Loss => makeLoss('klDivergence', options)
/**
 * Categorical hinge loss: the mean over rows (the last axis) of max(0, 1 + max((1 - y) p) - sum(y p)), y one-hot.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, categoricalHinge, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [3], layers: [activation({ activation: 'linear' })] }) // predicts its input
 * model.compile({ loss: categoricalHinge() })
 * // the right score, 3, is ahead of the best other one by 0.5, not by 1
 * console.log((await model.evaluate([[1, 3, 2.5]], [[0, 1, 0]])).loss) // 0.5
 * ```
 */
export const categoricalHinge = (options: LossOptions = {}): Loss => makeLoss('categoricalHinge', options)
/**
 * Cosine loss: the mean over rows (the last axis) of 1 - cos(y, p), from 0 (one direction) to 2 (opposite ones); Keras's is
 * -cos(y, p). The metric of cos itself is `cosineSimilarityMetric`.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, cosineSimilarity, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [2], layers: [activation({ activation: 'linear' })] }) // predicts its input
 * model.compile({ loss: cosineSimilarity() })
 * // 1 - (3 * 0 + 4 * 2) / (5 * 2)
 * console.log((await model.evaluate([[3, 4]], [[0, 2]])).loss.toFixed(4)) // 0.2000
 * ```
 */
export const cosineSimilarity = (options: LossOptions = {}): Loss => makeLoss('cosineSimilarity', options)
