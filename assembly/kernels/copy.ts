// Strided copy of 32-bit elements: permute, broadcast (stride 0), slice and concatenate are all this.
// The planner has merged axes; strides count elements. src and dst don't overlap, or are the same
// contiguous buffer.
// Float64 reference: test/reference/ops.ts
import { COPY_AXES, COPY_DST, COPY_DST_STEP, COPY_INNER, COPY_OUTER, COPY_RANK, COPY_SRC, COPY_SRC_STEP } from '../abi'
import { FLOAT_WORK, partStart, split } from '../parallel'

/**
 * words: dst, src, inner, dst inner stride, src inner stride, outer count, rank, then per outer axis: size, dst stride, src
 * stride
 */
export function copy(p: usize): void {
  split(copyPart.index, p, 1, 0, FLOAT_WORK * <f64>load<i32>(p, COPY_INNER) * <f64>load<i32>(p, COPY_OUTER))
}

/** A part is a range of rows, or of the columns of a few. */
function copyPart(p: usize, part: i32, parts: i32, _: i32): void {
  let dst = <usize>load<u32>(p, COPY_DST), src = <usize>load<u32>(p, COPY_SRC)
  let inner = load<i32>(p, COPY_INNER)
  const dstStep = <usize>load<i32>(p, COPY_DST_STEP) << 2, srcStep = <usize>load<i32>(p, COPY_SRC_STEP) << 2
  const outer = load<i32>(p, COPY_OUTER), rank = load<i32>(p, COPY_RANK)
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
      const w = p + COPY_AXES + <usize>axis * 12
      const size = load<i32>(w)
      const i = rest % size
      rest /= size
      d += <usize>(i * load<i32>(w, 4)) << 2
      s += <usize>(i * load<i32>(w, 8)) << 2
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
