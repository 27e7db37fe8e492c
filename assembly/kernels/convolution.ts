// Convolution over three axes, and its two gradients, as matrix products with patches:
//   patches[row, tap, c] = x[n, position * stride - before + tap * dilation, c], 0 outside; row: (n, output position)
//   y = patches . w      dw = patches^T . dy      dpatches = dy . w^T, each added where its patch came from
// x [N, D, H, W, C], w [kd, kh, kw, C / groups, F], y [N, OD, OH, OW, F]; 1-D and 2-D have axes of size 1. Patches are
// made for a block of rows at a time, so that they stay in L2; the product is the core's.
// With several groups, a group's columns of w and of y's rows are copied to and from dense matrices.
//
// words of all three: dst, two sources, matmul (header), patches [blockRows, K + a vector in all], kernel part
// [K, F / groups], rows part [blockRows, F / groups], matmul words (its scratch 64 bytes behind), blockRows, N, C, F,
// groups, taps, then for each axis: input size, output size, kernel size, stride, dilation, padding before.
// K = taps * C / groups.
import { HEADER_MATMUL, MATMUL_ACCUMULATE, MATMUL_TRANSPOSE_A, MATMUL_TRANSPOSE_B } from '../abi'
import { storeTail } from '../lanes'

/** Byte offset of the first axis among the words; an axis has six. */
const AXES = 56

/** dst = src, `bytes` (a multiple of 4); up to 12 bytes behind either are read and written, too. */
@inline
function copyLoose(dst: usize, src: usize, bytes: usize): void {
  for (let o: usize = 0; o < bytes; o += 16) v128.store(dst + o, v128.load(src + o))
}

/** dst = 0 likewise. */
@inline
function clearLoose(dst: usize, bytes: usize): void {
  for (let o: usize = 0; o < bytes; o += 16) v128.store(dst + o, f32x4.splat(0))
}

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

/**
 * Walks the patches of `rows` output rows from `row` on, channels `from` to `from + count`.
 * back false: patch = image, 0 outside. back true: image += patch.
 * A patch's bytes are written in ascending order, so what a loose copy leaves behind is overwritten by the next.
 */
@inline
function walk(p: usize, patch: usize, x: usize, row: i32, rows: i32, from: i32, count: i32, back: bool): void {
  const C = load<i32>(p, 40)
  const D = load<i32>(p, AXES), OD = load<i32>(p, AXES + 4), kd = load<i32>(p, AXES + 8)
  const sd = load<i32>(p, AXES + 12), dd = load<i32>(p, AXES + 16), pd = load<i32>(p, AXES + 20)
  const H = load<i32>(p, AXES + 24), OH = load<i32>(p, AXES + 28), kh = load<i32>(p, AXES + 32)
  const sh = load<i32>(p, AXES + 36), dh = load<i32>(p, AXES + 40), ph = load<i32>(p, AXES + 44)
  const W = load<i32>(p, AXES + 48), OW = load<i32>(p, AXES + 52), kw = load<i32>(p, AXES + 56)
  const sw = load<i32>(p, AXES + 60), dw = load<i32>(p, AXES + 64), pw = load<i32>(p, AXES + 68)
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
        if (<u32>d >= <u32>D || <u32>h >= <u32>H) {
          if (!back) clearLoose(patch, run)
        } else if (isRun) {
          if (back) accumulate(line + before, patch + before, inside)
          else if (inside == run) copyLoose(patch, line, run)
          else {
            clearLoose(patch, before)
            copyLoose(patch + before, line + before, inside)
            clearLoose(patch + before + inside, run - before - inside)
          }
        } else {
          for (let k = 0, w = 0, o: usize = 0; k < kw; k++) {
            const at = line + <usize>w * cell
            if (<u32>(w0 + w) >= <u32>W) {
              if (!back) clearLoose(patch + o, piece)
            } else if (back) accumulate(at, patch + o, piece)
            else copyLoose(patch + o, at, piece)
            w += dw
            o += piece
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

function gather(p: usize, patch: usize, x: usize, row: i32, rows: i32, from: i32, count: i32): void {
  walk(p, patch, x, row, rows, from, count, false)
}

function scatter(p: usize, patch: usize, x: usize, row: i32, rows: i32, from: i32, count: i32): void {
  walk(p, patch, x, row, rows, from, count, true)
}

/** c[M,N] = a.b by the core's matmul. */
function multiply(p: usize, c: usize, a: usize, b: usize, M: i32, N: i32, K: i32, flags: i32): void {
  const words = <usize>load<u32>(p, 28)
  store<u32>(words, <u32>c)
  store<u32>(words, <u32>a, 4)
  store<u32>(words, <u32>b, 8)
  store<u32>(words, 0, 12)
  store<i32>(words, M, 16)
  store<i32>(words, N, 20)
  store<i32>(words, K, 24)
  store<i32>(words, flags, 28)
  store<u64>(words, 0, 32) // no activation
  store<u32>(words, <u32>words + 64, 40)
  call_indirect<void>(load<u32>(load<u32>(p, 12), HEADER_MATMUL), words)
}

/** Output rows: N OD OH OW. */
@inline
function rowsOf(p: usize): i32 {
  return load<i32>(p, 36) * load<i32>(p, AXES + 4) * load<i32>(p, AXES + 28) * load<i32>(p, AXES + 52)
}

// What each kernel does to a block.
const FORWARD = 0
const INPUT = 1
const WEIGHT = 2

/** image: x or dx; w: w or dw; y: y or dy. */
@inline
function convolve(p: usize, what: i32, image: usize, w: usize, y: usize): void {
  const patches = <usize>load<u32>(p, 16), kernelPart = <usize>load<u32>(p, 20), rowsPart = <usize>load<u32>(p, 24)
  const blockRows = load<i32>(p, 32), F = load<i32>(p, 44), groups = load<i32>(p, 48)
  const channels = load<i32>(p, 40) / groups, filters = F / groups
  const K = load<i32>(p, 52) * channels, rows = rowsOf(p)
  const wide = <usize>F << 2, narrow = <usize>filters << 2
  for (let group = 0; group < groups; group++) {
    const own = <usize>group * narrow // the group's columns
    const isPart = groups > 1
    const kernel = isPart ? kernelPart : w
    if (isPart && what != WEIGHT) copyColumns(kernel, narrow, w + own, wide, K, filters)
    for (let row = 0; row < rows; row += blockRows) {
      const count = min(blockRows, rows - row)
      const whole = y + <usize>row * wide
      const block = isPart ? rowsPart : whole
      if (isPart && what != FORWARD) copyColumns(block, narrow, whole + own, wide, count, filters)
      if (what != INPUT) gather(p, patches, image, row, count, group * channels, channels)
      if (what == FORWARD) {
        multiply(p, block, patches, kernel, count, filters, K, 0)
        if (isPart) copyColumns(whole + own, wide, block, narrow, count, filters)
      } else if (what == INPUT) {
        multiply(p, patches, block, kernel, count, K, filters, MATMUL_TRANSPOSE_B)
        scatter(p, patches, image, row, count, group * channels, channels)
      } else {
        const flags = MATMUL_TRANSPOSE_A | (row > 0 ? MATMUL_ACCUMULATE : 0)
        multiply(p, kernel, patches, block, K, filters, count, flags)
      }
    }
    if (isPart && what == WEIGHT) copyColumns(w + own, wide, kernel, narrow, K, filters)
  }
}

/** words: y, x, w, ... */
export function conv(p: usize): void {
  convolve(p, FORWARD, load<u32>(p, 4), load<u32>(p, 8), load<u32>(p))
}

/** words: dx, dy, w, ... */
export function convInputGrad(p: usize): void {
  const dx = <usize>load<u32>(p)
  const cells = load<i32>(p, AXES) * load<i32>(p, AXES + 24) * load<i32>(p, AXES + 48)
  memory.fill(dx, 0, <usize>(load<i32>(p, 36) * cells * load<i32>(p, 40)) << 2)
  convolve(p, INPUT, dx, load<u32>(p, 8), load<u32>(p, 4))
}

/** words: dw, x, dy, ... */
export function convWeightGrad(p: usize): void {
  convolve(p, WEIGHT, load<u32>(p, 4), load<u32>(p), load<u32>(p, 8))
}
