// The masks of a graph's values: which steps of a sequence count. A graph has none until a layer brings these.
import { sameShape } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'
import * as ops from './operations.ts'
import type { Value } from './value.ts'
import type { GraphWriter, LossMask, Masks } from './writer.ts'

/** Whether a value has the steps of a mask [batch, steps], and further axes. */
export const hasSteps = ({ shape }: Value, mask: Value): boolean =>
  shape.length > mask.shape.length && mask.shape.every((n, axis) => n === shape[axis])

/** The masks of `g`, which has them from here on. */
export function masksOf(g: GraphWriter): Masks {
  g.masks ??= new ValueMasks(g)
  return g.masks
}

class ValueMasks implements Masks {
  private readonly g: GraphWriter
  private readonly known = new Map<Value, Value>()
  /** The values whose masks the call that is being written has set. */
  private readonly own = new Set<Value>()

  constructor(g: GraphWriter) {
    this.g = g
  }

  of(value: Value): Value | null {
    return this.known.get(value) ?? null
  }

  set(value: Value, mask: Value | null): void {
    this.own.add(value)
    if (mask) this.known.set(value, mask)
    else this.known.delete(value)
  }

  handOn(inputs: readonly Value[], outputs: readonly Value[]): void {
    const [first, ...rest] = new Set(inputs.flatMap((input) => this.known.get(input) ?? []))
    if (first && rest.every(({ shape }) => sameShape(shape, first.shape))) {
      const mask = rest.reduce((product, other) => ops.times(this.g, product, other), first)
      for (const value of outputs) this.inherit(value, mask)
    }
    this.own.clear()
  }

  inherit(value: Value, mask: Value): void {
    if (!this.own.has(value) && hasSteps(value, mask)) this.set(value, mask)
  }

  ofLoss(prediction: Value): LossMask | null {
    const { g } = this
    const steps = this.known.get(prediction)
    if (!steps || steps.shape.length >= prediction.shape.length) return null
    const under = (value: Value, rank: number) =>
      ops.reshape(g, value, [
        ...value.shape,
        ...new Array<number>(Math.max(0, rank - value.shape.length)).fill(1),
      ])
    const times = (weights: Value | null, mask = steps) =>
      weights ? ops.times(g, under(mask, weights.shape.length), under(weights, 2)) : mask
    return {
      steps,
      times,
      mean(weights, kept, all) {
        const columns = prediction.shape[prediction.shape.length - 1]
        const rows = all ? ops.slice(g, all, 0, 1, 1) : g.constant(elementCount(prediction.shape) / columns)
        const counted = ops.binary(g, 'maximum', ops.slice(g, kept, 0, 1, 1), g.constant(1))
        return times(weights, ops.times(g, steps, ops.binary(g, 'divide', rows, counted)))
      },
    }
  }
}
