// Which layers of a model train. Enters: flags by name, or a function of a name. Leaves: a session whose optimizer starts anew.
import type { PlannedSession } from '../network/planned.ts'
import { BOOLEAN, check, isFunction, isObject, must, reading } from '../numerics/errors.ts'
import { byName } from '../session/named.ts'

/** @throws LanegradError, with nothing changed, on a layer that the model doesn't have */
export function setTrainable(
  session: PlannedSession,
  layers: Readonly<Record<string, boolean>> | ((layer: string) => boolean),
): void {
  const isGiven = isFunction(layers) || isObject(layers)
  check(isGiven, 'setTrainable: layers', 'an object of booleans by name, or a function', layers)
  const own = session.network.calls.map(({ layer }) => layer.name)
  const flags =
    typeof layers === 'function'
      ? own.map((name): [string, boolean] => [name, layers(name)])
      : reading('setTrainable: layers', () => Object.entries(layers))
  // the layer itself and the inmost model count more than those around
  const found = byName(
    'layer',
    flags.sort(([a], [b]) => a.length - b.length),
    own,
  )
  for (const [name, flag] of flags) must(BOOLEAN, flag, `setTrainable: ${name}`)
  session.setTrainable((layer, now) => found.get(layer) ?? now)
}
