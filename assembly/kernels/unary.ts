// Unary functions as kernels of a program: y = f(x) per element, and dx = dy f'(x), for every FN_* of abi.ts. The loops of
// common functions are in the core; the others are in modules functions and mathematics, called by their places in the function table.
// Contract: unary-loops.ts.
// Float64 reference: test/reference/unary.ts
import {
  FN_CORE_END, UNARY_ALPHA, UNARY_COUNT, UNARY_DST, UNARY_FN, UNARY_GRAD_ALPHA, UNARY_GRAD_COUNT,
  UNARY_GRAD_DX, UNARY_GRAD_DY, UNARY_GRAD_FN, UNARY_GRAD_SAVED, UNARY_SRC,
} from '../abi'
import { Negate } from '../functions/of-input'
import { LeakyRelu, Linear, Relu, Sigmoid, Tanh } from '../functions/of-output'
import { FLOAT_WORK, pays, split } from '../parallel'
import { Each, EachGrad, each, eachGrad } from './unary-loops'

// One row per FN_* code below FN_CORE_END, in the order of the codes. Tables, not switches: a loop stays a small function of
// its own, which the engine optimizes as soon as it is hot, instead of a part of one function of all loops. The functions of a
// list have neighbouring places in the function table (scripts/static.mjs).
const FORWARD: StaticArray<Each> = [
  (y, x, n, a) => each<Linear>(y, x, n, a),
  (y, x, n, a) => each<Relu>(y, x, n, a),
  (y, x, n, a) => each<LeakyRelu>(y, x, n, a),
  (y, x, n, a) => each<Sigmoid>(y, x, n, a),
  (y, x, n, a) => each<Tanh>(y, x, n, a),
  (y, x, n, a) => each<Negate>(y, x, n, a),
]

const GRADIENT: StaticArray<EachGrad> = [
  (dx, dy, s, n, a) => eachGrad<Linear>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Relu>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<LeakyRelu>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Sigmoid>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Tanh>(dx, dy, s, n, a),
  (dx, dy, s, n, a) => eachGrad<Negate>(dx, dy, s, n, a),
]

/** dst[i] = f(src[i]) for i < count, f = FN_*, of other modules too; dst may be src. alpha: of leaky_relu, elu, celu. */
export function applyUnary(dst: usize, src: usize, count: u32, fn: i32, alpha: f32): void {
  if (count) call_indirect<void>(fn < FN_CORE_END ? unchecked(FORWARD[0]).index + fn : fn, dst, src, count, alpha)
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

/** Words: dx, dy, saved, count, function (of the core) or place of its gradient, alpha (f32). dx[i] = dy[i] f'(i); dx may be dy. */
export function unaryGrad(p: usize): void {
  const count = load<i32>(p, UNARY_GRAD_COUNT)
  if (pays(FLOAT_WORK * <f64>count)) split(unaryGradPart.index, p, count, 16, FLOAT_WORK)
  else if (count) unaryGradPart(p, 0, count, 0)
}

function unaryGradPart(p: usize, from: i32, end: i32, _: i32): void {
  const at = <usize>from << 2
  const fn = load<i32>(p, UNARY_GRAD_FN)
  const gradient = fn < FN_CORE_END ? unchecked(GRADIENT[0]).index + fn : fn
  const dx = <usize>load<u32>(p, UNARY_GRAD_DX) + at, dy = <usize>load<u32>(p, UNARY_GRAD_DY) + at
  const saved = <usize>load<u32>(p, UNARY_GRAD_SAVED) + at
  call_indirect<void>(gradient, dx, dy, saved, end - from, load<f32>(p, UNARY_GRAD_ALPHA))
}
