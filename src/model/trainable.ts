// Which layers of a model train. Enters: flags by name, or a function of a name. Leaves: a session whose optimizer starts anew.
import { namesAround } from '../network/network.ts'
import type { PlannedSession } from '../network/planned.ts'
import { BOOLEAN, check, isFunction, isObject, must, reading, unknownName } from '../numerics/errors.ts'

/** @throws LanegradError, with nothing changed, on a layer that the model doesn't have */
export function setTrainable(
  session: PlannedSession,
  layers: Readonly<Record<string, boolean>> | ((layer: string) => boolean),
): void {
  const isGiven = isFunction(layers) || isObject(layers)
  check(isGiven, 'setTrainable: layers', 'an object of booleans by name, or a function', layers)
  const own = session.network.calls.map(({ layer }) => layer.name)
  const known = new Set(own.flatMap(namesAround))
  const flags = new Map<string, boolean>(
    typeof layers === 'function'
      ? own.map((name) => [name, layers(name)])
      : reading('setTrainable: layers', () => Object.entries(layers)),
  )
  for (const [name, flag] of flags) {
    if (!known.has(name)) unknownName('layer', name, [...known])
    must(BOOLEAN, flag, `setTrainable: ${name}`)
  }
  session.setTrainable((layer, now) => {
    const named = namesAround(layer).find((name) => flags.has(name)) // the layer itself, else the inmost model
    return named === undefined ? now : flags.get(named) === true
  })
}
