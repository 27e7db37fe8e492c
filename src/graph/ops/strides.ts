// How operations walk arrays that are broadcast, cut or permuted: strides in elements, merged to as few axes as there can
// be, and the copy instruction that walks two arrays so.
import * as abi from '../../../assembly/abi.ts'
import type { Shape } from '../../numerics/shape.ts'
import { elementCount } from '../../numerics/tensor.ts'
import { listed } from '../../numerics/words.ts'
import type { Instruction } from '../kernel.ts'

/** Strides in elements of a contiguous array of `shape`, seen under the larger `over` shape: 0 where broadcast. */
export function stridesOf(shape: Shape, over: Shape = shape): number[] {
  const strides = over.map(() => 0)
  let stride = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1) strides[i + over.length - shape.length] = stride
    stride *= shape[i]
  }
  return strides
}

/**
 * The operands WALK_*, which tell a kernel how to walk two arrays. Axes of size 1 are dropped, neighbours that both arrays walk as
 * one are merged.
 */
export function walkWords(shape: Shape, arrays: readonly (readonly number[])[]): number[] {
  const axes: { size: number; readonly strides: number[] }[] = []
  shape.forEach((size, i) => {
    if (size === 1) return
    const strides = arrays.map((array) => array[i])
    const before = axes[axes.length - 1]
    if (before?.strides.every((stride, j) => stride === strides[j] * size)) {
      axes[axes.length - 1] = { size: before.size * size, strides }
    } else axes.push({ size, strides })
  })
  const inner = axes.pop() ?? { size: 1, strides: arrays.map(() => 1) }
  return listed({
    [abi.WALK_INNER]: inner.size,
    [abi.WALK_FIRST_STEP]: inner.strides, // and WALK_SECOND_STEP
    [abi.WALK_OUTER]: elementCount(axes.map(({ size }) => size)),
    [abi.WALK_RANK]: axes.length,
    // WALK_AXIS_SIZE, WALK_AXIS_FIRST and WALK_AXIS_SECOND of each
    [abi.WALK_AXES]: axes.flatMap(({ size, strides }) => [size, ...strides]),
  })
}

/** Copies `shape` elements between arrays with these strides. */
export const copyOf = (
  dst: number,
  src: number,
  shape: Shape,
  dstStrides: readonly number[],
  srcStrides: readonly number[],
): Instruction => ({
  code: abi.OP_COPY,
  operands: listed({
    [abi.COPY_DST]: dst,
    [abi.COPY_SRC]: src,
    [abi.COPY_WALK]: walkWords(shape, [dstStrides, srcStrides]),
  }),
})

/** Copies the whole of `part` from an array of one shape to another's. */
export const copyPart = (
  dst: number,
  src: number,
  part: Shape,
  dstShape: Shape,
  srcShape: Shape,
): Instruction => copyOf(dst, src, part, stridesOf(dstShape), stridesOf(srcShape))

/** Bytes from the start of an array of `shape` to index `start` of `axis`. */
export const partOffset = (shape: Shape, axis: number, start: number): number =>
  start * elementCount(shape.slice(axis + 1)) * 4
