// Learning rates set from outside: by a log that stands still, or by a function of the epoch. Both set the optimizer's
// rate before its schedule.
import type { Callback, FitParams } from '../model/callbacks.ts'
import {
  check,
  checkOptions,
  must,
  NATURAL,
  NON_NEGATIVE,
  type Rule,
  readOptions,
  SHARE,
} from '../numerics/errors.ts'
import { Monitor, type MonitorOptions, monitorReaders } from './monitor.ts'

/** Options of `reduceLROnPlateau`. */
export interface ReduceLROnPlateauOptions extends MonitorOptions {
  /** The rate is multiplied by this, in (0, 1). Default 0.1. */
  readonly factor?: number
  /** Epochs without improvement after which the rate is reduced. Default 10. */
  readonly patience?: number
  /** Default 1e-4. */
  readonly minDelta?: number
  /** Epochs after a reduction in which none is counted. Default 0. */
  readonly cooldown?: number
  /** Default 0. */
  readonly minLearningRate?: number
}

const FACTOR: Rule<number> = {
  expected: 'a number between 0 and 1',
  holds: (value): value is number => SHARE.holds(value) && value > 0,
}

/** Reduces the learning rate when `monitor` no longer improves. @throws LanegradError as `earlyStopping` does */
export function reduceLROnPlateau(options: ReduceLROnPlateauOptions = {}): Callback {
  const where = 'reduceLROnPlateau'
  const read = readOptions(where, options, {
    ...monitorReaders(1e-4),
    factor: [FACTOR, 0.1],
    patience: [NATURAL, 10],
    cooldown: [NATURAL, 0],
    minLearningRate: [NON_NEGATIVE, 0],
  })
  const { factor, patience, cooldown, minLearningRate } = read
  const monitor = new Monitor(where, read)
  let run: FitParams | null = null
  let wait = 0
  let cooling = 0 // epochs left
  return {
    onTrainBegin(params) {
      run = params
      monitor.begin(params)
      wait = 0
      cooling = 0
    },
    onEpochEnd(epoch, logs) {
      const value = monitor.read(epoch, logs)
      if (value === null || !run) return
      if (cooling > 0) {
        cooling--
        wait = 0
      }
      if (monitor.improves(value)) wait = 0
      else if (cooling === 0 && ++wait >= patience && run.learningRate > minLearningRate) {
        run.learningRate = Math.max(run.learningRate * factor, minLearningRate)
        cooling = cooldown
        wait = 0
      }
    },
  }
}

/** Options of `learningRateScheduler`. */
export interface LearningRateSchedulerOptions {
  /** The rate for an epoch (from 0), given the rate so far. */
  readonly schedule: (epoch: number, rate: number) => number
}

/** Sets the learning rate when an epoch begins. */
export function learningRateScheduler(options: LearningRateSchedulerOptions): Callback {
  const where = 'learningRateScheduler'
  checkOptions(where, options, ['schedule'])
  const { schedule } = options
  check(typeof schedule === 'function', `${where}: schedule`, 'a function', schedule)
  let run: FitParams | null = null
  return {
    onTrainBegin(params) {
      run = params
    },
    onEpochBegin(epoch) {
      if (!run) return
      const rate = schedule(epoch, run.learningRate)
      run.learningRate = must(NON_NEGATIVE, rate, `${where}: the rate of epoch ${epoch}`)
    },
  }
}

/** Ends training after a batch whose loss is NaN or infinite. */
export function terminateOnNaN(): Callback {
  let run: FitParams | null = null
  return {
    onTrainBegin(params) {
      run = params
    },
    onBatchEnd(batch, { loss }) {
      if (!Number.isFinite(loss)) run?.stop(`terminateOnNaN: the loss is ${loss} after batch ${batch}`)
    },
  }
}
