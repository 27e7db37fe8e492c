// The seam between the half that makes programs and the half that runs them: a program for one kind of run and one size of
// batch, and how its results become logs.
import type { Shape } from '../numerics/shape.ts'
import type { Executable } from '../runtime/program.ts'

/**
 * `predict`: outputs. The others need targets: `evaluate`: loss and metrics; `train`: with gradients and the update;
 * `gradients`: with the gradients alone, those of the inputs too if asked.
 */
export type Mode = 'predict' | 'evaluate' | 'train' | 'gradients'

/** The work that a program is made for; no two programs of a session answer the same request. */
export interface Request {
  readonly mode: Mode
  readonly rows: number
  /** The shape of each input without the batch axis. */
  readonly shapes: readonly Shape[]
  /** The shape of each output's sample weights without the batch axis; null where there are none. */
  readonly weightShapes: readonly (Shape | null)[]
  /** Layers behave as in training (of `predict` alone; the other modes say it themselves). */
  readonly training: boolean
  /** The gradients of the inputs are wanted. */
  readonly inputGradients: boolean
}

/** How a mean is turned into the number that is logged. */
export type Finish = 'sqrt' | 'exp' | 'complement'
export type Finishes = { [F in Finish]: (mean: number) => number }

/** A mean over rows or elements. Addresses are bytes. */
export interface MeanReading {
  readonly key: string
  /** The batch's sum. */
  readonly value: number
  /** Its second element times `terms` is the number of terms; 0: `terms` is. */
  readonly counter: number
  readonly terms: number
  readonly finish?: Finish
}

/** The loss of an output: the batch's mean or sum, without the output's weight in the total, as Keras logs it. */
export interface LossReading {
  readonly key: string
  readonly value: number
  /** Its second element is the rows it is the mean of; 0: all. */
  readonly counter: number
  /** A sum: that of several batches is their sum. */
  readonly isSum: boolean
  /** In the total. */
  readonly weight: number
}

/** A reading before its addresses are known: results of the graph by name; '' for 0. */
export type Named<R, K extends keyof R> = Omit<R, K> & { readonly [P in K]: string }
export type MeanPlace = Named<MeanReading, 'value' | 'counter'>
export type LossPlace = Named<LossReading, 'value' | 'counter'>

/** A metric that JavaScript computes from the predictions of an output: the session has it under this key. */
export interface HostReading {
  readonly key: string
  readonly output: string
  /** Whether sample weights count. */
  readonly isWeighted: boolean
  readonly ignoreIndex: number | null
  readonly logits: 'sigmoid' | 'softmax' | null
}

/** Where a program leaves what is logged. */
export interface Readings {
  /** Address of the total. */
  readonly loss: number
  readonly losses: readonly LossReading[]
  readonly metrics: readonly (MeanReading | HostReading)[]
  /** The losses of the outputs are logged too. */
  readonly isSplit: boolean
}

export interface Program<C extends Executable = Executable> {
  readonly request: Request
  readonly code: C
  readonly readings: Readings
  /** Where each group of losses has the number of its rows that count; 0: all rows of the batch, null: it is a sum. */
  readonly groups: readonly (number | null)[]
}
