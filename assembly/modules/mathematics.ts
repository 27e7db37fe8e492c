// The module of maxima and minima and of the unary functions that no activation names. It has no kernels: those of the core call its
// functions (OP_REDUCE the first one; OP_UNARY, OP_UNARY_GRAD and OP_MATMUL the loops), whose codes are their places in the function table.
import { Abs, Erf, Log, Sign } from '../functions/of-input'
import { Reciprocal, Sqrt } from '../functions/of-output'
import { extremes } from '../kernels/reduce-extremes'
import { Each, EachGrad, each, eachGrad } from '../kernels/unary-loops'

export { ABI_VERSION } from '../abi'

// In the order of their codes; lists take places from the module's first on, one after the other (scripts/static.mjs).
const EXTREMES: StaticArray<
  (fn: i32, dst: usize, src: usize, outer: i32, count: i32, inner: i32, from: i32, to: i32) => void
> = [extremes]

const FORWARD: StaticArray<Each> = [
  (y, x, n, a) => each<Abs>(y, x, n, a),
  (y, x, n, a) => each<Sign>(y, x, n, a),
  (y, x, n, a) => each<Log>(y, x, n, a),
  (y, x, n, a) => each<Sqrt>(y, x, n, a),
  (y, x, n, a) => each<Reciprocal>(y, x, n, a),
  (y, x, n, a) => each<Erf>(y, x, n, a),
]

const GRADIENT: StaticArray<EachGrad> = [
  (dx, dy, s, n, a) => eachGrad<Abs>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Sign>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Log>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Sqrt>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Reciprocal>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Erf>(dx, dy, s, n, a),
]

/** Function table index of function `i`: extremes, the loops of functions, those of gradients; -1 behind the last. */
export function kernelAt(i: i32): i32 {
  if (i == 0) return unchecked(EXTREMES[0]).index
  i -= 1
  if (i < FORWARD.length) return unchecked(FORWARD[0]).index + i
  i -= FORWARD.length
  return i < GRADIENT.length ? unchecked(GRADIENT[0]).index + i : -1
}
