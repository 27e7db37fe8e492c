// The options of the window that all convolution layers have: sizes, steps, padding.
import { BOOLEAN, check, NATURAL, oneOf, type Read } from '../numerics/errors.ts'
import type { ConvOptions } from '../operations/convolution.ts'
import type { Padding } from '../operations/window.ts'
import { type Activation, readActivation } from './activations.ts'
import type { LayerOptions } from './layer.ts'
import { sizeReader } from './options.ts'

/** One number for all axes, or a list of one for each. */
export type Sizes = number | readonly number[]

/** Options of all convolutions. P: the names of padding. */
export interface WindowOptions<P extends string> extends LayerOptions {
  /** Number of cells that the kernel covers on each axis; one number stands for all. */
  readonly kernelSize: Sizes
  /** Distance from window to window, in cells. Default 1. */
  readonly strides?: Sizes
  /**
   * Zeros around the input. 'valid' (default): none; 'same': on both sides, the odd one behind, so that the output has
   * ceil(n / stride) cells; 'causal' (conv1d, depthwiseConv1d, separableConv1d): before the first step only; or [before,
   * after] of each axis.
   */
  readonly padding?: P | readonly (readonly [before: number, after: number])[]
  /** Distance between the cells that the kernel covers. Default 1. */
  readonly dilationRate?: Sizes
  /** Default 'linear'. */
  readonly activation?: Activation
  /** Default true. */
  readonly useBias?: boolean
}

/** A reader of padding over `rank` axes: one of `names`, or numbers. */
export const paddingReader =
  (rank: number, ...names: readonly string[]) =>
  (padding: unknown, where: string): Padding => {
    const isPair = (pair: unknown) =>
      Array.isArray(pair) && pair.length === 2 && pair.every((n) => NATURAL.holds(n))
    const isList = Array.isArray(padding) && padding.length === rank && padding.every(isPair)
    const expected = `${names.map((name) => `"${name}"`).join(', ')} or [before, after] of each axis`
    check(isList || names.includes(padding as string), where, expected, padding)
    return isList ? padding.map((pair) => [...pair] as [number, number]) : (padding as Padding)
  }

/** Readers of the options of a window over `rank` axes; `named`: padding can't be given in numbers. */
export const windowReaders = (rank: number, named = false) =>
  ({
    kernelSize: sizeReader(rank),
    strides: [sizeReader(rank), 1],
    padding: [
      named
        ? oneOf('valid', 'same')
        : paddingReader(rank, 'valid', 'same', ...(rank === 1 ? ['causal'] : [])),
      'valid',
    ],
    dilationRate: [sizeReader(rank), 1],
    activation: readActivation,
    useBias: [BOOLEAN, true],
  }) as const

export type WindowConfig = Read<ReturnType<typeof windowReaders>>

export const windowOf = ({ strides, padding, dilationRate }: WindowConfig): ConvOptions => ({
  strides,
  padding,
  dilations: dilationRate,
})
