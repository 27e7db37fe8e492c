// A value of a graph: its shape, its type, and where it comes from if no operation makes it.
// Values are compared by identity.
import { isObject } from '../numerics/errors.ts'

/** What numbers are kept as. */
export type DType = 'float32' | 'int32'
/** How many elements a value has along each axis. */
export type Shape = readonly number[]
/** A shape without its batch axis; null where the length may differ from batch to batch. */
export type RowShape = readonly (number | null)[]

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

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((size, i) => size === b[i])

export const shapeText = (shape: Shape): string => `[${shape.join(',')}]`

/** `[batch,3,any]` */
export const rowShapeText = (shape: RowShape): string =>
  `[batch${shape.map((n) => `,${n ?? 'any'}`).join('')}]`

/** `%3` for the value of an operation; the name for a leaf, with its kind where an output has that name too. */
export function valueText({ id, leaf }: Value): string {
  if (!leaf) return `%${id}`
  return leaf.kind === 'target' || leaf.kind === 'sampleWeight' ? `${leaf.kind}:${leaf.name}` : leaf.name
}
