// The options of the methods of a model in a worker.
import type { FitOptions } from '../model/model.ts'

/** How data goes to a worker. Arrays over a SharedArrayBuffer are always shared. */
export interface Transfer {
  /**
   * Whether the arrays of the data move without being copied, so that they are empty here afterwards. Batches from an iterable
   * don't move, nor does data that is refused for its options, shapes or labels (data with NaN does). Default false: copies.
   */
  readonly transfer?: boolean
}

/** Options of `fit` of a model in a worker. */
export interface RemoteFitOptions extends FitOptions, Transfer {
  /**
   * The least time between two calls of the hooks of batches, in ms; training continues meanwhile. 0: they are called for every
   * batch and awaited, as the hooks of epochs, tests and the run always are. Default 50.
   */
  readonly progressMs?: number
}

/** Options of a method, and of the way its data goes to the worker. */
export type Remote<O> = O & Transfer
