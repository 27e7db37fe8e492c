// Gradients that a caller made, checked: one array for each weight that trains, by name.
import { check, fail, isObject, reading, unknownName } from '../numerics/errors.ts'
import type { ArrayLikeData } from '../rows/rows.ts'
import type { ParameterSpec } from '../session/layout.ts'
import { numbersOf } from '../session/named.ts'

/** Gradients by the names of weights. */
export type Gradients = Readonly<Record<string, ArrayLikeData>>

/** @throws LanegradError on a name too many or too few, another shape, or NaN unless it is allowed */
export function readGradients(
  weights: readonly ParameterSpec[],
  given: Gradients,
  allowNaN: boolean,
): readonly (readonly [name: string, numbers: Float32Array])[] {
  const what = 'applyGradients'
  check(isObject(given), `${what}: gradients`, 'an object of arrays by name', given)
  return reading(`${what}: gradients`, () => {
    const known = weights.filter(({ trainable }) => trainable)
    const names = known.map(({ name }) => name)
    for (const name of Object.keys(given)) {
      if (weights.some((weight) => weight.name === name && !weight.trainable))
        fail(`${what}: weight ${name} is frozen and takes no gradient`)
      if (!names.includes(name)) unknownName(`${what} weight`, name, names)
    }
    return known.map(({ name, shape }) => {
      const gradient = given[name] ?? fail(`${what}: the gradient of ${name} is missing`)
      const numbers = numbersOf(what, name, shape, gradient)
      if (!allowNaN && numbers.includes(Number.NaN))
        fail(`${what}: the gradient of ${name} holds NaN (pass allowNaN: true to use it all the same)`)
      return [name, numbers] as const
    })
  })
}
