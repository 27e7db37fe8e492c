// Kinds of pictures to learn from: seven digits are few, so each also counts as another kind when turned or mirrored (as is done
// with the letters of Omniglot), and no picture is shown twice alike: each is shifted and warped a little.
//
// In:  a picture as a row of numbers, a random source. Out: another picture of the same size.

import type { Random } from '../shared/random.ts'

/** A matrix, row by row, that leads from a pixel of the result, [down, right] from the center, to where it is taken from. */
export type Matrix = readonly [number, number, number, number]

/**
 * Upright, turned to the left by a quarter, mirrored left and right, mirrored along the diagonal. No two of them are half a turn
 * apart, because half a turn makes a 9 of a 6.
 */
export const TURNS: readonly Matrix[] = [
  [1, 0, 0, 1],
  [0, 1, -1, 0],
  [1, 0, 0, -1],
  [0, 1, 1, 0],
]

const WARP = 0.25
const SHIFT = 2

/** `turn` after a random map near identity, which slants, stretches and tilts at once. */
export function warped([a, b, c, d]: Matrix, random: Random): Matrix {
  const near = (center: number) => center + WARP * (2 * random() - 1)
  const [p, q, r, s] = [near(1), near(0), near(0), near(1)]
  return [a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s]
}

/** A random shift [down, right], in pixels. */
export const shifted = (random: Random): readonly [number, number] => [
  SHIFT * (2 * random() - 1),
  SHIFT * (2 * random() - 1),
]

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
