// A network's calls, written anew on other values: a model that is called within another, or cut for another head. Enters: a
// network and the values to call it on. Leaves: its values by name, made by layers that start from its weights.
import {
  type InnerCall,
  type InnerModel,
  type Layer,
  layerOf,
  outputsOf,
  type Symbolic,
} from '../layers/layer.ts'
import { type Network, type NetworkLayer, outputName } from './network.ts'

/** The layers that a network's become in others: the same ones in all calls. */
export type LayersTaken = Map<NetworkLayer, Layer<unknown>>

/** A layer of the network as one that starts from its weights; `isInner`: named after the model. */
export function takenFrom(model: InnerModel, isInner: boolean, isFrozen: boolean) {
  return ({ kind, config, name, trainable, known }: NetworkLayer): Layer<unknown> =>
    layerOf(kind, config, isInner ? null : name, trainable && !isFrozen, known, {
      model,
      layer: name,
      isInner,
    })
}

/** The values of `network` by name, added to `values`, which has its inputs. `within`: the call of the model, if it is one. */
export function writtenOn(
  network: Network,
  values: Map<string, Symbolic>,
  within: InnerCall | null,
  layers: LayersTaken,
  taken: (layer: NetworkLayer) => Layer<unknown>,
): ReadonlyMap<string, Symbolic> {
  const models = new Map<string, InnerCall>() // by name
  const inmost = new Map<string, InnerCall>() // by the name of a layer's call: an entry is behind those it lies in
  for (const { name, calls, inputs, outputs } of network.models) {
    const at = name.lastIndexOf('.')
    const outer = models.get(name.slice(0, at))
    const model = outer ? name.slice(at + 1) : name
    const call: InnerCall = { model, outer: outer ?? within, inputs, outputs, values }
    models.set(name, call)
    for (const own of calls) inmost.set(own, call)
  }
  for (const { name, layer, inputs } of network.calls) {
    const own = layers.get(layer) ?? taken(layer)
    layers.set(layer, own)
    const given = inputs.map((input) => values.get(input) as Symbolic)
    outputsOf(own, given, inmost.get(name) ?? within).forEach((value, i) => {
      values.set(outputName(name, i), value)
    })
  }
  return values
}

/** The values of `network` by name, on inputs like its own: the network once more, of the layers that `taken` gives. */
export function rewritten(
  network: Network,
  taken: (layer: NetworkLayer) => Layer<unknown>,
): ReadonlyMap<string, Symbolic> {
  const { inputs, inputStructure } = network
  const given = inputs.map((entry): [string, Symbolic] => {
    const input = inputStructure === 'record' ? { ...entry, name: '' } : entry
    return [entry.name, Object.freeze({ layer: null, inputs: [], index: 0, call: null, input })]
  })
  return writtenOn(network, new Map(given), null, new Map(), taken)
}
