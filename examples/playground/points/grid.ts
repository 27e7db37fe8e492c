// The square that is shown and the grid of points on it for which the network is asked.

/** Both coordinates go from -EXTENT to EXTENT. */
export const EXTENT = 6
/** Points a side. */
export const SIDE = 60

/** [SIDE * SIDE, 2], row by row from the top left, at the middles of the cells. */
export const gridRows = (): { shape: [number, number]; data: Float32Array<ArrayBuffer> } => {
  const data = new Float32Array(SIDE * SIDE * 2)
  for (let row = 0, at = 0; row < SIDE; row++)
    for (let column = 0; column < SIDE; column++) {
      data[at++] = ((column + 0.5) / SIDE) * 2 * EXTENT - EXTENT
      data[at++] = EXTENT - ((row + 0.5) / SIDE) * 2 * EXTENT
    }
  return { shape: [SIDE * SIDE, 2], data }
}
