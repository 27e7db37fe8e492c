// The network as plain data: inputs, layers, the calls that connect them, outputs. Enters: symbolic values a
// caller made. Leaves: a frozen Network in an order that can run, every name unique, every reference resolved. Shapes are
// checked later, when a graph is written.

import {
  checkLayerName,
  type InnerModel,
  isSymbolic,
  isText,
  type Layer,
  type LayerCall,
  type LayerKind,
  type LayerNames,
  type Symbolic,
} from '../layers/layer.ts'
import { check, fail, reading, show } from '../numerics/errors.ts'
import type { DType } from '../numerics/shape.ts'
import type { Structure } from '../rows/rows.ts'

export interface NetworkInput {
  readonly name: string
  /** Without the batch axis; null where any length will do. */
  readonly shape: readonly (number | null)[]
  readonly dtype: DType
}

export interface NetworkLayer {
  readonly name: string
  readonly kind: LayerKind<object>
  readonly config: object
  readonly trainable: boolean
  /** Its names in all models, whose layers have it in common. */
  readonly known: LayerNames
}

/** Name of output `index` of a call. */
export const outputName = (call: string, index: number): string => (index === 0 ? call : `${call}:${index}`)

/** A layer applied to values; the value it gives has the call's name. */
export interface Call {
  /** The layer's name; `name#2` and so on for further calls of the same layer. Further outputs are `<name>:1` ... */
  readonly name: string
  readonly layer: NetworkLayer
  /** Names of inputs or earlier calls. */
  readonly inputs: readonly string[]
}

/** The names of the values that a call gives. */
export const valuesOf = ({ name, layer: { kind, config } }: Call): string[] =>
  Array.from({ length: kind.outputs?.(config) ?? 1 }, (_, i) => outputName(name, i))

/** A call of a model within the network, whose layers are those of the network. */
export interface ModelCall {
  /** The model's name; `name#2` and so on for further calls; `outer.name` for a model inside another. */
  readonly name: string
  /** The names of its layers' calls. */
  readonly calls: readonly string[]
  /** The names of the values it is called on, and the shapes that it takes, without the batch axis. */
  readonly inputs: readonly { readonly value: string; readonly shape: readonly (number | null)[] }[]
  /** The names of the values it gives. */
  readonly outputs: readonly string[]
}

export interface Network {
  /** The name of this model within models that call it, unless they have the name already. */
  readonly name: string | null
  readonly inputs: readonly NetworkInput[]
  readonly inputStructure: Structure
  readonly calls: readonly Call[]
  /** Calls of models, one behind those it lies in. */
  readonly models: readonly ModelCall[]
  readonly outputs: readonly { readonly name: string; readonly value: string }[]
  readonly outputStructure: Structure
}

/** Values of a model: one, a list, or a record by name. */
export type Values = Symbolic | readonly Symbolic[] | Readonly<Record<string, Symbolic>>

/** The values and, for a record, their names. */
function listed(
  what: string,
  values: Values,
): { structure: Structure; entries: [string | null, Symbolic][] } {
  const entries: [string | null, unknown][] = isSymbolic(values)
    ? [[null, values]]
    : Array.isArray(values)
      ? values.map((value: unknown) => [null, value])
      : Object.entries(values ?? {})
  check(
    entries.length > 0 && entries.every(([, value]) => isSymbolic(value)),
    `model: ${what}`,
    'values made by input() or by layers called on values',
    values,
  )
  const structure = isSymbolic(values) ? 'single' : Array.isArray(values) ? 'list' : 'record'
  return { structure, entries: entries as [string | null, Symbolic][] }
}

/** @throws LanegradError naming what is there twice */
export function uniqueNames(names: readonly string[], what: string): void {
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) fail(`two ${what} are named ${show(name)}; names must be unique in a model`)
    seen.add(name)
  }
}

/** Values in an order in which each comes behind what it is made from. @throws LanegradError on a cycle. */
function ordered(roots: readonly Symbolic[]): ReadonlySet<Symbolic> {
  const done = new Set<Symbolic>()
  const open = new Set<Symbolic>()
  const stack = [...roots].reverse()
  while (stack.length > 0) {
    const value = stack[stack.length - 1]
    if (done.has(value)) {
      stack.pop()
      continue
    }
    const missing = value.inputs.filter((input) => !done.has(input))
    if (missing.length === 0) {
      done.add(value)
      open.delete(value)
      stack.pop()
      continue
    }
    if (open.has(value))
      fail(`the graph has a cycle through layer ${value.layer?.layerName ?? value.layer?.kind.kind}`)
    open.add(value)
    for (const input of missing.reverse()) stack.push(input)
  }
  return done
}

/**
 * The names of a model's layers, in order of first call: the caller's; else one that the layer has had in another model,
 * unless something else here has or had it; else the kind and the next number. A layer that must change its name gets a
 * number above all those of the models it was in: no name means two layers of models that have layers in common. Models within
 * the model are named in the same way. `inputs`: the names of those.
 */
function nameLayers(layers: Iterable<Layer<unknown>>, inputs: readonly string[]): Map<object, NetworkLayer> {
  const named = new Map<object, NetworkLayer>()
  const fixed = new Set([...inputs, ...[...layers].flatMap(({ layerName }) => layerName ?? [])])
  const had = new Map<string, number>()
  let most = 0
  for (const { known } of layers) {
    for (const name of known.names) had.set(name, (had.get(name) ?? 0) + 1)
    most = Math.max(most, known.most)
  }
  const counts = new Map<string, number>()
  const nextName = (kind: string, isRenamed: boolean): string => {
    const counter = `${kind} ${isRenamed}`
    let count = counts.get(counter) ?? (isRenamed ? most : 0)
    let name: string
    do name = `${kind}_${++count}`
    while (fixed.has(name) || had.has(name))
    counts.set(counter, count)
    fixed.add(name)
    return name
  }
  for (const layer of layers) {
    const { layerName, kind, known } = layer
    const kept = layerName ?? known.names.find((name) => had.get(name) === 1 && !fixed.has(name))
    named.set(layer, { ...layer, name: kept ?? nextName(kind.kind, known.names.length > 0) })
  }
  return named
}

/** Lets the layers of a model that could be made, and the models within it, know what they are called in it. */
export function remember(layers: readonly NetworkLayer[]): void {
  let most = 0
  for (const { name } of layers) most = Math.max(most, Number(/_(\d{1,9})$/.exec(name)?.[1] ?? 0))
  for (const { name, known } of layers) {
    if (!known.names.includes(name)) known.names.push(name)
    known.most = Math.max(known.most, most)
  }
}

/** The name of the next call of a layer; counts it. */
export function callName(name: string, counts: Map<string, number>): string {
  const count = (counts.get(name) ?? 0) + 1
  counts.set(name, count)
  return count === 1 ? name : `${name}#${count}`
}

/** Calls of models by other names: `calls` and `values` have those of calls and values; what they lack is left out. */
export function renamed(
  models: readonly ModelCall[],
  calls: ReadonlyMap<string, string>,
  values: ReadonlyMap<string, string>,
): ModelCall[] {
  const named = (value: string) => values.get(value) ?? []
  return models
    .map((model) => ({
      name: model.name,
      calls: model.calls.flatMap((call) => calls.get(call) ?? []),
      inputs: model.inputs.flatMap(({ value, shape }) =>
        [named(value)].flat().map((own) => ({ value: own, shape })),
      ),
      outputs: model.outputs.flatMap(named),
    }))
    .filter(({ calls }) => calls.length > 0)
}

/** The calls that make the values `needed`, in their order. */
function callsFor({ calls }: Network, needed: Set<string>): readonly Call[] {
  const isNeeded = (call: Call) => {
    const is = valuesOf(call).some((value) => needed.has(value))
    if (is) for (const input of call.inputs) needed.add(input)
    return is
  }
  return [...calls].reverse().filter(isNeeded).reverse()
}

/** A network that was made of values, and what belongs to it. */
export interface Described {
  readonly network: Network
  /** Its layers, and the models within it. */
  readonly layers: readonly NetworkLayer[]
  /** What reads the weights that those of the models within it start from, by their names. */
  readonly origins: Origins
  /** The names of the values that calls give. */
  readonly values: ReadonlyMap<object, readonly (string | undefined)[]>
}

/** By the name of a model within a network: the weight of a name that it has by itself. */
export type Origins = ReadonlyMap<string, InnerModel['read']>

/** The network between `inputs` and `outputs`. @throws LanegradError naming what is missing, double or unused. */
export function networkOf(inputs: Values, outputs: Values, modelName: string | null = null): Described {
  const asked = reading('model: inputs', () => listed('inputs', inputs))
  const wanted = reading('model: outputs', () => listed('outputs', outputs))
  const values = ordered(wanted.entries.map(([, value]) => value))

  const made = new Map<object, readonly (string | undefined)[]>() // the names of values, by their call
  const nameOf = ({ call, index }: Symbolic) => made.get(call)?.[index] ?? ''
  const networkInputs = asked.entries.map(([key, { input, call }], i): NetworkInput => {
    if (!input) fail('model: inputs must be values made by input()')
    if (key !== null) checkLayerName(key, 'model: name of an input')
    const name = key ?? (input.name || (asked.entries.length === 1 ? 'input' : `input_${i + 1}`))
    made.set(call, [name])
    return { ...input, name }
  })

  const layers: Map<unknown, NetworkLayer> = nameLayers(
    new Set([...values].flatMap(({ layer }) => layer ?? [])),
    networkInputs.map(({ name }) => name),
  ) // and those of models, by name
  const origins = new Map<string, InnerModel['read']>()
  const calls: Call[] = []
  const models: ModelCall[] = []
  const callCounts = new Map<string, number>()
  /** Adds a call; the names of the values it gives. */
  const write = (layer: NetworkLayer, inputs: readonly string[]): readonly string[] => {
    const call = { name: callName(layer.name, callCounts), layer, inputs }
    calls.push(call)
    return valuesOf(call)
  }
  /** Adds the calls of a model that lead to the outputs that are used. */
  const writeModel = (own: string, { inner, outputs }: LayerCall, given: readonly string[]) => {
    const { network, read } = inner as InnerModel<Network>
    origins.set(own, read)
    const used = outputs.flatMap((value, i) => (values.has(value) ? network.outputs[i].value : []))
    const here = new Map(network.inputs.map(({ name }, i) => [name, given[i]])) // names of its values
    for (const call of callsFor(network, new Set(used))) {
      const name = `${own}.${call.layer.name}`
      const layer = layers.get(name) ?? { ...call.layer, name }
      layers.set(name, layer)
      const made = write(
        layer,
        call.inputs.map((input) => here.get(input) ?? ''),
      )
      valuesOf(call).forEach((value, i) => {
        here.set(value, made[i])
      })
    }
    const name = callName(own, callCounts)
    const whole = {
      name,
      calls: network.calls.map((call) => call.name),
      inputs: network.inputs.map((input) => ({ value: input.name, shape: input.shape })),
      outputs: network.outputs.map(({ value }) => value),
    }
    const inside = network.models.map((model) => ({ ...model, name: `${name}.${model.name}` }))
    models.push(...renamed([whole, ...inside], here, here))
    return whole.outputs.map((value) => here.get(value))
  }
  for (const { layer, call, inputs, input } of values) {
    if (made.has(call)) continue // an input, or another output of a call that is listed already
    if (!layer) fail(`output depends on input ${show(input?.name)}, which is not among the model's inputs`)
    const given = inputs.map(nameOf)
    const own = layers.get(layer) as NetworkLayer
    made.set(call, call.inner ? writeModel(own.name, call, given) : write(own, given))
  }
  const network: Network = {
    name: modelName,
    inputs: networkInputs,
    inputStructure: asked.structure,
    calls,
    models,
    outputs: wanted.entries.map(([key, value]) => ({
      name: key === null ? nameOf(value) : name(key, 'model: name of an output'),
      value: nameOf(value),
    })),
    outputStructure: wanted.structure,
  }
  const all = [...layers.values()]
  return { network: checkNetwork(network, all), layers: all, origins, values: made }
}

/** Unique names, every input used. What a file holds is checked further (description.ts). @throws LanegradError */
export function checkNetwork(
  network: Network,
  layers: Iterable<NetworkLayer> = new Set(network.calls.map(({ layer }) => layer)),
): Network {
  const { inputs, calls, outputs } = network
  const namesOf = (named: Iterable<{ readonly name: string }>) => Array.from(named, ({ name }) => name)
  uniqueNames(namesOf([...inputs, ...layers]), 'layers or inputs')
  uniqueNames(namesOf(outputs), 'outputs')
  const used = new Set([...calls.flatMap((call) => call.inputs), ...outputs.map(({ value }) => value)])
  for (const { name } of inputs) if (!used.has(name)) fail(`no output depends on input ${show(name)}`)
  return Object.freeze(network)
}

/** The same network, each of its layers as `change` gives it. */
export function withLayers(network: Network, change: (layer: NetworkLayer) => NetworkLayer): Network {
  const layers = new Map(network.calls.map(({ layer }) => [layer, change(layer)]))
  const calls = network.calls.map((call) => ({ ...call, layer: layers.get(call.layer) ?? call.layer }))
  return Object.freeze({ ...network, calls })
}

/** The name of a layer and those of the models that it lies in, inmost first. */
export function namesAround(layer: string): string[] {
  const names = [layer]
  for (let at = layer.lastIndexOf('.'); at > 0; at = layer.lastIndexOf('.', at - 1))
    names.push(layer.slice(0, at))
  return names
}

/** Names of calls and outputs are made of those of layers, or a record's keys. */
export const isName = (value: unknown): value is string => isText(value, 200)

export function name(value: unknown, what: string): string {
  check(isName(value), what, 'a name of up to 200 characters', value)
  return value
}
