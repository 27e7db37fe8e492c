// Gradients by the names of weights: those that a run gives, and those that a caller made, checked.
import { check, fail, isObject, reading, unknownName } from '../numerics/errors.ts'
import { elementCount, type FloatArray } from '../numerics/tensor.ts'
import type { ArrayLikeData } from '../rows/rows.ts'
import type { Executable } from '../runtime/program.ts'
import type { ParameterSpec } from '../session/layout.ts'
import { numbersOf } from '../session/named.ts'
import type { Session } from '../session/session.ts'

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
    const trained = weights.filter(({ trainable }) => trainable)
    const known = new Map(weights.map((spec) => [spec.name, spec]))
    for (const name of Object.keys(given)) {
      const spec = known.get(name)
      if (!spec)
        unknownName(
          `${what} weight`,
          name,
          trained.map(({ name }) => name),
        )
      if (!spec.trainable) fail(`${what}: weight ${name} is frozen and takes no gradient`)
    }
    return trained.map(({ name, shape }) => {
      const gradient = given[name] ?? fail(`${what}: the gradient of ${name} is missing`)
      const numbers = numbersOf(what, name, shape, gradient)
      if (!allowNaN && numbers.includes(Number.NaN))
        fail(`${what}: the gradient of ${name} holds NaN (pass allowNaN: true to use it all the same)`)
      return [name, numbers] as const
    })
  })
}

/**
 * The gradients of the batch that was fed to the program, of every weight that trains; with `inputs`, of the float inputs
 * too.
 */
export function gradientsOf(
  session: Session,
  { gradients }: Executable,
  inputs: boolean,
): Record<string, FloatArray> {
  session.engine.forward()
  session.engine.backward()
  const result: Record<string, FloatArray> = {}
  for (const { name, shape, trainable } of session.weights) {
    const slot = gradients.get(name)
    if (trainable)
      result[name] = slot ? session.read(slot) : { shape, data: new Float32Array(elementCount(shape)) }
  }
  if (inputs) for (const [name, slot] of gradients) result[name] ??= session.read(slot)
  return result
}
