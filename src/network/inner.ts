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
import { fail } from '../numerics/errors.ts'
import { type ModelCall, type Network, type NetworkLayer, outputName } from './network.ts'

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

/** The values of `network` by name; `inputs`: those of its inputs. `within`: the call of the model, if it is one. */
export function writtenOn(
  network: Network,
  inputs: ReadonlyMap<string, Symbolic>,
  within: InnerCall | null,
  layers: LayersTaken,
  taken: (layer: NetworkLayer) => Layer<unknown>,
): ReadonlyMap<string, Symbolic> {
  const values = new Map(inputs)
  const named = (name: string) => values.get(name) ?? fail(`no value ${name}`)
  const inmost = new Map<string, ModelCall>() // an entry is behind those it lies in
  for (const model of network.models) for (const call of model.calls) inmost.set(call, model)
  const open = new Map<ModelCall, InnerCall>()
  const callOf = (model: ModelCall): InnerCall => {
    const known = open.get(model)
    if (known) return known
    const around = network.models.filter(({ name }) => model.name.startsWith(`${name}.`)).at(-1)
    const made: InnerCall = {
      model: null,
      own: around ? model.name.slice(around.name.length + 1) : model.name,
      outer: around ? callOf(around) : within,
      inputs: [],
      shapes: model.inputs.map(({ shape }) => shape),
      outputs: [],
    }
    open.set(model, made)
    return made
  }
  for (const { name, layer, inputs: names } of network.calls) {
    const own = layers.get(layer) ?? taken(layer)
    layers.set(layer, own)
    const model = inmost.get(name)
    outputsOf(own, names.map(named), model ? callOf(model) : within).forEach((value, i) => {
      values.set(outputName(name, i), value)
    })
  }
  for (const [model, { inputs, outputs }] of open) {
    inputs.push(...model.inputs.map(({ value }) => named(value)))
    outputs.push(...model.outputs.map(named))
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
