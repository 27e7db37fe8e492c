// What a layer is: a kind (how it writes itself into a graph), a checked config (plain data) and a name. A
// layer is also a function: called on symbolic values it gives a symbolic value, and that is all it does;
// shapes are known and checked when the model is made. A layer called twice shares its weights.

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
import type { Constraint } from './constraints.ts'
import type { Initializer, InitializerName } from './initializers.ts'

/** What a weight adds to the loss: l1 * sum |w| + l2 * sum w^2 (as in Keras: no 1/2). */
export interface Regularizer {
  /** Factor of the sum of absolute values, >= 0. Default 0. */
  readonly l1?: number
  /** Factor of the sum of squares, >= 0. Default 0. */
  readonly l2?: number
}

/** What `LayerContext.weight` is told of a weight. */
export interface WeightOptions {
  /** How it starts. Default glorotUniform. */
  readonly initializer?: Initializer | InitializerName
  /** What it adds to the loss. Default: nothing. */
  readonly regularizer?: Regularizer
  /** What it is brought back to after every training step. Default: nothing. */
  readonly constraint?: Constraint | null
  /** false for state that no gradient moves. Default true. */
  readonly trainable?: boolean
}

/** What a layer may do while it writes itself. G: what it writes operations through. */
export interface LayerContext<G = GraphBuilder> {
  readonly g: G
  readonly training: boolean
  /** Of the layer: false where its weights stay as they are. */
  readonly trainable: boolean
  /** The model's seed. With `stream` it governs random operations (operations/random.ts). */
  readonly seed: number
  /** A stream of random numbers of this call's own; `own` tells several of one call apart. */
  stream(own?: string): number
  /** The layer's own weight of that name, at every call of the layer; in training as the calls before left it (`assign`). */
  weight(name: string, shape: Shape, options?: WeightOptions): Value
  /** A weight of an earlier layer, by `layer/weight` name: the first of `names` there is. */
  weightOf(...names: readonly string[]): Value
  /**
   * The layer takes ids from 0 to count - 1: where they are an input of the model, others are refused before a run.
   * Ids that an operation computes aren't looked at.
   */
  limitIds(ids: Value, count: number): void
  /**
   * After each training step the weight (one that no gradient moves) takes the value of `next`: that of the last call, of a
   * layer that is called several times. Later calls are given `next` as the weight.
   */
  assign(weight: Value, next: Value): void
  /** Which steps of a value count: [batch, steps], 1 or 0; null where all do. */
  maskOf(value: Value): Value | null
  /**
   * Sets the mask of a value this call makes. Without it, the output takes over the product of the inputs' masks if
   * its first two axes are theirs, and more follow.
   */
  setMask(value: Value, mask: Value | null): void
  /** The context of a layer inside this one: its weights are named `<this layer>/<own>/...`. */
  nested(own: string): LayerContext<G>
}

/** The context of the library's own layers. */
export type BuildContext = LayerContext<GraphWriter>

/** Whether a value has the steps of a mask [batch, steps], each with an axis or more of its own. */
export const hasSteps = ({ shape }: Value, mask: Value): boolean =>
  shape.length > mask.shape.length && mask.shape.every((n, axis) => n === shape[axis])

/** Kinds by name: what a saved model may hold. */
export type LayerKinds = ReadonlyMap<string, LayerKind<object>>

/** What layers of a kind have in common. */
export interface LayerKind<C> {
  readonly kind: string
  /** Writes the layer's operations. Throws a LanegradError where an input doesn't fit; the caller adds the layer's name. */
  build(context: BuildContext, inputs: readonly Value[], config: C): Value | readonly Value[]
  /** Checks a config that comes from a caller or a file (then with the `kinds` it may name); gives the complete one. */
  read(options: object, kinds?: LayerKinds): C
  /** How many values a call gives; default 1. */
  outputs?(config: C): number
}

/** A value of a model that is being described: an input, or a layer called on values. */
export interface Symbolic {
  readonly layer: Layer<unknown> | null
  readonly inputs: readonly Symbolic[]
  /** Which of the layer's outputs it is; 0 unless it has several. */
  readonly index: number
  /** The call it comes from: the first of its outputs. */
  readonly call: object | null
  readonly input: {
    readonly name: string
    readonly shape: readonly (number | null)[]
    readonly dtype: DType
  } | null
}

/** Options that every layer takes. */
export interface LayerOptions {
  /** Unique in its model. Default: the kind and a number, given by the first model the layer is in. */
  readonly name?: string
  /** false: the layer's weights stay as they are. Default true. */
  readonly trainable?: boolean
}

/** What models have called a layer. */
export interface LayerNames {
  readonly names: string[]
  /** The highest number in the names that these models gave their layers. */
  most: number
}

/**
 * A layer: how values are computed from others, with weights to learn. `dense`, `conv2d` and so on make layers; `sequential`
 * chains them, and for any other graph a layer is a function: called on values made by `input` or by layers it gives a
 * value. Called twice in a model it uses the same weights; these belong to the model: in another one the layer has others.
 * R: what a call gives, a list for layers with several outputs.
 */
export interface Layer<R = Symbolic> {
  (...inputs: readonly Symbolic[]): R
  (inputs: readonly Symbolic[]): R
  /** The name it was given; null: the first model names it, and others call it the same if they can. */
  readonly layerName: string | null
  /** @internal */
  readonly known: LayerNames
  /** How it reads its options and computes; `kind.kind` is its name. */
  readonly kind: LayerKind<object>
  /** Its options, checked and complete. */
  readonly config: object
  /** false: its weights stay as they are. */
  readonly trainable: boolean
}

/** A layer that reads a sequence: what `simpleRnn`, `lstm`, `gru` and `convLstm2d` make. */
export interface RecurrentLayer<R = Symbolic> extends Layer<R> {
  readonly config: { readonly goBackwards: boolean; readonly returnSequences: boolean }
}

/** The config of a layer of `kind`: its options, read. `others`, and what every kind has, are known but not in it. */
export const readLayer = <R extends Readers>(
  kind: string,
  options: object,
  readers: R,
  others: readonly string[] = [],
): Read<R> => readOptions(kind, options, readers, [...others, 'name', 'trainable'])

export const isSymbolic = (value: unknown): value is Symbolic =>
  isObject(value) && 'layer' in value && 'input' in value && 'inputs' in value && Array.isArray(value.inputs)

/** Up to `most` characters, and no name that every object has (toString, ...): names are keys of logs, weights and files. */
export const isText = (name: unknown, most: number): name is string =>
  typeof name === 'string' && name !== '' && name.length <= most && !(name in Object.prototype)

/** The name of an input or a layer: it goes into those of calls (`a#2`), their outputs (`a:1`) and weights (`a/kernel`). */
export const isLayerName = (name: unknown): boolean =>
  isText(name, 128) && /^(?!optimizer$)[^/#:\s]+$/.test(name)

export function checkLayerName(name: unknown, what: string): void {
  const expected = 'up to 128 characters without space, /, # or : (and not "toString")'
  check(isLayerName(name), what, expected, name)
}

/** A layer of `kind` from its options; `name` and `trainable` are common to all kinds. */
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

/** What stands where layers or their values are wanted: most often, a model. */
export const showLayer = (given: unknown): string =>
  isObject(given) && 'predict' in given
    ? 'a model (to build on one: transfer(model, { output, head }))'
    : show(given)

/** One layer or more. @throws LanegradError */
export function checkLayers(what: string, given: unknown): asserts given is readonly Layer[] {
  reading(what, () => {
    check(Array.isArray(given) && given.length > 0, what, 'a list of layers', given)
    const odd = [...given].findIndex((layer) => typeof layer !== 'function' || !isObject(layer.kind))
    if (odd >= 0) fail(`${what}[${odd}] must be a layer; got ${showLayer(given[odd])}`)
  })
}

/** A layer of a checked config. */
export function layerOf<C extends object, R = Symbolic>(
  kind: LayerKind<C>,
  config: C,
  name: string | null,
  trainable: boolean,
  known: LayerNames = { names: [], most: 0 },
): Layer<R> & { readonly config: C } {
  const outputs = kind.outputs?.(config) ?? 1
  const call = (...given: readonly (Symbolic | readonly Symbolic[])[]): R => {
    const what = `layer ${name ?? kind.kind}`
    const inputs = reading(what, () => {
      const values = given.flat()
      const odd = values.findIndex((value) => !isSymbolic(value))
      if (odd >= 0 || values.length === 0)
        fail(`${what} must be called on values of input() or of layers; got ${showLayer(values[odd])}`)
      return values as Symbolic[]
    })
    const call = {}
    const values = Array.from(
      { length: outputs },
      (_, index): Symbolic =>
        Object.freeze(
          printed(
            { layer: layer as Layer<unknown>, inputs, index, call, input: null },
            () => `output ${index} of ${layerText()}`,
          ),
        ),
    )
    return (outputs === 1 ? values[0] : values) as R
  }
  const layerText = () => `layer ${name === null ? '' : `${name}: `}${kind.kind} ${JSON.stringify(config)}`
  const layer: Layer<R> & { readonly config: C } = Object.assign(printed(call, layerText), {
    layerName: name,
    known,
    kind: kind as LayerKind<object>,
    config,
    trainable,
  })
  return Object.freeze(layer)
}

/** Options of `input`. */
export interface InputOptions {
  /** Without the batch axis; null where any length will do. */
  readonly shape: readonly (number | null)[]
  /** Unique in its model; by default input, or input_ and a number. */
  readonly name?: string
  /** 'int32' for ids, as of `embedding`. Default 'float32'. */
  readonly dtype?: DType
}

/** The shape of an input, the batch axis aside. */
export const INPUT_SHAPE: Rule<readonly (number | null)[]> = {
  expected: 'a list of up to 15 positive integers (or null)',
  holds: (shape): shape is readonly (number | null)[] =>
    Array.isArray(shape) &&
    shape.length < 16 &&
    [...shape].every((n) => n === null || POSITIVE_INTEGER.holds(n)),
}

export const DTYPE = /*#__PURE__*/ oneOf('float32', 'int32')

/**
 * An input of a functional model. The batch axis is not part of `shape`.
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
      { layer: null, inputs: [], index: 0, call: null, input: { name, shape: [...shape], dtype } },
      () => `${what} ${rowShapeText(shape)}`,
    ),
  )
}
