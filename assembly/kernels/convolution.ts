// Convolution over three axes, and its two gradients, as matrix products with patches:
//   patches[row, tap, c] = x[n, position * stride - before + tap * dilation, c], 0 outside; row: (n, output position)
//   y = patches . w      dw = patches^T . dy      dpatches = dy . w^T, each added where its patch came from
// x [N, D, H, W, C], w [kd, kh, kw, C / groups, F], y [N, OD, OH, OW, F]; 1-D and 2-D have axes of size 1. The product is
// the core's. For y and dw no patch is ever made: a block of rows is a list of addresses in the image (MATMUL_ROWS of
// gemm.ts), or in a copy of the lines it needs between zeros, where there is padding. dpatches are made for a block of rows at
// a time, so that they stay in L2.
// With several groups, a group's columns of w and of y's rows are copied to and from dense matrices.
//
// Where a word says so (CONV_TILED), y, dx and dw are made by winograd.ts.
//
// Operands: CONV_* of abi.ts. K = taps * C / groups. Over threads, a part of y and of dx is a range of samples. A small dw is
// the sum of those of several ranges of samples, as many for any number of threads; of a large one, which is one range, the
// product is split. Each is a sum over blocks of up to some hundred positions. With more than LONG_DEPTH positions, it is a sum
// over ranges of so many, added by long-sum.ts, in two arrays more (long sums). The error is that of gemm.ts.
// Float64 reference: test/reference/kernels/convolution.ts
import {
  AXIS_BEFORE, AXIS_DILATION, AXIS_KERNEL, AXIS_OUTPUT, AXIS_SIZE, AXIS_STRIDE, CONV_A, CONV_B, CONV_BIAS, CONV_BLOCK,
  CONV_C, CONV_DEPTH, CONV_DST, CONV_F, CONV_FN, CONV_GROUPS, CONV_HEIGHT, CONV_KERNEL_PART, CONV_LIST, CONV_LONG,
  CONV_OFFSETS, CONV_PATCHES, CONV_RANGES, CONV_ROWS_PART, CONV_RUN, CONV_SAMPLES, CONV_SUMS, CONV_TAPS, CONV_TILED,
  CONV_WIDTH, LONG_DEPTH, MATMUL_ACCUMULATE, MATMUL_ROWS, MATMUL_TRANSPOSE_A, MATMUL_TRANSPOSE_B, ROWS_SPARE,
} from '../abi'
import { storeTail } from '../lanes'
import { FLOAT_WORK, partStart, split } from '../parallel'
import { clearLoose, copyLoose, multiply, weightBytes, wordsOf } from './convolution-words'
import { fold } from './long-sum'
import { winograd, winogradWeightGrad } from './winograd'

/** dst += src, exactly `bytes`. */
@inline
function accumulate(dst: usize, src: usize, bytes: usize): void {
  let o: usize = 0
  for (; o + 16 <= bytes; o += 16) v128.store(dst + o, f32x4.add(v128.load(dst + o), v128.load(src + o)))
  for (; o < bytes; o += 4) store<f32>(dst + o, load<f32>(dst + o) + load<f32>(src + o))
}

/** dst[rows, cols] = src[rows, cols], rows `ds` and `ss` bytes apart. */
function copyColumns(dst: usize, ds: usize, src: usize, ss: usize, rows: i32, cols: i32): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j += 4) {
      const o = <usize>j << 2
      storeTail(dst + o, v128.load(src + o), cols - j)
    }
    dst += ds
    src += ss
  }
}

/** image += patches of `rows` output rows from `row` on, channels `from` to `from + count`. */
function scatter(p: usize, patch: usize, x: usize, row: i32, rows: i32, from: i32, count: i32): void {
  const C = load<i32>(p, CONV_C)
  const D = load<i32>(p, CONV_DEPTH + AXIS_SIZE), OD = load<i32>(p, CONV_DEPTH + AXIS_OUTPUT)
  const kd = load<i32>(p, CONV_DEPTH + AXIS_KERNEL)
  const sd = load<i32>(p, CONV_DEPTH + AXIS_STRIDE), dd = load<i32>(p, CONV_DEPTH + AXIS_DILATION)
  const pd = load<i32>(p, CONV_DEPTH + AXIS_BEFORE)
  const H = load<i32>(p, CONV_HEIGHT + AXIS_SIZE), OH = load<i32>(p, CONV_HEIGHT + AXIS_OUTPUT)
  const kh = load<i32>(p, CONV_HEIGHT + AXIS_KERNEL)
  const sh = load<i32>(p, CONV_HEIGHT + AXIS_STRIDE), dh = load<i32>(p, CONV_HEIGHT + AXIS_DILATION)
  const ph = load<i32>(p, CONV_HEIGHT + AXIS_BEFORE)
  const W = load<i32>(p, CONV_WIDTH + AXIS_SIZE), OW = load<i32>(p, CONV_WIDTH + AXIS_OUTPUT)
  const kw = load<i32>(p, CONV_WIDTH + AXIS_KERNEL)
  const sw = load<i32>(p, CONV_WIDTH + AXIS_STRIDE), dw = load<i32>(p, CONV_WIDTH + AXIS_DILATION)
  const pw = load<i32>(p, CONV_WIDTH + AXIS_BEFORE)
  const cell = <usize>C << 2, piece = <usize>count << 2, run = piece * kw
  const lineStep = <usize>(dh * W) * cell
  const isRun = dw == 1 && count == C // a row of taps is one run of the image

  let ow = row % OW, above = row / OW
  let oh = above % OH
  above /= OH
  let od = above % OD
  let image = x + <usize>(above / OD) * <usize>(D * H * W) * cell + (<usize>from << 2)
  for (let r = 0; r < rows; r++) {
    const d0 = od * sd - pd, h0 = oh * sh - ph, w0 = ow * sw - pw
    // taps first to last - 1 of a run lie in the image
    const first = min(max(-w0, 0), kw), last = max(min(W - w0, kw), first)
    const before = <usize>first * piece, inside = <usize>(last - first) * piece
    for (let i = 0, d = d0; i < kd; i++) {
      let line = image + <isize>((d * H + h0) * W + w0) * cell
      for (let j = 0, h = h0; j < kh; j++) {
        if (<u32>d < <u32>D && <u32>h < <u32>H) {
          if (isRun) accumulate(line + before, patch + before, inside)
          else {
            for (let k = 0, w = 0, o: usize = 0; k < kw; k++) {
              if (<u32>(w0 + w) < <u32>W) accumulate(line + <usize>w * cell, patch + o, piece)
              w += dw
              o += piece
            }
          }
        }
        patch += run
        line += lineStep
        h += dh
      }
      d += dd
    }
    if (++ow == OW) {
      ow = 0
      if (++oh == OH) {
        oh = 0
        if (++od == OD) {
          od = 0
          image += <usize>(D * H * W) * cell
        }
      }
    }
  }
}

/** Cells that the windows of `count` positions of the axis at `axis` span. */
@inline
function span(axis: usize, count: i32): i32 {
  return (count - 1) * load<i32>(axis, AXIS_STRIDE) + (load<i32>(axis, AXIS_KERNEL) - 1) * load<i32>(axis, AXIS_DILATION) + 1
}

/** Samples [samples, PD, PH, PW, C] of x between zeros: from line `top` of the padded image on. */
function pad(p: usize, dst: usize, x: usize, samples: i32, PD: i32, top: i32, PH: i32, PW: i32): void {
  const D = load<i32>(p, CONV_DEPTH + AXIS_SIZE), pd = load<i32>(p, CONV_DEPTH + AXIS_BEFORE)
  const H = load<i32>(p, CONV_HEIGHT + AXIS_SIZE), ph = load<i32>(p, CONV_HEIGHT + AXIS_BEFORE)
  const W = load<i32>(p, CONV_WIDTH + AXIS_SIZE), pw = load<i32>(p, CONV_WIDTH + AXIS_BEFORE)
  const cell = <usize>load<i32>(p, CONV_C) << 2
  const line = <usize>PW * cell, before = <usize>min(pw, PW) * cell, inside = <usize>max(min(W, PW - pw), 0) * cell
  for (let n = 0; n < samples; n++) {
    for (let d = -pd; d < PD - pd; d++) {
      for (let h = top - ph; h < top - ph + PH; h++) {
        if (<u32>d < <u32>D && <u32>h < <u32>H) {
          clearLoose(dst, before)
          copyLoose(dst + before, x + <usize>((d * H + h) * W) * cell, inside)
          clearLoose(dst + before + inside, line - before - inside)
        } else clearLoose(dst, line)
        dst += line
      }
    }
    x += <usize>(D * H * W) * cell
  }
}

/**
 * The list of rows and the offsets of runs of `lines` lines of positions, from `line` on, of `samples` samples from x on;
 * x is padded first, if it is to be.
 */
function listPatches(p: usize, x: usize, samples: i32, line: i32, lines: i32): void {
  const depthAxis = p + CONV_DEPTH, heightAxis = p + CONV_HEIGHT, widthAxis = p + CONV_WIDTH
  const OD = load<i32>(depthAxis, AXIS_OUTPUT), OW = load<i32>(widthAxis, AXIS_OUTPUT)
  const window = <usize>load<u32>(p, CONV_PATCHES), cell = <usize>load<i32>(p, CONV_C) << 2
  const top = line * load<i32>(heightAxis, AXIS_STRIDE)
  let D = load<i32>(depthAxis, AXIS_SIZE), H = load<i32>(heightAxis, AXIS_SIZE), W = load<i32>(widthAxis, AXIS_SIZE)
  let base = x + <usize>(top * W) * cell
  if (window) {
    D = span(depthAxis, OD)
    H = span(heightAxis, lines)
    W = span(widthAxis, OW)
    pad(p, window, x, samples, D, top, H, W)
    base = window
  }
  const row = <usize>W * cell, plane = row * H
  let list = <usize>load<u32>(p, CONV_LIST)
  const step = <usize>load<i32>(widthAxis, AXIS_STRIDE) * cell
  for (let n = 0; n < samples; n++) {
    for (let d = 0; d < OD; d++) {
      for (let h = 0; h < lines; h++) {
        let at = base + plane * (n * D + d * load<i32>(depthAxis, AXIS_STRIDE)) + row * (h * load<i32>(heightAxis, AXIS_STRIDE))
        for (let w = 0; w < OW; w++) {
          store<u32>(list, <u32>at)
          list += 4
          at += step
        }
      }
    }
  }
  for (let i = 0; i < ROWS_SPARE; i++) store<u32>(list + (<usize>i << 2), <u32>base)

  const bytes = <usize>load<i32>(p, CONV_RUN) << 2, piece = cell / load<i32>(p, CONV_GROUPS)
  const kw = load<i32>(widthAxis, AXIS_KERNEL), isRow = bytes >= piece * kw // a row of taps is one run
  const taps = isRow ? 1 : kw, length = isRow ? bytes : piece
  let offset = <usize>load<u32>(p, CONV_OFFSETS)
  for (let i = 0; i < load<i32>(depthAxis, AXIS_KERNEL); i++) {
    for (let j = 0; j < load<i32>(heightAxis, AXIS_KERNEL); j++) {
      const at = plane * (i * load<i32>(depthAxis, AXIS_DILATION)) + row * (j * load<i32>(heightAxis, AXIS_DILATION))
      for (let k = 0; k < taps; k++) {
        const tap = at + cell * (k * load<i32>(widthAxis, AXIS_DILATION))
        for (let o: usize = 0; o < length; o += bytes) {
          store<u32>(offset, <u32>(tap + o))
          offset += 4
        }
      }
    }
  }
}

/** Cells of an image. */
@inline
function cellsOf(p: usize): i32 {
  const planes = load<i32>(p, CONV_DEPTH + AXIS_SIZE)
  return planes * load<i32>(p, CONV_HEIGHT + AXIS_SIZE) * load<i32>(p, CONV_WIDTH + AXIS_SIZE)
}

/** Positions of a sample. */
@inline
function positionsOf(p: usize): i32 {
  const planes = load<i32>(p, CONV_DEPTH + AXIS_OUTPUT)
  return planes * load<i32>(p, CONV_HEIGHT + AXIS_OUTPUT) * load<i32>(p, CONV_WIDTH + AXIS_OUTPUT)
}

/** A group's kernels, of several: its columns of w, or back. */
function moveKernels(p: usize, w: usize, back: bool): void {
  const groups = load<i32>(p, CONV_GROUPS), filters = load<i32>(p, CONV_F) / groups
  if (groups == 1) return
  const K = load<i32>(p, CONV_TAPS) * load<i32>(p, CONV_C) / groups
  const wide = <usize>load<i32>(p, CONV_F) << 2, narrow = <usize>filters << 2
  let part = <usize>load<u32>(p, CONV_KERNEL_PART)
  for (let group = 0; group < groups; group++) {
    if (back) copyColumns(w, wide, part, narrow, K, filters)
    else copyColumns(part, narrow, w, wide, K, filters)
    part += narrow * K
    w += narrow
  }
}

/**
 * y, or dw += ..., of `count` rows listed from `list` on, y's first at `whole`. `kernel`: w or dw, of several groups dense
 * matrices one after the other.
 */
function productOfList(p: usize, isForward: bool, kernel: usize, whole: usize, list: usize, count: i32, adds: bool): void {
  const rowsPart = <usize>load<u32>(p, CONV_ROWS_PART), F = load<i32>(p, CONV_F), groups = load<i32>(p, CONV_GROUPS)
  const channels = load<i32>(p, CONV_C) / groups, filters = F / groups, K = load<i32>(p, CONV_TAPS) * channels
  const wide = <usize>F << 2, narrow = <usize>filters << 2
  const bias = <usize>load<u32>(p, CONV_BIAS)
  for (let group = 0; group < groups; group++) {
    const own = whole + <usize>group * narrow // the group's columns
    const block = groups > 1 ? rowsPart : whole
    if (isForward) {
      const from = bias ? bias + <usize>group * narrow : 0
      multiply(p, block, list, kernel, count, filters, K, MATMUL_ROWS, from, load<u64>(p, CONV_FN))
      if (groups > 1) copyColumns(own, wide, block, narrow, count, filters)
    } else {
      if (groups > 1) copyColumns(block, narrow, own, wide, count, filters)
      const flags = MATMUL_ROWS | MATMUL_TRANSPOSE_A | (adds ? MATMUL_ACCUMULATE : 0)
      multiply(p, kernel, list, block, K, filters, count, flags, 0, 0)
    }
    kernel += narrow * K
    moveList(list, count, channels << 2) // to the next group's channels
  }
}

/** Every row of the list by `bytes`. */
function moveList(list: usize, count: i32, bytes: u32): void {
  for (const end = list + (<usize>count << 2); list < end; list += 4) store<u32>(list, load<u32>(list) + bytes)
}

/** Multiply-adds of a sample. */
@inline
export function workOf(p: usize): f64 {
  const K = load<i32>(p, CONV_TAPS) * load<i32>(p, CONV_C) / load<i32>(p, CONV_GROUPS)
  return <f64>positionsOf(p) * <f64>K * <f64>load<i32>(p, CONV_F)
}

/** Samples `from` to `end`, block by block: y of x (forward), or dw of x and dy. */
function convolve(p: usize, isForward: bool, x: usize, w: usize, y: usize, from: i32, end: i32): void {
  const block = load<i32>(p, CONV_BLOCK), lines = load<i32>(p, CONV_HEIGHT + AXIS_OUTPUT)
  const sample = <usize>(cellsOf(p) * load<i32>(p, CONV_C)) << 2
  const wide = <usize>load<i32>(p, CONV_F) << 2, positions = positionsOf(p)
  const samples = max(block, 1), linesOfBlock = block > 0 ? lines : -block
  const kernel = load<i32>(p, CONV_GROUPS) > 1 ? <usize>load<u32>(p, CONV_KERNEL_PART) : w
  // dw: rows that are summed in `to` by now; dw itself is the first range's
  const bytes: usize = isForward ? 0 : weightBytes(p), long = <usize>load<u32>(p, CONV_LONG)
  const cut = long + (bytes + 63 & ~63)
  let row = from * positions, to = kernel, summed = 0
  for (let n = from; n < end; n += samples) {
    const some = min(samples, end - n)
    for (let line = 0; line < lines; line += linesOfBlock) {
      const height = min(linesOfBlock, lines - line)
      const count = some * (positions / lines) * height
      listPatches(p, x + sample * n, some, line, height)
      const list = <usize>load<u32>(p, CONV_LIST), most = isForward ? count : LONG_DEPTH
      for (let done = 0; done < count; done += most) {
        if (!isForward && summed >= LONG_DEPTH) {
          if (to != kernel) fold(kernel, long, cut, bytes)
          else memory.fill(cut, 0, bytes)
          to = long
          summed = 0
        }
        const part = min(most, count - done)
        productOfList(p, isForward, to, y + wide * row, list + (<usize>done << 2), part, summed > 0)
        row += part
        summed += part
      }
    }
  }
  if (to != kernel) fold(kernel, long, cut, bytes)
}

/** words: y, x, w, ... */
export function conv(p: usize): void {
  if (load<i32>(p, CONV_TILED)) return winograd(p)
  moveKernels(p, load<u32>(p, CONV_B), false)
  split(convPart.index, p, load<i32>(p, CONV_SAMPLES), max(load<i32>(p, CONV_BLOCK), 1), workOf(p))
}

function convPart(words: usize, from: i32, end: i32, part: i32): void {
  const p = wordsOf(words, part)
  convolve(p, true, load<u32>(p, CONV_A), load<u32>(p, CONV_B), load<u32>(p, CONV_DST), from, end)
}

/** words: dw, x, dy, ... */
export function convWeightGrad(p: usize): void {
  const ranges = load<i32>(p, CONV_RANGES)
  if (ranges == 1) {
    convWeightGradPart(p, 0, 1, 0) // its products are split
    moveKernels(p, load<u32>(p, CONV_DST), true)
    return
  }
  split(convWeightGradPart.index, p, ranges, 1, workOf(p) * <f64>load<i32>(p, CONV_SAMPLES) / <f64>ranges)
  split(sumPart.index, p, <i32>(weightBytes(p) >> 2), 16, FLOAT_WORK * <f64>(ranges - 1))
}

/** dw += those of the other ranges of samples, of floats `from` to `end`. */
function sumPart(p: usize, from: i32, end: i32, _: i32): void {
  const step = weightBytes(p) + 63 & ~63, at = <usize>from << 2
  let sum = <usize>load<u32>(p, CONV_SUMS) + at
  for (let i = load<i32>(p, CONV_RANGES); i > 1; i--) {
    accumulate(<usize>load<u32>(p, CONV_DST) + at, sum, <usize>(end - from) << 2)
    sum += step
  }
}

function convWeightGradPart(words: usize, from: i32, end: i32, part: i32): void {
  const p = wordsOf(words, part)
  const samples = load<i32>(p, CONV_SAMPLES), ranges = load<i32>(p, CONV_RANGES), step = weightBytes(p) + 63 & ~63
  for (let i = from; i < end; i++) {
    const dw: usize = i ? <usize>load<u32>(p, CONV_SUMS) + step * (i - 1) : <usize>load<u32>(p, CONV_DST)
    const first = partStart(samples, 1, i, ranges), last = partStart(samples, 1, i + 1, ranges)
    if (load<i32>(p, CONV_TILED)) winogradWeightGrad(p, dw, first, last)
    else convolve(p, false, load<u32>(p, CONV_A), dw, load<u32>(p, CONV_B), first, last)
  }
}

/** words: dx, dy, w, ... */
export function convInputGrad(p: usize): void {
  if (load<i32>(p, CONV_TILED)) return winograd(p)
  moveKernels(p, load<u32>(p, CONV_B), false)
  split(convInputGradPart.index, p, load<i32>(p, CONV_SAMPLES), 1, workOf(p))
}

function convInputGradPart(words: usize, from: i32, end: i32, part: i32): void {
  const p = wordsOf(words, part)
  const dx = <usize>load<u32>(p, CONV_DST), dy = <usize>load<u32>(p, CONV_A)
  const patches = <usize>load<u32>(p, CONV_PATCHES), rowsPart = <usize>load<u32>(p, CONV_ROWS_PART)
  const blockRows = load<i32>(p, CONV_BLOCK), F = load<i32>(p, CONV_F), groups = load<i32>(p, CONV_GROUPS)
  const channels = load<i32>(p, CONV_C) / groups, filters = F / groups, K = load<i32>(p, CONV_TAPS) * channels
  const wide = <usize>F << 2, narrow = <usize>filters << 2
  const cells = cellsOf(p)
  const sample = <usize>(cells * load<i32>(p, CONV_C)) << 2
  memory.fill(dx + sample * from, 0, sample * (end - from))
  const rows = end * positionsOf(p)
  for (let row = from * positionsOf(p); row < rows; row += blockRows) {
    const count = min(blockRows, rows - row)
    let kernel = <usize>(groups > 1 ? load<u32>(p, CONV_KERNEL_PART) : load<u32>(p, CONV_B))
    for (let group = 0; group < groups; group++) {
      let block = dy + wide * row
      if (groups > 1) {
        copyColumns(rowsPart, narrow, block + narrow * group, wide, count, filters)
        block = rowsPart
      }
      multiply(p, patches, block, kernel, count, K, filters, MATMUL_TRANSPOSE_B, 0, 0)
      scatter(p, patches, dx, row, count, group * channels, channels)
      kernel += narrow * K
    }
  }
}
