// Ends training when a log no longer improves, by the rules of Keras's EarlyStopping.
import type { Callback, FitParams } from '../model/model.ts'
import { BOOLEAN, FINITE, NATURAL, orNull, readOptions } from '../numerics/errors.ts'
import type { FloatArray } from '../numerics/tensor.ts'
import { Monitor, type MonitorOptions, monitorReaders } from './monitor.ts'

/** Options of `earlyStopping`. */
export interface EarlyStoppingOptions extends MonitorOptions {
  /** Number of epochs without improvement after which training ends. Default 0: the first such epoch ends it. */
  readonly patience?: number
  /** A value that the log must beat: epochs that don't count as epochs without improvement. Default null: none. */
  readonly baseline?: number
  /** Whether the weights of the best epoch are restored at the end. Default false: those of the last step stay. */
  readonly restoreBestWeights?: boolean
  /** The first epoch (from 0) whose log is watched. Default 0. */
  readonly startFromEpoch?: number
}

/**
 * Ends training once `monitor` hasn't improved for `patience` epochs.
 * @throws LanegradError on bad options; in `fit`, at the end of the first epoch, if no log is called `monitor`
 * @example
 * ```js
 * import { dense, earlyStopping, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1 })] })
 * model.compile({ optimizer: 'adam', loss: 'meanSquaredError' })
 * const callbacks = [earlyStopping({ monitor: 'loss', patience: 2, minDelta: 1000 })]
 * const history = await model.fit([[1], [2]], [1, 2], { epochs: 100, callbacks })
 * console.log(history.loss.length) // 3
 * ```
 */
export function earlyStopping(options: EarlyStoppingOptions = {}): Callback {
  const where = 'earlyStopping'
  const read = readOptions(where, options, {
    ...monitorReaders(),
    patience: [NATURAL, 0],
    baseline: [orNull(FINITE), null],
    restoreBestWeights: [BOOLEAN, false],
    startFromEpoch: [NATURAL, 0],
  })
  const { patience, baseline, restoreBestWeights, startFromEpoch } = read
  const monitor = new Monitor(where, read)
  let run: FitParams | null = null
  let wait = 0
  let weights: Record<string, FloatArray> | null = null
  return {
    onTrainBegin(params) {
      run = params
      monitor.begin(params)
      wait = 0
      weights = null
    },
    onEpochEnd(epoch, logs) {
      const value = monitor.read(epoch, logs)
      if (value === null || epoch < startFromEpoch) return
      const improves = monitor.improves(value)
      if (restoreBestWeights && run && (improves || !weights)) weights = run.model.getWeights()
      wait++
      if (improves) {
        if (baseline === null || monitor.isBetter(value, baseline)) wait = 0
      } else if (wait >= patience && epoch > 0) {
        run?.stop(`earlyStopping: ${monitor} hasn't been better than ${monitor.best} for ${wait} epochs`)
      }
    },
    onTrainEnd() {
      if (weights) run?.model.setWeights(weights)
      weights = null
    },
  }
}
