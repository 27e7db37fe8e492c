// Stops when a log no longer improves, with the rules of Keras's EarlyStopping.
import type { Callback, FitParams } from '../model/model.ts'
import { BOOLEAN, FINITE, NATURAL, orNull, readOptions } from '../numerics/errors.ts'
import type { FloatArray } from '../numerics/tensor.ts'
import { Monitor, type MonitorOptions, monitorReaders } from './monitor.ts'

/** Options of `earlyStopping`. */
export interface EarlyStoppingOptions extends MonitorOptions {
  /** Epochs without improvement after which training ends. Default 0: the first such epoch ends it. */
  readonly patience?: number
  /** Patience runs on until the log beats this value. */
  readonly baseline?: number
  /** At the end, the weights of the best epoch are put back. Default false: those of the last step stay. */
  readonly restoreBestWeights?: boolean
  /** Earlier epochs (from 0) are not looked at. Default 0. */
  readonly startFromEpoch?: number
}

/**
 * Ends training once `monitor` has not improved for `patience` epochs.
 * @throws LanegradError on bad options; at the first epoch's end where `monitor` is no log.
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
