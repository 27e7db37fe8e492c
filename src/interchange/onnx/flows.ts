// The values of an ONNX graph that hang on its inputs, and the items that make them: what tape.ts writes and assemble.ts reads.
import type { Layer } from '../../layers/layer.ts'
import type { Constant } from './arrays.ts'

export const BATCH = 67_108_859

/** The product of sizes, which may hold BATCH. */
export const countOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1)

/** A value that hangs on the inputs. */
export interface Flow {
  readonly isConstant: false
  /** Sizes of the axes in ONNX's order. */
  readonly shape: readonly number[]
  /** The axes as they are stored. */
  readonly order: readonly number[]
  /** The number of the stored value. */
  readonly stored: number
  /** A flattened value, and the one that it was before: what follows may take that with its axes where they are. */
  readonly flattened?: Flow | undefined
  /** The array that it is before training, if it hangs on weights alone. */
  readonly known?: Constant | undefined
}

export type Given = Flow | Constant

/** A size in words. */
export const countText = (n: number): string =>
  n === BATCH ? 'batch' : n > 0 && n % BATCH === 0 ? `${n / BATCH}*batch` : String(n)

/** Whether all of an array is one number, as biases and scales of nets that haven't trained are: exporters merge such arrays. */
export const isEven = ({ data }: Constant): boolean =>
  data.length > 1 && Array.prototype.every.call(data, (v) => v === data[0])

const usual = new WeakMap<object, boolean>()

/** Whether a constant is a weight that trains: an initializer of floats, no mask, and no number of a formula. */
export function isWeight({ type, weight, data, shape }: Constant): boolean {
  if (weight === null || type !== 'float' || shape.some((n) => n > 0 && n % BATCH === 0)) return false
  if (countOf(shape) < 2 && /::|const|^\d*$/i.test(weight)) return false
  const known = usual.get(data)
  if (known !== undefined) return known
  let isUsual = true
  for (let i = 0; i < data.length && isUsual; i++) isUsual = Math.abs(data[i]) < 1e8
  usual.set(data, isUsual)
  return isUsual
}

/** What a step does beside its inputs, as `operations` takes it. */
export interface StepItem {
  readonly kind: 'step'
  readonly step: { readonly op: string; readonly [attribute: string]: unknown }
  readonly inputs: readonly number[]
  readonly output: number
  /** The array of a weight or of a constant that is too large for a config. */
  readonly weight?: {
    readonly data: ArrayLike<number>
    readonly shape: readonly number[]
    readonly name: string | null
  }
  /** The name of the operator that it comes from. */
  readonly from: string
}

/** Options that a layer gets when all others are known. */
export interface LayerNaming {
  readonly name?: string
  readonly tiedTo?: string
  /** Weights of steps that others hold: their full names by their own. */
  readonly ties?: ReadonlyMap<string, string>
  /** The number of inputs behind those of the steps, of layers that hold such weights. */
  readonly holders?: number
}

export interface LayerItem {
  readonly kind: 'layer'
  /** The layer by its name. */
  readonly make: (options: LayerNaming) => Layer<unknown>
  readonly inputs: readonly number[]
  readonly outputs: readonly number[]
  /** Arrays of its weights by name. */
  readonly weights: Readonly<Record<string, ArrayLike<number>>>
  /** Where it comes from: a layer that is called again with the same key is the same. */
  readonly key: string
  readonly hint: string
  /** The initializer that its first weight is. */
  readonly of: string | null
  /** The key of a layer whose table this one has as its kernel, transposed. */
  readonly tied: string | null
}

export type Item = StepItem | LayerItem

/** A stored value. */
export interface Stored {
  readonly shape: readonly number[]
  readonly isInt32: boolean
  /** All of its numbers are whole. */
  readonly isWhole: boolean
  /** The value is the output of this item; null: an input of the model. */
  readonly item: Item | null
}

/** A layer's name: that of its weight in PyTorch (`layer1.0.conv1.weight`), or that of its operator. */
export function nameOf(weight: string | null, operator: string): string {
  const given = /^([^:/]+)\.[^.:/]+$/.exec(weight ?? '')?.[1] ?? operator.replace(/\/?[A-Za-z]+(_\d+)?$/, '')
  return given
    .replace(/^\/|\/$/g, '')
    .replaceAll(/[^\w.-]+/g, '.')
    .slice(0, 100)
}
