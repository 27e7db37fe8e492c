// The state that training changes, as numbers: weights, gradients, the optimizer's slots and the counters. Enters: a model.
// Leaves: a copy that another model of the same network and optimizer can take over.
import { HEADER_BYTES } from '../../assembly/abi.ts'
import type { Model } from '../model/model.ts'
import type { Values } from '../network/network.ts'

export interface Snapshot {
  readonly numbers: Float32Array
  readonly stepCount: number
  readonly momentumProduct: number
  readonly epochCount: number
  readonly drawCount: number
  readonly microCount: number
  readonly microWeights: readonly number[]
  readonly learningRate: number
}

// The header isn't copied, since it holds addresses and table indices of its own instance.
const numbersOf = ({ session }: Pick<Model, 'session'>) => session.state().subarray(HEADER_BYTES / 4)

export function snapshot<V extends Values>(model: Model<V>): Snapshot {
  const { engine, epochCount, drawCount, microCount, microWeights, learningRate } = model.session
  const { stepCount, momentumProduct } = engine
  return {
    ...{
      numbers: numbersOf(model).slice(),
      stepCount,
      momentumProduct,
      epochCount,
      drawCount,
      microCount,
      microWeights,
      learningRate,
    },
  }
}

/** Takes over a state. Nothing changes if the layout differs because the model was compiled anew meanwhile. */
export function restore<V extends Values>(model: Model<V>, state: Snapshot): void {
  const numbers = numbersOf(model)
  if (numbers.length !== state.numbers.length) return
  numbers.set(state.numbers)
  const { session } = model
  session.engine.stepCount = state.stepCount
  session.engine.momentumProduct = state.momentumProduct
  session.epochCount = state.epochCount
  session.drawCount = state.drawCount
  session.microCount = state.microCount
  session.microWeights = state.microWeights
  session.learningRate = state.learningRate
}
