// The form of a metric that is computed from predictions, and of the data it gets of each batch.

import type { Arena } from '../runtime/arena.ts'
import type { Executable } from '../runtime/program.ts'
import type { HostReading } from './program.ts'

/** One batch of one output, as a metric sees it. The arrays are views: copy those that must last. */
export interface MetricBatch {
  /** Class ids, one for each row (Int32Array), or numbers [rows, columns], row after row. */
  readonly truth: Float32Array | Int32Array
  /** [rows, columns], row after row. Columns are the last axis; rows all others. */
  readonly prediction: Float32Array
  readonly rows: number
  readonly columns: number
  /** One for each row; null: all are 1. Rows that a mask or the loss's ignoreIndex leaves out weigh 0. */
  readonly weights: Float32Array | null
  /** The function that makes probabilities of the prediction, where the loss says that it holds logits. */
  readonly logits?: 'sigmoid' | 'softmax' | null
}

/** A metric computed from every batch's predictions; `S` is what it keeps over an epoch. Write your own as a plain object. */
export interface Metric<S = unknown> {
  /** Its key in logs and history (`val_<name>`, `<output>_<name>`). */
  readonly name: string
  /** true: takes class ids as targets; false: a target for every element; by default either. */
  readonly labels?: boolean
  /** The state before the first batch of an epoch. */
  start(): S
  /** Takes a batch into the state. */
  add(state: S, batch: MetricBatch): void
  /** One number, or several: logged as `<name>_0`, `<name>_1` ... Called after any number of batches. */
  result(state: S): number | readonly number[]
}

/** The same as a tally takes it: it finds what it is shown in the arena. */
export interface HostMetric {
  start(): unknown
  add(state: unknown, engine: Arena, code: Executable, reading: HostReading): void
  /** The numbers, each with what is put behind the metric's key. */
  results(state: unknown): readonly (readonly [suffix: string, value: number])[]
}
