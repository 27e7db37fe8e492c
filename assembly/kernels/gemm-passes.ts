// The passes of gemm.ts over a panel: which tiles, and where a tile is cut, by way of a scratch tile. Small functions, apart from
// the loops of gemm.ts: an engine compiles them in less time than one large one, and those only that are much used.
// Float64 reference: test/reference/ops.ts
import { fusedTile } from './gemm-fused'
import { narrowTile, tallTile, tile } from './gemm-tiles'

/** Runs below this depth are a loop inside a tile. */
export const SHORT_RUN = 16

/** Bytes in front of a panel where zeros lie, and the offset of the one run that a tile takes. */
export const ZEROS: usize = 64
const OFFSET: usize = 8

/** Tiles of 5 rows, or 6; 4 columns. */
export const TALL = 1
const NARROW = 2

/** Tiles at `c`, one below the other, `count` rows: the sums of the runs of a panel, or of the chains of one. */
export function passRuns(
  c: usize, cs: usize, d: usize, adds: bool, row: usize, offsets: usize, runs: i32, panel: usize, depth: i32, runDepth: i32,
  count: i32, form: i32,
): void {
  if (runs > 1 && runDepth < SHORT_RUN) {
    tile(c, cs, d, adds, row, offsets, depth / runDepth, panel, runDepth, count)
    return
  }
  for (let k = 0; k < depth; k += runDepth) {
    const run = runs > 1 ? load<u32>(offsets + (<usize>(k / runDepth) << 2)) : load<u32>(offsets) + (k << 2)
    const b = panel + (<usize>k << 5), deep = min(runDepth, depth - k), more = adds || k > 0
    const from = more ? panel - ZEROS : d
    if (form == TALL) {
      if (ASC_FEATURE_RELAXED_SIMD) fusedTile(c, cs, from, more, row, run, b, deep, count)
      else tallTile(c, cs, from, more, row, run, b, deep, count)
    } else if (form == NARROW) {
      narrowTile(c, cs, from, more, row, run, b, deep)
    } else {
      store<u32>(panel - OFFSET, run)
      tile(c, cs, from, more, row, panel - OFFSET, 1, b, deep, count)
    }
  }
}

/** Copies `cols` (1..8) floats of `rows` rows from a row stride to another. */
function moveTile(dst: usize, ds: usize, src: usize, ss: usize, rows: i32, cols: i32): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) store<f32>(dst + (<usize>j << 2), load<f32>(src + (<usize>j << 2)))
    dst += ds
    src += ss
  }
}

/** A tile that is cut goes through the scratch tile. */
export function cutTile(
  c: usize, cs: usize, scratch: usize, d: usize, adds: bool, row: usize, offsets: usize, runs: i32, panel: usize, depth: i32,
  runDepth: i32, count: i32, cols: i32,
): void {
  if (adds) moveTile(scratch, 32, c, cs, count, cols)
  passRuns(scratch, 32, d, adds, row, offsets, runs, panel, depth, runDepth, count, cols <= 4 ? NARROW : 0)
  moveTile(c, cs, scratch, 32, count, cols)
}
