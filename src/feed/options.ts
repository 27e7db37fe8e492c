// The options of the methods of Model that take data.

import {
  asGiven,
  BOOLEAN,
  isObject,
  must,
  NATURAL,
  POSITIVE,
  POSITIVE_INTEGER,
  type Read,
  type Rule,
  SHARE,
} from '../numerics/errors.ts'
import type { Batches, Data, Dataset } from '../rows/rows.ts'
import { type Callback, readCallbacks } from './callbacks.ts'
import { type ClassWeight, readClassWeight } from './class-weight.ts'
import { readVerbose, type Verbose } from './progress.ts'

/** The option of the methods that go over many batches. */
export interface VerboseOption {
  /**
   * 1: a line on the console for each epoch, evaluation or prediction; while it lasts, one that a terminal rewrites, elsewhere one
   * after 1, 2, 4, 8 ... seconds.
   * `progress()` (from `lanegrad/node` for terminals, from `lanegrad/plot` for pages): how far it is, as it runs. Default 0.
   */
  readonly verbose?: Verbose
}

/** The option of every method that takes data. */
export interface NaNOption {
  /** Whether NaN in the data is allowed. Default false: it is an error. */
  readonly allowNaN?: boolean
}

/** Options of methods that take one batch. */
export interface StepOptions extends NaNOption {
  /**
   * A weight for each row of y, or for each position: its shape is that of y's first axes. For several outputs a list or a
   * record by name. Default: none.
   */
  readonly sampleWeight?: Data
}

/** Options of `applyGradients`. */
export interface ApplyOptions extends NaNOption {
  /**
   * The weight of the gradients where they are accumulated: the number of rows that they are the mean of. A loss that is a
   * sum ignores it. Default 1: all count alike.
   */
  readonly weight?: number
}

/** Options of `trainStep`. */
export interface TrainStepOptions extends StepOptions {
  /**
   * `classWeights({ 0: 1, 1: 5 })`: the weight of each row's class multiplies its sample weight. Validation ignores it. Default
   * null: none.
   */
  readonly classWeight?: ClassWeight | null
}

/** Options of `fit`. */
export interface FitOptions<M> extends TrainStepOptions, VerboseOption {
  /** Number of passes over the data; with `initialEpoch`, the number of the last one. Default 1. */
  readonly epochs?: number
  /** The number of the first epoch; training continues to `epochs`. Default 0. */
  readonly initialEpoch?: number
  /**
   * Rows of a training step. Default 32. Refused for batches from an iterable, as are `shuffle`, `validationSplit` and
   * `sampleWeight`.
   */
  readonly batchSize?: number
  /** Number of batches from an iterable that make an epoch. Default: all. */
  readonly stepsPerEpoch?: number
  /** Whether every epoch has a new order of the rows, which the model's seed decides. Default true. */
  readonly shuffle?: boolean
  /** The share of the rows, the last ones, that is kept for validation. Default 0. */
  readonly validationSplit?: number
  /** Data to evaluate after every epoch; logs then have `val_loss` and so on. Default: none. */
  readonly validationData?: readonly [x: Data, y: Data, sampleWeight?: Data] | Dataset | Batches
  /** Rows of a batch in validation. Default: batchSize. */
  readonly validationBatchSize?: number
  /** Number of batches to take from an iterable validationData. Default: all. */
  readonly validationSteps?: number
  /** Number of epochs from one validation to the next. Default 1. */
  readonly validationFreq?: number
  /** Objects of hooks: `earlyStopping()` and so on, or `{ onEpochEnd(epoch, logs) { ... } }`; one, or a list. */
  readonly callbacks?: Callback<M> | readonly Callback<M>[]
  /** A signal that stops training within one step; `fit` then resolves with the epochs that were whole. Default: none. */
  readonly signal?: AbortSignal | null
}

/** Options of `evaluate`. */
export interface EvaluateOptions extends StepOptions, VerboseOption {
  /** Rows of a batch. Default 256. */
  readonly batchSize?: number
  /** Number of batches to take from an iterable. Default: all. */
  readonly steps?: number
}

/** Options of `predict`. */
export interface PredictOptions extends NaNOption, VerboseOption {
  /** Rows of a batch; fewer rows at the end are exact, not padded. Default 256. */
  readonly batchSize?: number
  /**
   * Whether layers behave as in training. Their random numbers (dropout, noise) are new in every batch and at every call, as
   * Monte Carlo dropout needs it; the same seed and the same calls give the same bits. The random numbers of training don't
   * shift. A loaded model begins anew. Default false.
   */
  readonly training?: boolean
}

/** The rule for a signal, of any realm. */
const SIGNAL: Rule<AbortSignal | null> = {
  expected: 'an AbortSignal (controller.signal)',
  holds: (value): value is AbortSignal | null =>
    value === null ||
    (isObject(value) &&
      'aborted' in value &&
      'addEventListener' in value &&
      typeof value.addEventListener === 'function'),
}

const readCount = (value: number | undefined, what: string): number | undefined =>
  value === undefined ? value : must(POSITIVE_INTEGER, value, what)

const COUNT = [readCount, undefined] as const
const VERBOSE = [readVerbose, 0] as const
const ALLOW_NAN = [BOOLEAN, false] as const
const SAMPLE_WEIGHT = [asGiven<Data | undefined>, undefined] as const
const CLASS_WEIGHT = [readClassWeight, null] as const

/** The readers of the options of each method. */
export const OPTIONS = {
  fit: {
    epochs: [POSITIVE_INTEGER, 1],
    initialEpoch: [NATURAL, 0],
    batchSize: [POSITIVE_INTEGER, 32],
    stepsPerEpoch: COUNT,
    shuffle: [BOOLEAN, true],
    validationSplit: [SHARE, 0],
    validationData: [asGiven<unknown>, null],
    validationBatchSize: COUNT,
    validationSteps: COUNT,
    validationFreq: [POSITIVE_INTEGER, 1],
    verbose: VERBOSE,
    callbacks: [readCallbacks<never>, []],
    signal: [SIGNAL, null],
    sampleWeight: SAMPLE_WEIGHT,
    classWeight: CLASS_WEIGHT,
    allowNaN: ALLOW_NAN,
  },
  evaluate: {
    batchSize: [POSITIVE_INTEGER, 256],
    steps: COUNT,
    verbose: VERBOSE,
    sampleWeight: SAMPLE_WEIGHT,
    allowNaN: ALLOW_NAN,
  },
  predict: {
    batchSize: [POSITIVE_INTEGER, 256],
    training: [BOOLEAN, false],
    verbose: VERBOSE,
    allowNaN: ALLOW_NAN,
  },
  trainStep: { sampleWeight: SAMPLE_WEIGHT, classWeight: CLASS_WEIGHT, allowNaN: ALLOW_NAN },
  applyGradients: { weight: [POSITIVE, 1], allowNaN: ALLOW_NAN },
  gradients: { inputs: [BOOLEAN, false], sampleWeight: SAMPLE_WEIGHT, allowNaN: ALLOW_NAN },
} as const

/** Options of `fit` as they are read. */
export type FitRead = Read<typeof OPTIONS.fit>
