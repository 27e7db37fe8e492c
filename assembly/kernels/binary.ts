// dst = fn(a, b), elementwise with broadcasting.
// The planner has merged axes: `inner` is the contiguous last axis, along which each operand advances by one
// float or stays (broadcast); the `rank` outer axes carry a stride for each operand, 0 where it is broadcast.
// dst is contiguous and may be a or b where that operand is not broadcast.
// Float64 reference: test/reference/ops.ts
import {
  BINARY_A, BINARY_ADD, BINARY_B, BINARY_DIVIDE, BINARY_DST, BINARY_EQUAL, BINARY_FN, BINARY_GREATER,
  BINARY_GREATER_EQUAL, BINARY_MAXIMUM, BINARY_MINIMUM, BINARY_MULTIPLY, BINARY_SUBTRACT, BINARY_WALK, WALK_AXES,
  WALK_AXIS_BYTES, WALK_AXIS_FIRST, WALK_AXIS_SECOND, WALK_AXIS_SIZE, WALK_FIRST_STEP, WALK_INNER, WALK_OUTER, WALK_RANK,
  WALK_SECOND_STEP,
} from '../abi'
import { loadTail, storeTail } from '../lanes'
import { FLOAT_WORK, partStart, split } from '../parallel'

@inline
function apply(fn: i32, x: v128, y: v128): v128 {
  if (fn == BINARY_ADD) return f32x4.add(x, y)
  if (fn == BINARY_SUBTRACT) return f32x4.sub(x, y)
  if (fn == BINARY_MULTIPLY) return f32x4.mul(x, y)
  if (fn == BINARY_DIVIDE) return f32x4.div(x, y)
  if (fn == BINARY_MAXIMUM) return f32x4.max(x, y)
  if (fn == BINARY_MINIMUM) return f32x4.min(x, y)
  const one = f32x4.splat(1)
  if (fn == BINARY_GREATER) return v128.and(f32x4.gt(x, y), one)
  if (fn == BINARY_GREATER_EQUAL) return v128.and(f32x4.ge(x, y), one)
  return v128.and(f32x4.eq(x, y), one)
}

@inline
function row(fn: i32, dst: usize, a: usize, b: usize, count: i32, aMoves: bool, bMoves: bool): void {
  const a0 = v128.load_splat<f32>(a), b0 = v128.load_splat<f32>(b)
  for (; count >= 4; count -= 4) {
    v128.store(dst, apply(fn, aMoves ? v128.load(a) : a0, bMoves ? v128.load(b) : b0))
    dst += 16
    a += 16
    b += 16
  }
  if (count > 0) storeTail(dst, apply(fn, aMoves ? loadTail(a, count) : a0, bMoves ? loadTail(b, count) : b0), count)
}

function applyRow(fn: i32, dst: usize, a: usize, b: usize, count: i32, aMoves: bool, bMoves: bool): void {
  switch (fn) {
    case BINARY_ADD: row(BINARY_ADD, dst, a, b, count, aMoves, bMoves); break
    case BINARY_SUBTRACT: row(BINARY_SUBTRACT, dst, a, b, count, aMoves, bMoves); break
    case BINARY_MULTIPLY: row(BINARY_MULTIPLY, dst, a, b, count, aMoves, bMoves); break
    case BINARY_DIVIDE: row(BINARY_DIVIDE, dst, a, b, count, aMoves, bMoves); break
    case BINARY_MAXIMUM: row(BINARY_MAXIMUM, dst, a, b, count, aMoves, bMoves); break
    case BINARY_MINIMUM: row(BINARY_MINIMUM, dst, a, b, count, aMoves, bMoves); break
    case BINARY_GREATER: row(BINARY_GREATER, dst, a, b, count, aMoves, bMoves); break
    case BINARY_GREATER_EQUAL: row(BINARY_GREATER_EQUAL, dst, a, b, count, aMoves, bMoves); break
    default: row(BINARY_EQUAL, dst, a, b, count, aMoves, bMoves)
  }
}

/** Operands: BINARY_* of abi.ts. */
export function binary(p: usize): void {
  const inner = load<i32>(p, BINARY_WALK + WALK_INNER), outer = load<i32>(p, BINARY_WALK + WALK_OUTER)
  split(binaryPart.index, p, 1, 0, FLOAT_WORK * <f64>inner * <f64>outer)
}

/** A part is a range of rows, or of the columns of a few. */
function binaryPart(p: usize, part: i32, parts: i32, _: i32): void {
  let dst = <usize>load<u32>(p, BINARY_DST)
  let a = <usize>load<u32>(p, BINARY_A), b = <usize>load<u32>(p, BINARY_B)
  const fn = load<i32>(p, BINARY_FN), inner = load<i32>(p, BINARY_WALK + WALK_INNER)
  const aMoves = load<i32>(p, BINARY_WALK + WALK_FIRST_STEP) != 0, bMoves = load<i32>(p, BINARY_WALK + WALK_SECOND_STEP) != 0
  const outer = load<i32>(p, BINARY_WALK + WALK_OUTER), rank = load<i32>(p, BINARY_WALK + WALK_RANK)
  let first = 0, end = outer, own = inner
  if (parts == 1) {
    // all of it
  } else if (outer >= parts) {
    first = partStart(outer, 1, part, parts)
    end = partStart(outer, 1, part + 1, parts)
    dst += <usize>(first * inner) << 2
  } else {
    const start = partStart(inner, 16, part, parts), at = <usize>start << 2
    own = partStart(inner, 16, part + 1, parts) - start
    dst += at
    if (aMoves) a += at
    if (bMoves) b += at
  }
  for (let o = first; o < end; o++) {
    let rest = o
    let ai = a, bi = b
    for (let axis = rank - 1; axis >= 0; axis--) {
      const w = p + (BINARY_WALK + WALK_AXES) + <usize>axis * WALK_AXIS_BYTES
      const size = load<i32>(w, WALK_AXIS_SIZE)
      const i = rest % size
      rest /= size
      ai += <usize>(i * load<i32>(w, WALK_AXIS_FIRST)) << 2
      bi += <usize>(i * load<i32>(w, WALK_AXIS_SECOND)) << 2
    }
    applyRow(fn, dst, ai, bi, own, aMoves, bMoves)
    dst += <usize>inner << 2
  }
}
