// What all convolution layers have in common: the options of the window (sizes, steps, padding), bias and activation.
import type { Shape, Value } from '../graph/value.ts'
import { check, POSITIVE_INTEGER } from '../numerics/errors.ts'
import type { ConvOptions, ConvRows, Padding } from '../operations/convolution.ts'
import { type Activation, activate, readActivation } from './activations.ts'
import { checkLayerOptions, type LayerContext, type LayerOptions } from './layer.ts'
import {
  type CheckedActivation,
  type ConfigOfWeights,
  readFlag,
  readSizes,
  readWeights,
  weightKeys,
  weightOptions,
} from './options.ts'

/** One number for all axes, or one each. */
export type Sizes = number | readonly number[]

/** What all convolutions take. P: the names of padding. */
export interface WindowOptions<P extends string> extends LayerOptions {
  readonly kernelSize: Sizes
  /** Default 1. */
  readonly strides?: Sizes
  /**
   * 'valid' (none, default); 'same': output size ceil(n / stride), zeros on both sides, the odd one behind; or the
   * zeros [before, after] of each axis.
   */
  readonly padding?: P | readonly (readonly [before: number, after: number])[]
  /** Distance between the taps of the kernel. Default 1. */
  readonly dilationRate?: Sizes
  /** Default 'linear'. */
  readonly activation?: Activation
  /** Default true. */
  readonly useBias?: boolean
}

export interface WindowConfig {
  readonly kernelSize: readonly number[]
  readonly strides: readonly number[]
  readonly padding: Padding
  readonly dilationRate: readonly number[]
  readonly activation: CheckedActivation
  readonly useBias: boolean
}

const WINDOW_KEYS = ['kernelSize', 'strides', 'padding', 'dilationRate', 'activation', 'useBias']

function readPadding(where: string, padding: unknown, rank: number): Padding {
  const names = ['valid', 'same', ...(rank === 1 ? ['causal'] : [])]
  const isSize = (n: unknown) => n === 0 || POSITIVE_INTEGER.holds(n)
  const isPair = (pair: unknown) => Array.isArray(pair) && pair.length === 2 && pair.every(isSize)
  const isList = Array.isArray(padding) && padding.length === rank && padding.every(isPair)
  const expected = `${names.map((name) => `"${name}"`).join(', ')} or [before, after] of each axis`
  check(isList || names.includes(padding as string), where, expected, padding)
  return isList ? padding.map((pair) => [...pair] as [number, number]) : (padding as Padding)
}

/** Checks the options of `kind` and reads those of the window and, for `weights` (with their initializers), theirs. */
export function readWindow<N extends string>(
  kind: string,
  rank: number,
  options: object,
  own: readonly string[],
  weights: Readonly<Record<N, 'glorotUniform' | 'zeros'>>,
): WindowConfig & ConfigOfWeights<N> {
  checkLayerOptions(kind, options, [...WINDOW_KEYS, ...own, ...weightKeys(...Object.keys(weights))])
  const given = options as WindowOptions<string>
  const { strides = 1, padding = 'valid', dilationRate = 1, useBias = true } = given
  return {
    kernelSize: readSizes(`${kind}: kernelSize`, given.kernelSize, rank),
    strides: readSizes(`${kind}: strides`, strides, rank),
    padding: readPadding(`${kind}: padding`, padding, rank),
    dilationRate: readSizes(`${kind}: dilationRate`, dilationRate, rank),
    activation: readActivation(given.activation),
    useBias: readFlag(`${kind}: useBias`, useBias),
    ...readWeights(kind, options, weights),
  }
}

export function readCount(where: string, count: unknown): number {
  check(POSITIVE_INTEGER.holds(count), where, POSITIVE_INTEGER.expected, count)
  return count as number
}

/** activation(y + bias), in the shape of y. */
export function finish(
  { g, weight }: LayerContext,
  { rows, shape }: ConvRows,
  config: WindowConfig & ConfigOfWeights<'bias'>,
): Value {
  const bias: Shape = [shape[shape.length - 1]]
  const y = config.useBias ? g.plus(rows, weight('bias', bias, weightOptions(config, 'bias'))) : rows
  return g.reshape(activate(g, config.activation, y), shape)
}

export const channelsOf = (x: Value): number => x.shape[x.shape.length - 1]

export const windowOf = ({ strides, padding, dilationRate }: WindowConfig): ConvOptions => ({
  strides,
  padding,
  dilations: dilationRate,
})
