// The accumulation of gradients over several steps, as a value. Only a program that names it carries its code.
import * as abi from '../../assembly/abi.ts'
import { trainingModule } from '../binaries/training.ts'
import { bringing } from '../numerics/brought.ts'
import { must, number, POSITIVE_INTEGER } from '../numerics/errors.ts'
import { listed } from '../numerics/words.ts'
import { type Accumulating, gradientSlot, type UpdateInstruction } from '../plan/update.ts'
import type { Sums } from '../session/session.ts'
import { sums } from '../session/sums.ts'
import { lossGroups } from './groups.ts'

/** The number of steps that make an update, made by `accumulateGradients`. */
export interface Accumulation extends Accumulating {
  readonly kind: 'accumulateGradients'
  readonly steps: number
  /** @internal */
  readonly sums: Sums
  /** @internal */
  readonly lossGroups: typeof lossGroups
}

/** The rule for numbers of steps, which the header counts. */
export const STEPS = /*#__PURE__*/ number(
  POSITIVE_INTEGER.expected,
  (steps) => POSITIVE_INTEGER.holds(steps) && steps < 0x1000000,
)

/** The slot of the sum of a group's gradients; the first has no number. */
const accumulatorSlot = (group: number): string => `accumulator${group || ''}`

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

const accumulating: Pick<Accumulation, 'slotNames' | 'accumulate' | 'sums' | 'lossGroups'> = {
  sums,
  lossGroups,
  slotNames: (groups) => [...upTo(groups).map(accumulatorSlot), ...upTo(groups).slice(1).map(gradientSlot)],
  accumulate(groups, { base, gradientsStart, elements, slot }) {
    const instruction = (group: number, isLast: boolean): UpdateInstruction => ({
      code: abi.OP_ACCUMULATE,
      operands: listed({
        [abi.ACCUMULATE_ARENA]: base,
        [abi.ACCUMULATE_G]: isLast || group === 0 ? gradientsStart : slot(gradientSlot(group)),
        [abi.ACCUMULATE_SUM]: slot(accumulatorSlot(group)),
        [abi.ACCUMULATE_COUNT]: elements,
        [abi.ACCUMULATE_WHAT]: isLast ? Math.min(group, 1) + 1 : 0,
      }),
      module: trainingModule,
    })
    return [
      ...upTo(groups).map((group) => instruction(group, false)),
      ...upTo(groups).map((group) => instruction(group, true)),
    ]
  },
}

/**
 * Accumulation of gradients, for an optimizer's option `accumulation`: every `steps` steps make one update, the same as a single
 * step on all their batches would make. Batches count by their rows, masks and ignored labels; a loss that is a sum adds up;
 * penalties count once. The memory is that of the small batch. Dropout and the statistics of batch normalization are those of each
 * step. An epoch of `fit` ends with an update by the steps that are left; after an abort, and after `trainStep`, they wait for
 * the next ones.
 * @throws LanegradError unless the number is a positive integer below 2^24
 * @example
 * ```js
 * import { accumulateGradients, dense, sequential, sgd } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1, useBias: false, kernelInitializer: 'zeros' })] })
 * const optimizer = sgd({ learningRate: 1, accumulation: accumulateGradients(2) })
 * model.compile({ optimizer, loss: 'meanAbsoluteError' }) // the gradient is -x
 * const weightAfter = (x) => model.trainStep([[x]], [100]) && model.predict([[1]]).data[0]
 * console.log(weightAfter(1), weightAfter(3)) // 0 2
 * ```
 */
export const accumulateGradients = (steps: number): Accumulation =>
  bringing(
    { kind: 'accumulateGradients', steps: must(STEPS, steps, 'accumulateGradients: steps') } as const,
    accumulating,
  )
