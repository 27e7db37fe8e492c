// Convolutions of images by windows of 3x3 cells that move by one cell, and their two gradients, with 16 multiplications for
// four cells of the result in place of 36 (Winograd 1980; Lavin and Gray 2016), * being element by element:
//   y tile [2, 2] = A^T ((G w G^T) * (B^T x B)) A     x tile [4, 4], w [3, 3]
//   dw [3, 3] = G^T (sum over tiles of (A dy A^T) * (B^T x B)) G
//     A^T = 1 1  1  0     B^T = 1  0 -1  0     G =  1   0   0
//           0 1 -1 -1           0  1  1  0         1/2  1/2 1/2
//                               0 -1  1  0         1/2 -1/2 1/2
//                               0  1  0 -1          0   0   1
// dx is the y of dy and of w with its taps turned round and its channels exchanged, so the words describe that convolution.
// Over channels each of the 16 is a matrix product of the core's: for a block of rows of tiles [tiles, C] . [C, F], for dw
// [C, tiles] . [tiles, F]. What lies outside of x or dy is 0; what a tile has outside of the result isn't stored.
//
// Operands: CONV_* of abi.ts. BLOCK: rows of tiles. PATCHES: 16 planes [tiles, C] of x, 16 of dy or of products [tiles, F], room
// for 20 cells; KERNEL_PART: 16 planes [C, F] of w; ROWS_PART: those of the sum for dw. C and F are 4 or
// more. Over threads, a part of y and of dx is a range of rows of tiles; dw is made of ranges of samples, as in convolution.ts,
// each a sum over blocks; above LONG_DEPTH tiles the sums of ranges so long are added by long-sum.ts.
// Error: the root of its mean square is below 5e-7 of the results' own, for normal numbers of any mean and up to 256 channels
// (2e-7 for 16, 4.3e-7 for 256); infinities and numbers near them make NaN in a whole tile.
// Float64 reference: test/reference/kernels/convolution.ts
import {
  AXIS_BEFORE, AXIS_OUTPUT, AXIS_SIZE, CONV_A, CONV_B, CONV_BIAS, CONV_BLOCK, CONV_C, CONV_DST, CONV_F, CONV_FN, CONV_HEIGHT,
  CONV_KERNEL_PART, CONV_LONG, CONV_PATCHES, CONV_ROWS_PART, CONV_SAMPLES, CONV_TILED, CONV_WIDTH,
  FN_LINEAR, LONG_DEPTH, MATMUL_ACCUMULATE, MATMUL_ROWS, MATMUL_TRANSPOSE_A,
  MATMUL_TRANSPOSE_B,
} from '../abi'
import { FLOAT_WORK, split } from '../parallel'
import { clearLoose, copyLoose, multiply, weightBytes, wordsOf } from './convolution-words'
import { fold } from './long-sum'

// The transforms of tiles
const IMAGE = 0 // B^T x B
const RESULT = 1 // A^T m A
const GRAD = 2 // A dy A^T
// and of taps
const KERNEL = 3 // G w G^T
const SUM = 4 // G^T m G

/** Bytes of a plane of `floats`: whole cache lines, and an odd number, so that 16 planes lie in different sets of the cache. */
@inline
function planeOf(floats: i32): usize {
  return <usize>((floats + 15 >> 4) | 1) << 6
}

/** The two planes of a block, of x and of dy or of products, are alike. */
@inline
function planeOfBlock(p: usize): usize {
  return planeOf(load<i32>(p, CONV_BLOCK) * tilesOf(p + CONV_WIDTH) * max(load<i32>(p, CONV_C), load<i32>(p, CONV_F)))
}

/** Those of w or dw lie one after the other. */
@inline
function planeOfKernel(p: usize): usize {
  return <usize>(load<i32>(p, CONV_C) * load<i32>(p, CONV_F)) << 2
}

/** Tiles along an axis. */
@inline
function tilesOf(axis: usize): i32 {
  return load<i32>(axis, AXIS_OUTPUT) + 1 >> 1
}

/** Room for 20 cells behind the planes of a block. */
@inline
function spareOf(p: usize): usize {
  return <usize>load<u32>(p, CONV_PATCHES) + 32 * planeOfBlock(p)
}

@inline
function half(x: v128): v128 {
  return f32x4.mul(x, f32x4.splat(0.5))
}

/** a - c, b + c, c - b, b - d in four planes. */
@inline
function storeRow(v: usize, plane: usize, a: v128, b: v128, c: v128, d: v128): void {
  v128.store(v, f32x4.sub(a, c))
  v128.store(v + plane, f32x4.add(b, c))
  v128.store(v + 2 * plane, f32x4.sub(c, b))
  v128.store(v + 3 * plane, f32x4.sub(b, d))
}

/** v = B^T x B of a tile, whose rows lie `line` bytes apart. */
function transformImage(x: usize, line: usize, cell: usize, v: usize, plane: usize): void {
  for (let i: usize = 0; i < cell; i += 16) {
    const o = min(i, cell - 16) // the last four channels may have been made already
    let at = x + o, to = v + o
    const a0 = v128.load(at), b0 = v128.load(at + cell), c0 = v128.load(at + 2 * cell), d0 = v128.load(at + 3 * cell)
    at += line
    const a1 = v128.load(at), b1 = v128.load(at + cell), c1 = v128.load(at + 2 * cell), d1 = v128.load(at + 3 * cell)
    at += line
    const a2 = v128.load(at), b2 = v128.load(at + cell), c2 = v128.load(at + 2 * cell), d2 = v128.load(at + 3 * cell)
    at += line
    storeRow(to, plane, f32x4.sub(a0, a2), f32x4.sub(b0, b2), f32x4.sub(c0, c2), f32x4.sub(d0, d2))
    to += 4 * plane
    storeRow(to, plane, f32x4.add(a1, a2), f32x4.add(b1, b2), f32x4.add(c1, c2), f32x4.add(d1, d2))
    to += 4 * plane
    storeRow(to, plane, f32x4.sub(a2, a1), f32x4.sub(b2, b1), f32x4.sub(c2, c1), f32x4.sub(d2, d1))
    to += 4 * plane
    const a3 = v128.load(at), b3 = v128.load(at + cell), c3 = v128.load(at + 2 * cell), d3 = v128.load(at + 3 * cell)
    storeRow(to, plane, f32x4.sub(a1, a3), f32x4.sub(b1, b3), f32x4.sub(c1, c3), f32x4.sub(d1, d3))
  }
}

/** y = A^T m A of a tile, whose rows lie `line` bytes apart; 0: there is one. `right`: from a cell to the next; 0 likewise. */
function transformResult(m: usize, plane: usize, cell: usize, y: usize, line: usize, right: usize): void {
  for (let i: usize = 0; i < cell; i += 16) {
    const o = min(i, cell - 16), at = y + o
    let from = m + o
    const a0 = v128.load(from), b0 = v128.load(from + plane), c0 = v128.load(from + 2 * plane), d0 = v128.load(from + 3 * plane)
    from += 4 * plane
    const a1 = v128.load(from), b1 = v128.load(from + plane), c1 = v128.load(from + 2 * plane), d1 = v128.load(from + 3 * plane)
    from += 4 * plane
    const a2 = v128.load(from), b2 = v128.load(from + plane), c2 = v128.load(from + 2 * plane), d2 = v128.load(from + 3 * plane)
    from += 4 * plane
    const a3 = v128.load(from), b3 = v128.load(from + plane), c3 = v128.load(from + 2 * plane), d3 = v128.load(from + 3 * plane)
    // the first row and cell are written last
    storeResult(
      at + line, right, f32x4.sub(f32x4.sub(a1, a2), a3), f32x4.sub(f32x4.sub(b1, b2), b3),
      f32x4.sub(f32x4.sub(c1, c2), c3), f32x4.sub(f32x4.sub(d1, d2), d3),
    )
    storeResult(
      at, right, f32x4.add(a0, f32x4.add(a1, a2)), f32x4.add(b0, f32x4.add(b1, b2)),
      f32x4.add(c0, f32x4.add(c1, c2)), f32x4.add(d0, f32x4.add(d1, d2)),
    )
  }
}

/** a + b + c, b - c - d in two cells. */
@inline
function storeResult(y: usize, right: usize, a: v128, b: v128, c: v128, d: v128): void {
  v128.store(y + right, f32x4.sub(f32x4.sub(b, c), d))
  v128.store(y, f32x4.add(a, f32x4.add(b, c)))
}

/** Three or two of a row or column of cells of `bytes`, `step` bytes apart, through G, A or G^T: to cells `to` bytes apart. */
function line(kind: i32, src: usize, step: usize, dst: usize, to: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) {
    const o = min(i, bytes - 16), at = src + o, out = dst + o
    const x = v128.load(at), y = v128.load(at + step)
    let p = x, q = f32x4.add(x, y), r = f32x4.sub(x, y)
    if (kind == GRAD) {
      v128.store(out + 3 * to, f32x4.neg(y))
    } else {
      const z = v128.load(at + 2 * step)
      if (kind == KERNEL) {
        const outer = half(f32x4.add(x, z)), inner = half(y)
        q = f32x4.add(outer, inner)
        r = f32x4.sub(outer, inner)
        v128.store(out + 3 * to, z)
      } else {
        const both = half(f32x4.add(y, z))
        p = f32x4.add(x, both)
        q = half(f32x4.sub(y, z))
        r = f32x4.add(both, v128.load(at + 3 * step))
      }
    }
    v128.store(out, p)
    v128.store(out + to, q)
    v128.store(out + 2 * to, r)
  }
}

/**
 * `from` x `from` cells through both sides of such a transform, to `rows` rows of cells. Cell (i, j) lies at src + i * down +
 * j * right. `spare`: room for 16 cells.
 */
function square(
  kind: i32, from: usize, src: usize, down: usize, right: usize, rows: i32, dst: usize, below: usize, beside: usize,
  bytes: usize, spare: usize,
): void {
  for (let j: usize = 0; j < from; j++) line(kind, src + right * j, down, spare + bytes * j, 4 * bytes, bytes)
  for (let i = 0; i < rows; i++) {
    line(kind, spare, bytes, dst, beside, bytes)
    spare += 4 * bytes
    dst += below
  }
}

/** `count` rows of [C, F]: from the nine taps of w to 16 planes (KERNEL), or from these to the taps of dw (SUM). */
function transformTaps(
  p: usize, kind: i32, count: i32, src: usize, from: usize, step: usize, dst: usize, rows: i32, to: usize,
): void {
  const cell = <usize>load<i32>(p, CONV_F) << 2
  for (; count > 0; count--) {
    square(kind, from, src, step * from, step, rows, dst, to * rows, to, cell, spareOf(p))
    src += cell
    dst += cell
  }
}

/** `count` rows of tiles from `row` on: of x or dy to 16 planes [tiles, channels]; of y, with the function of the words, from these. */
function transformTiles(p: usize, kind: i32, planes: usize, row: i32, count: i32): void {
  let channels = load<i32>(p, CONV_F), axes = p + AXIS_OUTPUT, top = 0, left = 0
  let image = <usize>(kind == GRAD ? load<u32>(p, CONV_B) : load<u32>(p, CONV_DST))
  if (kind == IMAGE) {
    channels = load<i32>(p, CONV_C)
    axes = p + AXIS_SIZE
    top = load<i32>(p, CONV_HEIGHT + AXIS_BEFORE)
    left = load<i32>(p, CONV_WIDTH + AXIS_BEFORE)
    image = load<u32>(p, CONV_A)
  }
  const H = load<i32>(axes, CONV_HEIGHT), W = load<i32>(axes, CONV_WIDTH), cols = tilesOf(p + CONV_WIDTH)
  const cell = <usize>channels << 2, plane = planeOfBlock(p), size = kind == IMAGE ? 4 : 2
  const rows = tilesOf(p + CONV_HEIGHT), edge = spareOf(p)
  for (const end = row + count; row < end; row++) {
    const h = 2 * (row % rows) - top
    let at = image + <usize>((row / rows * H + h) * W - left) * cell
    for (let w = -left, behind = 2 * cols - left; w < behind; w += 2) {
      let from = at, line = cell * W
      if (kind == RESULT) {
        transformResult(planes, plane, cell, at, h + 1 < H ? line : 0, w + 1 < W ? cell : 0)
      } else {
        if (h < 0 || w < 0 || h + size > H || w + size > W) {
          // a copy, between zeros
          let to = edge
          for (let i = 0; i < size; i++) {
            for (let j = 0; j < size; j++) {
              const isIn = <u32>(h + i) < <u32>H && <u32>(w + j) < <u32>W
              if (isIn) copyLoose(to, at + line * i + cell * j, cell)
              else clearLoose(to, cell)
              to += cell
            }
          }
          from = edge
          line = cell * size
        }
        if (kind == IMAGE) transformImage(from, line, cell, planes, plane)
        else square(kind, 2, from, line, cell, 4, planes, 4 * plane, plane, cell, edge + 4 * cell)
      }
      planes += cell
      at += 2 * cell
    }
    if (kind != RESULT || load<i32>(p, CONV_FN) == FN_LINEAR) continue
    // a product of depth 0 applies the function, and does nothing else
    const y = at - 2 * cell * cols, floats = min(2, H - h) * W * channels
    multiply(p, y, 0, 0, 1, floats, 0, MATMUL_ROWS, 0, load<u64>(p, CONV_FN))
  }
}

/** 16 products, of each plane. */
function products(
  p: usize, c: usize, a: usize, b: usize, M: i32, N: i32, K: i32, cPlane: usize, bPlane: usize, flags: i32,
): void {
  const aPlane = planeOfBlock(p)
  for (let i = 0; i < 16; i++) {
    // the product in the middle of A^T m A, plane 5, has a factor of 1 in each of the four results
    multiply(p, c, a, b, M, N, K, flags, i == 5 ? <usize>load<u32>(p, CONV_BIAS) : 0, 0)
    c += cPlane
    a += aPlane
    b += bPlane
  }
}

/** words: y, x, w, ...; or dx, dy, w, ... */
export function winograd(p: usize): void {
  split(kernelPart.index, p, load<i32>(p, CONV_C), 1, 4 * FLOAT_WORK * <f64>load<i32>(p, CONV_F))
  const work = 4 * <f64>tilesOf(p + CONV_WIDTH) * <f64>planeOfKernel(p)
  split(winogradPart.index, p, load<i32>(p, CONV_SAMPLES) * tilesOf(p + CONV_HEIGHT), 1, work)
}

/** The planes of w, of channels `from` to `end`. */
function kernelPart(words: usize, from: i32, end: i32, part: i32): void {
  const p = wordsOf(words, part), row = <usize>(from * load<i32>(p, CONV_F)) << 2, plane = planeOfKernel(p)
  let w = <usize>load<u32>(p, CONV_B) + row, tap = plane
  if (load<i32>(p, CONV_TILED) & MATMUL_TRANSPOSE_B) {
    w += 8 * tap
    tap = 0 - tap
  }
  transformTaps(p, KERNEL, end - from, w, 3, tap, <usize>load<u32>(p, CONV_KERNEL_PART) + row, 4, plane)
}

function winogradPart(words: usize, row: i32, end: i32, part: i32): void {
  const p = wordsOf(words, part), block = load<i32>(p, CONV_BLOCK), C = load<i32>(p, CONV_C), F = load<i32>(p, CONV_F)
  const x = <usize>load<u32>(p, CONV_PATCHES), plane = planeOfBlock(p), m = x + 16 * plane
  for (; row < end; row += block) {
    const count = min(block, end - row), u = <usize>load<u32>(p, CONV_KERNEL_PART)
    transformTiles(p, IMAGE, x, row, count)
    const flags = load<i32>(p, CONV_TILED) & MATMUL_TRANSPOSE_B
    products(p, m, x, u, count * tilesOf(p + CONV_WIDTH), F, C, plane, planeOfKernel(p), flags)
    transformTiles(p, RESULT, m, row, count)
  }
}

/** dw of samples `from` to `end`. */
export function winogradWeightGrad(p: usize, dw: usize, from: i32, end: i32): void {
  const block = load<i32>(p, CONV_BLOCK), C = load<i32>(p, CONV_C), F = load<i32>(p, CONV_F)
  const rows = tilesOf(p + CONV_HEIGHT), cols = tilesOf(p + CONV_WIDTH)
  const bytes = weightBytes(p), plane = planeOfBlock(p), sumPlane = planeOfKernel(p)
  const long = <usize>load<u32>(p, CONV_LONG), cut = long + (bytes + 63 & ~63), m = <usize>load<u32>(p, CONV_ROWS_PART)
  const x = <usize>load<u32>(p, CONV_PATCHES), dy = x + 16 * plane
  end *= rows
  let row = from * rows, to = dw, summed = 0
  while (row < end) {
    const count = min(block, end - row)
    transformTiles(p, IMAGE, x, row, count)
    transformTiles(p, GRAD, dy, row, count)
    const flags = MATMUL_TRANSPOSE_A | (summed ? MATMUL_ACCUMULATE : 0)
    products(p, m, x, dy, C, F, count * cols, sumPlane, plane, flags)
    row += count
    summed += count * cols
    if (row < end && summed < LONG_DEPTH) continue
    transformTaps(p, SUM, C, m, 4, sumPlane, to, 3, sumPlane)
    if (to != dw) fold(dw, long, cut, bytes)
    else if (row < end) memory.fill(cut, 0, bytes)
    to = long
    summed = 0
  }
}
