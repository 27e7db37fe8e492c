// A layer: a kind (which writes it into a graph), a checked config (plain data) and a name. A layer is also a function:
// called on symbolic values it gives a symbolic value, and does nothing else; shapes are known and checked when the model is
// made. A layer that is called twice shares its weights.

import type { GraphBuilder } from '../graph/builder.ts'
import type { Value } from '../graph/value.ts'
import type { GraphWriter } from '../graph/writer.ts'
import {
  BOOLEAN,
  check,
  checkOptions,
  fail,
  isObject,
  must,
  oneOf,
  POSITIVE_INTEGER,
  printed,
  type Read,
  type Readers,
  type Rule,
  reading,
  readOptions,
  show,
} from '../numerics/errors.ts'
import { type DType, rowShapeText, type Shape } from '../numerics/shape.ts'
import type { FloatArray } from '../numerics/tensor.ts'
import type { Constraint } from './constraints.ts'
import type { Initializer, InitializerName } from './initializers.ts'

/** A penalty on a weight, added to the loss: l1 * sum |w| + l2 * sum w^2 (as in Keras, without 1/2). */
export interface Regularizer {
  /** Factor of the sum of absolute values, >= 0. Default 0. */
  readonly l1?: number
  /** Factor of the sum of squares, >= 0. Default 0. */
  readonly l2?: number
}

/** Options of `LayerContext.weight`. */
export interface WeightOptions {
  /** Initial values. Default glorotUniform. */
  readonly initializer?: Initializer | InitializerName
  /** Penalty on the weight, added to the loss. Default: none. */
  readonly regularizer?: Regularizer
  /** Constraint applied after each training step. Default: none. */
  readonly constraint?: Constraint | null
  /** false: a state that no gradient moves. Default true. */
  readonly trainable?: boolean
  /**
   * true: a state that each run leaves to the next one (`assign`), also of predict and evaluate, until `resetStates`. Its first
   * axis is the number of rows of every batch, which inputs have unless `isOutline`. It isn't among the model's weights. Default
   * false.
   */
  readonly stays?: boolean
}

/** The means by which a layer writes itself into a graph. G: the writer of operations. */
export interface LayerContext<G = GraphBuilder> {
  readonly g: G
  readonly training: boolean
  /** Whether the model is only being made: its inputs have one row, and nothing will be computed. */
  readonly isOutline: boolean
  /** Whether the layer's weights are trained. */
  readonly trainable: boolean
  /** The model's seed, which with `stream` governs random operations (operations/random.ts). */
  readonly seed: number
  /** A stream of random numbers for this call of the layer alone; `own` tells several streams of one call apart. */
  stream(own?: string): number
  /** The layer's own weight of that name, one for all calls; in training as the calls before left it (`assign`). */
  weight(name: string, shape: Shape, options?: WeightOptions): Value
  /** A weight of an earlier layer, by `layer/weight` name: the first of `names` that exists. */
  weightOf(...names: readonly string[]): Value
  /**
   * Declares that the layer takes ids from 0 to count - 1. If they are an input of the model, others are refused before a
   * run; ids that an operation computes aren't checked.
   */
  limitIds(ids: Value, count: number): void
  /**
   * Sets a weight that no gradient moves to the value of `next` after each training step, one that `stays` after each run. If a layer is called several times,
   * each call reads the `next` of the one before, and the weight takes the last.
   */
  assign(weight: Value, next: Value): void
  /** The mask of a value: 1 for steps that count, 0 for others, [batch, steps]; null if all count. */
  maskOf(value: Value): Value | null
  /**
   * Sets the mask of a value that this call makes. Without it, the output has the product of the inputs' masks, if its first
   * two axes are theirs and more follow.
   */
  setMask(value: Value, mask: Value | null): void
  /** The context of a layer inside this one, whose weights are named `<this layer>/<own>/...`. */
  nested(own: string): LayerContext<G>
}

/** The context of the library's own layers, which limit ids (ids.ts), assign (graph/assign.ts)
 * and set masks (graph/masks.ts) by the graph itself. */
export interface BuildContext
  extends Omit<LayerContext<GraphWriter>, 'limitIds' | 'assign' | 'maskOf' | 'setMask' | 'nested'> {
  /** The context of a layer inside this one. */
  nested(own: string): BuildContext
}

/** The kinds of layers that a saved model may hold, by name. */
export type LayerKinds = ReadonlyMap<string, LayerKind<object>>

/** The behaviour that all layers of a kind share. */
export interface LayerKind<C> {
  readonly kind: string
  /** Writes the layer's operations. Throws a LanegradError if an input doesn't fit; the caller adds the layer's name. */
  build(context: BuildContext, inputs: readonly Value[], config: C): Value | readonly Value[]
  /** Checks the config of a caller, or of a file (with the `kinds` that it may name), and returns the complete one. */
  read(options: object, kinds?: LayerKinds): C
  /** The number of values that a call gives. Default 1. */
  outputs?(config: C): number
  /** The model that is called, where it is one, whose layers write themselves in the place of `build`. @internal */
  inner?(): InnerModel
}

/** A model that is called within another, as it is at that time. N: its network. */
export interface InnerModel<N = object> {
  readonly network: N
  /** A copy of the weight of that name; null: it has none. @throws LanegradError after dispose */
  read(weight: string): FloatArray | null
}

/** A call of a layer or a model. */
export interface LayerCall {
  /** null: a layer is called. */
  readonly inner: InnerModel | null
  /** The values that it gives. */
  readonly outputs: Symbolic[]
}

/** A value of a model that is being described: an input, or a layer called on values. */
export interface Symbolic {
  readonly layer: Layer<unknown> | null
  readonly inputs: readonly Symbolic[]
  /** The index of the output among those of the layer. */
  readonly index: number
  /** The call that it comes from; an input is one by itself. */
  readonly call: LayerCall
  readonly input: {
    readonly name: string
    readonly shape: readonly (number | null)[]
    readonly dtype: DType
  } | null
}

/** Options that every layer takes. */
export interface LayerOptions {
  /** Name, unique in its model. Default: the kind and a number, given by the first model that the layer is in. */
  readonly name?: string
  /** false: training leaves the layer's weights as they are. Default true. */
  readonly trainable?: boolean
}

/** The names that models have given a layer. */
export interface LayerNames {
  readonly names: string[]
  /** The highest number in the names that these models gave their layers. */
  most: number
}

/**
 * A layer: how values are computed from others, with weights to learn. `dense`, `conv2d` and so on make layers; `sequential`
 * chains them, and for any other graph a layer is a function: called on values made by `input` or by layers it gives a
 * value. Called twice in a model it uses the same weights; these belong to the model: in another one the layer has others.
 * R: the type that a call gives, a list for layers with several outputs.
 */
export interface Layer<R = Symbolic> {
  (...inputs: readonly Symbolic[]): R
  (inputs: readonly Symbolic[]): R
  /** The name it was given; null: the first model names it, and later ones keep that name if they can. */
  readonly layerName: string | null
  /** @internal */
  readonly known: LayerNames
  /** Its kind, which reads options and writes operations; `kind.kind` is the kind's name. */
  readonly kind: LayerKind<object>
  /** Its options, checked and complete. */
  readonly config: object
  /** Whether its weights are trained. */
  readonly trainable: boolean
}

/** A layer that reads a sequence, made by `simpleRnn`, `lstm`, `gru`, `convLstm1d`, `convLstm2d` or `convLstm3d`. */
export interface RecurrentLayer<R = Symbolic> extends Layer<R> {
  readonly config: { readonly goBackwards: boolean; readonly returnSequences: boolean }
}

/** Reads the config of a layer of `kind`. `others`, `name` and `trainable` are known options but not part of it. */
export const readLayer = <R extends Readers>(
  kind: string,
  options: object,
  readers: R,
  others: readonly string[] = [],
): Read<R> => readOptions(kind, options, readers, [...others, 'name', 'trainable'])

export const isSymbolic = (value: unknown): value is Symbolic =>
  isObject(value) && 'layer' in value && 'input' in value && 'inputs' in value && Array.isArray(value.inputs)

/** Whether a name has up to `most` characters and is not one that every object has (toString): names are keys. */
export const isText = (name: unknown, most: number): name is string =>
  typeof name === 'string' && name !== '' && name.length <= most && !(name in Object.prototype)

/** Whether a text can name an input or a layer: the names of calls (`a#2`), outputs (`a:1`) and weights (`a/kernel`) hold it. */
export const isLayerName = (name: unknown): boolean =>
  isText(name, 128) && /^(?!optimizer$)[^/#:\s]+$/.test(name)

export function checkLayerName(name: unknown, what: string): void {
  const expected = 'up to 128 characters without space, /, # or : (and not "toString")'
  check(isLayerName(name), what, expected, name)
}

/** A layer of `kind` from its options; `name` and `trainable` are options of all kinds. */
export function makeLayer<C extends object, R = Symbolic>(
  kind: LayerKind<C>,
  options: LayerOptions & object,
): Layer<R> & { readonly config: C } {
  check(isObject(options), `${kind.kind} options`, 'an object', options)
  const { name = null, trainable = true, ...own } = reading(`${kind.kind} options`, () => ({ ...options }))
  if (name !== null) checkLayerName(name, `${kind.kind}: name`)
  must(BOOLEAN, trainable, `${kind.kind}: trainable`)
  const config = reading(`${kind.kind} options`, () => kind.read(own))
  return layerOf(kind, Object.freeze(config), name, trainable)
}

/** A layer, or a model with one input and one output: what a chain is made of. */
export type Chained = Layer | ((...inputs: readonly Symbolic[]) => Symbolic)

/** Whether a value is a model, whose calls are those of its layers. */
const isModel = (given: object): boolean => 'predict' in given

/** A print of a value that was given for a layer. */
export const showLayer = (given: unknown): string =>
  typeof given === 'function' && isModel(given) ? 'a model (it is called on values: model(x))' : show(given)

/** Checks a list of one layer or more. @throws LanegradError */
export function checkLayers(what: string, given: unknown): asserts given is readonly Chained[] {
  reading(what, () => {
    check(Array.isArray(given) && given.length > 0, what, 'a list of layers', given)
    const odd = [...given].findIndex(
      (layer) => typeof layer !== 'function' || !(isModel(layer) || isObject(layer.kind)),
    )
    if (odd >= 0) fail(`${what}[${odd}] must be a layer; got ${showLayer(given[odd])}`)
  })
}

/** The values that `what` is called on. @throws LanegradError */
export function calledOn(what: string, given: readonly (Symbolic | readonly Symbolic[])[]): Symbolic[] {
  return reading(what, () => {
    const values = given.flat()
    const odd = values.findIndex((value) => !isSymbolic(value))
    if (odd >= 0 || values.length === 0)
      fail(`${what} must be called on values of input() or of layers; got ${showLayer(values[odd])}`)
    return values as Symbolic[]
  })
}

/** The values that a call gives. */
export function outputsOf(layer: Layer<unknown>, inputs: readonly Symbolic[]): Symbolic[] {
  const { kind, config } = layer
  const outputs: Symbolic[] = []
  const call: LayerCall = { inner: kind.inner?.() ?? null, outputs }
  for (let index = 0; index < (kind.outputs?.(config) ?? 1); index++)
    outputs.push(
      Object.freeze(
        printed({ layer, inputs, index, call, input: null }, () => `output ${index} of ${layerText(layer)}`),
      ),
    )
  return outputs
}

const layerText = ({ layerName, kind, config }: Layer<unknown>) =>
  `layer ${layerName === null ? '' : `${layerName}: `}${kind.kind} ${JSON.stringify(config)}`

/** A layer made of a checked config. */
export function layerOf<C extends object, R = Symbolic>(
  kind: LayerKind<C>,
  config: C,
  name: string | null,
  trainable: boolean,
  known: LayerNames = { names: [], most: 0 },
): Layer<R> & { readonly config: C } {
  const call = (...given: readonly (Symbolic | readonly Symbolic[])[]): R => {
    const values = outputsOf(layer as Layer<unknown>, calledOn(`layer ${name ?? kind.kind}`, given))
    return (values.length === 1 ? values[0] : values) as R
  }
  const layer: Layer<R> & { readonly config: C } = Object.assign(
    printed(call, () => layerText(layer as Layer<unknown>)),
    { layerName: name, known, kind: kind as LayerKind<object>, config, trainable },
  )
  return Object.freeze(layer)
}

/** Options of `input`. */
export interface InputOptions {
  /** The shape without the batch axis; null for an axis of any length. */
  readonly shape: readonly (number | null)[]
  /** Name, unique in its model. Default: input, or input_ and a number. */
  readonly name?: string
  /** 'int32' for ids, which `embedding` takes. Default 'float32'. */
  readonly dtype?: DType
}

/** The rule for the shape of an input, without the batch axis. */
export const INPUT_SHAPE: Rule<readonly (number | null)[]> = {
  expected: 'a list of up to 15 positive integers (or null)',
  holds: (shape): shape is readonly (number | null)[] =>
    Array.isArray(shape) &&
    shape.length < 16 &&
    [...shape].every((n) => n === null || POSITIVE_INTEGER.holds(n)),
}

export const DTYPE = /*#__PURE__*/ oneOf('float32', 'int32')

/**
 * An input of a model. The batch axis is not part of `shape`.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { dense, input, model } from 'lanegrad'
 *
 * const x = input({ shape: [4], name: 'x' })
 * const net = model({ inputs: x, outputs: { size: dense({ units: 1 })(x), kind: dense({ units: 3 })(x) } })
 * console.log(net.predict(new Float32Array(4)).kind.shape) // [ 1, 3 ]
 * ```
 */
export function input(options: InputOptions): Symbolic {
  const known = ['shape', 'name', 'dtype']
  const { shape, name = '', dtype = 'float32' } = checkOptions('input', options, known)
  if (name !== '') checkLayerName(name, 'input: name')
  const what = name ? `input ${name}` : 'input'
  must(INPUT_SHAPE, shape, `${what}: shape`)
  must(DTYPE, dtype, `${what}: dtype`)
  return Object.freeze(
    printed(
      {
        layer: null,
        inputs: [],
        index: 0,
        call: { inner: null, outputs: [] },
        input: { name, shape: [...shape], dtype },
      },
      () => `${what} ${rowShapeText(shape)}`,
    ),
  )
}
