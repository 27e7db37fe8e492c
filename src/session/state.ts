// The state with which training is resumed: the optimizer's arrays and counters, in tensors and a text of a file.
import { object, parseText } from '../formats/json.ts'
import { isFloat32 } from '../numerics/brands.ts'
import { check, FINITE, fail, must, NON_NEGATIVE } from '../numerics/errors.ts'
import { type Shape, sameShape, shapeText } from '../numerics/shape.ts'
import type { NamedArray } from '../numerics/tensor.ts'
import type { Session } from './session.ts'

export type Tensors = ReadonlyMap<string, NamedArray>

/** The names of the optimizer's tensors begin with it; no layer has that name. */
export const SLOT_PREFIX = 'optimizer/'
/** Counts are whole float64 numbers; at this one they stay. */
const MOST_STEPS = Number.MAX_SAFE_INTEGER + 1

/** The data of a file's tensor, which must be float32 and have this shape. @throws LanegradError */
export function floatsOf(tensors: Tensors, name: string, shape: Shape): Float32Array {
  const { data, shape: given } = tensors.get(name) ?? fail(`the file lacks ${name}`)
  if (!isFloat32(data) || !sameShape(given, shape))
    fail(
      `${name} must be float32 ${shapeText(shape)}; got ${isFloat32(data) ? 'float32' : 'int32'} ${shapeText(given)}`,
    )
  return data
}

/** Adds the optimizer's arrays, and gives its counters. */
export function saveState(session: Session, tensors: Map<string, NamedArray>): string {
  const { engine, epochCount, microCount, microWeights, learningRate } = session
  const { stepCount, momentumProduct } = engine
  for (const [name, data] of session.optimizerSlots())
    tensors.set(SLOT_PREFIX + name, { shape: [data.length], data: data.slice() })
  return JSON.stringify({
    ...{ stepCount, momentumProduct, epochCount, microCount, learningRate },
    ...(microCount > 0 && { microWeights }),
  })
}

/** For a session that is new. @throws LanegradError where the text or the tensors don't fit it */
export function loadState(session: Session, text: string, tensors: Tensors): void {
  const state = object('optimizerState', parseText('optimizerState', text))
  const { stepCount, momentumProduct, epochCount, microCount = 0, microWeights } = state
  const learningRate = must(
    NON_NEGATIVE,
    state.learningRate ?? session.learningRate,
    'optimizerState: learningRate',
  )
  const momentum = must(FINITE, momentumProduct, 'optimizerState: momentumProduct')
  for (const count of [stepCount, epochCount, microCount])
    check(
      Number.isInteger(count) && (count as number) >= 0 && (count as number) <= MOST_STEPS,
      'optimizerState: a count',
      'an integer from 0 to 2^53',
      count,
    )
  const known = session.microWeights
  const fits = Array.isArray(microWeights) && microWeights.length === known.length
  const isPending = microCount !== 0
  check(
    !isPending || (fits && microWeights.every((weight) => NON_NEGATIVE.holds(weight))),
    'optimizerState: microWeights',
    `a list of ${known.length} numbers >= 0`,
    microWeights,
  )
  for (const [name, slot] of session.optimizerSlots()) {
    slot.set(floatsOf(tensors, SLOT_PREFIX + name, [slot.length]))
  }
  session.engine.stepCount = stepCount as number
  session.engine.momentumProduct = momentum
  session.epochCount = epochCount as number
  session.microCount = microCount as number
  if (isPending) session.microWeights = microWeights as number[]
  session.learningRate = learningRate
}
