// The square that is shown and the grid of places on it for which the network is asked.

/** Both coordinates go from -EXTENT to EXTENT. */
export const EXTENT = 6
/** Places a side of the map. */
export const SIDE = 120
/** Places a side of a neuron's small picture: every third of the map's. */
export const SMALL = SIDE / 3

/** The middles of the cells, row by row from the top left. */
export const gridPlaces = Array.from({ length: SIDE * SIDE }, (_, i) => ({
  x: (((i % SIDE) + 0.5) / SIDE) * 2 * EXTENT - EXTENT,
  y: EXTENT - ((Math.floor(i / SIDE) + 0.5) / SIDE) * 2 * EXTENT,
}))

/** Which of them a small picture shows. */
export const smallPlaces = Int32Array.from(
  { length: SMALL * SMALL },
  (_, i) => (Math.floor(i / SMALL) * 3 + 1) * SIDE + (i % SMALL) * 3 + 1,
)
