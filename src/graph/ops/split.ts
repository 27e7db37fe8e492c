// An array cut into equal parts along an axis: the reverse of concatenation, and its gradient. One operation with many
// outputs, so that the gradient by the whole is written once, where as many slices would each write an array of its size.
import { fail } from '../../numerics/errors.ts'
import { shapeText } from '../../numerics/shape.ts'
import { type Kernel, outputsOf, type Writer } from '../kernel.ts'
import type { Value } from '../value.ts'
import { expand } from './broadcast.ts'
import { concatenate } from './moves.ts'
import { copyPart, partOffset } from './strides.ts'

export const splitKernel: Kernel<{ readonly axis: number; readonly parts: number }> = {
  name: 'split',
  shapes([{ shape }], { axis, parts }) {
    if (!(shape[axis] > 0) || shape[axis] % parts !== 0)
      fail(
        `split of axis ${axis} of ${shapeText(shape)} into ${parts}: its length must be a multiple of ${parts}`,
      )
    const part = shape.map((n, i) => (i === axis ? n / parts : n))
    return [part, ...new Array<typeof part>(parts - 1).fill(part)]
  },
  instructions: ({ inputs: [x], output, extras, attributes: { axis } }, at) =>
    outputsOf({ output, extras }).map((part, i) => {
      const from = at.of(x) + partOffset(x.shape, axis, i * part.shape[axis])
      return copyPart(at.of(part), from, part.shape, part.shape, x.shape)
    }),
  gradients(g, { output: { shape }, attributes: { axis } }, dys) {
    const parts = dys.map((dy) => dy ?? expand(g, g.constant(0), shape))
    return [concatenate(g, parts, axis)]
  },
}

/** The `parts` equal parts of x along `axis`, in order. */
export const split = (g: Writer, x: Value, axis: number, parts: number): readonly Value[] =>
  parts === 1 ? [x] : g.add(splitKernel, [x], { axis, parts })
