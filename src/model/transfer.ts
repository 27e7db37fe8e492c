// Transfer learning: a trained model that is cut at a layer and gets another head. Enters: a model, the layer to cut at, and the
// head. Leaves: a new model whose kept layers have the old names and copies of the weights.
import { type Chained, checkLayers, type Symbolic } from '../layers/layer.ts'
import { rewritten, takenFrom } from '../network/inner.ts'
import type { Values } from '../network/network.ts'
import { asGiven, BOOLEAN, check, isFunction, reading, readOptions, unknownName } from '../numerics/errors.ts'
import { create } from './create.ts'
import { checkModel, type Model } from './model.ts'

/** Options of `transfer`. */
export interface TransferOptions<V extends Values> {
  /** The name of the layer whose output the head gets, or a list of names; layers that only later ones need are cut off. */
  readonly output: string | readonly string[]
  /** A chain of layers, or a function from the values of `output` to the outputs of the new model. */
  readonly head: readonly Chained[] | ((...values: Symbolic[]) => V)
  /** Whether kept layers that were trained continue to be. Default false: they are frozen until `setTrainable`. */
  readonly trainable?: boolean
  /** Seed of the head's initial weights and of shuffling. Default: that of the old model. */
  readonly seed?: number
}

/**
 * A new model of the layers of `base` up to `output`, with copies of their weights and their names, and a head. The base stays
 * as it is. The kept layers are frozen; `setTrainable` unfreezes them.
 *
 *     const next = transfer(base, { output: 'dense_1', head: [dense({ units: 5, activation: 'softmax' })] })
 *     next.compile({ loss: 'sparseCategoricalCrossentropy' })   // trains the head
 *     next.setTrainable(() => true)                             // then everything
 *
 * @throws LanegradError on an unknown layer or option, or a head that doesn't fit
 * @example
 * ```js
 * import { dense, sequential, transfer } from 'lanegrad'
 *
 * const layers = [dense({ units: 8, name: 'features' }), dense({ units: 10 })]
 * const base = sequential({ inputShape: [4], layers })
 * const next = transfer(base, { output: 'features', head: [dense({ units: 2 })] })
 * console.log(next.layers.map(({ trainable }) => trainable)) // [ false, true ]
 * ```
 */
export function transfer<V extends Values = Symbolic>(base: Model, options: TransferOptions<V>): Model<V> {
  const { session } = checkModel('transfer: base', base)
  const { network } = session
  const { output, head, trainable, seed } = readOptions('transfer', options, {
    output: asGiven<TransferOptions<V>['output']>,
    head: asGiven<TransferOptions<V>['head']>,
    trainable: [BOOLEAN, false],
    seed: [asGiven<number | undefined>, undefined],
  })
  if (!isFunction(head)) checkLayers('transfer: head', head)
  const values = rewritten(network, takenFrom(base.inner, false, !trainable))
  const cut = reading('transfer: output', () => {
    const names = [output].flat()
    check(names.length > 0, 'transfer: output', 'the name of a layer, or a list of them', output)
    return names.map((name) => values.get(name) ?? unknownName('layer', name, [...values.keys()]))
  })
  const outputs =
    typeof head === 'function'
      ? head(...cut)
      : (head.slice(1).reduce((value: Symbolic, layer) => layer(value), head[0](...cut)) as Values as V)

  const kept = new Set<Symbolic>(cut) // a Set also visits the entries that are added on the way
  for (const value of kept) for (const input of value.inputs) kept.add(input)
  const inputs = network.inputs.flatMap(({ name }): [string, Symbolic][] => {
    const value = values.get(name)
    return value && kept.has(value) ? [[name, value]] : []
  })
  const list = inputs.map(([, value]) => value)
  const structures = { single: list[0], list, record: Object.fromEntries(inputs) }
  return create(
    'transfer',
    structures[network.inputStructure],
    outputs,
    seed ?? session.seed,
    session.runtime,
  )
}
