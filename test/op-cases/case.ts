// What a case of the table is: one operation, the shapes of its inputs and the numbers they are drawn from. Plain
// data. Enters: nothing. Leaves: types, and the short forms in which the tables are written.

import type { Kernel } from '../../src/graph/kernel.ts'
import type { Shape } from '../../src/numerics/shape.ts'

/** What an input's numbers are: uniform in an interval, class ids, or targets of a special form. */
export type Domain =
  | {
      readonly from: number
      readonly to: number
      /** No number lies within 0.02 of these. */
      readonly avoid?: readonly number[]
      /** The numbers are this of uniform ones. */
      readonly via?: (x: number) => number
    }
  | { readonly classes: number; readonly ignored?: number }
  | { readonly form: 'oneHot' | 'probabilities' | 'signs' }

export interface CaseInput {
  readonly shape: Shape
  readonly domain: Domain
}

export interface OpCase {
  readonly name: string
  readonly kernel: Kernel
  readonly inputs: readonly CaseInput[]
  readonly attributes: object
  /** The inputs to differentiate by; none where the operation has no gradient, or is a fused form. */
  readonly by: readonly number[]
}

/** A case, its attributes those of the kernel. */
export const opCase = <A extends object>(
  kernel: Kernel<A>,
  name: string,
  inputs: readonly CaseInput[],
  attributes: A,
  by: readonly number[] = [],
): OpCase => ({ name, kernel: kernel as Kernel, inputs, attributes, by })

/** A case with the kernel's name in front of its own. */
export const kernelCase = <A extends object>(
  kernel: Kernel<A>,
  detail: string,
  inputs: readonly CaseInput[],
  attributes: A,
  by: readonly number[],
): OpCase => opCase(kernel, `${kernel.name} ${detail}`, inputs, attributes, by)

export const UNIT: Domain = { from: -1, to: 1 }
export const of = (shape: Shape, domain: Domain = UNIT): CaseInput => ({ shape, domain })
export const text = (shape: Shape): string => `[${shape}]`
