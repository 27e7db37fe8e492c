// The network as plain data: inputs, layers, the calls that connect them, outputs. Enters: symbolic values a
// caller made. Leaves: a frozen Network in an order that can run, every name unique, every reference resolved. Shapes are
// checked later, when a graph is written.

import {
  checkLayerName,
  type InnerCall,
  type InnerModel,
  isSymbolic,
  isText,
  type Layer,
  type LayerKind,
  type LayerNames,
  type Origin,
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

/** How many values a call gives. */
export const outputsIn = ({ layer }: Call): number => layer.kind.outputs?.(layer.config) ?? 1

/** A layer applied to values; the value it gives has the call's name. */
export interface Call {
  /** The layer's name; `name#2` and so on for further calls of the same layer. Further outputs are `<name>:1` ... */
  readonly name: string
  readonly layer: NetworkLayer
  /** Names of inputs or earlier calls. */
  readonly inputs: readonly string[]
}

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
function ordered(roots: readonly Symbolic[]): Symbolic[] {
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
  return [...done]
}

/**
 * The names of a model's layers, in order of first call: the caller's; else one that the layer has had in another model,
 * unless something else here has or had it; else the kind and the next number. A layer that must change its name gets a
 * number above all those of the models it was in: no name means two layers of models that have layers in common. `names`: those
 * of the inputs, and then these.
 */
function nameLayers(layers: ReadonlySet<Layer<unknown> | InnerModel>, names: Map<object, string>): void {
  const fixed = new Set([...names.values(), ...[...layers].flatMap(({ layerName }) => layerName ?? [])])
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
    names.set(layer, kept ?? nextName(kind.kind, known.names.length > 0))
  }
}

/** The layers of a network that come from other models, by their names in it. */
export type Origins = ReadonlyMap<string, Origin>

/** Lets the layers of a model that could be made know what they are called in it. */
export function remember({ calls }: Network, origins: Origins): void {
  const layers = new Set(calls.map(({ layer }) => layer))
  let most = 0
  for (const { name } of layers) most = Math.max(most, Number(/_(\d{1,9})$/.exec(name)?.[1] ?? 0))
  const note = (name: string, known: LayerNames) => {
    if (!known.names.includes(name)) known.names.push(name)
    known.most = Math.max(known.most, most)
  }
  for (const { name, known } of layers) {
    const origin = origins.get(name)
    note(name, known)
    if (origin?.isInner) note(name.slice(0, -origin.layer.length - 1), origin.model.known)
  }
}

/** The name of the next call of a layer; counts it. */
export function callName(name: string, counts: Map<string, number>): string {
  const count = (counts.get(name) ?? 0) + 1
  counts.set(name, count)
  return count === 1 ? name : `${name}#${count}`
}

/**
 * The calls of models in a network, named, with the calls and values that lie in them. `names`: the names of models and of
 * values.
 */
function modelCalls(
  calls: ReadonlyMap<InnerCall, readonly string[]>,
  names: ReadonlyMap<object, string>,
): ModelCall[] {
  const counts = new Map<string, number>()
  const known = new Map<InnerCall, string>()
  return [...calls].map(([call, inside]) => {
    const { model, outer, inputs, outputs, values } = call
    const own = typeof model === 'string' ? model : (names.get(model) ?? '')
    const name = outer ? `${known.get(outer)}.${own}` : callName(own, counts)
    known.set(call, name)
    const named = (inner: string) => names.get(values.get(inner) as Symbolic) ?? []
    return {
      name,
      calls: inside,
      inputs: inputs.flatMap(({ value: inner, shape }) =>
        [named(inner)].flat().map((value) => ({ value, shape })),
      ),
      outputs: outputs.flatMap(named),
    }
  })
}

/** The network between `inputs` and `outputs`. @throws LanegradError naming what is missing, double or unused. */
export function networkOf(
  inputs: Values,
  outputs: Values,
  modelName: string | null = null,
): { readonly network: Network; readonly origins: Origins; readonly values: ReadonlyMap<object, string> } {
  const asked = reading('model: inputs', () => listed('inputs', inputs))
  const wanted = reading('model: outputs', () => listed('outputs', outputs))
  const values = ordered(wanted.entries.map(([, value]) => value))

  const names = new Map<object, string>() // of values, layers, models and calls
  const networkInputs = asked.entries.map(([key, value], i): NetworkInput => {
    if (!value.input) fail('model: inputs must be values made by input()')
    if (key !== null) checkLayerName(key, 'model: name of an input')
    const name = key ?? (value.input.name || (asked.entries.length === 1 ? 'input' : `input_${i + 1}`))
    names.set(value, name)
    return { ...value.input, name }
  })

  const layers = new Map<Layer<unknown>, NetworkLayer>()
  const origins = new Map<string, Origin>()
  const used = new Set(values.flatMap(({ layer }) => layer ?? []))
  nameLayers(new Set([...used].map((layer) => (layer.origin?.isInner ? layer.origin.model : layer))), names)
  for (const layer of used) {
    const { kind, config, trainable, known, origin } = layer
    const name = origin?.isInner ? `${names.get(origin.model)}.${origin.layer}` : (names.get(layer) ?? '')
    layers.set(layer, { name, kind, config, trainable, known })
    if (origin) origins.set(name, origin)
  }
  const calls: Call[] = []
  const callCounts = new Map<string, number>()
  const inner = new Map<InnerCall, string[]>()
  const lists = (call: InnerCall | null, name: string): void => {
    if (!call) return
    lists(call.outer, name)
    const list = inner.get(call)
    if (list) list.push(name)
    else inner.set(call, [name])
  }
  for (const value of values) {
    if (value.layer === null) {
      if (!names.has(value))
        fail(`output depends on input ${show(value.input?.name)}, which is not among the model's inputs`)
      continue
    }
    const known = value.call && names.get(value.call)
    if (known) {
      names.set(value, outputName(known, value.index)) // another output of a call that is listed already
      continue
    }
    const layer = layers.get(value.layer) as NetworkLayer
    const name = callName(layer.name, callCounts)
    lists(value.call?.within ?? null, name)
    if (value.call) names.set(value.call, name)
    names.set(value, outputName(name, value.index))
    calls.push({ name, layer, inputs: value.inputs.map((input) => names.get(input) ?? '') })
  }
  const network: Network = {
    name: modelName,
    inputs: networkInputs,
    inputStructure: asked.structure,
    calls,
    models: modelCalls(inner, names),
    outputs: wanted.entries.map(([key, value]) => ({
      name: key === null ? (names.get(value) ?? '') : name(key, 'model: name of an output'),
      value: names.get(value) ?? '',
    })),
    outputStructure: wanted.structure,
  }
  return { network: checkNetwork(network), origins, values: names }
}

/** Unique names, every input used. What a file holds is checked further (description.ts). @throws LanegradError */
export function checkNetwork(network: Network): Network {
  const { inputs, calls, outputs } = network
  const layers = new Set(calls.map(({ layer }) => layer))
  const namesOf = (named: Iterable<{ readonly name: string }>) => Array.from(named, ({ name }) => name)
  uniqueNames(namesOf([...inputs, ...layers]), 'layers or inputs')
  uniqueNames(namesOf(outputs), 'outputs')
  const used = new Set([...calls.flatMap((call) => call.inputs), ...outputs.map(({ value }) => value)])
  for (const { name } of inputs) if (!used.has(name)) fail(`no output depends on input ${show(name)}`)
  return Object.freeze(network)
}

/** The same network, its layers trainable or not. */
export function withTrainable(
  network: Network,
  isTrainable: (layer: string, now: boolean) => boolean,
): Network {
  const layers = new Map(
    network.calls.map(({ layer }) => [
      layer,
      { ...layer, trainable: isTrainable(layer.name, layer.trainable) },
    ]),
  )
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
