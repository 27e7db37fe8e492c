// Learning rates set from outside: by a log that stands still, or by a function of the epoch. Both set the optimizer's
// rate before its schedule.
import type { Callback, FitParams } from '../model/callbacks.ts'
import { check, checkOptions, NON_NEGATIVE } from '../numerics/errors.ts'
import { checkNatural, Monitor, type MonitorOptions } from './monitor.ts'

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

/** Reduces the learning rate when `monitor` no longer improves. @throws LanegradError as `earlyStopping` does */
export function reduceLROnPlateau(options: ReduceLROnPlateauOptions = {}): Callback {
  const where = 'reduceLROnPlateau'
  const keys = ['monitor', 'mode', 'minDelta', 'factor', 'patience', 'cooldown', 'minLearningRate']
  checkOptions(where, options, keys)
  const { factor = 0.1, patience = 10, cooldown = 0, minLearningRate = 0 } = options
  check(factor > 0 && factor < 1, `${where}: factor`, 'a number between 0 and 1', factor)
  checkNatural(`${where}: patience`, patience)
  checkNatural(`${where}: cooldown`, cooldown)
  check(
    NON_NEGATIVE.holds(minLearningRate),
    `${where}: minLearningRate`,
    NON_NEGATIVE.expected,
    minLearningRate,
  )
  const monitor = new Monitor(where, { ...options, minDelta: options.minDelta ?? 1e-4 })
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
      check(NON_NEGATIVE.holds(rate), `${where}: the rate of epoch ${epoch}`, NON_NEGATIVE.expected, rate)
      run.learningRate = rate
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
