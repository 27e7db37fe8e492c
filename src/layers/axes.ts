// Axes of samples as options of layers, and values whose chosen axes lie last.
import * as ops from '../graph/operations.ts'
import type { Value } from '../graph/value.ts'
import type { GraphWriter } from '../graph/writer.ts'
import { check, mismatch, show } from '../numerics/errors.ts'
import type { Shape } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'

/** One axis of samples, or several: the batch, 0, is none; negative ones count from the end. */
export type Axes = number | readonly number[]

export function readAxes(axes: Axes, what: string): Axes {
  const list = Array.isArray(axes) ? [...axes] : [axes]
  const fits = list.length > 0 && list.every((axis) => Number.isSafeInteger(axis) && axis !== 0)
  check(fits, what, 'an integer other than 0 (the batch) or a list of such', axes)
  return Array.isArray(axes) ? list : axes
}

/** The axes of x that `axes` names, in ascending order. @throws LanegradError if x lacks one, or one is there twice */
export function axesOf({ shape }: Value, axes: Axes): number[] {
  const rank = shape.length
  const found = [axes].flat().map((axis) => (axis < 0 ? axis + rank : axis))
  found.sort((a, b) => a - b)
  const fits = found.every((axis, i) => axis > 0 && axis < rank && axis !== found[i - 1])
  if (!fits) mismatch(`different axes of an input of rank ${rank}`, show(axes))
  return found
}

/** A value whose chosen axes lie last. */
export interface AxesLast {
  /** [...others, the product of the axes]: these in ascending order, merged. */
  readonly rows: Value
  /** The sizes of the axes. */
  readonly sizes: Shape
  /** A value of the shape of `rows` with its axes where they came from. */
  back(y: Value): Value
}

/** x with `axes` last. @throws LanegradError as axesOf */
export function axesLast(g: GraphWriter, x: Value, axes: Axes): AxesLast {
  const chosen = axesOf(x, axes)
  const sizes = chosen.map((axis) => x.shape[axis])
  if (chosen.length === 1 && chosen[0] === x.shape.length - 1) return { rows: x, sizes, back: (y) => y }
  const others = [...x.shape.keys()].filter((axis) => !chosen.includes(axis))
  const order = [...others, ...chosen]
  const moved = ops.permute(g, x, order)
  return {
    rows: ops.reshape(g, moved, [...others.map((axis) => x.shape[axis]), elementCount(sizes)]),
    sizes,
    back: (y) =>
      ops.permute(
        g,
        ops.reshape(g, y, moved.shape),
        order.map((_, axis) => order.indexOf(axis)),
      ),
  }
}
