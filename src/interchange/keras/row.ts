// What a class of Keras is here: a row of the table in classes.ts. Enters: a layer's config from a file (untrusted JSON), or the
// config of one of our layers. Leaves: our options, or Keras's. Both ways go through the same fields, an entry for each option.
import type { Layer } from '../../layers/layer.ts'
import type { NestedLayer } from '../../layers/nested.ts'
import { show } from '../../numerics/errors.ts'
import type { RowShape } from '../../numerics/shape.ts'
import type { NamedArray } from '../../numerics/tensor.ts'

/** Who wrote a file: classes and options of one name differ in meaning (hard_sigmoid, reset_after). */
export type Dialect = 'tfjs' | 'keras2' | 'keras3'

export type Config = Readonly<Record<string, unknown>>

/** Where a value is read or written: what is found there goes into lists, so that all of it can be told at once. */
export interface Place {
  readonly dialect: Dialect
  /** The class and the name of the layer. */
  readonly layer: string
  /** What an import changed or dropped. */
  note(text: string): void
  /** What can't be taken over: nothing is made of the layer. */
  refuse(text: string): void
}

/** Where a layer is read. */
export interface ReadPlace extends Place {
  /** A weight of the file. */
  weight(slot: Slot): NamedArray | undefined
  /** The layer that an entry { class_name, config } within a config stands for; undefined: it was refused. */
  inner(entry: unknown, shapes: readonly RowShape[]): Layer<unknown> | undefined
  /** The shapes of the layer's inputs, without the batch: of rows with `prepare` alone. */
  readonly shapes: readonly RowShape[]
  /** The number of rows of every batch, where the inputs of the model tell it. */
  readonly batch: number | null
}

/** Where a layer is written. */
export interface WritePlace extends Place {
  /** The entry { class_name, config } of a layer within a layer. */
  outer(layer: NestedLayer): Config
  /** The shapes of the layer's inputs, without the batch. */
  readonly shapes: readonly RowShape[]
}

/** An option: Keras's under the field's key, ours under `own`. */
export interface Field {
  readonly own: string
  /** What Keras takes where the option is left out or null, if that isn't what we take. */
  absent?(dialect: Dialect): unknown
  /** Our value of Keras's; undefined: our default. */
  read(value: unknown, at: ReadPlace): unknown
  /** Keras's value of ours; undefined: left out. `own`: all of our options. */
  write(value: unknown, at: WritePlace, own: Config): unknown
}

/** A weight of a layer: our name behind `layer/`, Keras's and TensorFlow.js's, and the place in a file of Keras 3. */
export interface Slot {
  readonly own: string
  /** `kernel`, `forward_lstm_1/kernel`. */
  readonly name: string
  /** `vars/0`, `cell/vars/0`, `query_dense/vars/1`. */
  readonly path: string
  /** Keras's shape of a weight of ours, where they differ; the numbers are in the same order. */
  theirs?(shape: readonly number[]): readonly number[]
}

/** The weights of a layer within another, and the entry { class_name, config } that it has in a file. */
export type InnerSlots = (layer: NestedLayer, entry: unknown) => readonly Slot[]

export interface Row {
  readonly className: string
  /** The kind of our layer. */
  readonly kind: string
  readonly fields: Readonly<Record<string, Field>>
  /** Options that we have one way only: the values (beside null) that a file may give. */
  readonly only?: Readonly<Record<string, readonly unknown[]>>
  /** Where options depend on the shapes of the inputs (without the batch), or on weights: the config to read. */
  prepare?(config: Config, at: ReadPlace): Config
  make(options: never): Layer<unknown>
  /** The weights of a layer with our config `own` and Keras's `config`, in Keras's order; `inner`: those of a layer within it. */
  slots?(own: Config, config: Config, inner: InnerSlots): readonly Slot[]
  /** The dialects that don't have the class. */
  readonly lacks?: readonly Dialect[]
  /** Whether a layer of ours is written as this class. Default: every one of its kind. */
  fits?(own: Config, dialect: Dialect): boolean
}

/** An option that both have, in the same form. */
export const same = (own: string, absent?: unknown): Field => ({
  own,
  read: (value) => value,
  write: (value) => value,
  ...(absent !== undefined && { absent: () => absent }),
})

/** An option that only we have. */
export const ownOnly = (own: string): Field => ({
  own,
  read() {},
  write(value, at) {
    if (value !== null) at.refuse(own)
  },
})

/** The slots of weights, each by its name, by ours and Keras's where they differ, or false if the layer doesn't have it. */
export const slotsOf =
  (
    list: (config: Config) => readonly (string | readonly [own: string, name: string] | false)[],
    inside = '',
  ) =>
  (own: Config): readonly Slot[] =>
    list(own)
      .filter((entry) => entry !== false)
      .map((entry, i) => {
        const [weight, name] = typeof entry === 'string' ? [entry, entry] : entry
        return { own: weight, name, path: `${inside}vars/${i}` }
      })

/** Options that say nothing of what a layer computes, or that are read elsewhere. */
const SILENT = new Set(
  (
    'name trainable dtype batch_input_shape batch_shape batch_size input_shape input_dtype input_dim sparse ragged seed ' +
    'implementation unroll time_major autocast fused virtual_batch_size synchronized input_length rank activity_regularizer ' +
    'lora_rank lora_alpha quantization_config renorm_clipping renorm_momentum cell supports_masking zero_output_for_mask'
  ).split(' '),
)

/** Whether a value of an unknown option switches nothing on. */
const isOff = (value: unknown): boolean => value === null || value === undefined || value === false

/** Our options of a layer's config. What can't be taken over is told to `at`. */
export function readFields({ fields, only = {} }: Row, config: Config, at: ReadPlace): Config {
  const options: Record<string, unknown> = {}
  for (const [key, values] of Object.entries(only)) {
    const value = own(config, key)
    if (!isOff(value) && !values.some((known) => String(known) === String(value)))
      at.refuse(`${key} ${show(value)}${values.length > 0 ? ` (only ${values.map(show).join(' or ')})` : ''}`)
  }
  for (const [key, field] of Object.entries(fields)) {
    const given = own(config, key)
    const value = given ?? field.absent?.(at.dialect)
    const read = value === undefined || value === null ? undefined : field.read(value, at)
    if (read !== undefined) options[field.own] = read
  }
  for (const [key, value] of Object.entries(config)) {
    const isKnown = key in fields || key in only || SILENT.has(key)
    if (!isKnown && !isOff(value)) at.note(`${at.layer}: ${key} isn't known and was left out`)
  }
  if (!isOff(own(config, 'activity_regularizer')))
    at.note(`${at.layer}: its activity_regularizer, a penalty on outputs, was left out`)
  return options
}

/** Keras's config of one of our layers. */
export function writeFields({ fields }: Row, own: Config, at: WritePlace): Config {
  const config: Record<string, unknown> = {}
  for (const [key, field] of Object.entries(fields)) {
    const value = field.write(own[field.own], at, own)
    if (value !== undefined) config[key] = value
  }
  return config
}

/** A key that an object has itself: files may name those of every object. */
export const own = (config: Config, key: string): unknown =>
  Object.hasOwn(config, key) ? config[key] : undefined
