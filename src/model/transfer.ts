// Transfer learning: a trained model that is cut at a layer and gets another head. Enters: a model, the layer to cut at, and the
// head. Leaves: a new model whose kept layers have the old names and copies of the weights.
import { type Chained, checkLayers, input, type Layer, layerOf, type Symbolic } from '../layers/layer.ts'
import {
  type Network,
  type NetworkLayer,
  networkOf,
  renamed,
  type Values,
  valuesOf,
} from '../network/network.ts'
import {
  asGiven,
  BOOLEAN,
  check,
  isFunction,
  must,
  NATURAL,
  reading,
  readOptions,
  unknownName,
} from '../numerics/errors.ts'
import { createOf } from './create.ts'
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

/** The values of a network by name, on inputs like its own, made by its layers. */
function rewritten({ inputs, inputStructure, calls }: Network, isFrozen: boolean): Map<string, Symbolic> {
  const values = new Map<string, Symbolic>()
  for (const { name, ...options } of inputs)
    values.set(name, input(inputStructure === 'record' ? options : { ...options, name }))
  const layers = new Map<NetworkLayer, Layer<Symbolic | Symbolic[]>>()
  for (const call of calls) {
    const { kind, config, name, trainable, known } = call.layer
    const layer = layers.get(call.layer) ?? layerOf(kind, config, name, trainable && !isFrozen, known)
    layers.set(call.layer, layer)
    const made = [layer(call.inputs.map((value) => values.get(value) as Symbolic))].flat()
    valuesOf(call).forEach((value, i) => {
      values.set(value, made[i])
    })
  }
  return values
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
  const values = rewritten(network, !trainable)
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
  const described = reading('transfer: its values', () =>
    networkOf(structures[network.inputStructure], outputs),
  )
  const names = new Map<string, string>() // of the values that are kept, in the new model
  for (const [name, { call, index }] of values) {
    const own = described.values.get(call)?.[index]
    if (own !== undefined) names.set(name, own)
  }
  const whole = {
    ...described.network,
    models: [...renamed(network.models, names, names), ...described.network.models],
  }
  const layers = new Set([...kept].flatMap(({ layer }) => layer?.layerName ?? []))
  const weights = session.outline.weights
    .filter(({ name }) => layers.has(name.slice(0, name.indexOf('/'))))
    .map((spec) => [spec.name, session.readWeight(spec)] as const)
  return createOf(
    'transfer',
    { ...described, network: Object.freeze(whole) },
    must(NATURAL, seed ?? session.seed, 'transfer: seed'),
    session.runtime,
    Object.fromEntries(weights),
  )
}
