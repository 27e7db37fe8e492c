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
// K = taps * C / groups. conv alone adds a bias (0: none) and applies a function: bias, fn, alpha.
import { HEADER_MATMUL, MATMUL_ACCUMULATE, MATMUL_TRANSPOSE_A, MATMUL_TRANSPOSE_B } from '../abi'
import { storeTail } from '../lanes'

/** Byte offset of the first axis among the words; an axis has six. */
const AXES = 56
const BIAS = 128, FN = 132

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

/** `bytes` at src to dst, `count` times, `ds` and `ss` bytes apart; loosely, or exact. */
function copyRuns(dst: usize, ds: usize, src: usize, ss: usize, count: i32, bytes: usize, exact: bool): void {
  const whole = exact ? bytes & ~15 : (bytes + 15) & ~15, rest = bytes - min(bytes, whole)
  const end = dst + ds * count
  for (; dst < end; dst += ds) {
    for (let o: usize = 0; o < whole; o += 16) v128.store(dst + o, v128.load(src + o))
    if (rest) {
      const x = v128.load(src + whole)
      if (rest >= 8) v128.store_lane<f64>(dst + whole, x, 0)
      if (rest == 12) v128.store_lane<f32>(dst + whole, x, 2, 8)
      else if (rest == 4) v128.store_lane<f32>(dst + whole, x, 0)
    }
    src += ss
  }
}

/** The same with zeros, always exact. */
function clearRuns(dst: usize, ds: usize, count: i32, bytes: usize): void {
  for (let i = 0; i < count; i++) {
    memory.fill(dst, 0, bytes)
    dst += ds
  }
}

/** Patches of all channels whose rows of taps lie between the image's sides: for all of a row of positions, line by line. */
function gatherInside(p: usize, patch: usize, x: usize, row: i32, rows: i32): void {
  const D = load<i32>(p, AXES), OD = load<i32>(p, AXES + 4), kd = load<i32>(p, AXES + 8)
  const sd = load<i32>(p, AXES + 12), dd = load<i32>(p, AXES + 16), pd = load<i32>(p, AXES + 20)
  const H = load<i32>(p, AXES + 24), OH = load<i32>(p, AXES + 28), kh = load<i32>(p, AXES + 32)
  const sh = load<i32>(p, AXES + 36), dh = load<i32>(p, AXES + 40), ph = load<i32>(p, AXES + 44)
  const W = load<i32>(p, AXES + 48), OW = load<i32>(p, AXES + 52), sw = load<i32>(p, AXES + 60)
  const cell = <usize>load<i32>(p, 40) << 2, run = cell * load<i32>(p, AXES + 56), step = run * (kd * kh)
  const w = row % OW * sw - load<i32>(p, AXES + 68), above = row / OW
  const h0 = above % OH * sh - ph, d0 = above / OH % OD * sd - pd
  const image = x + <usize>(above / OH / OD * D * H * W + w) * cell
  for (let i = 0, d = d0; i < kd; i++) {
    for (let j = 0, h = h0; j < kh; j++) {
      if (<u32>d < <u32>D && <u32>h < <u32>H) {
        // behind the last line lies the next patch, which has its first lines already
        const exact = i == kd - 1 && j == kh - 1
        copyRuns(patch, step, image + <usize>((d * H + h) * W) * cell, cell * sw, rows, run, exact)
      } else clearRuns(patch, step, rows, run)
      patch += run
      h += dh
    }
    d += dd
  }
}

/** patches of `rows` output rows from `row` on, channels `from` to `from + count`. */
function gather(p: usize, patch: usize, x: usize, row: i32, rows: i32, from: i32, count: i32): void {
  const W = load<i32>(p, AXES + 48), OW = load<i32>(p, AXES + 52), kw = load<i32>(p, AXES + 56)
  const sw = load<i32>(p, AXES + 60), pw = load<i32>(p, AXES + 68)
  const isRun = load<i32>(p, AXES + 64) == 1 && count == load<i32>(p, 40)
  // positions first to last - 1 of a row have all their taps inside
  const last = isRun && W + pw >= kw ? min((W + pw - kw) / sw + 1, OW) : 0, first = min((pw + sw - 1) / sw, last)
  const step = <usize>(load<i32>(p, 52) * count) << 2
  while (rows > 0) {
    const at = row % OW, inside = at >= first && at < last
    const some = last == 0 ? rows : min(rows, (inside ? last : at < first ? first : OW) - at)
    if (inside) gatherInside(p, patch, x, row, some)
    else walk(p, patch, x, row, some, from, count, false)
    patch += step * some
    row += some
    rows -= some
  }
}

function scatter(p: usize, patch: usize, x: usize, row: i32, rows: i32, from: i32, count: i32): void {
  walk(p, patch, x, row, rows, from, count, true)
}

/** c[M,N] = a.b by the core's matmul; `end`: fn and alpha. */
function multiply(
  p: usize, c: usize, a: usize, b: usize, M: i32, N: i32, K: i32, flags: i32, bias: usize, end: u64,
): void {
  const words = <usize>load<u32>(p, 28)
  store<u32>(words, <u32>c)
  store<u32>(words, <u32>a, 4)
  store<u32>(words, <u32>b, 8)
  store<u32>(words, <u32>bias, 12)
  store<i32>(words, M, 16)
  store<i32>(words, N, 20)
  store<i32>(words, K, 24)
  store<i32>(words, flags, 28)
  store<u64>(words, end, 32)
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
  const bias = <usize>load<u32>(p, BIAS)
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
        multiply(p, block, patches, kernel, count, filters, K, 0, bias ? bias + own : 0, load<u64>(p, FN))
        if (isPart) copyColumns(whole + own, wide, block, narrow, count, filters)
      } else if (what == INPUT) {
        multiply(p, patches, block, kernel, count, K, filters, MATMUL_TRANSPOSE_B, 0, 0)
        scatter(p, patches, image, row, count, group * channels, channels)
      } else {
        const flags = MATMUL_TRANSPOSE_A | (row > 0 ? MATMUL_ACCUMULATE : 0)
        multiply(p, kernel, patches, block, K, filters, count, flags, 0, 0)
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
