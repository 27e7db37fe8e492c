// Constraints, applied to a weight after every optimizer step (formulas as in Keras): values made by constructors. Only a program
// that names one carries its code.
import * as abi from '../../assembly/abi.ts'
import { trainingModule } from '../binaries/training.ts'
import { bringing, broughtBy } from '../numerics/brought.ts'
import { check, checkOptions, NATURAL, NON_NEGATIVE, readOptions, UP_TO_ONE } from '../numerics/errors.ts'
import type { Shape } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'
import { f32, listed } from '../numerics/words.ts'
import type { Constraining } from '../plan/update.ts'

/** A constraint as plain data that brings its instruction, made by the constructors below. */
export interface Constraint extends Constraining {
  readonly kind: 'maxNorm' | 'nonNeg' | 'unitNorm' | 'minMaxNorm'
  readonly minValue: number
  readonly maxValue: number
  /** The share of the way to its bound that a norm moves in one step. */
  readonly rate: number
  /** The axes that a norm sums over. Default [0]: for a dense kernel, the weights into one unit. */
  readonly axis: readonly number[]
  /** Checks the axes for a weight of rank `rank`. @throws LanegradError @internal */
  checkRank(weight: string, rank: number): void
}

/** Options of `unitNorm`. */
export interface NormOptions {
  /** The axes that a norm sums over. Default [0]: for a dense kernel, the weights into one unit. */
  readonly axis?: number | readonly number[]
}

/** Options of `maxNorm`. */
export interface MaxNormOptions extends NormOptions {
  /** The largest norm. Default 2. */
  readonly maxValue?: number
}

/** Options of `minMaxNorm`. */
export interface MinMaxNormOptions extends NormOptions {
  /** The least norm. Default 0. */
  readonly minValue?: number
  /** The largest norm. Default 1. */
  readonly maxValue?: number
  /** The share of the way to its bound that a norm moves in one step, 0 to 1. Default 1. */
  readonly rate?: number
}

const readAxisList = (axis: number | readonly number[], what: string): readonly number[] => {
  const axes = typeof axis === 'number' ? [axis] : axis
  const fits = Array.isArray(axes) && axes.length > 0 && axes.every((n) => NATURAL.holds(n))
  check(fits, what, 'an axis or a list of axes', axis)
  return [...axes]
}

const readers = {
  minValue: [NON_NEGATIVE, 0],
  maxValue: [NON_NEGATIVE, 1],
  rate: [UP_TO_ONE, 1],
  axis: [readAxisList, [0]],
} as const

/** One that holds norms in bounds: w (rate clip(norm, low, high) + (1 - rate) norm) / norm. */
export function ofNorms(kind: Constraint['kind'], options: object, bounds?: number): Constraint {
  const read = readOptions(kind, options, readers)
  const { minValue, maxValue, rate, axis } = read
  check(maxValue >= minValue, `${kind}: maxValue`, `a number >= minValue (${minValue})`, maxValue)
  return bringing(
    { kind, ...read },
    {
      checkRank(weight: string, rank: number) {
        const sorted = [...new Set(axis)].sort((a, b) => a - b)
        const fits = sorted.every((n, i) => n < rank && n === sorted[0] + i)
        check(fits, `${weight}: ${kind}: axis`, `adjacent axes of a weight of rank ${rank}`, axis)
      },
      constrain(address: number, shape: Shape) {
        const [first, last] = [Math.min(...axis), Math.max(...axis)] // the axes are neighbours
        const parts = [shape.slice(0, first), shape.slice(first, last + 1), shape.slice(last + 1)]
        const limits = [bounds ?? minValue, bounds ?? maxValue, rate].map(f32)
        const operands = listed({
          [abi.CONSTRAIN_W]: address,
          [abi.CONSTRAIN_OUTER]: parts.map((part) => elementCount(part)),
          [abi.CONSTRAIN_LOW]: limits,
        })
        return { code: abi.OP_CONSTRAIN, operands, module: trainingModule }
      },
    },
  )
}

/**
 * Limits the norm of a weight: w min(norm, maxValue) / norm; maxValue 2.
 * @throws LanegradError on an unknown or bad option; when the model is made, unless the axes are adjacent ones of the weight
 * @example
 * ```js
 * import { dense, maxNorm, sequential } from 'lanegrad'
 *
 * const layer = dense({ units: 1, kernelInitializer: 'ones', kernelConstraint: maxNorm({ maxValue: 1 }) })
 * const model = sequential({ inputShape: [4], layers: [layer] })
 * model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' })
 * model.trainStep([[0, 0, 0, 0]], [0]) // no gradient, but the norm of four ones is 2
 * console.log(model.predict([[1, 0, 0, 0]]).data[0].toFixed(3)) // 0.500
 * ```
 */
export function maxNorm(options: MaxNormOptions = {}): Constraint {
  const read = checkOptions('maxNorm', options, ['maxValue', 'axis'])
  return ofNorms('maxNorm', { ...read, maxValue: read.maxValue ?? 2 })
}

/**
 * Keeps a weight from being negative: max(w, 0).
 * @example
 * ```js
 * import { constant, dense, nonNeg, sequential } from 'lanegrad'
 *
 * const layer = dense({ units: 1, kernelInitializer: constant({ value: -1 }), kernelConstraint: nonNeg() })
 * const model = sequential({ inputShape: [2], layers: [layer] })
 * model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' })
 * model.trainStep([[2, 0]], [98]) // brings the first weight to 3; the second has no gradient and is brought to 0
 * console.log(model.getWeights()['dense_1/kernel'].data.join(' ')) // 3 0
 * ```
 */
export const nonNeg = (): Constraint =>
  bringing(
    { kind: 'nonNeg', minValue: 0, maxValue: 1, rate: 1, axis: [0] },
    {
      checkRank() {},
      constrain: (address: number, shape: Shape) => ({
        code: abi.OP_UNARY,
        operands: listed({
          [abi.UNARY_DST]: address,
          [abi.UNARY_SRC]: address,
          [abi.UNARY_COUNT]: elementCount(shape),
          [abi.UNARY_FN]: abi.FN_RELU,
          [abi.UNARY_ALPHA]: 0,
        }),
      }),
    },
  )

/**
 * Scales a weight to norm 1: w / norm.
 * @throws LanegradError as maxNorm
 * @example
 * ```js
 * import { dense, sequential, unitNorm } from 'lanegrad'
 *
 * const layer = dense({ units: 2, kernelInitializer: 'ones', kernelConstraint: unitNorm() })
 * const model = sequential({ inputShape: [4], layers: [layer] })
 * model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' })
 * model.trainStep([[0, 0, 0, 0]], [[0, 0]]) // no gradient, but each unit's four ones have the norm 2
 * console.log([...model.predict([[1, 0, 0, 0]]).data].map((w) => w.toFixed(4)).join(' ')) // 0.5000 0.5000
 * ```
 */
export function unitNorm(options: NormOptions = {}): Constraint {
  return ofNorms('unitNorm', checkOptions('unitNorm', options, ['axis']), 1)
}

/**
 * Keeps the norm of a weight between two bounds: w (rate clip(norm, minValue, maxValue) + (1 - rate) norm) / norm; minValue 0,
 * maxValue 1, rate 1.
 * @throws LanegradError as maxNorm, and for a maxValue below minValue
 * @example
 * ```js
 * import { dense, minMaxNorm, sequential } from 'lanegrad'
 *
 * const layer = dense({ units: 1, kernelInitializer: 'ones', kernelConstraint: minMaxNorm({ maxValue: 1, rate: 0.5 }) })
 * const model = sequential({ inputShape: [4], layers: [layer] })
 * model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' })
 * const step = () => model.trainStep([[0, 0, 0, 0]], [0]) && model.predict([[1, 0, 0, 0]]).data[0].toFixed(3)
 * // four equal weights, norm 2: each step goes half the way to norm 1, 1.5 and 1.25
 * console.log(step(), step()) // 0.750 0.625
 * ```
 */
export function minMaxNorm(options: MinMaxNormOptions = {}): Constraint {
  return ofNorms('minMaxNorm', checkOptions('minMaxNorm', options, ['minValue', 'maxValue', 'rate', 'axis']))
}

/** A constraint; null: none was given. @throws LanegradError that shows how one is written */
export const readConstraint = (given: Constraint | null, what: string): Constraint | null =>
  broughtBy(what, given, 'constrain', ['maxNorm()', 'nonNeg()', 'unitNorm()', 'minMaxNorm()'])
