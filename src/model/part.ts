// Parts of a model: networks over the same weights. Enters: a model, and the values that its part lies between. Leaves: a model
// without weights of its own.
import { isSymbolic, type Symbolic } from '../layers/layer.ts'
import { outlineOf } from '../network/compute.ts'
import type { Network, Values } from '../network/network.ts'
import { partOf, type Wanted } from '../network/part.ts'
import { PlannedSession } from '../network/planned.ts'
import { join, placeIn } from '../network/shared.ts'
import { asGiven, check, fail, isObject, reading, readOptions, unknownName } from '../numerics/errors.ts'
import { checkModelName } from './create.ts'
import { watcherOf } from './diagnose.ts'
import { checkModel, Model } from './model.ts'

/**
 * A value of a model: what it was described with, or its name, that of an input or of a layer (`dense_1`; `lstm_1:1` is a
 * further output).
 */
export type PartValue = Symbolic | string

/** Values of a model: one, a list, or a record by name. */
export type PartValues = PartValue | readonly PartValue[] | Readonly<Record<string, PartValue>>

/** Options of `part`. */
export interface PartOptions<O extends PartValues> {
  /** The values that the part is called on; one in the middle becomes an input. In the form that `fit` and `predict` take x. */
  readonly inputs: PartValues
  /** The values that it gives, in the form that `predict` returns and `fit` takes y. */
  readonly outputs: O
  /** The name of the part within models that call it. Default: model and a number. */
  readonly name?: string
}

/** The form of a part's outputs. */
type Shaped<O> = O extends PartValue
  ? Symbolic
  : O extends readonly PartValue[]
    ? Symbolic[]
    : { [K in keyof O]: Symbolic }

/** The names of a session's values that were given for `what`. @throws LanegradError */
function wantedOf(
  what: string,
  { values }: PlannedSession,
  known: ReadonlySet<string>,
  given: unknown,
): Wanted {
  const nameOf = (value: unknown): string => {
    if (typeof value === 'string') return known.has(value) ? value : unknownName('value', value, [...known])
    check(isSymbolic(value), what, 'values of the model, or their names', value)
    const name = values.get(value.call)?.[value.index]
    if (name === undefined || !known.has(name))
      fail(`${what}: ${String(value.layer?.kind.kind ?? 'an input')} isn't a value of this model`)
    return name
  }
  if (typeof given === 'string' || isSymbolic(given))
    return { structure: 'single', entries: [[null, nameOf(given)]] }
  check(isObject(given), what, 'values of the model, or their names', given)
  const entries = Array.isArray(given)
    ? given.map((value): [null, string] => [null, nameOf(value)])
    : Object.entries(given).map(([key, value]): [string, string] => [key, nameOf(value)])
  check(entries.length > 0, what, 'one value at least', given)
  return { structure: Array.isArray(given) ? 'list' : 'record', entries }
}

/**
 * A model of what lies between some values of another one, over the same weights: what one learns, the other has, and nothing is
 * copied. It is compiled by itself, with an optimizer, losses and frozen layers of its own. Masks of values that become inputs
 * are left behind. A part lives as long as the model; disposing of a part leaves the model as it is.
 * @throws LanegradError on a value that the model doesn't have, an output that depends on what is not among the inputs, or while
 * the model is being fitted or evaluated
 * @example
 * ```js
 * import { dense, part, sequential } from 'lanegrad'
 *
 * const layers = [dense({ units: 2, activation: 'tanh', name: 'code' }), dense({ units: 8, name: 'out' })]
 * const autoencoder = sequential({ inputShape: [8], layers })
 * const encoder = part(autoencoder, { inputs: 'input', outputs: 'code' })
 * const decoder = part(autoencoder, { inputs: 'code', outputs: 'out' })
 * autoencoder.compile({ loss: 'meanSquaredError' })
 * const x = Float32Array.from({ length: 8 }, (_, i) => i / 8)
 * autoencoder.trainStep(x, x)
 * console.log(decoder.predict(encoder.predict(x)).data[0] === autoencoder.predict(x).data[0]) // true
 * ```
 */
export function part<O extends PartValues, V extends Values = Values>(
  model: Model<V>,
  options: PartOptions<O>,
): Model<Shaped<O>> {
  const { session } = checkModel('part: model', model)
  const { inputs, outputs, name } = readOptions('part', options, {
    inputs: asGiven<PartValues>,
    outputs: asGiven<O>,
    name: [asGiven<string | null>, null],
  })
  if (name !== null) checkModelName(name, 'part: name')
  model.refuseWhileBusy('part')
  const { network, outline, seed, runtime } = session
  const known = new Set(outline.shapes.keys())
  const made: Network = reading('part', () =>
    partOf(
      network,
      outline.shapes,
      wantedOf('part: inputs', session, known, inputs),
      wantedOf('part: outputs', session, known, outputs),
      name,
    ),
  )
  const own = outlineOf(made)
  const place = placeIn(session.members, own.parameters)
  const part = new PlannedSession(made, own, seed, runtime, place)
  join(session, part)
  part.noun = 'part of a model'
  part.watcher = watcherOf(part)
  // its values may have other names than in the whole, so they are named by these
  return Model.of<Shaped<O>>(part)
}
