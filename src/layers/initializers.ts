// Initializers: plain frozen data made by constructors, or read from names and files. initial-weights.ts draws the weights, except
// those of initializers that bring their code with them (normal.ts, orthogonal.ts). Names and formulas are Keras's.

import { broughtBy } from '../numerics/brought.ts'
import { check, FINITE, isObject, readOptions, unknownName } from '../numerics/errors.ts'

/** The parameters of each kind, with their defaults. */
const DEFAULTS = {
  zeros: {},
  ones: {},
  constant: { value: 0 },
  randomUniform: { minValue: -0.05, maxValue: 0.05 },
  glorotUniform: {},
  heUniform: {},
  lecunUniform: {},
}

/** The name of an initializer, as layers take it in place of one with options. */
export type InitializerName = keyof typeof DEFAULTS
type Parameters = { [K in InitializerName]: { readonly [P in keyof (typeof DEFAULTS)[K]]: number } }
const KINDS: readonly string[] = Object.keys(DEFAULTS)

/** The initializers that are values only: a program carries the code of those that it names. */
const BROUGHT = [
  'orthogonal',
  'randomNormal',
  'truncatedNormal',
  'glorotNormal',
  'heNormal',
  'lecunNormal',
] as const
/** An initializer that a file tells whole, with the function that draws the weights. */
export interface Drawing {
  readonly kind: (typeof BROUGHT)[number]
  /** Sets `out` to the initial weights of `shape`. @internal */
  draw(out: Float32Array, shape: readonly number[], seed: number, stream: number): void
}
/** The initial values of a weight: made by the function that has the name of `kind`. */
export type Initializer =
  | { [K in InitializerName]: { readonly kind: K } & Parameters[K] }[InitializerName]
  | Drawing

/** For the bias of an LSTM alone, whose reader sets it: 1 in the second quarter, the forget gate's, else 0. */
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
 * All weights start at `value` (default 0).
 * @throws LanegradError on an unknown or bad option
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
 * @throws LanegradError on an unknown or bad option
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
 * Uniform with variance 2 / (fanIn + fanOut); limit sqrt(6 / (fanIn + fanOut)). Glorot and Bengio 2010. The default of most
 * kernels. The fans of [...spatial, in, out] are in and out times the spatial cells.
 * @throws LanegradError on an unknown or bad option
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
 * Uniform with variance 2 / fanIn; limit sqrt(6 / fanIn). He et al. 2015. Made for relu.
 * @throws LanegradError on an unknown or bad option
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
 * Uniform with variance 1 / fanIn; limit sqrt(3 / fanIn). LeCun et al. 1998.
 * @throws LanegradError on an unknown or bad option
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
 * A name or plain data (from a file, say) as a checked, frozen initializer with all defaults filled in.
 * @throws LanegradError on an unknown kind or parameter, a parameter that isn't a fit number, or the name or data of an
 * initializer that must be made by its constructor
 */
export function readInitializer(
  initializer: Initializer | InitializerName | { readonly kind: string },
  what = 'initializer',
): Initializer {
  const { kind, ...options } = isObject(initializer) ? initializer : { kind: initializer }
  if (!KINDS.includes(kind)) {
    const plain = `${kind}`.replaceAll('_', '').toLowerCase()
    const brought = BROUGHT.find((name) => name.toLowerCase() === plain)
    if (brought) {
      const drawing = broughtBy(what, initializer as Drawing, 'draw', `${brought}()`)
      if (drawing) return drawing
    }
    unknownName(what, kind, [...KINDS, ...BROUGHT])
  }
  return makeInitializer(kind as InitializerName, options)
}

function makeInitializer(kind: InitializerName, options: object): Initializer {
  const defaults = Object.entries<number>(DEFAULTS[kind])
  const readers = defaults.map(([name, value]) => [name, [FINITE, value]])
  const values = readOptions(kind, options, Object.fromEntries(readers)) as Record<string, number>
  const { minValue, maxValue } = values
  check(!(minValue > maxValue), `${kind}: maxValue`, `a number >= minValue (${minValue})`, maxValue)
  return Object.freeze({ kind, ...values }) as Initializer
}
