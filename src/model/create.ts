// Makes models: from a chain of layers, from any acyclic graph of them, or from a saved file.

import { layerKinds } from '../layers/kinds.ts'
import {
  type Chained,
  checkLayerName,
  checkLayers,
  INPUT_SHAPE,
  type InputOptions,
  input,
  type LayerKind,
  type Symbolic,
} from '../layers/layer.ts'
import { outlineOf } from '../network/compute.ts'
import { type Described, networkOf, remember, type Values } from '../network/network.ts'
import { PlannedSession } from '../network/planned.ts'
import { numbersNamed } from '../network/weight-names.ts'
import { broughtBy } from '../numerics/brought.ts'
import type { ByteSource } from '../numerics/bytes.ts'
import {
  BOOLEAN,
  checkOptions,
  fail,
  must,
  NATURAL,
  type Rule,
  reading,
  readOptions,
} from '../numerics/errors.ts'
import { rowShapeText } from '../numerics/shape.ts'
import type { ArrayLikeData } from '../rows/rows.ts'
import type { RuntimeOptions } from '../runtime/engine.ts'
import type { Metric } from '../session/metric.ts'
import type { GraphLoss } from '../training/graph-loss.ts'
import type { Loss } from '../training/loss.ts'
import type { MeanMetric } from '../training/metrics.ts'
import { watcherOf } from './diagnose.ts'
import { loadSession } from './loading.ts'
import { Model } from './model.ts'

/** @internal */
const readRuntime = (where: string, { numerics, threads }: RuntimeOptions): RuntimeOptions => ({
  numerics: broughtBy(`${where}: numerics`, numerics, 'module', 'relaxed()', 'lanegrad/relaxed'),
  threads: broughtBy(`${where}: threads`, threads, 'team', 'workers(4)', 'lanegrad/threads'),
})

/** @internal */
export function checkModelName(name: unknown, what: string): void {
  checkLayerName(name, what)
  if (String(name).includes('.'))
    fail(`${what} can't hold a dot, which parts it from the names of its layers; got ${name}`)
}

interface Given extends RuntimeOptions {
  readonly name?: string | null
  readonly weights?: Readonly<Record<string, ArrayLikeData>>
}

/** @internal */
export function create<V extends Values>(
  where: string,
  inputs: Values,
  outputs: V,
  seed = 0,
  { name = null, weights = {}, ...runtime }: Given = {},
): Model<V> {
  if (name !== null) checkModelName(name, `${where}: name`)
  const described = reading(`${where}: its values`, () => networkOf(inputs, outputs, name))
  return createOf<V>(
    where,
    described,
    must(NATURAL, seed, `${where}: seed`),
    readRuntime(where, runtime),
    weights,
  )
}

/** @internal */
export function createOf<V extends Values>(
  where: string,
  { network, layers, origins, values }: Described,
  seed: number,
  runtime: RuntimeOptions,
  weights: Readonly<Record<string, ArrayLikeData>>,
): Model<V> {
  const outline = outlineOf(network)
  for (const { name, inputs } of network.models)
    for (const { value, shape } of inputs) {
      const given = outline.shapes.get(value) ?? []
      const fits = given.length === shape.length && shape.every((n, i) => n === null || n === given[i])
      if (!fits)
        fail(
          `model ${name} takes ${rowShapeText(shape)} and is called on ${value}, which is ${rowShapeText(given)}`,
        )
    }
  const session = new PlannedSession(network, outline, seed, runtime)
  session.watcher = watcherOf(session)
  session.values = values
  session.initialize(origins, numbersNamed(where, session, weights))
  remember(layers)
  return Model.of<V>(session)
}

/** Options of `model`. */
export interface ModelOptions<V extends Values> extends RuntimeOptions {
  /** A value of `input()`, a list, or a record by name; `fit` and `predict` take x in the same form. */
  readonly inputs: Values
  /** A value, a list, or a record by name; `predict` returns its result and `fit` takes y in the same form. */
  readonly outputs: V
  /** Governs initial weights and shuffling: the same seed gives the same bits everywhere. Default 0. */
  readonly seed?: number
  /** The name of this model within models that call it; its layers are `<name>.<layer>` there. Default: model and a number. */
  readonly name?: string
  /** Weights to start from, as `setWeights` takes them; the others are drawn. Default: all are drawn. */
  readonly weights?: Readonly<Record<string, ArrayLikeData>>
}

/**
 * A model of any acyclic graph of layers. It has weights of its own, even for a layer that is in other models as well:
 * `setWeights(other.getWeights())` and `transfer` copy weights.
 * @throws LanegradError on an unknown or bad option, naming the layer that doesn't fit
 * @example
 * ```js
 * import { add, dense, input, model } from 'lanegrad'
 *
 * const x = input({ shape: [16] })
 * const h = dense({ units: 16, activation: 'relu' })(x)
 * const net = model({ inputs: x, outputs: dense({ units: 1 })(add()(h, x)) })
 * console.log(net.predict(new Float32Array(16)).shape) // [ 1, 1 ]
 * ```
 */
export function model<V extends Values>(options: ModelOptions<V>): Model<V> {
  const known = ['inputs', 'outputs', 'seed', 'name', 'weights', 'numerics', 'threads']
  const read = checkOptions('model', options, known)
  return create('model', read.inputs, read.outputs, read.seed, read)
}

/** Options of `sequential`. */
export interface SequentialOptions extends RuntimeOptions {
  /** The shape of the input without the batch axis; null for an axis of any length. */
  readonly inputShape: InputOptions['shape']
  /** 'int32' for ids, which `embedding` takes. Default 'float32'. */
  readonly inputDtype?: InputOptions['dtype']
  /** One layer or model at least; the first is applied to the input, each other to the one before. */
  readonly layers: readonly Chained[]
  /** Governs initial weights and shuffling: the same seed gives the same bits everywhere. Default 0. */
  readonly seed?: number
  /** The name of this model within models that call it; its layers are `<name>.<layer>` there. Default: model and a number. */
  readonly name?: string
  /** Weights to start from, as `setWeights` takes them; the others are drawn. Default: all are drawn. */
  readonly weights?: Readonly<Record<string, ArrayLikeData>>
}

/**
 * A model that is a chain of layers. It has weights of its own, even for a layer that is in other models as well:
 * `setWeights(other.getWeights())` and `transfer` copy weights.
 * @throws LanegradError on an unknown or bad option, naming the layer that doesn't fit
 * @example
 * ```js
 * import { dense, sequential } from 'lanegrad'
 *
 * const model = sequential({
 *   inputShape: [4],
 *   layers: [dense({ units: 8, activation: 'relu' }), dense({ units: 3, activation: 'softmax' })],
 *   seed: 1,
 * })
 * console.log(model.predict(new Float32Array(8)).shape) // [ 2, 3 ]
 * ```
 */
export function sequential(options: SequentialOptions): Model<Symbolic> {
  const known = ['inputShape', 'inputDtype', 'layers', 'seed', 'name', 'weights', 'numerics', 'threads']
  const read = checkOptions('sequential', options, known)
  const { inputShape, inputDtype, layers, seed } = read
  must(INPUT_SHAPE, inputShape, 'sequential: inputShape')
  checkLayers('sequential: layers', layers)
  const first = input({ shape: inputShape, dtype: inputDtype })
  return create(
    'sequential',
    first,
    layers.reduce((value: Symbolic, layer) => layer(value), first),
    seed,
    read,
  )
}

const listWith = <T>(key: string, maker: string): Rule<NonNullable<T>> => ({
  expected: `a list of results of ${maker}`,
  holds: (list): list is NonNullable<T> => Array.isArray(list) && [...list].every((made) => made?.[key]),
})

const METRICS: Rule<NonNullable<LoadOptions['metrics']>> = {
  expected: 'a list of metric objects',
  holds: (list): list is NonNullable<LoadOptions['metrics']> =>
    Array.isArray(list) && [...list].every((metric) => typeof metric?.name === 'string'),
}

/** Options of `load`. */
export interface LoadOptions extends RuntimeOptions {
  /** Your own kinds of layers (customLayer) that the model holds. Default []. */
  readonly layers?: readonly { readonly layerKind: LayerKind<object> }[]
  /** Your own losses (customLoss, graphLoss) that it was compiled with, found by their names. Default []. */
  readonly losses?: readonly (Loss | GraphLoss)[]
  /** Your own metrics (objects of functions) that it was compiled with, found by their names. Default []. */
  readonly metrics?: readonly (MeanMetric | Metric)[]
  /** Whether the model is compiled as it was when it was saved. Default true. */
  readonly compile?: boolean
}

/**
 * Loads a model from the bytes that `save` returned, which are untrusted. The type parameter is the form of its outputs, if it
 * has several: `load<Symbolic[]>(bytes)`.
 * @throws LanegradError if the file is damaged, doesn't hold a model of ours, or needs a layer, loss or metric of your own
 * @example
 * ```js
 * import { dense, load, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [2], layers: [dense({ units: 1 })] })
 * const again = load(model.save())
 * console.log(again.predict([[1, 2]]).data[0] === model.predict([[1, 2]]).data[0]) // true
 * ```
 */
export function load<V extends Values = Symbolic>(bytes: ByteSource, options: LoadOptions = {}): Model<V> {
  const { compile, layers, losses, metrics } = readOptions(
    'load',
    options,
    {
      compile: [BOOLEAN, true],
      layers: [listWith<LoadOptions['layers']>('layerKind', 'customLayer'), []],
      losses: [listWith<LoadOptions['losses']>('write', 'customLoss or graphLoss'), []],
      metrics: [METRICS, []],
    },
    ['numerics', 'threads'],
  )
  const kinds = new Map(layerKinds.map((layerKind) => [layerKind.kind, layerKind]))
  for (const { layerKind } of layers) {
    if (kinds.has(layerKind.kind)) fail(`load: layers: the kind ${layerKind.kind} is taken`)
    kinds.set(layerKind.kind, layerKind)
  }
  const runtime = readRuntime('load', options)
  return Model.of<V>(loadSession(bytes, kinds, { losses, metrics, compile, runtime }))
}
