// What many layers have in common: options of weights (initializer, regularizer, constraint), sizes, inputs, bias and
// activation.

import type { Value } from '../graph/value.ts'
import { check, fail, NON_NEGATIVE, POSITIVE_INTEGER, type Reader, readOptions } from '../numerics/errors.ts'
import { type Shape, shapeText } from '../numerics/shape.ts'
import { type ActivationName, activate } from './activations.ts'
import { type Constraint, readConstraint } from './constraints.ts'
import { type Initializer, type InitializerName, toInitializer } from './initializers.ts'
import type { LayerContext, Regularizer, WeightOptions } from './layer.ts'

export interface CheckedActivation {
  readonly name: ActivationName
  readonly alpha: number
}

/** Options of each weight a layer has (weights.ts), checked and complete. */
export type ConfigOfWeights<N extends string> = { readonly [K in `${N}Initializer`]: Initializer } & {
  readonly [K in `${N}Regularizer`]: Regularizer
} & { readonly [K in `${N}Constraint`]: Constraint | null }

export const readRegularizer = (regularizer: Regularizer | null, where: string): Regularizer =>
  readOptions(where, regularizer ?? {}, { l1: [NON_NEGATIVE, 0], l2: [NON_NEGATIVE, 0] })

type ReadersOfWeights<N extends string> = {
  readonly [K in keyof ConfigOfWeights<N>]: readonly [Reader<ConfigOfWeights<N>[K]>, unknown]
}

/** Readers of the options of a layer's weights; `defaults` has each weight's initializer. */
export function weights<N extends string>(
  defaults: Readonly<Record<N, InitializerName>>,
): ReadersOfWeights<N> {
  const readers = Object.entries<InitializerName>(defaults).flatMap(([name, initializer]) => [
    [`${name}Initializer`, [toInitializer, initializer]],
    [`${name}Regularizer`, [readRegularizer, {}]],
    [`${name}Constraint`, [readConstraint, null]],
  ])
  return Object.fromEntries(readers)
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

/** The one input of a layer. */
export function one(inputs: readonly Value[]): Value {
  if (inputs.length !== 1) fail(`expected one input, got ${inputs.length}`)
  return inputs[0]
}

/** The one input, of rank `rank` (with the batch axis): `axes` says what they are, `[batch, steps, channels]`. */
export function oneOfRank(inputs: readonly Value[], rank: number, axes: string, orMore = false): Value {
  const x = one(inputs)
  const { length } = x.shape
  if (length < rank || (length > rank && !orMore))
    fail(
      `expected an input of rank ${rank} ${orMore ? 'or more ' : ''}${axes}, got shape ${shapeText(x.shape)}`,
    )
  return x
}

/** The one input [batch, ..., channels]. */
export const withChannels = (inputs: readonly Value[]): Value => oneOfRank(inputs, 2, '(batch first)', true)

export const channelsOf = ({ shape }: Value): number => shape[shape.length - 1]

const SPATIAL = ['steps', 'height, width', 'depth, height, width']

/** The one input, with `axes` axes (1 to 3) between the batch and the channels. */
export const spatial = (inputs: readonly Value[], axes: number): Value =>
  oneOfRank(inputs, axes + 2, `[batch, ${SPATIAL[axes - 1]}, channels]`)

/** Reads a size for each of `axes` axes; one number stands for all. */
export const sizes =
  (axes: number) =>
  (value: unknown, what: string): readonly number[] => {
    const list: readonly unknown[] = Array.isArray(value) ? [...value] : new Array(axes).fill(value)
    const fits = list.length === axes && list.every((size) => POSITIVE_INTEGER.holds(size) && size < 0x10000)
    check(fits, what, `an integer from 1 to 65535${axes > 1 ? ` or a list of ${axes}` : ''}`, value)
    return list as readonly number[]
  }

/** activation(rows + bias) under `shape`, for a layer that may have a bias: rows [positions, channels]. */
export function finish(
  { g, weight }: LayerContext,
  { rows, shape }: { readonly rows: Value; readonly shape: Shape },
  config: ConfigOfWeights<'bias'> & { readonly useBias: boolean; readonly activation: CheckedActivation },
): Value {
  const { activation, useBias } = config
  const y = useBias ? g.plus(rows, weight('bias', [channelsOf(rows)], weightOptions(config, 'bias'))) : rows
  // softmax comes last, so that a cross-entropy sees it
  return activation.name === 'softmax' || activation.name === 'logSoftmax'
    ? activate(g, activation, g.reshape(y, shape))
    : g.reshape(activate(g, activation, y), shape)
}
