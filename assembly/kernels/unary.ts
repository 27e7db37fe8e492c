// y = f(x) per element, and dx = dy f'(x), for every FN_* of abi.ts: the loops; the formulas stand in functions/.
// In: addresses of float32 arrays of one length, a function code, alpha (the one parameter some functions have).
// The gradient reads what the forward pass saved: y for the functions of of-output.ts, x for those of of-input.ts.
// dst may be src, dx may be dy or saved; otherwise they are disjoint. Touches `count` floats and nothing beyond.
import {
  UNARY_ALPHA, UNARY_COUNT, UNARY_DST, UNARY_FN, UNARY_GRAD_ALPHA, UNARY_GRAD_COUNT, UNARY_GRAD_DX, UNARY_GRAD_DY,
  UNARY_GRAD_FN, UNARY_GRAD_SAVED, UNARY_SRC,
} from '../abi'
import {
  Abs,
  Erf,
  Gelu,
  GeluTanh,
  HardSwish,
  Log,
  Mish,
  Negate,
  Sign,
  Silu,
  Square,
} from '../functions/of-input'
import {
  Celu,
  Elu,
  Exp,
  HardSigmoid,
  HardTanh,
  LeakyRelu,
  Linear,
  LogSigmoid,
  Reciprocal,
  Relu,
  Relu6,
  Selu,
  Sigmoid,
  Softplus,
  Softsign,
  Sqrt,
  Tanh,
} from '../functions/of-output'
import { loadTail, splat, storeTail } from '../lanes'
import { FLOAT_WORK, pays, split } from '../parallel'

// count >= 1. A ragged end costs no second copy of the body: the last vector is the last four floats, computed again
// where it overlaps the one before. In place that is right because a vector is loaded before the previous is stored.

function each<F>(dst: usize, src: usize, count: i32, alpha: f32): void {
  const f = changetype<F>(0)
  const a = splat(alpha)
  const last = max(count - 4, 0) << 2
  let x = loadTail(src, count)
  for (let at = 0; ; ) {
    const y = f.value(x, a)
    if (at >= last) {
      storeTail(dst + at, y, count)
      return
    }
    const next = min(at + 16, last)
    x = v128.load(src + next)
    v128.store(dst + at, y)
    at = next
  }
}

function eachGrad<F>(dx: usize, dy: usize, saved: usize, count: i32, alpha: f32): void {
  const f = changetype<F>(0)
  const a = splat(alpha)
  const last = max(count - 4, 0) << 2
  let g = loadTail(dy, count)
  let s = loadTail(saved, count)
  for (let at = 0; ; ) {
    const r = f.grad(g, s, a)
    if (at >= last) {
      storeTail(dx + at, r, count)
      return
    }
    const next = min(at + 16, last)
    g = v128.load(dy + next)
    s = v128.load(saved + next)
    v128.store(dx + at, r)
    at = next
  }
}

type Each = (dst: usize, src: usize, count: i32, alpha: f32) => void
type EachGrad = (dx: usize, dy: usize, saved: usize, count: i32, alpha: f32) => void

// One row per FN_* code, in the order of the codes. Tables, not switches: a loop stays a small function of its own,
// which the engine optimizes as soon as it is hot, instead of a part of one function of all loops. The functions of a list
// have neighbouring places in the function table (scripts/static.mjs).
const FORWARD: StaticArray<Each> = [
  (y, x, n, a) => each<Linear>(y, x, n, a),
  (y, x, n, a) => each<Relu>(y, x, n, a),
  (y, x, n, a) => each<Relu6>(y, x, n, a),
  (y, x, n, a) => each<LeakyRelu>(y, x, n, a),
  (y, x, n, a) => each<Elu>(y, x, n, a),
  (y, x, n, a) => each<Celu>(y, x, n, a),
  (y, x, n, a) => each<Selu>(y, x, n, a),
  (y, x, n, a) => each<Gelu>(y, x, n, a),
  (y, x, n, a) => each<GeluTanh>(y, x, n, a),
  (y, x, n, a) => each<Silu>(y, x, n, a),
  (y, x, n, a) => each<Sigmoid>(y, x, n, a),
  (y, x, n, a) => each<LogSigmoid>(y, x, n, a),
  (y, x, n, a) => each<Tanh>(y, x, n, a),
  (y, x, n, a) => each<Softplus>(y, x, n, a),
  (y, x, n, a) => each<Softsign>(y, x, n, a),
  (y, x, n, a) => each<HardSigmoid>(y, x, n, a),
  (y, x, n, a) => each<HardSwish>(y, x, n, a),
  (y, x, n, a) => each<HardTanh>(y, x, n, a),
  (y, x, n, a) => each<Mish>(y, x, n, a),
  (y, x, n, a) => each<Exp>(y, x, n, a),
  (y, x, n, a) => each<Square>(y, x, n, a),
  (y, x, n, a) => each<Negate>(y, x, n, a),
  (y, x, n, a) => each<Abs>(y, x, n, a),
  (y, x, n, a) => each<Sign>(y, x, n, a),
  (y, x, n, a) => each<Log>(y, x, n, a),
  (y, x, n, a) => each<Sqrt>(y, x, n, a),
  (y, x, n, a) => each<Reciprocal>(y, x, n, a),
  (y, x, n, a) => each<Erf>(y, x, n, a),
]

const GRADIENT: StaticArray<EachGrad> = [
  (dx, dy, s, n, a) => eachGrad<Linear>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Relu>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Relu6>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<LeakyRelu>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Elu>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Celu>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Selu>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Gelu>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<GeluTanh>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Silu>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Sigmoid>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<LogSigmoid>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Tanh>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Softplus>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Softsign>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<HardSigmoid>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<HardSwish>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<HardTanh>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Mish>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Exp>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Square>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Negate>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Abs>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Sign>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Log>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Sqrt>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Reciprocal>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Erf>(dx, dy, s, n, a),
]

/** dst[i] = f(src[i]) for i < count, f = FN_*; dst may be src. alpha: of leaky_relu, elu, celu. */
export function applyUnary(dst: usize, src: usize, count: u32, fn: i32, alpha: f32): void {
  if (count) call_indirect<void>(unchecked(FORWARD[0]).index + fn, dst, src, count, alpha)
}

/** Words: dst, src, count, function, alpha (f32). */
export function unary(p: usize): void {
  split(unaryPart.index, p, load<i32>(p, UNARY_COUNT), 16, FLOAT_WORK)
}

function unaryPart(p: usize, from: i32, end: i32, _: i32): void {
  const at = <usize>from << 2
  const dst = <usize>load<u32>(p, UNARY_DST) + at, src = <usize>load<u32>(p, UNARY_SRC) + at
  applyUnary(dst, src, end - from, load<i32>(p, UNARY_FN), load<f32>(p, UNARY_ALPHA))
}

/** Words: dx, dy, saved, count, function, alpha (f32). dx[i] = dy[i] f'(i); dx may be dy. */
export function unaryGrad(p: usize): void {
  const count = load<i32>(p, UNARY_GRAD_COUNT)
  if (pays(FLOAT_WORK * <f64>count)) split(unaryGradPart.index, p, count, 16, FLOAT_WORK)
  else if (count) unaryGradPart(p, 0, count, 0)
}

function unaryGradPart(p: usize, from: i32, end: i32, _: i32): void {
  const at = <usize>from << 2
  const gradient = unchecked(GRADIENT[0]).index + load<i32>(p, UNARY_GRAD_FN)
  const dx = <usize>load<u32>(p, UNARY_GRAD_DX) + at, dy = <usize>load<u32>(p, UNARY_GRAD_DY) + at
  const saved = <usize>load<u32>(p, UNARY_GRAD_SAVED) + at
  call_indirect<void>(gradient, dx, dy, saved, end - from, load<f32>(p, UNARY_GRAD_ALPHA))
}
