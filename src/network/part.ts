// A piece of a network as a network of its own: what lies between some of its values. Its layers are the same ones, by the same
// names, so that its weights are those of the whole.
import { isLayerName } from '../layers/layer.ts'
import { fail, show } from '../numerics/errors.ts'
import type { RowShape } from '../numerics/shape.ts'
import type { Structure } from '../rows/rows.ts'
import { type Call, callName, checkNetwork, type Network, renamed, valuesOf } from './network.ts'

/** Names of values of a network; `key`: what they are called, null: nothing else. */
export interface Wanted {
  readonly structure: Structure
  readonly entries: readonly (readonly [key: string | null, value: string])[]
}

/**
 * The calls that lead from `inputs` to `outputs`, in their order. @throws LanegradError where an input of the network is
 * missing
 */
function between(network: Network, inputs: ReadonlySet<string>, outputs: Wanted): Call[] {
  const makers = new Map<string, Call>()
  for (const call of network.calls) for (const value of valuesOf(call)) makers.set(value, call)
  const found = new Set<Call>()
  const open = outputs.entries.map(([, value]) => [value, value])
  for (let entry = open.pop(); entry; entry = open.pop()) {
    const [output, value] = entry
    if (inputs.has(value)) continue
    const call = makers.get(value)
    if (!call)
      fail(`part: output ${show(output)} depends on ${show(value)}, which is not among the part's inputs`)
    if (found.has(call)) continue
    found.add(call)
    for (const input of call.inputs) open.push([output, input])
  }
  return network.calls.filter((call) => found.has(call))
}

/** `shapes`: of the network's values, without the batch axis. */
export function partOf(
  network: Network,
  shapes: ReadonlyMap<string, RowShape>,
  inputs: Wanted,
  outputs: Wanted,
  name: string | null,
): Network {
  const calls = between(network, new Set(inputs.entries.map(([, value]) => value)), outputs)
  const layers = new Set(calls.map(({ layer }) => layer.name))
  const names = new Map<string, string>() // of values, in the part
  const known = new Map(network.inputs.map((input) => [input.name, input]))
  const own = inputs.entries.map(([key, value], i) => {
    const isFree = isLayerName(value) && !layers.has(value)
    const given = key ?? (isFree ? value : inputs.entries.length === 1 ? 'input' : `input_${i + 1}`)
    names.set(value, given)
    const { shape = shapes.get(value) ?? [], dtype = 'float32' } = known.get(value) ?? {}
    return { name: given, shape, dtype }
  })
  const counts = new Map<string, number>()
  const named = (value: string) => names.get(value) ?? fail(`no value ${value}`)
  const callNames = new Map<string, string>()
  const kept = calls.map((call): Call => {
    const own = { ...call, name: callName(call.layer.name, counts), inputs: call.inputs.map(named) }
    const given = valuesOf(own)
    callNames.set(call.name, own.name)
    valuesOf(call).forEach((value, i) => {
      if (!names.has(value)) names.set(value, given[i])
    })
    return own
  })
  return checkNetwork({
    name,
    inputs: own,
    inputStructure: inputs.structure,
    calls: kept,
    models: renamed(network.models, callNames, names),
    outputs: outputs.entries.map(([key, value]) => ({ name: key ?? named(value), value: named(value) })),
    outputStructure: outputs.structure,
  })
}
