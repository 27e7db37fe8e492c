// Constraints: what a weight is brought back to after every optimizer step (formulas as in Keras). Plain data made by
// constructors.
import { check, checkOptions, NON_NEGATIVE, unknownName } from '../numerics/errors.ts'

/** A constraint as plain data: what the constructors below make and what a saved model holds. */
export interface Constraint {
  readonly kind: 'maxNorm' | 'nonNeg' | 'unitNorm' | 'minMaxNorm'
  readonly minValue: number
  readonly maxValue: number
  /** How far a norm moves to its bound in one step: 1 all the way. */
  readonly rate: number
  /** The axes a norm sums over; by default 0: of a dense kernel, the weights into one unit. */
  readonly axis: readonly number[]
}

export interface NormOptions {
  /** Default [0]. */
  readonly axis?: number | readonly number[]
}

function make(
  kind: Constraint['kind'],
  { minValue = 0, maxValue = 1, rate = 1, axis = [0] }: Partial<Omit<Constraint, 'axis'>> & NormOptions,
): Constraint {
  check(NON_NEGATIVE.holds(minValue), `${kind}: minValue`, NON_NEGATIVE.expected, minValue)
  check(
    NON_NEGATIVE.holds(maxValue) && maxValue >= minValue,
    `${kind}: maxValue`,
    'a finite number >= minValue',
    maxValue,
  )
  check(NON_NEGATIVE.holds(rate) && rate <= 1, `${kind}: rate`, 'a number from 0 to 1', rate)
  const axes = typeof axis === 'number' ? [axis] : axis
  check(
    Array.isArray(axes) && axes.length > 0 && axes.every((n) => Number.isInteger(n) && n >= 0),
    `${kind}: axis`,
    'an axis or a list of axes',
    axis,
  )
  return Object.freeze({ kind, minValue, maxValue, rate, axis: [...axes] })
}

/** w min(norm, maxValue) / norm (default 2). */
export function maxNorm(options: NormOptions & { readonly maxValue?: number } = {}): Constraint {
  checkOptions('maxNorm', options, ['maxValue', 'axis'])
  return make('maxNorm', { maxValue: 2, ...options })
}

/** max(w, 0) */
export const nonNeg = (): Constraint => make('nonNeg', {})

/** w / norm */
export function unitNorm(options: NormOptions = {}): Constraint {
  checkOptions('unitNorm', options, ['axis'])
  return make('unitNorm', options)
}

/** w (rate clip(norm, minValue, maxValue) + (1 - rate) norm) / norm; defaults 0, 1, 1. */
export function minMaxNorm(
  options: NormOptions & {
    readonly minValue?: number
    readonly maxValue?: number
    readonly rate?: number
  } = {},
): Constraint {
  checkOptions('minMaxNorm', options, ['minValue', 'maxValue', 'rate', 'axis'])
  return make('minMaxNorm', options)
}

const constraints = { maxNorm, nonNeg, unitNorm, minMaxNorm }
export type ConstraintName = keyof typeof constraints

/** @throws LanegradError unless the axes are neighbours among those of a weight of rank `rank` */
export function checkAxes(weight: string, { kind, axis }: Constraint, rank: number): void {
  const sorted = [...new Set(axis)].sort((a, b) => a - b)
  const fits = sorted.every((n, i) => n < rank && n === sorted[0] + i)
  check(fits, `${weight}: ${kind}: axis`, `neighbouring axes of a weight of rank ${rank}`, axis)
}

/** A name or a Constraint to a checked one; null where none is given. @throws LanegradError */
export function readConstraint(
  where: string,
  constraint: Constraint | ConstraintName | null | undefined,
): Constraint | null {
  if (constraint === null || constraint === undefined) return null
  const kind = typeof constraint === 'string' ? constraint : constraint.kind
  if (typeof kind !== 'string' || !Object.hasOwn(constraints, kind))
    unknownName(`${where}: constraint`, kind, Object.keys(constraints))
  return typeof constraint === 'string' ? constraints[constraint]() : make(kind, constraint)
}
