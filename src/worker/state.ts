// The state that training changes, as numbers: weights, gradients, the optimizer's slots and the counters. Enters: a model.
// Leaves: a copy that another model of the same network and optimizer can take over.
import type { Model } from '../model/model.ts'
import type { Values } from '../network/network.ts'
import { elementCount } from '../numerics/tensor.ts'

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

/**
 * Views of the numbers of every weight, of its gradient and of the optimizer's slots, in the model's order. A model and its copy
 * may keep them at different addresses: a part lies among the weights of the whole model, its copy lies alone.
 */
function viewsOf({ session }: Pick<Model, 'session'>): Float32Array[] {
  const { engine, layout, weights } = session
  return weights.flatMap(({ name, shape }) => {
    const gradient = layout.gradients.get(name)
    const addresses = [layout.parameters.get(name) ?? 0]
    if (gradient !== undefined)
      for (let at = gradient; at < layout.stateEnd; at += layout.trainable.bytes) addresses.push(at)
    return addresses.map((address) => engine.floatView(address, elementCount(shape)))
  })
}

const lengthOf = (views: readonly Float32Array[]): number =>
  views.reduce((sum, { length }) => sum + length, 0)

export function snapshot<V extends Values>(model: Model<V>): Snapshot {
  const { engine, epochCount, drawCount, microCount, microWeights, learningRate } = model.session
  const { stepCount, momentumProduct } = engine
  const views = viewsOf(model)
  const numbers = new Float32Array(lengthOf(views))
  let end = 0
  for (const view of views) {
    numbers.set(view, end)
    end += view.length
  }
  return {
    ...{
      numbers,
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

/** Takes over a state. Nothing changes if it has other arrays because the model was compiled anew meanwhile. */
export function restore<V extends Values>(model: Model<V>, state: Snapshot): void {
  const views = viewsOf(model)
  if (lengthOf(views) !== state.numbers.length) return
  let end = 0
  for (const view of views) {
    const start = end
    end += view.length
    view.set(state.numbers.subarray(start, end))
  }
  const { session } = model
  session.engine.stepCount = state.stepCount
  session.engine.momentumProduct = state.momentumProduct
  session.epochCount = state.epochCount
  session.drawCount = state.drawCount
  session.microCount = state.microCount
  session.microWeights = state.microWeights
  session.learningRate = state.learningRate
}
