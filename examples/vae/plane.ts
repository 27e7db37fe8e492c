// The plane of codes: a map of where labelled pictures lie, and pictures drawn from points all over it.
//
// In:  codes [n, 2] and labels, or what was drawn at the points of `planeGrid`. Out: text of at most 80 columns, pixels.

/** The plane is shown from -REACH to REACH: three standard deviations of the codes. */
const REACH = 3
const COLUMNS = 76
const ROWS = 26

/** Which of `cells` cells from -REACH to REACH holds x; -1: none. */
function cellOf(x: number, cells: number): number {
  const cell = Math.floor((x / REACH + 1) * (cells / 2))
  return cell < cells ? Math.max(cell, -1) : -1
}

/** The commonest label in each cell; y goes up. */
export function drawPlane(codes: Float32Array, labels: Int32Array): string {
  const counts = new Map<number, number[]>()
  labels.forEach((label, i) => {
    const [column, row] = [cellOf(codes[2 * i], COLUMNS), cellOf(-codes[2 * i + 1], ROWS)]
    if (column < 0 || row < 0) return
    const cell = row * COLUMNS + column
    const own = counts.get(cell) ?? []
    own[label] = (own[label] ?? 0) + 1
    counts.set(cell, own)
  })
  const lines = Array.from({ length: ROWS }, (_, row) =>
    Array.from({ length: COLUMNS }, (_, column) => {
      const own = counts.get(row * COLUMNS + column)
      return own ? own.indexOf(Math.max(...own.filter((count) => count > 0))) : ' '
    }).join(''),
  )
  return lines.map((line) => `  ${line}`.trimEnd()).join('\n')
}

/** Points [size^2, 2] of a grid over the plane, from the upper left on, row by row. */
export function planeGrid(size: number): Float32Array {
  const at = (i: number) => REACH * ((2 * i + 1) / size - 1)
  return Float32Array.from({ length: size * size }, (_, i) => i).reduce(
    (points, i) => {
      points.set([at(i % size), -at(Math.floor(i / size))], 2 * i)
      return points
    },
    new Float32Array(2 * size * size),
  )
}

/** size^2 pictures, side by side, as one. */
export function tiled(
  pictures: Float32Array,
  size: number,
  rowCount: number,
  columnCount: number,
): Float32Array {
  const width = size * columnCount
  const whole = new Float32Array(pictures.length)
  for (let i = 0; i < size * size; i++) {
    for (let row = 0; row < rowCount; row++) {
      const from = (i * rowCount + row) * columnCount
      const to = (Math.floor(i / size) * rowCount + row) * width + (i % size) * columnCount
      whole.set(pictures.subarray(from, from + columnCount), to)
    }
  }
  return whole
}
