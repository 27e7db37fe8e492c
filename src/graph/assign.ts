// What a layer keeps from run to run: moving statistics, states. Only layers that keep something carry this.
import { fail } from '../numerics/errors.ts'
import { sameShape, shapeText } from '../numerics/shape.ts'
import type { Value } from './value.ts'
import type { GraphWriter } from './writer.ts'

/** Sets a weight to `next` after the run; it may be one that an earlier call of the run has left (`moved`). */
export function assign({ assigned, moved }: GraphWriter, weight: Value, next: Value): void {
  const name = weight.leaf?.kind === 'parameter' ? weight.leaf.name : moved.get(weight)
  if (name === undefined || !sameShape(weight.shape, next.shape))
    fail(
      `assign: expected a weight and a value of its shape; got ${shapeText(weight.shape)} and ${shapeText(next.shape)}`,
    )
  assigned.set(name, next)
}
