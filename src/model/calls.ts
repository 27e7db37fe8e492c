// A model that is called on values of another one. Enters: its session and the values. Leaves: its outputs there.
import { calledOn, type InnerCall, type InnerModel, isSymbolic, type Symbolic } from '../layers/layer.ts'
import { type LayersTaken, takenFrom, writtenOn } from '../network/inner.ts'
import type { PlannedSession } from '../network/planned.ts'
import { fail, isRecord, reading } from '../numerics/errors.ts'
import { type Data, type Structure, splitData } from '../rows/rows.ts'

/** How other models see the model of a session. */
export const innerOf = (session: PlannedSession): InnerModel => ({
  layerName: session.network.name,
  kind: { kind: 'model' },
  known: { names: [], most: 0 },
  read: (weight) => {
    const spec = session.outline.byName.get(weight)
    return spec ? session.readWeight(spec) : null
  },
})

/** Values or arrays by the names of outputs, in the form that the outputs were given. */
export function joined<T>(
  entries: readonly (readonly [string, T])[],
  structure: Structure,
): T | T[] | Record<string, T> {
  if (structure === 'single') return entries[0][1]
  return structure === 'list' ? entries.map(([, value]) => value) : Object.fromEntries(entries)
}

/**
 * The outputs of the model called on values of another one, given in the order of its inputs, or by their names. `taken`: its
 * layers there.
 * @throws LanegradError naming the model
 */
export function outputsOn(
  { network }: PlannedSession,
  inner: InnerModel,
  taken: LayersTaken,
  given: readonly (Symbolic | readonly Symbolic[])[],
): Symbolic | Symbolic[] | Record<string, Symbolic> {
  const what = `model ${inner.layerName ?? ''}`.trim()
  const wanted = network.inputs.map(({ name }) => name)
  const [record] = given as readonly unknown[]
  const isByName = given.length === 1 && isRecord(record) && !isSymbolic(record)
  const named = () => splitData(what, record as Data, wanted, 'record') as readonly unknown[] as Symbolic[]
  const inputs = calledOn(what, isByName ? reading(what, named) : given)
  if (inputs.length !== wanted.length)
    fail(`${what} takes ${wanted.length} values (${wanted.join(', ')}); got ${inputs.length}`)
  const values = new Map(wanted.map((name, i) => [name, inputs[i]]))
  const call: InnerCall = {
    model: inner,
    outer: null,
    inputs: network.inputs.map(({ name, shape }) => ({ value: name, shape })),
    outputs: network.outputs.map(({ value }) => value),
    values,
  }
  writtenOn(network, values, call, taken, takenFrom(inner, true, false))
  return joined(
    network.outputs.map(({ name, value }) => [name, values.get(value) as Symbolic]),
    network.outputStructure,
  )
}
