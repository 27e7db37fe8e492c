// A model's inputs, targets and outputs, as data: how calls' arguments are checked and where they belong.
import type { DType, RowShape } from '../numerics/shape.ts'
import type { Structure } from '../rows/rows.ts'

/** The ids of an input go from 0 to count - 1. */
export interface IdLimit {
  /** The layer that takes them. */
  readonly layer: string
  readonly count: number
}

/** An input. */
export interface InputFeed {
  readonly name: string
  readonly shape: RowShape
  readonly dtype: DType
  readonly limit: IdLimit | null
}

/** The target of an output, as its loss takes it. */
export interface TargetFeed {
  /** The output. */
  readonly name: string
  /** The shape of a target's row. */
  readonly shape: RowShape
  readonly dtype: DType
  /** The loss, for messages. */
  readonly loss: string
  /** Least and largest number a target may be. */
  readonly low: number
  readonly high: number
  /** Elements of the prediction's last axis: labels are below it. */
  readonly columns: number
  /** The label of rows that don't count; null: all do. */
  readonly ignoreIndex: number | null
}

export interface Feeds {
  readonly inputs: readonly InputFeed[]
  readonly inputStructure: Structure
  /** Names. */
  readonly outputs: readonly string[]
  readonly outputStructure: Structure
  /** An empty list where there is no loss yet. */
  readonly targets: readonly TargetFeed[]
  /** The rows of every batch, where layers keep states for them. */
  readonly rows?: number
}
