// C[M,N] = act(op(A)[M,K] . op(B)[K,N] + bias[N]), or C += op(A).op(B).
// op(A) is A stored [M,K], or its transpose with A stored [K,M]; op(B) likewise [K,N] or [N,K].
//
// Scheme (Goto and van de Geijn 2008): depth is cut in blocks of BLOCK_DEPTH, rows in blocks of BLOCK_ROWS.
// A block of A is copied to tiles of 4 rows, each panel of B to 8 contiguous columns (zeros beyond the
// edges); the panel stays in L1 while all row tiles of the block pass over it. So one register tile of 4 x 8
// serves all four products: 8 accumulators, 2 vectors of B and one broadcast of A fit x64's 16 registers.
// C must overlap neither A, B nor bias. The order of summation depends on K alone: the same bits for any M
// and N, and for any part of C that a thread computes.
// With fused multiply-adds, which need no register between, tiles have 6 rows; the last 4 or fewer rows have one of 4.
import {
  BLOCK_DEPTH, BLOCK_ROWS, FN_LINEAR, JOB_SCRATCH, MATMUL_ACCUMULATE, MATMUL_SCRATCH_BYTES, MATMUL_TRANSPOSE_A,
  MATMUL_TRANSPOSE_B,
} from '../abi'
import { madd } from '../lanes'
import { partStart } from '../parallel'

/**
 * C tile [4,8] = start + sum over k of A[i,k] B[k,j]; start is 0, C itself (from 1) or the 8 floats at `bias` (from 2).
 * a: packed [depth,4]; b: packed [depth,8], depth >= 1; c: rows `cs` bytes apart.
 * Two steps of k per turn. The test between them serves odd depths and keeps the steps apart: unrolled without it,
 * asc's optimizer hoists all loads to the front and the registers spill (22 against 35 GFLOP/s); loads ahead of the
 * arithmetic of each step gain another 10 %.
 */
function tile(c: usize, cs: usize, a: usize, b: usize, depth: i32, from: i32, bias: usize): void {
  const c1 = c + cs, c2 = c1 + cs, c3 = c2 + cs
  let x00 = f32x4.splat(0), x01 = x00, x10 = x00, x11 = x00, x20 = x00, x21 = x00, x30 = x00, x31 = x00
  if (from == 1) {
    x00 = v128.load(c); x01 = v128.load(c, 16)
    x10 = v128.load(c1); x11 = v128.load(c1, 16)
    x20 = v128.load(c2); x21 = v128.load(c2, 16)
    x30 = v128.load(c3); x31 = v128.load(c3, 16)
  } else if (from == 2) {
    x00 = v128.load(bias); x01 = v128.load(bias, 16)
    x10 = x00; x20 = x00; x30 = x00
    x11 = x01; x21 = x01; x31 = x01
  }
  const end = b + (<usize>depth << 5)
  while (true) {
    {
      const p = v128.load(b), q = v128.load(b, 16)
      const s0 = v128.load_splat<f32>(a), s1 = v128.load_splat<f32>(a, 4)
      const s2 = v128.load_splat<f32>(a, 8), s3 = v128.load_splat<f32>(a, 12)
      x00 = madd(s0, p, x00); x01 = madd(s0, q, x01)
      x10 = madd(s1, p, x10); x11 = madd(s1, q, x11)
      x20 = madd(s2, p, x20); x21 = madd(s2, q, x21)
      x30 = madd(s3, p, x30); x31 = madd(s3, q, x31)
    }
    if (b + 32 >= end) break
    {
      const p = v128.load(b, 32), q = v128.load(b, 48)
      const s0 = v128.load_splat<f32>(a, 16), s1 = v128.load_splat<f32>(a, 20)
      const s2 = v128.load_splat<f32>(a, 24), s3 = v128.load_splat<f32>(a, 28)
      x00 = madd(s0, p, x00); x01 = madd(s0, q, x01)
      x10 = madd(s1, p, x10); x11 = madd(s1, q, x11)
      x20 = madd(s2, p, x20); x21 = madd(s2, q, x21)
      x30 = madd(s3, p, x30); x31 = madd(s3, q, x31)
    }
    b += 64
    a += 32
    if (b >= end) break
  }
  v128.store(c, x00); v128.store(c, x01, 16)
  v128.store(c1, x10); v128.store(c1, x11, 16)
  v128.store(c2, x20); v128.store(c2, x21, 16)
  v128.store(c3, x30); v128.store(c3, x31, 16)
}

/** The same for a tile [6,8], a packed [depth,6]. */
function tallTile(c: usize, cs: usize, a: usize, b: usize, depth: i32, from: i32, bias: usize): void {
  const c1 = c + cs, c2 = c1 + cs, c3 = c2 + cs, c4 = c3 + cs, c5 = c4 + cs
  let x00 = f32x4.splat(0), x01 = x00, x10 = x00, x11 = x00, x20 = x00, x21 = x00
  let x30 = x00, x31 = x00, x40 = x00, x41 = x00, x50 = x00, x51 = x00
  if (from == 1) {
    x00 = v128.load(c); x01 = v128.load(c, 16)
    x10 = v128.load(c1); x11 = v128.load(c1, 16)
    x20 = v128.load(c2); x21 = v128.load(c2, 16)
    x30 = v128.load(c3); x31 = v128.load(c3, 16)
    x40 = v128.load(c4); x41 = v128.load(c4, 16)
    x50 = v128.load(c5); x51 = v128.load(c5, 16)
  } else if (from == 2) {
    x00 = v128.load(bias); x01 = v128.load(bias, 16)
    x10 = x00; x20 = x00; x30 = x00; x40 = x00; x50 = x00
    x11 = x01; x21 = x01; x31 = x01; x41 = x01; x51 = x01
  }
  for (const end = b + (<usize>depth << 5); b < end; b += 32) {
    const p = v128.load(b), q = v128.load(b, 16)
    const s0 = v128.load_splat<f32>(a), s1 = v128.load_splat<f32>(a, 4), s2 = v128.load_splat<f32>(a, 8)
    x00 = madd(s0, p, x00); x01 = madd(s0, q, x01)
    x10 = madd(s1, p, x10); x11 = madd(s1, q, x11)
    x20 = madd(s2, p, x20); x21 = madd(s2, q, x21)
    const s3 = v128.load_splat<f32>(a, 12), s4 = v128.load_splat<f32>(a, 16), s5 = v128.load_splat<f32>(a, 20)
    x30 = madd(s3, p, x30); x31 = madd(s3, q, x31)
    x40 = madd(s4, p, x40); x41 = madd(s4, q, x41)
    x50 = madd(s5, p, x50); x51 = madd(s5, q, x51)
    a += 24
  }
  v128.store(c, x00); v128.store(c, x01, 16)
  v128.store(c1, x10); v128.store(c1, x11, 16)
  v128.store(c2, x20); v128.store(c2, x21, 16)
  v128.store(c3, x30); v128.store(c3, x31, 16)
  v128.store(c4, x40); v128.store(c4, x41, 16)
  v128.store(c5, x50); v128.store(c5, x51, 16)
}

/** Rows of the next tile, of which `rows` are left. */
@inline
function tileRows(rows: i32): i32 {
  return ASC_FEATURE_RELAXED_SIMD && rows > 4 ? 6 : 4
}

/** dst[depth, width] = `depth` rows of src, `stride` bytes apart, their first `cols` of `width` (4, 6 or 8) floats; the rest 0. */
function packRows(dst: usize, width: i32, src: usize, stride: usize, depth: i32, cols: i32): void {
  const end = src + <usize>depth * stride
  if (cols == 8) {
    for (; src < end; src += stride) {
      const p = v128.load(src), q = v128.load(src, 16)
      v128.store(dst, p)
      v128.store(dst, q, 16)
      dst += 32
    }
  } else if (ASC_FEATURE_RELAXED_SIMD && cols == 6 && width == 6) {
    for (; src < end; src += stride) {
      v128.store(dst, v128.load(src))
      v128.store_lane<f64>(dst, v128.load64_zero(src, 16), 0, 16)
      dst += 24
    }
  } else if (cols == width) {
    for (; src < end; src += stride) {
      v128.store(dst, v128.load(src))
      dst += 16
    }
  } else {
    for (; src < end; src += stride) {
      for (let i = 0; i < width; i++) store<f32>(dst + (<usize>i << 2), i < cols ? load<f32>(src + (<usize>i << 2)) : 0)
      dst += <usize>width << 2
    }
  }
}

/**
 * dst[depth, width] = transpose of `cols` (of `width`, 4, 6 or 8) rows of src, `stride` bytes apart; the rest 0.
 * Columns go by fours, the last ones first: of width 6 they write two floats too many, into the next row's first.
 */
function packColumns(dst: usize, width: i32, src: usize, stride: usize, depth: i32, cols: i32): void {
  const step = <usize>width << 2
  for (let j = (width - 1) & ~3; j >= 0; j -= 4) {
    // rows past the last repeat it; what they wrote is zeroed at the end
    const s0 = src + <usize>min(j, cols - 1) * stride, s1 = src + <usize>min(j + 1, cols - 1) * stride
    const s2 = src + <usize>min(j + 2, cols - 1) * stride, s3 = src + <usize>min(j + 3, cols - 1) * stride
    let d = dst + (<usize>j << 2)
    let o: usize = 0
    const whole = <usize>(depth & ~3) << 2, end = <usize>depth << 2
    for (; o < whole; o += 16) {
      const r0 = v128.load(s0 + o), r1 = v128.load(s1 + o), r2 = v128.load(s2 + o), r3 = v128.load(s3 + o)
      const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), t1 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5)
      const t2 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7), t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7)
      v128.store(d, v128.shuffle<f32>(t0, t1, 0, 1, 4, 5))
      d += step
      v128.store(d, v128.shuffle<f32>(t0, t1, 2, 3, 6, 7))
      d += step
      v128.store(d, v128.shuffle<f32>(t2, t3, 0, 1, 4, 5))
      d += step
      v128.store(d, v128.shuffle<f32>(t2, t3, 2, 3, 6, 7))
      d += step
    }
    for (; o < end; o += 4) {
      store<f32>(d, load<f32>(s0 + o))
      store<f32>(d, load<f32>(s1 + o), 4)
      store<f32>(d, load<f32>(s2 + o), 8)
      store<f32>(d, load<f32>(s3 + o), 12)
      d += step
    }
  }
  for (let i = cols; i < width; i++) {
    let d = dst + (<usize>i << 2)
    for (let k = 0; k < depth; k++) {
      store<f32>(d, 0)
      d += step
    }
  }
}

/** Copies `cols` (1..8) floats of `rows` rows from a row stride to another. */
function moveTile(dst: usize, ds: usize, src: usize, ss: usize, rows: i32, cols: i32): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) store<f32>(dst + (<usize>j << 2), load<f32>(src + (<usize>j << 2)))
    dst += ds
    src += ss
  }
}

/** Multiply-adds. */
export function productWork(p: usize): f64 {
  return <f64>load<i32>(p, 16) * <f64>load<i32>(p, 20) * <f64>load<i32>(p, 24)
}

/**
 * words: c, a, b, bias (0: none), M, N, K, flags, fn, alpha (f32), scratch
 * A part is a range of columns or of rows, of whole tiles: the longer side is cut, since each part packs all of the
 * other's matrix. applyUnary: the function table index of that function of the core.
 */
export function productPart(p: usize, part: i32, parts: i32, applyUnary: u32): void {
  const c = <usize>load<u32>(p), a = <usize>load<u32>(p, 4), b = <usize>load<u32>(p, 8), bias = <usize>load<u32>(p, 12)
  const M = load<i32>(p, 16), N = load<i32>(p, 20), K = load<i32>(p, 24), flags = load<i32>(p, 28)
  const fn = load<i32>(p, 32)
  const transposeA = (flags & MATMUL_TRANSPOSE_A) != 0, transposeB = (flags & MATMUL_TRANSPOSE_B) != 0
  const cs = <usize>N << 2 // row strides, bytes
  const as = <usize>(transposeA ? M : K) << 2, bs = <usize>(transposeB ? K : N) << 2
  const depthBlocks = (K + BLOCK_DEPTH - 1) / BLOCK_DEPTH
  const depthStep = (K + depthBlocks - 1) / depthBlocks
  let rowStart = 0, rowEnd = M, colStart = 0, colEnd = N
  if (N >= M) {
    colStart = partStart(N, 16, part, parts) // 16 floats: a cache line
    colEnd = partStart(N, 16, part + 1, parts)
  } else {
    rowStart = partStart(M, 12, part, parts)
    rowEnd = partStart(M, 12, part + 1, parts)
  }
  // the planned buffer is the first thread's, and for tiles of 4 rows
  const ownScratch = ASC_FEATURE_RELAXED_SIMD || part > 0
  const edge = ownScratch ? <usize>load<u32>(JOB_SCRATCH) + part * MATMUL_SCRATCH_BYTES : <usize>load<u32>(p, 40)
  const panel = edge + (ASC_FEATURE_RELAXED_SIMD ? 192 : 128) // B [depthStep, 8], behind one tile of C for the ragged edges
  const tiles = panel + (<usize>depthStep << 5) // A, tiles of [depthStep, 4 or 6]

  for (let m0 = rowStart; m0 < rowEnd; m0 += BLOCK_ROWS) {
    const rowsInBlock = min(BLOCK_ROWS, rowEnd - m0)
    for (let k0 = 0; k0 < K; k0 += depthStep) {
      const depth = min(depthStep, K - k0)
      const from = k0 > 0 || flags & MATMUL_ACCUMULATE ? 1 : bias ? 2 : 0
      let ai = tiles
      for (let i = 0; i < rowsInBlock; ) {
        const width = tileRows(rowsInBlock - i)
        const rows = min(width, rowsInBlock - i)
        if (transposeA) packRows(ai, width, a + <usize>k0 * as + (<usize>(m0 + i) << 2), as, depth, rows)
        else packColumns(ai, width, a + <usize>(m0 + i) * as + (<usize>k0 << 2), as, depth, rows)
        ai += <usize>(depth * width) << 2
        i += width
      }
      for (let j = colStart; j < colEnd; j += 8) {
        const cols = min(8, colEnd - j)
        const bj = <usize>j << 2
        if (transposeB) packColumns(panel, 8, b + <usize>j * bs + (<usize>k0 << 2), bs, depth, cols)
        else packRows(panel, 8, b + <usize>k0 * bs + bj, bs, depth, cols)
        let ci = c + <usize>m0 * cs + bj
        ai = tiles
        for (let i = 0; i < rowsInBlock; ) {
          const width = tileRows(rowsInBlock - i)
          const rows = min(width, rowsInBlock - i)
          const isWhole = rows == width && cols == 8
          const d = isWhole ? ci : edge, ds = isWhole ? cs : 32
          if (!isWhole && from == 1) moveTile(edge, 32, ci, cs, rows, cols)
          if (ASC_FEATURE_RELAXED_SIMD && width == 6) tallTile(d, ds, ai, panel, depth, from, bias + bj)
          else tile(d, ds, ai, panel, depth, from, bias + bj)
          if (!isWhole) moveTile(ci, cs, edge, 32, rows, cols)
          ci += cs * width
          ai += <usize>(depth * width) << 2
          i += width
        }
      }
    }
    if (fn != FN_LINEAR) {
      const alpha = load<f32>(p, 36)
      const isWide = colEnd - colStart == N
      const runs = isWide ? 1 : rowsInBlock, count = isWide ? rowsInBlock * N : colEnd - colStart
      let d = c + <usize>m0 * cs + (<usize>colStart << 2)
      for (let i = 0; i < runs; i++) {
        call_indirect<void>(applyUnary, d, d, <u32>count, fn, alpha)
        d += cs
      }
    }
  }
}
