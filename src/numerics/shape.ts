// Shapes as lists of sizes, and how messages write them.

/** The type of the numbers of an array. */
export type DType = 'float32' | 'int32'
/** The number of elements along each axis. */
export type Shape = readonly number[]
/** A shape without its batch axis; null where the length may differ from batch to batch. */
export type RowShape = readonly (number | null)[]

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((size, i) => size === b[i])

export const shapeText = (shape: Shape): string => `[${shape.join(',')}]`

/** `[batch,3,any]` */
export const rowShapeText = (shape: RowShape): string =>
  `[batch${shape.map((n) => `,${n ?? 'any'}`).join('')}]`
