// Strided copy of 32-bit elements: permute, broadcast (stride 0), slice and concatenate are all this.
// The planner has merged axes; strides count elements. src and dst don't overlap, or are the same
// contiguous buffer.
// Float64 reference: test/reference/ops.ts
import {
  COPY_DST, COPY_SRC, COPY_WALK, WALK_AXES, WALK_AXIS_BYTES, WALK_AXIS_FIRST, WALK_AXIS_SECOND, WALK_AXIS_SIZE,
  WALK_FIRST_STEP, WALK_INNER, WALK_OUTER, WALK_RANK, WALK_SECOND_STEP,
} from '../abi'
import { FLOAT_WORK, partStart, split } from '../parallel'

/** Operands: COPY_* of abi.ts. */
export function copy(p: usize): void {
  const inner = load<i32>(p, COPY_WALK + WALK_INNER), outer = load<i32>(p, COPY_WALK + WALK_OUTER)
  split(copyPart.index, p, 1, 0, FLOAT_WORK * <f64>inner * <f64>outer)
}

/** A part is a range of rows, or of the columns of a few. */
function copyPart(p: usize, part: i32, parts: i32, _: i32): void {
  let dst = <usize>load<u32>(p, COPY_DST), src = <usize>load<u32>(p, COPY_SRC)
  let inner = load<i32>(p, COPY_WALK + WALK_INNER)
  const dstStep = <usize>load<i32>(p, COPY_WALK + WALK_FIRST_STEP) << 2, srcStep = <usize>load<i32>(p, COPY_WALK + WALK_SECOND_STEP) << 2
  const outer = load<i32>(p, COPY_WALK + WALK_OUTER), rank = load<i32>(p, COPY_WALK + WALK_RANK)
  let first = 0, end = outer
  if (parts == 1) {
    // all of it
  } else if (outer >= parts) {
    first = partStart(outer, 1, part, parts)
    end = partStart(outer, 1, part + 1, parts)
  } else {
    const start = partStart(inner, 16, part, parts)
    inner = partStart(inner, 16, part + 1, parts) - start
    dst += dstStep * start
    src += srcStep * start
  }
  for (let o = first; o < end; o++) {
    let rest = o
    let d = dst, s = src
    for (let axis = rank - 1; axis >= 0; axis--) {
      const w = p + (COPY_WALK + WALK_AXES) + <usize>axis * WALK_AXIS_BYTES
      const size = load<i32>(w, WALK_AXIS_SIZE)
      const i = rest % size
      rest /= size
      d += <usize>(i * load<i32>(w, WALK_AXIS_FIRST)) << 2
      s += <usize>(i * load<i32>(w, WALK_AXIS_SECOND)) << 2
    }
    if (dstStep == 4 && srcStep == 4) memory.copy(d, s, <usize>inner << 2)
    else {
      for (let i = 0; i < inner; i++) {
        store<u32>(d, load<u32>(s))
        d += dstStep
        s += srcStep
      }
    }
  }
}
