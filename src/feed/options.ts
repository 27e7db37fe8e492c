// What the methods of Model that take data may be told besides.

import {
  asGiven,
  BOOLEAN,
  isObject,
  must,
  NATURAL,
  oneOf,
  POSITIVE_INTEGER,
  type Read,
  type Rule,
  SHARE,
} from '../numerics/errors.ts'
import type { Batches, Data, Dataset } from '../rows/rows.ts'
import { type Callback, readCallbacks } from './callbacks.ts'
import type { ClassWeight } from './class-weight.ts'

/** What everything that takes data can be told. */
export interface NaNOption {
  /** Take NaN in the data as it is. Default false: it is an error. */
  readonly allowNaN?: boolean
}

/** Options of what looks at one batch. */
export interface StepOptions extends NaNOption {
  /**
   * One weight per row of y, or per position: its shape is the first axes of y's. For several outputs a list or a record
   * by name.
   */
  readonly sampleWeight?: Data
}

/** Options of `trainStep`. */
export interface TrainStepOptions extends StepOptions {
  /**
   * Weight of each class (`{ 0: 1, 1: 5 }`, those left out weigh 1), multiplied into the sample weights by each row's
   * label, one-hot row or rounded single unit; for several outputs by output name. Validation takes none.
   */
  readonly classWeight?: ClassWeight
}

/** Options of `fit`. */
export interface FitOptions<M> extends TrainStepOptions {
  /** Passes over the data; with `initialEpoch`, the number of the last one. Default 1. */
  readonly epochs?: number
  /** Where counting starts: training goes on to `epochs`. Default 0. */
  readonly initialEpoch?: number
  /**
   * Rows of a training step. Default 32. Not for batches from an iterable, nor are `shuffle`, `validationSplit` and
   * `sampleWeight`.
   */
  readonly batchSize?: number
  /** Batches from an iterable that make an epoch. Default: all. */
  readonly stepsPerEpoch?: number
  /** A new order of the rows in every epoch, given by the model's seed. Default true. */
  readonly shuffle?: boolean
  /** Share of the rows, the last ones, kept for validation. Default 0. */
  readonly validationSplit?: number
  /** What to evaluate after every epoch; logs then have `val_loss` and so on. */
  readonly validationData?: readonly [x: Data, y: Data, sampleWeight?: Data] | Dataset | Batches
  /** Rows validated at a time. Default: batchSize. */
  readonly validationBatchSize?: number
  /** Batches of an iterable validationData to take. Default: all. */
  readonly validationSteps?: number
  /** Epochs from one validation to the next. Default 1. */
  readonly validationFreq?: number
  /** 1: one line per epoch on the console. Default 0. */
  readonly verbose?: 0 | 1
  /** Objects of hooks: `earlyStopping()` and so on, or `{ onEpochEnd(epoch, logs) { ... } }`; one, or a list. */
  readonly callbacks?: Callback<M> | readonly Callback<M>[]
  /** Stops training within one step; `fit` then resolves with the epochs that were whole. */
  readonly signal?: AbortSignal | null
}

/** Options of `evaluate`. */
export interface EvaluateOptions extends StepOptions {
  /** Rows at a time. Default 256. */
  readonly batchSize?: number
  /** Batches of an iterable to take. Default: all. */
  readonly steps?: number
}

/** Options of `predict`. */
export interface PredictOptions extends NaNOption {
  /** Rows at a time. Default 256; fewer rows at the end are exact, not padded. */
  readonly batchSize?: number
  /**
   * Layers behave as in training. What they draw at random (dropout, noise) is new in every batch and at every call, as
   * Monte Carlo dropout needs it; the same seed and the same calls give the same bits. Training isn't touched: its draws don't
   * shift. A loaded model begins anew. Default false.
   */
  readonly training?: boolean
}

/** Of any realm. */
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
const ALLOW_NAN = [BOOLEAN, false] as const
const SAMPLE_WEIGHT = [asGiven<Data | undefined>, undefined] as const
const CLASS_WEIGHT = [asGiven<ClassWeight | undefined>, undefined] as const

/** How the options of each method are read. */
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
    verbose: [oneOf(0, 1), 0],
    callbacks: [readCallbacks<never>, []],
    signal: [SIGNAL, null],
    sampleWeight: SAMPLE_WEIGHT,
    classWeight: CLASS_WEIGHT,
    allowNaN: ALLOW_NAN,
  },
  evaluate: {
    batchSize: [POSITIVE_INTEGER, 256],
    steps: COUNT,
    sampleWeight: SAMPLE_WEIGHT,
    allowNaN: ALLOW_NAN,
  },
  predict: { batchSize: [POSITIVE_INTEGER, 256], training: [BOOLEAN, false], allowNaN: ALLOW_NAN },
  trainStep: { sampleWeight: SAMPLE_WEIGHT, classWeight: CLASS_WEIGHT, allowNaN: ALLOW_NAN },
  gradients: { inputs: [BOOLEAN, false], sampleWeight: SAMPLE_WEIGHT, allowNaN: ALLOW_NAN },
} as const

/** Options of `fit` as they are read. */
export type FitRead = Read<typeof OPTIONS.fit>
