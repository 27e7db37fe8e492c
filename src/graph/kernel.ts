// An operation as one object: shapes, gradient rule, encoding and the module its kernel lies in. The operations of
// ops.ts are in every program, since gradients and simplification are made of them; those of src/operations are
// objects of this form, so that a bundler keeps only those a program's layers use.

import type { Shape } from '../numerics/shape.ts'
import type { KernelModule } from '../runtime/kernel-module.ts'
import type { GraphBuilder } from './builder.ts'
import type { Op } from './graph.ts'
import type { UnaryName } from './ops.ts'
import type { Value } from './value.ts'

/** Where a plan put things; bytes. */
export interface Addresses {
  of(value: Value): number
  readonly scratch: number
  /** The arena's header. */
  readonly header: number
}

/** An operation of some kernel: what its functions are given. */
export interface KernelCall<A> {
  readonly inputs: readonly Value[]
  readonly output: Value
  /** What it makes besides `output`: what the gradient needs, or further results. */
  readonly extras: readonly Value[]
  readonly attributes: A
}

/** Attributes that simplification adds. */
export interface Fused {
  readonly bias?: boolean
  readonly epilogue?: { readonly fn: UnaryName; readonly alpha: number }
}

export interface Kernel<A extends object = object> {
  readonly name: string
  readonly module: KernelModule
  /** OP_* */
  readonly code: number
  /** Shape of the output, then of each extra. Throws (fail) where the inputs don't fit. */
  shapes(inputs: readonly Value[], attributes: A): readonly [Shape, ...Shape[]]
  /** The operands, as the kernel reads them. */
  words(op: KernelCall<A>, at: Addresses): readonly number[]
  /** Bytes of scratch; default 0. */
  scratchBytes?(op: KernelCall<A>): number
  /** Positions of inputs that are int32 (or may be). */
  readonly int32?: readonly number[]
  /** Positions of inputs whose buffer the output may take over, if they have its size and die here. */
  readonly reuses?: readonly number[]
  /**
   * Whether it takes, from simplify.ts, a bias [size of the last axis] as a last input and a unary function: attributes
   * `bias` and `epilogue`.
   */
  readonly fuses?: boolean
  /**
   * One value per input, null where there is no gradient. dys: the gradient of the output and of each extra, null
   * where none arrives. Without a rule, the kernel can't be differentiated.
   */
  gradient?(g: GraphBuilder, op: KernelCall<A>, dys: readonly (Value | null)[]): readonly (Value | null)[]
}

/** The values an operation makes. */
export const outputsOf = (op: Pick<Op, 'output' | 'extras'>): readonly Value[] => [op.output, ...op.extras]

/** The same without making a list, for what every plan does with every operation. */
export function eachOutput(
  { output, extras }: Pick<Op, 'output' | 'extras'>,
  visit: (value: Value) => void,
): void {
  visit(output)
  for (let i = 0; i < extras.length; i++) visit(extras[i])
}

/** The name an operation goes by in prints and messages. */
export const nameOf = (op: Pick<Op, 'name' | 'attributes'>): string =>
  op.name === 'kernel' ? (op as Op<'kernel'>).attributes.kernel.name : op.name
