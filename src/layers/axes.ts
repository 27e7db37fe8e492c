// Axes of samples as options of layers, and values whose chosen axes lie last.
import * as ops from '../graph/operations.ts'
import type { Value } from '../graph/value.ts'
import type { GraphWriter } from '../graph/writer.ts'
import { check, mismatch } from '../numerics/errors.ts'
import type { Shape } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'

/** One axis of samples, or several: the batch, 0, is none; negative ones count from the end. */
export type Axes = number | readonly number[]

/** The list of axes; -1 stays what it is, whatever the rank. */
export function readAxes(axes: Axes, what: string): readonly number[] {
  const list = Array.isArray(axes) ? [...axes] : [axes]
  const fits = list.length > 0 && list.every((axis) => Number.isSafeInteger(axis) && axis !== 0)
  check(fits, what, 'an integer other than 0 (the batch) or a list of such', axes)
  return list
}

/** The axes of x that `axes` names, in ascending order. @throws LanegradError if x lacks one, or one is there twice */
export function axesOf({ shape }: Value, axes: readonly number[]): number[] {
  const rank = shape.length
  const found = axes.map((axis) => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b)
  const fits = found.every((axis, i) => axis > 0 && axis < rank && axis !== found[i - 1])
  if (!fits) mismatch(`different axes of an input of rank ${rank}`, `[${axes}]`)
  return found
}

/** Whether `axes`, in ascending order, are the last ones of x. */
const areLast = ({ shape }: Value, axes: readonly number[]): boolean => axes[0] + axes.length === shape.length

/** x [...others, the product of `axes`]: its axes in this order, merged; and the way back for values of that shape. */
export function axesLast(
  g: GraphWriter,
  x: Value,
  axes: readonly number[],
): { readonly rows: Value; back(y: Value): Value } {
  if (axes.length === 1 && areLast(x, axes)) return { rows: x, back: (y) => y }
  const order = [...x.shape.keys()].filter((axis) => !axes.includes(axis))
  const others: Shape = order.map((axis) => x.shape[axis])
  order.push(...axes)
  const moved = ops.permute(g, x, order)
  return {
    rows: ops.reshape(g, moved, [...others, elementCount(axes.map((axis) => x.shape[axis]))]),
    back: (y) =>
      ops.permute(
        g,
        ops.reshape(g, y, moved.shape),
        order.map((_, axis) => order.indexOf(axis)),
      ),
  }
}
