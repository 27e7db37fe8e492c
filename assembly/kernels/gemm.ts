// C[M,N] = act(op(A)[M,K] . op(B)[K,N] + bias[N]), or C += op(A).op(B).
// op(A) is A stored [M,K], or its transpose with A stored [K,M]; op(B) is B stored [K,N] or [N,K].
//
// Scheme (Goto and van de Geijn 2008): depth is cut in blocks of BLOCK_DEPTH, rows in blocks of BLOCK_ROWS. Each panel of B
// is copied to 8 contiguous columns (zeros beyond the edges); it stays in L1 while all row tiles of the block pass over
// it. A is read where it lies, or from rows made of its columns; a block of it stays in L2.
// A may be a list of rows anywhere, each made of runs (MATMUL_ROWS): patches of an image, which needn't be copied for it.
// C must overlap neither A, B nor bias. Where K is 0 and MATMUL_ROWS is set, C keeps its numbers and its function alone is applied.
//
// The order of summation depends on K alone: the same bits for any M and N, and for any part of C that a thread computes.
// A sum is the sum, from C or 0 on, of those of chains: up to CHAIN_DEPTH products added up from 0, the first from the bias
// (chainOf; of a list of rows, the runs). Above LONG_DEPTH (MATMUL_LONG) it is that of ranges so deep, added by long-sum.ts.
// So no more than 128 + 32 additions round one after the other, whatever K. Relative error, of terms
// of one sign: 3e-7 of random ones, at most 2.5e-6 of equal ones, whose errors add up.
// Tiles have 5 rows, or 6 with fused multiply-adds; the rows that are left have tiles of 4.
// Float64 reference: test/reference/ops.ts
import {
  BLOCK_DEPTH, BLOCK_ROWS, CHAIN_DEPTH, EDGE_BYTES, FN_LINEAR, JOB_SCRATCH, LONG_DEPTH, MATMUL_A, MATMUL_ACCUMULATE,
  MATMUL_ADD_COLUMNS, MATMUL_ALPHA, MATMUL_B, MATMUL_BIAS, MATMUL_C, MATMUL_COPY_A, MATMUL_FLAGS, MATMUL_FN, MATMUL_K,
  MATMUL_LONG, MATMUL_M, MATMUL_N,
  MATMUL_OFFSETS, MATMUL_PART_SHIFT, MATMUL_ROWS, MATMUL_RUN, MATMUL_SCRATCH, MATMUL_SCRATCH_BYTES, MATMUL_SMALL_WORK, MATMUL_SUMS,
  MATMUL_TRANSPOSE_A, MATMUL_TRANSPOSE_B, ROWS_BYTES, ROWS_SPARE, SCRATCH_GAP, TILE_ROWS,
} from '../abi'
import { partStart } from '../parallel'
import { listRows, packFour, packPanel } from './gemm-pack'
import { cutTile, passRuns, SHORT_RUN, TALL, ZEROS } from './gemm-passes'
import { addColumns, columnProduct, rowProduct, smallProduct } from './gemm-thin'
import { packingTile } from './gemm-tiles'
import { fold } from './long-sum'

/** Rows from which a gradient is cut by rows. */
const LEAST_ROWS = 128

/** Floats of every product's scratch in front of its panel. */
const THIN_COLS = (EDGE_BYTES + 2 * ROWS_BYTES) / 4

/** How many of `rows` rows have tall tiles. The others have tiles of 4: whole ones where all rows are so many fives and fours. */
@inline
function tallRows(rows: i32): i32 {
  const others = ASC_FEATURE_RELAXED_SIMD ? rows % 6 : (5 - rows % 5) % 5 * 4
  return max(rows - others, 0)
}

/** Multiply-adds: below 2^45, since each of the matrices fits the memory. */
@inline
export function productWork(p: usize): i64 {
  return <i64>load<i32>(p, MATMUL_M) * load<i32>(p, MATMUL_N) * load<i32>(p, MATMUL_K)
}

/**
 * words: c, a, b, bias (0: none), M, N, K, flags, fn, alpha (f32), scratch; with MATMUL_ROWS a is the address of A's list:
 * u32 addresses of its rows as stored (ROWS_SPARE more at its end, of any row), and two words follow: the address of the
 * u32 offsets of a row's runs, and their depth, at most CHAIN_DEPTH. op(B) is B then. With MATMUL_LONG one word follows: the
 * address of two arrays like C, for the sums of a range and what rounding has cut off. With MATMUL_ADD_COLUMNS, which small
 * products alone have (smallWhole), one word: that of the sums of B's columns.
 * A part is a range of columns or of rows, of whole tiles: the longer side is cut, since each part packs all of the
 * other's matrix; of a large weight's gradient (A transposed) the rows, a range of memory like that of the update.
 * applyUnary: the function table index of that function of the core.
 */
export function productPart(p: usize, part: i32, parts: i32, applyUnary: u32): void {
  const M = load<i32>(p, MATMUL_M), N = load<i32>(p, MATMUL_N), flags = load<i32>(p, MATMUL_FLAGS)
  const isThin = M == 1 || N == 1
  let rowStart = 0, rowEnd = M, colStart = 0, colEnd = N
  if (parts > 1) {
    if (N >= M && !(M >= LEAST_ROWS && flags & MATMUL_TRANSPOSE_A)) {
      const unit = N < 64 ? 8 : 16 // panels; of many, cache lines
      colStart = partStart(N, unit, part, parts)
      colEnd = partStart(N, unit, part + 1, parts)
    } else {
      rowStart = partStart(M, TILE_ROWS, part, parts)
      rowEnd = partStart(M, TILE_ROWS, part + 1, parts)
    }
  }
  const own = part + (flags >> MATMUL_PART_SHIFT), planned = <usize>load<u32>(JOB_SCRATCH)
  const scratch = planned ? planned + own * (MATMUL_SCRATCH_BYTES + SCRATCH_GAP) : <usize>load<u32>(p, MATMUL_SCRATCH)
  const c = <usize>load<u32>(p, MATMUL_C), K = load<i32>(p, MATMUL_K)
  const depth = flags & MATMUL_LONG ? LONG_DEPTH : K
  const sums = <usize>load<u32>(p, MATMUL_SUMS), cut = sums + (<usize>(M * N) << 2)
  const isTiled = !isThin || (flags & MATMUL_ROWS) != 0, height = isTiled ? BLOCK_ROWS : M
  for (let m0 = rowStart; m0 < rowEnd; m0 += height) {
    const rows = min(height, rowEnd - m0)
    for (let k = 0; k < K; k += depth) {
      const behind = min(k + depth, K), to = k ? sums : c
      if (isTiled) tiledProduct(p, to, scratch, m0, rows, colStart, colEnd, k, behind)
      else thinProduct(p, to, scratch, rowStart + colStart, M == 1 ? colEnd : rowEnd, k, behind)
      if (!k) continue
      const bytes = <usize>(colEnd - colStart) << 2
      for (let i = m0; i < m0 + rows; i++) {
        const o = <usize>(i * N + colStart) << 2
        if (k == depth) memory.fill(cut + o, 0, bytes)
        fold(c + o, sums + o, cut + o, bytes)
      }
    }
    activate(p, m0, rows, colStart, colEnd, applyUnary)
  }
}

/**
 * Rows `m0` to `m0 + rows`, columns `colStart` to `colEnd` of c, which is C or like it: the sums over k from `from` to
 * `behind`; bias and what is in C belong to the first range. scratch: a tile of C for the ragged edges, addresses of
 * A's rows as stored and as packed, a panel of B [depthStep, 8], packed rows of A [rows + ROWS_SPARE, depthStep].
 */
function tiledProduct(
  p: usize, c: usize, scratch: usize, m0: i32, rows: i32, colStart: i32, colEnd: i32, from: i32, behind: i32,
): void {
  const a = <usize>load<u32>(p, MATMUL_A), b = <usize>load<u32>(p, MATMUL_B)
  const bias: usize = from ? 0 : <usize>load<u32>(p, MATMUL_BIAS)
  const M = load<i32>(p, MATMUL_M), N = load<i32>(p, MATMUL_N), K = load<i32>(p, MATMUL_K)
  const flags = load<i32>(p, MATMUL_FLAGS)
  const transposeA = (flags & MATMUL_TRANSPOSE_A) != 0, transposeB = (flags & MATMUL_TRANSPOSE_B) != 0
  const isListed = (flags & MATMUL_ROWS) != 0
  const cs = <usize>N << 2 // row strides, bytes
  const as = <usize>(transposeA ? M : K) << 2, bs = <usize>(transposeB ? K : N) << 2
  const stored = scratch + EDGE_BYTES, packedRows = stored + ROWS_BYTES
  const copiesA = (flags & MATMUL_COPY_A) != 0, isPacked = transposeA || copiesA
  const freeList = isPacked ? stored : packedRows // once A is packed
  const panel = packedRows + ROWS_BYTES
  const single = panel - 4 // the offset of the only run, where rows have no list of runs
  const zeros = panel - ZEROS
  v128.store(zeros, f32x4.splat(0))
  v128.store(zeros, f32x4.splat(0), 16)
  const runs = !transposeA && isListed ? K / load<i32>(p, MATMUL_RUN) : 1
  const chain = runs > 1 ? K / runs : chainOf(behind - from)
  // of runs too short for a tile each, a block is one chain
  const depthStep = min(behind - from, max(1, (chain < SHORT_RUN ? CHAIN_DEPTH : BLOCK_DEPTH) / chain) * chain)
  const packed = panel + (<usize>(depthStep + 3 & ~3) << 5)
  if (!isListed && !transposeA) listRows(stored, a + <usize>m0 * as, as, rows)

  for (let k0 = from; k0 < behind; k0 += depthStep) {
    const depth = min(depthStep, behind - k0)
    const adds = k0 > from || from == 0 && (flags & MATMUL_ACCUMULATE) != 0
    const runDepth = min(depth, chain)
    let tileRow = stored, offsets = single
    store<u32>(single, isPacked ? 0 : k0 << 2)
    if (isPacked) {
      packBlock(p, stored, packedRows, packed, k0, depth, m0, rows)
      tileRow = packedRows
    } else if (isListed) {
      tileRow = a + (<usize>m0 << 2)
      offsets = <usize>load<u32>(p, MATMUL_OFFSETS) + (<usize>(k0 / runDepth) << 2)
    }
    // the first tile of a panel packs it, if A's rows lie in one run
    const firstPacks = !transposeA && !transposeB && runs == 1 && rows >= 4
    for (let j = colStart; j < colEnd; j += 8) {
      const cols = min(8, colEnd - j)
      const bj = <usize>j << 2, block = b + <usize>k0 * bs + bj
      const d = bias && !adds ? bias + bj : zeros
      let ci = c + <usize>m0 * cs + bj, row = tileRow, i = 0
      if (firstPacks && cols == 8) {
        for (let k = 0; k < depth; k += chain) {
          const at = load<u32>(offsets) + (k << 2), b = panel + (<usize>k << 5), more = adds || k > 0
          packingTile(ci, cs, more ? zeros : d, more, row, at, block + <usize>k * bs, bs, b, min(chain, depth - k))
        }
        ci += cs << 2
        row += 16
        i = 4
      } else packPanel(panel, freeList, transposeB ? b + <usize>j * bs + (<usize>k0 << 2) : block, bs, transposeB, depth, cols)
      while (i < rows) {
        // whole tiles together; one that is cut goes through the scratch tile
        const left = rows - i, tall = cols == 8 && runDepth >= SHORT_RUN ? tallRows(left) : 0
        const isWhole = cols == 8 && left >= 4
        const count = tall || (isWhole ? left & ~3 : min(4, left))
        if (isWhole) passRuns(ci, cs, d, adds, row, offsets, runs, panel, depth, runDepth, count, tall > 0 ? TALL : 0)
        else cutTile(ci, cs, scratch, d, adds, row, offsets, runs, panel, depth, runDepth, count, cols)
        ci += cs * count
        row += <usize>count << 2
        i += count
      }
    }
  }
}

/** Additions of a chain: the same for all but the last; a multiple of 4 if there are several (packFour). */
@inline
function chainOf(K: i32): i32 {
  const chains = (K + CHAIN_DEPTH - 1) / CHAIN_DEPTH
  return chains > 1 ? (K + chains - 1) / chains + 3 & ~3 : K
}

/**
 * Lists at `packedRows` rows `m0` to `m0 + rows` of op(A), `depth` numbers of each from `k0` on, which it copies to `packed`:
 * columns of A as stored (in `stored` their rows are listed), or rows that lie far apart.
 */
function packBlock(
  p: usize, stored: usize, packedRows: usize, packed: usize, k0: i32, depth: i32, m0: i32, rows: i32,
): void {
  const a = <usize>load<u32>(p, MATMUL_A), flags = load<i32>(p, MATMUL_FLAGS)
  if (flags & MATMUL_TRANSPOSE_A) {
    const stride = <usize>load<i32>(p, MATMUL_M) << 2, isListed = (flags & MATMUL_ROWS) != 0
    if (!isListed) listRows(stored, a + <usize>k0 * stride, stride, depth)
    listRows(packedRows, packed, <usize>(depth + 3 & ~3) << 2, rows + ROWS_SPARE) // packFour writes whole fours
    packRuns(p, packedRows, isListed ? a + (<usize>k0 << 2) : stored, depth, m0, rows)
  } else {
    const stride = <usize>load<i32>(p, MATMUL_K) << 2, bytes = <usize>depth << 2
    for (let i = 0; i < rows; i++) memory.copy(packed + bytes * i, a + stride * (m0 + i) + (<usize>k0 << 2), bytes)
    listRows(packedRows, packed, bytes, rows)
  }
}

/** The rows listed at `out` = columns `m0` to `m0 + rows` of `depth` stored rows of A. */
function packRuns(p: usize, out: usize, table: usize, depth: i32, m0: i32, rows: i32): void {
  const isListed = (load<i32>(p, MATMUL_FLAGS) & MATMUL_ROWS) != 0
  const runDepth = isListed ? load<i32>(p, MATMUL_RUN) : load<i32>(p, MATMUL_M)
  const offsets = <usize>load<u32>(p, MATMUL_OFFSETS)
  for (let i = 0; i < rows; ) {
    const run = (m0 + i) / runDepth, within = m0 + i - run * runDepth
    const offset = (isListed ? load<u32>(offsets + (<usize>run << 2)) : 0) + (within << 2)
    packFour(out + (<usize>i << 2), table, offset, depth)
    i += min(4, runDepth - within) // what is written behind the last row of a run, the next run writes over
  }
}

/**
 * The whole of a product of `work` multiply-adds, and with MATMUL_ADD_COLUMNS the sums of B's columns, if the product is so
 * small that its packing, and asking whether to split it, would cost more. words: as productPart's. Whether it was.
 */
@inline
export function smallWhole(p: usize, work: i64, applyUnary: u32): bool {
  if (work > MATMUL_SMALL_WORK) return false
  const M = load<i32>(p, MATMUL_M), N = load<i32>(p, MATMUL_N), K = load<i32>(p, MATMUL_K)
  const flags = load<i32>(p, MATMUL_FLAGS)
  if (flags & MATMUL_ROWS) return false
  const transposeA = (flags & MATMUL_TRANSPOSE_A) != 0, adds = (flags & MATMUL_ACCUMULATE) != 0
  const c = <usize>load<u32>(p, MATMUL_C), a = <usize>load<u32>(p, MATMUL_A), b = <usize>load<u32>(p, MATMUL_B)
  const bias = <usize>load<u32>(p, MATMUL_BIAS)
  const isRow = M == 1, ai: usize = transposeA ? 4 : <usize>K << 2, ak: usize = transposeA ? <usize>M << 2 : 4
  if (!isRow && N > 1) {
    if (flags & MATMUL_TRANSPOSE_B && K > 1) return false // b must be contiguous along c's rows
    smallProduct(c, bias, adds, a, ai, ak, b, M, N, K)
  } else if (K > CHAIN_DEPTH) {
    return false
  } else if (isRow ? flags & MATMUL_TRANSPOSE_B : !transposeA) {
    const from = adds ? 1 : bias ? isRow ? 2 : 3 : 0
    columnProduct(c, isRow ? a : b, isRow ? b : a, <usize>K << 2, isRow ? N : M, K, K, from, bias)
  } else if (isRow || bias) {
    smallProduct(c, bias, adds, a, ai, ak, b, M, N, K)
  } else {
    smallProduct(c, 0, adds, b, 0, 4, a, 1, M, K) // the transpose: a row
  }
  if (flags & MATMUL_ADD_COLUMNS) call_indirect<void>(addColumns.index, load<u32>(p, MATMUL_SUMS), b, K, N)
  activate(p, 0, M, 0, N, applyUnary)
  return true
}

/**
 * A row, or a column (the transpose of the product of the transposes), from element `first` to `end`, of c, as in
 * tiledProduct.
 */
function thinProduct(p: usize, c: usize, scratch: usize, first: i32, end: i32, k0: i32, behind: i32): void {
  const a = <usize>load<u32>(p, MATMUL_A), b = <usize>load<u32>(p, MATMUL_B)
  const bias: usize = k0 ? 0 : <usize>load<u32>(p, MATMUL_BIAS)
  const M = load<i32>(p, MATMUL_M), N = load<i32>(p, MATMUL_N), flags = load<i32>(p, MATMUL_FLAGS)
  const isRow = M == 1, depth = behind - k0, chain = chainOf(depth), at = <usize>k0 << 2
  const x = (isRow ? a : b) + at, matrix = isRow ? b : a
  const from = !k0 && flags & MATMUL_ACCUMULATE ? 1 : bias ? isRow ? 2 : 3 : 0
  if (isRow ? flags & MATMUL_TRANSPOSE_B : !(flags & MATMUL_TRANSPOSE_A)) {
    const stride = <usize>load<i32>(p, MATMUL_K) << 2, o = <usize>first << 2
    const start = isRow ? bias + o : bias
    columnProduct(c + o, x, matrix + <usize>first * stride + at, stride, end - first, depth, chain, from, start)
    return
  }
  const stride = <usize>(isRow ? N : M) << 2
  // the scratch that every product has but what lies behind a panel; nothing to add up: none
  const width = depth > chain || from == 1 ? THIN_COLS + 8 * min(depth, BLOCK_DEPTH) : end - first
  for (; first < end; first += width) {
    const o = <usize>first << 2
    const n = min(width, end - first), start = isRow ? bias + o : bias
    rowProduct(c + o, x, matrix + <usize>k0 * stride + o, stride, n, depth, chain, from, start, scratch)
  }
}

/** C's rows and columns through the function of the words. */
function activate(p: usize, row: i32, rows: i32, colStart: i32, colEnd: i32, applyUnary: u32): void {
  const fn = load<i32>(p, MATMUL_FN)
  if (fn == FN_LINEAR) return
  const N = load<i32>(p, MATMUL_N), cols = colEnd - colStart
  const isWide = cols == N
  const runs = isWide ? 1 : rows, count = isWide ? rows * N : cols
  let d = <usize>load<u32>(p, MATMUL_C) + (<usize>(row * N + colStart) << 2)
  for (let i = 0; i < runs; i++) {
    call_indirect<void>(applyUnary, d, d, <u32>count, fn, load<f32>(p, MATMUL_ALPHA))
    d += <usize>N << 2
  }
}
