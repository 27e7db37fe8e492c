// Weights by name, from one model to another. Layers without a name of their own may be called otherwise in another model
// (network.ts), so a layer's weights are found under every name that it has had.
import { check, fail, isObject, reading, show, unknownName } from '../numerics/errors.ts'
import type { ArrayLikeData } from '../rows/rows.ts'
import { numbersOf } from '../session/named.ts'
import type { Outline, WeightSpec } from './compute.ts'
import type { Network } from './network.ts'

/**
 * The weights that a record's names stand for. Names of others are left out where the record holds all of the model's.
 * @throws LanegradError where a name is unknown or may mean several weights, or a weight is named twice
 */
export function weightsNamed(
  what: string,
  { outline, network }: { readonly outline: Outline; readonly network: Network },
  given: object,
): readonly (readonly [name: string, spec: WeightSpec])[] {
  const { byName: own } = outline
  const layers = [...new Set(network.calls.map(({ layer }) => layer))]
  const elsewhere = new Map<string, string | null>() // to the layer's name here; null: several had the name
  for (const { name, known } of layers)
    for (const other of known.names) elsewhere.set(other, elsewhere.has(other) ? null : name)
  for (const { name } of layers) elsewhere.set(name, name)

  const found = new Map<WeightSpec, string>()
  const unknown: string[] = []
  for (const name of Object.keys(given)) {
    const at = name.indexOf('/')
    const spec = own.get(name) ?? own.get(elsewhere.get(name.slice(0, at)) + name.slice(at))
    const twice = spec && found.get(spec)
    if (twice) fail(`${what}: ${show(twice)} and ${show(name)} are both the weight ${spec.name}`)
    if (spec) found.set(spec, name)
    else unknown.push(name)
  }
  if (unknown.length > 0 && found.size < own.size) {
    const unclear = unknown.find((name) => elsewhere.get(name.slice(0, name.indexOf('/'))) === null)
    if (unclear) fail(`${what}: ${show(unclear)} may be of several layers that had this name in other models`)
    unknownName(`${what} weight`, unknown[0], [...own.keys()])
  }
  return [...found].map(([spec, name]) => [name, spec])
}

/**
 * The numbers of arrays by the names of weights, by the model's own names.
 * @throws LanegradError on a name that isn't known, with the nearest one, or a shape that doesn't fit
 */
export function numbersNamed(
  what: string,
  session: { readonly outline: Outline; readonly network: Network },
  weights: Readonly<Record<string, ArrayLikeData>>,
): ReadonlyMap<string, Float32Array> {
  const where = `${what}: weights`
  check(isObject(weights), where, 'an object of arrays by name', weights)
  return new Map(
    reading(where, () => weightsNamed(what, session, weights)).map(([name, spec]) => [
      spec.name,
      numbersOf(what, name, spec.shape, weights[name]),
    ]),
  )
}
