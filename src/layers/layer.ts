// What a layer is: a kind (how it writes itself into a graph), a checked config (plain data) and a name. A
// layer is also a function: called on symbolic values it gives a symbolic value, and that is all it does;
// shapes are known and checked when the model is made. A layer called twice shares its weights.

import type { GraphBuilder } from '../graph/builder.ts'
import type { DType, Shape, Value } from '../graph/value.ts'
import { check, checkOptions, fail } from '../numerics/errors.ts'
import type { Initializer } from './initializers.ts'

/** A sum added to the loss: l1 * sum |w| + l2 * sum w^2 (Keras: no 1/2). */
export interface Regularizer {
  readonly l1?: number
  readonly l2?: number
}

export interface WeightOptions {
  readonly initializer: Initializer
  readonly regularizer?: Regularizer
  /** false for state that no gradient moves */
  readonly trainable?: boolean
}

/** What a layer may do while it writes itself. */
export interface LayerContext {
  readonly g: GraphBuilder
  readonly training: boolean
  /** The layer's own weight of that name; the same value at every call of the layer. */
  weight(name: string, shape: Shape, options: WeightOptions): Value
  /** A weight of an earlier layer, by `layer/weight` name. */
  weightOf(name: string): Value
}

export interface LayerKind<C> {
  readonly kind: string
  /** Writes the layer's operations. Throws a LanegradError where an input doesn't fit; the caller adds the layer's name. */
  build(context: LayerContext, inputs: readonly Value[], config: C): Value
  /** Checks a config that comes from a caller or a file; gives the complete one. */
  read(options: object): C
}

/** A value of a model that is being described: an input, or a layer called on values. */
export interface Symbolic {
  readonly layer: Layer | null
  readonly inputs: readonly Symbolic[]
  readonly input: {
    readonly name: string
    readonly shape: readonly (number | null)[]
    readonly dtype: DType
  } | null
}

export interface LayerOptions {
  /** Unique in its model; by default the kind and a number. */
  readonly name?: string
  /** false: the layer's weights stay as they are. Default true. */
  readonly trainable?: boolean
}

export interface Layer {
  (...inputs: readonly Symbolic[]): Symbolic
  readonly layerName: string | null
  readonly kind: LayerKind<object>
  readonly config: object
  readonly trainable: boolean
}

/** Throws on an option that neither this kind nor every layer has. */
export function checkLayerOptions(kind: string, options: object, known: readonly string[]): void {
  checkOptions(kind, options, [...known, 'name', 'trainable'])
}

const isSymbolic = (value: unknown): value is Symbolic =>
  typeof value === 'object' && value !== null && 'layer' in value && 'inputs' in value

/** A layer of `kind` from its options; `name` and `trainable` are common to all kinds. */
export function makeLayer<C extends object>(kind: LayerKind<C>, options: LayerOptions & object): Layer {
  check(typeof options === 'object' && options !== null, `${kind.kind} options`, 'an object', options)
  const { name = null, trainable = true, ...own } = options
  check(
    name === null || (typeof name === 'string' && /^[^/#\s]+$/.test(name)),
    `${kind.kind}: name`,
    'a string without blanks, "/" or "#"',
    name,
  )
  check(typeof trainable === 'boolean', `${kind.kind}: trainable`, 'a boolean', trainable)
  const config = Object.freeze(kind.read(own))
  const call = (...inputs: readonly Symbolic[]): Symbolic => {
    if (inputs.length === 0 || !inputs.every(isSymbolic)) {
      fail(`layer ${name ?? kind.kind}: call it on values made by input() or by other layers`)
    }
    return Object.freeze({ layer, inputs, input: null })
  }
  const layer: Layer = Object.assign(call, {
    layerName: name,
    kind: kind as LayerKind<object>,
    config,
    trainable,
  })
  return Object.freeze(layer)
}

export interface InputOptions {
  /** Without the batch axis; null where any length will do. */
  readonly shape: readonly (number | null)[]
  readonly name?: string
  /** Default 'float32'. */
  readonly dtype?: DType
}

/** An input of a functional model. The batch axis is not part of `shape`. */
export function input(options: InputOptions): Symbolic {
  checkOptions('input', options, ['shape', 'name', 'dtype'])
  const { shape, name = '', dtype = 'float32' } = options
  check(
    typeof name === 'string' && /^[^/#\s]*$/.test(name),
    'input: name',
    'a string without blanks, "/" or "#"',
    name,
  )
  const what = name ? `input ${name}` : 'input'
  const sizes = Array.isArray(shape) && shape.every((n) => n === null || (Number.isSafeInteger(n) && n > 0))
  check(sizes, `${what}: shape`, 'a list of positive integers (or null)', shape)
  check(dtype === 'float32' || dtype === 'int32', `${what}: dtype`, '"float32" or "int32"', dtype)
  return Object.freeze({ layer: null, inputs: [], input: { name, shape: [...shape], dtype } })
}
