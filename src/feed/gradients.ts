// Gradients by the names of weights: those that a run gives, and those that a caller made, checked.
import { check, fail, isObject, reading, readOptions, unknownName } from '../numerics/errors.ts'
import { elementCount, type FloatArray } from '../numerics/tensor.ts'
import type { ArrayLikeData } from '../rows/rows.ts'
import type { Executable } from '../runtime/program.ts'
import type { ParameterSpec } from '../session/layout.ts'
import { numbersOf } from '../session/named.ts'
import type { Prepared } from '../session/prepared.ts'
import type { Session } from '../session/session.ts'
import { type ApplyOptions, OPTIONS } from './options.ts'

const WHAT = 'applyGradients'

/** Gradients by the names of weights. */
export type Gradients = Readonly<Record<string, ArrayLikeData>>

/** @throws LanegradError on a name too many or too few, another shape, or NaN unless it is allowed */
export function readGradients(
  weights: readonly ParameterSpec[],
  given: Gradients,
  allowNaN: boolean,
): readonly (readonly [name: string, numbers: Float32Array])[] {
  const what = `${WHAT}: gradients`
  check(isObject(given), what, 'an object of arrays by name', given)
  return reading(what, () => {
    const trained = weights.filter(({ trainable }) => trainable)
    const known = new Map(weights.map(({ name, trainable }) => [name, trainable]))
    const names = trained.map(({ name }) => name)
    for (const name of Object.keys(given)) {
      if (!(known.get(name) ?? unknownName(`${WHAT} weight`, name, names)))
        fail(`${WHAT}: weight ${name} is frozen and takes no gradient`)
    }
    return trained.map(({ name, shape }) => {
      const gradient = given[name] ?? fail(`${WHAT}: the gradient of ${name} is missing`)
      const numbers = numbersOf(WHAT, name, shape, gradient)
      if (!allowNaN && numbers.includes(Number.NaN))
        fail(`${WHAT}: the gradient of ${name} holds NaN (pass allowNaN: true to use it all the same)`)
      return [name, numbers] as const
    })
  })
}

/**
 * An update by gradients that come from elsewhere, or these kept for a later one. Of the program, which trains, the update alone
 * runs. @throws LanegradError, with nothing changed, on gradients that don't fit
 */
export function applyGradients(
  session: Session,
  prepared: Prepared,
  gradients: Gradients,
  options: ApplyOptions,
): void {
  const { engine, updating, layout, weights } = session
  const { weight, allowNaN } = readOptions(WHAT, options, OPTIONS[WHAT])
  const read = readGradients(weights, gradients, allowNaN)
  if (!updating) return
  const { code } = prepared
  engine.load(code)
  for (const [name, numbers] of read) engine.write(layout.gradients.get(name) ?? 0, numbers)
  if (updating.sums) {
    updating.sums.keep(session, prepared, weight)
    return
  }
  session.setRate(updating)
  engine.stepCount++
  engine.run(code.phaseEnds.backward, code.phaseEnds.update)
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
