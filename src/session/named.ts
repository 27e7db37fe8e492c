// Layers and weights that callers name, and arrays of their shapes.
import { isFloat32 } from '../numerics/brands.ts'
import { unknownName } from '../numerics/errors.ts'
import type { Shape } from '../numerics/shape.ts'
import { type ArrayLikeData, rowsOf } from '../rows/rows.ts'

/** The numbers of an array of the shape of the weight `name`; those that were passed where their type is float32. */
export function numbersOf(what: string, name: string, shape: Shape, given: ArrayLikeData): Float32Array {
  const [rows, ...rest] = shape
  const { data } = rowsOf(`${what}: ${name}`, given, { name, shape: rest, dtype: 'float32', rows })
  return isFloat32(data) ? data : new Float32Array(data)
}

/**
 * Values for layers or weights (`all`) by what callers name: these, the models and layers that they lie in, or what all weights of a
 * kind are called (`bias`). Where several entries mean one, the last counts. @throws LanegradError on a name that means none
 */
export function byName<T>(
  what: string,
  given: Iterable<readonly [name: string, value: T]>,
  all: readonly string[],
): ReadonlyMap<string, T> {
  const meant = new Map<string, string[]>()
  for (const one of all) {
    const names = [one]
    for (const { 0: sign, index } of one.matchAll(/[./]/g)) {
      names.push(one.slice(0, index))
      if (sign === '/') names.push(one.slice(index + 1))
    }
    for (const name of names) {
      const those = meant.get(name) ?? []
      meant.set(name, those)
      those.push(one)
    }
  }
  const found = new Map<string, T>()
  for (const [name, value] of given)
    for (const one of meant.get(name) ?? unknownName(what, name, [...meant.keys()])) found.set(one, value)
  return found
}
