// Callbacks that set the learning rate, the base of the optimizer's schedule: when a log no longer improves, or by a function
// of the epoch.
import type { Callback, FitParams } from '../model/model.ts'
import {
  check,
  checkOptions,
  isFunction,
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
  /** Factor of the learning rate, in (0, 1). Default 0.1. */
  readonly factor?: number
  /** Number of epochs without improvement after which the rate is reduced. Default 10. */
  readonly patience?: number
  /** The least improvement that counts, exclusive. Default 1e-4. */
  readonly minDelta?: number
  /** Number of epochs after a reduction that don't count. Default 0. */
  readonly cooldown?: number
  /** The least learning rate. Default 0. */
  readonly minLearningRate?: number
}

const FACTOR: Rule<number> = {
  expected: 'a number between 0 and 1',
  holds: (value): value is number => SHARE.holds(value) && value > 0,
}

/**
 * Multiplies the learning rate by `factor` when `monitor` hasn't improved for `patience` epochs.
 * @throws LanegradError as `earlyStopping` does
 * @example
 * ```js
 * import { dense, reduceLROnPlateau, sequential, sgd } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
 * model.compile({ optimizer: sgd({ learningRate: 0.1 }), loss: 'meanSquaredError' })
 * const plateau = reduceLROnPlateau({ monitor: 'loss', patience: 2, factor: 0.5, minDelta: 1000 }) // nothing improves by 1000
 * await model.fit([[1], [2]], [1, 2], { epochs: 5, callbacks: [plateau] })
 * console.log(model.learningRate) // 0.025
 * ```
 */
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
  /** Returns the learning rate of an epoch (from 0), given the rate so far. */
  readonly schedule: (epoch: number, rate: number) => number
}

/**
 * Sets the learning rate when an epoch begins; it is the base of the optimizer's schedule, if there is one.
 * @throws LanegradError if `schedule` isn't a function; in `fit`, unless it returns a finite number >= 0
 * @example
 * ```js
 * import { dense, learningRateScheduler, sequential, sgd } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
 * model.compile({ optimizer: sgd({ learningRate: 0.1 }), loss: 'meanSquaredError' })
 * const halving = learningRateScheduler({ schedule: (epoch, rate) => (epoch < 2 ? rate : rate / 2) })
 * await model.fit([[1], [2]], [1, 2], { epochs: 4, callbacks: [halving] })
 * console.log(model.learningRate) // 0.025
 * ```
 */
export function learningRateScheduler(options: LearningRateSchedulerOptions): Callback {
  const where = 'learningRateScheduler'
  const { schedule } = checkOptions(where, options, ['schedule'])
  check(isFunction(schedule), `${where}: schedule`, 'a function', schedule)
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

/**
 * Ends training after a batch whose loss (the mean over the epoch so far) is NaN or infinite.
 * @example
 * ```js
 * import { dense, sequential, sgd, terminateOnNaN } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
 * model.compile({ optimizer: sgd({ learningRate: 1e30 }), loss: 'meanSquaredError' }) // diverges at once
 * let why = null
 * const callbacks = [terminateOnNaN(), { onTrainEnd: (logs, reason) => void (why = reason) }]
 * const history = await model.fit([[1], [2]], [3, 4], { epochs: 100, callbacks })
 * console.log(history.loss.length, why) // 2 terminateOnNaN: the loss is Infinity after batch 0
 * ```
 */
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
