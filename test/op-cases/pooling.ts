// The cases of pooling and resizing: one, two and three axes; windows that overlap, leave gaps, are cut on either side
// or cover the whole input; channels below, at and above a vector. Plain data.
import type { Shape } from '../../src/numerics/shape.ts'
import { averagePool, maxPool, type PoolAttributes, resize } from '../../src/operations/pooling.ts'
import { type Domain, kernelCase, of, text } from './case.ts'

type Triple = readonly [number, number, number]

interface PoolCase {
  readonly shape: Shape
  readonly pool: Triple
  readonly strides: Triple
  readonly before?: Triple
  readonly windows: Triple
}

const poolCases: readonly PoolCase[] = [
  { shape: [2, 1, 4, 6, 5], pool: [1, 2, 2], strides: [1, 2, 2], windows: [1, 2, 3] },
  { shape: [1, 2, 5, 7, 4], pool: [1, 2, 2], strides: [1, 2, 2], windows: [2, 2, 3] },
  { shape: [1, 1, 1, 9, 1], pool: [1, 1, 3], strides: [1, 1, 2], before: [0, 0, 1], windows: [1, 1, 5] },
  { shape: [2, 1, 1, 5, 8], pool: [1, 1, 2], strides: [1, 1, 3], windows: [1, 1, 2] },
  { shape: [2, 1, 5, 7, 3], pool: [1, 3, 3], strides: [1, 1, 1], before: [0, 1, 1], windows: [1, 5, 7] },
  { shape: [1, 1, 6, 5, 17], pool: [1, 3, 2], strides: [1, 2, 2], before: [0, 0, 0], windows: [1, 3, 3] },
  { shape: [2, 4, 3, 5, 2], pool: [2, 3, 2], strides: [2, 1, 1], before: [1, 1, 0], windows: [3, 3, 5] },
  { shape: [2, 3, 3, 3, 4], pool: [3, 3, 3], strides: [3, 3, 3], windows: [1, 1, 1] },
  { shape: [1, 1, 1, 1, 1], pool: [1, 1, 1], strides: [1, 1, 1], windows: [1, 1, 1] },
]

/** A number of its own for each multiple of 1 / 64, so that a step of a difference changes no maximum. */
const APART: Domain = { from: -1, to: 1, via: (x) => Math.round(x * 4096) / 4096 }

const pooling = ([maxPool, averagePool] as const).flatMap((kernel) =>
  poolCases.map(({ shape, pool, strides, before = [0, 0, 0], windows }) => {
    const attributes: PoolAttributes = { pool, strides, before, windows }
    const detail = `${text(shape)} by ${text(pool)} strides ${text(strides)} before ${text(before)}`
    return kernelCase(kernel, detail, [of(shape, kernel === maxPool ? APART : undefined)], attributes, [0])
  }),
)

const sizes: readonly (readonly [shape: Shape, axis: number, size: number])[] = [
  [[2, 3, 5], 1, 6],
  [[5], 0, 15],
  [[2, 4, 3, 17], 1, 12],
  [[3, 5, 4], 1, 7],
  [[3, 7, 2], 1, 3],
  [[2, 1, 3], 1, 4],
  [[2, 4, 3], 1, 1],
]
const resizing = sizes.flatMap(([shape, axis, size]) =>
  ([false, true] as const).flatMap((linear) =>
    (['halfPixel', 'start', 'corners'] as const).map((grid) => {
      const detail = `${text(shape)} axis ${axis} to ${size} ${linear ? 'linear' : 'nearest'} ${grid}`
      return kernelCase(resize, detail, [of(shape)], { axis, size, linear, grid }, [0])
    }),
  ),
)

export const poolingCases = [...pooling, ...resizing]
