// Metrics of numbers (errors, the share of variance explained, cosines), and perplexity. Those that are a function of a
// mean loss are computed in WebAssembly.
import { EXP, SQRT } from '../../session/finishes.ts'
import type { Metric } from '../../session/metric.ts'
import type { MeanMetric } from '../metrics.ts'
import { made, meanOfRows, type NameOption, nameOf } from './read.ts'

/** Keras' epsilon: the least |truth| a percentage is taken of. */
const LEAST = 1e-7
/** Least squared norm in a cosine, as in the loss. */
const LEAST_SQUARED_NORM = 1e-12

/**
 * Root mean squared error: sqrt(mean (y - p)^2) over all elements of the epoch.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, rootMeanSquaredError, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [activation({ activation: 'linear' })] }) // predicts its input
 * model.compile({ loss: 'meanSquaredError', metrics: [rootMeanSquaredError()] })
 * const logs = await model.evaluate([[1], [5]], [1, 2], { batchSize: 1 })
 * // sqrt((0 + 9) / 2), not the mean of the two batches, (0 + 3) / 2
 * console.log(logs.rootMeanSquaredError.toFixed(4)) // 2.1213
 * ```
 */
export const rootMeanSquaredError = (options: NameOption = {}): MeanMetric =>
  made('rootMeanSquaredError', options, {
    name: nameOf('rootMeanSquaredError', options),
    of: ['meanSquaredError'],
    finish: SQRT,
  })

/**
 * Perplexity: e^(mean cross-entropy) over rows, the number of classes that the model is undecided between. Truth: class ids or
 * one-hot rows. It follows the `fromLogits` and the `ignoreIndex` of the loss.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, perplexity, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [4], layers: [activation({ activation: 'linear' })] }) // predicts its input
 * model.compile({ loss: 'sparseCategoricalCrossentropy', metrics: [perplexity()] })
 * const logs = await model.evaluate([[0.25, 0.25, 0.25, 0.25]], [2])
 * console.log(logs.perplexity.toFixed(2)) // 4.00
 * ```
 */
export const perplexity = (options: NameOption = {}): MeanMetric =>
  made('perplexity', options, {
    name: nameOf('perplexity', options),
    of: ['sparseCategoricalCrossentropy', 'categoricalCrossentropy'],
    finish: EXP,
  })

/**
 * Mean absolute percentage error: 100 mean |y - p| / max(|y|, 1e-7), percent.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, meanAbsolutePercentageError, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [activation({ activation: 'linear' })] }) // predicts its input
 * model.compile({ loss: 'meanSquaredError', metrics: [meanAbsolutePercentageError()] })
 * const logs = await model.evaluate([[90], [220]], [100, 200])
 * // 10 of 100 and 20 of 200
 * console.log(logs.meanAbsolutePercentageError) // 10
 * ```
 */
export const meanAbsolutePercentageError = (options: NameOption = {}): Metric =>
  made(
    'meanAbsolutePercentageError',
    options,
    meanOfRows(
      nameOf('meanAbsolutePercentageError', options),
      false,
      ({ truth, prediction, columns }, row) => {
        let sum = 0
        for (let i = row * columns; i < (row + 1) * columns; i++)
          sum += Math.abs(truth[i] - prediction[i]) / Math.max(Math.abs(truth[i]), LEAST)
        return (100 * sum) / columns
      },
    ),
  )

/**
 * Mean over rows of cos(y, p) = y.p / (|y| |p|); the loss of that name is 1 - cos. In logs: `cosineSimilarity`.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, cosineSimilarityMetric, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [2], layers: [activation({ activation: 'linear' })] }) // predicts its input
 * model.compile({ loss: 'meanSquaredError', metrics: [cosineSimilarityMetric()] })
 * const logs = await model.evaluate([[3, 4]], [[0, 2]])
 * // (3 * 0 + 4 * 2) / (5 * 2)
 * console.log(logs.cosineSimilarity) // 0.8
 * ```
 */
export const cosineSimilarityMetric = (options: NameOption = {}): Metric =>
  made(
    'cosineSimilarityMetric',
    options,
    meanOfRows(nameOf('cosineSimilarity', options), false, ({ truth, prediction, columns }, row) => {
      let xx = 0
      let xy = 0
      let yy = 0
      for (let i = row * columns; i < (row + 1) * columns; i++) {
        xx += prediction[i] * prediction[i]
        xy += prediction[i] * truth[i]
        yy += truth[i] * truth[i]
      }
      return xy / Math.sqrt(Math.max(xx, LEAST_SQUARED_NORM) * Math.max(yy, LEAST_SQUARED_NORM))
    }),
  )

/** By column: weights so far, mean of the truth, sum of squares around it, sum of squared errors. */
interface Spread {
  weight: number
  mean: number
  squares: number
  errors: number
}

/**
 * 1 - sum (y - p)^2 / sum (y - mean y)^2, the mean over columns: 1 is perfect, 0 as good as the mean. A column without
 * spread counts 1 if predicted exactly, else 0 (as in sklearn). NaN before the first row.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { activation, r2Score, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [activation({ activation: 'linear' })] }) // predicts its input
 * model.compile({ loss: 'meanSquaredError', metrics: [r2Score()] })
 * const logs = await model.evaluate([[1], [2], [3], [5]], [1, 2, 3, 4])
 * // squared errors 1, squares around the mean 5
 * console.log(logs.r2Score) // 0.8
 * ```
 */
export const r2Score = (options: NameOption = {}): Metric =>
  made('r2Score', options, {
    name: nameOf('r2Score', options),
    labels: false,
    start: () => [],
    add(state, { truth, prediction, rows, columns, weights }) {
      while (state.length < columns) state.push({ weight: 0, mean: 0, squares: 0, errors: 0 })
      for (let row = 0; row < rows; row++) {
        const weight = weights?.[row] ?? 1
        if (weight === 0) continue
        state.forEach((column, j) => {
          const y = truth[row * columns + j]
          const error = y - prediction[row * columns + j]
          const delta = y - column.mean
          // updated around the running mean (Welford): no difference of large sums
          column.weight += weight
          column.mean += (weight / column.weight) * delta
          column.squares += weight * delta * (y - column.mean)
          column.errors += weight * error * error
        })
      }
    },
    result(state) {
      const scores = state.map(({ squares, errors }) =>
        squares > 0 ? 1 - errors / squares : Number(errors === 0),
      )
      return state.some(({ weight }) => weight > 0)
        ? scores.reduce((sum, score) => sum + score, 0) / scores.length
        : NaN
    },
  } satisfies Metric<Spread[]>)
