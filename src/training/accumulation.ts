// Gradients of several steps for one update, as a value. Only a program that names it carries what adds them up.
import { OP_ACCUMULATE } from '../../assembly/abi.ts'
import { trainingModule } from '../binaries/training.ts'
import { bringing } from '../numerics/brought.ts'
import { must, number, POSITIVE_INTEGER } from '../numerics/errors.ts'
import { type Accumulating, gradientSlot, type UpdateInstruction } from '../plan/update.ts'

/** How many steps make an update: what `accumulateGradients` gives. */
export interface Accumulation extends Accumulating {
  readonly kind: 'accumulateGradients'
  readonly steps: number
}

/** As the header counts them. */
export const STEPS = /*#__PURE__*/ number(
  POSITIVE_INTEGER.expected,
  (steps) => POSITIVE_INTEGER.holds(steps) && steps < 0x1000000,
)

/** The sum of a group's gradients; the first has the name that is shown. */
const accumulatorSlot = (group: number): string => `accumulator${group || ''}`

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

const accumulating: Pick<Accumulation, 'slotNames' | 'accumulate'> = {
  slotNames: (groups) => [...upTo(groups).map(accumulatorSlot), ...upTo(groups).slice(1).map(gradientSlot)],
  accumulate(groups, { base, gradientsStart, elements, slot }) {
    const instruction = (group: number, isLast: boolean): UpdateInstruction => ({
      code: OP_ACCUMULATE,
      operands: [
        base,
        isLast || group === 0 ? gradientsStart : slot(gradientSlot(group)),
        slot(accumulatorSlot(group)),
        elements,
        isLast ? Math.min(group, 1) + 1 : 0,
      ],
      module: trainingModule,
    })
    return [
      ...upTo(groups).map((group) => instruction(group, false)),
      ...upTo(groups).map((group) => instruction(group, true)),
    ]
  },
}

/**
 * Updates only at every `steps` steps, by what one step on all their batches together would: batches count as their rows,
 * masks and ignored labels say, a loss that is a sum adds up, penalties count once. The memory is that of the small
 * batch. What is random or belongs to the batch alone (dropout, batch normalization's statistics) stays each step's own. An
 * epoch of `fit` ends with an update by the steps that are left; after an abort, and after `trainStep`, they wait for the
 * next ones. A value of an optimizer's option `accumulation`.
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
