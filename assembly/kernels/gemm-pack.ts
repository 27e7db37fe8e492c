// Copies of matrix blocks in the order gemm.ts reads them. Sources may be read up to 12 bytes behind a row's end; what
// lies there is not used. Destinations are scratch, padded to whole blocks of 4 x 4.
// Float64 reference: test/reference/ops.ts
import { ROWS_SPARE } from '../abi'

/**
 * dst[cols, rows] = the transpose of src[rows, cols]: row i of src at load<u32>(table + 4 i) + offset (the table goes on
 * to a multiple of four rows), rows of dst `ds` bytes apart. Writes blocks of 4 x 4.
 */
export function packTransposed(dst: usize, ds: usize, table: usize, offset: u32, rows: i32, cols: i32): void {
  for (const last = table + (<usize>rows << 2); table < last; table += 16) {
    let s0: usize = load<u32>(table) + offset, s1: usize = load<u32>(table, 4) + offset
    let s2: usize = load<u32>(table, 8) + offset, s3: usize = load<u32>(table, 12) + offset
    let d = dst
    dst += 16
    for (const end = s0 + (<usize>cols << 2); s0 < end; ) {
      const r0 = v128.load(s0), r1 = v128.load(s1), r2 = v128.load(s2), r3 = v128.load(s3)
      const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), t1 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5)
      const t2 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7), t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7)
      v128.store(d, v128.shuffle<f32>(t0, t1, 0, 1, 4, 5))
      d += ds
      v128.store(d, v128.shuffle<f32>(t0, t1, 2, 3, 6, 7))
      d += ds
      v128.store(d, v128.shuffle<f32>(t2, t3, 0, 1, 4, 5))
      d += ds
      v128.store(d, v128.shuffle<f32>(t2, t3, 2, 3, 6, 7))
      d += ds
      s0 += 16
      s1 += 16
      s2 += 16
      s3 += 16
    }
  }
}

/**
 * dst[4, rows] = the transpose of src[rows, 4], by the same rules; row j of dst at load<u32>(out + 4 j).
 */
export function packFour(out: usize, table: usize, offset: u32, rows: i32): void {
  let d0: usize = load<u32>(out), d1: usize = load<u32>(out, 4), d2: usize = load<u32>(out, 8), d3: usize = load<u32>(out, 12)
  for (const last = table + (<usize>rows << 2); table < last; table += 16) {
    const r0 = v128.load(load<u32>(table) + offset), r1 = v128.load(load<u32>(table, 4) + offset)
    const r2 = v128.load(load<u32>(table, 8) + offset), r3 = v128.load(load<u32>(table, 12) + offset)
    const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), t1 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5)
    const t2 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7), t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7)
    v128.store(d0, v128.shuffle<f32>(t0, t1, 0, 1, 4, 5))
    v128.store(d1, v128.shuffle<f32>(t0, t1, 2, 3, 6, 7))
    v128.store(d2, v128.shuffle<f32>(t2, t3, 0, 1, 4, 5))
    v128.store(d3, v128.shuffle<f32>(t2, t3, 2, 3, 6, 7))
    d0 += 16
    d1 += 16
    d2 += 16
    d3 += 16
  }
}

/** table[i] = first + i * stride, `count` times, then the last of them ROWS_SPARE times more. */
export function listRows(table: usize, first: usize, stride: usize, count: i32): void {
  for (let i = 0; i < count; i++) {
    store<u32>(table, <u32>first)
    table += 4
    first += stride
  }
  first -= stride
  for (let i = 0; i < ROWS_SPARE; i++) store<u32>(table + (<usize>i << 2), <u32>first)
}

/** All bits in the lanes below `count`. */
@inline
function lanesBelow(count: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count))
}

/** Sets columns `cols` to 7 of a panel [depth, 8] to 0. */
function clearColumns(panel: usize, depth: i32, cols: i32): void {
  const low = lanesBelow(cols), high = lanesBelow(cols - 4)
  for (const end = panel + (<usize>depth << 5); panel < end; panel += 32) {
    v128.store(panel, v128.and(v128.load(panel), low))
    v128.store(panel, v128.and(v128.load(panel, 16), high), 16)
  }
}

/** panel[depth, 8] = `cols` floats of `depth` rows of src, `ss` bytes apart, and zeros. */
function packRows(panel: usize, src: usize, ss: usize, depth: i32, cols: i32): void {
  const end = src + <usize>depth * ss
  if (cols == 8) {
    for (; src < end; src += ss) {
      const p = v128.load(src), q = v128.load(src, 16)
      v128.store(panel, p)
      v128.store(panel, q, 16)
      panel += 32
    }
    return
  }
  const low = lanesBelow(cols), high = lanesBelow(cols - 4)
  const second: usize = cols > 4 ? 16 : 0
  for (; src < end; src += ss) {
    v128.store(panel, v128.and(v128.load(src), low))
    v128.store(panel, v128.and(v128.load(src + second), high), 16)
    panel += 32
  }
}

/**
 * panel[depth, 8] = `cols` columns of op(B), whose first number lies at `src`, and zeros: stored as rows, or (`isTransposed`) as
 * columns, `ss` bytes apart, which `list` has space to list.
 */
export function packPanel(
  panel: usize, list: usize, src: usize, ss: usize, isTransposed: bool, depth: i32, cols: i32,
): void {
  if (isTransposed) {
    listRows(list, src, ss, cols)
    packTransposed(panel, 32, list, 0, cols, depth)
    if (cols < 8) clearColumns(panel, depth, cols)
  } else {
    packRows(panel, src, ss, depth, cols)
  }
}
