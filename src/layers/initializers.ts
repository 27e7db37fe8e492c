// What enters: an initializer (plain frozen data, or its name), a shape, a seed and a stream.
// What leaves: the initial weights, float32, row-major, where the caller wants them. Names and formulas are Keras's.
// May assume nothing about the initializer: it may come from a file. Never depends on the order in
// which layers are built: give each weight the stream of its name (streamOf).

import { check, entryOf, FINITE, isObject, NON_NEGATIVE, readOptions } from '../numerics/errors.ts'
import { truncatedNormal as fillTruncated, normal } from '../numerics/random.ts'
import { elementCount } from '../numerics/tensor.ts'

// the parameters of each kind, with their defaults
const DEFAULTS = {
  zeros: {},
  ones: {},
  constant: { value: 0 },
  randomUniform: { minValue: -0.05, maxValue: 0.05 },
  randomNormal: { mean: 0, stddev: 0.05 },
  truncatedNormal: { mean: 0, stddev: 0.05 },
  glorotUniform: {},
  glorotNormal: {},
  heUniform: {},
  heNormal: {},
  lecunUniform: {},
  lecunNormal: {},
  orthogonal: { gain: 1 },
}

/** The name of an initializer, as layers take it in place of one with options. */
export type InitializerName = keyof typeof DEFAULTS
type Parameters = { [K in InitializerName]: { readonly [P in keyof (typeof DEFAULTS)[K]]: number } }
/** How a weight starts: what the functions of the same names give. */
export type Initializer = { [K in InitializerName]: { readonly kind: K } & Parameters[K] }[InitializerName]

/** Of the bias of an LSTM alone, whose reader gives it: 1 in the second quarter, the forget gate's, else 0. */
export const UNIT_FORGET_BIAS = { kind: 'unitForgetBias' } as unknown as Initializer

/** Options of `constant`. */
export interface ConstantOptions {
  /** Default 0. */
  readonly value?: number
}

/** Options of `randomUniform`. */
export interface RandomUniformOptions {
  /** The least number. Default -0.05. */
  readonly minValue?: number
  /** The bound above, not reached; at least minValue. Default 0.05. */
  readonly maxValue?: number
}

/** Options of `randomNormal` and `truncatedNormal`. */
export interface RandomNormalOptions {
  /** Default 0. */
  readonly mean?: number
  /** The standard deviation (of truncatedNormal: before the cut), >= 0. Default 0.05. */
  readonly stddev?: number
}

/** Options of `orthogonal`. */
export interface OrthogonalOptions {
  /** Factor of the matrix. Default 1. */
  readonly gain?: number
}

const constructorOf =
  (kind: InitializerName) =>
  (options: object = {}): Initializer =>
    makeInitializer(kind, options)

/**
 * All weights start at 0: the default of biases.
 * @throws LanegradError on any option
 * @example
 * ```js
 * import { add, dense, input, model, zeros } from 'lanegrad'
 *
 * const x = input({ shape: [2] })
 * const branch = dense({ units: 2, kernelInitializer: zeros() })(x)
 * const net = model({ inputs: x, outputs: add()(x, branch) }) // starts as the identity
 * console.log(net.predict([[3, 4]]).data.join(' ')) // 3 4
 * ```
 */
export const zeros: () => Initializer = constructorOf('zeros')
/**
 * All weights start at 1.
 * @throws LanegradError on any option
 * @example
 * ```js
 * import { dense, ones, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [3], layers: [dense({ units: 1, kernelInitializer: ones() })] })
 * console.log(model.predict([[1, 2, 3]]).data[0]) // 6
 * ```
 */
export const ones: () => Initializer = constructorOf('ones')
/**
 * Every element is `value` (0).
 * @throws LanegradError on an unknown or unfit option
 * @example
 * ```js
 * import { constant, dense, sequential } from 'lanegrad'
 *
 * // where one row in eight is true, log(1 / 7) makes a good first guess
 * const options = { kernelInitializer: 'zeros', biasInitializer: constant({ value: Math.log(1 / 7) }) }
 * const model = sequential({ inputShape: [4], layers: [dense({ units: 1, activation: 'sigmoid', ...options })] })
 * console.log(model.predict([[1, 2, 3, 4]]).data[0].toFixed(3)) // 0.125
 * ```
 */
export const constant: (options?: ConstantOptions) => Initializer = constructorOf('constant')
/**
 * Uniform in [minValue, maxValue) = [-0.05, 0.05).
 * @throws LanegradError on an unknown or unfit option
 * @example
 * ```js
 * import { dense, randomUniform, sequential } from 'lanegrad'
 *
 * const kernelInitializer = randomUniform({ minValue: 0, maxValue: 0.1 })
 * const model = sequential({ inputShape: [200], layers: [dense({ units: 100, kernelInitializer })] })
 * const { data } = model.getWeights()['dense_1/kernel']
 * // 20,000 numbers from 0 up to 0.1
 * console.log(Math.min(...data).toFixed(3), Math.max(...data).toFixed(3)) // 0.000 0.100
 * ```
 */
export const randomUniform: (options?: RandomUniformOptions) => Initializer = constructorOf('randomUniform')
/**
 * Normal with mean 0, stddev 0.05.
 * @throws LanegradError on an unknown or unfit option
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
export const randomNormal: (options?: RandomNormalOptions) => Initializer = constructorOf('randomNormal')
/**
 * Normal with mean 0, stddev 0.05, redrawn beyond 2 stddev. The standard deviation of what is left is 0.88 stddev.
 * @throws LanegradError on an unknown or unfit option
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
export const truncatedNormal: (options?: RandomNormalOptions) => Initializer =
  constructorOf('truncatedNormal')
/**
 * Uniform with variance 2 / (fanIn + fanOut); limit sqrt(6 / (fanIn + fanOut)). Glorot and Bengio 2010. The default of most
 * kernels. The fans of [...spatial, in, out] are in and out times the spatial cells.
 * @throws LanegradError on an unknown or unfit option
 * @example
 * ```js
 * import { dense, glorotUniform, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [200], layers: [dense({ units: 100, kernelInitializer: glorotUniform() })] })
 * const { data } = model.getWeights()['dense_1/kernel']
 * // the limit, sqrt(6 / (200 + 100))
 * console.log(Math.max(...data).toFixed(3)) // 0.141
 * ```
 */
export const glorotUniform: () => Initializer = constructorOf('glorotUniform')
/**
 * Truncated normal with variance 2 / (fanIn + fanOut), which the cut at 2 standard deviations doesn't lessen. Glorot and
 * Bengio 2010.
 * @throws LanegradError on an unknown or unfit option
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
export const glorotNormal: () => Initializer = constructorOf('glorotNormal')
/**
 * Uniform with variance 2 / fanIn; limit sqrt(6 / fanIn). He et al. 2015. Made for relu.
 * @throws LanegradError on an unknown or unfit option
 * @example
 * ```js
 * import { dense, heUniform, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [200], layers: [dense({ units: 100, kernelInitializer: heUniform() })] })
 * const { data } = model.getWeights()['dense_1/kernel']
 * // the limit, sqrt(6 / 200)
 * console.log(Math.max(...data).toFixed(3)) // 0.173
 * ```
 */
export const heUniform: () => Initializer = constructorOf('heUniform')
/**
 * Truncated normal with variance 2 / fanIn. He et al. 2015. Made for relu.
 * @throws LanegradError on an unknown or unfit option
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
export const heNormal: () => Initializer = constructorOf('heNormal')
/**
 * Uniform with variance 1 / fanIn; limit sqrt(3 / fanIn). LeCun et al. 1998.
 * @throws LanegradError on an unknown or unfit option
 * @example
 * ```js
 * import { dense, lecunUniform, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [200], layers: [dense({ units: 100, kernelInitializer: lecunUniform() })] })
 * const { data } = model.getWeights()['dense_1/kernel']
 * // the limit, sqrt(3 / 200)
 * console.log(Math.max(...data).toFixed(3)) // 0.122
 * ```
 */
export const lecunUniform: () => Initializer = constructorOf('lecunUniform')
/**
 * Truncated normal with variance 1 / fanIn. LeCun et al. 1998. What selu needs (Klambauer et al. 2017).
 * @throws LanegradError on an unknown or unfit option
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
export const lecunNormal: () => Initializer = constructorOf('lecunNormal')
/**
 * Orthonormal columns (rows, if there are fewer) of [product of leading dimensions, last], times gain (1). Saxe et al. 2013.
 * Of weights of rank 2 or more: others are refused where the model is made.
 * @throws LanegradError on an unknown or unfit option
 * @example
 * ```js
 * import { dense, orthogonal, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [3], layers: [dense({ units: 3, kernelInitializer: orthogonal() })] }) // a rotation
 * const { data } = model.predict([[1, 2, 2]])
 * console.log(Math.hypot(...data).toFixed(4)) // 3.0000
 * ```
 */
export const orthogonal: (options?: OrthogonalOptions) => Initializer = constructorOf('orthogonal')

/**
 * A name or plain data (from a file, say) as a checked, frozen initializer with all defaults filled in.
 * @throws LanegradError on an unknown kind or parameter, or a parameter that isn't a fit number.
 */
export function readInitializer(
  initializer: Initializer | InitializerName | { readonly kind: string },
  what = 'initializer',
): Initializer {
  const { kind, ...options } = isObject(initializer) ? initializer : { kind: initializer }
  entryOf(what, kind, DEFAULTS)
  return makeInitializer(kind as InitializerName, options)
}

function makeInitializer(kind: InitializerName, options: object): Initializer {
  const defaults = Object.entries<number>(DEFAULTS[kind])
  const readers = defaults.map(([name, value]) => [name, [name === 'stddev' ? NON_NEGATIVE : FINITE, value]])
  const values = readOptions(kind, options, Object.fromEntries(readers)) as Record<string, number>
  const { minValue, maxValue } = values
  check(!(minValue > maxValue), `${kind}: maxValue`, `a number >= minValue (${minValue})`, maxValue)
  return Object.freeze({ kind, ...values }) as Initializer
}

/** Who draws uniform numbers, of which there may be millions: the engine, or numerics/random.ts. */
interface Source {
  uniform(out: Float32Array, seed: number, stream: number, low: number, high: number): void
}

/**
 * Sets `out`, which is all 0, to the initial weights of `shape`: they depend on nothing but the arguments.
 * @throws LanegradError on an unknown initializer, or `orthogonal` below rank 2.
 */
export function initialize(
  out: Float32Array,
  initializer: Initializer | InitializerName,
  shape: readonly number[],
  seed: number,
  stream: number,
  source: Source,
): void {
  if (initializer === UNIT_FORGET_BIAS) {
    out.fill(1, out.length / 4, out.length / 2)
    return
  }
  const known = readInitializer(initializer)
  switch (known.kind) {
    case 'zeros':
      return
    case 'ones':
      out.fill(1)
      return
    case 'constant':
      out.fill(known.value)
      return
    case 'randomUniform':
      source.uniform(out, seed, stream, known.minValue, known.maxValue)
      return
    case 'randomNormal':
      normal(out, seed, stream, known.mean, known.stddev)
      return
    case 'truncatedNormal':
      fillTruncated(out, seed, stream, known.mean, known.stddev)
      return
    case 'orthogonal':
      fillOrthogonal(out, shape, seed, stream, known.gain)
      return
  }
  // variance scaling
  const [fanIn, fanOut] = fansOf(shape)
  const scale = known.kind.startsWith('he') ? 2 : 1
  const fan = known.kind.startsWith('glorot') ? (fanIn + fanOut) / 2 : fanIn
  const variance = scale / Math.max(1, fan)
  if (known.kind.endsWith('Uniform')) {
    const limit = Math.sqrt(3 * variance)
    source.uniform(out, seed, stream, -limit, limit)
  } else {
    // the stddev of a unit normal cut off at 2 is 0.8796...
    fillTruncated(out, seed, stream, 0, Math.sqrt(variance) / 0.8796256610342398)
  }
}

/** [fanIn, fanOut]: dense [in, out]; convolution [...spatial, in, out] times the receptive field; [n] is n, n. */
export function fansOf(shape: readonly number[]): readonly [fanIn: number, fanOut: number] {
  const rank = shape.length
  if (rank < 2) return [shape[0] ?? 1, shape[0] ?? 1]
  const receptiveField = elementCount(shape.slice(0, -2))
  return [receptiveField * shape[rank - 2], receptiveField * shape[rank - 1]]
}

/**
 * The Q of a normal matrix's QR factors by modified Gram-Schmidt in float64. The diagonal of R is positive,
 * so Q is uniformly distributed over the orthogonal matrices and needs no sign correction.
 */
function fillOrthogonal(
  out: Float32Array,
  shape: readonly number[],
  seed: number,
  stream: number,
  gain: number,
): void {
  check(shape.length >= 2, 'orthogonal: shape', 'of rank 2 or more', shape)
  const colCount = shape[shape.length - 1]
  const rowCount = colCount && out.length / colCount
  const size = Math.max(rowCount, colCount) // length of each vector
  const vectors: Float64Array[] = []
  const drawn = new Float32Array(out.length)
  normal(drawn, seed, stream)
  for (let start = 0; start < out.length; start += size) {
    const vector = Float64Array.from(drawn.subarray(start, start + size))
    orthonormalize(vector, vectors)
    vectors.push(vector)
  }
  for (let row = 0, at = 0; row < rowCount; row++) {
    for (let col = 0; col < colCount; col++) {
      out[at++] = gain * (rowCount < colCount ? vectors[row][col] : vectors[col][row])
    }
  }
}

/** Makes `vector` a unit vector at right angles to the unit vectors `others`. */
function orthonormalize(vector: Float64Array, others: readonly Float64Array[]): void {
  const size = vector.length
  const none = new Float64Array(size) // fills up the last group
  let before: number
  let after: number
  do {
    before = lengthOf(vector)
    // in groups of four: the others are orthonormal, so four sums at once lose nothing and take about half the time
    for (let group = 0; group < others.length; group += 4) {
      const [a, b = none, c = none, d = none] = others.slice(group, group + 4)
      let alongA = 0
      let alongB = 0
      let alongC = 0
      let alongD = 0
      for (let i = 0; i < size; i++) {
        alongA += vector[i] * a[i]
        alongB += vector[i] * b[i]
        alongC += vector[i] * c[i]
        alongD += vector[i] * d[i]
      }
      for (let i = 0; i < size; i++)
        vector[i] -= alongA * a[i] + alongB * b[i] + (alongC * c[i] + alongD * d[i])
    }
    after = lengthOf(vector)
    for (let i = 0; i < size; i++) vector[i] /= after
    // cancellation leaves an error of about 1e-16 before / after: once more if the vector shrank a lot
  } while (after < 1e-4 * before)
}

function lengthOf(vector: Float64Array): number {
  let sum = 0
  for (const value of vector) sum += value * value
  return Math.sqrt(sum)
}
