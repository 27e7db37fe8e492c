// The windows of convolutions and pooling, which move over the axes between batch and channels. Enters: sizes and options of 1 to
// 3 axes. Leaves: the number of windows and the place of the first, for three axes, as kernels take them.
import type { Writer } from '../graph/kernel.ts'
import { reshape } from '../graph/ops/moves.ts'
import type { Value } from '../graph/value.ts'
import { fail } from '../numerics/errors.ts'
import type { Shape } from '../numerics/shape.ts'

/** 'same': output size ceil(n / stride), the odd cell behind; 'causal': all before; or [before, after] of each axis. */
export type Padding = 'valid' | 'same' | 'causal' | readonly (readonly [before: number, after: number])[]

/** `sizes` of three axes; the first may be missing. */
export const three = (sizes: Shape, fill = 1): number[] => [
  ...new Array(3 - sizes.length).fill(fill),
  ...sizes,
]

/** x [batch, ..., channels] with three axes between these. */
export const widened = (g: Writer, x: Value): Value =>
  reshape(g, x, [x.shape[0], ...three(x.shape.slice(1, -1)), x.shape[x.shape.length - 1]])

/**
 * Windows that span `spans` cells of axes of `sizes` cells: their number, and the cells of padding before the first.
 * @throws LanegradError if the padded input is too small for one
 */
export function windowsOf(
  sizes: Shape,
  spans: Shape,
  strides: Shape,
  padding: Padding,
): { readonly counts: readonly number[]; readonly before: readonly number[] } {
  const before: number[] = []
  const counts = sizes.map((size, i) => {
    const [stride, span] = [strides[i], spans[i]]
    const same = Math.max((Math.ceil(size / stride) - 1) * stride + span - size, 0)
    const [first, last] =
      padding === 'valid'
        ? [0, 0]
        : padding === 'same'
          ? [Math.floor(same / 2), Math.ceil(same / 2)]
          : padding === 'causal'
            ? [span - 1, 0]
            : padding[i]
    const padded = first + size + last
    if (padded < span)
      fail(`a window spans ${span} cells of axis ${i + 1}; the input (with padding) has ${padded}`)
    before.push(first)
    return Math.floor((padded - span) / stride) + 1
  })
  return { counts, before }
}
