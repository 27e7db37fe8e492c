// Which layers of a model train. Enters: flags by name, or a function of a name. Leaves: a session whose optimizer starts anew.
import type { PlannedSession } from '../network/planned.ts'
import { BOOLEAN, check, isFunction, isObject, must, reading, unknownName } from '../numerics/errors.ts'

/** The layers of each model within a session's, by its name. */
function groupsOf({ network }: PlannedSession): ReadonlyMap<string, ReadonlySet<string>> {
  const layers = new Map(network.calls.map(({ name, layer }) => [name, layer.name]))
  const groups = new Map<string, Set<string>>()
  for (const { name, calls } of network.models) {
    const own = name.replace(/#\d+/g, '')
    const group = groups.get(own) ?? new Set()
    groups.set(own, group)
    for (const call of calls) group.add(layers.get(call) ?? '')
  }
  return groups
}

/** @throws LanegradError, with nothing changed, on a layer that the model doesn't have */
export function setTrainable(
  session: PlannedSession,
  layers: Readonly<Record<string, boolean>> | ((layer: string) => boolean),
): void {
  const isGiven = isFunction(layers) || isObject(layers)
  check(isGiven, 'setTrainable: layers', 'an object of booleans by name, or a function', layers)
  const groups = groupsOf(session)
  const own = [...new Set(session.network.calls.map(({ layer }) => layer.name))]
  const names = [...own, ...groups.keys()]
  const known = new Set(names)
  const flags =
    typeof layers === 'function'
      ? own.map((name) => [name, layers(name)])
      : reading('setTrainable: layers', () => Object.entries(layers))
  for (const [name, flag] of flags as [string, unknown][]) {
    if (!known.has(name)) unknownName('layer', name, names)
    must(BOOLEAN, flag, `setTrainable: ${name}`)
  }
  const given = flags as [string, boolean][]
  const flagOf = new Map(
    given.flatMap(([name, flag]) => [...(groups.get(name) ?? [])].map((layer) => [layer, flag])),
  )
  for (const [name, flag] of given) flagOf.set(name, flag) // what names a layer itself is what counts
  session.setTrainable((name, now) => flagOf.get(name) ?? now)
}
