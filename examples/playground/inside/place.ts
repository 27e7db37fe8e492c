// Where the drawing of the network has its parts: columns from left to right where there is width, rows from top to
// bottom on a phone. Column 0 holds the inputs, 1 and 2 the hidden layers, 3 the outputs, 4 the loss.
import { SIZES } from './shape.ts'

export type Point = readonly [x: number, y: number]

export interface Place {
  readonly width: number
  readonly height: number
  /** Middle of a box. */
  at(column: number, unit: number): Point
  /** Width and height of a column's boxes. */
  size(column: number): Point
  /** From the edge of one box to the edge of the next. */
  line(column: number, from: number, to: number): readonly [Point, Point]
  /** Where on its line, from 0 to 1, the number of a line stands, so that no two numbers of a column meet. */
  share(column: number, from: number, to: number): number
  /** Where the sum over the paths so far is written. */
  readonly sum: Point
}

export const LOSS = 4
/** Boxes of a column. */
export const countOf = (column: number): number => (column === LOSS ? 1 : SIZES[column])
/** A line of text in a box. */
export const LINE = 15
const BOX: Point = [96, 5 * LINE + 10]

const between = (count: number, unit: number, middle: number, apart: number): number =>
  middle + (unit - (count - 1) / 2) * apart

export const wide: Place = {
  width: 740,
  height: 300,
  at: (column, unit) => [
    [33, 193, 376, 559, 696][column],
    between(countOf(column), unit, 150, column === 0 ? 110 : 102),
  ],
  size: (column) => (column === 0 ? [62, 28] : column === LOSS ? [84, 3 * LINE + 10] : BOX),
  line(column, from, to) {
    const [x0, y0] = this.at(column, from)
    const [x1, y1] = this.at(column + 1, to)
    const arrives = column + 1 === LOSS ? (from - 0.5) * 22 : 0
    return [
      [x0 + this.size(column)[0] / 2, y0],
      [x1 - this.size(column + 1)[0] / 2, y1 + arrives],
    ]
  },
  share: (column) => [0.62, 0.38, 0.34][column],
  sum: [6, 284],
}

export const tall: Place = {
  width: 360,
  height: 530,
  at: (column, unit) => [
    between(countOf(column), unit, 180, column === 1 ? 120 : 140),
    [15, 122, 270, 406, 512][column],
  ],
  size: (column) => (column === 0 ? [62, 28] : column === LOSS ? [200, LINE + 10] : [108, BOX[1]]),
  line(column, from, to) {
    const [x0, y0] = this.at(column, from)
    const [x1, y1] = this.at(column + 1, to)
    const arrives = column + 1 === LOSS ? (from - 0.5) * 60 : 0
    return [
      [x0, y0 + this.size(column)[1] / 2],
      [x1 + arrives, y1 - this.size(column + 1)[1] / 2],
    ]
  },
  share: (column, from, to) =>
    [Math.abs(to - 2 * from) === 2 ? 0.8 : 0.4, from === 1 ? 0.3 : 0.8, 0.32][column],
  sum: [286, 19],
}
