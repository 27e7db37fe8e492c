// Low-rank adapters for a model: put around its layers, saved by themselves, put into the weights. Enters: a model. Leaves: a
// new one with copies of its weights; the model given stays as it is.
import { object, parse } from '../formats/json.ts'
import { decodeSafetensors, encodeSafetensors } from '../formats/safetensors.ts'
import type { LayerKind } from '../layers/layer.ts'
import { LORA, LORA_A, LORA_B, loraKind } from '../layers/lora.ts'
import { isKernel } from '../layers/reweighted.ts'
import { outlineOf } from '../network/compute.ts'
import { type Network, type NetworkLayer, namesAround, type Values, withLayers } from '../network/network.ts'
import type { PlannedSession } from '../network/planned.ts'
import type { ByteSource } from '../numerics/bytes.ts'
import {
  asGiven,
  check,
  fail,
  isFunction,
  reading,
  readOptions,
  show,
  unknownName,
} from '../numerics/errors.ts'
import { elementCount, type NamedArray } from '../numerics/tensor.ts'
import { floatsOf } from '../session/state.ts'
import { createOf } from './create.ts'
import { checkModel, type Model } from './model.ts'

/** Options of `lora`. */
export interface LoraOptions {
  /**
   * The names of the layers that get adapters, of models within the model for all their layers with a kernel, or a function of
   * a layer's name. Default null: all layers with a kernel.
   */
  readonly layers?: readonly string[] | ((layer: string) => boolean) | null
  /** Columns of A and rows of B: the rank of what a kernel can change by. Default 8. */
  readonly rank?: number
  /** The change of a kernel is alpha / rank times A B. Default 16. */
  readonly alpha?: number
}

const FORMAT = 'lanegrad-lora/1'

const layersOf = ({ calls }: Network): readonly NetworkLayer[] => [
  ...new Set(calls.map(({ layer }) => layer)),
]

/** A model of the same network with other layers in the place of its own. Weights of the same name are copied. */
function remade<V extends Values>(
  what: string,
  { session }: Model<V>,
  change: (layer: NetworkLayer) => NetworkLayer,
): Model<V> {
  const network = withLayers(session.network, change)
  const { byName } = outlineOf(network)
  const weights = session.outline.weights
    .filter(({ name }) => byName.has(name))
    .map((spec) => [spec.name, session.readWeight(spec)] as const)
  return createOf<V>(
    what,
    { network, layers: layersOf(network), origins: new Map(), values: new Map() },
    session.seed,
    session.runtime,
    Object.fromEntries(weights),
  )
}

/** The names of layers that have a kernel of their own, in a layer inside them perhaps. */
const withKernels = ({ outline }: PlannedSession): ReadonlySet<string> =>
  new Set(
    outline.weights.flatMap(({ name, shape }) =>
      isKernel(name.slice(name.lastIndexOf('/') + 1), shape) ? name.slice(0, name.indexOf('/')) : [],
    ),
  )

/** The layer, one of `names`, whose kernel another one uses: in the innermost model around it, as `weightOf` finds it. */
function tiedTo({ name, config }: NetworkLayer, names: readonly string[]): string | undefined {
  const { tiedTo = null } = config as { readonly tiedTo?: string | null }
  if (tiedTo === null) return undefined
  const [, ...models] = namesAround(name)
  return [...models.map((model) => `${model}.${tiedTo}`), tiedTo].find((own) => names.includes(own))
}

/** The names of the layers that `layers` means. @throws LanegradError on one that can't have adapters */
function chosen(session: PlannedSession, layers: LoraOptions['layers'], what: string): ReadonlySet<string> {
  const own = layersOf(session.network)
  const names = own.map(({ name }) => name)
  const able = withKernels(session)
  const wrapped = own.find(({ kind }) => kind === loraKind)
  if (wrapped) fail(`${what}: layer ${wrapped.name} has adapters already; mergeLora first`)
  const isList = Array.isArray(layers)
  const expected = 'a list of names, or a function of the name'
  check(layers === null || isList || isFunction(layers), `${what}: layers`, expected, layers)
  const wanted = isList
    ? (layers as readonly string[]).flatMap((name) => {
        const inside = names.includes(name) ? [] : [...able].filter((own) => namesAround(own).includes(name))
        return inside.length > 0 ? inside : name
      })
    : [...able].filter((name) => (isFunction(layers) ? (layers as (layer: string) => boolean)(name) : true))
  for (const name of wanted) {
    if (!names.includes(name)) unknownName('layer', name, names)
    const have = able.size > 0 ? `${[...able].join(', ')} have` : 'no layer has'
    if (!able.has(name)) fail(`${what}: layers: layer ${name} has no kernel; ${have}`)
    const tied = own.find((layer) => tiedTo(layer, names) === name)
    if (tied)
      fail(`${what}: layers: layer ${tied.name} is tied to the kernel of ${name}, which must stay as it is`)
  }
  check(wanted.length > 0, `${what}: layers`, 'one layer with a kernel at least', wanted)
  return new Set(wanted)
}

/**
 * A model with low-rank adapters (Hu et al. 2021), for fine-tuning: each kernel of the chosen layers becomes
 * kernel + (alpha / rank) A B, with A [rows, rank] drawn uniformly within 1 / sqrt(rows) and B [rank, columns] 0, so that the
 * model predicts at first what `model` does. Columns are the kernel's last axis, rows all others together. Kernels are those of
 * dense, convolution and recurrent layers and of attention, in wrappers and blocks as well. A and B alone train and have
 * gradients and optimizer slots; all other weights are frozen. Layers and weights keep their names; the factors are named
 * `<layer>/kernel_lora_a` and `<layer>/kernel_lora_b`. The result isn't compiled; `model` stays as it is.
 * @throws LanegradError on an unknown or bad option, a layer without a kernel or one whose kernel another layer is tied to
 * @example
 * ```js
 * import { dense, lora, mergeLora, sequential } from 'lanegrad'
 *
 * const layers = [dense({ units: 64, activation: 'relu', name: 'hidden' }), dense({ units: 2, name: 'out' })]
 * const base = sequential({ inputShape: [32], layers })
 * const adapted = lora(base, { layers: ['hidden'], rank: 4, alpha: 8 })
 * adapted.compile({ optimizer: 'adam', loss: 'meanSquaredError' })
 * adapted.trainStep(new Float32Array(32).fill(1), [[0, 1]]) // trains (32 + 64) * 4 numbers in place of 2242
 * const merged = mergeLora(adapted) // a model without adapters, which predicts the same
 * console.log(base.countParams(), adapted.countParams(), merged.countParams()) // 2242 2626 2242
 * ```
 */
export function lora<V extends Values>(model: Model<V>, options: LoraOptions = {}): Model<V> {
  const { session } = checkModel('lora: model', model)
  const { layers, rank, alpha } = readOptions('lora', options, {
    layers: [asGiven<LoraOptions['layers']>, null],
    ...LORA,
  })
  const names = reading('lora: layers', () => chosen(session, layers, 'lora'))
  return remade('lora', model, (layer) => {
    if (!names.has(layer.name)) return { ...layer, trainable: false }
    const { kind, config } = layer
    const read = Object.freeze(loraKind.read({ layer: { kind, config }, rank, alpha }))
    return { ...layer, kind: loraKind as unknown as LayerKind<object>, config: read, trainable: true }
  })
}

/** The layers with adapters, by name. @throws LanegradError if there is none */
function adapted(
  what: string,
  session: PlannedSession,
): ReadonlyMap<string, ReturnType<typeof loraKind.read>> {
  const found = layersOf(session.network).flatMap(({ name, kind, config }) =>
    kind.kind === loraKind.kind ? [[name, config as ReturnType<typeof loraKind.read>] as const] : [],
  )
  check(found.length > 0, `${what}: model`, 'a model with adapters, as lora makes it', 'one without')
  return new Map(found)
}

/**
 * The model without adapters whose kernels have taken them in: kernel + (alpha / rank) A B, computed in float64, so that it
 * predicts the same within float32 rounding. All layers train again; it isn't compiled, and `model` stays as it is.
 * @throws LanegradError for a model without adapters
 * @example
 * ```js
 * import { dense, lora, mergeLora, sequential } from 'lanegrad'
 *
 * const base = sequential({ inputShape: [1], layers: [dense({ units: 1, useBias: false, name: 'out' })] })
 * const adapted = lora(base, { rank: 1, alpha: 2 })
 * adapted.setWeights({ 'out/kernel': [[1]], 'out/kernel_lora_a': [[3]], 'out/kernel_lora_b': [[5]] })
 * console.log(mergeLora(adapted).getWeights()['out/kernel'].data[0]) // 31
 * ```
 */
export function mergeLora<V extends Values>(model: Model<V>): Model<V> {
  const { session } = checkModel('mergeLora: model', model)
  const layers = adapted('mergeLora', session)
  const next = remade('mergeLora', model, (layer) => {
    const { kind, config } = layers.get(layer.name)?.layer ?? layer
    return { ...layer, kind, config, trainable: true }
  })
  const { byName } = session.outline
  const read = (name: string): NamedArray | null => {
    const spec = byName.get(name)
    return spec ? session.readWeight(spec) : null
  }
  for (const { name, shape } of next.session.outline.weights) {
    const [a, b] = [read(name + LORA_A), read(name + LORA_B)]
    const config = layers.get(name.slice(0, name.indexOf('/')))
    const kernel = read(name)
    if (!a || !b || !config || !kernel) continue
    const [rank, columns] = b.shape
    const factor = config.alpha / config.rank
    const merged = Float32Array.from({ length: elementCount(shape) }, (_, at) => {
      const [row, column] = [Math.floor(at / columns), at % columns]
      let sum = 0
      for (let i = 0; i < rank; i++) sum += a.data[row * rank + i] * b.data[i * columns + column]
      return kernel.data[at] + factor * sum
    })
    next.session.writeWeight(name, merged)
  }
  return next
}

/**
 * The adapters alone as the bytes of a safetensors file, for `loadLora`: the factors by name, rank, alpha and the layers' names.
 * @throws LanegradError for a model without adapters
 * @example
 * ```js
 * import { dense, loadLora, lora, saveLora, sequential } from 'lanegrad'
 *
 * const base = sequential({ inputShape: [256], layers: [dense({ units: 256 })] })
 * const bytes = saveLora(lora(base, { rank: 2 }))
 * console.log(bytes.length < base.save().length / 50) // true
 * const again = loadLora(base, bytes)
 * console.log(again.countParams() - base.countParams()) // 1024
 * ```
 */
export function saveLora<V extends Values>(model: Model<V>): Uint8Array<ArrayBuffer> {
  const { session } = checkModel('saveLora: model', model)
  const layers = adapted('saveLora', session)
  const factors = session.outline.weights.filter(({ name }) => name.endsWith(LORA_A) || name.endsWith(LORA_B))
  const tensors = new Map(factors.map((spec): [string, NamedArray] => [spec.name, session.readWeight(spec)]))
  const [{ rank, alpha }] = layers.values()
  return encodeSafetensors(tensors, {
    format: FORMAT,
    lora: JSON.stringify({ layers: [...layers.keys()], rank, alpha }),
  })
}

/**
 * `base` with the adapters of a file that `saveLora` made, as `lora` would have made it. The bytes are untrusted.
 * @throws LanegradError if the file is damaged, or its adapters don't fit the layers of `base`
 * @example
 * ```js
 * import { dense, loadLora, lora, saveLora, sequential } from 'lanegrad'
 *
 * const base = sequential({ inputShape: [2], layers: [dense({ units: 2, name: 'out' })] })
 * const adapted = lora(base, { rank: 1 })
 * adapted.setWeights({ 'out/kernel_lora_b': [[1, 2]] })
 * const again = loadLora(base, saveLora(adapted))
 * console.log(again.predict([[1, 1]]).data.join() === adapted.predict([[1, 1]]).data.join()) // true
 * ```
 */
export function loadLora<V extends Values>(base: Model<V>, bytes: ByteSource): Model<V> {
  checkModel('loadLora: base', base)
  const { tensors, metadata } = decodeSafetensors(bytes)
  check(metadata.format === FORMAT, 'loadLora: not a file of adapters: format', show(FORMAT), metadata.format)
  const options = object('adapters', parse('adapters', metadata.lora ?? ''))
  check(Array.isArray(options.layers), 'loadLora: layers', 'a list of names', options.layers)
  const { rank } = options
  const least = [...tensors.values()].some(({ shape }) => shape[0] === rank || shape[1] === rank)
  check(least, 'loadLora: rank', 'the rank of the factors in the file', rank) // before memory is taken for it
  const next = lora(base, options)
  const factors = next.session.outline.weights.filter(({ trainable }) => trainable)
  const known = new Set(factors.map(({ name }) => name))
  for (const name of tensors.keys())
    if (!known.has(name)) fail(`loadLora: the model has no factor ${show(name)}; the file has one`)
  const read = factors.map(({ name, shape }) => [name, floatsOf(tensors, name, shape)] as const)
  for (const [name, data] of read) next.session.writeWeight(name, data)
  return next
}
