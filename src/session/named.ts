// Weights, or arrays of their shapes, that callers name.
import { isFloat32 } from '../numerics/brands.ts'
import type { Shape } from '../numerics/shape.ts'
import { type ArrayLikeData, rowsOf } from '../rows/rows.ts'

/** The numbers of an array of the shape of the weight `name`; those that were passed where their type is float32. */
export function numbersOf(what: string, name: string, shape: Shape, given: ArrayLikeData): Float32Array {
  const [rows, ...rest] = shape
  const { data } = rowsOf(`${what}: ${name}`, given, { name, shape: rest, dtype: 'float32', rows })
  return isFloat32(data) ? data : new Float32Array(data)
}
