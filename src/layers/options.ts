// What the options of many layers have in common: weights (initializer, regularizer, constraint), flags, inputs.
import { shapeText, type Value } from '../graph/value.ts'
import { check, checkOptions, fail, NON_NEGATIVE, POSITIVE_INTEGER } from '../numerics/errors.ts'
import type { ActivationName } from './activations.ts'
import { type Constraint, type ConstraintName, readConstraint } from './constraints.ts'
import { type Initializer, type InitializerName, toInitializer } from './initializers.ts'
import type { Regularizer, WeightOptions } from './layer.ts'

export interface CheckedActivation {
  readonly name: ActivationName
  readonly alpha: number
}

/** Options of each weight a layer has: `kernelInitializer`, `kernelRegularizer`, `kernelConstraint`, ... */
export type OptionsOfWeights<N extends string> = {
  readonly [K in `${N}Initializer`]?: Initializer | InitializerName
} & { readonly [K in `${N}Regularizer`]?: Regularizer } & {
  readonly [K in `${N}Constraint`]?: Constraint | ConstraintName | null
}

/** The same, checked and complete. */
export type ConfigOfWeights<N extends string> = { readonly [K in `${N}Initializer`]: Initializer } & {
  readonly [K in `${N}Regularizer`]: Regularizer
} & { readonly [K in `${N}Constraint`]: Constraint | null }

function readRegularizer(where: string, regularizer: Regularizer | undefined): Regularizer {
  const given = regularizer ?? {}
  checkOptions(where, given, ['l1', 'l2'])
  const { l1 = 0, l2 = 0 } = given
  check(NON_NEGATIVE.holds(l1), `${where}: l1`, NON_NEGATIVE.expected, l1)
  check(NON_NEGATIVE.holds(l2), `${where}: l2`, NON_NEGATIVE.expected, l2)
  return { l1, l2 }
}

/** The keys `readWeights` reads, for `checkLayerOptions`. */
export const weightKeys = (...names: readonly string[]): string[] =>
  names.flatMap((name) => [`${name}Initializer`, `${name}Regularizer`, `${name}Constraint`])

/** Checks the options of the weights of layer `where`; `defaults` has each weight's initializer. */
export function readWeights<N extends string>(
  where: string,
  options: object,
  defaults: Readonly<Record<N, InitializerName>>,
): ConfigOfWeights<N> {
  const given = options as Readonly<Record<string, never>>
  const config: Record<string, unknown> = {}
  for (const [name, initializer] of Object.entries<InitializerName>(defaults)) {
    config[`${name}Initializer`] = toInitializer(given[`${name}Initializer`] ?? initializer)
    const regularizer = `${name}Regularizer`
    config[regularizer] = readRegularizer(`${where}: ${regularizer}`, given[regularizer])
    config[`${name}Constraint`] = readConstraint(`${where}: ${name}Constraint`, given[`${name}Constraint`])
  }
  return config as ConfigOfWeights<N>
}

/** What `LayerContext.weight` takes, of a checked config. */
export function weightOptions<N extends string>(config: ConfigOfWeights<N>, name: N): WeightOptions {
  const all = config as Readonly<Record<string, never>>
  return {
    initializer: all[`${name}Initializer`],
    regularizer: all[`${name}Regularizer`],
    constraint: all[`${name}Constraint`],
  }
}

/** @throws LanegradError unless it is a boolean */
export function readFlag(where: string, value: unknown): boolean {
  check(typeof value === 'boolean', where, 'a boolean', value)
  return value
}

/** The one input of a layer. */
export function one(inputs: readonly Value[]): Value {
  if (inputs.length !== 1) fail(`expected one input, got ${inputs.length}`)
  return inputs[0]
}

/** The one input, of rank `rank` (with the batch axis): `axes` says what they are, `[batch, steps, channels]`. */
export function oneOfRank(inputs: readonly Value[], rank: number, axes: string): Value {
  const x = one(inputs)
  if (x.shape.length !== rank)
    fail(`expected an input of rank ${rank} ${axes}, got shape ${shapeText(x.shape)}`)
  return x
}

const SPATIAL = ['steps', 'height, width', 'depth, height, width']

/** The one input, with `axes` axes (1 to 3) between the batch and the channels. */
export const spatial = (inputs: readonly Value[], axes: number): Value =>
  oneOfRank(inputs, axes + 2, `[batch, ${SPATIAL[axes - 1]}, channels]`)

/** A size for each of `axes` axes; one number stands for all. @throws LanegradError unless they are positive integers */
export function readSizes(where: string, value: unknown, axes: number): readonly number[] {
  const list: readonly unknown[] = Array.isArray(value) ? [...value] : new Array(axes).fill(value)
  const fits = list.length === axes && list.every((size) => POSITIVE_INTEGER.holds(size))
  check(fits, where, `a positive integer${axes > 1 ? ` or a list of ${axes}` : ''}`, value)
  return list as readonly number[]
}
