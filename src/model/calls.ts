// A model that is called on values of another one. Enters: its session and the values. Leaves: its outputs there, which the network
// of the other one puts the layers in the place of (network/network.ts).
import {
  calledOn,
  type InnerModel,
  isSymbolic,
  type Layer,
  type LayerKind,
  outputsOf,
  type Symbolic,
} from '../layers/layer.ts'
import type { Network } from '../network/network.ts'
import type { PlannedSession } from '../network/planned.ts'
import { fail, isRecord, reading } from '../numerics/errors.ts'
import { type Data, type Structure, splitData } from '../rows/rows.ts'

/** The model of a session as a layer of others. */
export function unitOf(session: PlannedSession): Layer<unknown> {
  const inner = (): InnerModel<Network> => ({
    network: session.network,
    read: (weight) => {
      const spec = session.outline.byName.get(weight)
      return spec ? session.readWeight(spec) : null
    },
  })
  const kind = { kind: 'model', inner, outputs: () => session.network.outputs.length }
  return {
    layerName: session.network.name,
    kind: kind as unknown as LayerKind<object>,
    config: {},
    known: { names: [], most: 0 },
    trainable: true,
  } as unknown as Layer<unknown>
}

/** Values or arrays by the names of outputs, in the form that the outputs were given. */
export function joined<T>(
  entries: readonly (readonly [string, T])[],
  structure: Structure,
): T | T[] | Record<string, T> {
  if (structure === 'single') return entries[0][1]
  return structure === 'list' ? entries.map(([, value]) => value) : Object.fromEntries(entries)
}

/**
 * The outputs of the model called on values of another one, given in the order of its inputs, or by their names. `unit`: the
 * model as a layer.
 * @throws LanegradError naming the model
 */
export function outputsOn(
  { network }: PlannedSession,
  unit: Layer<unknown>,
  given: readonly (Symbolic | readonly Symbolic[])[],
): Symbolic | Symbolic[] | Record<string, Symbolic> {
  const what = `model ${unit.layerName ?? ''}`.trim()
  const wanted = network.inputs.map(({ name }) => name)
  const [record] = given as readonly unknown[]
  const isByName = given.length === 1 && isRecord(record) && !isSymbolic(record)
  const named = () => splitData(what, record as Data, wanted, 'record') as readonly unknown[] as Symbolic[]
  const inputs = calledOn(what, isByName ? reading(what, named) : given)
  if (inputs.length !== wanted.length)
    fail(`${what} takes ${wanted.length} values (${wanted.join(', ')}); got ${inputs.length}`)
  const values = outputsOf(unit, inputs)
  return joined(
    network.outputs.map(({ name }, i) => [name, values[i]]),
    network.outputStructure,
  )
}
