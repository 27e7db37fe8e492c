// The module of the activations that few nets have. It has no kernels: those of the core (OP_UNARY, OP_UNARY_GRAD, OP_MATMUL)
// call its loops, whose codes (FN_*) are their places in the function table.
import { Gelu, GeluTanh, HardSwish, Mish, Silu, Square } from '../functions/of-input'
import {
  Celu, Elu, Exp, HardSigmoid, HardTanh, LogSigmoid, Relu6, Selu, Softplus, Softsign,
} from '../functions/of-output'
import { Each, EachGrad, each, eachGrad } from '../kernels/unary-loops'

export { ABI_VERSION } from '../abi'

// In the order of their codes; lists take places from the module's first on, one after the other (scripts/static.mjs).
const FORWARD: StaticArray<Each> = [
  (y, x, n, a) => each<Relu6>(y, x, n, a),
  (y, x, n, a) => each<Elu>(y, x, n, a),
  (y, x, n, a) => each<Celu>(y, x, n, a),
  (y, x, n, a) => each<Selu>(y, x, n, a),
  (y, x, n, a) => each<Gelu>(y, x, n, a),
  (y, x, n, a) => each<GeluTanh>(y, x, n, a),
  (y, x, n, a) => each<Silu>(y, x, n, a),
  (y, x, n, a) => each<LogSigmoid>(y, x, n, a),
  (y, x, n, a) => each<Softplus>(y, x, n, a),
  (y, x, n, a) => each<Softsign>(y, x, n, a),
  (y, x, n, a) => each<HardSigmoid>(y, x, n, a),
  (y, x, n, a) => each<HardSwish>(y, x, n, a),
  (y, x, n, a) => each<HardTanh>(y, x, n, a),
  (y, x, n, a) => each<Mish>(y, x, n, a),
  (y, x, n, a) => each<Exp>(y, x, n, a),
  (y, x, n, a) => each<Square>(y, x, n, a),
]

const GRADIENT: StaticArray<EachGrad> = [
  (dx, dy, s, n, a) => eachGrad<Relu6>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Elu>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Celu>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Selu>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Gelu>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<GeluTanh>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Silu>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<LogSigmoid>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Softplus>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Softsign>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<HardSigmoid>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<HardSwish>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<HardTanh>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Mish>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Exp>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Square>(dx, dy, s, n, a),
]

/** Function table index of loop `i`, functions first, then gradients; -1 behind the last. */
export function kernelAt(i: i32): i32 {
  if (i < FORWARD.length) return unchecked(FORWARD[0]).index + i
  i -= FORWARD.length
  return i < GRADIENT.length ? unchecked(GRADIENT[0]).index + i : -1
}
