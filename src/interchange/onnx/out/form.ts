// What the forms of operations work with.
import type { Op } from '../../../graph/kernel.ts'
import type { Value } from '../../../graph/value.ts'
import type { OnnxBuilder } from './builder.ts'
import type { Float, Tensor } from './tensor.ts'
import type { Trace } from './trace.ts'

export interface FormContext {
  readonly b: OnnxBuilder
  readonly trace: Trace
  /** The ONNX value of an input of the operation, or of a value that is made before it. */
  tensorOf(value: Value): Tensor
}

/**
 * Writes an operation: gives its output, then those extras that something may read (undefined for the others).
 * @throws LanegradError where ONNX has no such thing
 */
export type Form<A extends object = never> = (
  context: FormContext,
  op: Op<A>,
  inputs: readonly Tensor[],
) => Tensor | readonly (Tensor | undefined)[]

export const float = (value: number): Float => ({ float: value })
