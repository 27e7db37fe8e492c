// Shared by many layers: readers of the options of weights (initializer, regularizer, constraint) and of sizes, checks of
// inputs, bias and activation.
import * as ops from '../graph/operations.ts'
import type { Value } from '../graph/value.ts'
import {
  check,
  mismatch,
  NON_NEGATIVE,
  POSITIVE_INTEGER,
  type Reader,
  readOptions,
} from '../numerics/errors.ts'
import { type Shape, shapeText } from '../numerics/shape.ts'
import { type ActivationName, activate } from './activations.ts'
import { type Constraint, readConstraint } from './constraints.ts'
import { type Initializer, type InitializerName, readInitializer } from './initializers.ts'
import type { BuildContext, Regularizer, WeightOptions } from './layer.ts'

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
export function weightReaders<N extends string>(
  defaults: Readonly<Record<N, Initializer | InitializerName>>,
): ReadersOfWeights<N> {
  const readers = Object.entries<Initializer | InitializerName>(defaults).flatMap(([name, initializer]) => [
    [`${name}Initializer`, [readInitializer, initializer]],
    [`${name}Regularizer`, [readRegularizer, {}]],
    [`${name}Constraint`, [readConstraint, null]],
  ])
  return Object.fromEntries(readers)
}

/** The options of one weight, taken from a checked config, as `BuildContext.weight` takes them. */
export function weightOptions<N extends string>(config: ConfigOfWeights<N>, name: N): WeightOptions {
  const all = config as Readonly<Record<string, never>>
  return {
    initializer: all[`${name}Initializer`],
    regularizer: all[`${name}Regularizer`],
    constraint: all[`${name}Constraint`],
  }
}

/** The single input of a layer. @throws LanegradError unless there is exactly one */
export function singleInput(inputs: readonly Value[]): Value {
  if (inputs.length !== 1) mismatch('one input', inputs.length)
  return inputs[0]
}

/**
 * The single input of a layer, which has the axes that the text `axes` lists: '[batch, steps, channels]'; '...' in it stands
 * for any number of axes, 0 included.
 * @throws LanegradError
 */
export function inputOfAxes(inputs: readonly Value[], axes: string): Value {
  const x = singleInput(inputs)
  const missing = axes.split(',').length - x.shape.length
  if (axes.includes('...') ? missing > 1 : missing !== 0) mismatch(`an input ${axes}`, shapeText(x.shape))
  return x
}

/** The single input, int32 ids. @throws LanegradError */
export function idInput(inputs: readonly Value[]): Value {
  const ids = singleInput(inputs)
  if (ids.dtype !== 'int32')
    mismatch('int32 ids (dtype: "int32" of input, inputDtype of sequential)', ids.dtype)
  return ids
}

/** The single input [batch, ..., channels]. @throws LanegradError */
export const channelInput = (inputs: readonly Value[]): Value => inputOfAxes(inputs, '[batch, ..., channels]')

export const channelsOf = ({ shape }: Value): number => shape[shape.length - 1]

/** The axes between the batch and the channels, by their number less one. */
export const SPATIAL = ['steps', 'height, width', 'depth, height, width']

/** The single input, with `axes` axes (1 to 3) between the batch and the channels. @throws LanegradError */
export const spatialInput = (inputs: readonly Value[], axes: number): Value =>
  inputOfAxes(inputs, `[batch, ${SPATIAL[axes - 1]}, channels]`)

/** A reader of sizes, one for each of `axes` axes; one number stands for all. */
export const sizeReader =
  (axes: number) =>
  (value: unknown, what: string): readonly number[] => {
    const list: readonly unknown[] = Array.isArray(value) ? [...value] : new Array(axes).fill(value)
    const fits = list.length === axes && list.every((size) => POSITIVE_INTEGER.holds(size) && size < 0x10000)
    check(fits, what, `an integer from 1 to 65535${axes > 1 ? ` or a list of ${axes}` : ''}`, value)
    return list as readonly number[]
  }

/** activation(rows + bias) in the shape `shape`, for a layer that may have a bias: rows [positions, channels]. */
export function addBiasAndActivate(
  { g, weight }: BuildContext,
  { rows, shape }: { readonly rows: Value; readonly shape: Shape },
  config: ConfigOfWeights<'bias'> & { readonly useBias: boolean; readonly activation: CheckedActivation },
): Value {
  const { activation, useBias } = config
  const y = useBias
    ? ops.plus(g, rows, weight('bias', [channelsOf(rows)], weightOptions(config, 'bias')))
    : rows
  // softmax comes last, so that a cross-entropy sees it
  return activation.name === 'softmax' || activation.name === 'logSoftmax'
    ? activate(g, activation, ops.reshape(g, y, shape))
    : ops.reshape(g, activate(g, activation, y), shape)
}
