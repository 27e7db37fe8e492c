// Weights by name, from one model to another. Layers without a name of their own may be called otherwise in another model
// (network.ts), so a layer's weights are found under every name that it has had.
import { fail, show, unknownName } from '../numerics/errors.ts'
import type { Outline, WeightSpec } from './compute.ts'
import type { Network } from './network.ts'

/**
 * The weights that a record's names stand for. Names of others are left out where the record holds all of the model's.
 * @throws LanegradError where a name is unknown or may mean several weights, or a weight is named twice
 */
export function weightsNamed(
  { outline, network }: { readonly outline: Outline; readonly network: Network },
  given: object,
): readonly (readonly [name: string, spec: WeightSpec])[] {
  const own = new Map(outline.weights.map((spec) => [spec.name, spec]))
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
    if (twice) fail(`setWeights: ${show(twice)} and ${show(name)} are both the weight ${spec.name}`)
    if (spec) found.set(spec, name)
    else unknown.push(name)
  }
  if (unknown.length > 0 && found.size < own.size) {
    const unclear = unknown.find((name) => elsewhere.get(name.slice(0, name.indexOf('/'))) === null)
    if (unclear)
      fail(`setWeights: ${show(unclear)} may be of several layers that had this name in other models`)
    unknownName('setWeights weight', unknown[0], [...own.keys()])
  }
  return [...found].map(([spec, name]) => [name, spec])
}
