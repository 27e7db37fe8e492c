// Sizes that the page and its frozen net share.

/** Points to learn from, all of them in each step. */
export const POINTS = 120

/** Columns and rows of the surface the net colors. */
export const SIDE = 40
export const CELLS = SIDE * SIDE
