// The moving average of the weights, as a value. Only a program that names it carries its code.
import * as abi from '../../assembly/abi.ts'
import { trainingModule } from '../binaries/training.ts'
import { bringing } from '../numerics/brought.ts'
import { orNull, readOptions, SHARE } from '../numerics/errors.ts'
import type { FloatArray } from '../numerics/tensor.ts'
import { f32, listed } from '../numerics/words.ts'
import type { Averaging, Regions } from '../plan/update.ts'
import type { Session } from '../session/session.ts'
import { STEPS } from './accumulation.ts'

/** Options of `movingAverage`. */
export interface MovingAverageOptions {
  /** The share of the average that each update keeps, in [0, 1). Default 0.99. */
  readonly momentum?: number
  /** The number of updates after which the weights take the average's values. Default null: never. */
  readonly overwriteFrequency?: number | null
}

/** A moving average, made by `movingAverage`. */
export interface MovingAverage extends Averaging {
  /** The averages of the weights that train, as copies; the weights themselves before the first update. @internal */
  weightsOf(session: Session): Record<string, FloatArray>
  readonly kind: 'movingAverage'
  readonly momentum: number
  readonly overwriteFrequency: number | null
}

/**
 * A moving average e of the weights w, for an optimizer's option `ema`: e = momentum e + (1 - momentum) w after every update, e = w
 * after the first. Keras puts it into the weights after `fit`; here `model.setWeights(model.emaWeights())` does that.
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { dense, movingAverage, sequential, sgd } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1, useBias: false, kernelInitializer: 'zeros' })] })
 * const optimizer = sgd({ learningRate: 1, ema: movingAverage({ momentum: 0.75 }) })
 * model.compile({ optimizer, loss: 'meanAbsoluteError' }) // the gradient is -x
 * const averageAfter = (x) => model.trainStep([[x]], [100]) && model.emaWeights()['dense_1/kernel'].data[0]
 * // of the weights 1, 5 and 9
 * console.log(averageAfter(1), averageAfter(4), averageAfter(4)) // 1 2 3.75
 * ```
 */
export function movingAverage(options: MovingAverageOptions = {}): MovingAverage {
  const kind = 'movingAverage'
  const { momentum, overwriteFrequency } = readOptions(kind, options, {
    momentum: [SHARE, 0.99],
    overwriteFrequency: [orNull(STEPS), null],
  })
  return bringing({ kind, momentum, overwriteFrequency } as const, {
    average: ({ base, slot }: Regions, address: number, offset: number, elements: number) => ({
      code: abi.OP_EMA,
      operands: listed({
        [abi.EMA_ARENA]: base,
        [abi.EMA_W]: address,
        [abi.EMA_E]: slot('ema') + offset,
        [abi.EMA_COUNT]: elements,
        [abi.EMA_M]: f32(momentum),
        [abi.EMA_EVERY]: overwriteFrequency ?? 0,
      }),
      module: trainingModule,
    }),
    weightsOf(session: Session) {
      const slots = session.optimizerSlots()
      const averages = session.weights.flatMap((spec): [string, FloatArray][] => {
        const slot = slots.get(`ema/${spec.name}`)
        if (!slot) return []
        const isFirst = session.engine.stepCount === 0
        return [[spec.name, isFirst ? session.readWeight(spec) : { shape: spec.shape, data: slot.slice() }]]
      })
      return Object.fromEntries(averages)
    },
  })
}
