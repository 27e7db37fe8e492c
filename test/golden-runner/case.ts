// The golden format, nn-golden/1, as types, and reading a file of it. test/golden/generate.py states what every
// field means. Enters: the text of a <group>.json file. Leaves: its cases. Of the JSON only the frame is checked,
// so that another file is told from a golden one; what a case asks of a layer, the library checks itself.

/** Row-major numbers; `data.length` is the product of `shape`, batch axis first. */
export interface GoldenTensor {
  readonly shape: readonly number[]
  readonly data: readonly number[]
  readonly dtype?: 'int32'
}

/** `tol`: greatest absolute difference of an element. */
export interface ExpectedTensor extends GoldenTensor {
  readonly tol: number
}

/** By name of the input, the output, or `layer/param`. */
export type Tensors = Readonly<Record<string, GoldenTensor>>
export type ExpectedTensors = Readonly<Record<string, ExpectedTensor>>

/** A snake_case type name and its snake_case parameters. */
export interface Typed {
  readonly type: string
  readonly [parameter: string]: unknown
}

export interface GoldenInput {
  readonly name: string
  /** Without the batch axis; null: any length. */
  readonly shape: readonly (number | null)[]
  readonly dtype: 'float32' | 'int32'
}

export interface GoldenLayer {
  readonly name: string
  readonly type: string
  /** Inputs of the model or earlier layers. */
  readonly inputs: readonly string[]
  readonly config: Readonly<Record<string, unknown>>
  readonly trainable?: boolean
}

export interface GoldenModel {
  readonly inputs: readonly GoldenInput[]
  readonly layers: readonly GoldenLayer[]
  readonly outputs: readonly string[]
}

export interface GoldenLoss extends Typed {
  readonly output: string
  /** Default 1. */
  readonly weight?: number
}

export interface GoldenOptimizer extends Typed {
  readonly learning_rate: number
  readonly clip?: { readonly type: string; readonly value: number } | null
  readonly schedule?: Typed | null
}

export interface GoldenBatch {
  readonly x: Tensors
  readonly y: Tensors
  /** Sample weights by output. */
  readonly w?: Tensors
}

export interface Expected {
  readonly forward: ExpectedTensors
  readonly forward_eval?: ExpectedTensors
  readonly loss: number
  readonly grads: ExpectedTensors
  readonly grad_inputs: ExpectedTensors
  /** These, and what follows, only where steps > 0: one number per step. */
  readonly losses?: readonly number[]
  readonly losses_f32?: readonly number[]
  readonly lrs?: readonly number[]
  readonly grad_norms?: readonly number[]
  readonly params_after?: ExpectedTensors
  readonly state_after?: ExpectedTensors
  readonly output_after?: ExpectedTensors
}

export interface GoldenCase {
  readonly id: string
  readonly model: GoldenModel
  readonly losses: readonly GoldenLoss[]
  /** null where steps is 0. */
  readonly optimizer: GoldenOptimizer | null
  readonly steps: number
  readonly params: Tensors
  readonly state: Tensors
  /** Step s trains on batches[s % batches.length]. */
  readonly batches: readonly GoldenBatch[]
  readonly expected: Expected
}

const FORMAT = 'nn-golden/1'

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function isCase(value: unknown): value is GoldenCase {
  if (!isRecord(value)) return false
  const { id, model, losses, optimizer, steps, params, state, batches, expected } = value
  return (
    typeof id === 'string' &&
    isRecord(model) &&
    [model.inputs, model.layers, model.outputs, losses, batches].every(Array.isArray) &&
    (optimizer === null || isRecord(optimizer)) &&
    Number.isSafeInteger(steps) &&
    [params, state, expected].every(isRecord)
  )
}

/** The cases of a golden file. @throws Error saying what about the text is wrong. */
export function readCases(text: string): readonly GoldenCase[] {
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch (error) {
    throw new Error(`broken JSON: ${error instanceof Error ? error.message : error}`)
  }
  if (!isRecord(data) || data.format !== FORMAT) throw new Error(`expected "format": "${FORMAT}"`)
  const { cases } = data
  if (!Array.isArray(cases)) throw new Error('expected "cases", a list')
  const bad = cases.findIndex((entry) => !isCase(entry))
  if (bad >= 0) throw new Error(`case ${bad} is not of the format ${FORMAT}`)
  return cases
}
