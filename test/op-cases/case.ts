// What a case of the table is: one operation, the shapes of its inputs and the numbers they are drawn from. Plain
// data. Enters: nothing. Leaves: types, and the short forms in which the tables are written.

import type { Kernel } from '../../src/graph/kernel.ts'
import type { OpAttributes, OpName } from '../../src/graph/ops.ts'
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

export interface OpCase<N extends OpName> {
  readonly name: string
  readonly op: N
  readonly inputs: readonly CaseInput[]
  readonly attributes: OpAttributes[N]
  /** The inputs to differentiate by; none where the operation has no gradient, or is a fused form. */
  readonly by: readonly number[]
}
export type AnyCase = { [N in OpName]: OpCase<N> }[OpName]

/** A case of a kernel of src/operations. */
export const kernelCase = <A extends object>(
  kernel: Kernel<A>,
  detail: string,
  inputs: readonly CaseInput[],
  attributes: A,
  by: readonly number[],
): OpCase<'kernel'> => ({
  name: `${kernel.name} ${detail}`,
  op: 'kernel',
  inputs,
  attributes: { kernel: kernel as Kernel, with: attributes },
  by,
})

export const UNIT: Domain = { from: -1, to: 1 }
export const of = (shape: Shape, domain: Domain = UNIT): CaseInput => ({ shape, domain })
export const text = (shape: Shape): string => `[${shape}]`
