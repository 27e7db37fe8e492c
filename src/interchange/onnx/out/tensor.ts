// Values of an ONNX graph that is being built, and moves of constants, which are made at once instead of by nodes.
import type { Dims } from './trace.ts'

/** A number that an attribute holds as a float. */
export interface Float {
  readonly float: number
}
export type Attribute = number | string | Float | readonly number[] | readonly string[] | readonly Float[]
export type Attributes = Readonly<Record<string, Attribute>>

export interface Node {
  readonly op: string
  /** null: left out. */
  readonly inputs: readonly (Tensor | null)[]
  readonly outputs: readonly Tensor[]
  readonly attributes: Attributes
  /** The layer it belongs to. */
  readonly label: string
}

/** The numbers of a constant: float32, int32, or int64 (which shapes are). */
export type Numbers = Float32Array | Int32Array | BigInt64Array

export interface Tensor {
  readonly id: number
  readonly dims: Dims
  /** One of DATA_TYPE. */
  readonly type: number
  /** The node that makes it; null: an input or a constant. */
  readonly node: Node | null
  readonly data: Numbers | null
  /** The name it gets if no other has it. */
  readonly hint: string
}

export const sameDims = (a: Dims, b: Dims): boolean => a.length === b.length && a.every((n, i) => n === b[i])

/** The elements of constant `data` of `shape` that strides from `start` on reach, as an array of `counts`. */
export function strided(
  data: Numbers,
  counts: readonly number[],
  strides: readonly number[],
  start = 0,
): Numbers {
  const length = counts.reduce((product, n) => product * n, 1)
  const made = new (data.constructor as new (length: number) => Numbers)(length)
  const at = counts.map(() => 0)
  let from = start
  for (let i = 0; i < length; i++) {
    made[i] = data[from]
    for (let axis = counts.length - 1; axis >= 0; axis--) {
      from += strides[axis]
      if (++at[axis] < counts[axis]) break
      from -= strides[axis] * counts[axis]
      at[axis] = 0
    }
  }
  return made
}

export function stridesOf(dims: Dims): number[] {
  const strides: number[] = []
  let stride = 1
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    strides[axis] = stride
    stride *= dims[axis]
  }
  return strides
}
