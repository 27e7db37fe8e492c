// Maxima and minima, of module mathematics: what the core's OP_REDUCE calls for them, by its place in the function table (EXTREMES).
// Float64 reference: test/reference/ops.ts
import { alongRow, downColumns } from './reduce-loops'

/** Maxima or minima, whose order means nothing. The comparisons hide that `fn` is looked at within the loops. */
export function extremes(fn: i32, dst: usize, src: usize, outer: i32, count: i32, inner: i32, from: i32, to: i32): void {
  for (; outer > 0; outer--) {
    if (inner == 1) store<f32>(dst, alongRow(fn, src, count))
    else downColumns(fn, dst, src, count, inner, from, to, 1, false)
    dst += <usize>inner << 2
    src += <usize>(count * inner) << 2
  }
}
