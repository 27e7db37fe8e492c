// The initializers that draw normal numbers: values that bring their code, so that only a program that names one carries the
// logarithm and the sines they are made of. Names and formulas are Keras's.
import { bringing } from '../numerics/brought.ts'
import { FINITE, NON_NEGATIVE, readOptions } from '../numerics/errors.ts'
import { truncatedNormal as fillTruncated, normal } from '../numerics/random.ts'
import { varianceOf } from './initial-weights.ts'
import type { Drawing, Initializer } from './initializers.ts'

/** Options of `randomNormal` and `truncatedNormal`. */
export interface RandomNormalOptions {
  /** Default 0. */
  readonly mean?: number
  /** The standard deviation (of truncatedNormal: before the cut), >= 0. Default 0.05. */
  readonly stddev?: number
}

const readNormal = (kind: string, options: RandomNormalOptions) =>
  readOptions(kind, options, { mean: [FINITE, 0], stddev: [NON_NEGATIVE, 0.05] })

/** An initializer that draws a truncated normal of the variance of `kind`. */
function scaled(kind: 'glorotNormal' | 'heNormal' | 'lecunNormal', options: object): Initializer {
  readOptions(kind, options, {})
  const draw: Drawing['draw'] = (out, shape, seed, stream) =>
    // the stddev of a unit normal cut off at 2 is 0.8796...
    fillTruncated(out, seed, stream, 0, Math.sqrt(varianceOf(kind, shape)) / 0.8796256610342398)
  return bringing({ kind }, { draw })
}

/**
 * Normal with mean 0, stddev 0.05.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { dense, randomNormal, sequential } from 'lanegrad'
 *
 * const kernelInitializer = randomNormal({ stddev: 0.2 })
 * const model = sequential({ inputShape: [200], layers: [dense({ units: 100, kernelInitializer })] })
 * const { data } = model.getWeights()['dense_1/kernel']
 * // numbers beyond 2 stddev occur: see truncatedNormal
 * const deviation = Math.sqrt(data.reduce((sum, w) => sum + w * w, 0) / data.length)
 * console.log(deviation.toFixed(2), Math.max(...data) > 0.4) // 0.20 true
 * ```
 */
export function randomNormal(options: RandomNormalOptions = {}): Initializer {
  const { mean, stddev } = readNormal('randomNormal', options)
  const draw: Drawing['draw'] = (out, _, seed, stream) => normal(out, seed, stream, mean, stddev)
  return bringing({ kind: 'randomNormal' as const, mean, stddev }, { draw })
}

/**
 * Normal with mean 0, stddev 0.05, redrawn beyond 2 stddev, which leaves a standard deviation of 0.88 stddev.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { dense, sequential, truncatedNormal } from 'lanegrad'
 *
 * const kernelInitializer = truncatedNormal({ stddev: 0.2 })
 * const model = sequential({ inputShape: [200], layers: [dense({ units: 100, kernelInitializer })] })
 * const { data } = model.getWeights()['dense_1/kernel']
 * // none is beyond 0.4, and the spread is 0.88 * 0.2
 * const spread = Math.sqrt(data.reduce((sum, w) => sum + w * w, 0) / data.length)
 * console.log(spread.toFixed(2), Math.max(...data).toFixed(2)) // 0.18 0.40
 * ```
 */
export function truncatedNormal(options: RandomNormalOptions = {}): Initializer {
  const { mean, stddev } = readNormal('truncatedNormal', options)
  const draw: Drawing['draw'] = (out, _, seed, stream) => fillTruncated(out, seed, stream, mean, stddev)
  return bringing({ kind: 'truncatedNormal' as const, mean, stddev }, { draw })
}

/**
 * Truncated normal with variance 2 / (fanIn + fanOut), measured behind the cut at 2 standard deviations. Glorot and Bengio
 * 2010.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { dense, glorotNormal, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [200], layers: [dense({ units: 100, kernelInitializer: glorotNormal() })] })
 * const { data } = model.getWeights()['dense_1/kernel']
 * // the standard deviation, sqrt(2 / (200 + 100))
 * console.log(Math.sqrt(data.reduce((sum, w) => sum + w * w, 0) / data.length).toFixed(3)) // 0.082
 * ```
 */
export const glorotNormal: () => Initializer = (options = {}) => scaled('glorotNormal', options)

/**
 * Truncated normal with variance 2 / fanIn. He et al. 2015. Made for relu.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { dense, heNormal, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [200], layers: [dense({ units: 100, kernelInitializer: heNormal() })] })
 * const { data } = model.getWeights()['dense_1/kernel']
 * // the standard deviation, sqrt(2 / 200)
 * console.log(Math.sqrt(data.reduce((sum, w) => sum + w * w, 0) / data.length).toFixed(3)) // 0.100
 * ```
 */
export const heNormal: () => Initializer = (options = {}) => scaled('heNormal', options)

/**
 * Truncated normal with variance 1 / fanIn. LeCun et al. 1998. The activation selu needs it (Klambauer et al. 2017).
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { dense, lecunNormal, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [200], layers: [dense({ units: 100, kernelInitializer: lecunNormal() })] })
 * const { data } = model.getWeights()['dense_1/kernel']
 * // the standard deviation, sqrt(1 / 200)
 * console.log(Math.sqrt(data.reduce((sum, w) => sum + w * w, 0) / data.length).toFixed(3)) // 0.071
 * ```
 */
export const lecunNormal: () => Initializer = (options = {}) => scaled('lecunNormal', options)
