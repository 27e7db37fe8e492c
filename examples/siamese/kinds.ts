// Kinds of pictures to learn from: seven digits are few, so the upper half of each digit and the lower half of each other make
// further kinds, 49 in all. Some may look like an unseen digit (an 8 above a 4 is nearly a 9), but no picture of one is ever used. No
// picture is shown twice alike: each is shifted and warped a little.
//
// In:  pictures as rows of numbers, a random source. Out: other pictures of the same size.

import type { Random } from '../shared/random.ts'

/** A matrix, row by row, that leads from a pixel of the result, [down, right] from the center, to where it is taken from. */
export type Matrix = readonly [number, number, number, number]

const WARP = 0.25
const SHIFT = 2

/** A random matrix near identity, which slants, stretches and tilts at once. */
export function warp(random: Random): Matrix {
  const near = (center: number) => center + WARP * (2 * random() - 1)
  return [near(1), near(0), near(0), near(1)]
}

/** A random shift [down, right], in pixels. */
export const shift = (random: Random): readonly [number, number] => [
  SHIFT * (2 * random() - 1),
  SHIFT * (2 * random() - 1),
]

/** The upper half of one picture over the lower half of another. */
export function joined(upper: Float32Array, lower: Float32Array): Float32Array {
  const whole = Float32Array.from(lower)
  whole.set(upper.subarray(0, upper.length / 2))
  return whole
}

/** Writes `picture` into `out`, moved by `matrix` and `shift` and interpolated; what comes from outside is 0. */
export function redraw(
  picture: Float32Array,
  columnCount: number,
  [a, b, c, d]: Matrix,
  [down, right]: readonly [number, number],
  out: Float32Array,
): void {
  const rowCount = picture.length / columnCount
  const [centerY, centerX] = [(rowCount - 1) / 2, (columnCount - 1) / 2]
  const at = (y: number, x: number) =>
    y >= 0 && x >= 0 && y < rowCount && x < columnCount ? picture[y * columnCount + x] : 0
  for (let i = 0; i < out.length; i++) {
    const v = Math.floor(i / columnCount) - centerY - down
    const u = (i % columnCount) - centerX - right
    const [y, x] = [a * v + b * u + centerY, c * v + d * u + centerX]
    const [top, left] = [Math.floor(y), Math.floor(x)]
    const [below, beside] = [y - top, x - left]
    const upper = (1 - beside) * at(top, left) + beside * at(top, left + 1)
    const lower = (1 - beside) * at(top + 1, left) + beside * at(top + 1, left + 1)
    out[i] = (1 - below) * upper + below * lower
  }
}
