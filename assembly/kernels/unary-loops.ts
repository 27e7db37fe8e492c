// y = f(x) per element, and dx = dy f'(x): the loops; the formulas stand in functions/, the lists of loops in unary.ts (the
// core's), modules/functions.ts and modules/mathematics.ts.
// In: addresses of float32 arrays of one length, alpha (the one parameter some functions have).
// The gradient reads what the forward pass saved: y for the functions of of-output.ts, x for those of of-input.ts.
// dst may be src, dx may be dy or saved; otherwise they are disjoint. Writes `count` floats and nothing beyond; fewer than four are
// read as four, lest a call before the loop take its constants out of their registers.
// Float64 reference: test/reference/unary.ts
import { splat, storeTail } from '../lanes'

export type Each = (dst: usize, src: usize, count: i32, alpha: f32) => void
export type EachGrad = (dx: usize, dy: usize, saved: usize, count: i32, alpha: f32) => void

// count >= 1. A ragged end costs no second copy of the body: the last vector is the last four floats, computed again
// where it overlaps the one before. In place that is right because a vector is loaded before the previous is stored.

export function each<F>(dst: usize, src: usize, count: i32, alpha: f32): void {
  const f = changetype<F>(0)
  const a = splat(alpha)
  const last = max(count - 4, 0) << 2
  let x = v128.load(src)
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

export function eachGrad<F>(dx: usize, dy: usize, saved: usize, count: i32, alpha: f32): void {
  const f = changetype<F>(0)
  const a = splat(alpha)
  const last = max(count - 4, 0) << 2
  let g = v128.load(dy)
  let s = v128.load(saved)
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
