// A value of a graph: its shape, its type, and where it comes from if no operation makes it.
// Values are compared by identity.
import { isObject } from '../numerics/errors.ts'
import type { DType, Shape } from '../numerics/shape.ts'

/**
 * Where a value that no operation makes comes from: fed before each run (inputs, targets, sample weights), kept
 * in the arena from run to run (parameters), or written once with the program (constants).
 */
export type LeafKind = 'input' | 'target' | 'sampleWeight' | 'parameter' | 'constant'

/** A value of a graph: what an operation makes, of a shape that is known when the graph is built. */
export interface Value {
  readonly id: number
  readonly shape: Shape
  readonly dtype: DType
  /** null for a value made by an operation */
  readonly leaf: { readonly kind: LeafKind; readonly name: string; readonly data?: Float32Array } | null
}

export const isValue = (value: unknown): value is Value =>
  isObject(value) && 'leaf' in value && 'shape' in value && Array.isArray(value.shape)

/** `%3` for the value of an operation; the name for a leaf, with its kind where an output has that name too. */
export function valueText({ id, leaf }: Value): string {
  if (!leaf) return `%${id}`
  return leaf.kind === 'target' || leaf.kind === 'sampleWeight' ? `${leaf.kind}:${leaf.name}` : leaf.name
}
