// The square that is shown and the grids of places on it for which the network is asked: a fine one for the map, a coarse
// one for the neurons' small pictures.

/** Both coordinates go from -EXTENT to EXTENT. */
export const EXTENT = 6
/** Places a side of the map. */
export const SIDE = 120
/** Places a side of a neuron's small picture. */
export const SMALL = 40

/** The middles of the cells of a grid, row by row from the top left. */
export const placesOf = (side: number): { x: number; y: number }[] =>
  Array.from({ length: side * side }, (_, i) => ({
    x: (((i % side) + 0.5) / side) * 2 * EXTENT - EXTENT,
    y: EXTENT - ((Math.floor(i / side) + 0.5) / side) * 2 * EXTENT,
  }))
